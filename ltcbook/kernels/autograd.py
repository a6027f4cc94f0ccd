"""The kernels for torch: one autograd node for a whole sequence."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any

import numpy as np

from ..validation import extra

extra("torch", "torch", "kernels.autograd")

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.autograd import forward_ad

from . import unknown
from .sparse import FIELDS, POSITIVE, columns, gather, scatter

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
    positive: Positive | None = None,
    maps: Maps | None = None,
    make: Callable[..., Any] | None = None,
) -> tuple[torch.Tensor | None, torch.Tensor]:
    """States x (..., T, n) of a ``dynamics.LTC`` of tensors, as ``simulate.simulate`` gives them, behind its
    outputs y, or None where no ``maps`` say what these are.

    fields: the tensors of the cell's ``FIELDS`` by name; patterns: a ``SparsePattern`` of the synapses
    between neurons, and one of those from the inputs. positive: None, or how the raw numbers that stand for
    the ``POSITIVE`` fields become values. maps: the ``Maps`` at both ends, or None: u is what the cell hears.
    u (..., T, m); x0 (..., n); dt (T,) or (..., T), ms; solver: a ``solvers.Solver``. make: None, or what
    gives something else that is used like a ``call.Call``. First derivatives by everything but dt; they
    cannot be differentiated again (a ValueError says so). Whether the states are finite, the caller looks.
    """
    batch, steps = u.shape[:-2], u.shape[-2]
    dt = dt if dt.ndim == 1 else dt.expand(*batch, steps)
    if len(batch) != 1:  # flat, a view more for autograd to go through
        u, x0 = (t.reshape(math.prod(batch), *t.shape[len(batch) :]) for t in (u, x0))
        dt = dt if dt.ndim == 1 else dt.reshape(-1, steps)
    motor, *ends = maps or NO_MAPS
    kept = torch.is_grad_enabled()  # a node is never asked with it on
    options = patterns, dt, solver, substeps, positive, make, motor, kept
    y, x = Sequence.apply(*options, u, x0, *ends, *(fields[name] for name in FIELDS))
    if len(batch) != 1:
        y, x = (t if t is None else t.reshape(*batch, *t.shape[1:]) for t in (y, x))
    return y, x


class Positive(NamedTuple):
    """How raw numbers become values >= 0, one by one: a function of tensors, its derivative, and the
    constraint of that name where these are ``models.LTCNet``'s own, which the kernels know; else None.
    """

    value: Callable
    slope: Callable
    constraint: str | None


class Maps(NamedTuple):
    """What a network does to its inputs, and to the states of its ``motor`` neurons, an index tensor (k,):
    weights and biases, (m,) and (k,), or None.
    """

    motor: torch.Tensor | None
    input_w: torch.Tensor | None
    input_b: torch.Tensor | None
    output_w: torch.Tensor | None
    output_b: torch.Tensor | None


NO_MAPS = Maps(None, None, None, None, None)


def mapped(values: Any, w: Any, b: Any) -> Any:
    """w values + b, channel by channel, same shape, as far as there are w and b: NumPy arrays or tensors."""
    values = values if w is None else values * w
    return values if b is None else values + b


def flat(samples: np.ndarray) -> np.ndarray:
    """(S, B, T, k) as (S, B T, k), a view."""
    networks, *batch, k = samples.shape
    return samples.reshape(networks, math.prod(batch), k)


OPTIONS = 8  # arguments of ``Sequence`` that have no derivative; they come first
NAMES = ("u", "x0", *Maps._fields[1:], *FIELDS)  # of the others


class Sequence(torch.autograd.Function):
    """y (B, T, k) or None, and x (B, T, n), from u (B, T, m), x0 (B, n), what ``Maps`` has beside motor, and
    the parameters in the order of ``FIELDS``.
    """

    @staticmethod
    def forward(
        ctx: Any,
        patterns: tuple[SparsePattern, SparsePattern],
        dt: torch.Tensor,
        solver: Solver,
        substeps: int,
        positive: Positive | None,
        make: Callable[..., Any] | None,
        motor: torch.Tensor | None,
        kept: bool,
        u: torch.Tensor,
        x0: torch.Tensor,
        *values: torch.Tensor | None,
    ) -> tuple[torch.Tensor | None, torch.Tensor]:
        from .call import Call, aligned, lent  # needs numba

        kept = kept and any(ctx.needs_input_grad)
        input_w, input_b, output_w, output_b, *of_cell = values
        arrays = map(_array, of_cell)
        numbers, slopes = gather(dict(zip(FIELDS, arrays, strict=True)), patterns), None
        alone = patterns[0].alone, patterns[1].alone
        if positive is not None:
            slopes = _raised(numbers[: columns(*alone)[POSITIVE[-1]].stop], positive, kept)
        options: dict[str, Any] = {"solver": solver, "substeps": substeps, "threads": torch.get_num_threads()}
        # not by torch: its own threads go on waiting at full speed for some ms, on the cores of ours
        heard = _mapped(u, input_w, input_b)
        call = (make or Call)(numbers[None], alone, heard[None], _array(dt), **options)
        (states,) = aligned((numbers.dtype, call.states_shape(substeps=kept)), make=lent)
        x = call.forward(_array(x0)[None], states)[0]
        read = y = None
        if motor is not None:
            read = torch.from_numpy(x.take(motor.numpy(), -1))
            y = torch.from_numpy(_mapped(read, output_w, output_b))
        if kept:
            ctx.set_materialize_grads(False)
            ctx.call, ctx.patterns, ctx.slopes, ctx.motor = call, patterns, slopes, motor
            ctx.inputs = u, x0, *values
            by_u, _, by_input_w, _, by_output_w, *_ = ctx.needs_input_grad[OPTIONS:]
            ctx.save_for_backward(
                torch.from_numpy(states),
                u if by_input_w else None,
                read if by_output_w else None,
                input_w if by_u else None,
                output_w,
            )
        return y, torch.from_numpy(x)

    @staticmethod
    def backward(
        ctx: Any, by_y: torch.Tensor | None, by_x: torch.Tensor | None
    ) -> tuple[torch.Tensor | None, ...]:
        if by_y is None and by_x is None:
            return (None,) * len(ctx.needs_input_grad)
        states, u, read, input_w, output_w = ctx.saved_tensors
        needed = dict(zip(NAMES, ctx.needs_input_grad[OPTIONS:], strict=True))
        by_states, neurons = _array(by_x), None
        if by_y is not None:
            motor, by_read = ctx.motor.numpy(), _mapped(by_y, output_w)
            if by_states is None:
                by_states, neurons = by_read, motor
            else:
                by_states = by_states.copy()
                by_states[..., motor] += by_read
        found = ctx.call.backward(by_states[None], states.numpy(), neurons)
        by_heard, by_x0, by_numbers = (derivative[0] for derivative in found)
        if ctx.slopes is not None:
            by_numbers[: len(ctx.slopes)] *= ctx.slopes
        by: dict[str, Any] = {
            name: torch.from_numpy(array) for name, array in scatter(by_numbers, ctx.patterns).items()
        }
        heard = torch.from_numpy(by_heard)
        by |= {"u": heard, "x0": torch.from_numpy(by_x0)}
        if needed["u"] and input_w is not None:
            by["u"] = heard * input_w
        ends: list[Any] = [("input", by_heard, u), ("output", _array(by_y), read)]
        for end, derivative, values in ends:
            asked = needed[f"{end}_w"], needed[f"{end}_b"]
            if any(asked) and derivative is not None:
                by[f"{end}_w"], by[f"{end}_b"] = _summed(derivative, _array(values), *asked)
        derivatives: Any = [by.get(name) if wanted else None for name, wanted in needed.items()]
        if torch.is_grad_enabled():  # create_graph=True
            derivatives = _Last.apply(NO_SECOND, len(derivatives), *derivatives, by_y, by_x, *ctx.inputs)
        return (*(None,) * OPTIONS, *derivatives)


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


def _mapped(values: torch.Tensor, w: torch.Tensor | None, b: torch.Tensor | None = None) -> np.ndarray:
    """``mapped``, compiled, for NumPy is slow where there are few channels."""
    from .call import KINDS, maps_for

    array = _array(values)
    if w is None and b is None:
        return array
    found, none = np.empty_like(array), np.empty((1, 0), array.dtype)
    given: list[Any] = []
    for one in (w, b):
        given += (none, -1) if one is None else (_array(one)[None], 0)
    maps_for(KINDS[array.dtype])[0](flat(array[None]), *given, flat(found[None]))
    return found


def _raised(raw: np.ndarray, positive: Positive, kept: bool) -> np.ndarray | None:
    """Put values >= 0 in the place of raw numbers (k,), and return their derivatives by these, (k,). kept:
    whether somebody needs these.
    """
    from .call import KINDS, tables_for

    if positive.constraint is None:
        slopes = positive.slope(torch.from_numpy(raw)).numpy() if kept else None
        raw[:] = positive.value(torch.from_numpy(raw)).numpy()
        return slopes
    slopes, listed = np.empty_like(raw), tables_for(KINDS[raw.dtype])[2]
    implicit, place, rows = positive.constraint == "implicit", np.arange(len(raw))[None], raw[None]
    listed(rows, place, len(raw), implicit, rows, slopes[None])
    return slopes


def _summed(
    by: np.ndarray, values: np.ndarray | None, weights: bool, biases: bool
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """The derivatives by the weights and by the biases of ``mapped``, (k,), or None where nobody asks, from
    that by what it had found, (B, T, k). values: what it was given; None where nobody asks for weights.
    """
    from .call import KINDS, maps_for

    k = by.shape[-1]
    found = np.empty((1, 2 * k), by.dtype)
    rows = [flat(array[None]) for array in (by, by if values is None else values)]
    maps_for(KINDS[by.dtype])[1](*rows, 0 if weights else -1, k if biases else -1, found)
    by_w, by_b = torch.from_numpy(found[0, :k]), torch.from_numpy(found[0, k:])
    return by_w if weights else None, by_b if biases else None


def _array(tensor: torch.Tensor | None) -> Any:
    return None if tensor is None else np.ascontiguousarray(tensor.detach().numpy())
