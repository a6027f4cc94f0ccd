"""A perceptual decision that must be held in memory over a delay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..validation import generator, number, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

PERIODS = ("fixation", "stimulus", "delay", "decision")


def delayed_decision(
    trials: int,
    *,
    dt: float = 20.0,
    fixation: float = 100.0,
    stimulus: float = 1000.0,
    delay: float | Sequence[float] = (300.0, 500.0, 700.0, 900.0, 1200.0),
    decision: float = 300.0,
    coherences: float | Sequence[float] = (0.0, 6.4, 12.8, 25.6, 51.2),
    sigma: float = 1.0,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Which of two noisy stimuli was stronger? Answer after a delay. (inputs, targets).

    inputs (trials, T, 3): a fixation signal, 1 until the decision period and 0 in it, and two stimuli. In the
    stimulus period they are (1 + c/100)/2 for the stronger and (1 - c/100)/2 for the weaker side, c being the
    trial's coherence in per cent, plus Gaussian noise of standard deviation sigma / sqrt(dt), fresh at every
    step (sigma in sqrt(ms), so that evidence per millisecond does not depend on dt); elsewhere 0. targets
    (trials, T), integers: 0 (hold) until the decision period, in it 1 or 2, the side that was stronger (drawn
    at random where c = 0).

    dt, fixation, stimulus, delay, decision in ms; periods are rounded to whole steps. Every trial draws its
    delay and coherence from the lists; all trials last equally long, the time that a short delay leaves is
    spent before the stimulus. Raises ValueError for a negative duration or one that rounds to no step,
    coherences outside [0, 100], trials < 1.
    Source: our own statement of the delayed-response task of Inagaki et al., Nature 566 (2019) 212, in the
    reduced form common for recurrent networks (neurogym's PerceptualDecisionMakingDelayResponse; Britten et
    al. 1992 for coherence); neurogym pins other versions of NumPy and Matplotlib than this book, so it cannot
    stand beside it.

    >>> inputs, targets = tasks.delayed_decision(8, rng=rng)
    >>> inputs.shape, targets.shape
    ((8, 130, 3), (8, 130))
    >>> int(targets[:, 0].max()), int(targets[:, -1].min())  # hold, then answer
    (0, 1)
    """
    trials, sigma, rng = whole("trials", trials, 1), number("sigma", sigma, 0), generator(rng)
    dt = number("dt", dt, 0, open_low=True)
    steps = {
        name: _steps(name, value, dt)
        for name, value in (("fixation", fixation), ("stimulus", stimulus), ("decision", decision))
    }
    delays = np.array([_steps("delay", value, dt, least=0) for value in _listed("delay", delay)])
    coherence = np.array([number("coherences", c, 0, 100) for c in _listed("coherences", coherences)])

    longest = int(delays.max())
    delays, coherence = rng.choice(delays, size=trials), rng.choice(coherence, size=trials)
    side = rng.integers(1, 3, size=trials)
    total = sum(steps.values()) + longest
    answer = total - steps["decision"]
    start = (answer - delays - steps["stimulus"])[:, None]
    time = np.arange(total)
    seen = (time >= start) & (time < start + steps["stimulus"])
    towards = np.where(side == 1, 1.0, -1.0)[:, None, None] * np.array([1.0, -1.0])
    strength = (1 + towards * coherence[:, None, None] / 100) / 2
    noise = rng.normal(scale=sigma / np.sqrt(dt), size=(trials, total, 2))
    inputs = np.concatenate(
        [
            np.broadcast_to(time < answer, (trials, total))[..., None].astype(float),
            seen[..., None] * (strength + noise),
        ],
        axis=-1,
    )
    return inputs, np.where(time >= answer, side[:, None], 0)


def _listed(name: str, values: Any) -> list[Any]:
    values = list(values) if isinstance(values, (tuple, list, np.ndarray)) else [values]
    if not values:
        raise ValueError(f"{name} is empty; list at least one value.")
    return values


def _steps(name: str, duration: float, dt: float, least: int = 1) -> int:
    count = round(number(name, duration, 0) / dt)
    if count < least:
        raise ValueError(f"{name} is {duration} ms; it must last at least one step of dt = {dt} ms.")
    return count
