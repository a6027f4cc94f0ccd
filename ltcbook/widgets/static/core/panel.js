// panel.js: one titled drawing of an explorer.

import { SVG, make, patch, rich } from "./dom.js";
import { spoken } from "./format.js";

/** A titled box around one drawing, drawn anew only when its width changes. */
export class Panel {
  /**
   * @param {import("./types").PanelOf} panel
   * @param {import("./view.js").View} view
   */
  constructor(panel, view) {
    this.panel = panel;
    this.view = view;
    this.width = 0;
    this.body = make("div", { class: "ltc-body" });
    const { title, compactTitle } = panel;
    const heading = (view.spec.compact && compactTitle) || title;
    this.heading = (heading || panel.name).replaceAll("_", " ");
    this.note = make("p", { class: "ltc-undefined", hidden: "" }, "Not defined here.");
    this.root = make(
      "div",
      {
        class: `ltc-panel ltc-panel-${panel.name}`,
        role: "group",
        "aria-label": this.heading,
      },
      ...(heading ? [make("p", { class: "ltc-title" }, ...rich(heading))] : []),
      this.body,
      this.note,
    );
    if (panel.after) this.body.classList.add("after");
    if (panel.html) this.update = panel.html(this.body, view);
  }

  /** Draw anew where the width has changed; who sizes several panels asks for all widths first, so that the page is laid
   * out once. */
  resize(width = this.measure()) {
    if (this.panel.html || !width || width === this.width) return; // in a closed fold there is nothing to draw
    this.width = width;
    const height = this.panel.height(width, this.view.spec, this.view.root.clientWidth);
    const svg = patch(document.createElementNS(SVG, "svg"), { viewBox: `0 0 ${width} ${height}`, height, role: "img" });
    this.body.replaceChildren(svg);
    this.svg = svg;
    this.update = this.panel.build(svg, { width, height }, this.view);
    if (this.view.painted) this.show();
  }

  measure() {
    return Math.round(this.body.clientWidth);
  }

  show() {
    if (!this.update) this.resize();
    const { painted, controls, focused, asking } = this.view;
    if (!painted || !this.update) return;
    const label = this.update(painted, controls, focused ?? null);
    if (!this.svg) return;
    patch(this.note, { hidden: this.svg.querySelector("[data-nan]") ? null : "" });
    if (label) patch(this.svg, { "aria-label": asking ? this.heading : spoken(label) });
  }
}
