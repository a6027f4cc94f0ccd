// learn.js: the driving circuit learns from recorded drives of the expert: forward through time, backward by hand,
// Adam. What ltcbook.train.fit does to an LTCNet with one fused step per frame, in float64; tests hold gradients and
// weights to Python's.

import { copyOf } from "./driver.js";
import { drive, PIXELS, randomRoad, STRIPS } from "./lane.js";
import { assign, layoutOf, POSITIVE, rawOf } from "./parameters.js";
import { randomOf } from "./random.js";

/** @typedef {import("./driver.js").Circuit} Circuit */

/** Windows of drives, B at once, T frames: what was seen, [frame][pixel][window], and the wheel that is wanted,
 * [frame][window] (NaN asks for nothing).
 * @typedef {{size: number, frames: number, seen: Float64Array, wanted: Float64Array}} Batch */

/** Loss and gradients of a circuit with one output, for batches of one size.
 * @param {Circuit} net its synapses stay, its values are overwritten
 * @param {number} B windows in a batch
 * @param {number} T frames in a window
 * @returns {(raw: Float64Array, batch: Batch, grads: Float64Array, dt?: number) => number} the mean squared error;
 *   writes its gradient by every parameter into `grads`. States start at 0; dt in frames. */
export function gradientsOf(net, B, T) {
  const { n, m, source, target, c, gLeak, eLeak, w, gamma, mu, eRev, inputScale, inputShift } = net;
  const [nodes, E, motor, layout] = [m + n, w.length, net.motor[0], layoutOf(net)];
  // [frame][node][window]: heard inputs, then the states before the frame
  const values = new Float64Array((T + 1) * nodes * B);
  const gates = new Float64Array(T * E * B);
  const denominators = new Float64Array(T * n * B); // c + dt g
  const drives = new Float64Array(n * B); // c x + dt h, then, backward, dt dL/dx' / denominator
  const errors = new Float64Array(T * B);
  const adjoint = [new Float64Array(nodes * B), new Float64Array(nodes * B)]; // dL by heard inputs and states, two frames

  function forward({ seen }, dt) {
    for (let t = 0; t < T; t += 1) {
      const [here, next] = [t * nodes * B, (t + 1) * nodes * B + m * B];
      const [D, states] = [t * n * B, here + m * B];
      for (let j = 0; j < m; j += 1)
        for (let b = j * B; b < (j + 1) * B; b += 1) values[here + b] = inputScale[j] * seen[t * m * B + b] + inputShift[j];
      for (let i = 0; i < n; i += 1) {
        const [g, h] = [c[i] + dt * gLeak[i], dt * gLeak[i] * eLeak[i]];
        for (let b = i * B; b < (i + 1) * B; b += 1) {
          denominators[D + b] = g;
          drives[b] = c[i] * values[states + b] + h;
        }
      }
      for (let e = 0; e < E; e += 1) {
        const [slope, shift, weight, pull] = [-gamma[e], mu[e], dt * w[e], eRev[e]];
        const [from, onto, gate] = [here + source[e] * B, target[e] * B, (t * E + e) * B];
        for (let b = 0; b < B; b += 1) {
          const s = 1 / (1 + Math.exp(slope * (values[from + b] - shift)));
          gates[gate + b] = s;
          denominators[D + onto + b] += weight * s;
          drives[onto + b] += weight * s * pull;
        }
      }
      for (let k = 0; k < n * B; k += 1) values[next + k] = drives[k] / denominators[D + k];
    }
  }

  /** Errors of the output; the mean of their squares. */
  function lossOf({ wanted }) {
    const [factor, shift] = [net.outputScale[0], net.outputShift[0]];
    let [sum, asked] = [0, 0];
    for (let t = 0; t < T; t += 1) {
      const state = ((t + 1) * nodes + m + motor) * B;
      for (let b = 0; b < B; b += 1) {
        const error = factor * values[state + b] + shift - wanted[t * B + b];
        const asks = !Number.isNaN(error);
        errors[t * B + b] = asks ? error : 0;
        if (asks) {
          sum += error * error;
          asked += 1;
        }
      }
    }
    for (let k = 0; k < T * B; k += 1) errors[k] *= 2 / asked;
    return sum / asked;
  }

  function backward({ seen }, grads, dt) {
    const at = Object.fromEntries(Object.entries(layout).map(([name, [from]]) => [name, from]));
    let [now, before] = adjoint;
    now.fill(0);
    for (let t = T - 1; t >= 0; t -= 1) {
      const [here, next] = [t * nodes * B, (t + 1) * nodes * B];
      const D = t * n * B;
      const read = (m + motor) * B;
      for (let b = 0; b < B; b += 1) {
        const error = errors[t * B + b];
        now[read + b] += net.outputScale[0] * error;
        grads[at.outputScale] += error * values[next + read + b];
        grads[at.outputShift] += error;
      }
      before.fill(0, 0, m * B);
      for (let i = 0; i < n; i += 1) {
        let [byC, byLeak, byRest] = [0, 0, 0];
        for (let b = 0; b < B; b += 1) {
          const k = (m + i) * B + b;
          const a = now[k] / denominators[D + i * B + b];
          const after = values[next + k];
          drives[i * B + b] = dt * a;
          byC += a * (values[here + k] - after);
          byLeak += dt * a * (eLeak[i] - after);
          byRest += dt * a;
          before[k] = a * c[i];
        }
        grads[at.c + i] += byC;
        grads[at.gLeak + i] += byLeak;
        grads[at.eLeak + i] += byRest * gLeak[i];
      }
      for (let e = 0; e < E; e += 1) {
        const [pull, rise] = [eRev[e], w[e] * gamma[e]];
        const [from, onto, gate] = [source[e] * B, target[e] * B, (t * E + e) * B];
        const after = next + (m + target[e]) * B;
        let [byW, byPull, byShift, bySlope] = [0, 0, 0, 0];
        for (let b = 0; b < B; b += 1) {
          const [q, s, v] = [drives[onto + b], gates[gate + b], values[here + from + b]];
          const open = q * s * (pull - values[after + b]);
          const p = open * (1 - s);
          byW += open;
          byPull += q * s;
          byShift += p;
          bySlope += p * v;
          before[from + b] += p * rise;
        }
        grads[at.w + e] += byW;
        grads[at.eRev + e] += byPull * w[e];
        grads[at.mu + e] -= byShift * rise;
        grads[at.gamma + e] += (bySlope - mu[e] * byShift) * w[e];
      }
      for (let j = 0; j < m; j += 1) {
        for (let b = j * B; b < (j + 1) * B; b += 1) {
          grads[at.inputScale + j] += before[b] * seen[t * m * B + b];
          grads[at.inputShift + j] += before[b];
        }
      }
      [now, before] = [before, now];
    }
  }

  return (raw, batch, grads, dt = 1) => {
    assign(net, raw);
    forward(batch, dt);
    const loss = lossOf(batch);
    grads.fill(0);
    backward(batch, grads, dt);
    for (const name of POSITIVE)
      for (let k = layout[name][0]; k < layout[name][1]; k += 1) grads[k] /= 1 + Math.exp(-raw[k]); // the slope of softplus
    return loss;
  };
}

/** Shorten a gradient to a norm of at most `most`, in place; the norm that it had.
 * @param {Float64Array} grads
 * @param {number} [most]
 * @returns {number} */
export function clip(grads, most = 1) {
  const norm = Math.sqrt(grads.reduce((sum, value) => sum + value * value, 0));
  const factor = most / (norm + 1e-6);
  if (factor < 1) for (let k = 0; k < grads.length; k += 1) grads[k] *= factor;
  return norm;
}

/** One step of Adam (Kingma & Ba, 2015), in place. The memory {first, second, steps} starts as `memoryOf(raw)`.
 * @param {Float64Array} raw
 * @param {{first: Float64Array, second: Float64Array, steps: number}} memory
 * @param {Float64Array} grads
 * @param {number} rate */
export function adam(raw, memory, grads, rate) {
  memory.steps += 1;
  const [bias, root] = [1 - 0.9 ** memory.steps, Math.sqrt(1 - 0.999 ** memory.steps)];
  for (let k = 0; k < raw.length; k += 1) {
    memory.first[k] += 0.1 * (grads[k] - memory.first[k]);
    memory.second[k] = 0.999 * memory.second[k] + 0.001 * grads[k] * grads[k];
    raw[k] -= ((rate / bias) * memory.first[k]) / (Math.sqrt(memory.second[k]) / root + 1e-8);
  }
}

/** What Adam remembers before its first step.
 * @param {Float64Array} raw */
export const memoryOf = (raw) => ({ first: raw.map(() => 0), second: raw.map(() => 0), steps: 0 });

/** Recorded drives of the expert: by drive what was seen, [frame][pixel], and its wheel, [frame].
 * @typedef {{frames: number, seen: Float64Array[], wheel: Float64Array[]}} Recorded */

/** Drives of the expert whose wheel is pushed now and then, so that it shows how to come back; those that leave
 * the road are driven anew. ltcbook.tasks.lane.record, restated.
 * @param {() => number} random uniform numbers
 * @param {number} [drives]
 * @param {number} [steps]
 * @param {number} [push] standard deviation of the pushes, in wheels
 * @param {number} [noise] that of the pixels
 * @returns {Recorded} */
export function recordDrives(random, drives = 64, steps = 200, push = 1.7, noise = 0.1) {
  /** @type {Recorded} */
  const recorded = { frames: steps, seen: [], wheel: [] };
  for (let tries = 0; recorded.seen.length < drives && tries < 20 * drives; tries += 1) {
    const { stayed, seen, expert } = drive(randomRoad(random, steps * 0.65 + 60), null, random, { steps, push, noise });
    if (!stayed) continue;
    recorded.seen.push(seen);
    recorded.wheel.push(expert);
  }
  return recorded;
}

/** The windows that begin at these frames of these drives, as one batch.
 * @param {Recorded} recorded
 * @param {[number, number][]} windows [drive, first frame]
 * @param {number} frames of a window
 * @returns {Batch} */
export function batchOf(recorded, windows, frames) {
  const [size, pixels] = [windows.length, PIXELS.length * STRIPS.length];
  const [seen, wanted] = [new Float64Array(frames * pixels * size), new Float64Array(frames * size)];
  windows.forEach(([k, start], b) => {
    for (let t = 0; t < frames; t += 1) {
      wanted[t * size + b] = recorded.wheel[k][start + t];
      for (let j = 0; j < pixels; j += 1) seen[(t * pixels + j) * size + b] = recorded.seen[k][(start + t) * pixels + j];
    }
  });
  return { size, frames, seen, wanted };
}

/** How a training goes on: steps done, the loss before the last one, and the parameters after it.
 * @typedef {{step: number, loss: number, raw: Float64Array}} Progress */

/** Train a circuit, one optimiser step for each turn of the loop that asks. The circuit itself stays as it is:
 * `assign` the parameters to see what was learned.
 * @param {Circuit} net
 * @param {{seed?: number, steps?: number, size?: number, frames?: number, rate?: number, recorded?: Recorded,
 *   windows?: [number, number][][]}} [options] seed: of drives and batches; size: windows in a batch; frames of a
 *   window; rate: of learning; recorded: drives to learn from, else they are recorded here; windows: [drive, first
 *   frame] of every step, else drawn
 * @returns {Generator<Progress>} */
export function* trainer(net, { seed = 0, steps = 150, size = 16, frames = 80, rate = 2e-2, recorded, windows } = {}) {
  const random = randomOf(seed);
  const data = recorded ?? recordDrives(random);
  const draw = (count) => Math.floor(count * random());
  const drawn = () =>
    /** @type {[number, number][]} */ (
      Array.from({ length: size }, () => [draw(data.seen.length), draw(data.frames - frames + 1)])
    );
  const [raw, gradients] = [rawOf(net), gradientsOf(copyOf(net), size, frames)];
  const [grads, memory] = [new Float64Array(raw.length), memoryOf(raw)];
  for (let step = 1; step <= steps; step += 1) {
    const loss = gradients(raw, batchOf(data, windows ? windows[step - 1] : drawn(), frames), grads);
    clip(grads);
    adam(raw, memory, grads, rate);
    yield { step, loss, raw };
  }
}
