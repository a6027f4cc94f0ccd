"""Publishing by hand: into which folders, what stays and what goes there; and the branch with the notebooks."""

import json
import shutil
import subprocess

import pytest

from ltcbook.site import address, build, publish, setup_cell

GOOD = "https://github.com/you/book"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="no git here")


@pytest.fixture
def pages(tmp_path):
    """A rendered site of three files."""
    for name in ("index.html", "chapters/a.html", "_sources/chapters/a.md"):
        (tmp_path / "pages" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pages" / name).write_text(f"first {name}", "utf8")
    return tmp_path / "pages"


def files(folder):
    """What lies in a folder, with its words; our own list of it left out."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != publish.MARK]
    return {path.relative_to(folder).as_posix(): path.read_text("utf8") for path in paths}


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "what a killed run has left"])
def test_a_site_goes_into_a_new_or_empty_folder(pages, tmp_path, there):
    to = tmp_path / "deep" / "site"
    if there != "nothing":
        to.mkdir(parents=True)
    if "killed" in there:
        (to / publish.COMING / "chapters").mkdir(parents=True)
        (to / publish.COMING / "half.html").write_text("<ht", "utf8")
    publish.put(pages, to)
    assert files(to) == files(pages)
    assert sorted(path.name for path in to.iterdir()) == sorted(
        [publish.MARK, "index.html", "chapters", "_sources"]
    )


def test_publishing_again_renews_our_files_and_leaves_those_of_others(pages, tmp_path):
    to = tmp_path / "site"
    publish.put(pages, to)
    (to / "CNAME").write_text("example.org", "utf8")
    (to / "chapters" / "theirs.html").write_text("theirs", "utf8")
    (pages / "index.html").write_text("second", "utf8")
    shutil.rmtree(pages / "_sources")
    (pages / "chapters" / "a.html").rename(pages / "chapters" / "b.html")
    publish.put(pages, to)
    assert files(to) == files(pages) | {"CNAME": "example.org", "chapters/theirs.html": "theirs"}
    assert not (to / "_sources").exists(), "an empty folder of ours is left"


@pytest.mark.parametrize("how", ["a stranger's folder", "a file", "no folder at all"])
def test_another_folder_is_refused_before_anything_is_rendered(tmp_path, monkeypatch, how):
    monkeypatch.setattr(build, "render", lambda: pytest.fail("it rendered the book"))
    (tmp_path / "thesis.tex").write_text("years", "utf8")
    to = {"a stranger's folder": tmp_path, "a file": tmp_path / "thesis.tex", "no folder at all": ""}[how]
    with pytest.raises(ValueError, match=r"thesis\.tex|which folder"):
        publish.publish(str(to))
    assert files(tmp_path) == {"thesis.tex": "years"}


def test_a_file_of_others_is_never_overwritten_and_nothing_is_half_written(pages, tmp_path):
    to = tmp_path / "site"
    publish.put(pages, to)
    (to / "robots.txt").write_text("theirs", "utf8")
    before = files(to)
    (pages / "robots.txt").write_text("ours", "utf8")
    (pages / "index.html").write_text("second", "utf8")
    with pytest.raises(ValueError, match=r"robots\.txt is not ours"):
        publish.put(pages, to)
    assert files(to) == before and not (to / publish.COMING).exists()


def test_a_full_disk_leaves_the_published_site_as_it_was_and_no_new_folder(pages, tmp_path, monkeypatch):
    publish.put(pages, tmp_path / "site")
    before = files(tmp_path / "site")
    (pages / "index.html").write_text("second", "utf8")

    def full(folder, root):
        raise OSError("no space left")

    monkeypatch.setattr(build, "pin_downloads", full)
    for to in (tmp_path / "site", tmp_path / "new"):
        with pytest.raises(OSError, match="no space"):
            publish.put(pages, to)
    assert files(tmp_path / "site") == before and not (tmp_path / "site" / publish.COMING).exists()
    assert not (tmp_path / "new").exists()


def test_a_book_that_cannot_be_rendered_is_not_published(pages, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "render", lambda: False)
    with pytest.raises(ValueError, match="as it was"):
        publish.publish(str(tmp_path / "site"))
    assert not (tmp_path / "site").exists()


# --- the branch with the notebooks
# -----------------------------------------------------------------------------------------


def git(folder, *arguments):
    """What git says in a folder."""
    names = ["-c", "user.name=A Reader", "-c", "user.email=reader@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *names, *arguments], cwd=folder, check=True, capture_output=True, encoding="utf8"
    )
    return done.stdout.strip()


@pytest.fixture
def copy(tmp_path, root, monkeypatch):
    """A clone with one chapter, whose origin is a bare repository beside it."""
    there = tmp_path / "copy"
    for name in ("_config.yml", "chapters/lyapunov.ipynb", "chapters/references.md", "LICENSE-text"):
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_bytes((root / name).read_bytes())
    (there / "ltcbook").mkdir()
    (there / "ltcbook" / "__init__.py").write_text("", "utf8")
    (there / "pyproject.toml").write_text("[project]\n", "utf8")
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    git(there, "init", "--quiet", "--initial-branch", "main")
    git(there, "remote", "add", "origin", str(tmp_path / "origin.git"))
    commit(there)
    monkeypatch.setenv("LTCBOOK_ADDRESS", GOOD)
    monkeypatch.setenv("LTCBOOK_BRANCH", "notebooks")
    monkeypatch.delenv("LTCBOOK_SITE", raising=False)
    for name in ("NAME", "EMAIL"):
        monkeypatch.delenv(f"GIT_AUTHOR_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # where git finds no name of anybody
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return there


def commit(folder):
    """Commit all that lies in a folder and push it; return the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a step")
    git(folder, "push", "--quiet", "--set-upstream", "origin", "main")
    return git(folder, "rev-parse", "HEAD")


def on_the_branch(copy, name):
    """A file's text on the published branch."""
    return git(copy.parent / "origin.git", "show", f"notebooks:{name}")


@needs_git
def test_the_branch_holds_the_chapters_pinned_to_the_commit_and_grows(copy):
    (copy / "chapters" / "draft.ipynb").write_text("{}", "utf8")  # not committed, so not published
    first = git(copy, "rev-parse", "HEAD")
    before = git(copy, "status", "--porcelain")
    assert first in publish.push_notebooks(copy)
    names = git(copy.parent / "origin.git", "ls-tree", "-r", "--name-only", "notebooks").splitlines()
    assert names == ["LICENSE-text", "README.md", "chapters/lyapunov.ipynb", "chapters/references.md"]
    cell = next(
        c
        for c in json.loads(on_the_branch(copy, "chapters/lyapunov.ipynb"))["cells"]
        if setup_cell.is_setup(c)
    )
    assert f'ADDRESS = "{GOOD}"\n' in cell["source"] and f'REVISION = "{first}"\n' in cell["source"]
    assert f"{GOOD}/tree/{first}" in on_the_branch(copy, "README.md")
    assert "https://you.github.io/book/chapters/lyapunov.html#explorer" in on_the_branch(
        copy, "chapters/lyapunov.ipynb"
    )
    assert "already" in publish.push_notebooks(copy)
    (copy / "ltcbook" / "__init__.py").write_text("new = True\n", "utf8")
    git(copy, "add", "ltcbook")
    git(copy, "commit", "--quiet", "--message", "another step")
    with pytest.raises(ValueError, match="push it first"):
        publish.push_notebooks(copy)
    git(copy, "push", "--quiet")
    publish.push_notebooks(copy)
    log = git(copy.parent / "origin.git", "log", "--format=%s %an", "notebooks").splitlines()
    second = git(copy, "rev-parse", "HEAD")
    assert log == [f"Notebooks pinned to {second} A Reader", f"Notebooks pinned to {first} A Reader"]
    assert git(copy, "status", "--porcelain") == before and git(copy, "branch", "--list") == "* main"


@needs_git
def test_a_branch_of_another_kind_is_refused_and_stays_as_it_is(copy, monkeypatch):
    monkeypatch.setenv("LTCBOOK_BRANCH", "main")
    before = git(copy.parent / "origin.git", "rev-parse", "main")
    with pytest.raises(ValueError, match="holds more than notebooks"):
        publish.push_notebooks(copy)
    assert git(copy.parent / "origin.git", "rev-parse", "main") == before


@needs_git
def test_notebooks_that_no_commit_holds_or_whose_address_nobody_knows_are_refused(copy, monkeypatch):
    with monkeypatch.context() as alone:
        alone.delenv("LTCBOOK_ADDRESS")
        address.write(copy, url="")
        with pytest.raises(ValueError, match="LTCBOOK_ADDRESS"):
            publish.push_notebooks(copy)
    git(copy, "checkout", "--quiet", "_config.yml")
    for name in ("chapters/references.md", "ltcbook/__init__.py"):
        with (copy / name).open("a", encoding="utf8") as file:
            file.write("changed\n")
        with pytest.raises(ValueError, match="commit first"):
            publish.push_notebooks(copy)
        git(copy, "checkout", "--quiet", name)
    assert git(copy.parent / "origin.git", "branch", "--list", "notebooks") == ""
