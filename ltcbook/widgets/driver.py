"""A car that 19 neurons drive: the reader cuts its synapses at T, watches the drive, and trains the
circuit on the page.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import analysis, dynamics
from ..tasks import lane
from . import driving
from .base import Control, Explorer, Guess, Prediction, Preset, phrase
from .circuit import HIGHEST, Circuit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .. import pruning

SECOND = 1 / lane.FRAME  # frames: the circuit's own unit of time is a frame
ROADS, SEEDS = tuple(range(10)), tuple(range(8))
ROAD, SEED = 5, 3  # the road and the event that show first
ASKED = 0.4  # µS, the T of the question
USUAL = {"noise": 0.1, "drop": 0.0, "speed": lane.SPEED}

# What Python and the page say alike: name -> (tone, words).
SENTENCES = {
    "whole": ("", "Nothing is cut{who}."),
    "moved": ("", "{cut} of {all} synapses moved{who}."),
    "stored": ("", ""),
    "learned": ("", " in the circuit that you trained here"),
    "untrained": ("", ""),
    "retrained": ("", ", and you trained it again"),
    "same": ("good", "The car stays on the road, {rms:2} m from its middle."),
    "sways": ("same", "The car sways, but stays: {rms:2} m from the middle, uncut {old:2} m."),
    "leaves": ("bad", "Off the road after {left} s. Uncut it {fate}."),
    "stayed": ("", "stays for {end} s"),
    "left": ("", "leaves after {left} s"),
    "failed": ("bad", "The car leaves the road after {left} s."),
    "training": ("", "It learns from the expert. The car drives with what it knows so far."),
    "fallback": (
        "",
        "This browser starts no worker, so nothing can be trained here: the stored weights drive.",
    ),
}

PRESETS = [
    Preset("As trained", "The circuit as the book trained it, on a road that it has never seen."),
    Preset(
        "T = 0.1", "Three weak synapses move. The car stays, a little further from the middle.", {"T": 0.1}
    ),
    Preset(
        "T = 0.4",
        "Thirteen weak synapses move, and the car leaves the road after four seconds. Press Retrain.",
        {"T": 0.4},
    ),
    Preset(
        "Another draw",
        "The same T. Only the random choices differ, and now the car stays: where synapses grow counts.",
        {"T": 0.4, "seed": 6},
    ),
    Preset(
        "Fog",
        "The noise on every pixel is four times as strong. What the car does depends on the road.",
        {"noise": 0.4},
    ),
    Preset(
        "Lost frames",
        "Half of the frames are lost. The circuit then sees its last picture once more, and still drives.",
        {"drop": 0.5},
    ),
    Preset(
        "Fast",
        "The car drives at 15 m/s. The circuit learned at 10 m/s, with as many frames per second.",
        {"speed": 15},
    ),
    Preset(
        "Inter 12",
        "Inter neuron 12 is silent: nobody hears it. Some neurons are missed, most are not.",
        {"lesion": 11},
    ),
]


class DriverExplorer(Explorer):
    """A car on a road, driven by the trained circuit of ``tasks.lane.trained()``; T cuts its synapses, and it
    can learn again.

    On the page the drive runs live, in JavaScript; ``compute`` gives the whole drive of 20 s for the same
    controls, with its verdict. driver: another ``tasks.lane.Driver``, of a layered wiring; None for the
    book's. compact=True keeps T, the road and the circuit. Raises ValueError for anything else.

    >>> explorer = widgets.DriverExplorer()
    >>> frame = explorer.compute(T=0.4)
    >>> frame["fate"], frame["counts"]["cut"]
    ('leaves', 13)
    """

    key, drawing, tabulated = "driver", "driver.js", False
    title = "Nineteen neurons drive"
    prediction: Prediction | None = Prediction(
        (
            Guess(
                "same",
                "It drives as before",
                "The cut synapses are the weakest, but weak is not useless: together they carry "
                "much of the steering, and the new ones carry signals that nobody trained.",
            ),
            Guess(
                "sways",
                "It sways, but stays",
                "That is what a smaller T does. At this T too much of the steering is gone.",
            ),
            Guess(
                "leaves",
                "It leaves the road",
                "The loss of the weak synapses and what the new, untrained ones carry add up.",
            ),
        ),
        right="leaves",
    )
    sentences = SENTENCES
    answer = (
        "A synapse's weight says how strong it is, not what it is for. Prune & rewire moves the weak ones to "
        "random places, and only training can give them a use there: press Retrain and watch."
    )

    def __init__(self, driver: lane.Driver | None = None, *, compact: bool = False) -> None:
        driver = lane.trained() if driver is None else driver
        if not isinstance(driver, lane.Driver):
            raise ValueError(
                f"driver is {type(driver).__name__}; pass a tasks.lane.Driver such as tasks.lane.trained(), "
                "or None."
            )
        self.driver = driver
        self.circuit = Circuit(
            driver.cell, driver.wiring, driver.heard(np.zeros(driver.cell.m)), inputs=False
        )
        seeds, roads = ((SEED,), (ROAD,)) if compact else (SEEDS, ROADS)
        neurons = enumerate(self.circuit.nodes[driver.cell.m :])
        silent = [(i, f"{node['role']} {node['place']}") for i, node in neurons if node["role"] != "motor"]
        knobs = [
            Control("T", "Threshold T", 0.0, low=0, high=HIGHEST, step=0.01, unit="µS"),
            Control(
                "noise",
                "Noise",
                USUAL["noise"],
                low=0,
                high=0.6,
                step=0.05,
                more=True,
                hidden=compact,
                hint="on every pixel",
            ),
            Control(
                "drop", "Lost frames", USUAL["drop"], low=0, high=0.9, step=0.1, more=True, hidden=compact
            ),
            Control(
                "speed",
                "Speed",
                USUAL["speed"],
                low=driving.SLOWEST,
                high=driving.FASTEST,
                step=1,
                unit="m/s",
                more=True,
                hidden=compact,
            ),
            Control(
                "lesion",
                "Silent neuron",
                -1,
                kind="select",
                more=True,
                hidden=compact,
                options=((-1, "none"), *silent),
            ),
            Control(
                "road",
                "Road",
                ROAD,
                kind="select",
                more=True,
                hidden=compact,
                options=tuple((k, f"road {k + 1}") for k in roads),
            ),
            Control(
                "seed",
                "Random choices",
                SEED,
                kind="select",
                more=True,
                hidden=compact,
                options=tuple((seed, f"seed {seed}") for seed in seeds),
            ),
        ]
        asked = len(self.circuit.moved(self.event(ASKED, SEED)[0], False)["cut"])
        few = f"At T = {ASKED} the weakest {asked} of the {len(driver.wiring.edges())} synapses between"
        self.question = (
            f"{driver.wiring.n} neurons steer this car. {few} them are cut and grow again elsewhere, without "
            "training. What does the car do?"
        )
        if compact:  # who has just arrived sees the car first
            self.prediction = None
            self.question = f"{few} neurons move. Does the car stay?"
            self.answer = "It leaves the road in a bend. " + self.answer
        self._kept: tuple[Any, Any] = (None, None)  # controls, and the drives at these
        self._told: dict[str, Any] | None = None
        _, states, heard = self.drives({knob.name: knob.default for knob in knobs})
        tau = dynamics.time_constant(states[0], heard[0], driver.cell)
        super().__init__(
            knobs,
            [] if compact else PRESETS,
            compact=compact,
            nodes=self.circuit.nodes,
            own=self.circuit.own,
            command=self.circuit.command,
            plans=[self.circuit.plan("uniform", seed) for seed in seeds],
            knots={k: driving.knots(k) for k in roads},
            liveliest=int(np.ptp(np.log(tau), 0).argmax()),
            patience=400,
            frames=driving.FRAMES,
            warm=driving.WARM,
            driver={
                "wiring": {
                    name: getattr(driver.wiring, name) for name in ("polarity", "polarity_in", "role")
                },
                "cell": dict(vars(driver.cell)),
                "input": {"scale": driver.input_scale, "shift": driver.input_shift},
                "readout": {"scale": [driver.readout_scale], "shift": [driver.readout_shift]},
            },
        )

    def event(self, T: float, seed: int) -> tuple[pruning.Rewired, dynamics.LTC]:
        """The prune-and-rewire event at T and the cell after it."""
        return self.circuit.event(T, {}, seed)

    def cell(self, controls: dict[str, Any]) -> dynamics.LTC:
        """The cell that drives: after the event, with the silent neuron's synapses shut."""
        cell = self.event(controls["T"], controls["seed"])[1]
        if controls["lesion"] < 0:
            return cell
        w = np.array(cell.w)
        w[:, controls["lesion"]] = 0
        return replace(cell, w=w)

    def drives(self, controls: dict[str, Any]) -> tuple[lane.Drive, np.ndarray, np.ndarray]:
        """Two drives of 20 s, before the event and after it: ``lane.Drive``, states and what was heard,
        (2, frames, .).
        """
        if self._kept[0] != controls:
            usual = {name: controls[name] for name in USUAL}
            cells = [self.driver.cell, self.cell(controls)]
            self._kept = dict(controls), driving.drives(self.driver, cells, seed=controls["road"], **usual)
        return self._kept[1]

    def frame_of(self, controls: dict[str, Any]) -> dict[str, Any]:
        """One drive at T beside the drive of the uncut circuit, and the circuit in the last frame on the
        road.
        """
        seen, states, heard = self.drives(controls)
        before, path = (
            {
                "offset": seen.offset[k],
                "wheel": seen.wheel[k],
                "rms": seen.rms[k],
                "left": None if np.isinf(seen.left[k]) else seen.left[k],
            }
            for k in range(2)
        )
        last = int(np.isfinite(seen.offset[1]).sum()) - 1
        result, _ = self.event(controls["T"], controls["seed"])
        frame = self.circuit.moved(result, False) | {
            "path": path,
            "expert": seen.expert[1],
            "before": before,
            "last": last,
        }
        frame |= self.inside(states[1, last], heard[1, last], self.cell(controls))
        frame["fate"] = (
            "leaves"
            if path["left"] is not None
            else "sways"
            if controls["T"] > 0 and path["rms"] > 1.5 * before["rms"]
            else "same"
        )
        return frame | {"verdict": self.verdict(frame, controls)}

    def inside(self, x: np.ndarray, u: np.ndarray, cell: dynamics.LTC) -> dict[str, Any]:
        """State, time constants (ms), eigenvalues by kind and dV/dt of a certified V (per s) at x while u
        is held.
        """
        J = dynamics.jacobian(x, u, cell) * SECOND
        block = np.linalg.eigvals(J[np.ix_(self.circuit.command, self.circuit.command)]).astype(complex)
        block = block[np.lexsort((block.imag, -block.real))]
        try:
            rest = analysis.relax(x, u, cell)
        except ValueError:  # it may oscillate: then there is nothing to certify
            P = None
        else:
            P = analysis.certified_lyapunov(cell, u, analysis.invariant_box(cell, u, x, rest))
        tau = dynamics.time_constant(x, u, cell) * 1000 * lane.FRAME
        return {
            "x": x,
            "tau": tau,
            "own": np.diagonal(J)[self.circuit.own],
            "command": np.stack([block.real, block.imag], -1),
            "descent": None if P is None else analysis.lyapunov_derivative(x, u, cell, P, rest) * SECOND,
        }

    def verdict(self, frame: dict[str, Any], controls: dict[str, Any]) -> list[list[str]]:
        """What was cut, and what the car does, in words with numbers."""
        end = driving.FRAMES * lane.FRAME
        say = lambda name, **values: phrase(SENTENCES[name], **values)
        path, before = frame["path"], frame["before"]
        if frame["cut"] or frame["grown"]:
            first = say("moved", **frame["counts"], all=len(self.driver.wiring.edges()), who="")
        else:
            first = say("whole", who=say("stored")[1])
        if path["left"] is None:
            return [first, say(frame["fate"], end=end, rms=path["rms"], old=before["rms"])]
        if not frame["cut"] and controls["lesion"] < 0:
            return [first, say("failed", left=path["left"])]
        fate = say("stayed", end=end) if before["left"] is None else say("left", left=before["left"])
        return [first, say("leaves", left=path["left"], fate=fate[1])]

    @property
    def told(self) -> dict[str, Any]:
        """The frame that the picture tells of: at the T of the question, with everything else at its
        default.
        """
        if self._told is None:
            self._told = self.compute(T=ASKED)
        return self._told

    def describe(self, frame: dict[str, Any]) -> str:
        """What the picture shows, in words."""
        shown = frame if frame["cut"] else self.told
        told = lambda one: " ".join(text for _, text in one["verdict"])
        first = "" if frame["cut"] else f" {told(frame)}"
        return (
            f"A car on a winding road, steered by a circuit of {self.driver.wiring.n} neurons.{first} At T = "
            f"{shown['controls']['T']:g} µS: {told(shown)}"
        )

    def picture(self, frame: dict[str, Any]) -> Figure:
        """The drive before and after the cut as a matplotlib figure, for print and for readers without
        JavaScript.
        """
        from .pictures import driver_figure

        shown = frame if frame["cut"] else self.told
        return driver_figure(
            shown,
            self.event(shown["controls"]["T"], shown["controls"]["seed"])[0],
            self.drives(shown["controls"])[0],
        )
