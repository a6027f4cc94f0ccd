"""Numbers in and words out: how every picture checks its data, and how alternative texts write numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..validation import brief, significant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike


def numbers(name: str, values: ArrayLike, *shape: int | str, dtype: type = float) -> np.ndarray:
    """The values as a finite array of this shape; a letter is any length >= 1. ValueError if not.

    dtype: float, or complex for eigenvalues.
    """
    try:
        values = np.asarray(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must hold numbers in the shape {_shape(shape)}; got {type(values).__name__}."
        ) from error
    fits = values.ndim == len(shape) and all(
        size > 0 if isinstance(want, str) else size == want
        for size, want in zip(values.shape, shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} has shape {values.shape}; it must be {_shape(shape)}.")
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name} holds {np.count_nonzero(~np.isfinite(values))} values that are NaN or infinite."
        )
    return values


def times(t: ArrayLike, *, name: str = "t") -> np.ndarray:
    """Increasing times, (T,), T >= 2. ValueError otherwise."""
    t = numbers(name, t, "T")
    if len(t) < 2 or (np.diff(t) <= 0).any():
        raise ValueError(
            f"{name} must increase over at least 2 entries; got {len(t)} from {t[0]:g} to {t[-1]:g}."
        )
    return t


def called(names: Iterable[object] | None, count: int, word: str = "neuron") -> list[str]:
    """``names`` as a list of texts; by default "neuron 0", ... ValueError for another number of them."""
    found = [f"{word} {k}" for k in range(count)] if names is None else list(map(str, names))
    if len(found) != count or len(set(found)) != count:
        raise ValueError(f"names is {brief(found)}; {count} different names are needed.")
    return found


def short(value: float, digits: int = 3) -> str:
    """A number in words' company: three digits and a true minus sign; 0 where only rounding is left.
    Halves go away from zero.
    """
    value = 0.0 if abs(value) < 1e-12 else significant(value, digits)
    return f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}")


def span(values: ArrayLike) -> str:
    """ "low to high" of some numbers, or the one number they all are."""
    low, high = short(np.min(values)), short(np.max(values))
    return low if low == high else f"{low} to {high}"


def listing(parts: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    parts = list(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def count(number: int, word: str, plural: str | None = None) -> str:
    """ "1 synapse", "2 synapses"."""
    return f"{number} {word if number == 1 else plural or word + 's'}"


def _shape(shape: Sequence[int | str]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
