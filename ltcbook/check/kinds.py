"""Kinds of mistakes, and the words that name the idea behind each.

A kind is found by undoing it: what was given is changed as if the mistake had been made, and if the result
fits the answer, the mistake has a name. So one list serves answers that are known and answers that are
sealed. `kinds.json` holds the words for Python and for the pages.

Where a number is what two kinds would give, both are named. A kind that turns nearly every number into
almost zero, or zero into a number, would fire by chance: `undone` leaves those out.
"""

import json
import math
from collections.abc import Callable
from importlib.resources import files
from typing import Final

WORDS: dict[str, str] = json.loads(files(__package__).joinpath("kinds.json").read_text("utf8"))
NOTHING: Final = 1e-9  # a number below it counts as zero

# name -> what to do to the given number; NaN where there is nothing to undo
UNDO: dict[str, tuple[Callable[[float], float], ...]] = {
    "sign": (lambda v: -v,),
    "one": (lambda v: v - 1, lambda v: v + 1),
    "double": (lambda v: v / 2,),
    "half": (lambda v: v * 2,),
    "reciprocal": (lambda v: 1 / v,),
    "hundred": (lambda v: v / 100, lambda v: v * 100),
    "thousand": (lambda v: v / 1000, lambda v: v * 1000),
    "turn": (lambda v: v / (2 * math.pi), lambda v: v * (2 * math.pi)),
    "complement": (lambda v: 1 - v if 0 < v < 1 else math.nan,),
    "square": (lambda v: math.sqrt(v),),
    "root": (lambda v: v * v if v >= 0 else math.nan,),
    "logarithm": (lambda v: math.exp(v) if abs(v) >= NOTHING else math.nan,),
    "exponential": (lambda v: math.log(v),),
}
WHOLE = ("sign", "one", "double", "half")  # the kinds that make sense for a count
REAL = tuple(kind for kind in UNDO if kind != "one")  # and for a number that is measured


def undone(kind: str, values: list[float]) -> list[list[float]]:
    """What numbers would be without a mistake of this kind in all of them, once for each way to undo it.

    A way is left out where a result does not exist, or where nothing but zeros results.
    """
    found = []
    for undo in UNDO[kind]:
        try:
            results = [undo(value) for value in values]
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        something = kind == "one" or any(abs(result) >= NOTHING for result in results)
        if something and all(map(math.isfinite, results)):
            found.append(results)
    return found
