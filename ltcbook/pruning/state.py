"""The state of a network in the middle of an event: what is cut, grown and blocked so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..validation import array
from ..wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


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
    cut: list[tuple[int, int]]
    grown: list[tuple[int, int]]
    blocked: list[tuple[int, int]]
    cut_in: list[tuple[int, int]]
    grown_in: list[tuple[int, int]]
    blocked_in: list[tuple[int, int]]

    def __repr__(self) -> str:
        count = lambda name: len(getattr(self, name)) + len(getattr(self, name + "_in"))
        return (
            f"Rewired({count('cut')} cut, {count('grown')} grown, {count('blocked')} blocked; {self.wiring})"
        )


class EventState:
    """A working copy of a network during one event. A *slot* is a place (target, source), a flat index into
    one (n, n + m) matrix with the neurons before the sensory inputs; all arrays are flat in this order.

    weights, age, gradient, sign: pairs of an (n, n) and an (n, m) array, each may be None: then zeros stand
    for it. ``fan_in``: how many synapses each neuron has now, sensory ones included. ``freed``: where this
    event has cut. ``pairs``: the slots of each layer pair that has synapses, in the order of
    ``Wiring.blocks``. Raises ValueError for weights that do not match the wiring.
    """

    def __init__(
        self,
        wiring: Wiring,
        weights: Sequence[ArrayLike | None],
        age: Sequence[np.ndarray | None] = (None, None),
        gradient: Sequence[ArrayLike | None] = (None, None),
        sign: Sequence[np.ndarray | None] = (None, None),
    ) -> None:
        n, m = wiring.n, wiring.m
        names = ("weights", wiring.adjacency), ("weights_in", wiring.adjacency_in)
        weights = [
            None if given is None else check_weights(name, given, adjacency)
            for (name, adjacency), given in zip(names, weights, strict=True)
        ]

        def flat(recurrent: Any, sensory: Any) -> np.ndarray:
            """(n, n) and (n, m) side by side, flat; zeros where there is none."""
            recurrent = np.zeros((n, n)) if recurrent is None else recurrent
            return np.hstack([recurrent, np.zeros((n, m)) if sensory is None else sensory]).ravel()

        self.wiring, self.sensory, self.aged = wiring, weights[1] is not None, [a is not None for a in age]
        self.weight, self.polarity = flat(*weights), flat(wiring.polarity, wiring.polarity_in).astype(int)
        self.age, self.gradient, self.sign = flat(*age), flat(*gradient), flat(*sign)
        self.target, self.source = np.divmod(np.arange(self.weight.size), n + m)
        self.freed = np.zeros(self.weight.size, bool)
        self.fan_in = wiring.fan_in.copy()
        self.cut: list[int] = []
        self.grown: list[int] = []
        self.blocked: list[int] = []
        self.blocks = wiring.blocks()
        slots = [self.slots(block) for block in self.blocks if self.sensory or block[0] != "sensory"]
        self.pairs = [pair for pair in slots if self.polarity[pair].any()]

    def slots(self, block: tuple[str, str, np.ndarray, np.ndarray]) -> np.ndarray:
        """All slots of a layer pair, as ``Wiring.blocks`` gives it, target after target."""
        role, _, sources, targets = block
        n, m = self.wiring.n, self.wiring.m
        return (targets[:, None] * (n + m) + sources + n * (role == "sensory")).ravel()

    def weakest(self, pair: np.ndarray | None = None, score: np.ndarray | None = None) -> np.ndarray:
        """The existing slots of one layer pair, or of all, by increasing weight (or score)."""
        pair = np.concatenate(self.pairs or [np.zeros(0, int)]) if pair is None else pair
        here = pair[self.polarity[pair] != 0]
        return here[np.argsort((self.weight if score is None else score)[here], kind="stable")]

    def targets_of(self, slot: int, targets: np.ndarray) -> np.ndarray:
        """The slots of the same source onto other neurons among the targets, where no synapse is and none was
        cut in this event.
        """
        column = targets * (self.wiring.n + self.wiring.m) + self.source[slot]
        return column[(targets != self.target[slot]) & (self.polarity[column] == 0) & ~self.freed[column]]

    def last_input(self, slot: int) -> bool:
        """Whether this synapse is the only one that its target has."""
        return self.fan_in[self.target[slot]] == 1

    def prune(self, slot: int) -> None:
        """Cut a synapse."""
        self.fan_in[self.target[slot]] -= 1
        self.polarity[slot] = self.weight[slot] = self.age[slot] = 0
        self.freed[slot] = True
        self.cut.append(slot)

    def prune_first(self, ranked: np.ndarray, count: int) -> int:
        """Cut the first ``count`` of the ranked slots that are not their target's last input; how many
        were cut.
        """
        before = len(self.cut)
        for slot in ranked:
            if len(self.cut) - before >= count:
                break
            if self.last_input(slot):
                self.blocked.append(slot)
            else:
                self.prune(slot)
        return len(self.cut) - before

    def grow(self, slot: int, weight: float, sign: int, counts: bool = True) -> None:
        """A new synapse; counts: whether it is an input already when the next one is cut."""
        self.fan_in[self.target[slot]] += counts
        self.polarity[slot], self.weight[slot], self.age[slot] = sign, weight, 0
        self.grown.append(slot)

    def grow_signed(self, slot: int, weight: float, rng: np.random.Generator) -> None:
        """A new synapse with the sign of its place, or one that is drawn. It counts from the next event
        on, so that the layer pairs do not depend on the order in which they are visited.
        """
        self.grow(slot, weight, self.sign[slot] or rng.choice([-1, 1]), counts=False)

    def report(self) -> Rewired:
        """The ``Rewired`` of all that was done."""
        n = self.wiring.n
        halves = lambda flat: [half.copy() for half in np.hsplit(flat.reshape(n, -1), [n])]
        edges = [
            [(int(self.source[slot]), int(self.target[slot])) for slot in slots]
            for slots in (self.cut, self.grown, self.blocked)
        ]
        weights, age, polarity = halves(self.weight), halves(self.age), halves(self.polarity)
        cut, grown, blocked = ([edge for edge in part if edge[0] < n] for part in edges)
        cut_in, grown_in, blocked_in = ([(s - n, t) for s, t in part if s >= n] for part in edges)
        return Rewired(
            Wiring(polarity[0], polarity[1], self.wiring.role),
            weights[0],
            weights[1] if self.sensory else None,
            age[0] if self.aged[0] else None,
            age[1] if self.aged[1] else None,
            cut,
            grown,
            blocked,
            cut_in,
            grown_in,
            blocked_in,
        )


def check_beside(name: str, value: ArrayLike | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """An optional array beside the weights, float and without NaN, or one ValueError."""
    if value is not None:
        value = array(name, value).copy()
        if value.shape != shape or np.isnan(value).any():
            raise ValueError(
                f"{name} has shape {value.shape}; like its weights it must be {shape}, without NaN."
            )
    return value


def check_weights(name: str, weights: ArrayLike, adjacency: np.ndarray) -> np.ndarray:
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
