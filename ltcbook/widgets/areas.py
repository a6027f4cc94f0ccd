"""Areas and the synapses between them: forward, backward and within move; mask, graph of areas and
eigenvalues answer.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import wiring
from .base import Control, Explorer, Guess, Prediction, Preset, phrase

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

NEURONS, SEED = 24, 0
# under Dale's law an inhibitory weight is so many times larger
EXCITATORY, WEIGHT, STRONGER = 0.75, 0.075, 2.5
# a synapse exists where its die is below its chance
DICE = np.random.default_rng(SEED).random((NEURONS, NEURONS)).round(6)
SIZES = (WEIGHT * np.random.default_rng(100 + SEED).uniform(0.5, 1.5, (NEURONS, NEURONS))).round(6)
SHARES = np.linspace(0, 1, 21)  # of both kinds of synapses, where the plane knows whether small errors grow

PRESETS = [
    Preset("One way", "192 forward synapses, and every eigenvalue sits in the ring of its own area."),
    Preset("A few come back", "20 backward synapses join 192 forward ones to loops.", {"backward": 0.1}),
    Preset(
        "The other way",
        "All backward, none forward: no loop again. The areas only change their order.",
        {"forward": 0.0, "backward": 1.0},
    ),
    Preset(
        "Half and half",
        "170 synapses between areas, fewer than the 212 of the second example. But they form more loops.",
        {"forward": 0.5, "backward": 0.5},
    ),
    Preset(
        "Dale’s law",
        "Dense loops, with a quarter of the neurons inhibitory (hollow) and 2.5 times as strong.",
        {"backward": 1.0, "signs": "dale"},
    ),
]
SENTENCES = {
    "grows": ("bad", "Errors grow: loops move the rightmost eigenvalue to {at}."),
    "dies": ("good", "Errors die out: loops move the rightmost eigenvalue to {at}."),
    "unmoved": ("good", "Errors die out: loops leave the rightmost eigenvalue at {at}."),
    "free": ("good", "Errors die out: without loops no eigenvalue moves."),
}


class AreasExplorer(Explorer):
    """Move the connectivities between areas: dx/dt = −x + W x with W inside the mask of
    ``wiring.multi_area``, 24 neurons.

    The drawing throws the same dice and computes the same eigenvalues; only the border in its plane is sent.
    """

    key, drawing, tabulated = "areas", "areas.js", False
    title = "Where a synapse stands, and what it does"
    sentences = SENTENCES
    question = (
        "With all 192 forward synapses and 20 backward ones the rightmost eigenvalue stands at +0.043. Now "
        "take half of each kind: 82 forward and 88 backward ones, 170 instead of 212. Where does it go?"
    )
    prediction = Prediction(
        (
            Guess(
                "left",
                "To the left",
                "There are fewer synapses between the areas, but more loops: what counts is the share "
                "forward times the share backward, and 0.5 · 0.5 is more than 1 · 0.1.",
            ),
            Guess(
                "stays",
                "It stays about there",
                "It goes to +0.144. The number of synapses falls, but the number of loops "
                "grows: 44 pairs of neurons now send to each other across areas, instead of 20.",
            ),
            Guess(
                "right",
                "To the right",
                "It goes to +0.144. A loop needs both ways, so what counts is the share forward times "
                "the share backward: 0.5 · 0.5 instead of 1 · 0.1.",
            ),
        ),
        right="right",
    )
    answer = (
        "One way alone moves no eigenvalue, however many synapses it has. A loop runs forward and comes "
        "back, and it counts by the product of its weights. Half of both kinds makes more loops than all of "
        "one kind and a tenth of the other, so the rightmost eigenvalue moves from +0.043 to +0.144."
    )
    play = {"knob": "backward", "seconds": 8}

    def __init__(self) -> None:
        options: dict[str, Any] = {
            "areas": ((2, "2"), (3, "3"), (4, "4")),
            "within": ((0.5, "half"), (1.0, "all")),
            "signs": (("plus", "all +"), ("dale", "Dale")),
        }
        settings = [
            (areas, within, signs)
            for areas, _ in options["areas"]
            for within, _ in options["within"]
            for signs, _ in options["signs"]
        ]
        super().__init__(
            [
                Control("backward", "Backward", 0.0, step=0.01, hint="share of synapses"),
                Control("forward", "Forward", 1.0, step=0.01, hint="share of synapses", more=True),
                Control("areas", "Areas", 3, kind="select", options=options["areas"], more=True),
                Control("within", "Within an area", 1.0, kind="select", options=options["within"], more=True),
                Control("signs", "Signs", "plus", kind="select", options=options["signs"], more=True),
            ],
            PRESETS,
            neurons=NEURONS,
            dice=DICE,
            sizes=SIZES,
            stronger=STRONGER,
            excitatory={areas: signs_of(areas, "dale") > 0 for areas, _ in options["areas"]},
            alone={
                name_of(*setting): listed(spectrum(setting[0], 0, 0, *setting[1:])) for setting in settings
            },
            border={name_of(*setting): border(*setting) for setting in settings},
        )

    @staticmethod
    def masks(areas: int, forward: float, backward: float, within: float, signs: str) -> wiring.AreaMasks:
        """The AreaMasks of these controls, always of one seed, so that a larger share only adds synapses."""
        given: dict[str, Any] = {
            "dims": (1, NEURONS, 1),
            "n_areas": int(areas),
            "area_connectivities": (forward, backward, within),
            "rng": np.random.default_rng(SEED),
        }
        return (
            wiring.multi_area_ei(**given, excitatory=EXCITATORY)
            if signs == "dale"
            else wiring.multi_area(**given)
        )

    def frame_of(self, controls: dict[str, Any]) -> dict[str, Any]:
        """Synapses in each kind of block, all eigenvalues [Re, Im] and the verdict."""
        setting = [controls[name] for name in ("areas", "forward", "backward", "within", "signs")]
        masks = self.masks(*setting)
        step = np.sign(masks.area_of[:, None] - masks.area_of[None, :])
        counts = {
            kind: int((masks.hidden_mask != 0)[step == way].sum())
            for kind, way in (("within", 0), ("forward", 1), ("backward", -1))
        }
        chance = masks.area_connectivities[np.ix_(masks.area_of, masks.area_of)]
        values = listed(spectrum(*setting))
        frame = {
            "counts": counts | {"total": sum(counts.values())},
            "expected": float(chance.sum()),
            "eigen": values,
            "abscissa": round(values[0][0], 3),
            "alone": round(self.spec["alone"][name_of(*setting[:1], *setting[3:])][0][0], 3),
            "grows": values[0][0] >= 0,
        }
        return frame | {"verdict": self.verdict(frame)}

    def verdict(self, frame: dict[str, Any]) -> list[list[str]]:
        """Whether errors grow, and what loops through several areas do to the rightmost eigenvalue."""
        at, alone, counts = frame["abscissa"], frame["alone"], frame["counts"]
        kind = (
            "free"
            if not (counts["forward"] and counts["backward"])
            else "grows"
            if frame["grows"]
            else "unmoved"
            if at == alone
            else "dies"
        )
        return [phrase(self.sentences[kind], at=at)]

    def describe(self, frame: dict[str, Any]) -> str:
        """One frame in words, for the picture's alt text."""
        counts = frame["counts"]
        return (
            f"{counts['within']} synapses within areas, {counts['forward']} forward, {counts['backward']} "
            "backward. " + frame["verdict"][0][1]
        )

    def picture(self, frame: dict[str, Any]) -> Figure:
        """One frame as a matplotlib figure, for print and for readers without JavaScript."""
        from .. import plots

        c = frame["controls"]
        fig, (left, right) = plots.figure(9, 4.2, ncols=2)
        plots.draw_areas(self.masks(c["areas"], c["forward"], c["backward"], c["within"], c["signs"]), left)
        sets = [
            np.array([re + 1j * im for re, im in values])
            for values in (self.spec["alone"][name_of(c["areas"], c["within"], c["signs"])], frame["eigen"])
        ]
        plots.draw_spectrum(sets[0], sets[1], right, label=("areas alone", "whole network"))
        fig.suptitle(frame["verdict"][0][1], fontsize=11)
        return fig


def name_of(areas: int, within: float, signs: str) -> str:
    """The name of a setting, as the drawing asks for it."""
    return f"{areas}-{within:g}-{signs}"


@cache
def signs_of(areas: int, signs: str) -> np.ndarray:
    """(24,) signs of the neurons as sources, read-only."""
    masks = AreasExplorer.masks(areas, 0, 0, 1, signs)
    values = np.ones(NEURONS) if masks.excitatory is None else np.where(masks.excitatory, 1.0, -1.0)
    values.flags.writeable = False  # all who ask get this very array
    return values


def spectrum(areas: int, forward: ArrayLike, backward: ArrayLike, within: float, signs: str) -> np.ndarray:
    """(..., 24) eigenvalues of −I + W; W: weights of size 0.0375 to 0.1125 where the dice let them be,
    inhibitory ones 2.5 times as large. The shares forward and backward may be arrays of one shape (...).
    """
    area = np.arange(NEURONS) * areas // NEURONS
    step, share = area[:, None] - area, lambda value: np.asarray(value, float)[..., None, None]
    exists = np.where(step > 0, share(forward), np.where(step < 0, share(backward), within)) > DICE
    sign = signs_of(areas, signs)
    return np.linalg.eigvals(exists * SIZES * np.where(sign < 0, -STRONGER, 1.0) - np.eye(NEURONS))


@cache
def border(areas: int, within: float, signs: str) -> list[str]:
    """Whether small errors grow, "1" or "0", for every share forward (rows) and backward in SHARES."""
    values = spectrum(areas, *np.meshgrid(SHARES, SHARES, indexing="ij"), within, signs)
    return ["".join("01"[int(grows)] for grows in row) for row in values.real.max(-1) >= 0]


def listed(values: np.ndarray) -> list[list[float]]:
    """[[Re, Im], ...] from right to left, of a conjugate pair the lower one first."""
    return [
        [float(value.real), float(value.imag)] for value in values[np.lexsort((values.imag, -values.real))]
    ]
