"""The five workloads: which network, how many samples, how many steps.

Every workload is one wiring of ours and one ``ncps.torch.LTC`` on that same wiring; all peers start from
its weights.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ltcbook import wiring

ON_A_GPU = ("W1", "W2", "W3", "W5")  # names of those that are also for a GPU
UNFOLDS = 6  # fused steps per input, the default of ncps


@dataclass(frozen=True)
class Workload:
    """wired: makes the ``wiring.Wiring``. short: steps that ncps can take within an ordinary memory, where
    that is fewer than ``steps``; whatever is compared with ncps is then timed on these. quick: steps of
    ``--quick``.
    """

    name: str
    says: str
    wired: Callable
    batch: int
    steps: int
    short: int
    quick: int

    @property
    def cut(self):
        """Whether the comparison runs on fewer steps than the workload has."""
        return self.short < self.steps


def policy(units, outputs, inputs):
    """A neural circuit policy, as ``AutoNCP`` of ncps wires it."""
    return wiring.auto_ncp(units, outputs, sensory=inputs, rng=np.random.default_rng(22222), rule="ncps")


def sparse(units, inputs, density, outputs=16):
    """Synapses drawn independently with one probability, two thirds of them +1. With one size, denser ones
    contain sparser ones: the numbers that are drawn are the same.
    """
    rng = np.random.default_rng(0)
    halves = [
        (rng.random((units, sources)) < density) * signs(rng, (units, sources)) for sources in (units, inputs)
    ]
    return wiring.Wiring(*halves, roles(units, outputs))


def areas(count, units, inputs, inside, between, outputs=16):
    """A chain of areas, dense inside and sparse between; a tenth of the inputs reaches each neuron."""
    rng = np.random.default_rng(0)
    n = count * units
    masks = wiring.multi_area((inputs, n, outputs), count, (between, between, inside), rng=rng)
    heard = rng.random((n, inputs)) < 0.1
    return wiring.Wiring(
        masks.hidden_mask * signs(rng, (n, n)), heard * signs(rng, heard.shape), roles(n, outputs)
    )


def signs(rng, shape):
    """+1 twice as often as -1."""
    return rng.choice([-1, 1, 1], shape)


def roles(units, outputs):
    """The first neurons are read out."""
    return ("motor",) * outputs + ("hidden",) * (units - outputs)


WORKLOADS = {
    work.name: work
    for work in (
        Workload("W1", "neural circuit policy, 19 units", lambda: policy(19, 1, 2), 32, 48, 48, 24),
        Workload("W2", "neural circuit policy, 64 units", lambda: policy(64, 8, 16), 64, 128, 128, 8),
        Workload("W3", "256 units, 10 % of all synapses", lambda: sparse(256, 16, 0.10), 32, 64, 16, 2),
        Workload(
            "W4",
            "1024 units in 4 areas, 5 % inside, 2 % between",
            lambda: areas(4, 256, 16, 0.05, 0.02),
            16,
            32,
            2,
            1,
        ),
        Workload("W5", "one trajectory, 19 units", lambda: policy(19, 1, 2), 1, 10_000, 10_000, 500),
    )
}


def source(graph, seed=0):
    """The ``ncps.torch.LTC`` on a wiring whose weights every LTC here takes over, float32."""
    from ncps.torch import LTC

    torch.manual_seed(seed)
    return LTC(graph.m, graph.to_ncps(), batch_first=True, ode_unfolds=UNFOLDS)


def waves(batch, steps, inputs, dtype=torch.float32, seed=0):
    """Inputs (batch, steps, inputs): noisy sines of unequal period and phase."""
    rng = np.random.default_rng(seed)
    t = np.arange(steps)[None, :, None] / 16
    u = np.sin(t * rng.uniform(1, 2, (1, 1, inputs)) + rng.uniform(0, 2 * np.pi, (batch, 1, inputs)))
    return torch.as_tensor(u + 0.1 * rng.normal(size=u.shape)).to(dtype)
