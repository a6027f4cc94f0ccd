"""The explorer of two clocks: its sentences are true, and JavaScript restates every number."""

import itertools
import json

import numpy as np
import pytest

from ltcbook import analysis, dynamics
from ltcbook.widgets import TauExplorer

GRID = list(itertools.product((1.0, 2.5), (1.0, 3.0, 7.5, 10.0), ("push", "mirror", "weak")))


@pytest.fixture(scope="module")
def explorer():
    return TauExplorer()


@pytest.mark.parametrize("tau_1, tau_2, weights", GRID)
def test_no_clock_moves_an_equilibrium_or_leaves_the_box(explorer, tau_1, tau_2, weights):
    controls = {"tau_1": tau_1, "tau_2": tau_2, "weights": weights, "x_1": 1.0, "x_2": -0.7}
    frame, cell = explorer.compute(**controls), explorer.cell(controls)
    rests = np.array(explorer.spec["networks"][weights]["equilibria"])
    assert np.abs(dynamics.vector_field(0, rests, None, cell)).max() < 1e-12
    assert np.abs(frame["path"]).max() <= 1


def test_the_kinds_are_those_of_the_eigenvalues(explorer, subtests):
    for tau_1, tau_2, weights in GRID:
        with subtests.test(tau_1=tau_1, tau_2=tau_2, weights=weights):
            controls = {"tau_1": tau_1, "tau_2": tau_2, "weights": weights}
            frame, cell = explorer.compute(**controls), explorer.cell(controls)
            for x, kind in zip(explorer.spec["networks"][weights]["equilibria"], frame["kinds"]):
                real = np.linalg.eigvals(dynamics.jacobian(np.array(x), None, cell)).real
                near = np.abs(real).min() < 1e-9
                true = (
                    "edge"
                    if near
                    else "stable"
                    if real.max() < 0
                    else "unstable"
                    if real.min() > 0
                    else "saddle"
                )
                assert kind == true
            shown = np.array(frame["eigenvalues"]) @ [1, 1j]
            right = analysis.eigenvalues(np.zeros(2), None, cell)
            # a double one is known to 1e-8
            assert np.allclose(np.sort_complex(shown), np.sort_complex(right), atol=1e-6)


@pytest.mark.parametrize("tau_1", [0.5, 1.0, 2.0, 4.0])
def test_the_push_pull_pair_turns_at_three_to_one(explorer, tau_1):
    """Trace 1/tau_1 - 3/tau_2 and determinant 1/(tau_1 tau_2) decide: no solver is asked."""
    for tau_2 in np.arange(0.5, 12.5, 0.5):
        text = explorer.compute(tau_1=tau_1, tau_2=tau_2)["verdict"][1][1]
        expected = "On the boundary" if tau_2 == 3 * tau_1 else "Unstable" if tau_2 > 3 * tau_1 else "Stable"
        assert text.startswith(expected), (tau_2, text)


def test_the_default_makes_the_point_untouched(explorer):
    assert [text for _, text in explorer.compute()["verdict"]] == [
        "Equilibrium fixed at (0,\u00a00).",
        "Unstable, 0.5 and 0.2 per ms: x_1 swings from −0.92 to 0.92.",
    ]


def test_the_prediction_is_what_becomes_of_the_equilibrium(explorer):
    """At tau_2 = 10 ms the run circles (0, 0), at 1 ms it ends there, and no slope vanishes at any other
    place.
    """
    slow, fast = explorer.compute(), explorer.compute(tau_2=1.0)
    assert explorer.prediction.right == "attracts" and explorer.spec["networks"]["push"]["equilibria"] == [
        [0, 0]
    ]
    assert np.abs(np.array(slow["path"])[-50:]).max() > 0.5 and np.abs(fast["path"][-1]).max() < 1e-3
    assert "10 ms" in explorer.question and slow["controls"]["tau_2"] == 10


def test_before_the_prediction_neither_eigenvalue_nor_kind_is_seen(explorer, static_page):
    page, address, complaints = static_page(explorer)
    page.goto(address)
    told = page.locator(".eigen, [data-mark=equilibrium] path, [data-mark=ghost]")
    assert told.count() == 4 and page.locator(".ltc-verdict p").first.is_hidden()
    assert not any(shape.is_visible() for shape in told.all()) and page.locator(".place").is_visible()
    page.get_by_role("button", name="It moves").click()
    assert (
        all(shape.is_visible() for shape in told.all())
        and "so they cross at (0, 0)" in page.locator(".ltc-reply").text_content()
    )
    assert not complaints


def test_equal_clocks_and_slow_ones_end_at_different_memories(explorer):
    slow, equal = (explorer.compute(weights="mirror", tau_2=tau_2)["verdict"][1][1] for tau_2 in (10.0, 1.0))
    assert slow.endswith("ends at (−0.93,\u00a0−0.9).") and equal.endswith("ends at (0.93,\u00a00.9).")


def test_javascript_says_the_same_numbers_and_words(explorer, static_page):
    page, address, complaints = static_page(explorer)
    for tau_1, tau_2, weights in GRID[::2]:
        controls = {"tau_1": tau_1, "tau_2": tau_2, "weights": weights, "x_1": -0.65}
        page.goto("about:blank")
        page.goto(f"{address}#" + "&".join(f"{name}={value}" for name, value in controls.items()))
        page.wait_for_selector(".ltc-tau[data-frame]")
        drawn, frame = json.loads(page.get_attribute(".ltc-tau", "data-frame")), explorer.compute(**controls)
        assert drawn.keys() == frame.keys()
        for name in ("kinds", "verdict", "controls"):
            assert drawn[name] == frame[name]
        for name in ("path", "ghost", "eigenvalues", "swing"):
            assert np.allclose(drawn[name], frame[name], rtol=0, atol=1e-9), name
    assert not complaints and page.locator(".ltc-fallback").count() == 0


def test_a_moved_start_redraws_the_path_and_leaves_the_nullclines(explorer, browser, tmp_path):
    page_file = tmp_path / "explorer.html"
    page_file.write_text(f'<!doctype html><meta charset="utf-8"><body>{explorer.to_html()}', "utf8")
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(page_file.as_uri())
    page.wait_for_selector(".ltc-tau[data-frame]")
    redrawn = "d => document.querySelectorAll('.ltc-panel-plane .curve')[3].getAttribute('d') !== d"
    curves = lambda: page.eval_on_selector_all(
        ".ltc-panel-plane .curve", "lines => lines.map((line) => line.getAttribute('d'))"
    )
    first = curves()
    page.locator(".ltc-handle").press("ArrowLeft")
    page.wait_for_function(redrawn, arg=first[3])
    moved = curves()
    assert [a == b for a, b in zip(first, moved)] == [True, True, False, False]  # nullclines, ghost, path
    page.get_by_role("button", name="Three to one").click()
    page.wait_for_function(redrawn, arg=moved[3])
    assert curves()[:2] == first[:2] and curves()[3] != first[3]
    context.close()
