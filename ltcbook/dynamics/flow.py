"""What follows from g and h, once each: field, time constant, equilibrium, steps, Jacobian."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import ops
from .checks import check_dt, check_state

if TYPE_CHECKING:
    from ..typing import Array, Cell


def vector_field(t: float, x: Array, u: Array | None, cell: Cell[Array]) -> Array:
    """dx/dt, (..., n), in mV/ms; the time t is not used (the input u carries it), so ODE solvers can call
    this.

    Raises ValueError for x or u of a wrong shape or with NaN, as every function below does.
    """
    g, h = _terms(x, u, cell)
    return (h - g * x) / cell.c


def time_constant(x: Array, u: Array | None, cell: Cell[Array]) -> Array:
    """Liquid time constant tau = c / g(x, u), (..., n), in ms; for an LTC never longer than c / g_leak.

    Raises ValueError for x or u of a wrong shape or with NaN.
    Source: Hasani et al. (2021), Theorem 1; chapter "Liquid time constants".
    """
    g, _ = _terms(x, u, cell)
    return cell.c / g


def effective_equilibrium(x: Array, u: Array | None, cell: Cell[Array]) -> Array:
    """State h / g towards which each neuron relaxes while the gates stay as they are, (..., n), in mV.

    Raises ValueError for x or u of a wrong shape or with NaN.
    """
    g, h = _terms(x, u, cell)
    return h / g


def fused_step(x: Array, u: Array | None, cell: Cell[Array], dt: float | Array) -> Array:
    """State, (..., n) in mV, after one semi-implicit Euler step: gates at the old state, the linear rest at
    the new one.

    (c x + dt h) / (c + dt g): a convex combination of x and h / g for every dt, so bounds are kept. Order 1.
    dt: ms, broadcast against (..., n). Raises ValueError for dt < 0, a wrong shape or NaN.
    Source: Lechner et al. (2020), Eq. (3).

    >>> one = dynamics.CTRNN(tau=[2.0], w=[[0.0]], b=[0.0])  # dx/dt = -x / 2
    >>> dynamics.fused_step(np.ones(1), None, one, 2.0)  # 1 / (1 + dt / tau)
    array([0.5])
    """
    check_dt(dt)
    g, h = _terms(x, u, cell)
    return (cell.c * x + dt * h) / (cell.c + dt * g)


def exponential_step(x: Array, u: Array | None, cell: Cell[Array], dt: float | Array) -> Array:
    """State, (..., n) in mV, after one exponential Euler step, exact for frozen gates: between x and h / g.
    Order 1.

    h / g + (x - h / g) exp(-g dt / c). dt: ms, broadcast against (..., n). Raises ValueError for dt < 0, a
    wrong shape or NaN. Source: Hochbruck & Ostermann (2010), "Exponential integrators"; chapter "Liquid time
    constants".
    """
    return extrapolated_step(x, u, cell, dt)


def extrapolated_step(
    x: Array, u: Array | None, cell: Cell[Array], dt: float | Array, before: Array | None = None
) -> Array:
    """State, (..., n) in mV, after one exponential step whose gates are read halfway ahead, at (3 x - before)
    / 2. Order 2.

    before: the state dt ago, under the same u, or None: then the gates are read at x, and the step is
    ``exponential_step``. One evaluation of the gates either way; the step stays between x and h / g, so
    bounds are kept. dt: ms, broadcast against (..., n). Raises ValueError for dt < 0, a wrong shape or NaN.
    Source: Perego & Veneziani (2009), "An efficient generalization of the Rush-Larsen method"; chapter
    "Solvers".

    >>> one = dynamics.LTC2021(tau=[1.0], A=[1.0], w=[[-2.0]], b=[0.0])
    >>> x, before = np.array([0.2]), np.array([0.1])
    >>> ahead = one.terms(np.array([0.25]), None)  # g and h, half a step ahead
    >>> step = dynamics.extrapolated_step(x, None, one, 0.1, before)
    >>> bool(ahead[1] / ahead[0] > step > x)
    True
    """
    check_dt(dt)
    if before is not None:
        check_state(cell, x, u)
        check_state(cell, before, u)
    g, h = _terms(x if before is None else (3 * x - before) / 2, u, cell)
    return h / g + (x - h / g) * ops.exp(-g / cell.c * dt)


def jacobian(x: Array, u: Array | None, cell: Cell[Array]) -> Array:
    """J_ij = d(dx_i/dt)/dx_j, (..., n, n), in 1/ms, in closed form: (dh - x dg - diag(g)) / c.

    For an LTC: J_ij = w_ij gamma_ij s_ij (1 - s_ij) (E_ij - x_i) / c_i off the diagonal: 0 where w_ij = 0, or
    x_i = E_ij. Raises ValueError for x or u of a wrong shape or with NaN.
    """
    g, _ = _terms(x, u, cell)
    dg, dh = cell.terms_jacobian(x, u)
    c = cell.c + 0 * g
    return (dh - x[..., None] * dg - ops.diagonal_matrix(g)) / c[..., None]


def _terms(x: Array, u: Array | None, cell: Cell[Array]) -> tuple[Array, Array]:
    check_state(cell, x, u)
    return cell.terms(x, u)
