"""The kernels that Triton compiles for a GPU: one launch for a whole sequence."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..validation import brief
from .base import Backend

if TYPE_CHECKING:
    import torch

    from .base import Call

OLDEST = (8, 0)  # the oldest compute capability for which a test compiles them


class Triton(Backend):
    """``ltcbook.kernels.triton_call``: one launch for a whole sequence, and one for all its derivatives."""

    name = "triton"

    def refusal(self, call: Call) -> str | None:
        if not call.network.tensors:
            return "it moves the tensors of a network (models.LTCNet)"
        from ..kernels import autograd

        tensors = (call.u, call.x0, call.dt, *call.network.tensors)
        device = call.x0.device
        if problem := without(device) or autograd.refusal(tensors, call.dt, call.solver, device):
            return problem
        most = 2 * call.steps * call.substeps * max(call.x0.shape[-1], call.u.shape[-1])
        return (
            None if most < 2**31 else "it counts what a sample needs in 32 bits, and this would be too much"
        )

    def offers(self, call: Call) -> bool:
        return len(call.network.tensors) > 0 and call.x0.device.type == "cuda" and self.refusal(call) is None

    def run(self, call: Call) -> torch.Tensor:
        from ..kernels.triton_call import trajectory

        network = call.network
        given = network.fields, network.patterns, call.u, call.x0, call.dt
        return trajectory(*given, solver=call.solver, substeps=call.substeps, positive=network.positive)

    def needed(self, call: Call) -> float:
        from ..kernels.triton_call import needed

        return needed(call.network.patterns, call.x0, call.steps, call.substeps)


@cache
def without(device: torch.device) -> str | None:
    """Why Triton computes nothing on a torch device, in words; None: it does. It is loaded to be asked."""
    if device.type != "cuda":
        return None if device.type == "cpu" and _interpreted() else f"it computes on a GPU, not on {device}"
    if not find_spec("triton"):
        return "the package triton is not installed (pip install triton)"
    import torch

    if torch.version.cuda is None:
        return "it computes on GPUs of NVIDIA alone"
    try:
        if (has := torch.cuda.get_device_capability(device)) < OLDEST:
            return (
                f"{device} has compute capability {has[0]}.{has[1]}; it needs {OLDEST[0]}.{OLDEST[1]} or more"
            )
        import triton

        triton.runtime.driver.active.get_current_target()
    except Exception as error:  # a driver that is too old, or no compiler for C
        return f"the package triton does not work here ({type(error).__name__}: {brief(str(error), 200)})"
    return None


def _interpreted() -> bool:
    """Whether Triton's interpreter stands in for a GPU."""
    if os.environ.get("TRITON_INTERPRET") != "1" or not find_spec("triton"):
        return False
    from ..kernels.triton_call import interpreted

    return interpreted()
