"""How much longer the kernels take than the gates that they must compute, and what this CPU is.

Nothing that computes an LTC network can be faster than its gates alone: one sigmoid per synapse, substep and
sample forwards, and one more backwards, where keeping it would cost more. So the limit is the best bare loop
of sigmoids over an array in the first cache that numba compiles here and that is right to ``EXACT``. The
distance is the time of a call of the kernels over that of its sigmoids in this loop, taken in turn in one
process.
"""

import json
import os
import sys
import threading
import time

import numpy as np

from . import measure, peers, workloads

EXACT = 1e-7  # of a sigmoid, float32
ENTRIES = 2048  # with the results 16 KB: they stay in the first cache
REPEATED = 50
TRIED = tuple(
    (lanes, degree, clamped) for lanes in (16, 32) for degree in (5, 6) for clamped in (False, True)
)
# to numba, to torch and to the libraries beneath it
AVX2_ONLY = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx2,+fma,+avx,+bmi,+bmi2,+f16c,+lzcnt,+movbe,+popcnt,+sse4.2,+cx16,+xsave",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}


def bare(lanes, degree, clamped):
    """A compiled loop (x, y, a, b): y = 1 / (1 + 2**(a x + b)), ``REPEATED`` times over an array."""
    import numba
    from numba.extending import register_jitable

    from ltcbook.kernels import gates
    from ltcbook.kernels.lanes import clamp, lanes_of, times_power_of_two

    load, store, *_ = lanes_of(lanes)
    big, coefficients = gates.whole_in_last_bits(numba.types.float32), gates.economised(degree)

    @register_jitable(forceinline=True)
    def sigmoid(y):
        if clamped:
            y = clamp(y, -120.0, 120.0)
        shifted = y + big
        r = y - (shifted - big)
        return 1 / (1 + times_power_of_two(gates.polynomial(r, coefficients), shifted))

    @numba.njit(nogil=True, error_model="numpy")
    def loop(x, y, a, b):
        for _ in range(REPEATED):
            for i in range(0, len(x), lanes):
                store(y, i, sigmoid(a * load(x, i) + b))

    return loop


def arrays():
    """x and y, each from the start of a line of the cache, and not a multiple of 4 KB apart."""
    room = np.zeros(2 * ENTRIES + 1024, np.float32)
    start = -room.ctypes.data // room.itemsize % 16
    x, y = room[start : start + ENTRIES], room[start + ENTRIES + 528 :][:ENTRIES]
    x[:] = np.random.default_rng(0).uniform(-12, 12, ENTRIES)
    return x, y


def on_its_own(loop):
    """A call of a bare loop on arrays that nobody else uses."""
    (x, y), one, zero = arrays(), np.float32(1), np.float32(0)
    return lambda: loop(x, y, one, zero)


def loops():
    """Name -> (call, its error): every bare loop that is tried."""
    found = {}
    x, y = arrays()
    one, zero = np.float32(1), np.float32(0)
    true = 1 / (1 + np.exp2(x.astype(float)))
    for lanes, degree, clamped in TRIED:
        loop = bare(lanes, degree, clamped)
        loop(x, y, one, zero)
        name = f"{lanes} lanes, degree {degree}{', clamped' * clamped}"
        found[name] = lambda loop=loop: loop(x, y, one, zero), float(abs(y - true).max())
    return found


def kernels(work, steps, solver, substeps):
    """(calls, gates): name -> a call of the compiled kernels alone, "forward" or "backward", on a workload,
    and how many gates a forward pass reads.
    """
    import torch

    from ltcbook import solvers
    from ltcbook.kernels import call, sparse

    graph = work.wired()
    net = peers.ltc("ours", peers.SAME, workloads.source(graph), backend="numba").module
    cell = net.numpy_cell()
    patterns = sparse.SparsePattern(graph.polarity), sparse.SparsePattern(graph.polarity_in)
    numbers = sparse.gather({name: getattr(cell, name) for name in sparse.FIELDS}, patterns)
    u = net.map_input(workloads.waves(work.batch, steps, graph.m)).detach().numpy()[None]
    one = call.Call(
        numbers[None].astype(np.float32),
        tuple(pattern.alone for pattern in patterns),
        u,
        np.ones((1, work.batch, steps), np.float32),
        solver=solvers.SOLVERS[solver],
        substeps=substeps,
    )
    x0 = np.zeros((1, work.batch, graph.n), np.float32)
    states = torch.empty(one.states_shape(substeps=True)).numpy()
    by_x = np.random.default_rng(0).normal(size=(1, work.batch, steps, graph.n)).astype(np.float32)
    calls = {
        "forward": lambda: one.forward(x0, states),
        "backward": lambda: one.backward(by_x, states),
    }
    return calls, work.batch * steps * (substeps * len(graph.edges()) + len(graph.edges_in()))


def distance(work, plan, solver="fused", substeps=workloads.UNFOLDS):
    """Times that the kernels take over those of their sigmoids alone: quartiles of "forward", of "backward",
    of "both" and of a whole training "step"; the best loop, its seconds per sigmoid, and its error.
    """
    steps = plan.steps(work)
    tried = loops()
    calls, gates = kernels(work, steps, solver, substeps)
    peer = peers.ltc("ours", peers.SAME, workloads.source(work.wired()), backend="numba")
    peer.module.solver, peer.module.substeps = solver, substeps
    u = workloads.waves(work.batch, steps, work.wired().m)
    everything = {name: call for name, (call, _) in tried.items()} | calls | {"step": lambda: peer.train(u)}
    # a round takes part of a second, so that one disturbance would reach many of a few
    taken = measure.timed(everything, rounds=5 * plan.rounds, budget=plan.budget, clock=time.process_time)
    per = {name: np.array(taken[name]) / (ENTRIES * REPEATED) for name in tried}
    best = min((n for n in tried if tried[n][1] <= EXACT), key=lambda n: np.median(per[n]))
    forward, backward, step = (np.array(taken[name]) / gates for name in ("forward", "backward", "step"))
    over = {"forward": forward, "backward": backward, "both": (forward + backward) / 2, "step": step / 2}
    return {
        "gates": gates,
        "sigmoid": best,
        "error": tried[best][1],
        "seconds": measure.quartiles(per[best]),
        **{name: measure.quartiles(values / per[best]) for name, values in over.items()},
    }


def side_by_side(rounds=9):
    """How much longer a bare loop takes while another thread runs one, too, by the CPU time of the thread: 1
    where each has a core of its own, up to 2 where they share one.
    """
    loop = bare(16, 5, False)
    mine, other = on_its_own(loop), on_its_own(loop)
    mine()
    taken = {False: [], True: []}
    for _ in range(rounds):
        for together in taken:
            stop = threading.Event()

            def beside(stop=stop):
                while not stop.is_set():
                    other()

            thread = threading.Thread(target=beside)
            if together:
                thread.start()
            mine()
            began = time.thread_time()
            for _ in range(100):
                mine()
            taken[together].append(time.thread_time() - began)
            stop.set()
            if together:
                thread.join()
    return float(np.median(taken[True]) / np.median(taken[False]))


def siblings():
    """What Linux says of the cores of this process: its CPUs in groups that share a core; None elsewhere."""
    groups = set()
    try:
        for cpu in sorted(os.sched_getaffinity(0)):
            with open(
                f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", encoding="utf8"
            ) as f:
                groups.add(f.read().strip())
    except (OSError, AttributeError):
        return None
    return sorted(groups)


def kind():
    """The kind of CPU that numba compiles for, and which of the known vector instructions it may use."""
    from llvmlite import binding
    from numba.core import config

    there = binding.get_host_cpu_features()
    has = (
        config.CPU_FEATURES.split(",") if config.CPU_FEATURES else [f"+{f}" for f, on in there.items() if on]
    )
    known = ("sse4.2", "avx", "avx2", "fma", "avx512f", "amx-tile", "neon", "sve")
    return {
        "kind": config.CPU_NAME or binding.get_host_cpu_name(),
        "flags": [name for name in known if f"+{name}" in has],
    }


def processor():
    """``kind``, and whether two threads have a core each: what Linux says, and what is measured."""
    return kind() | {"siblings": siblings(), "side_by_side": side_by_side()}


# --- a second kind of CPU ---------------------------------------------------------------------------------


def second(work, plan, parts):
    """The training race and the distance of a workload in a fresh process, this same CPU told to use AVX2
    only; {} where it has no AVX-512 to leave out, and words where it failed.
    """
    if "avx512f" not in kind()["flags"]:
        return {}
    told = {"work": work.name, "parts": parts, "plan": vars(plan)}
    return measure.beside("benchmarks.limit", told, AVX2_ONLY)


def main(told):
    """What ``second`` asks of its process: one line of JSON."""
    import warnings

    from . import studies

    warnings.simplefilter("ignore")
    asked = json.loads(told)
    work, plan = workloads.WORKLOADS[asked["work"]], studies.Plan(**asked["plan"])
    with studies.single_thread():
        u = workloads.waves(work.batch, plan.steps(work), work.wired().m)
        found = peers.everyone(work, parts=asked["parts"], backends=peers.BACKENDS[:1])
        wanted = [name for name, peer in found.items() if peer.kind != peers.OTHER or name == "nn.RNN"]
        calls = {name: lambda peer=found[name]: peer.train(u) for name in wanted if "dopri5" not in name}
        taken = measure.timed(calls, rounds=plan.rounds, budget=plan.budget)
        answer = {"training": measure.ratios(taken, next(iter(calls))), "limit": distance(work, plan)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
