"""Pruning methods: every invariant on random wirings, each rule against its paper's definition, and models
that take them.
"""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import fresh, random_ncp, random_wiring, seeds

from ltcbook import models, pruning, wiring
from ltcbook.pruning import (
    SET,
    DeepR,
    GradualMagnitude,
    Nothing,
    OneShotMagnitude,
    PruneRewire,
    RandomRewiring,
    RigL,
)

torch.set_num_threads(1)
METHODS = [PruneRewire, OneShotMagnitude, GradualMagnitude, SET, RigL, DeepR, RandomRewiring]
CONSERVING = [PruneRewire, SET, RigL, DeepR, RandomRewiring]
kinds = st.sampled_from(METHODS)
many, few = settings(max_examples=fresh or 250), settings(max_examples=fresh or 40)
PARTS = ("", "_in")


def random_method(kind, rng):
    """A method with random options and an event at step 6 of 10."""
    schedule = {"every": 3, "start": int(rng.choice([0, 3])), "stop": rng.uniform(0.6, 1)}
    options = {
        PruneRewire: {
            "threshold": rng.uniform(0, 0.8),
            "target": rng.choice(["uniform", "slowest", "gradient"]),
            "max_fraction": rng.uniform(),
            "relative_to": rng.choice([None, "mean", "quantile"]),
            "grace": int(rng.integers(0, 8)),
            "polarity": rng.choice(["redraw", "inherit"]),
        },
        OneShotMagnitude: {"sparsity": rng.uniform(), "start": 3},
        GradualMagnitude: {"sparsity": rng.uniform(), "synapses": int(rng.integers(0, 60))},
        SET: {"fraction": rng.uniform()},
        RandomRewiring: {"fraction": rng.uniform()},
        RigL: {"fraction": rng.uniform()},
        DeepR: {"pull": rng.uniform(0, 0.5), "temperature": rng.uniform(0, 0.5)},
    }[kind]
    return kind(**schedule | options)


def random_network(seed, draw=random_wiring):
    """Arguments of ``event`` for a random wiring with random weights and, for some, no sensory ones."""
    rng = np.random.default_rng(seed)
    w = draw(rng)
    shapes = {"": (w.n, w.n), "_in": (w.n, w.m)}
    arrays = {"wiring": w, "time_constant": rng.uniform(0.1, 2, w.n)}
    for suffix, adjacency in zip(PARTS, (w.adjacency, w.adjacency_in), strict=True):
        arrays |= {
            "weights" + suffix: rng.uniform(0.01, 1, shapes[suffix]) * adjacency,
            "age" + suffix: rng.integers(0, 20, shapes[suffix]).astype(float),
            "gradient" + suffix: rng.normal(size=shapes[suffix]),
            "sign" + suffix: rng.choice([-1, 1], shapes[suffix]),
        }
    if rng.integers(4) == 0:
        arrays["weights_in"] = None
    return arrays


def run(method, arrays, seed=0, step=6, steps=10):
    return method.event(step, steps, **arrays, rng=np.random.default_rng(seed))


def halves(arrays, result):
    """(suffix, old signs, new signs, old weights, new weights, old age, new age, cut, grown, blocked), for
    one or two.
    """
    for suffix in PARTS if arrays["weights_in"] is not None else PARTS[:1]:
        yield (
            suffix,
            getattr(arrays["wiring"], "polarity" + suffix),
            getattr(result.wiring, "polarity" + suffix),
            arrays["weights" + suffix],
            getattr(result, "weights" + suffix),
            arrays["age" + suffix],
            getattr(result, "age" + suffix),
            *(getattr(result, name + suffix) for name in ("cut", "grown", "blocked")),
        )


def pairs(w, sensory=True):
    """{(source role, target role): number of synapses} of the layer pairs that have any."""
    counts = {}
    for source, target, _ in w.edges():
        key = w.role[source], w.role[target]
        counts[key] = counts.get(key, 0) + 1
    for _, target, _ in w.edges_in() if sensory else ():
        counts["sensory", w.role[target]] = counts.get(("sensory", w.role[target]), 0) + 1
    return counts


@many
@given(seed=seeds, kind=kinds)
def test_an_event_keeps_every_invariant(seed, kind):
    arrays, method = random_network(seed), random_method(kind, np.random.default_rng(seed))
    before = {
        name: np.copy(value) if isinstance(value, np.ndarray) else value for name, value in arrays.items()
    }
    result, w = run(method, arrays, seed), arrays["wiring"]
    for name, value in before.items():
        np.testing.assert_array_equal(arrays[name], value, err_msg=f"{name} was changed")
    assert ((result.wiring.fan_in > 0) >= (w.fan_in > 0)).all(), "a neuron lost its last input"
    assert result.wiring.role == w.role
    allowed = pairs(w, arrays["weights_in"] is not None)
    for suffix, old, new, weights, new_weights, age, new_age, cut, grown, blocked in halves(arrays, result):
        for edges in (cut, grown, blocked):
            assert len(set(edges)) == len(edges) and all(type(k) is int for edge in edges for k in edge)
        assert not set(cut) & set(grown) and not set(cut) & set(blocked)
        expected, touched = old != 0, np.zeros(old.shape, bool)
        for source, target in cut:
            assert old[target, source] and weights[target, source] > 0
            expected[target, source], touched[target, source] = False, True
        for source, target in grown:
            assert not old[target, source], "grown onto an existing synapse"
            assert ("sensory" if suffix else w.role[source], w.role[target]) in allowed
            assert new_weights[target, source] > 0
            expected[target, source], touched[target, source] = True, True
        np.testing.assert_array_equal(new != 0, expected)
        assert all(old[target, source] and new[target, source] for source, target in blocked)
        np.testing.assert_array_equal(new_weights != 0, new != 0)
        np.testing.assert_array_equal(new[~touched], old[~touched])
        np.testing.assert_array_equal(new_weights[~touched], weights[~touched])
        np.testing.assert_array_equal(new_age, np.where(touched, 0, age))
    if arrays["weights_in"] is None:
        assert result.weights_in is None and result.cut_in == result.grown_in == result.blocked_in == []
        np.testing.assert_array_equal(result.wiring.polarity_in, w.polarity_in)


@many
@given(seed=seeds, kind=st.sampled_from(CONSERVING))
def test_who_grows_what_it_cuts_keeps_its_budget(seed, kind):
    arrays, method = random_network(seed), random_method(kind, np.random.default_rng(seed))
    result, w = run(method, arrays, seed), arrays["wiring"]
    assert result.wiring.synapses == w.synapses
    if kind is not DeepR:
        assert pairs(result.wiring) == pairs(w)
    assert pairs(result.wiring).keys() == pairs(w).keys()  # no layer pair dies out


@many
@given(seed=seeds, kind=kinds)
def test_equal_generators_give_equal_events_and_ages_and_signs_may_be_left_out(seed, kind):
    arrays, method = random_network(seed), random_method(kind, np.random.default_rng(seed))
    a, b = run(method, arrays, seed), run(method, arrays, seed)
    assert a.wiring == b.wiring and a.cut == b.cut and a.grown_in == b.grown_in and a.blocked == b.blocked
    np.testing.assert_array_equal(a.weights, b.weights)
    bare = {name: value for name, value in arrays.items() if not name.startswith(("age", "sign"))}
    c = run(replace(method, grace=0) if kind is PruneRewire else method, bare, seed)
    assert c.age is None and c.age_in is None
    # the first reads ages; drawn signs use up the second's generator
    if kind not in (PruneRewire, RandomRewiring):
        assert a.cut == c.cut and a.cut_in == c.cut_in


@many
@given(seed=seeds, kind=st.sampled_from([OneShotMagnitude, GradualMagnitude]))
def test_magnitude_cuts_the_weakest_that_are_nobodys_last_input(seed, kind):
    arrays, method = random_network(seed), random_method(kind, np.random.default_rng(seed))
    w, result = arrays["wiring"], run(method, arrays, seed)
    places = [
        (arrays["weights" + s][t, j], s, t, j)
        for s in PARTS
        if arrays["weights" + s] is not None
        for t, j in np.argwhere(arrays["weights" + s])
    ]
    if kind is OneShotMagnitude:
        wanted = round(method.sparsity * len(places))
    else:
        steps = [
            t
            for t in range(1, 11)
            if t > method.start and (t - method.start) % 3 == 0 and t <= method.stop * 10
        ]
        # Zhu & Gupta (2017), from 0
        share = method.sparsity * (1 - (1 - (steps.index(6) + 1) / len(steps)) ** 3)
        wanted = round(method.synapses * share) - (method.synapses - len(places))
    left, expected, blocked = w.fan_in.copy(), {"": set(), "_in": set()}, {"": set(), "_in": set()}
    for _, suffix, target, source in sorted(places):
        if wanted > sum(map(len, expected.values())):
            (expected if left[target] > 1 else blocked)[suffix].add((source, target))
            left[target] -= left[target] > 1
    assert expected == {"": set(result.cut), "_in": set(result.cut_in)}
    assert blocked == {"": set(result.blocked), "_in": set(result.blocked_in)}
    assert result.grown == result.grown_in == []


@few
@given(
    seed=seeds,
    sparsity=st.floats(0, 1),
    every=st.integers(1, 7),
    start=st.integers(0, 9),
    stop=st.floats(0.5, 1),
)
def test_gradual_magnitude_follows_its_cubic_schedule_to_the_sparsity_of_one_shot(
    seed, sparsity, every, start, stop
):
    arrays = random_network(seed, random_ncp)
    w = arrays["wiring"]
    arrays["weights_in"] = np.random.default_rng(seed).uniform(0.01, 1, (w.n, w.m)) * w.adjacency_in
    method = GradualMagnitude(every=every, start=start, stop=stop, sparsity=sparsity).starting_at(w)
    assert (
        method.synapses == w.synapses
        and method.starting_at(random_wiring(np.random.default_rng(0))) is method
    )
    most = w.synapses - np.count_nonzero(w.fan_in)  # everybody keeps one
    events = method.events(40)
    for k, step in enumerate(events, 1):
        result = run(method, arrays, step=step, steps=40)
        gone = w.synapses - result.wiring.synapses
        assert gone == min(round(w.synapses * sparsity * (1 - (1 - k / len(events)) ** 3)), most)
        arrays |= {"wiring": result.wiring, "weights": result.weights, "weights_in": result.weights_in}
    assert gone == min(round(w.synapses * sparsity), most)


@many
@given(seed=seeds, kind=st.sampled_from([SET, RigL]))
def test_set_and_rigl_cut_the_weakest_of_each_layer_pair_and_rigl_grows_the_steepest(seed, kind):
    arrays, method = random_network(seed), random_method(kind, np.random.default_rng(seed))
    w, result = arrays["wiring"], run(method, arrays, seed)
    share = method.fraction
    if kind is RigL:
        # Evci et al. (2020)
        share *= (1 + np.cos(np.pi * (6 - method.start) / (method.stop * 10 - method.start))) / 2
    left = w.fan_in.copy()
    for role, target_role, sources, targets in w.blocks():
        suffix = "_in" if role == "sensory" else ""
        weights = arrays["weights" + suffix]
        if weights is None:
            continue
        inside = lambda edges: [e for e in edges if e[0] in sources and e[1] in targets]
        cut, grown = inside(getattr(result, "cut" + suffix)), inside(getattr(result, "grown" + suffix))
        here = sorted((weights[t, s], s, t) for t in targets for s in sources if weights[t, s])
        free = [
            (arrays["gradient" + suffix][t, s], s, t) for t in targets for s in sources if not weights[t, s]
        ]
        free = sorted(f for f in free if f[0] < 0) if kind is RigL else free
        most, expected = min(int(share * len(here) + 1e-9), len(free)), []
        for _, s, t in here if here else ():
            if len(expected) < most and left[t] > 1:
                left[t] -= 1
                expected.append((s, t))
        assert cut == expected and len(grown) == len(cut)
        if kind is RigL:
            assert grown == [(s, t) for _, s, t in free[: len(cut)]]
            for s, t in grown:
                assert getattr(result, "weights" + suffix)[t, s] == method.new_weight
                assert getattr(result.wiring, "polarity" + suffix)[t, s] == arrays["sign" + suffix][t, s]


def test_rigl_never_grows_where_the_loss_would_rise():
    arrays = random_network(3, random_ncp)
    arrays |= {"gradient": np.abs(arrays["gradient"]), "gradient_in": np.abs(arrays["gradient_in"])}
    result = run(RigL(every=3, fraction=1.0), arrays)
    assert result.cut == result.grown == result.cut_in == result.grown_in == []


def large(weight=None, n=120, seed=0):
    rng = np.random.default_rng(seed)
    w = wiring.random_sparse(n, sensory=0, sparsity=0.5, rng=rng)
    weights = (rng.uniform(0.01, 1, (n, n)) if weight is None else np.full((n, n), weight)) * w.adjacency
    return {"wiring": w, "weights": weights}


def test_random_rewiring_does_not_look_at_the_weights_and_set_does():
    arrays = large()
    mean = arrays["weights"][arrays["wiring"].adjacency].mean()
    cut = lambda method: np.mean([arrays["weights"][t, s] for s, t in run(method, arrays).cut])
    # about 2100 of 7100 weights U(0, 1) are cut: s.e. of their mean 0.0055
    assert abs(cut(RandomRewiring(every=3)) - mean) < 4 * 0.0055 and cut(SET(every=3)) < mean / 2


@pytest.mark.parametrize("kind", [SET, RandomRewiring])
def test_new_weights_of_set_are_uniform_about_new_weight(kind):
    result = run(kind(every=3, new_weight=0.3), large())
    values = [result.weights[t, s] for s, t in result.grown]
    assert (
        0 < min(values)
        and max(values) <= 0.6
        and abs(np.mean(values) - 0.3) < 4 * 0.6 / np.sqrt(12 * len(values))
    )


@pytest.mark.parametrize("weight, pull, temperature", [(0.02, 0.01, 0.02), (0.3, 0.1, 0.2), (0.1, 0.1, 0.5)])
def test_deepr_kills_with_the_probability_of_crossing_zero(weight, pull, temperature):
    arrays = large(weight)
    result, total = run(DeepR(every=3, pull=pull, temperature=temperature), arrays), arrays["wiring"].synapses
    p = NormalDist().cdf((pull - weight) / temperature)
    assert abs(len(result.cut) / total - p) < 4 * np.sqrt(p * (1 - p) / total)  # four standard errors
    result = run(DeepR(every=3, pull=pull, temperature=0), large(1.01 * pull))
    assert (
        result.cut == [] and len(run(DeepR(every=3, pull=pull, temperature=0), large(0.99 * pull)).cut) > 100
    )


def test_deepr_moves_synapses_between_layer_pairs_empties_none_and_gives_each_place_its_sign():
    moved = False
    for seed in range(20):
        arrays = random_network(seed, random_ncp)
        result = run(DeepR(every=3, pull=0.3, temperature=0.3), arrays, seed)
        moved |= pairs(result.wiring) != pairs(arrays["wiring"])
        assert all(result.wiring.polarity[t, s] == arrays["sign"][t, s] for s, t in result.grown)
        # all would die: each layer pair keeps its strongest
        doom = run(DeepR(every=3, pull=2.0), arrays, seed)
        assert pairs(doom.wiring).keys() == pairs(arrays["wiring"]).keys()
    assert moved


@many
@given(seed=seeds)
def test_prune_rewire_is_the_event_of_that_name(seed):
    arrays, method = random_network(seed), random_method(PruneRewire, np.random.default_rng(seed))
    result = run(method, arrays, seed)
    options = {
        name: getattr(method, name)
        for name in (
            "new_weight",
            "target",
            "max_fraction",
            "relative_to",
            "grace",
            "autapses",
            "polarity",
            "p_excitatory",
        )
    }
    given_arrays = {name: value for name, value in arrays.items() if not name.startswith("sign")}
    w, weights = given_arrays.pop("wiring"), given_arrays.pop("weights")
    same = pruning.prune_and_rewire(
        w, weights, method.threshold, **given_arrays, **options, rng=np.random.default_rng(seed)
    )
    assert (result.cut, result.grown, result.blocked_in) == (same.cut, same.grown, same.blocked_in)
    np.testing.assert_array_equal(result.weights, same.weights)
    if method.target == "gradient" and method.polarity == "redraw":
        assert all(result.wiring.polarity[t, s] == arrays["sign"][t, s] for s, t in result.grown)
        assert all(result.wiring.polarity_in[t, s] == arrays["sign_in"][t, s] for s, t in result.grown_in)
    else:
        assert result.wiring == same.wiring


@given(
    every=st.integers(1, 60), start=st.integers(0, 60), share=st.integers(0, 100), steps=st.integers(1, 120)
)
def test_events_come_every_so_many_steps_after_start_until_stop(every, start, share, steps):
    method = SET(every=every, start=start, stop=share / 100)
    due = [
        t for t in range(1, steps + 1) if t > start and (t - start) % every == 0 and 100 * t <= share * steps
    ]
    assert list(method.events(steps)) == due
    assert list(OneShotMagnitude(every=every, start=start, stop=share / 100).events(steps)) == due[:1]
    assert not Nothing(every=every).events(steps)


@pytest.mark.parametrize("kind", [*METHODS, Nothing])
def test_between_its_events_a_method_does_nothing(kind):
    arrays = random_network(1)
    assert all(run(kind(every=3, stop=0.7), arrays, step=step) is None for step in (1, 2, 4, 5, 7, 8, 9, 10))


@pytest.mark.parametrize("kind", METHODS)
def test_a_network_without_synapses_or_without_free_places_is_left_alone(kind):
    empty = wiring.Wiring(np.zeros((3, 3)), np.zeros((3, 2)), ("hidden",) * 3)
    full = wiring.fully_connected(3, sensory=2, rng=np.random.default_rng(0))
    for w in (empty, full):
        arrays = {
            "wiring": w,
            "weights": 0.05 * w.adjacency,
            "weights_in": 0.05 * w.adjacency_in,
            "time_constant": np.ones(3),
            "gradient": -np.ones((3, 3)),
            "gradient_in": -np.ones((3, 2)),
        }
        result = run(
            kind(every=6, **{"threshold": 0.1, "max_fraction": 1.0} if kind is PruneRewire else {}), arrays
        )
        assert result.grown == result.grown_in == []
        if kind in CONSERVING or w is empty:
            assert result.wiring == w and result.cut == []


@few
@given(seed=seeds, kind=kinds)
def test_a_model_takes_one_event_after_another(seed, kind):
    rng = np.random.default_rng(seed)
    w = random_ncp(rng)
    net = models.LTCNet(
        w,
        substeps=1,
        constraint=rng.choice(["implicit", "explicit"]),
        generator=torch.Generator().manual_seed(seed % 2**31),
    )
    method = random_method(kind, rng).starting_at(w)
    for step in method.events(10):
        arrays = random_network(seed, lambda _: net.wiring)
        arrays["weights"], arrays["weights_in"] = net.weights()
        result = run(method, arrays, step, step)
        net.rewire(result, rng=rng)
        assert net.wiring == result.wiring
        # float32, softplus >= 1e-6
        np.testing.assert_allclose(net.weights()[0], result.weights, rtol=3e-6, atol=2e-6)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: SET(every=0), "every is 0"),
        (lambda: SET(every=2.5), "every"),
        (lambda: SET(start=-1), "start is -1"),
        (lambda: SET(stop=1.1), "stop is 1.1"),
        (lambda: SET(stop=np.nan), "stop is nan"),
        (lambda: SET(fraction=-0.1), "fraction"),
        (lambda: SET(new_weight=0), "new_weight"),
        (lambda: RigL(fraction=2), "fraction"),
        (lambda: RandomRewiring(new_weight=-1), "new_weight"),
        (lambda: OneShotMagnitude(sparsity=1.5), "sparsity is 1.5"),
        (lambda: GradualMagnitude(sparsity=np.nan), "sparsity"),
        (lambda: GradualMagnitude(synapses=-3), "synapses"),
        (lambda: DeepR(pull=-1), "pull"),
        (lambda: DeepR(temperature=np.inf), "temperature"),
        (lambda: DeepR(new_weight=0), "new_weight"),
        (lambda: PruneRewire(threshold=-0.1), "threshold T is -0.1"),
        (lambda: PruneRewire(target="best"), "target rule 'best'"),
        (lambda: PruneRewire(threshold=0.5, new_weight=0.1), "new_weight"),
        (lambda: PruneRewire(max_fraction=2), "max_fraction"),
        (lambda: PruneRewire(relative_to="median"), "relative_to"),
        (lambda: PruneRewire(grace=-1), "grace"),
        (lambda: PruneRewire(polarity="flip"), "polarity"),
        (lambda: PruneRewire(p_excitatory=2), "p_excitatory"),
    ],
)
def test_wrong_options_are_refused_when_the_method_is_made(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_options_that_are_right_only_for_real_weights_are_not_refused():
    PruneRewire(threshold=0.5, relative_to="mean", new_weight=0.3)
    PruneRewire(target="slowest")
    PruneRewire(target="same")
    PruneRewire(target="none", new_weight="uniform")
    PruneRewire(target="gradient", new_weight="zero", grace=50)


@pytest.mark.parametrize("kind", METHODS)
@pytest.mark.parametrize(
    "change, words",
    [
        ({"weights": np.zeros((2, 2))}, "weights has shape"),
        ({"weights": "negative"}, "conductances"),
        ({"weights": "off"}, "no synapse"),
        ({"age": np.zeros((1, 1))}, "age has shape"),
        ({"age_in": np.nan}, "age_in"),
        ({"wiring": 3}, "wiring is int"),
        ({"rng": 3}, "rng is int"),
        ({"step": 0}, "step is 0"),
        ({"step": 11}, "step is 11"),
        ({"steps": 2.5}, "steps is 2.5"),
        ({"sign": np.ones(3)}, "sign has shape"),
    ],
)
def test_what_does_not_fit_the_wiring_is_refused(kind, change, words):
    arrays = random_network(5, random_ncp) | {"rng": np.random.default_rng(0), "step": 6, "steps": 10}
    if isinstance(change.get("weights"), str):
        w = arrays["weights"].copy()
        there = np.argwhere(w if change["weights"] == "negative" else w == 0)[0]
        w[tuple(there)] = -0.5 if change["weights"] == "negative" else 0.5
        change = {"weights": w}
    options = (
        {"synapses": 50} if kind is GradualMagnitude else {"start": 3} if kind is OneShotMagnitude else {}
    )
    with pytest.raises(ValueError, match=words):
        kind(every=3, **options).event(**arrays | change)


@pytest.mark.parametrize("name", ["gradient", "gradient_in"])
def test_who_grows_by_gradients_asks_for_them(name):
    arrays = random_network(5, random_ncp)
    arrays["weights_in"] = 0.5 * arrays["wiring"].adjacency_in
    for method in (RigL(every=3), PruneRewire(every=3, target="gradient")):
        assert method.needs_gradient and not method.needs_time_constant
        with pytest.raises(ValueError, match="gradient"):
            run(method, arrays | {name: None})
    assert PruneRewire(target="slowest").needs_time_constant and not SET().needs_gradient
    with pytest.raises(ValueError, match="time_constant"):
        run(PruneRewire(every=3, target="slowest"), arrays | {"time_constant": None})


def test_gradual_magnitude_will_not_guess_where_it_started():
    with pytest.raises(ValueError, match="starting_at"):
        run(GradualMagnitude(every=3), random_network(1))
