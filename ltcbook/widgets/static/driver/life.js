// life.js: the drive that the reader sees: it runs by itself where things may move and the reader can see it, it can be paused,
// stepped, pushed and started again, and it stands at its end where nothing moves.

import { phrase } from "../core/format.js";
import { still } from "../core/motion.js";
import { clocksOf, descentNow, nextFrame, spectrumNow, startRun } from "../model/drive.js";
import { copyOf, lesioned } from "../model/driver.js";
import { FRAME } from "../model/lane.js";
import { assign, untrained } from "../model/parameters.js";
import { startTraining } from "../model/worker.js";
import { mindOf } from "./mind.js";

const LATE = 0.15; // s: what a slow page loses is not made up for
const REST = 1.8; // s between the end of a drive and the next one
const PUSH = 3; // wheels
const [ANEW, AGAIN] = [150, 60]; // steps of a training from random weights, and of one after an event
const PACE = 30; // ms that a step of it takes at least, so that one can watch
const STRIDE = 8; // frames between two values of dV/dt in a drive that is drawn at once

/** What has been seen since the drive began: cars and wheels by frame, time constants in ms by frame and neuron, [frame, dV/dt]. */
const blank = () => ({ cars: [], wheel: [], best: [], tau: [], descent: [] });

/** The drive of one explorer. */
export class Life {
  /** @param {any} view */
  constructor(view) {
    this.view = view;
    this.mind = mindOf(view.spec);
    this.run = null;
    this.log = blank();
    this.lap = 0; // which drive this is: the drawings begin anew with it
    this.finished = still(); // a whole drive is shown, at its end
    this.playing = false;
    this.seen = false; // whether it is on the screen
    this.share = 1; // how far the picture is from the frame before to this one
    this.rest = 0;
    /** @type {Set<() => void>} */
    this.movers = new Set(); // what moves between two frames
    /** @type {Set<() => void>} */
    this.listeners = new Set(); // what shows whether it plays
    this.spectrum = null;
    this.ghost = null;
    this.training = null; // what goes on in the worker: { net, T, seed, again, stop }
    this.losses = []; // [step, loss] of the last training
    this.seconds = 0; // that it took
    this.trainings = 0;
  }

  /** Begin to live, once the explorer stands. */
  start() {
    this.onTick = (now) => this.tick(now);
    this.onHide = () => this.resume();
    document.addEventListener("visibilitychange", this.onHide);
    this.observer = new IntersectionObserver(([entry]) => {
      this.seen = entry.isIntersecting;
      this.resume();
    });
    this.observer.observe(this.view.root);
    if (!still()) this.play(true);
  }

  /** Let go of the page. */
  stop() {
    this.playing = false;
    this.training?.stop();
    cancelAnimationFrame(this.ticking);
    this.observer?.disconnect();
    document.removeEventListener("visibilitychange", this.onHide);
  }

  /** The controls have moved: another circuit drives on, or another road begins. */
  changed() {
    const { controls } = this.view;
    const { training } = this;
    if (training && (training.T !== controls.T || training.seed !== controls.seed)) this.stopTraining(false);
    for (const listener of this.listeners) listener();
    if (this.finished) return this.finish();
    const world = this.mind.world(controls);
    if (!this.run || this.run.world.number !== world.number) return this.restart();
    this.run.net = this.circuit();
    this.run.world = world;
    this.look();
  }

  /** Whether the uncut circuit drives, so that there is nothing to compare it with. */
  whole() {
    const { T, lesion } = this.view.controls;
    return T === 0 && lesion < 0 && !this.training;
  }

  /** The circuit that drives: the one that learns, or what the mind has.
   * @returns {import("../model/driver.js").Circuit} */
  circuit() {
    const { controls } = this.view;
    if (!this.training) return this.mind.driver(controls);
    return controls.lesion < 0 ? this.training.net : lesioned(this.training.net, [controls.lesion]);
  }

  /** The stored weights again, from the first frame on. */
  reset() {
    this.stopTraining(false);
    this.losses = [];
    this.mind.forget();
    this.finished = still();
    this.run = null;
  }

  /** From the first frame on. */
  restart() {
    const { controls } = this.view;
    this.run = startRun(this.circuit(), this.mind.world(controls));
    this.begin();
    this.record();
    this.look();
    this.log.descent.push([0, this.descent]);
  }

  /** A new page of the log. */
  begin() {
    this.log = blank();
    this.lap += 1;
    this.share = 1;
    this.rest = 0;
  }

  /** The whole drive at once, seen from its end. */
  finish() {
    const { controls } = this.view;
    this.begin();
    this.run = startRun(this.circuit(), this.mind.world(controls));
    do {
      this.record();
      if (this.run.frame % STRIDE === 0) {
        this.log.descent.push([this.run.frame, descentNow(this.run.net, this.run.x, this.run.seen)]);
      }
    } while (nextFrame(this.run));
    this.look();
  }

  /** Write this frame down. */
  record() {
    const { log, run } = this;
    log.cars.push({ ...run.car });
    log.wheel.push(run.wheel);
    log.best.push(run.best);
    log.tau.push(Array.from(run.net.scratch.tau, (tau) => 1000 * FRAME * tau));
  }

  /** What the circuit is like at its present state. */
  look() {
    const { own, command } = this.view.spec;
    const { net, x, seen } = this.run;
    this.descent = descentNow(net, x, seen);
    this.ghost = this.whole() ? null : spectrumNow(this.mind.base, x, seen, own, command);
    this.spectrum = spectrumNow(net, x, seen, own, command);
    this.tau = clocksOf(net, x, seen).tau; // last, so that the scratch of the circuit is that of this state
  }

  /** One frame on; false at the end of the drive. */
  advance() {
    this.finished = false;
    if (!nextFrame(this.run)) return false;
    this.record();
    this.look();
    this.log.descent.push([this.run.frame, this.descent]);
    return true;
  }

  /** Play, or pause. */
  play(on) {
    this.playing = on;
    if (on && (this.finished || this.run?.over)) {
      this.finished = false;
      this.restart();
    }
    for (const listener of this.listeners) listener();
    this.resume();
  }

  /** Tick where it plays and can be seen; else rest. */
  resume() {
    cancelAnimationFrame(this.ticking);
    this.before = null;
    if (this.playing && this.seen && !document.hidden) this.ticking = requestAnimationFrame(this.onTick);
  }

  /** A few frames by hand. */
  stride(frames = 2) {
    if (this.playing) this.play(false);
    if (this.finished || this.run.over) {
      this.finished = false;
      this.restart();
    } else for (let k = 0; k < frames; k += 1) this.advance();
    this.share = 1;
    this.paint();
  }

  /** A hand on the wheel, to the left (1) or to the right (-1). */
  push(side) {
    if (this.finished || this.run.over) {
      this.finished = false;
      this.restart();
    }
    this.run.push = side * PUSH;
    if (!this.playing) this.stride();
  }

  /** Train in the worker: from random weights where T = 0, else from the circuit as the event left it. */
  train() {
    const { T, seed } = this.view.controls;
    const again = T > 0;
    const { mind } = this;
    this.trainings += 1;
    const net = again ? copyOf(mind.event({ T, seed }).net) : untrained(mind.stored, this.trainings);
    const steps = again ? AGAIN : ANEW;
    const began = performance.now();
    this.losses = [];
    const onStep = ({ step, loss, raw }) => {
      assign(net, raw);
      this.losses.push([step, loss]);
      this.seconds = (performance.now() - began) / 1000;
      if (!this.finished) this.run.net = this.circuit();
      if (!this.playing || !this.seen) this.paint();
    };
    const onFail = () => {
      this.stopTraining(false);
      this.mind.forget();
      this.losses = [];
      this.view.set({});
      this.view.complain(this.view.spec.sentences.fallback[1]);
    };
    this.training = { net, T, seed, again, stop: () => {} };
    const options = { net: copyOf(net), seed: this.trainings, steps, pace: PACE };
    this.training.stop = startTraining(options, onStep, onFail, () => this.stopTraining()).stop;
    if (!this.finished) this.restart();
    for (const listener of this.listeners) listener();
    this.view.say([phrase(this.view.spec.sentences.training, {})]);
    this.paint();
  }

  /** End a training; with `keep` what was learned drives from now on.
   * @param {boolean} [keep] */
  stopTraining(keep = true) {
    if (!this.training) return;
    const { net, again, T, seed, stop } = this.training;
    stop();
    this.training = null;
    if (keep && again && this.mind.event({ T, seed }).cut.length) this.mind.mend({ T, seed }, net);
    else if (keep) this.mind.learn(net, true);
    for (const listener of this.listeners) listener();
    if (keep) this.view.set({});
  }

  /** One picture: as many frames as time has passed, and the car in between. */
  tick(now) {
    this.ticking = requestAnimationFrame(this.onTick);
    const passed = Math.min((now - (this.before ?? now)) / 1000, LATE);
    this.before = now;
    if (this.run.over) {
      this.rest += passed;
      if (this.rest < REST) return;
      this.restart();
      return this.paint();
    }
    this.share += passed / FRAME;
    let advanced = false;
    while (this.share >= 1 && !this.run.over) {
      advanced = this.advance() || this.run.over || advanced;
      this.share -= 1;
    }
    if (this.run.over) this.share = 1;
    if (advanced) this.paint();
    else for (const move of this.movers) move();
  }

  /** Every drawing as the drive stands. */
  paint() {
    this.view.paint(this.view.frame);
    for (const move of this.movers) move();
  }

  /** The car between the frame before and this one. */
  car() {
    const { cars } = this.log;
    const [a, b] = [cars[Math.max(0, cars.length - 2)], cars[cars.length - 1]];
    const mix = (name) => a[name] + (b[name] - a[name]) * Math.min(1, this.share);
    return { s: mix("s"), offset: mix("offset"), heading: mix("heading") };
  }
}
