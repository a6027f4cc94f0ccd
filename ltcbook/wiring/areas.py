"""Multi-area masks: a hidden layer split into areas, dense inside, sparse between them, with or without
Dale's law.

All masks are [target, source]. The areas form a chain by their number: from a lower area to a higher one is
*forward* (below the diagonal of the block matrix), from a higher to a lower one *backward* (above it).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from ..validation import among, brief
from .graph import ReadOnly, Wiring

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

KINDS = ("EE", "EI", "IE", "II")  # source, then target: "EI" runs from an excitatory to an inhibitory neuron
DIMS = ("input", "hidden", "readout")


@dataclass(frozen=True, eq=False)
class AreaMasks(ReadOnly):
    """The three masks of a network with areas; made by ``multi_area`` and ``multi_area_ei``. Arrays are
    copied and read-only.

    input_mask: (hidden, input); hidden_mask: (hidden, hidden); readout_mask: (readout, hidden); integers, 0
    where nothing may connect, +1 where something may, and -1 in the columns of inhibitory neurons.
    node_assignment: for each area the indices of its neurons; area_connectivities: (areas, areas)
    probabilities of a synapse; input_areas, readout_areas: tuples of area numbers; excitatory: (hidden,)
    booleans, None without Dale's law.
    """

    input_mask: np.ndarray
    hidden_mask: np.ndarray
    readout_mask: np.ndarray
    node_assignment: tuple[np.ndarray, ...]
    area_connectivities: np.ndarray
    input_areas: tuple[int, ...]
    readout_areas: tuple[int, ...]
    excitatory: np.ndarray | None = None

    def __repr__(self) -> str:
        sizes = " + ".join(str(len(nodes)) for nodes in self.node_assignment)
        signs = "" if self.excitatory is None else f"; {int((~self.excitatory).sum())} inhibitory"
        return (
            f"AreaMasks({self.input_dim} inputs, {sizes} neurons, {self.readout_dim} readouts; "
            f"{int((self.hidden_mask != 0).sum())} synapses{signs})"
        )

    @property
    def n_areas(self) -> int:
        """Number of areas."""
        return len(self.node_assignment)

    @property
    def input_dim(self) -> int:
        """Number of inputs."""
        return self.input_mask.shape[1]

    @property
    def hidden_size(self) -> int:
        """Number of hidden neurons, all areas together."""
        return self.hidden_mask.shape[0]

    @property
    def readout_dim(self) -> int:
        """Number of readouts."""
        return self.readout_mask.shape[0]

    @property
    def area_of(self) -> np.ndarray:
        """(hidden,) the area that each neuron belongs to."""
        return np.repeat(np.arange(self.n_areas), [len(nodes) for nodes in self.node_assignment])

    def blocks(self) -> list[tuple[int, int, str]]:
        """List of (source area, target area, kind), kind being "within", "forward" or "backward"."""
        kind = lambda s, t: "within" if s == t else "forward" if s < t else "backward"
        return [(s, t, kind(s, t)) for t in range(self.n_areas) for s in range(self.n_areas)]

    def density(self) -> np.ndarray:
        """(areas, areas) share of the possible synapses that exist in each block, [target, source]."""
        member = np.eye(self.n_areas)[self.area_of]
        size = member.sum(0)
        return member.T @ (self.hidden_mask != 0) @ member / np.outer(size, size)

    def to_wiring(self) -> Wiring:
        """The Wiring of input and hidden mask, every neuron in the role "hidden"; the readout mask has no
        place in it.

        Without Dale's law a mask says nothing about signs, so every synapse becomes +1.
        """
        return Wiring(self.hidden_mask, self.input_mask, ("hidden",) * self.hidden_size)


def multi_area(
    dims: Sequence[int] = (1, 100, 1),
    n_areas: int | Sequence[int] = 2,
    area_connectivities: ArrayLike = (0.1, 0.1),
    input_areas: int | Iterable[int] | None = None,
    readout_areas: int | Iterable[int] | None = None,
    *,
    rng: np.random.Generator,
) -> AreaMasks:
    """Masks of a network whose hidden neurons are split into areas, without excitation and inhibition.

    dims: (input, hidden, readout) sizes. n_areas: a number that divides hidden, or the list of the areas'
    sizes. area_connectivities: (forward, backward), then 1 within an area; (forward, backward, within); or
    the whole matrix (areas, areas) of probabilities, [target area, source area]. input_areas, readout_areas:
    the areas that receive input and that are read out; None for all. With one area, settings about several
    areas are ignored.

    Every possible synapse exists independently with the probability of its block (autapses too); inputs and
    readouts are dense. With one seed, a larger probability only adds synapses. Returns AreaMasks. Raises
    ValueError for sizes that do not add up, probabilities outside [0, 1] and areas that do not exist.
    Source: the parameters and their meaning are those of MultiArea in the library nn4n.

    >>> masks = wiring.multi_area((1, 40, 1), 4, (0.1, 0.0), rng=rng)
    >>> masks.density().round(2)[:2]  # [target area, source area]
    array([[1.  , 0.  , 0.  , 0.  ],
           [0.09, 1.  , 0.  , 0.  ]])
    """
    dims = _dims(dims)
    sizes = _sizes(n_areas, dims[1])
    areas = len(sizes)
    probability = _connectivities(area_connectivities, areas)
    inputs = _areas("input_areas", input_areas, areas)
    readouts = _areas("readout_areas", readout_areas, areas)
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng is {type(rng).__name__}; pass a generator, e.g. rng=np.random.default_rng(0).")

    area_of = np.repeat(np.arange(areas), sizes)
    hidden_mask = (rng.random((dims[1], dims[1])) < probability[np.ix_(area_of, area_of)]).astype(int)
    input_mask = np.repeat(np.isin(area_of, inputs)[:, None], dims[0], axis=1).astype(int)
    readout_mask = np.repeat(np.isin(area_of, readouts)[None, :], dims[2], axis=0).astype(int)
    nodes = tuple(np.split(np.arange(dims[1]), np.cumsum(sizes)[:-1]))
    return AreaMasks(input_mask, hidden_mask, readout_mask, nodes, probability, inputs, readouts)


def multi_area_ei(
    dims: Sequence[int] = (1, 100, 1),
    n_areas: int | Sequence[int] = 2,
    area_connectivities: ArrayLike = (0.1, 0.1),
    input_areas: int | Iterable[int] | None = None,
    readout_areas: int | Iterable[int] | None = None,
    *,
    excitatory: float = 0.8,
    inter_area: Iterable[str] = KINDS,
    inhibitory_readout: bool = True,
    rng: np.random.Generator,
) -> AreaMasks:
    """Masks as in ``multi_area`` with Dale's law: a source column holds only +1 or only -1.

    excitatory: share of excitatory neurons in every area, rounded down to whole neurons; they come first in
    their area. inter_area: which connections between areas may exist, out of "EE", "EI", "IE", "II" (source,
    then target; synapses within an area are not touched). inhibitory_readout=False leaves inhibitory neurons
    out of the readout. With the same seed the synapses are those of ``multi_area``, less the kinds that
    inter_area leaves out.

    Returns AreaMasks. Raises ValueError as ``multi_area`` does, and for a share outside [0, 1] or an unknown
    kind.
    Source: the parameters and their meaning are those of MultiAreaEI in the library nn4n (exc_pct,
    inter_area_connections, inh_readout).

    >>> masks = wiring.multi_area_ei((1, 20, 1), 2, excitatory=0.8, rng=rng)
    >>> int(masks.excitatory.sum()), np.unique(masks.hidden_mask[:, 9])
    (16, array([-1,  0]))
    """
    if not (_is_number(excitatory) and 0 <= excitatory <= 1):
        raise ValueError(f"excitatory is {brief(excitatory)}; it must be a share between 0 and 1.")
    listed = isinstance(inter_area, (tuple, list, set, frozenset))
    if not listed or not all(among(kind, KINDS) for kind in inter_area):
        raise ValueError(
            f"inter_area is {brief(inter_area)}; list kinds out of {KINDS}, source then target; "
            "() forbids every connection between areas."
        )
    if not isinstance(inhibitory_readout, (bool, np.bool_)):
        raise ValueError(f"inhibitory_readout is {brief(inhibitory_readout)}; it must be True or False.")
    masks = multi_area(dims, n_areas, area_connectivities, input_areas, readout_areas, rng=rng)

    excites = np.concatenate(
        [
            np.arange(len(nodes)) < math.floor(len(nodes) * excitatory + 1e-9)
            for nodes in masks.node_assignment
        ]
    )
    sign, hidden_mask, area = np.where(excites, 1, -1), masks.hidden_mask.copy(), masks.area_of
    between = area[:, None] != area[None, :]
    of_kind = {"E": excites, "I": ~excites}
    for kind in set(KINDS) - set(inter_area):
        hidden_mask[between & np.outer(of_kind[kind[1]], of_kind[kind[0]])] = 0
    readout_mask = masks.readout_mask * (sign if inhibitory_readout else excites)
    return AreaMasks(
        masks.input_mask,
        hidden_mask * sign,
        readout_mask,
        masks.node_assignment,
        masks.area_connectivities,
        masks.input_areas,
        masks.readout_areas,
        excites,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _dims(dims: Sequence[int]) -> tuple[int, ...]:
    values = list(dims) if isinstance(dims, (tuple, list, np.ndarray)) else None
    if values is None or len(values) != 3 or not all(_is_whole(v) and v >= 1 for v in values):
        raise ValueError(
            f"dims is {brief(dims)}; it must be three whole numbers >= 1: ({', '.join(DIMS)}) sizes."
        )
    return tuple(int(v) for v in values)


def _sizes(n_areas: int | Sequence[int], hidden: int) -> list[int]:
    """Number of neurons in each area."""
    if _is_whole(n_areas):
        if n_areas < 1 or hidden % n_areas:
            divisors = [d for d in range(1, hidden + 1) if hidden % d == 0]
            raise ValueError(
                f"n_areas is {n_areas}; it must divide the {hidden} hidden neurons "
                f"({divisors[:12]}), or be a list of sizes that sum to {hidden}."
            )
        return [hidden // int(n_areas)] * int(n_areas)
    sizes = list(n_areas) if isinstance(n_areas, (tuple, list, np.ndarray)) else []
    if not sizes or not all(_is_whole(size) and size >= 1 for size in sizes) or sum(sizes) != hidden:
        raise ValueError(
            f"n_areas is {brief(n_areas)}; it must be a whole number that divides {hidden}, "
            f"or a list of whole sizes >= 1 that sum to {hidden}."
        )
    return [int(size) for size in sizes]


def _connectivities(values: ArrayLike, areas: int) -> np.ndarray:
    """The (areas, areas) matrix of probabilities, from 2 or 3 numbers or a matrix."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError, RuntimeError):
        array = np.array(np.nan)
    if not ((array >= 0) & (array <= 1)).all() or array.size == 0:
        raise ValueError(
            f"area_connectivities is {brief(values)}; its entries must be numbers between 0 and 1."
        )
    if array.shape == (areas, areas):
        return array
    if array.shape in ((2,), (3,)):
        matrix = np.full((areas, areas), array[2] if array.size == 3 else 1.0)
        matrix[np.tril_indices(areas, -1)] = array[0]
        matrix[np.triu_indices(areas, 1)] = array[1]
        return matrix
    if areas == 1 and array.ndim == 2 and array.shape[0] == array.shape[1]:
        return np.ones((1, 1))  # a matrix for several areas says nothing about the one that is left
    raise ValueError(
        f"area_connectivities has shape {array.shape}; with {areas} areas it must be (forward, "
        f"backward), (forward, backward, within) or a matrix ({areas}, {areas})."
    )


def _areas(name: str, chosen: int | Iterable[int] | None, areas: int) -> tuple[int, ...]:
    """The chosen areas in ascending order, as a tuple."""
    if chosen is None or areas == 1:
        return tuple(range(areas))
    listed: list[Any] = list(chosen) if isinstance(chosen, (tuple, list, range, np.ndarray)) else [chosen]
    if not listed or not all(_is_whole(area) and 0 <= area < areas for area in listed):
        raise ValueError(
            f"{name} is {brief(chosen)}; it must list at least one of the areas 0 to {areas - 1}, "
            "or be None for all."
        )
    return tuple(sorted({int(area) for area in listed}))
