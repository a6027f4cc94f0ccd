// tau.js: two CT-RNN neurons and their clocks. JavaScript restates slopes, Jacobian and Runge-Kutta steps of the pair;
// a test holds every number and word to those of ltcbook.dynamics and ltcbook.simulate.

import { clipTo, keyPanel, ruleX, ruleY, tickX, tickY, ticksX, ticksY, unstableHalf } from "./core/chart.js";
import { draw, patch, pool } from "./core/dom.js";
import { phrase, say } from "./core/format.js";
import { pointHandle, putHandle } from "./core/handle.js";
import { trail } from "./core/motion.js";
import { line, scale, spread } from "./core/scale.js";

const KEPT = 1e-12; // below this a number counts as 0, as in Python

/**
 * dx/dt of the pair.
 * @param {number[]} x
 * @param {number[][]} w
 * @param {number[]} tau
 */
const slope = ([a, b], w, [t1, t2]) => [
  (Math.tanh(w[0][0] * a + w[0][1] * b) - a) / t1,
  (Math.tanh(w[1][0] * a + w[1][1] * b) - b) / t2,
];

function run(x0, w, tau, { dt, steps, keep }) {
  const path = [x0];
  let x = x0;
  const shifted = (k, size) => [x[0] + size * k[0], x[1] + size * k[1]];
  for (let i = 1; i <= steps; i += 1) {
    const k1 = slope(x, w, tau);
    const k2 = slope(shifted(k1, dt / 2), w, tau);
    const k3 = slope(shifted(k2, dt / 2), w, tau);
    const k4 = slope(shifted(k3, dt), w, tau);
    x = x.map((value, j) => value + (dt / 6) * (k1[j] + 2 * k2[j] + 2 * k3[j] + k4[j]));
    if (i % keep === 0) path.push(x);
  }
  return path;
}

/** The two eigenvalues of the Jacobian at a state, the right or upper one first. */
function eigenPair([a, b], w, tau) {
  const J = w.map((row, i) => {
    const h = Math.tanh(row[0] * a + row[1] * b);
    return row.map((weight, j) => ((1 - h * h) * weight - (i === j ? 1 : 0)) / tau[i]);
  });
  const half = (J[0][0] + J[1][1]) / 2;
  let square = half * half - (J[0][0] * J[1][1] - J[0][1] * J[1][0]);
  if (Math.abs(square) < KEPT) square = 0;
  const root = Math.sqrt(Math.abs(square));
  return square < 0
    ? [
        [half, root],
        [half, -root],
      ]
    : [
        [half + root, 0],
        [half - root, 0],
      ];
}

/** @param {number[][]} values */
function kindOf([[first], [second]]) {
  if (Math.min(Math.abs(first), Math.abs(second)) < KEPT) return "edge";
  return first < 0 ? "stable" : second > 0 ? "unstable" : "saddle";
}

/** One frame; the same dictionary as TauExplorer.compute in Python. */
export function tauFrame(controls, spec) {
  const { w, equilibria } = spec.networks[controls.weights];
  const tau = [controls.tau_1, controls.tau_2];
  const start = [controls.x_1, controls.x_2];
  const path = run(start, w, tau, spec);
  const late = path.slice(Math.floor(path.length / 2)).map(([first]) => first);
  const frame = {
    controls: { ...controls },
    path,
    ghost: run(start, w, [1, 1], spec),
    kinds: equilibria.map((x) => kindOf(eigenPair(x, w, tau))),
    eigenvalues: eigenPair([0, 0], w, tau),
    swing: [Math.min(...late), Math.max(...late)],
  };
  return { ...frame, verdict: tauVerdict(frame, equilibria, spec.sentences) };
}

/** What stood still, and what became of the run, chosen by the same rule as in Python. */
function tauVerdict({ path, kinds, eigenvalues, swing }, rests, sentences) {
  const values = spokenPair(eigenvalues);
  if (rests.length > 1) {
    const end = path[path.length - 1];
    const gap = (x) => Math.max(Math.abs(x[0] - end[0]), Math.abs(x[1] - end[1]));
    const near = rests.reduce((best, x) => (gap(x) < gap(best) ? x : best));
    const fate = gap(near) < 0.02 ? "ends" : "under way";
    return [phrase(sentences.many, { count: rests.length }), phrase(sentences[fate], { values, x: near[0], y: near[1] })];
  }
  const held = path[0].every((value) => value === 0);
  const kind = kinds[0] === "unstable" ? (held ? "held" : "cycle") : kinds[0];
  return [phrase(sentences.one, {}), phrase(sentences[kind], { values, low: swing[0], high: swing[1] })];
}

/** @param {number[][]} values */
function spokenPair([[re, im], [other]]) {
  if (im === 0) return `${say(re)} and ${say(other)}`;
  return Math.abs(re) < KEPT ? `±${say(im)}i` : `${say(re)} ± ${say(im)}i`;
}

const SIDE = 1.1;
const SIZE = 440; // pixels
const FIRST = "stroke: var(--plus)";
const SECOND = "stroke: var(--minus); stroke-dasharray: 7 4";
const NAMES = [
  ["x_1 stands still", "fill: var(--plus)"],
  ["x_2 stands still", "fill: var(--minus)"],
];
const PATH = "stroke: var(--ink); stroke-width: 1.8";
const PAST = "stroke: var(--before); stroke-width: 1.5; stroke-dasharray: 3 4";
const GREEN = "fill: var(--sure); stroke: var(--surface)";
const RED = "stroke: var(--minus); stroke-width: 2.5";
const LOOK = {
  stable: GREEN,
  unstable: `${RED}; fill: var(--surface)`,
  edge: `${RED}; fill: var(--surface)`,
  saddle: `${RED}; fill: none`,
};
const disc = (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
const cross = (x, y, r) => `M${x - r} ${y - r}L${x + r} ${y + r}M${x - r} ${y + r}L${x + r} ${y - r}`;

/** Points of the curve x_i = tanh(w_i1 x_1 + w_i2 x_2): solved for the other neuron, which enters inside the tanh. */
function nullcline(w, i) {
  const other = 1 - i;
  return Array.from({ length: 401 }, (_, k) => {
    const own = Math.tanh(-4 + k / 50); // dense near the edges, where the curve runs away
    const rest = (Math.atanh(own) - w[i][i] * own) / w[i][other];
    return i === 0 ? [own, rest] : [rest, own];
  }).filter((point) => Math.max(...point.map(Math.abs)) < 1.4);
}

const plane = {
  name: "plane",
  column: 1,
  title: "States: drag the start (grey: both τ 1 ms)",
  height: (width) => Math.min(width, SIZE) + 2,
  build(svg, { width, height }, view) {
    const side = Math.min(width, SIZE) - 44;
    const left = Math.max(36, (width - side) / 2);
    const box = { left, right: left + side, top: 8, bottom: 8 + side };
    const x = scale([-SIDE, SIDE], [box.left, box.right]);
    const y = scale([-SIDE, SIDE], [box.bottom, box.top]);
    for (const tick of [-1, 0, 1]) {
      ruleX(svg, box, x, tick);
      ruleY(svg, box, y, tick);
      tickX(svg, box, x, tick, 16);
      tickY(svg, box, y, tick, 6);
    }
    draw(svg, "text", { x: box.right, y: box.bottom + 31, "text-anchor": "end" }, "x_1");
    draw(svg, "text", { x: box.left - 6, y: y(0.5) + 4, "text-anchor": "end" }, "x_2");
    const inside = clipTo(svg, box);
    draw(inside, "rect", {
      x: x(-1),
      y: y(1),
      width: x(1) - x(-1),
      height: y(-1) - y(1),
      class: "edge",
      "stroke-dasharray": "2 4",
    });
    const wide = (from, to) => (v) => from + ((to - from) * (v + SIDE)) / (2 * SIDE); // not clamped: the clip path cuts
    const [free_x, free_y] = [wide(box.left, box.right), wide(box.bottom, box.top)];
    const curves = [FIRST, SECOND].map((style) =>
      draw(inside, "path", { class: "curve", style, "data-mark": "nullclines" }),
    );
    const ghost = draw(inside, "path", { class: "curve after", style: PAST, "data-mark": "ghost" });
    const path = draw(inside, "path", { class: "curve", style: PATH, "data-mark": "path" });
    const arrows = draw(inside, "g");
    const names = NAMES.map(([text, colour]) => draw(inside, "text", { class: "strong halo-text", style: colour }, text));
    const places = draw(inside, "g"); // where they are; of which kind, only after the prediction
    const rests = draw(inside, "g", { class: "after", "data-mark": "equilibrium" });
    let shown = null;
    const handle = pointHandle(
      svg,
      view,
      box,
      ["x_1", "x_2"],
      [
        [-SIDE, SIDE],
        [-SIDE, SIDE],
      ],
      0.05,
    );
    return (frame, controls) => {
      const { w, equilibria } = view.spec.networks[controls.weights];
      if (shown !== controls.weights) {
        shown = controls.weights; // no clock moves a nullcline
        curves.forEach((curve, i) => {
          const points = nullcline(w, i);
          patch(curve, { d: line(points.map(([a, b]) => [free_x(a), free_y(b)])) });
          const near = points.filter((point) => Math.abs(point[1 - i]) < 0.85);
          const [a, b] = near[i ? near.length - 1 : 0];
          const beside = i
            ? { x: x(a) - 8, y: y(b) - 8, "text-anchor": "end" }
            : { x: x(a) + 8, y: y(b) + (b > 0 ? 4 : 18) };
          patch(names[i], beside);
        });
        pool(places, "circle", equilibria, ([a, b]) => ({
          cx: x(a),
          cy: y(b),
          r: 3.5,
          class: "place",
          style: "fill: var(--ink)",
        }));
      }
      const pixels = (points) => points.map(([a, b]) => [x(a), y(b)]);
      patch(ghost, { d: line(pixels(frame.ghost)) });
      const drawn = pixels(frame.path);
      patch(path, { d: line(drawn) });
      pool(arrows, "path", heads(drawn), ([px, py, angle]) => ({
        d: "M-5 -4.5L6 0L-5 4.5Z",
        style: "fill: var(--ink)",
        transform: `translate(${px.toFixed(1)} ${py.toFixed(1)}) rotate(${angle.toFixed(0)})`,
      }));
      pool(rests, "path", equilibria, ([a, b], i) => ({
        style: LOOK[frame.kinds[i]],
        d: frame.kinds[i] === "saddle" ? cross(x(a), y(b), 6) : disc(x(a), y(b), 6),
      }));
      putHandle(
        handle,
        [x(controls.x_1), y(controls.x_2)],
        { width, height },
        `Start: x 1 ${say(controls.x_1)}, x 2 ${say(controls.x_2)}`,
      );
      return (
        `Plane of the states with both nullclines and the path from (${say(controls.x_1)}, ${say(controls.x_2)}). ` +
        frame.verdict.map(([, text]) => text).join(" ")
      );
    };
  },
};

/** Arrow heads along a drawn path, 70 pixels apart and at most six; where it has come to rest there is none. */
function heads(points) {
  const found = [];
  let gone = 0;
  for (let i = 1; i < points.length && found.length < 6; i += 1) {
    const [dx, dy] = [points[i][0] - points[i - 1][0], points[i][1] - points[i - 1][1]];
    gone += Math.hypot(dx, dy);
    if (gone > 70) {
      found.push([...points[i], (Math.atan2(dy, dx) * 180) / Math.PI]);
      gone = 0;
    }
  }
  return found;
}

const stroke = (style) => ["path", { d: "M1 8H33", class: "curve", style }];
const legend = keyPanel("legend", 1, [
  ["x_1 stands still", stroke(FIRST)],
  ["x_2 stands still", stroke(SECOND)],
  ["path", stroke(PATH)],
  ["both τ = 1 ms", stroke(PAST)],
  ["stable", ["circle", { cx: 17, cy: 8, r: 6, style: LOOK.stable }]],
  ["not stable", ["circle", { cx: 17, cy: 8, r: 5, style: LOOK.unstable }]],
  ["saddle", ["path", { d: cross(17, 8, 5), style: LOOK.saddle }]],
]);

const modes = {
  name: "modes",
  column: 2,
  title: "Eigenvalues at 0 (grey: τ = 1 ms)",
  height: () => 200,
  build(svg, { width, height }, view) {
    const box = { left: 30, right: width - 8, top: 8, bottom: height - 38 };
    const x = scale([-8, 3], [box.left, box.right], spread(0.4));
    const y = scale([-2.4, 2.4], [box.bottom, box.top], spread(0.4));
    unstableHalf(svg, box, x);
    for (const tick of [-5, -1, 0, 1]) {
      tickX(svg, box, x, tick, 17);
      if (tick) draw(svg, "line", { x1: x(tick), x2: x(tick), y1: box.top, y2: box.bottom, class: "grid" });
    }
    for (const tick of [-1, 0, 1]) {
      draw(
        svg,
        "text",
        { x: box.left - 6, y: y(tick) + 4, "text-anchor": "end", class: "tick" },
        tick ? `${say(tick)}i` : "0",
      );
      ruleY(svg, box, y, tick);
    }
    draw(svg, "line", { x1: x(0), x2: x(0), y1: box.top, y2: box.bottom, class: "boundary" });
    draw(svg, "text", { x: box.right - 4, y: box.top + 14, "text-anchor": "end", class: "quiet halo-text" }, "unstable");
    draw(svg, "text", { x: box.left + 4, y: box.top + 14, class: "quiet halo-text" }, "stable");
    const was = draw(svg, "g", { class: "after" });
    const trace = trail(draw(svg, "g", { class: "after" }));
    const now = draw(svg, "g", { class: "after", "data-mark": "eigenvalues" });
    return (frame, controls) => {
      const { w } = view.spec.networks[controls.weights];
      const place = (values) => values.map(([re, im]) => [x(re), y(im)]);
      pool(was, "circle", place(eigenPair([0, 0], w, [1, 1])), ([cx, cy]) => ({ cx, cy, r: 7, class: "ghost" }));
      trace(place(frame.eigenvalues));
      pool(now, "path", place(frame.eigenvalues), ([px, py], i) => ({
        d: disc(px, py, 5),
        class: "eigen",
        style: frame.eigenvalues[i][0] > -KEPT ? LOOK.unstable : GREEN,
      }));
      return (
        `Complex plane; the right half is unstable. Eigenvalues at 0: ${spokenPair(frame.eigenvalues)} per ms; ` +
        `with equal clocks of 1 ms: ${spokenPair(eigenPair([0, 0], w, [1, 1]))}.`
      );
    };
  },
};

const traces = {
  name: "traces",
  column: 2,
  title: "The states over time, ms",
  height: () => 170,
  build(svg, { width, height }, view) {
    const box = { left: 30, right: width - 34, top: 8, bottom: height - 22 };
    const { dt, steps, keep } = view.spec;
    const x = scale([0, dt * steps], [box.left, box.right]);
    const y = scale([-1, 1], [box.bottom, box.top]);
    ticksX(svg, box, x, [0, 25, 50, 75, 100]);
    ticksY(svg, box, y, [-1, 0, 1], { left: 6 });
    const curves = [FIRST, SECOND].map((style) => draw(svg, "path", { class: "curve", style }));
    const names = ["x_1", "x_2"].map((text) => draw(svg, "text", { x: box.right + 6 }, text));
    return (frame) => {
      const last = [0, 1].map((i) => {
        patch(curves[i], { d: line(frame.path.map((state, k) => [x(k * keep * dt), y(state[i])])) });
        return y(frame.path[frame.path.length - 1][i]);
      });
      const apart = Math.max(0, 15 - Math.abs(last[0] - last[1])) / 2; // two names never touch
      const up = last[0] <= last[1] ? -1 : 1;
      names.forEach((name, i) => patch(name, { y: Math.min(last[i], box.bottom - 6 - apart) + 4 + (i ? -up : up) * apart }));
      return (
        `States over ${say(dt * steps)} ms; in the second half x 1 stays between ${say(frame.swing[0], 2)} and ` +
        `${say(frame.swing[1], 2)}.`
      );
    };
  },
};

export const drawing = {
  panels: [plane, modes, traces, { ...legend, details: true }],
  frame: tauFrame,
  moves: { path: "blend", ghost: "blend", eigenvalues: "match" },
};
