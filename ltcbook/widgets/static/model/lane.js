// lane.js: the world of the lane, for one car: ltcbook.tasks.lane, restated. Python's numbers are the definition; a
// test holds these to them. Metres, seconds and radians; the wheel is the curvature of the car's path in units of
// WHEEL, positive to the left.

import { normalsOf } from "./random.js";

export const FRAME = 0.05; // s between two regular frames
export const SPEED = 10; // m/s
export const WHEEL = 0.03; // 1/m, the unit of the wheel
export const TIGHTEST = 0.2; // 1/m, the tightest bend that the car can take
export const EDGE = 2; // m from the middle of the lane: there the road ends
export const STRIPS = [6, 14]; // m, how far ahead the two strips of the camera look
/** Where the pixels of a strip look, m, from right to left. */
export const PIXELS = Array.from({ length: 8 }, (_, k) => -4 + (8 * k) / 7);
const BLUR = 1.2; // m, width of the bright spot
const AIM = 10; // m ahead, where the expert aims
const GRID = 0.5; // m between two points of a road's table
const MOVES = 4; // steps of the car's motion per regular frame

/** The middle line of a road: curvature (1/m, positive to the left), heading (rad) and place (m) every half metre,
 * from 0 on.
 * @typedef {{curvature: Float64Array, heading: Float64Array, x: Float64Array, y: Float64Array, length: number}}
 *   Road */

/** Where a car is: m along the road, m left of its middle, rad to the left of its direction.
 * @typedef {{s: number, offset: number, heading: number}} Car */

/** The integral of values that stand half a metre apart, from the first on.
 * @param {ArrayLike<number>} values
 * @returns {Float64Array} */
function running(values) {
  const sums = new Float64Array(values.length);
  for (let k = 1; k < sums.length; k += 1) sums[k] = sums[k - 1] + ((values[k] + values[k - 1]) / 2) * GRID;
  return sums;
}

/** The road with this curvature every half metre (at least two values).
 * @param {ArrayLike<number>} given
 * @returns {Road} */
export function roadOf(given) {
  const curvature = Float64Array.from(given);
  const heading = running(curvature);
  const [x, y] = [running(heading.map(Math.cos)), running(heading.map(Math.sin))];
  return { curvature, heading, x, y, length: (curvature.length - 1) * GRID };
}

/** A road with smooth random bends: normal curvatures of standard deviation `bend` (1/m) every 15 m, linear
 * between them.
 * @param {() => number} random uniform numbers
 * @param {number} [length] m
 * @param {number} [bend]
 * @returns {Road} */
export function randomRoad(random, length = 400, bend = 0.03) {
  const normal = normalsOf(random);
  const every = 15 / GRID;
  const points = Math.ceil(length / GRID) + 1;
  const knots = Array.from({ length: Math.floor(points / every) + 2 }, () => {
    for (let tries = 0; tries < 100; tries += 1) {
      const curvature = bend * normal();
      if (Math.abs(curvature) <= TIGHTEST) return curvature;
    }
    return 0;
  });
  return roadOf(
    Float64Array.from({ length: points }, (_, k) => {
      const [at, part] = [Math.floor(k / every), (k % every) / every];
      return knots[at] + part * (knots[at + 1] - knots[at]);
    }),
  );
}

/** The value of a road's table s metres along it, linear between its points, and beyond its ends as between the
 * last two.
 * @param {Float64Array} table
 * @param {number} s
 * @returns {number} */
export function readAt(table, s) {
  const at = s / GRID;
  const k = Math.min(Math.max(Math.floor(at), 0), table.length - 2);
  return table[k] + (at - k) * (table[k + 1] - table[k]);
}

/** The car after so many seconds with the wheel held: midpoint rule, in steps of at most a quarter of a frame.
 * @param {Road} road
 * @param {Car} car
 * @param {number} wheel
 * @param {number} [seconds]
 * @param {number} [speed] m/s
 * @returns {Car} */
export function moved(road, car, wheel, seconds = FRAME, speed = SPEED) {
  const turn = Math.min(Math.max(wheel * WHEEL, -TIGHTEST), TIGHTEST);
  const steps = Math.max(1, Math.ceil((seconds / FRAME) * MOVES - 1e-9));
  const h = seconds / steps;
  let { s, offset, heading } = car;
  for (let k = 0; k < steps; k += 1) {
    let kappa = readAt(road.curvature, s);
    let along = (speed * Math.cos(heading)) / (1 - offset * kappa);
    const [s2, offset2] = [s + (h / 2) * along, offset + (h / 2) * (speed * Math.sin(heading))];
    const heading2 = heading + (h / 2) * (speed * turn - along * kappa);
    kappa = readAt(road.curvature, s2);
    along = (speed * Math.cos(heading2)) / (1 - offset2 * kappa);
    s += h * along;
    offset += h * (speed * Math.sin(heading2));
    heading += h * (speed * turn - along * kappa);
  }
  return { s, offset, heading };
}

/** Place [x, y] of a car in the plane, m.
 * @param {Road} road
 * @param {Car} car
 * @returns {[number, number]} */
export function placeOf(road, { s, offset }) {
  const heading = readAt(road.heading, s);
  return [readAt(road.x, s) - offset * Math.sin(heading), readAt(road.y, s) + offset * Math.cos(heading)];
}

/** Direction of a car in the plane, rad from the x axis to the left.
 * @param {Road} road
 * @param {Car} car
 * @returns {number} */
export function headingOf(road, car) {
  return readAt(road.heading, car.s) + car.heading;
}

/** Where the middle of the lane lies for the car, `distance` m further along it: [forward, to the left], m.
 * @param {Road} road
 * @param {Car} car
 * @param {number} distance
 * @returns {[number, number]} */
export function ahead(road, car, distance) {
  const [x, y] = placeOf(road, car);
  const dx = readAt(road.x, car.s + distance) - x;
  const dy = readAt(road.y, car.s + distance) - y;
  const angle = headingOf(road, car);
  const [forward, left] = [Math.cos(angle), Math.sin(angle)];
  return [forward * dx + left * dy, forward * dy - left * dx];
}

/** What the camera sees: brightness in [0, 1] of the near strip, then of the far one, each from right to left. Without
 * noise: add it yourself.
 * @param {Road} road
 * @param {Car} car
 * @param {Float64Array} [out] (16,)
 * @returns {Float64Array} */
export function camera(road, car, out = new Float64Array(PIXELS.length * STRIPS.length)) {
  STRIPS.forEach((distance, strip) => {
    const spot = ahead(road, car, distance)[1];
    for (let k = 0; k < PIXELS.length; k += 1) {
      const z = (PIXELS[k] - spot) / BLUR;
      out[strip * PIXELS.length + k] = Math.exp(-z * z);
    }
  });
  return out;
}

/** The wheel that leads on a circle to the middle of the lane 10 m ahead: pure pursuit, which knows the road.
 * @param {Road} road
 * @param {Car} car
 * @returns {number} */
export function expert(road, car) {
  const [forward, left] = ahead(road, car, AIM);
  return (2 * left) / (forward * forward + left * left) / WHEEL;
}

/** What happened in a drive: frames driven, whether the car stayed on the road, root mean square of its offset
 * (m), and by frame what was seen (16 numbers each), what the expert would have done, and the offset.
 * @typedef {{frames: number, stayed: boolean, rms: number, seen: Float64Array, expert: Float64Array, offset:
 *   Float64Array}} Drive */

/** Let a policy drive one car from near the middle of the road, at regular frames.
 * @param {Road} road
 * @param {((seen: Float64Array) => number) | null} policy called in every frame; null: the expert drives
 * @param {() => number} random uniform numbers
 * @param {{steps?: number, noise?: number, push?: number, takeover?: number, speed?: number}} [options] noise:
 *   standard deviation on every pixel; push: that of sudden pushes on the wheel, one in twenty frames, dying out
 *   by a tenth per frame; takeover: so many frames the expert drives while the policy already watches
 * @returns {Drive} */
export function drive(road, policy, random, { steps = 300, noise = 0.1, push = 0, takeover = 20, speed = SPEED } = {}) {
  const normal = normalsOf(random);
  const size = PIXELS.length * STRIPS.length;
  const log = { seen: new Float64Array(steps * size), expert: new Float64Array(steps), offset: new Float64Array(steps) };
  let car = { s: 0, offset: 0.3 * normal(), heading: 0.05 * normal() };
  let [pushed, frames, squares] = [0, 0, 0];
  while (frames < steps && Math.abs(car.offset) <= EDGE) {
    const seen = camera(road, car, log.seen.subarray(frames * size, (frames + 1) * size));
    for (let k = 0; k < size; k += 1) seen[k] += noise * normal();
    const best = expert(road, car);
    const wheel = policy ? policy(seen) : best;
    log.expert[frames] = best;
    log.offset[frames] = car.offset;
    squares += car.offset * car.offset;
    frames += 1;
    if (push) pushed = random() < 0.05 ? push * normal() : 0.9 * pushed;
    car = moved(road, car, (frames <= takeover ? best : wheel) + pushed, FRAME, speed);
  }
  return { ...log, frames, stayed: frames === steps, rms: Math.sqrt(squares / frames) };
}
