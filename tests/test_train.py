"""Training: the same seed gives the same bits, also after a kill; what is cut is forgotten; what does not
fit is refused.
"""

import copy
import inspect
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from strategies import fresh, random_ncp, seeds

from ltcbook import analysis, dynamics, models, simulate, tasks, train, wiring
from ltcbook.pruning import (
    SET,
    DeepR,
    GradualMagnitude,
    Method,
    Nothing,
    OneShotMagnitude,
    PruneRewire,
    RandomRewiring,
    RigL,
)

torch.set_num_threads(1)
METHODS = [
    None,
    Nothing(),
    PruneRewire(every=3, threshold=0.4, target="slowest"),
    OneShotMagnitude(every=3, sparsity=0.3),
    PruneRewire(every=3, threshold=0.4, target="gradient", grace=4),
    GradualMagnitude(every=3, sparsity=0.3),
    SET(every=3),
    RigL(every=3),
    DeepR(every=3, pull=0.2, temperature=0.2),
    RandomRewiring(every=3),
]
named = pytest.mark.parametrize(
    "method", METHODS, ids=lambda m: f"{type(m).__name__}-{getattr(m, 'target', '')}"
)


def net(seed=0, **options):
    """A small LTC network, 10 neurons, 2 inputs, 1 output."""
    w = wiring.auto_ncp(10, 1, sensory=2, rng=np.random.default_rng(seed))
    return models.LTCNet(w, substeps=1, generator=torch.Generator().manual_seed(seed), **options)


def sines(batch=6, steps=8, seed=1):
    return tasks.sine(steps, batch=batch, noise=0.1, rng=np.random.default_rng(seed))


def fit(model, data=None, seed=3, **options):
    options = {"epochs": 6, "batch_size": 4, "progress": False} | options  # 2 steps per epoch
    return train.fit(model, sines() if data is None else data, rng=np.random.default_rng(seed), **options)


def bits(value):
    """A nest of arrays, tensors and numbers as something that == compares bit for bit."""
    if isinstance(value, train.History):
        return bits(vars(value))
    if isinstance(value, dict):
        return {key: bits(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(item) for item in value]
    if isinstance(value, (np.ndarray, torch.Tensor)):
        value = np.asarray(value)
        return str(value.dtype), value.shape, value.tobytes()
    return repr(value)


def weights(model):
    return bits(model.state_dict())


# --- the loop
# --------------------------------------------------------------------------------------------------------


def test_training_fits_and_writes_down_every_epoch():
    model, data = net(), tasks.sine(12, span=np.pi)
    history = fit(
        model, data, epochs=100, lr=0.03, validation=sines(seed=2), callbacks={"bias": lambda m: m.output_b}
    )
    assert (
        history.epochs == len(history.loss) == len(history.validation) == len(history.records["bias"]) == 100
    )
    assert train.evaluate(model, data) < 0.1 * history.loss[0]
    assert (
        history.best_epoch == int(np.argmin(history.validation))
        and not history.stopped_early
        and history.events == []
    )
    np.testing.assert_array_equal(history.records["bias"][-1], model.output_b.detach().numpy())
    # copies, not views of what trains on
    assert (history.records["bias"][0] != history.records["bias"][-1]).all()
    assert train.evaluate(model, sines(seed=2)) == history.validation[-1]


@named
def test_equal_generators_give_equal_bits(method):
    results = []
    for seed in (3, 3, 4):
        model = net()
        torch.manual_seed(seed)  # must not matter
        history = fit(model, method=method, seed=seed, validation=sines(seed=2))
        results.append((bits(history), weights(model)))
    assert results[0] == results[1] and results[0] != results[2]


def test_torchs_own_generator_neither_matters_nor_moves():
    noisy = lambda: models.CTRNNet(2, 5, 1, noise_pre=0.3, generator=torch.Generator().manual_seed(0))
    runs = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        before, model = torch.get_rng_state(), noisy()
        runs.append((bits(fit(model, validation=sines(seed=2))), weights(model)))
        assert torch.equal(before, torch.get_rng_state())
    assert runs[0] == runs[1] != (bits(fit(noisy(), seed=9, validation=sines(seed=2))), None)


def test_validation_is_without_noise_and_leaves_the_mode_alone():
    model = models.CTRNNet(2, 5, 1, noise_pre=0.5, noise_post=0.5, generator=torch.Generator().manual_seed(0))
    for mode in (True, False):
        model.train(mode)
        assert train.evaluate(model, sines()) == train.evaluate(model, sines())
        assert model.training is mode
        modes = []  # of two steps, one validation, one callback

        def loss(y, target):
            modes.append(model.training)
            return (y - target).square().mean()

        fit(
            model,
            epochs=1,
            loss=loss,
            validation=sines(),
            callbacks={"mode": lambda m: modes.append(m.training)},
        )
        assert modes == [True, True, False, False] and model.training is mode


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("where", ["loss", "callbacks"])
def test_every_part_of_a_model_is_in_the_mode_it_had_also_after_an_error(error, where):
    model = stack()
    model.nets[0].eval()
    modes = [part.training for part in model.modules()]
    assert len(set(modes)) == 2

    def stop(*given):
        raise error

    fit(model, epochs=1, validation=sines(seed=2))
    assert [part.training for part in model.modules()] == modes
    with pytest.raises(error):
        fit(model, **{where: stop if where == "loss" else {"stop": stop}})
    assert [part.training for part in model.modules()] == modes


def test_an_epoch_sees_every_sequence_once_in_an_order_of_its_own():
    seen = []

    def spy(y, target):
        seen.append(target[:, 0].tolist())
        return (y * 0).mean() + target.mean()

    inputs = np.zeros((7, 3, 2))
    history = fit(net(), (inputs, np.arange(7.0)[:, None]), loss=spy, epochs=3, batch_size=3)
    orders = [sum(seen[3 * k : 3 * k + 3], []) for k in range(3)]
    assert all(sorted(order) == list(range(7)) for order in orders) and orders[0] != orders[1] != orders[2]
    assert {len(batch) for batch in seen} == {2, 3}
    np.testing.assert_allclose(history.loss, 3.0)  # the mean over sequences, not over batches


def test_patience_stops_and_brings_back_the_best_weights_with_their_wiring():
    model, kept = net(), []
    validation = (sines()[0], -sines()[1])  # the better the fit, the worse it gets
    history = fit(
        model,
        epochs=50,
        patience=4,
        lr=0.03,
        validation=validation,
        method=SET(every=1, stop=1.0),
        callbacks={"kept": lambda m: kept.append((weights(m), m.wiring))},
    )
    assert history.stopped_early and history.epochs == history.best_epoch + 5 < 50
    assert weights(model) == kept[history.best_epoch][0] and model.wiring == kept[history.best_epoch][1]
    assert model.wiring != kept[-1][1]
    assert train.evaluate(model, validation) == min(history.validation)


def test_the_bar_is_shown_or_not(capsys):
    fit(net(), epochs=3)
    assert capsys.readouterr() == ("", "")
    fit(net(), epochs=3, progress=True, validation=sines(seed=2))
    shown = capsys.readouterr()
    assert shown.out == "" and "3/3" in shown.err and "loss=" in shown.err and "validation=" in shown.err


def test_clip_bounds_the_step_that_sgd_would_make():
    model = net()
    run = train.run._Run(model, "mse", None, 1e-2, 0.01, 1, np.random.default_rng(0))
    data = train.data.checked_data("data", sines(), model, "mse")
    run.step(data)
    norm = torch.sqrt(sum((p.grad**2).sum() for p in model.parameters()))
    assert norm == pytest.approx(0.01, rel=1e-3)
    free = train.run._Run(net(), "mse", None, 1e-2, None, 1, np.random.default_rng(0))
    free.step(data)
    assert torch.sqrt(sum((p.grad**2).sum() for p in free.model.parameters())) > 0.011


# --- every model, every kind of data
# -----------------------------------------------------------------------------------

MODELS = {
    "RNNet": lambda outputs: models.RNNet(2, 6, outputs, generator=torch.Generator().manual_seed(0)),
    "CTRNNet": lambda outputs: models.CTRNNet(2, 6, outputs, generator=torch.Generator().manual_seed(0)),
    "ODENet": lambda outputs: models.ODENet(
        2, 4, outputs, hidden=5, generator=torch.Generator().manual_seed(0)
    ),
    "CfCNet": lambda outputs: models.CfCNet(
        6, 2, outputs, backbone_units=5, generator=torch.Generator().manual_seed(0)
    ),
    "CfCNet wired": lambda outputs: models.CfCNet(
        wiring.auto_ncp(9, outputs, sensory=2, rng=np.random.default_rng(0)),
        generator=torch.Generator().manual_seed(0),
    ),
    "LTCNet": lambda outputs: models.LTCNet(
        wiring.auto_ncp(9, outputs, sensory=2, rng=np.random.default_rng(0)),
        substeps=1,
        generator=torch.Generator().manual_seed(0),
    ),
    "LTCNet memory": lambda outputs: models.LTCNet(
        wiring.auto_ncp(9, outputs, sensory=2, rng=np.random.default_rng(0)),
        substeps=1,
        memory="lstm",
        generator=torch.Generator().manual_seed(0),
    ),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", ["irregular", "per step", "classes", "one class", "single", "float64"])
def test_every_model_learns_on_every_kind_of_data(name, kind):
    rng, loss, outputs = np.random.default_rng(0), "mse", 1
    inputs, targets, dt = tasks.irregular(8, batch=6, rng=rng)
    data = {
        "irregular": (inputs, targets, dt),
        "per step": (inputs, targets, dt[0]),
        "single": (inputs[0], targets[0], dt[0]),
        "float64": (inputs, targets, 0.7),
    }.get(kind)
    if data is None:
        loss, outputs, classes = "cross_entropy", 3, np.digitize(targets[..., 0], [-0.5, 0.5])
        data = (inputs, classes if kind == "classes" else classes[:, -1])
    model = MODELS[name](outputs).to(torch.float64 if kind == "float64" else torch.float32)
    before = train.evaluate(model, data, loss=loss)
    history = fit(model, data, loss=loss, epochs=25, lr=0.02)
    assert train.evaluate(model, data, loss=loss) < before and history.loss[-1] < history.loss[0]


@pytest.mark.parametrize(
    "dtype", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", ">i4", torch.int16]
)
def test_labels_may_be_of_any_integer_type(dtype):
    classes = np.random.default_rng(0).integers(0, 3, (6, 8))
    told = torch.tensor(classes, dtype=dtype) if isinstance(dtype, torch.dtype) else classes.astype(dtype)
    runs = []
    for labels in (told, classes, told[:, -1], classes[:, -1]):
        model = MODELS["RNNet"](3)
        history = fit(model, (sines()[0], labels), loss="cross_entropy", epochs=2)
        runs.append(
            (history.loss, weights(model), train.evaluate(model, (sines()[0], labels), loss="cross_entropy"))
        )
    assert runs[0] == runs[1] != runs[2] == runs[3]
    kinds = []
    fit(
        MODELS["RNNet"](3),
        (sines()[0], told),
        epochs=1,
        loss=lambda y, t: (kinds.append(t.dtype), y.mean())[1],
    )
    assert set(kinds) == {torch.int64}  # a function of one's own gets what torch's losses take


@pytest.mark.parametrize("name", MODELS)
def test_a_bfloat16_model_learns_and_resumes_to_the_same_bits(tmp_path, name):
    make = lambda: MODELS[name](1).to(torch.bfloat16)
    options = {
        "validation": sines(seed=2),
        "lr": 0.05,
        "callbacks": {"last": lambda m: next(iter(m.parameters()))},
    }
    if name == "LTCNet":
        options |= {"method": PruneRewire(every=4, threshold=0.4, target="gradient")}
        options["callbacks"] |= train.recorders(np.ones(2))
    part, whole = make(), make()
    if "method" not in options:  # a method's schedule needs the length of the whole run
        fit(part, epochs=3, checkpoint=tmp_path / "a.pt", **options)
    history, expected = fit(part, checkpoint=tmp_path / "a.pt", **options), fit(whole, **options)
    assert bits(history) == bits(expected) and all(
        torch.equal(p, q) for p, q in zip(part.parameters(), whole.parameters(), strict=True)
    )
    assert min(history.loss[1:]) < history.loss[0] and {p.dtype for p in part.parameters()} == {
        torch.bfloat16
    }
    last, record = next(iter(whole.parameters())), expected.records["last"][-1]
    assert record.dtype == np.float32 and (record == last.detach().float().numpy()).all()
    other = sines(seed=2)
    with pytest.raises(ValueError, match="data [0-9]+ there"):
        fit(make(), other, checkpoint=tmp_path / "a.pt", **options)


class Wrapped(torch.nn.Module):
    """Two networks one after the other, with the signature of a ``Net`` and nothing else."""

    def __init__(self, *nets, out=None):
        super().__init__()
        self.nets, self.out = torch.nn.ModuleList(nets), out

    def forward(self, u, x0=None, dt=1.0):
        states, before = (
            [],
            [None] * len(self.nets) if x0 is None else x0.split([net.state_size for net in self.nets], -1),
        )
        for net, x in zip(self.nets, before, strict=True):
            u, state = net(u, x, dt)
            states.append(state)
        u = u if self.out is None else self.out(u)
        return u, torch.cat(states, -1)


def stack(seed=0):
    rng, g = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    return Wrapped(
        models.CTRNNet(2, 5, 3, generator=g),
        models.LTCNet(wiring.auto_ncp(8, 1, sensory=3, rng=rng), substeps=1, generator=g),
    )


@pytest.mark.parametrize("kind", ["mse", "classes", "one class", "single"])
def test_any_module_with_the_signature_of_a_net_learns(tmp_path, kind):
    inputs, targets, dt = tasks.irregular(8, batch=6, rng=np.random.default_rng(0))
    make, loss, data = stack, "mse", (inputs, targets, dt)
    if kind == "single":
        data = (inputs[0], targets[0], dt[0])
    elif kind != "mse":
        loss, classes = "cross_entropy", np.digitize(targets[..., 0], [-0.5, 0.5])
        torch.manual_seed(0)
        head = torch.nn.Linear(4, 3)
        make = lambda: Wrapped(
            models.CTRNNet(2, 4, 4, generator=torch.Generator().manual_seed(0)), out=copy.deepcopy(head)
        )
        data = (inputs, classes if kind == "classes" else classes[:, -1], dt)
    model, again = make(), make()
    before = train.evaluate(model, data, loss=loss)
    history = fit(model, data, loss=loss, epochs=12, lr=0.02, validation=data, patience=12)
    assert train.evaluate(model, data, loss=loss) < before and history.loss[-1] < history.loss[0]
    options = {"loss": loss, "lr": 0.02, "validation": data, "patience": 12, "checkpoint": tmp_path / "a.pt"}
    fit(again, data, epochs=5, **options)
    assert bits(fit(again, data, epochs=12, **options)) == bits(history) and weights(again) == weights(model)


class Odd(torch.nn.Module):
    def __init__(self, gives):
        super().__init__()
        self.a, self.gives = torch.nn.Parameter(torch.ones(1)), gives

    def forward(self, u, x0=None, dt=1.0):
        return self.gives(self.a * u)


@pytest.mark.parametrize(
    "gives, words",
    [
        (lambda y: y, r"gave \(3, 8, 2\); it must return \(y, x\)"),
        (lambda y: (y[:, -1], y), r"gave \(3, 2\)"),
        (lambda y: None, "gave NoneType"),
        (lambda y: (y, y, y), "it must return"),
        (lambda y: (y[..., :1].expand(-1, -1, 5), y), r"outputs \(3, 8, 5\)"),
    ],
)
def test_a_module_that_gives_no_outputs_and_states_is_named(gives, words):
    model = Odd(gives)
    with pytest.raises(ValueError, match=words):
        fit(model)
    assert model.a == 1


def test_modules_without_the_signature_or_anything_to_learn_are_refused():
    for model, words in (
        (torch.nn.Sequential(net(), net()), "model is Sequential; pass"),
        (torch.nn.LSTM(2, 1), "model is LSTM"),
        (net, "model is function"),
        (Wrapped(), "nothing to learn"),
    ):
        with pytest.raises(ValueError, match=words):
            train.fit(model, sines(), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="classes run to 5; the model has 2 outputs"):
        fit(Odd(lambda y: (y, y)), (sines()[0], np.full((6, 8), 5)), loss="cross_entropy")


def test_the_time_steps_reach_the_model():
    inputs, targets, dt = tasks.irregular(8, batch=3, rng=np.random.default_rng(0))
    model = net()
    y = lambda dt: model(torch.tensor(inputs, dtype=torch.float32), dt=dt)[0]
    mse = lambda dt: torch.mean((y(torch.as_tensor(dt).float()) - torch.tensor(targets).float()) ** 2).item()
    for given_dt in (dt, dt[0], 0.3):
        assert train.evaluate(model, (inputs, targets, given_dt)) == pytest.approx(mse(given_dt), rel=1e-6)
    assert train.evaluate(model, (inputs, targets)) == pytest.approx(mse(1.0), rel=1e-6)


def test_cross_entropy_is_minus_the_mean_logarithm_of_the_right_class():
    model, rng = MODELS["RNNet"](3), np.random.default_rng(0)
    inputs, classes = rng.normal(size=(4, 5, 2)), rng.integers(0, 3, (4, 5))
    y = model(torch.tensor(inputs, dtype=torch.float32))[0].detach().double().numpy()
    log_p = y - np.log(np.exp(y).sum(-1, keepdims=True))
    right = np.take_along_axis(log_p, classes[..., None], -1)[..., 0]
    assert train.evaluate(model, (inputs, classes), loss="cross_entropy") == pytest.approx(
        -right.mean(), rel=1e-6
    )
    one = train.evaluate(model, (inputs[0], classes[0, -1]), loss="cross_entropy")
    assert one == pytest.approx(-right[0, -1], rel=1e-6)
    assert train.evaluate(model, (inputs, classes[:, -1]), loss="cross_entropy") == pytest.approx(
        -right[:, -1].mean(), rel=1e-6
    )


def test_the_device_finds_itself_and_wrong_ones_are_named(monkeypatch):
    model = net()
    fit(model, epochs=1)
    assert next(model.parameters()).device.type == "cpu"  # its kernels are faster there than a GPU's steps
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert model.compiled and train.training.found_device(model).type == "cpu"
    for change in ({"backend": "edges"}, {"solver": "rk4"}):
        other = net()
        vars(other).update({"_" * (name == "backend") + name: value for name, value in change.items()})
        assert not other.compiled and train.training.found_device(other).type == "cuda"
    assert train.training.found_device(models.CfCNet.from_ltc(model)).type == "cpu"
    assert train.training.found_device(models.CfCNet(model.wiring)).type == "cuda"
    assert train.training.found_device(torch.nn.Linear(2, 2)).type == "cuda"
    assert train.training.found_device(net().to("meta")).type == "meta"  # who has moved it knows why
    monkeypatch.undo()
    for device in ("abacus", "cuda:99", 3.5):
        with pytest.raises(ValueError, match="not to be had"):
            fit(model, device=device)


# --- pruning while it trains
# -------------------------------------------------------------------------------------------


@named
def test_events_come_on_schedule_and_the_history_tells_them_all(method):
    model = net()
    start = model.wiring
    history = fit(model, epochs=10, method=method)
    assert [event["step"] for event in history.events] == ([] if method is None else list(method.events(20)))
    for suffix in ("", "_in"):
        there = {(int(s), int(t)) for t, s in np.argwhere(getattr(start, "polarity" + suffix))}
        for event in history.events:
            assert set(event["cut" + suffix]) <= there and not set(event["grown" + suffix]) & there
            there = there - set(event["cut" + suffix]) | set(event["grown" + suffix])
        assert there == {(int(s), int(t)) for t, s in np.argwhere(getattr(model.wiring, "polarity" + suffix))}
    if isinstance(method, (OneShotMagnitude, GradualMagnitude)):
        assert model.wiring.synapses == start.synapses - round(start.synapses * 0.3)
    else:
        assert model.wiring.synapses == start.synapses
    assert len(history.events) == 0 or any(event["cut"] + event["cut_in"] for event in history.events)


class Spy(Method):
    """Keeps what it was given, and rewires at random."""

    needs_gradient = needs_time_constant = True

    def event(self, step, steps, wiring, weights, weights_in, **given):
        self.seen.append((step, weights, weights_in, given, self.model.e_rev.detach().numpy().copy()))
        return RandomRewiring(every=self.every, stop=1.0, fraction=0.5).event(
            step, steps, wiring, weights, weights_in, **given
        )


def test_a_method_is_told_ages_signs_gradients_and_time_constants():
    model, spy = net(), Spy(every=2, stop=1.0)
    vars(spy).update(seen=[], model=model)
    history = fit(model, epochs=6, method=spy)
    born = {suffix: np.zeros(getattr(model.wiring, "polarity" + suffix).shape) for suffix in ("", "_in")}
    for event, (step, w, w_in, told, e_rev) in zip(history.events, spy.seen, strict=True):
        assert step == event["step"]
        np.testing.assert_array_equal(told["sign"], np.sign(e_rev))
        for suffix, weight in (("", w), ("_in", w_in)):
            np.testing.assert_array_equal(told["age" + suffix][weight > 0], (step - born[suffix])[weight > 0])
            assert told["gradient" + suffix].shape == weight.shape and (told["gradient" + suffix] != 0).any()
            assert set(np.unique(told["sign" + suffix])) <= {-1, 1}
            for source, target in event["cut" + suffix] + event["grown" + suffix]:
                born[suffix][target, source] = step
        assert (told["time_constant"] > 0).all() and told["time_constant"].shape == (10,)
    # the event was the last thing that happened
    e_rev, grown = model.e_rev.detach().numpy(), history.events[-1]["grown"]
    assert grown and all(e_rev[t, s] == model.wiring.polarity[t, s] == told["sign"][t, s] for s, t in grown)


def test_time_constants_for_the_rule_slowest_are_means_over_the_batch():
    model, (inputs, _) = net(), sines()
    u = torch.tensor(inputs, dtype=torch.float32)
    x = model(u)[1].detach().double().numpy()
    tau = dynamics.time_constant(x, model.map_input(u).detach().double().numpy(), model.numpy_cell())
    np.testing.assert_allclose(train.synapses.mean_time_constant(model, u), tau.mean((0, 1)), rtol=1e-5)


@settings(max_examples=fresh or 12)
@given(seed=seeds)
def test_weight_gradients_are_autograd_on_synapses_and_finite_differences_off_them(seed):
    rng = np.random.default_rng(seed)
    solver = str(rng.choice(list(simulate.METHODS)))
    model = models.LTCNet(
        random_ncp(rng, 5),
        solver=solver,
        substeps=2,
        constraint=rng.choice(["implicit", "explicit"]),
        generator=torch.Generator().manual_seed(seed % 2**31),
    ).double()
    inputs, dt = rng.normal(size=(3, 4, model.m)), rng.uniform(0.05, 0.1, (3, 4))
    targets, n = rng.normal(size=(3, 4, model.outputs)), model.n
    before = weights(model)
    gradients = train.weight_gradients(model, (inputs, targets, dt))
    assert weights(model) == before and "cell" not in vars(model)

    cell, u = model.numpy_cell(), model.map_input(torch.tensor(inputs)).detach().numpy()
    out_w, out_b = model.output_w.detach().numpy(), model.output_b.detach().numpy()

    def loss(**changes):  # NumPy alone, in small steps of one weight
        x = simulate.simulate(
            replace(cell, **changes), u, np.zeros((3, n)), dt, method=model.solver, substeps=2
        )
        return np.mean((x[..., model.motor.numpy()] * out_w + out_b - targets) ** 2)

    model.zero_grad()
    y, _ = model(torch.tensor(inputs), dt=torch.tensor(dt))
    torch.mean((y - torch.tensor(targets)) ** 2).backward()
    for name, gradient in zip(("w", "w_in"), gradients, strict=True):
        w, raw = getattr(cell, name), getattr(model, "raw_" + name).detach()
        slope = torch.sigmoid(raw).numpy() if model.constraint == "implicit" else np.sign(raw.numpy())
        there = w != 0
        np.testing.assert_allclose(
            getattr(model, "raw_" + name).grad.numpy()[there],
            (gradient * slope)[there],
            rtol=1e-9,
            atol=1e-12,
        )
        absent = np.argwhere(~there)
        for at in map(tuple, rng.permutation(absent)[:6]):
            h, steps = 1e-4, []
            for size in (h, 2 * h):  # a weight cannot be negative: a one-sided difference of second order
                moved = w.copy()
                moved[at] += size
                steps.append(loss(**{name: moved}))
            slope = (4 * steps[0] - steps[1] - 3 * loss()) / (2 * h)
            assert gradient[at] == pytest.approx(slope, abs=1e-6 + 1e-4 * abs(slope))


def test_weight_gradients_also_without_inputs_and_only_for_conductances():
    w = wiring.fully_connected(4, sensory=0, rng=np.random.default_rng(0))
    model = models.LTCNet(w, substeps=1, generator=torch.Generator().manual_seed(0))
    gradient, gradient_in = train.weight_gradients(model, (np.zeros((2, 3, 0)), np.ones((2, 3, 4))))
    assert gradient.shape == (4, 4) and gradient_in.shape == (4, 0) and (gradient != 0).all()
    with pytest.raises(ValueError, match="conductances"):
        train.weight_gradients(models.CTRNNet(2, 5, 1), sines())
    fit(model, (np.zeros((2, 3, 0)), np.ones((2, 3, 4))), method=DeepR(every=2, pull=0.5))


# --- Adam and single synapses
# --------------------------------------------------------------------------------------------


def adam(gradients, *, before=2000, prepare=None):
    """Updates / lr of one entry of a parameter: ``before`` steps of gradient 1, then the entry is
    prepared, then these.
    """
    p = torch.nn.Parameter(torch.zeros(3, dtype=torch.float64))
    optimizer = torch.optim.Adam([p], lr=1e-3)
    for _ in range(before):
        p.grad = torch.ones(3, dtype=torch.float64)
        optimizer.step()
    if prepare is not None:
        prepare(optimizer.state[p])
    moves = []
    for gradient in gradients:
        last, p.grad = p.detach().clone(), torch.tensor([gradient, 1.0, 1.0], dtype=torch.float64)
        optimizer.step()
        moves.append(float((last - p.detach())[0] / 1e-3))
    return np.array(moves)


class OneSynapse(torch.nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p


def test_a_stale_first_moment_alone_drifts_a_masked_weight_by_nine_learning_rates():
    k = np.arange(1, 400)
    assert adam(np.zeros(400)).sum() == pytest.approx(np.sum(0.9**k / np.sqrt(0.999) ** k), rel=2e-3)
    assert adam(np.zeros(400)).sum() == pytest.approx(9.05, abs=0.02)


def test_a_second_moment_of_zero_beside_many_steps_jumps():
    def zeroed(state):
        state["exp_avg"][0] = state["exp_avg_sq"][0] = 0

    moves = adam(np.ones(40), prepare=zeroed, before=20000)
    assert moves[0] == pytest.approx(0.1 / np.sqrt(0.001), rel=1e-4) and moves.argmax() == 11
    assert moves.max() == pytest.approx(6.5685, rel=1e-3)


@pytest.mark.parametrize("scale, most", [(1.0, 1.0), (0.1, 1.0), (3.0, 3.2)])
def test_reset_moments_keeps_grown_synapses_within_a_learning_rate_and_cut_ones_where_they_are(scale, most):
    def reset(state, cut=(), grown=()):
        p = torch.nn.Parameter(torch.zeros(3))
        optimizer = torch.optim.Adam([p])
        optimizer.state[p] = state
        index = lambda k: torch.tensor([list(k)], dtype=torch.long)
        train.reset_moments(optimizer, OneSynapse(p), {"p": (index(cut), index(grown))})

    grown = adam(scale * np.ones(60), prepare=lambda s: reset(s, grown=[0]))
    # gradients 1 before
    assert np.abs(grown).max() <= most * (1 + 1e-9) and np.abs(grown[0]) <= 0.1 * most * (1 + 1e-9)
    assert np.abs(adam(np.zeros(60), prepare=lambda s: reset(s, cut=[0]))).max() == 0
    both = adam(np.ones(60), prepare=lambda s: reset(s, cut=[0], grown=[0]))  # raised in place
    assert np.abs(both).max() <= 1 + 1e-9


def test_an_event_resets_the_moments_of_its_synapses_and_no_others():
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    loss = lambda: train.data.objective(model, "mse", *train.data.checked_data("d", sines(), model, "mse"))
    for _ in range(5):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    w, w_in = model.weights()
    event = SET(every=1, fraction=0.5).event(1, 2, model.wiring, w, w_in, rng=np.random.default_rng(0))
    before = copy.deepcopy({name: optimizer.state[p] for name, p in model.named_parameters()})
    changed = model.rewire(event, rng=np.random.default_rng(0))
    train.reset_moments(optimizer, model, changed)
    assert set(changed) == {
        name + suffix for name in ("raw_w", "gamma", "mu", "e_rev") for suffix in ("", "_in")
    }
    for name, p in model.named_parameters():
        state, kept = optimizer.state[p], torch.ones_like(p, dtype=torch.bool)
        assert state["step"] == before[name]["step"]
        cut, grown = changed.get(name, ((), ()))
        if name in changed:
            kept[tuple(cut)] = kept[tuple(grown)] = False
            assert (state["exp_avg"][~kept] == 0).all() and (state["exp_avg_sq"][tuple(cut)] == 0).all()
            positive = before[name]["exp_avg_sq"][kept & (before[name]["exp_avg_sq"] > 0)]
            assert (state["exp_avg_sq"][tuple(grown)] == positive.median()).all() and positive.median() > 0
        for moment in ("exp_avg", "exp_avg_sq"):
            assert torch.equal(state[moment][kept], before[name][moment][kept])
    p0 = model.raw_w.detach().clone()
    optimizer.zero_grad()
    loss().backward()
    optimizer.step()
    cut = tuple(changed["raw_w"][0])
    assert torch.equal(model.raw_w.detach()[cut], p0[cut])  # no drift

    run = train.run._Run(
        net(), "mse", SET(every=1, stop=1.0, fraction=0.5), 1e-2, 1.0, 3, np.random.default_rng(0)
    )
    for _ in range(3):  # the loop does it too
        run.step(train.data.checked_data("d", sines(), run.model, "mse"))
        source, target = run.history.events[-1]["cut"][0]
        assert run.optimizer.state[run.model.raw_w]["exp_avg"][target, source] == 0
    fresh_net = net()
    # before any step: nothing to forget
    train.reset_moments(torch.optim.Adam(fresh_net.parameters()), fresh_net, changed)


# --- any optimiser
# ---------------------------------------------------------------------------------------------------------

OPTIM = torch.optim
OPTIMIZERS = {
    "SGD": lambda p: OPTIM.SGD(p, lr=0.1),
    "momentum": lambda p: OPTIM.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "RMSprop": lambda p: OPTIM.RMSprop(p, lr=3e-3, momentum=0.5, centered=True),
    "Adagrad": lambda p: OPTIM.Adagrad(p, lr=0.05, initial_accumulator_value=1e-9),
    "Adadelta": lambda p: OPTIM.Adadelta(p, lr=5.0),
    "Rprop": OPTIM.Rprop,
    "Adamax": OPTIM.Adamax,
    "Adam": lambda p: OPTIM.Adam(p, lr=0.01, amsgrad=True),
    "AdamW": lambda p: OPTIM.AdamW(p, lr=0.01),
    "NAdam": lambda p: OPTIM.NAdam(p, lr=0.01),
    "RAdam": lambda p: OPTIM.RAdam(p, lr=0.01),
    "ASGD": lambda p: OPTIM.ASGD(p, lr=0.1, t0=2),
    "LBFGS": lambda p: OPTIM.LBFGS(p, lr=0.5, max_iter=4, line_search_fn="strong_wolfe"),
    "Adafactor": lambda p: OPTIM.Adafactor(p, lr=0.02),
}
OPTIMIZERS = {name: make for name, make in OPTIMIZERS.items() if hasattr(OPTIM, name) or name == "momentum"}
GOING = ("exp_avg", "momentum_buffer", "grad_avg", "prev")  # where a weight was going
START = {"Adagrad": {"sum": torch.tensor(1e-9).item()}}


def stepped(name, steps=4):
    """A network, its optimiser after some steps, and the loss as a function."""
    model = net()
    optimizer = OPTIMIZERS[name](model.parameters())
    data = train.data.checked_data("d", sines(), model, "mse")

    def closure():
        model.zero_grad()
        loss = train.data.objective(model, "mse", *data)
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return model, optimizer, closure


def per_synapse(optimizer, p):
    return {key: t for key, t in optimizer.state[p].items() if torch.is_tensor(t) and t.shape == p.shape}


def test_every_optimizer_of_torch_is_tried():
    known = {
        name
        for name in vars(OPTIM)
        if isinstance(getattr(OPTIM, name), type) and issubclass(getattr(OPTIM, name), OPTIM.Optimizer)
    }
    # these take other gradients, other parameters
    assert known - {"Optimizer", "SparseAdam", "Muon"} <= set(OPTIMIZERS)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_any_optimizer_forgets_what_was_cut_and_grown_and_nothing_else(name):
    model, optimizer, closure = stepped(name)
    w, w_in = model.weights()
    event = SET(every=1, fraction=0.5).event(1, 2, model.wiring, w, w_in, rng=np.random.default_rng(0))
    before = copy.deepcopy({n: per_synapse(optimizer, p) for n, p in model.named_parameters()})
    changed = model.rewire(event, rng=np.random.default_rng(0))
    for n, (_, grown) in changed.items():  # as after an earlier life of these places
        for key, t in per_synapse(optimizer, model.get_parameter(n)).items() if name != "LBFGS" else ():
            if key != "ax":
                t[tuple(grown)] = 7.0
    train.reset_moments(optimizer, model, changed)
    if name == "LBFGS":
        assert not optimizer.state
    for n, p in model.named_parameters():
        cut, grown = (tuple(at) for at in changed.get(n, (((), ()), ((), ())))) if n in changed else ((), ())
        for key, now in per_synapse(optimizer, p).items() if name != "LBFGS" else ():
            old, kept = before[n][key], torch.ones_like(p, dtype=torch.bool)
            if n in changed:
                assert len(cut[0]) and len(grown[0])
                kept[cut] = kept[grown] = False
                if key in GOING:
                    assert (now[cut] == 0).all() and (now[grown] == 0).all()
                    assert key == "prev" or (old[cut] != 0).all()  # there was something to forget
                elif key == "ax":
                    assert torch.equal(now[~kept], p.detach()[~kept]) and not torch.equal(
                        old[~kept], p.detach()[~kept]
                    )
                elif key == "step_size":
                    assert (now[~kept] == 0.01).all() and (old[cut] != 0.01).any()
                else:
                    start = START.get(name, {}).get(key, 0.0)
                    others = old[kept & (old > start)]
                    assert len(others) > 3 and (now[cut] == start).all() and (old[cut] > start).all()
                    assert (now[grown] == others.median()).all() and others.median() > start
            assert torch.equal(now[kept], old[kept])
    raw = model.raw_w.detach().clone()
    optimizer.step(closure)
    cut = tuple(changed["raw_w"][0])
    if name not in ("AdamW", "ASGD"):  # these move a weight without a gradient, by their decay
        assert torch.equal(model.raw_w.detach()[cut], raw[cut])  # no drift
    assert all(torch.isfinite(p).all() for p in model.parameters())


@pytest.mark.parametrize("name", [n for n in OPTIMIZERS if n != "LBFGS"])
def test_without_forgetting_a_cut_synapse_would_drift_or_keep_its_steps(name):
    model, optimizer, closure = stepped(name)
    kept = per_synapse(optimizer, model.raw_w)
    assert not kept or any((t != 0).any() for t in kept.values())
    assert bool(kept) == (name not in ("SGD", "Adafactor"))


def test_a_memory_that_nobody_knows_is_refused_before_anything_is_touched():
    class Own(OPTIM.SGD):
        def step(self, closure=None):
            super().step(closure)
            for p in self.param_groups[0]["params"]:
                self.state[p].setdefault("iterate", p.detach().clone())

    model, start = net(), net().wiring
    with pytest.raises(ValueError, match="Own keeps iterate for every synapse"):
        fit(model, optimizer=lambda p: Own(p, lr=0.1, momentum=0.9), method=SET(every=3))
    assert model.wiring == start
    optimizer = Own(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.zeros(1, 3, 2))[0].sum().backward()
    optimizer.step()
    w, w_in = model.weights()
    changed = model.rewire(
        SET(every=1, fraction=0.5).event(1, 2, model.wiring, w, w_in, rng=np.random.default_rng(0))
    )
    before = bits(optimizer.state_dict()["state"])
    with pytest.raises(ValueError, match="Nothing was changed"):
        train.reset_moments(optimizer, model, changed)
    assert bits(optimizer.state_dict()["state"]) == before
    fit(net(), optimizer=lambda p: Own(p, lr=0.1))  # without events all is well


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_any_optimizer_trains_prunes_and_resumes_to_the_same_bits(tmp_path, name):
    clip = None if name == "LBFGS" else 1.0
    options = {
        "optimizer": OPTIMIZERS[name],
        "method": SET(every=3),
        "epochs": 6,
        "clip": clip,
        "scheduler": lambda o: OPTIM.lr_scheduler.ExponentialLR(o, 0.9),
    }
    part, whole = net(), net()
    interrupted(part, tmp_path / "a.pt", **options)
    history = fit(part, checkpoint=tmp_path / "a.pt", callbacks={"stop": lambda m: 4}, **options)
    expected = fit(whole, **options)
    history.records = expected.records
    assert bits(history) == bits(expected) and weights(part) == weights(whole)
    assert expected.loss[-1] < expected.loss[0] and all(
        event["cut"] + event["cut_in"] for event in expected.events
    )


SCHEDULERS = {
    "StepLR": lambda o: OPTIM.lr_scheduler.StepLR(o, 2, 0.5),
    "MultiStepLR": lambda o: OPTIM.lr_scheduler.MultiStepLR(o, [1, 4], 0.5),
    "LambdaLR": lambda o: OPTIM.lr_scheduler.LambdaLR(o, lambda k: 1 / (k + 1)),
    "cosine": lambda o: OPTIM.lr_scheduler.CosineAnnealingLR(o, 6),
    "warm": lambda o: OPTIM.lr_scheduler.CosineAnnealingWarmRestarts(o, 2),
    "one cycle": lambda o: OPTIM.lr_scheduler.OneCycleLR(o, 0.1, total_steps=6),
    "cyclic": lambda o: OPTIM.lr_scheduler.CyclicLR(o, 0.01, 0.1, 2, cycle_momentum=False),
    "plateau": lambda o: OPTIM.lr_scheduler.ReduceLROnPlateau(o, factor=0.3, patience=0, threshold=0.2),
    "sequential": lambda o: OPTIM.lr_scheduler.SequentialLR(
        o, [OPTIM.lr_scheduler.ConstantLR(o, 0.1, 2), OPTIM.lr_scheduler.MultiStepLR(o, [2], 0.5)], [2]
    ),
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_any_scheduler_steps_once_an_epoch_and_resumes_to_the_same_bits(tmp_path, name):
    make = lambda: models.RNNet(2, 4, 1, generator=torch.Generator().manual_seed(0))
    runs, rates = [], []
    for count, options in (
        (6, {}),
        (3, {"checkpoint": tmp_path / "a.pt"}),
        (6, {"checkpoint": tmp_path / "a.pt"}),
    ):
        model, own = make(), []
        watched = {"lr": lambda m: own[0].param_groups[0]["lr"]}

        def optimizer(p):
            own.append(OPTIM.SGD(p, lr=0.05, momentum=0.9))
            return own[-1]

        history = fit(
            model,
            epochs=count,
            optimizer=optimizer,
            scheduler=SCHEDULERS[name],
            callbacks=watched,
            validation=sines(seed=2),
            **options,
        )
        runs.append((bits(history), weights(model)))
        rates.append(history.records["lr"])
    assert runs[0] == runs[2]
    twin = OPTIM.SGD(make().parameters(), lr=0.05, momentum=0.9)  # torch alone
    scheduler, wanted = SCHEDULERS[name](twin), []
    for value in history.validation:
        wanted.append(twin.param_groups[0]["lr"])
        twin.step()
        scheduler.step(*([value] if name == "plateau" else []))
    assert rates[0] == wanted and len(set(wanted)) > 1


def test_the_default_is_adam_with_a_hundredth():
    runs = []
    for options in (
        {},
        {"optimizer": OPTIM.Adam},
        {"lr": 0.01},
        {"optimizer": OPTIM.Adam, "lr": 0.01},
        {"weight_decay": 0.0, "batch_size": 4},
        {"optimizer": lambda p: OPTIM.Adam(p, lr=0.01)},
        {"optimizer": None},
        {"lr": 0.02},
    ):
        model = net()
        if "optimizer" in options and options["optimizer"] is None:
            options = {"optimizer": OPTIM.Adam(model.parameters(), lr=0.01)}
        runs.append((bits(fit(model, epochs=2, **options)), weights(model)))
    assert all(run == runs[0] for run in runs[1:-1]) and runs[-1] != runs[0]


def test_an_optimizer_of_ones_own_may_move_a_part_of_the_model_and_goes_on_from_call_to_call():
    model = net()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    own = OPTIM.SGD([model.output_w, model.output_b], lr=0.1, momentum=0.9)
    fit(model, epochs=2, optimizer=own)
    fit(model, epochs=2, optimizer=own, seed=4)
    assert {name for name, p in model.named_parameters() if not torch.equal(p, before[name])} == {
        "output_w",
        "output_b",
    }
    again = net()
    fit(again, epochs=2, optimizer=OPTIM.SGD([again.output_w, again.output_b], lr=0.1, momentum=0.9))
    fit(again, epochs=2, optimizer=OPTIM.SGD([again.output_w, again.output_b], lr=0.1, momentum=0.9), seed=4)
    assert weights(again) != weights(model)  # the second call there had no momentum to begin with


def test_weight_decay_pulls_a_conductance_to_ln_2_and_decay_to_nothing():
    flat = lambda y, t: (y * 0).mean()
    run = lambda model, **o: fit(model, loss=flat, optimizer=OPTIM.SGD, clip=None, **{"lr": 0.5} | o)
    for constraint in ("implicit", "explicit"):
        model = net(constraint=constraint)
        raw = {name: p.detach().clone() for name, p in model.named_parameters()}
        history = run(model, epochs=1, decay=0.2)  # two steps
        assert history.loss == [0.0]  # what is recorded is the loss of the data alone
        for name, p in model.named_parameters():
            wanted = raw[name]
            mask = getattr(model, {"raw_w": "polarity", "raw_w_in": "polarity_in"}.get(name, ""), None)
            for _ in range(2 if mask is not None else 0):  # dw/draw = sigmoid(raw), or its sign
                w, slope = (
                    (torch.nn.functional.softplus(wanted), torch.sigmoid(wanted))
                    if constraint == "implicit"
                    else (wanted.abs(), wanted.sign())
                )
                wanted = wanted - 0.5 * 0.2 * w * slope * (mask != 0)
            torch.testing.assert_close(p.detach(), wanted, rtol=1e-5, atol=1e-6)
    gone, halted = net(), net()
    short = {"data": [part[:, :1] for part in sines()], "epochs": 60, "lr": 5.0}
    run(gone, decay=1.0, **short)
    run(halted, weight_decay=0.1, **short)
    there = gone.wiring.adjacency != 0
    assert gone.weights()[0][there].max() < 0.05
    np.testing.assert_allclose(halted.weights()[0][halted.wiring.adjacency != 0], np.log(2), atol=1e-4)
    rates = models.CTRNNet(2, 4, 1, generator=torch.Generator().manual_seed(0), signs=[1, -1, 1, -1])
    stacked = Wrapped(models.RNNet(2, 3, 2), rates)
    w, b = rates.w().detach().clone(), rates.b.detach().clone()
    run(stacked, epochs=20, decay=0.1)
    assert (rates.w().abs() < w.abs()).all() and torch.equal(rates.b, b)
    with pytest.raises(ValueError, match="decay pulls conductances, and RNNet has none"):
        fit(models.RNNet(2, 3, 1), decay=0.1)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"optimizer": "sgd"}, "optimizer gave str"),
        ({"optimizer": lambda p: 3}, "optimizer gave int"),
        ({"optimizer": OPTIM.SGD([torch.zeros(2, requires_grad=True)])}, "1 tensors that are not parameters"),
        ({"optimizer": lambda p: OPTIM.SGD(p), "lr": 0.1}, "say them where you make the optimizer"),
        ({"optimizer": OPTIM.LBFGS, "weight_decay": 0.1}, "LBFGS cannot be made"),
        ({"weight_decay": -1}, "weight_decay is -1"),
        ({"decay": -0.1}, "decay is -0.1"),
        ({"decay": np.nan}, "decay is nan"),
        ({"scheduler": 0.9}, "scheduler is float"),
        ({"scheduler": lambda o: None}, "scheduler made NoneType"),
        ({"batch_size": "4"}, "batch_size is '4'"),
        (
            {"scheduler": lambda o: OPTIM.lr_scheduler.StepLR(OPTIM.SGD(net().parameters(), lr=1), 1)},
            "for the optimizer that it is given",
        ),
    ],
)
def test_optimizers_and_schedulers_that_do_not_fit_are_refused(options, words):
    refused(words, **options)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"optimizer": OPTIM.RMSprop}, "optimizer 'SGD' there, 'RMSprop' here"),
        ({"lr": 0.2}, "optimizer.0.lr '0.1' there, '0.2' here"),
        ({"weight_decay": 0.1}, "weight_decay"),
        ({"decay": 0.1}, "decay None there"),
        ({"scheduler": None}, "scheduler 'StepLR' there"),
        ({"scheduler": lambda o: OPTIM.lr_scheduler.StepLR(o, 3)}, "scheduler.step_size '2' there, '3' here"),
        ({"optimizer": lambda p: OPTIM.SGD(p[:3], lr=0.1), "lr": None}, "optimizer.0.params"),
    ],
)
def test_a_checkpoint_of_another_optimizer_is_refused_and_nothing_is_touched(tmp_path, change, words):
    options = {
        "optimizer": OPTIM.SGD,
        "lr": 0.1,
        "scheduler": lambda o: OPTIM.lr_scheduler.StepLR(o, 2),
        "checkpoint": tmp_path / "a.pt",
    }
    fit(net(), epochs=2, **options)
    content = (tmp_path / "a.pt").read_bytes()
    refused(words, epochs=6, batch_size=4, **options | change)
    assert (tmp_path / "a.pt").read_bytes() == content


# --- a DataLoader
# ----------------------------------------------------------------------------------------------------------


def loader(batch=6, parts=2, size=4, **options):
    tensors = [
        torch.tensor(part)
        for part in (*sines(batch), np.linspace(0.5, 1.5, batch * 8).reshape(batch, 8))[:parts]
    ]
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*tensors), batch_size=size, **options)


@pytest.mark.parametrize("parts", [2, 3])
def test_a_loader_feeds_its_batches_in_its_own_order(parts):
    seen = []

    def spy(y, target):
        seen.append(target.clone())
        return torch.mean((y - target) ** 2)

    model, data = net(), loader(parts=parts)
    whole = [part.numpy() for part in data.dataset.tensors]
    history = fit(model, data, batch_size=None, loss=spy, epochs=2, validation=loader(parts=parts, size=5))
    assert [len(t) for t in seen] == 2 * [4, 2, 5, 1]  # never refilled evenly: the batches are the loader's
    np.testing.assert_array_equal(torch.cat(seen[:2]).numpy(), whole[1].astype(np.float32))
    assert history.validation[-1] == pytest.approx(train.evaluate(model, whole), rel=1e-6)
    assert train.evaluate(model, data) == pytest.approx(train.evaluate(model, whole), rel=1e-6)
    first, second = (
        train.evaluate(net(), [part[rows] for part in whole]) for rows in (slice(4), slice(4, 6))
    )
    # a mean over sequences
    assert train.evaluate(net(), data) == pytest.approx((4 * first + 2 * second) / 6, rel=1e-6)


@pytest.mark.parametrize("own", [True, False])
def test_a_shuffling_loader_gives_equal_bits_and_resumes_to_them(tmp_path, own):
    make = lambda **o: loader(shuffle=True, generator=torch.Generator().manual_seed(5) if own else None, **o)
    run = lambda model, epochs, **o: fit(
        model, make(), batch_size=None, epochs=epochs, validation=make(), **o
    )
    whole, twin, part = net(), net(), net()
    torch.manual_seed(1)
    expected = run(whole, 6)
    torch.manual_seed(2)
    assert bits(run(twin, 6)) == bits(expected) and weights(twin) == weights(whole)
    run(part, 3, checkpoint=tmp_path / "a.pt")
    assert bits(run(part, 6, checkpoint=tmp_path / "a.pt")) == bits(expected) and weights(part) == weights(
        whole
    )


def test_a_loader_prunes_by_its_number_of_batches():
    history = fit(net(), loader(), batch_size=None, epochs=4, method=SET(every=3, stop=1.0))
    assert [event["step"] for event in history.events] == [3, 6]


class Stream(torch.utils.data.IterableDataset):
    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


def test_a_stream_without_length_trains_but_times_no_method():
    u, y = (torch.tensor(part) for part in sines())
    data = torch.utils.data.DataLoader(Stream([(u[:2], y[:2]), (u[2:], y[2:])]), batch_size=None)
    assert fit(net(), data, batch_size=None, epochs=2).epochs == 2
    refused("no length", data=data, method=SET(every=1))
    with pytest.raises(ValueError, match="data is a DataLoader without any batch"):
        fit(net(), torch.utils.data.DataLoader(Stream([]), batch_size=None), batch_size=None)
    bad = torch.utils.data.DataLoader(Stream([(u[:2], y[:2]), (u[2:] * np.nan, y[2:])]), batch_size=None)
    with pytest.raises(ValueError, match="data: inputs hold 64 values that are NaN"):
        fit(net(), bad, batch_size=None)
    refused("batch_size is 4, but data is a DataLoader", data=loader(), batch_size=4)


# --- checkpoints
# ---------------------------------------------------------------------------------------------------------


KILLED = 9  # the exit status of a process that ends as if it were killed: at once, with nothing tidied up


def long_run(path, die=None):
    """Twelve epochs with shuffling, validation, a method and recorders; die: what kills the process, and
    in which epoch.
    """
    model, epoch, replace = net(), [0], os.replace

    def count(model):
        epoch[0] += 1
        if die == f"training {epoch[0]}":
            os._exit(KILLED)
        return model.output_b.item()

    def writing(source, target):
        if die == f"writing {epoch[0]}":
            os._exit(KILLED)
        replace(source, target)

    os.replace = writing
    try:
        history = fit(
            model,
            sines(batch=12),
            epochs=12,
            batch_size=5,
            checkpoint=path,
            validation=sines(seed=2),
            patience=12,
            method=PruneRewire(every=4, threshold=0.5, grace=6),
            callbacks={"count": count} | train.recorders(np.ones(2)),
        )
    finally:
        os.replace = replace
    return bits(history), weights(model)


@pytest.mark.parametrize("die", ["training 6", "writing 4"])
def test_a_run_that_was_killed_resumes_to_the_same_bits(tmp_path, die):
    code = f"import test_train; test_train.long_run({str(tmp_path / 'run.pt')!r}, {die!r})"
    killed = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, encoding="utf8"
    )
    assert killed.returncode == KILLED, killed.stderr
    done = torch.load(tmp_path / "run.pt", weights_only=True)
    assert len(done["history"]["loss"]) == int(die.split()[1]) - 1 and done["history"]["events"]
    resumed, whole = long_run(tmp_path / "run.pt"), long_run(tmp_path / "other.pt")
    assert resumed == whole
    assert [
        event["step"] for event in torch.load(tmp_path / "run.pt", weights_only=True)["history"]["events"]
    ] == [4, 8, 12, 16, 20, 24]


class Stop(Exception):
    pass


def interrupted(model, path, after=3, **options):
    """A run that ends by an error in its epoch ``after`` + 1."""
    count = [0]

    def stop(model):
        count[0] += 1
        if count[0] > after:
            raise Stop
        return count[0]

    with pytest.raises(Stop):
        fit(model, checkpoint=path, callbacks={"stop": stop}, **options)


@named
@pytest.mark.parametrize("same_model", [True, False])
def test_every_method_resumes_to_the_same_bits(tmp_path, method, same_model):
    options = {"method": method, "epochs": 8}
    model, whole = net(), net()
    interrupted(model, tmp_path / "a.pt", **options)
    model = model if same_model else net()
    history = fit(model, checkpoint=tmp_path / "a.pt", callbacks={"stop": lambda m: 4}, seed=77, **options)
    expected = fit(whole, callbacks={"stop": lambda m: 4}, **options)
    history.records = expected.records = {}
    assert bits(history) == bits(expected) and weights(model) == weights(whole)
    again = net()
    # nothing to do
    assert fit(again, checkpoint=tmp_path / "a.pt", callbacks={"stop": lambda m: 4}, **options).epochs == 8
    assert weights(again) == weights(whole)


def test_a_run_that_no_method_times_may_be_prolonged_but_not_shortened(tmp_path):
    short, long = net(), net()
    fit(short, epochs=3, checkpoint=tmp_path / "a.pt")
    assert bits(fit(short, epochs=7, checkpoint=tmp_path / "a.pt")) == bits(fit(long, epochs=7))
    assert weights(short) == weights(long)
    before = weights(fresh_one := net())
    with pytest.raises(ValueError, match="holds 7 epochs"):
        fit(fresh_one, epochs=6, checkpoint=tmp_path / "a.pt")
    assert weights(fresh_one) == before


def test_a_run_that_stopped_early_stays_stopped(tmp_path):
    options = {
        "epochs": 50,
        "patience": 2,
        "lr": 0.03,
        "validation": (sines()[0], -sines()[1]),
        "checkpoint": tmp_path / "a.pt",
    }
    model, again = net(), net()
    history = fit(model, **options)
    assert bits(fit(again, **options)) == bits(history) and history.stopped_early
    assert weights(again) == weights(model)


@pytest.mark.parametrize(
    "bit_generator", [np.random.MT19937, np.random.PCG64DXSM, np.random.Philox, np.random.SFC64]
)
def test_any_bit_generator_of_numpy_resumes(tmp_path, bit_generator):
    generator = lambda: np.random.Generator(bit_generator(5))
    run = lambda model, epochs, **o: train.fit(
        model, sines(), epochs=epochs, batch_size=4, progress=False, rng=generator(), **o
    )
    part, whole = net(), net()
    run(part, 2, checkpoint=tmp_path / "a.pt")
    assert bits(run(part, 5, checkpoint=tmp_path / "a.pt")) == bits(run(whole, 5)) and weights(
        part
    ) == weights(whole)


def test_the_next_step_of_the_generator_is_the_same_after_resuming(tmp_path):
    rng, other = np.random.default_rng(3), np.random.default_rng(8)
    options = {"epochs": 3, "batch_size": 4, "progress": False, "checkpoint": tmp_path / "a.pt"}
    train.fit(net(), sines(), rng=rng, **options)
    train.fit(net(), sines(), rng=other, **options)
    assert rng.random() == other.random()


def another(name, path):
    """(model, options, words) of a run that does not fit the checkpoint of ``interrupted(net(), path,
    method=SET(every=3))``.
    """
    options, model = {"method": SET(every=3), "callbacks": {"stop": lambda m: 0}}, net()
    if name == "model":
        return models.CTRNNet(2, 10, 1), options | {"method": None}, "CTRNNet"
    if name == "size":
        w = wiring.auto_ncp(11, 1, sensory=2, rng=np.random.default_rng(0))
        return models.LTCNet(w, substeps=1), options, "model.n 10 there, 11 here"
    if name == "solver":
        return net(solver="euler"), options, "model.solver 'extrapolated' there, 'euler' here"
    if name == "constraint":
        return net(constraint="explicit"), options, "constraint"
    if name == "wiring":
        return net(seed=1), options, "another wiring"
    if name == "version":
        state = torch.load(path, weights_only=True)
        state["run"]["version"] = "0.0.9"
        torch.save(state, path)
        return model, options, "version '0.0.9' there"
    if name == "no checkpoint":
        torch.save({"weights": torch.zeros(3)}, path)
        return model, options, "no checkpoint"
    if name == "cut short":
        path.write_bytes(path.read_bytes()[:2000])
        return model, options, "no checkpoint"
    if name == "text":
        path.write_text("hello", "utf8")
        return model, options, "no checkpoint"
    if name == "empty":
        path.write_bytes(b"")
        return model, options, "no checkpoint"
    if name == "float64":
        return model.double(), options, "dtype 'torch.float32' there"
    change = {
        "epochs": {"epochs": 9},
        "batch_size": {"batch_size": 3},
        "lr": {"lr": 0.5},
        "loss": {"loss": torch.nn.functional.l1_loss},
        "method": {"method": SET(every=3, fraction=0.4)},
        "clip": {"clip": None},
        "data": {"data": sines(seed=5)},
        "validation": {"validation": sines()},
        "callbacks": {"callbacks": None},
        "bit_generator": {"rng": np.random.Generator(np.random.Philox(0))},
    }[name]
    return model, options | change, {"epochs": "steps", "bit_generator": "rng"}.get(name, name)


@pytest.mark.parametrize(
    "name",
    [
        "model",
        "size",
        "solver",
        "constraint",
        "wiring",
        "version",
        "no checkpoint",
        "cut short",
        "text",
        "empty",
        "float64",
        "epochs",
        "batch_size",
        "lr",
        "loss",
        "method",
        "clip",
        "data",
        "validation",
        "callbacks",
        "bit_generator",
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_nothing_is_touched(tmp_path, name):
    path = tmp_path / "a.pt"
    interrupted(net(), path, method=SET(every=3))
    model, options, words = another(name, path)
    options = {"rng": np.random.default_rng(3), "data": sines(), "epochs": 6, "batch_size": 4} | options
    before, state, content = weights(model), bits(options["rng"].bit_generator.state), path.read_bytes()
    with pytest.raises(ValueError, match=words):
        train.fit(model, checkpoint=path, progress=False, **options)
    assert (
        weights(model) == before
        and bits(options["rng"].bit_generator.state) == state
        and path.read_bytes() == content
    )


def test_a_checkpoint_cannot_run_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    for write in (
        lambda path: torch.save({"run": Evil()}, path),
        lambda path: path.write_bytes(pickle.dumps(Evil(), 2)),
    ):
        write(tmp_path / "evil.pt")
        with pytest.raises(ValueError, match="no checkpoint"):
            fit(net(), checkpoint=tmp_path / "evil.pt")
        assert not (tmp_path / "owned").exists()


def test_a_callback_that_returns_what_cannot_be_kept_says_so_at_once_and_spares_the_old_file(tmp_path):
    with pytest.raises(ValueError, match="not set"):
        fit(net(), checkpoint=tmp_path / "a.pt", callbacks={"odd": lambda m: {1, 2}})
    assert not (tmp_path / "a.pt").exists()
    history = fit(net(), epochs=1, callbacks={"odd": lambda m: {1, 2}})  # without a checkpoint all is well
    assert history.records == {"odd": [{1, 2}]}


def test_records_are_the_same_whether_resumed_or_not(tmp_path):
    values = {
        "a": lambda m: m.output_b,
        "b": lambda m: np.float32(1.5),
        "c": lambda m: (1, "x", None, True, 2.5, 3 + 1j),
        "d": lambda m: {"e": [np.arange(3), torch.ones(2, 2)]},
        "f": lambda m: np.array(1j),
    }
    options = {"epochs": 2, "checkpoint": tmp_path / "a.pt", "callbacks": values}
    first = fit(net(), **options)
    assert bits(fit(net(), **options).records) == bits(first.records)
    assert type(first.records["a"][0]) is np.ndarray


# --- losses that fail
# ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["loss", "gradient", "validation"])
def test_a_loss_that_is_no_number_stops_the_run_and_spares_the_checkpoint(tmp_path, how):
    path, calls = tmp_path / "a.pt", [0]

    def loss(y, target):
        calls[0] += torch.is_grad_enabled()
        if calls[0] == 7 and how == "loss":  # the first step of the fourth epoch
            return y.mean() * float("nan")
        if calls[0] == 7 and how == "gradient":
            return torch.sqrt((y * 0).square().sum())  # 0, with a slope of infinity
        if calls[0] == 8 and how == "validation" and not torch.is_grad_enabled():
            return y.mean() * float("inf")
        return torch.mean((y - target) ** 2)

    model = net()
    with pytest.raises(ValueError, match=f"the {how}.* became (nan|-?inf) after .* lower lr"):
        fit(model, loss=loss, checkpoint=path, validation=sines(seed=2))
    state = torch.load(path, weights_only=True)
    assert len(state["history"]["loss"]) == len(state["history"]["validation"]) == 3
    assert all(torch.isfinite(value).all() for value in state["weights"].values())
    assert all(torch.isfinite(p).all() for p in model.parameters())  # the step was not made


def exploding(kind="residual"):
    """Networks whose states have no bounds; "adaptive": and whose solver gives up."""
    options = {"activation": "relu", "generator": torch.Generator().manual_seed(0)}
    if kind == "adaptive":
        pytest.importorskip("torchdiffeq")
        return models.ODENet(2, 5, 1, solver="dopri5", **options)
    return models.RNNet(2, 5, 1, residual=True, **options)


@pytest.mark.parametrize("kind", ["residual", "adaptive"])
def test_a_learning_rate_that_explodes_ends_with_one_clear_error_and_spares_the_checkpoint(tmp_path, kind):
    path, sudden = tmp_path / "a.pt", [1e-3, 1e-3, 1e20]  # the learning rate of each epoch, of two steps
    scheduler = lambda optimizer: torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda epoch: sudden[min(epoch, 2)]
    )
    with pytest.raises(
        ValueError, match="after [56] optimizer steps: lower lr or clip.*holds the epochs before"
    ):
        fit(exploding(kind), checkpoint=path, optimizer=torch.optim.SGD, lr=1.0, scheduler=scheduler)
    state = torch.load(path, weights_only=True)
    assert len(state["history"]["loss"]) == 2 and np.isfinite(state["history"]["loss"]).all()
    assert all(torch.isfinite(value).all() for value in state["weights"].values())


@pytest.mark.skipif(
    'torch.tensor(0.0, dtype=_get_scalar_dtype(), device="cpu")' not in inspect.getsource(torch.optim.Adam),
    reason="the Adam of this older torch counts its steps wherever new tensors lie",
)
def test_where_new_tensors_lie_by_default_changes_nothing(tmp_path):
    inputs, targets = sines()
    data = {"inputs": inputs, "targets": targets, "lengths": [8, 3, 5, 8, 1, 2]}
    plain = fit(net(), data, checkpoint=tmp_path / "a.pt")
    model = net()
    with torch.device("meta"):
        fit(model, data, epochs=2, checkpoint=tmp_path / "b.pt")
        resumed = fit(model, data, checkpoint=tmp_path / "b.pt")
    assert bits(resumed) == bits(plain)


def test_a_model_that_starts_beyond_the_finite_numbers_says_what_it_says_without_training():
    model = exploding()
    with torch.no_grad():
        model.w.fill_(1e30)
    with pytest.raises(ValueError, match="^the state left the finite numbers in step"):
        fit(model)


def test_a_loss_may_be_any_callable(tmp_path):
    by_name, by_module = (
        fit(net(), loss=loss, checkpoint=tmp_path / f"{k}.pt")
        for k, loss in enumerate(("mse", torch.nn.MSELoss()))
    )
    assert bits(by_name) == bits(by_module)


@pytest.mark.parametrize("loss", [lambda y, t: y - t, lambda y, t: 1.5, lambda y, t: None])
def test_a_loss_function_must_return_a_scalar_tensor(loss):
    with pytest.raises(ValueError, match="scalar tensor"):
        fit(net(), loss=loss)


# --- bad input
# -------------------------------------------------------------------------------------------------------------


def spoiled(array, value, at=(1, 2, 0)):
    array = np.array(array, float)
    array[at] = value
    return array


u, y = sines()
BAD_DATA = {
    "NaN input": ((spoiled(u, np.nan), y), "inputs hold 1 values that are NaN"),
    "infinite input": ((spoiled(u, np.inf), y), "inputs hold 1 values"),
    "too large for float32": ((spoiled(u, 1e300), y), "inputs hold 1 values"),
    "infinite target": ((u, spoiled(y, np.inf)), "targets hold 1 values"),
    "no target": ((u, y * np.nan), "48 of 48 that ask for nothing"),
    "dt negative": ((u, y, spoiled(np.ones((6, 8)), -1, (5, 7))), "dt holds -1"),
    "dt NaN": ((u, y, spoiled(np.ones(8), np.nan, 3)), "dt holds nan"),
    "dt infinite": ((u, y, np.inf), "dt holds inf"),
    "dt of wrong length": ((u, y, np.ones(7)), r"dt has shape \(7,\)"),
    "dt of another batch": ((u, y, np.ones((5, 8))), r"dt has shape \(5, 8\)"),
    "dt with an axis too many": ((u, y, np.ones((6, 8, 1))), r"dt has shape \(6, 8, 1\)"),
    "other batch": ((u, y[:5]), r"targets have shape \(5, 8, 1\)"),
    "targets without the last axis": ((u, y[..., 0]), r"must be \(6, 8, 1\)"),
    "targets that would broadcast": ((u, y[:, :1]), r"must be \(6, 8, 1\)"),
    "targets too wide": ((u, np.repeat(y, 2, -1)), r"must be \(6, 8, 1\)"),
    "inputs too wide": ((np.repeat(u, 2, -1), y), r"takes \(B, T, 2\)"),
    "inputs flat": ((u[0, 0], y), r"takes \(B, T, 2\)"),
    "four axes": ((u[None], y[None]), "inputs have shape"),
    "no sequences": ((u[:0], y[:0]), "inputs have shape"),
    "no steps": ((u[:, :0], y[:, :0]), "inputs have shape"),
    "not a pair": (u, "data is ndarray"),
    "four parts": ((u, y, 1, 1), "data is tuple"),
    "text": ((u, [["a"]]), "cannot be made tensors"),
    "ragged": (([[1, 2], [3]], y), "cannot be made tensors"),
    "complex": ((u + 1j, y), "complex"),
    "objects": ((np.array([None]), y), "cannot be made tensors"),
}
classes = np.zeros((6, 8), int)
BAD_CLASSES = {
    "too large": (spoiled(classes, 3, (1, 2)).astype(int), "0 to 3; the model has 3 outputs"),
    "negative": (spoiled(classes, -1, (1, 2)).astype(int), "run from -1 to 0"),
    "no whole numbers": (classes * 1.0, "float"),
    "truth values": (classes > 0, "bool"),
    "one-hot": (np.zeros((6, 8, 3), int), r"targets have shape \(6, 8, 3\)"),
    "too short": (classes[:, :7], r"targets have shape \(6, 7\)"),
    "other batch": (np.zeros(5, int), r"targets have shape \(5,\)"),
}


def refused(words, model=None, **options):
    model, rng = model or net(), np.random.default_rng(0)
    before, state = (
        weights(model) if isinstance(model, torch.nn.Module) else None,
        bits(rng.bit_generator.state),
    )
    with pytest.raises(ValueError, match=words):
        train.fit(model, **{"data": sines(), "rng": rng, "progress": False} | options)
    assert before is None or weights(model) == before
    assert bits(rng.bit_generator.state) == state


@pytest.mark.parametrize("name", BAD_DATA)
def test_data_that_do_not_fit_are_refused(name):
    data, words = BAD_DATA[name]
    refused(words, data=data)
    refused(words.replace("data is", "validation is"), validation=data)
    with pytest.raises(ValueError, match=words):
        train.evaluate(net(), data)


@pytest.mark.parametrize("name", BAD_CLASSES)
def test_classes_that_do_not_fit_are_refused(name):
    refused(BAD_CLASSES[name][1], MODELS["RNNet"](3), data=(u, BAD_CLASSES[name][0]), loss="cross_entropy")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": 1.5}, "epochs is 1.5"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"lr": 0}, "lr is 0"),
        ({"lr": np.nan}, "lr is nan"),
        ({"clip": 0}, "clip is 0"),
        ({"loss": "mae"}, "no loss 'mae'"),
        ({"loss": None}, "no loss None"),
        ({"patience": 3}, "patience watches"),
        ({"patience": 0}, "patience is 0"),
        ({"rng": 7}, "rng is int"),
        ({"method": "set"}, "method 'set'"),
        ({"method": SET(every=1000)}, "no event within 20 steps"),
        ({"callbacks": [print]}, "callbacks is"),
        ({"callbacks": {"a": 1}}, "callbacks is"),
        ({"checkpoint": "/nowhere/at/all.pt"}, "folder does not exist"),
        ({"data": (u, y[:5, 0]), "loss": torch.nn.functional.l1_loss}, "one for each of 6"),
        ({"model": torch.nn.Linear(2, 1)}, "model is Linear"),
        ({"model": 5}, "model is int"),
        ({"model": models.RNNet(2, 4, 1), "method": SET(every=1)}, "can rewire"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words):
    refused(words, **options)


# --- recorders
# -------------------------------------------------------------------------------------------------------------


def test_recorders_write_down_what_the_explorers_show():
    model, u = net(), np.array([0.3, -0.2])
    history = fit(model, epochs=4, callbacks=train.recorders(u), method=OneShotMagnitude(every=3))
    cell, heard = (
        model.numpy_cell(),
        model.map_input(torch.tensor(u, dtype=torch.float32)).detach().double().numpy(),
    )
    x = analysis.relax(np.zeros(10), heard, cell)
    records = {name: values[-1] for name, values in history.records.items()}
    assert np.abs(dynamics.vector_field(0, x, heard, cell)).max() < 1e-9
    np.testing.assert_allclose(records["time_constant"], dynamics.time_constant(x, heard, cell), rtol=1e-12)
    np.testing.assert_allclose(
        np.sort_complex(records["spectrum"]),
        np.sort_complex(np.linalg.eigvals(dynamics.jacobian(x, heard, cell))),
        rtol=1e-9,
    )
    assert records["slowest"] == -records["spectrum"].real.max() > 0
    assert records["density"] == model.wiring.synapses / 120 < history.records["density"][0]


def test_recorders_refuse_other_models_and_other_inputs():
    for bad in (np.zeros((2, 2)), [np.nan, 0], "ab"):
        with pytest.raises(ValueError):
            train.recorders(bad)
    with pytest.raises(ValueError, match="3 inputs"):
        fit(net(), callbacks=train.recorders(np.zeros(3)))
    with pytest.raises(ValueError, match="CTRNNet"):
        fit(models.CTRNNet(2, 5, 1), callbacks=train.recorders(np.zeros(2)))
