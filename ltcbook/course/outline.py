"""The chapters in the words of their own first lines: what each needs, and its exercises.

`python -m ltcbook.course outline` writes `ltcbook/data/outline.json`, from which the page for instructors
draws its graph and its tables.
"""

import argparse
import json
import re
from pathlib import Path

from . import source

FILE = source.ROOT / "ltcbook" / "data" / "outline.json"
NEEDS = re.compile(r"^> \*\*You need\*\*(.*)$", re.MULTILINE)
PAGE = re.compile(r"\]\(([a-z_]+)\.ipynb")
LEVELS = ("easy", "medium", "hard", "build", "research")


def add(parsers: argparse._SubParsersAction) -> None:
    """Add the command to the room's command line."""
    parser = parsers.add_parser("outline", help="write ltcbook/data/outline.json from the chapters")
    parser.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """The command."""
    FILE.write_text(text(), "utf8")
    print(f"written: {FILE.relative_to(source.ROOT)}")
    return 0


def text(root: Path = source.ROOT) -> str:
    """The outline as JSON, a line for each field of a chapter, so that a change can be read."""
    rows = []
    for entry in outline(root):
        fields = (
            f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()
        )
        rows.append(" {\n" + ",\n".join(fields) + "\n }")
    return "[\n" + ",\n".join(rows) + "\n]\n"


def outline(root: Path = source.ROOT) -> list[dict]:
    """One entry for each chapter with exercises, in the order of the book."""
    return [chapter(name, root) for name in source.chapters(root)]


def chapter(name: str, root: Path) -> dict:
    """A chapter's title, needs (the chapters to which its "You need" links), and exercises by level.

    Exercises come as numbers; `graded` are those that a program grades, `varies` those with other numbers.
    """
    book = source.read(name, root)
    words = "\n\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    needs = NEEDS.search(words)
    found = source.exercises(name, book)
    return {
        "name": name,
        "title": words.partition("\n")[0].removeprefix("# "),
        "needs": sorted(set(PAGE.findall(needs[1])) - {name}) if needs else [],
        "exercises": {
            level: [exercise.number for exercise in found if exercise.level == level] for level in LEVELS
        },
        "graded": [exercise.number for exercise in found if exercise.parts],
        "varies": [exercise.number for exercise in found if exercise.varies],
    }
