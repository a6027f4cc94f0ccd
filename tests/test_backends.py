"""The backends of an LTC network: one trajectory, one gradient, and a clear word where one of them cannot
serve.
"""

import copy

import numpy as np
import pytest
import torch

from ltcbook import backends, models, simulate, train, wiring
from ltcbook.backends import base
from ltcbook.backends.edges import Edges
from ltcbook.kernels import parallel
from ltcbook.models.circuit import Circuit

OTHERS = pytest.mark.parametrize("backend", ["edges", "parallel", "numba"])
CLOSE = dict(rtol=1e-10, atol=1e-11)


def case(sensory=3, batch=(4,), T=6, seed=0, **options):
    rng = np.random.default_rng(seed)
    net = models.LTCNet(
        wiring.auto_ncp(12, 2, sensory=sensory, rng=rng),
        substeps=options.pop("substeps", 2),
        generator=torch.Generator().manual_seed(seed),
        **options,
    ).double()
    u = torch.tensor(rng.normal(size=(*batch, T, sensory)))
    x0 = torch.tensor(rng.uniform(-1, 1, (*batch, net.state_size)))
    return net, u, x0, torch.tensor(rng.uniform(0.2, 1.2, (*batch, T)))


def result(net, backend, u, x0, dt):
    """Outputs, states and the gradients of everything."""
    net = copy.deepcopy(net)
    net.backend = backend
    u, x0 = u.clone().requires_grad_(), x0.clone().requires_grad_()
    y, x = net(u, x0, dt)
    (y.square().sum() + x.sin().sum()).backward()
    leaves = {"u": u, "x0": x0, **dict(net.named_parameters())}
    return (
        y,
        x,
        {name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for name, leaf in leaves.items()},
    )


@OTHERS
@pytest.mark.parametrize("solver", ["fused", "exponential", "extrapolated"])
@pytest.mark.parametrize(
    "options", [{}, {"batch": ()}, {"constraint": "explicit"}, {"memory": "lstm"}, {"batch": (2, 3)}]
)
def test_every_backend_gives_the_references_numbers_and_gradients(backend, solver, options):
    arguments = case(solver=solver, **options)
    (y, x, by), (y_ref, x_ref, by_ref) = (
        result(*[arguments[0], b, *arguments[1:]]) for b in (backend, "reference")
    )
    torch.testing.assert_close(y, y_ref, **CLOSE)
    torch.testing.assert_close(x, x_ref, **CLOSE)
    for name in by_ref:
        torch.testing.assert_close(by[name], by_ref[name], msg=lambda m, name=name: f"{name}: {m}", **CLOSE)


@OTHERS
def test_a_network_without_inputs(backend):
    rng = np.random.default_rng(0)
    net = models.LTCNet(wiring.random_sparse(6, sensory=0, sparsity=0.6, rng=rng), substeps=2).double()
    u = torch.zeros(3, 5, 0, dtype=torch.float64)
    x0 = torch.tensor(rng.uniform(-1, 1, (3, 6)))
    expected = result(net, "reference", u, x0, 0.5)[1]
    torch.testing.assert_close(result(net, backend, u, x0, 0.5)[1], expected, **CLOSE)


@OTHERS
def test_a_rewired_network_moves_on_its_new_synapses(backend):
    net, u, x0, dt = case()
    net.backend = backend
    before = net(u, x0, dt)[1]
    net.rewire(wiring.auto_ncp(12, 2, sensory=3, rng=np.random.default_rng(7)), rng=np.random.default_rng(1))
    after = net(u, x0, dt)[1]
    assert not torch.allclose(before, after)
    net.backend = "reference"
    torch.testing.assert_close(after, net(u, x0, dt)[1], **CLOSE)


def test_auto_lists_the_synapses_where_the_kernels_cannot_serve(monkeypatch):
    seen = []
    original = Edges.run
    monkeypatch.setattr(Edges, "run", lambda *given: seen.append(1) or original(*given))
    net, u, x0, dt = case(solver="rk4")
    net(u, x0, dt)
    assert seen == [1]
    full = models.LTCNet(
        wiring.fully_connected(4, sensory=3, rng=np.random.default_rng(0)), solver="rk4"
    ).double()
    full(u)  # every place holds a synapse: nothing to win
    torch.vmap(net)(u, x0, dt)  # a list cannot be looked up inside vmap
    assert seen == [1]


@OTHERS
def test_gradients_at_absent_synapses_do_not_depend_on_the_backend(backend):
    net, u, x0, dt = case()
    data = u, torch.ones(4, 6, 2, dtype=torch.float64), dt
    expected = train.weight_gradients(net, data)
    assert np.abs(expected[0][~net.wiring.adjacency]).max() > 1e-6
    net.backend = backend
    for a, b in zip(train.weight_gradients(net, data), expected, strict=True):
        np.testing.assert_allclose(a, b, **CLOSE)
    assert net.backend == backend


@pytest.mark.parametrize(
    "backend, change, message",
    [
        ("parallel", {"solver": "rk4"}, "no solver 'rk4', only fused, exponential, extrapolated"),
        ("parallel", {"slope": True}, "no derivative by dt"),
        ("edges", {"vmap": True}, "vmap"),
        ("parallel", {"vmap": True}, "vmap"),
    ],
)
def test_what_a_backend_cannot_serve_is_refused_and_who_can_is_named(backend, change, message):
    net, u, x0, dt = case(solver=change.get("solver", "fused"), backend=backend)
    dt.requires_grad_("slope" in change)
    call = torch.vmap(net) if "vmap" in change else net
    with pytest.raises(
        ValueError, match=f"backend='{backend}' cannot serve this call: .*{message}.*backend='reference' can"
    ):
        call(u, x0, dt)


def test_parallel_falls_back_step_by_step_with_a_warning(monkeypatch):
    net, u, x0, dt = case(T=20, backend="parallel")
    monkeypatch.setattr(parallel, "SWEEPS", 2)
    with pytest.warns(RuntimeWarning, match="did not converge within 2 sweeps"):
        x = net(u, x0, dt)[1]
    net.backend = "reference"
    torch.testing.assert_close(x, net(u, x0, dt)[1], **CLOSE)


def test_edges_differentiate_twice_and_by_dt():
    net, u, x0, dt = case(batch=(1,), T=2, backend="edges")
    assert torch.autograd.gradgradcheck(
        lambda u, dt: net(u, x0, dt)[1], (u.requires_grad_(), dt.requires_grad_())
    )


def test_a_copy_and_a_pickle_keep_their_own_lists(tmp_path):
    net, u, x0, dt = case(backend="edges")
    net(u, x0, dt)
    other = copy.deepcopy(net)
    other.rewire(
        wiring.auto_ncp(12, 2, sensory=3, rng=np.random.default_rng(7)), rng=np.random.default_rng(1)
    )
    assert not torch.allclose(net(u, x0, dt)[1], other(u, x0, dt)[1])
    torch.save(net, tmp_path / "net.pt")
    again = torch.load(tmp_path / "net.pt", weights_only=False)
    assert torch.equal(again(u, x0, dt)[1], net(u, x0, dt)[1])


@pytest.mark.parametrize(
    "backend, solver",
    [("reference", "fused"), ("edges", "extrapolated"), ("parallel", "fused"), ("edges", "rk4")],
)
def test_a_call_whose_gradient_does_not_fit_is_refused_with_the_estimate(backend, solver, monkeypatch):
    rng = np.random.default_rng(0)
    net = models.LTCNet(
        wiring.random_sparse(48, sensory=16, sparsity=0.8, rng=rng), solver=solver, backend=backend
    )
    u, kept = torch.randn(8, 10, 16), {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        net(u)
    truth = sum(kept.values())
    monkeypatch.setattr(base, "memory", lambda device: 1.1 * truth)  # the estimate is within 10 %
    net(u)
    monkeypatch.setattr(base, "memory", lambda device: 0.9 * truth)
    with pytest.raises(
        ValueError,
        match=f"80 inputs would keep about 0 GB on the {backend} path.*smaller batch.*backend='numba'",
    ):
        net(u)
    with torch.no_grad():
        net(u)  # nothing is kept
    net.backend = "numba"
    if solver != "rk4":
        net(u)


def test_a_gpu_counts_what_torch_keeps_ready_as_free(monkeypatch):
    for name, value in (("mem_get_info", (10, 100)), ("memory_reserved", 60), ("memory_allocated", 25)):
        monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)
    assert base.memory(torch.device("cuda")) == 10 + 60 - 25


def test_lists_are_carried_to_a_device_once():
    net, u, x0, dt = case(backend="edges")
    net(u, x0, dt)
    (one, _), cpu = Circuit(net).patterns, torch.device("cpu")
    assert Circuit(net).patterns[0] is one and one.tensors(cpu)[0] is one.tensors(cpu)[0]
    net.rewire(wiring.auto_ncp(12, 2, sensory=3, rng=np.random.default_rng(7)), rng=np.random.default_rng(1))
    assert Circuit(net).patterns[0] is not one


def test_the_machine_says_how_much_it_holds():
    assert 1e8 < base.memory(torch.device("cpu")) < 1e15


def test_simulate_offers_backends_that_exist():
    assert set(simulate.BACKENDS) - {"auto"} < set(backends.BACKENDS)
