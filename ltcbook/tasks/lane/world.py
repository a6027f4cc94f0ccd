"""The world of the lane: roads, cars, a camera, and an expert who knows the road."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ...validation import array, brief, generator, number, whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FRAME = 0.05  # s between two regular frames
SPEED = 10.0  # m/s
WHEEL = 0.03  # 1/m, the unit of the wheel
TIGHTEST = 0.2  # 1/m, the tightest bend that the car can take
EDGE = 2.0  # m from the middle of the lane: there the road ends
STRIPS = np.array([6.0, 14.0])  # m, how far ahead the two strips of the camera look
PIXELS = np.linspace(-4, 4, 8)  # m, where the pixels of a strip look, from right to left
BLUR = 1.2  # m, width of the bright spot
AIM = 10.0  # m ahead, where the expert aims
GRID = 0.5  # m between two points of a road's table
MOVES = 4  # steps of the car's motion per regular frame


@dataclass(frozen=True, eq=False)
class Road:
    """The middle lines of B roads: ``curvature`` (B, K) in 1/m, positive to the left, every ``GRID`` metres.

    From it follow the heading of the line and its place in the plane, both starting at 0: ``heading`` (B, K)
    in rad, ``place`` (B, K, 2) in m. Raises ValueError for values that are not finite, or a bend tighter than
    ``TIGHTEST``, which no car here can take.
    """

    curvature: np.ndarray
    heading: np.ndarray = field(init=False, repr=False)
    place: np.ndarray = field(init=False, repr=False)
    _table: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        curvature = array("curvature", self.curvature).copy()
        if curvature.ndim != 2 or curvature.shape[1] < 2:
            raise ValueError(
                f"curvature has shape {curvature.shape}; it must be (B, K), a row of K >= 2 values per road."
            )
        if not np.isfinite(curvature).all():
            raise ValueError(
                f"curvature holds {np.count_nonzero(~np.isfinite(curvature))} values that are NaN or "
                "infinite."
            )
        if np.abs(curvature).max(initial=0) > TIGHTEST:
            raise ValueError(
                f"a bend has the curvature {np.abs(curvature).max():.3g} per m; the car takes at most "
                f"{TIGHTEST:g} per m (a radius of {1 / TIGHTEST:g} m). Draw gentler bends."
            )
        heading = running(curvature, GRID)
        along = np.stack([np.cos(heading), np.sin(heading)], -1)
        place = np.stack([running(along[..., k], GRID) for k in range(2)], -1)
        # all in one, to look it up once
        table = np.concatenate([curvature[..., None], heading[..., None], place], -1)
        for name, values in (
            ("curvature", curvature),
            ("heading", heading),
            ("place", place),
            ("_table", table),
        ):
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    @classmethod
    def random(
        cls,
        drives: int,
        length: float = 400.0,
        *,
        bend: float = 0.03,
        every: float = 15.0,
        rng: np.random.Generator,
    ) -> Road:
        """Roads with smooth random bends: normal curvatures of standard deviation ``bend`` (1/m), ``every`` m
        apart.

        Between these points the curvature is linear. length: m. Values beyond ``TIGHTEST`` are drawn anew.
        Raises ValueError for drives < 1 or lengths, bends out of range (bend at most ``TIGHTEST``).
        """
        drives, rng = whole("drives", drives, 1), generator(rng)
        length, every = number("length", length, 1), number("every", every, GRID)
        bend = number("bend", bend, 0, TIGHTEST)
        s = np.arange(0, length + GRID, GRID)
        knots = rng.normal(0, bend, (drives, int(s[-1] / every) + 2))
        while (beyond := np.abs(knots) > TIGHTEST).any():
            knots[beyond] = rng.normal(0, bend, beyond.sum())
        at = np.arange(knots.shape[1]) * every
        return cls(np.stack([np.interp(s, at, row) for row in knots]))

    @classmethod
    def straight(cls, drives: int, length: float = 400.0) -> Road:
        """Straight roads of ``length`` m."""
        return cls(np.zeros((whole("drives", drives, 1), int(number("length", length, 1) / GRID) + 2)))

    def mirrored(self) -> Road:
        """The same roads with left and right exchanged."""
        return Road(-self.curvature)

    @property
    def drives(self) -> int:
        """Number of roads, B."""
        return len(self.curvature)

    @property
    def length(self) -> float:
        """Length of the roads in m."""
        return (self.curvature.shape[1] - 1) * GRID

    def at(self, s: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Curvature (B,), heading (B,) and place (B, 2) after s (B,) metres; beyond the ends they go on as
        they end.

        Raises ValueError for an s that is not finite, or not one per road.
        """
        s = array("s", s)
        if s.shape != (self.drives,) or not np.isfinite(s).all():
            raise ValueError(f"s is {brief(s)}; it must be finite, one per road, ({self.drives},).")
        found = between(self._table, s)
        return found[:, 0], found[:, 1], found[:, 2:]


@dataclass(frozen=True, eq=False)
class Car:
    """Where B cars are: ``s`` m along the road, ``offset`` m left of its middle, ``heading`` rad to the
    left of it.
    """

    s: np.ndarray
    offset: np.ndarray
    heading: np.ndarray

    def moved(
        self, road: Road, wheel: ArrayLike, seconds: ArrayLike, speed: float | np.ndarray = SPEED
    ) -> Car:
        """The cars after so many seconds (B,) with the wheel (B,) held; speed in m/s.

        s' = v cos(heading) / (1 - offset kappa(s)), offset' = v sin(heading), heading' = v wheel - s'
        kappa(s), in steps of at most FRAME / MOVES by the midpoint rule. The wheel turns to at most
        ``TIGHTEST``. Raises ValueError for cars or a wheel that are not finite or not (B,), and for seconds <
        0: a car never drives back in time.
        """
        y = _state(road, self)
        wheel, seconds = np.asarray(wheel, float), np.asarray(seconds, float)
        for name, value in (("wheel", wheel), ("seconds", seconds)):
            if value.shape not in ((), (road.drives,)) or not np.isfinite(value).all():
                raise ValueError(
                    f"{name} is {brief(value)}; it must be a finite number, or one per drive, "
                    f"({road.drives},)."
                )
        if (seconds < 0).any():
            raise ValueError(f"seconds is {brief(seconds)}; time goes forward: give numbers >= 0.")
        wheel = np.clip(wheel * WHEEL, -TIGHTEST, TIGHTEST)
        steps = max(1, int(np.ceil(np.max(seconds) / FRAME * MOVES - 1e-9)))
        h = seconds / steps

        def rate(y: np.ndarray) -> np.ndarray:
            kappa = between(road.curvature, y[0])
            along = speed * np.cos(y[2]) / (1 - y[1] * kappa)
            return np.stack([along, speed * np.sin(y[2]), speed * wheel - along * kappa])

        for _ in range(steps):
            y = y + h * rate(y + h / 2 * rate(y))
        return Car(*y)

    def place(self, road: Road) -> np.ndarray:
        """Places in the plane, (B, 2), in m."""
        _, heading, place = road.at(self.s)
        return place + self.offset[:, None] * np.stack([-np.sin(heading), np.cos(heading)], -1)


def _state(road: Road, car: Car) -> np.ndarray:
    """What describes cars on roads, (3, B): s, offset and heading. Raises ValueError where they are not
    finite or not one per road.
    """
    parts = [np.asarray(part, float) for part in (car.s, car.offset, car.heading)]
    if any(part.shape != (road.drives,) for part in parts):
        raise ValueError(
            f"the car's s, offset and heading have the shapes {[part.shape for part in parts]}; on these "
            f"roads each must be ({road.drives},)."
        )
    state = np.stack(parts)
    if not np.isfinite(state).all():
        raise ValueError(
            f"s, offset or heading is not finite for {np.count_nonzero(~np.isfinite(state).all(0))} of "
            f"{road.drives} cars."
        )
    return state


def ahead(road: Road, car: Car, distance: float) -> np.ndarray:
    """Where the middle of the lane lies for the cars, ``distance`` m further along it: (B, 2) m, forward and
    to the left.

    Raises ValueError for cars that are not finite or not one per road, as ``camera`` and ``expert`` do.
    """
    return np.stack([way[:, 0] for way in _ahead(road, car, np.array([float(distance)]))], -1)


def _ahead(road: Road, car: Car, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same for several distances (D,): forward and to the left, each (B, D)."""
    s, offset, heading = _state(road, car)
    here, there = between(road._table, s), between(road._table, s[:, None] + distances)
    angle, turned = here[:, 1] + heading, here[:, 1]
    x = there[..., 2] - (here[:, 2] - offset * np.sin(turned))[:, None]
    y = there[..., 3] - (here[:, 3] + offset * np.cos(turned))[:, None]
    forward, left = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return forward * x + left * y, forward * y - left * x


def camera(road: Road, car: Car) -> np.ndarray:
    """What the camera sees, (B, 16): brightness in [0, 1] of the near strip, then of the far one, without
    noise.
    """
    _, spots = _ahead(road, car, STRIPS)
    return np.exp(-(((PIXELS - spots[..., None]) / BLUR) ** 2)).reshape(len(spots), -1)


def expert(road: Road, car: Car) -> np.ndarray:
    """The wheel (B,), in units of ``WHEEL``, that leads on a circle to the middle of the lane ``AIM`` m
    ahead: pure pursuit, which knows the road.

    Source: Coulter (1992), "Implementation of the pure pursuit path tracking algorithm".
    """
    forward, left = (way[:, 0] for way in _ahead(road, car, np.array([AIM])))
    return 2 * left / (forward**2 + left**2) / WHEEL


expert.knows_the_road = True  # type: ignore[attr-defined]  # `drive` asks a policy for this mark


def running(values: np.ndarray, step: float) -> np.ndarray:
    """Integral of values (B, K) from the first on, by trapezoids, (B, K)."""
    area = (values[:, 1:] + values[:, :-1]) / 2 * step
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(area, 1)], 1)


def between(table: np.ndarray, s: ArrayLike) -> np.ndarray:
    """Values of a table (B, K, ...) at s (B,) m, or at several places s (B, D) of each row; linear between
    its points, and beyond its ends as between the last two.
    """
    at = np.asarray(s) / GRID
    # not below 0, so the whole part is the floor
    k = np.minimum(np.maximum(at, 0), table.shape[1] - 2).astype(int)
    rows = np.arange(len(table)).reshape(-1, *[1] * (at.ndim - 1))
    low, part = table[rows, k], (at - k).reshape(*at.shape, *[1] * (table.ndim - 2))
    return low + part * (table[rows, k + 1] - low)
