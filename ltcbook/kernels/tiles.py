"""Samples side by side as the lanes of tiles, and back.

A row of a tile holds ``lanes`` samples of one network, neuron after neuron: entry [i * lanes + l] belongs to
neuron i of sample l. Where a network has ``each`` tiles, the last one may have lanes without a sample.

Compiled: NumPy moves one number after the other, and for a small network a call of NumPy takes longer than
the moving.
"""

import numpy as np
from numba.extending import register_jitable

from .lanes import SIDE, transpose


@register_jitable
def assign(source, target):
    """target[:] = source, both (T, k, L), where neighbours along the last axis of one are neighbours in
    memory, and of the other those along the axis before.
    """
    steps, k, lanes = target.shape
    s_t, s_i, s_l = source.strides
    t_t, t_i, t_l = target.strides
    one = source.itemsize
    s_t, s_i, s_l, t_t, t_i, t_l = s_t // one, s_i // one, s_l // one, t_t // one, t_i // one, t_l // one
    rows, width = steps, k
    if s_t == k * s_i and t_t == k * t_i:  # all rows are like one
        rows, width = 1, steps * k
    out = s_l == 1 and t_i == 1
    whole = lanes // SIDE * SIDE if width >= SIDE and (out or (s_i == 1 and t_l == 1)) else 0
    step, to_step = (s_i, t_l) if out else (s_l, t_i)
    for t in range(rows):
        for lane in range(0, whole, SIDE):
            for i in range(0, width, SIDE):
                first = min(i, width - SIDE)  # the last piece overlaps
                at, to = t * s_t + first * s_i + lane * s_l, t * t_t + first * t_i + lane * t_l
                transpose(source, at, step, target, to, to_step)
    for t in range(steps):
        for lane in range(whole, lanes):
            for i in range(k):
                target[t, i, lane] = source[t, i, lane]


def deal(samples, each, lanes, fill, tiles):
    """Fill the first T rows of ``tiles`` (S each, >= T, size) from ``samples`` (S, B, T, k); ``fill`` is for
    whatever has no sample, or no neuron.
    """
    networks, batch, steps, k = samples.shape
    rows, size = tiles.shape[1:]
    apart = tiles.reshape(len(tiles), rows, size // lanes, lanes)
    for network in range(networks):
        for part in range(each):
            begin, here = part * lanes, apart[network * each + part, :steps]
            count = min(lanes, batch - begin)
            mine = samples[network, begin : begin + count]
            assign(mine.transpose(1, 2, 0), here[:, :k, :count])
            here[:, :k, count:] = fill
            here[:, k:] = fill


def undeal(tiles, first, per, named, each, lanes, samples):
    """Fill ``samples`` (S, B, T, k) from the rows first, first + per, ... of ``tiles`` (S each, rows, size):
    k named neurons of each.
    """
    networks, batch, steps, k = samples.shape
    rows, size = tiles.shape[1:]
    apart = tiles.reshape(len(tiles), rows, size // lanes, lanes)
    neighbours = True
    for i in range(k):
        neighbours = neighbours and named[i] == named[0] + i
    for network in range(networks):
        for part in range(each):
            begin, here = part * lanes, apart[network * each + part, first::per]
            count = min(lanes, batch - begin)
            mine = samples[network, begin : begin + count].transpose(1, 2, 0)
            if neighbours and k:
                assign(here[:, named[0] : named[0] + k, :count], mine)
            else:
                for i in range(k):
                    assign(here[:, named[i] : named[i] + 1, :count], mine[:, i : i + 1])


def ends(states):
    """The least and the greatest number in the first row of every tile (tiles, rows, size); NaN if one is."""
    low, high = np.inf, -np.inf
    for tile in range(len(states)):
        for x in states[tile, 0]:
            if not -np.inf <= x:
                return np.nan, np.nan
            low, high = min(low, x), max(high, x)
    return low, high
