"""What a backend is, and what it is asked to compute."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from .. import dynamics, ops
from ..kernels.sparse import FIELDS, SparsePattern
from ..solvers import Solver
from ..typing import Array

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Call(Generic[Array]):
    """One trajectory x (..., T, n) to compute, of numbers that somebody has checked.

    network: a ``Cell``, or what has its attributes. u: (..., T, m), held within each step, or None. x0: (...,
    n). dt: (), (T,) or (..., T), ms; each step is divided into ``substeps`` equal parts. still: truth values
    like dt where the state is held in every bit, or None.
    """

    network: Any
    u: Array | Any
    x0: Array
    dt: Array
    solver: Solver
    substeps: int
    still: np.ndarray | None = None

    @property
    def steps(self) -> int:
        """T."""
        return self.dt.shape[-1] if self.u is None else self.u.shape[-2]

    @property
    def samples(self) -> int:
        """How many inputs there are in the whole batch."""
        return math.prod(self.x0.shape[:-1]) * self.steps


class Cell:
    """One cell of ``dynamics`` as a network that a backend can move. The attributes:

    ``cell``: the cell itself. ``listed``: whether ``edges`` gives the same as a ``dynamics.EdgeLTC``. For the
    compiled kernels ``fields``, the arrays of a ``dynamics.LTC`` by name or None; ``patterns``, two
    ``kernels.sparse.SparsePattern``; ``positive``, a ``kernels.autograd.Positive``, or None. ``tensors``: all
    torch tensors in it.
    """

    listed, positive = False, None
    tensors: tuple[torch.Tensor, ...] = ()

    def __init__(self, cell: Any) -> None:
        self.cell = cell

    @property
    def fields(self) -> dict[str, Any] | None:
        """The arrays of a ``dynamics.LTC`` by name, or None."""
        if not isinstance(self.cell, dynamics.LTC) or self.cell.w.ndim != 2:
            return None
        return {name: getattr(self.cell, name) for name in FIELDS}

    @property
    def patterns(self) -> tuple[SparsePattern, SparsePattern]:
        """Where the two matrices of weights are not 0."""
        w_in = np.zeros((self.cell.n, 0)) if self.cell.w_in is None else self.cell.w_in
        return SparsePattern(self.cell.w), SparsePattern(w_in)


class Backend:
    """A way to compute a trajectory; all give the same numbers up to rounding.

    ``kept``: how many numbers autograd keeps per gate that is read, or None where that is no matter of
    memory. ``once_per_input``: whether the sensory gates are read once per input, not in every part of it.
    """

    name = ""
    kept: float | None = None
    once_per_input = False

    def refusal(self, call: Call) -> str | None:
        """Why it cannot compute this call, in words; None: it can."""
        return None

    def offers(self, call: Call) -> bool:
        """Whether "auto" should take it: it can compute the call, and is worth it."""
        return self.refusal(call) is None

    def cell(self, network: Any) -> Any:
        """The cell that it moves."""
        return network.cell

    def run(self, call: Call) -> Any:
        """The states (..., T, n)."""
        raise NotImplementedError(f"{type(self).__name__} must say how it computes.")

    def answered(self, call: Call) -> tuple[Any, Any]:
        """The outputs (..., T, k), and the states, of a network that does something to its own inputs, which
        u is here, and to its states.
        """
        network = call.network
        x = self.run(replace(call, u=network.map_input(call.u)))
        return network.readout(x), x

    def needed(self, call: Call) -> float:
        """Bytes that the gradient of a torch call keeps, where that is a matter of memory; else 0."""
        if self.kept is None:
            return 0
        cell, reads = self.cell(call.network), call.substeps * call.solver.reads
        sensory = (cell.w_in.numel() if cell.m else 0) * (1 if self.once_per_input else reads)
        gates = call.samples * (reads * cell.w.numel() + sensory)
        return self.kept * gates * call.x0.element_size()

    def check_memory(self, call: Call) -> None:
        """One ValueError, before any step is computed, for a torch call whose gradient would keep more than
        the machine holds.
        """
        import torch

        if not torch.is_grad_enabled() or ops.tracing(call.x0, call.dt):
            return
        need = self.needed(call)
        if need and need > (have := memory(call.x0.device)):
            raise ValueError(
                f"training on {call.samples} inputs would keep about {need / 1e9:.0f} GB on the {self.name} "
                f"path; {call.x0.device} has {have / 1e9:.0f} GB: take a smaller batch, a shorter sequence, "
                "or, on a CPU, backend='numba'."
            )

    def __repr__(self) -> str:
        return f"<backend {self.name}>"


def memory(device: torch.device) -> float:
    """Bytes of memory of a torch device: on a GPU what is free or kept ready by torch, beside a CPU all there
    is.
    """
    if device.type == "cuda":
        import torch

        ready = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + ready
    if not hasattr(os, "sysconf"):
        return float("inf")
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
