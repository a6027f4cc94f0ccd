"""The worm's wiring: the published totals, the published circuit, and what the signs are and are not."""

import csv

import numpy as np
import pytest

from ltcbook.wiring import worm

# 26 neurons with GABA by antibody staining: McIntire et al., Nature 364 (1993) 337
MCINTIRE_1993 = {
    "RMED",
    "RMEL",
    "RMER",
    "RMEV",
    "AVL",
    "DVB",
    "RIS",
    *(f"DD{k}" for k in range(1, 7)),
    *(f"VD{k}" for k in range(1, 14)),
}


@pytest.fixture(scope="module")
def whole():
    return worm.connectome()


def test_the_connectome_has_the_published_totals(whole):
    """Varshney et al. (2011): 279 neurons, 2194 connections, 6393 contacts (the table has one more)."""
    assert whole.n == len(set(whole.names)) == 279
    assert np.count_nonzero(whole.counts) == 2194 and whole.counts.sum() == 6394
    assert not whole.counts.diagonal().any() and whole.counts.min() == 0
    assert not set(whole.names) & {"CANL", "CANR", "VC6"}


def test_the_neurons_fall_into_the_published_classes(whole):
    """White et al. (1986): 118 classes, less the 14 of the pharynx and CAN."""
    assert len(set(whole.classes)) == 103
    sizes = {
        name: whole.classes.count(name)
        for name in ("AVA", "AVM", "DVA", "RMD", "VD", "AS", "RID", "RIV", "IL2")
    }
    assert sizes == {"AVA": 2, "AVM": 1, "DVA": 1, "RMD": 6, "VD": 13, "AS": 11, "RID": 1, "RIV": 2, "IL2": 6}
    assert {role: whole.roles.count(role) for role in set(whole.roles)} == {
        "sensory": 83,
        "inter": 81,
        "motor": 115,
    }


def test_rows_are_targets(whole):
    """AVA drives the backward motor neurons (Chalfie et al. 1985), hardly the reverse."""

    def contacts(source, target):
        return whole.counts[np.ix_(whole.members(target), whole.members(source))].sum()

    assert contacts("AVA", "DA") > 10 * contacts("DA", "AVA") and contacts("AVA", "DA") > 10 * contacts(
        "AVB", "DA"
    )
    assert contacts("ALM", "PVC") == 9 and contacts("PVC", "ALM") == 0


def test_the_table_in_the_package_is_what_is_read(root, whole):
    with (root / "ltcbook" / "data" / "worm_synapses.csv").open(encoding="utf8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2194
    for row in rows[::97]:
        assert whole.counts[whole.index(row["target"]), whole.index(row["source"])] == int(row["contacts"])


def test_every_table_has_its_source_and_licence_beside_it(root):
    readme = (root / "ltcbook" / "data" / "README.md").read_text("utf8")
    for path in (root / "ltcbook" / "data").glob("*.csv"):
        assert f"## {path.name}" in readme, path.name
    for word in ("CC BY", "public domain", "Varshney", "10.1371/journal.pcbi.1001066", "Recipe"):
        assert word in readme


def test_the_tap_withdrawal_circuit_is_the_published_nine_classes():
    circuit = worm.tap_withdrawal()
    assert circuit.n == 16 and np.count_nonzero(circuit.counts) == 71 and circuit.counts.sum() == 328
    layers = {
        role: {c for c, r in zip(circuit.classes, circuit.roles, strict=True) if r == role}
        for role in circuit.roles
    }
    assert layers == {
        "sensory": {"PVD", "PLM", "AVM", "ALM"},
        "inter": {"DVA", "PVC", "AVD"},
        "command": {"AVA", "AVB"},
    }


def test_the_circuit_is_the_induced_sub_graph(whole):
    circuit = worm.tap_withdrawal()
    for i, target in enumerate(circuit.names):
        for j, source in enumerate(circuit.names):
            assert circuit.counts[i, j] == whole.counts[whole.index(target), whole.index(source)]


def test_touch_cells_synapse_onto_the_opposed_interneurons():
    """Chalfie et al. (1985): onto the antagonists: ALM and AVM onto PVC and AVB, PLM onto AVA and AVD."""
    pooled = worm.tap_withdrawal().pooled()
    onto = {
        c: {pooled.names[t]: int(k) for t, k in enumerate(pooled.counts[:, pooled.index(c)]) if k}
        for c in ("ALM", "AVM", "PLM")
    }
    assert onto["ALM"] == {"PVC": 9, "AVD": 1} and onto["AVM"] == {"PVC": 9, "AVB": 12}
    assert set(onto["PLM"]) >= {"AVA", "AVD"} and "AVB" not in onto["PLM"]


def test_pooling_keeps_every_contact(whole):
    pooled = whole.pooled()
    assert pooled.n == 103 and pooled.counts.sum() == 6394
    ava, avb = (whole.members(c) for c in ("AVA", "AVB"))
    assert pooled.counts[pooled.index("AVA"), pooled.index("AVB")] == whole.counts[np.ix_(ava, avb)].sum()


def test_neurons_with_gaba_inhibit_and_all_others_excite(whole):
    wiring = whole.to_wiring()
    inhibits = {whole.names[i] for i in np.flatnonzero((wiring.polarity < 0).any(0))}
    gaba = {n for n, t in zip(whole.names, whole.transmitters, strict=True) if t == "GABA"}
    assert MCINTIRE_1993 < gaba and gaba - MCINTIRE_1993 == {"ALA", "RIBL", "RIBR"}
    assert inhibits <= gaba and not (wiring.polarity > 0)[:, [whole.index(n) for n in gaba]].any()
    assert np.array_equal(wiring.adjacency, whole.counts > 0)


def test_no_class_of_the_tap_withdrawal_circuit_uses_gaba_so_the_default_signs_are_all_plus():
    circuit = worm.tap_withdrawal()
    assert set(circuit.transmitters) == {"Glu", "ACh"}
    assert (circuit.to_wiring().polarity >= 0).all()


def test_signs_can_be_stated_by_the_reader():
    wiring = worm.tap_withdrawal().to_wiring(inhibitory=["ALM", "AVM", "PLMR"], sensory="inputs")
    circuit = worm.tap_withdrawal()
    senses = [n for n, r in zip(circuit.names, circuit.roles, strict=True) if r == "sensory"]
    minus = {senses[k] for k in np.flatnonzero((wiring.polarity_in < 0).any(0))}
    assert minus == {"ALML", "ALMR", "AVM", "PLMR"} and (wiring.polarity >= 0).all()


def test_sensory_neurons_stay_neurons_or_become_inputs():
    circuit = worm.tap_withdrawal()
    kept, inputs = circuit.to_wiring(), circuit.to_wiring(sensory="inputs")
    assert (kept.n, kept.m) == (16, 7) and (inputs.n, inputs.m) == (9, 7)
    assert np.array_equal(kept.polarity_in, np.eye(16, dtype=int)[:, :7])
    assert np.array_equal(inputs.adjacency_in, circuit.counts[7:, :7] > 0)
    assert inputs.role == ("inter",) * 5 + ("command",) * 4


def test_weak_connections_can_be_left_out(whole):
    assert np.array_equal(whole.to_wiring(least=5).adjacency, whole.counts >= 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"inhibitory": ["XYZ"]},
        {"inhibitory": "ACh"},
        {"inhibitory": None},
        {"sensory": "drop"},
        {"least": 0},
        {"least": 1.5},
        {"least": True},
    ],
)
def test_misuse_of_to_wiring_is_refused(wrong):
    with pytest.raises(ValueError, match="XYZ" if "XYZ" in str(wrong) else next(iter(wrong))):
        worm.tap_withdrawal().to_wiring(**wrong)


def test_unknown_neurons_are_refused(whole):
    with pytest.raises(ValueError, match="'CANL'"):
        whole.index("CANL")
    with pytest.raises(ValueError, match="'Q'"):
        whole.subset("AVA", "Q")
    with pytest.raises(ValueError, match="sensory"):
        whole.subset("ALM", "AVM").to_wiring(sensory="inputs")


def test_the_shared_table_cannot_be_changed_by_accident(whole):
    with pytest.raises(ValueError, match="read-only"):
        whole.counts[0, 0] = 1
