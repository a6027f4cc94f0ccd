"""Exponential steps of second order at the price of the first: the gates are read half a step ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import dynamics
from .exponential import Exponential

if TYPE_CHECKING:
    from ..typing import Array, Cell


class Extrapolated(Exponential):
    """``dynamics.extrapolated_step``: an exponential step with gates read at (3 x - before) / 2.

    It starts anew at every input, where dx/dt jumps: the first part of an input reads the gates at the state.
    Source: Perego & Veneziani (2009), "An efficient generalization of the Rush-Larsen method".
    """

    name = "extrapolated"
    order = 2
    ahead = True

    def step(
        self, x: Array, u: Array | None, cell: Cell[Array], dt: float | Array, before: Array | None = None
    ) -> Array:
        return dynamics.extrapolated_step(x, u, cell, dt, before)
