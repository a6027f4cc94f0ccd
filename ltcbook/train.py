"""One short training loop: batches, validation, early stop, checkpoints that resume exactly, and pruning while it trains."""

import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from . import __version__, analysis, dynamics
from .boundary import generator, number, whole
from .pruning import Method

LOSSES = {
    "mse": lambda y, target: torch.nn.functional.mse_loss(y, target),
    "cross_entropy": lambda y, target: torch.nn.functional.cross_entropy(y.flatten(0, -2), target.flatten().long()),
}


@dataclass
class History:
    """What happened: one entry per epoch in ``loss``, ``validation`` and each of ``records``; ``events`` are (step, report)."""

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
    """Train a model on data with Adam and return its ``History``; the model keeps its last state (its best with patience).

    data, validation: (inputs (B, T, m), targets) or (inputs, targets, dt), arrays or tensors; one sequence (T, m) counts as
    a batch of one; dt as in ``Net.forward``. loss: "mse" (targets (B, T, out)), "cross_entropy" (targets (B, T) classes), or
    a function (y, targets) -> scalar. clip: largest norm of the gradient, or None.
    method: a ``pruning`` method whose events run while the model trains; the model must offer ``rewire`` (``LTCNet``).
    Adam's moments of cut and grown synapses are reset (the first to 0, the second to its median), see ``reset_moments``.
    patience: stop after so many epochs without a better validation loss. callbacks: {name: function(model)}, called after
    every epoch and recorded. checkpoint: a file, written after every epoch; where it exists, training resumes from it and
    arrives at the same numbers. device: None takes the GPU where there is one. rng: numpy Generator; it orders the batches
    and drives the method.

    Raises ValueError for NaN or mismatched data, unknown options, or a checkpoint of another model, version or run.
    """
    whole("epochs", epochs, 1), whole("batch_size", batch_size, 1), number("lr", lr, 0, open_low=True), generator(rng)
    if patience is not None:
        whole("patience", patience, 1)
    if clip is not None:
        number("clip", clip, 0, open_low=True)
    if loss not in LOSSES and not callable(loss):
        raise ValueError(f"no loss {loss!r}; choose one of {', '.join(LOSSES)} or pass a function (y, targets) -> scalar.")
    if method is not None and not (isinstance(method, Method) and hasattr(model, "rewire")):
        raise ValueError(f"method {type(method).__name__} with {type(model).__name__}: pass a method of ltcbook.pruning and a "
                         "model with rewire(), such as LTCNet.")
    if patience is not None and validation is None:
        raise ValueError("patience watches the validation loss: pass validation data too.")
    objective = LOSSES.get(loss, loss) if isinstance(loss, str) else loss
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    model.to(device)
    data, validation = _batchable("data", data, model, device), _batchable("validation", validation, model, device)
    run = _Run(model, objective, torch.optim.Adam(model.parameters(), lr=lr), method, clip, rng)
    batches = -(-len(data[0]) // batch_size)
    run.steps = epochs * batches
    options = dict(epochs=epochs, batch_size=batch_size, lr=lr, clip=clip, loss=loss if isinstance(loss, str) else "function",
                   method=repr(method), samples=len(data[0]))
    if checkpoint is not None and Path(checkpoint).exists():
        run.load(checkpoint, options)

    history = run.history
    for epoch in _bar(range(history.epochs, epochs), progress and not history.stopped_early, history):
        if history.stopped_early:
            break
        order = rng.permutation(len(data[0]))
        losses = [run.step([part[order[k::batches]] for part in data]) for k in range(batches)]
        history.loss.append(float(np.mean(losses)))
        if validation is not None:
            history.validation.append(evaluate(model, validation, loss=objective))
            if history.best_epoch is None or history.validation[-1] < history.validation[history.best_epoch]:
                history.best_epoch, run.best = epoch, _copy(model.state_dict())
        for name, function in (callbacks or {}).items():
            history.records.setdefault(name, []).append(function(model))
        history.stopped_early = patience is not None and epoch - history.best_epoch >= patience
        if checkpoint is not None:
            run.save(checkpoint, options)
    if patience is not None and run.best is not None:
        model.load_state_dict(run.best)
    return history


@torch.no_grad()
def evaluate(model, data, *, loss="mse"):
    """Mean loss of the model on data (as in ``fit``), a float."""
    data = _batchable("data", data, model, next(model.parameters()).device)
    objective = LOSSES[loss] if isinstance(loss, str) else loss
    return float(objective(model(data[0], dt=data[2] if len(data) > 2 else 1.0)[0], data[1]))


def reset_moments(optimizer, model, changed):
    """Adam's memory of the synapses that an event cut or grew: first moment 0, second moment the median of the others.

    changed: what ``LTCNet.rewire`` returned. With a stale first moment a cut weight would drift on by about 9 learning rates;
    with a second moment of 0 beside a large step count a new one would jump by up to 6.6.
    """
    parameters = dict(model.named_parameters())
    for name, places in changed.items():
        state = optimizer.state.get(parameters[name])
        if not state:
            continue
        moving = state["exp_avg_sq"][state["exp_avg_sq"] > 0]
        for place in places:
            state["exp_avg"][tuple(place)] = 0.0
            state["exp_avg_sq"][tuple(place)] = moving.median() if len(moving) else 0.0


def weight_gradients(model, objective, batch):
    """dL/dw of the effective conductances, (n, n) and (n, m), NumPy, also where no synapse is yet: what RigL grows by."""
    cell = model.cell()
    leaves = [w.detach().requires_grad_(True) for w in (cell.w, cell.w_in) if w is not None]
    with _with_cell(model, replace(cell, w=leaves[0], **({"w_in": leaves[1]} if len(leaves) > 1 else {}))):
        gradients = torch.autograd.grad(_loss(model, objective, batch), leaves)
    gradients = [g.detach().cpu().double().numpy() for g in gradients]
    return gradients if len(gradients) > 1 else [gradients[0], np.zeros((model.n, 0))]


def recorders(u):
    """Callbacks for ``fit``: time constants (ms), slowest mode (1/ms) and density at rest under a constant input u (m,).

    {"time_constant": (n,), "slowest": number, "density": number}; for models with a cell.
    """
    def at_rest(model):
        cell = model.numpy_cell()
        heard = model.map_input(torch.as_tensor(u, dtype=model.dtype)).detach().cpu().double().numpy() if model.m else None
        return cell, heard, analysis.relax(np.zeros(cell.n), heard, cell)

    def time_constant(model):
        cell, heard, x = at_rest(model)
        return dynamics.time_constant(x, heard, cell)

    def slowest(model):
        cell, heard, x = at_rest(model)
        return float(-analysis.spectral_abscissa(dynamics.jacobian(x, heard, cell)))

    def density(model):
        return model.wiring.synapses / (model.n * (model.n + model.m))

    return {"time_constant": time_constant, "slowest": slowest, "density": density}


class _Run:
    """Everything that changes while a model trains, and that a checkpoint must bring back."""

    def __init__(self, model, objective, optimizer, method, clip, rng):
        self.model, self.objective, self.optimizer, self.method, self.clip, self.rng = (
            model, objective, optimizer, method, clip, rng)
        self.history, self.best, self.done, self.steps, self.age = History(), None, 0, 0, None

    def step(self, batch):
        """One optimiser step and, where one is due, the event after it; the loss."""
        self.optimizer.zero_grad()
        loss = _loss(self.model, self.objective, batch)
        if not torch.isfinite(loss):
            raise ValueError(f"the loss became {loss.item()} at step {self.done + 1}: lower the learning rate or the clip.")
        loss.backward()
        if self.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        self.done += 1
        if self.method is not None:
            self.event(batch)
        return loss.item()

    def event(self, batch):
        """Let the method prune and grow, and clear the optimiser's memory of what it touched."""
        w, w_in = self.model.weights()
        self.age = [np.zeros(w.shape), np.zeros(w_in.shape)] if self.age is None else [age + 1 for age in self.age]
        if not self.method.due(self.done, self.steps):
            return
        gradients = weight_gradients(self.model, self.objective, batch) if self.method.needs_gradient else (None, None)
        report = self.method.event(self.done, self.steps, self.model.wiring, w, w_in, rng=self.rng, age=self.age[0],
                                   age_in=self.age[1], gradient=gradients[0], gradient_in=gradients[1],
                                   time_constant=self.time_constant(batch))
        self.age = [report.age, report.age_in]
        reset_moments(self.optimizer, self.model, self.model.rewire(report, rng=self.rng))
        self.history.events.append((self.done, report))

    def time_constant(self, batch):
        """Mean liquid time constant of each neuron over the batch, for the rule "slowest"; None where it is not asked for."""
        if getattr(self.method, "target", None) != "slowest":
            return None
        with torch.no_grad():
            _, x = self.model(batch[0], dt=batch[2] if len(batch) > 2 else 1.0)
            u = self.model.map_input(batch[0]) if self.model.m else None
            tau = dynamics.time_constant(x[..., : self.model.n], u, self.model.cell())
        return tau.flatten(0, -2).mean(0).cpu().double().numpy()

    def save(self, path, options):
        """Write a checkpoint beside the old one and put it in its place in one step."""
        path = Path(path)
        state = {
            "ltcbook": __version__, "model": type(self.model).__name__, "options": options, "weights": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(), "rng": self.rng.bit_generator.state, "torch_rng": torch.get_rng_state(),
            "done": self.done, "age": self.age, "best": self.best, "history": self.history}
        temporary = path.with_name(path.name + ".new")
        torch.save(state, temporary)
        os.replace(temporary, path)

    def load(self, path, options):
        """Continue from a checkpoint; ValueError, and nothing touched, if it belongs to something else."""
        try:
            state = torch.load(path, weights_only=False)
            version, name, saved = state["ltcbook"], state["model"], state["options"]
        except Exception as error:
            raise ValueError(f"{path} is no checkpoint of ltcbook.train ({type(error).__name__}: {error}).") from error
        if version != __version__ or name != type(self.model).__name__:
            raise ValueError(f"{path} was written by ltcbook {version} for a {name}; this is ltcbook {__version__} with a "
                             f"{type(self.model).__name__}. Remove the file to start anew.")
        different = sorted(key for key in options if saved.get(key) != options[key])
        if different:
            raise ValueError(f"{path} belongs to a run with other {', '.join(different)}: "
                             + "; ".join(f"{key} {saved.get(key)!r} there, {options[key]!r} here" for key in different) + ".")
        self.model.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rng.bit_generator.state = state["rng"]
        torch.set_rng_state(state["torch_rng"])
        self.done, self.age, self.best, self.history = state["done"], state["age"], state["best"], state["history"]


@contextmanager
def _with_cell(model, cell):
    """Let the model move another cell for a while."""
    model.cell = lambda numpy=False: cell
    try:
        yield
    finally:
        del model.cell


def _loss(model, objective, batch):
    return objective(model(batch[0], dt=batch[2] if len(batch) > 2 else 1.0)[0], batch[1])


def _copy(state):
    return {name: value.clone() for name, value in state.items()}


def _bar(epochs, show, history):
    """The epochs, with a progress bar that shows the last losses where ``show``."""
    if not show:
        return epochs
    from tqdm.auto import tqdm

    def shown():
        with tqdm(epochs, unit="epoch") as bar:
            for epoch in bar:
                yield epoch
                if history.loss:
                    last = {"loss": f"{history.loss[-1]:.3g}"}
                    bar.set_postfix(last | ({"validation": f"{history.validation[-1]:.3g}"} if history.validation else {}))

    return shown()


def _batchable(name, data, model, device):
    """(inputs, targets[, dt]) as tensors on the device with a batch axis in front; ValueError for anything else."""
    if data is None or (isinstance(data, _Batch)):
        return data
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise ValueError(f"{name} is {type(data).__name__}; pass (inputs, targets) or (inputs, targets, dt).")
    inputs, targets, *rest = (torch.as_tensor(np.asarray(part) if not torch.is_tensor(part) else part) for part in data)
    single = inputs.ndim == 2
    if single:
        inputs, targets, rest = inputs[None], targets[None], [dt[None] if dt.ndim else dt for dt in rest]
    if inputs.ndim != 3 or inputs.shape[-1] != model.m or len(inputs) == 0 or len(targets) != len(inputs):
        raise ValueError(f"{name}: inputs {tuple(inputs.shape)} and targets {tuple(targets.shape)}; need (B, T, {model.m}) and "
                         "as many targets as sequences, B >= 1.")
    for part_name, part in (("inputs", inputs), ("targets", targets)):
        if part.is_floating_point() and not torch.isfinite(part).all():
            raise ValueError(f"{name}: {part_name} hold {int((~torch.isfinite(part)).sum())} values that are NaN or infinite.")
    cast = lambda part: part.to(device=device, dtype=model.dtype if part.is_floating_point() else None)  # noqa: E731
    rest = [cast(dt.to(model.dtype) if dt.ndim == 2 else dt.to(model.dtype).expand(inputs.shape[:2])) for dt in rest]
    return _Batch([cast(inputs), cast(targets), *rest])


class _Batch(list):
    """Checked parts of a data set."""
