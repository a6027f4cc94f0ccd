"""The one look at all states of a trajectory, whoever computed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..solvers import SOLVERS
from ..validation import Diverged

if TYPE_CHECKING:
    from ..typing import Array


def finite(x: Array, method: str | None) -> Array:
    """The states x (..., T, n), NumPy or torch, as they came; the ValueError of ``simulate`` if one is not
    finite.

    method: the name of what solved an equation, or None. Traced values and symbols pass.
    """
    values: Any = x
    if ops.is_symbolic(x) or (ops.is_torch(x) and ops.tracing(values)) or ops.surely_finite(values):
        return x
    right = values.isfinite() if ops.is_torch(x) else np.isfinite(values)
    broken = ~right.all(-1).reshape(-1, x.shape[-2]).all(0)
    if bool(broken.any()):
        raise not_finite(method, int(broken.nonzero()[0][0]))
    return x


def not_finite(method: str | None, step: int) -> Diverged:
    """The ``Diverged`` of ``simulate`` and all models for a state that grew beyond the finite numbers in this
    step.

    method: the name of what solved an equation, or None.
    """
    if method is None:
        return Diverged(
            f"the state left the finite numbers in step {step}: take smaller weights or inputs, or an "
            "activation with bounds ('tanh', 'sigmoid')."
        )
    bounded = ", ".join(repr(name) for name, solver in SOLVERS.items() if solver.keeps_bounds)
    return Diverged(
        f"the {method} solution left the finite numbers in step {step}: take a smaller dt, more substeps, "
        f"or a method that keeps bounds ({bounded})."
    )
