"""All times at once, for long sequences on a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..solvers import SOLVERS
from .edges import Edges

if TYPE_CHECKING:
    import torch

    from .base import Call


class Parallel(Edges):
    """The sweeps of ``kernels.parallel`` over the synapses; step by step where they do not settle."""

    name = "parallel"
    kept = 2.7  # a test counts what autograd saves and holds this to 10 %

    def refusal(self, call: Call) -> str | None:
        if problem := super().refusal(call):
            return problem
        if call.solver.affine is None:
            known = ", ".join(name for name, solver in SOLVERS.items() if solver.affine)
            return f"it has no solver {call.solver.name!r}, only {known}"
        return "it has no derivative by dt" if call.dt.requires_grad else None

    def run(self, call: Call) -> torch.Tensor:
        from ..kernels import parallel

        return parallel.trajectory(
            self.cell(call.network),
            call.u if call.u.shape[-1] else None,
            call.x0,
            call.dt,
            solver=call.solver,
            substeps=call.substeps,
            sequential=lambda *part: self.stepwise(call, *part),
        )
