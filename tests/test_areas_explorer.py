"""The explorer of the areas: its masks are the package's, its eigenvalues those of the areas where no loop joins them."""

import itertools
import json

import numpy as np
import pytest

from ltcbook import wiring
from ltcbook.widgets import AreasExplorer
from ltcbook.widgets.areas import NEURONS, SEED, spectrum

GRID = list(itertools.product((0.0, 0.4, 1.0), (0.0, 0.1, 0.7), (2, 3, 4), (0.5, 1.0), ("plus", "dale")))
NAMES = ("forward", "backward", "areas", "within", "signs")


@pytest.fixture(scope="module")
def explorer():
    return AreasExplorer()


def full(values):
    """All eigenvalues from those with Im >= 0, sorted."""
    values = np.array([complex(*value) for value in values])
    return np.sort_complex(np.concatenate([values, values[values.imag > 0].conj()]))


@pytest.mark.parametrize("values", GRID[::3])
def test_a_frame_counts_the_synapses_of_the_package(explorer, values):
    forward, backward, areas, within, _ = values
    frame = explorer.compute(**dict(zip(NAMES, values, strict=True)))
    masks = wiring.multi_area((1, NEURONS, 1), areas, (forward, backward, within), rng=np.random.default_rng(SEED))
    blocks = masks.density() * (NEURONS / areas) ** 2
    counts = frame["counts"]
    assert counts["forward"] == round(np.tril(blocks, -1).sum()) and counts["backward"] == round(np.triu(blocks, 1).sum())
    assert counts["total"] == masks.hidden_mask.sum() == counts["within"] + counts["forward"] + counts["backward"]
    size = NEURONS / areas
    assert frame["expected"] == pytest.approx(size**2 * areas * (within + (areas - 1) / 2 * (forward + backward)))


@pytest.mark.parametrize("values", GRID)
def test_without_a_loop_the_eigenvalues_are_those_of_the_areas_and_else_not(explorer, values):
    frame = explorer.compute(**dict(zip(NAMES, values, strict=True)))
    alone = full(explorer.spec["alone"][f"{values[2]}-{values[3]:g}-{values[4]}"])
    found = full(frame["eigen"])
    assert len(found) == NEURONS
    same = np.allclose(found.sum(), alone.sum(), atol=0.02)  # the trace never changes
    assert same
    free = values[0] == 0 or values[1] == 0
    assert (np.abs(found - alone).max() < 2e-3) == free
    assert ("No loop" in frame["verdict"][0][1]) == free
    assert (frame["verdict"][0][0] == "good") == ("die out" in frame["verdict"][0][1]) == (found.real.max() < 0)


def test_more_excitation_never_makes_it_more_stable(explorer):
    """Perron and Frobenius: with weights >= 0 the rightmost eigenvalue grows with every synapse."""
    for areas, within in itertools.product((2, 3, 4), (0.5, 1.0)):
        for forward in (0.2, 1.0):
            at = [spectrum(areas, forward, b, within, "plus").real.max() for b in np.linspace(0, 1, 6)]
            assert (np.diff(at) >= -1e-12).all()


def test_the_question_the_answer_and_the_presets_say_true_numbers(explorer):
    frames = {preset["name"]: explorer.compute(**preset["controls"]) for preset in explorer.spec["presets"]}
    one, few, other, bit, dale = frames.values()
    assert one == explorer.compute() and one["abscissa"] == -0.378 == other["abscissa"] and one["counts"]["forward"] == 192
    assert few["abscissa"] == 0.043 and few["counts"]["backward"] == 20 and "+0.043" in explorer.answer
    between = [frame["counts"]["forward"] + frame["counts"]["backward"] for frame in (one, bit)]
    assert between == [192, 138] and bit["abscissa"] > 0 > dale["abscissa"]
    assert dale["counts"]["backward"] == 192
    signs = np.array(explorer.spec["excitatory"]["3"])
    assert (1 - signs).mean() == 0.25


@pytest.mark.parametrize("controls", [{"forward": 1.2}, {"backward": -0.1}, {"areas": 5}, {"signs": "minus"}, {"p": 1}])
def test_impossible_controls_are_refused(explorer, controls):
    with pytest.raises(ValueError, match="must|choose|unknown"):
        explorer.compute(**controls)


def test_the_page_draws_the_masks_of_python(explorer, static_page):
    page, address, complaints = static_page(explorer)
    for values in ((1.0, 0.1, 3, 1.0, "plus"), (0.4, 0.7, 4, 0.5, "dale"), (0.0, 1.0, 2, 0.5, "plus")):
        page.goto("about:blank")
        page.goto(f"{address}#{'&'.join(f'{n}={v:g}' if n != 'signs' else f'{n}={v}' for n, v in zip(NAMES, values, strict=True))}")
        page.wait_for_selector(".ltc-areas[data-frame]")
        drawn = json.loads(page.get_attribute(".ltc-areas", "data-frame"))
        frame = explorer.compute(**dict(zip(NAMES, values, strict=True)))
        assert drawn["counts"] == frame["counts"] and drawn["verdict"] == frame["verdict"]
        boxes = page.eval_on_selector_all(".ltc-panel-mask path", "paths => paths.map(p => p.getAttribute('d'))")
        masks = AreasExplorer.masks(values[2], values[0], values[1], values[3], values[4]).hidden_mask
        step = np.sign(np.subtract.outer(*[np.arange(NEURONS) * values[2] // NEURONS] * 2))
        wanted = [int(((step == way) & (masks == sign)).sum()) for way in (0, 1, -1) for sign in (1, -1)]
        assert [d.count("Z") for d in boxes] == wanted
        assert page.locator(".ltc-panel-eigenvalues .eigen.own:not([display=none])").count() == NEURONS
    page.locator(".ltc-handle").focus()
    before = json.loads(page.get_attribute(".ltc-areas", "data-frame"))
    page.keyboard.press("ArrowRight")
    after = json.loads(page.get_attribute(".ltc-areas", "data-frame"))
    assert after["counts"]["forward"] > before["counts"]["forward"]
    assert not complaints and page.locator(".ltc-fallback").count() == 0
