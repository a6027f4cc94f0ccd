"""The same dynamics on SymPy symbols, and the book's notation as data.

A symbolic cell is an ordinary cell whose arrays hold SymPy symbols: ``dynamics`` then returns formulas
instead of numbers.

>>> one = symbolic.cell(dynamics.CTRNN, 1)
>>> dynamics.vector_field(0, symbolic.state(1), None, one)[0]
(-x_{1} + tanh(b_{1} + w_{1,1}*x_{1}))/\\tau_{1}
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .validation import brief, extra

extra("symbolic", "sympy", "symbolic")

import sympy as sp

from . import dynamics

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Kind = TypeVar("Kind", dynamics.LTC, dynamics.LTC2021, dynamics.CTRNN)

STATE = (("x", "x", "state (membrane potential)", "mV"), ("u", "u", "sensory input", "-"))
DERIVED = (
    ("time_constant", r"\tau_{\mathrm{sys}} = c / g", "liquid time constant", "ms"),
    ("effective_equilibrium", r"\tilde A = h / g", "effective equilibrium of one neuron", "mV"),
    ("terms", "g,\\; h", "total conductance and drive", "µS, nA"),
    ("gates", r"s_{ij}", "open share of a synapse", "-"),
    ("jacobian", "J", "Jacobian of the vector field", "1/ms"),
)
POSITIVE = ("c", "g_leak", "tau", "w", "gamma")


def cell(kind: type[Kind], n: int, m: int = 0, *, sparse: ArrayLike | None = None) -> Kind:
    """A cell of class ``kind`` (``dynamics.LTC``, ``LTC2021`` or ``CTRNN``) with n neurons, m inputs, all
    symbols.

    Names carry commas, w_{1,2} for neuron 2 -> 1, counted from 1. c, g_leak, tau, gamma and the conductances
    w of an LTC are declared positive, the rest real. sparse: (n, n) booleans [target, source]; where False, w
    is 0. Raises ValueError for another class or sizes.
    """
    if not isinstance(kind, type) or kind not in (dynamics.LTC, dynamics.LTC2021, dynamics.CTRNN):
        raise ValueError(
            f"no cell class {brief(kind)}; choose dynamics.LTC, dynamics.LTC2021 or dynamics.CTRNN."
        )
    if not (isinstance(n, int) and n >= 1 and isinstance(m, int) and m >= 0):
        raise ValueError(f"n = {brief(n)}, m = {brief(m)}; need whole numbers n >= 1 and m >= 0.")
    values: dict[str, Any] = {}
    shape: tuple[int, ...] | None
    for f in fields(kind):
        if f.default is not MISSING:
            shape = (n, m) if m else None
        else:
            shape = (n, n) if f.name in ("w", "gamma", "mu", "e_rev") else (n,)
        name = f.name.removesuffix("_in")
        positive = name in POSITIVE and (kind is dynamics.LTC or name != "w")
        values[f.name] = None if shape is None else symbols(f.metadata["symbol"], shape, positive=positive)
    if sparse is not None:
        if np.shape(sparse) != (n, n):
            raise ValueError(f"sparse has shape {np.shape(sparse)}; it must be ({n}, {n}), [target, source].")
        values["w"] = np.where(np.asarray(sparse, bool), values["w"], sp.Integer(0))
    return kind(**values)


def state(n: int) -> np.ndarray:
    """The symbols x_1 ... x_n, (n,), real."""
    return symbols("x", (n,))


def inputs(m: int) -> np.ndarray:
    """The symbols u_1 ... u_m, (m,), real."""
    return symbols("u", (m,))


def symbols(latex: str, shape: tuple[int, ...], *, positive: bool = False) -> np.ndarray:
    """An object array of this shape of SymPy symbols named latex_{i} or latex_{i,j}, counted from 1.

    The comma keeps w_{1,11} unambiguous. shape: (n,) or (n, m). positive: declare them positive, else real.
    """
    kind = {"positive": True} if positive else {"real": True}
    stem, _, top = latex.partition("^")
    out = np.empty(shape, dtype=object)
    for at in np.ndindex(*shape):
        index = ",".join(str(k + 1) for k in at)
        out[at] = sp.Symbol(f"{stem}_{{{index}}}" + (f"^{top}" if top else ""), **kind)
    return out


def substitution(
    symbolic_cell: dynamics.LTC | dynamics.LTC2021 | dynamics.CTRNN,
    numeric_cell: dynamics.LTC | dynamics.LTC2021 | dynamics.CTRNN,
) -> dict[sp.Symbol, float]:
    """{symbol: number} that turns formulas of the symbolic cell into values of a numeric cell of the same
    size.

    Raises ValueError for a cell of another size, or with a synapse where the symbolic one has none.
    """
    pairs: dict[sp.Symbol, float] = {}
    for f in fields(symbolic_cell):
        left, right = getattr(symbolic_cell, f.name), getattr(numeric_cell, f.name)
        if np.shape(left) != np.shape(right) and not (left is None and np.size(right) == 0):
            raise ValueError(
                f"{f.name}: the symbolic cell has shape {np.shape(left)}, the numeric one {np.shape(right)}."
            )
        if left is not None:
            if np.any(np.asarray(right)[left == 0]):
                raise ValueError(
                    f"{f.name} has a synapse where the symbolic cell has none: leave out sparse, or match it."
                )
            pairs |= {s: v for s, v in zip(left.flat, np.asarray(right).flat, strict=True) if s != 0}
    return pairs


def notation() -> list[tuple[str, str, str, str, str]]:
    """The notation table: rows (cell, symbol in LaTeX, name in code, unit, meaning), read from the code
    itself.
    """
    rows = [("all", latex, code, unit, meaning) for code, latex, meaning, unit in STATE]
    for kind in (dynamics.LTC, dynamics.LTC2021, dynamics.CTRNN):
        rows += [
            (kind.__name__, f.metadata["symbol"], f.name, f.metadata["unit"], f.metadata["meaning"])
            for f in fields(kind)
        ]
    return rows + [("all", latex, code, unit, meaning) for code, latex, meaning, unit in DERIVED]
