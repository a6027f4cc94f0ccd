"""Who runs a workload. A peer is a module and the function that gives its outputs (batch, steps, outputs)
for inputs.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from ltcbook import backends, dynamics, models

from . import workloads

SAME = "same mathematics"  # equal outputs and gradients, to rounding
ODE = "same equation, solved at least as exactly"
OTHER = "another model of the same size"
BACKENDS = ("numba", "windows", "edges", "parallel", "reference")  # the fastest first
FOR_ONE = ("windows", "parallel")  # made for long sequences: a full batch fills the machine anyway
ON_A_GPU = ("reference", "edges", "parallel")


@dataclass
class Peer:
    """One competitor on one workload. kind: ``SAME``, ``ODE`` or ``OTHER``."""

    name: str
    kind: str
    module: nn.Module
    call: Callable

    def parameters(self):
        """Those that are trained."""
        return [p for p in self.module.parameters() if p.requires_grad]

    def train(self, u):
        """One training step without the optimiser, which is the same for all: forward, mean square,
        backward.
        """
        for p in self.parameters():
            p.grad = None
        self.call(u).square().mean().backward()

    def doubled(self):
        """Itself, from now on in float64."""
        self.module.double()
        return self

    def infer(self, u):
        """Outputs without a record for derivatives."""
        with torch.no_grad():
            return self.call(u)


def ltc(name, kind, source, *, backend, solver="fused", substeps=workloads.UNFOLDS):
    """Our LTC with the weights of an ``ncps.torch.LTC``."""
    net = models.LTCNet.from_ncps(source)
    net.solver, net.substeps, net.backend = solver, substeps, backend
    return Peer(name, kind, net, lambda u: net(u)[0])


def ncps(source):
    """The LTC of ncps itself, six fused steps per input."""
    return Peer("ncps LTC", SAME, source, lambda u: source(u)[0])


def compiled(name, source, backend="inductor"):
    """A copy of ncps's LTC whose cell ``torch.compile`` has compiled, one input at a time.

    ncps calls the cell's ``forward`` and not the cell, so ``source.rnn_cell.compile()`` would change nothing.
    There are no graph breaks, and three graphs: the first input, whose state has no derivatives, the others,
    and inference.
    """
    net = copy.deepcopy(source)
    net.rnn_cell.forward = torch.compile(net.rnn_cell.forward, backend=backend)
    return Peer(name, SAME, net, lambda u: net(u)[0])


def on_a_gpu(source):
    """ncps and those of ours that can run where it lies: Triton's kernels on a GPU alone."""
    names = ON_A_GPU + (("triton",) if on_triton(next(source.parameters()).device) else ())
    return [ncps(source), *(ltc(f"ltcbook {name}", SAME, source, backend=name) for name in names)]


def on_triton(device):
    """Whether Triton's kernels compute on this device."""
    return backends.triton.without(device) is None


def cfc(graph):
    """Closed form of ncps: on an ``AutoNCP`` of these sizes where the wiring is a policy, else dense."""
    from ncps.torch import CfC
    from ncps.wirings import AutoNCP

    if len(graph.members("command")):
        net = CfC(graph.m, AutoNCP(graph.n, outputs(graph)), batch_first=True)
    else:
        net = CfC(graph.m, graph.n, proj_size=outputs(graph), batch_first=True)
    return Peer("ncps CfC", OTHER, net, lambda u: net(u)[0])


def ctrnn(graph):
    """The continuous-time RNN of nn4n with the same synapses allowed."""
    from nn4n.model import CTRNN

    masks = [(graph.polarity_in != 0).T.astype("float32"), (graph.polarity != 0).T.astype("float32"), None]
    net = CTRNN(dims=[graph.m, graph.n, outputs(graph)], sparsity_masks=masks, dt=1, tau=2)
    return Peer("nn4n CTRNN", OTHER, net, lambda u: net(u.transpose(0, 1))[0].transpose(0, 1))


def plain(graph, kind):
    """nn.GRU or nn.RNN with as many units, read out at as many."""
    net, many = kind(graph.m, graph.n, batch_first=True), outputs(graph)
    return Peer(f"nn.{kind.__name__}", OTHER, net, lambda u: net(u)[0][..., :many])


def adaptive(source, rtol=1e-3, atol=1e-4):
    """The same equation by torchdiffeq's dopri5 on the list of synapses, started anew at every input."""
    net = models.LTCNet.from_ncps(source)

    def call(u):
        return net.readout(solve(dynamics.EdgeLTC.of(net.cell()), net.map_input(u), rtol, atol)[0])

    return Peer("torchdiffeq dopri5", ODE, net, call)


def solve(cell, u, rtol, atol):
    """States (..., T, n) after each input of u (..., T, m), held for 1 ms, and how often the gates were
    evaluated.
    """
    from torchdiffeq import odeint

    evaluations = 0

    def field(t, x):
        nonlocal evaluations
        evaluations += 1
        return dynamics.vector_field(t, x, held, cell)

    x, span, trajectory = u.new_zeros((*u.shape[:-2], cell.n)), u.new_tensor([0.0, 1.0]), []
    for held in u.unbind(-2):
        x = odeint(field, x, span, rtol=rtol, atol=atol, method="dopri5")[-1]
        trajectory.append(x)
    return torch.stack(trajectory, -2), evaluations


def outputs(graph):
    """How many neurons are read out."""
    return len(graph.members("motor")) or graph.n


def everyone(work, *, parts=None, seed=0, backends=BACKENDS):
    """Name -> Peer for a workload, ncps first. parts: substeps with which "extrapolated" is as exact as
    ncps's six.
    """
    graph = work.wired()
    source = workloads.source(graph, seed)
    found = [ncps(source)]
    for backend in backends:
        if backend not in FOR_ONE or work.batch == 1:
            found.append(ltc(f"ltcbook {backend}", SAME, source, backend=backend))
    if "numba" in backends and parts:
        found.append(
            ltc(
                "ltcbook numba, extrapolated",
                ODE,
                source,
                backend="numba",
                solver="extrapolated",
                substeps=parts,
            )
        )
    if work.name == "W1":
        found.append(adaptive(source))
    found += [cfc(graph), ctrnn(graph), plain(graph, nn.GRU), plain(graph, nn.RNN)]
    return {peer.name: peer for peer in found}


def one(work, name, **options):
    """The Peer of that name alone; KeyError with the names that there are."""
    found = everyone(work, **options)
    if name not in found:
        raise KeyError(f"no peer {name!r}; there are {', '.join(found)}.")
    return found[name]
