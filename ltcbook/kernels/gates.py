"""Synapses of the kernels: how far each gate opens, the sums g and h of a neuron, and their derivatives.

Numbers stand in flat arrays and are read as ``Lanes``, in one of two layouts. ``over_batch``: the lanes are
samples, entry [i * lanes + l] belongs to neuron i of sample l. ``over_synapses``, for few samples: the lanes
are neighbours in the list of synapses (or of neurons), which is padded to a multiple of the lanes.

Both layouts read a gate once per substep and direction, and do everything with it in that moment: forwards
the sums of its neuron, which then takes its step; backwards, where the step's derivative is taken first, all
that the gate hands on.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload, register_jitable
from numpy.polynomial import Chebyshev, Polynomial

from .lanes import accumulate, add_sums, clamp, entry, times_power_of_two

INLINE: Any = {"forceinline": True}
BLOCK = 32  # synapses whose gates are read before anything is done with them
FARTHEST = {"float32": 120.0, "float64": 1000.0}  # a gate 2**-120 open is shut


class Synapses(NamedTuple):
    """The synapses that exist, sorted by target; neuron i has those with ptr[i] <= e < ptr[i + 1].

    w, gamma, mu, e_rev: a number per synapse, padded with zeros; source and target likewise; ptr (n + 1,).
    Four more save the kernels a product each: a gate is 1 / (1 + 2**y) with y = slope x + shift, where slope
    is -gamma / log 2; drive = w e_rev; pull = w gamma.
    """

    w: np.ndarray
    gamma: np.ndarray
    mu: np.ndarray
    e_rev: np.ndarray
    slope: np.ndarray
    shift: np.ndarray
    drive: np.ndarray
    pull: np.ndarray
    source: np.ndarray
    target: np.ndarray
    ptr: np.ndarray


class StackedSynapses(NamedTuple):
    """The ``Synapses`` of a stack of networks, in few arrays, since each takes the kernels time to receive.

    table (8, S, E) has the numbers per synapse in their order; source and target (S, E); ptr (S, n + 1).
    """

    table: np.ndarray
    source: np.ndarray
    target: np.ndarray
    ptr: np.ndarray


@register_jitable(**INLINE)
def of_network(stack, network):
    """The ``Synapses`` of one network of ``StackedSynapses``, nothing copied."""
    table, source, target, ptr = stack
    return Synapses(
        table[0, network],
        table[1, network],
        table[2, network],
        table[3, network],
        table[4, network],
        table[5, network],
        table[6, network],
        table[7, network],
        source[network],
        target[network],
        ptr[network],
    )


def economised(degree, first=0):
    """Coefficients of a polynomial for 2**r on [-1/2, 1/2], the highest power first; first=1: for
    (2**r - 1) / r.

    From a long Taylor series the highest power is taken off again and again, by the multiple of Chebyshev's
    polynomial that cancels it: of all that do, it is the smallest on the interval. What is left is nearly as
    good as the best polynomial of its degree, some 2**degree times better than a shorter Taylor series.
    """
    series = [math.log(2) ** power / math.factorial(power) for power in range(first, first + 20)]
    while len(series) > degree + 1:
        last = Chebyshev.basis(len(series) - 1, domain=[-0.5, 0.5]).convert(kind=Polynomial).coef
        series = [a - b * series[-1] / last[-1] for a, b in zip(series, last, strict=True)][:-1]
    return tuple(float(a) for a in reversed(series))


@register_jitable(**INLINE)
def polynomial(r, coefficients):
    """Lanes from the highest coefficient down."""
    p = r * coefficients[0] + coefficients[1]
    for a in coefficients[2:]:
        p = p * r + a
    return p


def whole_in_last_bits(real):
    """A number so large that y plus it holds the whole number nearest to y in its last bits."""
    return 1.5 * 2.0**23 if real == types.float32 else 1.5 * 2.0**52


def lost(z):
    """1 - exp(-z) of lanes z >= 0, to rounding, without cancellation near 0.

    exp(-z) = 2**y = 2**k 2**r with whole k and |r| <= 1/2, and 2**r - 1 is r times a polynomial.
    """


@overload(lost, jit_options=INLINE)
def _lost(z):
    low, degree = (-126.0, 5) if z.real == types.float32 else (-1022.0, 11)
    big, per_two = whole_in_last_bits(z.real), -1 / math.log(2)
    coefficients = economised(degree, first=1)

    def implementation(z):
        y = clamp(z * per_two, low, 0)
        shifted = y + big
        r = y - (shifted - big)
        scale = times_power_of_two(r * 0 + 1, shifted)
        return (1 - scale) - scale * (polynomial(r, coefficients) * r)

    return implementation


def inverse(y):
    """1 + 2**y of lanes with |y| <= ``FARTHEST``: 1 over it is a gate s. Most of the time goes here.

    A relative error of 2**y reaches the gate shrunk by s (1 - s) <= 1/4, so that few powers are enough: the
    polynomial is right to 1.1e-7 (float64: 2e-17), the gate to 1e-7 (2e-16).
    """


@overload(inverse, jit_options=INLINE)
def _inverse(y):
    degree = 5 if y.real == types.float32 else 11
    big, coefficients = whole_in_last_bits(y.real), economised(degree)

    def implementation(y):
        shifted = y + big
        r = y - (shifted - big)
        return 1 + times_power_of_two(polynomial(r, coefficients), shifted)

    return implementation


def clamped_inverse(y):
    """``inverse`` of any lanes: far out a gate is open or shut all the same."""


@overload(clamped_inverse, jit_options=INLINE)
def _clamped_inverse(y):
    high = FARTHEST[str(y.real)]
    return lambda y: inverse(clamp(y, -high, high))


def reach(x_low, x_high, u_low, u_high, ahead, lanes, neurons, tables):
    """The largest |y| at which a gate may be read; infinite where no box holds the states. neurons, tables:
    what ``tables.spread`` fills; lanes: how often the constants of a neuron stand there.

    A step that keeps bounds is a mean of the state and of reversal potentials, with weights that are no less
    than 0 where conductances are not. So a state stays between the least and the largest of those and of the
    states at the start; where gates are read ahead, at (3 x - before) / 2, up to half the box beyond.
    """
    low, high = x_low, x_high
    for k in range(neurons.shape[1]):
        for at in range(0, neurons.shape[2], lanes):
            g_leak, e_leak = neurons[1, k, at], neurons[3, k, at]
            if not g_leak >= 0:
                return np.inf
            low, high = min(low, e_leak), max(high, e_leak)
        for half in range(2):
            for e in range(tables[half].shape[2]):
                w, e_rev = tables[half][0, k, e], tables[half][3, k, e]
                if not w >= 0:
                    return np.inf
                low, high = min(low, e_rev), max(high, e_rev)
    beyond = (high - low) / 2 if ahead else 0.0
    most = 0.0
    for half in range(2):
        least, greatest = (low - beyond, high + beyond) if half == 0 else (u_low, u_high)
        for k in range(neurons.shape[1]):
            for e in range(tables[half].shape[2]):
                mu, slope = tables[half][2, k, e], tables[half][4, k, e]
                here = abs(slope) * max(abs(least - mu), abs(greatest - mu))
                if not here <= most:
                    most = here  # NaN, too, and for good
    return most


def over_batch(load, store, gather, lanes, inverse, advance):
    """``conductances``, their derivative ``conductances_vjp``, ``step`` and ``add_some`` where the lanes are
    samples; ``work`` has room for ``BLOCK`` synapses, and for all of a neuron.

    ``step`` and ``conductances_vjp`` take a block of synapses at a time: first what their gates are the
    inverse of, then everything that is done with the gates. A processor looks some hundred instructions
    ahead, and from the state to the last sum it is too far for two synapses at once; and while it divides, it
    can add.
    """

    @register_jitable(**INLINE)
    def inverse_of(e, x, synapses):
        """1 over the gate of synapse e."""
        at = entry(synapses.source, e) * lanes
        return inverse(entry(synapses.slope, e) * load(x, at) + entry(synapses.shift, e))

    @register_jitable
    def conductances(x, synapses, g0, h0, work, g, h):
        """g = g0 + sum of w s and h = h0 + sum of w s E over a neuron's synapses."""
        w, drive, ptr = synapses.w, synapses.drive, synapses.ptr
        for i in range(len(ptr) - 1):
            at = i * lanes
            g_i, h_i = load(g0, at), load(h0, at)
            for e in range(entry(ptr, i), entry(ptr, i + 1)):
                s = 1 / inverse_of(e, x, synapses)
                g_i += entry(w, e) * s
                h_i += entry(drive, e) * s
            store(g, at, g_i)
            store(h, at, h_i)

    @register_jitable
    def conductances_vjp(by_g, by_h, x, synapses, work, by_x, totals):
        """Adds the derivative by x to by_x, and four sums per synapse to ``totals``.

        With z = gamma (x - mu) these are the derivatives by w, and without their factor w those by E, by z,
        and by gamma, which is the one by z times (x - mu). (x - mu) is multiplied before the sum: two sums
        would cancel.
        """
        _, _, mu, e_rev, _, _, _, pull, source, target, ptr = synapses
        count = entry(ptr, len(ptr) - 1)  # what follows only fills up
        for start in range(0, count, BLOCK):
            stop = min(start + BLOCK, count)
            for e in range(start, stop):
                store(work, (e - start) * lanes, inverse_of(e, x, synapses))
            for e in range(start, stop):
                i, j = entry(target, e) * lanes, entry(source, e) * lanes
                s, by_h_i = 1 / load(work, (e - start) * lanes), load(by_h, i)
                by_w = s * (load(by_g, i) + entry(e_rev, e) * by_h_i)
                by_z = by_w - by_w * s
                store(by_x, j, load(by_x, j) + entry(pull, e) * by_z)
                add_sums(totals, 4 * e, by_w, s * by_h_i, by_z, by_z * (load(x, j) - entry(mu, e)))

    @register_jitable
    def step(x, read, recurrent, g0, h0, rate, work, y, kept):
        """A substep from x to y with gates read at ``read``; what its derivative needs goes to ``kept``."""
        w, drive, ptr = recurrent.w, recurrent.drive, recurrent.ptr
        last, n = 0, len(ptr) - 1
        while last < n:  # a block: neurons with few synapses together, or one with many
            first, last = last, last + 1
            start = entry(ptr, first)
            while last < n and entry(ptr, last + 1) - start <= BLOCK:
                last += 1
            for e in range(start, entry(ptr, last)):
                store(work, (e - start) * lanes, inverse_of(e, read, recurrent))
            for i in range(first, last):
                at = i * lanes
                g, h = load(g0, at), load(h0, at)
                for e in range(entry(ptr, i), entry(ptr, i + 1)):
                    s = 1 / load(work, (e - start) * lanes)
                    g += entry(w, e) * s
                    h += entry(drive, e) * s
                y_i, kept_i = advance(load(x, at), g, h, load(rate, at))
                store(y, at, y_i)
                store(kept, at, kept_i)

    @register_jitable
    def add_some(x, neurons, values):
        """Adds the values of some neurons, one after the other, to x."""
        for k in range(len(neurons)):
            at = entry(neurons, k) * lanes
            store(x, at, load(x, at) + load(values, k * lanes))

    return conductances, conductances_vjp, step, add_some


def over_synapses(load, store, gather, lanes, inverse, advance):
    """The same four functions where the lanes are synapses of a sample; ``work`` has room for them all, and
    then for two numbers per neuron. Inlined, all of them: a small network's substep is so short that a call
    with many arrays would take as long.
    """

    @register_jitable(**INLINE)
    def conductances(x, synapses, g0, h0, work, g, h):
        w, _, _, _, slope, shift, drive, _, source, _, ptr = synapses
        for e in range(0, ptr[-1], lanes):
            store(work, e, 1 / inverse(load(slope, e) * gather(x, source, e) + load(shift, e)))
        for i in range(len(ptr) - 1):
            g_i, h_i = entry(g0, i), entry(h0, i)
            for e in range(entry(ptr, i), entry(ptr, i + 1)):
                g_i += entry(w, e) * entry(work, e)
                h_i += entry(drive, e) * entry(work, e)
            g[i], h[i] = g_i, h_i

    @register_jitable(**INLINE)
    def conductances_vjp(by_g, by_h, x, synapses, work, by_x, totals):
        _, _, mu, e_rev, slope, _, _, pull, source, target, ptr = synapses
        size = len(mu)
        for e in range(0, ptr[-1], lanes):
            from_mu = gather(x, source, e) - load(mu, e)
            s, by_h_e = 1 / inverse(load(slope, e) * from_mu), gather(by_h, target, e)
            by_w = s * (gather(by_g, target, e) + load(e_rev, e) * by_h_e)
            by_z = by_w - by_w * s
            accumulate(totals, e, by_w)
            accumulate(totals, size + e, s * by_h_e)
            accumulate(totals, 2 * size + e, by_z)
            accumulate(totals, 3 * size + e, by_z * from_mu)
            store(work, e, load(pull, e) * by_z)
        for e in range(ptr[-1]):
            by_x[source[e]] += work[e]

    @register_jitable(**INLINE)
    def step(x, read, recurrent, g0, h0, rate, work, y, kept):
        size = len(x)
        g, h = work[-2 * size : -size], work[-size:]
        conductances(read, recurrent, g0, h0, work, g, h)
        for i in range(0, size, lanes):
            y_i, kept_i = advance(load(x, i), load(g, i), load(h, i), load(rate, i))
            store(y, i, y_i)
            store(kept, i, kept_i)

    @register_jitable(**INLINE)
    def add_some(x, neurons, values):
        for k in range(len(neurons)):
            x[neurons[k]] += values[k]

    return conductances, conductances_vjp, step, add_some
