"""Prune & rewire at a threshold, and its relatives on the same interface; pure functions of wiring and
weights.
"""

from .event import NEW_WEIGHTS, TARGETS, prune_and_rewire, rewire
from .methods import (
    SET,
    DeepR,
    GradualMagnitude,
    Method,
    Nothing,
    OneShotMagnitude,
    PruneRewire,
    RandomRewiring,
    RigL,
)
from .state import Rewired

__all__ = [
    "NEW_WEIGHTS",
    "SET",
    "TARGETS",
    "DeepR",
    "GradualMagnitude",
    "Method",
    "Nothing",
    "OneShotMagnitude",
    "PruneRewire",
    "RandomRewiring",
    "Rewired",
    "RigL",
    "prune_and_rewire",
    "rewire",
]
