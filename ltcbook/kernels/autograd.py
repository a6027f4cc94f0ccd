"""The kernels for torch: one autograd node for a whole sequence."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any

import numpy as np

from ..validation import extra

extra("torch", "torch", "kernels.autograd")

from typing import TYPE_CHECKING

import torch
from torch.autograd import forward_ad

from . import unknown
from .sparse import FIELDS, POSITIVE, gather, scatter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from ..solvers import Solver
    from .sparse import SparsePattern

CPU = torch.device("cpu")
PLAIN = (torch.Tensor, torch.nn.Parameter)
NO_SECOND = (
    "the numba kernels have first derivatives only; for second ones use backend='reference' "
    "(net.backend = 'reference')."
)


def looked_into(tensors: Iterable[torch.Tensor]) -> str | None:
    """Why only the plain formulas can serve a call with these tensors, in words; None: something else may."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return "torch.compile, torch.export and torch.jit look into the computation"
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor  # torch has no public name for this question
    for tensor in tensors:
        if wrapped(tensor) or type(tensor) not in PLAIN:
            return "vmap, torch.func and tensors of other classes look into the computation"
        if tensor.is_meta:
            return "tensors on the device meta hold no values; it computes on the CPU, not on meta"
    return None


def refusal(
    tensors: Iterable[torch.Tensor], dt: torch.Tensor, solver: Solver, device: torch.device = CPU
) -> str | None:
    """Why kernels on this device cannot compute with these tensors, if they compile, in words; None: they
    can.
    """
    if seen := looked_into(tensors):
        return seen
    for tensor in tensors:
        if tensor.device != device:
            return f"it computes on {'the CPU' if device == CPU else device}, not on {tensor.device}"
        if tensor.dtype != dt.dtype:
            return "inputs and parameters differ in their dtype"
    if getattr(forward_ad, "_current_level", -1) >= 0:
        return "it has no forward-mode derivatives"
    if dt.requires_grad:
        return "it has no derivative by dt"
    return unknown(solver, dt.dtype)


def trajectory(
    fields: dict[str, torch.Tensor],
    patterns: tuple[SparsePattern, SparsePattern],
    u: torch.Tensor,
    x0: torch.Tensor,
    dt: torch.Tensor,
    *,
    solver: Solver,
    substeps: int,
    positive: tuple[Callable, Callable] | None = None,
    make: Callable[..., Any] | None = None,
) -> torch.Tensor:
    """States (..., T, n) of a ``dynamics.LTC`` of tensors, as ``simulate.simulate`` gives them.

    fields: the tensors of the cell's ``FIELDS`` by name; patterns: a ``SparsePattern`` of the synapses
    between neurons, and one of those from the inputs. positive: None, or a function that turns the raw
    numbers which stand for the ``POSITIVE`` fields into values, one by one, and the function of its
    derivative. u (..., T, m); x0 (..., n); dt (T,) or (..., T), ms; solver: a ``solvers.Solver``. make: None,
    or what gives something else that is used like a ``call.Call``. First derivatives by everything but dt;
    they cannot be differentiated again (a ValueError says so). Whether the states are finite, the caller
    looks.
    """
    batch, steps = u.shape[:-2], u.shape[-2]
    dt = dt if dt.ndim == 1 else dt.expand(*batch, steps)
    if len(batch) != 1:  # flat, a view more for autograd to go through
        u, x0 = (t.reshape(math.prod(batch), *t.shape[len(batch) :]) for t in (u, x0))
        dt = dt if dt.ndim == 1 else dt.reshape(-1, steps)
    x = Sequence.apply(
        patterns, dt, solver, substeps, positive, make, u, x0, *(fields[name] for name in FIELDS)
    )
    return x if len(batch) == 1 else x.reshape(*batch, *x.shape[1:])


class Sequence(torch.autograd.Function):
    """x (B, T, n) from u (B, T, m), x0 (B, n) and the parameters, in the order of ``FIELDS``."""

    @staticmethod
    def forward(
        ctx: Any,
        patterns: tuple[SparsePattern, SparsePattern],
        dt: torch.Tensor,
        solver: Solver,
        substeps: int,
        positive: tuple[Callable, Callable] | None,
        make: Callable[..., Any] | None,
        u: torch.Tensor,
        x0: torch.Tensor,
        *values: torch.Tensor | None,
    ) -> torch.Tensor:
        from .call import Call  # needs numba

        kept = any(ctx.needs_input_grad)
        arrays = [None if value is None else _array(value) for value in values]
        fields = gather(dict(zip(FIELDS, arrays, strict=True)), patterns)
        slopes = {} if positive is None else _replace(fields, *positive)
        options: dict[str, Any] = {"solver": solver, "substeps": substeps, "threads": torch.get_num_threads()}
        fields = {name: values[None] for name, values in fields.items()}
        alone = patterns[0].alone, patterns[1].alone
        call = (make or Call)(fields, alone, _array(u)[None], _array(dt), **options)
        # whatever the default is
        states = torch.empty(call.states_shape(substeps=kept), dtype=u.dtype, device="cpu")
        (x,) = call.forward(_array(x0)[None], states.numpy())
        if kept:
            ctx.call, ctx.patterns, ctx.slopes, ctx.inputs = call, patterns, slopes, (u, x0, *values)
            ctx.save_for_backward(states)
        return torch.from_numpy(x)

    @staticmethod
    def backward(ctx: Any, by_x: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (states,) = ctx.saved_tensors
        found = ctx.call.backward(_array(by_x)[None], states.numpy())
        by_u, by_x0, *slopes = (derivative[0] for derivative in found)
        by_fields = dict(zip(FIELDS, slopes, strict=True))
        for name, slope in ctx.slopes.items():
            by_fields[name] *= slope
        derivatives = [by_u, by_x0, *scatter(by_fields, ctx.patterns).values()]
        needed = ctx.needs_input_grad[6:]
        derivatives = [
            torch.from_numpy(d) if wanted else None for d, wanted in zip(derivatives, needed, strict=True)
        ]
        if torch.is_grad_enabled():  # create_graph=True
            derivatives = _Last.apply(NO_SECOND, len(derivatives), *derivatives, by_x, *ctx.inputs)
        return None, None, None, None, None, None, *derivatives


def _replace(fields: dict[str, np.ndarray], value: Callable, slope: Callable) -> dict[str, np.ndarray]:
    """Put values in the place of the raw numbers that stand for them; name -> the derivative of one by the
    other.
    """
    sizes = [len(fields[name]) for name in POSITIVE]
    raw = torch.from_numpy(np.concatenate([fields[name] for name in POSITIVE]))
    split = lambda t: {name: part.numpy() for name, part in zip(POSITIVE, t.split(sizes), strict=True)}
    fields |= split(value(raw))
    return split(slope(raw))


def first_only(
    solve: Callable[..., torch.Tensor],
    message: str,
    *tensors: torch.Tensor,
    around: Callable[[], AbstractContextManager] = nullcontext,
) -> torch.Tensor:
    """``solve(*tensors)``, one tensor, with the derivatives of the moment of this call, whatever is changed
    in place after it.

    For a ``solve`` whose own backward pass reads its arguments again, and knows no second derivatives: who
    asks for these gets a ValueError with the message. around: makes the context in which that backward pass
    runs.
    """
    if not torch.is_grad_enabled() or not any(t.requires_grad for t in tensors):
        return solve(*tensors)
    return _FirstOnly.apply(solve, message, around, *tensors)


class _FirstOnly(torch.autograd.Function):
    """``solve`` on copies, which nobody else can change, as one node."""

    @staticmethod
    def forward(
        ctx: Any,
        solve: Callable[..., torch.Tensor],
        message: str,
        around: Callable[[], AbstractContextManager],
        *tensors: torch.Tensor,
    ) -> torch.Tensor:
        ctx.message, ctx.around, ctx.inputs = message, around, tensors
        ctx.copies = [t.detach().clone().requires_grad_(t.requires_grad) for t in tensors]
        with torch.enable_grad():
            ctx.solved = solve(*ctx.copies)
        return ctx.solved.detach().clone()

    @staticmethod
    def backward(ctx: Any, by_x: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        wanted = [copy for copy in ctx.copies if copy.requires_grad]
        with ctx.around():
            found = iter(
                torch.autograd.grad(ctx.solved, wanted, by_x.detach(), retain_graph=True, allow_unused=True)
            )
        derivatives = [next(found) if copy.requires_grad else None for copy in ctx.copies]
        if torch.is_grad_enabled():  # create_graph=True
            derivatives = _Last.apply(ctx.message, len(derivatives), *derivatives, by_x, *ctx.inputs)
        return None, None, None, *derivatives


class _Last(torch.autograd.Function):
    """Passes ``count`` derivatives on, and refuses to be differentiated by anything that they depend on:
    the other tensors.
    """

    @staticmethod
    def forward(
        ctx: Any, message: str, count: int, *tensors: torch.Tensor | None
    ) -> tuple[torch.Tensor | None, ...]:
        ctx.message = message
        return tuple(None if d is None else d.clone() for d in tensors[:count])

    @staticmethod
    def backward(ctx: Any, *_: torch.Tensor) -> None:
        raise ValueError(ctx.message)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()
