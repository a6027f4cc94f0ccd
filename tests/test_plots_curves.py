"""Curves, bounds and balances: what is drawn is what was given, and nothing depends on colour alone."""

import numpy as np
import pytest

from ltcbook import plots


@pytest.fixture
def ax():
    return plots.figure(5, 3)[1]


def test_curves_differ_in_colour_and_in_dashes(ax):
    x = np.linspace(0, 1, 5)
    plots.draw_curves(x, {f"curve {k}": k + x for k in range(5)}, ax)
    looks = [(line.get_color(), line._unscaled_dash_pattern) for line in ax.lines]
    assert len({colour for colour, _ in looks}) == len({str(dash) for _, dash in looks}) == 5


def test_names_at_the_end_of_curves_never_touch(ax):
    ax.set(ylim=(0, 1))
    plots.draw_curves([0, 1], {"a": [0, 0.99], "b": [0, 1.0], "c": [0, 0.98]}, ax)
    ax.figure.draw_without_rendering()
    heights = sorted(text.get_window_extent().get_points()[:, 1].tolist() for text in ax.texts)
    assert all(low[1] <= high[0] + 0.5 for low, high in zip(heights, heights[1:]))  # half a pixel of rounding


def test_a_curve_ends_at_its_last_finite_value(ax):
    ax.set(ylim=(0, 5))
    plots.draw_curves([0, 1, 2], {"pole": [1, 2, np.nan]}, ax)
    assert ax.texts[0].xy == (1, 2)


def test_the_seesaw_balances_at_the_weighted_mean(ax):
    plots.draw_balance([1, 3], [-1, 1], ["inhibits", "excites"], ax)
    assert ax.collections[-1].get_offsets()[0, 0] == pytest.approx(0.5)
    assert "0.50" in [text.get_text() for text in ax.texts]


def test_bounds_stay_in_the_picture_and_shade_only_outside(ax):
    ax.set(xlim=(0, 1), ylim=(0.2, 3))
    plots.draw_bounds(0, 1, ax)
    assert ax.get_ylim() == (0, 3)
    assert [
        patch.get_extents().transformed(ax.transData.inverted()).height for patch in ax.patches
    ] == pytest.approx([0, 2])


def test_the_measured_order_stands_in_the_name(ax):
    dt = np.array([0.4, 0.1, 0.2])
    plots.draw_orders(dt, {"first": 3 * dt, "second": dt**2}, ax)
    assert sorted(text.get_text() for text in ax.texts) == ["first: 1.00", "second: 2.00"]


@pytest.mark.parametrize(
    "draw, message",
    [
        (lambda ax: plots.draw_curves([0, 1], {}, ax), "0 curves"),
        (lambda ax: plots.draw_curves([0, 1], {"a": [1, 2, 3]}, ax), "shape"),
        (lambda ax: plots.draw_curves([0, 1], {"a": [1, 2]}, ax, labels="left"), "choose"),
        (lambda ax: plots.draw_bounds(1, 1, ax), "below"),
        (lambda ax: plots.draw_balance([0, 0], [1, 2], ["a", "b"], ax), "one of them > 0"),
        (lambda ax: plots.draw_orders([0.1], {"a": [1.0]}, ax), "at least two"),
        (lambda ax: plots.draw_ranges([0], [1], [2], [3], ax), "leaves"),
    ],
)
def test_impossible_drawings_are_refused(ax, draw, message):
    with pytest.raises(ValueError, match=message):
        draw(ax)
