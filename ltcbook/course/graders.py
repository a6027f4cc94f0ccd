"""Otter and nbgrader on one submission: `python -m ltcbook.course.graders RELEASE CHAPTER`.

This is the process in which a submission runs. It reads CHAPTER.ipynb in its folder and leaves there
result.json: the score of each answer, and the errors of the cells.
"""

import json
import os
import shutil
import struct
import sys
import zipfile
from pathlib import Path

import nbformat

from .formats.cells import beside

Found = dict[str, dict[str, float] | list[str]]


def otter(release: Path, chapter: str, here: Path) -> Found:
    """Grade by otter."""
    from otter.run import main

    archive = release / "autograder" / f"{chapter}.zip"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(here, [name for name in opened.namelist() if name.startswith("ipython/")])
    os.environ["IPYTHONDIR"] = str(here / "ipython")
    results = main(str(here / f"{chapter}.ipynb"), autograder=str(archive), output_dir=None, no_logo=True)
    met = errors(results.notebook)
    if results.has_catastrophic_failure():
        raise RuntimeError("; ".join(["the notebook kept otter from its tests", *met[-2:]]))
    return {
        "scores": {name: float(results.get_score(name)) for name in sorted(results.test_files)},
        "errors": met,
    }


def nbgrader(release: Path, chapter: str, here: Path) -> Found:
    """Grade by nbgrader, in a copy of the course's folder."""
    from nbgrader.api import Gradebook
    from nbgrader.apps import AutogradeApp

    course, who = here / "course", "student"
    shutil.copytree(
        release, course, ignore=shutil.ignore_patterns("submitted", "autograded", "feedback", "instructor")
    )
    place = course / "submitted" / who / chapter
    place.mkdir(parents=True)
    shutil.copy(here / f"{chapter}.ipynb", place)
    os.chdir(course)
    os.environ |= beside()
    try:
        AutogradeApp.launch_instance([chapter, "--student", who])
    except SystemExit as left:
        if left.code:
            raise RuntimeError(
                "nbgrader refuses the notebook: cells of it are damaged or stand there twice."
            ) from None
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        grades = book.find_submission_notebook(chapter, chapter, who).grades
        scores = {each.name: float(each.auto_score or 0) for each in grades if each.max_score == 1}
    done = nbformat.read(course / "autograded" / who / chapter / f"{chapter}.ipynb", as_version=4)
    return {"scores": scores, "errors": errors(done)}


def errors(notebook: nbformat.NotebookNode) -> list[str]:
    """What the cells of a notebook have stumbled over, each once."""
    found: dict[str, None] = {}
    for cell in notebook.cells:
        for out in cell.get("outputs", []):
            if out.output_type == "error":
                found[f"{out.ename}: {out.evalue}".replace("\n", " ")[:160]] = None
    return list(found)


def loopback() -> None:
    """Wake the machine's own network where there is no other: kernels talk over it."""
    import fcntl
    import socket

    up = struct.pack("16sH14x", b"lo", 1)
    with socket.socket() as line:
        fcntl.ioctl(line, 0x8914, up)  # SIOCSIFFLAGS


def limit() -> None:
    """So many processes and threads for all that this process starts, where it has a namespace of its own."""
    import resource

    resource.setrlimit(resource.RLIMIT_NPROC, (500, 500))


def main(release: Path, chapter: str) -> None:
    """Grade the notebook in this folder, and write down what was found."""
    here = Path.cwd()
    if os.getpid() == 1:  # the first in its namespace
        loopback()
        limit()
    form = nbgrader if (release / "nbgrader_config.py").is_file() else otter
    try:
        found = form(release, chapter, here)
    except Exception as error:  # whatever a submission has done to its grader, it gets a reason
        kind = type(error).__name__
        words = (
            "The kernel ended while the notebook ran." if kind == "DeadKernelError" else f"{kind}: {error}"
        )
        found = {"scores": {}, "errors": [words.replace("\n", " ")[:300]]}
    (here / "result.json").write_text(json.dumps(found), "utf8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
