"""Pictures of pruning: spectra before and after an event, rates over many networks, Lyapunov derivatives."""

import numpy as np

from .picture import BLUE, GREY, INK, VERMILLION


def draw_ratios(ratios, ax, *, bins=20):
    """Histogram of rate after / rate before on a logarithmic axis: slower hatched, unchanged one ink bar at 1, faster plain."""
    logs = np.log2(np.asarray(ratios))
    span = max(2.0, float(np.abs(logs).max()))
    edges = np.linspace(0, span, bins + 1)
    same = np.abs(logs) < 1e-8
    for side, colour, hatch, label in ((-1, VERMILLION, "////", "slower"), (1, BLUE, None, "faster")):
        counts, _ = np.histogram(side * logs[~same & (side * logs > 0)], edges)
        ax.bar(side * (edges[:-1] + edges[1:]) / 2, counts, width=span / bins, color=colour if hatch is None else "none",
               edgecolor=colour, hatch=hatch, linewidth=0.8, label=f"{label} ({counts.sum()})")
    ax.bar(0, same.sum(), width=0.35 * span / bins, color=INK, label=f"unchanged ({same.sum()})")
    ticks = np.arange(-int(span), int(span) + 1)
    ax.set_xticks(ticks, ["1" if t == 0 else f"{2**t}×" if t > 0 else f"1/{2**-t}" for t in ticks])
    ax.set(xlabel="slowest mode after ÷ before (faster to the right)", ylabel="networks")
    ax.legend()
    return ax


def draw_spectrum(before, after, ax, *, label=("before", "after")):
    """Eigenvalues (1/ms) in the complex plane: before hollow grey, after filled blue; the unstable half is hatched."""
    after, before = np.asarray(after), np.asarray(before)
    right = 0.12 * max(1.0, -min(before.real.min(), after.real.min()))
    ax.axvspan(0, right, facecolor="none", edgecolor=VERMILLION, hatch="///", alpha=0.35, linewidth=0)
    ax.axvline(0, color=VERMILLION, lw=1.2)
    ax.scatter(before.real, before.imag, s=70, facecolors="none", edgecolors=GREY, linewidths=1.4, label=label[0], zorder=2)
    ax.scatter(after.real, after.imag, s=22, color=BLUE, label=label[1], zorder=3)
    ax.axhline(0, color=GREY, lw=0.6, zorder=0)
    height = max(0.5, 1.2 * np.abs(np.concatenate([before.imag, after.imag])).max())
    ax.set(xlabel="Re λ (1/ms)", ylabel="Im λ (1/ms)", xlim=(None, right), ylim=(-height, height))
    ax.legend(loc="upper left")
    return ax


def draw_shares(rows, ax):
    """Stacked bars of slower / same / faster; rows: {label: (slower, same, faster, (low, high))}, the interval of faster."""
    for y, (slower, same, faster, (low, high)) in enumerate(rows.values()):
        ax.barh(y, slower, color="none", edgecolor=VERMILLION, hatch="////", height=0.66, linewidth=0.8)
        ax.barh(y, same, left=slower, color=GREY, alpha=0.35, height=0.66, linewidth=0)
        ax.barh(y, faster, left=1 - faster, color=BLUE, height=0.66, linewidth=0)
        ax.plot([1 - low, 1 - high], [y, y], color=INK, lw=1.6, marker="|", markersize=8)
        ax.text(1.02, y, f"{100 * faster:.0f} % faster", va="center")
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(axis="y", length=0)
    ax.set(xlim=(0, 1.28), ylim=(len(rows) - 0.4, -1.1), xticks=np.arange(0, 1.1, 0.25))
    ax.set_xticklabels([f"{p} %" for p in (0, 25, 50, 75, 100)])
    for x, text, align in ((0.0, "slower", "left"), (1.0, "faster", "right")):
        ax.text(x, -0.65, text, ha=align, va="center", fontweight="bold")
    ax.spines[["left", "bottom"]].set_visible(False)
    return ax


def draw_derivative(t, series, ax, *, color=BLUE):
    """dV/dt over time (ms) for one {label: values}; where it is positive the area is hatched: V grows there."""
    (label, values), = series.items()
    ax.plot(t, values, color=color)
    ax.fill_between(t, 0, values, where=np.asarray(values) > 0, facecolor="none", edgecolor=color, hatch="///", linewidth=0)
    ax.axhline(0, color=GREY, lw=0.8)
    ax.set(xlabel="time after the event (ms)", ylabel="dV/dt per V(0) (1/ms)", title=f"V {label}")
    return ax
