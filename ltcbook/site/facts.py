"""The line under a chapter's title: minutes to read and seconds to run, counted and measured when the page is rendered."""

import os

from docutils import nodes
from sphinx.transforms import SphinxTransform

WORDS_PER_MINUTE, MINUTES_PER_CELL = 180, 0.4  # unhurried reading of mathematics; a look at each cell and its output
SHORT = 800  # words: a page below this is no chapter


class ChapterFacts(SphinxTransform):
    """Put «n minutes to read · runs in s seconds on k CPU cores» below the title of every executed chapter."""

    default_priority = 220

    def apply(self):
        data = self.env.nb_metadata.get(self.env.docname, {}).get("exec_data") if hasattr(self.env, "nb_metadata") else None
        title = next(iter(self.document.findall(nodes.title)), None)
        words = sum(len(p.astext().split()) for p in self.document.findall(nodes.paragraph))
        if not data or data.get("runtime") is None or title is None or words < SHORT:
            return
        cells = sum("cell_input" in node.get("classes", []) for node in self.document.findall(nodes.container))
        minutes = 5 * max(1, round((words / WORDS_PER_MINUTE + cells * MINUTES_PER_CELL) / 5))
        text = f"{minutes} minutes to read · runs in {data['runtime']:.0f} seconds on {os.cpu_count()} CPU cores"
        facts = nodes.paragraph(text, text, classes=["chapter-facts"])
        title.parent.insert(title.parent.index(title) + 1, facts)
