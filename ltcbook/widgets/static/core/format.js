// format.js: numbers and words as people read and hear them.

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

/** A share >= 0 in whole per cent; a half goes up, and what lies behind the tenth digit is the computer's rounding. */
export const percent = (share) => String(Math.floor(Number((100 * share).toPrecision(10)) + 0.5));

/**
 * [tone, text] of a sentence whose holes are filled: {x} as people read it, {x:2} with two digits, {x:+} with its sign.
 * Words are put in as they are. `phrase` in Python's base.py fills the same sentence with the same words.
 * @param {[string, string]} sentence
 * @param {Record<string, number | string | null>} values
 * @returns {[string, string]}
 */
export function phrase([tone, template], values) {
  const text = template.replace(/\{(\w+)(?::(\+|\d))?\}/g, (hole, name, how) => {
    if (!(name in values)) throw new Error(`"${template}" asks for ${name}, which it is not given.`);
    const value = values[name];
    if (typeof value === "string") return value;
    return how === "+" ? signed(value) : say(value, Number(how ?? 3));
  });
  return [tone, text];
}
