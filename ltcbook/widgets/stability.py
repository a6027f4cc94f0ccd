"""The test equation dx/dt = lambda x and one solver's step: its stability region scales, its solution decays or explodes."""

import cmath
import math

import numpy as np

from .base import Control, Explorer, Preset, words

LENGTH = 8.0  # units of time drawn
METHODS = {"euler": "Euler", "rk4": "RK4", "implicit": "implicit Euler"}
COEFFICIENTS = {"euler": (1, 1), "rk4": (1, 1, 1 / 2, 1 / 6, 1 / 24)}  # of the explicit methods' polynomials R

PRESETS = [
    Preset("An explosion", "Each step turns x further round, and throws it further out."),
    Preset("A smaller step", "Nothing changed but the step. The region has grown, and λ lies inside.", {"dt": 0.3}),
    Preset("A swing", "λ lies next to the imaginary axis. Euler's disc only touches that axis, at 0.",
           {"re": -0.1, "im": 3.0, "dt": 0.4}),
    Preset("RK4 on the swing", "The same λ and step: RK4's region takes in a piece of the imaginary axis.",
           {"re": -0.1, "im": 3.0, "dt": 0.4, "method": "rk4"}),
    Preset("Too stable", "The equation grows, the implicit solution dies: stable is not the same as right.",
           {"re": 0.5, "im": 3.0, "dt": 0.8, "method": "implicit"}),
]


def stability_function(z, method):
    """R(z), of z's shape: one step multiplies the solution of dx/dt = lambda x by R(dt lambda). Complex z, no unit.

    method: "euler", "rk4" or "implicit". Source: Hairer & Wanner (1996), section IV.2.
    """
    if method == "implicit":
        return 1 / (1 - z)
    value = 0
    for coefficient in reversed(COEFFICIENTS[method]):
        value = value * z + coefficient
    return value


def boundary(method, points=96):
    """The closed curve abs(R(z)) = 1 through z = 0 as [[Re z, Im z], ...], points per turn of R. Newton, from point to point."""
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
    """Drag lambda in the complex plane, move the step: the solver's region scales, its solution runs beside the exact one."""

    key, drawing, tabulated = "stability", "stability.js", False
    title = "One eigenvalue, one step: does the solver do what the equation does?"
    question = ("Euler explodes here, with λ = −2 + 2i and a step of 0.8. The equation decays. How short must the "
                "step be before Euler decays too: about 0.7, 0.5, or 0.05?")
    answer = ("Below 2 |Re λ| / |λ|² = 0.5, where λ enters the disc. With λ = −0.1 + 3i the limit is only 0.022: a slow decay "
              "with a fast swing is what Euler fears most.")

    def __init__(self):
        super().__init__([
            Control("re", "Real part of λ", -2.0, low=-6, high=2, step=0.1),
            Control("im", "Imaginary part of λ", 2.0, low=-5, high=5, step=0.1),
            Control("dt", "Step Δ", 0.8, low=0.1, high=2, step=0.05),
            Control("method", "Solver", "euler", kind="select",
                    options=(("euler", "Euler"), ("rk4", "RK4"), ("implicit", "Implicit"))),
        ], PRESETS, boundary={name: boundary(name) for name in METHODS}, length=LENGTH)

    def frame_of(self, controls):
        """R, the exact factor of one step, the largest stable step, both solutions (real parts) and the verdict."""
        lam, dt, method = complex(controls["re"], controls["im"]), controls["dt"], controls["method"]
        z = lam * dt
        frame = {"z": [z.real, z.imag], "R": None, "size": None, "error": None, "exact": math.exp(z.real),
                 "limit": self.limit(lam, method), "solution": [1.0]}
        if method != "implicit" or z != 1:  # else the step has no solution
            R = complex(stability_function(z, method))
            steps = math.floor(LENGTH / dt + 1e-9)
            frame |= {"R": [R.real, R.imag], "size": abs(R), "error": abs(R - cmath.exp(z))}
            frame["solution"] = np.cumprod([1, *[R] * steps]).real
        return frame | {"verdict": self.verdict(frame, controls)}

    @staticmethod
    def limit(lam, method):
        """Step at which a decaying equation leaves the region for the first time; None where it never does."""
        if method == "implicit" or lam.real >= 0:
            return None
        grows = lambda dt: abs(stability_function(lam * dt, method)) >= 1  # noqa: E731
        fine = 0.02 / abs(lam)
        high = next(k * fine for k in range(1, 1000) if grows(k * fine))
        low = max(high - fine, 0.0)
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (low, middle) if grows(middle) else (middle, high)
        return high

    @staticmethod
    def verdict(frame, controls):
        """What solution and equation do, and how wrong one step is; stability.js says the same words."""
        if frame["R"] is None:
            return [["bad", "λΔ = 1: the implicit step divides by zero and has no solution."]]
        size, growth = frame["size"], controls["re"]
        does = "keeps its size" if abs(size - 1) < 1e-9 else "explodes" if size > 1 else "decays"
        truth = "keeps its size" if growth == 0 else "grows" if growth > 0 else "decays"
        agree = (does == truth) or (does == "explodes" and truth == "grows")
        joint = "as the equation does" if agree and does == "decays" else f"{'and' if agree else 'although'} the equation {truth}"
        first = ["good" if agree else "bad", f"|R| = {words(size)}: the solution {does}{',' if agree else ''} {joint}."]
        exact, error = words(frame["exact"]), words(frame["error"])
        second = f"The exact factor of a step has size {exact}; R misses it by {error}."
        if frame["limit"] is not None:
            second += f" With this λ the solution decays for Δ < {words(frame['limit'])}."
        elif growth < 0:
            second += " With this λ the solution decays for every Δ."
        return [first, ["same", second]]

    def describe(self, frame):
        """One frame in words, for the picture's alt text."""
        c = frame["controls"]
        return (f"{METHODS[c['method']]}, λ = {words(c['re'])} {'−' if c['im'] < 0 else '+'} {words(abs(c['im']))}i, "
                f"Δ = {words(c['dt'])}. " + " ".join(text for _, text in frame["verdict"]))

    def picture(self, frame):
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        c = frame["controls"]
        fig, (plane, time) = plots.figure(8.6, 3.6, ncols=2, width_ratios=[1, 1.25])
        plots.draw_stability(lambda lam: stability_function(lam * c["dt"], c["method"]), "", plane, box=(-6, 2, -5, 5))
        plane.plot(c["re"], c["im"], "o", color=plots.VERMILLION, ms=9)
        plane.set(xlabel="real part of λ", ylabel="imaginary part of λ", title="shaded: |R| < 1")
        t = np.linspace(0, LENGTH, 401)
        exact = np.exp(c["re"] * t) * np.cos(c["im"] * t)
        steps = c["dt"] * np.arange(len(frame["solution"]))
        time.set(xlabel="time", ylabel="real part of x", ylim=(-3, 3))
        runs = {"exact": (t, np.clip(exact, -3, 3)), METHODS[c["method"]]: (steps, np.clip(frame["solution"], -3, 3))}
        plots.draw_curves(None, runs, time, labels="top")
        return fig
