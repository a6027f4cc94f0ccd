// TeX in, HTML out: the one Node process that typesets the formulas of a build (formulas.py starts it).
//
// Each line of standard input is JSON: {"tex": ..., "display": true or false}, or {"stylesheet": true}.
// Each is answered by one line of JSON: {"html": ...}, {"css": ...}, or {"error": ...}.

const readline = require("node:readline");

const mathjax = require(process.argv[2]);

const OPTIONS = {
  loader: { load: ["input/tex", "output/chtml"] },
  chtml: { displayAlign: "left", displayIndent: "0", adaptiveCSS: false, fontURL: "mathjax" },
  tex: { packages: { "[-]": ["noundefined"] }, tagIndent: "0.2em", formatError: (_, error) => { throw error; } },
  startup: { typeset: false },
};

/** What MathJax keeps in the tree for itself, and ids, which would stand twice where a formula is shown twice. */
const tidy = (html) => html.replace(/ (data-mjx-[\w-]+|id)="[^"]*"/g, "").replace(/ style="height: NaNem;"/g, "");

/** MathML for screen readers and for copying: a numbered row as one that browsers know, its number last. */
function spoken(mathml) {
  const rows = /<mlabeledtr>\s*(<mtd>.*?<\/mtd>)(.*?)<\/mlabeledtr>/gs;
  return tidy(mathml).replace(rows, "<mtr>$2$1</mtr>").replace(/>\s+</g, "><").replace(/\s*\n\s*/g, " ");
}

/** One formula: glyphs for the eye, MathML for everything else. */
async function typeset(kit, tex, display) {
  const container = tidy(kit.startup.adaptor.outerHTML(await kit.tex2chtmlPromise(tex, { display })));
  const mathml = spoken(await kit.tex2mmlPromise(tex, { display }));
  const seen = container.replace("<mjx-math ", '<mjx-math aria-hidden="true" ').replace(/<\/mjx-container>$/, "");
  return `${seen}<mjx-assistive-mml>${mathml}</mjx-assistive-mml></mjx-container>`;
}

async function answer(kit, question) {
  if (question.stylesheet) return { css: kit.startup.adaptor.textContent(kit.chtmlStylesheet()) };
  try {
    return { html: await typeset(kit, question.tex, question.display) };
  } catch (error) {
    return { error: error.message };
  }
}

async function main() {
  const kit = await mathjax.init(OPTIONS);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(kit, JSON.parse(line)))}\n`);
  }
}

main();
