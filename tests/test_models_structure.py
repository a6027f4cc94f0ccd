"""What a model is made of survives what torch does to models: averages, empty memory, export, inference,
no inputs, no samples.
"""

import copy

import numpy as np
import pytest
import torch
from test_models import ALL, MAKERS, WIRING, case, gen
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ltcbook import models, wiring

# motor neurons neither first nor last, and not in one piece
ROLE = ("inter", "motor", "command", "inter", "motor", "command")
MIXED = wiring.Wiring(np.ones((6, 6), int) - 2 * np.eye(6, dtype=int), np.ones((6, 3), int), ROLE)
KINDS = MAKERS | {
    "LTCNet mixed": lambda **o: models.LTCNet(MIXED, **o),
    "CfCNet mixed": lambda **o: models.CfCNet(MIXED, recurrent="wiring", mask_time=False, **o),
    "CTRNNet masked": lambda **o: models.CTRNNet(
        3,
        5,
        2,
        masks={"hidden": np.tri(5), "input": np.ones((5, 3))},
        plasticity={"hidden": np.full((5, 5), 0.5)},
        **o,
    ),
}
EVERY = pytest.mark.parametrize("name", KINDS)


def call(name):
    net, g = KINDS[name](generator=gen()), gen(1)
    return net, torch.randn(3, 4, net.m, generator=g)


@EVERY
def test_memory_that_was_emptied_is_filled_by_the_state_dict_alone(name):
    net, u = call(name)
    fresh = copy.deepcopy(net).to("meta").to_empty(device="cpu")
    with torch.no_grad():
        for tensor in (*fresh.parameters(), *fresh.buffers()):
            tensor.fill_(77)  # what happened to lie there
    fresh.load_state_dict(net.state_dict())
    assert torch.equal(fresh(u)[0], net(u)[0]) and torch.equal(fresh(u)[1], net(u)[1])


@EVERY
def test_a_model_that_is_made_without_memory_takes_a_state_dict(name):
    net, u = call(name)
    with torch.device("meta"):
        fresh = KINDS[name](generator=None)  # even the numbers to start with come from elsewhere
    assert all(tensor.is_meta for tensor in (*fresh.parameters(), *fresh.buffers()))
    fresh = fresh.to_empty(device="cpu")
    fresh.load_state_dict(net.state_dict())
    assert torch.equal(fresh(u)[0], net(u)[0])


@EVERY
def test_where_new_tensors_lie_by_default_changes_nothing(name):
    (net, u), (other, _) = call(name), call(name)
    y, x = net(u, lengths=[1, 4, 2])
    y.sum().backward()
    with torch.device("meta"):
        same, _ = other(u, lengths=[1, 4, 2])
        same.sum().backward()
    assert torch.equal(same, y) and all(
        torch.equal(a.grad, b.grad) for a, b in zip(net.parameters(), other.parameters(), strict=True)
    )


@EVERY
@pytest.mark.parametrize("rule", ["mean", "moving"])
def test_an_average_of_equal_models_is_that_model_buffers_and_all(name, rule):
    net, u = call(name)
    average = AveragedModel(
        net, use_buffers=True, multi_avg_fn=get_ema_multi_avg_fn(0.9) if rule == "moving" else None
    )
    for _ in range(3):
        average.update_parameters(net)
    torch.testing.assert_close(average(u), net(u))
    for part in ("wiring", "motor", "order"):
        ours, theirs = (
            getattr(model, part, None) if model.__dict__.get("ltc") is None else None
            for model in (average.module, net)
        )
        assert ours == theirs if not torch.is_tensor(ours) else torch.equal(ours, theirs)


@EVERY
def test_places_are_no_buffers(name):
    net, _ = call(name)
    whole = {name for name, buffer in net.named_buffers() if buffer.dtype not in (torch.int8, torch.float32)}
    assert not whole  # masks hold -1, 0 and 1 and survive an average; an index does not


def test_places_are_carried_to_a_device_once_and_not_kept_in_a_pickle():
    net, u = call("CfCNet mixed")
    net(u)
    assert (
        net.motor is net.motor and net.motor.tolist() == [1, 4] and net.order.tolist() == [0, 3, 2, 5, 1, 4]
    )
    assert net.inverse[net.order].tolist() == list(range(6))
    assert not copy.deepcopy(net)._order.carried
    assert net.to("meta").motor.is_meta


@pytest.mark.parametrize(
    "make",
    [
        lambda: models.CfCNet(4, 3),
        lambda: models.CfCNet(MIXED),
        lambda: models.LTCNet(MIXED),
        lambda: models.CfCNet.from_ltc(models.LTCNet(MIXED)),
        lambda: models.ODENet(3, 4),
        lambda: models.CTRNNet(3, 4, masks={"input": np.ones((4, 3))}),
        lambda: models.RNNet(3, 4),
    ],
)
def test_every_root_can_be_exported(make):
    net, u = make(), torch.randn(2, 2, 3, generator=gen())
    torch.testing.assert_close(torch.export.export(net, (u,)).module()(u), net(u))


# ------------------------------------------------------------------------------------------------ inference
# mode


def near(a, b):
    # the parallel path stops at 1e-6 of its largest state
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@EVERY
@pytest.mark.parametrize("how", ["made", "copied", "loaded"])
def test_models_of_inference_mode_compute(name, how, tmp_path):
    net, u = call(name)
    torch.save(net, tmp_path / "net.pt")
    with torch.inference_mode():
        there = {
            "made": lambda: KINDS[name](generator=gen()),
            "copied": lambda: copy.deepcopy(net),
            "loaded": lambda: torch.load(tmp_path / "net.pt", weights_only=False),
        }[how]()
        inside = there(u)
    with torch.no_grad():
        near(inside, net(u))
        near(there(u), net(u))


@pytest.mark.parametrize("backend", ["auto", "reference", "edges", "parallel", "numba"])
def test_an_evaluation_in_inference_mode_leaves_nothing_that_training_could_not_use(backend):
    net = models.LTCNet(MIXED, backend=backend, generator=gen())
    u = torch.randn(3, 4, 3, generator=gen(1))
    with torch.inference_mode():
        models.CfCNet.from_ltc(net)(u)
        expected = net(u)[0].clone()
    y = net(u)[0]
    y.sum().backward()
    near(y.detach(), expected)


def test_synapses_cut_in_inference_mode_stay_cut():
    with torch.inference_mode():
        net = models.LTCNet(WIRING, backend="edges", generator=gen())
        u = torch.randn(2, 3, 3, generator=gen(1))
        before = net(u)[1]
        net.polarity_in.zero_()
        after = net(u)[1]
        assert not torch.equal(before, after)
        torch.testing.assert_close(after[0], after[1])


# -------------------------------------------------------------------------------------- no inputs, no samples

LONELY = wiring.fully_connected(4, sensory=0, rng=np.random.default_rng(0))
WITHOUT = {
    "RNNet": lambda: models.RNNet(0, 4),
    "ODENet": lambda: models.ODENet(0, 4, 2),
    "CTRNNet": lambda: models.CTRNNet(
        0, 4, 1, plasticity={"hidden": np.ones((4, 4)), "input": np.ones((4, 0))}
    ),
    "CTRNNet signs": lambda: models.CTRNNet(0, 4, learned=True, signs=[1, -1, 1, 1]),
    **{
        f"LTCNet {backend}": lambda backend=backend: models.LTCNet(LONELY, backend=backend)
        for backend in ("reference", "edges", "parallel", "numba")
    },
    "LTCNet lstm": lambda: models.LTCNet(LONELY, memory="lstm"),
    "CfCNet": lambda: models.CfCNet(LONELY),
    "CfCNet units": lambda: models.CfCNet(4, 0, 1),
    "CfCNet lstm": lambda: models.CfCNet(4, 0, mode="pure", memory="lstm"),
    "CfCNet from LTC": lambda: models.CfCNet.from_ltc(models.LTCNet(LONELY)),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_without_inputs_every_parameter_still_gets_a_gradient(name):
    net = WITHOUT[name]()
    net(torch.zeros(2, 3, 0))[0].square().sum().backward()
    # DistributedDataParallel waits for each
    assert {name for name, p in net.named_parameters() if p.grad is None} == set()
    WITHOUT[name]().load_state_dict(net.state_dict())


@ALL
def test_with_inputs_every_parameter_gets_a_gradient(name):
    net, u, x0, dt = case(name, 2, T=3)
    net(u, x0, dt)[0].square().sum().backward()
    assert {name for name, p in net.named_parameters() if p.grad is None} == set()


EMPTY = KINDS | {
    f"LTCNet {backend}": lambda backend=backend, **o: models.LTCNet(WIRING, backend=backend, **o)
    for backend in ("reference", "edges", "parallel", "numba")
}
EMPTY |= {
    f"ODENet {solver}": lambda solver=solver, **o: models.ODENet(3, 5, 2, solver=solver, **o)
    for solver in ("euler", "dopri5", "midpoint")
} | {"ODENet adjoint": lambda **o: models.ODENet(3, 5, adjoint=True, **o)}


@pytest.mark.parametrize("name", EMPTY)
def test_no_samples_give_no_states_and_gradients_of_zero(name):
    if name.startswith("ODENet"):
        pytest.importorskip("torchdiffeq")
    net = EMPTY[name]()
    for batch in ((0,), (2, 0)):
        y, x = net(torch.zeros(*batch, 4, 3), dt=torch.ones(*batch, 4))
        assert y.shape == (*batch, 4, net.outputs) and x.shape == (*batch, 4, net.state_size)
    y.sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in net.parameters())
