"""What each rendered page carries: nothing from another server, and no button that leads to a stranger."""

import html
import re
import shutil
from pathlib import Path
from posixpath import dirname, join, normpath

from sphinx.util import logging

from ltcbook.site import address
from ltcbook.site.setup_cell import shows_solutions

logger = logging.getLogger(__name__)
HERE = Path(__file__).parent
# of a file of the book, seen from a page
ADDRESS = re.compile(r'(?<= )(href|src|action)="(?![a-z]+:|#|//)([^"]+)"')
MEASURED = re.compile(r'"complete"===document\.readyState\?(\w+)\(\):window\.addEventListener\("load",\1\)')
CALM = "void 0/* boxes that scroll: book.js */"
UNUSED = (
    "vendor/fontawesome",
    "scripts/fontawesome*",
    "**/*.map",
    "**/*.LICENSE.txt",
    "plus.png",
    "minus.png",
)


def configure(app, config):
    """Our files come first. The addresses are those of this copy (`address.py`); without a repository there
    is nothing to launch, and what the repository holds has the solutions: then there is no launch button.
    """
    config.templates_path.insert(0, str(HERE / "templates"))
    config.html_static_path.append(str(HERE / "static"))
    here = address.read()
    config.html_theme_options |= {"repository_url": here["url"], "repository_branch": here["branch"]}
    config.html_baseurl = f"{here['site']}/" if here["site"] else ""
    if not here["url"] or not shows_solutions():
        config.html_theme_options["launch_buttons"] = {}


def hurry(app, pagename, templatename, context, doctree):
    """No script holds the page up: they run in their order, once the page is there. The search page's own
    need them at once.
    """
    if templatename == "search.html" or "js_tag" not in context:
        return
    tag = context["js_tag"]

    def deferred(script):
        text = tag(script)
        wait = " src=" in text and not re.search(r"<script[^>]* (?:async|defer)\b", text)
        return text.replace("<script", '<script defer="defer"', 1) if wait else text

    context["js_tag"] = deferred
    # the theme tells a switcher of versions, which the book has not, where it is: by a script that waits for
    # another
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "DOCUMENTATION_OPTIONS.pagename" not in getattr(script, "attributes", {}).get("body", "")
    ]


# What the head decides before anything is drawn. The theme knows light from dark only once its script has
# run: then the whole page is styled again, and what is to be dark flashes. And who opens a page at its top
# does not wait for what is far below: those sections are laid out afterwards (book.js); who comes by a link
# into the page, or back to it, finds it whole.
EARLY = """<script>
(() => {
  const root = document.documentElement;
  try {
    if ((localStorage.getItem("mode") || "auto") === "auto")
      localStorage.setItem("theme", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  } catch {}
  const way = performance.getEntriesByType("navigation")[0]?.type;
  if (!location.hash && way === "navigate") root.classList.add("book-arriving");
})();
</script>"""


def arrive(app, pagename, templatename, context, doctree):
    """Put the script that runs first into the head of each page."""
    context["metatags"] = context.get("metatags", "") + EARLY


def describe(app, pagename, templatename, context, doctree):
    """Put what the page is about into its head, for search engines."""
    words = first_paragraph(doctree)
    if words:
        context["metatags"] = context.get("metatags", "") + (
            f'\n<meta name="description" content="{html.escape(words)}">'
        )


def first_paragraph(doctree, limit=200):
    """The first sentence or so of a page, for search engines and previews."""
    from docutils import nodes

    for paragraph in doctree.findall(nodes.paragraph) if doctree is not None else []:
        words = " ".join(paragraph.astext().split())
        facts = "chapter-facts" in paragraph["classes"]
        if len(words) > 40 and not facts and not any(paragraph.findall(nodes.math)):
            return words if len(words) <= limit else words[:limit].rsplit(" ", 1)[0] + " …"
    return ""


def finish(app, error):
    """Make the front page the site's own first page, and leave out files that no page loads."""
    if error or app.builder.name != "html":
        return
    front = app.builder.get_target_uri(app.config.root_doc)
    page = (Path(app.outdir) / front).read_text("utf8")
    (Path(app.outdir) / "index.html").write_text(moved_up(page, dirname(front)), "utf8")
    (Path(app.outdir) / ".nojekyll").touch()  # GitHub Pages publishes _static as it is
    static = Path(app.outdir) / "_static"
    calm(static / "scripts" / "pydata-sphinx-theme.js")
    for unused in UNUSED:
        for path in static.glob(unused):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def calm(script):
    """Leave out what the theme's script does for boxes that scroll: it measures every box of the page at
    once when the page has come, and again after each change of a drawing. book.js does the same piece by
    piece.
    """
    text = script.read_text("utf8")
    if not MEASURED.search(text) and CALM not in text:
        logger.warning(
            "the theme's script has changed: pages.py finds no place where it measures boxes that scroll"
        )
    script.write_text(MEASURED.sub(CALM, text), "utf8")


def moved_up(page, folder):
    """A page of a folder as it reads at the top of the site: the same words, its addresses seen from
    there.
    """
    page = ADDRESS.sub(lambda found: f'{found[1]}="{normpath(join(folder, found[2]))}"', page)
    return page.replace('data-content_root="../"', 'data-content_root="./"').replace(
        '"../_static/', '"./_static/'
    )
