"""Several runs as one: networks of one size whose steps are computed together, each with its own data,
chances and events. The numbers are those of the runs one by one, bit for bit.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..backends import finite
from ..models import stack as stacks
from ..models.layers import autocasts
from . import optimizers
from .data import LOSSES
from .run import averaged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .data import Loss
    from .feed import Feed
    from .run import _Run


SHORT = 0.99  # a gradient of less than this share of ``clip`` is not clipped, however it is rounded


def likeness(run: _Run, device: torch.device) -> tuple | None:
    """What runs that train as one stack have in common; None where a run cannot be part of a stack."""
    feed = run.feeds[0]
    if (
        optimizers.entrywise(run.optimizer, list(run.model.parameters())) is None
        or device.type != "cpu"
        or not isinstance(run.loss, str)
        or run.decay
        or not whole(feed)
        or not torch.is_grad_enabled()
        or torch.is_inference_mode_enabled()
        or autocasts("cpu")
        or stacks.refusal(run.model)
    ):
        return None
    return (
        *stacks.shape_of(run.model).values(),
        *(part.shape for part in feed.data),
        feed.data[1].dtype,
        feed.count,
        run.loss,
        run.clip,
    )


def whole(feed: Feed) -> bool:
    """Whether all data of a feed are at hand, every step is real and longer than 0 ms, and every target asked
    for.
    """
    return feed.loader is None and len(feed.data) <= 3 and all(bool((dt > 0).all()) for dt in feed.data[2:])


class Stacked:
    """Runs of one ``likeness`` in one loop, from here to ``leave``."""

    def __init__(self, runs: Sequence[_Run]) -> None:
        self.runs = list(runs)
        data = runs[0].feeds[0].data
        self.count = runs[0].feeds[0].count or 1
        others = [run.feeds[1] for run in runs if len(run.feeds) > 1]
        shapes = {tuple(part.shape for part in feed.data) for feed in others if whole(feed)}
        self.others = (
            others if len(shapes) == 1 and all(map(whole, others)) and len(others) == len(runs) else []
        )
        batches = [(-(-len(data[0]) // self.count), data)]
        batches += [(len(feed.data[0]), feed.data) for feed in self.others[:1]]
        samples = max(sequences * data[0].shape[1] for sequences, data in batches)
        self.stack = stacks.Stack([run.model for run in runs], samples)
        self.parameter = torch.nn.Parameter(self.stack.values)  # the same memory
        self.parameter.grad = self.stack.slopes
        self.optimizer = optimizers.joined(
            [run.optimizer for run in runs], self.parameter, lambda of, k: self.stack.rows(of, k).values()
        )
        self.shared: list[int] = []
        self.share()

    def epoch(self) -> None:
        """All batches of every run once; the histories get their mean losses. A run that fails gets its
        ``error``, and the others go on.
        """
        runs = self.runs
        for run in runs:
            run.model.train()
        self.stack.follow()
        optimizers.agree(self.optimizer, runs[0].optimizer)
        parts = [run.feeds[0].data for run in runs]
        orders = [
            np.array_split(run.rng.permutation(len(data[0])), self.count)
            for run, data in zip(runs, parts, strict=True)
        ]
        losses = []
        for some in zip(*orders, strict=True):
            index = [torch.from_numpy(one) for one in some]
            batch = [
                stacked([data[k].index_select(0, one) for data, one in zip(parts, index, strict=True)])
                for k in range(len(parts[0]))
            ]
            losses.append(self.step(batch))
            if all(run.error is not None for run in runs):
                break
        weights = [len(one) for one in orders[0]]
        for run, mine in zip(runs, zip(*losses, strict=True), strict=True):
            if run.error is None:
                run.history.loss.append(averaged(mine, weights))
            run.model.eval()
            if run.scheduler is not None:
                run.optimizer.step()  # without slopes it moves nothing; its scheduler wants to see it
        self.share()

    def step(self, batch: list[torch.Tensor]) -> list[float]:
        """One step of every run on its own batch (S, B, ...), and the events after it; the losses before."""
        stack, loss, clip = self.stack, self.runs[0].loss, self.runs[0].clip
        losses: list[float] = []
        for part in stack.parts:
            u, targets, *dt = (one[part.row] for one in batch)
            found, left = part.run(u, dt[0] if dt else None, partial(judged, loss, targets), kept=True)
            losses += found
            for k, x in left.items():
                run = self.runs[k + part.row.start]
                with run.failing(), run.following():
                    finite(x, run.model.solver)
        norms = stack.norms()
        lengths = norms.tolist()
        for run, value, norm in zip(self.runs, losses, lengths, strict=True):
            with run.failing():
                run.check_finite(loss=value, gradient=norm)
        if clip is not None and not max(lengths) < SHORT * clip:  # else it would all be times 1
            stack.slopes.mul_((clip / (norms + 1e-6)).clamp(max=1.0)[:, None])
        failed = [k for k, run in enumerate(self.runs) if run.error is not None]
        before = stack.values[failed] if failed else None
        optimizers.step(self.optimizer)
        if before is not None:
            stack.values[failed] = before
        for k, run in enumerate(self.runs):
            if run.error is not None:
                continue
            run.done += 1
            if run.rewiring is not None:
                if run.rewiring.due:
                    self.share()
                with run.failing():
                    if run.after([one[k] for one in batch]):
                        self.stack.follow(k)
        return losses

    @torch.no_grad()
    def validate(self) -> bool:
        """The validation losses of all runs, where their data are of one shape; whether that was so."""
        for part in self.stack.parts if self.others else []:
            runs, feeds = self.runs[part.row], self.others[part.row]
            u, targets, *dt = map(stacked, zip(*(feed.data for feed in feeds), strict=True))
            judge = partial(judged, runs[0].loss, targets)
            losses, left = part.run(u, dt[0] if dt else None, judge, kept=False)
            for k, (run, value) in enumerate(zip(runs, losses, strict=True)):
                if run.error is None:
                    with run.failing():
                        if k in left:
                            with run.following():
                                finite(left[k], run.model.solver)
                        run.validated(value)
        return bool(self.others)

    def share(self) -> None:
        """Let what each run's optimiser remembers be a view of what is remembered here."""
        kept = self.optimizer.state[self.parameter]
        if self.shared == [id(value) for value in kept.values()]:
            return
        self.shared = [id(value) for value in kept.values()]
        for k, run in enumerate(self.runs):
            views = {
                name: self.stack.rows(value, k)
                for name, value in kept.items()
                if torch.is_tensor(value) and value.shape == self.parameter.shape
            }
            for name, parameter in stacks.named(run.model).items():
                run.optimizer.state[parameter] = {
                    key: views[key][name] if key in views else value for key, value in kept.items()
                }

    def leave(self) -> None:
        """Give models and optimisers memory of their own again, with the numbers of now."""
        self.share()
        self.stack.leave()
        for run in self.runs:
            for kept in run.optimizer.state.values():  # the count of steps too is one for all
                kept.update({name: value.clone() for name, value in kept.items() if torch.is_tensor(value)})


def stacked(each: Sequence[torch.Tensor]) -> torch.Tensor:
    """``torch.stack``, which copies, and need not copy one alone."""
    return each[0][None] if len(each) == 1 else torch.stack(tuple(each))


def judged(
    loss: Loss, targets: torch.Tensor, row: slice, y: torch.Tensor, by_y: torch.Tensor | None
) -> list[float]:
    """The losses of some networks by their outputs y, floats; fills ``by_y`` with the derivatives by these,
    unless it is None. row: the slice of all networks that they are; targets: of all, (S, B, T, outputs) or
    (S, B).
    """
    targets = targets[row]
    if loss == "mse":
        far = torch.sub(y, targets, out=by_y)
        found = stacks.by_network(lambda far: far.square().mean((1, 2, 3)), far).tolist()
        if by_y is not None:
            by_y.mul_(2 * len(y) / y.numel())
        return found
    leaves = [one.detach().requires_grad_(by_y is not None) for one in y]
    each = [LOSSES[loss](one, target) for one, target in zip(leaves, targets, strict=True)]
    if by_y is not None:
        torch.stack(torch.autograd.grad(each, leaves), out=by_y)
    return [one.item() for one in each]
