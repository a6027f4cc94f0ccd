"""The same weights in ncps and here: outputs, states and gradients."""

import ncps.torch
import numpy as np
import pytest
import torch
from ncps import wirings

from ltcbook import models
from ltcbook.models.convert import LTC_NAMES

torch.set_num_threads(1)
# float32: 120 fused unfolds and their backward pass round differently. float64: ncps adds epsilon = 1e-8 to
# denominators of size >= 1, which moves outputs and gradients relatively by about as much in each unfold.
TOLERANCE = {torch.float32: dict(rtol=2e-5, atol=2e-6), torch.float64: dict(rtol=2e-6, atol=1e-7)}
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def scattered(module, dtype):
    """The module with every parameter moved away from its start, so that no map is an identity."""
    g = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, p in module.named_parameters():
            if p.requires_grad:
                p.mul_(1 + 0.2 * torch.rand(p.shape, generator=g))
                if name.split(".")[-1] in ("input_b", "output_b"):
                    p.add_(0.3)
    return module.to(dtype)


def gradients(module, call, u):
    """Output, and gradient of a loss by u; those of the parameters stay in .grad."""
    u = u.clone().requires_grad_()
    y = call(u)
    (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape) + y.square()).sum().backward()
    return y, u.grad


def run_theirs(module, u, size, mixed=False):
    h0 = u.new_zeros(len(u), size)
    return module(u, (h0, h0) if mixed else h0)[0]


def close(a, b, dtype):
    for ours, theirs in zip(a, b, strict=True):
        torch.testing.assert_close(ours, theirs, **TOLERANCE[dtype])


def inputs(dtype):
    return torch.randn(4, 20, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64).to(dtype)


@DTYPES
@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("wiring", ["auto", "full"])
def test_ltc_outputs_and_all_gradients(dtype, implicit, mixed, wiring):
    torch.manual_seed(0)
    wired = wirings.AutoNCP(19, 3, seed=1) if wiring == "auto" else wirings.FullyConnected(7, 2)
    theirs = scattered(
        ncps.torch.LTC(5, wired, implicit_param_constraints=implicit, mixed_memory=mixed), dtype
    )
    net, u = models.LTCNet.from_ncps(theirs), inputs(dtype)
    ours, expected = (
        gradients(net, lambda u: net(u)[0], u),
        gradients(theirs, lambda u: run_theirs(theirs, u, net.n, mixed), u),
    )
    close(ours, expected, dtype)
    cell = theirs.rnn_cell
    for field, name in LTC_NAMES.items():
        mask = 1
        if field in ("e_rev", "e_rev_in", "w", "w_in", "gamma", "gamma_in", "mu", "mu_in"):
            mask = (net.polarity_in if field.endswith("in") else net.polarity) != 0
        grad = getattr(cell, name).grad
        grad = grad.T if grad.ndim == 2 else grad
        close([getattr(net, net.parameter_of(field)).grad * mask], [grad * mask], dtype)
    close(
        [getattr(net, name).grad for name in ("input_w", "input_b", "output_w", "output_b")],
        [getattr(cell, name).grad for name in ("input_w", "input_b", "output_w", "output_b")],
        dtype,
    )
    if mixed:
        close(
            [net.memory.w_in.grad, net.memory.w.grad, net.memory.b.grad],
            [
                theirs.lstm.input_map.weight.grad,
                theirs.lstm.recurrent_map.weight.grad,
                theirs.lstm.input_map.bias.grad,
            ],
            dtype,
        )


def test_epsilon_is_the_only_difference():
    torch.manual_seed(0)
    theirs = scattered(ncps.torch.LTC(5, wirings.AutoNCP(19, 3, seed=1), epsilon=0.0), torch.float64)
    net, u = models.LTCNet.from_ncps(theirs), inputs(torch.float64)
    ours, expected = (
        gradients(net, lambda u: net(u)[0], u),
        gradients(theirs, lambda u: run_theirs(theirs, u, net.n), u),
    )
    torch.testing.assert_close(ours, expected, rtol=1e-11, atol=1e-12)
    for field, name in LTC_NAMES.items():
        grad = getattr(theirs.rnn_cell, name).grad
        grad = grad.T if grad.ndim == 2 else grad
        torch.testing.assert_close(getattr(net, net.parameter_of(field)).grad, grad, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("epsilon", [1e-2, 0.5, 3e-7])
def test_another_epsilon_is_a_leak_towards_0_mv_and_nothing_is_lost(epsilon, implicit):
    torch.manual_seed(0)
    theirs = scattered(
        ncps.torch.LTC(
            5, wirings.AutoNCP(19, 3, seed=1), epsilon=epsilon, implicit_param_constraints=implicit
        ),
        torch.float64,
    )
    net, u = models.LTCNet.from_ncps(theirs), inputs(torch.float64)
    ours, expected = (
        gradients(net, lambda u: net(u)[0], u),
        gradients(theirs, lambda u: run_theirs(theirs, u, net.n), u),
    )
    torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-10)
    for field, name in LTC_NAMES.items():
        if field not in ("g_leak", "e_leak"):
            grad = getattr(theirs.rnn_cell, name).grad
            grad = grad.T if grad.ndim == 2 else grad
            torch.testing.assert_close(
                getattr(net, net.parameter_of(field)).grad, grad, rtol=1e-9, atol=1e-10
            )


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda cell: setattr(cell, "_epsilon", -0.1),
            r"epsilon of this ncps cell is -0.1; it must be a number in \[0",
        ),
        (lambda cell: setattr(cell, "_epsilon", "small"), "epsilon of this ncps cell is 'small'"),
        (
            lambda cell: setattr(cell, "make_positive_fn", torch.nn.ReLU()),
            r"positive by ReLU\(\); only its own two ways",
        ),
        (lambda cell: setattr(cell, "make_positive_fn", torch.nn.Softplus(beta=2)), "only its own two ways"),
        (lambda cell: setattr(cell, "make_positive_fn", torch.nn.Identity()), "only its own two ways"),
    ],
)
def test_an_option_of_an_ncps_cell_that_cannot_be_kept_is_refused(change, message):
    theirs = ncps.torch.LTC(5, wirings.AutoNCP(19, 3, seed=1))
    change(theirs.rnn_cell)
    with pytest.raises(ValueError, match=message):
        models.LTCNet.from_ncps(theirs)


@DTYPES
def test_ltc_cell_with_its_own_time_step(dtype):
    torch.manual_seed(0)
    wired = wirings.AutoNCP(19, 3, seed=1)
    theirs = scattered(
        ncps.torch.LTCCell(wired, 5, ode_unfolds=3, input_mapping="linear", output_mapping=None), dtype
    )
    net, u = models.LTCNet.from_ncps(theirs), inputs(dtype)
    h0 = 0.3 * torch.randn(4, 19, generator=torch.Generator().manual_seed(3)).to(dtype)
    y, x = net(u, h0, torch.linspace(0.1, 2, 20))
    for t in range(20):
        out, h0 = theirs(u[:, t], h0, float(torch.linspace(0.1, 2, 20)[t]))
        close((y[:, t], x[:, t]), (out, h0), dtype)


CFC = {
    "wired": lambda **o: ncps.torch.CfC(5, wirings.AutoNCP(19, 3, seed=1), **o),
    "one layer": lambda **o: ncps.torch.CfC(
        5, wirings.FullyConnected(6, 6 if o.get("proj_size") else 2), **o
    ),
    "backbone": lambda **o: ncps.torch.CfC(
        5, 13, backbone_units=11, backbone_layers=2, activation="silu", **o
    ),
    "LeCun": lambda **o: ncps.torch.CfC(5, 13, backbone_units=11, **o),
    "bare": lambda **o: ncps.torch.CfC(5, 13, backbone_layers=0, **o),
}


@pytest.mark.parametrize("mode", ["default", "pure", "no_gate"])
@pytest.mark.parametrize("kind", CFC)
@pytest.mark.parametrize("mixed", [False, True])
def test_cfc_outputs_and_input_gradients(mode, kind, mixed):
    torch.manual_seed(0)
    for options, dtype in ((dict(proj_size=2), torch.float32), ({}, torch.float64)):
        theirs = scattered(CFC[kind](mode=mode, mixed_memory=mixed, **options), dtype)
        net, u = models.CfCNet.from_ncps(theirs), inputs(dtype)
        assert sum(p.numel() for p in net.parameters()) >= sum(
            p.numel() for p in theirs.parameters() if p.requires_grad
        )
        ours, expected = (
            gradients(module, call, u)
            for module, call in (
                (net, lambda u: net(u)[0]),
                (theirs, lambda u: run_theirs(theirs, u, net.n, mixed)),
            )
        )
        close(ours, expected, dtype)
        layers = getattr(theirs.rnn_cell, "_layers", [theirs.rnn_cell])
        grad, bias = layers[-1].ff1.weight.grad, layers[-1].ff1.bias.grad
        rows = net.order[-len(bias) :]
        close([net.f1.bias.grad[rows]], [bias], dtype)
        torch.testing.assert_close(net.f1.weight.grad[rows].norm(), grad.norm(), **TOLERANCE[dtype])


@pytest.mark.parametrize(
    "make",
    [
        lambda: ncps.torch.CfCCell(5, 13, backbone_units=9),
        lambda: ncps.torch.WiredCfCCell(5, wirings.AutoNCP(19, 3, seed=1)),
    ],
)
def test_cfc_cells_with_their_own_time_step(make):
    torch.manual_seed(0)
    theirs = scattered(make(), torch.float64)
    net, u = models.CfCNet.from_ncps(theirs), inputs(torch.float64)
    x0 = torch.randn(4, net.n, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    y, x = net(u, x0, 0.3)
    h = x0[:, net.order]  # ncps keeps its states layer by layer
    for t in range(20):
        out, h = theirs(u[:, t], h, 0.3)
        close((y[:, t], x[:, t][:, net.order]), (out, h), torch.float64)


def test_what_cannot_be_read_is_refused():
    for reader in (models.LTCNet.from_ncps, models.CfCNet.from_ncps):
        with pytest.raises(ValueError, match="cannot read a Linear"):
            reader(torch.nn.Linear(2, 2))
    cell = ncps.torch.LTCCell(wirings.AutoNCP(19, 3, seed=1), 5)
    with torch.no_grad():
        cell.w[cell.sparsity_mask > 0] = -0.1
    with pytest.raises(ValueError, match="apply_weight_constraints"):
        models.LTCNet.from_ncps(cell)
    cell.apply_weight_constraints()
    models.LTCNet.from_ncps(cell)
    cell.sparsity_mask.data *= 0.5
    with pytest.raises(ValueError, match="a mask of this ncps cell"):
        models.LTCNet.from_ncps(cell)
    dropping = ncps.torch.CfC(5, 13, backbone_layers=2, backbone_dropout=0.1)
    with pytest.raises(ValueError, match="eval"):
        models.CfCNet.from_ncps(dropping)
    models.CfCNet.from_ncps(dropping.eval())
    masked = ncps.torch.CfC(5, wirings.AutoNCP(19, 3, seed=1))
    masked.rnn_cell._layers[0].sparsity_mask.data[0] = 0
    with pytest.raises(ValueError, match="not those of its wiring"):
        models.CfCNet.from_ncps(masked)


def test_a_mask_changed_in_ncps_is_the_mask_that_is_read():
    cell = ncps.torch.LTCCell(wirings.AutoNCP(19, 3, seed=1), 5)
    source, target = np.argwhere(cell.sparsity_mask.numpy() > 0)[0]
    cell.sparsity_mask.data[source, target] = 0
    assert not models.LTCNet.from_ncps(cell).wiring.adjacency[target, source]
