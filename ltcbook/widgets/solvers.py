"""One LTC neuron that inhibits itself, four solvers, one step size: who does what the equation does?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import analysis, dynamics, simulate, solvers
from .base import Control, Explorer, Guess, Prediction, Preset, format_number, phrase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# nF, µS, mV, 1/mV, mV, mV
NEURON = {"c": 1.0, "g_leak": 0.2, "e_leak": 2.0, "gamma": 8.0, "mu": 0.2, "e_rev": -1.0}
SOLVERS = ("fused", "exponential", "extrapolated", "rk4")
NAMES = {"fused": "fused", "exponential": "exponential", "extrapolated": "extrapolated", "rk4": "RK4"}
LENGTH = 10.0  # ms drawn
FINE = 0.02  # ms: the longest step of the RK4 that stands for the exact solution
LONG = 2000  # steps after which a run that has neither settled nor begun to flip wanders
BEYOND = 1000.0  # mV: out there a run has exploded
ROOT = 2.785293563405282  # RK4's factor is 1 again at z = -ROOT

PRESETS = [
    Preset("Δ = 0.8 ms", "The step is 0.8 ms. Only the fused solver rests where the equation rests."),
    Preset(
        "Δ = 0.1 ms",
        "Extrapolation errs least of the three that read once per step; RK4 reads four times.",
        {"dt": 0.1, "start": -1.0},
    ),
    Preset(
        "Δ = 1.7 ms",
        "Twice the fused solver’s limit: all leave the rest, but three stay in the box.",
        {"dt": 1.7},
    ),
    Preset(
        "Strong synapse",
        "A stronger synapse, another start: RK4 is thrown far out, the others cannot leave.",
        {"w": 8.0, "dt": 1.0, "start": 2.0},
    ),
    Preset(
        "Weak synapse",
        "The gate hardly answers the state: the blends live with any step.",
        {"w": 0.1, "dt": 2.0},
    ),
]

SENTENCES = {
    "all": ("same", "The equation rests at {rest} mV; with Δ\u00a0=\u00a0{dt}\u00a0ms all four solvers do."),
    "some": ("bad", "The equation rests at {rest} mV; with Δ\u00a0=\u00a0{dt}\u00a0ms {who} steps do."),
    "one": ("bad", "The equation rests at {rest} mV; with Δ\u00a0=\u00a0{dt}\u00a0ms only {who} steps do."),
    "none": ("bad", "The equation rests at {rest} mV; with Δ\u00a0=\u00a0{dt}\u00a0ms no solver does."),
    "nearest": ("good", "Nearest on the way is {who}, {error:2}\u00a0mV off."),
    "wrong": ("bad", "{what}."),
    "rests": ("", "{name} rests there"),
    "false": ("", "{name} rests at {high}\u00a0mV"),
    "explodes": ("", "{name} explodes"),
    "wanders": ("", "{name} wanders"),
    "flips": ("", "{name} flips"),
    "cycles": ("", "{name} cycles"),
    "left": ("", "{what} after leaving the box"),
}


def critical_steps(a: float, rho: float, J: float) -> dict[str, float | None]:
    """Largest stable step in ms of each solver, None where every step is stable, at a rest with decay a
    (1/ms), negative feedback rho >= 0 and slope J = -a (1 + rho) in 1/ms. Source: chapter "Solvers".
    """
    share, halved = 2 / (1 + rho), 2 / (1 + 2 * rho)  # there a small error turns its sign and keeps its size
    return {
        "fused": share / (1 - share) / a if share < 1 else None,
        "exponential": -math.log(1 - share) / a if share < 1 else None,
        "extrapolated": -math.log(1 - halved) / a if halved < 1 else None,
        "rk4": -ROOT / J,
    }


class SolverExplorer(Explorer):
    """Move step and synapse of one LTC neuron that inhibits itself; four solvers run beside the exact one.

    Every number comes from ``dynamics``, ``simulate`` and ``analysis``; the drawing restates them, held to
    them.
    """

    key, drawing, tabulated = "solvers", "solvers.js", False
    title = "One step size, four solvers: who does what the equation does?"
    sentences = SENTENCES
    question = (
        "The equation settles near −0.09 mV. With steps of 0.8 ms, how many of the four solvers settle there?"
    )
    answer = (
        "One, the fused solver. The exponential and the extrapolated one never come to rest. RK4 does, calm "
        "and smooth, but at −0.173 mV: a rest that the equation does not have."
    )

    prediction = Prediction(
        (
            Guess(
                4,
                "All four",
                "With steps of 0.8 ms only the fused solver does. The exponential and the extrapolated one "
                "never come to rest, and RK4 rests at −0.173 mV, where the equation does not.",
            ),
            Guess(
                2,
                "Two",
                "RK4 does come to rest, but at −0.173 mV, where the equation has no rest. With steps of 0.8 "
                "ms only the fused solver settles near −0.09 mV.",
            ),
            Guess(
                1,
                "One",
                "It is the fused solver: at this synapse its steps may be as long as 0.84 ms. RK4 comes to "
                "rest, too, but at −0.173 mV, where the equation does not.",
            ),
            Guess(
                0,
                "None",
                "The fused solver does: at this synapse its steps may be as long as 0.84 ms. The three "
                "others leave the rest before.",
            ),
        ),
        right=1,
    )
    play = {"knob": "dt", "seconds": 10}

    def __init__(self) -> None:
        super().__init__(
            [
                Control("dt", "Step Δ", 0.8, low=0.05, high=2, step=0.05, unit="ms"),
                Control("w", "Synapse w", 5.0, low=0, high=8, step=0.1, unit="µS", more=True),
                Control("start", "Start", 0.0, low=-1, high=2, step=0.1, unit="mV", more=True),
            ],
            PRESETS,
            neuron=NEURON,
            length=LENGTH,
            fine=FINE,
            long=LONG,
            beyond=BEYOND,
            root=ROOT,
        )

    @staticmethod
    def cell(w: float) -> dynamics.LTC:
        """The neuron as a cell of the package: its only synapse, of w µS, comes from itself."""
        one = {name: [NEURON[name]] for name in ("c", "g_leak", "e_leak")}
        return dynamics.LTC(**one, w=[[w]], **{name: [[NEURON[name]]] for name in ("gamma", "mu", "e_rev")})

    def frame_of(self, controls: dict[str, Any]) -> dict[str, Any]:
        """The rest, every solver's limit, run, fate and error, the exact solution, and the verdict."""
        cell, dt, start = self.cell(controls["w"]), controls["dt"], np.array([controls["start"]])
        rest = analysis.relax(np.zeros(1), None, cell)
        a, J = 1 / dynamics.time_constant(rest, None, cell)[0], dynamics.jacobian(rest, None, cell)[0, 0]
        parts, count = math.ceil(dt / FINE - 1e-9), math.floor(LENGTH / dt + 1e-9)
        fine = simulate.simulate(cell, None, start, np.full(parts * count, dt / parts), method="rk4")[:, 0]
        exact = [start[0], *fine[parts - 1 :: parts]]
        rho = -(J + a) / a
        frame = {
            "rest": rest[0],
            "rho": rho,
            "limits": critical_steps(a, rho, J),
            "exact": exact,
            "curve": [start[0], *fine],
            "runs": {},
            "fates": {},
            "errors": {},
        }
        for name in SOLVERS:
            run = self.run(cell, name, start, dt)
            kept = run[: count + 1]
            frame["runs"][name], frame["fates"][name] = kept, self.fate(run, rest[0])
            whole = len(kept) == count + 1 and frame["fates"][name][0] != "explodes"
            frame["errors"][name] = float(np.sqrt(np.mean(np.subtract(kept, exact) ** 2))) if whole else None
        return frame | {"verdict": self.verdict(frame, controls)}

    @staticmethod
    def run(cell: dynamics.LTC, name: str, x: np.ndarray, dt: float) -> list[float]:
        """States in mV from x, (1,), on, dt ms apart, until they rest, flip or explode; at most LONG
        steps.
        """
        states, before = [float(x[0])], None
        for k in range(LONG):
            if name == "extrapolated":
                before, x = x, dynamics.extrapolated_step(x, None, cell, dt, before)
            else:
                x = solvers.SOLVERS[name].step(x, None, cell, dt)
            states.append(float(x[0]))
            done = k >= 4 and max(abs(states[-1] - states[-3]), abs(states[-2] - states[-4])) < 1e-9
            if abs(states[-1]) > BEYOND or (done and k * dt > LENGTH):
                break
        return states

    @staticmethod
    def fate(run: list[float], rest: float) -> list:
        """[what a run does in the end, lowest, highest and number of the values that it repeats, or None]."""
        if abs(run[-1]) > BEYOND:
            return ["explodes", None, None, None]
        period = next(
            (
                p
                for p in range(1, min(16, len(run) // 2 - 1) + 1)
                if all(abs(run[-1 - k] - run[-1 - k - p]) < 1e-6 for k in range(p))
            ),
            None,
        )
        if period is None:
            return ["wanders", None, None, None]
        low, high = min(run[-period:]), max(run[-period:])
        kind = "rests" if abs(run[-1] - rest) < 1e-3 else "false"
        return [kind if period == 1 else "flips" if period == 2 else "cycles", low, high, period]

    @staticmethod
    def verdict(frame: dict[str, Any], controls: dict[str, Any]) -> list[list[str]]:
        """Who rests where the equation rests, and what the others do or who is nearest; solvers.js chooses
        by the same rule.
        """
        fates, errors = frame["fates"], frame["errors"]
        right = [NAMES[name] for name in SOLVERS if fates[name][0] == "rests"]
        first = "all" if len(right) == 4 else "some" if len(right) > 1 else "one" if right else "none"
        who = ", ".join(right[:-1]) + " and " + right[-1] if len(right) > 1 else "".join(right)
        lines = [phrase(SENTENCES[first], rest=frame["rest"], dt=controls["dt"], who=who)]
        if len(right) == 4:
            best = min(SOLVERS, key=lambda name: errors[name])
            return [*lines, phrase(SENTENCES["nearest"], who=NAMES[best], error=errors[best])]
        wrong = []
        for name in SOLVERS:
            kind, _, high, _ = fates[name]
            if kind != "rests":
                what = phrase(SENTENCES[kind], name=NAMES[name], high=high)[1]
                # RK4: a blend cannot
                out = any(not -1 - 1e-9 <= x <= 2 + 1e-9 for x in frame["runs"][name]) and kind != "explodes"
                wrong.append(phrase(SENTENCES["left"], what=what)[1] if out else what)
        text = ", ".join(wrong)
        return [*lines, phrase(SENTENCES["wrong"], what=text[0].upper() + text[1:])]

    def describe(self, frame: dict[str, Any]) -> str:
        """One frame in words, for the picture's alt text."""
        c = frame["controls"]
        return f"Synapse {format_number(c['w'])} µS, start at {format_number(c['start'])} mV. " + " ".join(
            text for _, text in frame["verdict"]
        )

    def picture(self, frame: dict[str, Any]) -> Figure:
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        c = frame["controls"]
        fig, axes = plots.figure(8.6, 4.4, nrows=2, ncols=2, sharex=True, sharey=True)
        t = c["dt"] * np.arange(len(frame["exact"]))
        fine = np.linspace(0, t[-1], len(frame["curve"]))
        colours = (plots.BLUE, plots.VERMILLION, plots.GREEN, plots.PURPLE)
        for ax, name, colour, marker in zip(axes.flat, SOLVERS, colours, "os^D", strict=True):
            run = np.clip(frame["runs"][name], -1.3, 2.2)
            ax.plot(fine, frame["curve"], color=plots.INK)
            ax.plot(t[: len(run)], run, ls=":", lw=1, color=colour, marker=marker, ms=5)
            ax.set_title(f"{NAMES[name]}: {frame['fates'][name][0]}".replace(": false", ": rests elsewhere"))
            ax.set_yscale("asinh", linear_width=0.1)
            ax.set(ylim=(-1.4, 2.4))
            ax.set_yticks([-1, -0.1, 0.1, 1], ["\u22121", "\u22120.1", "0.1", "1"])
            ax.minorticks_off()
        for ax in axes[1]:
            ax.set(xlabel="time (ms)")
        for ax in axes[:, 0]:
            ax.set(ylabel="state (mV)")
        return fig
