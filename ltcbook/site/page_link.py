"""The sentence above each explorer's cell: GitHub, nbviewer and VS Code show nothing there until the cell has
run.

It leads to the explorer on the rendered page, if the book knows where that is published or knows its
repository's address, whose pages GitHub Pages publishes; else it says which command renders the page.
It stands in the notebooks alone: the page leaves it out (`remove-cell`). `make address` writes it, together
with the setup cell.
"""

import re
from itertools import count

from ltcbook.site import notebook

EXPLORER = re.compile(r"\b[A-Z]\w*Explorer\(")
NAME = "page-link"
TAGS = [NAME, "remove-cell"]
RUN = "*Nothing below? The explorer appears once the cells from the top have run; "
KNOWN = RUN + "on [the book's page]({page}) it moves at once.*"
UNKNOWN = RUN + "on the book's page, which `make book` renders, it moves at once.*"


def github_pages(address):
    """Where GitHub Pages publishes the repository at an address."""
    owner, repository = address.removeprefix("https://github.com/").split("/")
    home = f"https://{owner.lower()}.github.io"
    return home if f"https://{repository.lower()}" == home else f"{home}/{repository}"


def page(address, chapter, number=1, site=""):
    """Where a chapter's explorer, the first or a later one, moves: on the pages at ``site``, else on those
    that GitHub Pages publishes of the repository at an address.
    """
    place = f"explorer{f'-{number}' if number > 1 else ''}"
    return f"{site or github_pages(address)}/chapters/{chapter}.html#{place}"


def words(address, chapter, number=1, site=""):
    """The sentence, with a link where there is an address."""
    if not (address or site):
        return UNKNOWN
    return KNOWN.format(page=page(address, chapter, number, site))


def is_link(cell):
    """Whether a cell is such a sentence."""
    return cell["cell_type"] == "markdown" and NAME in cell["metadata"].get("tags", [])


def shows_explorer(cell):
    """Whether a cell makes an explorer."""
    return cell["cell_type"] == "code" and EXPLORER.search("".join(cell["source"])) is not None


def linked(text, address, chapter, site=""):
    """A chapter's text with the sentence right above every cell that shows an explorer, and nowhere else."""
    cells = notebook.cells(text)
    for k in reversed(range(len(cells))):
        if is_link(cells[k]) and not (k + 1 < len(cells) and shows_explorer(cells[k + 1])):
            text = notebook.remove(text, k)
    cells = notebook.cells(text)
    taken = {cell.get("id") for cell in cells}
    places = [k for k, cell in enumerate(cells) if shows_explorer(cell)]
    for number, k in reversed(list(enumerate(places, 1))):
        sentence = [words(address, chapter, number, site)]
        if k and is_link(cells[k - 1]):
            text = notebook.put_source(text, k - 1, sentence)
        else:
            free = next(name for n in count(1) if (name := NAME if n == 1 else f"{NAME}-{n}") not in taken)
            taken.add(free)
            cell = {"cell_type": "markdown", "id": free, "metadata": {"tags": TAGS}, "source": sentence}
            text = notebook.insert(text, k, cell)
    return text
