"""A bank of questions: every exercise that a program grades, in as many variants as wanted, with a key.

`python -m ltcbook.course bank CHAPTER... --variants 3 --to FOLDER` writes `bank.json` for other programs, and
for each variant `questions-1.md` and `key-1.md` for people.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from nbformat import v4

from . import links, needs, paper, source, variants
from .source import Exercise

VALUES = """\
import json
from IPython.display import display

def plain(value):
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, (tuple, list, set)):
        return [plain(each) for each in value]
    try:
        return float(value)
    except (TypeError, ValueError):
        return None  # a function or an array: no answer that one writes down

display({"application/json": {name: plain(value) for name, value in {NAMES}.items()}}, raw=True)"""


def add(parsers: argparse._SubParsersAction) -> None:
    """Add the command to the room's command line."""
    parser = parsers.add_parser("bank", help="questions in variants, with a key")
    parser.add_argument("chapters", nargs="+", metavar="CHAPTER", help="as in ltc; `all` for every chapter")
    parser.add_argument("--variants", type=int, default=3, metavar="NUMBER", help="default: %(default)s")
    parser.add_argument(
        "--to", type=Path, required=True, metavar="FOLDER", help="a folder that does not exist"
    )
    parser.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """The command; it prints what it made."""
    chapters = source.chapters() if arguments.chapters == ["all"] else arguments.chapters
    rows = bank(chapters, arguments.variants, arguments.to, print)
    print(f"{len(rows)} questions in {arguments.to}: bank.json, and for each variant a sheet and its key")
    return 0


def bank(chapters: Sequence[str], count: int, to: Path, say: Callable[[str], None]) -> list[dict]:
    """Write a bank into a new folder and return its questions; ValueError says why not."""
    if count < 1:
        raise ValueError(f"--variants is {count}; give 1 or more.")
    if to.exists():
        raise ValueError(f"{to} exists; give a folder that does not exist.")
    books = {chapter: source.read(chapter) for chapter in dict.fromkeys(chapters)}
    rows = []
    for chapter, book in books.items():
        for seed in range(1, count + 1):
            rows += questions(chapter, book, seed)
        say(f"{chapter}: {sum(row['chapter'] == chapter for row in rows)} questions")
    to.mkdir(parents=True)
    (to / "bank.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf8")
    for seed in range(1, count + 1):
        some = [row for row in rows if row["variant"] == seed]
        (to / f"questions-{seed}.md").write_text(sheet(some, seed), "utf8")
        (to / f"key-{seed}.md").write_text(key(some, seed), "utf8")
    return rows


def questions(chapter: str, book: paper.nbformat.NotebookNode, seed: int) -> list[dict]:
    """The questions of a chapter in one variant, with the answers that its own cells compute."""
    found = [each for each in source.exercises(chapter, book) if each.parts]
    found = [variants.variant(exercise, seed) for exercise in found]
    pairs = [cell for exercise in found for one in exercise.parts for cell in (one.answer, one.check)]
    belongs = {"answer", "check", "solution", "exercise", "setup"}
    chapter_cells = [cell for cell in book.cells if not belongs & set(source.tags(cell))]
    cells = needs.needed(chapter_cells, pairs)
    for exercise in found:
        for one in exercise.parts:
            names = ", ".join(f'"{name}": {name}' for name in one.names)
            show = VALUES.replace("{NAMES}", f"{{{names}}}")
            cells += [one.answer, one.check, v4.new_code_cell(show, id=f"{one.check.id}-values")]
    ran = v4.new_notebook(cells=cells, metadata=book.metadata)
    sealed = paper.run(ran, source.ROOT, 900)
    values = {cell.id: cell.outputs[-1].data["application/json"] for cell in ran.cells if "values" in cell.id}
    words = [cell for cell in book.cells if cell.cell_type == "markdown"]
    rows = [row(exercise, seed, sealed, values) for exercise in found]
    for each, exercise in zip(rows, found, strict=True):
        each["equations"] = links.cited(words, [exercise.cell])
    return rows


def row(exercise: Exercise, seed: int, sealed: dict[str, list[dict]], values: dict[str, dict]) -> dict:
    """One question as the bank keeps it."""
    answers = []
    for one in exercise.parts:
        known = {each["name"]: each for each in sealed[one.check.id]}
        for name in one.names:
            how = known.get(name, {})
            answers.append(
                {
                    "name": name,
                    "label": how.get("label") or name,
                    "value": values[f"{one.check.id}-values"][name],
                    "unit": how.get("unit", ""),
                    "rel": how.get("rel", 0),
                    "hints": [idea for _, idea in how.get("mistakes", [])],
                }
            )
    text = paper.v4.new_markdown_cell(exercise.cell.source)
    links.lead([text], exercise.chapter, "")
    return {
        "name": exercise.name,
        "chapter": exercise.chapter,
        "level": exercise.level,
        "variant": seed,
        "varies": exercise.varies,
        "text": text.source,
        "answers": answers,
    }


def sheet(rows: Sequence[dict], seed: int) -> str:
    """The questions of one variant, to print."""
    parts = [f"# Questions, variant {seed}"]
    for each in rows:
        parts += [f"## {each['name']}", each["text"], each["equations"]]
    return "\n\n".join(filter(None, parts)) + "\n"


def key(rows: Sequence[dict], seed: int) -> str:
    """The answers of one variant."""
    lines = [f"# Key, variant {seed}", "", "| question | answer | value | tolerance |", "|---|---|---|---|"]
    for each in rows:
        for answer in each["answers"]:
            tolerance = f"{100 * answer['rel']:g} %" if answer["rel"] else "exact"
            shown = written(answer["value"])
            value = f"{shown} {answer['unit']}".strip()
            lines.append(
                f"| {each['name']} | {answer['label']} | {value} | {tolerance if shown[0] != '(' else ''} |"
            )
    return "\n".join(lines) + "\n"


def written(value: object) -> str:
    """A value as the key shows it."""
    if value is None:
        return "(see the instructor's notebook)"
    if isinstance(value, list):
        return ", ".join(map(written, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
