"""The backends: several ways to compute one and the same trajectory, and the choice between them.

A backend says whether it can serve a ``Call``, and runs it. A new backend is a new file with a class of its
own, and one line in the table below.

>>> from ltcbook import backends
>>> one = dynamics.CTRNN(tau=[2.0], w=[[0.0]], b=[0.0])  # dx/dt = -x / 2
>>> call = backends.Call(backends.Cell(one), None, np.ones(1), np.ones(2),
...                      solvers.SOLVERS["rk4"], substeps=20)
>>> backends.choose("auto", call).name
'reference'
>>> backends.BACKENDS["numba"].refusal(call)
'it moves one dynamics.LTC, without batch axes'
"""

from __future__ import annotations

from .base import Backend, Call, Cell
from .compiled import Compiled
from .edges import Edges
from .finite import finite, not_finite
from .parallel import Parallel
from .reference import Reference, stepwise
from .triton import Triton
from .windows import Windows

__all__ = ["BACKENDS", "Backend", "Call", "Cell", "Windows", "choose", "finite", "not_finite", "stepwise"]

BACKENDS: dict[str, Backend] = {
    backend.name: backend for backend in (Reference(), Edges(), Parallel(), Compiled(), Windows(), Triton())
}
AUTO = ("numba", "triton", "edges", "reference")  # the fastest first; the last one serves every call


def choose(name: str | Backend, call: Call) -> Backend:
    """The ``Backend`` of this name, or for "auto" the first one that offers to compute the call; one that is
    given itself.

    Raises ValueError where the named one cannot serve it; the message names one that can.
    """
    if name == "auto":
        for one in AUTO[:-1]:
            if BACKENDS[one].offers(call):
                return BACKENDS[one]
        return BACKENDS[AUTO[-1]]
    backend = BACKENDS[name] if isinstance(name, str) else name
    if problem := backend.refusal(call):
        raise ValueError(
            f"backend={backend.name!r} cannot serve this call: {problem}; backend='reference' can."
        )
    return backend
