// parameters.js: the numbers of a circuit that are learned, as one flat list.

import { copyOf, FIELDS } from "./driver.js";
import { randomOf } from "./random.js";

/** @typedef {import("./driver.js").Circuit} Circuit */

export const POSITIVE = ["c", "gLeak", "w"]; // learned through softplus, so that they stay positive

/** Where the values of each list of a circuit stand in one flat list of its parameters: name -> [from, to].
 * @param {Circuit} net
 * @returns {Record<string, [number, number]>} */
export function layoutOf(net) {
  let at = 0;
  const names = Object.values(FIELDS).flat();
  return Object.fromEntries(names.map((name) => [name, [at, (at += net[name].length)]]));
}

/** The parameters that are learned, one flat list: of positive values the one behind softplus.
 * @param {Circuit} net
 * @returns {Float64Array} */
export function rawOf(net) {
  const behind = (value) => {
    const least = Math.max(value, 1e-6); // softplus is never 0
    return least + Math.log(-Math.expm1(-least));
  };
  return Float64Array.from(
    Object.values(FIELDS)
      .flat()
      .flatMap((name) => Array.from(net[name], POSITIVE.includes(name) ? behind : (value) => value)),
  );
}

/** Write parameters into a circuit, in place.
 * @param {Circuit} net
 * @param {Float64Array} raw as `rawOf` orders them
 * @returns {Circuit} the same */
export function assign(net, raw) {
  for (const [name, [from, to]] of Object.entries(layoutOf(net)))
    for (let k = from; k < to; k += 1)
      net[name][k - from] = POSITIVE.includes(name) ? Math.max(raw[k], 0) + Math.log1p(Math.exp(-Math.abs(raw[k]))) : raw[k];
  return net;
}

/** The same wiring with parameters drawn anew from the ranges in which an LTCNet starts.
 * @param {Circuit} net left as it is
 * @param {number} seed
 * @returns {Circuit} */
export function untrained(net, seed) {
  const [fresh, random] = [copyOf(net), randomOf(seed)];
  const fill = (name, low, high) => fresh[name].forEach((_, k) => (fresh[name][k] = low + (high - low) * random()));
  fill("c", 0.4, 0.6);
  fill("gLeak", 0.001, 1);
  fill("eLeak", -0.2, 0.2);
  fill("w", 0.001, 1);
  fill("gamma", 3, 8);
  fill("mu", 0.3, 0.8);
  fresh.eRev.set(net.sign);
  fresh.inputScale.fill(1);
  fresh.inputShift.fill(0);
  fresh.outputScale.fill(1);
  fresh.outputShift.fill(0);
  return fresh;
}
