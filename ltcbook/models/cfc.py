"""Closed-form continuous-time networks (CfC): no solver, one formula per step."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn

from ..validation import among, brief, choice, whole
from ..wiring import ROLES, Wiring
from . import memory as lstm
from . import steps
from .base import ACTIVATIONS, Net, numpy_rng
from .layers import Layer, drawn, linear, parameter
from .places import Places

if TYPE_CHECKING:
    from ..typing import Cell
    from .ltc import LTCNet

MODES = ("default", "pure", "no_gate")
BACKBONES = {
    "lecun_tanh": lambda z: 1.7159 * torch.tanh(0.666 * z),
    "silu": nn.functional.silu,
    "gelu": nn.functional.gelu,
    **{name: ACTIVATIONS[name].f for name in ("tanh", "relu")},
}


class CfCNet(Net):
    """Closed-form continuous-time network on a wiring, or of n units behind a backbone.

    From features z = (u, x), or backbone(u, x), affine heads f1, f2, a, b(z), each (..., n), make one step::

        "default":  s = sigmoid(a dt + b);  x+ = (1 - s) tanh(f1) + s tanh(f2)
        "no_gate":  x+ = tanh(f1) + s tanh(f2)
        "pure":     x+ = A - A exp(-dt (|w_tau| + |f1|)) f1

    None of them is the identity at dt = 0; a step of 0 ms holds the state all the same.
    wiring: a ``wiring.Wiring``, or a number of units (then give inputs). Wired: layers inter, command, motor
    (or hidden) move one after another, each hears what the layers before it have just become; f1 and f2 are
    masked to the synapses (polarities do not act); outputs are the motor neurons. recurrent: within a layer,
    "dense" (all hear all of it, synapse or not, as in ncps) or "wiring" (its synapses and each neuron
    itself). mask_time=False lets a and b read all of the layer before, synapse or not, as ncps does.
    Units: backbone_layers layers of backbone_units with ``activation`` ("lecun_tanh", "silu", "relu", "tanh",
    "gelu").
    outputs: size of a linear readout of the output neurons, or None. memory: None or "lstm" (the state is
    (..., 2 n): x, then the memory). generator: torch.Generator or None.

    Raises ValueError for unknown names or sizes < 1. Source: Hasani et al., Nature Machine Intelligence 4
    (2022). Its published bound on the distance to an LTC holds for a modified equation only; see
    ``from_ltc``.

    >>> net = models.CfCNet(20, inputs=3, outputs=1)  # behind a backbone
    >>> dt = torch.rand(5, 7) + 0.1  # irregular steps, one row per sample
    >>> y, x = net(torch.zeros(5, 7, 3), dt=dt)
    >>> tuple(y.shape), tuple(x.shape)
    ((5, 7, 1), (5, 7, 20))
    """

    mode: str
    ltc: LTCNet | None
    f2: Layer | None  # in the mode "pure" there is f1 alone
    a: Layer | None
    b: Layer | None
    mask: torch.Tensor | Any  # None behind a backbone
    mask_time: torch.Tensor | Any
    linear: nn.Linear | Any  # None where the output neurons are the outputs

    def __init__(
        self,
        wiring: Wiring | int,
        inputs: int | None = None,
        outputs: int | None = None,
        *,
        mode: Literal["default", "pure", "no_gate"] = "default",
        backbone_units: int = 128,
        backbone_layers: int = 1,
        activation: str = "lecun_tanh",
        recurrent: Literal["dense", "wiring"] = "dense",
        mask_time: bool = True,
        memory: Literal["lstm"] | None = None,
        generator: torch.Generator | np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.mode, self.activation = (
            choice("mode", mode, MODES),
            choice("activation", activation, tuple(BACKBONES)),
        )
        choice("recurrent", recurrent, ("dense", "wiring"))
        choice("memory", memory, (None, "lstm"))
        rng, self.ltc = numpy_rng(generator), None
        self.wired = isinstance(wiring, Wiring)
        if isinstance(wiring, Wiring):
            if not among(inputs, (None, wiring.m)):
                raise ValueError(
                    f"inputs is {brief(inputs)}, but the wiring has {wiring.m}; leave inputs out."
                )
            self.n, self.m = wiring.n, wiring.m
            masks, order, parts, motor = _layers(wiring, recurrent, mask_time)
        else:
            self.n, self.m = whole("wiring", wiring, 1), whole("inputs", inputs, 0)
            masks, order, parts, motor = {}, np.arange(self.n), (self.n,), np.arange(self.n)
        self._wiring = wiring if isinstance(wiring, Wiring) else None
        self.parts, self._masks = parts, masks
        if self.wired:
            for name, values in masks.items():
                self.register_buffer(name, torch.tensor(values, dtype=torch.int8))
        else:
            self.mask = self.mask_time = None  # no buffers: torch.export stumbles over one that is None
        self._order, self._inverse, self._motor = map(Places, (order, np.argsort(order), motor))

        features = self.m + self.n
        depth = 0 if self.wired else whole("backbone_layers", backbone_layers, 0)
        self.backbone = nn.ModuleList()
        for _ in range(depth):
            self.backbone.append(
                _xavier(features, whole("backbone_units", backbone_units, 1), rng, nn.Linear)
            )
            features = backbone_units
        self.f1 = _xavier(features, self.n, rng)
        self.f2, self.a, self.b = (
            (None, None, None) if mode == "pure" else (_xavier(features, self.n, rng) for _ in range(3))
        )
        k = np.sqrt(6 / (1 + self.n))
        self.w_tau, self.A = (
            parameter(rng.uniform(-k, k, self.n)) if mode == "pure" else None for _ in range(2)
        )
        self.linear = None if outputs is None else linear(len(motor), whole("outputs", outputs, 1), rng)
        self.outputs = len(motor) if outputs is None else outputs
        self.memory = None if memory is None else lstm.LSTMMemory(self.m, self.n, rng)
        self.state_size = self.n if memory is None else 2 * self.n

    def fixed(self) -> dict[str, np.ndarray]:
        return self._masks

    @property
    def wiring(self) -> Wiring | None:
        """The ``wiring.Wiring``, or None behind a backbone."""
        return self._wiring if self.ltc is None else self.ltc.wiring

    @property
    def order(self) -> torch.Tensor:
        """Neurons layer by layer, the order in which they move and in which ncps keeps them, (n,)."""
        return self._order.on(self.device)

    @property
    def inverse(self) -> torch.Tensor:
        """Where in ``order`` each neuron stands, (n,)."""
        return self._inverse.on(self.device)

    @property
    def motor(self) -> torch.Tensor:
        """Indices of the output neurons, increasing."""
        return self.ltc.motor if self.ltc is not None else self._motor.on(self.device)

    @property
    def solver(self) -> str | None:  # type: ignore[override]  # elsewhere an attribute; here the LTC's own says it
        """The LTC's, where ``from_ltc`` made this network; else None."""
        return None if self.ltc is None else self.ltc.solver

    def _call(
        self, u: Any, x0: Any, dt: Any, lengths: Any, mask: Any, missing: Any, **options: Any
    ) -> tuple[torch.Tensor | Any, torch.Tensor]:
        """As in ``Net``; an LTC is called whole, so that what hangs on its call (hooks, pruning by torch)
        acts.
        """
        if self.ltc is None:
            return super()._call(u, x0, dt, lengths, mask, missing, **options)
        return self.ltc(u, x0, dt, lengths=lengths, mask=mask, missing=missing)

    @property
    def compiled(self) -> bool:
        """Whether it is an LTC, made by ``from_ltc``, that the compiled kernels compute on a CPU."""
        return self.ltc is not None and self.ltc.compiled

    def cell(self, numpy: bool = False) -> Cell:
        """The LTC's cell where ``from_ltc`` made this network; ValueError otherwise."""
        return super().cell(numpy) if self.ltc is None else self.ltc.cell(numpy)

    def meaning(self) -> dict[str, Any]:
        if self.ltc is not None:
            return {"mode": self.mode}
        if self._wiring is not None:
            return {"mode": self.mode, "role": self._wiring.role}
        return {"mode": self.mode, "activation": self.activation}

    def extra_repr(self) -> str:
        return f"{self.wiring or f'{self.m} inputs, {self.n} units'}, mode={self.mode!r}"

    def moved(self, u: torch.Tensor, x0: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        """See ``Net.moved``."""
        if self.ltc is not None:
            return self.ltc.moved(u, x0, dt)
        heads = self._heads()
        step = lambda u_t, x, dt_t: self._step(u_t, x, dt_t[..., None], heads)
        if self.memory is not None:
            return lstm.run(self.memory, step, u, x0, dt)
        return steps.run(step, u, x0, dt)

    def _heads(self) -> list[dict[str, Any]]:
        """Per layer of the wiring a dict head -> (weight, bias), masked, rows and columns in layer order.

        Read once for a whole sequence; the heads themselves are called with them in every step.
        """
        order = self.order
        columns = torch.cat([torch.arange(self.m, device=order.device), self.m + order])
        layers, rows = [], order.split(self.parts)
        now = {
            name: getattr(self, name).read()
            for name in ("f1", "f2", "a", "b")
            if getattr(self, name) is not None
        }
        for row in rows:
            heads: dict[str, Any] = {}
            for name, (weight, bias) in now.items():
                mask = None if not self.wired else self.mask if name in ("f1", "f2") else self.mask_time
                weight = weight if mask is None else weight * mask
                heads[name] = (weight[row][:, columns] if self.wired else weight, bias[row])
            for name in ("A", "w_tau"):
                heads[name] = None if self.A is None else getattr(self, name)[row]
            layers.append(heads)
        return layers

    def _step(
        self, u: torch.Tensor, x: torch.Tensor, dt: torch.Tensor, layers: list[dict[str, Any]]
    ) -> torch.Tensor:
        """State (..., n) after dt (..., 1)."""
        states = list(x[..., self._order.on(x.device)].split(self.parts, -1))
        for k, heads in enumerate(layers):
            z = torch.cat([u, *states], -1)
            for layer in self.backbone:
                z = BACKBONES[self.activation](layer(z))
            f = {
                name: getattr(self, name)(z, *head) for name, head in heads.items() if isinstance(head, tuple)
            }
            if self.mode == "pure":
                A = heads["A"]
                states[k] = A - A * torch.exp(-dt * (heads["w_tau"].abs() + f["f1"].abs())) * f["f1"]
            else:
                s, f1, f2 = torch.sigmoid(f["a"] * dt + f["b"]), torch.tanh(f["f1"]), torch.tanh(f["f2"])
                states[k] = f1 + s * f2 if self.mode == "no_gate" else (1 - s) * f1 + s * f2
        return torch.cat(states, -1)[..., self._inverse.on(x.device)]

    def readout(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs (..., outputs) of states x (..., state_size)."""
        if self.ltc is not None:
            return self.ltc.readout(x)
        y = x[..., : self.n].index_select(-1, self._motor.on(x.device))
        return y if self.linear is None else self.linear(y)

    @classmethod
    def from_ltc(cls, net: LTCNet) -> CfCNet:
        """A CfC that carries the weights of an ``LTCNet``: the LTC's closed form with gates frozen over each
        step::

            x+ = A + (x - A) exp(-(g / c) dt),   A = h / g,   g and h from the synapses at the old state

        One evaluation of the synapses per step, no solver; it trains on, and ``from_ltc(net).ltc`` is the LTC
        with its weights.

        Kept, exactly: every parameter, the wiring, the input and output maps, the memory, all equilibria
        under constant input, the state bounds, x+ -> x as dt -> 0. Not kept: the path between equilibria,
        right to order 1 in dt (the gates move while the formula holds them still); the stability of an
        equilibrium when dt is long against the liquid time constants; and the very numbers of an LTC trained
        with few fused substeps, which learned that map and not the ODE. Different from the published closed
        form, (x0 - A) exp(-(w + f) dt) f(-I) + A: that one multiplies by a further gate, so it does not start
        at x0, and drives towards A where the LTC goes to A f / (w + f); neither its error bound (derived for
        a modified equation) nor any other makes it an approximation of this LTC, so that formula is not used
        here. The sigmoid of dt in the modes above has no LTC behind it either.
        Raises ValueError unless net is an LTCNet. Source: Hasani et al. (2021), (2022) and their proofs, read
        side by side.
        """
        from .ltc import LTCNet

        if not isinstance(net, LTCNet):
            raise ValueError(f"cannot carry over a {type(net).__name__}; pass a models.LTCNet.")
        carried = cls.__new__(cls)
        Net.__init__(carried)
        carried.ltc = own = copy.deepcopy(net)
        own.solver, own.substeps = "exponential", 1
        carried.mode, carried.wired, carried._masks = "ltc", True, {}
        for name in ("n", "m", "state_size", "outputs"):
            setattr(carried, name, getattr(net, name))
        return carried

    @classmethod
    def from_ncps(cls, module: nn.Module) -> CfCNet:
        """The same network as an ``ncps.torch.CfC``, ``CfCCell`` or ``WiredCfCCell``, in its dtype.

        Outputs and gradients agree to rounding. Our states are in the order of the wiring's neurons (ncps:
        layer by layer; ``net.order`` maps: hx = x[..., net.order]). Raises ValueError for another module or
        one that drops units at random.
        """
        from .convert import cfc_from_ncps

        return cfc_from_ncps(cls, module)


def _layers(
    wiring: Wiring, recurrent: Literal["dense", "wiring"], mask_time: bool
) -> tuple[dict[str, np.ndarray], np.ndarray, tuple[int, ...], np.ndarray]:
    """Masks (n, m + n) of f1, f2 and of a, b; neurons layer by layer; sizes of layers; output neurons."""
    layers = [wiring.members(role) for role in ROLES if role in wiring.role]
    mask = np.concatenate([wiring.adjacency_in, wiring.adjacency], 1)
    block = np.zeros_like(mask)
    for k, layer in enumerate(layers):
        before = np.arange(wiring.m) if k == 0 else wiring.m + layers[k - 1]
        within = np.ix_(layer, wiring.m + layer)
        mask[within] = True if recurrent == "dense" else mask[within] | np.eye(len(layer), dtype=bool)
        block[np.ix_(layer, before)] = block[within] = True
    motor = wiring.members("motor")
    return (
        {"mask": mask, "mask_time": mask if mask_time else mask | block},
        np.concatenate(layers),
        tuple(len(layer) for layer in layers),
        motor if len(motor) else np.arange(wiring.n),
    )


def _xavier(sources: int, targets: int, rng: np.random.Generator, kind: type[nn.Linear] = Layer) -> Any:
    """A linear layer with weights U(-k, k), k = sqrt(6 / (sources + targets)), as ncps starts its heads."""
    layer, k = drawn(kind, sources, targets, rng), np.sqrt(6 / (sources + targets))
    layer.weight = parameter(rng.uniform(-k, k, (targets, sources)))
    return layer
