"""Steps in which nothing happens: padding, pauses of 0 ms, packed sequences and channels that were not
measured.
"""

import numpy as np
import pytest
import torch
from strategies import random_cell, random_input, to_torch
from test_models import ALL, MAKERS, WIRING, case, close, gen
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence

from ltcbook import dynamics, kernels, models, simulate
from ltcbook.solvers import SOLVERS

LENGTHS = torch.tensor([3, 5, 1])
PATTERN = torch.tensor([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1], [0, 0, 1, 0, 0]]).bool()
BACKENDS = pytest.mark.parametrize(
    "backend, solver",
    [
        ("reference", "rk4"),
        ("edges", "fused"),
        ("parallel", "extrapolated"),
        ("numba", "fused"),
        ("numba", "extrapolated"),
    ],
)


def ltc(backend, solver):
    if backend == "numba":
        pytest.importorskip("numba")
    return models.LTCNet(WIRING, solver=solver, substeps=2, backend=backend, generator=gen()).double()


def spoil(t, real):
    """NaN wherever nothing may be read."""
    return t.masked_fill(~real if t.ndim == 2 else ~real[..., None], torch.nan)


def alone(net, u, x0, dt, real):
    """(y, x) of the real steps of every sequence, each run by itself: the truth."""
    return [net(u[k, real[k]], x0[k], dt[k, real[k]]) for k in range(len(u))]


def check_padding(net, u, x0, dt, real, tolerance=1e-12, **say):
    """Outputs, states and gradients are those of the real steps alone; the state is held; nothing else is
    read.
    """
    leaves = u.requires_grad_(), x0.requires_grad_(), *net.parameters()
    parts = alone(net, u, x0, dt, real)
    weigh = lambda y, x: y.square().sum() + x.sin().sum()
    truth = torch.autograd.grad(
        sum(weigh(*part) for part in parts), leaves, allow_unused=True, materialize_grads=True
    )

    padded = spoil(u.detach(), real).requires_grad_()
    y, x = net(padded, x0, spoil(dt, real), **say)
    for k, (y_k, x_k) in enumerate(parts):
        close((y[k, real[k]], x[k, real[k]]), (y_k, x_k), tolerance)
        assert torch.equal(y[k, -1], y[k, real[k]][-1]) and torch.equal(x[k, -1], x[k, real[k]][-1])
        held = torch.cat([x0[k : k + 1], x[k]])
        assert torch.equal(held[1:][~real[k]], held[:-1][~real[k]])
    came = torch.autograd.grad(
        weigh(y[real], x[real]), (padded, *leaves[1:]), allow_unused=True, materialize_grads=True
    )
    close(came, truth, 100 * tolerance)
    assert (came[0][~real] == 0).all()


@ALL
@pytest.mark.parametrize("how", ["lengths", "mask"])
def test_padding_changes_neither_outputs_nor_gradients_and_is_never_read(name, how):
    real = torch.arange(5) < LENGTHS[:, None] if how == "lengths" else PATTERN
    check_padding(
        *case(name, 3, T=5),
        real,
        **({"lengths": LENGTHS.tolist()} if how == "lengths" else {"mask": PATTERN}),
    )


@BACKENDS
def test_padding_changes_nothing_on_any_path(backend, solver):
    _, u, x0, dt = case("LTCNet", 3, T=5)
    check_padding(ltc(backend, solver), u, x0, dt, PATTERN, mask=PATTERN)


@pytest.mark.parametrize(
    "options", [{"solver": "dopri5"}, {"solver": "rk4", "adjoint": True}, {"solver": "midpoint"}]
)
def test_padding_changes_nothing_for_solvers_of_torchdiffeq(options):
    pytest.importorskip("torchdiffeq")
    net = models.ODENet(3, 5, 2, hidden=7, rtol=1e-12, atol=1e-12, generator=gen(), **options).double()
    _, u, x0, dt = case("ODENet", 3, T=5)
    real = torch.arange(5) < LENGTHS[:, None]
    check_padding(net, u, x0, dt, real, 1e-9, lengths=LENGTHS)  # one step size for the batch


@ALL
def test_more_padding_behind_keeps_every_bit_of_outputs_and_gradients_noise_included(name):
    net, u, x0, dt = case(name, 3, T=5)
    if name == "CTRNNet":
        net.noise_pre = net.noise_post = 0.2
    longer = lambda t: torch.cat([t, torch.full_like(t[:, :4], torch.nan)], 1)
    results = []
    for u, dt in ((u, dt), (longer(u), longer(dt))):
        torch.manual_seed(0)
        y, x = net(u, x0, dt, lengths=LENGTHS)
        results.append(
            (
                y[:, :5],
                x[:, :5],
                y[:, -1],
                *torch.autograd.grad(y[:, :5].square().sum(), list(net.parameters()), allow_unused=True),
            )
        )
    for a, b in zip(*results, strict=True):
        assert a is b is None or torch.equal(a, b)


DISCRETE = [name for name in MAKERS if name.startswith(("RNNet", "GRUNet", "LSTMNet"))]


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in DISCRETE])
def test_in_a_step_of_0_ms_nothing_happens(name):
    net, u, x0, dt = case(name, 3, T=5)
    dt = dt * PATTERN
    for k, (y, x) in enumerate(alone(net, u, x0, dt, PATTERN)):
        held = torch.cat([x0[k : k + 1], net(u[k], x0[k], dt[k])[1]])
        assert torch.equal(held[1:][PATTERN[k]], x)
        assert torch.equal(held[1:][~PATTERN[k]], held[:-1][~PATTERN[k]])
    leaves = x0.requires_grad_(), u.requires_grad_(), *net.parameters()
    y, x = net(u, x0, 0.0)
    assert torch.equal(x, x0[:, None].expand_as(x)) and torch.equal(y, net.readout(x))
    by_x0, *others = torch.autograd.grad(
        (x[:, -1] * x0.detach()).sum(), leaves, allow_unused=True, materialize_grads=True
    )
    # the identity, and no one else
    assert torch.equal(by_x0, x0) and not any(other.any() for other in others)


@pytest.mark.parametrize("name", ["LTCNet", "CTRNNet", "CTRNNet inside", "ODENet"])
def test_the_derivative_by_dt_at_0_ms_is_the_vector_field(name):
    net, u, x0, _ = case(name, T=1)
    dt = torch.zeros(1, dtype=u.dtype, requires_grad=True)
    x = net(u, x0, dt)[1][0]
    close([x], [x0])
    slope = torch.stack([torch.autograd.grad(value, dt, retain_graph=True)[0][0] for value in x])
    heard = net.map_input(u) if name == "LTCNet" else u
    close([slope], [dynamics.vector_field(0, x0, heard[0], net.cell())])


@pytest.mark.parametrize("name", DISCRETE)
def test_0_ms_is_a_step_like_any_other_for_a_discrete_network(name):
    net, u, x0, _ = case(name, 3)
    close(net(u, x0, 0.0), net(u, x0), 0)


@pytest.mark.parametrize("name", ["LTCNet lstm", "RNNet"])
def test_masks_go_through_compile_and_vmap(name):
    net, u, x0, dt = case(name, 3, T=2)
    mask = PATTERN[:, :2]
    truth, padded = net(u, x0, dt, mask=mask), spoil(u, mask)
    if name == "RNNet":
        torch._dynamo.reset()
        close(torch.compile(net, backend="eager", fullgraph=True)(padded, x0, dt, mask=mask), truth)
    close(torch.vmap(lambda u, x0, dt, mask: net(u, x0, dt, mask=mask))(padded, x0, dt, mask), truth)


@ALL
def test_an_empty_sequence_keeps_its_start(name):
    net, u, x0, dt = case(name, 3, T=5)
    for lengths in ([2, 0, 5], [0, 0, 0]):
        y, x = net(u, x0, dt, lengths=lengths)
        assert torch.equal(x[1], x0[1].expand_as(x[1])) and torch.isfinite(y).all()
    assert net(u[:0], x0[:0], dt[:0], lengths=LENGTHS[:0])[1].shape == (0, 5, net.state_size)


@ALL
@pytest.mark.parametrize("sort", [False, True])
def test_a_packed_sequence_comes_back_packed(name, sort):
    net, u, x0, dt = case(name, 3, T=5)
    order = [1, 0, 2] if sort else [0, 1, 2]  # sorted by hand, so that torch keeps no indices
    u, x0, dt, lengths = u[order], x0[order], dt[order], LENGTHS[order]
    packed = pack_padded_sequence(u, lengths, batch_first=True, enforce_sorted=sort)
    times = pack_sequence([row[:k] for row, k in zip(dt, lengths, strict=True)], enforce_sorted=sort)
    for given in (times, dt):
        y, x = net(packed, x0, given)
        y, came = pad_packed_sequence(y, batch_first=True)
        truth = net(u, x0, dt, lengths=lengths)
        real = torch.arange(5) < lengths[:, None]
        assert (
            torch.equal(came, lengths) and torch.equal(x, truth[1]) and torch.equal(y[real], truth[0][real])
        )
    with pytest.raises(ValueError, match="leave out lengths"):
        net(packed, lengths=lengths)


@ALL
def test_a_channel_that_was_not_measured_keeps_its_last_value(name):
    net, u, x0, dt = case(name, 2, T=5)
    holed, filled = u.clone(), u.clone()
    holed[0, 2:4, 1] = holed[1, :2, 0] = holed[1, 4] = torch.nan
    filled[0, 2:4, 1], filled[1, :2, 0], filled[1, 4] = u[0, 1, 1], 0, u[1, 3]
    holed.requires_grad_()
    came = net(holed, x0, dt, missing="hold")
    close(came, net(filled, x0, dt), 0)
    (gradient,) = torch.autograd.grad(sum(part.square().sum() for part in came), holed)
    assert (
        torch.isfinite(gradient).all()
        and (gradient[holed.isnan()] == 0).all()
        and gradient[~holed.isnan()].all()
    )
    with pytest.raises(ValueError, match="u holds 7 values that are NaN.*missing='hold'"):
        net(holed, x0, dt)


def test_a_padded_step_is_not_a_measurement():
    net, u, x0, dt = case("LTCNet", T=4)
    u[2, 0] = torch.nan
    real = torch.tensor([True, False, True, True])
    filled = u.clone()
    filled[2, 0] = u[0, 0]
    close(net(u, x0, dt, mask=real, missing="hold"), net(filled, x0, dt, mask=real), 0)


def test_gradients_of_missing_values_and_padding_equal_finite_differences():
    net, u, x0, dt = case("LTCNet lstm", 3, T=5)
    torch.autograd.gradcheck(
        lambda u, dt: net(u, x0, dt, mask=PATTERN), (u.requires_grad_(), dt.requires_grad_()), fast_mode=True
    )


@ALL
def test_lengths_and_masks_that_do_not_fit_raise_one_error(name):
    net, u, x0, dt = case(name, 3, T=5)
    late = torch.ones(3, 5).bool()
    for say, words in [
        (dict(lengths=[3, 6, 1]), "runs from 1 to 6; u has 5 steps"),
        (dict(lengths=[3, -1, 1]), "runs from -1 to 3"),
        (dict(lengths=LENGTHS.double()), "torch.float64; .*whole numbers"),
        (dict(lengths=LENGTHS[:2]), r"lengths has shape \(2,\)"),
        (dict(lengths="long"), "lengths is str"),
        (dict(mask=PATTERN.long()), r"torch.int64; it must hold truth values \(5,\) or \(3, 5\).*mask.bool"),
        (dict(mask=PATTERN[:, :4]), r"mask has shape \(3, 4\)"),
        (dict(mask=PATTERN[:2]), r"mask has shape \(2, 5\)"),
        (dict(mask=True), "mask has shape"),
        (dict(mask=late, lengths=LENGTHS), "calls 6 steps real that lie beyond"),
        (dict(missing="mean"), "missing is 'mean'"),
    ]:
        with pytest.raises(ValueError, match=words):
            net(u, x0, dt, **say)
    close(
        net(u, x0, dt, mask=torch.arange(5) < LENGTHS[:, None], lengths=LENGTHS),
        net(u, x0, dt, lengths=LENGTHS),
        0,
    )
    close(net(u, x0, dt, mask=np.ones(5, bool), lengths=5), net(u, x0, dt), 0)


# --- below the models
# ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [dynamics.LTC, dynamics.LTC2021, dynamics.CTRNN])
@pytest.mark.parametrize("method", simulate.METHODS)
def test_simulate_holds_the_state_in_steps_of_0_ms(kind, method):
    rng = np.random.default_rng(2)
    cell = random_cell(rng, kind, n=4, m=2)
    u, x0, dt = random_input(rng, cell, 3, 6), rng.normal(size=4), rng.uniform(0.2, 1, 6)
    dt[[0, 2, 3]] = 0
    real = dt > 0
    options = {"method": method, "substeps": 3}
    x = simulate.simulate(cell, u, x0, dt, **options)
    assert np.array_equal(x[:, real], simulate.simulate(cell, u[:, real], x0, dt[real], **options))
    assert (x[:, 0] == x0).all() and (x[:, 2] == x[:, 1]).all() and (x[:, 3] == x[:, 1]).all()
    assert (simulate.simulate(cell, u, x0, 0, **options) == x0).all()
    if kind is dynamics.LTC and kernels.missing(SOLVERS[method], "float64") is None:
        other = simulate.simulate(cell, u, x0, dt, **options, backend="numba")
        np.testing.assert_allclose(other, x, rtol=1e-12, atol=1e-12)
        assert (other[:, 0] == x0).all() and (other[:, 3] == other[:, 1]).all()
    tensors = to_torch(cell), *map(torch.tensor, (u, np.broadcast_to(x0, (3, 4)).copy(), dt))
    np.testing.assert_allclose(simulate.simulate(*tensors, **options), x, rtol=1e-12, atol=1e-12)
    exact = simulate.reference(cell, u[0], x0, dt)
    assert (exact[0] == x0).all() and (exact[2] == exact[1]).all() and np.isfinite(exact).all()


@pytest.mark.parametrize(
    "step",
    [
        dynamics.fused_step,
        dynamics.exponential_step,
        simulate.euler_step,
        simulate.rk4_step,
        lambda *call: dynamics.extrapolated_step(*call, np.ones(4)),
    ],
)
def test_every_step_of_0_ms_is_the_identity_and_none_goes_back_in_time(step):
    rng = np.random.default_rng(2)
    cell = random_cell(rng, n=4, m=2)
    x, u = rng.normal(size=4), rng.normal(size=2)
    np.testing.assert_allclose(step(x, u, cell, 0), x, rtol=1e-14, atol=1e-14)
    for bad in (-1e-9, np.nan, np.inf, np.array([0, -1.0, 1, 1])):
        with pytest.raises(ValueError, match="finite number of milliseconds >= 0"):
            step(x, u, cell, bad)
