"""One LTC neuron with one sensory synapse: its input, its weight and the solver's step move; speed and
goal answer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import analysis, dynamics, simulate
from .base import Control, Explorer, Guess, Prediction, Preset, phrase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEURON = {"c": 1.0, "g_leak": 0.1, "e_leak": 0.0, "gamma": 8.0, "mu": 0.5}  # nF, µS, mV, -, -
PULSE = 20.0  # ms: the input is on for the whole steps that just cover it, then off for as long

PRESETS = [
    Preset(
        "A strong pulse",
        "Fast up, slow down: open channels make the neuron quick, shut ones leave it to its leak.",
    ),
    Preset(
        "No input", "Two channels in a hundred are open, and the neuron has little but its leak.", {"u": 0.0}
    ),
    Preset("A weak synapse", "A small conductance moves the goal less, and the speed less too.", {"w": 0.05}),
    Preset(
        "Inhibition",
        "The other reversal potential: the goal turns round, the speed stays. τ_sys knows no sign.",
        {"E": -1},
    ),
    Preset(
        "A longer step",
        "Nothing changed but the step. In silence 5 ms serve Euler well; in the pulse they do not. The fused "
        "steps stay in the box.",
        {"dt": 5.0},
    ),
]
SENTENCES = {
    "unmoved": ("same", "The input changes nothing: τ_sys = {on} ms."),
    "faster": ("good", "Input on: τ_sys = {on} ms, {gain:2} times as fast as off."),
    "explodes": ("bad", "Euler blows up: {dt} ms is more than 2 τ_sys."),
    "swings": ("bad", "Euler overshoots: {dt} ms is more than τ_sys."),
    "stable": ("same", "Euler is stable: {dt} ms is below τ_sys."),
}
PREDICTION = Prediction(
    (
        Guess(
            "same",
            "It hardly changes",
            "The goal is still close to E. The time constant is c divided by the whole conductance, and "
            "that falls to three fifths, so τ_sys grows from 1.7 to 2.9 ms.",
        ),
        Guess(
            "shorter",
            "It shrinks",
            (
                "Less input opens fewer channels. The conductance falls, and τ_sys, which is c divided by "
                "it, grows from 1.7 to 2.9 ms."
            ),
        ),
        Guess(
            "longer",
            "It grows a lot",
            (
                "Less input opens fewer channels. The conductance falls to three fifths, so τ_sys grows by "
                "two thirds, from 1.7 to 2.9 ms."
            ),
        ),
    ),
    right="longer",
)


class TimeConstantExplorer(Explorer):
    """Move input, weight and step of one LTC neuron: time constant, goal and two solvers answer against their
    bounds.

    The neuron is a ``dynamics.LTC`` cell; every number comes from ``dynamics``, ``simulate`` and
    ``analysis``.
    """

    key, drawing, tabulated = "time", "time_constant.js", False
    title = "One neuron, one synapse: a speed that flows"
    sentences, prediction = SENTENCES, PREDICTION
    play = {"knob": "u", "seconds": 6}
    question = (
        "The input u falls from 0.9 to 0.5, and the goal only from 0.83 to 0.71 mV. What becomes of the time "
        "constant τ_sys while the input is on?"
    )
    answer = (
        "While the input is on it grows by two thirds, from 1.7 to 2.9 ms: speed still listens to the "
        "conductance when the goal hardly does. After the pulse nothing changes: the channels are shut "
        "again, whatever u was before."
    )

    def __init__(self) -> None:
        super().__init__(
            [
                Control("u", "Input u", 0.9, low=0, high=1, step=0.01),
                Control("w", "Weight w", 0.5, low=0, high=1.5, step=0.05, unit="µS", more=True),
                Control("dt", "Step of the solvers", 1.5, low=0.5, high=8, step=0.5, unit="ms", more=True),
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
            neuron=NEURON,
            length=PULSE,
        )

    @staticmethod
    def cell(controls: dict[str, Any]) -> dynamics.LTC:
        """The neuron as a cell of the package."""
        one = lambda value: np.array([float(value)])
        none = np.zeros((1, 1))
        return dynamics.LTC(
            c=one(NEURON["c"]),
            g_leak=one(NEURON["g_leak"]),
            e_leak=one(NEURON["e_leak"]),
            w=none,
            gamma=none,
            mu=none,
            e_rev=none,
            w_in=one(controls["w"])[None],
            gamma_in=one(NEURON["gamma"])[None],
            mu_in=one(NEURON["mu"])[None],
            e_rev_in=one(controls["E"])[None],
        )

    def frame_of(self, controls: dict[str, Any]) -> dict[str, Any]:
        """Time constant and goal with the input off and on, both solvers' pulses, and the verdict."""
        cell, dt = self.cell(controls), controls["dt"]
        phases = {"off": np.zeros(1), "on": np.array([controls["u"]])}
        frame = {
            name: {
                "open": cell.gates_in(u)[0, 0],
                "tau": dynamics.time_constant(np.zeros(1), u, cell)[0],
                "goal": dynamics.effective_equilibrium(np.zeros(1), u, cell)[0],
            }
            for name, u in phases.items()
        }
        steps = math.ceil(PULSE / dt)
        u = np.array([phases["on"]] * steps + [phases["off"]] * steps)
        start = np.array([frame["off"]["goal"]])
        frame["start"], frame["pulse"] = start[0], steps * dt
        # gates are held: exact
        for name, method in (("exact", "exponential"), ("fused", "fused"), ("euler", "euler")):
            frame[name] = simulate.simulate(cell, u, start, dt, method=method)[:, 0]
        shortest, longest = analysis.time_constant_bounds(cell)
        frame["bounds"] = {
            "shortest": shortest[0],
            "longest": longest[0],
            "lo": min(NEURON["e_leak"], controls["E"]),
            "hi": max(NEURON["e_leak"], controls["E"]),
        }
        return frame | {"verdict": self.verdict(frame, controls)}

    @staticmethod
    def verdict(frame: dict[str, Any], controls: dict[str, Any]) -> list[list[str]]:
        """Speed and solver in one sentence each; time_constant.js chooses them by the same rule."""
        on, off, dt = frame["on"]["tau"], frame["off"]["tau"], controls["dt"]
        gain = off / on
        speed = "unmoved" if gain < 1 + 1e-9 else "faster"
        step = "explodes" if dt > 2 * on else "swings" if dt > on else "stable"
        values = {"on": on, "gain": gain, "dt": dt}
        return [phrase(SENTENCES[name], **values) for name in (speed, step)]

    def describe(self, frame: dict[str, Any]) -> str:
        """One frame in words, for the picture's alt text."""
        controls = frame["controls"]
        return (
            f"Input {controls['u']:g}, weight {controls['w']:g} µS. "
            + " ".join(text for _, text in frame["verdict"])
        ).replace("_", " ")

    def picture(self, frame: dict[str, Any]) -> Figure:
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        controls, bounds, pulse = frame["controls"], frame["bounds"], frame["pulse"]
        fig, (state, speed) = plots.figure(8.6, 3.4, ncols=2, width_ratios=[1.4, 1])
        t = controls["dt"] * np.arange(len(frame["exact"]) + 1)
        lo, hi = bounds["lo"] - 0.25, bounds["hi"] + 0.25
        runs = {name: np.clip([frame["start"], *frame[name]], lo, hi) for name in ("exact", "fused", "euler")}
        state.set(ylim=(lo, hi), xlabel="time (ms)", ylabel="state (mV)")
        # those of the drawing
        looks = {
            "exact": {"color": plots.INK},
            "fused": {"color": plots.BLUE, "marker": "o", "ls": ""},
            "euler": {"color": plots.VERMILLION, "marker": "x", "ls": ""},
        }
        for name, look in looks.items():
            state.plot(t, runs[name], label=name.replace("euler", "Euler"), markersize=5, **look)
        plots.name_above(state)
        plots.shade_pulse(0, pulse, state, name="input on")
        plots.draw_bounds(bounds["lo"], bounds["hi"], state)
        u = np.linspace(0, 1, 101)[:, None]
        tau = dynamics.time_constant(np.zeros((101, 1)), u, self.cell(controls))[:, 0]
        speed.set(
            ylim=(0, 1.15 * bounds["longest"]), xlabel="input u", title="Time constant (ms) and its bounds"
        )
        speed.plot(u[:, 0], tau, color=plots.INK)
        speed.plot(controls["u"], frame["on"]["tau"], "o", mfc="w", mec=plots.INK, mew=2, ms=8)
        plots.draw_bounds(bounds["shortest"], bounds["longest"], speed)
        return fig
