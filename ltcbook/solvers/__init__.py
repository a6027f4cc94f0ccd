"""The solvers, one small file each: a name, a step, and what the fast backends need to take the same step.

A new solver is a new file with a class of its own, and one line in the table below.

>>> one = dynamics.CTRNN(tau=[2.0], w=[[0.0]], b=[0.0])  # dx/dt = -x / 2
>>> fused = solvers.SOLVERS["fused"]
>>> fused.step(np.ones(1), None, one, 2.0), fused.order, fused.reads
(array([0.5]), 1, 1)
>>> [name for name, solver in solvers.SOLVERS.items() if solver.keeps_bounds]
['fused', 'exponential', 'extrapolated']
"""

from .base import Solver
from .euler import Euler, euler_step
from .exponential import Exponential
from .extrapolated import Extrapolated
from .fused import Fused
from .rk4 import RK4, rk4_step

__all__ = ["SOLVERS", "Solver", "euler_step", "rk4_step"]

SOLVERS = {solver.name: solver for solver in (Fused(), Exponential(), Extrapolated(), Euler(), RK4())}
