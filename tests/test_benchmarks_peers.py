"""The race with peers that are optional: what is missing says so, and nobody is timed who computes something
else. Nothing is timed here.
"""

import copy
import dataclasses
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
torch = pytest.importorskip("torch")
pytest.importorskip("ncps")
pytest.importorskip("nn4n")

from benchmarks import __main__ as command
from benchmarks import measure, peers, peers_race, studies, table, workloads
from benchmarks.peers_race import COMPILED, DIFFRAX, JAX

PLAN = studies.Plan(quick=True, rounds=1, budget=0)


@pytest.fixture(autouse=True)
def one_thread():
    """As in the benchmarks."""
    with studies.single_thread():
        yield


@pytest.fixture(scope="module")
def work():
    """W1 cut down to a moment's work."""
    return dataclasses.replace(workloads.WORKLOADS["W1"], batch=3, steps=5, short=5, quick=5)


@pytest.fixture
def source(work):
    """Its network."""
    return workloads.source(work.wired())


@pytest.fixture
def u(work):
    """Its inputs."""
    return workloads.waves(work.batch, work.steps, 2)


def leave_bare(patch):
    """Let this machine have nothing of what is optional."""
    patch.setattr(peers_race, "find_spec", lambda name: None)
    patch.setattr(peers_race.shutil, "which", lambda name: None)


@pytest.fixture(scope="module")
def race(work):
    """What the race finds there, one call each."""
    with pytest.MonkeyPatch.context() as patch, studies.single_thread():
        leave_bare(patch)
        patch.setattr(measure, "SAMPLE", 1e-9)
        return peers_race.race(work, PLAN)


@pytest.fixture
def study(race):
    """The study of that race."""
    return copy.deepcopy({"date": "today", "seconds": 1, "machine": measure.machine(), "works": {"W1": race}})


def test_what_is_not_installed_says_so_in_one_line_and_the_others_race(study):
    found = study["works"]["W1"]
    assert found["missing"] == {
        JAX: "not installed: pip install jax",
        DIFFRAX: "not installed: pip install jax diffrax",
        COMPILED: "no C++ compiler: install g++",
    }
    names = {table.BASE, table.FAST, table.EXACT, "ncps CfC", "nn.GRU", "nn.LSTM", "nn.RNN"}
    assert names <= set(found["training"]) and set(found["training"]) == set(found["inference"])
    assert found["agreement"][table.FAST]["gradients"] < 1e-5 and found["compile"] == {}


def test_what_solves_the_equation_is_at_least_as_exact_as_ncps(study):
    found = study["works"]["W1"]
    assert set(found["exactness"]) == {table.EXACT, "torchdiffeq dopri5"}
    assert all(entry["error"] <= found["bar"] < 0.2 for entry in found["exactness"].values())


def test_the_table_shows_times_distances_and_what_is_missing(study):
    found = study["works"]["W1"]
    found["compile"] = {table.BASE: 12.0}
    text = "\n".join(table.peers_told(study))
    for shown in ("W1: times faster", "nn.LSTM", "12 s", f"{JAX}: not installed: pip install jax"):
        assert shown in text, f"{shown!r} is not in\n{text}"
    assert f"error {found['exactness'][table.EXACT]['error']:.1e}" in text


def test_one_that_computes_something_else_stops_the_study(work, monkeypatch):
    leave_bare(monkeypatch)
    right = peers.plain

    def planted(graph, kind):
        wrong = peers.ncps(workloads.source(graph, seed=1))
        return wrong if kind is torch.nn.LSTM else right(graph, kind)

    monkeypatch.setattr(peers, "plain", planted)
    monkeypatch.setattr(measure, "timed", lambda *args, **options: pytest.fail("it was timed"))
    with pytest.raises(measure.Disagreement, match="ncps LTC: outputs"):
        peers_race.race(work, PLAN)


def test_one_that_solves_it_less_exactly_stops_the_study(work, source, u):
    rough = peers_race.entry(peers.adaptive(source, rtol=5.0, atol=5.0), u)
    rough.answers = lambda: (1.5 * measure.answers(peers.ncps(source), u)[0], {})
    with pytest.raises(measure.Disagreement, match="rough: the error is"):
        peers_race.exact(work, {"rough": rough}, source, u)


def test_the_compiled_cell_is_the_one_that_runs(source, u):
    seen = []

    def backend(graph, inputs):
        seen.append(graph)
        return graph.forward

    torch.compiler.reset()
    ready = peers_race.compiled(source, u, backend)
    assert seen, "nothing was compiled"
    assert peers_race.same({COMPILED: ready}, source, u)[COMPILED]["gradients"] < 1e-5
    assert ready.seconds > 0


@pytest.fixture
def in_jax(source, u):
    """The network in JAX."""
    pytest.importorskip("jax", reason="JAX is optional: pip install jax diffrax")
    return peers_race.in_jax(peers.SAME, source, u)


def test_jax_gives_the_numbers_of_ncps(in_jax, source, u):
    far = peers_race.same({JAX: in_jax, table.BASE: peers_race.entry(peers.ncps(source), u)}, source, u)
    assert far[JAX]["outputs"] < 1e-6 and far[JAX]["gradients"] < 1e-5


def test_a_wrong_derivative_in_jax_is_caught(in_jax, source, u):
    outputs, gradients = in_jax.answers()
    gradients["mu_in"] = gradients["mu_in"] * 1.001
    in_jax.answers = lambda: (outputs, gradients)
    with pytest.raises(measure.Disagreement, match="gradients are 0.001"):
        peers_race.same({JAX: in_jax}, source, u)


def test_diffrax_solves_the_equation_and_takes_the_loosest_tolerance(work, source, u):
    pytest.importorskip("diffrax", reason="diffrax is optional: pip install jax diffrax")
    found = {DIFFRAX: peers_race.in_jax(peers.ODE, source, u, peers_race.TIGHT)}
    result, bar = peers_race.exact(work, found, source, u)
    assert result[DIFFRAX]["error"] <= bar and result[DIFFRAX]["gradients"] < 1e-4
    assert result[DIFFRAX]["tolerance"] > 1e-4


# --- the command ------------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch, study):
    """The command measures nothing: the race gives this study, a whole run what is stored, without it."""
    stored = {key: value for key, value in table.load().items() if key != "peers"}
    monkeypatch.setattr(peers_race, "run", lambda plan: study)
    monkeypatch.setattr(studies, "run", lambda plan: stored)
    return stored


def test_the_race_is_added_to_the_results_and_a_new_run_keeps_it(counted, tmp_path, capsys):
    out = tmp_path / "results.json"
    assert command.main(["--out", str(out)]) == 0 and "peers" not in table.load(out)
    assert command.main(["--peers", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "nn.LSTM" in told and "not installed" in told
    assert table.load(out)["training"] == table.shorter(counted["training"])
    assert command.main(["--out", str(out)]) == 0
    assert set(table.load(out)["peers"]["works"]) == {"W1"}
    assert "nn.LSTM" in capsys.readouterr().out


def test_without_results_to_add_to_nothing_is_measured(counted, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(peers_race, "run", lambda plan: pytest.fail("it was measured"))
    out = tmp_path / "results.json"
    assert command.main(["--peers", "--out", str(out)]) == 1
    assert "make bench" in capsys.readouterr().err and not out.exists()
