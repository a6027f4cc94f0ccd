"""Answers that are arrays, compared as they are: they are never sealed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from . import seal
from .given import Wrong, numbers
from .kinds import WORDS


def shaped(name: str, values: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The values, with the wanted shape; `Wrong` for another one."""
    if values.shape != tuple(shape):
        turned = " This is the shape of the transpose." if values.shape == tuple(shape)[::-1] else ""
        raise Wrong(f"{name}: the shape {values.shape} came, {tuple(shape)} is wanted.{turned}")
    return values


def equal_arrays(name: str, given: Any, wanted: Any, rel: float, mistakes: Mapping[str, Any]) -> None:
    """Compare an array with the truth, as `equal` does; the kinds of mistakes are those of `SHAPES`."""
    truth = _array_of_author(name, wanted, wanted.shape)
    wrong = {idea: _array_of_author(name, value, truth.shape) for idea, value in mistakes.items()}
    values = numbers(name, given)
    if truth.ndim == 2 and values.shape != truth.shape and values.shape == truth.shape[::-1]:
        raise Wrong(f"{name}: {WORDS['transpose' if _alike(values.T, truth, rel) else 'other']}")
    values = shaped(name, values, truth.shape)
    if _alike(values, truth, rel):
        return
    with np.errstate(all="ignore"):  # what a kind divides by may be nothing
        idea = next((idea for idea, other in wrong.items() if _alike(values, other, rel)), None)
        kind = next((kind for kind, test in SHAPES.items() if test(values, truth, rel)), "other")
    raise Wrong(f"{name}: {idea or WORDS[kind]}")


def _array_of_author(name: str, value: Any, shape: Sequence[int]) -> np.ndarray:
    """A truth or a mistake as an array of this shape; ValueError for what no answer can be."""
    try:
        return np.broadcast_to(numbers(name, value), shape)
    except (Wrong, ValueError) as error:
        raise ValueError(f"the check of {name} itself is wrong: {error}") from None


def _alike(a: np.ndarray, b: np.ndarray, rel: float) -> bool:
    """Whether two arrays differ nowhere by more than a share of the largest entry of the second."""
    return bool(np.abs(a - b).max(initial=0.0) <= rel * max(np.abs(b).max(initial=0.0), seal.NOTHING))


def _square(a: np.ndarray) -> bool:
    return a.ndim == 2 and a.shape[0] == a.shape[1] > 1


def _factor(a: np.ndarray, b: np.ndarray, rel: float) -> bool:
    """Whether a is a multiple of b, and not the multiple 0; one number alone is no multiple to speak of."""
    size = (b * b).sum()
    factor = (a * b).sum() / size if size else 0.0
    return bool(factor and np.count_nonzero(b) > 1) and _alike(a / factor, b, rel)


def _rows(a: np.ndarray, b: np.ndarray, rel: float) -> bool:
    """Whether each row of a is a multiple of that row of b, and not all by having a single number."""
    return (
        a.ndim == 2
        and all(_factor(x, y, rel) or _alike(x, y, rel) for x, y in zip(a, b, strict=True))
        and any(np.count_nonzero(row) > 1 for row in b)
    )


def _shift(a: np.ndarray, b: np.ndarray, rel: float) -> bool:
    """Whether a is b one step earlier or later; nothing but zeros is no shift."""
    early, late = _alike(a[1:], b[:-1], rel) and b[:-1].any(), _alike(a[:-1], b[1:], rel) and b[1:].any()
    return len(b) > 3 and bool(early or late)


def _beside(a: np.ndarray, b: np.ndarray, rel: float) -> bool:
    """Whether nothing but the diagonal is right."""
    if not _only(_diagonal)(a, b, rel) or not b.diagonal().any():
        return False
    return not _some(np.where(_diagonal(b), 0, a), b, rel)


def _some(a: np.ndarray, b: np.ndarray, rel: float) -> bool:
    """Whether a number of the truth, other than 0, stands in its place."""
    return bool((np.isclose(a, b, rtol=rel, atol=0) & (b != 0)).any())


def _diagonal(b: np.ndarray) -> np.ndarray:
    return np.eye(len(b), dtype=bool)


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
    "shift": _shift,
    "offset": lambda a, b, rel: b.size > 1 and _alike(a - (a - b).mean(), b, rel),
    "diagonal": _only(lambda b: ~_diagonal(b)),
    "beside": _beside,
    "some": _some,
}
