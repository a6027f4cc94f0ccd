"""What guides visitors and search engines: a map of the pages, and a page for addresses that lead nowhere.

Only a book that knows where its pages are published (`address.py`) has them: the map names whole addresses,
and the page for wrong addresses is shown at any depth, so it finds its style sheets only from the top.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ltcbook.site import pages

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LOST = "404"
WORDS = """<section><h1>There is no page here</h1>
<p>The address may be misspelt, or the page may have moved. <a href="{front}">The front page</a> lists all
chapters, and the search finds any word of the book.</p></section>"""


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("html-collect-pages", lost_page)
    app.connect("html-page-context", hide, priority=940)
    app.connect("build-finished", write, priority=450)


def lost_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The page for addresses that lead nowhere."""
    if app.config.html_baseurl:
        front = app.builder.get_relative_uri(LOST, app.config.root_doc)
        yield LOST, {"title": "There is no page here", "body": WORDS.format(front=front)}, "page.html"


def hide(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """The page for wrong addresses has no address of its own, and no search engine lists it."""
    if pagename == LOST:
        context["pageurl"] = None
        context["metatags"] = context.get("metatags", "") + '\n<meta name="robots" content="noindex">'


def write(app: Sphinx, error: Exception | None) -> None:
    """Write sitemap.xml and robots.txt, and let 404.html name its files from the top of its server."""
    if error or app.builder.name != "html":
        return
    out, base = Path(app.outdir), app.config.html_baseurl
    sitemap, robots, lost = out / "sitemap.xml", out / "robots.txt", out / f"{LOST}.html"
    if not base:
        for path in (sitemap, robots, lost):  # of a build that knew its address
            path.unlink(missing_ok=True)
        return
    names = [app.builder.get_target_uri(name) for name in sorted(app.env.found_docs - {app.config.root_doc})]
    lines = "".join(f"  <url><loc>{escape(base + name)}</loc></url>\n" for name in ["", *names])
    sitemap.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}</urlset>\n',
        "utf8",
    )
    robots.write_text(f"User-agent: *\nAllow: /\nSitemap: {base}sitemap.xml\n", "utf8")
    lost.write_text(rooted(lost.read_text("utf8"), urlsplit(base).path), "utf8")


def rooted(page: str, top: str) -> str:
    """A page of the site's first folder whose addresses begin at the top of its server."""
    page = pages.moved_up(page, top)
    return page.replace('data-content_root="./"', f'data-content_root="{top}"').replace(
        '"./_static/', f'"{top}_static/'
    )
