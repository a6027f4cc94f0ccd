"""A car that keeps its lane: seeded roads, a camera of two strips, an expert at the wheel, drives in closed
loop.

The world is small enough to read in a sitting. A road is a line whose curvature changes smoothly. The car is
a point on it with a heading; its wheel sets the curvature of its path. The camera sees the middle of the
lane as a bright spot on two strips of eight pixels, 6 m and 14 m ahead. Everything is computed for many
drives at once, so all arrays begin with an axis of drives, B.

>>> from ltcbook.tasks import lane
>>> roads = lane.Road.random(4, length=300.0, rng=rng)
>>> drive = lane.drive(lane.straight_ahead, roads, rng=rng)  # nobody steers
>>> bool(drive.stayed.any()), drive.inputs.shape
(False, (4, 300, 16))
>>> bool(lane.drive(lane.expert, roads, rng=rng).stayed.all())
True

Units: metres, seconds and radians in the world; the wheel is the curvature of the car's path in units of
``WHEEL`` (0.03 per m), so that it is about 1 in a usual bend; ``dt`` counts regular frames of ``FRAME``
seconds, so that it is 1 where no frame is late.
"""

from .driver import Driver, trained
from .rollout import DROPPED, Drive, drive, record, straight_ahead
from .world import EDGE, FRAME, GRID, PIXELS, SPEED, STRIPS, TIGHTEST, WHEEL, Car, Road, ahead, camera, expert

__all__ = [
    "DROPPED",
    "EDGE",
    "FRAME",
    "GRID",
    "PIXELS",
    "SPEED",
    "STRIPS",
    "TIGHTEST",
    "WHEEL",
    "Car",
    "Drive",
    "Driver",
    "Road",
    "ahead",
    "camera",
    "drive",
    "expert",
    "record",
    "straight_ahead",
    "trained",
]
