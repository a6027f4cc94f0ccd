"""Render the class's site: `python -m ltcbook.course site`, which is what `make book SOLUTIONS=no` calls.

It lies in `_build/class` and is the book without the solutions of its exercises: neither on a page, nor in
the search, nor in a notebook to download. That notebook is the student's, as in a plain release.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from ltcbook.site import address, build, setup_cell

from . import formats, paper, source
from .paper import tags
from .release import published

CACHE = build.STAGE / ".jupyter_cache"


def add(parsers: argparse._SubParsersAction) -> None:
    """Add the command to the room's command line."""
    parser = parsers.add_parser("site", help="the book's site without solutions, in _build/class")
    parser.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """The command; it prints where the site lies."""
    if not build.render(solutions=False):
        print("_build/class is as it was.", file=sys.stderr)
        return 1
    to = build.publish(solutions=False, offer=offer)
    print(f"The class's site is rendered, without solutions:\n  {to / 'index.html'}")
    return 0


def offer(sources: Path, cache: Path = CACHE, root: Path = source.ROOT) -> None:
    """Let the pages offer the student's notebooks in place of the chapters' own."""
    here, revision = address.read(root), address.pin(root)
    for chapter in source.chapters(root):
        target = sources / "chapters" / f"{chapter}.ipynb"
        if not target.is_file():
            continue
        made = paper.make(
            chapter,
            only=False,
            seed=None,
            address=here["url"],
            revision=revision,
            site=published(here["url"], here["site"]),
            root=root,
        )
        with tempfile.TemporaryDirectory() as folder:
            formats.FORMATS["plain"](made, Path(folder), seals(made, cache, root))
            shutil.copy(Path(folder) / "student" / target.name, target)


def seals(made: paper.Paper, cache: Path, root: Path) -> dict[str, list[dict]]:
    """The sealed answers of a chapter, as its last run has left them; none where it has not run."""
    from jupyter_cache import get_cache

    text = (root / "chapters" / f"{made.chapter}.ipynb").read_text("utf8")
    try:
        _, book = get_cache(cache).merge_match_into_notebook(setup_cell.read_for_the_page(text))
    except KeyError:
        return {}
    ran = {cell.id: cell for cell in book.cells if "check" in tags(cell)}
    return {
        f"{exercise.name}-check-{k}": paper.sealed(ran[one.check.id])
        for exercise in made.exercises
        for k, one in enumerate(exercise.parts)
    }
