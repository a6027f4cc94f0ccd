// plane.js: two targets, one synapse. The formula is closed, so JavaScript restates it and no table is needed;
// a test holds every number to those of ltcbook.dynamics and ltcbook.analysis.

/** One frame of the two-target subgraph; the same dictionary as PlaneExplorer.compute in Python. */
export function planeFrame(controls, { gate = 0.5, capacitance = 1 } = {}) {
  const { T, w_ij, w_ik, E, tau_j, tau_k, x_j, x_k } = controls;
  const cut = w_ij < T;
  const [b, B] = [(w_ij * gate) / capacitance, (w_ik * gate) / capacitance];
  const [a_j, a_k] = [1 / tau_j, 1 / tau_k];
  const side = (pull_j, pull_k) => {
    const decay = [a_j + pull_j, a_k + pull_k];
    const rest = [(pull_j * E) / decay[0], (pull_k * E) / decay[1]];
    const velocity = [pull_j * E - decay[0] * x_j, pull_k * E - decay[1] * x_k];
    return { vdot: 2 * (x_j * velocity[0] + x_k * velocity[1]), velocity, rest, eigenvalues: [-decay[0], -decay[1]],
      rate: Math.min(...decay), trace: -decay[0] - decay[1], fastest: Math.max(...decay) };
  };
  const before = side(b, 0);
  const after = cut ? side(0, B) : side(b, 0);
  const frame = { controls: { ...controls }, cut, before, after, change: after.vdot - before.vdot };
  return { ...frame, verdict: planeVerdict(frame, controls) };
}

function planeVerdict({ cut, before, after, change }, { w_ij, T }) {
  if (!cut) return [["same", `Nothing happens: w = ${say(w_ij)} is not below T = ${say(T)}.`]];
  const tone = Math.abs(change) < 1e-12 ? "same" : change < 0 ? "good" : "bad";
  const rises = after.vdot > 1e-12 ? "fails here: V even rises" : "fails here: V falls slower";
  const first = { good: "holds here: V falls faster", bad: rises, same: "changes nothing here" }[tone];
  const gain = after.rate - before.rate;
  const rate = Math.abs(gain) < 1e-12 ? "same" : gain > 0 ? "good" : "bad";
  const second = { good: "holds: k is slower at rest than j", bad: "fails: k is faster at rest than j",
    same: "fails: τ_j = τ_k, so no weight can help" }[rate];
  return [[tone, `Claim 1 ${first}. dV/dt ${signed(before.vdot)}\u00a0→\u00a0${signed(after.vdot)} per ms.`],
    [rate === "same" ? "bad" : rate,
      `Claim 2 ${second}. Slowest mode ${say(-before.rate)}\u00a0→\u00a0${say(-after.rate)} per ms.`]];
}

/** Where claim 1 fails: |x_k - E/2| <= root(x_j), a hyperbola; its two sides over a grid of x_j. */
function failing({ w_ij, w_ik, E }, reach) {
  const sides = [[], []];
  for (let i = 0; i <= 120; i += 1) {
    const x_j = -reach + (2 * reach * i) / 120;
    const root = Math.sqrt(Math.max(0, E * E / 4 + (w_ij / w_ik) * x_j * (x_j - E)));
    sides[0].push([x_j, E / 2 + root]);
    sides[1].push([x_j, E / 2 - root]);
  }
  return [...sides[0], ...sides[1].reverse()];
}

const REACH = 1.5;

function arrowHead(svg, name) {
  const id = freshId(name);
  const marker = draw(draw(svg, "defs"), "marker", { id, viewBox: "0 0 8 8", refX: 7, refY: 4,
    markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto" });
  draw(marker, "path", { d: "M0 0.8L7.5 4L0 7.2Z", class: `head ${name}` });
  return `url(#${id})`;
}

const subgraph = {
  name: "subgraph",
  column: 2,
  title: "One synapse, before and after: its width is its weight",
  height: () => 116,
  build(svg, { width, height }) {
    const spots = { i: [width * 0.22, height / 2], j: [width * 0.78, 26], k: [width * 0.78, height - 26] };
    const group = draw(svg, "g");
    const wires = ["j", "k"].map((name) => {
      const [[x0, y0], [x1, y1]] = [spots.i, spots[name]];
      const path = `M${x0} ${y0}C${x0 + 70} ${y0} ${x1 - 100} ${y1} ${x1 - 22} ${y1}`;
      return [draw(group, "path", { d: path, class: "halo" }), draw(group, "path", { d: path })];
    });
    const tip = tips(svg, 9);
    for (const [name, [x, y]] of Object.entries(spots)) {
      draw(svg, "circle", { cx: x, cy: y, r: 14, class: "soma" });
      draw(svg, "text", { x, y: y + 4.5, "text-anchor": "middle", class: "strong" }, name);
    }
    draw(svg, "text", { x: spots.i[0], y: spots.i[1] + 32, "text-anchor": "middle", class: "quiet" }, "held");
    const names = [["j", -8], ["k", 18]].map(([name, shift]) => draw(svg, "text", { x: width / 2 + 8,
      y: spots[name][1] + shift, "text-anchor": "middle", class: "halo-text" }));
    return ({ cut }, { w_ij, w_ik, E }) => {
      const size = (weight) => Math.min(9, 1.2 + 2.4 * Math.sqrt(weight));
      patch(wires[0][0], { display: "none" });
      patch(wires[1][0], { display: cut ? null : "none", "stroke-width": size(w_ik) + 6 });
      const look = `synapse new ${E > 0 ? "plus" : "minus"}`;
      patch(wires[0][1], { class: `${look}${cut ? " cut" : ""}`, "stroke-width": size(w_ij),
        "marker-end": cut ? null : tip(E) });
      patch(wires[1][1], { class: look, display: cut ? null : "none", "stroke-width": size(w_ik), "marker-end": tip(E) });
      write(names[0], cut ? `cut: ${say(w_ij)} µS` : `stays: ${say(w_ij)} µS`);
      write(names[1], cut ? `new: ${say(w_ik)} µS` : "");
      return cut ? `The synapse from i to j, ${say(w_ij)}, is cut; a new one from i to k has ${say(w_ik)} microsiemens.`
        : `The synapse from i to j stays with ${say(w_ij)} microsiemens.`;
    };
  },
};

const statePlane = {
  name: "plane",
  column: 1,
  title: "Claim 1: the state (x_j, x_k), and where V\u00a0=\u00a0x_j²\u00a0+\u00a0x_k² falls faster after the event",
  height: (width) => Math.min(width, 460) + 4,
  build(svg, { width, height }, view) {
    const side = Math.min(width, 460) - 44;
    const left = Math.max(38, (width - side) / 2);
    const box = { left, right: left + side, top: 10, bottom: 10 + side };
    const x = scale([-REACH, REACH], [box.left, box.right]);
    const y = scale([-REACH, REACH], [box.bottom, box.top]);
    const clip = freshId("clip");
    draw(draw(draw(svg, "defs"), "clipPath", { id: clip }), "rect",
      { x: box.left, y: box.top, width: side, height: side });
    const inside = draw(svg, "g", { "clip-path": `url(#${clip})` });
    const whole = { x: box.left, y: box.top, width: side, height: side };
    const good = [{ class: "holds" }, { fill: hatch(svg, "holds", 45, 9) }]
      .map((look) => draw(inside, "rect", { ...whole, ...look }));
    const base = draw(inside, "path", { class: "field" });
    const bad = [draw(inside, "path", { class: "fails" }), draw(inside, "path", { fill: hatch(svg, "fails", -45, 6) })];
    const edge = draw(inside, "path", { class: "edge" });
    for (const tick of [-1, 0, 1]) {
      draw(svg, "line", { x1: x(tick), x2: x(tick), y1: box.top, y2: box.bottom, class: tick ? "grid" : "axis" });
      draw(svg, "line", { y1: y(tick), y2: y(tick), x1: box.left, x2: box.right, class: tick ? "grid" : "axis" });
      draw(svg, "text", { x: x(tick), y: box.bottom + 16, "text-anchor": "middle", class: "tick" }, say(tick));
      draw(svg, "text", { x: box.left - 7, y: y(tick) + 4, "text-anchor": "end", class: "tick" }, say(tick));
    }
    draw(svg, "text", { x: box.right, y: box.bottom + 32, "text-anchor": "end" }, "x_j, mV");
    draw(svg, "text", { x: box.left - 8, y: box.top + 10, "text-anchor": "end" }, "x_k");
    const room = draw(inside, "rect", { class: "room" });
    const roomName = draw(inside, "text", { class: "quiet halo-text", "text-anchor": "middle" });
    const [holdsName, failsName] = [0, 1].map(() => draw(inside, "text", { class: "region halo-text" }));
    const level = draw(inside, "circle", { cx: x(0), cy: y(0), class: "level" });
    const rests = [draw(inside, "circle", { r: 6, class: "ghost" }), draw(inside, "circle", { r: 5, class: "eigen" })];
    const restNames = ["rest before", "rest after"].map((text) => draw(inside, "text", { class: "halo-text" }, text));
    const flows = ["was", "is"].map((name) => draw(inside, "line",
      { class: `flow ${name}`, "marker-end": arrowHead(svg, name) }));
    draw(inside, "circle", { cx: x(0), cy: y(0), r: 2.5, class: "origin-dot" });
    const handle = pointHandle(svg, view, box, ["x_j", "x_k"], [[-REACH, REACH], [-REACH, REACH]], 0.05);
    return (frame, controls) => {
      const { x_j, x_k, E } = controls;
      for (const part of [...good, ...bad, edge, holdsName, failsName]) patch(part, { display: frame.cut ? null : "none" });
      const border = `${line(failing(controls, REACH).map(([u, v]) => [x(u), y(v)]))}Z`;
      patch(base, { d: border });
      for (const part of [...bad, edge]) patch(part, { d: border });
      patch(holdsName, { x: x(-1.42), y: y(E > 0 ? -1.3 : 1.22) });
      write(holdsName, "claim 1 holds");
      patch(failsName, { x: x(-1.42), y: y(E * 0.8) + 4 });
      write(failsName, "claim 1 fails");
      const [low, high] = [Math.min(0, E), Math.max(0, E)];
      patch(room, { x: x(low), y: y(high), width: x(high) - x(low), height: y(low) - y(high) });
      patch(roomName, { x: x(E / 2), y: E > 0 ? y(high) - 6 : y(low) + 15 });
      write(roomName, "where states live");
      patch(level, { r: Math.hypot(x(x_j) - x(0), y(x_k) - y(0)) });
      [frame.before, frame.after].forEach(({ rest, velocity }, i) => {
        patch(rests[i], { cx: x(rest[0]), cy: y(rest[1]) });
        patch(restNames[i], { x: x(rest[0]) + 10, y: y(rest[1]) + (i ? 4 : E > 0 ? 17 : -9),
          display: i && !frame.cut ? "none" : null });
        const speed = Math.hypot(...velocity); // the arrow is compressed: a slow flow stays visible, a fast one inside
        const reach = (24 + (60 * speed) / (1 + speed)) / Math.max(speed, 1e-9);
        patch(flows[i], { x1: x(x_j), y1: y(x_k), x2: x(x_j) + velocity[0] * reach, y2: y(x_k) - velocity[1] * reach,
          display: (i && !frame.cut) || speed < 1e-3 ? "none" : null });
      });
      handle.style.left = `${(100 * x(x_j)) / width}%`;
      handle.style.top = `${(100 * y(x_k)) / height}%`;
      patch(handle, { "aria-label": `State: x j ${say(x_j)}, x k ${say(x_k)}. Arrow keys move it.` });
      return `Plane of the states x j and x k. ${frame.verdict[0][1].replaceAll("_", " ")}`;
    };
  },
};

const reading = {
  name: "reading",
  column: 1,
  title: "",
  html(body) {
    const flow = (name) => [["path", { d: "M1 8H27", class: `flow ${name}` }],
      ["path", { d: "M25 4L33 8L25 12Z", class: `head ${name}` }]];
    body.append(key([["flow before", ...flow("was")], ["flow after", ...flow("is")],
      ["V is the same all along this circle", ["path", { d: "M3 15A17 17 0 0 1 31 15", class: "level" }]]]));
    return () => {};
  },
};

const modes = {
  name: "modes",
  column: 2,
  title: "Claim 2: the two eigenvalues before and after",
  height: () => 190,
  build(svg, { width }) {
    const x = scale([-8, 0], [50, width - 20], spread(0.4));
    const levels = [52, 124];
    for (const tick of [-8, -4, -2, -1, -0.5, -0.2, 0]) {
      draw(svg, "line", { x1: x(tick), x2: x(tick), y1: 28, y2: 156, class: tick ? "grid" : "boundary" });
      draw(svg, "text", { x: x(tick), y: 172, "text-anchor": "middle", class: "tick" }, say(tick));
    }
    draw(svg, "text", { x: width - 20, y: 187, "text-anchor": "end" }, "eigenvalue, per ms");
    draw(svg, "text", { x: width - 20, y: 14, "text-anchor": "end", class: "quiet" }, "stability boundary ↓");
    ["before", "after"].forEach((name, i) => draw(svg, "text", { x: 4, y: levels[i] + 4, class: i ? "strong" : "" }, name));
    const links = [0, 1].map(() => draw(svg, "line", { class: "drift" }));
    const slow = [0, 1].map((i) => draw(svg, "circle", { r: 11, cy: levels[i], class: "ring" }));
    const marks = levels.map((row, i) => [draw(svg, "circle", { cy: row, r: 6, class: i ? "eigen" : "ghost" }),
      draw(svg, "path", { class: i ? "eigen own" : "ghost" })]);
    const word = (look, text) => draw(svg, "text", { "text-anchor": "middle", class: look }, text);
    const names = levels.map(() => ["j", "k"].map((name) => word("halo-text", name)));
    const values = levels.map(() => word("strong halo-text"));
    return ({ before, after }) => {
      [before, after].forEach(({ eigenvalues, rate }, i) => {
        const [at_j, at_k] = eigenvalues.map(x);
        patch(marks[i][0], { cx: at_j });
        patch(marks[i][1], { d: `M${at_k - 5} ${levels[i]}l5 -6l5 6l-5 6Z` });
        const near = Math.abs(at_j - at_k) < 14; // then the names stand left and right of the pair
        const side = at_j <= at_k ? -16 : 16;
        patch(names[i][0], { x: near ? at_j + side : at_j, y: levels[i] + (near ? 4 : -15) });
        patch(names[i][1], { x: near ? at_k - side : at_k, y: levels[i] + (near ? 4 : -15) });
        patch(slow[i], { cx: x(-rate) });
        patch(values[i], { x: x(-rate), y: levels[i] + 25 });
        write(values[i], `slowest ${say(-rate)}`);
      });
      links.forEach((link, i) => patch(link, { x1: x(before.eigenvalues[i]), y1: levels[0],
        x2: x(after.eigenvalues[i]), y2: levels[1] }));
      return `Two eigenvalues on the real line, left of the stability boundary. Slowest before ${say(-before.rate)}, `
        + `after ${say(-after.rate)} per ms.`;
    };
  },
};

const region = {
  name: "region",
  column: 1,
  title: "Claim 2 over (τ_j, τ_k): only the time constants decide",
  height: (width) => Math.min(width, 280),
  build(svg, { width, height }, view) {
    const side = height - 48;
    const left = Math.max(40, (width - side) / 2);
    const box = { left, right: left + side, top: 8, bottom: 8 + side };
    const x = scale([0.2, 5], [box.left, box.right], Math.log);
    const y = scale([0.2, 5], [box.bottom, box.top], Math.log);
    const above = `M${box.left} ${box.bottom}L${box.left} ${box.top}L${box.right} ${box.top}Z`;
    const below = `M${box.left} ${box.bottom}L${box.right} ${box.bottom}L${box.right} ${box.top}Z`;
    for (const [name, d, angle, step] of [["holds", above, 45, 9], ["fails", below, -45, 6]]) {
      draw(svg, "path", { d, class: name });
      draw(svg, "path", { d, fill: hatch(svg, name, angle, step) });
    }
    draw(svg, "line", { x1: box.left, y1: box.bottom, x2: box.right, y2: box.top, class: "edge" });
    for (const tick of [0.2, 0.5, 1, 2, 5]) {
      draw(svg, "text", { x: x(tick), y: box.bottom + 16, "text-anchor": "middle", class: "tick" }, say(tick));
      draw(svg, "text", { x: box.left - 7, y: y(tick) + 4, "text-anchor": "end", class: "tick" }, say(tick));
    }
    draw(svg, "text", { x: (box.left + box.right) / 2, y: box.bottom + 34, "text-anchor": "middle" }, "τ_j, ms");
    draw(svg, "text", { x: box.left - 30, y: (box.top + box.bottom) / 2, "text-anchor": "middle" }, "τ_k");
    for (const [u, v, text] of [[0.3, 0.24, "claim 2 holds"], [0.7, 0.8, "claim 2 fails"]]) {
      draw(svg, "text", { x: box.left + side * u, y: box.top + side * v, class: "region halo-text",
        "text-anchor": "middle" }, text);
    }
    const point = draw(svg, "circle", { r: 7, class: "point" });
    drag(svg, null, (event) => {
      const area = svg.getBoundingClientRect();
      const back = (share) => 0.2 * 25 ** Math.min(1, Math.max(0, share));
      return [back((event.clientX - area.left - box.left) / side), back((box.bottom - (event.clientY - area.top)) / side)];
    }, (tau_j, tau_k) => view.set({ tau_j, tau_k }));
    return (frame, { tau_j, tau_k }) => {
      patch(point, { cx: x(tau_j), cy: y(tau_k) });
      return "Map of the time constants: rewiring makes the slowest mode faster only above the diagonal, where tau k is "
        + `longer. Now tau j ${say(tau_j)}, tau k ${say(tau_k)} ms.`;
    };
  },
};

const sums = {
  name: "sums",
  column: 2,
  title: "In numbers",
  html: numbers([
    ["dV/dt, per ms", "before.vdot", "after.vdot"],
    ["slowest rate, per ms", "before.rate", "after.rate"],
    ["trace of J, per ms", "before.trace", "after.trace"],
    ["largest |λ|, per ms", "before.fastest", "after.fastest"],
  ]),
};

const drawing = { panels: [subgraph, statePlane, reading, modes, region, sums], frame: planeFrame };
