// solvers.js: one neuron under four solvers. The formulas are closed, so JavaScript restates them and no table is needed;
// a test holds every number to those of ltcbook.dynamics, ltcbook.simulate and ltcbook.analysis.

import { keyPanel, ticksX, ticksY } from "./core/chart.js";
import { draw, patch, pool, write } from "./core/dom.js";
import { phrase, say } from "./core/format.js";
import { pointHandle, putHandle } from "./core/handle.js";
import { line, scale, spread } from "./core/scale.js";

const SOLVERS = ["fused", "exponential", "extrapolated", "rk4"];
const NAMES = { fused: "fused", exponential: "exponential", extrapolated: "extrapolated", rk4: "RK4" };

/** Conductance g, drive h and gate s of the neuron at state x. */
function terms(x, w, n) {
  const s = 1 / (1 + Math.exp(-n.gamma * (x - n.mu)));
  return { s, g: n.g_leak + w * s, h: n.g_leak * n.e_leak + w * s * n.e_rev };
}

const STEPS = {
  fused(x, dt, w, n) {
    const { g, h } = terms(x, w, n);
    return (n.c * x + dt * h) / (n.c + dt * g);
  },
  exponential: (x, dt, w, n) => STEPS.extrapolated(x, dt, w, n, null),
  extrapolated(x, dt, w, n, before) {
    const { g, h } = terms(before === null ? x : (3 * x - before) / 2, w, n);
    return h / g + (x - h / g) * Math.exp((-g / n.c) * dt);
  },
  rk4(x, dt, w, n) {
    const f = (y) => {
      const { g, h } = terms(y, w, n);
      return (h - g * y) / n.c;
    };
    const k1 = f(x);
    const k2 = f(x + (dt / 2) * k1);
    const k3 = f(x + (dt / 2) * k2);
    return x + (dt / 6) * (k1 + 2 * k2 + 2 * k3 + f(x + dt * k3));
  },
};

/** The neuron's only rest, its decay a, feedback rho and slope J, and every solver's largest stable step. */
function restOf(w, { neuron: n, root }) {
  let [low, high] = [n.e_rev, n.e_leak]; // dx/dt falls all the way between them
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    const { g, h } = terms(middle, w, n);
    [low, high] = h - g * middle > 0 ? [middle, high] : [low, middle];
  }
  const rest = (low + high) / 2;
  const { s, g } = terms(rest, w, n);
  const a = g / n.c;
  const J = (w * n.gamma * s * (1 - s) * (n.e_rev - rest) - g) / n.c;
  const rho = -(J + a) / a;
  const [share, halved] = [2 / (1 + rho), 2 / (1 + 2 * rho)];
  return {
    rest,
    rho,
    limits: {
      fused: share < 1 ? share / (1 - share) / a : null,
      exponential: share < 1 ? -Math.log(1 - share) / a : null,
      extrapolated: halved < 1 ? -Math.log(1 - halved) / a : null,
      rk4: -root / J,
    },
  };
}

function runOf(name, start, dt, w, spec) {
  const run = [start];
  let [x, before] = [start, null];
  for (let k = 0; k < spec.long; k += 1) {
    [before, x] = [x, STEPS[name](x, dt, w, spec.neuron, before)];
    run.push(x);
    const at = run.length - 1;
    const done = k >= 4 && Math.max(Math.abs(x - run[at - 2]), Math.abs(run[at - 1] - run[at - 3])) < 1e-9;
    if (Math.abs(x) > spec.beyond || (done && k * dt > spec.length)) break;
  }
  return run;
}

function fateOf(run, rest, { beyond }) {
  const at = run.length - 1;
  if (Math.abs(run[at]) > beyond) return ["explodes", null, null, null];
  const repeats = (p) => Array.from({ length: p }, (_, k) => Math.abs(run[at - k] - run[at - k - p]) < 1e-6).every(Boolean);
  let period = 1;
  const most = Math.min(16, Math.floor(run.length / 2) - 1);
  while (period <= most && !repeats(period)) period += 1;
  if (period > most) return ["wanders", null, null, null];
  const last = run.slice(-period);
  const kind = period === 2 ? "flips" : period > 2 ? "cycles" : Math.abs(run[at] - rest) < 1e-3 ? "rests" : "false";
  return [kind, Math.min(...last), Math.max(...last), period];
}

/** One frame; the same dictionary as SolverExplorer.compute in Python. */
export function solversFrame(controls, spec) {
  const { dt, w, start } = controls;
  const parts = Math.ceil(dt / spec.fine - 1e-9);
  const count = Math.floor(spec.length / dt + 1e-9);
  const curve = [start];
  for (let k = 0; k < parts * count; k += 1) curve.push(STEPS.rk4(curve[k], dt / parts, w, spec.neuron));
  const exact = curve.filter((_, k) => k % parts === 0);
  const frame = { controls: { ...controls }, ...restOf(w, spec), exact, curve, runs: {}, fates: {}, errors: {} };
  for (const name of SOLVERS) {
    const run = runOf(name, start, dt, w, spec);
    const kept = run.slice(0, count + 1);
    const fate = fateOf(run, frame.rest, spec);
    const whole = kept.length === count + 1 && fate[0] !== "explodes";
    frame.runs[name] = kept;
    frame.fates[name] = fate;
    frame.errors[name] = whole ? Math.sqrt(kept.reduce((sum, x, k) => sum + (x - exact[k]) ** 2, 0) / kept.length) : null;
  }
  return { ...frame, verdict: solversVerdict(frame, spec.sentences) };
}

function does([kind, low, high, period]) {
  return {
    false: `rests at ${say(high)}, where the equation does not`,
    explodes: "explodes",
    wanders: "wanders without end",
    flips: `flips between ${say(low)} and ${say(high)}`,
    cycles: `repeats ${period} values from ${say(low)} to ${say(high)}`,
    rests: `rests at ${say(high)}`,
  }[kind];
}

function solversVerdict({ controls, rest, fates, errors, runs }, sentences) {
  const right = SOLVERS.filter((name) => fates[name][0] === "rests").map((name) => NAMES[name]);
  const first = right.length === 4 ? "all" : right.length > 1 ? "some" : right.length ? "one" : "none";
  const who = right.length > 1 ? `${right.slice(0, -1).join(", ")} and ${right.at(-1)}` : right.join("");
  const lines = [phrase(sentences[first], { rest, dt: controls.dt, who })];
  if (right.length === 4) {
    const best = SOLVERS.reduce((b, name) => (errors[name] < errors[b] ? name : b));
    return [...lines, phrase(sentences.nearest, { who: NAMES[best], error: errors[best] })];
  }
  const wrong = SOLVERS.filter((name) => fates[name][0] !== "rests").map((name) => {
    const [kind, , high] = fates[name];
    const what = phrase(sentences[kind], { name: NAMES[name], high })[1];
    const out = kind !== "explodes" && runs[name].some((x) => x < -1 - 1e-9 || x > 2 + 1e-9); // RK4: a blend cannot
    return out ? phrase(sentences.left, { what })[1] : what;
  });
  const text = wrong.join(", ");
  return [...lines, phrase(sentences.wrong, { what: text[0].toUpperCase() + text.slice(1) })];
}

const COLOURS = { fused: "var(--plus)", exponential: "var(--minus)", extrapolated: "var(--sure)", rk4: "var(--doubt)" };
const DASHES = { fused: null, exponential: "6 3", extrapolated: "8 2 2 2", rk4: "12 3" };
const SHAPES = {
  // one mark per solver, around (x, y)
  fused: (x, y) => `M${x - 3.6} ${y}a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0 -7.2 0Z`,
  exponential: (x, y) => `M${x - 3.3} ${y - 3.3}h6.6v6.6h-6.6Z`,
  extrapolated: (x, y) => `M${x} ${y - 4.2}l4.2 7.2h-8.4Z`,
  rk4: (x, y) => `M${x} ${y - 4.6}l4.6 4.6l-4.6 4.6l-4.6 -4.6Z`,
};
const EDGES = [-1.3, 2.2]; // mV drawn, stretched near 0, where the rest is
const INK = "stroke: var(--ink)";
const GHOST = "stroke: var(--before); stroke-width: 1.4; stroke-dasharray: 4 4; fill: none";

const limitsMap = {
  name: "limits",
  column: 1,
  title: "Largest stable steps: drag the point",
  height: (width) => (width < 420 ? Math.min(0.95 * width, 372) : 422) + 8,
  build(svg, { width, height }, view) {
    const ranges = { dt: [0, 2], w: [0, 8] };
    const box = { left: 34, right: width - 10, top: 8, bottom: height - 40 };
    const [x, y] = [scale(ranges.dt, [box.left, box.right]), scale(ranges.w, [box.bottom, box.top])];
    ticksX(svg, box, x, [0, 0.5, 1, 1.5, 2], { rule: true });
    ticksY(svg, box, y, [0, 2, 4, 6, 8]);
    draw(svg, "text", { x: box.right, y: box.bottom + 33, "text-anchor": "end" }, "step, ms (up: synapse w, µS)");
    const weights = Array.from({ length: 241 }, (_, i) => 8 * (i / 240) ** 2);
    for (const name of SOLVERS) {
      const points = weights.map((w) => [restOf(w, view.spec).limits[name], w]).filter(([dt]) => dt !== null && dt <= 2);
      draw(svg, "path", {
        d: line(points.map(([dt, w]) => [x(dt), y(w)])),
        fill: "none",
        class: "after",
        "data-mark": name,
        style: `stroke: ${COLOURS[name]}; stroke-width: 2.2`,
        "stroke-dasharray": DASHES[name] ?? "none",
      });
    }
    const names = SOLVERS.map((name, i) => {
      const at = 7.6 - 0.62 * i;
      const dt = restOf(at, view.spec).limits[name];
      return draw(svg, "path", { d: SHAPES[name](x(dt), y(at)), class: "after", style: `fill: ${COLOURS[name]}` });
    });
    draw(svg, "text", { x: box.left + 5, y: y(1), class: "quiet halo-text after" }, "stable");
    draw(
      svg,
      "text",
      { x: box.right - 4, y: box.top + 15, class: "quiet halo-text after", "text-anchor": "end" },
      "unstable",
    );
    const was = draw(svg, "circle", { r: 5, cx: x(view.defaults.dt), cy: y(view.defaults.w), style: GHOST });
    const handle = pointHandle(svg, view, box, ["dt", "w"], [ranges.dt, ranges.w], 0.1);
    return (frame, { dt, w }) => {
      patch(was, { display: null });
      putHandle(handle, [x(dt), y(w)], { width, height }, `Step ${say(dt)} ms, synapse ${say(w)} µS`);
      const each = SOLVERS.map((name) => `${NAMES[name]} ${frame.limits[name] === null ? "none" : say(frame.limits[name])}`);
      names.forEach((mark) => patch(mark, { display: null }));
      return `Largest stable steps in ms at this synapse: ${each.join(", ")}. The point is at ${say(dt)} ms.`;
    };
  },
};

const marks = {
  ...keyPanel("marks", 1, [
    ...SOLVERS.map((name) => [
      NAMES[name],
      [
        "path",
        { d: "M1 8H33", style: `stroke: ${COLOURS[name]}; stroke-width: 2.2`, "stroke-dasharray": DASHES[name] ?? "none" },
      ],
      ["path", { d: SHAPES[name](17, 8), style: `fill: ${COLOURS[name]}` }],
    ]),
    ["exact", ["path", { d: "M1 8H33", class: "curve", style: INK }]],
    ["hollow: beyond the edge", ["circle", { cx: 17, cy: 8, r: 3.6, style: `${INK}; fill: none; stroke-width: 1.6` }]],
  ]),
  details: true,
};

const strips = {
  name: "strips",
  column: 2,
  title: "Runs and exact solution, mV (stretched at 0)",
  height: (width) => (width < 420 ? 436 : 446),
  build(svg, { width, height }, view) {
    const { length } = view.spec;
    const [left, right, foot] = [34, width - 10, 40];
    const each = (height - foot) / SOLVERS.length;
    const x = scale([0, length], [left, right]);
    const parts = SOLVERS.map((name, i) => {
      const [top, bottom] = [i * each + 24, (i + 1) * each - 6];
      const y = scale(EDGES, [bottom, top], spread(0.1));
      draw(svg, "rect", { x: left, y: top, width: right - left, height: bottom - top, class: "field" });
      for (const tick of [-1, -0.1, 0.1, 1]) {
        draw(svg, "line", { x1: left, x2: right, y1: y(tick), y2: y(tick), class: "grid" });
        draw(svg, "text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end", class: "tick" }, say(tick));
      }
      draw(svg, "path", { d: SHAPES[name](left + 6, top - 10), style: `fill: ${COLOURS[name]}` });
      draw(svg, "text", { x: left + 16, y: top - 6, class: "strong" }, NAMES[name]);
      const text = draw(svg, "text", { x: right, y: top - 6, class: "strong after", "text-anchor": "end" });
      const exact = draw(svg, "path", { class: "curve", style: INK });
      const run = draw(svg, "g", { class: "after", "data-mark": name });
      const path = draw(run, "path", { style: `stroke: ${COLOURS[name]}; stroke-width: 1.1; fill: none; opacity: 0.8` });
      return { name, y, text, exact, path, dots: draw(run, "g") };
    });
    for (const tick of [0, 2, 4, 6, 8, 10]) {
      draw(svg, "text", { x: x(tick), y: height - foot + 14, "text-anchor": "middle", class: "tick" }, say(tick));
    }
    draw(svg, "text", { x: right, y: height - 6, "text-anchor": "end" }, "time, ms");
    return (frame, { dt }) => {
      const fine = frame.curve.map((value, k) => [(k * dt * (frame.exact.length - 1)) / (frame.curve.length - 1), value]);
      for (const { name, y, text, exact, path, dots } of parts) {
        const [colour, run] = [COLOURS[name], frame.runs[name]];
        patch(exact, { d: line(fine.map(([t, value]) => [x(t), y(value)])) });
        patch(path, { d: line(run.map((value, k) => [x(k * dt), y(value)])) });
        const thin = Math.ceil(run.length / 34); // more marks would cover the curve
        const points = run
          .map((value, k) => [x(k * dt), y(value), value < EDGES[0] || value > EDGES[1]])
          .filter((_, k) => k % thin === 0);
        pool(dots, "path", points, ([px, py, out]) => ({
          d: SHAPES[name](px, py),
          style: out ? `fill: none; stroke: ${colour}; stroke-width: 1.6` : `fill: ${colour}`,
        }));
        const [kind, low, high, period] = frame.fates[name];
        const short = {
          rests: `error ${say(frame.errors[name], 2)}`,
          false: `rests at ${say(high)}: wrong`,
          explodes: "explodes",
          wanders: "wanders without end",
          flips: `flips: ${say(low, 2)}, ${say(high, 2)}`,
          cycles: `repeats ${period} values`,
        }[kind];
        const brief = { flips: "flips", cycles: `${period} values`, false: `rests at ${say(high, 2)}` }[kind] ?? short;
        const letters = (right - left - 22) / 7.4; // that find room in the line, the solver's name among them
        write(text, NAMES[name].length + short.length > letters ? brief : short);
      }
      return SOLVERS.map((name) => `${NAMES[name]} ${does(frame.fates[name])}`).join("; ");
    };
  },
};

export const drawing = {
  panels: [limitsMap, strips, marks],
  frame: solversFrame,
  moves: { runs: "blend", curve: "blend" },
};
