// mind.js: which circuit drives, before an event and after it, and the whole drive for any place of the controls.

import { phrase } from "../core/format.js";
import { insideOf, roadThrough, wholeDrive } from "../model/drive.js";
import { circuitOf, lesioned, planFor, prunedBy } from "../model/driver.js";

/** @typedef {import("../model/driver.js").Circuit} Circuit */

/** What an event did: the circuit after it, and which synapses moved (places in the lists before and after).
 * @typedef {import("../model/driver.js").Pruned & {retrained?: boolean}} Event */

const minds = new WeakMap(); // spec -> Mind: a frame is asked for by spec and controls alone

/** The mind of an explorer, made once.
 * @param {import("../core/types").Spec} spec
 * @returns {Mind} */
export function mindOf(spec) {
  if (!minds.has(spec)) minds.set(spec, new Mind(spec));
  return minds.get(spec);
}

/** Circuits and drives of one explorer. */
class Mind {
  constructor(spec) {
    this.spec = spec;
    this.roads = Object.fromEntries(Object.entries(spec.knots).map(([k, knots]) => [k, roadThrough(knots)]));
    this.stored = circuitOf(spec.driver);
    this.forget();
  }

  /** Back to the stored weights. */
  forget() {
    this.learn(this.stored, false);
  }

  /** From now on this circuit is the uncut one.
   * @param {Circuit} base
   * @param {boolean} learned whether the reader trained it */
  learn(base, learned) {
    this.base = base;
    this.learned = learned;
    /** @type {{ T: number, seed: number, event: Event } | null} */
    this.repair = null;
    this.plans = new Map();
    this.kept = new Map();
    /** @type {Set<number>} */
    this.count = new Set();
  }

  /** After the event of these controls this circuit drives: the reader trained it again.
   * @param {import("../core/types").Controls} controls
   * @param {Circuit} net */
  mend({ T, seed }, net) {
    const event = { ...this.event({ T, seed }), net, retrained: true };
    this.repair = { T, seed, event };
    this.kept.clear();
  }

  /** The event at T with these random choices, or what training made of it.
   * @param {import("../core/types").Controls} controls
   * @returns {Event} */
  event({ T, seed }) {
    if (this.repair?.T === T && this.repair.seed === seed) return this.repair.event;
    return this.once(`event ${T} ${seed}`, () => prunedBy(this.base, this.plan(seed), T));
  }

  /** What an event does, step by step: Python's plan for the stored weights, else one made here. */
  plan(seed) {
    const { plans } = this.spec;
    if (!this.learned) return plans[Math.min(seed, plans.length - 1)];
    if (!this.plans.has(seed)) this.plans.set(seed, planFor(this.base, seed));
    return this.plans.get(seed);
  }

  /** How many synapses run between neurons: those that an event may move. */
  between() {
    return this.base.source.reduce((sum, node) => sum + Number(node >= this.base.m), 0);
  }

  /** The circuit that drives: after the event, without the voice of the silent neuron.
   * @returns {Circuit} */
  driver(controls) {
    const { net } = this.event(controls);
    return controls.lesion < 0 ? net : lesioned(net, [controls.lesion]);
  }

  /** What the drive of these controls meets.
   * @returns {import("../model/drive.js").World} */
  world({ road, speed, noise, drop }) {
    const { warm, frames } = this.spec;
    return { road: this.roads[road], number: road, speed, noise, drop, warm, frames };
  }

  /** The whole drive of the uncut circuit. */
  before(controls) {
    const { road, speed, noise, drop } = controls;
    return this.once(`before ${road} ${speed} ${noise} ${drop}`, () => placed(this.base, this.world(controls)));
  }

  /** The whole drive of the circuit that drives. */
  after(controls) {
    const { T, seed, lesion, road, speed, noise, drop } = controls;
    const name = `after ${T} ${seed} ${lesion} ${road} ${speed} ${noise} ${drop}`;
    return this.once(name, () => placed(this.driver(controls), this.world(controls)));
  }

  /** What is computed once; a few are remembered. */
  once(name, make) {
    if (!this.kept.has(name)) {
      if (this.kept.size > 8) this.kept.delete(this.kept.keys().next().value);
      this.kept.set(name, make());
    }
    return this.kept.get(name);
  }
}

/** A whole drive with the car in every frame.
 * @param {Circuit} net
 * @param {import("../model/drive.js").World} world */
function placed(net, world) {
  const cars = [];
  const drive = wholeDrive(net, world, ({ car }) => cars.push({ ...car }));
  return { ...drive, cars };
}

/** One frame: the drive at T beside that of the uncut circuit, and the circuit in the last frame that the car was on the road.
 * @param {import("../core/types").Controls} controls
 * @param {import("../core/types").Spec} spec */
export function frameOf(controls, spec) {
  const mind = mindOf(spec);
  const [before, path, event] = [mind.before(controls), mind.after(controls), mind.event(controls)];
  const { m, w } = mind.base;
  const grown = event.grown.map((k) => [event.net.source[k], event.net.target[k] + m, event.net.sign[k], event.net.w[k]]);
  const counts = {
    cut: event.cut.length,
    grown: grown.length,
    blocked: event.blocked.length,
    left: w.length - event.cut.length + grown.length,
    kept: w.length - event.cut.length,
  };
  const told = ({ offset, wheel, rms, left }) => ({ offset, wheel, rms, left });
  const { run } = path;
  /** @type {any} */
  const made = {
    controls: { ...controls },
    cut: event.cut,
    grown,
    blocked: event.blocked,
    counts,
    path: told(path),
    expert: path.expert,
    before: told(before),
    last: path.last,
    x: Array.from(run.x),
    ...insideOf(run.net, run.x, run.seen, spec.own, spec.command),
  };
  made.fate = path.left !== null ? "leaves" : controls.T > 0 && path.rms > 1.5 * before.rms ? "sways" : "same";
  made.verdict = verdictOf(spec, mind, made, Boolean(event.retrained));
  return made;
}

/** What was cut, and what the car does, in words with numbers.
 * @param {import("../core/types").Spec} spec
 * @param {Mind} mind
 * @param {any} made the frame so far
 * @param {boolean} retrained
 * @returns {[string, string][]} */
function verdictOf({ sentences, frames }, mind, { controls, counts, path, before, fate }, retrained) {
  const end = frames / 20;
  const say = (name, values = {}) => phrase(sentences[name], values);
  const { lesion } = controls;
  const moved = counts.cut + counts.grown > 0;
  const first = moved
    ? say("moved", { ...counts, all: mind.between(), who: sentences[retrained ? "retrained" : "untrained"][1] })
    : say("whole", { who: sentences[mind.learned ? "learned" : "stored"][1] });
  if (path.left === null) return [first, say(fate, { end, rms: path.rms, old: before.rms })];
  if (!moved && lesion < 0) return [first, say("failed", { left: path.left })];
  const [, was] = before.left === null ? say("stayed", { end }) : say("left", { left: before.left });
  return [first, say("leaves", { left: path.left, fate: was })];
}
