// ncp_wiring.js: fan-outs, recurrent draws and the seed move; the circuit in layers and its matrix answer.

import { key } from "./core/chart.js";
import { ROLES, drawCircuit, counted, chooseNeuron, neighbours, signOf, signs } from "./core/circuit.js";
import { draw, keyed, patch, pool, write } from "./core/dom.js";
import { table } from "./core/numbers.js";

const synapses = (frame) => frame.edges.map(([source, target]) => [source, Math.abs(target), target > 0 ? 1 : -1]);

/** The synapses that were planned, and those that repair an orphan. */
function told(frame) {
  const repairs = new Set(frame.repairs);
  const edges = synapses(frame);
  return [edges.filter((_, i) => !repairs.has(i)), edges.filter((_, i) => repairs.has(i))];
}

/** A synapse among command neurons has a name that the text may call. */
const nameOf = (nodes, [source, target]) =>
  nodes[source].role === "command" && nodes[target].role === "command" ? "recurrent" : null;
const join = ([source, target, sign]) => `${source} ${target} ${sign}`;

const circuit = {
  name: "circuit",
  column: 1,
  title: "The circuit",
  height: (width) => (width < 420 ? 340 : 380),
  build(svg, { width, height }, view) {
    const { nodes } = view.spec;
    const { wires, tip, route, show } = drawCircuit(svg, { width, height }, view, nodes);
    const planned = draw(wires, "g");
    const repaired = draw(wires, "g", { class: "after", "data-mark": "repairs" });
    const [halos, mended] = [draw(repaired, "g"), draw(repaired, "g")];
    return (frame, _controls, focused) => {
      const [plan, repairs] = told(frame);
      const dim = ([source, target]) => (focused === null || source === focused || target === focused ? "" : " dim");
      keyed(halos, "path", repairs, join, (edge) => ({
        d: route(edge[0], edge[1]).path,
        "stroke-width": 7,
        pathLength: 1,
        class: `halo${dim(edge)}`,
      }));
      const synapse = (edge) => ({
        d: route(edge[0], edge[1]).path,
        "stroke-width": 1.4,
        "marker-end": tip(edge[2]),
        "data-mark": nameOf(nodes, edge),
        class: `synapse ${signOf(edge[2])}${dim(edge)}`,
      });
      keyed(planned, "path", plan, join, synapse);
      keyed(mended, "path", repairs, join, synapse);
      const edges = [...plan, ...repairs];
      show(focused, neighbours(edges, focused));
      return (
        `Circuit in four layers with ${counted(frame.counts.synapses, "synapse")}, ` +
        `${frame.counts.distinct} of them among command neurons.`
      );
    };
  },
};

const CROSS = (x, y, a) => `M${x - a} ${y}h${2 * a}`;
const matrix = {
  name: "matrix",
  column: 2,
  title: "Matrix: row = target, column = source",
  height: (width, { nodes, sizes }) =>
    Math.round(((Math.min(width, 410) - 26) / nodes.length) * (nodes.length - sizes.sensory)) + 44,
  build(svg, { width }, view) {
    const { nodes, sizes } = view.spec;
    const cell = (Math.min(width, 410) - 26) / nodes.length;
    const first = Object.fromEntries(ROLES.map((role) => [role, nodes.findIndex((node) => node.role === role)]));
    const x = (source) => 24 + cell * source;
    const y = (target) => 20 + cell * (target - sizes.sensory);
    for (const [source, target] of PAIRS) {
      draw(svg, "rect", {
        x: x(first[source]),
        y: y(first[target]),
        width: cell * sizes[source],
        height: cell * sizes[target],
        style: "fill: var(--soft)",
      });
    }
    const band = [0, 1].map(() => draw(svg, "rect", { style: "fill: var(--muted); opacity: 0.16" }));
    const [right, bottom] = [x(nodes.length), y(nodes.length)];
    const apart = Math.max(0, 18 - cell); // where cells are small, the last two names step aside
    for (const role of ROLES) {
      const middle = first[role] + sizes[role] / 2;
      const aside = { command: -1.7 * apart, motor: apart }[role] ?? 0;
      draw(
        svg,
        "text",
        { x: Math.min(x(middle) + aside, width - 17), y: 13, class: "quiet", "text-anchor": "middle" },
        role,
      );
      draw(svg, "line", { x1: x(first[role]), x2: x(first[role]), y1: 20, y2: bottom, class: "axis" });
      if (role === "sensory") continue;
      const at = y(middle) + 1.5 * aside;
      const turn = `rotate(-90 14 ${at})`;
      draw(svg, "text", { x: 14, y: at, class: "quiet", "text-anchor": "middle", transform: turn }, role);
      draw(svg, "line", { x1: x(0), x2: right, y1: y(first[role]), y2: y(first[role]), class: "axis" });
    }
    draw(svg, "path", { d: `M${right} 20V${bottom}H${x(0)}`, class: "axis", fill: "none" });
    const planned = draw(svg, "g");
    const repaired = draw(svg, "g", { class: "after", "data-mark": "repairs" });
    const [halos, mended] = [draw(repaired, "g"), draw(repaired, "g")];
    const a = cell * 0.3;
    return (frame, _controls, focused) => {
      const [plan, repairs] = told(frame);
      pool(halos, "rect", repairs, ([source, target]) => ({
        x: x(source) + 1,
        y: y(target) + 1,
        width: cell - 2,
        height: cell - 2,
        style: "fill: var(--halo); opacity: 0.4",
      }));
      const cross = ([source, target, sign]) => {
        const [cx, cy] = [x(source) + cell / 2, y(target) + cell / 2];
        return {
          d: CROSS(cx, cy, a) + (sign > 0 ? `M${cx} ${cy - a}v${2 * a}` : ""),
          class: signOf(sign),
          "data-mark": nameOf(nodes, [source, target]),
          "stroke-width": 2.2,
        };
      };
      pool(planned, "path", plan, cross);
      pool(mended, "path", repairs, cross);
      const [row, column] = band;
      const isNeuron = focused !== null && focused >= sizes.sensory;
      patch(row, { display: isNeuron ? null : "none", x: x(0), y: y(focused ?? 0), width: right - x(0), height: cell });
      patch(column, {
        display: focused === null ? "none" : null,
        x: x(focused ?? 0),
        y: 20,
        width: cell,
        height: bottom - 20,
      });
      return (
        `Matrix of the circuit: ${nodes.length - sizes.sensory} target rows, ${nodes.length} source columns, ` +
        `${counted(frame.counts.synapses, "synapse")} in four of the twelve blocks.`
      );
    };
  },
};

const PAIRS = [
  ["sensory", "inter"],
  ["inter", "command"],
  ["command", "command"],
  ["command", "motor"],
];
const LONG = 34; // synapses that the scale of the bars holds
const ROW = 24;
const bars = {
  name: "bars",
  column: 2,
  title: "Synapses by layer: planned + repairs",
  height: () => PAIRS.length * ROW + 6,
  build(svg, { width }, view) {
    const { nodes } = view.spec;
    const [left, right] = [146, width - 46];
    const long = (count) => ((right - left) * count) / LONG;
    const rows = PAIRS.map(([source, target], i) => {
      const y = 4 + ROW * i;
      draw(svg, "text", { x: left - 8, y: y + 14, "text-anchor": "end", class: "quiet" }, `${source} → ${target}`);
      const plan = draw(svg, "rect", { x: left, y, height: ROW - 6, style: "fill: var(--before)" });
      const more = draw(svg, "g", { class: "after", "data-mark": "repairs" });
      const tint = draw(more, "rect", { y, height: ROW - 6, style: "fill: var(--halo); opacity: 0.55" });
      const frame = draw(more, "rect", { y, height: ROW - 6, class: "edge" });
      const count = draw(more, "text", { y: y + 14, class: "strong" });
      return { source, target, plan, tint, frame, count };
    });
    return (frame) => {
      const [plan, repairs] = told(frame);
      const said = rows.map((row) => {
        const here = ([s, t]) => nodes[s].role === row.source && nodes[t].role === row.target;
        const [planned, more] = [plan.filter(here).length, repairs.filter(here).length];
        patch(row.plan, { width: long(planned) });
        for (const shape of [row.tint, row.frame]) patch(shape, { x: left + long(planned), width: long(more) });
        patch(row.count, { x: left + long(planned + more) + 6 });
        write(row.count, more ? `${planned} + ${more}` : String(planned));
        return `${row.source} to ${row.target} ${planned} planned, ${more} repaired`;
      });
      return `Synapses: ${said.join("; ")}.`;
    };
  },
};

const reading = {
  name: "reading",
  column: 1,
  title: "How to read it",
  details: true,
  html(body, view) {
    const { nodes } = view.spec;
    body.append(
      key([
        ...signs(),
        [
          "repairs an orphan",
          ["path", { d: "M2 8H32", class: "halo", "stroke-width": 7, pathLength: 1 }],
          ["path", { d: "M1 8H27", class: "synapse plus", "stroke-width": 1.6 }],
        ],
      ]),
    );
    const tell = chooseNeuron(body, view, nodes);
    return (frame, _controls, focused) => {
      if (focused === null)
        return tell(focused, "Point at a neuron, or choose one: its row is its fan-in, its column its fan-out.");
      const edges = synapses(frame);
      const hears = edges.filter(([, target]) => target === focused).length;
      const sends = edges.filter(([source]) => source === focused).length;
      const { role, place } = nodes[focused];
      return tell(focused, `The ${role} neuron ${place}: fan-in ${hears}, fan-out ${sends}.`);
    };
  },
};

const LINES = [
  ["synapses", "counts.synapses"],
  ["share of a dense network, %", "counts.density"],
  ["planned by the fan-outs", "counts.planned"],
  ["inter neurons that heard nobody", "orphans.inter"],
  ["command neurons that heard no inter neuron", "orphans.command"],
  ["command neurons that no motor neuron heard", "orphans.silent"],
  ["distinct recurrent synapses", "counts.distinct"],
  ["autapses among them", "counts.autapses"],
  ["longest path, sensor to motor", "counts.longest"],
];
const values = { name: "counted", column: 2, title: "In numbers", details: true, after: true, html: table(LINES) };

export const drawing = { panels: [circuit, matrix, bars, reading, values] };
