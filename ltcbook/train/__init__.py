"""Training in one short loop: validation, early stop, exact checkpoints, pruning while it trains; and
playing what was learned.
"""

from ..validation import extra

extra("torch", "torch", "train")

from .data import LOSSES
from .loop import evaluate, fit
from .optimizers import reset_moments
from .policy import RecurrentPolicy
from .rewiring import Rewiring
from .run import History
from .sweep import sweep
from .synapses import recorders, weight_gradients

__all__ = [
    "LOSSES",
    "History",
    "RecurrentPolicy",
    "Rewiring",
    "evaluate",
    "fit",
    "recorders",
    "reset_moments",
    "sweep",
    "weight_gradients",
]
