"""The driving circuit of the book: 19 trained neurons, read from a table, in plain NumPy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from ...dynamics import LTC, fused_step
from ...validation import array, brief
from ...wiring import Wiring
from .world import PIXELS, STRIPS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

EYES = len(STRIPS) * len(PIXELS)


@dataclass(frozen=True, eq=False)
class Driver:
    """A liquid circuit with its eyes and its wheel: a wiring, a cell, and the two maps around them.

    The cell hears input_scale (16,) times the camera's picture plus input_shift (16,); the wheel is
    readout_scale times the state of the motor neuron plus readout_shift. Time counts regular frames: c /
    g_leak is in frames of 0.05 s. Each frame is one fused step. ``trained()`` gives the driver of the book.
    Raises ValueError for parts that do not fit together: other sizes, not 16 inputs, not one motor neuron.

    >>> driver = tasks.lane.trained()
    >>> driver.wiring.n, driver.wiring.m
    (19, 16)
    >>> roads = tasks.lane.Road.random(8, rng=rng)
    >>> seen = tasks.lane.drive(driver.policy(), roads, rng=rng)
    >>> bool(seen.stayed.all())
    True
    >>> x = driver.states(seen.inputs, seen.dt)  # what the neurons did
    >>> x.shape
    (8, 300, 19)
    """

    wiring: Wiring
    cell: LTC[np.ndarray]
    input_scale: np.ndarray
    input_shift: np.ndarray
    readout_scale: float
    readout_shift: float

    def __post_init__(self) -> None:
        if not isinstance(self.wiring, Wiring) or not isinstance(self.cell, LTC):
            raise ValueError(
                f"a driver is a wiring.Wiring and a dynamics.LTC; got {type(self.wiring).__name__} and "
                f"{type(self.cell).__name__}."
            )
        motors, sizes = len(self.wiring.members("motor")), (self.wiring.n, self.wiring.m)
        if sizes != (self.cell.n, self.cell.m) or sizes[1] != EYES or motors != 1:
            raise ValueError(
                f"the wiring has {sizes[0]} neurons ({motors} motor) and {sizes[1]} inputs, the cell "
                f"{self.cell.n} and {self.cell.m}; a driver needs the same in both, {EYES} inputs and one "
                "motor neuron."
            )
        for name, shape in (
            ("input_scale", (EYES,)),
            ("input_shift", (EYES,)),
            ("readout_scale", ()),
            ("readout_shift", ()),
        ):
            value = np.array(getattr(self, name), float)
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(
                    f"{name} is {brief(getattr(self, name))}; it must be finite and of shape {shape}."
                )
            value.flags.writeable = False
            object.__setattr__(self, name, value if shape else float(value))

    @classmethod
    def read(cls, table: dict[str, Any]) -> Driver:
        """The driver of a table such as ``ltcbook/data/driver.json``, a dictionary with the keys wiring,
        cell, input, readout.

        Raises ValueError where a key is missing, and for parts that do not fit together.
        """
        missing = [
            key
            for key in ("wiring", "cell", "input", "readout")
            if not isinstance(table, dict) or key not in table
        ]
        if missing:
            raise ValueError(f"the table is {brief(table)}; it has no {' and no '.join(missing)}.")
        parts = {name: np.asarray(values, float) for name, values in table["cell"].items()}
        eyes, wheel = table["input"], table["readout"]
        return cls(
            Wiring(**table["wiring"]),
            LTC(**parts),
            eyes["scale"],
            eyes["shift"],
            wheel["scale"][0],
            wheel["shift"][0],
        )

    def heard(self, seen: ArrayLike) -> np.ndarray:
        """What the cell hears of pictures (..., 16). Raises ValueError for another shape; NaN stays NaN."""
        seen = array("seen", seen)
        if seen.shape[-1:] != (EYES,):
            raise ValueError(f"seen has shape {seen.shape}; a picture has {EYES} pixels, (..., {EYES}).")
        return self.input_scale * seen + self.input_shift

    def wheel(self, x: np.ndarray) -> np.ndarray:
        """The wheel (...) at states x (..., 19)."""
        return self.readout_scale * x[..., self.wiring.members("motor")[0]] + self.readout_shift

    def states(self, inputs: ArrayLike, dt: ArrayLike = 1.0) -> np.ndarray:
        """States (B, T, 19) after each picture of inputs (B, T, 16), from rest at 0; NaN where the inputs
        are.

        dt: in units of regular frames, a number or (B, T), as a ``Drive`` keeps it. Raises ValueError for
        other shapes, and for dt < 0: frames never go back in time.
        """
        inputs, dt = array("inputs", inputs), array("dt", dt)
        if inputs.ndim != 3 or inputs.shape[-1] != EYES or dt.shape not in ((), inputs.shape[:2]):
            raise ValueError(
                f"inputs has shape {inputs.shape} and dt {dt.shape}; they must be (B, T, {EYES}), and a "
                "number or (B, T)."
            )
        dt, here = np.broadcast_to(dt, inputs.shape[:2]), self.policy()
        x: list[Any] = []
        for t in range(inputs.shape[-2]):
            here(np.nan_to_num(inputs[:, t]), dt[:, t])
            x.append(here.x)
        return np.where(np.isfinite(inputs).all(-1)[..., None], np.stack(x, -2), np.nan)

    def policy(self) -> _AtTheWheel:
        """Somebody to put behind the wheel, for ``lane.drive``: ``policy(seen (B, 16), dt (B,)) -> wheel
        (B,)``; keeps the states ``x``.
        """
        return _AtTheWheel(self)


class _AtTheWheel:
    """A driver during a drive, with the states x (B, 19) that it has reached."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.reset()

    def reset(self) -> None:
        """Back to rest: the states are zero again."""
        self.x: np.ndarray | None = None

    def __call__(self, seen: ArrayLike, dt: ArrayLike) -> np.ndarray:
        cell, heard, dt = self.driver.cell, self.driver.heard(seen), array("dt", dt)
        x = np.zeros((*heard.shape[:1], cell.n)) if self.x is None else self.x
        if heard.ndim != 2 or len(heard) != len(x) or dt.shape not in ((), x.shape[:1]):
            raise ValueError(
                f"seen has shape {np.shape(seen)} and dt {dt.shape}; they must be (B, {EYES}) and a number "
                "or (B,), with the same B in every frame until reset()."
            )
        self.x = x = fused_step(x, heard, cell, dt[..., None])
        return self.driver.wheel(x)


@cache
def trained() -> Driver:
    """The driving circuit of the book, a ``Driver``: 19 liquid neurons that learned to keep a lane, ready to
    drive.

    Read from ``ltcbook/data/driver.json``; ``python -m ltcbook.reproduce driver`` trains it anew and writes
    that table, which also holds how it was trained and how well it drives.

    >>> tasks.lane.trained().wiring.n
    19
    """
    return Driver.read(json.loads((files("ltcbook") / "data" / "driver.json").read_text("utf8")))
