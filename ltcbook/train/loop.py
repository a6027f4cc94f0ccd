"""``fit`` and ``evaluate``: one model, or a list of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch
from torch.utils.data import DataLoader

from ..models import stack
from ..validation import brief
from . import together
from .data import lies
from .feed import Feed
from .run import mean_loss
from .training import Training, prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch.optim.lr_scheduler import LRScheduler

    from ..pruning import Method
    from .data import Data, Loss
    from .run import History


@overload
def fit(
    model: torch.nn.Module,
    data: Data,
    *,
    epochs: int = ...,
    batch_size: int | None = ...,
    lr: float | None = ...,
    loss: Loss = ...,
    optimizer: type[torch.optim.Optimizer]
    | Callable[..., torch.optim.Optimizer]
    | torch.optim.Optimizer = ...,
    scheduler: Callable[[torch.optim.Optimizer], LRScheduler] | None = ...,
    weight_decay: float | None = ...,
    decay: float = ...,
    validation: Data | None = ...,
    method: Method | None = ...,
    patience: int | None = ...,
    clip: float | None = ...,
    callbacks: dict[str, Callable[[Any], object]] | None = ...,
    checkpoint: str | Path | None = ...,
    device: str | torch.device | None = ...,
    progress: bool = ...,
    rng: np.random.Generator,
) -> History: ...


@overload
def fit(
    model: Sequence[torch.nn.Module],
    data: Data | Sequence[Data],
    *,
    epochs: int = ...,
    batch_size: int | None = ...,
    lr: float | None = ...,
    loss: Loss = ...,
    optimizer: type[torch.optim.Optimizer]
    | Callable[..., torch.optim.Optimizer]
    | torch.optim.Optimizer = ...,
    scheduler: Callable[[torch.optim.Optimizer], LRScheduler] | None = ...,
    weight_decay: float | None = ...,
    decay: float = ...,
    validation: Data | Sequence[Data] | None = ...,
    method: Method | Sequence[Method | None] | None = ...,
    patience: int | None = ...,
    clip: float | None = ...,
    callbacks: dict[str, Callable[[Any], object]] | None = ...,
    checkpoint: str | Path | Sequence[str | Path] | None = ...,
    device: str | torch.device | None = ...,
    progress: bool = ...,
    rng: np.random.Generator | Sequence[np.random.Generator],
) -> list[History]: ...


def fit(
    model: torch.nn.Module | Sequence[torch.nn.Module],
    data: Data | Sequence[Data],
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
    validation: Data | Sequence[Data] | None = None,
    method: Method | Sequence[Method | None] | None = None,
    patience: int | None = None,
    clip: float | None = 1.0,
    callbacks: dict[str, Callable[[Any], object]] | None = None,
    checkpoint: str | Path | Sequence[str | Path] | None = None,
    device: str | torch.device | None = None,
    progress: bool = True,
    rng: np.random.Generator | Sequence[np.random.Generator],
) -> History | list[History]:
    """Train a model on data, return its ``History``; the model keeps its last weights (with patience its
    best).

    model: one of ``models``, or any module with parameters whose forward(u, x0=None, dt=1.0) returns (y, x),
    such as one that holds several of them; or a list of models of one size, such as seeds, which gives a list
    of histories, see below. data, validation: (inputs (B, T, m), targets) or (inputs, targets,
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

    A list of LTC networks trains as one stack, each on its own wiring, with one call of the kernels and one
    of the optimiser for all of them: several times as fast as one by one, and with the same bits. data,
    validation, method, checkpoint and rng may then be lists with an entry per model (data and validation: a
    list of tuples, dicts or loaders); one rng for all gives each a child of its own (``rng.spawn``); the
    other options are one for all. Each has its own batches, events, patience and history. Where one fails,
    the others go on, and the error at the end names it and holds the ``histories`` of the others. What cannot
    be stacked (other models, a GPU, padded steps, a loss of your own, a DataLoader, LBFGS, decay) trains one
    after another, with the same numbers.

    Raises ValueError for a list of models of unequal sizes, NaN in inputs or data that do not fit the loss,
    dt < 0, unknown options, a method without any event in this many steps, a checkpoint of another model,
    version, wiring, data set or run (all before any weight is touched; for a DataLoader's batches before
    their step), and for a loss or gradient that is no longer finite: then the checkpoint holds the epochs
    before. ImportError without tqdm, where progress is on.

    >>> net = models.LTCNet(wiring.auto_ncp(8, 1, sensory=2, rng=rng),
    ...                     generator=torch.Generator().manual_seed(0))
    >>> history = train.fit(net, tasks.sine(16), epochs=5, progress=False,
    ...                     rng=rng)
    >>> history.epochs, history.loss[-1] < history.loss[0]
    (5, True)
    """
    many = isinstance(model, (list, tuple))
    options: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "loss": loss,
        "optimizer": optimizer,
        "scheduler": scheduler,
        "weight_decay": weight_decay,
        "decay": decay,
        "patience": patience,
        "clip": clip,
        "callbacks": callbacks,
        "device": device,
    }
    own = {
        "data": data,
        "validation": validation,
        "method": method,
        "checkpoint": checkpoint,
        "rng": rng,
    }
    given: Any = model
    trainings = [
        prepared(one, **mine, **options) for one, mine in (_each(given, own) if many else [(given, own)])
    ]
    together.train(trainings, progress)
    failed = [k for k, training in enumerate(trainings) if training.run.error is not None]
    if not failed:
        histories = [training.run.history for training in trainings]
        return histories if many else histories[0]
    error: Any = trainings[failed[0]].run.error
    if many:
        raise _unfinished(trainings, failed) from error
    raise error


def evaluate(model: torch.nn.Module, data: Data, *, loss: Loss = "mse") -> float:
    """Mean loss of the model on data, in eval mode, a float; data (inputs (B, T, m), ...) and loss as in
    ``fit``.

    Raises ValueError as ``fit`` does for data.
    """
    return mean_loss(model, Feed("data", data, model, loss), loss, lies(model)[0])


def _each(models: Sequence[Any], own: dict[str, Any]) -> list[tuple[Any, dict[str, Any]]]:
    """The models of a list, each with what it has of its own; ValueError for what cannot be one stack."""
    count = len(models)
    if not count:
        raise ValueError("the list of models is empty.")
    if len(set(map(id, models))) < count:
        raise ValueError("the list of models holds one of them twice; a model trains once at a time.")
    lists = {}
    for name, value in own.items():
        if name == "rng" and isinstance(value, np.random.Generator):
            value = value.spawn(count)
        elif name in ("data", "validation") and not _several(value):
            value = [value] * count
        elif not isinstance(value, (list, tuple)):
            if name == "checkpoint" and value is not None:
                raise ValueError("several models need several checkpoints: give a list of files.")
            value = [value] * count
        if len(value) != count:
            raise ValueError(
                f"{name} is a list of {len(value)}, and there are {count} models: give one for each."
            )
        lists[name] = value
    different = [
        f"{what} ({', '.join(f'model {k}: {brief(value)}' for k, value in enumerate(values))})"
        for what, values in _shapes(models).items()
        if len(set(values)) > 1
    ]
    if different:
        raise ValueError(
            f"the models differ in {'; '.join(different)}. A list of models trains as one stack, and these "
            "cannot stand in one: call fit for each size by itself."
        )
    return [(model, {name: values[k] for name, values in lists.items()}) for k, model in enumerate(models)]


def _several(data: Any) -> bool:
    """Whether this is a list with the data of several models, and not the data of one."""
    kinds = (tuple, list, dict, DataLoader)
    return isinstance(data, list) and all(isinstance(one, kinds) for one in data)


def _shapes(models: Sequence[Any]) -> dict[str, list[Any]]:
    """What the models of a stack have in common, {words: one value per model}."""
    of = [stack.shape_of(model) for model in models]
    return {what: [one.get(what) for one in of] for what in of[0] | of[-1]}


def _unfinished(trainings: Sequence[Training], failed: Sequence[int]) -> Exception:
    """The error of a list of models of which some failed, with the ``histories`` of the others."""
    errors: list[Any] = [trainings[k].run.error for k in failed]
    each = "; ".join(f"model {k}: {error}" for k, error in zip(failed, errors, strict=True))
    said = f"{len(failed)} of {len(trainings)} models failed, the others are trained: {each}"
    error: Any = ValueError(said) if isinstance(errors[0], ValueError) else RuntimeError(said)
    error.histories = [training.run.history if training.run.error is None else None for training in trainings]
    return error
