"""Solvers: from a cell, inputs and time steps to a trajectory. They know nothing of a cell but the functions
of ``dynamics``.

>>> one = dynamics.CTRNN(tau=[2.0], w=[[0.0]], b=[0.0])  # dx/dt = -x / 2
>>> dt = np.array([0.5, 1.0, 0.5])  # irregular steps, 2 ms together
>>> x = simulate.simulate(one, None, np.ones(1), dt, method="rk4",
...                       substeps=20)
>>> bool(abs(x[-1, 0] - np.exp(-1)) < 1e-9), x.shape
(True, (3, 1))
"""

import math

import numpy as np

from . import dynamics, kernels, ops
from .boundary import among, brief, choice

__all__ = ["METHODS", "STEPS", "euler_step", "reference", "rk4_step", "simulate"]

LONG = 20_000  # from so many substeps on, backend="auto" compiles: the reference would take seconds


def euler_step(x, u, cell, dt):
    """State, (..., n) in mV, after one explicit Euler step of dt ms. Order 1; unstable once dt > 2 / (largest
    rate).

    Raises ValueError for dt < 0, a wrong shape or NaN.
    """
    dynamics.check_dt(dt)
    return x + dt * dynamics.vector_field(0, x, u, cell)


def rk4_step(x, u, cell, dt):
    """State, (..., n) in mV, after one classical Runge-Kutta step of dt ms. Order 4; bounds are not kept.

    Raises ValueError for dt < 0, a wrong shape or NaN.
    """
    dynamics.check_dt(dt)
    f = lambda y: dynamics.vector_field(0, y, u, cell)
    k1 = f(x)
    k2 = f(x + dt / 2 * k1)
    k3 = f(x + dt / 2 * k2)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + f(x + dt * k3))


STEPS = {
    "fused": dynamics.fused_step,
    "exponential": dynamics.exponential_step,
    "euler": euler_step,
    "rk4": rk4_step,
}
METHODS = (*STEPS, "extrapolated")


def simulate(cell, u, x0, dt, *, method="fused", substeps=1, backend="auto"):
    """Trajectory x, (..., T, n); x[..., t, :] is the state after input u[..., t, :] was held for dt[..., t].

    u: (..., T, m), held constant within each step, or None for a cell without inputs (then dt gives T). x0:
    (..., n). dt: ms, a number, (T,) or (..., T), so steps may be irregular. method: "fused", "exponential",
    "euler", "rk4" or "extrapolated"; each step is divided into ``substeps`` equal parts. "extrapolated" is
    exponential with gates read half a part ahead; it starts anew at every input, where dx/dt jumps, so its
    first part reads them at the state: take two parts or more. In a step of 0 ms nothing happens. NumPy
    arrays, torch tensors and arrays of SymPy symbols. backend: "reference": the lines below; "numba": the
    compiled ``kernels``, the same numbers for one ``dynamics.LTC`` of NumPy arrays; "auto": the kernels where
    they can serve and the trajectory is long. Raises ValueError for wrong shapes, NaN, dt < 0, an unknown
    method, or when the solution leaves the finite numbers.
    """
    if not among(method, METHODS):
        raise ValueError(f"no method {brief(method)}; choose one of {', '.join(METHODS)}.")
    if isinstance(substeps, bool) or not isinstance(substeps, (int, np.integer)) or substeps < 1:
        raise ValueError(f"substeps is {brief(substeps)}; it must be a whole number >= 1.")
    u, dt, steps = _inputs(cell, u, x0, dt)
    # formulas give the old state at dt = 0 up to rounding; where values may be looked at it is held in every
    # bit
    still = dt == 0 if isinstance(dt, np.ndarray) and dt.dtype != object and (dt == 0).any() else None
    if _on_kernels(backend, cell, u, x0, dt, method, steps * substeps):
        from .kernels.call import simulate as compiled

        x = compiled(cell, u, x0, dt, method=method, substeps=substeps)
        return x if still is None else _held(x, x0, still)
    return finite(moved(cell, u, x0, dt, method=method, substeps=substeps, still=still), method)


def moved(cell, u, x0, dt, *, method, substeps, still=None):
    """The states (..., T, n) of ``simulate``: its loop, of u, x0 and dt (ms) that it has checked; the values
    of torch tensors are not looked at.

    still: truth values like dt, where the state is held. Raises ValueError where NumPy's states leave the
    finite numbers.
    """
    x, trajectory = x0, []
    for t in range(dt.shape[-1] if u is None else u.shape[-2]):
        u_t, dt_t = None if u is None else u[..., t, :], (dt[..., t, None] if dt.ndim else dt) / substeps
        try:
            before, x = x, _hold(method, x, u_t, cell, dt_t, substeps)
            x = x if still is None else np.where(still[..., t, None] if still.ndim else still, before, x)
            dynamics.check_state(cell, x, u_t)
        except ValueError as error:
            raise kernels.not_finite(method, t) from error
        trajectory.append(x)
    return ops.stack(trajectory, axis=-2)


def finite(x, method):
    """The states x (..., T, n) as they came; of torch, the ValueError of ``simulate`` if one is not finite.

    method: what solved an equation, or None. One look at all of them; traced values pass.
    """
    if not ops.is_torch(x) or ops.tracing(x):
        return x
    # a sum is quick, and finite only where all values are; it may overflow where they are
    if not math.isfinite(x.detach().sum()):
        broken = ~x.detach().isfinite().all(-1).reshape(-1, x.shape[-2]).all(0)
        if bool(broken.any()):
            raise kernels.not_finite(method, int(broken.nonzero()[0]))
    return x


def _held(x, x0, still):
    """The trajectory x (..., T, n) with the state before in place of every one after a step that stands
    still.
    """
    steps = np.arange(1, x.shape[-2] + 1)
    last = np.broadcast_to(np.maximum.accumulate(np.where(still, 0, steps), -1), x.shape[:-1])
    before = np.broadcast_to(x0, (*x.shape[:-2], x.shape[-1]))[..., None, :]
    return np.take_along_axis(np.concatenate([before, x], -2), last[..., None], -2)


def _on_kernels(backend, cell, u, x0, dt, method, substeps):
    """Whether the kernels compute this; ValueError where backend="numba" asks for what they cannot."""
    choice("backend", backend, kernels.BACKENDS)
    if backend == "reference" or (backend == "auto" and substeps < LONG):
        return False
    arrays = [a for a in (x0, u, dt, *vars(cell).values()) if a is not None]
    if not isinstance(cell, dynamics.LTC) or cell.w.ndim != 2:
        problem = "it moves one dynamics.LTC, without batch axes"
    elif not all(isinstance(a, np.ndarray) and a.dtype == x0.dtype for a in arrays):
        problem = "it computes on NumPy arrays of one dtype (torch: models.LTCNet)"
    else:
        problem = kernels.missing(method, x0.dtype)
    return kernels.choose(backend, problem)


def _hold(method, x, u, cell, dt, parts):
    """The state after u was held for so many parts of dt ms each."""
    if hasattr(cell, "holding"):
        cell, u = cell.holding(u), None
    before = None
    for _ in range(parts):
        if method == "extrapolated":
            before, x = x, dynamics.extrapolated_step(x, u, cell, dt, before)
        else:
            x = STEPS[method](x, u, cell, dt)
    return x


def reference(cell, u, x0, dt, *, rtol=1e-10, atol=1e-12):
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


def _inputs(cell, u, x0, dt):
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


def _check_batches(**shapes):
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        came = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(
            f"the leading (batch) axes do not fit together: {came}; each must be equal or 1."
        ) from None
