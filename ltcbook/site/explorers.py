"""The explorers' scripts: one copy for the whole book, loaded by the pages that hold an explorer."""

import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms import SphinxTransform

from ltcbook.widgets import bundle

PLACE = re.compile(
    r'<div class="ltc-widget" data-room="([\w-]+)" data-drawing="(\w+)" data-waiting="([^"]+)"'
)
STATE = "application/vnd.jupyter.widget-state+json"
FOLDER = "_static/explorers"


class Links(SphinxTransform):
    """`[T = 0.4](#threshold.T=0.4)` speaks to an explorer of the page and names no place of the book:
    leave it as it is.
    """

    default_priority = 220  # before links are resolved, after the Markdown is read

    def apply(self):
        for asked in self.document.findall(nodes.reference):
            if asked.get("id_link") and "=" in asked.get("refuri", ""):
                del asked["id_link"]


def link(app, pagename, templatename, context, doctree):
    """Give a page with explorers their style sheet and room and, behind each one's data, its scripts.

    They are loaded without being waited for, and an explorer wakes as soon as they are there. The widgets'
    state is taken out: no view on the page reads it.
    """
    if not context.get("body"):
        return
    body = context["body"]
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if getattr(script, "attributes", {}).get("type") != STATE
    ]
    files = bundle.page_files()

    def address(name):
        return f"{context['pathto'](f'{FOLDER}/{name}', 1)}?v={bundle.version(files[name])}"

    places = PLACE.findall(body)
    for _, drawing, place in places:
        tags = "".join(
            f'<script async src="{address(name)}"></script>' for name in ("shared.js", f"{drawing}.js")
        )
        store = body.index(f'data-store="{place}"')
        end = body.index("</script>", store) + len("</script>")
        body = body[:end] + tags + body[end:]
    context["body"] = body
    if places:
        rooms = "\n".join(bundle.reserved(room) for room in sorted({room for room, _, _ in places}))
        context["metatags"] = (
            context.get("metatags", "")
            + f'\n<link rel="stylesheet" href="{address("explorer.css")}">\n<style>{rooms}</style>'
        )


def copy(app, error):
    """Put the scripts and the style sheet beside the pages."""
    if error or app.builder.name != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in bundle.page_files().items():
        (folder / name).write_text(text, encoding="utf-8")
