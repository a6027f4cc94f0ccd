"""The driving circuit learns where the reader is as it learns in Python: the same gradients, and the same weights in the end."""

import json

import node
import numpy as np
import pytest
import torch
from test_driver_model import page_circuit, random_net

from ltcbook import train
from ltcbook.tasks import lane
from ltcbook.widgets.base import plain

POSITIVE = ("c", "g_leak", "w")
NAMES = {"c": "c", "gLeak": "g_leak", "eLeak": "e_leak", "w": "w", "gamma": "gamma", "mu": "mu", "eRev": "e_rev",
         "inputScale": "input_w", "inputShift": "input_b", "outputScale": "output_w", "outputShift": "output_b"}


def listed(net, read):
    """A value of every parameter of the network in the order of the page; read: parameter -> tensor of its shape."""
    edges = [np.array([edge[:2] for edge in found]).T for found in (net.wiring.edges_in(), net.wiring.edges())]
    values = []
    for name in NAMES.values():
        get = lambda end, name=name: read(getattr(net, net.parameter_of(name + end))).numpy()  # noqa: E731
        if name in ("w", "gamma", "mu", "e_rev"):
            values += [get("_in")[edges[0][1], edges[0][0]], get("")[edges[1][1], edges[1][0]]]
        elif name.startswith(("input", "output")):
            values.append(read(getattr(net, name)).numpy())
        else:
            values.append(get(""))
    return np.concatenate(values)


@pytest.mark.parametrize(("seed", "dt", "scale"), [(0, 1.0, 1.0), (1, 0.4, 1.0), (2, 3.0, 30.0)])
def test_gradients_are_those_of_autograd(seed, dt, scale, tmp_path):
    net, rng = random_net(seed), np.random.default_rng(seed)
    with torch.no_grad():
        net.output_w.mul_(scale)  # large errors, large gradients
    seen, wanted = rng.uniform(-0.2, 1.2, (3, 40, 16)), rng.normal(size=(3, 40, 1))
    wanted[:, :7] = np.nan  # asks for nothing
    y, _ = net(torch.from_numpy(seen), dt=dt)
    asked = ~np.isnan(wanted)
    loss = (y[asked] - torch.from_numpy(wanted)[asked]).square().mean()
    loss.backward()
    truth = listed(net, lambda parameter: parameter.grad)
    data = {"net": page_circuit(net), "seen": seen.transpose(1, 2, 0).ravel(), "dt": dt,
            "wanted": [None if np.isnan(value) else value for value in wanted[..., 0].T.ravel()]}
    found = node.run({"driver": "driver.js", "learn": "learn.js"}, """
      const net = driver.circuitOf(data.net);
      const raw = learn.rawOf(net);
      const grads = new Float64Array(raw.length);
      const wanted = Float64Array.from(data.wanted, (value) => value ?? NaN);
      const gradients = learn.gradientsOf(driver.copyOf(net), 3, 40);
      const batch = { size: 3, frames: 40, seen: Float64Array.from(data.seen), wanted };
      gradients(raw, batch, grads, data.dt);
      const loss = gradients(raw, batch, grads, data.dt); // what a first call leaves behind changes nothing
      const clipped = grads.slice();
      return { raw: [...raw], loss, grads: [...grads], norm: learn.clip(clipped), clipped: [...clipped] };""", plain(data), tmp_path)
    assert np.allclose(found["raw"], listed(net, torch.Tensor.detach), atol=1e-9)
    assert found["loss"] == pytest.approx(loss.item(), rel=1e-10)
    assert np.abs(np.array(found["grads"]) - truth).max() < 1e-6 * np.abs(truth).max()
    sizeable = np.abs(truth) > 1e-6 * np.abs(truth).max()
    assert sizeable.mean() > 0.8 and np.allclose(np.array(found["grads"])[sizeable], truth[sizeable], rtol=1e-6)
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    assert found["norm"] == pytest.approx(norm.item(), rel=1e-9)
    assert np.allclose(found["clipped"], listed(net, lambda parameter: parameter.grad), atol=1e-9)


def test_a_whole_training_run_ends_in_the_weights_of_fit(tmp_path):
    net, rng = random_net(4), np.random.default_rng(4)
    steps, size, frames = 150, 16, 80
    inputs, targets, _ = lane.record(24, steps=200, rng=rng)
    windows = np.stack([rng.integers(0, 24, (steps, size)), rng.integers(0, 200 - frames + 1, (steps, size))], -1)
    cut = lambda array: torch.from_numpy(np.stack([array[k, at : at + frames] for k, at in windows.reshape(-1, 2)]))  # noqa: E731
    data = {"net": page_circuit(net), "seen": inputs, "wheel": targets[..., 0], "windows": windows}
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(cut(inputs), cut(targets)), size)
    history = train.fit(net, loader, epochs=1, lr=2e-2, progress=False, rng=rng)
    found = node.run({"driver": "driver.js", "learn": "learn.js"}, """
      const recorded = { frames: 200, seen: data.seen.map((drive) => Float64Array.from(drive.flat())),
        wheel: data.wheel.map((drive) => Float64Array.from(drive)) };
      const [net, losses, raws] = [driver.circuitOf(data.net), [], []];
      const start = performance.now();
      for (const { loss, raw } of learn.trainer(net, { recorded, choose: (step) => data.windows[step - 1] })) {
        losses.push(loss);
        raws[0] = [...raw];
      }
      const ms = (performance.now() - start) / losses.length;
      const learned = learn.assign(driver.copyOf(net), Float64Array.from(raws[0]));
      return { losses, raw: raws[0], ms, w: [...learned.w], before: [...net.w] };""", plain(data), tmp_path)
    truth = listed(net, torch.Tensor.detach)
    assert len(found["losses"]) == steps and np.mean(found["losses"]) == pytest.approx(history.loss[0], rel=1e-6)
    assert found["losses"][-1] < 0.3 * found["losses"][0]
    assert np.abs(np.array(found["raw"]) - truth).max() < 1e-4
    assert np.abs(np.array(found["w"]) - found["before"]).max() > 0.1  # it moved
    assert found["ms"] < 200  # 12 ms on an idle core; a bound that a busy machine keeps


def test_recorded_drives_are_like_pythons_and_seeds_repeat_them(tmp_path):
    found = node.run({"learn": "learn.js", "random": "random.js"}, """
      const record = (seed) => learn.recordDrives(random.randomOf(seed), 200, 150);
      const [one, again, other] = [record(1), record(1), record(2)];
      const flat = (drives) => drives.flatMap((drive) => [...drive]);
      const same = (a, b) => a.wheel.every((drive, k) => drive.every((value, t) => value === b.wheel[k][t]));
      return { wheel: flat(one.wheel), bright: flat(one.seen.slice(0, 50)), frames: one.frames, drives: one.seen.length,
        same: [same(one, again), same(one, other)] };""", None, tmp_path)
    inputs, targets, _ = lane.record(400, steps=150, rng=np.random.default_rng(0))
    assert (found["frames"], found["drives"], found["same"]) == (150, 200, [True, False])
    wheel = np.array(found["wheel"])
    # standard deviations of 200 and 400 drives agree to a few per cent (an error of about 4 %)
    assert wheel.std() == pytest.approx(targets.std(), rel=0.15) and abs(wheel.mean()) < 0.15
    assert np.mean(found["bright"]) == pytest.approx(inputs.mean(), rel=0.05)
    assert np.std(found["bright"]) == pytest.approx(inputs.std(), rel=0.05)


def test_an_untrained_circuit_starts_in_the_ranges_of_ltc_random(root, tmp_path):
    stored = json.loads((root / "ltcbook" / "data" / "driver.json").read_text("utf8"))
    found = node.run({"driver": "driver.js", "learn": "learn.js"}, """
      const net = driver.circuitOf(data);
      return [1, 2].map((seed) => Object.fromEntries(Object.entries(learn.untrained(net, seed)).flatMap(([name, list]) =>
        ArrayBuffer.isView(list) ? [[name, [...list]]] : [])));""", stored, tmp_path)
    ranges = {"c": (0.4, 0.6), "gLeak": (0.001, 1), "eLeak": (-0.2, 0.2), "w": (0.001, 1), "gamma": (3, 8), "mu": (0.3, 0.8)}
    for one in found:
        assert one["eRev"] == one["sign"] and set(one["inputScale"]) == set(one["outputScale"]) == {1}
        assert set(one["inputShift"]) == set(one["outputShift"]) == {0}
        for name, (low, high) in ranges.items():
            values = np.array(one[name])
            assert low <= values.min() < low + 0.2 * (high - low) and high - 0.2 * (high - low) < values.max() < high, name
    assert found[0]["w"] != found[1]["w"] and found[0]["source"] == found[1]["source"]


def test_every_seed_learns_to_keep_the_road_in_a_hundred_steps(root, tmp_path):
    stored = json.loads((root / "ltcbook" / "data" / "driver.json").read_text("utf8"))
    found = node.run({"driver": "driver.js", "lane": "lane.js", "learn": "learn.js", "random": "random.js"}, """
      const stored = driver.circuitOf(data);
      const stayed = (net) => [...Array(20).keys()].filter((k) => {
        const x = new Float64Array(net.n);
        const policy = (seen) => driver.wheelOf(net, driver.step(net, x, seen, 1, x));
        return lane.drive(lane.randomRoad(random.randomOf(1000 + k), 300), policy, random.randomOf(5000 + k), { steps: 400 }).stayed;
      }).length;
      return [0, 1, 2, 3, 4].map((seed) => {
        const start = learn.untrained(stored, seed);
        const net = driver.copyOf(start);
        for (const { raw } of learn.trainer(start, { seed, steps: 100 })) learn.assign(net, raw);
        return [stayed(start), stayed(net)];
      });""", stored, tmp_path)
    before, after = zip(*found, strict=True)
    assert max(before) <= 2 and min(after) >= 12 and sum(after) >= 75, found  # of 20 drives; measured: 15 to 18, of 8 seeds 15 to 19
