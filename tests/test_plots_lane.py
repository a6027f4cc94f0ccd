"""Pictures of drives: distances on the road stay as they are, what is drawn is what was seen, and words
tell who left.
"""

import numpy as np
import pytest

from ltcbook import plots, wiring
from ltcbook.tasks import lane

ROADS = lane.Road.random(3, 200, rng=np.random.default_rng(1))
DRIVES = {
    "nobody": lane.drive(lane.straight_ahead, ROADS, steps=200, takeover=0, rng=np.random.default_rng(2)),
    "expert": lane.drive(lane.expert, ROADS, steps=200, rng=np.random.default_rng(2)),
}
NET = wiring.auto_ncp(8, 2, sensory=3, rng=np.random.default_rng(0))
T = np.arange(5.0)
VALUES = np.random.default_rng(0).uniform(1, 2, (5, 8))


@pytest.fixture
def ax():
    return plots.figure(7, 3)[1]


@pytest.mark.parametrize("which", range(3))
def test_the_picture_from_above_turns_the_road_and_stretches_nothing(ax, which):
    plots.draw_drives(DRIVES, ax, which=which)
    lines = {line.get_label(): line.get_xydata() for line in ax.lines}
    for name, drive in DRIVES.items():
        path = drive.places()[which]
        path = path[np.isfinite(path).all(-1)]
        assert np.allclose(
            np.linalg.norm(np.diff(lines[name], axis=0), axis=-1),
            np.linalg.norm(np.diff(path, axis=0), axis=-1),
        )
        assert np.linalg.norm(lines[name][-1] - lines[name][0]) == pytest.approx(
            np.linalg.norm(path[-1] - path[0])
        )
    assert ax.get_aspect() == 1
    middle = ax.lines[0].get_xydata()
    # from left to right
    assert middle[-1, 1] - middle[0, 1] == pytest.approx(0, abs=1e-9) and middle[-1, 0] > middle[0, 0]
    band = ax.patches[0].get_xy()[:-1]
    width = np.linalg.norm(band[: len(middle)] - band[len(middle) :][::-1], axis=-1)
    assert np.allclose(width, 2 * lane.EDGE)


def test_a_cross_stands_where_a_car_left_and_the_words_name_it(ax):
    plots.draw_drives(DRIVES, ax, which=0)
    crosses = [line for line in ax.lines if line.get_marker() == "X"]
    assert not DRIVES["nobody"].stayed[0] and DRIVES["expert"].stayed[0] and len(crosses) == 1
    path = next(line for line in ax.lines if line.get_label() == "nobody").get_xydata()
    assert np.allclose(crosses[0].get_xydata(), path[-1])
    words = plots.drives_alt(DRIVES, which=0)
    assert "nobody leaves the road after" in words and "expert stays on the road for all of" in words


def test_the_camera_shows_what_was_seen_before_the_car_left(ax):
    plots.draw_camera(DRIVES["nobody"], ax, which=1)
    shown = ax.images[0].get_array()
    known = np.isfinite(DRIVES["nobody"].inputs[1]).all(-1)
    assert np.array_equal(shown, DRIVES["nobody"].inputs[1][known].T) and shown.shape[1] < 200
    assert ax.images[0].origin == "lower"  # the near strip below, as its label says
    assert "6 m" in ax.get_yticklabels()[0].get_text()


def test_a_heat_picture_has_a_row_for_each_neuron_and_a_line_between_layers(ax):
    plots.draw_heat(T, VALUES, ax, wiring=NET, label="state", scale="log")
    assert np.array_equal(ax.images[0].get_array(), VALUES.T) and ax.images[0].origin == "upper"
    roles = [role for k, role in enumerate(NET.role) if k == 0 or NET.role[k - 1] != role]
    assert [text.get_text() for text in ax.get_yticklabels()] == roles
    assert [line.get_ydata()[0] for line in ax.lines] == [NET.role.index(role) - 0.5 for role in roles[1:]]


def test_words_for_a_heat_picture_name_who_changes_most():
    values = VALUES.copy()
    values[:, 7] = [0, 9, 0, 9, 0]
    assert "motor neuron 2 changes most, by 9" in plots.heat_alt(T, values, wiring=NET, label="state")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda ax: plots.draw_drives({}, ax), "1 to 5 drives"),
        (lambda ax: plots.draw_drives({"a": 1}, ax), "1 to 5 drives"),
        (lambda ax: plots.draw_drives(DRIVES, ax, which=3), "which"),
        (
            lambda ax: plots.draw_drives(
                DRIVES
                | {"else": lane.drive(lane.expert, ROADS.mirrored(), steps=9, rng=np.random.default_rng(2))},
                ax,
            ),
            "'else' drives on another road",
        ),
        (lambda ax: plots.draw_camera(3, ax), "lane.Drive"),
        (lambda ax: plots.draw_camera(DRIVES["expert"], ax, which=-1), "which"),
        (lambda ax: plots.draw_heat(T, VALUES[:, :3], ax, wiring=NET, label="x"), "shape"),
        (lambda ax: plots.draw_heat(T, -VALUES, ax, wiring=NET, label="x", scale="log"), "logarithmic"),
        (lambda ax: plots.draw_heat(T, VALUES, ax, wiring=NET, label="x", scale="square"), "scale"),
        (lambda ax: plots.draw_heat(T, VALUES, ax, wiring=None, label="x"), "wiring"),
    ],
)
def test_what_cannot_be_drawn_is_refused(ax, call, said):
    with pytest.raises(ValueError, match=said):
        call(ax)
