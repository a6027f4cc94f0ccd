"""An LTC on the list of its synapses: the numbers of the dense cell, and its gradients where synapses are."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from strategies import random_input, random_wiring, seeds, to_torch

from ltcbook import dynamics, simulate, wiring
from ltcbook.dynamics import CTRNN, LTC, EdgeLTC

ROUNDING = dict(rtol=1e-12, atol=1e-12)


def case(seed, *batch):
    rng = np.random.default_rng(seed)
    net = random_wiring(rng)
    cell = LTC.random(net, rng=rng)
    cell = replace(cell, e_rev=cell.e_rev * rng.uniform(0.4, 2.5, cell.e_rev.shape))  # not only -1 and +1
    return cell, rng.uniform(-1, 1, (*batch, net.n)), random_input(rng, cell, *batch)


@given(seed=seeds)
def test_every_function_of_the_dynamics_gives_the_dense_numbers(seed):
    cell, x, u = case(seed, 3)
    few = EdgeLTC.of(cell)
    assert (few.n, few.m) == (cell.n, cell.m)
    for function in (dynamics.time_constant, dynamics.effective_equilibrium, dynamics.jacobian):
        np.testing.assert_allclose(function(x, u, few), function(x, u, cell), **ROUNDING)
    for step in (dynamics.fused_step, dynamics.exponential_step):
        np.testing.assert_allclose(step(x, u, few, 0.3), step(x, u, cell, 0.3), **ROUNDING)
    again = to_torch(cell)
    x, u = torch.tensor(x), None if u is None else torch.tensor(u)
    np.testing.assert_allclose(
        dynamics.vector_field(0, x, u, EdgeLTC.of(again)), dynamics.vector_field(0, x, u, again), **ROUNDING
    )
    np.testing.assert_allclose(
        dynamics.jacobian(x, u, EdgeLTC.of(again)), dynamics.jacobian(x, u, again), **ROUNDING
    )


@pytest.mark.parametrize("method", simulate.METHODS)
def test_trajectories_and_gradients_are_those_of_the_dense_cell(method):
    rng = np.random.default_rng(0)
    net = wiring.auto_ncp(9, 2, sensory=3, rng=rng)
    cell = to_torch(LTC.random(net, rng=rng))
    leaves = [
        getattr(cell, name).requires_grad_()
        for name in ("c", "g_leak", "e_leak", "w", "gamma", "mu", "e_rev", "w_in")
    ]
    u, x0 = torch.tensor(rng.normal(size=(2, 5, 3))), torch.zeros(2, 9, dtype=torch.float64)
    whole = [simulate.simulate(c, u, x0, 0.4, method=method, substeps=2) for c in (cell, EdgeLTC.of(cell))]
    torch.testing.assert_close(*whole, **ROUNDING)
    dense, few = (torch.autograd.grad((x**2).sum(), leaves) for x in whole)
    for name, a, b in zip(
        ("c", "g_leak", "e_leak", "w", "gamma", "mu", "e_rev", "w_in"), few, dense, strict=True
    ):
        exists = {"w_in": net.adjacency_in}.get(name, net.adjacency) if a.ndim == 2 else np.ones(9, bool)
        torch.testing.assert_close(a, b * torch.tensor(exists), **ROUNDING)
    # where the list has nothing to say
    assert float(dense[3][torch.tensor(~net.adjacency)].abs().max()) > 1e-3


def test_a_list_of_ones_own_may_hold_synapses_of_weight_zero():
    cell, x, u = case(3)
    everywhere = tuple(np.indices((cell.n, cell.n)).reshape(2, -1)) + (
        tuple(np.indices((cell.n, cell.m)).reshape(2, -1)) if cell.m else (None, None)
    )
    few = EdgeLTC.of(cell, everywhere)
    assert few.w.shape == (cell.n**2,)
    np.testing.assert_allclose(few.terms(x, u), cell.terms(x, u), **ROUNDING)


def test_float32_stays_float32():
    cell, x, u = case(1)
    few = EdgeLTC.of(to_torch(cell, torch.float32))
    g, h = few.terms(torch.tensor(x).float(), None if u is None else torch.tensor(u).float())
    assert g.dtype == h.dtype == torch.float32


@pytest.mark.parametrize(
    "cell", [None, CTRNN(tau=[1], w=[[0]], b=[0]), LTC([1], [1], [0], *[np.ones((2, 1, 1))] * 4)]
)
def test_only_one_ltc_can_stand_on_a_list(cell):
    with pytest.raises(ValueError, match=f"cell is {type(cell).__name__}; only one dynamics.LTC"):
        EdgeLTC.of(cell)


@given(seed=seeds)
def test_a_held_input_is_one_more_leak(seed):
    cell, x, u = case(seed, 3)
    few = EdgeLTC.of(cell)
    held = few.holding(u)
    assert held.m == 0 and held.g_leak.shape == (x.shape if cell.m else x.shape[-1:])
    np.testing.assert_allclose(held.terms(x), cell.terms(x, u), **ROUNDING)


def test_a_neuron_whose_leak_has_shrunk_to_nothing_may_have_no_synapse():
    cell, x, u = case(0, 3)
    few = EdgeLTC.of(replace(cell, w=0 * cell.w, w_in=0 * cell.w_in))
    few = replace(few, g_leak=0 * few.g_leak)  # in training no boundary looks at it
    np.testing.assert_array_equal(few.holding(u).terms(x), few.terms(x, u))


def test_inputs_are_read_once_while_they_are_held(monkeypatch):
    cell, x, u = case(0, 3)
    few, read, original = EdgeLTC.of(cell), [], EdgeLTC.sensory
    monkeypatch.setattr(EdgeLTC, "sensory", lambda self, u: read.append(1) or original(self, u))
    simulate.simulate(few, np.stack(4 * [u], -2), x, 0.3, method="rk4", substeps=5)
    assert cell.m and len(read) == 4


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_a_list_may_be_empty(kind):
    cell, x, u = case(0, 3)
    bare = {f: kind(getattr(cell, f)) for f in vars(cell)} | {
        "w": kind(0 * cell.w),
        "w_in": kind(0 * cell.w_in),
    }
    few, x, u = EdgeLTC.of(LTC(**bare)), kind(x), kind(u)
    assert len(few.w) == len(few.w_in) == 0
    for g, h in (few.terms(x, u), few.holding(u).terms(x)):
        np.testing.assert_allclose(g, 0 * x + few.g_leak, **ROUNDING)
        np.testing.assert_allclose(h, 0 * x + few.g_leak * few.e_leak, **ROUNDING)


def test_vmap_goes_over_a_list():
    cell, x, u = case(0, 3)
    few, x, u = EdgeLTC.of(to_torch(cell)), torch.tensor(x), torch.tensor(u)
    for a, b in zip(torch.vmap(few.terms)(x, u), few.terms(x, u), strict=True):
        torch.testing.assert_close(a, b, **ROUNDING)
