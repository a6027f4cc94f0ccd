// pupil.js: what runs in a worker: it trains a circuit and tells every step. worker.js starts it.

import { trainer } from "./learn.js";

/** Answer {kind: "start", net, pace, ...options of `trainer`} by {kind: "step", step, loss, raw} after every step of
 * the optimiser, at most one in `pace` ms, and by {kind: "end"}, or {kind: "fail", reason} where something breaks.
 * Begins with {kind: "ready"}.
 * @param {{onmessage: ((event: MessageEvent) => void) | null, postMessage: (message: object) => void}} scope the
 *   worker's */
export function pupil(scope) {
  const teach = async ({ net, pace = 0, ...options }) => {
    for (const { step, loss, raw } of trainer(net, options)) {
      if (!Number.isFinite(loss)) throw new Error("the loss is no longer finite");
      const until = performance.now() + pace;
      scope.postMessage({ kind: "step", step, loss, raw });
      if (pace) await new Promise((done) => setTimeout(done, until - performance.now()));
    }
    scope.postMessage({ kind: "end" });
  };
  scope.onmessage = ({ data }) => {
    teach(data).catch((error) => scope.postMessage({ kind: "fail", reason: String(error) }));
  };
  scope.postMessage({ kind: "ready" });
}
