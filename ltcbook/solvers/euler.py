"""Explicit Euler steps."""

from .. import dynamics
from .base import Solver


def euler_step(x, u, cell, dt):
    """State, (..., n) in mV, after one explicit Euler step of dt ms. Order 1; unstable once
    dt > 2 / (largest rate).

    Raises ValueError for dt < 0, a wrong shape or NaN.
    """
    dynamics.check_dt(dt)
    return x + dt * dynamics.vector_field(0, x, u, cell)


class Euler(Solver):
    """``euler_step``: x + dt / c (h - g x)."""

    name = "euler"

    def step(self, x, u, cell, dt, before=None):
        return euler_step(x, u, cell, dt)

    @staticmethod
    def kernel(exp, expm1):
        """See ``Solver.kernel``."""

        def step(x, g, h, c, dt):
            return x + dt / c * (h - g * x)

        def back(by_y, y, x, g, h, c, dt):
            a = by_y * dt / c
            return by_y - a * g, -1 * a * x, a, -1 * a * (h - g * x) / c

        return step, back
