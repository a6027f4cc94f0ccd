"""The classical Runge-Kutta method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import dynamics
from .base import Solver

if TYPE_CHECKING:
    from ..typing import Array, Cell


def rk4_step(x: Array, u: Array | None, cell: Cell[Array], dt: float | Array) -> Array:
    """State, (..., n) in mV, after one classical Runge-Kutta step of dt ms. Order 4; bounds are not kept.

    Raises ValueError for dt < 0, a wrong shape or NaN.
    """
    dynamics.check_dt(dt)
    f = lambda y: dynamics.vector_field(0, y, u, cell)
    k1 = f(x)
    k2 = f(x + dt / 2 * k1)
    k3 = f(x + dt / 2 * k2)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + f(x + dt * k3))


class RK4(Solver):
    """``rk4_step``: four slopes per step."""

    name = "rk4"
    order = 4
    reads = 4

    def step(
        self, x: Array, u: Array | None, cell: Cell[Array], dt: float | Array, before: Array | None = None
    ) -> Array:
        return rk4_step(x, u, cell, dt)
