// gradient.js: what is left of a gradient after k steps. Two neurons, forty steps: JavaScript restates the formula,
// with closed forms for the norms of 2 by 2 matrices; a test holds every number and word to Python.

import { keyPanel, ticksX, ticksY } from "./core/chart.js";
import { draw, make, patch, pool, write } from "./core/dom.js";
import { phrase, say } from "./core/format.js";
import { trail } from "./core/motion.js";
import { line, scale } from "./core/scale.js";

const KEPT = 1e-12; // below this a number counts as 0, as in Python

/** Largest singular value of [[a, b], [0, d]]. */
function norm(a, b, d) {
  const sum = a * a + b * b + d * d;
  return Math.sqrt((sum + Math.sqrt(Math.max(0, sum * sum - 4 * (a * d) ** 2))) / 2);
}

/** The norms over all lags, and what bounds them; what a frame holds beside its words. @returns {any} */
function traceBack(controls, { length, delta }) {
  const { lam, q, u, step } = controls;
  const [keep, push] = [step === "classic" ? 0 : 1, delta[step]];
  let x = [0, 0];
  const steps = Array.from({ length }, () => {
    const drive = [Math.tanh(lam * x[0] + q * x[1] + u), Math.tanh(lam * x[1] + u)];
    const [f, g] = drive.map((value) => 1 - value * value);
    x = [keep * x[0] + push * drive[0], keep * x[1] + push * drive[1]];
    return [keep + push * f * lam, push * f * q, keep + push * g * lam]; // upper triangle of the Jacobian
  });
  let [a, b, d] = [1, 0, 1];
  const norms = [1];
  for (const [A, B, D] of [...steps].reverse()) {
    [a, b, d] = [a * A, a * B + b * D, d * D];
    norms.push(norm(a, b, d));
  }
  const sigma = norm(lam, q, lam);
  const peak = Math.max(...norms);
  return {
    controls: { ...controls },
    norms,
    factor: keep + push * sigma,
    radius: Math.abs(keep + push * lam),
    sigma,
    end: norms[length],
    peak,
    lag: norms.indexOf(peak),
    x,
  };
}

/** One frame; the same dictionary as GradientExplorer.compute in Python. @returns {any} */
export function gradientFrame(controls, spec) {
  const frame = traceBack(controls, spec);
  return { ...frame, verdict: gradientVerdict(frame, spec) };
}

/** What is left, and why, in one sentence each, chosen by the same rule as in Python. */
function gradientVerdict({ controls, end, peak, lag, radius, factor }, { length, sentences }) {
  const residual = controls.step !== "classic";
  const fate = end > 10 ? "explodes" : end < 0.1 ? "vanishes" : "lives";
  let why = "at rest";
  if (lag && radius < 1 && peak > 1.005) why = "peaks";
  else if (radius > 1 && end < (residual ? 10 : 1)) why = residual ? "handed on" : "let nothing through";
  const left = end > KEPT ? end : "less than 1e−12";
  return [fate, why].map((name) => phrase(sentences[name], { steps: length, left, peak, lag, radius, factor }));
}

const tiny = (value) => (value > KEPT ? say(value) : "< 1e−12");

const DECADES = 6;
const GHOST = "stroke: var(--before); stroke-width: 1.6; stroke-dasharray: 6 4";
const DOTS = "stroke: var(--minus); stroke-width: 2; stroke-dasharray: 2 5; stroke-linecap: round";
const INK = "stroke: var(--ink)";
const EXPONENTS = { "-6": "⁻⁶", "-3": "⁻³", 3: "³", 6: "⁶" };

const lags = {
  name: "lags",
  column: 1,
  title: "Norm of the gradient against the lag k",
  height: (width) => (width < 420 ? 320 : 360),
  build(svg, { width, height }, view) {
    const { length } = view.spec;
    const box = { left: 40, right: width - 12, top: 12, bottom: height - 38 };
    const x = scale([0, length], [box.left, box.right]);
    const y = scale([-DECADES, DECADES], [box.bottom, box.top]);
    ticksX(svg, box, x, [0, 10, 20, 30, 40], { mark: true });
    for (const tick of [-6, -3, 0, 3, 6]) {
      draw(svg, "line", { x1: box.left, x2: box.right, y1: y(tick), y2: y(tick), class: tick ? "grid" : "boundary" });
      draw(
        svg,
        "text",
        { x: box.left - 6, y: y(tick) + 4, "text-anchor": "end", class: "tick" },
        tick ? `10${EXPONENTS[tick]}` : "1",
      );
    }
    draw(svg, "text", { x: box.right, y: height - 4, "text-anchor": "end" }, "lag k, steps");
    draw(svg, "text", { x: box.left + 6, y: box.top + 14, class: "quiet" }, "explodes");
    draw(svg, "text", { x: box.left + 6, y: box.bottom - 8, class: "quiet" }, "vanishes");
    const bound = draw(svg, "path", { class: "curve", style: GHOST, "data-mark": "bound" });
    const radius = draw(svg, "path", { class: "curve", style: DOTS, "data-mark": "eigenvalue" });
    const curve = draw(svg, "path", { class: "curve", style: INK, "data-mark": "gradient" });
    const words = ["bound", "eigenvalue"].map((text) =>
      draw(svg, "text", { class: "quiet halo-text", "text-anchor": "middle" }, text),
    );
    const told = draw(svg, "g", { class: "after" });
    const peak = draw(told, "path", { class: "eigen own", "data-mark": "peak" });
    const trace = trail(draw(told, "g"));
    const [end, name] = [draw(told, "circle", { r: 6, class: "point" }), draw(told, "text", { class: "strong halo-text" })];
    const at = (value) => y(Math.log10(Math.max(value, 1e-30)));
    const power = (base) => {
      const slope = Math.log10(Math.max(base, 1e-30));
      const last = slope === 0 ? length : Math.min(length, DECADES / Math.abs(slope));
      return line([
        [x(0), y(0)],
        [x(last), y(slope * last)],
      ]);
    };
    /** The middle of such a line, where its name stands. */
    const middle = (base) => {
      const slope = Math.log10(Math.max(base, 1e-30));
      const lag = 0.55 * (slope === 0 ? length : Math.min(length, DECADES / Math.abs(slope)));
      return [Math.min(Math.max(x(lag), box.left + 50), box.right - 50), y(slope * lag)];
    };
    return ({ controls, verdict }) => {
      const frame = traceBack(controls, view.spec); // on the way, too: every step of a move is a true frame
      patch(bound, { d: power(frame.factor) });
      patch(radius, { d: power(frame.radius) });
      patch(curve, { d: line(frame.norms.map((value, k) => [x(k), at(value)])) });
      const [px, py] = [x(frame.lag), at(frame.peak)];
      const shown = frame.lag > 0 && frame.lag < length && frame.peak > 1.005;
      patch(peak, { d: `M${px - 5} ${py}l5 -6l5 6l-5 6Z`, display: shown ? null : "none" });
      const last = at(frame.end);
      trace([[x(length), last]]);
      patch(end, { cx: x(length), cy: last });
      const height = last + (last < box.top + 40 || (frame.end < 1 && last < box.bottom - 40) ? 24 : -12);
      patch(name, { x: box.right - 4, y: height, "text-anchor": "end" });
      const free = box.right - 50 - 7.5 * tiny(frame.end).length; // a word at this height ends before the number
      [frame.factor, frame.radius].forEach((base, i) => {
        const [left, top] = middle(base);
        const y0 = top + (i ? 22 : -12);
        patch(words[i], { x: Math.abs(y0 - height) < 16 ? Math.min(left, free) : left, y: y0 });
      });
      write(name, tiny(frame.end));
      return `Norm of the gradient over lags 0 to ${length}, on a logarithmic axis. ${verdict.map(([, t]) => t).join(" ")}`;
    };
  },
};

const marks = keyPanel("marks", 1, [
  ["the gradient", ["path", { d: "M1 8H33", class: "curve", style: INK }]],
  ["bound by the largest singular value", ["path", { d: "M1 8H33", class: "curve", style: GHOST }]],
  ["eigenvalue line, at rest", ["path", { d: "M1 8H33", class: "curve", style: DOTS }]],
]);

const slopes = {
  name: "slopes",
  column: 2,
  title: "Where both neurons end on tanh",
  height: () => 220,
  build(svg, { width, height }, view) {
    const box = { left: 30, right: width - 12, top: 10, bottom: height - 26 };
    const x = scale([-3.2, 3.2], [box.left, box.right]);
    const y = scale([-1.15, 1.15], [box.bottom, box.top]);
    ticksY(svg, box, y, [-1, 0, 1], { left: 6 });
    draw(
      svg,
      "text",
      { x: box.right, y: height - 6, "text-anchor": "end", class: "quiet" },
      "what a neuron hears (edge: beyond it)",
    );
    const shape = Array.from({ length: 81 }, (_, i) => -3.2 + 0.08 * i).map((a) => [x(a), y(Math.tanh(a))]);
    draw(svg, "path", { class: "curve", style: "stroke: var(--before)", d: line(shape) });
    const dots = draw(svg, "g");
    const names = draw(svg, "g");
    return ({ controls }) => {
      const { x: state } = traceBack(controls, view.spec);
      const { lam, q, u } = controls;
      const heard = [lam * state[0] + q * state[1] + u, lam * state[1] + u];
      pool(dots, "circle", heard, (a, i) => ({
        cx: x(a),
        cy: y(Math.tanh(a)),
        r: i ? 5 : 8,
        style: i ? "fill: var(--ink)" : "fill: var(--surface); stroke: var(--ink); stroke-width: 2.5",
      }));
      const together = Math.abs(x(heard[0]) - x(heard[1])) < 24;
      const items = together
        ? [[heard[0], "1, 2"]]
        : [
            [heard[0], "1"],
            [heard[1], "2"],
          ];
      pool(names, "text", items, ([a]) => ({
        x: x(a),
        y: y(Math.tanh(a)) + (a > 1 ? 24 : -14),
        class: "strong halo-text",
        "text-anchor": "middle",
      }));
      items.forEach(([, text], i) => write(names.children[i], text));
      return `Slopes of tanh at the end: ${heard.map((a) => say(1 - Math.tanh(a) ** 2)).join(" and ")}.`;
    };
  },
};

const ROWS = [
  ["left after 40 steps", "end"],
  ["largest on the way", "peak"],
  ["eigenvalue of a step, at rest", "radius"],
  ["at most per step", "factor"],
];
const values = {
  name: "values",
  column: 2,
  title: "In numbers",
  html(body) {
    const cells = ROWS.map(([label, name]) => [label, name, make("output", { "data-name": name })]);
    body.append(
      make(
        "table",
        { class: "ltc-numbers" },
        make(
          "tbody",
          {},
          ...cells.map(([label, , output]) => make("tr", {}, make("th", { scope: "row" }, label), make("td", {}, output))),
        ),
      ),
    );
    return (frame) => {
      for (const [, name, output] of cells) {
        patch(output, { "data-value": frame[name] });
        write(output, tiny(frame[name]));
      }
    };
  },
};

export const drawing = {
  panels: [lags, slopes, { ...marks, details: true }, { ...values, details: true }],
  frame: gradientFrame,
  moves: { controls: "blend" },
};
