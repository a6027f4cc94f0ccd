"""Experiments that take turns in one process, so that the networks which they train can train as one stack.

Every experiment runs in a thread of its own, and of all these threads exactly one runs at a time. It hands
over inside ``fit`` alone, before a training that could be part of a stack. When all of them wait there, their
networks train together, and each goes on as soon as its own is through. In between, the global generators of
torch, NumPy and Python are each experiment's own.
"""

from __future__ import annotations

import contextvars
import random
import sys
import threading
from collections import deque
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..backends.base import memory
from .stacked import likeness
from .training import carried_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .training import Training

MOST = 16  # experiments at once in a process: from there on a stack gains little
SHARE = 0.25  # of the machine's memory for all of them
ROOM = 2**24  # bytes for the calls of a thread; the compiler needs more than some systems give
_here = threading.local()


def train(trainings: Sequence[Training], progress: bool) -> None:
    """What ``fit`` calls: train them now, or, within an experiment that has company, when all are ready."""
    seat: _Seat | None = getattr(_here, "seat", None)
    if seat is None or any(likeness(one.run, one.device) is None for one in trainings):
        carried_out(trainings, progress)
    else:
        seat.wait(trainings, progress)


def in_turns(
    jobs: Sequence[Callable[[], Any]], most: int = MOST, workers: int = 1
) -> Iterator[tuple[int, Any, Exception | None]]:
    """(number, what the job returned, its exception or None) of every job, as they end; ``most`` at once, or
    as many as the memory holds. workers: processes like this one beside each other.
    """
    if len(jobs) == 1 or most == 1:
        for k, job in enumerate(jobs):
            yield k, *_outcome(job)
        return
    coming, waiting, before = deque(enumerate(jobs)), list[_Seat](), _peak()
    try:
        while coming or waiting:
            if coming and len(waiting) < (
                1 if not waiting else _fitting(most, before, len(waiting), workers)
            ):
                waiting.append(_Seat(*coming.popleft()))
                moved = waiting[-1:]
            else:
                moved = _trained(waiting)
            for seat in moved:
                seat.go_on()
                if seat.ended:
                    waiting.remove(seat)
                    yield seat.number, seat.result, seat.error
    finally:
        for seat in waiting:
            seat.dismiss()


def _trained(seats: list[_Seat]) -> list[_Seat]:
    """Train what all of these wait for until somebody can go on: who it is. A single one trains by itself."""
    if len(seats) == 1:
        return list(seats)
    trainings = [training for seat in seats for training in seat.trainings]
    shown = any(seat.progress for seat in seats)
    with torch.inference_mode(False), torch.enable_grad():
        problem = _outcome(lambda: carried_out(trainings, shown, until_one_ends=True))[1]
    through = []
    for seat in seats:
        if problem is not None or not any(training.going for training in seat.trainings):
            seat.trainings, seat.problem = [], problem
            through.append(seat)
    return through


def _outcome(job: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """What a job returns and None, or None and its exception."""
    try:
        return job(), None
    except Exception as error:
        return None, error


class _Dismissed(BaseException):
    """Ends an experiment whose sweep has ended."""


class _Seat:
    """One experiment and its thread."""

    def __init__(self, number: int, job: Callable[[], Any]) -> None:
        self.number, self.job, self.result = number, job, None
        self.trainings: Sequence[Training] = []  # what it waits for
        self.progress = self.ended = self.dismissed = False
        self.error: Exception | None = None
        self.problem: Exception | None = None
        self.chances: Any = None  # the global generators, while it waits
        self.mine, self.others = threading.Semaphore(0), threading.Semaphore(0)
        around = contextvars.copy_context()
        size = threading.stack_size(ROOM)
        try:
            self.thread = threading.Thread(target=around.run, args=[self._run], daemon=True)
            self.thread.start()
        finally:
            threading.stack_size(size)

    def _run(self) -> None:
        _here.seat = self
        self.mine.acquire()
        try:
            if not self.dismissed:
                self.result, self.error = _outcome(self.job)
        except _Dismissed:
            pass
        finally:
            self.ended = True
            self.others.release()

    def go_on(self) -> None:
        """Let it run until it waits or ends."""
        if self.chances is not None:
            _set(self.chances)
        self.mine.release()
        self.others.acquire()
        self.chances = _chances()

    def wait(self, trainings: Sequence[Training], progress: bool) -> None:
        """In its thread: hand over until these are trained."""
        if not self.dismissed:
            self.trainings, self.progress = trainings, progress
            for training in trainings:
                training.at_home = self.at_home
            self.others.release()
            self.mine.acquire()
        if self.dismissed:
            raise _Dismissed
        if self.problem is not None:
            raise self.problem
        if self.trainings:  # it is alone, and at home
            self.trainings = []
            for training in trainings:
                training.at_home = nullcontext
            carried_out(trainings, progress)

    def at_home(self) -> _AtHome:
        """Around what belongs to the experiment and runs while others are trained too: a context in which
        the global generators of NumPy and Python are its own (torch's is seeded in every epoch).
        """
        return _AtHome(self)

    def dismiss(self) -> None:
        """End it: at once where it waits, else when it next trains."""
        self.dismissed = True
        self.mine.release()
        if self.chances is not None:
            self.thread.join()


class _AtHome:
    def __init__(self, seat: _Seat) -> None:
        self.seat = seat

    def __enter__(self) -> None:
        self.before = np.random.get_state(), random.getstate()
        _, *own = self.seat.chances
        np.random.set_state(own[0])
        random.setstate(own[1])

    def __exit__(self, *_: object) -> None:
        self.seat.chances = self.seat.chances[0], np.random.get_state(), random.getstate()
        np.random.set_state(self.before[0])
        random.setstate(self.before[1])


def _chances() -> tuple[torch.Tensor, Any, Any]:
    """The states of the global generators of torch, NumPy and Python."""
    return torch.get_rng_state(), np.random.get_state(), random.getstate()


def _set(chances: tuple[torch.Tensor, Any, Any]) -> None:
    torch.set_rng_state(chances[0])
    np.random.set_state(chances[1])
    random.setstate(chances[2])


def _peak() -> float:
    """The most memory that this process has had so far, in the system's unit; 0 where nobody says."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _fitting(most: int, before: float, running: int, workers: int) -> int:
    """How many experiments may be there at once, given the memory before the first of them."""
    unit = 1 if sys.platform == "darwin" else 1024
    each = (_peak() - before) * unit / running
    if each <= 0:
        return most
    return max(1, int(min(most, SHARE * memory(torch.device("cpu")) / workers / each)))
