"""Curves over time, bounds, the balance of conductances, orders of solvers: what a chapter on one neuron
draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..validation import brief, percent
from .picture import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILLION
from .text import count, listing, short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

COLOURS = {"blue": BLUE, "vermillion": VERMILLION, "green": GREEN, "orange": ORANGE, "purple": PURPLE}
LOOKS = (
    ("blue", "-"),
    ("vermillion", (0, (5, 2))),
    ("green", (0, (6, 1.5, 1.2, 1.5))),
    ("orange", (0, (1.2, 1.4))),
    ("purple", (0, (9, 2))),
)
MARKERS = ("o", "s", "^", "D", "v")


def draw_curves(
    x: ArrayLike | None,
    curves: Mapping[str, Any],
    ax: Axes,
    *,
    labels: Literal["end", "top", "none"] = "end",
    markers: bool = False,
    looks: Sequence[tuple[str, Any]] = LOOKS,
    **style: Any,
) -> Axes:
    """Named curves over a common x: each has its own colour and its own dashes, so that greyscale tells them
    apart.

    curves: {name: values (T,)} or {name: (own x, values)}. labels: "end" writes the name to the right of each
    curve's last finite point, kept apart from its neighbours (set the limits first); "top" makes a row of
    names above the Axes; "none" writes nothing. Raises ValueError for no curve, too many of them, lengths
    that differ or another ``labels``.
    """
    if labels not in ("end", "top", "none"):
        raise ValueError(f"labels is {brief(labels)}; choose 'end', 'top' or 'none'.")
    if not 1 <= len(curves) <= len(looks):
        raise ValueError(f"{len(curves)} curves; from 1 to {len(looks)} can be told apart.")
    ends = []
    for (name, values), (colour, dashes), marker in zip(curves.items(), looks, MARKERS, strict=False):
        own_x, values = values if isinstance(values, tuple) else (x, values)
        own_x, values = np.asarray(own_x, dtype=float), np.asarray(values, dtype=float)
        if own_x.ndim != 1 or own_x.shape != values.shape:
            raise ValueError(
                f"curve {name!r}: x has shape {own_x.shape}, the values {values.shape}; both must be (T,)."
            )
        ax.plot(
            own_x,
            values,
            color=COLOURS[colour],
            ls=dashes,
            marker=marker if markers else None,
            ms=5,
            label=name if labels == "top" else None,
            **style,
        )
        finite = np.flatnonzero(np.isfinite(values))
        if finite.size:
            ends.append((own_x[finite[-1]], values[finite[-1]], name, COLOURS[colour]))
    if labels == "end":
        _name_ends(ends, ax)
    elif labels == "top":
        name_above(ax)
    return ax


def curves_alt(x: ArrayLike | None, curves: Mapping[str, Any]) -> str:
    """Alternative text for ``draw_curves``, from the data: where each curve starts and ends, and its
    range.
    """
    each = []
    for name, values in curves.items():
        own_x, values = (np.asarray(v, float) for v in (values if isinstance(values, tuple) else (x, values)))
        finite = np.isfinite(values)
        own_x, values = own_x[finite], values[finite]
        each.append(
            f"{name} from {short(values[0])} at {short(own_x[0])} to {short(values[-1])} at "
            f"{short(own_x[-1])}, between {short(values.min())} and {short(values.max())}"
            if finite.any()
            else f"{name} without a finite value"
        )
    return f"{count(len(each), 'curve')}: {'; '.join(each)}."


def name_above(ax: Axes, handles: Sequence[Artist] | None = None, *, columns: int | None = None) -> Axes:
    """A frameless row of names above the Axes, where it covers no curve.

    handles: the labelled artists to name (default: all labelled ones); columns: how many names stand in a row
    (default: all).
    """
    named: Any = ax.get_legend_handles_labels()[0] if handles is None else handles
    names = [handle.get_label() for handle in named]
    ax.legend(
        named,
        names,
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=columns or len(names),
        frameon=False,
        borderaxespad=0.2,
        handlelength=2.6,
        columnspacing=1.4,
    )
    return ax


def _name_ends(ends: list[tuple[float, float, str, str]], ax: Axes, *, gap: float = 13) -> None:
    """Names beside the curves' last points, moved apart where two would touch; gap in points."""
    figure: Any = ax.figure
    figure.draw_without_rendering()  # fixes the limits and the transform
    points = 72 / figure.dpi
    low, high = ax.get_window_extent().get_points()[:, 1] * points
    at = np.array([ax.transData.transform(end[:2])[1] * points for end in ends])
    order = np.argsort(at, kind="stable")
    put = np.clip(at[order], low, high)
    for k in range(1, len(put)):
        put[k] = max(put[k], put[k - 1] + gap)
    put[-1] = min(put[-1], high + 2)
    for k in range(len(put) - 2, -1, -1):
        put[k] = min(put[k], put[k + 1] - gap)
    for k, where in zip(order, put, strict=True):
        x, y, name, colour = ends[k]
        ax.annotate(
            name,
            (x, y),
            xytext=(6, where - at[k]),
            textcoords="offset points",
            va="center",
            color=colour,
            annotation_clip=False,
        )


def draw_bounds(
    lo: float, hi: float, ax: Axes, *, names: tuple[str, str] = ("", ""), at: float | None = None
) -> Axes:
    """Two bounds that nothing crosses, as thin dashed lines with the forbidden sides shaded; names beside
    them.

    lo, hi: numbers; names are written just outside each bound, at x = ``at`` (default: the left edge). Raises
    ValueError unless lo < hi.
    """
    lo, hi = float(lo), float(hi)
    if not lo < hi:
        raise ValueError(f"bounds {brief(lo)} and {brief(hi)}: the lower one must be below the upper one.")
    bottom, top = ax.get_ylim()
    for edge, outside in ((lo, min(bottom, lo)), (hi, max(top, hi))):
        ax.axhspan(outside, edge, color=GREY, alpha=0.14, lw=0, zorder=0)
        ax.axhline(edge, color=GREY, lw=1.2, ls=(0, (4, 3)), zorder=1)
    ax.set_ylim(min(bottom, lo), max(top, hi))
    left = ax.get_xlim()[0] if at is None else at
    for edge, name, va, shift in ((lo, names[0], "top", -3), (hi, names[1], "bottom", 3)):
        if name:
            ax.annotate(name, (left, edge), xytext=(4, shift), textcoords="offset points", va=va, color=INK)
    return ax


def shade_pulse(start: float, stop: float, ax: Axes, *, name: str = "") -> Axes:
    """A span of time during which an input is on, with its name at the top."""
    ax.axvspan(start, stop, color=ORANGE, alpha=0.16, lw=0, zorder=0)
    if name:
        ax.annotate(
            name,
            ((start + stop) / 2, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, -3),
            textcoords="offset points",
            ha="center",
            va="top",
            color=INK,
        )
    return ax


def draw_balance(conductances: ArrayLike, potentials: ArrayLike, names: Sequence[str], ax: Axes) -> Axes:
    """A neuron as a seesaw: each channel sits at its reversal potential, drawn as large as its conductance.

    conductances, potentials: (k,), the leak included, conductances >= 0; names: k texts. The triangle is the
    centre of gravity, sum(g E) / sum(g): the effective equilibrium. Raises ValueError for shapes that differ
    or nothing open.
    """
    g, e = np.asarray(conductances, dtype=float), np.asarray(potentials, dtype=float)
    if g.ndim != 1 or g.shape != e.shape or len(names) != len(g) or (g < 0).any() or g.sum() <= 0:
        raise ValueError(
            f"got conductances {brief(g)}, potentials {brief(e)} and {len(names)} names; need (k,) each, "
            "conductances >= 0, one of them > 0."
        )
    rest = float((g * e).sum() / g.sum())
    ax.axhline(0, color=INK, lw=1.2, zorder=1)
    looks = [
        INK if name == "leak" else BLUE if at > 0 else VERMILLION for at, name in zip(e, names, strict=True)
    ]
    ax.scatter(e, np.zeros_like(e), s=900 * g / g.max() + 4, color=looks, alpha=0.85, zorder=2, linewidths=0)
    for at, name, size in zip(e, names, g, strict=True):
        radius = np.sqrt((900 * size / g.max() + 4) / np.pi)
        ax.annotate(
            name, (at, 0), xytext=(0, radius + 4), textcoords="offset points", ha="center", va="bottom"
        )
    ax.scatter([rest], [-0.16], s=90, marker="^", color=GREEN, zorder=3, linewidths=0)
    ax.annotate(
        f"{rest:.2f}".replace("-", "\N{MINUS SIGN}"),
        (rest, -0.16),
        xytext=(0, -7),
        textcoords="offset points",
        ha="center",
        va="top",
        color=GREEN,
    )
    ax.set(ylim=(-0.6, 0.6), yticks=[])
    ax.spines[["left"]].set_visible(False)
    return ax


def balance_alt(conductances: ArrayLike, potentials: ArrayLike, names: Sequence[str]) -> str:
    """Alternative text for ``draw_balance``, from the data: every channel and the point of balance."""
    g, e = np.asarray(conductances, float), np.asarray(potentials, float)
    each = (
        f"{name} at {short(at)} with conductance {short(size)}"
        for name, at, size in zip(names, e, g, strict=True)
    )
    balance = short((g * e).sum() / g.sum())
    return f"A seesaw of {count(len(g), 'channel')}: {listing(each)}; it balances at {balance}."


def draw_orders(dt: ArrayLike, errors: Mapping[str, ArrayLike], ax: Axes) -> Axes:
    """Error against step size on two logarithmic axes; the slope, measured on the smallest steps, stands in
    each name.

    dt: (k,) ms; errors: {method: (k,)}. Raises ValueError unless every number is > 0 and k >= 2.
    """
    dt = np.asarray(dt, dtype=float)
    order = np.argsort(dt)
    fits = [np.shape(error) == dt.shape and (np.asarray(error) > 0).all() for error in errors.values()]
    if dt.ndim != 1 or len(dt) < 2 or not all(fits):
        raise ValueError(
            f"dt has shape {dt.shape}; every method needs as many errors, all > 0, at least two."
        )
    named = {}
    for name, values in errors.items():
        values = np.asarray(values, dtype=float)[order]
        named[f"{name}: {_slope(dt[order], values):.2f}"] = values
    ax.set(xscale="log", yscale="log")
    draw_curves(dt[order], named, ax, markers=True)
    ax.set_xticks(dt[order], [f"{step:.2g}" for step in dt[order]])
    ax.set_xticks([], minor=True)
    # plain text: no superscripts to lose in an SVG
    lowest, highest = np.floor(np.log10(ax.get_ylim())) + 1
    decades = np.arange(lowest, highest, 2)
    ax.set_yticks(10.0**decades, [f"1e{decade:+03.0f}".replace("-", "\N{MINUS SIGN}") for decade in decades])
    ax.set_yticks([], minor=True)
    return ax


def orders_alt(dt: ArrayLike, errors: Mapping[str, ArrayLike]) -> str:
    """Alternative text for ``draw_orders``, from the data: each method's slope and its error at the
    smallest step.
    """
    dt = np.asarray(dt, float)
    order = np.argsort(dt)
    runs = {name: np.asarray(values, float)[order] for name, values in errors.items()}
    each = (
        f"{name} has slope {_slope(dt[order], values):.2f} and an error of {short(values[0])} at the "
        "smallest step"
        for name, values in runs.items()
    )
    span = f"{short(dt.min())} to {short(dt.max())} ms"
    return f"Error against step size, {span}, on logarithmic axes: {'; '.join(each)}."


def _slope(dt: np.ndarray, error: np.ndarray) -> float:
    """Slope on logarithmic axes between the two smallest steps; dt increasing."""
    return np.log(error[1] / error[0]) / np.log(dt[1] / dt[0])


def draw_ranges(lo: ArrayLike, hi: ArrayLike, seen_lo: ArrayLike, seen_hi: ArrayLike, ax: Axes) -> Axes:
    """For each neuron the range that is possible (thin, grey) and, inside it, the range that was visited
    (thick, blue).

    All four (n,), in one unit; neurons stand from left to right by their upper bound. Raises ValueError
    unless lo <= seen_lo <= seen_hi <= hi everywhere.
    """
    lo, seen_lo, seen_hi, hi = (np.asarray(values, dtype=float) for values in (lo, seen_lo, seen_hi, hi))
    if not lo.shape == seen_lo.shape == seen_hi.shape == hi.shape or lo.ndim != 1:
        raise ValueError(
            f"shapes {lo.shape}, {hi.shape}, {seen_lo.shape}, {seen_hi.shape}; all four must be (n,)."
        )
    if not ((lo <= seen_lo) & (seen_lo <= seen_hi) & (seen_hi <= hi)).all():
        raise ValueError("a visited range leaves the possible one; need lo <= seen_lo <= seen_hi <= hi.")
    order = np.argsort(hi)
    place = np.arange(1, len(order) + 1)
    ax.vlines(place, lo[order], hi[order], color=GREY, lw=1.6, label="possible")
    ax.plot(place, lo[order], ls="", marker="_", ms=7, color=GREY)
    ax.plot(place, hi[order], ls="", marker="_", ms=7, color=GREY)
    ax.vlines(place, seen_lo[order], seen_hi[order], color=BLUE, lw=5, label="visited")
    ax.set_xticks(place[:: 1 if len(place) < 10 else 3])
    ax.set_yscale("log")
    ticks = [
        10.0**k * digit for k in range(-3, 4) for digit in (1, 3) if lo.min() <= 10.0**k * digit <= hi.max()
    ]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_yticks([], minor=True)
    return name_above(ax)


def ranges_alt(lo: ArrayLike, hi: ArrayLike, seen_lo: ArrayLike, seen_hi: ArrayLike) -> str:
    """Alternative text for ``draw_ranges``, from the data: possible and visited ranges over all neurons."""
    lo, hi, seen_lo, seen_hi = (np.asarray(values, float) for values in (lo, hi, seen_lo, seen_hi))
    used = np.log(seen_hi / seen_lo) / np.log(hi / lo)
    return (
        f"Ranges of {count(len(lo), 'neuron')} on a logarithmic axis: possible {short(lo.min())} to "
        f"{short(hi.max())}, visited {short(seen_lo.min())} to {short(seen_hi.max())}; the median neuron "
        f"visits {percent(np.median(used))} % of its range."
    )
