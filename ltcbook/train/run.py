"""One run: what changes while a model trains, one step after another, one pruning event after some of the
steps.
"""

from __future__ import annotations

import copy
import math
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import mul
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..pruning import Nothing
from ..validation import Diverged
from . import checkpoint as checkpoints
from . import optimizers
from .data import lies, objective, weight
from .rewiring import Rewiring
from .synapses import half_squares, weighing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..pruning import Method
    from .data import Loss
    from .feed import Feed

REPORT = ("cut", "grown", "blocked", "cut_in", "grown_in", "blocked_in")


@dataclass
class History:
    """What happened. One entry per epoch: ``loss`` (mean while training), ``validation``, and each list in
    ``records``.

    events: one dict per pruning event, {"step", "cut", "grown", "blocked", "cut_in", "grown_in",
    "blocked_in"}, the last six lists of (source, target). best_epoch: index of the smallest validation loss.
    stopped_early: whether patience ended it.
    """

    loss: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    records: dict[str, list] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int | None = None
    stopped_early: bool = False

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.loss)


class _Run:
    """Everything that changes while a model trains, and that a checkpoint must bring back."""

    def __init__(
        self,
        model: Any,
        loss: Loss,
        method: Method | None,
        lr: float | None,
        clip: float | None,
        steps: int | None,
        rng: np.random.Generator,
        *,
        optimizer: Any = torch.optim.Adam,
        scheduler: Any = None,
        weight_decay: float | None = None,
        decay: float = 0.0,
        feeds: Sequence[Feed] = (),
    ) -> None:
        self.model, self.loss, self.clip, self.rng = model, loss, clip, rng
        # feeds: of training, then of validation
        self.home, self.feeds, self.decay = lies(model)[0], feeds, decay
        self.weights = weighing(model) if decay else []
        if decay and not self.weights:
            raise ValueError(
                f"decay pulls conductances, and {type(model).__name__} has none: use weight_decay."
            )
        self.optimizer = optimizers.made(model, optimizer, lr, weight_decay)
        plain = optimizer is torch.optim.Adam and weight_decay is None
        self.about: dict[str, Any] = (
            {"lr": optimizers.LR if lr is None else lr}
            if plain
            else optimizers.described(self.optimizer, model)
        )
        self.about |= {"decay": decay} if decay else {}
        self.scheduler = optimizers.scheduled(self.optimizer, scheduler)
        self.about |= optimizers.described_scheduler(self.scheduler) if self.scheduler is not None else {}
        self.closure = optimizers.wants_closure(self.optimizer)
        self.history, self.done = History(), 0
        self.best: Any = None  # the weights of the best epoch, once there is one
        self.start = checkpoints.synapses(model)
        self.error: Exception | None = None  # what ended it before its time
        self.rewiring = None
        if method is not None and not isinstance(method, Nothing):
            self.rewiring = Rewiring(model, self.optimizer, method, steps=steps or 0, loss=loss, rng=rng)

    def epoch(self, device: torch.device) -> None:
        """All batches once; the history gets their mean loss."""
        self.model.train()
        batches = self.feeds[0].batches(self.rng, device)
        losses, shares = zip(
            *((self.step(batch), weight(self.loss, *batch)) for batch in batches), strict=True
        )
        self.history.loss.append(averaged(losses, shares))
        self.model.eval()

    def step(self, batch: list[torch.Tensor]) -> float:
        """One optimiser step and, where one is due, the event after it; the loss before it, a float."""
        losses = []

        def closure() -> torch.Tensor:
            self.model.zero_grad()
            with self.following():
                loss = objective(self.model, self.loss, *batch)
                total = loss + self.decay * half_squares(self.weights) if self.decay else loss
                total.backward()
            norm = torch.nn.utils.clip_grad_norm_(
                optimizers.parameters(self.optimizer), float("inf") if self.clip is None else self.clip
            )
            losses.append(loss.item())
            self.check_finite(loss=losses[-1], gradient=norm.item())
            return total

        if self.closure:
            self.optimizer.step(closure)  # type: ignore[arg-type]  # a tensor, as torch's own examples return
        else:
            closure()
            self.optimizer.step()
        self.done += 1
        self.after(batch)
        return losses[0]

    def after(self, batch: list[torch.Tensor]) -> bool:
        """The event that follows a step, where one is due; whether there was one."""
        report = self.rewiring and self.rewiring._after(batch)
        if report is None:
            return False
        self.history.events.append({"step": self.done} | {name: getattr(report, name) for name in REPORT})
        return True

    @contextmanager
    def failing(self) -> Iterator[None]:
        """What goes wrong is this run's ``error``, the first one, and ends no other run."""
        try:
            yield
        except Exception as error:
            self.error = self.error or error

    def validate(self, device: torch.device) -> None:
        """Record the validation loss and keep the best weights."""
        with self.following():
            value = mean_loss(self.model, self.feeds[1], self.loss, device)
        self.validated(value)

    def validated(self, value: float) -> None:
        """Record a validation loss and keep the weights if it is the best."""
        history = self.history
        history.validation.append(value)
        self.check_finite(**{"validation loss": history.validation[-1]})
        best = history.best_epoch
        if best is None or self.best is None or history.validation[-1] < history.validation[best]:
            history.best_epoch = history.epochs - 1
            self.best = {
                name: value.clone() if torch.is_tensor(value) else copy.deepcopy(value)
                for name, value in self.model.state_dict().items()
            }

    def check_finite(self, **values: float) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                raise ValueError(self.exploded(f"the {name} became {value}"))

    @contextmanager
    def following(self) -> Iterator[None]:
        """A model whose weights of now lead nowhere is an error of the training, unless it began with
        them.
        """
        try:
            yield
        except Diverged as error:
            if not self.done:
                raise
            raise ValueError(
                self.exploded(f"the model cannot follow its own weights any more ({error})")
            ) from error

    def exploded(self, what: str) -> str:
        return (
            f"{what} after {self.done} optimizer steps: lower lr or clip. A checkpoint, if there is one, "
            "holds the epochs before."
        )

    def state(self, identity: dict[str, Any]) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "run": identity,
            "start": self.start,
            "weights": dict(self.model.state_dict()),
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "scheduler": optimizers.scheduler_state(self.scheduler),
            "loader": [generator.get_state() for generator in self.generators()],
            "rng": self.rng.bit_generator.state,
            "done": self.done,
            "rewiring": self.rewiring and self.rewiring.state_dict(),
            "history": vars(self.history),
        }

    def generators(self) -> list[torch.Generator]:
        """torch's generators that the data draw from."""
        return [generator for feed in self.feeds for generator in feed.generators]

    def begin(self, saved: dict[str, Any] | None) -> None:
        """Bring everything, where a checkpoint was read, to where it was."""
        if saved is not None:
            self.model.load_state_dict(saved["weights"])
            self.start, self.best, self.done = saved["start"], saved["best"], saved["done"]
            self.history = History(**checkpoints.arrays(saved["history"]))
            self.rng.bit_generator.state = checkpoints.arrays(saved["rng"])
            self.optimizer.load_state_dict(saved["optimizer"])
            if self.scheduler is not None:
                self.scheduler.load_state_dict(saved["scheduler"])
            for generator, state in zip(self.generators(), saved.get("loader", []), strict=True):
                generator.set_state(state)
        if saved is not None and self.rewiring is not None:
            self.rewiring.load_state_dict(saved["rewiring"])


@torch.no_grad()
def mean_loss(model: torch.nn.Module, feed: Feed, loss: Loss, device: torch.device) -> float:
    """Mean loss over a feed, in eval mode, a float."""
    with _modes(model):
        model.eval()
        found = [
            (objective(model, loss, *batch).item(), weight(loss, *batch)) for batch in feed.parts(device)
        ]
    return averaged(*zip(*found, strict=True))


def averaged(losses: Sequence[float], shares: Sequence[float]) -> float:
    """The mean of the losses of batches, each with its share."""
    if len(losses) == 1:
        return losses[0]
    return sum(map(mul, losses, shares)) / sum(shares)


@contextmanager
def _modes(model: torch.nn.Module) -> Iterator[None]:
    """Bring every part of a model back to the mode it had, training or not."""
    modes = {part: part.training for part in model.modules()}
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode


@contextmanager
def elsewhere(
    model: torch.nn.Module, device: torch.device, optimizer: torch.optim.Optimizer | None = None
) -> Iterator[None]:
    """Have a model, and the memory of its optimiser, on a device for a while; device and modes are then
    what they were.
    """
    home = lies(model)[0]
    try:
        with _modes(model):
            _move(model, device, optimizer)
            yield
    finally:
        _move(model, home, optimizer)


def _move(model: torch.nn.Module, device: torch.device, optimizer: torch.optim.Optimizer | None) -> None:
    if any(tensor.device != device for tensor in (*model.parameters(), *model.buffers())):
        model.to(device)
        if optimizer is not None:
            optimizers.follow(optimizer)


def recorded(
    model: torch.nn.Module, home: torch.device, callbacks: dict[str, Callable[[Any], object]]
) -> dict[str, Any]:
    """What the callbacks return for a model in eval mode where it came from, {name: plain copy}."""
    if not callbacks:
        return {}
    with elsewhere(model, home):
        model.eval()
        return {name: checkpoints.arrays(function(model)) for name, function in callbacks.items()}
