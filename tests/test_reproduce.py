"""The stored tables: a sample of each is made again, and what is read from them does what the table says."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tqdm")

from ltcbook import models, reproduce
from ltcbook.reproduce import __main__ as command
from ltcbook.reproduce import driver as study
from ltcbook.tasks import lane


@pytest.mark.parametrize("name", reproduce.STUDIES)
def test_a_sample_made_again_agrees_with_the_stored_table(name, capsys):
    assert command.main([name, "--sample"]) == 0, capsys.readouterr().out
    assert "agrees" in capsys.readouterr().out


def test_every_study_names_its_command_and_its_file(root):
    described = (root / "ltcbook" / "data" / "README.md").read_text("utf8")
    for name in reproduce.STUDIES:
        assert reproduce.stored(name)["made by"] == f"python -m ltcbook.reproduce {name}"
        assert f"| `{reproduce.study(name).FILE}` |" in described


def test_a_study_that_there_is_not_is_one_clear_error(capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["drive"])
    assert stop.value.code == 2 and "the study is 'drive'; choose one of 'driver'" in capsys.readouterr().err


def test_a_sample_differs_where_a_number_a_key_or_a_length_does():
    table = {"a": [1.0, 2.0], "b": {"c": "word", "n": None}}
    same = lambda sample: reproduce.differences(sample, table, 1e-3)
    assert same({"a": [1.0005, 2.0]}) == [] and same({"b": {"n": None}}) == []
    assert same({"a": [1.002, 2.0]}) == ["the table['a'][0] is 1.0; it came out as 1.002."]
    assert (
        len(same({"a": [1.0]}))
        == len(same({"b": {"c": "other"}}))
        == len(same({"d": 1}))
        == len(same({"b": {"n": 0.0}}))
        == 1
    )


def test_a_table_that_is_written_is_read_as_it_was(tmp_path):
    table = {"a": [[1, 2.5], [3, None]], "b": {"µ": "x", "empty": {}}, "c": []}
    reproduce.written(table, tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text("utf8")) == table


def test_the_stored_driver_stays_on_the_road_as_its_table_says():
    measured = reproduce.stored("driver")["measured"]
    assert measured["drives"] == 20 and measured["noise"]["0.1"]["stayed"] == 20
    driver = lane.trained()
    for noise in ("0.0", "0.3"):
        assert study.stays(driver, noise=float(noise)) == pytest.approx(measured["noise"][noise], rel=1e-4)
    after, moved = study.cut(driver, 0.4, 3)
    assert (moved, study.stays(after)["stayed"]) == (
        measured["threshold"]["0.4"]["moved"],
        measured["threshold"]["0.4"]["stayed"][3],
    )


def test_the_stored_driver_is_the_network_of_torch_with_the_same_numbers():
    import torch

    driver = lane.trained()
    net = models.LTCNet(driver.wiring, solver="fused", substeps=1).double()
    with torch.no_grad():
        for name, value in vars(driver.cell).items():
            parameter = getattr(net, net.parameter_of(name))
            parameter.copy_(
                torch.as_tensor(net.raw(value) if name in ("c", "g_leak", "w", "w_in") else value)
            )
        for name, value in (
            ("input_w", driver.input_scale),
            ("input_b", driver.input_shift),
            ("output_w", driver.readout_scale),
            ("output_b", driver.readout_shift),
        ):
            getattr(net, name).copy_(torch.tensor(value))
    seen = lane.drive(
        driver.policy(),
        lane.Road.random(3, 300, rng=np.random.default_rng(2)),
        steps=200,
        jitter=0.3,
        takeover=0,
        rng=np.random.default_rng(3),
    )
    y, x = net(torch.as_tensor(seen.inputs), dt=torch.as_tensor(seen.dt))
    assert seen.stayed.all()
    assert np.allclose(y[..., 0].detach(), seen.wheel, atol=1e-10)
    assert np.allclose(driver.states(seen.inputs, seen.dt), x.detach(), atol=1e-10)


def test_a_driver_whose_speeds_are_held_keeps_its_goals_and_its_shares():
    from ltcbook import dynamics
    from ltcbook.reproduce import liquid

    driver = lane.trained()
    seen = np.random.default_rng(0).uniform(size=(4, 5, 16))
    g = liquid.conductances(driver, seen)
    assert g.shape == (4, 5, 19) and (g > driver.cell.g_leak).all()
    held = liquid.Held(driver, g.mean((0, 1)))
    x = np.zeros((4, 19))
    for t in range(5):
        goal = dynamics.effective_equilibrium(x, driver.heard(seen[:, t]), driver.cell)
        keep = driver.cell.c / (driver.cell.c + g.mean((0, 1)))
        x = keep * x + (1 - keep) * goal
        assert np.allclose(held(seen[:, t], np.ones(4)), driver.wheel(x), atol=1e-12)
    held.reset()
    always = dynamics.LTC(
        **{**vars(driver.cell), "gamma": 0 * driver.cell.gamma, "gamma_in": 0 * driver.cell.gamma_in}
    )
    still = lane.Driver(
        driver.wiring,
        always,
        driver.input_scale,
        driver.input_shift,
        driver.readout_scale,
        driver.readout_shift,
    )
    half = liquid.Held(
        still, still.cell.terms(np.zeros(19), np.zeros(16))[0]
    )  # gates half open for ever: nothing to hold
    assert np.allclose(half(seen[:, 0], np.ones(4)), still.policy()(seen[:, 0], np.ones(4)), atol=1e-12)
    assert liquid.swing(still, seen)["swing"] == 1


def test_parts_that_make_no_driver_are_refused():
    from dataclasses import replace

    driver = lane.trained()
    with pytest.raises(ValueError, match="wiring.Wiring"):
        replace(driver, wiring=None)
    with pytest.raises(ValueError, match="16 inputs and one motor neuron"):
        replace(driver, wiring=replace(driver.wiring, polarity_in=driver.wiring.polarity_in[:, :8]))
    with pytest.raises(ValueError, match="input_scale"):
        replace(driver, input_scale=np.full(16, np.nan))
    with pytest.raises(ValueError, match="readout_shift"):
        replace(driver, readout_shift=[1.0, 2.0])
