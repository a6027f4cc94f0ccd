"""Does the wiring help to drive? Nineteen liquid neurons by four rules, by chance, all to all, and with few
synapses.
"""

import numpy as np
import torch

from .. import models, train, wiring
from ..tasks import lane
from ..train.progress import bar
from ..validation import significant

FILE = "wirings.json"
TOLERANCE = 0.15  # other machines round otherwise, and 120 steps of training make the most of it
SEEDS, DRIVES, STEPS = 12, 40, 400
LAYERS = {"inter": 12, "command": 6, "motor": 1, "sensory": 16}
SIZES = {
    "": {"sensory_fan_out": 6, "inter_fan_out": 4, "recurrent": 6, "motor_fan_in": 6},
    "few, ": {"sensory_fan_out": 1, "inter_fan_out": 1, "recurrent": 2, "motor_fan_in": 2},
}
KINDS = ("four rules", "by chance", "all to all", "few, four rules", "few, by chance")
SAMPLE = ("four rules", "few, four rules")
TRAINING = {"epochs": 60, "batch_size": 32, "lr": 0.02}


def wired(kind, seed):
    """The wiring of a kind and a seed: 19 neurons, the last of them the motor neuron, and 16 sensors."""
    few, rng = "few, " if kind.startswith("few") else "", np.random.default_rng(seed)
    rules = wiring.ncp(**LAYERS, **SIZES[few], rng=rng)
    if kind == "all to all":
        other = wiring.fully_connected(rules.n, sensory=rules.m, p_excitatory=0.5, rng=rng)
    elif kind.endswith("by chance"):  # as many synapses as the circuit of the same seed, in any places
        signs = np.zeros(rules.n * (rules.n + rules.m), int)
        signs[rng.choice(signs.size, size=rules.synapses, replace=False)] = rng.choice(
            [-1, 1], size=rules.synapses
        )
        signs = signs.reshape(rules.n, -1)
        other = wiring.Wiring(signs[:, : rules.n], signs[:, rules.n :], rules.role)
    else:
        return rules
    return wiring.Wiring(other.polarity, other.polarity_in, rules.role)


def reached(net):
    """How many of the sensors lead to the motor neuron, by whatever way."""
    heard, before = net.adjacency_in, None
    while before is None or (heard != before).any():
        before, heard = heard, heard | (net.adjacency.astype(int) @ heard > 0)
    return int(heard[net.members("motor")[0]].sum())


def of(kind, seed, data):
    """The row of a circuit: synapses, sensors that reach the wheel, last loss, drives that stay."""
    made = wired(kind, seed)
    net = models.LTCNet(made, generator=torch.Generator().manual_seed(seed))
    loss = train.fit(net, data, **TRAINING, progress=False, rng=np.random.default_rng(seed)).loss[-1] / float(
        np.var(data[1])
    )
    rng = np.random.default_rng(1)
    roads = lane.Road.random(DRIVES, 900.0, rng=rng)
    stayed = lane.drive(train.RecurrentPolicy(net, act="output"), roads, steps=STEPS, rng=rng).stayed.sum()
    return {
        "synapses": made.synapses,
        "sensors": reached(made),
        "loss": significant(loss, 4),
        "stayed": int(stayed),
    }


def make(sample=False, progress=False):
    """The table: for every kind of wiring and every seed one row (see ``of``)."""
    kinds, seeds = (SAMPLE, 1) if sample else (KINDS, SEEDS)
    data = tuple(part.astype(np.float32) for part in lane.record(64, rng=np.random.default_rng(0)))
    table = {"made by": "python -m ltcbook.reproduce wirings", "drives": DRIVES, "steps": STEPS, "kinds": {}}
    with bar(len(kinds) * seeds, 0, "circuit", progress, "reproduce") as advance:
        for kind in kinds:
            table["kinds"][kind] = {}
            for seed in range(seeds):
                table["kinds"][kind][str(seed)] = of(kind, seed, data)
                advance()
    return table
