"""Wirings: signed graphs [target, source], neural circuit policies, multi-area masks, and the wiring of
the worm.
"""

from . import worm
from .areas import KINDS, AreaMasks, multi_area, multi_area_ei
from .graph import ROLES, Wiring, from_ncps, from_networkx
from .makers import auto_ncp, fully_connected, ncp, random_sparse

__all__ = [
    "KINDS",
    "ROLES",
    "AreaMasks",
    "Wiring",
    "auto_ncp",
    "from_ncps",
    "from_networkx",
    "fully_connected",
    "multi_area",
    "multi_area_ei",
    "ncp",
    "random_sparse",
    "worm",
]
