// What ltcbook/check/seal.py does, in the reader's browser: an answer is compared with its seal, and a wrong one gets the
// words for the kind of mistake. tests/test_answers.py holds this file to Python's.

const NOTHING = 1e-9; // a number below it counts as zero
const EXACT = 1e-6; // a number this close to a whole one is that one
const MOST_ORDERS = 4; // of so many numbers every order is tried

// kind -> what undoes it, in the order in which they are named; NaN where there is nothing to undo
const UNDO = {
  sign: [(v) => -v],
  one: [(v) => v - 1, (v) => v + 1],
  double: [(v) => v / 2],
  half: [(v) => v * 2],
  reciprocal: [(v) => 1 / v],
  hundred: [(v) => v / 100, (v) => v * 100],
  thousand: [(v) => v / 1000, (v) => v * 1000],
  turn: [(v) => v / (2 * Math.PI), (v) => v * (2 * Math.PI)],
  complement: [(v) => (v > 0 && v < 1 ? 1 - v : Number.NaN)],
  square: [(v) => Math.sqrt(v)],
  root: [(v) => (v >= 0 ? v * v : Number.NaN)],
  logarithm: [(v) => (Math.abs(v) >= NOTHING ? Math.exp(v) : Number.NaN)],
  exponential: [(v) => Math.log(v)],
};
const WHOLE = ["sign", "one", "double", "half"]; // the kinds that make sense for a count
const REAL = Object.keys(UNDO).filter((kind) => kind !== "one"); // and for a number that is measured

/** The 64-bit FNV-1a hash of a text, in hexadecimal digits. */
export function mark(text) {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) value = ((value ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return value.toString(16);
}

/** A whole number as it is hashed, "" for one that is not whole. */
function exact(value) {
  const near = Math.round(value);
  return Math.abs(value - near) <= EXACT ? BigInt(near).toString() : "";
}

/** The name of the grid's cell in which a number lies. */
function cell(value, { width, phase }) {
  if (Math.abs(value) < NOTHING) return "0";
  return `${value < 0 ? "-" : "+"} ${Math.floor((Math.log(Math.abs(value)) - phase) / width)}`;
}

function fits(value, sealed, salt) {
  return mark(`${salt}:${"width" in sealed ? cell(value, sealed) : exact(value)}`) === sealed.mark;
}

function allFit(values, sealed, salt) {
  return values.length === sealed.length && values.every((value, k) => fits(value, sealed[k], `${salt}.${k}`));
}

/** What numbers would be without a mistake of this kind in all of them, once for each way to undo it. */
function undone(kind, values) {
  return UNDO[kind]
    .map((undo) => values.map(undo))
    .filter((results) => results.every(Number.isFinite))
    .filter((results) => kind === "one" || results.some((result) => Math.abs(result) >= NOTHING));
}

function permutations(values) {
  if (values.length < 2) return [values];
  return values.flatMap((first, k) => permutations(values.toSpliced(k, 1)).map((rest) => [first, ...rest]));
}

/**
 * null where the answer is right, else the words for the mistake, out of kinds.json.
 * @param {number[] | string} given numbers, or the word of a choice
 * @param {any} sealed what `check.equal` puts on the page
 * @param {Record<string, string>} words
 * @returns {string | null}
 */
export function judge(given, sealed, words) {
  const salt = `${sealed.name}|${sealed.label}`;
  if (typeof given === "string") {
    const found = mark(`${salt}:${given}`);
    if (found === sealed.mark) return null;
    return sealed.mistakes.find(([wrong]) => wrong === found)?.[1] ?? words.other;
  }
  const values = sealed.kind === "set" ? [...new Set(given)].sort((a, b) => a - b) : given;
  const { marks } = sealed;
  if (allFit(values, marks, salt)) return null;
  const mistake = sealed.mistakes.find(([wrong], k) => allFit(values, wrong, `${salt}!${k}`));
  if (mistake) return mistake[1];
  if (sealed.kind === "set") return words.other;
  if (sealed.near.length && allFit(values, sealed.near, `${salt}~`)) return words.near;
  if (/^integers?$/.test(sealed.kind) && !values.every(exact)) return words.whole;
  if (values.length !== marks.length) {
    return words.count.replace("{wanted}", marks.length).replace("{came}", String(values.length));
  }
  const kinds = sealed.rel ? REAL : WHOLE;
  const found = kinds.filter((kind) => undone(kind, values).some((results) => allFit(results, marks, salt)));
  if (found.length) return [...(found.length > 1 ? ["several"] : []), ...found].map((kind) => words[kind]).join(" ");
  const few = values.length > 1 && values.length <= MOST_ORDERS;
  if (few && permutations(values).some((order) => allFit(order, marks, salt))) return words.order;
  return values.some((value, k) => fits(value, marks[k], `${salt}.${k}`)) ? words.some : words.other;
}

/** The words for a right answer, with the tolerance to which it is right. */
export function right(sealed, words) {
  if (sealed.kind === "choice" || !sealed.rel) return words.right;
  return words.within.replace("{percent}", percent(sealed));
}

/** The tolerance in percent, in digits. */
export function percent(sealed) {
  return String(Number((100 * sealed.rel).toPrecision(6)));
}
