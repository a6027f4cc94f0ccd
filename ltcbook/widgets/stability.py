"""The test equation dx/dt = lambda x and one solver's step: its stability region scales, its solution
decays or explodes.
"""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import Control, Explorer, Guess, Prediction, Preset, format_number, phrase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LENGTH = 8.0  # units of time drawn
METHODS = {"euler": "Euler", "rk4": "RK4", "implicit": "implicit Euler"}
# of the explicit methods' polynomials R
COEFFICIENTS = {"euler": (1, 1), "rk4": (1, 1, 1 / 2, 1 / 6, 1 / 24)}

PRESETS = [
    Preset("Euler, Δ = 0.8", "Each step turns x further round, and throws it further out."),
    Preset(
        "Euler, Δ = 0.3",
        "Nothing changed but the step. The region has grown, and λ lies inside.",
        {"dt": 0.3},
    ),
    Preset(
        "A fast swing",
        "λ lies next to the imaginary axis. Euler's disc only touches that axis, at 0.",
        {"re": -0.1, "im": 3.0, "dt": 0.4},
    ),
    Preset(
        "RK4, the same swing",
        "The same λ and step: RK4's region takes in a piece of the imaginary axis.",
        {"re": -0.1, "im": 3.0, "dt": 0.4, "method": "rk4"},
    ),
    Preset(
        "A growing equation",
        "The equation grows, the implicit solution dies: stable is not the same as right.",
        {"re": 0.5, "im": 3.0, "dt": 0.8, "method": "implicit"},
    ),
]
PREDICTION = Prediction(
    (
        Guess(
            "0.7",
            "Below 0.7",
            "With a step of 0.7 the factor 1 + λΔ is −0.4 + 1.4i and still has size 1.46. Its size is below "
            "1 only for Δ < 2 |Re λ| / |λ|² = 0.5.",
        ),
        Guess(
            "0.5",
            "Below 0.5",
            (
                "Each step multiplies by 1 + λΔ, and the size of that factor is below 1 for Δ < 2 |Re λ| / "
                "|λ|² = 0.5."
            ),
        ),
        Guess(
            "0.05",
            "Below 0.05",
            "Such steps decay, but they are ten times shorter than they have to be: 1 + λΔ has a size below "
            "1 for every Δ < 2 |Re λ| / |λ|² = 0.5.",
        ),
    ),
    right="0.5",
)
DOES = {"keeps": "keeps its size", "explodes": "explodes", "decays": "decays"}
TRUTH = {"keeps": "keeps its size", "grows": "grows", "decays": "decays"}
AGREE = {
    ("keeps", "keeps"): "as the equation does",
    ("decays", "decays"): "as the equation does",
    ("explodes", "grows"): "and the equation grows",
}
SENTENCES = {
    f"{does}, {truth}": (
        "good" if (does, truth) in AGREE else "bad",
        (
            f"|R| = {{size}}: the solver {DOES[does]}, "
            f"{AGREE.get((does, truth), f'the equation {TRUTH[truth]}')}."
        ),
    )
    for does in DOES
    for truth in TRUTH
} | {
    "nowhere": ("bad", "λΔ = 1: the implicit step divides by zero."),
    "limit": ("same", "It decays for Δ\u00a0<\u00a0{limit}."),
    "always": ("same", "It decays for every Δ."),
}


def stability_function(z: Any, method: str) -> Any:
    """R(z), of z's shape: one step multiplies the solution of dx/dt = lambda x by R(dt lambda). Complex z, no
    unit.

    method: "euler", "rk4" or "implicit". Source: Hairer & Wanner (1996), section IV.2.
    """
    if method == "implicit":
        return 1 / (1 - z)
    value = 0
    for coefficient in reversed(COEFFICIENTS[method]):
        value = value * z + coefficient
    return value


def boundary(method: str, points: int = 96) -> list:
    """The closed curve abs(R(z)) = 1 through z = 0 as [[Re z, Im z], ...], points per turn of R. Newton,
    from point to point.
    """
    if method == "implicit":
        angles = 2 * np.pi * np.arange(points) / points
        curve = 1 - np.exp(-1j * angles)
    else:
        polynomial = np.polynomial.Polynomial(COEFFICIENTS[method])
        turns, z, curve = polynomial.degree(), 0j, []
        for angle in 2 * np.pi * np.arange(turns * points) / points:
            for _ in range(8):
                z = z - (polynomial(z) - cmath.exp(1j * angle)) / polynomial.deriv()(z)
            curve.append(z)
        curve = np.array(curve)
    return np.stack([curve.real, curve.imag], axis=-1).round(4).tolist()


class StabilityExplorer(Explorer):
    """Drag lambda in the complex plane, move the step: the solver's region scales, its solution runs
    beside the exact one.
    """

    key, drawing, tabulated = "stability", "stability.js", False
    title = "One eigenvalue, one step: does the solver do what the equation does?"
    question = (
        "Euler explodes here, with λ = −2 + 2i and steps of 0.8. The equation decays. How short must a step "
        "be before Euler decays, too?"
    )
    answer = (
        "Below 2 |Re λ| / |λ|² = 0.5, where λ enters the disc. With λ = −0.1 + 3i the limit is only 0.022: a "
        "slow decay with a fast swing is what Euler fears most."
    )

    prediction, sentences = PREDICTION, SENTENCES
    play = {"knob": "dt", "seconds": 8}

    def __init__(self) -> None:
        super().__init__(
            [
                Control("dt", "Step Δ", 0.8, low=0.1, high=2, step=0.01),
                Control("re", "Real part of λ", -2.0, low=-6, high=2, step=0.1, more=True),
                Control("im", "Imaginary part of λ", 2.0, low=-5, high=5, step=0.1, more=True),
                Control(
                    "method",
                    "Solver",
                    "euler",
                    kind="select",
                    more=True,
                    options=(("euler", "Euler"), ("rk4", "RK4"), ("implicit", "Implicit")),
                ),
            ],
            PRESETS,
            boundary={name: boundary(name) for name in METHODS},
            length=LENGTH,
        )

    def frame_of(self, controls: dict[str, Any]) -> dict[str, Any]:
        """R, the exact factor of one step, the largest stable step, both solutions (real parts) and the
        verdict.
        """
        lam, dt, method = complex(controls["re"], controls["im"]), controls["dt"], controls["method"]
        z = lam * dt
        frame: dict[str, Any] = {
            "z": [z.real, z.imag],
            "R": None,
            "size": None,
            "error": None,
            "exact": math.exp(z.real),
            "limit": self.limit(lam, method),
            "solution": [1.0],
        }
        if method != "implicit" or z != 1:  # else the step has no solution
            R = complex(stability_function(z, method))
            steps = math.floor(LENGTH / dt + 1e-9)
            frame |= {"R": [R.real, R.imag], "size": abs(R), "error": abs(R - cmath.exp(z))}
            frame["solution"] = np.cumprod([1, *[R] * steps]).real
        return frame | {"verdict": self.verdict(frame, controls)}

    @staticmethod
    def limit(lam: complex, method: str) -> float | None:
        """Step at which a decaying equation leaves the region for the first time; None where it never
        does.
        """
        if method == "implicit" or lam.real >= 0:
            return None
        grows = lambda dt: abs(stability_function(lam * dt, method)) >= 1
        fine = 0.02 / abs(lam)
        high = next(k * fine for k in range(1, 1000) if grows(k * fine))
        low = max(high - fine, 0.0)
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (low, middle) if grows(middle) else (middle, high)
        return high

    @staticmethod
    def verdict(frame: dict[str, Any], controls: dict[str, Any]) -> list[list[str]]:
        """What solution and equation do, and up to which step; stability.js chooses the sentences by the
        same rule.
        """
        if frame["R"] is None:
            return [phrase(SENTENCES["nowhere"])]
        size, growth, limit = frame["size"], controls["re"], frame["limit"]
        does = "keeps" if abs(size - 1) < 1e-9 else "explodes" if size > 1 else "decays"
        truth = "keeps" if growth == 0 else "grows" if growth > 0 else "decays"
        names = [f"{does}, {truth}"] + (["limit" if limit is not None else "always"] if growth < 0 else [])
        return [phrase(SENTENCES[name], size=size, limit=limit) for name in names]

    def describe(self, frame: dict[str, Any]) -> str:
        """One frame in words, for the picture's alt text."""
        c = frame["controls"]
        return (
            f"{METHODS[c['method']]}, λ = {format_number(c['re'])} {'−' if c['im'] < 0 else '+'} "
            f"{format_number(abs(c['im']))}i, "
            f"Δ = {format_number(c['dt'])}. " + " ".join(text for _, text in frame["verdict"])
        )

    def picture(self, frame: dict[str, Any]) -> Figure:
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        c = frame["controls"]
        fig, (plane, time) = plots.figure(8.6, 3.6, ncols=2, width_ratios=[1, 1.25])
        plots.draw_stability(
            lambda lam: stability_function(lam * c["dt"], c["method"]), "", plane, box=(-6, 2, -5, 5)
        )
        plane.plot(c["re"], c["im"], "o", color=plots.VERMILLION, ms=9)
        plane.set(xlabel="real part of λ", ylabel="imaginary part of λ", title="shaded: |R| < 1")
        t = np.linspace(0, LENGTH, 401)
        exact = np.exp(c["re"] * t) * np.cos(c["im"] * t)
        steps = c["dt"] * np.arange(len(frame["solution"]))
        time.set(xlabel="time", ylabel="real part of x", ylim=(-3, 3))
        time.plot(t, np.clip(exact, -3, 3), color=plots.INK, label="exact")
        beyond = np.abs(frame["solution"]) > 3  # hollow, at the edge, as in the drawing
        for points, fill, label in (
            (~beyond, plots.VERMILLION, METHODS[c["method"]]),
            (beyond, "none", None),
        ):
            time.plot(
                steps[points],
                np.clip(frame["solution"], -3, 3)[points],
                "o",
                mec=plots.VERMILLION,
                mfc=fill,
                color=plots.VERMILLION,
                ms=5,
                label=label,
                clip_on=False,
            )
        plots.name_above(time)
        return fig
