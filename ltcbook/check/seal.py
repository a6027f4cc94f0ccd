"""An answer that can be compared but not read: salted hashes, one format for notebooks and pages.

A number is hashed as the number of its cell on a logarithmic grid whose cells are as wide as the tolerance
and whose phase puts the answer into the middle of one. Whoever wants to can search the grid: a seal is a
veil, not a safe, and what is graded is compared in the autograder alone.

`ltcbook/site/answers/judge.js` reads the same format, and a test holds it to `judge`.
"""

import math
from collections.abc import Sequence
from itertools import permutations
from typing import Any, Final

from .kinds import NOTHING, REAL, WHOLE, WORDS, undone

EXACT: Final = 1e-6  # a number this close to a whole one is that one
HAIR: Final = 1e-9  # a share by which a tolerance is wider, so that its very ends belong to it
NEAR: Final = 5  # so many tolerances off is still worth a word of its own
NEAR_MOST: Final = 0.2  # but no share above this one is near
MOST_ORDERS: Final = 4  # of so many numbers every order is tried

Sealed = dict[str, Any]


def mark(text: str) -> str:
    """The 64-bit FNV-1a hash of a text, in hexadecimal digits.

    Source: Fowler, Noll & Vo, "The FNV non-cryptographic hash algorithm" (RFC 9923).
    """
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:x}"


def number(value: float, rel: float, salt: str) -> Sealed:
    """The seal of a number that may be off by the share ``rel`` of it; 0 seals it exactly."""
    if rel == 0 and exact(value):
        return {"mark": mark(f"{salt}:{exact(value)}")}
    low = math.log1p(-rel) - HAIR
    width = math.log1p(rel) + HAIR - low
    phase = round((math.log(abs(value)) + low) % width, 12) if abs(value) >= NOTHING else 0.0
    return {"width": width, "phase": phase, "mark": mark(f"{salt}:{cell(value, width, phase)}")}


def exact(value: float) -> str:
    """A whole number as it is hashed, "" for one that is not whole."""
    return str(round(value)) if abs(value - round(value)) <= EXACT else ""


def cell(value: float, width: float, phase: float) -> str:
    """The name of the grid's cell in which a number lies."""
    if abs(value) < NOTHING:
        return "0"
    return f"{'-' if value < 0 else '+'} {math.floor((math.log(abs(value)) - phase) / width)}"


def fits(value: float, sealed: Sealed, salt: str) -> bool:
    """Whether a number is the sealed one, to its tolerance."""
    name = cell(value, sealed["width"], sealed["phase"]) if "width" in sealed else exact(value)
    return mark(f"{salt}:{name}") == sealed["mark"]


def numbers(values: Sequence[float], rel: float, salt: str) -> list[Sealed]:
    """The seals of several numbers, each with a salt of its own."""
    return [number(value, rel, f"{salt}.{k}") for k, value in enumerate(values)]


def all_fit(values: Sequence[float], sealed: Sequence[Sealed], salt: str) -> bool:
    """Whether as many numbers came as are sealed, and each fits."""
    return len(values) == len(sealed) and all(
        fits(value, one, f"{salt}.{k}") for k, (value, one) in enumerate(zip(values, sealed, strict=True))
    )


def seal(
    name: str,
    truth: list[float] | str,
    *,
    kind: str,
    rel: float,
    mistakes: dict[str, list[float] | str],
    unit: str,
    label: str,
    options: Sequence[str],
) -> Sealed:
    """All that a page or a student's notebook needs in order to judge an answer.

    ``kind`` is "number", "numbers", "integer", "integers", "set" or "choice"; numbers come as lists.
    """
    salt = f"{name}|{label}"
    near = min(NEAR * rel, NEAR_MOST)
    sealed: Sealed = {"name": name, "kind": kind, "rel": rel, "unit": unit, "label": label}
    if isinstance(truth, str):
        return sealed | {
            "options": list(options),
            "mark": mark(f"{salt}:{truth}"),
            "mistakes": [[mark(f"{salt}:{wrong}"), idea] for idea, wrong in mistakes.items()],
        }
    return sealed | {
        "marks": numbers(truth, rel, salt),
        "near": numbers(truth, near, f"{salt}~") if near > rel else [],
        "mistakes": [
            [numbers(wrong, rel, f"{salt}!{k}"), idea]
            for k, (idea, wrong) in enumerate(mistakes.items())
            if isinstance(wrong, list)
        ],
    }


def judge(given: list[float] | str, sealed: Sealed) -> str | None:
    """None where the answer is right, else the words for the mistake. It never tells the answer."""
    salt = f"{sealed['name']}|{sealed['label']}"
    if isinstance(given, str):
        word = mark(f"{salt}:{given}")
        if word == sealed["mark"]:
            return None
        return next((idea for wrong, idea in sealed["mistakes"] if wrong == word), WORDS["other"])
    marks = sealed["marks"]
    if sealed["kind"] == "set":
        given = sorted(set(given))
    if all_fit(given, marks, salt):
        return None
    for k, (wrong, idea) in enumerate(sealed["mistakes"]):
        if all_fit(given, wrong, f"{salt}!{k}"):
            return idea
    if sealed["kind"] == "set":
        return WORDS["other"]
    if sealed["near"] and all_fit(given, sealed["near"], f"{salt}~"):
        return WORDS["near"]
    if sealed["kind"] in ("integer", "integers") and not all(map(exact, given)):
        return WORDS["whole"]
    if len(given) != len(marks):
        return WORDS["count"].format(wanted=len(marks), came=len(given))
    kinds = REAL if sealed["rel"] else WHOLE
    found = [kind for kind in kinds if any(all_fit(values, marks, salt) for values in undone(kind, given))]
    if found:
        return " ".join(WORDS[kind] for kind in (["several"] if len(found) > 1 else []) + found)
    if 1 < len(given) <= MOST_ORDERS and any(all_fit(order, marks, salt) for order in permutations(given)):
        return WORDS["order"]
    if any(fits(value, one, f"{salt}.{k}") for k, (value, one) in enumerate(zip(given, marks, strict=True))):
        return WORDS["some"]
    return WORDS["other"]
