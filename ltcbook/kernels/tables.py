"""The numbers of a stack of networks as the kernels read them, and their sums as derivatives.

Compiled, too: a small network's call is so short that some dozen calls of NumPy would take as long.
"""

import math

from .lanes import SIDE


def gap(room, line):
    """How many bytes of an array stand before the first one that begins a line of the cache; NumPy takes long
    to tell where an array lies.
    """
    return -room.ctypes.data % line


def listed(values, place, raw, implicit, numbers, slopes):
    """Fill ``numbers``, rows (S, width) of ``sparse.gather``, from all parameters of the networks, rows of
    ``values``.

    place (S, width): where in its row of values each number stands; -1: nowhere, it only pads. The first
    ``raw`` of every row stand for numbers >= 0: softplus of what stands there if ``implicit``, else its size;
    slopes (S, raw): the derivatives of these.
    """
    for k in range(len(place)):
        for j in range(place.shape[1]):
            at = place[k, j]
            if at < 0:
                continue
            x = values[k, at]
            if j >= raw:
                numbers[k, j] = x
            elif implicit:
                z = math.exp(-abs(x))
                numbers[k, j] = x + math.log1p(z) if x > 0 else math.log1p(z)
                slopes[k, j] = (1 if x > 0 else z) / (1 + z)
            else:
                numbers[k, j] = -x if x < 0 else x
                slopes[k, j] = -1 if x < 0 else 1


def unlisted(by_numbers, place, raw, slopes, by_values):
    """``listed`` undone, of derivatives: fill ``by_values`` where a number stands."""
    for k in range(len(place)):
        for j in range(place.shape[1]):
            if place[k, j] >= 0:
                by_values[k, place[k, j]] = by_numbers[k, j] * slopes[k, j] if j < raw else by_numbers[k, j]


def spread(numbers, starts, n, lengths, lanes, neurons, tables):
    """Fill ``neurons`` and ``tables``, all numbers of the kernels, from rows (S, width) of ``sparse.gather``.

    starts: where each of the ``FIELDS`` begins in a row; lengths: synapses between neurons and from inputs.
    neurons (4, S, size): c, g_leak, g_leak e_leak and e_leak, each once per lane; what only fills up is 1.
    tables: two arrays (8, S, E), the numbers of ``gates.Synapses``; what pads them is 0.
    """
    per_two = numbers.dtype.type(-1 / math.log(2))
    for k in range(len(numbers)):
        for at in range(neurons.shape[2]):
            i = at // lanes
            for j in range(3):
                neurons[j, k, at] = numbers[k, starts[j] + i] if i < n else 1
            neurons[3, k, at] = neurons[2, k, at]
            neurons[2, k, at] *= neurons[1, k, at]
        for half in range(2):
            table, first = tables[half], 3 + 4 * half
            for e in range(table.shape[2]):
                for j in range(4):
                    table[j, k, e] = numbers[k, starts[first + j] + e] if e < lengths[half] else 0
                w, gamma, mu, e_rev = table[0, k, e], table[1, k, e], table[2, k, e], table[3, k, e]
                table[4, k, e] = gamma * per_two
                table[5, k, e] = -(table[4, k, e] * mu)
                table[6, k, e] = w * e_rev
                table[7, k, e] = w * gamma


def collect(each, sums, wide, starts, n, lengths, lanes, neurons, tables, found):
    """Fill ``found``, rows like those of ``spread``, with the derivatives by its numbers.

    sums: what the backward pass has added up in each of so many tiles per network: of neurons, three lists
    (tiles, 3 size), and of synapses, (tiles, 4 E) twice. If lanes are samples (``wide``), a neuron has
    ``SIDE`` places in a list, and the four sums of a synapse stand side by side; else a neuron has one, and
    they stand in four lists.
    """
    size, few = sums[0].shape[1] // 3, SIDE if wide else 1
    for k in range(len(found)):
        for i in range(n):
            by_c, by_g, by_h = 0.0, 0.0, 0.0
            for tile in range(k * each, (k + 1) * each):
                for at in range(i * few, (i + 1) * few):
                    by_c += sums[0][tile, at]
                    by_g += sums[0][tile, size + at]
                    by_h += sums[0][tile, 2 * size + at]
            found[k, starts[0] + i] = by_c / neurons[0, k, i * lanes]
            found[k, starts[1] + i] = by_g
            found[k, starts[2] + i] = neurons[1, k, i * lanes] * by_h
        for half in range(2):
            table, total, first = tables[half], sums[1 + half], 3 + 4 * half
            step, apart = (4, 1) if wide else (1, table.shape[2])
            for e in range(lengths[half]):
                by_w, by_e_rev, by_mu, by_gamma = 0.0, 0.0, 0.0, 0.0
                for tile in range(k * each, (k + 1) * each):
                    by_w += total[tile, step * e]
                    by_e_rev += total[tile, step * e + apart]
                    by_mu += total[tile, step * e + 2 * apart]
                    by_gamma += total[tile, step * e + 3 * apart]
                w, gamma = table[0, k, e], table[1, k, e]
                found[k, starts[first] + e] = by_w
                found[k, starts[first + 1] + e] = w * by_gamma
                found[k, starts[first + 2] + e] = -w * gamma * by_mu
                found[k, starts[first + 3] + e] = w * by_e_rev
