// Small things that every page of the book does; without JavaScript the pages stay readable.

const SCROLLERS = [
  ".bd-article pre", ".bd-article div.math", ".bd-article span.ltc-wide", ".bd-article .cell_output .output",
  ".pst-scrollable-table-container", ".bd-sidebar-primary", ".bd-sidebar-secondary",
].join(",");
const FORMULAS = ".bd-article span.math";
const SECTIONS = ".bd-article > section > section";

/** Call `act(left)` in an idle moment; `left()` says how many ms of it are left. */
function idly(act) {
  if (window.requestIdleCallback) return requestIdleCallback((deadline) => act(() => deadline.timeRemaining()), { timeout: 500 });
  const end = performance.now() + 30;
  return setTimeout(() => act(() => end - performance.now()), 20);
}

/** A box that scrolls sideways must be reachable by keyboard; one that does not must not be a tab stop. All is read before
 * anything is written, so that the page is laid out once. */
function markScrollers(things) {
  const room = (document.querySelector(".bd-article > section") || document.body).clientWidth - 40;
  const inline = things.filter((thing) => thing.matches(FORMULAS));
  const wide = inline.map((formula) => formula.firstElementChild?.offsetWidth > room);
  inline.forEach((formula, i) => formula.classList.toggle("ltc-wide", wide[i]));
  const boxes = things.filter((thing) => thing.matches(SCROLLERS));
  const scrolls = boxes.map((box) => {
    const style = getComputedStyle(box);
    const broad = box.scrollWidth > box.clientWidth + 1 && style.overflowX !== "visible";
    return broad || (box.scrollHeight > box.clientHeight + 1 && /auto|scroll/.test(style.overflowY));
  });
  boxes.forEach((box, i) => {
    if (scrolls[i]) {
      box.tabIndex = 0;
      box.dataset.scrolls = "";
    } else if ("scrolls" in box.dataset) {
      box.removeAttribute("tabindex");
      delete box.dataset.scrolls;
    }
  });
}

let round = 0;

/** Go through the page section by section, in idle moments: lay out those that still wait below the window (`book-arriving`
 * on the page, see pages.py), and mark what scrolls in each. */
function settle() {
  const mine = ++round;
  const groups = new Map([[null, []]]);
  for (const section of document.querySelectorAll(SECTIONS)) groups.set(section, []);
  for (const thing of document.querySelectorAll(`${FORMULAS}, ${SCROLLERS}`)) groups.get(thing.closest(SECTIONS)).push(thing);
  const waiting = [...groups];
  const next = (left) => {
    if (mine !== round) return; // the window has changed, and all is asked anew
    do {
      const [section, things] = waiting.shift();
      section?.classList.add("book-there");
      markScrollers(things);
    } while (waiting.length && left() > 15);
    if (waiting.length) idly(next);
    else document.documentElement.classList.remove("book-arriving");
  };
  idly(next);
}

/** A link to something inside a folded solution opens the solution. */
function openFolded() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let box = target && target.closest("details:not([open])"); box; box = box.parentElement.closest("details:not([open])")) {
    box.open = true;
    target.scrollIntoView();
  }
}

/** The theme's icon-only buttons carry a title; give them the same name for screen readers. */
function nameButtons() {
  for (const button of document.querySelectorAll("button[title]:not([aria-label]), a.btn[title]:not([aria-label])")) {
    if (!button.textContent.trim()) button.setAttribute("aria-label", button.title);
  }
}

function start() {
  nameButtons();
  openFolded();
  settle();
}

document.readyState === "loading" ? addEventListener("DOMContentLoaded", start) : start();
addEventListener("load", nameButtons); // the theme makes some of its own late
addEventListener("resize", settle);
addEventListener("hashchange", openFolded);
document.addEventListener("toggle", ({ target }) => {
  if (target.open) markScrollers([...target.querySelectorAll(`${FORMULAS}, ${SCROLLERS}`)]);
}, true);
addEventListener("beforeprint", () => {
  // what an explorer folds away is of no use on paper, and the rest of it fits on a page
  for (const box of document.querySelectorAll(".bd-article details:not([open], .ltc-widget *)")) box.open = true;
});
