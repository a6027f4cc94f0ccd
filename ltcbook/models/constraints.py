"""Weights whose constraints hold by construction: masks, signs, plasticity; and the checks of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from ..validation import brief
from .layers import hold, inverse_softplus

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike


class Weight(nn.Module):
    """A weight matrix [target, source] whose constraints hold by construction; called, it gives its values.

    mask: (target, source) with 0 where no synapse may be, else 1 (or the sign -1/+1 when signed); None: all
    may be.
    signed: value = mask * softplus(raw), so a weight can never leave its sign (Dale's law when signs are
    columns).
    plastic: (target, source) in [0, 1]: raw = start + plastic (learned - start), so 0 never learns, whatever
    the optimiser. Starts at U(-k, k) (signed: its absolute value), k = 1 / sqrt(fan-in of the target).
    Raises ValueError for a mask or a plasticity of another shape or with other values.
    """

    raw: torch.Tensor
    mask: torch.Tensor | None
    plastic: torch.Tensor | None
    start: torch.Tensor

    def __init__(
        self,
        name: str,
        shape: tuple[int, int],
        rng: np.random.Generator,
        *,
        mask: ArrayLike | None = None,
        signed: bool = False,
        plastic: ArrayLike | None = None,
    ) -> None:
        super().__init__()
        if mask is not None:
            mask = matrix(f"the {name} mask", mask, shape, "-1, 0 and +1", lambda v: np.isin(v, (-1, 0, 1)))
        self.signed = bool(signed) or (mask is not None and bool((mask < 0).any()))
        fan_in = np.full(shape[0], shape[1]) if mask is None else (mask != 0).sum(1)
        k = (1 / np.sqrt(np.maximum(fan_in, 1)))[:, None]
        start = rng.uniform(-k, k, shape)
        hold(self, "raw", inverse_softplus(np.abs(start)) if self.signed else start)
        self.register_buffer("mask", None if mask is None else torch.tensor(mask, dtype=torch.int8))
        if plastic is not None:
            plastic = matrix(
                f"the {name} plasticity", plastic, shape, "shares in [0, 1]", lambda v: (v >= 0) & (v <= 1)
            )
            plastic = torch.tensor(plastic, dtype=self.raw.dtype)
        self.register_buffer("plastic", plastic)
        self.register_buffer("start", None if plastic is None else self.raw.detach().clone())

    def forward(self) -> torch.Tensor:
        """Effective weights (target, source)."""
        raw = self.raw if self.plastic is None else torch.lerp(self.start, self.raw, self.plastic)
        w = nn.functional.softplus(raw) if self.signed else raw
        return w if self.mask is None else w * self.mask

    if TYPE_CHECKING:
        __call__ = forward


@torch.no_grad()
def write(module: Any, values: dict[str, torch.Tensor]) -> dict[str, list[str]]:
    """Give parameters of a module new values, {name: tensor of the same shape}, all of them or none.

    A parameter that torch parametrises (``torch.nn.utils.parametrize``) is written through the right
    inverses. Returns {name: names of the parameters of that shape that hold it now}. Raises ValueError where
    it cannot hold the new values, or where something writes over it before every call.
    """
    holders = {}
    for name, value in values.items():
        if parametrize.is_parametrized(module, name):
            own = module.parametrizations[name].named_parameters(f"parametrizations.{name}")
            holders[name] = [where for where, p in own if p.shape == value.shape]
        elif name in module._parameters:
            holders[name] = [name]
        else:
            raise ValueError(
                f"{name} is no parameter now: something makes it anew before every call, as "
                "torch.nn.utils.prune and the old weight_norm do. Make it one again, e.g. by "
                f"prune.remove(net, {name!r}) or remove_weight_norm(net, {name!r}). Nothing was changed."
            )
    through = [name for name in values if holders[name] != [name]]
    kept = [
        (t, t.clone())
        for name in through
        for part in [module.parametrizations[name]]
        for t in (*part.parameters(), *part.buffers())
    ]
    try:
        for name in through:
            setattr(module, name, values[name])
            if not torch.allclose(getattr(module, name), values[name], rtol=1e-5, atol=1e-6):
                raise ValueError("reads other values than were written")
    except (ValueError, RuntimeError, NotImplementedError) as error:
        for held, before in kept:
            held.copy_(before)
        raise ValueError(
            f"the parametrisation of {name} cannot hold the new values ({brief(str(error), 200)}): remove it "
            f"first, torch.nn.utils.parametrize.remove_parametrizations(net, {name!r}). Nothing was changed."
        ) from error
    for name in set(values) - set(through):
        module._parameters[name].copy_(values[name])
    return holders


def as_masks(name: str, given: Any) -> dict[str, Any]:
    """{"input", "hidden", "readout"} -> array, from a dict or an object with input_mask and its sisters.

    Raises ValueError for other objects and unknown keys.
    """
    keys = ("input", "hidden", "readout")
    if given is None:
        return {}
    if not isinstance(given, dict):
        if not all(hasattr(given, f"{key}_mask") for key in keys):
            raise ValueError(
                f"{name} is {type(given).__name__}; pass the result of wiring.multi_area, an object with "
                f"input_mask, hidden_mask and readout_mask, or a dict with keys among {keys}."
            )
        given = {key: getattr(given, f"{key}_mask") for key in keys}
    unknown = sorted(set(given) - set(keys))
    if unknown:
        raise ValueError(f"{name} has the unknown keys {brief(unknown)}; possible are {keys}.")
    return {key: value for key, value in given.items() if value is not None}


def matrix(
    name: str, values: ArrayLike, shape: tuple[int, int], rule: str, holds: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """A float64 array of this shape, (target, source), whose values obey the rule, or one ValueError."""
    values = np.asarray(values)
    if values.shape != shape or values.dtype.kind not in "fiub" or not holds(values).all():
        raise ValueError(
            f"{name} has shape {values.shape}; it must be {shape}, [target, source], and hold {rule}."
        )
    return values.astype(float)


def vector(
    name: str, values: ArrayLike, n: int, rule: str, holds: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """A finite float64 array, () or (n,), whose values obey the rule, or one ValueError."""
    values = np.asarray(values)
    if (
        values.shape not in ((), (n,))
        or values.dtype.kind not in "fiu"
        or not (np.isfinite(values) & holds(values)).all()
    ):
        raise ValueError(
            f"{name} is {brief(values.tolist())}; it must be one value or ({n},), and hold {rule}."
        )
    return values.astype(float)
