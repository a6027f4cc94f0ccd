"""Kinds of mistakes, and the words that name the idea behind each.

A kind is found by undoing it: what was given is changed as if the mistake had been made, and if the result
fits the answer, the mistake has a name. So one list serves answers that are known and answers that are
sealed. `kinds.json` holds the words for Python and for the pages.
"""

import json
import math
from collections.abc import Callable
from importlib.resources import files

WORDS: dict[str, str] = json.loads(files(__package__).joinpath("kinds.json").read_text("utf8"))

# name -> what to do to the given number, in the order in which they are tried
UNDO: dict[str, tuple[Callable[[float], float], ...]] = {
    "sign": (lambda v: -v,),
    "one": (lambda v: v - 1, lambda v: v + 1),
    "double": (lambda v: v / 2,),
    "half": (lambda v: v * 2,),
    "reciprocal": (lambda v: 1 / v,),
    "hundred": (lambda v: v / 100, lambda v: v * 100),
    "thousand": (lambda v: v / 1000, lambda v: v * 1000),
    "turn": (lambda v: v / (2 * math.pi), lambda v: v * (2 * math.pi)),
    "complement": (lambda v: 1 - v,),
    "square": (lambda v: math.sqrt(v),),
    "root": (lambda v: v * v if v >= 0 else math.nan,),
    "logarithm": (lambda v: math.exp(v),),
    "exponential": (lambda v: math.log(v),),
}
WHOLE = ("sign", "one", "double", "half")  # the kinds that make sense for a count


def undone(kind: str, value: float) -> list[float]:
    """What the number would be without a mistake of this kind; numbers that do not exist are left out."""
    found = []
    for undo in UNDO[kind]:
        try:
            result = undo(value)
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        if math.isfinite(result):
            found.append(result)
    return found
