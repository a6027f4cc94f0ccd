"""Seeded data sets: each task gives NumPy arrays (inputs, targets) or (inputs, targets, dt)."""

from . import lane
from .atari import ACTIONS, BallTracker, breakout, play
from .decision import delayed_decision
from .signals import digits, ice_core, ice_core_series, irregular, one_ahead, sine, sunspot_series, sunspots

__all__ = [
    "ACTIONS",
    "BallTracker",
    "breakout",
    "delayed_decision",
    "digits",
    "ice_core",
    "ice_core_series",
    "irregular",
    "lane",
    "one_ahead",
    "play",
    "sine",
    "sunspot_series",
    "sunspots",
]
