// Small things that every page of the book does; without JavaScript the pages stay readable.

const SCROLLERS = [
  ".bd-article pre", ".bd-article div.math", ".bd-article span.ltc-wide", ".bd-article .cell_output .output",
  ".pst-scrollable-table-container", ".bd-sidebar-primary", ".bd-sidebar-secondary",
].join(",");

/** A box that scrolls sideways must be reachable by keyboard; one that does not must not be a tab stop. */
function markScrollers() {
  const inline = document.querySelectorAll(".bd-article span.math");
  for (const formula of inline) formula.classList.remove("ltc-wide");
  const room = (document.querySelector(".bd-article > section") || document.body).clientWidth - 40;
  const wide = [...inline].filter((formula) => formula.firstElementChild && formula.firstElementChild.offsetWidth > room);
  for (const formula of wide) formula.classList.add("ltc-wide");
  for (const box of document.querySelectorAll(SCROLLERS)) {
    const style = getComputedStyle(box);
    const broad = box.scrollWidth > box.clientWidth + 1 && style.overflowX !== "visible";
    const tall = box.scrollHeight > box.clientHeight + 1 && /auto|scroll/.test(style.overflowY);
    if (broad || tall) {
      box.tabIndex = 0;
      box.dataset.scrolls = "";
    } else if ("scrolls" in box.dataset) {
      box.removeAttribute("tabindex");
      delete box.dataset.scrolls;
    }
  }
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
  markScrollers();
}

document.readyState === "loading" ? addEventListener("DOMContentLoaded", start) : start();
addEventListener("load", start);
addEventListener("resize", markScrollers);
addEventListener("hashchange", openFolded);
document.addEventListener("toggle", markScrollers, true);
addEventListener("beforeprint", () => {
  // what an explorer folds away is of no use on paper, and the rest of it fits on a page
  for (const box of document.querySelectorAll(".bd-article details:not([open], .ltc-widget *)")) box.open = true;
});
