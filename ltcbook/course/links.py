"""Links of a chapter that lead somewhere outside the book too."""

import re

from .source import Cell

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(((?:[a-z_]+\.(?:ipynb|md))?(?:#[^)\s]*)?)\)")
ANCHOR = re.compile(r'<a\s+id="([^"]+)"\s*>\s*</a>')
EQUATION = re.compile(r'<a\s+id="([^"]+)"\s*>\s*</a>\s*\n\$\$.*?\$\$', re.DOTALL)


def lead(cells: list[Cell], chapter: str, site: str) -> None:
    """Let every link lead to the published site, unless its target stands in these cells.

    Where no site is known, the link's words stay and the link goes.
    """
    here = {anchor for cell in cells for anchor in ANCHOR.findall(cell.source)}

    def led(match: re.Match[str]) -> str:
        words, target = match[1], match[2]
        page, _, anchor = target.partition("#")
        if not target or (not page and anchor in here):
            return match[0]
        if not site:
            return words
        name = re.sub(r"\.(ipynb|md)$", "", page) or chapter
        return f"[{words}]({site}/chapters/{name}.html{'#' if anchor else ''}{anchor})"

    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(led, cell.source)


def cited(cells: list[Cell], exercises: list[Cell]) -> str:
    """The chapter's equations to which the exercises link, as they stand in the chapter, "" for none."""
    wanted = {match[2].removeprefix("#") for cell in exercises for match in LINK.finditer(cell.source)}
    texts = [cell.source for cell in cells if cell.cell_type == "markdown" and cell not in exercises]
    own = {anchor for cell in exercises for anchor in ANCHOR.findall(cell.source)}
    found = [match[0] for text in texts for match in EQUATION.finditer(text) if match[1] in wanted - own]
    return "\n\n".join(found)
