"""What models are made of: parameters with NumPy's numbers, and linear layers that torch's own tools can
act on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


Kind = TypeVar("Kind", bound=nn.Linear)


def parameter(values: ArrayLike) -> nn.Parameter:
    """A Parameter of torch's default dtype with these values (drawn in float64), same shape."""
    return nn.Parameter(torch.as_tensor(np.asarray(values), dtype=torch.get_default_dtype()))


def hold(module: nn.Module, name: str, values: ArrayLike) -> None:
    """Register values as a parameter of a module; empty ones as a buffer: they would wait for a gradient in
    vain, and ``DistributedDataParallel`` with them.
    """
    values = parameter(values)
    if values.numel():
        module.register_parameter(name, values)
    else:
        module.register_buffer(name, values.detach())


class Layer(nn.Linear):
    """A linear layer whose weights are read once for a whole sequence and that is still called in every
    step, so that hooks hear it. A class of its own: ``torch.ao.quantization.quantize_dynamic`` leaves it
    as it is.
    """

    def forward(
        self, z: torch.Tensor, weight: torch.Tensor | None = None, bias: torch.Tensor | Any = None
    ) -> torch.Tensor:
        """z weight^T + bias, (..., targets), with its own weights or such as were made of ``read()``."""
        weight, bias = (self.weight, self.bias) if weight is None else (weight, bias)
        return z @ weight.T + bias

    def read(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight (targets, sources) and bias (targets,) of now, as the next call would have them."""
        for hook in self._forward_pre_hooks.values():
            # prune, weight_norm: they set the weight anew
            if type(hook).__module__.startswith("torch.nn.utils."):
                hook(self, None)
        return self.weight, self.bias


def autocasts(kind: str) -> bool:
    """Whether ``torch.autocast`` is on for this type of device."""
    return kind != "meta" and torch.is_autocast_enabled(kind)


def linear(sources: int, targets: int, rng: np.random.Generator) -> nn.Linear:
    """nn.Linear with weights and biases U(-k, k), k = 1 / sqrt(sources), drawn from rng alone."""
    return drawn(nn.Linear, sources, targets, rng)


def drawn(kind: type[Kind], sources: int, targets: int, rng: np.random.Generator) -> Kind:
    """``linear``, of a class of its own."""
    layer = nn.utils.skip_init(kind, sources, targets)
    k = 1 / np.sqrt(max(sources, 1))
    layer.weight = parameter(rng.uniform(-k, k, (targets, sources)))
    layer.bias = parameter(rng.uniform(-k, k, targets))
    return layer


def inverse_softplus(values: ArrayLike) -> np.ndarray:
    """raw with softplus(raw) = values, same shape, float64 NumPy; at least 1e-6: softplus is never 0."""
    above = np.maximum(np.asarray(values, float), 1e-6)
    return above + np.log(-np.expm1(-above))
