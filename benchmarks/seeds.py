"""Whole trainings of many networks of one size: one by one against one stack, and against ncps; and how much
of a step is compiled.
"""

import time
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import numpy as np
import torch

from ltcbook import train

from . import measure, peers, table, workloads

STACKS = (1, 8, 64)
SEQUENCES, EPOCHS = 128, 5  # of a training; 4 steps per epoch
LONG = 50  # epochs of a training beside which its preparation takes no time
ALONE = "one by one, by autograd and torch's Adam"


class Plain(torch.nn.Module):
    """An LTC of ncps as a module that ``train.fit`` takes."""

    def __init__(self, source):
        super().__init__()
        self.source = source

    def forward(self, u, x0=None, dt=1.0):
        """(y, x) of inputs (B, T, m)."""
        return self.source(u)


def mean_square(y, targets):
    """Mean square error; a loss of one's own, with which ``train.fit`` takes its loop for any module."""
    return torch.nn.functional.mse_loss(y, targets)


def stack_of(networks):
    """What a row of so many networks is called."""
    return f"{networks} {'network' if networks == 1 else 'networks'} in one stack"


def data(work, seed):
    """Inputs and targets of a seed."""
    u = workloads.waves(SEQUENCES, work.steps, work.wired().m, seed=seed)
    rng = np.random.default_rng(seed)
    return u, rng.normal(size=(SEQUENCES, work.steps, len(work.wired().members("motor"))))


def networks(work, count):
    """So many networks, each with the weights of an ncps LTC of its seed."""
    graph = work.wired()
    return [
        peers.ltc("", peers.SAME, workloads.source(graph, seed), backend="auto").module
        for seed in range(count)
    ]


def fit(models, sets, loss="mse", epochs=EPOCHS):
    """``train.fit`` of a list of models; histories and weights."""
    rngs = [np.random.default_rng(k) for k in range(len(models))]
    options = {"epochs": epochs, "lr": 1e-3, "loss": loss, "batch_size": 32, "progress": False}
    return train.fit(models, sets, rng=rngs, **options)


def race(work, plan):
    """``times``: name -> seconds per network and training step of a whole ``train.fit``, and ratio to the
    networks one by one. ``networks``, ``steps``: of the largest stack.
    """
    counts = STACKS[:2] if plan.quick else STACKS
    sets = [data(work, seed) for seed in range(counts[-1])]
    same(work, sets)
    per_epoch = SEQUENCES // 32
    alone, theirs = networks(work, 1), [Plain(workloads.source(work.wired()))]
    first = [tuple(part[:32] for part in sets[0])]
    calls = {
        table.BASE: lambda: fit(theirs, first, epochs=1),
        ALONE: lambda: fit(alone, sets[:1], loss=mean_square),
    }
    share = {table.BASE: 1, ALONE: EPOCHS * per_epoch}
    for count in counts:
        models = networks(work, count)
        calls[stack_of(count)] = lambda models=models: fit(models, sets[: len(models)])
        share[stack_of(count)] = count * EPOCHS * per_epoch
    taken = measure.timed(calls, rounds=plan.rounds, budget=plan.budget)
    each = {name: np.array(values) / share[name] for name, values in taken.items()}
    return {
        "networks": counts[-1],
        "steps": EPOCHS * per_epoch,
        "times": measure.ratios(each, ALONE),
        "compiled": compiled(work, plan),
    }


def compiled(work, plan):
    """Quartiles of the part of a long training that compiled functions take: of "one network" by
    ``train.fit``, and of the loop "by hand" that a user of torch would write.
    """
    sets, (in_fit, by_hand) = [data(work, 0)], (networks(work, 1) for _ in range(2))
    u, targets = (torch.as_tensor(part[:32], dtype=torch.float32) for part in sets[0])
    optimizer = torch.optim.Adam(by_hand[0].parameters(), lr=1e-3)

    def steps():
        for _ in range(LONG * SEQUENCES // 32):
            optimizer.zero_grad()
            y, _ = by_hand[0](u)
            mean_square(y, targets).backward()
            optimizer.step()

    jobs = {"one network": lambda: fit(in_fit, sets, epochs=LONG), "by hand": steps}
    found = {name: [] for name in jobs}
    for _ in range(1 + plan.rounds):
        for name, job in jobs.items():
            with clocked() as seconds:
                start = time.perf_counter()
                job()
                found[name].append(sum(seconds) / (time.perf_counter() - start))
    return {name: measure.quartiles(values[1:]) for name, values in found.items()}  # the first ones compile


@contextmanager
def clocked():
    """A list that grows by the seconds that every call of a compiled function takes, while it is active."""
    from ltcbook.kernels import call  # needs numba

    seconds = []

    def timed(function):
        def run(*arguments):
            start = time.perf_counter()
            found = function(*arguments)
            seconds.append(time.perf_counter() - start)
            return found

        return run

    def making(make):
        def made(*arguments):
            found = make(*arguments)
            return tuple(map(timed, found)) if isinstance(found, tuple) else timed(found)

        return made

    with ExitStack() as patches:
        for name in ("build", "reach", "tables_for", "tiles_for", "maps_for"):
            patches.enter_context(patch.object(call, name, making(getattr(call, name))))
        patches.enter_context(patch.object(call, "gap", timed(call.gap)))
        yield seconds


def same(work, sets):
    """Raise Disagreement where a stack gives a network other bits than it has alone, or where its first steps
    are not those of ncps.
    """
    together, alone = networks(work, 3), networks(work, 1)
    histories, own = fit(together, sets[:3], epochs=1), fit(alone, sets[:1], loss=mean_square, epochs=1)
    if own[0] != histories[0] or differ(alone[0], together[0]):
        raise measure.Disagreement("a network has other numbers in a stack than alone; nothing was timed.")
    (theirs,) = fit([Plain(workloads.source(work.wired()))], [tuple(part[:32] for part in sets[0])], epochs=1)
    (ours,) = fit(networks(work, 1), [tuple(part[:32] for part in sets[0])], epochs=1)
    if not abs(ours.loss[0] - theirs.loss[0]) <= 1e-5 * theirs.loss[0]:
        raise measure.Disagreement("a network has another loss than ncps; nothing was timed.")


def differ(one, other):
    """Whether two networks differ in a bit."""
    return not all(map(torch.equal, one.parameters(), other.parameters()))
