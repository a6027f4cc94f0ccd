"""The kernels that numba compiles, for NumPy arrays and for torch tensors on a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import kernels
from .base import Backend

if TYPE_CHECKING:
    from ..kernels.autograd import Maps
    from .base import Call

LONG = 20_000  # substeps from which "auto" compiles for a NumPy cell: the reference would take seconds


class Compiled(Backend):
    """``ltcbook.kernels``: a whole sequence in one call of machine code; the fastest on a CPU."""

    name = "numba"

    def refusal(self, call: Call) -> str | None:
        return self._limit(call) or kernels.without_compiler()

    def offers(self, call: Call) -> bool:
        if not call.network.tensors and call.steps * call.substeps < LONG or self._limit(call):
            return False
        problem = kernels.without_compiler()
        if problem:
            kernels.warn_once(problem)
        return problem is None

    def _limit(self, call: Call) -> str | None:
        """``refusal``, wherever numba compiles."""
        network = call.network
        if network.tensors:
            from ..kernels import autograd

            return autograd.refusal((call.u, call.x0, call.dt, *network.tensors), call.dt, call.solver)
        if network.fields is None:
            return "it moves one dynamics.LTC, without batch axes"
        arrays = [a for a in (call.x0, call.u, call.dt, *network.fields.values()) if a is not None]
        if not all(isinstance(a, np.ndarray) and a.dtype == call.x0.dtype for a in arrays):
            return "it computes on NumPy arrays of one dtype (torch: models.LTCNet)"
        return kernels.unknown(call.solver, call.x0.dtype)

    def how(self, call: Call) -> dict[str, Any]:
        """More that the kernels are told about a call."""
        return {}

    def run(self, call: Call) -> Any:
        if call.network.tensors:
            return self._on_tensors(call)[1]
        from ..kernels.call import trajectory as compiled

        x = compiled(*self._given(call), **self._options(call))
        return x if call.still is None else _held(x, call.x0, call.still)

    def answered(self, call: Call) -> tuple[Any, Any]:
        maps = call.network.maps
        return super().answered(call) if maps is None else self._on_tensors(call, maps)

    def _on_tensors(self, call: Call, maps: Maps | None = None) -> tuple[Any, Any]:
        """Outputs, or None without maps, and states of a network of torch tensors."""
        from ..kernels.autograd import trajectory

        options = {"positive": call.network.positive, "maps": maps} | self._options(call)
        return trajectory(*self._given(call), **options)

    def _given(self, call: Call) -> tuple[Any, ...]:
        return call.network.fields, call.network.patterns, call.u, call.x0, call.dt

    def _options(self, call: Call) -> dict[str, Any]:
        return {"solver": call.solver, "substeps": call.substeps, **self.how(call)}


def _held(x: np.ndarray, x0: np.ndarray, still: np.ndarray) -> np.ndarray:
    """The trajectory x (..., T, n) with the state before in place of every one after a step that stands
    still.
    """
    steps = np.arange(1, x.shape[-2] + 1)
    last = np.broadcast_to(np.maximum.accumulate(np.where(still, 0, steps), -1), x.shape[:-1])
    before = np.broadcast_to(x0, (*x.shape[:-2], x.shape[-1]))[..., None, :]
    return np.take_along_axis(np.concatenate([before, x], -2), last[..., None], -2)
