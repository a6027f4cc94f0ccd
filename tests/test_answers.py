"""The answer boxes of the pages: they judge as Python does, read what people type, and serve every reader."""

import itertools
import json
import math
import random

import node
import pytest
from axe_playwright_python.sync_playwright import Axe

from ltcbook.check import seal
from ltcbook.check.kinds import UNDO, WORDS
from ltcbook.site import answers

JUDGE, READ = (answers.FORM.with_name(name) for name in ("judge.js", "read.js"))


def sealed(name, truth, kind="number", rel=0.01, mistakes=None, unit="", label="", options=()):
    """An answer as `check.equal` seals it."""
    rel = rel if kind in ("number", "numbers") else 0
    return seal.seal(
        name, truth, kind=kind, rel=rel, mistakes=mistakes or {}, unit=unit, label=label, options=options
    )


# --- the judgement -------------------------------------------------------------------------------------------------------


def spoiled(value, dice, rel):
    """A number after one of the usual mistakes, or off by about the tolerance."""
    share = (1 + rel) ** dice.choice([-0.5, 0.5]) if dice.random() < 0.5 else 1
    ways = [
        lambda v: v,
        lambda v: v * (1 + rel),
        lambda v: v * (1 - rel),
        lambda v: v * (1 + rel * dice.uniform(-8, 8)),
        lambda v: -v,
        lambda v: v + dice.choice([-1, 1]),
        lambda v: v * dice.choice([2, 0.5, 100, 0.01, 1000, 0.001, 2 * math.pi, 0.5 / math.pi]) * share,
        lambda v: 1 / v if v else 1.0,
        lambda v: 1 - v,
        lambda v: v * v,
        lambda v: math.sqrt(abs(v)),
        lambda v: math.exp(min(v, 30)),
        lambda v: math.log(abs(v) or 1),
        lambda v: dice.gauss(0, 3),
        lambda v: dice.choice([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-10, -1e-8, 1e300, 3.0000000001, 2.5]),
    ]
    return dice.choice(ways)(value)


def test_the_page_judges_every_answer_as_python_does(tmp_path):
    dice, cases = random.Random(4), []
    special = [0.0, 1.0, -1.0, 0.5, 2.0, 0.25, 4.0, 10.0, 0.1, 1000.0, 1e-10, 2 / 7, math.e, 1e6, -3.0]
    for k in range(3000):
        kind = dice.choice(["number", "number", "numbers", "integer", "integers", "set", "choice"])
        label = dice.choice(["", "τ_sys", "Ã"])
        if kind == "choice":
            options = dice.choice([(), ("Grows", "falls", "über Null")])
            words = [word.lower() for word in options] or ["yes", "no"]
            one = sealed("c", words[0], kind, mistakes={"idea": words[1]}, label=label, options=options)
            cases.append((dice.choice(words), one))
            continue
        many = 1 if kind in ("number", "integer") else dice.randrange(0 if kind == "set" else 1, 6)
        whole = kind in ("integer", "integers", "set")
        rel = dice.choice([0.01, 0.001, 0.05, 0.3, 0])
        draw = lambda: (
            float(dice.randrange(-3, 30))
            if whole
            else dice.choice([dice.choice(special), dice.gauss(0, 2), 10 ** dice.uniform(-8, 8)])
        )
        truth = [draw() for _ in range(many)]
        truth = sorted(set(truth)) if kind == "set" else truth
        mistakes = {f"idea {n}": [draw() for _ in truth] for n in range(dice.randrange(3))}
        one = sealed(f"x_{k}", truth, kind, rel, mistakes, label=label)
        way = dice.random()
        if way < 0.3 and truth:  # the same mistake everywhere
            seed = dice.random()
            given = [spoiled(value, random.Random(seed), rel or 0.01) for value in truth]
        elif way < 0.8:
            given = [spoiled(value, dice, rel or 0.01) for value in truth]
        elif way < 0.9:
            given = dice.sample(truth, len(truth))
        else:
            given = [*truth, draw()] if dice.random() < 0.5 else dice.choice([truth, *mistakes.values()])
        cases.append(([float(value) for value in given], one))
    wanted = [seal.judge(given, one) for given, one in cases]
    body = "return data.cases.map(([given, one]) => judge.judge(given, one, data.words));"
    found = node.run({"judge": JUDGE}, body, {"cases": cases, "words": WORDS}, tmp_path)
    differ = [
        (given, one["kind"], one["rel"], here, there)
        for (given, one), here, there in zip(cases, wanted, found)
        if here != there
    ]
    assert not differ, differ[:5]
    said = {WORDS[kind] for kind in UNDO} | {
        WORDS[kind] for kind in ("near", "order", "some", "whole", "other")
    }
    assert said <= set(wanted) and None in wanted, said - set(wanted)
    assert any(words and words.startswith(WORDS["several"]) for words in wanted)


def test_the_page_hashes_as_python_does(tmp_path):
    texts = ["", "a", "foobar", "τ_sys|Ã:+ -17", "𝒳" * 50]
    found = node.run({"judge": JUDGE}, "return data.map(judge.mark);", texts, tmp_path)
    assert found == [seal.mark(text) for text in texts]
    # the published test vectors of FNV-1a, 64 bits
    assert found[:3] == ["cbf29ce484222325", "af63dc4c8601ec8c", "85944171f73967e8"]


ONE = {
    "0.25": 0.25, ".5": 0.5, "2.": 2, "-3": -3, "−3": -3, "+3": 3, "1/4": 0.25, " 2 / 7 ": 2 / 7, "0,2857": 0.2857,
    "1.8e-3": 1.8e-3, "1.8E−3": 1.8e-3, "25 %": 0.25, "25%": 0.25, "pi": math.pi, "2π": 2 * math.pi, "π/2": math.pi / 2,
    "2 pi": 2 * math.pi, "sqrt(2)": math.sqrt(2), "sqrt(2)/4": math.sqrt(2) / 4, "3·10^-3": 3e-3, "3×10**2": 300,
    "exp(-1)": math.exp(-1), "1 - e^(-1/2)": 1 - math.exp(-0.5), "ln(2)": math.log(2), "-2^2": -4, "2^-1": 0.5,
    "(1+2)*3": 9, "1-2-3": -4, "8/2/2": 2, "1,5/2,5": 0.6, "5 ms": 5, "2/7ms": 2 / 7, "√2": math.sqrt(2),
}  # fmt: skip
NONE = ["", "abc", "1,000,000", "1.2.3", "1 000", "1/0", "2+", "(2", "2)", "sqrt(-1)", "--", "constructor", "5 s", "1;2",
        "Infinity", "NaN", "0x10", "1 2", "%", "e+"]  # fmt: skip
MANY = {
    "1, 2, 3": [1, 2, 3], "1,2,3": [1, 2, 3], "1 2 3": [1, 2, 3], "1;2": [1, 2], "0,5; 1,5": [0.5, 1.5],
    "0,5, 1,5": [0.5, 1.5], "0,5 1,5": [0.5, 1.5], "0.5,1.5": [0.5, 1.5], "(1, 2)": [1, 2], "{3, 1}": [3, 1],
    "[1; -2]": [1, -2], "1/2, 2 / 7": [0.5, 2 / 7], "1 -2": [1, -2], "1 - 2; 3": [-1, 3], "7": [7], "none": [],
    "sqrt(2), 3": [math.sqrt(2), 3], "1, 2,": [1, 2], "∅": [],
}  # fmt: skip


def test_the_page_reads_numbers_as_people_type_them(tmp_path):
    body = """return {
        one: data.one.map(text => read.read(text, { unit: "ms" })),
        none: data.none.filter(text => read.read(text, { unit: "ms" }) !== null),
        many: data.many.map(text => read.read(text, { several: true })),
        noneOfMany: ["1, x", "", "1 2, 3"].filter(text => read.read(text, { several: true }) !== null),
    };"""
    data = {"one": list(ONE), "none": NONE, "many": list(MANY)}
    found = node.run({"read": READ}, body, data, tmp_path)
    wrong = {
        text: got for (text, want), got in zip(ONE.items(), found["one"]) if got != [pytest.approx(want)]
    }
    assert not wrong and not found["none"] and not found["noneOfMany"], (wrong, found)
    assert found["many"] == [pytest.approx(want) for want in MANY.values()]


def test_the_page_reads_every_number_that_python_writes_and_says_what_it_has_read(tmp_path):
    dice = random.Random(1)
    numbers = [dice.choice([-1, 1]) * 10 ** dice.uniform(-12, 12) for _ in range(500)]
    body = "return [data.map(x => read.read(x)), data.map(x => read.read(read.said(read.read(x))))];"
    found, again = node.run({"read": READ}, body, [repr(number) for number in numbers], tmp_path)
    assert found == [[number] for number in numbers]
    assert again == [[pytest.approx(number, rel=1e-6)] for number in numbers]


# --- the box -------------------------------------------------------------------------------------------------------------

CELLS = [
    [
        sealed("tau_1", [2 / 7], unit="ms", label="τ_sys", mistakes={"The leak is missing.": [1 / 3]}),
        sealed("goal_1", [6 / 7], label="Ã"),
        sealed("n_1", [12], "integer"),
    ],
    [
        sealed("both_2", [0.5, 1.5], "numbers", label="both rates"),
        sealed("who_2", [1, 3], "set", label="who hears nobody"),
    ],
    [
        sealed("calm_3", "yes", "choice", label="Is it calm?"),
        sealed("rule_3", "grow", "choice", label="Which rule?", options=["cut", "grow", "hold", "swap", "shrink"],
               mistakes={"It is the other end of the event.": "cut"}),
    ],
]  # fmt: skip
TEXT = "<p><strong>Exercise {} (easy).</strong> A neuron and its gate.</p>"
CELL = '<div class="cell tag_check tag_remove-input"><div class="cell_output">{}</div></div>'
OUTPUT = '<div class="output text_html"><script type="application/json" class="ltc-answer">{}</script></div>'
PAGE = """<!doctype html><html lang="en" data-theme="{scheme}" data-content_root="./"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Answers</title><link rel="stylesheet" href="{style}">
<style>body {{ background: var(--pst-color-background); color: var(--pst-color-text-base) }}</style></head><body>
<main class="bd-article"><section><h1>A chapter</h1><h2>Exercises</h2>{cells}</section></main>
<script defer src="answers.js"></script></body></html>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, root):
    """A folder with a page in both schemes, as a published site is one."""
    made = tmp_path_factory.mktemp("answers")
    cells = "".join(
        TEXT.format(k) + CELL.format("".join(OUTPUT.format(json.dumps(one)) for one in cell))
        for k, cell in enumerate(CELLS, 1)
    )
    style = (root / "ltcbook" / "site" / "static" / "book.css").as_uri()
    for scheme in ("light", "dark"):
        (made / f"{scheme}.html").write_text(PAGE.format(scheme=scheme, style=style, cells=cells), "utf8")
    (made / "answers.js").write_text(answers.script(), "utf8")
    return made


@pytest.fixture
def reader(browser, folder):
    """A browser window: visit() opens the page from its folder; whatever goes elsewhere, or wrong, is an error."""
    contexts, trouble = [], []

    def visit(scheme="light", again=False, **settings):
        if not again:
            contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on(
            "console", lambda message: message.type in ("error", "warning") and trouble.append(message.text)
        )
        page.on("request", lambda request: request.url.startswith("file:") or trouble.append(request.url))
        page.goto((folder / f"{scheme}.html").as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not trouble


def verdict(page, name):
    return " ".join(page.locator(f"#answer-{name}-verdict").text_content().split())


def box(page, k):
    return page.get_by_role("form", name=f"Answers to Exercise {k}")


def test_right_and_wrong_answers_get_a_sign_and_words(reader):
    page = reader()
    form = box(page, 1)
    assert form.locator(".answer-hint").all_inner_texts() == ["within 1 %", "within 1 %", "a whole number"]
    form.get_by_label("τsys =").fill("2/7 ms")
    form.get_by_label("Ã =").fill("1,1667")
    form.get_by_role("button", name="Check my answers").click()
    assert verdict(page, "tau_1") == "✓ This is right, within 1 %. (Read as 0.2857143.)"
    assert verdict(page, "goal_1") == f"✗ Not right: {WORDS['reciprocal']} (Read as 1.1667.)"
    assert verdict(page, "n_1") == "Type a whole number first, such as 12."
    field = form.get_by_label("Ã =")
    assert field.get_attribute("aria-invalid") == "true"
    field.fill("0.8")
    assert verdict(page, "goal_1") == "" and field.get_attribute("aria-invalid") == "false"


MISTAKES = {
    "0.3333": "The leak is missing.",
    "-2/7": WORDS["sign"],
    "0.5714": WORDS["double"],
    "0.28": WORDS["near"],
    "285.7": WORDS["thousand"],
    "5/7": WORDS["complement"],
    "17": WORDS["other"],
    "abc": "“abc” cannot be read as a number.",
    "2/7 s": "“2/7 s” cannot be read as a number.",
}


def test_a_mistake_is_named(reader):
    page = reader()
    for typed, words in MISTAKES.items():
        page.fill("#answer-tau_1", typed)
        page.press("#answer-tau_1", "Enter")
        assert words in verdict(page, "tau_1")


def test_several_numbers_and_words_are_judged_too(reader):
    page = reader()
    page.fill("#answer-both_2", "1,5; 0,5")
    page.fill("#answer-who_2", "{3, 1}")
    box(page, 2).get_by_role("button").click()
    assert WORDS["order"] in verdict(page, "both_2") and "(Read as 1.5; 0.5.)" in verdict(page, "both_2")
    assert verdict(page, "who_2").startswith("✓")
    form = box(page, 3)
    form.get_by_role("button").click()
    assert verdict(page, "calm_3") == verdict(page, "rule_3") == "Choose an answer first."
    form.get_by_role("group", name="Is it calm?").get_by_label("yes").check()
    form.get_by_label("Which rule?").select_option("cut")
    form.get_by_role("button").click()
    assert verdict(page, "calm_3") == "✓ This is right."
    assert "It is the other end of the event." in verdict(page, "rule_3")


def test_the_keyboard_is_enough(reader):
    page = reader()
    page.focus("#answer-both_2")
    page.keyboard.type("0.5 1.5")
    page.keyboard.press("Tab")
    page.keyboard.type("1 3")
    page.keyboard.press("Enter")
    assert verdict(page, "both_2").startswith("✓") and verdict(page, "who_2").startswith("✓")
    page.keyboard.press("Tab")  # past the button into the next form
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.get_by_label("yes").is_checked()


def test_what_was_right_is_remembered_until_it_is_forgotten(reader):
    page = reader()
    line = page.locator(".answer-progress")
    assert "checks your answer" in line.inner_text() and line.get_by_role("button").count() == 0
    page.fill("#answer-tau_1", "0.2857")
    page.fill("#answer-goal_1", "0.5")
    page.press("#answer-goal_1", "Enter")
    page.fill("#answer-both_2", "0.5; 1.5")
    page.fill("#answer-who_2", "1, 3")
    page.press("#answer-who_2", "Enter")
    assert "1 of 3 exercises with an answer box solved." in line.inner_text()
    page = reader(again=True)
    assert verdict(page, "tau_1").startswith("✓") and page.input_value("#answer-tau_1") == "0.2857"
    assert page.input_value("#answer-goal_1") == verdict(page, "goal_1") == ""
    assert "1 of 3 exercises" in page.locator(".answer-progress").inner_text()
    page.get_by_role("button", name="Forget my answers").click()
    assert page.input_value("#answer-both_2") == verdict(page, "both_2") == ""
    assert page.evaluate("localStorage.length") == 0
    page = reader(again=True)
    assert page.input_value("#answer-tau_1") == ""


def test_without_storage_a_box_still_judges(reader, browser):
    page = reader()
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no storage') } })"
    )
    page.reload()
    page.fill("#answer-tau_1", "0.2857")
    page.press("#answer-tau_1", "Enter")
    assert verdict(page, "tau_1").startswith("✓")


def test_without_javascript_and_in_print_there_is_no_box(reader):
    page = reader(java_script_enabled=False)
    assert page.locator(".cell").first.bounding_box() is None
    page = reader()
    assert box(page, 1).is_visible()
    page.emulate_media(media="print")
    assert not box(page, 1).is_visible() and not page.locator(".answer-progress").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_boxes_serve_every_reader(reader, scheme):
    """axe-core, before and after a judgement; on a phone nothing is small, and nothing sticks out."""
    page = reader(scheme, viewport={"width": 360, "height": 760})
    for _ in range(2):
        found = (
            Axe().run(page, options={"preload": False, "resultTypes": ["violations"]}).response["violations"]
        )
        assert not found, [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found]
        page.fill("#answer-tau_1", "0.2857")
        page.fill("#answer-goal_1", "7")
        for button in page.get_by_role("button", name="Check").all():
            button.click()
    targets = page.locator(
        ".answer-box input[type=text], .answer-box select, .answer-box button, .answer-option"
    )
    sizes = [target.bounding_box() for target in targets.all()]
    assert len(sizes) == 11 and min(size["height"] for size in sizes) >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    if scheme == "dark":
        colours = page.evaluate("""() => ["#answer-tau_1", ".answer-box", "body"].map(
            one => getComputedStyle(document.querySelector(one)).backgroundColor)""")
        assert all(max(map(int, colour[4:-1].split(", "))) < 60 for colour in colours), colours


def test_the_rendered_pages_carry_a_box_for_every_check(site, chapters):
    """The seals stand where the check cells are, and the script is loaded there and only there."""
    from bs4 import BeautifulSoup

    found = 0
    for name, notebook in chapters.items():
        page = site / "chapters" / name.replace(".ipynb", ".html")
        if not page.is_file():
            continue
        soup = BeautifulSoup(page.read_text("utf8"), "html.parser")
        cells = [cell for cell in notebook["cells"] if "check" in cell["metadata"].get("tags", [])]
        calls = sum("".join(cell["source"]).count("check.equal(") for cell in cells)
        seals = [json.loads(one.string) for one in soup.select(".cell.tag_check script.ltc-answer")]
        assert bool(seals) == bool(soup.select("script[src*='answers.js']")), name
        assert bool(seals) <= bool(calls), name
        names = [seal["name"] for seal in seals]
        assert len(set(names)) == len(names), f"{name}: an answer is asked for twice"
        found += len(seals)
    assert found >= 3


def test_an_answer_box_judges_on_a_rendered_page(browser, site):
    context = browser.new_context()
    page = context.new_page()
    page.goto((site / "chapters" / "ltc.html").as_uri())
    form = box(page, 1)
    form.get_by_label("τsys =").fill("2/7")
    form.get_by_label("τsys =").press("Enter")
    assert form.locator(".answer-verdict").first.inner_text().startswith("✓ This is right, within 1 %.")
    context.close()


def test_the_words_of_the_page_are_those_of_python():
    text = answers.script()
    assert all(json.dumps(words, ensure_ascii=False) in text for words in WORDS.values())
    assert list(itertools.islice(UNDO, 3)) == ["sign", "one", "double"] and "</script" not in text
