"""Two neurons in the plane of their states: nullclines, flow, equilibria, Lyapunov level sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse, Patch

from .. import analysis, dynamics
from ..validation import brief
from .curves import name_above
from .picture import BLUE, GREEN, GREY, INK, PURPLE, VERMILLION
from .text import called, count, listing, numbers, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from ..typing import Cell


FINE, COARSE = 121, 17  # points along each side: for curves, for arrows
MARKS: dict[str, dict[str, Any]] = {
    "stable": {"marker": "o", "mfc": GREEN, "mec": GREEN},
    "saddle": {"marker": "X", "mfc": VERMILLION, "mec": VERMILLION},
    "unstable": {"marker": "o", "mfc": "none", "mec": VERMILLION, "mew": 2},
}


def draw_phase_plane(
    cell: Cell[np.ndarray],
    ax: Axes,
    *,
    u: ArrayLike | None = None,
    box: tuple[ArrayLike, ArrayLike] | None = None,
    equilibria: ArrayLike | None = None,
    trajectory: ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> Axes:
    """The states of two neurons as a plane: where each stands still (nullclines), how the flow goes.

    cell: a cell with two neurons; u: (m,) constant input or None; box: (lo, hi), each (2,) mV, the part to
    show (default: ``analysis.state_bounds`` and a margin); equilibria: (k, 2), what ``analysis.equilibria``
    returns, marked by their eigenvalues: stable a full circle, saddle a cross, unstable a hollow circle;
    trajectory: (T, 2) states over time; names: two texts. Nullclines: neuron 0 solid, neuron 1 dashed;
    arrows give the direction, longer where the flow is faster. Returns ax. Raises ValueError for another
    number of neurons, other shapes, NaN, or an equilibrium at which the flow does not vanish.
    Source: Strogatz (2015), chapter 6.
    """
    names, lo, hi, kinds, equilibria, trajectory = _plane(cell, u, box, names, equilibria, trajectory)
    X, Y, flow = _field(cell, u, lo, hi, FINE)
    _arrows(cell, u, lo, hi, ax)
    handles: list[Any] = []
    for k, colour, dashes in ((0, BLUE, "-"), (1, VERMILLION, (0, (5, 2)))):
        if flow[..., k].min() < 0 < flow[..., k].max():
            ax.contour(
                X, Y, flow[..., k], levels=[0], colors=colour, linestyles=[dashes], linewidths=1.8, zorder=2
            )
        handles.append(Line2D([], [], color=colour, ls=dashes, lw=1.8, label=f"{names[k]} stands still"))
    if trajectory is not None:
        handles += _draw_path(trajectory, ax)
    for kind, look in MARKS.items():
        here = equilibria[[k == kind for k in kinds]]
        if len(here):
            handles += ax.plot(*here.T, ls="", ms=9, zorder=5, clip_on=False, label=kind, **look)
    _frame(lo, hi, names, ax)
    return name_above(ax, handles, columns=2)


def phase_plane_alt(
    cell: Cell[np.ndarray],
    *,
    u: ArrayLike | None = None,
    box: tuple[ArrayLike, ArrayLike] | None = None,
    equilibria: ArrayLike | None = None,
    trajectory: ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> str:
    """Alternative text for ``draw_phase_plane``, from the data: part shown, equilibria by kind, path."""
    names, lo, hi, kinds, equilibria, trajectory = _plane(cell, u, box, names, equilibria, trajectory)
    text = (
        f"Phase plane: {names[0]} from {short(lo[0])} to {short(hi[0])} mV against {names[1]} from "
        f"{short(lo[1])} to {short(hi[1])} mV, with both nullclines and arrows of the flow."
    )
    if len(kinds):
        each = (f"{kind} at {_at(state)}" for kind, state in zip(kinds, equilibria, strict=True))
        text += f" {count(len(kinds), 'equilibrium', 'equilibria')}: {listing(each)}."
    if trajectory is not None:
        text += f" A trajectory runs from {_at(trajectory[0])} to {_at(trajectory[-1])}."
    return text


def draw_level_sets(
    cell: Cell[np.ndarray],
    P: ArrayLike,
    center: ArrayLike,
    ax: Axes,
    *,
    u: ArrayLike | None = None,
    box: tuple[ArrayLike, ArrayLike] | None = None,
    levels: int = 7,
    names: Sequence[str] | None = None,
) -> Axes:
    """Level sets of V = (x - center)' P (x - center) with the flow; hatched where V grows (dV/dt > 0).

    cell, u, box, names: as in ``draw_phase_plane``; P: (2, 2) symmetric and positive definite; center: (2,)
    mV; levels: how many level sets, at equal steps of the distance sqrt(V). The thick line is the largest
    level set shown inside which V never grows, as far as a grid of 121 x 121 states can tell (a picture,
    not a proof: ``analysis.certified_lyapunov`` proves). Returns ax. Raises ValueError for another number
    of neurons, other shapes, NaN, or a P that is not positive definite. Source: Khalil (2002), section 4.1;
    chapter "Lyapunov functions".
    """
    names, lo, hi, X, Y, V, growth, safe = _levels(cell, P, center, u, box, levels, names)
    _arrows(cell, u, lo, hi, ax)
    handles: list[Any] = []
    if growth.max() > 0:
        area: Any = ax.contourf(X, Y, growth, levels=[0, np.inf], colors="none", hatches=["////"], zorder=1)
        for part in [area] if hasattr(area, "set_edgecolor") else area.collections:
            part.set(facecolor="none", edgecolor=VERMILLION, linewidth=0)
        if growth.min() < 0:
            ax.contour(X, Y, growth, levels=[0], colors=VERMILLION, linewidths=1.2, linestyles="--", zorder=2)
        handles.append(_swatch("V grows"))
    for value in (np.arange(1, levels + 1) / (levels + 1)) ** 2 * V.max():
        _draw_ellipse(P, center, value, ax, edgecolor=BLUE, lw=0.9, zorder=3)
    handles.insert(0, Line2D([], [], color=BLUE, lw=0.9, label="V is constant"))
    if safe:
        _draw_ellipse(P, center, safe, ax, edgecolor=GREEN, lw=2.6, zorder=4)
        handles.append(Line2D([], [], color=GREEN, lw=2.6, label="V falls inside"))
    handles += ax.plot(
        *np.asarray(center, float), ls="", marker="P", ms=9, color=INK, zorder=5, label="centre"
    )
    _frame(lo, hi, names, ax)
    return name_above(ax, handles, columns=2)


def level_sets_alt(
    cell: Cell[np.ndarray],
    P: ArrayLike,
    center: ArrayLike,
    *,
    u: ArrayLike | None = None,
    box: tuple[ArrayLike, ArrayLike] | None = None,
    names: Sequence[str] | None = None,
) -> str:
    """Alternative text for ``draw_level_sets``, from the data: where V grows, and where it never does."""
    names, *_, growth, safe = _levels(cell, P, center, u, box, 1, names)
    share = 100 * (growth > 0).mean()
    text = (
        f"Level sets of V about {_at(np.asarray(center, float))}: ellipses in the plane of {names[0]} and "
        f"{names[1]}, with arrows of the flow. V grows in {short(share, 2)} % of the plane shown"
    )
    return text + (
        "."
        if not (growth > 0).any()
        else f", hatched; inside the thick ellipse, V up to {short(safe)}, it never does."
        if safe
        else ", hatched, and that region reaches the centre or leaves no whole ellipse free."
    )


def _plane(
    cell: Any,
    u: Any,
    box: tuple[ArrayLike, ArrayLike] | None,
    names: Sequence[str] | None,
    equilibria: ArrayLike | None = None,
    trajectory: ArrayLike | None = None,
) -> tuple[list[str], np.ndarray, np.ndarray, list[str], np.ndarray, np.ndarray | None]:
    if getattr(cell, "n", None) != 2 or np.ndim(cell.w) != 2:
        raise ValueError(
            f"cell has {getattr(cell, 'n', 'no')} neurons; a plane needs one cell with exactly two."
        )
    if u is not None:
        u = numbers("u", u, cell.m)
    dynamics.check_state(cell, np.zeros(2), u)
    lo, hi = analysis.state_bounds(cell) if box is None else box
    lo, hi = numbers("lo", lo, 2), numbers("hi", hi, 2)
    if box is None:
        margin = 0.15 * np.maximum(hi - lo, 0.2)
        lo, hi = lo - margin, hi + margin
    if (lo >= hi).any():
        raise ValueError(f"box runs from {brief(lo)} to {brief(hi)}; need lo < hi.")
    points = np.zeros((0, 2)) if equilibria is None else numbers("equilibria", equilibria, "k", 2)
    speed = np.abs(dynamics.vector_field(0, points, u, cell)).max(-1, initial=0)
    if (speed > 1e-6).any():
        k = int(np.argmax(speed))
        raise ValueError(
            f"{brief(points[k])} is no equilibrium: dx/dt there is {speed[k]:.2g} mV/ms; "
            "analysis.equilibria finds some."
        )
    kinds = [_kind(values.real) for values in analysis.eigenvalues(points, u, cell)] if len(points) else []
    if trajectory is not None:
        trajectory = numbers("trajectory", trajectory, "T", 2)
        if len(trajectory) < 2:
            raise ValueError("trajectory holds one state; a path needs at least two.")
    return called(names, 2), lo, hi, kinds, points, trajectory


def _kind(real: np.ndarray) -> str:
    """Stability by the real parts of the two eigenvalues; one that is zero counts as not stable."""
    return "stable" if (real < 0).all() else "unstable" if (real >= 0).all() else "saddle"


def _levels(
    cell: Any,
    P: ArrayLike,
    center: Any,
    u: Any,
    box: tuple[ArrayLike, ArrayLike] | None,
    levels: int,
    names: Sequence[str] | None,
) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, float | None]:
    names, lo, hi, *_ = _plane(cell, u, box, names)
    center, P = numbers("center", center, 2), numbers("P", P, 2, 2)
    if not isinstance(levels, (int, np.integer)) or levels < 1:
        raise ValueError(f"levels is {brief(levels)}; it must be a whole number of at least 1.")
    X, Y, _ = _field(cell, u, lo, hi, FINE)
    states = np.stack([X, Y], -1)
    V, growth = (
        analysis.lyapunov_value(states, P, center),
        analysis.lyapunov_derivative(states, u, cell, P, center),
    )
    growth = np.where(np.abs(growth) < 1e-12, 0.0, growth)
    rim = np.concatenate([V[0], V[-1], V[:, 0], V[:, -1]]).min()  # a larger level set leaves the picture
    safe = min(0.98 * rim, V[growth > 0].min(initial=np.inf))
    inside = ((center > lo) & (center < hi)).all()
    return names, lo, hi, X, Y, V, growth, float(safe) if inside and (safe > V).sum() > 20 else None


def _field(
    cell: Any, u: Any, lo: np.ndarray, hi: np.ndarray, points: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X, Y = np.meshgrid(*(np.linspace(a, b, points) for a, b in zip(lo, hi, strict=True)))
    return (
        X,
        Y,
        dynamics.vector_field(0, np.stack([X, Y], -1), None if u is None else np.asarray(u, float), cell),
    )


def _arrows(cell: Any, u: Any, lo: np.ndarray, hi: np.ndarray, ax: Axes) -> None:
    """Arrows of the flow: true direction, length by the fourth root of the speed: slow ones show."""
    step = (hi - lo) / COARSE
    X, Y, flow = _field(cell, u, lo + step / 2, hi - step / 2, COARSE)
    speed = np.hypot(*np.moveaxis(flow, -1, 0))
    unit = np.sqrt(np.sqrt(speed / max(speed.max(), 1e-300))) / np.maximum(speed, 1e-300)
    ax.quiver(
        X,
        Y,
        *np.moveaxis(flow * unit[..., None], -1, 0),
        angles="xy",
        scale_units="width",
        scale=1.25 * COARSE,
        pivot="mid",
        color=GREY,
        width=0.0032,
        headwidth=4.5,
        headlength=5,
        headaxislength=4.5,
        zorder=1,
    )


def _draw_path(trajectory: np.ndarray, ax: Axes) -> list[Line2D]:
    """The trajectory with a square at its start and an arrow at 40 % of its length."""
    (line,) = ax.plot(*trajectory.T, color=PURPLE, ls=(0, (1.2, 1.2)), lw=2.2, zorder=4, label="trajectory")
    ax.plot(*trajectory[0], "s", ms=7, color=PURPLE, zorder=4)
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(trajectory, axis=0).T))])
    if length[-1] > 0:
        back, tip = (
            np.array([np.interp(s * length[-1], length, part) for part in trajectory.T]) for s in (0.38, 0.4)
        )
        ax.quiver(
            *tip,
            *(tip - back) / np.hypot(*(tip - back)),
            angles="xy",
            scale=28,
            pivot="mid",
            color=PURPLE,
            width=0.012,
            headwidth=3,
            headlength=3,
            headaxislength=3,
            zorder=4,
        )
    return [line]


def _frame(lo: np.ndarray, hi: np.ndarray, names: Sequence[str], ax: Axes) -> None:
    ax.set(
        xlim=(lo[0], hi[0]),
        ylim=(lo[1], hi[1]),
        xlabel=f"state of {names[0]} (mV)",
        ylabel=f"state of {names[1]} (mV)",
    )


def _draw_ellipse(P: ArrayLike, center: Any, value: float, ax: Axes, **style: Any) -> None:
    """The level set (x - center)' P (x - center) = value, exactly: half axes sqrt(value / eigenvalue)."""
    sizes, axes = np.linalg.eigh(np.asarray(P, float))
    width, height = 2 * np.sqrt(value / sizes)
    angle = np.degrees(np.arctan2(axes[1, 0], axes[0, 0]))
    ax.add_patch(Ellipse(center, width, height, angle=angle, facecolor="none", **style))


def _swatch(name: str) -> Patch:
    return Patch(facecolor="none", edgecolor=VERMILLION, hatch="////", lw=0.8, label=name)


def _at(state: np.ndarray) -> str:
    return f"({short(state[0])}, {short(state[1])})"
