// stability.js: where a network comes to rest, how fast, and which function V proves it; ltcbook.analysis, restated.

import { eigenvaluesOf, solveLinear, transposed } from "./linear.js";
import { fusedStep, gateOf, jacobianOf, velocityOf } from "./ltc.js";

/** @typedef {import("./ltc.js").Held} Held */

/** The largest distance from 0.
 * @param {number[]} values
 * @returns {number} */
const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** The stable equilibrium that the network reaches from x, or null where it reaches none (it may oscillate).
 * Fused steps lead to its neighbourhood, Newton's method finishes.
 * @param {Held} net
 * @param {number[]} x
 * @param {number} [steps]
 * @returns {number[] | null} */
export function restOf(net, x, steps = 4000) {
  const dt = Math.min(...net.c) / 2;
  let state = x;
  for (let step = 0; step < steps; step += 1) {
    if (step % 8 === 0) {
      const close = polished(net, state);
      if (close) return close;
    }
    state = fusedStep(net, state, dt);
  }
  return null;
}

/** Newton's method from x to a stable equilibrium at most `reach` away, or null.
 * @param {Held} net
 * @param {number[]} start
 * @returns {number[] | null} */
function polished(net, start, tolerance = 1e-12, reach = 0.02) {
  let x = start;
  let f = velocityOf(net, x);
  let size = largest(f);
  while (size >= tolerance) {
    const move = solveLinear(jacobianOf(net, x), f);
    if (!move) return null;
    x = x.map((value, i) => value - move[i]);
    f = velocityOf(net, x);
    const before = size;
    size = largest(f);
    if (!(size <= before / 2) || largest(x.map((value, i) => value - start[i])) > reach) return null;
  }
  return x === start || eigenvaluesOf(jacobianOf(net, x))[0][0] < 0 ? x : null;
}

/** dV/dt of V = sum p (x - center)^2 at x, per ms.
 * @param {Held} net
 * @param {number[]} x
 * @param {number[]} p
 * @param {number[]} center
 * @returns {number} */
export function descentOf(net, x, p, center) {
  return velocityOf(net, x).reduce((sum, f, i) => sum + 2 * f * p[i] * (x[i] - center[i]), 0);
}

/** A box as [lo, -hi]: the smaller these numbers, the larger the box.
 * @typedef {[number[], number[]]} Box */

const ROUNDS = 1000; // by which a box grows, or comes closer, before it leaps or stops

/** The smallest box found that holds the states and that no trajectory leaves: lowest and highest state of each neuron.
 * Where its growth creeps it leaps ahead, and comes back as far as it may; so it always ends.
 * @param {Held} net
 * @param {number[][]} states
 * @returns {[number[], number[]]} */
export function invariantBox(net, states) {
  const { target, eRev } = net.synapses;
  /** @type {Box} */
  const least = [
    net.c.map((_, i) => Math.min(...states.map((x) => x[i]))),
    net.c.map((_, i) => -Math.max(...states.map((x) => x[i]))),
  ];
  const rest = net.h0.map((h, i) => h / net.g0[i]); // where all gates between neurons are shut
  const ends = [[...rest], rest.map((value) => -value)];
  target.forEach((i, k) => {
    ends[0][i] = Math.min(ends[0][i], eRev[k]);
    ends[1][i] = Math.min(ends[1][i], -eRev[k]);
  });
  const most = both(Math.min, least, /** @type {Box} */ (ends));
  const first = grownBox(net, least, ROUNDS);
  if (first.settled) return opened(first.box);
  let box = most;
  for (let leap = 2; leap < 2 ** 60; leap *= 2) {
    const far = /** @type {Box} */ (
      first.box.map((side, k) =>
        side.map((value, i) => Math.max(most[k][i], first.before[k][i] + leap * (value - first.before[k][i]))),
      )
    );
    const ahead = grownBox(net, far, 50);
    if (ahead.settled) {
      box = ahead.box;
      break;
    }
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    const closer = both(Math.max, box, both(Math.min, least, rangeOn(net, box)));
    if (closer.every((side, k) => side.every((value, i) => value === box[k][i]))) break;
    box = closer;
  }
  return opened(box);
}

/** Entry by entry the smaller, or the larger, of two boxes.
 * @param {(a: number, b: number) => number} pick
 * @param {Box} a
 * @param {Box} b
 * @returns {Box} */
const both = (pick, a, b) => /** @type {Box} */ (a.map((side, k) => side.map((value, i) => pick(value, b[k][i]))));

/** @param {Box} box
 * @returns {[number[], number[]]} */
const opened = ([lo, minusHi]) => [lo, minusHi.map((value) => -value)];

/** A box grown until it holds its range or the rounds are over, the one before it, and whether it does.
 * @param {Held} net
 * @param {Box} box
 * @param {number} rounds
 * @returns {{box: Box, before: Box, settled: boolean}} */
function grownBox(net, box, rounds) {
  const rounding = (4 + net.n) * Number.EPSILON * Math.max(largest(box[0]), largest(box[1]), largest(net.synapses.eRev));
  let before = box;
  for (let round = 0; round < rounds; round += 1) {
    before = box;
    box = both(Math.min, box, rangeOn(net, box));
    const grown = Math.max(...before.map((side, k) => Math.max(...side.map((value, i) => value - box[k][i]))));
    if (grown <= rounding) return { box, before, settled: true };
  }
  return { box, before, settled: false };
}

/** The smallest and minus the largest value of h / g on a box.
 * @param {Held} net
 * @param {Box} box
 * @returns {Box} */
function rangeOn(net, box) {
  const [lo, hi] = opened(box);
  return [extremeEquilibrium(net, lo, hi, -1), extremeEquilibrium(net, lo, hi, 1).map((value) => -value)];
}

/** Largest (sign 1) or smallest (sign -1) value of h / g over the box: gates of synapses beyond it open, others shut.
 * @param {Held} net
 * @param {number[]} lo
 * @param {number[]} hi
 * @param {number} sign
 * @returns {number[]} */
function extremeEquilibrium(net, lo, hi, sign) {
  const { source, target, w, gamma, mu, eRev } = net.synapses;
  const ends = w.map((_, k) => [gateOf(gamma[k], mu[k], lo[source[k]]), gateOf(gamma[k], mu[k], hi[source[k]])]);
  let value = net.h0.map((h, i) => h / net.g0[i]);
  for (let round = 0; round < net.n + 2; round += 1) {
    const [g, h] = [[...net.g0], [...net.h0]];
    for (let k = 0; k < w.length; k += 1) {
      const wide = sign * (eRev[k] - value[target[k]]) > 0;
      const open = w[k] * (wide ? Math.max(...ends[k]) : Math.min(...ends[k]));
      g[target[k]] += open;
      h[target[k]] += open * eRev[k];
    }
    const next = h.map((drive, i) => drive / g[i]);
    if (next.every((v, i) => v === value[i])) break;
    value = next;
  }
  return value;
}

/** Weights p of a V = sum p (x - x*)^2 that provably falls on the whole box, scaled to 1 at most, or null: undecided.
 * M bounds the Jacobian on the box. Its off-diagonal is not negative, so it is Hurwitz exactly where M v = -1 has a
 * solution v > 0.
 * @param {Held} net
 * @param {[number[], number[]]} box
 * @returns {number[] | null} */
export function certifiedWeights(net, [lo, hi]) {
  const { source, target, w, gamma, mu, eRev } = net.synapses;
  const g = [...net.g0];
  const M = lo.map(() => lo.map(() => 0));
  for (let k = 0; k < w.length; k += 1) {
    const [i, j] = [target[k], source[k]];
    const [a, b] = [gateOf(gamma[k], mu[k], lo[j]), gateOf(gamma[k], mu[k], hi[j])];
    const [least, most] = [Math.min(a, b), Math.max(a, b)];
    const steepest = least < 0.5 && most > 0.5 ? 0.25 : Math.max(least * (1 - least), most * (1 - most));
    const reach = Math.max(Math.abs(eRev[k] - lo[i]), Math.abs(eRev[k] - hi[i]));
    M[i][j] += (w[k] * Math.abs(gamma[k]) * steepest * reach) / net.c[i];
    g[i] += w[k] * least;
  }
  for (let i = 0; i < net.n; i += 1) M[i][i] -= g[i] / net.c[i];
  const minus = lo.map(() => -1);
  const v = solveLinear(M, minus);
  if (!v || !v.every((value) => value > 0)) return null;
  const z = solveLinear(transposed(M), minus);
  if (!z || !z.every((value) => value > 0)) return null;
  const p = z.map((value, i) => value / v[i]);
  const top = Math.max(...p);
  return p.map((value) => value / top);
}
