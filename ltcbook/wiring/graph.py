"""The immutable signed graph that every other room works on, and its exchange with ncps and networkx.

Matrices are [target, source]: ``polarity[i, j]`` is the sign of the synapse from j to i, so fan-in is a row
sum. ncps and networkx store [source, target]; only ``from_ncps``, ``from_networkx`` and ``to_networkx``
transpose.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from ..validation import among, brief

if TYPE_CHECKING:
    from collections.abc import Sequence

    import networkx as nx
    from numpy.typing import ArrayLike

ROLES = ("inter", "command", "motor", "hidden")


class ReadOnly:
    """Base of a frozen dataclass that owns its arrays: copied and read-only, also when it is itself copied or
    unpickled.

    Two are equal where all their values are; the hash follows from these.
    """

    def __post_init__(self) -> None:
        for name, value in zip(self._names(), self._values(), strict=True):
            object.__setattr__(self, name, _owned(value))

    def __reduce__(self) -> tuple[type, tuple]:
        return type(self), self._values()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(map(_same, self._values(), other._values()))

    def __hash__(self) -> int:
        return hash(tuple(map(_hashable, self._values())))

    def _names(self) -> list[str]:
        return [field.name for field in fields(self)]  # type: ignore[arg-type]  # each subclass is a dataclass

    def _values(self) -> tuple:
        return tuple(getattr(self, name) for name in self._names())


def _owned(value: Any) -> Any:
    """A read-only copy of an array, or of the arrays in a sequence, which becomes a tuple; anything else
    as it is.
    """
    if isinstance(value, (tuple, list)):
        return tuple(map(_owned, value))
    if isinstance(value, np.ndarray):
        value = value.copy()
        value.flags.writeable = False
    return value


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(_same, a, b))
    return np.array_equal(a, b) if isinstance(a, np.ndarray) or isinstance(b, np.ndarray) else a == b


def _hashable(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_hashable, value))
    return (
        (value.shape, np.add(value, 0.0, dtype=float).tobytes()) if isinstance(value, np.ndarray) else value
    )


@dataclass(frozen=True, eq=False)
class Wiring(ReadOnly):
    """A signed graph of n neurons fed by m sensory inputs.

    polarity: (n, n) integers in {-1, 0, +1}, [target, source]; polarity_in: (n, m), the sensory synapses;
    role: n names out of "inter", "command", "motor", "hidden". The arrays are copied and read-only. Raises
    ValueError for anything else.

    >>> net = wiring.Wiring([[0, 1], [-1, 0]], [[1], [0]], ("inter", "motor"))
    >>> net
    Wiring(1 sensory, 1 inter, 1 motor; 3 synapses)
    >>> net.edges()  # (source, target, sign)
    [(0, 1, -1), (1, 0, 1)]
    >>> net.fan_in, net.members("motor")
    (array([2, 1]), array([1]))
    """

    polarity: np.ndarray
    polarity_in: np.ndarray
    role: tuple[str, ...]

    if TYPE_CHECKING:  # lists become arrays

        def __init__(
            self, polarity: ArrayLike, polarity_in: ArrayLike, role: Sequence[str] | np.ndarray
        ) -> None: ...

    def __post_init__(self) -> None:
        role = tuple(map(str, np.atleast_1d(self.role)))
        polarity = _signs("polarity", self.polarity)
        n = polarity.shape[0]
        if polarity.shape != (n, n) or n == 0:
            raise ValueError(
                f"polarity has shape {polarity.shape}; it must be square, (n, n) with n >= 1, [target, "
                "source]."
            )
        polarity_in = _signs("polarity_in", self.polarity_in)
        if polarity_in.shape[0] != n:
            raise ValueError(
                f"polarity_in has shape {polarity_in.shape}; with {n} neurons it must be ({n}, m)."
            )
        if len(role) != n or not set(role) <= set(ROLES):
            raise ValueError(
                f"role is {brief(role)}; it must name each of the {n} neurons with one of {ROLES}."
            )
        for name, value in (("polarity", polarity), ("polarity_in", polarity_in), ("role", role)):
            object.__setattr__(self, name, value)
        super().__post_init__()

    def __repr__(self) -> str:
        layers = ", ".join(f"{self.role.count(r)} {r}" for r in ROLES if r in self.role)
        return f"Wiring({self.m} sensory, {layers}; {self.synapses} synapses)"

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.polarity.shape[0]

    @property
    def m(self) -> int:
        """Number of sensory inputs."""
        return self.polarity_in.shape[1]

    @property
    def adjacency(self) -> np.ndarray:
        """(n, n) booleans [target, source]: which synapses exist between neurons."""
        return self.polarity != 0

    @property
    def adjacency_in(self) -> np.ndarray:
        """(n, m) booleans [target, source]: which sensory synapses exist."""
        return self.polarity_in != 0

    @property
    def fan_in(self) -> np.ndarray:
        """(n,) number of synapses onto each neuron, sensory ones included."""
        return self.adjacency.sum(1) + self.adjacency_in.sum(1)

    @property
    def fan_out(self) -> np.ndarray:
        """(n,) number of synapses that each neuron sends."""
        return self.adjacency.sum(0)

    @property
    def fan_out_in(self) -> np.ndarray:
        """(m,) number of synapses that each sensory input sends."""
        return self.adjacency_in.sum(0)

    @property
    def synapses(self) -> int:
        """Number of synapses, sensory ones included."""
        return int(self.fan_in.sum())

    def edges(self) -> list[tuple[int, int, int]]:
        """List of (source, target, sign) between neurons, by source, then target."""
        return _edges(self.polarity)

    def edges_in(self) -> list[tuple[int, int, int]]:
        """List of (sensory source, target, sign), by source, then target."""
        return _edges(self.polarity_in)

    def members(self, role: str) -> np.ndarray:
        """Indices of the neurons with this role. Raises ValueError for a role that does not exist."""
        if not among(role, ROLES):
            raise ValueError(f"no role {brief(role)}; a neuron is one of {ROLES}.")
        return np.flatnonzero([r == role for r in self.role])

    def blocks(self) -> list[tuple[str, str, np.ndarray, np.ndarray]]:
        """The layer pairs: list of (source role, target role, source indices, target indices); sensory
        sources first.
        """
        present = [r for r in ROLES if r in self.role]
        sensory = [("sensory", r, np.arange(self.m), self.members(r)) for r in present] if self.m else []
        return sensory + [(s, t, self.members(s), self.members(t)) for s in present for t in present]

    def to_networkx(self) -> nx.DiGraph:
        """networkx.DiGraph: nodes 0..n-1 and ("sensory", k) with attribute ``role``, edges with attribute
        ``polarity``.
        """
        import networkx as nx

        graph = nx.DiGraph()
        graph.add_nodes_from((i, {"role": r}) for i, r in enumerate(self.role))
        graph.add_nodes_from((("sensory", k), {"role": "sensory"}) for k in range(self.m))
        graph.add_edges_from((s, t, {"polarity": p}) for s, t, p in self.edges())
        graph.add_edges_from((("sensory", s), t, {"polarity": p}) for s, t, p in self.edges_in())
        return graph

    def to_ncps(self) -> Any:
        """The same circuit as a built ncps wiring, [source, target], neurons in ncps's order: motor, command,
        inter, hidden.

        Without motor neurons every neuron is an output. ``from_ncps`` of the result is this wiring in that
        order. Raises ImportError where ncps is missing.
        """
        from ..validation import optional

        ncps = optional("ncps.wirings", "ncps", "Wiring.to_ncps")
        order = np.concatenate([self.members(role) for role in ("motor", "command", "inter", "hidden")])
        roles = [self.role[i] for i in order]
        converted = ncps.Wiring(self.n)
        converted.build(self.m)
        converted.set_output_dim(roles.count("motor") or self.n)
        converted.adjacency_matrix = self.polarity[np.ix_(order, order)].T.astype(np.int32)
        converted.sensory_adjacency_matrix = self.polarity_in[order].T.astype(np.int32)
        converted.get_type_of_neuron = roles.__getitem__
        return converted


def _edges(polarity: np.ndarray) -> list[tuple[int, int, int]]:
    source, target = np.nonzero(polarity.T)
    return [(int(s), int(t), int(polarity[t, s])) for s, t in zip(source, target, strict=True)]


def _signs(name: str, values: ArrayLike) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or not np.isin(values, (-1, 0, 1)).all():
        raise ValueError(
            f"{name} must be a matrix of -1, 0 and +1 (0: no synapse); got shape {values.shape}, "
            f"values {brief(np.unique(values).tolist() if values.ndim else values.item())}."
        )
    return values.astype(np.int8)


def from_ncps(ncps_wiring: Any) -> Wiring:
    """The Wiring of a built ncps wiring, neurons in ncps's order (motor neurons first); transposes to
    [target, source].

    Raises ValueError when the ncps wiring was not built (its number of inputs is unknown until then).
    """
    if getattr(ncps_wiring, "sensory_adjacency_matrix", None) is None:
        raise ValueError("this ncps wiring is not built: call wiring.build(number_of_inputs) first.")
    role = [ncps_wiring.get_type_of_neuron(i) for i in range(ncps_wiring.units)]
    return Wiring(ncps_wiring.adjacency_matrix.T, ncps_wiring.sensory_adjacency_matrix.T, role)


def from_networkx(graph: nx.DiGraph) -> Wiring:
    """The Wiring of a DiGraph as ``Wiring.to_networkx`` writes it: nodes 0..n-1 and ("sensory", k), edge
    attribute polarity.

    Raises ValueError for another kind of graph, other nodes, or an edge without a polarity of -1 or +1.

    >>> net = wiring.Wiring([[0, 1], [-1, 0]], [[1], [0]], ("inter", "motor"))
    >>> wiring.from_networkx(net.to_networkx()) == net
    True
    """
    if not graph.is_directed() or graph.is_multigraph():
        raise ValueError(
            f"got a {type(graph).__name__}; a synapse has a direction and exists once: pass a DiGraph."
        )
    sensory = [node for node in graph if isinstance(node, tuple) and node[:1] == ("sensory",)]
    n, m = graph.number_of_nodes() - len(sensory), len(sensory)
    if set(graph) != set(range(n)) | {("sensory", k) for k in range(m)}:
        raise ValueError(
            f"nodes must be the numbers 0..{n - 1} and ('sensory', 0..{m - 1}); got {brief(list(graph))}"
        )
    polarity, polarity_in = np.zeros((n, n), int), np.zeros((n, m), int)
    for source, target, data in graph.edges(data=True):
        if data.get("polarity") not in (-1, 1) or target in sensory:
            raise ValueError(
                f"edge {source} -> {target} needs a polarity of -1 or +1 and a neuron as its target."
            )
        if source in sensory:
            polarity_in[target, source[1]] = data["polarity"]
        else:
            polarity[target, source] = data["polarity"]
    return Wiring(polarity, polarity_in, [graph.nodes[i].get("role", "hidden") for i in range(n)])
