"""The driving circuit at work: the road from above, what the camera sees, and every neuron over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.ticker import LogLocator, NullLocator

from ..tasks.lane import EDGE, GRID, PIXELS, STRIPS, Drive
from ..validation import brief, choice, whole
from ..wiring import Wiring
from .curves import COLOURS, LOOKS, name_above
from .picture import BLUE, GREY, INK
from .text import count, listing, numbers, short, times

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

LIGHT = LinearSegmentedColormap.from_list(
    "light", [(*(int(BLUE[k : k + 2], 16) / 255 for k in (1, 3, 5)), alpha) for alpha in (0, 1)]
)


def draw_drives(drives: dict[str, Drive], ax: Axes, *, which: int = 0) -> Axes:
    """Drives on one road, seen from above: the road as a grey band, each path as a line, a cross where a car
    left the road.

    drives: {name: ``tasks.lane.Drive``}, all on the same road number ``which``; up to five can be told apart.
    Metres, one scale for both directions, turned so that the road lies along the picture; the start is marked
    by a dot. Returns ax. Raises ValueError for no drive, too many, or drives on different roads.
    """
    _checked_drives(drives, which)
    road, paths = (
        next(iter(drives.values())).road,
        {name: drive.places()[which] for name, drive in drives.items()},
    )
    reach = max(np.nanmax(drive.s[which]) for drive in drives.values())
    last = min(int(reach / GRID) + 20, road.curvature.shape[1])
    middle, heading = road.place[which, :last], road.heading[which, :last]
    along = middle[-1] - middle[0]
    along = along / np.linalg.norm(along)
    turned = np.array([along, [-along[1], along[0]]]).T  # the way from start to end becomes the horizontal
    aside = EDGE * np.stack([-np.sin(heading), np.cos(heading)], -1)
    left, right = (middle + aside) @ turned, (middle - aside) @ turned
    ax.fill(*np.concatenate([left, right[::-1]]).T, color=GREY, alpha=0.28, lw=0, zorder=1)
    ax.plot(*(middle @ turned).T, color=GREY, lw=0.8, ls=(0, (6, 5)), zorder=2)
    for (name, path), (colour, dashes), drive in zip(paths.items(), LOOKS, drives.values(), strict=False):
        path = path[np.isfinite(path).all(-1)] @ turned
        ax.plot(*path.T, color=COLOURS[colour], ls=dashes, lw=1.8, label=name, zorder=3)
        if not drive.stayed[which]:
            ax.plot(*path[-1], "X", color=COLOURS[colour], ms=9, mec=INK, mew=0.6, zorder=4)
    ax.plot(*(middle[0] @ turned), "o", color=INK, ms=5, zorder=5)
    ax.set(aspect="equal", xlabel="m", ylabel="m")
    ax.margins(x=0.02, y=0.15)
    if len(drives) > 1:
        name_above(ax)
    return ax


def drives_alt(drives: dict[str, Drive], *, which: int = 0) -> str:
    """Alternative text for ``draw_drives``, from the data: how far each car came, and whether it left the
    road.
    """
    _checked_drives(drives, which)
    each = []
    for name, drive in drives.items():
        far = f"{np.nanmax(drive.s[which]):.0f}"
        each.append(
            f"{name} stays on the road for all of {far} m"
            if drive.stayed[which]
            else f"{name} leaves the road after {far} m, where a cross stands"
        )
    return f"A winding road from above with {count(len(drives), 'path')}: {'; '.join(each)}."


def draw_camera(drive: Drive, ax: Axes, *, which: int = 0) -> Axes:
    """What the camera of one car saw: 16 pixels as rows, the near strip below the far one, over time; blue
    where it is bright.

    drive: a ``tasks.lane.Drive``; which: the number of the car. Returns ax. Raises ValueError for a car that
    there is not.
    """
    t, seen = _checked_drive(drive, which)
    pixels = len(PIXELS)
    ax.imshow(
        seen.T,
        cmap=LIGHT,
        norm=Normalize(0, 1),
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        extent=(t[0], t[-1], -0.5, 2 * pixels - 0.5),
    )
    ax.axhline(pixels - 0.5, color=INK, lw=1)
    ax.set(xlabel="time (s)")
    ax.set_yticks(
        [pixels / 2 - 0.5, 1.5 * pixels - 0.5],
        [f"{distance:g} m ahead,\nright to left" for distance in STRIPS],
    )
    ax.tick_params(axis="y", length=0)
    return ax


def camera_alt(drive: Drive, *, which: int = 0) -> str:
    """Alternative text for ``draw_camera``, from the data: how far the bright spot wanders on each strip."""
    t, seen = _checked_drive(drive, which)
    strips = np.clip(seen, 0, None).reshape(len(t), len(STRIPS), len(PIXELS))
    spots = (strips * PIXELS).sum(-1) / np.maximum(strips.sum(-1), 1e-9)
    wander = listing(
        f"{short(np.std(spots[:, k]), 2)} m on the strip {distance:g} m ahead"
        for k, distance in enumerate(STRIPS)
    )
    return (
        f"Sixteen rows of pixels over {short(t[-1] - t[0], 3)} s: a bright spot, the middle of the lane, "
        f"wanders to both sides (standard deviation {wander})."
    )


def draw_heat(
    t: ArrayLike,
    values: ArrayLike,
    ax: Axes,
    *,
    wiring: Wiring,
    label: str,
    scale: Literal["linear", "log"] = "linear",
) -> Axes:
    """A value of every neuron over time as a picture with one row per neuron, the layers apart, and a bar
    that gives the scale.

    t: (T,) in s; values: (T, n), such as states or time constants; wiring: the ``Wiring`` of the n neurons,
    whose roles name the rows; label: what the bar says. scale: "linear" or "log" (values > 0). Bright is
    large, so that greyscale tells it too. Returns ax. Raises ValueError for other shapes, NaN, or values <= 0
    on a logarithmic scale.
    """
    t, values, rows = _checked_heat(t, values, wiring, scale)
    norm = (LogNorm if scale == "log" else Normalize)(values.min(), values.max())
    image = ax.imshow(
        values.T,
        cmap="cividis",
        norm=norm,
        aspect="auto",
        interpolation="nearest",
        extent=(t[0], t[-1], wiring.n - 0.5, -0.5),
    )
    for _, first, _ in rows[1:]:
        ax.axhline(first - 0.5, color="white", lw=1.5)
    ax.set_yticks([(first + last) / 2 for _, first, last in rows], [role for role, *_ in rows])
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="time (s)")
    bar = ax.figure.colorbar(image, ax=ax, pad=0.02, aspect=14)
    bar.set_label(label, color=INK)
    if scale == "log":
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        bar.ax.yaxis.set_major_formatter("{x:g}")
        bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.tick_params(colors=INK, which="both")
    bar.outline.set_visible(False)
    return ax


def heat_alt(t: ArrayLike, values: ArrayLike, *, wiring: Wiring, label: str) -> str:
    """Alternative text for ``draw_heat``, from the data: the range, and which neuron changes most and
    least.
    """
    t, values, _ = _checked_heat(t, values, wiring, "linear")
    travel = np.ptp(values, axis=0)
    name = lambda k: f"{wiring.role[k]} neuron {k - wiring.role.index(wiring.role[k]) + 1}"
    return (
        f"One row for each of {count(wiring.n, 'neuron')} over {short(t[-1] - t[0], 3)} s, {label}: values "
        f"from {short(values.min(), 2)} to {short(values.max(), 2)}. {name(int(np.argmax(travel)))} changes "
        f"most, by {short(travel.max(), 2)}, and {name(int(np.argmin(travel)))} least, by "
        f"{short(travel.min(), 2)}."
    )


def _checked_drives(drives: dict[str, Drive], which: int) -> None:
    if (
        not isinstance(drives, dict)
        or not 1 <= len(drives) <= len(LOOKS)
        or not all(isinstance(d, Drive) for d in drives.values())
    ):
        raise ValueError(
            f"drives is {brief(drives)}; it must be a dict of 1 to {len(LOOKS)} drives, {{name: lane.Drive}}."
        )
    first = next(iter(drives.values())).road.curvature
    whole("which", which, 0, len(first) - 1)
    for name, drive in drives.items():
        if not np.array_equal(drive.road.curvature, first):
            raise ValueError(f"{name!r} drives on another road than the first: drive all on the same roads.")


def _checked_drive(drive: Drive, which: int) -> tuple[np.ndarray, np.ndarray]:
    """Times (T,) in s and pictures (T, 16) of one car while it was on the road."""
    if not isinstance(drive, Drive):
        raise ValueError(f"drive is {brief(drive)}; pass a lane.Drive, as lane.drive returns it.")
    which = whole("which", which, 0, len(drive.inputs) - 1)
    known = np.isfinite(drive.inputs[which]).all(-1)
    return drive.time[which][known], drive.inputs[which][known]


def _checked_heat(
    t: ArrayLike, values: ArrayLike, wiring: Wiring, scale: str
) -> tuple[np.ndarray, np.ndarray, list[tuple[str, int, int]]]:
    """Times, values and the layers (role, first row, last row)."""
    choice("scale", scale, ("linear", "log"))
    if not isinstance(wiring, Wiring):
        raise ValueError(f"wiring is {type(wiring).__name__}; pass the ltcbook.wiring.Wiring of the neurons.")
    t = times(t)
    values = numbers("values", values, len(t), wiring.n)
    if scale == "log" and (values <= 0).any():
        raise ValueError(f"values must be > 0 on a logarithmic scale; the smallest is {values.min():.4g}.")
    starts = [k for k in range(wiring.n) if k == 0 or wiring.role[k] != wiring.role[k - 1]]
    return (
        t,
        values,
        [(wiring.role[a], a, b - 1) for a, b in zip(starts, [*starts[1:], wiring.n], strict=True)],
    )
