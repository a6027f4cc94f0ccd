"""Twelve driving circuits from twelve seeds: how many drives stay, by noise, lost frames and thresholds,
and after more training.
"""

import copy

import numpy as np

from .. import pruning, train
from ..tasks import lane
from ..train.progress import bar
from .driver import DRIVES, STEPS, THRESHOLDS, circuit, roads, rounded, trained

FILE = "driver_seeds.json"
TOLERANCE = 0.051  # one drive of twenty more or less
SEEDS, EVENTS, RETRAINED = 12, 3, 30
NOISES, DROP = (0.1, 0.3, 0.6), 0.4


def stayed(net, **options):
    """How many drives of a network stay on roads that it never saw."""
    rng = np.random.default_rng(1)
    return int(
        lane.drive(
            train.RecurrentPolicy(net, act="output"), roads(rng), steps=STEPS, rng=rng, **options
        ).stayed.sum()
    )


def cut(net, threshold, seed, *, sensory):
    """A copy of a network after one event at T, among the neurons alone or among the sensory synapses too."""
    net, rng = copy.deepcopy(net), np.random.default_rng(seed)
    w, w_in = net.weights()
    net.rewire(
        pruning.prune_and_rewire(net.wiring, w, threshold, weights_in=w_in if sensory else None, rng=rng),
        rng=rng,
    )
    return net


def again(net, data, seed):
    """The same network after more training on the same data."""
    train.fit(
        net, data, epochs=RETRAINED, batch_size=32, lr=0.02, progress=False, rng=np.random.default_rng(seed)
    )
    return net


def of(seed, data, sample=False):
    """One circuit's part of the table."""
    net = circuit(seed)
    part = {"loss": rounded(trained(net, seed, data)[-1])}
    if sample:
        return part | {"noise": {"0.1": stayed(net)}}
    part["noise"] = {str(noise): stayed(net, noise=noise) for noise in NOISES}
    part["dropped"] = {how: {str(DROP): stayed(net, drop=DROP, dropped=how)} for how in lane.DROPPED}
    top = max(THRESHOLDS)
    for name, sensory, thresholds in (("cut", False, THRESHOLDS), ("cut with sensory", True, (top,))):
        part[name] = {
            str(T): [stayed(cut(net, T, k, sensory=sensory)) for k in range(EVENTS)] for T in thresholds
        }
    part["retrained"] = {
        str(top): [stayed(again(cut(net, top, k, sensory=False), data, k)) for k in range(EVENTS)]
    }
    return part


def make(sample=False, progress=False):
    """The table: for each seed the last loss, and how many of 20 drives stay on the road."""
    seeds, data = range(1 if sample else SEEDS), lane.record(64, rng=np.random.default_rng(0))
    table = {
        "made by": "python -m ltcbook.reproduce driver_seeds",
        "drives": DRIVES,
        "steps": STEPS,
        "events": EVENTS,
        "seeds": {},
    }
    with bar(len(seeds), 0, "circuit", progress, "reproduce") as advance:
        for seed in seeds:
            table["seeds"][str(seed)] = of(seed, data, sample)
            advance()
    return table
