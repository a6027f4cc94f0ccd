"""What a fork publishes: the steps of its workflows run here as they are, in a clean clone of a pretended
repository; the pages are rendered once more, the chapters' outputs are those of `make book`.
"""

import functools
import http.server
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import threading
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from ltcbook.site import build, cards, setup_cell

REPOSITORY, SITE = "https://github.com/You/fork", "https://you.github.io/fork"
GITHUB = {  # what GitHub puts in the place of ${{ ... }}
    "github.server_url": "https://github.com",
    "github.repository": "You/fork",
    "steps.pages.outputs.base_url": SITE,
}


@pytest.fixture(scope="module")
def workflows(root):
    """Name -> workflow, for each file of the folder that GitHub reads."""
    paths = sorted((root / ".github" / "workflows").glob("*.yml"))
    if not paths:
        pytest.skip("a source distribution has no workflows")
    return {path.stem: yaml.safe_load(path.read_text("utf8")) for path in paths}


def filled(words):
    """A text of a workflow as a runner reads it."""
    return re.sub(r"\$\{\{ *([\w.]+) *\}\}", lambda found: GITHUB[found[1]], str(words))


def git(folder, *arguments):
    """What git says in a folder."""
    names = ["-c", "user.name=A Reader", "-c", "user.email=reader@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *names, *arguments], cwd=folder, check=True, capture_output=True, encoding="utf8"
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def published(root, site, workflows, tmp_path_factory):
    """The folder that the workflow publishes, the clone where it ran, its origin, and what it said."""
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("no git repository here")
    if build.digest(build.parts()[0]) != build.mark("computing").read_text("utf8"):
        pytest.fail("the package has changed since `make book`; run it first")
    there = tmp_path_factory.mktemp("fork")
    seed, origin, clone = there / "seed", there / "origin.git", there / "clone"
    for name in git(root, "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (root / name).is_file():
            (seed / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, seed / name)
    git(there, "init", "--quiet", "--initial-branch", "trunk", "seed")
    git(seed, "add", "--all")
    git(seed, "commit", "--quiet", "--message", "a fork")
    git(there, "clone", "--quiet", "--bare", "seed", "origin.git")
    git(there, "clone", "--quiet", "--depth", "1", origin.as_uri(), "clone")  # as actions/checkout does
    # the environment and the chapters' outputs are there already: nothing is installed, no chapter runs
    (clone / ".venv").mkdir()
    for path in Path(sys.prefix).iterdir():
        if path.name != ".ltcbook-ready":
            (clone / ".venv" / path.name).symlink_to(path)
    (clone / ".venv" / ".ltcbook-ready").touch()
    kept = build.STAGE.relative_to(root) / ".jupyter_cache"
    shutil.copytree(root / kept, clone / kept)
    shutil.copytree(root / "_build" / "cache", clone / "_build" / "cache")
    job = workflows["pages"]["jobs"]["build"]
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("LTCBOOK_", "MAKE", "GIT_", "PYTEST_"))}
    said = ""
    for step in job["steps"]:
        if "run" in step:
            given = {k: filled(v) for k, v in (job["env"] | step.get("env", {})).items()}
            done = subprocess.run(
                ["bash", "-e", "-c", filled(step["run"])],
                cwd=clone,
                env=plain | given,
                capture_output=True,
                encoding="utf8",
                timeout=900,
            )
            said += done.stdout + done.stderr
            assert done.returncode == 0, said
    (uploaded,) = [
        step["with"]["path"] for step in job["steps"] if "upload-pages-artifact" in step.get("uses", "")
    ]
    return SimpleNamespace(site=clone / uploaded, clone=clone, origin=origin, said=said)


@pytest.fixture(scope="module")
def documents(published):
    """Address inside the published site -> the text of the page."""
    paths = [path for path in published.site.rglob("*.html") if "_static" not in path.parts]
    return {path.relative_to(published.site).as_posix(): path.read_text("utf8") for path in paths}


def head(text):
    """The head of a page, parsed."""
    from bs4 import BeautifulSoup

    return BeautifulSoup(text.partition("</head>")[0], "html.parser")


def content(page, name):
    """What a meta tag of a page says; there is exactly one."""
    (found,) = page.select(f"meta[name='{name}'], meta[property='{name}']")
    return found["content"]


def address_of(name):
    """The address of a page: the front page is the site's first page."""
    return f"{SITE}/" if name in ("index.html", "chapters/index.html") else f"{SITE}/{name}"


# --- what the steps did
# -----------------------------------------------------------------------------------------


def test_the_steps_change_no_file_of_the_tree_and_run_no_chapter_again(published):
    assert git(published.clone, "status", "--porcelain") == ""
    assert git(published.clone, "branch", "--list") == "* trunk"
    assert " seconds" not in published.said.replace("The site", ""), published.said


def test_the_site_is_that_of_the_book_with_all_its_pages(published, site, documents):
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert set(documents) - {"404.html"} == {
        name for name in pages if not name.startswith(("_static", "slides"))
    }
    assert (published.site / ".nojekyll").is_file()


def test_every_page_carries_its_own_address_and_its_card(published, documents):
    images = set()
    for name, text in documents.items():
        page = head(text)
        if name == "404.html":
            assert not page.select("link[rel=canonical], meta[property^='og:']")
            assert content(page, "robots") == "noindex"
            continue
        (canonical,) = page.select("link[rel=canonical]")
        assert canonical["href"] == content(page, "og:url") == address_of(name)
        image = content(page, "og:image")
        assert content(page, "twitter:image") == image and image.startswith(f"{SITE}/_static/cards/")
        start = (published.site / image.removeprefix(f"{SITE}/")).read_bytes()[:24]
        assert start[1:4] == b"PNG" and struct.unpack(">II", start[16:]) == (1200, 630), name
        assert (content(page, "og:image:width"), content(page, "og:image:height")) == ("1200", "630")
        assert content(page, "twitter:card") == "summary_large_image"
        title = content(page, "og:title")
        for words in ("og:image:alt", "twitter:image:alt"):
            assert title in content(page, words) and 20 < len(content(page, words)) <= 420
        assert content(page, "twitter:title") == title and len(content(page, "og:description")) > 20
        images.add(image)
    chapters = [name for name in documents if name.startswith("chapters/")]
    assert len(images) == len(chapters) > 15, "two pages share a card"


def test_the_words_of_a_card_are_those_of_its_page(documents):
    page = head(documents["chapters/ltc.html"])
    assert content(page, "og:title") == "Liquid time constants"
    assert ">Liquid time constants<" in documents["chapters/ltc.html"]
    assert content(page, "og:site_name") == "Liquid time-constant networks"
    assert content(page, "og:description") == content(page, "description")


def test_the_sitemap_lists_every_page_and_robots_txt_names_it(published, documents):
    space = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    listed = [place.text for place in ET.parse(published.site / "sitemap.xml").findall("s:url/s:loc", space)]
    wanted = {address_of(name) for name in documents if name not in ("404.html", "search.html")}
    assert sorted(listed) == sorted(wanted)
    assert f"Sitemap: {SITE}/sitemap.xml" in (published.site / "robots.txt").read_text("utf8").splitlines()


def test_colab_opens_notebooks_of_the_branch_that_are_pinned_to_the_commit(published, documents):
    commit = git(published.clone, "rev-parse", "HEAD")
    start = "https://colab.research.google.com/github/You/fork/blob/notebooks/"
    opened = 0
    for name, text in documents.items():
        links = set(re.findall(r'href="(https://colab\.research[^"]*)"', text))
        if name.startswith("chapters/") and (published.clone / name.replace(".html", ".ipynb")).is_file():
            assert links == {start + name.replace(".html", ".ipynb")}, name
        for link in links:
            text = git(published.origin, "show", f"notebooks:{link.removeprefix(start)}")
            notebook = json.loads(text)
            lines = [
                line for cell in filter(setup_cell.is_setup, notebook["cells"]) for line in cell["source"]
            ]
            if lines:  # a page of words alone installs nothing
                assert f'ADDRESS = "{REPOSITORY}"\n' in lines and f'REVISION = "{commit}"\n' in lines, link
                opened += 1
            if "Explorer(" in text:
                assert f"({SITE}/{link.removeprefix(start).replace('.ipynb', '.html')}#explorer" in text
    assert opened > 15
    held = git(published.origin, "ls-tree", "--name-only", "notebooks").splitlines()
    assert held == ["LICENSE-text", "README.md", "chapters"]


def test_notebooks_offered_on_the_pages_are_pinned_too(published):
    text = (published.site / "_sources" / "chapters" / "ltc.ipynb").read_text("utf8")
    assert git(published.clone, "rev-parse", "HEAD") in text and REPOSITORY in text


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves a site below /fork/, and its 404.html for whatever is not there, as GitHub Pages does."""

    def translate_path(self, path):
        return super().translate_path(path.removeprefix("/fork") if path.startswith("/fork/") else "/nowhere")

    def send_error(self, code, *words):
        page = (Path(self.directory) / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *words):
        pass


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_wrong_address_at_any_depth_shows_the_books_own_page(published, browser, scheme):
    from axe_playwright_python.sync_playwright import Axe

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Server, directory=str(published.site))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = f"http://127.0.0.1:{server.server_port}/fork"
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    page, bad, loaded = context.new_page(), [], set()
    page.on(
        "response", lambda r: bad.append(r.url) if r.status >= 400 else loaded.add(r.request.resource_type)
    )
    page.on("pageerror", lambda error: bad.append(str(error)))
    try:
        for wrong in ("nothing.html", "chapters/nothing.html", "a/b/c/d"):
            bad.clear()
            page.goto(f"{home}/{wrong}", wait_until="load")
            assert bad == [f"{home}/{wrong}"], "something that the page asks for is not there"
            assert page.inner_text("article h1").startswith("There is no page here")
            assert page.evaluate("document.documentElement.dataset.theme") == scheme
            assert (
                page.evaluate("getComputedStyle(document.querySelector('article h1')).fontFamily") != "Times"
            )
        assert {"stylesheet", "script"} <= loaded
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert not found, [rule["id"] for rule in found]
        page.click("article a:has-text('The front page')")
        page.wait_for_url(f"{home}/chapters/index.html")
    finally:
        context.close()
        server.shutdown()
        server.server_close()


def test_without_an_address_a_site_says_nothing_of_all_this(site, texts):
    from ltcbook.site import address

    if address.read()["site"]:
        pytest.skip("this copy knows where it is published")
    for name, text in texts.items():
        assert not re.search(r'rel="canonical"|"og:|"twitter:', text.partition("</head>")[0]), name
    assert not [
        name for name in ("404.html", "sitemap.xml", "robots.txt", "_static/cards") if (site / name).exists()
    ]
    assert (site / ".nojekyll").is_file()


# --- cards
# -----------------------------------------------------------------------------------------


def test_a_card_shows_its_title_and_what_stands_below_it_inside_its_frame(tmp_path):
    import numpy as np
    from matplotlib.image import imread, imsave

    imsave(tmp_path / "figure.png", np.zeros((90, 40, 3)))
    long = "A title that is much longer than any of the book, and costs $5 and 6$ as well as a second line"
    seen = {}
    for name, words in {
        "plain": ("A title", "Some words"),
        "other": ("Another title", "Some words"),
        "figure": ("A title", tmp_path / "figure.png"),
        "long": (long, "words " * 33),
    }.items():
        cards.draw(tmp_path / f"{name}.png", words[0], "The book", words[1])
        seen[name] = imread(tmp_path / f"{name}.png")[..., :3]
        assert seen[name].shape == (630, 1200, 3)
        ink = np.argwhere((seen[name] < 0.9).any(-1))
        assert ink.min() >= 25 and ink[:, 0].max() < 610 and ink[:, 1].max() < 1145, f"{name}: cut off"
        assert (seen[name][440:545].min() > 0.9) == (name != "figure"), (
            f"{name}: words run into the book's name"
        )
    assert (seen["plain"][:150] != seen["other"][:150]).any()
    assert (seen["plain"][540:] == seen["figure"][540:]).all()


# --- the workflows themselves
# -----------------------------------------------------------------------------------------


def test_workflows_are_what_github_accepts(root, workflows):
    pytest.importorskip("check_jsonschema", reason="the lock names it: run `make book`")
    for schema, paths in {
        "vendor.github-workflows": sorted((root / ".github" / "workflows").glob("*.yml")),
        "vendor.readthedocs": [root / ".readthedocs.yaml"],
    }.items():
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, paths)]
        done = subprocess.run(command, capture_output=True, encoding="utf8")
        assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_may_do_no_more_than_they_must_and_only_call_make(root, workflows):
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text("utf8"), re.MULTILINE))
    assert set(workflows) == {"pages", "tests"}
    more = {("pages", "build"): {"contents": "write", "pages": "read"}}
    more["pages", "deploy"] = {"pages": "write", "id-token": "write"}
    for name, workflow in workflows.items():
        assert workflow["permissions"] == {"contents": "read"} and workflow["concurrency"]["group"]
        for job, what in workflow["jobs"].items():
            assert what.get("permissions") == more.get((name, job)) and what["timeout-minutes"] <= 120
            for step in what["steps"]:
                if "run" in step:
                    assert re.match(r"make (\w+)", step["run"])[1] in targets
                else:
                    assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


def test_the_tests_run_on_every_python_that_the_package_names(root, workflows):
    about = tomllib.loads((root / "pyproject.toml").read_text("utf8"))["project"]["classifiers"]
    named = [
        line.rpartition(" ")[2] for line in about if line.startswith("Programming Language :: Python :: 3.")
    ]
    job = workflows["tests"]["jobs"]["tests"]
    assert job["strategy"]["matrix"]["python"] == named
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make book", "make test"]


def test_the_lock_names_no_index_and_every_recipe_takes_torch_without_a_gpu(root, workflows):
    assert not re.search(r"://|^-", (root / "requirements.lock").read_text("utf8"), re.MULTILINE)
    assert workflows["tests"]["jobs"]["tests"]["env"]["TORCH"] == "cpu"
    assert workflows["pages"]["jobs"]["build"]["env"]["TORCH"] == "cpu"
    netlify = tomllib.loads((root / "netlify.toml").read_text("utf8"))
    assert netlify["build"]["environment"]["TORCH"] == "cpu"
    recipes = {
        ".readthedocs.yaml": "TORCH=cpu",
        ".devcontainer/devcontainer.json": '"TORCH": "cpu"',
        ".binder/postBuild": "UV_TORCH_BACKEND=cpu",
    }
    for name, wanted in recipes.items():
        assert wanted in (root / name).read_text("utf8"), name
    asked = ["make", "--dry-run", "--always-make", "TORCH=cpu", "book"]
    said = subprocess.run(asked, cwd=root, capture_output=True, encoding="utf8", check=True).stdout
    assert "UV_TORCH_BACKEND=cpu .venv/bin/uv pip install --python .venv/bin/python --quiet -r" in said


@pytest.mark.parametrize(
    "host, given",
    [
        ("netlify", {"REPOSITORY_URL": REPOSITORY, "URL": SITE}),
        (
            "readthedocs",
            {
                "READTHEDOCS_GIT_CLONE_URL": REPOSITORY,
                "READTHEDOCS_CANONICAL_URL": SITE,
                "READTHEDOCS_OUTPUT": "/out",
            },
        ),
    ],
)
def test_other_hosts_publish_with_the_same_command(root, workflows, tmp_path, host, given):
    if host == "netlify":
        settings = tomllib.loads((root / "netlify.toml").read_text("utf8"))["build"]
        command, to = settings["command"], settings["publish"]
    else:
        (command,) = yaml.safe_load((root / ".readthedocs.yaml").read_text("utf8"))["build"]["commands"]
        to = "/out/html"
    make = tmp_path / "make"  # stands in for make, and says what it was told
    make.write_text('#!/bin/sh\necho "$LTCBOOK_ADDRESS $*"\n', "utf8")
    make.chmod(0o755)
    environment = given | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-c", command], env=environment, capture_output=True, encoding="utf8", check=True
    )
    assert done.stdout.split() == [REPOSITORY, "publish", f"TO={to}", f"SITE={SITE}"]
