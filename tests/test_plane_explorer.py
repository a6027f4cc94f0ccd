"""The Lyapunov plane: its numbers are the closed form and those of a simulated run, and JavaScript
restates them.
"""

import json
import re

import numpy as np
import pytest
from strategies import assert_same

from ltcbook import analysis, dynamics, simulate
from ltcbook.widgets import PlaneExplorer
from ltcbook.widgets.plane import INPUT


@pytest.fixture(scope="module")
def explorer():
    return PlaneExplorer()


def random_controls(explorer, seed, **fixed):
    rng = np.random.default_rng(seed)
    drawn = {
        name: float(rng.uniform(knob.low, knob.high))
        if knob.kind == "range"
        else rng.choice(np.array([value for value, _ in knob.options], dtype=object))
        for name, knob in explorer.knobs.items()
    }
    return drawn | fixed


def lyapunov(controls, e):
    """V by hand."""
    p, q = controls["p"], controls["q"]
    return p * e[..., 0] ** 2 + 2 * q * np.sqrt(p) * e[..., 0] * e[..., 1] + e[..., 1] ** 2


@pytest.mark.parametrize("seed", range(20))
def test_about_the_origin_the_change_is_the_closed_form_for_a_diagonal_p(explorer, seed):
    """Change = -2 [B x_k (x_k - E) - p b x_j (x_j - E)], and the leak has no part in it."""
    c = random_controls(explorer, seed, about="origin", q=0.0)
    b, B = c["w"] / 2, c["W"] / 2
    change = -2 * (B * c["x_k"] * (c["x_k"] - c["E"]) - c["p"] * b * c["x_j"] * (c["x_j"] - c["E"]))
    frame = explorer.compute(**c)
    assert frame["change"] == pytest.approx(change, abs=1e-12)
    assert (frame["verdict"][0][0] == "good") == (change < 0)
    assert frame["after"]["rest"] == pytest.approx([0, B * c["E"] / (1 + B)])


@pytest.mark.parametrize("seed", range(20))
def test_about_its_own_rest_v_falls_everywhere_exactly_within_the_limit(explorer, seed):
    """P L + L P is positive definite exactly for abs(q) below the limit, whatever p."""
    c = random_controls(explorer, seed, about="rest")
    frame, P = explorer.compute(**c), explorer.matrix(c)
    falls = []
    for side in ("before", "after"):
        L = np.diag(frame[side]["decay"])
        falls.append(bool(np.linalg.eigvalsh(P @ L + L @ P)[0] > 0))
        assert falls[-1] == (abs(c["q"]) < frame[side]["limit"])
    assert ("before and after" in frame["verdict"][1][1]) == all(falls)
    assert ("neither" in frame["verdict"][1][1]) == (not any(falls))
    assert ("no longer" in frame["verdict"][1][1]) == (falls == [True, False])


@pytest.mark.parametrize("about", ["origin", "rest"])
@pytest.mark.parametrize("seed", range(4))
def test_slope_and_curve_are_those_of_a_simulated_run(explorer, seed, about):
    c = random_controls(explorer, seed, about=about)
    frame = explorer.compute(**c)
    for side, cell in zip(("before", "after"), explorer.cells(c), strict=True):
        centre = np.array(frame[side]["rest"]) if about == "rest" else np.zeros(2)
        x = centre + np.array([c["x_j"], c["x_k"]])
        fine = simulate.simulate(cell, np.tile(INPUT, (2, 1)), x, 1e-4, method="rk4")
        slope = (
            -3 * lyapunov(c, x - centre) + 4 * lyapunov(c, fine[0] - centre) - lyapunov(c, fine[1] - centre)
        ) / 2e-4
        assert frame[side]["vdot"] == pytest.approx(slope, abs=1e-3, rel=1e-4)  # a difference of second order
        run = simulate.simulate(cell, np.tile(INPUT, (800, 1)), x, 0.005, method="rk4")
        at = [k for k in range(1, 41) if (n := 800 * (k / 40) ** 2) == int(n)]  # where both have a time
        there = lyapunov(c, run[[round(800 * (k / 40) ** 2) - 1 for k in at]] - centre) / frame["V"]
        np.testing.assert_allclose([frame[side]["curve"][k] for k in at], there, rtol=1e-5, atol=1e-6)


def test_the_presets_tell_their_story(explorer):
    frames = {preset["name"]: explorer.compute(**preset["controls"]) for preset in explorer.spec["presets"]}
    assert frames["W = 1 µS"] == explorer.compute()
    assert frames["Published example"]["before"]["vdot"] == pytest.approx(-0.08)
    assert frames["Published example"]["after"]["vdot"] == pytest.approx(0.08)
    assert frames["State (½, ½)"]["change"] == pytest.approx(49 / 200)
    assert frames["Another P"]["change"] == pytest.approx(-0.2355)  # theorem 3's instance
    tones = {name: [tone for tone, _ in frame["verdict"]] for name, frame in frames.items()}
    assert tones == {
        "Published example": ["bad", "bad"],
        "Beyond E": ["good", "bad"],
        "State (½, ½)": ["bad", "bad"],
        "Another P": ["good", "bad"],
        "W = 1 µS": ["bad", "good"],
        "W = 18 µS": ["bad", "bad"],
        "No tilt, W = 18 µS": ["good", "good"],
    }
    assert round(frames["W = 18 µS"]["after"]["limit"], 6) == 0.57496


def test_the_prediction_and_its_sentences_are_true(explorer):
    """V falls everywhere before the event, and after it exactly below W = 6 µS, where k decays four times
    as fast as j.
    """
    points = np.random.default_rng(0).normal(size=(400, 2))

    def rises(cell, controls):
        rest = dynamics.effective_equilibrium(np.zeros(2), INPUT, cell)
        return bool(
            (
                analysis.lyapunov_derivative(points + rest, INPUT, cell, explorer.matrix(controls), rest) > 0
            ).any()
        )

    for W, expected in ((0.05, False), (1.0, False), (5.9, False), (6.3, True), (20.0, True)):
        controls = explorer.compute(W=W)["controls"]
        before, after = explorer.cells(controls)
        assert not rises(before, controls) and rises(after, controls) == expected
        assert not rises(after, controls | {"q": 0.0})
    at = explorer.compute(W=6.0)["after"]
    assert at["limit"] == pytest.approx(0.8) and at["decay"][1] == pytest.approx(4 * at["decay"][0])
    assert explorer.prediction.right == "some" and all(
        "W = 6 µS" in guess.reply for guess in explorer.prediction.guesses
    )
    assert explorer.knobs["q"].default == 0.8 and "q\u00a0=\u00a00.8" in explorer.question


def test_at_the_centre_there_is_no_curve_and_no_change_about_rest(explorer):
    frame = explorer.compute(x_j=0.0, x_k=0.0)
    assert frame["after"]["curve"] is None and frame["change"] == 0 and frame["verdict"][0][0] == "same"


def test_javascript_says_the_same_numbers_and_words(explorer, static_page):
    page, address, complaints = static_page(explorer)
    presets = [preset["controls"] for preset in explorer.spec["presets"]]
    wanted = (
        presets
        + [{**random_controls(explorer, seed)} for seed in range(12)]
        + [{"about": "rest", "x_j": 0.0, "x_k": 0.0}]
    )
    for controls in wanted:
        snapped = {
            name: round(value / explorer.knobs[name].step) * explorer.knobs[name].step
            if isinstance(value, float)
            else value
            for name, value in controls.items()
        }
        page.goto("about:blank")
        page.goto(f"{address}#" + "&".join(f"{name}={value}" for name, value in snapped.items()))
        page.wait_for_selector(".ltc-plane[data-frame]")
        drawn = json.loads(page.get_attribute(".ltc-plane", "data-frame"))
        frame = explorer.compute(**drawn["controls"])
        # 19.25 is a tie: 19.2 in Python, 19.3 in JavaScript
        for side in () if controls in presets else (drawn, frame):
            side["verdict"] = [[tone, re.sub(r"[\d.]+", "#", text)] for tone, text in side["verdict"]]
        assert_same(drawn, frame, rel=1e-9)
        assert all(
            drawn["controls"][name] == pytest.approx(value)
            if isinstance(value, float)
            else drawn["controls"][name] == value
            for name, value in snapped.items()
        )
    assert not complaints and page.locator(".ltc-fallback").count() == 0


def test_the_stripes_lie_where_the_change_is_positive(explorer, static_page):
    """Asks the drawing itself whether a point is inside the striped path, at 60 points in each of four
    situations.
    """
    page, address, _ = static_page(explorer)
    page.emulate_media(reduced_motion="reduce")  # else shapes are still on their way
    rng = np.random.default_rng(2)
    origin = {"about": "origin", "q": 0.0}
    for controls in (
        origin,
        {**origin, "p": 4.0, "q": -0.95},
        {"W": 18.0, "w": 0.2},
        {**origin, "E": -1, "w": 0.9, "W": 0.5},
    ):
        page.goto("about:blank")
        page.goto(f"{address}#" + "&".join(f"{name}={value}" for name, value in controls.items()))
        page.wait_for_selector(".ltc-plane[data-frame]")
        for point in rng.uniform(-1.4, 1.4, (60, 2)):
            frame = explorer.compute(**controls, x_j=float(point[0]), x_k=float(point[1]))
            inside = page.evaluate(
                """([x, y]) => { const svg = document.querySelector(".ltc-panel-plane svg");
                const rect = svg.querySelector("clipPath rect").getBBox(), at = svg.createSVGPoint();
                at.x = rect.x + rect.width * (x + 1.5) / 3; at.y = rect.y + rect.height * (1.5 - y) / 3;
                return [...svg.querySelectorAll("path.fails, path[style*='--minus']")].map(p => p.isPointInFill(at)) }""",
                point.tolist(),
            )
            for told, value in zip(inside, (frame["change"], frame["after"]["vdot"]), strict=True):
                if abs(value) > 0.02:  # not on the edge, which is drawn with 240 points
                    assert told == (value > 0), (controls, point, value)


def test_the_point_is_dragged_by_mouse_and_arrow_keys(explorer, static_page):
    page, address, complaints = static_page(explorer)
    page.goto(f"{address}#x_j=0&x_k=0.2")
    handle = page.locator(".ltc-handle")
    handle.focus()
    for press in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(press)

    def controls():
        return json.loads(page.get_attribute(".ltc-plane", "data-controls"))

    assert (controls()["x_j"], controls()["x_k"]) == (0.1, 0.25)
    box = handle.bounding_box()
    page.mouse.move(box["x"] + 22, box["y"] + 22)
    page.mouse.down()
    page.mouse.move(box["x"] + 82, box["y"] - 58, steps=4)
    page.mouse.up()
    assert controls()["x_j"] > 0.3 and controls()["x_k"] > 0.6 and not complaints


def test_the_close_up_turns_the_velocity_so_that_v_grows_upwards(explorer, static_page):
    """The arrow points up exactly where V rises, whatever the ellipse, and along the line where V stays."""
    page, address, _ = static_page(explorer)
    page.emulate_media(reduced_motion="reduce")  # else shapes are still on their way
    for seed in range(6):
        controls = {
            name: value for name, value in random_controls(explorer, seed).items() if isinstance(value, float)
        }
        page.goto("about:blank")
        page.goto(f"{address}#" + "&".join(f"{name}={value}" for name, value in controls.items()))
        page.wait_for_selector(".ltc-plane[data-frame]")
        drawn = json.loads(page.get_attribute(".ltc-plane", "data-frame"))
        lines = page.locator(".ltc-panel-near line.flow").evaluate_all(
            "all => all.map(l => ['x1', 'y1', 'x2', 'y2'].map(n => Number(l.getAttribute(n))))"
        )
        c, point = drawn["controls"], np.array([drawn["controls"]["x_j"], drawn["controls"]["x_k"]])
        slope = explorer.matrix(c) @ point / np.linalg.norm(explorer.matrix(c) @ point)
        for (x1, y1, x2, y2), side in zip(lines, ("before", "after"), strict=True):
            v = np.array(drawn[side]["velocity"])
            arrow, wanted = np.array([x2 - x1, y1 - y2]), np.array([v @ [slope[1], -slope[0]], v @ slope])
            assert np.sign(arrow[1]) == np.sign(drawn[side]["vdot"])
            np.testing.assert_allclose(
                arrow / np.linalg.norm(arrow), wanted / np.linalg.norm(wanted), atol=1e-9
            )


def test_what_would_tell_waits_for_the_prediction_and_the_drawing_fits_on_one_screen(explorer, static_page):
    page, address, complaints = static_page(explorer)
    page.set_viewport_size({"width": 736 + 16, "height": 800})
    page.goto(address)
    telling = page.locator("svg[role=img] .flow.is, [data-mark=rises], [data-mark=stripes]")
    assert telling.count() >= 5 and telling.evaluate_all(
        "all => all.every(e => getComputedStyle(e).visibility === 'hidden')"
    )
    page.get_by_role("button", name="Only up to some W").click()
    assert page.locator(".ltc-reply").text_content().startswith("You said “Only up to some W”, and so it is.")
    assert telling.evaluate_all("all => all.every(e => getComputedStyle(e).visibility === 'visible')")
    heights = []
    for preset in explorer.spec["presets"]:
        page.get_by_role("button", name=preset["name"], exact=True).click()
        top, bottom = (
            page.locator(place).bounding_box() for place in (".ltc-first", ".ltc-explorer > .ltc-panels")
        )
        heights.append(bottom["y"] + bottom["height"] - top["y"])
    assert max(heights) < 700 and page.locator(".ltc-range:visible").count() == 1 and not complaints
