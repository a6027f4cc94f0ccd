"""The plain form: a student's notebook that nothing grades."""

from pathlib import Path

from nbformat import v4

from .. import paper
from ..paper import Paper
from ..source import Cell, Exercise, Part
from .cells import Seals, ask, room, write


def make(made: Paper, folder: Path, seals: Seals) -> None:
    """`student/CHAPTER.ipynb`; nothing grades it."""
    cells: list[Cell] = []
    for item in made.items:
        if not isinstance(item, Exercise):
            cells.append(item)
            continue
        cells.append(v4.new_markdown_cell(paper.question(item), id=item.name))
        for k, one in enumerate(item.parts):
            cells.append(v4.new_code_cell(blank(item, one), id=f"{item.name}-answer-{k}"))
            cells += filter(None, [ask(item, k, seals, visible=True)])
        if item.by_hand:
            cells += room(item)
    write(paper.notebook(made, cells), folder / "student" / f"{made.chapter}.ipynb")


def blank(exercise: Exercise, one: Part) -> str:
    """An answer cell without its answer."""
    lines = [paper.head(exercise, one), paper.given_lines(one), paper.stub(exercise, one)]
    return "\n".join(filter(None, lines))
