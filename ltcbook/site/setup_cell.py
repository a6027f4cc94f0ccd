"""The chapters' first cell and the repository's address: `make address URL=https://github.com/OWNER/REPO`.

The address stands in `_config.yml`; from there it goes into the same cell of every chapter, which installs
ltcbook where it is missing (Colab) and does nothing where it is there.
"""

import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"https://github\.com/[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
CONFIG_LINE = re.compile(r'^(repository:\n  url: )"([^"\n]*)"', re.MULTILINE)
TAGS = ["remove-input", "setup"]  # of no use on the page: there, nothing needs installing
CELL_ID = "setup"

CELL = """\
# Setup: installs ltcbook where it is missing, as in Colab; does nothing elsewhere.
import importlib.util
import subprocess
import sys

ADDRESS = "{address}"

if importlib.util.find_spec("ltcbook") is None:
    if not ADDRESS:
        raise ModuleNotFoundError(
            "ltcbook is not installed, and this copy of the book does not know its own address. "
            "Either run `pip install -e '.[book]'` in the book's folder, or set the address once with "
            "`make address URL=https://github.com/OWNER/REPO` and open the chapter again."
        )
    source = f"ltcbook[book] @ git+{{ADDRESS}}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)
    importlib.invalidate_caches()
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


def source(address):
    """The setup cell's code for an address ("" where none is known)."""
    return CELL.format(address=checked(address)).rstrip("\n")


def read_address(root=ROOT):
    """The address that stands in `_config.yml`."""
    match = CONFIG_LINE.search((root / "_config.yml").read_text("utf8"))
    if match is None:
        raise ValueError('_config.yml has no line `url: "..."` right below `repository:`')
    return match[2]


def write_address(address, root=ROOT):
    """Write the address into `_config.yml`; the rest of the file stays as it is."""
    address, config = checked(address), root / "_config.yml"
    read_address(root)
    replace(config, CONFIG_LINE.sub(lambda match: f'{match[1]}"{address}"', config.read_text("utf8")))


def update(path, address):
    """Put the setup cell into one chapter, as its first code cell; return whether the file changed."""
    text = path.read_text("utf8")
    book = json.loads(text)
    lines = source(address).splitlines(keepends=True)
    cell = next((c for c in book["cells"] if is_setup(c)), None)
    if cell is None:
        cell = {"cell_type": "code", "execution_count": None, "id": CELL_ID, "metadata": {}, "outputs": []}
        first = next((k for k, c in enumerate(book["cells"]) if c["cell_type"] == "code"), len(book["cells"]))
        book["cells"].insert(first, cell)
    cell["metadata"] = {**cell["metadata"], "jupyter": {"source_hidden": True}, "tags": TAGS}
    cell["source"] = lines
    if book == json.loads(text):
        return False
    return replace(path, json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def is_setup(cell):
    """Whether a cell is the setup cell."""
    return cell["cell_type"] == "code" and "setup" in cell["metadata"].get("tags", [])


def replace(path, text):
    """Write a file only where its text differs; return whether it did."""
    if path.read_text("utf8") == text:
        return False
    path.write_text(text, "utf8")
    return True


def main(arguments=None):
    """Command line: with --address set it first; always bring every chapter's cell up to date."""
    parser = argparse.ArgumentParser(prog="python -m ltcbook.site.setup_cell", description=__doc__)
    parser.add_argument("--address", help="https://github.com/OWNER/REPO; empty clears it")
    options = parser.parse_args(arguments)
    try:
        if options.address is not None:
            write_address(options.address)
        address = read_address()
        chapters = sorted((ROOT / "chapters").glob("*.ipynb"))
        written = [path.name for path in chapters if update(path, address)]
    except ValueError as error:
        return f"make address: {error}"
    print(f"address: {address or '(none)'}; chapters rewritten: {', '.join(written) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
