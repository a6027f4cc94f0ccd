// scale.js: from numbers to pixels, and points to paths.

/**
 * Map an interval of numbers to an interval of pixels, through an increasing `warp`.
 * @param {number[]} domain
 * @param {number[]} pixels
 */
export function scale(domain, pixels, warp = (x) => x) {
  const [low, high] = domain;
  const [start, end] = pixels;
  const [a, b] = [warp(low), warp(high)];
  return (x) =>
    x === null || x === undefined ? NaN : start + ((end - start) * (warp(Math.min(high, Math.max(low, x))) - a)) / (b - a);
}

/** A warp that is linear near 0 and logarithmic far away: slow modes stay visible beside fast ones. */
export const spread = (linear) => (x) => Math.asinh(x / linear);

/** The path through these points; it breaks where one is not defined, and is NaN where none is. */
export function line(points) {
  let [path, pen] = ["", "M"];
  for (const [x, y] of points) {
    const here = Number.isFinite(x) && Number.isFinite(y);
    if (here) path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = here ? "L" : "M";
  }
  return path || (points.length ? "NaN" : "");
}
