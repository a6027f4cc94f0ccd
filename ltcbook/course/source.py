"""The exercises of a chapter as its notebook holds them: the one source of every release.

An exercise is a Markdown cell tagged `exercise` that begins **Exercise 3 (medium).** What belongs to it
follows: pairs of cells tagged `answer` and `check`, and cells tagged `solution`, in any number.

An answer cell holds lines `name = expression` and nothing else. A line that ends with
`# in the text: $\\tau = {}$ ms; others: 3, 4, 5` gives a number that stands in the exercise's text, and the
numbers that another variant may put in its place. The other names are what a student finds.

A check cell holds properties that a student may read, then a line `# HIDDEN`, then what compares the answer.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).parents[2]
HEAD = re.compile(r"\*\*Exercise (\d+) \((easy|medium|hard|build|research)\)\.\*\*")
GIVEN = re.compile(r"#\s*in the text:\s*(?P<texts>.+?)\s*;\s*others:\s*(?P<others>.+)$")
HIDDEN = "# HIDDEN"
BY_HAND = "by-hand"  # a tag of the exercise: a part of it is read by a person, whatever a program checks
Cell = Any  # a notebook's cell


@dataclass(frozen=True)
class Given:
    """A number of an exercise's text: where it stands (`{}` for each part), and what else it may be."""

    name: str
    value: str
    texts: tuple[str, ...]
    others: tuple[str, ...]

    def stands(self, value: str) -> list[str]:
        """The pieces of text that show a value, one for each template."""
        parsed = ast.literal_eval(value)
        parts = [str(part) for part in parsed] if isinstance(parsed, tuple) else [value]
        return [_filled(text, parts) for text in self.texts]


@dataclass(frozen=True)
class Part:
    """One pair of an answer and its check."""

    answer: Cell
    check: Cell
    given: tuple[Given, ...]
    names: tuple[str, ...]  # what a student finds

    @property
    def visible(self) -> str:
        """The properties that a student may read."""
        return self.check.source.partition(HIDDEN)[0].strip("\n")

    @property
    def hidden(self) -> str:
        """What compares the answer."""
        return self.check.source.partition(HIDDEN)[2].strip("\n")


@dataclass(frozen=True)
class Exercise:
    """One exercise of a chapter: its text, what a program checks, and what the page shows as its solution."""

    chapter: str
    number: int
    level: str
    cell: Cell
    parts: tuple[Part, ...]
    solutions: tuple[Cell, ...] = field(repr=False)

    @property
    def name(self) -> str:
        """A name that no other exercise of the book has, as in ltc-3."""
        return f"{self.chapter.replace('_', '-')}-{self.number}"

    @property
    def title(self) -> str:
        """What the text calls it, as in Exercise 3."""
        return f"Exercise {self.number}"

    @property
    def by_hand(self) -> bool:
        """Whether a person reads the answer, or a part of it."""
        return not self.parts or BY_HAND in tags(self.cell)

    @property
    def varies(self) -> bool:
        """Whether another variant has other numbers."""
        return any(part.given for part in self.parts)


def tags(cell: Cell) -> list[str]:
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def chapters(root: Path = ROOT) -> list[str]:
    """The names of the chapters that have exercises, in the order of the book."""
    from sphinx_external_toc.parsing import parse_toc_yaml

    names = [Path(name).name for name in parse_toc_yaml(root / "_toc.yml")]
    paths = {name: root / "chapters" / f"{name}.ipynb" for name in names}
    return [name for name, path in paths.items() if path.is_file() and '"exercise"' in path.read_text("utf8")]


def read(chapter: str, root: Path = ROOT) -> nbformat.NotebookNode:
    """A chapter's notebook; ValueError for a name that no chapter has."""
    if chapter not in chapters(root):
        raise ValueError(f"{chapter!r} is no chapter with exercises; there are {', '.join(chapters(root))}.")
    return nbformat.read(root / "chapters" / f"{chapter}.ipynb", as_version=4)


def exercises(chapter: str, notebook: nbformat.NotebookNode) -> list[Exercise]:
    """All exercises of a chapter; ValueError, with the cell's name, for one that is only half there."""
    found = []
    for cell, following in groups(notebook.cells):
        head = HEAD.search(cell.source)
        if head is None:
            raise ValueError(f'{chapter}, cell {cell.id}: an exercise begins "**Exercise 1 (easy).**".')
        parts, waiting = [], None
        for other in following:
            kind = next((tag for tag in ("answer", "check") if tag in tags(other)), None)
            if kind == "answer" and waiting is None:
                waiting = other
            elif kind == "check" and waiting is not None:
                parts.append(part(chapter, cell, waiting, other))
                waiting = None
            elif kind:
                raise ValueError(f"{chapter}, cell {other.id}: {HALF[kind]}")
        if waiting is not None:
            raise ValueError(f"{chapter}, cell {waiting.id}: {HALF['answer']}")
        solutions = tuple(other for other in following if "solution" in tags(other))
        found.append(Exercise(chapter, int(head[1]), head[2], cell, tuple(parts), solutions))
    return found


HALF = {
    "answer": "this answer has no check; the cell below an answer is tagged `check`.",
    "check": "this check has no answer; the cell above a check is tagged `answer`.",
}


def groups(cells: list[Cell]) -> Iterator[tuple[Cell, list[Cell]]]:
    """Each exercise's cell with the cells that belong to it."""
    belongs = {"answer", "check", "solution"}
    for k, cell in enumerate(cells):
        if "exercise" not in tags(cell):
            continue
        following = []
        for other in cells[k + 1 :]:
            if not belongs & set(tags(other)):
                break
            following.append(other)
        yield cell, following


def part(chapter: str, exercise: Cell, answer: Cell, check: Cell) -> Part:
    """An answer and its check, read and tested; ValueError for what no release could use."""
    where = f"{chapter}, cell {answer.id}"
    given: list[Given] = []
    names: list[str] = []
    for line in statements(answer.source, where):
        match = GIVEN.search(line.source)
        if match is None:
            names += line.names
            continue
        texts = tuple(text.strip() for text in match["texts"].split(" | "))
        number = Given(line.names[0], line.value, texts, split(match["others"], where))
        for text in number.stands(number.value):
            if exercise.source.count(text) != 1:
                raise ValueError(f"{where}: {text!r} must stand once in the exercise's text.")
        given.append(number)
    if not names:
        raise ValueError(f"{where}: an answer cell gives at least one name to find.")
    source = check.source
    if source.count(HIDDEN) != 1 or not source.partition(HIDDEN)[2].strip():
        raise ValueError(
            f"{chapter}, cell {check.id}: a check cell has one line {HIDDEN}, and lines below it."
        )
    return Part(answer, check, tuple(given), tuple(names))


@dataclass(frozen=True)
class Line:
    """One statement `name = expression` of an answer cell."""

    names: tuple[str, ...]
    value: str
    source: str


def statements(source: str, where: str) -> list[Line]:
    """The statements of an answer cell; ValueError for one that is no `name = expression`."""
    lines, found = source.splitlines(), []
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise ValueError(f"{where}: line {error.lineno} of this answer is no Python.") from None
    for node in body:
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        if not all(isinstance(name, ast.Name) for name in names):
            raise ValueError(f"{where}: an answer cell holds lines `name = expression`, and not {text!r}.")
        value = ast.get_source_segment(source, node.value) if isinstance(node, ast.Assign) else ""
        found.append(Line(tuple(name.id for name in names if isinstance(name, ast.Name)), value or "", text))
    return found


def split(others: str, where: str) -> tuple[str, ...]:
    """The literals of a list `3, 4, (1, 2)`, as they are written."""
    try:
        tree = ast.parse(f"[{others}]", mode="eval").body
        values = tree.elts if isinstance(tree, ast.List) else []
        for value in values:
            ast.literal_eval(value)
    except (SyntaxError, ValueError):
        raise ValueError(f"{where}: {others!r} is no list of numbers.") from None
    return tuple(ast.get_source_segment(f"[{others}]", value) or "" for value in values)


def _filled(text: str, parts: list[str]) -> str:
    """A template with its `{}` filled one after the other."""
    pieces = text.split("{}")
    if len(pieces) != len(parts) + 1:
        raise ValueError(f"{text!r} has {len(pieces) - 1} places {{}} for {len(parts)} numbers.")
    return "".join(piece + part for piece, part in zip(pieces, [*parts, ""], strict=True))
