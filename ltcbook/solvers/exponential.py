"""Exponential Euler steps: exact while the gates stand still."""

from .. import dynamics
from .base import Solver


class Exponential(Solver):
    """``dynamics.exponential_step``: q + (x - q) exp(-g dt / c) with q = h / g.

    Source: Hochbruck & Ostermann (2010), "Exponential integrators".
    """

    name = "exponential"
    keeps_bounds = True

    def step(self, x, u, cell, dt, before=None):
        return dynamics.exponential_step(x, u, cell, dt)

    @staticmethod
    def affine(x, g, h, rate):
        """See ``Solver.affine``."""
        z = -rate * g
        return z.exp(), x - (h / g - x) * z.expm1()

    @staticmethod
    def kernel(exp, expm1):
        """See ``Solver.kernel``."""

        def step(x, g, h, c, dt):
            q = h / g
            return q + (x - q) * exp(-1 * g / c * dt)

        def back(by_y, y, x, g, h, c, dt):
            # with z = g dt / c: dy/dx = exp(-z), dy/dh = (1 - exp(-z)) / g; z moves with g and c
            q, z = h / g, g / c * dt
            gone = -1 * expm1(-1 * z)  # 1 - exp(-z) without cancellation
            by_x, by_h = by_y * (1 - gone), by_y * gone / g
            by_z = -1 * by_x * (x - q)
            return by_x, by_z * dt / c - by_h * q, by_h, -1 * by_z * z / c

        return step, back
