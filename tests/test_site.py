"""The rendered book in a real browser, with every other host cut off, over http and from a folder."""

import contextlib
import copy
import functools
import gzip
import re
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import drawn

PHONE = {"width": 360, "height": 760}
DESK = {"width": 1280, "height": 900}
SCHEMES = ("light", "dark")
AXE = Axe()
# a fingerprint of everything that is drawn inside one explorer
DRAWING = """widget => [...widget.querySelectorAll("svg, canvas")].map(
    part => part.tagName === "CANVAS" ? part.toDataURL() : part.outerHTML).join("\\n")"""
# of figures whose panels stand side by side or one below the other: how many of each kind show, and their
# smallest letters
FIGURES = """() => {
    const shown = [".ltc-desk", ".ltc-phone"].map(kind => [...document.querySelectorAll(`svg${kind}`)].filter(
        svg => svg.getClientRects().length));
    const letters = shown.flat().flatMap(svg => [...svg.querySelectorAll("text")].map(
        text => parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width));
    return {desk: shown[0].length, phone: shown[1].length, letters: Math.min(...letters, 99)};
}"""


def settle(page):
    """Wait until the page fits its new width, for a slow machine a few seconds; what stays wide is measured."""
    from playwright.sync_api import TimeoutError

    fits = "width => document.documentElement.scrollWidth <= width"
    with contextlib.suppress(TimeoutError):
        page.wait_for_function(fits, arg=PHONE["width"], timeout=3000)


@pytest.fixture(scope="session")
def with_explorers(soups):
    """The pages that hold an explorer."""
    return [name for name, soup in soups.items() if soup.select(".ltc-widget")]


# explorers awake, every section laid out: both happen piece by piece, after the page has come
SETTLED = "!document.querySelector('[data-waiting]') && !document.documentElement.classList.contains('book-arriving')"


class Visit:
    """One page in one browser window: what it asked for, what it complained about, and the page itself."""

    def __init__(self, context, address, home):
        self.strangers, self.complaints, self.loaded, self.page = [], [], set(), context.new_page()
        self.page.route("**/*", functools.partial(self.guard, home))
        self.page.on("console", self.listen)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.goto(address, wait_until="load")
        self.page.wait_for_function(SETTLED)

    def guard(self, home, route):
        """Let only the book's own files through."""
        if route.request.url.startswith((home, "data:", "blob:")):
            if route.request.url.startswith(home):
                self.loaded.add(
                    unquote(urlsplit(route.request.url.removeprefix(home)).path.removeprefix("/"))
                )
            route.continue_()
        else:
            self.strangers.append(route.request.url)
            route.abort()

    def listen(self, message):
        """Keep what the console holds against the page."""
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")


def findings(page):
    """What axe-core holds against a page, one line each."""
    answer = AXE.run(page, options={"preload": False, "resultTypes": ["violations"]}).response["violations"]
    return [f"{rule['id']}: {node['html'][:140]}" for rule in answer for node in rule["nodes"]]


@pytest.fixture(scope="session")
def seen(browser, served, site, names):
    """(page, scheme, place) -> what was found there; every page is opened once per scheme and place."""
    found = {}
    for scheme in SCHEMES:
        # without transitions, so that axe never meets a colour half-way
        context = browser.new_context(color_scheme=scheme, viewport=DESK, reduced_motion="reduce")
        # from a folder a page is the same in both schemes: one of them is enough there
        for place, home in (("http", served), ("file", site.as_uri()))[: 2 if scheme == "light" else 1]:
            for name in names:
                visit = Visit(context, f"{home}/{name}", home)
                page, record = visit.page, {}
                if place == "http":
                    record["axe"] = findings(page)
                    record["on a desk"] = page.evaluate(FIGURES)
                    page.set_viewport_size(PHONE)
                    drawn(page)
                    settle(page)
                    record["width"] = page.evaluate("document.documentElement.scrollWidth")
                    record["on a phone"] = page.evaluate(FIGURES)
                record |= page.evaluate("""() => ({
                    formulas: document.querySelectorAll(".bd-article .math").length,
                    typeset: document.querySelectorAll(".bd-article .math mjx-container").length,
                    failed: [...document.querySelectorAll("mjx-merror, merror")].map(error => error.textContent),
                    fonts: [...document.fonts].filter(f => f.status === "error").map(f => f.family),
                    theme: document.documentElement.dataset.theme,
                })""")
                record["strangers"], record["complaints"], record["loaded"] = (
                    visit.strangers,
                    visit.complaints,
                    visit.loaded,
                )
                found[name, scheme, place] = record
                page.close()
        context.close()
    return found


def report(seen, what, wrong=bool):
    """Every place where `what` is wrong, in one failure."""
    bad = {place: record[what] for place, record in seen.items() if what in record and wrong(record[what])}
    assert not bad, "\n".join(f"{place}: {value}" for place, value in bad.items())


def test_no_page_asks_another_host_for_anything(seen):
    report(seen, "strangers")


def test_no_page_complains_in_the_console(seen):
    report(seen, "complaints")


def test_every_page_is_lighter_than_600_kb_with_all_that_it_loads(seen, site):
    weigh = functools.cache(lambda name: len(gzip.compress((site / name).read_bytes())) / 1000)
    weights = {
        name: {file: weigh(file) for file in record["loaded"] if (site / file).is_file()}
        for (name, scheme, place), record in seen.items()
        if scheme == "light" and place == "http"
    }
    loaded = set().union(*weights.values())
    assert {"css", "js", "woff", "html"} <= {file.rpartition(".")[2] for file in loaded}
    heavy = {
        name: sorted(files.items(), key=lambda item: -item[1])[:5]
        for name, files in weights.items()
        if sum(files.values()) >= 600
    }
    assert not heavy, heavy


def test_axe_finds_no_accessibility_fault_in_light_or_dark(seen):
    report(seen, "axe")
    assert {record["theme"] for (_, scheme, _), record in seen.items() if scheme == "dark"} == {"dark"}


def test_no_page_scrolls_sideways_on_a_phone(seen):
    report(seen, "width", lambda width: width > PHONE["width"])


def test_panels_stand_one_below_the_other_on_a_phone_and_their_letters_can_be_read(seen):
    report(seen, "on a desk", lambda shown: shown["phone"])
    report(seen, "on a phone", lambda shown: shown["desk"] or shown["letters"] < 8)
    there = {
        place: (record["on a desk"], record["on a phone"])
        for place, record in seen.items()
        if "on a desk" in record
    }
    assert sum(desk["desk"] for desk, _ in there.values()) > 20
    assert all(desk["desk"] == phone["phone"] for desk, phone in there.values()), there


def test_every_formula_is_typeset_without_an_error(seen):
    report(seen, "failed")
    report(seen, "fonts")
    short = {place: record for place, record in seen.items() if record["typeset"] < record["formulas"]}
    assert not short, short
    assert any(record["formulas"] > 3 for record in seen.values()), "no page holds formulas"


# --- what needs no browser ------------------------------------------------------------------------


def references(soup):
    """Every address that a page links to or loads."""
    for tag in soup.find_all(["a", "link", "script", "img", "source", "iframe"]):
        for attribute in ("href", "src"):
            if tag.get(attribute):
                yield tag, tag[attribute]


def test_every_internal_link_and_file_is_there(site, soups):
    ids = {name: {tag["id"] for tag in soup.find_all(id=True)} for name, soup in soups.items()}
    broken = []
    for name, soup in soups.items():
        for _, address in references(soup):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            inside = target.resolve().relative_to(site.resolve()).as_posix()
            if not target.is_file():
                broken.append(f"{name}: {address}: no such file")
            elif "=" in parts.fragment and not parts.path:
                continue  # it speaks to an explorer of the page, see below
            elif parts.fragment and inside in ids and unquote(parts.fragment) not in ids[inside]:
                broken.append(f"{name}: {address}: no such place on {inside}")
    assert not broken, "\n".join(broken)


def test_nothing_is_loaded_from_elsewhere_and_no_link_leads_to_a_stranger(soups):
    for name, soup in soups.items():
        for tag, address in references(soup):
            if tag.name != "a" and not (tag.name == "link" and tag.get("rel") == ["canonical"]):
                assert not urlsplit(address).netloc, f"{name} loads {address}"
            assert "executablebooks" not in address, f"{name}: {address}"


def test_launch_buttons_are_there_only_with_an_address_and_lead_to_it(soups):
    from ltcbook.site import address as addresses

    address, branch = addresses.read()["url"], addresses.read()["branch"]
    for name, soup in soups.items():
        links = [tag["href"] for tag in soup.select("a[href*='colab.research.google.com']")]
        if address and name in ("chapters/ltc.html", "chapters/pruning_rewiring.html"):
            owner = address.removeprefix("https://github.com/")
            notebook = name.replace(".html", ".ipynb")
            assert f"https://colab.research.google.com/github/{owner}/blob/{branch}/{notebook}" in links
        elif not address:
            assert not links, f"{name}: a launch button, but no address is set"


def test_no_page_shows_what_a_chapter_complained_about(soups):
    shown = {
        name: found[0].get_text()[:200]
        for name, soup in soups.items()
        if (found := soup.select(".output.stderr"))
    }
    assert not shown, shown


def test_every_image_has_alt_text(soups):
    for name, soup in soups.items():
        for image in soup.find_all("img"):
            words = image.get("alt")
            assert words is not None, f"{name}: {image}"
            inside = image.find_parent("article") is not None
            assert not inside or (len(words) >= 8 and not words.endswith((".png", ".svg"))), (
                f"{name}: {words!r}"
            )


def test_every_page_has_one_search_box_a_title_and_a_description(soups, names):
    for name in names:
        soup = soups[name]
        boxes = len(soup.select("input[type=search]"))  # the search page itself has its own beside the pop-up
        assert boxes == (2 if name == "search.html" else 1), f"{name}: {boxes} search boxes"
        assert soup.title and len(soup.title.text) > 10, name
        assert len(soup.find_all("h1")) in (1, 2), f"{name}: one title, and one more for print"
        if name.startswith("chapters/"):
            assert soup.find("meta", attrs={"name": "description"}), (
                f"{name}: the first paragraph describes the page"
            )


def test_raw_markdown_never_shows(soups):
    for name, soup in soups.items():
        article = copy.copy(soup.find("article") or soup.new_tag("p"))
        for hidden in [*article.find_all(["pre", "code", "script", "style"]), *article.select(".math")]:
            hidden.extract()
        words = article.get_text(" ")
        assert not re.search(r"\$\$|\\tag\{|\]\(|\*\*\w|\{(ref|eq|cite)\}", words), (
            f"{name}: raw markup in the text"
        )


# --- the explorers --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def explorers(browser, served, with_explorers):
    """Address -> open page with living explorers."""
    assert with_explorers, "no page of the book holds an explorer"
    context = browser.new_context(viewport=DESK, reduced_motion="reduce")
    visits = {name: Visit(context, f"{served}/{name}", served) for name in with_explorers}
    yield {name: visit.page for name, visit in visits.items()}
    context.close()


def widgets(explorers):
    """(page, its number, widget) of every explorer of the book."""
    for name, page in explorers.items():
        for k, widget in enumerate(page.query_selector_all(".ltc-widget")):
            yield name, k, widget


def test_every_explorer_draws_and_its_fallback_picture_is_gone(explorers):
    for name, k, widget in widgets(explorers):
        assert widget.query_selector("svg, canvas"), f"{name}, explorer {k}: nothing is drawn"
        assert widget.query_selector(".ltc-fallback") is None, (
            f"{name}, explorer {k}: the fallback still shows"
        )


def test_every_explorers_drawing_changes_on_arrow_right(explorers):
    for name, k, widget in widgets(explorers):
        sliders = [slider for slider in widget.query_selector_all("input[type=range]") if slider.is_visible()]
        assert sliders, f"{name}, explorer {k}: nothing to move"
        for slider in sliders:
            slider.evaluate(
                "s => { s.value = s.min; s.dispatchEvent(new Event('input', { bubbles: true })) }"
            )
            before = widget.evaluate(DRAWING)
            slider.focus()
            for _ in range(8):
                slider.press("ArrowRight")
                if widget.evaluate(DRAWING) != before:
                    break
            label = slider.get_attribute("name") or slider.get_attribute("aria-label")
            assert widget.evaluate(DRAWING) != before, (
                f"{name}, explorer {k}: {label} moves, the drawing does not"
            )


def test_another_threshold_gives_another_drawing(explorers):
    tried = 0
    for name, k, widget in widgets(explorers):
        for slider in widget.query_selector_all("input[type=range][name=T]"):
            drawings = []
            for share in (0.0, 0.5, 1.0):
                slider.evaluate(
                    """(s, share) => { s.value = +s.min + share * (s.max - s.min);
                    s.dispatchEvent(new Event("input", { bubbles: true })) }""",
                    share,
                )
                drawings.append(widget.evaluate(DRAWING))
            assert len(set(drawings)) > 1, f"{name}, explorer {k}: the same drawing for different T"
            tried += 1
    assert tried, "no explorer has a slider for T"


def test_every_link_that_speaks_to_an_explorer_finds_it_and_what_it_asks_for(explorers, soups):
    spoken = (
        "a => a.filter(one => one.hash.includes('=')).map(one => [one.getAttribute('href'), one.className])"
    )
    wrong = [
        f"{name}: {href}"
        for name, page in explorers.items()
        for href, classes in page.eval_on_selector_all('article a[href^="#"]', spoken)
        if not re.search(r"\bltc-(set|number|names)\b", classes)
    ]
    silent = [
        f"{name}: {tag['href']}"
        for name, soup in soups.items()
        if name not in explorers
        for tag in soup.select('article a[href^="#"]')
        if "=" in tag["href"]
    ]
    assert not wrong + silent


def test_every_control_is_reached_with_the_tab_key(explorers):
    every = "w => [...w.querySelectorAll('input, select, button')].indexOf(document.activeElement)"
    for name, k, widget in widgets(explorers):
        widget.evaluate("""w => { const mark = document.createElement("span"); mark.tabIndex = 0;
            w.before(mark); mark.focus({ preventScroll: true }); }""")
        # radio buttons of one group share one tab stop; the arrow keys move inside the group
        wanted = widget.evaluate("""w => new Set([...w.querySelectorAll("input, select, button")].filter(
            e => !e.disabled && (e.tabIndex >= 0 || e.tagName !== "BUTTON") && e.checkVisibility()).map(
            e => e.type === "radio" ? e.name : e)).size""")
        reached = set()
        for _ in range(wanted + 25):
            explorers[name].keyboard.press("Tab")
            reached |= {widget.evaluate(every)} - {-1}
        assert len(reached) == wanted > 0, (
            f"{name}, explorer {k}: Tab reaches {len(reached)} of {wanted} controls"
        )


def test_every_slider_is_labelled_and_large_enough_for_a_finger(explorers):
    for name, k, widget in widgets(explorers):
        for slider in widget.query_selector_all("input[type=range]"):
            words = slider.evaluate("s => s.getAttribute('aria-label') || s.labels[0]?.textContent || ''")
            assert words.strip(), f"{name}, explorer {k}: a slider without a label"
            if slider.is_visible():
                assert slider.bounding_box()["height"] >= 24, (
                    f"{name}, explorer {k}: {words} is too small a target"
                )


def test_without_javascript_the_fallback_picture_and_the_text_show(browser, served, with_explorers):
    context = browser.new_context(java_script_enabled=False, viewport=DESK)
    page = context.new_page()
    for name in with_explorers:
        page.goto(f"{served}/{name}")
        pictures = page.locator(".ltc-widget .ltc-fallback")
        assert pictures.count() == page.locator(".ltc-widget").count() > 0, name
        for k in range(pictures.count()):
            assert pictures.nth(k).bounding_box()["width"] > 200, f"{name}, explorer {k}"
            assert len(pictures.nth(k).get_attribute("alt")) > 30
        assert page.locator("article h1").first.is_visible()
    context.close()


def test_explorers_also_live_in_a_site_opened_from_a_folder(browser, site, with_explorers):
    context = browser.new_context(viewport=DESK)
    for name in with_explorers:
        visit = Visit(context, f"{site.as_uri()}/{name}", site.as_uri())
        alive = visit.page.locator(".ltc-widget").evaluate_all(
            "all => all.map(w => !w.querySelector('.ltc-fallback') && !!w.querySelector('svg, canvas'))"
        )
        assert alive and all(alive), f"{name}: {alive}"
        visit.page.close()
    context.close()


def test_the_search_finds_a_word_of_the_book(browser, served):
    page = browser.new_page()
    page.goto(f"{served}/search.html?q=neuron")
    page.wait_for_selector("ul.search li a", timeout=10_000)
    assert page.locator("ul.search li a").count() > 0
    page.close()
