"""What every model shares: one call signature, one boundary that checks it, one way to load weights."""

from __future__ import annotations

import math
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from .. import ops
from ..backends import finite
from ..ops import tracing
from ..validation import brief, choice
from . import loading
from .layers import autocasts
from .steps import fits, last_seen, packed_like, real_steps, skipping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..typing import Cell


class Net(nn.Module):
    """Base of all models: ``forward(u, x0=None, dt=1.0) -> (y, x)``. Not used alone.

    A model states the sizes ``m`` (inputs), ``n`` (neurons), ``state_size`` (n, or 2 n with a memory) and
    ``outputs``, and implements ``moved`` and ``readout``. Device and dtype are those of its parameters:
    ``net.to(...)``, ``net.double()``.
    """

    m: int
    n: int
    state_size: int
    outputs: int
    solver: str | None = None  # the name of what solves its differential equation, where it has one
    knows_time = True  # False: dt is checked and changes nothing, so that a step of 0 ms is a step too

    def forward(
        self,
        u: torch.Tensor | PackedSequence,
        x0: torch.Tensor | None = None,
        dt: float | torch.Tensor | PackedSequence = 1.0,
        *,
        lengths: torch.Tensor | Sequence[int] | None = None,
        mask: torch.Tensor | None = None,
        missing: Literal["refuse", "hold"] = "refuse",
    ) -> tuple[torch.Tensor | Any, torch.Tensor]:
        """Outputs y (..., T, outputs) and states x (..., T, state_size) after each of the T inputs.

        u: (..., T, m), any number of batch axes or none; input t is held for dt[..., t]. x0: state before the
        first input, (state_size,) or (..., state_size); None: zeros. dt: ms, a number, (T,) for all samples,
        or (..., T), one row per sample (where the two could be confused, (T,) is meant). In a step of 0 ms
        nothing happens. ``x[..., -1, :]`` is the x0 that continues the sequence.

        Sequences of different length: lengths, whole numbers 0 .. T, one per sequence; or mask, truth values
        (T,) or (..., T), True for a real step, anywhere; or u as a ``PackedSequence`` (dt too, if it likes):
        then y comes back packed, x padded. In a padded step nothing happens: its u and dt are never read, the
        state (a memory too) is held, so ``x[..., -1, :]`` and ``y[..., -1, :]`` belong to the last real step,
        and no gradient comes from it.
        Under ``torch.autocast`` u may come in lower precision; a model computes in its own all the same, and
        returns it: a state that is carried through many steps would lose its digits. (torch.nn.LSTM follows
        autocast instead and returns bfloat16.)
        missing: what NaN in u means: "refuse": an error; "hold": that channel was not measured, so the model
        hears the last value of this call that was (before the first: 0; write a start value there if you know
        one).

        Raises ValueError for wrong shapes or dtype, values that are not finite, dt < 0, lengths and mask that
        contradict each other, and for states that leave the finite numbers; under ``torch.compile``,
        ``torch.export`` and ``vmap`` values cannot be looked at, only shapes.
        """
        return self._call(u, x0, dt, lengths, mask, missing)

    if TYPE_CHECKING:  # torch's own says nothing about what goes in and what comes out
        __call__ = forward

    def _call(
        self, u: Any, x0: Any, dt: Any, lengths: Any, mask: Any, missing: str, **options: Any
    ) -> tuple[torch.Tensor | Any, torch.Tensor]:
        """What ``forward`` returns; options go to ``moved``."""
        if autocasts(self.device.type):
            values = u.data if isinstance(u, PackedSequence) else u
            if isinstance(values, torch.Tensor) and values.is_floating_point():
                u = u.to(self.dtype)
            with torch.autocast(self.device.type, enabled=False):
                return self._call(u, x0, dt, lengths, mask, missing, **options)
        packed = u if isinstance(u, PackedSequence) else None
        if packed is not None:
            if lengths is not None or mask is not None:
                raise ValueError("a PackedSequence says its own lengths: leave out lengths and mask.")
            u, lengths = pad_packed_sequence(packed, batch_first=True)
            dt = pad_packed_sequence(dt, batch_first=True)[0] if isinstance(dt, PackedSequence) else dt
        u, x0, dt, real = check_call(self, u, x0, dt, lengths, mask, missing)
        if real is None:
            y, x = self.answered(u, x0, dt, **options)
            finite(x, self.solver)
        else:
            y, x = skipping(partial(self.moved, **options), self.readout, u, x0, dt, real)
            finite(x, self.solver)
        return (y if packed is None else packed_like(y, packed, lengths)), x

    def trajectory(self, u: torch.Tensor, x0: torch.Tensor, dt: torch.Tensor, **options: Any) -> torch.Tensor:
        """States (..., T, state_size) of ``moved``, dt in ms; one ValueError where they leave the finite
        numbers.
        """
        return finite(self.moved(u, x0, dt, **options), self.solver)

    def answered(
        self, u: torch.Tensor, x0: torch.Tensor, dt: torch.Tensor, **options: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Outputs (..., T, outputs) and states (..., T, state_size) from what ``moved`` takes, dt in ms."""
        x = self.moved(u, x0, dt, **options)
        return self.readout(x), x

    def moved(self, u: torch.Tensor, x0: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        """States (..., T, state_size) from checked u (..., T, m), x0 (..., state_size), dt (T,) or (..., T)
        in ms.

        dt may be 0 in some steps: then every number must stay finite there; ``forward`` holds the state.
        """
        raise NotImplementedError(f"{type(self).__name__} must say how its state moves.")

    def readout(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs (..., outputs) of states x (..., state_size)."""
        raise NotImplementedError(f"{type(self).__name__} must say how its state is read.")

    def cell(self, numpy: bool = False) -> Cell:
        """The cell of now, for ``dynamics``; ValueError for a model without a differential equation."""
        raise ValueError(
            f"{type(self).__name__} follows no differential equation, so it has no cell to analyse."
        )

    def numpy_cell(self) -> Cell[np.ndarray]:
        """``cell(numpy=True)``: float64 arrays, detached, for ``analysis``."""
        return self.cell(numpy=True)

    def fixed(self) -> dict[str, np.ndarray]:
        """Buffers that a state dict may repeat but not change: {name: NumPy array}."""
        return {}

    def meaning(self) -> dict[str, Any]:
        """What decides what the numbers of a state dict mean, {name: plain value}; it carries them, and
        one with another value is refused.
        """
        return {}

    def solved(self) -> dict[str, Any]:
        """How the equation is solved, {name: plain value}; a state dict carries it, and another value is
        reported.
        """
        return {
            name: getattr(self, name)
            for name in ("solver", "substeps")
            if getattr(self, name, None) is not None
        }

    def get_extra_state(self) -> torch.Tensor:
        """``meaning`` and ``solved`` as a tensor of bytes, the entry "_extra_state" of a state dict."""
        where = None if self.device.type == "meta" else self.device
        return loading.written(self.meaning() | self.solved(), where)

    def set_extra_state(self, state: torch.Tensor) -> None:
        """Compare with what a state dict says of itself, bytes (length,): ValueError where it means something
        else; a warning where its equation was solved in another way, since that may be wanted.
        """
        says = loading.read(state)
        loading.refuse(self, loading.differences(self, says))
        other = {name: says[name] for name, value in self.solved().items() if says.get(name, value) != value}
        if other:
            there = ", ".join(f"{name}={value!r}" for name, value in other.items())
            here = ", ".join(f"{name}={getattr(self, name)!r}" for name in other)
            warnings.warn(
                f"these weights were saved by a {type(self).__name__} with {there}; this one keeps {here}, "
                "so its numbers differ. Build it with the other options to have the same.",
                UserWarning,
                stacklevel=2,
            )

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """As in torch, but all or nothing: a dict of another model (other names, shapes or masks, or numbers
        that mean something else) raises one ValueError first.

        Returns torch's (missing_keys, unexpected_keys); strict=False allows such keys, never other shapes,
        another ``meaning``, or another wiring where it is fixed (in an ``LTCNet`` it is not: there the state
        dict brings its own, for neurons of the same roles). Another solver is a warning. A dict without the
        entry "_extra_state" is not asked what it means. Inside a container, whose own method this is not, the
        same is looked at when its turn comes: nothing of this model is loaded then, what stands before it is.
        """
        strangers = loading.strangers(self, state_dict) if strict else []
        loading.refuse(self, strangers + loading.problems(self, state_dict, "", Net))
        return super().load_state_dict(state_dict, strict=strict, assign=assign)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """What torch calls for every part of a container, before the parts of this part."""
        loading.refuse(self, loading.problems(self, state_dict, prefix, Net), prefix)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        if prefix + loading.EXTRA in missing_keys:  # saved before there was one
            missing_keys.remove(prefix + loading.EXTRA)

    @property
    def device(self) -> torch.device:
        """Where the parameters lie."""
        return self._first().device

    @property
    def dtype(self) -> torch.dtype:
        """Floating-point type of the parameters; inputs must have the same."""
        return self._first().dtype

    def _first(self) -> torch.Tensor:
        """The first parameter; torch's own search for it is slow beside a small network's call."""
        for one in self._parameters.values():
            if one is not None:
                return one
        return next(self.parameters())


MISSING = ("refuse", "hold")
ORDINARY = 1e-4, 1e4  # ms: between these no precision makes 0 or infinity of a number


def check_call(
    net: Net, u: Any, x0: Any, dt: Any, lengths: Any = None, mask: Any = None, missing: str = "refuse"
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """The one boundary of all models: tensors u, x0 (..., state_size), dt (T,) or (..., T) in ms, and which
    steps are real.

    The last: truth values (..., T), or None where all are. One ValueError for what ``Net.forward`` does not
    take.
    """
    if not isinstance(u, torch.Tensor) or u.ndim < 2 or u.shape[-1] != net.m or u.shape[-2] == 0:
        came = f"shape {tuple(u.shape)}" if hasattr(u, "shape") else brief(u)
        kind = "" if isinstance(u, torch.Tensor) else f" of type {type(u).__name__}"
        raise ValueError(
            f"u: got {came}{kind}; this model needs a tensor (..., T, {net.m}) with T >= 1 steps."
        )
    if u.dtype != net.dtype:
        raise ValueError(
            f"u holds {u.dtype}, the model {net.dtype}: convert one, e.g. u.to(net.dtype) or net.to(u.dtype)."
        )
    batch, steps = u.shape[:-2], u.shape[-2]
    real = real_steps(u, lengths, mask)
    if choice("missing", missing, MISSING) == "hold":
        u = last_seen(u, real)
    elif real is not None:
        u = u.masked_fill(~real[..., None], 0)

    given = {"u": u}
    if x0 is None:
        x0 = u.new_zeros((*batch, net.state_size))
    elif (
        not isinstance(x0, torch.Tensor)
        or x0.ndim < 1
        or x0.shape[-1] != net.state_size
        or not fits(x0.shape[:-1], batch)
    ):
        came = f"shape {tuple(x0.shape)}" if hasattr(x0, "shape") else brief(x0)
        raise ValueError(
            f"x0: got {came}; beside u of shape {tuple(u.shape)} it must be a tensor ({net.state_size},) or "
            f"{(*batch, net.state_size)}."
        )
    else:
        given["x0"] = x0 = x0.to(u.dtype).expand(*batch, net.state_size)

    # a tuple: torch.compile and torch.export of torch 2.7 know no union of types
    plain = isinstance(dt, (float, int)) and ORDINARY[0] < dt < ORDINARY[1]
    try:
        dt = torch.as_tensor(dt, dtype=u.dtype, device=u.device)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(
            f"dt is {brief(dt)}; give a number of milliseconds >= 0, or a tensor (T,) or (..., T)."
        ) from None
    if dt.ndim and (dt.shape[-1] != steps or not fits(dt.shape[:-1], batch)):
        raise ValueError(
            f"dt has shape {tuple(dt.shape)} but u has shape {tuple(u.shape)}; give a number, "
            f"({steps},) or {(*batch, steps)}."
        )
    one, dt = dt.ndim == 0, dt if dt.ndim else dt.expand(steps)
    if real is not None:
        dt = dt.expand(real.shape).masked_fill(~real, 0)
    if not tracing(u, x0, dt):
        for name, value in given.items():
            if not (ops.surely_finite(value) or bool(torch.isfinite(value).all())):
                raise _not_finite(name, value)
        if not plain and not bool(((dt > 0) & (dt < math.inf)).all()):
            if not bool(((dt >= 0) & (dt < math.inf)).all()):
                least = dt.min().item()  # NaN where there is one
                came = f"{least:g}" if one else f"a tensor with smallest value {least:g}"
                raise ValueError(
                    f"dt is {came}; every time step must be a finite number of milliseconds >= 0."
                )
            if net.knows_time and not dt.requires_grad:  # the derivative by dt is that of the formula at 0
                real = (dt > 0).expand(*batch, steps)
    if not net.knows_time:
        dt = dt.new_ones(steps) if real is None else real.to(dt.dtype)
    return u, x0, dt, real


def _not_finite(name: str, value: torch.Tensor) -> ValueError:
    nan, count = bool(value.isnan().any()), int((~torch.isfinite(value)).sum())
    hint = (
        "; where NaN means that a channel was not measured, missing='hold' keeps its last value"
        if name == "u" and nan
        else ""
    )
    return ValueError(f"{name} holds {count} values that are NaN or infinite{hint}.")


def numpy_rng(generator: torch.Generator | np.random.Generator | None) -> np.random.Generator:
    """A NumPy generator seeded by a torch one; None: by torch's own, so that torch.manual_seed repeats it.

    Raises ValueError for anything else.
    """
    if isinstance(generator, np.random.Generator):
        return generator
    if generator is not None and not isinstance(generator, torch.Generator):
        raise ValueError(
            f"generator is {type(generator).__name__}; pass a torch.Generator, a NumPy one or None."
        )
    # also where models are made on another, as on meta
    device = "cpu" if generator is None else generator.device
    return np.random.default_rng(int(torch.randint(2**63 - 1, (), generator=generator, device=device)))


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A detached float64 NumPy copy."""
    return tensor.detach().cpu().double().numpy().copy()


class Activation:
    """An activation on arrays of any backend: ``f(z)``, and its derivative as ``slope(f(z))``."""

    def __init__(self, f: Callable, slope: Callable) -> None:
        self.f, self.slope = f, slope


ACTIVATIONS = {
    "tanh": Activation(ops.tanh, lambda y: 1 - y * y),
    "relu": Activation(lambda z: z * (z > 0), lambda y: (y > 0) * (y * 0 + 1)),
    "sigmoid": Activation(ops.sigmoid, lambda y: y * (1 - y)),
    "softplus": Activation(ops.softplus, lambda y: 1 - ops.exp(-y)),
    "identity": Activation(lambda z: z, lambda y: y * 0 + 1),
}
