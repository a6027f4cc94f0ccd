// plan.js: what prune & rewire does to a network, step by step from the weakest synapse on: ltcbook.pruning, restated
// for the target rule "uniform". The plan reaches to any T, since the events of a smaller T are the first of a larger
// one; event.js reads it.

import { randomOf } from "./random.js";

/** @typedef {import("./event.js").Network} Network */
/** @typedef {import("./event.js").Step} Step */

/** The random numbers of an event: uniform ones by layer pair, one after the other, and the gates of a synapse
 * that grows at a place (source node, target neuron), whatever T.
 * @typedef {{next: (pair: string) => number, gate: (source: number, target: number) => [number, number]}} Draws */

/** Draws from one seed: gates as a new network gets them.
 * @param {{n: number, m: number}} size
 * @param {() => number} random
 * @returns {Draws} */
export function randomDraws({ n, m }, random) {
  const gates = Array.from(
    { length: n * (n + m) },
    () => /** @type {[number, number]} */ ([3 + 5 * random(), 0.3 + 0.5 * random()]),
  );
  // a stream of its own for every layer pair, so that what happens in one moves nothing in another
  /** @type {Map<string, () => number>} */
  const streams = new Map();
  const seed = Math.floor(random() * 2 ** 31);
  const next = (pair) => {
    if (!streams.has(pair)) {
      let state = seed;
      for (const letter of pair) state = Math.imul(state ^ letter.charCodeAt(0), 0x01000193);
      streams.set(pair, randomOf(state));
    }
    return streams.get(pair)();
  };
  return { next, gate: (source, target) => gates[target * (n + m) + source] };
}

/** The plan of a network: every synapse in the order in which a growing T reaches it.
 * @param {Network} network
 * @param {string[]} role of every neuron
 * @param {Draws} draws
 * @param {boolean} [inputs] whether synapses from inputs are rewired too
 * @returns {Step[]} */
export function planOf({ m, edges }, role, draws, inputs = true) {
  const layer = (node) => (node < m ? "sensory" : role[node - m]);
  const present = new Set(edges.map(([source, target]) => `${source} ${target}`));
  const freed = new Set();
  const listens = new Map();
  for (const [, target] of edges) listens.set(target, (listens.get(target) ?? 0) + 1);
  const members = (name) => [...role.keys()].filter((i) => role[i] === name).map((i) => i + m);
  const layers = Object.fromEntries([...new Set(role)].map((name) => [name, members(name)]));
  // where two are equally weak: in the order of the layer pairs, then by target and source
  const order = ["sensory", "inter", "command", "motor", "hidden"];
  /** @param {import("./event.js").Edge} edge */
  const rank = ([source, target]) => order.indexOf(layer(source)) * order.length + order.indexOf(layer(target));
  const moving = [...edges.keys()].filter((edge) => inputs || edges[edge][0] >= m);
  const visit = moving.sort((a, b) => {
    const [one, two] = [edges[a], edges[b]];
    return one[3] - two[3] || rank(one) - rank(two) || one[1] - two[1] || one[0] - two[0];
  });
  return visit.map((edge) => {
    const [source, target] = edges[edge];
    const pair = `${layer(source)} ${layer(target)}`;
    const [draw, luck] = [draws.next(pair), draws.next(pair)];
    const sign = draws.next(pair) < 0.5 ? 1 : -1;
    const free = layers[layer(target)].filter(
      (node) => node !== target && !present.has(`${source} ${node}`) && !freed.has(`${source} ${node}`),
    );
    if (listens.get(target) === 1 || !free.length) return [edge, 1, -1, 0, 0, 0, 0];
    const to = free[Math.floor(draw * free.length)];
    present.delete(`${source} ${target}`);
    present.add(`${source} ${to}`);
    freed.add(`${source} ${target}`);
    listens.set(target, listens.get(target) - 1);
    listens.set(to, (listens.get(to) ?? 0) + 1);
    return [edge, 0, to, sign, ...draws.gate(source, to - m), luck];
  });
}
