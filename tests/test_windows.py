"""A network that forgets: how many steps it needs for it, proven and tried."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import few, inside, random_cell, random_input, seeds

from ltcbook import analysis, dynamics, simulate, tasks
from ltcbook.dynamics import forgetting

METHODS = pytest.mark.parametrize("method", ["fused", "exponential", "extrapolated"])


def one_neuron(w, **changes):
    """A neuron that excites itself: c = g = 1, leak at 0, E = 1."""
    there = lambda value: np.array([[value]])
    cell = dynamics.LTC([1.0], [1.0], [0.0], there(w), there(10.0), there(0.5), there(1.0))
    return replace(cell, **changes)


# --- the theorem ------------------------------------------------------------------------------------------


@METHODS
@few
@given(seed=seeds, strength=st.sampled_from([0.1, 0.3, 1.0]))
def test_after_the_proven_number_of_inputs_no_two_runs_differ(method, seed, strength):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng)
    cell = replace(cell, w=strength * cell.w)
    dt, substeps, tolerance = rng.uniform(0.1, 3), int(rng.integers(1, 5)), 10 ** rng.uniform(-6, -1)
    box = analysis.state_bounds(cell)
    heard = random_input(rng, cell, 200)
    for known in (None, heard):
        N = analysis.burn(cell, dt, tolerance=tolerance, method=method, substeps=substeps, u=known)
        if N is None or N > 200:
            continue
        starts = inside(rng, box, 12)
        u = None if heard is None else np.broadcast_to(heard[:N], (12, N, cell.m))
        x = starts
        if N:
            x = simulate.simulate(
                cell, u, starts, np.full(N, dt), method=method, substeps=substeps, backend="reference"
            )[:, -1]
        size = np.maximum(*np.abs(box))
        assert (np.ptp(x, axis=0) <= tolerance * size + 1e-12).all()


@few
@given(seed=seeds)
def test_no_step_brings_two_states_together_less_than_its_row_says(seed):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng)
    d, eta = rng.uniform(0.05, 5), rng.uniform(0.2, 1, cell.n)
    lo, hi = analysis.state_bounds(cell)
    heard = random_input(rng, cell, 3)
    rows = forgetting._Steps(cell, d, lo, hi, heard).rows(eta)
    x, by = inside(rng, (lo, hi), 40), 1e-6
    u = None if heard is None else heard[rng.integers(3, size=40)]
    for step in (dynamics.fused_step, dynamics.exponential_step):
        if step is dynamics.exponential_step and rows.max() > 1:
            continue  # the theorem says nothing
        columns = [
            (step(x + by * one, u, cell, d) - step(x - by * one, u, cell, d)) / (2 * by) * eta[j] / eta
            for j, one in enumerate(np.eye(cell.n))
        ]
        assert (np.abs(columns).sum(0) <= rows + 1e-7).all()


def test_the_row_of_one_neuron_is_the_largest_value_on_a_fine_grid():
    cell, d = one_neuron(2.0), 0.7
    lo, hi = analysis.state_bounds(cell)
    s = cell.gates(np.linspace(lo, hi, 200_001))[..., 0, 0]
    expected = ((1 + d * 2 * 10 * s * (1 - s)) / (1 + d * (1 + 2 * s))).max()  # the largest abs(E - x) is 1
    found = forgetting._Steps(cell, d, lo, hi, None).rows(np.ones(1))[0]
    assert expected - 1e-12 <= found <= expected + 1e-9


def test_a_neuron_that_can_stay_open_or_shut_has_no_number_and_never_agrees():
    cell = one_neuron(2.0)
    ends = simulate.simulate(cell, None, np.array([[0.0], [1.0]]), np.ones(500))[:, -1, 0]
    assert ends[1] - ends[0] > 0.5
    for method in ("fused", "exponential", "extrapolated"):
        assert analysis.burn(cell, 1.0, method=method) is None
        assert analysis.burn(replace(cell, w=np.array([[0.1]])), 1.0, method=method, substeps=2) > 0


def test_a_chain_without_loops_forgets_however_strong_its_synapses_are():
    n = 4
    w = 50 * np.eye(n, k=-1)
    full = lambda value: np.full((n, n), value)
    cell = dynamics.LTC(np.ones(n), np.ones(n), np.zeros(n), w, full(9.0), full(0.1), full(1.0))
    assert analysis.contraction_rate(cell) < 0
    assert 20 < analysis.burn(cell, 1.0) < 200


def test_the_driver_forgets_its_start():
    driver = tasks.lane.trained()
    N = analysis.burn(driver.cell, 1.0)
    assert 200 < N < 400  # a distance falls to 37 % in 10.7 frames and a little, as the chapter has it
    assert analysis.burn(driver.cell, 1.0, tolerance=1e-12) > N + 100


def test_inputs_that_hold_gates_open_help_to_forget():
    cell = one_neuron(
        0.3,
        **{
            name: np.array([[value]])
            for name, value in (("w_in", 5.0), ("gamma_in", 4.0), ("mu_in", 0.0), ("e_rev_in", 0.5))
        },
    )
    open_ = analysis.burn(cell, 1.0, u=np.array([[2.0], [3.0]]))
    assert open_ < analysis.burn(cell, 1.0, u=np.array([[-3.0], [3.0]])) <= analysis.burn(cell, 1.0)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"dt": 0}, "dt is 0; it must be a number in \\(0"),
        ({"tolerance": 0}, "tolerance is 0"),
        ({"tolerance": -1e-6}, "tolerance is -1e-06"),
        ({"tolerance": float("nan")}, "tolerance is nan"),
        ({"method": "rk4"}, "choose one of 'fused', 'exponential', 'extrapolated'"),
        ({"substeps": 0}, "substeps is 0"),
        ({"u": np.zeros((3, 2))}, "u: got shape"),
        ({"cell": dynamics.CTRNN([1.0], [[0.0]], [0.0])}, "synaptic LTC cells; got CTRNN"),
    ],
)
def test_what_makes_no_sense_is_refused(change, message):
    given = {"cell": one_neuron(0.1), "dt": 1.0, **change}
    with pytest.raises(ValueError, match=message):
        analysis.burn(given.pop("cell"), given.pop("dt"), **given)
