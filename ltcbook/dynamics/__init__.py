"""Cells and their continuous-time dynamics: c dx/dt = h(x, u) - g(x, u) x, with conductance g and drive h.

A cell states ``terms(x, u) -> (g, h)`` and its derivatives. Everything else follows from that pair, once
each: the vector field, the liquid time constant c / g, the effective equilibrium h / g, the steps, the
Jacobian. The same lines run on NumPy arrays, torch tensors and NumPy object arrays of SymPy symbols. Leading
axes broadcast: x is (..., n), u is (..., m).

>>> net = wiring.auto_ncp(8, 2, sensory=3, rng=rng)
>>> cell = dynamics.LTC.random(net, rng=rng)
>>> x, u = np.zeros(8), np.ones(3)
>>> tau = dynamics.time_constant(x, u, cell)
>>> bool((tau <= cell.c / cell.g_leak).all())  # synapses only speed up
True
>>> dynamics.jacobian(x, u, cell).shape
(8, 8)
"""

from .cells import CTRNN, LTC, LTC2021, symbol
from .checks import check_dt, check_state
from .edges import EdgeLTC
from .flow import (
    effective_equilibrium,
    exponential_step,
    extrapolated_step,
    fused_step,
    jacobian,
    time_constant,
    vector_field,
)

__all__ = [
    "CTRNN",
    "EdgeLTC",
    "LTC",
    "LTC2021",
    "check_dt",
    "check_state",
    "effective_equilibrium",
    "exponential_step",
    "extrapolated_step",
    "fused_step",
    "jacobian",
    "symbol",
    "time_constant",
    "vector_field",
]
