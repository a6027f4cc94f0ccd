"""The synapses of a wiring as a list: from masks to places, and from values per synapse back to matrices."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

# the fields of ``dynamics.LTC``
FIELDS = ("c", "g_leak", "e_leak", "w", "gamma", "mu", "e_rev", "w_in", "gamma_in", "mu_in", "e_rev_in")
GATES = ("w", "gamma", "mu", "e_rev")
POSITIVE = ("c", "g_leak", "w", "w_in")  # never below 0; a network that trains holds raw numbers for them
MATRICES = {name + end: k for k, end in enumerate(("", "_in")) for name in GATES}  # 1: from the inputs
ORDER = (*POSITIVE, *(name for name in FIELDS if name not in POSITIVE))  # so that raw numbers come first


def columns(between: StackedPattern, heard: StackedPattern) -> dict[str, slice]:
    """Where each of the ``FIELDS`` stands in a row of ``gather``, in its ``ORDER``."""
    return _columns(between.n, between.length, heard.length)


@cache
def _columns(n: int, *lengths: int) -> dict[str, slice]:
    found, start = {}, 0
    for name in ORDER:
        stop = start + (lengths[MATRICES[name]] if name in MATRICES else n)
        found[name], start = slice(start, stop), stop
    return found


def gather(fields: dict[str, Any], patterns: tuple[SparsePattern, SparsePattern]) -> np.ndarray:
    """All numbers of a network in a row (width,), of every matrix (n, m) the list (E,) of its synapses.

    fields: NumPy arrays of one dtype by name; None stands for no inputs. patterns: a ``SparsePattern`` of the
    synapses between neurons, and one of those from the inputs.
    """
    where = columns(*(pattern.alone for pattern in patterns))
    row = np.empty(where[ORDER[-1]].stop, fields["c"].dtype)
    for name, column in where.items():
        if name not in MATRICES:
            row[column] = fields[name]
        elif fields[name] is not None:
            fields[name].take(patterns[MATRICES[name]].place, out=row[column], mode="clip")
    return row


def scatter(row: np.ndarray, patterns: tuple[SparsePattern, SparsePattern]) -> dict[str, np.ndarray]:
    """``gather`` undone: arrays by name, the matrices with 0 where no synapse is."""
    where = columns(*(pattern.alone for pattern in patterns))
    found = {name: row[column] for name, column in where.items()}
    return found | {name: patterns[end].scatter(found[name]) for name, end in MATRICES.items()}


class SparsePattern:
    """Where a polarity (n, m), [target, source], has synapses, by target; the way to and from matrices."""

    def __init__(self, polarity: np.ndarray) -> None:
        self.polarity = np.array(polarity)
        self.carried: dict[torch.device, list[torch.Tensor]] = {}
        self._alone: StackedPattern | None = None
        self.place = np.flatnonzero(polarity)
        self.target, self.source = np.divmod(self.place, max(polarity.shape[1], 1))
        self.ptr = np.concatenate([[0], np.cumsum(np.bincount(self.target, minlength=len(polarity)))])

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"carried": {}}

    def tensors(self, device: torch.device) -> list[torch.Tensor]:
        """place, target and source, (E,), as index tensors on a torch device; carried there once."""
        import torch

        if device not in self.carried:
            with torch.inference_mode(False):  # else training after an evaluation could not keep them
                self.carried[device] = [
                    torch.as_tensor(a, device=device) for a in (self.place, self.target, self.source)
                ]
        return self.carried[device]

    def scatter(self, values: np.ndarray) -> np.ndarray:
        """The matrix (n, m) with these values (E,) at the synapses, 0 elsewhere."""
        matrix = np.zeros(self.polarity.shape, values.dtype)
        matrix.ravel()[self.place] = values
        return matrix

    @property
    def alone(self) -> StackedPattern:
        """This pattern as a stack of one."""
        if self._alone is None:
            self._alone = StackedPattern([self])
        return self._alone


class StackedPattern:
    """The lists of several patterns of one shape, (S, E): one row per network, all padded to one length."""

    def __init__(self, patterns: Sequence[SparsePattern]) -> None:
        self.patterns, self.counts = patterns, [len(pattern.place) for pattern in patterns]
        self.n, self.length = len(patterns[0].polarity), max(self.counts)
        self.padded: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def ends(self, block: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """source and target (S, E), E a multiple of the block, and ptr (S, n + 1)."""
        if block not in self.padded:
            self.padded[block] = self._padded(block)
        return self.padded[block]

    def _padded(self, block: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        length = -(-self.length // block) * block
        source, target = np.zeros((2, len(self.patterns), length), np.int64)
        for row, pattern in enumerate(self.patterns):
            source[row, : self.counts[row]] = pattern.source
            target[row, : self.counts[row]] = pattern.target
        return source, target, np.stack([pattern.ptr for pattern in self.patterns])
