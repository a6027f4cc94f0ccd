"""Shared by all tests: where the repository is, its chapters, and one browser for the whole run."""

import functools
import http.server
import json
import re
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]


# `--package` leaves out what asks for more than the package and the group `test` of pyproject.toml: what uses the rendered
# book or a browser, by its fixtures; what uses the rooms that no wheel holds, axe, Node, mypy, ruff or pip, by its file.
PAGES = {"site", "texts", "soups", "names", "served", "browser", "static_page"}
ROOMS = re.compile(
    r"^(?: *(?:from|import) ltcbook\.(?:site|course)|import (?:colab|node)|from (?:axe_playwright_python|test_chapters))\b",
    re.MULTILINE,
)
TOOLS = {"test_javascript.py", "test_style.py", "test_types.py"}


def pytest_addoption(parser):
    parser.addoption("--package", action="store_true", help="only tests that need nothing beside the package")


def pytest_ignore_collect(collection_path, config):
    path, name = collection_path, collection_path.name
    if config.getoption("package") and path.suffix == ".py":
        return True if name in TOOLS or ROOMS.search(path.read_text("utf8")) else None
    return None


def pytest_collection_modifyitems(config, items):
    if config.getoption("package"):
        left_out = [item for item in items if PAGES & set(item.fixturenames)]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def root():
    """The repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def chapters():
    """Name -> notebook, for every notebook of the book."""
    paths = sorted((ROOT / "chapters").glob("*.ipynb"))
    return {path.name: json.loads(path.read_text("utf8")) for path in paths}


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all site tests."""
    import browser as chromium
    from playwright.sync_api import sync_playwright

    path = chromium.find()
    assert path, "no Chromium found: run `make test`, which installs one"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield running
        running.close()


@pytest.fixture
def static_page(browser, tmp_path):
    """explorer -> (page, address, complaints): its static twin alone on a page, and the errors that the
    page meets.
    """
    contexts = []

    def show(explorer):
        file = tmp_path / f"explorer{len(contexts)}.html"
        file.write_text(f'<!doctype html><meta charset="utf-8"><body>{explorer.to_html()}', "utf8")
        contexts.append(browser.new_context())
        page, complaints = contexts[-1].new_page(), []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page, file.as_uri(), complaints

    yield show
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def site():
    """The rendered site's folder; it must be there."""
    folder = ROOT / "_build" / "html"
    assert (folder / "index.html").is_file(), f"no rendered book in {folder}: run `make book` first"
    return folder


@pytest.fixture(scope="session")
def texts(site):
    """Address inside the site -> source, for every page."""
    pages = {path.relative_to(site).as_posix(): path for path in sorted(site.rglob("*.html"))}
    found = {
        name: path.read_text("utf8")
        for name, path in pages.items()
        if not name.startswith(("_static", "_sources", "slides"))
    }
    assert len(found) >= 5
    return found


@pytest.fixture(scope="session")
def soups(texts):
    """Address inside the site -> parsed page, for every page; the glyphs of formulas, which say nothing,
    are left out.
    """
    from bs4 import BeautifulSoup

    return {
        name: BeautifulSoup(re.sub(r"(<mjx-math\b[^>]*>).*?(</mjx-math>)", r"\1\2", text), "html.parser")
        for name, text in texts.items()
    }


@pytest.fixture(scope="session")
def names(soups):
    """The pages that a reader sees."""
    return list(soups)


class SilentHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line per request."""

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def served(site):
    """Address of a server on this machine that serves the rendered site."""
    handler = functools.partial(SilentHandler, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
