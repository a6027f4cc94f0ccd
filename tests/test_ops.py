"""The dispatched functions: one meaning on NumPy arrays, torch tensors and arrays of SymPy symbols."""

import subprocess
import sys

import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import given
from hypothesis import strategies as st

from ltcbook import ops

FUNCTIONS = {"exp": ops.exp, "tanh": ops.tanh, "sigmoid": ops.sigmoid, "softplus": ops.softplus}
# what the functions are, in 40 digits: SymPy's own arithmetic knows nothing of ltcbook
EXACT = {
    "exp": sp.exp,
    "tanh": sp.tanh,
    "sigmoid": lambda z: 1 / (1 + sp.exp(-z)),
    "softplus": lambda z: sp.log(1 + sp.exp(z)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(values=st.lists(st.floats(-60, 60), min_size=1, max_size=5))
def test_numpy_torch_and_sympy_agree_with_forty_digits(name, values):
    exact = np.array([float(EXACT[name](sp.Float(v, 40))) for v in values])
    symbolic = FUNCTIONS[name](np.array([sp.Float(v, 40) for v in values], dtype=object))
    for got in (
        FUNCTIONS[name](np.array(values)),
        FUNCTIONS[name](torch.tensor(values, dtype=torch.float64)).numpy(),
        symbolic.astype(float),
    ):
        # a few units in the last place of float64 (2e-16): each function is a handful of rounded operations
        np.testing.assert_allclose(got, exact, rtol=2e-15, atol=0)


def test_softplus_is_not_cut_off_at_torchs_threshold():
    z = torch.tensor([19.0, 21.0, 30.0, 45.0], dtype=torch.float64)
    # half an ulp of 45
    np.testing.assert_allclose((ops.softplus(z) - z).numpy(), np.log1p(np.exp(-z.numpy())), atol=4e-15)


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "tanh"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows_at_a_thousand(name, dtype):
    limits = {"sigmoid": [0, 1], "softplus": [0, 1000], "tanh": [-1, 1]}[name]
    z = np.array([-1000, 1000], dtype)
    with np.errstate(all="raise", under="ignore"):
        got = FUNCTIONS[name](z)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, limits)
    np.testing.assert_array_equal(FUNCTIONS[name](torch.tensor(z)).numpy(), limits)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_precision_and_shape_stay(name):
    z = np.linspace(-2, 2, 6).reshape(2, 3)
    assert FUNCTIONS[name](z.astype(np.float32)).dtype == np.float32
    assert FUNCTIONS[name](torch.tensor(z, dtype=torch.float32)).dtype == torch.float32
    assert FUNCTIONS[name](z.astype(int)).dtype == np.float64  # whole numbers become float64, never float16
    assert FUNCTIONS[name](z).shape == FUNCTIONS[name](z.astype(object) * sp.Integer(1)).shape == (2, 3)


def test_diagonal_matrix_is_the_diagonal_in_every_backend():
    values = np.array([[2.0, 3.0], [5.0, 7.0]])
    expected = np.stack([np.diag(row) for row in values])
    np.testing.assert_array_equal(ops.diagonal_matrix(values), expected)
    np.testing.assert_array_equal(ops.diagonal_matrix(torch.tensor(values)).numpy(), expected)
    symbols = np.array([sp.Symbol("a"), sp.Symbol("b")])
    assert ops.diagonal_matrix(symbols).tolist() == sp.diag(*symbols).tolist()
    assert ops.diagonal_matrix(values.astype(np.float32)).dtype == np.float32


def test_stack_joins_each_backend_along_a_new_axis():
    a, b = np.arange(3.0), np.arange(3.0) + 10
    np.testing.assert_array_equal(ops.stack([a, b], -2), [a, b])
    np.testing.assert_array_equal(ops.stack([torch.tensor(a), torch.tensor(b)], -2).numpy(), [a, b])
    assert ops.stack([a.astype(object), b.astype(object)], -1).shape == (3, 2)


def test_like_takes_over_backend_and_precision():
    assert ops.like(0.1, np.zeros(2, np.float32)).dtype == np.float32
    assert ops.like([0.1, 0.2], torch.zeros(2, dtype=torch.float32)).dtype == torch.float32
    # a step must never become 0 in a whole-number state
    assert ops.like(0.5, torch.zeros(2, dtype=torch.int64)) == 0.5
    assert ops.like(0.5, np.zeros(2, int)) == 0.5
    h = sp.Symbol("h")
    assert ops.like(h, np.zeros(2)).item() is h
    assert ops.like(0.1, np.array([h])).item() == 0.1


def test_neither_torch_nor_sympy_is_imported_before_one_of_their_objects_arrives():
    program = (
        "import sys, numpy as np, ltcbook\n"
        "from ltcbook import ops, wiring, dynamics, simulate, analysis, pruning\n"
        "rng = np.random.default_rng(0); w = wiring.fully_connected(2, sensory=1, rng=rng)\n"
        "cell = dynamics.LTC.random(w, rng=rng); u = np.ones((2, 1))\n"
        "simulate.simulate(cell, u, np.zeros(2), 0.1); analysis.equilibria(cell, u[0], rng=rng)\n"
        "dynamics.jacobian(np.zeros(2), u[0], cell); pruning.prune_and_rewire(w, cell.w, 0.5, rng=rng)\n"
        "ops.softplus(np.zeros(2)), ops.stack([np.zeros(2)], 0), ops.like(0.1, np.zeros(2))\n"
        "print([m for m in ('torch', 'sympy', 'matplotlib') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf8", check=True)
    assert done.stdout.strip() == "[]"
