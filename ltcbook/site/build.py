"""Render the book: `python -m ltcbook.site build`, which is what `make book` calls.

The pages are rendered beside the published ones and take their place only when all went well: a failing
chapter cell or a warning leaves `_build/html` as it was.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from ltcbook.site import address, handouts, setup_cell

ROOT = address.ROOT
BUILD = ROOT / "_build"
STAGE = BUILD / "stage" / "_build"
PUBLISHED = BUILD / "html"


TOOLS = """This Python ({python}) lacks what renders the book. Make an environment in the book's folder:
  python -m venv .venv
  {inside} -m pip install -r requirements.lock -e .
and then run: {inside} -m ltcbook.site build"""


def main() -> int:
    """Render, publish, print the address; the exit status is 0 only when everything went well."""
    start = time.perf_counter()
    if not render():
        print("_build/html is as it was.", file=sys.stderr)
        return 1
    publish()
    seconds = time.perf_counter() - start
    print(
        f"The book is rendered ({seconds:.0f} s). Open this address in a browser:"
        f"\n  {PUBLISHED / 'index.html'}"
        "\n  or run `make serve` (`python -m ltcbook.site serve`) to read it at http://127.0.0.1:8000/"
    )
    return 0


def stage(*, solutions: bool) -> Path:
    """Where the pages are rendered; those without solutions beside the others, so that both are kept."""
    return STAGE if solutions else STAGE.parent / "class" / "_build"


def render(*, solutions: bool = True) -> bool:
    """Render the book into the stage, and say whether all went well; ValueError, and nothing written, where
    the environment names an address that cannot be, or lacks the tools.
    """
    address.read(ROOT)
    if find_spec("jupyter_book") is None:
        inside = r".venv\Scripts\python" if os.name == "nt" else ".venv/bin/python"
        raise ValueError(TOOLS.format(python=sys.executable, inside=inside))
    forget_what_changed()
    environment = own_settings()
    run_chapters(environment)
    there = stage(solutions=solutions)
    if not solutions:  # the chapters' outputs are the same
        forget(there / ".jupyter_cache")
        shutil.copytree(STAGE / ".jupyter_cache", there / ".jupyter_cache")
        environment |= {"LTCBOOK_SOLUTIONS": "no"}
    jupyter_book = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command = [*jupyter_book, "build", str(ROOT), "--path-output", str(there.parent)]
    if rendered([*command, "-W", "--keep-going"], environment):
        return True
    # A warning is given only while a page is read: forget the pages, so that the next run gives it again.
    forget(there / ".doctrees", there / "html")
    print("The book was NOT rendered (see the first error above).", file=sys.stderr)
    return False


def run_chapters(environment):
    """Run the chapters that have changed; one that fails is left to the rendering, which says why."""
    # one core for each chapter: libraries that take all cores would get in each other's way
    libraries = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    environment = environment | {f"{library}_NUM_THREADS": "1" for library in libraries}
    cache = STAGE / ".jupyter_cache"
    subprocess.run(
        [sys.executable, "-m", "ltcbook.site.execute", cache], cwd=ROOT, env=environment, check=True
    )


def rendered(command, environment):
    """Run jupyter-book, showing what the reader wants to know: chapters that run again, and what went
    wrong.
    """
    with open(BUILD / "cache" / "complaints.log", "w+", encoding="utf8", errors="replace") as log:
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf8",
            errors="replace",
        ) as process:
            for line in process.stdout:
                if "[mystnb]" in line and "Using cached" not in line:
                    print(line.strip().replace(f"{ROOT}{os.sep}", ""), flush=True)
        log.seek(0)
        if process.returncode:
            print(condensed(log.read()), file=sys.stderr)
    return process.returncode == 0


def condensed(complaints):
    """The part that names the cause: not how jupyter-book came to it, and not the same again below."""
    complaints = complaints.partition('\nTraceback (most recent call last):\n  File "<string>"')[0]
    first = re.split(r"\n\S*Exception occurred:", complaints)[0].strip()
    shown = re.sub(r"Traceback \(most recent call last\):\n(  .*\n)+nbclient\.exceptions\.", "", first)
    return (shown or complaints).replace(f"{ROOT}{os.sep}", "")


def own_settings():
    """The environment for the chapters: what the reader has set for IPython and matplotlib stays out of
    the book.
    """
    cache = BUILD / "cache"
    # the pages bring the explorers' scripts
    environment = os.environ | {
        "IPYTHONDIR": str(cache / "ipython"),
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "LTCBOOK_EXPLORERS": "linked",
        "LTCBOOK_SOLUTIONS": "yes",
        "LTCBOOK_ANSWERS": "page",  # and the sealed answers of the exercises stand on them
        "PYTHONUTF8": "1",  # on Windows too
    }
    # matplotlib lists the fonts at its first import, and may say so: not inside a chapter
    fonts = [sys.executable, "-c", "import matplotlib.font_manager"]
    subprocess.run(fonts, env=environment, stderr=subprocess.DEVNULL, check=True)
    profile = cache / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(
        "get_config().IPKernelApp.log_level = 40  # errors only\n", "utf8"
    )
    return environment


def forget_what_changed():
    """Jupyter's cache knows a chapter by its cells alone: throw it away when the code below has changed."""
    computing, site = parts()
    stages = (stage(solutions=True), stage(solutions=False))
    pages = [there / name for there in stages for name in (".doctrees", "html")]
    if changed("computing", computing):
        forget(STAGE / ".jupyter_cache", *pages)
    if changed("site", site):
        forget(*pages)


def parts():
    """The files that the chapters' outputs come from, and those that only the pages come from."""
    rooms = [
        path
        for path in (ROOT / "ltcbook").rglob("*")
        if path.suffix in {".py", ".js", ".css", ".csv", ".json", ".html", ".svg"}
    ]
    drawings = ROOT / "ltcbook" / "widgets" / "static"  # the pages load them, no output holds them
    site = [
        path
        for path in rooms
        if {"site", "course"} & set(path.relative_to(ROOT).parts)  # no chapter imports them
        or drawings in path.parents
        or path.name == "__main__.py"
    ]
    site += [drawings.parent / "bundle.py", ROOT / "_config.yml"]
    return [path for path in rooms if path not in site] + [ROOT / "requirements.lock"], site


def mark(name):
    """The file that remembers what some files held at the last call of ``changed``."""
    return BUILD / "cache" / f"{name}.sha256"


def digest(paths):
    """One number for what files hold."""
    found = hashlib.sha256()
    for path in sorted(paths):
        found.update(f"{path.relative_to(ROOT).as_posix()}\n".encode() + path.read_bytes())
    return found.hexdigest()


def changed(name, paths):
    """Whether any of the files differs from the last call; remembers the answer's basis."""
    now, file = digest(paths), mark(name)
    before = file.read_text("utf8") if file.is_file() else ""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(now, "utf8")
    return before != now


def forget(*folders):
    """Remove folders of the stage."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def pin_downloads(folder, root=ROOT):
    """Let the notebooks that the pages offer install the commit that the pages were built from."""
    here, revision = address.read(root), address.pin(root)
    for path in folder.rglob("*.ipynb"):
        setup_cell.update(path, here["url"], revision, here["site"])


def publish(*, solutions: bool = True, offer: Callable[[Path], None] | None = None) -> Path:
    """Put a copy of the rendered pages in the place of the published ones, in one step for the reader; return
    that place. ``offer`` may first change the folder of notebooks that the pages offer.
    """
    to = PUBLISHED if solutions else PUBLISHED.with_name("class")
    fresh, old = to.with_name(f"{to.name}.new"), to.with_name(f"{to.name}.old")
    forget(fresh, old)
    shutil.copytree(stage(solutions=solutions) / "html", fresh)
    pin_downloads(fresh / "_sources")
    if offer is not None:
        offer(fresh / "_sources")
    handouts.write(fresh, ROOT / "chapters")
    if to.exists():
        to.rename(old)
    fresh.rename(to)
    forget(old)
    return to


if __name__ == "__main__":
    sys.exit("The one way to render the book is `python -m ltcbook.site build`.")
