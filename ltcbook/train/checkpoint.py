"""Checkpoints of plain containers and tensors, which torch.load reads without running any code from the
file.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..validation import brief

if TYPE_CHECKING:
    from collections.abc import Iterable


def save(path: str | Path, state: dict[str, Any]) -> None:
    """Write a state beside the old file and put it in its place in one step: a kill leaves one of them,
    whole.

    Raises ValueError, and leaves the old file, for a value that is not plain: None, a number, a string, an
    array or tensor of any shape, a list, tuple or dict of these.
    """
    temporary = Path(path).with_name(Path(path).name + ".new")
    torch.save(_plain(state), temporary)
    os.replace(temporary, path)


def read(path: str | Path, run: dict[str, Any], model: Any) -> dict[str, Any]:
    """The state of a checkpoint that belongs to this run and model, on the CPU.

    run: what must be equal, {name: plain value}. Raises ValueError for a file that is no checkpoint, or
    belongs to another model, version, data set, wiring or run; nothing is changed then.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        saved, start, weights = state["run"], state["start"], state["weights"]
    except Exception as error:
        raise ValueError(f"{path} is no checkpoint of ltcbook.train ({type(error).__name__}).") from error
    run = _plain(run)
    different = [
        f"{key} {brief(saved.get(key))} there, {brief(run.get(key))} here"
        for key in run | saved
        if saved.get(key) != run.get(key)
    ]
    if different:
        raise ValueError(
            f"{path} belongs to another run: {'; '.join(different)}. Nothing was loaded; remove the file to "
            "start anew, or take another."
        )
    here = synapses(model)
    if not any(
        _equal(here, there) for there in (start, [weights.get(name) for name in ("polarity", "polarity_in")])
    ):
        raise ValueError(
            f"{path} belongs to a run on another wiring than {model.wiring}. Nothing was loaded."
        )
    return state


def synapses(model: Any) -> list[Any]:
    """The signed masks of a model's wiring, [(n, n), (n, m)] tensors, or [None, None] without a wiring."""
    wiring = getattr(model, "wiring", None)
    return (
        [None, None]
        if wiring is None
        else [torch.from_numpy(np.array(p)) for p in (wiring.polarity, wiring.polarity_in)]
    )


def options_of(model: torch.nn.Module) -> dict[str, Any]:
    """The plain attributes of a model and its parts (sizes, solver, ...), which no state dict holds:
    {name: value}.
    """
    return {
        ".".join(filter(None, ("model", path, name))): value
        for path, part in model.named_modules()
        for name, value in vars(part).items()
        if not name.startswith("_")
        and name != "training"
        and isinstance(value, (bool, int, float, str, tuple, type(None)))
    }


def fingerprint(data: Iterable[torch.Tensor] | None) -> int:
    """A number that tells data sets apart: CRC-32 over shapes and values of tensors of any shape."""
    value = 0
    for part in data or ():
        content = part.cpu().contiguous().reshape(-1).view(torch.uint8)  # NumPy lacks some of torch's types
        value = zlib.crc32(content.numpy().tobytes(), zlib.crc32(repr(tuple(part.shape)).encode(), value))
    return value


def arrays(value: Any) -> Any:
    """A copy of a nest of lists and dicts: tensors of any shape as NumPy arrays, NumPy's numbers as Python's.

    bfloat16, which NumPy lacks, becomes float32: every value stays what it was.
    """
    if isinstance(value, dict):
        return {key: arrays(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(arrays, value))
    if torch.is_tensor(value):
        value = value.detach().cpu()
        return (value.float() if value.dtype == torch.bfloat16 else value).numpy().copy()
    return (
        value.copy()
        if isinstance(value, np.ndarray)
        else value.item()
        if isinstance(value, np.generic)
        else value
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        return torch.from_numpy(value.copy())
    if torch.is_tensor(value):
        value = value.detach().cpu()
        whole = value.untyped_storage().nbytes() == value.nbytes  # else torch would save the neighbours too
        return value if whole else value.clone()
    if value is None or isinstance(value, (bool, int, float, complex, str)):
        return value
    raise ValueError(
        f"a checkpoint keeps numbers, strings, arrays, lists and dicts of these; not {type(value).__name__}. "
        "Let the callback, the optimizer and the scheduler keep such values."
    )


def _equal(here: list, there: list) -> bool:
    return all(
        a is b is None or (torch.is_tensor(a) and torch.is_tensor(b) and torch.equal(a, b))
        for a, b in zip(here, there, strict=True)
    )
