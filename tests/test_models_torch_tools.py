"""torch's own tools at the layers of a model: hooks, pruning, parametrisations, quantisation, autocast."""

import copy

import numpy as np
import pytest
import torch
from test_models import ALL, MAKERS, WIRING, case, gen
from torch import nn
from torch.nn.utils import parametrizations, prune

from ltcbook import models

HEADS = {
    "CfCNet": (lambda: models.CfCNet(WIRING, generator=gen()), ["f1", "f2", "a", "b"], 3),
    "CfCNet lstm": (lambda: models.CfCNet(WIRING, memory="lstm", outputs=2, generator=gen()), ["f1", "a"], 3),
    "CfCNet units": (lambda: models.CfCNet(5, 3, 2, generator=gen()), ["f1", "b", "backbone.0"], 1),
    "CfCNet pure": (lambda: models.CfCNet(5, 3, 2, mode="pure", generator=gen()), ["f1"], 1),
    "ODENet": (lambda: models.ODENet(3, 5, 2, generator=gen()), ["field.0", "field.1"], 4),
    "ODENet dopri5": (
        lambda: models.ODENet(3, 5, 2, solver="dopri5", rtol=1e-3, generator=gen()),
        ["field.0", "field.1"],
        None,
    ),
}
TOOLS = pytest.mark.parametrize("name", HEADS)


def made(name):
    if "dopri5" in name:
        pytest.importorskip("torchdiffeq")
    make, layers, calls = HEADS[name]
    net = make()
    return net, [net.get_submodule(layer) for layer in layers], calls, torch.randn(2, 4, 3, generator=gen(1))


@TOOLS
def test_hooks_hear_every_step_and_may_change_what_a_layer_says(name):
    net, layers, calls, u = made(name)
    heard = dict.fromkeys(layers, 0)
    before = net(u)[1]
    for layer in layers:
        layer.register_forward_hook(lambda layer, given, out: heard.__setitem__(layer, heard[layer] + 1))
    torch.testing.assert_close(net(u)[1], before, rtol=0, atol=0)
    assert all(count == 4 * calls if calls else count > 4 for count in heard.values())
    layers[0].register_forward_hook(lambda layer, given, out: out + 1)
    assert (net(u)[1] - before).abs().max() > 1e-3


@TOOLS
@pytest.mark.parametrize("tool", ["prune", "weight_norm", "old weight_norm"])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_layers_under_torch_s_tools_train_on_and_compute_with_the_weights_of_now(name, tool):
    net, layers, _, u = made(name)
    for layer in layers:
        if tool == "prune":
            prune.l1_unstructured(layer, "weight", amount=0.5)
        else:
            (parametrizations.weight_norm if tool == "weight_norm" else nn.utils.weight_norm)(layer)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        net(u)[0].square().sum().backward()
        optimiser.step()
    plain = HEADS[name][0]()
    expected = {key: value for key, value in net.state_dict().items() if key in plain.state_dict()}
    for path, layer in zip(HEADS[name][1], layers, strict=True):
        if tool == "prune":
            weight = layer.weight_orig * layer.weight_mask
            assert (layer.weight_mask == 0).float().mean() == pytest.approx(0.5, abs=0.02)
        else:
            g, v = (
                (layer.parametrizations.weight.original0, layer.parametrizations.weight.original1)
                if tool == "weight_norm"
                else (layer.weight_g, layer.weight_v)
            )
            weight = g * v / v.norm(dim=1, keepdim=True)
        expected[f"{path}.weight"] = weight.detach()
    plain.load_state_dict(expected)
    # the states are large by now, and torchdiffeq chooses its steps by them
    torch.testing.assert_close(net(u)[0], plain(u)[0], rtol=1e-4, atol=1e-5)
    if name == "ODENet":
        np.testing.assert_allclose(
            net.numpy_cell().layers[0][0], plain.numpy_cell().layers[0][0], rtol=1e-6, atol=1e-7
        )


def test_an_adjoint_trains_through_a_pruned_field():
    pytest.importorskip("torchdiffeq")
    net, u = models.ODENet(3, 5, 2, adjoint=True, generator=gen()), torch.randn(2, 4, 3, generator=gen(1))
    prune.l1_unstructured(net.field[0], "weight", amount=0.5)
    for _ in range(2):
        net(u)[0].sum().backward()
    assert (net.field[0].weight_orig.grad[net.field[0].weight_mask == 0] == 0).all()


def test_a_carried_ltc_is_called_so_that_pruning_its_parameters_acts():
    net, u = (
        models.CfCNet.from_ltc(models.LTCNet(WIRING, generator=gen())),
        torch.randn(2, 4, 3, generator=gen(1)),
    )
    prune.l1_unstructured(net.ltc, "gamma", amount=0.5)
    for _ in range(2):
        net(u)[0].sum().backward()
    assert net.ltc.gamma_orig.grad.any()


@pytest.mark.parametrize("name", [name for name in MAKERS if "adjoint" not in name])
@pytest.mark.filterwarnings("ignore")
def test_quantised_models_stay_near_the_model(name):
    if not torch.backends.quantized.supported_engines or torch.backends.quantized.engine == "none":
        pytest.skip("this torch quantises nothing")
    net, u, x0, dt = case(name, 2, dtype=torch.float32)
    small = torch.ao.quantization.quantize_dynamic(copy.deepcopy(net), dtype=torch.qint8)
    for ours, theirs in zip(small(u, x0, dt), net(u, x0, dt), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0.1, atol=0.1)


@ALL
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_behind_a_layer_under_autocast_a_model_computes_in_its_own_precision(name, dtype):
    net, u, x0, dt = case(name, 2, dtype=torch.float32)
    before = nn.Linear(3, 3)
    with torch.autocast("cpu", dtype=dtype):
        low = before(u)
        assert low.dtype == dtype
        y, x = net(low, x0.to(dtype), dt)
        packed = nn.utils.rnn.pack_padded_sequence(low, [4, 2], batch_first=True)
        assert net(packed)[0].data.dtype == torch.float32
    expected = net(low.float(), x0.to(dtype).float(), dt)
    torch.testing.assert_close((y, x), expected, rtol=0, atol=0)
    y.sum().backward()
    assert before.weight.grad.any() and all(p.grad.dtype == torch.float32 for p in net.parameters())
    with pytest.raises(ValueError, match=f"u holds {dtype}, the model torch.float32"):
        net(low)
