// panel.js: one titled drawing of an explorer.

import { SVG, make, patch, rich } from "./dom.js";
import { spoken } from "./format.js";

/** A titled box around one drawing, drawn anew only when its width changes. */
export class Panel {
  constructor(panel, view) {
    Object.assign(this, { panel, view, width: 0 });
    this.body = make("div", { class: "ltc-body" });
    const { title, compactTitle } = panel;
    const heading = (view.spec.compact && compactTitle) || title;
    this.root = make(
      "div",
      {
        class: `ltc-panel ltc-panel-${panel.name}`,
        role: "group",
        "aria-label": (heading || panel.name).replaceAll("_", " "),
      },
      ...(heading ? [make("p", { class: "ltc-title" }, ...rich(heading))] : []),
      this.body,
    );
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
