// convergence.js: two targets, one error. The formulas are closed, so JavaScript restates them and no table is needed;
// a test holds every number to those of ltcbook.dynamics and ltcbook.analysis.

import { clipTo, keyPanel, ruleX, ruleY, tickX, tickY, ticksX } from "./core/chart.js";
import { draw, patch, pool, write } from "./core/dom.js";
import { phrase, say } from "./core/format.js";
import { pointHandle, putHandle } from "./core/handle.js";
import { numbers } from "./core/numbers.js";
import { trail } from "./core/motion.js";
import { line, scale, spread } from "./core/scale.js";

/** "good" where the new number is larger, "bad" where it is smaller, "same" up to a share of it. */
function larger(old, now, tolerance = 1e-9) {
  if (Math.abs(now - old) <= tolerance * Math.max(Math.abs(old), Math.abs(now))) return "same";
  return now > old ? "good" : "bad";
}

const norm = (error, decay, t) => Math.sqrt(error.reduce((sum, e, i) => sum + e * e * Math.exp(-2 * decay[i] * t), 0));

/** How an error dies: its first rate, its norm over time as a share, and the time until `left` of it is left. */
function fallOf(error, decay, rate, { length, points, left }) {
  const whole = norm(error, decay, 0);
  if (whole === 0) return { first: null, settle: null, norm: null };
  let [low, high] = [0, -Math.log(left) / rate];
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    [low, high] = norm(error, decay, middle) / whole > left ? [middle, high] : [low, middle];
  }
  const first = error.reduce((sum, e, i) => sum + decay[i] * e * e, 0) / whole ** 2;
  const times = Array.from({ length: points }, (_, i) => (i * length) / (points - 1));
  return { first, settle: high, norm: times.map((t) => norm(error, decay, t) / whole) };
}

/** One frame; the same dictionary as ConvergenceExplorer.compute in Python. */
export function convergenceFrame(controls, spec) {
  const { w, W, tau_j, tau_k, e_j, e_k, bystander } = controls;
  const third = bystander === "slow";
  const error = [e_j, e_k, ...(third ? [spec.error] : [])];
  const side = (pull_j, pull_k) => {
    const decay = [1 / tau_j + pull_j, 1 / tau_k + pull_k, ...(third ? [1 / spec.bystander] : [])];
    const [rate, fastest] = [Math.min(...decay), Math.max(...decay)];
    return {
      eigenvalues: decay.map((value) => -value),
      rate,
      fastest,
      step: 2 / fastest,
      trace: -decay.reduce((sum, value) => sum + value, 0),
      ...fallOf(error, decay, rate, spec),
    };
  };
  const share = spec.gate / spec.capacitance;
  const [before, after] = [side(w * share, 0), side(0, W * share)];
  return { controls: { ...controls }, before, after, verdict: convergenceVerdict(before, after, controls, spec.sentences) };
}

function convergenceVerdict(before, after, { tau_j, tau_k }, sentences) {
  const alike = tau_j === tau_k ? "alike" : "third";
  const why = { good: "gains", bad: "loses", same: alike }[larger(before.rate, after.rate)];
  const slowest = phrase(sentences[why], { was: before.rate, now: after.rate });
  if (before.settle === null) return [slowest, phrase(sentences.none, {})];
  const [first, last] = [larger(before.first, after.first), larger(after.settle, before.settle, 2e-3)];
  return [slowest, phrase(sentences[`${first}_${last}`], { was: before.settle, now: after.settle })];
}

const BEFORE = "stroke: var(--before); stroke-width: 2; stroke-dasharray: 6 4; fill: none";
const AFTER = "stroke: var(--sure); stroke-width: 2.5; fill: none";
const SIDES = ["before", "after"];
const TICK = ["fill: none; stroke: var(--before); stroke-width: 1.6", "fill: var(--sure)"];

const realLine = {
  name: "modes",
  column: 2,
  title: "The eigenvalues; ringed: the slowest",
  height: () => 182,
  build(svg, { width }) {
    const x = scale([-10, 0], [54, width - 20], spread(0.4));
    const levels = [46, 114];
    for (const tick of width < 380 ? [-10, -4, -1.5, -0.5, 0] : [-10, -5, -2, -1, -0.5, -0.2, 0]) {
      draw(svg, "line", { x1: x(tick), x2: x(tick), y1: 16, y2: 148, class: tick ? "grid" : "boundary" });
      draw(svg, "text", { x: x(tick), y: 163, "text-anchor": "middle", class: "tick" }, say(tick));
    }
    draw(svg, "text", { x: width - 20, y: 179, "text-anchor": "end" }, "eigenvalue, per ms");
    draw(svg, "text", { x: width - 20, y: 9, "text-anchor": "end", class: "quiet" }, "stability boundary ↓");
    SIDES.forEach((name, i) => draw(svg, "text", { x: 2, y: levels[i] + 4, class: i ? "strong" : "" }, name));
    const links = [0, 1, 2].map(() => draw(svg, "line", { class: "drift after" }));
    const trails = trail(draw(svg, "g", { class: "after" }));
    const told = ["", " after"];
    const rings = levels.map((cy, i) => draw(svg, "circle", { cy, r: 11, class: `ring${told[i]}`, "data-mark": "slowest" }));
    const marks = levels.map((_, i) => [0, 1, 2].map(() => draw(svg, "path", { style: TICK[i], class: told[i] })));
    const names = levels.map((_, i) =>
      ["j", "k", "third"].map((name) => draw(svg, "text", { "text-anchor": "middle", class: `halo-text${told[i]}` }, name)),
    );
    const values = levels.map((_, i) => draw(svg, "text", { "text-anchor": "middle", class: `strong halo-text${told[i]}` }));
    const shapes = ["m-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0Z", "m-6 0l6 -7l6 7l-6 7Z", "m-5 -5h10v10h-10Z"];
    return (frame) => {
      SIDES.forEach((side, i) => {
        const { eigenvalues, rate } = frame[side];
        const at = eigenvalues.map(x);
        [0, 1, 2].forEach((neuron) => {
          const here = neuron < at.length;
          patch(marks[i][neuron], {
            display: here ? null : "none",
            d: here ? `M${at[neuron]} ${levels[i]}${shapes[neuron]}` : null,
          });
          const other = at[1 - neuron] ?? Infinity;
          const near = neuron < 2 && Math.abs(at[0] - at[1]) < 16; // then the names stand left and right of the pair
          const shift = near ? (at[neuron] < other || (at[neuron] === other && neuron === 0) ? -19 : 19) : 0;
          patch(names[i][neuron], {
            display: here ? null : "none",
            x: here ? at[neuron] + shift : null,
            y: levels[i] - (near ? -4 : 18),
          });
        });
        patch(rings[i], { cx: x(-rate) });
        patch(values[i], { x: Math.min(x(-rate), width - 60), y: levels[i] + 25 });
        write(values[i], `slowest ${say(-rate)}`);
      });
      trails(frame.after.eigenvalues.map((value) => [x(value), levels[1]]));
      links.forEach((link, neuron) =>
        patch(
          link,
          neuron < frame.before.eigenvalues.length
            ? {
                display: null,
                x1: x(frame.before.eigenvalues[neuron]),
                y1: levels[0],
                x2: x(frame.after.eigenvalues[neuron]),
                y2: levels[1],
              }
            : { display: "none" },
        ),
      );
      return (
        `Eigenvalues on the real line. Slowest before ${say(-frame.before.rate)}, after ${say(-frame.after.rate)} per ms; ` +
        `fastest before ${say(-frame.before.fastest)}, after ${say(-frame.after.fastest)}.`
      );
    };
  },
};

const errorPlane = {
  name: "plane",
  column: 1,
  title: "Drag the error (e_j, e_k): a dot per ms",
  height: (width) => Math.min(width, 380) + 4,
  build(svg, { width, height }, view) {
    const side = Math.min(width, 380) - 44;
    const left = Math.max(38, (width - side) / 2);
    const box = { left, right: left + side, top: 10, bottom: 10 + side };
    const x = scale([-1, 1], [box.left, box.right]);
    const y = scale([-1, 1], [box.bottom, box.top]);
    for (const tick of [-1, -0.5, 0, 0.5, 1]) {
      ruleX(svg, box, x, tick);
      ruleY(svg, box, y, tick);
      if (tick % 1) continue;
      tickX(svg, box, x, tick, 16);
      tickY(svg, box, y, tick, 7);
    }
    draw(svg, "text", { x: box.right, y: box.bottom + 31, "text-anchor": "end" }, "e_j, mV");
    draw(svg, "text", { x: box.left - 8, y: box.top + 26, "text-anchor": "end" }, "e_k");
    const paths = [BEFORE, AFTER].map((style, i) => draw(svg, "path", { style, class: i ? "after" : "" }));
    const dots = SIDES.map((name) => draw(svg, "g", { class: name }));
    draw(svg, "circle", { cx: x(0), cy: y(0), r: 3.5, class: "origin-dot" });
    draw(svg, "text", { x: x(0) - 8, y: y(0) + 17, "text-anchor": "end", class: "quiet halo-text" }, "e = 0");
    const handle = pointHandle(
      svg,
      view,
      box,
      ["e_j", "e_k"],
      [
        [-1, 1],
        [-1, 1],
      ],
      0.05,
    );
    return (frame, { e_j, e_k }) => {
      SIDES.forEach((name, i) => {
        const [a, b] = frame[name].eigenvalues;
        const at = (t) => [x(e_j * Math.exp(a * t)), y(e_k * Math.exp(b * t))];
        patch(paths[i], { d: line(Array.from({ length: 121 }, (_, n) => at(12 * (n / 120) ** 3))) });
        pool(
          dots[i],
          "circle",
          Array.from({ length: 12 }, (_, n) => at(n + 1)),
          ([cx, cy]) => ({ cx, cy, r: 3.6, style: TICK[i] + (i ? "" : "; fill: var(--surface)") }),
        );
      });
      putHandle(handle, [x(e_j), y(e_k)], { width, height }, `Start of the error: e j ${say(e_j)}, e k ${say(e_k)}`);
      return `Plane of the errors e j and e k, with the ways to rest before and after the event. ${frame.verdict[1][1]}`;
    };
  },
};

const decline = {
  name: "decline",
  column: 2,
  title: "The error’s size: here a rate is a slope",
  height: (width) => (width < 420 ? 196 : 220),
  build(svg, { width, height }, view) {
    const { length, points, left: settled } = view.spec;
    const box = { left: 46, right: width - 12, top: 10, bottom: height - 38 };
    const x = scale([0, length], [box.left, box.right]);
    const tall = (box.bottom - box.top) / 3; // pixels per factor of ten; `scale` would clamp, these curves are clipped
    const y = (share) => box.top - tall * Math.log10(share);
    for (const [share, text] of [
      [1, "100 %"],
      [0.1, "10 %"],
      [0.01, "1 %"],
      [0.001, "0.1 %"],
    ]) {
      draw(svg, "line", {
        x1: box.left,
        x2: box.right,
        y1: y(share),
        y2: y(share),
        class: share === settled ? "axis" : "grid",
      });
      draw(svg, "text", { x: box.left - 6, y: y(share) + 4, "text-anchor": "end", class: "tick" }, String(text));
    }
    ticksX(svg, box, x, [0, 3, 6, 9, 12]);
    draw(svg, "text", { x: box.right, y: height - 4, "text-anchor": "end" }, "time, ms");
    const inside = clipTo(svg, box, 2);
    const curves = [BEFORE, AFTER].map((style, i) =>
      draw(inside, "path", { style, class: i ? "after" : "", "data-mark": SIDES[i] }),
    );
    const marks = SIDES.map((_, i) => draw(svg, "circle", { r: 5, cy: y(settled), style: TICK[i], class: SIDES[i] }));
    const notes = SIDES.map((_, i) =>
      draw(svg, "text", {
        x: box.right - 2,
        y: box.top + 8 + 17 * i,
        "text-anchor": "end",
        class: `halo-text ${i ? "strong after" : ""}`,
      }),
    );
    return (frame) => {
      SIDES.forEach((name, i) => {
        const { norm: shares, settle, rate } = frame[name];
        patch(curves[i], { d: shares && line(shares.map((share, n) => [x((n * length) / (points - 1)), y(share)])) });
        patch(marks[i], {
          display: settle !== null && settle <= length ? null : "none",
          cx: settle === null ? null : x(settle),
        });
        write(notes[i], `${name}: slope → ${say(-rate)}`);
      });
      return `Size of the error over 12 ms on a logarithmic scale. ${frame.verdict[1][1]}`;
    };
  },
};

const marks = {
  ...keyPanel("marks", 1, [
    ["before", ["path", { d: "M1 8H33", style: BEFORE }]],
    ["after", ["path", { d: "M1 8H33", style: AFTER }]],
    ["1 % left", ["path", { d: "M1 8H33", class: "axis" }], ["circle", { cx: 17, cy: 8, r: 5, style: TICK[1] }]],
  ]),
  details: true,
};

const sums = {
  name: "sums",
  column: 2,
  title: "In numbers",
  details: true,
  after: true,
  html: numbers([
    ["slowest rate, per ms", "before.rate", "after.rate"],
    ["largest |λ|, per ms", "before.fastest", "after.fastest"],
    ["trace of J, per ms", "before.trace", "after.trace"],
    ["Euler’s largest step, ms", "before.step", "after.step"],
    ["this error’s first rate, per ms", "before.first", "after.first"],
    ["until 1 % is left, ms", "before.settle", "after.settle"],
  ]),
};

export const drawing = {
  panels: [realLine, errorPlane, decline, marks, sums],
  frame: convergenceFrame,
  moves: { before: "blend", after: "blend" },
};
