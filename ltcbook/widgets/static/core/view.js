// view.js: the shell around the panels of one drawing.
// Python computes frames of numbers; JavaScript shows them. A drawing is one object
//   { panels: [panel, ...], frame?(controls, spec) }
// and a panel is { name, title, column, height(width, spec), build(svg, size, view) -> update(frame, controls, focused) },
// or { name, title, column, html(body, view) -> update }. `build` draws what stands still, `update` only patches
// attributes, so that a step stays far below 16 ms.

import { choice, slider } from "./controls.js";
import { make, patch, rich, write } from "./dom.js";
import { spoken } from "./format.js";
import { Panel } from "./panel.js";
import { admit, fromAddress, nearest, toAddress } from "./state.js";

export function explorer(drawing) {
  return { render: ({ model, el }) => new View(drawing, model, el).remove };
}

class View {
  constructor(drawing, model, el) {
    Object.assign(this, { drawing, model, spec: model.get("spec"), live: !model.still });
    const { spec } = this;
    this.root = make("div", {
      class: `ltc-explorer ltc-${spec.key}`,
      "data-key": spec.key,
      role: "group",
      "aria-label": spec.title,
    });
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
      head.append(
        make(
          "details",
          { class: "ltc-predict" },
          make(
            "summary",
            {},
            make("span", { class: "ltc-tag" }, "Predict first"),
            make("span", {}, ...rich(spec.question)),
            make("span", { class: "ltc-reveal" }, "Answer"),
          ),
          make("p", {}, ...rich(spec.answer)),
        ),
      );
    }
    this.presets = spec.presets.map((preset) => {
      const button = make("button", { type: "button", class: "ltc-preset" }, preset.name);
      button.addEventListener("click", () => this.set({ ...this.defaults, ...preset.controls }));
      return { ...preset, button, text: make("p", {}, ...rich(preset.caption)) }; // all lie on one spot: nothing jumps
    });
    const captions = make("div", { class: "ltc-captions" }, ...this.presets.map((preset) => preset.text));
    if (spec.presets.length) {
      head.append(
        make(
          "div",
          { class: "ltc-presets", role: "group", "aria-label": "Examples" },
          ...this.presets.map((preset) => preset.button),
        ),
        captions,
      );
    }
    this.inputs = spec.knobs
      .filter((knob) => !knob.hidden)
      .map((knob) => {
        const change = (value) => this.set({ [knob.name]: value });
        return [knob.name, knob.kind === "select" ? choice(knob, change) : slider(knob, this.live, change)];
      });
    this.verdict = make("div", { class: "ltc-verdict" });
    this.status = make("p", { class: "ltc-aside", role: "status" });
    this.error = make("p", { class: "ltc-error", role: "alert", hidden: "" });
    this.panels = this.drawing.panels
      .filter((panel) => !spec.compact || panel.compact)
      .map((panel) => new Panel(panel, this));
    this.panels.forEach((panel, i) => (panel.root.style.order = i)); // on a phone the two columns melt into one
    const columns = [1, 2].map((column) =>
      make(
        "div",
        { class: "ltc-column" },
        ...this.panels.filter((panel) => panel.panel.column === column).map((panel) => panel.root),
      ),
    );
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
    root.append(
      head,
      make("div", { class: "ltc-controls" }, ...this.inputs.map(([, input]) => input.root)),
      this.verdict,
      this.error,
      make("div", { class: "ltc-panels" }, ...columns),
      foot,
      this.status,
    );
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
    const matches = ({ controls }) =>
      Object.entries({ ...this.defaults, ...controls }).every(([name, value]) => value === this.controls[name]);
    const current = this.presets.find(matches);
    for (const preset of this.presets) {
      patch(preset.button, { "aria-pressed": String(preset === current) });
      preset.text.style.visibility = preset === current ? "visible" : "hidden";
    }
    const { frame } = this.drawing;
    const known = frame
      ? frame(this.controls, this.spec)
      : (this.exact() ?? nearest(this.model.get("table"), this.spec.knobs, this.controls));
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
