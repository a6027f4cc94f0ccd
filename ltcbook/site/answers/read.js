// Numbers as people type them: 0.25, 1/4, 0,25, 25 %, 1.8e-3, 2·10^-3, π/2, sqrt(2), and several of them in one field.

const SIGNS = [
  [/[−–‒]/g, "-"],
  [/[×·∙⋅]/g, "*"],
  [/÷/g, "/"],
  [/\*\*/g, "^"],
  [/[\s\u00a0\u2009\u202f]+/g, " "],
];
const FUNCTIONS = { sqrt: Math.sqrt, "√": Math.sqrt, exp: Math.exp, ln: Math.log, log: Math.log };
const CONSTANTS = { pi: Math.PI, π: Math.PI, e: Math.E };
const TOKEN = /\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|([a-z]+|[π√])|([-+*/^()%]))/iy;

/** The text with one sign for each thing, and without a unit at its end. */
function cleaned(text, unit) {
  const clean = SIGNS.reduce((now, [sign, plain]) => now.replace(sign, /** @type {string} */ (plain)), text).trim();
  return unit && clean.endsWith(unit) ? clean.slice(0, -unit.length).trim() : clean;
}

const named = (token) => Object.hasOwn(CONSTANTS, token) || Object.hasOwn(FUNCTIONS, token);

function tokensOf(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const found = TOKEN.exec(text);
    if (!found) return null;
    tokens.push(found[1] ? Number(found[1]) : (found[2] ?? found[3]).toLowerCase());
  }
  return tokens;
}

/** The value of an expression, NaN where it is none. */
function value(text) {
  const tokens = tokensOf(text);
  if (!tokens?.length) return Number.NaN;
  let at = 0;
  const take = (...signs) => (signs.includes(tokens[at]) ? tokens[at++] : null);
  function sum() {
    let total = product();
    for (let sign = take("+", "-"); sign; sign = take("+", "-")) total += sign === "+" ? product() : -product();
    return total;
  }
  function product() {
    let total = signed();
    for (;;) {
      const sign = take("*", "/");
      if (sign === "*") total *= signed();
      else if (sign === "/") total /= signed();
      else if (typeof tokens[at - 1] === "number" && named(tokens[at]))
        total *= power(); // 2π
      else return total;
    }
  }
  function signed() {
    if (take("-")) return -signed();
    return take("+") ? signed() : power();
  }
  function power() {
    const base = one();
    return take("^") ? base ** signed() : base;
  }
  function one() {
    let found = Number.NaN;
    const token = tokens[at++];
    if (typeof token === "number") found = token;
    else if (token === "(") {
      found = sum();
      if (!take(")")) found = Number.NaN;
    } else if (Object.hasOwn(CONSTANTS, token)) found = CONSTANTS[token];
    else if (Object.hasOwn(FUNCTIONS, token)) found = FUNCTIONS[token](one());
    while (take("%")) found /= 100;
    return found;
  }
  const total = sum();
  return at === tokens.length ? total : Number.NaN;
}

/** The pieces of a text that holds several numbers. Semicolons part them, else commas or spaces; a comma between digits
 * is a decimal comma where something else parts the numbers. */
function pieces(text) {
  const bare = text.replace(/^[([{](.*[;,\s].*)[)\]}]$/, "$1").replace(/ ?([*/^]) ?| ([+-]) /g, "$1$2");
  const parts = [/;/, /, /, / /, /,/].find((sign) => sign.test(bare)) ?? /;/;
  const found = bare.split(parts).map((piece) => piece.trim().replace(/^,|,$/g, ""));
  return found.filter(Boolean);
}

/** Decimal commas become points, where there is no point. */
const pointed = (text) => (text.includes(".") ? text : text.replace(/(\d),(?=\d)/g, "$1."));

/**
 * The numbers of a text; null where one of them cannot be read.
 * @param {string} text
 * @param {{ several?: boolean, unit?: string }} how
 * @returns {number[] | null}
 */
export function read(text, { several = false, unit = "" } = {}) {
  const clean = cleaned(text, unit);
  if (several && /^(none|no|\{ ?\}|∅)$/i.test(clean)) return [];
  const found = (several ? pieces(clean) : [clean]).map((piece) => value(pointed(piece)));
  return found.length && found.every(Number.isFinite) ? found : null;
}

/** Numbers as the page says that it has read them. */
export function said(numbers) {
  const texts = numbers.map((number) => `${number < 0 ? "−" : ""}${Number(Math.abs(number).toPrecision(7))}`);
  return texts.join("; ") || "none";
}

/** Whether a text says its number so plainly that nobody need be told what was read. */
export function plainly(text) {
  return /^[-−]?\d+(\.\d+)?$/.test(text.trim());
}
