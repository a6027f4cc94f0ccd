"""Two hundred circuits before and after an event: how fast they settle, beside controls without rewiring."""

from dataclasses import replace

import numpy as np

from .. import analysis, dynamics, pruning, simulate, wiring
from ..train.progress import bar
from ..validation import significant

FILE = "convergence.json"
TOLERANCE = 1e-6
NETWORKS, SWEEP, USUAL = 200, (0.05, 0.1, 0.2, 0.4, 0.6), 0.1
SAME = 1e-7  # two rates that differ by a smaller share count as the same
IN_PLACE, AIMED_IN_PLACE = "control: raise in place to 1", "control: slowest, in place"
AIMED = "to the slowest, W = 1"
RULES = {
    "prune only": {"target": "none"},
    "keep the old weight": {"new_weight": "copy"},
    "W = T": {},
    "W from U(T, 1)": {"new_weight": "uniform"},
    "W = 1": {"new_weight": 1.0},
    "W = 5": {"new_weight": 5.0},
    IN_PLACE: {"new_weight": 1.0},
    AIMED: {"new_weight": 1.0, "target": "slowest"},
    AIMED_IN_PLACE: {"new_weight": 1.0, "target": "slowest"},
}
# these at every threshold, the others at the usual one
SWEPT = ("prune only", "W = 1", IN_PLACE, AIMED, AIMED_IN_PLACE)


def network(seed):
    """A random circuit of 18 neurons, its cell, a constant input (6,) and the rest (18,) that it reaches."""
    rng = np.random.default_rng(seed)
    circuit = wiring.ncp(
        sensory=6,
        inter=10,
        command=6,
        motor=2,
        recurrent=6,
        sensory_fan_out=4,
        inter_fan_out=3,
        motor_fan_in=4,
        rng=rng,
    )
    cell, u = dynamics.LTC.random(circuit, rng=rng), rng.uniform(size=6)
    return circuit, cell, u, analysis.relax(np.zeros(circuit.n), u, cell)


def event(net, T, seed, **rule):
    """One event of a ``network`` at T: the report and the cell after it."""
    circuit, cell = net[:2]
    report = pruning.prune_and_rewire(
        circuit, cell.w, T, weights_in=cell.w_in, rng=np.random.default_rng(seed), **rule
    )
    return report, pruning.rewire(cell, report, rng=np.random.default_rng(seed + 999))


def rate(x, u, cell):
    """How fast the slowest mode near x dies out, in 1/ms."""
    return -analysis.spectral_abscissa(dynamics.jacobian(x, u, cell))


def gain(net, new):
    """The rate of a new cell at the rest that it reaches from the old one, over the old rate."""
    _, cell, u, x = net
    return rate(analysis.relax(x, u, new), u, new) / rate(x, u, cell)


def raised(net, synapses, synapses_in):
    """The cell of a control: nothing moves, and these synapses, (source, target), grow to 1 µS."""
    w, w_in = net[1].w.copy(), net[1].w_in.copy()
    for weights, chosen in ((w, synapses), (w_in, synapses_in)):
        for source, target in chosen:
            weights[target, source] = 1.0
    return replace(net[1], w=w, w_in=w_in)


def weakest_on(weights, grown):
    """For each grown synapse (source, target) the weakest other one onto its target, while there are some."""
    taken, chosen = {}, []
    for _, k in grown:
        order = [j for j in np.argsort(weights[k]) if weights[k, j]]
        turn = taken[k] = taken.get(k, -1) + 1
        chosen += [(order[turn], k)] if turn < len(order) else []
    return chosen


def after(net, name, T, seed):
    """The cell after an event by a rule of ``RULES``, and the report; in a control nothing moves."""
    rule = RULES[name]
    if rule.get("target") == "slowest":
        rule = rule | {"time_constant": dynamics.time_constant(net[3], net[2], net[1])}
    report, new = event(net, T, seed, **rule)
    if name == IN_PLACE:
        new = raised(net, report.cut, report.cut_in)
    elif name == AIMED_IN_PLACE:
        new = raised(net, weakest_on(net[1].w, report.grown), weakest_on(net[1].w_in, report.grown_in))
    return new, report


def settling(u, rest, cell, dt=0.1, steps=2000):
    """ms until 1 % of the first error is left, from x = 0. Raises ValueError where that takes too long."""
    run = simulate.simulate(cell, np.tile(u, (steps, 1)), np.zeros(cell.n), dt, method="exponential")
    left = np.linalg.norm(run - rest, axis=-1) / np.linalg.norm(rest)
    if left[-1] > 0.01:
        raise ValueError(f"after {steps * dt:g} ms {left[-1]:.1%} of the error is left: take more steps.")
    return dt * (2 + int(np.flatnonzero(left > 0.01)[-1]))


def of(seed):
    """One circuit's part of the table."""
    net = network(seed)
    circuit, cell, u, x = net
    usual, _ = after(net, "W = 1", USUAL, seed)
    part = {
        "synapses": circuit.synapses,
        "rate": significant(rate(x, u, cell), 9),
        "gain at the old state": significant(rate(x, u, usual) / rate(x, u, cell), 9),
        "settles": [significant(settling(u, analysis.relax(x, u, each), each), 5) for each in (cell, usual)],
        "moved": [],
        "gain": {},
    }
    for name in RULES:
        made = [after(net, name, T, seed) for T in (SWEEP if name in SWEPT else (USUAL,))]
        part["gain"][name] = [significant(gain(net, new), 9) for new, _ in made]
        if name == "W = 1":
            part["moved"] = [len(report.cut) + len(report.cut_in) for _, report in made]
    return part


def make(sample=False, progress=False):
    """The table: for each circuit its rate, and by rule and threshold the rate after over the rate before."""
    seeds = range(0, NETWORKS, 25 if sample else 1)
    table = {"made by": "python -m ltcbook.reproduce convergence", "thresholds": list(SWEEP), "networks": {}}
    with bar(len(seeds), 0, "circuit", progress, "reproduce") as advance:
        for seed in seeds:
            table["networks"][str(seed)] = of(seed)
            advance()
    return table
