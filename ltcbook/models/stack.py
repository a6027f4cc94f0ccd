"""LTC networks of one size as a stack: their parameters in one array, one call of the kernels for them all.

What autograd would do for one network stands here in plain lines for all of them, with the same bits.
"""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..kernels.autograd import mapped
from ..kernels.sparse import MATRICES, ORDER, POSITIVE, StackedPattern, columns
from ..solvers import SOLVERS
from .circuit import Circuit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..kernels.sparse import SparsePattern
    from .ltc import LTCNet

ROOM = 2**22  # bytes of states, or of inputs, at once: about what a processor keeps at hand


def shape_of(net: Any) -> dict[str, Any]:
    """What networks of one stack must have in common, {words: plain value}."""
    from .ltc import LTCNet

    if not isinstance(net, LTCNet):
        return {"class": type(net).__name__}
    return {
        "class": type(net).__name__,
        "neurons": net.n,
        "inputs": net.m,
        "motor neurons": net._motor.values,
        "solver": net.solver,
        "substeps": net.substeps,
        "constraint": net.constraint,
        "input_map": net.input_map,
        "output_map": net.output_map,
        "dtype": str(net.dtype),
    }


def refusal(net: Any) -> str | None:
    """Why a network cannot be part of a stack, in words; None: it can."""
    from .ltc import LTCNet

    if type(net) is not LTCNet or "forward" in vars(net):
        return "it is no plain LTCNet"
    if net.memory is not None or net.backend not in ("auto", "numba") or not net.compiled:
        return "the compiled kernels do not compute all of it"
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    held = ("_backward_hooks", "_post_accumulate_grad_hooks")
    parameters = list(net.parameters())
    if any(getattr(net, name) for name in hooks) or any(
        getattr(p, name) for p in parameters for name in held
    ):
        return "hooks look into it"
    if any(
        type(p) is not torch.nn.Parameter
        or p.device.type != "cpu"
        or p.dtype != net.dtype
        or not p.requires_grad
        for p in parameters
    ):
        return "its parameters do not all learn on the CPU in one dtype"
    return None


def named(net: LTCNet) -> dict[str, torch.nn.Parameter]:
    """The parameters of a network without a ``refusal``; it has none in submodules, and ``named_parameters``
    takes long to look there.
    """
    return {name: parameter for name, parameter in net._parameters.items() if parameter is not None}


def by_network(reduced: Callable[[torch.Tensor], torch.Tensor], values: torch.Tensor) -> torch.Tensor:
    """What a function makes of (S, ...), network by network where torch's threads would share a sum in
    another way among several than for one.
    """
    if len(values) == 1 or torch.get_num_threads() == 1:
        return reduced(values)
    return torch.cat([reduced(one) for one in values.split(1)])


def in_pieces(networks: int, size: int) -> list[slice]:
    """So many networks, ``size`` bytes in all, in slices of at most ``ROOM`` bytes or one network."""
    few = max(1, ROOM * networks // max(size, 1))
    few = -(-networks // -(-networks // few))  # as many in each
    return [slice(start, min(start + few, networks)) for start in range(0, networks, few)]


class Stack:
    """S networks of one ``shape_of`` as one, none of them with a ``refusal``.

    ``values`` and ``slopes``, (S, P), hold all parameters and what a loss changes by them, a row per network.
    From here to ``leave`` the parameters of the networks lie in these rows, so that the networks can be used,
    rewired and saved as ever. ``parts``: the networks again, as many together as serve.
    """

    def __init__(self, nets: Sequence[LTCNet], samples: int) -> None:
        """samples: sequences times steps of a batch, the most of what a network will get."""
        self.nets, first = nets, nets[0]
        self.slots: dict[str, slice] = {}
        size = 0
        for name, parameter in named(first).items():
            self.slots[name] = slice(size, size + parameter.numel())
            size += parameter.numel()
        self.values = torch.empty(len(nets), size, dtype=first.dtype)
        self.slopes = torch.zeros_like(self.values)
        # the slopes of parameters of one size that stand one behind the other, (S, how many, size)
        self.blocks, sizes = [], [parameter.numel() for parameter in named(first).values()]
        for length, some in groupby(zip(sizes, self.slots.values(), strict=True), key=lambda one: one[0]):
            slots = [slot for _, slot in some]
            block = self.slopes[:, slots[0].start : slots[-1].stop]
            self.blocks.append(block.unflatten(1, (len(slots), length)))
        self.homes = [[parameter.data for parameter in named(net).values()] for net in nets]
        self.places: list[list[int]] = [[] for _ in nets]  # of the parameters in memory
        for net in nets:
            net.zero_grad()
        inputs = len(nets) * samples * first.m * self.values.element_size()
        self.parts = [Part(self, row) for row in in_pieces(len(nets), inputs)]
        self.follow()

    def follow(self, network: int | None = None) -> None:
        """Take over what was done to the networks, or to one of them: parameters that lie elsewhere, other
        synapses.
        """
        for k in range(len(self.nets)) if network is None else [network]:
            parameters = named(self.nets[k])
            places = [parameter.data_ptr() for parameter in parameters.values()]
            if places == self.places[k]:
                continue
            for name, parameter in parameters.items():
                mine = self.values[k, self.slots[name]].view_as(parameter)
                if parameter.data_ptr() != mine.data_ptr():
                    mine.copy_(parameter.detach())
                    parameter.data = mine
            self.places[k] = [parameter.data_ptr() for parameter in parameters.values()]
        for part in self.parts:
            if network is None or part.row.start <= network < part.row.stop:
                part.listed()

    def rows(self, of: torch.Tensor, network: int) -> dict[str, torch.Tensor]:
        """What a network's parameters have of a tensor (S, P): {name: a view of the parameter's shape}."""
        return {
            name: of[network, self.slots[name]].view_as(parameter)
            for name, parameter in named(self.nets[network]).items()
        }

    def norms(self) -> torch.Tensor:
        """The norm of each network's slopes, (S,), as ``torch.nn.utils.clip_grad_norm_`` has it."""
        length = lambda some: torch.linalg.vector_norm(some, dim=2)
        found = [by_network(length, some) for some in self.blocks]
        return torch.linalg.vector_norm(torch.cat(found, 1), dim=1)

    def leave(self) -> None:
        """Give the networks their own storage back, with the numbers of now."""
        for k, (net, homes) in enumerate(zip(self.nets, self.homes, strict=True)):
            slopes = self.rows(self.slopes, k)
            for (name, parameter), home in zip(named(net).items(), homes, strict=True):
                parameter.data = home.copy_(parameter.detach())
                parameter.grad = slopes[name].clone()


class Part:
    """Some networks of a stack in one ``Call``: what it prepares serves all of them, and their states are
    found and used in smaller pieces. ``row``: the slice of the stack that they are.
    """

    def __init__(self, stack: Stack, row: slice) -> None:
        self.nets, self.row = stack.nets[row], row
        self.values, self.slopes, self.slots = stack.values[row], stack.slopes[row], stack.slots
        self.patterns: list[tuple[SparsePattern, ...]] = []

    def listed(self) -> None:
        """List the synapses anew where a mask has changed: where each number stands among the parameters,
        and where in the lists of the kernels.
        """
        patterns = [Circuit(net).patterns for net in self.nets]
        if [list(map(id, pair)) for pair in patterns] == [list(map(id, pair)) for pair in self.patterns]:
            return
        self.patterns, first = patterns, self.nets[0]
        between, heard = zip(*patterns, strict=True)
        self.stacked = StackedPattern(between), StackedPattern(heard)
        where = columns(*self.stacked)
        width, size = where[ORDER[-1]].stop, self.values.shape[1]
        self.lists = np.zeros((len(self.nets), width), self.values.numpy().dtype)
        raw: list[list[np.ndarray]] = [[], []]  # numbers that stand for those never below 0; the others
        rest: list[list[np.ndarray]] = [[], []]
        self.ends = [0]
        for k, pair in enumerate(patterns):
            for name, column in where.items():
                place = pair[MATRICES[name]].place if name in MATRICES else np.arange(first.n)
                slot = self.slots.get(first.parameter_of(name), slice(0, 0))  # no parameter: no place either
                here, there = raw if name in POSITIVE else rest
                here.append(k * size + slot.start + place)
                there.append(k * width + column.start + np.arange(len(place)))
            self.ends.append(sum(map(len, raw[0])))
        (self.raw, self.raw_list), (self.rest, self.rest_list) = (
            [np.concatenate(one) for one in two] for two in (raw, rest)
        )
        self.slopes.zero_()

    def _row_of(self, name: str) -> torch.Tensor | None:
        """A parameter of all networks beside (S, B, T, its size), or None where there is none."""
        return self.values[:, None, None, self.slots[name]] if name in self.slots else None

    def run(
        self,
        u: torch.Tensor,
        dt: torch.Tensor | None,
        slopes: Callable[[slice, torch.Tensor], torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, dict[int, torch.Tensor]]:
        """The outputs (S, B, T, outputs) for inputs (S, B, T, m) and dt (S, B, T) in ms, None: 1; and the
        states (B, T, n) of every network that has left the finite numbers, by its place in this part.

        slopes: None, or what gives the derivative of the losses of some networks, a slice of these, by their
        outputs; then the slopes of all parameters are filled.
        """
        from ..kernels.call import Call, aligned, lent  # needs numba

        first, kept = self.nets[0], slopes is not None
        by_raw = self._list(kept)
        options: dict[str, Any] = {"solver": SOLVERS[first.solver], "substeps": first.substeps}
        call = Call(
            self.lists,
            self.stacked,
            mapped(u, self._row_of("input_w"), self._row_of("input_b")).numpy(),
            np.ones((), self.lists.dtype) if dt is None else dt.numpy(),
            threads=torch.get_num_threads(),
            **options,
        )
        tiles, *of_tile = call.states_shape(substeps=kept)
        rows = in_pieces(len(self.nets), tiles * math.prod(of_tile) * self.lists.itemsize)
        (room,) = aligned((self.lists.dtype, (rows[0].stop * call.each, *of_tile)), make=lent)
        x0, motor = np.zeros((*u.shape[:2], first.n), self.lists.dtype), np.array(first._motor.values)
        w, b = self._row_of("output_w"), self._row_of("output_b")
        x = u.new_empty(*u.shape[:3], len(motor))
        y, by_y = torch.empty_like(x), torch.empty_like(x)
        left: dict[int, torch.Tensor] = {}
        sums = call.sums() if kept else []
        for row in rows:
            states = room[: (row.stop - row.start) * call.each]
            x[row] = torch.from_numpy(call.forward(x0[row], states, motor, row.start))
            w_row, b_row = (None if each is None else each[row] for each in (w, b))
            y[row] = mapped(x[row], w_row, b_row)
            if slopes is not None:
                by_y[row] = slopes(row, y[row])
                call.add(sums, mapped(by_y[row], w_row, None).numpy(), states, motor, row.start)
            if not np.isfinite(states[:, -1].sum()):
                for k, states_k in enumerate(call.trajectory(states), row.start):
                    if not np.isfinite(states_k[:, -1]).all():
                        left[k] = torch.from_numpy(states_k)
        if by_raw is not None:
            by_u, _, by_lists = call.found(sums)
            by_lists, flat = by_lists.reshape(-1), self.slopes.numpy().reshape(-1)
            flat[self.raw] = by_lists[self.raw_list] * by_raw
            flat[self.rest] = by_lists[self.rest_list]
            self._outer("input", torch.from_numpy(by_u), u)
            self._outer("output", by_y, x)
        return y, left

    def _list(self, kept: bool) -> np.ndarray | None:
        """Fill ``lists`` with the numbers of now. kept: return the derivatives of those that are never below
        0 by the raw numbers behind them, in the order of these.
        """
        flat = self.values.numpy().reshape(-1)
        raw = torch.from_numpy(flat[self.raw])
        above, by_raw = torch.empty_like(raw), torch.empty_like(raw)
        for net, start, stop in zip(self.nets, self.ends[:-1], self.ends[1:], strict=True):
            # one network after the other: the bits of exp depend on where in a vector a number stands
            above[start:stop] = net.positive(raw[start:stop])
            if kept:
                by_raw[start:stop] = net.slope(raw[start:stop])
        lists = self.lists.reshape(-1)
        lists[self.raw_list], lists[self.rest_list] = above.numpy(), flat[self.rest]
        return by_raw.numpy() if kept else None

    def _outer(self, name: str, by: torch.Tensor, values: torch.Tensor) -> None:
        """The slopes of a map's weight and bias from the derivative by what it gave."""
        total = lambda each: each.sum((1, 2))
        if f"{name}_w" in self.slots:
            self.slopes[:, self.slots[f"{name}_w"]] = by_network(total, by * values)
        if f"{name}_b" in self.slots:
            self.slopes[:, self.slots[f"{name}_b"]] = by_network(total, by)
