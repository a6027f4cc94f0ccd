"""The kernels that Triton compiles, for torch: one launch for a whole sequence forwards, one backwards.

Derivatives are summed in blocks of samples, in one order and without atomic operations: the same call gives
the same bits again. Another kind of GPU may have other blocks, and so other last bits.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..validation import extra

extra("torch", "torch", "kernels.triton_call")

import torch
import triton

from . import triton_gates, triton_sequence
from .autograd import _Last
from .sparse import FIELDS, GATES, ORDER, POSITIVE

if TYPE_CHECKING:
    from ..solvers import Solver
    from .autograd import Positive
    from .sparse import SparsePattern

DENSE = 64  # up to so many neurons all places of the matrix stay in registers
SLOTS = 16  # a tile of a table: so many slots of 32 or 64 rows
FITS: dict[str, int] = {"num_warps": 8, "maxnreg": 255}  # every number stays in the registers of its thread
INTERPRETED = 2  # programs that Triton's interpreter runs, one after another
NO_SECOND = (
    "the Triton kernels have first derivatives only; for second ones use backend='reference' "
    "(net.backend = 'reference')."
)
ALIGNED = 16  # numbers; pieces of memory begin where a multiple of them is full
NEURONS = ("c", "g_leak", "e_leak")


def trajectory(
    fields: dict[str, torch.Tensor | None],
    patterns: tuple[SparsePattern, SparsePattern],
    u: torch.Tensor,
    x0: torch.Tensor,
    dt: torch.Tensor,
    *,
    solver: Solver,
    substeps: int,
    positive: Positive | None = None,
) -> torch.Tensor:
    """States (..., T, n); arguments, derivatives and errors are those of ``kernels.autograd.trajectory``."""
    batch, steps = u.shape[:-2], u.shape[-2]
    u, x0 = (t.reshape(math.prod(batch), *t.shape[len(batch) :]) for t in (u, x0))
    dt = dt if dt.ndim == 1 else dt.expand(*batch, steps).reshape(-1, steps)
    kept = torch.is_grad_enabled()  # a node is never asked with it on
    x = Sequence.apply(
        patterns, dt, solver, substeps, positive, kept, u, x0, *(fields[name] for name in ORDER)
    )
    return x.reshape(*batch, *x.shape[1:])


class Sequence(torch.autograd.Function):
    """x (B, T, n) from u (B, T, m), x0 (B, n) and the parameters, in this ``ORDER``."""

    @staticmethod
    def forward(
        ctx: Any,
        patterns: tuple[SparsePattern, SparsePattern],
        dt: torch.Tensor,
        solver: Solver,
        substeps: int,
        positive: Positive | None,
        kept: bool,
        u: torch.Tensor,
        x0: torch.Tensor,
        *values: torch.Tensor | None,
    ) -> torch.Tensor:
        layout = laid_out(*patterns, u.device)
        raw = torch.cat([u.new_zeros(1), *(t.flatten() for t in values if t is not None)])
        numbers = raw
        if positive is not None:
            first, past = 1, 1 + layout.raw
            numbers = torch.cat([raw[:first], positive.value(raw[first:past]), raw[past:]])
        call = Call(layout, solver, substeps, u.contiguous(), dt.contiguous(), numbers[layout.index])
        kept = kept and any(ctx.needs_input_grad)
        x, *states = call.forward(x0.contiguous(), kept)
        if kept:
            ctx.rest = layout, solver, substeps, positive
            ctx.inputs = u, x0, *values
            ctx.save_for_backward(call.u, call.dt, call.numbers, raw, *states)
        return x

    @staticmethod
    def backward(ctx: Any, by_x: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        layout, solver, substeps, positive = ctx.rest
        u, dt, numbers, raw, *states = ctx.saved_tensors
        call = Call(layout, solver, substeps, u, dt, numbers)
        by_u, by_x0, sums = call.backward(by_x.contiguous(), *states)
        by_raw = torch.cat([sums, sums.new_zeros(1)])[layout.back].to(raw.dtype)
        if positive is not None:
            by_raw[: layout.raw] *= positive.slope(raw[1 : 1 + layout.raw])
        values = ctx.inputs[2:]
        parts = by_raw.split([0 if t is None else t.numel() for t in values])
        by_values = [part if t is None else part.view(t.shape) for t, part in zip(values, parts, strict=True)]
        needed = zip([by_u, by_x0, *by_values], ctx.needs_input_grad[6:], strict=True)
        derivatives: Any = [derivative if wanted else None for derivative, wanted in needed]
        if torch.is_grad_enabled():  # create_graph=True
            derivatives = _Last.apply(NO_SECOND, len(derivatives), *derivatives, by_x, *ctx.inputs)
        return None, None, None, None, None, None, *derivatives


class Call:
    """What forward and backward of one call share.

    u (B, T, m); dt (T,) or (B, T), ms; numbers: those of the network, as ``Layout.index`` orders them.
    """

    def __init__(
        self,
        layout: Layout,
        solver: Solver,
        substeps: int,
        u: torch.Tensor,
        dt: torch.Tensor,
        numbers: torch.Tensor,
    ) -> None:
        self.layout, self.solver, self.substeps = layout, solver, substeps
        self.u, self.dt, self.numbers = u, dt, numbers
        self.batch, self.steps, _ = u.shape
        self.block = max(1, -(-self.batch // programs(u.device)))
        self.programs = -(-self.batch // self.block)

    def forward(self, x0: torch.Tensor, kept: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """x (B, T, n) from x0 (B, n), and what ``backward`` needs, where it shall be kept."""
        n, new = self.layout.n, x0.new_empty
        x, drive = new(self.batch, self.steps, n), new(self.batch, self.steps, 2, n)
        if kept:
            states = new(self.batch, self.steps * self.substeps + 1, n)
        else:
            states = new(0 if self.layout.dense else self.programs, self.substeps + 1, n)
        arrays = {"X0": x0, "X": x, "DRIVE": drive, "STATES": states}
        self._launch(
            triton_sequence.forward,
            ("INTO", "INTO_IN"),
            arrays,
            {"STEP": rules(self.solver)[0], "KEEP": kept},
        )
        return x, drive, states

    def backward(
        self, by_x: torch.Tensor, drive: torch.Tensor, states: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """From the derivative by x: those by u and x0, and the sums that ``Layout.back`` points into."""
        n, new = self.layout.n, by_x.new_empty
        by_u, by_x0 = torch.empty_like(self.u), new(self.batch, n)
        totals = by_x.new_zeros(self.programs, self.layout.sums, dtype=torch.float64)
        arrays = {"BY_X": by_x, "DRIVE": drive, "STATES": states, "BY_U": by_u, "BY_X0": by_x0}
        arrays |= {
            "TOTALS": totals,
            "BYS": new(self.batch, self.steps * self.substeps, 2, n),
            "BYS_IN": new(self.batch, self.steps, 2, n),
            "WORK": new(0 if self.layout.dense else self.programs, 2, n),
        }
        constants = dict(zip(("STEP", "BACK"), rules(self.solver), strict=True))
        self._launch(triton_sequence.backward, tuple(self.layout.tables), arrays, constants)
        return by_u, by_x0, totals.sum(0)  # in one order always: the same bits again

    def _launch(
        self, kernel: Any, tables: tuple[str, ...], arrays: dict[str, Any], constants: dict[str, Any]
    ) -> None:
        """Start all programs of a kernel; none without samples."""
        layout, given = self.layout, dict(arrays)
        for name in ("NEURONS", "DENSE", *tables):
            given[name] = self.numbers[layout.parts[name]]
        for name in tables:
            table = layout.tables[name]
            given |= {f"{name}_OTHER": table.other, f"{name}_size": table.size, f"{name}_slots": table.slots}
        given |= {"U": self.u, "DT": self.dt, "dt_stride": self.dt.stride(0) if self.dt.ndim > 1 else 0}
        given |= {"B": self.batch, "T": self.steps, "K": self.substeps, "n": layout.n, "m": layout.m}
        shape = {"N": layout.dense, "R": layout.tall, "F": SLOTS, "AHEAD": self.solver.ahead}
        if self.programs:
            with torch.cuda.device_of(self.u):
                kernel[(self.programs,)](**given, **constants, **shape, **FITS, block=self.block)


class Table:
    """Synapses in a rectangle: a row for each neuron at one end, padded to full tiles; see ``triton_gates``.

    ends, others: the neuron at this end and at the other, (E,); count: how many neurons this end has.
    ``synapse`` (rows * slots,): which synapse stands in a slot, or -1.
    """

    def __init__(
        self, ends: np.ndarray, others: np.ndarray, count: int, tall: int, device: torch.device
    ) -> None:
        many = np.bincount(ends, minlength=count)
        rows, self.slots = -(-count // tall) * tall, -(-int(many.max(initial=0)) // SLOTS) * SLOTS
        order = np.argsort(ends, kind="stable")
        slot = np.arange(len(ends)) - np.repeat(np.cumsum(many) - many, many)
        self.size = rows * self.slots
        self.synapse = np.full(self.size, -1)
        self.synapse[ends[order] * self.slots + slot] = order
        self.other = torch.as_tensor(np.append(others, 0)[self.synapse].astype(np.int32), device=device)


class Layout:
    """Where the numbers of a network stand in what the kernels read, and its derivatives in their sums.

    index: for every number that they read, its place among those of all fields (``ORDER``) with a 0 before
    them; parts: the names of its pieces. back: for every number of the fields, the place of its derivative
    among the ``sums`` with a 0 behind them. raw: how many numbers the ``POSITIVE`` fields have.
    """

    def __init__(self, patterns: tuple[SparsePattern, SparsePattern], device: torch.device) -> None:
        self.n, self.m = (int(pattern.polarity.shape[1]) for pattern in patterns)
        self.dense = 0 if self.n > DENSE else 32 if self.n <= 32 else 64
        self.tall = self.dense or DENSE
        sizes: dict[str, int] = dict.fromkeys(FIELDS, self.n)
        for end, many in (("", self.n), ("_in", self.m)):
            sizes |= {name + end: self.n * many for name in GATES}
        starts = 1 + np.cumsum([0, *(sizes[name] for name in ORDER)])
        self.start = dict(zip(ORDER, starts[:-1].tolist(), strict=True))
        self.raw = sum(sizes[name] for name in POSITIVE)

        neurons = np.concatenate([self.start[name] + np.arange(self.n) for name in NEURONS])
        pieces = {"NEURONS": np.append(neurons, np.zeros(-len(neurons) % ALIGNED, int))}
        pieces["DENSE"] = self._dense(patterns[0])
        back = np.full(starts[-1], -1)  # with that of the 0
        back[neurons] = np.arange(3 * self.n)
        self.sums, self.tables = 3 * self.n, {}
        for end, pattern, many in zip(("", "_in"), patterns, (self.n, self.m), strict=True):
            into = Table(pattern.target, pattern.source, self.n, self.tall, device)
            out = Table(pattern.source, pattern.target, many, self.tall, device)
            for name, table in ((f"INTO{end.upper()}", into), (f"FROM{end.upper()}", out)):
                self.tables[name], pieces[name] = table, self._places(end, pattern, table)
            used = np.flatnonzero(pieces[f"INTO{end.upper()}"])
            back[pieces[f"INTO{end.upper()}"][used]] = self.sums + used
            self.sums += 4 * into.size
        back[back < 0] = self.sums
        ends = np.cumsum([len(piece) for piece in pieces.values()]).tolist()
        self.parts = {
            name: slice(end - len(pieces[name]), end) for name, end in zip(pieces, ends, strict=True)
        }
        self.index = torch.as_tensor(np.concatenate(list(pieces.values())), device=device)
        self.back = torch.as_tensor(back[1:], device=device)

    def _places(self, end: str, pattern: SparsePattern, table: Table) -> np.ndarray:
        """The places (4 * size,) of w, gamma, mu and e_rev in the slots of a table, 0 where none is."""
        place = np.append(pattern.place, 0)[table.synapse]
        return np.concatenate(
            [np.where(table.synapse < 0, 0, self.start[name + end] + place) for name in GATES]
        )

    def _dense(self, pattern: SparsePattern) -> np.ndarray:
        """The same for the whole matrix, padded to (dense, dense)."""
        places = np.zeros((len(GATES), self.dense, self.dense), int)
        if self.dense:
            for name, matrix in zip(GATES, places, strict=True):
                matrix[pattern.target, pattern.source] = self.start[name] + pattern.place
        return places.ravel()


def needed(
    patterns: tuple[SparsePattern, SparsePattern], x0: torch.Tensor, steps: int, substeps: int
) -> float:
    """Bytes that the gradient of a call takes: states and gates' derivatives of all parts, and the sums."""
    layout, batch = laid_out(*patterns, x0.device), x0[..., 0].numel()
    numbers = batch * steps * (layout.n * (3 * substeps + 5) + 2 * layout.m) * x0.element_size()
    return numbers + 8 * min(batch, programs(x0.device)) * layout.sums


@lru_cache(maxsize=16)
def laid_out(recurrent: SparsePattern, sensory: SparsePattern, device: torch.device) -> Layout:
    """The ``Layout`` of two patterns, made and carried to the device once."""
    with torch.inference_mode(False):  # else training after an evaluation could not keep it
        return Layout((recurrent, sensory), device)


@cache
def rules(solver: Solver) -> tuple[Any, Any]:
    """The kernel form of a solver, (step, back), for Triton; its interpreter runs Python as it stands."""
    found = solver.kernel(triton_gates.lost)
    return found if interpreted() else tuple(triton.jit(rule) for rule in found)


def interpreted() -> bool:
    """Whether Triton's interpreter computes, on a CPU, instead of a GPU (TRITON_INTERPRET=1 when it is
    loaded): slow, and made for tests.
    """
    return not isinstance(triton_sequence.forward, triton.JITFunction)


def programs(device: torch.device) -> int:
    """How many programs share the samples: enough for two on every multiprocessor."""
    if device.type != "cuda":
        return INTERPRETED
    return 2 * torch.cuda.get_device_properties(device).multi_processor_count
