"""The ways in which an LTC network computes one and the same trajectory, and the choice between them."""

import os
from types import SimpleNamespace

import numpy as np
import torch

from .. import dynamics, kernels, simulate
from ..kernels.wires import FIELDS, GATES, POSITIVE, Wires
from ..ops import tracing

BACKENDS = ("auto", "reference", "edges", "parallel", "numba")
KEPT = {"reference": 3.1, "edges": 2.75, "parallel": 2.7}
SPARSE = 0.5  # below this share of synapses "auto" lists them where the kernels cannot serve


def mover(net, u, x0, dt):
    """A function (u, x0, dt) -> x (..., T, n) for one call of an ``LTCNet``, by the backend that it chose.

    u (..., T, m) as ``net.map_input`` gives it, x0 (..., n), dt (..., T) in ms: tensors that the function
    will get, or such as these. Raises ValueError where ``net.backend`` insists on what cannot serve; it names
    what can.
    """
    path, options = chosen(net, u, x0, dt), {"method": net.solver, "substeps": net.substeps}
    if path == "numba":
        from ..kernels.autograd import trajectory

        cell, wires, options["positive"] = in_lists(net)
        return lambda u, x0, dt: trajectory(cell, wires, u, x0, dt, **options)
    cell = net.cell() if path == "reference" else on_edges(net)
    check_memory(net, cell, x0, dt, path)

    def stepwise(u, x0, dt):
        u, dt = (u, dt) if net.m else (None, dt.expand(u.shape[:-1]))
        return simulate.moved(cell, u, x0, dt, **options)

    if path != "parallel":
        return stepwise
    from ..kernels import parallel

    def at_once(u, x0, dt):
        return parallel.trajectory(cell, u if net.m else None, x0, dt, **options, sequential=stepwise)

    return at_once


def chosen(net, u, x0, dt):
    """Which backend serves this call: "reference", "edges", "parallel" or "numba"; ValueError for what
    cannot be had.
    """
    if net.backend == "reference":
        return "reference"
    from ..kernels import autograd

    tensors = (u, x0, dt, *net.parameters(recurse=net.memory is not None))
    if net.backend in ("auto", "numba"):
        if kernels.choose(net.backend, autograd.problem(tensors, dt, net.solver)):
            return "numba"
        if autograd.looked_into(tensors) or replaced(net):
            return "reference"
        synapses = sum(len(here.place) for here in wires_of(net))
        return "edges" if synapses < SPARSE * net.n * (net.n + net.m) else "reference"
    problem = autograd.looked_into(tensors) or (
        "its cell was replaced, perhaps by one without a wiring" if replaced(net) else None
    )
    if net.backend == "parallel" and problem is None:
        from ..kernels.parallel import STEPS

        problem = None if net.solver in STEPS else f"it has no solver {net.solver!r}, only {', '.join(STEPS)}"
        problem = problem or ("it has no derivative by dt" if dt.requires_grad else None)
    if problem:
        raise ValueError(
            f"backend={net.backend!r} cannot serve this call: {problem}; backend='reference' can."
        )
    return net.backend


def check_memory(net, cell, x0, dt, path):
    """One ValueError, before any step is computed, for a call whose gradient would keep more than the machine
    holds.

    Counted: the tensors that autograd keeps per gate that is read (``KEPT``).
    """
    if not torch.is_grad_enabled() or tracing(x0, dt):
        return
    reads = net.substeps * (4 if net.solver == "rk4" else 1)
    heard = (cell.w_in.numel() if net.m else 0) * (reads if path == "reference" else 1)
    samples = x0[..., 0].numel() * dt.shape[-1]
    need = KEPT[path] * samples * (reads * cell.w.numel() + heard) * x0.element_size()
    have = memory(x0.device)
    if need > have:
        raise ValueError(
            f"training on {samples} inputs would keep about {need / 1e9:.0f} GB on the {path} path; "
            f"{x0.device} has {have / 1e9:.0f} GB: take a smaller batch, a shorter sequence, or, on a CPU, "
            "backend='numba'."
        )


def memory(device):
    """Bytes of memory of a device: on a GPU what is free or kept ready by torch, beside a CPU all there
    is.
    """
    if device.type == "cuda":
        ready = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + ready
    return (
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else float("inf")
    )


def replaced(net):
    """Whether somebody gave the network another ``cell``, as ``train.weight_gradients`` does: it may have
    more synapses.
    """
    return "cell" in vars(net)


def in_lists(net):
    """For the kernels: a cell, the two ``Wires``, and (function, derivative) of what its raw numbers stand
    for, or None.
    """
    if replaced(net):
        return (
            net.cell(),
            tuple(Wires(np.ones(mask.shape, np.int8)) for mask in (net.polarity, net.polarity_in)),
            None,
        )
    return SimpleNamespace(**parameters(net)), wires_of(net), (net.positive, net.slope)


def parameters(net):
    """Field of ``dynamics.LTC`` -> the parameter that holds or stands for it."""
    return {name: getattr(net, net.parameter_of(name)) for name in FIELDS}


def on_edges(net):
    """The cell of now as a ``dynamics.EdgeLTC``: every field of a synapse is read where one is, and only
    there.
    """
    values, places = parameters(net), {}
    for end, here in zip(("", "_in"), wires_of(net), strict=True):
        place, target, source = here.tensors(net.raw_w.device)
        places |= {"target" + end: target, "source" + end: source}
        values.update({name + end: values[name + end].flatten().index_select(0, place) for name in GATES})
    values |= {name: net.positive(values[name]) for name in POSITIVE}
    return dynamics.EdgeLTC(**values, **places, m=net.m)


def wires_of(net):
    """``Wires`` of both masks, listed anew only when a mask has changed."""
    masks = net.polarity, net.polarity_in
    kept = vars(net).get("_kept_wires")
    if kept is None or not all(
        same(mask, stamp, here) for mask, (stamp, here) in zip(masks, kept, strict=True)
    ):
        kept = tuple(((mask, version(mask)), Wires(mask.cpu().numpy())) for mask in masks)
        vars(net)["_kept_wires"] = kept
    return tuple(here for _, here in kept)


def same(mask, stamp, wires):
    """Whether a mask is still the listed one: by its values on a CPU; elsewhere, where looking is dear, by
    torch's count.
    """
    if mask.device.type == "cpu" or mask.is_inference():
        return bool((mask.cpu().numpy() == wires.polarity).all())
    return mask is stamp[0] and version(mask) == stamp[1]


def version(mask):
    """How often a tensor was changed in place, as torch counts; None where it does not: made in
    ``torch.inference_mode``.
    """
    return None if mask.is_inference() else mask._version
