// threshold.js: T moves; the network, the Jacobian's eigenvalues and two functions V answer together.

import { hatch, key, tickX, tickY, ticksX, unstableHalf } from "./core/chart.js";
import { drawCircuit, counted, chooseNeuron, neighbours, pointAt, signOf, signs, untangle } from "./core/circuit.js";
import { draw, keyed, patch, pool, write } from "./core/dom.js";
import { percent, phrase, say } from "./core/format.js";
import { drag } from "./core/handle.js";
import { idly } from "./core/idle.js";
import { play, still, trail } from "./core/motion.js";
import { numbers } from "./core/numbers.js";
import { line, scale, spread } from "./core/scale.js";
import { cellOf } from "./model/event.js";
import { held } from "./model/ltc.js";
import { restOf } from "./model/stability.js";
import { frameAt, ratesAt, spectrumAt } from "./model/threshold_frame.js";

const TICKS = [-20, -10, -5, -3, -2, -1, -0.5, 0];

// ---- One frame, computed here ---------------------------------------------------------------------------------------

const starts = new WeakMap(); // spec -> Map of what holds before the event, by network and input

/** Network, input and everything before the event, for the controls. */
function before(spec, { circuit, input }) {
  const name = `${circuit} ${input}`;
  if (!starts.has(spec)) starts.set(spec, new Map());
  const known = starts.get(spec);
  if (!known.has(name)) {
    const { network, own, command, u: full } = spec.circuits[circuit];
    const u = full.map((value) => value * input);
    const net = held(cellOf(network), u);
    const start = restOf(
      net,
      network.c.map(() => 0),
    );
    known.set(name, { u, start, spectrum: start && spectrumAt(net, start, own, command) });
  }
  return known.get(name);
}

/** What an event needs to know beside T. */
function setting(spec, controls) {
  const { network, own, command, plans } = spec.circuits[controls.circuit];
  const { target, weight } = spec.rules[controls.rule];
  const choices = plans[target];
  const plan = choices[Math.min(controls.seed, choices.length - 1)];
  const { u, start } = before(spec, controls);
  const inherit = controls.sign === "inherit";
  return { network, plan, options: { weight, inherit, u, own, command, start, times: spec.times } };
}

function frame(controls, spec) {
  const { network, plan, options } = setting(spec, controls);
  const was = before(spec, controls).spectrum;
  const {
    cut,
    grown,
    blocked,
    raised,
    moved,
    spectrum: now,
    shift,
    origin,
    certified,
  } = frameAt(network, plan, { ...options, T: controls.T });
  const counts = {
    cut: cut.length,
    grown: grown.length,
    blocked: blocked.length,
    kept: network.edges.length - cut.length - raised.length,
    left: network.edges.length - cut.length + grown.length - raised.length,
  };
  /** @type {any} */
  const made = {
    controls: { ...controls },
    cut,
    grown,
    blocked,
    counts,
    ...now,
    shift,
    origin,
    certified,
    before: { ...was, synapses: network.edges.length },
  };
  const change = now.rate / was.rate - 1;
  made.fate = percent(Math.abs(change)) === "0" ? "same" : change > 0 ? "faster" : "slower";
  made.descent = descentWords(spec, made);
  made.verdict = [verdict(spec, made, moved, raised.length > 0)];
  return made;
}

function verdict({ sentences }, { before: was, rate, counts, fate }, moved, raised) {
  const old = -was.rate;
  if (!moved) return phrase(sentences.still, { reason: sentences[counts.blocked ? "stuck" : "none"][1], old });
  const [, what] = phrase(sentences[raised ? "raised" : "rewired"], counts);
  return phrase(sentences[fate], { old, new: -rate, change: percent(Math.abs(rate / was.rate - 1)), what });
}

function descentWords({ sentences, times }, { origin, certified }) {
  if (!origin) return sentences.quiet[1];
  const span = (i) =>
    (times[Math.min(i + 1, times.length - 1)] - times[Math.max(i - 1, 0)]) / (i > 0 && i < times.length - 1 ? 2 : 1);
  const length = origin.reduce((sum, value, i) => (value > 1e-3 ? sum + span(i) : sum), 0);
  const [, second] = length ? phrase(sentences.rises, { length, top: Math.max(...origin) }) : sentences.lucky;
  return `${sentences[certified ? "falls" : "undecided"][1]} ${second}`;
}

/** A panel whose drawing depends on which network is chosen: drawn anew when that changes. */
const perCircuit = (build) => (svg, size, view) => {
  let [name, update] = [null, null];
  return (now, controls, focused) => {
    if (controls.circuit !== name) {
      svg.replaceChildren();
      name = controls.circuit;
      update = build(svg, size, view, view.spec.circuits[name]);
    }
    return update(now, controls, focused);
  };
};

// ---- The answer at every T ------------------------------------------------------------------------------------------

/** rate(T) beside the rate before, under the slider: faster above the line, slower below; a tick for every synapse. */
const strip = {
  name: "strip",
  column: 0,
  title: "",
  compact: true,
  height: () => 74,
  build(svg, { width, height }, view) {
    const { high } = view.spec.knobs.find(({ name }) => name === "T");
    const box = { left: 11, right: width - 11, top: 4, bottom: height - 17 };
    const x = scale([0, high], [box.left, box.right]);
    const y = scale([-1, 1], [box.bottom, box.top], spread(0.12)); // the logarithm of the ratio, its small values spread
    const [rises, falls] = ["faster", "slower"].map((name, i) => ({
      path: draw(svg, "path", { class: `strip after ${name}` }),
      mark: draw(svg, "path", { class: "after", fill: hatch(svg, name, i ? -45 : 45, 6) }),
    }));
    draw(svg, "line", { x1: box.left, x2: box.right, y1: y(0), y2: y(0), class: "boundary" });
    const curve = draw(svg, "path", { class: "curve strip-line after" });
    const marks = draw(svg, "g");
    const label = (at, text, y0) => draw(svg, "text", { x: at, y: y0, class: "quiet halo-text" }, text);
    label(box.left + 2, "↑ faster than before", box.top + 12);
    label(box.left + 2, "↓ slower", box.bottom - 4);
    const cursor = draw(svg, "line", { y1: box.top, y2: box.bottom + 3, class: "slow" });
    const dot = draw(svg, "circle", { r: 5, class: "eigen own after" });
    drag(
      svg,
      null,
      (event) => [(high * (event.clientX - svg.getBoundingClientRect().left - box.left)) / (box.right - box.left)],
      (T) => view.set({ T }),
    );
    const thresholds = Array.from({ length: 151 }, (_, i) => (high * i) / 150);
    let [name, ratios, stop] = ["", [], () => {}];
    const show = () => {
      const points = ratios.flatMap((ratio, i) => (ratio > 0 ? [[x(thresholds[i]), Math.log(ratio)]] : []));
      patch(curve, { d: points.length > 1 ? line(points.map(([at, value]) => [at, y(value)])) : "" });
      for (const [{ path, mark }, pick] of /** @type {[any, (a: number, b: number) => number][]} */ ([
        [rises, Math.max],
        [falls, Math.min],
      ])) {
        const edge = points.map(([at, value]) => [at, y(pick(0, value))]);
        const d = edge.length > 1 ? `${line([[edge[0][0], y(0)], ...edge, [edge[edge.length - 1][0], y(0)]])}Z` : "";
        patch(path, { d });
        patch(mark, { d });
      }
    };
    /** The next pieces of the curve, as many as an idle moment holds, so that nothing waits for them. */
    const more = (spec, controls, left) => {
      const { network, plan, options } = setting(spec, controls);
      const old = before(spec, controls).spectrum.rate;
      do {
        const piece = thresholds.slice(ratios.length, ratios.length + 5);
        ratios = [...ratios, ...ratesAt(network, plan, options, piece).map((rate) => (rate === null ? null : rate / old))];
      } while (ratios.length < thresholds.length && left() > 8);
      show();
      if (ratios.length < thresholds.length) stop = idly((rest) => more(spec, controls, rest), 100);
      else patch(svg, { "data-done": "1" });
    };
    return (now, controls) => {
      const asked = ["circuit", "rule", "seed", "sign", "input"].map((part) => controls[part]).join(" ");
      if (asked !== name) {
        stop();
        [name, ratios] = [asked, []];
        patch(svg, { "data-done": null });
        const asking = { ...controls };
        stop = idly((left) => more(view.spec, asking, left), 100);
        const weights = view.spec.circuits[controls.circuit].network.edges.filter(([, , , weight]) => weight <= high);
        pool(marks, "line", weights, ([, , sign, weight]) => ({
          x1: x(weight),
          x2: x(weight),
          y1: box.bottom + 4,
          y2: box.bottom + 15,
          "data-weight": weight,
          class: `tickmark ${signOf(sign)}`,
        }));
      }
      for (const mark of marks.children) mark.classList.toggle("below", Number(mark.dataset.weight) < controls.T);
      const at = x(controls.T);
      patch(cursor, { x1: at, x2: at });
      patch(dot, { cx: at, cy: y(Math.log(now.rate / now.before.rate)) });
      return (
        `Rate of the slowest mode at every T, beside the rate before: at T = ${say(controls.T)} it is ` +
        `${say(now.rate / now.before.rate)} times as fast. Ticks mark the weights of the synapses.`
      );
    };
  },
};

// ---- The network ----------------------------------------------------------------------------------------------------

const network = {
  name: "network",
  column: 1,
  title: "Network: dotted is cut, haloed is new",
  compactTitle: "Dotted: cut. Haloed: new. ×: blocked.",
  compact: true,
  height: (width, spec, room) => (spec.compact ? (room < 460 ? 215 : 290) : room < 600 ? 320 : 352),
  build: perCircuit((svg, size, view, { nodes, network: { edges } }) => {
    const { wires, tip, route, show } = drawCircuit(svg, size, view, nodes, untangle(nodes, edges));
    const paths = edges.map(([source, target, sign, weight]) =>
      draw(wires, "path", {
        d: route(source, target).path,
        class: `synapse ${signOf(sign)}`,
        "marker-end": tip(sign),
        "stroke-width": (0.7 + 1.5 * weight).toFixed(2),
      }),
    );
    const [halos, fresh, stops] = [draw(wires, "g"), draw(wires, "g"), draw(wires, "g")];
    return (now, controls, focused) => {
      const [cut, blocked] = [new Set(now.cut), new Set(now.blocked)];
      const dim = ([source, target]) => (focused === null || source === focused || target === focused ? "" : " dim");
      edges.forEach((edge, i) =>
        patch(paths[i], {
          class: `synapse ${signOf(edge[2])}${cut.has(i) ? " cut" : ""}` + `${blocked.has(i) ? " blocked" : ""}${dim(edge)}`,
        }),
      );
      const size = ([, , , weight]) => 1.3 + 1.1 * Math.min(1, weight);
      const name = ([source, target, sign]) => `${source} ${target} ${sign}`;
      keyed(halos, "path", now.grown, name, (grown) => ({
        d: route(grown[0], grown[1]).path,
        "stroke-width": 6.5,
        pathLength: 1,
        class: `halo ${signOf(grown[2])}${dim(grown)}`,
      }));
      keyed(fresh, "path", now.grown, name, (grown) => ({
        d: route(grown[0], grown[1]).path,
        "marker-end": tip(grown[2]),
        class: `synapse new ${signOf(grown[2])}${dim(grown)}`,
        "stroke-width": size(grown).toFixed(2),
      }));
      pool(stops, "path", now.blocked, (i) => {
        const [x, y] = route(edges[i][0], edges[i][1]).middle;
        return { d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`, class: `stop${dim(edges[i])}` };
      });
      show(focused, neighbours([...edges, ...now.grown], focused));
      return (
        `Network of ${counted(nodes.length, "neuron")} in four layers: ${counted(now.counts.cut, "synapse")} cut, ` +
        `${now.counts.grown} new, ${now.counts.blocked} below T but blocked, ${now.counts.kept} kept.`
      );
    };
  }),
};

// ---- Eigenvalues ----------------------------------------------------------------------------------------------------

/** Nodes that own an eigenvalue, in the order of `own`. */
const owners = ({ own, network: { m } }) => own.map((i) => i + m);

const spectrum = {
  name: "spectrum",
  column: 2,
  title: "Eigenvalues: hollow before, filled after",
  compact: true,
  height: (width, spec, room) => (spec.compact ? (room < 460 ? 170 : 250) : room < 600 ? 230 : 160),
  build: perCircuit((svg, { width, height }, view, circuit) => {
    const { axes } = circuit;
    const lone = owners(circuit);
    const box = { left: 34, right: width - 12, top: 18, bottom: height - 32 };
    const x = scale(axes.re, [box.left, box.right], spread(axes.linear));
    const y = scale([-axes.im, axes.im], [box.bottom, box.top], spread(0.15));
    unstableHalf(svg, box, x);
    draw(svg, "line", { x1: box.left, x2: box.right, y1: y(0), y2: y(0), class: "axis" });
    const ticks = TICKS.filter((tick) => tick >= axes.re[0]);
    ticks.forEach((tick, i) => {
      draw(svg, "line", { x1: x(tick), x2: x(tick), y1: box.top, y2: box.bottom + 3, class: tick ? "grid" : "boundary" });
      if (i === ticks.length - 1 || x(ticks[i + 1]) - x(tick) > 24) tickX(svg, box, x, tick, 15);
    });
    const side = [1, 0.5, 0.2].find((tick) => tick < axes.im) ?? 0.1;
    for (const tick of [-side, 0, side]) tickY(svg, box, y, tick, 5);
    draw(svg, "text", { x: box.right, y: height - 3, "text-anchor": "end", class: "quiet" }, "real part, per ms");
    draw(svg, "text", { x: 2, y: box.top - 6, class: "quiet" }, "imaginary part");
    draw(svg, "text", { x: box.right, y: box.top - 6, class: "quiet", "text-anchor": "end" }, "stability boundary ↓");
    const [drift, trails] = [0, 1].map(() => draw(svg, "g", { class: "after" }));
    const [rings, hollow] = [0, 1].map(() => draw(svg, "g"));
    const square = (at, half) => `M${at - half} ${y(0) - half}h${2 * half}v${2 * half}h${-2 * half}Z`;
    const was = draw(svg, "line", { y1: y(0) - 26, y2: y(0) + 18, class: "slow ghost" });
    const slow = draw(svg, "line", { y1: y(0) - 26, y2: y(0) + 18, class: "slow after", "data-mark": "slowest" });
    const name = draw(svg, "text", { y: y(0) - 30, class: "strong halo-text after" });
    const [squares, dots] = [0, 1].map(() => draw(svg, "g", { class: "after" }));
    const ring = draw(svg, "circle", { r: 11, class: "ring", display: "none" });
    const leave = trail(trails);
    return (now, controls, focused) => {
      if (!now.own) return "The network finds no rest here, so it has no eigenvalues to show.";
      const [own, command] = [now.own.map((value) => [x(value), y(0)]), now.command.map(([re, im]) => [x(re), y(im)])];
      leave([...own, ...command]);
      pool(hollow, "path", now.before.own, (value) => ({ d: square(x(value), 4.5), class: "ghost" }));
      pool(rings, "circle", now.before.command, ([re, im]) => ({ cx: x(re), cy: y(im), r: 5, class: "ghost" }));
      pool(squares, "path", own, ([at]) => ({ d: square(at, 4), class: "eigen own" }));
      pool(dots, "circle", command, ([cx, cy]) => ({ cx, cy, r: 4.5, class: "eigen" }));
      pool(drift, "line", own, ([at], i) => ({ x1: x(now.before.own[i]), x2: at, y1: y(0), y2: y(0), class: "drift" }));
      patch(was, { x1: x(-now.before.rate), x2: x(-now.before.rate) });
      const at = x(-now.rate);
      patch(slow, { x1: at, x2: at });
      const right = at > width * 0.62;
      patch(name, { x: right ? Math.min(at + 4, box.right) : at + 6, "text-anchor": right ? "end" : "start" });
      write(name, `slowest ${say(-now.rate)}`);
      const i = focused === null ? -1 : lone.indexOf(focused);
      patch(ring, i < 0 ? { display: "none" } : { display: null, cx: own[i][0], cy: y(0) });
      return (
        `Eigenvalues in the complex plane, all ${now.rate > 0 ? "left" : "not left"} of the stability boundary. ` +
        now.verdict.map(([, text]) => text).join(" ")
      );
    };
  }),
};

/** One row for each neuron that owns an eigenvalue: from hollow to filled is what the event did to its -1/tau. */
const rows = {
  name: "rows",
  column: 2,
  details: true,
  title: "−1/τ of each inter and motor neuron",
  height: (width, spec) => 9 * Math.max(...Object.values(spec.circuits).map(({ own }) => own.length)) + 34,
  build: perCircuit((svg, { width, height }, view, circuit) => {
    const { axes, nodes } = circuit;
    const lone = owners(circuit);
    const x = scale(axes.re, [12, width - 12], spread(axes.linear));
    const bottom = height - 24;
    for (const tick of TICKS.filter((tick) => tick >= axes.re[0])) {
      draw(svg, "line", { x1: x(tick), x2: x(tick), y1: 2, y2: bottom, class: tick ? "grid" : "boundary" });
      draw(svg, "text", { x: x(tick), y: bottom + 16, "text-anchor": "middle", class: "tick" }, say(tick));
    }
    const parts = lone.map((node, row) => {
      const at = 8 + 9 * row;
      const group = draw(svg, "g", { class: "row" });
      draw(group, "rect", { x: 0, y: at - 4.5, width, height: 9, class: "touch" });
      const [link, old, now] = [
        draw(group, "line", { y1: at, y2: at, class: "drift" }),
        draw(group, "path", { class: "ghost" }),
        draw(group, "path", { class: "eigen own" }),
      ];
      const name = draw(
        group,
        "text",
        { x: x(0) - 8, y: at + 4, class: "strong halo-text", "text-anchor": "end", display: "none" },
        `${nodes[node].role} ${nodes[node].place}`,
      );
      pointAt(group, view, node, { click: false });
      return { at, group, link, old, now, name };
    });
    const square = (spot, at) => `M${spot - 3.5} ${at - 3.5}h7v7h-7Z`;
    return (now, controls, focused) => {
      if (!now.own) return "No eigenvalues here.";
      parts.forEach(({ at, group, link, old, now: mark, name }, i) => {
        const [from, to] = [x(now.before.own[i]), x(now.own[i])];
        patch(link, { x1: from, x2: to });
        patch(old, { d: square(from, at) });
        patch(mark, { d: square(to, at) });
        patch(group, { class: focused === null || focused === lone[i] ? "row" : "row dim" });
        patch(name, { display: focused === lone[i] ? null : "none" });
      });
      const faster = now.own.filter((value, i) => value < now.before.own[i] - 1e-9).length;
      const slower = now.own.filter((value, i) => value > now.before.own[i] + 1e-9).length;
      return (
        `Minus one over the time constant of ${lone.length} inter and motor neurons: ${faster} became faster, ` +
        `${slower} slower.`
      );
    };
  }),
};

// ---- dV/dt ----------------------------------------------------------------------------------------------------------

const descent = {
  name: "descent",
  column: 2,
  title: "dV/dt as the network comes to rest",
  height: (width, spec, room) => (room < 600 ? 240 : 160),
  build: perCircuit((svg, { width, height }, view, { axes }) => {
    const { times } = view.spec;
    const box = { left: 40, right: width - 12, top: 8, bottom: height - 32 };
    const end = times[times.length - 1];
    const x = scale([0, end], [box.left, box.right], Math.sqrt);
    const y = scale(axes.flow, [box.bottom, box.top], spread(0.1));
    draw(svg, "rect", { x: box.left, y: box.top, width: box.right - box.left, height: y(0) - box.top, class: "rising" });
    let lowest = Infinity;
    for (const tick of [0, 0.1, 1, -0.1, -1, -10].filter((tick) => tick > axes.flow[0] && tick < axes.flow[1])) {
      draw(svg, "line", { x1: box.left, x2: box.right, y1: y(tick), y2: y(tick), class: tick ? "grid" : "boundary" });
      if (Math.abs(y(tick) - lowest) > 11) tickY(svg, box, y, tick, 6);
      lowest = y(tick);
    }
    ticksX(
      svg,
      box,
      x,
      [0, 0.1, 0.5, 1, 2, 4, 6, 10].filter((tick) => tick <= end),
      { below: 15, mark: true },
    );
    draw(svg, "text", { x: box.right, y: height - 3, "text-anchor": "end", class: "quiet" }, "time after the event, ms");
    draw(
      svg,
      "text",
      { x: box.right - 4, y: box.top + 12, class: "quiet", "text-anchor": "end" },
      "V rises: (dV/dt) / V, per ms",
    );
    draw(svg, "text", { x: box.right - 4, y: box.bottom - 5, class: "quiet", "text-anchor": "end" }, "V falls");
    const wrong = draw(svg, "path", { class: "wrong-area after" });
    const curves = Object.fromEntries(
      ["origin", "certified"].map((name) => [name, draw(svg, "path", { class: `curve after ${name}`, "data-mark": name })]),
    );
    const names = Object.fromEntries(
      [
        ["origin", "V about the origin"],
        ["certified", "V about the new rest"],
      ].map(([name, text]) => [
        name,
        draw(svg, "text", { class: `after halo-text named ${name}`, "data-mark": name }, text),
      ]),
    );
    const runners = Object.fromEntries(
      ["origin", "certified"].map((name) => [
        name,
        draw(svg, "circle", { r: 4.5, class: `runner after ${name}`, display: "none" }),
      ]),
    );
    const none = draw(svg, "text", {
      x: (box.left + box.right) / 2,
      y: (y(0) + box.bottom) / 2,
      class: "strong halo-text",
      "text-anchor": "middle",
    });
    const shape = (values) => (values ? line(values.map((value, i) => [x(times[i]), y(value)])) : "");
    let [stop, seen] = [() => {}, ""];
    /** Two dots run along the curves, as the state comes to rest. */
    const run = (now) => {
      stop();
      const shown = Object.entries(runners).filter(([name, dot]) => patch(dot, { display: "none" }) && now[name]);
      if (still() || !shown.length) return;
      const set = (at) => {
        const k = Math.min(Math.floor(at), times.length - 2);
        const between = (values) => values[k] + (at - k) * (values[k + 1] - values[k]);
        for (const [name, dot] of shown) patch(dot, { display: null, cx: x(between(times)), cy: y(between(now[name])) });
      };
      stop = play(0, times.length - 1, 2.2, set, () => shown.forEach(([, dot]) => patch(dot, { display: "none" })));
    };
    /** Each curve has its name beside it: the one below its steep part, the other above zero, right of where it rises. */
    const call = ({ origin, certified }) => {
      const low = times.findIndex((t) => t >= 0.4);
      const [at, fall] = [x(times[low]) + 10, certified ? y(certified[low]) + 16 : 0];
      patch(names.certified, { display: certified ? null : "none", x: at, y: Math.min(box.bottom - 18, fall) });
      const last = (origin ?? []).reduce((found, value, i) => (value > 0.02 ? i : found), low);
      const right = Math.min(x(times[last]) + 4, box.right - 118);
      patch(names.origin, { display: origin ? null : "none", x: right, y: y(0) - 7 });
    };
    return (now) => {
      call(now);
      patch(curves.certified, { d: shape(now.certified) });
      patch(curves.origin, { d: shape(now.origin) });
      const above = (now.origin ?? []).map((value, i) => [x(times[i]), y(Math.max(0, value))]);
      patch(wrong, { d: above.length ? `${line([[x(0), y(0)], ...above, [x(end), y(0)]])}Z` : "" });
      const asked = JSON.stringify(now.controls);
      if (asked !== seen) run(now);
      seen = asked;
      write(
        none,
        now.origin === null
          ? "Nothing changed: the network stays at rest."
          : now.certified === null
            ? "No certificate at this T."
            : "",
      );
      return now.descent;
    };
  }),
};

// ---- Details --------------------------------------------------------------------------------------------------------

/** Names of the two curves, and what they say, in words. */
const reading = {
  name: "reading",
  column: 2,
  details: true,
  title: "What dV/dt says",
  html(body) {
    const curve = (name) => ["path", { d: "M1 8H33", class: `curve ${name}` }];
    body.append(
      key([
        ["V about the new equilibrium, certified", curve("certified")],
        ["V = x·x about the origin, as published", curve("origin")],
      ]),
    );
    const words = document.createElement("p");
    words.className = "ltc-words";
    body.append(words);
    return (now) => write(words, now.descent);
  },
};

/** What the marks mean, and one neuron in words; the list makes the same choice as a pointer, for the keyboard. */
const legend = {
  name: "legend",
  column: 1,
  details: true,
  title: "How to read it",
  html(body, view) {
    const square = (name, x) => ["path", { d: `M${x - 4} 4h8v8h-8Z`, class: name }];
    const stroke = (name, width = 1.6) => ["path", { d: "M1 8H33", class: `synapse ${name}`, "stroke-width": width }];
    const cross = ["path", { d: "M13 4l8 8m0 -8l-8 8", class: "stop" }];
    const list = key([
      ...signs(),
      ["cut", stroke("plus cut")],
      ["new", ["path", { d: "M2 8H32", class: "halo", "stroke-width": 7 }], stroke("plus new", 2.4)],
      ["below T, blocked", stroke("plus blocked"), cross],
      ["−1/τ of an inter or motor neuron", square("ghost", 8), square("eigen own", 26)],
      [
        "eigenvalue of the command block",
        ["circle", { cx: 8, cy: 8, r: 4.5, class: "ghost" }],
        ["circle", { cx: 26, cy: 8, r: 4.5, class: "eigen" }],
      ],
    ]);
    let [name, tell] = ["", null];
    return (now, controls, focused) => {
      const circuit = view.spec.circuits[controls.circuit];
      const {
        nodes,
        network: { edges },
      } = circuit;
      if (controls.circuit !== name) {
        name = controls.circuit;
        body.replaceChildren(list);
        tell = chooseNeuron(body, view, nodes);
      }
      if (focused === null) return tell(focused, "Point at a neuron, or choose one: its synapses and its eigenvalue.");
      const { role, place } = nodes[focused];
      const i = owners(circuit).indexOf(focused);
      const own = i < 0 ? "" : ` Its own eigenvalue is −1/τ: ${say(now.before.own[i])} → ${say(now.own[i])} per ms.`;
      const shared = role === "command" ? " Its eigenvalues belong to the whole command block (dots)." : "";
      const cut = new Set(now.cut);
      const present = [...edges.filter((_, k) => !cut.has(k)), ...now.grown];
      const hears = new Set(present.filter(([, target]) => target === focused).map(([source]) => source)).size;
      const heard = role === "sensory" ? "takes its value from outside." : `hears ${counted(hears, "synapse")}.`;
      return tell(focused, `The ${role} neuron ${place} ${heard}${own}${shared}`);
    };
  },
};

const counts = {
  name: "counts",
  column: 1,
  details: true,
  title: "In numbers",
  html: numbers([
    ["synapses", "before.synapses", "counts.left"],
    ["cut", null, "counts.cut"],
    ["new (or raised)", null, "counts.grown"],
    ["below T but blocked", null, "counts.blocked"],
    ["rate r of the slowest mode, per ms", "before.rate", "rate"],
    ["trace of J, per ms", "before.trace", "trace"],
    ["largest |λ|, per ms", "before.radius", "radius"],
    ["largest shift of the equilibrium, mV", null, "shift"],
  ]),
};

/** What moves to its new place over 200 ms. */
const moves = { own: "blend", command: "match", rate: "blend", certified: "blend", origin: "blend" };

export const drawing = { frame, moves, panels: [strip, network, spectrum, descent, rows, reading, legend, counts] };
