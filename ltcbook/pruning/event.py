"""Prune & rewire at a threshold T: a wiring and its weights in, a new wiring and new weights out, nothing
changed in place.

Where a synapse is weaker than T it is cut, and its source grows one onto another neuron of the same target
layer, so that the number of synapses and every source's fan-out stay. Weights are conductances >= 0, [target,
source].
Source of the idea: Mocanu et al. (2018) for the prune-and-grow cycle; the precise rule is in chapter "Pruning
& rewiring".
"""

from dataclasses import dataclass, replace

import numpy as np

from ..validation import among, brief, generator, number
from ..wiring import Wiring

NEW_WEIGHTS = ("threshold", "zero", "copy", "uniform")
TARGETS = ("uniform", "slowest", "gradient", "same", "none")


@dataclass(frozen=True, eq=False)
class Rewired:
    """What one event made: wiring, weights (n, n), weights_in (n, m) or None, ages, and the report.

    cut, grown, blocked: lists of (source, target) between neurons in the order of events; cut[k] was replaced
    by grown[k] (but for target="none", which grows nothing). cut_in, grown_in, blocked_in: the same for
    sensory synapses. A blocked synapse was weaker than T but stays as it was.
    """

    wiring: Wiring
    weights: np.ndarray
    weights_in: np.ndarray | None
    age: np.ndarray | None
    age_in: np.ndarray | None
    cut: list
    grown: list
    blocked: list
    cut_in: list
    grown_in: list
    blocked_in: list

    def __repr__(self):
        count = lambda name: len(getattr(self, name)) + len(getattr(self, name + "_in"))
        return (
            f"Rewired({count('cut')} cut, {count('grown')} grown, {count('blocked')} blocked; {self.wiring})"
        )


def prune_and_rewire(
    wiring,
    weights,
    threshold,
    *,
    rng,
    weights_in=None,
    new_weight="threshold",
    target="uniform",
    max_fraction=1.0,
    relative_to=None,
    age=None,
    age_in=None,
    grace=0,
    autapses=True,
    polarity="redraw",
    p_excitatory=0.5,
    time_constant=None,
    gradient=None,
    gradient_in=None,
):
    """One prune-and-rewire event in every layer pair; returns a ``Rewired``. Pure: the arguments stay as they
    are.

    weights: (n, n) conductances, zero off the wiring; weights_in: (n, m), or None to leave the sensory
    synapses alone. threshold: T >= 0 in the unit of the weights (relative_to=None), the T-quantile of each
    layer pair's weights ("quantile", T <= 1), or T times their mean ("mean").

    The synapses with weight < T and age >= grace are visited from the weakest on (relative to their layer
    pair where T is), at most ceil(max_fraction x synapses) in each layer pair. Synapse j -> i moves to j ->
    k, where k is in i's layer, is not i, does not hear j yet and was not freed by j in this event
    (autapses=False: k is not j). It is *blocked* and kept when no such k exists or when it is the last
    synapse onto i.

    target: how k is chosen. "uniform"; "slowest": the largest ``time_constant`` (n,); "gradient": the largest
    -dL/dw among the candidates where it is > 0 (``gradient`` (n, n), ``gradient_in`` (n, m)). Two controls:
    "same" raises the weak synapse where it is, polarity and all (nothing is rewired); "none" prunes only, but
    no neuron's last synapse. new_weight: "threshold" (T), "copy" (the old weight), "uniform" (U(T, 1)),
    "zero" (invisible, but too weak to survive the next event unless grace protects it), or a number >= T.
    polarity: "redraw" (+1 with probability p_excitatory) or "inherit". age: (n, n) steps since each synapse
    was made; new ones start at 0.

    Each layer pair draws from its own stream, so for one seed the events of a smaller T are the first events
    of a larger one. Raises ValueError for T < 0, NaN, an unknown rule, or weights that do not match the
    wiring.
    Source: Mocanu et al. (2018) for the prune-and-grow cycle; the rule itself: chapter "Pruning & rewiring".

    >>> net = wiring.auto_ncp(19, 3, sensory=5, rng=rng)
    >>> cell = dynamics.LTC.random(net, rng=rng)
    >>> result = pruning.prune_and_rewire(net, cell.w, 0.3, rng=rng)
    >>> len(result.cut) == len(result.grown) > 0
    True
    >>> bool(np.array_equal(result.wiring.fan_out, net.fan_out))  # all kept
    True
    """
    if not isinstance(wiring, Wiring):
        raise ValueError(f"wiring is {type(wiring).__name__}; pass a ltcbook.wiring.Wiring.")
    check_options(
        threshold=threshold,
        new_weight=new_weight,
        target=target,
        max_fraction=max_fraction,
        relative_to=relative_to,
        grace=grace,
        polarity=polarity,
        p_excitatory=p_excitatory,
    )
    _check_score(target, "slowest", "time_constant", time_constant, (wiring.n,))
    _check_score(target, "gradient", "gradient", gradient, (wiring.n, wiring.n))
    halves = {
        False: _Half(
            "age", wiring.polarity, check_weights("weights", weights, wiring.adjacency), age, gradient
        )
    }
    if weights_in is not None:
        w_in = check_weights("weights_in", weights_in, wiring.adjacency_in)
        _check_score(target, "gradient", "gradient_in", gradient_in, w_in.shape)
        halves[True] = _Half("age_in", wiring.polarity_in, w_in, age_in, gradient_in)

    blocks, events = wiring.blocks(), []
    for (source_role, _, sources, targets), stream in zip(
        blocks, generator(rng).spawn(len(blocks)), strict=True
    ):
        half = halves.get(source_role == "sensory")
        present = np.ix_(targets, sources)
        if half is None or not half.polarity[present].any():
            continue
        ordered = np.sort(half.weights[present][half.polarity[present] != 0])
        unit = ordered.mean() if relative_to == "mean" else 1.0
        T = np.quantile(ordered, threshold) if relative_to == "quantile" else threshold * unit
        _check_new_weight(new_weight, T)
        candidates = sorted(
            (half.weights[i, j], i, j)
            for i in targets
            for j in sources
            if half.polarity[i, j] and half.weights[i, j] < T and half.age[i, j] >= grace
        )
        most = int(np.ceil(round(max_fraction * ordered.size, 9)))  # 0.07 x 100 is 7, not 7.000000000000001
        for weight, i, j in candidates[:most]:
            rank = np.searchsorted(ordered, weight, "right") - 1
            due = rank / (ordered.size - 1) if relative_to == "quantile" else weight / unit
            events.append((due, weight, i, j, T, half, targets, stream))

    # first what already a smaller threshold would have cut, whatever its layer pair: so events nest as T
    # grows
    for _, weight, i, j, T, half, targets, stream in sorted(events, key=lambda event: event[0]):
        draw, luck, sign = stream.random(), stream.random(), 1 if stream.random() < p_excitatory else -1
        free = [
            k
            for k in targets
            if k != i
            and not half.polarity[k, j]
            and (k, j) not in half.freed
            and (autapses or half is not halves[False] or k != j)
        ]
        if target == "gradient":
            free = [k for k in free if half.gradient[k, j] < 0]
        listens = np.count_nonzero(halves[False].polarity[i]) + np.count_nonzero(
            halves[True].polarity[i] if True in halves else wiring.polarity_in[i]
        )
        if target == "same":
            k, sign = i, half.polarity[i, j]
        elif listens == 1 or (not free and target != "none"):
            half.blocked.append((int(j), int(i)))
            continue
        elif target == "none":
            k = None
        elif target == "uniform":
            k = free[int(draw * len(free))]
        elif target == "slowest":
            k = max(free, key=lambda k: time_constant[k])
        else:
            k = min(free, key=lambda k: half.gradient[k, j])
        value = {"threshold": T, "zero": 0.0, "copy": weight, "uniform": T + luck * (1 - T)}.get(
            new_weight, new_weight
        )
        half.move(i, j, k, value, half.polarity[i, j] if polarity == "inherit" else sign)

    recurrent, sensory = halves[False], halves.get(True)
    polarity_in = wiring.polarity_in if sensory is None else sensory.polarity
    return Rewired(
        Wiring(recurrent.polarity, polarity_in, wiring.role),
        recurrent.weights,
        sensory and sensory.weights,
        None if age is None else recurrent.age,
        None if sensory is None or age_in is None else sensory.age,
        recurrent.cut,
        recurrent.grown,
        recurrent.blocked,
        *((sensory.cut, sensory.grown, sensory.blocked) if sensory else ([], [], [])),
    )


class _Half:
    """Working copy of the recurrent or of the sensory synapses during one event."""

    def __init__(self, name, polarity, weights, age, gradient):
        self.polarity, self.weights, self.gradient = polarity.copy(), weights.copy(), gradient
        self.age = np.full(weights.shape, np.inf) if age is None else np.asarray(age).copy()
        if self.age.shape != weights.shape or np.isnan(self.age).any():
            raise ValueError(
                f"{name} has shape {self.age.shape}; like its weights it must be {weights.shape}, without "
                "NaN."
            )
        self.freed, self.cut, self.grown, self.blocked = set(), [], [], []

    def move(self, i, j, k, value, sign):
        self.polarity[i, j], self.weights[i, j], self.age[i, j] = 0, 0, 0
        self.freed.add((i, j))
        self.cut.append((int(j), int(i)))
        if k is not None:
            self.polarity[k, j], self.weights[k, j], self.age[k, j] = sign, value, 0
            self.grown.append((int(j), int(k)))


def rewire(cell, result, *, rng):
    """The LTC cell after the event: new weights; every grown synapse gets its new polarity and fresh gates.

    gamma U(3, 8) and mu U(0.3, 0.8) are drawn as in ``LTC.random``; all other parameters stay. Gates are
    drawn for the whole matrix in one stroke, so the same seed gives the same synapse the same gates at every
    T. Raises ValueError for another kind of cell, or one of another size than the event.
    """
    if not hasattr(cell, "gamma"):
        raise ValueError(f"the cell is a {type(cell).__name__}; only a synaptic LTC has synapses to rewire.")
    if cell.n != result.wiring.n or cell.m != result.wiring.m:
        raise ValueError(
            f"the cell has {cell.n} neurons and {cell.m} inputs, the event {result.wiring.n} and "
            f"{result.wiring.m}: rewire the cell whose weights were pruned."
        )
    changes = {}
    for suffix, weights, cut, grown, polarity in (
        ("", result.weights, result.cut, result.grown, result.wiring.polarity),
        ("_in", result.weights_in, result.cut_in, result.grown_in, result.wiring.polarity_in),
    ):
        if weights is None:
            continue
        new = np.zeros(weights.shape, bool)
        for source, target in set(grown) - set(cut):  # a synapse raised in place keeps its gate
            new[target, source] = True
        fresh = {
            "gamma": generator(rng).uniform(3, 8, new.shape),
            "mu": rng.uniform(0.3, 0.8, new.shape),
            "e_rev": polarity,
        }
        changes["w" + suffix] = weights
        for name, values in fresh.items():
            changes[name + suffix] = np.where(new, values, getattr(cell, name + suffix))
    return replace(cell, **changes)


def check_options(*, threshold, new_weight, target, max_fraction, relative_to, grace, polarity, p_excitatory):
    """One ValueError for options of ``prune_and_rewire`` that are wrong in themselves, whatever the
    network.
    """
    is_number = lambda v: isinstance(v, (int, float, np.number)) and not isinstance(v, bool)
    if not is_number(threshold) or not 0 <= threshold < np.inf:
        raise ValueError(
            f"the threshold T is {brief(threshold)}; it must be a finite number >= 0, in the unit of the "
            "weights."
        )
    if not among(relative_to, (None, "quantile", "mean")) or (relative_to == "quantile" and threshold > 1):
        raise ValueError(
            f"relative_to={brief(relative_to)} with T = {threshold}; choose None, 'mean', or 'quantile' with "
            "T <= 1."
        )
    if not among(target, TARGETS):
        raise ValueError(f"no target rule {brief(target)}; choose one of {TARGETS}.")
    if not among(polarity, ("redraw", "inherit")):
        raise ValueError(f"polarity is {brief(polarity)}; choose 'redraw' or 'inherit'.")
    if not is_number(new_weight) and not among(new_weight, NEW_WEIGHTS):
        raise ValueError(
            f"no rule {brief(new_weight)} for the new weight; choose one of {NEW_WEIGHTS} or a number >= T."
        )
    _check_new_weight(new_weight, threshold if relative_to is None else 0)
    number("max_fraction", max_fraction, 0, 1)
    number("p_excitatory", p_excitatory, 0, 1)
    if not isinstance(grace, (int, float, np.number)) or not grace >= 0:
        raise ValueError(f"grace is {brief(grace)}; it must be a number of steps >= 0.")


def _check_score(target, rule, name, value, shape):
    if target == rule and (np.shape(value) != shape or not np.isfinite(np.asarray(value, float)).all()):
        raise ValueError(
            f"target={rule!r} needs {name}, a finite array {shape}; got shape {np.shape(value)}."
        )


def _check_new_weight(new_weight, T):
    if not isinstance(new_weight, str) and not T <= new_weight < np.inf:
        raise ValueError(
            f"new_weight {brief(new_weight)} is not a finite number >= T = {T:.4g}: the next event would cut "
            "it again; take a number >= T, or 'zero' or 'copy'."
        )
    if new_weight == "uniform" and T > 1:
        raise ValueError(
            f"new_weight='uniform' draws from U(T, 1), which is empty for T = {T:.4g}; give a number >= T."
        )


def check_weights(name, weights, adjacency):
    """Conductances as float64, in the shape of the adjacency, or one ValueError: wrong shape, NaN, < 0,
    off the wiring.
    """
    weights = np.asarray(weights)
    if weights.shape != adjacency.shape or weights.dtype.kind not in "fiu":
        raise ValueError(
            f"{name} has shape {weights.shape} and type {weights.dtype}; this wiring needs real "
            f"{adjacency.shape}."
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(f"{name} must be finite conductances >= 0; the smallest is {np.min(weights)}.")
    if (weights[~adjacency] != 0).any():
        target, source = np.argwhere((weights != 0) & ~adjacency)[0]
        raise ValueError(
            f"{name}[{target}, {source}] = {weights[target, source]:.4g}, but the wiring has no synapse "
            f"{source} -> {target}; multiply the weights by the adjacency."
        )
    return weights.astype(float)
