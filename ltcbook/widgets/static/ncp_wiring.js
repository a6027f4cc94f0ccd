// ncp_wiring.js: fan-outs, recurrent draws and the seed move; the circuit in layers and its matrix answer.

import { key } from "./core/chart.js";
import { ROLES, circuitOf, counted, lookAt, neighbours, signOf, signs } from "./core/circuit.js";
import { draw, patch, pool } from "./core/dom.js";
import { table } from "./core/numbers.js";

const synapses = (frame) => frame.edges.map(([source, target]) => [source, Math.abs(target), target > 0 ? 1 : -1]);

const circuit = {
  name: "circuit",
  column: 1,
  title: "The circuit",
  height: (width) => (width < 420 ? 320 : 380),
  build(svg, { width, height }, view) {
    const { nodes } = view.spec;
    const { wires, tip, route, show } = circuitOf(svg, { width, height }, view, nodes);
    const [halos, paths] = [draw(wires, "g"), draw(wires, "g")];
    return (frame, controls, focused) => {
      const edges = synapses(frame);
      const dim = ([source, target]) => (focused === null || source === focused || target === focused ? "" : " dim");
      pool(
        halos,
        "path",
        frame.repairs.map((i) => edges[i]),
        (edge) => ({ d: route(edge[0], edge[1]).path, "stroke-width": 7, class: `halo${dim(edge)}` }),
      );
      pool(paths, "path", edges, (edge) => ({
        d: route(edge[0], edge[1]).path,
        "stroke-width": 1.4,
        "marker-end": tip(edge[2]),
        class: `synapse ${signOf(edge[2])}${dim(edge)}`,
      }));
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
  title: "Its matrix: row = target, column = source",
  height: (width, { nodes, sizes }) =>
    Math.round(((Math.min(width, 460) - 26) / nodes.length) * (nodes.length - sizes.sensory)) + 44,
  build(svg, { width }, view) {
    const { nodes, sizes } = view.spec;
    const cell = (Math.min(width, 460) - 26) / nodes.length;
    const first = Object.fromEntries(ROLES.map((role) => [role, nodes.findIndex((node) => node.role === role)]));
    const x = (source) => 24 + cell * source;
    const y = (target) => 20 + cell * (target - sizes.sensory);
    for (const [source, target] of [
      ["sensory", "inter"],
      ["inter", "command"],
      ["command", "command"],
      ["command", "motor"],
    ]) {
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
    for (const role of ROLES) {
      const middle = first[role] + sizes[role] / 2;
      draw(svg, "text", { x: x(middle), y: 13, class: "quiet", "text-anchor": "middle" }, role);
      draw(svg, "line", { x1: x(first[role]), x2: x(first[role]), y1: 20, y2: bottom, class: "axis" });
      if (role === "sensory") continue;
      const turn = `rotate(-90 14 ${y(middle)})`;
      draw(svg, "text", { x: 14, y: y(middle), class: "quiet", "text-anchor": "middle", transform: turn }, role);
      draw(svg, "line", { x1: x(0), x2: right, y1: y(first[role]), y2: y(first[role]), class: "axis" });
    }
    draw(svg, "path", { d: `M${right} 20V${bottom}H${x(0)}`, class: "axis", fill: "none" });
    const [halos, marks] = [draw(svg, "g"), draw(svg, "g")];
    const a = cell * 0.3;
    return (frame, controls, focused) => {
      const edges = synapses(frame);
      pool(
        halos,
        "rect",
        frame.repairs.map((i) => edges[i]),
        ([source, target]) => ({
          x: x(source) + 1,
          y: y(target) + 1,
          width: cell - 2,
          height: cell - 2,
          style: "fill: var(--halo); opacity: 0.4",
        }),
      );
      pool(marks, "path", edges, ([source, target, sign]) => {
        const [cx, cy] = [x(source) + cell / 2, y(target) + cell / 2];
        return {
          d: CROSS(cx, cy, a) + (sign > 0 ? `M${cx} ${cy - a}v${2 * a}` : ""),
          class: signOf(sign),
          "stroke-width": 2.2,
        };
      });
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

const reading = {
  name: "reading",
  column: 1,
  title: "How to read it",
  html(body, view) {
    const { nodes } = view.spec;
    body.append(
      key([
        ...signs(),
        [
          "repairs an orphan",
          ["path", { d: "M2 8H32", class: "halo", "stroke-width": 7 }],
          ["path", { d: "M1 8H27", class: "synapse plus", "stroke-width": 1.6 }],
        ],
      ]),
    );
    const tell = lookAt(body, view, nodes);
    return (frame, controls, focused) => {
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
const values = { name: "counted", column: 2, title: "In numbers", html: table(LINES) };

export const drawing = { panels: [circuit, reading, matrix, values] };
