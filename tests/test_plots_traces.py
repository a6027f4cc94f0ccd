"""States, time constants and training curves: what is drawn is the data, and the words carry its numbers."""

import numpy as np
import pytest

from ltcbook import analysis, dynamics, plots, simulate, wiring


@pytest.fixture
def ax():
    return plots.figure(6, 4)[1]


@pytest.fixture(scope="module")
def run():
    """(t, x, tau, bounds) of a random circuit of nine neurons with a changing input."""
    rng = np.random.default_rng(3)
    net = wiring.ncp(
        sensory=2,
        inter=4,
        command=3,
        motor=2,
        sensory_fan_out=2,
        inter_fan_out=2,
        recurrent=3,
        motor_fan_in=2,
        rng=rng,
    )
    cell = dynamics.LTC.random(net, rng=rng)
    u = rng.uniform(-2, 3, size=(8, 2)).repeat(10, axis=0)
    x = simulate.simulate(cell, u, np.zeros(net.n), 0.1)
    return 0.1 * np.arange(1, 81), x, dynamics.time_constant(x, u, cell), analysis.time_constant_bounds(cell)


def traces(ax, t):
    """The drawn curves, (T,) each, without the thin lines of the lanes and the scale bar."""
    return [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == len(t)]


def test_lanes_hold_the_states_on_one_scale_and_never_touch(ax, run):
    t, x, *_ = run
    assert plots.draw_states(t, x, ax) is ax
    drawn = np.transpose(traces(ax, t))
    assert drawn.shape == x.shape
    assert np.allclose(np.diff(drawn, axis=0), np.diff(x, axis=0), atol=1e-12), (
        "one scale for all: steps are the data's"
    )
    zero = np.sort(
        [
            line.get_ydata()[0]
            for line in ax.lines
            if len(line.get_xdata()) == 2 and np.ptp(line.get_ydata()) == 0
        ]
    )[::-1]
    assert np.allclose(drawn - zero, x)
    assert (np.minimum(drawn, zero).min(0)[:-1] > np.maximum(drawn, zero).max(0)[1:]).all()
    bar = next(line for line in ax.lines if len(line.get_xdata()) == 2 and np.ptp(line.get_ydata()) > 0)
    assert f"{np.ptp(bar.get_ydata()):.3g} mV" in [text.get_text() for text in ax.texts]
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"neuron {k}" for k in range(9)]


def test_few_states_are_named_curves(ax, run):
    t, x, *_ = run
    plots.draw_states(t, x[:, :2], ax, names=["a", "b"], unit="-")
    assert np.array_equal(np.transpose(traces(ax, t)), x[:, :2])
    assert sorted(text.get_text() for text in ax.texts) == ["a", "b"]
    assert ax.get_xlabel() == "time (ms)" and ax.get_ylabel() == "state (-)"


def test_a_lane_of_a_time_constant_runs_from_its_shortest_to_its_longest(ax, run):
    t, _, tau, (lo, hi) = run
    plots.draw_time_constants(t, tau, ax, bounds=(lo, hi))
    share = (np.transpose(traces(ax, t)) + np.arange(9)) / 0.8
    assert np.allclose(lo * (hi / lo) ** share, tau) and (share >= 0).all() and (share <= 1).all()


def test_one_time_constant_stands_between_its_bounds(ax, run):
    t, _, tau, (lo, hi) = run
    plots.draw_time_constants(t, tau[:, :1], ax, bounds=(lo[:1], hi[:1]))
    assert np.array_equal(traces(ax, t), tau[:, :1].T)
    assert [line.get_ydata()[0] for line in ax.lines[1:]] == [lo[0], hi[0]]


def test_the_words_carry_the_numbers():
    t, x = [0, 1, 2], np.array([[0, 0], [1, -0.25], [0.5, 0.125]])
    text = plots.states_alt(t, x, names=["a", "b"])
    assert (
        "2 neurons from 0 to 2 ms; values: −0.25 to 1 mV" in text and "a at 0.5 mV and b at 0.125 mV" in text
    )
    text = plots.time_constants_alt(t, [[1, 3], [4, 3], [2, 3.0]], bounds=([1, 1], [16, 9]), names=["a", "b"])
    assert (
        "1 to 4 ms" in text
        and "the most in a, 4-fold" in text
        and "at most 16 ms" in text
        and "0 to 50 %" in text
    )


def test_median_and_middle_half_of_the_seeds(ax):
    losses = {"one": np.outer([1, 2, 3, 4, 5.0], [4, 2, 1])}
    ax.set(yscale="log")
    assert plots.draw_training(losses, ax) is ax
    low, high, middle = (line.get_ydata() for line in ax.lines)
    assert np.allclose([low, middle, high], np.outer([2, 3, 4], [4, 2, 1]))
    assert ax.lines[-1].get_xdata().tolist() == [1, 2, 3]
    assert "median of 5 seeds" in ax.get_xlabel() and "25 % to 75 %" in ax.get_xlabel()
    assert "one from 12 to 3 after 3 epochs (middle half of the seeds: 2 to 4)" in plots.training_alt(losses)


def test_the_bootstrap_interval_covers_the_true_median_about_19_times_in_20():
    rng, hits = np.random.default_rng(0), []
    for _ in range(40):
        _, ax = plots.figure()
        losses = {"a": rng.exponential(size=(15, 10))}  # true median: log 2
        plots.draw_training(losses, ax, interval="bootstrap", resamples=200, rng=rng)
        low, high = (line.get_ydata() for line in ax.lines[:2])
        hits.append((low <= np.log(2)) & (np.log(2) <= high))
        assert "95 % bootstrap" in ax.get_xlabel()
    # 400 intervals: +- 0.022 about 0.95, and the percentile method errs by some per cent
    assert 0.88 < np.mean(hits) < 0.99


def test_methods_differ_without_colour(ax):
    plots.draw_training({name: np.ones((2, 3)) * k for k, name in enumerate("abc", 1)}, ax)
    assert len({str(line._unscaled_dash_pattern) for line in ax.lines[-3:]}) == 3


LINE, SEEDS = np.arange(3.0), np.ones((2, 3))


@pytest.mark.parametrize(
    "draw, message",
    [
        (lambda ax: plots.draw_states(LINE, np.zeros((4, 2)), ax), r"x has shape \(4, 2\), t has 3 times"),
        (lambda ax: plots.draw_states(LINE, np.zeros(3), ax), r"x has shape \(3,\); it must be \(T, n\)"),
        (lambda ax: plots.draw_states(LINE[::-1], np.zeros((3, 1)), ax), "t must increase"),
        (lambda ax: plots.draw_states(LINE, np.full((3, 1), np.nan), ax), "3 values that are NaN"),
        (lambda ax: plots.draw_states(LINE, np.zeros((3, 2)), ax, names=["a"]), "2 different names"),
        (lambda ax: plots.draw_states(LINE, np.zeros((3, 60)), ax), "60 neurons; up to 48"),
        (lambda ax: plots.draw_states("abc", np.zeros((3, 2)), ax), "must hold numbers"),
        (lambda ax: plots.draw_time_constants(LINE, np.zeros((3, 1)), ax), "tau must be > 0"),
        (
            lambda ax: plots.draw_time_constants(LINE, np.ones((3, 1)), ax, bounds=([2], [3])),
            "neuron 0: tau runs .* outside its bounds",
        ),
        (
            lambda ax: plots.draw_time_constants(LINE, np.ones((3, 1)), ax, bounds=([0.5], [1, 2])),
            r"longest has shape \(2,\)",
        ),
        (lambda ax: plots.draw_training({}, ax), "1 to 5 methods"),
        (lambda ax: plots.draw_training({"a": SEEDS[:1]}, ax), "one seed"),
        (lambda ax: plots.draw_training({"a": [[1, 2], [3]]}, ax), "must hold numbers in the shape"),
        (
            lambda ax: plots.draw_training({"a": SEEDS}, ax, interval="sd"),
            "choose one of 'quantile', 'bootstrap'",
        ),
        (lambda ax: plots.draw_training({"a": SEEDS}, ax, interval="bootstrap"), "rng is NoneType"),
        (lambda ax: plots.draw_spectrum([], [np.nan], ax), "NaN"),
        (lambda ax: plots.draw_ratios([1, 0], ax), "ratios must be > 0"),
    ],
)
def test_impossible_drawings_are_refused_before_anything_is_drawn(ax, draw, message):
    with pytest.raises(ValueError, match=message):
        draw(ax)
    assert not ax.lines and not ax.collections and not ax.patches
