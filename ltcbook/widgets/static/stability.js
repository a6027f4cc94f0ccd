// stability.js: the test equation under one solver. The formulas are closed, so JavaScript restates them and no table is
// needed; a test holds every number to those of ltcbook.widgets.stability.

import { clipTo, hatch, keyPanel, ticksX, ticksY, whole } from "./core/chart.js";
import { draw, freshId, patch, pool, write } from "./core/dom.js";
import { say } from "./core/format.js";
import { pointHandle, putHandle } from "./core/handle.js";
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

/** One frame; the same dictionary as StabilityExplorer.compute in Python. */
export function stabilityFrame(controls, { length }) {
  const { re, im, dt, method } = controls;
  const z = [re * dt, im * dt];
  const impossible = method === "implicit" && z[0] === 1 && z[1] === 0;
  const R = impossible ? null : stabilityFunction(z, method);
  const exact = Math.exp(z[0]);
  const solution = [1];
  let x = [1, 0];
  for (let k = 0; R && k < Math.floor(length / dt + 1e-9); k += 1) {
    x = times(x, R);
    solution.push(x[0]);
  }
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
  return { ...frame, verdict: stabilityVerdict(frame) };
}

function stabilityVerdict({ controls, R, size, exact, error, limit }) {
  if (!R) return [["bad", "λΔ = 1: the implicit step divides by zero and has no solution."]];
  const growth = controls.re;
  const does = Math.abs(size - 1) < 1e-9 ? "keeps its size" : size > 1 ? "explodes" : "decays";
  const truth = growth === 0 ? "keeps its size" : growth > 0 ? "grows" : "decays";
  const agree = does === truth || (does === "explodes" && truth === "grows");
  const joint = agree && does === "decays" ? "as the equation does" : `${agree ? "and" : "although"} the equation ${truth}`;
  let second = `The exact factor of a step has size ${say(exact)}; R misses it by ${say(error)}.`;
  if (limit !== null) second += ` With this λ the solution decays for Δ < ${say(limit)}.`;
  else if (growth < 0) second += " With this λ the solution decays for every Δ.";
  return [
    [agree ? "good" : "bad", `|R| = ${say(size)}: the solution ${does}${agree ? "," : ""} ${joint}.`],
    ["same", second],
  ];
}

const PLANE = { re: [-6, 2], im: [-5, 5] };
const TOP = 3;
const LINE = "stroke: var(--ink)";
const GREY = "stroke: var(--before); stroke-width: 1.6; stroke-dasharray: 5 4; fill: none";
const DOT = "fill: var(--minus)";

const lambdaPlane = {
  name: "plane",
  column: 1,
  title: "The plane of λ: drag the point. Blue: the solver’s solution decays",
  height: (width) => Math.min(width - 46, 400) * 1.25 + 44,
  build(svg, { width, height }, view) {
    const side = Math.min(width - 46, 400);
    const left = Math.max(38, (width - side) / 2);
    const box = { left, right: left + side, top: 8, bottom: 8 + 1.25 * side };
    const x = scale(PLANE.re, [box.left, box.right]);
    const y = scale(PLANE.im, [box.bottom, box.top]);
    const unit = side / (PLANE.re[1] - PLANE.re[0]); // `scale` clamps, the region may leave the box
    const clip = freshId("clip");
    draw(draw(draw(svg, "defs"), "clipPath", { id: clip }), "rect", whole);
    const inside = clipTo(svg, box);
    draw(inside, "rect", { ...whole(box), class: "field" });
    const region = draw(inside, "path", { class: "holds", "fill-rule": "evenodd" });
    const stripes = draw(inside, "path", { fill: hatch(svg, "holds", 45, 9), "fill-rule": "evenodd" });
    ticksX(svg, box, x, [-6, -4, -2, 0, 2], { below: 16, rule: true, inside });
    ticksY(svg, box, y, [-4, -2, 0, 2, 4], { inside });
    const axis = draw(inside, "line", {
      x1: x(0),
      x2: x(0),
      y1: box.top,
      y2: box.bottom,
      class: "boundary",
      "stroke-dasharray": "3 4",
    });
    const was = draw(inside, "path", { style: GREY });
    const edge = draw(inside, "path", { class: "boundary", fill: "none" });
    draw(inside, "text", { x: x(-5.85), y: y(4.55), class: "quiet halo-text" }, "equation decays");
    draw(inside, "text", { x: x(1.9), y: y(4.55), class: "quiet halo-text", "text-anchor": "end" }, "grows");
    draw(svg, "text", { x: box.right, y: box.bottom + 32, "text-anchor": "end" }, "Re λ (up: Im λ)");
    const name = draw(inside, "text", { class: "strong halo-text" });
    const handle = pointHandle(svg, view, box, ["re", "im"], [PLANE.re, PLANE.im], 0.1);
    const shape = ({ dt, method }) =>
      `${line(view.spec.boundary[method].map(([re, im]) => [x(0) + (unit * re) / dt, y(0) - (unit * im) / dt]))}Z`;
    patch(was, { d: shape(view.defaults) });
    return (frame, controls) => {
      const curve = shape(controls);
      const outer = `M${box.left} ${box.top}H${box.right}V${box.bottom}H${box.left}Z`;
      const area = controls.method === "implicit" ? outer + curve : curve;
      for (const part of [region, stripes]) patch(part, { d: area });
      patch(edge, { d: curve });
      patch(axis, { display: null });
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
  title: "Re x over time, from x\u00a0=\u00a01",
  height: (width) => (width < 420 ? 250 : 300),
  build(svg, { width, height }, view) {
    const { length } = view.spec;
    const box = { left: 30, right: width - 10, top: 8, bottom: height - 38 };
    const x = scale([0, length], [box.left, box.right]);
    const y = scale([-TOP, TOP], [box.bottom, box.top]);
    ticksY(svg, box, y, [-2, -1, 0, 1, 2]);
    ticksX(svg, box, x, [0, 2, 4, 6, 8]);
    draw(svg, "text", { x: box.right, y: height - 4, "text-anchor": "end" }, "time");
    const inside = clipTo(svg, box);
    const exact = draw(inside, "path", { class: "curve", style: LINE });
    const path = draw(svg, "path", { style: "stroke: var(--minus); stroke-width: 1.6; stroke-dasharray: 6 3; fill: none" });
    const dots = draw(svg, "g");
    const note = draw(svg, "text", { x: box.right - 2, y: box.bottom - 8, "text-anchor": "end", class: "strong halo-text" });
    return (frame, { re, im, dt, method }) => {
      const unit = y(0) - y(1); // `scale` clamps; the exact curve runs on and is clipped
      const curve = Array.from({ length: 401 }, (_, i) => (i * length) / 400).map((t) => [
        x(t),
        y(0) - unit * Math.exp(re * t) * Math.cos(im * t),
      ]);
      patch(exact, { d: line(curve) });
      const points = frame.solution.map((value, k) => [x(k * dt), y(value), Math.abs(value) > TOP]);
      patch(path, { d: points.length > 1 ? line(points) : null });
      pool(dots, "circle", points, ([cx, cy, out]) => ({
        cx,
        cy,
        r: 4,
        style: out ? "fill: none; stroke: var(--minus); stroke-width: 2" : DOT,
      }));
      const last = frame.solution[frame.solution.length - 1];
      write(note, frame.R ? `last step: ${say(last)}` : "");
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

export const drawing = { panels: [lambdaPlane, run, marks], frame: stabilityFrame };
