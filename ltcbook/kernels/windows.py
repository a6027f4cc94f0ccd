"""One long sequence as a batch: overlapping windows side by side, each started some steps early.

A network that forgets its start need not be computed in order. T steps are cut into windows of L steps, and
each window begins ``burn`` steps before its own part, at rest. By then its state has met that of its
neighbour, whose last steps are the same: the windows are joined only where both agree to ``TOLERANCE``.
Windows that do not agree run on from the end of their neighbour, again as a batch, until all do. The first
one that does not agree is right after every round, so there are at most as many rounds as windows, and then
the result is the sequential one. Where rounds no longer pay (less than half of the disagreements went
away), the rest is computed step by step, with one warning: an oscillator, several rests, or a long memory.

Backwards the same in reverse: what a loss says of a window's own part is carried back through it and
through the ``burn`` steps before it, along the states of the neighbour. What is left there must have
vanished, beside the largest derivative that came in; else it is handed to the neighbour and carried on.
Derivatives add, so the sum is right, whatever was handed on. What a network has forgotten has the derivative
0.

Two windows that agree to rounding are worth one: what such a difference does later, the rounding of every
step in order does too. A network without a proof (``dynamics.forgetting``) is held to this test alone, at
every joint of every call. The states take (L + burn) / L of the memory of a sequence in order.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from .call import SMALL, Call, aligned, lent, shared
from .sequence import LANES, MORE, lanes_for
from .sparse import columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..solvers import Solver
    from .sparse import StackedPattern

TOLERANCE = {"float32": 1e-6, "float64": 1e-13}  # of the largest potential of a neuron's box
PER_DIGIT = 3  # steps of the first guess of ``burn`` for every digit of the tolerance
NOBODY = np.arange(0)  # neurons whose trajectory a call need not copy: the windows copy it themselves
PATIENCE = 16  # calls that are solved in order after the first failure; twice as many after the next


@dataclass
class Notes:
    """What the calls of one network have shown so far. burn: steps that were enough; rest: calls still to be
    solved in order; failures: how often windows did not pay.
    """

    burn: int = 0
    rest: int = 0
    failures: int = 0

    def failed(self, why: str) -> None:
        """Windows did not pay: say so once, and rest for a while."""
        if not self.failures:
            warnings.warn(
                f"backend='windows': {why}. An oscillator, several rests or a long memory do that. The "
                "network is solved step by step: right, but not fast; backend='auto' does so at once.",
                RuntimeWarning,
                stacklevel=2,
            )
        self.rest, self.failures = PATIENCE * 2**self.failures, self.failures + 1


def prepare(
    numbers: np.ndarray,
    patterns: tuple[StackedPattern, StackedPattern],
    u: np.ndarray,
    dt: np.ndarray,
    *,
    solver: Solver,
    substeps: int,
    threads: int,
    notes: Notes,
    windows: int | None = None,
    burn: int | None = None,
    tolerance: float | None = None,
) -> Call | Windows:
    """A ``Windows``, or a ``Call`` where the sequence is too short for windows, or the network was found not
    to forget.

    All but the last four as ``Call`` takes them. windows, burn, tolerance: None where they are to be found.
    """
    options: dict[str, Any] = {"solver": solver, "substeps": substeps, "threads": threads}
    networks, batch, steps, _ = u.shape
    tolerance = TOLERANCE[u.dtype.name] if tolerance is None else tolerance
    notes.burn = burn or notes.burn or max(1, round(-PER_DIGIT * np.log10(min(tolerance, 0.1))))
    gates = batch * steps * substeps * max(patterns[0].length, 1)
    used = max(1, min(threads, gates // SMALL))
    count = windows or most(batch, steps, notes.burn, used, u.dtype)
    if networks > 1 or notes.rest or count < 2 or steps < (count + 1) * notes.burn:
        notes.rest = max(0, notes.rest - 1)
        return Call(numbers, patterns, u, dt, **options)
    options |= {"threads": used, "count": count, "tolerance": tolerance, "notes": notes}
    return Windows(numbers, patterns, u, dt, **options)


def threads() -> int:
    """How many threads numba would use: all cores, or NUMBA_NUM_THREADS."""
    import numba

    return numba.get_num_threads()


def most(batch: int, steps: int, burn: int, threads: int, dtype: np.dtype) -> int:
    """How many windows fill the lanes of as many threads as pay: a window's own part is as long as the
    steps before it at least. Below 2: none.
    """
    wide = lanes_for(MORE, dtype)
    for lanes in (*range(wide * threads, 0, -wide), LANES):
        count = lanes // max(batch, 1)
        if steps >= (count + 1) * burn:
            return count
    return 1


class Windows:
    """What a ``Call`` of one network is, computed in windows; see above. u: (1, B, T, m); dt: what fits (1,
    B, T).

    Window w = b count + k is the k-th of sample b: the inputs from k L to (k + 1) L + burn, of which the
    first ``burn`` are only there to forget the start, but for k = 0. The windows are dealt to groups, one for
    each thread; ``states`` are a flat array, in which every group has a part.
    """

    def __init__(
        self,
        numbers: np.ndarray,
        patterns: tuple[StackedPattern, StackedPattern],
        u: np.ndarray,
        dt: np.ndarray,
        *,
        solver: Solver,
        substeps: int,
        threads: int,
        count: int,
        tolerance: float,
        notes: Notes,
    ) -> None:
        _, self.batch, self.steps, self.m = u.shape
        self.patterns, self.n, self.numbers = patterns, patterns[0].n, numbers.copy()
        self.fields = {name: self.numbers[0, column] for name, column in columns(*patterns).items()}
        self.options: dict[str, Any] = {"solver": solver, "substeps": substeps}
        self.count, self.burn, self.tolerance, self.notes = count, notes.burn, tolerance, notes
        self.own = -(-(self.steps - self.burn) // count)  # L
        self.span, self.windows = self.own + self.burn, self.batch * count
        self.in_order = False  # whether a part was solved step by step
        self.u, self.dt = (self._filled(a[0]) for a in (u, np.broadcast_to(dt, u.shape[:3])))
        lanes = lanes_for(self.windows, u.dtype)
        groups = max(1, min(threads, self.windows // lanes))
        ends = [self.windows * k // groups // lanes * lanes for k in range(groups)]
        self.groups = list(pairwise([*ends, self.windows]))
        u, dt = (self._cut(a).reshape(self.windows, self.span, *a.shape[2:]) for a in (self.u, self.dt))
        self.calls = [self._call(u[slice(*group)], dt[slice(*group)]) for group in self.groups]

    def states_shape(self, substeps: bool) -> tuple[int]:
        """See ``Call.states_shape``."""
        return (sum(math.prod(call.states_shape(substeps)) for call in self.calls),)

    # --- forwards -------------------------------------------------------------------------------------------

    def forward(self, x0: np.ndarray, states: np.ndarray) -> np.ndarray:
        """See ``Call.forward``."""
        self.size = self._largest(x0[0])
        start = np.empty((self.batch, self.count, self.n), self.u.dtype)
        start[:], start[:, 0] = self.fields["e_leak"], x0
        start = start.reshape(self.windows, self.n)
        parts = self._parts(states)
        (x,) = aligned((start.dtype, (self.batch, self.u.shape[1], self.n)), make=lent)
        n, per_input, assign = self.n, self._per_input(parts), self.calls[0].assign

        def solve(group: int) -> None:
            self.calls[group].forward(start[None, slice(*self.groups[group])], parts[group], NOBODY)
            copy(group)

        def copy(group: int) -> None:
            lanes, (_, rows, size) = self.calls[group].lanes, parts[group].shape
            in_states, in_x = (0, 0, per_input * size, lanes, 1), (0, 0, n, 1, self.own * n)
            for window, found in self._runs(parts, group):
                b, k = divmod(window, self.count)
                tile, lane = divmod(window - self.groups[group][0], lanes)
                at = (tile * rows + (self.burn + 1) * per_input) * size + lane
                to = (b * x.shape[1] + self.burn + k * self.own) * n
                count = found.shape[2]
                shape = 1, 1, self.own, n, count
                assign(parts[group].reshape(-1), at, in_states, x.reshape(-1), to, in_x, shape, count)
                if k == 0:
                    x[b, : self.burn] = found[per_input::per_input][: self.burn, :, 0]

        shared(solve, range(len(self.groups)))
        if self._join(parts):
            shared(copy, range(len(self.groups)))
        return x[None, :, : self.steps]

    def _join(self, parts: list[np.ndarray]) -> bool:
        """Make all windows agree where they meet. Whether one had to be changed for it."""
        met = self._after(parts, self.burn)[:, 1:]

        def apart() -> np.ndarray:  # also where one is NaN
            ends = self._after(parts, self.span)[:, :-1]
            return ~(np.abs(met - ends) <= self.tolerance * self.size).all(-1)

        wrong, before = apart(), np.inf
        self._learn(wrong.mean())
        first = self.burn * self._per_input(parts)
        changed = bool(wrong.any())
        while wrong.any():
            b, k = wrong.nonzero()
            if 2 * len(k) > before:
                self._go_on_in_order(parts, np.unique(b), k.min())
                break
            before = len(k)
            met[b, k] = self._after(parts, self.span)[b, k]
            call = self._call(*(self._cut(a)[b, k + 1, self.burn :] for a in (self.u, self.dt)))
            found = np.empty(call.states_shape(self._all_kept(parts)), met.dtype)
            call.forward(met[None, b, k], found, NOBODY)
            for place, window in enumerate(b * self.count + k + 1):
                self._window(parts, window)[first:] = self._lane(call, found, place)
            wrong = apart()
        return changed

    def _go_on_in_order(self, parts: list[np.ndarray], b: np.ndarray, k: int) -> None:
        """Solve what follows window k step by step, for the samples b."""
        self.in_order = True
        start = (k + 1) * self.own + self.burn
        call = self._call(self.u[b, start:], self.dt[b, start:])
        found = np.empty(call.states_shape(self._all_kept(parts)), self.u.dtype)
        call.forward(self._after(parts, self.span)[None, b, k], found, NOBODY)
        if np.isfinite(call.after(found, call.steps)).all():  # else the caller has something else to say
            self.notes.failed(f"windows of {self.own} steps do not agree where they meet")
        per_input = self._per_input(parts)
        first, rows = self.burn * per_input, self.own * per_input
        for place, sample in enumerate(b):
            lane = self._lane(call, found, place)
            for window in range(k + 1, self.count):
                part = lane[(window - k - 1) * rows :][: rows + 1]
                self._window(parts, sample * self.count + window)[first:] = part

    # --- backwards ------------------------------------------------------------------------------------------

    def backward(
        self, by_x: np.ndarray, states: np.ndarray, neurons: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See ``Call.backward``."""
        parts = self._parts(states)
        if self.in_order:
            return self._backward_in_order(by_x, parts, neurons)
        filled, unit = self._filled(by_x[0]), np.where(self.size > 0, self.size, 1)
        by_u = np.empty((self.batch, self.count, self.span, self.m), filled.dtype)
        left = np.empty((self.batch, self.count, self.n), filled.dtype)
        for first, _ in self.groups:
            self._take_the_neighbours_states(parts, first)
        found: list[Any] = [None] * len(self.groups)
        samples, places = divmod(np.arange(self.windows), self.count)

        def carry_back(group: int) -> None:
            self._hand_on_inside(parts, group)
            here = slice(*self.groups[group])
            mine = self._cut(filled)[samples[here], places[here]]
            mine[places[here] > 0, : self.burn] = 0  # those steps are the neighbour's own
            more_u, more_x0, found[group] = self.calls[group].backward(mine[None], parts[group], neurons)
            by_u.reshape(self.windows, self.span, self.m)[here] = more_u[0]
            left.reshape(self.windows, self.n)[here] = more_x0[0]

        shared(carry_back, range(len(self.groups)))
        by_numbers = sum(found)
        largest = np.array([max(one.max(), -one.min()) for one in filled.reshape(-1, filled.shape[2]).T])
        limit = self.tolerance * (largest * (unit if neurons is None else unit[neurons])).max()
        b, k = (~(np.abs(left[:, 1:]) * unit <= limit).all(-1)).nonzero()
        self._learn(len(k) / left[:, 1:, 0].size)
        handed, before, per_input = left[b, k + 1], np.inf, self._per_input(parts)
        while len(k):  # window k goes on with what the one behind it had left
            if 2 * len(k) > before:
                self.notes.failed(f"derivatives do not vanish within {self.own} steps")
                return self._backward_in_order(by_x, parts, neurons)
            before = len(k)
            call = self._call(*(self._cut(a)[b, k, : self.own] for a in (self.u, self.dt)))
            lanes = np.ones(call.states_shape(self._all_kept(parts)), filled.dtype)
            for place, window in enumerate(b * self.count + k):
                rows = self._window(parts, window)[: self.own * per_input + 1]
                self._lane(call, lanes, place)[:] = rows
            by_end = np.zeros((1, len(k), self.own, self.n), filled.dtype)
            by_end[0, :, -1] = handed
            more_u, (handed,), more = call.backward(by_end, lanes)
            by_u[b, k, : self.own] += more_u[0]
            by_numbers = by_numbers + more
            left[b[k == 0], 0] += handed[k == 0]
            going = (k > 0) & ~(np.abs(handed) * unit <= limit).all(-1)
            b, k, handed = b[going], k[going] - 1, handed[going]
        joined = np.zeros((self.batch, self.count + 1, self.own, self.m), by_u.dtype)
        joined[:, :-1] = by_u[:, :, : self.own]
        joined[:, 1:, : self.burn] += by_u[:, :, self.own :]
        joined = joined.reshape(1, self.batch, (self.count + 1) * self.own, self.m)[:, :, : self.steps]
        return joined, left[None, :, 0], by_numbers

    def _take_the_neighbours_states(self, parts: list[np.ndarray], window: int) -> None:
        """Put the last states of the window before in the place of the first ones of this window."""
        if window % self.count:
            first, last = (steps * self._per_input(parts) for steps in (self.burn, self.own))
            self._window(parts, window)[: first + 1] = self._window(parts, window - 1)[last:]

    def _hand_on_inside(self, parts: list[np.ndarray], group: int) -> None:
        """The same for all windows of a group behind its first one."""
        first, last = (steps * self._per_input(parts) for steps in (self.burn, self.own))
        for window, rows in self._runs(parts, group):
            if window > self.groups[group][0]:
                self._take_the_neighbours_states(parts, window)
            rows[: first + 1, :, 1:] = rows[last:, :, :-1]

    def _backward_in_order(
        self, by_x: np.ndarray, parts: list[np.ndarray], neurons: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``backward`` step by step."""
        call = self._call(self.u[:, : self.steps], self.dt[:, : self.steps])
        found = np.ones(call.states_shape(self._all_kept(parts)), by_x.dtype)
        per_input = self._per_input(parts)
        first, rows = self.burn * per_input, self.own * per_input
        for sample in range(self.batch):
            to, window = self._lane(call, found, sample), sample * self.count
            to[: first + rows + 1] = self._window(parts, window)[: len(to)]
            for k in range(1, self.count):
                part = to[first + k * rows + 1 :][:rows]
                part[:] = self._window(parts, window + k)[first + 1 :][: len(part)]
        return call.backward(by_x, found, neurons)

    def _learn(self, wrong: float) -> None:
        """Let the next call begin earlier if a share of the windows was wrong: twice as early if many were;
        but not so early that it costs more than to mend them.
        """
        longer = self.burn * 2 if wrong > 1 / 8 else self.burn * 5 // 4 + 1
        if wrong > 0 and longer <= self.own // 2:
            self.notes.burn = max(self.notes.burn, longer)

    # --- parts ----------------------------------------------------------------------------------------------

    def _filled(self, a: np.ndarray) -> np.ndarray:
        """a (B, T, ...) with zeros at its end, so that the windows fit: steps of 0 ms, in which nothing
        happens.
        """
        missing = self.burn + self.count * self.own - self.steps
        if not missing:
            return a
        return np.concatenate([a, np.zeros((self.batch, missing, *a.shape[2:]), a.dtype)], 1)

    def _cut(self, a: np.ndarray) -> np.ndarray:
        """The windows (B, count, L + burn, ...) of a (B, T, ...), a view."""
        step, rest = a.strides[1], a.strides[2:]
        shape = (self.batch, self.count, self.span, *a.shape[2:])
        return np.lib.stride_tricks.as_strided(a, shape, (a.strides[0], self.own * step, step, *rest))

    def _call(self, u: np.ndarray, dt: np.ndarray) -> Call:
        """A ``Call`` of samples u (B, T, m) and dt (B, T)."""
        return Call(self.numbers, self.patterns, u[None], dt, **self.options)

    def _largest(self, x0: np.ndarray) -> np.ndarray:
        """The largest potential, (n,), that each neuron can have."""
        size = np.maximum(np.abs(self.fields["e_leak"]), np.abs(x0).max(0, initial=0))
        for stack, end in zip(self.patterns, ("", "_in"), strict=True):
            np.maximum.at(size, stack.patterns[0].target, np.abs(self.fields["e_rev" + end]))
        return size

    def _parts(self, states: np.ndarray) -> list[np.ndarray]:
        """What every group's call has of the flat array, each (tiles, rows, ...), views."""
        kept = states.shape == self.states_shape(substeps=True)
        shapes = [call.states_shape(kept) for call in self.calls]
        ends = [0, *accumulate(map(math.prod, shapes))]
        return [states[a:b].reshape(shape) for (a, b), shape in zip(pairwise(ends), shapes, strict=True)]

    def _per_input(self, parts: list[np.ndarray]) -> int:
        """How many rows the states have for every input, behind the one at the start."""
        return self.calls[0].per_input(parts[0])

    def _all_kept(self, parts: list[np.ndarray]) -> bool:
        """Whether the states are those that ``backward`` needs."""
        return parts[0].shape == self.calls[0].states_shape(substeps=True)

    def _lane(self, call: Call, states: np.ndarray, sample: int) -> np.ndarray:
        """The states (rows, n) of one sample of a call, a view."""
        tile, lane = divmod(sample, call.lanes)
        return states.reshape(*states.shape[:2], -1, call.lanes)[tile, :, : self.n, lane]

    def _window(self, parts: list[np.ndarray], window: int) -> np.ndarray:
        """The states (rows, n) of one window, a view."""
        group = next(k for k, (first, last) in enumerate(self.groups) if window < last)
        return self._lane(self.calls[group], parts[group], window - self.groups[group][0])

    def _runs(self, parts: list[np.ndarray], group: int) -> Iterator[tuple[int, np.ndarray]]:
        """The windows of a group in runs of neighbours in one sample and one tile: the first one's number,
        and the states (rows, n, windows) of them all, a view.
        """
        begin, end = self.groups[group]
        lanes, part = self.calls[group].lanes, parts[group]
        tiles = part.reshape(*part.shape[:2], -1, lanes)[:, :, : self.n]
        for tile, start in zip(tiles, range(begin, end, lanes), strict=True):
            stop = min(start + lanes, end)
            first_ones = range(start - start % self.count + self.count, stop, self.count)  # of their samples
            for a, b in pairwise([start, *first_ones, stop]):
                yield a, tile[..., a - start : b - start]

    def _after(self, parts: list[np.ndarray], inputs: int) -> np.ndarray:
        """The states (B, count, n) of all windows after so many inputs."""
        x = [call.after(part, inputs)[0] for call, part in zip(self.calls, parts, strict=True)]
        return np.concatenate(x).reshape(self.batch, self.count, self.n)
