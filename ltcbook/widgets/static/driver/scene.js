// scene.js: the road from above, seen by somebody who flies along with the car.

import { clipTo } from "../core/chart.js";
import { draw, make, patch, write } from "../core/dom.js";
import { say } from "../core/format.js";
import { still } from "../core/motion.js";
import { FRAME, PIXELS, STRIPS, placeOf, readAt } from "../model/lane.js";
import { randomOf } from "../model/random.js";

const BEHIND = 9; // m of road below the car
const AHEAD = 24; // m of road above it
const EDGE_LINE = 4.4; // m, the road with its edge lines
const [LENGTH, WIDTH] = [4.2, 1.9]; // m, the car

const ICONS = {
  pause: "M5 3h3v12H5zM10 3h3v12h-3z",
  play: "M5 2.5L15 9L5 15.5z",
  step: "M4 3L11 9L4 15zM12 3h2.5v12H12z",
  restart: "M9 3a6 6 0 1 0 6 6h-2.2A3.8 3.8 0 1 1 9 5.2V8l4.5-4L9 0z",
  left: "M8 3L2 9l6 6v-4h8V7H8z",
  right: "M10 3l6 6l-6 6v-4H2V7h8z",
};

/** A round button with a drawing on it. */
function button(icon, name, act) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  patch(svg, { viewBox: "0 0 18 18", width: 18, height: 18, "aria-hidden": "true" });
  const shape = draw(svg, "path", { d: ICONS[icon] });
  const root = make("button", { type: "button", class: "ltc-round", "aria-label": name, title: name }, svg);
  root.addEventListener("click", (event) => {
    event.stopPropagation();
    act();
  });
  return { root, turn: (to, words) => [patch(shape, { d: ICONS[to] }), patch(root, { "aria-label": words, title: words })] };
}

/** Pause, step, start again, and a push on the wheel. */
function handsOn(life) {
  const play = button("pause", "Pause", () => life.play(!life.playing));
  life.listeners.add(() => play.turn(life.playing ? "pause" : "play", life.playing ? "Pause" : "Play"));
  const step = button("step", "Step by a tenth of a second", () => life.stride());
  const again = button("restart", "Start the drive again", () => {
    life.finished = false;
    life.restart();
    life.paint();
  });
  const [left, right] = [
    button("left", "Push the wheel to the left", () => life.push(1)),
    button("right", "Push the wheel to the right", () => life.push(-1)),
  ];
  return make(
    "div",
    { class: "ltc-hands", role: "group", "aria-label": "The drive" },
    ...(still() ? [] : [play.root]),
    step.root,
    again.root,
    make("span", { class: "ltc-between" }),
    left.root,
    make("span", { class: "ltc-push", "aria-hidden": "true" }, "push"),
    right.root,
  );
}

/** Points of a line as a path, in metres. */
const through = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");

/** Round dots as a path: lines of no length. */
const dots = (points) => points.map(([x, y]) => `M${x.toFixed(2)} ${y.toFixed(2)}h0`).join("");

/** Trees beside a road, every few metres: [s, offset, size]. */
function treesOf(number, length) {
  const random = randomOf(77 + number);
  const trees = [];
  for (let s = -10; s < length; s += 2.2 + 3 * random()) {
    trees.push([s, (random() < 0.5 ? 1 : -1) * (6.5 + 14 * random() ** 1.5), Math.floor(3 * random())]);
  }
  return trees;
}

export const scene = {
  name: "road",
  alive: true, // it moves by itself: a kept copy would say nothing
  column: 1,
  title: "Road: solid this drive, dashed uncut",
  compact: true,
  compactTitle: "Solid: this drive. Dashed: uncut.",
  height: (width, spec, room) => (room < 460 ? 250 : spec.compact ? 330 : 240),
  build(svg, { width, height }, view) {
    const { life } = view;
    const { mind } = life;
    const size = height / (BEHIND + AHEAD);
    const [cx, cy] = [width / 2, AHEAD * size];
    svg.classList.add("ltc-scene");
    const box = { left: 0, right: width, top: 0, bottom: height };
    const inside = clipTo(svg, box);
    draw(inside, "rect", { width, height, class: "ground" });
    const world = draw(inside, "g");
    const trees = [0, 1, 2].map((k) => draw(world, "path", { class: `tree tree-${k}`, "stroke-width": 1.6 + 0.9 * k }));
    const posts = draw(world, "path", { class: "post", "stroke-width": 0.5 });
    const [edge, asphalt] = ["lane-edge", "asphalt"].map((name, k) =>
      draw(world, "path", { class: name, "stroke-width": k ? EDGE_LINE - 0.5 : EDGE_LINE }),
    );
    const middle = draw(world, "path", { class: "lane-middle", "stroke-width": 0.14 });
    const ghost = draw(world, "path", {
      class: "driven-before",
      "stroke-width": 0.34,
      "stroke-dasharray": "0.9 0.7",
      "data-mark": "before",
    });
    const path = draw(world, "path", { class: "driven", "stroke-width": 0.4, "data-mark": "path" });
    const body = draw(world, "g");
    // in metres: x forward, y to the left
    draw(body, "path", {
      class: "gaze",
      d: `M1.6 0L${STRIPS[1]} 4L${STRIPS[1]} -4Z`,
    });
    const eyes = STRIPS.map((distance) =>
      PIXELS.map((side) => [
        draw(body, "circle", { cx: distance, cy: side.toFixed(3), r: 0.4, class: "eye" }),
        draw(body, "circle", { cx: distance, cy: side.toFixed(3), r: 0.36, class: "light" }),
      ]),
    ).flat();
    const wheels = [1.35, -1.35].flatMap((x) =>
      [0.86, -0.86].map((y) => ({
        x,
        y,
        shape: draw(body, "rect", { x: -0.42, y: -0.17, width: 0.84, height: 0.34, rx: 0.1, class: "tyre" }),
      })),
    );
    const hull = draw(body, "g", { class: "car" });
    draw(hull, "rect", { x: -LENGTH / 2, y: -WIDTH / 2, width: LENGTH, height: WIDTH, rx: 0.62, class: "hull" });
    draw(hull, "path", { d: "M0.35 -0.72L1.05 -0.62Q1.22 0 1.05 0.62L0.35 0.72Q0.5 0 0.35 -0.72Z", class: "glass" });
    draw(hull, "path", { d: "M-1.1 -0.66L-1.55 -0.56Q-1.65 0 -1.55 0.56L-1.1 0.66Q-1.2 0 -1.1 -0.66Z", class: "glass" });
    for (const y of [-0.6, 0.6]) draw(hull, "circle", { cx: LENGTH / 2 - 0.22, cy: y, r: 0.2, class: "lamp" });

    // what the camera sees, as a picture: the far strip above the near one, its left on the left
    const cell = width < 300 ? 9 : 11;
    const screen = draw(svg, "g", { class: "screen", transform: "translate(8 8)" });
    draw(screen, "rect", { width: 8 * cell + 88, height: 2 * cell + 12, rx: 6, class: "screen-frame" });
    const cells = STRIPS.flatMap((_, strip) =>
      PIXELS.map((__, k) =>
        draw(screen, "rect", {
          x: 5 + (7 - k) * cell,
          y: 5 + (1 - strip) * (cell + 2),
          width: cell - 1,
          height: cell,
          class: "pixel",
        }),
      ),
    );
    draw(screen, "text", { x: 8 * cell + 11, y: cell + 3, class: "on-screen" }, "14 m ahead");
    draw(screen, "text", { x: 8 * cell + 11, y: 2 * cell + 6, class: "on-screen" }, "6 m ahead");
    const clock = draw(svg, "text", { x: width - 10, y: 20, "text-anchor": "end", class: "strong on-scene" });
    const note = draw(svg, "text", { x: cx, y: height * 0.3, "text-anchor": "middle", class: "notice" });
    svg.after(handsOn(life));
    svg.addEventListener("click", (event) => life.push(event.clientX - svg.getBoundingClientRect().left < cx ? 1 : -1));

    let [forest, number] = [[], null];
    /** The view moves, sixty times a second. */
    const move = () => {
      const { road } = life.run.world;
      const car = life.car();
      const turn = readAt(road.heading, car.s + 4);
      const [x0, y0] = [readAt(road.x, car.s), readAt(road.y, car.s)];
      const [a, b] = [size * Math.sin(turn), -size * Math.cos(turn)];
      const [e, f] = [cx - a * x0 - b * y0, cy - b * x0 + a * y0];
      patch(world, { transform: `matrix(${[a, b, b, -a, e, f].map((value) => value.toFixed(4)).join(" ")})` });
      const [x, y] = placeOf(road, car);
      const angle = ((readAt(road.heading, car.s) + car.heading) * 180) / Math.PI;
      patch(body, { transform: `translate(${x.toFixed(3)} ${y.toFixed(3)}) rotate(${angle.toFixed(2)})` });
    };
    life.movers.add(move);
    return (now, controls) => {
      const { run, log } = life;
      if (!svg.isConnected) {
        life.movers.delete(move);
        return;
      }
      const { road } = run.world;
      const { s } = run.car;
      if (number !== run.world.number) {
        number = run.world.number;
        forest = treesOf(number, road.length);
      }
      const at = (along, offset) => placeOf(road, { s: along, offset, heading: 0 });
      const stretch = [];
      for (let along = s - BEHIND - 8; along <= s + AHEAD + 12; along += 1) stretch.push(at(along, 0));
      const line = through(stretch);
      for (const shape of [edge, asphalt]) patch(shape, { d: line });
      const near = (along) => along > s - BEHIND - 12 && along < s + AHEAD + 14;
      const regular = [];
      for (let k = Math.ceil((s - BEHIND - 8) / 3); k <= (s + AHEAD + 10) / 3; k += 1) regular.push(3 * k);
      patch(middle, { d: through(regular.map((along) => at(along, 0))) });
      patch(posts, {
        d: dots(regular.filter((along) => along % 6 === 0).flatMap((along) => [at(along, 3.4), at(along, -3.4)])),
      });
      trees.forEach((shape, k) => {
        patch(shape, {
          d: dots(forest.filter((tree) => tree[2] === k && near(tree[0])).map((tree) => at(tree[0], tree[1]))),
        });
      });
      const places = (cars) => through(cars.filter((car) => near(car.s)).map((car) => placeOf(road, car)));
      patch(path, { d: places(log.cars) });
      patch(ghost, { d: life.whole() ? "" : places(mind.before(controls).cars) });
      run.seen.forEach((value, k) => {
        const bright = Math.round(16 * Math.min(1, Math.max(0, value))) / 16;
        patch(eyes[k][1], { "fill-opacity": bright });
        patch(cells[k], { "fill-opacity": bright });
      });
      patch(screen, { class: run.lost ? "screen lost" : "screen" });
      const steer = (Math.max(-3, Math.min(3, run.wheel + run.push)) * 8).toFixed(1);
      for (const { x, y, shape } of wheels)
        patch(shape, { transform: `translate(${x} ${y})${x > 0 ? ` rotate(${steer})` : ""}` });
      patch(hull, { class: run.left === null ? "car" : "car off" });
      write(clock, `${(run.frame * FRAME).toFixed(1)} s`);
      const end = run.world.frames * FRAME;
      write(
        note,
        !run.over ? "" : run.left === null ? `On the road for ${say(end)} s` : `Off the road after ${say(run.left)} s`,
      );
      move();
      if (life.playing) return;
      return (
        `A winding road from above with the car after ${(run.frame * FRAME).toFixed(1)} s, ` +
        `${say(Math.abs(run.car.offset), 2)} m ${run.car.offset > 0 ? "left" : "right"} of the middle.`
      );
    };
  },
};
