"""Rate cells: the CT-RNN of ``dynamics`` with other activations, the other convention, or noise."""

from .. import dynamics
from ..dynamics.cells import affine
from .base import ACTIVATIONS, to_numpy

CONVENTIONS = ("outside", "inside")


class RateCell:
    """A ``dynamics.CTRNN`` with another activation phi, or with phi inside the sum, or with noise::

        "outside":  tau dx/dt = -x + phi(w x + w_in u + b + pre) + post      (x is a rate)
        "inside":   tau dx/dt = -x + w (phi(x) + post) + w_in u + b + pre    (x is a potential)

    Serves every function of ``dynamics`` and ``simulate``. noisy=True: its input (..., m + 2 n) holds
    u, pre, post.
    """

    def __init__(self, base, activation="tanh", convention="outside", noisy=False):
        self.base, self.phi, self.convention, self.noisy = base, ACTIVATIONS[activation], convention, noisy
        self.n, self.c, self.w = base.n, base.tau, base.w
        self.m = base.m + 2 * self.n * noisy

    def _drive(self, x, u):
        """(rate that the synapses read, drive h)."""
        pre = post = 0
        if self.noisy:
            m, n = self.base.m, self.n
            u, pre, post = u[..., :m], u[..., m : m + n], u[..., m + n :]
        if self.convention == "outside":
            return x, self.phi.f(affine(self.base, x, u) + pre) + post
        rate = self.phi.f(x)
        return rate, affine(self.base, rate + post, u) + pre

    def terms(self, x, u=None):
        """g = 1 and the drive h, each (..., n)."""
        _, h = self._drive(x, u)
        return h * 0 + 1, h

    def terms_jacobian(self, x, u=None):
        """Derivatives dg_i/dx_j = 0 and dh_i/dx_j, each (..., n, n), without noise."""
        rate, h = self._drive(x, u)
        outside = self.convention == "outside"
        dh = (self.phi.slope(h)[..., :, None] if outside else self.phi.slope(rate)[..., None, :]) * self.w
        return dh * 0, dh


def rate_cell(values, activation, convention, *, noisy=False, numpy=False):
    """The ``dynamics.CTRNN`` of these values, {field: (n,), (n, n) or (n, m)}, where that says all, else a
    ``RateCell``.
    """
    if numpy:
        values = {name: None if value is None else to_numpy(value) for name, value in values.items()}
    base = dynamics.CTRNN(**values)
    plain = (activation, convention, noisy) == ("tanh", "outside", False)
    return base if plain else RateCell(base, activation, convention, noisy)
