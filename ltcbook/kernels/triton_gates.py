"""Synapses of the Triton kernels: what they open, and the derivatives by their parameters and sources.

A table is a rectangle of synapses: row r holds those that share one neuron as target (or as source), padded
to ``slots`` with weights of 0, and is read in tiles of ``R`` rows and ``F`` slots. VALUES has w, gamma, mu
and e_rev, ``size`` numbers each; OTHER the neurons at the other end. Names in capitals are pointers or
constants of the compiler.
"""

import triton
import triton.language as tl

CHUNK = tl.constexpr(32)  # so many numbers are added in their own precision, then all in float64


@triton.jit
def lost(x):
    """1 - exp(-x), by its series where the difference would cancel."""
    series = x * 0 + 1
    for k in tl.static_range(15):
        series = 1 - series * x * (1.0 / (16 - k))
    return tl.where(tl.abs(x) < 0.5, series * x, 1 - tl.exp(-x))


@triton.jit
def at_gates(row, index, k, stride, AHEAD: tl.constexpr):
    """What gates see of the sources ``index``: the state of a row, or where the last two states point to."""
    x = tl.load(row + index)
    if AHEAD:
        x = x * 1.5 - tl.load(row - min(k, 1) * stride + index) * 0.5
    return x


@triton.jit
def synapses(VALUES, OTHER, size, at):
    """The neuron at the other end, w, gamma, mu and e_rev of the slots ``at``."""
    w, gamma = tl.load(VALUES + at), tl.load(VALUES + size + at)
    return tl.load(OTHER + at), w, gamma, tl.load(VALUES + 2 * size + at), tl.load(VALUES + 3 * size + at)


@triton.jit
def conductances(
    row, k, stride, VALUES, OTHER, size, slots, r, R: tl.constexpr, F: tl.constexpr, AHEAD: tl.constexpr
):
    """What the synapses of the targets r add to g and to h."""
    g = tl.zeros([R, F], VALUES.dtype.element_ty)
    h = tl.zeros([R, F], VALUES.dtype.element_ty)
    for f in range(0, slots, F):
        at = r[:, None] * slots + (f + tl.arange(0, F))[None, :]
        source, w, gamma, mu, e_rev = synapses(VALUES, OTHER, size, at)
        ws = w * tl.sigmoid(gamma * (at_gates(row, source, k, stride, AHEAD) - mu))
        g += ws
        h += ws * e_rev
    return tl.sum(g, 1), tl.sum(h, 1)


@triton.jit
def add(TO, value):
    """Add to numbers of float64 in memory that no other program touches."""
    tl.store(TO, tl.load(TO) + value.to(tl.float64))


@triton.jit
def add_where(TO, value, where):
    """The same for some of them."""
    tl.store(TO, tl.load(TO, mask=where) + value.to(tl.float64), mask=where)


@triton.jit
def pulled(x, by, n, VALUES, OTHER, size, slots, r, R: tl.constexpr, F: tl.constexpr):
    """The derivative by the sources r, of which gates see x, through all their synapses; by: a row of BYS."""
    total = tl.zeros([R, F], VALUES.dtype.element_ty)
    for f in range(0, slots, F):
        at = r[:, None] * slots + (f + tl.arange(0, F))[None, :]
        target, w, gamma, mu, e_rev = synapses(VALUES, OTHER, size, at)
        s = tl.sigmoid(gamma * (x[:, None] - mu))
        total += gamma * w * s * (1 - s) * (tl.load(by + target) + e_rev * tl.load(by + n + target))
    return tl.sum(total, 1)


@triton.jit
def sums(
    SEEN,
    sample,
    stride,
    BYS,
    TOTAL,
    VALUES,
    OTHER,
    size,
    slots,
    first,
    last,
    rows,
    K,
    n,
    R: tl.constexpr,
    F: tl.constexpr,
    AHEAD: tl.constexpr,
):
    """The derivatives by w, gamma, mu and e_rev of all synapses, over all rows of the samples of a program.

    SEEN: what gates see, ``rows`` rows of each sample, and ``sample`` numbers from one sample to the next.
    """
    for r0 in range(0, n, R):
        r = r0 + tl.arange(0, R)
        target = tl.minimum(r, n - 1)[:, None]  # rows beyond have weights of 0, and nobody reads their sums
        for f in range(0, slots, F):
            at = r[:, None] * slots + (f + tl.arange(0, F))[None, :]
            source, w, gamma, mu, e_rev = synapses(VALUES, OTHER, size, at)
            for b in range(first, last):
                for chunk in range(0, rows, CHUNK):
                    by_w = tl.zeros([R, F], VALUES.dtype.element_ty)
                    by_gamma, by_mu, by_e_rev = by_w, by_w, by_w
                    for s in range(chunk, min(chunk + CHUNK, rows)):
                        x = at_gates(SEEN + b * sample + s * stride, source, s % K, stride, AHEAD)
                        by = BYS + (b * rows + s) * 2 * n + target
                        by_g, by_h = tl.load(by), tl.load(by + n)
                        s_open = tl.sigmoid(gamma * (x - mu))
                        into_w = s_open * (by_g + e_rev * by_h)
                        into_z = w * into_w * (1 - s_open)
                        by_w += into_w
                        by_e_rev += s_open * by_h
                        by_mu += into_z
                        by_gamma += into_z * (x - mu)  # multiplied before the sum: two sums would cancel
                    add(TOTAL + at, by_w)
                    add(TOTAL + size + at, by_gamma)
                    add(TOTAL + 2 * size + at, -gamma * by_mu)
                    add(TOTAL + 3 * size + at, w * by_e_rev)
