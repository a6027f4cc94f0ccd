"""train.Rewiring: pruning in a training loop of one's own is what fit does, step by step."""

import io

import numpy as np
import pytest
import torch

from ltcbook import models, tasks, train, wiring
from ltcbook.pruning import SET, GradualMagnitude, Nothing, PruneRewire, RigL

METHODS = {
    "SET": SET(every=3),
    "RigL": RigL(every=3, fraction=0.7),
    "T": PruneRewire(every=3, threshold=0.4),
    "slowest": PruneRewire(every=3, threshold=0.4, target="slowest"),
    "gradual": GradualMagnitude(every=2),
}
STEPS = 10


def net():
    return models.LTCNet(
        wiring.auto_ncp(10, 2, sensory=2, rng=np.random.default_rng(0)),
        generator=torch.Generator().manual_seed(0),
    )


def data():
    inputs, targets = tasks.sine(12)
    return inputs, np.repeat(targets, 2, -1)


def bits(model):
    return {name: value.clone() for name, value in model.state_dict().items() if torch.is_tensor(value)}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def step(model, optimizer, batch):
    optimizer.zero_grad()
    train.data.objective(model, "mse", *batch).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


@pytest.mark.parametrize("name", METHODS)
def test_a_loop_of_ones_own_arrives_at_the_bits_of_fit(name):
    method, theirs, mine = METHODS[name], net(), net()
    history = train.fit(
        theirs, data(), epochs=STEPS, lr=1e-2, method=method, progress=False, rng=np.random.default_rng(3)
    )
    optimizer, rng = torch.optim.Adam(mine.parameters(), lr=1e-2), np.random.default_rng(3)
    rewiring = train.Rewiring(mine, optimizer, method, steps=STEPS, rng=rng)
    batch, events = train.data.checked_data("data", data(), mine, "mse"), []
    for k in range(STEPS):
        # fit draws torch's seed and the order of the batches
        rng.integers(2**63)
        rng.permutation(len(batch[0]))
        step(mine, optimizer, batch)
        report = rewiring.step(data())
        events += (
            [] if report is None else [(k + 1, report.cut, report.grown, report.cut_in, report.grown_in)]
        )
    assert same(bits(theirs), bits(mine)) and rewiring.done == STEPS
    assert events == [
        tuple(e[key] for key in ("step", "cut", "grown", "cut_in", "grown_in")) for e in history.events
    ]
    assert events and any(cut for _, cut, *_ in events)


def test_a_saved_rewiring_goes_on_as_if_nothing_had_happened():
    method, runs = GradualMagnitude(every=2, sparsity=0.4), []
    for stop in (None, 5):
        model, rng = net(), np.random.default_rng(7)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        rewiring = train.Rewiring(model, optimizer, method, steps=STEPS, rng=rng)
        batch = train.data.checked_data("data", data(), model, "mse")
        for k in range(STEPS):
            if k == stop:
                file = io.BytesIO()
                torch.save(
                    [
                        train.checkpoint.arrays(rewiring.state_dict()),
                        model.state_dict(),
                        optimizer.state_dict(),
                    ],
                    file,
                )
                file.seek(0)
                state, weights, moments = torch.load(file, weights_only=False)
                model = net()
                model.load_state_dict(weights)
                optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
                optimizer.load_state_dict(moments)
                rewiring = train.Rewiring(model, optimizer, method, steps=STEPS, rng=rng)
                rewiring.load_state_dict(state)
            step(model, optimizer, batch)
            rewiring.step()
        runs.append((bits(model), rewiring.method.synapses))
    assert same(runs[0][0], runs[1][0]) and runs[0][1] == runs[1][1] == net().wiring.synapses


def test_without_its_batch_a_method_that_looks_at_it_is_refused_and_nothing_has_happened():
    model = net()
    optimizer = torch.optim.Adam(model.parameters())
    rewiring = train.Rewiring(model, optimizer, RigL(every=1), steps=4, rng=np.random.default_rng(0))
    step(model, optimizer, train.data.checked_data("data", data(), model, "mse"))
    before = bits(model)
    with pytest.raises(ValueError, match=r"call step\(data\)"):
        rewiring.step()
    assert same(before, bits(model)) and rewiring.done == 0
    assert rewiring.step(data()) is not None and rewiring.done == 1 and not same(before, bits(model))


def test_the_control_does_nothing_in_any_number_of_steps():
    model = net()
    rewiring = train.Rewiring(
        model, torch.optim.SGD(model.parameters(), lr=0.1), Nothing(), steps=3, rng=np.random.default_rng(0)
    )
    assert [rewiring.step() for _ in range(3)] == [None] * 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": models.RNNet(2, 4, 2)}, "can rewire"),
        ({"method": "SET"}, "can rewire"),
        ({"optimizer": torch.optim.Adam}, "optimizer is"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": 2}, "no event within 2 steps"),
        ({"loss": "mae"}, "no loss"),
        ({"rng": 1}, "rng"),
    ],
)
def test_what_it_cannot_work_on_is_refused(options, said):
    model = options.get("model", net())
    given = {
        "model": model,
        "optimizer": torch.optim.Adam(model.parameters()),
        "method": SET(every=3),
        "steps": 10,
        "rng": np.random.default_rng(0),
    } | options
    with pytest.raises(ValueError, match=said):
        train.Rewiring(given.pop("model"), given.pop("optimizer"), given.pop("method"), **given)
    stranger = torch.optim.Adam(net().parameters())
    with pytest.raises(ValueError, match="not parameters of this model"):
        train.Rewiring(net(), stranger, SET(every=3), steps=10, rng=np.random.default_rng(0))
