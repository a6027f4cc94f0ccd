"""Drives in closed loop, all at once: who is asked, what is seen, what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ...validation import brief, choice, generator, number, whole
from .world import EDGE, FRAME, PIXELS, SPEED, STRIPS, Car, Road, camera, expert

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

DROPPED = ("skip", "hold", "blank")


def straight_ahead(seen: np.ndarray, dt: np.ndarray) -> np.ndarray:
    """A policy that never turns the wheel: zeros (B,)."""
    return np.zeros(len(seen))


@dataclass(frozen=True, eq=False)
class Drive:
    """What happened in B drives of T frames. Entries after a car has left the road are NaN.

    time (B, T): s, when each frame came. inputs (B, T, 16): what the policy saw. dt (B, T): time since the
    frame before, in regular frames. wheel, expert (B, T): what the policy did, and what the expert would have
    done. s, offset, heading (B, T): the cars, when the frame came. left (B,): s, when a car left the road, or
    infinity. road: the ``Road``.
    """

    road: Road
    time: np.ndarray
    inputs: np.ndarray
    dt: np.ndarray
    wheel: np.ndarray
    expert: np.ndarray
    s: np.ndarray
    offset: np.ndarray
    heading: np.ndarray
    left: np.ndarray

    @property
    def stayed(self) -> np.ndarray:
        """Whether each car stayed on the road, (B,) bool."""
        return np.isinf(self.left)

    @property
    def rms(self) -> np.ndarray:
        """Root mean square of the offset while on the road, (B,), in m."""
        return np.sqrt(np.nanmean(self.offset**2, -1))

    @property
    def smoothness(self) -> np.ndarray:
        """Root mean square of the wheel's change per second, (B,), in wheels per s; NaN where there is one
        frame.
        """
        rate = np.diff(self.wheel) / np.diff(self.time)
        known = np.isfinite(rate)
        return np.sqrt(
            (np.where(known, rate, 0) ** 2).sum(-1) / np.where(known.any(-1), known.sum(-1), np.nan)
        )

    def places(self) -> np.ndarray:
        """Places of the cars in the plane, (B, T, 2), in m."""
        known = [np.nan_to_num(values) for values in (self.s, self.offset, self.heading)]
        places = np.stack(
            [Car(*(values[:, t] for values in known)).place(self.road) for t in range(self.s.shape[1])], 1
        )
        return np.where(np.isfinite(self.s)[..., None], places, np.nan)

    def report(self) -> str:
        """The drives in one sentence."""
        gone = np.sort(self.left[~self.stayed])
        when = "" if not len(gone) else f" (the first left it after {gone[0]:.1f} s)"
        return (
            f"{self.stayed.sum()} of {len(self.left)} drives stayed on the road{when}; they were "
            f"{np.mean(self.rms):.2f} m from its middle (root mean square), and the wheel turned by "
            f"{np.nanmean(self.smoothness):.1f} per second."
        )


def drive(
    policy: Callable[[Any, Any], ArrayLike],
    road: Road,
    *,
    steps: int = 300,
    speed: ArrayLike = SPEED,
    noise: float = 0.1,
    drop: float = 0.0,
    dropped: Literal["skip", "hold", "blank"] = "skip",
    jitter: float = 0.0,
    push: float = 0.0,
    takeover: int = 20,
    start: Car | None = None,
    rng: np.random.Generator,
) -> Drive:
    """Let a policy drive B cars on their roads in closed loop, all at once: a ``Drive``.

    policy(seen, dt) -> wheel (B,): seen (B, 16) is the camera's picture, dt (B,) the time since the picture
    before in regular frames. Where it has a method ``reset()``, that is called first. A policy with the
    attribute ``knows_the_road``, such as ``expert``, is called as policy(road, car) instead. Between two
    frames the wheel is held; it turns to at most ``TIGHTEST``.

    steps: frames T. speed: m/s, a number or (B,). noise: standard deviation of what is added to every pixel.
    drop: probability that a frame is lost. dropped: what the network gets then: "skip", nothing at all, and
    the next frame that comes has a longer dt (so T frames take longer); "hold", the last frame once more;
    "blank", a dark frame. jitter: how irregularly frames come, 0 to 1: each gap is 1 - jitter + an
    exponential variable with mean jitter, in regular frames. push: standard deviation of the sudden pushes on
    the wheel, in wheels, which come with probability 0.05 per frame and die out by a tenth per frame.
    takeover: so many frames the expert drives while the policy already watches, so that a network's state is
    awake when it takes the wheel. start: the ``Car``, or None: near the middle (0.3 m and 0.05 rad, normal).

    Raises ValueError for a road that is too short, a policy that returns another shape or a wheel that is not
    finite, and options out of range. Everything random comes from rng.
    """
    if not callable(policy):
        raise ValueError(
            f"policy is {type(policy).__name__}; it must be callable, policy(seen (B, 16), dt (B,)) -> wheel."
        )
    if not isinstance(road, Road):
        raise ValueError(
            f"road is {type(road).__name__}; pass a lane.Road, such as lane.Road.random(8, rng=rng)."
        )
    steps, noise, push, rng = (
        whole("steps", steps, 1),
        number("noise", noise, 0),
        number("push", push, 0),
        generator(rng),
    )
    drop, jitter = number("drop", drop, 0, 1, open_high=True), number("jitter", jitter, 0, 1)
    speed, takeover = _speeds(speed, road.drives), whole("takeover", takeover, 0)
    shape = (road.drives, steps)
    dt = 1 - jitter + jitter * rng.exponential(size=shape)
    lost = rng.random(shape) < drop
    if choice("dropped", dropped, DROPPED) == "skip" and drop:
        dt = dt + rng.geometric(1 - drop, shape) - 1
        lost[:] = False
    lost[:, 0] = False  # the first frame always comes
    dt = np.maximum(dt, 1e-3)  # two frames never come together
    needed = ((dt.sum(1) - dt[:, 0] + 1) * FRAME * speed).max() * 1.1 + STRIPS.max() + 1
    if road.length < needed:
        raise ValueError(
            f"the roads are {road.length:.0f} m long, and {steps} frames need {needed:.0f} m: make longer "
            "roads, or drive fewer frames."
        )
    car = _start(start, road.drives, rng)
    pushed, names = np.zeros(road.drives), ("wheel", "expert", "s", "offset", "heading")
    log = {name: np.full(shape, np.nan) for name in names} | {
        "inputs": np.full((*shape, len(PIXELS) * len(STRIPS)), np.nan)
    }
    left, on = np.full(road.drives, np.inf), np.ones(road.drives, bool)
    time = np.cumsum(np.concatenate([np.zeros((road.drives, 1)), dt[:, 1:]], 1), 1) * FRAME
    if hasattr(policy, "reset"):
        policy.reset()
    seen = np.zeros((road.drives, log["inputs"].shape[-1]))
    for t in range(steps):
        fresh = camera(road, car) + noise * rng.normal(size=seen.shape)
        seen = np.where(lost[:, t, None], seen if dropped == "hold" else 0.0, fresh)
        best = expert(road, car)
        wheel = policy(road, car) if getattr(policy, "knows_the_road", False) else policy(seen, dt[:, t])
        wheel = _checked_wheel(wheel, road.drives, t)
        wheel = best if t < takeover else wheel
        for name, values in zip(
            (*names, "inputs"), (wheel, best, car.s, car.offset, car.heading, seen), strict=True
        ):
            log[name][on, t] = values[on]
        if push:
            pushed = np.where(
                rng.random(road.drives) < 0.05, push * rng.normal(size=road.drives), 0.9 * pushed
            )
        if t + 1 == steps:
            break
        moved = car.moved(road, wheel + pushed, dt[:, t + 1] * FRAME, speed)
        gone = on & (np.abs(moved.offset) > EDGE)
        left[gone], on = time[gone, t + 1], on & ~gone
        car = Car(
            *(
                np.where(on, new, old)
                for new, old in zip(vars(moved).values(), vars(car).values(), strict=True)
            )
        )
    return Drive(road=road, time=time, dt=dt, left=left, **log)


def record(
    drives: int = 64, *, steps: int = 200, push: float = 1.7, rng: np.random.Generator, **options: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Drives of the expert to learn from, (inputs (B, T, 16), targets (B, T, 1), dt (B, T)), as ``train.fit``
    takes them; dt counts regular frames.

    Random pushes on the wheel, of standard deviation ``push``, move the car away from the middle, so that the
    expert shows how to come back; the targets are its wheel. Drives that leave the road are driven anew.
    options: those of ``drive`` (speed as one number), and bend for ``Road.random``. Raises ValueError as
    these do, and where the expert cannot keep the drives on the road.
    Source: imitation of an expert with disturbances, Laskey et al. (2017), "DART".

    >>> inputs, targets, dt = tasks.lane.record(4, steps=50, rng=rng)
    >>> inputs.shape, targets.shape, dt.shape
    ((4, 50, 16), (4, 50, 1), (4, 50))
    """
    drives, steps, bend = whole("drives", drives, 1), whole("steps", steps, 1), options.pop("bend", 0.03)
    drop = number("drop", options.get("drop", 0), 0, 1, open_high=True)
    jitter, speed = number("jitter", options.get("jitter", 0), 0, 1), options.get("speed", SPEED)
    kept: list[list[np.ndarray]] = []
    while (missing := drives - sum(len(part[0]) for part in kept)) > 0:
        if len(kept) > 20:
            raise ValueError(
                f"after {len(kept)} tries only {drives - missing} of {drives} drives of the expert stayed on "
                "the road: take gentler bends, smaller pushes or a lower speed."
            )
        late = 1 / (1 - drop) + 6 * jitter
        length = 1.3 * steps * FRAME * _speeds(speed, missing).max() * late + 60
        seen = drive(
            expert,
            Road.random(missing, length, bend=bend, rng=rng),
            steps=steps,
            push=push,
            rng=rng,
            **options,
        )
        kept.append([part[seen.stayed] for part in (seen.inputs, seen.expert[..., None], seen.dt)])
    inputs, targets, dt = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    return inputs, targets, dt


def _speeds(speed: ArrayLike, drives: int) -> np.ndarray:
    """Speeds in m/s, () or (B,), or one ValueError."""
    speeds = np.asarray(speed)
    right = speeds.shape in ((), (drives,)) and speeds.dtype.kind in "fiu"
    if not right or not (np.isfinite(speeds) & (speeds > 0)).all():
        raise ValueError(
            f"speed is {brief(speed)}; it must be a number of m/s > 0, or one per drive, ({drives},)."
        )
    return np.broadcast_to(speeds.astype(float), drives)


def _start(start: Car | None, drives: int, rng: np.random.Generator) -> Car:
    """The cars at the start, or one ValueError."""
    if start is None:
        return Car(np.zeros(drives), rng.normal(0, 0.3, drives), rng.normal(0, 0.05, drives))
    if not isinstance(start, Car):
        raise ValueError(f"start is {brief(start)}; pass a lane.Car, or None to start near the middle.")
    car = Car(
        *(
            np.broadcast_to(np.asarray(value, float), drives)
            for value in (start.s, start.offset, start.heading)
        )
    )
    if not all(np.isfinite(value).all() for value in vars(car).values()) or (np.abs(car.offset) > EDGE).any():
        raise ValueError(f"start must lie on the road: finite, and within {EDGE:g} m of its middle.")
    return car


def _checked_wheel(wheel: ArrayLike, drives: int, t: int) -> np.ndarray:
    """What a policy returned as floats (B,), or one ValueError."""
    wheel = np.asarray(wheel)
    if wheel.shape != (drives,) or wheel.dtype.kind not in "fiu":
        raise ValueError(
            f"the policy returned shape {wheel.shape} and type {wheel.dtype}; it must return one number per "
            f"drive, ({drives},)."
        )
    if not np.isfinite(wheel).all():
        bad = np.count_nonzero(~np.isfinite(wheel))
        raise ValueError(f"the policy's wheel is not finite for {bad} drives in frame {t}.")
    return wheel.astype(float)
