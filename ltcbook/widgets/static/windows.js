// windows.js: one run in windows that begin early from a wrong state. The steps are closed formulas, so JavaScript restates
// them and no table is needed; a test holds every number to those of ltcbook.dynamics.

import { clipTo, keyPanel, ticksX, ticksY } from "./core/chart.js";
import { draw, make, patch, pool, write } from "./core/dom.js";
import { phrase, say } from "./core/format.js";
import { table } from "./core/numbers.js";
import { line, scale } from "./core/scale.js";

const gateOf = (x, gamma, mu) => 1 / (1 + Math.exp(-gamma * (x - mu)));

/** Where one fused step leads from state x: the input's gate is open by `open`. */
function windowStep(x, w, open, { neuron: n, dt }) {
  const s = gateOf(x, n.gamma, n.mu);
  const g = n.g_leak + w * s + n.w_in * open;
  const h = n.g_leak * n.e_leak + w * s * n.e_rev + n.w_in * open * n.e_rev_in;
  return (n.c * x + dt * h) / (n.c + dt * g);
}

/** How far the input opens its gate in each step. */
function openings({ steps, wave: [long, phase, short], neuron: n }) {
  return Array.from({ length: steps }, (_, i) => {
    const k = 2 * Math.PI * i;
    return gateOf(0.5 + 0.5 * Math.sin(k / long + phase) * Math.cos(k / short), n.gamma_in, n.mu_in);
  });
}

/** The largest factor by which one step changes a small gap; with the input shut it is largest. */
function factorOf(w, { neuron: n, dt }) {
  let most = 0;
  for (let i = 0; i <= 200; i += 1) {
    const x = i / 200;
    const s = gateOf(x, n.gamma, n.mu);
    const g = n.g_leak + w * s;
    const after = windowStep(x, w, 0, { neuron: n, dt });
    const slope = w * n.gamma * s * (1 - s);
    most = Math.max(most, (n.c + dt * slope * (n.e_rev - after)) / (n.c + dt * g));
  }
  return most;
}

/** The smallest burn-in after which every window has reached the true run, or null. */
function neededOf(w, open, truth, starts, spec) {
  for (let burn = 0; burn <= spec.longest; burn += 1) {
    const there = starts.slice(1, -1).every((joint) => {
      if (joint <= burn) return true; // it begins at the true start
      let x = 0.5;
      for (let k = joint - burn; k < joint; k += 1) x = windowStep(x, w, open[k], spec);
      return Math.abs(x - truth[joint]) <= spec.tolerance;
    });
    if (there) return burn;
  }
  return null;
}

/** One frame; the same dictionary as WindowsExplorer.compute in Python. @returns {any} */
export function windowsFrame(controls, spec) {
  const { burn, w, windows: count } = controls;
  const rounds = Math.min(controls.rounds, count - 1);
  const { steps, start, tolerance } = spec;
  const open = openings(spec);
  const starts = Array.from({ length: count + 1 }, (_, k) => Math.floor((k * steps) / count));
  const run = (x, begin, end) => {
    const states = [x];
    for (let k = begin; k < end; k += 1) states.push(windowStep(states[k - begin], w, open[k], spec));
    return states;
  };
  const truth = run(start, 0, steps);
  const [burned, kept] = [[], []];
  let [longest, all] = [0, 0];
  for (let k = 0; k < count; k += 1) {
    const early = Math.max(0, starts[k] - burn);
    const states = run(early ? 0.5 : start, early, starts[k + 1]);
    burned.push(states.slice(0, starts[k] - early + 1));
    kept.push(states.slice(starts[k] - early));
    longest = Math.max(longest, states.length - 1);
    all += states.length - 1;
  }
  const repaired = Array(count).fill(false);
  const gapOf = (k) => Math.abs(kept[k][0] - kept[k - 1].at(-1));
  const joints = Array.from({ length: count - 1 }, (_, i) => i + 1);
  for (let round = 0; round < rounds; round += 1) {
    const again = joints.filter((k) => gapOf(k) > tolerance).map((k) => [k, kept[k - 1].at(-1)]);
    for (const [k, end] of again) {
      kept[k] = run(end, starts[k], starts[k + 1]);
      repaired[k] = true;
      all += starts[k + 1] - starts[k];
    }
    longest += Math.max(0, ...again.map(([k]) => starts[k + 1] - starts[k]));
  }
  const gaps = joints.map(gapOf);
  const joined = [start, ...kept.flatMap((part) => part.slice(1))];
  const frame = {
    truth,
    starts,
    burned,
    kept,
    repaired,
    gaps,
    agree: gaps.map((gap) => (gap <= tolerance ? 1 : 0)),
    worst: Math.max(...gaps),
    error: Math.max(...joined.map((x, k) => Math.abs(x - truth[k]))),
    needed: neededOf(w, open, truth, starts, spec),
    factor: factorOf(w, spec),
    alone: steps,
    longest,
    all,
  };
  return { controls: { ...controls }, ...frame, verdict: windowsVerdict(frame, count, rounds, spec.sentences) };
}

function windowsVerdict({ agree, worst, error, needed }, count, rounds, sentences) {
  const right = agree.filter(Boolean).length;
  const values = {
    agree: String(right),
    joints: String(count - 1),
    worst,
    error,
    needed: String(needed),
    left: String(count - 1 - rounds),
  };
  const names = right === count - 1 ? ["all", "off"] : ["some", needed === null ? "rounds" : "more"];
  return names.map((name) => phrase(sentences[name], values));
}

const PIECE = ["stroke: var(--plus)", "stroke: var(--doubt)"]; // neighbours differ
const TRUTH = "stroke: var(--before); stroke-width: 7; opacity: 0.38; fill: none; stroke-linejoin: round";
const BURNED = "stroke-width: 1.4; stroke-dasharray: 2 3; fill: none";
const ROUND = (x, y) => `M${x - 5} ${y}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z`;
const CROSS = (x, y) => `M${x} ${y}m-4.5 -4.5l9 9m0 -9l-9 9`;
const GOOD = "fill: var(--sure); stroke: var(--surface); stroke-width: 1";
const BAD = "fill: none; stroke: var(--minus); stroke-width: 3; stroke-linecap: round";
const LEFT = 46; // both drawings begin at the same pixel, so that a joint lies above its gap

const runs = {
  name: "runs",
  column: 1,
  title: "The state in mV: true run (grey) and windows, dotted where they burn in",
  height: (width) => (width < 420 ? 216 : 210),
  build(svg, { width, height }, view) {
    const box = { left: LEFT, right: width - 12, top: 10, bottom: height - 26 };
    const x = scale([0, view.spec.steps], [box.left, box.right]);
    const y = scale([0, 1], [box.bottom, box.top]);
    ticksX(svg, box, x, [0, 60, 120, 180, 240]);
    ticksY(svg, box, y, [0, 0.25, 0.5, 0.75, 1]);
    const edges = draw(svg, "g");
    const inside = clipTo(svg, box, 3);
    const truth = draw(inside, "path", { style: TRUTH, "data-mark": "truth" });
    const early = draw(inside, "g", { "data-mark": "burn-in" });
    const pieces = draw(inside, "g", { "data-mark": "windows" });
    const begins = draw(inside, "g");
    const marks = draw(svg, "g", { "data-mark": "joints" });
    return (frame) => {
      const at = (states, begin) => line(states.map((state, k) => [x(begin + k), y(state)]));
      const first = (k) => frame.starts[k] - frame.burned[k].length + 1;
      const burns = frame.burned
        .map((states, k) => ({ states, k }))
        .filter(({ states, k }) => states.length > 1 && !frame.repaired[k]);
      patch(truth, { d: at(frame.truth, 0) });
      pool(early, "path", burns, ({ states, k }) => ({ d: at(states, first(k)), style: `${BURNED}; ${PIECE[k % 2]}` }));
      pool(begins, "circle", burns, ({ states, k }) => ({
        cx: x(first(k)),
        cy: y(states[0]),
        r: 3,
        style: `fill: var(--surface); stroke-width: 1.4; ${PIECE[k % 2]}`,
      }));
      pool(pieces, "path", frame.kept, (states, k) => ({
        d: at(states, frame.starts[k]),
        class: "curve",
        style: PIECE[k % 2],
      }));
      pool(edges, "line", frame.gaps, (_, k) => ({
        x1: x(frame.starts[k + 1]),
        x2: x(frame.starts[k + 1]),
        y1: box.top,
        y2: box.bottom,
        class: "axis",
      }));
      pool(marks, "path", frame.gaps, (_, k) => {
        const place = [x(frame.starts[k + 1]), y(frame.kept[k + 1][0])];
        return frame.agree[k] ? { d: ROUND(...place), style: GOOD } : { d: CROSS(...place), style: BAD };
      });
      return `${frame.kept.length} windows of one run over ${frame.alone} steps, and the true run. ${frame.verdict[0][1]}`;
    };
  },
};

const LOWEST = -16;
const gapsPanel = {
  name: "gaps",
  column: 1,
  title: "The gap at each joint in mV, and the tolerance (dashed)",
  height: (width) => (width < 420 ? 160 : 156),
  build(svg, { width, height }, view) {
    const box = { left: LEFT, right: width - 12, top: 10, bottom: height - 38 };
    const x = scale([0, view.spec.steps], [box.left, box.right]);
    const y = scale([LOWEST, 0.5], [box.bottom, box.top]);
    const at = (gap) => y(Math.log10(Math.max(gap, 10 ** LOWEST)));
    for (const [tick, text] of /** @type {[number, string][]} */ ([
      [0, "1"],
      [-5, "10⁻⁵"],
      [-10, "10⁻¹⁰"],
      [-15, "10⁻¹⁵"],
    ])) {
      draw(svg, "line", { x1: box.left, x2: box.right, y1: y(tick), y2: y(tick), class: "grid" });
      draw(svg, "text", { x: box.left - 6, y: y(tick) + 4, "text-anchor": "end", class: "tick" }, text);
    }
    ticksX(svg, box, x, [0, 60, 120, 180, 240], { mark: true });
    draw(svg, "text", { x: box.right, y: height - 4, "text-anchor": "end" }, "step");
    draw(svg, "line", {
      x1: box.left,
      x2: box.right,
      y1: at(view.spec.tolerance),
      y2: at(view.spec.tolerance),
      class: "boundary",
      "stroke-dasharray": "6 4",
      "data-mark": "tolerance",
    });
    const [stems, marks] = [draw(svg, "g"), draw(svg, "g")];
    return (frame) => {
      const places = frame.gaps.map((gap, k) => [x(frame.starts[k + 1]), at(gap), frame.agree[k]]);
      pool(stems, "line", places, ([px, py, agree]) => ({
        x1: px,
        x2: px,
        y1: box.bottom,
        y2: py,
        style: `stroke: var(${agree ? "--sure" : "--minus"}); stroke-width: 2`,
      }));
      pool(marks, "path", places, ([px, py, agree]) =>
        agree ? { d: ROUND(px, py), style: GOOD } : { d: CROSS(px, py), style: BAD },
      );
      return `Gaps at the joints, on a logarithmic scale: ${frame.gaps.map((gap) => say(gap, 2)).join(", ")} mV.`;
    };
  },
};

const words = {
  name: "words",
  column: 1,
  title: "",
  html(body) {
    const text = make("p", { class: "ltc-words" });
    body.append(text);
    return ({ controls, repaired, burned }) => {
      const early = burned.filter((states, k) => states.length > 1 && !repaired[k]).length;
      const begin = early
        ? `Ring and dotted line: a window begins at 0.5 mV, up to ${say(controls.burn)} steps before its joint. `
        : "No window burns in now. ";
      write(text, `${begin}Green disc: two pieces agree. Orange cross: not yet.`);
    };
  },
};

const legend = {
  ...keyPanel("legend", 1, [
    ["true run", ["path", { d: "M1 8H33", style: TRUTH }]],
    [
      "windows",
      ["path", { d: "M1 8H16", class: "curve", style: PIECE[0] }],
      ["path", { d: "M18 8H33", class: "curve", style: PIECE[1] }],
    ],
    ["burn-in, thrown away", ["path", { d: "M1 8H33", style: `${BURNED}; ${PIECE[0]}` }]],
    ["joint: agrees", ["path", { d: ROUND(17, 8), style: GOOD }]],
    ["joint: not yet", ["path", { d: CROSS(17, 8), style: BAD }]],
  ]),
  details: true,
};

const counts = {
  name: "counts",
  column: 2,
  title: "In numbers",
  details: true,
  after: true,
  html: table([
    ["widest gap at a joint, mV", "worst"],
    ["joined run off the true one, mV", "error"],
    ["burn-in that brings every window to the true run, steps", "needed"],
    ["a gap changes per step at most by the factor", "factor"],
    ["steps one after the other: whole run", "alone"],
    ["steps one after the other: windows and rounds", "longest"],
    ["steps in all: windows and rounds", "all"],
  ]),
};

/** A button that runs one round of repair; after the last one it takes all of them back. */
function actions(view) {
  const button = make("button", { type: "button", title: "Run one round of repair" }, "Repair");
  button.addEventListener("click", () => {
    view.halt();
    const { rounds, windows } = view.controls;
    view.set({ rounds: rounds < windows - 1 ? rounds + 1 : 0 });
  });
  return [button];
}

export const drawing = {
  panels: [runs, gapsPanel, words, legend, counts],
  frame: windowsFrame,
  actions,
};
