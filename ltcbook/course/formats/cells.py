"""What the forms share: the cells around an answer, the tests as they are run, and how a file is written."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from nbformat import v4

from ltcbook import check

from .. import paper
from ..source import Cell, Exercise, Part

ASK = "# Check yourself: this names the kind of a mistake, and never the answer."
IMPORT = "from ltcbook import check"
EXPERIMENT = "# Your experiment. Add cells as you like."
EXPLAIN = "*Write your answer here, in place of this text.*"
FRESH = """\
import importlib, sys  # the checks anew, whatever a notebook has done to them
for _name in [name for name in sys.modules if name.startswith("ltcbook.check")]:
    del sys.modules[_name]
check = importlib.import_module("ltcbook.check")"""
GUARD = (Path(__file__).parents[1] / "guard.py").read_text("utf8")  # what runs in a kernel while it grades
Seals = dict[str, list[dict]]


def ask(exercise: Exercise, k: int, seals: Seals, *, visible: bool) -> Cell | None:
    """The cell with which a student checks an answer; None where there is nothing to ask."""
    one, found = exercise.parts[k], seals.get(f"{exercise.name}-check-{k}", [])
    lines = [without_import(one.visible)] if visible else []
    if found:
        lines.append(f'check.ask("{exercise.title}", globals(), "{check.pack(found)}")')
    if not any(lines):
        return None
    return v4.new_code_cell("\n".join([ASK, IMPORT, "", *filter(None, lines)]), id=f"{exercise.name}-ask-{k}")


def room(exercise: Exercise) -> Iterator[Cell]:
    """The cells in which a student answers what a person reads; the last one is the one that is graded."""
    if exercise.level in ("build", "research"):
        yield v4.new_code_cell(EXPERIMENT, id=f"{exercise.name}-experiment")
    yield v4.new_markdown_cell(EXPLAIN, id=f"{exercise.name}-by-hand")


def reference(exercise: Exercise) -> str:
    """The solution in words, for whoever grades."""
    words = [cell.source for cell in exercise.solutions if cell.cell_type == "markdown"]
    return "\n\n".join(words)


def without_import(code: str) -> str:
    """Code of a check without the line that imports the checks."""
    return "\n".join(line for line in code.split("\n") if line != IMPORT).strip("\n")


def hidden(one: Part) -> str:
    """The test that decides: with the numbers of the text, whatever a student has made of them, and checks
    of its own.
    """
    return "\n".join(filter(None, [FRESH, paper.given_lines(one), without_import(one.hidden)]))


def write(made: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook that is valid, in folders that may not be there yet."""
    made.nbformat_minor = 5
    nbformat.validate(made)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)


def tool(command: Sequence[str], folder: Path) -> None:
    """Run a grader's command; ValueError with its last words where it fails.

    nbgrader calls other commands by their names: they lie beside the interpreter.
    """
    done = subprocess.run(
        command, cwd=folder, env=os.environ | beside(), capture_output=True, text=True, encoding="utf8"
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ValueError(f"`{' '.join(command[2:])}` failed: {' '.join(said[-3:])}")


def beside() -> dict[str, str]:
    """The search path for commands, with the folder of this interpreter in front."""
    return {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])}
