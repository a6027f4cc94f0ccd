// areas.js: the mask of a network of areas, its eigenvalues, the plane of forward and backward, the graph of areas.
// Python draws the dice once; a synapse exists where its die lies below the probability of its block.

import { clipTo, hatch, keyPanel, tickX, tickY, ticksY } from "./core/chart.js";
import { counted } from "./core/circuit.js";
import { draw, freshId, patch, pool, write } from "./core/dom.js";
import { say } from "./core/format.js";
import { pointHandle, putHandle } from "./core/handle.js";
import { table } from "./core/numbers.js";
import { scale } from "./core/scale.js";
import { nearest } from "./core/state.js";

const KINDS = ["within", "forward", "backward"];
const PAINT = { within: "var(--sure)", forward: "var(--plus)", backward: "#c97d00" };
const LETTERS = { within: "W", forward: "F", backward: "B" };
const kindOf = (source, target) => (source === target ? "within" : source < target ? "forward" : "backward");
const square = ([x, y], side) => `M${x.toFixed(1)} ${y.toFixed(1)}h${side}v${side}h${-side}Z`;

/** [source, target, kind, sign] of every synapse; the same mask as AreasExplorer.masks in Python. */
export function synapsesOf(controls, { neurons, dice, excitatory }) {
  const size = neurons / controls.areas;
  const found = [];
  for (let target = 0; target < neurons; target += 1) {
    for (let source = 0; source < neurons; source += 1) {
      const kind = kindOf(Math.floor(source / size), Math.floor(target / size));
      if (dice[target][source] >= controls[kind]) continue;
      found.push([source, target, kind, controls.signs === "dale" && !excitatory[controls.areas][source] ? -1 : 1]);
    }
  }
  return found;
}

const mask = {
  name: "mask",
  column: 1,
  title: "The mask: row = target, column = source",
  height: (width) => Math.min(width - 26, 374) + 24,
  build(svg, { width }, view) {
    const { neurons } = view.spec;
    const side = Math.min(width - 26, 374);
    const [left, top, cell] = [24, 20, side / neurons];
    draw(svg, "rect", { x: left, y: top, width: side, height: side, class: "field" });
    const tints = draw(svg, "g");
    const cells = Object.fromEntries(
      KINDS.flatMap((kind) =>
        [1, -1].map((sign) => [
          kind + sign,
          draw(svg, "path", {
            style: sign > 0 ? `fill: ${PAINT[kind]}` : `fill: none; stroke: ${PAINT[kind]}; stroke-width: 1.4`,
          }),
        ]),
      ),
    );
    const [frames, letters] = [draw(svg, "g"), draw(svg, "g")];
    draw(svg, "text", { x: left + side / 2, y: 13, "text-anchor": "middle", class: "quiet" }, "source area 0, 1, …");
    draw(
      svg,
      "text",
      { x: 14, y: top + side / 2, "text-anchor": "middle", class: "quiet", transform: `rotate(-90 14 ${top + side / 2})` },
      "target area",
    );
    return (frame, controls) => {
      const { areas } = controls;
      const block = side / areas;
      const blocks = Array.from({ length: areas * areas }, (_, i) => [i % areas, Math.floor(i / areas)]);
      const place = ([s, t]) => ({ x: left + s * block, y: top + t * block, width: block, height: block });
      pool(tints, "rect", blocks, ([s, t]) => ({ ...place([s, t]), style: `fill: ${PAINT[kindOf(s, t)]}; opacity: 0.1` }));
      pool(frames, "rect", blocks, (at) => ({ ...place(at), class: "edge" }));
      const list = synapsesOf(controls, view.spec);
      for (const kind of KINDS) {
        for (const sign of [1, -1]) {
          const inset = sign > 0 ? 0.07 * cell : 0.2 * cell;
          const shapes = list
            .filter((one) => one[2] === kind && one[3] === sign)
            .map(([s, t]) => square([left + s * cell + inset, top + t * cell + inset], (cell - 2 * inset).toFixed(1)));
          patch(cells[kind + sign], { d: shapes.join("") || "M0 0" });
        }
      }
      pool(letters, "text", blocks, ([s, t]) => ({
        x: left + (s + 0.5) * block,
        y: top + (t + 0.5) * block + 5,
        "text-anchor": "middle",
        class: "strong halo-text",
      }));
      blocks.forEach(([s, t], i) => write(letters.children[i], LETTERS[kindOf(s, t)]));
      const { counts } = frame;
      return (
        `Mask of ${areas} areas: ${counts.within} synapses within, ${counts.forward} forward below the diagonal, ` +
        `${counts.backward} backward above it.`
      );
    };
  },
};

const box = (style) => ["rect", { x: 11, y: 2, width: 12, height: 12, style }];
const marks = keyPanel("marks", 1, [
  ...KINDS.map((kind) => [`${LETTERS[kind]}: ${kind}`, box(`fill: ${PAINT[kind]}`)]),
  ["hollow: inhibitory", box("fill: none; stroke: var(--ink); stroke-width: 1.6")],
]);

const graph = {
  name: "graph",
  column: 1,
  title: "The areas: number of synapses from one to another",
  height: () => 160,
  build(svg, { width, height }, view) {
    const middle = height / 2;
    const arcs = draw(svg, "g", { fill: "none" });
    const [bodies, labels] = [draw(svg, "g"), draw(svg, "g")];
    const names = [0, 1, 2, 3].map((area) =>
      draw(svg, "text", { class: "strong", "text-anchor": "middle", y: middle + 4.5 }, String(area)),
    );
    const ids = {};
    for (const kind of ["forward", "backward"]) {
      ids[kind] = freshId(kind);
      const marker = draw(draw(svg, "defs"), "marker", {
        id: ids[kind],
        viewBox: "0 0 8 8",
        refX: 6,
        refY: 4,
        markerWidth: 9,
        markerHeight: 9,
        markerUnits: "userSpaceOnUse",
        orient: "auto",
      });
      draw(marker, "path", { d: "M0 0.8L7 4L0 7.2Z", style: `fill: ${PAINT[kind]}` });
    }
    return (frame, controls) => {
      const { areas } = controls;
      const size = view.spec.neurons / areas;
      const gap = (width - 60) / (areas - 1);
      const r = 17;
      const x = (area) => 30 + gap * area;
      const count = Array.from({ length: areas }, () => Array(areas).fill(0));
      for (const [source, target] of synapsesOf(controls, view.spec)) {
        count[Math.floor(target / size)][Math.floor(source / size)] += 1;
      }
      const pairs = [];
      count.forEach((row, t) => row.forEach((number, s) => s !== t && number && pairs.push([s, t, number])));
      const rise = (s, t) => (s < t ? -1 : 1) * Math.min(66, 30 + 20 * (Math.abs(t - s) - 1));
      pool(arcs, "path", pairs, ([s, t, number]) => {
        const way = Math.sign(t - s);
        const lift = way < 0 ? 1 : -1;
        return {
          d:
            `M${x(s) + way * 9} ${middle + lift * 15}Q${(x(s) + x(t)) / 2} ${middle + lift * 12 + 1.6 * rise(s, t)} ` +
            `${x(t) - way * 9} ${middle + lift * (r + 3)}`,
          "marker-end": `url(#${ids[kindOf(s, t)]})`,
          style: `stroke: ${PAINT[kindOf(s, t)]}; stroke-width: ${(1 + (5 * number) / size ** 2).toFixed(1)}`,
        };
      });
      const shown = pairs.filter(([s, t]) => Math.abs(t - s) === 1 || areas < 4);
      pool(labels, "text", shown, ([s, t]) => ({
        x: (x(s) + x(t)) / 2,
        "text-anchor": "middle",
        class: "strong halo-text",
        y: middle + (s < t ? -12 : 12) + 0.8 * rise(s, t) + 4,
      }));
      shown.forEach(([, , number], i) => write(labels.children[i], String(number)));
      pool(bodies, "circle", count, (_, area) => ({ cx: x(area), cy: middle, r, class: "soma" }));
      names.forEach((name, area) => patch(name, { x: x(area), display: area < areas ? null : "none" }));
      return `Graph of ${areas} areas. ${pairs.map(([s, t, n]) => `From ${s} to ${t}: ${counted(n, "synapse")}.`).join(" ")}`;
    };
  },
};

const RE = [-1.7, 1.1];
const IM = [-0.9, 0.9];
const eigenvalues = {
  name: "eigenvalues",
  column: 2,
  title: "Eigenvalues: rings, the areas alone; dots, the whole network",
  height: () => 260,
  build(svg, { width, height }, view) {
    const box = { left: 34, right: width - 8, top: 8, bottom: height - 38 };
    const x = scale(RE, [box.left, box.right]);
    const y = scale(IM, [box.bottom, box.top]);
    draw(svg, "rect", { x: x(0), y: box.top, width: box.right - x(0), height: box.bottom - box.top, class: "unstable" });
    draw(svg, "rect", {
      x: x(0),
      y: box.top,
      width: box.right - x(0),
      height: box.bottom - box.top,
      fill: hatch(svg, "unstable", 45, 9),
    });
    for (const tick of [-1.5, -1, -0.5, 0, 0.5, 1]) {
      draw(svg, "line", { x1: x(tick), x2: x(tick), y1: box.top, y2: box.bottom, class: tick ? "grid" : "boundary" });
      tickX(svg, box, x, tick, 16);
    }
    ticksY(svg, box, y, [-0.5, 0, 0.5], { left: 6 });
    draw(svg, "text", { x: box.right, y: height - 6, "text-anchor": "end" }, "real part (up: imaginary part)");
    draw(svg, "text", { x: box.right - 6, y: box.top + 16, "text-anchor": "end", class: "quiet halo-text" }, "errors grow");
    const [rings, dots] = [draw(svg, "g"), draw(svg, "g")];
    const note = draw(svg, "text", { "text-anchor": "middle", class: "strong halo-text" });
    const both = (values) =>
      values.flatMap(([re, im]) =>
        im > 0
          ? [
              [re, im],
              [re, -im],
            ]
          : [[re, im]],
      );
    return (frame, { areas, within, signs }) => {
      const alone = both(view.spec.alone[`${areas}-${within}-${signs}`]);
      pool(rings, "circle", alone, ([re, im]) => ({ cx: x(re), cy: y(im), r: 7, class: "ghost" }));
      pool(dots, "circle", both(frame.eigen), ([re, im]) => ({ cx: x(re), cy: y(im), r: 3.6, class: "eigen own" }));
      const [re, im] = frame.eigen[0];
      patch(note, { x: Math.max(x(re), box.left + 30), y: y(im) - 13 });
      write(note, say(frame.abscissa));
      return (
        `${counted(both(frame.eigen).length, "eigenvalue")} of the whole network; the rightmost has real part ` +
        `${say(frame.abscissa)}, that of the areas alone ${say(frame.alone)}.`
      );
    };
  },
};

const plane = {
  name: "plane",
  column: 2,
  title: "Drag: forward and backward together. Hatched: small errors grow",
  height: (width) => Math.min(width - 44, 330) * 0.8 + 44,
  build(svg, { width, height }, view) {
    const wide = Math.min(width - 52, 330);
    const box = { left: 40, right: 40 + wide, top: 8, bottom: height - 38 };
    const range = [0, 1];
    const x = scale(range, [box.left, box.right]);
    const y = scale(range, [box.bottom, box.top]);
    const inside = clipTo(svg, box);
    draw(inside, "rect", { x: box.left, y: box.top, width: wide, height: box.bottom - box.top, class: "field" });
    const fields = Object.fromEntries(["holds", "fails"].map((name) => [name, draw(inside, "path", { class: name })]));
    const stripes = draw(inside, "path", { fill: hatch(svg, "unstable", 45, 9) });
    const border = draw(inside, "path", { class: "boundary", fill: "none" });
    draw(svg, "rect", { x: box.left, y: box.top, width: wide, height: box.bottom - box.top, class: "edge" });
    for (const tick of [0, 0.5, 1]) {
      tickX(svg, box, x, tick, 16);
      tickY(svg, box, y, tick, 6);
    }
    draw(svg, "text", { x: box.right, y: height - 6, "text-anchor": "end" }, "forward (up: backward)");
    const handle = pointHandle(svg, view, box, ["forward", "backward"], [range, range], 0.2);
    const grid = Object.fromEntries(view.spec.knobs.map((knob) => [knob.name, knob.grid]));
    const unstable = (controls) => (forward, backward) => {
      const frame = nearest(view.model.get("table"), view.spec.knobs, { ...controls, forward, backward });
      return frame !== null && frame.abscissa >= 0;
    };
    return (frame, controls) => {
      const grows = unstable(controls);
      const [df, db] = [grid.forward[1] / 2, grid.backward[1] / 2];
      const paths = { holds: "", fails: "" };
      let edge = "";
      const px = (value) => box.left + wide * value; // not clamped: the edge cells run on under the frame
      const py = (value) => box.bottom + (box.top - box.bottom) * value;
      for (const f of grid.forward) {
        for (const b of grid.backward) {
          const bad = grows(f, b);
          paths[bad ? "fails" : "holds"] += `M${px(f - df)} ${py(b - db)}H${px(f + df)}V${py(b + db)}H${px(f - df)}Z`;
          if (f + df < 1 && grows(f + 2 * df, b) !== bad) edge += `M${px(f + df)} ${py(b - db)}V${py(b + db)}`;
          if (b + db < 1 && grows(f, b + 2 * db) !== bad) edge += `M${px(f - df)} ${py(b + db)}H${px(f + df)}`;
        }
      }
      for (const [name, d] of Object.entries(paths)) patch(fields[name], { d: d || "M0 0" });
      patch(stripes, { d: paths.fails || "M0 0" });
      patch(border, { d: edge || "M0 0" });
      const at = `forward ${say(controls.forward)}, backward ${say(controls.backward)}`;
      putHandle(handle, [x(controls.forward), y(controls.backward)], { width, height }, `${at}`);
      return `Plane of the two connectivities at ${at}: small errors ${frame.abscissa < 0 ? "die out" : "grow"}.`;
    };
  },
};

const LINES = [
  ["within areas", "counts.within"],
  ["forward", "counts.forward"],
  ["backward", "counts.backward"],
  ["synapses in all", "counts.total"],
  ["expected in all", "expected"],
  ["rightmost eigenvalue", "abscissa"],
  ["the same, areas alone", "alone"],
];
const values = { name: "counted", column: 1, title: "In numbers", html: table(LINES) };

export const drawing = { panels: [mask, marks, eigenvalues, plane, graph, values] };
