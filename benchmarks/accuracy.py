"""How exact the solvers are for what they cost, and whether everybody computes the same."""

import contextlib

import numpy as np
import torch

from ltcbook import dynamics, models, simulate

from . import measure, peers, table, workloads
from .workloads import UNFOLDS

COSTS = (1, 2, 3, 4, 6, 8, 12, 24)  # gate evaluations per input
PER_STEP = {"fused": 1, "exponential": 1, "extrapolated": 1, "euler": 1, "rk4": 4}
TOLERANCES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
EXACT = {"W1": (4, 48), "W2": (2, 16), "W3": (1, 8), "W4": (1, 2)}  # samples and steps solved by DOP853
# batch and steps compared
CHECKED = {
    "W1": (32, 48),
    "W2": (8, 24),
    "W3": (8, 4),
    "W4": (2, 2),
    "W5": (1, 700),
}


def curves(work, factor=1.0):
    """Method -> [[gate evaluations per input, relative RMS error against DOP853], ...], float64.

    factor: the recurrent conductances times this. The adaptive dopri5 of torchdiffeq has one point per
    tolerance.
    """
    samples, steps = EXACT[work.name]
    net = models.LTCNet.from_ncps(workloads.source(work.wired())).double()
    cell = dynamics.EdgeLTC.of(net.cell(numpy=True))
    cell = dynamics.EdgeLTC(**{**vars(cell), "w": cell.w * factor})
    u = net.map_input(workloads.waves(samples, steps, net.m, torch.float64)).detach().numpy()
    truth = np.stack(
        [simulate.reference(cell, one, np.zeros(net.n), 1.0, rtol=1e-11, atol=1e-12) for one in u]
    )
    error = lambda x: float(np.sqrt(((x - truth) ** 2).mean() / (truth**2).mean()))

    found = {method: [] for method in PER_STEP}
    for method, each in PER_STEP.items():
        for cost in COSTS:
            if cost % each == 0:
                with contextlib.suppress(ValueError), np.errstate(all="ignore"):  # it left the finite numbers
                    x = simulate.simulate(
                        cell, u, np.zeros((samples, net.n)), 1.0, method=method, substeps=cost // each
                    )
                    found[method].append([cost, error(x)])
    cell = dynamics.EdgeLTC(
        **{k: torch.as_tensor(v) if isinstance(v, np.ndarray) else v for k, v in vars(cell).items()}
    )
    found["dopri5"] = []
    for tolerance in TOLERANCES:
        x, evaluations = peers.solve(cell, torch.as_tensor(u), tolerance, tolerance / 10)
        found["dopri5"].append([evaluations / steps, error(x.numpy())])
    return found


def enough(curves):
    """The fewest extrapolated substeps that are at least as exact as the fused steps of ncps."""
    bar = dict(curves["fused"])[UNFOLDS]
    return min(cost for cost, error in curves["extrapolated"] if error <= bar)


def agree(work, parts):
    """Name -> distance of outputs and gradients to our reference path in float64, ncps's among them."""
    batch, steps = CHECKED[work.name]
    source = workloads.source(work.wired())
    u = workloads.waves(batch, steps, source.rnn_cell.sensory_size)

    def pair(name, double=False, **options):
        peer = peers.ltc(name, peers.SAME, source, **options)
        peer.module.to(torch.float64 if double else torch.float32)
        return peer

    result = {}
    for solver, substeps in (("fused", UNFOLDS), ("extrapolated", parts)):
        options = {"solver": solver, "substeps": substeps}
        truth = pair("truth", double=True, backend="reference", **options)
        end = "" if solver == "fused" else ", extrapolated"
        ours = [name for name in peers.BACKENDS if name != "windows" or batch == 1]
        found = {f"ltcbook {name}{end}": pair(name, backend=name, **options) for name in ours}
        found |= {
            f"ltcbook {name}{end}, float64": pair(name, double=True, backend=name, **options)
            for name in ours
            if name != "reference"
        }
        if solver == "fused":
            found = {table.BASE: peers.ncps(source)} | found
        result |= measure.agreement(found, truth, u)
    return result
