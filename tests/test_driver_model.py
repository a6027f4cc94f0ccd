"""The driving circuit where the reader is: its world, its steps, its events and what it learns are those
of Python.
"""

import node
import numpy as np
import pytest
import torch

from ltcbook import analysis, dynamics, models, pruning, train, wiring
from ltcbook.tasks import lane
from ltcbook.widgets.base import plain


def page_circuit(net):
    """A network as the stored weights hold it."""
    cell, now = net.numpy_cell(), net.wiring
    mapped = lambda name: {"scale": getattr(net, f"{name}_w"), "shift": getattr(net, f"{name}_b")}
    listed = lambda maps: {end: value.detach().numpy() for end, value in maps.items()}
    return plain(
        {
            "wiring": {"polarity": now.polarity, "polarity_in": now.polarity_in, "role": list(now.role)},
            "cell": vars(cell),
            "input": listed(mapped("input")),
            "readout": listed(mapped("output")),
        }
    )


def random_net(seed, **sizes):
    """The untrained circuit, in float64, whose inputs and outputs are scaled too."""
    rng = np.random.default_rng(seed)
    made = wiring.ncp(
        **{
            "inter": 12,
            "command": 6,
            "motor": 1,
            "sensory": 16,
            "sensory_fan_out": 6,
            "inter_fan_out": 4,
            "recurrent": 6,
            "motor_fan_in": 6,
        }
        | sizes,
        rng=rng,
    )
    net = models.LTCNet(
        made, solver="fused", substeps=1, generator=torch.Generator().manual_seed(seed)
    ).double()
    with torch.no_grad():
        for name in ("input_w", "input_b", "output_w", "output_b"):
            parameter = getattr(net, name)
            parameter += 0.2 * torch.from_numpy(rng.normal(size=parameter.shape))
    return net


@pytest.fixture(scope="module")
def driver():
    """A circuit after a few seconds of training, in float64: it mostly keeps the road."""
    net, rng = random_net(0).float(), np.random.default_rng(0)
    train.fit(
        net, lane.record(48, steps=150, rng=rng), epochs=60, lr=2e-2, batch_size=24, progress=False, rng=rng
    )
    return net.double()


def test_the_world_is_pythons_world(tmp_path):
    rng = np.random.default_rng(1)
    road = lane.Road.random(1, 300.0, rng=rng)
    car = lane.Car(*(np.array([value]) for value in (3.0, 0.3, -0.1)))
    wheels, seconds = rng.normal(0, 1, 200), rng.uniform(0.02, 0.17, 200)
    truth = []
    for wheel, dt in zip(wheels, seconds, strict=True):
        truth.append(
            {
                "car": [car.s[0], car.offset[0], car.heading[0]],
                "seen": lane.camera(road, car)[0],
                "expert": lane.expert(road, car)[0],
                "place": car.place(road)[0],
            }
        )
        car = car.moved(road, np.clip(wheel, -9, 9) + lane.expert(road, car), dt, speed=8.0)
    found = node.run(
        {"lane": "lane.js"},
        """
      const road = lane.roadOf(data.curvature);
      let car = { s: 3, offset: 0.3, heading: -0.1 };
      return { length: road.length, frames: data.wheels.map((wheel, k) => {
        const seen = { car: [car.s, car.offset, car.heading], seen: [...lane.camera(road, car)],
          expert: lane.expert(road, car), place: lane.placeOf(road, car) };
        car = lane.moved(road, car, wheel + seen.expert, data.seconds[k], 8);
        return seen;
      }) };""",
        plain({"curvature": road.curvature[0], "wheels": wheels, "seconds": seconds}),
        tmp_path,
    )
    assert found["length"] == (road.curvature.shape[1] - 1) * lane.GRID
    for there, here in zip(found["frames"], truth, strict=True):
        for name, value in here.items():
            assert np.abs(np.array(there[name]) - value).max() < 1e-12 * max(1, np.abs(value).max()), name


def test_random_roads_are_drawn_as_in_python(tmp_path):
    found = node.run(
        {"lane": "lane.js", "random": "random.js"},
        """
      return Array.from({ length: 300 }, (_, seed) => [...lane.randomRoad(random.randomOf(seed), 300, 0.03).curvature]);""",
        None,
        tmp_path,
    )
    curvature = np.array(found)
    assert curvature.shape == (
        300,
        lane.Road.random(1, 300.0, rng=np.random.default_rng(0)).curvature.shape[1],
    )
    knots = curvature[:, ::30]
    # 6000 draws: the mean has an error of 0.0004, the standard deviation one of 1 %
    assert abs(knots.mean()) < 0.002 and abs(knots.std() / 0.03 - 1) < 0.05
    assert np.allclose(np.diff(curvature[:, :31], 2), 0, atol=1e-15)  # linear between two points
    assert abs(np.corrcoef(knots[:, 0], knots[:, 1])[0, 1]) < 0.2 and np.abs(curvature).max() <= lane.TIGHTEST


def test_states_over_a_whole_drive_are_pythons_states(driver, tmp_path):
    rng, steps = np.random.default_rng(5), 400
    road, noise = lane.Road.random(1, 260.0, rng=rng), rng.normal(0, 0.1, (steps, 16))
    car, x, cell = (
        lane.Car(*(np.array([value]) for value in (0.0, 0.2, 0.0))),
        np.zeros(driver.n),
        driver.numpy_cell(),
    )
    truth = {"states": [], "taus": [], "wheels": [], "offsets": []}
    with torch.no_grad():
        for t in range(steps):
            seen = torch.from_numpy(lane.camera(road, car) + noise[t])
            heard = driver.map_input(seen).numpy()[0]
            truth["taus"].append(dynamics.time_constant(x, heard, cell))
            y, states = driver(seen[:, None], torch.from_numpy(x)[None], dt=1.0)
            x = states.numpy()[0, 0]
            truth["states"].append(x)
            truth["wheels"].append(y.item())
            truth["offsets"].append(car.offset[0])
            car = car.moved(road, np.array([y.item()]), lane.FRAME)
    assert np.abs(truth["offsets"]).max() < lane.EDGE  # a drive that tests the circuit, not the ditch
    found = node.run(
        {"lane": "lane.js", "driver": "driver.js"},
        """
      const [road, net] = [lane.roadOf(data.curvature), driver.circuitOf(data.net)];
      let [car, x] = [{ s: 0, offset: 0.2, heading: 0 }, new Float64Array(net.n)];
      const log = { states: [], taus: [], wheels: [], offsets: [] };
      for (const noise of data.noise) {
        const seen = lane.camera(road, car);
        noise.forEach((value, k) => (seen[k] += value));
        driver.step(net, x, seen, 1, x);
        log.states.push([...x]);
        log.taus.push([...net.scratch.tau]);
        log.wheels.push(driver.wheelOf(net, x));
        log.offsets.push(car.offset);
        car = lane.moved(road, car, log.wheels.at(-1));
      }
      return log;""",
        plain({"net": page_circuit(driver), "curvature": road.curvature[0], "noise": noise}),
        tmp_path,
    )
    for name, values in truth.items():
        assert np.abs(np.array(found[name]) - np.array(values)).max() < 1e-9, name


@pytest.mark.parametrize("dt", [0.3, 1.0, 2.5])
def test_a_step_is_a_fused_step_and_its_parts_are_the_conductances(dt, tmp_path):
    net, rng = random_net(3), np.random.default_rng(3)
    x, u, cell = rng.uniform(-1, 1, net.n), rng.uniform(0, 1, 16), net.numpy_cell()
    heard = net.map_input(torch.from_numpy(u)).detach().numpy()
    found = node.run(
        {"driver": "driver.js"},
        """
      const net = driver.circuitOf(data.net);
      const after = driver.step(net, data.x, data.u, data.dt);
      const { values, open, g } = net.scratch;
      return { after: [...after], values: [...values], open: [...open], g: [...g], source: [...net.source],
        target: [...net.target], sign: [...net.sign], J: driver.jacobianAt(net, data.x, data.u) };""",
        plain({"net": page_circuit(net), "x": x, "u": u, "dt": dt}),
        tmp_path,
    )
    assert np.allclose(found["after"], dynamics.fused_step(x, heard, cell, dt), atol=1e-13)
    assert np.allclose(found["values"], [*heard, *x]) and np.allclose(
        found["g"], cell.terms(x, heard)[0], atol=1e-13
    )
    assert np.allclose(found["J"], dynamics.jacobian(x, heard, cell), atol=1e-13)
    edges = [(s, t, sign) for s, t, sign in net.wiring.edges_in()] + [
        (s + 16, t, sign) for s, t, sign in net.wiring.edges()
    ]
    # in the order of the drawings
    assert list(zip(found["source"], found["target"], found["sign"], strict=True)) == edges
    open_ = np.hstack([cell.w_in * cell.gates_in(heard), cell.w * cell.gates(x)])
    assert np.allclose(found["open"], [open_[t, s] for s, t, _ in edges], atol=1e-14)


def test_eigenvalues_of_a_drive_are_those_of_lapack_within_a_millisecond(driver, tmp_path):
    rng = np.random.default_rng(2)
    xs, us, cell = rng.uniform(-1, 1, (60, driver.n)), rng.uniform(0, 1, (60, 16)), driver.numpy_cell()
    found = node.run(
        {"driver": "driver.js", "linear": "linear.js"},
        """
      const net = driver.circuitOf(data.net);
      const values = () => data.xs.map((x, k) => linear.eigenvaluesOf(driver.jacobianAt(net, x, data.us[k])));
      for (let round = 0; round < 5; round += 1) values();
      const start = performance.now();
      const found = values();
      return { found, ms: (performance.now() - start) / data.xs.length };""",
        plain({"net": page_circuit(driver), "xs": xs, "us": us}),
        tmp_path,
    )
    for x, u, values in zip(xs, us, found["found"], strict=True):
        heard = driver.map_input(torch.from_numpy(u)).detach().numpy()
        theirs = list(analysis.eigenvalues(x, heard, cell))
        assert len(values) == driver.n
        for value in values:
            nearest = int(np.argmin(np.abs(np.array(theirs) - complex(*value))))
            assert abs(theirs.pop(nearest) - complex(*value)) < 1e-8
    assert found["ms"] < 5  # 0.15 ms on the machine that wrote this; a bound that a busy machine keeps


def pythons_draws(net, seed):
    """The random numbers of ``prune_and_rewire`` with default_rng(seed) and of ``rewire`` with
    default_rng([seed, 1]).
    """
    now, gates = net.wiring, np.random.default_rng([seed, 1])
    blocks = now.blocks()
    streams = {
        f"{source} {target}": stream.random(1000)
        for (source, target, *_), stream in zip(
            blocks, np.random.default_rng(seed).spawn(len(blocks)), strict=True
        )
    }
    inner = [gates.uniform(*ends, (now.n, now.n)) for ends in ((3, 8), (0.3, 0.8))]
    outer = [gates.uniform(*ends, (now.n, now.m)) for ends in ((3, 8), (0.3, 0.8))]
    return {
        "streams": streams,
        "gamma": np.hstack([outer[0], inner[0]]),
        "mu": np.hstack([outer[1], inner[1]]),
    }


EVENT = """
  const lists = (net) => ({ source: [...net.source], target: [...net.target], sign: [...net.sign], w: [...net.w],
    gamma: [...net.gamma], mu: [...net.mu], eRev: [...net.eRev] });
  const drawn = ({ streams, gamma, mu }) => {
    const at = {};
    return { next: (pair) => streams[pair][(at[pair] = (at[pair] ?? -1) + 1)], gate: (s, t) => [gamma[t][s], mu[t][s]] };
  };
  return data.map(({ net, draws, T, inputs }) => {
    const before = driver.circuitOf(net);
    const result = driver.prunedBy(before, plan.planOf(driver.networkOf(before), before.role, drawn(draws), inputs), T);
    const x = driver.step(result.net, new Float64Array(before.n), new Float64Array(before.m).fill(0.5));
    return { ...result, before: lists(before), net: lists(result.net), x: [...x] };
  });"""


def test_an_event_at_t_is_pythons_event_for_the_same_random_numbers(driver, tmp_path):
    # neurons that hear one synapse, or two
    sparse = random_net(2, sensory=6, sensory_fan_out=3, inter_fan_out=1)
    cases = [
        (net, seed, T, bool(seed % 2))
        for net in (random_net(1), sparse, driver)
        for seed in range(4)
        for T in (0.0, 0.05, 0.3, 0.62, 0.9)
    ]
    found = node.run(
        {"driver": "driver.js", "plan": "plan.js"},
        EVENT,
        plain(
            [
                {"net": page_circuit(net), "draws": pythons_draws(net, seed), "T": T, "inputs": inputs}
                for net, seed, T, inputs in cases
            ]
        ),
        tmp_path,
    )
    seen = set()
    for (net, seed, T, inputs), page in zip(cases, found, strict=True):
        w, w_in = net.weights()
        result = pruning.prune_and_rewire(
            net.wiring, w, T, weights_in=w_in if inputs else None, rng=np.random.default_rng(seed)
        )
        cell = pruning.rewire(net.numpy_cell(), result, rng=np.random.default_rng([seed, 1]))
        named = lambda lists, places: {(lists["source"][k], lists["target"][k]) for k in places}
        both = lambda name: (
            {(s + net.m, t) for s, t in getattr(result, name)} | set(getattr(result, name + "_in"))
        )
        for name, lists in (("cut", "before"), ("blocked", "before"), ("grown", "net")):
            assert named(page[lists], page[name]) == both(name), (seed, T, name)
            seen |= {name} if page[name] else set()
        after = page["net"]
        assert len(after["w"]) == result.wiring.synapses
        sides = {"sign": np.hstack([result.wiring.polarity_in, result.wiring.polarity])} | {
            ours: np.hstack([getattr(cell, theirs + "_in"), getattr(cell, theirs)])
            for ours, theirs in (("w", "w"), ("gamma", "gamma"), ("mu", "mu"), ("eRev", "e_rev"))
        }
        for name, matrix in sides.items():
            assert np.allclose(after[name], matrix[after["target"], after["source"]], atol=1e-14), (
                seed,
                T,
                name,
            )
        heard = net.map_input(torch.full((net.m,), 0.5).double()).detach().numpy()
        assert np.allclose(page["x"], dynamics.fused_step(np.zeros(net.n), heard, cell, 1.0), atol=1e-13)
    assert seen == {"cut", "blocked", "grown"}  # all three occur


def test_the_pages_own_dice_nest_repeat_and_are_fair(driver, tmp_path):
    found = node.run(
        {"driver": "driver.js"},
        """
      const net = driver.circuitOf(data);
      const edges = (net) => [...net.source].map((s, k) => `${s} ${net.target[k]}`);
      return Array.from({ length: 200 }, (_, seed) => [0.3, 0.6, 0.6].map((T) => {
        const { net: after, cut, grown } = driver.pruned(net, T, seed, true);
        return { cut: cut.map((k) => edges(net)[k]), grown: grown.map((k) => edges(after)[k]),
          signs: grown.map((k) => after.sign[k]), gammas: grown.map((k) => after.gamma[k]), mus: grown.map((k) => after.mu[k]), w: grown.map((k) => after.w[k]) };
      }));""",
        page_circuit(driver),
        tmp_path,
    )
    signs, targets = [], {}
    for small, large, again in found:
        assert large == again
        assert (
            small["cut"] == large["cut"][: len(small["cut"])]
            and small["grown"] == large["grown"][: len(small["grown"])]
        )
        assert small["gammas"] == large["gammas"][: len(small["gammas"])] and set(large["w"]) <= {0.6}
        assert all(3 <= value < 8 for value in large["gammas"]) and all(
            0.3 <= value < 0.8 for value in large["mus"]
        )
        signs += large["signs"]
        targets.setdefault(large["grown"][0], 0)
        targets[large["grown"][0]] += 1
    assert len({tuple(large["grown"]) for _, large, _ in found}) > 150  # seeds differ
    assert abs(np.mean(signs)) < 4 / np.sqrt(len(signs)) and len(targets) > 1
    assert max(targets.values()) < 2 * sum(targets.values()) / len(targets) + 15  # no target is preferred


def test_a_certified_v_is_that_of_analysis(tmp_path):
    cases, rng = [], np.random.default_rng(7)
    for seed in range(6):
        net = random_net(seed)
        with torch.no_grad():
            net.gamma.mul_(1 + seed % 3)  # steep gates in loops are what the bound does not decide
            net.raw_w.add_(2 * (seed % 3))
        cases.append((net, rng.uniform(-0.3, 0.3, net.n), rng.uniform(0, 1, 16)))
    found = node.run(
        {"driver": "driver.js"},
        """return data.map(({ net, x, u }) => {
      const circuit = driver.circuitOf(net);
      const start = performance.now();
      return { certificate: driver.certificateAt(circuit, x, u), ms: performance.now() - start };
    });""",
        plain([{"net": page_circuit(net), "x": x, "u": u} for net, x, u in cases]),
        tmp_path,
    )
    decided = set()
    for (net, x, u), page in zip(cases, found, strict=True):
        cell, heard = net.numpy_cell(), net.map_input(torch.from_numpy(u)).detach().numpy()
        rest = analysis.relax(x, heard, cell)
        P = analysis.certified_lyapunov(cell, heard, analysis.invariant_box(cell, heard, x, rest))
        decided.add(P is not None)
        assert (page["certificate"] is None) == (P is None)
        if P is not None:
            there = page["certificate"]
            assert np.allclose(there["p"], np.diagonal(P), rtol=1e-8) and np.allclose(
                there["rest"], rest, atol=1e-10
            )
            assert there["V"] == pytest.approx(analysis.lyapunov_value(x, P, rest), rel=1e-8)
            descent = analysis.lyapunov_derivative(x, heard, cell, P, rest)
            assert there["dV"] == pytest.approx(descent, rel=1e-8) and descent < 0
    assert decided == {True, False}  # both answers occur


def test_a_lesioned_neuron_reaches_nobody(tmp_path):
    net = random_net(0)
    found = node.run(
        {"driver": "driver.js"},
        """
      const net = driver.circuitOf(data);
      const other = driver.lesioned(net, [3, 14]);
      const x = Float64Array.from({ length: net.n }, (_, i) => 0.1 * i - 0.5);
      const u = new Float64Array(16).fill(0.5);
      const before = driver.step(net, x, u);
      const J = driver.jacobianAt(other, x, u);
      const same = [...driver.step(net, x, u)].every((value, i) => value === before[i]);
      return { same, columns: [3, 14].map((j) => J.map((row) => row[j])) };
    """,
        page_circuit(net),
        tmp_path,
    )
    assert found["same"]
    for j, column in zip((3, 14), found["columns"], strict=True):
        assert column[j] < 0 and not np.delete(column, j).any()
