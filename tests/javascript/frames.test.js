// What the drawings compute themselves: held to what is known without them. Python's numbers: the tests of each explorer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gradientFrame } from "../../ltcbook/widgets/static/gradient.js";
import { planeFrame } from "../../ltcbook/widgets/static/plane.js";
import { stabilityFrame } from "../../ltcbook/widgets/static/stability.js";

const sentences = new Proxy({}, { get: () => ["same", ""] }); // the words are Python's

const close = (a, b, tolerance = 1e-12) => assert.ok(Math.abs(a - b) < tolerance, `${a} is not ${b}`);

test("V about its own rest falls with twice the decay along each axis", () => {
  const at = { about: "rest", E: 1, w: 0, W: 1, p: 1, q: 0, x_j: 0.5, x_k: 0 };
  const { after, V } = planeFrame(at, { length: 4 });
  close(V, 0.25);
  close(after.vdot, -2 * after.decay[0] * V); // before the event j decays alone: no synapse of j is left after it
  close(after.curve[0], 1);
  close(after.curve[40], Math.exp(-2 * after.decay[0] * 4));
});

test("after k steps at rest a gradient without shear is the k-th power of the eigenvalue", () => {
  const frame = gradientFrame({ lam: 0.8, q: 0, u: 0, step: "classic" }, { length: 40, delta: { classic: 1 }, sentences });
  for (const k of [0, 1, 7, 40]) close(frame.norms[k], 0.8 ** k);
});

test("implicit Euler decays wherever the equation does, and Euler only inside its circle", () => {
  for (const re of [-0.1, -1, -9]) {
    assert.ok(stabilityFrame({ re, im: 2, dt: 1, method: "implicit" }, { length: 8, sentences }).size < 1);
    const { size } = stabilityFrame({ re, im: 0, dt: 1, method: "euler" }, { length: 8, sentences });
    close(size, Math.abs(1 + re));
  }
  close(stabilityFrame({ re: -1, im: 0, dt: 1, method: "euler" }, { length: 8, sentences }).limit, 2, 1e-9);
});
