"""Make a release: `python -m ltcbook.course release CHAPTER... --to FOLDER --format otter|nbgrader|plain`."""

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ltcbook.site import address as place
from ltcbook.site import page_link

from . import formats, paper, source
from .formats.cells import write

AT_ONCE = 2  # chapters; each kernel with torch holds half a gigabyte


@dataclass(frozen=True)
class Options:
    """How a release is made."""

    chapters: tuple[str, ...]
    to: Path
    form: str = "plain"
    exercises_only: bool = False
    variant: int | None = None
    address: str = ""
    site: str = ""
    hints: bool = True
    timeout: int = 900
    root: Path = source.ROOT


def add(parsers: argparse._SubParsersAction) -> None:
    """Add the command to the room's command line."""
    parser = parsers.add_parser("release", help="student notebooks, an instructor's copy, an autograder")
    parser.add_argument("chapters", nargs="+", metavar="CHAPTER", help="as in ltc; `all` for every chapter")
    parser.add_argument(
        "--to", type=Path, required=True, metavar="FOLDER", help="a folder that is empty or new"
    )
    parser.add_argument("--format", choices=formats.FORMATS, default="plain", help="default: %(default)s")
    parser.add_argument("--exercises-only", action="store_true", help="the exercises and what they need")
    parser.add_argument("--variant", type=int, metavar="SEED", help="other numbers than the page's")
    parser.add_argument("--no-hints", action="store_true", help="leave out the cells that name mistakes")
    parser.add_argument("--address", help="https://github.com/OWNER/REPO, from which the notebooks install")
    parser.add_argument("--site", help="where the book is published, for links to it")
    parser.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """The command; it prints what it made."""
    here = place.read()
    address = here["url"] if arguments.address is None else place.checked(arguments.address)
    chapters = source.chapters() if arguments.chapters == ["all"] else arguments.chapters
    options = Options(
        tuple(chapters),
        arguments.to,
        arguments.format,
        arguments.exercises_only,
        arguments.variant,
        address,
        published(address, arguments.site or (here["site"] if address == here["url"] else "")),
        not arguments.no_hints,
    )
    release(options, print)
    return 0


def published(address: str, site: str | None) -> str:
    """Where the book stands on the web: what is given, else GitHub Pages of the address, else nowhere."""
    if site:
        return site.rstrip("/")
    return page_link.github_pages(address) if address else ""


def release(options: Options, say: Callable[[str], None]) -> None:
    """Write a release, whole or not at all; ValueError says why not."""
    if options.to.exists() and (not options.to.is_dir() or any(options.to.iterdir())):
        raise ValueError(f"{options.to} is not an empty folder; give one that is empty or does not exist.")
    wanted = formats.missing(options.form)
    if wanted:
        raise ValueError(f"the format {options.form} needs {wanted}: pip install '{wanted}'")
    revision = place.pin(options.root)
    papers = [
        paper.make(
            chapter,
            only=options.exercises_only,
            seed=options.variant,
            address=options.address,
            revision=revision,
            site=options.site,
            root=options.root,
        )
        for chapter in dict.fromkeys(options.chapters)
    ]
    copies = [paper.notebook(made, paper.instructor(made)) for made in papers]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        fresh = Path(folder) / "release"
        fresh.mkdir()
        say(
            "running "
            + ("the instructor's copy" if len(papers) == 1 else f"{len(papers)} instructor's copies")
        )
        runs = [pool.submit(paper.run, copy, options.root, options.timeout) for copy in copies]
        try:
            for made, copy, run in zip(papers, copies, runs, strict=True):
                seals = run.result()
                write(without_outputs(copy), fresh / "instructor" / f"{made.chapter}.ipynb")
                formats.FORMATS[options.form](made, fresh, seals if options.hints else {})
                say(summary(made, options))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        (fresh / "README.md").write_text(readme(papers, options), "utf8")
        put(fresh, options.to)
    say(f"The release lies in {options.to}{os.sep}; its README.md says what to do with it.")


def put(fresh: Path, to: Path) -> None:
    """Put a folder in its place, in one move."""
    to.parent.mkdir(parents=True, exist_ok=True)
    beside = to.with_name(f".{to.name}.part")
    shutil.copytree(fresh, beside)
    if to.exists():
        to.rmdir()
    beside.rename(to)


def without_outputs(made: paper.nbformat.NotebookNode) -> paper.nbformat.NotebookNode:
    """The notebook as it was before it ran."""
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("execution", None)
    return made


def summary(made: paper.Paper, options: Options) -> str:
    """What a chapter's release holds, in a line or two."""
    parts = sum(len(exercise.parts) for exercise in made.exercises)
    hands = [exercise for exercise in made.exercises if exercise.by_hand]
    text = f"{made.chapter}: {parts} answers graded by a program, {len(hands)} by a person"
    fixed = [each.title for each in made.exercises if each.parts and not each.varies]
    if options.variant is not None and fixed:
        text += f"; the page shows the solution of {', '.join(fixed)}, which has no other numbers"
    return text


def readme(papers: list[paper.Paper], options: Options) -> str:
    """What to do with a release, for the instructor."""
    names = ", ".join(made.chapter for made in papers)
    lines = [f"# Release of {names}", "", HOW[options.form], ""]
    lines += [f"- {summary(made, options)}" for made in papers]
    if options.form != "plain":
        lines += ["", OPEN]
    if not options.address:
        lines += ["", NO_ADDRESS]
    return "\n".join(lines) + "\n"


OPEN = (
    "What no autograder here defends: a submission runs as a program of yours and can read the tests "
    "while they are there, and write a score of its own if it knows how. Checks that a notebook has "
    "replaced are loaded anew, and the numbers of the text are set anew; a changed NumPy is not "
    "noticed. `grade` runs each submission in a folder, a time and a memory of its own (on Linux "
    "without network) and lists words that an answer has no need of, in the column `look`. Read those "
    "cells."
)
NO_ADDRESS = (
    "The book's repository has no address here, so the notebooks cannot install `ltcbook` by themselves "
    "(Colab, Gradescope). Release again with `--address https://github.com/OWNER/REPO`."
)
HOW = {
    "plain": ("Hand out `student/`. Keep `instructor/`: it holds the answers, the checks and the rubrics."),
    "otter": (
        "Hand out `student/`; these notebooks do not need otter. On Gradescope make a programming "
        "assignment, upload `autograder/CHAPTER.zip` as its autograder, and let the students submit "
        "their notebook. An answer that passes the visible check gets half a point and words for its "
        "mistake; the hidden check gives the other half and shows nothing. A notebook that runs for "
        "more than nine minutes gets 0 and the reason. On your own machine `python -m ltcbook.course "
        "grade SUBMISSIONS --with RELEASE --to scores.csv` grades a folder, or `otter run -a "
        "autograder/CHAPTER.zip SUBMISSION.ipynb` one notebook. `instructor/` holds the answers, the "
        "checks and the rubrics for what a person grades."
    ),
    "nbgrader": (
        "This is a course's folder for nbgrader. Hand out `release/`. Put the submissions into "
        "`submitted/STUDENT/CHAPTER/CHAPTER.ipynb`, run `nbgrader autograde CHAPTER` here, grade the "
        "rest in `nbgrader formgrader`, and run `nbgrader generate_feedback CHAPTER`. A right answer "
        "is worth a point. `nbgrader_config.py` and `guard.py` hold a submission within limits, and "
        "tests that a student has deleted come back. nbgrader leaves a file that is no notebook "
        "without a score: `python -m ltcbook.course grade submitted --with . --to scores.csv` (in the "
        "book's environment) has a score and a reason for every file, and grades in a copy of this "
        "folder. `instructor/` holds the answers, the checks and the rubrics."
    ),
}
