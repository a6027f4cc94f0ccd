"""Pictures in place of the explorers, for print and for readers without JavaScript: every mark means what
it means there.
"""

import io

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from ltcbook import plots, widgets


@pytest.fixture(scope="module")
def explorer():
    return widgets.ThresholdExplorer()


@pytest.fixture(scope="module")
def axes(explorer):
    """Title -> Axes of the threshold explorer's picture at its default."""
    found = {ax.get_title(loc="left"): ax for ax in explorer.picture(explorer.compute()).axes}
    return {title.split()[0].strip(":"): ax for title, ax in found.items()}


def looks(lines):
    """(colour, whether dashed) of each line."""
    return [(to_hex(line.get_color()).upper(), line.is_dashed()) for line in lines]


def test_the_certified_v_is_solid_and_the_published_one_dashed(explorer, axes):
    frame, found = explorer.compute(), {}
    for line in axes["dV/dt"].lines:
        for name in ("certified", "origin"):
            if np.array_equal(line.get_ydata(), frame[name]):
                found[name] = looks([line])[0]
    assert found == {"certified": (plots.GREEN.upper(), False), "origin": (plots.PURPLE.upper(), True)}


def test_dashes_mean_cut_and_the_ends_of_synapses_their_sign(explorer, axes):
    counts, drawn = explorer.compute()["counts"], looks(axes["Arrow"].lines)
    assert drawn.count((plots.GREY.upper(), True)) == counts["cut"] > 0
    assert sum(dashed for _, dashed in drawn) == counts["cut"]
    assert sum(colour == "#FFD24A" for colour, _ in drawn) == counts["grown"] > 0
    ends = [
        note.arrow_patch.get_arrowstyle()
        for note in axes["Arrow"].texts
        if getattr(note, "arrow_patch", None)
    ]
    event = explorer.event(0.3, "threshold", 0)[0]
    signs = [sign for *_, sign in event.wiring.edges() + event.wiring.edges_in()]
    arrows = sum(type(end).__name__ == "CurveFilledB" for end in ends)
    assert (arrows, len(ends) - arrows) == (signs.count(1), signs.count(-1))


def test_neurons_have_the_explorers_outlines(explorer, axes):
    corners = {
        len(group.get_paths()[0].vertices) - 1: len(group.get_offsets())
        for group in axes["Arrow"].collections
    }
    roles = [node["role"] for node in explorer.spec["circuits"]["random"]["nodes"]]
    assert (corners[3], corners[4], corners[6]) == tuple(
        roles.count(role) for role in ("sensory", "inter", "motor")
    )


def test_circles_are_the_command_block_and_squares_single_neurons(explorer, axes):
    frame = explorer.compute()
    before = frame["before"]
    sizes = sorted(
        (len(group.get_paths()[0].vertices) > 10, len(group.get_offsets()))
        for group in axes["Eigenvalues"].collections
        if len(group.get_offsets()) > 1
    )
    assert sizes == sorted(
        [
            (True, len(before["command"])),
            (True, len(frame["command"])),
            (False, len(before["own"])),
            (False, len(frame["own"])),
        ]
    )


def test_few_colours_keep_the_thin_lines_colours(explorer):
    picture = Image.open(io.BytesIO(explorer.png())).convert("RGB")
    there = np.unique(np.asarray(picture).reshape(-1, 3), axis=0).astype(int)
    for colour in (plots.GREEN, plots.PURPLE, plots.BLUE, plots.VERMILLION):
        wanted = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
        assert np.abs(there - wanted).sum(1).min() <= 24, colour


KEYS = {  # explorer -> name in its legend -> (colour, dashes, marker) there
    "TimeConstantExplorer": {
        "exact": (plots.INK, "-", "None"),
        "fused": (plots.BLUE, "None", "o"),
        "Euler": (plots.VERMILLION, "None", "x"),
    },
    "GradientExplorer": {
        "gradient": (plots.INK, "-", "None"),
        "bound": (plots.GREY, "--", "None"),
        "eigenvalue": (plots.VERMILLION, ":", "None"),
    },
    "StabilityExplorer": {"exact": (plots.INK, "-", "None"), "Euler": (plots.VERMILLION, "None", "o")},
}


@pytest.mark.parametrize("name", KEYS)
def test_a_curve_looks_in_the_picture_as_in_the_explorer(name):
    explorer = getattr(widgets, name)()
    figure = explorer.picture(explorer.compute())
    found = {
        line.get_label(): (line.get_color(), line.get_linestyle(), line.get_marker())
        for ax in figure.axes
        for line in ax.lines
        if not line.get_label().startswith("_")
    }
    assert found == KEYS[name]


def test_the_drives_look_in_the_picture_as_on_the_road():
    """Solid is the drive after the event, dashed that of the uncut circuit; the one ends where the car
    leaves the road.
    """
    explorer = widgets.DriverExplorer()
    frame = explorer.compute(T=0.4)
    network, road, offset = explorer.picture(explorer.compute()).axes
    assert {(to_hex(line.get_color()), line.is_dashed()) for line in road.lines} == {
        ("#ffc21f", False),
        ("#a9dcff", True),
    }
    own = next(line for line in offset.lines if not line.is_dashed())
    assert np.isfinite(own.get_ydata()).sum() == frame["last"] + 1 and len(road.patches) == 2
    assert sum(line.is_dashed() for line in network.lines) == frame["counts"]["cut"] == 13


def test_a_point_beyond_the_picture_is_hollow_at_its_edge():
    explorer = widgets.StabilityExplorer()
    frame = explorer.compute()
    time = explorer.picture(frame).axes[1]
    inside, beyond = (line for line in time.lines if line.get_marker() == "o")
    assert beyond.get_markerfacecolor() == "none" != inside.get_markerfacecolor()
    assert set(np.abs(beyond.get_ydata())) == {3.0} and np.abs(inside.get_ydata()).max() < 3
    assert len(beyond.get_ydata()) == sum(abs(value) > 3 for value in frame["solution"]) > 0
