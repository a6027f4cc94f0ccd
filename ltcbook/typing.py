"""The types that signatures share, for a type checker and for code of your own.

``Array`` is a NumPy array or a torch tensor: who gives one to a function gets the same back. An array of
SymPy symbols is a NumPy array. ``Numbers`` is what becomes an array: one, or numbers in lists. ``Cell`` is
what the functions of ``dynamics`` can move, one of the book's cells or a class of your own;
``Cell[np.ndarray]`` says which arrays it holds. Shapes stand in the docstrings: a type checker does not know
them.

>>> from ltcbook.typing import Array
>>> def centred(x: Array) -> Array:  # a tensor in, a tensor out
...     return x - x.mean()
>>> centred(np.array([1.0, 3.0]))
array([-1.,  1.])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import numpy as np

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike

Array = TypeVar("Array", np.ndarray, "torch.Tensor")
Numbers: TypeAlias = "ArrayLike | torch.Tensor"


class Cell(Protocol[Array]):
    """A network c dx/dt = h(x, u) - g(x, u) x of n neurons with m inputs, of arrays of one kind."""

    @property
    def n(self) -> int:
        """Number of neurons."""
        ...

    @property
    def m(self) -> int:
        """Number of inputs; where there is none, u may be None."""
        ...

    @property
    def c(self) -> Array | float:
        """Capacitance, (..., n)."""
        ...

    @property
    def w(self) -> Array:
        """Recurrent weights, (..., n, n), or one for each synapse."""
        ...

    def terms(self, x: Array, u: Array | None, /) -> tuple[Array, Array]:
        """Total conductance g and drive h, each (..., n), for x (..., n) and u (..., m)."""
        ...

    def terms_jacobian(self, x: Array, u: Array | None, /) -> tuple[Array, Array]:
        """Derivatives dg_i/dx_j and dh_i/dx_j, each (..., n, n)."""
        ...
