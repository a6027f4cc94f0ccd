"""The explorer of one neuron: its numbers are the package's, its sentences are true, JavaScript restates
it exactly.
"""

import itertools
import json

import numpy as np
import pytest
from strategies import assert_same

from ltcbook import dynamics
from ltcbook.widgets import TimeConstantExplorer

GRID = list(itertools.product((0.0, 0.55, 1.0), (0.0, 0.5, 1.5), (0.5, 1.5, 8.0), (1, -1)))


@pytest.fixture(scope="module")
def explorer():
    return TimeConstantExplorer()


def test_speed_and_goal_keep_their_bounds_and_the_fused_solver_the_box(explorer, subtests):
    for u, w, dt, E in GRID:
        with subtests.test(u=u, w=w, dt=dt, E=E):
            frame = explorer.compute(u=u, w=w, dt=dt, E=E)
            bounds = frame["bounds"]
            assert bounds["shortest"] <= frame["on"]["tau"] <= frame["off"]["tau"] <= bounds["longest"]
            for name in ("fused", "exact"):
                assert bounds["lo"] - 1e-12 <= min(frame[name]) and max(frame[name]) <= bounds["hi"] + 1e-12


def test_the_exact_run_solves_the_equation(explorer):
    """The truth here is the closed form of a leak with a constant goal, not the package's solver."""
    frame = explorer.compute(dt=2.0)
    on, off, steps = frame["on"], frame["off"], len(frame["exact"]) // 2
    t = 2.0 * np.arange(1, steps + 1)
    rise = on["goal"] + (frame["start"] - on["goal"]) * np.exp(-t / on["tau"])
    fall = off["goal"] + (rise[-1] - off["goal"]) * np.exp(-t / off["tau"])
    assert np.allclose(frame["exact"], [*rise, *fall], atol=1e-12)


def test_the_question_and_its_answer_say_true_numbers(explorer):
    strong, half = explorer.compute(u=0.9), explorer.compute(u=0.5)
    said = [f"{value:.2f}" for value in (strong["on"]["goal"], half["on"]["goal"])]
    assert said == ["0.83", "0.71"] and all(number in explorer.question for number in said)
    said = [f"{value:.1f}" for value in (strong["on"]["tau"], half["on"]["tau"])]
    assert said == ["1.7", "2.9"] and all(number in explorer.answer for number in said)
    assert half["on"]["tau"] / strong["on"]["tau"] == pytest.approx(5 / 3, abs=0.02)  # "by two thirds"
    assert strong["off"] == half["off"]
    assert (
        explorer.prediction.right == "longer"
        and strong["controls"]["u"] == explorer.compute()["controls"]["u"]
    )
    replies = [guess.reply for guess in explorer.prediction.guesses]
    assert all("from 1.7 to 2.9 ms" in reply for reply in replies)


def test_before_the_prediction_no_time_constant_is_seen(explorer, static_page):
    page, address, complaints = static_page(explorer)
    page.goto(address)
    told = page.locator(
        ".ltc-panel-speed .point, .ltc-panel-speed .strong, .ltc-panel-speed .curve, [data-mark=tau] text"
    )
    assert told.count() == 6 and not any(shape.is_visible() for shape in told.all())
    assert page.locator("[data-mark=exact]").is_visible() and page.locator(".ltc-verdict p").first.is_hidden()
    page.get_by_role("button", name="It hardly changes").click()
    assert (
        all(shape.is_visible() for shape in told.all())
        and "three fifths" in page.locator(".ltc-reply").text_content()
    )
    assert not complaints


def test_on_the_way_from_one_input_to_another_every_drawing_is_a_true_one(explorer, static_page):
    """Half way the point lies on the drawn curve, not on a straight line between two states."""
    page, address, complaints = static_page(explorer)
    page.goto(address)
    page.get_by_role("button", name="Show me").click()
    page.clock.install(time=0)
    page.clock.pause_at(3_600_000)
    place = "() => ['cx', 'cy'].map(name => +document.querySelector('.ltc-panel-speed .point').getAttribute(name))"
    curve = page.locator("[data-mark=speed]")
    page.evaluate("""() => { globalThis.seen = []; const point = document.querySelector('.ltc-panel-speed .point');
        new MutationObserver(() => seen.push(['cx', 'cy'].map(name => +point.getAttribute(name))))
            .observe(point, { attributes: true, attributeFilter: ['cy'] });
        const input = document.querySelector('input[name=u]'); input.value = 0.2;
        input.dispatchEvent(new Event('input', { bubbles: true })) }""")
    for _ in range(12):
        page.clock.run_for(50)
    line = np.array([pair.split() for pair in curve.get_attribute("d")[1:].split("L")], dtype=float)
    seen = np.array(page.evaluate("seen"))
    assert len(seen) > 3 and np.ptp(seen[:, 0]) > 50 and seen[-1] == pytest.approx(page.evaluate(place))
    assert np.abs(np.interp(seen[:, 0], *line.T) - seen[:, 1]).max() < 2
    assert not complaints


def test_polarity_turns_the_goal_and_leaves_the_speed(explorer):
    plus, minus = explorer.compute(E=1), explorer.compute(E=-1)
    assert minus["on"] == {**plus["on"], "goal": -plus["on"]["goal"]}


@pytest.mark.parametrize("dt, word", [(1.5, "stable"), (2.0, "overshoots"), (5.0, "blows up")])
def test_the_verdict_on_euler_is_what_euler_does(explorer, dt, word):
    frame = explorer.compute(dt=dt)
    assert word in frame["verdict"][1][1]
    rise = np.array([frame["start"], *frame["euler"]])[: len(frame["euler"]) // 2 + 1] - frame["on"]["goal"]
    ratio = rise[1:] / rise[:-1]
    low, high = {"stable": (0, 1), "overshoots": (-1, 0), "blows up": (-np.inf, -1)}[word]
    assert ((low < ratio) & (ratio < high)).all()


def test_the_cell_is_an_ordinary_cell(explorer):
    cell = explorer.cell({"w": 0.5, "E": 1})
    assert isinstance(cell, dynamics.LTC) and (cell.n, cell.m) == (1, 1)


def test_javascript_says_the_same_numbers_and_words(explorer, static_page):
    page, address, complaints = static_page(explorer)
    for u, w, dt, E in GRID[::5]:
        page.goto("about:blank")
        page.goto(f"{address}#u={u}&w={w}&dt={dt}&E={E}")
        page.wait_for_selector(".ltc-time[data-frame]")
        drawn = json.loads(page.get_attribute(".ltc-time", "data-frame"))
        assert_same(drawn, explorer.compute(u=u, w=w, dt=dt, E=E), rel=1e-9)
    assert not complaints and page.locator(".ltc-fallback").count() == 0
