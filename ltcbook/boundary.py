"""What public functions check at their boundary: one error each that says what came and what is possible.

>>> boundary.whole("units", 0, 1)
Traceback (most recent call last):
ValueError: units is 0; it must be a whole number of at least 1.
"""

from importlib import import_module

import numpy as np


def whole(name, value, low, high=None, why=""):
    """A whole number in [low, high] as int; ValueError for anything else."""
    right = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not right or value < low or (high is not None and value > high):
        top = "" if high is None else f" and at most {high}"
        raise ValueError(f"{name} is {value!r}; it must be a whole number of at least {low}{top}{why}.")
    return int(value)


def number(name, value, low, high=np.inf, *, open_low=False, open_high=False):
    """A finite number in [low, high] as float; the ends may be left out. ValueError for anything else."""
    right = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if (not right or not np.isfinite(value) or value < low or value > high
            or (open_low and value == low) or (open_high and value == high)):
        left, last = "(" if open_low else "[", ")" if open_high or high == np.inf else "]"
        raise ValueError(f"{name} is {value!r}; it must be a number in {left}{low:g}, {high:g}{last}.")
    return float(value)


def choice(name, value, options):
    """One of the options; ValueError for anything else."""
    if value not in options:
        raise ValueError(f"{name} is {value!r}; choose one of {', '.join(map(repr, options))}.")
    return value


def generator(rng):
    """A NumPy generator; ValueError for anything else."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng is {type(rng).__name__}; pass a generator, e.g. rng=np.random.default_rng(0).")
    return rng


def optional(package, install, task):
    """Import an optional package, or raise the ImportError that names what to install."""
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(f"{task} needs the optional package {install}: pip install {install}") from error
