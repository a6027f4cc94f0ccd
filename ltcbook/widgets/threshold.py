"""T on a whole network: which synapses move, what the eigenvalues do, and which function V may be
believed.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import dynamics
from .. import wiring as wirings
from ..validation import percent
from .base import Control, Explorer, Guess, Prediction, Preset, phrase
from .circuit import HIGHEST, TIMES, Circuit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .. import pruning

# of the default network: at T = 0.3 it slows down, and its command neurons oscillate (a complex pair)
SEED = 1084
SEEDS = tuple(range(8))

RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "threshold": ("starts at T", {}),
    "copy": ("keeps the old weight", {"new_weight": "copy"}),
    "prune": ("none: cut only", {"target": "none"}),
    "uniform": ("random between T and 1", {"new_weight": "uniform"}),
    "strong": ("starts at 1 µS", {"new_weight": 1.0}),
    "raise": (
        "none: raise the weak ones to 1 in place",
        {"new_weight": 1.0, "target": "same", "polarity": "inherit"},
    ),
    "slowest": ("starts at 1, goes to the slowest neuron", {"new_weight": 1.0, "target": "slowest"}),
}

PRESETS = [
    Preset("Start", "T = 0.3, and each new synapse starts at T. The network becomes slower."),
    Preset(
        "Another draw",
        "The same T and the same rule. Only the random choices differ, and now the network is faster.",
        {"seed": 1},
    ),
    Preset(
        "Cut only",
        "Nothing grows. Cutting alone removes conductance, so the slowest mode slows down.",
        {"rule": "prune"},
    ),
    Preset(
        "Raise only",
        (
            "Nothing is rewired. The weak weights are raised to 1 where they are: strength alone makes it "
            "faster."
        ),
        {"rule": "raise"},
    ),
    Preset(
        "Weight 1", "Every new synapse starts at 1 µS. Where it lands is left to chance.", {"rule": "strong"}
    ),
    Preset(
        "Slow targets",
        "The same strength, but sent to the slowest neurons: the choice that theory suggests.",
        {"rule": "slowest"},
    ),
    Preset(
        "High T",
        (
            "T = 0.58 moves most synapses, and the network settles much faster: the answer rises and falls "
            "with T."
        ),
        {"T": 0.58},
    ),
]

# What Python and the page say alike: name -> (tone, words).
SENTENCES = {
    "faster": ("good", "Slowest mode {old}\u00a0→\u00a0{new} per ms: {change} % faster ({what})."),
    "slower": ("bad", "Slowest mode {old}\u00a0→\u00a0{new} per ms: {change} % slower ({what})."),
    "same": ("same", "Slowest mode {old}\u00a0→\u00a0{new} per ms: as fast as before ({what})."),
    "still": ("same", "Nothing changes: {reason}. Slowest mode {old} per ms."),
    "stuck": ("", "no synapse can move"),
    "none": ("", "no synapse is weaker than T"),
    "rewired": ("", "{cut} cut, {grown} new, {blocked} could not move"),
    "raised": ("", "{grown} weights raised"),
    "quiet": ("", "Nothing moved: the network stays at rest, and dV/dt is 0."),
    "falls": ("", "The certified V falls all the way."),
    "undecided": (
        "",
        "No certificate at this T: the bound that would prove a V to fall does not decide here.",
    ),
    "rises": (
        "",
        "The published V rises for {length:2} ms, by up to {top:2} of its start per ms, although all the "
        "network does is come to rest.",
    ),
    "lucky": ("", "The published V happens to fall too, but it is not 0 where the network comes to rest."),
}


def default_network(seed: int = SEED) -> tuple[wirings.Wiring, dynamics.LTC[np.ndarray], np.ndarray]:
    """Wiring, cell and constant input of the explorer's network, from one seed."""
    rng = np.random.default_rng(seed)
    wiring = wirings.ncp(
        sensory=6,
        inter=10,
        command=6,
        motor=2,
        sensory_fan_out=4,
        inter_fan_out=3,
        recurrent=6,
        motor_fan_in=4,
        rng=rng,
    )
    return wiring, dynamics.LTC.random(wiring, rng=rng), rng.uniform(0, 1, 6)


class ThresholdExplorer(Explorer):
    """Prune & rewire a network at a threshold T and see network, eigenvalues and dV/dt together.

    cell, wiring, u: an LTC cell, its Wiring and one constant input (m,); all three or none (then a network of
    18 neurons). trained: (cell, wiring, u) of a second network, to be chosen beside the first, or None.
    compact=True keeps only T, the network and the eigenvalues, for one screen. Raises ValueError for a
    partial network.
    """

    key, drawing, tabulated = "threshold", "threshold.js", False
    title = "Move the threshold T"
    question = (
        "At T = 0.3 all synapses weaker than T are cut and grow again elsewhere, with weight T. Does the "
        "network then come to rest faster?"
    )
    prediction = Prediction(
        (
            Guess(
                "faster",
                "Faster",
                "A neuron that receives a synapse gains conductance. That helps the slowest mode only where "
                "the slowest neurons are among those that receive.",
            ),
            Guess(
                "same",
                "Just as fast",
                "The number of synapses stays the same, but they end on other neurons, and a few slow "
                "neurons decide for the whole network.",
            ),
            Guess(
                "slower",
                "Slower",
                "A neuron that loses a synapse loses conductance. That hurts the slowest mode only where the "
                "slowest neurons are among those that lose.",
            ),
        ),
        by="fate",
    )
    sentences = SENTENCES
    play = {"knob": "T", "seconds": 9}
    answer = (
        "What counts is the slowest mode, the eigenvalue nearest to the boundary. It moves with the "
        "conductance that neurons gain or lose and with the equilibrium, so the same rule can help or harm: "
        "try other random choices. Raising the weak weights in place, with no rewiring at all, does as well."
    )

    def __init__(
        self,
        cell: dynamics.LTC | None = None,
        wiring: wirings.Wiring | None = None,
        u: np.ndarray | None = None,
        *,
        trained: tuple[dynamics.LTC, wirings.Wiring, np.ndarray] | None = None,
        compact: bool = False,
    ) -> None:
        given = [part is not None for part in (cell, wiring, u)]
        if any(given) and not all(given):
            raise ValueError("give cell, wiring and u together, or none of them for the default network.")
        if trained is not None and (not isinstance(trained, (tuple, list)) or len(trained) != 3):
            raise ValueError("trained is the second network as (cell, wiring, u), or None.")
        if cell is None or wiring is None or u is None:
            wiring, cell, u = default_network()
        self.wiring, self.cell = wiring, cell
        self.circuits = {"random": Circuit(cell, wiring, u)}
        if trained is not None:
            self.circuits["trained"] = Circuit(*trained)
        self.u = self.circuits["random"].u
        seeds = SEEDS[:1] if compact else SEEDS
        named = {"random": "random weights", "trained": "trained weights"}
        knobs = [
            Control(
                "T",
                "Threshold T",
                0.3,
                low=0,
                high=HIGHEST,
                step=0.002,
                unit="µS",
                hint="each tick below is the weight of a synapse",
            ),
            Control(
                "rule",
                "A new synapse",
                "threshold",
                kind="select",
                more=True,
                hidden=compact,
                options=tuple((name, label) for name, (label, _) in RULES.items()),
            ),
            Control(
                "seed",
                "Random choices",
                0,
                kind="select",
                more=True,
                hidden=compact,
                options=tuple((seed, f"seed {seed}") for seed in seeds),
            ),
            Control(
                "sign",
                "Its sign",
                "redraw",
                kind="select",
                more=True,
                hidden=compact,
                options=(("redraw", "drawn anew"), ("inherit", "that of the old one")),
            ),
            Control(
                "input",
                "Input",
                1.0,
                low=0,
                high=1,
                step=0.05,
                more=True,
                hidden=compact,
                hint="share of the full input",
            ),
            Control(
                "circuit",
                "Network",
                "random",
                kind="select",
                more=True,
                hidden=compact or trained is None,
                options=tuple((name, named[name]) for name in self.circuits),
            ),
        ]
        if compact:
            self.answer = self.answer.replace("try other random choices", "move T and see")
        rules = {
            name: {
                "target": options.get("target", "uniform"),
                "weight": options.get("new_weight", "threshold"),
            }
            for name, (_, options) in RULES.items()
        }
        pages = {
            name: circuit.page(seeds) | {"axes": self.axes(circuit, compact)}
            for name, circuit in self.circuits.items()
        }
        super().__init__(
            knobs, [] if compact else PRESETS, compact=compact, times=TIMES, circuits=pages, rules=rules
        )

    @property
    def before_rate(self) -> float:
        """Decay rate of the slowest mode before the event, in 1/ms."""
        return float(self.before["rate"])

    @cached_property
    def before(self) -> dict[str, Any]:
        """Spectrum and number of synapses of the first network before the event."""
        circuit = self.circuits["random"]
        return {**circuit.spectrum(circuit.rest(), self.u, self.cell), "synapses": self.wiring.synapses}

    def event(
        self, T: float, rule: str, seed: int, sign: str = "redraw", circuit: str = "random"
    ) -> tuple[pruning.Rewired, dynamics.LTC]:
        """The prune-and-rewire event and the cell after it."""
        return self.circuits[circuit].event(T, {"polarity": sign, **RULES[rule][1]}, seed)

    def frame_of(self, controls: dict[str, Any]) -> dict[str, Any]:
        """One event at T: its edges, the spectrum before and after it, both dV/dt and the verdict."""
        strength, circuit = controls["input"], self.circuits[controls["circuit"]]
        result, cell = self.event(*(controls[name] for name in ("T", "rule", "seed", "sign", "circuit")))
        u, start = circuit.heard(strength), circuit.rest(strength)
        frame = circuit.moved(result, controls["rule"] == "raise")
        moves = bool(frame["cut"] or frame["grown"])
        path: Any
        path, new = circuit.settle(cell, u, start) if moves else (None, start)
        frame |= circuit.spectrum(new, u, cell) | {"shift": float(np.abs(new - start).max())}
        frame["before"] = {**circuit.spectrum(start, u, circuit.cell), "synapses": circuit.wiring.synapses}
        frame |= circuit.descents(path, new, u, cell) if moves else {"origin": None, "certified": None}
        change = frame["rate"] / frame["before"]["rate"] - 1
        frame["fate"] = "same" if percent(abs(change)) == "0" else "faster" if change > 0 else "slower"
        return frame | {
            "descent": self.descent(frame),
            "verdict": self.verdict(frame, controls["rule"] == "raise"),
        }

    @staticmethod
    def descent(frame: dict[str, Any]) -> str:
        """What the two curves say, in words."""
        say = lambda name, **values: phrase(SENTENCES[name], **values)[1]
        if frame["origin"] is None:
            return say("quiet")
        origin = frame["origin"]
        length = np.gradient(TIMES)[origin > 1e-3].sum()
        second = say("rises", length=length, top=origin.max()) if length else say("lucky")
        return f"{say('falls' if frame['certified'] is not None else 'undecided')} {second}"

    @staticmethod
    def verdict(frame: dict[str, Any], raised: bool) -> list[list[str]]:
        """The slowest mode before and after, in words with numbers."""
        old, new, count = frame["before"]["rate"], frame["rate"], frame["counts"]
        if not (frame["cut"] or frame["grown"]):
            reason = SENTENCES["stuck" if count["blocked"] else "none"][1]
            return [phrase(SENTENCES["still"], reason=reason, old=-old)]
        what = phrase(SENTENCES["raised" if raised else "rewired"], **count)[1]
        change = percent(abs(new / old - 1))
        return [phrase(SENTENCES[frame["fate"]], old=-old, new=-new, change=change, what=what)]

    @staticmethod
    def axes(circuit: Circuit, compact: bool) -> dict[str, Any]:
        """Axes that never move: they hold the events of three thresholds, with room around them."""
        rules, seeds = (["threshold"], [0]) if compact else (RULES, range(3))
        start, spectra, curves = circuit.rest(), [], []
        for options in (RULES[rule][1] for rule in rules):
            for seed in seeds:
                for T in (0.2, 0.4, HIGHEST):
                    _, cell = circuit.event(T, options, seed)
                    path, new = circuit.settle(cell, circuit.u, start)
                    spectra.append(circuit.spectrum(new, circuit.u, cell))
                    curves += [
                        c for c in circuit.descents(path, new, circuit.u, cell).values() if c is not None
                    ]
        before = circuit.spectrum(start, circuit.u, circuit.cell)
        spectra.append(before)
        every = np.concatenate([[*s["own"], *s["command"][:, 0]] for s in spectra])
        widest, flow = (
            max(np.abs(s["command"][:, 1]).max() for s in spectra),
            np.concatenate([*curves, np.zeros(1)]),
        )
        return {
            "re": [every.min() * 1.12, max(0.12 * before["rate"], every.max() * 1.15)],
            "im": max(0.5, widest * 1.2),
            "linear": max(before["rate"], 0.05),
            "flow": [min(-1, flow.min() * 1.3), max(0.5, flow.max() * 1.3)],
        }

    def describe(self, frame: dict[str, Any]) -> str:
        """One frame in words, for the picture's alt text."""
        return f"T = {frame['controls']['T']:g} µS. {frame['verdict'][0][1]} {frame['descent']}"

    def picture(self, frame: dict[str, Any]) -> Figure:
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .pictures import threshold_figure

        names = ("T", "rule", "seed", "sign", "circuit")
        return threshold_figure(self.spec, frame, self.event(*(frame["controls"][name] for name in names))[0])
