"""The driving circuit: 19 neurons learn to keep a lane from recorded drives of an expert, and what they
then can do.
"""

from dataclasses import replace

import numpy as np
import torch

from .. import models, pruning, train, wiring
from ..tasks import lane
from ..train.progress import bar
from ..validation import significant

FILE = "driver.json"
TOLERANCE = 1e-3
SEED = 0
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
TRAINING = {"epochs": 60, "batch_size": 32, "lr": 0.02}
NOISES = (0.0, 0.1, 0.2, 0.3, 0.6)
DROPS = (0.2, 0.4, 0.6)
THRESHOLDS = (0.1, 0.2, 0.3, 0.4)
DRIVES, STEPS, EVENTS = 20, 400, 10


def circuit(seed):
    """A new ``LTCNet`` of 19 neurons, in float64, whose wiring and start values follow from one whole
    number.
    """
    wired = wiring.ncp(**SIZES, rng=np.random.default_rng(seed))
    return models.LTCNet(
        wired, solver="fused", substeps=1, generator=torch.Generator().manual_seed(seed)
    ).double()


def trained(net, seed, data=None):
    """Train a circuit on drives of the expert, in place; the loss of every epoch."""
    data = lane.record(64, rng=np.random.default_rng(0)) if data is None else data
    return train.fit(net, data, **TRAINING, progress=False, rng=np.random.default_rng(seed)).loss


def table(net):
    """The parameters of a circuit as nested lists, 0 where there is no synapse."""
    cell = net.numpy_cell()
    values = {name: np.asarray(value) for name, value in vars(cell).items()}
    for name in values:
        if values[name].ndim == 2:
            values[name] = values[name] * (
                net.wiring.adjacency_in if name.endswith("_in") else net.wiring.adjacency
            )
    maps = {
        end: {
            "scale": rounded(getattr(net, f"{name}_w").detach().numpy()),
            "shift": rounded(getattr(net, f"{name}_b").detach().numpy()),
        }
        for end, name in (("input", "input"), ("readout", "output"))
    }
    return {"cell": {name: rounded(value) for name, value in values.items()}, **maps}


def rounded(values):
    """An array as nested lists of numbers with seven significant digits; whole numbers without a point."""
    if np.ndim(values):
        return [rounded(value) for value in values]
    number = significant(values, 7)
    return int(number) if number == int(number) else number


def roads(rng):
    """The roads on which circuits are measured."""
    return lane.Road.random(DRIVES, 800.0, rng=rng)


def stays(driver, **options):
    """How a driver does on roads that it never saw: how many of the drives stay, and the mean rms offset
    of those.
    """
    rng = np.random.default_rng(1)
    seen = lane.drive(driver.policy(), roads(rng), steps=STEPS, rng=rng, **options)
    return {
        "stayed": int(seen.stayed.sum()),
        "rms": rounded(seen.rms[seen.stayed].mean()) if seen.stayed.any() else None,
    }


def cut(driver, threshold, seed):
    """The driver after one event at T, and how many synapses moved."""
    rng = np.random.default_rng(seed)
    event = pruning.prune_and_rewire(driver.wiring, driver.cell.w, threshold, rng=rng)
    return replace(driver, wiring=event.wiring, cell=pruning.rewire(driver.cell, event, rng=rng)), len(
        event.cut
    )


def make(sample=False, progress=False):
    """The table: wiring, parameters before and after training, the loss, and drives on roads never seen."""
    net = circuit(SEED)
    with bar(
        2 if sample else 2 + len(NOISES) + len(DROPS) + len(THRESHOLDS), 0, "part", progress, "reproduce"
    ) as advance:
        wired = {
            "polarity": net.wiring.polarity.tolist(),
            "polarity_in": net.wiring.polarity_in.tolist(),
            "role": list(net.role),
        }
        made = {
            "made by": "python -m ltcbook.reproduce driver",
            "seed": SEED,
            "wiring": wired,
            "initial": table(net),
        }
        loss = trained(net, SEED)
        advance()
        made |= table(net) | {"loss": rounded(loss), "measured": {"drives": DRIVES, "steps": STEPS}}
        driver = lane.Driver.read(made)
        noise = {}
        for value in (0.1,) if sample else NOISES:
            noise[str(value)] = stays(driver, noise=value)
            advance()
        made["measured"]["noise"] = noise
        if sample:
            return made
        made["measured"]["dropped"] = {}
        for value in DROPS:
            made["measured"]["dropped"][str(value)] = {
                how: stays(driver, drop=value, dropped=how) for how in lane.DROPPED
            }
            advance()
        made["measured"]["threshold"] = {}
        for value in THRESHOLDS:
            events = [cut(driver, value, seed) for seed in range(EVENTS)]
            made["measured"]["threshold"][str(value)] = {
                "moved": events[0][1],
                "stayed": [stays(after)["stayed"] for after, _ in events],
            }
            advance()
    return made
