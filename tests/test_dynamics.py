"""The cells: one formula on three backends, its Jacobian, its steps, and the same numbers as ncps.

``data/ncps.json`` holds states that ncps itself computed. It was made once, with ncps 1.0.1 and torch 2.13.0,
by

    import json, test_dynamics
    json.dump(test_dynamics.run_ncps(0), open("data/ncps.json", "w"), indent=1)

in this folder; ``run_ncps`` is below and also serves the live comparison.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import cast, inside, kinds, random_cell, random_input, random_ncp, seeds, to_torch

from ltcbook import analysis, dynamics, symbolic, wiring
from ltcbook.dynamics import CTRNN, LTC, LTC2021

ALL = pytest.mark.parametrize("kind", [LTC, LTC2021, CTRNN])
FUNCTIONS = {
    "vector_field": lambda x, u, cell: dynamics.vector_field(0, x, u, cell),
    "time_constant": dynamics.time_constant,
    "effective_equilibrium": dynamics.effective_equilibrium,
    "fused_step": lambda x, u, cell: dynamics.fused_step(x, u, cell, 0.37),
    "exponential_step": lambda x, u, cell: dynamics.exponential_step(x, u, cell, 0.37),
    "extrapolated_step": lambda x, u, cell: dynamics.extrapolated_step(
        x, u, cell, 0.37, x / 2 if hasattr(x, "dtype") else x
    ),
    "jacobian": dynamics.jacobian,
}
EACH = pytest.mark.parametrize("name", FUNCTIONS)
# states and conductances of order 1, sums of ten terms, in float64 (2e-16)
ROUNDING = dict(rtol=1e-13, atol=1e-13)


def case(seed, kind=LTC, batch=(), **options):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng, kind, **options)
    return cell, rng.normal(size=(*batch, cell.n)), random_input(rng, cell, *batch)


def tensor(array):
    return None if array is None else torch.tensor(array)


# -------------------------------------------------------------------------------------- what the equations
# say, by hand


def test_ltc_is_the_published_synaptic_neuron():
    # spelled out with loops from Lechner et al. (2020), Eqs. (2)-(5), in Python's own floats
    cell, x, u = case(0, n=3, m=2)
    sigma = lambda z: 1 / (1 + np.exp(-z))
    for i in range(3):
        current = cell.g_leak[i] * (cell.e_leak[i] - x[i])
        for j in range(3):
            current += (
                cell.w[i, j] * sigma(cell.gamma[i, j] * (x[j] - cell.mu[i, j])) * (cell.e_rev[i, j] - x[i])
            )
        for k in range(2):
            gate = sigma(cell.gamma_in[i, k] * (u[k] - cell.mu_in[i, k]))
            current += cell.w_in[i, k] * gate * (cell.e_rev_in[i, k] - x[i])
        assert dynamics.vector_field(0, x, u, cell)[i] == pytest.approx(current / cell.c[i], rel=1e-13)


def test_ltc2021_and_ctrnn_are_their_published_equations():
    cell, x, u = case(1, LTC2021, n=3, m=2)
    f = 1 / (1 + np.exp(-(cell.w @ x + cell.w_in @ u + cell.b)))
    expected = -(1 / cell.tau + f) * x + f * cell.A
    np.testing.assert_allclose(dynamics.vector_field(0, x, u, cell), expected, **ROUNDING)
    np.testing.assert_allclose(dynamics.time_constant(x, u, cell), cell.tau / (1 + cell.tau * f), **ROUNDING)
    cell, x, u = case(2, CTRNN, n=3, m=2)
    expected = (-x + np.tanh(cell.w @ x + cell.w_in @ u + cell.b)) / cell.tau
    np.testing.assert_allclose(dynamics.vector_field(0, x, u, cell), expected, **ROUNDING)
    np.testing.assert_allclose(dynamics.time_constant(x, u, cell), cell.tau, **ROUNDING)


def test_a_gate_is_half_open_at_its_half_activation():
    cell, _, _ = case(3, n=1, m=1)
    assert cell.gates(cell.mu[0]) == pytest.approx(0.5) and cell.gates_in(cell.mu_in[0]) == pytest.approx(0.5)


def test_one_fused_and_one_exponential_step_of_exercise_13():
    # x = 0, f = A = tau = 1 and dt = 1/2, the gate held fully open by its input: 1/4, and (1 - 1/e) / 2
    # exactly
    one, zero = np.ones((1, 1)), np.zeros((1, 1))
    cell = LTC([1], [1], [0], zero, zero, zero, zero, one, one, zero, one)
    x, u = np.zeros(1), np.array([1000.0])
    assert dynamics.fused_step(x, u, cell, 0.5) == pytest.approx(1 / 4, rel=1e-15)
    assert dynamics.exponential_step(x, u, cell, 0.5) == pytest.approx((1 - np.exp(-1)) / 2, rel=1e-15)


def test_an_exponential_step_is_the_solution_for_gates_that_stand_still():
    # without recurrent synapses: x(t) = h/g + (x - h/g) exp(-g t / c), with c, g, h away from 1
    cell, x, u = case(4, n=3, m=2)
    cell, t = replace(cell, w=0 * cell.w), 0.7
    g, h = cell.terms(x, u)
    exact = h / g + (x - h / g) * np.exp(-g * t / cell.c)
    np.testing.assert_allclose(dynamics.exponential_step(x, u, cell, t), exact, **ROUNDING)
    assert np.abs(cell.c - 1).min() > 0.3


def test_frozen_gate_solution_of_the_ltc():
    # exercise 4 with f = sigmoid(b): x(t) = A tau f / (1 + tau f) (1 - exp(-t / tau_sys)); b is fixed, so f
    # is exact
    tau, A, b, t = 2.0, 1.7, 0.3, 1.3
    f = 1 / (1 + np.exp(-b))
    cell = LTC2021([tau], [A], [[0]], [b])
    exact = A * tau * f / (1 + tau * f) * (1 - np.exp(-t * (1 + tau * f) / tau))
    assert dynamics.exponential_step(np.zeros(1), None, cell, t) == pytest.approx(exact, rel=1e-14)
    assert dynamics.effective_equilibrium(np.zeros(1), None, cell) == pytest.approx(
        A * tau * f / (1 + tau * f), rel=1e-14
    )


# --------------------------------------------------------------------------------------------------- the
# three backends


@EACH
@given(seed=seeds, kind=kinds)
def test_torch_gives_numpys_numbers(name, seed, kind):
    cell, x, u = case(seed, kind, batch=(2, 3))
    expected = FUNCTIONS[name](x, u, cell)
    np.testing.assert_allclose(
        FUNCTIONS[name](tensor(x), tensor(u), to_torch(cell)).numpy(), expected, **ROUNDING
    )


@EACH
@ALL
def test_sympy_gives_numpys_numbers(name, kind):
    cell, x, u = case(11, kind, n=2, m=1)
    formulas, values = symbolic.cell(kind, 2, 1), symbolic.state(2)
    substituted = (
        symbolic.substitution(formulas, cell)
        | dict(zip(values, x, strict=True))
        | {symbolic.inputs(1)[0]: u[0]}
    )
    got = [
        sp.N(e.subs(substituted), 30) for e in FUNCTIONS[name](values, symbolic.inputs(1), formulas).ravel()
    ]
    np.testing.assert_allclose(np.array(got, float), FUNCTIONS[name](x, u, cell).ravel(), **ROUNDING)


@EACH
@ALL
def test_float32_stays_float32(name, kind):
    cell, x, u = case(5, kind, n=3, m=2)
    single = FUNCTIONS[name](x.astype(np.float32), u.astype(np.float32), cast(cell, np.float32))
    assert single.dtype == np.float32
    # float32 keeps seven digits
    np.testing.assert_allclose(single, FUNCTIONS[name](x, u, cell), rtol=2e-5, atol=2e-5)
    assert (
        FUNCTIONS[name](tensor(x).float(), tensor(u).float(), to_torch(cell, torch.float32)).dtype
        == torch.float32
    )


@EACH
@ALL
def test_whole_number_states_are_numbers_too(name, kind):
    cell, _, _ = case(6, kind, n=3, m=2)
    x, u = np.array([1, 0, -1]), np.array([2, 1])
    np.testing.assert_array_equal(FUNCTIONS[name](x, u, cell), FUNCTIONS[name](x * 1.0, u * 1.0, cell))


@EACH
@given(seed=seeds, kind=kinds)
def test_a_batch_is_a_loop_over_states_inputs_and_cells(name, seed, kind):
    cell, x, u = case(seed, kind, batch=(4,))
    batch = FUNCTIONS[name](x, u, cell)
    for k in range(4):
        np.testing.assert_allclose(
            batch[k], FUNCTIONS[name](x[k], None if u is None else u[k], cell), **ROUNDING
        )
    given_fields = [f for f in cell.__dataclass_fields__ if getattr(cell, f) is not None]
    many = replace(cell, **{f: np.stack([getattr(cell, f)] * 4) for f in given_fields})
    np.testing.assert_allclose(FUNCTIONS[name](x, u, many), batch, **ROUNDING)


@EACH
@ALL
def test_torch_vmap_sees_through(name, kind):
    cell, x, u = case(7, kind, batch=(5,), n=3, m=2)
    torch_cell = to_torch(cell)
    got = torch.func.vmap(lambda a, b: FUNCTIONS[name](a, b, torch_cell))(tensor(x), tensor(u))
    np.testing.assert_allclose(got.numpy(), FUNCTIONS[name](x, u, cell), **ROUNDING)


@EACH
@ALL
def test_gradients_flow_into_states_inputs_and_every_parameter(name, kind):
    cell, x, u = case(8, kind, n=2, m=1)
    fields = list(cell.__dataclass_fields__)

    def function(a, b, *values):
        return FUNCTIONS[name](a, b, kind(**dict(zip(fields, values, strict=True))))

    arguments = [tensor(v).requires_grad_() for v in (x, u, *(getattr(cell, f) for f in fields))]
    assert torch.autograd.gradcheck(function, arguments)


# ------------------------------------------------------------------------------------------------------------
# Jacobian


@ALL
def test_jacobian_is_sympys_derivative(kind):
    formulas, x, u = symbolic.cell(kind, 2, 1), symbolic.state(2), symbolic.inputs(1)
    field, closed = dynamics.vector_field(0, x, u, formulas), dynamics.jacobian(x, u, formulas)
    free = sorted(set().union(*(e.free_symbols for e in [*field, *closed.ravel()])), key=str)
    rng = np.random.default_rng(0)
    # an identity of analytic functions: exact rationals, 50 digits, so 1e-40 leaves no room for luck
    for _ in range(3):
        values = {s: sp.Rational(int(rng.integers(1, 50)), int(rng.integers(20, 50))) for s in free}
        for i in range(2):
            for j in range(2):
                assert abs(sp.N((sp.diff(field[i], x[j]) - closed[i, j]).subs(values), 50)) < 1e-40


@given(seed=seeds, kind=kinds)
def test_jacobian_is_automatic_differentiation(seed, kind):
    cell, x, u = case(seed, kind)
    torch_cell = to_torch(cell)
    automatic = torch.func.jacrev(lambda a: dynamics.vector_field(0, a, tensor(u), torch_cell))(tensor(x))
    np.testing.assert_allclose(dynamics.jacobian(x, u, cell), automatic.numpy(), **ROUNDING)


@given(seed=seeds)
def test_jacobian_is_sparse_exactly_like_the_wiring(seed):
    rng = np.random.default_rng(seed)
    wiring = random_ncp(rng)
    J = dynamics.jacobian(
        rng.uniform(-0.9, 0.9, wiring.n), rng.normal(size=wiring.m), LTC.random(wiring, rng=rng)
    )
    off = ~np.eye(wiring.n, dtype=bool)
    np.testing.assert_array_equal((J != 0)[off], wiring.adjacency[off])


# ---------------------------------------------------------------------------------------------- bounds and
# fixed points


@given(seed=seeds, kind=kinds, exponent=st.floats(-3, 3))
def test_fused_and_exponential_steps_never_leave_the_state_bounds(seed, kind, exponent):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng, kind, extreme=True)
    lo, hi = bounds = analysis.state_bounds(cell)
    # float64, sums of conductances over many orders of magnitude
    rounding = 1e-12 * np.maximum(np.abs(lo), np.abs(hi))
    for step in (dynamics.fused_step, dynamics.exponential_step, dynamics.extrapolated_step):
        x = before = inside(rng, bounds, 8)
        for _ in range(10):
            memory = (before,) if step is dynamics.extrapolated_step else ()
            before, x = x, step(x, random_input(rng, cell), cell, 10**exponent, *memory)
            assert (lo - rounding <= x).all() and (x <= hi + rounding).all()


@given(seed=seeds, kind=kinds, exponent=st.floats(-3, 3))
def test_fixed_points_of_the_fused_step_are_the_equilibria_for_every_dt(seed, kind, exponent):
    # fused(x) - x = dt c f(x) / (c + dt g): the factor is positive, so both sides vanish together
    cell, x, u = case(seed, kind, batch=(5,))
    dt, g = 10**exponent, cell.terms(x, u)[0]
    moved = dynamics.fused_step(x, u, cell, dt) - x
    np.testing.assert_allclose(
        moved, dt * cell.c * dynamics.vector_field(0, x, u, cell) / (cell.c + dt * g), **ROUNDING
    )


def test_fused_step_is_unstable_beyond_its_critical_dt_and_oscillates_within_bounds():
    # mathematics 3.5: g = .2, C = 1, v = 2, autapse w = 5, E = -1, gamma = 8, mu = .2 has a stable
    # equilibrium (-3.69), yet the fused map loses it at dt = .8415 and runs into the two-cycle {.112, -.485}
    # at twice that step
    cell = LTC([1], [0.2], [2], [[5]], [[8]], [[0.2]], [[-1]])
    x = analysis.relax(np.array([0.1]), None, cell)
    assert dynamics.jacobian(x, None, cell)[0, 0] == pytest.approx(-3.69, abs=0.005)
    slope = lambda dt: (
        (dynamics.fused_step(x + 1e-6, None, cell, dt) - dynamics.fused_step(x - 1e-6, None, cell, dt)) / 2e-6
    )
    assert slope(0.8415) == pytest.approx(-1, abs=2e-4)
    cycle = [np.array([0.1])]
    for _ in range(200):
        cycle.append(dynamics.fused_step(cycle[-1], None, cell, 2 * 0.8415))
    assert sorted(float(z[0]) for z in cycle[-2:]) == pytest.approx([-0.485, 0.112], abs=1e-3)


@given(seed=seeds)
def test_time_constant_stays_between_its_bounds(seed):
    # C / (g + sum w) < tau <= C / g, since every gate lies strictly between 0 and 1; equality only without
    # synapses
    cell, x, u = case(seed, batch=(20,))
    tau = dynamics.time_constant(x, u, cell)
    total = cell.g_leak + cell.w.sum(-1) + (cell.w_in.sum(-1) if cell.m else 0)
    assert (tau <= cell.c / cell.g_leak).all() and (tau >= cell.c / total * (1 - 1e-15)).all()
    listens = (cell.w > 0).any(-1)
    assert (tau[:, listens] < (cell.c / cell.g_leak)[listens]).all()


# ----------------------------------------------------------------------------------------------------------------
# ncps


def run_ncps(seed):
    """Parameters, inputs and states of a random ncps LTCCell, six fused steps per input, in float64 and in
    float32.
    """
    from ncps.torch import LTCCell
    from ncps.wirings import NCP

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    wiring = NCP(4, 3, 2, 2, 2, 4, 2, seed=seed)
    cell = LTCCell(wiring, in_features=2).double()
    names = ["cm", "gleak", "vleak", "w", "sigma", "mu", "erev"]
    names += [f"sensory_{name}" for name in names[3:]]
    with torch.no_grad():
        for name in names:  # away from float32's grid, and reversal potentials away from +-1
            parameter = cell._params[name]
            parameter *= torch.tensor(rng.uniform(0.8, 1.2, parameter.shape))
    data = {
        "parameters": {
            name: cell._params[name].tolist() for name in [*names, "sparsity_mask", "sensory_sparsity_mask"]
        },
        "u": rng.normal(size=(3, 4, 2)).tolist(),
        "elapsed": [1.0, 0.25, 3.0],
        "x0": rng.uniform(-1, 1, (4, 9)).tolist(),
    }
    for name, dtype in (("float64", torch.float64), ("float32", torch.float32)):
        x, states = torch.tensor(data["x0"], dtype=dtype), []
        for u, elapsed in zip(data["u"], data["elapsed"], strict=True):
            _, x = cell.to(dtype)(torch.tensor(u, dtype=dtype), x, elapsed)
            states.append(x.tolist())
        data[name] = states
    return data


def cell_of(parameters, epsilon=0.0):
    """Our cell with ncps's parameters; ncps stores [source, target]. epsilon: what ncps adds to its
    denominator, a leak to 0.
    """
    p = {name: np.array(values) for name, values in parameters.items()}
    t = {name: values.T for name, values in p.items() if values.ndim == 2}
    leak = p["gleak"] + epsilon
    return LTC(
        p["cm"],
        leak,
        p["gleak"] * p["vleak"] / leak,
        t["w"] * t["sparsity_mask"],
        t["sigma"],
        t["mu"],
        t["erev"],
        t["sensory_w"] * t["sensory_sparsity_mask"],
        t["sensory_sigma"],
        t["sensory_mu"],
        t["sensory_erev"],
    )


def six_steps(cell, data, array=np.array):
    x, states = array(data["x0"]), []
    for u, elapsed in zip(data["u"], data["elapsed"], strict=True):
        for _ in range(6):
            x = dynamics.fused_step(x, array(u), cell, elapsed / 6)
        states.append(x)
    return states


def check_against_ncps(data):
    # ncps adds 1e-8 to c / dt + g, which here is at least .32 * 6 / 3 = .64, so a step differs by at most
    # 1.6e-8 |x|; the steps pull states together, so six differ by less than 6 * 1.6e-8 = 1e-7 of states of
    # order 1
    for ours, theirs in zip(six_steps(cell_of(data["parameters"]), data), data["float64"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7)
    # with that epsilon taken over as a leak towards 0 nothing but rounding is left
    for ours, theirs in zip(six_steps(cell_of(data["parameters"], 1e-8), data), data["float64"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-14)
    single = to_torch(cell_of(data["parameters"]), torch.float32)
    states = six_steps(single, data, lambda values: torch.tensor(values, dtype=torch.float32))
    for ours, theirs in zip(states, data["float32"], strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=0, atol=2e-6)  # float32: 18 steps of 1e-7


def test_six_fused_steps_are_ncps_on_frozen_numbers():
    check_against_ncps(json.loads((Path(__file__).parent / "data" / "ncps.json").read_text("utf8")))


@pytest.mark.parametrize("seed", range(1, 6))
def test_six_fused_steps_are_ncps_live(seed):
    pytest.importorskip("ncps.torch")
    check_against_ncps(run_ncps(seed))


# ---------------------------------------------------------------------------------------------------------
# random cells


def test_random_cells_lie_in_the_ranges_of_ncps_and_on_their_wiring():
    rng = np.random.default_rng(0)
    wiring = random_ncp(rng)
    cell = LTC.random(wiring, rng=rng)
    ranges = {"c": (0.4, 0.6), "g_leak": (0.001, 1), "e_leak": (-0.2, 0.2), "gamma": (3, 8), "mu": (0.3, 0.8)}
    for name, (lo, hi) in ranges.items():
        for field in {name, name + "_in"} & set(cell.__dataclass_fields__):
            assert (lo <= getattr(cell, field)).all() and (getattr(cell, field) <= hi).all()
    np.testing.assert_array_equal(cell.w > 0, wiring.adjacency)
    np.testing.assert_array_equal(cell.w_in > 0, wiring.adjacency_in)
    assert cell.w.max() <= 1 and cell.w[wiring.adjacency].min() >= 0.001
    np.testing.assert_array_equal(cell.e_rev[wiring.adjacency], wiring.polarity[wiring.adjacency])
    assert set(np.abs(cell.e_rev).ravel()) == {1.0}
    again = LTC.random(wiring, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(LTC.random(wiring, rng=np.random.default_rng(1)).gamma, again.gamma)
    with pytest.raises(ValueError, match="rng is int"):
        LTC.random(wiring, rng=0)


# ------------------------------------------------------------------------------------------------------------
# bad input

GOOD = dict(
    c=[1, 2],
    g_leak=[1, 1],
    e_leak=[0, 0],
    w=np.ones((2, 2)),
    gamma=np.ones((2, 2)),
    mu=np.ones((2, 2)),
    e_rev=np.ones((2, 2)),
    w_in=np.ones((2, 3)),
    gamma_in=np.ones((2, 3)),
    mu_in=np.ones((2, 3)),
    e_rev_in=np.ones((2, 3)),
)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"c": [1, 0]}, "c must be > 0.*smallest value is 0"),
        ({"g_leak": [-1, 1]}, "g_leak must be > 0"),
        ({"w": [[0, -1], [1, 1]]}, "w must be >= 0.*-1"),
        ({"w_in": -np.ones((2, 3))}, "w_in must be >= 0"),
        ({"c": [1, np.nan]}, "c holds 1 values that are NaN"),
        ({"e_rev": [[np.inf, 0], [0, 0]]}, "e_rev holds 1"),
        ({"c": 1.0}, r"c has shape \(\).*2 neurons"),
        ({"gamma": np.ones((2, 3))}, r"gamma has shape \(2, 3\)"),
        ({"mu_in": np.ones((3, 2))}, r"mu_in has shape \(3, 2\).*3 inputs"),
        ({"w": np.ones((2, 3))}, r"w has shape \(2, 3\).*\[target, source\]"),
        ({"w": np.ones((0, 0))}, "n >= 1"),
        ({"w_in": None}, r"belong together.*missing \['w_in'\]"),
        ({"mu": [["a", "b"], ["c", "d"]]}, "mu has type.*real numbers"),
        ({"c": np.array([1, 2j])}, "c has type complex128"),
        ({"w": torch.ones(2, 2)}, r"only \['w'\] are torch tensors"),
    ],
)
def test_impossible_cells_are_refused(change, message):
    LTC(**GOOD)
    with pytest.raises(ValueError, match=message):
        LTC(**(GOOD | change))


@pytest.mark.parametrize("kind", [LTC2021, CTRNN])
def test_time_constants_must_be_positive(kind):
    cell = random_cell(np.random.default_rng(0), kind, n=2, m=1)
    for tau in ([0, 1], [-1, 1], [np.nan, 1], [1, 2, 3]):
        with pytest.raises(ValueError, match="tau"):
            replace(cell, tau=tau)


@EACH
@ALL
def test_states_and_inputs_that_do_not_fit_are_refused(name, kind):
    cell, x, u = case(9, kind, n=3, m=2)
    for bad_x, bad_u, message in (
        (x[:2], u, r"x: got shape \(2,\).*\(\.\.\., 3\)"),
        (x, u[:1], r"u: got shape \(1,\).*\(\.\.\., 2\)"),
        (x, None, "u: got nothing"),
        (x.tolist(), u, "x: got"),
        (np.float64(1), u, r"x: got shape \(\)"),
        (x * np.nan, u, "x holds 3 values that are NaN"),
        (x, u * np.inf, "u holds 2 values"),
    ):
        with pytest.raises(ValueError, match=message):
            FUNCTIONS[name](bad_x, bad_u, cell)


EVERY_STEP = pytest.mark.parametrize(
    "step", [dynamics.fused_step, dynamics.exponential_step, dynamics.extrapolated_step]
)


@pytest.mark.parametrize(
    "dt", [-0.1, -1e-300, np.nan, np.inf, "fast", None, True, 1j, [0.1, -0.1], [0.0, np.nan]]
)
@EVERY_STEP
def test_impossible_time_steps_are_refused(step, dt):
    cell, x, u = case(10, n=2, m=1)
    with pytest.raises(ValueError, match="dt is .*>= 0"):
        step(x, u, cell, dt)


@ALL
@EVERY_STEP
def test_in_no_time_nothing_happens(step, kind):
    cell, x, u = case(10, kind, n=3, m=2)
    for dt in (0, 0.0, np.zeros(3)):
        np.testing.assert_allclose(step(x, u, cell, dt), x, **ROUNDING)
    one = step(x, u, cell, np.array([0.0, 0.4, 0.0]))  # each neuron by its own time
    np.testing.assert_allclose(one[[0, 2]], x[[0, 2]], **ROUNDING)
    assert abs(one[1] - x[1]) > 1e-3


@pytest.mark.parametrize(
    "before, message", [(np.zeros(3), r"x: got shape \(3,\)"), (np.full(2, np.nan), "x holds 2 values")]
)
def test_an_impossible_state_before_is_refused(before, message):
    cell, x, u = case(10, n=2, m=1)
    with pytest.raises(ValueError, match=message):
        dynamics.extrapolated_step(x, u, cell, 0.1, before)


def test_a_cell_cannot_be_reassigned():
    cell = random_cell(np.random.default_rng(0))
    with pytest.raises(AttributeError):
        cell.w = cell.w


def test_cells_may_have_several_batch_axes():
    rng = np.random.default_rng(0)
    cells = [
        [dynamics.LTC.random(wiring.fully_connected(4, sensory=2, rng=rng), rng=rng) for _ in range(3)]
        for _ in range(2)
    ]
    names = list(vars(cells[0][0]))
    many = dynamics.LTC(
        **{name: np.array([[getattr(c, name) for c in row] for row in cells]) for name in names}
    )
    x, u = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 2))
    f = dynamics.vector_field(0, x, u, many)
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            np.testing.assert_allclose(f[i, j], dynamics.vector_field(0, x[i, j], u[i, j], cell), rtol=1e-13)
