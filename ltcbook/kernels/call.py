"""One call of the kernels on NumPy arrays: wirings as lists of synapses, samples in tiles, tiles to threads.

A call takes a stack of networks, each with its own synapses, constants and samples; one network is a stack
of one.

Threads share tiles: a second one helps from two tiles on (many samples, or several networks),
and only on a core of its own, since gates keep all arithmetic units of a core busy. Samples are dealt to
tiles in the same way for any number of threads, so that this number changes no bit.

The caller has checked everything: shapes, finite values, equal dtypes, dt >= 0.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from . import DTYPES, gates, sequence, tables
from .cache import compiled
from .lanes import SIDE
from .sparse import FIELDS, columns, gather

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..solvers import Solver
    from .sparse import SparsePattern, StackedPattern

FEW = 2  # up to so many samples the lanes run over synapses; from three on, lanes over the batch are faster
KINDS = {np.dtype(name): name for name in DTYPES}  # NumPy is slow to tell the name
DOUBLE = np.dtype(float)
SMALL = 500_000  # gates per thread: less work than this is not worth the start of a thread (some 100 us)

build, reach = cache(sequence.build), cache(sequence.reach)
tables_for, tiles_for = cache(sequence.tables_for), cache(sequence.tiles_for)
maps_for = cache(sequence.maps_for)
gap = compiled(tables.gap, "gap")


@cache
def pool(threads: int) -> ThreadPoolExecutor:
    """Threads that live on from call to call."""
    return ThreadPoolExecutor(threads, "ltcbook")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.cache_clear)  # a forked process has none of its parent's threads


def shared(job: Callable[[Any], object], parts: Sequence[Any]) -> None:
    """``job(part)`` for every part, each in a thread, the first in this one."""
    others = [pool(len(parts) - 1).submit(job, part) for part in parts[1:]]
    job(parts[0])
    for other in others:
        other.result()


SPARE: dict[int, np.ndarray] = {}  # pieces of memory that nobody uses now, by their size in bytes
WORTH = 2**20, 2**28  # bytes: less costs nothing to get afresh, and more is not ours to keep


class _Lent:
    """A piece of memory as NumPy sees it, for as long as an array looks into it; then it is spare again."""

    def __init__(self, memory: np.ndarray) -> None:
        self.memory, self.__array_interface__ = memory, memory.__array_interface__

    def __del__(self) -> None:
        if len(self.memory) <= WORTH[1]:
            SPARE[len(self.memory)] = self.memory
        while sum(sizes := list(SPARE)) > WORTH[1]:  # the oldest goes first
            SPARE.pop(sizes[0], None)


def lent(size: int, byte: type) -> np.ndarray:
    """``np.empty`` of bytes that are needed call after call: a system clears fresh memory, page by page, and
    for large states that takes a good part of a training step.
    """
    if size < WORTH[0]:
        return np.empty(size, byte)
    for spare in sorted(SPARE):  # the smallest that is large enough
        if spare >= size and (memory := SPARE.pop(spare, None)) is not None:  # None: another thread has it
            break
    else:
        memory = np.empty(size, byte)
    return np.asarray(_Lent(memory))[:size]


def aligned(
    *kinds: tuple[np.dtype, tuple[int, ...]], make: Callable[..., np.ndarray] = np.zeros
) -> list[np.ndarray]:
    """Arrays of these dtypes and shapes, each from the start of a line of the cache: lanes that stand across
    two lines cost twice. make: what gives the bytes in them.
    """
    line = sequence.LINE
    sizes = [-(-math.prod(shape) * dtype.itemsize // line) * line for dtype, shape in kinds]
    room = make(sum(sizes) + line, np.uint8)
    start, arrays = gap(room, line), []
    for size, (dtype, shape) in zip(sizes, kinds, strict=True):
        arrays.append(np.ndarray(shape, dtype, room, start))
        start += size
    return arrays


def trajectory(
    fields: dict[str, np.ndarray],
    patterns: tuple[SparsePattern, SparsePattern],
    u: np.ndarray | None,
    x0: np.ndarray,
    dt: np.ndarray,
    *,
    solver: Solver,
    substeps: int,
    threads: int = 1,
    make: Callable[..., Any] | None = None,
) -> np.ndarray:
    """``simulate.simulate`` of a ``dynamics.LTC`` of NumPy arrays: x (..., T, n), finite or not.

    fields, patterns: as ``sparse.gather`` takes them. u (..., T, m) or None; x0 (..., n); dt (), (T,) or
    (..., T), ms; solver: a ``solvers.Solver``. make: ``Call``, or what gives another that is used like one.
    """
    steps = dt.shape[-1] if u is None else u.shape[-2]
    u = np.zeros((steps, 0), x0.dtype) if u is None else u
    dt = np.broadcast_to(dt, steps) if dt.ndim == 0 else dt
    batch = np.broadcast_shapes(x0.shape[:-1], u.shape[:-2], dt.shape[:-1])
    flat = lambda a, *last: np.broadcast_to(a, (*batch, *last)).reshape(1, math.prod(batch), *last)
    numbers = gather(fields, patterns)
    alone = patterns[0].alone, patterns[1].alone
    options: dict[str, Any] = {"solver": solver, "substeps": substeps, "threads": threads}
    call = (make or Call)(numbers[None], alone, flat(u, *u.shape[-2:]), flat(dt, steps), **options)
    (states,) = aligned((x0.dtype, call.states_shape(substeps=False)), make=lent)
    x = call.forward(flat(x0, x0.shape[-1]), states)
    return x.reshape(*batch, *x.shape[-2:])


class Call:
    """What forward and backward of one call share; numbers are copied, so arrays may change later. A call
    that is over may be ``renewed`` for the next one.

    numbers: rows (S, width) as ``sparse.gather`` makes them, padded as the patterns are: a ``StackedPattern``
    of the synapses between neurons of the S networks, and one of those from the inputs. u: (S, B, T, m). dt:
    what fits (S, B, T), ms.
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
        threads: int = 1,
    ) -> None:
        self.patterns, self.substeps = patterns, substeps
        self.networks, self.batch, self.steps, self.m = u.shape
        self.n, self.dtype, self.kind, self.solver = patterns[0].n, u.dtype, KINDS[u.dtype], solver
        self.wide = self.batch > FEW  # lanes over the batch
        lanes: int = sequence.lanes_for(self.batch, u.dtype) if self.wide else sequence.LANES
        self.all_lanes = lanes
        self.each = -(-self.batch // lanes) if self.wide else self.batch  # tiles per network
        self.tiles = self.networks * self.each
        self.lanes: int = lanes if self.wide else 1
        block = 1 if self.wide else lanes
        self.size = -(-self.n // block) * block * self.lanes
        self.kernels: dict[bool, tuple[Callable, Callable]] = {}
        self.assign, self.ends = tiles_for(self.kind)
        self.spread, self.collect, *_ = tables_for(self.kind)
        self.u = self.room_for(u)
        self.dt = np.empty(self.tiles * self.steps * lanes, self.dtype)
        self.neurons = np.empty((4, self.networks, self.size), self.dtype)
        ends = [pattern.ends(block) for pattern in patterns]
        self.tables = tuple(np.empty((8, *source.shape), self.dtype) for source, _, _ in ends)
        where = columns(*patterns)
        starts = np.array([where[name].start for name in FIELDS])
        self.places = starts, self.n, tuple(pattern.length for pattern in patterns), self.lanes
        self.synapses = [
            gates.StackedSynapses(table, *three) for table, three in zip(self.tables, ends, strict=True)
        ]
        self.width = numbers.shape[1]
        self.renewed(numbers, u, dt, threads)

    def renewed(self, numbers: np.ndarray, u: np.ndarray, dt: np.ndarray, threads: int = 1) -> Call:
        """Another call of the same shapes and patterns in the arrays of this one, when nobody needs it any
        more: for a small network, to make them takes longer than to fill them.
        """
        self.threads = threads
        self.near: dict[tuple[float, float], bool] = {}
        self._tiles(u, self.u)
        mine = self.dt.reshape(self.tiles, self.steps, self.all_lanes)
        if dt.ndim > 1:
            of_samples = np.broadcast_to(dt, u.shape[:3])[..., None]
            mine[:] = self._tiles(of_samples, self.room_for(of_samples), fill=1.0)
        else:  # the same for all samples
            mine[:] = dt[..., None]
        self.spread(numbers, *self.places, self.neurons, self.tables)
        return self

    def states_shape(self, substeps: bool) -> tuple[int, int, int]:
        """Shape for x0 and the states after each input. substeps: for x0 and, after each substep, what its
        derivative needs and the state: ``backward`` reads all of them.
        """
        return self.tiles, self.steps * (2 * self.substeps if substeps else 1) + 1, self.size

    def forward(
        self,
        x0: np.ndarray | None,
        states: np.ndarray,
        neurons: np.ndarray | None = None,
        first: int = 0,
        found: np.ndarray | None = None,
    ) -> np.ndarray:
        """The trajectory (S, B, T, n) from x0 (S, B, n), None: zeros, or of the named neurons alone, (S, B,
        T, k); fills ``states``, an array of either ``states_shape``.

        x0 and the states may be those of some networks alone, from the ``first`` one on; so may the
        trajectory be. found: an array for it, or None.
        """
        states[:, 0] = 0
        if x0 is not None:
            self._deal(x0[:, :, None], states)
        self._run(0, first, states, self.per_input(states) > 1)
        return self.trajectory(states, neurons, found)

    def trajectory(
        self, states: np.ndarray, neurons: np.ndarray | None = None, found: np.ndarray | None = None
    ) -> np.ndarray:
        """The trajectory (S, B, T, n) that ``forward`` left in ``states``, or that of the named neurons."""
        per_input = self.per_input(states)
        return self._samples(states, self.n, self.steps, per_input, per_input, neurons, found)

    def after(self, states: np.ndarray, inputs: int) -> np.ndarray:
        """The states (S, B, n) after so many inputs."""
        return self._samples(states, self.n, 1, inputs * self.per_input(states))[:, :, 0]

    def finite(self, states: np.ndarray) -> bool:
        """Whether the states after the last input are all finite."""
        low, high = self.ends(states, states.shape[1] - 1)
        return math.isfinite(high - low)

    def per_input(self, states: np.ndarray) -> int:
        """How many rows the states have for every input, behind the one at the start."""
        return (states.shape[1] - 1) // self.steps

    def backward(
        self, by_x: np.ndarray, states: np.ndarray, neurons: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """From the derivative by the trajectory, or by that of the named neurons: those by u, by x0 and by
        all numbers, (S, width), where what stands in the places that pad means nothing.
        """
        sums = self.sums()
        self.add(sums, by_x, states, neurons)
        return self.found(sums)

    def sums(self) -> list[np.ndarray]:
        """Zeros, to which ``add`` adds."""
        tiles, (between, heard) = self.tiles, self.tables
        of_a_list = self.size // self.lanes * (SIDE if self.wide else 1)
        widths = 3 * of_a_list, 4 * between.shape[2], 4 * heard.shape[2]
        of_states = (self.dtype, self.u.shape), (self.dtype, (tiles, self.size))
        return aligned(*of_states, *((DOUBLE, (tiles, width)) for width in widths))

    def add(
        self,
        sums: list[np.ndarray],
        by_x: np.ndarray,
        states: np.ndarray,
        neurons: np.ndarray | None = None,
        first: int = 0,
        tiles: np.ndarray | None = None,
    ) -> None:
        """Add what the derivative by the trajectory says to ``sums``. by_x and the states may be those of
        some networks alone, from the ``first`` one on. tiles: ``room_for`` by_x, or None.
        """
        named = np.arange(self.n) if neurons is None else neurons
        tiles = self._tiles(by_x, self.room_for(by_x) if tiles is None else tiles)
        self._run(1, first, states, named.astype(np.int64), tiles, *sums)

    def found(self, sums: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What ``backward`` returns, from all that was added up."""
        by_x0 = self._samples(sums[1][:, None], self.n, 1)[:, :, 0]
        return self.by_inputs(sums), by_x0, self.by_numbers(sums)

    def by_inputs(self, sums: list[np.ndarray], found: np.ndarray | None = None) -> np.ndarray:
        """The first of what ``found`` gives. found: an array for it, or None."""
        return self._samples(sums[0], self.m, self.steps, samples=found)

    def by_numbers(self, sums: list[np.ndarray]) -> np.ndarray:
        """The last of what ``found`` gives."""
        by_numbers = np.empty((self.networks, self.width), self.dtype)
        constants = *self.places, self.neurons, self.tables
        self.collect(self.each, tuple(sums[2:]), self.wide, *constants, by_numbers)
        return by_numbers

    def _run(self, which: int, first: int, states: np.ndarray, *arguments: Any) -> None:
        """Forward (0) or backward (1) for the networks of these states, from the ``first`` one on: every
        thread takes some tiles; no two write to the same place.
        """
        tiles, start = len(states), first * self.each
        longest = max(self.synapses[0].source.shape[1], 1)
        gates = tiles * self.lanes * self.steps * self.substeps * longest
        threads = max(1, min(self.threads, tiles, gates // SMALL))
        near = self._near(states)
        if near not in self.kernels:
            across = "batch" if self.wide else "synapses"
            self.kernels[near] = build(self.solver, self.kind, across, self.all_lanes, near)
        kernel = self.kernels[near][which]
        numbers = self.u, self.dt, self.neurons, *self.synapses, self.substeps
        run = lambda ends: kernel(*ends, start, self.each, states, *numbers, *arguments)
        if threads == 1:
            run((start, start + tiles))
            return
        bounds = [start + tiles * k // threads for k in range(threads + 1)]
        shared(run, list(pairwise(bounds)))

    def _near(self, states: np.ndarray) -> bool:
        """Whether it is certain that no gate of these networks, lanes without a sample among them, is read
        farther out than ``gates.FARTHEST``. The constants of all networks are looked at once.
        """
        if not self.solver.keeps_bounds:
            return False
        ends = self.ends(states, 0)
        if ends not in self.near:
            of_u = (float(self.u.min()), float(self.u.max())) if self.u.size else (0.0, 0.0)
            constants = self.lanes, self.neurons, self.tables
            most = reach(self.kind)(*ends, *of_u, self.solver.ahead, *constants)
            self.near[ends] = bool(most <= gates.FARTHEST[self.kind])
        return self.near[ends]

    def room_for(self, samples: np.ndarray) -> np.ndarray:
        """An array (tiles, T, k * lanes) for samples (S, B, T, k)."""
        networks, _, steps, k = samples.shape
        (tiles,) = aligned((self.dtype, (networks * self.each, steps, k * self.lanes)), make=np.empty)
        return tiles

    def _tiles(self, samples: np.ndarray, tiles: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """Fill ``room_for`` the samples with them, and lanes without a sample with ``fill``."""
        if self.batch % self.lanes:
            tiles[self.each - 1 :: self.each] = fill
        self._deal(samples, tiles)
        return tiles

    def _deal(self, samples: np.ndarray, tiles: np.ndarray) -> None:
        """Copy (S, B, T, k) into the first rows of (tiles, rows, size)."""
        networks, batch, steps, k = samples.shape
        plain = samples.flags.c_contiguous and samples.flags.writeable and samples.dtype == self.dtype
        flat = (samples if plain else np.array(samples, self.dtype, order="C")).reshape(-1)
        shape = networks, self.each, steps, k, self.lanes
        where = self._of_samples(steps, k), tiles.reshape(-1), 0, self._of_tiles(*tiles.shape[1:])
        self.assign(flat, 0, *where, shape, batch)

    def _samples(
        self,
        tiles: np.ndarray,
        k: int,
        steps: int,
        first: int = 0,
        per: int = 1,
        neurons: np.ndarray | None = None,
        samples: np.ndarray | None = None,
    ) -> np.ndarray:
        """The rows first, first + per, ... of (tiles, rows, size) as (S, B, T, k), or the neurons among these
        k.
        """
        networks = len(tiles) // self.each if self.each else self.networks
        rows, size = tiles.shape[1:]
        named = [range(k)] if neurons is None else _runs(*neurons.tolist())
        count = sum(map(len, named))
        if samples is None:
            (samples,) = aligned((self.dtype, (networks, self.batch, steps, count)), make=lent)
        place = 0
        for run in named:
            at = first * size + run.start * self.lanes
            where = (
                self._of_tiles(rows, size, per),
                samples.reshape(-1),
                place,
                self._of_samples(steps, count),
            )
            shape = networks, self.each, steps, len(run), self.lanes
            self.assign(tiles.reshape(-1), at, *where, shape, self.batch)
            place += len(run)
        return samples

    def _of_samples(self, steps: int, k: int) -> tuple[int, ...]:
        """How far apart neighbours lie in (S, B, T, k): networks, parts, times, neurons and samples."""
        return self.batch * steps * k, self.lanes * steps * k, k, 1, steps * k

    def _of_tiles(self, rows: int, size: int, per: int = 1) -> tuple[int, ...]:
        """The same in (tiles, rows, size), for every row, or one of so many."""
        return self.each * rows * size, rows * size, per * size, self.lanes, 1


@lru_cache
def _runs(*numbers: int) -> list[range]:
    """Whole numbers as ranges of neighbours."""
    starts = [0, *(k for k in range(1, len(numbers)) if numbers[k] != numbers[k - 1] + 1)]
    return (
        [range(numbers[a], numbers[a] + b - a) for a, b in pairwise([*starts, len(numbers)])]
        if numbers
        else []
    )
