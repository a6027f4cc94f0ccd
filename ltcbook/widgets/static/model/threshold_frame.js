// threshold_frame.js: what the explorer of T shows for one T, computed where the reader is; ThresholdExplorer.numbers in Python
// gives the same numbers, and a test compares them.

import { eventAt } from "./event.js";
import { eigenvaluesOf } from "./linear.js";
import { exponentialStep, held, jacobianOf } from "./ltc.js";
import { certifiedWeights, descentOf, invariantBox, restOf } from "./stability.js";

/** @typedef {import("./ltc.js").Held} Held */
/** @typedef {{rate: number, trace: number, radius: number, own: number[], command: [number, number][]}} Spectrum */

/** Eigenvalues at a rest: one per neuron on no loop (its own -1 / tau), and those of the block of command neurons.
 * @param {Held} net
 * @param {number[]} x
 * @param {number[]} own
 * @param {number[]} command
 * @returns {Spectrum} */
export function spectrumAt(net, x, own, command) {
  const J = jacobianOf(net, x);
  const block = eigenvaluesOf(command.map((i) => command.map((j) => J[i][j])));
  const lone = own.map((i) => J[i][i]);
  const all = [...lone.map((value) => Math.abs(value)), ...block.map(([re, im]) => Math.hypot(re, im))];
  return {
    rate: -Math.max(...lone, ...block.map(([re]) => re)),
    trace: J.reduce((sum, row, i) => sum + row[i], 0),
    radius: Math.max(...all),
    own: lone,
    command: block,
  };
}

/** The states at the times after the event, from the old rest: exponential steps, two to an interval.
 * @param {Held} net
 * @param {number[]} start
 * @param {number[]} times
 * @returns {number[][]} */
export function pathFrom(net, start, times) {
  const path = [start];
  for (let k = 1; k < times.length; k += 1) {
    const dt = (times[k] - times[k - 1]) / 2;
    path.push(exponentialStep(net, exponentialStep(net, path[k - 1], dt), dt));
  }
  return path;
}

/** dV/dt / V(0) along a path, per ms: for V = x'x about the origin, and for the certified V about the new rest (null where
 * the bound does not decide).
 * @param {Held} net
 * @param {number[][]} path
 * @param {number[]} rest
 * @returns {{origin: number[], certified: number[] | null}} */
export function descents(net, path, rest) {
  const zero = rest.map(() => 0);
  const one = rest.map(() => 1);
  const size = (p, center) => path[0].reduce((sum, x, i) => sum + p[i] * (x - center[i]) ** 2, 0);
  const along = (p, center) => path.map((x) => descentOf(net, x, p, center) / size(p, center));
  const p = certifiedWeights(net, invariantBox(net, [path[0], rest]));
  return { origin: along(one, zero), certified: p ? along(p, rest) : null };
}

/** One frame: what moved, the eigenvalues after it, how far the rest shifted, and dV/dt on the way there. A network that
 * finds no rest (it may oscillate) has null where numbers would be.
 * @param {import("./event.js").Network} network
 * @param {import("./event.js").Step[]} plan
 * @param {{T: number, weight: string | number, inherit?: boolean, u: number[], times: number[], own: number[],
 *   command: number[], start: number[]}} options start: the rest before the event under this u
 */
export function frameAt(network, plan, { T, weight, inherit = false, u, times, own, command, start }) {
  const outcome = eventAt(network, plan, T, weight, inherit);
  const net = held(outcome.cell, u);
  const moved = outcome.cut.length + outcome.grown.length > 0;
  const path = moved ? pathFrom(net, start, times) : null;
  const rest = path ? restOf(net, path[path.length - 1]) : start;
  const spectrum = rest ? spectrumAt(net, rest, own, command) : null;
  const curves = path && rest ? descents(net, path, rest) : { origin: null, certified: null };
  const shift = rest ? Math.max(...rest.map((value, i) => Math.abs(value - start[i]))) : null;
  return { ...outcome, moved, rest, spectrum, path, shift, ...curves };
}

/** The rate of the slowest mode at every T of a list: what the strip below the slider shows.
 * @param {import("./event.js").Network} network
 * @param {import("./event.js").Step[]} plan
 * @param {{weight: string | number, inherit?: boolean, u: number[], own: number[], command: number[], start: number[]}} options
 * @param {number[]} thresholds increasing
 * @returns {(number | null)[]} */
export function ratesAt(network, plan, { weight, inherit = false, u, own, command, start }, thresholds) {
  let last = start;
  return thresholds.map((T) => {
    const net = held(eventAt(network, plan, T, weight, inherit).cell, u);
    const rest = restOf(net, last) ?? restOf(net, start);
    last = rest ?? start;
    return rest ? spectrumAt(net, rest, own, command).rate : null;
  });
}
