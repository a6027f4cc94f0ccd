// motion.js: numbers that move to where they belong, the trail that they leave, a control that plays. Nothing moves where
// the reader asks for less motion.

import { draw } from "./dom.js";

/** Whether the reader wants nothing to move. */
export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Part of the way from one structure of numbers to another of the same shape; where the shapes differ, the second. */
export function blend(from, to, share) {
  if (typeof from === "number" && typeof to === "number") return from + (to - from) * share;
  if (Array.isArray(from) && Array.isArray(to) && from.length === to.length)
    return to.map((x, i) => blend(from[i], x, share));
  if (from && to?.constructor === Object && from.constructor === Object)
    return Object.fromEntries(Object.entries(to).map(([name, x]) => [name, blend(from[name], x, share)]));
  return to;
}

/** The points of `to` in the order of those of `from` that they continue: the nearest pairs first. */
export function match(from, to) {
  if (!Array.isArray(from) || from.length !== to.length) return to;
  const pairs = from.flatMap(([a, b], i) => to.map(([c, d], j) => [Math.hypot(a - c, b - d), i, j]));
  pairs.sort((one, two) => one[0] - two[0]);
  const found = new Map();
  const taken = new Set();
  for (const [, i, j] of pairs) {
    if (found.has(i) || taken.has(j)) continue;
    found.set(i, to[j]);
    taken.add(j);
  }
  return from.map((_, i) => found.get(i));
}

/**
 * A frame part of the way from one to another.
 * @param {object} moves name of an entry -> "blend", or "match" for points that are matched by continuity
 */
export function between(from, to, share, moves) {
  const moved = Object.entries(moves)
    .filter(([name]) => from[name] && to[name])
    .map(([name, kind]) => [name, blend(from[name], kind === "match" ? match(from[name], to[name]) : to[name], share)]);
  return { ...to, ...Object.fromEntries(moved) };
}

/** Call `step(share)` from 0 to 1 over `ms`, smoothly and at last with 1; returns a function that stops it. */
export function glide(step, ms = 200) {
  const start = performance.now();
  const ease = (t) => 1 - (1 - t) ** 3;
  let id = requestAnimationFrame(function next(now) {
    const t = Math.min(1, Math.max(0, now - start) / ms);
    if (t < 1) id = requestAnimationFrame(next);
    step(t < 1 ? ease(t) : 1);
  });
  step(0.1); // something moves at once
  return () => cancelAnimationFrame(id);
}

/** Play a control from one number to another over some seconds: `set(value)`, then `done()`; returns a function that stops it. */
export function play(from, to, seconds, set, done) {
  const start = performance.now();
  let id = requestAnimationFrame(function next(now) {
    const t = Math.min(1, Math.max(0, now - start) / (1000 * seconds));
    set(from + (to - from) * t);
    if (t < 1) id = requestAnimationFrame(next);
    else done();
  });
  return () => cancelAnimationFrame(id);
}

/** A trail behind moving points: call it with their pixels at each update; each piece fades and goes by itself. */
export function trail(group, reach = 120) {
  let before = null;
  return (points) => {
    const last = before && match(before, points);
    if (last && before.length === points.length && !still()) {
      before.forEach(([x1, y1], i) => {
        const [x2, y2] = last[i];
        const far = Math.hypot(x2 - x1, y2 - y1);
        if (far < 0.7 || far > reach) return;
        const piece = draw(group, "line", { x1, y1, x2, y2, class: "trail" });
        piece.addEventListener("animationend", () => piece.remove());
      });
    }
    before = last ?? points;
  };
}
