"""One progress bar for everything that takes a while."""

from contextlib import contextmanager

from ..validation import optional


@contextmanager
def bar(total, done, unit, progress, task):
    """A function ``advance(**shown)`` that moves the bar on by one; without progress one that does nothing.

    total, done: whole numbers, in ``unit``; task: who needs tqdm, for the ImportError where it is missing.
    """
    if not progress:
        yield lambda **shown: None
        return
    with optional("tqdm.auto", "tqdm", f"the progress bar of {task}").tqdm(
        total=total, initial=done, unit=unit
    ) as line:

        def advance(**shown):
            line.set_postfix(shown, refresh=False)
            line.update()

        yield advance
