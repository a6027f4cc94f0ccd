// state.js: what a control may be, the nearest frame of a table, the state in the page's address.

/** The nearest value that a control can take; its default for anything that is no value at all. */
export function admit(control, value, live) {
  if (control.kind === "select") {
    const hit = control.options.find(([option]) => String(option) === String(value));
    return hit ? hit[0] : control.default;
  }
  const x = typeof value === "string" && value.trim() === "" ? NaN : Number(value);
  if (!Number.isFinite(x)) return control.default;
  const step = live ? control.step : (control.grid_step ?? control.step);
  const steps = Math.round((Math.min(control.high, Math.max(control.low, x)) - control.low) / step);
  return Number((control.low + steps * step).toFixed(10));
}

/** The frame of the table nearest to the controls: the controls are the digits of its row number. */
export function nearest(table, knobs, controls) {
  if (!table?.frames) return null;
  let row = 0;
  for (const knob of knobs) {
    const distance = (value) =>
      knob.kind === "select" ? Number(value !== controls[knob.name]) : Math.abs(value - controls[knob.name]);
    const best = knob.grid.reduce((b, value, i) => (distance(value) < distance(knob.grid[b]) ? i : b), 0);
    row = row * knob.grid.length + best;
  }
  return table.frames[row] ?? null;
}

/** Two explorers of one kind on a page are told apart by their order: threshold, threshold2 ... */
export function keyOf(root, key) {
  const twins = [...document.querySelectorAll(`.ltc-explorer[data-key="${key}"]`)];
  const place = twins.indexOf(root);
  return place > 0 ? `${key}${place + 1}` : key;
}

/** Whether a word of the address is a value that the control can take. */
export function possible(control, word) {
  if (control.kind === "select") return control.options.some(([option]) => String(option) === word);
  const x = word.trim() === "" ? NaN : Number(word);
  return Number.isFinite(x) && x >= control.low - 1e-9 && x <= control.high + 1e-9;
}

/**
 * What an address asks of this explorer: "#T=0.4&rule=copy" or "#threshold.T=0.4".
 * Returns { asked: controls, strange: what it asks for and cannot be had }, or null where it asks for nothing.
 */
export function fromAddress(root, spec, hash = location.hash) {
  const knobs = new Map(spec.knobs.filter((knob) => !knob.hidden).map((knob) => [knob.name, knob]));
  const key = keyOf(root, spec.key);
  const pairs = [...new URLSearchParams(hash.slice(1))];
  const own = pairs.filter(([name]) => name.startsWith(`${key}.`)).map(([name, value]) => [name.split(".")[1], value]);
  const plain = pairs.filter(([name]) => !name.includes("."));
  const meant = key === spec.key && plain.some(([name]) => knobs.has(name));
  const chosen = own.length ? own : meant ? plain : [];
  if (!chosen.length) return null;
  const good = chosen.filter(([name, value]) => knobs.has(name) && possible(knobs.get(name), value));
  const strange = chosen.filter((pair) => !good.includes(pair)).map(([name, value]) => `${name} = ${value || "nothing"}`);
  return { asked: Object.fromEntries(good), strange };
}

/** Whether a table belongs to these controls: one frame for each point of their grid, made for this version of them. */
export function fits(table, spec) {
  if (!table?.frames) return true;
  const rows = spec.knobs.reduce((product, knob) => product * knob.grid.length, 1);
  return table.frames.length === rows && table.version === spec.version;
}

/** The page's address with the state of this explorer in it. */
export function toAddress(root, spec, controls) {
  const alone = document.querySelectorAll(".ltc-explorer").length < 2;
  const prefix = alone ? "" : `${keyOf(root, spec.key)}.`;
  const pairs = spec.knobs.filter((knob) => !knob.hidden).map((knob) => [`${prefix}${knob.name}`, controls[knob.name]]);
  return `${location.href.split("#")[0]}#${new URLSearchParams(pairs)}`;
}
