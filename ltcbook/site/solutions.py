"""Pages for a class: without the code of the solutions. Their words are left out as the chapter is read."""

from docutils import nodes
from sphinx.transforms import SphinxTransform

from ltcbook.site.setup_cell import shows_solutions


def setup(app):
    """Register with Sphinx."""
    if not shows_solutions():
        app.add_transform(LeftOut)


class LeftOut(SphinxTransform):
    """Drop the cells of solutions before anything else looks at them."""

    default_priority = 5

    def apply(self):
        for cell in list(self.document.findall(nodes.container)):
            if "tag_solution" in cell["classes"]:
                cell.parent.remove(cell)
