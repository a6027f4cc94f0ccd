"""Long short-term memory beside a continuous-time state, for dependencies longer than its time constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from . import steps
from .layers import parameter

if TYPE_CHECKING:
    from collections.abc import Callable


class LSTMMemory(nn.Module):
    """One LSTM step between two steps of a model: (u, x, memory) -> (x, memory).

    z = W_in u + W x + b gives candidate, input, forget and output gate in this order; memory+ =
    sigmoid(z_forget + 1) memory + sigmoid(z_input) tanh(z_candidate),  x+ = sigmoid(z_output) tanh(memory+).
    u (..., m), x and memory (..., n). The state x may then jump, so bounds proved for the model alone no
    longer hold.
    Source: Lechner & Hasani (2020), "Learning long-term dependencies in irregularly-sampled time series".
    """

    def __init__(self, m: int, n: int, rng: np.random.Generator) -> None:
        super().__init__()
        bound = np.sqrt(6 / (m + 4 * n))
        self.w_in = parameter(rng.uniform(-bound, bound, (4 * n, m)))
        self.w = parameter(np.linalg.qr(rng.normal(size=(4 * n, n)))[0])  # orthonormal columns
        self.b = parameter(rng.uniform(-0.1, 0.1, 4 * n))

    def forward(
        self, u: torch.Tensor, x: torch.Tensor, memory: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """State and memory after the step, each (..., n)."""
        candidate, take, keep, give = (u @ self.w_in.T + x @ self.w.T + self.b).chunk(4, -1)
        memory = memory * torch.sigmoid(keep + 1) + torch.sigmoid(take) * torch.tanh(candidate)
        return torch.sigmoid(give) * torch.tanh(memory), memory

    if TYPE_CHECKING:
        __call__ = forward


def run(
    memory: LSTMMemory,
    step: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor],
    u: torch.Tensor,
    x0: torch.Tensor,
    dt: torch.Tensor,
) -> torch.Tensor:
    """States (..., T, 2 n): in each step the LSTM moves x first, then ``step(u_t, x, dt_t)`` does. Order of
    state: x, memory.

    u (..., T, m), x0 (..., 2 n), dt (T,) or (..., T) in ms; step takes and returns states (..., n).
    """

    def both(u_t: torch.Tensor, state: torch.Tensor, dt_t: torch.Tensor) -> torch.Tensor:
        x, cell = memory(u_t, *state.chunk(2, -1))
        return torch.cat([step(u_t, x, dt_t), cell], -1)

    return steps.run(both, u, x0, dt)
