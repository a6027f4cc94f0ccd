// chart.js: what every chart is made of: grid, ticks, clip, hatch, legend, tables of numbers.

import { SVG, draw, freshId, make, patch, rich } from "./dom.js";
import { say } from "./format.js";

/** A grid line across a box at one value of x or of y; at 0 it is the axis. */
export const ruleX = (parent, box, x, at) =>
  draw(parent, "line", { x1: x(at), x2: x(at), y1: box.top, y2: box.bottom, class: at ? "grid" : "axis" });
export const ruleY = (parent, box, y, at) =>
  draw(parent, "line", { x1: box.left, x2: box.right, y1: y(at), y2: y(at), class: at ? "grid" : "axis" });

/** The number of a grid line, so many pixels below the box or left of it. */
export const tickX = (svg, box, x, at, below) =>
  draw(svg, "text", { x: x(at), y: box.bottom + below, "text-anchor": "middle", class: "tick" }, say(at));
export const tickY = (svg, box, y, at, left) =>
  draw(svg, "text", { x: box.left - left, y: y(at) + 4, "text-anchor": "end", class: "tick" }, say(at));

/** A hatch pattern; returns the fill that uses it. */
export function hatch(svg, name, angle, step = 7) {
  const id = freshId(name);
  const pattern = draw(draw(svg, "defs"), "pattern", {
    id,
    width: step,
    height: step,
    patternUnits: "userSpaceOnUse",
    patternTransform: `rotate(${angle})`,
  });
  draw(pattern, "line", { x1: 0, y1: 0, x2: 0, y2: step, class: `hatch hatch-${name}` });
  return `url(#${id})`;
}

/** A list of [words, ...[tag, attributes]]: each line shows a small drawing, 34 by 16, and what it means. */
export function key(lines) {
  return make(
    "ul",
    { class: "ltc-legend" },
    ...lines.map(([label, ...shapes]) => {
      const size = { viewBox: "0 0 34 16", width: 34, height: 16, "aria-hidden": "true" };
      const svg = patch(document.createElementNS(SVG, "svg"), size);
      for (const [tag, attributes] of shapes) draw(svg, tag, attributes);
      return make("li", {}, svg, make("span", {}, ...rich(label)));
    }),
  );
}

/** A panel that holds nothing but a legend. */
export const keyPanel = (name, column, lines) => ({
  name,
  column,
  title: "",
  html(body) {
    body.append(key(lines));
    return () => {};
  },
});

/** A group whose drawing ends at the box, or `room` pixels above and below it. */
export function clipTo(svg, box, room = 0) {
  const id = freshId("clip");
  draw(draw(draw(svg, "defs"), "clipPath", { id }), "rect", {
    x: box.left,
    y: box.top - room,
    width: box.right - box.left,
    height: box.bottom - box.top + 2 * room,
  });
  return draw(svg, "g", { "clip-path": `url(#${id})` });
}

/** The attributes of a rectangle that fills the box. */
export const whole = (box) => ({ x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top });

/** Numbers below the box at each tick, with a grid line across it (`rule`) or a short mark (`mark`). */
export function ticksX(svg, box, x, ticks, { below = 17, rule = false, mark = false, inside = svg } = {}) {
  for (const tick of ticks) {
    if (rule) ruleX(inside, box, x, tick);
    if (mark) draw(svg, "line", { x1: x(tick), x2: x(tick), y1: box.bottom, y2: box.bottom + 4, class: "axis" });
    tickX(svg, box, x, tick, below);
  }
}

/** Numbers left of the box at each tick, with a grid line across it. */
export function ticksY(svg, box, y, ticks, { left = 7, inside = svg } = {}) {
  for (const tick of ticks) {
    ruleY(inside, box, y, tick);
    tickY(svg, box, y, tick, left);
  }
}

/** The half plane right of 0, where errors grow: tinted and hatched. */
export function unstableHalf(svg, box, x, step = 7) {
  const half = whole({ ...box, left: x(0) });
  draw(svg, "rect", { ...half, class: "unstable" });
  draw(svg, "rect", { ...half, fill: hatch(svg, "unstable", 45, step) });
}

/** The head of an arrow in the colour of its class; returns the marker. */
export function arrowHead(svg, name, size = 8) {
  const id = freshId(name);
  const marker = draw(draw(svg, "defs"), "marker", {
    id,
    viewBox: "0 0 8 8",
    refX: 7,
    refY: 4,
    markerWidth: size,
    markerHeight: size,
    markerUnits: "userSpaceOnUse",
    orient: "auto",
  });
  draw(marker, "path", { d: "M0 0.8L7.5 4L0 7.2Z", class: `head ${name}` });
  return `url(#${id})`;
}
