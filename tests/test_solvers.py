"""What every solver promises, asked of each one in the table: a new solver is tested by standing there."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ltcbook import dynamics, wiring
from ltcbook.solvers import SOLVERS, Solver

EVERY = pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
AFFINE = pytest.mark.parametrize(
    "solver", [one for one in SOLVERS.values() if one.affine], ids=lambda one: one.name
)
KERNEL = pytest.mark.parametrize(
    "solver", [one for one in SOLVERS.values() if one.kernel], ids=lambda one: one.name
)
ROUNDING = dict(rtol=1e-12, atol=1e-13)


class Frozen:
    """Neurons whose conductance and drive do not depend on their state: c dx/dt = h - g x, tau = c / g."""

    def __init__(self, c, g, h):
        self.c, self.g, self.h, self.n, self.m, self.w = c, g, h, len(c), 0, np.zeros((len(c), len(c)))

    def terms(self, x, u=None):
        return self.g + 0 * x, self.h + 0 * x


def frozen(seed=0, n=6):
    rng = np.random.default_rng(seed)
    c, g, h = rng.uniform(0.4, 2, n), rng.uniform(0.3, 4, n), rng.normal(size=n)
    return Frozen(c, g, h), rng.normal(size=n), 0.3


def circuit(seed=0):
    rng = np.random.default_rng(seed)
    cell = dynamics.LTC.random(wiring.auto_ncp(10, 2, sensory=3, rng=rng), rng=rng)
    return cell, rng.uniform(-1, 1, 10), rng.normal(size=3)


def run(solver, cell, x, u, dt, parts):
    """The state after `parts` steps that take dt together."""
    before = None
    for _ in range(parts):
        before, x = x, solver.step(x, u, cell, dt / parts, before)
    return x


def test_a_solver_stands_under_its_own_name():
    assert all(isinstance(solver, Solver) and solver.name == name for name, solver in SOLVERS.items())


@EVERY
def test_the_error_falls_with_the_order_that_the_solver_states(solver):
    cell, x, u = circuit()
    calm = replace(cell, c=10 * cell.c)  # no step is long beside its time constants
    fine = run(SOLVERS["rk4"], calm, x, u, 4.0, 2000)
    parts = np.array([8, 16, 32] if solver.order == 4 else [128, 256, 512])
    errors = [np.abs(run(solver, calm, x, u, 4.0, int(k)) - fine).max() for k in parts]
    slope = np.polyfit(np.log(4.0 / parts), np.log(errors), 1)[0]
    assert abs(slope - solver.order) < 0.25


@EVERY
def test_the_gates_are_read_as_often_as_the_solver_states(solver, monkeypatch):
    cell, x, u = circuit()
    reads, terms = [], dynamics.LTC.terms
    monkeypatch.setattr(dynamics.LTC, "terms", lambda *given: reads.append(1) or terms(*given))
    solver.step(x, u, cell, 0.1)
    assert len(reads) == solver.reads


@EVERY
def test_bounds_are_kept_by_those_who_say_so_and_by_no_other(solver):
    left = 0
    for seed in range(40):
        cell, x, u = circuit(seed)
        low = min(cell.e_leak.min(), -1.0) - 1e-12
        high = max(cell.e_leak.max(), 1.0) + 1e-12
        for dt in (0.5, 3.0, 20.0):
            y = run(solver, cell, np.clip(x, low, high), u, dt * 4, 4)
            left += bool(((y < low) | (y > high)).any())
    assert (left == 0) == solver.keeps_bounds


@EVERY
def test_only_a_solver_that_looks_ahead_asks_for_the_state_before(solver):
    cell, x, u = circuit()
    alone, with_one = (solver.step(x, u, cell, 0.3, before) for before in (None, x - 0.1))
    assert np.array_equal(alone, with_one) != solver.ahead


@AFFINE
def test_the_affine_form_is_the_step_with_frozen_gates(solver):
    cell, x, dt = frozen()
    given = [torch.tensor(value) for value in (x, cell.g, cell.h, dt / cell.c)]
    a, new = solver.affine(*given)
    np.testing.assert_allclose(new.numpy(), solver.step(x, None, cell, dt), **ROUNDING)
    other = x + 0.7
    moved = solver.affine(torch.tensor(other), *given[1:])[1]
    np.testing.assert_allclose((moved - new).numpy(), a.numpy() * (other - x), **ROUNDING)


@KERNEL
def test_the_kernel_form_is_the_step_and_its_derivative_with_frozen_gates(solver):
    cell, x, dt = frozen()
    step, back = solver.kernel(lambda z: -np.expm1(-z))
    y, kept = step(x, cell.g, cell.h, dt / cell.c)
    np.testing.assert_allclose(y, solver.step(x, None, cell, dt), **ROUNDING)

    leaves = [torch.tensor(value, requires_grad=True) for value in (x, cell.g, cell.h, cell.c)]
    formula, _ = solver.kernel(lambda z: -torch.expm1(-z))
    x_, g, h, c = leaves
    by_y = np.random.default_rng(1).normal(size=len(x))
    true = torch.autograd.grad((formula(x_, g, h, dt / c)[0] * torch.tensor(by_y)).sum(), leaves)
    by_x, by_g, by_h, by_log_c = back(by_y, y, x, kept, dt / cell.c)
    for slope, expected in zip((by_x, by_g, by_h, by_log_c / cell.c), true, strict=True):
        np.testing.assert_allclose(slope, expected.numpy(), rtol=1e-10, atol=1e-12)
