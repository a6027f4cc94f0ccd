"""The explorer of windows: its pieces are runs of the package, its joints part right from wrong, repair ends
in the true run, JavaScript agrees.
"""

import json
import math

import numpy as np
import pytest
from strategies import assert_same

from ltcbook import dynamics, simulate
from ltcbook.widgets import WindowsExplorer
from ltcbook.widgets.windows import DT, STEPS, TOLERANCE

GRID = [  # burn-in, synapse, windows, rounds: no gap within rounding of the tolerance
    (0, 1, 8, 0),
    (0, 1, 8, 1),
    (22, 1, 8, 0),
    (12, 0, 5, 2),
    (20, 2.5, 8, 4),
    (40, 2.8, 12, 0),
    (7, 2.2, 7, 11),
]


@pytest.fixture(scope="module")
def explorer():
    return WindowsExplorer()


@pytest.fixture(scope="module")
def frames(explorer):
    return {
        case: explorer.compute(**dict(zip(("burn", "w", "windows", "rounds"), case, strict=True)))
        for case in GRID
    }


def written_out(w, x, wave):
    """The truth: one fused step of 1 ms, from the numbers of the neuron as the chapter gives them."""
    gate, door = 1 / (1 + math.exp(-10 * (x - 0.5))), 1 / (1 + math.exp(-6 * (wave - 0.5)))
    return (x + w * gate + 0.4 * door) / (1 + 1 + w * gate + door)


def test_every_piece_is_a_run_of_the_equation_and_begins_where_it_says(explorer, frames):
    wave = explorer.wave()[:, 0]
    for (burn, w, count, _), frame in frames.items():
        assert frame["starts"] == [math.floor(k * STEPS / count) for k in range(count + 1)]
        assert frame["truth"][0] == 0 and len(frame["truth"]) == STEPS + 1
        pieces = [(0, frame["truth"])]
        for k in range(count):
            begin, burned, kept = frame["starts"][k], frame["burned"][k], frame["kept"][k]
            assert len(kept) == frame["starts"][k + 1] - begin + 1
            assert len(burned) - 1 == min(burn, begin)
            assert burned[0] == (0.5 if begin > burn else 0)
            assert frame["repaired"][k] or burned[-1] == kept[0]
            pieces += [(begin - len(burned) + 1, burned), (begin, kept)]
        for begin, states in pieces:
            for k, (x, after) in enumerate(zip(states, states[1:], strict=False)):
                assert after == pytest.approx(written_out(w, x, wave[begin + k]), abs=1e-13)


def test_a_joint_agrees_where_the_two_ends_do(frames):
    for frame in frames.values():
        kept = frame["kept"]
        gaps = [abs(b[0] - a[-1]) for a, b in zip(kept, kept[1:], strict=False)]
        assert frame["gaps"] == gaps and frame["worst"] == max(gaps)
        assert frame["agree"] == [gap <= TOLERANCE for gap in gaps]
        tone, words = frame["verdict"][0]
        assert tone == ("good" if all(frame["agree"]) else "bad")
        assert words.startswith("All" if all(frame["agree"]) else f"{sum(frame['agree'])} of {len(gaps)}")


def test_what_the_neuron_needs_is_what_simulate_needs(explorer, frames):
    """One step less leaves some window off the true run; None where no burn-in on the slider is enough."""
    u = explorer.wave()

    def off(frame, w, burn):
        joints = [k for k in frame["starts"][1:-1] if k > burn]
        runs = [
            simulate.simulate(explorer.cell(w), u[k - burn : k], np.array([0.5]), DT, backend="reference")
            for k in joints
        ]
        return max(abs(run[-1, 0] - frame["truth"][k]) for run, k in zip(runs, joints, strict=True))

    seen = set()
    for (_, w, _, _), frame in frames.items():
        need = frame["needed"]
        seen.add(need)
        if need is None:
            assert off(frame, w, 40) > TOLERANCE
        else:
            assert off(frame, w, need) <= TOLERANCE < off(frame, w, need - 1)
    assert None in seen and 22 in seen


def test_as_many_rounds_as_joints_give_the_true_run(explorer):
    for count in (2, 5, 8):
        frame = explorer.compute(w=2.5, windows=count, rounds=count - 1)
        assert frame["error"] == 0 and all(frame["agree"])
        alone = explorer.compute(w=2.5, windows=count, rounds=11)
        assert alone["kept"] == frame["kept"]  # more rounds change nothing
    short = explorer.compute(w=2.5, burn=20, rounds=3)
    joined = [x for part in short["kept"] for x in part[1:]]
    right = short["starts"][4]  # after three rounds four windows are right
    assert joined[:right] == short["truth"][1 : right + 1] and joined != short["truth"][1:]


def test_no_gap_grows_by_more_than_the_factor(explorer):
    rng = np.random.default_rng(0)
    for w in (0.0, 0.5, 1.0, 2.8):
        cell, factor = explorer.cell(w), explorer.compute(w=w)["factor"]
        x, u = rng.uniform(0, 1, (400, 1)), rng.uniform(-5, 5, (400, 1))
        moved = dynamics.fused_step(x + 1e-6, u, cell, DT) - dynamics.fused_step(x, u, cell, DT)
        assert np.abs(moved).max() <= 1e-6 * factor * (1 + 1e-4)
    assert explorer.compute(w=0)["factor"] == 0.5


def test_the_steps_are_counted(explorer):
    frame = explorer.compute(burn=5)
    assert (frame["alone"], frame["longest"], frame["all"]) == (240, 35, 240 + 7 * 5)
    frame = explorer.compute(burn=0, rounds=1)
    assert (frame["longest"], frame["all"]) == (60, 240 + 7 * 30)


def test_the_question_its_answers_and_the_presets_say_true_numbers(explorer):
    first = explorer.compute()
    assert first["controls"] == {"burn": 5, "w": 1, "windows": 8, "rounds": 0}
    assert sum(first["agree"]) == 0 and first["needed"] == 22 and "22" in explorer.answer
    assert 4e4 < first["worst"] / TOLERANCE < 6e4  # "fifty thousand times"
    assert first["needed"] - 5 == 17 and "seventeen" in explorer.prediction.guesses[0].reply
    assert all(explorer.compute(burn=22)["agree"]) and not all(explorer.compute(burn=21)["agree"])
    frames = {preset["name"]: explorer.compute(**preset["controls"]) for preset in explorer.spec["presets"]}
    assert 0 < sum(frames["Twenty steps early"]["agree"]) < 7
    strong = frames["A strong synapse"]
    assert strong["needed"] is None and strong["factor"] > 1 and max(strong["kept"][3]) > 0.5
    assert max(strong["truth"]) < 0.3
    assert sum(frames["Strong, four rounds"]["agree"]) == 6
    assert all(frames["No burn-in, one round"]["agree"])


@pytest.mark.parametrize("controls", [{"burn": -1}, {"windows": 13}, {"w": float("nan")}, {"length": 1}])
def test_impossible_controls_are_refused(explorer, controls):
    with pytest.raises(ValueError, match="must|unknown"):
        explorer.compute(**controls)


def test_javascript_says_the_same_numbers_and_words(frames, explorer, static_page):
    page, address, complaints = static_page(explorer)
    drawn = lambda: json.loads(page.get_attribute(".ltc-windows", "data-frame"))
    for (burn, w, windows, rounds), frame in frames.items():
        page.goto("about:blank")
        page.goto(f"{address}#burn={burn}&w={w}&windows={windows}&rounds={rounds}")
        page.wait_for_selector(".ltc-windows[data-frame]")
        assert_same(drawn(), frame, rel=1e-6)
    assert page.locator(".ltc-fallback").count() == 0 and not complaints


def test_a_round_of_repair_is_one_press_and_the_joints_turn(explorer, static_page):
    page, address, complaints = static_page(explorer)
    page.set_viewport_size({"width": 736 + 16, "height": 800})
    page.goto(f"{address}#burn=0")
    page.wait_for_selector(".ltc-windows[data-frame]")
    joints = page.locator("[data-mark=joints] path")
    colours = lambda: joints.evaluate_all("all => all.map(one => getComputedStyle(one).fill)")
    assert joints.count() == 7 and set(colours()) == {"none"}
    if page.get_by_role("button", name="Show me").count():
        page.get_by_role("button", name="Show me").click()
    repair = page.get_by_role("button", name="Repair", exact=True)
    repair.focus()
    page.keyboard.press("Enter")
    assert "none" not in colours() and page.locator(".ltc-verdict").text_content().startswith("▲All 7 joints")
    assert page.locator(".ltc-words").text_content().startswith("No window burns in now.")
    for _ in range(7):  # seven rounds are the most; then it begins anew
        page.keyboard.press("Enter")
    assert json.loads(page.get_attribute(".ltc-windows", "data-frame"))["controls"]["rounds"] == 0
    for preset in explorer.spec["presets"]:
        page.get_by_role("button", name=preset["name"], exact=True).click()
    top, bottom = (
        page.locator(place).bounding_box() for place in (".ltc-first", ".ltc-explorer > .ltc-panels")
    )
    assert bottom["y"] + bottom["height"] - top["y"] < 700
    assert page.locator(".ltc-range:visible").count() == 1 and not complaints
