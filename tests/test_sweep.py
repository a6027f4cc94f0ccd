"""Sweeps: every point once, the same numbers however they are run, and nothing lost by a kill."""

import json
import math
import subprocess
import sys
import time

import joblib
import numpy as np
import pytest
import torch

from ltcbook import train


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


def test_an_error_names_itself_and_keeps_what_was_finished(tmp_path):
    def fragile(seed):
        if seed == 2:
            raise RuntimeError("seed two fails")
        return {"value": seed}

    with pytest.raises(RuntimeError, match="seed two fails"):
        run(fragile, folder=tmp_path, seed=range(4))
    assert len(list(tmp_path.glob("[0-9a-f]*.json"))) == 2


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
