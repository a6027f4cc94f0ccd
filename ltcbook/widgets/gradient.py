"""The gradient through time: how much of it is left after some steps, as weights, input and the kind of
step change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .base import Control, Explorer, Guess, Prediction, Preset, phrase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LENGTH = 40  # steps through time
STEPS = {"classic": "classic", "residual": "residual", "small": "Δ = 0.1"}
DELTA = {"classic": 1.0, "residual": 1.0, "small": 0.1}

PRESETS = [
    Preset(
        "Shear", "Both eigenvalues are 0.8, and the gradient still grows before it dies: W is not normal."
    ),
    Preset(
        "No shear",
        "The same eigenvalues without the one-way weight: from the first step on, the gradient dies.",
        {"q": 0.0},
    ),
    Preset(
        "λ = 1.2",
        "Eigenvalues of 1.2, neurons at rest: forty small excesses multiply.",
        {"lam": 1.2, "q": 0.0},
    ),
    Preset(
        "λ = 1.2, input 1",
        "The same strong weights under a strong input: flat curves let no gradient through.",
        {"lam": 1.2, "q": 0.0, "u": 1.0},
    ),
    Preset(
        "Residual step",
        "Nothing changed but the step: a flat neuron now hands the gradient on untouched.",
        {"lam": 1.2, "q": 0.0, "u": 1.0, "step": "residual"},
    ),
]
PREDICTION = Prediction(
    (
        Guess(
            "same",
            "It stays the same",
            "The eigenvalues say by which factor the gradient falls in the end, and that stays 0.8. But the "
            "corner of W to the power k is k q λ^(k−1): it doubles with q, and so does what is left.",
        ),
        Guess(
            "double",
            "It doubles",
            (
                "After many steps the corner of W to the power k, which is k q λ^(k−1), is nearly all that "
                "is left, and it doubles with q."
            ),
        ),
        Guess(
            "lives",
            "It no longer vanishes",
            (
                "It doubles, and it still vanishes: in the end each step multiplies by little more than the "
                "eigenvalue 0.8."
            ),
        ),
    ),
    right="double",
)
SENTENCES = {
    "explodes": ("bad", "After {steps} steps it is {left} times as large: it explodes."),
    "vanishes": ("bad", "After {steps} steps {left} is left: it vanishes."),
    "lives": ("good", "After {steps} steps {left} is left: it neither vanishes nor explodes."),
    "peaks": ("same", "It grows to {peak} at lag {lag}, with eigenvalue {radius}."),
    "handed on": ("same", "At rest a step multiplies by {radius}; saturated neurons hand it on."),
    "let nothing through": ("same", "At rest a step multiplies by {radius}; saturated neurons are flat."),
    "at rest": ("same", "At rest a step multiplies by {radius}, by at most {factor}."),
}


class GradientExplorer(Explorer):
    """Two tanh neurons over 40 steps: the norm of dx_40/dx_(40-k) against the lag k, with its bound and its
    eigenvalue line.

    W = [[lam, q], [0, lam]] and a constant input u into both; step "classic" (x+ = tanh(W x + u)), "residual"
    (x+ = x + tanh(W x + u)) or "small" (the same with a tenth of the push).
    """

    key, drawing, tabulated = "gradient", "gradient.js", False
    title = "What is left of a gradient after k steps"
    question = (
        "Both eigenvalues of W are 0.8 and stay so. You double the one-way weight q from 1 to 2. What "
        "becomes of the gradient that is left after 40 steps?"
    )
    answer = (
        "Neuron 1 listens to neuron 2 and not the other way round, so the corner of W to the power k is k q "
        "λ^(k−1). It grows with k until λ^k wins: with q = 1 the gradient climbs to 2.13 and ends at 0.0066, "
        "with q = 2 it climbs to 4.14 and ends at 0.013. Eigenvalues decide where it ends, singular values "
        "how it may begin."
    )
    prediction, sentences = PREDICTION, SENTENCES
    play = {"knob": "q", "seconds": 6}

    def __init__(self) -> None:
        super().__init__(
            [
                Control("q", "One-way weight q", 1.0, low=0, high=2, step=0.02, hint="from neuron 2 to 1"),
                Control("lam", "Eigenvalue λ of W", 0.8, low=-1.5, high=1.5, step=0.05, more=True),
                Control("u", "Input u", 0.0, low=0, high=2, step=0.05, more=True),
                Control(
                    "step",
                    "Step (Δ = 0.1: residual, small)",
                    "classic",
                    kind="select",
                    options=tuple(STEPS.items()),
                    more=True,
                ),
            ],
            PRESETS,
            length=LENGTH,
            delta=DELTA,
        )

    @staticmethod
    def jacobians(controls: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """The states x_0 ... x_T, (T + 1, 2), from x_0 = 0, and the Jacobians of the T steps, (T, 2, 2)."""
        w = np.array([[controls["lam"], controls["q"]], [0.0, controls["lam"]]])
        keep, delta = float(controls["step"] != "classic"), DELTA[controls["step"]]
        x, steps = [np.zeros(2)], []
        for _ in range(LENGTH):
            drive = np.tanh(w @ x[-1] + controls["u"])
            steps.append(keep * np.eye(2) + delta * (1 - drive**2)[:, None] * w)
            x.append(keep * x[-1] + delta * drive)
        return np.array(x), np.array(steps)

    def frame_of(self, controls: dict[str, Any]) -> dict[str, Any]:
        """Norms of the gradient over lags 0 to 40, the bound, the line of the eigenvalues, and the
        verdict.
        """
        x, steps = self.jacobians(controls)
        product, norms = np.eye(2), [1.0]
        for step in steps[::-1]:  # from the last step backwards
            product = product @ step
            norms.append(float(np.linalg.norm(product, 2)))
        keep, delta = float(controls["step"] != "classic"), DELTA[controls["step"]]
        w = np.array([[controls["lam"], controls["q"]], [0.0, controls["lam"]]])
        sigma = np.linalg.norm(w, 2)
        factor, radius = keep + delta * sigma, abs(keep + delta * controls["lam"])
        frame = {
            "norms": norms,
            "factor": factor,
            "radius": radius,
            "sigma": sigma,
            "end": norms[-1],
            "peak": max(norms),
            "lag": int(np.argmax(norms)),
            "x": x[-1],
        }
        return frame | {"verdict": self.verdict({**frame, "controls": controls})}

    @staticmethod
    def verdict(frame: dict[str, Any]) -> list[list[str]]:
        """What is left, and why, in one sentence each; gradient.js chooses them by the same rule."""
        end, peak, lag, radius = frame["end"], frame["peak"], frame["lag"], frame["radius"]
        residual = frame["controls"]["step"] != "classic"
        fate = "explodes" if end > 10 else "vanishes" if end < 0.1 else "lives"
        if lag and radius < 1 and peak > 1.005:
            why = "peaks"
        elif radius > 1 and end < (10 if residual else 1):
            why = "handed on" if residual else "let nothing through"
        else:
            why = "at rest"
        values = {
            "steps": LENGTH,
            "left": end if end > 1e-12 else "less than 1e−12",
            "peak": peak,
            "lag": lag,
            "radius": radius,
            "factor": frame["factor"],
        }
        return [phrase(SENTENCES[name], **values) for name in (fate, why)]

    def describe(self, frame: dict[str, Any]) -> str:
        """One frame in words, for the picture's alt text."""
        c = frame["controls"]
        return (
            f"Eigenvalue {c['lam']:g}, one-way weight {c['q']:g}, input {c['u']:g}, {STEPS[c['step']]} step. "
            + " ".join(text for _, text in frame["verdict"])
        )

    def picture(self, frame: dict[str, Any]) -> Figure:
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        fig, ax = plots.figure(7.6, 3.4)
        lags = np.arange(LENGTH + 1)
        ax.set(
            yscale="log",
            ylim=(1e-6, 1e6),
            xlim=(0, LENGTH),
            xlabel="lag k (steps)",
            ylabel="norm of the gradient",
        )
        limit = lambda values: np.clip(values, 1e-6, 1e6)
        # the drawing's looks
        curves = {
            "gradient": (frame["norms"], plots.INK, "-"),
            "bound": (frame["factor"] ** lags, plots.GREY, "--"),
            "eigenvalue": (frame["radius"] ** lags, plots.VERMILLION, ":"),
        }
        for name, (values, colour, dashes) in curves.items():
            ax.plot(lags, limit(values), color=colour, ls=dashes, label=name)
        plots.name_above(ax)
        ax.axhline(1, color=plots.GREY, lw=1)
        ticks = [-6, -3, 0, 3, 6]
        ax.set_yticks([10.0**k for k in ticks], [f"1e{k:+d}".replace("-", "−") if k else "1" for k in ticks])
        ax.set_yticks([], minor=True)
        return fig
