"""Synapses of the kernels: how far each gate opens, the sums g and h of a neuron, and their derivatives.

Numbers stand in flat arrays and are read as ``Lanes``, in one of two layouts. ``over_batch``: the lanes are
samples, entry [i * lanes + l] belongs to neuron i of sample l. ``over_synapses``, for few samples: the lanes
are neighbours in the list of synapses (or of neurons), which is padded to a multiple of the lanes.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

from .lanes import accumulate, add_sums, clamp, entry, nearest_whole, times_power_of_two

INLINE: Any = {"forceinline": True}


class Synapses(NamedTuple):
    """The synapses that exist, sorted by target; neuron i has those with ptr[i] <= e < ptr[i + 1].

    w, gamma, mu, e_rev: a number per synapse, padded with zeros; source and target likewise; ptr (n + 1,).
    Of a stack of networks each has one axis more, the first: a row per network, all padded to one length.
    """

    w: np.ndarray
    gamma: np.ndarray
    mu: np.ndarray
    e_rev: np.ndarray
    source: np.ndarray
    target: np.ndarray
    ptr: np.ndarray


@register_jitable(**INLINE)
def of_network(stack, network):
    """The ``Synapses`` of one network of a stack, nothing copied."""
    w, gamma, mu, e_rev, source, target, ptr = stack
    return Synapses(
        w[network],
        gamma[network],
        mu[network],
        e_rev[network],
        source[network],
        target[network],
        ptr[network],
    )


def series(scale, degree):
    """Coefficients of exp(scale r) as a polynomial in r, the highest power first."""
    return tuple(scale**power / math.factorial(power) for power in range(degree, -1, -1))


@register_jitable(**INLINE)
def polynomial(r, coefficients):
    """Lanes from the highest coefficient down."""
    p = r * coefficients[0] + coefficients[1]
    for a in coefficients[2:]:
        p = p * r + a
    return p


def parts(x):
    """2**k and exp(r) - 1 with x = k log 2 + r and |r| <= log(2) / 2, so that exp(x) = 2**k exp(r)."""


@overload(parts, jit_options=INLINE)
def _parts(x):
    low, high, bits, degree = (-87.0, 88.0, 9, 7) if x.real == types.float32 else (-708.0, 709.0, 32, 13)
    per_two = 1 / math.log(2)
    two_high = round(math.log(2) * 2**bits) / 2**bits  # few digits, so that k * two_high is exact
    two_low = math.log(2) - two_high + 2.319046813846e-17  # the last is what the rounded log(2) lacks
    but_one = series(1, degree)[:-1]

    def implementation(x):
        x = clamp(x, low, high)
        k = nearest_whole(x * per_two)
        r = (x - k * two_high) - k * two_low
        return times_power_of_two(1, k), polynomial(r, but_one) * r

    return implementation


@register_jitable(**INLINE)
def exp(x):
    """exp of lanes, to rounding."""
    scale, rest = parts(x)
    return scale + scale * rest


@register_jitable(**INLINE)
def expm1(x):
    """exp - 1 of lanes, without cancellation near 0."""
    scale, rest = parts(x)
    return (scale - 1) + scale * rest


def sigmoid(x):
    """1 / (1 + 2**y) of lanes, y = -x / log(2).

    Most of the time goes here. A rounding error of y reaches s shrunk by s (1 - s) <= 1/4, so that one
    product and fewer powers are enough, where exp needs more.
    """


@overload(sigmoid, jit_options=INLINE)
def _sigmoid(x):
    high, degree = (125.0, 6) if x.real == types.float32 else (1021.0, 13)
    per_two, coefficients = -1 / math.log(2), series(math.log(2), degree)

    def implementation(x):
        y = clamp(x * per_two, -high, high)
        k = nearest_whole(y)
        return 1 / (1 + times_power_of_two(polynomial(y - k, coefficients), k))

    return implementation


def over_batch(load, store, gather, lanes):
    """``conductances`` and their derivative ``conductances_vjp`` where the lanes are samples."""

    @register_jitable
    def conductances(x, synapses, g0, h0, gates, g, h):
        """g = g0 + sum of w s and h = h0 + sum of w s E over a neuron's synapses; s(x) goes to ``gates``."""
        w, gamma, mu, e_rev, source, target, ptr = synapses
        for i in range(len(ptr) - 1):
            g_i, h_i = load(g0, i * lanes), load(h0, i * lanes)
            for e in range(entry(ptr, i), entry(ptr, i + 1)):
                s = sigmoid(entry(gamma, e) * (load(x, entry(source, e) * lanes) - entry(mu, e)))
                store(gates, e * lanes, s)
                g_i += entry(w, e) * s
                h_i += (entry(w, e) * entry(e_rev, e)) * s
            store(g, i * lanes, g_i)
            store(h, i * lanes, h_i)

    @register_jitable
    def conductances_vjp(by_g, by_h, x, synapses, gates, work, by_x, sums):
        """Adds the derivative by x to by_x, and four sums per synapse to ``sums``.

        With z = gamma (x - mu) these are the derivatives by w, by E without its factor w, by z, and by gamma,
        which is the one by z times (x - mu). (x - mu) is multiplied before the sum: two sums would cancel.
        """
        w, gamma, mu, e_rev, source, target, ptr = synapses
        for i in range(len(ptr) - 1):
            by_g_i, by_h_i = load(by_g, i * lanes), load(by_h, i * lanes)
            for e in range(entry(ptr, i), entry(ptr, i + 1)):
                j = entry(source, e) * lanes
                s = load(gates, e * lanes)
                by_w = s * (by_g_i + entry(e_rev, e) * by_h_i)
                by_z = entry(w, e) * by_w * (1 - s)
                store(by_x, j, load(by_x, j) + entry(gamma, e) * by_z)
                add_sums(sums, 4 * e, by_w, s * by_h_i, by_z, by_z * (load(x, j) - entry(mu, e)))

    return conductances, conductances_vjp


def over_synapses(load, store, gather, lanes):
    """The same two functions where the lanes are synapses of a sample; ``work`` has room for them all."""

    @register_jitable(**INLINE)
    def conductances(x, synapses, g0, h0, gates, g, h):
        w, gamma, mu, e_rev, source, target, ptr = synapses
        for e in range(0, len(w), lanes):
            store(gates, e, sigmoid(load(gamma, e) * (gather(x, source, e) - load(mu, e))))
        for i in range(len(ptr) - 1):
            g_i, h_i = entry(g0, i), entry(h0, i)
            for e in range(entry(ptr, i), entry(ptr, i + 1)):
                ws = entry(w, e) * entry(gates, e)
                g_i += ws
                h_i += ws * entry(e_rev, e)
            g[i], h[i] = g_i, h_i

    @register_jitable(**INLINE)
    def conductances_vjp(by_g, by_h, x, synapses, gates, work, by_x, sums):
        w, gamma, mu, e_rev, source, target, ptr = synapses
        size = len(w)
        for e in range(0, size, lanes):
            s, by_h_e = load(gates, e), gather(by_h, target, e)
            by_w = s * (gather(by_g, target, e) + load(e_rev, e) * by_h_e)
            by_z = load(w, e) * by_w * (1 - s)
            accumulate(sums, e, by_w)
            accumulate(sums, size + e, s * by_h_e)
            accumulate(sums, 2 * size + e, by_z)
            accumulate(sums, 3 * size + e, by_z * (gather(x, source, e) - load(mu, e)))
            store(work, e, load(gamma, e) * by_z)
        for e in range(ptr[-1]):
            by_x[source[e]] += work[e]

    return conductances, conductances_vjp
