"""Wirings: what the makers promise, held against ncps's own wirings and against exact probabilities."""

import copy
import dataclasses
import pickle
from fractions import Fraction
from unittest import mock

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ncps.wirings import NCP, AutoNCP, FullyConnected, Random
from strategies import random_wiring, seeds

from ltcbook import wiring
from ltcbook.wiring import Wiring, makers

NMI = dict(inter=12, command=6, motor=1, sensory_fan_out=6, inter_fan_out=4, recurrent=6, motor_fan_in=6)
SMALL = Wiring([[0, 1], [-1, 1]], [[1, 0, 0], [0, 0, -1]], ("inter", "motor"))
RULES = pytest.mark.parametrize("rule", ["ncps", "paper"])


def draw(seed=0, rule="ncps", sensory=32, **sizes):
    return wiring.ncp(sensory=sensory, rng=np.random.default_rng(seed), rule=rule, **(NMI | sizes))


# ---------------------------------------------------------------------------------------------------- the
# Wiring itself


def test_matrices_are_target_source():
    # polarity[1, 0] = -1: neuron 0 inhibits neuron 1
    assert SMALL.edges() == [(0, 1, -1), (1, 0, 1), (1, 1, 1)]
    assert SMALL.edges_in() == [(0, 0, 1), (2, 1, -1)]
    assert (SMALL.n, SMALL.m, SMALL.synapses) == (2, 3, 5)
    assert SMALL.fan_in.tolist() == [2, 3]  # a row sum, sensory synapses included
    assert SMALL.fan_out.tolist() == [1, 2] and SMALL.fan_out_in.tolist() == [1, 0, 1]
    assert SMALL.adjacency.tolist() == [[False, True], [True, True]] and SMALL.adjacency_in.sum() == 2
    assert SMALL.members("motor").tolist() == [1] and SMALL.members("command").size == 0
    assert repr(SMALL) == "Wiring(3 sensory, 1 inter, 1 motor; 5 synapses)"


def test_blocks_split_all_synapses_into_layer_pairs():
    w = draw()
    count = {}
    for source, target, sources, targets in w.blocks():
        matrix = w.adjacency_in if source == "sensory" else w.adjacency
        count[source, target] = int(matrix[np.ix_(targets, sources)].sum())
    assert sum(count.values()) == w.synapses
    assert {pair for pair, synapses in count.items() if synapses} == {
        ("sensory", "inter"),
        ("inter", "command"),
        ("command", "command"),
        ("command", "motor"),
    }


def test_a_wiring_cannot_be_changed():
    partners_matrix = np.array([[0, 1], [-1, 1]])
    w = Wiring(partners_matrix, np.zeros((2, 0)), ["inter", "motor"])
    partners_matrix[:] = 0
    assert w.polarity[0, 1] == 1, "the caller's array is still inside"
    with pytest.raises(AttributeError):
        w.polarity = partners_matrix
    for same in (w, copy.copy(w), copy.deepcopy(w), pickle.loads(pickle.dumps(w))):
        assert same == w and hash(same) == hash(w)
        for matrix in (same.polarity, same.polarity_in):
            with pytest.raises(ValueError, match="read-only"):
                matrix[:] = 0


READ_ONLY = {
    "a wiring": lambda: wiring.fully_connected(3, sensory=2, rng=np.random.default_rng(0)),
    "masks of areas": lambda: wiring.multi_area((2, 6, 1), [2, 4], rng=np.random.default_rng(0)),
    "masks with signs": lambda: wiring.multi_area_ei((2, 6, 1), 2, rng=np.random.default_rng(0)),
    "the worm": wiring.worm.connectome,
    "a part of the worm": lambda: wiring.worm.connectome().subset("AVA", "AVB"),
    "the worm, pooled": lambda: wiring.worm.tap_withdrawal().pooled(),
}


def arrays_of(value):
    """Every array in a nest of tuples and fields."""
    if isinstance(value, np.ndarray):
        return [value]
    parts = value if isinstance(value, tuple) else [getattr(value, f.name) for f in dataclasses.fields(value)]
    return [array for part in parts if isinstance(part, (np.ndarray, tuple)) for array in arrays_of(part)]


@pytest.mark.parametrize("kind", READ_ONLY)
def test_what_is_read_only_stays_so_and_equal_through_every_kind_of_copy(kind):
    first = READ_ONLY[kind]()
    copies = [copy.copy(first), copy.deepcopy(first), dataclasses.replace(first), copy.deepcopy([first])[0]]
    copies += [pickle.loads(pickle.dumps(first, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for same in copies:
        assert (
            same == first
            and hash(same) == hash(first)
            and type(same) is type(first)
            and repr(same) == repr(first)
        )
        assert len(arrays_of(same)) == len(arrays_of(first)) > 0
        for array in arrays_of(same) + arrays_of(first):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
    assert first != "something else"


@pytest.mark.parametrize("kind", READ_ONLY)
def test_what_is_read_only_owns_its_arrays_and_leaves_those_of_the_caller_alone(kind):
    first = READ_ONLY[kind]()
    mine = {f.name: getattr(first, f.name) for f in dataclasses.fields(first)}
    mine = {
        name: value.copy()
        if isinstance(value, np.ndarray)
        else tuple(part.copy() if isinstance(part, np.ndarray) else part for part in value)
        if isinstance(value, tuple)
        else value
        for name, value in mine.items()
    }
    second = type(first)(**mine)
    for array in [part for value in mine.values() for part in arrays_of((value,))]:
        array[...] = array == 0  # the caller goes on writing
    assert second == first != type(first)(**mine)


def test_wirings_are_equal_when_signs_and_roles_are():
    assert SMALL == Wiring(SMALL.polarity, SMALL.polarity_in, SMALL.role)
    assert SMALL != Wiring(-SMALL.polarity, SMALL.polarity_in, SMALL.role)
    assert SMALL != Wiring(SMALL.polarity, SMALL.polarity_in, ("motor", "inter"))
    assert SMALL != "a wiring" and len({SMALL, Wiring(SMALL.polarity, SMALL.polarity_in, SMALL.role)}) == 1


@pytest.mark.parametrize(
    "polarity, polarity_in, role, message",
    [
        ([[0, 2], [0, 0]], np.zeros((2, 1)), ("inter",) * 2, r"-1, 0 and \+1.*\[0, 2\]"),
        ([[np.nan]], [[0]], ("inter",), r"-1, 0 and \+1"),
        ([[0.5]], [[0]], ("inter",), r"-1, 0 and \+1"),
        ([0, 1], np.zeros((2, 1)), ("inter",) * 2, r"shape \(2,\)"),
        (np.zeros((2, 3)), np.zeros((2, 1)), ("inter",) * 2, r"\(2, 3\).*square"),
        (np.zeros((0, 0)), np.zeros((0, 1)), (), "n >= 1"),
        (np.zeros((2, 2)), np.zeros((1, 2)), ("inter",) * 2, r"\(1, 2\).*must be \(2, m\)"),
        (np.zeros((2, 2)), np.zeros((2, 2)), ("inter",), "each of the 2 neurons"),
        (np.zeros((2, 2)), np.zeros((2, 2)), ("inter", "muscle"), "muscle"),
        (np.zeros((2, 2)), np.zeros((2, 2)), None, "None"),
    ],
)
def test_impossible_wirings_are_refused(polarity, polarity_in, role, message):
    with pytest.raises(ValueError, match=message):
        Wiring(polarity, polarity_in, role)


def test_members_names_the_roles():
    with pytest.raises(ValueError, match="sensory.*inter"):
        SMALL.members("sensory")


# ------------------------------------------------------------------------------------------------------------
# exchange


@given(seed=seeds)
def test_networkx_and_back_changes_nothing(seed):
    w = random_wiring(np.random.default_rng(seed))
    graph = w.to_networkx()
    assert graph.number_of_edges() == w.synapses
    assert wiring.from_networkx(graph) == w
    # networkx is source -> target: its in-degrees are our row sums
    assert [graph.in_degree(i) for i in range(w.n)] == w.fan_in.tolist()
    assert all(graph.edges[s, t]["polarity"] == w.polarity[t, s] for s, t, _ in w.edges())


def test_a_graph_that_is_no_wiring_is_refused():
    graph = SMALL.to_networkx()
    for spoil, message in (
        (lambda g: g.to_undirected(), "DiGraph"),
        (nx.MultiDiGraph, "DiGraph"),
        (lambda g: nx.relabel_nodes(g, {0: "a"}), "nodes must be"),
        (lambda g: g.add_edge(0, ("sensory", 0), polarity=1) or g, "target"),
        (lambda g: g.add_edge(0, 0) or g, "polarity"),
        (lambda g: g.add_edge(0, 0, polarity=0.5) or g, "polarity"),
    ):
        with pytest.raises(ValueError, match=message):
            wiring.from_networkx(spoil(graph.copy()))


def test_ncps_wirings_are_read_transposed():
    theirs = NCP(12, 6, 1, 6, 4, 6, 6, seed=3)
    with pytest.raises(ValueError, match="not built"):
        wiring.from_ncps(theirs)
    theirs.build(4)
    ours = wiring.from_ncps(theirs)
    graph = theirs.get_graph()  # ncps's own reading of its matrices
    name = "neuron_{}".format
    assert {(name(s), name(t)) for s, t, _ in ours.edges()} | {
        (f"sensory_{s}", name(t)) for s, t, _ in ours.edges_in()
    } == set(graph.edges)
    assert all(
        (graph.edges[name(s), name(t)]["polarity"] == "excitatory") == (sign > 0)
        for s, t, sign in ours.edges()
    )
    assert [graph.nodes[name(i)]["neuron_type"] for i in range(ours.n)] == list(ours.role)
    for other in (FullyConnected(3), Random(4, sparsity_level=0.5)):
        other.build(2)
        assert wiring.from_ncps(other).synapses == other.synapse_count + other.sensory_synapse_count


# ----------------------------------------------------------------------------------------------- neural
# circuit policies


@RULES
@given(seed=seeds)
def test_every_ncp_is_a_cascade_in_which_everyone_hears_and_sends(rule, seed):
    rng = np.random.default_rng(seed)
    sensory, inter, command, motor = rng.integers(1, 9, 4)
    w = wiring.ncp(
        sensory=sensory,
        inter=inter,
        command=command,
        motor=motor,
        rng=rng,
        rule=rule,
        sensory_fan_out=rng.integers(1, inter + 1),
        inter_fan_out=rng.integers(1, command + 1),
        recurrent=rng.integers(0, 3 * command),
        motor_fan_in=rng.integers(1, command + 1),
    )
    layers = {"sensory": sensory, "inter": inter, "command": command, "motor": motor}
    assert [w.role.count(r) for r in ("inter", "command", "motor")] == [inter, command, motor]
    allowed = {("sensory", "inter"), ("inter", "command"), ("command", "command"), ("command", "motor")}
    for source, target, sources, targets in w.blocks():
        block = (w.adjacency_in if source == "sensory" else w.adjacency)[np.ix_(targets, sources)]
        if (source, target) not in allowed:
            assert not block.any(), f"{source} -> {target}"
        elif source != target:
            assert block.any(1).all() and block.any(0).all(), f"an orphan in {source} -> {target} of {layers}"


@given(seed=seeds)
def test_the_ncps_rule_keeps_fan_outs_and_fan_ins(seed):
    w = draw(seed, sensory=4)
    inter, command = w.members("inter"), w.members("command")
    assert (w.fan_out_in >= NMI["sensory_fan_out"]).all() and (w.fan_in[inter] >= 1).all()
    assert (w.adjacency[np.ix_(command, inter)].sum(0) >= NMI["inter_fan_out"]).all()
    assert w.adjacency[np.ix_(command, command)].sum() <= NMI["recurrent"]
    assert w.fan_in[w.members("motor")].tolist() == [6]


@given(seed=seeds)
def test_the_papers_rule_keeps_its_bounds(seed):
    w = draw(seed, rule="paper", sensory=6, motor=3)
    inter, command, motor = (w.members(r) for r in ("inter", "command", "motor"))
    for block, most in (
        (w.adjacency_in[inter], 6),
        (w.adjacency[np.ix_(command, inter)], 4),
        (w.adjacency[np.ix_(motor, command)], 3),
    ):
        # Binomial(most, 1/2), at least one; a target that heard nobody adds at most its sources' one each
        assert (1 <= block.sum(0)).all() and (block.sum(0) <= most + len(block)).all()
    assert (w.adjacency[np.ix_(command, command)].sum(0) <= NMI["recurrent"]).all()


def test_the_two_rules_differ_where_the_docstring_says():
    library, paper = (
        np.array([draw(seed, rule).fan_out_in for seed in range(60)]) for rule in ("ncps", "paper")
    )
    assert (library == 6).mean() > 0.95  # every fan-out, but for the few repairs
    # Binomial(6, 1/2) clipped to >= 1 has mean 3 + 1/64; standard error of 60 x 32 draws: sqrt(1.5 / 1920) =
    # 0.028
    assert abs(paper.mean() - (3 + 1 / 64)) < 5 * 0.028


def counts(w):
    """Statistics that the law of an NCP fixes; recurrent synapses and autapses among the command neurons
    last.
    """
    inter, command, motor = (w.members(r) for r in ("inter", "command", "motor"))
    recurrent = w.adjacency[np.ix_(command, command)]
    signs = np.concatenate([w.polarity[w.adjacency], w.polarity_in[w.adjacency_in]])
    return [
        w.adjacency_in.sum(),
        w.fan_in[inter].max(),
        w.fan_in[inter].std(),
        w.adjacency[np.ix_(command, inter)].sum(),
        w.fan_in[command].std(),
        w.adjacency[np.ix_(motor, command)].sum(),
        w.fan_in[motor].std(),
        signs.mean(),
        recurrent.sum(),
        np.trace(recurrent),
    ]


@pytest.mark.parametrize(
    "sizes, sensory",
    [
        (NMI, 32),
        (NMI, 2),
        (
            dict(
                inter=15, command=9, motor=4, sensory_fan_out=7, inter_fan_out=4, recurrent=9, motor_fan_in=4
            ),
            8,
        ),
    ],
)
def test_statistics_are_those_of_ncps(sizes, sensory):
    nets = 250
    ours = np.array([counts(draw(seed, sensory=sensory, **sizes)) for seed in range(nets)])
    theirs = []
    for seed in range(nets):
        net = NCP(*sizes.values(), seed=seed)
        net.build(sensory)
        theirs.append(counts(wiring.from_ncps(net)))
    theirs = np.array(theirs)
    # two samples of the same law: their means differ by a few standard errors; ten statistics in three
    # settings, so 4.5
    error = np.sqrt((ours.var(0) + theirs.var(0)) / nets)
    assert (np.abs(ours.mean(0) - theirs.mean(0)) <= 4.5 * error + 1e-12).all()


def test_recurrent_synapses_are_drawn_in_total_and_with_replacement():
    # exercise 15: six draws on 36 places leave 36 (1 - (35/36)^6) distinct; no autapse with probability
    # (5/6)^6
    nets = 2000
    blocks = []
    for seed in range(nets):
        w = wiring.ncp(
            sensory=1,
            inter=1,
            command=6,
            motor=1,
            sensory_fan_out=1,
            inter_fan_out=1,
            recurrent=6,
            motor_fan_in=1,
            rng=np.random.default_rng(seed),
        )
        command = w.members("command")
        blocks.append(w.adjacency[np.ix_(command, command)])
    distinct, spread = np.mean([b.sum() for b in blocks]), np.std([b.sum() for b in blocks])
    assert abs(distinct - float(36 * (1 - Fraction(35, 36) ** 6))) < 4 * spread / np.sqrt(nets)
    chance = float(Fraction(5, 6) ** 6)
    silent = np.mean([not np.diag(b).any() for b in blocks])
    assert abs(silent - chance) < 4 * np.sqrt(chance * (1 - chance) / nets)


def test_orphans_receive_the_mean_fan_in_rounded_down_but_one():
    # N_s = 2 sources with fan-out 1 leave 12 (11/12)^2 = 121/12 of 12 inter neurons without input on average
    repaired = []
    for seed in range(1500):
        w = wiring.ncp(
            sensory=2,
            inter=12,
            command=1,
            motor=1,
            sensory_fan_out=1,
            inter_fan_out=1,
            recurrent=0,
            motor_fan_in=1,
            rng=np.random.default_rng(seed),
        )
        inter = w.members("inter")
        # 13: both sources met at one target
        assert (w.fan_in[inter] <= 2).all() and w.adjacency_in.sum() in (12, 13)
        repaired.append(w.adjacency_in.sum() - 2)
    assert abs(np.mean(repaired) - 121 / 12) < 4 * np.std(repaired) / np.sqrt(1500)


@pytest.mark.parametrize("sources, extra", [(5, {0, 1, 2}), (6, {0, 2, 4})])
def test_each_of_three_orphans_receives_the_whole_part_of_the_mean(sources, extra):
    # fan-out 1 onto three targets: a mean of 5/3 gives an orphan one synapse, a mean of 6/3 gives it two
    sizes = dict(inter=3, command=1, motor=1, sensory_fan_out=1, inter_fan_out=1, recurrent=0, motor_fan_in=1)
    made = {draw(seed, sensory=sources, **sizes).adjacency_in.sum() - sources for seed in range(1500)}
    assert made == extra


def test_a_repair_on_the_motor_side_has_the_mean_number_of_synapses():
    """Of command neurons that no motor neuron heard each gets the mean of all, rounded down, at least one: not more, not fewer."""
    seen = set()
    for motor, command, fan_in in (
        (4, 6, 4),
        (2, 6, 4),
        (7, 5, 2),
        (8, 3, 1),
        (9, 4, 1),
        (6, 6, 4),
        (3, 9, 2),
    ):
        mean = max(1, motor * fan_in // command)
        for seed in range(40):
            net, repairs = makers.ncp_and_repairs(
                inter=2,
                command=command,
                motor=motor,
                sensory=2,
                sensory_fan_out=2,
                recurrent=3,
                inter_fan_out=command,
                motor_fan_in=fan_in,
                rng=np.random.default_rng(seed),
            )
            sent = net.adjacency[np.ix_(net.members("motor"), net.members("command"))].sum(0)
            silent = [orphan - 2 for kind, orphan, _ in repairs if kind == "silent"]
            assert (sent[silent] == mean).all() and sent.sum() == motor * fan_in + len(silent) * mean
            seen |= {mean} if silent else set()
    assert seen == {1, 2, 4}, "a mean was never tried"


@RULES
@given(seed=seeds)
def test_the_repairs_that_are_reported_are_just_those_that_orphans_need(rule, seed):
    rng = np.random.default_rng(seed)
    sensory, inter, command, motor = rng.integers(1, 9, 4)
    sizes = dict(
        sensory=sensory,
        inter=inter,
        command=command,
        motor=motor,
        rule=rule,
        sensory_fan_out=rng.integers(1, inter + 1),
        inter_fan_out=rng.integers(1, command + 1),
        recurrent=0,
        motor_fan_in=rng.integers(1, command + 1),
    )
    net, repairs = makers.ncp_and_repairs(**sizes, rng=np.random.default_rng(seed))
    assert net == wiring.ncp(**sizes, rng=np.random.default_rng(seed))
    first, second, third = (net.members(role) for role in ("inter", "command", "motor"))
    last = (
        ("silent", net.adjacency[np.ix_(third, second)].T, second, third)
        if rule == "ncps"
        else ("motor", net.adjacency[np.ix_(third, second)], third, second)
    )
    for kind, block, orphans, partners in (
        ("inter", net.adjacency_in[first], first, np.arange(sensory)),
        ("command", net.adjacency[np.ix_(second, first)], second, first),
        last,
    ):
        told = {orphan: theirs for name, orphan, theirs in repairs if name == kind}
        planned = block.copy()
        for orphan, partners_ in told.items():
            row = orphans.tolist().index(orphan)
            assert sorted(partners_) == partners[block[row]].tolist()
            planned[row] = False
        assert set(told) == set(orphans[~planned.any(1)].tolist())
        assert rule == "paper" or all(
            len(partners_) == max(1, planned.sum() // len(orphans)) for partners_ in told.values()
        )
    assert {kind for kind, *_ in repairs} <= {"inter", "command", last[0]}


def test_auto_ncp_derives_the_sizes_of_ncps():
    w = wiring.auto_ncp(28, 4, sensory=8, rng=np.random.default_rng(0))
    assert [w.role.count(r) for r in ("inter", "command", "motor")] == [15, 9, 4]
    command, inter = w.members("command"), w.members("inter")
    assert (w.fan_out_in >= 7).all() and (w.adjacency[np.ix_(command, inter)].sum(0) >= 4).all()
    assert w.adjacency[np.ix_(command, command)].sum() <= 9


@given(units=st.integers(5, 60), share=st.floats(0.1, 0.9), motor=st.integers(1, 20))
def test_auto_ncp_agrees_with_autoncp_everywhere(units, share, motor):
    motor = min(motor, units - 3)
    theirs = AutoNCP(units, motor, sparsity_level=share)
    with mock.patch.object(wiring.makers, "ncp") as ncp:
        wiring.auto_ncp(units, motor, sensory=1, sparsity=share, rng=np.random.default_rng(0))
    assert [ncp.call_args.kwargs[name] for name in NMI] == [
        theirs._num_inter_neurons,
        theirs._num_command_neurons,
        theirs._num_motor_neurons,
        theirs._sensory_fanout,
        theirs._inter_fanout,
        theirs._recurrent_command_synapses,
        theirs._motor_fanin,
    ]


def test_a_seed_means_the_same_wiring():
    assert draw(5) == draw(5) != draw(6)
    assert draw(5, rule="paper") == draw(5, rule="paper") != draw(5)


def test_p_excitatory_is_the_share_of_positive_synapses():
    for share in (0.0, 1.0):
        w = draw(0, p_excitatory=share)
        assert set(w.polarity[w.adjacency]) | set(w.polarity_in[w.adjacency_in]) == {2 * share - 1}
    signs = np.concatenate([draw(s, p_excitatory=0.8).polarity_in.ravel() for s in range(10)])
    assert abs((signs > 0).sum() / (signs != 0).sum() - 0.8) < 4 * np.sqrt(0.16 / 1920)


def test_unlayered_makers_fill_what_they_promise():
    rng = np.random.default_rng(0)
    full = wiring.fully_connected(5, sensory=2, rng=rng)
    assert full.synapses == 35 and set(full.role) == {"hidden"}
    assert (
        wiring.fully_connected(5, sensory=2, autapses=False, rng=rng).adjacency.tolist()
        == (~np.eye(5, dtype=bool)).tolist()
    )
    for n, sensory, sparsity in ((5, 3, 0.5), (7, 0, 0.3), (4, 2, 1.0), (4, 2, 0.0)):
        w = wiring.random_sparse(n, sensory=sensory, sparsity=sparsity, rng=rng)
        assert (w.adjacency.sum(), w.adjacency_in.sum()) == (
            round((1 - sparsity) * n * n),
            round((1 - sparsity) * n * sensory),
        )
    signs = wiring.fully_connected(60, sensory=0, rng=rng).polarity
    assert abs((signs > 0).mean() - 2 / 3) < 4 * np.sqrt(2 / 9 / 3600)  # ncps draws from (-1, 1, 1)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"inter": 0}, "inter is 0.*at least 1.*empty layer"),
        ({"motor": -1}, "motor is -1"),
        ({"command": 2.5}, "command is 2.5.*whole number"),
        ({"sensory": True}, "sensory"),
        ({"sensory_fan_out": 13}, "sensory_fan_out is 13.*at most 12.*inter layer"),
        ({"sensory_fan_out": 0}, "at least 1"),
        ({"inter_fan_out": 7}, "inter_fan_out is 7.*at most 6.*command layer"),
        ({"motor_fan_in": 7}, "motor_fan_in is 7.*at most 6"),
        ({"recurrent": -1}, "recurrent is -1"),
        ({"p_excitatory": 1.5}, r"p_excitatory is 1.5.*in \[0, 1\]"),
        ({"p_excitatory": float("nan")}, "nan"),
        ({"p_excitatory": "half"}, "half"),
        ({"rule": "worm"}, "worm.*'ncps'.*'paper'"),
        ({"rng": 3}, "rng is int.*default_rng"),
    ],
)
def test_impossible_circuits_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        wiring.ncp(**(NMI | {"sensory": 3, "rng": np.random.default_rng(0)} | change))


def test_the_other_makers_refuse_too():
    rng = np.random.default_rng(0)
    for call, message in (
        (
            lambda: wiring.auto_ncp(6, 4, sensory=1, rng=rng),
            "units is 6.*4 motor neurons and at least 3 others",
        ),
        (lambda: wiring.auto_ncp(9, 2, sensory=1, sparsity=0.95, rng=rng), r"0.95.*\[0.1, 0.9\]"),
        (lambda: wiring.auto_ncp(9, 2, sensory=0, rng=rng), "sensory is 0"),
        (lambda: wiring.fully_connected(0, sensory=1, rng=rng), "n is 0"),
        (lambda: wiring.fully_connected(2, sensory=-1, rng=rng), "sensory is -1"),
        (lambda: wiring.fully_connected(2, sensory=1, rng=np.random), "rng is module"),
        (lambda: wiring.random_sparse(2, sensory=1, sparsity=-0.1, rng=rng), "sparsity is -0.1"),
        (lambda: wiring.random_sparse(2, sensory=1, p_excitatory=2, rng=rng), "p_excitatory is 2"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_a_wiring_goes_to_ncps_and_comes_back_with_the_motor_neurons_first():
    import torch
    from ncps.torch import LTC

    made = wiring.ncp(
        inter=5,
        command=4,
        motor=2,
        sensory=3,
        sensory_fan_out=2,
        inter_fan_out=2,
        recurrent=3,
        motor_fan_in=2,
        rng=np.random.default_rng(0),
    )
    theirs = made.to_ncps()
    assert (theirs.units, theirs.input_dim, theirs.output_dim) == (11, 3, 2)
    order = [9, 10, 5, 6, 7, 8, 0, 1, 2, 3, 4]  # motor, command, inter
    back = wiring.from_ncps(theirs)
    assert back.role == tuple(made.role[i] for i in order)
    assert {(order[s], order[t], sign) for s, t, sign in back.edges()} == set(made.edges())
    assert {(s, order[t], sign) for s, t, sign in back.edges_in()} == set(made.edges_in())
    outputs, _ = LTC(3, theirs)(torch.zeros(2, 4, 3))  # ncps itself can use it
    assert outputs.shape == (2, 4, 2)
    hidden = wiring.random_sparse(4, sensory=2, rng=np.random.default_rng(0))
    assert hidden.to_ncps().output_dim == 4 and wiring.from_ncps(hidden.to_ncps()) == hidden


def test_a_silent_command_neuron_sends_as_many_synapses_as_the_others_do_on_average():
    extra = []
    for seed in range(60):  # 4 motor neurons hear 4 of 6: 16 / 6 is 2, rounded down
        w = wiring.ncp(
            inter=3,
            command=6,
            motor=4,
            sensory=2,
            sensory_fan_out=2,
            inter_fan_out=2,
            recurrent=0,
            motor_fan_in=4,
            rng=np.random.default_rng(seed),
        )
        sent = (w.polarity[np.ix_(w.members("motor"), w.members("command"))] != 0).sum(0)
        assert sent.min() >= 1
        extra.append(sent.sum() - 16)
        assert extra[-1] % 2 == 0 and (extra[-1] == 0 or (sent == 2).sum() >= extra[-1] // 2)
    assert max(extra) >= 2, "no seed had a silent command neuron"
