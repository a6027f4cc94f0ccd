"""Semi-implicit Euler steps: gates at the old state, the linear rest at the new one."""

from .. import dynamics
from .base import Solver


class Fused(Solver):
    """``dynamics.fused_step``: (c x + dt h) / (c + dt g). Source: Lechner et al. (2020), Eq. (3)."""

    name = "fused"
    keeps_bounds = True

    def step(self, x, u, cell, dt, before=None):
        return dynamics.fused_step(x, u, cell, dt)

    @staticmethod
    def affine(x, g, h, rate):
        """Written as old state plus change: where a parameter's derivative is a sum over all times, it must
        not be the small difference of two large sums.
        """
        a = (1 + rate * g).reciprocal()
        return a, x + rate * a * (h - g * x)

    @staticmethod
    def kernel(exp, expm1):
        """See ``Solver.kernel``."""

        def step(x, g, h, c, dt):
            return (c * x + dt * h) / (c + dt * g)

        def back(by_y, y, x, g, h, c, dt):
            # from (c + dt g) y = c x + dt h; c sees x - y in one piece, since two large sums would cancel
            a = by_y / (c + dt * g)
            return a * c, -1 * a * dt * y, a * dt, a * (x - y)

        return step, back
