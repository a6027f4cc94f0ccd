"""Prune & rewire and its rivals: on circuits that learn to keep a lane, after that, and on a sine."""

import copy

import numpy as np
import torch

from .. import models, pruning, train, wiring
from ..tasks import lane, sine
from ..train.progress import bar
from ..validation import significant
from .driver import DRIVES, TRAINING, circuit
from .driver_seeds import stayed

FILE = "pruning.json"
TOLERANCE = 0.15  # other machines round otherwise, and 120 steps of training make the most of it
SEEDS, FEWER = 40, 20  # circuits of the trial, and of the studies beside it
T = 0.2  # the trial's threshold in µS
THRESHOLDS, RETRAINED = (0.1, 0.2, 0.3, 0.4), (0, 5, 30)
KINDS = {
    "cut only": {"target": "none"},
    "W = 0": {"new_weight": "zero"},
    "copy": {"new_weight": "copy"},
    "W = T": {},
    "W = 1": {"new_weight": 1.0},
    "raise in place": {"target": "same"},
}
SINE_T, SINE_STEPS = 0.1, 400


def rules(every=12):
    """The trial's rules by name: six events each, 12 steps apart, the last after 60 % of the training."""
    when = {"every": every, "stop": 0.6}
    small = {"new_weight": T / 4, **when}
    moved = {
        f"T = {value}": pruning.PruneRewire(threshold=value, max_fraction=1.0, **when) for value in THRESHOLDS
    }
    return {
        "left alone": pruning.Nothing(),
        "prune & rewire": moved.pop(f"T = {T}"),
        "raise in place": pruning.PruneRewire(threshold=T, target="same", max_fraction=1.0, **when),
        "magnitude": pruning.SET(fraction=0.11, **small),
        "gradient": pruning.RigL(fraction=0.24, **small),
        "random": pruning.RandomRewiring(fraction=0.11, **small),
        **moved,
    }


def sine_rules():
    """The thirteen rules on the sine by name; "q = 0": grown synapses start from an empty memory of Adam."""
    when = {"every": 40, "stop": 0.6}
    move = lambda **how: pruning.PruneRewire(threshold=SINE_T, **when, **how)
    start = {"new_weight": SINE_T, **when}
    return {
        "left alone": pruning.Nothing(),
        "W = T": move(),
        "W = 1": move(new_weight=1.0),
        "W = copy": move(new_weight="copy"),
        "W = 0": move(new_weight="zero"),
        "W = 0, grace": move(new_weight="zero", grace=41),
        "raise in place": move(target="same"),
        "prune only": move(target="none"),
        "SET": pruning.SET(fraction=0.08, **start),
        "RigL": pruning.RigL(fraction=0.16, **start),
        "random": pruning.RandomRewiring(fraction=0.08, **start),
        "W = T, q = 0": move(),
        "W = 0, q = 0": move(new_weight="zero"),
    }


def lessons():
    """64 recorded drives to learn from, and 32 others that no circuit learns from."""
    return lane.record(64, rng=np.random.default_rng(0)), lane.record(32, rng=np.random.default_rng(1000))


def taught(net, data, seed, method=None, epochs=TRAINING["epochs"]):
    """Train a circuit in place, with events on the way; how many synapses each event moved (or raised)."""
    history = train.fit(
        net,
        data,
        **TRAINING | {"epochs": epochs},
        method=method,
        progress=False,
        rng=np.random.default_rng(seed),
    )
    return [len(event["cut"] + event["cut_in"]) for event in history.events]


def found(net, held):
    """What a circuit can do: its error on drives that it never saw, and how many of its drives stay."""
    return {"loss": significant(train.evaluate(net, held), 5), "stayed": stayed(net)}


def after(net, data, held, seed, threshold):
    """One event at T on a trained circuit: how many synapses moved, and the circuit after more training."""
    net, moved = cut(net, threshold, seed)
    row, done = {"moved": moved, "loss": [], "stayed": []}, 0
    for epochs in RETRAINED:
        if epochs > done:
            taught(net, data, seed, epochs=epochs - done)
            done = epochs
        for name, value in found(net, held).items():
            row[name].append(value)
    return row


def cut(net, threshold, seed, **how):
    """A copy of a network after one event among all its synapses, and how many were cut or raised."""
    net, rng = copy.deepcopy(net), np.random.default_rng(seed)
    w, w_in = net.weights()
    event = pruning.prune_and_rewire(net.wiring, w, threshold, weights_in=w_in, rng=rng, **how)
    net.rewire(event, rng=rng)
    return net, len(event.cut + event.cut_in)


def small(seed):
    """A network of 16 LTC neurons on a random sparse circuit, untrained."""
    wired = wiring.auto_ncp(16, 1, sensory=2, sparsity=0.6, rng=np.random.default_rng(seed))
    return models.LTCNet(
        wired, solver="exponential", substeps=1, generator=torch.Generator().manual_seed(seed)
    ).double()


def on_sine(name, seed):
    """Train a small network under one of ``sine_rules``: the network, its last loss and its moves."""
    data = [torch.tensor(part) for part in sine(20, span=2 * np.pi)]
    net, curve, moves = small(seed), [], []
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    rewiring = train.Rewiring(
        net, adam, sine_rules()[name], steps=SINE_STEPS, rng=np.random.default_rng(seed)
    )
    for _ in range(SINE_STEPS):
        adam.zero_grad()
        loss = (net(data[0])[0] - data[1]).square().mean()
        loss.backward()
        adam.step()
        curve.append(loss.item())
        report = rewiring.step(data)
        if report is not None:
            moves.append(len(report.cut + report.cut_in))
            if "q = 0" in name:
                forget(net, adam, report)
    return net, {"loss": significant(np.median(curve[-20:]), 4), "moves": moves}


def forget(net, adam, report):
    """Set the optimiser's mean square to 0 where synapses grew."""
    for name, parameter in net.named_parameters():
        for source, target in report.grown_in if name.endswith("_in") else report.grown:
            if parameter.ndim == 2:
                adam.state[parameter]["exp_avg_sq"][target, source] = 0


def jump(net, threshold, weight):
    """The loss of a small network after one event over the loss before it, None where nothing moves."""
    data = sine(20, span=2 * np.pi)
    changed, moved = cut(net, threshold, 0, new_weight=weight)
    return significant(train.evaluate(changed, data) / train.evaluate(net, data), 4) if moved else None


def trial(names, seeds, data, held, every=12, epochs=TRAINING["epochs"], told=lambda: None):
    """What circuits can do that trained under each rule, and the circuits that were left alone, by seed."""
    table, alone = {name: {} for name in names}, {}
    for name in names:
        for seed in range(seeds):
            net = circuit(seed)
            moves = taught(net, data, seed, rules(every)[name], epochs)
            table[name][str(seed)] = found(net, held) | {"noisy": stayed(net, noise=0.3), "moves": moves}
            if name == "left alone":
                alone[seed] = net
            told()
    return table, alone


def results(table):
    """A trial without its moves: error and drives only."""
    return {
        name: {seed: {key: row[key] for key in ("loss", "stayed")} for seed, row in rows.items()}
        for name, rows in table.items()
    }


def single(alone, data, held, told):
    """One event on trained circuits: by threshold with more training, and by its kind without."""
    by_threshold, kinds = {str(threshold): {} for threshold in (0.0, *THRESHOLDS)}, {}
    for seed in range(FEWER):
        for threshold, rows in by_threshold.items():
            rows[str(seed)] = after(alone[seed], data, held, seed, float(threshold))
            told()
        kinds[str(seed)] = {
            name: found(cut(alone[seed], T, seed, **how)[0], held) for name, how in KINDS.items()
        }
        told()
    return by_threshold, kinds


def sines(told):
    """The thirteen rules on the sine, and how one event multiplies the loss of networks left alone."""
    starts = {"W = 0": "zero", "copy": "copy", "W = T": "threshold", "W = 1": 1.0}
    table, jumps = {name: {} for name in sine_rules()}, {}
    for name, rows in table.items():
        for seed in range(2 * FEWER):
            net, rows[str(seed)] = on_sine(name, seed)
            if name == "left alone" and seed < FEWER:
                jumps[str(seed)] = {
                    str(value): {word: jump(net, value, weight) for word, weight in starts.items()}
                    for value in (SINE_T / 2, SINE_T)
                }
            told()
    return table, jumps


def make(sample=False, progress=False):
    """The table: the trial and a longer one, one event after training, and the sine, by rule and seed."""
    data, held = lessons()
    names = tuple(rules())[:2] if sample else tuple(rules())
    total = 2 if sample else len(names) * SEEDS + (12 + len(THRESHOLDS)) * FEWER + 26 * FEWER
    made = {"made by": "python -m ltcbook.reproduce pruning", "drives": DRIVES}
    with bar(total, 0, "run", progress, "reproduce") as told:
        made["trial"], alone = trial(names, 1 if sample else SEEDS, data, held, told=told)
        if sample:  # how often a weight falls below T differs from machine to machine
            return made | {"trial": results(made["trial"])}
        longer, _ = trial(names[:6], FEWER, data, held, 24, 2 * TRAINING["epochs"], told)
        made["twice as long"] = results(longer)
        made["after"], made["kinds"] = single(alone, data, held, told)
        made["sine"], made["jumps"] = sines(told)
    return made
