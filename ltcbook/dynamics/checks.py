"""The boundary of this room: shapes, signs and finite values, one error each."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from .. import ops
from ..validation import brief

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..typing import Cell
    from .cells import CTRNN, LTC, LTC2021


def check_dt(dt: object) -> None:
    """Raise one ValueError unless every time step is a finite number of ms >= 0 (torch and SymPy values
    pass unseen).
    """
    if ops.is_torch(dt) or ops.is_symbolic(dt) or hasattr(dt, "free_symbols"):
        return
    values = np.asarray(dt)
    if values.dtype.kind not in "fiu" or not (np.isfinite(values) & (values >= 0)).all():
        came = (
            brief(dt)
            if values.ndim == 0 or values.dtype.kind not in "fiu"
            else f"an array with smallest value {np.min(values)}"
        )
        raise ValueError(f"dt is {came}; every time step must be a finite number of milliseconds >= 0.")


def check_state(cell: Cell, x: object, u: object) -> None:
    """Raise one ValueError unless x is (..., n) and u is (..., m), or None without inputs; values must be
    finite.
    """
    for name, value, size in (("x", x, cell.n), ("u", u, cell.m)):
        if value is None and size == 0:
            continue
        shape = getattr(value, "shape", None)
        if shape is None or len(shape) == 0 or shape[-1] != size:
            came = "nothing" if value is None else f"shape {shape}" if shape is not None else brief(value)
            raise ValueError(f"{name}: got {came}; this cell needs an array (..., {size}).")
        check_finite(name, value)


def check_finite(name: str, value: object) -> None:
    """NumPy values are looked at; torch may be tracing and SymPy has none, so theirs pass."""
    if isinstance(value, np.ndarray) and value.dtype != object and not np.isfinite(value).all():
        raise ValueError(
            f"{name} holds {np.count_nonzero(~np.isfinite(value))} values that are NaN or infinite."
        )


def check_cell(
    cell: LTC | LTC2021 | CTRNN,
    *,
    vectors: Sequence[str],
    matrices: Sequence[str],
    sensory: Sequence[str],
    positive: Sequence[str] = (),
    nonnegative: Sequence[str] = (),
) -> None:
    """Turn sequences into arrays and hold shapes and signs at the boundary; every error names field, value
    and remedy.
    """
    torch_fields = [f.name for f in fields(cell) if ops.is_torch(getattr(cell, f.name))]
    if torch_fields and any(
        getattr(cell, f.name) is not None and f.name not in torch_fields for f in fields(cell)
    ):
        raise ValueError(f"only {torch_fields} are torch tensors; give every field of a cell in one backend.")
    given = [name for name in sensory if getattr(cell, name) is not None]
    if given and len(given) != len(sensory):
        raise ValueError(
            f"sensory fields belong together: got {given}, missing {sorted(set(sensory) - set(given))}."
        )
    symbolic = any(
        np.asarray(getattr(cell, f.name)).dtype == object
        for f in fields(cell)
        if getattr(cell, f.name) is not None and not ops.is_torch(getattr(cell, f.name))
    )
    for f in fields(cell):
        value = getattr(cell, f.name)
        if value is not None and not ops.is_torch(value):
            value = np.asarray(value)
            if value.dtype.kind in "iub":
                value = value.astype(object if symbolic else float)  # beside symbols whole numbers stay exact
            object.__setattr__(cell, f.name, value)
        if value is not None and not ops.is_torch(value) and value.dtype.kind not in "fO":
            raise ValueError(f"{f.name} has type {value.dtype}; it must hold real numbers.")
    if len(cell.w.shape) < 2 or cell.w.shape[-1] != cell.w.shape[-2] or cell.w.shape[-1] == 0:
        raise ValueError(
            f"w has shape {tuple(cell.w.shape)}; it must be (..., n, n), [target, source], n >= 1."
        )
    n = cell.w.shape[-1]
    m = getattr(cell, sensory[0]).shape[-1] if given and len(getattr(cell, sensory[0]).shape) else 0
    for names, tail in ((vectors, (n,)), (matrices, (n, n)), (given, (n, m))):
        for name in names:
            shape = tuple(getattr(cell, name).shape)
            if shape[-len(tail) :] != tail:
                raise ValueError(
                    f"{name} has shape {shape}; with {n} neurons and {m} inputs it must be (..., "
                    f"{', '.join(map(str, tail))})."
                )
            check_finite(name, getattr(cell, name))
    for names, bad, rule in ((positive, lambda v: v <= 0, "> 0"), (nonnegative, lambda v: v < 0, ">= 0")):
        for name in names:
            value = getattr(cell, name)
            if isinstance(value, np.ndarray) and value.dtype != object and bad(value).any():
                raise ValueError(
                    f"{name} must be {rule} everywhere; its smallest value is {value.min():.4g}."
                )
