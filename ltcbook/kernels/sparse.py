"""The synapses of a wiring as a list: from masks to places, and from values per synapse back to matrices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from .gates import Synapses

# the fields of ``dynamics.LTC``
FIELDS = ("c", "g_leak", "e_leak", "w", "gamma", "mu", "e_rev", "w_in", "gamma_in", "mu_in", "e_rev_in")
GATES = ("w", "gamma", "mu", "e_rev")
POSITIVE = ("c", "g_leak", "w", "w_in")  # never below 0; a network that trains holds raw numbers for them


def gather(fields: dict[str, Any], patterns: tuple[SparsePattern, SparsePattern]) -> dict[str, np.ndarray]:
    """Fields as NumPy arrays by name, every matrix (n, m) as the list (E,) of its synapses.

    patterns: a ``SparsePattern`` of the synapses between neurons, and one of those from the inputs.
    """
    return fields | {name: pattern.gather(fields[name]) for name, pattern in _matrices(patterns)}


def scatter(
    fields: dict[str, np.ndarray], patterns: tuple[SparsePattern, SparsePattern]
) -> dict[str, np.ndarray]:
    """``gather`` undone: matrices with 0 where no synapse is."""
    return fields | {name: pattern.scatter(fields[name]) for name, pattern in _matrices(patterns)}


def _matrices(patterns: tuple[SparsePattern, SparsePattern]) -> list[tuple[str, SparsePattern]]:
    return [
        (name + end, pattern) for end, pattern in zip(("", "_in"), patterns, strict=True) for name in GATES
    ]


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

    def gather(self, matrix: np.ndarray | None) -> np.ndarray:
        """The values (E,) of the synapses in a matrix (n, m); none of None, which stands for no inputs."""
        return np.zeros(0) if matrix is None else matrix.take(self.place)

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
        self.length = max(self.counts)
        self.padded: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def _padded(self, block: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """source and target (S, E), E a multiple of the block, and ptr (S, n + 1)."""
        length = -(-self.length // block) * block
        source, target = np.zeros((2, len(self.patterns), length), np.int64)
        for row, pattern in enumerate(self.patterns):
            source[row, : self.counts[row]] = pattern.source
            target[row, : self.counts[row]] = pattern.target
        return source, target, np.stack([pattern.ptr for pattern in self.patterns])

    def synapses(self, gates: Sequence[np.ndarray], dtype: np.dtype, block: int) -> Synapses:
        """``Synapses`` of w, gamma, mu, e_rev, each (S, E), copied and padded to full blocks."""
        from .gates import Synapses  # needs numba

        if block not in self.padded:
            self.padded[block] = self._padded(block)
        source, target, ptr = self.padded[block]
        table = np.zeros((2 * len(GATES), *source.shape), dtype)
        table[: len(GATES), :, : self.length] = gates
        w, gamma, mu, e_rev, slope, shift, drive, pull = table
        np.multiply(gamma, -1 / math.log(2), out=slope)
        np.multiply(slope, mu, out=shift)
        np.negative(shift, out=shift)
        np.multiply(w, e_rev, out=drive)
        np.multiply(w, gamma, out=pull)
        return Synapses(w, gamma, mu, e_rev, slope, shift, drive, pull, source, target, ptr)
