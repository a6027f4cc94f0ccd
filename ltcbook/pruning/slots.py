"""The working copy on which the methods of this room cut and grow during one event."""

import numpy as np

from ..validation import array
from ..wiring import Wiring
from .event import Rewired, check_weights


class Slots:
    """Working copy of a network during one event. A slot is a place (target, source): a flat index into
    one (n, n + m) matrix, neurons before sensory inputs; ``pairs`` holds the slots of each layer pair that
    has synapses.
    """

    def __init__(self, network):
        wiring, self.network = network.wiring, network
        n, m = wiring.n, wiring.m
        w_in = (
            None
            if network.weights_in is None
            else check_weights("weights_in", network.weights_in, wiring.adjacency_in)
        )

        def flat(recurrent, sensory):
            """(n, n) and (n, m) side by side, flat; zeros where there is none."""
            recurrent = np.zeros((n, n)) if recurrent is None else recurrent
            return np.hstack([recurrent, np.zeros((n, m)) if sensory is None else sensory]).ravel()

        self.weight = flat(check_weights("weights", network.weights, wiring.adjacency), w_in)
        self.polarity = flat(wiring.polarity, wiring.polarity_in).astype(int)
        self.age, self.gradient, self.sign = flat(*network.age), flat(*network.gradient), flat(*network.sign)
        self.target, self.source = np.divmod(np.arange(self.weight.size), n + m)
        self.listens, self.cut, self.grown, self.blocked = wiring.fan_in.copy(), [], [], []
        self.pairs = [
            slots
            for role, _, sources, targets in wiring.blocks()
            if role != "sensory" or network.weights_in is not None
            if self.polarity[
                slots := (targets[:, None] * (n + m) + sources + n * (role == "sensory")).ravel()
            ].any()
        ]

    def weakest(self, pair=None, score=None):
        """The existing slots of one layer pair, or of all, by increasing weight (or score)."""
        pair = np.concatenate(self.pairs or [np.zeros(0, int)]) if pair is None else pair
        here = pair[self.polarity[pair] != 0]
        return here[np.argsort((self.weight if score is None else score)[here], kind="stable")]

    def prune(self, ranked, count):
        """Cut the first ``count`` of the ranked slots that are not their target's last input; how many
        were cut.
        """
        before = len(self.cut)
        for slot in ranked:
            if len(self.cut) - before >= count:
                break
            if self.listens[self.target[slot]] == 1:
                self.blocked.append(slot)
                continue
            self.listens[self.target[slot]] -= 1
            self.polarity[slot] = self.weight[slot] = self.age[slot] = 0
            self.cut.append(slot)
        return len(self.cut) - before

    def grow(self, slot, weight, rng):
        """A new synapse with the sign of its place, or one that is drawn."""
        self.polarity[slot] = self.sign[slot] or rng.choice([-1, 1])
        self.weight[slot], self.age[slot] = weight, 0
        self.grown.append(slot)

    def report(self):
        """The ``Rewired`` of all that was done."""
        n, network = self.network.wiring.n, self.network
        halves = lambda flat: [half.copy() for half in np.hsplit(flat.reshape(n, -1), [n])]
        edges = [
            [(int(self.source[slot]), int(self.target[slot])) for slot in slots]
            for slots in (self.cut, self.grown, self.blocked)
        ]
        weights, age = halves(self.weight), halves(self.age)
        weights[1] = None if network.weights_in is None else weights[1]
        return Rewired(
            Wiring(*halves(self.polarity), network.wiring.role),
            *weights,
            *(None if given is None else half for given, half in zip(network.age, age, strict=True)),
            *([edge for edge in part if edge[0] < n] for part in edges),
            *([(source - n, target) for source, target in part if source >= n] for part in edges),
        )


def checked(name, value, shape):
    """An optional array beside the weights, float and without NaN, or one ValueError."""
    if value is not None:
        value = array(name, value).copy()
        if value.shape != shape or np.isnan(value).any():
            raise ValueError(
                f"{name} has shape {value.shape}; like its weights it must be {shape}, without NaN."
            )
    return value
