"""The explorer of one eigenvalue: its numbers are those of solvers and equation, JavaScript restates them
exactly.
"""

import itertools
import json

import numpy as np
import pytest
from strategies import assert_same

from ltcbook.widgets import StabilityExplorer
from ltcbook.widgets.stability import METHODS, boundary, stability_function

GRID = [*itertools.product((-6.0, -2.0, -0.1, 0.0, 1.0, 2.0), (0.0, -3.0, 5.0), (0.1, 0.5, 2.0), METHODS)]


@pytest.fixture(scope="module")
def explorer():
    return StabilityExplorer()


def one_step(lam, dt, method):
    """The truth: one step of the method itself on dx/dt = lambda x from x = 1."""
    f = lambda x: lam * x
    if method == "euler":
        return 1 + dt * f(1)
    if method == "implicit":
        return 1 / (1 - dt * lam)
    k1 = f(1)
    k2 = f(1 + dt / 2 * k1)
    k3 = f(1 + dt / 2 * k2)
    return 1 + dt / 6 * (k1 + 2 * k2 + 2 * k3 + f(1 + dt * k3))


@pytest.mark.parametrize("method", METHODS)
def test_the_stability_function_is_one_step_of_the_method(method):
    rng = np.random.default_rng(0)
    for lam in rng.normal(size=20) + 1j * rng.normal(size=20):
        assert stability_function(0.7 * lam, method) == pytest.approx(one_step(lam, 0.7, method), rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_the_boundary_is_where_a_step_keeps_the_size(method):
    re, im = np.array(boundary(method)).T
    # kept to four digits
    assert np.abs(stability_function(re + 1j * im, method)) == pytest.approx(1, abs=1e-3)
    assert np.abs(np.diff(re + 1j * im)).max() < 0.2, "the curve jumps"


def test_the_verdict_is_what_the_solution_does(explorer, subtests):
    for re, im, dt, method in GRID[::5]:
        with subtests.test(re=re, im=im, dt=dt, method=method):
            frame = explorer.compute(re=re, im=im, dt=dt, method=method)
            if frame["R"] is None:
                return
            size, text = abs(one_step(complex(re, im), dt, method)), frame["verdict"][0][1]
            does = "keeps" if abs(size - 1) < 1e-9 else "explodes" if size > 1 else "decays"
            truth = "keeps" if re == 0 else "grows" if re > 0 else "decays"
            assert does in text and (truth in text or "as the equation does" in text)
            assert (frame["verdict"][0][0] == "good") == (
                (does, truth) in [("keeps", "keeps"), ("explodes", "grows"), ("decays", "decays")]
            )


@pytest.mark.parametrize("re, im", [(-2, 2), (-0.1, 3), (-6, 0)])
@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_the_limit_parts_decay_from_explosion(explorer, re, im, method):
    limit = explorer.limit(complex(re, im), method)
    assert (
        abs(one_step(complex(re, im), 0.999 * limit, method))
        < 1
        < abs(one_step(complex(re, im), 1.001 * limit, method))
    )
    if method == "euler":
        assert limit == pytest.approx(-2 * re / (re * re + im * im), rel=1e-9)


def test_the_question_and_its_answer_say_true_numbers(explorer):
    frame = explorer.compute()
    assert frame["controls"] == {"re": -2, "im": 2, "dt": 0.8, "method": "euler"} and frame["size"] > 1
    assert frame["limit"] == pytest.approx(0.5) and "= 0.5" in explorer.answer
    assert f"{explorer.limit(-0.1 + 3j, 'euler'):.3f}" == "0.022"
    signs = [explorer.compute(**preset["controls"])["verdict"][0][0] for preset in explorer.spec["presets"]]
    assert signs == ["bad", "good", "bad", "good", "bad"]
    assert (
        f"{abs(one_step(-2 + 2j, 0.7, 'euler')):.2f}" == "1.46"
        and "size 1.46" in explorer.prediction.guesses[0].reply
    )
    assert [abs(one_step(-2 + 2j, step, "euler")) < 1 for step in (0.7, 0.51, 0.49, 0.05)] == [
        False,
        False,
        True,
        True,
    ]
    assert explorer.prediction.right == "0.5"


def test_before_the_prediction_neither_factor_nor_limit_is_said(explorer, static_page):
    page, address, complaints = static_page(explorer)
    page.goto(address)
    told = page.locator(".ltc-panel-plane .strong, .ltc-panel-run .strong, .ltc-verdict p")
    assert told.count() == 4 and not any(words.is_visible() for words in told.all())
    assert "0.5" not in page.locator(".ltc-explorer svg[role=img]").first.get_attribute("aria-label")
    page.get_by_role("button", name="Below 0.7").click()
    assert (
        all(words.is_visible() for words in told.all())
        and "1.46" in page.locator(".ltc-reply").text_content()
    )
    assert "Δ\u00a0<\u00a00.5." in page.locator(".ltc-verdict").text_content() and not complaints


def test_javascript_says_the_same_numbers_and_words(explorer, static_page):
    page, address, complaints = static_page(explorer)
    for re, im, dt, method in [*GRID[::9], (1.0, 0.0, 1.0, "implicit")]:
        page.goto("about:blank")
        page.goto(f"{address}#re={re}&im={im}&dt={dt}&method={method}")
        page.wait_for_selector(".ltc-stability[data-frame]")
        drawn = json.loads(page.get_attribute(".ltc-stability", "data-frame"))
        assert_same(drawn, explorer.compute(re=re, im=im, dt=dt, method=method), rel=1e-8)
    page.locator(".ltc-handle").focus()
    before = json.loads(page.get_attribute(".ltc-stability", "data-frame"))["controls"]
    page.keyboard.press("ArrowLeft")
    after = json.loads(page.get_attribute(".ltc-stability", "data-frame"))["controls"]
    assert after == {**before, "re": pytest.approx(before["re"] - 0.1)}
    assert not complaints and page.locator(".ltc-fallback").count() == 0
