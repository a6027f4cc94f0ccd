"""The race with what one would pick instead of our kernels: JAX, diffrax, ``torch.compile``. All is optional:
what is not installed says so in a line, and the others run.
"""

import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from unittest.mock import patch

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from ltcbook import models, simulate

from . import measure, peers, table, workloads
from .accuracy import EXACT, TOLERANCES
from .studies import no_room, roomy, single_thread
from .workloads import WORKLOADS

JAX, DIFFRAX, COMPILED = "JAX jit + lax.scan", "diffrax Tsit5", "ncps LTC, torch.compile"
TIGHT = (1e-6, 1e-7)  # rtol and atol with which the gradients of diffrax are compared
RACED = ("W1", "W2")
SOLVED = ("W1",)  # where solvers with adaptive steps race too
PACKAGES = ("torch", "numba", "ncps", "jax", "diffrax")
NEEDS = {JAX: ("jax",), DIFFRAX: ("jax", "diffrax")}


@dataclass
class Entry:
    """A competitor that is ready to run. seconds: what compiling a training step took, or None. network: one
    of JAX whose tolerances can be set.
    """

    kind: str
    train: Callable
    infer: Callable
    answers: Callable
    seconds: float | None = None
    network: object = None


def missing():
    """Name -> one line, for each competitor that cannot run here."""
    lacks = {name: [p for p in packages if find_spec(p) is None] for name, packages in NEEDS.items()}
    found = {
        name: f"not installed: pip install {' '.join(packages)}"
        for name, packages in lacks.items()
        if packages
    }
    if not any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++", "cl")):
        found[COMPILED] = "no C++ compiler: install g++"
    return found


def run(plan, works=RACED, *, bar=True):
    """The study "peers": what was found on each workload, with its date and its machine. bar: whether a
    progress bar is shown.
    """
    began = time.perf_counter()
    with single_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        progress = tqdm(works, disable=not bar, unit="workload")
        found = {name: race(WORKLOADS[name], plan) for name in progress}
    machine = measure.machine()
    machine["packages"] = {name: measure.version(name) for name in PACKAGES}
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "seconds": round(time.perf_counter() - began),
        "machine": machine,
        "works": found,
    }


def race(work, plan):
    """Training and inference beside ncps by CPU time on one thread, everybody in turn in one process.

    First everybody's outputs and gradients are compared: with our list of synapses in float64 where they must
    be equal, with DOP853 where the equation is solved. Raises ``measure.Disagreement``.
    """
    steps = plan.steps(work)
    if not roomy(work, steps):
        raise no_room(work, steps)
    u = workloads.waves(work.batch, steps, work.wired().m)
    lacking = {name: why for name, why in missing().items() if name != DIFFRAX or work.name in SOLVED}
    with fresh_cache():
        found, source = entered(work, u, lacking)
        agreement = same(found, source, u)
        exactness, bar = exact(work, found, source, u)
        taken = {
            what: measure.timed(
                {name: getattr(entry, what) for name, entry in found.items()},
                rounds=plan.rounds,
                budget=plan.budget,
            )
            for what in ("train", "infer")
        }
    return {
        "steps": steps,
        "training": measure.ratios(taken["train"], table.BASE),
        "inference": measure.ratios(taken["infer"], table.BASE),
        "compile": {name: entry.seconds for name, entry in found.items() if entry.seconds is not None},
        "agreement": agreement,
        "exactness": exactness,
        "bar": bar,
        "missing": lacking,
    }


@contextmanager
def fresh_cache():
    """``torch.compile`` begins with nothing compiled before."""
    torch.compiler.reset()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        patch.dict(os.environ, TORCHINDUCTOR_CACHE_DIR=folder),
    ):
        yield


# --- who races --------------------------------------------------------------------------------------------


def entered(work, u, lacking):
    """Name -> Entry of everybody who can run, compiled, and the network of ncps whose weights they have."""
    graph = work.wired()
    torches = peers.everyone(work, parts=3, backends=peers.BACKENDS[:1])
    source = torches[table.BASE].module
    found = {name: entry(peer, u) for name, peer in torches.items()}
    lstm = peers.plain(graph, nn.LSTM)
    found[lstm.name] = entry(lstm, u)
    if COMPILED not in lacking:
        found[COMPILED] = compiled(source, u)
    if JAX not in lacking:
        found[JAX] = in_jax(peers.SAME, source, u)
    if DIFFRAX not in lacking and work.name in SOLVED:
        found[DIFFRAX] = in_jax(peers.ODE, source, u, TIGHT)
    return found, source


def entry(peer, u):
    """A peer of torch."""
    return Entry(peer.kind, lambda: peer.train(u), lambda: peer.infer(u), lambda: measure.answers(peer, u))


def compiled(source, u, backend="inductor"):
    """The LTC of ncps with its cell, one input of it, compiled by ``torch.compile``.

    Its loop over the inputs stays Python's. Compiled whole, the loop is written out: with 4 inputs of W1 that
    took as long as the cell alone and ran no faster; with all 48 it had not ended after eight minutes.
    """
    ready = entry(peers.compiled(COMPILED, source, backend), u)
    took = []
    for _ in range(2):
        began = time.perf_counter()
        ready.train()
        took.append(time.perf_counter() - began)
    ready.seconds = max(0.0, took[0] - took[1])
    return ready


def in_jax(kind, source, u, options=None):
    """The same network in JAX: fused steps, or with options (rtol, atol) the equation by diffrax."""
    from . import peers_jax

    move = peers_jax.fused if options is None else peers_jax.adaptive
    net = peers_jax.JaxLTC(source, u, move, options or ())
    return Entry(kind, net.train, net.infer, net.answers, net.seconds, None if options is None else net)


# --- whether they compute the same ------------------------------------------------------------------------


def same(found, source, u):
    """Name -> distance of outputs and gradients to ours in float64, of all that must give ncps's numbers."""
    truth = peers.ltc("ours", peers.SAME, source, backend="edges")
    truth.module.double()
    right, result = measure.answers(truth, u.double()), {}
    for name, one in found.items():
        if one.kind == peers.SAME:
            result[name] = measure.distance(one.answers(), right)
            measure.refuse(name, result[name], "the float64 reference")
    return result


def exact(work, found, source, u):
    """Name -> the error of the outputs of all that solve the equation, and ncps's: relative, root mean square
    against DOP853, on the first samples and steps.

    diffrax is left with the loosest tolerance that is as exact as ncps, after its gradients with a tight one
    were compared with torchdiffeq's. Raises ``measure.Disagreement`` where one is less exact than ncps.
    """
    samples, steps = EXACT[work.name]
    net = models.LTCNet.from_ncps(source).double()
    little = net.map_input(u[:samples, :steps].double()).detach().numpy()
    cell = net.cell(numpy=True)
    states = [simulate.reference(cell, one, np.zeros(net.n), 1.0, rtol=1e-11, atol=1e-12) for one in little]
    truth = net.readout(torch.as_tensor(np.stack(states))).detach()
    off = lambda y: float(((y[:samples, :steps] - truth).square().mean() / truth.square().mean()).sqrt())
    bar, result = off(source(u)[0].detach()), {}
    for name, one in found.items():
        if one.kind != peers.ODE:
            continue
        result[name] = {"error": off(one.answers()[0])}
        if one.network is not None:
            close = measure.answers(peers.adaptive(source, 1e-9, 1e-10).doubled(), u.double())
            far = measure.distance(one.answers(), close)
            measure.refuse(name, far, "torchdiffeq in float64")
            result[name] = far | loosened(one, off, bar)
        if not result[name]["error"] <= bar:
            raise measure.Disagreement(
                f"{name}: the error is {result[name]['error']:.2g}, ncps's {bar:.2g}; nothing was timed."
            )
    return result, bar


def loosened(one, off, bar):
    """Set the loosest tolerance with which the error is not above the bar; both."""
    for tolerance in TOLERANCES:
        one.network.options = (tolerance, tolerance / 10)
        error = off(one.answers()[0])
        if error <= bar:
            break
    return {"error": error, "tolerance": tolerance}
