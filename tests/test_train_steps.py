"""Training on sequences of different length, on targets that ask for nothing, and on channels that were
not measured.
"""

import numpy as np
import pytest
import torch
from test_train import bits, net, weights

from ltcbook import models, tasks, train
from ltcbook.pruning import SET, PruneRewire, RigL

LENGTHS = np.array([8, 3, 5, 1, 7, 2])
REAL = np.arange(8) < LENGTHS[:, None]
MODELS = {
    "LTCNet": net,
    "RNNet": lambda: models.RNNet(2, 5, 1, generator=torch.Generator().manual_seed(0)),
    "CTRNNet": lambda: models.CTRNNet(2, 5, 1, noise_pre=0.1, generator=torch.Generator().manual_seed(0)),
    "LTCNet lstm": lambda: net(memory="lstm"),
    "LTCNet edges": lambda: net(backend="edges"),
    "CfCNet": lambda: models.CfCNet(4, 2, 1, generator=torch.Generator().manual_seed(0)),
}


def ragged(more=0, seed=1, classes=None, **say):
    """Six sequences of different length as a dict, NaN in the padding; ``more`` padded steps behind."""
    u, y, dt = tasks.irregular(8, batch=6, rng=np.random.default_rng(seed))
    dt = np.repeat(dt[..., None], 1, -1)
    u, y, dt = (np.where(REAL[..., None], part, np.nan) for part in (u, y, dt))
    u, y, dt = (np.concatenate([part, np.full((6, more, part.shape[-1]), np.nan)], 1) for part in (u, y, dt))
    return {
        "inputs": u,
        "targets": y if classes is None else classes,
        "dt": dt[..., 0],
        "lengths": LENGTHS,
    } | say


def alone(model, data=None):
    """The outputs (L, outputs) of every sequence, run by itself over its real steps."""
    data, tensor = data or ragged(), lambda part: torch.as_tensor(part, dtype=model.dtype)
    with torch.no_grad():
        return [
            model(tensor(data["inputs"][k, REAL[k]]), dt=tensor(data["dt"][k, REAL[k]]))[0].numpy()
            for k in range(6)
        ]


@pytest.mark.parametrize(
    "name, method",
    [(name, None) for name in MODELS]
    + [
        ("LTCNet", SET(every=3)),
        ("LTCNet", RigL(every=3)),
        ("LTCNet", PruneRewire(every=3, threshold=0.4, target="slowest")),
    ],
    ids=str,
)
def test_more_padding_leaves_every_bit_of_a_training_run(name, method):
    results = []
    for more in (0, 5):
        model = MODELS[name]()
        history = train.fit(
            model,
            ragged(more),
            epochs=3,
            batch_size=4,
            validation=ragged(more, seed=2),
            method=method,
            patience=3,
            progress=False,
            rng=np.random.default_rng(3),
        )
        results.append((bits(history), weights(model)))
    assert results[0] == results[1]


def test_a_mask_says_what_lengths_say():
    model = net()
    masked = {key: part for key, part in ragged().items() if key != "lengths"} | {"mask": REAL}
    assert train.evaluate(model, masked) == train.evaluate(model, ragged())


@pytest.mark.parametrize("name", MODELS)
def test_the_loss_is_the_mean_over_real_steps(name):
    model, data = MODELS[name]().eval().double(), ragged()
    errors = np.concatenate([(y - data["targets"][k, REAL[k]]) ** 2 for k, y in enumerate(alone(model))])
    assert len(errors) == LENGTHS.sum()
    assert train.evaluate(model, data) == pytest.approx(errors.mean(), rel=1e-12)
    if name != "CTRNNet":  # whose noise differs from batch to batch
        history = train.fit(
            model, data, epochs=1, batch_size=4, lr=1e-30, progress=False, rng=np.random.default_rng(0)
        )
        # though the batches differ in real steps
        assert history.loss[0] == pytest.approx(errors.mean(), rel=1e-12)


def test_targets_that_are_nan_ask_for_nothing():
    model, (u, y) = net().double(), tasks.sine(8, batch=6, rng=np.random.default_rng(1))
    holed = np.where(np.random.default_rng(0).random(y.shape) < 0.5, np.nan, y)
    holed[2] = np.nan
    with torch.no_grad():
        errors = (model(torch.tensor(u))[0].numpy() - holed) ** 2
    assert train.evaluate(model, (u, holed)) == pytest.approx(np.nanmean(errors), rel=1e-12)
    assert np.isfinite(
        train.fit(
            model, (u, holed), epochs=2, batch_size=1, progress=False, rng=np.random.default_rng(0)
        ).loss
    ).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: models.RNNet(2, 5, 3, generator=torch.Generator().manual_seed(0)),
        lambda: models.CfCNet(4, 2, 3, generator=torch.Generator().manual_seed(0)),
    ],
)
def test_classes_are_asked_for_at_real_steps_and_one_per_sequence_after_the_last_of_them(make):
    model, rng = make().double(), np.random.default_rng(0)
    surprise = lambda y, k: np.log(np.exp(y).sum(-1)) - np.take_along_axis(y, k[..., None], -1)[..., 0]
    outputs = alone(model)
    each = rng.integers(0, 3, 6)
    truth = np.mean([surprise(y[-1], k) for y, k in zip(outputs, each, strict=True)])
    assert train.evaluate(model, ragged(classes=each), loss="cross_entropy") == pytest.approx(
        truth, rel=1e-12
    )
    each[4] = -100
    truth = np.mean([surprise(y[-1], k) for y, k in zip(outputs, each, strict=True) if k >= 0])
    assert train.evaluate(model, ragged(classes=each), loss="cross_entropy") == pytest.approx(
        truth, rel=1e-12
    )

    steps = rng.integers(0, 3, (6, 8))
    steps[0, 2:5] = -100
    asked = [steps[k, REAL[k]] for k in range(6)]
    truth = np.concatenate(
        [surprise(y[c >= 0], c[c >= 0]) for y, c in zip(outputs, asked, strict=True)]
    ).mean()
    steps[~REAL] = 77  # no class, and nobody looks
    assert train.evaluate(model, ragged(classes=steps), loss="cross_entropy") == pytest.approx(
        truth, rel=1e-12
    )


def test_channels_that_were_not_measured_keep_their_last_value():
    model, (u, y) = net(), tasks.sine(8, batch=6, rng=np.random.default_rng(1))
    holed, filled = u.copy(), u.copy()
    holed[0, 2:4, 1] = holed[1, :3, 0] = np.nan
    filled[0, 2:4, 1], filled[1, :3, 0] = u[0, 1, 1], 0
    data = {"inputs": holed, "targets": y, "missing": "hold"}
    assert train.evaluate(model, data) == train.evaluate(model, (filled, y))
    with pytest.raises(ValueError, match='inputs hold 5 values.*"missing": "hold"'):
        train.evaluate(model, (holed, y))


def test_steps_of_0_ms_are_no_steps():
    model, (u, y, dt) = net().double(), tasks.irregular(8, batch=6, rng=np.random.default_rng(1))
    dt = np.where(REAL, dt, 0)
    data = ragged() | {"targets": np.where(REAL[..., None], y, np.nan)}
    assert train.evaluate(model, (u, np.where(REAL[..., None], y, np.nan), dt)) == pytest.approx(
        train.evaluate(model, data)
    )


def test_gradients_of_conductances_and_time_constants_are_of_real_steps_alone():
    model, data = net(), ragged()
    with_padding = train.weight_gradients(model, data), train.weight_gradients(model, ragged(4))
    assert bits(with_padding[0]) == bits(with_padding[1])
    total = (
        sum(
            length
            * train.weight_gradients(
                model, tuple(data[key][k, REAL[k]] for key in ("inputs", "targets", "dt"))
            )[0]
            for k, length in enumerate(LENGTHS)
        )
        / LENGTHS.sum()
    )
    np.testing.assert_allclose(with_padding[0][0], total, rtol=1e-3, atol=1e-6)
    checked = train.data.checked_data("data", data, model, "mse")
    each = [
        train.synapses.mean_time_constant(
            model, checked[0][k : k + 1, REAL[k]], dt=checked[2][k : k + 1, REAL[k]]
        )
        for k in range(6)
    ]
    np.testing.assert_allclose(
        train.synapses.mean_time_constant(model, *checked),
        np.average(each, axis=0, weights=LENGTHS),
        rtol=1e-5,
    )


def test_a_loss_function_finds_nan_where_nothing_is_asked():
    model = net().double()
    careful = lambda y, target: ((y - target) ** 2)[~target.isnan()].mean()
    assert train.evaluate(model, ragged(), loss=careful) == pytest.approx(
        train.evaluate(model, ragged()), rel=1e-12
    )
    with pytest.raises(ValueError, match="the function must leave these out"):
        train.evaluate(model, ragged(), loss=torch.nn.functional.mse_loss)


def test_data_by_name_are_those_of_a_tuple():
    model, (u, y, dt) = net(), tasks.irregular(8, batch=6, rng=np.random.default_rng(1))
    named = {"inputs": u, "targets": y, "dt": dt, "lengths": None, "mask": np.ones((6, 8), bool)}
    assert train.evaluate(model, named) == train.evaluate(model, (u, y, dt))
    one = {"inputs": u[0], "targets": y[0], "dt": dt[0], "lengths": 5}
    assert train.evaluate(model, one) == pytest.approx(
        train.evaluate(model, (u[0, :5], y[0, :5], dt[0, :5])), rel=1e-6
    )


@pytest.mark.parametrize(
    "change, words",
    [
        ({"lengths": [8, 0, 1, 1, 1, 1]}, "sequence 1 has no real step"),
        ({"lengths": LENGTHS + 1}, "data: lengths runs from 2 to 9"),
        ({"lengths": LENGTHS * 1.0}, "data: lengths has"),
        ({"mask": ~REAL}, "data: mask calls"),
        ({"length": 3}, "data is a dict of"),
        ({"missing": "mean"}, "data: missing is 'mean'"),
        ({"inputs": None}, "data is a dict of"),
    ],
)
def test_data_that_contradict_themselves_are_refused(change, words):
    data = ragged() | change
    data = {key: part for key, part in data.items() if part is not None}
    with pytest.raises(ValueError, match=words):
        train.evaluate(net(), data)
