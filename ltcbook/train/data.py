"""The boundary of training: losses by name, and data that fit a model and its loss, or one ValueError."""

import numpy as np
import torch

from ..models.base import Net


def _cross_entropy(y, target):
    y = y[:, -1] if target.ndim == 1 else y  # one class per sequence: asked for after its last step
    return torch.nn.functional.cross_entropy(y.flatten(0, -2), target.flatten())


LOSSES = {"mse": torch.nn.functional.mse_loss, "cross_entropy": _cross_entropy}


def objective(model, loss, inputs, targets, dt=1.0):
    """The loss on one batch of checked data, a scalar tensor. loss: a name in ``LOSSES`` or a function (y, targets).

    inputs (B, T, m), dt (B, T) in ms. Raises ValueError where a function returns anything but a scalar tensor.
    """
    value = LOSSES.get(loss, loss)(model(inputs, dt=dt)[0], targets)
    if not torch.is_tensor(value) or value.ndim:
        came = f"a tensor {tuple(value.shape)}" if torch.is_tensor(value) else type(value).__name__
        raise ValueError(f"the loss function returned {came}; it must return a scalar tensor, such as a mean.")
    return value


def checked_data(name, data, model, loss):
    """(inputs (B, T, m), targets[, dt (B, T) ms]) as a list of tensors in the model's dtype, copies, ready for the loss.

    One sequence (T, m) becomes a batch of one. Raises ValueError for anything that ``fit`` does not take; name says whose
    data they are.
    """
    if not isinstance(model, Net):
        raise ValueError(f"model is {type(model).__name__}; pass one of ltcbook.models, or a subclass of models.base.Net.")
    if not (isinstance(loss, str) and loss in LOSSES) and not callable(loss):
        raise ValueError(f"no loss {loss!r}; choose one of {', '.join(LOSSES)} or pass a function (y, targets) -> scalar.")
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise ValueError(f"{name} is {type(data).__name__}; pass (inputs, targets) or (inputs, targets, dt).")
    try:
        parts = [part.detach().clone() if torch.is_tensor(part) else torch.as_tensor(np.array(part)) for part in data]
        if any(part.is_complex() for part in parts):
            raise ValueError("complex numbers")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} cannot be made tensors ({error}); pass arrays of real numbers.") from None
    parts = [part.to(model.dtype) if part.is_floating_point() or k != 1 else part for k, part in enumerate(parts)]
    if parts[0].ndim == 2:
        parts = [part[None] if k < 2 or part.ndim else part for k, part in enumerate(parts)]
    inputs, targets, *dt = parts
    if inputs.ndim != 3 or inputs.shape[-1] != model.m or 0 in inputs.shape[:2]:
        raise ValueError(f"{name}: inputs have shape {tuple(inputs.shape)}; this model takes (B, T, {model.m}) or one "
                         f"sequence (T, {model.m}).")
    batch, steps = inputs.shape[:2]
    _check_targets(name, targets, loss, batch, steps, model.outputs)
    if loss == "mse":
        targets = targets.to(model.dtype)
    for part_name, part in (("inputs", inputs), ("targets", targets)):
        if not torch.isfinite(part).all():
            raise ValueError(f"{name}: {part_name} hold {int((~torch.isfinite(part)).sum())} values that are NaN or "
                             "infinite.")
    if dt:
        if tuple(dt[0].shape) not in ((), (steps,), (batch, steps)):
            raise ValueError(f"{name}: dt has shape {tuple(dt[0].shape)}; give a number, ({steps},) or ({batch}, {steps}).")
        if not (torch.isfinite(dt[0]) & (dt[0] > 0)).all():
            raise ValueError(f"{name}: dt holds {dt[0].min().item():g}; every step must be a finite number of ms > 0.")
        dt = [dt[0].expand(batch, steps)]
    return [inputs, targets, *dt]


def _check_targets(name, targets, loss, batch, steps, outputs):
    shape = tuple(targets.shape)
    if loss == "mse":
        if shape != (batch, steps, outputs):  # torch would broadcast
            raise ValueError(f"{name}: targets have shape {shape}; for 'mse' they must be {(batch, steps, outputs)}, as the "
                             "outputs are.")
    elif loss == "cross_entropy":
        whole = not (targets.is_floating_point() or targets.dtype == torch.bool)
        if shape not in ((batch, steps), (batch,)) or not whole:
            raise ValueError(f"{name}: targets have shape {shape} and type {targets.dtype}; for 'cross_entropy' they must "
                             f"be whole numbers {(batch, steps)}, or {(batch,)} for one class per sequence.")
        if targets.min() < 0 or targets.max() >= outputs:
            raise ValueError(f"{name}: classes run from {targets.min().item()} to {targets.max().item()}; the model has "
                             f"{outputs} outputs, so they must lie in 0 .. {outputs - 1}.")
    elif targets.ndim == 0 or len(targets) != batch:
        raise ValueError(f"{name}: targets have shape {shape}; the loss function needs one for each of {batch} sequences.")
