"""States and liquid time constants over time: a few neurons as named curves, many as one lane for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..validation import percent
from .curves import LOOKS, draw_bounds, draw_curves
from .picture import BLUE, GREY, INK
from .text import called, count, listing, numbers, short, span, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

LANES = 48  # more lanes than this cannot be told apart on a page


def draw_states(
    t: ArrayLike, x: ArrayLike, ax: Axes, *, names: Sequence[str] | None = None, unit: str = "mV"
) -> Axes:
    """States over time: up to five neurons as named curves, more as one lane for each, all on one scale.

    t: (T,) ms; x: (T, n), in ``unit``, what ``simulate.simulate`` returns; names: n texts ("neuron 0",
    ...). A lane is as high as its state needs, its thin line is 0, and a bar at the right gives the scale.
    Returns ax. Raises ValueError for other shapes, NaN, times that do not increase, or more than 48
    neurons. Source: chapter "Liquid time constants".
    """
    t, x, names = _checked(t, x, names)
    ax.set(xlabel="time (ms)", xlim=(t[0], t[-1]))
    if len(names) <= len(LOOKS):
        ax.set_ylabel(f"state ({unit})")
        return draw_curves(t, dict(zip(names, x.T, strict=True)), ax)
    low, high = np.minimum(x.min(0), 0), np.maximum(x.max(0), 0)
    room = np.maximum(high - low, 0.5 * (high - low).mean()) + 0.25 * max((high - low).mean(), 1e-12)
    # a lane's 0: lanes are as high as their states need, plus a gap, lane 0 on top
    zero = -np.cumsum(room) - low
    for level, values in zip(zero, x.T, strict=True):
        _lane(t, level + values, level, ax)
    bar, right, bottom = _round(0.8 * room.max()), t[-1] + 0.02 * (t[-1] - t[0]), -room.sum()
    ax.plot([right, right], [bottom, bottom + bar], color=INK, lw=2.4, clip_on=False, solid_capstyle="butt")
    ax.annotate(
        f"{short(bar)} {unit}",
        (right, bottom + bar / 2),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        annotation_clip=False,
    )
    ax.set(xlabel=f"time (ms); thin lines: 0 {unit}", ylim=(bottom - 0.2 * room.mean(), 0))
    return _name_lanes(names, zero + (low + high) / 2, ax)


def states_alt(t: ArrayLike, x: ArrayLike, *, names: Sequence[str] | None = None, unit: str = "mV") -> str:
    """Alternative text for ``draw_states``, from the data: ranges, where each state ends, who moves most."""
    t, x, names = _checked(t, x, names)
    travel = np.ptp(x, axis=0)
    when = f"from {short(t[0])} to {short(t[-1])} ms"
    text = f"States of {count(len(names), 'neuron')} {when}; values: {span(x)} {unit}. "
    if len(names) <= len(LOOKS):
        return (
            text
            + "At the end: "
            + listing(f"{name} at {short(end)} {unit}" for name, end in zip(names, x[-1], strict=True))
            + "."
        )
    most, least = np.argmax(travel), np.argmin(travel)
    return (
        text + f"One lane for each: {names[most]} moves most, over {short(travel[most])} {unit}, and "
        f"{names[least]} least, over {short(travel[least])} {unit}."
    )


def draw_time_constants(
    t: ArrayLike,
    tau: ArrayLike,
    ax: Axes,
    *,
    bounds: tuple[ArrayLike, ArrayLike] | None = None,
    names: Sequence[str] | None = None,
) -> Axes:
    """Liquid time constants over time, between the bounds that they can never cross.

    t: (T,) ms; tau: (T, n) ms, what ``dynamics.time_constant`` returns along a run; bounds: (shortest,
    longest), each (n,) ms, what ``analysis.time_constant_bounds`` returns, or None. One neuron: a curve
    between its bounds. Several with bounds, or more than five: one lane for each on a logarithmic scale,
    from its shortest to its longest time constant (written at the right; without bounds all lanes have the
    range that was seen). Otherwise named curves. Returns ax. Raises ValueError for other shapes, NaN, tau
    <= 0, or a tau that leaves its bounds. Source: Hasani et al. (2021), Theorem 1.
    """
    t, tau, names, bounds = _checked_tau(t, tau, bounds, names)
    ax.set(xlabel="time (ms)", xlim=(t[0], t[-1]))
    if bounds is None and len(names) <= len(LOOKS) or len(names) == 1:
        ax.set_ylabel("time constant (ms)")
        if bounds is not None:
            (lo,), (hi,) = bounds
            ax.set_ylim(max(0, lo - 0.12 * (hi - lo)), hi + 0.12 * (hi - lo))
        draw_curves(t, dict(zip(names, tau.T, strict=True)), ax, labels="end" if len(names) > 1 else "none")
        if bounds is not None:
            draw_bounds(lo, hi, ax, names=(f"shortest, {short(lo)} ms", f"longest, {short(hi)} ms"))
        return ax
    lo, hi = (
        bounds if bounds is not None else (np.full(len(names), tau.min()), np.full(len(names), tau.max()))
    )
    size = np.maximum(np.log(hi / lo), 1e-12)
    for lane, values in enumerate(tau.T):
        _lane(t, -lane + 0.8 * np.log(values / lo[lane]) / size[lane], -lane, ax, top=-lane + 0.8)
        ax.annotate(
            f"{short(lo[lane], 2)} to {short(hi[lane], 2)} ms",
            (t[-1], 0.4 - lane),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
            fontsize=9,
        )
    limits = "shortest to longest possible" if bounds is not None else "shortest to longest seen"
    ax.set(xlabel=f"time (ms); each lane: {limits}\ntime constant, logarithmic", ylim=(0.8 - len(names), 1))
    return _name_lanes(names, 0.4 - np.arange(len(names)), ax)


def time_constants_alt(
    t: ArrayLike,
    tau: ArrayLike,
    *,
    bounds: tuple[ArrayLike, ArrayLike] | None = None,
    names: Sequence[str] | None = None,
) -> str:
    """Alternative text for ``draw_time_constants``, from the data: range, change, share of the bounds."""
    t, tau, names, bounds = _checked_tau(t, tau, bounds, names)
    fold = tau.max(0) / tau.min(0)
    most = np.argmax(fold)
    who = (
        f"the most in {names[most]}, {short(fold[most], 2)}-fold"
        if len(names) > 1
        else f"{short(fold[0], 2)}-fold"
    )
    text = (
        f"Liquid time constants of {count(len(names), 'neuron')} from {short(t[0])} to {short(t[-1])} ms: "
        f"{span(tau)} ms; they change {who}."
    )
    if bounds is None:
        return text
    lo, hi = bounds
    used = np.log(fold) / np.maximum(np.log(hi / lo), 1e-12)
    return text + (
        f" They stay between their bounds, at least {short(lo.min())} ms and at most {short(hi.max())} ms, "
        f"and use {span([int(percent(share)) for share in used])} % of that range (logarithmic)."
    )


def _checked(
    t: ArrayLike, x: ArrayLike, names: Sequence[str] | None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    t, x = times(t), numbers("x", x, "T", "n")
    return t, *_common(t, x, names, "x")


def _common(
    t: np.ndarray, values: np.ndarray, names: Sequence[str] | None, name: str
) -> tuple[np.ndarray, list[str]]:
    if len(values) != len(t):
        raise ValueError(
            f"{name} has shape {values.shape}, t has {len(t)} times; {name} must be ({len(t)}, n)."
        )
    if values.shape[1] > LANES:
        raise ValueError(
            f"{name} has {values.shape[1]} neurons; up to {LANES} can be told apart: "
            f"choose some, {name}[:, :{LANES}]."
        )
    return values, called(names, values.shape[1])


def _checked_tau(
    t: ArrayLike, tau: ArrayLike, bounds: tuple[ArrayLike, ArrayLike] | None, names: Sequence[str] | None
) -> tuple[np.ndarray, np.ndarray, list[str], tuple[np.ndarray, np.ndarray] | None]:
    t = times(t)
    tau, names = _common(t, numbers("tau", tau, "T", "n"), names, "tau")
    if (tau <= 0).any():
        raise ValueError(f"tau must be > 0 everywhere; its smallest value is {tau.min():.4g}.")
    if bounds is None:
        return t, tau, names, None
    if len(bounds) != 2:
        raise ValueError(
            f"bounds holds {len(bounds)} arrays; it must be (shortest, longest), each ({len(names)},)."
        )
    lo, hi = (
        numbers(name, bound, len(names)) for name, bound in zip(("shortest", "longest"), bounds, strict=True)
    )
    slack = 1e-6 * hi
    wrong = (lo <= 0) | (lo > hi) | (tau.min(0) < lo - slack) | (tau.max(0) > hi + slack)
    if wrong.any():
        k = int(np.argmax(wrong))
        raise ValueError(
            f"{names[k]}: tau runs from {tau[:, k].min():.4g} to {tau[:, k].max():.4g} ms, "
            f"outside its bounds {lo[k]:.4g} to {hi[k]:.4g} ms; no liquid time constant does that."
        )
    return t, tau, names, (lo, hi)


def _lane(t: np.ndarray, values: np.ndarray, base: float, ax: Axes, *, top: float | None = None) -> None:
    """One trace, shaded from the base of its lane; base and top (if any) as thin lines."""
    for level in (base,) if top is None else (base, top):
        ax.plot(t[[0, -1]], [level, level], color=GREY, lw=0.7, zorder=1)
    ax.fill(t[[0, *range(len(t)), -1]], [base, *values, base], color=BLUE, alpha=0.22, lw=0, zorder=2)
    ax.plot(t, values, color=BLUE, lw=1.3, zorder=3)


def _name_lanes(names: list[str], heights: np.ndarray, ax: Axes) -> Axes:
    ax.set_yticks(heights, names)
    ax.tick_params(axis="y", length=0)
    ax.spines[["left"]].set_visible(False)
    return ax


def _round(value: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not above the value."""
    power = 10.0 ** np.floor(np.log10(value))
    return power * max(digit for digit in (1, 2, 5) if digit * power <= value * (1 + 1e-9))
