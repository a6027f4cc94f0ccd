"""Stability regions: shaded where the method's step shrinks, words from the same function."""

import numpy as np
import pytest

from ltcbook import plots

EULER, IMPLICIT = (lambda z: 1 + z), (lambda z: 1 / (1 - z))


def test_the_boundary_of_eulers_region_is_the_circle_about_minus_one():
    _, ax = plots.figure(3, 3)
    assert plots.draw_stability(EULER, "Euler", ax) is ax
    (path,) = ax.collections[-1].get_paths()
    re, im = path.vertices.T
    assert np.abs(re + 1 + 1j * im) == pytest.approx(1, abs=0.01)


def test_the_words_say_how_far_left_the_region_reaches():
    assert "from 0 to −2 on the real axis" in plots.stability_alt(EULER, "Euler").replace("-2", "−2")
    assert "whole negative real axis" in plots.stability_alt(IMPLICIT, "implicit Euler")


@pytest.mark.parametrize("box", [(1, 1, 0, 1), (0, 1, 2, 1)])
def test_a_box_without_area_is_refused(box):
    _, ax = plots.figure(3, 3)
    with pytest.raises(ValueError, match="left < right"):
        plots.draw_stability(EULER, "Euler", ax, box=box)
    with pytest.raises(ValueError, match="left < right"):
        plots.stability_alt(EULER, "Euler", box=box)
