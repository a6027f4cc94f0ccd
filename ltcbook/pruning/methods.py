"""Prune-and-grow methods on one interface, for pruning while a network trains.

A method is a frozen dataclass. ``method.event(step, steps, wiring, weights, weights_in, rng=rng, ...)`` returns a ``Rewired``
report when training step ``step`` of ``steps`` is one of its events, else None. Weights are conductances >= 0,
[target, source], and never changed in place; equal generators give equal events.
"""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from ..boundary import generator, number, whole
from ..wiring import Wiring
from .event import Rewired, check_weights, prune_and_rewire


@dataclass(frozen=True)
class Method:
    """Base: an event every ``every`` steps from step ``start`` on, the last one at ``stop`` (a share of all steps).

    Raises ValueError for every < 1, start < 0 or a stop outside [0, 1].
    """

    every: int = 50
    start: int = 0
    stop: float = 0.75

    needs_gradient = False

    def __post_init__(self):
        whole("every", self.every, 1)
        whole("start", self.start, 0)
        number("stop", self.stop, 0, 1)

    def due(self, step, steps):
        """Whether training step ``step`` (1, 2, ... up to ``steps``) is followed by an event."""
        return step > self.start and (step - self.start) % self.every == 0 and step <= self.stop * steps

    def event(self, step, steps, wiring, weights, weights_in=None, *, rng, age=None, age_in=None, gradient=None,
              gradient_in=None, time_constant=None):
        """A ``Rewired`` report, or None where nothing is due.

        weights, age, gradient: (n, n); weights_in, age_in, gradient_in: (n, m), or weights_in None to leave the sensory
        synapses alone. time_constant: (n,) ms, for the rule "slowest". Raises ValueError for weights that do not match the
        wiring, or for a missing gradient where the method needs one.
        """
        if not self.due(step, steps):
            return None
        if self.needs_gradient and (gradient is None or (weights_in is not None and gradient_in is None)):
            raise ValueError(f"{type(self).__name__} grows by the gradient: pass gradient (and gradient_in) beside the weights.")
        given = SimpleNamespace(age=age, age_in=age_in, gradient=gradient, gradient_in=gradient_in, time_constant=time_constant)
        return self._event(step / steps, wiring, weights, weights_in, generator(rng), given)


@dataclass(frozen=True)
class Nothing(Method):
    """The control: no event, ever."""

    def due(self, step, steps):
        """Never."""
        return False


@dataclass(frozen=True)
class PruneRewire(Method):
    """Prune & rewire at a threshold T; the options are those of ``prune_and_rewire``. Needs gradients for target="gradient"."""

    threshold: float = 0.1
    new_weight: object = "threshold"
    target: str = "uniform"
    max_fraction: float = 0.3
    relative_to: str | None = None
    grace: int = 0
    autapses: bool = True
    polarity: str = "redraw"

    @property
    def needs_gradient(self):
        """Whether the rule for the target reads gradients."""
        return self.target == "gradient"

    def _event(self, share, wiring, weights, weights_in, rng, given):
        return prune_and_rewire(
            wiring, weights, self.threshold, weights_in=weights_in, rng=rng, new_weight=self.new_weight, target=self.target,
            max_fraction=self.max_fraction, relative_to=self.relative_to, grace=self.grace, autapses=self.autapses,
            polarity=self.polarity, **vars(given))


@dataclass(frozen=True)
class OneShotMagnitude(Method):
    """Cut the weakest share ``sparsity`` of all synapses once, at step ``start + every``; nothing grows.

    Source: Han et al. (2015), one round.
    """

    sparsity: float = 0.5

    def __post_init__(self):
        super().__post_init__()
        number("sparsity", self.sparsity, 0, 1)

    def due(self, step, steps):
        """Only once."""
        return step == self.start + self.every

    def _event(self, share, wiring, weights, weights_in, rng, given):
        slots = _Slots(wiring, weights, weights_in, given)
        return slots.report(slots.weakest(round(self.sparsity * slots.exists.sum())), [])


@dataclass(frozen=True)
class GradualMagnitude(Method):
    """Cut the weakest synapses little by little until the share ``sparsity`` of the ``synapses`` at the start is gone.

    After the share p of its events (1 at ``stop``) the part s (1 - (1 - p)^3) is cut: fast at first, then ever slower.
    synapses: how many there were; None takes those of the wiring at hand, so give it where events follow each other.
    Source: Zhu & Gupta (2017).
    """

    sparsity: float = 0.5
    synapses: int | None = None

    def __post_init__(self):
        super().__post_init__()
        number("sparsity", self.sparsity, 0, 1)

    def _event(self, share, wiring, weights, weights_in, rng, given):
        slots = _Slots(wiring, weights, weights_in, given)
        now = int(slots.exists.sum())
        total = now if self.synapses is None else self.synapses
        progress = min(share / self.stop, 1.0) if self.stop else 1.0
        left = round(total * (1 - self.sparsity * (1 - (1 - progress) ** 3)))
        return slots.report(slots.weakest(max(now - left, 0)), [])


@dataclass(frozen=True)
class SET(Method):
    """Sparse evolutionary training: in every layer pair the weakest share ``fraction`` is cut and as many grow at random.

    New weights are drawn from U(0, 2 new_weight). Source: Mocanu et al. (2018).
    """

    fraction: float = 0.3
    new_weight: float = 0.1

    def __post_init__(self):
        super().__post_init__()
        number("fraction", self.fraction, 0, 1)
        number("new_weight", self.new_weight, 0, open_low=True)

    def _fraction(self, share):
        return self.fraction

    def _event(self, share, wiring, weights, weights_in, rng, given):
        slots = _Slots(wiring, weights, weights_in, given)
        cut, grown = [], []
        for block in slots.blocks():
            lost = slots.weakest(int(self._fraction(share) * slots.exists[block].sum()), among=block, gone=cut)
            free = self._candidates(slots, block[~slots.exists[block]], rng)[: len(lost)]
            cut += lost[: len(free)]  # as many as can grow
            grown += [(slot, self._value(rng)) for slot in free]
        return slots.report(cut, grown, rng)

    def _candidates(self, slots, free, rng):
        return rng.permutation(free)

    def _value(self, rng):
        return rng.uniform(0, 2 * self.new_weight)


@dataclass(frozen=True)
class RigL(SET):
    """Rigged lottery: as SET, but synapses grow where the loss would fall most, and the fraction decays to 0 by a cosine.

    Conductances cannot be negative, so a free slot counts only where dL/dw < 0, by its size; new weights start at
    ``new_weight`` (the published 0 has no gradient towards gamma, mu and E). Needs gradients. Source: Evci et al. (2020).
    """

    needs_gradient = True

    def _fraction(self, share):
        return self.fraction / 2 * (1 + np.cos(np.pi * min(share / self.stop, 1.0))) if self.stop else 0.0

    def _candidates(self, slots, free, rng):
        useful = free[slots.gradient[free] < 0]
        return useful[np.argsort(slots.gradient[useful], kind="stable")]

    def _value(self, rng):
        return self.new_weight


@dataclass(frozen=True)
class DeepR(Method):
    """Deep rewiring on conductances: weak synapses may die by chance, and as many grow anywhere in the wiring.

    At an event a synapse dies if w - pull + temperature * Normal(0, 1) <= 0; the survivors keep their weights, which the
    optimiser moves. Dormant places of the same layer pairs are woken uniformly, so the total number stays.
    Source: Bellec et al. (2018); there the noise also moves the survivors.
    """

    pull: float = 0.01
    temperature: float = 0.02
    new_weight: float = 0.02

    def __post_init__(self):
        super().__post_init__()
        number("new_weight", self.new_weight, 0, open_low=True)
        for name in ("pull", "temperature"):
            number(name, getattr(self, name), 0)

    def _event(self, share, wiring, weights, weights_in, rng, given):
        slots = _Slots(wiring, weights, weights_in, given)
        walked = slots.weight - self.pull + self.temperature * rng.standard_normal(slots.weight.shape)
        cut = slots.spare([slot for slot in np.argsort(walked) if slots.exists[slot] and walked[slot] <= 0])
        free = rng.permutation(np.flatnonzero(~slots.exists))[: len(cut)]
        return slots.report(cut[: len(free)], [(slot, self.new_weight) for slot in free], rng)


@dataclass(frozen=True)
class RandomRewiring(SET):
    """The control for SET: the share ``fraction`` of every layer pair is cut at random, whatever its weights."""

    def _event(self, share, wiring, weights, weights_in, rng, given):
        slots = _Slots(wiring, weights, weights_in, given)
        slots.order = rng.random(slots.weight.shape)
        cut, grown = [], []
        for block in slots.blocks():
            lost = slots.weakest(int(self.fraction * slots.exists[block].sum()), among=block, gone=cut)
            free = rng.permutation(block[~slots.exists[block]])[: len(lost)]
            cut += lost[: len(free)]
            grown += [(slot, self._value(rng)) for slot in free]
        return slots.report(cut, grown, rng)


class _Slots:
    """All places of a wiring where a synapse is or may grow (the layer pairs that have any), as flat arrays."""

    def __init__(self, wiring, weights, weights_in, given):
        self.wiring, self.given = wiring, given
        self.weights = check_weights("weights", weights, wiring.adjacency)
        self.weights_in = None if weights_in is None else check_weights("weights_in", weights_in, wiring.adjacency_in)
        rows = []
        for number, (source_role, _, sources, targets) in enumerate(wiring.blocks()):
            sensory = source_role == "sensory"
            polarity = wiring.polarity_in if sensory else wiring.polarity
            if (sensory and weights_in is None) or not polarity[np.ix_(targets, sources)].any():
                continue
            rows += [(sensory, i, j, number) for i in targets for j in sources]
        self.sensory, self.target, self.source, self.block = (np.array(column) for column in zip(*rows, strict=True))
        pick = lambda a, b: np.where(  # noqa: E731
            self.sensory, self._at(b, self.sensory), self._at(a, ~self.sensory))
        self.exists = pick(wiring.polarity, wiring.polarity_in) != 0
        self.weight = pick(self.weights, self.weights_in).astype(float)
        self.gradient = None if given.gradient is None else pick(given.gradient, given.gradient_in)
        self.order = self.weight

    def _at(self, matrix, keep):
        """Values of a matrix at the slots it covers, 0 at the others."""
        out = np.zeros(len(keep))
        if matrix is not None:
            out[keep] = np.asarray(matrix)[self.target[keep], self.source[keep]]
        return out

    def blocks(self):
        """The slots of each layer pair."""
        return [np.flatnonzero(self.block == number) for number in np.unique(self.block)]

    def weakest(self, count, *, among=None, gone=()):
        """Up to ``count`` existing slots, weakest first, that leave every neuron an input (``gone``: cut already)."""
        among = np.arange(len(self.exists)) if among is None else among
        ranked = among[np.argsort(self.order[among], kind="stable")]
        return self.spare([slot for slot in ranked if self.exists[slot]], count, gone)

    def spare(self, ranked, count=None, gone=()):
        """The first ``count`` of the ranked slots without any that would be its target's last input."""
        listens, taken = self.wiring.fan_in.copy(), []
        for slot in gone:
            listens[self.target[slot]] -= 1
        for slot in ranked:
            if count is not None and len(taken) >= count:
                break
            if listens[self.target[slot]] > 1:
                listens[self.target[slot]] -= 1
                taken.append(slot)
        return taken

    def report(self, cut, grown, rng=None):
        """The ``Rewired`` of cutting these slots and growing (slot, weight) pairs with random polarity."""
        polarity = {False: self.wiring.polarity.copy(), True: self.wiring.polarity_in.copy()}
        weights = {False: np.zeros(self.weights.shape), True: None if self.weights_in is None else np.zeros(self.weights_in.shape)}
        age = {False: _copy(self.given.age), True: _copy(self.given.age_in)}
        value = np.where(self.exists, self.weight, 0.0)
        lists = {(name, part): [] for name in ("cut", "grown") for part in (False, True)}
        for slot in cut:
            value[slot] = 0.0
            self._mark(slot, 0, polarity, age, lists["cut", bool(self.sensory[slot])])
        for slot, weight in grown:
            value[slot] = weight
            self._mark(slot, rng.choice([-1, 1]), polarity, age, lists["grown", bool(self.sensory[slot])])
        for part in (False, True):
            at = self.sensory == part
            if weights[part] is not None:
                weights[part][self.target[at], self.source[at]] = value[at]
        return Rewired(
            Wiring(polarity[False], polarity[True], self.wiring.role), weights[False], weights[True], age[False], age[True],
            lists["cut", False], lists["grown", False], [], lists["cut", True], lists["grown", True], [])

    def _mark(self, slot, sign, polarity, age, edges):
        part, at = bool(self.sensory[slot]), (self.target[slot], self.source[slot])
        polarity[part][at] = sign
        if age[part] is not None:
            age[part][at] = 0
        edges.append((int(at[1]), int(at[0])))


def _copy(array):
    return None if array is None else np.array(array)
