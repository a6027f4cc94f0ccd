// What the core computes, without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { placesOf } from "../../ltcbook/widgets/static/core/circuit.js";
import { phrase, say, signed } from "../../ltcbook/widgets/static/core/format.js";
import { between, blend, match } from "../../ltcbook/widgets/static/core/motion.js";
import { line, scale, spread } from "../../ltcbook/widgets/static/core/scale.js";
import { admit, fits, nearest, possible } from "../../ltcbook/widgets/static/core/state.js";
import { numbersOf } from "../../ltcbook/widgets/static/core/tools.js";

const range = {
  name: "T",
  kind: "range",
  default: 0.3,
  low: 0,
  high: 0.6,
  step: 0.005,
  grid_step: 0.1,
  grid: [0, 0.1, 0.2],
};
const select = {
  name: "rule",
  kind: "select",
  default: "copy",
  options: [
    ["copy", "Copy"],
    [1, "One"],
  ],
  grid: ["copy", 1],
};

test("numbers are said with three digits and a real minus sign", () => {
  assert.deepEqual(
    [0, 1, -0.94721, 39.44, 1e-13, 0.00012, null, NaN].map((x) => say(x)),
    ["0", "1", "−0.947", "39.4", "0", "1.2e−4", "–", "–"],
  );
  assert.deepEqual([0.08, -0.08, 0].map(signed), ["+0.08", "−0.08", "0"]);
});

test("a scale keeps its ends, clamps beyond them and knows no place for what is not defined", () => {
  const x = scale([-10, 0], [12, 212], spread(0.5));
  assert.deepEqual([x(-10), x(0), x(-99), x(7)], [12, 212, 12, 212]);
  assert.ok(x(-1) - x(-2) > x(-9) - x(-10));
  assert.ok(Number.isNaN(x(null)) && Number.isNaN(x(undefined)) && Number.isNaN(x(Number.NaN)));
});

test("a path breaks where a point is not defined, and is NaN where none is", () => {
  assert.equal(
    line([
      [0, 0],
      [1, 1],
      [2, Number.NaN],
      [3, 3],
      [4, 4],
    ]),
    "M0.0 0.0L1.0 1.0M3.0 3.0L4.0 4.0",
  );
  assert.equal(line([[0, null]]), "NaN");
  assert.equal(line([]), "");
});

test("eigenvalues are matched by continuity, also where a pair leaves the real line", () => {
  assert.deepEqual(
    match(
      [
        [-1, 0],
        [-3, 0],
        [-2, 1],
      ],
      [
        [-2.1, 0.9],
        [-1.1, 0],
        [-2.9, 0],
      ],
    ),
    [
      [-1.1, 0],
      [-2.9, 0],
      [-2.1, 0.9],
    ],
  );
  assert.deepEqual(
    match(
      [
        [-2, 0.1],
        [-2, -0.1],
      ],
      [
        [-2.2, 0],
        [-1.9, 0],
      ],
    ).length,
    2,
  );
  assert.deepEqual(
    match(
      [[0, 0]],
      [
        [1, 0],
        [2, 0],
      ],
    ),
    [
      [1, 0],
      [2, 0],
    ],
  );
});

test("half way a frame holds the mean of what moves, and everything else of the new frame", () => {
  const [old, now] = [
    { own: [0, 2], rate: 1, verdict: [["bad", "x"]] },
    { own: [2, 6], rate: 3, verdict: [["good", "y"]] },
  ];
  assert.deepEqual(between(old, now, 0.5, { own: "blend", gone: "blend" }), {
    own: [1, 4],
    rate: 3,
    verdict: [["good", "y"]],
  });
  assert.deepEqual(blend([1, 2], [3], 0.5), [3]);
  assert.deepEqual(blend([1, null], [3, 4], 0.5), [2, 4]);
  assert.deepEqual(blend({ u: 0, step: "small", old: 1 }, { u: 1, step: "classic", new: 2 }, 0.25), {
    u: 0.25,
    step: "classic",
    new: 2,
  });
});

test("a control takes the nearest value on its grid, and its default for what is no value", () => {
  assert.deepEqual(
    ["0.34", "9", "", "abc", "NaN"].map((word) => admit(range, word, false)),
    [0.3, 0.6, 0.3, 0.3, 0.3],
  );
  assert.equal(admit(range, 0.3349, true), 0.335);
  assert.deepEqual(
    ["1", "copy", "magic"].map((word) => admit(select, word, false)),
    [1, "copy", "copy"],
  );
  assert.deepEqual(
    ["0.34", "9", "-0.1", "", "x"].map((word) => possible(range, word)),
    [true, false, false, false, false],
  );
});

test("the nearest frame is found by the digits of its row, and a table that does not fit is known", () => {
  const knobs = [range, select];
  const frames = [0, 1, 2, 3, 4, 5];
  assert.equal(nearest({ frames }, knobs, { T: 0.12, rule: 1 }), 3);
  assert.ok(fits({ frames, version: "a" }, { knobs, version: "a" }) && fits({}, { knobs, version: "a" }));
  assert.ok(
    !fits({ frames, version: "b" }, { knobs, version: "a" }) &&
      !fits({ frames: [0], version: "a" }, { knobs, version: "a" }),
  );
});

test("the numbers of a frame become one line each", () => {
  assert.equal(numbersOf({ a: { b: [1, null] }, words: 'say "x"' }), 'name,value\na.b.0,1\na.b.1,\nwords,"say ""x"""\n');
});

test("a sentence is filled with numbers as people read them, and with words as they are", () => {
  const values = { rate: -0.94721, share: 1 / 3, how: "slower", none: null };
  assert.deepEqual(phrase(["bad", "{rate} ({rate:+}, {share:2}, {none}): {how}."], values), [
    "bad",
    "−0.947 (−0.947, 0.33, –): slower.",
  ]);
  assert.throws(() => phrase(["bad", "{gone}"], values), /asks for gone/);
});

test("numbers move inside named parts, too, and words go to where they belong at once", () => {
  const from = { rate: 1, at: [0, 4], name: "before", none: null };
  const to = { rate: 3, at: [2, 4], name: "after", none: 5 };
  assert.deepEqual(blend(from, to, 0.5), { rate: 2, at: [1, 4], name: "after", none: 5 });
});

test("names of layers keep their order and never touch, however narrow the drawing", () => {
  const names = ["6 sensory", "10 inter", "6 command", "2 motor"];
  for (let width = 240; width < 700; width += 10) {
    const letter = width < 300 ? 6.5 : 7.1;
    const at = placesOf(names, { inter: width * 0.36, command: width * 0.69 }, width, letter);
    for (let i = 1; i < 4; i += 1) {
      const free = at[i] - at[i - 1] - (letter * (names[i].length + names[i - 1].length)) / 2;
      assert.ok(free > 3, `${names[i]} touches ${names[i - 1]} at ${width}`);
    }
  }
});
