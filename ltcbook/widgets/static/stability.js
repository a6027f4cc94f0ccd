// stability.js: the test equation under one solver. The formulas are closed, so JavaScript restates them and no table is
// needed; a test holds every number to those of ltcbook.widgets.stability.

import { clipTo, hatch, keyPanel, ticksX, ticksY, whole } from "./core/chart.js";
import { draw, freshId, patch, pool, write } from "./core/dom.js";
import { phrase, say } from "./core/format.js";
import { pointHandle, putHandle } from "./core/handle.js";
import { table } from "./core/numbers.js";
import { line, scale } from "./core/scale.js";

const NAMES = { euler: "Euler", rk4: "RK4", implicit: "implicit Euler" };
const COEFFICIENTS = { euler: [1, 1], rk4: [1, 1, 1 / 2, 1 / 6, 1 / 24] };
/** The product of two complex numbers.
 * @param {number[]} one
 * @param {number[]} other
 */
const times = ([a, b], [c, d]) => [a * c - b * d, a * d + b * c];

/** R(z), complex numbers as [re, im].
 * @param {number[]} z
 * @param {string} method
 */
function stabilityFunction([re, im], method) {
  if (method === "implicit") {
    const size = (1 - re) ** 2 + im ** 2;
    return [(1 - re) / size, im / size];
  }
  return [...COEFFICIENTS[method]].reverse().reduce(
    (value, c) => {
      const [a, b] = times(value, [re, im]);
      return [a + c, b];
    },
    [0, 0],
  );
}

function stepLimit(re, im, method) {
  if (method === "implicit" || re >= 0) return null;
  const grows = (dt) => Math.hypot(...stabilityFunction([re * dt, im * dt], method)) >= 1;
  const fine = 0.02 / Math.hypot(re, im);
  let k = 1;
  while (k < 1000 && !grows(k * fine)) k += 1;
  let [low, high] = [Math.max(k * fine - fine, 0), k * fine];
  for (let i = 0; i < 50; i += 1) {
    const middle = (low + high) / 2;
    [low, high] = grows(middle) ? [low, middle] : [middle, high];
  }
  return high;
}

/** The factor of one step, null where it does not exist, and the real parts of the solution after each step. */
function solve({ re, im, dt, method }, length) {
  const impossible = method === "implicit" && re * dt === 1 && im * dt === 0;
  const R = impossible ? null : stabilityFunction([re * dt, im * dt], method);
  const solution = [1];
  let x = [1, 0];
  for (let k = 0; R && k < Math.floor(length / dt + 1e-9); k += 1) {
    x = times(x, R);
    solution.push(x[0]);
  }
  return { R, solution };
}

/** One frame; the same dictionary as StabilityExplorer.compute in Python. @returns {any} */
export function stabilityFrame(controls, { length, sentences }) {
  const { re, im, dt, method } = controls;
  const z = [re * dt, im * dt];
  const { R, solution } = solve(controls, length);
  const exact = Math.exp(z[0]);
  const frame = {
    controls: { ...controls },
    z,
    R,
    size: R && Math.hypot(...R),
    exact,
    limit: stepLimit(re, im, method),
    error: R && Math.hypot(R[0] - exact * Math.cos(z[1]), R[1] - exact * Math.sin(z[1])),
    solution,
  };
  return { ...frame, verdict: stabilityVerdict(frame, sentences) };
}

/** What solution and equation do, and up to which step, chosen by the same rule as in Python. */
function stabilityVerdict({ controls, R, size, limit }, sentences) {
  if (!R) return [phrase(sentences.nowhere, {})];
  const growth = controls.re;
  const does = Math.abs(size - 1) < 1e-9 ? "keeps" : size > 1 ? "explodes" : "decays";
  const truth = growth === 0 ? "keeps" : growth > 0 ? "grows" : "decays";
  const range = limit === null ? "always" : "limit";
  return [`${does}, ${truth}`, ...(growth < 0 ? [range] : [])].map((name) => phrase(sentences[name], { size, limit }));
}

const PLANE = { re: [-6, 2], im: [-5, 5] };
const SIDE = 340; // pixels
const TOP = 3;
const LINE = "stroke: var(--ink)";
const GREY = "stroke: var(--before); stroke-width: 1.6; stroke-dasharray: 5 4; fill: none";
const DOT = "fill: var(--minus)";

const lambdaPlane = {
  name: "plane",
  column: 1,
  title: "The plane of λ: drag it (blue: solver decays)",
  height: (width) => Math.min(width - 46, SIDE) * 1.25 + 44,
  build(svg, { width, height }, view) {
    const side = Math.min(width - 46, SIDE);
    const left = Math.max(38, (width - side) / 2);
    const box = { left, right: left + side, top: 8, bottom: 8 + 1.25 * side };
    const x = scale(PLANE.re, [box.left, box.right]);
    const y = scale(PLANE.im, [box.bottom, box.top]);
    const unit = side / (PLANE.re[1] - PLANE.re[0]); // `scale` clamps, the region may leave the box
    const clip = freshId("clip");
    draw(draw(draw(svg, "defs"), "clipPath", { id: clip }), "rect", whole);
    const inside = clipTo(svg, box);
    draw(inside, "rect", { ...whole(box), class: "field" });
    const region = draw(inside, "path", { class: "holds", "fill-rule": "evenodd", "data-mark": "region" });
    const stripes = draw(inside, "path", { fill: hatch(svg, "holds", 45, 9), "fill-rule": "evenodd" });
    ticksX(svg, box, x, [-6, -4, -2, 0, 2], { below: 16, rule: true, inside });
    ticksY(svg, box, y, [-4, -2, 0, 2, 4], { inside });
    draw(inside, "line", {
      x1: x(0),
      x2: x(0),
      y1: box.top,
      y2: box.bottom,
      class: "boundary",
      "stroke-dasharray": "3 4",
    });
    const was = draw(inside, "path", { style: GREY });
    const edge = draw(inside, "path", { class: "boundary", fill: "none", "data-mark": "region" });
    draw(inside, "text", { x: x(-5.85), y: y(4.55), class: "quiet halo-text" }, "equation decays");
    draw(inside, "text", { x: x(1.9), y: y(4.55), class: "quiet halo-text", "text-anchor": "end" }, "grows");
    draw(svg, "text", { x: box.right, y: box.bottom + 32, "text-anchor": "end" }, "Re λ (up: Im λ)");
    const name = draw(inside, "text", { class: "strong halo-text after" });
    const handle = pointHandle(svg, view, box, ["re", "im"], [PLANE.re, PLANE.im], 0.1);
    const shape = ({ dt, method }) =>
      `${line(view.spec.boundary[method].map(([re, im]) => [x(0) + (unit * re) / dt, y(0) - (unit * im) / dt]))}Z`;
    patch(was, { d: shape(view.defaults) });
    return (frame, controls) => {
      const curve = shape(frame.controls); // the step moves on the way, too
      const outer = `M${box.left} ${box.top}H${box.right}V${box.bottom}H${box.left}Z`;
      const area = controls.method === "implicit" ? outer + curve : curve;
      for (const part of [region, stripes]) patch(part, { d: area });
      patch(edge, { d: curve });
      const [px, py] = [x(controls.re), y(controls.im)];
      const right = controls.re > -0.5;
      patch(name, {
        x: px + (right ? -15 : 15),
        y: py + (controls.im > 3.6 ? 24 : -12),
        "text-anchor": right ? "end" : "start",
      });
      write(name, `|R| = ${say(frame.size)}`);
      putHandle(handle, [px, py], { width, height }, `λ: real part ${say(controls.re)}, imaginary part ${say(controls.im)}`);
      return `Plane of λ with the stability region of ${NAMES[controls.method]}. ${frame.verdict[0][1]}`;
    };
  },
};

const run = {
  name: "run",
  column: 2,
  title: "Re x over time (line: exact, dots: solver)",
  height: () => 380,
  build(svg, { width, height }, view) {
    const { length } = view.spec;
    const box = { left: 30, right: width - 10, top: 8, bottom: height - 38 };
    const x = scale([0, length], [box.left, box.right]);
    const y = scale([-TOP, TOP], [box.bottom, box.top]);
    ticksY(svg, box, y, [-2, -1, 0, 1, 2]);
    ticksX(svg, box, x, [0, 2, 4, 6, 8]);
    draw(svg, "text", { x: box.right, y: height - 4, "text-anchor": "end" }, "time");
    const inside = clipTo(svg, box);
    const exact = draw(inside, "path", { class: "curve", style: LINE, "data-mark": "exact" });
    const path = draw(svg, "path", {
      "data-mark": "solver",
      style: "stroke: var(--minus); stroke-width: 1.6; stroke-dasharray: 6 3; fill: none",
    });
    const dots = draw(svg, "g", { "data-mark": "solver" });
    const note = draw(svg, "text", {
      x: box.right - 2,
      y: box.bottom - 8,
      "text-anchor": "end",
      class: "strong halo-text after",
    });
    return (frame) => {
      const { re, im, dt, method } = frame.controls; // on the way between two states these move, too
      const { R, solution } = solve(frame.controls, length);
      const unit = y(0) - y(1); // `scale` clamps; the exact curve runs on and is clipped
      const curve = Array.from({ length: 401 }, (_, i) => (i * length) / 400).map((t) => [
        x(t),
        y(0) - unit * Math.exp(re * t) * Math.cos(im * t),
      ]);
      patch(exact, { d: line(curve) });
      const points = solution.map((value, k) => [x(k * dt), y(value), Math.abs(value) > TOP]);
      patch(path, { d: points.length > 1 ? line(points) : null });
      pool(dots, "circle", points, ([cx, cy, out]) => ({
        cx,
        cy,
        r: 4,
        style: out ? "fill: none; stroke: var(--minus); stroke-width: 2" : DOT,
      }));
      const last = solution[solution.length - 1];
      write(note, R ? `last step: ${say(last)}` : "");
      return `Exact solution and the steps of ${NAMES[method]}; the last step is at ${say(last)}.`;
    };
  },
};

const marks = keyPanel("marks", 2, [
  ["exact", ["path", { d: "M1 8H33", class: "curve", style: LINE }]],
  ["solver’s steps", ["circle", { cx: 17, cy: 8, r: 4, style: DOT }]],
  [
    "hollow: beyond the edge",
    ["circle", { cx: 17, cy: 8, r: 4, style: "fill: none; stroke: var(--minus); stroke-width: 2" }],
  ],
  ["the region at the start", ["path", { d: "M1 8H33", style: GREY }]],
]);

const values = {
  name: "values",
  column: 1,
  title: "One step in numbers",
  html: table([
    ["size of R, the solver’s factor", "size"],
    ["size of the exact factor", "exact"],
    ["distance of the two factors", "error"],
  ]),
};

export const drawing = {
  panels: [lambdaPlane, run, { ...marks, details: true }, { ...values, details: true }],
  frame: stabilityFrame,
  moves: { controls: "blend" },
};
