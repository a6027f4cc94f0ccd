"""The backend for a GPU: its numbers in Triton's interpreter, what it compiles to, and when it is chosen.

Nothing here needs a GPU. ``python tests/triton_check.py`` compares the same on the one that is there.
"""

import importlib.util

import numpy as np
import pytest
import torch
import triton_check
from fake_cuda import GPU, Far
from test_backends import case
from torch.utils._python_dispatch import TorchDispatchMode

from ltcbook import backends, models, wiring
from ltcbook.backends import base
from ltcbook.backends import triton as choice
from ltcbook.backends.edges import Edges
from ltcbook.kernels import autograd

needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="Triton is not installed; it runs on Linux alone"
)


@needs_triton
def test_states_and_all_derivatives_are_the_references():
    found = triton_check.interpreted()
    assert set(found) == set(triton_check.CASES)
    for name, far, what, limit in triton_check.verdicts(found):
        assert far <= limit, (name, what)


@needs_triton
@pytest.mark.parametrize("dense", [32, 64])
@pytest.mark.parametrize("architecture", triton_check.ARCHITECTURES)
def test_up_to_64_units_every_number_stays_in_a_register(dense, architecture, root, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(root / "_build" / "cache" / "triton"))
    for kernel in ("forward", "backward"):
        used, spilled = triton_check.registers(kernel, "fused", dense, architecture)
        assert 0 < used <= 255 and spilled == 0, kernel


@needs_triton
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_on_a_gpu_states_and_all_derivatives_are_the_references():
    for name, far, what, limit in triton_check.verdicts(triton_check.agree("cuda")):
        assert far <= limit, (name, what)


# --- what it does with tensors, without computing ---------------------------------------------------------


@pytest.fixture
def launched(monkeypatch):
    """The kernels that would have been started, by name; instead of their results there are zeros."""
    from ltcbook.kernels import triton_call

    found = []

    def launch(call, kernel, tables, arrays, constants):
        found.append(kernel.__name__)
        for name in {"X", "BY_U", "BY_X0"} & set(arrays):
            arrays[name].zero_()

    monkeypatch.setattr(triton_call.Call, "_launch", launch)
    monkeypatch.setattr(choice, "without", lambda device: None)
    return found


class Allocated(TorchDispatchMode):
    """Counts the bytes of memory that is asked for while it is active."""

    bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if func._schema.name.startswith(("aten::new_", "aten::empty")):
            self.bytes += result.nbytes
        return result


@needs_triton
def test_a_sequence_is_one_launch_and_its_derivatives_another(launched):
    net, u, x0, dt = case(solver="fused", backend="triton", batch=(2, 3))
    y, x = net(u, x0, dt)
    assert launched == ["forward"] and x.shape == (2, 3, 6, 12)
    y.sum().backward()
    assert launched == ["forward", "backward"] and net.raw_w.grad.shape == (12, 12)
    with torch.no_grad():
        assert net(u[0, :0], x0[0, :0], dt[0, :0])[1].shape == (0, 6, 12)


@needs_triton
def test_without_derivatives_no_substeps_are_kept(launched):
    net, u, x0, dt = case(solver="fused", backend="triton")
    with Allocated() as training:
        net(u, x0, dt)
    with Allocated() as inference, torch.no_grad():
        net(u, x0, dt)
    assert inference.bytes < training.bytes


@needs_triton
def test_second_derivatives_are_refused(launched):
    net, u, x0, dt = case(solver="fused", backend="triton")
    (slope,) = torch.autograd.grad(net(u, x0, dt)[1].sum(), net.raw_w, create_graph=True)
    with pytest.raises(
        ValueError, match="the Triton kernels have first derivatives only.*backend='reference'"
    ):
        slope.sum().backward()


@needs_triton
@pytest.mark.parametrize("n", [48, 100])
def test_a_call_that_does_not_fit_is_refused_with_the_estimate(n, launched, monkeypatch):
    net = models.LTCNet(wiring.random_sparse(n, sensory=16, rng=np.random.default_rng(0)), backend="triton")
    u = torch.randn(40, 50, 16)
    with Allocated() as taken:
        net(u)[1].sum().backward()
    monkeypatch.setattr(base, "memory", lambda device: 1.1 * taken.bytes)  # the estimate is within 10 %
    net(u)
    monkeypatch.setattr(base, "memory", lambda device: 0.9 * taken.bytes)
    with pytest.raises(ValueError, match="2000 inputs would keep about 0 GB on the triton path"):
        net(u)
    with torch.no_grad():
        net(u)


# --- the choice -------------------------------------------------------------------------------------------


def test_without_a_gpu_it_is_refused_and_passed_by():
    net, u, x0, dt = case(solver="fused", backend="triton")
    message = (
        "backend='triton' cannot serve this call: it computes on a GPU, not on cpu; backend='reference' can"
    )
    with pytest.raises(ValueError, match=message):
        net(u, x0, dt)
    assert "triton" in backends.AUTO
    net.backend = "auto"
    net(u, x0, dt)


@pytest.mark.parametrize(
    "there, version, capability, message",
    [
        (False, "13.0", (9, 0), "the package triton is not installed"),
        (True, None, (9, 0), "it computes on GPUs of NVIDIA alone"),
        (True, "13.0", (7, 5), "cuda:0 has compute capability 7.5; it needs 8.0 or more"),
    ],
)
def test_a_gpu_that_it_cannot_use_is_told_why(there, version, capability, message, monkeypatch):
    monkeypatch.setattr(choice, "find_spec", lambda name: there or None)
    monkeypatch.setattr(torch.version, "cuda", version)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert message in choice.without.__wrapped__(torch.device("cuda:0"))


@needs_triton
def test_a_sequence_too_long_to_be_counted_is_refused(monkeypatch):
    monkeypatch.setattr(choice, "without", lambda device: None)
    monkeypatch.setattr(choice.Triton, "run", lambda self, call: call.x0[..., None, :])
    monkeypatch.setattr(base, "memory", lambda device: float("inf"))
    net, u, x0, dt = case(solver="fused", backend="triton", T=1)
    net.substeps = 2**31 // 24 - 1  # twice as many numbers for each of 12 neurons
    net(u, x0, dt)
    net.substeps += 2
    with pytest.raises(ValueError, match="it counts what a sample needs in 32 bits"):
        net(u, x0, dt)


def test_on_a_gpu_it_is_chosen_where_it_fits(monkeypatch):
    monkeypatch.setattr(autograd, "PLAIN", (*autograd.PLAIN, Far))
    monkeypatch.setattr(base, "memory", lambda device: float("inf"))
    monkeypatch.setattr(choice, "without", lambda device: None)
    monkeypatch.setattr(choice.Triton, "needed", lambda *given: 0)
    seen = []
    stand_in = lambda self, call: seen.append(self.name) or Edges().run(call)
    monkeypatch.setattr(choice.Triton, "run", stand_in)
    with GPU():
        net, *given = case()
        net, given = net.to("cuda"), [t.to("cuda") for t in given]
        net(*given)
        assert seen == ["triton"]
        for problem in ("no solver 'rk4'", "no derivative by dt"):
            net.solver, net.backend = "rk4" if "rk4" in problem else "fused", "auto"
            given[2].requires_grad_("by dt" in problem)
            net(*given)
            net.backend = "triton"
            with pytest.raises(
                ValueError, match=f"backend='triton' cannot serve this call: it has {problem}"
            ):
                net(*given)
    assert seen == ["triton"]
