"""One long run cut into windows that start early from a wrong state: where do the pieces agree?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import dynamics, simulate
from .base import Control, Explorer, Guess, Prediction, Preset, format_number, phrase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# nF, µS, mV; the synapse onto itself: 1/mV, mV, mV; the synapse of the input: µS, 1, 1, mV
NEURON = {
    "c": 1.0,
    "g_leak": 1.0,
    "e_leak": 0.0,
    "gamma": 10.0,
    "mu": 0.5,
    "e_rev": 1.0,
    "w_in": 1.0,
    "gamma_in": 6.0,
    "mu_in": 0.5,
    "e_rev_in": 0.4,
}
BOX = (0.0, 1.0)  # mV: from the lowest to the highest potential that acts on the neuron
STEPS, DT = 240, 1.0  # length of the run, ms of a step
START = 0.0  # mV: the true first state
TOLERANCE = 1e-6  # mV: at a joint two states within it agree
LONGEST = 40  # the largest burn-in
WAVE = (48, 0.5, 37)  # periods and phase of the input

PRESETS = [
    Preset("Five steps early", "Each window begins five steps before its joint, in the middle of the box."),
    Preset(
        "Twenty steps early", "Four times as early: a gap shrinks by a factor in every step.", {"burn": 20.0}
    ),
    Preset(
        "A strong synapse",
        "The neuron now excites itself with 2.5 µS. Look where the windows go.",
        {"w": 2.5, "burn": 20.0},
    ),
    Preset(
        "Strong, four rounds",
        "Four times, each window that disagreed went on from where its neighbour had ended.",
        {"w": 2.5, "burn": 20.0, "rounds": 4.0},
    ),
    Preset(
        "No burn-in, one round",
        "One round of repair uses the whole neighbour as a burn-in.",
        {"burn": 0.0, "rounds": 1.0},
    ),
]

SENTENCES = {
    "all": ("good", "All {joints} joints agree within 1e−6\u00a0mV."),
    "some": (
        "bad",
        "{agree} of {joints} joints agree within 1e−6\u00a0mV; the widest gap is {worst:2}\u00a0mV.",
    ),
    "off": ("", "Joined, the pieces are at most {error:2}\u00a0mV off the true run."),
    "more": ("", "A start {needed} steps early would do; so would rounds of repair."),
    "rounds": ("", "No burn-in up to 40 steps helps every window; at most {left} rounds of repair will."),
}


class WindowsExplorer(Explorer):
    """Move how early the windows of a run begin, and how strongly its neuron excites itself.

    The steps are those of ``dynamics``; the drawing restates them, held to them.
    """

    key, drawing, tabulated = "windows", "windows.js", False
    title = "Eight windows, computed at once: do they fit together?"
    sentences = SENTENCES
    question = (
        "Eight windows begin five steps early, at 0.5 mV, and do not agree where they meet. How early must "
        "they begin to agree within a millionth of a millivolt?"
    )
    answer = (
        "About twenty, 22 to be exact. In every step the gap to the true run shrinks by a similar factor, a "
        "little more than one half here, and twenty such factors make about one millionth."
    )
    prediction = Prediction(
        (
            Guess(
                6,
                "One step more",
                "One step more makes every gap about half as large, but the widest has to become fifty "
                "thousand times smaller. That takes some seventeen steps more.",
            ),
            Guess(
                20,
                "About twenty",
                "Every step about halves the gap, so every three or four steps bring one more digit. 22 "
                "steps are enough.",
            ),
            Guess(
                240,
                "From the first step on",
                "The neuron forgets where it began: its leak and its synapses pull every start towards the "
                "same run. So 22 steps are enough.",
            ),
        ),
        right=20,
    )

    def __init__(self) -> None:
        super().__init__(
            [
                Control("burn", "Burn-in", 5.0, low=0, high=LONGEST, step=1, unit="steps"),
                Control("w", "Synapse onto itself w", 1.0, low=0, high=2.8, step=0.1, unit="µS", more=True),
                Control("windows", "Windows", 8.0, low=2, high=12, step=1, more=True),
                Control("rounds", "Rounds of repair", 0.0, low=0, high=11, step=1, more=True),
            ],
            PRESETS,
            neuron=NEURON,
            steps=STEPS,
            dt=DT,
            start=START,
            tolerance=TOLERANCE,
            longest=LONGEST,
            wave=WAVE,
        )

    @staticmethod
    def cell(w: float) -> dynamics.LTC:
        """The neuron as a cell of the package: one synapse, of w µS, from itself, and one from the input."""
        alone, pairs = (
            ("c", "g_leak", "e_leak"),
            [name for name in NEURON if name not in ("c", "g_leak", "e_leak")],
        )
        return dynamics.LTC(
            **{name: [NEURON[name]] for name in alone}, w=[[w]], **{name: [[NEURON[name]]] for name in pairs}
        )

    @staticmethod
    def wave() -> np.ndarray:
        """The input of the run, (STEPS, 1), between 0 and 1."""
        long, phase, short = WAVE
        k = 2 * np.pi * np.arange(STEPS)
        return (0.5 + 0.5 * np.sin(k / long + phase) * np.cos(k / short))[:, None]

    def frame_of(self, controls: dict[str, Any]) -> dict[str, Any]:
        """The true run, the windows with their burn-in, the joints, what joining costs, and the verdict."""
        cell, burn, count = self.cell(controls["w"]), round(controls["burn"]), round(controls["windows"])
        rounds = min(round(controls["rounds"]), count - 1)
        u, middle = self.wave(), sum(BOX) / 2
        starts = [k * STEPS // count for k in range(count + 1)]

        def run(x: float, begin: int, end: int) -> list[float]:
            states = simulate.simulate(cell, u[begin:end], np.array([x]), DT, backend="reference")
            return [x, *states[:, 0].tolist()]

        truth = run(START, 0, STEPS)
        burned, kept, longest = [], [], 0
        for begin, end in zip(starts, starts[1:], strict=False):
            early = max(0, begin - burn)
            states = run(middle if early else START, early, end)
            burned.append(states[: begin - early + 1])
            kept.append(states[begin - early :])
            longest = max(longest, end - early)
        in_all = sum(len(a) + len(b) - 2 for a, b in zip(burned, kept, strict=True))
        repaired = [False] * count
        for _ in range(rounds):
            again = [k for k in range(1, count) if abs(kept[k][0] - kept[k - 1][-1]) > TOLERANCE]
            ends = {k: kept[k - 1][-1] for k in again}
            for k in again:
                kept[k], repaired[k] = run(ends[k], starts[k], starts[k + 1]), True
                in_all += starts[k + 1] - starts[k]
            longest += max((starts[k + 1] - starts[k] for k in again), default=0)
        gaps = [abs(kept[k][0] - kept[k - 1][-1]) for k in range(1, count)]
        agree = [gap <= TOLERANCE for gap in gaps]
        joined = [START, *(x for part in kept for x in part[1:])]
        frame = {
            "truth": truth,
            "starts": starts,
            "burned": burned,
            "kept": kept,
            "repaired": repaired,
            "gaps": gaps,
            "agree": [int(one) for one in agree],
            "worst": max(gaps),
            "error": max(abs(a - b) for a, b in zip(joined, truth, strict=True)),
            "needed": self.needed(cell, u, truth, starts),
            "factor": self.factor(cell),
            "alone": STEPS,
            "longest": longest,
            "all": in_all,
        }
        return frame | {"verdict": self.verdict(frame, count, rounds)}

    @staticmethod
    def needed(cell: dynamics.LTC, u: np.ndarray, truth: list[float], starts: list[int]) -> int | None:
        """The smallest burn-in after which every window has come within TOLERANCE of the true run; None if
        LONGEST is too short.
        """
        for burn in range(LONGEST + 1):
            joints = [k for k in starts[1:-1] if k > burn]  # the others begin at the true start
            x = np.full((len(joints), 1), sum(BOX) / 2)
            for back in range(burn, 0, -1):
                x = dynamics.fused_step(x, u[[k - back for k in joints]], cell, DT)
            if all(abs(one - truth[k]) <= TOLERANCE for one, k in zip(x[:, 0], joints, strict=True)):
                return burn
        return None

    @staticmethod
    def factor(cell: dynamics.LTC) -> float:
        """The largest factor by which one step can change a small gap, at any state of the box and with any
        input: an open input only adds conductance, so the input is shut.
        """
        n, x = NEURON, np.linspace(*BOX, 201)
        w, gate = cell.w[0, 0], 1 / (1 + np.exp(-n["gamma"] * (x - n["mu"])))
        g, h = n["g_leak"] + w * gate, n["g_leak"] * n["e_leak"] + w * gate * n["e_rev"]
        after = (n["c"] * x + DT * h) / (n["c"] + DT * g)
        slope = w * n["gamma"] * gate * (1 - gate)
        return float(((n["c"] + DT * slope * (n["e_rev"] - after)) / (n["c"] + DT * g)).max())

    @staticmethod
    def verdict(frame: dict[str, Any], count: int, rounds: int) -> list[list[str]]:
        """Whether the pieces are one run, and what helps if not; windows.js chooses by the same rule."""
        agree = sum(frame["agree"])
        values = {
            "agree": str(agree),
            "joints": str(count - 1),
            "worst": frame["worst"],
            "error": frame["error"],
            "needed": str(frame["needed"]),
            "left": str(count - 1 - rounds),
        }
        if agree == count - 1:
            lines = ["all", "off"]
        else:
            lines = ["some", "rounds" if frame["needed"] is None else "more"]
        return [phrase(SENTENCES[name], **values) for name in lines]

    def describe(self, frame: dict[str, Any]) -> str:
        """One frame in words, for the picture's alt text."""
        c = frame["controls"]
        return (
            f"{c['windows']:g} windows, each begun {c['burn']:g} steps early, synapse "
            f"{format_number(c['w'])} µS, {c['rounds']:g} rounds of repair. "
            + " ".join(text for _, text in frame["verdict"])
        )

    def picture(self, frame: dict[str, Any]) -> Figure:
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        fig, (above, below) = plots.figure(8.6, 4.6, nrows=2, sharex=True)
        above.plot(frame["truth"], color=plots.GREY, lw=4, alpha=0.4)
        for k, (begin, burned, kept) in enumerate(
            zip(frame["starts"], frame["burned"], frame["kept"], strict=False)
        ):
            colour = (plots.BLUE, plots.PURPLE)[k % 2]
            if not frame["repaired"][k]:
                above.plot(range(begin - len(burned) + 1, begin + 1), burned, color=colour, ls=":", lw=1)
            above.plot(range(begin, begin + len(kept)), kept, color=colour)
        below.axhline(TOLERANCE, color=plots.INK, ls="--")
        for at, gap, agree in zip(frame["starts"][1:-1], frame["gaps"], frame["agree"], strict=True):
            colour, marker = (plots.GREEN, "o") if agree else (plots.VERMILLION, "X")
            below.plot([at, at], [1e-16, max(gap, 1e-16)], color=colour, lw=1)
            below.plot(at, max(gap, 1e-16), color=colour, marker=marker, ms=7)
        above.set(ylim=(-0.05, 1.05), ylabel="state (mV)")
        below.set(yscale="log", ylim=(1e-16, 3), xlabel="step", ylabel="gap (mV)")
        ticks = [-15, -10, -5, 0]
        below.set_yticks([10.0**k for k in ticks], [f"1e{k}".replace("-", "−") if k else "1" for k in ticks])
        below.set_yticks([], minor=True)
        return fig
