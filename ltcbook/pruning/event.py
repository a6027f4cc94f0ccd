"""Prune & rewire at a threshold T: a wiring and its weights in, a new wiring and new weights out, nothing
changed in place.

Where a synapse is weaker than T it is cut, and its source grows one onto another neuron of the same target
layer, so that the number of synapses and every source's fan-out stay. Weights are conductances >= 0, [target,
source].
Source of the idea: Mocanu et al. (2018) for the prune-and-grow cycle; the precise rule is in chapter "Pruning
& rewiring".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..dynamics.cells import start_values
from ..validation import among, brief, generator, number
from ..wiring import Wiring
from .state import EventState, check_beside

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..dynamics import LTC
    from .state import Rewired

NEW_WEIGHTS = ("threshold", "zero", "copy", "uniform")
TARGETS = ("uniform", "slowest", "gradient", "same", "none")


def prune_and_rewire(
    wiring: Wiring,
    weights: ArrayLike,
    threshold: float,
    *,
    rng: np.random.Generator,
    weights_in: ArrayLike | None = None,
    new_weight: float | Literal["threshold", "zero", "copy", "uniform"] = "threshold",
    target: Literal["uniform", "slowest", "gradient", "same", "none"] = "uniform",
    max_fraction: float = 1.0,
    relative_to: Literal["quantile", "mean"] | None = None,
    age: ArrayLike | None = None,
    age_in: ArrayLike | None = None,
    grace: float = 0,
    autapses: bool = True,
    polarity: Literal["redraw", "inherit"] = "redraw",
    p_excitatory: float = 0.5,
    time_constant: ArrayLike | None = None,
    gradient: ArrayLike | None = None,
    gradient_in: ArrayLike | None = None,
) -> Rewired:
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
    _check_score(target, "gradient", "gradient", gradient, wiring.polarity.shape)
    if weights_in is not None:
        _check_score(target, "gradient", "gradient_in", gradient_in, wiring.polarity_in.shape)
    else:
        age_in = None
    ages = (
        check_beside("age", age, wiring.polarity.shape),
        check_beside("age_in", age_in, wiring.polarity_in.shape),
    )
    slopes = (gradient, gradient_in) if target == "gradient" else (None, None)
    state = EventState(wiring, (weights, weights_in), ages, slopes)

    events, streams = [], generator(rng).spawn(len(state.blocks))
    for block, stream in zip(state.blocks, streams, strict=True):
        sensory, targets = block[0] == "sensory", block[3]
        present = state.weakest(state.slots(block))
        if not len(present) or (sensory and weights_in is None):
            continue
        ordered = state.weight[present]
        unit = ordered.mean() if relative_to == "mean" else 1.0
        T = np.quantile(ordered, threshold) if relative_to == "quantile" else threshold * unit
        _check_new_weight(new_weight, T)
        weak = present[ordered < T]
        if ages[sensory] is not None:
            weak = weak[state.age[weak] >= grace]
        most = int(np.ceil(round(max_fraction * ordered.size, 9)))  # 0.07 x 100 is 7, not 7.000000000000001
        for slot in weak[:most]:
            weight = state.weight[slot]
            rank = np.searchsorted(ordered, weight, "right") - 1
            due = rank / (ordered.size - 1) if relative_to == "quantile" else weight / unit
            events.append((due, slot, weight, T, targets, stream))

    # first what already a smaller threshold would have cut, whatever its layer pair: so events nest as T
    # grows
    for _, slot, weight, T, targets, stream in sorted(events, key=lambda event: event[0]):
        draw, luck, sign = stream.random(), stream.random(), 1 if stream.random() < p_excitatory else -1
        sign = state.polarity[slot] if polarity == "inherit" or target == "same" else sign
        others = state.targets_of(slot, targets)
        if not autapses:
            others = others[state.target[others] != state.source[others]]
        if target == "gradient":
            others = others[state.gradient[others] < 0]
        if target != "same" and (state.last_input(slot) or (target != "none" and not len(others))):
            state.blocked.append(slot)
            continue
        if target == "uniform":
            new = others[int(draw * len(others))]
        elif target == "slowest":
            new = others[np.argmax(np.asarray(time_constant)[state.target[others]])]
        elif target == "gradient":
            new = others[np.argmin(state.gradient[others])]
        else:
            new = slot
        state.prune(slot)
        if target != "none":
            values: dict[object, Any] = {
                "threshold": T,
                "zero": 0.0,
                "copy": weight,
                "uniform": T + luck * (1 - T),
            }
            state.grow(new, values.get(new_weight, new_weight), sign)
    return state.report()


def rewire(cell: LTC, result: Rewired, *, rng: np.random.Generator) -> LTC[np.ndarray]:
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
            "gamma": start_values("gamma", new.shape, generator(rng)),
            "mu": start_values("mu", new.shape, rng),
            "e_rev": polarity,
        }
        changes["w" + suffix] = weights
        for name, values in fresh.items():
            changes[name + suffix] = np.where(new, values, getattr(cell, name + suffix))
    return replace(cell, **changes)


def check_options(
    *,
    threshold: float,
    new_weight: float | Literal["threshold", "zero", "copy", "uniform"],
    target: Literal["uniform", "slowest", "gradient", "same", "none"],
    max_fraction: float,
    relative_to: Literal["quantile", "mean"] | None,
    grace: float,
    polarity: Literal["redraw", "inherit"],
    p_excitatory: float,
) -> None:
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


def _check_score(target: str, rule: str, name: str, value: Any, shape: tuple[int, ...]) -> None:
    if target == rule and (np.shape(value) != shape or not np.isfinite(np.asarray(value, float)).all()):
        raise ValueError(
            f"target={rule!r} needs {name}, a finite array {shape}; got shape {np.shape(value)}."
        )


def _check_new_weight(new_weight: Any, T: float) -> None:
    if not isinstance(new_weight, str) and not T <= new_weight < np.inf:
        raise ValueError(
            f"new_weight {brief(new_weight)} is not a finite number >= T = {T:.4g}: the next event would cut "
            "it again; take a number >= T, or 'zero' or 'copy'."
        )
    if new_weight == "uniform" and T > 1:
        raise ValueError(
            f"new_weight='uniform' draws from U(T, 1), which is empty for T = {T:.4g}; give a number >= T."
        )
