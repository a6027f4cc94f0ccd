// tools.js: below the drawings: back to the start, keep a state to compare with, take link, picture and numbers home.

import { SVG, make, patch, write } from "./dom.js";
import { toAddress } from "./state.js";

const STYLES = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "opacity",
  "font-size",
  "font-weight",
  "font-family",
  "paint-order",
  "visibility",
  "display",
  "text-anchor",
];

/** A button that does one thing. */
function action(name, kind, act) {
  const button = make("button", { type: "button", class: kind }, name);
  button.addEventListener("click", act);
  return button;
}

/**
 * The row below the drawings, and the line beside the verdict that tells of the state kept for comparison.
 * @param {import("./view.js").View} view
 */
export function toolsOf(view) {
  const note = make("span", { class: "ltc-note", role: "status" });
  const other = make("p", { class: "ltc-other", hidden: "" });
  let kept = null; // { words, layers }
  const say = (words) => {
    write(note, words);
    setTimeout(() => write(note, ""), 4000);
  };

  /** Show the state that was kept, or no longer. */
  function compare() {
    patch(other, { hidden: kept && !view.asking ? null : "" });
    if (kept) write(other, kept.words);
  }

  function toggle() {
    for (const layer of kept?.layers ?? []) layer.remove();
    kept = kept ? null : { words: `Kept to compare: ${stateOf(view)}. ${wordsOf(view)}`, layers: ghosts(view) };
    write(keep, kept ? "Stop comparing" : "Keep to compare");
    patch(keep, { "aria-pressed": String(Boolean(kept)) });
    compare();
  }

  async function copyLink() {
    const address = toAddress(view.root, view.spec, view.controls);
    history.replaceState(null, "", address);
    try {
      await navigator.clipboard.writeText(address);
      say("Link copied.");
    } catch {
      say("The link stands in the address bar.");
    }
  }

  const keep = action("Keep to compare", "ltc-keep", toggle);
  const foot = make(
    "div",
    { class: "ltc-foot" },
    action("Reset", "ltc-reset", () => {
      view.life?.reset();
      view.visit({});
      view.inputs[0][1].focus();
    }),
    keep,
    ...(view.live ? [] : [action("Copy link", "ltc-copy", copyLink)]),
    action("Save picture", "ltc-save", () => save(`${view.spec.key}.svg`, "image/svg+xml", pictureOf(view))),
    action("Save numbers", "ltc-save", () => save(`${view.spec.key}.csv`, "text/csv", numbersOf(view.frame))),
    note,
  );
  return { foot, other, compare };
}

/** The first control, and those that differ from their default, in words. */
const stateOf = ({ spec, controls, defaults }) =>
  spec.knobs
    .filter(({ name, hidden }, i) => !hidden && (i === 0 || controls[name] !== defaults[name]))
    .map(({ name }) => `${name} = ${controls[name]}`)
    .join(", ");

const wordsOf = ({ frame }) => frame.verdict.map(([, text]) => text).join(" ");

/** A faint copy of every drawing as it stands, below it: axes never move, so the two can be compared. */
function ghosts({ panels }) {
  return panels
    .filter(({ svg, panel }) => svg && !panel.alive)
    .map(({ svg }) => {
      const layer = svg.cloneNode(true);
      for (const one of layer.querySelectorAll("text, [id], .touch, .trail, .grid, .axis, .hatch")) one.remove();
      patch(layer, { class: "ltc-kept", role: null, "aria-label": null, "aria-hidden": "true" });
      svg.before(layer);
      return layer;
    });
}

/** All drawings one below the other as one SVG that needs no style sheet. */
export function pictureOf({ root, panels, spec }) {
  const drawn = panels.filter(({ svg }) => svg?.getClientRects().length);
  const look = getComputedStyle(root);
  const sheet = document.createElementNS(SVG, "svg");
  let height = 14;
  const width = Math.max(...drawn.map((panel) => panel.width)) + 28;
  const name = (text, y) => {
    const line = patch(document.createElementNS(SVG, "text"), {
      x: 14,
      y,
      fill: look.color,
      "font-weight": 600,
      "font-size": 14,
    });
    line.append(text);
    sheet.append(line);
  };
  for (const { svg, heading } of drawn) {
    name(heading, height + 14);
    const copy = svg.cloneNode(true);
    const [from, to] = [svg, copy].map((one) => [...one.querySelectorAll("*")]);
    from.forEach((element, i) => {
      const style = getComputedStyle(element);
      to[i].setAttribute("style", STYLES.map((property) => `${property}:${style.getPropertyValue(property)}`).join(";"));
    });
    patch(copy, { x: 14, y: height + 22, width: svg.viewBox.baseVal.width, height: svg.viewBox.baseVal.height });
    sheet.append(copy);
    height += svg.viewBox.baseVal.height + 40;
  }
  patch(sheet, { viewBox: `0 0 ${width} ${height}`, width, height, "font-family": look.fontFamily, role: "img" });
  patch(sheet, { style: `background:${look.backgroundColor}`, "aria-label": spec.title });
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(sheet)}`;
}

/** Every number of a frame, one a line: its name, its places in a list, its value. */
export function numbersOf(frame) {
  const rows = [];
  const quoted = (value) => (typeof value === "string" ? `"${value.replaceAll('"', '""')}"` : String(value ?? ""));
  (function visit(value, path) {
    if (value !== null && typeof value === "object") {
      for (const [key, item] of Object.entries(value)) visit(item, path ? `${path}.${key}` : key);
    } else rows.push([path, value]);
  })(frame, "");
  return `name,value\n${rows.map(([path, value]) => `${path},${quoted(value)}`).join("\n")}\n`;
}

/** Hand a file to the reader. */
function save(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
