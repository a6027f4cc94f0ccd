"""The loop: one epoch after another, with validation, callbacks and a checkpoint after each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from .. import __version__
from ..pruning import Method, Nothing
from ..validation import brief, generator, number, whole
from . import checkpoint as checkpoints
from . import optimizers
from .data import lies
from .feed import BATCH, Feed
from .progress import bar
from .run import _Run, elsewhere, mean_loss, recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from torch.optim.lr_scheduler import LRScheduler

    from .data import Data, Loss
    from .run import History


def fit(
    model: torch.nn.Module,
    data: Data,
    *,
    epochs: int = 20,
    batch_size: int | None = None,
    lr: float | None = None,
    loss: Loss = "mse",
    optimizer: type[torch.optim.Optimizer]
    | Callable[..., torch.optim.Optimizer]
    | torch.optim.Optimizer = torch.optim.Adam,
    scheduler: Callable[[torch.optim.Optimizer], LRScheduler] | None = None,
    weight_decay: float | None = None,
    decay: float = 0.0,
    validation: Data | None = None,
    method: Method | None = None,
    patience: int | None = None,
    clip: float | None = 1.0,
    callbacks: dict[str, Callable[[Any], object]] | None = None,
    checkpoint: str | Path | None = None,
    device: str | torch.device | None = None,
    progress: bool = True,
    rng: np.random.Generator,
) -> History:
    """Train a model on data, return its ``History``; the model keeps its last weights (with patience its
    best).

    model: one of ``models``, or any module with parameters whose forward(u, x0=None, dt=1.0) returns (y, x),
    such as one that holds several of them. data, validation: (inputs (B, T, m), targets) or (inputs, targets,
    dt), arrays or tensors; dt in ms: a number, (T,) or (B, T). One sequence (T, m) counts as a batch of one.
    Or a dict {"inputs", "targets"} with any of "dt", "lengths" (B,) or "mask" (B, T) of sequences of
    different length, and "missing" ("hold": NaN in inputs is a channel that was not measured), all as in
    ``models``. Or a DataLoader whose batches are such tuples or dicts.

    loss: "mse", targets (B, T, outputs); "cross_entropy", targets whole numbers below ``model.outputs``, (B,
    T), or (B,) for the class after the last (real) step; or a function (y, targets) -> scalar tensor. A
    target that is NaN, or a class -100, asks for nothing: it is left out, and the mean is over the others. So
    is every padded step; a function finds NaN (-100 in whole numbers) in its targets there and must leave
    them out itself. batch_size: at most, None: 32; batches are evenly filled. clip: largest norm of the
    gradient, or None.

    optimizer: a class of ``torch.optim``, made with lr (None: 0.01) and weight_decay (None: the class's own);
    or a function parameters -> Optimizer; or an Optimizer over the model's parameters. scheduler: a function
    optimizer -> scheduler of ``torch.optim.lr_scheduler``, which steps once after every epoch;
    ``ReduceLROnPlateau`` sees the validation loss, or without one the loss. weight_decay pulls the parameters
    themselves to 0, and so a conductance softplus(raw) to ln 2 = 0.69 µS and not to 0; gates and reversal
    potentials go along. decay pulls effective weights to 0: what is minimised (not the losses that are
    recorded) has decay / 2 times the sum of squares of all conductances (of all weights of a ``CTRNNet``)
    added.

    method: a method of ``pruning``, for a model with ``rewire`` (``LTCNet``). Its events follow optimiser
    steps, and ``reset_moments`` makes the optimiser forget what was cut and grown. patience: stop after so
    many epochs without a better validation loss. callbacks: {name: function(model)}, called after every
    epoch, with the model in eval mode where it came from, and recorded, see ``recorders``. checkpoint: a
    file, written after every epoch; where it exists, training resumes from it, rng, optimizer and scheduler
    included, and arrives at the same numbers.

    device: where to train. However ``fit`` ends, the model and its optimizer return to where they came from,
    and all parts of the model to the mode they had. None: the GPU where there is one, but the CPU for a model
    that its kernels serve (``LTCNet.compiled``), which are faster there than its steps on a GPU. progress: a
    bar. rng: NumPy generator that orders the batches (those of a DataLoader through torch's seed), drives the
    method and seeds torch inside; on a CPU, equal generators give equal bits. torch's own generator is left
    as it was.

    Raises ValueError for NaN in inputs or data that do not fit the loss, dt < 0, unknown options, a method
    without any event in this many steps, a checkpoint of another model, version, wiring, data set or run (all
    before any weight is touched; for a DataLoader's batches before their step), and for a loss or gradient
    that is no longer finite: then the checkpoint holds the epochs before. ImportError without tqdm, where
    progress is on.

    >>> net = models.LTCNet(wiring.auto_ncp(8, 1, sensory=2, rng=rng),
    ...                     generator=torch.Generator().manual_seed(0))
    >>> history = train.fit(net, tasks.sine(16), epochs=5, progress=False,
    ...                     rng=rng)
    >>> history.epochs, history.loss[-1] < history.loss[0]
    (5, True)
    """
    feed = Feed("data", data, model, loss, batch_size)
    other = None if validation is None else Feed("validation", validation, model, loss)
    device = _check(
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
    with (
        elsewhere(model, device, run.optimizer),
        torch.random.fork_rng([device] if device.type == "cuda" else []),
    ):
        run.begin(saved)
        history = run.history
        with bar(epochs, history.epochs, "epoch", progress, "train.fit") as advance:
            for epoch in range(history.epochs, 0 if history.stopped_early else epochs):
                torch.manual_seed(int(rng.integers(2**63)))
                run.epoch(device)
                if other is not None:
                    run.validate(device)
                for name, value in recorded(model, run.home, callbacks).items():
                    history.records.setdefault(name, []).append(value)
                optimizers.advance(run.scheduler, history)
                history.stopped_early = patience is not None and epoch - (history.best_epoch or 0) >= patience
                if checkpoint is not None:
                    checkpoints.save(checkpoint, run.state(identity))
                shown = {"loss": history.loss, "validation": history.validation}
                advance(**{name: f"{series[-1]:.3g}" for name, series in shown.items() if series})
                if history.stopped_early:
                    break
    if patience is not None:
        model.load_state_dict(run.best)
    return history


def evaluate(model: torch.nn.Module, data: Data, *, loss: Loss = "mse") -> float:
    """Mean loss of the model on data, in eval mode, a float; data (inputs (B, T, m), ...) and loss as in
    ``fit``.

    Raises ValueError as ``fit`` does for data.
    """
    return mean_loss(model, Feed("data", data, model, loss), loss, lies(model)[0])


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
