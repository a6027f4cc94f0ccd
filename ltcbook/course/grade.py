"""Grade a folder of submissions: `python -m ltcbook.course grade SUBMISSIONS --with RELEASE --to scores.csv`.

Otter or nbgrader grades, whichever the release was made for. Each submission gets a process, a folder and a
time of its own and, where Linux offers namespaces, no network and no process that outlives it. So a broken
submission costs itself its points, and harms no other. Every submission becomes one row, with a score and a
reason.
"""

import argparse
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path

from . import source

ALONE = ["unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
OPEN = (
    "This machine gives a submission no namespace of its own (`unshare`, Linux): each one runs within its "
    "limits, and could still use the network or leave a process behind."
)
# what an answer has no need of: somebody should read a cell with such a word
ODD = re.compile(
    r"\b(?:otter|nbgrader|gradebook|builtins|__builtins__|importlib|inspect|ctypes|subprocess|socket|urllib|requests|"
    r"sys\.modules|gc\.\w+|os\.\w+|setattr|exec|eval|open|tests)\b|\bcheck\.\w+\s*=(?!=)"
)


@dataclass(frozen=True)
class Row:
    """What became of one submission."""

    submission: str
    chapter: str
    score: float
    of: float
    reason: str  # "" for full points
    look: str  # words of its code that an answer has no need of


@dataclass(frozen=True)
class Options:
    """How submissions are graded."""

    release: Path
    seconds: int = 1800  # for one submission
    cell_seconds: int = 300  # for one of its cells
    memory: float = 4  # GB for its kernel
    at_once: int = 2


def add(parsers: argparse._SubParsersAction) -> None:
    """Add the command to the room's command line."""
    parser = parsers.add_parser("grade", help="a score and a reason for every submission in a folder")
    parser.add_argument("submissions", type=Path, help="a folder of notebooks, in folders or not")
    parser.add_argument(
        "--with", dest="release", type=Path, required=True, metavar="RELEASE", help="for otter or nbgrader"
    )
    parser.add_argument(
        "--to", type=Path, required=True, metavar="FILE.csv", help="a table, a row a submission"
    )
    for name, kind, what in (
        ("seconds", int, "for one submission"),
        ("cell_seconds", int, "for one of its cells"),
        ("memory", float, "GB for its kernel"),
        ("at_once", int, "submissions side by side"),
    ):
        option, usual = f"--{name.replace('_', '-')}", getattr(Options, name)
        parser.add_argument(option, type=kind, default=usual, help=f"{what} (default: {usual})")
    parser.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """The command; it prints a line for each submission."""
    options = Options(**{field.name: getattr(arguments, field.name) for field in fields(Options)})
    if arguments.to.is_dir() or not arguments.to.absolute().parent.is_dir():
        raise ValueError(f"{arguments.to} cannot be a table; give a file in a folder that exists.")
    rows = grade(arguments.submissions, options, print)
    with arguments.to.open("w", encoding="utf8", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Row)])
        table.writeheader()
        table.writerows(map(asdict, rows))
    print(f"{len(rows)} submissions: {arguments.to}")
    return 0


def grade(submissions: Path, options: Options, say: Callable[[str], None]) -> list[Row]:
    """Grade every notebook in a folder; ValueError where there is nothing to grade, or to grade with."""
    chapters = points(options.release)
    paths = sorted(path for path in submissions.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    if not paths:
        raise ValueError(f"{submissions} holds no notebook.")
    if min(options.seconds, options.cell_seconds, options.memory, options.at_once) <= 0:
        raise ValueError("all seconds, the memory and the number of submissions at once are more than 0.")
    if not alone():
        say(OPEN)
    rows = []
    with ThreadPoolExecutor(options.at_once) as pool:
        for row in pool.map(lambda path: one(path, submissions, chapters, options), paths):
            say(f"{row.submission}: {row.score:g} of {row.of:g}{'; ' if row.reason else ''}{row.reason}")
            rows.append(row)
    return rows


def points(release: Path) -> dict[str, int]:
    """Chapter -> the points that a program gives, in a release; ValueError for what is no such release."""
    found = {}
    for path in release.glob("source/*/*.ipynb"):
        found[path.stem] = len(re.findall(r'"points": 1\b', path.read_text("utf8")))
    for path in release.glob("autograder/*.zip"):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        found[path.stem] = sum(re.fullmatch(r"tests/.+\.py", name) is not None for name in names)
    if not found:
        raise ValueError(f"{release} is no release for otter or nbgrader, so nothing in it grades.")
    return found


def notebook(path: Path) -> dict:
    """A notebook's file; ValueError says in a student's words what is wrong with it."""
    try:
        text = path.read_text("utf8")
        made = json.loads(text)
    except ValueError:
        raise ValueError(
            "The file is empty." if not path.stat().st_size else "The file is no notebook."
        ) from None
    if not isinstance(made, dict) or not isinstance(made.get("cells"), list) or made.get("nbformat") != 4:
        raise ValueError("The file is no notebook.")
    return made


def one(path: Path, submissions: Path, chapters: dict[str, int], options: Options) -> Row:
    """Grade one submission."""
    name, chapter = (
        path.relative_to(submissions).as_posix(),
        next(iter(chapters)) if len(chapters) == 1 else "",
    )
    try:
        made = notebook(path)
        chapter = made["metadata"].get("ltcbook", {}).get("chapter", chapter)
        if chapter not in chapters:
            here = ", ".join(chapters)
            raise ValueError(f"This is a notebook of {chapter or 'no chapter'}; the release has {here}.")
        found = run(made, chapter, options)
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        words = str(error) if isinstance(error, ValueError) else "The file is no notebook."
        return Row(name, chapter, 0, chapters.get(chapter, 0), words, "")
    reasons = [f"{part} {score:g} of 1" for part, score in found["scores"].items() if score < 1]
    reasons += found["errors"][:3]
    score = sum(found["scores"].values())
    return Row(
        name, chapter, score, chapters[chapter], "; ".join(reasons), odd(made, chapter, options.release)
    )


def odd(made: dict, chapter: str, release: Path) -> str:
    """The words of a submission that an answer has no need of; the released cells do not count."""
    places = (release / "student" / f"{chapter}.ipynb", release / "release" / chapter / f"{chapter}.ipynb")
    (given,) = (notebook(place) for place in places if place.is_file())
    own = {"".join(cell["source"]) for cell in given["cells"]}
    texts = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    return ", ".join(sorted({word for text in texts if text not in own for word in ODD.findall(text)}))


# --- a process of its own --------------------------------------------------------------------------------


@cache
def alone() -> bool:
    """Whether a process can have namespaces of its own here."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0


def run(made: dict, chapter: str, options: Options) -> dict:
    """The scores and errors that the grader finds in a process of its own; ValueError for no result."""
    made["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        here = Path(folder)
        (here / f"{chapter}.ipynb").write_text(json.dumps(made), "utf8")
        command = [*(ALONE if alone() else ()), sys.executable, "-m", f"{__package__}.graders"]
        limits = {"LTCBOOK_MEMORY_GB": str(options.memory), "LTCBOOK_CELL_SECONDS": str(options.cell_seconds)}
        places = {"TMPDIR": folder, "HOME": folder, "PYTHONPATH": str(source.ROOT), "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            [*command, str(options.release.absolute()), chapter],
            cwd=here,
            env=os.environ | limits | places,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(options.seconds)
        except subprocess.TimeoutExpired:
            raise ValueError(f"The notebook ran for longer than {options.seconds} seconds.") from None
        finally:
            end(process)
        try:
            return json.loads((here / "result.json").read_text("utf8"))
        except (OSError, ValueError):
            raise ValueError("The notebook ended its own grading.") from None


def end(process: subprocess.Popen) -> None:
    """End a process and all that it has started."""
    import psutil

    try:
        started: Iterable[psutil.Process] = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        started = ()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, AttributeError):
        process.kill()
    for each in started:
        try:
            each.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()
