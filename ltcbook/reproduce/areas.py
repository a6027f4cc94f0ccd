"""Driving circuits of three areas: what it costs to cut, or to hold still, all synapses of a block."""

import copy

import numpy as np
import torch

from .. import models, train, wiring
from ..tasks import lane
from ..train.progress import bar
from .driver import rounded

FILE = "areas.json"
TOLERANCE = 0.051  # one drive of twenty more or less
SEEDS, DRIVES, EPOCHS, AGAIN = 20, 20, 60, 30
EYE, PLANNER, HAND = range(3)
SIZES = [8, 7, 4]
FORWARD = {
    "eye to planner": [(EYE, PLANNER)],
    "eye to hand": [(EYE, HAND)],
    "planner to hand": [(PLANNER, HAND)],
}
BACKWARD = {
    "planner to eye": [(PLANNER, EYE)],
    "hand to planner": [(HAND, PLANNER)],
    "hand to eye": [(HAND, EYE)],
}
CUTS = FORWARD | BACKWARD | {"all backward": [block for blocks in BACKWARD.values() for block in blocks]}
KINDS = {  # probabilities, [target area, source area]; the first two have equally many synapses on average
    "both ways": [[0.4, 0.4, 0.4], [0.4, 0.4, 0.4], [0.4, 0.4, 0.4]],
    "one way": [[0.4, 0.0, 0.0], [0.8, 0.4, 0.0], [0.8, 0.8, 0.4]],
    "no shortcut": [[0.4, 0.4, 0.0], [0.4, 0.4, 0.4], [0.0, 0.4, 0.4]],
}
CAMERAS = {"usual": {}, "noise": {"noise": 0.3}, "dark": {"drop": 0.4, "dropped": "blank"}}


def circuit(kind, seed):
    """Masks of eye, planner and hand, and their wiring of 19 neurons, random signs; the last one steers."""
    rng = np.random.default_rng(seed)
    masks = wiring.multi_area(
        (16, 19, 1), SIZES, KINDS[kind], input_areas=[EYE], readout_areas=[HAND], rng=rng
    )
    signs = rng.choice([-1, 1], (19, 35))
    return masks, wiring.Wiring(
        masks.hidden_mask * signs[:, :19], masks.input_mask * signs[:, 19:], ("hidden",) * 18 + ("motor",)
    )


def trained(circuit, seed, data):
    """An LTC network on that wiring after training, and its history."""
    net = models.LTCNet(circuit, solver="fused", substeps=1, generator=torch.Generator().manual_seed(seed))
    return net, train.fit(net, data, epochs=EPOCHS, lr=0.02, progress=False, rng=np.random.default_rng(seed))


def without(net, masks, blocks):
    """A copy of a network that has lost all synapses of some blocks, (source area, target area) each."""
    hurt, area = copy.deepcopy(net), masks.area_of
    kept = ~np.any([np.outer(area == target, area == source) for source, target in blocks], axis=0)
    hurt.rewire(wiring.Wiring(net.wiring.polarity * kept, net.wiring.polarity_in, net.role))
    return hurt


def steady(net, masks, blocks, inputs):
    """The same cut, but each lost synapse leaves its mean pull over inputs (B, T, 16) behind, as leak."""
    hurt, cell = without(net, masks, blocks), net.cell(numpy=True)
    with torch.no_grad():
        x = net(torch.tensor(inputs).float())[1].numpy()
    gate = 1 / (1 + np.exp(-cell.gamma * (x[..., None, :] - cell.mu)))
    pull = cell.w * gate.mean((0, 1)) * ((net.wiring.polarity != 0) & (hurt.wiring.polarity == 0))
    leak = cell.g_leak + pull.sum(1)
    with torch.no_grad():
        hurt.raw_g_leak.copy_(torch.tensor(net.raw(leak)))
        hurt.e_leak.copy_(torch.tensor((cell.g_leak * cell.e_leak + (pull * cell.e_rev).sum(1)) / leak))
    return hurt


def stayed(net, **options):
    """How many drives of a network stay on the 20 roads of the chapter."""
    roads = lane.Road.random(DRIVES, rng=np.random.default_rng(1))
    return int(
        lane.drive(
            train.RecurrentPolicy(net, act="output"), roads, rng=np.random.default_rng(2), **options
        ).stayed.sum()
    )


def of(kind, seed, data, sample=False):
    """One circuit's part of the table."""
    masks, wires = circuit(kind, seed)
    net, history = trained(wires, seed, data)
    part = {"synapses": wires.synapses, "loss": rounded(history.loss[-1]), "stayed": {"usual": stayed(net)}}
    if sample:
        return part
    part["stayed"] = {name: stayed(net, **options) for name, options in CAMERAS.items()}
    there = {name: blocks for name, blocks in CUTS.items() if any(masks.density()[t, s] for s, t in blocks)}
    part["cut"] = {name: stayed(without(net, masks, blocks)) for name, blocks in there.items()}
    part["steady"] = {
        name: stayed(steady(net, masks, blocks, data[0][:16])) for name, blocks in there.items()
    }
    part["again"] = {}
    for name in FORWARD if kind != "no shortcut" else ():  # there the camera would not reach the wheel at all
        hurt = without(net, masks, CUTS[name])
        train.fit(hurt, data, epochs=AGAIN, lr=0.02, progress=False, rng=np.random.default_rng(seed))
        part["again"][name] = stayed(hurt)
    return part


def make(sample=False, progress=False):
    """The table: for each kind of wiring and each seed, how many of 20 drives stay on the road."""
    kinds, seeds = list(KINDS)[: 2 if sample else None], range(1 if sample else SEEDS)
    data = lane.record(64, rng=np.random.default_rng(0))
    table = {
        "made by": "python -m ltcbook.reproduce areas",
        "drives": DRIVES,
        "areas": {"eye": 8, "planner": 7, "hand": 4},
        "kinds": {},
    }
    with bar(len(kinds) * len(seeds), 0, "circuit", progress, "reproduce") as advance:
        for kind in kinds:
            table["kinds"][kind] = {}
            for seed in seeds:
                table["kinds"][kind][str(seed)] = of(kind, seed, data, sample)
                advance()
    return table
