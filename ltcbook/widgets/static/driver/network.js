// network.js: the circuit while it drives: neurons lit by their state, synapses by their open conductance.

import { key } from "../core/chart.js";
import { chooseNeuron, counted, drawCircuit, neighbours, signOf, signs, untangle } from "../core/circuit.js";
import { draw, patch, pool } from "../core/dom.js";
import { say } from "../core/format.js";

const LEVELS = 12; // of light: few steps, so that little is drawn anew

/** A value between 0 and 1 in one of a few steps. */
const stepped = (value) => Math.round(LEVELS * Math.min(1, Math.max(0, value))) / LEVELS;

/** The state at which a neuron is dark, and how far it is to full light: where its synapses onto others open. */
const lightOf = (x) => 0.5 + 0.5 * Math.tanh(1.4 * x);

export const network = {
  name: "network",
  alive: true, // it moves by itself: a kept copy would say nothing
  column: 2,
  title: "Circuit: dotted is cut, haloed is new",
  compactTitle: "Dotted: cut. Haloed: new.",
  compact: true,
  height: (width, spec, room) => (room < 460 ? 250 : spec.compact ? 428 : 262),
  build(svg, size, view) {
    const { nodes } = view.spec;
    const { life } = view;
    const { mind } = life;
    const { m } = mind.base;
    let base = null;
    let edges = [];
    let [wires, tip, route, show, lights] = [null, null, null, null, []];
    let [old, halos, fresh] = [null, null, null];
    let paths = [];
    let [event, kept] = [null, []];
    /** The drawing of a circuit and its synapses; a training changes weights, not the wiring. */
    const begin = () => {
      base = mind.stored;
      edges = Array.from(base.w, (_, k) => [base.source[k], base.target[k] + m, base.sign[k]]);
      const order = untangle(nodes, edges).map((place, i) => (i < m ? m - i : place)); // far strip above the near one, left first
      const drawn = drawCircuit(svg, size, view, nodes, order);
      ({ wires, tip, route, show } = drawn);
      lights = drawn.bodies.map((body) =>
        draw(body, "path", { d: body.querySelector("path").getAttribute("d"), class: "lit" }),
      );
      old = draw(wires, "g");
      halos = draw(wires, "g");
      fresh = draw(wires, "g");
      paths = edges.map(([source, target, sign]) =>
        draw(old, "path", { d: route(source, target).path, class: `synapse ${signOf(sign)}`, "marker-end": tip(sign) }),
      );
    };
    begin();
    /** What the event did to the drawing: done once, not at every frame. */
    const rewire = (now, focused) => {
      const cut = new Set(event.cut);
      const blocked = new Set(event.blocked);
      const apart = ([source, target]) => (focused !== null && source !== focused && target !== focused ? " dim" : "");
      edges.forEach((edge, k) => {
        const kind = cut.has(k) ? " cut" : blocked.has(k) ? " blocked" : "";
        patch(paths[k], { class: `synapse ${signOf(edge[2])}${kind}${apart(edge)}`, style: null });
      });
      const shape = ([source, target]) => ({ d: route(source, target).path });
      pool(halos, "path", now.grown, (edge) => ({
        ...shape(edge),
        class: `halo${apart(edge)}`,
        "stroke-width": 5,
        pathLength: 1,
      }));
      pool(fresh, "path", now.grown, (edge) => ({
        ...shape(edge),
        class: `synapse new ${signOf(edge[2])}${apart(edge)}`,
        "marker-end": tip(edge[2]),
        style: null,
      }));
      show(focused, neighbours([...edges.filter((_, k) => !cut.has(k)), ...now.grown], focused));
      kept = [];
      const grown = new Set(event.grown);
      const stay = edges.map((_, k) => k).filter((k) => !cut.has(k));
      let next = 0;
      for (let k = 0; k < event.net.w.length; k += 1) kept.push(grown.has(k) ? -1 - event.grown.indexOf(k) : stay[next++]);
    };
    let [drawnEvent, drawnFocus] = [null, null];
    return (now, controls, focused) => {
      const { run } = life;
      event = mind.event(controls);
      if (event !== drawnEvent || focused !== drawnFocus) {
        [drawnEvent, drawnFocus] = [event, focused];
        rewire(now, focused);
      }
      const { open } = run.net.scratch;
      const voices = kept.length === open.length ? kept : [];
      voices.forEach((place, k) => {
        const path = place < 0 ? fresh.children[-1 - place] : paths[place];
        const level = stepped(open[k] / 1.2);
        const silent = run.net.w[k] === 0 ? 0.04 : 0.16;
        if (!path.classList.contains("dim")) {
          patch(path, {
            style: `opacity:${(silent + 0.84 * level).toFixed(2)};stroke-width:${(0.7 + 2.1 * level).toFixed(2)}`,
          });
        }
      });
      lights.forEach((light, i) => {
        patch(light, { "fill-opacity": i < m ? stepped(run.seen[i]) : stepped(lightOf(run.x[i - m])) });
      });
      if (life.playing) return;
      return (
        `Circuit of ${counted(nodes.length - m, "neuron")} and ${m} pixels in four layers: ` +
        `${counted(now.counts.cut, "synapse")} cut, ${now.counts.grown} new, ${now.counts.kept} kept.`
      );
    };
  },
};

/** What the marks mean, and one neuron in words; the list makes the same choice as a pointer, for the keyboard. */
export const legend = {
  name: "legend",
  column: 1,
  details: true,
  title: "How to read it",
  html(body, view) {
    const { life } = view;
    const { nodes } = view.spec;
    const stroke = (name, width = 1.6) => ["path", { d: "M1 8H33", class: `synapse ${name}`, "stroke-width": width }];
    body.append(
      key([
        ...signs(),
        ["open wide: thick and bright", stroke("plus", 2.8)],
        ["cut", stroke("plus cut")],
        ["new", ["path", { d: "M2 8H32", class: "halo", "stroke-width": 7 }], stroke("plus new", 2.2)],
        ["tick: weight of a synapse between neurons", ["path", { d: "M17 2V14", class: "tickmark plus" }]],
        ["pixel of the camera", ["path", { d: "M12 3l10 5l-10 5z", class: "soma" }]],
      ]),
    );
    const tell = chooseNeuron(body, view, nodes);
    return (now, controls, focused) => {
      if (focused === null) return tell(focused, "Point at a neuron, or choose one: its synapses and its time constant.");
      const { role, place } = nodes[focused];
      const { m } = life.mind.base;
      if (focused < m) return tell(focused, `Pixel ${place} of the camera: brightness ${say(life.run.seen[focused], 2)}.`);
      const tau = life.tau[focused - m];
      return tell(focused, `The ${role} neuron ${place}: its time constant is ${say(tau)} ms at this moment.`);
    };
  },
};
