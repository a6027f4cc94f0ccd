"""Two targets and an error: eigenvalues before and after an event, and how the same error dies in both
networks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import analysis, dynamics
from .base import Control, Explorer, Guess, Prediction, Preset, phrase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GATE, CAPACITANCE = 0.5, 1.0  # the open share s of the synapse (its source is held), and c in nF
# a third neuron that no synapse of the event touches: leak time in ms, error in mV
BYSTANDER, ITS_ERROR = 5.0, 0.3
TIMES = np.linspace(0, 12, 121)
LEFT = 0.01  # the share of an error that counts as settled

PRESETS = [
    Preset("50 times", "W is 50 times w. The error falls fast at first, then waits for neuron j."),
    Preset(
        "As published",
        "Equal leak times: the slowest mode stays where it is; only the fastest one moves.",
        {"tau_j": 1.0, "tau_k": 1.0, "w": 0.02, "W": 1.0},
    ),
    Preset(
        "A slow target",
        "k leaks more slowly than j: even a new weight below the old one helps.",
        {"tau_j": 0.5, "tau_k": 2.0, "w": 0.4, "W": 0.3},
    ),
    Preset(
        "A bystander",
        "A third neuron is slower than both. No synapse of it moves, so the slowest mode cannot.",
        {"bystander": "slow"},
    ),
]

WHY = {
    "gains": ("good", "faster, since k leaks more slowly than j"),
    "loses": ("bad", "slower, since k leaks faster than j"),
    "alike": ("same", "unmoved, since τ_j\u00a0=\u00a0τ_k"),
    "third": ("same", "unmoved, since the bystander is slowest"),
}
FIRST = {"good": "shrinks faster", "bad": "shrinks more slowly", "same": "shrinks as fast as before"}
SENTENCES = {
    **{
        name: (tone, f"Slowest mode {{was}}\u00a0→\u00a0{{now}} per ms: {why}.")
        for name, (tone, why) in WHY.items()
    },
    **{
        f"{first}_{last}": (
            last,
            f"This error {how} at first; 1 % is left after {{was}}\u00a0→\u00a0{{now}} ms.",
        )
        for first, how in FIRST.items()
        for last in FIRST
    },
    "none": ("same", "There is no error, so nothing has to settle: drag the start away from 0."),
}


class ConvergenceExplorer(Explorer):
    """Drag an error, move the weights: eigenvalues on the real line and the error's norm over time, before
    and after.

    The held source drives j through w before the event and k through W after it. Both networks are
    ``dynamics.LTC`` cells, the numbers come from their Jacobians, and the error is the distance to each
    network's own equilibrium.
    """

    key, drawing, tabulated = "convergence", "convergence.js", False
    title = "One event, two networks, the same error: which one settles first?"
    sentences = SENTENCES
    question = (
        "A synapse moves from j to k and becomes 50 times stronger. Both networks start with the same error. "
        "In which one is the error sooner down to 1 %?"
    )
    answer = (
        "In the old one. After the event j has only its leak, 0.5 per ms, and everybody waits for it; "
        "before, the slowest mode had 0.6. Set both leak times equal and move W: the slowest mode does not "
        "stir."
    )

    prediction = Prediction(
        (
            Guess(
                "new",
                "In the new one",
                "With the first settings its error falls faster, but only at first. Then it waits for j, "
                "which has lost its synapse and decays at 0.5 per ms; the slowest mode of the old network "
                "decays at 0.6.",
            ),
            Guess(
                "old",
                "In the old one",
                "With the first settings the new network is ahead at first. Then it waits for j, which has "
                "lost its synapse and decays at 0.5 per ms; the slowest mode of the old network decays at "
                "0.6.",
            ),
            Guess(
                "both",
                "In both at once",
                "With the first settings the slowest modes differ: j decays at 0.5 per ms once it has lost "
                "its synapse, and the slowest mode of the old network at 0.6. So the old one is ahead in "
                "the end.",
            ),
        ),
        right="old",
    )
    play = {"knob": "W", "seconds": 8}

    def __init__(self) -> None:
        ranges = [
            ("W", "New weight W", 10.0, 0.05, 10, 0.05, "µS"),
            ("w", "Old weight w", 0.2, 0.02, 1, 0.02, "µS"),
            ("tau_j", "Leak time τ_j", 2.0, 0.2, 3, 0.05, "ms"),
            ("tau_k", "Leak time τ_k", 1.0, 0.2, 3, 0.05, "ms"),
            ("e_j", "Error e_j at first", 0.3, -1, 1, 0.05, "mV"),
            ("e_k", "Error e_k at first", 0.8, -1, 1, 0.05, "mV"),
        ]
        knobs = [
            Control(name, label, default, low=low, high=high, step=step, unit=unit, more=name != "W")
            for name, label, default, low, high, step, unit in ranges
        ]
        knobs.append(
            Control(
                "bystander",
                "Bystander",
                "none",
                kind="select",
                more=True,
                options=(("none", "none"), ("slow", "leak time 5 ms")),
            )
        )
        super().__init__(
            knobs,
            PRESETS,
            gate=GATE,
            capacitance=CAPACITANCE,
            bystander=BYSTANDER,
            error=ITS_ERROR,
            length=float(TIMES[-1]),
            points=len(TIMES),
            left=LEFT,
        )

    @staticmethod
    def cells(controls: dict[str, Any]) -> list[dynamics.LTC]:
        """The cell before and the cell after the event: neurons (j, k) or (j, k, bystander), one held
        input.
        """
        leaks = [controls["tau_j"], controls["tau_k"]] + [BYSTANDER] * (controls["bystander"] == "slow")
        n = len(leaks)
        none, ones, column = np.zeros((n, n)), np.ones(n), np.ones((n, 1))
        made = []
        for synapses in ([controls["w"], 0.0], [0.0, controls["W"]]):
            w_in = np.array(synapses + [0.0] * (n - 2))[:, None]
            made.append(
                dynamics.LTC(
                    c=CAPACITANCE * ones,
                    g_leak=CAPACITANCE / np.array(leaks),
                    e_leak=0 * ones,
                    w=none,
                    gamma=none,
                    mu=none,
                    e_rev=none,
                    w_in=w_in,
                    gamma_in=column,
                    mu_in=0 * column,
                    e_rev_in=column,
                )
            )
        return made

    def frame_of(self, controls: dict[str, Any]) -> dict[str, Any]:
        """Both networks: eigenvalues, slowest and fastest rate, Euler's step, and the error's first rate,
        norm and settling.
        """
        error = np.array([controls["e_j"], controls["e_k"]] + [ITS_ERROR] * (controls["bystander"] == "slow"))
        u = np.array([np.log(GATE / (1 - GATE))])
        frame = {}
        for name, cell in zip(("before", "after"), self.cells(controls), strict=True):
            J = dynamics.jacobian(np.zeros(cell.n), u, cell)
            decay, fastest = -np.diagonal(J), np.abs(np.diagonal(J)).max()
            rate = -float(analysis.spectral_abscissa(J))
            frame[name] = {
                "eigenvalues": -decay,
                "rate": rate,
                "fastest": fastest,
                "step": 2 / fastest,
                "trace": np.trace(J),
                **self.fall(error, decay, rate),
            }
        return frame | {"verdict": self.verdict(frame, controls)}

    @staticmethod
    def fall(error: np.ndarray, decay: np.ndarray, rate: float) -> dict[str, Any]:
        """How an error (n,) dies at the rates decay (n,): first rate, norm over TIMES as a share, ms until
        LEFT; None for none.
        """
        square = (error**2).sum()
        if square == 0:
            return {"first": None, "settle": None, "norm": None}
        share = lambda t: math.sqrt((error**2 * np.exp(-2 * decay * t)).sum() / square)
        low, high = 0.0, -math.log(LEFT) / rate
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if share(middle) > LEFT else (low, middle)
        return {"first": (decay * error**2).sum() / square, "settle": high, "norm": [share(t) for t in TIMES]}

    @staticmethod
    def verdict(frame: dict[str, Any], controls: dict[str, Any]) -> list[list[str]]:
        """The slowest mode, and this very error; convergence.js chooses by the same rule."""
        before, after = frame["before"], frame["after"]
        why = {
            "good": "gains",
            "bad": "loses",
            "same": "alike" if controls["tau_j"] == controls["tau_k"] else "third",
        }[compare(before["rate"], after["rate"])]
        slowest = phrase(SENTENCES[why], was=before["rate"], now=after["rate"])
        if before["settle"] is None:
            return [slowest, phrase(SENTENCES["none"])]
        first, last = (
            compare(before["first"], after["first"]),
            compare(after["settle"], before["settle"], 2e-3),
        )
        return [slowest, phrase(SENTENCES[f"{first}_{last}"], was=before["settle"], now=after["settle"])]

    def describe(self, frame: dict[str, Any]) -> str:
        """One frame in words, for the picture's alt text."""
        return (
            " ".join(text for _, text in frame["verdict"]).replace("_", " ").replace("\u00a0→\u00a0", " to ")
        )

    def picture(self, frame: dict[str, Any]) -> Figure:
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        fig, (modes, time) = plots.figure(8.6, 3.2, ncols=2)
        for row, name in enumerate(("before", "after")):
            colour, values = (plots.GREY, plots.BLUE)[row], frame[name]["eigenvalues"]
            for value, marker, neuron in zip(values, "oDs", ("j", "k", "third"), strict=False):
                modes.plot(value, -row, marker, color=colour, ms=7)
                modes.annotate(neuron, (value, -row), xytext=(0, 12), textcoords="offset points", ha="center")
            modes.plot(-frame[name]["rate"], -row, "o", ms=15, mfc="none", color=plots.INK)
            time.plot(TIMES, frame[name]["norm"], color=colour, ls=("--", "-")[row], label=name)
        modes.axvline(0, color=plots.VERMILLION, lw=1.2)
        modes.set_xscale("symlog", linthresh=1)
        modes.set(ylim=(-1.6, 0.7), xlim=(-11, 0.15), xlabel="eigenvalue (1/ms); ringed: slowest")
        modes.set_yticks([0, -1], ["before", "after"])
        modes.set_xticks([-10, -5, -2, -1, -0.5, 0], ["−10", "−5", "−2", "−1", "−0.5", "0"])
        modes.set_xticks([], minor=True)
        time.set(yscale="log", ylim=(1e-3, 1.2), xlabel="time (ms)", ylabel="error, share of its start")
        time.set_yticks([1, 0.1, 0.01, 0.001], ["100 %", "10 %", "1 %", "0.1 %"])
        time.legend()
        return fig


def compare(old: float, new: float, tolerance: float = 1e-9) -> str:
    """ "good" where new is larger than old, "bad" where it is smaller, "same" where they differ by no more
    than a share.
    """
    return "same" if abs(new - old) <= tolerance * max(abs(old), abs(new)) else "good" if new > old else "bad"
