"""The driving circuit where the reader is: its world, its steps, its events and what it learns are those of Python."""

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
    mapped = lambda name: {"scale": getattr(net, f"{name}_w"), "shift": getattr(net, f"{name}_b")}  # noqa: E731
    listed = lambda maps: {end: value.detach().numpy() for end, value in maps.items()}  # noqa: E731
    return plain({"wiring": {"polarity": now.polarity, "polarity_in": now.polarity_in, "role": list(now.role)},
                  "cell": vars(cell), "input": listed(mapped("input")), "readout": listed(mapped("output"))})


def random_net(seed):
    """The untrained circuit, in float64, whose inputs and outputs are scaled too."""
    rng = np.random.default_rng(seed)
    made = wiring.ncp(inter=12, command=6, motor=1, sensory=16, sensory_fan_out=6, inter_fan_out=4, recurrent=6,
                      motor_fan_in=6, rng=rng)
    net = models.LTCNet(made, solver="fused", substeps=1, generator=torch.Generator().manual_seed(seed)).double()
    with torch.no_grad():
        for name in ("input_w", "input_b", "output_w", "output_b"):
            parameter = getattr(net, name)
            parameter += 0.2 * torch.from_numpy(rng.normal(size=parameter.shape))
    return net


@pytest.fixture(scope="module")
def driver():
    """A circuit after a few seconds of training, in float64: it mostly keeps the road."""
    net, rng = random_net(0).float(), np.random.default_rng(0)
    train.fit(net, lane.record(48, steps=150, rng=rng), epochs=60, lr=2e-2, batch_size=24, progress=False, rng=rng)
    return net.double()


def test_the_world_is_pythons_world(tmp_path):
    rng = np.random.default_rng(1)
    road = lane.Road.random(1, 300.0, rng=rng)
    car = lane.Car(*(np.array([value]) for value in (3.0, 0.3, -0.1)))
    wheels, seconds = rng.normal(0, 1, 200), rng.uniform(0.02, 0.17, 200)
    truth = []
    for wheel, dt in zip(wheels, seconds, strict=True):
        truth.append({"car": [car.s[0], car.offset[0], car.heading[0]], "seen": lane.camera(road, car)[0],
                      "expert": lane.expert(road, car)[0], "place": car.place(road)[0]})
        car = car.moved(road, np.clip(wheel, -9, 9) + lane.expert(road, car), dt, speed=8.0)
    found = node.run({"lane": "lane.js"}, """
      const road = lane.roadOf(data.curvature);
      let car = { s: 3, offset: 0.3, heading: -0.1 };
      return { length: road.length, frames: data.wheels.map((wheel, k) => {
        const seen = { car: [car.s, car.offset, car.heading], seen: [...lane.camera(road, car)], expert: lane.expert(road, car),
          place: lane.placeOf(road, car) };
        car = lane.moved(road, car, wheel + seen.expert, data.seconds[k], 8);
        return seen;
      }) };""", plain({"curvature": road.curvature[0], "wheels": wheels, "seconds": seconds}), tmp_path)
    assert found["length"] == (road.curvature.shape[1] - 1) * lane.GRID
    for there, here in zip(found["frames"], truth, strict=True):
        for name, value in here.items():
            assert np.abs(np.array(there[name]) - value).max() < 1e-12 * max(1, np.abs(value).max()), name


def test_random_roads_are_drawn_as_in_python(tmp_path):
    found = node.run({"lane": "lane.js", "random": "random.js"}, """
      return Array.from({ length: 300 }, (_, seed) => [...lane.randomRoad(random.randomOf(seed), 300, 0.03).curvature]);""",
                     None, tmp_path)
    curvature = np.array(found)
    assert curvature.shape == (300, lane.Road.random(1, 300.0, rng=np.random.default_rng(0)).curvature.shape[1])
    knots = curvature[:, ::30]
    assert abs(knots.mean()) < 0.002 and abs(knots.std() / 0.03 - 1) < 0.05  # 6000 draws: sd of the mean 0.0004, of the sd 1 %
    assert np.allclose(np.diff(curvature[:, :31], 2), 0, atol=1e-15)  # linear between two points
    assert abs(np.corrcoef(knots[:, 0], knots[:, 1])[0, 1]) < 0.2 and np.abs(curvature).max() <= lane.TIGHTEST


def test_states_over_a_whole_drive_are_pythons_states(driver, tmp_path):
    rng, steps = np.random.default_rng(5), 400
    road, noise = lane.Road.random(1, 260.0, rng=rng), rng.normal(0, 0.1, (steps, 16))
    car, x, cell = lane.Car(*(np.array([value]) for value in (0.0, 0.2, 0.0))), np.zeros(driver.n), driver.numpy_cell()
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
    found = node.run({"lane": "lane.js", "driver": "driver.js"}, """
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
      return log;""", plain({"net": page_circuit(driver), "curvature": road.curvature[0], "noise": noise}), tmp_path)
    for name, values in truth.items():
        assert np.abs(np.array(found[name]) - np.array(values)).max() < 1e-9, name


@pytest.mark.parametrize("dt", [0.3, 1.0, 2.5])
def test_a_step_is_a_fused_step_and_its_parts_are_the_conductances(dt, tmp_path):
    net, rng = random_net(3), np.random.default_rng(3)
    x, u, cell = rng.uniform(-1, 1, net.n), rng.uniform(0, 1, 16), net.numpy_cell()
    heard = net.map_input(torch.from_numpy(u)).detach().numpy()
    found = node.run({"driver": "driver.js"}, """
      const net = driver.circuitOf(data.net);
      const after = driver.step(net, data.x, data.u, data.dt);
      const { values, open, g } = net.scratch;
      return { after: [...after], values: [...values], open: [...open], g: [...g], source: [...net.source],
        target: [...net.target], sign: [...net.sign], J: driver.jacobianAt(net, data.x, data.u) };""",
                     plain({"net": page_circuit(net), "x": x, "u": u, "dt": dt}), tmp_path)
    assert np.allclose(found["after"], dynamics.fused_step(x, heard, cell, dt), atol=1e-13)
    assert np.allclose(found["values"], [*heard, *x]) and np.allclose(found["g"], cell.terms(x, heard)[0], atol=1e-13)
    assert np.allclose(found["J"], dynamics.jacobian(x, heard, cell), atol=1e-13)
    edges = [(s, t, sign) for s, t, sign in net.wiring.edges_in()] + [(s + 16, t, sign) for s, t, sign in net.wiring.edges()]
    assert list(zip(found["source"], found["target"], found["sign"], strict=True)) == edges  # in the order of the drawings
    open_ = np.hstack([cell.w_in * cell.gates_in(heard), cell.w * cell.gates(x)])
    assert np.allclose(found["open"], [open_[t, s] for s, t, _ in edges], atol=1e-14)
