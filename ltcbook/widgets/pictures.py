"""The explorers' default frames as still pictures, for print and for readers without JavaScript.

matplotlib is slow to load and not needed before a picture is drawn, so the functions import it, each for
itself.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..pruning import Rewired
    from ..tasks.lane import Drive


def png_bytes(fig: Figure, dpi: int) -> bytes:
    """The figure as PNG with few colours, thin lines included (a quarter of the size); the same figure,
    the same bytes.
    """
    from PIL import Image

    full, small = io.BytesIO(), io.BytesIO()
    fig.savefig(full, format="png", dpi=dpi, facecolor="white")
    Image.open(full).convert("RGB").quantize(64, method=Image.Quantize.FASTOCTREE).save(
        small, format="png", optimize=True
    )
    return small.getvalue()


def threshold_figure(spec: dict[str, Any], frame: dict[str, Any], event: Rewired) -> Figure:
    """Network after the event and eigenvalues before and after; in full also dV/dt for both functions V.

    Every mark and every dash means what it means in the explorer.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from .. import plots
    from ..plots.picture import STYLE

    with rc_context(STYLE):
        fig = Figure(figsize=(9, 3.6 if spec["compact"] else 5.4), layout="constrained")
        names: Any = (
            [["network", "spectrum"]] * 2
            if spec["compact"]
            else [["network", "spectrum"], ["network", "descent"]]
        )
        panes = fig.subplot_mosaic(names, width_ratios=[1.1, 1])
        plots.draw_network(
            event.wiring,
            panes["network"],
            cut=event.cut,
            grown=event.grown,
            cut_in=event.cut_in,
            grown_in=event.grown_in,
            tips=True,
        )
        panes["network"].set_title("Arrow: excites. Bar: inhibits. Dashed: cut. Haloed: new.")
        draw_eigenvalues(frame["before"], frame, panes["spectrum"])
        if "descent" in panes:
            draw_descent(spec["times"], frame, panes["descent"])
        fig.suptitle(frame["verdict"][0][1], fontsize=11)
    return fig


def draw_eigenvalues(before: dict[str, Any], after: dict[str, Any], ax: Axes) -> None:
    """Circles: the command block's eigenvalues; squares: −1/τ of inter and motor neurons. Hollow before,
    filled after.
    """
    from .. import plots

    circles = [np.array([re + 1j * im for re, im in part["command"]]) for part in (before, after)]
    plots.draw_spectrum(circles[0], circles[1], ax)
    looks: list[dict[str, Any]] = [
        {"fc": "none", "ec": plots.GREY, "s": 60},
        {"fc": plots.INK, "ec": "w", "s": 40},
    ]
    for part, look in zip((before, after), looks, strict=True):
        ax.scatter(part["own"], np.zeros(len(part["own"])), marker="s", zorder=3, **look)
    ax.set(
        xlim=(1.1 * min(*circles[0].real, *circles[1].real, *before["own"], *after["own"]), None),
        title="Eigenvalues (squares: −1/τ of one neuron)",
    )
    ax.legend(loc="upper center")


def draw_descent(times: list[float], frame: dict[str, Any], ax: Axes) -> None:
    """dV/dt over time after the event: solid for the certified V about the new equilibrium, dashed about
    the origin.
    """
    from .. import plots

    if frame["certified"] is not None:
        ax.plot(times, frame["certified"], color=plots.GREEN)
    if frame["origin"] is not None:
        plots.draw_derivative(times, {"": frame["origin"]}, ax, color=plots.PURPLE)
        ax.lines[-2].set_linestyle("--")  # the last line is the axis
    ax.set_yscale("asinh", linear_width=0.1)
    ax.set_yticks([-10, -1, -0.1, 0, 0.1], ["−10", "−1", "−0.1", "0", "0.1"])
    ax.set_yticks([], minor=True)
    ax.set(title="dV/dt: solid certified, dashed about 0")


ASPHALT, OWN, UNCUT = "#5d6670", "#ffc21f", "#a9dcff"  # as in the explorer's scene


def driver_figure(frame: dict[str, Any], event: Rewired, seen: Drive) -> Figure:
    """The circuit after the event, the road where the car drives, and how far both cars are from its middle.

    Solid is the drive after the event, dashed that of the uncut circuit, as in the explorer. seen: the
    ``lane.Drive`` of both, the uncut one first.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from .. import plots
    from ..plots.picture import STYLE
    from ..tasks import lane

    with rc_context(STYLE):
        fig = Figure(figsize=(9, 5), layout="constrained")
        panes = fig.subplot_mosaic(
            [["network", "road"], ["network", "offset"]], width_ratios=[1.1, 1], height_ratios=[1.25, 1]
        )
        plots.draw_network(
            event.wiring,
            panes["network"],
            cut=event.cut,
            grown=event.grown,
            cut_in=event.cut_in,
            grown_in=event.grown_in,
            tips=True,
        )
        panes["network"].set_title("Arrow: excites. Bar: inhibits. Dashed: cut. Haloed: new.")
        draw_road(seen, frame["last"], panes["road"])
        panes["road"].set_title("Road: solid this drive, dashed uncut")
        ax, time = panes["offset"], lane.FRAME * np.arange(len(frame["path"]["offset"]))
        ax.axhspan(-lane.EDGE, lane.EDGE, color=ASPHALT, alpha=0.2, lw=0)
        ax.plot(time, frame["before"]["offset"], color=plots.GREY, ls="--")
        ax.plot(time, np.array(frame["path"]["offset"], float), color=plots.INK)
        ax.set(xlabel="time, s", title="Distance from the middle, m (band: the road)", ylim=(-2.6, 2.6))
        fig.suptitle(
            f"T = {frame['controls']['T']:g} µS. " + " ".join(text for _, text in frame["verdict"]),
            fontsize=11,
        )
    return fig


def draw_road(seen: Drive, last: int, ax: Axes) -> None:
    """A stretch of road from above with the last metres of the second car, as a blue box, and both paths;
    metres.
    """
    from matplotlib.patches import Polygon, Rectangle
    from matplotlib.transforms import Affine2D

    from .. import plots
    from ..tasks import lane

    here = float(seen.s[1, last])
    along = np.arange(max(0, here - 30), here + 30, 0.5)
    middle, heading = (np.array([seen.road.at(np.full(2, s))[k][1] for s in along]) for k in (2, 1))
    side = np.stack([-np.sin(heading), np.cos(heading)], -1) * lane.EDGE
    ax.add_patch(Polygon(np.concatenate([middle + side, (middle - side)[::-1]]), fc=ASPHALT, ec="w", lw=1.5))
    uncut, own = (
        part[(seen.s[k] > along[0]) & (seen.s[k] < along[-1])] for k, part in enumerate(seen.places())
    )
    ax.plot(*uncut.T, color=UNCUT, ls="--", lw=2)
    ax.plot(*own.T, color=OWN, lw=2)
    angle = float(seen.road.at(seen.s[:, last])[1][1] + seen.heading[1, last])
    place = Affine2D().rotate(angle).translate(*own[-1])
    ax.add_patch(
        Rectangle((-2.1, -0.95), 4.2, 1.9, fc=plots.BLUE, ec="w", zorder=5, transform=place + ax.transData)
    )
    ax.set_aspect("equal")
    ax.autoscale_view()
    ax.axis("off")
