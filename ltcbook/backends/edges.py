"""The reference's steps on the synapses alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .reference import Reference

if TYPE_CHECKING:
    from ..dynamics import EdgeLTC
    from .base import Call

SPARSE = 0.5  # below this share of synapses it is faster than all n^2 places


class Edges(Reference):
    """``dynamics.EdgeLTC`` in place of the full matrices: worth it where few of the places hold a synapse."""

    name = "edges"
    kept = 2.75  # a test counts what autograd saves and holds this to 10 %
    once_per_input = True

    def refusal(self, call: Call) -> str | None:
        if not call.network.listed:
            return "its cell has no wiring, so there are no synapses to list"
        from ..kernels import autograd

        return autograd.looked_into((call.u, call.x0, call.dt, *call.network.tensors))

    def offers(self, call: Call) -> bool:
        if self.refusal(call):
            return False
        patterns = call.network.patterns
        synapses = sum(len(pattern.place) for pattern in patterns)
        return synapses < SPARSE * sum(pattern.polarity.size for pattern in patterns)

    def cell(self, network: Any) -> EdgeLTC:
        return network.edges
