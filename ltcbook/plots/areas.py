"""The matrix of a wiring in blocks: within a group, forward, backward; each by colour, hatch and letter."""

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from .picture import GREEN, GREY, INK

# Okabe & Ito's green, blue and orange, the last two shifted to a contrast of 3:1 on white and on black alike,
# since the cells are one bitmap, which a dark page cannot recolour. kind -> (letter, colour, hatch)
KINDS = {"within": ("W", GREEN, ""), "forward": ("F", "#3a8fca", "////"),
         "backward": ("B", "#c97d00", "\\\\\\\\")}
PLATE, LETTER = "#1a1a1a", "#ffffff"  # a plate keeps its letter readable on light and dark pages
ROOM = 24  # up to so many neurons a cell has room for a sign


def draw_areas(wiring, ax, *, letters=True):
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
    cells = np.zeros((*matrix.shape, 4))
    for target in range(len(sizes)):
        for source in range(len(sizes)):
            letter, colour, hatch = KINDS[_kind(source, target)]
            rows, columns = slice(*edge[target:target + 2]), slice(*edge[source:source + 2])
            block = matrix[rows, columns]
            cells[rows, columns] = to_rgba(colour)
            cells[rows, columns, 3] = np.select([block > 0, block < 0], [1.0, 0.55], 0.0)
            corner = edge[source] - 0.5, edge[target] - 0.5
            ax.add_patch(Rectangle(corner, sizes[source], sizes[target], facecolor="none", hatch=hatch,
                                   edgecolor=GREY, alpha=0.55, linewidth=0, zorder=1))
            if letters:
                plate = {"boxstyle": "round,pad=0.25", "fc": PLATE, "ec": LETTER, "lw": 0.8}
                ax.text(middle[source], middle[target], letter, color=LETTER, ha="center", va="center",
                        fontweight="bold", zorder=5, bbox=plate)
    ax.imshow(cells, interpolation="nearest", zorder=2)
    for line in edge[1:-1] - 0.5:
        ax.axhline(line, color=INK, lw=1, zorder=3)
        ax.axvline(line, color=INK, lw=1, zorder=3)
    _mark_signs(ax, matrix)
    ax.set_xticks(middle, names, rotation=0 if len(names[0]) < 3 else 30)
    ax.set_yticks(middle, names)
    ax.tick_params(length=0)
    end = edge[-1] - 0.5
    ax.set(xlim=(-0.5, end), ylim=(end, -0.5), xlabel=f"source {of}", ylabel=f"target {of}")
    ax.spines[["top", "right"]].set_visible(True)
    return ax


def areas_alt(wiring):
    """Alternative text for ``draw_areas``, from the data: the share of synapses in each kind of block."""
    matrix, names, sizes, of = _groups(wiring)
    group = np.repeat(np.arange(len(sizes)), sizes)
    kinds = np.array([[_kind(source, target) for source in group] for target in group])
    shares = {kind: 100 * (matrix[kinds == kind] != 0).mean() for kind in KINDS if (kinds == kind).any()}
    return (f"Matrix of {len(matrix)} target rows and source columns in {len(sizes)} blocks by {of} "
            f"({', '.join(names)}); share of the possible synapses that exist: "
            f"{', '.join(f'{kind} {share:.0f} %' for kind, share in shares.items())}.")


def _kind(source, target):
    return "within" if source == target else "forward" if source < target else "backward"


def _mark_signs(ax, matrix):
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
    for left, right in zip(start, start[1:], strict=False):
        if sign[left]:
            ax.text((left + right - 1) / 2, 1.01, "+" if sign[left] > 0 else "\N{MINUS SIGN}", ha="center",
                    va="bottom", transform=ax.get_xaxis_transform())


def _groups(wiring):
    """(matrix, names of the groups, their sizes, what a group is) of AreaMasks or of a Wiring."""
    if hasattr(wiring, "hidden_mask"):
        sizes = [len(nodes) for nodes in wiring.node_assignment]
        return wiring.hidden_mask, [str(area) for area in range(len(sizes))], sizes, "area"
    if not hasattr(wiring, "polarity"):
        raise ValueError(f"cannot draw blocks of {type(wiring).__name__}; give AreaMasks or a Wiring.")
    names = list(dict.fromkeys(wiring.role))
    order = np.argsort([names.index(role) for role in wiring.role], kind="stable")
    return wiring.polarity[np.ix_(order, order)], names, [wiring.role.count(name) for name in names], "layer"
