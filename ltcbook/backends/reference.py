"""The reference: one step after another, as the solver defines it. All others are held to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import dynamics, ops
from .base import Backend
from .finite import not_finite

if TYPE_CHECKING:
    from ..solvers import Solver
    from ..typing import Array, Cell
    from .base import Call


class Reference(Backend):
    """All n^2 places of the cell, in plain NumPy, torch or SymPy: what can be differentiated and traced."""

    name = "reference"
    kept = 3.1  # a test counts what autograd saves and holds this to 10 %

    def run(self, call: Call) -> Any:
        return self.stepwise(call, call.u, call.x0, call.dt)

    def stepwise(self, call: Call, u: Any, x0: Any, dt: Any) -> Any:
        """``run`` of a part of the call, with its own u, x0 and dt."""
        if u is not None and not u.shape[-1] and ops.is_torch(u):
            u, dt = None, dt.expand(u.shape[:-1])
        options: dict[str, Any] = {"solver": call.solver, "substeps": call.substeps, "still": call.still}
        return stepwise(self.cell(call.network), u, x0, dt, **options)


def stepwise(
    cell: Cell[Array],
    u: Array | None,
    x0: Array,
    dt: Array,
    *,
    solver: Solver,
    substeps: int,
    still: np.ndarray | None = None,
) -> Array:
    """The states (..., T, n) of ``simulate``: its loop, of u, x0 and dt (ms) that it has checked; the values
    of torch tensors are not looked at.

    solver: a ``solvers.Solver``. still: truth values like dt, where the state is held. Raises ValueError
    where NumPy's states leave the finite numbers.
    """
    x: Any = x0
    trajectory = []
    for t in range(dt.shape[-1] if u is None else u.shape[-2]):
        u_t, dt_t = None if u is None else u[..., t, :], (dt[..., t, None] if dt.ndim else dt) / substeps
        try:
            before, x = x, _held(solver, x, u_t, cell, dt_t, substeps)
            x = x if still is None else np.where(still[..., t, None] if still.ndim else still, before, x)
            dynamics.check_state(cell, x, u_t)
        except ValueError as error:
            raise not_finite(solver.name, t) from error
        trajectory.append(x)
    return ops.stack(trajectory, axis=-2)


def _held(solver: Solver, x: Array, u: Array | None, cell: Cell[Array], dt: Array, parts: int) -> Array:
    """The state after u was held for so many parts of dt ms each."""
    if hasattr(cell, "holding"):
        cell, u = cell.holding(u), None
    before = None
    for _ in range(parts):
        before, x = x, solver.step(x, u, cell, dt, before)
    return x
