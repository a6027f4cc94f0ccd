// The reader's place: the section that was read last, and a tick beside every chapter that was read. All of it stays in
// this browser. Without JavaScript or storage nothing is missing but this.

const SITE = new URL(document.documentElement.dataset.content_root || "./", location.href);
const KEY = `ltcbook ${SITE.pathname}`;
const NAME = location.pathname.split("/").pop();
const TICK = "✓";

/** What is kept: { last: page, pages: { page: { title, id, section, read } } }. */
function kept() {
  try {
    return { pages: {}, ...JSON.parse(localStorage.getItem(KEY) || "{}") };
  } catch {
    return { pages: {} }; // no storage here, or somebody else's words in it
  }
}

/** Change what is kept of this page; `null` forgets everything. */
function keep(change) {
  try {
    if (change === null) localStorage.removeItem(KEY);
    else {
      const all = kept();
      all.pages[NAME] = { ...all.pages[NAME], ...change };
      if (change.id) all.last = NAME;
      localStorage.setItem(KEY, JSON.stringify(all));
    }
  } catch {
    // no storage, or no room: then the place is not kept
  }
}

function element(kind, properties, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

/** The words of a heading, without its sign for a link. */
function words(heading) {
  const copy = heading.cloneNode(true);
  for (const link of copy.querySelectorAll(".headerlink")) link.remove();
  return copy.textContent.trim();
}

/** A tick behind every link to a chapter that was read: in the list of contents at the side and in the front page's table. */
function tick() {
  const { pages } = kept();
  for (const old of document.querySelectorAll(".book-tick")) old.remove();
  for (const link of document.querySelectorAll(".bd-sidebar-primary .toctree-l1 > a, .bd-article td:first-child a.internal")) {
    const page = link.pathname === location.pathname ? NAME : link.pathname.split("/").pop();
    if (!pages[page]?.read) continue;
    link.append(element("span", { className: "book-tick" }, ` ${TICK}`, element("span", { className: "book-hidden" }, " (read)")));
  }
}

/** The front page says where to go on, and can forget. */
function goOn(title) {
  const { last, pages } = kept();
  const place = pages[last];
  if (!place) return;
  const link = element("a", { href: new URL(`chapters/${last}#${place.id}`, SITE).href }, `${place.title}, ${place.section}`);
  const forget = element("button", { type: "button", className: "book-forget" }, "Forget my place");
  const line = element("p", { className: "book-place" }, "Go on reading: ", link, ". ", forget);
  forget.addEventListener("click", () => (keep(null), line.remove(), tick()));
  (title.nextElementSibling ?? title).after(line);
}

/** A chapter offers the section where its reader was, until it is taken, shut, or not needed any more. */
function offer(place) {
  const shut = () => bar.remove();
  const link = element("a", { href: `#${place.id}` }, "Go on there");
  const close = element("button", { type: "button", title: "Close", ariaLabel: "Close" }, "×");
  const bar = element("div", { className: "book-offer", role: "region", ariaLabel: "Your place" });
  bar.append(element("span", {}, `You were at “${place.section}”. `), link, close);
  link.addEventListener("click", shut);
  close.addEventListener("click", shut);
  document.body.append(bar);
  const from = scrollY;
  addEventListener("scroll", () => Math.abs(scrollY - from) > 3 * innerHeight && shut(), { passive: true });
}

/** Keep the place while a chapter is read, and say at its end that it was. */
function follow(chapter) {
  const sections = [...chapter.querySelectorAll(":scope > section[id]")];
  const before = kept().pages[NAME];
  if (before?.id && !location.hash && sections.findIndex(({ id }) => id === before.id) > 0) offer(before);

  const title = words(chapter.querySelector("h1"));
  const seen = new Set();
  let arrived = false; // what the first look shows is no reading yet
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.add(target.id);
      if (arrived) keep({ title, id: target.id, section: words(target.querySelector("h2")) });
    }
  }, { rootMargin: "-20% 0px -70% 0px" }); // the section that crosses the upper part of the window
  sections.forEach((section) => watch.observe(section));
  addEventListener("scroll", () => (arrived = true), { once: true, passive: true });

  const said = element("button", { type: "button", className: "book-read" });
  const show = () => {
    const read = Boolean(kept().pages[NAME]?.read);
    said.ariaPressed = String(read);
    said.textContent = read ? `${TICK} You have read this chapter` : "Mark this chapter as read";
    tick();
  };
  said.addEventListener("click", () => (keep({ read: !kept().pages[NAME]?.read }), show()));
  chapter.append(element("p", { className: "book-place" }, said));
  new IntersectionObserver(([{ isIntersecting }]) => {
    if (isIntersecting && !kept().pages[NAME]?.read && seen.size > sections.length / 2) (keep({ read: true }), show());
  }).observe(said);
  show();
}

function start() {
  const chapter = document.querySelector(".bd-article > section");
  const title = chapter?.querySelector("h1");
  if (!title) return;
  if (document.querySelector(".chapter-facts")) follow(chapter);
  else tick();
  if (NAME === "index.html") goOn(title);
}

document.readyState === "loading" ? addEventListener("DOMContentLoaded", start) : start();
