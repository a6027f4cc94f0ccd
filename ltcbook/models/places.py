"""Places in a state, for models that read it by index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable


class Places:
    """Whole numbers (k,), and the index tensor of them on any device. No buffer: an average of models, or
    ``to_empty``, would make other places of them.
    """

    def __init__(self, values: Iterable[int]) -> None:
        self.values = tuple(map(int, values))
        self.carried: dict[torch.device, torch.Tensor] = {}

    def __len__(self) -> int:
        return len(self.values)

    def __getstate__(self) -> dict[str, Any]:
        return {"values": self.values, "carried": {}}

    def on(self, device: torch.device) -> torch.Tensor:
        """The index tensor (k,) on a torch device; carried there once."""
        if torch.compiler.is_compiling():
            return torch.tensor(self.values, dtype=torch.int64, device=device)
        if device not in self.carried:
            with torch.inference_mode(False):  # else training after an evaluation could not keep it
                index = torch.tensor(self.values, dtype=torch.int64, device=device)
            if torch._C._functorch.is_functorch_wrapped_tensor(index):
                return index  # vmap and torch.func wrap what is made inside them
            self.carried[device] = index
        return self.carried[device]
