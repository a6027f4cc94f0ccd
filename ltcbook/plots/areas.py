"""Matrices in blocks: within a group, forward, backward, by colour, hatch and letter; weights in them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from ..validation import brief, percent
from .picture import BLUE, GREEN, GREY, INK, ORANGE, VERMILLION
from .text import numbers, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from ..wiring import AreaMasks, Wiring

# kind -> (letter, colour, colour of a bitmap, hatch). A dark page lightens the first colour; a bitmap stays
# as it is, so the second has a contrast of 3:1 on white and on black alike
KINDS = {
    "within": ("W", GREEN, GREEN, ""),
    "forward": ("F", BLUE, "#3a8fca", "////"),
    "backward": ("B", ORANGE, "#c97d00", "\\\\\\\\"),
}
PLATE, LETTER = "#1a1a1a", "#ffffff"  # a plate keeps its letter readable on light and dark pages
ROOM = 24  # up to so many neurons a cell has room for a sign
VECTOR = 1500  # up to so many rectangles the cells are drawn as such; a bitmap is smaller beyond


def draw_areas(wiring: AreaMasks | Wiring, ax: Axes, *, letters: bool = True) -> Axes:
    """Hidden matrix, row = target, column = source, in blocks: W within, F forward (hatched /), B backward
    (hatched \\).

    wiring: AreaMasks, whose groups are its areas, or a Wiring, whose groups are its layers in the order in
    which they first come (an earlier layer onto a later one is forward). A filled cell is a synapse; an
    inhibitory one is paler and, in a small matrix, has a minus. Where every column has one sign (Dale's law)
    "+" and "−" stand above the columns. letters=False leaves out the letters. Returns ax. Raises ValueError
    for anything else.
    """
    matrix, names, sizes, of = _groups(wiring)
    edge = np.concatenate([[0], np.cumsum(sizes)])
    middle = (edge[:-1] + edge[1:] - 1) / 2
    group = np.repeat(np.arange(len(sizes)), sizes)
    for target in range(len(sizes)):
        for source in range(len(sizes)):
            letter, _, _, hatch = KINDS[_kind(source, target)]
            corner = edge[source] - 0.5, edge[target] - 0.5
            ax.add_patch(
                Rectangle(
                    corner,
                    sizes[source],
                    sizes[target],
                    facecolor="none",
                    hatch=hatch,
                    edgecolor=GREY,
                    alpha=0.55,
                    linewidth=0,
                    zorder=1,
                )
            )
            if letters:
                plate = {"boxstyle": "round,pad=0.25", "fc": PLATE, "ec": LETTER, "lw": 0.8}
                ax.text(
                    middle[source],
                    middle[target],
                    letter,
                    color=LETTER,
                    ha="center",
                    va="center",
                    fontweight="bold",
                    zorder=5,
                    bbox=plate,
                )
    _fill_cells(ax, matrix, np.sign(group[:, None] - group[None, :]))
    _draw_frame(ax, edge, edge)
    _mark_signs(ax, matrix)
    ax.set_xticks(middle, names, rotation=0 if len(names[0]) < 3 else 30)
    ax.set_yticks(middle, names)
    ax.set(xlabel=f"source {of}", ylabel=f"target {of}", aspect="equal")
    return ax


def areas_alt(wiring: AreaMasks | Wiring) -> str:
    """Alternative text for ``draw_areas``, from the data: the share of synapses in each kind of block."""
    matrix, names, sizes, of = _groups(wiring)
    group = np.repeat(np.arange(len(sizes)), sizes)
    kinds = np.array([[_kind(source, target) for source in group] for target in group])
    shares = {kind: (matrix[kinds == kind] != 0).mean() for kind in KINDS if (kinds == kind).any()}
    return (
        f"Matrix of {len(matrix)} target rows and source columns in {len(sizes)} blocks by {of} "
        f"({', '.join(names)}); share of the possible synapses that exist: "
        f"{', '.join(f'{kind} {percent(share)} %' for kind, share in shares.items())}."
    )


def draw_weights(
    w: ArrayLike,
    ax: Axes,
    *,
    targets: Sequence[int] | None = None,
    sources: Sequence[int] | None = None,
    largest: float | None = None,
) -> Axes:
    """Weights as squares in their matrix, row = target, column = source: + filled, − hollow, 0 empty.

    w: (n, m), n targets and m sources; the area of a square goes with abs(w). targets, sources: sizes of the
    groups of rows and of columns, between which lines are drawn. largest: the weight that fills its place
    (None: the largest here); larger ones are drawn as large. Returns ax. Raises ValueError for another
    shape, NaN, or sizes that do not add up. Source: the diagram named after G. Hinton.
    """
    w, rows, columns, largest = _weights(w, targets, sources, largest)
    side = 0.95 * np.sqrt(np.minimum(np.abs(w) / largest, 1))
    for keep, style in (
        (w > 0, {"facecolor": BLUE, "edgecolor": "none"}),
        (w < 0, {"facecolor": "none", "edgecolor": VERMILLION, "linewidth": 0.8}),
    ):
        target, source = np.nonzero(keep & (side > 0.02))
        half = side[target, source] / 2
        boxes = np.stack([source - half, target - half, source + half, target + half], -1)
        ax.add_patch(PathPatch(_path(boxes), zorder=2, **style))
    _draw_frame(ax, rows, columns, line=GREY)
    ax.set(xticks=(columns[:-1] + columns[1:] - 1) / 2, yticks=(rows[:-1] + rows[1:] - 1) / 2, aspect="equal")
    ax.set_xticklabels([str(k) for k in range(len(columns) - 1)] if len(columns) > 2 else [""])
    ax.set_yticklabels([str(k) for k in range(len(rows) - 1)] if len(rows) > 2 else [""])
    return ax


def weights_alt(
    w: ArrayLike,
    *,
    targets: Sequence[int] | None = None,
    sources: Sequence[int] | None = None,
    largest: float | None = None,
) -> str:
    """Alternative text for ``draw_weights``, from the data: how many weights of each sign, and the largest.

    w: (n, m).
    """
    w, *_ = _weights(w, targets, sources, largest)
    signs = f"{(w > 0).sum()} positive, {(w < 0).sum()} negative, {(w == 0).sum()} zero"
    return (
        f"Weights of {len(w)} target rows and {w.shape[1]} source columns: {signs}; the largest has size "
        f"{short(np.abs(w).max())}."
    )


def _weights(
    w: ArrayLike, targets: Sequence[int] | None, sources: Sequence[int] | None, largest: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """(w, edges of the rows' groups, edges of the columns' groups, largest) or one ValueError."""
    w = numbers("w", w, "targets", "sources")
    edges = []
    for name, sizes, whole in (("targets", targets, w.shape[0]), ("sources", sources, w.shape[1])):
        sizes = [whole] if sizes is None else list(sizes)
        if sum(sizes) != whole or min(sizes) < 1:
            raise ValueError(f"{name} is {brief(sizes)}; it must list sizes >= 1 that sum to {whole}.")
        edges.append(np.concatenate([[0], np.cumsum(sizes)]))
    largest = np.abs(w).max() if largest is None else largest
    if not largest >= 0:
        raise ValueError(f"largest is {brief(largest)}; it must be a number > 0.")
    return w, edges[0], edges[1], largest or 1.0


def _kind(source: Any, target: Any) -> str:
    return "within" if source == target else "forward" if source < target else "backward"


def _fill_cells(ax: Axes, matrix: np.ndarray, step: np.ndarray) -> None:
    """Fill the cells that hold a synapse; step: 0 within, 1 forward, −1 backward."""
    parts = [
        (kind, sign, (step == way) & (np.sign(matrix) == sign))
        for kind, way in (("within", 0), ("forward", 1), ("backward", -1))
        for sign in (1, -1)
    ]
    boxes = [_rectangles(cells) for _, _, cells in parts]
    if sum(map(len, boxes)) > VECTOR:
        bitmap = np.zeros((*matrix.shape, 4))
        for kind, sign, cells in parts:
            bitmap[cells] = to_rgba(KINDS[kind][2], 1.0 if sign > 0 else 0.55)
        ax.imshow(bitmap, interpolation="nearest", zorder=2)
        return
    for (kind, sign, _), found in zip(parts, boxes, strict=True):
        if len(found):
            ax.add_patch(
                PathPatch(
                    _path(found),
                    facecolor=KINDS[kind][1],
                    edgecolor="none",
                    zorder=2,
                    alpha=1.0 if sign > 0 else 0.55,
                )
            )


def _rectangles(cells: np.ndarray) -> np.ndarray:
    """(k, 4) left, top, right, bottom of rectangles that cover the true cells and do not overlap."""
    open_runs: dict[tuple[int, int], int] = {}
    done = []
    for row, line in enumerate(np.vstack([cells, np.zeros(cells.shape[1], bool)])):
        change = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]])))
        runs = {(first, last) for first, last in change.reshape(-1, 2).tolist()}
        for run in [run for run in open_runs if run not in runs]:
            done.append((run[0] - 0.5, open_runs.pop(run) - 0.5, run[1] - 0.5, row - 0.5))
        for run in runs:
            open_runs.setdefault(run, row)
    return np.array(sorted(done)).reshape(-1, 4)


def _path(boxes: np.ndarray) -> Path:
    """One path of closed rectangles (k, 4): left, top, right, bottom."""
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3, 0, 1]].reshape(-1, 2)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(boxes)
    return Path(corners, codes if len(boxes) else None)


def _draw_frame(ax: Axes, rows: np.ndarray, columns: np.ndarray, line: str = INK) -> None:
    """Lines between the groups, the first row on top, room for just the matrix."""
    for at in rows[1:-1] - 0.5:
        ax.axhline(at, color=line, lw=1, zorder=3)
    for at in columns[1:-1] - 0.5:
        ax.axvline(at, color=line, lw=1, zorder=3)
    ax.tick_params(length=0)
    ax.set(xlim=(-0.5, columns[-1] - 0.5), ylim=(rows[-1] - 0.5, -0.5))
    ax.spines[["top", "right"]].set_visible(True)


def _mark_signs(ax: Axes, matrix: np.ndarray) -> None:
    """Minus signs in the cells of a small matrix; above the columns the sign that Dale's law gives them."""
    if not (matrix < 0).any():
        return
    if len(matrix) <= ROOM:
        for target, source in np.argwhere(matrix < 0):
            ax.text(source, target, "\N{MINUS SIGN}", color=INK, ha="center", va="center", zorder=4)
    sign = np.where((matrix > 0).any(0), 1, 0) - np.where((matrix < 0).any(0), 1, 0)
    if ((matrix > 0).any(0) & (matrix < 0).any(0)).any():
        return
    start = np.concatenate([[0], np.flatnonzero(np.diff(sign)) + 1, [len(sign)]])
    for left, right in pairwise(start):
        if sign[left]:
            ax.text(
                (left + right - 1) / 2,
                1.01,
                "+" if sign[left] > 0 else "\N{MINUS SIGN}",
                ha="center",
                va="bottom",
                transform=ax.get_xaxis_transform(),
            )


def _groups(wiring: Any) -> tuple[np.ndarray, list[str], list[int], str]:
    """(matrix, names of the groups, their sizes, what a group is) of AreaMasks or of a Wiring."""
    if hasattr(wiring, "hidden_mask"):
        sizes = [len(nodes) for nodes in wiring.node_assignment]
        return wiring.hidden_mask, [str(area) for area in range(len(sizes))], sizes, "area"
    if not hasattr(wiring, "polarity"):
        raise ValueError(f"cannot draw blocks of {type(wiring).__name__}; give AreaMasks or a Wiring.")
    names = list(dict.fromkeys(wiring.role))
    order = np.argsort([names.index(role) for role in wiring.role], kind="stable")
    return wiring.polarity[np.ix_(order, order)], names, [wiring.role.count(name) for name in names], "layer"
