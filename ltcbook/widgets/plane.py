"""The Lyapunov plane: one weak synapse moves from j to k. Does V = e'Pe fall faster, and is it a Lyapunov function at all?"""

import numpy as np

from .. import analysis, dynamics
from .base import Control, Explorer, Preset, signed, words

GATE, CAPACITANCE, LEAK = 0.5, 1.0, 1.0  # the open share s of the synapse (x_i is held), c in nF, both leaks in µS
INPUT = np.array([np.log(GATE / (1 - GATE))])
REACH, LENGTH = 1.5, 4.0  # the plane drawn, in mV, and the time drawn, in ms

PRESETS = [
    Preset("Published example", "W is 50 times w. V rises after the event, although the network goes to rest."),
    Preset("Beyond E", "Outside the interval from 0 to E the new synapse pulls back towards 0: V falls faster.",
           {"x_j": 0.0, "x_k": 1.3}),
    Preset("State (½, ½)", "V used to fall, now it falls slower. So says P\u00a0=\u00a0I.", {"x_j": 0.5, "x_k": 0.5}),
    Preset("Another P", "The same event at the same state (½, ½). Only P has changed, and with it the verdict.",
           {"x_j": 0.5, "x_k": 0.5, "p": 4.0, "q": -0.95}),
    Preset("About its own rest", "Now V measures the distance from where each network rests. It falls everywhere.",
           {"about": "rest", "x_j": 0.0, "x_k": 0.8}),
    Preset("W breaks V", "V is a Lyapunov function before the event. A larger W alone takes that away.",
           {"about": "rest", "w": 0.2, "W": 18.0, "q": 0.8, "x_j": 1.0, "x_k": -0.45}),
]


class PlaneExplorer(Explorer):
    """The Lyapunov plane: drag the state of two targets, tilt P, choose the centre of V, and read what the event does.

    Neuron i (held, its gate open by s = 0.5) drives j through w before the event and k through W after it; both are
    ``dynamics.LTC`` cells with two neurons and one input. V = e'Pe with P = [[p, q sqrt(p)], [q sqrt(p), 1]], positive
    definite for abs(q) < 1. About the origin e is the state; about its own rest e is the distance, in mV, from the
    equilibrium that each cell has. Every number comes from ``analysis``.
    """

    key, drawing, tabulated = "plane", "plane.js", False
    title = "The Lyapunov plane: drag the state, tilt P, choose the centre"
    question = ("A weak synapse moves from j to k and becomes 50 times stronger. The state is (0,\u00a00.2). "
                "Must V\u00a0=\u00a0x_j²\u00a0+\u00a0x_k² fall faster than before?")
    answer = ("No. It rises. The new synapse pulls x_k towards its reversal potential E, not towards 0; between 0 and E, "
              "just where states live, that makes V grow. And V is about the origin, where nothing rests.")

    def __init__(self):
        state = {"kind": "range", "low": -REACH, "high": REACH, "step": 0.05, "unit": "mV"}
        super().__init__([
            Control("about", "V is about", "origin", kind="select", options=(("origin", "the origin"), ("rest", "its own rest"))),
            Control("E", "Reversal potential E", 1, kind="select", options=((1, "+1 mV"), (-1, "−1 mV"))),
            Control("w", "Old weight w", 0.02, low=0, high=1, step=0.01, unit="µS"),
            Control("W", "New weight W", 1.0, low=0.05, high=20, step=0.05, unit="µS"),
            Control("p", "P: weight p", 1.0, low=0.25, high=4, step=0.05),
            Control("q", "P: tilt q", 0.0, low=-0.95, high=0.95, step=0.05),
            Control("x_j", "Point, j", 0.0, **state),
            Control("x_k", "Point, k", 0.2, **state),
        ], PRESETS, gate=GATE, capacitance=CAPACITANCE, leak=LEAK, reach=REACH, length=LENGTH)

    @staticmethod
    def cells(controls):
        """The cell before and the cell after the event: neurons (j, k), one input i."""
        none, column = np.zeros((2, 2)), np.ones((2, 1))
        return [dynamics.LTC(c=np.full(2, CAPACITANCE), g_leak=np.full(2, LEAK), e_leak=np.zeros(2), w=none, gamma=none,
                             mu=none, e_rev=none, w_in=np.array(w)[:, None], gamma_in=column, mu_in=0 * column,
                             e_rev_in=controls["E"] * column) for w in ([controls["w"], 0.0], [0.0, controls["W"]])]

    @staticmethod
    def times():
        """Times of the curve of V, (41,) in ms, closer together at the start."""
        return LENGTH * (np.arange(41) / 40) ** 2

    @staticmethod
    def matrix(controls):
        """P, (2, 2), symmetric and positive definite."""
        root = controls["q"] * np.sqrt(controls["p"])
        return np.array([[controls["p"], root], [root, 1.0]])

    def frame_of(self, controls):
        """For both cells: centre, velocity, V's derivative, rest, decay rates, the largest q, and V over time / V(0)."""
        point, P = np.array([controls["x_j"], controls["x_k"]]), self.matrix(controls)
        t = self.times()[:, None]
        V = float(analysis.lyapunov_value(point, P))
        frame = {"V": V}
        for name, cell in zip(("before", "after"), self.cells(controls), strict=True):
            rest = dynamics.effective_equilibrium(np.zeros(2), INPUT, cell)  # no recurrence: the same at every state
            centre = rest if controls["about"] == "rest" else np.zeros(2)
            x, decay = centre + point, 1 / dynamics.time_constant(point, INPUT, cell)
            run = rest + (x - rest) * np.exp(-decay * t)
            frame[name] = {
                "vdot": analysis.lyapunov_derivative(x, INPUT, cell, P, centre),
                "velocity": dynamics.vector_field(0, x, INPUT, cell), "rest": rest, "decay": decay,
                "limit": 2 * np.sqrt(decay.prod()) / decay.sum(),
                "curve": analysis.lyapunov_value(run, P, centre) / V if V else None}
        frame["change"] = frame["after"]["vdot"] - frame["before"]["vdot"]
        return frame | {"verdict": self.verdict(frame, controls)}

    @staticmethod
    def verdict(frame, controls):
        """What the event does to dV/dt at the point, and whether V is a Lyapunov function; plane.js says the same words."""
        before, after, change = frame["before"], frame["after"], frame["change"]
        still = abs(change) < 1e-12
        was_up, up = (side["vdot"] > 1e-12 for side in (before, after))
        fate = ("is unchanged" if still
                else ("rises more slowly" if up else "now falls" if was_up else "falls faster") if change < 0
                else ("rises faster" if was_up else "now rises") if up else "falls slower")
        first = ["same" if still else "good" if change < 0 else "bad",
                 f"At this point V {fate}: dV/dt {signed(before['vdot'])}\u00a0→\u00a0{signed(after['vdot'])} per ms."]
        if controls["about"] == "origin":
            return [first, ["bad", ("This V is no Lyapunov function after the event: the network does not rest at the origin, "
                                    f"it goes to ({words(after['rest'][0])},\u00a0{words(after['rest'][1])})\u00a0mV.")]]
        q = abs(controls["q"])
        was, now = (q < side["limit"] for side in (before, after))
        proof = ("before and after" if was and now else "before, but no longer after" if was else
                 "only after" if now else "neither before nor after")
        limits = f"|q| = {words(q)}, allowed below {words(before['limit'])}\u00a0→\u00a0{words(after['limit'])}"
        return [first, ["good" if now else "bad", f"V is a Lyapunov function {proof} the event: {limits}."]]

    def describe(self, frame):
        """One frame in words, for the picture's alt text."""
        c = frame["controls"]
        name = "State" if c["about"] == "origin" else "Distance from rest"
        return (f"{name} ({words(c['x_j'])}, {words(c['x_k'])}) mV. "
                + " ".join(text for _, text in frame["verdict"])).replace("_", " ")

    def picture(self, frame):
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        c, P = frame["controls"], self.matrix(frame["controls"])
        fig, (plane, time) = plots.figure(9, 4.2, ncols=2, width_ratios=[1.1, 1])
        X = np.stack(np.meshgrid(*[np.linspace(-REACH, REACH, 161)] * 2), -1)
        slopes = []
        for side, cell in zip(("before", "after"), self.cells(c), strict=True):
            centre = frame[side]["rest"] if c["about"] == "rest" else np.zeros(2)
            slopes.append(analysis.lyapunov_derivative(X + centre, INPUT, cell, P, centre))
        area = plane.contourf(X[..., 0], X[..., 1], slopes[1] - slopes[0], levels=[1e-12, np.inf], colors="none", hatches=["////"])
        area.set(facecolor="none", edgecolor=plots.VERMILLION, linewidth=0)
        point = np.array([c["x_j"], c["x_k"]])
        plane.contour(X[..., 0], X[..., 1], analysis.lyapunov_value(X, P), levels=[max(frame["V"], 1e-9)], colors=plots.BLUE)
        for side, colour in (("before", plots.GREY), ("after", plots.INK)):
            plane.quiver(*point, *frame[side]["velocity"], angles="xy", scale_units="xy", scale=1.5, color=colour, width=0.008)
            if c["about"] == "origin":
                plane.plot(*frame[side]["rest"], "o", color=colour, label=f"rest {side}")
            if frame[side]["curve"]:
                time.plot(self.times(), frame[side]["curve"], color=colour, label=side,
                          ls="--" if side == "before" else "-")
        plane.plot(*point, "o", mfc="w", mec=plots.INK, mew=2, markersize=8)
        what = "x" if c["about"] == "origin" else "e"
        plane.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", xlabel=f"${what}_j$ (mV)", ylabel=f"${what}_k$ (mV)",
                  title="Hatched: dV/dt is larger after the event")
        time.set(xlabel="time (ms)", ylabel="V / V(0)", ylim=(0, 3), title="V from this point")
        time.legend()
        return fig
