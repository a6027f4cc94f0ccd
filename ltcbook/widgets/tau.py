"""Two CT-RNN neurons and their clocks: time constants never move an equilibrium, and can still make it
useless.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import analysis, dynamics, simulate
from .base import Control, Explorer, Guess, Prediction, Preset, format_number, phrase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DT, STEPS, KEEP = 0.125, 800, 2  # ms; a run lasts 100 ms and every second state is drawn
NETWORKS = {
    "push": ("push–pull", [[2.0, -2.0], [2.0, -2.0]]),
    "mirror": ("symmetric", [[0.6, 1.2], [1.2, 0.4]]),
    "weak": ("weak", [[0.3, -0.6], [0.6, 0.3]]),
}

PRESETS = [
    Preset(
        "Slow inhibition",
        "Neuron 1 excites both, neuron 2 inhibits both, ten times more slowly. The brake comes too late.",
    ),
    Preset(
        "Equal clocks",
        "The same weights, the same nullclines, the same equilibrium. Now it attracts.",
        {"tau_2": 1.0},
    ),
    Preset(
        "Three to one",
        "At τ_2 = 3 τ_1 a pair of eigenvalues stands on the boundary: the Hopf bifurcation. Slopes alone do "
        "not decide here.",
        {"tau_2": 3.0},
    ),
    Preset(
        "Weak weights",
        "Each row of |W| sums to 0.9, below 1. Try every clock: no choice breaks this one.",
        {"weights": "weak"},
    ),
    Preset(
        "Symmetric weights",
        "No clock makes a cycle. Set τ_2 back to 1 and see where this start ends.",
        {"weights": "mirror"},
    ),
]
PREDICTION = Prediction(
    (
        Guess(
            "moves",
            "It moves",
            "No τ stands in the equations of the two nullclines, so they cross at (0, 0) whatever τ_2 is.",
        ),
        Guess(
            "repels",
            "It stays and still repels",
            "It stays, but a τ divides the slopes there, so the eigenvalues move: below τ_2 = 3 ms both "
            "have a negative real part, and the network comes to rest.",
        ),
        Guess(
            "attracts",
            "It stays and now attracts",
            "No τ stands in the equations of the nullclines, so the place stays; the eigenvalues move, and "
            "below τ_2 = 3 ms both have a negative real part.",
        ),
    ),
    right="attracts",
)
SENTENCES = {
    "one": ("same", "Equilibrium fixed at (0,\u00a00)."),
    "many": ("same", "All {count} equilibria are fixed."),
    "edge": ("same", "On the boundary: eigenvalues {values} per ms."),
    "stable": ("good", "Stable, {values} per ms: small swings die out."),
    "held": ("bad", "Unstable, {values} per ms, but a start at 0 stays there."),
    "cycle": ("bad", "Unstable, {values} per ms: x_1 swings from {low:2} to {high:2}."),
    "ends": ("same", "0 is a saddle, {values} per ms. The run ends at ({x:2},\u00a0{y:2})."),
    "under way": ("same", "0 is a saddle, {values} per ms. The run is still on its way."),
}


class TauExplorer(Explorer):
    """Move the two time constants of a CT-RNN pair: nullclines and equilibria stand still, eigenvalues and
    fate do not.

    The pair is a ``dynamics.CTRNN`` cell; every number comes from ``dynamics``, ``simulate`` and
    ``analysis``.
    """

    key, drawing, tabulated = "tau", "tau.js", False
    title = "Two clocks: what a time constant moves, and what it does not"
    question = (
        "Neuron 2 is slow (τ_2 = 10 ms), and the network circles its equilibrium at (0, 0). You lower τ_2 to "
        "1 ms. What becomes of the equilibrium?"
    )
    answer = (
        "Nullclines and equilibrium stand still: no τ appears in their equations. Eigenvalues and path move. "
        "At τ_2 = 3 ms the eigenvalues cross the boundary; below it the network comes to rest."
    )
    prediction, sentences = PREDICTION, SENTENCES
    play = {"knob": "tau_2", "seconds": 8}

    def __init__(self) -> None:
        super().__init__(
            [
                Control("tau_2", "Time constant τ_2", 10.0, low=0.5, high=12, step=0.1, unit="ms"),
                Control("tau_1", "Time constant τ_1", 1.0, low=0.5, high=12, step=0.5, unit="ms", more=True),
                Control(
                    "weights",
                    "Weights",
                    "push",
                    kind="select",
                    more=True,
                    options=tuple((name, label) for name, (label, _) in NETWORKS.items()),
                ),
                Control("x_1", "Start x_1", 0.5, low=-1, high=1, step=0.05, more=True),
                Control("x_2", "Start x_2", -0.3, low=-1, high=1, step=0.05, more=True),
            ],
            PRESETS,
            dt=DT,
            steps=STEPS,
            keep=KEEP,
            networks={name: self._network(name) for name in NETWORKS},
        )

    @staticmethod
    def _network(name: str) -> dict[str, Any]:
        """Weights and equilibria. The latter are found once, with both time constants at 1 ms: they serve
        for all.
        """
        w = np.array(NETWORKS[name][1])
        rests = analysis.equilibria(dynamics.CTRNN(tau=[1, 1], w=w, b=[0, 0]), rng=np.random.default_rng(0))
        return {"w": w, "equilibria": np.where(np.abs(rests) < 1e-9, 0.0, rests)}

    @staticmethod
    def cell(controls: dict[str, Any]) -> dynamics.CTRNN:
        """The pair as a cell of the package."""
        tau = [controls["tau_1"], controls["tau_2"]]
        return dynamics.CTRNN(tau=tau, w=NETWORKS[controls["weights"]][1], b=[0.0, 0.0])

    def frame_of(self, controls: dict[str, Any]) -> dict[str, Any]:
        """Run, run with equal clocks, equilibria by kind, the eigenvalues at 0, and the verdict."""
        cell, equal = self.cell(controls), self.cell(controls | {"tau_1": 1.0, "tau_2": 1.0})
        rests = np.array(self.spec["networks"][controls["weights"]]["equilibria"])
        frame: dict[str, Any] = {
            name: _run(pair, controls) for name, pair in (("path", cell), ("ghost", equal))
        }
        frame["kinds"] = [_kind(dynamics.jacobian(x, None, cell)) for x in rests]
        frame["eigenvalues"] = _pair(dynamics.jacobian(np.zeros(2), None, cell))
        late = frame["path"][len(frame["path"]) // 2 :, 0]
        frame["swing"] = [late.min(), late.max()]
        return frame | {"verdict": self.verdict(frame, rests)}

    @staticmethod
    def verdict(frame: dict[str, Any], rests: np.ndarray) -> list[list[str]]:
        """What stood still, and what became of the run; tau.js chooses the sentences by the same rule."""
        values, kind, end = _spoken(frame["eigenvalues"]), frame["kinds"][len(rests) // 2], frame["path"][-1]
        if len(rests) > 1:
            near = rests[np.abs(rests - end).max(-1).argmin()]
            fate = "ends" if np.abs(near - end).max() < 0.02 else "under way"
            return [
                phrase(SENTENCES["many"], count=len(rests)),
                phrase(SENTENCES[fate], values=values, x=near[0], y=near[1]),
            ]
        if kind == "unstable":
            kind = "held" if np.abs(frame["path"][0]).max() == 0 else "cycle"
        low, high = frame["swing"]
        return [phrase(SENTENCES["one"]), phrase(SENTENCES[kind], values=values, low=low, high=high)]

    def describe(self, frame: dict[str, Any]) -> str:
        """One frame in words, for the picture's alt text."""
        controls = frame["controls"]
        return (
            f"Time constants {controls['tau_1']:g} and {controls['tau_2']:g} ms. "
            + " ".join(text for _, text in frame["verdict"])
        ).replace("_", " ")

    def picture(self, frame: dict[str, Any]) -> Figure:
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        cell, rests = (
            self.cell(frame["controls"]),
            self.spec["networks"][frame["controls"]["weights"]]["equilibria"],
        )
        fig, (plane, modes) = plots.figure(8.8, 4.4, ncols=2, width_ratios=[1.1, 1])
        plots.draw_phase_plane(
            cell,
            plane,
            box=([-1.1, -1.1], [1.1, 1.1]),
            equilibria=np.array(rests),
            trajectory=np.array(frame["path"]),
            names=("x₁", "x₂"),
        )
        plane.set(xlabel="state x₁", ylabel="state x₂")
        ghost = self.compute(**frame["controls"] | {"tau_1": 1.0, "tau_2": 1.0})["eigenvalues"]
        plots.draw_spectrum(
            np.array(ghost) @ [1, 1j],
            np.array(frame["eigenvalues"]) @ [1, 1j],
            modes,
            label=("equal clocks", "these clocks"),
        )
        modes.set_title("Eigenvalues at 0")
        return fig


def _run(cell: dynamics.CTRNN, controls: dict[str, Any]) -> np.ndarray:
    x0 = np.array([controls["x_1"], controls["x_2"]])
    run = simulate.simulate(cell, None, x0, np.full(STEPS, DT), method="rk4")
    return np.concatenate([x0[None], run[KEEP - 1 :: KEEP]])


def _pair(J: np.ndarray) -> list[list[float]]:
    """The eigenvalues of a 2 x 2 matrix as [[re, im], [re, im]], the right or upper one first."""
    half, det = np.trace(J) / 2, J[0, 0] * J[1, 1] - J[0, 1] * J[1, 0]
    square = half * half - det
    square = 0.0 if abs(square) < 1e-12 else square
    root = float(np.sqrt(abs(square)))
    return [[half, root], [half, -root]] if square < 0 else [[half + root, 0.0], [half - root, 0.0]]


def _kind(J: np.ndarray) -> str:
    """Stable, saddle, unstable, or edge where an eigenvalue lies on the boundary."""
    real = [part for part, _ in _pair(J)]
    if min(map(abs, real)) < 1e-12:
        return "edge"
    return "stable" if real[0] < 0 else "unstable" if real[1] > 0 else "saddle"


def _spoken(values: list[list[float]]) -> str:
    """Two eigenvalues in words: "0.5 and 0.2", "−0.2 ± 0.4i", "±0.577i"."""
    (re, im), (other, _) = values
    if im == 0:
        return f"{format_number(re)} and {format_number(other)}"
    real = 0.0 if abs(re) < 1e-12 else re
    return f"{format_number(real)} ± {format_number(im)}i" if real else f"±{format_number(im)}i"
