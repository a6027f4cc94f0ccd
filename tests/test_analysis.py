"""Long-run behaviour: equilibria, spectra, log-norms, Lyapunov functions, boxes, contraction. Truths by
hand or by definition.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.linalg import expm
from strategies import few, inside, kinds, random_cell, random_input, random_ncp, seeds, to_torch

from ltcbook import analysis, dynamics, simulate
from ltcbook.dynamics import CTRNN, LTC, LTC2021

ROUNDING = 1e-12  # float64 sums of some ten terms of order 1


def autapse(w=2.0, gamma=10.0, mu=0.5, extra=0.0):
    """One neuron, c = g = 1, leak at 0, exciting itself with E = 1; extra: a conductance to E = 1 held
    open by an input.
    """
    return LTC([1], [1], [0], [[w]], [[gamma]], [[mu]], [[1]], [[extra]], [[1]], [[-1000]], [[1]])


def rng_case(seed, kind=LTC, **options):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng, kind, **options)
    return rng, cell, random_input(rng, cell)


NO_INPUT = np.zeros(1)

# -----------------------------------------------------------------------------------------------------------
# equilibria


def test_the_three_equilibria_of_the_autapse_of_exercise_11():
    cell = autapse()
    found = analysis.equilibria(cell, NO_INPUT, rng=np.random.default_rng(0))
    # the digits that the exercise gives
    assert found[:, 0] == pytest.approx([0.015350, 0.5, 0.579270], abs=5e-7)
    slopes = [dynamics.jacobian(x, NO_INPUT, cell)[0, 0] for x in found]
    assert slopes == pytest.approx([-0.863, 0.5, -0.572], abs=5e-4)


@pytest.mark.parametrize("gamma, count", [(3, 1), (6.43, 1), (6.45, 3), (7.9, 3), (8.1, 3), (10, 3)])
def test_the_autapse_has_its_saddle_node_at_6_4375_and_half_is_always_an_equilibrium(gamma, count):
    cell = autapse(gamma=gamma)
    found = analysis.equilibria(cell, NO_INPUT, rng=np.random.default_rng(1))
    assert len(found) == count
    half = found[np.abs(found[:, 0] - 0.5).argmin()]
    assert half == pytest.approx(0.5, abs=1e-9)
    assert dynamics.jacobian(half, NO_INPUT, cell)[0, 0] == pytest.approx(gamma / 4 - 2, abs=1e-7)


def test_equilibria_of_a_tanh_neuron_and_of_a_linear_one():
    bistable = CTRNN([3], [[2]], [0])  # x = tanh(2 x), whatever tau
    assert analysis.equilibria(bistable, rng=np.random.default_rng(0))[:, 0] == pytest.approx(
        [-0.957504, 0, 0.957504], abs=1e-6
    )
    silent = LTC([0.5], [2], [0.3], [[0]], [[1]], [[0]], [[1]])
    assert analysis.equilibria(silent, rng=np.random.default_rng(0)) == pytest.approx(np.array([[0.3]]))


@few
@given(seed=seeds, kind=kinds)
def test_equilibria_are_equilibria_inside_the_bounds_and_none_is_missed_by_relaxing(seed, kind):
    rng, cell, u = rng_case(seed, kind)
    found = analysis.equilibria(cell, u, rng=rng)
    lo, hi = analysis.state_bounds(cell)
    assert np.abs(dynamics.vector_field(0, found, u, cell)).max() < 1e-10
    assert (lo - 1e-9 <= found).all() and (found <= hi + 1e-9).all()
    for i, one in enumerate(found):
        assert all(np.abs(one - other).max() > 1e-6 for other in found[:i])
    x = simulate.simulate(
        cell, None if u is None else u[None].repeat(400, 0), rng.uniform(lo, hi), np.full(400, 0.3)
    )[-1]
    # where it settles there must be one of them
    if np.abs(dynamics.vector_field(0, x, u, cell)).max() < 1e-9:
        assert np.abs(found - x).max(1).min() < 1e-6


def test_a_degenerate_equilibrium_is_found_once():
    # at the saddle-node dx/dt has a double root, so |dx/dt| < 1e-10 holds on a whole neighbourhood of it
    found = analysis.equilibria(autapse(gamma=6.437482), NO_INPUT, rng=np.random.default_rng(0))
    assert [round(x, 3) for x in found[:, 0]] in ([0.5], [0.246, 0.5])


@few
@given(seed=seeds)
def test_relax_ends_where_the_flow_ends(seed):
    rng, cell, u = rng_case(seed)
    start = rng.uniform(-1, 1, cell.n)
    reached = analysis.relax(start, u, cell)
    assert np.abs(dynamics.vector_field(0, reached, u, cell)).max() < 1e-12
    assume(analysis.spectral_abscissa(dynamics.jacobian(reached, u, cell)) < -0.2)
    # exp(-20) = 2e-9
    flow = simulate.reference(cell, None if u is None else u[None], start, [100.0], rtol=1e-7, atol=1e-9)[-1]
    # the same basin, unless the start lies on the edge of one: then both are equilibria
    if np.abs(flow - reached).max() > 1e-6:
        assert len(analysis.equilibria(cell, u, rng=rng)) > 1


def test_relax_is_not_fooled_by_the_two_cycle_of_long_fused_steps():
    # stable at J = -3.69 per ms, and the fused step loses it beyond 0.8415 ms (mathematics of the chapter
    # "Solvers") that neuron with everything times four: c / 2 = 2 ms
    cell = LTC([4], [0.8], [2], [[20]], [[8]], [[0.2]], [[-1]])
    x = analysis.relax(np.zeros(1), None, cell)
    assert abs(x[0] + 0.0870) < 1e-4 and dynamics.jacobian(x, None, cell)[0, 0] < -3
    # the first try alone does end in the cycle
    state = np.zeros(1)
    for _ in range(2001):
        state = dynamics.fused_step(state, None, cell, 2.0)
    assert abs(state[0] - x[0]) > 0.1


def test_relax_takes_a_third_and_shorter_step_where_two_are_too_long():
    """-J = g + 31 and dt |J| / (c + dt g) must be below 2: not so for dt = c / 2 and c / 8, but for c /
    32.
    """
    w, one = 31 / 14.5, np.ones((1, 1))
    cell = dynamics.LTC(
        c=np.ones(1),
        g_leak=np.ones(1),
        e_leak=np.array([1.52]),
        w=w * one,
        gamma=50 * one,
        mu=0.2 * one,
        e_rev=-one,
        w_in=None,
        gamma_in=None,
        mu_in=None,
        e_rev_in=None,
    )
    for dt, settles in ((1 / 2, False), (1 / 8, False), (1 / 32, True)):
        x = np.zeros(1)
        for _ in range(500):
            x, before = dynamics.fused_step(x, None, cell, dt), x
        assert (abs(x - before) < 1e-9).all() == settles
    x = analysis.relax(np.zeros(1), None, cell)
    assert abs(dynamics.vector_field(0, x, None, cell)) < 1e-12 and 0.19 < x < 0.21


def test_relax_says_when_the_network_oscillates():
    # W = [[2, -2], [2, -2]], tau = (1, 10): the only equilibrium is unstable, a limit cycle surrounds it
    cell = CTRNN([1, 10], [[2, -2], [2, -2]], [0, 0])
    with pytest.raises(ValueError, match="may oscillate"):
        analysis.relax(np.array([0.3, -0.2]), None, cell, steps=2000)
    assert analysis.equilibria(cell, rng=np.random.default_rng(0)) == pytest.approx(
        np.zeros((1, 2)), abs=1e-9
    )


# -------------------------------------------------------------------------------------------------- spectra,
# log-norms


def test_eigenvalues_of_a_tanh_network_at_the_origin_are_those_of_w_minus_one_over_tau():
    cell = CTRNN([1, 10], [[2, -2], [2, -2]], [0, 0])
    np.testing.assert_allclose(analysis.eigenvalues(np.zeros(2), None, cell), [0.5, 0.2], atol=ROUNDING)
    cell = replace(cell, tau=np.array([1.0, 3.0]))  # the Hopf point: +- i / sqrt(3)
    np.testing.assert_allclose(
        analysis.eigenvalues(np.zeros(2), None, cell), [-1j / 3**0.5, 1j / 3**0.5], atol=1e-7
    )


@given(seed=seeds, kind=kinds)
def test_eigenvalues_solve_the_characteristic_equation_and_are_sorted(seed, kind):
    rng, cell, u = rng_case(seed, kind)
    x = rng.uniform(-1, 1, (3, cell.n))
    values = analysis.eigenvalues(x, u, cell)
    J = dynamics.jacobian(x, u, cell)
    assert (np.diff(values.real, axis=-1) <= 0).all()
    np.testing.assert_array_equal(analysis.spectral_abscissa(J), values[:, 0].real)
    size = 1 + np.abs(J).sum((-1, -2))
    for k in range(3):
        assert abs(values[k].sum() - np.trace(J[k])) < 1e-10 * size[k]
        for value in values[k]:  # J - value is singular: its smallest singular value is rounding
            assert np.linalg.svd(J[k] - value * np.eye(cell.n), compute_uv=False)[-1] < 1e-7 * size[k]


@pytest.mark.parametrize("order", [1, 2, np.inf])
@few
@given(seed=seeds)
def test_log_norm_is_the_right_derivative_of_the_norm(order, seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 6)
    J = rng.normal(size=(3, n, n)) * rng.uniform(0.1, 5)
    mu = analysis.log_norm(J, order)
    assert mu.shape == (3,)
    for k in range(3):
        h = 1e-6  # the difference quotient errs by O(h |J|^2), its rounding by 1e-16 / h
        quotient = (np.linalg.norm(np.eye(n) + h * J[k], order) - 1) / h
        assert mu[k] == pytest.approx(quotient, abs=1e-6 * (1 + np.linalg.norm(J[k]) ** 2) * 10)
    assert (analysis.spectral_abscissa(J) <= mu + ROUNDING * 10).all()
    for t in (0.1, 1.0):
        assert np.linalg.norm(expm(J[0] * t), order) <= np.exp(mu[0] * t) * (1 + 1e-9)


# --------------------------------------------------------------------------------------------------- Lyapunov
# functions


@given(seed=seeds)
def test_lyapunov_matrix_solves_its_equation_and_is_positive_definite(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 6)
    J = rng.normal(size=(n, n))
    J -= (analysis.spectral_abscissa(J) + rng.uniform(0.1, 2)) * np.eye(n)
    root = rng.normal(size=(n, n))
    for Q in (None, root @ root.T + 0.1 * np.eye(n)):
        P = analysis.lyapunov_matrix(J, Q)
        residual = J.T @ P + P @ J + (np.eye(n) if Q is None else Q)
        assert np.abs(residual).max() < 1e-9 * (1 + np.abs(P).max() * np.abs(J).max())
        np.testing.assert_array_equal(P, P.T)
        assert np.linalg.eigvalsh(P)[0] > 0


def test_an_unstable_or_marginal_jacobian_has_no_lyapunov_matrix():
    for J in ([[0.1]], [[0, 1], [-1, 0]]):
        with pytest.raises(ValueError, match="spectral abscissa .* >= 0"):
            analysis.lyapunov_matrix(J)


@given(seed=seeds, kind=kinds)
def test_lyapunov_derivative_is_the_slope_of_v_along_the_flow(seed, kind):
    rng, cell, u = rng_case(seed, kind)
    x, center, root = rng.normal(size=(4, cell.n)), rng.normal(size=cell.n), rng.normal(size=(cell.n, cell.n))
    P = root @ root.T + 0.1 * np.eye(cell.n)
    h = 1e-5
    f = dynamics.vector_field(0, x, u, cell)
    ahead, behind = (analysis.lyapunov_value(x + s * h * f, P, center) for s in (1, -1))
    derivative = analysis.lyapunov_derivative(x, u, cell, P, center)
    # V is quadratic, so the central difference is exact up to rounding, 1e-16 V / h
    np.testing.assert_allclose(
        derivative, (ahead - behind) / (2 * h), rtol=1e-6, atol=1e-9 * (1 + np.abs(ahead).max())
    )


@few
@given(seed=seeds)
def test_near_a_stable_equilibrium_v_decreases(seed):
    rng, cell, u = rng_case(seed)
    x = analysis.relax(np.zeros(cell.n), u, cell)
    J = dynamics.jacobian(x, u, cell)
    assume(analysis.spectral_abscissa(J) < -1e-3)
    around = x + 1e-6 * rng.normal(size=(20, cell.n))
    assert (analysis.lyapunov_derivative(around, u, cell, analysis.lyapunov_matrix(J), x) < 0).all()


# ---------------------------------------------------------------------------------------------------------------
# bounds


def test_state_bounds_are_the_potentials_that_a_neuron_really_has():
    w = [[0, 1], [0, 0]]
    cell = LTC(
        [1, 1],
        [1, 1],
        [0.1, -0.2],
        w,
        np.ones((2, 2)),
        np.ones((2, 2)),
        [[5, -1], [7, -7]],
        [[0], [3]],
        [[1], [1]],
        [[0], [0]],
        [[-9], [0.4]],
    )
    lo, hi = analysis.state_bounds(cell)
    assert lo.tolist() == [-1, -0.2] and hi.tolist() == [0.1, 0.4]
    cell = LTC2021([2, 3], [1.5, -0.7], np.ones((2, 2)), [0, 0])
    assert [b.tolist() for b in analysis.state_bounds(cell)] == [[0, -0.7], [1.5, 0]]
    assert [b.tolist() for b in analysis.state_bounds(CTRNN([2, 3], np.ones((2, 2)), [0, 0]))] == [
        [-1, -1],
        [1, 1],
    ]


@given(seed=seeds, kind=kinds)
def test_the_field_points_inwards_on_every_face_of_the_state_bounds(seed, kind):
    rng, cell, u = rng_case(seed, kind)
    lo, hi = bounds = analysis.state_bounds(cell)
    x = inside(rng, bounds, 50)
    f = dynamics.vector_field(0, x, u, cell)
    assert (f[x == np.broadcast_to(lo, x.shape)] >= -ROUNDING * 100).all()
    assert (f[x == np.broadcast_to(hi, x.shape)] <= ROUNDING * 100).all()


@few
@given(seed=seeds)
def test_the_state_bounds_attract_exponentially_from_outside(seed):
    # (x_i - M_i)^+ <= (x_i(0) - M_i)^+ exp(-g_i t / c_i), and the same below
    rng, cell, u = rng_case(seed)
    lo, hi = analysis.state_bounds(cell)
    x0 = rng.normal(scale=4, size=cell.n)
    dt = np.full(5, 0.4)
    x = simulate.reference(cell, None if u is None else u[None].repeat(5, 0), x0, dt)
    decay = np.exp(-np.cumsum(dt)[:, None] * cell.g_leak / cell.c)
    above, below = (lambda y: np.maximum(y - hi, 0)), (lambda y: np.maximum(lo - y, 0))
    for outside in (above, below):
        assert (outside(x) <= outside(x0) * decay + 1e-8).all()  # the reference solver's tolerance


def test_time_constant_bounds_of_exercise_6_and_of_the_other_cells():
    cell = LTC([0.5], [0.25], [0], [[0.5]], [[1]], [[0]], [[1]], [[0.75, 0.5]], [[1, 1]], [[0, 0]], [[1, -1]])
    assert analysis.time_constant_bounds(cell) == (pytest.approx([0.25]), pytest.approx([2.0]))
    lo, hi = analysis.time_constant_bounds(LTC2021([2], [1], [[1]], [0]))
    assert (lo, hi) == (pytest.approx([2 / 3]), pytest.approx([2.0]))
    cell = CTRNN([2], [[1]], [0])
    lo, hi = analysis.time_constant_bounds(cell)
    assert lo == hi == [2.0]
    hi[:] = 7
    assert cell.tau[0] == 2, "the bounds are the cell's own memory"


@given(seed=seeds, kind=kinds)
def test_no_state_or_input_breaks_the_time_constant_bounds(seed, kind):
    rng, cell, _ = rng_case(seed, kind)
    lo, hi = analysis.time_constant_bounds(cell)
    x, u = 10 * rng.normal(size=(30, cell.n)), (10 * rng.normal(size=(30, cell.m)) if cell.m else None)
    tau = dynamics.time_constant(x, u, cell)
    assert (lo * (1 - 1e-14) <= tau).all() and (tau <= hi * (1 + 1e-14)).all()


# ----------------------------------------------------------------------------------------------------------
# contraction


def test_contraction_rate_of_exercise_10():
    # phi(8) = 49/32; g = C = 1, gamma = 4, w12 = .4, w21 = .3, E = +-1: c = 31/80, and the bound is nearly
    # attained
    cell = LTC(
        [1, 1],
        [1, 1],
        [0, 0],
        [[0, 0.4], [0.3, 0]],
        4 * np.ones((2, 2)),
        0.5 * np.ones((2, 2)),
        [[1, 1], [-1, 1]],
    )
    wide = replace(
        cell,
        w_in=np.full((2, 2), 1e-300),
        gamma_in=np.ones((2, 2)),
        mu_in=np.zeros((2, 2)),
        # vanishing synapses that stretch the box to [-1, 1]^2, as there
        e_rev_in=np.array([[1.0, -1], [1, -1]]),
    )
    assert analysis.contraction_rate(wide) == pytest.approx(31 / 80, rel=1e-14)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 201)] * 2), -1)
    worst = analysis.log_norm(dynamics.jacobian(grid, np.zeros(2), wide), np.inf).max()
    assert -0.3876 < worst <= -0.3875


@few
@given(seed=seeds)
def test_contracting_networks_pull_all_states_together(seed):
    # theorem 8 on cells scaled until it applies: mu_inf(J) <= -c on the whole box, and two trajectories
    # approach at rate c
    rng, cell, u = rng_case(seed)
    slack = analysis.contraction_rate(replace(cell, w=0 * cell.w))
    load = slack - analysis.contraction_rate(cell)
    cell = replace(cell, w=cell.w * (0.8 * slack / load if load > 0 else 1))
    rate = analysis.contraction_rate(cell)
    assume(rate > 0)
    x = inside(rng, analysis.state_bounds(cell), 40)
    assert analysis.log_norm(dynamics.jacobian(x, u, cell), np.inf).max() <= -rate + ROUNDING
    a, b = (
        simulate.simulate(cell, None if u is None else u[None], y, [1.0], method="rk4", substeps=100)[0]
        for y in x[:2]
    )
    assert np.abs(a - b).max() <= np.abs(x[0] - x[1]).max() * np.exp(-rate) + 1e-7  # rk4 with dt = 0.01


@given(seed=seeds, strength=st.floats(1, 100))
def test_flat_gates_contract_for_any_conductance(seed, strength):
    # corollary of theorem 8: |gamma| D <= 1 everywhere, then the rate is at least min g / C for every w
    rng, cell, u = rng_case(seed)
    lo, hi = analysis.state_bounds(cell)
    reach = np.maximum(np.abs(cell.e_rev - lo[:, None]), np.abs(cell.e_rev - hi[:, None]))
    cell = replace(cell, w=strength * cell.w, gamma=rng.choice([-1, 1], reach.shape) / reach)
    assert analysis.contraction_rate(cell) == pytest.approx((cell.g_leak / cell.c).min(), rel=1e-12)
    x = inside(rng, (lo, hi), 40)
    assert (
        analysis.log_norm(dynamics.jacobian(x, u, cell), np.inf) <= -(cell.g_leak / cell.c).min() + 1e-9
    ).all()


# ----------------------------------------------------------------------------------------- invariant boxes,
# certificates


@given(seed=seeds)
def test_no_trajectory_leaves_the_invariant_box(seed):
    rng, cell, u = rng_case(seed)
    states = inside(rng, analysis.state_bounds(cell), 2) * rng.uniform(0.3, 1)
    lo, hi = box = analysis.invariant_box(cell, u, *states)
    assert (lo <= states).all() and (states <= hi).all()
    x = inside(rng, box, 60)
    f = dynamics.vector_field(0, x, u, cell)
    rounding = 1e-11 * (1 + np.abs(f).max())
    assert (f[x == np.broadcast_to(lo, x.shape)] >= -rounding).all() and (
        f[x == np.broadcast_to(hi, x.shape)] <= rounding
    ).all()
    run = simulate.simulate(cell, None if u is None else u[None].repeat(20, 0), x, np.full(20, 0.5))
    assert (run >= lo - 1e-9).all() and (run <= hi + 1e-9).all()


def beside_a_fold(more, followers=0):
    """A neuron with an autapse, held at about the open conductance where its two lower equilibria meet,
    and a chain that hears it: nA of more or less push decide whether a state from below passes the place
    or stays.
    """
    n = 1 + followers
    w, e_rev = 2.0 * np.eye(n, k=-1), np.ones((n, n))
    w[0, 0] = 2
    return dynamics.LTC(
        np.ones(n),
        np.ones(n),
        np.zeros(n),
        w,
        np.full((n, n), 10.0),
        np.full((n, n), 0.5),
        e_rev,
        2 * (0.190339 + more) * np.eye(n, 1),
        np.ones((n, 1)),
        np.zeros((n, 1)),
        np.ones((n, 1)),
    )


@pytest.mark.parametrize("more", [1e-8, 1e-11, 0, -1e-7, -1e-5])
def test_the_invariant_box_stays_invariant_and_small_where_it_grows_slowly(more):
    # F = h / g rises with x here, so the least invariant top is the first x above the state where F(x) <= x
    cell, u, start = beside_a_fold(more), np.zeros(1), np.array([0.0153])
    lo, hi = analysis.invariant_box(cell, u, start)
    assert lo == start and dynamics.vector_field(0, hi, u, cell)[0] <= 1e-14
    below = np.linspace(start, hi, 200001)[:-1]
    rests = below[dynamics.vector_field(0, below, u, cell) <= 0]
    assert len(rests) == 0 or hi - rests[0] < 2e-3
    assert hi[0] == pytest.approx(0.6436 if more >= 0 else 0.2935, abs=2e-3)


def test_a_slow_neuron_takes_the_faces_of_those_that_hear_it_along():
    cell, u, start = beside_a_fold(1e-8, followers=3), np.zeros(1), np.zeros(4)
    lo, hi = analysis.invariant_box(cell, u, start)
    # every gate opens with its source: the top corner is the worst
    velocity = dynamics.vector_field(0, hi, u, cell)
    assert (lo == 0).all() and (velocity <= 1e-14).all() and (velocity >= -1e-9).all()
    assert hi[0] == pytest.approx(0.6436, abs=1e-4)


def test_the_invariant_box_is_invariant_in_any_unit():
    cell, u = beside_a_fold(-1e-3), np.zeros(1)
    small = replace(
        cell,
        e_rev=cell.e_rev * 1e-9,
        e_rev_in=cell.e_rev_in * 1e-9,
        mu=cell.mu * 1e-9,
        gamma=cell.gamma * 1e9,
    )
    hi, tiny = (
        analysis.invariant_box(one, u, start)[1] for one, start in ((cell, np.zeros(1)), (small, np.zeros(1)))
    )
    np.testing.assert_allclose(tiny, hi * 1e-9, rtol=1e-12)


@given(seed=seeds)
def test_the_invariant_box_is_no_larger_than_it_must_be(seed):
    # Some corner attains each bound: a box grown until it is just invariant is tight on every face that it
    # grew. All gates depend on other neurons, so the extreme of h_i / g_i over the box is searched among its
    # corners and the face x_i.
    rng, cell, u = rng_case(seed, n=3)
    off = cell.w * ~np.eye(3, dtype=bool)
    cell = replace(cell, w=off)
    start = rng.uniform(-0.5, 0.5, 3)
    lo, hi = analysis.invariant_box(cell, u, start)
    corners = np.stack(np.meshgrid(*zip(lo, hi, strict=True), indexing="ij"), -1).reshape(-1, 3)
    pulls = dynamics.effective_equilibrium(corners, u, cell)
    np.testing.assert_allclose(hi, np.maximum(start, pulls.max(0)), atol=1e-9)
    np.testing.assert_allclose(lo, np.minimum(start, pulls.min(0)), atol=1e-9)


def test_the_invariant_box_of_a_bistable_neuron_keeps_its_attractors_apart():
    cell = autapse()
    lo, hi = analysis.invariant_box(cell, NO_INPUT, np.array([0.55]))
    assert 0.5 < lo[0] and hi[0] == pytest.approx(0.579270, abs=1e-6)
    lo, hi = analysis.invariant_box(cell, NO_INPUT, np.array([0.45]))
    assert lo[0] == pytest.approx(0.015350, abs=1e-6) and hi[0] == 0.45
    # three equilibria: no such V
    assert analysis.certified_lyapunov(cell, NO_INPUT, (np.zeros(1), np.ones(1))) is None
    trajectory = simulate.simulate(cell, np.zeros((30, 1)), np.array([0.45]), 0.3)
    # (T, n) states too
    assert analysis.invariant_box(cell, NO_INPUT, trajectory)[1] == pytest.approx([trajectory.max()])


@given(seed=seeds)
def test_the_majorant_bounds_the_jacobian_on_the_whole_box(seed):
    rng, cell, u = rng_case(seed)
    cell = replace(cell, gamma=cell.gamma * rng.choice([-1, 1], cell.gamma.shape))
    box = tuple(np.sort(inside(rng, analysis.state_bounds(cell), 2), axis=0))
    M = analysis.jacobian_majorant(cell, u, box)
    J = dynamics.jacobian(inside(rng, box, 200), u, cell)
    off = ~np.eye(cell.n, dtype=bool)
    assert (np.diagonal(J, axis1=1, axis2=2) <= np.diagonal(M) + ROUNDING * 100).all()
    assert (np.abs(J) <= M + ROUNDING * 100)[:, off].all()


@few
@given(seed=seeds)
def test_a_certified_lyapunov_function_decreases_everywhere_on_its_box(seed):
    rng, cell, u = rng_case(seed)
    cell = replace(cell, w=cell.w * rng.uniform(0.1, 1))
    equilibrium = analysis.relax(rng.uniform(-1, 1, cell.n), u, cell)
    box = analysis.invariant_box(cell, u, equilibrium, rng.uniform(-1, 1, cell.n))
    P = analysis.certified_lyapunov(cell, u, box)
    if P is None:
        assert analysis.spectral_abscissa(analysis.jacobian_majorant(cell, u, box)) >= 0
        return
    assert P.max() == 1 and (np.diag(P) > 0).all() and np.count_nonzero(P) == cell.n
    x = inside(rng, box, 200)
    away = np.abs(x - equilibrium).max(-1) > 1e-6
    assert (analysis.lyapunov_derivative(x, u, cell, P, equilibrium)[away] < 0).all()
    J = dynamics.jacobian(x, u, cell)
    assert (np.linalg.eigvalsh(P @ J + np.swapaxes(J, 1, 2) @ P)[:, -1] < 0).all()
    assert len(analysis.equilibria(cell, u, rng=rng)) >= 1


def test_certificates_exist_for_many_neural_circuit_policies():
    rng = np.random.default_rng(0)
    certified = 0
    for _ in range(20):
        wiring = random_ncp(rng)
        cell, u = LTC.random(wiring, rng=rng), rng.uniform(size=wiring.m)
        x = analysis.relax(np.zeros(cell.n), u, cell)
        certified += (
            analysis.certified_lyapunov(cell, u, analysis.invariant_box(cell, u, x, np.zeros(cell.n)))
            is not None
        )
    assert certified >= 5  # a test above that always met None would prove nothing


# ------------------------------------------------------------------------------------------------------------
# bad input


def test_impossible_questions_are_refused():
    rng = np.random.default_rng(0)
    cell = random_cell(rng, n=2, m=1)
    x, u, P, box = np.zeros(2), np.zeros(1), np.eye(2), (-np.ones(2), np.ones(2))
    ctrnn = random_cell(rng, CTRNN, n=2, m=1)
    many = replace(cell, w=np.stack([cell.w] * 3))
    for call, message in (
        (lambda: analysis.equilibria(cell, u, starts=1, rng=rng), "starts is 1.*>= 2"),
        (lambda: analysis.equilibria(cell, u, rng=3), "rng is int"),
        (lambda: analysis.equilibria(cell, None, rng=rng), "u: got nothing"),
        (
            lambda: analysis.equilibria(cell, np.zeros((4, 1)), rng=rng),
            r"u has shape \(4, 1\); one constant input \(1,\)",
        ),
        (lambda: analysis.equilibria(cell, u, rng=rng, tolerance=0), "no start out of 64 reached"),
        (lambda: analysis.equilibria(to_torch(cell), u, rng=rng), "w is a Tensor.*NumPy"),
        (lambda: analysis.equilibria(many, u, rng=rng), r"\(3, 2, 2\).*one cell"),
        (lambda: analysis.relax(np.zeros((3, 2)), u, cell), r"x has shape \(3, 2\)"),
        (lambda: analysis.relax(x * np.nan, u, cell), "x holds 2 values"),
        (lambda: analysis.spectral_abscissa(np.zeros((2, 3))), r"J has shape \(2, 3\)"),
        (lambda: analysis.spectral_abscissa(np.full((2, 2), np.nan)), "J holds 4 values"),
        (lambda: analysis.log_norm(P, 3), "ord is 3; choose 1, 2 or numpy.inf"),
        (lambda: analysis.lyapunov_matrix(np.zeros((2, 2, 2))), "one matrix"),
        (lambda: analysis.lyapunov_matrix(-P, -P), "Q is not positive definite.*-1"),
        (lambda: analysis.lyapunov_matrix(-P, np.eye(3)), r"Q must be a symmetric \(2, 2\)"),
        (lambda: analysis.lyapunov_value(x, [[1, 0.1], [0, 1]]), "P must be a symmetric.*not symmetric"),
        (lambda: analysis.lyapunov_value(x, P, np.array([np.nan, 0])), "center must be finite"),
        (lambda: analysis.lyapunov_value(x, P, np.zeros(3)), r"\(2,\) and \(3,\)"),
        (lambda: analysis.lyapunov_derivative(x, u, cell, [[1, 0.1], [0, 1]]), "not symmetric"),
        (lambda: analysis.lyapunov_derivative(x, u, cell, np.diag([1, 0])), "P is not positive definite"),
        (lambda: analysis.lyapunov_derivative(x[:1], u, cell, P), r"\(1,\)"),
        (lambda: analysis.contraction_rate(ctrnn), "synaptic LTC cells; got CTRNN"),
        (lambda: analysis.invariant_box(ctrnn, u, x), "synaptic LTC cells"),
        (lambda: analysis.invariant_box(cell, u), "at least one state"),
        (lambda: analysis.invariant_box(cell, u, x[:1]), r"x: got shape|state"),
        (lambda: analysis.certified_lyapunov(cell, u, (box[1], box[0])), "lo <= hi"),
        (lambda: analysis.certified_lyapunov(cell, u, (x[:1], x[:1])), r"shape \(1,\)"),
        (lambda: analysis.certified_lyapunov(cell, np.array([np.nan]), box), "u holds 1 values"),
        (lambda: analysis.certified_lyapunov(ctrnn, u, box), "synaptic LTC cells"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_relax_ends_where_the_flow_does_and_not_where_newton_would_jump():
    """A neuron that excites itself has two stable rests; from anywhere relax reaches the one of its own
    basin.
    """
    one = lambda value: np.array([[value]])
    cell = dynamics.LTC([1.0], [0.5], [0.0], one(3.0), one(12.0), one(0.5), one(1.0))
    rests = analysis.equilibria(cell, None, rng=np.random.default_rng(0))
    assert len(rests) == 3
    saddle = rests[1, 0]
    for start in np.linspace(-0.2, 1.1, 131):
        if abs(start - saddle) > 1e-3:
            found = analysis.relax(np.array([start]), None, cell)
            expected = rests[2 if start > saddle else 0]
            np.testing.assert_allclose(found, expected, atol=1e-9, err_msg=f"from {start}")
