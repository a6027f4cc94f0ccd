"""Torch modules: parameters -> cell -> ``simulate``. One signature for all: ``forward(u, x0=None, dt=1.0) ->
(y, x)``, with ``lengths``, ``mask`` and ``missing`` for what is not there.

Each call builds a fresh cell from the parameters, so whatever changes them (an optimiser, pruning,
``functional_call``, ``vmap``) acts. Constraints hold by parametrisation, masks are buffers, and no formula of
the dynamics is written here twice.
"""

from ..validation import extra

extra("torch", "torch", "models")

from .cfc import CfCNet
from .closed_loop import forecast
from .ctrnn import CTRNNet
from .export import export_step
from .gated import GRUNet, LSTMNet, WithGaps
from .ltc import LTCNet
from .ode import MLPCell, ODENet
from .rate import RateCell
from .rnn import RNNet

__all__ = [
    "CTRNNet",
    "CfCNet",
    "GRUNet",
    "LSTMNet",
    "LTCNet",
    "MLPCell",
    "ODENet",
    "RNNet",
    "RateCell",
    "WithGaps",
    "export_step",
    "forecast",
]
