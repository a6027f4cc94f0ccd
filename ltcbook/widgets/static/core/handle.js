// handle.js: a point that a mouse, a finger or the arrow keys move.

import { make, patch } from "./dom.js";

/**
 * Move a point with the mouse anywhere on the drawing, with a finger by its handle (or a tap: swipes still scroll). Only the
 * pointer that began here moves it: a finger is captured by whatever it touches, so that the capture says nothing.
 */
export function drag(svg, handle, place, move) {
  svg.classList.add("ltc-drag");
  svg.addEventListener("click", (event) => move(...place(event)));
  for (const element of handle ? [svg, handle] : [svg]) {
    let held = null;
    element.addEventListener("pointerdown", (event) => {
      if (element === svg && event.pointerType === "touch") return;
      held = event.pointerId;
      element.setPointerCapture(held);
      move(...place(event));
    });
    element.addEventListener("pointermove", (event) => {
      if (event.pointerId === held) move(...place(event));
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      element.addEventListener(end, () => {
        held = null;
      });
    }
  }
}

/** Put a handle to a place of its drawing, and say where it stands. */
export function putHandle(handle, [x, y], { width, height }, words) {
  handle.style.left = `${(100 * x) / width}%`;
  handle.style.top = `${(100 * y) / height}%`;
  patch(handle, { "aria-label": `${words}. Arrow keys move it.` });
}

/** A handle for a point whose coordinates are two controls: dragged, tapped, or moved by arrow keys (with Shift five steps). */
export function pointHandle(svg, view, box, names, ranges, size) {
  const handle = make("button", { type: "button", class: "ltc-handle" });
  svg.after(handle);
  const back = (at, [low, high], [from, to]) => low + ((high - low) * (at - from)) / (to - from);
  const set = (...at) => view.set(Object.fromEntries(names.map((name, i) => [name, at[i]])));
  drag(
    svg,
    handle,
    (event) => {
      const area = svg.getBoundingClientRect();
      return [
        back(event.clientX - area.left, ranges[0], [box.left, box.right]),
        back(event.clientY - area.top, ranges[1], [box.bottom, box.top]),
      ];
    },
    set,
  );
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    set(...names.map((name, i) => view.controls[name] + step[i] * size * (event.shiftKey ? 5 : 1)));
  });
  return handle;
}
