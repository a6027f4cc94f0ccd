// numbers.js: tables of numbers beside a drawing; each number is an <output> that a test can read.

import { make, patch, rich, write } from "./dom.js";
import { say } from "./format.js";

/** Rows of [label, ...names of numbers in the frame]; `heads` name the columns. Without heads there is one. */
export function table(rows, heads = []) {
  return (body, view) => {
    const cells = [];
    const cell = (name) => {
      if (!name) return make("td");
      const output = make("output", { "data-name": name });
      cells.push(output);
      return make("td", {}, output);
    };
    const head = heads.length
      ? [make("thead", {}, make("tr", {}, make("td"), ...heads.map((text) => make("th", { scope: "col" }, text))))]
      : [];
    body.append(
      make(
        "table",
        { class: "ltc-numbers" },
        ...head,
        make(
          "tbody",
          {},
          ...rows.map(([label, ...names]) =>
            make("tr", {}, make("th", { scope: "row" }, ...rich(label)), ...names.map(cell)),
          ),
        ),
      ),
    );
    return (frame) => {
      const known = { before: view.spec.before, ...frame };
      for (const output of cells) {
        const value = output.dataset.name.split(".").reduce((part, name) => part?.[name], known);
        patch(output, { "data-value": value });
        write(output, say(value));
      }
    };
  };
}

/** The same with two columns, before and after. */
export const numbers = (rows) => table(rows, ["before", "after"]);
