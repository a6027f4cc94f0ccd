"""A drive whose every number the page computes again: cars on one road, with noise and lost frames from a
shared seed.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from .. import dynamics
from ..tasks import lane

if TYPE_CHECKING:
    from collections.abc import Sequence

FRAMES = 400  # of lane.FRAME s: 20 s
WARM = 20  # frames for which the circuit watches the first picture before the car moves
SLOWEST, FASTEST = 6.0, 16.0  # m/s
EVERY = 15.0  # m between two knots of a road's curvature
KNOTS = int(np.ceil((1.1 * FRAMES * lane.FRAME * FASTEST + lane.STRIPS.max() + 1) / EVERY)) + 2
BEND, TIGHT = 0.03, 0.08  # 1/m, standard deviation of the curvature at the knots, and its largest value
ROADS, EYES, LOSSES = 1000, 2000, 3000  # where the seeds of roads, of noise and of lost frames begin
U32 = 0xFFFFFFFF


def uniform(seed: int, count: int) -> np.ndarray:
    """The first ``count`` numbers in [0, 1) that ``randomOf(seed)`` gives in model/random.js (Mulberry32)."""
    start = (seed + 1) * 0x9E3779B1 & U32
    state = (start + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x6D2B79F5)) & U32
    bits = ((state ^ (state >> np.uint64(15))) * (state | np.uint64(1))) & U32
    bits ^= (bits + (((bits ^ (bits >> np.uint64(7))) * (bits | np.uint64(61))) & U32)) & U32
    return (bits ^ (bits >> np.uint64(14))) / 2**32


def normal(seed: int, count: int) -> np.ndarray:
    """The first ``count`` standard normal numbers that ``normalsOf(randomOf(seed))`` gives there (Box and
    Muller).
    """
    one, two = uniform(seed, count + count % 2).reshape(-1, 2).T
    radius, angle = np.sqrt(-2 * np.log(1 - one)), 2 * np.pi * two
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1).ravel()[:count]


@cache
def knots(seed: int) -> np.ndarray:
    """Curvature (KNOTS,) of a road every ``EVERY`` metres, in 1/m; it begins straight."""
    drawn = np.clip(BEND * normal(ROADS + seed, KNOTS), -TIGHT, TIGHT).round(5)
    drawn[:2] = 0
    return drawn


def road(curvature: np.ndarray, copies: int = 1) -> lane.Road:
    """The ``lane.Road`` through knots, once for each car."""
    s = np.arange(0, EVERY * (len(curvature) - 1) + lane.GRID / 2, lane.GRID)
    return lane.Road(np.tile(np.interp(s, EVERY * np.arange(len(curvature)), curvature), (copies, 1)))


class Wheels:
    """Circuits at the wheels of B cars that meet the same noise: a policy that keeps ``states`` and ``heard``
    of each frame.

    A lost frame shows the circuit its last picture once more.
    """

    def __init__(
        self, driver: lane.Driver, cells: Sequence[dynamics.LTC], *, noise: float, drop: float, seed: int
    ) -> None:
        self.driver, self.cells = driver, cells
        self.noise = noise * normal(EYES + seed, FRAMES * driver.cell.m).reshape(FRAMES, -1)
        self.lost = uniform(LOSSES + seed, FRAMES) < drop
        self.lost[0] = False  # the first frame always comes

    def reset(self) -> None:
        """Before the first frame."""
        self.states: list[list[np.ndarray]] = []
        self.heard: list[np.ndarray] = []
        self.x = [np.zeros(cell.n) for cell in self.cells]

    def __call__(self, seen: np.ndarray, dt: np.ndarray) -> np.ndarray:
        k = len(self.states)
        u = self.heard[-1] if self.lost[k] else self.driver.heard(seen + self.noise[k])
        for _ in range(1 if k else 1 + WARM):
            self.x = [
                dynamics.fused_step(x, one, cell, 1.0)
                for x, one, cell in zip(self.x, u, self.cells, strict=True)
            ]
        self.heard.append(u)
        self.states.append(self.x)
        return np.array([self.driver.wheel(x) for x in self.x])


def drives(
    driver: lane.Driver, cells: Sequence[dynamics.LTC], *, seed: int, speed: float, noise: float, drop: float
) -> tuple[lane.Drive, np.ndarray, np.ndarray]:
    """One drive per cell on one road: the ``lane.Drive`` of B cars, their states and what was heard, (B,
    FRAMES, .).
    """
    wheels = Wheels(driver, cells, noise=noise, drop=drop, seed=seed)
    start = lane.Car(*np.zeros((3, len(cells))))
    seen = lane.drive(
        wheels,
        road(knots(seed), len(cells)),
        steps=FRAMES,
        speed=speed,
        noise=0.0,
        takeover=0,
        start=start,
        rng=np.random.default_rng(0),
    )
    return seen, np.swapaxes(wheels.states, 0, 1), np.swapaxes(wheels.heard, 0, 1)
