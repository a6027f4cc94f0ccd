"""The explorer of eigenvalues and errors before and after: its truth is the simulated network, JavaScript
restates it.
"""

import itertools
import json

import numpy as np
import pytest
from strategies import assert_same

from ltcbook import dynamics, simulate
from ltcbook.widgets import ConvergenceExplorer
from ltcbook.widgets.convergence import ITS_ERROR, TIMES

GRID = [
    dict(zip(("w", "W", "tau_j", "tau_k", "e_j", "e_k", "bystander"), values, strict=True))
    for values in itertools.product(
        (0.02, 0.6),
        (0.05, 1.0, 10.0),
        (0.2, 1.0, 3.0),
        (0.5, 1.0, 2.0),
        (0.0, -0.7),
        (0.4, 1.0),
        ("none", "slow"),
    )
]


@pytest.fixture(scope="module")
def explorer():
    return ConvergenceExplorer()


@pytest.mark.parametrize("controls", GRID[::23])
def test_the_error_falls_as_the_networks_themselves_do(explorer, controls):
    frame = explorer.compute(**controls)
    error = np.array([controls["e_j"], controls["e_k"], ITS_ERROR][: 2 + (controls["bystander"] == "slow")])
    for name, cell in zip(("before", "after"), explorer.cells(controls), strict=True):
        u = np.zeros(1)  # opens the gate by 1/2
        rest = dynamics.effective_equilibrium(np.zeros(cell.n), u, cell)
        run = simulate.simulate(cell, np.zeros((120, 1)), rest + error, 0.1, method="rk4", substeps=10)
        share = np.linalg.norm(run - rest, axis=-1) / np.linalg.norm(error)
        assert frame[name]["norm"][1:] == pytest.approx(share, rel=1e-4, abs=1e-9)
        at = frame[name]["settle"]
        assert at > TIMES[-1] or np.interp(at, TIMES, frame[name]["norm"]) == pytest.approx(0.01, rel=0.05)
        small = simulate.simulate(cell, np.zeros((1, 1)), rest + error, 1e-5, method="rk4")[0] - rest
        first = -np.log(np.linalg.norm(small) / np.linalg.norm(error)) / 1e-5
        assert frame[name]["first"] == pytest.approx(first, rel=1e-3)


def test_only_the_leak_times_decide_whether_the_slowest_mode_gains(explorer, subtests):
    for controls in GRID[::7]:
        with subtests.test(controls=controls):
            frame = explorer.compute(**controls)
            sign = np.sign(round(frame["after"]["rate"] - frame["before"]["rate"], 12))
            tone = {1: "good", 0: "same", -1: "bad"}[int(sign)]
            assert frame["verdict"][0][0] == tone
            by_leak = np.sign(controls["tau_k"] - controls["tau_j"])
            assert sign == by_leak if controls["bystander"] == "none" else sign in (0, by_leak)


@pytest.mark.parametrize("controls", GRID[::31])
def test_eulers_largest_step_is_where_it_begins_to_explode(explorer, controls):
    frame = explorer.compute(**controls)
    for name, cell in zip(("before", "after"), explorer.cells(controls), strict=True):
        for factor in (0.99, 1.01):
            step, start = factor * frame[name]["step"], np.ones(cell.n)
            rest = dynamics.effective_equilibrium(start, np.zeros(1), cell)
            run = simulate.simulate(cell, np.zeros((2000, 1)), start, step, method="euler")
            assert (np.abs(run[-1] - rest).max() < 1) == (factor < 1)


def test_the_question_and_its_answer_say_true_numbers(explorer):
    frame = explorer.compute()
    assert frame["controls"]["W"] == 50 * frame["controls"]["w"]
    assert (frame["before"]["rate"], frame["after"]["rate"]) == (pytest.approx(0.6), pytest.approx(0.5))
    assert "0.5 per ms" in explorer.answer and "0.6" in explorer.answer
    assert explorer.prediction.right == "old"
    assert all("0.5 per ms" in guess.reply and "0.6" in guess.reply for guess in explorer.prediction.guesses)
    assert (
        frame["after"]["first"] > frame["before"]["first"]
        and frame["after"]["settle"] > frame["before"]["settle"]
    )
    tones = {
        preset["name"]: [tone for tone, _ in explorer.compute(**preset["controls"])["verdict"]]
        for preset in explorer.spec["presets"]
    }
    assert tones["50 times"] == ["bad", "bad"] and tones["As published"][0] == "same"
    assert tones["A slow target"][0] == "good" and tones["A bystander"][0] == "same"


def test_no_error_is_said_and_not_divided_by(explorer):
    frame = explorer.compute(e_j=0, e_k=0)
    assert frame["after"]["norm"] is None and "drag" in frame["verdict"][1][1]


def test_javascript_says_the_same_numbers_and_words(explorer, static_page):
    page, address, complaints = static_page(explorer)
    for controls in [*GRID[::29], {**GRID[0], "e_j": 0, "e_k": 0}]:
        page.goto("about:blank")
        page.goto(f"{address}#" + "&".join(f"{name}={value}" for name, value in controls.items()))
        page.wait_for_selector(".ltc-convergence[data-frame]")
        drawn = json.loads(page.get_attribute(".ltc-convergence", "data-frame"))
        assert_same(drawn, explorer.compute(**controls), rel=1e-8)
    page.locator(".ltc-handle").focus()
    before = json.loads(page.get_attribute(".ltc-convergence", "data-frame"))["controls"]
    page.keyboard.press("ArrowRight")
    after = json.loads(page.get_attribute(".ltc-convergence", "data-frame"))["controls"]
    assert after == {**before, "e_j": pytest.approx(before["e_j"] + 0.05)}
    assert float(page.get_attribute(".ltc-convergence", "data-ms")) < 16
    assert not complaints and page.locator(".ltc-fallback").count() == 0


def test_the_second_line_says_who_is_ahead_at_first_and_who_settles_first(explorer, subtests):
    for controls in GRID[::17]:
        with subtests.test(controls=controls):
            frame = explorer.compute(**controls)
            tone, text = frame["verdict"][1]
            first = frame["after"]["first"] - frame["before"]["first"]
            assert ("shrinks faster" in text) == (first > 1e-9) and ("more slowly" in text) == (first < -1e-9)
            settle = frame["after"]["settle"] / frame["before"]["settle"]
            assert tone == ("good" if settle < 0.998 else "bad" if settle > 1.0021 else "same")


def test_what_would_tell_waits_for_the_prediction_and_the_drawing_fits_on_one_screen(explorer, static_page):
    page, address, complaints = static_page(explorer)
    page.set_viewport_size({"width": 736 + 16, "height": 800})
    page.goto(address)
    telling = page.locator("svg[role=img] path[style*='--sure'], svg[role=img] text.strong")
    hidden = "all => all.filter(e => e.style.display !== 'none').map(e => getComputedStyle(e).visibility)"
    asked = telling.evaluate_all(hidden)
    # the name of the row "after", and the slowest mode before
    assert asked.count("hidden") >= 6 and asked.count("visible") == 2
    page.get_by_role("button", name="In the old one").click()
    assert page.locator(".ltc-reply").text_content().startswith("You said “In the old one”, and so it is.")
    assert set(telling.evaluate_all(hidden)) == {"visible"}
    for preset in explorer.spec["presets"]:
        page.get_by_role("button", name=preset["name"], exact=True).click()
    top, bottom = (
        page.locator(place).bounding_box() for place in (".ltc-first", ".ltc-explorer > .ltc-panels")
    )
    assert bottom["y"] + bottom["height"] - top["y"] < 700
    assert page.locator(".ltc-range:visible").count() == 1 and not complaints
