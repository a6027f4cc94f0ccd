"""The wiring of a neural circuit policy: fan-outs, recurrent draws and the seed move; network, matrix and
counts answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..wiring.makers import ncp_and_repairs
from .base import Control, Explorer, Guess, Prediction, Preset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..wiring import Wiring

SIZES = {"sensory": 4, "inter": 8, "command": 6, "motor": 2}
MOTOR_FAN_IN = 4
PAIRS = (("sensory", "inter"), ("inter", "command"), ("command", "command"), ("command", "motor"))

PRESETS = [
    Preset(
        "One synapse each",
        "Every sensor and every inter neuron sends one synapse. Most listeners have to be repaired.",
    ),
    Preset(
        "Four and three",
        "Four and three synapses each: with these dice no neuron is an orphan, and nothing is repaired.",
        {"sensory_fan_out": 4, "inter_fan_out": 3, "seed": 2},
    ),
    Preset(
        "No recurrence",
        "Without recurrent draws the circuit is a cascade: three steps from sensor to motor, never more.",
        {"sensory_fan_out": 4, "inter_fan_out": 3, "recurrent": 0, "seed": 2},
    ),
    Preset(
        "Twelve draws",
        "Twelve draws among six command neurons: pairs repeat, and 88 throws in 100 close a loop.",
        {"sensory_fan_out": 4, "inter_fan_out": 3, "recurrent": 12, "seed": 2},
    ),
]


class WiringExplorer(Explorer):
    """Move fan-outs, recurrent draws and seed of an NCP (rule="ncps"): the circuit in layers, its matrix,
    and its counts.
    """

    key, drawing = "wiring", "ncp_wiring.js"
    title = "Wire a circuit"
    question = (
        "Four sensors send one synapse each to eight inter neurons. How many synapses will there be between "
        "the two layers when the circuit is done?"
    )
    prediction = Prediction(
        (
            Guess(
                "plan",
                "Four",
                "Four synapses reach at most four inter neurons. Every other one is an orphan, and the "
                "repair gives it a synapse too.",
            ),
            Guess(
                "few",
                "Five to seven",
                "After the repair every inter neuron hears a sensor, and there are eight of them.",
            ),
            Guess(
                "all",
                "Eight to eleven",
                "After the repair every inter neuron hears a sensor: eight synapses at least, and one "
                "more whenever sensors draw the same target.",
            ),
            Guess(
                "many",
                "More than eleven",
                "Even if all four sensors draw the same target, only seven orphans are left, and each "
                "gets one synapse: eleven in all.",
            ),
        ),
        right="all",
    )
    answer = (
        "Four synapses reach at most four inter neurons. Every other one is an orphan, and the repair gives "
        "it a synapse, so there are eight at least. Where fan-outs are small, the repair decides how many "
        "synapses there are."
    )
    play = {"knob": "sensory_fan_out", "seconds": 6}

    def __init__(self) -> None:
        super().__init__(
            [
                Control("sensory_fan_out", "Sensory fan-out", 1, low=1, high=6, step=1),
                Control("inter_fan_out", "Inter fan-out", 1, low=1, high=4, step=1, more=True),
                Control("recurrent", "Recurrent draws", 6, low=0, high=12, step=1, grid_step=2, more=True),
                Control("seed", "Seed", 0, kind="select", options=((0, "0"), (1, "1"), (2, "2")), more=True),
            ],
            PRESETS,
            sizes=SIZES,
            possible=self.possible,
            nodes=self.nodes,
        )

    @property
    def possible(self) -> int:
        """Synapses of a dense network with as many sensors and neurons."""
        n = sum(SIZES.values()) - SIZES["sensory"]
        return n * (n + SIZES["sensory"])

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """Role and place within the role; sensors first, then the neurons."""
        return [{"role": role, "place": place + 1} for role, size in SIZES.items() for place in range(size)]

    @staticmethod
    def circuit(controls: dict[str, Any]) -> tuple[Wiring, list[tuple[str, int, list[int]]]]:
        """The Wiring of these controls and its repairs, as ``wiring.makers.ncp_and_repairs`` tells them."""
        draws = {name: int(controls[name]) for name in ("sensory_fan_out", "inter_fan_out", "recurrent")}
        sizes: dict[str, Any] = {**SIZES, **draws}
        return ncp_and_repairs(
            **sizes, motor_fan_in=MOTOR_FAN_IN, rng=np.random.default_rng(int(controls["seed"]))
        )

    def frame_of(self, controls: dict[str, Any]) -> dict[str, Any]:
        """Signs block by block, who was repaired, the counts and the verdict."""
        wiring, told = self.circuit(controls)
        edges = [(s, t + wiring.m, sign) for s, t, sign in wiring.edges_in()] + [
            (s + wiring.m, t + wiring.m, sign) for s, t, sign in wiring.edges()
        ]
        orphans = {kind: sum(name == kind for name, *_ in told) for kind in ("inter", "command", "silent")}
        repairs = {
            edge for kind, orphan, partners in told for edge in nodes_of(kind, orphan, partners, wiring.m)
        }
        loop = wiring.adjacency[np.ix_(*[wiring.members("command")] * 2)]
        longest = 3 + longest_path(loop)
        own = int(np.trace(loop))
        cyclic = on_a_loop(loop)
        planned = (
            SIZES["sensory"] * int(controls["sensory_fan_out"])
            + SIZES["inter"] * int(controls["inter_fan_out"])
            + SIZES["motor"] * MOTOR_FAN_IN
        )
        counts = {
            "synapses": wiring.synapses,
            "density": 100 * wiring.synapses / self.possible,
            "planned": planned,
            "orphans": sum(orphans.values()),
            "repaired": len(repairs),
            "distinct": int(loop.sum()),
            "autapses": own,
            "cyclic": int(cyclic.sum()),
            "longest": longest,
        }
        return {
            "edges": [(s, t) if sign > 0 else (s, -t) for s, t, sign in edges],
            "orphans": orphans,
            "counts": counts,
            "repairs": [i for i, edge in enumerate(edges) if edge[:2] in repairs],
            "verdict": self.verdict(counts),
        }

    @staticmethod
    def verdict(counts: dict[str, Any]) -> list[list[str]]:
        """Repairs and loops, one sentence each."""
        c = counts
        repair = (
            ["good", f"The {c['planned']} planned synapses leave no orphan."]
            if not c["orphans"]
            else [
                "bad",
                (
                    f"Repairing {plural(c['orphans'], 'orphan')} adds {c['repaired']} to {c['planned']} "
                    "synapses."
                ),
            ]
        )
        loops = (
            f"Loops join {c['cyclic']} command neurons: it may oscillate."
            if c["cyclic"]
            else "No loop of two: under constant input it settles."
        )
        return [repair, ["same", loops]]

    def describe(self, frame: dict[str, Any]) -> str:
        """One frame in words, for the picture's alt text."""
        return " ".join(text for _, text in frame["verdict"])

    def picture(self, frame: dict[str, Any]) -> Figure:
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        fig, (left, right) = plots.figure(9, 4.2, ncols=2)
        circuit, _ = self.circuit(frame["controls"])
        plots.draw_network(circuit, left, tips=True)
        plots.draw_adjacency(circuit, right)
        fig.suptitle(frame["verdict"][0][1], fontsize=11)
        return fig


def nodes_of(kind: str, orphan: int, partners: list[int], m: int) -> Any:
    """(source node, target node) of every synapse of a repair; nodes count from the first of m sensors."""
    if kind == "silent":
        return [(orphan + m, partner + m) for partner in partners]
    return [(partner + (0 if kind == "inter" else m), orphan + m) for partner in partners]


def plural(number: int, noun: str) -> str:
    """ "1 orphan", "2 orphans"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def on_a_loop(graph: np.ndarray) -> np.ndarray:
    """(n,) booleans: which nodes of a graph (n, n) [target, source] lie on a loop of two or more nodes."""
    reach = graph & ~np.eye(len(graph), dtype=bool)
    for middle in range(len(graph)):
        reach = reach | np.outer(reach[:, middle], reach[middle])
    return np.diagonal(reach).copy()


def longest_path(graph: np.ndarray) -> int:
    """Number of steps of the longest path in a small graph (n, n) [target, source] that visits no node
    twice.
    """
    targets = [np.flatnonzero(graph[:, node]).tolist() for node in range(len(graph))]

    def walk(node: int, seen: set[int]) -> int:
        return max(
            (1 + walk(target, seen | {target}) for target in targets[node] if target not in seen), default=0
        )

    return max(walk(node, {node}) for node in range(len(graph)))
