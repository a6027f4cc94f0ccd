// The answer boxes: the sealed answers of one check cell become one form between an exercise and its solution. What was
// right stays in this browser. Without JavaScript there is no box, and without storage nothing is kept.

import { judge, percent, right } from "./judge.js";
import { plainly, read, said } from "./read.js";

const RADIOS = 4; // of so many words each has its button; more of them make a list
const MARKS = { right: "✓", wrong: "✗" };
const HOW = "Write it as in 0.25, 1/4, 25 %, 2.5e-1 or sqrt(2)/4.";
const SEVERAL = ["numbers", "integers", "set"];

/** What is kept: { page: { name of an answer: what was typed } }. */
const shelf = {
  key: "",
  read() {
    try {
      return JSON.parse(localStorage.getItem(shelf.key) || "{}");
    } catch {
      return {}; // no storage here, or somebody else's words in it
    }
  },
  write(page, answers) {
    try {
      const all = { ...shelf.read(), [page]: answers };
      if (!Object.keys(answers).length) delete all[page];
      if (Object.keys(all).length) localStorage.setItem(shelf.key, JSON.stringify(all));
      else localStorage.removeItem(shelf.key);
    } catch {
      // no storage, or no room: then nothing is kept
    }
  },
};

function make(kind, properties, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

/** A name with its subscripts, as in τ_sys; one that has no label is a name of code. */
function called({ name, label }) {
  if (!label) return [make("code", {}, name)];
  return label.split(/(_\w+)/).map((part) => (part[0] === "_" && part !== label ? make("sub", {}, part.slice(1)) : part));
}

/** What stands between a label and its field: a symbol equals something, words ask for something. */
const joint = ({ label }) => (/ /.test(label.replace(/\(.*?\)/g, "")) ? ":" : " =");

/** The tolerance in words. */
function tolerance({ kind, rel, marks }) {
  const within = rel ? `within ${percent({ rel })} %` : "exactly";
  if (kind === "number") return within;
  if (kind === "numbers") return `${marks.length} numbers, each ${within}`;
  return (
    { integer: "a whole number", integers: `${marks?.length} whole numbers`, set: "whole numbers, in any order" }[kind] ?? ""
  );
}

/** What an empty field asks for. */
function wanted({ kind }) {
  if (kind === "choice") return "Choose an answer first.";
  if (kind === "integer") return "Type a whole number first, such as 12.";
  if (SEVERAL.includes(kind)) return "Type the numbers first, such as 1; 2; 5.";
  return "Type a number first, such as 0.25 or 1/4.";
}

/** One answer of a form: its row, what stands in it, and the verdict on it. */
function answer(sealed, id, words) {
  const several = SEVERAL.includes(sealed.kind);
  const verdict = make("p", { className: "answer-verdict", id: `${id}-verdict` });
  verdict.setAttribute("aria-live", "polite");
  const { row, fields, get, set } = sealed.kind === "choice" ? choice(sealed, id) : typed(sealed, id);
  row.append(verdict);

  function show(state, text) {
    row.dataset.state = state;
    const sign = MARKS[state] && make("span", { className: "answer-sign", ariaHidden: "true" }, MARKS[state]);
    const hidden = state === "wrong" && make("span", { className: "book-hidden" }, "Not right: ");
    verdict.replaceChildren(...[sign, sign && " ", hidden, text].filter(Boolean));
    for (const field of fields) field.setAttribute("aria-invalid", String(state === "wrong"));
  }

  function check() {
    const text = get().trim();
    if (!text) return show("open", wanted(sealed));
    const given = sealed.kind === "choice" ? text.toLowerCase() : read(text, { several, unit: sealed.unit });
    if (given === null) return show("open", `“${text}” cannot be read as ${several ? "numbers" : "a number"}. ${HOW}`);
    const mistake = judge(given, sealed, words);
    const numbers = typeof given === "string" ? null : given;
    const note = numbers && (several || !plainly(text)) ? ` (Read as ${said(numbers)}.)` : "";
    return show(mistake === null ? "right" : "wrong", (mistake ?? right(sealed, words)) + note);
  }

  row.addEventListener("input", () => show("open", ""));
  show("open", "");
  return { name: sealed.name, row, get, set, check, solved: () => row.dataset.state === "right" };
}

/** A field to type in, with its label, its unit and its tolerance. */
function typed(sealed, id) {
  const field = make("input", { id, type: "text", autocomplete: "off", spellcheck: false, enterKeyHint: "done" });
  field.setAttribute("autocapitalize", "off");
  field.setAttribute("aria-describedby", `${id}-hint ${id}-verdict`);
  if (sealed.kind !== "number" && sealed.kind !== "integer") field.classList.add("answer-long");
  const name = make("label", { htmlFor: id }, ...called(sealed), joint(sealed));
  const hint = make("span", { className: "answer-hint", id: `${id}-hint` }, tolerance(sealed));
  const unit = sealed.unit ? [make("span", { className: "answer-unit" }, sealed.unit)] : [];
  const row = make(
    "div",
    { className: "answer-row" },
    name,
    make("span", { className: "answer-field" }, field, ...unit, hint),
  );
  return { row, fields: [field], get: () => field.value, set: (text) => (field.value = text) };
}

/** Buttons for a few words, a list for many. */
function choice(sealed, id) {
  const options = sealed.options.length ? sealed.options : ["yes", "no"];
  if (options.length > RADIOS) {
    const entries = ["", ...options].map((word) => make("option", { value: word }, word || "choose"));
    const field = make("select", { id }, ...entries);
    field.setAttribute("aria-describedby", `${id}-verdict`);
    const row = make("div", { className: "answer-row" }, make("label", { htmlFor: id }, ...called(sealed)), field);
    return { row, fields: [field], get: () => field.value, set: (text) => (field.value = text) };
  }
  const fields = options.map((word) => make("input", { type: "radio", name: id, value: word }));
  const labels = options.map((word, k) => make("label", { className: "answer-option" }, fields[k], ` ${word}`));
  const row = make("fieldset", { className: "answer-row" }, make("legend", {}, ...called(sealed)), ...labels);
  row.setAttribute("aria-describedby", `${id}-verdict`);
  const set = (text) => fields.forEach((field) => (field.checked = field.value === text));
  return { row, fields: [], get: () => fields.find((field) => field.checked)?.value ?? "", set };
}

/** What the exercise above a cell is called. */
function exerciseAbove(cell) {
  for (let above = cell.previousElementSibling; above; above = above.previousElementSibling) {
    const found = above.querySelector("strong")?.textContent.match(/^Exercise \d+/);
    if (found) return found[0];
  }
  return "this exercise";
}

/** The form of one cell, in its place. */
function box(cell, page, words) {
  const title = exerciseAbove(cell);
  const scripts = [...cell.querySelectorAll("script.ltc-answer")].map((script) => JSON.parse(script.textContent));
  const answers = scripts.map((sealed) => answer(sealed, `answer-${sealed.name}`, words));
  const button = make("button", { type: "submit" }, answers.length > 1 ? "Check my answers" : "Check my answer");
  const form = make("form", { className: "answer-box", noValidate: true }, ...answers.map(({ row }) => row), button);
  form.setAttribute("aria-label", `Answers to ${title}`);
  const solved = () => answers.every((one) => one.solved());
  const kept = shelf.read()[page] ?? {};
  for (const one of answers.filter(({ name }) => Object.hasOwn(kept, name))) {
    one.set(kept[one.name]);
    one.check();
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fresh = { ...shelf.read()[page] };
    for (const one of answers) {
      one.check();
      if (one.solved()) fresh[one.name] = one.get();
    }
    shelf.write(page, fresh);
    form.dispatchEvent(new Event("judged", { bubbles: true }));
  });
  cell.append(form);
  return { title, solved, forget: () => answers.forEach((one) => (one.set(""), one.row.dispatchEvent(new Event("input")))) };
}

/** Below the heading of the exercises: how many are solved, and a button that forgets them. */
function progress(boxes, heading, page) {
  const line = make("p", { className: "answer-progress" });
  line.setAttribute("aria-live", "polite");
  const forget = make("button", { type: "button" }, "Forget my answers");
  const titles = [...new Set(boxes.map(({ title }) => title))];
  const show = () => {
    const done = titles.filter((title) => boxes.every((one) => one.title !== title || one.solved())).length;
    const text = done
      ? `${done} of ${titles.length} exercises with an answer box solved. `
      : "Where an exercise has an answer box, this page checks your answer. ";
    line.replaceChildren(text, ...(Object.keys(shelf.read()[page] ?? {}).length ? [forget] : []));
  };
  forget.addEventListener("click", () => {
    shelf.write(page, {});
    for (const one of boxes) one.forget();
    show();
  });
  document.addEventListener("judged", show);
  heading.after(line);
  show();
}

/** Put all boxes of the page in their places. */
export function boxes(words) {
  const site = new URL(document.documentElement.dataset.content_root || "./", location.href).pathname;
  const page = location.pathname.split("/").pop();
  shelf.key = `ltcbook answers ${site}`;
  const cells = [...document.querySelectorAll("div.cell:has(script.ltc-answer)")];
  const made = cells.map((cell) => box(cell, page, words));
  const heading = [...document.querySelectorAll("h2")].find((one) => /^Exercises\b/.test(one.textContent.trim()));
  if (heading && made.length) progress(made, heading, page);
}
