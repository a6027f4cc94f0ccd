"""Plain Markdown that Colab and GitHub also understand, made into real Sphinx targets, equations and
boxes.
"""

import re

from docutils import nodes
from sphinx.transforms import SphinxTransform

ANCHOR = re.compile(r'<a\s+id="([^"]+)"\s*>\s*(</a>)?$')
ENVIRONMENT = re.compile(r"\s*\\begin\{(align|equation|gather|multline|flalign|eqnarray)\*?\}")


class RawAnchors(SphinxTransform):
    """Turn `<a id="x"></a>` into a target that `[text](#x)` and `[text](page.ipynb#x)` find.

    Only `<a id>` in running text counts: an id inside a block of HTML (a widget's output) is left alone.
    """

    default_priority = 210  # before links are resolved (879), after the Markdown is read

    def apply(self):
        for raw in list(self.document.findall(nodes.raw)):
            match = ANCHOR.match(raw.astext()) if raw.get("format") == "html" else None
            if match is None or not isinstance(raw.parent, nodes.TextElement):
                continue
            parent, place = raw.parent, raw.parent.index(raw)
            after = parent[place + 1] if place + 1 < len(parent) else None
            if match[2] is None and isinstance(after, nodes.raw) and after.astext() == "</a>":
                parent.remove(after)
            parent.remove(raw)
            self.add_target(parent, place, match[1])

    def add_target(self, parent, place, name):
        """Give the id to the equation below an anchor that stands alone, else to the spot itself."""
        holder = following(parent) if not parent.astext().strip() else None
        if isinstance(holder, nodes.math_block):
            holder["ids"].append(name)
            holder["names"].append(name)
            if not parent.children:
                parent.parent.remove(parent)
        else:
            holder = nodes.target("", "", ids=[name], names=[name])
            parent.insert(place, holder)
        self.document.note_explicit_target(holder, holder)
        slugs = self.env.metadata[self.env.docname].setdefault("myst_slugs", {})
        slugs[name] = (holder.line or 0, name, name)


def following(node):
    """The next sibling, or None."""
    place = node.parent.index(node) + 1
    return node.parent[place] if place < len(node.parent) else None


class TaggedEquations(SphinxTransform):
    r"""Set displayed equations with a \tag as equation*, in which \tag is lawful for MathJax and for LaTeX.

    Sphinx would wrap an equation of several lines in `split`, where a \tag is an error.
    """

    default_priority = 215

    def apply(self):
        for node in self.document.findall(nodes.math_block):
            text = node.astext().strip()
            if r"\tag" in text and not ENVIRONMENT.match(text):
                node.clear()
                node += nodes.Text(f"\\begin{{equation*}}\n{text}\n\\end{{equation*}}")
                node["nowrap"] = True


class JoinedBoxes(SphinxTransform):
    """A theorem stays one box where a displayed equation stands in its middle or ends its sentence.

    In Markdown for Colab and GitHub an equation is a paragraph of its own, so it parts a quotation in two.
    """

    default_priority = 216  # the anchors above equations are gone

    def apply(self):
        joined = set()
        for box in list(self.document.findall(nodes.block_quote)):
            while box not in joined and (rest := self.continued(box)):
                joined.update(rest)
                for node in rest:
                    box.parent.remove(node)
                    box += node.children if isinstance(node, nodes.block_quote) else [node]

    def continued(self, box):
        """The equations after a box, and the box that goes on below them; nothing where the box has ended."""
        equations, node = [], following(box)
        while isinstance(node, nodes.math_block):
            equations.append(node)
            node = following(node)
        if not equations:
            return []
        if isinstance(node, nodes.block_quote) and not begins(node):
            return [*equations, node]
        return [] if box.astext().rstrip().endswith((".", "∎")) else equations


def begins(box):
    """Whether a box has a lead of its own, such as **Theorem 2.**"""
    first = box.next_node(nodes.paragraph)
    return first is not None and len(first) > 0 and isinstance(first[0], nodes.strong)
