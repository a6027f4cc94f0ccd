"""Kernels: the numbers of ``simulate`` and of autograd through it, for every method; a clear no else."""

import ast
import copy
import dataclasses
import hashlib
import inspect
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import few, random_wiring, seeds

from ltcbook import dynamics, kernels, models, simulate, solvers, wiring

pytest.importorskip("numba")
from ltcbook.backends import compiled
from ltcbook.kernels import cache, call, sequence, sparse

torch.set_num_threads(1)
NAMES = [name for name, solver in solvers.SOLVERS.items() if solver.kernel]
SOLVERS = pytest.mark.parametrize("solver", NAMES)
DTYPES = pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
WIRING = wiring.auto_ncp(11, 2, sensory=3, rng=np.random.default_rng(4))
PLAIN = wiring.Wiring([[0]], np.zeros((1, 0), int), ("hidden",))  # a leak, no synapse, no input
CROWDED = np.zeros((40, 40), int)
CROWDED[3], CROWDED[:, 5] = 1, -1  # one neuron has more synapses than a block of the kernels holds
BARE = {
    "no synapses": PLAIN,
    "inputs only": wiring.Wiring(np.zeros((3, 3), int), [[1, 0], [0, -1], [0, 0]], ("hidden",) * 3),
    "no inputs": wiring.fully_connected(5, sensory=0, autapses=True, rng=np.random.default_rng(1)),
    "autapses": wiring.fully_connected(4, sensory=2, autapses=True, rng=np.random.default_rng(2)),
    "more than lanes": wiring.random_sparse(37, sensory=19, sparsity=0.7, rng=np.random.default_rng(3)),
    "more than a block": wiring.Wiring(CROWDED, np.ones((40, 1), int), ("hidden",) * 40),
}


def case(net_wiring=WIRING, batch=(5,), T=6, dtype=torch.float64, seed=0, **options):
    """A network with numbers that are nowhere 0 or 1, and u, x0, irregular dt for it."""
    g = torch.Generator().manual_seed(seed)
    net = models.LTCNet(net_wiring, generator=g, **{"substeps": 3} | options).to(dtype)
    draw = lambda *shape: torch.randn(*shape, generator=g, dtype=torch.float64).to(dtype)
    for name in ("input_w", "input_b", "output_w", "output_b"):  # at birth 1 and 0
        if getattr(net, name) is not None:
            getattr(net, name).data += 0.2 * draw(len(getattr(net, name)))
    dt = (0.05 + 0.3 * torch.rand(*batch, T, generator=g, dtype=torch.float64)).to(dtype)
    return net, draw(*batch, T, net.m), 0.4 * draw(*batch, net.n), dt


def run(net, backend, u, x0, dt, dtype=None):
    """[states], and the derivatives of one loss of them by u, x0 and every parameter, in float64."""
    net = copy.deepcopy(net).to(dtype or net.dtype)
    net.backend = backend
    u, x0 = (v.detach().to(net.dtype).requires_grad_() for v in (u, x0))
    y, x = net(u, x0, dt.to(net.dtype))
    (y.square().sum() + x.sin().sum()).backward()
    slopes = [v.grad for v in (u, x0, *net.parameters())]
    return [x.detach().double()], [torch.zeros(0) if v is None else v.double() for v in slopes]


def check(net, u, x0, dt):
    """The kernels against the reference path in float64."""
    states, slopes = run(net, "numba", u, x0, dt)
    true_states, true_slopes = run(net, "reference", u, x0, dt, torch.float64)
    double = net.dtype == torch.float64
    torch.testing.assert_close(states, true_states, rtol=0, atol=1e-12 if double else 1e-6)
    for slope, true in zip(slopes, true_slopes, strict=True):
        allowed = 1e-12 * true.norm() + 1e-13 if double else 1e-5 * true.norm() + 1e-6
        assert (slope - true).norm() <= allowed


def counted(monkeypatch):
    """A list that grows by a 1 whenever the kernels are called."""
    calls, original = [], call.Call.__init__
    monkeypatch.setattr(call.Call, "__init__", lambda *a, **o: (calls.append(1), original(*a, **o))[1])
    return calls


@SOLVERS
@DTYPES
@pytest.mark.parametrize("batch", [(), (1,), (2,), (5,), (33,), (2, 3)], ids=str)
def test_kernels_equal_the_reference_in_states_and_slopes(solver, dtype, batch):
    check(*case(batch=batch, dtype=dtype, solver=solver))


@pytest.mark.parametrize("net_wiring", BARE.values(), ids=BARE)
@pytest.mark.parametrize("batch", [(), (4,)], ids=str)
@pytest.mark.parametrize("solver", ["fused", "extrapolated"])
def test_wirings_without_synapses_inputs_or_with_autapses_are_served(net_wiring, batch, solver):
    check(*case(net_wiring, batch, solver=solver))


@pytest.mark.parametrize(
    "options",
    [
        {"constraint": "explicit"},
        {"input_map": None, "output_map": "linear"},
        {"substeps": 1},
        {"substeps": 1, "solver": "extrapolated"},
    ],
)
def test_every_option_of_the_network_is_served(options):
    check(*case(**options))


def test_a_step_of_any_length_is_served():
    net, u, x0, dt = case()
    for scale in (1e-6, 1e4, 1e30):
        check(net, u, x0, dt * scale)
    for shared in (torch.tensor(0.2), dt[0]):
        check(net, u, x0, shared)


@few
@given(seed=seeds, solver=st.sampled_from(NAMES), batch=st.integers(1, 20), T=st.integers(1, 4))
def test_any_wiring_equals_the_reference(seed, solver, batch, T):
    check(*case(random_wiring(np.random.default_rng(seed)), (batch,), T=T, seed=seed % 2**31, solver=solver))


@SOLVERS
@pytest.mark.parametrize("batch", [1, 3])
def test_gradcheck_of_every_argument(solver, batch):
    two = wiring.fully_connected(2, sensory=1, autapses=True, rng=np.random.default_rng(0))
    net, u, x0, dt = case(two, (batch,), T=3, substeps=2, solver=solver, backend="numba")
    names = [name for name, _ in net.named_parameters()]

    def states(u, x0, *values):
        return torch.func.functional_call(net, dict(zip(names, values, strict=True)), (u, x0, dt))[1]

    values = [v.detach().clone().requires_grad_() for v in (u, x0, *net.parameters())]
    assert torch.autograd.gradcheck(states, values, fast_mode=batch > 1)


def test_slopes_are_those_of_the_moment_of_the_call_even_if_arrays_change_after_it():
    for batch in ((), (5,)):
        net, u, x0, dt = case(batch=batch, input_map=None)
        true = run(net, "reference", u, x0, dt)[1]
        y, x = net(u, x0, dt)
        loss = y.square().sum() + x.sin().sum()
        u.zero_()
        dt.fill_(9.0)
        slopes = torch.autograd.grad(loss, list(net.parameters()))
        torch.testing.assert_close(list(slopes), true[2:], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("batch", [(), (2,), (5,)], ids=str)
def test_slopes_do_not_move_with_states_or_parameters_that_change_after_the_call(batch):
    w = wiring.fully_connected(16, sensory=2, rng=np.random.default_rng(0))  # 16: whole lanes, nothing to pad
    net, u, x0, dt = case(w, batch=batch, substeps=1, input_map=None, output_map=None, backend="numba")
    true = run(net, "reference", u, x0, dt)[1]
    x = net(u, x0, dt)[1]
    by_x = 2 * x.detach() + x.detach().cos()  # of the loss that run takes: every neuron is an output
    x.detach().zero_()  # the caller's own
    for value in (u, x0, dt, *(p.data for p in net.parameters()), net.polarity, net.polarity_in):
        value.zero_()
    torch.testing.assert_close(
        list(torch.autograd.grad(x, list(net.parameters()), by_x)), true[2:], rtol=1e-11, atol=1e-12
    )


@pytest.mark.parametrize("batch", [(), (5,), (2, 3)], ids=str)
@pytest.mark.parametrize("frozen", [(), ("input_w", "output_b", "raw_w")], ids=str)
def test_outputs_and_states_alone_or_together_have_the_derivatives_of_the_reference(batch, frozen):
    net, u, x0, dt = case(batch=batch)
    for name, value in net.named_parameters():
        value.requires_grad_(name not in frozen)
    for whole in (True, False):
        u.requires_grad_(whole)
        wanted = [v for v in (u, x0, *net.parameters()) if v.requires_grad]
        for loss in (
            lambda y, x: y.sin().sum(),
            lambda y, x: x.sin().sum(),
            lambda y, x: (y.square().sum() * x).sum(),
        ):
            found = []
            for name in ("numba", "reference"):
                net.backend = name
                found.append(torch.autograd.grad(loss(*net(u, x0, dt)), wanted, allow_unused=True))
            for one, true in zip(*found, strict=True):
                assert (one is None or not one.any()) if true is None else one.shape == true.shape
                if true is not None:
                    torch.testing.assert_close(one, true, rtol=1e-11, atol=1e-12)


def test_maps_that_leave_the_finite_numbers_warn_no_more_than_torch_does(recwarn):
    net, u, x0, dt = case(dtype=torch.float32)
    with torch.no_grad():
        net.input_w.fill_(1e30)
        net.output_w.fill_(1e30)
    net.backend = "numba"
    y, _ = net(u * 1e20, x0, dt)
    (y * 1e30).sum().backward()
    assert not [one for one in recwarn if one.category is RuntimeWarning]


def test_what_somebody_else_makes_of_inputs_and_states_is_heard():
    class Louder(models.LTCNet):
        def map_input(self, u):
            return 2 * super().map_input(u)

    class Deaf(models.LTCNet):
        def readout(self, x):
            return 0 * super().readout(x)

    net, u, x0, dt = case()
    y, x = net(u, x0, dt)
    assert not torch.equal(Louder.forward(as_a(Louder, net), u, x0, dt)[1], x)
    assert not as_a(Deaf, net)(u, x0, dt)[0].any()
    net.readout = lambda x: torch.zeros(())
    assert net(u, x0, dt)[0].shape == ()


def as_a(kind, net):
    """A copy of a network as one of a subclass."""
    copied = copy.deepcopy(net)
    copied.__class__ = kind
    return copied


def test_without_derivatives_no_substeps_are_kept(monkeypatch):
    kept, original = [], call.Call.states_shape
    monkeypatch.setattr(
        call.Call, "states_shape", lambda self, substeps: (kept.append(substeps), original(self, substeps))[1]
    )
    net, u, x0, dt = case()
    with torch.no_grad():
        net(u, x0, dt)
    with torch.inference_mode():
        net(u, x0, dt)
    assert kept == [False, False]
    net(u, x0, dt)
    net.requires_grad_(False)
    net(u, x0, dt)
    assert kept == [False, False, True, False]


def test_the_memory_of_states_is_used_again_but_never_while_somebody_needs_them(monkeypatch):
    monkeypatch.setattr(call, "WORTH", (1, call.WORTH[1]))
    given, forward = [], call.Call.forward
    monkeypatch.setattr(
        call.Call, "forward", lambda self, x0, states: (given.append(states), forward(self, x0, states))[1]
    )
    net, u, x0, dt = case()
    others = [
        torch.randn(u.shape, dtype=u.dtype, generator=torch.Generator().manual_seed(k)) for k in range(3)
    ]

    def slopes(outputs):
        return torch.autograd.grad(outputs.square().sum(), list(net.parameters()), retain_graph=True)

    true, places = [], set()
    for heard in others:  # one after the other
        true.append(slopes(net(heard, x0, dt)[0]))
        places.add(given.pop().ctypes.data)
    assert len(places) == 1
    kept = [net(heard, x0, dt)[0] for heard in others]  # all at once
    assert len({states.ctypes.data for states in given}) == 3
    given.clear()
    for _ in range(2):  # a graph that is kept keeps its memory
        for outputs, wanted in zip(kept, true, strict=True):
            assert all(map(torch.equal, slopes(outputs), wanted))
        net(u, x0, dt)[0].sum().backward()
    del kept, outputs
    monkeypatch.setattr(call, "WORTH", (1, max(call.SPARE)))  # room for the largest alone
    net(u, x0, dt)
    given.clear()
    assert sum(call.SPARE) <= call.WORTH[1]
    call.SPARE.clear()
    monkeypatch.setattr(call, "WORTH", (1, 0))  # too much to keep
    net(u, x0, dt)
    given.clear()
    assert not call.SPARE


def test_a_rewired_or_loaded_network_uses_its_new_synapses():
    net, u, x0, dt = case(backend="numba")
    check(net, u, x0, dt)
    other = wiring.auto_ncp(11, 2, sensory=3, rng=np.random.default_rng(5))
    assert (other.polarity != WIRING.polarity).any() and other.role == WIRING.role
    before = net(u, x0, dt)[1].detach()
    net.rewire(other, rng=np.random.default_rng(0))
    assert (net(u, x0, dt)[1] - before).abs().max() > 1e-3
    check(net, u, x0, dt)
    fresh = case(seed=8)[0]
    fresh(u, x0, dt)
    fresh.load_state_dict(net.state_dict())
    check(fresh, u, x0, dt)
    net.polarity.data[0, 5] = 1  # behind torch's back
    check(net, u, x0, dt)


def test_slopes_land_on_the_synapses_that_exist_and_nowhere_else():
    net, u, x0, dt = case(backend="numba")
    net(u, x0, dt)[0].sum().backward()
    for name in ("gamma", "mu", "e_rev"):
        assert (getattr(net, name).grad[net.polarity == 0] == 0).all()
        assert (getattr(net, name + "_in").grad[net.polarity_in == 0] == 0).all()
        assert (getattr(net, name).grad != 0).any()


def test_slopes_of_a_cell_that_stands_in_for_the_own_one_are_whole():
    net, u, x0, dt = case()
    slopes = []
    for backend in ("numba", "reference"):
        cell = net.cell()
        w = cell.w.detach().requires_grad_()
        free = dataclasses.replace(cell, w=w)
        with net.moving(free, backend):
            slopes += torch.autograd.grad(net(u, x0, dt)[0].square().sum(), w)
    assert (slopes[1][net.polarity == 0] != 0).any()
    torch.testing.assert_close(*slopes, rtol=1e-11, atol=1e-13)


def test_threads_change_not_one_bit(monkeypatch):
    monkeypatch.setattr(call, "SMALL", 1)  # so that a small example is shared, too
    net, u, x0, dt = case(batch=(70,))
    alone = run(net, "numba", u, x0, dt)
    try:
        torch.set_num_threads(3)
        shared = run(net, "numba", u, x0, dt)
    finally:
        torch.set_num_threads(1)
    for a, b in zip(alone[0] + alone[1], shared[0] + shared[1], strict=True):
        assert torch.equal(a, b)


def padded(rows, wheres, where):
    """Rows of ``sparse.gather`` as those of one array, with each field where the stack has it."""
    stack = np.zeros((len(rows), max(column.stop for column in where.values())), rows[0].dtype)
    for to, row, own in zip(stack, rows, wheres, strict=True):
        for name, column in own.items():
            to[where[name]][: column.stop - column.start] = row[column]
    return stack


@pytest.mark.parametrize("batch", [1, 2, 21])
def test_networks_of_other_wirings_stacked_in_one_call_give_each_its_own_bits(batch, monkeypatch):
    sparsity, rng, every = (0.9, 0.1, 0.5), np.random.default_rng(0), []
    for seed, share in enumerate(sparsity):
        own = wiring.random_sparse(7, sensory=2, sparsity=share, rng=np.random.default_rng(seed))
        net, u, x0, dt = case(own, (batch,), T=4, seed=seed, solver="fused")
        cell = net.numpy_cell()
        patterns = sparse.SparsePattern(own.polarity), sparse.SparsePattern(own.polarity_in)
        row = sparse.gather({name: getattr(cell, name) for name in sparse.FIELDS}, patterns)
        every.append((patterns, row, *(v.detach().numpy() for v in (u, x0, dt)), rng.normal(size=x0.shape)))
    patterns, rows, *numbers = zip(*every, strict=True)
    wheres = [sparse.columns(*(pattern.alone for pattern in pair)) for pair in patterns]
    assert len({len(one.place) for one, _ in patterns}) == 3, "lists of one length need no padding"

    def results(chosen, threads=1):
        stacks = [sparse.StackedPattern([patterns[k][end] for k in chosen]) for end in (0, 1)]
        where = sparse.columns(*stacks)
        lists = padded([rows[k] for k in chosen], [wheres[k] for k in chosen], where)
        u, x0, dt, by_last = (np.stack([values[k] for k in chosen]) for values in numbers)
        one = call.Call(lists, stacks, u, dt, solver=solvers.SOLVERS["fused"], substeps=3, threads=threads)
        states = np.empty(one.states_shape(substeps=True))
        x = one.forward(x0, states)
        by_x = np.zeros_like(x)
        by_x[:, :, -1] = by_last
        by_u, by_x0, by_lists = one.backward(by_x, states)
        return [x, by_u, by_x0, *(by_lists[:, where[name]] for name in sparse.FIELDS)]

    together = results(range(3))
    for k in range(3):
        for mine, own in zip(together, results([k]), strict=True):
            assert np.array_equal(mine[k, ..., : own.shape[-1]], own[0])
    monkeypatch.setattr(call, "SMALL", 1)
    assert all(map(np.array_equal, together, results(range(3), threads=3)))


def test_two_numbers_per_neuron_and_substep_are_kept_for_the_backward_pass():
    net, u, x0, dt = case(batch=(32,), T=10, substeps=4)
    x = net(u, x0, dt)[1]
    node = x.grad_fn
    while "Sequence" not in node.name():
        node = node.next_functions[0][0]
    states, *_ = node.saved_tensors
    assert states.numel() == 32 * (2 * 10 * 4 + 1) * net.n


@SOLVERS
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_simulate_gives_the_same_trajectory_by_the_kernels(solver, kind):
    net, u, x0, dt = case(batch=(4,))
    cell = net.numpy_cell()
    cell = dataclasses.replace(cell, **{name: value.astype(kind) for name, value in vars(cell).items()})
    u, x0, dt = (v.numpy().astype(kind) for v in (u, x0, dt))
    one = u[0], x0[0], dt[0]
    for arguments in ((u, x0, dt), one, (u[0], x0[0], 0.3), (u[0], x0, dt[0]), (u, x0[0], dt)):
        x = [
            simulate.simulate(cell, *arguments, method=solver, substeps=2, backend=backend)
            for backend in ("numba", "reference")
        ]
        assert x[0].dtype == kind and x[0].shape == x[1].shape
        np.testing.assert_allclose(*x, rtol=0, atol=1e-12 if kind is np.float64 else 1e-6)
    alone = case(BARE["no inputs"])[0].numpy_cell()
    x = [
        simulate.simulate(alone, None, np.full(5, 0.1), np.full(7, 0.2), method=solver, backend=b)
        for b in ("numba", "reference")
    ]
    np.testing.assert_allclose(*x, rtol=0, atol=1e-12)


def test_simulate_takes_the_kernels_by_itself_when_the_trajectory_is_long(monkeypatch):
    calls = counted(monkeypatch)
    cell, T = case(PLAIN)[0].numpy_cell(), compiled.LONG // 2
    x = simulate.simulate(cell, None, np.ones(1), np.full(T - 1, 1e-3), substeps=2)
    assert x.shape == (T - 1, 1) and not calls
    x = simulate.simulate(cell, None, np.ones(1), np.full(T, 1e-3), substeps=2)
    decay = np.exp(-1e-3 * cell.g_leak / cell.c * np.arange(1, T + 1))
    assert calls == [1] and abs(x[:, 0] - cell.e_leak - (1 - cell.e_leak) * decay).max() < 1e-3  # order 1


@pytest.mark.parametrize(
    "change, message",
    [
        ({"method": "rk4"}, "no solver 'rk4'.*backend='reference' can"),
        ({"x0": np.zeros(11, np.float32)}, "NumPy arrays of one dtype.*backend='reference' can"),
        ({"backend": "fast"}, "backend is 'fast'; choose one of 'auto', 'reference', 'numba'"),
    ],
)
def test_simulate_refuses_what_the_kernels_cannot_serve(change, message):
    net, u, x0, dt = case(batch=())
    arguments = dict(u=u.numpy(), x0=x0.numpy(), dt=dt.numpy(), backend="numba") | change
    with pytest.raises(ValueError, match=message):
        simulate.simulate(net.numpy_cell(), **arguments)


# ----------------------------------------------------------------------------------------- who may be served


def test_auto_takes_the_kernels_on_a_cpu_and_the_reference_elsewhere(monkeypatch):
    calls = counted(monkeypatch)
    net, u, x0, dt = case()
    net(u, x0, dt)
    assert calls == [1] and net.backend == "auto"
    torch.vmap(net)(u, x0, dt)
    torch.compile(net, backend="eager", fullgraph=True)(u, x0, dt)
    net(u, x0, dt.clone().requires_grad_())[0].sum().backward()
    torch.func.jvp(lambda v: net(v, x0, dt)[0], (u,), (u,))
    case(solver="rk4")[0](u, x0, dt)
    net.backend = "reference"
    net(u, x0, dt)
    assert calls == [1], "a call that the kernels cannot serve went to them"


@pytest.mark.parametrize(
    "change, message",
    [
        ({"solver": "rk4"}, "no solver 'rk4', only fused, exponential, .*; backend='reference' can"),
        ({"dtype": torch.bfloat16}, "float32 or float64, not in bfloat16; backend='reference' can"),
        ({"device": "meta"}, "on the CPU, not on meta; backend='reference' can"),
        ({"slope": True}, "no derivative by dt; backend='reference' can"),
        ({"missing": True}, "numba is not installed.*pip install numba.*; backend='reference' can"),
    ],
)
def test_what_the_kernels_cannot_serve_is_refused_and_who_can_is_named(change, message, monkeypatch):
    net, u, x0, dt = case(solver=change.get("solver", "fused"), dtype=change.get("dtype", torch.float64))
    net, u, x0, dt = (v.to(change.get("device", "cpu")) for v in (net, u, x0, dt))
    dt.requires_grad_("slope" in change)
    if "missing" in change:
        monkeypatch.setattr(kernels, "find_spec", lambda name: None)
    net.backend = "numba"
    with pytest.raises(ValueError, match=message):
        net(u, x0, dt)


def test_an_unknown_backend_is_refused():
    net = case()[0]
    with pytest.raises(
        ValueError, match="backend is 'cuda'; choose one of 'auto', .*, 'edges', 'parallel', 'numba'"
    ):
        net.backend = "cuda"
    with pytest.raises(ValueError, match="backend is 'fast'"):
        models.LTCNet(WIRING, backend="fast")
    assert net.backend == "auto"


def test_without_numba_the_slow_path_runs_and_says_so_once(monkeypatch):
    monkeypatch.setattr(kernels, "find_spec", lambda name: None)
    monkeypatch.setattr(kernels, "_said", set())
    net, u, x0, dt = case()
    with pytest.warns(UserWarning, match="slow path.*pip install numba") as warned:
        for _ in range(3):
            states = net(u, x0, dt)[1]
    assert len(warned) == 1
    net.backend = "reference"
    torch.testing.assert_close(states, net(u, x0, dt)[1], rtol=1e-12, atol=1e-12)


def test_second_derivatives_are_refused_and_the_reference_gives_them():
    net, u, x0, dt = case(backend="numba")
    u.requires_grad_()
    (slope,) = torch.autograd.grad(net(u, x0, dt)[0].square().sum(), u, create_graph=True)
    with pytest.raises(ValueError, match="first derivatives only.*backend = 'reference'"):
        slope.square().sum().backward()
    raw = net.raw_w  # nor does it vanish from a sum whose other parts can be differentiated
    (slope,) = torch.autograd.grad(net(u, x0, dt)[0].square().sum(), u, create_graph=True)
    with pytest.raises(ValueError, match="first derivatives only.*backend = 'reference'"):
        torch.autograd.grad(slope.square().sum() + raw.square().sum(), raw)
    net.backend = "reference"
    (slope,) = torch.autograd.grad(net(u, x0, dt)[0].square().sum(), u, create_graph=True)
    torch.autograd.grad(slope.square().sum() + raw.square().sum(), raw)


@pytest.mark.parametrize("batch", [(), (5,)])
def test_a_solution_that_leaves_the_finite_numbers_says_so_as_simulate_does(batch):
    net, u, x0, dt = case(batch=batch, solver="euler", substeps=1, backend="numba")
    message = "the euler solution left the finite numbers in step 3: take a smaller dt"
    dt[..., 1:] = 1e160
    with torch.no_grad(), np.errstate(all="ignore"):
        with pytest.raises(ValueError) as ours:
            net(u, x0, dt)
        heard, cell = net.map_input(u).numpy(), net.numpy_cell()
        with pytest.raises(ValueError) as theirs:
            simulate.simulate(cell, heard, x0.numpy(), dt.numpy(), method="euler")
    assert str(ours.value) == str(theirs.value)
    assert message[:50] in str(ours.value)


def test_nan_in_a_parameter_is_not_hidden():
    for name in ("gamma", "mu", "raw_c", "e_rev_in", "gamma_in"):
        net, u, x0, dt = case(backend="numba")
        values, mask = getattr(net, name).data, net.polarity_in if name.endswith("_in") else net.polarity
        values[tuple(mask.nonzero()[0]) if values.ndim == 2 else 0] = torch.nan
        with pytest.raises(ValueError, match="left the finite numbers in step 0"):
            net(u, x0, dt)


# ---------------------------------------------------------------------------------------- compiled code kept


def test_no_two_functions_inside_kernels_have_one_name():
    """Kernels that several processes have kept are loaded into one: there the linker knows a function by its name
    and the types of its arguments, and takes the first one of a name for all.
    """
    found = {}
    for name in ("fused", "exponential", "extrapolated"):
        for dtype in kernels.DTYPES:
            for across, lanes, near in (("synapses", 16, True), ("batch", 16, True), ("batch", 32, False)):
                for kernel in sequence.build(solvers.SOLVERS[name], dtype, across, lanes, near):
                    inside = [cell.cell_contents for cell in kernel.py_func.__closure__]
                    for inner in filter(inspect.isfunction, inside):
                        if inner.__module__.startswith("ltcbook.kernels."):  # a solver's rules are inlined
                            found.setdefault((inner.__module__, inner.__qualname__), set()).add(inner)
    names = " ".join(name for _, name in found)
    assert all(name in names for name in ("step", "conductances_vjp", "rows", "room", "halfway"))
    assert [name for name, functions in found.items() if len(functions) > 1] == []


def test_the_key_of_a_kept_kernel_changes_with_sources_constants_and_versions(monkeypatch):
    keys = {cache.digest(("fused", "float32", "batch", 16))}
    keys.add(cache.digest(("fused", "float32", "batch", 8)))
    monkeypatch.setattr(cache.numba, "__version__", "0.0")
    keys.add(cache.digest(("fused", "float32", "batch", 16)))
    text = cache.sources()
    monkeypatch.setattr(cache, "sources", lambda: text.replace(b"1.5", b"1.6"))
    keys.add(cache.digest(("fused", "float32", "batch", 16)))
    assert text != cache.sources() and len(keys) == 4


def test_every_source_that_becomes_machine_code_is_in_the_key():
    for name in cache.COMPILED:
        for node in ast.walk(ast.parse((cache.HERE / f"{name}.py").read_text("utf8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                used = [node.module] if node.module else [each.name for each in node.names]
                files = {one for one in used if (cache.HERE / f"{one}.py").exists()}
                assert files <= set(cache.COMPILED), f"{name} uses {files}"


RUN = """
import sys; sys.path[:0] = [{tests!r}, {folder!r}]
import torch, test_kernels
net, u, x0, dt = test_kernels.case(batch=(4,), solver="fused", backend="numba")
net(u, x0, dt)[0].sum().backward()
print(float(net.e_rev.grad.sum()))
"""


def test_a_later_process_reads_compiled_code_and_a_changed_constant_is_never_read_back(root, tmp_path):
    import shutil

    shutil.copytree(root / "ltcbook", tmp_path / "ltcbook", ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    code = RUN.format(tests=str(root / "tests"), folder=str(tmp_path))

    def process():
        command = [sys.executable, "-c", code]
        options = {"env": environment, "cwd": tmp_path, "capture_output": True, "text": True, "check": False}
        answer = subprocess.run(command, **options)
        assert answer.returncode == 0, answer.stderr
        compiled = {str(path): path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.nbc")}
        return float(answer.stdout), compiled

    (first, made), (again, more) = process(), process()
    assert first == again and made and made == more  # nothing was compiled again
    steps = tmp_path / "ltcbook" / "solvers" / "fused.py"
    text = steps.read_text("utf8")
    steps.write_text(text.replace("by_h, by_x * (x - y)", "2 * by_h, by_x * (x - y)"), "utf8")
    assert steps.read_text("utf8") != text
    changed, more = process()
    assert abs(changed / first - 1) > 0.1 and set(more) > set(made)


def added(*numbers):
    """Their sum by a kernel that is new to this process, and how often it was read from the folder."""
    add = cache.compiled(lambda a, b: a + b, ("add",))
    total = add(*numbers)
    assert add.nopython_signatures
    return total, sum(add.stats.cache_hits.values())


DAMAGES = {
    "empty": lambda file: b"",
    "cut short": lambda file: file[: len(file) // 2],
    "no pickle": lambda file: b"x" * 99,
    "a byte changed": lambda file: file[:-200] + bytes([file[-200] ^ 1]) + file[-199:],
    "a pickle of something else": lambda file: hashlib.sha256(b"N.").digest() + b"N.",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_compiled_code_counts_as_none_and_is_written_anew(damage, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert added(1, 2) == (3, 0) and added(1, 2) == (3, 1)
    (file,) = tmp_path.rglob("*.nbc")
    whole = file.read_bytes()
    file.write_bytes(DAMAGES[damage](whole))
    assert file.read_bytes() != whole
    assert added(1, 2) == (3, 0), "damaged code was read"
    assert added(1, 2) == (3, 1), "the file was not mended"
    assert list(tmp_path.rglob("*.new")) == []


def test_two_processes_that_keep_their_kernels_at_once_do_not_mix_them_up(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    saved, save = [], cache.Kept.save_overload
    monkeypatch.setattr(cache.Kept, "save_overload", lambda *a: saved.append(a))
    added(1, 2)
    added(0.5, 2.0)
    for arguments in saved:
        save(*arguments)
    assert len(saved) == 2 and added(1, 2) == (3, 1) and added(0.5, 2.0) == (2.5, 1)


def no_home(monkeypatch, tmp_path):
    pwd = pytest.importorskip("pwd", reason="Windows knows every user's home otherwise")

    for name in ("HOME", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)  # nobody knows this user
    with pytest.raises(RuntimeError):
        cache.folder()


def no_folder(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("", "utf8")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))


def no_room(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cache.os, "replace", full)


def no_sources(monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "HERE", tmp_path)
    cache.sources.cache_clear()


def newer_sources(monkeypatch, tmp_path):
    """Somebody installs another version of the package while this process runs with its own."""
    monkeypatch.setattr(cache, "LOADED", cache.HERE.joinpath("gates.py").stat().st_ctime - 1)
    cache.sources.cache_clear()


@pytest.mark.parametrize("lack", [no_home, no_folder, no_room, no_sources, newer_sources])
def test_where_nothing_can_be_kept_every_process_compiles_for_itself(lack, monkeypatch, tmp_path):
    lack(monkeypatch, tmp_path)
    assert added(1, 2) == added(1, 2) == (3, 0)
    assert [path for path in tmp_path.rglob("*") if path.name != "file" and path.is_file()] == []
    monkeypatch.undo()
    cache.sources.cache_clear()


@pytest.mark.parametrize(
    "switched_off, reason",
    [
        (True, "compiles nothing here .NUMBA_DISABLE_JIT is set."),
        (False, "cannot be loaded .ImportError: 'NumPy is too new'."),
    ],
)
def test_where_numba_compiles_nothing_auto_takes_the_slow_path_and_says_why_once(
    switched_off, reason, monkeypatch
):
    monkeypatch.setattr(kernels, "_said", set())
    if switched_off:
        monkeypatch.setattr("numba.core.config.DISABLE_JIT", 1)
    else:
        monkeypatch.setattr(
            kernels,
            "_numba",
            lambda: (None, "the package numba cannot be loaded (ImportError: 'NumPy is too new')"),
        )
    net, u, x0, dt = case(batch=())
    cell, heard = net.numpy_cell(), net.map_input(u).detach().numpy()
    with pytest.warns(UserWarning, match=reason) as warned:
        states = [net(u, x0, dt)[1].detach().numpy() for _ in range(2)]
        monkeypatch.setattr(compiled, "LONG", 1)
        states.append(
            simulate.simulate(cell, heard, x0.numpy(), dt.numpy(), method=net.solver, substeps=net.substeps)
        )
    assert len(warned) == 1 and not net.compiled
    true = simulate.simulate(
        cell, heard, x0.numpy(), dt.numpy(), method=net.solver, substeps=net.substeps, backend="reference"
    )
    for got in states:
        np.testing.assert_allclose(got, true, atol=1e-12)
    net.backend = "numba"
    with pytest.raises(ValueError, match=f"{reason}; backend='reference' can"):
        net(u, x0, dt)
    with pytest.raises(ValueError, match=f"{reason}; backend='reference' can"):
        simulate.simulate(cell, heard, x0.numpy(), dt.numpy(), backend="numba")


def test_with_the_compiler_switched_off_from_outside_a_long_trajectory_runs(root):
    code = (
        "import numpy as np, warnings; from ltcbook import dynamics, kernels, simulate, solvers; from "
        "ltcbook.backends import compiled; compiled.LONG = 1; warnings.simplefilter('ignore'); one = "
        "[[1.0]]; cell = dynamics.LTC([1.0], [1.0], [1.0], one, one, one, one);simulate.simulate(cell, None, "
        "np.zeros(1), np.ones(2)); print(kernels.missing(solvers.SOLVERS['fused'], 'float64'))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        cwd=root,
        capture_output=True,
        encoding="utf8",
    )
    assert answer.returncode == 0 and "NUMBA_DISABLE_JIT is set" in answer.stdout, answer.stderr


# ----------------------------------------------------------------------------------- around the kernels


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("implicit", [True, False])
def test_raw_numbers_become_those_of_torch_and_their_slopes_go_back_to_where_they_stood(implicit, dtype):
    *_, listed, unlisted = sequence.tables_for(dtype)
    net = models.LTCNet(PLAIN, constraint="implicit" if implicit else "explicit")
    rng = np.random.default_rng(0)
    values = (3 * rng.normal(size=(2, 9))).astype(dtype)
    values[0, 2], values[0, 8], values[1, 1], values[1, 4] = 800, -800, np.nan, 0
    place = np.array([[8, 2, -1, 0, 5], [1, -1, 4, 7, 6]])
    numbers, slopes = np.full((2, 5), 7, dtype), np.full((2, 3), 7, dtype)
    listed(values, place, 3, implicit, numbers, slopes)
    there, raw = place >= 0, torch.tensor(np.take_along_axis(values, place, 1), dtype=torch.float64)
    true = torch.cat([net.positive(raw[:, :3]), raw[:, 3:]], 1).numpy()
    near = {"rtol": 4 * np.finfo(dtype).eps, "atol": 1e-30}
    np.testing.assert_allclose(numbers[there], true[there], **near)
    np.testing.assert_allclose(slopes[there[:, :3]], net.slope(raw[:, :3]).numpy()[there[:, :3]], **near)
    assert (numbers[~there] == 7).all() and (slopes[~there[:, :3]] == 7).all()
    by, back = rng.normal(size=(2, 5)).astype(dtype), np.full((2, 9), 5, dtype)
    unlisted(by, place, 3, slopes, back)
    wanted = np.full((2, 9), 5, dtype)
    for k, j in np.argwhere(there):
        wanted[k, place[k, j]] = by[k, j] * (slopes[k, j] if j < 3 else 1)
    np.testing.assert_array_equal(back, wanted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("w, b", [(1, 5), (5, 1), (2, -1), (-1, 4), (-1, -1)])
@pytest.mark.parametrize("rows", [0, 5, 21])
def test_maps_and_the_derivatives_by_what_they_hold_are_those_of_numpy(rows, w, b, dtype):
    mapped, summed = sequence.maps_for(dtype)
    rng = np.random.default_rng(1)
    samples, by = rng.normal(size=(2, 2, rows, 3)).astype(dtype)
    weights, biases = rng.normal(size=(2, 2, 8)).astype(dtype)
    found, sums = np.full_like(samples, 9), np.full((2, 8), 9, dtype)
    mapped(samples, weights, w, biases, b, found)
    summed(by, samples, w, b, sums)
    true, totals = samples.copy(), np.full((2, 8), 9, dtype)
    if w >= 0:
        true = true * weights[:, None, w : w + 3]
        totals[:, w : w + 3] = (by.astype(float) * samples).sum(1)
    if b >= 0:
        true = true + biases[:, None, b : b + 3]
        totals[:, b : b + 3] = by.astype(float).sum(1)
    np.testing.assert_array_equal(found, true)
    np.testing.assert_allclose(sums, totals, rtol=2 * np.finfo(dtype).eps, atol=1e-15)


@pytest.mark.parametrize("batch", [1, 5, 21])
@pytest.mark.parametrize("of_dt", [(), (6,), (1, 21, 6)], ids=str)
def test_a_call_renewed_has_the_bits_of_a_new_one(batch, of_dt):
    rng, kinds = np.random.default_rng(2), []
    for seed in range(2):
        net, u, x0, _ = case(batch=(batch,), seed=seed)
        net.gamma.data *= 1e5**seed  # the second one has gates that are read far out
        u, x0 = u.numpy()[None], x0.numpy()[None]
        dt = rng.uniform(0.1, 0.4, (*of_dt[:1], batch, 6) if len(of_dt) == 3 else of_dt)
        patterns = tuple(sparse.SparsePattern(one) for one in (net.wiring.polarity, net.wiring.polarity_in))
        cell = net.numpy_cell()
        numbers = sparse.gather({name: getattr(cell, name) for name in sparse.FIELDS}, patterns)[None]
        alone = tuple(pattern.alone for pattern in patterns)
        kinds.append(((numbers, alone, u, np.asarray(dt)), x0, rng.normal(size=(1, batch, 6, net.n))))
    options = {"solver": solvers.SOLVERS["fused"], "substeps": 3}

    def solved(one, x0, by_x):
        states = np.full(one.states_shape(substeps=True), np.nan)
        return one.forward(x0, states).copy(), *one.backward(by_x, states)

    (first, *_), (second, x0, by_x) = kinds
    used = call.Call(*first, **options)
    solved(used, *kinds[0][1:])
    assert set(used.near.values()) == {True}
    numbers, _, u, dt = second
    for a, b in zip(
        solved(used.renewed(numbers, u, dt), x0, by_x),
        solved(call.Call(*second, **options), x0, by_x),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    assert set(used.near.values()) == {False}


def test_a_class_that_keeps_values_positive_in_its_own_way_is_heard():
    class Squared(models.LTCNet):
        def positive(self, raw):
            return raw * raw

        def slope(self, raw):
            return 2 * raw

    net, u, x0, dt = case()
    other = Squared(WIRING, substeps=3).double()
    other.load_state_dict(net.state_dict())
    check(other, u, x0, dt)
    plain, own = run(net, "numba", u, x0, dt)[0][0], run(other, "numba", u, x0, dt)[0][0]
    assert (own - plain).abs().max() > 1e-3


# ------------------------------------------------------------------------------------------------------ lanes


def test_many_samples_take_more_lanes_unless_too_many_of_these_would_be_empty():
    chosen = {batch: sequence.lanes_for(batch, "float32") for batch in (3, 16, 17, 32, 33, 64, 70)}
    assert chosen == {3: 16, 16: 16, 17: 32, 32: 32, 33: 16, 64: 32, 70: 32}
    assert sequence.lanes_for(64, "float64") == 16


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "lanes, each, missing, steps, k, rest",
    [
        (32, 1, 0, 5, 19, 0),
        (32, 2, 3, 5, 19, 1),
        (16, 1, 0, 9, 2, 0),
        (16, 2, 15, 9, 2, 1),
        (16, 1, 9, 9, 1, 0),
        (16, 1, 2, 1, 7, 2),
        (1, 3, 0, 5, 3, 4),
        (1, 1, 0, 20, 1, 0),
    ],
)
def test_samples_come_back_from_tiles_as_they_went_in(lanes, each, missing, steps, k, rest, dtype):
    rng, batch, size = np.random.default_rng(0), lanes * each - missing, (k + rest) * lanes
    one = object.__new__(call.Call)
    vars(one).update(lanes=lanes, each=each, batch=batch, networks=2, dtype=np.dtype(dtype))
    one.assign, ends = sequence.tiles_for(dtype)
    samples = rng.normal(size=(2, batch, steps, k)).astype(dtype)
    padded = np.full((2, each * lanes, steps, k), 9.0, dtype)
    padded[:, :batch] = samples
    true = (
        padded.reshape(2, each, lanes, steps, k).transpose(0, 1, 3, 4, 2).reshape(2 * each, steps, k * lanes)
    )
    dealt = one._tiles(samples, one.room_for(samples), fill=9.0)
    assert np.array_equal(dealt, true)
    for row in range(steps):
        assert ends(dealt, row) == (true[:, row].min(), true[:, row].max())
    apart = np.full((2 * each, 2 * steps + 1, size), np.nan, dtype)  # other rows and other neurons between
    apart[:, 1::2, : k * lanes] = true
    assert np.isnan(ends(apart, 0)).all()
    for neurons in (None, rng.permutation(k)[: k // 2 + 1], np.arange(k)[k // 2 :]):
        wanted = samples if neurons is None else samples[..., neurons]
        assert np.array_equal(one._samples(dealt, k, steps, neurons=neurons), wanted)
        assert np.array_equal(one._samples(apart, k, steps, 1, 2, neurons), wanted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["lost", "inverse", "clamped_inverse"])
def test_functions_of_lanes_are_right_to_a_few_roundings_everywhere(name, dtype):
    import numba

    from ltcbook import ops
    from ltcbook.kernels import gates, lanes

    load, store, *_ = lanes.lanes_of(16)
    function = getattr(gates, name)

    @numba.njit
    def evaluate(x, y):
        for i in range(0, len(x), 16):
            found = function(load(x, i))
            store(y, i, found if name == "lost" else 1 / found)

    top = gates.FARTHEST[np.dtype(dtype).name]
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [rng.uniform(-top, top, 4000), rng.uniform(-1, 1, 4000), 10.0 ** rng.uniform(-30, 0, 2000)]
    )
    if name == "lost":
        x = np.append(np.abs(x), [0, 1e4, 1e30])
    if name == "clamped_inverse":
        x = np.append(x, [-1e30, 1e30, -200, 200, -1100, 1100])
    x = np.resize(x, 10_016).astype(dtype)
    y, exact = np.empty_like(x), x.astype(np.longdouble)
    evaluate(x, y)
    true = -np.expm1(-exact) if name == "lost" else ops.sigmoid(-exact * np.log(np.longdouble(2)))
    # a gate only has to be right beside 1, the size of the sums that it enters
    error = np.abs(y - true) / (np.maximum(np.abs(true), np.finfo(dtype).tiny) if name == "lost" else 1)
    assert error.max() < (3.0 if name == "lost" else 1.0) * np.finfo(dtype).eps


def far_from(mu=0.0, x0=0.0, u=0.0, gamma=1.0, e_rev=1.0, solver="fused"):
    """Whether a call on two neurons and an input certifies that its gates are near, and its states."""
    two = wiring.fully_connected(2, sensory=1, autapses=True, rng=np.random.default_rng(0))
    net, heard, start, dt = case(two, (4,), T=3, solver=solver, dtype=torch.float32)
    whole = lambda value: np.full((2, 2), value)
    fields = vars(net.numpy_cell()) | {
        "gamma": whole(gamma),
        "mu": whole(mu),
        "e_rev": whole(e_rev),
    }
    cell = dynamics.LTC(**{name: value.astype(np.float32) for name, value in fields.items()})
    chosen, build = [], call.build
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(call, "build", lambda *how: (chosen.append(how[-1]), build(*how))[1])
        arrays = heard.numpy() + np.float32(u), start.numpy() + np.float32(x0), dt.numpy()
        x = [
            simulate.simulate(cell, *arrays, method=solver, substeps=2, backend=b)
            for b in ("numba", "reference")
        ]
    np.testing.assert_allclose(*x, rtol=1e-5, atol=1e-6)
    return not chosen[0]


def test_gates_are_clamped_unless_the_box_of_the_states_keeps_them_near():
    assert not far_from()
    for change in ({"mu": 90.0}, {"x0": 90.0}, {"u": -90.0}, {"gamma": 130.0}, {"e_rev": 90.0}):
        assert far_from(**change), f"unclamped with {change}"
    assert not far_from(mu=20.0) and far_from(mu=20.0, gamma=4.2)
    assert far_from(solver="euler"), "its steps keep no bounds"
    # read ahead, a gate may lie half the box beyond it
    assert not far_from(e_rev=70.0) and far_from(e_rev=70.0, solver="extrapolated")


def test_a_gate_beyond_all_numbers_is_open_or_shut():
    net, u, x0, dt = case(batch=(4,), backend="numba", solver="fused")
    for size in (1e4, 1e30):
        shut = net(torch.full_like(u, -size), x0, dt)[1]
        true = copy.deepcopy(net)
        true.backend = "reference"
        torch.testing.assert_close(shut, true(torch.full_like(u, -size), x0, dt)[1], rtol=0, atol=1e-12)
