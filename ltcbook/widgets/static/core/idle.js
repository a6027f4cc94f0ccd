// idle.js: work that waits until the browser has nothing better to do, piece by piece, so that nothing else waits for it.

/**
 * Call `act(left)` in an idle moment, at the latest after `latest` ms; `left()` says how many ms of it are left.
 * Returns a function that takes the request back.
 * @param {(left: () => number) => void} act
 * @param {number} latest
 */
export function idly(act, latest = 1000) {
  if (typeof requestIdleCallback === "undefined") {
    const id = setTimeout(() => {
      const end = performance.now() + 10;
      act(() => end - performance.now());
    }, 20);
    return () => clearTimeout(id);
  }
  const id = requestIdleCallback((deadline) => act(() => deadline.timeRemaining()), { timeout: latest });
  return () => cancelIdleCallback(id);
}
