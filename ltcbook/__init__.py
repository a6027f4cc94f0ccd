"""ltcbook: liquid time-constant networks, their wiring, and pruning & rewiring at a threshold.

``import ltcbook`` is cheap: the rooms (``ltcbook.dynamics``, ``ltcbook.wiring``, ...) load when they are
first used, and torch, SymPy and matplotlib only in the rooms that need them.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what __getattr__ loads below
    from . import analysis as analysis
    from . import check as check
    from . import dynamics as dynamics
    from . import models as models
    from . import ops as ops
    from . import plots as plots
    from . import pruning as pruning
    from . import simulate as simulate
    from . import solvers as solvers
    from . import symbolic as symbolic
    from . import tasks as tasks
    from . import train as train
    from . import validation as validation
    from . import widgets as widgets
    from . import wiring as wiring

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
    "check",
)
__all__ = ["__version__", *ROOMS]


RENAMED = {"boundary": "validation"}  # old names, for one release


def __getattr__(name: str) -> Any:
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


def __dir__() -> list[str]:
    return sorted(__all__)
