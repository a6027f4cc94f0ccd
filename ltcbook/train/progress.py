"""One progress bar for everything that takes a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..validation import optional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def bar(total: int, done: int, unit: str, progress: bool, task: str) -> Iterator[Callable[..., None]]:
    """A function ``advance(**shown)`` that moves the bar on by one; without progress one that does nothing.

    total, done: whole numbers, in ``unit``; task: who needs tqdm, for the ImportError where it is missing.
    """
    if not progress:
        yield lambda **shown: None
        return
    with optional("tqdm.auto", "tqdm", f"the progress bar of {task}").tqdm(
        total=total, initial=done, unit=unit
    ) as line:

        def advance(**shown: object) -> None:
            line.set_postfix(shown, refresh=False)
            line.update()

        yield advance
