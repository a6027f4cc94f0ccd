// Slides: arrow keys, space and Page keys turn them; F fills the screen; the address keeps the place.
const slides = [...document.querySelectorAll(".slide")];
const place = document.querySelector(".place");
let now = 0;

function show(k) {
  now = Math.min(Math.max(k, 0), slides.length - 1);
  slides[now].scrollIntoView();
}

function say(k) {
  now = k;
  place.textContent = `${k + 1} of ${slides.length}`;
  history.replaceState(null, "", `#${k + 1}`);
}

const seen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) if (entry.isIntersecting) say(slides.indexOf(entry.target));
  },
  { threshold: 0.55 },
);
for (const slide of slides) seen.observe(slide);

const steps = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in steps) show(now + (event.shiftKey && event.key === " " ? -1 : steps[event.key]));
  else if (event.key === "Home") show(0);
  else if (event.key === "End") show(slides.length - 1);
  else if (event.key.toLowerCase() === "f") document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  else return;
  event.preventDefault();
});

const wanted = Number.parseInt(location.hash.slice(1), 10);
if (wanted > 1) show(wanted - 1);
else say(0);
