// ask.js: a prediction that is one. Until the reader has chosen or skipped, the explorer does not tell.

import { make, patch, rich, write } from "./dom.js";

const said = new WeakMap(); // model -> what its reader said on this page, so that a second view does not ask again

/**
 * The question with its answers; `done()` is called once the reader has chosen or skipped.
 * @param {{ question: string, answer: string, predict: import("./types").Prediction }} spec
 */
export function question(spec, model, frame, done) {
  const { guesses, right, by } = spec.predict;
  const reply = make("p", { class: "ltc-reply", tabindex: -1, role: "status" });
  const why = make("details", { class: "ltc-why" }, make("summary", {}, "Why"), make("p", {}, ...rich(spec.answer)));
  const row = make("div", { class: "ltc-options", role: "group", "aria-label": "Your prediction" });
  const root = make(
    "div",
    { class: "ltc-ask" },
    make("p", { class: "ltc-question" }, make("span", { class: "ltc-tag" }, "Predict first"), " ", ...rich(spec.question)),
    row,
    reply,
    why,
  );

  function settle(chosen, focus) {
    said.set(model, chosen);
    const hit = guesses.find(({ value }) => value === chosen);
    const true_ = right ?? frame()?.[by];
    const verdict = hit && (hit.value === true_ ? ", and so it is." : ". It is not so.");
    reply.replaceChildren(...(hit ? [make("b", {}, `You said “${hit.label}”${verdict}`), " ", ...rich(hit.reply)] : []));
    patch(reply, { hidden: hit ? null : "" });
    patch(row, { hidden: "" });
    patch(why, { hidden: spec.answer ? null : "" });
    root.dataset.said = hit ? String(hit.value) : "skipped";
    done();
    if (focus && hit) reply.focus({ preventScroll: true });
  }

  for (const { value, label } of guesses) {
    const button = make("button", { type: "button", class: "ltc-option", value }, label);
    button.addEventListener("click", () => settle(value, true));
    row.append(button);
  }
  const skip = make("button", { type: "button", class: "ltc-skip" }, "Show me");
  skip.addEventListener("click", () => settle(null, true));
  row.append(skip);
  patch(why, { hidden: "" });
  patch(reply, { hidden: "" });
  write(reply, "");
  return {
    root,
    /** Whether the reader has still to choose. */
    open: !said.has(model),
    /** Let go without an answer: a link in the text has told it. */
    skip: () => root.dataset.said === undefined && settle(null, false),
    /** Show again what was said before. */
    recall: () => said.has(model) && settle(said.get(model), false),
  };
}
