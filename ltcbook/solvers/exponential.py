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
    def kernel(lost: Callable) -> tuple[Callable, Callable]:
        """See ``Solver.kernel``."""

        def step(x: float, g: float, h: float, rate: float) -> tuple[float, float]:
            return x + (h / g - x) * lost(rate * g), g

        def back(by_y: float, y: float, x: float, g: float, rate: float) -> tuple[float, float, float, float]:
            # y = x - far gone with gone = 1 - exp(-z), z = rate g, and far = x - h / g
            z = rate * g
            gone = lost(z)
            far = (x - y) / (gone + 1e-30)  # gone is 0 where no time passes, and then far counts nothing
            by_x, by_h = by_y * (1 - gone), by_y * gone / g
            by_z = -1 * by_x * far
            return by_x, by_z * rate - by_h * (x - far), by_h, -1 * by_z * z

        return step, back
