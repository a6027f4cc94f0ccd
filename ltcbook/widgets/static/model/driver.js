// driver.js: the circuit that drives: its neurons and synapses as flat lists, one step in time, its Jacobian, an
// event at T. ltcbook.models.LTCNet with the fused solver, restated; Python's numbers are the definition, and a test
// holds these to them. Time counts frames: a capacitance over a conductance is a time constant in frames.

import { eventAt } from "./event.js";
import { gateOf } from "./ltc.js";
import { planOf, randomDraws } from "./plan.js";
import { randomOf } from "./random.js";
import { certifiedWeights, descentOf, invariantBox, restOf } from "./stability.js";

/** A circuit of n neurons and m inputs. Nodes: inputs 0 .. m - 1, then the neurons. Synapses stand in lists of
 * equal length, those from inputs first, each group by source, then target (as in the drawings): from which node,
 * onto which neuron (0 .. n - 1), conductance, slope, half-activation, reversal potential, sign. Input k is heard
 * as inputScale[k] u[k] + inputShift[k]; the outputs are outputScale x + outputShift of the motor neurons.
 * `scratch` holds what the last step found.
 * @typedef {{n: number, m: number, role: string[], motor: number[], c: Float64Array, gLeak: Float64Array, eLeak:
 *   Float64Array, source: Int32Array, target: Int32Array, sign: Int8Array, w: Float64Array, gamma: Float64Array,
 *   mu: Float64Array, eRev: Float64Array, inputScale: Float64Array, inputShift: Float64Array, outputScale:
 *   Float64Array, outputShift: Float64Array, scratch: Scratch}} Circuit */

/** What a step found at the state before it: by node what it says (inputs as heard, then states), by synapse its open
 * conductance w s, by neuron the conductance g, the drive h and the time constant c / g in frames.
 * @typedef {{values: Float64Array, open: Float64Array, g: Float64Array, h: Float64Array, tau: Float64Array}} Scratch */

/** The lists of a circuit with one value per neuron, per synapse, per input, per output.
 * @type {{neurons: string[], synapses: string[], inputs: string[], outputs: string[]}} */
export const FIELDS = {
  neurons: ["c", "gLeak", "eLeak"],
  synapses: ["w", "gamma", "mu", "eRev"],
  inputs: ["inputScale", "inputShift"],
  outputs: ["outputScale", "outputShift"],
};

/** The circuit of the stored weights (ltcbook/data/driver.json).
 * @param {{wiring: {polarity: number[][], polarity_in: number[][], role: string[]}, cell: Record<string, any>,
 *   input: {scale: number[], shift: number[]}, readout: {scale: number[], shift: number[]}}} data
 * @returns {Circuit} */
export function circuitOf({ wiring, cell, input, readout }) {
  const [n, m] = [wiring.polarity.length, wiring.polarity_in[0].length];
  /** @type {[number, number, number, number, string][]} */
  const found = []; // source node, target, sign, column, end of the field's name
  for (let j = 0; j < m; j += 1)
    for (let i = 0; i < n; i += 1) if (wiring.polarity_in[i][j]) found.push([j, i, wiring.polarity_in[i][j], j, "_in"]);
  for (let j = 0; j < n; j += 1)
    for (let i = 0; i < n; i += 1) if (wiring.polarity[i][j]) found.push([m + j, i, wiring.polarity[i][j], j, ""]);
  const listed = (field) => Float64Array.from(found, ([, i, , j, end]) => cell[field + end][i][j]);
  return circuit({
    n,
    m,
    role: [...wiring.role],
    c: Float64Array.from(cell.c),
    gLeak: Float64Array.from(cell.g_leak),
    eLeak: Float64Array.from(cell.e_leak),
    source: Int32Array.from(found, ([source]) => source),
    target: Int32Array.from(found, ([, target]) => target),
    sign: Int8Array.from(found, ([, , sign]) => sign),
    w: listed("w"),
    gamma: listed("gamma"),
    mu: listed("mu"),
    eRev: listed("e_rev"),
    inputScale: Float64Array.from(input.scale),
    inputShift: Float64Array.from(input.shift),
    outputScale: Float64Array.from(readout.scale),
    outputShift: Float64Array.from(readout.shift),
  });
}

/** Motor neurons and scratch for lists that belong together.
 * @param {Omit<Circuit, "motor" | "scratch">} lists
 * @returns {Circuit} */
function circuit(lists) {
  const { n, m, role, w } = lists;
  const motor = [...role.keys()].filter((i) => role[i] === "motor");
  const zeros = (size) => new Float64Array(size);
  const scratch = { values: zeros(m + n), open: zeros(w.length), g: zeros(n), h: zeros(n), tau: zeros(n) };
  return { ...lists, motor: motor.length ? motor : [...role.keys()], scratch };
}

/** The same circuit with lists of its own, so that changing one leaves the other alone.
 * @param {Circuit} net
 * @returns {Circuit} */
export function copyOf(net) {
  const names = Object.values(FIELDS).flat();
  return circuit({ ...net, ...Object.fromEntries(names.map((name) => [name, net[name].slice()])) });
}

/** Conductance, drive and time constant of every neuron at a state, into `net.scratch`.
 * @param {Circuit} net
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} u
 * @returns {Scratch} */
export function lookAt(net, x, u) {
  const { n, m, source, target, w, gamma, mu, eRev, c, gLeak, eLeak, inputScale, inputShift, scratch } = net;
  const { values, open, g, h, tau } = scratch;
  for (let k = 0; k < m; k += 1) values[k] = inputScale[k] * u[k] + inputShift[k];
  for (let i = 0; i < n; i += 1) {
    values[m + i] = x[i];
    g[i] = gLeak[i];
    h[i] = gLeak[i] * eLeak[i];
  }
  for (let k = 0; k < w.length; k += 1) {
    const o = w[k] * gateOf(gamma[k], mu[k], values[source[k]]);
    open[k] = o;
    g[target[k]] += o;
    h[target[k]] += o * eRev[k];
  }
  for (let i = 0; i < n; i += 1) tau[i] = c[i] / g[i];
  return scratch;
}

/** The state (n,) after one fused step of dt frames under the input u (m,). `net.scratch` then tells what the step
 * found.
 * @param {Circuit} net
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} u as the camera gives it
 * @param {number} [dt]
 * @param {Float64Array} [out] may be x itself
 * @returns {Float64Array} */
export function step(net, x, u, dt = 1, out = new Float64Array(net.n)) {
  const { g, h } = lookAt(net, x, u);
  for (let i = 0; i < net.n; i += 1) out[i] = (net.c[i] * x[i] + dt * h[i]) / (net.c[i] + dt * g[i]);
  return out;
}

/** The wheel that the first motor neuron turns.
 * @param {Circuit} net
 * @param {ArrayLike<number>} x
 * @returns {number} */
export function wheelOf(net, x) {
  return net.outputScale[0] * x[net.motor[0]] + net.outputShift[0];
}

/** The Jacobian of the vector field at a state, rows of targets, per frame: the first argument of `eigenvaluesOf`.
 * (A continuous-time Jacobian: an eigenvalue -0.5 means that an error shrinks to 1/e in 2 frames.)
 * @param {Circuit} net
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} u
 * @returns {number[][]} */
export function jacobianAt(net, x, u) {
  const { n, m, source, target, w, gamma, eRev, c } = net;
  const { g, open } = lookAt(net, x, u);
  const J = Array.from({ length: n }, (_, i) => {
    const row = new Array(n).fill(0);
    row[i] = -g[i] / c[i];
    return row;
  });
  for (let k = 0; k < w.length; k += 1) {
    if (source[k] < m || w[k] === 0) continue;
    const [i, o] = [target[k], open[k]];
    J[i][source[k] - m] += (gamma[k] * o * (1 - o / w[k]) * (eRev[k] - x[i])) / c[i];
  }
  return J;
}

/** The circuit while u is held, as the modules ltc.js and stability.js take it.
 * @param {Circuit} net
 * @param {ArrayLike<number>} u
 * @returns {import("./ltc.js").Held} */
export function heldAt(net, u) {
  const { n, m, source, target, w, gamma, mu, eRev, inputScale, inputShift } = net;
  const first = source.findIndex((node) => node >= m);
  const inner = first < 0 ? source.length : first;
  const g0 = Array.from(net.gLeak);
  const h0 = g0.map((g, i) => g * net.eLeak[i]);
  for (let k = 0; k < inner; k += 1) {
    const j = source[k];
    const open = w[k] * gateOf(gamma[k], mu[k], inputScale[j] * u[j] + inputShift[j]);
    g0[target[k]] += open;
    h0[target[k]] += open * eRev[k];
  }
  const from = (list) => Array.from(list.subarray(inner));
  const synapses = {
    source: Array.from(source.subarray(inner), (node) => node - m),
    target: from(target),
    w: from(w),
    gamma: from(gamma),
    mu: from(mu),
    eRev: from(eRev),
  };
  return { n, c: Array.from(net.c), g0, h0, synapses };
}

/** A certified V at a state while u is held: V = sum p (x - rest)^2 provably falls on the way from x to the rest;
 * its value and dV/dt per frame. null where the circuit finds no rest, or the bound does not decide. Costs one to
 * four milliseconds.
 * @param {Circuit} net
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} u
 * @param {number[]} [near] a state to look for the rest from, such as the rest of a moment ago: quicker, and as
 *   certain, since V falls on a box with both, so that there is one rest
 * @returns {{p: number[], rest: number[], V: number, dV: number} | null} */
export function certificateAt(net, x, u, near) {
  const now = heldAt(net, u);
  const state = Array.from(x);
  if (!state.every(Number.isFinite)) return null;
  const rest = restOf(now, near ?? state, 1000);
  if (!rest) return null;
  const p = certifiedWeights(now, invariantBox(now, [state, rest]));
  if (!p) return null;
  const V = state.reduce((sum, value, i) => sum + p[i] * (value - rest[i]) ** 2, 0);
  return { p, rest, V, dV: descentOf(now, state, p, rest) };
}

/** The circuit as event.js takes it: targets as nodes.
 * @param {Circuit} net
 * @returns {import("./event.js").Network} */
export function networkOf(net) {
  return {
    m: net.m,
    c: Array.from(net.c),
    gLeak: Array.from(net.gLeak),
    eLeak: Array.from(net.eLeak),
    edges: Array.from(net.w, (w, k) => [net.source[k], net.target[k] + net.m, net.sign[k], w]),
    gamma: Array.from(net.gamma),
    mu: Array.from(net.mu),
    eRev: Array.from(net.eRev),
  };
}

/** What an event did: the circuit after it; places (in the lists of the circuit before) of synapses that were cut,
 * and of those that had to stay although they are weaker than T; places (in the lists of the circuit after) of
 * those that grew, grown[k] in place of cut[k].
 * @typedef {{net: Circuit, cut: number[], blocked: number[], grown: number[]}} Pruned */

/** Prune & rewire at T: every synapse between neurons that is weaker than T is cut, and its source grows one of
 * weight T onto another neuron of the same target layer. Equal seeds, equal choices, and the events of a smaller T
 * are the first of a larger one. ltcbook.pruning.prune_and_rewire and rewire, restated; like there, synapses from
 * inputs stay where nobody says otherwise.
 * @param {Circuit} net left as it is
 * @param {number} T µS
 * @param {number} seed
 * @param {boolean} [inputs] whether synapses from inputs are rewired too
 * @returns {Pruned} */
export function pruned(net, T, seed, inputs = false) {
  return prunedBy(net, planFor(net, seed, inputs), T);
}

/** The plan of the events of a circuit at any T, for `prunedBy`: made once (half a millisecond) while T moves.
 * @param {Circuit} net
 * @param {number} seed
 * @param {boolean} [inputs] whether synapses from inputs are rewired too
 * @returns {import("./event.js").Step[]} */
export function planFor(net, seed, inputs = false) {
  return planOf(networkOf(net), net.role, randomDraws(net, randomOf(seed)), inputs);
}

/** The event at T by a plan of `planFor`, which need not be made again for another T.
 * @param {Circuit} net left as it is
 * @param {import("./event.js").Step[]} plan
 * @param {number} T µS
 * @returns {Pruned} */
export function prunedBy(net, plan, T) {
  const { cut, blocked, grown, cell } = eventAt(networkOf(net), plan, T, "threshold");
  const gone = new Set(cut);
  const { sensory, synapses } = cell;
  // both lists hold first what is kept, in its old order, then what grew, in the order of the event
  const signs = [[], []];
  net.source.forEach((node, k) => gone.has(k) || signs[Number(node >= net.m)].push(net.sign[k]));
  const kept = signs.map((list) => list.length);
  grown.forEach(([node, , sign]) => signs[Number(node >= net.m)].push(sign));
  const both = (name) => Float64Array.from([...sensory[name], ...synapses[name]]);
  const after = circuit({
    ...net,
    source: Int32Array.from([...sensory.source, ...synapses.source.map((i) => i + net.m)]),
    target: Int32Array.from([...sensory.target, ...synapses.target]),
    sign: Int8Array.from(signs.flat()),
    w: both("w"),
    gamma: both("gamma"),
    mu: both("mu"),
    eRev: both("eRev"),
  });
  const next = [kept[0], sensory.w.length + kept[1]];
  return { net: copyOf(after), cut, blocked, grown: grown.map(([node]) => next[Number(node >= net.m)]++) };
}

/** The circuit without the voice of some neurons: what they say reaches nobody.
 * @param {Circuit} net left as it is
 * @param {number[]} neurons
 * @returns {Circuit} */
export function lesioned(net, neurons) {
  const other = copyOf(net);
  const silent = new Set(neurons.map((i) => i + net.m));
  net.source.forEach((node, k) => {
    if (silent.has(node)) other.w[k] = 0;
  });
  return other;
}
