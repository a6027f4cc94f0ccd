"""The discrete recurrent network, first rung of the ladder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..validation import choice, whole
from . import steps
from .base import ACTIVATIONS, Net, numpy_rng
from .layers import hold, linear
from .rate import rate_cell

if TYPE_CHECKING:
    from .. import dynamics
    from .rate import RateCell


class RNNet(Net):
    """Discrete recurrent network: x+ = phi(w x + w_in u + b), or x+ = x + phi(...); y = linear(x).

    residual=True takes the second form. inputs: m; units: n; outputs: size of y, or None for y = x.
    activation: "tanh", "relu", "sigmoid", "softplus", "identity". A discrete step knows no time: dt is
    checked and changes nothing (0 ms is a step too), so models can be exchanged; to let the network see it,
    append it to u; to leave steps out, give ``lengths`` or ``mask``.
    The classic step is the Euler step dt = tau = 1 of ``cell()``, yet no discretised flow in general.
    generator: torch.Generator or None; all start at U(-k, k), k = 1 / sqrt(n), as torch.nn.RNN does.

    Raises ValueError for sizes < 1 or an unknown activation. Source: Elman (1990); chapter "Recurrent
    networks".

    >>> net = models.RNNet(2, 8, 1)
    >>> u = torch.zeros(5, 50, 2)
    >>> torch.equal(net(u)[0], net(u, dt=9.0)[0])  # it knows no time
    True
    """

    w: torch.Tensor
    w_in: torch.Tensor
    b: torch.Tensor

    def __init__(
        self,
        inputs: int,
        units: int,
        outputs: int | None = None,
        *,
        activation: str = "tanh",
        residual: bool = False,
        generator: torch.Generator | np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.m, self.n = whole("inputs", inputs, 0), whole("units", units, 1)
        self.state_size = self.n
        self.outputs = self.n if outputs is None else whole("outputs", outputs, 1)
        self.activation, self.residual = choice("activation", activation, tuple(ACTIVATIONS)), bool(residual)
        rng, k = numpy_rng(generator), 1 / np.sqrt(self.n)
        for name, shape in (("w", (self.n, self.n)), ("w_in", (self.n, self.m)), ("b", self.n)):
            hold(self, name, rng.uniform(-k, k, shape))
        self.linear = None if outputs is None else linear(self.n, self.outputs, rng)

    def meaning(self) -> dict[str, Any]:
        return {"activation": self.activation, "residual": self.residual}

    def extra_repr(self) -> str:
        return f"{self.m} inputs, {self.n} units, activation={self.activation!r}, residual={self.residual}"

    def cell(self, numpy: bool = False) -> dynamics.CTRNN | RateCell:
        """The CT-RNN with tau = 1 whose drive is phi(...); numpy=True: float64 arrays, detached."""
        w_in = self.w_in if self.m else None
        values = {"tau": torch.ones_like(self.b), "w": self.w, "b": self.b, "w_in": w_in}
        return rate_cell(values, self.activation, "outside", numpy=numpy)

    def moved(self, u: torch.Tensor, x0: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        """See ``Net.moved``; dt: 1 for a step, 0 for none."""
        cell = self.cell()

        def step(u_t: torch.Tensor, x: torch.Tensor, dt_t: torch.Tensor) -> torch.Tensor:
            _, h = cell.terms(x, u_t)
            return x + h if self.residual else h

        return steps.run(step, u, x0, dt)

    knows_time = False

    def readout(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs (..., outputs) of states x (..., n)."""
        return x if self.linear is None else self.linear(x)
