"""What ``fit`` does: one model made ready for its training, and several of them trained, those that fit
together in one stack.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from .. import __version__
from ..models.stack import named
from ..pruning import Method, Nothing
from ..validation import brief, generator, number, whole
from . import checkpoint as checkpoints
from . import optimizers
from .data import lies
from .feed import BATCH, Feed
from .progress import bar
from .run import _Run, elsewhere, recorded
from .stacked import Stacked, likeness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import numpy as np

    from .data import Data, Loss


class Training:
    """One model on its way through its epochs: its run, and what happens between two epochs."""

    def __init__(
        self,
        run: _Run,
        identity: dict[str, Any],
        saved: dict[str, Any] | None,
        *,
        epochs: int,
        patience: int | None,
        callbacks: dict[str, Callable[[Any], object]],
        checkpoint: str | Path | None,
        device: torch.device,
    ) -> None:
        self.run, self.identity, self.saved = run, identity, saved
        self.epochs, self.patience, self.callbacks = epochs, patience, callbacks
        self.checkpoint, self.device = checkpoint, device
        self.likeness: tuple | None = None
        self.begun, self.seed = False, 0
        # around the callbacks: in a sweep a context with the chances of their own experiment
        self.at_home: Callable[[], AbstractContextManager] = nullcontext

    @property
    def going(self) -> bool:
        """Whether there is an epoch to come."""
        history = self.run.history
        return self.run.error is None and not history.stopped_early and history.epochs < self.epochs

    def begin(self) -> None:
        """Go to where the checkpoint was, if there is one."""
        if self.begun:
            return
        self.begun = True
        with self.run.failing():
            self.run.begin(self.saved)
            self.likeness = likeness(self.run, self.device)

    def alone(self) -> None:
        """One epoch of this model by itself."""
        torch.manual_seed(self.seed)
        with self.run.failing():
            self.run.epoch(self.device)

    def between(self, validated: bool) -> dict[str, str]:
        """What follows an epoch: validation, unless it is done, callbacks, scheduler, checkpoint; what a bar
        may show.
        """
        run, history = self.run, self.run.history
        if len(run.feeds) > 1 and not validated:
            run.validate(self.device)
        if self.callbacks:
            with self.at_home():
                for name, value in recorded(run.model, run.home, self.callbacks).items():
                    history.records.setdefault(name, []).append(value)
        optimizers.advance(run.scheduler, history)
        waited = history.epochs - 1 - (history.best_epoch or 0)
        history.stopped_early = self.patience is not None and waited >= self.patience
        if self.checkpoint is not None:
            checkpoints.save(self.checkpoint, run.state(self.identity))
        shown = {"loss": history.loss, "validation": history.validation}
        return {name: f"{series[-1]:.3g}" for name, series in shown.items() if series}


def carried_out(trainings: Sequence[Training], progress: bool, *, until_one_ends: bool = False) -> None:
    """Train all of them to their end, or to the ``error`` of their run; or until the first one is there, to
    go on later.
    """
    gpus = {training.device for training in trainings if training.device.type == "cuda"}
    with ExitStack() as after:
        for training in trainings:
            after.enter_context(elsewhere(training.run.model, training.device, training.run.optimizer))
        after.enter_context(torch.random.fork_rng(list(gpus)))
        for training in trainings:
            training.begin()
        epochs = sum(training.epochs for training in trainings)
        done = sum(training.run.history.epochs for training in trainings)
        with bar(epochs, done, "epoch", progress, "train.fit") as advance, stacks() as stacked:
            while going := [training for training in trainings if training.going]:
                if until_one_ends and len(going) < len(trainings):
                    break
                _epoch(going, stacked, advance)
    for training in trainings:
        if training.patience is not None and training.run.error is None and not training.going:
            training.run.model.load_state_dict(training.run.best)


def _epoch(going: list[Training], stacked: Callable, advance: Callable) -> None:
    """One epoch of all of them, and what follows it."""
    for training in going:
        training.seed = int(training.run.rng.integers(2**63))
    for together, stack in stacked(going):
        validated = False
        if stack is None:
            together[0].alone()
        else:
            stack.epoch()
            validated = stack.validate()
        for training in together:
            if stack is not None and training.callbacks:
                torch.manual_seed(training.seed)
            if training.run.error is None:
                with training.run.failing():
                    advance(**training.between(validated))


@contextmanager
def stacks() -> Iterator[Callable[[list[Training]], list[tuple[list[Training], Stacked | None]]]]:
    """A function that finds, epoch after epoch, those that fit together, and has a ``Stacked`` of them; the
    last ones are left at the end.
    """
    kept: dict[tuple[int, ...], Stacked] = {}

    def grouped(going: list[Training]) -> list[tuple[list[Training], Stacked | None]]:
        groups: dict[Any, list[Training]] = {}
        for training in going:
            run, like = training.run, training.likeness
            way = like and optimizers.entrywise(run.optimizer, list(named(run.model).values()))
            how = (like, run.done, way, run.model.solver, run.model.substeps) if way else id(training)
            groups.setdefault(how, []).append(training)
        keyed = [(tuple(map(id, group)), isinstance(like, tuple), group) for like, group in groups.items()]
        for key in kept.keys() - {key for key, fit, _ in keyed if fit}:
            kept.pop(key).leave()
        for key, fit, group in keyed:
            if fit and key not in kept:
                kept[key] = Stacked([training.run for training in group])
        return [(group, kept.get(key)) for key, _, group in keyed]

    try:
        yield grouped
    finally:
        for stack in kept.values():
            stack.leave()


def prepared(
    model: torch.nn.Module,
    *,
    data: Data,
    epochs: int,
    batch_size: int | None,
    lr: float | None,
    loss: Loss,
    optimizer: Any,
    scheduler: Any,
    weight_decay: float | None,
    decay: float,
    validation: Data | None,
    method: Method | None,
    patience: int | None,
    clip: float | None,
    callbacks: dict[str, Callable[[Any], object]] | None,
    checkpoint: str | Path | None,
    device: str | torch.device | None,
    rng: np.random.Generator,
) -> Training:
    """A ``Training`` of what ``fit`` was given, all of it checked; no weight is touched."""
    feed = Feed("data", data, model, loss, batch_size)
    other = None if validation is None else Feed("validation", validation, model, loss)
    place = _check(
        model,
        epochs,
        batch_size,
        lr,
        weight_decay,
        decay,
        other,
        method,
        patience,
        clip,
        callbacks,
        checkpoint,
        device,
        rng,
    )
    callbacks = callbacks or {}
    feeds = [feed] if other is None else [feed, other]
    steps = feed.count and epochs * feed.count
    if steps is None and method is not None and not isinstance(method, Nothing):
        raise ValueError(
            f"{method} must know the number of steps, and this DataLoader has no length: give its data one."
        )
    run = _Run(
        model,
        loss,
        method,
        lr,
        clip,
        steps,
        rng,
        optimizer=optimizer,
        scheduler=scheduler,
        weight_decay=weight_decay,
        decay=decay,
        feeds=feeds,
    )
    identity = {
        "version": __version__,
        "model": type(model).__name__,
        "dtype": str(lies(model)[1]),
        **checkpoints.options_of(model),
        "loss": loss if isinstance(loss, str) else getattr(loss, "__qualname__", repr(loss)),
        "method": repr(method),
        "steps": method and steps,
        "batch_size": batch_size or BATCH,
        "clip": clip,
        "patience": patience,
        "callbacks": list(callbacks),
        "data": feed.mark,
        "validation": 0 if other is None else other.mark,
        "rng": rng.bit_generator.state["bit_generator"],
        **run.about,
    }
    saved = None
    if checkpoint is not None and Path(checkpoint).exists():
        saved = checkpoints.read(checkpoint, identity, model)
        if len(saved["history"]["loss"]) > epochs:
            raise ValueError(
                f"{checkpoint} holds {len(saved['history']['loss'])} epochs already; ask for as many or more."
            )
    return Training(
        run,
        identity,
        saved,
        epochs=epochs,
        patience=patience,
        callbacks=callbacks,
        checkpoint=checkpoint,
        device=place,
    )


def found_device(model: torch.nn.Module) -> torch.device:
    """Where ``fit`` trains a model if nobody says: where it is, if not on the CPU, else by what serves it
    best.
    """
    here = lies(model)[0]
    if here.type != "cpu" or getattr(model, "compiled", False) or not torch.cuda.is_available():
        return here
    return torch.device("cuda")


def _check(
    model: torch.nn.Module,
    epochs: int,
    batch_size: int | None,
    lr: float | None,
    weight_decay: float | None,
    decay: float,
    validation: Feed | None,
    method: Method | None,
    patience: int | None,
    clip: float | None,
    callbacks: dict[str, Callable[[Any], object]] | None,
    checkpoint: str | Path | None,
    device: str | torch.device | None,
    rng: np.random.Generator,
) -> torch.device:
    """The device to train on; ValueError for options out of range."""
    for name, value in (("epochs", epochs), ("batch_size", batch_size), ("patience", patience)):
        whole(name, 1 if value is None else value, 1)
    for name, size in (("lr", lr), ("clip", clip)):
        number(name, 1 if size is None else size, 0, open_low=True)
    number("weight_decay", 0 if weight_decay is None else weight_decay, 0)
    number("decay", decay, 0)
    generator(rng)
    places = {str(tensor.device) for tensor in (*model.parameters(), *model.buffers())}
    if len(places) > 1:
        raise ValueError(f"the model lies on {' and '.join(sorted(places))}: bring it to one device first.")
    if patience is not None and validation is None:
        raise ValueError("patience watches the validation loss: pass validation data too.")
    if method is not None and not (isinstance(method, Method) and hasattr(model, "rewire")):
        raise ValueError(
            f"method {brief(method)} with a {type(model).__name__}: pass a method of ltcbook.pruning and a "
            "model that can rewire, such as LTCNet."
        )
    if callbacks is not None and not (isinstance(callbacks, dict) and all(map(callable, callbacks.values()))):
        raise ValueError(
            f"callbacks is {brief(callbacks)}; give a dict {{name: function(model)}}, such as recorders(u)."
        )
    if not isinstance(checkpoint, (str, Path, type(None))):
        raise ValueError(f"checkpoint is {brief(checkpoint)}; give the path of a file, or None.")
    if checkpoint is not None and not Path(checkpoint).absolute().parent.is_dir():
        raise ValueError(
            f"checkpoint is {brief(str(checkpoint), 200)}, and its folder does not exist: make it first."
        )
    try:  # "cuda" is one of several; a tensor there says which
        device = torch.empty(0, device=found_device(model) if device is None else device).device
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(
            f"device {brief(device)} is not to be had here ({brief(str(error), 200)}); None takes what there "
            "is."
        ) from None
    return device
