"""A chapter as homework: its cells without solutions, and its exercises where they stand among them."""

import copy
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from json import loads
from pathlib import Path
from re import DOTALL, MULTILINE, findall, search

import nbformat
from nbformat import v4

from ltcbook.site import page_link, setup_cell

from . import links, needs, source
from .source import Cell, Exercise, Part, tags
from .variants import plain_answer, variant

# what a person gives a point for: in two words for the student, in a sentence for whoever grades
RUBRICS = {
    "build": {
        "experiment": "The experiment runs and measures what the exercise asks for.",
        "figure": "The result stands in a figure with labelled axes, or in a table.",
        "explanation": "The explanation uses an idea of the chapter and says what the result does not show.",
    },
    "research": {
        "question": "The question is so precise that an experiment or a proof can decide it.",
        "evidence": "The evidence is honest: several seeds or a complete argument, failures included.",
        "conclusion": "The conclusion claims no more than the evidence shows.",
    },
    "proof": {
        "set-up": "The argument starts from the right equations of the chapter.",
        "steps": "Each step follows from the one before, and each assumption is named where it is used.",
        "conclusion": "The conclusion is said in words, and every question of the exercise has its answer.",
    },
}


@dataclass(frozen=True)
class Paper:
    """A chapter as homework. ``items`` are cells of the chapter and exercises, in their order; the
    instructor's copy has ``whole``, with what the solutions need as well.
    """

    chapter: str
    items: tuple[Cell | Exercise, ...]
    whole: tuple[Cell | Exercise, ...]
    metadata: dict
    address: str
    revision: str
    site: str

    @property
    def exercises(self) -> list[Exercise]:
        """The exercises, in their order."""
        return [item for item in self.items if isinstance(item, Exercise)]


def make(
    chapter: str, *, only: bool, seed: int | None, address: str, revision: str, site: str, root: Path
) -> Paper:
    """Read a chapter and take out what no student may see; ValueError where nothing in it can be graded."""
    book = source.read(chapter, root)
    found = source.exercises(chapter, book)
    if not any(exercise.parts for exercise in found):
        raise ValueError(
            f"{chapter} has no exercise with an `answer` and a `check` cell, so nothing in it can be graded."
        )
    if seed is not None:
        found = [variant(exercise, seed) for exercise in found]
    by_id = {exercise.cell.id: exercise for exercise in found}
    belongs = {"answer", "check", "solution"}
    kept = whole = [cell for cell in book.cells if not belongs & set(tags(cell))]
    if only:
        title = search(r"^# (.+)$", book.cells[0].source, MULTILINE)
        name = title[1] if title else chapter
        kept, whole = (exercises_only(name, kept, found, solutions=solved) for solved in (False, True))
    items, all_items = (tuple(by_id.get(cell.id, cell) for cell in cells) for cells in (kept, whole))
    metadata = {key: book.metadata[key] for key in ("kernelspec", "language_info") if key in book.metadata}
    metadata["ltcbook"] = {"chapter": chapter}
    return Paper(chapter, items, all_items, metadata, address, revision, site)


def exercises_only(title: str, kept: list[Cell], found: list[Exercise], *, solutions: bool) -> list[Cell]:
    """The exercises' cells after what they need: the setup, definitions, and the equations that they cite."""
    own = []
    for exercise in found:
        pairs = [cell for one in exercise.parts for cell in (one.answer, one.check)]
        own += [exercise.cell, *pairs, *(exercise.solutions if solutions else ())]
    questions = {exercise.cell.id for exercise in found}
    before = [cell for cell in kept if cell.id not in questions and not setup_cell.is_setup(cell)]
    setup = [cell for cell in kept if setup_cell.is_setup(cell)]
    head = f"# Exercises: {title}"
    head += "\n\nThe cells below hold what the exercises need from the chapter. Run them first."
    cells = [v4.new_markdown_cell(head, id="title"), *setup, *needs.needed(before, own)]
    equations = links.cited(before, [exercise.cell for exercise in found])
    if equations:
        text = f"## Equations that the exercises cite\n\n{equations}"
        cells.append(v4.new_markdown_cell(text, id="equations"))
    return [*cells, v4.new_markdown_cell("## Exercises", id="exercises"), *(e.cell for e in found)]


# --- what a cell says ------------------------------------------------------------------------------------


def rubric(exercise: Exercise) -> dict[str, str]:
    """What a person gives a point for: names and sentences."""
    return RUBRICS.get(exercise.level, RUBRICS["proof"])


def question(exercise: Exercise) -> str:
    """The exercise's text, and below it what a person grades."""
    if not exercise.by_hand:
        return exercise.cell.source
    points = ", ".join(rubric(exercise))
    what = "What is asked beside the values" if exercise.parts else "This exercise"
    return f"{exercise.cell.source}\n\n*{what} is read by a person: a point each for {points}.*"


def head(exercise: Exercise, one: Part) -> str:
    """The first line of an answer cell: what is wanted."""
    return f"# {exercise.title}: give {listed(one.names)}."


def stub(exercise: Exercise, one: Part) -> str:
    """The line that stands in for an answer; it says whose it is."""
    return f'raise NotImplementedError("{exercise.name}, {exercise.title}: give {listed(one.names)}")'


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def given_lines(one: Part) -> str:
    """The lines of an answer cell that a student gets."""
    lines = plain_answer(one).split("\n")
    kept = [line for line in lines if any(line.startswith(f"{each.name} = ") for each in one.given)]
    return "\n".join(kept)


def answer_lines(one: Part) -> str:
    """The lines of an answer cell that are the solution."""
    text, given = plain_answer(one), given_lines(one).split("\n")
    return "\n".join(line for line in text.split("\n") if line not in given or not line)


# --- notebooks -------------------------------------------------------------------------------------------


def notebook(paper: Paper, cells: list[Cell]) -> nbformat.NotebookNode:
    """A notebook of these cells, whose setup cell and links know where the book is published."""
    made = v4.new_notebook(
        cells=[copy.deepcopy(cell) for cell in cells], metadata=copy.deepcopy(paper.metadata)
    )
    links.lead(made.cells, paper.chapter, paper.site)
    number = 0
    for cell in made.cells:
        cell.source = cell.source.rstrip("\n")
        if setup_cell.is_setup(cell):
            cell.source = setup_cell.source(paper.address, paper.revision)
        elif page_link.is_link(cell):
            number += 1
            cell.source = page_link.words(paper.address, paper.chapter, number)
    return made


def instructor(paper: Paper) -> list[Cell]:
    """The instructor's copy: every exercise with its answer, its whole check, its rubric and its solution."""
    return [cell for item in paper.whole for cell in instructor_cells(item)]


def instructor_cells(item: Cell | Exercise) -> Iterator[Cell]:
    """The cells of one item of the instructor's copy."""
    if not isinstance(item, Exercise):
        yield item
        return
    yield v4.new_markdown_cell(question(item), id=item.name)
    for k, one in enumerate(item.parts):
        yield v4.new_code_cell(f"{head(item, one)}\n{plain_answer(one)}", id=f"{item.name}-answer-{k}")
        yield v4.new_code_cell(one.check.source, id=f"{item.name}-check-{k}", metadata={"tags": ["check"]})
    if item.by_hand:
        lines = [f"- **{name}** (1 point). {text}" for name, text in rubric(item).items()]
        yield v4.new_markdown_cell("\n".join(["**Rubric**", "", *lines]), id=f"{item.name}-rubric")
    yield from item.solutions


def run(made: nbformat.NotebookNode, root: Path, timeout: int) -> dict[str, list[dict]]:
    """Run a notebook and return the sealed answers of each check cell; ValueError for a cell that fails."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    client = NotebookClient(
        made,
        timeout=timeout,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],  # else a kernel tells whoever releases how it is reached
        resources={"metadata": {"path": str(root / "chapters")}},
    )
    try:
        client.execute(env=os.environ | {"LTCBOOK_ANSWERS": "release"})
    except (CellExecutionError, CellTimeoutError) as error:
        text = str(error).strip().splitlines()
        name = made.metadata.get("ltcbook", {}).get("chapter", "")
        raise ValueError(f"{name}: the instructor's copy does not run: {text[-1]}") from None
    return {cell.id: sealed(cell) for cell in made.cells if "check" in tags(cell)}


def sealed(cell: Cell) -> list[dict]:
    """The sealed answers that a check cell has shown."""
    pages = ["".join(out["data"].get("text/html", "")) for out in cell.outputs if "data" in out]
    scripts = (text for page in pages for text in findall(r'class="ltc-answer">(.*?)</script>', page, DOTALL))
    return [loads(unescape(text)) for text in scripts]
