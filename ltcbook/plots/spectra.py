"""Pictures of pruning: spectra before and after an event, rates over many networks, Lyapunov derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..validation import percent
from .picture import BLUE, GREY, INK, VERMILLION
from .text import count, numbers, short, times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

SAME = 1e-8  # smaller changes of log2(ratio) are rounding


def draw_ratios(ratios: ArrayLike, ax: Axes, *, bins: int = 20) -> Axes:
    """Histogram of rate after / rate before on a logarithmic axis: slower hatched, unchanged one ink bar at
    1, faster plain.

    ratios: (k,), all > 0. Returns ax. Raises ValueError for anything else. Source: chapter "Convergence".
    """
    logs = _logs(ratios)
    span = max(2.0, float(np.abs(logs).max()))
    edges = np.linspace(0, span, bins + 1)
    same = np.abs(logs) < SAME
    for side, colour, hatch, label in ((-1, VERMILLION, "////", "slower"), (1, BLUE, None, "faster")):
        counts, _ = np.histogram(side * logs[~same & (side * logs > 0)], edges)
        ax.bar(
            side * (edges[:-1] + edges[1:]) / 2,
            counts,
            width=span / bins,
            color=colour if hatch is None else "none",
            edgecolor=colour,
            hatch=hatch,
            linewidth=0.8,
            label=f"{label} ({counts.sum()})",
        )
    ax.bar(0, same.sum(), width=0.35 * span / bins, color=INK, label=f"unchanged ({same.sum()})")
    ticks = np.arange(-int(span), int(span) + 1)
    ax.set_xticks(ticks, ["1" if t == 0 else f"{2**t}×" if t > 0 else f"1/{2**-t}" for t in ticks])
    ax.set(xlabel="slowest mode after ÷ before (faster to the right)", ylabel="networks")
    ax.legend()
    return ax


def ratios_alt(ratios: ArrayLike) -> str:
    """Alternative text for ``draw_ratios``, from the data: how many are slower, the same, faster, and the
    median.
    """
    logs = _logs(ratios)
    slower, faster = int((logs <= -SAME).sum()), int((logs >= SAME).sum())
    return (
        f"Histogram of {len(logs)} networks by slowest mode after divided by before: {slower} slower, "
        f"{len(logs) - slower - faster} unchanged, {faster} faster; the median ratio is "
        f"{short(2 ** np.median(logs))}, the range {short(2 ** logs.min())} to {short(2 ** logs.max())}."
    )


def _logs(ratios: ArrayLike) -> np.ndarray:
    ratios = numbers("ratios", ratios, "k")
    if (ratios <= 0).any():
        raise ValueError(f"ratios must be > 0; the smallest is {ratios.min():.4g}.")
    return np.log2(ratios)


def draw_spectrum(
    before: ArrayLike, after: ArrayLike, ax: Axes, *, label: tuple[str, str] = ("before", "after")
) -> Axes:
    """Eigenvalues (1/ms) in the complex plane: before hollow grey, after filled blue; the unstable half is
    hatched.

    before: (k,) complex, empty for one spectrum alone; after: (n,) complex, what ``analysis.eigenvalues``
    returns. Returns ax. Raises ValueError for other shapes or NaN. Source: chapter "Pruning & rewiring".
    """
    before, after = _spectra(before, after)
    both = np.concatenate([before, after])
    right = max(0.12 * max(1.0, -both.real.min()), 1.15 * both.real.max())
    ax.axvspan(0, right, facecolor="none", edgecolor=VERMILLION, hatch="///", alpha=0.35, linewidth=0)
    ax.axvline(0, color=VERMILLION, lw=1.2)
    if len(before):
        ax.scatter(
            before.real,
            before.imag,
            s=70,
            facecolors="none",
            edgecolors=GREY,
            linewidths=1.4,
            label=label[0],
            zorder=2,
        )
    ax.scatter(after.real, after.imag, s=22, color=BLUE, label=label[1], zorder=3)
    ax.axhline(0, color=GREY, lw=0.6, zorder=0)
    height = max(0.5, 1.2 * np.abs(both.imag).max())
    ax.set(xlabel="Re λ (1/ms)", ylabel="Im λ (1/ms)", xlim=(None, right), ylim=(-height, height))
    if len(before):
        ax.legend(loc="upper left")
    return ax


def spectrum_alt(before: ArrayLike, after: ArrayLike, *, label: tuple[str, str] = ("before", "after")) -> str:
    """Alternative text for ``draw_spectrum``, from the data: for each spectrum its rightmost real part and
    its complex pairs.
    """
    before, after = _spectra(before, after)
    each = (
        f"{name}: {len(values)} with real parts from {short(values.real.min())} to "
        f"{short(values.real.max())} per ms, {(values.real >= 0).sum() or 'none'} in the unstable half, "
        f"{count((values.imag > 1e-9).sum(), 'complex pair')}"
        for name, values in zip(label, (before, after), strict=True)
        if len(values)
    )
    return f"Eigenvalues in the complex plane; {'; '.join(each)}."


def _spectra(before: ArrayLike, after: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    before = np.zeros(0, complex) if np.size(before) == 0 else numbers("before", before, "k", dtype=complex)
    return before, numbers("after", after, "n", dtype=complex)


def draw_shares(rows: Mapping[str, tuple[float, float, float, tuple[float, float]]], ax: Axes) -> Axes:
    """Stacked bars of slower / same / faster; rows: {label: (slower, same, faster, (low, high))}, the
    interval of faster.
    """
    for y, (slower, same, faster, (low, high)) in enumerate(rows.values()):
        ax.barh(y, slower, color="none", edgecolor=VERMILLION, hatch="////", height=0.66, linewidth=0.8)
        ax.barh(y, same, left=slower, color=GREY, alpha=0.35, height=0.66, linewidth=0)
        ax.barh(y, faster, left=1 - faster, color=BLUE, height=0.66, linewidth=0)
        ax.plot([1 - low, 1 - high], [y, y], color=INK, lw=1.6, marker="|", markersize=8)
        ax.text(1.02, y, f"{percent(slower)} % slower, {percent(faster)} % faster", va="center")
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(axis="y", length=0)
    ax.set(xlim=(0, 1.75), ylim=(len(rows) - 0.4, -1.1), xticks=np.arange(0, 1.1, 0.25))
    ax.set_xticklabels([f"{p} %" for p in (0, 25, 50, 75, 100)])
    for x, text, align in ((0.0, "slower", "left"), (1.0, "faster", "right")):
        ax.text(x, -0.65, text, ha=align, va="center", fontweight="bold")
    ax.spines[["left", "bottom"]].set_visible(False)
    return ax


def shares_alt(rows: Mapping[str, tuple[float, float, float, tuple[float, float]]]) -> str:
    """Alternative text for ``draw_shares``, from the data: the three shares of every row."""
    each = (
        f"{name}, {percent(slower)} % slower, {percent(same)} % the same, {percent(faster)} % faster "
        f"(interval {percent(low)} to {percent(high)})"
        for name, (slower, same, faster, (low, high)) in rows.items()
    )
    return f"Shares of networks: {'; '.join(each)}."


def draw_derivative(t: ArrayLike, series: Mapping[str, ArrayLike], ax: Axes, *, color: str = BLUE) -> Axes:
    """dV/dt over time t (T,), in ms, for one {label: values (T,)}; where it is positive the area is hatched:
    V grows there.
    """
    ((label, values),) = series.items()
    ax.plot(t, values, color=color)
    ax.fill_between(
        t,
        0,
        values,
        where=np.asarray(values) > 0,
        facecolor="none",
        edgecolor=color,
        hatch="///",
        linewidth=0,
    )
    ax.axhline(0, color=GREY, lw=0.8)
    ax.set(xlabel="time after the event (ms)", ylabel="dV/dt per V(0) (1/ms)", title=f"V {label}")
    return ax


def derivative_alt(t: ArrayLike, series: Mapping[str, ArrayLike]) -> str:
    """Alternative text for ``draw_derivative``, from the data: the range of dV/dt and how long V grows."""
    ((label, values),) = series.items()
    t = times(t)
    values = numbers(label or "dV/dt", values, len(t))
    share = (values > 0).mean()
    grows = "V never grows" if share == 0 else f"V grows during {percent(share)} % of the time, hatched"
    return (
        f"dV/dt over {short(t[-1] - t[0])} ms for V {label}, from {short(values[0])} at first to "
        f"{short(values[-1])} at the end, in between from {short(values.min())} to {short(values.max())} per "
        f"ms; {grows}."
    )
