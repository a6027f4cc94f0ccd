"""How fast an LTC forgets its start: after how many inputs any two of its runs agree.

**Theorem.** Let two runs of one LTC start in its ``box`` and hear the same inputs. Measure their distance
by max_i abs(x_i - x'_i) / eta_i with some eta > 0, put D_ij for the largest abs(E_ij - x_i) in the box, and

    K_i = sum_j w_ij abs(gamma_ij) s_ij (1 - s_ij) D_ij eta_j / eta_i,    g_i = g_in_i + sum_j w_ij s_ij,

where g_in_i is what leak and sensory synapses conduct at least. A fused step of d ms multiplies the
distance by at most

    F = max_i sup (c_i + d K_i) / (c_i + d g_i)

(the supremum over gates between their smallest and largest value in the box). So does an exponential step
where F < 1. F < 1 for one d exactly if F < 1 for all: if K_i < g_i always.

*Proof.* A fused step is y_i = (c_i x_i + d h_i) / (c_i + d g_i), a mean of x_i and reversal potentials, so
it stays in the box. The quotient rule gives dy_i/dx_j = (c_i [i = j] + d w_ij s'_ij (E_ij - y_i)) / (c_i +
d g_i), with s'_ij = gamma_ij s_ij (1 - s_ij). So row i, weighted by eta_j / eta_i, has an absolute sum of
at most (c_i + d K_i) / (c_i + d g_i), and a map whose derivative has row sums of at most F on a convex set
shrinks the distance by F. An exponential step solves c_i y' = h_i - g_i y over d ms, gates held. It keeps p
= exp(-d g_i / c_i) of x_i. If gate ij opens by ds more, y_i moves by the integral of w_ij ds (E_ij - y)
exp(-g_i t / c_i) / c_i, at most w_ij ds D_ij (1 - p) / g_i. The row sum is at most p + (1 - p) K_i / g_i;
the fused one is the same with p = c_i / (c_i + d g_i), which is larger. Where K_i < g_i a larger p makes
the sum larger. Last, (c + d K) / (c + d g) < 1 says K < g, whatever d is. QED

**Extrapolated** steps read the gates at (3 x - before) / 2, from the second part of an input on. Distances
e_k after part k then obey e_{k+1} <= p e_k + (1 - p) K_i / g_i (3 e_k + e_{k-1}) / 2, with gates between
their values half a box beyond the box. That is the bound above with K_i multiplied by (3 + e_{k-1} / e_k) /
2.

**So** two runs that start in the box differ by at most R^N eta_i max_j (hi_j - lo_j) / eta_j after N
inputs, where R is the product of the factors of an input's parts. The weights eta come from repeating eta
<- the suprema of (c_i eta_i + d K_i eta_i) / (c_i + d g_i): every eta > 0 gives a bound, and these approach
the best ones.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .cells import LTC

TRIES = 30  # weights that are tried, each made from the one before
SMALLEST = 1e-6  # weight beside the largest; a chain of neurons is measured by ever smaller ones


def box(cell: LTC) -> tuple[np.ndarray, np.ndarray]:
    """(lo, hi), each (n,), in mV: between the smallest and largest of the leak and reversal potentials that
    a neuron really has; no step that keeps bounds leaves it.
    """
    lo, hi = cell.e_leak, cell.e_leak
    for w, e_rev in ((cell.w, cell.e_rev), (cell.w_in, cell.e_rev_in)):
        if w is not None and w.shape[-1]:
            lo = np.minimum(lo, np.where(w > 0, e_rev, np.inf).min(-1))
            hi = np.maximum(hi, np.where(w > 0, e_rev, -np.inf).max(-1))
    return lo, hi


def burn(
    cell: LTC, dt: float, tolerance: float, *, substeps: int, ahead: bool, heard: np.ndarray | None
) -> int | None:
    """The smallest N of the theorem above after which no neuron differs by more than ``tolerance`` times
    the largest potential of its box; None: it decides nothing.

    dt: ms of an input, in ``substeps`` parts. ahead: extrapolated steps, else fused or exponential ones.
    heard: inputs (..., m), between whose smallest and largest all others lie; None: any may come.
    """
    lo, hi = box(cell)
    width, size = hi - lo, np.maximum(np.abs(lo), np.abs(hi))
    moves = width > 0
    steps, eta = _Steps(cell, dt / substeps, lo, hi, heard), np.ones(cell.n)
    found: list[int] = []
    for _ in range(TRIES):
        factor = steps.factor(eta, substeps, ahead)
        if factor < 1:
            apart = (width / eta).max() * (eta[moves] / size[moves]).max(initial=0)
            found.append(max(0, math.ceil(math.log(max(apart, tolerance) / tolerance) / -math.log(factor))))
        eta = eta * steps.rows(eta)
        eta = eta * steps.rows(eta, c=0 * cell.c)  # as a long step sees it
        eta = np.maximum(eta / eta.max(), SMALLEST)
    return min(found, default=None)


class _Steps:
    """The rows of the theorem for one cell and a step of d ms, from above."""

    def __init__(self, cell: LTC, d: float, lo: np.ndarray, hi: np.ndarray, heard: np.ndarray | None) -> None:
        self.c, self.w, self.d = cell.c, cell.w, d
        reach = np.maximum(np.abs(cell.e_rev - lo[:, None]), np.abs(cell.e_rev - hi[:, None]))
        self.slopes, self.least = np.abs(cell.gamma) * reach, cell.g_leak
        if heard is not None and cell.m:
            ends = [cell.gates_in(f.reduce(heard.reshape(-1, cell.m))) for f in (np.minimum, np.maximum)]
            self.least = self.least + (cell.w_in * np.minimum(*ends)).sum(-1)
        half = (hi - lo) / 2
        self.gates = [np.sort([cell.gates(lo - more), cell.gates(hi + more)], axis=0) for more in (0, half)]

    def factor(self, eta: np.ndarray, parts: int, ahead: bool) -> float:
        """R of the theorem for one input; where it is 1 or more, it says nothing."""
        first = float(self.rows(eta).max())
        if not ahead or first >= 1:
            return first**parts
        before, factor = 1.0, first
        for _ in range(parts - 1):
            ratio = (3 + before / factor) / 2
            grown = self.rows(eta, ratio, beyond=True).max()
            if grown > 1:  # then p may be anything between 0 and 1
                grown = self.rows(eta, ratio, beyond=True, c=0 * self.c).max()
            before, factor = factor, factor * float(grown)
        return factor

    def rows(
        self, eta: np.ndarray, ratio: float = 1.0, *, beyond: bool = False, c: np.ndarray | None = None
    ) -> np.ndarray:
        """sup (c_i + d ratio K_i) / (c_i + d g_i), (n,). beyond: gates half a box beyond the box."""
        shut, open_ = self.gates[beyond]
        c = self.c if c is None else c
        steep = np.maximum(ratio * self.slopes * eta / eta[:, None], 1e-300)
        value = np.zeros(len(c))
        for _ in range(50):  # the gates that best reach beyond a value, then the value that they reach
            s = np.clip((steep - value[:, None]) / (2 * steep), shut, open_)
            gain = c + self.d * (self.w * steep * s * (1 - s)).sum(-1)
            loss = c + self.d * (self.least + (self.w * s).sum(-1))
            rest, value = (gain - value * loss) / (c + self.d * self.least), gain / loss
            if (rest <= 1e-12).all():
                break
        return value + np.maximum(rest, 0) + 1e-12  # no value lies further above than the rest
