"""The cells: what is inside a neuron. Each states its conductance g and its drive h, and their
derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from .. import ops
from ..typing import Array
from .checks import check_cell

if TYPE_CHECKING:
    from ..typing import Numbers
    from ..wiring import Wiring


def symbol(latex: str, meaning: str, unit: str = "-", default: object = ...) -> Any:
    """A dataclass field that carries its mathematical symbol, unit and meaning (the notation table reads
    them).
    """
    metadata = {"symbol": latex, "unit": unit, "meaning": meaning}
    return field(metadata=metadata) if default is ... else field(default=default, metadata=metadata)


# the ranges (low, high) with which ncps starts its LTC: every draw of a fresh synapse or neuron reads them
# here
START = {
    "c": (0.4, 0.6),
    "g_leak": (0.001, 1),
    "e_leak": (-0.2, 0.2),
    "w": (0.001, 1),
    "gamma": (3, 8),
    "mu": (0.3, 0.8),
}


def start_values(name: str, shape: int | tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Values of a field of ``LTC``, U(low, high) in its range of ``START``, of this shape."""
    return rng.uniform(*START[name], shape)


class Weighted(Generic[Array]):
    """Weights w (..., n, n) and w_in (..., n, m) or None: they say how many neurons and inputs there are."""

    w: Array
    w_in: Array | Any

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.w.shape[-1]

    @property
    def m(self) -> int:
        """Number of sensory inputs."""
        return 0 if self.w_in is None else self.w_in.shape[-1]


class Conductances(Weighted[Array]):
    """Leak, recurrent and sensory synapses in parallel: what every synaptic cell adds up."""

    if TYPE_CHECKING:  # what each of them brings
        g_leak: Array
        e_leak: Array

        def recurrent(self, x: Array) -> tuple[Array, Array] | Array: ...

        def sensory(self, u: Any) -> tuple[Array, Array] | Array: ...

    def terms(self, x: Array, u: Array | None = None) -> tuple[Array, Array]:
        """Total conductance g (µS) and drive h (nA), each (..., n)."""
        return self.with_leak(self.recurrent(x), u)

    def with_leak(
        self, recurrent: Array | tuple[Array | float, Array | float], u: Array | None = None
    ) -> tuple[Array, Array]:
        """``terms`` where the synapses between neurons bring the conductance and the drive ``recurrent``,
        each (..., n), in µS and nA.
        """
        g, h = self.g_leak + recurrent[0], self.g_leak * self.e_leak + recurrent[1]
        if self.m:
            g_in, h_in = self.sensory(u)
            g, h = g + g_in, h + h_in
        return g, h


@dataclass(frozen=True, eq=False)
class LTC(Conductances[Array]):
    """Synaptic LTC neuron of neural circuit policies, synapse ij from neuron j to neuron i::

        c_i dx_i/dt = g_leak_i (e_leak_i - x_i) + sum_j w_ij s_ij(x_j) (E_ij - x_i)
        s_ij(x) = sigmoid(gamma_ij (x - mu_ij))

    and the same sum over the sensory inputs u_k with the fields ``_in``. Shapes: c, g_leak, e_leak (..., n);
    w, gamma, mu, e_rev (..., n, n); the sensory fields (..., n, m), or all four None when there are no inputs
    (then u may be None). Raises ValueError for wrong shapes, values that are not finite, c <= 0, g_leak <= 0
    or w < 0 (values of torch tensors and symbols pass unseen, here and in every function below: they may be
    traced).
    Source: Lechner et al. (2020), Eqs. (2)-(5); chapter "Liquid time constants".
    """

    c: Array = symbol("c", "membrane capacitance", "nF")
    g_leak: Array = symbol("g^L", "leak conductance", "µS")
    e_leak: Array = symbol("E^L", "leak reversal potential", "mV")
    w: Array = symbol("w", "maximal conductance of a synapse", "µS")
    gamma: Array = symbol(r"\gamma", "slope of the synaptic gate", "1/mV")
    mu: Array = symbol(r"\mu", "half-activation of the synaptic gate", "mV")
    e_rev: Array = symbol("E", "reversal potential; its sign is the polarity", "mV")
    w_in: Array | Any = symbol(r"w^{\mathrm{in}}", "maximal conductance of a sensory synapse", "µS", None)
    gamma_in: Array | Any = symbol(r"\gamma^{\mathrm{in}}", "slope of a sensory gate", "-", None)
    mu_in: Array | Any = symbol(r"\mu^{\mathrm{in}}", "half-activation of a sensory gate", "-", None)
    e_rev_in: Array | Any = symbol(r"E^{\mathrm{in}}", "reversal potential of a sensory synapse", "mV", None)

    if TYPE_CHECKING:  # lists of numbers become arrays

        def __init__(
            self: LTC[Any],
            c: Numbers,
            g_leak: Numbers,
            e_leak: Numbers,
            w: Numbers,
            gamma: Numbers,
            mu: Numbers,
            e_rev: Numbers,
            w_in: Numbers | None = None,
            gamma_in: Numbers | None = None,
            mu_in: Numbers | None = None,
            e_rev_in: Numbers | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        check_cell(
            self,
            vectors=("c", "g_leak", "e_leak"),
            matrices=("w", "gamma", "mu", "e_rev"),
            sensory=("w_in", "gamma_in", "mu_in", "e_rev_in"),
            positive=("c", "g_leak"),
            nonnegative=("w", "w_in"),
        )

    @classmethod
    def random(cls, wiring: Wiring, *, rng: np.random.Generator) -> LTC[np.ndarray]:
        """A cell on this wiring with parameters drawn from the ranges with which ncps starts its LTC.

        c U(0.4, 0.6), g_leak U(0.001, 1), e_leak U(-0.2, 0.2), w U(0.001, 1) where a synapse exists and 0
        elsewhere, gamma U(3, 8), mu U(0.3, 0.8), e_rev the polarity (where no synapse exists a random sign:
        what a new one would have). Raises ValueError where rng is no generator. Source: the initial ranges of
        ncps.

        >>> net = wiring.auto_ncp(8, 2, sensory=3, rng=rng)
        >>> cell = dynamics.LTC.random(net, rng=rng)
        >>> cell.w.shape, cell.w_in.shape
        ((8, 8), (8, 3))
        """
        if not isinstance(rng, np.random.Generator):
            raise ValueError(
                f"rng is {type(rng).__name__}; pass a generator, e.g. rng=np.random.default_rng(0)."
            )
        n, m = wiring.n, wiring.m
        signs = lambda p: np.where(p != 0, p, rng.choice([-1, 1], p.shape)).astype(float)
        c, g_leak, e_leak = (start_values(name, n, rng) for name in ("c", "g_leak", "e_leak"))
        w, gamma, mu = (start_values(name, (n, n), rng) for name in ("w", "gamma", "mu"))
        w_in, gamma_in, mu_in = (start_values(name, (n, m), rng) for name in ("w", "gamma", "mu"))
        return cls(
            c,
            g_leak,
            e_leak,
            w * wiring.adjacency,
            gamma,
            mu,
            signs(wiring.polarity),
            w_in * wiring.adjacency_in,
            gamma_in,
            mu_in,
            signs(wiring.polarity_in),
        )

    def gates(self, x: Array) -> Array:
        """Open share s_ij(x_j) of every synapse, (..., n, n), in (0, 1)."""
        return ops.sigmoid(self.gamma * (x[..., None, :] - self.mu))

    def gates_in(self, u: Array) -> Array:
        """Open share of every sensory synapse, (..., n, m)."""
        return ops.sigmoid(self.gamma_in * (u[..., None, :] - self.mu_in))

    def recurrent(self, x: Array) -> tuple[Array, Array]:
        """Conductance (µS) and drive (nA) that the synapses between neurons bring, each (..., n)."""
        return self.opened(self.gates(x))

    def opened(self, gates: Array) -> tuple[Array, Array]:
        """``recurrent`` where the gates stand open by these shares, (..., n, n)."""
        open_ = self.w * gates
        return open_.sum(-1), (open_ * self.e_rev).sum(-1)

    def sensory(self, u: Array) -> tuple[Array, Array]:
        """Conductance (µS) and drive (nA) that the sensory synapses bring, each (..., n)."""
        open_ = self.w_in * self.gates_in(u)
        return open_.sum(-1), (open_ * self.e_rev_in).sum(-1)

    def terms_jacobian(self, x: Array, u: Array | None = None) -> tuple[Array, Array]:
        """Derivatives dg_i/dx_j and dh_i/dx_j, each (..., n, n)."""
        s = self.gates(x)
        dg = self.w * self.gamma * s * (1 - s)
        return dg, dg * self.e_rev


@dataclass(frozen=True, eq=False)
class LTC2021(Weighted[Array]):
    """LTC network as first published: dx/dt = -(1/tau + f) x + f A with f = sigmoid(w x + w_in u + b), all
    (..., n).

    >>> one = dynamics.LTC2021(tau=[2.0], A=[1.0], w=[[0.0]], b=[0.0])
    >>> dynamics.time_constant(np.zeros(1), None, one)  # tau / (1 + tau / 2)
    array([1.])

    tau, A, b (..., n); w (..., n, n); w_in (..., n, m) or None. Raises ValueError for wrong shapes, values
    that are not finite or tau <= 0. Source: Hasani et al. (2021), Eq. (1).
    """

    tau: Array = symbol(r"\tau", "time constant without input", "ms")
    A: Array = symbol("A", "state towards which the gate pulls", "mV")
    w: Array = symbol("w", "recurrent weight inside the gate", "1/mV")
    b: Array = symbol("b", "bias inside the gate")
    w_in: Array | Any = symbol(r"w^{\mathrm{in}}", "input weight inside the gate", "-", None)

    if TYPE_CHECKING:  # lists of numbers become arrays

        def __init__(
            self: LTC2021[Any],
            tau: Numbers,
            A: Numbers,
            w: Numbers,
            b: Numbers,
            w_in: Numbers | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        check_cell(self, vectors=("tau", "A", "b"), matrices=("w",), sensory=("w_in",), positive=("tau",))

    @property
    def c(self) -> Array:
        """Capacitance: 1 here, since the equation is written per unit of it."""
        return self.tau * 0 + 1

    def gate(self, x: Array, u: Array | None = None) -> Array:
        """f(x, u) >= 0, in 1/ms, (..., n)."""
        return ops.sigmoid(affine(self, x, u))

    def terms(self, x: Array, u: Array | None = None) -> tuple[Array, Array]:
        """g = 1/tau + f, in 1/ms, and h = f A, in mV/ms, each (..., n)."""
        f = self.gate(x, u)
        return 1 / self.tau + f, f * self.A

    def terms_jacobian(self, x: Array, u: Array | None = None) -> tuple[Array, Array]:
        """Derivatives dg_i/dx_j and dh_i/dx_j, each (..., n, n)."""
        f = self.gate(x, u)
        dg = (f * (1 - f))[..., None] * self.w
        return dg, dg * self.A[..., None]


@dataclass(frozen=True, eq=False)
class CTRNN(Weighted[Array]):
    """Continuous-time RNN: tau dx/dt = -x + tanh(w x + w_in u + b).

    tau, b (..., n); w (..., n, n); w_in (..., n, m) or None. Raises ValueError for wrong shapes, values that
    are not finite or tau <= 0. Source: after Funahashi & Nakamura (1993), where tanh is inside the sum;
    chapter "CT-RNN".
    """

    tau: Array = symbol(r"\tau", "time constant", "ms")
    w: Array = symbol("w", "recurrent weight")
    b: Array = symbol("b", "bias")
    w_in: Array | Any = symbol(r"w^{\mathrm{in}}", "input weight", "-", None)

    if TYPE_CHECKING:  # lists of numbers become arrays

        def __init__(
            self: CTRNN[Any],
            tau: Numbers,
            w: Numbers,
            b: Numbers,
            w_in: Numbers | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        check_cell(self, vectors=("tau", "b"), matrices=("w",), sensory=("w_in",), positive=("tau",))

    @property
    def c(self) -> Array:
        """Capacitance: here the time constant itself, since the leak conductance is 1."""
        return self.tau

    def terms(self, x: Array, u: Array | None = None) -> tuple[Array, Array]:
        """g = 1 and h = tanh(w x + w_in u + b), in the unit of x, each (..., n)."""
        h = ops.tanh(affine(self, x, u))
        return h * 0 + 1, h

    def terms_jacobian(self, x: Array, u: Array | None = None) -> tuple[Array, Array]:
        """Derivatives dg_i/dx_j = 0 and dh_i/dx_j, each (..., n, n)."""
        h = ops.tanh(affine(self, x, u))
        dh = (1 - h * h)[..., None] * self.w
        return dh * 0, dh


def affine(cell: LTC2021[Array] | CTRNN[Array], x: Array, u: Any) -> Array:
    """w x + w_in u + b, (..., n), of a cell whose weights stand inside one function."""
    z = (cell.w @ x[..., None])[..., 0] + cell.b
    return z + (cell.w_in @ u[..., None])[..., 0] if cell.m else z
