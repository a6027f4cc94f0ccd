// view.js: the shell around the panels of one drawing.
// Python computes frames of numbers; JavaScript shows them. A drawing is one object
//   { panels: [panel, ...], frame?(controls, spec), moves?: { entry of the frame: "blend" or "match" }, life?, actions? }
// and a panel is { name, title, column, height(width, spec, room), build(svg, size, view) -> update(frame, controls, focused) },
// or { name, title, column, html(body, view) -> update }. `build` draws what stands still, `update` only patches
// attributes, so that a step stays far below 16 ms. Column 0 lies under the first control; `room` is
// the width of the whole explorer. A panel with `details` lies in the fold; what has the class "after"
// (a panel with `after`: all of it) stays hidden until the reader has predicted.

import { question } from "./ask.js";
import { choice, slider } from "./controls.js";
import { make, patch, rich, write } from "./dom.js";
import { spoken } from "./format.js";
import { between, glide, play, still } from "./motion.js";
import { Panel } from "./panel.js";
import { proseOf } from "./prose.js";
import { admit, fits, fromAddress, nearest } from "./state.js";
import { toolsOf } from "./tools.js";

/** What anywidget wants of a module: a way to render a model into an element, and to take it away again. */
export function explorer(drawing) {
  return { render: ({ model, el }) => new View(drawing, model, el).remove };
}

export class View {
  /**
   * @param {import("./types").Drawing} drawing
   * @param {import("./types").Model} model
   * @param {HTMLElement} el
   */
  constructor(drawing, model, el) {
    this.drawing = drawing;
    this.model = model;
    /** @type {import("./types").Spec} */
    this.spec = model.get("spec");
    this.live = !model.still;
    /** @type {number | null} */
    this.focused = null;
    /** @type {number | null} */
    this.pinned = null;
    const { spec } = this;
    this.root = make("div", { class: `ltc-explorer ltc-${spec.key}`, "data-key": spec.key, role: "group" });
    patch(this.root, { "aria-label": spec.title });
    if (spec.compact) this.root.classList.add("ltc-compact");
    el.replaceChildren(this.root); // the fallback picture goes
    el.classList.add("ltc-widget");
    el.dataset.lmSuppressShortcuts = "true"; // JupyterLab leaves the arrow keys alone ...
    this.root.addEventListener("keydown", (event) => event.stopPropagation()); // ... and every other key
    this.defaults = Object.fromEntries(spec.knobs.map((knob) => [knob.name, knob.default]));
    this.controls = { ...this.defaults, ...model.get("controls") };
    this.life = drawing.life?.(this) ?? null;
    this.build();
    this.resize();
    this.listen();
    this.set(this.controls, { tell: false });
    this.follow();
    this.life?.start();
    this.remove = this.remove.bind(this);
  }

  build() {
    const { spec, root } = this;
    const inputs = spec.knobs.filter((knob) => !knob.hidden).map((knob) => ({ knob, input: this.input(knob) }));
    /** @type {[string, { root: HTMLElement, focus(): void, show(now: any): void }][]} */
    this.inputs = inputs.map(({ knob, input }) => [knob.name, input]);
    this.verdict = make("div", { class: "ltc-verdict" });
    this.status = make("p", { class: "ltc-aside", role: "status" });
    this.error = make("p", { class: "ltc-error", role: "alert", hidden: "" });
    const first = make(
      "div",
      { class: "ltc-first" },
      inputs[0].input.root,
      ...this.player(),
      ...(this.drawing.actions?.(this) ?? []),
    );
    const shown = inputs.slice(1).filter(({ knob }) => !knob.more);
    const more = inputs.slice(1).filter(({ knob }) => knob.more);
    const group = (list) => make("div", { class: "ltc-controls" }, ...list.map(({ input }) => input.root));
    this.panels = this.drawing.panels
      .filter((panel) => !spec.compact || panel.compact)
      .map((panel) => new Panel(panel, this));
    inputs[0].input.root.append(...this.panels.filter(({ panel }) => panel.column === 0).map((panel) => panel.root));
    const [front, folded] = [false, true].map((fold) =>
      this.panels.filter(({ panel }) => panel.column > 0 && Boolean(panel.details) === fold),
    );
    this.tools = toolsOf(this);
    root.append(
      this.head(),
      make("div", { class: "ltc-bar" }, first, this.verdict),
      this.tools.other,
      ...(shown.length ? [group(shown)] : []),
      ...(more.length ? [this.fold("ltc-more", "More controls", group(more))] : []),
      this.error,
      columns(front),
      ...(folded.length ? [this.fold("ltc-details", "Details", columns(folded))] : []),
      this.tools.foot,
      this.status,
    );
  }

  /** Draw the panels whose width has changed. */
  resize() {
    const widths = this.panels.map((panel) => panel.measure());
    this.panels.forEach((panel, i) => panel.resize(widths[i]));
  }

  /** A native input for one control. */
  input(knob) {
    const change = (value) => {
      this.halt();
      this.set({ [knob.name]: value });
    };
    return knob.kind === "select" ? choice(knob, change) : slider(knob, this.live, change);
  }

  /** A fold that stays closed until it is asked for. */
  fold(kind, name, content) {
    return make("details", { class: `ltc-fold ${kind}` }, make("summary", {}, name), content);
  }

  /** The question, the examples and their captions. */
  head() {
    const { spec } = this;
    const head = make("div", { class: "ltc-head" });
    if (spec.predict) {
      this.ask = question(
        spec,
        this.model,
        () => this.frame,
        () => this.tell(),
      );
      this.asking = this.ask.open;
      head.append(this.ask.root);
    } else if (spec.question) {
      const words = [make("span", { class: "ltc-tag" }, "Predict first"), make("span", {}, ...rich(spec.question))];
      const summary = make("summary", {}, ...words, make("span", { class: "ltc-reveal" }, "Answer"));
      head.append(make("details", { class: "ltc-predict" }, summary, make("p", {}, ...rich(spec.answer))));
    }
    this.root.classList.toggle("ltc-asking", Boolean(this.asking));
    this.presets = spec.presets.map((preset) => {
      const button = make("button", { type: "button", class: "ltc-preset" }, preset.name);
      button.addEventListener("click", () => this.visit(preset.controls));
      return { ...preset, button, text: make("p", {}, ...rich(preset.caption)) }; // all lie on one spot: nothing jumps
    });
    if (spec.presets.length) {
      const row = { class: "ltc-presets", role: "group", "aria-label": "Examples" };
      head.append(
        make("div", row, ...this.presets.map((preset) => preset.button)),
        make("div", { class: "ltc-captions" }, ...this.presets.map((preset) => preset.text)),
      );
    }
    return head;
  }

  /** A button that plays the first control, where the explorer has one and things may move. */
  player() {
    if (!this.spec.play || still()) return [];
    const { knob: name, seconds } = this.spec.play;
    const knob = this.spec.knobs.find((one) => one.name === name);
    const [from, to] = [this.spec.play.low ?? knob.low, this.spec.play.high ?? knob.high];
    const button = make("button", { type: "button", class: "ltc-play", "aria-pressed": "false" }, "Play");
    const show = (playing) => {
      patch(button, { "aria-pressed": String(playing) });
      write(button, playing ? "Pause" : "Play");
    };
    button.addEventListener("click", () => {
      if (this.stopPlay) return this.halt();
      const begin = this.controls[name] > to - knob.step ? from : this.controls[name];
      const set = (value) => admit(knob, value, this.live) !== this.controls[name] && this.set({ [name]: value });
      const stop = play(begin, to, (seconds * (to - begin)) / (to - from), set, () => this.halt());
      this.stopPlay = () => {
        stop();
        show(false);
      };
      show(true);
    });
    return [button];
  }

  /** Stop playing. */
  halt() {
    this.stopPlay?.();
    this.stopPlay = null;
  }

  /** The reader has predicted, or has skipped it: from now on the explorer tells. */
  tell() {
    this.asking = false;
    this.root.classList.remove("ltc-asking");
    if (this.frame) this.set({}, { tell: false });
  }

  /** Go to a named place: the default, and what differs from it. */
  visit(controls) {
    this.halt();
    this.set({ ...this.defaults, ...controls });
  }

  listen() {
    const { model } = this;
    this.handlers = {
      "change:controls": () => this.set(model.get("controls"), { tell: false }),
      "change:frame": () => !this.drawing.frame && this.exact() && this.show(this.exact()),
      "change:error": () => this.complain(model.get("error")),
    };
    for (const [name, handler] of Object.entries(this.handlers)) model.on(name, handler);
    this.hashchange = () => this.follow(); // a link in the text may name a state, too
    addEventListener("hashchange", this.hashchange);
    this.prose = this.live ? null : proseOf(this);
    let width = 0;
    this.observer = new ResizeObserver(() => {
      this.resize();
      if (width === this.root.clientWidth) return;
      width = this.root.clientWidth;
      this.verdict.style.minHeight = ""; // at another width the words need another height
      this.reserve();
    });
    this.observer.observe(this.root);
    if (this.ask && !this.ask.open) this.ask.recall();
  }

  remove() {
    for (const [name, handler] of Object.entries(this.handlers)) this.model.off(name, handler);
    removeEventListener("hashchange", this.hashchange);
    this.prose?.remove();
    this.observer.disconnect();
    this.life?.stop();
    this.halt();
    this.stopGlide?.();
    clearTimeout(this.later);
    clearTimeout(this.telling);
  }

  /** Go where an address points, if it names controls of this explorer; say so where it asks for what there is not. */
  follow(hash = location.hash) {
    const found = this.live ? null : fromAddress(this.root, this.spec, hash);
    if (!found) return false;
    this.ask?.skip();
    this.visit(found.asked);
    const words = found.strange.join(", ");
    this.complain(words ? `The link asks for ${words}: that does not exist here, so the default is shown.` : "");
    this.root.scrollIntoView({ block: "start" });
    return true;
  }

  /** Change some controls, show what is known at once, and ask Python for the exact frame if it is there. */
  set(changes, { tell = true } = {}) {
    const start = performance.now();
    for (const knob of this.spec.knobs) {
      if (knob.name in changes) this.controls[knob.name] = admit(knob, changes[knob.name], this.live);
    }
    for (const [name, input] of this.inputs) input.show(this.controls[name]);
    const current = this.presets.find((preset) => this.stands(preset.controls));
    for (const preset of this.presets) {
      patch(preset.button, { "aria-pressed": String(preset === current) });
      preset.text.style.visibility = preset === current && !this.asking ? "visible" : "hidden";
    }
    this.root.classList.toggle("ltc-away", !this.stands({}));
    this.prose?.show();
    const known = this.drawing.frame ? this.drawing.frame(this.controls, this.spec) : (this.exact() ?? this.tabled());
    if (known) this.show(known);
    if (tell && this.live) {
      clearTimeout(this.telling); // where Python needs long for a frame it is asked once the hand rests
      if (this.spec.patience) this.telling = setTimeout(() => this.report(), this.spec.patience);
      else this.report();
    }
    this.root.dataset.ms = (performance.now() - start).toFixed(2);
  }

  /** Tell Python where the controls stand. */
  report() {
    this.model.set("controls", { ...this.controls });
    this.model.save_changes();
  }

  /** Whether the controls stand where these ones say, and at their default else. */
  stands(controls) {
    return Object.entries({ ...this.defaults, ...controls }).every(([name, value]) => value === this.controls[name]);
  }

  /** Python's last frame, unless the controls have moved on since it was asked for. */
  exact() {
    const frame = this.model.get("frame");
    const fresh = Object.entries(this.controls).every(([name, value]) => frame?.controls?.[name] === value);
    return fresh ? frame : null;
  }

  /** The nearest frame of the table; a table of another version is refused. */
  tabled() {
    const table = this.model.get("table");
    if (fits(table, this.spec)) return nearest(table, this.spec.knobs, this.controls);
    this.complain("The numbers of this explorer were made for another version of it: run its cell again.");
    return null;
  }

  show(frame) {
    const before = this.painted;
    this.frame = frame;
    this.life?.changed();
    this.complain("");
    this.stopGlide?.();
    if (before && this.drawing.moves && !still() && !document.hidden) {
      this.stopGlide = glide((share) => this.paint(share < 1 ? between(before, frame, share, this.drawing.moves) : frame));
    } else this.paint(frame);
    this.say(frame.verdict);
    this.tools.compare();
    patch(this.root, { "data-frame": JSON.stringify(frame), "data-controls": JSON.stringify(this.controls) });
  }

  /** Draw a frame, or a step on the way to it. */
  paint(frame) {
    this.painted = frame;
    for (const panel of this.panels) panel.show();
  }

  /** The verdict, in lines of [tone, text]. */
  say(lines) {
    fill(this.verdict, lines);
    this.reserve();
    clearTimeout(this.later); // a screen reader hears the verdict when the hand rests, not at every step
    if (this.asking) return;
    this.later = setTimeout(() => write(this.status, lines.map(([, text]) => spoken(text)).join(" ")), 600);
  }

  /** The verdict keeps the height that it once had, so that what is dragged below it never slips away. */
  reserve() {
    const tall = this.verdict.offsetHeight;
    if (tall > (Number.parseFloat(this.verdict.style.minHeight) || 0)) this.verdict.style.minHeight = `${tall}px`;
  }

  complain(message) {
    write(this.error, message ?? "");
    patch(this.error, { hidden: message ? null : "" });
  }

  /** One thing in focus in every panel at once (a neuron, say); null lets go. */
  focus(thing) {
    if (this.focused === thing) return;
    this.focused = thing;
    for (const panel of this.panels) panel.show();
  }
}

/** Two columns of panels; on a phone they melt into one, in the order of the drawing. */
function columns(panels) {
  panels.forEach((panel, i) => {
    panel.root.style.order = String(10 * i);
  });
  const column = (k) => panels.filter(({ panel }) => panel.column === k).map(({ root }) => root);
  return make("div", { class: "ltc-panels" }, ...[1, 2].map((k) => make("div", { class: "ltc-column" }, ...column(k))));
}

/** Lines of [tone, text] as paragraphs with a sign each. */
export function fill(place, lines) {
  while (place.children.length < lines.length) {
    place.append(make("p", {}, make("span", { class: "ltc-sign", "aria-hidden": "true" }), make("span")));
  }
  for (const [i, p] of [...place.children].entries()) {
    const [tone, text] = lines[i] ?? ["", ""];
    patch(p, { class: `ltc-${tone}`, hidden: i < lines.length ? null : "" });
    write(p.children[0], { good: "▲", bad: "▼", same: "=" }[tone] ?? "");
    if (p.dataset.text !== text) p.children[1].replaceChildren(...rich(text));
    p.dataset.text = text;
  }
}
