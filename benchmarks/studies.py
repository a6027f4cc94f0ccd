"""What is measured, in the order in which it runs. Every study returns plain numbers for ``results.json``."""

import contextlib
import os
import tempfile
import time
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime

import torch
from tqdm import tqdm

from . import accuracy, gpu, launches, limit, measure, peers, seeds, table, windows, workloads
from .workloads import UNFOLDS, WORKLOADS

TRAINED = ("W1", "W2", "W3", "W4")
DENSITIES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
DENSE = (table.BASE, "ltcbook reference")  # keep the gates of all n x n synapses, whether they exist or not


@dataclass(frozen=True)
class Plan:
    """How much is done: samples per peer at most, and seconds after which a study starts no further round."""

    quick: bool = False
    rounds: int = 7
    budget: float = 15.0
    names: tuple = TRAINED

    def steps(self, work):
        """Steps on which everybody is timed."""
        return work.quick if self.quick else work.short


def run(plan, *, bar=True):
    """Everything, as the dictionary that ``results.json`` holds. bar: whether a progress bar is shown."""
    began, results = time.perf_counter(), {}
    with single_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own; ours would have stopped the agreement check
        jobs = list(listed(plan, results))
        load = [os.getloadavg()[0]] if hasattr(os, "getloadavg") else []
        with tqdm(jobs, disable=not bar, unit="study") as progress:
            for title, job in progress:
                progress.set_description(title)
                job()
                measure.tidy()
        load += [os.getloadavg()[0]] if load else []
    head = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "quick": plan.quick,
        "seconds": round(time.perf_counter() - began),
        "load": [round(value, 1) for value in load],
        "machine": measure.machine() | limit.processor(),
        "workloads": {name: described(WORKLOADS[name], plan) for name in (*plan.names, "W5")},
    }
    return head | results | {"goals": table.goals(results)}


@contextlib.contextmanager
def single_thread():
    """torch, and the kernels with it, on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def described(work, plan):
    """A workload in numbers."""
    graph = work.wired()
    return {
        "says": work.says,
        "units": graph.n,
        "inputs": graph.m,
        "synapses": len(graph.edges()),
        "synapses_in": len(graph.edges_in()),
        "batch": work.batch,
        "steps": work.steps,
        "timed": plan.steps(work),
    }


def listed(plan, results):
    """(title, job) of every study; a job writes what it finds into ``results``."""

    def put(key, name, job, *arguments):
        def do():
            results.setdefault(key, {})[name] = job(*arguments)

        return f"{key} {name}", do

    works = [WORKLOADS[name] for name in plan.names]
    for work in works:
        yield put("accuracy", work.name, accuracy.curves, work)
    yield put("accuracy", "W1, synapses x 5", accuracy.curves, WORKLOADS["W1"], 5.0)
    parts = lambda work: accuracy.enough(results["accuracy"][work.name])
    for work in (*works, WORKLOADS["W5"]):
        yield put("agreement", work.name, lambda w: accuracy.agree(w, 3), work)
    for work in works:
        yield put("training", work.name, lambda w: race(w, plan, "train", parts(w)), work)
        yield put("inference", work.name, lambda w: race(w, plan, "infer", parts(w)), work)
    for work in works:
        yield put("limit", work.name, limit.distance, work, plan)
    yield put("inference", "W5", lambda w: race(w, plan, "infer", parts(WORKLOADS["W1"])), WORKLOADS["W5"])
    yield put("windows", "W5", windows.race, WORKLOADS["W5"], plan)
    yield put("seeds", "W1", seeds.race, WORKLOADS["W1"], plan)
    if not plan.quick:
        yield put("training", "W5", long_training, WORKLOADS["W5"], plan)
        for work in works:
            yield put("two_threads", work.name, two_threads, work, plan)
        for work in works:
            yield put("avx2", work.name, lambda w: limit.second(w, plan, parts(w)), work)
        yield put("start", "first", first_call)
    for work in works:
        yield put("memory", work.name, memory, work, plan)
    on_a_gpu = [w for w in (*works, WORKLOADS["W5"]) if w.name in workloads.ON_A_GPU]
    for work in on_a_gpu:
        steps = work.quick if plan.quick else work.steps
        yield put("launches", work.name, launches.count, work, steps)
    for density in DENSITIES[::3] if plan.quick else DENSITIES:
        yield put("density", f"{density:g}", by_density, density, plan)
    if torch.cuda.is_available():
        for work in on_a_gpu:
            yield put("gpu", work.name, gpu.race, work, plan)


# --- time -------------------------------------------------------------------------------------------------


def race(work, plan, what, parts):
    """Name -> seconds and ratio to ncps of a training step ("train") or of inference ("infer"): CPU time,
    one thread.
    """
    found = peers.everyone(work, parts=parts)
    if work.name == "W5":
        found = {
            name: peer for name, peer in found.items() if peer.kind != peers.OTHER or name.startswith("nn.")
        }
    u = workloads.waves(work.batch, plan.steps(work), work.wired().m)
    calls = {
        name: lambda peer=peer: getattr(peer, what)(u)
        for name, peer in found.items()
        if what != "train" or fits(peer, work, plan.steps(work))
    }
    if table.BASE not in calls:
        raise no_room(work, plan.steps(work))
    return measure.ratios(measure.timed(calls, rounds=plan.rounds, budget=plan.budget), table.BASE)


def fits(peer, work, steps):
    """Whether the matrices of gates that a dense peer keeps fit into the memory that is free."""
    return peer.name not in DENSE or roomy(work, steps)


def roomy(work, steps):
    """Whether ncps's training step fits into the memory that is free."""
    return dense(work, steps) < 0.8 * measure.available()


def no_room(work, steps):
    """What to raise where it does not."""
    return MemoryError(
        f"ncps would need about {dense(work, steps):.0f} MB for {work.name}, more than is free: close other "
        "programs, or run with --quick."
    )


def dense(work, steps):
    """MB of a training step that keeps every gate of the n x n matrices."""
    return measure.dense_estimate(work.wired().n, work.batch, steps, UNFOLDS)


def long_training(work, plan):
    """A training step on 1000 steps of one trajectory."""
    found = {name: peer for name, peer in peers.everyone(work).items() if peer.kind == peers.SAME}
    u = workloads.waves(work.batch, 1000, work.wired().m)
    calls = {name: lambda peer=peer: peer.train(u) for name, peer in found.items()}
    return measure.ratios(measure.timed(calls, rounds=plan.rounds, budget=plan.budget), table.BASE)


def two_threads(work, plan):
    """A training step by wall time on two threads, ncps against our kernels; nothing on a busy machine,
    where threads wait for each other and wall time means nothing.
    """
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > measure.cores() + 0.5:
        return {}
    found = peers.everyone(work, backends=peers.BACKENDS[:1])
    u = workloads.waves(work.batch, plan.steps(work), work.wired().m)
    calls = {
        name: lambda peer=peer: peer.train(u)
        for name, peer in found.items()
        if peer.kind == peers.SAME or name == "nn.RNN"
    }
    torch.set_num_threads(2)
    try:
        taken = measure.timed(calls, rounds=plan.rounds, budget=plan.budget / 2, clock=time.perf_counter)
    finally:
        torch.set_num_threads(1)
    return measure.ratios(taken, table.BASE)


def first_call():
    """Seconds that the first training step of a process waits, with nothing compiled yet and in a later
    process.
    """
    with tempfile.TemporaryDirectory() as folder:
        return {
            "nothing compiled": measure.apart(first_step, folder),
            "compiled before": measure.apart(first_step, folder),
        }


def first_step(folder):
    """Seconds of a first training step of W1 with compiled kernels kept in this folder; ncps and torch are
    loaded.
    """
    os.environ["NUMBA_CACHE_DIR"] = folder
    peer = peers.one(WORKLOADS["W1"], f"ltcbook {peers.BACKENDS[0]}")
    u = workloads.waves(32, 48, 2)
    began = time.perf_counter()
    peer.train(u)
    return time.perf_counter() - began


# --- memory -----------------------------------------------------------------------------------------------


def step_of(name, peer, steps, graph=None):
    """(warm, step) for ``measure.peak``: a training step of a peer on a workload, or on W3 with another
    wiring.
    """
    work = WORKLOADS[name]
    if graph is not None:
        work = workloads.Workload(name, "", lambda: graph, work.batch, steps, steps, steps)
    found = peers.one(work, peer, parts=3)
    u, little = (workloads.waves(work.batch, t, work.wired().m) for t in (steps, 1))
    return lambda: found.train(little), lambda: found.train(u)


def smallish(*job):
    """``measure.peak``, and where that is a few MB the median of three: then the allocator's mood counts."""
    first = measure.peak(*job)
    if not isinstance(first, float) or first > 100:
        return first
    return sorted([first, measure.peak(*job), measure.peak(*job)])[1]


def memory(work, plan):
    """Name -> MB of one training step beyond what is there before it, or a string where it could not be
    measured.

    "... whole": ours on all steps of a workload that ncps's memory cuts short.
    """
    wanted = {
        name: plan.steps(work)
        for name, peer in peers.everyone(work).items()
        if peer.kind == peers.SAME or not plan.quick
    }
    result = {}
    for name, steps in wanted.items():
        if name in DENSE:
            need = dense(work, steps)
            if need > 0.8 * measure.available():
                result[name] = f"not measured: it would need about {need:.0f} MB, more than is free"
                continue
        result[name] = smallish(step_of, work.name, name, steps)
    if work.cut and not plan.quick:
        fastest = f"ltcbook {peers.BACKENDS[0]}"
        result[f"{fastest}, whole"] = smallish(step_of, work.name, fastest, work.steps)
    return result


# --- pruning pays -----------------------------------------------------------------------------------------


def by_density(density, plan):
    """A training step of 256 units with this share of the synapses: seconds, MB and the synapses there are.

    ncps is dense whatever the wiring says, so it runs at the two ends only.
    """
    work, steps = WORKLOADS["W3"], 2 if plan.quick else 16
    graph = workloads.sparse(256, 16, density)
    dense = workloads.Workload("W3", "", lambda: graph, work.batch, steps, steps, steps)
    names = [f"ltcbook {name}" for name in peers.BACKENDS if name in ("numba", "edges")]
    ends = density in (DENSITIES[0], DENSITIES[-1]) and not plan.quick
    found = peers.everyone(dense)
    calls = {name: lambda name=name: found[name].train(u) for name in [*names, *[table.BASE] * ends]}
    u = workloads.waves(work.batch, steps, graph.m)
    taken = measure.timed(calls, rounds=min(plan.rounds, 5), budget=plan.budget / 2)
    return {
        "synapses": len(graph.edges()),
        "possible": graph.n**2,
        "seconds": {name: measure.quartiles(values) for name, values in taken.items()},
        "memory": {name: measure.peak(step_of, "W3", name, steps, graph) for name in calls},
    }
