// dom.js: elements of HTML and SVG, and how they change: only what differs is written.

export const SVG = "http://www.w3.org/2000/svg";

/** Set only the attributes that changed; `null` takes one away. A shape with a NaN in it is not drawn: it has no place. */
export function patch(element, attributes) {
  let nowhere = false;
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (value === null || value === false || value === undefined) element.removeAttribute(name);
    else if (text.includes("NaN") && PLACES.test(name)) nowhere = true;
    else if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
  if (nowhere) element.setAttribute("data-nan", "");
  else if (element.hasAttribute("data-nan")) element.removeAttribute("data-nan");
  return element;
}

const PLACES = /^(?:x|y|x1|x2|y1|y2|cx|cy|r|d|width|height|points|transform)$/;

/** Write text only where it changed. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** An HTML element: make("p", { class: "note" }, "text", child). */
export function make(tag, attributes = {}, ...children) {
  const element = patch(document.createElement(tag), attributes);
  element.append(...children);
  return element;
}

/** An SVG element, put at the end of `parent`. */
export function draw(parent, tag, attributes = {}, text = "") {
  const element = patch(document.createElementNS(SVG, tag), attributes);
  if (text) element.append(...rich(text, true));
  parent.append(element);
  return element;
}

/** "x_j falls" as text with a lowered j: <sub> in HTML, a shifted <tspan> in SVG. */
export function rich(text, inSvg = false) {
  const parts = [];
  for (const [i, piece] of text.split(/_(\w+)/).entries()) {
    if (i % 2 === 0) parts.push(piece);
    else if (!inSvg) parts.push(make("sub", {}, piece));
    else {
      for (const [dy, size, content] of [
        ["0.28em", "0.75em", piece],
        ["-0.21em", "1em", "\u200b"],
      ]) {
        const span = document.createElementNS(SVG, "tspan");
        span.append(content);
        parts.push(patch(span, { dy, "font-size": size }));
      }
    }
  }
  return parts.filter((part) => part !== "");
}

/** Keep as many children of `group` as there are `items`, making or hiding at the end, and patch each. */
export function pool(group, tag, items, attributesOf) {
  while (group.children.length < items.length) draw(group, tag);
  [...group.children].forEach((child, i) => {
    if (i < items.length) patch(child, { display: null, ...attributesOf(items[i], i) });
    else patch(child, { display: "none" });
  });
}

/** The same, but each item keeps its own child for as long as it stays, so that what is new can be seen to come. */
export function keyed(group, tag, items, keyOf, attributesOf) {
  const old = new Map([...group.children].map((child) => [child.dataset.key, child]));
  for (const item of items) {
    const key = keyOf(item);
    const child = old.get(key) ?? draw(group, tag, { "data-key": key });
    patch(child, attributesOf(item));
    old.delete(key);
  }
  for (const child of old.values()) child.remove();
}

let counter = 0;
/** An id that no other explorer of the page has. */
export const freshId = (name) => `ltc-${name}-${(counter += 1)}-${Math.random().toString(36).slice(2, 8)}`;
