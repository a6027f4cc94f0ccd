"""The explorer of four solvers: its numbers are those of the package, its limits part rest from rhythm,
JavaScript agrees.
"""

import json
import math

import numpy as np
import pytest
from strategies import assert_same

from ltcbook import simulate
from ltcbook.widgets import SolverExplorer
from ltcbook.widgets.solvers import BEYOND, NAMES, NEURON, SOLVERS

# where rounding is not blown up: rests, flips and short cycles, small steps and large, every preset
GRID = [
    (0.05, 5, 0),
    (0.1, 2, -1),
    (0.35, 5, 0),
    (0.5, 1, 2),
    (0.75, 5, 0),
    (1.0, 3, 0),
    (1.7, 5, 0),
    (2.0, 0, 0),
    (2.0, 8, 0),
    (1.0, 8, 2),
]


@pytest.fixture(scope="module")
def explorer():
    return SolverExplorer()


def slope(w, x):
    """The truth: dx/dt of the neuron, written out."""
    s = 1 / (1 + math.exp(-8 * (x - 0.2)))
    return 0.2 * (2 - x) + w * s * (-1 - x)


@pytest.mark.parametrize("dt, w, start", GRID)
def test_the_exact_solution_is_the_adaptive_solvers_and_ends_at_the_rest(explorer, dt, w, start):
    frame = explorer.compute(dt=dt, w=w, start=start)
    steps = len(frame["exact"]) - 1
    true = simulate.reference(explorer.cell(w), None, np.array([float(start)]), np.full(steps, dt))[:, 0]
    assert frame["exact"][1:] == pytest.approx(true, abs=1e-6)
    assert abs(slope(w, frame["rest"])) < 1e-9 and len(frame["curve"]) > 400


@pytest.mark.parametrize("name", ["fused", "exponential", "rk4"])
def test_a_run_is_what_simulate_says(explorer, name):
    frame = explorer.compute(dt=0.5, w=3)
    run = simulate.simulate(explorer.cell(3.0), None, np.zeros(1), np.full(20, 0.5), method=name)[:, 0]
    assert frame["runs"][name] == [0.0, *run]


def test_an_extrapolated_run_is_the_held_input_of_simulate(explorer):
    frame = explorer.compute(dt=0.2, w=3)
    for parts in (1, 2, 7, 50):  # one held input of so many parts
        end = simulate.simulate(
            explorer.cell(3.0),
            None,
            np.zeros(1),
            np.array([0.2 * parts]),
            method="extrapolated",
            substeps=parts,
        )
        assert frame["runs"]["extrapolated"][parts] == pytest.approx(end[0, 0], abs=1e-12)


@pytest.mark.parametrize("w", [0.5, 2.0, 5.0, 8.0])
@pytest.mark.parametrize("name", SOLVERS)
def test_the_limit_parts_rest_from_unrest(explorer, w, name):
    """From next to the rest, just below its limit a run comes to rest there, just above it does not."""
    frame = explorer.compute(w=w)
    rest, limit = frame["rest"], frame["limits"][name]
    for factor, closer in ((0.98, True), (1.02, False)):
        run = explorer.run(explorer.cell(w), name, np.array([rest + 1e-4]), factor * limit)
        assert (explorer.fate(run, rest)[0] == "rests") == closer


def test_blends_stay_in_the_box_for_every_frame(explorer):
    for dt, w, start in [(d, w, s) for d in (0.3, 1.1, 2.0) for w in (0, 3, 8) for s in (-1, 2)]:
        runs = explorer.compute(dt=dt, w=w, start=start)["runs"]
        for name in ("fused", "exponential", "extrapolated"):
            assert -1 - 1e-12 <= min(runs[name]) and max(runs[name]) <= 2 + 1e-12


@pytest.mark.parametrize(
    "run, rest, kind",
    [
        ([0.5] * 6, 0.5, "rests"),
        ([0.5] * 6, 0.6, "false"),
        ([0, 1] * 4, 0.5, "flips"),
        ([0, 1, 2] * 4, 0.5, "cycles"),
        (list(np.sin(np.arange(50.0))), 0, "wanders"),
        ([0, 1, 2 * BEYOND], 0, "explodes"),
    ],
)
def test_a_fate_is_told_from_the_end_of_a_run(explorer, run, rest, kind):
    assert explorer.fate(run, rest)[0] == kind


def test_the_question_and_its_answer_say_true_numbers(explorer):
    frame = explorer.compute()
    assert f"{frame['rest']:.2f}" == "-0.09" and frame["controls"] == {"dt": 0.8, "w": 5, "start": 0}
    kinds = {name: frame["fates"][name][0] for name in SOLVERS}
    assert kinds == {"fused": "rests", "exponential": "flips", "extrapolated": "cycles", "rk4": "false"}
    assert f"{frame['fates']['rk4'][1]:.3f}" == "-0.173" and "−0.173 mV" in explorer.answer
    assert explorer.prediction.right == 1 == sum(kind == "rests" for kind in kinds.values())
    assert all(
        "0.84 ms" in guess.reply or "−0.173 mV" in guess.reply for guess in explorer.prediction.guesses
    )
    assert frame["verdict"][0][1].endswith("only fused steps do.")
    assert frame["verdict"][1][1] == "Exponential flips, extrapolated cycles, RK4 rests at −0.173\u00a0mV."
    assert NEURON["c"] == 1.0 and frame["limits"]["fused"] == pytest.approx(0.8415, abs=1e-4)


def test_the_presets_tell_what_happens(explorer):
    frames = {preset["name"]: explorer.compute(**preset["controls"]) for preset in explorer.spec["presets"]}
    small = frames["Δ = 0.1 ms"]["errors"]
    assert small["extrapolated"] < min(small["fused"], small["exponential"]) / 5
    wrong = frames["Δ = 1.7 ms"]
    assert wrong["controls"]["dt"] == pytest.approx(2 * wrong["limits"]["fused"], abs=0.03)
    assert "rests" not in {fate[0] for fate in wrong["fates"].values()}
    strong = frames["Strong synapse"]
    assert min(strong["runs"]["rk4"]) < -10 and (
        "after leaving the box" in strong["verdict"][1][1] or strong["fates"]["rk4"][0] == "explodes"
    )
    weak = frames["Weak synapse"]
    assert [weak["limits"][name] for name in SOLVERS[:3]] == [None] * 3
    assert {fate[0] for fate in weak["fates"].values()} == {"rests"}


@pytest.mark.parametrize("controls", [{"dt": 0}, {"w": -1}, {"start": float("nan")}, {"h": 1}])
def test_impossible_controls_are_refused(explorer, controls):
    with pytest.raises(ValueError, match="must|unknown"):
        explorer.compute(**controls)


def test_javascript_says_the_same_numbers_and_words(explorer, static_page):
    page, address, complaints = static_page(explorer)
    for dt, w, start in [(0.8, 5, 0), *GRID]:
        page.goto("about:blank")
        page.goto(f"{address}#dt={dt}&w={w}&start={start}")
        page.wait_for_selector(".ltc-solvers[data-frame]")
        drawn = json.loads(page.get_attribute(".ltc-solvers", "data-frame"))
        assert_same(drawn, explorer.compute(dt=dt, w=w, start=start), rel=1e-6)
    assert page.locator(".ltc-panel-strips svg path").count() > 4 * len(NAMES)
    page.locator(".ltc-handle").focus()
    before = json.loads(page.get_attribute(".ltc-solvers", "data-frame"))["controls"]
    page.keyboard.press("ArrowLeft")
    after = json.loads(page.get_attribute(".ltc-solvers", "data-frame"))["controls"]
    assert after == {**before, "dt": pytest.approx(before["dt"] - 0.1)}
    assert not complaints and page.locator(".ltc-fallback").count() == 0


def test_the_verdict_names_those_that_rest_where_the_equation_rests(explorer):
    """For every frame of a grid: the names before "do" are those whose fate is right, the others stand in
    the second line.
    """
    for dt, w, start in GRID:
        frame = explorer.compute(dt=dt, w=w, start=start)
        right = {NAMES[name] for name in SOLVERS if frame["fates"][name][0] == "rests"}
        (_, first), (_, second) = frame["verdict"]
        told = first.partition("\u00a0ms ")[2]
        assert {name for name in NAMES.values() if name in told} == (right if len(right) < 4 else set())
        assert ("all four" in told) == (len(right) == 4) and ("no solver" in told) == (not right)
        if len(right) < 4:
            assert {
                name for name in NAMES.values() if name in second[0].lower() + second[1:] or name in second
            } == set(NAMES.values()) - right


def test_what_would_tell_waits_for_the_prediction_and_the_drawing_fits_on_one_screen(explorer, static_page):
    page, address, complaints = static_page(explorer)
    page.set_viewport_size({"width": 736 + 16, "height": 800})
    page.goto(address)
    telling = page.locator(
        "svg[role=img] g[data-mark], svg[role=img] path[data-mark], svg[role=img] text.strong.after"
    )
    assert telling.count() == 12 and telling.evaluate_all(
        "all => all.every(e => getComputedStyle(e).visibility === 'hidden')"
    )
    page.get_by_role("button", name="One", exact=True).click()
    assert page.locator(".ltc-reply").text_content().startswith("You said “One”, and so it is.")
    assert telling.evaluate_all("all => all.every(e => getComputedStyle(e).visibility === 'visible')")
    for preset in explorer.spec["presets"]:
        page.get_by_role("button", name=preset["name"], exact=True).click()
    top, bottom = (
        page.locator(place).bounding_box() for place in (".ltc-first", ".ltc-explorer > .ltc-panels")
    )
    assert bottom["y"] + bottom["height"] - top["y"] < 700
    assert page.locator(".ltc-range:visible").count() == 1 and not complaints
