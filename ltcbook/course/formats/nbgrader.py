"""The form for nbgrader: a course's folder with the released notebooks, and settings for grading."""

import sys
from collections.abc import Iterator
from pathlib import Path

from nbformat import v4

from .. import paper
from ..paper import Paper
from ..source import Cell, Exercise
from .cells import EXPLAIN, GUARD, Seals, ask, hidden, reference, room, tool, write

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
HIDE, SHOW = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
NBGRADER = [sys.executable, "-m", "nbgrader"]
SETTINGS = Path(__file__).with_name("nbgrader_config.txt")


def make(made: Paper, folder: Path, seals: Seals) -> None:
    """A course's folder: `source/`, `release/`, the gradebook, and `nbgrader_config.py`."""
    settings = folder / "nbgrader_config.py"
    if not settings.exists():
        settings.write_text(SETTINGS.read_text("utf8"), "utf8")
        (folder / "guard.py").write_text(GUARD, "utf8")
    path = folder / "source" / made.chapter / f"{made.chapter}.ipynb"
    write(paper.notebook(made, list(cells(made, seals))), path)
    tool([*NBGRADER, "generate_assignment", made.chapter], folder)


def cells(made: Paper, seals: Seals) -> Iterator[Cell]:
    """The notebook from which nbgrader makes the students' copy."""
    for item in made.items:
        if not isinstance(item, Exercise):
            yield item
            continue
        yield graded(v4.new_markdown_cell(paper.question(item)), item.name, locked=True)
        for k, one in enumerate(item.parts):
            lines = [paper.head(item, one), paper.given_lines(one), BEGIN, paper.answer_lines(one), END]
            answer = v4.new_code_cell("\n".join(filter(None, lines)))
            answer.metadata["ltcbook"] = {"stub": paper.stub(item, one)}
            yield graded(answer, f"{item.name}-answer-{k}", solution=True)
            yield from filter(None, [ask(item, k, seals, visible=False)])
            test = v4.new_code_cell("\n".join(filter(None, [one.visible, HIDE, hidden(one), SHOW])))
            yield graded(test, f"{item.name}-check-{k}", grade=True, locked=True, points=1)
        if item.by_hand:
            *first, last = room(item)
            yield from first
            last.source = f"{EXPLAIN}\n\n{BEGIN}\n{reference(item)}\n{END}"
            last.metadata["ltcbook"] = {"stub": ""}
            yield graded(last, f"{item.name}-by-hand", grade=True, solution=True, points=3)


def graded(
    cell: Cell,
    name: str,
    *,
    grade: bool = False,
    solution: bool = False,
    locked: bool = False,
    points: int | None = None,
) -> Cell:
    """A cell with nbgrader's metadata, schema 3."""
    cell["id"] = name
    cell.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": name,
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
    } | ({} if points is None else {"points": points})
    return cell
