// page.js: explorers on a page without a kernel: a picture that waits, its data beside it, and a stand-in for the model.

import { idly } from "./idle.js";
import { explorer } from "./view.js";

/** @type {WeakSet<HTMLElement>} the places that a drawing has found; each wakes when its time comes */
const found = new WeakSet();

/**
 * Bring every explorer of one kind to life that still waits for its drawing.
 * @param {string} name
 * @param {() => object} drawing makes the drawing, when it is first needed
 */
function wake(name, drawing) {
  /** @type {NodeListOf<HTMLElement>} */
  const places = document.querySelectorAll(`[data-waiting][data-drawing="${name}"]`);
  for (const el of places) {
    const store = document.querySelector(`[data-store="${el.dataset.waiting}"]`);
    if (!store || found.has(el)) continue; // the page is still on its way; the next script wakes it
    found.add(el);
    whenWanted(el, () => {
      const kept = JSON.parse(store.textContent);
      const quiet = () => {};
      el.removeAttribute("data-waiting");
      explorer(drawing()).render({
        el,
        model: { still: true, get: (field) => kept[field], set: quiet, on: quiet, off: quiet },
      });
    });
  }
}

/** Act once: when the place comes near the window, when the page's address speaks to an explorer, or before it is printed;
 * and else as soon as the browser has a moment. What is out of sight keeps nobody waiting. */
function whenWanted(el, act) {
  let done = false;
  const go = () => {
    if (done) return;
    done = true;
    observer.disconnect();
    for (const event of ["beforeprint", "hashchange"]) removeEventListener(event, go);
    act();
  };
  const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && go(), {
    rootMargin: "50% 0px",
  });
  observer.observe(el);
  for (const event of ["beforeprint", "hashchange"]) addEventListener(event, go);
  const place = location.hash.slice(1); // a state of an explorer, or the place that holds this one
  const asked = place.includes("=") || Boolean(document.getElementById(place)?.contains(el));
  if (asked || el.getBoundingClientRect().top < 1.5 * innerHeight) go();
  else idly(go, 100);
}

/**
 * Serve the drawings that came before this script, and those that come later.
 * @param {object} shared what the core offers, by name
 * @param {string} queue the global name under which drawings wait
 */
export function serve(shared, queue) {
  const take = ([name, build]) => {
    let made = null;
    wake(name, () => {
      made ??= build(shared);
      return made;
    });
  };
  const early = globalThis[queue] ?? [];
  globalThis[queue] = { push: take };
  early.forEach(take);
}
