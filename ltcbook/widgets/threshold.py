"""T on a whole network: which synapses move, what the eigenvalues do, and which function V may be believed."""

from functools import cached_property

import numpy as np

from .. import analysis, dynamics, pruning, simulate
from .. import wiring as wirings
from ..boundary import percent
from .base import Control, Explorer, Preset, words

SEED = 1084  # of the default network: at T = 0.3 it slows down, and its command neurons oscillate (a complex pair)
END, POINTS = 6.0, 41  # ms after the event that the trajectory shows, and its samples

RULES = {
    "threshold": ("New weight w0 = T", {}),
    "copy": ("Keep the old weight (copy)", {"new_weight": "copy"}),
    "prune": ("Prune only", {"target": "none"}),
    "uniform": ("Random U(T, 1)", {"new_weight": "uniform"}),
    "strong": ("Strong, W = 1", {"new_weight": 1.0}),
    "raise": ("Control: raise in place to 1", {"new_weight": 1.0, "target": "same", "polarity": "inherit"}),
    "slowest": ("Slowest target, W = 1", {"new_weight": 1.0, "target": "slowest"}),
}

PRESETS = [
    Preset("A loss", "T = 0.3, each new synapse starts at T: the network becomes slower, not faster."),
    Preset("Another seed", "The same T and the same rule. Only the dice differ, and now it is faster.", {"seed": 1}),
    Preset("Prune only", "Cutting alone removes conductance: the slowest mode slows down.", {"rule": "prune"}),
    Preset("Control", "Nothing is rewired, the weak weights are only raised: strength alone makes it faster.",
           {"rule": "raise"}),
    Preset("Strong weight", "Every new synapse at full strength, W = 1; where it lands is left to chance.",
           {"rule": "strong"}),
    Preset("Slow target", "The same strength, but sent to the slowest neurons: the choice that theory suggests.",
           {"rule": "slowest"}),
]


def default_network(seed=SEED):
    """Wiring, cell and constant input of the explorer's network, from one seed."""
    rng = np.random.default_rng(seed)
    wiring = wirings.ncp(sensory=6, inter=10, command=6, motor=2, sensory_fan_out=4, inter_fan_out=3, recurrent=6,
                         motor_fan_in=4, rng=rng)
    return wiring, dynamics.LTC.random(wiring, rng=rng), rng.uniform(0, 1, 6)


def is_layered(wiring):
    """Whether synapses run only sensory -> inter -> command (and among them) -> motor, with no layer empty."""
    allowed = {("sensory", "inter"), ("inter", "command"), ("command", "command"), ("command", "motor")}
    roles = [("sensory", wiring.role[t]) for _, t, _ in wiring.edges_in()]
    roles += [(wiring.role[s], wiring.role[t]) for s, t, _ in wiring.edges()]
    return set(roles) <= allowed and {"inter", "command", "motor"} <= set(wiring.role) and wiring.m > 0


class ThresholdExplorer(Explorer):
    """Prune & rewire a network at a threshold T and see network, eigenvalues and dV/dt together.

    cell, wiring, u: an LTC cell, its Wiring and one constant input (m,); all three or none (then a network of 18 neurons).
    compact=True keeps only T, the network and the eigenvalues, for one screen. Raises ValueError for a partial network.
    """

    key, drawing = "threshold", "threshold.js"
    title = "Move the threshold T"
    question = "Synapses weaker than T are cut and grow again elsewhere. Does the network forget an error faster?"
    answer = ("Sometimes. What counts is the slowest mode, the eigenvalue nearest to the boundary. It moves with the "
              "conductance that neurons gain or lose and with the equilibrium, so the same rule can help or harm: "
              "change the seed. Raising the weak weights in place, with no rewiring at all, does as well.")

    def __init__(self, cell=None, wiring=None, u=None, *, compact=False):
        given = [part is not None for part in (cell, wiring, u)]
        if any(given) and not all(given):
            raise ValueError("give cell, wiring and u together, or none of them for the default network.")
        self.wiring, self.cell, self.u = (wiring, cell, np.asarray(u, float)) if all(given) else default_network()
        if (self.cell.n, self.cell.m) != (self.wiring.n, self.wiring.m):
            raise ValueError(f"the cell has {self.cell.n} neurons and {self.cell.m} inputs, the wiring {self.wiring.n} and "
                             f"{self.wiring.m}: they must be the same network.")
        if not is_layered(self.wiring):
            raise ValueError(f"{self.wiring!r} is not layered; the drawing needs sensory -> inter -> command -> motor with "
                             "loops among command neurons only, as wiring.ncp and wiring.auto_ncp make it.")
        weights = [[*edge[:3], float(weight)] for edge, weight in zip(self.edges, self.edge_weights, strict=True)]
        knobs = [
            Control("T", "Threshold T", 0.3, low=0, high=0.6, step=0.005, grid_step=0.02, unit="µS",
                    hint="each tick is the weight of one synapse",
                    rug=tuple((round(w, 3), sign) for *_, sign, w in weights if w <= 0.6)),
            Control("rule", "Rule for the new weight", "threshold", kind="select", hidden=compact,
                    options=tuple((name, label) for name, (label, _) in RULES.items())),
            Control("seed", "Random seed", 0, kind="select", hidden=compact, options=((0, "0"), (1, "1"), (2, "2"))),
        ]
        if compact:
            self.question = "Cut the synapses weaker than T, grow new ones: is the network faster?"
            self.answer = self.answer.replace("change the seed", "move T and see")
        super().__init__(
            knobs, [] if compact else PRESETS, compact=compact, own=self.own + self.wiring.m, times=self.times,
            network={"nodes": self.nodes, "edges": weights},
            axes=self.axes(["threshold"] if compact else RULES, [0] if compact else range(3)),
            before={**self.spectrum(self.rest, self.cell), "synapses": self.wiring.synapses})

    # ---- the network before

    @cached_property
    def rest(self):
        """The equilibrium before the event, (n,)."""
        return analysis.relax(np.zeros(self.cell.n), self.u, self.cell)

    @cached_property
    def nodes(self):
        """Sensory inputs first, then the neurons: role and place within the role."""
        roles = ["sensory"] * self.wiring.m + list(self.wiring.role)
        return [{"role": role, "place": roles[:i].count(role) + 1} for i, role in enumerate(roles)]

    @cached_property
    def edges(self):
        """(source node, target node, sign) of every synapse; sensory inputs are nodes 0..m-1, neurons follow."""
        m = self.wiring.m
        return ([(s, t + m, sign) for s, t, sign in self.wiring.edges_in()]
                + [(s + m, t + m, sign) for s, t, sign in self.wiring.edges()])

    @cached_property
    def edge_weights(self):
        """Conductance of every synapse in ``edges``, in µS."""
        m = self.wiring.m
        return [self.cell.w_in[t - m, s] if s < m else self.cell.w[t - m, s - m] for s, t, _ in self.edges]

    @cached_property
    def own(self):
        """Neurons that own an eigenvalue, -1 / tau: all that lie on no loop of the network (theorem 6)."""
        return np.setdiff1d(np.arange(self.wiring.n), self.wiring.members("command"))

    @cached_property
    def times(self):
        """Sample times after the event, (41,), in ms, denser at the start."""
        return END * np.linspace(0, 1, POINTS) ** 2

    # ---- one frame

    def event(self, T, rule, seed):
        """The prune-and-rewire event and the cell after it."""
        tau = dynamics.time_constant(self.rest, self.u, self.cell)
        result = pruning.prune_and_rewire(
            self.wiring, self.cell.w, T, weights_in=self.cell.w_in, rng=np.random.default_rng(seed), time_constant=tau,
            **RULES[rule][1])
        return result, pruning.rewire(self.cell, result, rng=np.random.default_rng([seed, 1]))

    def settle(self, cell):
        """Trajectory from the old equilibrium under the new dynamics, (POINTS, n), and the equilibrium it reaches, (n,)."""
        dt = np.diff(self.times)
        path = simulate.simulate(cell, np.tile(self.u, (len(dt), 1)), self.rest, dt, method="exponential", substeps=2)
        return np.concatenate([self.rest[None], path]), analysis.relax(path[-1], self.u, cell)

    def spectrum(self, x, cell):
        """Eigenvalues by kind, slowest rate, trace and largest modulus at x, (n,)."""
        J, command = dynamics.jacobian(x, self.u, cell), self.wiring.members("command")
        values = np.linalg.eigvals(J)
        block = np.linalg.eigvals(J[np.ix_(command, command)]).astype(complex)
        block = block[np.lexsort((block.imag, -block.real))]
        return {"own": np.diagonal(J)[self.own], "command": np.stack([block.real, block.imag], -1),
                "rate": -values.real.max(), "trace": np.trace(J), "radius": np.abs(values).max()}

    def frame_of(self, controls):
        """One event at T: its edges, the spectrum after it, both dV/dt and the verdict."""
        result, cell = self.event(**controls)
        m, place = self.wiring.m, {edge[:2]: i for i, edge in enumerate(self.edges)}
        both = lambda name: ([(s, t + m) for s, t in getattr(result, name + "_in")]  # noqa: E731
                             + [(s + m, t + m) for s, t in getattr(result, name)])
        raised = controls["rule"] == "raise"
        cut = [] if raised else [place[edge] for edge in both("cut")]
        grown = [(s, t, int(cell.e_rev_in[t - m, s] if s < m else cell.e_rev[t - m, s - m]),
                  float(result.weights_in[t - m, s] if s < m else result.weights[t - m, s - m])) for s, t in both("grown")]
        blocked = [place[edge] for edge in both("blocked")]
        after = result.wiring.synapses
        frame = {"cut": cut, "grown": grown, "blocked": blocked,
                 "counts": {"cut": len(cut), "grown": len(grown), "blocked": len(blocked),
                            "kept": self.wiring.synapses - len(cut) - (len(grown) if raised else 0), "left": after}}
        moved = bool(cut or grown)
        path, new = self.settle(cell) if moved else (None, self.rest)
        frame |= self.spectrum(new, cell) | {"shift": float(np.abs(new - self.rest).max())}
        return frame | self.curves(path, new, cell) | {"verdict": self.verdict(frame, moved, raised)}

    def curves(self, path, new, cell):
        """dV/dt / V(0) along the path, per ms, for the certified V about the new equilibrium and for V = x'x."""
        if path is None:
            return {"certified": None, "origin": None, "descent": "Nothing moved: the network stays at rest, dV/dt is 0."}
        identity, certified = np.eye(cell.n), None
        origin = (analysis.lyapunov_derivative(path, self.u, cell, identity)
                  / analysis.lyapunov_value(self.rest, identity))
        P = analysis.certified_lyapunov(cell, self.u, analysis.invariant_box(cell, self.u, self.rest, new))
        if P is not None:
            certified = (analysis.lyapunov_derivative(path, self.u, cell, P, new)
                         / analysis.lyapunov_value(self.rest, P, new))
        length = np.gradient(self.times)[origin > 1e-3].sum()
        first = ("The certified V falls all the way." if certified is not None else
                 "No certificate at this T: the bound that would prove a V to fall does not decide here.")
        second = (f"The published V rises for {words(length, 2)} ms, by up to {words(origin.max(), 2)} of its start per "
                  "ms, although all the network does is come to rest." if length else
                  "The published V happens to fall too, but it is not 0 where the network comes to rest.")
        return {"certified": certified, "origin": origin, "descent": f"{first} {second}"}

    def verdict(self, frame, moved, raised):
        """The slowest mode before and after, in words with numbers."""
        if not moved:
            reason = "no synapse can move" if frame["counts"]["blocked"] else "no synapse is weaker than T"
            return [["same", f"Nothing changes: {reason}. Slowest mode {words(-self.before_rate)} per ms."]]
        old, new = self.before_rate, frame["rate"]
        change = new / old - 1
        how = (("same", "as fast as before") if percent(abs(change)) == "0" else
               ("good", f"{percent(change)} % faster") if change > 0 else ("bad", f"{percent(-change)} % slower"))
        count = frame["counts"]
        what = (f"{count['grown']} weights raised" if raised else
                f"{count['cut']} cut, {count['grown']} new, {count['blocked']} blocked")
        return [[how[0], f"Slowest mode {words(-old)}\u00a0→\u00a0{words(-new)} per ms: {how[1]} ({what})."]]

    @cached_property
    def before_rate(self):
        """Decay rate of the slowest mode before the event, in 1/ms."""
        return float(self.spectrum(self.rest, self.cell)["rate"])

    # ---- axes, words, picture

    def axes(self, rules, seeds):
        """Axes that never move: they hold the frames of three thresholds, with room around them."""
        frames = [self.frame_of({"T": T, "rule": rule, "seed": seed})
                  for T in (0.2, 0.4, 0.6) for rule in rules for seed in seeds]
        spectra = [*frames, self.spectrum(self.rest, self.cell)]
        lowest = min(min([*s["own"], *[re for re, _ in s["command"]]]) for s in spectra)
        highest = max(max([*s["own"], *[re for re, _ in s["command"]]]) for s in spectra)
        widest = max([abs(im) for s in spectra for _, im in s["command"]])
        curves = [frame[name] for frame in frames for name in ("certified", "origin")]
        flow = np.concatenate([curve for curve in curves if curve is not None] or [np.zeros(1)])
        return {"re": [lowest * 1.12, max(0.12 * self.before_rate, highest * 1.15)], "im": max(0.5, widest * 1.2),
                "linear": max(self.before_rate, 0.05), "flow": [min(-1, flow.min() * 1.3), max(0.5, flow.max() * 1.3)]}

    def describe(self, frame):
        """One frame in words, for the picture's alt text."""
        return f"T = {frame['controls']['T']:g} µS. {frame['verdict'][0][1]} {frame['descent']}"

    def picture(self, frame):
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .pictures import threshold_figure

        return threshold_figure(self.spec, frame, self.event(**frame["controls"])[0])
