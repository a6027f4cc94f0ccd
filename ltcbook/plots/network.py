"""Pictures of wirings: the layered graph and the signed adjacency matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..validation import choice, percent
from .areas import areas_alt, draw_areas
from .picture import BLUE, GREY, INK, ORANGE, VERMILLION
from .text import count, listing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from matplotlib.axes import Axes

    from ..wiring import AreaMasks, Wiring

HALO = "#ffd24a"
LAYERS = ("sensory", "inter", "command", "motor", "hidden")
SHAPES = {"sensory": ">", "inter": "s", "command": "o", "motor": "H", "hidden": "o"}  # as in the explorers


def draw_wiring(wiring: Wiring | AreaMasks, ax: Axes, *, kind: Literal["graph", "matrix"] = "graph") -> Axes:
    """A wiring as its layered graph (``draw_network``) or, kind="matrix", as its matrix in blocks
    (``draw_areas``): within a layer or area, forward, backward.

    wiring: a Wiring, or AreaMasks for the matrix. Returns ax. Raises ValueError for another kind.
    """
    draw: Callable[..., Axes] = draw_network if _kind_of(wiring, kind) == "graph" else draw_areas
    return draw(wiring, ax)


def wiring_alt(wiring: Wiring | AreaMasks, *, kind: Literal["graph", "matrix"] = "graph") -> str:
    """Alternative text for ``draw_wiring``, from the data."""
    words: Callable[..., str] = network_alt if _kind_of(wiring, kind) == "graph" else areas_alt
    return words(wiring)


def _kind_of(wiring: Wiring | AreaMasks, kind: str) -> str:
    choice("kind", kind, ("graph", "matrix"))
    if kind == "graph" and not hasattr(wiring, "polarity"):
        raise ValueError(
            f"{type(wiring).__name__} has no layered graph; choose kind='matrix' or give a Wiring."
        )
    return kind


def positions(wiring: Wiring) -> dict[Any, tuple[float, float]]:
    """{node: (x, y)} in a layered drawing: node i or ("sensory", k); layers from left to right, y in [0,
    1].
    """
    layers: dict[str, list[Any]] = {"sensory": [("sensory", k) for k in range(wiring.m)]}
    for i, role in enumerate(wiring.role):
        layers.setdefault(role, []).append(i)
    present = [name for name in LAYERS if layers.get(name)]
    return {
        node: (float(column), (rank + 0.5) / len(layers[name]))
        for column, name in enumerate(present)
        for rank, node in enumerate(layers[name])
    }


def draw_network(
    wiring: Wiring,
    ax: Axes,
    *,
    cut: Collection[tuple[int, int]] = (),
    grown: Collection[tuple[int, int]] = (),
    cut_in: Collection[tuple[int, int]] = (),
    grown_in: Collection[tuple[int, int]] = (),
    tips: bool = False,
) -> Axes:
    """Layered graph: blue solid synapses excite, vermillion dashed ones inhibit; cut ones grey and dotted,
    grown ones thick.

    cut, grown: edge lists (source, target) as ``pruning.Rewired`` reports them; the wiring is the one after
    the event. tips: draw as the explorers do: each synapse is solid and ends in an arrow (excites) or a bar
    (inhibits), cut ones are dashed, grown ones have a halo, and all neurons are hollow.
    """
    at = positions(wiring)
    new = {(s, t) for s, t in grown} | {(("sensory", s), t) for s, t in grown_in}
    edges = wiring.edges() + [(("sensory", s), t, sign) for s, t, sign in wiring.edges_in()]
    for source, target, sign in edges:
        strong = (source, target) in new
        if strong and tips:
            _draw_edge(ax, at, source, target, color=HALO, lw=7, alpha=0.4, zorder=0)
        _draw_edge(
            ax,
            at,
            source,
            target,
            color=BLUE if sign > 0 else VERMILLION,
            tip=sign if tips else 0,
            ls="-" if sign > 0 or tips else (0, (4, 2)),
            lw=2.4 if strong else 0.8,
            alpha=1 if strong else 0.6,
            zorder=3 if strong else 1,
        )
    for source, target in [(s, t) for s, t in cut] + [(("sensory", s), t) for s, t in cut_in]:
        _draw_edge(
            ax, at, source, target, color=GREY, ls=(0, (3, 4)) if tips else ":", lw=1.4, alpha=0.9, zorder=2
        )
    for role in LAYERS:
        nodes = [node for node in at if (node[0] if isinstance(node, tuple) else wiring.role[node]) == role]
        if nodes:
            x, y = np.transpose([at[node] for node in nodes])
            full = {"color": ORANGE if role == "motor" else INK, "linewidths": 0}
            ax.scatter(
                x, y, s=70, marker=SHAPES[role], zorder=5, **({"c": "w", "edgecolors": INK} if tips else full)
            )
            ax.text(x[0], 1.04, role, ha="center", va="bottom")
    ax.set(xlim=(-0.25, max(x for x, _ in at.values()) + 0.25), ylim=(-0.03, 1.12))
    ax.set_axis_off()
    return ax


def network_alt(
    wiring: Wiring,
    *,
    cut: Collection[tuple[int, int]] = (),
    grown: Collection[tuple[int, int]] = (),
    cut_in: Collection[tuple[int, int]] = (),
    grown_in: Collection[tuple[int, int]] = (),
) -> str:
    """Alternative text for ``draw_network``, from the data: neurons in each layer, synapses by sign, what
    an event moved.
    """
    text = f"Layered graph: {_layers(wiring)}; {_signed(wiring)}."
    lost, new = len(cut) + len(cut_in), len(grown) + len(grown_in)
    return (
        text
        if not lost + new
        else f"{text} {count(lost, 'synapse')} cut, drawn dotted, and {new} grown, drawn thick."
    )


def _layers(wiring: Wiring) -> str:
    sizes = {"sensory": wiring.m} | {role: wiring.role.count(role) for role in LAYERS[1:]}
    return listing(f"{size} {role}" for role, size in sizes.items() if size) + (
        " neuron" if wiring.n == 1 else " neurons"
    )


def _signed(wiring: Wiring) -> str:
    signs = [sign for *_, sign in wiring.edges() + wiring.edges_in()]
    return f"{count(len(signs), 'synapse')}, {signs.count(1)} excitatory and {signs.count(-1)} inhibitory"


def _draw_edge(
    ax: Axes, at: dict[Any, tuple[float, float]], source: Any, target: Any, tip: int = 0, **style: Any
) -> None:
    """One synapse; tip: 1 for an arrow at its target, -1 for a bar, 0 for none."""
    (x0, y0), (x1, y1) = at[source], at[target]
    t = np.linspace(0, 1, 40)
    if source == target:
        x, y = x0 + 0.07 * np.sin(2 * np.pi * t), y0 + 0.045 * (1 - np.cos(2 * np.pi * t))
    elif x0 == x1:
        x, y = x0 + 0.88 * (1 if y1 > y0 else -1) * t * (1 - t), y0 + (y1 - y0) * t
    else:
        x, y = np.array([x0, x1]), np.array([y0, y1])
    ax.plot(x, y, **style)
    if tip:
        look = {
            "arrowstyle": "-|>" if tip > 0 else "|-|,widthA=0,widthB=0.25",
            "shrinkA": 0,
            "shrinkB": 5,
            "mutation_scale": 8,
            "color": style["color"],
            "alpha": style["alpha"],
            "lw": 0.8 * style["lw"] + 0.4,
        }
        near = (x[-2], y[-2]) if len(x) > 2 else (x1 - 0.12 * (x1 - x0), y1 - 0.12 * (y1 - y0))
        ax.annotate("", (x1, y1), near, zorder=4, arrowprops=look)


def draw_adjacency(wiring: Wiring, ax: Axes) -> Axes:
    """Signed adjacency matrix, row = target, column = source, sensory sources first; + and - survive
    greyscale.
    """
    signs = np.hstack([wiring.polarity_in, wiring.polarity])
    for target, source in np.argwhere(signs):
        excites = signs[target, source] > 0
        ax.text(
            source,
            target,
            "+" if excites else "\N{MINUS SIGN}",
            ha="center",
            va="center",
            fontsize=9,
            color=BLUE if excites else VERMILLION,
            fontweight="bold",
        )
    ax.set(
        xlim=(-0.5, wiring.m + wiring.n - 0.5),
        ylim=(wiring.n - 0.5, -0.5),
        aspect="equal",
        xlabel="source (sensory, then neurons)",
        ylabel="target",
    )
    step = -(-(wiring.n + wiring.m) // 12)
    # each source by its own index, as in the edge lists
    own = [*range(0, wiring.m, step), *range(0, wiring.n, step)]
    ax.set_xticks([k if place < -(-wiring.m // step) else wiring.m + k for place, k in enumerate(own)], own)
    ax.set_yticks(range(0, wiring.n, step))
    ax.axvline(wiring.m - 0.5, color=GREY, lw=1)
    for edge in np.flatnonzero([a != b for a, b in zip(wiring.role, wiring.role[1:], strict=False)]) + 0.5:
        ax.axhline(edge, color=GREY, lw=0.6, ls=":")
        ax.axvline(wiring.m + edge, color=GREY, lw=0.6, ls=":")
    ax.spines[["top", "right"]].set_visible(True)
    return ax


def adjacency_alt(wiring: Wiring) -> str:
    """Alternative text for ``draw_adjacency``, from the data: its size, how full it is, synapses by sign,
    the largest fan-in.
    """
    cells = wiring.n * (wiring.n + wiring.m)
    return (
        f"Signed matrix of {count(wiring.n, 'target row')} and "
        f"{count(wiring.n + wiring.m, 'source column')}, of which {wiring.m} sensory: {_signed(wiring)}, "
        f"{percent(wiring.synapses / cells)} % of all possible; one neuron listens to {wiring.fan_in.min()} "
        f"to {wiring.fan_in.max()} sources."
    )
