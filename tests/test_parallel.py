"""All times at once: the sequential solution and its gradients, to rounding, or a warning and the
sequential solution.
"""

import warnings
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from strategies import few, kinds, random_cell, random_input, seeds, to_torch

from ltcbook import simulate
from ltcbook.dynamics import LTC, EdgeLTC
from ltcbook.kernels import parallel
from ltcbook.solvers import SOLVERS

METHODS = pytest.mark.parametrize("method", [name for name, solver in SOLVERS.items() if solver.affine])
# tolerance 1e-13 of the sweeps, some dozen steps, states and gradients of order 1
CLOSE = dict(rtol=1e-11, atol=1e-11)


def case(seed, kind=LTC, T=7, batch=()):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng, kind)
    u = random_input(rng, cell, *batch, T)
    x0, dt = rng.uniform(-1, 1, (*batch, cell.n)), rng.uniform(0.05, 1.5, (*batch, T))
    return to_torch(cell), None if u is None else torch.tensor(u), torch.tensor(x0), torch.tensor(dt)


def never(*_):
    raise AssertionError("the sweeps did not settle")


def solve(cell, u, x0, dt, method, substeps=2, sequential=never):
    return parallel.trajectory(
        cell, u, x0, dt, solver=SOLVERS[method], substeps=substeps, sequential=sequential
    )


@pytest.mark.parametrize("length", [1, 2, 3, 8, 13, 64])
def test_scan_is_the_loop(length):
    generator = torch.Generator().manual_seed(length)
    a, b = torch.randn(2, 3, length, 4, generator=generator, dtype=torch.float64)
    y, loop = torch.zeros(3, 4, dtype=torch.float64), []
    for r in range(length):
        y = a[:, r] * y + b[:, r]
        loop.append(y)
    got = parallel.scan(parallel.products(a), b.clone())
    torch.testing.assert_close(got, torch.stack(loop, 1), rtol=1e-11, atol=1e-11)


@METHODS
@few
@given(seed=seeds, kind=kinds)
def test_trajectories_are_those_of_simulate(method, seed, kind):
    for batch, substeps in (((), 1), ((2,), 3)):
        cell, u, x0, dt = case(seed, kind, batch=batch)
        expected = simulate.simulate(cell, u, x0, dt, method=method, substeps=substeps)
        torch.testing.assert_close(solve(cell, u, x0, dt, method, substeps), expected, **CLOSE)


@METHODS
@few
@given(seed=seeds, kind=kinds)
def test_gradients_are_those_of_simulate(method, seed, kind):
    cell, u, x0, dt = case(seed, kind, batch=(2,))
    names = [f.name for f in fields(cell) if getattr(cell, f.name) is not None]
    leaves = [getattr(cell, name).requires_grad_() for name in names]
    leaves += [v.requires_grad_() for v in (u, x0) if v is not None]
    cell = replace(cell, **dict(zip(names, leaves, strict=False)))
    weight = torch.sin(torch.arange(2 * 7 * cell.n, dtype=torch.float64)).reshape(2, 7, -1)
    whole = simulate.simulate(cell, u, x0, dt, method=method, substeps=2), solve(cell, u, x0, dt, method)
    expected, got = (torch.autograd.grad((x * weight).sum(), leaves, allow_unused=True) for x in whole)
    for a, b in zip(got, expected, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-10 * max([1.0, *b.abs().ravel().tolist()]))


def test_float32_stays_float32_and_close():
    cell, u, x0, dt = case(1, T=200)
    single = replace(
        cell,
        **{f.name: getattr(cell, f.name).float() for f in fields(cell) if getattr(cell, f.name) is not None},
    )
    got = solve(single, None if u is None else u.float(), x0.float(), dt.float(), "fused", 6)
    assert got.dtype == torch.float32
    torch.testing.assert_close(
        got.double(), simulate.simulate(cell, u, x0, dt, substeps=6), rtol=0, atol=3e-6
    )


@METHODS
def test_windows_of_time_join_without_a_seam(method, monkeypatch):
    cell, u, x0, dt = case(2, T=23, batch=(2,))
    monkeypatch.setattr(parallel, "ELEMENTS", 2 * cell.n**2 * 2 * 5)  # five steps of two parts
    leaf = x0.clone().requires_grad_()
    got = solve(cell, u, leaf, dt, method)
    expected = simulate.simulate(cell, u, leaf, dt, method=method, substeps=2)
    torch.testing.assert_close(got, expected, **CLOSE)
    torch.testing.assert_close(
        torch.autograd.grad(got[..., -1, :].sum(), leaf)[0],
        torch.autograd.grad(expected[..., -1, :].sum(), leaf)[0],
        **CLOSE,
    )


def windows(monkeypatch):
    """A list that will hold the steps of every window."""
    seen, original = [], parallel._window
    observed = lambda cell, u, x0, dt, *rest: seen.append(dt.shape[-1]) or original(cell, u, x0, dt, *rest)
    monkeypatch.setattr(parallel, "_window", observed)
    return seen


def test_a_window_is_as_long_as_the_gates_that_are_there_allow(monkeypatch):
    cell, u, x0, dt = case(2, T=24, batch=(2,))
    there = torch.rand(cell.w.shape, generator=torch.Generator().manual_seed(0)) < 0.5
    cell = replace(cell, w=cell.w * there)
    few, seen = EdgeLTC.of(cell), windows(monkeypatch)
    assert cell.n <= len(few.w) < cell.n**2
    for one, gates in ((cell, cell.n**2), (few, len(few.w))):
        monkeypatch.setattr(parallel, "ELEMENTS", 2 * 2 * 6 * gates)  # two samples, two parts, six steps
        solve(one, u, x0, dt, "fused")
    assert seen == 8 * [6]


def test_inputs_are_read_once_in_a_window(monkeypatch):
    cell, u, x0, dt = case(2, T=12, batch=(2,))
    read, original = [], EdgeLTC.sensory
    monkeypatch.setattr(EdgeLTC, "sensory", lambda self, u: read.append(u.shape) or original(self, u))
    solve(EdgeLTC.of(cell), u, x0.requires_grad_(), dt, "fused").sum().backward()
    assert read == [(2, 12, 1, cell.m)]


def test_what_grows_beyond_all_numbers_ends_at_once_and_nothing_at_all_settles():
    calls, one = [], torch.ones(3, 2)
    for bad in (float("nan"), float("inf")):
        assert parallel._settle(lambda y, bad=bad: calls.append(bad) or y * bad, one) is None
    assert len(calls) == 2
    assert torch.equal(parallel._settle(lambda y: 0 * y, 0 * one), 0 * one)


def test_a_window_that_does_not_settle_is_solved_step_by_step_with_a_warning(monkeypatch):
    cell, u, x0, dt = case(3, T=12)
    monkeypatch.setattr(parallel, "SWEEPS", 2)
    solved = []

    def sequential(u, x0, dt):
        solved.append(dt.shape)
        return simulate.simulate(cell, u, x0, dt, method="fused", substeps=2)

    with pytest.warns(RuntimeWarning, match="1 of 1 windows of time did not converge within 2 sweeps"):
        got = solve(cell, u, x0, dt, "fused", sequential=sequential)
    assert solved == [(12,)]
    torch.testing.assert_close(
        got, simulate.simulate(cell, u, x0, dt, method="fused", substeps=2), rtol=0, atol=0
    )


def test_an_adjoint_that_does_not_settle_is_an_error_not_a_wrong_gradient(monkeypatch):
    cell, u, x0, dt = case(4, T=12)
    cell = replace(cell, w=20 * cell.w + 5)
    x = solve(cell, u, x0.requires_grad_(), dt, "fused")
    monkeypatch.setattr(parallel, "SWEEPS", 1)
    with pytest.raises(RuntimeError, match="adjoint did not settle.*backend='auto'"):
        x.sum().backward()


def test_the_sweeps_always_end_with_the_sequential_solution():
    # each sweep makes at least one more step exact, so R steps need at most R + 1 sweeps, however strong the
    # loops are
    cell, u, x0, dt = case(5, T=30)
    cell = replace(cell, w=100 * cell.w + 30, gamma=3 * cell.gamma)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = solve(cell, u, x0, dt, "fused", 1)
    torch.testing.assert_close(got, simulate.simulate(cell, u, x0, dt), rtol=1e-9, atol=1e-9)


def test_second_derivatives_are_refused():
    cell, u, x0, dt = case(6)
    x = solve(cell, u, x0.requires_grad_(), dt, "fused")
    with pytest.raises(RuntimeError, match="second derivatives.*backend='reference'"):
        torch.autograd.grad(x.sum(), x0, create_graph=True)


@METHODS
@pytest.mark.parametrize("changed", ["u", "x0", "dt", "w", "gamma", "mu", "e_rev", "g_leak", "c"])
def test_what_changes_in_place_before_the_backward_pass_is_refused_or_changes_nothing(method, changed):
    cell, u, x0, dt = case(6)
    leaf = cell.e_leak.requires_grad_()
    (true,) = torch.autograd.grad(solve(cell, u, x0, dt, method).square().sum(), leaf)
    loss = solve(cell, u, x0, dt, method).square().sum()
    value = {"u": u, "x0": x0, "dt": dt}[changed] if changed in ("u", "x0", "dt") else getattr(cell, changed)
    value.mul_(0.5)
    try:
        (slope,) = torch.autograd.grad(loss, leaf)
    except RuntimeError as error:
        assert "modified by an inplace operation" in str(error)
    else:
        torch.testing.assert_close(slope, true, rtol=1e-12, atol=1e-12)
