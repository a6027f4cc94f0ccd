// charts.js: what happens over a drive: the wheel, one neuron's time constant, eigenvalues, dV/dt, and the loss of a training.

import { clipTo, tickX, tickY, ticksX, unstableHalf } from "../core/chart.js";
import { draw, patch, pool, write } from "../core/dom.js";
import { say } from "../core/format.js";
import { numbers } from "../core/numbers.js";
import { line, scale, spread } from "../core/scale.js";
import { FRAME } from "../model/lane.js";

const LIMIT = 3; // wheels at the edge of the chart
const CLOCKS = [1, 1000]; // ms at the edges of the chart
const FAST = [-20, -100, -500]; // ticks of the eigenvalues
const SECONDS = [0, 5, 10, 15, 20];

/** A line that grows with the drive: only what is new is written. */
function growing(path, x, y) {
  let [d, count, lap] = ["", 0, -1];
  return (values, now) => {
    if (now !== lap || values.length < count) [d, count, lap] = ["", 0, now];
    for (; count < values.length; count += 1)
      d += `${count ? "L" : "M"}${x(count).toFixed(1)} ${y(values[count]).toFixed(1)}`;
    patch(path, { d });
  };
}

/** The neuron whose time constant is shown: the one in focus, else the one whose time constant moves most in the stored circuit. */
function shown({ spec, life }, focused) {
  const { m } = life.mind.base;
  return focused !== null && focused >= m ? focused - m : spec.liveliest;
}

/** The wheel of circuit and expert, and one neuron's time constant, over the drive. */
export const tracks = {
  name: "tracks",
  column: 1,
  title: "Wheel: solid circuit, dashed expert",
  height: (width, spec, room) => (room < 460 ? 170 : 122),
  build(svg, { width, height }, view) {
    const { life } = view;
    const { frames } = view.spec;
    const box = { left: 34, right: width - 8, top: 4, bottom: height - 18 };
    const split = box.top + 0.5 * (box.bottom - box.top);
    const [upper, lower] = [
      { ...box, bottom: split - 8 },
      { ...box, top: split + 10 },
    ];
    const x = scale([0, frames * FRAME], [box.left, box.right]);
    const wheel = scale([-LIMIT, LIMIT], [upper.bottom, upper.top]);
    const tau = scale(CLOCKS, [lower.bottom, lower.top], Math.log);
    ticksX(svg, box, x, SECONDS, { below: 14, mark: true });
    draw(svg, "line", { x1: box.left, x2: box.right, y1: wheel(0), y2: wheel(0), class: "axis" });
    for (const at of [-2, 0, 2]) tickY(svg, upper, wheel, at, 6);
    draw(svg, "line", { x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom, class: "axis" });
    for (const at of [10, 100]) {
      draw(svg, "line", { x1: box.left, x2: box.right, y1: tau(at), y2: tau(at), class: "grid" });
      tickY(svg, lower, tau, at, 6);
    }
    const inside = clipTo(svg, box);
    const best = growing(draw(inside, "path", { class: "curve expert" }), (k) => x(k * FRAME), wheel);
    const own = growing(draw(inside, "path", { class: "curve steering", "data-mark": "wheel" }), (k) => x(k * FRAME), wheel);
    const clock = draw(inside, "path", { class: "curve clock", "data-mark": "tau" });
    const slow = growing(clock, (k) => x(k * FRAME), tau);
    const label = (y, text) => draw(svg, "text", { x: box.right, y, "text-anchor": "end", class: "quiet halo-text" }, text);
    label(upper.top + 9, "left ↑");
    const name = label(lower.top + 4, "");
    const cursor = draw(svg, "line", { y1: box.top, y2: box.bottom, class: "cursor" });
    let seen = -1;
    return (now, controls, focused) => {
      const { log, lap } = life;
      const i = shown(view, focused);
      own(log.wheel, lap);
      best(log.best, lap);
      slow(
        log.tau.map((all) => all[i]),
        seen === i ? lap : lap + 0.5 * (i + 1),
      );
      seen = i;
      const at = x((log.wheel.length - 1) * FRAME);
      patch(cursor, { x1: at, x2: at });
      const { role, place } = view.spec.nodes[i + life.mind.base.m];
      write(name, `τ of ${role} ${place}: ${say(log.tau[log.tau.length - 1][i], 2)} ms`);
      if (life.playing) return;
      return (
        `The wheel of the circuit beside the expert's over ${say(log.wheel.length * FRAME)} s, and the time constant of ` +
        `${role} neuron ${place}, now ${say(log.tau[log.tau.length - 1][i], 2)} ms.`
      );
    };
  },
};

/** Eigenvalues of the Jacobian at the present state: hollow those of the whole circuit at the same state. */
export const spectrum = {
  name: "spectrum",
  column: 2,
  title: "Eigenvalues per s: hollow uncut",
  height: (width, spec, room) => (room < 460 ? 110 : 78),
  build(svg, { width, height }, view) {
    const { life } = view;
    const box = { left: 8, right: width - 8, top: 4, bottom: height - 18 };
    const x = scale([-1200, 6], [box.left, box.right], spread(4));
    const y = scale([-120, 120], [box.bottom, box.top], spread(10));
    unstableHalf(svg, box, x);
    draw(svg, "line", { x1: box.left, x2: box.right, y1: y(0), y2: y(0), class: "axis" });
    draw(svg, "line", { x1: x(0), x2: x(0), y1: box.top, y2: box.bottom + 3, class: "boundary" });
    for (const tick of [...FAST, -4, 0]) {
      if (tick) draw(svg, "line", { x1: x(tick), x2: x(tick), y1: box.top, y2: box.bottom, class: "grid" });
      tickX(svg, box, x, tick, 14);
    }
    const [rings, hollow, dots, squares] = [0, 1, 2, 3].map(() => draw(svg, "g", { class: "after" }));
    const ring = draw(svg, "circle", { r: 10, class: "ring", display: "none" });
    const square = (value, half) => `M${(x(value) - half).toFixed(1)} ${y(0) - half}h${2 * half}v${2 * half}h${-2 * half}Z`;
    const spot = ([re, im]) => ({ cx: x(re).toFixed(1), cy: y(im).toFixed(1) });
    return (now, controls, focused) => {
      const { spectrum: here, ghost } = life;
      pool(squares, "path", here.own, (value) => ({ d: square(value, 4), class: "eigen own" }));
      pool(dots, "circle", here.command, (value) => ({ ...spot(value), r: 4.5, class: "eigen" }));
      pool(hollow, "path", ghost?.own ?? [], (value) => ({ d: square(value, 4.5), class: "ghost" }));
      pool(rings, "circle", ghost?.command ?? [], (value) => ({ ...spot(value), r: 5, class: "ghost" }));
      const i = focused === null ? -1 : view.spec.own.indexOf(focused - life.mind.base.m);
      patch(ring, i < 0 ? { display: "none" } : { display: null, cx: x(here.own[i]).toFixed(1), cy: y(0) });
      if (life.playing) return;
      const slowest = Math.max(...here.own, ...here.command.map(([re]) => re));
      return (
        `Eigenvalues of the Jacobian at the present state, ${slowest < 0 ? "all left" : "not all left"} of the stability boundary; ` +
        `the slowest is ${say(slowest)} per second.`
      );
    };
  },
};

/** dV/dt of a certified V along the drive. */
export const descent = {
  name: "descent",
  column: 2,
  title: "dV/dt of a certified V, input held",
  height: (width, spec, room) => (room < 460 ? 110 : 74),
  build(svg, { width, height }, view) {
    const { life } = view;
    const { frames } = view.spec;
    const box = { left: 40, right: width - 8, top: 4, bottom: height - 18 };
    const x = scale([0, frames * FRAME], [box.left, box.right]);
    const y = scale([-400, 4], [box.bottom, box.top], spread(1));
    draw(svg, "rect", { x: box.left, y: box.top, width: box.right - box.left, height: y(0) - box.top, class: "rising" });
    for (const at of [0, -10, -100]) {
      draw(svg, "line", { x1: box.left, x2: box.right, y1: y(at), y2: y(at), class: at ? "grid" : "boundary" });
      tickY(svg, box, y, at, 6);
    }
    ticksX(svg, box, x, SECONDS, { below: 14, mark: true });
    const curve = draw(clipTo(svg, box), "path", { class: "curve certified after", "data-mark": "certified" });
    const none = draw(svg, "text", {
      x: (box.left + box.right) / 2,
      y: (y(0) + box.bottom) / 2 + 8,
      class: "quiet halo-text",
      "text-anchor": "middle",
    });
    let [d, count, lap, pen] = ["", 0, -1, "M"];
    return () => {
      const list = life.log.descent;
      if (life.lap !== lap || list.length < count) [d, count, lap, pen] = ["", 0, life.lap, "M"];
      for (; count < list.length; count += 1) {
        const [frame, value] = list[count];
        if (value !== null) d += `${pen}${x(frame * FRAME).toFixed(1)} ${y(value).toFixed(1)}`;
        pen = value === null ? "M" : "L";
      }
      patch(curve, { d });
      write(none, life.descent === null ? "no certificate at this state" : "");
      if (life.playing) return;
      return life.descent === null
        ? "No V is certified at the present state."
        : `A certified V falls at the present state: dV/dt is ${say(life.descent, 2)} per second.`;
    };
  },
};

/** The drive of the uncut circuit and this one, and what the event moved. */
export const counts = {
  name: "counts",
  column: 2,
  details: true,
  title: "In numbers",
  html: numbers([
    ["left the road after, s", "before.left", "path.left"],
    ["from the middle, m (root mean square)", "before.rms", "path.rms"],
    ["synapses cut", null, "counts.cut"],
    ["new", null, "counts.grown"],
    ["below T but blocked", null, "counts.blocked"],
  ]),
};

/** The loss of the training on this page, by step. */
export const learning = {
  name: "learning",
  column: 1,
  title: "Loss of the training here",
  compact: true,
  compactTitle: "Loss of the training here",
  height: (width, spec, room) => (room < 460 ? 84 : 54),
  build(svg, { width, height }, view) {
    const { life } = view;
    const box = { left: 34, right: width - 8, top: 4, bottom: height - 18 };
    const x = scale([0, 150], [box.left, box.right]);
    const y = scale([0.02, 2], [box.bottom, box.top], Math.log);
    for (const at of [0.1, 1]) {
      draw(svg, "line", { x1: box.left, x2: box.right, y1: y(at), y2: y(at), class: "grid" });
      tickY(svg, box, y, at, 6);
    }
    draw(svg, "line", { x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom, class: "axis" });
    ticksX(svg, box, x, [0, 50, 100, 150], { below: 14, mark: true });
    const curve = draw(svg, "path", { class: "curve loss", "data-mark": "loss" });
    const dot = draw(svg, "circle", { r: 4, class: "eigen", display: "none" });
    const hint = draw(svg, "text", {
      x: (box.left + box.right) / 2,
      y: (box.top + box.bottom) / 2 + 4,
      class: "quiet halo-text",
      "text-anchor": "middle",
    });
    return () => {
      const { losses } = life;
      const points = losses.map(([step, loss]) => [x(step), y(loss)]);
      patch(curve, { d: points.length > 1 ? line(points) : "" });
      const last = points[points.length - 1];
      patch(dot, last ? { display: null, cx: last[0].toFixed(1), cy: last[1].toFixed(1) } : { display: "none" });
      patch(
        hint,
        last
          ? { x: box.right, y: box.top + 12, "text-anchor": "end" }
          : { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 + 4, "text-anchor": "middle" },
      );
      write(
        hint,
        last
          ? `${say(losses[losses.length - 1][1], 2)} after ${say(life.seconds, 2)} s`
          : "Press Train or Retrain: it shows here.",
      );
      if (life.training || !last) return last ? undefined : "No training yet.";
      return `Loss of the training by step: from ${say(losses[0][1], 2)} to ${say(losses[losses.length - 1][1], 2)}.`;
    };
  },
};
