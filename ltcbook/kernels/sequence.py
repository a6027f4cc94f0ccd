"""A whole sequence in one call: the states forwards, and the derivatives of a loss backwards through time.

``build`` puts the kernel form of a solver and a layout of the lanes together and has numba compile the two
functions. They write into arrays of the caller, and several threads may each take some of the tiles (the
samples of a tile are computed together). The tiles of a stack of networks stand one behind the other, the
same number of each network, and a tile is computed with the constants and the synapses of its own network.

How far from the limit is this? Nothing can be faster than the gates alone: one per synapse, substep and
sample forwards, and one more backwards, where it costs less to compute a gate again than to keep it.
``benchmarks/limit.py`` measures how fast a bare loop computes gates, and how much longer the kernels take.
"""

import numpy as np
from numba.extending import register_jitable

from . import gates, lanes, maps, tables, tiles
from .cache import compiled

LANES, MORE = 16, 32  # MORE: for many samples in float32
LINE = 64  # bytes of a line of the cache


def lanes_for(batch, dtype):
    """Lanes for so many samples of a network: ``MORE`` of them share what is done once per synapse, unless
    too many would have no sample.
    """
    padded = {count: -(-batch // count) * count for count in (LANES, MORE)}
    return MORE if np.dtype(dtype) == np.float32 and padded[MORE] <= 1.25 * padded[LANES] else LANES


def reach(dtype):
    """``gates.reach`` compiled, for numbers of the dtype of this name."""
    return compiled(gates.reach, ("reach", dtype))


def tables_for(dtype):
    """``tables.spread``, ``collect``, ``listed`` and ``unlisted`` compiled, for numbers of the dtype of this
    name.
    """
    functions = tables.spread, tables.collect, tables.listed, tables.unlisted
    return tuple(compiled(one, (one.__name__, dtype)) for one in functions)


def maps_for(dtype):
    """``maps.mapped`` and ``maps.summed`` compiled, for numbers of the dtype of this name."""
    return tuple(compiled(one, (one.__name__, dtype)) for one in (maps.mapped, maps.summed))


def tiles_for(dtype):
    """``tiles.assign`` and ``tiles.ends`` compiled, for numbers of the dtype of this name."""
    return tuple(compiled(one, (one.__name__, dtype)) for one in (tiles.assign, tiles.ends))


def build(solver, dtype, across, L, near):
    """(forward, backward) for a ``solvers.Solver`` with a kernel form and a dtype, L lanes across "batch" or
    "synapses". near: whether no gate is ever read farther out than ``gates.FARTHEST``, so that none is
    clamped.
    """
    load, store, gather, _ = lanes.lanes_of(L)
    # of derivatives by constants of neurons: where lanes are samples, their sum is all that is asked
    few = lanes.SIDE if across == "batch" else L
    load_few, store_few, _, fold = lanes.lanes_of(few)
    layout = gates.over_batch if across == "batch" else gates.over_synapses
    rules = solver.kernel(gates.lost)
    advance, back = (register_jitable(forceinline=True)(rule) for rule in rules)
    inverse = gates.inverse if near else gates.clamped_inverse
    conductances, conductances_vjp, step, add_some = layout(load, store, gather, L, inverse, advance)
    of_network = gates.of_network
    ahead = solver.ahead
    real = np.dtype(dtype).type
    per_line = LINE // np.dtype(dtype).itemsize

    @register_jitable
    def rows(count, size):
        """Zeros (count, size) from the start of a line of the cache: lanes across two lines cost twice."""
        room = np.zeros(count * size + per_line, real)
        start = -(room.ctypes.data // room.itemsize) % per_line
        return room[start : start + count * size].reshape(count, size)

    @register_jitable
    def room(size, recurrents, sensories):
        """How many numbers the functions of the layout may put aside."""
        return max(gates.BLOCK * L, max(recurrents.table.shape[2], sensories.table.shape[2]) + 2 * size)

    @register_jitable
    def halfway(x, before, read):
        """read = (3 x - before) / 2, half a step ahead."""
        for i in range(0, len(x), L):
            store(read, i, load(x, i) * 1.5 - load(before, i) * 0.5)

    def forward(first, last, start, each, states, u, dt, neurons, recurrents, sensories, substeps, keep):
        """states[tile - start, 0] is given. keep: what ``backward`` needs and the state follow it, substep by
        substep; else the state after each input. each: tiles per network.
        """
        size, T = neurons[0].shape[1], u.shape[1]
        work = rows(1, room(size, recurrents, sensories))[0]
        for tile in range(first, last):
            network = tile // each
            c, leak_g, leak_h = neurons[0][network], neurons[1][network], neurons[2][network]
            recurrent, sensory = of_network(recurrents, network), of_network(sensories, network)
            a = rows(8, size)  # numba compiles less if rows are named one by one
            between, kept, g0, h0, rate, one, two, three = a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
            mine = states[tile - start]
            x = mine[0]
            for t in range(T):
                # what stands still while an input is held: the leak and the sensory synapses
                conductances(u[tile, t], sensory, leak_g, leak_h, work, g0, h0)
                step_dt = load(dt, (tile * T + t) * L) / substeps
                for i in range(0, size, L):
                    store(rate, i, step_dt / load(c, i))
                before = x
                for k in range(substeps):
                    if keep:
                        row = 2 * (t * substeps + k)
                        kept, y = mine[row + 1], mine[row + 2]
                    elif k == substeps - 1:
                        y = mine[t + 1]
                    else:  # neither x nor the state before it
                        y = one if k % 3 == 0 else two if k % 3 == 1 else three
                    read = x
                    if ahead:
                        read = between
                        halfway(x, before, read)
                    step(x, read, recurrent, g0, h0, rate, work, y, kept)
                    before, x = x, y

    def backward(
        first,
        last,
        start,
        each,
        states,
        u,
        dt,
        neurons,
        recurrents,
        sensories,
        substeps,
        named,
        by_y,
        by_u,
        by_x0,
        by_neurons,
        sums,
        sums_in,
    ):
        """From by_y[tile - start], the derivative by the states of the ``named`` neurons after each input,
        those by inputs, x0 and parameters. The states are at hand, in states[tile - start]; gates are
        computed again, which costs less than to keep them.
        """
        size, T = neurons[0].shape[1], u.shape[1]
        work = rows(1, room(size, recurrents, sensories))[0]
        for tile in range(first, last):
            network = tile // each
            c, e_leak = neurons[0][network], neurons[3][network]
            recurrent, sensory = of_network(recurrents, network), of_network(sensories, network)
            a = rows(11, size)
            by_next, by_x, carry, by_read, read, rate = a[0], a[1], a[2], a[3], a[4], a[5]
            by_g, by_h, all_g, all_h, all_c = a[6], a[7], a[8], a[9], a[10]
            mine = states[tile - start]
            for t in range(T - 1, -1, -1):
                step_dt = load(dt, (tile * T + t) * L) / substeps
                for i in range(0, size, L):
                    store(rate, i, step_dt / load(c, i))
                add_some(by_next, named, by_y[tile - start, t])
                all_g[:], all_h[:], all_c[:] = 0, 0, 0  # sums over the substeps of this input
                for k in range(substeps - 1, -1, -1):
                    row = 2 * (t * substeps + k)
                    x, kept, y = mine[row], mine[row + 1], mine[row + 2]
                    for i in range(0, size, L):
                        into_x, into_g, into_h, into_c = back(
                            load(by_next, i), load(y, i), load(x, i), load(kept, i), load(rate, i)
                        )
                        if ahead:
                            into_x += load(carry, i)
                        store(by_x, i, into_x)
                        store(by_g, i, into_g)
                        store(by_h, i, into_h)
                        store(all_g, i, load(all_g, i) + into_g)
                        store(all_h, i, load(all_h, i) + into_h)
                        at = i // L * few
                        store_few(all_c, at, load_few(all_c, at) + fold(into_c))
                    if ahead:  # the gates saw (3 x - before) / 2; in the first substep both are x
                        halfway(x, mine[row - 2 * min(k, 1)], read)
                        by_read[:] = 0
                        conductances_vjp(by_g, by_h, read, recurrent, work, by_read, sums[tile])
                        for i in range(0, size, L):
                            share = load(by_read, i) * (0.5 if k else 0.0)
                            store(by_x, i, load(by_x, i) + load(by_read, i) + share)
                            store(carry, i, -1 * share)
                    else:
                        conductances_vjp(by_g, by_h, x, recurrent, work, by_x, sums[tile])
                    by_next, by_x = by_x, by_next
                conductances_vjp(all_g, all_h, u[tile, t], sensory, work, by_u[tile, t], sums_in[tile])
                for i in range(0, size, L):
                    leak = load(all_g, i) + load(e_leak, i) * load(all_h, i)
                    at, apart = i // L * few, size // L * few
                    lanes.accumulate(by_neurons[tile], at, load_few(all_c, at))
                    lanes.accumulate(by_neurons[tile], apart + at, fold(leak))
                    lanes.accumulate(by_neurons[tile], 2 * apart + at, fold(load(all_h, i)))
            for i in range(0, size, L):  # numba takes seconds to compile one array's move to another
                store(by_x0[tile], i, load(by_next, i))

    key = (solver.name, ahead, real.__name__, across, L, near)
    for inner in (conductances, conductances_vjp, step, add_some, rows, room, halfway):
        # kernels that other processes have kept are loaded together: the linker knows a function by its name
        inner.__qualname__ += "_" + "_".join(map(str, key))
    return compiled(forward, key, solver.kernel), compiled(backward, key, solver.kernel)
