"""Explorers for readers: each an anywidget whose ``compute(**controls)`` is plain Python and whose drawing is
JavaScript.

>>> explorer = widgets.PlaneExplorer()
>>> frame = explorer.compute(about="origin", q=0.0, x_j=0.0, x_k=1.3)
>>> round(frame["change"], 3), frame["verdict"][0][0]
(-0.39, 'good')
"""

from ..validation import extra

extra("widgets", "anywidget", "widgets")

from .areas import AreasExplorer
from .base import Control, Explorer, Guess, Prediction, Preset
from .convergence import ConvergenceExplorer
from .driver import DriverExplorer
from .gradient import GradientExplorer
from .ncp_wiring import WiringExplorer
from .plane import PlaneExplorer
from .solvers import SolverExplorer
from .stability import StabilityExplorer
from .tau import TauExplorer
from .threshold import ThresholdExplorer, default_network
from .time_constant import TimeConstantExplorer
from .windows import WindowsExplorer

__all__ = [
    "AreasExplorer",
    "Control",
    "ConvergenceExplorer",
    "DriverExplorer",
    "Explorer",
    "GradientExplorer",
    "Guess",
    "PlaneExplorer",
    "Prediction",
    "Preset",
    "SolverExplorer",
    "StabilityExplorer",
    "TauExplorer",
    "ThresholdExplorer",
    "TimeConstantExplorer",
    "WindowsExplorer",
    "WiringExplorer",
    "default_network",
]
