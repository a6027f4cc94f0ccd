"""The first chapter: short enough for a first look, first in the book, and its circuit is the stored
driving circuit.
"""

import numpy as np
import pytest
import yaml

pytest.importorskip("torch")

from ltcbook import reproduce
from ltcbook.tasks import lane

FOLDED = {"hide-cell", "hide-input", "remove-input", "remove-cell"}
VISIBLE = 24  # lines


@pytest.fixture(scope="module")
def cells(chapters):
    """Sources of the code cells that a reader sees, by their ids."""
    return {
        cell["id"]: "".join(cell["source"])
        for cell in chapters["start.ipynb"]["cells"]
        if cell["cell_type"] == "code" and not FOLDED & set(cell["metadata"].get("tags", ()))
    }


def test_it_stands_first_after_the_front_page(root):
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf8"))
    assert toc["parts"][0]["chapters"][0]["file"] == "chapters/start"


def test_what_is_visible_is_short(cells):
    lines = [line for source in cells.values() for line in source.split("\n") if line.strip()]
    # a page shows 80 columns without scrolling
    assert 15 < len(lines) <= VISIBLE and max(map(len, lines)) <= 80


def test_its_circuit_starts_as_the_stored_one_did(cells):
    page, stored = {}, reproduce.stored("driver")
    exec(cells["start-build"], page)
    assert page["net"].wiring == lane.trained().wiring
    for name, value in stored["initial"]["cell"].items():
        mine, theirs = getattr(page["net"].numpy_cell(), name), np.asarray(value)
        there = {"in": page["net"].wiring.adjacency_in, "": page["net"].wiring.adjacency}[
            "in" if name.endswith("_in") else ""
        ]
        assert np.allclose(mine * there if mine.ndim == 2 else mine, theirs, rtol=1e-5, atol=1e-7), name
