"""Prune & rewire: every invariant of the specification on random wirings, every decision replayed, every
corner case.
"""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import fresh, random_wiring, seeds

from ltcbook import pruning, wiring
from ltcbook.dynamics import CTRNN, LTC
from ltcbook.pruning import prune_and_rewire
from ltcbook.wiring import Wiring

many = settings(max_examples=fresh or 300)


def random_case(seed, threshold=None, **fixed):
    """A random wiring, weights and options: (arguments for prune_and_rewire without rng, seed of rng)."""
    rng = np.random.default_rng(seed)
    w = random_wiring(rng)
    options = {
        "wiring": w,
        "weights": rng.uniform(0, 1, (w.n, w.n)) * w.adjacency,
        "weights_in": rng.uniform(0, 1, (w.n, w.m)) * w.adjacency_in if rng.integers(3) else None,
        "threshold": rng.choice([0, rng.uniform(), 1, 1.2], p=[0.1, 0.7, 0.1, 0.1])
        if threshold is None
        else threshold,
        "target": rng.choice(["uniform", "uniform", "slowest", "gradient"]),
        "time_constant": rng.uniform(0.1, 2, w.n),
        "gradient": rng.normal(size=(w.n, w.n)),
        "gradient_in": rng.normal(size=(w.n, w.m)),
        "max_fraction": rng.choice([1.0, rng.uniform()]),
        "relative_to": rng.choice([None, None, "mean", "quantile"]),
        "age": rng.integers(0, 20, (w.n, w.n)),
        "age_in": rng.integers(0, 20, (w.n, w.m)),
        "grace": rng.choice([0, 5]),
        "autapses": bool(rng.integers(2)),
        "polarity": rng.choice(["redraw", "inherit"]),
        "p_excitatory": rng.uniform(),
        "new_weight": rng.choice(["threshold", "copy", "zero"]),
    } | fixed
    if options["relative_to"] == "quantile":
        options["threshold"] = min(options["threshold"], 1.0)
    return options


def halves(options, result):
    """(old adjacency, old weights, age, new adjacency, new weights, old signs, new signs, cut, grown,
    blocked), twice.
    """
    w, new = options["wiring"], result.wiring
    yield (
        w.polarity,
        options["weights"],
        options["age"],
        new.polarity,
        result.weights,
        result.cut,
        result.grown,
        result.blocked,
    )
    if options["weights_in"] is not None:
        yield (
            w.polarity_in,
            options["weights_in"],
            options["age_in"],
            new.polarity_in,
            result.weights_in,
            result.cut_in,
            result.grown_in,
            result.blocked_in,
        )


def thresholds(options):
    """{(sensory?, target, source): (T of its layer pair, smallest threshold that makes it a candidate)},
    by definition.
    """
    out, w, t = {}, options["wiring"], options["threshold"]
    for source_role, _, sources, targets in w.blocks():
        sensory = source_role == "sensory"
        weights, adjacency = (
            (options["weights_in"], w.adjacency_in) if sensory else (options["weights"], w.adjacency)
        )
        if weights is None:
            continue
        places = [(i, j) for i in targets for j in sources if adjacency[i, j]]
        values = sorted(weights[p] for p in places)
        for rank, p in enumerate(sorted(places, key=lambda p: weights[p])):
            T, due = {
                None: (t, weights[p]),
                "mean": (t * np.mean(values), weights[p] / np.mean(values)),
                "quantile": (np.quantile(values, min(t, 1)), rank / max(len(values) - 1, 1)),
            }[options["relative_to"]]
            out[(sensory, *p)] = T, due
    return out


@many
@given(seed=seeds)
def test_an_event_keeps_every_invariant(seed):
    options = random_case(seed)
    before = {
        name: np.copy(value) if isinstance(value, np.ndarray) else value for name, value in options.items()
    }
    result = prune_and_rewire(**options, rng=np.random.default_rng(seed))
    w, new = options["wiring"], result.wiring
    T = thresholds(options)

    for name, value in before.items():
        np.testing.assert_array_equal(options[name], value, err_msg=f"{name} was changed")
    assert new.synapses == w.synapses
    assert new.fan_out.tolist() == w.fan_out.tolist() and new.fan_out_in.tolist() == w.fan_out_in.tolist()
    assert ((new.fan_in > 0) >= (w.fan_in > 0)).all(), "a target lost its last input"
    for (source, target, sources, targets), (_, _, _, _) in zip(w.blocks(), new.blocks(), strict=True):
        name = "adjacency_in" if source == "sensory" else "adjacency"
        old_block, new_block = (getattr(v, name)[np.ix_(targets, sources)] for v in (w, new))
        np.testing.assert_array_equal(old_block.sum(0), new_block.sum(0), err_msg=f"{source} -> {target}")
    assert new.role == w.role
    for sensory, (signs, weights, age, new_signs, new_weights, cut, grown, blocked) in enumerate(
        halves(options, result)
    ):
        assert len(cut) == len(grown) == len(set(cut)) == len(set(grown)) and len(set(blocked)) == len(
            blocked
        )
        assert not set(cut) & set(grown), "regrown where it was just cut"
        assert (new_weights[new_signs == 0] == 0).all()
        changed = np.zeros(signs.shape, bool)
        for (source, old), (same_source, k) in zip(cut, grown, strict=True):
            assert source == same_source and w.role[old] == w.role[k] and old != k
            assert (
                signs[old, source]
                and new_signs[old, source] == 0
                and weights[old, source] < T[sensory, old, source][0]
            )
            assert age[old, source] >= options["grace"]
            assert signs[k, source] == 0 and new_signs[k, source] != 0, "a synapse grown onto another one"
            assert sensory or options["autapses"] or k != source
            assert (
                new_weights[k, source]
                == {"threshold": T[sensory, old, source][0], "copy": weights[old, source], "zero": 0}[
                    options["new_weight"]
                ]
            )
            if options["polarity"] == "inherit":
                assert new_signs[k, source] == signs[old, source]
            changed[[old, k], source] = True
        for source, target in blocked:
            assert signs[target, source] and weights[target, source] < T[sensory, target, source][0]
        np.testing.assert_array_equal(new_signs[~changed], signs[~changed])
        np.testing.assert_array_equal(new_weights[~changed], weights[~changed])
    if options["weights_in"] is None:
        assert result.weights_in is None and result.cut_in == result.grown_in == result.blocked_in == []
        np.testing.assert_array_equal(new.polarity_in, w.polarity_in)


@many
@given(seed=seeds)
def test_every_decision_follows_the_rule_when_the_event_is_replayed(seed):
    options = random_case(seed)
    result = prune_and_rewire(**options, rng=np.random.default_rng(seed))
    w, T = options["wiring"], thresholds(options)
    signs = [w.polarity != 0, w.polarity_in != 0]
    ages, weights = [options["age"], options["age_in"]], [options["weights"], options["weights_in"]]
    scores = [options["gradient"], options["gradient_in"]]
    moved = [
        dict(zip(result.cut, result.grown, strict=True)),
        dict(zip(result.cut_in, result.grown_in, strict=True)),
    ]
    blocked, freed = [set(result.blocked), set(result.blocked_in)], set()

    # who may be cut: the weakest ceil(max_fraction x synapses) of each layer pair among those below T and old
    # enough
    candidates = []
    for source_role, _, sources, targets in w.blocks():
        sensory = source_role == "sensory"
        if weights[sensory] is None:
            continue
        places = [(sensory, i, j) for i in targets for j in sources if signs[sensory][i, j]]
        weak = sorted(
            (weights[sensory][i, j], i, j)
            for _, i, j in places
            if weights[sensory][i, j] < T[sensory, i, j][0] and ages[sensory][i, j] >= options["grace"]
        )
        most = -(-round(options["max_fraction"] * len(places), 9) // 1)
        candidates += [(T[sensory, i, j][1], sensory, i, j, targets) for _, i, j in weak[: int(most)]]
    assert {(s, j, i) for _, s, i, j, _ in candidates} == {
        (s, *edge) for s in (False, True) for edge in [*moved[s], *blocked[s]]
    }

    for _, sensory, i, j, targets in sorted(candidates, key=lambda c: c[0]):  # the weakest first
        free = [
            k
            for k in targets
            if k != i
            and not signs[sensory][k, j]
            and (sensory, k, j) not in freed
            and (sensory or options["autapses"] or k != j)
        ]
        if options["target"] == "gradient":
            free = [k for k in free if scores[sensory][k, j] < 0]
        inputs = signs[0][i].sum() + signs[1][i].sum()
        if (j, i) in blocked[sensory]:
            assert not free or inputs == 1, "blocked without need"
            continue
        source, k = moved[sensory][j, i]
        assert source == j and k in free and inputs > 1
        if options["target"] == "slowest":
            assert options["time_constant"][k] == max(options["time_constant"][f] for f in free)
        if options["target"] == "gradient":
            assert scores[sensory][k, j] == min(scores[sensory][f, j] for f in free)
        signs[sensory][i, j], signs[sensory][k, j] = False, True
        freed.add((sensory, i, j))


@many
@given(
    seed=seeds,
    thresholds=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    target=st.sampled_from(["uniform", "slowest", "gradient", "same", "none"]),
)
def test_for_one_seed_the_events_of_a_smaller_threshold_come_first(seed, thresholds, target):
    small, large = (
        prune_and_rewire(**random_case(seed, threshold=T, target=target), rng=np.random.default_rng(seed))
        for T in thresholds
    )
    for name in ("cut", "grown", "blocked", "cut_in", "grown_in", "blocked_in"):
        assert getattr(large, name)[: len(getattr(small, name))] == getattr(small, name), name


@given(seed=seeds)
def test_a_seed_means_the_same_event(seed):
    options = random_case(seed)
    a, b = (prune_and_rewire(**options, rng=np.random.default_rng(seed)) for _ in range(2))
    assert a.wiring == b.wiring and a.cut == b.cut and a.grown == b.grown
    np.testing.assert_array_equal(a.weights, b.weights)


@given(seed=seeds, number=st.floats(0.5, 3), relative_to=st.sampled_from([None, "mean", "quantile"]))
def test_new_weights_reach_the_threshold(seed, number, relative_to):
    # weights below 1 keep every layer pair's T below 0.5 for all three readings of T = 0.5
    options = random_case(seed, threshold=0.5, relative_to=relative_to)
    for name in ("weights", "weights_in"):
        options[name] = None if options[name] is None else options[name] ** 2 / 2
    T = thresholds(options)
    for new_weight in ("threshold", "uniform", number):
        result = prune_and_rewire(**options | {"new_weight": new_weight}, rng=np.random.default_rng(seed))
        for sensory, (*_, new_weights, cut, grown, _) in enumerate(halves(options, result)):
            for (source, old), (_, k) in zip(cut, grown, strict=True):
                lowest = T[sensory, old, source][0]
                assert lowest <= new_weights[k, source] <= (1 if isinstance(new_weight, str) else number)
                assert new_weight == "uniform" or new_weights[k, source] == (
                    lowest if new_weight == "threshold" else number
                )


@given(seed=seeds)
def test_copying_the_weight_conserves_every_sources_total_conductance(seed):
    options = random_case(seed, new_weight="copy")
    result = prune_and_rewire(**options, rng=np.random.default_rng(seed))
    for _, weights, _, _, new_weights, *_ in halves(options, result):
        # sums in another order
        np.testing.assert_allclose(new_weights.sum(0), weights.sum(0), rtol=1e-13, atol=1e-13)


# -------------------------------------------------------------------------------------------------------
# worked example

EXAMPLE = np.array([[0.05, 0.9, 0], [0.6, 0.1, 0.3], [0, 0.7, 0.02]])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("sensory", [False, True])
def test_worked_example_16_for_every_seed(seed, sensory):
    # T = .2: source 2 moves from 2 to 0, source 0 from 0 to 2, source 1 -> 1 is blocked; 7 synapses before
    # and after
    signs, none = (EXAMPLE > 0).astype(int), np.zeros((3, 3))
    w = Wiring(none, signs, ("inter",) * 3) if sensory else Wiring(signs, none, ("command",) * 3)
    weights = dict(weights=none, weights_in=EXAMPLE) if sensory else dict(weights=EXAMPLE, weights_in=None)
    result = prune_and_rewire(w, threshold=0.2, rng=np.random.default_rng(seed), **weights)
    cut, grown, blocked = (
        (result.cut_in, result.grown_in, result.blocked_in)
        if sensory
        else (result.cut, result.grown, result.blocked)
    )
    assert (cut, grown, blocked) == ([(2, 2), (0, 0)], [(2, 0), (0, 2)], [(1, 1)])
    expected = [[0, 0.9, 0.2], [0.6, 0.1, 0.3], [0.2, 0.7, 0]]
    np.testing.assert_array_equal(result.weights_in if sensory else result.weights, expected)
    assert result.wiring.synapses == w.synapses == 7
    assert repr(result).startswith("Rewired(2 cut, 2 grown, 1 blocked; Wiring(")


# ---------------------------------------------------------------------------------------------------------
# corner cases


def ncp(seed=0, **sizes):
    rng = np.random.default_rng(seed)
    sizes = (
        dict(
            sensory=6,
            inter=10,
            command=6,
            motor=2,
            sensory_fan_out=4,
            inter_fan_out=3,
            recurrent=6,
            motor_fan_in=4,
        )
        | sizes
    )
    w = wiring.ncp(**sizes, rng=rng)
    return (
        w,
        rng.uniform(0.001, 1, (w.n, w.n)) * w.adjacency,
        rng.uniform(0.001, 1, (w.n, w.m)) * w.adjacency_in,
    )


def event(w, weights, threshold, seed=1, **options):
    return prune_and_rewire(w, weights, threshold, rng=np.random.default_rng(seed), **options)


def test_synapses_onto_a_single_motor_neuron_are_always_blocked():
    w, weights, weights_in = ncp(motor=1)
    result = event(w, weights, 2.0, weights_in=weights_in)
    motor = int(w.members("motor")[0])
    np.testing.assert_array_equal(result.wiring.polarity[motor], w.polarity[motor])
    assert {s for s, t in result.blocked if t == motor} == set(np.flatnonzero(w.adjacency[motor]).tolist())


def test_a_source_that_every_target_hears_is_blocked():
    w = wiring.fully_connected(4, sensory=0, rng=np.random.default_rng(0))
    weights = np.random.default_rng(1).uniform(0.1, 0.9, (4, 4))
    result = event(w, weights, 1.0)
    assert result.wiring == w and len(result.blocked) == 16 and result.cut == []


def test_a_last_input_is_kept_even_if_the_other_inputs_went_in_the_same_event():
    # every target but 0 is free for source 1; both synapses onto 0 are weak, only the weaker one may go
    w = Wiring([[1, 1, 0], [0, 0, 0], [0, 0, 0]], np.zeros((3, 0)), ("hidden",) * 3)
    result = event(w, np.array([[0.1, 0.2, 0], [0, 0, 0], [0, 0, 0]]), 0.5)
    assert result.cut == [(0, 0)] and result.blocked == [(1, 0)]
    sensory = Wiring([[1, 1, 0], [0, 0, 0], [0, 0, 0]], [[1], [0], [0]], ("hidden",) * 3)
    # its sensory input is left
    assert len(event(sensory, np.array([[0.1, 0.2, 0], [0, 0, 0], [0, 0, 0]]), 0.5).cut) == 2


@pytest.mark.parametrize("relative_to", [None, "mean", "quantile"])
def test_threshold_zero_changes_nothing(relative_to):
    w, weights, weights_in = ncp()
    result = event(w, weights, 0, weights_in=weights_in, relative_to=relative_to)
    assert result.wiring == w and not any((result.cut, result.blocked, result.cut_in, result.blocked_in))
    np.testing.assert_array_equal(result.weights, weights)


@pytest.mark.parametrize("share, most", [(0.3, 30), (0.07, 7), (0.071, 8), (0.0, 0), (1.0, 100)])
def test_the_cap_is_the_ceiling_of_the_fraction_of_each_layer_pair(share, most):
    # all blocked, so they can be counted
    w = wiring.fully_connected(10, sensory=0, rng=np.random.default_rng(0))
    weights = np.random.default_rng(1).uniform(0.1, 0.9, (10, 10))
    blocked = event(w, weights, 5.0, max_fraction=share).blocked
    assert len(blocked) == most
    assert sorted(weights[t, s] for s, t in blocked) == sorted(weights.ravel())[:most]


def test_grace_protects_the_young_and_new_synapses_are_young():
    w, weights, _ = ncp()
    age = np.where(np.random.default_rng(0).random(weights.shape) < 0.5, 3, 10)
    result = event(w, weights, 0.4, age=age, grace=5, new_weight="zero")
    assert result.cut and all(age[t, s] == 10 for s, t in result.cut + result.blocked)
    assert all(result.age[t, s] == 0 for s, t in result.grown + result.cut)
    kept = np.ones(age.shape, bool)
    kept[tuple(np.transpose([(t, s) for s, t in result.grown + result.cut]))] = False
    np.testing.assert_array_equal(result.age[kept], age[kept])
    again = event(result.wiring, result.weights, 0.4, age=result.age, grace=5)
    assert not set(again.cut) & set(result.grown)
    unprotected = event(result.wiring, result.weights, 0.4)
    assert set(unprotected.cut + unprotected.blocked) >= set(result.grown)
    assert event(w, weights, 0.4).age is None


def test_autapses_can_be_ruled_out():
    found = {True: 0, False: 0}
    for seed in range(60):
        w, weights, _ = ncp(seed)
        for allowed in found:
            found[allowed] += sum(s == t for s, t in event(w, weights, 1.0, seed, autapses=allowed).grown)
    assert found[False] == 0 < found[True]


def test_relative_thresholds_are_read_in_each_layer_pair():
    w, weights, weights_in = ncp()
    weights_in = weights_in * 50  # an absolute T would never touch these
    for relative_to, T, expected in (("quantile", 0.5, np.median), ("mean", 0.7, lambda v: 0.7 * v.mean())):
        result = event(w, weights, T, weights_in=weights_in, relative_to=relative_to)
        for source, _, sources, targets in w.blocks():
            block, lists = (
                (weights_in, (result.cut_in, result.blocked_in))
                if source == "sensory"
                else (weights, (result.cut, result.blocked))
            )
            values = block[np.ix_(targets, sources)]
            weak = {
                (s, t) for t in targets for s in sources if 0 < block[t, s] < expected(values[values > 0])
            }
            assert weak == {e for part in lists for e in part if e[1] in targets and e[0] in sources}


def test_targets_follow_their_rule():
    # source 0 leaves target 1; targets 2, 3, 4 are free
    w = Wiring([[0] * 5, [1, 1, 0, 0, 0], *[[0, 1, 0, 0, 0]] * 3], np.zeros((5, 0)), ("hidden",) * 5)
    weights = 0.9 * w.adjacency
    weights[1, 0] = 0.1
    tau = np.array([9, 9, 1, 3, 2.0])
    assert event(
        w, weights, 0.5, target="slowest", time_constant=np.where(np.arange(5) == 0, 0.5, tau)
    ).grown == [(0, 3)]
    gradient = np.zeros((5, 5))
    gradient[:, 0] = [1, -9, 0.5, -1, -2]  # -9 is where it was, -2 the strongest wish among the free
    assert event(w, weights, 0.5, target="gradient", gradient=gradient).grown == [(0, 4)]
    nobody = event(w, weights, 0.5, target="gradient", gradient=np.abs(gradient))
    assert nobody.grown == [] and nobody.blocked == [(0, 1)]  # no candidate would lower the loss
    hits = [event(w, weights, 0.5, seed).grown[0][1] for seed in range(2000)]
    for k in (0, 2, 3, 4):  # uniform: a quarter each, standard error sqrt(3/16/2000)
        assert abs(np.mean(np.equal(hits, k)) - 1 / 4) < 4 * np.sqrt(3 / 16 / 2000)


def test_signs_and_weights_are_drawn_as_told():
    w, weights, weights_in = ncp()
    signs, drawn = [], []
    for seed in range(150):
        result = event(w, weights, 0.4, seed, weights_in=weights_in, new_weight="uniform", p_excitatory=0.8)
        signs += [result.wiring.polarity[t, s] for s, t in result.grown]
        drawn += [result.weights[t, s] for s, t in result.grown]
    assert abs(np.mean(np.equal(signs, 1)) - 0.8) < 4 * np.sqrt(0.16 / len(signs))
    assert min(drawn) >= 0.4 and max(drawn) <= 1  # U(T, 1): mean .7, standard deviation .6 / sqrt(12)
    assert abs(np.mean(drawn) - 0.7) < 4 * 0.6 / np.sqrt(12 * len(drawn))


@given(seed=seeds)
def test_the_control_same_raises_weak_synapses_in_place(seed):
    options = random_case(seed, target="same", new_weight="threshold", max_fraction=1.0, grace=0)
    result = prune_and_rewire(**options, rng=np.random.default_rng(seed))
    assert result.wiring == options["wiring"] and result.cut == result.grown and not result.blocked
    T = thresholds(options)
    for sensory, (signs, weights, *_, new_weights, _, _, _) in enumerate(halves(options, result)):
        for i, j in np.argwhere(signs):
            assert new_weights[i, j] == max(weights[i, j], T[sensory, i, j][0])


@given(seed=seeds)
def test_the_control_none_prunes_only_and_leaves_every_last_input(seed):
    options = random_case(seed, target="none")
    w, result = options["wiring"], prune_and_rewire(**options, rng=np.random.default_rng(seed))
    assert result.grown == result.grown_in == []
    assert result.wiring.synapses == w.synapses - len(result.cut) - len(result.cut_in)
    assert ((result.wiring.fan_in > 0) == (w.fan_in > 0)).all()
    assert all(result.wiring.fan_in[t] == 1 for _, t in result.blocked + result.blocked_in)


def test_leaving_the_sensory_synapses_alone_changes_nothing_elsewhere():
    w, weights, weights_in = ncp()
    with_them, without = event(w, weights, 0.5, weights_in=weights_in), event(w, weights, 0.5)
    assert with_them.cut == without.cut and with_them.grown == without.grown
    np.testing.assert_array_equal(with_them.weights, without.weights)


# ---------------------------------------------------------------------------------------------------------------
# rewire


def test_rewire_gives_grown_synapses_fresh_gates_and_touches_nothing_else():
    w, _, _ = ncp()
    cell = LTC.random(w, rng=np.random.default_rng(3))
    cell = replace(cell, e_rev=cell.e_rev * 1.3)  # reversal potentials that are no signs stay what they are
    result = event(w, cell.w, 0.3, weights_in=cell.w_in)
    new = pruning.rewire(cell, result, rng=np.random.default_rng(4))
    np.testing.assert_array_equal(new.w, result.weights)
    np.testing.assert_array_equal(new.w_in, result.weights_in)
    for suffix, grown, signs in (
        ("", result.grown, result.wiring.polarity),
        ("_in", result.grown_in, result.wiring.polarity_in),
    ):
        fresh_ = np.zeros(signs.shape, bool)
        fresh_[tuple(np.transpose([(t, s) for s, t in grown]))] = True
        for name, lo, hi in (("gamma", 3, 8), ("mu", 0.3, 0.8)):
            old, values = getattr(cell, name + suffix), getattr(new, name + suffix)
            np.testing.assert_array_equal(values[~fresh_], old[~fresh_])
            assert (values[fresh_] != old[fresh_]).all() and (lo <= values).all() and (values <= hi).all()
        np.testing.assert_array_equal(getattr(new, "e_rev" + suffix)[fresh_], signs[fresh_])
        np.testing.assert_array_equal(
            getattr(new, "e_rev" + suffix)[~fresh_], getattr(cell, "e_rev" + suffix)[~fresh_]
        )
    for name in ("c", "g_leak", "e_leak"):
        np.testing.assert_array_equal(getattr(new, name), getattr(cell, name))
    assert (new.e_rev[result.wiring.adjacency] * result.wiring.polarity[result.wiring.adjacency] > 0).all()


def test_the_same_synapse_gets_the_same_gate_at_every_threshold():
    w, _, _ = ncp()
    cell = LTC.random(w, rng=np.random.default_rng(3))
    results = [event(w, cell.w, T, weights_in=cell.w_in) for T in (0.1, 0.3)]
    small, large = (pruning.rewire(cell, result, rng=np.random.default_rng(4)) for result in results)
    for source, target in results[0].grown:
        assert (
            small.gamma[target, source] == large.gamma[target, source]
            and small.mu[target, source] == large.mu[target, source]
        )


@pytest.mark.parametrize("weights_in", [True, False])
def test_rewiring_without_an_event_and_raising_in_place_keep_every_gate(weights_in):
    w, _, _ = ncp()
    cell = LTC.random(w, rng=np.random.default_rng(3))
    for T, target in ((0, "uniform"), (0.4, "same")):
        result = event(w, cell.w, T, target=target, weights_in=cell.w_in if weights_in else None)
        new = pruning.rewire(cell, result, rng=np.random.default_rng(4))
        for f in fields(cell):
            if target == "uniform" or not f.name.startswith("w"):
                np.testing.assert_array_equal(getattr(new, f.name), getattr(cell, f.name), err_msg=f.name)


def test_rewire_refuses_another_cell():
    w, weights, _ = ncp()
    result = event(w, weights, 0.3)
    small = LTC.random(
        wiring.fully_connected(3, sensory=1, rng=np.random.default_rng(0)), rng=np.random.default_rng(0)
    )
    with pytest.raises(ValueError, match="3 neurons and 1 inputs, the event 18 and 6"):
        pruning.rewire(small, result, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="CTRNN.*synaptic LTC"):
        pruning.rewire(CTRNN([1], [[1]], [0]), result, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="rng is int"):
        pruning.rewire(LTC.random(w, rng=np.random.default_rng(0)), result, rng=0)


# ------------------------------------------------------------------------------------------------------------
# bad input


@pytest.mark.parametrize(
    "change, message",
    [
        ({"threshold": -0.1}, "threshold T is -0.1.*>= 0"),
        ({"threshold": np.nan}, "T is nan"),
        ({"threshold": np.inf}, "T is inf"),
        ({"threshold": "high"}, "T is 'high'"),
        ({"threshold": True}, "T is True"),
        ({"threshold": None}, "T is None"),
        ({"relative_to": "median"}, "relative_to='median'.*'mean'.*'quantile'"),
        ({"relative_to": "quantile", "threshold": 1.5}, "'quantile' with T <= 1"),
        ({"target": "fastest"}, "no target rule 'fastest'.*uniform"),
        ({"polarity": "flip"}, "polarity is 'flip'.*inherit"),
        ({"new_weight": "big"}, "no rule 'big'.*threshold"),
        ({"new_weight": 0.1}, "new_weight 0.1 is not.*T = 0.3"),
        ({"new_weight": -1}, "new_weight -1"),
        ({"new_weight": np.nan}, "new_weight nan"),
        ({"new_weight": np.inf}, "new_weight inf"),
        ({"new_weight": -1.0, "relative_to": "mean"}, "new_weight -1.0"),
        ({"new_weight": 0.01, "relative_to": "mean"}, "new_weight 0.01"),
        ({"new_weight": np.nan, "relative_to": "quantile"}, "new_weight nan"),
        ({"new_weight": None}, "no rule None"),
        ({"new_weight": "uniform", "threshold": 1.5}, r"U\(T, 1\).*empty for T = 1.5"),
        ({"new_weight": "uniform", "threshold": 9, "relative_to": "mean"}, r"U\(T, 1\).*empty"),
        ({"max_fraction": 1.5}, "max_fraction is 1.5"),
        ({"max_fraction": -1}, "max_fraction is -1"),
        ({"p_excitatory": 2}, "p_excitatory is 2"),
        ({"grace": -1}, "grace is -1"),
        ({"grace": np.nan}, "grace is nan"),
        ({"age": np.zeros(3)}, r"age has shape \(3,\).*\(18, 18\)"),
        ({"age": np.full((18, 18), np.nan)}, "age has.*NaN"),
        ({"weights_in": "good", "age_in": np.zeros((2, 2))}, r"age_in has shape \(2, 2\).*\(18, 6\)"),
        ({"target": "slowest"}, r"time_constant.*\(18,\)"),
        ({"target": "slowest", "time_constant": np.full(18, np.nan)}, "finite"),
        ({"target": "gradient"}, r"gradient.*\(18, 18\)"),
        (
            {"target": "gradient", "gradient": np.ones((18, 18)), "weights_in": "good"},
            r"gradient_in.*\(18, 6\)",
        ),
        (
            {
                "target": "gradient",
                "gradient": np.ones((18, 18)),
                "weights_in": "good",
                "gradient_in": np.ones(6),
            },
            r"gradient_in.*\(6,\)",
        ),
        ({"weights": np.ones((2, 2))}, r"weights has shape \(2, 2\).*\(18, 18\)"),
        ({"weights": np.ones((18, 18))}, "no synapse"),
        ({"weights": "negative"}, ">= 0; the smallest is -"),
        ({"weights": "nan"}, "finite conductances"),
        ({"weights_in": np.ones((18, 5))}, r"weights_in has shape \(18, 5\).*\(18, 6\)"),
        ({"weights_in": np.ones((18, 6))}, "no synapse"),
        ({"weights": [["a"] * 18] * 18}, "weights has"),
        ({"rng": 1}, "rng is int.*default_rng"),
        ({"wiring": np.eye(3)}, "wiring is ndarray"),
    ],
)
def test_impossible_events_are_refused(change, message):
    w, weights, weights_in = ncp()
    named = {"good": weights_in, "negative": -weights, "nan": np.where(w.adjacency, np.nan, 0)}
    change = {k: named.get(v, v) if isinstance(v, str) else v for k, v in change.items()}
    arguments = dict(wiring=w, weights=weights, threshold=0.3, rng=np.random.default_rng(0)) | change
    with pytest.raises(ValueError, match=message):
        prune_and_rewire(**arguments)
