"""Exponential Euler steps: exact while the gates stand still."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import dynamics
from .base import Solver

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from ..typing import Array, Cell


class Exponential(Solver):
    """``dynamics.exponential_step``: q + (x - q) exp(-g dt / c) with q = h / g.

    Source: Hochbruck & Ostermann (2010), "Exponential integrators".
    """

    name = "exponential"
    keeps_bounds = True

    def step(
        self, x: Array, u: Array | None, cell: Cell[Array], dt: float | Array, before: Array | None = None
    ) -> Array:
        return dynamics.exponential_step(x, u, cell, dt)

    @staticmethod
    def affine(
        x: torch.Tensor, g: torch.Tensor, h: torch.Tensor, rate: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See ``Solver.affine``."""
        z = -rate * g
        return z.exp(), x - (h / g - x) * z.expm1()

    @staticmethod
    def kernel(exp: Callable, expm1: Callable) -> tuple[Callable, Callable]:
        """See ``Solver.kernel``."""

        def step(x: float, g: float, h: float, c: float, dt: float) -> float:
            q = h / g
            return q + (x - q) * exp(-1 * g / c * dt)

        def back(
            by_y: float, y: float, x: float, g: float, h: float, c: float, dt: float
        ) -> tuple[float, float, float, float]:
            # with z = g dt / c: dy/dx = exp(-z), dy/dh = (1 - exp(-z)) / g; z moves with g and c
            q, z = h / g, g / c * dt
            gone = -1 * expm1(-1 * z)  # 1 - exp(-z) without cancellation
            by_x, by_h = by_y * (1 - gone), by_y * gone / g
            by_z = -1 * by_x * (x - q)
            return by_x, by_z * dt / c - by_h * q, by_h, -1 * by_z * z / c

        return step, back
