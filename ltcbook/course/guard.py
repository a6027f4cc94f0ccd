"""Limits for a student's notebook while it is graded: this runs in its kernel, before the first cell.

A release carries this file. It holds accidents in check: an endless loop, a flood of output, too much memory,
a kernel that is sent away. Whoever wants to break out of it can.
"""

from typing import Any


def _guard(shell: Any) -> None:
    """Set the limits in the kernel of a shell."""
    import os
    import signal
    import sys

    seconds = int(os.environ.get("LTCBOOK_CELL_SECONDS", 300))  # for one cell
    memory = int(float(os.environ.get("LTCBOOK_MEMORY_GB", 4)) * 2**30)
    letters = int(os.environ.get("LTCBOOK_CELL_LETTERS", 100_000))  # printed by one cell
    own, end, stream = os.getpid(), os._exit, type(sys.stdout)
    say, left = stream.write, [letters]

    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**30, 2**30))  # for one file
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    class CellTimeout(KeyboardInterrupt):
        """A cell runs for too long."""

    def late(*_: object) -> None:
        raise CellTimeout(f"this cell has run for {seconds} seconds, which is all that it gets.")

    def start(*_: object) -> None:
        left[0] = letters
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, late)
            signal.setitimer(
                signal.ITIMER_REAL, seconds, 1
            )  # and each second after, for code that catches all

    def stop(*_: object) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)

    def write(self: Any, text: str) -> int:
        here, left[0] = left[0], left[0] - len(text)
        if here >= len(text):
            say(self, text)
        elif here > 0:
            say(
                self,
                f"{text[:here]}\n... a cell prints {letters} letters at most, the rest is left out ...\n",
            )
        return len(text)

    def stay(status: int = 0) -> None:
        if os.getpid() != own:
            end(status)  # a child of the kernel's may end
        raise RuntimeError("a notebook does not end its own kernel while it is graded.")

    shell.events.register("pre_run_cell", start)
    shell.events.register("post_run_cell", stop)
    stream.write = write  # type: ignore[method-assign]
    shell.ask_exit = stay
    os._exit = stay  # type: ignore[assignment]


if "get_ipython" in globals():  # in a kernel
    _guard(get_ipython())  # type: ignore[name-defined] # noqa: F821
