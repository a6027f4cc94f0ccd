// controls.js: one control is a native input with a visible label, its value in words, 44 px tall.

import { freshId, make, patch, rich, write } from "./dom.js";

/** A range with its rail: its marks, its value in words. */
export function slider(control, live, change) {
  const id = freshId(control.name);
  const step = live ? control.step : (control.grid_step ?? control.step);
  const input = make("input", { type: "range", id, min: control.low, max: control.high, step, name: control.name });
  const value = make("output", { for: id, class: "ltc-value" });
  const rail = make("div", { class: "ltc-rail" });
  const marks = (control.rug ?? []).map(([at, sign]) => {
    const mark = make("span", { class: `ltc-mark ${sign > 0 ? "plus" : "minus"}`, "aria-hidden": "true" });
    mark.style.left = `calc(11px + (100% - 22px) * ${(at - control.low) / (control.high - control.low)})`;
    return [at, mark];
  });
  rail.append(...marks.map(([, mark]) => mark), input);
  const root = make(
    "div",
    { class: `ltc-control ltc-range${marks.length ? " ltc-main" : ""}` },
    make(
      "div",
      { class: "ltc-labels" },
      make(
        "label",
        { for: id },
        ...rich(control.label),
        ...(control.hint ? [make("span", { class: "ltc-hint" }, ` ${control.hint}`)] : []),
      ),
      value,
    ),
    rail,
  );
  input.addEventListener("input", () => change(Number(input.value)));
  let before = control.default; // a swipe that turns into scrolling leaves the control as it was
  input.addEventListener("pointerdown", () => {
    before = now;
  });
  input.addEventListener("pointercancel", () => change(before));
  let now = control.default;
  const decimals = (String(step).split(".")[1] ?? "").length;
  return {
    root,
    focus: () => input.focus(),
    show(at) {
      now = at;
      if (Number(input.value) !== now) input.value = now;
      const share = (now - control.low) / (control.high - control.low);
      input.style.setProperty("--fill", `calc(11px + (100% - 22px) * ${share})`);
      const words = `${now.toFixed(decimals).replace("-", "−")}${control.unit ? ` ${control.unit}` : ""}`;
      write(value, words);
      patch(input, { "aria-valuetext": `${control.label.replace("_", " ")} ${words}` });
      for (const [weight, mark] of marks) mark.classList.toggle("below", weight < now);
    },
  };
}

/** One of a few: a radio group for two or three options, a list for more. */
export function choice(control, change) {
  if (control.options.length > 3) {
    const id = freshId(control.name);
    const select = make(
      "select",
      { id, name: control.name },
      ...control.options.map(([value, label]) => make("option", { value }, label)),
    );
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
    root: make(
      "fieldset",
      { class: "ltc-control ltc-choice" },
      make("legend", {}, ...rich(control.label)),
      make("div", { class: "ltc-segments" }, ...buttons.map(([, , label]) => label)),
    ),
    focus: () => buttons[0][1].focus(),
    show: (now) => buttons.forEach(([value, input]) => (input.checked = value === now)),
  };
}
