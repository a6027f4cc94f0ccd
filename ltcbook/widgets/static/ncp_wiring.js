// ncp_wiring.js: fan-outs, recurrent draws and the seed move; the circuit in layers and its matrix answer.

const ORDER = ["sensory", "inter", "command", "motor"];
const several = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
const kind = (sign) => (sign > 0 ? "plus" : "minus");
const synapses = (frame) => frame.edges.map(([source, target]) => [source, Math.abs(target), target > 0 ? 1 : -1]);

/** A neuron's outline by role, so that colour is never needed to tell roles apart. */
function shape(role, r) {
  const corner = (n, turn) => Array.from({ length: n }, (_, i) => {
    const angle = ((i + turn) / n) * 2 * Math.PI;
    return [r * 1.15 * Math.cos(angle), r * 1.15 * Math.sin(angle)];
  });
  if (role === "command") return `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
  const [n, turn] = { sensory: [3, 0], inter: [4, 0.5], motor: [6, 0] }[role];
  return `${line(corner(n, turn))}Z`;
}

/** Columns for sensory, inter and motor neurons, a ring for the command neurons: their loops stay visible. */
function spotsOf(nodes, width, height) {
  const [top, bottom] = [36, height - 14];
  const middle = (top + bottom) / 2;
  const ring = Math.min(74, width * 0.14, (bottom - top) / 2 - 14);
  const column = { sensory: 24, inter: width * 0.34, command: width * 0.68, motor: width - 24 };
  const spots = nodes.map(({ role, place }) => {
    const size = nodes.filter((node) => node.role === role).length;
    if (role === "command") {
      const angle = (2 * Math.PI * (place - 0.5)) / size - Math.PI / 2;
      return { x: column.command + ring * Math.cos(angle), y: middle + ring * Math.sin(angle) * 1.25, angle };
    }
    const gap = Math.min((bottom - top) / size, 90);
    return { x: column[role], y: middle + gap * (place - (size + 1) / 2) };
  });
  return { spots, column, middle };
}

/** The path of one synapse, ending short of its target so that the arrow or bar is seen. */
function course(from, to, centre, r) {
  if (from === to) {
    const [c, s] = [Math.cos(from.angle), Math.sin(from.angle)];
    const at = (along, across) => `${from.x + along * c - across * s} ${from.y + along * s + across * c}`;
    return `M${at(r, -4)}C${at(4 * r, -16)} ${at(4 * r, 16)} ${at(r + 4, 5)}`;
  }
  if (from.angle !== undefined && to.angle !== undefined) {
    const [mx, my] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
    const cx = mx + (centre.x - mx) * 0.25 - (to.y - from.y) * 0.16;
    const cy = my + (centre.y - my) * 0.25 + (to.x - from.x) * 0.16;
    const trim = (r + 5) / Math.hypot(to.x - cx, to.y - cy);
    return `M${from.x} ${from.y}Q${cx} ${cy} ${to.x + (cx - to.x) * trim} ${to.y + (cy - to.y) * trim}`;
  }
  const [x0, x1] = [from.x + r * 0.6, to.x - r - 5];
  const bend = (x1 - x0) * 0.42;
  return `M${x0} ${from.y}C${x0 + bend} ${from.y} ${x1 - bend} ${to.y} ${x1} ${to.y}`;
}

const circuit = {
  name: "circuit",
  column: 1,
  title: "The circuit",
  height: (width) => (width < 420 ? 320 : 380),
  build(svg, { width, height }, view) {
    const { nodes, sizes } = view.spec;
    const { spots, column, middle } = spotsOf(nodes, width, height);
    const r = width < 400 ? 6.5 : 8;
    const tip = tips(svg);
    const centre = { x: column.command, y: middle };
    for (const role of ORDER) {
      const anchor = { sensory: "start", motor: "end" }[role] ?? "middle";
      const x = { sensory: 8, motor: width - 6 }[role] ?? column[role];
      draw(svg, "text", { x, y: 16, class: "quiet", "text-anchor": anchor }, `${sizes[role]} ${role}`);
    }
    const [halos, wires] = [draw(svg, "g"), draw(svg, "g")];
    const bodies = nodes.map((node, i) => {
      const body = draw(svg, "g", { transform: `translate(${spots[i].x} ${spots[i].y})` });
      draw(body, "circle", { r: 15, class: "touch" });
      draw(body, "path", { d: shape(node.role, r) });
      body.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && view.focus(i));
      body.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && view.focus(view.pinned ?? null));
      body.addEventListener("click", () => view.focus((view.pinned = view.pinned === i ? null : i)));
      return body;
    });
    return (frame, controls, focused) => {
      const edges = synapses(frame);
      const near = new Set([focused]);
      const track = ([source, target]) => course(spots[source], spots[target], centre, r);
      pool(halos, "path", frame.repairs.map((i) => edges[i]), (edge) => ({ d: track(edge), "stroke-width": 7,
        class: `halo${focused === null || edge[0] === focused || edge[1] === focused ? "" : " dim"}` }));
      pool(wires, "path", edges, ([source, target, sign]) => {
        const touched = focused === null || source === focused || target === focused;
        if (source === focused) near.add(target);
        if (target === focused) near.add(source);
        return { d: track([source, target]), "stroke-width": 1.4, "marker-end": tip(sign),
          class: `synapse ${kind(sign)}${touched ? "" : " dim"}` };
      });
      bodies.forEach((body, i) => patch(body, { class: `neuron ${nodes[i].role}`
        + `${focused === null || near.has(i) ? "" : " dim"}${i === focused ? " hot" : ""}` }));
      return `Circuit in four layers with ${several(frame.counts.synapses, "synapse")}, `
        + `${frame.counts.distinct} of them among command neurons.`;
    };
  },
};

const CROSS = (x, y, a) => `M${x - a} ${y}h${2 * a}`;
const matrix = {
  name: "matrix",
  column: 2,
  title: "Its matrix: row = target, column = source",
  height: (width, { nodes, sizes }) => Math.round((Math.min(width, 460) - 26) / nodes.length * (nodes.length - sizes.sensory)) + 44,
  build(svg, { width }, view) {
    const { nodes, sizes } = view.spec;
    const cell = (Math.min(width, 460) - 26) / nodes.length;
    const first = Object.fromEntries(ORDER.map((role) => [role, nodes.findIndex((node) => node.role === role)]));
    const x = (source) => 24 + cell * source;
    const y = (target) => 20 + cell * (target - sizes.sensory);
    for (const [source, target] of [["sensory", "inter"], ["inter", "command"], ["command", "command"], ["command", "motor"]]) {
      draw(svg, "rect", { x: x(first[source]), y: y(first[target]), width: cell * sizes[source], height: cell * sizes[target],
        style: "fill: var(--soft)" });
    }
    const band = [0, 1].map(() => draw(svg, "rect", { style: "fill: var(--muted); opacity: 0.16" }));
    const [right, bottom] = [x(nodes.length), y(nodes.length)];
    for (const role of ORDER) {
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
      pool(halos, "rect", frame.repairs.map((i) => edges[i]), ([source, target]) => ({ x: x(source) + 1, y: y(target) + 1,
        width: cell - 2, height: cell - 2, style: "fill: var(--halo); opacity: 0.4" }));
      pool(marks, "path", edges, ([source, target, sign]) => {
        const [cx, cy] = [x(source) + cell / 2, y(target) + cell / 2];
        return { d: CROSS(cx, cy, a) + (sign > 0 ? `M${cx} ${cy - a}v${2 * a}` : ""), class: kind(sign), "stroke-width": 2.2 };
      });
      const [row, column] = band;
      const isNeuron = focused !== null && focused >= sizes.sensory;
      patch(row, { display: isNeuron ? null : "none", x: x(0), y: y(focused ?? 0), width: right - x(0), height: cell });
      patch(column, { display: focused === null ? "none" : null, x: x(focused ?? 0), y: 20, width: cell, height: bottom - 20 });
      return `Matrix of the circuit: ${nodes.length - sizes.sensory} target rows, ${nodes.length} source columns, `
        + `${several(frame.counts.synapses, "synapse")} in four of the twelve blocks.`;
    };
  },
};

const reading = {
  name: "reading",
  column: 1,
  title: "How to read it",
  html(body, view) {
    const { nodes } = view.spec;
    const stroke = (sign) => ["path", { d: "M1 8H27", class: `synapse ${sign}`, "stroke-width": 1.6 }];
    body.append(key([
      ["excites (+)", stroke("plus"), ["path", { d: "M26 4L33 8L26 12Z", class: "tip plus" }]],
      ["inhibits (−)", stroke("minus"), ["path", { d: "M27 3.5H29.6V12.5H27Z", class: "tip minus" }]],
      ["repairs an orphan", ["path", { d: "M2 8H32", class: "halo", "stroke-width": 7 }], stroke("plus")],
    ]));
    const id = freshId("neuron");
    const select = make("select", { id }, make("option", { value: "" }, "none"),
      ...nodes.map(({ role, place }, i) => make("option", { value: i }, `${role} ${place}`)));
    select.addEventListener("change", () => view.focus((view.pinned = select.value === "" ? null : Number(select.value))));
    const words = make("p", { class: "ltc-words" });
    body.append(make("div", { class: "ltc-look" }, make("label", { for: id }, "Look at one neuron"), select), words);
    return (frame, controls, focused) => {
      select.value = focused ?? "";
      if (focused === null) return write(words, "Point at a neuron, or choose one: its row is its fan-in, its column its fan-out.");
      const edges = synapses(frame);
      const hears = edges.filter(([, target]) => target === focused).length;
      const sends = edges.filter(([source]) => source === focused).length;
      const { role, place } = nodes[focused];
      return write(words, `The ${role} neuron ${place}: fan-in ${hears}, fan-out ${sends}.`);
    };
  },
};

const LINES = [["synapses", "counts.synapses"], ["share of a dense network, %", "counts.density"],
  ["planned by the fan-outs", "counts.planned"], ["inter neurons that heard nobody", "orphans.inter"],
  ["command neurons that heard no inter neuron", "orphans.command"], ["command neurons that no motor neuron heard", "orphans.silent"],
  ["distinct recurrent synapses", "counts.distinct"], ["autapses among them", "counts.autapses"],
  ["longest path, sensor to motor", "counts.longest"]];
const counted = {
  name: "counted",
  column: 2,
  title: "In numbers",
  html(body) {
    const cells = [];
    const row = ([label, name]) => {
      const output = make("output", { "data-name": name });
      cells.push(output);
      return make("tr", {}, make("th", { scope: "row" }, label), make("td", {}, output));
    };
    body.append(make("table", { class: "ltc-numbers" }, make("tbody", {}, ...LINES.map(row))));
    return (frame) => {
      for (const output of cells) {
        const value = output.dataset.name.split(".").reduce((part, name) => part?.[name], frame);
        patch(output, { "data-value": value });
        write(output, say(value));
      }
    };
  },
};

const drawing = { panels: [circuit, reading, matrix, counted] };
