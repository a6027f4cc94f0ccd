"""LTC networks that train: parameters -> ``dynamics.LTC`` -> a backend."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from .. import backends, dynamics, kernels, ops, pruning
from ..dynamics.cells import start_values
from ..kernels.autograd import Maps, mapped
from ..kernels.sparse import FIELDS, POSITIVE, SparsePattern
from ..solvers import SOLVERS
from ..validation import choice, number, whole
from ..wiring import Wiring
from . import memory as lstm
from .base import Net, numpy_rng, to_numpy
from .circuit import Circuit, StandIn
from .constraints import write
from .layers import hold, inverse_softplus
from .places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator


MAPS = ("affine", "linear", None)
CONSTRAINTS = ("implicit", "explicit")


class LTCNet(Net):
    """Trainable synaptic LTC network on a wiring.

    At every call the parameters become a fresh ``dynamics.LTC`` cell, with conductances w = positive(raw_w) *
    mask, and ``simulate`` moves it. ``outputs`` are the motor neurons (all neurons where the wiring names
    none).

    wiring: n neurons, m inputs. solver: a method of ``simulate`` ("fused", "exponential", "euler", "rk4",
    "extrapolated"), substeps: equal parts of each step; the default is usually closer to the equation than
    "fused" with 6, which is what ncps does, at half the cost (chapter "Solvers").
    constraint: "implicit": w = softplus(raw_w), and so c, g_leak, w_in; "explicit": w = abs(raw_w), the
    parameter is the value itself. input_map, output_map: "affine" (weight and bias per channel), "linear"
    (weight only) or None. memory: None or "lstm" (then the state is (..., 2 n): x, then the memory).
    backend: who computes, the same numbers each: "reference": ``simulate`` with all n^2 places; "edges": with
    the synapses alone; "numba": the compiled ``kernels``, CPU only, fastest there; "windows": these on
    windows of one long sequence side by side, faster still for a network that forgets its start
    (``backends.Windows`` has more to choose); "triton": the kernels for a GPU of NVIDIA, a sequence in one
    launch (not "rk4"; no GPU has timed them yet); "parallel": all times at once, for long sequences on a GPU
    (not "rk4", "euler"); "auto": numba or triton where they can serve, else edges where less than half of the
    places hold a synapse, else reference. ``net.backend`` may be changed at any time.
    generator: torch.Generator or None; the effective values start in the ranges of ``dynamics.LTC.random``.

    Buffers ``polarity`` (n, n) and ``polarity_in`` (n, m) hold the signed masks, [target, source];
    ``net.wiring`` is read from them, so a state dict carries its wiring along. The roles of the neurons are
    part of the model: ``vmap`` over ``torch.func.stack_module_state`` needs networks of the same roles and
    options, since one of them computes for all. Raises ValueError for unknown options.
    Source: Lechner et al. (2020), Eqs. (2)-(5); chapter "Liquid time constants".

    >>> net = models.LTCNet(wiring.auto_ncp(12, 2, sensory=3, rng=rng))
    >>> y, x = net(torch.zeros(5, 7, 3), dt=0.5)
    >>> tuple(y.shape), tuple(x.shape)
    ((5, 7, 2), (5, 7, 12))
    """

    solver: str
    polarity: torch.Tensor
    polarity_in: torch.Tensor
    raw_c: torch.Tensor
    raw_g_leak: torch.Tensor
    e_leak: torch.Tensor
    raw_w: torch.Tensor
    gamma: torch.Tensor
    mu: torch.Tensor
    e_rev: torch.Tensor
    raw_w_in: torch.Tensor
    gamma_in: torch.Tensor
    mu_in: torch.Tensor
    e_rev_in: torch.Tensor
    input_w: torch.Tensor | Any  # None where the map has none
    input_b: torch.Tensor | Any
    output_w: torch.Tensor | Any
    output_b: torch.Tensor | Any

    def __init__(
        self,
        wiring: Wiring,
        *,
        solver: str = "extrapolated",
        substeps: int = 3,
        constraint: Literal["implicit", "explicit"] = "implicit",
        input_map: Literal["affine", "linear"] | None = "affine",
        output_map: Literal["affine", "linear"] | None = "affine",
        memory: Literal["lstm"] | None = None,
        backend: str | backends.Backend = "auto",
        generator: torch.Generator | np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(wiring, Wiring):
            raise ValueError(
                f"wiring is {type(wiring).__name__}; pass a ltcbook.wiring.Wiring "
                "(wiring.from_ncps turns an ncps wiring into one)."
            )
        self.solver = choice("solver", solver, tuple(SOLVERS))
        self.substeps = whole("substeps", substeps, 1)
        self.constraint = choice("constraint", constraint, CONSTRAINTS)
        self.input_map = choice("input_map", input_map, MAPS)
        self.output_map = choice("output_map", output_map, MAPS)
        choice("memory", memory, (None, "lstm"))
        self.backend = backend
        self._patterns: list[tuple[tuple[torch.Tensor, int | None], SparsePattern]] | None = None
        self._stand_in: tuple[dynamics.LTC[torch.Tensor], str] | None = None
        self.n, self.m, self.role = wiring.n, wiring.m, wiring.role
        self.state_size = self.n if memory is None else 2 * self.n
        self.register_buffer("polarity", torch.tensor(wiring.polarity, dtype=torch.int8))
        self.register_buffer("polarity_in", torch.tensor(wiring.polarity_in, dtype=torch.int8))
        motor = wiring.members("motor")
        self._motor = Places(motor if len(motor) else range(self.n))
        self.outputs = len(self._motor)

        rng = numpy_rng(generator)
        start = dynamics.LTC.random(wiring, rng=rng)
        for name in FIELDS:
            value = self.raw(getattr(start, name)) if name in POSITIVE else getattr(start, name)
            hold(self, self.parameter_of(name), value)
        for name, mapping, size in (("input", input_map, self.m), ("output", output_map, self.outputs)):
            for end, values, there in (
                ("w", np.ones(size), mapping is not None),
                ("b", np.zeros(size), mapping == "affine"),
            ):
                if there:
                    hold(self, f"{name}_{end}", values)
                else:
                    self.register_parameter(f"{name}_{end}", None)
        self.memory = None if memory is None else lstm.LSTMMemory(self.m, self.n, rng)

    def meaning(self) -> dict[str, Any]:
        return {"constraint": self.constraint, "role": self.role}

    def extra_repr(self) -> str:
        return f"{self.wiring}, solver={self.solver!r}, substeps={self.substeps}, {self.constraint}"

    @staticmethod
    def parameter_of(field: str) -> str:
        """Name of the parameter behind a field of ``dynamics.LTC``: "raw_w" for "w", "gamma" for "gamma"."""
        return f"raw_{field}" if field in POSITIVE else field

    def positive(self, raw: torch.Tensor) -> torch.Tensor:
        """Value >= 0 behind a raw parameter, same shape: softplus(raw), or abs(raw) where explicit."""
        return ops.softplus(raw) if self.constraint == "implicit" else torch.where(raw < 0, -raw, raw)

    def slope(self, raw: torch.Tensor) -> torch.Tensor:
        """Derivative of ``positive`` by raw, same shape."""
        return (
            ops.sigmoid(raw)
            if self.constraint == "implicit"
            else torch.where(raw < 0, -1.0, 1.0).to(raw.dtype)
        )

    def raw(self, value: Any) -> np.ndarray:
        """Raw parameter behind values >= 0, same shape, NumPy; at least 1e-6 where softplus."""
        return inverse_softplus(value) if self.constraint == "implicit" else np.asarray(value, float)

    @property
    def motor(self) -> torch.Tensor:
        """Indices of the output neurons, increasing, on the model's device."""
        return self._motor.on(self.device)

    @property
    def wiring(self) -> Wiring:
        """The ``wiring.Wiring`` of now, signs as each synapse had at birth; e_rev may have learned others."""
        return Wiring(self.polarity.cpu().numpy(), self.polarity_in.cpu().numpy(), self.role)

    def cell(self, numpy: bool = False) -> dynamics.LTC:
        """The ``dynamics.LTC`` of now; it hears ``map_input(u)``. numpy=True: float64 arrays, detached."""
        values = {name: getattr(self, self.parameter_of(name)) for name in FIELDS}
        values.update({name: self.positive(values[name]) for name in POSITIVE})
        values["w"] = values["w"] * (self.polarity != 0)
        values["w_in"] = values["w_in"] * (self.polarity_in != 0)
        if numpy:
            values = {name: to_numpy(value) for name, value in values.items()}
        if self.m == 0:
            values.update(dict.fromkeys(("w_in", "gamma_in", "mu_in", "e_rev_in")))
        return dynamics.LTC(**values)

    if TYPE_CHECKING:

        def numpy_cell(self) -> dynamics.LTC[np.ndarray]: ...

    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        """Effective conductances w (n, n) and w_in (n, m) in µS, NumPy, 0 where no synapse is."""
        return conductances(self.numpy_cell())

    def map_input(self, u: torch.Tensor) -> torch.Tensor:
        """What the sensory neurons hear, (..., m): input_w u + input_b, as far as the input map has them."""
        return mapped(u, self.input_w, self.input_b)

    def moved(self, u: torch.Tensor, x0: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        """See ``Net.moved``: the cell of now, moved by the backend; its ValueError."""
        backend, call = self._chosen(self.map_input(u), x0, dt)
        if self.memory is None:
            return backend.run(call)

        def step(u_t: torch.Tensor, x: torch.Tensor, dt_t: torch.Tensor) -> torch.Tensor:
            u_t = self.map_input(u_t[..., None, :])
            return backend.run(replace(call, u=u_t, x0=x, dt=dt_t[..., None]))[..., 0, :]

        return lstm.run(self.memory, step, u, x0, dt)

    def answered(
        self, u: torch.Tensor, x0: torch.Tensor, dt: torch.Tensor, **options: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See ``Net.answered``: outputs (..., T, outputs) and states from what ``moved`` takes, dt in ms, by
        the backend, which may do all of it at once.
        """
        if self.memory is not None or self._stand_in is not None:
            return super().answered(u, x0, dt, **options)
        backend, call = self._chosen(u, x0, dt)
        return backend.answered(call)

    def _chosen(
        self, u: torch.Tensor, x0: torch.Tensor, dt: torch.Tensor
    ) -> tuple[backends.Backend, backends.Call]:
        """The backend that moves the cell of now, and what it is to compute."""
        network: Circuit | StandIn = Circuit(self)
        name = self.backend
        if self._stand_in is not None:
            cell, name = self._stand_in
            network = StandIn(self, cell)
        call = backends.Call(network, u, x0, dt, SOLVERS[self.solver], self.substeps)
        backend = backends.choose(name, call)
        backend.check_memory(call)
        return backend, call

    @contextmanager
    def moving(self, cell: dynamics.LTC[torch.Tensor], backend: str = "auto") -> Iterator[None]:
        """Let the network move another ``dynamics.LTC`` of tensors for a while, which may have a synapse
        anywhere, by a backend that takes it.
        """
        self._stand_in = cell, backend
        try:
            yield
        finally:
            self._stand_in = None

    @property
    def compiled(self) -> bool:
        """Whether the compiled kernels compute this network on a CPU."""
        name = self.backend if isinstance(self.backend, str) else self.backend.name
        return (
            name in ("auto", "numba", "windows") and kernels.missing(SOLVERS[self.solver], self.dtype) is None
        )

    @property
    def backend(self) -> str | backends.Backend:
        """What computes: the name of a backend, "auto", or a backend itself."""
        return self._backend

    @backend.setter
    def backend(self, name: str | backends.Backend) -> None:
        given = isinstance(name, backends.Backend)
        self._backend = name if given else choice("backend", name, ("auto", *backends.BACKENDS))

    def readout(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs (..., outputs): output_w x + output_b of the motor neurons, by increasing index."""
        y = x[..., : self.n].index_select(-1, self._motor.on(x.device))
        return mapped(y, self.output_w, self.output_b)

    def maps(self) -> Maps | None:
        """Both as numbers, or None where a subclass does something else."""
        for method, own in ((self.map_input, LTCNet.map_input), (self.readout, LTCNet.readout)):
            if getattr(method, "__func__", None) is not own:
                return None
        return Maps(self._motor.on(self.device), self.input_w, self.input_b, self.output_w, self.output_b)

    @torch.no_grad()
    def rewire(
        self,
        change: pruning.Rewired | Wiring,
        *,
        new_weight: float | None = None,
        rng: np.random.Generator | torch.Generator | None = None,
    ) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """Cut and grow synapses in place; every other entry keeps its bits.

        change: the ``pruning.Rewired`` of an event that was computed from ``net.wiring`` and
        ``net.weights()``, or a ``wiring.Wiring`` of the same neurons. A grown synapse gets its polarity as
        e_rev, gates as ``pruning.rewire`` draws them, and the event's weight (for a bare Wiring: new_weight,
        or U(0.001, 1) as at birth). rng: numpy or torch generator for these draws, or None.

        Returns {parameter name: (cut, grown)}, index tensors (2, k) of targets and sources, so that
        ``optimizer.state[p]["exp_avg"][tuple(cut)] = 0`` works; of a parameter that torch parametrises, the
        name of the tensor behind it. Raises ValueError, and touches nothing, for another size, other roles,
        an event made from another wiring or other weights than those of now, or a parameter that cannot be
        written.
        """
        rng, cell = numpy_rng(rng), self.numpy_cell()
        if isinstance(change, Wiring):
            event = self._event(change, cell, new_weight, rng)
        elif isinstance(change, pruning.Rewired):
            if new_weight is not None:
                raise ValueError("new_weight goes with a bare Wiring; an event brings its own weights.")
            event = change
        else:
            raise ValueError(
                f"cannot rewire by {type(change).__name__}; pass a pruning.Rewired or a wiring.Wiring."
            )
        return self._follow(event, cell, rng)

    @torch.no_grad()
    def _follow(
        self, event: pruning.Rewired, cell: dynamics.LTC[np.ndarray], rng: np.random.Generator
    ) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """``rewire`` by an event where the cell of now is at hand; rng: a NumPy generator."""
        self._check_event(event, cell)
        fresh = pruning.rewire(cell, event, rng=rng)
        changed: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        new: dict[str, torch.Tensor] = {}
        masks: list[tuple[torch.Tensor, np.ndarray, np.ndarray]] = []
        for suffix, lost, made, weights, polarity in (
            ("", event.cut, event.grown, event.weights, event.wiring.polarity),
            ("_in", event.cut_in, event.grown_in, event.weights_in, event.wiring.polarity_in),
        ):
            if not lost and not made:
                continue
            cut, grown = (np.array(edges, int).reshape(-1, 2).T[::-1].copy() for edges in (lost, made))
            signs = getattr(self, "polarity" + suffix)
            before = signs.cpu().numpy().copy()
            masks += [(signs, at, polarity) for at in (cut, grown)]
            for field in ("w", "gamma", "mu", "e_rev"):
                name = self.parameter_of(field + suffix)
                values = self.raw(weights) if field == "w" else getattr(fresh, field + suffix)
                if field == "e_rev":  # a synapse raised in place keeps what it learned
                    values = np.where(polarity != before, polarity, values)
                new[name] = tensor = getattr(self, name).clone()
                tensor[tuple(grown)] = torch.as_tensor(values[tuple(grown)]).to(tensor)
                where = [torch.as_tensor(at, device=tensor.device) for at in (cut, grown)]
                changed[name] = where[0], where[1]
        holders = write(self, new)
        for signs, at, polarity in masks:
            signs[tuple(at)] = torch.as_tensor(polarity[tuple(at)], device=signs.device)
        return {holder: at for name, at in changed.items() for holder in holders[name]}

    def _event(
        self,
        wiring: Wiring,
        cell: dynamics.LTC[np.ndarray],
        new_weight: float | None,
        rng: np.random.Generator,
    ) -> pruning.Rewired:
        """The Rewired that leads to another wiring; a synapse that changes its sign is cut and grown."""
        self._check_wiring(wiring)
        if new_weight is not None:
            number("new_weight", new_weight, 0)
        halves = []
        for old, new, weights in zip(
            (self.wiring.polarity, self.wiring.polarity_in),
            (wiring.polarity, wiring.polarity_in),
            conductances(cell),
            strict=True,
        ):
            drawn = start_values("w", weights.shape, rng) if new_weight is None else new_weight
            grown, cut = (old != new) & (new != 0), (old != new) & (old != 0)
            edges = [[(int(s), int(t)) for t, s in np.argwhere(where)] for where in (cut, grown)]
            halves.append((np.where(grown, drawn, weights) * (new != 0), *edges))
        (w, cut, grown), (w_in, cut_in, grown_in) = halves
        return pruning.Rewired(wiring, w, w_in, None, None, cut, grown, [], cut_in, grown_in, [])

    def _check_wiring(self, wiring: Wiring) -> None:
        if (wiring.n, wiring.m, wiring.role) != (self.n, self.m, tuple(self.role)):
            raise ValueError(
                f"cannot rewire to {wiring}: this model is {self.wiring}; neurons, inputs and roles must "
                "be the same. Nothing was changed."
            )

    def _check_event(self, event: pruning.Rewired, cell: dynamics.LTC[np.ndarray]) -> None:
        """Refuse an event that was not made from the wiring and the weights of now."""
        self._check_wiring(event.wiring)
        for suffix, old, now, weights, new in zip(
            ("", "_in"),
            (self.wiring.polarity, self.wiring.polarity_in),
            conductances(cell),
            (event.weights, event.weights_in),
            (event.wiring.polarity, event.wiring.polarity_in),
            strict=True,
        ):
            touched = np.zeros(old.shape, bool)
            cut, grown = set(getattr(event, "cut" + suffix)), set(getattr(event, "grown" + suffix))
            for source, target in cut | grown:
                touched[target, source] = True
            before = {(int(s), int(t)) for t, s in np.argwhere(old)}
            if not cut <= before or (grown - cut) & before or (old != new)[~touched].any():
                raise ValueError(
                    "this event was made from another wiring than the model's of now: compute it from "
                    "net.wiring and net.weights(). Nothing was changed."
                )
            if weights is None:
                continue
            kept = ~touched
            if (
                weights.shape != now.shape
                or not np.allclose(weights[kept], now[kept], rtol=1e-5, atol=1e-7)
                or ((weights != 0) & (new == 0)).any()
                or not (np.isfinite(weights) & (weights >= 0)).all()
            ):
                raise ValueError(
                    "the event's weights are not those of the model: compute it from net.weights() of now, "
                    "with zeros off the wiring. Nothing was changed."
                )

    @classmethod
    def from_ncps(cls, module: torch.nn.Module) -> LTCNet:
        """The same network as an ``ncps.torch.LTC`` or ``LTCCell``, in its dtype, neurons in ncps's order.

        Outputs, states and gradients agree to rounding in float32 (about 1e-6); in float64 to about 1e-8
        relative, since ncps adds epsilon = 1e-8 to a denominator. Another epsilon becomes part of the leak,
        exactly: it is a conductance towards 0 mV (the leak's gradients are then those of the sum). Its
        [source, target] parameters are transposed. Raises ValueError for another module, an unbuilt wiring, a
        mask that is not 0/1, another way to keep values positive, an epsilon below 0, or explicit weights
        below 0 (clip them there first).
        """
        from .convert import ltc_from_ncps

        return ltc_from_ncps(cls, module)


def conductances(cell: dynamics.LTC[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """w (n, n) and w_in (n, m) of a NumPy ``dynamics.LTC`` in µS; m = 0 gives (n, 0)."""
    return cell.w, np.zeros((cell.n, 0)) if cell.w_in is None else cell.w_in
