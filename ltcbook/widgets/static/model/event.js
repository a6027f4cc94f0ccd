// event.js: one prune-and-rewire event at any threshold T, from the plan that Python made for the highest T.
// Events nest: those of a smaller T are the first of a larger one, and no draw depends on T (ltcbook.pruning).

/** @typedef {import("./ltc.js").Cell} Cell */

/** One step of a plan, in the order in which a growing T reaches them: the place of the weak synapse in the drawing's list
 * of edges; 1 where it has to stay although it is weaker than T ("blocked"); the node onto which its source grows a new
 * one, or -1; and sign, gamma, mu and luck of the new one.
 * @typedef {[number, number, number, number, number, number, number]} Step */

/** An edge of the drawing: source node, target node, sign, weight. Sensory inputs are the first m nodes.
 * @typedef {[number, number, number, number]} Edge */

/** A network of the drawing: neurons, edges with their gates, inputs m.
 * @typedef {{m: number, c: number[], gLeak: number[], eLeak: number[], edges: Edge[], gamma: number[], mu: number[],
 *   eRev: number[]}} Network */

/** What became of an event: places of edges that are cut, blocked or raised in place, new edges [source, target, sign,
 * weight], and the cell afterwards.
 * @typedef {{cut: number[], blocked: number[], raised: number[], grown: Edge[], cell: Cell}} Outcome */

/** The new weight of a synapse by rule: a number, or "threshold", "copy", "uniform" (U(T, 1)).
 * @param {string | number} rule
 * @param {number} T
 * @param {number} old
 * @param {number} luck
 * @returns {number} */
function newWeight(rule, T, old, luck) {
  if (rule === "threshold") return T;
  if (rule === "copy") return old;
  return rule === "uniform" ? T + luck * (1 - T) : Number(rule);
}

/** The network as it stands before any event.
 * @param {Network} network
 * @returns {Cell} */
export const cellOf = (network) => eventAt(network, [], 0, "threshold").cell;

/** The network after the event at T.
 * @param {Network} network
 * @param {Step[]} plan
 * @param {number} T
 * @param {string | number} rule
 * @param {boolean} [inherit] whether a new synapse keeps the sign of the old one
 * @returns {Outcome} */
export function eventAt(network, plan, T, rule, inherit = false) {
  const { m, edges } = network;
  /** @type {Outcome} */
  const outcome = { cut: [], blocked: [], raised: [], grown: [], cell: emptyCell(network) };
  const weights = edges.map((edge) => edge[3]);
  const gone = new Set();
  /** @type {[Edge, number, number, number][]} */
  const fresh = [];
  for (const [edge, blocked, to, drawn, gamma, mu, luck] of plan) {
    const [source, target, sign, old] = edges[edge];
    if (!(old < T)) break; // the weakest come first
    const weight = newWeight(rule, T, old, luck);
    if (blocked) {
      outcome.blocked.push(edge);
    } else if (to === target) {
      weights[edge] = weight;
      outcome.raised.push(edge);
      outcome.grown.push([source, target, sign, weight]);
    } else {
      gone.add(edge);
      outcome.cut.push(edge);
      if (to < 0) continue;
      /** @type {Edge} */
      const grown = [source, to, inherit ? sign : drawn, weight];
      outcome.grown.push(grown);
      fresh.push([grown, gamma, mu, grown[2]]);
    }
  }
  edges.forEach(([source, target], k) => {
    if (!gone.has(k))
      addSynapse(outcome.cell, m, [source, target, 0, weights[k]], network.gamma[k], network.mu[k], network.eRev[k]);
  });
  for (const [edge, gamma, mu, eRev] of fresh) addSynapse(outcome.cell, m, edge, gamma, mu, eRev);
  return outcome;
}

/** @param {Network} network
 * @returns {Cell} */
function emptyCell({ c, gLeak, eLeak }) {
  const none = () => ({ source: [], target: [], w: [], gamma: [], mu: [], eRev: [] });
  return { c, gLeak, eLeak, synapses: none(), sensory: none() };
}

/** @param {Cell} cell
 * @param {number} m
 * @param {Edge} edge
 * @param {number} gamma
 * @param {number} mu
 * @param {number} eRev */
function addSynapse(cell, m, [source, target, , weight], gamma, mu, eRev) {
  const list = source < m ? cell.sensory : cell.synapses;
  list.source.push(source < m ? source : source - m);
  list.target.push(target - m);
  list.w.push(weight);
  list.gamma.push(gamma);
  list.mu.push(mu);
  list.eRev.push(eRev);
}
