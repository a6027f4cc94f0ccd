"""Samples side by side as the lanes of tiles, and back.

Compiled: NumPy moves one number after the other, and for a small network a call of NumPy takes longer than
the moving.
"""

import numpy as np

from .lanes import SIDE, entry, put, transpose


def assign(source, at, source_steps, target, to, target_steps, shape, samples):
    """Copy an array (S, each, T, k, lanes) whose neighbours lie so many ``source_steps`` apart in a flat
    source, from ``at`` on, and ``target_steps`` in a flat target, from ``to`` on. samples: how many lanes of
    a network are copied, in all of its ``each`` parts.

    Fast where neighbours along the last axis of one are neighbours in memory, and of the other those along
    the axis before. (Plain numbers, since numba takes seconds to compile what cuts and turns arrays.)
    """
    networks, each, rows, k, lanes = shape
    s_network, s_part, s_t, s_i, s_l = source_steps
    t_network, t_part, t_t, t_i, t_l = target_steps
    if s_t == k * s_i and t_t == k * t_i:  # all rows are like one
        rows, k = 1, rows * k
    out = s_l == 1 and t_i == 1
    fast = k >= SIDE and (out or (s_i == 1 and t_l == 1))
    step, to_step = (s_i, t_l) if out else (s_l, t_i)
    for network in range(networks):
        for part in range(each):
            count = samples - part * lanes
            count = lanes if count > lanes else count
            whole = count // SIDE * SIDE if fast else 0
            here = at + network * s_network + part * s_part
            there = to + network * t_network + part * t_part
            for _ in range(rows):
                for lane in range(0, whole, SIDE):
                    for i in range(0, k, SIDE):
                        i_first = k - SIDE if i > k - SIDE else i  # the last piece overlaps
                        from_ = here + i_first * s_i + lane * s_l
                        transpose(source, from_, step, target, there + i_first * t_i + lane * t_l, to_step)
                for lane in range(whole, count):
                    for i in range(k):
                        put(target, there + i * t_i + lane * t_l, entry(source, here + i * s_i + lane * s_l))
                here, there = here + s_t, there + t_t


def ends(states, row):
    """The least and the greatest number in one row of every tile (tiles, rows, size); NaN if one is."""
    low, high = np.inf, -np.inf
    for tile in range(len(states)):
        for x in states[tile, row]:
            if not -np.inf <= x:
                return np.nan, np.nan
            low, high = min(low, x), max(high, x)
    return low, high
