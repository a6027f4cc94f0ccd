"""Stacks: networks that train together have the bits of networks that train one by one, whatever happens to
one of them.
"""

import copy

import numpy as np
import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from ltcbook import models, pruning, train, wiring
from ltcbook.models import stack
from ltcbook.train import training

pytest.importorskip("numba")
from ltcbook.kernels import call

torch.set_num_threads(1)


def net(seed, n=7, motor=2, m=2, **options):
    """A network on a wiring of its own: other synapses, another number of them."""
    rng = np.random.default_rng(seed)
    drawn = wiring.random_sparse(n, sensory=m, sparsity=0.3 + 0.1 * (seed % 4), rng=rng)
    roles = ("motor",) * motor + ("hidden",) * (n - motor)
    own = wiring.Wiring(drawn.polarity, drawn.polarity_in, roles)
    options = {"solver": "fused", "generator": torch.Generator().manual_seed(seed)} | options
    return models.LTCNet(own, **options)


def data(seed, B=7, T=5, m=2, k=2, kind="mse", dt=False):
    rng = np.random.default_rng(100 + seed)
    u = rng.normal(size=(B, T, m))
    if kind == "mse":
        return (u, rng.normal(size=(B, T, k))) + ((rng.uniform(0.2, 1, (B, T)),) if dt else ())
    return u, rng.integers(k, size=B)


@pytest.fixture
def old(monkeypatch):
    """A function that trains by the loop of single modules, of which nothing is stacked."""

    def fit(*arguments, **options):
        with monkeypatch.context() as patch:
            patch.setattr(training, "likeness", lambda *_: None)
            return train.fit(*arguments, progress=False, **options)

    return fit


@pytest.fixture
def stacks(monkeypatch):
    """A list that grows by the size of every stack that is made."""
    sizes, original = [], training.Stacked

    def stacked(runs):
        sizes.append(len(runs))
        return original(runs)

    monkeypatch.setattr(training, "Stacked", stacked)
    return sizes


def fit(*arguments, **options):
    return train.fit(*arguments, progress=False, **options)


def same(a, b):
    """Whether two networks agree in every bit."""
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


CASES = {
    "mse": {},
    "irregular dt, float64": {"dt": True, "double": True},
    "classes": {"kind": "cross_entropy", "loss": "cross_entropy"},
    "pruned by weight": {"method": pruning.SET(every=3), "epochs": 4},
    "grown by gradient": {"method": pruning.RigL(every=3), "epochs": 4},
    "patience": {"validated": True, "patience": 2, "lr": 0.3, "epochs": 9},
    "scheduler": {"scheduler": lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.5)},
    "no clip, one sequence": {"clip": None, "B": 1, "batch_size": 1},
    "plateau": {
        "scheduler": lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, patience=0),
        "lr": 0.2,
        "epochs": 6,
    },
    "explicit, no maps": {"net": {"constraint": "explicit", "input_map": None, "output_map": "linear"}},
    "no inputs": {"net": {"m": 0}, "m": 0},
    "always clipped": {"clip": 1e-3},
    "now and then clipped": {"clip": 0.5, "lr": 0.1, "epochs": 6},
}


@pytest.mark.parametrize("name", CASES)
def test_a_stack_gives_each_network_the_bits_that_it_has_alone(name, old, stacks):
    options = {"epochs": 3, "batch_size": 4} | CASES[name]
    about = {key: options.pop(key) for key in ("B", "dt", "kind", "m") if key in options}
    make, double, validated = (options.pop(key, False) for key in ("net", "double", "validated"))
    nets = [net(seed, **(make or {})) for seed in range(3)]
    nets = [one.double() if double else one for one in nets]
    sets = [data(seed, **about) for seed in range(3)]
    others = [data(50 + seed, **about) for seed in range(3)] if validated else None
    alone, single = copy.deepcopy(nets), copy.deepcopy(nets)
    seen = {"mu": lambda model: model.mu.tolist()}
    histories = fit(
        nets,
        sets,
        validation=others,
        callbacks=seen,
        rng=[np.random.default_rng(k) for k in range(3)],
        **options,
    )
    assert stacks[0] == 3
    for way, them in ((old, alone), (fit, single)):
        for k, model in enumerate(them):
            history = way(
                model,
                sets[k],
                validation=others and others[k],
                callbacks=seen,
                rng=np.random.default_rng(k),
                **options,
            )
            assert same(model, nets[k]), (name, k)
            assert history == histories[k], (name, k)


def test_a_neighbour_whose_gates_are_read_far_out_changes_no_bit(old):
    nets, sets = [net(seed) for seed in range(3)], [data(seed) for seed in range(3)]
    nets[1].gamma.data *= 1e4  # far gates: the kernels must look where they are read
    twins = copy.deepcopy(nets)
    fit(nets, sets, epochs=2, rng=[np.random.default_rng(k) for k in range(3)])
    for k, model in enumerate(twins):
        old(model, sets[k], epochs=2, rng=np.random.default_rng(k))
        assert same(model, nets[k])


@pytest.mark.parametrize(
    "room, parts, pieces", [(2**22, [5], [5]), (60_000, [5], [3, 2]), (600, [2, 2, 1], [1] * 5)]
)
def test_networks_whose_states_or_inputs_need_several_pieces_have_the_same_bits(
    room, parts, pieces, old, monkeypatch
):
    made, solved, init, forward = [], [], call.Call.__init__, call.Call.forward
    monkeypatch.setattr(stack, "ROOM", room)
    monkeypatch.setattr(
        call.Call, "__init__", lambda self, *a, **o: (made.append(len(a[0])), init(self, *a, **o))[1]
    )
    monkeypatch.setattr(
        call.Call, "forward", lambda self, x0, s, *a: (solved.append(len(s)), forward(self, x0, s, *a))[1]
    )
    nets, sets = [net(seed) for seed in range(5)], [data(seed) for seed in range(5)]
    twins, rngs = copy.deepcopy(nets), [np.random.default_rng(k) for k in range(5)]
    histories = fit(nets, sets, validation=sets, epochs=2, rng=rngs, method=pruning.SET(every=1))
    assert made[: len(parts)] == parts and solved[: len(pieces)] == pieces
    for k, model in enumerate(twins):
        rng = np.random.default_rng(k)
        history = old(model, sets[k], validation=sets[k], epochs=2, rng=rng, method=pruning.SET(every=1))
        assert same(model, nets[k]) and history == histories[k]


def test_with_several_threads_too_sums_of_many_numbers_have_the_bits_of_one_network(old):
    nets, sets = [net(seed) for seed in range(2)], [data(seed, B=200, T=90) for seed in range(2)]
    assert sets[0][1].size > 2**15, "torch shares no sum of so few numbers among threads"
    twins, singles, options = copy.deepcopy(nets), copy.deepcopy(nets), {"epochs": 1, "batch_size": 200}
    try:
        torch.set_num_threads(3)
        rngs = [np.random.default_rng(k) for k in range(2)]
        histories = fit(nets, sets, validation=sets, rng=rngs, **options)
        for k in range(2):
            for way, them in ((old, twins), (fit, singles)):
                own = way(them[k], sets[k], validation=sets[k], rng=np.random.default_rng(k), **options)
                assert own == histories[k] and same(them[k], nets[k])
    finally:
        torch.set_num_threads(1)


@pytest.mark.parametrize("name", [one.__name__ for one in train.optimizers.ENTRYWISE])
def test_every_optimiser_that_moves_entry_by_entry_has_the_same_bits_for_all_entries_at_once(
    name, old, stacks
):
    with_momentum = {"SGD": {"momentum": 0.9}, "RMSprop": {"momentum": 0.5, "centered": True}}.get(name, {})
    options = {
        "optimizer": lambda ps: (
            getattr(torch.optim, name)(ps, lr=0.01, weight_decay=0.01, **with_momentum)
            if name != "Rprop"
            else torch.optim.Rprop(ps)
        ),
        "method": pruning.SET(every=2),
        "epochs": 2,
        "batch_size": 4,
    }
    nets, sets = [net(seed) for seed in range(2)], [data(seed) for seed in range(2)]
    alone = copy.deepcopy(nets)
    fit(nets, sets, rng=[np.random.default_rng(k) for k in range(2)], **options)
    assert stacks == [2]
    for k, model in enumerate(alone):
        old(model, sets[k], rng=np.random.default_rng(k), **options)
        assert same(model, nets[k])


def test_a_network_that_diverges_is_named_in_the_words_it_has_alone_and_the_others_go_on(old):
    nets, sets = [net(seed) for seed in range(3)], [data(seed) for seed in range(3)]
    with torch.no_grad():
        nets[1].output_w[:] = 1e30  # the loss overflows in the first step
    twins, rngs = copy.deepcopy(nets), [np.random.default_rng(k) for k in range(3)]
    with pytest.raises(ValueError, match="1 of 3 models failed, .*: model 1: .*lower lr") as all_:
        fit(nets, sets, epochs=3, rng=rngs)
    with pytest.raises(ValueError) as one:
        old(twins[1], sets[1], epochs=3, rng=np.random.default_rng(1))
    assert str(all_.value).endswith(str(one.value)) and same(nets[1], twins[1])
    for k in (0, 2):
        history = old(twins[k], sets[k], epochs=3, rng=np.random.default_rng(k))
        assert same(twins[k], nets[k]) and all_.value.histories[k] == history
    assert all_.value.histories[1] is None


@pytest.mark.parametrize("room", [stack.ROOM, 2000])
def test_a_network_that_cannot_follow_its_weights_after_some_steps_leaves_the_others_alone(
    room, old, monkeypatch
):
    monkeypatch.setattr(stack, "ROOM", room)  # 2000: the states of one at a time
    nets, sets = (
        [net(seed, solver="euler", substeps=1) for seed in range(3)],
        [(*data(k, T=30), 0.01) for k in range(3)],
    )

    def explode(model):
        if model.explodes:
            model.raw_c.data[:] = -40.0  # from now on a step of Euler is far too long

    for k, one in enumerate(nets):
        one.explodes = k == 1
    twins, options = copy.deepcopy(nets), {"epochs": 3, "batch_size": 2, "callbacks": {"explode": explode}}
    with pytest.raises(ValueError) as found:
        fit(nets, sets, rng=[np.random.default_rng(k) for k in range(3)], **options)
    with pytest.raises(ValueError, match="the model cannot follow its own weights any more") as alone:
        old(twins[1], sets[1], rng=np.random.default_rng(1), **options)
    said = "1 of 3 models failed, the others are trained: model 1: "
    assert str(found.value) == said + str(alone.value) and same(nets[1], twins[1])
    for k in (0, 2):
        history = old(twins[k], sets[k], rng=np.random.default_rng(k), **options)
        assert found.value.histories[k] == history and same(nets[k], twins[k])


def test_networks_have_their_own_memory_again_and_a_checkpoint_holds_one_network(tmp_path, old):
    nets, sets = [net(seed) for seed in range(8)], [data(seed) for seed in range(8)]
    before = [p.data_ptr() for one in nets for p in one.parameters()]
    alone, files = copy.deepcopy(nets[3]), [tmp_path / f"{k}.pt" for k in range(8)]
    rngs = lambda: [np.random.default_rng(k) for k in range(8)]
    options = {"epochs": 2, "batch_size": 4}
    fit(nets, sets, checkpoint=files, rng=rngs(), **options)
    old(alone, sets[3], checkpoint=tmp_path / "alone.pt", rng=rngs()[3], **options)
    assert before == [p.data_ptr() for one in nets for p in one.parameters()]
    assert all(p.grad is not None and p.is_leaf for one in nets for p in one.parameters())
    sizes = [path.stat().st_size for path in (files[3], tmp_path / "alone.pt")]
    assert sizes[0] < 1.1 * sizes[1], sizes
    # some of them go on from their files, in a stack again, others in the loop of single modules
    options["epochs"] = 4
    again = [net(seed) for seed in range(8)]
    files[1].unlink()  # one begins anew, and so is steps behind
    fit(again, sets, checkpoint=files, rng=rngs(), **options)
    for k in (1, 3):
        whole = net(k)
        old(whole, sets[k], rng=rngs()[k], **options)
        assert same(whole, again[k])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"models": [net(0), net(1, n=8)]}, r"models differ in neurons \(model 0: 7, model 1: 8\)"),
        (
            {"models": [net(0), net(1, motor=1, solver="exponential")]},
            r"motor neurons \(model 0: \(0, 1\), .*solver \(model 0: 'fused', model 1: 'exponential'\)",
        ),
        ({"models": [net(0), models.RNNet(2, 7, 2)]}, "class .model 0: 'LTCNet', model 1: 'RNNet'"),
        ({"models": []}, "the list of models is empty"),
        ({"models": [net(0)] * 2}, "holds one of them twice"),
        ({"data": [data(0)]}, "data is a list of 1, and there are 2 models"),
        ({"rng": [np.random.default_rng(0)] * 3}, "rng is a list of 3, and there are 2 models"),
        ({"checkpoint": "run.pt"}, "several models need several checkpoints"),
    ],
)
def test_a_list_that_cannot_be_a_stack_is_refused_in_words(change, message):
    given = {"models": [net(0), net(1)], "data": data(0), "rng": np.random.default_rng(0)} | change
    before = [copy.deepcopy(one) for one in given["models"]]
    with pytest.raises(ValueError, match=message):
        fit(given.pop("models"), given.pop("data"), epochs=1, **given)
    for one, copied in zip(change.get("models", []), before, strict=False):
        assert same(one, copied)


def test_what_cannot_be_stacked_trains_one_after_another_with_the_numbers_it_has_alone(stacks):
    ours = lambda y, target: (y - target).abs().mean()
    kinds = {
        "another loss": ([net(0), net(1)], {"loss": ours}),
        "another module": ([models.GRUNet(2, 5, 2), models.GRUNet(2, 5, 2)], {}),
        "the reference": ([net(0, backend="reference"), net(1, backend="reference")], {}),
        "decay": ([net(0), net(1)], {"decay": 0.1}),
        "LBFGS": ([net(0), net(1)], {"optimizer": torch.optim.LBFGS}),
    }
    for name, (some, options) in kinds.items():
        twins = copy.deepcopy(some)
        histories = fit(some, data(0), epochs=2, rng=np.random.default_rng(5), **options)
        for k, rng in enumerate(np.random.default_rng(5).spawn(2)):
            assert fit(twins[k], data(0), epochs=2, rng=rng, **options) == histories[k], name
            assert same(twins[k], some[k]), name
    assert stacks == []


def test_hooks_and_frozen_parameters_keep_the_loop_in_which_they_are_heard(stacks):
    heard, seen = [], []
    one = net(0)
    one.register_forward_hook(lambda *_: heard.append(1))
    frozen = net(1)
    frozen.mu.requires_grad_(False)
    grown = net(2)
    grown.mu.register_hook(seen.append)
    before = frozen.mu.clone()
    for model in (one, frozen, grown):
        fit(model, data(0), epochs=2, rng=np.random.default_rng(0))
    assert len(heard) == 2 and len(seen) == 2 and torch.equal(frozen.mu, before) and stacks == []


@pytest.mark.parametrize("only", [(0, 1, 2), (1,)], ids=["all", "one"])
def test_a_solver_that_a_callback_changes_solves_the_next_epoch(only, old):
    nets, sets = [net(seed) for seed in range(3)], [data(seed) for seed in range(3)]
    twins = copy.deepcopy(nets)

    def refine(models):
        def change(model):
            if any(model is models[k] for k in only):
                model.substeps += 1
                model.solver = "extrapolated"

        return {"change": change}

    options = {"epochs": 3, "batch_size": 4, "validation": sets}
    fit(nets, sets, rng=[np.random.default_rng(k) for k in range(3)], callbacks=refine(nets), **options)
    for k, model in enumerate(twins):
        one = options | {"validation": sets[k], "callbacks": refine(twins)}
        old(model, sets[k], rng=np.random.default_rng(k), **one)
        assert same(model, nets[k]), k


def test_hooks_on_all_optimisers_of_a_process_hear_the_one_that_was_given(stacks):
    seen, model = [], net(0)
    handle = register_optimizer_step_post_hook(lambda one, *_: seen.append(one))
    try:
        fit(model, data(0), epochs=2, rng=np.random.default_rng(0))
    finally:
        handle.remove()
    assert len(seen) == 2 and stacks == []
    assert {id(p) for p in train.optimizers.parameters(seen[0])} == {id(p) for p in model.parameters()}


def test_synapses_and_parameters_that_a_callback_changes_count_in_the_next_epoch(old):
    other = net(5)

    def change(model):
        model.rewire(other.wiring, new_weight=0.1, rng=np.random.default_rng(3))
        with torch.no_grad():
            model.e_leak.data = model.e_leak + 0.25  # storage of its own

    nets, sets = [net(seed) for seed in range(3)], [data(seed) for seed in range(3)]
    twins, options = copy.deepcopy(nets), {"epochs": 3, "batch_size": 4, "callbacks": {"change": change}}
    fit(nets, sets, rng=[np.random.default_rng(k) for k in range(3)], **options)
    for k, model in enumerate(twins):
        old(model, sets[k], rng=np.random.default_rng(k), **options)
        assert same(model, nets[k])
