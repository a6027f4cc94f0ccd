"""A trained network in closed loop: it sees, acts, and remembers until the next game or drive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from ..validation import choice
from .data import lies

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

ACTS = ("argmax", "output")


class RecurrentPolicy:
    """A trained model as a policy that keeps its state from frame to frame, for ``tasks.play`` and
    ``tasks.lane.drive``.

    model: maps inputs (T, m) to outputs (T, k). act: "argmax", the number of the largest output, as a network
    chooses an action after ``fit`` with loss="cross_entropy"; "output", the first output itself, as a network
    turns a wheel. prepare: observation -> input, the same scaling as in training; None takes observations as
    they come. serve: observation -> an action that overrides the model, or None to let it decide; in
    Breakout, pressing fire while no ball is in play. dt: ms per frame, where a call does not say it.

    One observation (m,) gives one action, B observations (B, m) give (B,), each with a state of its own.

    >>> net = models.RNNet(3, 8, 4, generator=torch.Generator().manual_seed(0))
    >>> fire = lambda seen: 1 if seen[1] == 0 else None
    >>> policy = train.RecurrentPolicy(net, serve=fire)
    >>> policy(np.array([0.5, 0.0, 0.2]))
    1
    >>> eyes = models.RNNet(16, 8, 1, generator=torch.Generator().manual_seed(0))
    >>> roads = tasks.lane.Road.random(4, rng=rng)
    >>> policy = train.RecurrentPolicy(eyes, act="output")
    >>> tasks.lane.drive(policy, roads, rng=rng).wheel.shape
    (4, 300)

    Raises ValueError for another ``act``, and as the model does for observations that it cannot take.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        *,
        act: Literal["argmax", "output"] = "argmax",
        prepare: Callable[[Any], ArrayLike] | None = None,
        serve: Callable[[Any], int | None] | None = None,
        dt: ArrayLike = 1.0,
    ) -> None:
        self.model, self.act, self.prepare, self.serve, self.dt = (
            model,
            choice("act", act, ACTS),
            prepare,
            serve,
            dt,
        )
        self.reset()

    def reset(self) -> None:
        """Forget the game or the drive: the state is zero again."""
        self.state = None

    @torch.no_grad()
    def __call__(self, observation: ArrayLike, dt: ArrayLike | None = None) -> Any:
        """The action for one observation (m,), a number, or for B of them, (B,); the state moves on also
        where ``serve`` decides.

        dt: ms since the observation before, a number or (B,); None: that of the policy.
        """
        seen = observation if self.prepare is None else self.prepare(observation)
        device, dtype = lies(self.model)
        inputs = torch.as_tensor(np.asarray(seen), dtype=dtype, device=device)
        step = torch.as_tensor(np.asarray(self.dt if dt is None else dt), dtype=dtype, device=device)
        outputs, states = self.model(
            inputs[..., None, :], x0=self.state, dt=step[..., None] if step.ndim else step
        )
        self.state = states[..., -1, :]
        served = None if self.serve is None else self.serve(observation)
        if served is not None:
            return int(served)
        last = outputs[..., -1, :]
        acts = last.argmax(-1) if self.act == "argmax" else last[..., 0]
        return acts.item() if acts.ndim == 0 else acts.cpu().numpy()
