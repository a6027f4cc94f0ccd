"""Gated discrete networks, GRU and LSTM: what a liquid network must be measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from ..validation import whole
from . import steps
from .base import Net, numpy_rng
from .layers import hold, linear

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class GatedNet(Net):
    """What ``GRUNet`` and ``LSTMNet`` share: their sizes, their parameters, their readout. Not used alone.

    One matrix per source, its rows gate after gate: w (gates n, n) reads the state, w_in (gates n, m) the
    input. Raises ValueError for sizes < 1.
    """

    knows_time = False
    gates = 0  # how many blocks of n rows
    _step: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
    w: torch.Tensor
    w_in: torch.Tensor
    b: torch.Tensor
    b_in: torch.Tensor

    def __init__(
        self,
        inputs: int,
        units: int,
        outputs: int | None = None,
        *,
        generator: torch.Generator | np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.m, self.n = whole("inputs", inputs, 0), whole("units", units, 1)
        self.outputs = self.n if outputs is None else whole("outputs", outputs, 1)
        rng, k, rows = numpy_rng(generator), 1 / np.sqrt(self.n), self.gates * self.n
        for name, shape in (("w", (rows, self.n)), ("w_in", (rows, self.m)), ("b", rows), ("b_in", rows)):
            hold(self, name, rng.uniform(-k, k, shape))
        self.linear = None if outputs is None else linear(self.n, self.outputs, rng)

    def extra_repr(self) -> str:
        return f"{self.m} inputs, {self.n} units"

    def moved(self, u: torch.Tensor, x0: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        """See ``Net.moved``; dt: 1 for a step, 0 for none."""
        return steps.run(self._step, u @ self.w_in.T + self.b_in, x0, dt)

    def readout(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs (..., outputs) of states x (..., state_size)."""
        x = x[..., : self.n]
        return x if self.linear is None else self.linear(x)


class GRUNet(GatedNet):
    """Gated recurrent unit: a step keeps the share z of the old state, and takes the rest from a candidate::

        r = sigmoid(w_r x + w_in_r u + b_r + b_in_r)       z = sigmoid(w_z x + w_in_z u + b_z + b_in_z)
        x+ = z x + (1 - z) tanh(r (w_n x + b_n) + w_in_n u + b_in_n),      y = linear(x)

    inputs: m; units: n; outputs: size of y, or None for y = x. A discrete step knows no time: dt is checked
    and changes nothing; to let the network see it, append it to u. The numbers are those of ``torch.nn.GRU``
    with the same weights, rows in its order r, z, n. generator: torch.Generator or None; all start at U(-k,
    k), k = 1 / sqrt(n).

    Raises ValueError for sizes < 1. Source: Cho et al. (2014); chapter "Training a liquid network".

    >>> net = models.GRUNet(3, 8, 1)
    >>> tuple(net(torch.zeros(5, 50, 3))[0].shape)
    (5, 50, 1)
    """

    gates = 3

    def __init__(
        self,
        inputs: int,
        units: int,
        outputs: int | None = None,
        *,
        generator: torch.Generator | np.random.Generator | None = None,
    ) -> None:
        super().__init__(inputs, units, outputs, generator=generator)
        self.state_size = self.n

    def _step(self, heard: torch.Tensor, x: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        n, inner = self.n, x @ self.w.T + self.b
        r, z = torch.sigmoid(heard[..., : 2 * n] + inner[..., : 2 * n]).chunk(2, -1)
        new = torch.tanh(heard[..., 2 * n :] + r * inner[..., 2 * n :])
        return new + z * (x - new)


class LSTMNet(GatedNet):
    """Long short-term memory: a memory c that a gate f keeps and a gate i fills; a gate o shows it::

        i, f, o = sigmoid(w x + w_in u + b + b_in), one block of rows each
        a = tanh(w_a x + w_in_a u + b_a + b_in_a)
        c+ = f c + i a       x+ = o tanh(c+)       y = linear(x)

    inputs, units, outputs, dt, generator: as in ``GRUNet``. The state is (..., 2 n): x, then c. The numbers
    are those of ``torch.nn.LSTM`` with the same weights, rows in its order i, f, a, o.

    Raises ValueError for sizes < 1. Source: Hochreiter & Schmidhuber (1997); chapter "Training a liquid
    network".

    >>> net = models.LSTMNet(3, 8, 1)
    >>> y, x = net(torch.zeros(5, 50, 3))
    >>> tuple(y.shape), tuple(x.shape)
    ((5, 50, 1), (5, 50, 16))
    """

    gates = 4

    def __init__(
        self,
        inputs: int,
        units: int,
        outputs: int | None = None,
        *,
        generator: torch.Generator | np.random.Generator | None = None,
    ) -> None:
        super().__init__(inputs, units, outputs, generator=generator)
        self.state_size = 2 * self.n

    def _step(self, heard: torch.Tensor, state: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        x, c = state.chunk(2, -1)
        take, keep, new, show = (heard + x @ self.w.T + self.b).chunk(4, -1)
        c = torch.sigmoid(keep) * c + torch.sigmoid(take) * torch.tanh(new)
        return torch.cat([torch.sigmoid(show) * torch.tanh(c), c], -1)


class WithGaps(torch.nn.Module):
    """A network that gets dt as one more input: how a discrete step may learn that time has passed.

    net: any model with m inputs, of which the last is log(1 + dt) and the others are u, so this module takes
    (..., T, m - 1). Called as every model is, ``forward(u, x0=None, dt=1.0) -> (y, x)``, with the same
    states.

    Raises ValueError for a network that has no input to spare, and as the network does.
    Source: the plain baseline of Che et al. (2018) and Lechner & Hasani (2020).

    >>> net = models.WithGaps(models.GRUNet(3 + 1, 8, 1))
    >>> u = torch.zeros(5, 50, 3)
    >>> torch.equal(net(u)[0], net(u, dt=9.0)[0])  # now it sees the time
    False
    """

    def __init__(self, net: Net) -> None:
        super().__init__()
        if not isinstance(net, Net) or net.m < 1:
            came = f"{type(net).__name__} with {net.m} inputs" if isinstance(net, Net) else type(net).__name__
            raise ValueError(
                f"net is {came}; pass one of ltcbook.models with an input for dt beside those for u."
            )
        self.net, self.m, self.n, self.state_size, self.outputs = (
            net,
            net.m - 1,
            net.n,
            net.state_size,
            net.outputs,
        )

    def forward(
        self,
        u: torch.Tensor,
        x0: torch.Tensor | None = None,
        dt: float | torch.Tensor = 1.0,
        *,
        lengths: torch.Tensor | Sequence[int] | None = None,
        mask: torch.Tensor | None = None,
        missing: Literal["refuse", "hold"] = "refuse",
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Outputs y (..., T, outputs) and states x (..., T, state_size) of ``net``.

        u (..., T, m); dt in ms, or in whatever unit it was trained with; the others as in ``Net.forward``.
        Raises ValueError as that does.
        """
        if not isinstance(u, torch.Tensor) or u.ndim < 2 or u.shape[-1] != self.m:
            came = f"shape {tuple(u.shape)}" if hasattr(u, "shape") else type(u).__name__
            raise ValueError(f"u: got {came}; this model needs a tensor (..., T, {self.m}).")
        gap = torch.as_tensor(dt, dtype=u.dtype, device=u.device).log1p().expand(u.shape[:-1])
        return self.net(
            torch.cat([u, gap[..., None]], -1), x0, dt, lengths=lengths, mask=mask, missing=missing
        )

    if TYPE_CHECKING:
        __call__ = forward
