// time_constant.js: one neuron, one synapse. The formula is closed, so JavaScript restates it and no table is needed;
// a test holds every number to those of ltcbook.dynamics and ltcbook.simulate.

import { hatch, keyPanel, ticksX, ticksY } from "./core/chart.js";
import { draw, patch, pool, write } from "./core/dom.js";
import { phrase, say } from "./core/format.js";
import { trail } from "./core/motion.js";
import { table } from "./core/numbers.js";
import { line, scale } from "./core/scale.js";

/** Share of open channels, time constant and goal at an input. */
function phaseOf({ w, E }, { c, g_leak, e_leak, gamma, mu }) {
  return (input) => {
    const open = 1 / (1 + Math.exp(-gamma * (input - mu)));
    const g = g_leak + w * open;
    return { open, tau: c / g, goal: (g_leak * e_leak + w * open * E) / g };
  };
}

/** One frame; the same dictionary as TimeConstantExplorer.compute in Python. @returns {any} */
export function timeFrame(controls, { neuron, length, sentences }) {
  const { u, w, dt, E } = controls;
  const { c, g_leak, e_leak } = neuron;
  const phase = phaseOf(controls, neuron);
  const [off, on] = [phase(0), phase(u)];
  const steps = Math.ceil(length / dt);
  const shares = { exact: (z) => 1 - Math.exp(-z), fused: (z) => z / (1 + z), euler: (z) => z };
  const frame = { controls: { ...controls }, off, on, start: off.goal, pulse: steps * dt };
  for (const [name, share] of Object.entries(shares)) {
    let x = off.goal;
    frame[name] = Array.from({ length: 2 * steps }, (_, k) => {
      const { tau, goal } = k < steps ? on : off;
      x += share(dt / tau) * (goal - x);
      return x;
    });
  }
  frame.bounds = { shortest: c / (g_leak + w), longest: c / g_leak, lo: Math.min(e_leak, E), hi: Math.max(e_leak, E) };
  return { ...frame, verdict: timeVerdict(on.tau, off.tau, dt, sentences) };
}

/** Speed and solver in one sentence each, chosen by the same rule as in Python. */
function timeVerdict(on, off, dt, sentences) {
  const gain = off / on;
  const speed = gain < 1 + 1e-9 ? "unmoved" : "faster";
  const step = dt > 2 * on ? "explodes" : dt > on ? "swings" : "stable";
  return [speed, step].map((name) => phrase(sentences[name], { on, gain, dt }));
}

const ROOM = 0.3; // mV drawn beyond the box
const END = 48; // ms

/** The exact state at any time, from the frame's phases (and with the leak's own speed, for the ghost). */
function solution({ on, off, start, pulse }, longest) {
  const move = (x, { tau, goal }, t) => goal + (x - goal) * Math.exp(-t / (longest ?? tau));
  return (t) => (t <= 0 ? start : t <= pulse ? move(start, on, t) : move(move(start, on, pulse), off, t - pulse));
}

const INK = "stroke: var(--ink)";
const GHOST = "stroke: var(--before); stroke-width: 1.6; stroke-dasharray: 5 4";
const STEPS = { fused: "fill: var(--plus)", euler: "fill: none; stroke: var(--minus); stroke-width: 2" };
const ON = "fill: var(--halo); opacity: 0.2";
const cross = (x, y) => `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`;

const state = {
  name: "state",
  column: 1,
  title: "The state x, mV (● fused, × Euler)",
  height: (width) => (width < 420 ? 300 : 340),
  build(svg, { width, height }, view) {
    const box = { left: 34, right: width - 8, top: 8, bottom: height - 38 };
    const x = scale([-3, END], [box.left, box.right]);
    const outside = hatch(svg, "unstable", 45);
    const beyond = [0, 1].flatMap(() => [draw(svg, "rect", { class: "unstable" }), draw(svg, "rect", { fill: outside })]);
    const on = draw(svg, "rect", { x: x(0), y: box.top, height: box.bottom - box.top, style: ON });
    for (const t of [0, 10, 20, 30, 40]) {
      draw(svg, "line", { x1: x(t), x2: x(t), y1: box.bottom, y2: box.bottom + 4, class: "axis" });
      draw(svg, "text", { x: x(t), y: box.bottom + 17, "text-anchor": "middle", class: "tick" }, say(t));
    }
    draw(svg, "text", { x: box.right, y: height - 4, "text-anchor": "end" }, "time, ms");
    const ticks = [0, 1, 2].map(() => draw(svg, "text", { x: box.left - 6, "text-anchor": "end", class: "tick" }));
    const edges = [0, 1].map(() =>
      draw(svg, "line", { x1: box.left, x2: box.right, class: "edge", "stroke-dasharray": "6 4" }),
    );
    const [end, middle] = [
      { x: box.right - 4, "text-anchor": "end" },
      { y: box.bottom - 8, "text-anchor": "middle" },
    ];
    const boxName = draw(svg, "text", { ...end, class: "quiet halo-text" }, "the box ends here");
    const onName = draw(svg, "text", { ...middle, class: "quiet" }, "input on");
    const goals = [0, 1].map(() => draw(svg, "line", { class: "level", "data-mark": "goal" }));
    const ghost = draw(svg, "path", { class: "curve", style: GHOST, "data-mark": "leak" });
    const exact = draw(svg, "path", { class: "curve", style: INK, "data-mark": "exact" });
    const [crosses, dots] = ["euler", "fused"].map((name) => draw(svg, "g", { "data-mark": name }));
    const taus = draw(svg, "g", { class: "after", "data-mark": "tau" });
    const drops = [0, 1].map(() => draw(taus, "path", { style: `${INK}; fill: none; stroke-width: 1.2` }));
    const peaks = [0, 1].map(() => draw(taus, "path", { class: "eigen own" }));
    const names = [0, 1].map(() => draw(taus, "text", { class: "strong halo-text" }));
    const goalName = draw(svg, "text", { class: "halo-text", "text-anchor": "middle" }, "goal");
    return ({ controls, verdict }) => {
      const frame = timeFrame(controls, view.spec); // on the way, too: every step of a move is a true frame
      const { lo, hi, longest } = frame.bounds;
      const y = scale([lo - ROOM, hi + ROOM], [box.bottom, box.top]);
      [
        [box.top, y(hi)],
        [y(lo), box.bottom],
      ].forEach(([top, bottom], i) => {
        for (const part of beyond.slice(2 * i, 2 * i + 2)) {
          patch(part, { x: box.left, width: box.right - box.left, y: top, height: bottom - top });
        }
        patch(edges[i], { y1: y(i ? lo : hi), y2: y(i ? lo : hi) });
      });
      patch(on, { width: x(frame.pulse) - x(0) });
      patch(onName, { x: x(frame.pulse / 2) });
      patch(boxName, { y: y(hi) - 6 });
      [lo, (lo + hi) / 2, hi].forEach((value, i) => {
        patch(ticks[i], { y: y(value) + 4 });
        write(ticks[i], say(value));
      });
      const curve = (at) =>
        line(Array.from({ length: 241 }, (_, i) => -3 + (i * (2 * frame.pulse + 3)) / 240).map((t) => [x(t), y(at(t))]));
      const at = solution(frame);
      patch(exact, { d: curve(at) });
      patch(ghost, { d: curve(solution(frame, longest)) });
      const up = frame.controls.E > 0 ? 1 : -1;
      ["on", "off"].forEach((name, i) => {
        const { tau, goal } = frame[name];
        const begin = i * frame.pulse;
        const [start, t] = [at(begin), begin + tau];
        patch(goals[i], { x1: x(begin), x2: x(begin + frame.pulse), y1: y(goal), y2: y(goal) });
        const still = Math.abs(start - goal) < 0.02;
        const [px, py] = [x(t), y(at(t))];
        patch(drops[i], { d: `M${x(begin)} ${y(start)}H${px}V${py}`, display: still ? "none" : null });
        patch(peaks[i], { d: `M${px - 5} ${py}l5 -6l5 6l-5 6Z`, display: still ? "none" : null });
        const room = px < box.right - 90;
        patch(names[i], {
          x: room ? px + 9 : box.right,
          y: py + (i === 0 ? 14 * up : -6 * up - (room ? 0 : 12 * up)) + 4,
          "text-anchor": room ? "start" : "end",
          display: still ? "none" : null,
        });
        write(names[i], `τ = ${say(tau)} ms`);
      });
      patch(goalName, { x: x(frame.pulse * 0.7), y: y(frame.on.goal) + (up > 0 ? -11 : 20) });
      const place = (values) => values.map((value, k) => [x((k + 1) * frame.controls.dt), y(value)]);
      pool(dots, "circle", place(frame.fused), ([cx, cy]) => ({ cx, cy, r: 3.4, style: STEPS.fused }));
      pool(crosses, "path", place(frame.euler), ([px, py]) => ({ d: cross(px, py), style: STEPS.euler }));
      return (
        `The state over time: from ${say(frame.start)} towards the goal ${say(frame.on.goal)} mV and back. ` +
        verdict.map(([, text]) => text).join(" ")
      );
    };
  },
};

const marks = keyPanel("marks", 1, [
  ["exact", ["path", { d: "M1 8H33", class: "curve", style: INK }]],
  ["fused steps", ["circle", { cx: 17, cy: 8, r: 4, style: STEPS.fused }]],
  ["Euler steps (at the edge: beyond it)", ["path", { d: cross(17, 8), style: STEPS.euler }]],
  ["same goal, at the leak’s speed", ["path", { d: "M1 8H33", class: "curve", style: GHOST }]],
]);

const speed = {
  name: "speed",
  column: 2,
  title: "τ_sys against the input (grey: at first)",
  height: () => 250,
  build(svg, { width, height }, view) {
    const { longest } = timeFrame(view.defaults, view.spec).bounds;
    const { neuron } = view.spec;
    const box = { left: 34, right: width - 10, top: 20, bottom: height - 38 };
    const x = scale([0, 1], [box.left, box.right]);
    const y = scale([0, longest * 1.06], [box.bottom, box.top]);
    ticksX(svg, box, x, [0, 0.5, 1]);
    ticksY(svg, box, y, [0, 5, 10], { left: 6 });
    draw(svg, "text", { x: box.right, y: height - 4, "text-anchor": "end" }, "input u");
    draw(svg, "text", { x: box.left - 26, y: 10, class: "quiet" }, "ms");
    const bounds = [0, 1].map(() =>
      draw(svg, "line", { x1: box.left, x2: box.right, class: "edge", "stroke-dasharray": "6 4" }),
    );
    draw(svg, "text", { x: box.right, y: y(longest) - 6, "text-anchor": "end", class: "quiet" }, "only the leak");
    const open = draw(svg, "text", { x: box.left + 6, class: "quiet halo-text" }, "all channels open");
    const told = draw(svg, "g", { class: "after" });
    const was = draw(told, "path", { class: "curve", style: GHOST });
    const curve = draw(told, "path", { class: "curve", style: INK, "data-mark": "speed" });
    const trace = trail(draw(told, "g"));
    const point = draw(told, "circle", { r: 7, class: "point" });
    const name = draw(told, "text", { class: "strong halo-text" });
    const shape = (controls) => {
      const phase = phaseOf(controls, neuron);
      return line(Array.from({ length: 61 }, (_, i) => i / 60).map((u) => [x(u), y(phase(u).tau)]));
    };
    patch(was, { d: shape(view.defaults) });
    return (frame) => {
      const { controls } = frame; // on the way between two states these move, too
      const { c, g_leak } = neuron;
      const shortest = c / (g_leak + controls.w);
      const { tau } = phaseOf(controls, neuron)(controls.u);
      [longest, shortest].forEach((value, i) => patch(bounds[i], { y1: y(value), y2: y(value) }));
      patch(open, { y: Math.min(y(shortest) + 15, box.bottom - 4), display: controls.w > 0.1 ? null : "none" });
      patch(curve, { d: shape(controls) });
      const [px, py] = [x(controls.u), y(tau)];
      const right = controls.u > 0.6;
      trace([[px, py]]);
      patch(point, { cx: px, cy: py });
      patch(name, { x: px + (right ? -2 : 10), y: py - 12, "text-anchor": right ? "end" : "start" });
      write(name, `${say(tau)} ms`);
      return (
        `Time constant against input, falling from ${say(frame.off.tau)} ms at 0; at u = ${say(controls.u)} it is ` +
        `${say(frame.on.tau)} ms, between its bounds ${say(shortest)} and ${say(longest)} ms.`
      );
    };
  },
};

const values = {
  name: "values",
  column: 2,
  title: "In numbers",
  html: table(
    [
      ["open channels, share", "off.open", "on.open"],
      ["τ_sys, ms", "off.tau", "on.tau"],
      ["goal, mV", "off.goal", "on.goal"],
    ],
    ["input off", "input on"],
  ),
};

export const drawing = {
  panels: [state, speed, { ...marks, details: true }, { ...values, details: true }],
  frame: timeFrame,
  moves: { controls: "blend" },
};
