"""The Lyapunov plane: one weak synapse moves from j to k. Does V = e'Pe fall faster, and is it a Lyapunov
function at all?
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import analysis, dynamics
from .base import Control, Explorer, Guess, Prediction, Preset, format_number, phrase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# the open share s of the synapse (x_i is held), c in nF, both leaks in µS
GATE, CAPACITANCE, LEAK = 0.5, 1.0, 1.0
INPUT = np.array([np.log(GATE / (1 - GATE))])
REACH, LENGTH = 1.5, 4.0  # the plane drawn, in mV, and the time drawn, in ms

ORIGIN: dict[str, float | str] = {"about": "origin", "q": 0.0}
PRESETS = [
    Preset(
        "W = 1 µS", "V measures the distance from where each network rests. With this W it falls everywhere."
    ),
    Preset(
        "W = 18 µS",
        "V is a Lyapunov function before the event. A larger W alone takes that away.",
        {"W": 18.0},
    ),
    Preset(
        "No tilt, W = 18 µS",
        "The same event. Without a tilt V falls everywhere, for every W.",
        {"W": 18.0, "q": 0.0},
    ),
    Preset(
        "Published example",
        "V about the origin. It rises after the event, although the network goes to rest.",
        ORIGIN | {"x_j": 0.0, "x_k": 0.2},
    ),
    Preset(
        "Beyond E",
        "Outside the interval from 0 to E the new synapse pulls back towards 0: V falls faster.",
        ORIGIN | {"x_j": 0.0, "x_k": 1.3},
    ),
    Preset(
        "State (½, ½)",
        "V used to fall, now it falls more slowly. So says P\u00a0=\u00a0I.",
        ORIGIN | {"x_j": 0.5, "x_k": 0.5},
    ),
    Preset(
        "Another P",
        "The same event at the same state (½, ½). Only P has changed, and with it the verdict.",
        ORIGIN | {"x_j": 0.5, "x_k": 0.5, "p": 4.0, "q": -0.95},
    ),
]

FATES = {
    "same": ("same", "changes as before"),
    "rises_slower": ("good", "rises more slowly"),
    "now_falls": ("good", "now falls"),
    "falls_faster": ("good", "falls faster"),
    "rises_faster": ("bad", "rises faster"),
    "now_rises": ("bad", "now rises"),
    "falls_slower": ("bad", "falls more slowly"),
}
PROOFS = {
    "both": ("good", "before and after"),
    "lost": ("bad", "before, no longer after"),
    "gained": ("good", "only after the event"),
    "never": ("bad", "neither before nor after"),
}
SENTENCES = {
    **{
        name: (tone, f"Here V {fate}: dV/dt {{was:+}}\u00a0→\u00a0{{now:+}}.")
        for name, (tone, fate) in FATES.items()
    },
    **{
        name: (
            tone,
            (
                f"A Lyapunov function {when}: |q|\u2060\u00a0=\u00a0{{q}}, limit "
                f"{{before}}\u00a0→\u00a0{{after}}."
            ),
        )
        for name, (tone, when) in PROOFS.items()
    },
    "origin": ("bad", "No Lyapunov function after the event: rest is at ({j},\u00a0{k})\u00a0mV, not at 0."),
}


class PlaneExplorer(Explorer):
    """The Lyapunov plane: drag the state of two targets, tilt P, choose the centre of V, and read what the
    event does.

    Neuron i (held, its gate open by s = 0.5) drives j through w before the event and k through W after it;
    both are ``dynamics.LTC`` cells with two neurons and one input. V = e'Pe with P = [[p, q sqrt(p)], [q
    sqrt(p), 1]], positive definite for abs(q) < 1. About the origin e is the state; about its own rest e is
    the distance, in mV, from the equilibrium that each cell has. Every number comes from ``analysis``.
    """

    key, drawing, tabulated = "plane", "plane.js", False
    title = "The Lyapunov plane: drag the state, tilt P, choose the centre"
    sentences = SENTENCES
    question = (
        "V is about the network’s own rest, with the tilt q\u00a0=\u00a00.8, and it falls everywhere before "
        "the event. Make the new synapse stronger, up to W\u00a0=\u00a020\u00a0µS. Does V fall everywhere "
        "after the event, too?"
    )
    answer = (
        "About its own rest each network obeys de/dt = −Λe, and dV/dt = −eᵀ(PΛ + ΛP)e. That is negative for "
        "every e only if |q| is below 2√(λ_jλ_k) / (λ_j + λ_k). A larger W raises λ_k alone and lowers this "
        "limit; at W = 6 µS it is 0.8. The network goes to rest all the same. It is only this V that no "
        "longer shows it."
    )
    prediction = Prediction(
        (
            Guess(
                "always",
                "Yes, for every W",
                "With q = 0.8 it does so only up to W = 6 µS. A larger W makes k decay faster, and "
                "still V rises at some points: so unequal rates do not go with so tilted an ellipse.",
            ),
            Guess(
                "some",
                "Only up to some W",
                "With q = 0.8 that is W = 6 µS. From there on k decays more than four times as fast as "
                "j, and V rises at some points.",
            ),
            Guess(
                "never",
                "No, for no W",
                "For a small W it does: then j and k decay almost alike, and the tilt matters little. With "
                "q = 0.8 it takes more than W = 6 µS before V rises at some points.",
            ),
        ),
        right="some",
    )
    play = {"knob": "W", "seconds": 8}

    def __init__(self) -> None:
        state: dict[str, Any] = {
            "kind": "range",
            "low": -REACH,
            "high": REACH,
            "step": 0.05,
            "unit": "mV",
            "more": True,
        }
        super().__init__(
            [
                Control("W", "New weight W", 1.0, low=0.05, high=20, step=0.05, unit="µS"),
                Control("w", "Old weight w", 0.02, low=0, high=1, step=0.01, unit="µS", more=True),
                Control("q", "P: tilt q", 0.8, low=-0.95, high=0.95, step=0.05, more=True),
                Control("p", "P: weight p", 1.0, low=0.25, high=4, step=0.05, more=True),
                Control("x_j", "Point, j", 1.0, **state),
                Control("x_k", "Point, k", -0.45, **state),
                Control(
                    "about",
                    "V is about",
                    "rest",
                    kind="select",
                    options=(("origin", "the origin"), ("rest", "its own rest")),
                    more=True,
                ),
                Control(
                    "E",
                    "Reversal potential E",
                    1,
                    kind="select",
                    options=((1, "+1 mV"), (-1, "−1 mV")),
                    more=True,
                ),
            ],
            PRESETS,
            gate=GATE,
            capacitance=CAPACITANCE,
            leak=LEAK,
            reach=REACH,
            length=LENGTH,
        )

    @staticmethod
    def cells(controls: dict[str, Any]) -> list[dynamics.LTC]:
        """The cell before and the cell after the event: neurons (j, k), one input i."""
        none, column = np.zeros((2, 2)), np.ones((2, 1))
        return [
            dynamics.LTC(
                c=np.full(2, CAPACITANCE),
                g_leak=np.full(2, LEAK),
                e_leak=np.zeros(2),
                w=none,
                gamma=none,
                mu=none,
                e_rev=none,
                w_in=np.array(w)[:, None],
                gamma_in=column,
                mu_in=0 * column,
                e_rev_in=controls["E"] * column,
            )
            for w in ([controls["w"], 0.0], [0.0, controls["W"]])
        ]

    @staticmethod
    def times() -> np.ndarray:
        """Times of the curve of V, (41,) in ms, closer together at the start."""
        return LENGTH * (np.arange(41) / 40) ** 2

    @staticmethod
    def matrix(controls: dict[str, Any]) -> np.ndarray:
        """P, (2, 2), symmetric and positive definite."""
        root = controls["q"] * np.sqrt(controls["p"])
        return np.array([[controls["p"], root], [root, 1.0]])

    def frame_of(self, controls: dict[str, Any]) -> dict[str, Any]:
        """For both cells: centre, velocity, V's derivative, rest, decay rates, the largest q, and V over
        time / V(0).
        """
        point, P = np.array([controls["x_j"], controls["x_k"]]), self.matrix(controls)
        t = self.times()[:, None]
        V = float(analysis.lyapunov_value(point, P))
        frame: dict[str, Any] = {"V": V}
        for name, cell in zip(("before", "after"), self.cells(controls), strict=True):
            # no recurrence: the same at every state
            rest = dynamics.effective_equilibrium(np.zeros(2), INPUT, cell)
            centre = rest if controls["about"] == "rest" else np.zeros(2)
            x, decay = centre + point, 1 / dynamics.time_constant(point, INPUT, cell)
            run = rest + (x - rest) * np.exp(-decay * t)
            frame[name] = {
                "vdot": analysis.lyapunov_derivative(x, INPUT, cell, P, centre),
                "velocity": dynamics.vector_field(0, x, INPUT, cell),
                "rest": rest,
                "decay": decay,
                "limit": 2 * np.sqrt(decay.prod()) / decay.sum(),
                "curve": analysis.lyapunov_value(run, P, centre) / V if V else None,
            }
        frame["change"] = frame["after"]["vdot"] - frame["before"]["vdot"]
        return frame | {"verdict": self.verdict(frame, controls)}

    @staticmethod
    def verdict(frame: dict[str, Any], controls: dict[str, Any]) -> list[list[str]]:
        """What the event does to dV/dt at the point, and whether V is a Lyapunov function; plane.js
        chooses by the same rule.
        """
        before, after = frame["before"], frame["after"]
        was_up, up = (side["vdot"] > 1e-12 for side in (before, after))
        fate = (
            "same"
            if abs(frame["change"]) < 1e-12
            else ("rises_slower" if up else "now_falls" if was_up else "falls_faster")
            if frame["change"] < 0
            else ("rises_faster" if was_up else "now_rises")
            if up
            else "falls_slower"
        )
        first = phrase(SENTENCES[fate], was=before["vdot"], now=after["vdot"])
        if controls["about"] == "origin":
            return [first, phrase(SENTENCES["origin"], j=after["rest"][0], k=after["rest"][1])]
        q = abs(controls["q"])
        was, now = (q < side["limit"] for side in (before, after))
        proof = "both" if was and now else "lost" if was else "gained" if now else "never"
        return [first, phrase(SENTENCES[proof], q=q, before=before["limit"], after=after["limit"])]

    def describe(self, frame: dict[str, Any]) -> str:
        """One frame in words, for the picture's alt text."""
        c = frame["controls"]
        name = "State" if c["about"] == "origin" else "Distance from rest"
        return (
            f"{name} ({format_number(c['x_j'])}, {format_number(c['x_k'])}) mV. "
            + " ".join(text for _, text in frame["verdict"])
        ).replace("_", " ")

    def picture(self, frame: dict[str, Any]) -> Figure:
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        c, P = frame["controls"], self.matrix(frame["controls"])
        fig, (plane, time) = plots.figure(9, 4.2, ncols=2, width_ratios=[1.1, 1])
        X = np.stack(np.meshgrid(*[np.linspace(-REACH, REACH, 161)] * 2), -1)
        slopes = []
        for side, cell in zip(("before", "after"), self.cells(c), strict=True):
            centre = frame[side]["rest"] if c["about"] == "rest" else np.zeros(2)
            slopes.append(analysis.lyapunov_derivative(X + centre, INPUT, cell, P, centre))
        area = plane.contourf(
            X[..., 0],
            X[..., 1],
            slopes[1] - slopes[0],
            levels=[1e-12, np.inf],
            colors="none",
            hatches=["////"],
        )
        area.set(facecolor="none", edgecolor=plots.VERMILLION, linewidth=0)
        point = np.array([c["x_j"], c["x_k"]])
        plane.contour(
            X[..., 0],
            X[..., 1],
            analysis.lyapunov_value(X, P),
            levels=[max(frame["V"], 1e-9)],
            colors=plots.BLUE,
        )
        for side, colour in (("before", plots.GREY), ("after", plots.INK)):
            plane.quiver(
                *point,
                *frame[side]["velocity"],
                angles="xy",
                scale_units="xy",
                scale=1.5,
                color=colour,
                width=0.008,
            )
            if c["about"] == "origin":
                plane.plot(*frame[side]["rest"], "o", color=colour, label=f"rest {side}")
            if frame[side]["curve"]:
                time.plot(
                    self.times(),
                    frame[side]["curve"],
                    color=colour,
                    label=side,
                    ls="--" if side == "before" else "-",
                )
        plane.plot(*point, "o", mfc="w", mec=plots.INK, mew=2, markersize=8)
        what = "x" if c["about"] == "origin" else "e"
        plane.set(
            xlim=(-REACH, REACH),
            ylim=(-REACH, REACH),
            aspect="equal",
            xlabel=f"${what}_j$ (mV)",
            ylabel=f"${what}_k$ (mV)",
            title="Hatched: dV/dt is larger after the event",
        )
        time.set(xlabel="time (ms)", ylabel="V / V(0)", ylim=(0, 3), title="V from this point")
        time.legend()
        return fig
