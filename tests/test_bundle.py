"""Modules joined by Python: in order, whole, without a name given twice, and alike as a module and as
classic scripts.
"""

import json
import re
from types import SimpleNamespace

import pytest
from browser import drawn

from ltcbook.widgets import bundle

SHELL = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>x</title></head><body>{body}</body></html>'


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """write(name=text, ...) -> the joined text of the module `main.js` and of what it needs."""
    monkeypatch.setattr(bundle, "STATIC", tmp_path)

    def write(**texts):
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.js"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf8")
        return bundle.joined(bundle.modules(tmp_path / "main.js"))

    return write


def test_each_module_stands_once_and_after_what_it_imports(modules):
    text = modules(
        main='import { b } from "./b.js";\nimport { c } from "./c.js";\nexport const a = b + c;\n',
        b='import {\n  c,\n} from "./c.js";\nexport const b = c;\n',
        c="export const c = 1;\n",
    )
    lines = [line for line in text.splitlines() if line and not line.startswith("//")]
    assert lines == ["const c = 1;", "const b = c;", "const a = b + c;"]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (
            {
                "main": 'import { b } from "./b.js";\nconst twin = b;',
                "b": "export const b = 1;\nconst twin = 2;",
            },
            "name twin",
        ),
        ({"main": 'import { b } from "./b.js";\n', "b": "const b = 1;\n"}, "b.js does not export"),
        (
            {
                "main": 'import { b } from "./b.js";\n',
                "b": 'import { a } from "./main.js";\nexport const b = 1;\n',
            },
            r"circle: main.js -> b.js -> main.js",
        ),
        ({"main": 'import * as b from "./b.js";\n', "b": ""}, "main.js says"),
        ({"main": 'import { b as c } from "./b.js";\n', "b": "export const b = 1;"}, "main.js says"),
        ({"main": "export default 3;\n"}, "main.js says"),
        ({"main": "const [one, two] = [1, 2];\nfunction two() {}\n"}, "name two twice"),
        ({"main": "// </script>"}, "would end the page's script"),
        ({"main": "// <!-- "}, "would end the page's script"),
    ],
)
def test_what_cannot_be_joined_is_refused_by_name(modules, texts, words):
    with pytest.raises(ValueError, match=words):
        modules(**texts)


def test_a_worker_is_given_the_text_of_its_module_and_of_what_it_needs_alone(modules):
    text = modules(
        main='const SCRIPT = "text of ./worker.js";\n',
        other="export const unused = 1;\nexport const used = 2; // two\n",
        worker='import { unused, used } from "./other.js";\n/** Doc of\n * many lines. */\n'
        "export function work() {\n  // why\n  return /** @type {any} */ (\n    used\n  );\n}\n"
        "/** Another. */\nconst idle = unused;\n",
    )
    script = json.loads(re.search(r"const SCRIPT = (.*);", text)[1])
    lines = [line for line in script.splitlines() if line]
    assert lines == [
        "const used = 2; // two",
        "function work() {",
        "  return /** @type {any} */ (",
        "    used",
        "  );",
        "}",
    ]
    assert "function work" not in text.replace(json.dumps(script), "")


def test_no_script_for_readers_says_import_or_export_but_the_notebooks_default():
    for name, text in bundle.page_files().items():
        assert name.endswith(".css") or not re.search(r"^(import|export)\b", text, re.M), name
    for name in bundle.drawings():
        left = re.findall(r"^(?:import|export)\b.*", bundle.notebook_module(name), re.M)
        assert left == ["export default explorer(drawing);"], name


def test_every_explorer_has_a_drawing_that_the_pages_are_given():
    from ltcbook import widgets

    named = {vars(widgets)[name].drawing for name in widgets.__all__ if name.endswith("Explorer")} - {""}
    assert named == set(bundle.drawings()) and named < set(bundle.page_files())


AWAKE = "!document.querySelector('[data-waiting]')"  # what lies far below the window wakes in an idle moment


@pytest.mark.parametrize(
    "order", ["shared.js plane.js", "plane.js shared.js", "shared.js plane.js shared.js plane.js"]
)
def test_an_explorer_wakes_whichever_script_comes_first(browser, tmp_path, monkeypatch, order):
    from ltcbook import widgets

    monkeypatch.setenv("LTCBOOK_EXPLORERS", "linked")
    for name, text in bundle.page_files().items():
        (tmp_path / name).write_text(text, "utf8")
    scripts = "".join(f'<script src="{name}?v={bundle.version(name)}"></script>' for name in order.split())
    page_file = tmp_path / "page.html"
    twins = "".join(widgets.PlaneExplorer().to_html() for _ in range(2))
    page_file.write_text(SHELL.format(body=twins + scripts), "utf8")
    page, complaints = browser.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(page_file.as_uri())
    page.wait_for_function(AWAKE, timeout=5000)
    assert page.locator(".ltc-fallback").count() == 0 and page.locator(".ltc-explorer").count() == 2
    assert page.evaluate("Object.keys(globalThis).filter(name => name.startsWith('ltc'))") == [
        "ltcbookExplorers"
    ]
    page.close()
    assert complaints == []


def test_a_page_with_explorers_is_given_their_scripts_behind_the_data_and_no_state_of_widgets(monkeypatch):
    from ltcbook import widgets
    from ltcbook.site import explorers

    monkeypatch.setenv("LTCBOOK_EXPLORERS", "linked")
    state, own = (SimpleNamespace(attributes={"type": kind}) for kind in (explorers.STATE, "text/javascript"))
    context = {
        "body": f"<p>words</p>{widgets.PlaneExplorer().to_html()}<p>more</p>",
        "script_files": [state, "a.js", own],
        "pathto": lambda name, _: f"../{name}",
    }
    explorers.link(None, "chapters/x", "page.html", context, None)
    assert context["script_files"] == ["a.js", own]
    body = context["body"]
    names = re.findall(r'<script async src="\.\./_static/explorers/([\w.]+)\?v=\w{10}"></script>', body)
    assert names == ["shared.js", "plane.js"]
    assert body.index("data-store") < body.index("</script><script async") < body.index("<p>more")
    assert re.search(
        r'<link rel="stylesheet" href="\.\./_static/explorers/explorer\.css\?v=\w+">', context["metatags"]
    )
    assert bundle.reserved("plane") in context["metatags"] and '[data-room="plane"]' in bundle.reserved(
        "plane"
    )
    plain = {"body": "<p>words</p>", "pathto": lambda name, _: name}
    explorers.link(None, "chapters/y", "page.html", plain, None)
    assert plain["body"] == "<p>words</p>" and "metatags" not in plain


def test_another_drawing_runs_no_chapter_again(monkeypatch):
    from ltcbook.site import build

    asked = {}
    monkeypatch.setattr(
        build, "changed", lambda name, paths: asked.update({name: {path.name for path in paths}})
    )
    build.forget_what_changed()
    drawn = {"plane.js", "view.js", "explorer.css", "bundle.py"}
    assert drawn <= asked["site"] and not drawn & asked["computing"]
    assert {"plane.py", "base.py", "cells.py", "requirements.lock"} <= asked["computing"]


def test_an_explorer_far_below_wakes_when_it_comes_near_the_window_or_is_asked_for(
    browser, tmp_path, monkeypatch
):
    from ltcbook import widgets

    monkeypatch.setenv("LTCBOOK_EXPLORERS", "linked")
    # no idle moment at all
    never = "<script>window.requestIdleCallback = () => 0; window.cancelIdleCallback = () => {}</script>"
    body = f'{never}<div style="height: 9000px"></div>{widgets.PlaneExplorer().to_html()}<div style="height: 9000px"></div>'
    scripts = "".join(f"<script>{bundle.page_files()[name]}</script>" for name in ("shared.js", "plane.js"))
    page_file = tmp_path / "page.html"
    page_file.write_text(SHELL.format(body=body + scripts), "utf8")
    for way in (
        "document.querySelector('.ltc-widget').scrollIntoView()",
        "location.hash = 'x_k=0.2'",
        "dispatchEvent(new Event('beforeprint'))",
    ):
        page = browser.new_page()
        page.goto(page_file.as_uri())
        page.wait_for_timeout(100)
        assert page.evaluate(AWAKE) is False, "it wakes though it is out of sight and nobody asks"
        page.evaluate(way)
        page.wait_for_function(AWAKE, timeout=5000)
        page.close()


@pytest.mark.parametrize("width", [358, 736])
def test_the_place_of_a_waiting_explorer_is_as_tall_as_the_living_one(browser, tmp_path, monkeypatch, width):
    """All explorers on one page; a text below each may not move when it wakes."""
    import heights

    monkeypatch.setenv("LTCBOOK_EXPLORERS", "linked")
    made = heights.explorers()
    places = "".join(
        f'<div id="{room}">{explorer.to_html(heights.PIXEL)}</div>' for room, explorer in made.items()
    )
    style = bundle.stylesheet() + "".join(bundle.reserved(room) for room in made)
    page_file = tmp_path / "page.html"
    page_file.write_text(SHELL.format(body=f"<style>body {{ margin: 0 }} {style}</style>{places}"), "utf8")
    page = browser.new_page(viewport={"width": width, "height": 800}, reduced_motion="reduce")
    page.goto(page_file.as_uri())
    tall = "Object.fromEntries([...document.querySelectorAll('[id] > .ltc-widget')].map(e => [e.parentNode.id, e.offsetHeight]))"
    waiting = page.evaluate(tall)
    for name in ("shared.js", *bundle.drawings()):
        page.add_script_tag(content=bundle.page_files()[name])
    page.wait_for_function(AWAKE, timeout=15_000)
    drawn(page)
    alive = page.evaluate(tall)
    assert page.locator(".ltc-fallback").count() == 0 and len(alive) == len(made)
    page.close()
    jumps = {room: (waiting[room], alive[room]) for room in made if abs(waiting[room] - alive[room]) > 12}
    assert not jumps, f"run `python tests/heights.py {' '.join(jumps)}`: {jumps}"
