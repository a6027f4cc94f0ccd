"""A trained network in closed loop: it sees, decides, and remembers until the next game."""

import numpy as np
import torch

from .data import lies


class Pilot:
    """A trained model as a policy for ``tasks.play``: the most likely action, its state kept from frame to frame.

    model: maps inputs (T, m) to logits (T, actions), as ``fit`` with loss="cross_entropy" trains it. prepare: observation ->
    input (m,), the same scaling as in training; None takes observations as they come. serve: observation -> an action that
    overrides the model, or None to let it decide; in Breakout, pressing fire while no ball is in play. dt: ms per frame.

    >>> net = models.RNNet(3, 8, 4, generator=torch.Generator().manual_seed(0))
    >>> pilot = train.Pilot(net, serve=lambda seen: 1 if seen[1] == 0 else None)
    >>> pilot(np.array([0.5, 0.0, 0.2]))
    1
    """

    def __init__(self, model, *, prepare=None, serve=None, dt=1.0):
        self.model, self.prepare, self.serve, self.dt = model, prepare, serve, dt
        self.reset()

    def reset(self):
        """Forget the game: the state is zero again."""
        self.state = None

    @torch.no_grad()
    def __call__(self, observation):
        """The action for one observation, a whole number; the state moves on also where ``serve`` decides."""
        seen = observation if self.prepare is None else self.prepare(observation)
        device, dtype = lies(self.model)
        inputs = torch.as_tensor(np.asarray(seen), dtype=dtype, device=device)
        logits, states = self.model(inputs[None], x0=self.state, dt=self.dt)
        self.state = states[-1]
        served = None if self.serve is None else self.serve(observation)
        return int(logits[-1].argmax()) if served is None else int(served)
