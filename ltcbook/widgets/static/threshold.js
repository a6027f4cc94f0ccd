// threshold.js: T moves; the network, the Jacobian's eigenvalues and two functions V answer together.

import { key, tickX, tickY, ticksX, unstableHalf } from "./core/chart.js";
import { circuitOf, counted, lookAt, neighbours, pointAt, signOf, signs, untangle } from "./core/circuit.js";
import { draw, make, patch, pool, write } from "./core/dom.js";
import { say } from "./core/format.js";
import { numbers } from "./core/numbers.js";
import { line, scale, spread } from "./core/scale.js";

const TICKS = [-20, -10, -5, -3, -2, -1, -0.5, 0];

const network = {
  name: "network",
  column: 1,
  title: "The network",
  compactTitle: "Dashed: cut. Haloed: new. ×: blocked.",
  compact: true,
  height: (width, spec) => (spec.compact ? (width < 420 ? 215 : 290) : width < 420 ? 320 : 370),
  build(svg, { width, height }, view) {
    const { nodes, edges } = view.spec.network;
    const { wires, tip, route, show } = circuitOf(svg, { width, height }, view, nodes, untangle(nodes, edges));
    const paths = edges.map(([source, target, sign, weight]) =>
      draw(wires, "path", {
        d: route(source, target).path,
        class: `synapse ${signOf(sign)}`,
        "marker-end": tip(sign),
        "stroke-width": (0.7 + 1.5 * weight).toFixed(2),
      }),
    );
    const [halos, fresh, stops] = [draw(wires, "g"), draw(wires, "g"), draw(wires, "g")];
    return (frame, controls, focused) => {
      const [cut, blocked] = [new Set(frame.cut), new Set(frame.blocked)];
      const dim = ([source, target]) => (focused === null || source === focused || target === focused ? "" : " dim");
      edges.forEach((edge, i) =>
        patch(paths[i], {
          class: `synapse ${signOf(edge[2])}${cut.has(i) ? " cut" : ""}` + `${blocked.has(i) ? " blocked" : ""}${dim(edge)}`,
        }),
      );
      const size = ([, , , weight]) => 1.3 + 1.1 * Math.min(1, weight);
      pool(halos, "path", frame.grown, (grown) => ({
        d: route(grown[0], grown[1]).path,
        "stroke-width": 6.5,
        class: `halo ${signOf(grown[2])}${dim(grown)}`,
      }));
      pool(fresh, "path", frame.grown, (grown) => ({
        d: route(grown[0], grown[1]).path,
        "marker-end": tip(grown[2]),
        class: `synapse new ${signOf(grown[2])}${dim(grown)}`,
        "stroke-width": size(grown).toFixed(2),
      }));
      pool(stops, "path", frame.blocked, (i) => {
        const [x, y] = route(edges[i][0], edges[i][1]).middle;
        return { d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`, class: `stop${dim(edges[i])}` };
      });
      show(focused, neighbours([...edges, ...frame.grown], focused));
      return (
        `Network of ${counted(nodes.length, "neuron")} in four layers: ${counted(frame.counts.cut, "synapse")} cut, ` +
        `${frame.counts.grown} new, ${frame.counts.blocked} below T but blocked, ${frame.counts.kept} kept.`
      );
    };
  },
};

/** What the marks mean, and one neuron in words; the list makes the same choice as a pointer, for the keyboard. */
const legend = {
  name: "legend",
  column: 1,
  title: "How to read it",
  html(body, view) {
    const { nodes, edges } = view.spec.network;
    const square = (name, x) => ["path", { d: `M${x - 4} 4h8v8h-8Z`, class: name }];
    const stroke = (name, width = 1.6) => ["path", { d: "M1 8H33", class: `synapse ${name}`, "stroke-width": width }];
    const cross = ["path", { d: "M13 4l8 8m0 -8l-8 8", class: "stop" }];
    body.append(
      key([
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
      ]),
    );
    const tell = lookAt(body, view, nodes);
    return (frame, controls, focused) => {
      if (focused === null) return tell(focused, "Point at a neuron, or choose one: its synapses and its eigenvalue.");
      const { role, place } = nodes[focused];
      const i = view.spec.own.indexOf(focused);
      const own = i < 0 ? "" : ` Its own eigenvalue is −1/τ: ${say(view.spec.before.own[i])} → ${say(frame.own[i])} per ms.`;
      const shared = role === "command" ? " Its eigenvalues belong to the whole command block (dots)." : "";
      const cut = new Set(frame.cut);
      const present = [...edges.filter((_, k) => !cut.has(k)), ...frame.grown];
      const hears = new Set(present.filter(([, target]) => target === focused).map(([source]) => source)).size;
      const heard = role === "sensory" ? "takes its value from outside." : `hears ${counted(hears, "synapse")}.`;
      return tell(focused, `The ${role} neuron ${place} ${heard}${own}${shared}`);
    };
  },
};

const spectrum = {
  name: "spectrum",
  column: 2,
  title: "Eigenvalues: before (hollow), after (filled)",
  compact: true,
  height: (width, spec) => (spec.compact ? (width < 420 ? 170 : 250) : 250),
  build(svg, { width, height }, view) {
    const { axes, before, own } = view.spec;
    const box = { left: 12, right: width - 12, top: 26, bottom: height - 38 };
    const x = scale(axes.re, [box.left, box.right], spread(axes.linear));
    const y = scale([-axes.im, axes.im], [box.bottom, box.top], spread(0.15));
    unstableHalf(svg, box, x);
    draw(svg, "line", { x1: box.left, x2: box.right, y1: y(0), y2: y(0), class: "axis" });
    for (const tick of TICKS.filter((tick) => tick >= axes.re[0])) {
      draw(svg, "line", { x1: x(tick), x2: x(tick), y1: box.top, y2: box.bottom + 4, class: tick ? "grid" : "boundary" });
      tickX(svg, box, x, tick, 17);
    }
    draw(svg, "text", { x: box.right, y: height - 5, "text-anchor": "end" }, "real part, per ms");
    draw(svg, "text", { x: box.left, y: box.top - 8, class: "quiet" }, "imaginary part ↑");
    draw(svg, "text", { x: box.right, y: box.top - 8, class: "quiet", "text-anchor": "end" }, "stability boundary ↓");
    const drift = draw(svg, "g");
    const ghosts = draw(svg, "g");
    const square = (at, half) => `M${at - half} ${y(0) - half}h${2 * half}v${2 * half}h${-2 * half}Z`;
    for (const value of before.own) draw(ghosts, "path", { d: square(x(value), 4.5), class: "ghost" });
    for (const [re, im] of before.command) draw(ghosts, "circle", { cx: x(re), cy: y(im), r: 5, class: "ghost" });
    const [tall, was] = [{ y1: y(0) - 34, y2: y(0) + 22 }, x(-before.rate)];
    draw(svg, "line", { x1: was, x2: was, ...tall, class: "slow ghost" });
    const slow = draw(svg, "line", { ...tall, class: "slow" });
    const name = draw(svg, "text", { y: y(0) - 40, class: "strong halo-text" });
    const [squares, dots] = [draw(svg, "g"), draw(svg, "g")];
    const ring = draw(svg, "circle", { r: 11, class: "ring", display: "none" });
    return (frame, controls, focused) => {
      const path = (value, i) => ({ x1: x(before.own[i]), x2: x(value), y1: y(0), y2: y(0), class: "drift" });
      pool(drift, "line", frame.own, path);
      pool(squares, "path", frame.own, (value) => ({ d: square(x(value), 4), class: "eigen own" }));
      pool(dots, "circle", frame.command, ([re, im]) => ({ cx: x(re), cy: y(im), r: 4.5, class: "eigen" }));
      const at = x(-frame.rate);
      patch(slow, { x1: at, x2: at });
      const right = at > width * 0.62;
      patch(name, { x: right ? Math.min(at + 4, box.right) : at, "text-anchor": right ? "end" : "middle" });
      write(name, `slowest ${say(-frame.rate)}`);
      const i = focused === null ? -1 : own.indexOf(focused);
      patch(ring, i < 0 ? { display: "none" } : { display: null, cx: x(frame.own[i]), cy: y(0) });
      return (
        `Eigenvalues in the complex plane, all ${frame.rate > 0 ? "left" : "not left"} of the stability boundary. ` +
        frame.verdict.map(([, text]) => text).join(" ")
      );
    };
  },
};

/** One row for each neuron that owns an eigenvalue: from hollow to filled is what the event did to its -1/tau. */
const rows = {
  name: "rows",
  column: 2,
  title: "−1/τ of each inter and motor neuron",
  height: (width, spec) => 9 * spec.own.length + 34,
  build(svg, { width, height }, view) {
    const {
      axes,
      before,
      own,
      network: { nodes },
    } = view.spec;
    const x = scale(axes.re, [12, width - 12], spread(axes.linear));
    const bottom = height - 24;
    for (const tick of TICKS.filter((tick) => tick >= axes.re[0])) {
      draw(svg, "line", { x1: x(tick), x2: x(tick), y1: 2, y2: bottom, class: tick ? "grid" : "boundary" });
      draw(svg, "text", { x: x(tick), y: bottom + 16, "text-anchor": "middle", class: "tick" }, say(tick));
    }
    const sorted = own.map((node, i) => i).sort((a, b) => before.own[b] - before.own[a]);
    const parts = sorted.map((i, row) => {
      const at = 8 + 9 * row;
      const group = draw(svg, "g", { class: "row" });
      draw(group, "rect", { x: 0, y: at - 4.5, width, height: 9, class: "touch" });
      const link = draw(group, "line", { x1: x(before.own[i]), y1: at, y2: at, class: "drift" });
      draw(group, "path", { d: `M${x(before.own[i]) - 3.5} ${at - 3.5}h7v7h-7Z`, class: "ghost" });
      const now = draw(group, "path", { class: "eigen own" });
      const name = draw(
        group,
        "text",
        { x: x(0) - 8, y: at + 4, class: "strong halo-text", "text-anchor": "end", display: "none" },
        `${nodes[own[i]].role} ${nodes[own[i]].place}`,
      );
      pointAt(group, view, own[i], { click: false });
      return { i, at, group, link, now, name };
    });
    return (frame, controls, focused) => {
      for (const { i, at, group, link, now, name } of parts) {
        const spot = x(frame.own[i]);
        patch(link, { x2: spot });
        patch(now, { d: `M${spot - 3.5} ${at - 3.5}h7v7h-7Z` });
        patch(group, { class: focused === null || focused === own[i] ? "row" : "row dim" });
        patch(name, { display: focused === own[i] ? null : "none" });
      }
      const faster = frame.own.filter((value, i) => value < before.own[i] - 1e-9).length;
      const slower = frame.own.filter((value, i) => value > before.own[i] + 1e-9).length;
      return (
        `Minus one over the time constant of ${own.length} inter and motor neurons: ${faster} became faster, ` +
        `${slower} slower.`
      );
    };
  },
};

const descent = {
  name: "descent",
  column: 2,
  title: "dV/dt from the event to rest, as a share of V(0) per ms",
  height: (width) => (width < 420 ? 250 : 260),
  build(svg, { width, height }, view) {
    const { times, axes } = view.spec;
    const box = { left: 40, right: width - 12, top: 14, bottom: height - 38 };
    const end = times[times.length - 1];
    const x = scale([0, end], [box.left, box.right], Math.sqrt);
    const y = scale(axes.flow, [box.bottom, box.top], spread(0.1));
    draw(svg, "rect", { x: box.left, y: box.top, width: box.right - box.left, height: y(0) - box.top, class: "rising" });
    for (const tick of [-10, -1, -0.1, 0, 0.1, 1].filter((tick) => tick > axes.flow[0] && tick < axes.flow[1])) {
      draw(svg, "line", { x1: box.left, x2: box.right, y1: y(tick), y2: y(tick), class: tick ? "grid" : "boundary" });
      tickY(svg, box, y, tick, 6);
    }
    ticksX(
      svg,
      box,
      x,
      [0, 0.1, 0.5, 1, 2, 4, 6, 10].filter((tick) => tick <= end),
      { mark: true },
    );
    draw(svg, "text", { x: box.right, y: height - 5, "text-anchor": "end" }, "time after the event, ms");
    draw(svg, "text", { x: box.right - 4, y: box.top + 13, class: "quiet", "text-anchor": "end" }, "V rises");
    draw(svg, "text", { x: box.right - 4, y: box.bottom - 6, class: "quiet", "text-anchor": "end" }, "V falls");
    const wrong = draw(svg, "path", { class: "wrong-area" });
    const [origin, certified] = ["origin", "certified"].map((name) => draw(svg, "path", { class: `curve ${name}` }));
    const none = draw(svg, "text", {
      x: (box.left + box.right) / 2,
      y: (y(0) + box.bottom) / 2,
      class: "strong halo-text",
      "text-anchor": "middle",
    });
    return (frame) => {
      const curve = (values) => (values ? line(values.map((value, i) => [x(times[i]), y(value)])) : "");
      patch(certified, { d: curve(frame.certified) });
      patch(origin, { d: curve(frame.origin) });
      const above = (frame.origin ?? []).map((value, i) => [x(times[i]), y(Math.max(0, value))]);
      patch(wrong, { d: above.length ? `${line([[x(0), y(0)], ...above, [x(end), y(0)]])}Z` : "" });
      write(
        none,
        frame.origin === null
          ? "Nothing changed: the network stays at rest."
          : frame.certified === null
            ? "No certificate at this T."
            : "",
      );
      return frame.descent;
    };
  },
};

/** Names of the two curves, and what they say, in words. */
const reading = {
  name: "reading",
  column: 2,
  title: "",
  html(body) {
    const curve = (name) => ["path", { d: "M1 8H33", class: `curve ${name}` }];
    body.append(
      key([
        ["V about the new equilibrium, certified", curve("certified")],
        ["V = x·x about the origin, as published", curve("origin")],
      ]),
    );
    const words = make("p", { class: "ltc-words" });
    body.append(words);
    return (frame) => write(words, frame.descent);
  },
};

const counts = {
  name: "counts",
  column: 1,
  title: "In numbers",
  html: numbers([
    ["synapses", "before.synapses", "counts.left"],
    ["cut", null, "counts.cut"],
    ["new (control: raised)", null, "counts.grown"],
    ["below T but blocked", null, "counts.blocked"],
    ["rate r of the slowest mode, per ms", "before.rate", "rate"],
    ["trace of J, per ms", "before.trace", "trace"],
    ["largest |λ|, per ms", "before.radius", "radius"],
    ["largest shift of the equilibrium, mV", null, "shift"],
  ]),
};

export const drawing = { panels: [network, spectrum, rows, descent, reading, legend, counts] };
