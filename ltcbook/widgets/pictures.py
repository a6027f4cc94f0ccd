"""The explorers' default frames as still pictures, for print and for readers without JavaScript.

matplotlib is slow to load and not needed before a picture is drawn, so the functions import it, each for itself.
"""

import io

import numpy as np


def png_bytes(fig, dpi):
    """The figure as PNG with few colours (a quarter of the size); the same figure always gives the same bytes."""
    from PIL import Image

    full, small = io.BytesIO(), io.BytesIO()
    fig.savefig(full, format="png", dpi=dpi, facecolor="white")
    Image.open(full).convert("RGB").quantize(48, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()


def complex_values(part):
    """The eigenvalues of one frame, own and command ones together."""
    return np.concatenate([np.asarray(part["own"], complex), [re + 1j * im for re, im in part["command"]]])


def threshold_figure(spec, frame, event):
    """Network after the event and eigenvalues before and after; in full also dV/dt for both functions V."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from .. import plots
    from ..plots.picture import STYLE

    with rc_context(STYLE):
        fig = Figure(figsize=(9, 3.6 if spec["compact"] else 5.4), layout="constrained")
        names = [["network", "spectrum"]] * 2 if spec["compact"] else [["network", "spectrum"], ["network", "descent"]]
        panes = fig.subplot_mosaic(names, width_ratios=[1.1, 1])
        plots.draw_network(event.wiring, panes["network"], cut=event.cut, grown=event.grown, cut_in=event.cut_in,
                           grown_in=event.grown_in)
        panes["network"].set_title("Thick: new. Dotted: cut. Dashed: inhibits.")
        plots.draw_spectrum(complex_values(spec["before"]), complex_values(frame), panes["spectrum"])
        panes["spectrum"].legend(loc="upper center")
        panes["spectrum"].set_title("Eigenvalues of the Jacobian")
        if "descent" in panes:
            draw_descent(spec["times"], frame, panes["descent"])
        fig.suptitle(frame["verdict"][0][1], fontsize=11)
    return fig


def draw_descent(times, frame, ax):
    """dV/dt over time after the event, for V about the origin and for the certified V about the new equilibrium."""
    from .. import plots

    if frame["origin"] is not None:
        plots.draw_derivative(times, {"": frame["origin"]}, ax, color=plots.PURPLE)
    if frame["certified"] is not None:
        ax.plot(times, frame["certified"], color=plots.GREEN, ls="--")
    ax.set_yscale("asinh", linear_width=0.1)
    ax.set_yticks([-10, -1, -0.1, 0, 0.1], ["−10", "−1", "−0.1", "0", "0.1"])
    ax.set_yticks([], minor=True)
    ax.set(title="dV/dt: solid about 0, as published; dashed certified")
