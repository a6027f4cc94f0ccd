"""Training curves over many seeds: the median, and an interval whose meaning stands in the axis label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..validation import choice, generator, whole
from .curves import COLOURS, LOOKS, draw_curves
from .text import numbers, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

INTERVALS = {
    "quantile": "band: 25 % to 75 % of the seeds",
    "bootstrap": "band: 95 % bootstrap interval of the median",
}


def draw_training(
    losses: dict[str, ArrayLike],
    ax: Axes,
    *,
    interval: Literal["quantile", "bootstrap"] = "quantile",
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> Axes:
    """Loss over epochs: each method's median over its seeds as a line, with a band that the x label explains.

    losses: {name: (seeds, epochs)}, e.g. ``np.array([history.loss for history in runs])``, in the unit of
    the loss; epochs count from 1. interval: "quantile" shades the middle half of the seeds (how much one
    run differs from the next), "bootstrap" the 95 % percentile interval of the median from ``resamples``
    draws of the seeds (how well the median is known; needs rng). Set the scale and the y label first.
    Returns ax. Raises ValueError for other shapes, NaN, or fewer than two seeds. Source: Efron & Tibshirani
    (1993), chapter 13.
    """
    bands = _bands(losses, interval, resamples, rng)
    for (low, _, high), (colour, dashes) in zip(bands.values(), LOOKS, strict=False):
        epochs = np.arange(1, len(low) + 1)
        ax.fill_between(epochs, low, high, color=COLOURS[colour], alpha=0.18, lw=0, zorder=1)
        for edge in (low, high):
            ax.plot(epochs, edge, color=COLOURS[colour], ls=dashes, lw=0.6, alpha=0.8, zorder=1)
    ax.set_xlabel(f"epoch; line: median of {_seeds(losses)} seeds,\n{INTERVALS[interval]}")
    longest = max(len(low) for low, _, _ in bands.values())
    ax.set_xlim(1, max(longest, 2))
    return draw_curves(
        None, {name: (np.arange(1, len(middle) + 1.0), middle) for name, (_, middle, _) in bands.items()}, ax
    )


def training_alt(
    losses: dict[str, ArrayLike],
    *,
    interval: Literal["quantile", "bootstrap"] = "quantile",
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> str:
    """Alternative text for ``draw_training``, from the data: where each median starts and ends, its band."""
    bands = _bands(losses, interval, resamples, rng)
    meaning = {"quantile": "middle half of the seeds", "bootstrap": "95 % bootstrap interval"}[interval]
    each = (
        f"{name} from {short(middle[0])} to {short(middle[-1])} after {len(middle)} epochs ({meaning}: "
        f"{short(low[-1])} to {short(high[-1])})"
        for name, (low, middle, high) in bands.items()
    )
    return f"Median loss over {_seeds(losses)} seeds: {'; '.join(each)}."


def _bands(
    losses: dict[str, ArrayLike], interval: Literal["quantile", "bootstrap"], resamples: int, rng: Any
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """{name: (low, median, high)}, each (epochs,)."""
    choice("interval", interval, tuple(INTERVALS))
    if not isinstance(losses, dict) or not 1 <= len(losses) <= len(LOOKS):
        raise ValueError(
            f"losses is {losses!r:.60}; it must be a dict of 1 to {len(LOOKS)} methods, "
            "{name: (seeds, epochs)}."
        )
    if interval == "bootstrap":
        whole("resamples", resamples, 100)
        generator(rng)
    out = {}
    for name, values in losses.items():
        values = numbers(f"losses[{name!r}]", values, "seeds", "epochs")
        if len(values) < 2:
            raise ValueError(f"losses[{name!r}] has one seed; an interval needs at least two.")
        if interval == "quantile":
            out[name] = tuple(np.quantile(values, (0.25, 0.5, 0.75), axis=0))
        else:
            picks = rng.integers(len(values), size=(resamples, len(values)))
            medians = np.stack([np.median(values[pick], axis=0) for pick in picks])
            low, high = np.quantile(medians, (0.025, 0.975), axis=0)
            out[name] = low, np.median(values, axis=0), high
    return out


def _seeds(losses: dict[str, Any]) -> str:
    counts = sorted({len(values) for values in losses.values()})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
