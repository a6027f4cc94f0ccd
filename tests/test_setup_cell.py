"""The chapters' generated cells: where the first installs the package from, the way from an explorer's
cell to its page, and what `make address` writes and spares.
"""

import difflib
import json
import os
import pkgutil
import shutil
import subprocess
import venv
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from ltcbook.site import address as addresses
from ltcbook.site import build, page_link, setup_cell

GOOD = "https://github.com/you/ltcbook"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="no git here")


@pytest.fixture
def copy(tmp_path, root):
    """A copy of what `make address` writes to, the package for git to compare, and one chapter."""
    (tmp_path / "_config.yml").write_text((root / "_config.yml").read_text("utf8"), "utf8")
    (tmp_path / "pyproject.toml").write_text("[project]\n", "utf8")
    for folder in ("ltcbook", "chapters"):
        (tmp_path / folder).mkdir()
    (tmp_path / "ltcbook" / "__init__.py").write_text("", "utf8")
    (tmp_path / "chapters" / "chapter.ipynb").write_bytes((root / "chapters" / "lyapunov.ipynb").read_bytes())
    addresses.write(tmp_path, url="", branch="main", revision="")
    return tmp_path


def git(folder, *arguments):
    """What git says in a folder."""
    names = ["-c", "user.name=a reader", "-c", "user.email=reader@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *names, *arguments], cwd=folder, check=True, capture_output=True, encoding="utf8"
    ).stdout.strip()


def commit(folder):
    """Commit all that lies in a folder, which becomes a repository first where it is none; return the
    commit.
    """
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch", "trunk")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a step")
    return git(folder, "rev-parse", "HEAD")


def constants(path):
    """ADDRESS and REVISION as they stand in a chapter."""
    cell = next(cell for cell in json.loads(path.read_text("utf8"))["cells"] if setup_cell.is_setup(cell))
    return [line.split('"')[1] for line in cell["source"] if line.startswith(("ADDRESS = ", "REVISION = "))]


# --- the place where address, branch and revision stand
# ----------------------------------------------------------------


def test_the_address_is_written_once_and_can_be_cleared(copy):
    chapter, config = copy / "chapters" / "chapter.ipynb", (copy / "_config.yml").read_text("utf8")
    setup_cell.rewrite(copy, url=GOOD + ".git/")
    assert addresses.stands(copy)["url"] == GOOD
    assert yaml.safe_load((copy / "_config.yml").read_text("utf8"))["repository"]["url"] == GOOD
    assert setup_cell.update(chapter, GOOD) is False, "a second run changes nothing"
    assert f'ADDRESS = \\"{GOOD}\\"' in chapter.read_text("utf8")
    setup_cell.rewrite(copy, url="", branch="main")
    assert (copy / "_config.yml").read_text("utf8") == config


@pytest.mark.parametrize(
    "url",
    [
        "you/ltcbook",
        "http://github.com/you/ltcbook",
        "https://example.org/you/ltcbook",
        "https://github.com/you",
        'https://github.com/you/x"; import os',
        GOOD + "/tree/main",
    ],
)
def test_a_malformed_address_is_refused_and_nothing_is_written(copy, url):
    config = (copy / "_config.yml").read_text("utf8")
    with pytest.raises(ValueError, match="no repository address"):
        setup_cell.rewrite(copy, url=url, branch="other")
    assert (copy / "_config.yml").read_text("utf8") == config


@pytest.mark.parametrize("branch", ["-f", "a b", "a..b", 'x"; import os', "a/", "a.lock", "a//b", "a/.b"])
def test_a_malformed_branch_is_refused_and_nothing_is_written(copy, branch):
    config = (copy / "_config.yml").read_text("utf8")
    with pytest.raises(ValueError, match="no branch's name"):
        setup_cell.rewrite(copy, url=GOOD, branch=branch)
    assert (copy / "_config.yml").read_text("utf8") == config


@needs_git
def test_the_branch_is_the_one_that_is_given_else_git_s_else_the_one_that_stands(copy):
    commit(copy)
    for given, branch in ({"url": GOOD}, "trunk"), ({"branch": "no"}, "no"), ({}, "no"), ({"url": ""}, "no"):
        setup_cell.rewrite(copy, **given)
        assert yaml.safe_load((copy / "_config.yml").read_text("utf8"))["repository"]["branch"] == branch
        assert constants(copy / "chapters" / "chapter.ipynb") == [addresses.stands(copy)["url"], branch]
    git(copy, "checkout", "--quiet", "--detach")
    setup_cell.rewrite(copy, url=GOOD)
    assert addresses.stands(copy) == {"url": GOOD, "branch": "no", "revision": "", "site": ""}


@needs_git
def test_a_revision_is_a_commit_that_holds_the_package_as_it_lies_here(copy):
    chapter = copy / "chapters" / "chapter.ipynb"
    first = commit(copy)
    setup_cell.rewrite(copy, url=GOOD, revision="HEAD")
    assert constants(chapter) == [GOOD, first]
    second = commit(copy)
    setup_cell.rewrite(copy)  # words of a chapter have changed, the package has not
    assert constants(chapter) == [GOOD, first] and second != first
    with pytest.raises(ValueError, match="no commit"):
        setup_cell.rewrite(copy, revision=COMMIT)
    (copy / "ltcbook" / "new.py").write_text("", "utf8")
    with pytest.raises(ValueError, match="has changed since"):
        setup_cell.rewrite(copy, revision="HEAD")
    third = commit(copy)
    with pytest.raises(ValueError, match=first):  # the chapters would install a package older than themselves
        setup_cell.rewrite(copy)
    setup_cell.rewrite(copy, revision="HEAD")
    assert constants(chapter) == [GOOD, third]
    setup_cell.rewrite(copy, revision="")
    assert constants(chapter) == [GOOD, "trunk"]


def test_where_there_is_no_git_a_whole_commit_is_taken_at_its_word(copy, monkeypatch):
    monkeypatch.setattr(addresses, "git", lambda root, *arguments: None)
    assert addresses.checked_revision(COMMIT, copy) == COMMIT
    with pytest.raises(ValueError, match="no commit"):
        addresses.checked_revision("HEAD", copy)
    assert addresses.pin(copy) == "main"


@needs_git
def test_the_notebooks_on_the_pages_install_the_commit_that_the_pages_were_built_from(copy, tmp_path_factory):
    addresses.write(copy, url=GOOD, branch="trunk")
    offered = tmp_path_factory.mktemp("sources") / "chapters" / "chapter.ipynb"
    offered.parent.mkdir()
    offered.write_bytes((copy / "chapters" / "chapter.ipynb").read_bytes())

    def pinned():
        build.pin_downloads(offered.parents[1], copy)
        return constants(offered)

    first = commit(copy)
    assert pinned() == [GOOD, first]
    addresses.write(copy, revision=first)
    second = commit(copy)
    assert pinned() == [GOOD, first], "the published revision holds the same package"
    (copy / "pyproject.toml").write_text("[project]\nname = 'x'\n", "utf8")
    assert pinned() == [GOOD, "trunk"], "no commit holds what lies here"
    third = commit(copy)
    assert pinned() == [GOOD, third] and len({first, second, third}) == 3


@pytest.mark.parametrize(
    "given, passed",
    [
        ((), ""),
        (("URL=",), '--url=""'),
        ((f"URL={GOOD}", "BRANCH=x"), f'--url="{GOOD}" --branch="x"'),
        (("REVISION=HEAD", "SITE=https://x.org"), '--revision="HEAD" --site="https://x.org"'),
    ],
)
def test_make_address_hands_on_what_is_given_and_nothing_else(root, given, passed):
    plain = {
        k: v
        for k, v in os.environ.items()
        if k not in ("URL", "BRANCH", "REVISION", "SITE", "MAKEFLAGS", "MAKELEVEL")
    }
    command = ["make", "-n", "address", *given]
    said = subprocess.run(
        command, cwd=root, env=plain, check=True, capture_output=True, encoding="utf8"
    ).stdout
    assert " ".join(said.splitlines()[-1].split()[4:]) == passed


# --- what it spares
# ------------------------------------------------------------------------------------------------------

WRITTEN = {
    "as JupyterLab writes it": lambda book: json.dumps(book, indent=1, ensure_ascii=False) + "\n",
    "every other letter escaped": lambda book: json.dumps(book, indent=1, sort_keys=True),
    "metadata first": lambda book: json.dumps(
        dict(sorted(book.items(), reverse=True)), indent=2, ensure_ascii=False
    ),
    "with the line ends of Windows": lambda book: json.dumps(book, indent=1, ensure_ascii=False).replace(
        "\n", "\r\n"
    ),
    "with a cell's lines in one": lambda book: json.dumps(
        {**book, "cells": [{**cell, "source": "".join(cell["source"])} for cell in book["cells"]]}, indent=1
    ),
    "without line ends": lambda book: json.dumps(book),
}


def changes(before, after):
    """Lines that are gone and lines that are new."""
    lines = list(difflib.unified_diff(before.split("\n"), after.split("\n"), n=0))[2:]
    return [line[1:] for line in lines if line[0] == "-"], [line[1:] for line in lines if line[0] == "+"]


def explorers(notebook):
    """How many cells of a chapter make an explorer."""
    return sum(
        "Explorer(" in "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"
    )


def test_a_new_address_changes_the_lines_of_each_chapter_that_hold_it_and_no_other(root, chapters, tmp_path):
    revision = addresses.installs()
    for name, notebook in chapters.items():
        before = (root / "chapters" / name).read_bytes()
        (tmp_path / name).write_bytes(before)
        setup_cell.update(tmp_path / name, "https://github.com/you/another", revision)
        (gone, *old), (new, *links) = changes(before.decode(), (tmp_path / name).read_bytes().decode())
        assert gone.strip().startswith('"ADDRESS = ') and "you/another" in new
        assert len(old) == len(links) == explorers(notebook), name
        assert all(line.strip().startswith('"*Nothing below?') for line in old + links)
        assert all(
            f"https://you.github.io/another/chapters/{name[:-6]}.html#explorer" in line for line in links
        ), links
    assert len(chapters) > 10


@pytest.mark.parametrize("how", WRITTEN)
def test_a_chapter_keeps_the_way_in_which_it_is_written(how, chapters, tmp_path):
    path = tmp_path / "chapter.ipynb"
    for notebook in chapters.values():
        before = WRITTEN[how](notebook)
        path.write_bytes(before.encode())
        setup_cell.update(path, "https://github.com/you/another", COMMIT)
        gone, new = changes(before, path.read_bytes().decode())
        links = 0 if "without" in how else explorers(notebook)
        assert len(gone) == len(new) == links + (1 if "one" in how or "without" in how else 2)
        setup_cell.update(path, addresses.stands()["url"], addresses.installs())
        assert path.read_bytes().decode() == before


def test_a_chapter_without_a_setup_cell_gets_one_before_its_first_code(root, tmp_path):
    notebook = json.loads((root / "chapters" / "lyapunov.ipynb").read_text("utf8"))
    whole = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
    notebook["cells"] = [cell for cell in notebook["cells"] if not setup_cell.is_setup(cell)]
    path = tmp_path / "chapter.ipynb"
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True), "utf8")
    assert setup_cell.update(path, addresses.stands()["url"], addresses.installs())
    assert path.read_text("utf8") == whole


BARE = {  # what somebody has done to a chapter's cells since the links were written
    "the sentence deleted": lambda cells, k: cells.pop(k),
    "other words in it": lambda cells, k: cells[k].update(source=["*Look here.*"]),
    "one left behind at the end": lambda cells, k: cells.append({**cells[k], "id": "left"}),
    "one left behind before the text": lambda cells, k: cells.insert(1, {**cells[k], "id": "left"}),
    "words put between it and the explorer": lambda cells, k: cells.insert(k, cells.pop(k - 1)),
}


@pytest.mark.parametrize("what", BARE)
@pytest.mark.parametrize("address", ["", GOOD], ids=["no address", "an address"])
def test_the_way_to_its_page_stands_right_above_each_explorer_and_nowhere_else(
    chapters, tmp_path, what, address
):
    path, notebook = tmp_path / "lyapunov.ipynb", json.loads(json.dumps(chapters["lyapunov.ipynb"]))

    def written(change=lambda cells, k: None):
        copy = json.loads(json.dumps(notebook))
        change(copy["cells"], next(k for k, cell in enumerate(copy["cells"]) if page_link.is_link(cell)))
        path.write_text(json.dumps(copy, indent=1, ensure_ascii=False, sort_keys=True), "utf8")
        setup_cell.update(path, address)
        return path.read_text("utf8")

    before, after = json.loads(written()), json.loads(written(BARE[what]))
    if "between" in what:  # those words now stand above the sentence, where they were before
        assert [cell["source"] for cell in after["cells"]] == [cell["source"] for cell in before["cells"]]
    else:
        assert after == before
    links = [k for k, cell in enumerate(after["cells"]) if page_link.is_link(cell)]
    assert len(links) == 1 and "PlaneExplorer(" in "".join(after["cells"][links[0] + 1]["source"])
    said = "".join(after["cells"][links[0]]["source"])
    assert ("https://you.github.io/ltcbook/chapters/lyapunov.html#explorer)" in said) == bool(address)
    assert ("](" in said) == bool(address), "a link that leads nowhere"


def test_two_explorers_of_a_chapter_have_a_way_each_to_their_own_place(tmp_path):
    path = tmp_path / "topic.ipynb"
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": name,
            "metadata": {},
            "outputs": [],
            "source": [source],
        }
        for name, source in (
            ("first", "widgets.PlaneExplorer()"),
            ("page-link", "1"),
            ("last", "shown = RNNExplorer()"),
        )
    ]
    path.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1), "utf8"
    )
    assert setup_cell.update(path, GOOD)
    assert not setup_cell.update(path, GOOD), "a second run changes nothing"
    cells = json.loads(path.read_text("utf8"))["cells"]
    assert [cell["cell_type"] for cell in cells] == ["code", "markdown", "code", "code", "markdown", "code"]
    assert len({cell["id"] for cell in cells}) == 6
    ends = [
        "".join(cell["source"]).partition(".html")[2].partition(")")[0]
        for cell in cells
        if cell["cell_type"] == "markdown"
    ]
    assert ends == ["#explorer", "#explorer-2"]


@pytest.mark.parametrize(
    "address, home",
    [
        ("https://github.com/you/ltcbook", "https://you.github.io/ltcbook/"),
        ("https://github.com/You/My.Book", "https://you.github.io/My.Book/"),
        ("https://github.com/You/you.github.io", "https://you.github.io/"),
    ],
)
def test_the_page_is_where_github_pages_publishes_the_repository(address, home):
    assert page_link.page(address, "ltc") == f"{home}chapters/ltc.html#explorer"
    elsewhere = page_link.words(address, "ltc", 2, "https://example.org/book")
    assert "(https://example.org/book/chapters/ltc.html#explorer-2)" in elsewhere


def test_a_new_address_makes_no_chapter_run_again(root, tmp_path):
    from jupyter_cache import get_cache

    path = tmp_path / "chapter.ipynb"
    path.write_bytes((root / "chapters" / "ltc.ipynb").read_bytes())
    settings = yaml.safe_load((root / "_config.yml").read_text("utf8"))["sphinx"]["config"]
    read = pkgutil.resolve_name(settings["nb_custom_formats"][".ipynb"])

    def key():
        return get_cache(tmp_path / "cache").create_hashed_notebook(read(path.read_text("utf8")))[1]

    before = key()
    assert setup_cell.update(path, "https://github.com/you/another", COMMIT)
    assert key() == before
    path.write_text(path.read_text("utf8").replace("import numpy as np", "import numpy"), "utf8")
    assert key() != before, "other code is another chapter"


def test_settings_make_pages_but_no_chapter_anew_and_code_makes_both(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "BUILD", tmp_path / "_build")
    monkeypatch.setattr(build, "STAGE", tmp_path / "_build" / "stage")
    files = [
        tmp_path / name
        for name in (
            "_config.yml",
            "requirements.lock",
            "ltcbook/ops.py",
            "ltcbook/site/pages.py",
            "ltcbook/widgets/bundle.py",
            "ltcbook/widgets/static/plane.js",
        )
    ]
    for file in files:
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text("", "utf8")

    def left():
        build.forget_what_changed()
        there = [name for name in (".jupyter_cache", "html") if (build.STAGE / name).exists()]
        for name in (".jupyter_cache", "html"):
            (build.STAGE / name).mkdir(exist_ok=True, parents=True)
        return there

    left()
    assert left() == [".jupyter_cache", "html"]
    wanted = {
        "_config.yml": [".jupyter_cache"],
        "pages.py": [".jupyter_cache"],
        "ops.py": [],
        "requirements.lock": [],
        "bundle.py": [".jupyter_cache"],
        "plane.js": [".jupyter_cache"],
    }
    for file in files:
        file.write_text("changed", "utf8")
        assert left() == wanted[file.name], file.name


# --- what it does
# ---------------------------------------------------------------------------------------------------------


def run_setup(monkeypatch, address, found, revision="main"):
    """Run the setup cell with ltcbook found or not; return the commands that it would have run."""
    ran = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
    monkeypatch.setattr("subprocess.run", lambda command, **options: ran.append(command))
    monkeypatch.setattr("site.ENABLE_USER_SITE", False)
    exec(compile(setup_cell.source(address, revision), "setup", "exec"), {})
    return ran


@pytest.mark.parametrize(
    "found", [None, SimpleNamespace(origin=None)], ids=["nothing", "a mere folder of that name"]
)
def test_the_setup_cell_installs_the_revision_from_the_books_own_address(monkeypatch, found):
    (command,) = run_setup(monkeypatch, GOOD, found, COMMIT)
    assert command[-1] == f"ltcbook[book] @ git+{GOOD}@{COMMIT}"


def test_the_setup_cell_never_installs_from_a_stranger(monkeypatch):
    with pytest.raises(ModuleNotFoundError, match="make address"):
        run_setup(monkeypatch, "", None)


OTHER = "beef" * 10
# what pip notes of where ltcbook came from, the revision that a chapter wants, what the cell has to name
INSTALLED = {
    "at the same commit": ({"url": GOOD, "vcs_info": {"vcs": "git", "commit_id": COMMIT}}, COMMIT, ()),
    "at another commit": (
        {"url": GOOD, "vcs_info": {"vcs": "git", "commit_id": OTHER}},
        COMMIT,
        (GOOD, OTHER),
    ),
    "from the same branch": (
        {"url": GOOD, "vcs_info": {"commit_id": OTHER, "requested_revision": "main"}},
        "main",
        (),
    ),
    "from a branch": (
        {"url": GOOD, "vcs_info": {"commit_id": OTHER, "requested_revision": "main"}},
        COMMIT,
        (GOOD, OTHER),
    ),
    "from a folder": (
        {"url": "file:///home/you/ltcbook", "dir_info": {}},
        COMMIT,
        ("file:///home/you/ltcbook",),
    ),
    "from an index": (None, COMMIT, ("0.0.9",)),
}


def beside(package, notes, files):
    """What find_spec finds for an ltcbook in a folder, beside it the notes of who installed it."""
    (package / notes).mkdir()
    for name, text in files.items():
        (package / notes / name).write_text(text, "utf8")
    return SimpleNamespace(origin=str(package / "ltcbook" / "__init__.py"))


@pytest.mark.parametrize("how", INSTALLED)
def test_the_setup_cell_names_another_ltcbook_and_the_one_that_it_was_made_for(
    how, tmp_path, monkeypatch, capsys
):
    record, revision, named = INSTALLED[how]
    files = {"METADATA": "Name: ltcbook\nVersion: 0.0.9\n", "WHEEL": "Wheel-Version: 1.0\n"}
    found = beside(
        tmp_path,
        "ltcbook-0.0.9.dist-info",
        files | ({"direct_url.json": json.dumps(record)} if record else {}),
    )
    assert run_setup(monkeypatch, GOOD, found, revision) == []
    words = capsys.readouterr().out
    assert bool(words) == bool(named)
    if named:
        there, command = words.strip().split("\n")
        assert all(name in there for name in ("0.0.9", f"{GOOD} at {COMMIT}", *named)), there
        assert command.startswith("%pip install") and f'"ltcbook[book] @ git+{GOOD}@{COMMIT}"' in command
    run_setup(monkeypatch, "", found, revision)
    assert not capsys.readouterr().out, "without an address it knows nothing to compare with"


def test_the_setup_cell_leaves_a_checkout_alone(tmp_path, monkeypatch, capsys):
    # setuptools' notes
    found = beside(tmp_path, "ltcbook.egg-info", {"PKG-INFO": "Name: ltcbook\nVersion: 0.0.9\n"})
    assert (
        run_setup(monkeypatch, GOOD, found, COMMIT)
        == run_setup(monkeypatch, GOOD, find_spec("ltcbook"), COMMIT)
        == []
    )
    assert not capsys.readouterr().out


PACKAGE = {  # a package that pip builds without asking any server
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "wheels"\nbackend-path = ["."]\n',
    "METADATA": "Metadata-Version: 2.1\nName: ltcbook\nVersion: 0.1.0\nProvides-Extra: book\n",
    "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "RECORD": "",
    "wheels.py": """if True:
    import os, zipfile

    def build_wheel(folder, config_settings=None, metadata_directory=None):
        with zipfile.ZipFile(os.path.join(folder, "ltcbook-0.1.0-py3-none-any.whl"), "w") as wheel:
            wheel.write("ltcbook/__init__.py")
            for note in ("METADATA", "WHEEL", "RECORD"):
                wheel.write(note, f"ltcbook-0.1.0.dist-info/{note}")
        return "ltcbook-0.1.0-py3-none-any.whl"
""",
}


@needs_git
@pytest.mark.skipif(find_spec("pip") is None, reason="no pip here")
def test_that_commit_is_installed_and_found_even_where_only_the_users_own_folder_can_be_written(tmp_path):
    """A Python of its own, and a repository of two commits in the place of the address."""
    repository, home, python = (
        tmp_path / "repository",
        tmp_path / "home",
        tmp_path / "python" / "bin" / "python",
    )
    (repository / "ltcbook").mkdir(parents=True)
    for name, text in PACKAGE.items():
        (repository / name).write_text(text, "utf8")
    made = []
    for who in ("first", "second"):
        (repository / "ltcbook" / "__init__.py").write_text(f"who = {who!r}\n", "utf8")
        made.append(commit(repository))
    venv.create(tmp_path / "python", system_site_packages=True, symlinks=True)
    packages = next((tmp_path / "python" / "lib").glob("python*")) / "site-packages"
    (packages / "pip").symlink_to(Path(find_spec("pip").origin).parent)
    # what pip decides by itself where it may not write (root may write everywhere)
    settings = {
        "PIP_USER": "1",
        "PYTHONUSERBASE": str(home),
        "HOME": str(tmp_path),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_VALUE_0": GOOD,
        "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))} | settings

    def run(revision):
        code = setup_cell.source(GOOD, revision) + "\nimport ltcbook\nprint(ltcbook.who, ltcbook.__file__)"
        done = subprocess.run(
            [python, "-c", code], cwd=tmp_path, env=environment, capture_output=True, encoding="utf8"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    who, place = run(made[0]).split()
    assert who == "first" and Path(place).is_relative_to(home), "installed elsewhere, or another commit"
    assert run(made[0]).split() == [who, place], "the second time, nothing is to be said or done"
    said = run(made[1])
    assert made[0] in said and made[1] in said and said.split()[-2:] == [who, place]
