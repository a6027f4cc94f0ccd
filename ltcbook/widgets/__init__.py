"""Explorers for readers: each an anywidget whose ``compute(**controls)`` is plain Python and whose drawing is JavaScript.

>>> explorer = widgets.PlaneExplorer()
>>> frame = explorer.compute(x_j=0.0, x_k=1.3)
>>> frame["cut"], frame["verdict"][0][0]
(True, 'good')
"""

from .base import Control, Explorer, Preset
from .gradient import GradientExplorer
from .ncp_wiring import WiringExplorer
from .plane import PlaneExplorer
from .stability import StabilityExplorer
from .tau import TauExplorer
from .threshold import ThresholdExplorer, default_network
from .time_constant import TimeConstantExplorer

__all__ = ["Control", "Explorer", "GradientExplorer", "PlaneExplorer", "Preset", "StabilityExplorer",
           "TauExplorer", "ThresholdExplorer", "TimeConstantExplorer", "WiringExplorer", "default_network"]
