"""The boundary of training: losses by name, and data that fit a model and its loss, or one ValueError."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import torch

from ..models.base import MISSING
from ..models.steps import last_seen, real_steps
from ..validation import brief, choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch.utils.data import DataLoader

    from ..typing import Numbers

IGNORED = -100  # a class that asks for nothing, as in torch; a target that asks for nothing is NaN
PARTS = ("inputs", "targets", "dt", "lengths", "mask", "missing")
# what ``fit`` takes: (inputs, targets[, dt]), a dict of ``PARTS``, or a DataLoader of either
Data: TypeAlias = "Sequence[Numbers] | Mapping[str, Any] | DataLoader"
Loss: TypeAlias = "Literal['mse', 'cross_entropy'] | Callable[[torch.Tensor, torch.Tensor], torch.Tensor]"


def _cross_entropy(y: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    # one class per sequence: asked for after its last step
    y = y[:, -1] if target.ndim == 1 and y.ndim == 3 else y
    return torch.nn.functional.cross_entropy(y.flatten(0, -2), target.flatten())


LOSSES: dict[Any, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "mse": torch.nn.functional.mse_loss,
    "cross_entropy": _cross_entropy,
}


def objective(
    model: torch.nn.Module,
    loss: Loss,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    dt: float | torch.Tensor = 1.0,
    mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """The loss on one batch of checked data, a scalar tensor. loss: a name in ``LOSSES`` or a function (y,
    targets).

    inputs (B, T, m), dt (B, T) in ms; mask (B, T), True for a real step, or None: every step is real and
    every target asked for. Else a named loss is the mean over what is asked for (0 where nothing is). Raises
    ValueError where a function returns anything but a scalar tensor.
    """
    y = _outputs(model, loss, inputs, targets, dt, mask)
    function: Any = LOSSES.get(loss, loss)
    if mask is not None and isinstance(loss, str):
        # its last real step, which is held
        y = y[:, -1] if loss == "cross_entropy" and targets.ndim == 1 else y
        wanted = asked(targets)
        if not wanted.any():
            return y.sum() * 0
        y, targets = y[wanted], targets[wanted]
    value = function(y, targets)
    if not torch.is_tensor(value) or value.ndim:
        came = f"a tensor {tuple(value.shape)}" if torch.is_tensor(value) else type(value).__name__
        raise ValueError(
            f"the loss function returned {came}; it must return a scalar tensor, such as a mean."
        )
    if mask is not None and not isinstance(loss, str) and value.isnan() and not asked(targets).all():
        raise ValueError(
            "the loss function returned NaN. Where data ask for nothing, as in padded steps, targets are NaN "
            f"(whole numbers: {IGNORED}): the function must leave these out, as the named losses do."
        )
    return value


def asked(targets: torch.Tensor) -> torch.Tensor:
    """Truth values, as targets of any shape: which of them ask for an answer."""
    return ~targets.isnan() if targets.is_floating_point() else targets != IGNORED


def weight(
    loss: Loss,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    dt: float | torch.Tensor = 1.0,
    mask: torch.Tensor | None = None,
) -> int:
    """How much a batch counts in the mean over an epoch: by its sequences, or, beside a mask, by the
    targets that ask.
    """
    return len(targets) if mask is None or not isinstance(loss, str) else int(asked(targets).sum())


def _outputs(
    model: torch.nn.Module,
    loss: Loss,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    dt: float | torch.Tensor,
    mask: torch.Tensor | None,
) -> torch.Tensor:
    """The outputs y (B, T, outputs) on one batch; ValueError where a module of the user's gives none that
    fit the targets.
    """
    if mask is None or (not _takes(model, "mask") and mask.all()):
        found = model(inputs, dt=dt)
    else:
        found = model(inputs, dt=dt, mask=mask)
    if not (
        isinstance(found, tuple)
        and len(found) == 2
        and torch.is_tensor(found[0])
        and found[0].ndim == 3
        and found[0].shape[:2] == inputs.shape[:2]
    ):
        came = tuple(found.shape) if torch.is_tensor(found) else type(found).__name__
        came = (
            tuple(found[0].shape)
            if isinstance(found, tuple) and found and torch.is_tensor(found[0])
            else came
        )
        raise ValueError(
            f"forward of {type(model).__name__} gave {came}; it must return (y, x), with outputs y "
            f"({inputs.shape[0]}, {inputs.shape[1]}, outputs)."
        )
    y = found[0]
    if loss == "mse" and y.shape != targets.shape:  # torch would broadcast
        raise ValueError(
            f"targets have shape {tuple(targets.shape)}, outputs {tuple(y.shape)}; for 'mse' they must be "
            "equal."
        )
    if loss == "cross_entropy" and size(model, "outputs") is None and targets.max() >= y.shape[-1]:
        raise ValueError(f"classes run to {targets.max().item()}; the model has {y.shape[-1]} outputs.")
    return y


def size(model: torch.nn.Module, name: str) -> int | None:
    """What a model says of its size, "m" or "outputs": a whole number, or None for a module that does not
    say.
    """
    value = getattr(model, name, None)
    return value if isinstance(value, int) else None


def lies(model: torch.nn.Module) -> tuple[torch.device, torch.dtype]:
    """Device and dtype of a model, those of its first parameter of floating point."""
    first = next(parameter for parameter in model.parameters() if parameter.is_floating_point())
    return first.device, first.dtype


def _takes(model: torch.nn.Module, name: str) -> bool:
    """Whether a module's forward takes inputs and an argument of this name."""
    try:
        signature(model.forward).bind("u", **{name: None})
    except TypeError:
        return False
    return True


def check_model(model: object) -> None:
    """ValueError for anything but a module with parameters and the signature of ``models.base.Net``."""
    if not (isinstance(model, torch.nn.Module) and _takes(model, "dt")):
        raise ValueError(
            f"model is {type(model).__name__}; pass one of ltcbook.models, or a module whose forward(u, "
            "x0=None, dt=1.0) returns (y, x)."
        )
    if not any(parameter.is_floating_point() for parameter in model.parameters()):
        raise ValueError(
            f"model is a {type(model).__name__} without parameters, so there is nothing to learn."
        )


def check_loss(loss: object) -> None:
    """ValueError for anything but a name in ``LOSSES`` or a function."""
    if not (isinstance(loss, str) and loss in LOSSES) and not callable(loss):
        raise ValueError(
            f"no loss {brief(loss)}; choose one of {', '.join(LOSSES)} or pass a function (y, targets) -> "
            "scalar."
        )


def checked_data(name: str, data: Data, model: torch.nn.Module, loss: Loss) -> list[torch.Tensor]:
    """[inputs (B, T, m), targets, dt (B, T) ms, mask (B, T)] in the model's dtype, copies, ready for
    ``objective``.

    The mask is left out where every step is real and every target asked for; then dt too where none came. One
    sequence (T, m) becomes a batch of one; targets of any integer type become int64; those of padded steps
    NaN or ``IGNORED``. Raises ValueError for anything that ``fit`` does not take; name says whose data they
    are.
    """
    check_model(model)
    check_loss(loss)
    dtype, m, outputs = lies(model)[1], size(model, "m"), size(model, "outputs")
    data, ragged, missing = _by_name(name, data)
    try:
        parts = [
            part.detach().clone() if torch.is_tensor(part) else torch.as_tensor(_native(part), device="cpu")
            for part in data
        ]
        if any(part.is_complex() for part in parts):
            raise ValueError("complex numbers")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} cannot be made tensors ({error}); pass arrays of real numbers.") from None
    parts = [part.to(dtype) if part.is_floating_point() or k != 1 else part for k, part in enumerate(parts)]
    if not parts[1].is_floating_point() and (parts[1].dtype != torch.bool or ragged):
        parts[1] = parts[1].long()
    if parts[0].ndim == 2:
        parts = [part[None] if k < 2 or part.ndim else part for k, part in enumerate(parts)]
    inputs, targets, *dt = parts
    if inputs.ndim != 3 or m not in (None, inputs.shape[-1]) or 0 in inputs.shape[:2]:
        wanted = "m" if m is None else m
        raise ValueError(
            f"{name}: inputs have shape {tuple(inputs.shape)}; this model takes (B, T, {wanted}) or one "
            f"sequence (T, {wanted})."
        )
    batch, steps = inputs.shape[:2]
    if dt:
        if tuple(dt[0].shape) not in ((), (1, steps), (steps,), (batch, steps)):
            raise ValueError(
                f"{name}: dt has shape {tuple(dt[0].shape)}; give a number, ({steps},) or ({batch}, {steps})."
            )
        dt = [dt[0].expand(batch, steps)]
    if loss == "mse":
        targets = targets.to(dtype)
    real = _real(name, inputs, ragged)
    if missing == "hold":
        inputs = last_seen(inputs, real)
    if real is not None:
        inputs, dt = inputs.masked_fill(~real[..., None], 0), [part.masked_fill(~real, 0) for part in dt]
        if targets.shape[:2] == real.shape:  # not asked for
            targets = targets.clone()
            targets[~real] = torch.nan if targets.is_floating_point() else IGNORED
    _check_targets(name, targets, loss, batch, steps, outputs)
    if not torch.isfinite(inputs).all():
        raise ValueError(
            f"{name}: inputs hold {int((~torch.isfinite(inputs)).sum())} values that are NaN or infinite; "
            'where NaN means that a channel was not measured, pass a dict with "missing": "hold".'
        )
    if targets.isinf().any() or (isinstance(loss, str) and not asked(targets).any()):
        raise ValueError(
            f"{name}: targets hold {int(targets.isinf().sum())} values that are infinite and "
            f"{int((~asked(targets)).sum())} of {targets.numel()} that ask for nothing."
        )
    if dt and not (torch.isfinite(dt[0]) & (dt[0] >= 0)).all():
        raise ValueError(
            f"{name}: dt holds {dt[0].min().item():g}; every step must be a finite number of ms >= 0."
        )
    if real is None and asked(targets).all():
        return [inputs, targets, *dt]
    dt = dt or [inputs.new_ones(batch, steps)]
    if real is not None and not _takes(model, "mask"):
        raise ValueError(
            f"{name}: there are padded steps, and forward of {type(model).__name__} takes no mask."
        )
    return [inputs, targets, *dt, inputs.new_ones(batch, steps, dtype=torch.bool) if real is None else real]


def _by_name(name: str, data: Any) -> tuple[Any, dict[str, Any], str]:
    """([inputs, targets[, dt]], {"lengths", "mask"} as far as they came, "refuse" or "hold") of a tuple or
    a dict.
    """
    if isinstance(data, dict) and {"inputs", "targets"} <= set(data) <= set(PARTS):
        given = {key: part for key, part in data.items() if part is not None}
        return (
            [given[key] for key in PARTS[:3] if key in given],
            {key: given[key] for key in PARTS[3:5] if key in given},
            choice(f"{name}: missing", given.get("missing", "refuse"), MISSING),
        )
    if isinstance(data, dict):
        raise ValueError(
            f"{name} is a dict of {brief(list(data))}; it needs inputs and targets, and may hold "
            f"{', '.join(PARTS[2:])}."
        )
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise ValueError(
            f"{name} is {type(data).__name__}; pass (inputs, targets), (inputs, targets, dt) or a dict of "
            f"{', '.join(PARTS)}."
        )
    return data, {}, "refuse"


def _real(name: str, inputs: torch.Tensor, ragged: dict[str, Any]) -> torch.Tensor | None:
    """Which steps (B, T) are real, or None where all are; ValueError for what does not fit or is empty."""
    try:
        real = real_steps(inputs, **ragged)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if real is not None and not real.any(-1).all():
        raise ValueError(
            f"{name}: sequence {int((~real.any(-1)).nonzero()[0])} has no real step; leave it out."
        )
    return real


def _native(part: Any) -> np.ndarray:
    """A NumPy copy in this machine's byte order, which torch insists on."""
    array = np.array(part)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _check_targets(
    name: str, targets: torch.Tensor, loss: Loss, batch: int, steps: int, outputs: int | None
) -> None:
    shape = tuple(targets.shape)
    if loss == "mse":
        wanted = f"({batch}, {steps}, {'outputs' if outputs is None else outputs})"
        # torch would broadcast
        if len(shape) != 3 or shape[:2] != (batch, steps) or outputs not in (None, shape[2]):
            raise ValueError(
                f"{name}: targets have shape {shape}; for 'mse' they must be {wanted}, as the outputs are."
            )
    elif loss == "cross_entropy":
        whole = not (targets.is_floating_point() or targets.dtype == torch.bool)
        if shape not in ((batch, steps), (batch,)) or not whole:
            raise ValueError(
                f"{name}: targets have shape {shape} and type {targets.dtype}; for 'cross_entropy' they must "
                f"be whole numbers {(batch, steps)}, or {(batch,)} for one class per sequence."
            )
        some = targets[asked(targets)]
        if len(some) and (some.min() < 0 or (outputs is not None and some.max() >= outputs)):
            top = "outputs - 1" if outputs is None else outputs - 1
            raise ValueError(
                f"{name}: classes run from {some.min().item()} to {some.max().item()}; the model has "
                f"{'outputs' if outputs is None else f'{outputs} outputs'}, so they must lie in 0 .. {top}."
            )
    elif targets.ndim == 0 or len(targets) != batch:
        raise ValueError(
            f"{name}: targets have shape {shape}; the loss function needs one for each of {batch} sequences."
        )
