// ltc.js: the synaptic neurons of ltcbook.dynamics on a list of their synapses, for a held input.
// Units as in Python: mV, ms, µS, nF. Python's numbers are the definition; a test holds these to them.

/** Synapses as lists of equal length: from which neuron or input, onto which neuron, conductance, slope, half-activation,
 * reversal potential.
 * @typedef {{source: number[], target: number[], w: number[], gamma: number[], mu: number[], eRev: number[]}} Synapses */

/** A network: neurons, the synapses between them, and the sensory synapses.
 * @typedef {{c: number[], gLeak: number[], eLeak: number[], synapses: Synapses, sensory: Synapses}} Cell */

/** A network while one input is held: its sensory synapses are a second leak with its own drive.
 * @typedef {{n: number, c: number[], g0: number[], h0: number[], synapses: Synapses}} Held */

/** How far a synapse is open, 0 to 1.
 * @param {number} gamma
 * @param {number} mu
 * @param {number} x
 * @returns {number} */
export function gateOf(gamma, mu, x) {
  const z = gamma * (x - mu);
  if (z >= 0) return 1 / (1 + Math.exp(-z));
  const e = Math.exp(z);
  return e / (1 + e);
}

/** The network while u is held.
 * @param {Cell} cell
 * @param {number[]} u
 * @returns {Held} */
export function held(cell, u) {
  const g0 = [...cell.gLeak];
  const h0 = cell.gLeak.map((g, i) => g * cell.eLeak[i]);
  const { source, target, w, gamma, mu, eRev } = cell.sensory;
  for (let k = 0; k < w.length; k += 1) {
    const open = w[k] * gateOf(gamma[k], mu[k], u[source[k]]);
    g0[target[k]] += open;
    h0[target[k]] += open * eRev[k];
  }
  return { n: cell.c.length, c: cell.c, g0, h0, synapses: cell.synapses };
}

/** Conductance g and drive h of every neuron: c dx/dt = h - g x.
 * @param {Held} net
 * @param {number[]} x
 * @returns {{g: number[], h: number[]}} */
export function termsOf(net, x) {
  const [g, h] = [[...net.g0], [...net.h0]];
  const { source, target, w, gamma, mu, eRev } = net.synapses;
  for (let k = 0; k < w.length; k += 1) {
    const open = w[k] * gateOf(gamma[k], mu[k], x[source[k]]);
    g[target[k]] += open;
    h[target[k]] += open * eRev[k];
  }
  return { g, h };
}

/** dx/dt of every neuron, mV per ms.
 * @param {Held} net
 * @param {number[]} x
 * @returns {number[]} */
export function velocityOf(net, x) {
  const { g, h } = termsOf(net, x);
  return x.map((value, i) => (h[i] - g[i] * value) / net.c[i]);
}

/** The liquid time constant c / g of every neuron, ms.
 * @param {Held} net
 * @param {number[]} x
 * @returns {number[]} */
export function timeConstantsOf(net, x) {
  return termsOf(net, x).g.map((g, i) => net.c[i] / g);
}

/** The state after one exponential step of dt ms: exact for gates that stand still.
 * @param {Held} net
 * @param {number[]} x
 * @param {number} dt
 * @returns {number[]} */
export function exponentialStep(net, x, dt) {
  const { g, h } = termsOf(net, x);
  return x.map((value, i) => h[i] / g[i] + (value - h[i] / g[i]) * Math.exp((-g[i] / net.c[i]) * dt));
}

/** The state after one semi-implicit Euler step of dt ms.
 * @param {Held} net
 * @param {number[]} x
 * @param {number} dt
 * @returns {number[]} */
export function fusedStep(net, x, dt) {
  const { g, h } = termsOf(net, x);
  return x.map((value, i) => (net.c[i] * value + dt * h[i]) / (net.c[i] + dt * g[i]));
}

/** The Jacobian at x, rows of targets, 1/ms.
 * @param {Held} net
 * @param {number[]} x
 * @returns {number[][]} */
export function jacobianOf(net, x) {
  const { g } = termsOf(net, x);
  const J = x.map((_, i) => x.map((__, j) => (i === j ? -g[i] / net.c[i] : 0)));
  const { source, target, w, gamma, mu, eRev } = net.synapses;
  for (let k = 0; k < w.length; k += 1) {
    const s = gateOf(gamma[k], mu[k], x[source[k]]);
    J[target[k]][source[k]] += (w[k] * gamma[k] * s * (1 - s) * (eRev[k] - x[target[k]])) / net.c[target[k]];
  }
  return J;
}
