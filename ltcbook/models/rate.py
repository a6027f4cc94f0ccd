"""Rate cells: the CT-RNN of ``dynamics`` with other activations, the other convention, or noise."""

from __future__ import annotations

from typing import Any, Generic

from .. import dynamics
from ..dynamics.cells import affine
from ..typing import Array
from .base import ACTIVATIONS, to_numpy

CONVENTIONS = ("outside", "inside")


class RateCell(Generic[Array]):
    """A ``dynamics.CTRNN`` with another activation phi, or with phi inside the sum, or with noise::

        "outside":  tau dx/dt = -x + phi(w x + w_in u + b + pre) + post      (x is a rate)
        "inside":   tau dx/dt = -x + w (phi(x) + post) + w_in u + b + pre    (x is a potential)

    Serves every function of ``dynamics`` and ``simulate``. noisy=True: its input (..., m + 2 n) holds
    u, pre, post.
    """

    base: dynamics.CTRNN[Array]
    c: Array
    w: Array

    def __init__(
        self,
        base: dynamics.CTRNN[Array],
        activation: str = "tanh",
        convention: str = "outside",
        noisy: bool = False,
    ) -> None:
        self.base, self.phi, self.convention, self.noisy = base, ACTIVATIONS[activation], convention, noisy
        self.n, self.c, self.w = base.n, base.tau, base.w
        self.m = base.m + 2 * self.n * noisy

    def _drive(self, x: Array, u: Any) -> tuple[Array, Array]:
        """(rate that the synapses read, drive h)."""
        pre: Any = 0
        post: Any = 0
        if self.noisy:
            m, n = self.base.m, self.n
            u, pre, post = u[..., :m], u[..., m : m + n], u[..., m + n :]
        if self.convention == "outside":
            return x, self.phi.f(affine(self.base, x, u) + pre) + post
        rate = self.phi.f(x)
        return rate, affine(self.base, rate + post, u) + pre

    def terms(self, x: Array, u: Array | None = None) -> tuple[Array, Array]:
        """g = 1 and the drive h, each (..., n)."""
        _, h = self._drive(x, u)
        return h * 0 + 1, h

    def terms_jacobian(self, x: Array, u: Array | None = None) -> tuple[Array, Array]:
        """Derivatives dg_i/dx_j = 0 and dh_i/dx_j, each (..., n, n), without noise."""
        rate, h = self._drive(x, u)
        outside = self.convention == "outside"
        dh = (self.phi.slope(h)[..., :, None] if outside else self.phi.slope(rate)[..., None, :]) * self.w
        return dh * 0, dh


def rate_cell(
    values: dict[str, Any], activation: str, convention: str, *, noisy: bool = False, numpy: bool = False
) -> dynamics.CTRNN | RateCell:
    """The ``dynamics.CTRNN`` of these values, {field: (n,), (n, n) or (n, m)}, where that says all, else a
    ``RateCell``.
    """
    if numpy:
        values = {name: None if value is None else to_numpy(value) for name, value in values.items()}
    base = dynamics.CTRNN(**values)
    plain = (activation, convention, noisy) == ("tanh", "outside", False)
    return base if plain else RateCell(base, activation, convention, noisy)
