"""Sweeps: every point once, the same numbers however they are run, and nothing lost by a kill."""

import json
import math
import os
import random
import subprocess
import sys
import threading
import time
from functools import partial

import joblib
import numpy as np
import pytest
import torch

from ltcbook import models, train, wiring
from ltcbook.train import together, training


def draw(seed, scale):
    """A number of its seed, and how many threads torch had."""
    rng = np.random.default_rng([seed, int(10 * scale)])
    return {
        "value": float(scale * rng.normal()),
        "list": rng.integers(9, size=3),
        "threads": torch.get_num_threads(),
    }


def matmul(seed):
    """Depends on torch's threads if these are not held."""
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(300, 300, generator=generator)
    return {"sum": float((a @ a).sum())}


GRID = dict(seed=range(3), scale=[0.5, 2.0])


def run(experiment=draw, **options):
    return train.sweep(experiment, **{"jobs": 1, "progress": False, **options})


def test_every_point_runs_once_in_the_grids_order():
    runs = run(**GRID)
    assert [(r["seed"], r["scale"]) for r in runs] == [(s, q) for s in range(3) for q in (0.5, 2.0)]
    for r in runs:
        assert r == {
            "seed": r["seed"],
            "scale": r["scale"],
            **draw(r["seed"], r["scale"]),
            "threads": 1,
            "list": draw(r["seed"], r["scale"])["list"].tolist(),
        }


def test_the_numbers_do_not_depend_on_the_number_of_jobs():
    assert run(jobs=1, **GRID) == run(jobs=2, **GRID)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        alone = run(matmul, seed=range(4))
        assert torch.get_num_threads() == 2  # as it was
    finally:
        torch.set_num_threads(before)
    assert alone == run(matmul, jobs=2, seed=range(4))


def test_the_same_call_on_a_dask_cluster_gives_the_same_numbers():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        assert run(jobs=-1, **GRID) == run(**GRID)


def test_what_is_kept_is_read_back_and_only_the_rest_runs(tmp_path):
    first = run(folder=tmp_path, **GRID)
    path = next(p for p in tmp_path.glob("*.json") if p.name != "sweep.json")
    kept = json.loads(path.read_text("utf8"))
    kept["result"]["value"] = 123.0  # so that a second run would show
    path.write_text(json.dumps(kept), "utf8")
    again = run(folder=tmp_path, seed=range(4), scale=[0.5, 2.0])
    marked = [r for r in again if r["value"] == 123.0]
    assert len(again) == 8 and len(marked) == 1
    assert [r for r in again if r["seed"] < 3 and r is not marked[0]] == [
        r for r in first if (r["seed"], r["scale"]) != (marked[0]["seed"], marked[0]["scale"])
    ]


KILLED = """
import os, sys, time
from ltcbook import train

def run(seed):
    time.sleep(0.3)
    with open(sys.argv[2], "a", encoding="utf8") as log:
        log.write(f"{seed}\\n")
    return {"square": seed**2}

if __name__ == "__main__":
    runs = train.sweep(run, seed=range(6), folder=sys.argv[1], jobs=1, progress=False)
    print([r["square"] for r in runs])
"""


def test_a_killed_sweep_resumes(tmp_path):
    script, folder, log = tmp_path / "sweep.py", tmp_path / "runs", tmp_path / "log"
    script.write_text(KILLED, "utf8")
    command = [sys.executable, str(script), str(folder), str(log)]
    process = subprocess.Popen(command)
    for _ in range(1200):
        time.sleep(0.05)
        if len(list(folder.glob("[0-9a-f]*.json"))) >= 2:
            break
    process.kill()
    process.wait()
    finished = len(list(folder.glob("[0-9a-f]*.json")))
    assert 2 <= finished < 6
    out = subprocess.run(command, capture_output=True, encoding="utf8", check=True).stdout
    assert out.strip() == "[0, 1, 4, 9, 16, 25]"
    assert (
        len(log.read_text("utf8").split()) <= 7
    )  # the killed run may have been half done; no other ran twice


def circuit(seed, n=6):
    """A network and data of a seed; other synapses for each."""
    rng = np.random.default_rng(seed)
    own = wiring.random_sparse(n, sensory=2, sparsity=0.5, rng=rng)
    net = models.LTCNet(own, generator=torch.Generator().manual_seed(seed))
    return net, (rng.normal(size=(6, 5, 2)), rng.normal(size=(6, 5, n))), rng


def trains(seed, n):
    """Trains twice, and draws from all global generators before, between, while and after."""
    for start in (torch.manual_seed, np.random.seed, random.seed):
        start(seed)
    draw = lambda *_: [float(torch.rand(())), float(np.random.rand()), random.random()]
    net, data, rng = circuit(seed, n)
    net.mu.data += torch.rand_like(net.mu)
    found = [draw()]
    options = {"epochs": 2 + seed % 2, "callbacks": {"drawn": draw}, "progress": False, "rng": rng}
    for lr in (0.01, 0.02):
        history = train.fit(net, data, lr=lr, **options)
        found += [draw(), history.loss, history.records["drawn"]]
    return {
        "found": found,
        "weight": float(net.raw_w.detach().sum()),
        "thread": threading.current_thread().name,
    }


def test_networks_of_a_sweep_train_together_and_every_number_is_that_of_each_alone(monkeypatch):
    sizes, original = [], training.Stacked
    monkeypatch.setattr(training, "Stacked", lambda runs: (sizes.append(len(runs)), original(runs))[1])
    grid = {"seed": range(4), "n": [6, 7]}
    alone = run(trains, stack=1, **grid)
    assert set(sizes) == {1} and {one.pop("thread") for one in alone} == {"MainThread"}
    sizes.clear()
    both = run(trains, **grid)
    assert sizes[:2] == [4, 4] and len({one.pop("thread") for one in both}) == 8
    assert both == alone
    three = run(trains, stack=3, jobs=2, **grid)
    assert [one.pop("thread") for one in three] and three == alone


def test_an_error_of_one_experiment_reaches_it_alone(tmp_path):
    def fragile(seed):
        net, data, rng = circuit(seed)
        if seed == 1:
            net.output_w.data[:] = 1e30
        try:
            loss = train.fit(net, data, epochs=2, progress=False, rng=rng).loss
        except ValueError as error:
            return {"says": str(error)}
        if seed == 3:
            raise RuntimeError("three fails")
        return {"says": loss}

    with pytest.raises(RuntimeError, match="three fails"):
        run(fragile, folder=tmp_path, seed=range(5))
    kept = run(fragile, folder=tmp_path, seed=[0, 1, 2, 4])
    assert "lower lr or clip" in kept[1]["says"] and kept == run(fragile, stack=1, seed=[0, 1, 2, 4])


def test_experiments_end_when_their_sweep_ends(monkeypatch):
    ended = []

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(training.Stacked, "epoch", interrupted)

    def job(seed):
        try:
            net, data, rng = circuit(seed)
            train.fit(net, data, epochs=1 + 5 * seed, progress=False, rng=rng)
            train.fit(net, data, epochs=1, progress=False, rng=rng)
        finally:
            ended.append(seed)

    before, turns = threading.active_count(), together.in_turns([partial(job, seed) for seed in range(3)])
    with pytest.raises(KeyboardInterrupt):
        list(turns)
    assert threading.active_count() == before and sorted(ended) == [0, 1, 2]


STACKED = """
import sys
import test_sweep
from ltcbook import train

def run(seed):
    net, data, rng = test_sweep.circuit(seed)
    with open(sys.argv[2], "a", encoding="utf8") as log:
        log.write(f"{seed}\\n")
    return {"loss": train.fit(net, data, epochs=3 if seed < 2 else 250, progress=False, rng=rng).loss[-1]}

if __name__ == "__main__":
    print([r["loss"] for r in train.sweep(run, seed=range(4), folder=sys.argv[1], jobs=1, progress=False)])
"""


def test_a_sweep_that_is_killed_while_its_networks_train_together_resumes(tmp_path, root):
    script, folder, log = tmp_path / "sweep.py", tmp_path / "runs", tmp_path / "log"
    script.write_text(STACKED, "utf8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])}
    command = [sys.executable, str(script), str(folder), str(log)]
    process = subprocess.Popen(command, env=environment)
    for _ in range(1200):
        time.sleep(0.02)
        if len(list(folder.glob("[0-9a-f]*.json"))) >= 2:
            break
    process.kill()
    process.wait()
    kept = len(list(folder.glob("[0-9a-f]*.json")))
    assert kept == 2 and len(log.read_text("utf8").split()) == 4  # two were through, two trained
    out = subprocess.run(command, env=environment, capture_output=True, encoding="utf8", check=True).stdout
    assert sorted(log.read_text("utf8").split()) == ["0", "1", "2", "2", "3", "3"]
    losses = []
    for seed in range(4):
        net, data, rng = circuit(seed)
        losses.append(train.fit(net, data, epochs=3 if seed < 2 else 250, progress=False, rng=rng).loss[-1])
    assert out.strip() == str(losses)


def test_an_error_names_itself_and_keeps_what_was_finished(tmp_path):
    def fragile(seed):
        if seed == 2:
            raise RuntimeError("seed two fails")
        return {"value": seed}

    with pytest.raises(RuntimeError, match="seed two fails"):
        run(fragile, folder=tmp_path, seed=range(4))
    assert len(list(tmp_path.glob("[0-9a-f]*.json"))) == 3  # seed 3 too, which took turns with it


def test_the_bar_shows_what_was_done_before(tmp_path, capsys):
    run(folder=tmp_path, seed=[0], scale=[1.0])
    run(folder=tmp_path, progress=True, seed=[0, 1], scale=[1.0])
    assert "2/2" in capsys.readouterr().err


def test_results_that_are_not_finite_come_back_as_they_were(tmp_path):
    def odd(seed):
        return {"nan": math.nan, "inf": np.float64(math.inf), "none": None, "nested": {"a": (1, np.int64(2))}}

    for _ in range(2):
        (one,) = run(odd, folder=tmp_path, seed=[0])
        assert (
            math.isnan(one["nan"])
            and one["inf"] == math.inf
            and one["none"] is None
            and one["nested"] == {"a": [1, 2]}
        )


@pytest.mark.parametrize(
    "options, message",
    [
        ({}, "the grid is empty"),
        ({"seed": []}, "seed has no values"),
        ({"seed": 3, "scale": [1]}, "seed is 3; give a list"),
        ({"seed": "abc", "scale": [1]}, "seed is 'abc'"),
        ({"seed": [object()], "scale": [1]}, "only numbers, strings"),
        ({"seed": [1, 1], "scale": [1]}, "twice"),
        ({"seed": [1]}, "does not take the grid's names"),
        ({"seed": [1], "scale": [1], "T": [1]}, "does not take the grid's names"),
        ({"seed": [1], "scale": [1], "jobs": 0}, "jobs is 0"),
        ({"seed": [1], "scale": [1], "jobs": True}, "jobs is True"),
        ({"seed": [1], "scale": [1], "stack": 0}, "stack is 0"),
    ],
)
def test_impossible_sweeps_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        run(**options)


@pytest.mark.parametrize(
    "result, message",
    [(3, "must be a dict"), ({"seed": 1}, "not the grid's"), ({"x": object()}, "can be kept")],
)
def test_results_that_cannot_be_kept_are_refused(result, message):
    with pytest.raises(ValueError, match=message):
        run(lambda seed: result, seed=[0])
    with pytest.raises(ValueError, match="pass a function"):
        run("draw", seed=[0])


def test_a_folder_of_another_sweep_is_refused(tmp_path):
    run(folder=tmp_path, **GRID)
    with pytest.raises(ValueError, match=r"another sweep \(experiment, code, names differ\)"):
        run(matmul, folder=tmp_path, seed=[0])
    (tmp_path / "sweep.json").write_text("{", "utf8")
    with pytest.raises(ValueError, match="not the file of a sweep"):
        run(folder=tmp_path, **GRID)
