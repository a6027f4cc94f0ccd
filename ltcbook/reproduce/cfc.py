"""The closed form beside the solver: LTC, the CfC that carries its weights, trained CfCs and a GRU keep a
lane.
"""

import time

import numpy as np
import torch

from .. import models, train, wiring
from ..tasks import lane
from ..train.progress import bar
from ..validation import significant

FILE = "cfc.json"
TOLERANCE = 0.15  # other machines round otherwise, and 120 steps of training make the most of it
SEEDS, DRIVES, STEPS = 10, 20, 300
SIZES = {
    "inter": 12,
    "command": 6,
    "motor": 1,
    "sensory": 16,
    "sensory_fan_out": 6,
    "inter_fan_out": 4,
    "recurrent": 6,
    "motor_fan_in": 6,
}
TRAINING = {"epochs": 40, "batch_size": 32, "lr": 0.02}
ROADS = {
    "noise 0.1": {"noise": 0.1},
    "noise 0.3": {"noise": 0.3},
    "half the frames lost": {"noise": 0.1, "drop": 0.5},
}
MODES = {"CfC": "default", "CfC, no gate": "no_gate", "CfC, pure": "pure"}
NAMES = ("LTC", *MODES, "GRU")
LENGTH, REMEMBERING = 120, ("CfC", "CfC, LSTM in front", "LTC")


def network(name, seed):
    """A network by its name in ``NAMES``, its wiring and start values drawn from a seed."""
    start = torch.Generator().manual_seed(seed)
    if name in MODES:
        units = 20 if name == "CfC, pure" else 8  # its one head needs fewer parameters per unit
        return models.CfCNet(units, 16, 1, mode=MODES[name], backbone_layers=0, generator=start)
    if name == "GRU":
        return models.GRUNet(16, 10, 1, generator=start)
    return models.LTCNet(wiring.ncp(**SIZES, rng=np.random.default_rng(seed)), generator=start)


def size(net):
    """How many numbers of a network act and can learn: those of synapses that an LTC does not have are
    left out.
    """
    total = sum(parameter.numel() for parameter in net.parameters())
    return (
        total - 4 * (net.n * (net.n + net.m) - net.wiring.synapses)
        if isinstance(net, models.LTCNet)
        else total
    )


def trained(net, data, seed, epochs=TRAINING["epochs"]):
    """Train a network in place; its last loss in units of the targets' variance, and the seconds of one
    core that it took.
    """
    start = time.process_time()
    history = train.fit(
        net, data, **TRAINING | {"epochs": epochs}, progress=False, rng=np.random.default_rng(seed)
    )
    return history.loss[-1] / float(np.var(data[1])), time.process_time() - start


def driven(net):
    """How many of ``DRIVES`` drives stay on roads never seen, by name of the conditions, and the rms
    offset at noise 0.1.
    """
    row = {}
    for name, conditions in ROADS.items():
        rng = np.random.default_rng(999)
        roads = lane.Road.random(DRIVES, 1000.0, rng=rng)
        drive = lane.drive(
            train.RecurrentPolicy(net, act="output"), roads, steps=STEPS, rng=rng, **conditions
        )
        row[name] = int(drive.stayed.sum())
        if name == "noise 0.1":
            row["rms"] = significant(np.mean(drive.rms), 3)
    return row


@torch.no_grad()
def apart(net, other, data):
    """Relative difference of two networks' outputs on recorded drives."""
    u, dt = (torch.as_tensor(data[k], dtype=torch.float32) for k in (0, 2))
    y, z = net(u, dt=dt)[0], other(u, dt=dt)[0]
    return float(((y - z) ** 2).mean().sqrt() / y.std())


def carried(net, data, fresh, seed):
    """The CfC that carries an LTC's weights: as it is, and after ten more epochs; the LTC after the same
    ten beside it.
    """
    closed = models.CfCNet.from_ltc(net)
    row = {"apart": significant(apart(net, closed, fresh), 4), "at once": driven(closed)}
    loss, _ = trained(closed, data, seed, epochs=10)
    row["after ten epochs"] = driven(closed) | {"loss": significant(loss, 4)}
    loss, _ = trained(net, data, seed, epochs=10)
    row["LTC after ten epochs"] = driven(net) | {"loss": significant(loss, 4)}
    return row


def bits(count, steps, rng):
    """A task of memory: the sign of the first input, asked for at the end; between lies noise. Inputs and
    targets (count, steps, 1).
    """
    bit, u = rng.choice([-1.0, 1.0], size=count), 0.3 * rng.normal(size=(count, steps, 1))
    targets = np.full((count, steps, 1), np.nan)
    u[:, 0, 0] = targets[:, -1, 0] = bit
    return u.astype(np.float32), targets.astype(np.float32)


def recalled(name, seed, steps=LENGTH):
    """Share of new sequences whose first sign a freshly trained network gives back at the end."""
    rng, start = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    memory = "lstm" if name.endswith("front") else None
    if name.startswith("CfC"):
        net = models.CfCNet(16, 1, 1, backbone_layers=0, memory=memory, generator=start)
    else:
        net = models.LTCNet(
            wiring.auto_ncp(16, 1, sensory=1, rng=rng), solver="fused", substeps=1, generator=start
        )
    train.fit(net, bits(512, steps, rng), epochs=12, batch_size=32, lr=0.01, progress=False, rng=rng)
    u, targets = bits(500, steps, np.random.default_rng(999))
    with torch.no_grad():
        said = net(torch.tensor(u))[0][:, -1, 0].numpy()
    return significant(np.mean(np.sign(said) == targets[:, -1, 0]), 4)


def make(sample=False, progress=False):
    """The table: for every network and seed the loss, the drives that stay, and the seconds; for every LTC
    what carrying costs.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _table(("LTC", "CfC") if sample else NAMES, 1 if sample else SEEDS, sample, progress)
    finally:
        torch.set_num_threads(before)


def _table(names, seeds, sample, progress):
    made = {
        "made by": "python -m ltcbook.reproduce cfc",
        "drives": DRIVES,
        "steps": STEPS,
        "networks": {},
    } | ({} if sample else {"carried": {}, "recalled": {}})
    with bar(
        len(names) * seeds + (0 if sample else len(REMEMBERING)), 0, "network", progress, "reproduce"
    ) as advance:
        for name in names:
            rows = {}
            for seed in range(seeds):
                rng = np.random.default_rng(100 + seed)
                data, fresh = (lane.record(drives, rng=rng) for drives in (64, 16))
                data = tuple(part.astype(np.float32) for part in data)
                net = network(name, seed)
                loss, seconds = trained(net, data, seed)
                row = {"size": size(net), "loss": significant(loss, 4), **driven(net)}
                if not sample:
                    row["seconds"] = significant(seconds, 3)
                rows[str(seed)] = row
                if name == "LTC" and not sample:
                    made["carried"][str(seed)] = carried(net, data, fresh, seed)
                advance()
            made["networks"][name] = rows
        for name in () if sample else REMEMBERING:
            made["recalled"][name] = [recalled(name, seed) for seed in range(SEEDS)]
            advance()
    return made
