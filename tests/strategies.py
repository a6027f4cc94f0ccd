"""Random wirings and cells for the tests. Every draw follows from one seed, so a failure names what to
reproduce.

Nothing is 1 by accident: capacitances, time constants and conductances are drawn away from it, so that a
forgotten factor or bracket shows.
"""

import os
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st

from ltcbook import dynamics, wiring

# One fixed set of examples, so that a run means the same everywhere; HYPOTHESIS_EXAMPLES=1000 draws that many
# new ones.
fresh = int(os.environ.get("HYPOTHESIS_EXAMPLES", 0))
settings.register_profile("book", deadline=None, derandomize=not fresh, max_examples=fresh or 100)
settings.load_profile("book")
few = settings(max_examples=fresh or 30)  # for examples that cost more than some milliseconds

seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from([dynamics.LTC, dynamics.LTC2021, dynamics.CTRNN])


def random_ncp(rng, largest=7):
    """A neural circuit policy of random sizes, by either rule."""
    sensory, inter, command, motor = rng.integers(1, largest, 4)
    return wiring.ncp(
        sensory=sensory,
        inter=inter,
        command=command,
        motor=motor,
        sensory_fan_out=rng.integers(1, inter + 1),
        inter_fan_out=rng.integers(1, command + 1),
        recurrent=rng.integers(0, 2 * command),
        motor_fan_in=rng.integers(1, command + 1),
        rng=rng,
        rule=rng.choice(["ncps", "paper"]),
    )


def random_wiring(rng):
    """An NCP or an unlayered network, with or without autapses and inputs."""
    choice = rng.integers(3)
    if choice == 0:
        return random_ncp(rng)
    n, sensory = rng.integers(1, 8), rng.integers(0, 4)
    if choice == 1:
        return wiring.fully_connected(n, sensory=sensory, autapses=bool(rng.integers(2)), rng=rng)
    return wiring.random_sparse(n, sensory=sensory, sparsity=rng.uniform(), rng=rng)


def random_cell(rng, kind=dynamics.LTC, n=None, m=None, extreme=False):
    """A cell of this class. extreme: capacitances, conductances and slopes over many orders of magnitude,
    slopes of both signs, reversal potentials far from +-1.
    """
    n, m = n or int(rng.integers(1, 6)), int(rng.integers(0, 4)) if m is None else m
    normal = lambda *shape: rng.normal(size=shape)
    if kind is dynamics.LTC:
        cell = dynamics.LTC.random(wiring.random_sparse(n, sensory=m, sparsity=0.3, rng=rng), rng=rng)
        if extreme:
            power = lambda name: getattr(cell, name) * 10 ** rng.uniform(-3, 3, getattr(cell, name).shape)
            changes = {name: power(name) for name in ("c", "g_leak", "w", "w_in", "e_rev", "e_rev_in")}
            changes["gamma"] = power("gamma") * rng.choice([-1, 1], (n, n))
            cell = replace(cell, **changes)
        return cell
    tau, w, b = rng.uniform(0.2, 3, n), 1.5 * normal(n, n), normal(n)
    w_in = normal(n, m) if m else None
    if kind is dynamics.LTC2021:
        return dynamics.LTC2021(tau=tau, A=2 * normal(n), w=w, b=b, w_in=w_in)
    return dynamics.CTRNN(tau=tau, w=w, b=b, w_in=w_in)


def random_input(rng, cell, *batch):
    """u, (*batch, m), or None for a cell without inputs."""
    return rng.normal(size=(*batch, cell.m)) if cell.m else None


def to_torch(cell, dtype=torch.float64):
    """The same cell on torch tensors."""
    tensors = {f.name: getattr(cell, f.name) for f in fields(cell)}
    return type(cell)(
        **{name: None if v is None else torch.tensor(v, dtype=dtype) for name, v in tensors.items()}
    )


def cast(cell, dtype):
    """The same cell in another NumPy precision."""
    return replace(
        cell,
        **{
            f.name: getattr(cell, f.name).astype(dtype)
            for f in fields(cell)
            if getattr(cell, f.name) is not None
        },
    )


def inside(rng, bounds, count):
    """Random states of a box (lo, hi), its corners and faces among them, (count, n)."""
    lo, hi = bounds
    share = rng.choice([0, 1, np.nan], (count, lo.size), p=[0.15, 0.15, 0.7])
    share = np.where(np.isnan(share), rng.uniform(size=share.shape), share)
    return lo + share * (hi - lo)


def two_targets(*, a=(1.0, 1.0), w=0.0, W=0.0, s=0.5, E=1.0, c=(1.0, 1.0), leak=(0.0, 0.0)):
    """The network of the published proofs: a held source i drives j = 0 with w and k = 1 with W.

    The source is an input u = 0 whose gates stand at s, so x_j and x_k are the only states; a = g_leak / c.
    """
    a, c = np.broadcast_to(a, 2).astype(float), np.broadcast_to(c, 2).astype(float)
    zero = np.zeros((2, 2))
    gate = np.log(s / (1 - s))  # sigmoid(1 * (0 + gate)) = s
    column = lambda *values: np.array(values, float).reshape(2, 1)
    return dynamics.LTC(
        c,
        a * c,
        np.broadcast_to(leak, 2),
        zero,
        zero,
        zero,
        zero,
        column(w, W),
        column(1, 1),
        column(-gate, -gate),
        column(E, E),
    )


def assert_same(left, right, *, rel):
    """Equal words, and numbers to rounding (relative, for a solver that explodes may reach millions)."""
    if isinstance(right, dict):
        assert left.keys() == right.keys()
        for key in right:
            assert_same(left[key], right[key], rel=rel)
    elif isinstance(right, list):
        assert len(left) == len(right)
        for a, b in zip(left, right, strict=True):
            assert_same(a, b, rel=rel)
    elif isinstance(right, str) or right is None:
        assert left == right
    else:
        assert left == pytest.approx(right, rel=rel, abs=1e-9)
