"""The three forms of a release: plain notebooks, otter-grader (a zip for Gradescope), and nbgrader.

Each form writes into a folder what an instructor hands out, keeps, and grades with. Otter and nbgrader
themselves make their files from the notebooks written here.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import nbformat
from nbformat import v4

from ltcbook import check

from . import paper
from .paper import Paper
from .source import Cell, Exercise, Part

ASK = "# Check yourself: this names the kind of a mistake, and never the answer."
IMPORT = "from ltcbook import check"
EXPERIMENT = "# Your experiment. Add cells as you like.\n"
EXPLAIN = "*Write your answer here, in place of this text.*"
Seals = dict[str, list[dict]]


def ask(exercise: Exercise, k: int, seals: Seals, *, visible: bool) -> Cell | None:
    """The cell with which a student checks an answer; None where there is nothing to ask."""
    one, found = exercise.parts[k], seals.get(f"{exercise.name}-check-{k}", [])
    lines = [one.visible.replace(f"{IMPORT}\n", "").strip("\n")] if visible else []
    if found:
        lines.append(f'check.ask("{exercise.title}", globals(), "{check.pack(found)}")')
    if not any(lines):
        return None
    return v4.new_code_cell("\n".join([ASK, IMPORT, "", *filter(None, lines)]), id=f"{exercise.name}-ask-{k}")


def room(exercise: Exercise) -> Iterator[Cell]:
    """The cells in which a student answers what a person reads; the last one is the one that is graded."""
    if exercise.level in ("build", "research"):
        yield v4.new_code_cell(EXPERIMENT.rstrip(), id=f"{exercise.name}-experiment")
    yield v4.new_markdown_cell(EXPLAIN, id=f"{exercise.name}-by-hand")


def reference(exercise: Exercise) -> str:
    """The solution in words, for whoever grades."""
    words = [cell.source for cell in exercise.solutions if cell.cell_type == "markdown"]
    return "\n\n".join(words)


# --- plain -----------------------------------------------------------------------------------------------


def plain(made: Paper, folder: Path, seals: Seals) -> None:
    """`student/CHAPTER.ipynb` and `instructor/CHAPTER.ipynb`; nothing grades them."""
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


# --- otter -----------------------------------------------------------------------------------------------


def otter(made: Paper, folder: Path, seals: Seals) -> None:
    """`student/CHAPTER.ipynb`, which needs no otter, and `autograder/CHAPTER.zip` for Gradescope."""
    work = folder / "work"
    write(paper.notebook(made, list(otter_cells(made, seals))), work / f"{made.chapter}.ipynb")
    (work / "requirements.txt").write_text("\n".join(requirements(made)) + "\n", "utf8")
    tool([*OTTER, "assign", "--no-run-tests", f"{made.chapter}.ipynb", "made"], work)
    for name in ("student", "autograder"):
        (folder / name).mkdir(exist_ok=True)
    shutil.move(work / "made" / "student" / f"{made.chapter}.ipynb", folder / "student")
    (archive,) = (work / "made" / "autograder").glob("*.zip")
    shutil.move(archive, folder / "autograder" / f"{made.chapter}.zip")
    shutil.rmtree(work)


def requirements(made: Paper) -> list[str]:
    """What the autograder installs: the package of the very commit that the students' notebooks install."""
    return [f"ltcbook[book] @ git+{made.address}@{made.revision}"] if made.address else []


def otter_cells(made: Paper, seals: Seals) -> Iterator[Cell]:
    """The notebook from which otter makes the student's copy and the tests."""
    yield config(
        "ASSIGNMENT CONFIG",
        name=made.chapter,
        requirements="requirements.txt",
        init_cell="false",
        export_cell="false",
        check_all_cell="false",
    )
    for item in made.items:
        if not isinstance(item, Exercise):
            yield item
            continue
        text = v4.new_markdown_cell(paper.question(item), id=item.name)
        for k, one in enumerate(item.parts):
            name = f"{item.name}{'' if len(item.parts) == 1 else '-abcdefgh'[k + 1]}"
            yield config("BEGIN QUESTION", name=name, points="[0.5, 0.5]", check_cell="false")
            if k == 0:
                yield text
            answer = OTTER_ANSWER.format(
                head="\n".join(filter(None, [paper.head(item, one), paper.given_lines(one)])),
                answer=paper.answer_lines(one),
                stub=paper.stub(item, one),
            )
            yield from between("SOLUTION", v4.new_code_cell(answer, id=f"{item.name}-answer-{k}"))
            tests = [one.visible, f"# HIDDEN\n{with_import(one.hidden)}"]
            yield from between("TESTS", *map(v4.new_code_cell, tests))
            yield config("END QUESTION")
            yield from filter(None, [ask(item, k, seals, visible=True)])
        if item.by_hand:
            yield config("BEGIN QUESTION", name=f"{item.name}-by-hand", manual="true", points="3")
            if not item.parts:
                yield text
            *first, last = room(item)
            last.source = reference(item)
            yield from first
            yield from between("SOLUTION", last)
            yield config("END QUESTION")


OTTER = [sys.executable, "-m", "otter"]
OTTER_ANSWER = '''{head}
# BEGIN SOLUTION NO PROMPT
{answer}
# END SOLUTION
""" # BEGIN PROMPT
{stub}
""" # END PROMPT'''


def with_import(code: str) -> str:
    """A test that runs by itself."""
    return code if IMPORT in code else f"{IMPORT}\n{code}"


def config(words: str, **lines: str) -> Cell:
    """A raw cell that tells otter something."""
    return v4.new_raw_cell("\n".join([f"# {words}", *(f"{key}: {value}" for key, value in lines.items())]))


def between(words: str, *cells: Cell) -> Iterator[Cell]:
    """Cells between two marks of otter's."""
    yield v4.new_raw_cell(f"# BEGIN {words}")
    yield from cells
    yield v4.new_raw_cell(f"# END {words}")


# --- nbgrader --------------------------------------------------------------------------------------------


def nbgrader(made: Paper, folder: Path, seals: Seals) -> None:
    """A course's folder: `source/`, `release/`, the gradebook, and `nbgrader_config.py`."""
    settings = folder / "nbgrader_config.py"
    if not settings.exists():
        settings.write_text(NBGRADER_CONFIG, "utf8")
    cells = list(nbgrader_cells(made, seals))
    write(paper.notebook(made, cells), folder / "source" / made.chapter / f"{made.chapter}.ipynb")
    tool([*NBGRADER, "generate_assignment", made.chapter], folder)


def nbgrader_cells(made: Paper, seals: Seals) -> Iterator[Cell]:
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
            lines = [one.visible, HIDE, with_import(one.hidden), SHOW]
            test = v4.new_code_cell("\n".join(filter(None, lines)))
            yield graded(test, f"{item.name}-check-{k}", grade=True, locked=True, points=1)
        if item.by_hand:
            *first, last = room(item)
            yield from first
            last.source = f"{EXPLAIN}\n\n{BEGIN}\n{reference(item)}\n{END}"
            last.metadata["ltcbook"] = {"stub": ""}
            yield graded(last, f"{item.name}-by-hand", grade=True, solution=True, points=3)


BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
HIDE, SHOW = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
NBGRADER = [sys.executable, "-m", "nbgrader"]
NBGRADER_CONFIG = '''\
"""The course's settings for nbgrader, which runs in this folder: `nbgrader autograde CHAPTER`."""

from nbgrader.preprocessors import ClearSolutions

c = get_config()
c.CourseDirectory.course_id = "ltcbook"


class Stubs(ClearSolutions):
    """Each answer is replaced by a line that names its exercise."""

    def preprocess_cell(self, cell, resources, cell_index):
        stub = cell.metadata.get("ltcbook", {}).get("stub")
        if stub is not None:
            self.code_stub = {"python": stub}
            self.text_stub = stub
        return super().preprocess_cell(cell, resources, cell_index)


c.GenerateAssignment.preprocessors = [
    Stubs if name == "ClearSolutions" else f"nbgrader.preprocessors.{name}"
    for name in (
        "IncludeHeaderFooter", "LockCells", "ClearSolutions", "ClearOutput", "CheckCellMetadata",
        "ComputeChecksums", "SaveCells", "ClearHiddenTests", "ClearMarkScheme", "ComputeChecksums",
        "CheckCellMetadata",
    )
]
c.ExecutePreprocessor.timeout = 300  # seconds for one cell; an endless loop ends then
c.ExecutePreprocessor.interrupt_on_timeout = True
'''


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


# --- all -------------------------------------------------------------------------------------------------

FORMATS: dict[str, Callable[[Paper, Path, Seals], None]] = {
    "plain": plain,
    "otter": otter,
    "nbgrader": nbgrader,
}
TOOLS = {"otter": "otter-grader>=7", "nbgrader": "nbgrader>=0.9"}


def missing(name: str) -> str | None:
    """What to install before a release in this format, None for nothing."""
    return TOOLS[name] if name in TOOLS and find_spec(name) is None else None


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
    beside = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])}
    done = subprocess.run(
        command, cwd=folder, env=os.environ | beside, capture_output=True, text=True, encoding="utf8"
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ValueError(f"`{' '.join(command[2:])}` failed: {' '.join(said[-3:])}")
