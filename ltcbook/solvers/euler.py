"""Explicit Euler steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import dynamics
from .base import Solver

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..typing import Array, Cell


def euler_step(x: Array, u: Array | None, cell: Cell[Array], dt: float | Array) -> Array:
    """State, (..., n) in mV, after one explicit Euler step of dt ms. Order 1; unstable once
    dt > 2 / (largest rate).

    Raises ValueError for dt < 0, a wrong shape or NaN.
    """
    dynamics.check_dt(dt)
    return x + dt * dynamics.vector_field(0, x, u, cell)


class Euler(Solver):
    """``euler_step``: x + dt / c (h - g x)."""

    name = "euler"

    def step(
        self, x: Array, u: Array | None, cell: Cell[Array], dt: float | Array, before: Array | None = None
    ) -> Array:
        return euler_step(x, u, cell, dt)

    @staticmethod
    def kernel(lost: Callable) -> tuple[Callable, Callable]:
        """See ``Solver.kernel``."""

        def step(x: float, g: float, h: float, rate: float) -> tuple[float, float]:
            return x + rate * (h - g * x), g

        def back(by_y: float, y: float, x: float, g: float, rate: float) -> tuple[float, float, float, float]:
            by_h = by_y * rate
            return by_y - by_h * g, -1 * by_h * x, by_h, by_y * (x - y)

        return step, back
