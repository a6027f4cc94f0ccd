// page.js: explorers on a page without a kernel: a picture that waits, its data beside it, and a stand-in for the model.

import { explorer } from "./view.js";

/**
 * Bring every explorer of one kind to life that still waits for its drawing.
 * @param {string} name
 * @param {object} drawing
 */
function wake(name, drawing) {
  /** @type {NodeListOf<HTMLElement>} */
  const places = document.querySelectorAll(`[data-waiting][data-drawing="${name}"]`);
  for (const el of places) {
    const store = document.querySelector(`[data-store="${el.dataset.waiting}"]`);
    if (!store) continue; // the page is still on its way; the next script wakes it
    const kept = JSON.parse(store.textContent);
    const quiet = () => {};
    el.removeAttribute("data-waiting");
    explorer(drawing).render({ el, model: { still: true, get: (field) => kept[field], set: quiet, on: quiet, off: quiet } });
  }
}

/**
 * Serve the drawings that came before this script, and those that come later.
 * @param {object} shared what the core offers, by name
 * @param {string} queue the global name under which drawings wait
 */
export function serve(shared, queue) {
  const take = ([name, build]) => wake(name, build(shared));
  const early = globalThis[queue] ?? [];
  globalThis[queue] = { push: take };
  early.forEach(take);
}
