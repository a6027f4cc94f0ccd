"""The checks of an exercise: `number`, `array`, `true` and `equal` raise `Wrong` with words for the idea."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from . import seal
from .arrays import equal_arrays, shaped
from .given import Wrong, at_hand, numbers, plain, real

PAGE = "LTCBOOK_ANSWERS"  # set while the book is rendered or released: then `equal` shows its seal


def true(condition: Any, idea: str) -> None:
    """Hold a property; raise `Wrong` with the idea where it does not hold (arrays: everywhere)."""
    try:
        holds = bool(np.all(np.asarray(at_hand(condition))))
    except Exception:  # a student's object may raise anything; a property that cannot be asked does not hold
        holds = False
    if not holds:
        raise Wrong(idea)


def number(name: str, given: Any, *, above: float | None = None, below: float | None = None) -> float:
    """The given number as a float; `Wrong` for anything that is no finite real number strictly between the
    bounds.
    """
    value = real(name, given)
    if above is not None and not value > above:
        raise Wrong(f"{name}: {value:g} cannot be: it must be more than {above:g}.")
    if below is not None and not value < below:
        raise Wrong(f"{name}: {value:g} cannot be: it must be less than {below:g}.")
    return value


def array(name: str, given: Any, shape: Sequence[int]) -> np.ndarray:
    """The given array of finite numbers, with the wanted shape; `Wrong` for anything else."""
    return shaped(name, numbers(name, given), shape)


def equal(
    name: str,
    given: Any,
    truth: Any,
    *,
    rel: float = 0.01,
    mistakes: Mapping[str, Any] | None = None,
    unit: str = "",
    label: str = "",
    options: Sequence[str] = (),
) -> None:
    """Compare an answer with the truth; where they differ, raise `Wrong` with words for the kind of mistake.

    ``truth`` may be a number, a list or tuple of numbers, an array, a set of whole numbers, or one of the
    words in ``options``. Whole numbers (`int`) are compared exactly, others to the share ``rel``; an array to
    the share ``rel`` of its largest entry. A number below 1e-9 counts as zero. ``mistakes`` maps the words
    for a mistake to what one then gets: it is asked before the general kinds, and left out where that is no
    finite number. While the book is rendered or a release is made, the call also shows the sealed answer,
    from which the page makes an answer box with this ``label`` and ``unit``. ValueError for a truth or a
    mistake that no answer can be.

    >>> from ltcbook import check
    >>> check.equal("tau_sys", 0.2857, 2 / 7)
    >>> try:
    ...     check.equal("tau_sys", 3.5, 2 / 7)
    ... except check.Wrong as wrong:
    ...     print(str(wrong)[:50])
    tau_sys: This is one divided by the answer. Check
    """
    mistakes = dict(mistakes or {})
    if not 0 <= rel < 1:
        raise ValueError(f"{name}: rel is {rel}; it is a share from 0 to below 1, as in 0.01 for 1 %.")
    kind = _kind(truth)
    if kind == "array":
        equal_arrays(name, given, truth, rel, mistakes)
        return
    rel = rel if kind in ("number", "numbers") else 0
    wanted = _of_author(name, truth, kind, options)
    wrong = {
        idea: _of_author(name, value, kind, options) for idea, value in mistakes.items() if _exists(value)
    }
    sealed = seal.seal(
        name, wanted, kind=kind, rel=rel, mistakes=wrong, unit=unit, label=label, options=options
    )
    words = seal.judge(plain(name, given, kind, options), sealed)
    if words is not None:
        raise Wrong(f"{name}: {words}")
    if os.environ.get(PAGE):
        _show(sealed)


def _show(sealed: seal.Sealed) -> None:
    """Put the sealed answer into the cell's output."""
    import json

    from IPython.display import display

    text = json.dumps(sealed, ensure_ascii=False).replace("<", "\\u003c")
    page = f'<script type="application/json" class="ltc-answer">{text}</script>'
    display({"text/html": page, "text/plain": ""}, raw=True)


def _kind(truth: Any) -> str:
    """The kind of an answer, by what the truth is."""
    if isinstance(truth, bool | np.bool_ | str):
        return "choice"
    if isinstance(truth, set | frozenset):
        return "set"
    if isinstance(truth, list | tuple):
        whole = all(isinstance(value, int | np.integer) for value in truth)
        return "integers" if whole else "numbers"
    if isinstance(truth, np.ndarray) and truth.ndim:
        return "array"
    return "integer" if isinstance(truth, int | np.integer) else "number"


def _exists(value: Any) -> bool:
    """Whether a mistake leads to a number at all, or to a word."""
    return isinstance(value, str | Iterable) or bool(np.isfinite(value))


def _of_author(name: str, value: Any, kind: str, options: Sequence[str]) -> list[float] | str:
    """A truth or a mistake as the seal wants it; ValueError for what no answer can be."""
    try:
        return plain(name, value, kind, options)
    except Wrong as error:
        raise ValueError(f"the check of {name} itself is wrong: {error}") from None
