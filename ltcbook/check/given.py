"""What a student gives, read: every value becomes plain numbers or a word, or raises one clear `Wrong`."""

import warnings
from collections.abc import Iterable, Sequence
from itertools import islice
from numbers import Number
from typing import Any, Final

import numpy as np

MOST: Final = 1000  # numbers of one answer
LONG: Final = 40  # letters of a text that an error shows


class Wrong(AssertionError):
    """An answer that is not right; its words name the idea, and never the answer."""


def plain(name: str, value: Any, kind: str, options: Sequence[str]) -> list[float] | str:
    """An answer as the seal wants it; `Wrong` for a value of another kind."""
    if kind == "choice":
        words = [word.lower() for word in options] or ["yes", "no"]
        if isinstance(value, bool | np.bool_):
            value = "yes" if value else "no"
        if not isinstance(value, str):
            raise Wrong(f"{name}: give one of the words {_listed(words)}, not {_what(value)}.")
        word = str.lower(str.strip(value))
        if word not in words:
            raise Wrong(f"{name}: {_short(word)} is none of {_listed(words)}.")
        return word
    if kind in ("number", "integer"):
        return [real(name, value)]
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise Wrong(f"{name}: give several numbers, as in (1, 2, 3), not {_what(value)}.")
    try:
        items = list(islice(value, MOST + 1))
    except Exception:  # a student's object may raise anything
        raise Wrong(f"{name}: give several numbers, as in (1, 2, 3), not {_what(value)}.") from None
    if len(items) > MOST:
        raise Wrong(f"{name}: more than {MOST} numbers came.")
    found = [real(name, each) for each in items]
    return sorted(set(found)) if kind == "set" else found


NO_NUMBERS = (str, bytes, bytearray, bool, np.bool_, complex, np.complexfloating, type(None))


def real(name: str, value: Any) -> float:
    """A finite real number as a float; an array or a tensor of one number counts as that number."""
    what = _what(value)
    try:
        value = at_hand(value)
        if isinstance(value, np.ndarray | np.generic) and value.size == 1:
            value = value.item()
        if isinstance(value, NO_NUMBERS) or (callable(value) and not isinstance(value, Number)):
            raise TypeError
        found = float(value)
    except OverflowError:
        raise Wrong(f"{name}: this number is too large.") from None
    except Exception:  # a student's object may raise anything
        raise Wrong(f"{name}: give a number, not {what}.") from None
    if not np.isfinite(found):
        raise Wrong(f"{name}: give a finite number, not {found}.")
    return found


def numbers(name: str, given: Any) -> np.ndarray:
    """An array of finite real numbers as floats; SymPy's numbers and fractions are numbers too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values = np.asarray(at_hand(given))
            if values.dtype.kind not in "biufO":
                raise TypeError
            values = values.astype(float)
    except Exception:  # a student's object may raise anything
        raise Wrong(f"{name}: give an array of numbers, not {_what(given)}.") from None
    if not np.isfinite(values).all():
        raise Wrong(f"{name}: some entries are not finite numbers.")
    return values


def at_hand(value: Any) -> Any:
    """A torch tensor as an array, whatever it is part of and wherever it lies, and NaN for what a NumPy array
    hides; anything else as it is.
    """
    if isinstance(value, np.ma.MaskedArray):
        return np.ma.filled(value.astype(float), np.nan)
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _what(value: Any) -> str:
    """A value in the words of an error."""
    if value is ...:
        return "the placeholder ..."
    if isinstance(value, str):
        return f"the text {_short(value)}"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def _short(text: str) -> str:
    """A text in quotation marks, its end left out where it is long."""
    text = str.__str__(text)
    return repr(text if len(text) <= LONG else f"{text[:LONG]}...")


def _listed(words: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in words)
