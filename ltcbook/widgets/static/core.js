// core.js: what every explorer of the book shares.
// Python computes frames of numbers; JavaScript shows them. An explorer is one object
//   { panels: [panel, ...], frame?(controls, spec) }
// and a panel is { name, title, height(width), build(svg, size, view) -> update(frame, controls) }.
// `build` draws what stands still, `update` only patches attributes, so that a step stays far below 16 ms.

// ---- Small tools --------------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

/** Set only the attributes that changed; `null` takes one away. */
export function patch(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
  return element;
}

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
      for (const [dy, size, content] of [["0.28em", "0.75em", piece], ["-0.21em", "1em", "\u200b"]]) {
        const span = document.createElementNS(SVG, "tspan");
        span.append(content);
        parts.push(patch(span, { dy, "font-size": size }));
      }
    }
  }
  return parts.filter((part) => part !== "");
}

/** Text for a voice: no lowered letters, no arrows. */
export const spoken = (text) => text.replaceAll("_", " ").replaceAll("→", "to").replaceAll("\u00a0", " ");

/** A number for people: three significant digits, a real minus sign, a dash for "none". */
export function say(x, digits = 3) {
  if (x === null || x === undefined || !Number.isFinite(x)) return "–";
  const size = Math.abs(x);
  if (size < 1e-12) return "0";
  const kept = Number(x.toPrecision(4)); // what the table of frames keeps, so that a text and a number agree
  const text = size < 1e-3 || size >= 1e5 ? x.toExponential(1) : String(Number(kept.toPrecision(digits)));
  return text.replaceAll("-", "−");
}

/** The same with its sign always written. */
export const signed = (x) => `${x > 1e-12 ? "+" : ""}${say(x)}`;

/** Map an interval of numbers to an interval of pixels, through an increasing `warp`. */
export function scale([low, high], [start, end], warp = (x) => x) {
  const [a, b] = [warp(low), warp(high)];
  return (x) => start + ((end - start) * (warp(Math.min(high, Math.max(low, x))) - a)) / (b - a);
}

/** A warp that is linear near 0 and logarithmic far away: slow modes stay visible beside fast ones. */
export const spread = (linear) => (x) => Math.asinh(x / linear);

export const line = (points) => "M" + points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");

/** Keep as many children of `group` as there are `items`, making or hiding at the end, and patch each. */
export function pool(group, tag, items, attributesOf) {
  while (group.children.length < items.length) draw(group, tag);
  [...group.children].forEach((child, i) => {
    if (i < items.length) patch(child, { display: null, ...attributesOf(items[i], i) });
    else patch(child, { display: "none" });
  });
}

let counter = 0;
/** An id that no other explorer of the page has. */
export const freshId = (name) => `ltc-${name}-${(counter += 1)}-${Math.random().toString(36).slice(2, 8)}`;

/** A grid line across a box at one value of x or of y; at 0 it is the axis. */
export const ruleX = (parent, box, x, at) => draw(parent, "line",
  { x1: x(at), x2: x(at), y1: box.top, y2: box.bottom, class: at ? "grid" : "axis" });
export const ruleY = (parent, box, y, at) => draw(parent, "line",
  { x1: box.left, x2: box.right, y1: y(at), y2: y(at), class: at ? "grid" : "axis" });

/** The number of a grid line, so many pixels below the box or left of it. */
export const tickX = (svg, box, x, at, below) => draw(svg, "text",
  { x: x(at), y: box.bottom + below, "text-anchor": "middle", class: "tick" }, say(at));
export const tickY = (svg, box, y, at, left) => draw(svg, "text",
  { x: box.left - left, y: y(at) + 4, "text-anchor": "end", class: "tick" }, say(at));

/** A hatch pattern; returns the fill that uses it. */
export function hatch(svg, name, angle, step = 7) {
  const id = freshId(name);
  const pattern = draw(draw(svg, "defs"), "pattern",
    { id, width: step, height: step, patternUnits: "userSpaceOnUse", patternTransform: `rotate(${angle})` });
  draw(pattern, "line", { x1: 0, y1: 0, x2: 0, y2: step, class: `hatch hatch-${name}` });
  return `url(#${id})`;
}

/** A list of [words, ...[tag, attributes]]: each line shows a small drawing, 34 by 16, and what it means. */
export function key(lines) {
  return make("ul", { class: "ltc-legend" }, ...lines.map(([label, ...shapes]) => {
    const size = { viewBox: "0 0 34 16", width: 34, height: 16, "aria-hidden": "true" };
    const svg = patch(document.createElementNS(SVG, "svg"), size);
    for (const [tag, attributes] of shapes) draw(svg, tag, attributes);
    return make("li", {}, svg, make("span", {}, ...rich(label)));
  }));
}

/** Arrow for +, bar for -: the sign of a synapse without its colour; returns sign -> marker. */
export function tips(svg, size = 7) {
  const ids = {};
  for (const [sign, d] of [["plus", "M0 0.8L7 4L0 7.2Z"], ["minus", "M4.6 0.4H6.8V7.6H4.6Z"]]) {
    ids[sign] = freshId(sign);
    const marker = draw(draw(svg, "defs"), "marker", { id: ids[sign], viewBox: "0 0 8 8", refX: 6, refY: 4,
      markerWidth: size, markerHeight: size, markerUnits: "userSpaceOnUse", orient: "auto" });
    draw(marker, "path", { d, class: `tip ${sign}` });
  }
  return (sign) => `url(#${ids[sign > 0 ? "plus" : "minus"]})`;
}

// ---- One control: a native input with a visible label, its value in words, 44 px tall -----------------------------

function slider(control, live, change) {
  const id = freshId(control.name);
  const step = live ? control.step : control.grid_step ?? control.step;
  const input = make("input", { type: "range", id, min: control.low, max: control.high, step, name: control.name });
  const value = make("output", { for: id, class: "ltc-value" });
  const rail = make("div", { class: "ltc-rail" });
  const marks = (control.rug ?? []).map(([at, sign]) => {
    const mark = make("span", { class: `ltc-mark ${sign > 0 ? "plus" : "minus"}`, "aria-hidden": "true" });
    mark.style.left = `calc(11px + (100% - 22px) * ${(at - control.low) / (control.high - control.low)})`;
    return [at, mark];
  });
  rail.append(...marks.map(([, mark]) => mark), input);
  const root = make("div", { class: `ltc-control ltc-range${marks.length ? " ltc-main" : ""}` },
    make("div", { class: "ltc-labels" }, make("label", { for: id }, ...rich(control.label),
      ...(control.hint ? [make("span", { class: "ltc-hint" }, ` ${control.hint}`)] : [])), value), rail);
  input.addEventListener("input", () => change(Number(input.value)));
  const decimals = (String(step).split(".")[1] ?? "").length;
  return {
    root,
    focus: () => input.focus(),
    show(now) {
      if (Number(input.value) !== now) input.value = now;
      const share = (now - control.low) / (control.high - control.low);
      input.style.setProperty("--fill", `calc(11px + (100% - 22px) * ${share})`);
      const words = `${now.toFixed(decimals).replace("-", "−")}${control.unit ? ` ${control.unit}` : ""}`;
      write(value, words);
      patch(input, { "aria-valuetext": `${control.label.replace("_", " ")} ${words}` });
      for (const [at, mark] of marks) mark.classList.toggle("below", at < now);
    },
  };
}

function choice(control, change) {
  if (control.options.length > 3) {
    const id = freshId(control.name);
    const select = make("select", { id, name: control.name },
      ...control.options.map(([value, label]) => make("option", { value }, label)));
    select.addEventListener("change", () => change(control.options[select.selectedIndex][0]));
    return {
      root: make("div", { class: "ltc-control ltc-select" }, make("label", { for: id }, ...rich(control.label)), select),
      focus: () => select.focus(),
      show: (now) => (select.selectedIndex = control.options.findIndex(([value]) => value === now)),
    };
  }
  const group = freshId(control.name);
  const buttons = control.options.map(([value, label]) => {
    const input = make("input", { type: "radio", name: group, value });
    input.addEventListener("change", () => change(value));
    return [value, input, make("label", {}, input, make("span", {}, label))];
  });
  return {
    root: make("fieldset", { class: "ltc-control ltc-choice" }, make("legend", {}, ...rich(control.label)),
      make("div", { class: "ltc-segments" }, ...buttons.map(([, , label]) => label))),
    focus: () => buttons[0][1].focus(),
    show: (now) => buttons.forEach(([value, input]) => (input.checked = value === now)),
  };
}

// ---- State: what a control may be, the nearest frame, the link ----------------------------------------------------

/** The nearest value that a control can take; its default for anything that is no value at all. */
function admit(control, value, live) {
  if (control.kind === "select") {
    const hit = control.options.find(([option]) => String(option) === String(value));
    return hit ? hit[0] : control.default;
  }
  const x = typeof value === "string" && value.trim() === "" ? NaN : Number(value);
  if (!Number.isFinite(x)) return control.default;
  const step = live ? control.step : control.grid_step ?? control.step;
  const steps = Math.round((Math.min(control.high, Math.max(control.low, x)) - control.low) / step);
  return Number((control.low + steps * step).toFixed(10));
}

/** The frame of the table nearest to the controls: the controls are the digits of its row number. */
export function nearest(table, knobs, controls) {
  if (!table?.frames) return null;
  let row = 0;
  for (const knob of knobs) {
    const distance = (value) => (knob.kind === "select" ? Number(value !== controls[knob.name])
      : Math.abs(value - controls[knob.name]));
    const best = knob.grid.reduce((b, value, i) => (distance(value) < distance(knob.grid[b]) ? i : b), 0);
    row = row * knob.grid.length + best;
  }
  return table.frames[row] ?? null;
}

/** Two explorers of one kind on a page are told apart by their order: threshold, threshold2 ... */
function keyOf(root, key) {
  const twins = [...document.querySelectorAll(`.ltc-explorer[data-key="${key}"]`)];
  const place = twins.indexOf(root);
  return place > 0 ? `${key}${place + 1}` : key;
}

/** Controls named in the page's address, "#T=0.4&rule=copy" or "#threshold.T=0.4", for this explorer alone. */
function fromAddress(root, spec) {
  const names = new Set(spec.knobs.filter((knob) => !knob.hidden).map((knob) => knob.name));
  const pairs = [...new URLSearchParams(location.hash.slice(1))];
  const own = pairs.filter(([name]) => name.startsWith(`${keyOf(root, spec.key)}.`))
    .map(([name, value]) => [name.split(".")[1], value]);
  const plain = pairs.filter(([name]) => !name.includes("."));
  const first = keyOf(root, spec.key) === spec.key;
  const chosen = own.length ? own : first && plain.every(([name]) => names.has(name)) ? plain : [];
  return Object.fromEntries(chosen.filter(([name]) => names.has(name)));
}

function toAddress(root, spec, controls) {
  const alone = document.querySelectorAll(".ltc-explorer").length < 2;
  const prefix = alone ? "" : `${keyOf(root, spec.key)}.`;
  const pairs = spec.knobs.filter((knob) => !knob.hidden).map((knob) => [`${prefix}${knob.name}`, controls[knob.name]]);
  return `${location.href.split("#")[0]}#${new URLSearchParams(pairs)}`;
}

// ---- The explorer -------------------------------------------------------------------------------------------------

export function explorer(drawing) {
  return { render: ({ model, el }) => new View(drawing, model, el).remove };
}

class View {
  constructor(drawing, model, el) {
    Object.assign(this, { drawing, model, spec: model.get("spec"), live: !model.still });
    const { spec } = this;
    this.root = make("div", { class: `ltc-explorer ltc-${spec.key}`, "data-key": spec.key, role: "group",
      "aria-label": spec.title });
    if (spec.compact) this.root.classList.add("ltc-compact");
    el.replaceChildren(this.root); // the fallback picture goes
    el.classList.add("ltc-widget");
    el.dataset.lmSuppressShortcuts = "true"; // JupyterLab leaves the arrow keys alone ...
    this.root.addEventListener("keydown", (event) => event.stopPropagation()); // ... and every other key
    this.defaults = Object.fromEntries(spec.knobs.map((knob) => [knob.name, knob.default]));
    this.controls = { ...this.defaults, ...model.get("controls") };
    this.build();
    this.listen();
    this.set(this.controls, { tell: false });
    this.follow();
    this.remove = this.remove.bind(this);
  }

  build() {
    const { spec, root } = this;
    const head = make("div", { class: "ltc-head" });
    if (spec.question) {
      head.append(make("details", { class: "ltc-predict" },
        make("summary", {}, make("span", { class: "ltc-tag" }, "Predict first"), make("span", {}, ...rich(spec.question)),
          make("span", { class: "ltc-reveal" }, "Answer")),
        make("p", {}, ...rich(spec.answer))));
    }
    this.presets = spec.presets.map((preset) => {
      const button = make("button", { type: "button", class: "ltc-preset" }, preset.name);
      button.addEventListener("click", () => this.set({ ...this.defaults, ...preset.controls }));
      return { ...preset, button, text: make("p", {}, ...rich(preset.caption)) }; // all lie on one spot: nothing jumps
    });
    const captions = make("div", { class: "ltc-captions" }, ...this.presets.map((preset) => preset.text));
    if (spec.presets.length) {
      head.append(make("div", { class: "ltc-presets", role: "group", "aria-label": "Examples" },
        ...this.presets.map((preset) => preset.button)), captions);
    }
    this.inputs = spec.knobs.filter((knob) => !knob.hidden).map((knob) => {
      const change = (value) => this.set({ [knob.name]: value });
      return [knob.name, knob.kind === "select" ? choice(knob, change) : slider(knob, this.live, change)];
    });
    this.verdict = make("div", { class: "ltc-verdict" });
    this.status = make("p", { class: "ltc-aside", role: "status" });
    this.error = make("p", { class: "ltc-error", role: "alert", hidden: "" });
    this.panels = this.drawing.panels.filter((panel) => !spec.compact || panel.compact)
      .map((panel) => new Panel(panel, this));
    this.panels.forEach((panel, i) => (panel.root.style.order = i)); // on a phone the two columns melt into one
    const columns = [1, 2].map((column) => make("div", { class: "ltc-column" },
      ...this.panels.filter((panel) => panel.panel.column === column).map((panel) => panel.root)));
    const reset = make("button", { type: "button", class: "ltc-reset" }, "Reset");
    reset.addEventListener("click", () => {
      this.set(this.defaults);
      this.inputs[0][1].focus();
    });
    this.note = make("span", { class: "ltc-note", role: "status" });
    const foot = make("div", { class: "ltc-foot" }, reset);
    if (!this.live) {
      const copy = make("button", { type: "button", class: "ltc-copy" }, "Copy link");
      copy.addEventListener("click", () => this.copyLink());
      foot.append(copy);
    }
    foot.append(this.note);
    root.append(head, make("div", { class: "ltc-controls" }, ...this.inputs.map(([, input]) => input.root)), this.verdict,
      this.error, make("div", { class: "ltc-panels" }, ...columns), foot, this.status);
  }

  listen() {
    const { model } = this;
    this.handlers = {
      "change:controls": () => this.set(model.get("controls"), { tell: false }),
      "change:frame": () => !this.drawing.frame && this.exact() && this.show(this.exact()),
      "change:error": () => this.complain(model.get("error")),
    };
    for (const [name, handler] of Object.entries(this.handlers)) model.on(name, handler);
    this.handlers.hashchange = () => this.follow(); // a link in the text may name a state, too
    addEventListener("hashchange", this.handlers.hashchange);
    this.observer = new ResizeObserver(() => this.panels.forEach((panel) => panel.resize()));
    this.observer.observe(this.root);
  }

  remove() {
    for (const [name, handler] of Object.entries(this.handlers)) this.model.off(name, handler);
    removeEventListener("hashchange", this.handlers.hashchange);
    this.observer.disconnect();
    clearTimeout(this.later);
  }

  /** Go where the page's address points, if it names controls of this explorer. */
  follow() {
    const asked = this.live ? {} : fromAddress(this.root, this.spec);
    if (!Object.keys(asked).length) return;
    this.set({ ...this.defaults, ...asked });
    this.root.scrollIntoView({ block: "start" });
  }

  /** Change some controls, show what is known at once, and ask Python for the exact frame if it is there. */
  set(changes, { tell = true } = {}) {
    const start = performance.now();
    for (const knob of this.spec.knobs) {
      if (!(knob.name in changes)) continue;
      this.controls[knob.name] = admit(knob, changes[knob.name], this.live);
    }
    for (const [name, input] of this.inputs) input.show(this.controls[name]);
    const matches = ({ controls }) => Object.entries({ ...this.defaults, ...controls })
      .every(([name, value]) => value === this.controls[name]);
    const current = this.presets.find(matches);
    for (const preset of this.presets) {
      patch(preset.button, { "aria-pressed": String(preset === current) });
      preset.text.style.visibility = preset === current ? "visible" : "hidden";
    }
    const { frame } = this.drawing;
    const known = frame ? frame(this.controls, this.spec)
      : this.exact() ?? nearest(this.model.get("table"), this.spec.knobs, this.controls);
    if (known) this.show(known);
    if (tell && this.live) {
      this.model.set("controls", { ...this.controls });
      this.model.save_changes();
    }
    this.root.dataset.ms = (performance.now() - start).toFixed(2);
  }

  /** Python's last frame, unless the controls have moved on since it was asked for. */
  exact() {
    const frame = this.model.get("frame");
    const fresh = Object.entries(this.controls).every(([name, value]) => frame?.controls?.[name] === value);
    return fresh ? frame : null;
  }

  show(frame) {
    this.frame = frame;
    this.complain("");
    for (const panel of this.panels) panel.show();
    const lines = frame.verdict;
    while (this.verdict.children.length < lines.length) {
      this.verdict.append(make("p", {}, make("span", { class: "ltc-sign", "aria-hidden": "true" }), make("span")));
    }
    [...this.verdict.children].forEach((p, i) => {
      const [tone, text] = lines[i] ?? ["", ""];
      patch(p, { class: `ltc-${tone}`, hidden: i < lines.length ? null : "" });
      write(p.children[0], { good: "▲", bad: "▼", same: "=" }[tone] ?? "");
      if (p.dataset.text !== text) p.children[1].replaceChildren(...rich(text));
      p.dataset.text = text;
    });
    clearTimeout(this.later); // a screen reader hears the verdict when the hand rests, not at every step
    this.later = setTimeout(() => write(this.status, lines.map(([, text]) => spoken(text)).join(" ")), 600);
    patch(this.root, { "data-frame": JSON.stringify(frame), "data-controls": JSON.stringify(this.controls) });
  }

  complain(message) {
    write(this.error, message ?? "");
    patch(this.error, { hidden: message ? null : "" });
  }

  async copyLink() {
    const address = toAddress(this.root, this.spec, this.controls);
    history.replaceState(null, "", address);
    try {
      await navigator.clipboard.writeText(address);
      write(this.note, "Link copied.");
    } catch {
      write(this.note, "The link stands in the address bar.");
    }
    setTimeout(() => write(this.note, ""), 4000);
  }

  /** One thing in focus in every panel at once (a neuron, say); null lets go. */
  focus(thing) {
    if (this.focused === thing) return;
    this.focused = thing;
    for (const panel of this.panels) panel.show();
  }
}

/** A titled box around one drawing, drawn anew only when its width changes. */
class Panel {
  constructor(panel, view) {
    Object.assign(this, { panel, view, width: 0 });
    this.body = make("div", { class: "ltc-body" });
    const { title, compactTitle } = panel;
    const heading = (view.spec.compact && compactTitle) || title;
    this.root = make("div", { class: `ltc-panel ltc-panel-${panel.name}`, role: "group",
      "aria-label": (heading || panel.name).replaceAll("_", " ") },
      ...(heading ? [make("p", { class: "ltc-title" }, ...rich(heading))] : []), this.body);
    if (panel.html) this.update = panel.html(this.body, view);
  }

  resize() {
    const width = Math.round(this.body.clientWidth) || 480;
    if (this.panel.html || width === this.width) return;
    this.width = width;
    const height = this.panel.height(width, this.view.spec);
    const svg = patch(document.createElementNS(SVG, "svg"), { viewBox: `0 0 ${width} ${height}`, height, role: "img" });
    this.body.replaceChildren(svg);
    this.svg = svg;
    this.update = this.panel.build(svg, { width, height }, this.view);
    if (this.view.frame) this.show();
  }

  show() {
    if (!this.update) this.resize();
    const { frame, controls, focused } = this.view;
    if (!frame) return;
    const label = this.update(frame, controls, focused ?? null);
    if (this.svg && label) patch(this.svg, { "aria-label": spoken(label) });
  }
}

/** Move a point with the mouse anywhere on the drawing, with a finger by its handle (or a tap: swipes still scroll). */
export function drag(svg, handle, place, move) {
  svg.classList.add("ltc-drag");
  svg.addEventListener("click", (event) => move(...place(event)));
  for (const element of handle ? [svg, handle] : [svg]) {
    element.addEventListener("pointerdown", (event) => {
      if (element === svg && event.pointerType === "touch") return;
      element.setPointerCapture(event.pointerId);
      move(...place(event));
    });
    element.addEventListener("pointermove", (event) => {
      if (element.hasPointerCapture(event.pointerId)) move(...place(event));
    });
  }
}

/** A handle for a point whose coordinates are two controls: dragged, tapped, or moved by arrow keys (with Shift five steps). */
export function pointHandle(svg, view, box, names, ranges, size) {
  const handle = make("button", { type: "button", class: "ltc-handle" });
  svg.after(handle);
  const back = (at, [low, high], [from, to]) => low + ((high - low) * (at - from)) / (to - from);
  const set = (...at) => view.set(Object.fromEntries(names.map((name, i) => [name, at[i]])));
  drag(svg, handle, (event) => {
    const area = svg.getBoundingClientRect();
    return [back(event.clientX - area.left, ranges[0], [box.left, box.right]),
      back(event.clientY - area.top, ranges[1], [box.bottom, box.top])];
  }, set);
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    set(...names.map((name, i) => view.controls[name] + step[i] * size * (event.shiftKey ? 5 : 1)));
  });
  return handle;
}

/** An HTML table of numbers, before and after; each number is an <output> that a test can read. */
export function numbers(rows) {
  return (body, view) => {
    const cells = [];
    const cell = (name) => {
      const output = make("output", { "data-name": name });
      cells.push(output);
      return make("td", {}, output);
    };
    const table = make("table", { class: "ltc-numbers" },
      make("thead", {}, make("tr", {}, make("td"), make("th", { scope: "col" }, "before"),
        make("th", { scope: "col" }, "after"))),
      make("tbody", {}, ...rows.map(([label, before, after]) => make("tr", {},
        make("th", { scope: "row" }, ...rich(label)), before ? cell(before) : make("td"), cell(after)))));
    body.append(table);
    return (frame) => {
      const known = { before: view.spec.before, ...frame };
      for (const output of cells) {
        const value = output.dataset.name.split(".").reduce((part, name) => part?.[name], known);
        patch(output, { "data-value": value });
        write(output, say(value));
      }
    };
  };
}
