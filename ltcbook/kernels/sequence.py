"""A whole sequence in one call: the states forwards, and the derivatives of a loss backwards through time.

``build`` puts the kernel form of a solver and a layout of the lanes together and has numba compile the two
functions. They
write into arrays of the caller, and several threads may each take some of the tiles (the samples of a tile
are computed together). The tiles of a stack of networks stand one behind the other, the same number of each
network, and a tile is computed with the constants and the synapses of its own network.
"""

import numpy as np
from numba.extending import register_jitable

from . import gates, lanes
from .cache import compiled

LANES = 16


def build(solver, dtype, across):
    """(forward, backward) for a ``solvers.Solver`` with a kernel form and a dtype, across "batch" or
    "synapses".
    """
    L = LANES
    load, store, gather = lanes.lanes_of(L)
    layout = gates.over_batch if across == "batch" else gates.over_synapses
    conductances, conductances_vjp = layout(load, store, gather, L)
    rules = solver.kernel(gates.exp, gates.expm1)
    step, back = (register_jitable(forceinline=True)(rule) for rule in rules)
    ahead = solver.ahead
    real = np.dtype(dtype).type

    of_network = gates.of_network

    def forward(first, last, each, u, dt, neurons, recurrents, sensories, substeps, every, states):
        """states[tile, 0] is given; state s goes to states[tile, s // every] where ``every`` divides s.
        each: tiles per network.
        """
        size, T = neurons[0].shape[1], u.shape[1]
        longest = max(recurrents.w.shape[1], sensories.w.shape[1])
        open_ = np.empty(longest * (L if across == "batch" else 1), real)
        for tile in range(first, last):
            c, leak_g, leak_h = neurons[0][tile // each], neurons[1][tile // each], neurons[2][tile // each]
            recurrent, sensory = of_network(recurrents, tile // each), of_network(sensories, tile // each)
            x, y, before, at, g, h, g0, h0 = np.zeros((8, size), real)
            x[:], g[:] = states[tile, 0], 1
            for t in range(T):
                # what stands still while an input is held: the leak and the sensory synapses
                conductances(u[tile, t], sensory, leak_g, leak_h, open_, g0, h0)
                step_dt = load(dt, (tile * T + t) * L) / substeps
                before[:] = x
                for k in range(substeps):
                    s = t * substeps + k + 1
                    if ahead:
                        for i in range(0, size, L):
                            x_i = load(x, i)
                            store(at, i, x_i * 1.5 - load(before, i) * 0.5)
                            store(before, i, x_i)
                    conductances(at if ahead else x, recurrent, g0, h0, open_, g, h)
                    for i in range(0, size, L):
                        store(y, i, step(load(x, i), load(g, i), load(h, i), load(c, i), step_dt))
                    x, y = y, x
                    if s % every == 0:
                        states[tile, s // every] = x

    def backward(
        first,
        last,
        each,
        by_y,
        states,
        u,
        dt,
        neurons,
        recurrents,
        sensories,
        substeps,
        by_u,
        by_x0,
        by_neurons,
        sums,
        sums_in,
    ):
        """From by_y, the derivative by the state after each input, those by inputs, x0 and parameters.

        The states are at hand; gates are computed again, which costs less than to keep them.
        """
        size, T = neurons[0].shape[1], u.shape[1]
        wide, longest = L if across == "batch" else 1, (recurrents.w.shape[1], sensories.w.shape[1])
        open_, open_in = np.empty(longest[0] * wide, real), np.empty(longest[1] * wide, real)
        work = np.empty(max(longest), real)
        for tile in range(first, last):
            c, leak_g, leak_h = neurons[0][tile // each], neurons[1][tile // each], neurons[2][tile // each]
            e_leak = neurons[3][tile // each]
            recurrent, sensory = of_network(recurrents, tile // each), of_network(sensories, tile // each)
            by_next, by_x, carry, by_at, at, g, h, g0, h0, by_g, by_h = np.zeros((11, size), real)
            all_g, all_h, all_c, all_leak = np.zeros((4, size), real)
            g[:] = 1
            for t in range(T - 1, -1, -1):
                conductances(u[tile, t], sensory, leak_g, leak_h, open_in, g0, h0)
                step_dt = load(dt, (tile * T + t) * L) / substeps
                all_g[:], all_h[:], all_c[:], all_leak[:] = 0, 0, 0, 0  # sums over the substeps of this input
                by_next += by_y[tile, t]
                for k in range(substeps - 1, -1, -1):
                    s = t * substeps + k
                    x, y, before = states[tile, s], states[tile, s + 1], states[tile, s - min(k, 1)]
                    if ahead:
                        for i in range(0, size, L):
                            store(at, i, load(x, i) * 1.5 - load(before, i) * 0.5)
                    conductances(at if ahead else x, recurrent, g0, h0, open_, g, h)
                    for i in range(0, size, L):
                        into_x, into_g, into_h, into_c = back(
                            load(by_next, i),
                            load(y, i),
                            load(x, i),
                            load(g, i),
                            load(h, i),
                            load(c, i),
                            step_dt,
                        )
                        store(by_x, i, into_x + load(carry, i))
                        store(by_g, i, into_g)
                        store(by_h, i, into_h)
                        store(all_g, i, load(all_g, i) + into_g)
                        store(all_h, i, load(all_h, i) + into_h)
                        store(all_c, i, load(all_c, i) + into_c)
                        store(all_leak, i, load(all_leak, i) + (into_g + load(e_leak, i) * into_h))
                    if ahead:  # the gates saw (3 x - before) / 2; in the first substep both are x
                        by_at[:] = 0
                        conductances_vjp(by_g, by_h, at, recurrent, open_, work, by_at, sums[tile])
                        for i in range(0, size, L):
                            share = load(by_at, i) * (0.5 if k else 0.0)
                            store(by_x, i, load(by_x, i) + load(by_at, i) + share)
                            store(carry, i, -1 * share)
                    else:
                        conductances_vjp(by_g, by_h, x, recurrent, open_, work, by_x, sums[tile])
                    by_next[:] = by_x
                conductances_vjp(
                    all_g, all_h, u[tile, t], sensory, open_in, work, by_u[tile, t], sums_in[tile]
                )
                for i in range(0, size, L):
                    lanes.accumulate(by_neurons, (tile * 3) * size + i, load(all_c, i))
                    lanes.accumulate(by_neurons, (tile * 3 + 1) * size + i, load(all_leak, i))
                    lanes.accumulate(by_neurons, (tile * 3 + 2) * size + i, load(all_h, i))
            by_x0[tile] = by_next

    key = (solver.name, ahead, real.__name__, across, L)
    return compiled(forward, key, solver.kernel), compiled(backward, key, solver.kernel)
