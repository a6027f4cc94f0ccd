"""Twelve driving circuits: how far their time constants swing, and how they drive with speeds held."""

import numpy as np

from .. import dynamics
from ..tasks import lane
from ..train.progress import bar
from .driver import DRIVES, STEPS, circuit, roads, rounded, table, trained

FILE = "liquid.json"
TOLERANCE = 0.051  # one drive of twenty more or less
SEEDS, NOISES = 12, (0.1, 0.3)


def driver_of(net):
    """The ``Driver`` with a network's present numbers."""
    wired = {"polarity": net.wiring.polarity, "polarity_in": net.wiring.polarity_in, "role": net.role}
    return lane.Driver.read({"wiring": wired} | table(net))


def conductances(driver, inputs):
    """Conductance of every neuron in every frame of drives (B, T, 16), in µS, (B, T, 19)."""
    return driver.cell.terms(driver.states(inputs), driver.heard(inputs))[0]


def swing(driver, inputs):
    """Medians over the neurons: the middle time constant on drives (frames), and by how many times it swings.

    The swing of a neuron is the 95 % quantile of its time constant divided by the 5 % quantile.
    """
    tau = (driver.cell.c / conductances(driver, inputs)).reshape(-1, driver.cell.n)
    low, middle, high = np.quantile(tau, (0.05, 0.5, 0.95), axis=0)
    return {"middle": rounded(np.median(middle)), "swing": rounded(np.median(high / low))}


class Held:
    """The driver with the goals of its neurons as they are, and speeds that never change: g (19,), in µS."""

    def __init__(self, driver, g):
        self.driver, self.share = driver, g / (driver.cell.c + g)
        self.reset()

    def reset(self):
        """Back to rest."""
        self.x = 0.0

    def __call__(self, seen, dt):
        """The wheel (B,) for pictures seen (B, 16); frames must be regular."""
        cell, heard = self.driver.cell, self.driver.heard(seen)
        x = self.x + np.zeros((len(seen), cell.n))
        self.x = x + self.share * (dynamics.effective_equilibrium(x, heard, cell) - x)
        return self.driver.wheel(self.x)


def stayed(policy, noise):
    """How many drives stay on roads that the circuit never saw."""
    rng = np.random.default_rng(1)
    return int(lane.drive(policy, roads(rng), steps=STEPS, noise=noise, rng=rng).stayed.sum())


def make(sample=False, progress=False):
    """The table: for each seed time constants before and after training, and how many of 20 drives stay."""
    data, seeds = lane.record(64, rng=np.random.default_rng(0)), range(1 if sample else SEEDS)
    inputs = lane.record(8, rng=np.random.default_rng(5))[0]  # not among the lessons
    made = {"made by": "python -m ltcbook.reproduce liquid", "drives": DRIVES, "steps": STEPS, "seeds": {}}
    with bar(len(seeds), 0, "circuit", progress, "reproduce") as advance:
        for seed in seeds:
            net = circuit(seed)
            part = {"before": swing(driver_of(net), inputs)}
            trained(net, seed, data)
            driver = driver_of(net)
            part["after"] = swing(driver, inputs)
            held = Held(driver, conductances(driver, inputs).mean((0, 1)))
            part["stayed"] = {
                name: {str(noise): stayed(policy, noise) for noise in NOISES}
                for name, policy in (("liquid", driver.policy()), ("held", held))
            }
            made["seeds"][str(seed)] = part
            advance()
    return made
