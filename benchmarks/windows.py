"""One long sequence in windows, side by side, against the same kernels in order."""

import os
import time

import torch

from . import measure, peers, table, workloads

STEPS = 4000
LONG = 100_000  # steps on which threads are timed


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
    ``threads``: name -> how many times faster two threads are by wall time; nothing on a busy machine.
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
    found["threads"] = {} if plan.quick else threads(both[table.WINDOWS], work, plan)
    return found


def threads(peer, work, plan):
    """How many times faster two threads simulate and train a long trajectory than one, by wall time."""
    if measure.cores() < 2 or hasattr(os, "getloadavg") and os.getloadavg()[0] > measure.cores() - 0.5:
        return {}
    u = workloads.waves(1, LONG, work.wired().m)

    def on(count, what):
        def call():
            torch.set_num_threads(count)
            getattr(peer, what)(u)

        return call

    found = {}
    try:
        for study, what in (("training", "train"), ("inference", "infer")):
            calls = {name: on(count, what) for count, name in ((1, "one"), (2, "two"))}
            taken = measure.timed(calls, rounds=plan.rounds, budget=plan.budget / 2, clock=time.perf_counter)
            found[study] = measure.ratios(taken, "one")["two"]
    finally:
        torch.set_num_threads(1)
    return found
