"""Folded code: each fold carries one name for all readers, and folds in a row become one."""

from html import escape

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms.post_transforms import SphinxPostTransform

CHECK = "# Check it"  # how a cell begins that holds a claim of the text to its numbers


def setup(app):
    """Register with Sphinx."""
    app.add_node(HideCodeCellNode, override=True, html=(visit_fold, depart_fold))
    app.add_post_transform(JoinedFolds)


def visit_fold(translator, node):
    """A fold whose name for a screen reader is what it says: nothing hides the words, open or shut."""
    shut, opened = escape(node["prompt_show"]), escape(node["prompt_hide"])
    translator.body.append(
        f'<details class="admonition hide {" ".join(node["classes"])}">\n<summary>\n'
        f'<p class="collapsed admonition-title">{shut}</p>\n<p class="expanded '
        f'admonition-title">{opened}</p>\n</summary>\n'
    )


def depart_fold(translator, node):
    """The fold's end."""
    translator.body.append("</details>\n")


class JoinedFolds(SphinxPostTransform):
    """Cells of folded code that show nothing else are joined to the fold that follows: one click, all of
    the code. A check is called so.
    """

    default_priority = 200  # right after myst-nb has made the folds (199)
    formats = ("html",)

    def run(self):
        for fold in self.document.findall(HideCodeCellNode):
            if fold.astext().startswith(CHECK):
                fold["prompt_show"], fold["prompt_hide"] = "Check it", "Hide the check"
        for cell in list(self.document.findall(nodes.container)):
            after = cell.next_node(siblings=True, descend=False) if is_fold(cell) and len(cell) == 1 else None
            if is_fold(after) and after[0]["prompt_show"] == cell[0]["prompt_show"]:
                after[0].insert(0, cell[0].children)
                cell.parent.remove(cell)


def is_fold(node):
    """Whether a node is a cell that begins with folded code."""
    return isinstance(node, nodes.container) and bool(node.children) and isinstance(node[0], HideCodeCellNode)
