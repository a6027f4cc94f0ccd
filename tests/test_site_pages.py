"""What the rendered pages bring along: formulas, notes beside links, ways to the explorers, boxes, folds,
print.
"""

import gzip
import re
from posixpath import dirname, join, normpath
from urllib.parse import unquote

import pytest
from browser import drawn

PHONE = {"width": 360, "height": 640}
LOOKED_UP = ("glossary", "notation", "references", "api", "benchmarks")
NOTE = ".book-note:not([hidden])"


@pytest.fixture(scope="session")
def chapters_read(soups):
    """The pages that one reads from end to end."""
    others = tuple(f"/{name}.html" for name in LOOKED_UP)
    names = [name for name in soups if name.startswith("chapters/") and not name.endswith(others)]
    assert len(names) > 8
    return names


@pytest.fixture
def visit(browser, site):
    """(page's name, settings of the window) -> the page, opened from its folder."""
    contexts = []

    def open_page(name, **settings):
        usual = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}
        contexts.append(browser.new_context(**usual | settings))
        page = contexts[-1].new_page()
        path, _, query = name.partition("?")
        page.goto(f"{(site / path).as_uri()}?{query}")
        return page

    yield open_page
    for context in contexts:
        context.close()


# --- formulas -------------------------------------------------------------------------------------


FORMULA = re.compile(
    r'<(?:div|span) class="(?:[^"]* )?math notranslate nohighlight"[^>]*>(.*?)</(?:div|span)>', re.DOTALL
)
MATHML = re.compile(r"<mjx-assistive-mml>(<math .*?</math>)</mjx-assistive-mml>", re.DOTALL)
LABEL = re.compile(r"<mjx-labels.*?</mjx-labels>", re.DOTALL)
LETTER = re.compile(r'<mjx-c class="mjx-c([0-9A-F]+)')


def test_formulas_are_typeset_before_the_page_is_served(texts):
    formulas = 0
    for name, text in texts.items():
        assert not re.search(r"<script[^>]*[mM]ath[jJ]ax|window\.MathJax", text), name
        for formula in FORMULA.findall(text):
            spoken = MATHML.findall(formula)
            assert '<mjx-math aria-hidden="true"' in formula and len(spoken) == 1, f"{name}: {formula[:80]}"
            assert re.search(r"<m[ino]\b|<mtext", spoken[0]) and not re.search(
                r"<merror|<mlabeledtr|\\\w", spoken[0]
            ), spoken
            formulas += 1
    assert formulas > 1000


def test_every_numbered_equation_says_its_number_to_eye_and_ear(texts):
    numbered = 0
    for name, text in texts.items():
        for equation in FORMULA.findall(text):
            label, heard = LABEL.search(equation), re.findall(r"<mtext>(\([A-Z]\d+\))</mtext>", equation)
            if label or heard:
                seen = "".join(chr(int(code, 16)) for code in LETTER.findall(label[0] if label else ""))
                assert [seen] == heard, f"{name}: {seen}, {heard}"
                numbered += 1
    assert numbered > 100


def test_the_pages_share_one_style_sheet_for_formulas_with_every_letter_that_they_show(site, texts):
    css = (site / "_static" / "formulas.css").read_text("utf8")
    shown = {letter for text in texts.values() for letter in LETTER.findall(text)}
    ruled = set(re.findall(r"mjx-c\.mjx-c([0-9A-F]+)", css))
    # and hardly any more: rods stretch without a letter
    assert shown and shown <= ruled and len(ruled) < len(shown) + 10
    for file in re.findall(r'url\("([^"]+)"\)', css):
        assert (site / "_static" / file).is_file()
    assert len(gzip.compress(css.encode())) < 20_000


def test_a_formula_stands_and_a_wide_one_scrolls_without_javascript_on_a_phone(visit):
    page = visit("chapters/lyapunov.html", viewport=PHONE, java_script_enabled=False)
    assert page.locator("mjx-math").first.bounding_box()["width"] > 5
    assert page.locator(".book-note").first.is_hidden()
    boxes = page.locator(".bd-article div.math").all()
    assert all(box.bounding_box()["width"] <= PHONE["width"] for box in boxes if box.is_visible())


def test_a_faulty_formula_is_refused_in_words_and_a_right_one_is_set_once(tmp_path, monkeypatch):
    from ltcbook.site import build, formulas

    cache = build.BUILD / "cache"
    monkeypatch.setattr(formulas.mathjax, "fetch", lambda folder, fetch=formulas.mathjax.fetch: fetch(cache))
    setter = formulas.Typesetter(tmp_path)
    first = setter("x_1 < 2", False)
    assert "<mo>&lt;</mo>" in first and ' id="' not in first
    for faulty, reason in (
        (r"\unknown x", "Undefined control sequence"),
        (r"\frac{1", "Missing close brace"),
    ):
        with pytest.raises(ValueError, match=reason):
            setter(faulty, True)
    setter.close()
    again = formulas.Typesetter(tmp_path)
    assert again("x_1 < 2", False) == first and again.process is None


# --- notes beside links ---------------------------------------------------------------------------


def led_to(name, link):
    """(page, place) that a link leads to."""
    path, _, place = unquote(link["href"]).partition("#")
    return normpath(join(dirname(name), path)) if path else name, place


def test_every_link_to_an_equation_a_term_or_a_reference_has_its_note_on_the_page(soups):
    found = {"eq-": 0, "term-": 0, "ref-": 0}
    ids = {name: {tag["id"]: tag for tag in soup.find_all(id=True)} for name, soup in soups.items()}
    seen = set()
    for name, soup in soups.items():
        for link in soup.select("article section a.reference[href*='#']"):
            page, place = led_to(name, link)
            kind = next((kind for kind in found if place.startswith(kind)), None)
            if kind is None or "headerlink" in link["class"]:
                continue
            assert f"note-{place}" in ids[name] and "book-noted" in link["class"], f"{name}: {link}"
            found[kind] += 1
            if (name, place) in seen:
                continue
            seen.add((name, place))
            note, target = ids[name][f"note-{place}"], ids[page][place]
            assert (
                note["role"] == "tooltip"
                and note.has_attr("hidden")
                and not note.find("a")
                and not note.find(id=True)
            )
            if kind == "eq-":
                assert note.math.get_text() == target.math.get_text(), f"{name}: {link}"
            else:
                lead = target.find_next("strong").get_text()
                assert note.get_text().strip().startswith(lead) and len(note.get_text()) > len(lead) + 20, (
                    f"{name}: {note}"
                )
    assert min(found.values()) > 30, found


def test_every_chapter_links_to_the_glossary_once_a_section_and_never_where_a_link_would_disturb(
    soups, chapters_read
):
    for name in chapters_read:
        links = soups[name].select("a.ltc-term")
        if "/index" not in name and "/coming_from" not in name:
            assert len({link["href"] for link in links}) >= 8, f"{name}: {len(links)} links to the glossary"
        seen = set()
        for link in links:
            assert not link.find_parents(
                ["h1", "h2", "h3", "h4", "code", "pre", "thead", "figcaption", "button", "a"]
            ), link
            assert not link.find_parents(class_=["cell", "math", "chapter-facts", "book-note"]), link
            parts = list(link.find_parents("section"))
            section = parts[-2]["id"] if len(parts) > 1 else ""
            assert (section, link["href"]) not in seen, f"{name}: {section}: {link}"
            seen.add((section, link["href"]))
    for name in LOOKED_UP:
        assert not soups[f"chapters/{name}.html"].select("a.ltc-term"), name


def test_a_term_is_linked_by_its_name_its_abbreviation_or_their_plural(soups, chapters_read):
    anchors = soups["chapters/glossary.html"].select("[id^=term-]")
    names = {f"#{tag['id']}": tag.find_next("strong").get_text() for tag in anchors}
    short = {"BPTT", "CfC", "GRU", "LSTM", "NCP", "RNN", "RK4", "exponential Euler"}
    for name in chapters_read:
        for link in soups[name].select("a.ltc-term"):
            term, word = names["#" + link["href"].split("#")[1]], link.get_text()
            stem = re.sub(r"(ium|y|x)$", "", term)
            known = word.lower().startswith(stem.lower()) or any(
                word.lower().startswith(form.lower()) for form in short
            )
            assert known and len(word) <= len(term) + 3 or word.rstrip("s") in short, (
                f"{name}: {word!r} is not {term!r}"
            )


def test_a_note_shows_on_hover_and_on_focus_and_escape_hides_it(visit):
    page = visit("chapters/ltc.html")
    for kind in ("#eq-", "#term-", "#ref-"):
        # the first in sight: some stand in folds
        link = page.locator(f"article a.book-noted[href*='{kind}']:visible").first
        link.scroll_into_view_if_needed()
        note = page.locator(f"#{link.get_attribute('aria-describedby')}")
        link.hover()
        note.wait_for(state="visible", timeout=3000)
        box = note.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 1280 and 0 <= box["y"] <= 800 - box["height"]
        page.mouse.move(box["x"] + 10, box["y"] + 10)  # the pointer may rest on the note
        page.wait_for_timeout(300)
        assert note.is_visible()
        page.keyboard.press("Escape")
        assert note.is_hidden()
        page.mouse.move(2, 2)
        page.wait_for_timeout(250)
        link.evaluate("link => link.blur()")
        page.keyboard.press("Tab")  # the keyboard is in use, so focus shows
        link.focus()
        assert note.is_visible()
        page.keyboard.press("Escape")
        assert note.is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_a_tap_shows_the_note_and_a_second_tap_follows_the_link(visit, scheme):
    page = visit("chapters/ltc.html", viewport=PHONE, has_touch=True, is_mobile=True, color_scheme=scheme)
    link = page.locator("article a.ltc-term").nth(2)
    note = page.locator(f"#{link.get_attribute('aria-describedby')}")
    link.tap()
    assert note.is_visible() and "/ltc.html" in page.url
    box = note.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.locator(".bd-article h1").tap()
    assert note.is_hidden()
    link.tap()
    link.tap()
    page.wait_for_url("**/glossary.html#term-*", timeout=5000)


def test_without_javascript_a_note_is_hidden_and_its_link_is_a_plain_one(visit):
    page = visit("chapters/ltc.html", java_script_enabled=False)
    assert page.locator(NOTE).count() == 0
    page.locator("article a.ltc-term").first.click()
    page.wait_for_url("**/glossary.html#term-*", timeout=5000)


def test_pages_and_explorers_give_their_classes_no_name_twice(root):
    rooms = [
        re.findall(
            r"\.(?!\d)([a-z][\w-]*)",
            re.sub(r'url\("[^"]*"\)|/\*.*?\*/', "", path.read_text("utf8"), flags=re.DOTALL),
        )
        for path in (root / "ltcbook/site/static/book.css", root / "ltcbook/widgets/static/explorer.css")
    ]
    ours, theirs = ({name for name in names if name.startswith(("ltc-", "book-"))} for names in rooms)
    assert ours & theirs == {"ltc-widget"} and len(ours) > 5 and len(theirs) > 20


def test_an_explorer_keeps_its_own_words_about_links_and_pictures(visit):
    page = visit("chapters/index.html")
    page.locator(".ltc-widget svg").first.wait_for()
    assert page.locator("body > .book-note").count() > 1
    page.get_by_role("button", name="Copy link").click()
    page.locator(".ltc-widget .ltc-note").filter(has_text=re.compile(r"\w")).wait_for()


# --- ways to the explorers ------------------------------------------------------------------------


def test_head_contents_and_front_page_lead_to_each_chapters_explorer(soups, chapters_read):
    jumps = 0
    front = {
        led_to("chapters/index.html", link) for link in soups["chapters/index.html"].select("a.ltc-jump")
    }
    for name in chapters_read:
        soup = soups[name]
        facts = soup.select_one(".chapter-facts")
        explorers = soup.select(".ltc-widget")
        here = bool(facts and facts.select("a[href='#explorer']"))
        assert here == bool(facts and explorers), name
        assert bool(soup.select(".bd-sidebar-secondary a[href='#explorer']")) == here, name
        if here:
            assert soup.find(id="explorer").select(".ltc-widget"), name
            jumps += 1
        if name != "chapters/index.html":
            assert ((name, "explorer") in front) == here, f"{name} on the front page"
    assert jumps > 7


def test_the_first_page_of_the_site_is_the_front_page_itself(soups):
    first, front = soups["index.html"], soups["chapters/index.html"]
    assert not first.select("meta[http-equiv]")
    assert first.title.text == front.title.text and first.h1.text == front.h1.text
    assert (
        first.select_one("meta[name=description]")["content"]
        == front.select_one("meta[name=description]")["content"]
    )
    there = [
        led_to("chapters/index.html", link) for link in front.select("article a[href]:not([href^='http'])")
    ]
    here = [led_to("index.html", link) for link in first.select("article a[href]:not([href^='http'])")]
    same = [(page.replace("chapters/index.html", "index.html"), place) for page, place in there]
    assert (
        len(here) > 10
        and [(page.replace("chapters/index.html", "index.html"), place) for page, place in here] == same
    )


def test_no_page_waits_for_a_script(soups):
    for name, soup in soups.items():
        scripts = soup.select("script[src]")
        waits = [
            script["src"]
            for script in scripts
            if not script.has_attr("async") and not script.has_attr("defer")
        ]
        assert scripts and (not waits or name == "search.html"), f"{name} waits for {waits}"


def test_a_page_arrives_in_pieces_and_stands_whole_soon_after(visit):
    state = """() => [...document.querySelectorAll(".bd-article > section > section")]
        .map(one => getComputedStyle(one).contentVisibility)"""
    page = visit("chapters/lyapunov.html")
    page.wait_for_function("!document.documentElement.classList.contains('book-arriving')", timeout=10_000)
    assert len(page.evaluate(state)) > 5 and set(page.evaluate(state)) == {"visible"}
    jump = visit("chapters/lyapunov.html?#summary")  # who comes by a link into the page finds it whole
    assert set(jump.evaluate(state)) == {"visible"}
    # two bars above
    assert abs(jump.evaluate("document.getElementById('summary').getBoundingClientRect().top")) < 160


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_light_or_dark_from_the_first_and_is_styled_once(visit, site, scheme):
    page = visit("chapters/rnn.html", color_scheme=scheme)
    page.add_init_script("""new MutationObserver(all => (window.themes ??= []).push(...all.map(one => one.target.dataset.theme)))
        .observe(document, { subtree: true, attributes: true, attributeFilter: ["data-theme"] })""")
    page.reload()
    assert set(page.evaluate("window.themes")) == {scheme}


def test_the_theme_measures_no_box_that_scrolls(site):
    script = (site / "_static" / "scripts" / "pydata-sphinx-theme.js").read_text("utf8")
    assert "book.js" in script and 'window.addEventListener("load",' not in script


def test_a_notebooks_way_to_its_explorers_page_leads_there_and_stands_in_the_notebook_alone(site, soups):
    from ltcbook.site import notebook, page_link

    links = 0
    for name, soup in soups.items():
        if not name.startswith("chapters/") or not soup.select(".ltc-widget"):
            continue
        assert "Nothing below?" not in soup.get_text(), name
        offered = notebook.cells((site / "_sources" / name.replace(".html", ".ipynb")).read_text("utf8"))
        ways = [
            page_link.page("https://github.com/you/book", name[9:-5], k + 1)
            for k in range(sum(page_link.is_link(cell) for cell in offered))
        ]
        assert len(ways) == len(soup.select(".ltc-widget")), name
        for way in ways:
            page, _, place = way.removeprefix("https://you.github.io/book/").partition("#")
            assert page == name and soup.find(id=place).select(".ltc-widget"), way
            links += 1
    assert links > 9


def test_no_page_carries_the_state_of_a_kernels_widgets(soups):
    for name, soup in soups.items():
        assert not soup.select("script[type='application/vnd.jupyter.widget-state+json']"), name


# --- boxes, folds, print, contrast ----------------------------------------------------------------


def test_a_theorem_is_one_box_where_an_equation_stands_in_it(soups):
    inside = 0
    for name, soup in soups.items():
        for equation in soup.select("article div.math"):
            before, after = equation.find_previous_sibling(), equation.find_next_sibling()
            if getattr(after, "name", "") == "blockquote" and getattr(before, "name", "") in (
                "blockquote",
                "div",
            ):
                lead = after.find(["strong", "em"])
                assert lead is not None and lead.name == "strong", f"{name}: {after.get_text()[:60]}"
            inside += equation.find_parent("blockquote") is not None
    assert inside > 5


def test_a_fold_is_named_by_its_words_and_no_fold_of_code_alone_stands_before_another(soups):
    folds = 0
    for name, soup in soups.items():
        for fold in soup.select("details.hide"):
            assert not fold.summary.get("aria-label") and fold.summary.get_text().strip(), name
            folds += 1
        for cell in soup.select("div.cell"):
            after = cell.find_next_sibling()
            pill, beside = (
                cell.select(":scope > details.hide"),
                after.select(":scope > details.hide") if after else [],
            )
            if pill and beside and after.has_attr("class") and "cell" in after["class"]:
                words = [fold[0].summary.get_text() for fold in (pill, beside)]
                assert len(cell.find_all(recursive=False)) > 1 or words[0] != words[1], (
                    f"{name}: {pill[0].get_text()[:90]}"
                )
    assert folds > 30


def test_a_folded_check_is_called_a_check(soups):
    checks = 0
    for name, soup in soups.items():
        for fold in soup.select("details.hide"):
            check = fold.select_one("pre").get_text().startswith("# Check it")
            said = [title.get_text() for title in fold.select("summary .admonition-title")]
            assert said == (
                ["Check it", "Hide the check"] if check else ["Show the code", "Hide the code"]
            ), name
            checks += check
    assert checks > 30


def test_code_that_opens_for_print_is_there_at_once_and_notes_are_not(visit):
    page = visit("chapters/ltc.html", reduced_motion="no-preference")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    seen = page.evaluate("""() => [...document.querySelectorAll("details.hide[open] > summary ~ *")].map(
        part => [getComputedStyle(part).opacity, getComputedStyle(part).animationName])""")
    assert len(seen) > 3 and set(map(tuple, seen)) == {("1", "none")}
    assert page.locator(".book-note:visible").count() == 0
    assert page.locator("details.hide > summary:visible").count() == 0, "a button on paper"
    frames = page.evaluate("""() => [...document.querySelectorAll(".bd-article div.cell_input")].map(
        frame => getComputedStyle(frame).breakInside)""")
    assert set(frames) == {"avoid"}, "a frame without code at the foot of a page"


def test_an_explorer_fits_on_one_page_of_paper(visit):
    # A4, less the margins
    page = visit("chapters/pruning_rewiring.html", viewport={"width": 720, "height": 1040})
    page.locator(".ltc-widget svg").first.wait_for()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.hide[open]").count() > 3
    assert page.locator(".ltc-widget").first.bounding_box()["height"] < 1000
    assert page.locator(".ltc-widget summary:visible").count() == 0, "a button on paper"


def test_the_way_to_hide_search_matches_has_an_icon_that_can_be_drawn(visit):
    page = visit("chapters/ltc.html?highlight=leak")
    link = page.locator("#searchbox .highlight-link a")
    link.wait_for(timeout=5000)
    icon = link.evaluate("link => getComputedStyle(link, '::before').content")
    assert icon == '"×"'


def test_forced_colours_keep_icons_and_more_contrast_darkens_quiet_words(visit):
    page = visit("chapters/ltc.html", forced_colors="active")
    icon = page.locator(".bd-header-article :is(.fas, .fa-solid):visible").first
    ink, paper = page.evaluate("""() => ["CanvasText", "Canvas"].map(name => {
        const probe = document.body.appendChild(document.createElement("i"));
        probe.style.cssText = `forced-color-adjust: none; color: ${name}`;
        return getComputedStyle(probe).color;
    })""")
    assert icon.evaluate("icon => getComputedStyle(icon).backgroundColor") == ink != paper
    strong = visit("chapters/ltc.html", contrast="more")
    quiet, text = (
        strong.evaluate(f"getComputedStyle(document.querySelector('{at}')).color")
        for at in (".chapter-facts", "article p")
    )
    assert quiet == text


# --- the reader's place ---------------------------------------------------------------------------

OFFER, READ, TICKS = ".book-offer", ".book-read", ".bd-sidebar-primary .book-tick"
KEPT = "Object.keys(localStorage).filter(key => key.startsWith('ltcbook')).length"


@pytest.fixture
def reader(browser, site):
    """(name) -> the page, opened from its folder, always in the same browser, which keeps what it is told."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = context.new_page()

    def go(name, fragment=""):
        page.goto("about:blank")
        page.goto((site / name).as_uri() + fragment)
        page.wait_for_function("!document.documentElement.classList.contains('book-arriving')")
        return page

    yield go
    context.close()


def read_to(page, section):
    """Scroll as a reader does, section by section, down to this one; its title."""
    for k in range(section + 1):
        page.evaluate(
            "k => document.querySelectorAll('.bd-article > section > section')[k]"
            ".scrollIntoView({ behavior: 'instant' })",
            k,
        )
        drawn(page)
    headings = page.locator(".bd-article > section > section > h2")
    return headings.nth(section).inner_text().rstrip("#").strip()


def test_a_reader_who_comes_back_is_offered_the_section_where_they_were(reader):
    page = reader("chapters/rnn.html")
    assert page.locator(OFFER).count() == 0 and page.evaluate(KEPT) == 0
    title = read_to(page, 3)
    page = reader("chapters/rnn.html")
    assert title in page.locator(OFFER).inner_text()
    page.locator(OFFER).get_by_role("link", name="Go on there").click()
    assert page.locator(OFFER).count() == 0
    page.wait_for_function("scrollY > 800")
    page = reader("chapters/rnn.html", "#explorer")
    assert page.locator(OFFER).count() == 0  # who follows a link knows where to go
    page = reader("chapters/index.html")
    link = page.locator(".book-place a")
    assert "Recurrent networks, " in link.inner_text()
    assert link.get_attribute("href").partition("#")[0].endswith("rnn.html")
    page.get_by_role("button", name="Forget my place").click()
    assert page.locator(".book-place").count() == 0 and page.evaluate(KEPT) == 0


def test_a_chapter_that_was_read_to_its_end_is_ticked_everywhere_and_can_be_unticked(reader):
    page = reader("chapters/rnn.html")
    assert page.locator(TICKS).count() == 0
    page.locator(READ).scroll_into_view_if_needed()
    drawn(page)
    assert page.locator(READ).get_attribute("aria-pressed") == "false"  # a jump to the end is no reading
    read_to(page, page.locator(".bd-article > section > section").count() - 1)
    page.locator(READ).scroll_into_view_if_needed()
    page.wait_for_selector(f"{READ}[aria-pressed=true]")
    page = reader("chapters/ltc.html")
    assert "(read)" in page.locator(TICKS).first.inner_text() and page.locator(TICKS).count() == 1
    page = reader("chapters/index.html")
    assert page.locator(".bd-article .book-tick").count() == 1
    page = reader("chapters/rnn.html")
    page.locator(READ).click()
    assert page.locator(TICKS).count() == 0 and page.locator(READ).get_attribute("aria-pressed") == "false"


def test_without_storage_a_page_keeps_nothing_and_complains_about_nothing(browser, site):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no storage') } })"
    )
    page, said = context.new_page(), []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((site / "chapters/rnn.html").as_uri())
    read_to(page, 2)
    page.locator(READ).click()
    assert not [line for line in said if "place.js" in line] and page.locator(OFFER).count() == 0
    context.close()
