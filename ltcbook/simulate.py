"""Trajectories: from a cell, inputs and time steps to states. Nothing here knows a cell but ``dynamics``.

>>> one = dynamics.CTRNN(tau=[2.0], w=[[0.0]], b=[0.0])  # dx/dt = -x / 2
>>> dt = np.array([0.5, 1.0, 0.5])  # irregular steps, 2 ms together
>>> x = simulate.simulate(one, None, np.ones(1), dt, method="rk4",
...                       substeps=20)
>>> bool(abs(x[-1, 0] - np.exp(-1)) < 1e-9), x.shape
(True, (3, 1))
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from . import backends, dynamics, ops
from .solvers import SOLVERS, euler_step, rk4_step  # noqa: F401 (two steps by the names that chapters use)
from .validation import among, brief, choice, whole

if TYPE_CHECKING:
    from .typing import Array, Cell

__all__ = ["BACKENDS", "METHODS", "reference", "simulate"]

METHODS = tuple(SOLVERS)
BACKENDS = ("auto", "reference", "numba", "windows")


def __getattr__(name: str) -> dict:
    if name != "STEPS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        "simulate.STEPS[name] is now solvers.SOLVERS[name].step; the old name goes with the next release.",
        DeprecationWarning,
        stacklevel=2,
    )
    return {name: solver.step for name, solver in SOLVERS.items()}


def simulate(
    cell: Cell[Array],
    u: Array | None,
    x0: Array,
    dt: float | Array,
    *,
    method: str = "fused",
    substeps: int = 1,
    backend: str | backends.Backend = "auto",
) -> Array:
    """Trajectory x, (..., T, n); x[..., t, :] is the state after input u[..., t, :] was held for dt[..., t].

    u: (..., T, m), held constant within each step, or None for a cell without inputs (then dt gives T). x0:
    (..., n). dt: ms, a number, (T,) or (..., T), so steps may be irregular. method: "fused", "exponential",
    "euler", "rk4" or "extrapolated"; each step is divided into ``substeps`` equal parts. "extrapolated" is
    exponential with gates read half a part ahead; it starts anew at every input, where dx/dt jumps, so its
    first part reads them at the state: take two parts or more. In a step of 0 ms nothing happens. NumPy
    arrays, torch tensors and arrays of SymPy symbols. backend: "reference": the lines below; "numba": the
    compiled ``kernels``, the same numbers for one ``dynamics.LTC`` of NumPy arrays; "auto": the kernels where
    they can serve and the trajectory is long; "windows": the kernels on windows of a long sequence side by
    side, for a network that forgets its start (``backends.Windows`` has more to choose). Raises ValueError
    for wrong shapes, NaN, dt < 0, an unknown method, or when the solution leaves the finite numbers.
    """
    if not among(method, METHODS):
        raise ValueError(f"no method {brief(method)}; choose one of {', '.join(METHODS)}.")
    substeps = whole("substeps", substeps, 1)
    u, dt, _ = _inputs(cell, u, x0, dt)
    # formulas give the old state at dt = 0 up to rounding; where values may be looked at it is held in every
    # bit
    still = dt == 0 if isinstance(dt, np.ndarray) and dt.dtype != object and (dt == 0).any() else None
    call = backends.Call(backends.Cell(cell), u, x0, dt, SOLVERS[method], substeps, still)
    named = backend if isinstance(backend, backends.Backend) else choice("backend", backend, BACKENDS)
    x = backends.choose(named, call).run(call)
    return backends.finite(x, method)


def reference(
    cell: Cell[np.ndarray],
    u: np.ndarray | None,
    x0: np.ndarray,
    dt: float | np.ndarray,
    *,
    rtol: float = 1e-10,
    atol: float = 1e-12,
) -> np.ndarray:
    """The same trajectory, (T, n), by SciPy's adaptive DOP853 restarted at every input, to rtol and atol.
    NumPy only.

    u: (T, m) or None; x0: (n,); dt: ms, a number or (T,). Raises ValueError as ``simulate`` does.
    """
    from scipy.integrate import solve_ivp

    u, dt, steps = _inputs(cell, u, x0, dt)
    if x0.ndim != 1 or dt.ndim > 1 or (u is not None and u.ndim != 2):
        raise ValueError("the reference solves one trajectory: x0 (n,), u (T, m), dt a number or (T,).")
    x, trajectory = x0, []
    for t, span in enumerate(np.broadcast_to(dt, steps)):
        u_t = None if u is None else u[t]
        if span == 0:
            trajectory.append(x)
            continue
        solution = solve_ivp(
            dynamics.vector_field, (0, span), x, args=(u_t, cell), method="DOP853", rtol=rtol, atol=atol
        )
        if not solution.success:
            raise ValueError(f"the reference solver stopped in step {t}: {solution.message}")
        x = solution.y[:, -1]
        trajectory.append(x)
    return np.stack(trajectory)


def _inputs(
    cell: Cell[Array], u: Array | None, x0: Array, dt: float | Array
) -> tuple[Array | None, Array, int]:
    """Validated u, dt in the backend and precision of x0, () or (..., T), and T."""
    if u is not None and (getattr(u, "ndim", 0) < 2 or u.shape[-2] == 0):
        raise ValueError(f"u has shape {np.shape(u)}; it must be (..., T, m) with T >= 1 steps.")
    dynamics.check_state(cell, x0, u)
    dynamics.check_dt(dt)
    dt = ops.like(dt, x0)
    if u is None and (dt.ndim == 0 or dt.shape[-1] == 0):
        raise ValueError("without inputs dt must be an array (..., T): it says how many steps to take.")
    if u is not None and dt.ndim and dt.shape[-1] != u.shape[-2]:
        raise ValueError(
            f"dt has shape {tuple(dt.shape)} but u has {u.shape[-2]} steps; give a number, (T,) or (..., T)."
        )
    if not ops.is_torch(x0):
        _check_batches(
            x0=x0.shape[:-1], u=() if u is None else u.shape[:-2], dt=dt.shape[:-1], cell=cell.w.shape[:-2]
        )
    return u, dt, dt.shape[-1] if u is None else u.shape[-2]


def _check_batches(**shapes: tuple[int, ...]) -> None:
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        came = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(
            f"the leading (batch) axes do not fit together: {came}; each must be equal or 1."
        ) from None
