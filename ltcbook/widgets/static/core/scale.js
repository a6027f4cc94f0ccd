// scale.js: from numbers to pixels, and points to paths.

/** Map an interval of numbers to an interval of pixels, through an increasing `warp`. */
export function scale([low, high], [start, end], warp = (x) => x) {
  const [a, b] = [warp(low), warp(high)];
  return (x) => start + ((end - start) * (warp(Math.min(high, Math.max(low, x))) - a)) / (b - a);
}

/** A warp that is linear near 0 and logarithmic far away: slow modes stay visible beside fast ones. */
export const spread = (linear) => (x) => Math.asinh(x / linear);

export const line = (points) => "M" + points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
