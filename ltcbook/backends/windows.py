"""The compiled kernels, with one long sequence cut into windows that are computed side by side."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..validation import number, whole
from .compiled import Compiled

if TYPE_CHECKING:
    from .base import Call

_notes: WeakKeyDictionary[Any, dict] = WeakKeyDictionary()  # what every network's calls have shown


class Windows(Compiled):
    """``kernels.windows``: the numbers of "numba" to its tolerance, faster where few trajectories are long
    and the network forgets its start; else the steps of "numba".

    windows: how many, or None: as many as fill the lanes of all threads (so the last digits depend on their
    number). burn: steps by which a window begins early, or None: found by trial, and kept for the next call;
    ``analysis.burn`` gives a number that is proven. tolerance: how far two windows may differ where they
    meet, as a share of the largest potential of a neuron's box, or None: 1e-6 in float32 and 1e-13 in
    float64. Raises ValueError for a tolerance that is not above 0, less than 2 windows or less than one step.

    On several threads set OMP_WAIT_POLICY=PASSIVE before Python starts. Else torch's own threads wait at full
    speed for some milliseconds after each of their operations, on the cores that the windows need.

    >>> from ltcbook import backends
    >>> cell = dynamics.LTC.random(wiring.auto_ncp(8, 2, sensory=3, rng=rng),
    ...                            rng=rng)
    >>> u, x0 = rng.normal(size=(2000, 3)), np.zeros(8)
    >>> x = simulate.simulate(cell, u, x0, 1.0,
    ...                       backend=backends.Windows(tolerance=1e-9))
    >>> x_in_order = simulate.simulate(cell, u, x0, 1.0, backend="numba")
    >>> bool(abs(x - x_in_order).max() < 1e-8)
    True
    """

    name = "windows"

    def __init__(
        self, *, windows: int | None = None, burn: int | None = None, tolerance: float | None = None
    ) -> None:
        self.options: dict[str, Any] = {
            "windows": None if windows is None else whole("windows", windows, 2),
            "burn": None if burn is None else whole("burn", burn, 1),
            "tolerance": None if tolerance is None else number("tolerance", tolerance, 0, open_low=True),
        }

    def how(self, call: Call) -> dict[str, Any]:
        """See ``Compiled.how``."""
        from ..kernels import windows

        network = call.network
        owner = network.net if hasattr(network, "net") else network.cell
        key = (call.solver.name, call.substeps, str(call.x0.dtype), *self.options.values())
        notes = _notes.setdefault(owner, {}).setdefault(key, windows.Notes())
        how: dict[str, Any] = {"make": partial(windows.prepare, notes=notes, **self.options)}
        if not network.tensors:
            how["threads"] = windows.threads()
        return how
