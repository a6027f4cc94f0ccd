"""An ``LTCNet`` as the backends see it in one call: its parameters, and the synapses that its masks list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import dynamics
from ..kernels.autograd import Positive
from ..kernels.sparse import FIELDS, GATES, POSITIVE, SparsePattern

if TYPE_CHECKING:
    import torch

    from ..kernels.autograd import Maps
    from .ltc import LTCNet


class Circuit:
    """What ``backends.Cell`` describes, of a network's parameters of now; each part is made on demand."""

    listed = True

    def __init__(self, net: LTCNet) -> None:
        self.net, self.tensors = net, _parameters(net)
        self._cell: dynamics.LTC[torch.Tensor] | None = None
        self._edges: dynamics.EdgeLTC[torch.Tensor] | None = None

    @property
    def cell(self) -> dynamics.LTC[torch.Tensor]:
        """The ``dynamics.LTC`` with all n^2 places."""
        if self._cell is None:
            self._cell = self.net.cell()
        return self._cell

    @property
    def fields(self) -> dict[str, torch.Tensor]:
        """Field of ``dynamics.LTC`` -> the parameter that holds or stands for it."""
        return {name: getattr(self.net, self.net.parameter_of(name)) for name in FIELDS}

    @property
    def patterns(self) -> tuple[SparsePattern, ...]:
        """``SparsePattern`` of both masks, listed anew only when a mask has changed."""
        masks = self.net.polarity, self.net.polarity_in
        kept = self.net._patterns
        if kept is None or not all(map(_same, masks, *zip(*kept, strict=True))):
            kept = [((mask, _version(mask)), SparsePattern(mask.cpu().numpy())) for mask in masks]
            self.net._patterns = kept
        return tuple(pattern for _, pattern in kept)

    @property
    def positive(self) -> Positive:
        """What turns raw numbers into values >= 0."""
        from .ltc import LTCNet

        net, own = self.net, (LTCNet.positive, LTCNet.slope)
        plain = (getattr(net.positive, "__func__", None), getattr(net.slope, "__func__", None)) == own
        return Positive(net.positive, net.slope, net.constraint if plain else None)

    @property
    def maps(self) -> Maps | None:
        """What the network does to its inputs and to its states, or None where a subclass says it."""
        return self.net.maps()

    def map_input(self, u: torch.Tensor) -> torch.Tensor:
        """What the sensory neurons hear, (..., m)."""
        return self.net.map_input(u)

    def readout(self, x: torch.Tensor) -> torch.Tensor:
        """The outputs (..., outputs) of states x (..., n)."""
        return self.net.readout(x)

    @property
    def edges(self) -> dynamics.EdgeLTC[torch.Tensor]:
        """The ``dynamics.EdgeLTC``: every field of a synapse is read where one is, and only there."""
        if self._edges is None:
            self._edges = self._listed()
        return self._edges

    def _listed(self) -> dynamics.EdgeLTC[torch.Tensor]:
        values = self.fields
        places: dict[str, torch.Tensor] = {}
        for end, pattern in zip(("", "_in"), self.patterns, strict=True):
            place, target, source = pattern.tensors(self.net.raw_w.device)
            places |= {"target" + end: target, "source" + end: source}
            values |= {name + end: values[name + end].flatten().index_select(0, place) for name in GATES}
        values |= {name: self.net.positive(values[name]) for name in POSITIVE}
        return dynamics.EdgeLTC(m=self.net.m, **values, **places)


class StandIn:
    """The same of another ``dynamics.LTC`` that a network moves for a while, with a synapse anywhere."""

    listed, positive = False, None

    def __init__(self, net: LTCNet, cell: dynamics.LTC[torch.Tensor]) -> None:
        self.tensors, self.cell = _parameters(net), cell
        self.fields = {name: getattr(cell, name) for name in FIELDS}
        self.patterns = tuple(
            SparsePattern(np.ones(m.shape, np.int8)) for m in (net.polarity, net.polarity_in)
        )


def _parameters(net: LTCNet) -> tuple[torch.Tensor, ...]:
    """All parameters, those of a memory too."""
    if net.memory is not None:
        return tuple(net.parameters())
    return tuple(p for p in net._parameters.values() if p is not None)


def _same(mask: torch.Tensor, stamp: tuple[torch.Tensor, int | None], pattern: SparsePattern) -> bool:
    """Whether a mask is still the listed one: by its values on a CPU; elsewhere, where looking is dear, by
    torch's count.
    """
    if mask.device.type == "cpu" or mask.is_inference():
        return bool((mask.cpu().numpy() == pattern.polarity).all())
    return mask is stamp[0] and _version(mask) == stamp[1]


def _version(mask: torch.Tensor) -> int | None:
    """How often a tensor was changed in place, as torch counts; None where it does not: made in
    ``torch.inference_mode``.
    """
    return None if mask.is_inference() else mask._version
