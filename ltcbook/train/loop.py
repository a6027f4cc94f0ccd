"""The loop: one epoch after another, one step after another, one pruning event after some of the steps."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from .. import __version__
from ..boundary import brief, generator, number, whole
from ..pruning import Method, Nothing
from . import checkpoint as checkpoints
from .data import checked_data, lies, objective, weight
from .progress import bar
from .synapses import gradients_by_weight, mean_time_constant, reset_moments

REPORT = ("cut", "grown", "blocked", "cut_in", "grown_in", "blocked_in")


@dataclass
class History:
    """What happened. One entry per epoch: ``loss`` (mean while training), ``validation``, and each list in ``records``.

    events: one dict per pruning event, {"step", "cut", "grown", "blocked", "cut_in", "grown_in", "blocked_in"}, the last six
    lists of (source, target). best_epoch: index of the smallest validation loss. stopped_early: whether patience ended it.
    """

    loss: list = field(default_factory=list)
    validation: list = field(default_factory=list)
    records: dict = field(default_factory=dict)
    events: list = field(default_factory=list)
    best_epoch: int | None = None
    stopped_early: bool = False

    @property
    def epochs(self):
        """Number of finished epochs."""
        return len(self.loss)


def fit(model, data, *, epochs=20, batch_size=32, lr=1e-2, loss="mse", validation=None, method=None, patience=None,
        clip=1.0, callbacks=None, checkpoint=None, device=None, progress=True, rng):
    """Train a model on data with Adam, return its ``History``; the model keeps its last weights (with patience its best).

    data, validation: (inputs (B, T, m), targets) or (inputs, targets, dt), arrays or tensors; dt in ms: a number, (T,) or
    (B, T). One sequence (T, m) counts as a batch of one. Or a dict {"inputs", "targets"} with any of "dt", "lengths" (B,) or
    "mask" (B, T) of sequences of different length, and "missing" ("hold": NaN in inputs is a channel that was not measured),
    all as in ``models``. loss: "mse", targets (B, T, outputs); "cross_entropy", targets whole numbers below
    ``model.outputs``, (B, T), or (B,) for the class after the last (real) step; or a function (y, targets) -> scalar tensor.
    A target that is NaN, or a class -100, asks for nothing: it is left out, and the mean is over the others. So is every
    padded step; a function finds NaN (-100 in whole numbers) in its targets there and must leave them out itself.
    batch_size: at most; batches are evenly filled. clip: largest norm of the gradient, or None.

    method: a method of ``pruning``, for a model with ``rewire`` (``LTCNet``). Its events follow optimiser steps, and
    ``reset_moments`` makes Adam forget what was cut and grown. patience: stop after so many epochs without a better
    validation loss. callbacks: {name: function(model)}, called after every epoch (in eval mode) and recorded, see
    ``recorders``. checkpoint: a file, written after every epoch; where it exists, training resumes from it, rng included,
    and arrives at the same numbers. device: where to train, and where the model stays; None: the GPU where there is one,
    but on the CPU a model that its kernels serve (``LTCNet.compiled``), which are faster there than its steps on a GPU.
    progress: a bar.
    rng: NumPy generator that orders the batches, drives the method and seeds torch inside; on a CPU, equal generators give
    equal bits. torch's own generator is left as it was.

    Raises ValueError for NaN in inputs or data that do not fit the loss, dt < 0, unknown options, a method without any event
    in this many steps, a checkpoint of another model, version, wiring, data set or run (all before any weight is touched), and
    for a loss or gradient that is no longer finite: then the checkpoint holds the epochs before. ImportError without tqdm,
    where progress is on.

    >>> net = models.LTCNet(wiring.auto_ncp(8, 1, sensory=2, rng=rng),
    ...                     generator=torch.Generator().manual_seed(0))
    >>> history = train.fit(net, tasks.sine(16), epochs=5, progress=False,
    ...                     rng=rng)
    >>> history.epochs, history.loss[-1] < history.loss[0]
    (5, True)
    """
    data = checked_data("data", data, model, loss)
    validation = None if validation is None else checked_data("validation", validation, model, loss)
    device = _check(model, epochs, batch_size, lr, validation, method, patience, clip, callbacks, checkpoint, device, rng)
    batches, callbacks = -(-len(data[0]) // batch_size), callbacks or {}
    run = _Run(model, loss, method, lr, clip, epochs * batches, rng)
    if method is not None and not isinstance(method, Nothing) and not method.events(run.steps):
        raise ValueError(f"{method} has no event within {run.steps} steps ({epochs} epochs of {batches} batches): lower "
                         "every or start.")
    identity = {
        "version": __version__, "model": type(model).__name__, "dtype": str(lies(model)[1]), **checkpoints.options_of(model),
        "loss": loss if isinstance(loss, str) else getattr(loss, "__qualname__", repr(loss)), "method": repr(method),
        "steps": method and run.steps, "batch_size": batch_size, "lr": lr, "clip": clip, "patience": patience,
        "callbacks": list(callbacks), "data": checkpoints.fingerprint(data), "validation": checkpoints.fingerprint(validation),
        "rng": rng.bit_generator.state["bit_generator"]}
    saved = None
    if checkpoint is not None and Path(checkpoint).exists():
        saved = checkpoints.read(checkpoint, identity, model)
        if len(saved["history"]["loss"]) > epochs:
            raise ValueError(f"{checkpoint} holds {len(saved['history']['loss'])} epochs already; ask for as many or more.")
    run.begin(device, saved)
    data = [part.to(device) for part in data]

    history, mode = run.history, model.training
    with bar(epochs, history.epochs, "epoch", progress, "train.fit") as advance, torch.random.fork_rng([device] if device.type == "cuda" else []):
        for epoch in range(history.epochs, 0 if history.stopped_early else epochs):
            torch.manual_seed(int(rng.integers(2**63)))
            model.train()
            order = np.array_split(rng.permutation(len(data[0])), batches)
            losses, shares = [], []
            for index in order:
                batch = [part[index] for part in data]
                losses.append(run.step(batch)), shares.append(weight(loss, *batch))
            history.loss.append(float(np.average(losses, weights=shares)))
            model.eval()
            if validation is not None:
                run.validate(validation)
            for name, function in callbacks.items():
                history.records.setdefault(name, []).append(checkpoints.arrays(function(model)))
            history.stopped_early = patience is not None and epoch - history.best_epoch >= patience
            if checkpoint is not None:
                checkpoints.save(checkpoint, run.state(identity))
            shown = {"loss": history.loss, "validation": history.validation}
            advance(**{name: f"{series[-1]:.3g}" for name, series in shown.items() if series})
            if history.stopped_early:
                break
    model.train(mode)
    if patience is not None:
        model.load_state_dict(run.best)
    return history


def evaluate(model, data, *, loss="mse"):
    """Mean loss of the model on data, in eval mode, a float; data (inputs (B, T, m), ...) and loss as in ``fit``.

    Raises ValueError as ``fit`` does for data.
    """
    return _mean_loss(model, checked_data("data", data, model, loss), loss)


@torch.no_grad()
def _mean_loss(model, data, loss):
    """``evaluate`` on checked data."""
    mode = model.training
    model.eval()
    try:
        return objective(model, loss, *(part.to(lies(model)[0]) for part in data)).item()
    finally:
        model.train(mode)


class _Run:
    """Everything that changes while a model trains, and that a checkpoint must bring back."""

    def __init__(self, model, loss, method, lr, clip, steps, rng):
        self.model, self.loss, self.method, self.clip, self.steps, self.rng = model, loss, method, clip, steps, rng
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.history, self.best, self.done, self.born = History(), None, 0, [0, 0]  # born: step in which each synapse began
        self.start = checkpoints.synapses(model)

    def step(self, batch):
        """One optimiser step and, where one is due, the event after it; the loss, a float."""
        self.optimizer.zero_grad()
        loss = objective(self.model, self.loss, *batch)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), float("inf") if self.clip is None else self.clip)
        self.check_finite(loss=loss.item(), gradient=norm.item())
        self.optimizer.step()
        self.done += 1
        if self.method is not None and self.done in self.method.events(self.steps):
            self.event(batch)
        return loss.item()

    def event(self, batch):
        """Let the method cut and grow, and clear the optimiser's memory of what it touched."""
        model, method, cell = self.model, self.method, self.model.numpy_cell()
        given = {"time_constant": mean_time_constant(model, *batch) if method.needs_time_constant else None}
        if method.needs_gradient:
            given["gradient"], given["gradient_in"] = gradients_by_weight(model, batch, self.loss)
        for name, value in (("sign", cell.e_rev), ("sign_in", cell.e_rev_in)):
            given[name] = np.zeros((model.n, 0)) if value is None else np.where(value < 0, -1, 1)
        w, w_in = model.weights()
        # a generator of its own: what a method spawns from it is not part of the state that a checkpoint keeps
        rng = np.random.default_rng(self.rng.integers(2**32, size=4))
        report = method.event(self.done, self.steps, model.wiring, w, w_in, rng=rng, age=self.done - self.born[0] + 0 * w,
                              age_in=self.done - self.born[1] + 0 * w_in, **given)
        self.born = [self.done - report.age, self.done - report.age_in]
        reset_moments(self.optimizer, model, model.rewire(report, rng=rng))
        self.history.events.append({"step": self.done} | {name: getattr(report, name) for name in REPORT})

    def validate(self, data):
        """Record the validation loss and keep the best weights."""
        history = self.history
        history.validation.append(_mean_loss(self.model, data, self.loss))
        self.check_finite(**{"validation loss": history.validation[-1]})
        if self.best is None or history.validation[-1] < history.validation[history.best_epoch]:
            history.best_epoch = history.epochs - 1
            self.best = {name: value.clone() for name, value in self.model.state_dict().items()}

    def check_finite(self, **values):
        for name, value in values.items():
            if not np.isfinite(value):
                raise ValueError(f"the {name} became {value} after {self.done} steps: lower lr or clip. A checkpoint, if "
                                 f"there is one, holds the epochs before ({self.history.epochs} are finished).")

    def state(self, identity):
        """What a checkpoint keeps."""
        return {"run": identity, "start": self.start, "weights": dict(self.model.state_dict()), "best": self.best,
                "optimizer": self.optimizer.state_dict(), "rng": self.rng.bit_generator.state, "done": self.done,
                "born": self.born, "history": vars(self.history)}

    def begin(self, device, saved):
        """Move the model to its device and, where a checkpoint was read, everything to where it was."""
        if saved is not None:
            self.model.load_state_dict(saved["weights"])
            self.start, self.best, self.done, self.born = saved["start"], saved["best"], saved["done"], saved["born"]
            self.born = checkpoints.arrays(self.born)
            self.history = History(**checkpoints.arrays(saved["history"]))
            self.rng.bit_generator.state = checkpoints.arrays(saved["rng"])
        self.model.to(device)
        if saved is not None:
            self.optimizer.load_state_dict(saved["optimizer"])
        if self.method is not None:
            polarity, polarity_in = (mask.numpy() for mask in self.start)
            self.method = self.method.starting_at(replace(self.model.wiring, polarity=polarity, polarity_in=polarity_in))


def found_device(model):
    """Where ``fit`` trains a model if nobody says: where it is, if not on the CPU, else by what serves it best."""
    here = lies(model)[0]
    if here.type != "cpu" or getattr(model, "compiled", False) or not torch.cuda.is_available():
        return here
    return torch.device("cuda")


def _check(model, epochs, batch_size, lr, validation, method, patience, clip, callbacks, checkpoint, device, rng):
    """The device to train on; ValueError for options out of range."""
    for name, value in (("epochs", epochs), ("batch_size", batch_size), ("patience", 1 if patience is None else patience)):
        whole(name, value, 1)
    number("lr", lr, 0, open_low=True), number("clip", 1 if clip is None else clip, 0, open_low=True), generator(rng)
    if patience is not None and validation is None:
        raise ValueError("patience watches the validation loss: pass validation data too.")
    if method is not None and not (isinstance(method, Method) and hasattr(model, "rewire")):
        raise ValueError(f"method {brief(method)} with a {type(model).__name__}: pass a method of ltcbook.pruning and a model "
                         "that can rewire, such as LTCNet.")
    if callbacks is not None and not (isinstance(callbacks, dict) and all(map(callable, callbacks.values()))):
        raise ValueError(f"callbacks is {brief(callbacks)}; give a dict {{name: function(model)}}, such as recorders(u).")
    if not isinstance(checkpoint, (str, Path, type(None))):
        raise ValueError(f"checkpoint is {brief(checkpoint)}; give the path of a file, or None.")
    if checkpoint is not None and not Path(checkpoint).absolute().parent.is_dir():
        raise ValueError(f"checkpoint is {brief(str(checkpoint), 200)}, and its folder does not exist: make it first.")
    try:
        device = torch.device(found_device(model) if device is None else device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(f"device {brief(device)} is not to be had here ({brief(str(error), 200)}); None takes what there is.") from None
    return device
