"""Prune & rewire in anybody's training loop: a method of ``pruning`` beside an optimiser, as a scheduler
stands beside one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..models.ltc import conductances
from ..pruning import Method, Nothing
from ..validation import brief, generator, whole
from . import checkpoint as checkpoints
from . import optimizers
from .data import check_loss, checked_data, lies
from .synapses import gradients_by_weight, mean_time_constant

if TYPE_CHECKING:
    from ..models.ltc import LTCNet
    from ..pruning import Rewired
    from .data import Data, Loss


class Rewiring:
    """A pruning method at work on a model and its optimiser; call ``step`` after every ``optimizer.step()``.

    Where an event is due, the method decides on the model's conductances, the model is rewired in place, and
    ``reset_moments`` makes the optimiser forget what was cut and grown. ``fit`` with a method does exactly
    this.

    model: one with ``rewire``, such as ``LTCNet``. optimizer: an optimiser of ``torch.optim`` over its
    parameters. method: a method of ``pruning``. steps: how many optimiser steps the whole training has, from
    which the method reckons its events. loss: as in ``fit``, for methods that grow by the gradient. rng:
    NumPy generator that drives the events.

    Raises ValueError for another model, optimiser, method or loss, and for a method without any event in so
    many steps.
    Source: Mocanu et al. (2018) and Evci et al. (2020) for pruning and growing while a network trains.

    >>> net = models.LTCNet(wiring.auto_ncp(8, 1, sensory=2, rng=rng))
    >>> optimizer = torch.optim.Adam(net.parameters())
    >>> method = pruning.SET(every=5)
    >>> rewiring = train.Rewiring(net, optimizer, method, steps=8, rng=rng)
    >>> for step in range(1, 9):
    ...     optimizer.zero_grad()
    ...     y, _ = net(torch.ones(10, 2))
    ...     y.square().mean().backward()
    ...     optimizer.step()
    ...     report = rewiring.step()
    ...     if report is not None:
    ...         print(step, len(report.cut) == len(report.grown))
    5 True
    """

    def __init__(
        self,
        model: LTCNet,
        optimizer: torch.optim.Optimizer,
        method: Method,
        *,
        steps: int,
        loss: Loss = "mse",
        rng: np.random.Generator,
    ) -> None:
        if not (isinstance(method, Method) and hasattr(model, "rewire")):
            raise ValueError(
                f"method {brief(method)} with a {type(model).__name__}: pass a method of ltcbook.pruning and "
                "a model that can rewire, such as LTCNet."
            )
        optimizers.check(optimizer, model)
        check_loss(loss)
        generator(rng)
        whole("steps", steps, 1)
        if not isinstance(method, Nothing) and not method.events(steps):
            raise ValueError(
                f"{method} has no event within {steps} steps: lower every or start, or train for longer."
            )
        self.model, self.optimizer, self.steps, self.loss, self.rng = model, optimizer, steps, loss, rng
        self.given, self.method, self.start = (
            method,
            method.starting_at(model.wiring),
            checkpoints.synapses(model),
        )
        # optimiser steps; the step in which each synapse began, as the weights
        self.done = 0
        self.birth_step: list[Any] = [0, 0]

    def step(self, data: Data | None = None) -> Rewired | None:
        """Count one optimiser step; the ``pruning.Rewired`` of the event that follows it, or None where none
        is due.

        data: the batch of the step, (inputs (B, T, m), targets) or what else ``fit`` takes as data; only
        methods that grow by the gradient or by time constants look at it. Raises ValueError where such a
        method gets none; the model is then as it was.
        """
        due = self.due
        if due and data is None and (self.method.needs_gradient or self.method.needs_time_constant):
            raise ValueError(
                f"{type(self.method).__name__} looks at the batch at its events: call step(data)."
            )
        batch = None
        if due and data is not None:
            batch = [
                part.to(lies(self.model)[0]) for part in checked_data("data", data, self.model, self.loss)
            ]
        return self._after(batch)

    @property
    def due(self) -> bool:
        """Whether an event follows the next optimiser step."""
        return self.done + 1 in self.method.events(self.steps)

    def _after(self, batch: Any) -> Rewired | None:
        """``step`` with a batch that is checked and lies where the model lies."""
        self.done += 1
        if self.done not in self.method.events(self.steps):
            return None
        model, method, cell = self.model, self.method, self.model.numpy_cell()
        for parameter in model.parameters():
            optimizers.remembered(self.optimizer, parameter)  # its error comes before anything is rewired
        given: dict[str, Any] = {
            "time_constant": mean_time_constant(model, *batch) if method.needs_time_constant else None
        }
        if method.needs_gradient:
            given["gradient"], given["gradient_in"] = gradients_by_weight(model, batch, self.loss)
        for name, value in (("sign", cell.e_rev), ("sign_in", cell.e_rev_in)):
            given[name] = np.zeros((model.n, 0)) if value is None else np.where(value < 0, -1, 1)
        w, w_in = conductances(cell)
        # a generator of its own: what a method spawns from it is not part of the state that a checkpoint
        # keeps
        rng = np.random.default_rng(self.rng.integers(2**32, size=4))
        report: Any = method.event(  # a step out of ``events``: there is one
            self.done,
            self.steps,
            model.wiring,
            w,
            w_in,
            rng=rng,
            age=self.done - self.birth_step[0] + 0 * w,
            age_in=self.done - self.birth_step[1] + 0 * w_in,
            **given,
        )
        self.birth_step = [self.done - report.age, self.done - report.age_in]
        optimizers.reset_moments(self.optimizer, model, model._follow(report, cell, rng))
        return report

    def state_dict(self) -> dict[str, Any]:
        """How far it has come, plain numbers and arrays for a checkpoint; the generator's state is its
        owner's to keep.
        """
        return {"done": self.done, "birth_step": self.birth_step, "start": self.start}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where a ``state_dict`` was taken."""
        self.done, self.start, self.birth_step = (
            state["done"],
            state["start"],
            checkpoints.arrays(state["birth_step"]),
        )
        polarity, polarity_in = (torch.as_tensor(mask).numpy() for mask in self.start)
        self.method = self.given.starting_at(
            replace(self.model.wiring, polarity=polarity, polarity_in=polarity_in)
        )
