"""ltcbook: liquid time-constant networks, their wiring, and pruning & rewiring at a threshold.

``import ltcbook`` is cheap: the rooms (``ltcbook.dynamics``, ``ltcbook.wiring``, ...) load when they are
first used, and torch, SymPy and matplotlib only in the rooms that need them.
"""

import warnings
from importlib import import_module

__version__ = "0.1.0"
ROOMS = (
    "validation",
    "ops",
    "wiring",
    "dynamics",
    "solvers",
    "simulate",
    "analysis",
    "symbolic",
    "pruning",
    "tasks",
    "models",
    "train",
    "plots",
    "widgets",
)
__all__ = ["__version__", *ROOMS]


RENAMED = {"boundary": "validation"}  # old names, for one release


def __getattr__(name):
    if name in RENAMED:
        warnings.warn(
            f"ltcbook.{name} is now ltcbook.{RENAMED[name]}; the old name goes with the next release.",
            DeprecationWarning,
            stacklevel=2,
        )
        name = RENAMED[name]
    if name in ROOMS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(ROOMS)}")


def __dir__():
    return sorted(__all__)
