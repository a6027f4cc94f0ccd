"""An answer that can be compared but not read: salted hashes, one format for notebooks and pages.

A number is hashed as the number of its cell on a logarithmic grid whose cells are as wide as the tolerance
and whose phase puts the answer into the middle of one. Whoever wants to can search the grid: a seal is a
veil, not a safe, and what is graded is compared in the autograder alone.

`ltcbook/site/static/answers.js` reads the same format.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any, Final

from .kinds import UNDO, WHOLE, WORDS, undone

NOTHING: Final = 1e-9  # a number below it counts as zero
NEAR: Final = 5  # so many tolerances off is still worth a word of its own
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
    """The seal of a number that may be off by the share ``rel``; 0 seals it exactly."""
    if rel == 0:
        return {"rel": 0, "mark": mark(f"{salt}:{exact(value)}")}
    width = 2 * math.log1p(rel)
    phase = round(math.log(abs(value)) % width, 9) if abs(value) >= NOTHING else 0.0
    return {"rel": rel, "phase": phase, "mark": mark(f"{salt}:{cell(value, width, phase)}")}


def exact(value: float) -> str:
    """A whole number as it is hashed; a number that is not whole fits no seal."""
    return str(int(value)) if value == int(value) else "not whole"


def cell(value: float, width: float, phase: float) -> str:
    """The name of the grid's cell in which a number lies."""
    if abs(value) < NOTHING:
        return "0"
    return f"{'-' if value < 0 else '+'} {math.floor((math.log(abs(value)) - phase) / width + 0.5)}"


def fits(value: float, sealed: Sealed, salt: str) -> bool:
    """Whether a number is the sealed one, to its tolerance."""
    if sealed["rel"] == 0:
        return mark(f"{salt}:{exact(value)}") == sealed["mark"]
    width = 2 * math.log1p(sealed["rel"])
    return mark(f"{salt}:{cell(value, width, sealed['phase'])}") == sealed["mark"]


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
    sealed: Sealed = {"name": name, "kind": kind, "rel": rel, "unit": unit, "label": label}
    if isinstance(truth, str):
        return sealed | {
            "options": list(options),
            "mark": mark(f"{salt}:{truth}"),
            "mistakes": [[mark(f"{salt}:{wrong}"), idea] for idea, wrong in mistakes.items()],
        }
    return sealed | {
        "marks": numbers(truth, rel, salt),
        "near": numbers(truth, NEAR * rel, f"{salt}~") if rel else [],
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
        found = mark(f"{salt}:{given}")
        if found == sealed["mark"]:
            return None
        return next((idea for wrong, idea in sealed["mistakes"] if wrong == found), WORDS["other"])
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
    if len(given) != len(marks):
        return f"{len(marks)} numbers are wanted, and {len(given)} came."
    for kind in WHOLE if sealed["rel"] == 0 else UNDO:
        if any(all_fit(values, marks, salt) for values in together(kind, given)):
            return WORDS[kind]
    if 1 < len(given) <= MOST_ORDERS and any(all_fit(order, marks, salt) for order in permutations(given)):
        return WORDS["order"]
    if any(fits(value, one, f"{salt}.{k}") for k, (value, one) in enumerate(zip(given, marks, strict=True))):
        return WORDS["some"]
    return WORDS["other"]


def together(kind: str, given: Sequence[float]) -> Iterator[list[float]]:
    """The same mistake undone in all numbers at once, once for each way to undo it."""
    for k in range(len(UNDO[kind])):
        ways = [undone(kind, value) for value in given]
        if all(len(way) == len(UNDO[kind]) for way in ways):
            yield [way[k] for way in ways]
