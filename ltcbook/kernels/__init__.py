"""The fast paths of LTC networks: a whole sequence in one call, compiled by numba or by Triton.

``dynamics`` and ``simulate`` stay the definition; everything here gives their numbers. From the bottom:
``lanes`` (several numbers at once), ``gates`` (synapses), ``sequence`` (time, forwards and backwards, for the
kernel form of a solver), ``sparse`` (lists of synapses), ``call`` (NumPy arrays), ``windows`` (a long
sequence in pieces, side by side), ``autograd`` (torch tensors), ``cache`` (code on disk). numba is optional;
neither it nor torch is imported before it is asked to compute, or whether it can. For a GPU there are two:
``triton_gates``, ``triton_sequence`` and ``triton_call`` are the same for Triton, also optional; ``parallel``
takes all times at once, in plain torch.

>>> from ltcbook import kernels
>>> kernels.missing(solvers.SOLVERS["fused"], "float16")
'it computes in float32 or float64, not in float16'
"""

from __future__ import annotations

import time
import warnings
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..solvers import SOLVERS
from ..validation import brief

if TYPE_CHECKING:
    from types import ModuleType

    from ..solvers import Solver

DTYPES = ("float32", "float64")
LOADED = time.time()  # the files of this package were read then or later
_said: set[str] = set()


def missing(solver: Solver, dtype: object) -> str | None:
    """Why the kernels cannot serve this ``solvers.Solver`` and dtype (NumPy's, torch's or its name), in
    words; None: they can.
    """
    return unknown(solver, dtype) or without_compiler()


def unknown(solver: Solver, dtype: object) -> str | None:
    """``missing``, wherever numba compiles."""
    dtype = str(dtype).removeprefix("torch.")
    if solver.kernel is None:
        known = ", ".join(name for name, other in SOLVERS.items() if other.kernel)
        return f"it has no solver {brief(solver.name)}, only {known}"
    if dtype not in DTYPES:
        return f"it computes in {' or '.join(DTYPES)}, not in {dtype}"
    return None


def without_compiler() -> str | None:
    """Why numba compiles nothing here, in words; None: it does. numba is loaded to be asked: it refuses
    some versions of others.
    """
    if not find_spec("numba"):
        return "the package numba is not installed (pip install numba)"
    config, problem = _numba()
    if config and config.DISABLE_JIT:
        return "the package numba compiles nothing here (NUMBA_DISABLE_JIT is set)"
    return problem


@cache
def _numba() -> tuple[ModuleType | None, str | None]:
    """numba's settings, or None and why it cannot be loaded."""
    try:
        from numba.core import config
    except Exception as error:  # e.g. a NumPy that is newer than it knows
        return None, f"the package numba cannot be loaded ({type(error).__name__}: {brief(str(error), 200)})"
    return config, None


def warn_once(problem: str) -> None:
    """Say once what numba would bring, given why it compiles nothing."""
    if not _said:
        _said.add(problem)
        warnings.warn(f"LTC networks run on the slow path: {problem}.", stacklevel=2)
