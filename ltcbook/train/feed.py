"""Where batches come from: tensors in an order of the run's own, or a DataLoader in the order of its
sampler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from . import checkpoint as checkpoints
from .data import check_loss, check_model, checked_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .data import Data, Loss

BATCH = 32  # sequences, where nobody says


class Feed:
    """The checked data of a run, and its batches, epoch after epoch.

    data: as in ``fit``. batch_size: of tensors; a DataLoader has its own. Raises ValueError as
    ``checked_data`` does, of a DataLoader's batches when they come.
    """

    def __init__(
        self, name: str, data: Data, model: torch.nn.Module, loss: Loss, batch_size: int | None = None
    ) -> None:
        self.name, self.model, self.loss, self.batch_size = name, model, loss, batch_size
        self.loader: Any = data if isinstance(data, DataLoader) else None
        if self.loader is None:
            self.data = checked_data(name, data, model, loss)
            return
        check_model(model)
        check_loss(loss)
        if batch_size is not None:
            raise ValueError(
                f"batch_size is {batch_size}, but {name} is a DataLoader, which has a batch_size of its own."
            )

    @property
    def count(self) -> int | None:
        """Number of batches per epoch; None for a DataLoader that does not know."""
        if self.loader is None:
            return -(-len(self.data[0]) // (self.batch_size or BATCH))
        try:
            return len(self.loader)
        except TypeError:  # of an IterableDataset
            return None

    def batches(self, rng: np.random.Generator, device: torch.device) -> Iterator[list[torch.Tensor]]:
        """The batches of one epoch on a device, each a list of tensors; rng: orders those of tensors."""
        if self.loader is not None:
            yield from self.parts(device)
            return
        (data,) = self.parts(device)
        for index in np.array_split(rng.permutation(len(data[0])), self.count or 1):
            yield [part[index] for part in data]

    def parts(self, device: torch.device) -> Iterator[list[torch.Tensor]]:
        """All data on a device, batch after batch of a DataLoader, tensors in one."""
        if self.loader is None:
            self.data = [part.to(device) for part in self.data]
            yield self.data
            return
        for batch in self.loaded():
            yield [part.to(device) for part in batch]

    def loaded(self) -> Iterator[list[torch.Tensor]]:
        """The checked batches of a DataLoader; ValueError where it brings none."""
        batch = None
        for batch in self.loader:
            yield checked_data(self.name, batch, self.model, self.loss)
        if batch is None:
            raise ValueError(f"{self.name} is a DataLoader without any batch.")

    @property
    def mark(self) -> int | str:
        """What tells these data from others: a number of all values; of a DataLoader what can be told
        without running it.
        """
        if self.loader is None:
            return checkpoints.fingerprint(self.data)
        dataset = self.loader.dataset
        size = len(dataset) if hasattr(dataset, "__len__") else None
        values = checkpoints.fingerprint(dataset.tensors) if isinstance(dataset, TensorDataset) else None
        return (
            f"{type(dataset).__name__} {size} {values}, batches of {self.loader.batch_size}, "
            f"{len(self.generators)} generators"
        )

    @property
    def generators(self) -> list[torch.Generator]:
        """The generators of a DataLoader, which its samplers draw from, each once."""
        batches = getattr(self.loader, "batch_sampler", None)
        owners = (
            self.loader,
            getattr(self.loader, "sampler", None),
            batches,
            getattr(batches, "sampler", None),
        )
        found = [getattr(owner, "generator", None) for owner in owners]
        return list({id(g): g for g in found if isinstance(g, torch.Generator)}.values())
