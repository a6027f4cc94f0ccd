"""The few functions that differ between NumPy arrays, torch tensors and NumPy object arrays of SymPy symbols.

Everything else in the dynamics is written with + - * / and ``.sum(-1)``, which the three share. Neither torch
nor SymPy is imported before one of their own objects arrives.

>>> ops.sigmoid(np.array([0.0, 800.0]))
array([0.5, 1. ])
>>> ops.sigmoid(torch.zeros(1)).dtype  # the same line on another backend
torch.float32
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .typing import Array

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch


def is_torch(*arrays: object) -> bool:
    """Whether any argument is a torch tensor."""
    for a in arrays:  # no generator: every call of a network asks this many times
        # the second: torch.compile of 2.7 and 2.8 forgets the first where a parameter is the field of a cell
        if hasattr(a, "__torch_function__") or hasattr(a, "requires_grad"):
            return True
    return False


def tracing(*tensors: torch.Tensor) -> bool:
    """Whether the values of torch tensors, of any shape, may not be looked at: compile, export or vmap is at
    work, or there are none.
    """
    import torch

    if torch.compiler.is_compiling():
        return True
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor  # torch has no public name for this question
    for t in tensors:
        if t.is_meta or wrapped(t):
            return True
    return False


def surely_finite(x: Any) -> bool:
    """Whether the sum of all values of an array or tensor, of any shape, is finite, which is quick to see:
    then all are. False: somebody has to look.
    """
    if is_torch(x):
        import torch

        x = x.detach()
        if x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64):
            x = x.numpy()  # torch's threads would go on waiting at full speed, on the cores of the kernels
    with np.errstate(over="ignore", invalid="ignore"):
        # einsum adds less exactly than sum, and three times as fast
        return math.isfinite(np.einsum("i->", x.ravel("K")) if isinstance(x, np.ndarray) else x.sum())


def is_symbolic(*arrays: object) -> bool:
    """Whether any argument is a NumPy object array, i.e. an array of SymPy expressions."""
    return any(getattr(a, "dtype", None) == np.dtype(object) for a in arrays)


def _dispatch(name: str, numpy_function: Callable) -> Callable[[Array], Array]:
    def function(x: Array) -> Array:
        if is_torch(x):
            import torch

            return getattr(torch, name)(x)
        if is_symbolic(x):
            import sympy

            return np.frompyfunc(getattr(sympy, name), 1, 1)(x)
        return numpy_function(np.asarray(x))

    function.__name__ = name
    function.__doc__ = f"Elementwise {name} of an array of any backend, same shape."
    return function


exp = _dispatch("exp", np.exp)
tanh = _dispatch("tanh", np.tanh)
log = _dispatch("log", np.log)


def sigmoid(x: Array) -> Array:
    """Logistic function 1 / (1 + exp(-x)), same shape; NumPy's branch does not overflow."""
    if is_torch(x):
        return x.sigmoid()
    if is_symbolic(x):
        return 1 / (1 + exp(-x))
    x = np.asarray(x)
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, decay) / (1 + decay)


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), same shape; NumPy's branch does not overflow."""
    if is_torch(x):
        import torch

        return torch.nn.functional.softplus(x, threshold=40)  # its default, 20, cuts off 2e-9
    if is_symbolic(x):
        return log(1 + exp(x))
    return np.logaddexp(0, x)


def stack(arrays: Sequence[Array], axis: int) -> Array:
    """Join arrays of one backend and the same shape along a new axis."""
    if is_torch(*arrays):
        import torch

        return torch.stack(list(arrays), dim=axis)
    return np.stack(list(arrays), axis=axis)


def take(values: Array, place: Array) -> Array:
    """The values (..., n) at place (E,), whole numbers: (..., E). NumPy and torch."""
    return values.gather(-1, place.expand(*values.shape[:-1], -1)) if is_torch(values) else values[..., place]


def sum_at(values: Array, place: Array, n: int) -> Array:
    """Sums of values (..., E) by place (E,), whole numbers below n: (..., n), 0 where no place points.
    NumPy and torch.
    """
    if is_torch(values):
        return values.new_zeros((*values.shape[:-1], n)).scatter_add_(-1, place.expand(values.shape), values)
    sums = np.zeros((*values.shape[:-1], n), values.dtype)
    np.add.at(sums, (..., place), values)
    return sums


def diagonal_matrix(values: Array) -> Array:
    """(..., n) on the diagonals of (..., n, n) zeros."""
    if is_torch(values):
        return values.diag_embed()
    # int8 keeps float32 and symbols as they are
    return values[..., None] * np.eye(values.shape[-1], dtype=np.int8)


def like(values: object, x: Array) -> Array:
    """Numbers or an array of any shape in the backend of x, on its device and in its precision (symbols
    stay).
    """
    if is_torch(x):
        import torch

        return torch.as_tensor(values, dtype=x.dtype if x.is_floating_point() else None, device=x.device)
    values = np.asarray(values)
    return values.astype(x.dtype) if values.dtype.kind in "iuf" and x.dtype.kind == "f" else values
