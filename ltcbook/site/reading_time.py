"""The line under a chapter's title: minutes to read and seconds to run, counted and measured when the page is
rendered.

It ends with a link to the page's explorer, and so do the page's list of contents and the front page's list of
chapters.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform

# unhurried reading of mathematics; a look at each cell and its output
WORDS_PER_MINUTE, MINUTES_PER_CELL = 180, 0.4
SHORT = 800  # words: a page below this is no chapter
EXPLORER, MOVE = "explorer", "Move it yourself"


def setup(app):
    """Register with Sphinx."""
    app.add_transform(ExplorerAnchors)
    app.add_transform(ChapterFacts)
    app.add_post_transform(ExplorersOfChapters)
    app.connect("doctree-read", list_explorer, priority=900)


class ExplorerAnchors(SphinxTransform):
    """Name the cells that show an explorer: `#explorer`, then `#explorer-2` and so on."""

    default_priority = 219

    def apply(self):
        cells = [
            cell
            for cell in self.document.findall(nodes.container)
            if cell.get("nb_element") == "cell_code"
            and any('class="ltc-widget' in raw.astext() for raw in cell.findall(nodes.raw))
        ]
        for number, cell in enumerate(cells, 1):
            cell["ids"].append(EXPLORER if number == 1 else f"{EXPLORER}-{number}")
        self.env.metadata[self.env.docname]["explorers"] = len(cells)


class ChapterFacts(SphinxTransform):
    """Put «n minutes to read · runs in s seconds on one CPU core» below the title of every executed
    chapter.
    """

    default_priority = 220

    def apply(self):
        data = (
            self.env.nb_metadata.get(self.env.docname, {}).get("exec_data")
            if hasattr(self.env, "nb_metadata")
            else None
        )
        title = next(iter(self.document.findall(nodes.title)), None)
        words = sum(len(p.astext().split()) for p in self.document.findall(nodes.paragraph))
        if not data or data.get("runtime") is None or title is None or words < SHORT:
            return
        cells = sum(
            "cell_input" in node.get("classes", []) for node in self.document.findall(nodes.container)
        )
        minutes = 5 * max(1, round((words / WORDS_PER_MINUTE + cells * MINUTES_PER_CELL) / 5))
        text = f"{minutes} minutes to read · runs in {data['runtime']:.0f} seconds on one CPU core"
        facts = nodes.paragraph(text, text, classes=["chapter-facts"])
        if self.env.metadata[self.env.docname]["explorers"]:
            facts += [nodes.Text(" · "), nodes.reference("", MOVE, refid=EXPLORER)]
            self.env.metadata[self.env.docname]["jump"] = MOVE
        title.parent.insert(title.parent.index(title) + 1, facts)


def list_explorer(app, doctree):
    """The page's list of contents begins with its explorer."""
    name = app.env.docname
    parts = app.env.tocs[name].next_node(nodes.bullet_list)
    if parts is not None and "jump" in app.env.metadata[name]:
        link = nodes.reference("", MOVE, internal=True, refuri=name, anchorname=f"#{EXPLORER}")
        parts.insert(0, nodes.list_item("", addnodes.compact_paragraph("", "", link)))


class ExplorersOfChapters(SphinxPostTransform):
    """In the front page's list of chapters each chapter with an explorer has a link to it."""

    default_priority = 290  # references are resolved
    formats = ("html",)

    def run(self):
        if self.env.docname != self.config.root_doc:
            return
        pages = {
            self.app.builder.get_relative_uri(self.env.docname, name): name for name in self.env.found_docs
        }
        for row in self.document.findall(nodes.row):
            link = next(iter(row.findall(nodes.reference)), None)
            name = link is not None and pages.get(link.get("refuri"))
            if name and "jump" in self.env.metadata[name]:
                jump = nodes.reference(
                    "", MOVE, internal=True, refuri=f"{link['refuri']}#{EXPLORER}", classes=["ltc-jump"]
                )
                row[-1].next_node(nodes.paragraph).extend([nodes.Text(" "), jump])
