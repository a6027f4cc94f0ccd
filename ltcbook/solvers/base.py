"""What a solver is: everything that the book's backends ask of one way to take a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..typing import Array, Cell


class Solver:
    """A way to step through c dx/dt = h(x, u) - g(x, u) x while the input u is held.

    A solver states its ``name``; its ``order``; how often a step ``reads`` all gates; whether a step
    ``keeps_bounds``, so that no state leaves the reversal potentials; whether it looks ``ahead``: then the
    gates are read where the last two states point to, half a step on, instead of at the state.
    """

    name = ""
    order = 1
    reads = 1
    keeps_bounds = False
    ahead = False

    def step(
        self, x: Array, u: Array | None, cell: Cell[Array], dt: float | Array, before: Array | None = None
    ) -> Array:
        """State, (..., n) in mV, after one step of dt ms; before: the state dt ago under the same u, or None.

        The definition of the solver, for arrays of any backend; the forms below restate it and tests hold
        them to it. Only a solver that looks ahead reads ``before``. Raises ValueError for dt < 0, a wrong
        shape or NaN.
        """
        raise NotImplementedError(f"{type(self).__name__} must say how it takes a step.")

    #: (x, g, h, rate) -> (a, new), each (..., n): one step with frozen gates as an affine map x -> a x + b,
    #: for the backend that solves all times at once. rate: dt / c. None: a step is no such map.
    affine: Callable | Any = None

    #: (lost) -> (step, back), functions on lanes of numbers for the compiled kernels; lost(z) = 1 - exp(-z),
    #: and rate = dt / c. step(x, g, h, rate) gives the new state y and one number that back asks for, the
    #: chain rule of the step: back(by_y, y, x, kept, rate) takes the derivative of a loss by y and gives
    #: those by x, g, h and log c. None: the kernels do not know this solver.
    kernel: Callable | Any = None

    def __repr__(self) -> str:
        return f"<solver {self.name}>"
