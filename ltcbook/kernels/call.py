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
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from . import gates, sequence
from .sparse import GATES, gather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..solvers import Solver
    from .sparse import SparsePattern, StackedPattern

FEW = 2  # up to so many samples the lanes run over synapses; from three on, lanes over the batch are faster
SMALL = 500_000  # gates per thread: less work than this is not worth the start of a thread (some 100 us)

build, reach = cache(sequence.build), cache(sequence.reach)


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


def aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Zeros from the start of a line of the cache: lanes that stand across two lines cost twice."""
    size = math.prod(shape) * dtype.itemsize
    room = np.zeros(size + sequence.LINE, np.uint8)
    start = -room.ctypes.data % sequence.LINE
    return room[start : start + size].view(dtype).reshape(shape)


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
    lists = {name: values[None] for name, values in gather(fields, patterns).items()}
    alone = patterns[0].alone, patterns[1].alone
    options: dict[str, Any] = {"solver": solver, "substeps": substeps, "threads": threads}
    call = (make or Call)(lists, alone, flat(u, *u.shape[-2:]), flat(dt, steps), **options)
    x = call.forward(flat(x0, x0.shape[-1]), np.empty(call.states_shape(substeps=False), x0.dtype))
    return x.reshape(*batch, *x.shape[-2:])


class Call:
    """What forward and backward of one call share; numbers are copied, so arrays may change later.

    patterns: a ``StackedPattern`` of the synapses between neurons of S networks, and one of those from the
    inputs. fields: those of ``sparse.gather`` of each network, of one dtype: (S, n), and (S, E) padded as
    the patterns are. u: (S, B, T, m). dt: what fits (S, B, T), ms.
    """

    def __init__(
        self,
        fields: dict[str, np.ndarray],
        patterns: tuple[StackedPattern, StackedPattern],
        u: np.ndarray,
        dt: np.ndarray,
        *,
        solver: Solver,
        substeps: int,
        threads: int = 1,
    ) -> None:
        self.patterns, self.substeps, self.threads = patterns, substeps, threads
        self.networks, self.batch, self.steps, self.m = u.shape
        self.n, self.dtype, self.solver = fields["c"].shape[1], u.dtype, solver
        self.wide = self.batch > FEW  # lanes over the batch
        lanes: int = sequence.lanes_for(self.batch, u.dtype) if self.wide else sequence.LANES
        self.all_lanes = lanes
        self.each = -(-self.batch // lanes) if self.wide else self.batch  # tiles per network
        self.tiles = self.networks * self.each
        self.lanes: int = lanes if self.wide else 1
        block = 1 if self.wide else lanes
        self.size = -(-self.n // block) * block * self.lanes
        self.near: bool | None = None
        self.u = self._tiles(u)
        self.dt = self._tiles(np.broadcast_to(dt, u.shape[:3])[..., None], fill=1)
        self.dt = (self.dt if self.wide else np.repeat(self.dt, lanes, -1)).ravel()
        self.c, self.g_leak, e_leak = (fields[name].copy() for name in ("c", "g_leak", "e_leak"))
        neurons = np.ones((4, self.networks, self.size), self.dtype)  # those that only fill up stay 1
        for row, values in zip(neurons, (self.c, self.g_leak, self.g_leak * e_leak, e_leak), strict=True):
            row[:, : self.n * self.lanes].reshape(-1, self.n, self.lanes)[:] = values[..., None]
        self.neurons = tuple(neurons)
        self.synapses = [
            pattern.synapses([fields[name + end] for name in GATES], self.dtype, block)
            for pattern, end in zip(patterns, ("", "_in"), strict=True)
        ]

    def states_shape(self, substeps: bool) -> tuple[int, int, int]:
        """Shape for x0 and the states after each input. substeps: for x0 and, after each substep, what its
        derivative needs and the state: ``backward`` reads all of them.
        """
        return self.tiles, self.steps * (2 * self.substeps if substeps else 1) + 1, self.size

    def forward(self, x0: np.ndarray, states: np.ndarray, neurons: np.ndarray | None = None) -> np.ndarray:
        """The trajectory (S, B, T, n) from x0 (S, B, n), or of the named neurons alone, (S, B, T, k); fills
        ``states``, an array of either ``states_shape``.
        """
        states[:, :1] = self._tiles(x0[:, :, None], self.size)
        self.near = self._near(states)
        keep = states.shape[1] - 1 > self.steps
        self._run(0, self.u, self.dt, self.neurons, *self.synapses, self.substeps, keep, states)
        return self.trajectory(states, neurons)

    def trajectory(self, states: np.ndarray, neurons: np.ndarray | None = None) -> np.ndarray:
        """The trajectory (S, B, T, n) that ``forward`` left in ``states``, or that of the named neurons."""
        per_input = (states.shape[1] - 1) // self.steps
        states = states[:, per_input::per_input]
        if neurons is None:
            return self._samples(states, self.n)
        some = states.reshape(self.tiles, self.steps, -1, self.lanes)[:, :, neurons]
        return self._samples(some.reshape(self.tiles, self.steps, -1), len(neurons))

    def last(self, states: np.ndarray) -> np.ndarray:
        """The states (S, B, 1, n) after the last input."""
        return self._samples(states[:, -1:], self.n)

    def backward(
        self, by_x: np.ndarray, states: np.ndarray, neurons: np.ndarray | None = None
    ) -> Iterator[np.ndarray]:
        """From the derivative by the trajectory, or by that of the named neurons: those by u, x0 and all
        ``FIELDS``, as lists (S, E) in which the places that pad mean nothing.
        """
        if self.near is None:  # states that another call has found
            self.near = self._near(states)
        by_u, by_x0 = (aligned(s, self.dtype) for s in (self.u.shape, (self.tiles, 1, self.size)))
        by_neurons = np.zeros((self.networks, self.each, 3, self.size))
        sums = [aligned((self.tiles, 4 * here.w.shape[1]), np.dtype(float)) for here in self.synapses]
        if neurons is None:
            by_y = self._tiles(by_x, self.size)
        else:
            by_y = aligned((self.tiles, self.steps, self.size), self.dtype)
            places = by_y.reshape(self.tiles, self.steps, -1, self.lanes)
            places[:, :, neurons] = self._tiles(by_x).reshape(self.tiles, self.steps, -1, self.lanes)
        self._run(
            1,
            by_y,
            states,
            self.u,
            self.dt,
            self.neurons,
            *self.synapses,
            self.substeps,
            by_u,
            by_x0[:, 0],
            by_neurons.ravel(),
            *sums,
        )

        yield self._samples(by_u, self.m)
        yield self._samples(by_x0, self.n)[:, :, 0]
        by_neurons = by_neurons.sum(1).reshape(self.networks, 3, -1, self.lanes).sum(-1)[..., : self.n]
        by_c, by_g_leak, by_h_leak = by_neurons.swapaxes(0, 1)
        for values in (by_c / self.c, by_g_leak, self.g_leak * by_h_leak):
            yield values.astype(self.dtype)
        for pattern, synapses, total in zip(self.patterns, self.synapses, sums, strict=True):
            total = total.reshape(self.networks, self.each, total.shape[1]).sum(1)
            shape, four = ((-1, 4), 2) if self.wide else ((4, -1), 1)
            total = np.moveaxis(total.reshape(self.networks, *shape), four, 0)
            by_w, by_e_rev, by_mu, by_gamma = total[..., : pattern.length].astype(self.dtype)
            w, gamma = (values[:, : pattern.length] for values in (synapses.w, synapses.gamma))
            yield from (by_w, w * by_gamma, -w * gamma * by_mu, w * by_e_rev)

    def _run(self, which: int, *arguments: Any) -> None:
        """Forward (0) or backward (1): every thread takes some tiles; no two write to the same place."""
        longest = max(self.synapses[0].source.shape[1], 1)
        gates = self.tiles * self.lanes * self.steps * self.substeps * longest
        threads = max(1, min(self.threads, self.tiles, gates // SMALL))
        across = "batch" if self.wide else "synapses"
        kernel = build(self.solver, self.dtype.name, across, self.all_lanes, self.near)[which]
        bounds = [self.tiles * k // threads for k in range(threads + 1)]
        shared(lambda ends: kernel(*ends, self.each, *arguments), list(pairwise(bounds)))

    def _near(self, states: np.ndarray) -> bool:
        """Whether it is certain that no gate of this call, lanes without a sample among them, is read farther
        out than ``gates.FARTHEST``.
        """
        if not self.solver.keeps_bounds:
            return False
        ends = [f(a) if a.size else 0.0 for a in (states[:, 0], self.u) for f in (np.min, np.max)]
        most = reach(self.dtype)(*map(float, ends), self.solver.ahead, self.neurons, *self.synapses)
        return bool(most <= gates.FARTHEST[self.dtype.name])

    def _tiles(self, values: np.ndarray, size: int = 0, fill: float = 0) -> np.ndarray:
        """(S, B, T, k) as (tiles, T, k * lanes), or (tiles, T, size) where one is a sample; pad: ``fill``."""
        networks, batch, steps, k = values.shape
        if self.wide:
            tiles = aligned((networks, self.each, steps, k, self.lanes), self.dtype)
            full, rest = divmod(batch, self.lanes)
            whole = values[:, : full * self.lanes].reshape(networks, full, self.lanes, steps, k)
            tiles[:, :full] = whole.transpose(0, 1, 3, 4, 2)
            if rest:
                tiles[:, full] = fill
                tiles[:, full, ..., :rest] = values[:, -rest:].transpose(0, 2, 3, 1)
            return tiles.reshape(self.tiles, steps, k * self.lanes)
        tiles = np.empty((self.tiles, steps, max(k, size)), self.dtype)
        tiles[..., :k], tiles[..., k:] = values.reshape(self.tiles, steps, k), fill
        return tiles

    def _samples(self, tiles: np.ndarray, k: int) -> np.ndarray:
        """(tiles, T, k * lanes) back as (S, B, T, k), an array of its own."""
        steps = tiles.shape[1]
        if not self.wide:
            return tiles[..., :k].reshape(self.networks, self.batch, steps, k).copy()
        samples = tiles.reshape(self.networks, self.each, steps, k, self.lanes).transpose(0, 1, 4, 2, 3)
        samples = np.ascontiguousarray(samples).reshape(self.networks, self.each * self.lanes, steps, k)
        return np.ascontiguousarray(samples[:, : self.batch])
