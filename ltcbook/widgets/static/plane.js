// plane.js: the Lyapunov plane of two targets and one synapse. The formulas are closed, so JavaScript restates them and
// no table is needed; a test holds every number to those of ltcbook.dynamics and ltcbook.analysis.

import { arrowHead, clipTo, hatch, keyPanel, ruleX, ruleY, tickX, tickY, ticksY, whole } from "./core/chart.js";
import { draw, patch, write } from "./core/dom.js";
import { phrase, say } from "./core/format.js";
import { pointHandle, putHandle } from "./core/handle.js";
import { numbers } from "./core/numbers.js";
import { trail } from "./core/motion.js";
import { line, scale } from "./core/scale.js";

/** One frame; the same dictionary as PlaneExplorer.compute in Python. */
export function planeFrame(controls, { gate = 0.5, capacitance = 1, leak = 1, length = 4, sentences = null } = {}) {
  const { about, E, w, W, p, q, x_j, x_k } = controls;
  const tilt = q * Math.sqrt(p);
  const form = (y, z) => p * y[0] * z[0] + tilt * (y[0] * z[1] + y[1] * z[0]) + y[1] * z[1];
  const point = [x_j, x_k];
  const V = form(point, point);
  const side = (pull) => {
    const decay = pull.map((b) => leak / capacitance + b);
    const rest = pull.map((b, i) => (b * E) / decay[i]);
    const centre = about === "rest" ? rest : [0, 0];
    const far = point.map((at, i) => at + centre[i] - rest[i]); // the distance from rest
    const velocity = far.map((at, i) => -decay[i] * at);
    const curve =
      V === 0
        ? null
        : Array.from({ length: 41 }, (_, n) => {
            const e = far.map((at, i) => rest[i] - centre[i] + at * Math.exp(-decay[i] * length * (n / 40) ** 2));
            return form(e, e) / V;
          });
    return {
      vdot: 2 * form(point, velocity),
      velocity,
      rest,
      decay,
      limit: (2 * Math.sqrt(decay[0] * decay[1])) / (decay[0] + decay[1]),
      curve,
    };
  };
  const before = side([(w * gate) / capacitance, 0]);
  const after = side([0, (W * gate) / capacitance]);
  const frame = { controls: { ...controls }, V, before, after, change: after.vdot - before.vdot };
  return { ...frame, verdict: sentences ? planeVerdict(frame, controls, sentences) : [] };
}

function planeVerdict({ before, after, change }, controls, sentences) {
  const [wasUp, up] = [before.vdot > 1e-12, after.vdot > 1e-12];
  const less = up ? "rises_slower" : wasUp ? "now_falls" : "falls_faster";
  const more = up ? (wasUp ? "rises_faster" : "now_rises") : "falls_slower";
  const fate = Math.abs(change) < 1e-12 ? "same" : change < 0 ? less : more;
  const first = phrase(sentences[fate], { was: before.vdot, now: after.vdot });
  if (controls.about === "origin") {
    return [first, phrase(sentences.origin, { j: after.rest[0], k: after.rest[1] })];
  }
  const q = Math.abs(controls.q);
  const [was, now] = [q < before.limit, q < after.limit];
  const proof = was ? (now ? "both" : "lost") : now ? "gained" : "never";
  return [first, phrase(sentences[proof], { q, before: before.limit, after: after.limit })];
}

/**
 * Where dV/dt grows by the event (kind "change"), or where it is positive afterwards (kind "rise"): polygons.
 * Both are quadratic in x_k with a negative leading coefficient, so each column holds one interval at most.
 */
function growing({ about, E, w, W, p, q }, { gate, capacitance, leak, reach }, kind) {
  const tilt = q * Math.sqrt(p);
  const rise = kind === "rise";
  const a = rise ? leak / capacitance : 0;
  const [b, B] = [rise ? 0 : (-w * gate) / capacitance, (W * gate) / capacitance];
  const drive = about === "origin" ? E : 0;
  const pieces = [];
  let run = null;
  for (let i = 0; i <= 240; i += 1) {
    const x = -reach + (2 * reach * i) / 240;
    const move = b * drive - (a + b) * x; // of j; k moves by B drive - (a + B) y
    const square = -(a + B);
    const linear = B * drive + tilt * (move - (a + B) * x);
    const constant = p * x * move + tilt * x * B * drive;
    const inside = linear * linear - 4 * square * constant;
    if (inside <= 0) {
      run = null;
      continue;
    }
    if (!run) pieces.push((run = { low: [], high: [] }));
    const root = Math.sqrt(inside) / (2 * square);
    run.low.push([x, -linear / (2 * square) + root]);
    run.high.push([x, -linear / (2 * square) - root]);
  }
  return pieces.filter(({ low }) => low.length > 1).map(({ low, high }) => [...high, ...low.reverse()]);
}

const RISES = "fill: none; stroke: var(--minus); stroke-width: 2.4";
const LARGEST = 400;
const LEVEL = "fill: none; stroke: var(--plus); stroke-width: 1.6";

const flowClass = (name) => `flow ${name}${name === "is" ? " after" : ""}`;

/** Pixels per mV/ms of an arrow: compressed, so that a slow flow stays visible and a fast one inside. */
const arrowSize = (speed) => (24 + (60 * speed) / (1 + speed)) / Math.max(speed, 1e-9);

/** P e and V of the point. */
const slopeOf = ({ p, q, x_j, x_k }) => [p * x_j + q * Math.sqrt(p) * x_k, q * Math.sqrt(p) * x_j + x_k];
const levelOf = (at) => slopeOf(at)[0] * at.x_j + slopeOf(at)[1] * at.x_k;

const statePlane = {
  name: "plane",
  column: 1,
  title: "Drag the point. Striped: the event raises dV/dt",
  height: (width) => Math.min(width, LARGEST) + 4,
  build(svg, { width, height }, view) {
    const { reach } = view.spec;
    const side = Math.min(width, LARGEST) - 44;
    const left = Math.max(38, (width - side) / 2);
    const box = { left, right: left + side, top: 10, bottom: 10 + side };
    const x = (at) => left + (side * (at + reach)) / (2 * reach); // `scale` clamps, and regions leave the box
    const y = (at) => box.bottom - (side * (at + reach)) / (2 * reach);
    const inside = clipTo(svg, box, 2);
    draw(inside, "rect", { ...whole(box), class: "field" });
    const slower = [
      draw(inside, "path", { class: "fails after" }),
      draw(inside, "path", { class: "after", fill: hatch(svg, "fails", -45, 7) }),
      draw(inside, "path", { class: "edge after" }),
    ];
    for (const part of slower) patch(part, { "data-mark": "stripes" });
    for (const tick of [-1, 0, 1]) {
      ruleX(inside, box, x, tick);
      ruleY(inside, box, y, tick);
      tickX(svg, box, x, tick, 16);
      tickY(svg, box, y, tick, 7);
    }
    const axes = { origin: ["x_j, mV", "x_k"], rest: ["e_j, mV", "e_k"] };
    const names = Object.entries(axes).map(([about, [across, up]]) => [
      about,
      draw(svg, "text", { x: box.right, y: box.bottom + 32, "text-anchor": "end" }, across),
      draw(svg, "text", { x: box.left - 8, y: box.top + 10, "text-anchor": "end" }, up),
    ]);
    const rising = draw(inside, "path", { style: RISES, class: "after", "data-mark": "rises" });
    const risingNote = draw(svg, "text", {
      x: box.right - 5,
      y: box.top + 15,
      "text-anchor": "end",
      class: "quiet halo-text after",
    });
    write(risingNote, "within bold: V rises after the event");
    const room = draw(inside, "rect", { class: "room" });
    const roomName = draw(inside, "text", { class: "quiet halo-text", "text-anchor": "middle" }, "where states live");
    const levels = [0.25, 1, 2.25].map(() => draw(inside, "path", { class: "level" }));
    const level = draw(inside, "path", { style: LEVEL, "data-mark": "level" });
    const trails = trail(draw(inside, "g"));
    const rests = [draw(inside, "circle", { r: 6, class: "ghost" }), draw(inside, "circle", { r: 5, class: "eigen after" })];
    const restNames = ["rest before", "rest after"].map((text) => draw(inside, "text", { class: "halo-text" }, text));
    patch(restNames[1], { class: "halo-text after" });
    const flows = ["was", "is"].map((name) =>
      draw(inside, "line", { class: flowClass(name), "marker-end": arrowHead(svg, name) }),
    );
    draw(inside, "circle", { cx: x(0), cy: y(0), r: 2.5, class: "origin-dot" });
    const handle = pointHandle(
      svg,
      view,
      box,
      ["x_j", "x_k"],
      [
        [-reach, reach],
        [-reach, reach],
      ],
      0.05,
    );
    const turn = Array.from({ length: 73 }, (_, i) => [Math.cos((Math.PI * i) / 36), Math.sin((Math.PI * i) / 36)]);
    return (frame, { about, x_j, x_k }) => {
      const shown = { ...frame.controls, about, x_j, x_k }; // the point is where the hand is, the rest may be on its way
      const { E, p, q } = shown;
      const own = about === "rest";
      const shape = (kind) =>
        growing(shown, view.spec, kind)
          .map((piece) => `${line(piece.map(([u, v]) => [x(u), y(v)]))}Z`)
          .join("");
      const [striped, up] = [shape("change"), shape("rise")];
      for (const part of slower) patch(part, { d: striped || null });
      patch(rising, { d: up || null });
      patch(risingNote, { display: up ? null : "none" });
      for (const [name, ...texts] of names)
        texts.forEach((text) => patch(text, { display: name === about ? null : "none" }));
      // e'Pe = size: with P = L L', e = L'^-1 (cos, sin) sqrt(size)
      const ellipse = (size) =>
        `${line(
          turn.map(([c, s]) => {
            const e_k = s / Math.sqrt(1 - q * q);
            return [x((Math.sqrt(size) * (c - q * e_k)) / Math.sqrt(p)), y(Math.sqrt(size) * e_k)];
          }),
        )}Z`;
      [0.25, 1, 2.25].forEach((size, i) => patch(levels[i], { d: ellipse(size) }));
      patch(level, { d: ellipse(levelOf(shown)) });
      const [low, high] = [Math.min(0, E), Math.max(0, E)];
      for (const part of [room, roomName]) patch(part, { display: own ? "none" : null });
      patch(room, { x: x(low), y: y(high), width: x(high) - x(low), height: y(low) - y(high) });
      patch(roomName, { x: x(E / 2), y: E > 0 ? y(high) - 6 : y(low) + 15 });
      [frame.before, frame.after].forEach(({ rest, velocity }, i) => {
        const at = own ? [0, 0] : rest;
        patch(rests[i], { cx: x(at[0]), cy: y(at[1]) });
        patch(restNames[i], { x: x(at[0]) + 10, y: y(at[1]) + (i ? 4 : E > 0 ? 17 : -9), display: own ? "none" : null });
        const speed = Math.hypot(...velocity);
        const size = arrowSize(speed);
        patch(flows[i], {
          x1: x(x_j),
          y1: y(x_k),
          x2: x(x_j) + velocity[0] * size,
          y2: y(x_k) - velocity[1] * size,
          display: speed < 1e-3 ? "none" : null,
        });
      });
      trails(own ? [] : [frame.after.rest.map((at, i) => (i ? y : x)(at))]);
      putHandle(handle, [x(x_j), y(x_k)], { width, height }, `Point: along j ${say(x_j)}, along k ${say(x_k)}`);
      return `Plane of ${own ? "the distances from rest" : "the states"} of j and k. ${frame.verdict[0][1]}`;
    };
  },
};

const closeUp = {
  name: "near",
  column: 2,
  title: "The point, close up: V grows upwards",
  height: (width) => (width < 420 ? 148 : 168),
  build(svg, { width, height }) {
    const box = { left: 4, right: width - 4, top: 4, bottom: height - 4 };
    const inside = clipTo(svg, box);
    const [cx, cy] = [width / 2, height / 2];
    draw(inside, "rect", { ...whole({ ...box, bottom: cy }), class: "rising" });
    draw(inside, "line", { x1: box.left, x2: box.right, y1: cy, y2: cy, style: LEVEL, "data-mark": "level" });
    draw(svg, "text", { x: box.left + 6, y: box.top + 15, class: "quiet" }, "V larger");
    draw(svg, "text", { x: box.left + 6, y: box.bottom - 7, class: "quiet" }, "V smaller");
    const flows = ["was", "is"].map((name) =>
      draw(inside, "line", { class: flowClass(name), "marker-end": arrowHead(svg, name), x1: cx, y1: cy }),
    );
    draw(inside, "circle", { cx, cy, r: 5, class: "point" });
    const names = ["before", "after"].map((name) => draw(svg, "text", { class: `halo-text ${name}` }, name));
    const none = draw(svg, "text", { x: cx, y: cy - 12, "text-anchor": "middle", class: "quiet halo-text" });
    return (frame, { x_j, x_k }) => {
      const slope = slopeOf({ ...frame.controls, x_j, x_k });
      const steep = Math.hypot(...slope);
      const [a, b] = steep ? slope.map((part) => part / steep) : [0, 1];
      write(none, steep ? "" : "V is 0 here");
      const tips = [frame.before, frame.after].map(({ velocity: [u, v] }) => {
        const size = 1.6 * arrowSize(Math.hypot(u, v));
        const reach = Math.min(1, (0.42 * height) / Math.max(1e-9, Math.abs(a * u + b * v) * size)) * size;
        return [cx + (b * u - a * v) * reach, cy - (a * u + b * v) * reach];
      });
      tips.forEach(([x2, y2], i) => {
        const first = x2 - tips[1 - i][0] < 0 || (x2 === tips[1 - i][0] && i === 0); // names stand on the outer sides
        const moves = steep && Math.hypot(x2 - cx, y2 - cy) > 1 ? null : "none";
        patch(flows[i], { x2, y2, display: moves });
        patch(names[i], {
          x: x2 + (first ? -9 : 9),
          y: y2 + (y2 < cy ? 0 : 8),
          display: moves,
          "text-anchor": first ? "end" : "start",
        });
      });
      const way = ({ vdot }) => (vdot > 1e-12 ? "to larger V" : vdot < -1e-12 ? "to smaller V" : "along the line");
      return `The level line of V at the point. The velocity leads ${way(frame.before)} before the event, ${way(frame.after)} after it.`;
    };
  },
};

const flow = (name) => [
  ["path", { d: "M1 8H27", class: `flow ${name}` }],
  ["path", { d: "M25 4L33 8L25 12Z", class: `head ${name}` }],
];
const marks = {
  ...keyPanel("marks", 1, [
    ["velocity before", ...flow("was")],
    ["after", ...flow("is")],
    ["V is the same all along it", ["path", { d: "M3 15A17 17 0 0 1 31 15", style: LEVEL }]],
    ["inside, V rises after the event", ["path", { d: "M1 8H33", style: RISES }]],
  ]),
  details: true,
};

const TOP = 3;

const fall = {
  name: "fall",
  column: 2,
  title: "V / V(0) over time; dashed: before",
  height: (width) => (width < 420 ? 152 : 190),
  build(svg, { width, height }, view) {
    const { length } = view.spec;
    const box = { left: 26, right: width - 10, top: 8, bottom: height - 38 };
    const x = scale([0, length], [box.left, box.right]);
    const y = (at) => box.bottom - ((box.bottom - box.top) * at) / TOP;
    ticksY(svg, box, y, [0, 1, 2, 3]);
    for (let tick = 0; tick <= length; tick += 1) {
      tickX(svg, box, x, tick, 17);
    }
    draw(svg, "text", { x: box.right, y: height - 4, "text-anchor": "end" }, "time, ms");
    const inside = clipTo(svg, box, 2);
    const curves = ["was", "is"].map((name) =>
      draw(inside, "path", { class: flowClass(name), fill: "none", "data-mark": "curve" }),
    );
    const note = draw(svg, "text", {
      x: box.right - 2,
      y: box.top + 14,
      "text-anchor": "end",
      class: "quiet halo-text after",
    });
    return ({ before, after }) => {
      [before, after].forEach(({ curve }, i) =>
        patch(curves[i], {
          d: curve && line(curve.map((value, n) => [x(length * (n / (curve.length - 1)) ** 2), y(value)])),
        }),
      );
      const most = after.curve && Math.max(...after.curve);
      write(note, !after.curve ? "V is 0 here" : most > TOP ? `up to ${say(most)}` : "");
      const last = after.curve?.[after.curve.length - 1];
      return after.curve
        ? `V over ${length} ms: after the event it ends at ${say(last)} times its first value.`
        : "V is 0 here.";
    };
  },
};

const sums = {
  name: "sums",
  column: 2,
  title: "In numbers",
  details: true,
  after: true,
  html: numbers([
    ["dV/dt, per ms", "before.vdot", "after.vdot"],
    ["decay of j, per ms", "before.decay.0", "after.decay.0"],
    ["decay of k, per ms", "before.decay.1", "after.decay.1"],
    ["|q| allowed, own rest", "before.limit", "after.limit"],
  ]),
};

export const drawing = {
  panels: [statePlane, closeUp, fall, marks, sums],
  frame: planeFrame,
  moves: { controls: "blend", before: "blend", after: "blend" },
};
