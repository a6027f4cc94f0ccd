"""One long sequence in windows, side by side, against the same kernels in order."""

import json
import os
import sys
import time
import warnings

import numpy as np
import torch

from . import limit, measure, peers, table, workloads

STEPS = 4000
LONG = 100_000  # steps on which threads are timed
# After its own work torch's second thread goes on waiting at full speed for some ms, on the core that ours
# needs, unless it is told to sleep.
SAYS = {table.AWAKE: {}, table.ASLEEP: {"OMP_WAIT_POLICY": "PASSIVE"}}


def pair(work):
    """The kernels in order and in windows, with the same weights, by name."""
    source = workloads.source(work.wired())
    return {
        name: peers.ltc(name, peers.SAME, source, backend=name.removeprefix("ltcbook "))
        for name in (table.FAST, table.WINDOWS)
    }


def race(work, plan):
    """``agreement``: the distance of windows, in both precisions, to the kernels in order in float64, on 4000
    steps of one trajectory. ``training``, ``inference``: name -> seconds and ratio to the kernels in order.
    ``threads``: see there.
    """
    steps = 1000 if plan.quick else STEPS
    u, truth = workloads.waves(1, steps, work.wired().m), pair(work)[table.FAST].doubled()
    exact = f"{table.WINDOWS}, float64"
    found = {
        "agreement": measure.agreement(
            {table.WINDOWS: pair(work)[table.WINDOWS], exact: pair(work)[table.WINDOWS].doubled()}, truth, u
        )
    }
    both = pair(work)
    for study, what in (("training", "train"), ("inference", "infer")):
        calls = {name: lambda peer=peer, what=what: getattr(peer, what)(u) for name, peer in both.items()}
        taken = measure.timed(calls, rounds=3 * plan.rounds, budget=plan.budget / 2)
        found[study] = measure.ratios(taken, table.FAST)
    found["threads"] = {} if plan.quick else threads(work, plan)
    return found


def threads(work, plan):
    """``SAYS`` -> how many times faster two threads simulate and train a long trajectory than one, by wall
    time, each in a fresh process; nothing on a busy machine. "gates": the same for gates alone, on two arrays
    in the first caches, for as long: what a second thread can gain on this machine at all.
    """
    if measure.cores() < 2 or hasattr(os, "getloadavg") and os.getloadavg()[0] > measure.cores() - 0.5:
        return {}
    told = {"work": work.name, "plan": vars(plan)}
    return {says: measure.beside("benchmarks.windows", told, how) for says, how in SAYS.items()}


def main(told):
    """What ``threads`` asks of its process: one line of JSON."""
    from . import studies

    warnings.simplefilter("ignore")
    asked = json.loads(told)
    work, plan = workloads.WORKLOADS[asked["work"]], studies.Plan(**asked["plan"])
    peer, u = pair(work)[table.WINDOWS], workloads.waves(1, LONG, work.wired().m)
    options = {"rounds": 3 * plan.rounds, "budget": plan.budget, "clock": time.perf_counter}

    def on(count, what):
        def call():
            torch.set_num_threads(count)
            getattr(peer, what)(u)

        return call

    found = {}
    for study, what in (("training", "train"), ("inference", "infer")):
        calls = {name: on(count, what) for count, name in ((1, "one"), (2, "two"))}
        as_long = np.median(measure.timed({"one": calls["one"]}, **options | {"budget": 0})["one"])
        calls |= gates(as_long)
        taken = measure.timed(calls, **options)
        gained = measure.ratios({name: taken[name] for name in calls if "gates" in name}, "gates on one")
        found[study] = measure.ratios(taken, "one")["two"] | {"gates": gained["gates on two"]["ratio"]}
    print(json.dumps(found))


def gates(seconds):
    """The same gates, and nothing else, on one thread, for about so long, and shared between two, by name."""
    from ltcbook.kernels.call import shared  # needs numba

    loop = limit.bare(16, 6, True)
    turns = limit.on_its_own(loop), limit.on_its_own(loop)
    once = np.median(measure.timed({"turn": turns[0]}, rounds=3, budget=0)["turn"])
    times = max(1, round(seconds / 2 / once))

    def half(turn):
        for _ in range(times):
            turn()

    return {
        "gates on one": lambda: [half(turn) for turn in turns],
        "gates on two": lambda: shared(half, turns),
    }


if __name__ == "__main__":
    main(sys.argv[1])
