"""Continuous-time recurrent networks that train under masks, signs, plasticity and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn

from ..backends import stepwise
from ..solvers import SOLVERS
from ..validation import choice, number, whole
from .base import ACTIVATIONS, Net, numpy_rng
from .constraints import Weight, as_masks, vector
from .layers import inverse_softplus, parameter
from .rate import CONVENTIONS, rate_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike
    from torch.nn.utils.rnn import PackedSequence

    from .. import dynamics
    from ..wiring import AreaMasks
    from .rate import RateCell


class CTRNNet(Net):
    """CT-RNN that trains under constraints: tau dx/dt = -x + phi(w x + w_in u + b), y = linear(x).

    inputs: m; units: n; outputs: size of y, or None. tau: ms, a number shared by all neurons or (n,); or
    alpha = step / tau in (0, 1], a number or (n,). learned=True trains it: tau as softplus(raw) > 0, alpha as
    sigmoid(raw) in (0, 1).
    convention: "outside": as above, x is a rate; "inside": tau dx/dt = -x + w phi(x) + w_in u + b, x is a
    potential and y = linear(phi(x)). (Written dx/dt = -x / tau + f, the third habit, the drive is f tau: its
    equilibrium moves with tau.)
    solver, substeps: of ``simulate``; "euler" gives x+ = (1 - alpha) x + alpha phi(...), alpha = dt / tau.

    masks, plasticity: objects with input_mask (n, m), hidden_mask (n, n), readout_mask (outputs, n), as
    ``wiring.multi_area`` returns them, or a dict with some of the keys "input", "hidden", "readout". Masks
    hold 0 and 1; one that holds a -1 is a matrix of signs that no training can change; plasticity holds
    shares in [0, 1], 0 stays as it began. signs: (n,) of -1 and +1, the sign of every synapse that a neuron
    sends (Dale's law). All this acts at each call, nothing is repaired.
    noise_pre, noise_post: standard deviations of Gaussian noise before and after phi, drawn once per step, in
    training mode only; ``forward`` takes ``generator=`` for it. generator (here): torch.Generator or None for
    the initial values.

    Raises ValueError for sizes < 1, masks of another shape or other values, tau <= 0, alpha outside (0, 1],
    unknown names.
    Source: after Funahashi & Nakamura (1993); Song, Yang & Wang (2016) for signs and masks; chapter "CT-RNN".

    >>> net = models.CTRNNet(2, 4, 1, tau=[10, 10, 20, 20], signs=[1, 1, 1, -1])
    >>> (net.w()[:, 3] < 0).all().item(), (net.w()[:, :3] > 0).all().item()
    (True, True)
    >>> y, x = net(torch.zeros(50, 2), dt=0.5)
    >>> tuple(y.shape), tuple(x.shape)
    ((50, 1), (50, 4))
    """

    raw_tau: torch.Tensor
    solver: str
    w_out: Weight | None
    b_out: torch.Tensor | Any  # None where there is no readout

    def __init__(
        self,
        inputs: int,
        units: int,
        outputs: int | None = None,
        *,
        tau: ArrayLike = 10.0,
        alpha: ArrayLike | None = None,
        step: float = 1.0,
        learned: bool = False,
        activation: str = "tanh",
        convention: Literal["outside", "inside"] = "outside",
        solver: str = "euler",
        substeps: int = 1,
        masks: AreaMasks | dict[str, ArrayLike] | None = None,
        signs: ArrayLike | None = None,
        plasticity: AreaMasks | dict[str, ArrayLike] | None = None,
        noise_pre: float = 0.0,
        noise_post: float = 0.0,
        generator: torch.Generator | np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.m, self.n = whole("inputs", inputs, 0), whole("units", units, 1)
        self.state_size = self.n
        self.outputs = self.n if outputs is None else whole("outputs", outputs, 1)
        self.activation = choice("activation", activation, tuple(ACTIVATIONS))
        self.convention = choice("convention", convention, CONVENTIONS)
        self.solver = choice("solver", solver, tuple(SOLVERS))
        self.substeps = whole("substeps", substeps, 1)
        self.noise_pre, self.noise_post = (
            number(name, value, 0) for name, value in (("noise_pre", noise_pre), ("noise_post", noise_post))
        )
        self.step = number("step", step, 0, open_low=True)
        self.by_alpha = alpha is not None
        if alpha is not None:
            alpha = vector(
                "alpha",
                alpha,
                self.n,
                "numbers in (0, 1], below 1 when learned",
                lambda v: (v > 0) & (v <= 1 - learned * 1e-9),
            )
            raw = np.log(alpha) - np.log1p(-alpha) if learned else alpha
        else:
            tau = vector("tau", tau, self.n, "finite numbers of milliseconds > 0", lambda v: v > 0)
            raw = inverse_softplus(tau) if learned else tau
        raw = parameter(raw)
        self.learned = bool(learned)
        if self.learned:
            self.raw_tau = raw
        else:
            self.register_buffer("raw_tau", raw.detach())

        masks, plastic = as_masks("masks", masks), as_masks("plasticity", plasticity)
        hidden = masks.get("hidden")
        if signs is not None:
            signs = vector("signs", signs, self.n, "-1 and +1", lambda v: np.abs(v) == 1)
            hidden = (np.ones((self.n, self.n)) if hidden is None else np.abs(hidden)) * signs
        if outputs is None and ("readout" in masks or "readout" in plastic):
            raise ValueError("a readout mask needs a readout: give outputs.")
        rng = numpy_rng(generator)
        self.w_in = Weight(
            "input", (self.n, self.m), rng, mask=masks.get("input"), plastic=plastic.get("input")
        )
        self.w = Weight(
            "hidden",
            (self.n, self.n),
            rng,
            mask=hidden,
            signed=signs is not None,
            plastic=plastic.get("hidden"),
        )
        self.b = parameter(np.zeros(self.n))
        self.w_out = self.b_out = None
        if outputs is not None:
            self.w_out = Weight(
                "readout",
                (self.outputs, self.n),
                rng,
                mask=masks.get("readout"),
                plastic=plastic.get("readout"),
            )
            self.b_out = parameter(np.zeros(self.outputs))

    def meaning(self) -> dict[str, Any]:
        time = {"time": "alpha", "step": self.step} if self.by_alpha else {"time": "tau"}
        signed = [
            name
            for name in ("w", "w_in", "w_out")
            if getattr(self, name) is not None and getattr(self, name).signed
        ]
        return {
            "activation": self.activation,
            "convention": self.convention,
            "learned": self.learned,
            "signed": signed,
        } | time

    def extra_repr(self) -> str:
        return (
            f"{self.m} inputs, {self.n} units, activation={self.activation!r}, "
            f"convention={self.convention!r}, solver={self.solver!r}"
        )

    @property
    def tau(self) -> torch.Tensor:
        """Time constants of now, (n,), in ms."""
        if self.by_alpha:
            tau = self.step / (torch.sigmoid(self.raw_tau) if self.learned else self.raw_tau)
        else:
            tau = nn.functional.softplus(self.raw_tau) if self.learned else self.raw_tau
        return tau.expand(self.n)

    def cell(self, numpy: bool = False) -> dynamics.CTRNN | RateCell:
        """The cell of now without noise: a ``dynamics.CTRNN`` (tanh outside) or a ``RateCell``.

        numpy=True: float64 arrays, detached.
        """
        return self._cell_of_now(False, numpy)

    def _cell_of_now(self, noisy: bool, numpy: bool = False) -> dynamics.CTRNN | RateCell:
        values = {"tau": self.tau, "w": self.w(), "b": self.b, "w_in": self.w_in() if self.m else None}
        return rate_cell(values, self.activation, self.convention, noisy=noisy, numpy=numpy)

    def forward(
        self,
        u: torch.Tensor | PackedSequence,
        x0: torch.Tensor | None = None,
        dt: float | torch.Tensor | PackedSequence = 1.0,
        *,
        lengths: torch.Tensor | Sequence[int] | None = None,
        mask: torch.Tensor | None = None,
        missing: Literal["refuse", "hold"] = "refuse",
        generator: torch.Generator | None = None,
    ) -> tuple[torch.Tensor | Any, torch.Tensor]:
        """Outputs y (..., T, outputs) and states x (..., T, n); see ``Net.forward``.

        generator: torch.Generator of the noise on u's device (None: torch's own), used in training mode only.
        """
        return self._call(u, x0, dt, lengths, mask, missing, generator=generator)

    if TYPE_CHECKING:
        __call__ = forward

    def moved(
        self, u: torch.Tensor, x0: torch.Tensor, dt: torch.Tensor, *, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """See ``Net.moved``; generator: of the noise. Raises ValueError as ``forward`` does."""
        noisy = self.training and (self.noise_pre > 0 or self.noise_post > 0)
        if noisy:
            shape = (*u.shape[:-1], self.n)
            like: dict[str, Any] = {"dtype": u.dtype, "device": u.device}
            pre, post = (torch.randn(shape, generator=generator, **like) for _ in range(2))
            u = torch.cat([u, self.noise_pre * pre, self.noise_post * post], -1)
        cell = self._cell_of_now(noisy)
        heard, dt = (u, dt) if cell.m else (None, dt.expand(u.shape[:-1]))
        return stepwise(cell, heard, x0, dt, solver=SOLVERS[self.solver], substeps=self.substeps)

    def readout(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs (..., outputs) of states x (..., n)."""
        rate = ACTIVATIONS[self.activation].f(x) if self.convention == "inside" else x
        return rate if self.w_out is None else rate @ self.w_out().T + self.b_out
