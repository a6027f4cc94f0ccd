"""The explorer of gradients through time: true against finite differences, true sentences, JavaScript says
the same.
"""

import itertools
import json

import numpy as np
import pytest

from ltcbook.widgets import GradientExplorer
from ltcbook.widgets.gradient import DELTA, LENGTH

GRID = list(itertools.product((-1.5, -0.35, 0.8, 1.2), (0.0, 1.0), (0.0, 0.45, 1.0), DELTA))


@pytest.fixture(scope="module")
def explorer():
    return GradientExplorer()


def run(x, steps, lam, q, u, step):
    """The last state after so many steps from x, written out neuron by neuron."""
    first, second = x
    for _ in range(steps):
        push = np.tanh(lam * first + q * second + u), np.tanh(lam * second + u)
        keep, delta = (0, 1) if step == "classic" else (1, DELTA[step])
        first, second = keep * first + delta * push[0], keep * second + delta * push[1]
    return np.array([first, second])


@pytest.mark.parametrize(
    "lam, q, u, step",
    [(0.8, 1, 0, "classic"), (-0.6, 0.5, 0.3, "classic"), (0.5, 1, 0.4, "residual"), (-1.2, 2, 0.7, "small")],
)
def test_the_norms_are_those_of_finite_differences(explorer, lam, q, u, step):
    frame = explorer.compute(lam=lam, q=q, u=u, step=step)
    for lag in (1, 5, 12, LENGTH):
        start = run((0, 0), LENGTH - lag, lam, q, u, step)
        nudged = [
            run(start + e, lag, lam, q, u, step) - run(start - e, lag, lam, q, u, step)
            for e in 1e-6 * np.eye(2)
        ]
        truth = np.linalg.norm(np.array(nudged).T / 2e-6, 2)
        # central differences, step 1e-6
        assert frame["norms"][lag] == pytest.approx(truth, rel=1e-4, abs=1e-8)


def test_no_gradient_passes_the_bound(explorer, subtests):
    for lam, q, u, step in GRID:
        with subtests.test(lam=lam, q=q, u=u, step=step):
            frame = explorer.compute(lam=lam, q=q, u=u, step=step)
            bound = frame["factor"] ** np.arange(LENGTH + 1)
            assert (np.array(frame["norms"]) <= bound * (1 + 1e-9)).all()
            if u == 0 and q == 0:
                assert np.allclose(frame["norms"], frame["radius"] ** np.arange(LENGTH + 1), rtol=1e-9)


def test_the_question_and_its_answer_say_true_numbers(explorer):
    one, two = explorer.compute(), explorer.compute(q=2.0)
    assert one["radius"] == two["radius"] == pytest.approx(0.8) and "0.8" in explorer.question
    assert (one["controls"]["q"], one["lag"]) == (1, 4)
    for frame in (one, two):
        assert (
            f"climbs to {frame['peak']:.2f} and" in explorer.answer
            and f"{frame['end']:.2g}" in explorer.answer
        )
    assert two["end"] / one["end"] == pytest.approx(2, rel=1e-3) and explorer.prediction.right == "double"
    assert two["norms"][40] / two["norms"][39] == pytest.approx(0.82, abs=0.005)  # "little more than 0.8"
    assert max(explorer.compute(q=0.0)["norms"]) == 1


def test_before_the_prediction_nothing_says_what_is_left(explorer, static_page):
    page, address, complaints = static_page(explorer)
    page.goto(address)
    told = page.locator(".ltc-panel-lags .point, .ltc-panel-lags .strong, [data-mark=peak], .ltc-verdict p")
    assert told.count() == 5 and not any(shape.is_visible() for shape in told.all())
    assert page.locator(".ltc-details").is_hidden() and page.locator("[data-mark=gradient]").is_visible()
    page.get_by_role("button", name="It doubles").click()
    assert (
        all(shape.is_visible() for shape in told.all())
        and "so it is" in page.locator(".ltc-reply").text_content()
    )
    page.get_by_text("Details").click()
    assert page.locator("output[data-name=end]").is_visible() and not complaints


def test_the_presets_tell_what_happens(explorer):
    ends = [explorer.compute(**preset["controls"])["verdict"][0][1] for preset in explorer.spec["presets"]]
    words = ["vanishes.", "vanishes.", "explodes.", "vanishes.", "neither vanishes nor explodes."]
    assert all(end.endswith(word) for end, word in zip(ends, words, strict=True))


def test_javascript_says_the_same_numbers_and_words(explorer, static_page):
    page, address, complaints = static_page(explorer)
    for lam, q, u, step in [(0.8, 1.0, 0.0, "classic"), *GRID[::5]]:
        page.goto("about:blank")
        page.goto(f"{address}#lam={lam}&q={q}&u={u}&step={step}")
        page.wait_for_selector(".ltc-gradient[data-frame]")
        drawn = json.loads(page.get_attribute(".ltc-gradient", "data-frame"))
        truth = explorer.compute(lam=lam, q=q, u=u, step=step)
        assert drawn.keys() == truth.keys()
        assert [drawn[name] for name in ("verdict", "lag", "controls")] == [
            truth[name] for name in ("verdict", "lag", "controls")
        ]
        for name in ("norms", "factor", "radius", "sigma", "end", "peak", "x"):
            assert drawn[name] == pytest.approx(truth[name], rel=1e-7, abs=1e-9), name
    assert not complaints and page.locator(".ltc-fallback").count() == 0
