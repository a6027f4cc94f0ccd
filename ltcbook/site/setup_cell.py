"""The chapters' generated cells and the repository's address: `make address
URL=https://github.com/OWNER/REPO`.

Address, branch and revision stand in `_config.yml`. From there goes into the same cell of every chapter where
to install ltcbook from, where it is missing (Colab). The cell leaves a checkout of the book alone. Above each
explorer goes the way to its page (`page_link.py`).

A notebook cannot name the commit that holds it. So in the repository the cell installs from its own branch,
and the notebooks that a rendered page offers name the commit that the page was built from (`pin`). Who
publishes a branch for Colab writes the commit there too: `make address REVISION=HEAD`.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from ltcbook.site import notebook, page_link
from ltcbook.site.notebook import load, replace

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"https://github\.com/[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
BRANCH = re.compile(r"(?!.*(?:\.\.|//|/\.|\.lock$|[./]$))[A-Za-z0-9_][A-Za-z0-9._/-]*")
COMMIT = re.compile(r"[0-9a-f]{40}")
PACKAGE = ("ltcbook", "pyproject.toml")  # what pip installs of a commit
TAGS = ["remove-input", "setup"]  # of no use on the page: there, nothing needs installing
CELL_ID = "setup"
ON_THE_PAGE = 'ADDRESS = REVISION = ""'  # what the cell does while the book is rendered, whatever the address

CELL = """\
# Setup: installs ltcbook where it is missing, as in Colab; where another one is there, it names both.
import json, site, subprocess, sys
from importlib import invalidate_caches, metadata, util
from os.path import dirname

ADDRESS = "{address}"
REVISION = "{revision}"
source = f"ltcbook[book] @ git+{{ADDRESS}}@{{REVISION}}"
found = util.find_spec("ltcbook")
if getattr(found, "origin", found) is None:  # nothing is there, or a mere folder of that name
    if not ADDRESS:
        raise ModuleNotFoundError("ltcbook is not installed, and this copy of the book does not know its own address. Run "
            "`pip install -e '.[book]'` in the book's folder, or there `make address URL=https://github.com/OWNER/REPO`.")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)
    invalidate_caches()
    if site.ENABLE_USER_SITE and (own := site.getusersitepackages()) not in sys.path:  # where a read-only Python installs
        sys.path.insert(next((k for k, p in enumerate(sys.path) if p.endswith("-packages")), len(sys.path)), own)
elif ADDRESS:
    for there in metadata.distributions(name="ltcbook", path=[dirname(dirname(getattr(found, "origin", "")))]):
        url, made = (json.loads(there.read_text("direct_url.json") or "{{}}").get(key, {{}}) for key in ("url", "vcs_info"))
        if there.read_text("WHEEL") and REVISION not in made.values():  # a checkout has no wheel's record beside it
            print(f"This chapter was made for ltcbook of {{ADDRESS}} at {{REVISION}}. Installed is {{there.version}}",
                  f"{{url or ''}} {{made.get('commit_id', '')}}. To replace it, run this and restart the kernel:\\n"
                  f'%pip install --quiet --force-reinstall --no-deps "{{source}}"')
"""


def checked(url):
    """The address without a closing slash or `.git`, or "" for none; ValueError for anything else."""
    url = url.strip().removesuffix("/").removesuffix(".git")
    if url and not ADDRESS.fullmatch(url):
        raise ValueError(
            f"{url!r} is no repository address that Colab can open; "
            "give https://github.com/OWNER/REPO, or nothing to clear it."
        )
    return url


def checked_branch(branch):
    """The branch's name; ValueError for what no branch can be called."""
    if not BRANCH.fullmatch(branch):
        raise ValueError(f"{branch!r} is no branch's name; give one, as in BRANCH=main.")
    return branch


def checked_revision(revision, root=ROOT):
    """The whole name of a commit whose package is the one that lies here, or "" for none; ValueError for
    anything else.
    """
    if not revision:
        return ""
    if COMMIT.fullmatch(revision) and git(root, "rev-parse", "--git-dir") is None:
        return revision  # nobody here to ask
    commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        raise ValueError(
            f"{revision!r} is no commit that git knows here; give one (REVISION=HEAD), or nothing to clear it."
        )
    if not holds_the_package(commit, root):
        raise ValueError(
            f"the chapters would install the commit {commit}, and {' or '.join(PACKAGE)} has changed since. "
            "Commit, then give the new commit (REVISION=HEAD), or nothing (REVISION=) to install from the branch."
        )
    return commit


def git(root, *arguments):
    """What git says, or None where it is missing or says no."""
    try:
        return subprocess.run(
            ["git", *arguments], cwd=root, check=True, capture_output=True, encoding="utf8"
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def holds_the_package(commit, root=ROOT):
    """Whether pip would install from this commit what lies here."""
    new = git(root, "ls-files", "--others", "--exclude-standard", "--", *PACKAGE)
    return new == "" and git(root, "diff", "--quiet", commit, "--", *PACKAGE) is not None


def pin(root=ROOT):
    """What the notebooks on a rendered page install: the commit that it was built from, else the branch."""
    here = read(root)
    commits = (here["revision"], git(root, "rev-parse", "HEAD"))
    return next((commit for commit in commits if commit and holds_the_package(commit, root)), here["branch"])


def source(address, revision="main"):
    """The setup cell's code for an address ("" where none is known) and a commit or branch of it."""
    return CELL.format(address=checked(address), revision=revision).rstrip("\n")


# --- the place where it stands
# -----------------------------------------------------------------------------------------


def line(key):
    """Finds the line of a key below `repository:` in `_config.yml`."""
    return re.compile(rf'^(repository:\n(?:  .*\n)*?  {key}: *)(?:"([^"\n]*)"|([^\s#"]*))', re.MULTILINE)


def read(root=ROOT):
    """Address ("url"), "branch" and "revision" as they stand in `_config.yml`."""
    text, found = load(root / "_config.yml"), {}
    for key in ("url", "branch", "revision"):
        match = line(key).search(text)
        if match is None:
            raise ValueError(f'_config.yml has no line `{key}: "..."` below `repository:`')
        found[key] = match[2] or match[3] or ""
    return found


def write(root=ROOT, **new):
    """Write "url", "branch" or "revision" into `_config.yml`; the rest of the file stays as it is."""
    here, text = read(root), load(root / "_config.yml")
    for key, value in new.items():
        if value != here[key]:
            text = line(key).sub(lambda match, value=value: f'{match[1]}"{value}"', text)
    replace(root / "_config.yml", text)


def read_address(root=ROOT):
    """The address that stands in `_config.yml`."""
    return read(root)["url"]


def read_revision(root=ROOT):
    """What the chapters install: the revision that stands in `_config.yml`, else the branch."""
    here = read(root)
    return here["revision"] or here["branch"]


def write_address(address, root=ROOT):
    """Write the address into `_config.yml`; the rest of the file stays as it is."""
    write(root, url=checked(address))


# --- the chapters
# ------------------------------------------------------------------------------------------------------


def is_setup(cell):
    """Whether a cell is the setup cell."""
    return cell["cell_type"] == "code" and "setup" in cell["metadata"].get("tags", [])


def update(path, address, revision="main"):
    """Bring one chapter's generated cells up to date: the setup cell, as its first code cell, and the
    links to its page above its explorers. Return whether the file changed. No other line does.
    """
    text = load(path)
    if all(cell["cell_type"] != "code" for cell in notebook.cells(text)):
        return False  # words alone need no package
    return replace(path, page_link.linked(prepared(text, address, revision), checked(address), path.stem))


def prepared(text, address, revision):
    """A chapter's text with the setup cell for an address and a commit or branch of it."""
    cells, lines = notebook.cells(text), source(address, revision).splitlines(keepends=True)
    k = next((k for k, cell in enumerate(cells) if is_setup(cell)), None)
    if k is None:
        k = next(k for k, cell in enumerate(cells) if cell["cell_type"] == "code")
        cell = {
            "cell_type": "code",
            "execution_count": None,
            "id": CELL_ID,
            "metadata": folded({}),
            "outputs": [],
        }
        return notebook.insert(text, k, {**cell, "source": lines})
    if cells[k]["metadata"] != folded(cells[k]["metadata"]):
        text = notebook.put(text, folded(cells[k]["metadata"]), "cells", k, "metadata")
    return notebook.put_source(text, k, lines)


def folded(metadata):
    """A cell's metadata as the setup cell needs them."""
    return {**metadata, "jupyter": {"source_hidden": True}, "tags": TAGS}


def read_for_the_page(text):
    """A chapter as it is rendered (`nb_custom_formats` in `_config.yml`): its setup cell says the same
    whatever the address, so that a new address makes no chapter run again.
    """
    import nbformat

    book = nbformat.reads(text, as_version=4)
    for cell in filter(is_setup, book.cells):
        cell.source = ON_THE_PAGE
    return book


def main(arguments=None, root=ROOT):
    """Command line: set what is given; always bring every chapter's cells up to date."""
    parser = argparse.ArgumentParser(prog="python -m ltcbook.site.setup_cell", description=__doc__)
    parser.add_argument("--address", help="https://github.com/OWNER/REPO; empty clears it")
    parser.add_argument(
        "--branch", help="the branch that Colab opens; where an address is given, git's current one"
    )
    parser.add_argument(
        "--revision", help="the commit to install instead of the branch's head; empty clears it"
    )
    options = parser.parse_args(arguments)
    try:
        new = {} if options.address is None else {"url": checked(options.address)}
        branch = options.branch or (new.get("url") and git(root, "symbolic-ref", "--short", "HEAD"))
        if branch:
            new["branch"] = checked_branch(branch)
        revision = read(root)["revision"] if options.revision is None else options.revision
        write(root, **new, revision=checked_revision(revision, root))
        here, revision = read(root), read_revision(root)
        chapters = sorted((root / "chapters").glob("*.ipynb"))
        written = [path.name for path in chapters if update(path, here["url"], revision)]
    except ValueError as error:
        return f"make address: {error}"
    said = f"address: {here['url'] or '(none)'}, branch {here['branch']}, installs {revision}"
    print(f"{said}; chapters rewritten: {', '.join(written) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
