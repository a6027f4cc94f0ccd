"""Areas and the synapses between them: forward, backward and within move; mask, graph of areas and eigenvalues answer."""

from functools import cache

import numpy as np

from .. import wiring
from .base import Control, Explorer, Preset, words

NEURONS, SEED = 24, 0
EXCITATORY, WEIGHT, STRONGER = 0.75, 0.075, 2.5  # under Dale's law an inhibitory weight is so many times larger

PRESETS = [
    Preset("One way", "192 forward synapses, and every eigenvalue sits in the ring of its own area."),
    Preset("A few come back", "20 backward synapses join 192 forward ones to loops, and the network is unstable.", {"backward": 0.1}),
    Preset("The other way", "All backward, none forward: no loop again. The areas only change their order.",
           {"forward": 0.0, "backward": 1.0}),
    Preset("A bit of both", "138 synapses between areas, fewer than the 192 of the first example. But they form loops.",
           {"forward": 0.4, "backward": 0.4}),
    Preset("Dale’s law", "Dense loops, with a quarter of the neurons inhibitory and 2.5 times as strong.",
           {"backward": 1.0, "signs": "dale"}),
]


class AreasExplorer(Explorer):
    """Move the connectivities between areas: dx/dt = −x + W x with W inside the mask of ``wiring.multi_area``, 24 neurons."""

    key, drawing = "areas", "areas.js"
    title = "Where a synapse stands, and what it does"
    question = ("Every forward synapse exists, and the network is stable: its rightmost eigenvalue is that of its areas alone, "
                "−0.378. Now one backward synapse in ten is added. Where will it go: to −0.37, to −0.2, or above 0?")
    answer = ("To +0.043: errors grow. The 20 backward synapses close loops with the 192 forward ones, and a loop counts by the "
              "product of its weights. Many times few is still much.")

    def __init__(self):
        options = {"areas": ((2, "2"), (3, "3"), (4, "4")), "within": ((0.5, "half"), (1.0, "all")),
                   "signs": (("plus", "all +"), ("dale", "Dale"))}
        super().__init__([
            Control("forward", "Forward", 1.0, step=0.05, grid_step=0.2, hint="share of synapses"),
            Control("backward", "Backward", 0.0, step=0.05, grid_step=0.1, hint="share of synapses"),
            Control("areas", "Areas", 3, kind="select", options=options["areas"]),
            Control("within", "Within an area", 1.0, kind="select", options=options["within"]),
            Control("signs", "Signs", "plus", kind="select", options=options["signs"]),
        ], PRESETS, neurons=NEURONS, dice=np.random.default_rng(SEED).random((NEURONS, NEURONS)).round(6),
            excitatory={areas: self.masks(areas, 0, 0, 1, "dale").excitatory.astype(int) for areas, _ in options["areas"]},
            alone={f"{areas}-{within:g}-{signs}": upper(spectrum(areas, 0.0, 0.0, within, signs))
                   for areas, _ in options["areas"] for within, _ in options["within"] for signs, _ in options["signs"]})

    @staticmethod
    def masks(areas, forward, backward, within, signs):
        """The AreaMasks of these controls, always of one seed, so that a larger share only adds synapses."""
        given = {"dims": (1, NEURONS, 1), "n_areas": int(areas), "area_connectivities": (forward, backward, within),
                 "rng": np.random.default_rng(SEED)}
        return wiring.multi_area_ei(**given, excitatory=EXCITATORY) if signs == "dale" else wiring.multi_area(**given)

    def frame_of(self, controls):
        """Synapses in each kind of block, eigenvalues (those with Im >= 0) and the verdict."""
        setting = [controls[name] for name in ("areas", "forward", "backward", "within", "signs")]
        masks = self.masks(*setting)
        step = np.sign(masks.area_of[:, None] - masks.area_of[None, :])
        counts = {kind: int((masks.hidden_mask != 0)[step == way].sum())
                  for kind, way in (("within", 0), ("forward", 1), ("backward", -1))}
        chance = masks.area_connectivities[np.ix_(masks.area_of, masks.area_of)]
        values = spectrum(*setting)
        alone = spectrum(setting[0], 0.0, 0.0, *setting[3:])
        frame = {"counts": counts | {"total": sum(counts.values())}, "expected": float(chance.sum()),
                 "eigen": upper(values), "abscissa": float(values.real.max().round(3)),
                 "alone": float(alone.real.max().round(3))}
        return frame | {"verdict": self.verdict(frame)}

    @staticmethod
    def verdict(frame):
        """Whether areas stand in loops, what that does to the rightmost eigenvalue, and whether errors grow."""
        at, alone, counts = frame["abscissa"], frame["alone"], frame["counts"]
        state = "small errors die out" if at < 0 else "small errors grow"
        tone = "good" if at < 0 else "bad"
        text = f"No loop through several areas: the eigenvalues are those of the areas alone, up to {words(at)}; {state}."
        if counts["forward"] and counts["backward"]:
            way = f"move the rightmost eigenvalue {'right' if at > alone else 'left'}, from {words(alone)} to {words(at)}"
            if at == alone:
                way = f"leave the rightmost eigenvalue at {words(at)}"
            text = f"Loops through several areas {way}: {state}."
        return [[tone, text]]

    def describe(self, frame):
        """One frame in words, for the picture's alt text."""
        counts = frame["counts"]
        return (f"{counts['within']} synapses within areas, {counts['forward']} forward, {counts['backward']} backward. "
                + frame["verdict"][0][1])

    def picture(self, frame):
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        c = frame["controls"]
        fig, (left, right) = plots.figure(9, 4.2, ncols=2)
        plots.draw_areas(self.masks(c["areas"], c["forward"], c["backward"], c["within"], c["signs"]), left)
        sets = [np.array([re + 1j * im for re, im in values])
                for values in (self.spec["alone"][f"{c['areas']}-{c['within']:g}-{c['signs']}"], frame["eigen"])]
        plots.draw_spectrum(*[np.concatenate([values, values.conj()]) for values in sets], right,
                            label=("areas alone", "whole network"))
        fig.suptitle(frame["verdict"][0][1], fontsize=11)
        return fig


@cache
def spectrum(areas, forward, backward, within, signs):
    """(24,) eigenvalues of −I + W, read-only; W: weights of size 0.0375 to 0.1125 in the mask, inhibitory ones 2.5 times as large."""
    mask = AreasExplorer.masks(areas, forward, backward, within, signs).hidden_mask
    size = WEIGHT * np.random.default_rng(100 + SEED).uniform(0.5, 1.5, mask.shape) * np.where(mask < 0, STRONGER, 1)
    values = np.linalg.eigvals(mask * size - np.eye(NEURONS))
    values.flags.writeable = False  # all who ask get this very array
    return values


def upper(values):
    """[[Re, Im], ...] of the eigenvalues with Im >= 0, from right to left, in thousandths."""
    kept = values[values.imag >= 0]
    kept = kept[np.argsort(-kept.real, kind="stable")]
    return np.stack([kept.real, kept.imag], -1).round(3).tolist()
