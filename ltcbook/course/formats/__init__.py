"""The three forms of a release: plain notebooks, otter-grader (a zip for Gradescope), and nbgrader.

Each form writes into a folder what an instructor hands out, keeps, and grades with. Otter and nbgrader
themselves make their files from the notebooks written here.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from ..paper import Paper
from . import nbgrader, otter, plain
from .cells import Seals

FORMATS: dict[str, Callable[[Paper, Path, Seals], None]] = {
    "plain": plain.make,
    "otter": otter.make,
    "nbgrader": nbgrader.make,
}
TOOLS = {"otter": "otter-grader>=7", "nbgrader": "nbgrader>=0.9"}


def missing(name: str) -> str | None:
    """What to install before a release in this format, None for nothing."""
    return TOOLS[name] if name in TOOLS and find_spec(name) is None else None
