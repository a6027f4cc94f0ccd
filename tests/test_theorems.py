"""The book's theorems and counterexamples about pruning & rewiring, on ltcbook's own networks.

The two-target network of the published proofs: a source whose gates stand open by s drives neuron j before
the event (weight w) and neuron k after it (weight W). With a = g_leak / c, b = w s / c_j and B = W s / c_k
its Jacobian is diag(-(a_j + b), -a_k) before and diag(-a_j, -(a_k + B)) after. ``strategies.two_targets``
builds it as an LTC; j is neuron 0, k is neuron 1.
"""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from strategies import few, inside, random_cell, random_input, random_ncp, seeds, two_targets

from ltcbook import analysis, dynamics, pruning, simulate, wiring
from ltcbook.dynamics import CTRNN, LTC, LTC2021

HELD = np.zeros(1)  # the input of the two-target network
EXACT = 1e-12  # float64 rounding of a handful of operations of order 1
positive = st.floats(0.1, 10)
states = st.tuples(st.floats(-2, 2), st.floats(-2, 2)).map(np.array)


def rate(cell, x=None, u=HELD):
    """Asymptotic rate r = minus the spectral abscissa at x (default: the equilibrium reached from 0)."""
    x = analysis.relax(np.zeros(cell.n), u, cell) if x is None else x
    return -analysis.spectral_abscissa(dynamics.jacobian(x, u, cell))


def v_dot(x, cell, P=((1, 0), (0, 1)), center=0.0):
    return analysis.lyapunov_derivative(np.asarray(x, float), HELD, cell, P, center)


def before_and_after(b, B, s=0.5, c=(1.0, 1.0), **options):
    """The two-target network before and after; b and B are the decay that the synapse adds to j and to k."""
    return (
        two_targets(w=b * c[0] / s, s=s, c=c, **options),
        two_targets(W=B * c[1] / s, s=s, c=c, **options),
    )


def spectrum(cell, x=None, u=HELD):
    return analysis.eigenvalues(np.zeros(cell.n) if x is None else x, u, cell)


# ------------------------------------------------------------------------------------ claim 2: does rewiring
# speed up?


@given(a_j=positive, a_k=positive, b=positive, B=st.floats(0.1, 1000), s=st.floats(0.05, 0.95))
def test_theorem_1_the_resting_rates_alone_decide_whether_the_slow_mode_gains(a_j, a_k, b, B, s):
    assume(a_j == a_k or abs(a_j - a_k) > 1e-6)
    before, after = before_and_after(b, B, s, c=(0.7, 1.9), a=(a_j, a_k))
    gain = rate(after, np.zeros(2)) - rate(before, np.zeros(2))
    assert np.sign(np.round(gain, 9)) == np.sign(a_j - a_k)  # rounding of rates up to 1000: 1e-13


@given(a=positive, b=positive, B=positive)
def test_theorem_1_with_equal_resting_rates_nothing_is_gained_ever(a, b, B):
    before, after = before_and_after(b, B, a=a)
    assert rate(before, np.zeros(2)) == pytest.approx(a, rel=EXACT) and rate(
        after, np.zeros(2)
    ) == pytest.approx(a, rel=EXACT)


@given(a_j=positive, a_k=positive, b=positive, B=positive)
def test_theorem_2_trace_and_stiffness_are_what_a_larger_weight_changes(a_j, a_k, b, B):
    before, after = before_and_after(b, B, c=(0.7, 1.9), a=(a_j, a_k))
    trace = lambda cell: np.trace(dynamics.jacobian(np.zeros(2), HELD, cell))
    assert trace(after) - trace(before) == pytest.approx(-(B - b), abs=1e-11)
    stiffness = [np.abs(spectrum(cell)).max() for cell in (before, after)]
    assume(abs(a_k + B - max(a_j + b, a_k)) > 1e-9)
    assert (stiffness[1] > stiffness[0]) == (a_k + B > max(a_j + b, a_k))


def test_theorem_2_a_stiffer_network_makes_explicit_euler_fail():
    # max |lambda| 1.01 -> 1.5 (w = .02, W = 1): the admissible step 2 / max |lambda| shrinks below 1.5, fused
    # does not mind
    before, after = two_targets(w=0.02), two_targets(W=1)
    dt = np.full(200, 1.5)
    u, x0 = np.zeros((200, 1)), np.array([1.0, 1.0])
    size = {
        name: [np.abs(simulate.simulate(cell, u, x0, dt, method=name)[-1]).max() for cell in (before, after)]
        for name in ("euler", "fused")
    }
    assert size["euler"][0] < 1.1 and size["euler"][1] > 1e15 and max(size["fused"]) < 1.1


def test_theorem_2_determinants_have_the_ratio_of_the_total_decays():
    before, after = before_and_after(0.02, 1.0, a=1.3)
    ratio = np.prod(spectrum(after)) / np.prod(spectrum(before))
    assert ratio == pytest.approx((1.3 + 1.0) / (1.3 + 0.02), rel=EXACT)


def test_counterexample_2a_fifty_times_the_weight_and_the_rate_stays_one():
    before, after = two_targets(w=0.02), two_targets(W=1)
    np.testing.assert_allclose(spectrum(before), [-1, -1.01], rtol=EXACT)
    np.testing.assert_allclose(spectrum(after), [-1, -1.5], rtol=EXACT)


def test_counterexample_2b_fifty_times_the_weight_and_the_network_slows_down():
    before, after = before_and_after(0.1, 5.0, a=(1 / 2, 1))  # tau_j = 2, tau_k = 1
    assert (rate(before), rate(after)) == (pytest.approx(0.6), pytest.approx(0.5))
    # the time in which the slow mode falls to a thousandth
    for cell, time in ((before, 11.51), (after, 13.82)):
        rest = analysis.relax(np.zeros(2), HELD, cell)
        x = simulate.reference(cell, np.zeros((1, 1)), rest + np.array([1.0, 0.0]), time)
        assert np.linalg.norm(x[0] - rest) == pytest.approx(1e-3, rel=0.005)  # the times have four digits


def test_counterexample_3_a_rewired_autapse_slows_although_it_is_fifty_times_stronger():
    w, one = np.zeros((2, 2)), np.ones((2, 2))
    w[1, 0] = 0.02
    before = LTC([1, 1], [1, 1], [0, 0], w, 4 * one, 0.5 * one, one)
    assert rate(before, u=None) == pytest.approx(1)
    rates = []
    for W in (1, 2, 4):
        after = replace(before, w=np.array([[W, 0.0], [0, 0]]))
        x = analysis.relax(np.zeros(2), None, after)
        rates.append(-dynamics.jacobian(x, None, after)[0, 0])
        if W == 1:
            assert x[0] == pytest.approx(0.177559, abs=5e-7) and rate(after, x, None) == pytest.approx(
                0.658991, abs=5e-7
            )
            s = after.gates(x)[0, 0]
            assert 4 * (1 - s) * (1 - x[0]) == pytest.approx(2.58, abs=0.005)  # > 1: this loop slows
    assert rates == pytest.approx([0.658991, 1, 3.090398], abs=5e-7)  # exercise 21: not monotone in W


@pytest.mark.parametrize("ratio, chance", [(1, 0.5), (10, 0.805018), (50, 0.9106), (100, 0.9365)])
def test_an_isotropic_error_first_decays_faster_with_probability_two_over_pi_arctan_root_rho(ratio, chance):
    b, N = 0.02, 40_000
    cells = before_and_after(b, ratio * b)
    e = np.random.default_rng(0).standard_normal((N, 2))
    rests = [analysis.relax(np.zeros(2), HELD, cell) for cell in cells]
    slopes = [v_dot(rest + e, cell, center=rest) for cell, rest in zip(cells, rests, strict=True)]
    assert 2 / np.pi * np.arctan(np.sqrt(ratio)) == pytest.approx(chance, abs=5e-5)
    assert abs((slopes[1] < slopes[0]).mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / N)


# ------------------------------------------------------------------------------- claim 1: the published
# Lyapunov function


@given(
    x=states,
    b=positive,
    B=positive,
    p=st.tuples(positive, positive),
    a=st.tuples(positive, positive),
    E=st.floats(-2, 2),
    leak=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
)
def test_claim_1_the_exact_change_of_v_dot(x, b, B, p, a, E, leak):
    # for diagonal P: -2 [p_k B x_k (x_k - E) - p_j b x_j (x_j - E)]; resting rates and leaks drop out
    before, after = before_and_after(b, B, c=(0.7, 1.9), a=a, E=E, leak=leak)
    change = v_dot(x, after, np.diag(p)) - v_dot(x, before, np.diag(p))
    exact = -2 * (p[1] * B * x[1] * (x[1] - E) - p[0] * b * x[0] * (x[0] - E))
    assert change == pytest.approx(exact, abs=1e-9)  # differences of numbers up to 1e4


def test_exercise_7_the_new_synapses_share_of_v_dot_is_positive_exactly_between_0_and_e():
    before, after = two_targets(w=0.02), two_targets(W=1)
    assert v_dot([0.5, 0.5], after) - v_dot([0.5, 0.5], before) == pytest.approx(49 / 200, abs=EXACT)
    x_k = np.linspace(-1, 2, 301)
    share = v_dot(np.stack([0 * x_k, x_k], -1), after) - v_dot(np.stack([0 * x_k, x_k], -1), two_targets())
    np.testing.assert_array_equal(share > EXACT, (x_k > 1e-9) & (x_k < 1 - 1e-9))
    assert share.max() == pytest.approx(1 / 4) and x_k[share.argmax()] == pytest.approx(1 / 2)


def test_counterexample_1a_the_more_significant_the_new_state_the_worse():
    before, after = two_targets(w=0.02), two_targets(W=1)
    assert (v_dot([0.5, 0.5], before), v_dot([0.5, 0.5], after)) == (
        pytest.approx(-0.995),
        pytest.approx(-0.75),
    )
    x = np.array([[0, x_k] for x_k in (0.1, 0.2, 0.3, 0.5)])
    assert v_dot(x, after) - v_dot(x, before) == pytest.approx([0.09, 0.16, 0.21, 0.25])


def test_counterexample_1b_v_grows_in_a_globally_exponentially_stable_network():
    before, after = two_targets(w=0.02), two_targets(W=1)
    assert (v_dot([0, 0.2], before), v_dot([0, 0.2], after)) == (pytest.approx(-0.08), pytest.approx(0.08))
    assert analysis.contraction_rate(after) == pytest.approx(1)


@given(seed=seeds)
def test_claim_1_is_reversed_at_every_reachable_state_of_a_dale_neuron(seed):
    # all synapses onto k have E_k's sign and the leak lies between 0 and E_k: then x_k does too, and the new
    # synapse pushes V up
    rng = np.random.default_rng(seed)
    E, s = rng.choice([-1.0, 1.0]), rng.uniform(0.05, 0.95)
    options = dict(a=rng.uniform(0.2, 3, 2), E=E, leak=E * rng.uniform(0, 1, 2), s=s)
    silent, after = two_targets(**options), two_targets(W=rng.uniform(0.1, 5), **options)
    x = inside(rng, analysis.state_bounds(after), 50)
    P = np.diag(rng.uniform(0.1, 3, 2))
    assert (v_dot(x, after, P) - v_dot(x, silent, P) >= -EXACT).all()


@given(seed=seeds)
def test_v_about_the_origin_is_no_lyapunov_function_because_the_origin_is_no_equilibrium(seed):
    rng = np.random.default_rng(seed)
    cell = two_targets(W=rng.uniform(0.1, 5), a=rng.uniform(0.2, 3, 2), E=rng.choice([-1, 1]))
    f = dynamics.vector_field(0, np.zeros(2), HELD, cell)
    assert np.abs(f).max() > 0 and v_dot(1e-3 * f, cell, np.diag(rng.uniform(0.5, 2, 2))) > 0


def test_theorem_3_two_admissible_p_disagree_at_the_published_state():
    before, after = two_targets(w=0.02), two_targets(W=1)
    change = lambda P: v_dot([0.5, 0.5], after, P) - v_dot([0.5, 0.5], before, P)
    assert change(np.eye(2)) == pytest.approx(0.245)
    # by hand: f changes by d = (-.005, .25), x'P = (1.05, -.45), so 2 x'P d = -.2355
    assert change(np.array([[4, -1.9], [-1.9, 1]])) == pytest.approx(-0.2355)


@given(seed=seeds)
def test_theorem_3_p_can_make_the_change_of_v_dot_any_sign(seed):
    # {P x : P > 0} = {y : x'y > 0}: P = I - x x'/x'x + y y'/x'y is positive definite and takes x to y
    rng = np.random.default_rng(seed)
    before, after = before_and_after(
        *rng.uniform(0.1, 5, 2), a=rng.uniform(0.2, 3, 2), leak=rng.normal(size=2)
    )
    x = rng.normal(size=2)
    d = dynamics.vector_field(0, x, HELD, after) - dynamics.vector_field(0, x, HELD, before)
    cross = x[0] * d[1] - x[1] * d[0]
    assume(
        abs(cross) > 0.1 * np.linalg.norm(x) * np.linalg.norm(d)
        and np.linalg.norm(d) > 0.05
        and np.linalg.norm(x) > 0.2
    )
    normal = np.array([-x[1], x[0]]) * np.sign(cross)  # perpendicular to x, on d's side
    for sign in (1, -1):
        y = x / (x @ x) + sign * normal * 2 * (1 + abs(d @ x) / (x @ x)) / abs(d @ normal)
        P = np.eye(2) - np.outer(x, x) / (x @ x) + np.outer(y, y) / (x @ y)
        P = (P + P.T) / 2
        assert np.sign(v_dot(x, after, P) - v_dot(x, before, P)) == sign


@pytest.mark.parametrize(
    "rates, q, valid",
    [((1.1, 1), 0.8, True), ((1, 10), 0.8, False), ((1, 10), 0.5749, True), ((1, 10), 0.5750, False)],
)
def test_a_larger_weight_can_destroy_a_given_lyapunov_matrix(rates, q, valid):
    # exercise 9: [[1, q], [q, 1]] serves diag(-l1, -l2) iff q^2 < 4 l1 l2 / (l1 + l2)^2; for (1, 10) up to 2
    # sqrt(10) / 11
    cell = two_targets(W=2 * (rates[1] - 1) if rates[1] > 1 else 0, w=2 * (rates[0] - 1))
    J = dynamics.jacobian(np.zeros(2), HELD, cell)
    np.testing.assert_allclose(np.diag(J), np.negative(rates))
    P = np.array([[1, q], [q, 1]])
    assert (np.linalg.eigvalsh(J.T @ P + P @ J)[-1] < 0) == valid
    rest = analysis.relax(np.zeros(2), HELD, cell)
    around = rest + np.stack([np.cos(t := np.linspace(0, 2 * np.pi, 4000)), np.sin(t)], -1)
    assert (v_dot(around, cell, P, rest) < 0).all() == valid


def test_the_lyapunov_equation_makes_before_and_after_look_alike():
    # P = Lambda^-1 / 2 gives dV/dt = -|e|^2 for every network: no comparison is possible with it
    for cell in before_and_after(0.3, 5.0, a=(0.4, 1.7)):
        rest = analysis.relax(np.zeros(2), HELD, cell)
        P = analysis.lyapunov_matrix(dynamics.jacobian(rest, HELD, cell))
        np.testing.assert_allclose(
            P, np.diag(-0.5 / np.diag(dynamics.jacobian(rest, HELD, cell))), atol=EXACT
        )
        e = np.random.default_rng(0).normal(size=(50, 2))
        np.testing.assert_allclose(v_dot(rest + e, cell, P, rest), -(e**2).sum(-1), rtol=1e-10)


@given(
    e=states,
    b=positive,
    B=positive,
    p=st.tuples(positive, positive),
    a=st.tuples(positive, positive),
    E=st.floats(-2, 2),
)
def test_theorem_4_about_their_own_equilibria_the_errors_decide(e, b, B, p, a, E):
    # e' = -Lambda e exactly; at the same error the change is -2 (p_k B e_k^2 - p_j b e_j^2); and dV/dt <= -2
    # r V
    P, slopes = np.diag(p), []
    for cell, decay in zip(
        before_and_after(b, B, c=(0.7, 1.9), a=a, E=E), ((a[0] + b, a[1]), (a[0], a[1] + B)), strict=True
    ):
        rest = dynamics.effective_equilibrium(np.zeros(2), HELD, cell)  # the gates do not depend on the state
        np.testing.assert_allclose(
            dynamics.vector_field(0, rest + e, HELD, cell), -np.array(decay) * e, atol=1e-10
        )
        slopes.append(v_dot(rest + e, cell, P, rest))
        assert slopes[-1] <= -2 * min(decay) * analysis.lyapunov_value(rest + e, P, rest) + 1e-9
    assert slopes[1] - slopes[0] == pytest.approx(
        -2 * (p[1] * B * e[1] ** 2 - p[0] * b * e[0] ** 2), abs=1e-8
    )


@given(
    a=positive,
    b=positive,
    B=positive,
    E=st.floats(-2, 2),
    leak=st.floats(-1, 1),
    p=st.tuples(positive, positive),
)
def test_theorem_5_the_equilibrium_jumps_at_the_event_and_v_with_it(a, b, B, E, leak, p):
    before, after = (
        dynamics.effective_equilibrium(np.zeros(2), HELD, cell)
        for cell in before_and_after(b, B, a=a, E=E, leak=(leak, leak))
    )
    np.testing.assert_allclose(
        after - before, [b * (leak - E) / (a + b), B * (E - leak) / (a + B)], atol=1e-11
    )
    jump = p[0] * (b * (E - leak) / (a + b)) ** 2 + p[1] * (B * (E - leak) / (a + B)) ** 2
    assert analysis.lyapunov_value(before, np.diag(p), after) == pytest.approx(jump, abs=1e-9)


def test_exercise_19_the_jump_in_numbers():
    rests = [
        dynamics.effective_equilibrium(np.zeros(2), HELD, cell)
        for cell in (two_targets(w=0.02), two_targets(W=1))
    ]
    np.testing.assert_allclose(np.abs(rests[1] - rests[0]), [1 / 101, 1 / 3], rtol=EXACT)
    assert analysis.lyapunov_value(rests[0], np.eye(2), rests[1]) == pytest.approx(10210 / 91809, rel=EXACT)


@pytest.mark.parametrize("D", [0.3, 1.0, 4.0])
def test_theorem_5_events_too_close_together_keep_the_error_up_to_the_dwell_time_bound(D):
    # an event every D: limsup |e| <= |jump of X*| / (1 - exp(-r D)); alternating there and back
    cells = two_targets(w=0.3, a=(0.8, 1.1)), two_targets(W=2, a=(0.8, 1.1))
    rests = [dynamics.effective_equilibrium(np.zeros(2), HELD, cell) for cell in cells]
    r, jump, x, errors = (
        min(rate(cell) for cell in cells),
        np.linalg.norm(rests[1] - rests[0]),
        np.zeros(2),
        [],
    )
    for event in range(60):
        errors.append(np.linalg.norm(x - rests[event % 2]))
        # exact: gates are held
        x = simulate.simulate(cells[event % 2], np.zeros((1, 1)), x, D, method="exponential")[0]
    bound = jump / (1 - np.exp(-r * D))
    assert max(errors[30:]) <= bound + EXACT
    assert max(errors[30:]) > jump / 2  # and the error does not die out


# --------------------------------------------------------------------------------- fractions at ncps's own
# initial values

# neurons j and k equal (hom) or independent (het), new weight: (claim 1, given equal signs of x_k and E_k,
# given unequal ones, theorem 4, slow mode faster, same, slower, stiffer, trace more negative)
TABLE = {
    "hom, U(T, 1)": (0.490, 0.023, 0.956, 0.806, 0, 1, 0, 1.000, 1.000),
    "het, U(T, 1)": (0.493, 0.065, 0.920, 0.766, 0.500, 0, 0.500, 0.591, 0.901),
    "het, copy": (0.500, 0.250, 0.750, 0.498, 0.500, 0, 0.500, 0.499, 0.499),
    "het, zero": (0.500, 0.500, 0.500, 0, 0, 0.500, 0.500, 0, 0),
}


@pytest.mark.parametrize("setting", TABLE)
def test_the_claims_fractions_are_coin_tosses(setting):
    """The table of fractions, drawn anew: N two-target networks as one batched cell. Its numbers carry
    three digits.
    """
    rng, N, T = np.random.default_rng(0), 20_000, 0.1
    kind, rule = setting.split(", ", 1)

    def draw(lo, hi):
        return rng.uniform(lo, hi, (N, 1)).repeat(2, 1) if kind == "hom" else rng.uniform(lo, hi, (N, 2))

    g, c, v, gamma, mu, E = (
        draw(0.001, 1),
        draw(0.4, 0.6),
        draw(-0.2, 0.2),
        draw(3, 8),
        draw(0.3, 0.8),
        np.sign(draw(-1, 1)),
    )
    old = rng.uniform(0.001, T, N)
    new = {"U(T, 1)": rng.uniform(T, 1, N), "copy": old, "zero": 0 * old}[rule]
    zero = np.zeros((N, 2, 2))

    def network(w_j, w_k):
        sensory = (np.stack([w_j, w_k], -1), gamma, mu, E)
        return LTC(c, g, v, zero, zero, zero, zero, *(values[..., None] for values in sensory))

    u, x, e = rng.uniform(-1, 1, (N, 1)), rng.uniform(-1, 1, (N, 2)), rng.standard_normal((N, 2))
    cells = network(old, 0 * old), network(0 * new, new)
    origin, own, slow, fast, trace = [], [], [], [], []
    for cell in cells:
        rest = dynamics.effective_equilibrium(x, u, cell)
        origin.append(analysis.lyapunov_derivative(x, u, cell, np.eye(2)))
        own.append(analysis.lyapunov_derivative(rest + e, u, cell, np.eye(2), rest))
        J = dynamics.jacobian(x, u, cell)
        slow.append(-analysis.spectral_abscissa(J))
        fast.append(np.abs(np.linalg.eigvals(J)).max(-1))
        trace.append(np.trace(J, axis1=1, axis2=2))
    drops, equal = origin[1] < origin[0] - EXACT, x[:, 1] * E[:, 1] > 0
    gain = slow[1] - slow[0]
    got = (
        drops.mean(),
        drops[equal].mean(),
        drops[~equal].mean(),
        (own[1] < own[0] - EXACT).mean(),
        (gain > EXACT).mean(),
        (np.abs(gain) <= EXACT).mean(),
        (gain < -EXACT).mean(),
        (fast[1] > fast[0] + EXACT).mean(),
        (trace[1] < trace[0] - EXACT).mean(),
    )
    for fraction, expected in zip(got, TABLE[setting], strict=True):
        # N / 2: the two conditional rows have half the draws
        error = np.sqrt(expected * (1 - expected) / (N / 2))
        # + the table's own rounding and its own standard error
        assert abs(fraction - expected) <= 4 * error + 0.001


# ------------------------------------------------------------------------------------------------- the whole
# network


@given(seed=seeds)
def test_without_autapses_every_volume_shrinks_at_the_mean_decay(seed):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng)
    cell, x, u = (
        replace(cell, w=cell.w * ~np.eye(cell.n, dtype=bool)),
        3 * rng.normal(size=cell.n),
        random_input(rng, cell),
    )
    J = dynamics.jacobian(x, u, cell)
    assert (
        np.trace(J) == pytest.approx(-(1 / dynamics.time_constant(x, u, cell)).sum(), rel=1e-12)
        and np.trace(J) < 0
    )


def same_multiset(a, b, atol):
    distance = np.abs(np.subtract.outer(a, b))
    return len(a) == len(b) and distance[linear_sum_assignment(distance)].max() < atol


@given(seed=seeds)
def test_theorem_6_the_spectrum_of_an_ncp_is_its_cascades(seed):
    # spec J = {-1 / tau_i of inter and motor neurons} and the spectrum of the command block
    rng = np.random.default_rng(seed)
    w = random_ncp(rng, largest=9)
    cell = LTC.random(w, rng=rng)
    cell = replace(cell, w=rng.uniform(0.5, 3) * cell.w)
    x, u = rng.uniform(-1, 1, w.n), rng.uniform(size=w.m)
    J, tau = dynamics.jacobian(x, u, cell), dynamics.time_constant(x, u, cell)
    command = w.members("command")
    block = J[np.ix_(command, command)]
    others = np.setdiff1d(np.arange(w.n), command)
    expected = np.concatenate([-1 / tau[others], np.linalg.eigvals(block)])
    # nearly defective blocks lose half the digits
    assert same_multiset(analysis.eigenvalues(x, u, cell), expected, 1e-6)
    # no autapse, no loop: all eigenvalues are -1 / tau, so all are real
    if nx.is_directed_acyclic_graph(w.to_networkx()):
        assert same_multiset(analysis.eigenvalues(x, u, cell), -1 / tau, 1e-6)


@given(seed=seeds, strength=st.floats(0.1, 100))
@few
def test_an_acyclic_network_has_one_equilibrium_and_real_modes_for_any_weights(seed, strength):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng)
    cell, u = replace(cell, w=strength * np.tril(cell.w, -1)), random_input(rng, cell)
    x = rng.uniform(-1, 1, cell.n)
    expected = np.sort(-1 / dynamics.time_constant(x, u, cell))[::-1]
    np.testing.assert_allclose(analysis.eigenvalues(x, u, cell), expected, rtol=1e-9)
    assert len(analysis.equilibria(cell, u, rng=rng)) == 1


@given(seed=seeds)
def test_theorem_7_the_slow_rate_lies_between_minus_the_log_norm_and_the_mean_decay(seed):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng)
    J = dynamics.jacobian(rng.normal(size=(10, cell.n)), random_input(rng, cell), cell)
    r = -analysis.spectral_abscissa(J)
    assert (r <= -np.trace(J, axis1=1, axis2=2) / cell.n + 1e-9).all()
    for order in (1, 2, np.inf):
        assert (-analysis.log_norm(J, order) <= r + 1e-9).all()


def test_theorem_7_coupling_two_equal_neurons_worsens_or_leaves_the_real_part():
    one = np.ones((2, 2))
    cell = LTC([0.5, 0.5], [0.7, 0.7], [0, 0], np.array([[0, 2.0], [2.0, 0]]), 4 * one, 0.5 * one, one)
    x = np.zeros(2)
    a = 1 / dynamics.time_constant(x, None, cell)[0]
    for signs, real in (([1, 1], None), ([-1, -1], None), ([1, -1], -a)):  # loop product > 0, > 0, < 0
        looped = replace(cell, e_rev=np.array([[1.0, signs[0]], [signs[1], 1]]))
        J = dynamics.jacobian(x, None, looped)
        alpha = analysis.spectral_abscissa(J)
        assert alpha == pytest.approx(-a if real else -a + np.sqrt(J[0, 1] * J[1, 0])) and alpha >= -a - EXACT


def test_counterexample_4_rewiring_and_undoing_it_is_not_nothing():
    # a bistable autapse (w = 2, gamma = 10, mu = 1/2) at its lower state; a borrowed conductance B towards E
    # = 1 beyond the saddle-node at B_c = .190339 throws it over, and it stays there when B is gone again
    def neuron(B):
        return LTC([1], [1], [0], [[2]], [[10]], [[0.5]], [[1]], [[B]], [[1]], [[-1000]], [[1]])

    critical = 0.190339
    for B, count in ((critical * 0.999, 3), (critical * 1.001, 1)):
        assert len(analysis.equilibria(neuron(B), HELD, rng=np.random.default_rng(0))) == count
    low = analysis.relax(np.zeros(1), HELD, neuron(0.0))
    for B, end in ((0.9 * critical, 0.015350), (1.1 * critical, 0.579270)):
        held = np.zeros((400, 1))
        disturbed = simulate.simulate(neuron(B), held, low, 1.0)[-1]
        assert simulate.simulate(neuron(0.0), held, disturbed, 1.0)[-1] == pytest.approx([end], abs=1e-6)


# ------------------------------------------------------------------------------------------------ events on
# real circuits


def pruned_network(seed, **options):
    rng = np.random.default_rng(seed)
    w = random_ncp(rng)
    cell, u = LTC.random(w, rng=rng), rng.uniform(size=w.m)
    result = pruning.prune_and_rewire(w, cell.w, 0.4, rng=rng, weights_in=cell.w_in, **options)
    return cell, pruning.rewire(cell, result, rng=rng), result, u, rng


@given(seed=seeds)
def test_at_an_event_the_state_is_continuous_and_only_the_targets_slopes_jump(seed):
    # by -w s (E_j - x_j) / c_j at the old target and +W s (E_k - x_k) / c_k at the new one
    cell, new, result, u, rng = pruned_network(seed)
    x = rng.uniform(-1, 1, cell.n)
    jump = np.zeros(cell.n)
    for cut, grown, suffix in ((result.cut, result.grown, ""), (result.cut_in, result.grown_in, "_in")):
        for edges, from_cell, sign in ((cut, cell, -1), (grown, new, 1)):
            gates = from_cell.gates(x) if suffix == "" else from_cell.gates_in(u)
            w, e_rev = getattr(from_cell, "w" + suffix), getattr(from_cell, "e_rev" + suffix)
            for j, i in edges:
                jump[i] += sign * w[i, j] * gates[i, j] * (e_rev[i, j] - x[i]) / cell.c[i]
    change = dynamics.vector_field(0, x, u, new) - dynamics.vector_field(0, x, u, cell)
    np.testing.assert_allclose(change, jump, atol=1e-11)


@given(seed=seeds)
def test_a_synapse_born_with_weight_zero_changes_no_more_than_pruning_alone(seed):
    cell, new, result, u, rng = pruned_network(seed, new_weight="zero")
    pruned = cell.w.copy(), cell.w_in.copy()
    for source, target in result.cut:
        pruned[0][target, source] = 0
    for source, target in result.cut_in:
        pruned[1][target, source] = 0
    x = rng.uniform(-1, 1, (5, cell.n))
    alone = dynamics.vector_field(0, x, u, replace(cell, w=pruned[0], w_in=pruned[1]))
    np.testing.assert_allclose(dynamics.vector_field(0, x, u, new), alone, atol=1e-12)


@few
@given(seed=seeds)
def test_theorem_9_the_trajectory_leaves_the_old_one_no_faster_than_the_log_norm_allows(seed):
    # |x_new - x_old| <= delta (exp(mu t) - 1) / mu, mu >= the log-norm of the new Jacobian on the box, delta
    # the jump of f
    cell, new, result, u, rng = pruned_network(seed)
    lo, hi = (
        np.minimum(*z) if k == 0 else np.maximum(*z)
        for k, z in enumerate(zip(analysis.state_bounds(cell), analysis.state_bounds(new), strict=True))
    )
    x0 = rng.uniform(lo, hi)
    dt = np.full(40, 0.05)
    old, moved = (
        simulate.simulate(c, np.tile(u, (40, 1)), x0, dt, method="rk4", substeps=4) for c in (cell, new)
    )
    mu = analysis.log_norm(analysis.jacobian_majorant(new, u, (lo, hi)), np.inf)
    fine = simulate.simulate(cell, np.tile(u, (400, 1)), x0, np.full(400, 0.005), method="rk4")
    delta = np.abs(dynamics.vector_field(0, fine, u, new) - dynamics.vector_field(0, fine, u, cell)).max()
    bound = delta * np.expm1(mu * np.cumsum(dt)) / mu
    # delta is sampled every 0.005 ms, tau is 0.05 and more
    assert (np.abs(moved - old).max(-1) <= bound * 1.02 + 1e-7).all()
    reach = np.abs(cell.e_rev).max() + np.maximum(np.abs(lo), np.abs(hi))
    load = np.zeros(cell.n)
    for edges, w in (
        (result.cut, cell.w),
        (result.grown, new.w),
        (result.cut_in, cell.w_in),
        (result.grown_in, new.w_in),
    ):
        for j, i in edges:
            load[i] += w[i, j]
    assert delta <= (load * reach / cell.c).max() + 1e-9  # O(w / c) from pruning, O(W / c) from growing


def test_a_real_circuit_that_prune_and_rewire_slows_by_two_fifths():
    # the book's network; the equilibrium moves on continuously, T = 0.1, new weight T
    rng = np.random.default_rng(6)
    w = wiring.ncp(
        sensory=6,
        inter=10,
        command=6,
        motor=2,
        sensory_fan_out=4,
        inter_fan_out=3,
        recurrent=6,
        motor_fan_in=4,
        rng=rng,
    )
    cell = LTC.random(w, rng=rng)
    u = rng.uniform(size=6)
    result = pruning.prune_and_rewire(w, cell.w, 0.1, rng=np.random.default_rng(7), weights_in=cell.w_in)
    new = pruning.rewire(cell, result, rng=np.random.default_rng(8))
    x = analysis.relax(np.zeros(w.n), u, cell)
    assert rate(new, analysis.relax(x, u, new), u) / rate(cell, x, u) == pytest.approx(0.58, abs=0.01)


# ------------------------------------------------------------------------------------------------ what tau
# can and cannot


@given(seed=seeds)
@few
def test_tau_moves_no_equilibrium_of_a_ctrnn_but_every_equilibrium_of_the_ltc_of_2021(seed):
    rng = np.random.default_rng(seed)
    cell, u = random_cell(rng, CTRNN, m=1), rng.normal(size=1)
    for x in analysis.equilibria(cell, u, rng=rng):
        slower = replace(cell, tau=cell.tau * rng.uniform(0.2, 5, cell.n))
        assert np.abs(dynamics.vector_field(0, x, u, slower)).max() < 1e-8
    cell = random_cell(rng, LTC2021, m=1)
    for x in analysis.equilibria(cell, u, rng=rng):
        assert np.abs(dynamics.vector_field(0, x, u, replace(cell, tau=2 * cell.tau))).max() > 1e-6


def test_unequal_time_constants_can_destabilise_a_stable_network():
    # W = [[2, -2], [2, -2]]: stable for tau = (1, 1), a Hopf bifurcation at tau_2 = 3, then a limit cycle
    def network(tau2):
        return CTRNN([1, tau2], [[2, -2], [2, -2]], [0, 0])

    rates = [
        analysis.spectral_abscissa(dynamics.jacobian(np.zeros(2), None, network(t)))
        for t in (1, 2.9, 3.1, 10)
    ]
    assert (
        rates[0] == pytest.approx(-1, abs=1e-6) and rates[1] < 0 < rates[2] and rates[3] == pytest.approx(0.5)
    )
    x = simulate.reference(
        network(10), None, np.array([0.1, -0.05]), np.full(400, 1.0), rtol=1e-8, atol=1e-10
    )[300:]
    assert np.ptp(x[:, 0]) == pytest.approx(1.84, abs=0.05)  # sampled every ms on a cycle of some 30 ms
