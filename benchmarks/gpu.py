"""The same race on a GPU."""

import time

import torch

from . import measure, peers, table, workloads


def race(work, plan, device="cuda"):
    """Training, but for W5 inference, by wall time with the queue emptied.

    On all steps of the workload where the GPU's memory allows it, else on those of the CPU's race.
    """
    for steps in (plan.steps(work),) if plan.quick else (work.steps, work.short):
        try:
            return {"steps": steps} | timed(work, plan, steps, device)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
    return {}


def timed(work, plan, steps, device):
    """See ``race``. Outputs and gradients are compared with ncps's on the same GPU first."""
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    graph = work.wired()
    source = workloads.source(graph).to(device)
    u = workloads.waves(work.batch, steps, graph.m).to(device)
    base, *same = peers.on_a_gpu(source)
    for peer in same:
        far = measure.distance(measure.answers(peer, u[:4, :8]), measure.answers(base, u[:4, :8]))
        measure.refuse(peer.name, far, "ncps on this GPU")

    def call(peer):
        peer.module.to(device)

        def do():
            (peer.infer if work.name == "W5" else peer.train)(u)
            wait()

        return do

    everybody = [base, *same, peers.plain(graph, torch.nn.GRU), peers.plain(graph, torch.nn.RNN)]
    calls = {peer.name: call(peer) for peer in everybody}
    taken = measure.timed(calls, rounds=min(plan.rounds, 5), budget=plan.budget, clock=time.perf_counter)
    return measure.ratios(taken, table.BASE)
