"""The fast path of LTC networks on a CPU: a whole sequence in one call, compiled by numba.

``dynamics`` and ``simulate`` stay the definition; everything here gives their numbers. From the bottom:
``lanes`` (several numbers at once), ``gates`` (synapses), ``steps`` (a formula per method), ``sequence``
(time, forwards and backwards), ``wires`` (lists of synapses), ``call`` (NumPy arrays), ``autograd`` (torch
tensors), ``cache`` (code on disk). numba is optional; neither it nor torch is imported before it is asked to
compute, or whether it can. ``parallel`` is the other fast path: all times at once, in plain torch, for a GPU.

>>> from ltcbook import kernels
>>> kernels.missing("fused", "float16")
'it computes in float32 or float64, not in float16'
"""

import warnings
from functools import cache
from importlib.util import find_spec

from ..boundary import Diverged, brief

BACKENDS = ("auto", "reference", "numba")
SOLVERS = ("fused", "exponential", "euler", "extrapolated")
DTYPES = ("float32", "float64")
_said = set()


def missing(method, dtype):
    """Why the kernels cannot serve this method of ``simulate`` and dtype (NumPy's, torch's or its name);
    None: they can.
    """
    dtype = str(dtype).removeprefix("torch.")
    if method not in SOLVERS:
        return f"it has no solver {brief(method)}, only {', '.join(SOLVERS)}"
    if dtype not in DTYPES:
        return f"it computes in {' or '.join(DTYPES)}, not in {dtype}"
    return _without_compiler()


def _without_compiler():
    """Why numba compiles nothing here, in words; None: it does. numba is loaded to be asked: it refuses
    some versions of others.
    """
    if not find_spec("numba"):
        return "the package numba is not installed (pip install numba)"
    config, problem = _numba()
    return (
        "the package numba compiles nothing here (NUMBA_DISABLE_JIT is set)"
        if config and config.DISABLE_JIT
        else problem
    )


@cache
def _numba():
    """numba's settings, or None and why it cannot be loaded."""
    try:
        from numba.core import config
    except Exception as error:  # e.g. a NumPy that is newer than it knows
        return None, f"the package numba cannot be loaded ({type(error).__name__}: {brief(str(error), 200)})"
    return config, None


def choose(backend, problem):
    """Whether the kernels run, given why they could not (None: they can). Says once what numba would bring.

    Raises ValueError where ``backend`` insists on them in vain; it names the backend that can.
    """
    if backend == "reference" or (backend == "auto" and problem is not None):
        if backend == "auto" and "the package numba" in problem and not _said:
            _said.add(problem)
            warnings.warn(f"LTC networks run on the slow path: {problem}.", stacklevel=2)
        return False
    if problem is not None:
        raise ValueError(f"backend='numba' cannot serve this call: {problem}; backend='reference' can.")
    return True


def not_finite(method, step):
    """The ``Diverged`` of ``simulate`` and all models for a state that grew beyond the finite numbers in this
    step.

    method: what solved an equation, or None.
    """
    if method is None:
        return Diverged(
            f"the state left the finite numbers in step {step}: take smaller weights or inputs, or an "
            "activation with bounds ('tanh', 'sigmoid')."
        )
    return Diverged(
        f"the {method} solution left the finite numbers in step {step}: take a smaller dt, more substeps, "
        "or a method that keeps bounds ('fused', 'exponential', 'extrapolated')."
    )
