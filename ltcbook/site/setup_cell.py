"""The chapters' generated cells: what `make address URL=https://github.com/OWNER/REPO` writes into each of them.

The setup cell, the same in every chapter, says where to install ltcbook from, where it is missing (Colab). It
leaves a checkout of the book alone. Above each explorer goes the way to its page (`page_link.py`). Who
publishes a branch for Colab by hand writes the commit there too: `make address REVISION=HEAD`.
"""

import os

from ltcbook.site import address, notebook, page_link
from ltcbook.site.address import ROOT, checked, git
from ltcbook.site.notebook import load, replace

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


def source(url, revision="main"):
    """The setup cell's code for an address ("" where none is known) and a commit or branch of it."""
    return CELL.format(address=checked(url), revision=revision).rstrip("\n")


# --- the chapters
# ------------------------------------------------------------------------------------------------------


def is_setup(cell):
    """Whether a cell is the setup cell."""
    return cell["cell_type"] == "code" and "setup" in cell["metadata"].get("tags", [])


def update(path, url, revision="main", site=""):
    """Bring one chapter's generated cells up to date: the setup cell, as its first code cell, and the
    links to its page above its explorers. Return whether the file changed. No other line does.
    """
    text = load(path)
    if all(cell["cell_type"] != "code" for cell in notebook.cells(text)):
        return False  # words alone need no package
    return replace(path, page_link.linked(prepared(text, url, revision), checked(url), path.stem, site))


def prepared(text, url, revision):
    """A chapter's text with the setup cell for an address and a commit or branch of it."""
    cells, lines = notebook.cells(text), source(url, revision).splitlines(keepends=True)
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
    whatever the address, so that a new address makes no chapter run again. For a class the solutions' words
    are left out; their code stays, for the same reason, and `solutions.py` leaves it out of the page.
    """
    import nbformat

    book = nbformat.reads(text, as_version=4)
    for cell in filter(is_setup, book.cells):
        cell.source = ON_THE_PAGE
    if not shows_solutions():
        book.cells = [
            cell
            for cell in book.cells
            if cell.cell_type == "code" or "solution" not in cell.metadata.get("tags", [])
        ]
    return book


def shows_solutions():
    """Whether the pages show the solutions of the exercises: those for a class do not."""
    return os.environ.get("LTCBOOK_SOLUTIONS") != "no"


def rewrite(root=ROOT, **given):
    """Write what is given of "url", "branch", "revision" and "site", bring every chapter's cells up to date, and
    say what stands now. ValueError, and nothing written, for what cannot be.

    With an address and no branch, the branch is git's current one.
    """
    checks = {"url": address.checked, "branch": address.checked_branch, "site": address.checked_site}
    branch = given.get("branch") or (given.get("url") and git(root, "symbolic-ref", "--short", "HEAD"))
    given |= {"branch": branch} if branch else {}
    new = {name: check(given[name]) for name, check in checks.items() if name in given}
    revision = given.get("revision", address.stands(root)["revision"])
    address.write(root, **new, revision=address.checked_revision(revision, root))
    here, installed = address.stands(root), address.installs(root)
    chapters = sorted((root / "chapters").glob("*.ipynb"))
    written = [path.name for path in chapters if update(path, here["url"], installed, here["site"])]
    said = f"address: {here['url'] or '(none)'}, branch {here['branch']}, installs {installed}"
    return f"{said}; chapters rewritten: {', '.join(written) or 'none'}"
