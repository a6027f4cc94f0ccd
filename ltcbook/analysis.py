"""What a network does in the long run: equilibria, spectra, Lyapunov functions, contraction and bounds
(NumPy).

Every formula of the dynamics comes from ``dynamics``. u is one constant input (m,), or None for a cell
without inputs.

>>> pair = dynamics.CTRNN(tau=[1, 1], w=[[0, 2], [2, 0]], b=[0, 0])
>>> rest = analysis.equilibria(pair, rng=rng)
>>> J = dynamics.jacobian(rest, None, pair)
>>> analysis.spectral_abscissa(J).round(2)  # two stable, a saddle between
array([-0.83,  1.  , -0.83])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import linalg

from . import dynamics
from .dynamics import forgetting
from .validation import among, array, brief, choice, generator, number, whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .dynamics import CTRNN, LTC, LTC2021
    from .typing import Cell

ROUNDS = 1000  # by which a box grows, or comes closer, before it leaps or stops


def equilibria(
    cell: LTC | LTC2021 | CTRNN,
    u: np.ndarray | None = None,
    *,
    starts: int = 64,
    rng: np.random.Generator,
    tolerance: float = 1e-10,
) -> np.ndarray:
    """All equilibria found from many starts, stable or not, (k, n) in mV, sorted by their first coordinates.

    Half of the ``starts`` states drawn in ``state_bounds`` relax with fused steps first (they find the
    attractors), then all take clipped Newton steps; what has abs(dx/dt) < tolerance is kept once. More starts
    find more; none is invented. Raises ValueError for a batch of inputs, starts < 2 or when nothing
    converged.
    """
    _one(cell, u)
    if not isinstance(starts, (int, np.integer)) or starts < 2:
        raise ValueError(f"starts is {brief(starts)}; it must be a whole number >= 2.")
    lo, hi = state_bounds(cell)
    x = generator(rng).uniform(lo, hi, (starts, cell.n))
    relaxed, step = x[::2], float(np.min(cell.c)) / 2
    for _ in range(300):
        relaxed = dynamics.fused_step(relaxed, u, cell, step)
    x[::2] = relaxed
    width = 0.2 * np.max(hi - lo)
    for _ in range(60):
        f, jac = dynamics.vector_field(0, x, u, cell), dynamics.jacobian(x, u, cell)
        jac = jac + 1e-14 * np.eye(cell.n)
        move = np.linalg.solve(jac, f[..., None])[..., 0]
        x = x - move * np.minimum(1, width / np.maximum(np.abs(move).max(-1, keepdims=True), 1e-300))
        x = np.clip(x, lo - width, hi + width)
    found = x[np.abs(dynamics.vector_field(0, x, u, cell)).max(-1) < tolerance]
    unique: list[np.ndarray] = []
    for state in found:
        if not any(np.abs(state - other).max() < 1e-6 for other in unique):
            unique.append(state)
    if not unique:
        raise ValueError(
            f"no start out of {starts} reached |dx/dt| < {tolerance}: raise starts or the tolerance."
        )
    return np.array(sorted(unique, key=lambda state: np.round(state, 6).tolist()))


def relax(
    x: np.ndarray,
    u: np.ndarray | None,
    cell: Cell[np.ndarray],
    *,
    tolerance: float = 1e-12,
    steps: int = 20000,
) -> np.ndarray:
    """The stable equilibrium reached from x, (n,) in mV: fused steps until Newton's method finishes nearby;
    where they do not settle, again with shorter ones.

    An x that is an equilibrium already comes back unchanged. Raises ValueError if none is reached.
    """
    _one(cell, u)
    dynamics.check_state(cell, x, u)
    if np.ndim(x) != 1:
        raise ValueError(f"x has shape {np.shape(x)}; relax takes one state ({cell.n},).")
    longest = float(np.min(cell.c)) / 2
    for dt in (longest, longest / 4, longest / 16):  # too long a step may turn a rest into a 2-cycle
        state = x
        for step in range(steps):
            if step % 8 == 0:
                close = _polish(state, u, cell, tolerance)
                if close is not None:
                    return close
            state = dynamics.fused_step(state, u, cell, dt)
    size = np.abs(dynamics.vector_field(0, state, u, cell)).max()
    raise ValueError(
        f"no equilibrium within {steps} steps of {dt:.2g} ms (|dx/dt| is still {size:.2g} mV/ms): the "
        "network may oscillate, or its rates are too far from 1/ms: then change its unit of time, steps or "
        "tolerance."
    )


def _polish(
    x: np.ndarray, u: np.ndarray | None, cell: Cell[np.ndarray], tolerance: float, reach: float = 0.02
) -> np.ndarray | None:
    """Newton from x to a stable equilibrium at most ``reach`` away, or None: a saddle that is passed by
    does not count.
    """
    start, size = x, np.abs(dynamics.vector_field(0, x, u, cell)).max()
    while size >= tolerance:
        x = x - np.linalg.solve(dynamics.jacobian(x, u, cell), dynamics.vector_field(0, x, u, cell))
        before, size = size, np.abs(dynamics.vector_field(0, x, u, cell)).max()
        if size > before / 2 or np.abs(x - start).max() > reach:
            return None
    return x if spectral_abscissa(dynamics.jacobian(x, u, cell)) < 0 or np.array_equal(x, start) else None


def eigenvalues(x: np.ndarray, u: np.ndarray | None, cell: Cell[np.ndarray]) -> np.ndarray:
    """Eigenvalues of the Jacobian, (..., n) complex, in 1/ms, by decreasing real part.

    Raises ValueError for x or u of a wrong shape or with NaN.
    """
    values = np.linalg.eigvals(dynamics.jacobian(x, u, cell)).astype(complex)
    return np.take_along_axis(values, np.lexsort((values.imag, -values.real)), -1)


def spectral_abscissa(J: ArrayLike) -> np.ndarray:
    """Largest real part of the eigenvalues of J, (..., n, n) -> (...), in 1/ms; minus it is the slowest
    mode's rate.

    Raises ValueError unless J is square and finite.
    """
    return np.linalg.eigvals(_square("J", J)).real.max(-1)


def log_norm(J: ArrayLike, ord: float = 2) -> np.ndarray:
    """Logarithmic norm (matrix measure) mu(J) for the 1-, 2- or infinity-norm, (..., n, n) -> (...), in 1/ms.

    norm(exp(J t)) <= exp(mu t), and spectral_abscissa(J) <= mu(J). Raises ValueError for another ord or a J
    that is not square and finite. Source: Söderlind (2006), "The logarithmic norm: history and modern
    theory".

    >>> J = np.array([[-1.0, 4.0], [0.0, -1.0]])  # stable, yet not at first
    >>> float(analysis.spectral_abscissa(J)), float(analysis.log_norm(J))
    (-1.0, 1.0)
    """
    J = _square("J", J)
    if not among(ord, (1, 2, np.inf)):
        raise ValueError(f"ord is {brief(ord)}; choose 1, 2 or numpy.inf.")
    if ord == 2:
        return np.linalg.eigvalsh((J + np.swapaxes(J, -1, -2)) / 2)[..., -1]
    diagonal = np.diagonal(J, axis1=-2, axis2=-1)
    others = np.abs(J).sum(-1 if ord == np.inf else -2) - np.abs(diagonal)
    return (diagonal + others).max(-1)


def lyapunov_matrix(J: ArrayLike, Q: ArrayLike | None = None) -> np.ndarray:
    """P with J'P + P J = -Q, (n, n), symmetric and positive definite; Q defaults to the identity. P is in ms
    times Q.

    Raises ValueError when J has an eigenvalue with real part >= 0, for then no such P exists, or when J or Q
    is no matrix of the right kind. Source: Khalil (2002), Theorem 4.6.
    """
    J = _square("J", J)
    if J.ndim != 2:
        raise ValueError(f"J has shape {J.shape}; one matrix (n, n) is needed.")
    Q = np.eye(len(J)) if Q is None else _positive_definite("Q", Q, len(J))
    if spectral_abscissa(J) >= 0:
        raise ValueError(
            f"J has spectral abscissa {spectral_abscissa(J):.4g} >= 0: an unstable J has no Lyapunov matrix."
        )
    P = linalg.solve_continuous_lyapunov(J.T, -Q)
    return (P + P.T) / 2


def lyapunov_value(x: ArrayLike, P: ArrayLike, center: ArrayLike = 0.0) -> np.ndarray:
    """V = (x - center)' P (x - center), (..., n) -> (...).

    Raises ValueError for NaN, shapes that do not fit, or a P that is not symmetric and positive definite.
    """
    e = _error(x, center)
    return ((e @ _positive_definite("P", P, e.shape[-1])) * e).sum(-1)


def lyapunov_derivative(
    x: np.ndarray, u: np.ndarray | None, cell: Cell[np.ndarray], P: ArrayLike, center: ArrayLike = 0.0
) -> np.ndarray:
    """dV/dt = 2 (x - center)' P f(x, u) along the flow, per ms, (..., n) -> (...), for V = (x - center)' P (x
    - center).

    Raises ValueError unless P is symmetric (else the 2 is wrong) and positive definite.
    Source: chapter "Lyapunov functions".
    """
    P = _positive_definite("P", P, cell.n)
    return 2 * (dynamics.vector_field(0, x, u, cell) * (_error(x, center) @ P)).sum(-1)


def state_bounds(cell: LTC | LTC2021 | CTRNN) -> tuple[np.ndarray, np.ndarray]:
    """(lo, hi), each (n,), in mV: a box that no trajectory leaves and that attracts all others, for every
    input.

    LTC: between the smallest and largest of the leak and reversal potentials that neuron i really has.
    Source: Hasani et al. (2021), Theorem 2.
    """
    if isinstance(cell, dynamics.CTRNN):
        return -np.ones(cell.n), np.ones(cell.n)
    if isinstance(cell, dynamics.LTC2021):
        return np.minimum(0, cell.A), np.maximum(0, cell.A)
    return forgetting.box(cell)


def time_constant_bounds(cell: LTC | LTC2021 | CTRNN) -> tuple[np.ndarray, np.ndarray]:
    """(shortest, longest) liquid time constant of each neuron, each (n,), in ms; reached by no finite state
    unless equal.

    Source: Hasani et al. (2021), Theorem 1.
    """
    if isinstance(cell, dynamics.CTRNN):
        return cell.tau.copy(), cell.tau.copy()
    if isinstance(cell, dynamics.LTC2021):
        return cell.tau / (1 + cell.tau), cell.tau.copy()
    total = cell.g_leak + cell.w.sum(-1) + (cell.w_in.sum(-1) if cell.m else 0)
    return cell.c / total, cell.c / cell.g_leak


def contraction_rate(cell: LTC) -> float:
    """A rate rho, in 1/ms: if rho > 0, any two states in ``state_bounds`` approach at least like exp(-rho t).

    That holds for any common input.

    min_i (g_leak_i - sum_j w_ij phi(abs(gamma_ij) D_ij)) / c_i with phi(z) = max(z - 1, 0)^2 / (4 z) and D_ij
    the largest abs(E_ij - x_i) in ``state_bounds``; the distance is the largest coordinate. rho <= 0 decides
    nothing: the condition is sufficient only. LTC cells; raises ValueError for others.
    Source: our own bound, by the matrix measure of Davydov, Proskurnikov & Bullo (2025).
    """
    _need_ltc(cell)
    lo, hi = state_bounds(cell)
    reach = np.abs(cell.gamma) * _reach(cell.e_rev, lo, hi)
    phi = np.maximum(reach - 1, 0) ** 2 / (4 * np.maximum(reach, 1e-300))
    return float(((cell.g_leak - (cell.w * phi).sum(-1)) / cell.c).min())


def burn(
    cell: LTC,
    dt: float,
    *,
    tolerance: float = 1e-6,
    method: Literal["fused", "exponential", "extrapolated"] = "fused",
    substeps: int = 1,
    u: np.ndarray | None = None,
) -> int | None:
    """How many inputs a network needs to forget its start: after so many, any two runs of ``simulate`` that
    began in ``state_bounds`` and heard the same agree; None where the bound does not decide.

    They agree where no neuron's states differ by more than ``tolerance`` times the largest potential of its
    box. dt: ms that each input is held, in ``substeps`` equal parts. u: inputs (..., m), between whose
    smallest and largest every other one lies, or None: any input may come. The number is proven for the steps
    of the ``method``, not for the equation (up to the rounding of each step); most networks need far fewer.
    Raises ValueError for a cell that is no LTC, dt or tolerance <= 0, or another method.
    Source: our own bound, by the matrix measure of Davydov, Proskurnikov & Bullo (2025); the theorem and its
    proof stand in ``dynamics.forgetting``.

    >>> one = lambda w: dynamics.LTC([1.0], [1.0], [0.0],
    ...                              [[w]], [[4.0]], [[0.5]], [[1.0]])
    >>> analysis.burn(one(0.5), 1.0, tolerance=1e-3)
    18
    >>> analysis.burn(one(9.0), 1.0) is None  # its start decides for ever
    True
    """
    _need_ltc(cell)
    dt, tolerance = number("dt", dt, 0, open_low=True), number("tolerance", tolerance, 0, open_low=True)
    choice("method", method, ("fused", "exponential", "extrapolated"))
    _one(cell, np.zeros(cell.m))
    if u is not None:
        dynamics.check_state(cell, np.zeros(cell.n), u)
    substeps, ahead = whole("substeps", substeps, 1), method == "extrapolated"
    return forgetting.burn(cell, dt, tolerance, substeps=substeps, ahead=ahead, heard=u)


def invariant_box(cell: LTC, u: np.ndarray | None, *states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smallest box (lo, hi), each (n,) in mV, found that holds the states (..., n) and that no trajectory
    leaves.

    The input u is held constant. Grows the box by the range of the effective equilibrium on it until that
    range lies inside, to rounding; so of an equilibrium alone it is that point. Where that creeps, as beside
    a fold of equilibria, the box leaps ahead in the direction of its growth, by the first power of two that
    holds the range: then it may be larger than it must be, up to the box of all reversal potentials, which
    always holds it. Raises ValueError for a cell that is no LTC, no state, or wrong shapes.
    """
    _need_ltc(cell)
    _one(cell, u)
    for state in states:
        dynamics.check_state(cell, state, u)
    if not states:
        raise ValueError("invariant_box needs at least one state (n,).")
    given = np.concatenate([state.reshape(-1, cell.n) for state in states])
    least, (lo, hi) = np.stack([given.min(0), -given.max(0)]), state_bounds(cell)
    most = np.minimum(least, [lo, -hi])  # boxes as (lo, -hi): the smaller, the larger the box
    box, before, settled = _grown(cell, u, least, ROUNDS)
    if settled:
        return box[0], -box[1]
    growth, box = box - before, most
    for leap in 2.0 ** np.arange(1, 60):
        ahead, _, settled = _grown(cell, u, np.maximum(most, before + leap * growth), 50)
        if settled:
            box = ahead
            break
    for _ in range(ROUNDS):  # take back what the leap took too much, as far as it comes off
        closer = np.maximum(box, np.minimum(least, _range(cell, u, box)))
        if (closer == box).all():
            break
        box = closer
    return box[0], -box[1]


def _grown(
    cell: LTC, u: np.ndarray | None, box: np.ndarray, rounds: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """A box (lo, -hi), (2, n), grown until it holds its range or the rounds are over; the one before it;
    and whether it does.
    """
    rounding = (4 + cell.n) * np.finfo(float).eps * np.abs([*state_bounds(cell), *box]).max()
    for _ in range(rounds):
        before, box = box, np.minimum(box, _range(cell, u, box))
        if (before - box).max() <= rounding:
            return box, before, True
    return box, before, False


def _range(cell: LTC, u: np.ndarray | None, box: np.ndarray) -> np.ndarray:
    """The smallest and minus the largest effective equilibrium on a box (lo, -hi), (2, n)."""
    return np.stack([-sign * _extreme_equilibrium(cell, u, box[0], -box[1], sign) for sign in (-1, 1)])


def certified_lyapunov(
    cell: LTC, u: np.ndarray | None, box: tuple[np.ndarray, np.ndarray]
) -> np.ndarray | None:
    """Diagonal P, (n, n), for which V = (x - x*)' P (x - x*) provably decreases on the whole invariant box,
    or None.

    M bounds the Jacobian on the box: M_ii >= J_ii, M_ij >= abs(J_ij). If M is Hurwitz, P = diag(z / v) with v
    = -M^-1 1 and z = -M'^-1 1 makes P J(x) + J(x)'P negative definite for every x in the box, so its
    equilibrium is the only one there. None means that this bound does not decide. Raises ValueError for a
    cell that is no LTC, or a box (lo, hi) that is none. Source: Lohmiller & Slotine (1998); chapter "Lyapunov
    functions".
    """
    M = jacobian_majorant(cell, u, box)
    if spectral_abscissa(M) >= 0:
        return None
    ones = np.ones(cell.n)
    P = np.diag(np.linalg.solve(M.T, -ones) / np.linalg.solve(M, -ones))
    return P / P.max()


def jacobian_majorant(cell: LTC, u: np.ndarray | None, box: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """M, (n, n), in 1/ms, with M_ii >= J_ii(x) and M_ij >= abs(J_ij(x)) for every x in the box (lo, hi), each
    (n,).

    Raises ValueError for a cell that is no LTC, or a box with lo > hi or of another shape.
    """
    _need_ltc(cell)
    _one(cell, u)
    lo, hi = box
    for bound in box:
        dynamics.check_state(cell, bound, u)
    if np.shape(lo) != (cell.n,) or np.shape(hi) != (cell.n,) or (lo > hi).any():
        raise ValueError(
            f"box = (lo, hi) needs two arrays ({cell.n},) with lo <= hi; got {brief(lo)} and {brief(hi)}."
        )
    s_lo, s_hi = np.sort([cell.gates(lo), cell.gates(hi)], axis=0)
    slope = np.abs(cell.gamma) * np.where(
        (s_lo < 0.5) & (s_hi > 0.5), 0.25, np.maximum(s_lo * (1 - s_lo), s_hi * (1 - s_hi))
    )
    coupling = cell.w * slope * _reach(cell.e_rev, lo, hi)
    conductance, _ = cell.with_leak(cell.opened(s_lo), u)
    return (coupling - np.diag(conductance)) / cell.c[:, None]


def _extreme_equilibrium(
    cell: LTC, u: np.ndarray | None, lo: np.ndarray, hi: np.ndarray, sign: int
) -> np.ndarray:
    """Largest (sign=1) or smallest (sign=-1) value of h_i / g_i over the box, exactly: gates above it
    open, others shut.
    """
    s_lo, s_hi = np.sort([cell.gates(lo), cell.gates(hi)], axis=0)
    g, h = cell.with_leak((0, 0), u)
    value = h / g
    for _ in range(cell.n + 2):
        opened = cell.opened(np.where(sign * (cell.e_rev - value[:, None]) > 0, s_hi, s_lo))
        g, h = cell.with_leak(opened, u)
        new = h / g
        if np.array_equal(new, value):
            break
        value = new
    return value


def _reach(e_rev: np.ndarray, lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """Largest |E_ij - x_i| for x_i in [lo_i, hi_i], (n, n)."""
    return np.maximum(np.abs(e_rev - lo[:, None]), np.abs(e_rev - hi[:, None]))


def _need_ltc(cell: object) -> None:
    if not isinstance(cell, dynamics.LTC):
        raise ValueError(f"this bound is derived for synaptic LTC cells; got {type(cell).__name__}.")


def _one(cell: Cell, u: np.ndarray | None) -> None:
    """Exactly one NumPy cell and one input vector (m,)."""
    if not isinstance(cell.w, np.ndarray) or cell.w.dtype == object or cell.w.ndim != 2:
        raise ValueError(
            f"w is a {type(cell.w).__name__} of shape {tuple(cell.w.shape)}; analysis needs one cell of "
            "numbers in NumPy arrays, w (n, n)."
        )
    dynamics.check_state(cell, np.zeros(cell.n), u)
    if u is not None and np.ndim(u) != 1:
        raise ValueError(f"u has shape {np.shape(u)}; one constant input ({cell.m},) is needed.")


def _error(x: ArrayLike, center: ArrayLike) -> np.ndarray:
    """x - center, both finite arrays of numbers."""
    x, center = array("x", x), array("center", center)
    if (
        x.ndim == 0
        or not np.isfinite(x).all()
        or not np.isfinite(center).all()
        or center.shape[-1:] not in ((), x.shape[-1:])
    ):
        raise ValueError(
            f"x and center must be finite arrays (..., n); got shapes {x.shape} and {center.shape}."
        )
    return x - center


def _square(name: str, matrix: ArrayLike) -> np.ndarray:
    matrix = array(name, matrix)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2] or matrix.shape[-1] == 0:
        raise ValueError(f"{name} has shape {matrix.shape}; it must be (..., n, n) with n >= 1.")
    if not np.isfinite(matrix).all():
        raise ValueError(
            f"{name} holds {np.count_nonzero(~np.isfinite(matrix))} values that are NaN or infinite."
        )
    return matrix


def _positive_definite(name: str, matrix: ArrayLike, n: int) -> np.ndarray:
    matrix = _square(name, matrix)
    if matrix.shape != (n, n) or not np.allclose(matrix, matrix.T, rtol=1e-10, atol=1e-12):
        raise ValueError(
            f"{name} must be a symmetric ({n}, {n}) matrix; got shape {matrix.shape}"
            + (", not symmetric." if matrix.shape == (n, n) else ".")
        )
    if np.linalg.eigvalsh(matrix)[0] <= 0:
        raise ValueError(
            f"{name} is not positive definite: its smallest eigenvalue is "
            f"{np.linalg.eigvalsh(matrix)[0]:.4g}."
        )
    return matrix
