// drive.js: one car on one road with one circuit at the wheel, frame by frame; ltcbook.widgets.driving, restated.

import { certificateAt, jacobianAt, lookAt, step, wheelOf } from "./driver.js";
import { EDGE, FRAME, camera, expert, moved, roadOf } from "./lane.js";
import { eigenvaluesOf } from "./linear.js";
import { normalsOf, randomOf } from "./random.js";

const EVERY = 15; // m between two knots of a road's curvature
const HALF = 0.5; // m between two points of a road's table
const EYES = 2000; // where the seeds of the noise begin
const LOSSES = 3000; // and those of the lost frames
const FADING = 0.9; // what is left of a push one frame later

/** The road through these curvatures, 15 m apart, 1/m.
 * @param {number[]} knots
 * @returns {import("./lane.js").Road} */
export function roadThrough(knots) {
  const per = EVERY / HALF;
  return roadOf(
    Float64Array.from({ length: per * (knots.length - 1) + 1 }, (_, k) => {
      const at = Math.min(Math.floor(k / per), knots.length - 2);
      return knots[at] + (k / per - at) * (knots[at + 1] - knots[at]);
    }),
  );
}

/** What a drive meets: the road and the number of its noise, m/s, standard deviation on every pixel, share of frames lost, frames
 * for which the circuit watches before the car moves, and frames of the whole drive.
 * @typedef {{road: import("./lane.js").Road, number: number, speed: number, noise: number, drop: number, warm: number,
 *   frames: number}} World */

/** A drive on its way: the circuit, its state and what it has just seen (16 pixels), the car, the wheel it turns and the one that the
 * expert would turn, the number of the frame, the second in which it left the road or null, and what is left of a push.
 * @typedef {{net: import("./driver.js").Circuit, world: World, x: Float64Array, seen: Float64Array, car: import("./lane.js").Car,
 *   wheel: number, best: number, frame: number, left: number | null, lost: boolean, push: number, over: boolean,
 *   normal: () => number, chance: () => number}} Run */

/** A drive in its first frame.
 * @param {import("./driver.js").Circuit} net
 * @param {World} world
 * @returns {Run} */
export function startRun(net, world) {
  /** @type {Run} */
  const run = {
    net,
    world,
    x: new Float64Array(net.n),
    seen: new Float64Array(net.m),
    car: { s: 0, offset: 0, heading: 0 },
    wheel: 0,
    best: 0,
    frame: 0,
    left: null,
    lost: false,
    push: 0,
    over: false,
    normal: normalsOf(randomOf(EYES + world.number)),
    chance: randomOf(LOSSES + world.number),
  };
  perceive(run);
  return run;
}

/** Look, move the state one step, turn the wheel.
 * @param {Run} run */
function perceive(run) {
  const { net, world, seen, frame } = run;
  run.lost = run.chance() < world.drop && frame > 0; // the first frame always comes
  const noise = Array.from(seen, () => world.noise * run.normal());
  if (!run.lost) {
    camera(world.road, run.car, seen);
    for (let k = 0; k < seen.length; k += 1) seen[k] += noise[k];
  }
  for (let k = frame ? 0 : -world.warm; k <= 0; k += 1) step(net, run.x, seen, 1, run.x);
  run.wheel = wheelOf(net, run.x);
  run.best = expert(world.road, run.car);
}

/** The next frame; false where there is none, since the drive is at its end or the car has left the road.
 * @param {Run} run
 * @returns {boolean} */
export function nextFrame(run) {
  if (run.over) return false;
  if (run.frame + 1 >= run.world.frames) {
    run.over = true;
    return false;
  }
  run.car = moved(run.world.road, run.car, run.wheel + run.push, FRAME, run.world.speed);
  run.push *= FADING;
  if (Math.abs(run.car.offset) > EDGE) {
    run.left = (run.frame + 1) * FRAME;
    run.over = true;
    return false;
  }
  run.frame += 1;
  perceive(run);
  return true;
}

/** A drive from its first frame to its last, as Python's `compute` gives it: null after the car has left the road.
 * @param {import("./driver.js").Circuit} net
 * @param {World} world
 * @param {(run: Run) => void} [each] called in every frame
 * @returns {{offset: (number | null)[], wheel: (number | null)[], expert: (number | null)[], left: number | null, rms: number,
 *   last: number, run: Run}} */
export function wholeDrive(net, world, each = () => {}) {
  const [offset, wheel, best] = [0, 1, 2].map(() => new Array(world.frames).fill(null));
  const run = startRun(net, world);
  let squares = 0;
  do {
    offset[run.frame] = run.car.offset;
    wheel[run.frame] = run.wheel;
    best[run.frame] = run.best;
    squares += run.car.offset ** 2;
    each(run);
  } while (nextFrame(run));
  return { offset, wheel, expert: best, left: run.left, rms: Math.sqrt(squares / (run.frame + 1)), last: run.frame, run };
}

/** Time constants (ms), eigenvalues (per s: those of neurons that own one, and those of the command block) and dV/dt of a certified
 * V (per s, or null) at a state while the input is held.
 * @param {import("./driver.js").Circuit} net
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} u
 * @param {number[]} own
 * @param {number[]} command */
export function insideOf(net, x, u, own, command) {
  return { ...spectrumNow(net, x, u, own, command), ...clocksOf(net, x, u), descent: descentNow(net, x, u) };
}

/** Eigenvalues per s, by kind.
 * @param {import("./driver.js").Circuit} net
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} u
 * @param {number[]} own
 * @param {number[]} command
 * @returns {{own: number[], command: [number, number][]}} */
export function spectrumNow(net, x, u, own, command) {
  const J = jacobianAt(net, x, u);
  const block = eigenvaluesOf(command.map((i) => command.map((j) => J[i][j] / FRAME)));
  return { own: own.map((i) => J[i][i] / FRAME), command: block };
}

/** Time constants in ms.
 * @param {import("./driver.js").Circuit} net
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} u
 * @returns {{tau: number[]}} */
export function clocksOf(net, x, u) {
  return { tau: Array.from(lookAt(net, x, u).tau, (tau) => 1000 * FRAME * tau) };
}

/** dV/dt of a certified V per s, or null where there is none.
 * @param {import("./driver.js").Circuit} net
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} u
 * @returns {number | null} */
export function descentNow(net, x, u) {
  const found = certificateAt(net, x, u);
  return found ? found.dV / FRAME : null;
}
