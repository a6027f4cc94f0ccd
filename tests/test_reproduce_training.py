"""The study of seven networks: its rules hold, and what stands in its table comes out again."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tqdm")

from ltcbook import models, reproduce, tasks
from ltcbook.reproduce import training as study

EVERY = [(task, kind) for task, given in study.TASKS.items() for kind in given["kinds"]]


@pytest.mark.parametrize(("task", "kind"), EVERY, ids=[f"{task}, {kind}" for task, kind in EVERY])
def test_every_network_keeps_the_rules(task, kind):
    net = study.learner(task, kind, 0)
    table, budget = reproduce.stored("training"), study.TASKS[task]["budget"]
    assert study.size(net) == table["parameters"][task][kind] <= budget
    assert table["rates"][task][kind] in study.RATES
    runs = table["runs"][task][kind]
    assert list(runs) == [str(seed) for seed in range(study.SEEDS.get(kind, 5))]
    assert len({run["loss"] for run in runs.values()}) > 1  # seeds make a difference
    assert (net.m, net.outputs) == study.TASKS[task]["shape"]


def test_one_unit_more_would_be_too_many_parameters():
    for task, (m, outputs) in (("ice", (1, 1)), ("digits", (8, 10))):
        budget = study.TASKS[task]["budget"]
        gru = study.network("GRU", m, outputs, budget, 0)
        assert study.size(models.GRUNet(m, gru.n + 1, outputs)) > budget


def test_only_synapses_that_exist_count():
    net = study.learner("lane", "LTC", 0)
    cell, synapses = net.cell(), net.wiring.synapses
    assert study.size(net) == 4 * synapses + 3 * 19 + 2 * 16 + 2 and cell.w.shape == (19, 19)


def test_the_last_value_is_a_forecast_of_no_change():
    inputs, targets, dt = study.change("test")
    others, then, _ = tasks.ice_core("test")
    scale = (then - others)[0, 0] / targets[0, 0]
    assert np.allclose(targets * scale, then - others) and np.array_equal(inputs, others)
    assert study.leaky("test", 1e-9) == pytest.approx(1.0)  # a mean that forgets at once is the last value
    stored = reproduce.stored("training")["without a network"]["ice"]["leaky mean"]
    assert study.leaky("test", stored["tau"]) == pytest.approx(stored["error"], rel=1e-3)


def test_the_stored_rivals_drive_as_their_table_says():
    from ltcbook.tasks import lane

    stored = reproduce.stored("training")["without a network"]["lane"]
    assert (
        study.drives(lane.expert) == stored["the expert"]["even"]
        and stored["the expert"]["even"]["stayed"] == 20
    )
    assert study.drives(lane.straight_ahead)["stayed"] == 0
