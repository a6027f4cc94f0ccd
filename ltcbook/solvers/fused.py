"""Semi-implicit Euler steps: gates at the old state, the linear rest at the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import dynamics
from .base import Solver

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from ..typing import Array, Cell


class Fused(Solver):
    """``dynamics.fused_step``: (c x + dt h) / (c + dt g). Source: Lechner et al. (2020), Eq. (3)."""

    name = "fused"
    keeps_bounds = True

    def step(
        self, x: Array, u: Array | None, cell: Cell[Array], dt: float | Array, before: Array | None = None
    ) -> Array:
        return dynamics.fused_step(x, u, cell, dt)

    @staticmethod
    def affine(
        x: torch.Tensor, g: torch.Tensor, h: torch.Tensor, rate: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Written as old state plus change: where a parameter's derivative is a sum over all times, it must
        not be the small difference of two large sums.
        """
        a = (1 + rate * g).reciprocal()
        return a, x + rate * a * (h - g * x)

    @staticmethod
    def kernel(lost: Callable) -> tuple[Callable, Callable]:
        """See ``Solver.kernel``."""

        def step(x: float, g: float, h: float, rate: float) -> tuple[float, float]:
            a = 1 / (1 + rate * g)
            return (x + rate * h) * a, a

        def back(by_y: float, y: float, x: float, a: float, rate: float) -> tuple[float, float, float, float]:
            # from (1 + rate g) y = x + rate h, where rate (h - g y) = y - x
            by_x = by_y * a
            by_h = by_x * rate
            return by_x, -1 * by_h * y, by_h, by_x * (x - y)

        return step, back
