"""Training in one short loop: validation, early stop, checkpoints that resume exactly, pruning while it trains."""

from .data import LOSSES
from .loop import History, evaluate, fit
from .synapses import recorders, reset_moments, weight_gradients

__all__ = ["LOSSES", "History", "evaluate", "fit", "recorders", "reset_moments", "weight_gradients"]
