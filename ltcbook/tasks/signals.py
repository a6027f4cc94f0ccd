"""Time series: fitting a sine, the same at irregular times, sequential digits, sunspots."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..validation import choice, generator, number, optional, whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def sine(
    steps: int = 48,
    *,
    span: float = 3 * np.pi,
    batch: int | None = None,
    noise: float = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Sine fitting: from a sine and a cosine to a sine of twice their frequency, (inputs, targets).

    inputs (steps, 2) = (sin a, cos a) and targets (steps, 1) = sin 2a, where the angle a (rad) runs evenly
    from 0 to span, both ends included: one time step is span / (steps - 1). With batch=B the arrays are (B,
    steps, ...) and each sequence starts at its own random angle in [0, 2 pi). noise: standard deviation of
    Gaussian noise on the inputs. rng is needed as soon as something is random. Raises ValueError for fewer
    than two steps, a span or a noise out of range.
    Source: the task of the tutorial "sinusoidal function" of the library ncps (48 steps, 3 pi).

    >>> inputs, targets = tasks.sine()
    >>> inputs.shape, targets.shape
    ((48, 2), (48, 1))
    """
    steps, span, start, noise, rng = _sine_arguments(steps, span, batch, noise, rng)
    return _sine(start + np.linspace(0, span, steps), noise, rng)


def irregular(
    steps: int = 48,
    *,
    span: float = 3 * np.pi,
    batch: int | None = None,
    noise: float = 0.0,
    closest: float = 0.1,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sine fitting at irregular times, (inputs, targets, dt): the task of ``sine`` seen at random moments.

    dt (steps,), or (B, steps) with batch=B: time elapsed since the sample before, in units of the regular
    task's step, so its mean is 1; the gaps are closest + an exponential variable, scaled, so none is shorter
    than about ``closest``. The first sample lies at angle 0 (or at the sequence's random start); its dt, the
    time before it, is drawn like the others. The last lies at span. Shapes otherwise as in ``sine``. Raises
    ValueError as ``sine`` does, and for a closest outside (0, 1).
    Source: our own variant; elapsed time per sample is how ncps and ODE-RNNs take irregular series.

    >>> inputs, targets, dt = tasks.irregular(batch=4, rng=rng)
    >>> inputs.shape, dt.shape, bool(np.allclose(dt.mean(-1), 1))
    ((4, 48, 2), (4, 48), True)
    """
    generator(rng)
    steps, span, start, noise, rng = _sine_arguments(steps, span, batch, noise, rng)
    closest = number("closest", closest, 0, 1, open_low=True, open_high=True)
    dt = closest + rng.exponential(1 - closest, size=start.shape[:-1] + (steps,))
    dt /= dt.mean(-1, keepdims=True)
    passed = np.cumsum(dt, axis=-1) - dt[..., :1]
    return (*_sine(start + span * passed / passed[..., -1:], noise, rng), dt)


def _sine_arguments(
    steps: int, span: float, batch: int | None, noise: float, rng: Any
) -> tuple[int, float, np.ndarray, float, Any]:
    steps, span = whole("steps", steps, 2), number("span", span, 0, open_low=True)
    noise = number("noise", noise, 0)
    if batch is not None or noise:
        generator(rng)
    start = np.zeros(1) if batch is None else rng.uniform(0, 2 * np.pi, size=(whole("batch", batch, 1), 1))
    return steps, span, start, noise, rng


def _sine(angle: np.ndarray, noise: float, rng: Any) -> tuple[np.ndarray, np.ndarray]:
    inputs = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    if noise:
        inputs = inputs + noise * rng.normal(size=inputs.shape)
    return inputs, np.sin(2 * angle)[..., None]


def one_ahead(series: ArrayLike, *, steps: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A series as a task of forecasting, (inputs, targets): targets[t] is what comes ``steps`` after
    inputs[t].

    series: (T, m), or (B, T, m) for B of them, or (T,), which counts as (T, 1); T > steps. Both arrays are
    copies (..., T - steps, m), in the unit of the series. A network that is trained on them hears the true
    past at every step (teacher forcing); ``models.forecast`` then runs it on its own outputs. NaN stays NaN:
    as a target it asks for nothing. Raises ValueError for other shapes.

    >>> inputs, targets = tasks.one_ahead(np.arange(5.0))
    >>> inputs[:, 0], targets[:, 0]
    (array([0., 1., 2., 3.]), array([1., 2., 3., 4.]))
    """
    series, steps = np.asarray(series, float), whole("steps", steps, 1)
    series = series[:, None] if series.ndim == 1 else series
    if series.ndim not in (2, 3) or series.shape[-2] <= steps:
        raise ValueError(f"series has shape {series.shape}; give (T, m) or (B, T, m) with T > {steps} steps.")
    return series[..., :-steps, :].copy(), series[..., steps:, :].copy()


def digits(
    part: Literal["train", "test"] = "train",
    *,
    layout: Literal["rows", "pixels"] = "rows",
    test_share: float = 0.2,
    rng: np.random.Generator | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits as sequences, (inputs, targets): inputs (N, 8, 8), one row of 8 pixels per step, in
    [0, 1].

    targets (N,): the digit, 0 to 9, known after the last step. layout="pixels" gives (N, 64, 1), one pixel
    per step. The images are split in the order of the file, the last test_share of the 1797 are part="test":
    both calls need no common seed and can never overlap. rng, if given, shuffles the order within the part.
    Raises ImportError without scikit-learn, whose copy is read (no download), ValueError for a wrong part or
    share.
    Source: Alpaydin & Kaynak (1998), Optical recognition of handwritten digits, as
    sklearn.datasets.load_digits.
    """
    choice("part", part, ("train", "test"))
    choice("layout", layout, ("rows", "pixels"))
    test_share = number("test_share", test_share, 0, 1, open_low=True, open_high=True)
    data = optional("sklearn.datasets", "scikit-learn", "tasks.digits").load_digits()
    split = len(data.target) - round(test_share * len(data.target))
    rows = np.arange(len(data.target))[:split] if part == "train" else np.arange(len(data.target))[split:]
    if rows.size == 0:
        raise ValueError(f"test_share is {test_share}; it leaves part {part!r} empty.")
    if rng is not None:
        rows = generator(rng).permutation(rows)
    images, digit = data.images[rows] / 16.0, data.target[rows].astype(np.int64)  # int is 32 bits on Windows
    return (images if layout == "rows" else images.reshape(len(rows), 64, 1)), digit


def sunspot_series() -> tuple[np.ndarray, np.ndarray]:
    """The yearly sunspot numbers 1700-2008: (years (309,), numbers (309,)), read from a table inside the
    package.

    Source: National Geophysical Data Center (NOAA), public domain; see ltcbook/data/README.md.

    >>> years, numbers = tasks.sunspot_series()
    >>> int(years[0]), int(years[-1]), numbers.shape
    (1700, 2008, (309,))
    """
    with (files("ltcbook") / "data" / "sunspots.csv").open(encoding="utf8", newline="") as file:  # type: ignore[call-overload]  # typeshed forgets newline
        rows = list(csv.DictReader(file))
    return np.array([int(row["year"]) for row in rows]), np.array([float(row["number"]) for row in rows])


def sunspots(
    part: Literal["train", "test"] = "train",
    *,
    window: int = 32,
    stride: int = 1,
    test_share: float = 0.25,
    rng: np.random.Generator | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Sunspots a year ahead, (inputs, targets), each (N, window, 1): targets[:, t] is the year after
    inputs[:, t].

    One step is one year. The series is cut at one year: windows of part="test" use only the last test_share
    of the years, those of "train" only the years before. Both parts are normalised by mean and standard
    deviation of the training years (no unit; multiply by that standard deviation for sunspot numbers).
    stride: years between starts of windows; windows overlap when it is smaller than window. rng, if given,
    shuffles the windows. Raises ValueError when a part is shorter than window + 1 years.
    Source: see ``sunspot_series``.

    >>> inputs, targets = tasks.sunspots(window=32)
    >>> bool((inputs[:, 1:] == targets[:, :-1]).all())  # one year ahead
    True
    """
    choice("part", part, ("train", "test"))
    window, stride = whole("window", window, 1), whole("stride", stride, 1)
    test_share = number("test_share", test_share, 0, 1, open_low=True, open_high=True)
    numbers = sunspot_series()[1]
    split = len(numbers) - round(test_share * len(numbers))
    train, test = numbers[:split], numbers[split:]
    years = train if part == "train" else test
    if min(len(train), len(test)) < window + 1:
        raise ValueError(
            f"{len(train)} training and {len(test)} test years; {window} steps need "
            f"{window + 1}: choose a shorter window or another test_share."
        )
    series = (years - train.mean()) / train.std()
    cuts = np.lib.stride_tricks.sliding_window_view(series, window + 1)[::stride]
    if rng is not None:
        cuts = generator(rng).permutation(cuts)
    return one_ahead(cuts[..., None])


def ice_core_series() -> tuple[np.ndarray, np.ndarray]:
    """Temperature over Dome C, Antarctica, for 800,000 years: (age (5785,), temperature (5785,)), from old to
    young.

    age: years before 1950, at irregular distances of 8 to 1364 years: the deeper the ice, the more it is
    pressed together. temperature: °C, the difference to the mean of the last 1000 years, estimated from the
    deuterium in the ice.
    Source: Jouzel et al. (2007), on the age scale EDC3; free to use and share, see ltcbook/data/README.md.

    >>> age, temperature = tasks.ice_core_series()
    >>> float(age[0]), float(age[-1]), temperature.shape
    (801662.0, 38.4, (5785,))
    """
    with (files("ltcbook") / "data" / "ice_core.csv").open(encoding="utf8", newline="") as file:  # type: ignore[call-overload]  # typeshed forgets newline
        rows = list(csv.DictReader(file))[::-1]
    return np.array([float(row["age"]) for row in rows]), np.array(
        [float(row["temperature"]) for row in rows]
    )


def ice_core(
    part: Literal["train", "test"] = "train", *, window: int = 64, rng: np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Antarctic temperatures at irregular times, one measurement ahead: (inputs, targets, dt), dt (N,
    window).

    inputs, targets (N, window, 1): targets[:, t] is the measurement after inputs[:, t], and dt[:, t] the time
    between the two in centuries: 0.08 to 13.6. So a network holds an input for exactly as long as it lasts.
    Both parts are normalised by mean and standard deviation of all of part="train". The record is cut into
    windows that do not overlap; every fifth of them, from the third on, is part="test": such windows lie all
    over the 800,000 years, because the distances grow with the age. rng, if given, shuffles the windows.
    Raises ValueError for a wrong part, or a window that leaves a part empty. Source: see ``ice_core_series``.

    >>> inputs, targets, dt = tasks.ice_core()
    >>> inputs.shape, dt.shape, bool((inputs[:, 1:] == targets[:, :-1]).all())
    ((72, 64, 1), (72, 64), True)
    """
    choice("part", part, ("train", "test"))
    window, (age, temperature) = whole("window", window, 1), ice_core_series()
    count = (len(age) - 1) // window
    if count < 3:
        raise ValueError(f"window is {window}; the {len(age)} measurements must give at least three windows.")
    starts = window * np.arange(count)
    test = np.arange(count) % 5 == 2
    train = np.concatenate([temperature[k : k + window] for k in starts[~test]])
    starts = starts[test if part == "test" else ~test]
    if rng is not None:
        starts = generator(rng).permutation(starts)
    at = starts[:, None] + np.arange(window)
    level = (temperature - train.mean()) / train.std()
    return level[at][..., None], level[at + 1][..., None], (age[at] - age[at + 1]) / 100
