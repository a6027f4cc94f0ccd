"""One circuit under the threshold T: its drawing, its plans of events, and what one event does to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import analysis, dynamics, pruning, simulate
from ..wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Sequence

END, POINTS = 6.0, 41  # ms after the event that the trajectory shows, and its samples
HIGHEST = 0.6  # µS, the largest T
TIMES = END * np.linspace(0, 1, POINTS) ** 2  # denser at the start


@dataclass(frozen=True, eq=False)
class Circuit:
    """A layered LTC network and one constant input u (m,), as the explorer of T takes it apart.

    inputs: whether an event moves synapses from inputs too.

    Raises ValueError for a cell and a wiring of different networks, or a wiring that is not layered.
    """

    cell: dynamics.LTC
    wiring: Wiring
    u: np.ndarray
    inputs: bool = True

    def __post_init__(self) -> None:
        if (self.cell.n, self.cell.m) != (self.wiring.n, self.wiring.m):
            raise ValueError(
                f"the cell has {self.cell.n} neurons and {self.cell.m} inputs, the wiring {self.wiring.n} "
                f"and {self.wiring.m}: they must be the same network."
            )
        if not is_layered(self.wiring):
            raise ValueError(
                f"{self.wiring!r} is not layered; the drawing needs sensory -> inter -> command -> motor "
                "with loops among command neurons only, as wiring.ncp and wiring.auto_ncp make it."
            )
        object.__setattr__(self, "u", np.array(self.u, float))

    # ---- how it is drawn: sensory inputs are nodes 0 .. m - 1, the neurons follow

    @cached_property
    def nodes(self) -> list[dict[str, Any]]:
        """Role and place within the role of every node."""
        roles = ["sensory"] * self.wiring.m + list(self.wiring.role)
        return [{"role": role, "place": roles[:i].count(role) + 1} for i, role in enumerate(roles)]

    @cached_property
    def edges(self) -> list[tuple[int, int, int]]:
        """(source node, target node, sign) of every synapse."""
        m = self.wiring.m
        return [(s, t + m, sign) for s, t, sign in self.wiring.edges_in()] + [
            (s + m, t + m, sign) for s, t, sign in self.wiring.edges()
        ]

    @cached_property
    def place(self) -> dict[tuple[int, int], int]:
        """(source node, target node) -> place in ``edges``."""
        return {edge[:2]: k for k, edge in enumerate(self.edges)}

    @cached_property
    def weights(self) -> list[float]:
        """Conductance of every synapse in ``edges``, in µS."""
        return self._listed("w")

    @cached_property
    def own(self) -> np.ndarray:
        """Neurons that own an eigenvalue, -1 / tau: all that lie on no loop of the network (theorem 6)."""
        return np.setdiff1d(np.arange(self.wiring.n), self.command)

    @cached_property
    def command(self) -> np.ndarray:
        """The command neurons, among which loops run."""
        return self.wiring.members("command")

    def _listed(self, name: str) -> list[float]:
        """A field of the cell for every synapse in ``edges``."""
        m, inner, outer = self.wiring.m, getattr(self.cell, name), getattr(self.cell, name + "_in")
        return [float(outer[t - m, s] if s < m else inner[t - m, s - m]) for s, t, _ in self.edges]

    def page(self, seeds: Sequence[int]) -> dict[str, Any]:
        """What the page needs to compute every frame by itself: neurons, synapses with their gates, and
        plans by rule and seed.
        """
        network = {
            "m": self.wiring.m,
            "c": self.cell.c,
            "gLeak": self.cell.g_leak,
            "eLeak": self.cell.e_leak,
            "edges": [[*edge, weight] for edge, weight in zip(self.edges, self.weights, strict=True)],
            "gamma": self._listed("gamma"),
            "mu": self._listed("mu"),
            "eRev": self._listed("e_rev"),
        }
        plans = {
            target: [
                self.plan(target, seed) for seed in (seeds if target in ("uniform", "slowest") else seeds[:1])
            ]
            for target in ("uniform", "slowest", "same", "none")
        }
        return {
            "network": network,
            "nodes": self.nodes,
            "own": self.own,
            "command": self.command,
            "u": self.u,
            "plans": plans,
        }

    def plan(self, target: str, seed: int) -> list:
        """What an event at the highest T does, step by step, from the weakest synapse on. Events nest: it
        tells them all.

        Per synapse weaker than that: its place in ``edges``, whether it is blocked (1 or 0), the node that
        gets the new synapse or -1, and sign, gamma, mu and luck (in [0, 1): where U(T, 1) falls) of the new
        one.
        """
        result, cell = self.event(HIGHEST, {"new_weight": "uniform", "target": target}, seed)
        steps = []
        w: Any  # of the event: None for inputs that stay as they are, and then nothing is cut
        for end, shift, w in (("", self.wiring.m, result.weights), ("_in", 0, result.weights_in)):
            cut, grown, blocked = (getattr(result, name + end) for name in ("cut", "grown", "blocked"))
            for k, (s, t) in enumerate(cut):
                to, new = -1, (0, 0, 0, 0)
                if grown:
                    to, at = grown[k][1] + self.wiring.m, grown[k][::-1]
                    gate = (getattr(cell, name + end)[at] for name in ("e_rev", "gamma", "mu"))
                    new = (*gate, (w[at] - HIGHEST) / (1 - HIGHEST))
                steps.append([self.place[s + shift, t + self.wiring.m], 0, to, *map(float, new)])
            steps += [[self.place[s + shift, t + self.wiring.m], 1, -1, 0, 0, 0, 0] for s, t in blocked]
        return sorted(steps, key=lambda step: self.weights[step[0]])

    # ---- one event, and what follows from it

    def heard(self, strength: float) -> np.ndarray:
        """The input at a strength between 0 and 1, (m,)."""
        return strength * self.u

    def rest(self, strength: float = 1.0) -> np.ndarray:
        """The equilibrium before the event, (n,)."""
        return analysis.relax(np.zeros(self.cell.n), self.heard(strength), self.cell)

    def event(self, T: float, options: dict[str, Any], seed: int) -> tuple[pruning.Rewired, dynamics.LTC]:
        """The prune-and-rewire event and the cell after it; options of ``pruning.prune_and_rewire``."""
        tau = dynamics.time_constant(self.rest(), self.u, self.cell)
        result = pruning.prune_and_rewire(
            self.wiring,
            self.cell.w,
            T,
            rng=np.random.default_rng(seed),
            weights_in=self.cell.w_in if self.inputs else None,
            time_constant=tau,
            **options,
        )
        return result, pruning.rewire(self.cell, result, rng=np.random.default_rng([seed, 1]))

    def moved(self, result: pruning.Rewired, raised: bool) -> dict[str, Any]:
        """What an event did, as lists of places and edges: cut, grown [source, target, sign, weight],
        blocked, and counts.
        """
        m = self.wiring.m
        both = lambda name: (
            [(s, t + m) for s, t in getattr(result, name + "_in")]
            + [(s + m, t + m) for s, t in getattr(result, name)]
        )
        cut = [] if raised else [self.place[edge] for edge in both("cut")]
        half = lambda s, t, inner, outer: outer[t - m, s] if s < m else inner[t - m, s - m]
        grown = [
            (
                s,
                t,
                int(half(s, t, result.wiring.polarity, result.wiring.polarity_in)),
                float(half(s, t, result.weights, result.weights_in)),
            )
            for s, t in both("grown")
        ]
        blocked = [self.place[edge] for edge in both("blocked")]
        left = result.wiring.synapses
        return {
            "cut": cut,
            "grown": grown,
            "blocked": blocked,
            "counts": {
                "cut": len(cut),
                "grown": len(grown),
                "blocked": len(blocked),
                "left": left,
                "kept": self.wiring.synapses - len(cut) - (len(grown) if raised else 0),
            },
        }

    def settle(self, cell: dynamics.LTC, u: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Trajectory from a state under the dynamics of a cell, (POINTS, n), and the equilibrium it
        reaches, (n,).
        """
        dt = np.diff(TIMES)
        path = simulate.simulate(cell, np.tile(u, (len(dt), 1)), start, dt, method="exponential", substeps=2)
        return np.concatenate([start[None], path]), analysis.relax(path[-1], u, cell)

    def spectrum(self, x: np.ndarray, u: np.ndarray, cell: dynamics.LTC) -> dict[str, Any]:
        """Eigenvalues by kind, slowest rate, trace and largest modulus at x, (n,)."""
        J = dynamics.jacobian(x, u, cell)
        values = np.linalg.eigvals(J)
        block = np.linalg.eigvals(J[np.ix_(self.command, self.command)]).astype(complex)
        block = block[np.lexsort((block.imag, -block.real))]
        return {
            "own": np.diagonal(J)[self.own],
            "command": np.stack([block.real, block.imag], -1),
            "rate": -values.real.max(),
            "trace": np.trace(J),
            "radius": np.abs(values).max(),
        }

    @staticmethod
    def descents(path: np.ndarray, new: np.ndarray, u: np.ndarray, cell: dynamics.LTC) -> dict[str, Any]:
        """dV/dt / V(0) along the path, per ms: for the published V = x'x, and for the certified V (None
        where undecided).
        """
        identity = np.eye(cell.n)
        origin = analysis.lyapunov_derivative(path, u, cell, identity) / analysis.lyapunov_value(
            path[0], identity
        )
        P = analysis.certified_lyapunov(cell, u, analysis.invariant_box(cell, u, path[0], new))
        certified = (
            None
            if P is None
            else (
                analysis.lyapunov_derivative(path, u, cell, P, new) / analysis.lyapunov_value(path[0], P, new)
            )
        )
        return {"origin": origin, "certified": certified}


def is_layered(wiring: Wiring) -> bool:
    """Whether synapses run only sensory -> inter -> command (and among them) -> motor, with no layer
    empty.
    """
    allowed = {("sensory", "inter"), ("inter", "command"), ("command", "command"), ("command", "motor")}
    roles = [("sensory", wiring.role[t]) for _, t, _ in wiring.edges_in()]
    roles += [(wiring.role[s], wiring.role[t]) for s, t, _ in wiring.edges()]
    return set(roles) <= allowed and {"inter", "command", "motor"} <= set(wiring.role) and wiring.m > 0
