"""A network that forgets: how many steps it needs for it, proven, and windows of a long sequence computed side by
side. Every number is held to the steps in order.
"""

import copy
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import few, inside, random_cell, random_input, seeds

from ltcbook import analysis, backends, dynamics, models, simulate, tasks, wiring
from ltcbook.dynamics import forgetting
from ltcbook.kernels import call, windows
from ltcbook.models import stack

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


@METHODS
@given(seed=seeds)
def test_no_input_brings_two_runs_together_less_than_its_factor_says(method, seed):
    rng = np.random.default_rng(seed)
    cell = one_neuron(rng.uniform(0.05, 0.6), gamma=np.array([[rng.uniform(3, 12)]]))
    parts, d = int(rng.integers(1, 5)), 10 ** rng.uniform(-1, 0.5)
    box = analysis.state_bounds(cell)
    bound = forgetting._Steps(cell, d, *box, None).factor(np.ones(1), parts, method == "extrapolated")
    if bound >= 1:
        return
    x = np.linspace(0, 1, 400)[:, None]
    y = simulate.simulate(cell, None, x, np.array([d * parts]), method=method, substeps=parts)[:, 0]
    steepest = np.abs(np.diff(y[:, 0])).max() / (x[1, 0] - x[0, 0])
    assert steepest <= bound + 1e-9


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


# --- windows ----------------------------------------------------------------------------------------------

pytest.importorskip("numba")
CLOSE = dict(rtol=0, atol=2e-12)  # windows may differ by 1e-13 where they meet


def network(seed=0, sensory=2, **options):
    """A network of 12 neurons in float64 that forgets within some 30 inputs."""
    rng = np.random.default_rng(seed)
    options = {"substeps": 2, "solver": "fused", "generator": torch.Generator().manual_seed(seed)} | options
    graph = (
        wiring.auto_ncp(12, 2, sensory=sensory, rng=rng)
        if sensory
        else wiring.random_sparse(12, sensory=0, sparsity=0.8, rng=rng)
    )
    return models.LTCNet(graph, **options).double()


def heard(net, T, *batch, seed=1):
    """u, x0 and irregular dt for a network."""
    rng = np.random.default_rng(seed)
    u = torch.tensor(rng.normal(size=(*batch, T, net.m)))
    x0 = torch.tensor(rng.uniform(-1, 1, (*batch, net.state_size)))
    return u, x0, torch.tensor(rng.uniform(0.5, 1.5, (*batch, T)))


def result(net, backend, u, x0, dt):
    """States, and the gradients of a loss in which every state has its own weight, by everything."""
    net = copy.deepcopy(net)
    net.backend = backend
    u, x0 = u.clone().requires_grad_(), x0.clone().requires_grad_()
    y, x = net(u, x0, dt)
    weight = torch.sin(torch.arange(x.numel(), dtype=torch.float64)).reshape(x.shape).to(x.dtype)
    ((x * weight).sum() + y.square().sum()).backward()
    leaves = {"u": u, "x0": x0, **dict(net.named_parameters())}
    return x.detach(), {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}


def held_to_steps_in_order(net, backend, u, x0, dt, close=1e-11):
    """Both results agree; a gradient by its norm, the states one by one."""
    x, slopes = result(net, backend, u, x0, dt)
    expected, expected_slopes = result(net, "numba", u, x0, dt)
    torch.testing.assert_close(x, expected, rtol=0, atol=close)
    assert set(slopes) == set(expected_slopes)
    for name, slope in slopes.items():
        truth = expected_slopes[name]
        # what was forgotten has a derivative of 0 here, and a tiny one in order
        assert float((slope - truth).norm()) <= 10 * close * max(float(truth.norm()), 1e-3), name
    return x


@pytest.fixture
def made(monkeypatch):
    """Every ``Windows`` that is made, with the numbers of windows that its rounds computed."""
    found, original, call = [], windows.Windows.__init__, windows.Windows._call

    def note(self, *given, **options):
        self.shapes = []
        found.append(self)
        original(self, *given, **options)

    def count(self, u, dt):
        self.shapes.append(u.shape[:2])
        return call(self, u, dt)

    monkeypatch.setattr(windows.Windows, "__init__", note)
    monkeypatch.setattr(windows.Windows, "_call", count)
    return found


@pytest.fixture
def calm():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@METHODS
@pytest.mark.parametrize("batch, T", [((1,), 700), ((3,), 500), ((), 633), ((2, 2), 400)])
def test_windows_give_the_states_and_the_gradients_of_the_steps_in_order(method, batch, T, made, calm):
    net = network(solver=method)
    held_to_steps_in_order(net, backends.Windows(windows=5, burn=60), *heard(net, T, *batch))
    assert len(made) == 1 and len(made[0].shapes) == 1  # one round


@pytest.mark.parametrize("sign", [1, -1])
def test_derivatives_of_either_sign_vanish_beside_the_largest(sign, made, calm):
    net = network(backend=backends.Windows(windows=5, burn=60))
    (sign * net(*heard(net, 700, 1))[1]).sum().backward()
    assert len(made[0].shapes) == 1  # no window had to hand anything on


def test_single_precision_stays_single_and_as_exact_as_it_is(made, calm):
    net = network().float()
    u, x0, dt = (a.float() for a in heard(net, 900, 1))
    x, slopes = result(net, "windows", u, x0, dt)
    in_order = result(net, "numba", u, x0, dt)[1]
    expected, truth = result(net.double(), "numba", u.double(), x0.double(), dt.double())
    assert len(made) == 1 and x.dtype == torch.float32
    torch.testing.assert_close(x.double(), expected, rtol=0, atol=3e-6)
    for name, slope in slopes.items():
        far = [
            float((by[name].double() - truth[name]).norm() / truth[name].norm()) for by in (slopes, in_order)
        ]
        assert far[0] < far[1] + 1e-6, name


def test_simulate_takes_windows_too(made, calm):
    rng = np.random.default_rng(0)
    cell = network().numpy_cell()
    u, dt = rng.normal(size=(2, 800, 2)), rng.choice([0.0, 0.7, 1.3], 800)  # some steps stand still
    for options in ({"u": u}, {"u": u[0]}, {"u": u, "dt": 1.0}):
        given = {"x0": rng.uniform(-1, 1, 12), "dt": dt, "method": "exponential"} | options
        x = simulate.simulate(cell, **given, backend="windows")
        np.testing.assert_allclose(x, simulate.simulate(cell, **given, backend="numba"), **CLOSE)
    free = replace((free := network(sensory=0).numpy_cell()), g_leak=free.g_leak + 0.5)
    x = simulate.simulate(free, None, np.zeros(12), dt + 0.1, backend="windows")
    np.testing.assert_allclose(x, simulate.simulate(free, None, np.zeros(12), dt + 0.1), **CLOSE)
    assert len(made) == 4


def test_windows_that_begin_too_late_run_on_until_they_agree(made, calm):
    net = network()
    held_to_steps_in_order(net, backends.Windows(windows=6, burn=3), *heard(net, 700, 1))
    (used,) = made
    assert 2 <= len(used.shapes) <= 1 + 6 + 6  # no more rounds than windows, each way
    assert all(shape[0] < 6 for shape in used.shapes[1:])  # only those again that were wrong


def test_the_next_call_begins_earlier_where_windows_did_not_agree(made, calm):
    net, given = network(), heard(network(), 1600, 1)
    net.backend = backends.Windows(windows=4)
    for _ in range(8):
        net(*given)
    assert [len(used.shapes) for used in made][-3:] == [1, 1, 1] and len(made[0].shapes) > 1
    assert made[0].burn < made[-1].burn < 150


def rests_and_rhythms():
    """What does not forget: two rests, an oscillator, a long memory. (network, x0, dt)."""

    def alone(cell):
        empty = wiring.Wiring((cell.w != 0).astype(int), np.zeros((cell.n, 0)), ("hidden",) * cell.n)
        net = models.LTCNet(
            empty, solver="fused", substeps=1, constraint="explicit", input_map=None, output_map=None
        ).double()
        with torch.no_grad():
            for name in ("c", "g_leak", "e_leak", "w", "gamma", "mu", "e_rev"):
                getattr(net, net.parameter_of(name)).copy_(torch.tensor(getattr(cell, name)))
        return net

    rng = np.random.default_rng(33)
    ring = dynamics.LTC.random(wiring.random_sparse(8, sensory=0, sparsity=0.5, rng=rng), rng=rng)
    ring = replace(ring, w=10 * ring.w, gamma=3 * ring.gamma)
    slow = one_neuron(0.1, c=np.array([1e5]))
    return {
        "two rests": (alone(one_neuron(2.0)), torch.ones(1, 1).double(), 1.0),
        "an oscillator": (alone(ring), torch.zeros(1, 8).double(), 0.05),
        "a long memory": (alone(slow), torch.ones(1, 1).double(), 1.0),
    }


@pytest.mark.parametrize("case", rests_and_rhythms())
def test_what_does_not_forget_is_solved_in_order_and_says_so_once(case, made):
    net, x0, dt = rests_and_rhythms()[case]
    u = torch.zeros(1, 1500, 0).double()
    with pytest.warns(
        RuntimeWarning, match="backend='windows': .* step by step: right, but not fast"
    ) as said:
        held_to_steps_in_order(net, backends.Windows(windows=5, burn=20), u, x0, dt, close=1e-9)
    assert len(said) == 1
    (used,) = made
    assert used.in_order and len(used.shapes) <= 5
    net.backend = "windows"
    with pytest.warns(RuntimeWarning) as said:
        for _ in range(5):
            net(u, x0, dt)
    assert len(said) == 1 and len(made) == 2  # the later calls do not even try


def test_derivatives_that_last_longer_than_the_states_are_handed_on(made):
    """A neuron at rest: all windows agree at once, but its derivatives vanish at the pace of the leak."""
    net, _, _ = rests_and_rhythms()["a long memory"]
    u, x0 = torch.zeros(1, 1500, 0).double(), torch.zeros(1, 1).double()
    with torch.no_grad():
        net.raw_w.zero_()
        net.raw_c.fill_(8.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        held_to_steps_in_order(net, backends.Windows(windows=5, burn=10), u, x0, 1.0)
    assert list(made[-1].shapes) == [(5, 308), (4, 298)]
    with torch.no_grad():
        net.raw_c.fill_(1e5)
    with pytest.warns(RuntimeWarning, match="derivatives do not vanish within 298 steps"):
        held_to_steps_in_order(net, backends.Windows(windows=5, burn=10), u, x0, 1.0)


def test_two_backward_passes_give_the_same(calm):
    net, (u, x0, dt) = network(), heard(network(), 700, 1)
    net.backend = backends.Windows(windows=5, burn=3)
    loss = net(u, x0, dt)[1].square().sum()
    one, other = (torch.autograd.grad(loss, net.raw_w, retain_graph=True)[0] for _ in range(2))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-12 * float(one.abs().max()))
    with pytest.raises(ValueError, match="first derivatives only"):
        torch.autograd.grad(loss, net.raw_w, create_graph=True)[0].sum().backward()


def test_more_threads_take_more_windows_and_give_the_same_numbers(made, calm, monkeypatch):
    monkeypatch.setattr(windows, "SMALL", 1)
    net, given = network(), heard(network(), 4000, 1)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        held_to_steps_in_order(net, "windows", *given)
    finally:
        torch.set_num_threads(before)
    assert made[0].groups == [(0, 16), (16, 32)]  # 16 lanes of float64


@pytest.mark.parametrize("backend", ["numba", backends.Windows(windows=5, burn=60)])
def test_the_memory_of_a_trajectory_is_used_again_but_never_while_somebody_looks_at_it(backend, monkeypatch):
    monkeypatch.setattr(call, "WORTH", (1, call.WORTH[1]))
    net = network(backend=backend)
    u, x0, dt = heard(net, 700, 1)
    with torch.no_grad():
        places = {net(u, x0, dt)[1].data_ptr() for _ in range(4)}
        assert len(places) == 1
        ends, wanted = [], []
        for k in range(3):
            x = net(u + k, x0, dt)[1]
            wanted.append(x[:, -1].clone())
            ends.append(x[:, -1])  # a view keeps the whole
        del x
        net(u + 3, x0, dt)
    assert all(map(torch.equal, ends, wanted))
    x = simulate.simulate(net.numpy_cell(), u[0].numpy(), x0[0].numpy(), dt[0].numpy(), backend=backend)
    expected = x.copy()
    simulate.simulate(net.numpy_cell(), u[0].numpy() + 1, x0[0].numpy(), dt[0].numpy(), backend=backend)
    assert np.array_equal(x, expected)


@pytest.mark.parametrize(
    "backend, T",
    [("windows", 1), ("windows", 60), (backends.Windows(windows=50), 40), (backends.Windows(burn=99), 99)],
)
def test_a_sequence_that_is_too_short_for_windows_is_solved_in_order(backend, T, made, calm):
    net = network()
    u, x0, dt = heard(net, T, 1)
    net.backend = backend
    x = net(u, x0, dt)[1]
    net.backend = "numba"
    assert not made and torch.equal(x, net(u, x0, dt)[1])


def test_training_on_windows_is_no_part_of_a_stack():
    assert stack.refusal(network()) is None
    assert "kernels do not compute" in stack.refusal(network(backend="windows"))


def test_many_trajectories_fill_the_lanes_without_windows(made):
    net = network()
    net.backend = "windows"
    net(torch.zeros(windows.LANES * torch.get_num_threads(), 300, 2).double())
    assert not made


@pytest.mark.parametrize(
    "options, message",
    [
        ({"tolerance": 0}, "tolerance is 0"),
        ({"tolerance": -1.0}, "tolerance is -1"),
        ({"tolerance": float("nan")}, "tolerance is nan"),
        ({"windows": 1}, "windows is 1; it must be a whole number of at least 2"),
        ({"burn": 0}, "burn is 0; it must be a whole number of at least 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        backends.Windows(**options)


def test_windows_refuse_what_the_kernels_do_and_never_hide_numbers_that_are_none():
    net, (u, x0, dt) = network(backend="windows"), heard(network(), 400, 1)
    with pytest.raises(ValueError, match="no solver 'rk4'"):
        models.LTCNet(net.wiring, solver="rk4", backend="windows").double()(u)
    cell = net.numpy_cell()
    with pytest.raises(ValueError, match="NaN"):
        simulate.simulate(cell, np.full((400, 2), np.nan), x0[0].numpy(), 1.0, backend="windows")
    with torch.no_grad():
        net.e_leak[0] = np.nan
    with pytest.raises(ValueError, match="left the finite numbers"), warnings.catch_warnings():
        warnings.simplefilter("error")
        net(u, x0, dt)
