"""What public functions check at their boundary: one error each that says what came and what is possible; and
how numbers are rounded where they leave as words.

>>> validation.whole("units", 0, 1)
Traceback (most recent call last):
ValueError: units is 0; it must be a whole number of at least 1.
"""

from __future__ import annotations

import math
import sys
from decimal import ROUND_HALF_UP, Context
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

Option = TypeVar("Option")


class Diverged(ValueError):
    """The ValueError of a state that grew beyond the finite numbers, or that no step size can follow."""


def brief(value: object, room: int = 60) -> str:
    """What came, for a message: its repr where that is short, else its type, its shape and its first values.

    >>> validation.brief([1, 2]), validation.brief([0.5] * 20000)
    ('[1, 2]', 'a list of shape (20000,) [0.5, 0.5, 0.5, ...]')
    """
    shape = _shape(value)
    if math.prod(shape) <= 12 or shape == ():
        try:
            text = repr(value)
        except Exception:
            text = f"a {type(value).__name__} without a repr"
        if len(text) <= room or shape == ():
            return text if len(text) <= room else f"{text[: room - 3]}..."
    kind = {"ndarray": "array", "Tensor": "tensor"}.get(type(value).__name__, type(value).__name__)[:40]
    size = f"length {len(value)}" if isinstance(value, (dict, set, frozenset)) else f"shape {shape}"
    if isinstance(value, dict):
        first = [f"{brief(key, 20)}: {brief(item, 20)}" for key, item in islice(value.items(), 4)]
    else:
        first = [brief(item, 20) for item in islice(_leaves(value), 4)]
    shown = f" [{', '.join(first[:3])}{', ...' if len(first) > 3 else ''}]" if first else ""
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind} of {size}{shown}"


def _shape(value: Any, depth: int = 8) -> tuple[int, ...]:
    """The shape of an array or of a nest of sequences, as far as all parts agree; () for everything else."""
    if isinstance(getattr(value, "shape", None), tuple):
        return tuple(value.shape)
    if not isinstance(value, (list, tuple, dict, set, frozenset)):
        return ()
    inner = (
        {_shape(item, depth - 1) for item in value} if isinstance(value, (list, tuple)) and depth else set()
    )
    return (len(value), *(inner.pop() if len(inner) == 1 else ()))


def _leaves(value: Any, depth: int = 8) -> Iterator[Any]:
    """The single values in an array or nest of sequences, one after the other; none where they cannot be
    looked at.
    """
    if hasattr(value, "shape"):
        try:
            yield from value.reshape(-1)[:4].tolist()
        except Exception:  # a tensor without values, or something else that has a shape
            return
    elif isinstance(value, (list, tuple, dict, set, frozenset)) and depth:
        for item in value:
            yield from _leaves(item, depth - 1)
    else:
        yield value


def whole(name: str, value: Any, low: int, high: int | None = None, why: str = "") -> int:
    """A whole number in [low, high] as int; ValueError for anything else."""
    right = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not right or value < low or (high is not None and value > high):
        top = "" if high is None else f" and at most {high}"
        raise ValueError(f"{name} is {brief(value)}; it must be a whole number of at least {low}{top}{why}.")
    return int(value)


def number(
    name: str,
    value: Any,
    low: float,
    high: float = np.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """A finite number in [low, high] as float; the ends may be left out. ValueError for anything else."""
    right = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if (
        not right
        or not abs(value) <= sys.float_info.max
        or value < low
        or value > high
        or (open_low and value == low)
        or (open_high and value == high)
    ):
        left, last = "(" if open_low else "[", ")" if open_high or high == np.inf else "]"
        raise ValueError(f"{name} is {brief(value)}; it must be a number in {left}{low:g}, {high:g}{last}.")
    return float(value)


def array(name: str, value: object) -> np.ndarray:
    """A float64 array of any shape; ValueError for what does not hold real numbers."""
    try:
        return np.asarray(value, float)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{name} is {brief(value)}; it must be an array of real numbers.") from None


def among(value: object, options: Iterable[object]) -> bool:
    """Whether a value is one of the options, which are names, numbers or None; never a ValueError: an
    array of any shape, which compares one by one, is none of them.
    """
    return isinstance(value, (str, int, float, np.number, type(None))) and value in options


def choice(name: str, value: Option, options: Iterable[object]) -> Option:
    """One of the options; ValueError for anything else."""
    if not among(value, options):
        raise ValueError(f"{name} is {brief(value)}; choose one of {', '.join(map(repr, options))}.")
    return value


def generator(rng: object) -> np.random.Generator:
    """A NumPy generator; ValueError for anything else."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng is {type(rng).__name__}; pass a generator, e.g. rng=np.random.default_rng(0).")
    return rng


def significant(real: float, digits: int) -> float:
    """One real number rounded to so many significant digits, as a float; a tie goes away from zero.

    JavaScript's toPrecision does the same. Python's own formats take the even neighbour: 67.5 would become
    68, and 72.5 become 72.

    >>> validation.significant(72.5, 2), validation.significant(-0.125, 2)
    (73.0, -0.13)
    """
    return float(Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal_from_float(float(real)))


def percent(share: float) -> str:
    """A share >= 0 in whole per cent, as a text; a half goes up: 0.145 is "15", and 0.725 is "73".

    Shares are fractions such as 29/200, so what is left behind the tenth digit counts as the computer's
    rounding.

    >>> validation.percent(0.145), validation.percent(0.725)
    ('15', '73')
    """
    return f"{np.floor(significant(100 * share, 10) + 0.5):.0f}"


def optional(package: str, install: str, task: str) -> ModuleType:
    """Import an optional package, or raise the ImportError that names what to install."""
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(f"{task} needs the optional package {install}: pip install {install}") from error


def extra(name: str, package: str, room: str) -> ModuleType:
    """The package that a room cannot be loaded without, or the ImportError that names the extra of ltcbook
    to install.
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:  # it is there, and lacks something itself
            raise
        raise ImportError(
            f'ltcbook.{room} needs {package}, which is missing: pip install "ltcbook[{name}]"', name=package
        ) from error
