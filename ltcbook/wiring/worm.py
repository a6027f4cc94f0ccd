"""The wiring of the worm *C. elegans*: its chemical synapses, neuron by neuron, and the circuit behind the
tap reflex.

The table is Varshney et al., PLoS Computational Biology 7 (2011) e1001066: contacts between 279 neurons (all
but the pharynx, CANL, CANR and VC6). It gives no signs; what is added here, and from where, stands in
``data/README.md``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..validation import among, brief, whole
from .graph import ReadOnly, Wiring

if TYPE_CHECKING:
    from collections.abc import Iterable

# the tap-withdrawal circuit by neuron class, in its published layers (Wicks et al. 1996; Lechner et al. 2018)
TAP_WITHDRAWAL = {
    "sensory": ("PVD", "PLM", "AVM", "ALM"),
    "inter": ("DVA", "PVC", "AVD"),
    "command": ("AVA", "AVB"),
}


@dataclass(frozen=True, eq=False)
class Circuit(ReadOnly):
    """Neurons by name, and how many synaptic contacts each makes on each.

    counts: (n, n) whole numbers of contacts, [target, source]; names: the n neurons, e.g. "AVAL"; classes:
    their classes, e.g. "AVA"; roles: "sensory", "inter", "command" or "motor"; transmitters: "ACh", "Glu",
    "GABA", "GABA?", "DA", "octopamine" or "unknown". counts is copied and read-only.
    """

    counts: np.ndarray
    names: tuple[str, ...]
    classes: tuple[str, ...]
    roles: tuple[str, ...]
    transmitters: tuple[str, ...]

    def __repr__(self) -> str:
        connections, contacts = int((self.counts > 0).sum()), int(self.counts.sum())
        return f"Circuit({self.n} neurons, {connections} connections, {contacts} contacts)"

    @property
    def n(self) -> int:
        """Number of neurons."""
        return len(self.names)

    def index(self, name: str) -> int:
        """Position of the neuron with this name. Raises ValueError for a name that is not in the circuit."""
        if not among(name, self.names):
            raise ValueError(
                f"no neuron {brief(name)} here; the names are {', '.join(self.names[:12])}"
                f"{' ...' if self.n > 12 else ''}."
            )
        return self.names.index(name)

    def members(self, *wanted: str) -> np.ndarray:
        """Indices of the neurons with one of these names or classes; ValueError for one that is neither."""
        known = set(self.names) | set(self.classes)
        unknown = [w for w in wanted if not among(w, known)]
        if unknown:
            classes = ", ".join(sorted(set(self.classes))[:12])
            raise ValueError(
                f"no neuron or class {brief(unknown[0])} here; classes are {classes} ..., "
                f"names are like {self.names[0]}."
            )
        return np.flatnonzero([self.names[i] in wanted or self.classes[i] in wanted for i in range(self.n)])

    def subset(self, *wanted: str) -> Circuit:
        """The circuit of these neurons or classes, with every contact among them (the induced sub-graph)."""
        keep = self.members(*wanted)
        return self._taken(keep)

    def _taken(self, order: np.ndarray) -> Circuit:
        columns = (self.names, self.classes, self.roles, self.transmitters)
        counts = self.counts[np.ix_(order, order)]
        return Circuit(counts, *(tuple(column[i] for i in order) for column in columns))

    def pooled(self) -> Circuit:
        """One node per class, contacts summed, as published diagrams draw it.

        Contacts within a class stay, on the diagonal. A class takes role and transmitter of its first neuron.
        """
        classes = tuple(dict.fromkeys(self.classes))
        first = [self.classes.index(c) for c in classes]
        member = (np.array(self.classes)[None, :] == np.array(classes)[:, None]).astype(int)
        return Circuit(
            member @ self.counts @ member.T,
            classes,
            classes,
            tuple(self.roles[i] for i in first),
            tuple(self.transmitters[i] for i in first),
        )

    def to_wiring(
        self,
        *,
        inhibitory: str | Iterable[str] = "GABA",
        sensory: Literal["neurons", "inputs"] = "neurons",
        least: int = 1,
    ) -> Wiring:
        """The Wiring of the connections with at least ``least`` contacts; its signs follow a rule.

        inhibitory: "GABA" (neurons whose transmitter is GABA send -1, all others +1), or a list of names and
        classes that send -1. sensory="neurons": every neuron stays a neuron, and each sensory neuron gets one
        input of its own; sensory="inputs": sensory neurons become the Wiring's inputs, which drops the
        synapses that they receive. Roles: inter, command and motor stay, sensory neurons that are kept become
        "hidden". Order: as in ``names``. Raises ValueError for an unknown name, for a threshold below 1, and
        when no neuron would be left.
        """
        if not among(inhibitory, ("GABA",)) and not isinstance(inhibitory, (list, tuple, set, frozenset)):
            raise ValueError(
                f"inhibitory is {brief(inhibitory)}; give 'GABA' or a list of names and classes."
            )
        if not among(sensory, ("neurons", "inputs")):
            raise ValueError(f"sensory is {brief(sensory)}; choose 'neurons' or 'inputs'.")
        least = whole("least", least, 1)
        inhibits = np.array([transmitter == "GABA" for transmitter in self.transmitters])
        if not isinstance(inhibitory, str):
            inhibits = np.isin(np.arange(self.n), self.members(*inhibitory))
        polarity = (self.counts >= least) * np.where(inhibits, -1, 1)
        feels = np.array([role == "sensory" for role in self.roles])
        role = np.array(["hidden" if role == "sensory" else role for role in self.roles])
        if sensory == "neurons":
            return Wiring(polarity, np.eye(self.n, dtype=int)[:, feels], role)
        if feels.all():
            raise ValueError("every neuron here is sensory: none would be left; use sensory='neurons'.")
        return Wiring(polarity[np.ix_(~feels, ~feels)], polarity[np.ix_(~feels, feels)], role[~feels])


@cache
def connectome() -> Circuit:
    """The hermaphrodite's chemical connectome, a Circuit: 279 neurons, 2194 connections, 6394 contacts.

    Neurons in the alphabetical order of their names; roles sensory (83), inter (81) and motor (115). A neuron
    of several roles has the one that Cook et al. (2019) list it under. Gap junctions and synapses onto
    muscles are left out.
    Source: Varshney et al., PLoS Computational Biology 7 (2011) e1001066; roles: Cook et al., Nature 571
    (2019); transmitters: Wang et al., eLife 13 (2024) RP95402.

    >>> wiring.worm.connectome()
    Circuit(279 neurons, 2194 connections, 6394 contacts)
    """
    neurons, synapses = _table("worm_neurons.csv"), _table("worm_synapses.csv")
    names = tuple(row["name"] for row in neurons)
    at = {name: i for i, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), int)
    for row in synapses:
        counts[at[row["target"]], at[row["source"]]] = int(row["contacts"])
    columns = (tuple(row[column] for row in neurons) for column in ("class", "role", "transmitter"))
    return Circuit(counts, names, *columns)


@cache
def tap_withdrawal() -> Circuit:
    """The circuit of the tap-withdrawal reflex: 16 neurons of nine classes, all chemical contacts among them.

    The classes and their layers (four sensory, three inter, two command) are the published ones; the contacts
    are the sub-graph that these neurons induce in ``connectome()``: 71 connections, 328 contacts. The
    published diagrams also hold gap junctions, and two motor pools (forward, backward) behind AVB and AVA,
    which are not in this table. All nine classes use glutamate or acetylcholine, so the rule "GABA inhibits"
    makes every synapse +1 here. That is a default, not a finding: touch cells are held to inhibit the opposed
    interneurons (Chalfie et al. 1985), which ``to_wiring(inhibitory=["ALM", "AVM", "PLM"])`` states.
    (PLML makes no chemical synapse within the circuit.)
    Source: Wicks, Roehrig & Rankin, Journal of Neuroscience 16 (1996) 4017; layers: Lechner, Hasani & Grosu
    (2018).

    >>> wiring.worm.tap_withdrawal().pooled().to_wiring(sensory="inputs")
    Wiring(4 sensory, 3 inter, 2 command; 30 synapses)
    """
    layer = {c: role for role, classes in TAP_WITHDRAWAL.items() for c in classes}
    circuit = connectome().subset(*layer)
    order = sorted(range(circuit.n), key=lambda i: (list(layer).index(circuit.classes[i]), circuit.names[i]))
    circuit = circuit._taken(np.array(order))
    return replace(circuit, roles=tuple(layer[c] for c in circuit.classes))


def _table(name: str) -> list[dict[str, str]]:
    with (files("ltcbook") / "data" / name).open(encoding="utf8", newline="") as file:  # type: ignore[call-overload]  # typeshed forgets newline
        return list(csv.DictReader(file))
