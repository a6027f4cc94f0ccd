"""The benchmarks' own honesty: the workloads are those that are named, nobody is timed who computes something
else, and the stored results say all that the page needs. Nothing is timed here."""

import copy
import dataclasses
import json
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
torch = pytest.importorskip("torch")
pytest.importorskip("ncps")
pytest.importorskip("nn4n")

from benchmarks import accuracy, gpu, limit, measure, peers, seeds, studies, table, windows, workloads
from benchmarks.workloads import WORKLOADS
from ltcbook import backends, dynamics, simulate


def small(name="W1", batch=3, steps=4):
    """A workload cut down to a moment's work."""
    work = WORKLOADS[name]
    return workloads.Workload(name, work.says, work.wired, batch, steps, steps, steps)


@pytest.fixture(autouse=True)
def one_thread():
    """As in the benchmarks: two threads only get in each other's way here."""
    with studies.single_thread():
        yield


# --- workloads and peers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "units", "density"),
    [("W1", 19, None), ("W2", 64, None), ("W3", 256, 0.1), ("W4", 1024, 0.0275), ("W5", 19, None)],
)
def test_workloads_are_the_networks_that_they_are_called(name, units, density):
    graph = WORKLOADS[name].wired()
    assert graph.n == units
    if density:  # four standard deviations of as many coins
        share, coins = len(graph.edges()) / units**2, units**2
        assert abs(share - density) < 4 * np.sqrt(density / coins)
    assert np.array_equal(graph.polarity, WORKLOADS[name].wired().polarity), "drawn anew at every call"


def test_areas_are_dense_inside_and_sparse_between():
    adjacency = WORKLOADS["W4"].wired().adjacency.reshape(4, 256, 4, 256).mean((1, 3))
    inside = np.eye(4, dtype=bool)
    assert np.allclose(adjacency[inside], 0.05, atol=0.005) and np.allclose(
        adjacency[~inside], 0.02, atol=0.005
    )


def test_denser_wirings_contain_the_sparser_ones():
    sparse, denser = (workloads.sparse(64, 4, density) for density in (0.1, 0.4))
    assert (denser.adjacency | ~sparse.adjacency).all() and denser.synapses > 2 * sparse.synapses
    assert (denser.polarity == sparse.polarity)[sparse.adjacency].all()
    assert len(workloads.sparse(64, 4, 1.0).edges()) == 64**2


@pytest.mark.parametrize("name", ["W1", "W3"])
def test_every_peer_trains_and_gives_as_many_outputs(name):
    work = small(name)
    graph = work.wired()
    u = workloads.waves(work.batch, work.steps, graph.m)
    found = peers.everyone(work, parts=3)
    assert list(found)[0] == table.BASE
    assert {"ncps CfC", "nn4n CTRNN", "nn.GRU", "nn.RNN"} <= set(found)
    for peer in found.values():
        assert peer.infer(u).shape == (work.batch, work.steps, len(graph.members("motor"))), peer.name
        peer.train(u)
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in peer.parameters()), peer.name


def test_every_backend_of_the_package_is_timed():
    assert {*peers.BACKENDS, "triton"} == set(backends.BACKENDS)  # this one on a GPU alone


# --- agreement --------------------------------------------------------------------------------------------


def test_ncps_and_all_of_ours_agree_before_they_are_timed(monkeypatch):
    monkeypatch.setitem(accuracy.CHECKED, "W1", (3, 6))
    found = accuracy.agree(WORKLOADS["W1"], 2)
    assert {table.BASE, *(f"ltcbook {name}" for name in peers.BACKENDS if name != "windows")} <= set(found)
    for name, entry in found.items():
        exact = name.endswith("float64")
        assert entry["outputs"] <= (1e-12 if exact else 1e-6), name
        # its adjoint is solved to a tolerance, not to the last bit
        loose = 1e-4 if "parallel" in name else 1e-5
        assert entry["gradients"] <= (1e-12 if exact else loose), name


@pytest.mark.parametrize("field", ["w", "vleak", "sigma"])
def test_a_peer_that_computes_something_else_is_caught(field):
    work = small()
    source = workloads.source(work.wired())
    truth = peers.ltc("truth", peers.SAME, source, backend="reference")
    truth.module.double()
    u = workloads.waves(work.batch, work.steps, 2)
    assert measure.agreement({"ncps LTC": peers.ncps(source)}, truth, u)
    with torch.no_grad():
        source.rnn_cell._params[field] += 0.01
    with pytest.raises(measure.Disagreement, match="ncps LTC: outputs"):
        measure.agreement({"ncps LTC": peers.ncps(source)}, truth, u)


def test_windows_are_compared_before_they_are_timed_and_stand_in_the_table(result, monkeypatch):
    plan = studies.Plan(quick=True, rounds=1, budget=0)
    with studies.single_thread():
        found = windows.race(WORKLOADS["W5"], plan)
    assert found["agreement"]["ltcbook windows"]["gradients"] < 2e-6
    assert found["agreement"]["ltcbook windows, float64"]["gradients"] < 1e-12
    results = result | {"windows": {"W5": found}}
    assert "W5 on 4000 steps: times faster than the kernels in order" in table.render(results)
    reached = {goal["goal"]: goal["reached"] for goal in table.goals(results)}
    ratio = found["training"]["ltcbook windows"]["ratio"]["median"]
    assert reached["training on 4000 steps in windows, times faster than in order"] == ratio
    other = windows.pair(WORKLOADS["W5"])
    with torch.no_grad():
        other["ltcbook windows"].module.e_leak.add_(0.01)
    monkeypatch.setattr(windows, "pair", lambda work: other)
    with pytest.raises(measure.Disagreement, match="ltcbook windows: outputs"):
        windows.race(WORKLOADS["W5"], plan)


def test_seeds_are_compared_bit_by_bit_before_they_are_timed_and_stand_in_the_table(result, monkeypatch):
    for name, value in (("SEQUENCES", 32), ("EPOCHS", 1), ("STACKS", (1, 3)), ("LONG", 3)):
        monkeypatch.setattr(seeds, name, value)
    work, plan = dataclasses.replace(WORKLOADS["W1"], steps=6), studies.Plan(rounds=1, budget=0)
    with studies.single_thread():
        found = seeds.race(work, plan)
    assert found["networks"] == 3 and list(found["times"])[2:] == [
        "1 network in one stack",
        "3 networks in one stack",
    ]
    results = result | {"seeds": {"W1": found}}
    text = table.render(results)
    assert "W1, whole trainings by train.fit: time per network and step" in text
    assert "W1, part of a training that compiled functions take" in text
    assert all(0 < found["compiled"][how]["median"] < 1 for how in ("one network", "by hand"))
    reached = {goal["goal"]: goal["reached"] for goal in table.goals(results)}
    ratio = found["times"]["3 networks in one stack"]["ratio"]["median"]
    assert reached["many seeds in one stack, times faster per network than one by one"] == ratio
    monkeypatch.setattr(seeds, "mean_square", lambda y, targets: (y - targets).square().mean() * 1.0001)
    with pytest.raises(measure.Disagreement, match="other numbers in a stack"):
        seeds.race(work, plan)


def test_every_compiled_function_is_clocked_and_nothing_else(monkeypatch):
    work, now = dataclasses.replace(WORKLOADS["W1"], steps=6), [0.0]
    monkeypatch.setattr(seeds.time, "perf_counter", lambda: now.__setitem__(0, now[0] + 1) or now[0])
    monkeypatch.setattr(seeds, "SEQUENCES", 32)
    nets, sets = seeds.networks(work, 1), [seeds.data(work, 0)]
    with studies.single_thread():
        with seeds.clocked() as seconds:
            seeds.fit(nets, sets, epochs=2)
        inside = len(seconds)
        seeds.fit(nets, sets, epochs=2)
    # of a step: numbers there and back, maps, tiles, constants, the box, and the two passes
    assert inside == len(seconds) and inside >= 2 * 15 and set(seconds) == {1.0}


def test_gradients_are_compared_and_not_only_outputs():
    one = (torch.ones(2), {"w": torch.tensor([[1.0, 0.0]]), "c": torch.ones(1)})
    other = (torch.ones(2), {"w": torch.tensor([[1.0, 0.5]]), "c": torch.ones(1)})
    assert measure.distance(one, one) == {"outputs": 0, "gradients": 0}
    assert measure.distance(one, other)["gradients"] == pytest.approx(0.5 / 1.25**0.5)
    with pytest.raises(measure.Disagreement, match="different parameters"):
        measure.distance(one, (other[0], {"w": other[1]["w"]}))


# --- how it is measured -----------------------------------------------------------------------------------


def test_everybody_runs_once_in_every_round():
    order, now = [], [0.0]

    def call(name, lasts):
        def do():
            order.append(name)
            now[0] += lasts

        return do

    taken = measure.timed(
        {"slow": call("slow", 2.0), "fast": call("fast", 0.5)}, rounds=4, budget=100, clock=lambda: now[0]
    )
    assert taken == {"slow": [2.0] * 4, "fast": pytest.approx([0.5] * 4)}
    rounds = "".join(name[0] for name in order).lstrip("s").lstrip("f")  # less the warm-up
    runs = [letter for k, letter in enumerate(rounds) if k == 0 or rounds[k - 1] != letter]
    assert "".join(runs) == "sf" * 4


def test_ratios_are_taken_within_a_round():
    found = measure.ratios({"ncps LTC": [10.0, 20.0, 30.0], "ours": [1.0, 4.0, 2.0]}, "ncps LTC")
    assert found["ours"]["ratio"] == {"median": 10, "low": 7.5, "high": 12.5, "runs": 3}
    assert found["ours"]["seconds"]["median"] == 2


def take(megabytes, lent):
    """A job for ``measure.peak`` that takes so much and gives it back; it took more before. lent: from what
    our kernels keep for later.
    """
    from ltcbook.kernels import call

    made = call.lent if lent else np.empty
    step = lambda share: made(int(share * megabytes * 250_000), np.dtype("float32")).fill(1)
    return lambda: step(2), lambda: step(1)


def test_the_limit_is_the_fastest_loop_of_gates_that_are_right(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(limit, "TRIED", ((16, 5, False), (16, 3, False)))
    monkeypatch.setattr(limit, "REPEATED", 1)
    ways = limit.loops()
    assert ways["16 lanes, degree 5"][1] < limit.EXACT < 1e-5 < ways["16 lanes, degree 3"][1]
    monkeypatch.setattr(limit, "loops", lambda: ways)
    monkeypatch.setattr(
        measure, "timed", lambda calls, **how: {n: [2.0, 4.0] for n in calls} | {"backward": [6.0, 12.0]}
    )
    work = small()
    graph = work.wired()
    gates = 3 * 4 * (6 * len(graph.edges()) + len(graph.edges_in()))
    found = limit.distance(work, studies.Plan())
    assert found["sigmoid"] == "16 lanes, degree 5" and found["gates"] == gates
    one = limit.ENTRIES / gates
    for name, times in {"forward": 1, "backward": 3, "both": 2, "step": 0.5}.items():
        assert found[name]["low"] == found[name]["high"] == pytest.approx(times * one)


def test_a_second_kind_of_cpu_is_only_told_where_there_is_more_to_leave_out(monkeypatch):
    monkeypatch.setattr(limit, "kind", lambda: {"flags": ["avx2"]})
    assert limit.second(small(), studies.Plan(), 3) == {}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says how much a process took")
@pytest.mark.parametrize("megabytes, lent", [(2, False), (60, False), (60, True)])
def test_peak_memory_is_what_a_step_takes(megabytes, lent):
    assert measure.peak(take, megabytes, lent) == pytest.approx(
        megabytes, rel=0.1, abs=1
    )  # 1 MB for the allocator


def test_a_job_that_fails_says_why_in_the_table():
    assert "ZeroDivisionError" in measure.apart(fails)


def fails():
    """A job that cannot be done."""
    return 1 / 0


def test_accuracy_finds_the_orders_of_the_solvers(monkeypatch):
    monkeypatch.setitem(accuracy.EXACT, "W1", (1, 3))
    curves = accuracy.curves(WORKLOADS["W1"])
    halved = lambda name: dict(map(tuple, curves[name]))[12] / dict(map(tuple, curves[name]))[24]
    assert halved("fused") == pytest.approx(2, rel=0.2)  # order 1
    assert halved("extrapolated") == pytest.approx(4, rel=0.3)  # order 2
    assert curves["rk4"][0][0] == 4, "one step of RK4 reads the gates four times"
    assert curves["dopri5"][-1][1] < curves["dopri5"][0][1]


def test_a_cost_is_the_number_of_times_that_the_gates_are_read(monkeypatch):
    monkeypatch.setitem(accuracy.EXACT, "W1", (1, 2))
    read, counting, terms, simulated = [], [], dynamics.EdgeLTC.terms, simulate.simulate

    def counted(self, *states):
        counting[-1:] = [count + 1 for count in counting[-1:]]
        return terms(self, *states)

    def observed(*args, **options):
        counting.append(0)
        try:
            return simulated(*args, **options)
        finally:
            read.append(counting.pop() / 2)  # two inputs

    monkeypatch.setattr(dynamics.EdgeLTC, "terms", counted)
    monkeypatch.setattr(simulate, "simulate", observed)
    curves = accuracy.curves(WORKLOADS["W1"])
    assert read == [cost for method in accuracy.PER_STEP for cost, _ in curves[method]]


def test_enough_is_the_fewest_steps_that_are_as_exact():
    curves = {"fused": [[1, 0.5], [6, 0.1]], "extrapolated": [[1, 0.4], [2, 0.2], [3, 0.1], [6, 0.01]]}
    assert accuracy.enough(curves) == 3


def test_the_columns_for_a_gpu_can_be_measured():
    """On the CPU, since no GPU may be here: the same function, the same peers."""
    found = gpu.race(small(), studies.Plan(quick=True, rounds=1, budget=0), device="cpu")
    assert found["ltcbook reference"]["ratio"]["median"] > 0 and found["steps"] == 4


# --- what is told -----------------------------------------------------------------------------------------


@pytest.fixture
def result():
    """Results of a machine that does not exist."""

    def entry(ratio, seconds):
        around = lambda value: {"median": value, "low": 0.9 * value, "high": 1.1 * value, "runs": 3}
        return {"seconds": around(seconds), "ratio": around(ratio)}

    times = {"ncps LTC": entry(1, 0.4), "ltcbook numba": entry(40, 0.01), "nn.RNN": entry(50, 0.008)}
    found = {
        "date": "2026-01-01 00:00 UTC",
        "quick": False,
        "seconds": 1,
        "load": [0.1, 0.2],
        "machine": measure.machine() | {"kind": "znver3", "flags": ["avx2", "fma"], "side_by_side": 1.7},
        "workloads": {name: studies.described(WORKLOADS[name], studies.Plan()) for name in ("W1", "W3")},
        "accuracy": {
            "W1": {"fused": [[6, 0.1]], "extrapolated": [[2, 0.2], [6, 0.01]], "dopri5": [[16, 0.05]]}
        },
        "agreement": {
            "W1": {
                "ncps LTC": {"outputs": 1e-7, "gradients": 1e-6},
                "ltcbook numba": {"outputs": 1e-7, "gradients": 2e-5},
            }
        },
        "training": {"W1": times, "W3": times},
        "inference": {"W1": times},
        "memory": {
            "W3": {"ncps LTC": 4000.0, "ltcbook numba": 3.0, "ltcbook reference": "not measured: too large"}
        },
        "launches": {
            "W1": {
                "ncps LTC": {"starts": 20_000, "reads": 0},
                "ltcbook parallel": {"starts": 1000, "reads": 21},
            }
        },
        "density": {
            "0.1": {
                "synapses": 10,
                "possible": 100,
                "seconds": {"ltcbook numba": entry(1, 0.01)["seconds"]},
                "memory": {"ltcbook numba": 3.0},
            }
        },
    }
    around = {"median": 2.5, "low": 2.4, "high": 2.6, "runs": 3}
    one = {
        "gates": 9,
        "sigmoid": "16 lanes, degree 5",
        "error": 6e-8,
        "seconds": around | {"median": 2.1e-10},
    }
    one |= dict.fromkeys(("forward", "backward", "both", "step"), around)
    found["limit"] = {"W1": one, "W3": one}
    found["avx2"] = {"W1": {"training": times, "limit": one}, "W3": "the process ran out of memory", "W4": {}}
    return found | {"goals": table.goals(found)}


def test_the_table_shows_every_number_and_what_is_missing(result):
    text = table.render(result)
    for shown in (
        "40x ±10 % (10 ms)",
        "4,000 MB",
        "3 MB",
        "not measured",
        "No GPU here",
        "W3*",
        "16 of its 64 steps",
        "1.0e-02",
        "5.0e-02 (with 16)",
        "10 %",
        "1,000 (20x), 21 reads",
        "numba compiles for znver3 (avx2, fma); two threads have one core together: a loop takes 1.70 times",
        "2.50 ±4 %",
        "0.210 ns",
        "times faster than ncps, the same CPU told to use AVX2 only",
    ):
        assert shown in text, f"{shown!r} is not in\n{text}"


def test_goals_are_met_or_missed_by_their_numbers(result):
    by = {(goal["goal"], goal["where"]): goal["verdict"] for goal in result["goals"]}
    assert by["training step, times faster than ncps", "W1"] == "must"
    assert by["training step, times faster than ncps", "W2"] == "not measured"
    assert by["training step, times the speed of nn.RNN", "W1"] == "aim missed"
    assert by["memory of a training step, times less than ncps", "W3"] == "aim"
    assert by[table.REFERENCE, "gradients, float32: numba"] == "missed"
    assert by[table.REFERENCE, "outputs, float32: numba"] == "must"
    assert by["on a GPU, times faster than ncps there", "W1"] == "not measured"
    near = "kernels, times longer than their gates alone"
    assert [by[near, name] for name in ("W1", "W2", "W3")] == ["aim", "not measured", "aim missed"]
    assert by[f"training step, {table.AVX2}", "W1"] == "must"
    assert by[f"training step, {table.AVX2}", "W3"] == "not measured"


def test_results_survive_the_file(result, tmp_path):
    path = tmp_path / "results.json"
    table.save(result, path)
    assert table.render(table.load(path)) == table.render(result)


def test_two_threads_on_windows_stand_beside_what_they_gain_on_gates_alone(result, monkeypatch, capsys):
    monkeypatch.setattr(windows, "LONG", 2000)
    windows.main(json.dumps({"work": "W5", "plan": {"rounds": 1, "budget": 0}}))
    found = json.loads(capsys.readouterr().out)
    times, threads = result["training"]["W1"], dict.fromkeys(windows.SAYS, found)
    results = result | {"windows": {"W5": {"training": times, "inference": times, "threads": threads}}}
    rendered = table.render(results).splitlines()
    for row, what in (("two threads, times faster than one", "ratio"), ("the same for gates alone", "gates")):
        medians = [found[study][what]["median"] for study in ("training", "inference")]
        told = [line.split()[-2:] for line in rendered if line.startswith(f"{row} (")]
        assert told == [[f"{table.short(median)}x" for median in medians]] * len(windows.SAYS)
    name = "windows on two threads (OMP_WAIT_POLICY=PASSIVE), times faster than on one"
    reached = [goal["reached"] for goal in table.goals(results) if goal["goal"] == name]
    assert reached == [found[study]["ratio"]["median"] for study in ("training", "inference")]


def test_one_thread_and_two_compute_as_many_gates(monkeypatch):
    counted = []
    monkeypatch.setattr(limit, "bare", lambda *kind: lambda *given: counted.append(threading.get_ident()))
    monkeypatch.setattr(measure, "timed", lambda calls, **options: dict.fromkeys(calls, [0.001]))
    calls = windows.gates(0.02)
    for name, each in (("gates on one", [20]), ("gates on two", [10, 10])):
        counted.clear()
        calls[name]()
        assert [counted.count(thread) for thread in set(counted)] == each


def test_two_threads_are_not_timed_on_a_busy_machine(monkeypatch, result):
    monkeypatch.setattr(studies.os, "getloadavg", lambda: (99.0, 99.0, 99.0), raising=False)
    assert studies.two_threads(small(), studies.Plan()) == {}
    assert "other programs kept the cores busy" in table.render(result | {"two_threads": {"W1": {}}})
    assert "kept the cores busy" not in table.render(result | {"two_threads": result["training"]})


QUARTILES = {
    "type": "object",
    "required": ["median", "low", "high", "runs"],
    "additionalProperties": {"type": "number", "minimum": 0},
}
TIMED = {
    "type": "object",
    "required": ["ncps LTC", "ltcbook numba"],
    "additionalProperties": {
        "type": "object",
        "required": ["seconds", "ratio"],
        "additionalProperties": QUARTILES,
    },
}
WORKS = lambda entry, *names: {"type": "object", "required": list(names), "additionalProperties": entry}
SCHEMA = {
    "type": "object",
    "required": [
        "date",
        "quick",
        "seconds",
        "load",
        "machine",
        "workloads",
        "accuracy",
        "agreement",
        "training",
        "inference",
        "two_threads",
        "start",
        "memory",
        "launches",
        "density",
        "goals",
    ],
    "properties": {
        "date": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d UTC$"},
        "quick": {"const": False},
        "seconds": {"type": "integer", "minimum": 1},
        "load": {"type": "array", "items": {"type": "number"}},
        "machine": {"type": "object", "required": ["cpu", "cores", "system", "python", "packages", "gpu"]},
        "workloads": WORKS(
            {
                "type": "object",
                "required": ["says", "units", "inputs", "synapses", "synapses_in", "batch", "steps", "timed"],
            },
            *WORKLOADS,
        ),
        "accuracy": WORKS({"type": "object", "required": list(accuracy.PER_STEP)}, *studies.TRAINED),
        "agreement": WORKS(
            {
                "type": "object",
                "required": ["ncps LTC", "ltcbook numba", "ltcbook numba, float64"],
                "additionalProperties": {"type": "object", "required": ["outputs", "gradients"]},
            },
            *WORKLOADS,
        ),
        "training": WORKS(TIMED, *WORKLOADS),
        "inference": WORKS(TIMED, *WORKLOADS),
        "two_threads": WORKS({"anyOf": [TIMED, {"maxProperties": 0}]}, *studies.TRAINED),
        "memory": WORKS({"type": "object", "required": ["ncps LTC", "ltcbook numba"]}, *studies.TRAINED),
        "launches": WORKS(
            {
                "type": "object",
                "required": ["ncps LTC", *(f"ltcbook {name}" for name in peers.ON_A_GPU)],
                "additionalProperties": {
                    "type": "object",
                    "required": ["starts", "reads"],
                    "additionalProperties": {"type": "integer", "minimum": 0},
                },
            },
            *workloads.ON_A_GPU,
        ),
        "density": WORKS(
            {"type": "object", "required": ["synapses", "possible", "seconds", "memory"]},
            *(f"{density:g}" for density in studies.DENSITIES),
        ),
        "windows": {  # only where they were timed
            "additionalProperties": {
                "required": ["agreement", "training", "inference", "threads"],
                "properties": {
                    "threads": {
                        "additionalProperties": WORKS(
                            {"required": ["seconds", "ratio", "gates"], "additionalProperties": QUARTILES},
                            "training",
                            "inference",
                        )
                    }
                },
            }
        },
        "seeds": {  # only where they were timed
            "additionalProperties": {
                "required": ["networks", "steps", "times", "compiled"],
                "properties": {"compiled": WORKS(QUARTILES, "one network", "by hand")},
            }
        },
        "peers": {  # only where that race was run
            "type": "object",
            "required": ["date", "machine", "works"],
            "properties": {
                "works": {
                    "additionalProperties": {
                        "required": [
                            "training",
                            "inference",
                            "compile",
                            "agreement",
                            "exactness",
                            "bar",
                            "missing",
                        ],
                        "properties": {"training": TIMED, "inference": TIMED},
                    }
                }
            },
        },
        "goals": {
            "type": "array",
            "items": {"type": "object", "required": ["goal", "where", "reached", "must", "aim", "verdict"]},
        },
    },
}


def check(results):
    """The stored results say all that the page reads, and nothing that they do not hold."""
    import jsonschema

    jsonschema.validate(results, SCHEMA)
    assert results["goals"] == table.shorter(table.goals(results)), (
        "the verdicts are not those of the numbers"
    )
    races = results.get("peers", {}).get("works", {})
    for name, everybody in [
        *results["agreement"].items(),
        *((k, race["agreement"]) for k, race in races.items()),
    ]:
        for peer, entry in everybody.items():
            for what, most in measure.LIMITS.items():
                assert entry[what] <= most, f"{name}: {peer} was timed although its {what} are off"
    for name, race in races.items():
        for peer, entry in race["exactness"].items():
            assert entry["error"] <= race["bar"], (
                f"{name}: {peer} was timed although it is less exact than ncps"
            )


@pytest.fixture
def stored():
    """What lies in the repository."""
    return table.load()


def test_the_stored_results_are_whole(stored):
    check(stored)
    assert table.render(stored).count("\n") > 60


def test_a_spoilt_file_of_results_is_noticed(stored):
    import jsonschema

    less = copy.deepcopy(stored)
    del less["training"]["W2"]["ltcbook numba"]
    with pytest.raises(jsonschema.ValidationError):
        check(less)
    better = copy.deepcopy(stored)
    better["goals"][0]["verdict"] = "nonsense"
    with pytest.raises(AssertionError, match="verdicts"):
        check(better)
    off = copy.deepcopy(stored)
    off["agreement"]["W1"]["ltcbook numba"]["gradients"] = 1.0
    off["goals"] = table.shorter(table.goals(off))
    with pytest.raises(AssertionError, match="was timed although"):
        check(off)
