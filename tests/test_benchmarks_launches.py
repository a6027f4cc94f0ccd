"""The counter of kernels: what it counts, its shortcuts change nothing, and a GPU's tensors count alike."""

import sys
from pathlib import Path

import pytest
import torch
from fake_cuda import GPU, Far

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
pytest.importorskip("ncps")

from benchmarks import gpu, launches, peers, studies, workloads
from benchmarks.workloads import WORKLOADS
from ltcbook import backends
from ltcbook.backends import base
from ltcbook.kernels import autograd


@pytest.fixture
def source():
    """The network of W1."""
    return workloads.source(WORKLOADS["W1"].wired())


def seen(do):
    """Starts and reads of what it does."""
    with launches.Launches() as count:
        do()
    return count.starts, count.reads


def test_computing_and_copying_count_and_looking_does_not():
    x = torch.arange(6.0)
    for do, found in [
        (lambda: x + 1, (1, 0)),
        (lambda: x.add_(1), (1, 0)),
        (lambda: x.clone(), (1, 0)),
        (lambda: torch.zeros(2), (1, 0)),
        (lambda: x.view(2, 3).T[1:].detach().unsqueeze(0).expand(4, 2, 2), (0, 0)),
        (lambda: torch.empty(3), (0, 0)),
        (lambda: float(x.abs().max()), (2, 1)),
        (lambda: bool((x > 0).all()), (2, 1)),
    ]:
        assert seen(do) == found


def test_the_way_back_counts_too():
    x = torch.arange(3.0, requires_grad=True)
    # product, sum; the 1 to begin with, two products, their sum
    assert seen(lambda: (x * x).sum().backward()) == (
        6,
        0,
    )


def test_an_unfold_of_ncps_is_what_its_source_says(source):
    # by hand, in the loop of its _ode_solver: 6 products, 7 sums of two, 2 over sources, and 1 each of
    # difference, sigmoid, softplus and quotient
    u, found = workloads.waves(2, 5, 2), []
    for unfolds in (6, 7):
        source.rnn_cell._ode_unfolds = unfolds
        found.append(seen(lambda: peers.ncps(source).infer(u))[0])
    assert found[1] - found[0] == 5 * 19


def test_neither_more_samples_nor_a_straight_line_change_the_count(source):
    few, many = workloads.waves(2, 80, 2), workloads.waves(5, 80, 2)
    for peer in peers.on_a_gpu(source)[:-1]:  # those that go step by step
        whole = launches.counted(peer, few, 80)
        assert launches.counted(peer, many, 80) == whole and whole["reads"] <= 3
        assert launches.straight(peer, few, 80) == whole


def test_a_count_that_bends_is_not_continued(source):
    parallel = peers.on_a_gpu(source)[-1]
    with pytest.raises(ValueError, match="do not grow evenly"):
        launches.straight(parallel, workloads.waves(1, 80, 2), 80)


def test_all_times_at_once_start_fewer_kernels_and_hardly_more_for_longer_sequences(source):
    base, *_, parallel = peers.on_a_gpu(source)
    u = workloads.waves(4, 96, 2)
    short, long = (launches.counted(parallel, u, steps) for steps in (24, 96))
    assert long["starts"] < 1.6 * short["starts"] and long["reads"] < 30
    assert launches.counted(base, u, 96)["starts"] > 25 * long["starts"]


def test_triton_starts_as_few_kernels_for_any_length_and_batch(source):
    pytest.importorskip("triton", reason="Triton is not installed; it runs on Linux alone")
    peer, u = peers.ltc("", peers.SAME, source, backend="triton"), workloads.waves(3, 96, 2)
    with launches.kernels_of_triton():
        found = launches.counted(peer, u, 96)
        assert found == launches.counted(peer, u[:1], 5) and 2 < found["starts"] < 60


def test_triton_races_on_a_gpu_alone(source, monkeypatch):
    assert "ltcbook triton" not in [peer.name for peer in peers.on_a_gpu(source)]
    monkeypatch.setattr(backends.triton, "without", lambda device: None)
    assert "ltcbook triton" in [peer.name for peer in peers.on_a_gpu(source)]


@pytest.fixture
def pretended(monkeypatch):
    """What a GPU needs beside its tensors; see the fixture of ``test_gpu``."""
    monkeypatch.setattr(autograd, "PLAIN", (*autograd.PLAIN, Far))
    monkeypatch.setattr(base, "memory", lambda device: float("inf"))
    monkeypatch.setattr(backends.triton, "without", lambda device: "the GPU is pretended")
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    return GPU


def test_on_a_gpu_the_count_is_the_one_of_the_cpu(source, pretended):
    u = workloads.waves(3, 6, 2)
    here = [launches.counted(peer, u, 6) for peer in peers.on_a_gpu(source)]
    with pretended():
        source.to("cuda")
        there = [launches.counted(peer, u.to("cuda"), 6) for peer in peers.on_a_gpu(source)]
    for one, other in zip(here, there, strict=True):
        extra = other["starts"] - one["starts"]
        assert one["reads"] == other["reads"] and 0 <= extra <= 2, "but for dt, carried over"


def test_the_race_of_a_gpu_runs_on_its_tensors(pretended):
    work = WORKLOADS["W1"]
    work = workloads.Workload("W1", work.says, work.wired, 5, 10, 10, 10)
    with pretended():
        found = gpu.race(work, studies.Plan(quick=True, rounds=1, budget=0))
    assert {"ncps LTC", *(f"ltcbook {name}" for name in peers.ON_A_GPU), "nn.GRU"} <= set(found)
