"""Wirings: immutable signed graphs, and the makers of neural circuit policies (NCP) and their relatives.

Matrices are [target, source]: ``polarity[i, j]`` is the sign of the synapse from j to i, so fan-in is a row sum. ncps and
networkx store [source, target]; only ``from_ncps``, ``from_networkx`` and ``to_networkx`` transpose.
"""

from dataclasses import dataclass
from numbers import Real
from operator import index

import numpy as np

ROLES = ("inter", "command", "motor", "hidden")


@dataclass(frozen=True, eq=False)
class Wiring:
    """A signed graph of n neurons fed by m sensory inputs.

    polarity: (n, n) integers in {-1, 0, +1}, [target, source]; polarity_in: (n, m), the sensory synapses; role: n names
    out of "inter", "command", "motor", "hidden". The arrays are copied and read-only. Raises ValueError for anything else.
    """

    polarity: np.ndarray
    polarity_in: np.ndarray
    role: tuple

    def __post_init__(self):
        role = tuple(map(str, np.atleast_1d(self.role)))
        polarity = _signs("polarity", self.polarity)
        n = polarity.shape[0]
        if polarity.shape != (n, n) or n == 0:
            raise ValueError(f"polarity has shape {polarity.shape}; it must be square, (n, n) with n >= 1, [target, source].")
        polarity_in = _signs("polarity_in", self.polarity_in)
        if polarity_in.shape[0] != n:
            raise ValueError(f"polarity_in has shape {polarity_in.shape}; with {n} neurons it must be ({n}, m).")
        if len(role) != n or not set(role) <= set(ROLES):
            raise ValueError(f"role is {role!r}; it must name each of the {n} neurons with one of {ROLES}.")
        for name, value in (("polarity", polarity), ("polarity_in", polarity_in), ("role", role)):
            object.__setattr__(self, name, value)

    def __eq__(self, other):
        return isinstance(other, Wiring) and self.role == other.role and all(
            np.array_equal(a, b) for a, b in ((self.polarity, other.polarity), (self.polarity_in, other.polarity_in)))

    def __hash__(self):
        return hash((self.polarity.tobytes(), self.polarity_in.tobytes(), self.role))

    def __reduce__(self):  # a copy or an unpickled wiring is read-only too
        return Wiring, (self.polarity, self.polarity_in, self.role)

    def __repr__(self):
        layers = ", ".join(f"{self.role.count(r)} {r}" for r in ROLES if r in self.role)
        return f"Wiring({self.m} sensory, {layers}; {self.synapses} synapses)"

    @property
    def n(self):
        """Number of neurons."""
        return self.polarity.shape[0]

    @property
    def m(self):
        """Number of sensory inputs."""
        return self.polarity_in.shape[1]

    @property
    def adjacency(self):
        """(n, n) booleans [target, source]: which synapses exist between neurons."""
        return self.polarity != 0

    @property
    def adjacency_in(self):
        """(n, m) booleans [target, source]: which sensory synapses exist."""
        return self.polarity_in != 0

    @property
    def fan_in(self):
        """(n,) number of synapses onto each neuron, sensory ones included."""
        return self.adjacency.sum(1) + self.adjacency_in.sum(1)

    @property
    def fan_out(self):
        """(n,) number of synapses that each neuron sends."""
        return self.adjacency.sum(0)

    @property
    def fan_out_in(self):
        """(m,) number of synapses that each sensory input sends."""
        return self.adjacency_in.sum(0)

    @property
    def synapses(self):
        """Number of synapses, sensory ones included."""
        return int(self.fan_in.sum())

    def edges(self):
        """List of (source, target, sign) between neurons, by source, then target."""
        return _edges(self.polarity)

    def edges_in(self):
        """List of (sensory source, target, sign), by source, then target."""
        return _edges(self.polarity_in)

    def members(self, role):
        """Indices of the neurons with this role."""
        if role not in ROLES:
            raise ValueError(f"no role {role!r}; a neuron is one of {ROLES}.")
        return np.flatnonzero([r == role for r in self.role])

    def blocks(self):
        """The layer pairs: list of (source role, target role, source indices, target indices); sensory sources first."""
        present = [r for r in ROLES if r in self.role]
        sensory = [("sensory", r, np.arange(self.m), self.members(r)) for r in present] if self.m else []
        return sensory + [(s, t, self.members(s), self.members(t)) for s in present for t in present]

    def to_networkx(self):
        """networkx.DiGraph: nodes 0..n-1 and ("sensory", k) with attribute ``role``, edges with attribute ``polarity``."""
        import networkx as nx

        graph = nx.DiGraph()
        graph.add_nodes_from((i, {"role": r}) for i, r in enumerate(self.role))
        graph.add_nodes_from((("sensory", k), {"role": "sensory"}) for k in range(self.m))
        graph.add_edges_from((s, t, {"polarity": p}) for s, t, p in self.edges())
        graph.add_edges_from((("sensory", s), t, {"polarity": p}) for s, t, p in self.edges_in())
        return graph


def _edges(polarity):
    source, target = np.nonzero(polarity.T)
    return [(int(s), int(t), int(polarity[t, s])) for s, t in zip(source, target, strict=True)]


def _signs(name, values):
    values = np.asarray(values)
    if values.ndim != 2 or not np.isin(values, (-1, 0, 1)).all():
        raise ValueError(f"{name} must be a matrix of -1, 0 and +1 (0: no synapse); got shape {values.shape}, "
                         f"values {np.unique(values)[:6].tolist()}.")
    values = values.astype(np.int8)
    values.flags.writeable = False
    return values


def _count(name, value, low, high=None, why=""):
    """A whole number in [low, high], or one ValueError."""
    try:
        number = index(value)
    except TypeError:
        raise ValueError(f"{name} is {value!r}; it must be a whole number.") from None
    if isinstance(value, bool) or number < low or (high is not None and number > high):
        top = "" if high is None else f" and at most {high}"
        raise ValueError(f"{name} is {value}; it must be at least {low}{top}{why}.")
    return number


def _generator(rng):
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng is {type(rng).__name__}; pass a generator, e.g. rng=np.random.default_rng(0).")
    return rng


def _share(name, value):
    if not (isinstance(value, Real) and 0 <= value <= 1):
        raise ValueError(f"{name} is {value!r}; it must be a number between 0 and 1.")
    return float(value)


def ncp(*, inter, command, motor, sensory, sensory_fan_out, inter_fan_out, recurrent, motor_fan_in, rng,
        rule="ncps", p_excitatory=0.5):
    """A neural circuit policy: sensory -> inter -> command (recurrent) -> motor; neurons in the order inter, command, motor.

    inter, command, motor, sensory: layer sizes, each >= 1. sensory_fan_out <= inter and inter_fan_out <= command: synapses
    that every source sends. recurrent: draws for command -> command. motor_fan_in <= command: synapses onto every motor
    neuron. Polarity +1 with probability p_excitatory.

    rule="ncps" follows the published algorithm as the library ncps runs it: fixed fan-outs, targets uniform without
    replacement; a target left without input receives as many synapses as a target has on average (rounded down, at least
    one), and so does a command neuron left without output; the ``recurrent`` pairs are drawn *in total, with replacement*,
    so duplicates merge and autapses occur.
    rule="paper" follows the words of the paper's main text: the *number* of synapses of each source is
    Binomial(fan-out, 1/2), at least one; an empty target receives Binomial(sources, 1/2) synapses, clipped to
    [1, mean fan-in]; every command neuron sends Binomial(recurrent, 1/2) <= command recurrent synapses; command -> motor
    runs from the source side with fan-out at most motor_fan_in.

    Raises ValueError for an empty layer or a fan-out larger than its layer.
    Source: Lechner et al., Nature Machine Intelligence 2 (2020), main text and Algorithms 2-6.
    """
    inter, command, motor, sensory = (
        _count(name, value, 1, why=" (an empty layer cuts the circuit)")
        for name, value in (("inter", inter), ("command", command), ("motor", motor), ("sensory", sensory)))
    sensory_fan_out = _count("sensory_fan_out", sensory_fan_out, 1, inter, " (the inter layer)")
    inter_fan_out = _count("inter_fan_out", inter_fan_out, 1, command, " (the command layer)")
    motor_fan_in = _count("motor_fan_in", motor_fan_in, 1, command, " (the command layer)")
    recurrent = _count("recurrent", recurrent, 0)
    p_excitatory, rng = _share("p_excitatory", p_excitatory), _generator(rng)
    if rule not in ("ncps", "paper"):
        raise ValueError(f"no rule {rule!r}; choose 'ncps' (the library) or 'paper' (the main text).")

    n = inter + command + motor
    is_inter, is_command, is_motor = np.split(np.arange(n), [inter, inter + command])
    polarity, polarity_in = np.zeros((n, n), int), np.zeros((n, sensory), int)

    def connect(matrix, target, source):
        matrix[target, source] = 1 if rng.random() < p_excitatory else -1

    def fill(matrix, targets, sources, fan_out):
        """Step 2, every source sends; step 3, every target that heard nobody receives."""
        for source in sources:
            size = fan_out if rule == "ncps" else np.clip(rng.binomial(fan_out, 0.5), 1, len(targets))
            for target in rng.choice(targets, size=size, replace=False):
                connect(matrix, target, source)
        block = matrix[np.ix_(targets, sources)] != 0
        mean = max(int(block.sum() / len(targets)), 1)
        for target in targets[~block.any(1)]:
            size = mean if rule == "ncps" else np.clip(rng.binomial(len(sources), 0.5), 1, mean)
            for source in rng.choice(sources, size=min(size, len(sources)), replace=False):
                connect(matrix, target, source)

    fill(polarity_in, is_inter, np.arange(sensory), sensory_fan_out)
    fill(polarity, is_command, is_inter, inter_fan_out)
    if rule == "ncps":
        for _ in range(recurrent):
            connect(polarity, rng.choice(is_command), rng.choice(is_command))
        for target in is_motor:
            for source in rng.choice(is_command, size=motor_fan_in, replace=False):
                connect(polarity, target, source)
        sends = (polarity[np.ix_(is_motor, is_command)] != 0).any(0)
        mean = max(int(motor * motor_fan_in / command), 1)
        for source in is_command[~sends]:
            for target in rng.choice(is_motor, size=min(mean, motor), replace=False):
                connect(polarity, target, source)
    else:
        for source in is_command:
            for target in rng.choice(is_command, size=min(rng.binomial(recurrent, 0.5), command), replace=False):
                connect(polarity, target, source)
        fill(polarity, is_motor, is_command, min(motor_fan_in, motor))
    return Wiring(polarity, polarity_in, ("inter",) * inter + ("command",) * command + ("motor",) * motor)


def auto_ncp(units, motor, *, sensory, sparsity=0.5, rng, rule="ncps"):
    """An NCP from two numbers: units neurons, of which motor are outputs; sparsity in [0.1, 0.9] thins every fan-out.

    Sizes as in ncps's AutoNCP: 40 % of the other units are command neurons, a fan-out is (1 - sparsity) of its target
    layer, the recurrent draws are twice that of the command layer, each at least one. Raises ValueError when fewer than
    three units are left beside the motor neurons.
    """
    motor = _count("motor", motor, 1)
    units = _count("units", units, motor + 3, why=f" ({motor} motor neurons and at least 3 others)")
    if not 0.1 <= _share("sparsity", sparsity) <= 0.9:
        raise ValueError(f"sparsity is {sparsity}; it must lie in [0.1, 0.9], as in ncps.")
    command = max(int(0.4 * (units - motor)), 1)
    inter = units - motor - command
    share = lambda count: max(int(count * (1.0 - sparsity)), 1)  # noqa: E731
    return ncp(inter=inter, command=command, motor=motor, sensory=sensory, sensory_fan_out=share(inter),
               inter_fan_out=share(command), recurrent=share(2 * command), motor_fan_in=share(command), rng=rng, rule=rule)


def fully_connected(n, *, sensory, autapses=True, p_excitatory=2 / 3, rng):
    """Every neuron hears every neuron and every input; role "hidden". p_excitatory = 2/3 as in ncps."""
    n, sensory = _count("n", n, 1), _count("sensory", sensory, 0)
    signs = _random_signs((n, n + sensory), _share("p_excitatory", p_excitatory), _generator(rng))
    recurrent = signs[:, :n] if autapses else signs[:, :n] * (1 - np.eye(n, dtype=int))
    return Wiring(recurrent, signs[:, n:], ("hidden",) * n)


def random_sparse(n, *, sensory, sparsity=0.5, p_excitatory=2 / 3, rng):
    """Exactly round((1 - sparsity) n^2) random synapses between n neurons, the same share of sensory ones; role "hidden"."""
    n, sensory = _count("n", n, 1), _count("sensory", sensory, 0)
    density, rng = 1 - _share("sparsity", sparsity), _generator(rng)

    def draw(rows, columns):
        keep = np.zeros(rows * columns, int)
        keep[rng.choice(keep.size, size=round(density * keep.size), replace=False)] = 1
        return keep.reshape(rows, columns) * _random_signs((rows, columns), _share("p_excitatory", p_excitatory), rng)

    return Wiring(draw(n, n), draw(n, sensory), ("hidden",) * n)


def _random_signs(shape, p_excitatory, rng):
    return np.where(rng.random(shape) < p_excitatory, 1, -1)


def from_ncps(ncps_wiring):
    """The Wiring of a built ncps wiring, neurons in ncps's order (motor neurons first); transposes to [target, source].

    Raises ValueError when the ncps wiring was not built (its number of inputs is unknown until then).
    """
    if getattr(ncps_wiring, "sensory_adjacency_matrix", None) is None:
        raise ValueError("this ncps wiring is not built: call wiring.build(number_of_inputs) first.")
    role = [ncps_wiring.get_type_of_neuron(i) for i in range(ncps_wiring.units)]
    return Wiring(ncps_wiring.adjacency_matrix.T, ncps_wiring.sensory_adjacency_matrix.T, role)


def from_networkx(graph):
    """The Wiring of a DiGraph as ``Wiring.to_networkx`` writes it: nodes 0..n-1 and ("sensory", k), edge attribute polarity."""
    if not graph.is_directed() or graph.is_multigraph():
        raise ValueError(f"got a {type(graph).__name__}; a synapse has a direction and exists once: pass a DiGraph.")
    sensory = [node for node in graph if isinstance(node, tuple) and node[:1] == ("sensory",)]
    n, m = graph.number_of_nodes() - len(sensory), len(sensory)
    if set(graph) != set(range(n)) | {("sensory", k) for k in range(m)}:
        raise ValueError(f"nodes must be the numbers 0..{n - 1} and ('sensory', 0..{m - 1}); got {list(graph)[:5]} ...")
    polarity, polarity_in = np.zeros((n, n), int), np.zeros((n, m), int)
    for source, target, data in graph.edges(data=True):
        if data.get("polarity") not in (-1, 1) or target in sensory:
            raise ValueError(f"edge {source} -> {target} needs a polarity of -1 or +1 and a neuron as its target.")
        if source in sensory:
            polarity_in[target, source[1]] = data["polarity"]
        else:
            polarity[target, source] = data["polarity"]
    return Wiring(polarity, polarity_in, [graph.nodes[i].get("role", "hidden") for i in range(n)])
