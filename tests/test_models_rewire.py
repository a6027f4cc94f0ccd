"""Rewiring a model: exactly the cut and grown synapses change, and nothing at all when anything is wrong."""

import copy
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from strategies import random_ncp, seeds
from torch.nn.utils import prune

from ltcbook import models, pruning, wiring

torch.set_num_threads(1)


def case(seed=0, threshold=0.4, constraint="implicit", **options):
    rng = np.random.default_rng(seed)
    net = models.LTCNet(
        wiring.auto_ncp(14, 3, sensory=4, rng=rng),
        substeps=1,
        constraint=constraint,
        generator=torch.Generator().manual_seed(seed),
    )
    return net, event(net, threshold, rng, **options)


def event(net, threshold, rng, **options):
    w, w_in = net.weights()
    return pruning.prune_and_rewire(net.wiring, w, threshold, rng=rng, weights_in=w_in, **options)


def changed_entries(before, after):
    return {
        name: {tuple(at) for at in np.argwhere((before[name] != after[name]).numpy()).tolist()}
        for name in before
    }


def entries(index):
    return set(zip(*index.tolist(), strict=True))


@settings(max_examples=25)
@given(seed=seeds)
def test_rewire_touches_exactly_the_entries_it_reports(seed):
    rng = np.random.default_rng(seed)
    net = models.LTCNet(
        random_ncp(rng),
        substeps=1,
        constraint=rng.choice(["implicit", "explicit"]),
        generator=torch.Generator().manual_seed(seed % 2**31),
    )
    result, before, old = (
        event(net, rng.uniform(0, 1), rng),
        copy.deepcopy(net.state_dict()),
        net.numpy_cell(),
    )
    changed = net.rewire(result, rng=np.random.default_rng(1))
    differ = changed_entries(before, net.state_dict())
    for name, where in differ.items():
        cut, grown = (entries(index) for index in changed.get(name, (torch.zeros(2, 0),) * 2))
        if name.startswith("polarity"):
            cut, grown = (
                entries(index)
                for index in changed.get(name.replace("polarity", "raw_w"), (torch.zeros(2, 0),) * 2)
            )
            assert where == cut ^ grown | (cut & grown & where)
        else:
            assert where <= grown  # a cut synapse is only masked
    for suffix in ("", "_in"):
        cut, grown = changed.get("raw_w" + suffix, (torch.zeros(2, 0), torch.zeros(2, 0)))
        assert entries(cut) == {edge[::-1] for edge in getattr(result, "cut" + suffix)}
        assert entries(grown) == {edge[::-1] for edge in getattr(result, "grown" + suffix)}
    assert net.wiring == result.wiring
    w, w_in = net.weights()
    np.testing.assert_allclose(w, result.weights, rtol=2e-6, atol=1e-7)  # float32 weights
    np.testing.assert_allclose(w_in, result.weights_in, rtol=2e-6, atol=1e-7)
    new = pruning.rewire(old, result, rng=np.random.default_rng(1))
    for name in ("gamma", "mu", "e_rev", "gamma_in", "mu_in", "e_rev_in", "c", "g_leak", "e_leak"):
        np.testing.assert_array_equal(getattr(net.numpy_cell(), name), getattr(new, name).astype(np.float32))


def test_the_report_serves_an_optimiser():
    net, result = case()
    optimiser = torch.optim.Adam(net.parameters())
    net(torch.randn(2, 5, 4))[0].square().sum().backward()
    optimiser.step()
    result = event(net, 0.5, np.random.default_rng(0))  # the step moved the weights
    for name, (cut, grown) in net.rewire(result).items():
        state = optimiser.state[dict(net.named_parameters())[name]]
        state["exp_avg"][tuple(cut)] = state["exp_avg"][tuple(grown)] = 0
        assert cut.shape[0] == grown.shape[0] == 2
    net(torch.randn(2, 5, 4))[0].square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())
    assert (net.raw_w.grad[~torch.as_tensor(net.wiring.adjacency)] != 0).sum() >= 0


def test_a_cut_synapse_gets_no_gradient_and_a_grown_one_does():
    net, result = case()
    changed = net.rewire(result)
    net(torch.randn(8, 5, 4, generator=torch.Generator().manual_seed(0)))[0].square().sum().backward()
    cut, grown = changed["raw_w"]
    only_cut = entries(cut) - entries(grown)
    assert only_cut and all(net.raw_w.grad[at] == 0 for at in only_cut)
    assert (net.raw_w.grad[tuple(grown)] != 0).float().mean() > 0.5


@pytest.mark.parametrize(
    "target, new_weight",
    [
        ("same", "threshold"),
        ("none", "threshold"),
        ("uniform", "zero"),
        ("uniform", "copy"),
        ("uniform", "uniform"),
    ],
)
def test_every_rule_of_the_event_can_be_applied(target, new_weight):
    net, result = case(target=target, new_weight=new_weight)
    gates = net.gamma.detach().clone()
    changed = net.rewire(result)
    # implicit: 0 becomes 1e-6
    np.testing.assert_allclose(net.weights()[0], result.weights, rtol=2e-6, atol=2e-6)
    assert net.wiring == result.wiring and changed
    if target == "same":
        assert torch.equal(gates, net.gamma)


def test_the_same_generator_gives_the_same_gates():
    nets = [case()[0] for _ in range(3)]
    for net, seed in zip(nets, (1, 1, 2), strict=True):
        net.rewire(case()[1], rng=torch.Generator().manual_seed(seed))
    assert torch.equal(nets[0].gamma, nets[1].gamma) and not torch.equal(nets[0].gamma, nets[2].gamma)


def test_a_bare_wiring_moves_its_differences_only():
    net, _ = case()
    polarity, old = net.wiring.polarity.copy(), net.wiring
    (target, source), (free_target, free_source) = np.argwhere(polarity)[0], np.argwhere(polarity == 0)[3]
    flip = tuple(np.argwhere(polarity)[5])
    polarity[target, source], polarity[free_target, free_source], polarity[flip] = 0, -1, -polarity[flip]
    before, weights = copy.deepcopy(net.state_dict()), net.weights()[0]
    changed = net.rewire(wiring.Wiring(polarity, old.polarity_in, old.role), new_weight=0.25)
    assert {name for name, where in changed_entries(before, net.state_dict()).items() if where} <= {
        *changed,
        "polarity",
    }
    assert entries(changed["raw_w"][0]) == {(target, source), flip}
    assert entries(changed["raw_w"][1]) == {(free_target, free_source), flip}
    assert net.weights()[0][free_target, free_source] == pytest.approx(0.25, rel=1e-6)
    assert net.e_rev[free_target, free_source] == -1 and net.e_rev[flip] == polarity[flip]
    kept = np.ones_like(weights, bool)
    kept[target, source] = kept[free_target, free_source] = kept[flip] = False
    np.testing.assert_array_equal(net.weights()[0][kept], weights[kept])
    assert net.rewire(net.wiring) == {}


def test_a_rewired_model_is_resumed_from_its_state_dict():
    net, result = case()
    net.rewire(result)
    fresh = case()[0]
    fresh.load_state_dict(net.state_dict())
    u = torch.randn(2, 5, 4)
    assert fresh.wiring == result.wiring and torch.equal(fresh(u)[0], net(u)[0])


def broken(name):
    net, result = case()
    other = models.LTCNet(wiring.auto_ncp(15, 3, sensory=4, rng=np.random.default_rng(0)))
    if name == "another size":
        return net, event(other, 0.4, np.random.default_rng(0)), "same"
    if name == "a wiring of another size":
        return net, other.wiring, "same"
    if name == "other roles":
        return net, wiring.Wiring(net.wiring.polarity, net.wiring.polarity_in, ("hidden",) * 14), "roles"
    if name == "applied twice":
        net.rewire(result)
        return net, result, "another wiring"
    if name == "another wiring":
        return net, case(seed=1)[1], "another wiring|other"
    if name == "stale weights":
        with torch.no_grad():
            net.raw_w.add_(0.01)
        return net, result, "net.weights"
    if name == "stale sensory weights":
        with torch.no_grad():
            net.raw_w_in.add_(0.01)
        return net, result, "net.weights"
    if name == "weights off the wiring":
        weights = result.weights.copy()
        source, target = next(edge for edge in result.cut if edge not in result.grown)
        weights[target, source] = 0.1
        return net, replace(result, weights=weights), "zeros off"
    if name == "NaN":
        source, target = result.grown[0]
        result.weights[target, source] = np.nan
        return net, result, "net.weights"
    return net, 7, "cannot rewire by int"


@pytest.mark.parametrize(
    "name",
    [
        "another size",
        "a wiring of another size",
        "other roles",
        "applied twice",
        "another wiring",
        "stale weights",
        "stale sensory weights",
        "weights off the wiring",
        "NaN",
        "a number",
    ],
)
def test_what_does_not_fit_is_refused_and_touches_nothing(name):
    net, change, words = broken(name)
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(ValueError, match=words):
        net.rewire(change)
    assert not any(changed_entries(before, net.state_dict()).values())


class Scaled(torch.nn.Module):
    def forward(self, value):
        return 2 * value

    def right_inverse(self, value):
        return value / 2


class OneWay(torch.nn.Module):
    def forward(self, value):
        return value.abs()


HELD = {
    "weight_norm": lambda net: torch.nn.utils.parametrizations.weight_norm(net, "raw_w"),
    "weight_norm of gates": lambda net: torch.nn.utils.parametrizations.weight_norm(net, "mu_in", dim=1),
    "scaled": lambda net: torch.nn.utils.parametrize.register_parametrization(net, "gamma", Scaled()),
    "two scaled": lambda net: [
        torch.nn.utils.parametrize.register_parametrization(net, name, Scaled())
        for name in ("e_rev", "raw_w_in")
    ],
}
REFUSED = {
    "one way": lambda net: torch.nn.utils.parametrize.register_parametrization(net, "raw_w", OneWay()),
    "spectral_norm": lambda net: torch.nn.utils.parametrizations.spectral_norm(net, "raw_w_in"),
    "pruned by torch": lambda net: prune.random_unstructured(net, "raw_w", 0.3),
    "the old weight_norm": lambda net: old_weight_norm(net, "gamma"),
    "after one that can be written": lambda net: [HELD["weight_norm"](net), REFUSED["spectral_norm"](net)],
}


def old_weight_norm(net, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.nn.utils.weight_norm(net, name)


@pytest.mark.parametrize("how", HELD)
def test_a_parametrised_weight_is_rewired_as_a_plain_one(how):
    (plain, change), (net, _) = case(), case()
    HELD[how](net)
    assert change.grown and change.grown_in
    plain.rewire(change, rng=np.random.default_rng(1))
    changed = net.rewire(change, rng=np.random.default_rng(1))
    for name, value in vars(plain.numpy_cell()).items():
        np.testing.assert_allclose(getattr(net.numpy_cell(), name), value, rtol=1e-5, atol=1e-6)
    assert net.wiring == plain.wiring
    own = dict(net.named_parameters())
    assert len(changed) == 8 and all(own[name].shape[0] == 14 for name in changed)


@pytest.mark.parametrize("how", REFUSED)
def test_a_weight_that_cannot_be_written_is_refused_and_nothing_is_touched(how):
    net, _ = case()
    REFUSED[how](net)
    net.eval()  # in training spectral_norm takes a step whenever it is read
    change = event(net, 0.9, np.random.default_rng(0))
    assert change.grown and change.grown_in
    before = copy.deepcopy(dict(net.state_dict()))
    with pytest.raises(ValueError, match="raw_w|gamma.*Nothing was changed"):
        net.rewire(change)
    assert not any(changed_entries(before, net.state_dict()).values())


def test_a_synapse_raised_in_place_keeps_the_reversal_potential_that_it_has_learned():
    net, _ = case()
    with torch.no_grad():
        net.e_rev += 0.3
    before = {name: value.clone() for name, value in net.state_dict().items() if name != "_extra_state"}
    raised = event(net, 0.5, np.random.default_rng(1), target="same")
    assert len(raised.cut) > 3 and raised.cut == raised.grown
    net.rewire(raised, rng=np.random.default_rng(2))
    for name in ("e_rev", "gamma", "mu", "polarity"):
        assert torch.equal(net.state_dict()[name], before[name]), name
    assert not torch.equal(net.raw_w, before["raw_w"])
