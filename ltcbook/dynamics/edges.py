"""An LTC on the list of its synapses: the same neurons, at the cost of the synapses that exist."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..typing import Array
from .cells import Conductances

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cells import LTC


@dataclass(frozen=True, eq=False)
class EdgeLTC(Conductances[Array]):
    """A ``LTC`` whose synapses stand in a list: everything that is per synapse is (E,), or (E_in,) with
    ``_in``.

    ``target`` and ``source`` say which synapse is which: entry k is the synapse from source[k] to target[k].
    Made by ``EdgeLTC.of``; its ``terms`` are those of the LTC, so all functions of ``dynamics`` and
    ``simulate`` take it. Worth it where few of the n^2 synapses exist. NumPy and torch; c, g_leak, e_leak:
    (n,).
    """

    c: Array
    g_leak: Array
    e_leak: Array
    w: Array
    gamma: Array
    mu: Array
    e_rev: Array
    target: Array
    source: Array
    m: int = 0
    w_in: Array | Any = None
    gamma_in: Array | Any = None
    mu_in: Array | Any = None
    e_rev_in: Array | Any = None
    target_in: Array | Any = None
    source_in: Array | Any = None

    @classmethod
    def of(
        cls, cell: LTC[Array], synapses: tuple[Array, Array, Array | None, Array | None] | None = None
    ) -> EdgeLTC[Array]:
        """The same neurons as a ``LTC`` with fields (n,), (n, n) and (n, m), on its synapses.

        synapses: (target, source, target_in, source_in), index arrays; None: where w and w_in are not 0. What
        the list leaves out is not there, nor has it a gradient. Raises ValueError for another cell or a batch
        of cells.

        >>> net = wiring.auto_ncp(8, 2, sensory=3, rng=rng)
        >>> cell = dynamics.LTC.random(net, rng=rng)
        >>> few = dynamics.EdgeLTC.of(cell)
        >>> x, u = np.zeros(8), np.ones(3)
        >>> len(few.w) == len(net.edges()), few.m
        (True, 3)
        >>> np.allclose(few.terms(x, u), cell.terms(x, u))
        True
        """
        if getattr(getattr(cell, "w", None), "ndim", 0) != 2 or not hasattr(cell, "e_rev"):
            raise ValueError(
                f"cell is {type(cell).__name__}; only one dynamics.LTC, with w (n, n), can stand on a list."
            )
        nonzero: Callable = lambda w: w.nonzero(as_tuple=True) if ops.is_torch(w) else np.nonzero(w)
        if synapses is None:
            synapses = (*nonzero(cell.w), *(nonzero(cell.w_in) if cell.m else (None, None)))
        target, source, target_in, source_in = synapses
        names = ("w", "gamma", "mu", "e_rev")
        values = {name: getattr(cell, name) for name in ("c", "g_leak", "e_leak")}
        values |= {name: getattr(cell, name)[target, source] for name in names}
        if cell.m:
            values |= {name + "_in": getattr(cell, name + "_in")[target_in, source_in] for name in names}
        places: dict[str, Any] = {
            "target": target,
            "source": source,
            "target_in": target_in,
            "source_in": source_in,
        }
        return cls(m=cell.m, **values, **places)

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.c.shape[-1]

    def recurrent(self, x: Array) -> Array:
        """Conductance (µS) and drive (nA) that the synapses between neurons bring, (2, ..., n), for x
        (..., n).
        """
        return _sums(x, self.w, self.gamma, self.mu, self.e_rev, self.target, self.source, self.n)

    def sensory(self, u: Array) -> Array:
        """Conductance (µS) and drive (nA) that the sensory synapses bring, (2, ..., n), for u (..., m)."""
        values = self.w_in, self.gamma_in, self.mu_in, self.e_rev_in
        return _sums(u, *values, self.target_in, self.source_in, self.n)

    def holding(self, u: Array) -> EdgeLTC[Array]:
        """These neurons while u (..., m) is held: no inputs, but their synapses as one more leak, (...,
        n).
        """
        if not self.m:
            return self
        leak, drive = self.with_leak((0.0, 0.0), u)
        rest = drive / (leak + (leak == 0))  # where nothing leaks, any rest will do
        return replace(self, g_leak=leak, e_leak=rest, m=0)

    def terms_jacobian(self, x: Array, u: Array | None = None) -> tuple[Array, Array]:
        """Derivatives dg_i/dx_j and dh_i/dx_j, each (..., n, n)."""
        s = ops.sigmoid(self.gamma * (x[..., self.source] - self.mu))
        slope, place = self.w * self.gamma * s * (1 - s), self.target * self.n + self.source
        dense = lambda v: ops.sum_at(v, place, self.n**2).reshape((*x.shape[:-1], self.n, self.n))
        return dense(slope), dense(slope * self.e_rev)


def _sums(
    x: Array, w: Array, gamma: Array, mu: Array, e_rev: Array, target: Array, source: Array, n: int
) -> Array:
    """Conductance and drive that synapses bring to n neurons, (2, ..., n), from states or inputs x."""
    gates = ops.sigmoid(gamma * (ops.take(x, source) - mu))
    both = ops.stack([w, w * e_rev], 0).reshape((2, *[1] * (x.ndim - 1), len(w)))
    return ops.sum_at(both * gates, target, n)
