"""What a link to a page shows where it is shared: the page's own address, its words, and a picture of it.

Only a book that knows where its pages are published (`address.py`) says any of this: without an address the
tags are absent, and no picture is drawn.
"""

from __future__ import annotations

import html
import re
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ltcbook.site import pages

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

FOLDER = "_static/cards"
WIDTH, HEIGHT = 1200, 630  # pixels, as those who show cards ask for
MARGIN = 60
PICTURE = re.compile(r'<svg class="ltc-figure(?: ltc-desk)?" role="img" aria-label="([^"]*)"')
EXPLORER = re.compile(r'<img class="ltc-fallback" alt="([^"]*)"')


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("html-page-context", tag, priority=950)
    app.connect("build-finished", draw_all, priority=450)


def tag(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Put the page's own address and its card into its head. The search page has the front page's card."""
    base, front = app.config.html_baseurl, app.config.root_doc
    if not base or context["pageurl"] is None:  # a page without an address of its own
        return
    if pagename == front:
        context["pageurl"] = base  # the site's first page is the front page itself
    name = pagename if pagename in app.env.found_docs else front
    title, doctree = app.env.titles[name].astext(), app.env.get_doctree(name)
    words = pages.first_paragraph(doctree) or app.config.html_title
    shown = {
        "og:type": "website" if name == front else "article",
        "og:site_name": app.config.html_title,
        "og:title": title,
        "og:description": words,
        "og:url": context["pageurl"],
        "og:image": f"{base}{FOLDER}/{name}.png",
        "og:image:width": str(WIDTH),
        "og:image:height": str(HEIGHT),
        "og:image:alt": described(title, app.config.html_title, figure(doctree)),
        "twitter:card": "summary_large_image",
        "twitter:title": title,
        "twitter:description": words,
        "twitter:image": f"{base}{FOLDER}/{name}.png",
        "twitter:image:alt": described(title, app.config.html_title, figure(doctree)),
    }
    context["metatags"] = context.get("metatags", "") + "".join(
        f'\n<meta {"property" if key.startswith("og:") else "name"}="{key}" content="{html.escape(value)}">'
        for key, value in shown.items()
    )


def figure(doctree: nodes.document) -> tuple[str, str] | None:
    """A page's first figure, else its first explorer: the picture's file, seen from the book's folder, and
    its words; None where there is neither.
    """
    from docutils import nodes

    bundles = [node for node in doctree.findall(nodes.container) if node.get("nb_element") == "mime_bundle"]
    for kind in (PICTURE, EXPLORER):
        for bundle in bundles:
            words = kind.search("".join(raw.astext() for raw in bundle.findall(nodes.raw)))
            image = next(iter(bundle.findall(nodes.image)), None)
            if words and image is not None:
                return image["uri"], html.unescape(words[1])
    return None


def described(title: str, book: str, shown: tuple[str, str] | None) -> str:
    """The card in words, as a screen reader says them."""
    words = f"{title}, a page of the book {book}."
    return textwrap.shorten(f"{words} {shown[1]}" if shown else words, 400, placeholder=" …")


def draw_all(app: Sphinx, error: Exception | None) -> None:
    """Draw a card for each page, where the book knows where it is published."""
    if error or app.builder.name != "html":
        return
    folder = Path(app.outdir) / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    if not app.config.html_baseurl:
        return
    for name in app.env.found_docs:
        doctree = app.env.get_doctree(name)
        shown, path = figure(doctree), folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        below = Path(app.srcdir) / shown[0] if shown else pages.first_paragraph(doctree)
        draw(path, app.env.titles[name].astext(), app.config.html_title, below)


def draw(path: Path, title: str, book: str, below: Path | str) -> None:
    """Draw one card, 1200 x 630: the title, below it a picture of the page or its first words, the book's
    name.
    """
    from matplotlib.figure import Figure
    from matplotlib.image import imread
    from matplotlib.lines import Line2D

    from ltcbook.plots.picture import BLUE, GREY, INK

    fig = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor="white")

    def write(words: str, y: float, size: float, letters: int, **look: Any) -> float:
        """Write lines of words from a height (in pixels) downwards; return where they end."""
        for line in textwrap.wrap(words, letters):
            fig.text(MARGIN / WIDTH, y / HEIGHT, line, size=size, va="top", parse_math=False, **look)
            y -= 1.35 * size * 100 / 72
        return y

    end = write(title, HEIGHT - MARGIN, 34, 40, weight="bold", color=INK) - 15
    if isinstance(below, str):
        write(below, end, 24, 58, color=INK)
    else:
        box = (MARGIN / WIDTH, 100 / HEIGHT, 1 - 2 * MARGIN / WIDTH, (end - 100) / HEIGHT)
        axes = fig.add_axes(box)
        axes.imshow(imread(below), interpolation="lanczos")
        axes.set_axis_off()
    fig.add_artist(Line2D([MARGIN / WIDTH, 1 - MARGIN / WIDTH], [80 / HEIGHT] * 2, color=BLUE, linewidth=3))
    write(book, 58, 20, 70, color=GREY)
    fig.savefig(path, dpi=100, metadata={"Software": None})
