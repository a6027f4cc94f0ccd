"""Take out of the chapters what a run left in them; every other line stays as it was written."""

import json
from pathlib import Path

from . import notebook

OF_A_RUN = {
    "ExecuteTime",
    "collapsed",
    "execution",
    "heading_collapsed",
    "hidden",
    "scrolled",
    "signature",
    "widgets",
}


def stripped(text):
    """A notebook's text without outputs, counts, and what editors note about a run in the metadata."""
    for k, cell in enumerate(notebook.cells(text)):
        for name, nothing in (("outputs", []), ("execution_count", None)):
            if cell.get(name, nothing) != nothing:
                text = notebook.put(text, nothing, "cells", k, name)
        text = _without(text, cell["metadata"], "cells", k)
    return _without(text, json.loads(text)["metadata"])


def _without(text, metadata, *path):
    kept = {name: value for name, value in metadata.items() if name not in OF_A_RUN}
    return text if kept == metadata else notebook.put(text, kept, *path, "metadata")


def strip(root: Path) -> str:
    """Strip all chapters and say which had something to lose."""
    written = [
        path.name
        for path in sorted((root / "chapters").glob("*.ipynb"))
        if notebook.replace(path, stripped(notebook.load(path)))
    ]
    return f"stripped: {', '.join(written) or 'none had outputs'}"
