"""One call of the kernels on NumPy arrays: wirings as lists of synapses, samples in tiles, tiles to threads.

The caller has checked everything: shapes, finite values, equal dtypes, dt >= 0.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from . import sequence
from .sparse import GATES, gather

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..solvers import Solver
    from .sparse import SparsePattern

FEW = 2  # up to so many samples the lanes run over synapses; from three on, lanes over the batch are faster
SMALL = 500_000  # gates per thread: less work than this is not worth the start of a thread (some 100 us)

build = cache(sequence.build)


def trajectory(
    fields: dict[str, np.ndarray],
    patterns: tuple[SparsePattern, SparsePattern],
    u: np.ndarray | None,
    x0: np.ndarray,
    dt: np.ndarray,
    *,
    solver: Solver,
    substeps: int,
) -> np.ndarray:
    """``simulate.simulate`` of a ``dynamics.LTC`` of NumPy arrays: x (..., T, n), finite or not.

    fields, patterns: as ``sparse.gather`` takes them. u (..., T, m) or None; x0 (..., n); dt (), (T,) or
    (..., T), ms; solver: a ``solvers.Solver``.
    """
    steps = dt.shape[-1] if u is None else u.shape[-2]
    u = np.zeros((steps, 0), x0.dtype) if u is None else u
    dt = np.broadcast_to(dt, steps) if dt.ndim == 0 else dt
    batch = np.broadcast_shapes(x0.shape[:-1], u.shape[:-2], dt.shape[:-1])
    flat = lambda a, *last: np.broadcast_to(a, (*batch, *last)).reshape(math.prod(batch), *last)
    lists = gather(fields, patterns)
    call = Call(lists, patterns, flat(u, *u.shape[-2:]), flat(dt, steps), solver=solver, substeps=substeps)
    x = call.forward(flat(x0, call.n), np.empty(call.states_shape(substeps=False), x0.dtype))
    return x.reshape(*batch, *x.shape[-2:])


class Call:
    """What forward and backward of one call share; numbers are copied, so arrays may change later.

    patterns: a ``SparsePattern`` of the synapses between neurons, and one of those from the inputs. fields:
    as ``sparse.gather`` gives them, of one dtype. u: (B, T, m). dt: (T,) or (B, T), ms.
    """

    def __init__(
        self,
        fields: dict[str, np.ndarray],
        patterns: tuple[SparsePattern, SparsePattern],
        u: np.ndarray,
        dt: np.ndarray,
        *,
        solver: Solver,
        substeps: int,
        threads: int = 1,
    ) -> None:
        self.patterns, self.substeps, self.threads = patterns, substeps, threads
        self.batch, self.steps, self.m = u.shape
        self.n, self.dtype, lanes = len(fields["c"]), u.dtype, sequence.LANES
        self.wide = self.batch > FEW  # lanes over the batch
        self.tiles = -(-self.batch // lanes) if self.wide else self.batch
        self.lanes, block = (lanes, 1) if self.wide else (1, lanes)
        self.size = -(-self.n // block) * block * self.lanes
        self.kernels = build(solver, self.dtype.name, "batch" if self.wide else "synapses")

        self.u = self._tiles(u)
        self.dt = self._tiles(np.broadcast_to(dt, u.shape[:2])[..., None], fill=1)
        self.dt = (self.dt if self.wide else np.repeat(self.dt, lanes, -1)).ravel()
        c, self.g_leak, e_leak = (fields[name].copy() for name in ("c", "g_leak", "e_leak"))
        neurons = np.ones((4, self.size), self.dtype)  # those that only fill up stay 1
        for row, values in zip(neurons, (c, self.g_leak, self.g_leak * e_leak, e_leak), strict=True):
            row[: self.n * self.lanes].reshape(self.n, self.lanes)[:] = values[:, None]
        self.neurons = tuple(neurons)
        self.synapses = [
            pattern.synapses([fields[name + end] for name in GATES], self.dtype, block)
            for pattern, end in zip(patterns, ("", "_in"), strict=True)
        ]

    def states_shape(self, substeps: bool) -> tuple[int, int, int]:
        """Shape for x0 and the states after each input, or after each substep, which ``backward`` needs."""
        return self.tiles, self.steps * (self.substeps if substeps else 1) + 1, self.size

    def forward(self, x0: np.ndarray, states: np.ndarray) -> np.ndarray:
        """The trajectory (B, T, n) from x0 (B, n); fills ``states``, an array of either ``states_shape``."""
        per_input = (states.shape[1] - 1) // self.steps
        states[:, :1] = self._tiles(x0[:, None], self.size)
        every = self.substeps // per_input
        self._run(0, self.u, self.dt, self.neurons, *self.synapses, self.substeps, every, states)
        return self._samples(states[:, per_input::per_input], self.n)

    def backward(self, by_x: np.ndarray, states: np.ndarray) -> Iterator[np.ndarray]:
        """From the derivative by the trajectory: those by u, x0 and all ``FIELDS``, as lists."""
        by_u, by_x0 = np.zeros_like(self.u), np.zeros((self.tiles, 1, self.size), self.dtype)
        by_neurons = np.zeros((self.tiles, 3, self.size))
        sums = [np.zeros((self.tiles, 4 * len(here.w))) for here in self.synapses]
        by_y = self._tiles(by_x, self.size)
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
        yield self._samples(by_x0, self.n)[:, 0]
        by_c, by_g_leak, by_h_leak = by_neurons.sum(0).reshape(3, -1, self.lanes).sum(-1)[:, : self.n]
        for values in (by_c, by_g_leak, self.g_leak * by_h_leak):
            yield values.astype(self.dtype)
        for pattern, synapses, total in zip(self.patterns, self.synapses, sums, strict=True):
            total = total.sum(0)
            total = total.reshape(-1, 4).T if self.wide else total.reshape(4, -1)
            by_w, by_e_rev, by_mu, by_gamma = total[:, : len(pattern.place)].astype(self.dtype)
            w, gamma = (values[: len(pattern.place)] for values in (synapses.w, synapses.gamma))
            yield from (by_w, by_gamma, -gamma * by_mu, w * by_e_rev)

    def _run(self, which: int, *arguments: Any) -> None:
        """Forward (0) or backward (1): every thread takes some tiles; no two write to the same place."""
        gates = self.tiles * self.lanes * self.steps * self.substeps * max(len(self.synapses[0].source), 1)
        threads = max(1, min(self.threads, self.tiles, gates // SMALL))
        if threads == 1:
            self.kernels[which](0, self.tiles, *arguments)
            return
        bounds = [self.tiles * k // threads for k in range(threads + 1)]
        with ThreadPoolExecutor(threads - 1) as pool:
            others = [pool.submit(self.kernels[which], *ends, *arguments) for ends in pairwise(bounds[1:])]
            self.kernels[which](*bounds[:2], *arguments)
            for other in others:
                other.result()

    def _tiles(self, values: np.ndarray, size: int = 0, fill: float = 0) -> np.ndarray:
        """(B, T, k) as (tiles, T, k * lanes), or (B, T, size) where a tile is a sample; pad: ``fill``."""
        batch, steps, k = values.shape
        if self.wide:
            tiles = np.empty((self.tiles, steps, k, self.lanes), self.dtype)
            full, rest = divmod(batch, self.lanes)
            whole = values[: full * self.lanes].reshape(full, self.lanes, steps, k)
            tiles[:full] = whole.transpose(0, 2, 3, 1)
            if rest:
                tiles[full] = fill
                tiles[full, ..., :rest] = values[-rest:].transpose(1, 2, 0)
            return tiles.reshape(self.tiles, steps, k * self.lanes)
        tiles = np.empty((batch, steps, max(k, size)), self.dtype)
        tiles[..., :k], tiles[..., k:] = values, fill
        return tiles

    def _samples(self, tiles: np.ndarray, k: int) -> np.ndarray:
        """(tiles, T, k * lanes) back as (B, T, k), an array of its own."""
        if not self.wide:
            return tiles[..., :k].copy()
        steps = tiles.shape[1]
        samples = tiles.reshape(self.tiles, steps, k, self.lanes).transpose(0, 3, 1, 2)
        return np.ascontiguousarray(samples).reshape(self.tiles * self.lanes, steps, k)[: self.batch]
