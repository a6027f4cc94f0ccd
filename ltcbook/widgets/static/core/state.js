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

/** Controls named in the page's address, "#T=0.4&rule=copy" or "#threshold.T=0.4", for this explorer alone. */
export function fromAddress(root, spec) {
  const names = new Set(spec.knobs.filter((knob) => !knob.hidden).map((knob) => knob.name));
  const pairs = [...new URLSearchParams(location.hash.slice(1))];
  const own = pairs
    .filter(([name]) => name.startsWith(`${keyOf(root, spec.key)}.`))
    .map(([name, value]) => [name.split(".")[1], value]);
  const plain = pairs.filter(([name]) => !name.includes("."));
  const first = keyOf(root, spec.key) === spec.key;
  const chosen = own.length ? own : first && plain.every(([name]) => names.has(name)) ? plain : [];
  return Object.fromEntries(chosen.filter(([name]) => names.has(name)));
}

/** The page's address with the state of this explorer in it. */
export function toAddress(root, spec, controls) {
  const alone = document.querySelectorAll(".ltc-explorer").length < 2;
  const prefix = alone ? "" : `${keyOf(root, spec.key)}.`;
  const pairs = spec.knobs.filter((knob) => !knob.hidden).map((knob) => [`${prefix}${knob.name}`, controls[knob.name]]);
  return `${location.href.split("#")[0]}#${new URLSearchParams(pairs)}`;
}
