"""What a state dict must say beside its numbers, and what it must not contradict, before a model takes it.

>>> import torch
>>> from ltcbook.models import loading
>>> loading.read(loading.written({"constraint": "implicit"}))
{'constraint': 'implicit'}
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch

from ..validation import brief

if TYPE_CHECKING:
    from collections.abc import Mapping

EXTRA = "_extra_state"  # torch's name for what ``get_extra_state`` gives


def written(says: dict[str, Any], device: torch.device | None = None) -> torch.Tensor:
    """{name: plain value} as a tensor of bytes: what copies, saves or compares tensors takes it along."""
    return torch.tensor(list(json.dumps(says).encode()), dtype=torch.uint8, device=device)


def read(state: torch.Tensor) -> dict[str, Any]:
    """``written`` undone; ValueError for anything else."""
    try:
        return dict(json.loads(bytes(state.cpu().tolist()).decode()))
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{EXTRA} holds {brief(state)}, which says nothing about a model (leave that entry out)"
        ) from error


def differences(net: Any, says: dict[str, Any]) -> list[str]:
    """In words, where what a state dict says contradicts the model; a name that only one of them knows
    says nothing.
    """
    here = json.loads(json.dumps(net.meaning()))
    return [
        f"{name} is {brief(says[name])} there and {brief(value)} here"
        for name, value in here.items()
        if name in says and says[name] != value
    ]


def problems(net: Any, state_dict: Mapping[str, Any], prefix: str, kind: Any) -> list[str]:
    """In words, all that keeps the entries of a state dict under this prefix from being those of a model.

    kind: the class of the models that carry a meaning, among the parts of net too.
    """
    own = {prefix + name: value for name, value in net.state_dict().items() if not name.endswith(EXTRA)}
    came = {name: tuple(getattr(state_dict[name], "shape", ())) for name in own if name in state_dict}
    found = [
        f"{name} has shape {came[name]} instead of {tuple(value.shape)}"
        for name, value in own.items()
        if name in came and came[name] != tuple(value.shape)
    ]
    fit = {
        name: state_dict[name]
        for name in came
        if came[name] == tuple(own[name].shape) and not state_dict[name].is_meta
    }
    masks = {
        name: value.abs()
        for name, value in fit.items()
        if own[name].dtype == torch.int8 and value.dtype != torch.bool
    }
    found += [
        f"{name} holds other values than -1, 0 and 1"
        for name, value in masks.items()
        if not bool(((value == 0) | (value == 1)).all())
    ]
    for path, part in net.named_modules():
        here = f"{prefix}{path}." if path else prefix
        if getattr(part, "signed", True) is False and (fit.get(f"{here}mask", torch.zeros(1)) < 0).any():
            found.append(f"{here}mask holds signs, and here that weight has none")
        if not isinstance(part, kind):
            continue
        found += [
            f"{here}{name} has other values"
            for name, value in part.fixed().items()
            if here + name in fit and not (fit[here + name].cpu().numpy() == value).all()
        ]
        if here + EXTRA in state_dict:
            try:
                found += differences(part, read(state_dict[here + EXTRA]))
            except ValueError as error:
                found.append(str(error))
    return found


def strangers(net: Any, state_dict: Mapping[str, Any]) -> list[str]:
    """In words, the names that only one of the two has; what a state dict says of itself may be missing."""
    own, came = net.state_dict(), state_dict
    return [f"{name} is missing" for name in own if name not in came and not name.endswith(EXTRA)] + [
        f"{name} is unknown here" for name in came if name not in own
    ]


def refuse(net: Any, found: list[str], prefix: str = "") -> None:
    """One ValueError for problems, if there are any."""
    if found:
        more = f" and {len(found) - 4} more" if len(found) > 4 else ""
        raise ValueError(
            f"this state dict belongs to another model than {type(net).__name__}: "
            f"{'; '.join(found[:4])}{more}. Nothing was loaded{f' into {prefix[:-1]}' if prefix else ''}."
        )
