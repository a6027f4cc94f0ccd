"""Prune-and-grow methods on one interface, for pruning while a network trains.

A method is a frozen dataclass. ``method.event(step, steps, wiring, weights, weights_in, rng=rng, ...)``
returns a ``Rewired`` report when one of its events follows training step ``step`` of ``steps``, else None.
Weights are conductances >= 0, [target, source], and never changed in place; equal generators give equal
events. All methods stay inside the layer pairs in which the wiring has synapses, never regrow in an event
what it cut, and never take a neuron's last input.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..validation import generator, number, whole
from ..wiring import Wiring
from .event import check_options, prune_and_rewire
from .state import EventState, check_beside

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .state import Rewired


@dataclass(frozen=True)
class Method:
    """Base: an event every ``every`` steps after step ``start``, the last one at the share ``stop`` of all
    steps at most.

    Raises ValueError for every < 1, start < 0 or a stop outside [0, 1].
    """

    every: int = 50
    start: int = 0
    stop: float = 0.75

    @property
    def needs_gradient(self) -> bool:
        """Whether ``event`` reads gradients."""
        return False

    @property
    def needs_time_constant(self) -> bool:
        """Whether ``event`` reads time constants."""
        return False

    def __post_init__(self) -> None:
        whole("every", self.every, 1)
        whole("start", self.start, 0)
        number("stop", self.stop, 0, 1)

    def events(self, steps: int) -> range:
        """The training steps out of 1 .. steps that are followed by an event, a range."""
        return range(self.start + self.every, int(round(self.stop * steps, 9)) + 1, self.every)

    def starting_at(self, wiring: Wiring) -> Method:
        """The method for a run that starts from this wiring; itself, unless it counts from the start."""
        return self

    def event(
        self,
        step: int,
        steps: int,
        wiring: Wiring,
        weights: ArrayLike,
        weights_in: ArrayLike | None = None,
        *,
        rng: np.random.Generator,
        age: ArrayLike | None = None,
        age_in: ArrayLike | None = None,
        gradient: ArrayLike | None = None,
        gradient_in: ArrayLike | None = None,
        time_constant: ArrayLike | None = None,
        sign: ArrayLike | None = None,
        sign_in: ArrayLike | None = None,
    ) -> Rewired | None:
        """A ``Rewired`` report, or None where step is not one of ``events(steps)``. Pure: the arguments stay
        as they are.

        weights: (n, n) µS, weights_in: (n, m), or None to leave the sensory synapses alone. age, age_in:
        steps since each synapse was made, likewise shaped, or None. gradient, gradient_in: dL/dw, where the
        method ``needs_gradient``. time_constant: (n,) ms, for the rule "slowest". sign, sign_in: the polarity
        (+-1) that a synapse would have at each place, the one for which its gradient holds; None draws it.
        ``blocked`` lists what would have been cut but is its target's last input. Raises ValueError for steps
        out of range, arrays that do not match the wiring, or a missing gradient.
        """
        whole("steps", steps, 1)
        whole("step", step, 1, steps)
        generator(rng)
        if step not in self.events(steps):
            return None
        if not isinstance(wiring, Wiring):
            raise ValueError(f"wiring is {type(wiring).__name__}; pass a ltcbook.wiring.Wiring.")
        if self.needs_gradient and (gradient is None or (weights_in is not None and gradient_in is None)):
            raise ValueError(
                f"{type(self).__name__} grows by the gradient: pass gradient (n, n) and gradient_in (n, m)."
            )
        beside = {"age": (age, age_in), "gradient": (gradient, gradient_in), "sign": (sign, sign_in)}
        network = SimpleNamespace(
            wiring=wiring,
            weights=weights,
            weights_in=weights_in,
            time_constant=time_constant,
            **{
                name: tuple(
                    check_beside(name + suffix, value, signs.shape)
                    for value, suffix, signs in zip(
                        pair, ("", "_in"), (wiring.polarity, wiring.polarity_in), strict=True
                    )
                )
                for name, pair in beside.items()
            },
        )
        return self._event(step, steps, network, rng)

    def _event(self, step: int, steps: int, network: SimpleNamespace, rng: np.random.Generator) -> Rewired:
        raise NotImplementedError(f"{type(self).__name__} must say what its event does.")


def _state(network: SimpleNamespace) -> EventState:
    weights = network.weights, network.weights_in
    return EventState(network.wiring, weights, network.age, network.gradient, network.sign)


@dataclass(frozen=True)
class Nothing(Method):
    """The control: no event, ever."""

    def events(self, steps: int) -> range:
        """None of the steps, an empty range."""
        return range(0)


@dataclass(frozen=True)
class PruneRewire(Method):
    """Prune & rewire at a threshold T (µS), on a schedule; the options are those of ``prune_and_rewire``.

    With target="gradient" and polarity="redraw" a new synapse gets the ``sign`` for which the gradient holds,
    where one is given. Raises ValueError for unknown options at once, not at the first event. Source: the
    published idea (README of pruningElegans) as ``prune_and_rewire`` states it; there it runs once and before
    training.
    """

    threshold: float = 0.1
    new_weight: float | Literal["threshold", "zero", "copy", "uniform"] = "threshold"
    target: Literal["uniform", "slowest", "gradient", "same", "none"] = "uniform"
    max_fraction: float = 0.3
    relative_to: Literal["quantile", "mean"] | None = None
    grace: int = 0
    autapses: bool = True
    polarity: Literal["redraw", "inherit"] = "redraw"
    p_excitatory: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_options(**{name: value for name, value in self._options().items() if name != "autapses"})

    def _options(self) -> dict[str, Any]:
        """Those of ``prune_and_rewire``, {name: value}."""
        schedule = {field.name for field in fields(Method)}
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in schedule}

    @property
    def needs_gradient(self) -> bool:
        """Whether the rule for the target reads gradients."""
        return self.target == "gradient"

    @property
    def needs_time_constant(self) -> bool:
        """Whether the rule for the target reads time constants."""
        return self.target == "slowest"

    def _event(self, step: int, steps: int, network: SimpleNamespace, rng: np.random.Generator) -> Rewired:
        result = prune_and_rewire(
            network.wiring,
            network.weights,
            weights_in=network.weights_in,
            rng=rng,
            **self._options(),
            age=network.age[0],
            age_in=network.age[1],
            gradient=network.gradient[0],
            gradient_in=network.gradient[1],
            time_constant=network.time_constant,
        )
        if self.target != "gradient" or self.polarity != "redraw":
            return result
        signs = []
        for new, sign, grown in (
            (result.wiring.polarity, network.sign[0], result.grown),
            (result.wiring.polarity_in, network.sign[1], result.grown_in),
        ):
            at = tuple(np.array(grown, int).reshape(-1, 2).T[::-1])
            signs.append(new.copy())
            signs[-1][at] = new[at] if sign is None else sign[at]
        return replace(result, wiring=Wiring(signs[0], signs[1], result.wiring.role))


@dataclass(frozen=True)
class OneShotMagnitude(Method):
    """Cut the weakest share ``sparsity`` of all synapses, in all layer pairs together, at the first event;
    nothing grows.

    Source: Han et al. (2015), one round of prune and retrain. There the threshold is set layer by layer, from
    the spread of its weights; here one rank over the whole network decides, so the share is met exactly (but
    for last inputs). Raises ValueError for a sparsity outside [0, 1].
    """

    sparsity: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        number("sparsity", self.sparsity, 0, 1)

    def events(self, steps: int) -> range:
        """The first step of the schedule only, a range."""
        return super().events(steps)[:1]

    def _event(self, step: int, steps: int, network: SimpleNamespace, rng: np.random.Generator) -> Rewired:
        state = _state(network)
        state.prune_first(state.weakest(), round(self.sparsity * len(state.weakest())))
        return state.report()


@dataclass(frozen=True)
class GradualMagnitude(Method):
    """Cut the weakest synapses bit by bit, until the share ``sparsity`` of those at the start is gone at the
    last event.

    After event k of K the share sparsity (1 - (1 - k / K)^3) is gone: fast at first, then ever slower.
    synapses: how many there were at the start, of those it may touch; ``starting_at`` fills it in, and
    ``train.fit`` calls that. Source: Zhu & Gupta (2017), their schedule with initial sparsity 0; there each
    layer keeps its own count, here the network has one. Raises ValueError for a sparsity outside [0, 1], or
    for a later event that does not know ``synapses``.
    """

    sparsity: float = 0.5
    synapses: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        number("sparsity", self.sparsity, 0, 1)
        if self.synapses is not None:
            whole("synapses", self.synapses, 0)

    def starting_at(self, wiring: Wiring) -> GradualMagnitude:
        """The method that counts from the synapses of this wiring, unless it knows their number already."""
        return self if self.synapses is not None else replace(self, synapses=wiring.synapses)

    def _event(self, step: int, steps: int, network: SimpleNamespace, rng: np.random.Generator) -> Rewired:
        state, events = _state(network), self.events(steps)
        now, k = len(state.weakest()), events.index(step) + 1
        if self.synapses is None and k > 1:
            raise ValueError(
                "a later event must know how many synapses there were at the start: give GradualMagnitude "
                "synapses=..., or use method.starting_at(wiring)."
            )
        total = now if self.synapses is None else self.synapses
        gone = round(total * self.sparsity * (1 - (1 - k / len(events)) ** 3))
        state.prune_first(state.weakest(), gone - (total - now))
        return state.report()


@dataclass(frozen=True)
class SET(Method):
    """Sparse evolutionary training: in every layer pair the weakest share ``fraction`` is cut and as many
    grow at random.

    New weights are U(0, 2 new_weight) µS. Where a layer pair has too few free places, fewer are cut.
    Source: Mocanu et al. (2018). There weights carry signs and the share is taken of the positive and of the
    negative ones, the events follow the epochs, and a place just cut may be drawn again. Raises ValueError
    for a fraction outside [0, 1] or new_weight <= 0.
    """

    fraction: float = 0.3
    new_weight: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        number("fraction", self.fraction, 0, 1)
        number("new_weight", self.new_weight, 0, open_low=True)

    def _event(self, step: int, steps: int, network: SimpleNamespace, rng: np.random.Generator) -> Rewired:
        state = _state(network)
        for pair in state.pairs:
            ranked, free = self._ranked(state, pair, rng), self._free(state, pair, rng)
            count = int(round(self._fraction(step, steps) * len(ranked), 9))
            for slot in free[: state.prune_first(ranked, min(count, len(free)))]:
                state.grow_signed(slot, self._value(rng), rng)
        return state.report()

    def _fraction(self, step: int, steps: int) -> float:
        return self.fraction

    def _ranked(self, state: EventState, pair: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return state.weakest(pair)

    def _free(self, state: EventState, pair: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return rng.permutation(pair[state.polarity[pair] == 0])

    def _value(self, rng: np.random.Generator) -> float:
        return 2 * self.new_weight * (1 - rng.random())  # 1 - [0, 1) is never 0


@dataclass(frozen=True)
class RandomRewiring(SET):
    """The control for SET: as many are cut and grown, but whom it cuts is drawn, whatever the weights."""

    def _ranked(self, state: EventState, pair: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return rng.permutation(state.weakest(pair))


@dataclass(frozen=True)
class RigL(SET):
    """Rigged lottery: as SET, but synapses grow where the loss falls fastest, and ever fewer of them.

    The share cut is fraction (1 + cos(pi t)) / 2, t from 0 at ``start`` to 1 at ``stop``. Source: Evci et al.
    (2020). There the largest abs(dL/dw) grows, here only dL/dw < 0: a conductance cannot become negative, and
    the new one gets the ``sign`` for which the gradient holds (though a fresh gate). There it starts at 0,
    where the gradient towards its gate and reversal potential is 0 too; here at ``new_weight`` µS. There a
    place just cut may grow again. Needs gradients.
    """

    needs_gradient = True

    def _fraction(self, step: int, steps: int) -> float:
        passed = (step - self.start) / (self.stop * steps - self.start)
        return self.fraction / 2 * (1 + np.cos(np.pi * min(passed, 1.0)))

    def _free(self, state: EventState, pair: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        useful = pair[(state.polarity[pair] == 0) & (state.gradient[pair] < 0)]
        return useful[np.argsort(state.gradient[useful], kind="stable")]

    def _value(self, rng: np.random.Generator) -> float:
        return self.new_weight


@dataclass(frozen=True)
class DeepR(Method):
    """Deep rewiring on conductances: a weak synapse may die by chance, and as many wake anywhere in the
    network.

    A synapse dies if w - pull + temperature Normal(0, 1) <= 0 (all in µS). The number over all layer pairs
    stays; each pair keeps one at least, since none could wake there otherwise. Source: Bellec et al. (2018).
    There pull and noise move every weight in every step and crossing 0 means death; here conductances are
    positive by parametrisation and the optimiser alone moves survivors, so the crossing is drawn at each
    event, and the stationary distribution proved there is not claimed. There a synapse wakes at 0, here at
    ``new_weight``, with the fixed ``sign`` of its place. Raises ValueError for new_weight <= 0 or a negative
    pull or temperature.
    """

    pull: float = 0.01
    temperature: float = 0.02
    new_weight: float = 0.02

    def __post_init__(self) -> None:
        super().__post_init__()
        number("new_weight", self.new_weight, 0, open_low=True)
        number("pull", self.pull, 0)
        number("temperature", self.temperature, 0)

    def _event(self, step: int, steps: int, network: SimpleNamespace, rng: np.random.Generator) -> Rewired:
        state = _state(network)
        walked = state.weight - self.pull + self.temperature * rng.standard_normal(state.weight.shape)
        some = np.concatenate(
            [state.weakest(pair, walked)[:-1] for pair in state.pairs] or [np.zeros(0)]
        ).astype(int)
        dying = some[walked[some] <= 0]
        free = rng.permutation(
            np.concatenate([p[state.polarity[p] == 0] for p in state.pairs] or [np.zeros(0)]).astype(int)
        )
        for slot in free[: state.prune_first(dying[np.argsort(walked[dying], kind="stable")], len(free))]:
            state.grow_signed(slot, self.new_weight, rng)
        return state.report()
