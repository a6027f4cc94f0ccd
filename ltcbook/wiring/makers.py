"""Makers of wirings: neural circuit policies (NCP) by two rules, fully connected and random sparse
networks.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..validation import among, brief, generator, number, whole
from .graph import Wiring


def ncp(
    *,
    inter: int,
    command: int,
    motor: int,
    sensory: int,
    sensory_fan_out: int,
    inter_fan_out: int,
    recurrent: int,
    motor_fan_in: int,
    rng: np.random.Generator,
    rule: Literal["ncps", "paper"] = "ncps",
    p_excitatory: float = 0.5,
) -> Wiring:
    """A neural circuit policy: sensory -> inter -> command (recurrent) -> motor; neurons in the order inter,
    command, motor.

    inter, command, motor, sensory: layer sizes, each >= 1. sensory_fan_out <= inter and inter_fan_out <=
    command: synapses that every source sends. recurrent: draws for command -> command. motor_fan_in <=
    command: synapses onto every motor neuron. Polarity +1 with probability p_excitatory.

    rule="ncps" follows the published algorithm as the library ncps runs it: fixed fan-outs, targets uniform
    without replacement; a target left without input receives as many synapses as a target has on average
    (rounded down, at least one), and so does a command neuron left without output; the ``recurrent`` pairs
    are drawn *in total, with replacement*, so duplicates merge and autapses occur. One slip of ncps is not
    copied: it caps the repair of a deaf command neuron at the number of command neurons. rule="paper" follows
    the words of the paper's main text: the *number* of synapses of each source is Binomial(fan-out, 1/2), at
    least one; an empty target receives Binomial(sources, 1/2) synapses, clipped to [1, mean fan-in]; every
    command neuron sends Binomial(recurrent, 1/2) <= command recurrent synapses; command -> motor runs from
    the source side with fan-out at most motor_fan_in.

    Raises ValueError for an empty layer or a fan-out larger than its layer.
    Source: Lechner et al., Nature Machine Intelligence 2 (2020), main text and Algorithms 2-6.

    >>> wiring.ncp(inter=8, command=6, motor=2, sensory=3, sensory_fan_out=4,
    ...            inter_fan_out=3, recurrent=8, motor_fan_in=4, rng=rng)
    Wiring(3 sensory, 8 inter, 6 command, 2 motor; 54 synapses)
    """
    return ncp_and_repairs(
        inter=inter,
        command=command,
        motor=motor,
        sensory=sensory,
        sensory_fan_out=sensory_fan_out,
        inter_fan_out=inter_fan_out,
        recurrent=recurrent,
        motor_fan_in=motor_fan_in,
        rng=rng,
        rule=rule,
        p_excitatory=p_excitatory,
    )[0]


def ncp_and_repairs(
    *,
    inter: int,
    command: int,
    motor: int,
    sensory: int,
    sensory_fan_out: int,
    inter_fan_out: int,
    recurrent: int,
    motor_fan_in: int,
    rng: np.random.Generator,
    rule: Literal["ncps", "paper"] = "ncps",
    p_excitatory: float = 0.5,
) -> tuple[Wiring, list[tuple[str, int, list[int]]]]:
    """The circuit of ``ncp``, and its repairs in the order in which they were drawn: a list of (kind, orphan,
    partners).

    kind: "inter", "command" or "motor" where the orphan heard nobody of the layer before; partners are the
    sources that it was given. "silent" where no motor neuron heard the orphan, a command neuron; partners are
    the motor neurons that it was given. Numbers are those of the neurons, and of the sensors among the
    partners of kind "inter". For the package's own use. Raises ValueError as ``ncp`` does.

    >>> net, repairs = wiring.makers.ncp_and_repairs(inter=3, command=2,
    ...     sensory=2, sensory_fan_out=1, inter_fan_out=2, recurrent=0,
    ...     motor=1, motor_fan_in=2, rng=rng)
    >>> repairs  # inter neuron 0 heard no sensor; it was given sensor 0
    [('inter', 0, [0])]
    """
    inter, command, motor, sensory = (
        whole(name, value, 1, why=" (an empty layer cuts the circuit)")
        for name, value in (("inter", inter), ("command", command), ("motor", motor), ("sensory", sensory))
    )
    sensory_fan_out = whole("sensory_fan_out", sensory_fan_out, 1, inter, " (the inter layer)")
    inter_fan_out = whole("inter_fan_out", inter_fan_out, 1, command, " (the command layer)")
    motor_fan_in = whole("motor_fan_in", motor_fan_in, 1, command, " (the command layer)")
    recurrent = whole("recurrent", recurrent, 0)
    p_excitatory, rng = number("p_excitatory", p_excitatory, 0, 1), generator(rng)
    if not among(rule, ("ncps", "paper")):
        raise ValueError(f"no rule {brief(rule)}; choose 'ncps' (the library) or 'paper' (the main text).")

    n = inter + command + motor
    is_inter, is_command, is_motor = np.split(np.arange(n), [inter, inter + command])
    polarity, polarity_in = np.zeros((n, n), int), np.zeros((n, sensory), int)
    repairs: list[tuple[str, int, list[int]]] = []

    def connect(matrix: np.ndarray, target: int, source: int) -> None:
        matrix[target, source] = 1 if rng.random() < p_excitatory else -1

    def fill(kind: str, matrix: np.ndarray, targets: np.ndarray, sources: np.ndarray, fan_out: int) -> None:
        """Step 2, every source sends; step 3, every target that heard nobody receives."""
        for source in sources:
            size = fan_out if rule == "ncps" else np.clip(rng.binomial(fan_out, 0.5), 1, len(targets))
            for target in rng.choice(targets, size=size, replace=False):
                connect(matrix, target, source)
        block = matrix[np.ix_(targets, sources)] != 0
        mean = max(int(block.sum() / len(targets)), 1)
        for target in targets[~block.any(1)]:
            size = mean if rule == "ncps" else np.clip(rng.binomial(len(sources), 0.5), 1, mean)
            partners = rng.choice(sources, size=min(size, len(sources)), replace=False)
            for source in partners:
                connect(matrix, target, source)
            repairs.append((kind, int(target), partners.tolist()))

    fill("inter", polarity_in, is_inter, np.arange(sensory), sensory_fan_out)
    fill("command", polarity, is_command, is_inter, inter_fan_out)
    if rule == "ncps":
        for _ in range(recurrent):
            connect(polarity, rng.choice(is_command), rng.choice(is_command))
        fill(
            "silent", polarity.T, is_command, is_motor, motor_fan_in
        )  # motor neurons choose: the same, read the other way round
    else:
        for source in is_command:
            for target in rng.choice(
                is_command, size=min(rng.binomial(recurrent, 0.5), command), replace=False
            ):
                connect(polarity, target, source)
        fill("motor", polarity, is_motor, is_command, min(motor_fan_in, motor))
    roles = ("inter",) * inter + ("command",) * command + ("motor",) * motor
    return Wiring(polarity, polarity_in, roles), repairs


def auto_ncp(
    units: int,
    motor: int,
    *,
    sensory: int,
    sparsity: float = 0.5,
    rng: np.random.Generator,
    rule: Literal["ncps", "paper"] = "ncps",
) -> Wiring:
    """An NCP from two numbers: units neurons, of which motor are outputs; sparsity in [0.1, 0.9] thins every
    fan-out.

    Sizes as in ncps's AutoNCP: 40 % of the other units are command neurons, a fan-out is (1 - sparsity) of
    its target layer, the recurrent draws are twice that of the command layer, each at least one. Raises
    ValueError when fewer than three units are left beside the motor neurons. Source: AutoNCP of the library
    ncps.

    >>> wiring.auto_ncp(19, 3, sensory=5, rng=rng).members("motor")
    array([16, 17, 18])
    """
    motor = whole("motor", motor, 1)
    units = whole("units", units, motor + 3, why=f" ({motor} motor neurons and at least 3 others)")
    sparsity = number("sparsity", sparsity, 0.1, 0.9)
    command = max(int(0.4 * (units - motor)), 1)
    inter = units - motor - command
    share = lambda count: max(int(count * (1.0 - sparsity)), 1)
    return ncp(
        inter=inter,
        command=command,
        motor=motor,
        sensory=sensory,
        sensory_fan_out=share(inter),
        inter_fan_out=share(command),
        recurrent=share(2 * command),
        motor_fan_in=share(command),
        rng=rng,
        rule=rule,
    )


def fully_connected(
    n: int, *, sensory: int, autapses: bool = True, p_excitatory: float = 2 / 3, rng: np.random.Generator
) -> Wiring:
    """Every neuron hears every neuron and every input; role "hidden". p_excitatory = 2/3 as in ncps.

    Raises ValueError for n < 1 or a probability outside [0, 1].

    >>> wiring.fully_connected(4, sensory=2, autapses=False, rng=rng).synapses
    20
    """
    n, sensory = whole("n", n, 1), whole("sensory", sensory, 0)
    signs = _random_signs((n, n + sensory), number("p_excitatory", p_excitatory, 0, 1), generator(rng))
    recurrent = signs[:, :n] if autapses else signs[:, :n] * (1 - np.eye(n, dtype=int))
    return Wiring(recurrent, signs[:, n:], ("hidden",) * n)


def random_sparse(
    n: int, *, sensory: int, sparsity: float = 0.5, p_excitatory: float = 2 / 3, rng: np.random.Generator
) -> Wiring:
    """Exactly round((1 - sparsity) n^2) random synapses between n neurons, the same share of sensory ones;
    role "hidden".

    Raises ValueError for n < 1 or a sparsity outside [0, 1].

    >>> wiring.random_sparse(10, sensory=0, sparsity=0.9, rng=rng).synapses
    10
    """
    n, sensory = whole("n", n, 1), whole("sensory", sensory, 0)
    density, rng = 1 - number("sparsity", sparsity, 0, 1), generator(rng)

    def draw(rows: int, columns: int) -> np.ndarray:
        keep = np.zeros(rows * columns, int)
        keep[rng.choice(keep.size, size=round(density * keep.size), replace=False)] = 1
        return keep.reshape(rows, columns) * _random_signs(
            (rows, columns), number("p_excitatory", p_excitatory, 0, 1), rng
        )

    return Wiring(draw(n, n), draw(n, sensory), ("hidden",) * n)


def _random_signs(shape: tuple[int, int], p_excitatory: float, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(shape) < p_excitatory, 1, -1)
