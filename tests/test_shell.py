"""The shell around every drawing: what waits for a prediction, what moves, what a link, a finger and a
reader's pen may do.
"""

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from browser import drawn

from ltcbook import widgets
from ltcbook.widgets import Guess, Prediction

SHELL = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Explorer</title>
<meta name="viewport" content="width=device-width"></head>
<body style="margin:8px"><main><h1>Explorer</h1>{body}</main></body></html>"""
FATES = (Guess("falls", "It falls", "Look at the curve."), Guess("rises", "It rises", "The synapse pulls."))


class Open(widgets.PlaneExplorer):
    """The plane about the origin, at (0, 0.2), with all controls in the open and nothing asked."""

    prediction = play = None
    start = {"about": "origin", "q": 0.0, "x_j": 0.0, "x_k": 0.2}
    first, folded = "W", ()

    def __init__(self):
        super().__init__()
        for name, value in self.start.items():
            self.knobs[name] = replace(self.knobs[name], default=value)
        knobs = [
            knob
            | {"more": knob["name"] in self.folded, "default": self.start.get(knob["name"], knob["default"])}
            for knob in self.spec["knobs"]
        ]
        knobs.sort(key=lambda knob: knob["name"] != self.first)
        self.spec = self.spec | {
            "knobs": knobs,
            "presets": [
                preset | {"controls": self.start | preset["controls"]} for preset in self.spec["presets"]
            ],
        }
        self.controls = self.compute()["controls"]


class Told(Open):
    """The same with a prediction, a fold and a control that plays."""

    prediction = Prediction(FATES, right="rises")
    play = {"knob": "x_k", "seconds": 1}
    first, folded = "x_k", ("p", "q")


@pytest.fixture(scope="module")
def told():
    return Told().to_html()


@pytest.fixture(scope="module")
def plane():
    return Open().to_html()


@pytest.fixture
def visit(browser, tmp_path):
    """visit(body, address, **options) -> page; at the end no page has complained."""
    contexts, complaints = [], []

    def open_page(body, address="", *, width=1000, **options):
        file = tmp_path / "page.html"
        file.write_text(SHELL.format(body=body), "utf8")
        options = {"viewport": {"width": width, "height": 800}, "reduced_motion": "reduce"} | options
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(5000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri() + address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def controls(page):
    return json.loads(page.locator(".ltc-explorer").first.get_attribute("data-controls"))


def changed(explorer, **spec):
    """The static twin of an explorer whose spec holds other numbers."""
    place = explorer.to_html()
    start, store, end = place.partition('<script type="application/json"')
    head, text, rest = (end.partition(">")[0] + ">", *end.partition(">")[2].partition("</script>")[::2])
    data = json.loads(text)
    data["spec"] = data["spec"] | spec
    return f"{start}{store}{head}{json.dumps(data)}</script>{rest}"


# --- a prediction
# ------------------------------------------------------------------------------------------------------


def test_nothing_is_told_before_the_reader_has_chosen(visit, told):
    page = visit(told)
    assert (
        page.locator(".ltc-verdict p").first.is_hidden()
        and page.locator(".ltc-captions p:visible").count() == 0
    )
    assert not any(
        "rises" in words
        for words in page.locator(".ltc-explorer svg[role=img]").evaluate_all(
            "all => all.map(svg => svg.getAttribute('aria-label'))"
        )
    )
    page.get_by_role("button", name="It falls").click()
    reply = page.locator(".ltc-reply")
    assert reply.text_content() == "You said “It falls”. It is not so. Look at the curve."
    assert page.evaluate("document.activeElement.className") == "ltc-reply"
    assert (
        page.locator(".ltc-verdict p").first.is_visible()
        and page.locator(".ltc-captions p:visible").count() == 1
    )
    assert page.locator(".ltc-options").is_hidden()
    page.locator(".ltc-why summary").click()
    assert page.locator(".ltc-why p").is_visible()


def test_the_right_answer_is_confirmed_and_a_skip_says_nothing(visit, told):
    page = visit(told)
    page.get_by_role("button", name="It rises").click()
    assert page.locator(".ltc-reply").text_content().startswith("You said “It rises”, and so it is.")
    page = visit(told)
    page.get_by_role("button", name="Show me").click()
    assert page.locator(".ltc-reply").is_hidden() and page.locator(".ltc-verdict p").first.is_visible()


def test_an_answer_says_that_it_is_to_the_first_question_once_the_controls_have_moved(visit, told):
    page = visit(told)
    page.get_by_role("button", name="It rises").click()
    before = "getComputedStyle(document.querySelector('.ltc-reply'), '::before').content"
    assert page.evaluate(before) == "none"
    page.locator(".ltc-first input[type=range]").press("ArrowRight")
    assert "first question" in page.evaluate(before)
    page.get_by_role("button", name="Reset").click()
    assert page.evaluate(before) == "none"


def test_who_comes_by_a_link_with_a_state_is_not_asked(visit, told):
    page = visit(told, "#plane.x_k=1")
    assert page.locator(".ltc-options").is_hidden() and page.locator(".ltc-verdict p").first.is_visible()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"guesses": FATES}, "either as"),
        ({"guesses": FATES, "right": "rises", "by": "fate"}, "either as"),
        ({"guesses": FATES, "right": "stays"}, "must be one of"),
        ({"guesses": FATES[:1], "right": "falls"}, "two to four"),
        ({"guesses": (FATES[0], FATES[0]), "right": "falls"}, "different value"),
        ({"guesses": (FATES[0], Guess("rises", "It rises", "")), "right": "falls"}, "It rises has none"),
    ],
)
def test_a_prediction_without_a_right_answer_or_a_sentence_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Prediction(**options)


# --- one control first, motion
# -----------------------------------------------------------------------------------------


def test_one_control_shows_first_and_the_rest_lies_in_its_fold(visit, told):
    page = visit(told)
    assert (
        page.locator(".ltc-first input[name=x_k]").is_visible() and page.locator("input[name=p]").is_hidden()
    )
    page.get_by_text("More controls").click()
    assert page.locator("input[name=p]").is_visible()
    page.locator("input[name=p]").press("ArrowRight")
    assert controls(page)["p"] > 1


def test_the_examples_stay_in_one_row(visit, plane):
    page = visit(plane, width=360)
    tops = page.locator(".ltc-preset").evaluate_all(
        "all => [...new Set(all.map(b => b.getBoundingClientRect().top))]"
    )
    assert len(tops) == 1 and page.locator(".ltc-preset").count() > 3


def test_a_control_plays_to_its_end_and_a_hand_stops_it(visit, told):
    page = visit(told, reduced_motion="no-preference")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("JSON.parse(document.querySelector('.ltc-explorer').dataset.controls).x_k > 0.4")
    page.locator("input[name=x_k]").press("ArrowLeft")
    assert page.get_by_role("button", name="Play").get_attribute("aria-pressed") == "false"
    stood = controls(page)["x_k"]
    page.wait_for_timeout(120)
    assert controls(page)["x_k"] == stood < 1.5


def test_nothing_plays_where_less_motion_is_wanted(visit, told):
    assert visit(told).locator(".ltc-play").count() == 0


# --- the link, the text around
# -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["x_k=9", "x_k=abc", "about=nothing", "speed=3", "x_k="])
def test_a_state_that_does_not_exist_shows_the_default_and_says_so(visit, plane, asked):
    page = visit(plane, f"#plane.{asked}")
    assert controls(page) == Open().compute()["controls"]
    assert (
        asked.split("=")[0] in page.locator(".ltc-error").text_content()
        and page.locator(".ltc-error").is_visible()
    )
    page.locator("input[name=x_j]").press("ArrowRight")
    assert page.locator(".ltc-error").is_hidden()


def test_links_in_the_text_set_the_explorer_they_name_and_are_marked_while_it_stands_so(visit, plane):
    links = (
        '<p><a href="#plane2.x_k=1">here</a> <a href="#plane.W=5">there</a> <a href="#elsewhere">no</a></p>'
    )
    page = visit(links + plane + plane)
    here, there = page.get_by_text("here", exact=True), page.get_by_text("there", exact=True)
    for _ in range(2):
        here.click()
        explorers = page.locator(".ltc-explorer").evaluate_all(
            "all => all.map(e => JSON.parse(e.dataset.controls).x_k)"
        )
        assert explorers == [0.2, 1] and here.get_attribute("aria-current") == "true"
        assert there.get_attribute("aria-current") is None
        page.locator("input[name=x_k]").nth(1).press("ArrowRight")
        assert here.get_attribute("aria-current") is None
    assert page.get_by_text("no", exact=True).get_attribute("class") is None


def test_a_number_in_the_text_is_the_control(visit, plane):
    page = visit(f'<p>With x = <a href="#drag=plane.x_k">0.2</a> mV</p>{plane}')
    number = page.get_by_role("slider", name="Point, k, drag")
    number.press("ArrowRight")
    assert controls(page)["x_k"] == 0.25 and number.text_content() == "0.25"
    box = number.bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 3 + 24, box["y"] + 5)
    page.mouse.up()
    assert controls(page)["x_k"] == 0.45 and number.get_attribute("aria-valuenow") == "0.45"
    assert "#" not in page.url


def test_a_word_in_the_text_marks_its_part_of_the_drawing(visit, plane):
    page = visit(f'<p><a href="#mark=plane.named">level</a></p>{plane}')
    page.evaluate("document.querySelector('.ltc-panel-plane svg path').dataset.mark = 'named'")
    page.get_by_text("level", exact=True).hover()
    assert page.locator(".marked").count() == 1
    page.mouse.move(500, 500)
    assert page.locator(".marked").count() == 0


# --- compare, save, what cannot be drawn
# ---------------------------------------------------------------------------------


def test_a_state_can_be_kept_and_compared(visit, plane):
    page = visit(plane, "#plane.x_k=0.2&plane.x_j=0.1")
    first = page.locator(".ltc-verdict").text_content()
    page.get_by_role("button", name="Keep to compare").click()
    page.locator("input[name=x_k]").press("ArrowRight")
    kept = page.locator(".ltc-other").text_content()
    assert "x_j = 0.1" in kept and "x_k" not in kept and page.locator(".ltc-verdict").text_content() != first
    assert page.locator(".ltc-other").is_visible() and kept.endswith(first.strip("▲▼=")[-40:])
    assert page.locator(".ltc-kept").count() == page.locator(".ltc-body > svg[role=img]").count() == 3
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    page.get_by_role("button", name="Stop comparing").click()
    assert page.locator(".ltc-kept").count() == 0 and page.locator(".ltc-other").is_hidden()


def test_picture_and_numbers_can_be_taken_home(visit, plane):
    page = visit(plane)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save picture").click()
    picture = download.value.path().read_text("utf8")
    root = ElementTree.fromstring(picture)
    assert download.value.suggested_filename == "plane.svg" and "var(--" not in picture.replace(
        'style="fill: none; stroke: var', ""
    )
    assert sum(1 for _ in root.iter("{http://www.w3.org/2000/svg}path")) > 8
    with page.expect_download() as download:
        page.get_by_role("button", name="Save numbers").click()
    rows = dict(csv.reader(io.StringIO(download.value.path().read_text("utf8"))))
    frame = Open().compute()
    assert (
        float(rows["after.vdot"]) == pytest.approx(frame["after"]["vdot"])
        and rows["verdict.0.1"] == frame["verdict"][0][1]
    )


def test_what_is_not_defined_is_said_and_never_drawn_as_a_point(visit):
    explorer = widgets.PlaneExplorer()
    # without a leak there is no velocity
    for leak, defined in ((explorer.spec["leak"], True), (None, False)):
        page = visit(changed(explorer, leak=leak))
        panel = page.locator(".ltc-panel-plane")
        assert panel.locator(".ltc-undefined").is_visible() == (not defined)
        assert (
            panel.locator("line.flow.was").is_visible() == defined
            and panel.locator("text.tick").first.is_visible()
        )


def test_a_table_of_another_version_is_refused(visit):
    explorer = widgets.WiringExplorer()
    explorer.table = {"version": "older", "frames": [explorer.compute()] * 3}
    page = visit(explorer.to_html())
    page.locator("input[type=range]").first.press("ArrowRight")
    assert "another version" in page.locator(".ltc-error").text_content()


# --- fingers
# -------------------------------------------------------------------------------------------------------------


def swipe(page, x, y, dx, dy):
    """A finger that touches, moves and lets go, as the browser sees it."""
    drawn(page)  # what a test has scrolled before is over
    page.evaluate("""() => { globalThis.rested = false;
        addEventListener("scrollend", () => { rested = true }, { once: true, capture: true }) }""")
    session = page.context.new_cdp_session(page)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for k in range(1, 6):
        point = {"x": x + dx * k / 5, "y": y + dy * k / 5}
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def rest(page):
    """Wait until the page that a swipe scrolls stands still: it glides on behind the finger."""
    page.wait_for_function("rested")


def centred(locator):
    """Where an element lies once it is in the middle of the screen, where a finger reaches it."""
    locator.evaluate("e => e.scrollIntoView({ block: 'center', behavior: 'instant' })")
    return locator.bounding_box()


def test_a_swipe_over_the_empty_plane_moves_no_point(visit, plane):
    page = visit(plane, width=390, has_touch=True, is_mobile=True)
    before, box = controls(page), centred(page.locator(".ltc-panel-plane svg[role=img]"))
    x, y = box["x"] + 4, box["y"] + 0.3 * box["height"]
    assert page.evaluate("([x, y]) => document.elementFromPoint(x, y).tagName", [x, y]) == "svg"
    swipe(page, x, y, 60, 120)
    rest(page)
    assert controls(page) == before
    # a fast swipe throws the page so far that the handle leaves the screen
    handle = centred(page.locator(".ltc-handle"))
    swipe(page, handle["x"] + 22, handle["y"] + 22, 40, 0)
    # by its handle a finger moves it
    page.wait_for_function(
        "x => JSON.parse(document.querySelector('.ltc-explorer').dataset.controls).x_j > x",
        arg=before["x_j"],
    )


def test_a_swipe_that_starts_on_a_slider_and_scrolls_leaves_it_as_it_was(visit, plane):
    page = visit(plane, width=390, has_touch=True, is_mobile=True)
    slider = page.locator("input[name=x_j]")
    slider.evaluate("""e => { globalThis.seen = 0;
        e.addEventListener('input', () => { seen += 1 });
        e.addEventListener('pointermove', () => e.dispatchEvent(new PointerEvent('pointercancel')), { once: true }) }""")
    box, before = centred(slider), controls(page)
    swipe(page, box["x"] + 0.8 * box["width"], box["y"] + 22, 0, -100)
    rest(page)
    # the touch had moved it, the scrolling took that back
    assert page.evaluate("seen") > 0 and controls(page) == before
    assert float(slider.input_value()) == before["x_j"]


def test_the_handle_stays_under_the_pointer_while_the_verdict_grows(visit, plane):
    page = visit(plane, width=700)
    box = centred(page.locator(".ltc-handle"))
    x, y = box["x"] + 22, box["y"] + 22
    page.mouse.move(x, y)
    page.mouse.down()
    tops = set()
    for k in range(1, 12):
        page.mouse.move(x + 5 * k, y - 9 * k)
        tops.add(round(page.locator(".ltc-panel-plane").bounding_box()["y"]))
    page.mouse.up()
    assert len(tops) == 1


# --- one screen
# ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [widgets.TauExplorer, widgets.TimeConstantExplorer, widgets.StabilityExplorer, widgets.GradientExplorer],
)
def test_control_verdict_and_drawings_fit_on_one_screen_and_on_a_phone_each_drawing_under_both(visit, kind):
    page = visit(kind().to_html(), f"#{kind.play['knob']}=1")
    panels = page.locator(".ltc-panels").first.locator(".ltc-panel")
    for width in (736, 1000):
        page.set_viewport_size({"width": width + 16, "height": 800})
        top = page.locator(".ltc-first label").first.bounding_box()["y"]
        boxes = [panel.bounding_box() for panel in panels.all()]
        assert len(boxes) >= 2 and max(box["y"] + box["height"] for box in boxes) - top < 700
        assert page.locator(".ltc-control:visible").count() == 1
    page.set_viewport_size({"width": 390, "height": 844})
    bar = page.locator(".ltc-bar").bounding_box()["height"]
    assert all(bar + panel.bounding_box()["height"] < 844 for panel in panels.all())
