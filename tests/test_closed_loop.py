"""Running on: a network hears its own outputs; and one step of it becomes a program of its own."""

import sys

import numpy as np
import pytest
import torch
from test_models import ALL, FEW, MAKERS, case, close, gen
from torch.nn.utils.rnn import pack_padded_sequence

from ltcbook import models, tasks, train

LENGTHS = torch.tensor([3, 5, 1])


def back(y, k):
    """Two or more outputs as three inputs, another way at every step."""
    return torch.stack([y[..., 0], y[..., 1] - k, 0.1 * y[..., 0] * k], -1)


@ALL
def test_a_forecast_is_the_plain_loop_and_so_is_its_gradient(name):
    net, u, x0, _ = case(name, 3)
    dt = 0.2 + torch.rand(3, 4 + 4, generator=gen(7), dtype=u.dtype)
    y, x = models.forecast(net, u, 5, x0, dt, feed=back)
    heard, (ys, xs) = u, net(u, x0, dt[:, :4])
    for k in range(4):  # the whole past again, and one input more
        heard = torch.cat([heard, back(ys[:, -1], k)[:, None]], 1)
        ys, xs = net(heard, x0, dt[:, : 5 + k])
    close((y, x), (ys[:, 3:], xs[:, 3:]))
    gradients = [
        torch.autograd.grad(
            part.square().sum(), list(net.parameters()), allow_unused=True, materialize_grads=True
        )
        for part in (y, ys[:, 3:])
    ]
    close(*gradients, 1e-10)


def test_without_feed_the_output_itself_is_heard_and_number_and_row_of_dt_agree():
    net, u = (
        models.CTRNNet(2, 6, 2, generator=gen()).double(),
        torch.randn(7, 2, generator=gen(1), dtype=torch.float64),
    )
    y, _ = models.forecast(net, u, 4, dt=0.5)
    close([y], [models.forecast(net, u, 4, dt=torch.full((10,), 0.5), feed=lambda y, k: y)[0]])
    close([y[:1]], [net(u, dt=0.5)[0][-1:]])  # the answer to the last input comes first


def test_sequences_of_different_length_go_on_from_their_last_real_step():
    net, u, x0, dt = case("LTCNet", 3, T=5)
    y, x = models.forecast(net, u, 3, x0, 0.5, feed=back, lengths=LENGTHS)
    for k, length in enumerate(LENGTHS):
        close((y[k], x[k]), models.forecast(net, u[k, :length], 3, x0[k], 0.5, feed=back))
    packed = pack_padded_sequence(u, LENGTHS, batch_first=True, enforce_sorted=False)
    close((y, x), models.forecast(net, packed, 3, x0, 0.5, feed=back), 0)
    u[0, 1] = torch.nan
    assert torch.isfinite(models.forecast(net, u, 3, feed=back, missing="hold")[0]).all()


def test_noise_of_a_forecast_follows_its_generator():
    net, u = models.CTRNNet(2, 6, 2, noise_pre=0.3, generator=gen()), torch.randn(7, 2, generator=gen(1))
    same = [models.forecast(net, u, 4, generator=gen(5))[0] for _ in range(2)]
    assert torch.equal(*same) and not torch.equal(same[0], models.forecast(net, u, 4, generator=gen(6))[0])


def test_a_network_that_turns_its_input_forecasts_the_circle_and_learns_in_closed_loop():
    angle = 0.3 * torch.arange(31, dtype=torch.float64)
    circle = torch.stack([angle.cos(), angle.sin()], -1)
    net = models.RNNet(2, 2, 2, activation="identity").double()  # y = rotation u
    rotation = torch.tensor([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    net.load_state_dict(
        {
            "w": torch.zeros(2, 2),
            "w_in": torch.eye(2),
            "b": torch.zeros(2),
            "linear.weight": rotation,
            "linear.bias": torch.zeros(2),
        }
    )
    inputs, targets = tasks.one_ahead(circle.numpy())
    assert train.evaluate(net, (inputs, targets)) < 1e-28
    past, future = circle[:11], circle[11:]
    close([models.forecast(net, past, 20)[0]], [future])
    net.linear.weight.data *= 1.02
    error = lambda: (models.forecast(net, past, 20)[0] - future).square().mean()
    before = error()
    before.backward()
    net.linear.weight.data -= 1e-3 * net.linear.weight.grad
    assert error() < 0.9 * before


def test_one_ahead_shifts_a_series_against_itself():
    series = np.random.default_rng(0).normal(size=(3, 9, 2))
    inputs, targets = tasks.one_ahead(series, steps=4)
    assert np.array_equal(inputs[:, 4:], targets[:, :1]) and inputs.shape == targets.shape == (3, 5, 2)
    assert (
        np.array_equal(inputs, series[:, :5])
        and np.array_equal(targets, series[:, 4:])
        and not np.shares_memory(inputs, series)
    )
    for bad in (np.zeros(1), np.zeros((3, 4, 2, 2)), 7):
        with pytest.raises(ValueError, match="series has shape"):
            tasks.one_ahead(bad)


@pytest.mark.parametrize(
    "change, words",
    [
        (dict(steps=0), "steps is 0"),
        (dict(u=torch.zeros(3)), "u is"),
        (dict(feed=None), "2 outputs and 3 inputs.*give feed"),
        (dict(dt=torch.ones(4)), r"dt has shape \(4,\); give a number, \(8,\).*4 steps of u and 4"),
        (dict(dt="fast"), "dt is"),
        (dict(dt=-1.0), "dt is -1"),
        (dict(feed=lambda y, k: y), r"\(\.\.\., T, 3\)"),
    ],
)
def test_forecasts_that_cannot_be_made_are_refused(change, words):
    net, u, x0, _ = case("LTCNet", 3)
    with pytest.raises(ValueError, match=words):
        models.forecast(net, **{"u": u, "steps": 5, "x0": x0, "feed": back} | change)


# --- one step as a program
# --------------------------------------------------------------------------------------------------


@FEW
def test_an_exported_step_read_from_its_file_runs_a_sequence_of_any_batch(name, tmp_path):
    net = MAKERS[name](generator=gen())
    models.export_step(net, tmp_path / "step.pt2")
    step = torch.export.load(tmp_path / "step.pt2").module()
    for batch in (1, 4):
        u, dt = torch.randn(batch, 6, net.m, generator=gen(1)), torch.rand(batch, 6, generator=gen(2))
        x, answers = torch.zeros(batch, net.state_size), []
        for t in range(6):
            y, x = step(u[:, t], x, dt[:, t])
            answers.append(y)
        truth = net(u, dt=dt)
        close((torch.stack(answers, 1), x), (truth[0], truth[1][:, -1]), 1e-4)


def test_an_exported_step_may_have_its_dt_built_in_and_the_network_stays_as_it_was():
    net = models.CTRNNet(2, 5, 1, noise_pre=0.5, generator=gen()).double()
    step = models.export_step(net, dt=0.25).module()
    assert net.training
    u, x = (
        torch.randn(3, 2, generator=gen(1), dtype=torch.float64),
        torch.randn(3, 5, generator=gen(2), dtype=torch.float64),
    )
    y, after = net.eval()(u[:, None], x, 0.25)  # without noise
    close(step(u, x), (y[:, 0], after[:, 0]))


def test_an_export_that_differs_from_its_network_is_not_written(monkeypatch, tmp_path):
    net, export = models.RNNet(2, 3, generator=gen()), torch.export.export

    def wrong(*arguments, **options):
        program = export(*arguments, **options)
        program.state_dict["net.w"] = torch.nn.Parameter(program.state_dict["net.w"] + 0.1)
        return program

    monkeypatch.setattr(torch.export, "export", wrong)
    with pytest.raises(ValueError, match="differs from the network: . is off by"):
        models.export_step(net, tmp_path / "step.pt2")
    assert not (tmp_path / "step.pt2").exists()


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("step.pt",), r"path is 'step.pt'; it must end on one of .pt2, .onnx"),
        (([0.0] * 999,), "path is a list of shape"),
        ((None, -1.0), "dt is -1"),
    ],
)
def test_exports_that_cannot_be_made_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        models.export_step(models.RNNet(2, 3), arguments[0], dt=arguments[1] if len(arguments) > 1 else None)


@pytest.mark.parametrize("net", [torch.nn.Linear(2, 3), torch.nn.Sequential(), None, "net"])
def test_what_is_no_network_is_not_exported(net):
    with pytest.raises(
        ValueError, match="net is (Linear|Sequential|NoneType|str); pass one of ltcbook.models"
    ):
        models.export_step(net)


def test_what_torchdiffeq_solves_is_not_exported_and_onnx_names_its_packages(monkeypatch, tmp_path):
    pytest.importorskip("torchdiffeq")
    with pytest.raises(ValueError, match="ODENet cannot be exported.*solver='rk4'"):
        models.export_step(models.ODENet(2, 3, solver="dopri5", generator=gen()))
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match="onnxscript"):
        models.export_step(models.RNNet(2, 3), tmp_path / "step.onnx")


@pytest.mark.parametrize("name", ["RNNet", "LTCNet", "CfCNet lstm"])
def test_a_step_in_onnx_answers_as_the_network(name, tmp_path):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnx")
    models.export_step(MAKERS[name](generator=gen()), tmp_path / "step.onnx")  # which compares
    assert (tmp_path / "step.onnx").stat().st_size > 0
