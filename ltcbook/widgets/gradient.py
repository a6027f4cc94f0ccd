"""The gradient through time: how much of it is left after some steps, as weights, input and the kind of step change."""

import numpy as np

from .base import Control, Explorer, Preset, words

LENGTH = 40  # steps through time
STEPS = {"classic": "classic", "residual": "residual", "small": "Δ = 0.1"}
DELTA = {"classic": 1.0, "residual": 1.0, "small": 0.1}

PRESETS = [
    Preset("Shear", "Both eigenvalues are 0.8, and the gradient still grows before it dies: W is not normal."),
    Preset("No shear", "The same eigenvalues without the one-way weight: from the first step on, the gradient dies.",
           {"q": 0.0}),
    Preset("Too strong", "Eigenvalues of 1.2, neurons at rest: forty small excesses multiply.", {"lam": 1.2, "q": 0.0}),
    Preset("Saturated", "The same strong weights under a strong input: flat curves let no gradient through.",
           {"lam": 1.2, "q": 0.0, "u": 1.0}),
    Preset("Residual", "Nothing changed but the step: a flat neuron now hands the gradient on untouched.",
           {"lam": 1.2, "q": 0.0, "u": 1.0, "step": "residual"}),
]


class GradientExplorer(Explorer):
    """Two tanh neurons over 40 steps: the norm of dx_40/dx_(40-k) against the lag k, with its bound and its eigenvalue line.

    W = [[lam, q], [0, lam]] and a constant input u into both; step "classic" (x+ = tanh(W x + u)), "residual" (x+ = x +
    tanh(W x + u)) or "small" (the same with a tenth of the push).
    """

    key, drawing, tabulated = "gradient", "gradient.js", False
    title = "What is left of a gradient after k steps"
    question = "Both eigenvalues of W are 0.8. Does the gradient shrink from the first step on?"
    answer = ("No: it grows to 2.13 at lag 4, because neuron 1 listens to neuron 2 and not the other way round. Eigenvalues "
              "decide where it ends, singular values how it may begin. Press “No shear” to compare.")

    def __init__(self):
        super().__init__([
            Control("lam", "Eigenvalue λ of W", 0.8, low=-1.5, high=1.5, step=0.05),
            Control("q", "One-way weight q", 1.0, low=0, high=2, step=0.05, hint="from neuron 2 to neuron 1"),
            Control("u", "Input u", 0.0, low=0, high=2, step=0.05),
            Control("step", "Step (Δ = 0.1: residual, small)", "classic", kind="select", options=tuple(STEPS.items())),
        ], PRESETS, length=LENGTH, delta=DELTA)

    @staticmethod
    def jacobians(controls):
        """The states x_0 ... x_T, (T + 1, 2), from x_0 = 0, and the Jacobians of the T steps, (T, 2, 2)."""
        w = np.array([[controls["lam"], controls["q"]], [0.0, controls["lam"]]])
        keep, delta = float(controls["step"] != "classic"), DELTA[controls["step"]]
        x, steps = [np.zeros(2)], []
        for _ in range(LENGTH):
            drive = np.tanh(w @ x[-1] + controls["u"])
            steps.append(keep * np.eye(2) + delta * (1 - drive**2)[:, None] * w)
            x.append(keep * x[-1] + delta * drive)
        return np.array(x), np.array(steps)

    def frame_of(self, controls):
        """Norms of the gradient over lags 0 to 40, the bound, the line of the eigenvalues, and the verdict."""
        x, steps = self.jacobians(controls)
        product, norms = np.eye(2), [1.0]
        for step in steps[::-1]:  # from the last step backwards
            product = product @ step
            norms.append(np.linalg.norm(product, 2))
        keep, delta = float(controls["step"] != "classic"), DELTA[controls["step"]]
        w = np.array([[controls["lam"], controls["q"]], [0.0, controls["lam"]]])
        sigma = np.linalg.norm(w, 2)
        factor, radius = keep + delta * sigma, abs(keep + delta * controls["lam"])
        frame = {"norms": norms, "factor": factor, "radius": radius, "sigma": sigma, "end": norms[-1],
                 "peak": max(norms), "lag": int(np.argmax(norms)), "x": x[-1]}
        return frame | {"verdict": self.verdict({**frame, "controls": controls})}

    @staticmethod
    def verdict(frame):
        """What is left, and why, in one sentence each; gradient.js says the same words."""
        end, peak, lag, radius = frame["end"], frame["peak"], frame["lag"], frame["radius"]
        residual = frame["controls"]["step"] != "classic"
        left = words(end) if end > 1e-12 else "less than 1e−12"
        if end > 10:
            first = ["bad", f"After {LENGTH} steps the gradient is {left} times as large: it explodes."]
        elif end < 0.1:
            first = ["bad", f"After {LENGTH} steps {left} of the gradient is left: it vanishes."]
        else:
            first = ["good", f"After {LENGTH} steps {left} of the gradient is left: it neither vanishes nor explodes."]
        if lag and radius < 1 and peak > 1.005:
            second = f"On the way it grows to {words(peak)} at lag {lag}, although the eigenvalue is {words(radius)}."
        elif radius > 1 and end < (10 if residual else 1):
            second = f"At rest one step multiplies by {words(radius)}; saturated neurons "
            second += "hand the gradient on untouched." if residual else "are flat and let nothing through."
        else:
            second = f"At rest one step multiplies by the eigenvalue {words(radius)}, and by at most {words(frame['factor'])}."
        return [first, ["same", second]]

    def describe(self, frame):
        """One frame in words, for the picture's alt text."""
        c = frame["controls"]
        return (f"Eigenvalue {c['lam']:g}, one-way weight {c['q']:g}, input {c['u']:g}, {STEPS[c['step']]} step. "
                + " ".join(text for _, text in frame["verdict"]))

    def picture(self, frame):
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        fig, ax = plots.figure(7.6, 3.4)
        lags = np.arange(LENGTH + 1)
        ax.set(yscale="log", ylim=(1e-6, 1e6), xlim=(0, LENGTH), xlabel="lag k (steps)", ylabel="norm of the gradient")
        limit = lambda values: np.clip(values, 1e-6, 1e6)  # noqa: E731
        plots.draw_curves(lags, {"gradient": limit(frame["norms"]), "bound": limit(frame["factor"] ** lags),
                                 "eigenvalue": limit(frame["radius"] ** lags)}, ax, labels="top")
        ax.axhline(1, color=plots.GREY, lw=1)
        ticks = [-6, -3, 0, 3, 6]
        ax.set_yticks([10.0**k for k in ticks], [f"1e{k:+d}".replace("-", "−") if k else "1" for k in ticks])
        ax.set_yticks([], minor=True)
        return fig
