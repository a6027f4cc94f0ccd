"""Solvers: their orders against an adaptive reference, and what a trajectory means for dt, batches and
backends.
"""

from functools import partial

import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import given
from strategies import cast, kinds, random_cell, random_input, seeds, to_torch

from ltcbook import dynamics, simulate, symbolic
from ltcbook.dynamics import CTRNN, LTC, LTC2021
from ltcbook.solvers import SOLVERS

METHODS = pytest.mark.parametrize("method", simulate.METHODS)
KINDS = pytest.mark.parametrize("kind", [LTC, LTC2021, CTRNN])
ROUNDING = dict(rtol=1e-12, atol=1e-12)  # some dozen float64 steps of states of order 1


def case(seed=0, kind=LTC, T=4, batch=(), **options):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng, kind, **options)
    return (
        cell,
        random_input(rng, cell, *batch, T),
        rng.uniform(-1, 1, (*batch, cell.n)),
        rng.uniform(0.05, 0.4, (*batch, T)),
    )


@KINDS
@pytest.mark.parametrize(
    "method, order", [("euler", 1), ("fused", 1), ("exponential", 1), ("extrapolated", 2), ("rk4", 4)]
)
def test_order_of_convergence(kind, method, order):
    cell, u, x0, _ = case(1, kind, n=3, m=2)
    exact = simulate.reference(cell, u, x0, 0.5, rtol=1e-13, atol=1e-14)
    coarse = 8 if order == 4 else 64  # fine enough for the leading term, coarse enough to stay above rounding
    errors = [
        np.abs(simulate.simulate(cell, u, x0, 0.5, method=method, substeps=k) - exact).max()
        for k in (coarse, 2 * coarse)
    ]
    # error = C dt^p (1 + O(dt)): the next term still bends the measured order a little
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)


def test_reference_is_the_exact_solution_of_a_linear_neuron():
    # an LTC without synapses: x(t) = E + (x0 - E) exp(-g t / c), whatever the steps
    cell = LTC([0.5, 2], [0.3, 1], [0.2, -0.4], np.zeros((2, 2)), *[np.ones((2, 2))] * 3)
    x0, dt = np.array([1.0, -1.0]), np.array([0.1, 2.0, 0.7])
    exact = cell.e_leak + (x0 - cell.e_leak) * np.exp(-np.cumsum(dt)[:, None] * cell.g_leak / cell.c)
    # its tolerance is 1e-10
    np.testing.assert_allclose(simulate.reference(cell, None, x0, dt), exact, rtol=0, atol=1e-9)
    # and the exponential method is exact where gates do not move, in any number of steps
    for substeps in (1, 7):
        x = simulate.simulate(cell, None, x0, dt, method="exponential", substeps=substeps)
        np.testing.assert_allclose(x, exact, **ROUNDING)


def test_exponential_method_is_exact_for_gates_that_inputs_alone_move():
    rng = np.random.default_rng(3)
    cell = random_cell(rng, LTC, n=3, m=2)
    cell = LTC(
        cell.c,
        cell.g_leak,
        cell.e_leak,
        0 * cell.w,
        cell.gamma,
        cell.mu,
        cell.e_rev,
        cell.w_in,
        cell.gamma_in,
        cell.mu_in,
        cell.e_rev_in,
    )
    u, x0 = rng.normal(size=(5, 2)), rng.uniform(-1, 1, 3)
    x = simulate.simulate(cell, u, x0, 0.9, method="exponential")
    np.testing.assert_allclose(x, simulate.reference(cell, u, x0, 0.9), rtol=0, atol=1e-9)


def test_state_t_is_the_state_after_input_t():
    cell, u, x0, dt = case(2, n=3, m=2)
    x = simulate.simulate(cell, u, x0, dt)
    first = dynamics.fused_step(x0, u[0], cell, dt[0])
    np.testing.assert_array_equal(x[:2], [first, dynamics.fused_step(first, u[1], cell, dt[1])])


@METHODS
@given(seed=seeds, kind=kinds)
def test_irregular_steps_are_the_concatenation_of_their_parts(method, seed, kind):
    cell, u, x0, dt = case(seed, kind)
    whole = simulate.simulate(cell, u, x0, dt, method=method)
    head = simulate.simulate(cell, None if u is None else u[:2], x0, dt[:2], method=method)
    tail = simulate.simulate(cell, None if u is None else u[2:], head[-1], dt[2:], method=method)
    np.testing.assert_array_equal(whole, np.concatenate([head, tail]))


@pytest.mark.parametrize("method", [name for name, one in SOLVERS.items() if not one.ahead])
@given(seed=seeds, kind=kinds)
def test_substeps_of_a_one_step_method_are_a_finer_grid_with_repeated_inputs(method, seed, kind):
    cell, u, x0, dt = case(seed, kind)
    coarse = simulate.simulate(cell, u, x0, dt, method=method, substeps=3)
    fine = simulate.simulate(
        cell, None if u is None else np.repeat(u, 3, 0), x0, np.repeat(dt, 3) / 3, method=method
    )
    np.testing.assert_allclose(coarse, fine[2::3], **ROUNDING)


@given(seed=seeds, kind=kinds)
def test_extrapolation_looks_back_within_an_input_and_starts_anew_at_the_next(seed, kind):
    cell, u, x0, dt = case(seed, kind)
    x = simulate.simulate(cell, u, x0, dt, method="extrapolated", substeps=3)
    now = x0
    for t, part in enumerate(dt / 3):
        u_t = None if u is None else u[t]
        one = dynamics.exponential_step(now, u_t, cell, part)
        g, h = cell.terms(1.5 * one - 0.5 * now, u_t)
        two = h / g + (one - h / g) * np.exp(-g * part / cell.c)
        g, h = cell.terms(1.5 * two - 0.5 * one, u_t)
        now = h / g + (two - h / g) * np.exp(-g * part / cell.c)
        np.testing.assert_allclose(x[t], now, **ROUNDING)
    single = simulate.simulate(cell, u, x0, dt, method="extrapolated")
    np.testing.assert_array_equal(single, simulate.simulate(cell, u, x0, dt, method="exponential"))


@METHODS
@given(seed=seeds, kind=kinds)
def test_a_batch_is_a_loop_with_each_samples_own_steps(method, seed, kind):
    cell, u, x0, dt = case(seed, kind, batch=(3,))
    together = simulate.simulate(cell, u, x0, dt, method=method)
    assert together.shape == (3, 4, cell.n)
    for k in range(3):
        alone = simulate.simulate(cell, None if u is None else u[k], x0[k], dt[k], method=method)
        np.testing.assert_allclose(together[k], alone, **ROUNDING)


def test_leading_axes_broadcast():
    cell, u, x0, dt = case(4, n=3, m=2, batch=(5,))
    for together, alone in (
        ((u, x0[0], 0.1), (u[4], x0[0], 0.1)),
        ((u[0], x0, 0.1), (u[0], x0[4], 0.1)),
        ((u[0], x0[0], dt), (u[0], x0[0], dt[4])),
        ((u[:, None], x0, dt[0]), (u[4], x0[4], dt[0])),
    ):
        x = simulate.simulate(cell, *together)
        last = x.reshape(-1, 4, 3)[-1]
        np.testing.assert_allclose(last, simulate.simulate(cell, *alone), **ROUNDING)


@METHODS
@given(seed=seeds, kind=kinds)
def test_torch_gives_numpys_trajectory(method, seed, kind):
    cell, u, x0, dt = case(seed, kind, batch=(2,))
    tensor = lambda v: None if v is None else torch.tensor(v)
    expected = simulate.simulate(cell, u, x0, dt, method=method, substeps=2)
    for steps in (tensor(dt), dt, dt.tolist()):  # steps may come as a tensor, an array or a list
        got = simulate.simulate(to_torch(cell), tensor(u), tensor(x0), steps, method=method, substeps=2)
        np.testing.assert_allclose(got.numpy(), expected, **ROUNDING)


@METHODS
@KINDS
def test_float32_trajectories_stay_float32(method, kind):
    cell, u, x0, _ = case(5, kind, n=3, m=2)
    for dt in (0.1, np.float64(0.1), [0.1] * 4):
        x = simulate.simulate(
            cast(cell, np.float32), u.astype(np.float32), x0.astype(np.float32), dt, method=method
        )
        assert x.dtype == np.float32
    single = to_torch(cell, torch.float32)
    assert (
        simulate.simulate(single, torch.tensor(u).float(), torch.tensor(x0).float(), 0.1, method=method).dtype
        == torch.float32
    )


@METHODS
def test_gradients_flow_through_a_trajectory_into_everything_dt_included(method):
    cell, u, x0, dt = case(6, n=2, m=1, T=2)
    names = list(cell.__dataclass_fields__)

    def run(u, x0, dt, *values):
        return simulate.simulate(
            LTC(**dict(zip(names, values, strict=True))), u, x0, dt, method=method, substeps=2
        )

    arguments = [
        torch.tensor(v).requires_grad_() for v in (u, x0, dt, *(getattr(cell, name) for name in names))
    ]
    assert torch.autograd.gradcheck(run, arguments)


def test_trajectories_pass_through_vmap_over_inputs_states_and_steps():
    cell, u, x0, dt = case(7, n=3, m=2, batch=(5,))
    tensors = torch.tensor(u), torch.tensor(x0), torch.tensor(dt)
    torch_cell = to_torch(cell)
    got = torch.func.vmap(lambda *sample: simulate.simulate(torch_cell, *sample))(*tensors)
    np.testing.assert_allclose(got.numpy(), simulate.simulate(cell, u, x0, dt), **ROUNDING)


@METHODS
def test_a_symbolic_trajectory_is_the_formula_of_the_numbers(method):
    # two symbolic rk4 steps would take seconds
    cell, u, x0, _ = case(8, n=1, m=1, T=1 if method == "rk4" else 2)
    formulas, x, step = symbolic.cell(LTC, 1, 1), symbolic.state(1), sp.Symbol("h", positive=True)
    held = np.array([[sp.Symbol(f"u_{t}")] for t in range(len(u))])
    trajectory = simulate.simulate(formulas, held, x, step, method=method)
    values = (
        symbolic.substitution(formulas, cell)
        | {x[0]: x0[0], step: 0.3}
        | dict(zip(held[:, 0], u[:, 0], strict=True))
    )
    got = [float(sp.N(e.subs(values), 30)) for e in trajectory[:, 0]]
    np.testing.assert_allclose(got, simulate.simulate(cell, u, x0, 0.3, method=method)[:, 0], **ROUNDING)


def test_cells_without_inputs_take_u_none_or_empty():
    cell, _, x0, dt = case(9, n=3, m=0)
    x = simulate.simulate(cell, None, x0, dt)
    np.testing.assert_array_equal(simulate.simulate(cell, np.zeros((4, 0)), x0, dt), x)
    assert simulate.simulate(cell, np.zeros((4, 0)), x0, 0.1).shape == (4, 3)


# ------------------------------------------------------------------------------------------------------------
# bad input


@pytest.mark.parametrize("method, T", [("euler", 1), ("euler", 60), ("rk4", 60)])
def test_a_solution_that_leaves_the_finite_numbers_says_so(method, T):
    # an explicit step of 1e200 ms multiplies the state by -1e200; also the very last state is looked at
    cell = LTC([1], [1], [0], [[0]], [[1]], [[0]], [[1]])
    message = f"{method} solution left the finite numbers in step .*smaller dt"
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=message):
        simulate.simulate(cell, None, np.array([1e200]), np.full(T, 1e200), method=method)
    for bounded in ("fused", "exponential", "extrapolated"):
        assert (
            np.abs(simulate.simulate(cell, None, np.array([1e200]), np.full(T, 1e200), method=bounded)).max()
            <= 1e200
        )


@pytest.mark.parametrize(
    "change, message",
    [
        ({"method": "Euler"}, "no method 'Euler'.*fused, exponential, extrapolated, euler, rk4"),
        ({"substeps": 0}, "substeps is 0.*at least 1"),
        ({"substeps": 1.5}, "substeps is 1.5"),
        ({"substeps": True}, "substeps is True"),
        ({"dt": -1.0}, "dt is -1.0.*>= 0"),
        ({"dt": np.nan}, "dt is nan"),
        ({"dt": None}, "dt is None"),
        ({"dt": [0.1, 0.1, 0.0, -0.1]}, "smallest value -0.1"),
        ({"dt": [0.1, 0.0, np.nan, 0.1]}, "smallest value nan"),
        ({"dt": [0.1, 0.2]}, r"dt has shape \(2,\) but u has 4 steps"),
        ({"u": None}, "u: got nothing.*2"),
        ({"u": np.zeros(2)}, r"u has shape \(2,\).*\(\.\.\., T, m\)"),
        ({"u": np.zeros((0, 2))}, "T >= 1"),
        ({"u": np.zeros((3, 0, 2))}, "T >= 1"),
        ({"u": np.zeros((4, 3))}, r"u: got shape \(4, 3\)"),
        ({"u": np.full((4, 2), np.nan)}, "u holds 8 values"),
        ({"u": [[0, 0]]}, r"u has shape \(1, 2\)|u: got"),
        ({"u": 3.0}, "u has shape"),
        ({"x0": np.zeros(2)}, r"x: got shape \(2,\)"),
        ({"x0": [0, 0, 0]}, "x: got"),
        ({"x0": np.full(3, np.inf)}, "x holds 3 values"),
        ({"u": np.zeros((3, 4, 2)), "x0": np.zeros((2, 3))}, r"batch.*x0 \(2,\), u \(3,\)"),
        ({"dt": np.full((5, 4), 0.1), "x0": np.zeros((2, 3))}, r"batch.*x0 \(2,\).*dt \(5,\)"),
    ],
)
def test_impossible_simulations_are_refused(change, message):
    cell, u, x0, _ = case(10, n=3, m=2)
    arguments = dict(u=u, x0=x0, dt=0.1) | change
    with pytest.raises(ValueError, match=message):
        simulate.simulate(cell, **arguments)
    if not {"method", "substeps"} & set(change):
        with pytest.raises(ValueError, match=message):
            simulate.reference(cell, **arguments)


@pytest.mark.parametrize("method", [*simulate.METHODS, "reference"])
def test_a_step_of_no_time_holds_the_state_in_every_bit(method):
    cell, u, x0, dt = case(13, n=3, m=2, T=6)
    solve = (
        simulate.reference if method == "reference" else partial(simulate.simulate, method=method, substeps=3)
    )
    assert (solve(cell, u, x0, 0) == x0).all()
    still = np.array([True, False, True, True, False, True])
    x = np.concatenate([x0[None], solve(cell, u, x0, np.where(still, 0, dt))])
    assert (x[1:][still] == x[:-1][still]).all()
    # as if it were left out
    np.testing.assert_array_equal(x[1:][~still], solve(cell, u[~still], x0, dt[~still]))


def test_without_inputs_dt_says_how_many_steps():
    cell, _, x0, _ = case(11, n=3, m=0)
    for dt in (0.1, []):
        with pytest.raises(ValueError, match=r"dt must be an array \(\.\.\., T\)|dt is an array"):
            simulate.simulate(cell, None, x0, dt)


def test_reference_solves_one_trajectory():
    cell, u, x0, dt = case(12, n=3, m=2, batch=(2,))
    with pytest.raises(ValueError, match="one trajectory"):
        simulate.reference(cell, u, x0, dt)


def test_the_old_table_of_steps_still_answers_and_says_its_new_name():
    with pytest.warns(DeprecationWarning, match=r"solvers.SOLVERS\[name\].step"):
        steps = simulate.STEPS
    cell, u, x0, dt = case(0, dynamics.LTC)
    np.testing.assert_array_equal(
        steps["fused"](x0, u[0], cell, dt[0]), dynamics.fused_step(x0, u[0], cell, dt[0])
    )
    with pytest.raises(AttributeError, match="STEP"):
        simulate.STEP  # noqa: B018
