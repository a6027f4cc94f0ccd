"""The list of a wiring's synapses: from masks to places, and from values per synapse back to matrices."""

import numpy as np

FIELDS = ("c", "g_leak", "e_leak", "w", "gamma", "mu", "e_rev", "w_in", "gamma_in", "mu_in", "e_rev_in")  # of ``dynamics.LTC``
GATES = ("w", "gamma", "mu", "e_rev")


class Wires:
    """Where a polarity (n, m), [target, source], has synapses, by target; the way to and from matrices."""

    def __init__(self, polarity):
        self.polarity = np.array(polarity)
        self.carried = {}
        self.place = np.flatnonzero(polarity)
        self.target, self.source = np.divmod(self.place, max(polarity.shape[1], 1))
        self.ptr = np.concatenate([[0], np.cumsum(np.bincount(self.target, minlength=len(polarity)))])

    def tensors(self, device):
        """place, target and source, (E,), as index tensors on a torch device; carried there once."""
        import torch

        if device not in self.carried:
            self.carried[device] = [torch.as_tensor(a, device=device) for a in (self.place, self.target, self.source)]
        return self.carried[device]

    def synapses(self, matrices, dtype, block):
        """``Synapses`` of w, gamma, mu, e_rev, each (n, m) or flat (E,), padded to full blocks."""
        table = np.zeros((len(GATES), -(-len(self.place) // block) * block), dtype)
        for row, matrix in zip(table, matrices, strict=True):
            row[: len(self.place)] = matrix if matrix.ndim == 1 else matrix.take(self.place)
        padding = (0, table.shape[1] - len(self.place))
        from .gates import Synapses  # needs numba

        return Synapses(*table, np.pad(self.source, padding), np.pad(self.target, padding), self.ptr)

    def derivatives(self, synapses, sums, flat):
        """Those by w (or flat), gamma, mu, e_rev, (n, m), from four sums per synapse, (4, E)."""
        by_w, by_e_rev, by_mu, by_gamma = sums
        w, gamma = (values[: len(self.place)] for values in (synapses.w, synapses.gamma))
        for values in (by_w, by_gamma, -gamma * by_mu, w * by_e_rev):
            if flat and values is by_w:
                yield values.astype(w.dtype)
                continue
            dense = np.zeros(self.polarity.shape, w.dtype)
            dense.ravel()[self.place] = values
            yield dense
