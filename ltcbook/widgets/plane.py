"""Two targets, one weak synapse: neuron i drives j before and k after. The state (x_j, x_k) and all constants move."""

import numpy as np

from .. import analysis, dynamics
from .base import Control, Explorer, Preset, signed, words

GATE, CAPACITANCE = 0.5, 1.0  # the open share s of the synapse (x_i is held), and c in nF

PRESETS = [
    Preset("Published example", "W is 50 times w, both neurons are alike. V rises after the event, yet all is stable."),
    Preset("Where claim 1 holds", "Beyond E the new synapse pulls back towards 0: now V falls faster.",
           {"x_j": 0.0, "x_k": 1.3}),
    Preset("Other polarity", "The same state with an inhibitory synapse: claim 1 hangs on signs.", {"E": -1}),
    Preset("Fast target", "k is faster at rest than j: fifty times the weight, and yet slower.",
           {"T": 0.5, "w_ij": 0.2, "w_ik": 10.0, "tau_j": 2.0, "tau_k": 1.0}),
    Preset("Slow target", "k is slower at rest than j: any new weight at all makes it faster.",
           {"tau_j": 0.5, "tau_k": 2.0, "w_ik": 0.5}),
]


class PlaneExplorer(Explorer):
    """Drag the state of the two-target subgraph and see where each published claim about rewiring holds.

    Neuron i (held, its gate open by s = 0.5) drives j through w_ij; if w_ij < T the synapse is cut and k is driven through
    w_ik. Both cases are ``dynamics.LTC`` cells with two neurons and one input, and every number comes from ``analysis``.
    """

    key, drawing, tabulated = "plane", "plane.js", False
    title = "Drag the state, move the weights"
    question = ("A weak synapse moves from j to k and becomes 50 times stronger. "
                "Must the network settle faster?")
    answer = ("No. The slowest mode sets the rate, and it gains only if k is slower at rest than j, whatever the weights. "
              "Nor must V\u00a0=\u00a0x_j²\u00a0+\u00a0x_k² fall faster: the new synapse pulls x_k towards its reversal "
              "potential E, not towards 0, so between 0 and E, just where states live, it makes V rise.")

    def __init__(self):
        ranges = [("T", "Threshold T", 0.1, 0, 1, 0.01, "µS"), ("w_ij", "Old weight w, i to j", 0.02, 0, 1, 0.01, "µS"),
                  ("w_ik", "New weight W, i to k", 1.0, 0.05, 10, 0.05, "µS"),
                  ("tau_j", "Leak time τ_j", 1.0, 0.2, 5, 0.05, "ms"), ("tau_k", "Leak time τ_k", 1.0, 0.2, 5, 0.05, "ms"),
                  ("x_j", "State x_j", 0.0, -1.5, 1.5, 0.05, "mV"),
                  ("x_k", "State x_k", 0.2, -1.5, 1.5, 0.05, "mV")]
        knobs = [Control(name, label, default, low=low, high=high, step=step, unit=unit)
                 for name, label, default, low, high, step, unit in ranges]
        knobs.insert(3, Control("E", "Reversal potential E", 1, kind="select", options=((1, "+1 mV"), (-1, "−1 mV"))))
        super().__init__(knobs, PRESETS, gate=GATE, capacitance=CAPACITANCE)

    @staticmethod
    def cells(controls):
        """The cell before and the cell after: neurons (j, k), one input i. After equals before where w_ij >= T."""
        before, moved = [[controls["w_ij"]], [0.0]], [[0.0], [controls["w_ik"]]]
        cut = controls["w_ij"] < controls["T"]
        g_leak = CAPACITANCE / np.array([controls["tau_j"], controls["tau_k"]])
        none, column = np.zeros((2, 2)), np.ones((2, 1))
        return cut, [dynamics.LTC(c=np.full(2, CAPACITANCE), g_leak=g_leak, e_leak=np.zeros(2), w=none, gamma=none,
                                  mu=none, e_rev=none, w_in=np.array(w), gamma_in=column, mu_in=0 * column,
                                  e_rev_in=controls["E"] * column) for w in (before, moved if cut else before)]

    def frame_of(self, controls):
        """Both cells at one state: V, its derivative, rest, eigenvalues and the verdict on each claim."""
        cut, cells = self.cells(controls)
        x, u = np.array([controls["x_j"], controls["x_k"]]), np.array([np.log(GATE / (1 - GATE))])
        frame = {"cut": bool(cut)}
        for name, cell in zip(("before", "after"), cells, strict=True):
            J = dynamics.jacobian(x, u, cell)
            frame[name] = {
                "vdot": analysis.lyapunov_derivative(x, u, cell, np.eye(2)),
                "velocity": dynamics.vector_field(0, x, u, cell),
                "rest": dynamics.effective_equilibrium(x, u, cell), "eigenvalues": np.diagonal(J),
                "rate": -analysis.spectral_abscissa(J), "trace": np.trace(J), "fastest": np.abs(np.diagonal(J)).max()}
        frame["change"] = frame["after"]["vdot"] - frame["before"]["vdot"]
        return frame | {"verdict": self.verdict(frame, controls)}

    @staticmethod
    def verdict(frame, controls):
        """One sentence with numbers for each claim; plane.js says the same words."""
        before, after = frame["before"], frame["after"]
        if not frame["cut"]:
            return [["same", f"Nothing happens: w = {words(controls['w_ij'])} is not below T = {words(controls['T'])}."]]
        tone = "same" if abs(frame["change"]) < 1e-12 else "good" if frame["change"] < 0 else "bad"
        rises = "fails here: V even rises" if after["vdot"] > 1e-12 else "fails here: V falls slower"
        first = {"good": "holds here: V falls faster", "bad": rises, "same": "changes nothing here"}[tone]
        gain = after["rate"] - before["rate"]
        rate = "same" if abs(gain) < 1e-12 else "good" if gain > 0 else "bad"
        second = {"good": "holds: k is slower at rest than j", "bad": "fails: k is faster at rest than j",
                  "same": "fails: τ_j = τ_k, so no weight can help"}[rate]
        return [[tone, f"Claim 1 {first}. dV/dt {signed(before['vdot'])}\u00a0→\u00a0{signed(after['vdot'])} per ms."],
                ["bad" if rate == "same" else rate,
                 f"Claim 2 {second}. Slowest mode {words(-before['rate'])}\u00a0→\u00a0{words(-after['rate'])} per ms."]]

    def describe(self, frame):
        """One frame in words, for the picture's alt text."""
        state = f"State x_j = {frame['controls']['x_j']:g}, x_k = {frame['controls']['x_k']:g}. "
        return (state + " ".join(text for _, text in frame["verdict"])).replace("_", " ")

    def picture(self, frame):
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .pictures import plane_figure

        return plane_figure(frame)
