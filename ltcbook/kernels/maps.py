"""What a network does to its inputs and to the states that it shows: w x + b, channel by channel, and the
derivatives.

Compiled: around a small network's call, every operation of NumPy or torch costs as much as the arithmetic.
"""

import numpy as np

SUMS = 8  # that are added up side by side: a processor need not wait for the last sum to begin the next


def mapped(samples, weights, w, biases, b, found):
    """found = weights samples + biases, both (S, R, k). Where the k weights and the k biases of a network
    begin in its row of either array: w and b; below 0: there are none.
    """
    for s in range(len(samples)):
        for r in range(samples.shape[1]):
            for i in range(samples.shape[2]):
                value = samples[s, r, i]
                if w >= 0:
                    value *= weights[s, w + i]
                if b >= 0:
                    value += biases[s, b + i]
                found[s, r, i] = value


def summed(by_found, samples, w, b, by_numbers):
    """Fill rows, of which ``mapped`` read weights from w on and biases from b on, with the derivatives by
    these, from that by what it had found. Below 0: there are none.
    """
    k = samples.shape[2]
    by_w, by_b = np.empty((SUMS, k)), np.empty((SUMS, k))
    for s in range(len(samples)):
        by_w[:], by_b[:] = 0, 0
        for r in range(samples.shape[1]):
            for i in range(k):
                by = np.float64(by_found[s, r, i])
                by_w[r % SUMS, i] += by * samples[s, r, i]
                by_b[r % SUMS, i] += by
        for i in range(k):
            for more in range(1, SUMS):
                by_w[0, i] += by_w[more, i]
                by_b[0, i] += by_b[more, i]
            if w >= 0:
                by_numbers[s, w + i] = by_w[0, i]
            if b >= 0:
                by_numbers[s, b + i] = by_b[0, i]
