"""Regions of the complex plane in which a solver's step shrinks the solution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..validation import brief
from .picture import BLUE, GREY, INK
from .text import short

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes


def draw_stability(
    R: Callable[[np.ndarray], np.ndarray],
    name: str,
    ax: Axes,
    *,
    box: Sequence[float] = (-4, 2, -3.5, 3.5),
    points: int = 301,
) -> Axes:
    """The stability region abs(R) <= 1 of a method, shaded in blue with its boundary, under the method's
    name.

    R: vectorised function of complex numbers; name: of the method, the title; box: (left, right, bottom, top)
    of the plane shown; points: of the grid along each side. Returns ax. Raises ValueError for a box without
    area.
    Source: Hairer & Wanner (1996), section IV.2.
    """
    left, right, bottom, top = _box(box)
    re, im = np.linspace(left, right, points), np.linspace(bottom, top, points)
    with np.errstate(all="ignore"):
        size = np.minimum(np.nan_to_num(np.abs(R(re + 1j * im[:, None])), nan=9.0), 9.0)
    ax.axhline(0, color=GREY, lw=0.8, zorder=1)
    ax.axvline(0, color=GREY, lw=0.8, zorder=1)
    ax.contourf(re, im, size, levels=[0, 1], colors=[BLUE], alpha=0.25, zorder=0)
    ax.contour(re, im, size, levels=[1], colors=INK, linewidths=1.5, zorder=2)
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", title=name)
    return ax


def stability_alt(
    R: Callable[[np.ndarray], np.ndarray], name: str, *, box: Sequence[float] = (-4, 2, -3.5, 3.5)
) -> str:
    """Alternative text for ``draw_stability``, from the data: how far left the region reaches on the real
    axis.

    R: vectorised function of complex numbers; name: of the method.
    """
    left, _, _, _ = _box(box)
    real = np.linspace(0, left, 4001)[1:]
    out = np.flatnonzero(np.abs(R(real + 0j)) > 1)
    reach = (
        f"from 0 to {short(real[out[0]])} on the real axis"
        if out.size
        else "on the whole negative real axis shown"
    )
    return f"Stability region of {name}: stable {reach}."


def _box(box: Sequence[float]) -> tuple[float, float, float, float]:
    left, right, bottom, top = (float(edge) for edge in box)
    if not (left < right and bottom < top):
        raise ValueError(
            f"box is {brief(box)}; need (left, right, bottom, top) with left < right and bottom < top."
        )
    return left, right, bottom, top
