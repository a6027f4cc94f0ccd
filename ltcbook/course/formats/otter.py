"""The form for otter-grader: a student's notebook, and a zip that grades it on Gradescope or here."""

import ast
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from nbformat import v4

from .. import needs, paper
from ..paper import Paper
from ..source import Cell, Exercise, Part
from .cells import FRESH, GUARD, Seals, ask, reference, room, tool, without_import, write

OTTER = [sys.executable, "-m", "otter"]
ANSWER = '''{head}
# BEGIN SOLUTION NO PROMPT
{answer}
# END SOLUTION
""" # BEGIN PROMPT
{stub}
""" # END PROMPT'''


def make(made: Paper, folder: Path, seals: Seals) -> None:
    """`student/CHAPTER.ipynb`, which needs no otter, and `autograder/CHAPTER.zip` for Gradescope."""
    work = folder / "work"
    write(paper.notebook(made, list(cells(made, seals))), work / f"{made.chapter}.ipynb")
    (work / "requirements.txt").write_text("\n".join(requirements(made)) + "\n", "utf8")
    tool([*OTTER, "assign", "--no-run-tests", f"{made.chapter}.ipynb", "made"], work)
    for name in ("student", "autograder"):
        (folder / name).mkdir(exist_ok=True)
    shutil.move(work / "made" / "student" / f"{made.chapter}.ipynb", folder / "student")
    (archive,) = (work / "made" / "autograder").glob("*.zip")
    guarded(archive, folder / "autograder" / f"{made.chapter}.zip")
    shutil.rmtree(work)


def requirements(made: Paper) -> list[str]:
    """What the autograder installs: the package of the very commit that the students' notebooks install."""
    return [f"ltcbook[book] @ git+{made.address}@{made.revision}"] if made.address else []


def guarded(archive: Path, to: Path) -> None:
    """Otter's zip with limits for a kernel, and with a result for a notebook that gives otter none."""
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr("run_otter.sh" if name == "run_autograder" else name, old.read(name))
        new.writestr("run_autograder", RUN)
        new.writestr("ipython/profile_default/startup/guard.py", GUARD)


RUN = """\
#!/bin/bash
# otter's own script (run_otter.sh) with limits, below Gradescope's own ten minutes
here=/autograder
export IPYTHONDIR=$here/source/ipython
timeout --kill-after=10 540 bash $here/source/run_otter.sh
[ -s $here/results/results.json ] || cat > $here/results/results.json <<'END'
{"score": 0, "output": "This notebook could not be graded: it is no notebook, or its kernel ended while \
it ran (too little memory?), or it ran for more than nine minutes. Restart the kernel, run all cells, save, \
and submit it again."}
END
"""


def cells(made: Paper, seals: Seals) -> Iterator[Cell]:
    """The notebook from which otter makes the student's copy and the tests."""
    yield config(
        "ASSIGNMENT CONFIG",
        name=made.chapter,
        requirements="requirements.txt",
        init_cell="false",
        export_cell="false",
        check_all_cell="false",
        tests="{ok_format: false}",
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
            answer = ANSWER.format(
                head="\n".join(filter(None, [paper.head(item, one), paper.given_lines(one)])),
                answer=paper.answer_lines(one),
                stub=paper.stub(item, one),
            )
            yield from between("SOLUTION", v4.new_code_cell(answer, id=f"{item.name}-answer-{k}"))
            yield from between("TESTS", *map(v4.new_code_cell, tests(one)))
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


def tests(one: Part) -> tuple[str, str]:
    """The two tests of an answer, half a point each: what a student may read, and what decides.

    Otter calls a function with the notebook's values of its arguments, None for what is not there, and shows
    the words of a check that fails.
    """
    given = [f'assert {name} is not None, "{name} has no value yet."' for name in one.names]
    seen = "\n".join([FRESH, paper.given_lines(one), *given, without_import(one.visible)])
    decides = f"{seen}\n{without_import(one.hidden)}"  # it may use what the visible lines have made
    return function("seen", seen), f"# HIDDEN\n{function('decides', decides)}"


def function(name: str, code: str) -> str:
    """Code as a function whose arguments are the names that it takes from a notebook."""
    parts = needs.body(code)
    taken = sorted(needs.before(parts, set()) - needs.BUILTINS)
    made = ast.parse(f"def {name}({', '.join(taken)}): pass")
    made.body[0].body = parts  # type: ignore[attr-defined]
    return ast.unparse(made)


def config(words: str, **lines: str) -> Cell:
    """A raw cell that tells otter something."""
    return v4.new_raw_cell("\n".join([f"# {words}", *(f"{key}: {value}" for key, value in lines.items())]))


def between(words: str, *inner: Cell) -> Iterator[Cell]:
    """Cells between two marks of otter's."""
    yield v4.new_raw_cell(f"# BEGIN {words}")
    yield from inner
    yield v4.new_raw_cell(f"# END {words}")
