"""The boundary of training: losses by name, and data that fit a model and its loss, or one ValueError."""

from inspect import signature

import numpy as np
import torch

from ..boundary import brief


def _cross_entropy(y, target):
    y = y[:, -1] if target.ndim == 1 else y  # one class per sequence: asked for after its last step
    return torch.nn.functional.cross_entropy(y.flatten(0, -2), target.flatten())


LOSSES = {"mse": torch.nn.functional.mse_loss, "cross_entropy": _cross_entropy}


def objective(model, loss, inputs, targets, dt=1.0):
    """The loss on one batch of checked data, a scalar tensor. loss: a name in ``LOSSES`` or a function (y, targets).

    inputs (B, T, m), dt (B, T) in ms. Raises ValueError where a function returns anything but a scalar tensor.
    """
    value = LOSSES.get(loss, loss)(_outputs(model, loss, inputs, targets, dt), targets)
    if not torch.is_tensor(value) or value.ndim:
        came = f"a tensor {tuple(value.shape)}" if torch.is_tensor(value) else type(value).__name__
        raise ValueError(f"the loss function returned {came}; it must return a scalar tensor, such as a mean.")
    return value


def _outputs(model, loss, inputs, targets, dt):
    """The outputs y (B, T, outputs) on one batch; ValueError where a module of the user's gives none that fit the targets."""
    found = model(inputs, dt=dt)
    if not (isinstance(found, tuple) and len(found) == 2 and torch.is_tensor(found[0]) and found[0].ndim == 3
            and found[0].shape[:2] == inputs.shape[:2]):
        came = tuple(found.shape) if torch.is_tensor(found) else type(found).__name__
        came = tuple(found[0].shape) if isinstance(found, tuple) and found and torch.is_tensor(found[0]) else came
        raise ValueError(f"forward of {type(model).__name__} gave {came}; it must return (y, x), with outputs y "
                         f"({inputs.shape[0]}, {inputs.shape[1]}, outputs).")
    y = found[0]
    if loss == "mse" and y.shape != targets.shape:  # torch would broadcast
        raise ValueError(f"targets have shape {tuple(targets.shape)}, outputs {tuple(y.shape)}; for 'mse' they must be equal.")
    if loss == "cross_entropy" and size(model, "outputs") is None and targets.max() >= y.shape[-1]:
        raise ValueError(f"classes run to {targets.max().item()}; the model has {y.shape[-1]} outputs.")
    return y


def size(model, name):
    """What a model says of its size, "m" or "outputs": a whole number, or None for a module that does not say."""
    value = getattr(model, name, None)
    return value if isinstance(value, int) else None


def lies(model):
    """Device and dtype of a model, those of its first parameter of floating point."""
    first = next(parameter for parameter in model.parameters() if parameter.is_floating_point())
    return first.device, first.dtype


def check_model(model):
    """ValueError for anything but a module with parameters and the signature of ``models.base.Net``."""
    fits = isinstance(model, torch.nn.Module)
    if fits:
        try:
            signature(model.forward).bind("u", dt=1.0)
        except TypeError:
            fits = False
    if not fits:
        raise ValueError(f"model is {type(model).__name__}; pass one of ltcbook.models, or a module whose forward(u, x0=None, "
                         "dt=1.0) returns (y, x).")
    if not any(parameter.is_floating_point() for parameter in model.parameters()):
        raise ValueError(f"model is a {type(model).__name__} without parameters, so there is nothing to learn.")


def checked_data(name, data, model, loss):
    """(inputs (B, T, m), targets[, dt (B, T) ms]) as a list of tensors in the model's dtype, copies, ready for the loss.

    One sequence (T, m) becomes a batch of one; targets of any integer type become int64. Raises ValueError for anything
    that ``fit`` does not take; name says whose data they are.
    """
    check_model(model)
    dtype, m, outputs = lies(model)[1], size(model, "m"), size(model, "outputs")
    if not (isinstance(loss, str) and loss in LOSSES) and not callable(loss):
        raise ValueError(f"no loss {brief(loss)}; choose one of {', '.join(LOSSES)} or pass a function (y, targets) -> scalar.")
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise ValueError(f"{name} is {type(data).__name__}; pass (inputs, targets) or (inputs, targets, dt).")
    try:
        parts = [part.detach().clone() if torch.is_tensor(part) else torch.as_tensor(_native(part)) for part in data]
        if any(part.is_complex() for part in parts):
            raise ValueError("complex numbers")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} cannot be made tensors ({error}); pass arrays of real numbers.") from None
    parts = [part.to(dtype) if part.is_floating_point() or k != 1 else part for k, part in enumerate(parts)]
    if not parts[1].is_floating_point() and parts[1].dtype != torch.bool:
        parts[1] = parts[1].long()
    if parts[0].ndim == 2:
        parts = [part[None] if k < 2 or part.ndim else part for k, part in enumerate(parts)]
    inputs, targets, *dt = parts
    if inputs.ndim != 3 or m not in (None, inputs.shape[-1]) or 0 in inputs.shape[:2]:
        m = "m" if m is None else m
        raise ValueError(f"{name}: inputs have shape {tuple(inputs.shape)}; this model takes (B, T, {m}) or one sequence "
                         f"(T, {m}).")
    batch, steps = inputs.shape[:2]
    _check_targets(name, targets, loss, batch, steps, outputs)
    if loss == "mse":
        targets = targets.to(dtype)
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


def _native(part):
    """A NumPy copy in this machine's byte order, which torch insists on."""
    array = np.array(part)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _check_targets(name, targets, loss, batch, steps, outputs):
    shape = tuple(targets.shape)
    if loss == "mse":
        wanted = f"({batch}, {steps}, {'outputs' if outputs is None else outputs})"
        if len(shape) != 3 or shape[:2] != (batch, steps) or outputs not in (None, shape[2]):  # torch would broadcast
            raise ValueError(f"{name}: targets have shape {shape}; for 'mse' they must be {wanted}, as the outputs are.")
    elif loss == "cross_entropy":
        whole = not (targets.is_floating_point() or targets.dtype == torch.bool)
        if shape not in ((batch, steps), (batch,)) or not whole:
            raise ValueError(f"{name}: targets have shape {shape} and type {targets.dtype}; for 'cross_entropy' they must "
                             f"be whole numbers {(batch, steps)}, or {(batch,)} for one class per sequence.")
        if targets.min() < 0 or (outputs is not None and targets.max() >= outputs):
            top = "outputs - 1" if outputs is None else outputs - 1
            raise ValueError(f"{name}: classes run from {targets.min().item()} to {targets.max().item()}; the model has "
                             f"{'outputs' if outputs is None else f'{outputs} outputs'}, so they must lie in 0 .. {top}.")
    elif targets.ndim == 0 or len(targets) != batch:
        raise ValueError(f"{name}: targets have shape {shape}; the loss function needs one for each of {batch} sequences.")
