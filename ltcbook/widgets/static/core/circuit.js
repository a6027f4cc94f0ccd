// circuit.js: a layered circuit as every explorer draws it: neurons by role, synapses by sign.

import { draw, freshId, make, patch, write } from "./dom.js";
import { line } from "./scale.js";

export const ROLES = ["sensory", "inter", "command", "motor"];

/** The sign of a synapse as a class. */
export const signOf = (sign) => (sign > 0 ? "plus" : "minus");

/** "1 synapse", "2 synapses". */
export const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** A neuron's outline by role, so that colour is never needed to tell roles apart. */
function outline(role, r) {
  if (role === "command") return `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
  const [n, turn] = { sensory: [3, 0], inter: [4, 0.5], motor: [6, 0] }[role];
  const corners = Array.from({ length: n }, (_, i) => {
    const angle = ((i + turn) / n) * 2 * Math.PI;
    return [1.15 * r * Math.cos(angle), 1.15 * r * Math.sin(angle)];
  });
  return `${line(corners)}Z`;
}

/** An order within each layer that puts neurons near those they are joined to, so that fewer synapses cross. */
export function untangle(nodes, edges) {
  let order = nodes.map((node) => node.place);
  for (let round = 0; round < 12; round += 1) {
    const share = order.map((place, i) => place / nodes.filter(({ role }) => role === nodes[i].role).length);
    const mean = order.map((own, i) => {
      const near = edges.flatMap(([s, t]) => (s === i ? [t] : t === i ? [s] : []));
      if (nodes[i].role === "command" || !near.length) return own;
      return near.reduce((sum, j) => sum + share[j], 0) / near.length;
    });
    order = nodes.map(
      (node, i) =>
        nodes.filter(({ role }, j) => role === node.role && (mean[j] < mean[i] || (mean[j] === mean[i] && j <= i))).length,
    );
  }
  return order;
}

/**
 * Sensory, inter and motor neurons in columns, the command neurons on a ring: their loops stay visible.
 * `order` gives each neuron's place within its layer, from 1.
 */
function layout(nodes, width, height, order) {
  const [top, bottom] = [38, height - 15];
  const middle = (top + bottom) / 2;
  const ring = Math.min(74, width * 0.13, (bottom - top) / 2 - 12);
  const column = { sensory: 24, inter: width * 0.36, command: width * 0.69, motor: width - 24 };
  const spots = nodes.map(({ role }, i) => {
    const size = nodes.filter((node) => node.role === role).length;
    if (role === "command") {
      const angle = (2 * Math.PI * (order[i] - 0.5)) / size - Math.PI / 2;
      return { x: column.command + ring * Math.cos(angle), y: middle + ring * Math.sin(angle) * 1.25, angle };
    }
    const gap = Math.min((bottom - top) / size, role === "motor" ? 90 : 60);
    return { x: column[role], y: middle + gap * (order[i] - (size + 1) / 2), gap };
  });
  return { spots, column, middle };
}

/** Where the middles of the layers' names stand: each above its layer, or, where two would touch, all at equal distances. */
export function placesOf(names, column, width, letter) {
  const long = names.map((name) => letter * name.length);
  const above = [8 + long[0] / 2, column.inter, column.command, width - 6 - long[3] / 2];
  const free = (i) => above[i] - long[i] / 2 - above[i - 1] - long[i - 1] / 2;
  if ([1, 2, 3].every((i) => free(i) >= 8)) return above;
  const gap = (width - 14 - long.reduce((sum, each) => sum + each, 0)) / 3;
  return long.map((own, i) => 8 + long.slice(0, i).reduce((sum, each) => sum + each + gap, 0) + own / 2);
}

/** The path of one synapse, ending short of its target so that the arrow or bar is seen, and its middle. */
function wire(from, to, centre, r) {
  if (from === to) {
    const [c, s] = [Math.cos(from.angle), Math.sin(from.angle)];
    const at = (along, across) => `${from.x + along * c - across * s} ${from.y + along * s + across * c}`;
    return {
      path: `M${at(r, -4)}C${at(4 * r, -16)} ${at(4 * r, 16)} ${at(r + 4, 5)}`,
      middle: [from.x + 3 * r * c, from.y + 3 * r * s],
    };
  }
  if (from.angle !== undefined && to.angle !== undefined) {
    const [mx, my] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
    const cx = mx + (centre.x - mx) * 0.25 - (to.y - from.y) * 0.16;
    const cy = my + (centre.y - my) * 0.25 + (to.x - from.x) * 0.16;
    const trim = (r + 5) / Math.hypot(to.x - cx, to.y - cy);
    return {
      path: `M${from.x} ${from.y}Q${cx} ${cy} ${to.x + (cx - to.x) * trim} ${to.y + (cy - to.y) * trim}`,
      middle: [(mx + cx) / 2, (my + cy) / 2],
    };
  }
  const [x0, x1] = [from.x + r * 0.6, to.x - r - 5];
  const bend = (x1 - x0) * 0.42;
  return {
    path: `M${x0} ${from.y}C${x0 + bend} ${from.y} ${x1 - bend} ${to.y} ${x1} ${to.y}`,
    middle: [(x0 + x1) / 2, (from.y + to.y) / 2],
  };
}

/**
 * Names of the layers, a layer for synapses, and the neurons above it, which answer to pointer and click.
 * Returns { wires, bodies, route(source, target) -> { path, middle }, tip(sign), show(focused, near) }.
 */
export function drawCircuit(svg, { width, height }, view, nodes, order = nodes.map(({ place }) => place)) {
  const { spots, column, middle } = layout(nodes, width, height, order);
  const r = width < 400 ? 6.5 : 8;
  const sizes = spots.map(({ gap }) => Math.min(r, (gap ?? 60) / 2.3)); // where a layer is crowded its neurons are smaller
  const centre = { x: column.command, y: middle };
  const names = ROLES.map((role) => `${nodes.filter((node) => node.role === role).length} ${role}`);
  const letter = width < 300 ? 6.5 : 7.1; // px
  placesOf(names, column, width, letter).forEach((x, i) => {
    const small = width < 300 ? "font-size: 11px" : null;
    draw(svg, "text", { x, y: 16, class: "quiet", "text-anchor": "middle", style: small }, names[i]);
  });
  const tip = tips(svg);
  const wires = draw(svg, "g");
  const bodies = nodes.map((node, i) => {
    const body = draw(svg, "g", { class: `neuron ${node.role}`, transform: `translate(${spots[i].x} ${spots[i].y})` });
    draw(body, "circle", { r: Math.min(15, 2.3 * sizes[i]), class: "touch" });
    draw(body, "path", { d: outline(node.role, sizes[i]) });
    pointAt(body, view, i);
    return body;
  });
  return {
    wires,
    bodies,
    tip,
    route: (source, target) => wire(spots[source], spots[target], centre, sizes[target]),
    /** Dim what is not near the neuron in focus. */
    show: (focused, near) =>
      bodies.forEach((body, i) =>
        patch(body, {
          class:
            `neuron ${nodes[i].role}` + `${focused === null || near.has(i) ? "" : " dim"}${i === focused ? " hot" : ""}`,
        }),
      ),
  };
}

/** An element that brings a neuron into focus in every panel: while the mouse is on it, or for good by a click. */
export function pointAt(element, view, i, { click = true } = {}) {
  element.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && view.focus(i));
  element.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && view.focus(view.pinned ?? null));
  if (click) element.addEventListener("click", () => view.focus((view.pinned = view.pinned === i ? null : i)));
}

/** The neurons that a synapse joins to the one in focus, and that one itself. */
export function neighbours(edges, focused) {
  const near = new Set([focused]);
  for (const [source, target] of edges) {
    if (source === focused) near.add(target);
    if (target === focused) near.add(source);
  }
  return near;
}

/** A list of neurons that makes the same choice as a pointer, for the keyboard, and a line of words below it. */
export function chooseNeuron(body, view, nodes) {
  const id = freshId("neuron");
  const select = make(
    "select",
    { id },
    make("option", { value: "" }, "none"),
    ...nodes.map(({ role, place }, i) => make("option", { value: i }, `${role} ${place}`)),
  );
  select.addEventListener("change", () => view.focus((view.pinned = select.value === "" ? null : Number(select.value))));
  const words = make("p", { class: "ltc-words" });
  body.append(make("div", { class: "ltc-look" }, make("label", { for: id }, "Look at one neuron"), select), words);
  return (focused, text) => {
    select.value = focused ?? "";
    write(words, text);
  };
}

/** Arrow for +, bar for -: the sign of a synapse without its colour; returns sign -> marker. */
export function tips(svg, size = 7) {
  const ids = {};
  for (const [sign, d] of [
    ["plus", "M0 0.8L7 4L0 7.2Z"],
    ["minus", "M4.6 0.4H6.8V7.6H4.6Z"],
  ]) {
    ids[sign] = freshId(sign);
    const marker = draw(draw(svg, "defs"), "marker", {
      id: ids[sign],
      viewBox: "0 0 8 8",
      refX: 6,
      refY: 4,
      markerWidth: size,
      markerHeight: size,
      markerUnits: "userSpaceOnUse",
      orient: "auto",
    });
    draw(marker, "path", { d, class: `tip ${sign}` });
  }
  return (sign) => `url(#${ids[sign > 0 ? "plus" : "minus"]})`;
}

/** The two lines of a legend that say what arrow and bar mean. */
export const signs = () => [
  [
    "excites (+)",
    ["path", { d: "M1 8H27", class: "synapse plus", "stroke-width": 1.6 }],
    ["path", { d: "M26 4L33 8L26 12Z", class: "tip plus" }],
  ],
  [
    "inhibits (−)",
    ["path", { d: "M1 8H27", class: "synapse minus", "stroke-width": 1.6 }],
    ["path", { d: "M27 3.5H29.6V12.5H27Z", class: "tip minus" }],
  ],
];
