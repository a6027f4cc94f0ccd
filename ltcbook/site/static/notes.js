// Notes beside links: what a term means, the equation or the reference that a link leads to. The page holds them all
// (ltcbook/site/notes.py); here they are shown on hover, on keyboard focus and on tap. Escape hides them.

const WAIT = 150; // ms of pointing before a note shows, and of leaving before it goes
const GAP = 8; // px between a note, its link and the edges of the window

/** @type {HTMLElement | null} */
let note = null;
/** @type {HTMLAnchorElement | null} */
let owner = null;
let timer = 0;

/** The note of the link around an element, if it has one. */
function linkOf(element) {
  return element instanceof Element ? element.closest("a.book-noted") : null;
}

function noteOf(link) {
  return document.getElementById(`note-${decodeURIComponent(link.hash.slice(1))}`);
}

/** Below the link or above it, whichever has room, and inside the window. */
function place() {
  const lines = owner.getClientRects();
  const link = lines[lines.length - 1];
  const width = document.documentElement.clientWidth;
  const { offsetWidth, offsetHeight } = note;
  const below = link.bottom + GAP;
  const fits = below + offsetHeight <= innerHeight - GAP || lines[0].top < offsetHeight + 2 * GAP;
  const left = Math.max(GAP, Math.min(link.left, width - offsetWidth - GAP));
  note.style.left = `${left + scrollX}px`;
  note.style.top = `${(fits ? below : lines[0].top - GAP - offsetHeight) + scrollY}px`;
}

function show(link) {
  clearTimeout(timer);
  if (owner === link) return;
  hide();
  owner = link;
  note = noteOf(link);
  note.hidden = false;
  place();
}

function hide() {
  clearTimeout(timer);
  if (note) note.hidden = true;
  note = owner = null;
}

function soon(act) {
  clearTimeout(timer);
  timer = setTimeout(act, WAIT);
}

for (const link of document.querySelectorAll("a.book-noted")) {
  const words = noteOf(link);
  if (words) link.setAttribute("aria-describedby", words.id);
  else link.classList.remove("book-noted");
}
// outside the article nothing cuts them off
for (const words of document.querySelectorAll(".book-note")) document.body.append(words);

addEventListener("pointerover", ({ target, pointerType }) => {
  if (pointerType === "touch") return;
  const link = linkOf(target);
  if (link) soon(() => show(link));
  else if (note && (note === target || note.contains(target))) clearTimeout(timer); // the pointer may rest on a note
  else if (note || timer) soon(hide);
});
addEventListener("focusin", ({ target }) => {
  const link = linkOf(target);
  if (link?.matches(":focus-visible")) show(link);
});
addEventListener("focusout", () => hide());
addEventListener("keydown", ({ key }) => {
  if (key === "Escape") hide();
});

// A tap shows the note, a second tap follows the link; a tap elsewhere hides it.
let touched = false;
addEventListener("pointerdown", ({ target, pointerType }) => {
  touched = pointerType === "touch";
  if (touched && note && !note.contains(target) && linkOf(target) !== owner) hide();
}, true);
addEventListener("click", (event) => {
  const link = linkOf(event.target);
  if (!link || !touched || event.ctrlKey || event.metaKey) return hideUnlessInside(event.target);
  if (owner === link) return hide();
  event.preventDefault();
  show(link);
}, true);
addEventListener("resize", hide);
addEventListener("beforeprint", hide);

function hideUnlessInside(target) {
  if (note && !note.contains(target)) hide();
}
