// worker.js: a circuit learns beside the page, so that the page goes on moving. No file is fetched: the worker's
// script is a text in this one, so it starts on a page from a folder and in a notebook too.

import { copyOf } from "./driver.js";
import { assign } from "./parameters.js";

const PUPIL = "text of ./pupil.js"; // bundle.py puts the text of the module here, with all that it imports
const PATIENCE = 10000; // ms that a worker may take to say that it is there

/** A step of a training: steps done (from 1), the mean squared error before it, the parameters after it (for
 * `assign`), and the circuit that has them: one and the same object at every step, its numbers overwritten.
 * @typedef {{step: number, loss: number, raw: Float64Array, net: import("./driver.js").Circuit}} Lesson */

/** Train a circuit in a worker.
 * @param {{net: import("./driver.js").Circuit, seed?: number, steps?: number, pace?: number, size?: number,
 *   frames?: number, rate?: number, recorded?: import("./learn.js").Recorded, windows?: [number, number][][]}}
 *   options net: where to begin, left as it is (`untrained(net, seed)` for a fresh start, `pruned(...).net` after
 *   a cut); pace: ms that a step takes at least; the others as in `trainer`: 150 steps if nobody says
 * @param {(lesson: Lesson) => void} onStep
 * @param {(reason: string) => void} [onFail] called at most once, where no worker can run or one breaks: use
 *   stored weights
 * @param {() => void} [onEnd] after the last step
 * @returns {{stop: () => void}} stop: end it at once; nothing is called afterwards */
export function startTraining({ net, ...options }, onStep, onFail = () => {}, onEnd = () => {}) {
  /** @type {Worker | null} */
  let worker = null;
  let address = "";
  let waiting = 0;
  const stop = () => {
    clearTimeout(waiting);
    worker?.terminate();
    worker = null;
    if (address) URL.revokeObjectURL(address);
    address = "";
  };
  const fail = (reason) => {
    stop();
    onFail(reason);
  };
  // after this call has returned, so that a caller knows what it may stop
  waiting = setTimeout(() => {
    try {
      if (PUPIL.startsWith("text of")) throw new Error("the script of the worker is missing");
      address = URL.createObjectURL(new Blob([`"use strict";\n${PUPIL}\npupil(self);\n`], { type: "text/javascript" }));
      worker = new Worker(address);
    } catch (error) {
      fail(String(error));
      return;
    }
    const learning = copyOf(net);
    const { scratch, ...given } = net;
    worker.onerror = (event) => fail(event.message || "no worker may start here");
    worker.onmessage = ({ data }) => {
      clearTimeout(waiting);
      if (data.kind === "step") {
        onStep({ step: data.step, loss: data.loss, raw: data.raw, net: assign(learning, data.raw) });
      } else if (data.kind === "fail") {
        fail(data.reason);
      } else if (data.kind === "end") {
        stop();
        onEnd();
      }
    };
    worker.postMessage({ kind: "start", net: given, ...options });
    waiting = setTimeout(() => fail("the worker did not answer"), PATIENCE);
  });
  return { stop };
}
