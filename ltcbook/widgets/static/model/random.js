// random.js: random numbers that a seed repeats.

/** Uniform random numbers in [0, 1) from a whole number: equal seeds, equal numbers. (Mulberry32.)
 * @param {number} seed
 * @returns {() => number} */
export function randomOf(seed) {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 4294967296;
  };
}

/** Standard normal numbers from uniform ones. (Box and Muller.)
 * @param {() => number} random
 * @returns {() => number} */
export function normalsOf(random) {
  /** @type {number | null} */
  let spare = null;
  return () => {
    if (spare !== null) {
      const kept = spare;
      spare = null;
      return kept;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
