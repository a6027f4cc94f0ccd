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


def plane_figure(frame):
    """The state plane with the regions of claim 1, and the eigenvalues of claim 2 before and after."""
    from .. import plots

    controls, E = frame["controls"], frame["controls"]["E"]
    fig, (plane, modes) = plots.figure(9, 4.2, ncols=2, width_ratios=[1.1, 1])
    x = np.linspace(-1.5, 1.5, 200)
    root = np.sqrt(np.maximum(0, E * E / 4 + controls["w_ij"] / controls["w_ik"] * x * (x - E)))
    if frame["cut"]:
        plane.fill_between(x, E / 2 - root, E / 2 + root, facecolor="none", edgecolor=plots.VERMILLION, hatch="////",
                           alpha=0.5)
        for height, text in ((0.8 * E, "claim 1 fails"), (-1.3 * E, "claim 1 holds")):
            plane.text(-1.4, height, text, va="center", bbox={"fc": "w", "ec": "none", "pad": 1.5})
    box = np.array([0, 0, 1, 1, 0]), np.array([0, 1, 1, 0, 0])
    plane.plot(E * box[0], E * box[1], "--", color=plots.INK, lw=1.2, label="where states live")
    plane.plot(*frame["before"]["rest"], "o", mfc="none", mec=plots.GREY, label="rest before")
    plane.plot(*frame["after"]["rest"], "o", color=plots.GREEN, label="rest after")
    plane.plot(controls["x_j"], controls["x_k"], "o", mfc="w", mec=plots.INK, mew=2, markersize=8, label="state")
    plane.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", xlabel="$x_j$ (mV)", ylabel="$x_k$ (mV)",
              title="Does $V = x_j^2 + x_k^2$ fall faster?")
    plane.legend(loc="lower right", frameon=True)
    for row, side, name in ((1, "before", plots.GREY), (0, "after", plots.INK)):
        for value, marker in zip(frame[side]["eigenvalues"], "oD", strict=True):
            modes.plot(value, row, marker, mfc="none" if row else name, mec=name, markersize=8)
        modes.text(-frame[side]["rate"], row - 0.2, f"slowest −{frame[side]['rate']:.3g}", ha="center")
    modes.axvline(0, color=plots.VERMILLION, lw=1.2)
    modes.margins(x=0.25)
    modes.locator_params(axis="x", nbins=5)
    modes.set(ylim=(-0.5, 1.5), yticks=[0, 1], yticklabels=["after", "before"],
              xlabel="eigenvalue (1/ms): circle j, diamond k", title="The slowest mode decides")
    return fig
