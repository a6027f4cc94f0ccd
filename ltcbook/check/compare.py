"""The checks of an exercise: `number`, `array`, `true` and `equal` raise `Wrong` with words for the idea."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np

from . import seal
from .kinds import WORDS

PAGE = "LTCBOOK_ANSWERS"  # set while the book is rendered or released: then `equal` shows its seal


class Wrong(AssertionError):
    """An answer that is not right; its words name the idea, and never the answer."""


def true(condition: Any, idea: str) -> None:
    """Hold a property; raise `Wrong` with the idea where it does not hold (arrays: everywhere)."""
    if not np.all(np.asarray(condition)):
        raise Wrong(idea)


def number(name: str, given: Any, *, above: float | None = None, below: float | None = None) -> float:
    """The given number as a float; `Wrong` for anything that is no finite real number strictly between the
    bounds.
    """
    value = _real(name, given)
    if above is not None and not value > above:
        raise Wrong(f"{name}: {value:g} cannot be, it is more than {above:g}.")
    if below is not None and not value < below:
        raise Wrong(f"{name}: {value:g} cannot be, it is less than {below:g}.")
    return value


def array(name: str, given: Any, shape: Sequence[int]) -> np.ndarray:
    """The given array of finite numbers, with the wanted shape; `Wrong` for anything else."""
    try:
        values = np.asarray(given.detach() if hasattr(given, "detach") else given, dtype=float)
    except (TypeError, ValueError):
        raise Wrong(f"{name}: give an array of numbers, not {_what(given)}.") from None
    if values.shape != tuple(shape):
        turned = " This is the shape of the transpose." if values.shape == tuple(shape)[::-1] else ""
        raise Wrong(f"{name}: the shape {values.shape} came, {tuple(shape)} is wanted.{turned}")
    if not np.isfinite(values).all():
        raise Wrong(f"{name}: some entries are not finite numbers.")
    return values


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
    the share ``rel`` of its largest entry. ``mistakes`` maps the words for a mistake to what one then gets:
    it is asked before the general kinds. While the book is rendered or a release is made, the call also shows
    the sealed answer, from which the page makes an answer box with this ``label`` and ``unit``.

    >>> from ltcbook import check
    >>> check.equal("tau_sys", 0.2857, 2 / 7)
    >>> try:
    ...     check.equal("tau_sys", 3.5, 2 / 7)
    ... except check.Wrong as wrong:
    ...     print(str(wrong)[:50])
    tau_sys: This is one divided by the answer. Check
    """
    mistakes = dict(mistakes or {})
    kind = _kind(truth)
    if kind == "array":
        _equal_arrays(name, given, np.asarray(truth, dtype=float), rel, mistakes)
        return
    rel = 0 if kind in ("integer", "integers", "set") else rel
    wanted = plain(name, truth, kind, options)
    wrong = {idea: plain(name, value, kind, options) for idea, value in mistakes.items()}
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
    display({"text/html": page, "text/latex": "", "text/plain": ""}, raw=True)


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


def plain(name: str, value: Any, kind: str, options: Sequence[str]) -> list[float] | str:
    """An answer as the seal wants it; `Wrong` for a value of another kind."""
    if kind == "choice":
        words = [word.lower() for word in options] or ["yes", "no"]
        if isinstance(value, bool | np.bool_):
            value = "yes" if value else "no"
        if not isinstance(value, str):
            raise Wrong(f"{name}: give one of the words {_listed(words)}, not {_what(value)}.")
        if value.strip().lower() not in words:
            raise Wrong(f"{name}: {value!r} is none of {_listed(words)}.")
        return value.strip().lower()
    if kind in ("number", "integer"):
        return [_real(name, value)]
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise Wrong(f"{name}: give several numbers, as in (1, 2, 3), not {_what(value)}.")
    found = [_real(name, each) for each in value]
    return sorted(set(found)) if kind == "set" else found


def _real(name: str, value: Any) -> float:
    """A finite real number as a float."""
    if isinstance(value, str | bool | np.bool_ | complex | list | tuple | set | dict) or value is None:
        raise Wrong(f"{name}: give a number, not {_what(value)}.")
    if callable(value) and not isinstance(value, Number):
        raise Wrong(f"{name}: give a number, not {_what(value)}.")
    try:
        found = float(value)
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(f"{name}: give a number, not {_what(value)}.") from None
    if not np.isfinite(found):
        raise Wrong(f"{name}: give a finite number, not {found}.")
    return found


def _what(value: Any) -> str:
    """A value in the words of an error."""
    if value is ...:
        return "the placeholder ..."
    if isinstance(value, str):
        return f"the text {value!r}"
    return f"a {type(value).__name__}"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in words)


# --- arrays that are known -------------------------------------------------------------------------------


def _equal_arrays(name: str, given: Any, truth: np.ndarray, rel: float, mistakes: Mapping[str, Any]) -> None:
    if np.shape(given) != truth.shape and np.shape(given) == truth.shape[::-1] and truth.ndim == 2:
        turned = array(name, given, truth.shape[::-1]).T
        raise Wrong(f"{name}: {WORDS['transpose' if _alike(turned, truth, rel) else 'other']}")
    values = array(name, given, truth.shape)
    if _alike(values, truth, rel):
        return
    for idea, wrong in mistakes.items():
        if _alike(values, np.broadcast_to(np.asarray(wrong, dtype=float), truth.shape), rel):
            raise Wrong(f"{name}: {idea}")
    kind = next((kind for kind, test in SHAPES.items() if test(values, truth, rel)), "other")
    raise Wrong(f"{name}: {WORDS[kind]}")


def _alike(a: np.ndarray, b: np.ndarray, rel: float) -> bool:
    """Whether two arrays differ nowhere by more than a share of the largest entry of the second."""
    return bool(np.abs(a - b).max(initial=0.0) <= rel * max(np.abs(b).max(initial=0.0), seal.NOTHING))


def _square(a: np.ndarray) -> bool:
    return a.ndim == 2 and a.shape[0] == a.shape[1] > 1


def _factor(a: np.ndarray, b: np.ndarray, rel: float) -> bool:
    """Whether a is a multiple of b, and not the multiple 0."""
    size = (b * b).sum()
    factor = (a * b).sum() / size if size else 0.0
    return factor != 0 and _alike(a / factor, b, rel)


def _rows(a: np.ndarray, b: np.ndarray, rel: float) -> bool:
    return a.ndim == 2 and all(
        _factor(x, y, rel) or (_alike(x, y, rel) and not y.any()) for x, y in zip(a, b, strict=True)
    )


def _only(mask: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray, np.ndarray, float], bool]:
    """Whether two square arrays agree where the mask says, and so differ elsewhere alone."""
    return lambda a, b, rel: _square(b) and _alike(np.where(mask(b), a, b), b, rel)


# kind -> whether an array differs from the truth in this way; they are asked in this order
SHAPES: dict[str, Callable[[np.ndarray, np.ndarray, float], bool]] = {
    "sign": lambda a, b, rel: _alike(-a, b, rel),
    "transpose": lambda a, b, rel: _square(b) and _alike(a.T, b, rel),
    "near": lambda a, b, rel: _alike(a, b, seal.NEAR * rel),
    "factor": _factor,
    "reciprocal": lambda a, b, rel: bool((a != 0).all()) and _alike(1 / a, b, rel),
    "row": _rows,
    "shift": lambda a, b, rel: len(b) > 3 and (_alike(a[1:], b[:-1], rel) or _alike(a[:-1], b[1:], rel)),
    "offset": lambda a, b, rel: _alike(a - (a - b).mean(), b, rel),
    "diagonal": _only(lambda b: ~np.eye(len(b), dtype=bool)),
    "beside": _only(lambda b: np.eye(len(b), dtype=bool)),
    "some": lambda a, b, rel: bool(np.isclose(a, b, rtol=rel, atol=0).any()),
}
