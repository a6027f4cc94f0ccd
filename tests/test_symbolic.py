"""Symbols: their names, their assumptions, and that formulas turn into the numbers of the numeric cell."""

from dataclasses import fields

import numpy as np
import pytest
import sympy as sp
from strategies import random_cell

from ltcbook import dynamics, symbolic
from ltcbook.dynamics import CTRNN, LTC, LTC2021

KINDS = pytest.mark.parametrize("kind", [LTC, LTC2021, CTRNN])


def all_symbols(cell):
    arrays = [getattr(cell, f.name) for f in fields(cell)]
    return [s for array in arrays if array is not None for s in array.ravel()]


@KINDS
def test_every_symbol_has_its_own_name_even_from_eleven_neurons_on(kind):
    # without a comma w_{1,11} and w_{11,1} would both read w_111
    names = [
        str(s) for s in [*all_symbols(symbolic.cell(kind, 12, 12)), *symbolic.state(12), *symbolic.inputs(12)]
    ]
    assert len(names) == len(set(names))
    assert (
        "w_{1,11}" in names
        and "w_{11,1}" in names
        and r"w_{2,3}^{\mathrm{in}}" in names
        and "x_{12}" in names
    )


def test_indices_are_target_source():
    cell = symbolic.cell(LTC, 2, 3)
    assert str(cell.w[0, 1]) == "w_{1,2}" and str(cell.w_in[1, 2]) == r"w_{2,3}^{\mathrm{in}}"
    field = dynamics.vector_field(0, symbolic.state(2), symbolic.inputs(3), cell)
    assert sp.Symbol("w_{1,2}", positive=True) in field[0].free_symbols
    assert sp.Symbol("w_{2,1}", positive=True) not in field[0].free_symbols


@KINDS
def test_positive_quantities_are_declared_positive_and_the_rest_real(kind):
    cell = symbolic.cell(kind, 2, 1)
    positive = {LTC: {"c", "g_leak", "w", "gamma", "w_in", "gamma_in"}, LTC2021: {"tau"}, CTRNN: {"tau"}}[
        kind
    ]
    for f in fields(cell):
        for s in getattr(cell, f.name).ravel():
            assert s.is_real and s.is_positive is (True if f.name in positive else None), f.name
    assert all(s.is_real and s.is_positive is None for s in [*symbolic.state(2), *symbolic.inputs(2)])


def test_assumptions_let_sympy_prove_the_bound_on_the_time_constant():
    cell, x = symbolic.cell(LTC, 1), symbolic.state(1)
    slower = cell.c[0] / cell.g_leak[0] - dynamics.time_constant(x, None, cell)[0]
    assert sp.simplify(slower).is_positive


def test_a_synaptic_neuron_reads_like_the_book():
    cell, (x1, x2), (u,) = symbolic.cell(LTC, 2, 1), symbolic.state(2), symbolic.inputs(1)
    real = lambda name: sp.Symbol(name, real=True)
    plus = lambda name: sp.Symbol(name, positive=True)
    sigma = lambda z: 1 / (1 + sp.exp(-z))
    s11 = plus("w_{1,1}") * sigma(plus(r"\gamma_{1,1}") * (x1 - real(r"\mu_{1,1}")))
    s12 = plus("w_{1,2}") * sigma(plus(r"\gamma_{1,2}") * (x2 - real(r"\mu_{1,2}")))
    s_in = plus(r"w_{1,1}^{\mathrm{in}}") * sigma(
        plus(r"\gamma_{1,1}^{\mathrm{in}}") * (u - real(r"\mu_{1,1}^{\mathrm{in}}"))
    )
    expected = (
        plus("g_{1}^L") * (real("E_{1}^L") - x1)
        + s11 * (real("E_{1,1}") - x1)
        + s12 * (real("E_{1,2}") - x1)
        + s_in * (real(r"E_{1,1}^{\mathrm{in}}") - x1)
    ) / plus("c_{1}")
    field = dynamics.vector_field(0, symbolic.state(2), symbolic.inputs(1), cell)
    assert sp.expand(field[0] - expected) == 0


def test_a_sparse_cell_has_no_symbol_and_no_coupling_where_no_synapse_is():
    cell, x = symbolic.cell(LTC, 2, sparse=[[0, 1], [0, 1]]), symbolic.state(2)
    assert cell.w[0, 0] == 0 and cell.w[1, 0] == 0 and str(cell.w[0, 1]) == "w_{1,2}"
    J = dynamics.jacobian(x, None, cell)
    assert J[1, 0] == 0 and J[0, 1] != 0


@KINDS
@pytest.mark.parametrize("m", [0, 2])
def test_substitution_turns_formulas_into_the_numeric_cells_values(kind, m):
    rng = np.random.default_rng(0)
    cell = random_cell(rng, kind, n=3, m=m)
    formulas = symbolic.cell(kind, 3, m)
    pairs = symbolic.substitution(formulas, cell)
    assert set(pairs) == set(all_symbols(formulas))
    x, u = rng.normal(size=3), (rng.normal(size=m) if m else None)
    values = (
        pairs
        | dict(zip(symbolic.state(3), x, strict=True))
        | (dict(zip(symbolic.inputs(m), u, strict=True)) if m else {})
    )
    field = dynamics.vector_field(0, symbolic.state(3), symbolic.inputs(m) if m else None, formulas)
    got = [float(sp.N(e.subs(values), 30)) for e in field]
    # float64 rounding
    np.testing.assert_allclose(got, dynamics.vector_field(0, x, u, cell), rtol=1e-12, atol=1e-12)


def test_substitution_never_leaves_a_synapse_out():
    rng = np.random.default_rng(0)
    dense = random_cell(rng, LTC, n=2, m=0)
    dense = type(dense)(*[getattr(dense, f.name) + 1 for f in fields(dense)[:7]])
    for formulas, cell, message in (
        (
            symbolic.cell(LTC, 2, sparse=[[0, 1], [1, 1]]),
            dense,
            "w has a synapse where the symbolic cell has none",
        ),
        (symbolic.cell(LTC, 3), dense, r"c: the symbolic cell has shape \(3,\), the numeric one \(2,\)"),
        (symbolic.cell(LTC, 2, 1), dense, "w_in: the symbolic cell"),
        (symbolic.cell(LTC, 2), random_cell(rng, LTC, n=2, m=1), "w_in: the symbolic cell"),
    ):
        with pytest.raises(ValueError, match=message):
            symbolic.substitution(formulas, cell)


def test_the_notation_table_holds_every_field_of_every_cell_once():
    rows = symbolic.notation()
    assert all(len(row) == 5 and all(isinstance(entry, str) and entry for entry in row) for row in rows)
    for kind in (LTC, LTC2021, CTRNN):
        assert [row[2] for row in rows if row[0] == kind.__name__] == [f.name for f in fields(kind)]
        symbols = [row[1] for row in rows if row[0] == kind.__name__]
        assert len(symbols) == len(set(symbols)), "one symbol stands for two things"
    assert [row[2] for row in rows if row[0] == "all"] == [
        "x",
        "u",
        "time_constant",
        "effective_equilibrium",
        "terms",
        "gates",
        "jacobian",
    ]
    for _, _, name, _, _ in rows:  # every name in the table exists in the code
        assert (
            name in ("x", "u")
            or hasattr(dynamics, name)
            or hasattr(LTC, name)
            or any(name in kind.__dataclass_fields__ for kind in (LTC, LTC2021, CTRNN))
        )


def test_impossible_symbols_are_refused():
    for call, message in (
        (lambda: symbolic.cell(dict, 2), "no cell class.*dynamics.LTC"),
        (lambda: symbolic.cell(LTC, 0), "n = 0"),
        (lambda: symbolic.cell(LTC, 2, -1), "m = -1"),
        (lambda: symbolic.cell(LTC, 2.0), "n = 2.0"),
        (lambda: symbolic.cell(LTC, 2, sparse=[1, 0]), r"sparse has shape \(2,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
