// areas.js: the mask of a network of areas, its eigenvalues, the plane of forward and backward, the graph of areas.
// Python draws the dice once; a synapse exists where its die lies below the probability of its block.

import { clipTo, hatch, keyPanel, ruleX, tickX, tickY, ticksX, ticksY, unstableHalf, whole } from "./core/chart.js";
import { counted } from "./core/circuit.js";
import { draw, freshId, patch, pool, write } from "./core/dom.js";
import { phrase, say } from "./core/format.js";
import { pointHandle, putHandle } from "./core/handle.js";
import { trail } from "./core/motion.js";
import { table } from "./core/numbers.js";
import { scale } from "./core/scale.js";
import { eigenvaluesOf } from "./model/linear.js";

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

/** The rows of −I + W: a weight wherever a synapse is, a negative one larger. */
function jacobianAt(synapses, { neurons, sizes, stronger }) {
  const rows = Array.from({ length: neurons }, (_, i) => Array.from({ length: neurons }, (_, j) => (i === j ? -1 : 0)));
  for (const [source, target, , sign] of synapses) {
    rows[target][source] += sizes[target][source] * (sign > 0 ? 1 : -stronger);
  }
  return rows;
}

const settingOf = ({ areas, within, signs }) => `${areas}-${within}-${signs}`;
const thousandths = (x) => Math.round(1000 * x) / 1000;

/** What AreasExplorer.frame_of computes in Python. */
export function areasFrame(controls, spec) {
  const synapses = synapsesOf(controls, spec);
  const counts = { within: 0, forward: 0, backward: 0, total: synapses.length };
  for (const [, , kind] of synapses) counts[kind] += 1;
  const { areas, within, forward, backward } = controls;
  const expected = (spec.neurons / areas) ** 2 * areas * (within + ((areas - 1) / 2) * (forward + backward));
  const eigen = eigenvaluesOf(jacobianAt(synapses, spec));
  const abscissa = thousandths(eigen[0][0]);
  const alone = thousandths(spec.alone[settingOf(controls)][0][0]);
  const grows = eigen[0][0] >= 0;
  const looped = counts.forward > 0 && counts.backward > 0;
  const kind = !looped ? "free" : grows ? "grows" : abscissa === alone ? "unmoved" : "dies";
  const verdict = [phrase(spec.sentences[kind], { at: abscissa })];
  return { counts, expected, eigen, abscissa, alone, grows, verdict };
}

const MOST = 310; // pixels of the mask's side
const mask = {
  name: "mask",
  column: 1,
  title: "The mask: row = target, column = source",
  height: (width) => Math.min(width - 26, MOST) + 24,
  build(svg, { width }, view) {
    const { neurons } = view.spec;
    const side = Math.min(width - 26, MOST);
    const [left, top, cell] = [24 + (width - 26 - side) / 2, 20, side / neurons];
    draw(svg, "rect", { x: left, y: top, width: side, height: side, class: "field" });
    const tints = draw(svg, "g");
    const cells = Object.fromEntries(
      KINDS.flatMap((kind) =>
        [1, -1].map((sign) => [
          kind + sign,
          draw(svg, "path", {
            "data-mark": kind,
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
      {
        x: left - 10,
        y: top + side / 2,
        "text-anchor": "middle",
        class: "quiet",
        transform: `rotate(-90 ${left - 10} ${top + side / 2})`,
      },
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
const marks = {
  ...keyPanel("marks", 1, [
    ...KINDS.map((kind) => [`${LETTERS[kind]}: ${kind}`, box(`fill: ${PAINT[kind]}`)]),
    ["hollow: inhibitory", box("fill: none; stroke: var(--ink); stroke-width: 1.6")],
    ["eigenvalue of an area alone", ["circle", { cx: 17, cy: 8, r: 6, class: "ghost" }]],
    ["eigenvalue of the whole network", ["circle", { cx: 17, cy: 8, r: 4, class: "eigen own" }]],
  ]),
  details: true,
};

const graph = {
  name: "graph",
  column: 1,
  title: "The synapses from area to area, counted",
  height: () => 124,
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
    return (_frame, controls) => {
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
      const rise = (s, t) => (s < t ? -1 : 1) * (26 + (24 / Math.max(1, areas - 2)) * (Math.abs(t - s) - 1));
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

const RE = [-1.9, 1];
const IM = [-0.6, 0.6];
const eigenvalues = {
  name: "eigenvalues",
  column: 2,
  title: "Eigenvalues: ○ areas alone, ● network",
  height: () => 222,
  build(svg, { width, height }, view) {
    const box = { left: 34, right: width - 8, top: 20, bottom: height - 36 };
    const x = scale(RE, [box.left, box.right]);
    const y = scale(IM, [box.bottom, box.top]);
    unstableHalf(svg, box, x, 9);
    for (const tick of [-1.5, -1, -0.5, 0.5]) ruleX(svg, box, x, tick);
    draw(svg, "line", { x1: x(0), x2: x(0), y1: box.top, y2: box.bottom, class: "boundary" });
    ticksX(svg, box, x, [-1.5, -1, -0.5, 0, 0.5], { below: 16 });
    ticksY(svg, box, y, [-0.5, 0, 0.5], { left: 6 });
    draw(svg, "text", { x: box.right, y: height - 4, "text-anchor": "end" }, "real part, per ms");
    draw(svg, "text", { x: box.left - 26, y: 13, class: "quiet" }, "imaginary part ↑");
    draw(svg, "text", { x: box.right, y: 13, "text-anchor": "end", class: "quiet" }, "errors grow");
    const rings = draw(svg, "g", { "data-mark": "alone" });
    const told = draw(svg, "g", { class: "after" });
    const tails = draw(told, "g");
    const dots = draw(told, "g", { "data-mark": "network" });
    const note = draw(told, "text", { "text-anchor": "middle", class: "strong halo-text" });
    const leave = trail(tails);
    return (frame, controls) => {
      const alone = view.spec.alone[settingOf(controls)];
      pool(rings, "circle", alone, ([re, im]) => ({ cx: x(re), cy: y(im), r: 7, class: "ghost" }));
      pool(dots, "circle", frame.eigen, ([re, im]) => ({ cx: x(re), cy: y(im), r: 3.6, class: "eigen own" }));
      leave(frame.eigen.map(([re, im]) => [x(re), y(im)]));
      const [re, im] = frame.eigen.reduce((most, value) => (value[0] > most[0] ? value : most));
      patch(note, { x: Math.min(Math.max(x(re), box.left + 30), box.right - 22), y: y(Math.abs(im)) - 12 });
      write(note, say(frame.abscissa));
      return (
        `${counted(frame.eigen.length, "eigenvalue")} of the whole network; the rightmost has real part ` +
        `${say(frame.abscissa)}, that of the areas alone ${say(frame.alone)}.`
      );
    };
  },
};

const plane = {
  name: "plane",
  column: 2,
  title: "Drag both shares. Hatched: errors grow",
  height: () => 232,
  build(svg, { width, height }, view) {
    const wide = Math.min(width - 48, 330);
    const box = { left: 34, right: 34 + wide, top: 20, bottom: height - 36 };
    const range = [0, 1];
    const x = scale(range, [box.left, box.right]);
    const y = scale(range, [box.bottom, box.top]);
    const inside = clipTo(svg, box);
    draw(inside, "rect", { ...whole(box), class: "field" });
    const told = draw(inside, "g", { class: "after" });
    const fields = Object.fromEntries(["holds", "fails"].map((name) => [name, draw(told, "path", { class: name })]));
    const stripes = draw(told, "path", { fill: hatch(svg, "unstable", 45, 9) });
    const edge = draw(told, "path", { class: "boundary", fill: "none", "data-mark": "border" });
    draw(svg, "rect", { ...whole(box), class: "edge" });
    for (const tick of [0, 0.5, 1]) {
      tickX(svg, box, x, tick, 16);
      tickY(svg, box, y, tick, 6);
    }
    draw(svg, "text", { x: box.left - 26, y: 13, class: "quiet" }, "backward ↑");
    draw(svg, "text", { x: box.right, y: height - 4, "text-anchor": "end" }, "forward");
    const handle = pointHandle(svg, view, box, ["forward", "backward"], [range, range], 0.05);
    let shown = "";
    /** Every share of the grid stands for the cell around it; the outer cells run on under the frame. */
    const paint = (rows) => {
      const last = rows.length - 1;
      const paths = { holds: "", fails: "" };
      let d = "";
      const px = (i) => box.left + (wide * i) / last;
      const py = (i) => box.bottom + ((box.top - box.bottom) * i) / last;
      for (let f = 0; f <= last; f += 1) {
        for (let b = 0; b <= last; b += 1) {
          const bad = rows[f][b];
          paths[bad === "1" ? "fails" : "holds"] +=
            `M${px(f - 0.5)} ${py(b - 0.5)}H${px(f + 0.5)}V${py(b + 0.5)}H${px(f - 0.5)}Z`;
          if (f < last && rows[f + 1][b] !== bad) d += `M${px(f + 0.5)} ${py(b - 0.5)}V${py(b + 0.5)}`;
          if (b < last && rows[f][b + 1] !== bad) d += `M${px(f - 0.5)} ${py(b + 0.5)}H${px(f + 0.5)}`;
        }
      }
      for (const [name, cells] of Object.entries(paths)) patch(fields[name], { d: cells || "M0 0" });
      patch(stripes, { d: paths.fails || "M0 0" });
      patch(edge, { d: d || "M0 0" });
    };
    return (frame, controls) => {
      const setting = settingOf(controls);
      if (setting !== shown) paint(view.spec.border[setting]);
      shown = setting;
      const at = `forward ${say(controls.forward)}, backward ${say(controls.backward)}`;
      putHandle(handle, [x(controls.forward), y(controls.backward)], { width, height }, at);
      return `Plane of the two connectivities at ${at}: errors ${frame.grows ? "grow" : "die out"}.`;
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
const values = { name: "counted", column: 2, title: "In numbers", details: true, html: table(LINES) };

export const drawing = {
  panels: [mask, eigenvalues, plane, graph, marks, values],
  frame: areasFrame,
  moves: { eigen: "match" },
};
