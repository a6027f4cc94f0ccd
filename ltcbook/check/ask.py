"""A student's question to a sealed answer: one line in a notebook, which never stops the notebook."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from . import given, seal
from .kinds import WORDS

FIELDS = {"name", "kind", "rel", "label", "mistakes"}  # what every sealed answer has


def pack(sealed: Sequence[seal.Sealed]) -> str:
    """Sealed answers as one word of letters and digits."""
    text = json.dumps(list(sealed), ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode()


def unpack(text: str) -> list[seal.Sealed]:
    """What `pack` has packed; ValueError for anything else."""
    try:
        found = json.loads(zlib.decompress(base64.urlsafe_b64decode(text)))
    except (TypeError, ValueError, zlib.error):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, dict) and set(one) >= FIELDS for one in found):
        raise ValueError("the sealed answers are damaged: take the line anew from the notebook you got.")
    return found


@dataclass(frozen=True)
class Verdicts:
    """What `ask` found: (name, whether it is right, words) for each answer. Notebooks show it as a list."""

    exercise: str
    rows: tuple[tuple[str, bool, str], ...]

    @property
    def right(self) -> bool:
        """Whether every answer is right."""
        return all(fine for _, fine, _ in self.rows)

    def __repr__(self) -> str:
        lines = (f"{'✓' if fine else '✗'} {name}: {words}" for name, fine, words in self.rows)
        return "\n".join([self.exercise, *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<li>{'✓' if fine else '✗'} <code>{escape(name)}</code>: {escape(words)}</li>"
            for name, fine, words in self.rows
        )
        return f'<b>{escape(self.exercise)}</b><ul style="list-style: none; padding-left: 1em">{rows}</ul>'


def ask(exercise: str, names: Mapping[str, Any], sealed: str) -> Verdicts:
    """Judge the answers of an exercise: ``ask("Exercise 1", globals(), "eJ...")``.

    ``names`` holds the student's variables, ``sealed`` the answers as `pack` wrote them. A wrong answer gets
    words for the kind of mistake and never the value, a missing one is called missing. Raises ValueError for
    sealed answers that are damaged, and nothing else.
    """
    rows = []
    for one in unpack(sealed):
        name = one["name"]
        if name not in names:
            rows.append((name, False, "This name has no value yet."))
            continue
        try:
            found = given.plain(name, names[name], one["kind"], one.get("options", ()))
            words = seal.judge(found, one)
        except given.Wrong as wrong:
            words = str(wrong).removeprefix(f"{name}: ")
        rows.append((name, words is None, words or right(one)))
    return Verdicts(exercise, tuple(rows))


def right(sealed: seal.Sealed) -> str:
    """The words for a right answer, with the tolerance to which it is right."""
    if sealed["kind"] == "choice" or not sealed["rel"]:
        return WORDS["right"]
    return WORDS["within"].format(percent=f"{100 * sealed['rel']:g}")
