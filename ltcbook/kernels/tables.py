"""The numbers of a stack of networks as the kernels read them, and their sums as derivatives.

Compiled, too: a small network's call is so short that some dozen calls of NumPy would take as long.
"""

import math

from .lanes import SIDE, entry


def gap(room, line):
    """How many bytes of an array stand before the first one that begins a line of the cache; NumPy takes long
    to tell where an array lies.
    """
    return -room.ctypes.data % line


def spread(numbers, starts, n, lengths, lanes, neurons, tables):
    """Fill ``neurons`` and ``tables``, all numbers of the kernels, from rows (S, width) of ``sparse.gather``.

    starts: where each of the ``FIELDS`` begins in a row; lengths: synapses between neurons and from inputs.
    neurons (4, S, size): c, g_leak, g_leak e_leak and e_leak, each once per lane; what only fills up is 1.
    tables: two arrays (8, S, E), the numbers of ``gates.Synapses``; what pads them is 0.
    """
    per_two = numbers.dtype.type(-1 / math.log(2))
    for k in range(len(numbers)):
        row = numbers[k]
        neurons[:, k, n * lanes :] = 1
        for i in range(n):
            c, g_leak, e_leak = row[starts[0] + i], row[starts[1] + i], row[starts[2] + i]
            for at in range(i * lanes, (i + 1) * lanes):
                neurons[0, k, at], neurons[1, k, at] = c, g_leak
                neurons[2, k, at], neurons[3, k, at] = g_leak * e_leak, e_leak
        for half in range(2):
            table, first = tables[half], 3 + 4 * half
            table[:, k, lengths[half] :] = 0
            for e in range(lengths[half]):
                w, gamma = row[starts[first] + e], row[starts[first + 1] + e]
                mu, e_rev = row[starts[first + 2] + e], row[starts[first + 3] + e]
                table[0, k, e], table[1, k, e], table[2, k, e], table[3, k, e] = w, gamma, mu, e_rev
                table[4, k, e] = gamma * per_two
                table[5, k, e] = -(table[4, k, e] * mu)
                table[6, k, e], table[7, k, e] = w * e_rev, w * gamma


def collect(each, sums, wide, starts, n, lengths, lanes, neurons, tables, found):
    """Fill ``found``, rows like those of ``spread``, with the derivatives by its numbers.

    sums: what the backward pass has added up in each of so many tiles per network: of neurons, three lists
    (tiles, 3 size), and of synapses, (tiles, 4 E) twice. If lanes are samples (``wide``), a neuron has
    ``SIDE`` places in a list, and the four sums of a synapse stand side by side; else a neuron has one, and
    they stand in four lists.
    """
    size, few = sums[0].shape[1] // 3, SIDE if wide else 1
    for k in range(len(found)):
        row = found[k]
        for i in range(n):
            by_c, by_g, by_h = 0.0, 0.0, 0.0
            for tile in range(k * each, (k + 1) * each):
                for at in range(i * few, (i + 1) * few):
                    by_c += sums[0][tile, at]
                    by_g += sums[0][tile, size + at]
                    by_h += sums[0][tile, 2 * size + at]
            row[starts[0] + i] = by_c / neurons[0, k, i * lanes]
            row[starts[1] + i] = by_g
            row[starts[2] + i] = neurons[1, k, i * lanes] * by_h
        for half in range(2):
            table, total, first = tables[half], sums[1 + half].reshape(-1), starts[3 + 4 * half :]
            ws, gammas, width = table[0, k], table[1, k], sums[1 + half].shape[1]
            to_w, to_gamma, to_mu, to_e_rev = (
                row[first[0] :],
                row[first[1] :],
                row[first[2] :],
                row[first[3] :],
            )
            step, apart = (4, 1) if wide else (1, table.shape[2])
            for e in range(lengths[half]):
                by_w, by_e_rev, by_mu, by_gamma = 0.0, 0.0, 0.0, 0.0
                for tile in range(k * each, (k + 1) * each):
                    at = tile * width + step * e
                    by_w += entry(total, at)
                    by_e_rev += entry(total, at + apart)
                    by_mu += entry(total, at + 2 * apart)
                    by_gamma += entry(total, at + 3 * apart)
                w, gamma = entry(ws, e), entry(gammas, e)
                to_w[e] = by_w
                to_gamma[e] = w * by_gamma
                to_mu[e] = -w * gamma * by_mu
                to_e_rev[e] = w * by_e_rev
