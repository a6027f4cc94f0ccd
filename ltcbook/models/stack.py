"""LTC networks of one size as a stack: their parameters in one array, one call of the kernels for them all.

What autograd would do for one network stands here in plain lines for all of them, with the same bits.
"""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..kernels.autograd import flat
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
        self.values, self.slopes = stack.values[row].numpy(), stack.slopes[row].numpy()
        self.slots = stack.slots
        # where a map's weights and biases begin; -1: it has none
        begin = {name: slot.start for name, slot in self.slots.items()}
        self.input, self.output = (
            [begin.get(f"{end}_{what}", -1) for what in "wb"] for end in ("input", "output")
        )
        self.implicit, self.one = self.nets[0].constraint == "implicit", np.ones((), self.values.dtype)
        self.way: tuple[str, int] | None = None
        self.patterns: list[tuple[SparsePattern, ...]] = []
        self.rooms: dict[tuple, Room] = {}  # few: two sizes of batches, and the data of validation

    def listed(self) -> None:
        """List the synapses anew where a mask has changed: where each number of the kernels' lists stands
        among the parameters.
        """
        patterns = [Circuit(net).patterns for net in self.nets]
        if [list(map(id, pair)) for pair in patterns] == [list(map(id, pair)) for pair in self.patterns]:
            return
        self.patterns, first = patterns, self.nets[0]
        between, heard = zip(*patterns, strict=True)
        self.stacked = StackedPattern(between), StackedPattern(heard)
        where = columns(*self.stacked)
        self.raw = where[POSITIVE[-1]].stop
        self.place = np.full((len(self.nets), where[ORDER[-1]].stop), -1)
        for k, pair in enumerate(patterns):
            for name, column in where.items():
                place = pair[MATRICES[name]].place if name in MATRICES else np.arange(first.n)
                if len(place):
                    begin = self.slots[first.parameter_of(name)].start
                    self.place[k, column.start : column.start + len(place)] = begin + place
        self.numbers = np.zeros(self.place.shape, self.values.dtype)
        self.by_raw = np.zeros((len(self.nets), self.raw), self.values.dtype)
        self.rooms.clear()
        self.slopes[:] = 0

    def run(
        self,
        u: torch.Tensor,
        dt: torch.Tensor | None,
        judge: Callable[[slice, torch.Tensor, torch.Tensor | None], list[float]],
        kept: bool,
    ) -> tuple[list[float], dict[int, torch.Tensor]]:
        """The losses of all networks for inputs (S, B, T, m) and dt (S, B, T) in ms, None: 1; and the states
        (B, T, n) of every network that has left the finite numbers, by its place in this part.

        judge: gives the losses of some networks, a slice of these, by their outputs (S, B, T, outputs), and
        fills a tensor, or None, with their derivatives by these. kept: fill the slopes of all parameters.
        """
        heard, steps = u.numpy(), self.one if dt is None else dt.numpy()
        room = self._room(heard, steps, kept)
        room.listed(self.values, self.place, self.raw, self.implicit, self.numbers, self.by_raw)
        w, b = self.input
        room.mapped(flat(heard), self.values, w, self.values, b, flat(room.u))
        call = room.call.renewed(self.numbers, room.u, steps, torch.get_num_threads())
        for total in room.sums:
            total.fill(0)
        losses: list[float] = []
        left: dict[int, torch.Tensor] = {}
        memory, (w, b) = room.states(), self.output
        for row, values, x, y, by_x, by_y in room.pieces:
            states = memory[: (row.stop - row.start) * call.each]
            call.forward(None, states, room.motor, row.start, x)
            room.mapped(flat(x), values, w, values, b, flat(y))
            losses += judge(row, torch.from_numpy(y), torch.from_numpy(by_y) if kept else None)
            if kept:
                room.mapped(flat(by_y), values, w, values, -1, flat(by_x))
                call.add(room.sums, by_x, states, room.motor, row.start, room.tiles[: len(states)])
            if not call.finite(states):
                for k, states_k in enumerate(call.trajectory(states), row.start):
                    if not np.isfinite(states_k[:, -1]).all():
                        left[k] = torch.from_numpy(states_k)
        if kept:
            by_numbers = call.by_numbers(room.sums)
            room.unlisted(by_numbers, self.place, self.raw, self.by_raw, self.slopes)
            room.summed(flat(call.by_inputs(room.sums, room.u)), flat(heard), *self.input, self.slopes)
            room.summed(flat(room.by_y), flat(room.x), *self.output, self.slopes)
        return losses, left

    def _room(self, u: np.ndarray, dt: np.ndarray, kept: bool) -> Room:
        """The ``Room`` for such inputs, and for the way in which the networks are solved now."""
        way = self.nets[0].solver, self.nets[0].substeps
        if way != self.way:
            self.way = way
            self.rooms.clear()
        key = u.shape, dt.ndim, kept
        if key not in self.rooms:
            self.rooms[key] = Room(self, u, dt, kept)
        return self.rooms[key]


class Room:
    """What a part needs in every run on inputs of one shape, u (S, B, T, m) and dt in ms, and need not make
    again: a ``Call``, arrays, and the ``pieces`` of networks whose states are at hand together, each (slice
    of the part, parameters, states of motor neurons, outputs, derivatives by these and by those). kept:
    whether it goes backwards, too.
    """

    def __init__(self, part: Part, u: np.ndarray, dt: np.ndarray, kept: bool) -> None:
        from ..kernels.call import KINDS, Call, aligned, maps_for, tables_for  # needs numba

        net = part.nets[0]
        self.mapped, self.summed = maps_for(KINDS[u.dtype])
        _, _, self.listed, self.unlisted = tables_for(KINDS[u.dtype])
        self.motor = np.array(net._motor.values, np.int64)
        options: dict[str, Any] = {"solver": SOLVERS[net.solver], "substeps": net.substeps}
        self.call = Call(part.numbers, part.stacked, u, dt, **options)
        tiles, *of_tile = self.call.states_shape(substeps=kept)
        rows = in_pieces(len(part.nets), tiles * math.prod(of_tile) * u.itemsize)
        self.kind = u.dtype, (rows[0].stop * self.call.each, *of_tile)
        self.own = self._memory() if math.prod(self.kind[1]) * u.itemsize <= ROOM else None
        shape = (*u.shape[:3], len(self.motor))
        self.u, self.x, y, by_x, self.by_y = aligned((u.dtype, u.shape), *[(u.dtype, shape)] * 4)
        self.sums = self.call.sums() if kept else []
        self.tiles = self.call.room_for(by_x[rows[0]])
        each = part.values, self.x, y, by_x, self.by_y
        self.pieces: list[Any] = [(row, *(array[row] for array in each)) for row in rows]

    def states(self) -> np.ndarray:
        """An array for the states of the largest piece: its own, or lent where this would be much."""
        return self._memory() if self.own is None else self.own

    def _memory(self) -> np.ndarray:
        from ..kernels.call import aligned, lent

        return aligned(self.kind, make=lent)[0]
