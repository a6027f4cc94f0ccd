// prose.js: what the text around an explorer does with it. Plain links, so that they also stand on GitHub and in Colab:
//   [T = 0.4](#threshold.T=0.4&threshold.rule=copy)   sets the explorer (and is marked while it stands so)
//   [0.3](#drag=threshold.T)                          is a number that can be dragged: it is the control
//   [V](#mark=threshold.certified)                    marks what the drawing calls data-mark="certified"

import { patch, write } from "./dom.js";
import { say } from "./format.js";
import { admit, fromAddress, keyOf } from "./state.js";

/**
 * Bring the links of the page that name this explorer to life.
 * @param {import("./view.js").View} view
 */
export function proseOf(view) {
  const own = keyOf(view.root, view.spec.key);
  /** @type {NodeListOf<HTMLAnchorElement>} */
  const all = document.querySelectorAll('a[href^="#"]');
  const links = [...all].filter((link) => !view.root.contains(link));
  /** @type {[HTMLAnchorElement, URLSearchParams][]} */
  const pairs = links.map((link) => [link, new URLSearchParams(link.getAttribute("href").slice(1))]);
  const named = (kind) =>
    pairs.flatMap(([link, query]) => {
      const [key, name] = (query.get(kind) ?? "").split(".");
      return key === own && name ? [{ link, name }] : [];
    });
  const undo = [
    ...named("drag").map(({ link, name }) => numberIn(link, name, view)),
    ...named("mark").map(({ link, name }) => markIn(link, name, view)),
  ];
  const setting = pairs.flatMap(([link, query]) => {
    if (query.has("drag") || query.has("mark")) return [];
    const found = fromAddress(view.root, view.spec, link.getAttribute("href"));
    return found ? [{ link, ...found }] : [];
  });
  for (const { link, strange } of setting) {
    link.classList.toggle("ltc-set", !strange.length);
    const visit = (event) => {
      event.preventDefault(); // a second click on the same link shall lead there again
      history.pushState(null, "", link.getAttribute("href"));
      view.follow();
    };
    link.addEventListener("click", visit);
    undo.push({ show() {}, remove: () => link.removeEventListener("click", visit) });
  }
  return {
    /** Mark the links whose state stands, and write the numbers that are controls. */
    show() {
      for (const { link, asked } of setting) {
        const knobs = view.spec.knobs.filter(({ name }) => name in asked);
        const there = Object.fromEntries(knobs.map((knob) => [knob.name, admit(knob, asked[knob.name], view.live)]));
        patch(link, { "aria-current": view.stands(there) ? "true" : null });
      }
      for (const one of undo) one.show();
    },
    remove() {
      for (const one of undo) one.remove();
    },
  };
}

/** A number in the text that is the control: dragged sideways, or moved by the arrow keys. */
function numberIn(link, name, view) {
  const knob = view.spec.knobs.find((one) => one.name === name && one.kind === "range" && !one.hidden);
  if (!knob) return { show() {}, remove() {} };
  const step = knob.grid_step ?? knob.step;
  const label = `${knob.label.replaceAll("_", " ")}, drag or use the arrow keys`;
  const address = link.getAttribute("href");
  link.removeAttribute("href"); // a slider is no link
  patch(link, { role: "slider", tabindex: 0, "aria-valuemin": knob.low, "aria-valuemax": knob.high, "aria-label": label });
  link.classList.add("ltc-number");
  const change = (value) => {
    view.ask?.skip();
    view.halt();
    view.set({ [name]: Math.min(knob.high, Math.max(knob.low, value)) });
  };
  let start = null;
  const acts = {
    pointerdown(event) {
      start = [event.clientX, view.controls[name]];
      link.setPointerCapture(event.pointerId);
    },
    pointermove(event) {
      if (start) change(start[1] + step * Math.round((event.clientX - start[0]) / 6));
    },
    pointerup() {
      start = null;
    },
    pointercancel() {
      start = null;
    },
    keydown(event) {
      const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (!way) return;
      event.preventDefault();
      change(view.controls[name] + way * step);
    },
  };
  for (const [kind, act] of Object.entries(acts)) link.addEventListener(kind, act);
  return {
    show() {
      const value = view.controls[name];
      write(link, say(value));
      patch(link, { "aria-valuenow": value, "aria-valuetext": `${say(value)}${knob.unit ? ` ${knob.unit}` : ""}` });
    },
    remove() {
      patch(link, { href: address });
      for (const [kind, act] of Object.entries(acts)) link.removeEventListener(kind, act);
    },
  };
}

/** A word in the text that marks its part of the drawing while it is pointed at or in focus. */
function markIn(link, name, view) {
  link.classList.add("ltc-names");
  const toggle = (on) => {
    for (const part of view.root.querySelectorAll(`[data-mark~="${CSS.escape(name)}"]`)) part.classList.toggle("marked", on);
    view.root.classList.toggle("ltc-marking", on);
  };
  const acts = {
    pointerenter: () => toggle(true),
    pointerleave: () => toggle(false),
    focus: () => toggle(true),
    blur: () => toggle(false),
    click(event) {
      event.preventDefault();
      view.root.scrollIntoView({ block: "nearest" });
      toggle(true);
    },
  };
  for (const [kind, act] of Object.entries(acts)) link.addEventListener(kind, act);
  return {
    show() {},
    remove() {
      for (const [kind, act] of Object.entries(acts)) link.removeEventListener(kind, act);
    },
  };
}
