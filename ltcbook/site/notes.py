"""What a link stands for, shown beside it: the meaning of a term, an equation with its number, a reference in
full.

All of it is written into the page while the book is built, so nothing is fetched when a reader points at a
link; without JavaScript the links are plain links. Where a section first names a term of the glossary, the
word becomes such a link.
"""

import re
from posixpath import basename, dirname, join, normpath
from urllib.parse import unquote

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

GLOSSARY = "chapters/glossary"
# pages that nobody reads from end to end
LOOKED_UP = {"glossary", "notation", "references", "api", "benchmarks"}
# Words that the text also uses in their everyday sense: they become links only where they are set apart as
# terms.
EVERYDAY = {
    "blocked",
    "box",
    "density",
    "drive",
    "flow",
    "gain",
    "order",
    "rate",
    "slope",
    "state",
    "target",
    "trace",
    "weight",
}
CLOSED = (
    nodes.title,
    nodes.literal,
    nodes.FixedTextElement,
    nodes.reference,
    addnodes.pending_xref,
    nodes.math,
    nodes.raw,
    nodes.thead,
    nodes.term,
    addnodes.desc,
    nodes.image,
)


def setup(app):
    """Register with Sphinx; both transforms shape HTML alone."""
    app.add_node(Note, html=(visit_note, lambda translator, node: None))
    app.add_post_transform(Terms)
    app.add_post_transform(Notes)
    app.connect("env-updated", lambda app, env: written_again(app))
    app.connect("env-before-read-docs", lambda app, env, names: setattr(app, "ltcbook_read", bool(names)))
    app.add_js_file("notes.js", priority=900, defer="defer")


def written_again(app):
    """All pages, where any was read: what one says may stand in a note of another."""
    return sorted(app.env.found_docs) if getattr(app, "ltcbook_read", False) else []


class Note(nodes.General, nodes.Element):
    """A note at the end of a page. Its words are no children of it, so that the page's search and titles
    do not see them.
    """


def visit_note(translator, node):
    """The note, hidden until notes.js shows it."""
    translator.body.append(f'<div class="book-note" id="{node["name"]}" role="tooltip" hidden>')
    node["words"].walkabout(translator)
    translator.body.append("</div>\n")
    raise nodes.SkipNode


class Terms(SphinxPostTransform):
    """Link the first mention of each term of the glossary in every section of a chapter."""

    default_priority = 300
    formats = ("html",)

    def run(self):
        name = self.env.docname
        if basename(name) in LOOKED_UP or GLOSSARY not in self.env.found_docs:
            return
        forms = kept(self.app, "ltcbook_forms", lambda: spellings(self.env.get_doctree(GLOSSARY)))
        words = re.compile(
            rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(forms, key=len, reverse=True)))})(?![\w-])"
        )
        page = self.app.builder.get_relative_uri(name, GLOSSARY)
        done, whole = set(), [node for node in self.document.children if isinstance(node, nodes.section)]
        for text in list(self.document.findall(nodes.Text)):
            above = list(lineage(text))
            if any(
                isinstance(node, CLOSED) or node.get("nb_element") or "chapter-facts" in node["classes"]
                for node in above
            ):
                continue
            section = id(
                next(
                    (node for node in above if isinstance(node, nodes.section) and node.parent in whole), None
                )
            )
            parts, end = [], 0
            for match in words.finditer(text):
                anchor, everyday = forms[match[0]]
                alone = isinstance(text.parent, (nodes.emphasis, nodes.strong)) and match[0] == text.strip(
                    ".,:"
                )
                if (section, anchor) in done or (everyday and not alone):
                    continue
                done.add((section, anchor))
                link = nodes.reference(
                    "", match[0], internal=True, refuri=f"{page}#{anchor}", classes=["ltc-term"]
                )
                parts += [nodes.Text(text[end : match.start()]), link]
                end = match.end()
            if parts:
                text.parent.replace(
                    text, [part for part in [*parts, nodes.Text(text[end:])] if part.astext()]
                )


class Notes(SphinxPostTransform):
    """Put a note at the end of the page for every link that leads to an equation, a term or a reference."""

    default_priority = 310
    formats = ("html",)

    def run(self):
        targets = kept(
            self.app,
            "ltcbook_targets",
            lambda: {
                (name, place): words
                for name in self.env.found_docs
                for place, words in shown(self.env.get_doctree(name))
            },
        )
        pages = kept(
            self.app,
            "ltcbook_pages",
            lambda: {self.app.builder.get_target_uri(name): name for name in self.env.found_docs},
        )
        here = self.app.builder.get_target_uri(self.env.docname)
        notes = {}
        for link in self.document.findall(nodes.reference):
            path, _, place = link.get("refuri", f"#{link.get('refid', '')}").partition("#")
            name = pages.get(normpath(join(dirname(here), unquote(path))) if path else here)
            if (name, place) in targets:
                link["classes"].append("book-noted")
                notes[f"note-{place}"] = targets[name, place]
        for name, words in notes.items():
            self.document.append(Note("", name=name, words=words.deepcopy()))


def kept(app, name, make):
    """What the pages of one build share, made once."""
    if not hasattr(app.builder, name):
        setattr(app.builder, name, make())
    return getattr(app.builder, name)


def lineage(node):
    """The elements around a node, the nearest first, without the document."""
    while node.parent is not None and not isinstance(node.parent, nodes.document):
        node = node.parent
        yield node


def shown(doctree):
    """(anchor, the words of its note) for every equation, term and reference of a page."""
    for equation in doctree.findall(nodes.math_block):
        for name in equation["ids"]:
            copy = equation.deepcopy()
            copy["ids"], copy["names"] = [], []
            yield name, copy
    for target in doctree.findall(nodes.target):
        for name in target["ids"]:
            if name.startswith(("term-", "ref-")) and isinstance(target.parent, nodes.paragraph):
                yield name, (defined if name.startswith("term-") else unlinked)(target.parent)


def unlinked(paragraph):
    """A paragraph whose links are plain words, without anchors."""
    copy = paragraph.deepcopy()
    for link in [*copy.findall(nodes.reference), *copy.findall(addnodes.pending_xref)]:
        inline = next(link.findall(nodes.inline), link) if isinstance(link, addnodes.pending_xref) else link
        link.parent.replace(link, inline.children)
    for target in list(copy.findall(nodes.target)):
        target.parent.remove(target)
    return copy


def defined(paragraph):
    """A term and its meaning: without names of code, and without the links at the end to where it is
    taught.
    """
    parts = runs(paragraph.deepcopy().children)
    end = len(parts)
    while isinstance(parts[end - 1], addnodes.pending_xref) or not re.search(r"\w", parts[end - 1].astext()):
        end -= 1
    if not isinstance(parts[end - 1], nodes.Text):
        parts[end:] = [nodes.Text(".")]
    elif re.search(r"[.!?]\s*$", parts[end - 1]):  # else the sentence needs its links
        parts[end - 1 :] = [nodes.Text(parts[end - 1].rstrip())]
    for link in [
        part for part in parts if isinstance(part, addnodes.pending_xref) and any(part.findall(nodes.literal))
    ]:
        place = parts.index(link)
        before, after = re.sub(r",?\s*$", "", parts[place - 1]), parts[place + 1]
        if before.endswith("("):
            before, after = (
                (before[:-2], after[1:]) if after.startswith(")") else (before, after.lstrip(", "))
            )
        parts = runs([*parts[: place - 1], nodes.Text(before + after), *parts[place + 2 :]])
    return unlinked(nodes.paragraph("", "", *parts))


def runs(parts):
    """Inline nodes with every run of text in one piece, its line ends as blanks."""
    joined = []
    for part in parts:
        if isinstance(part, nodes.Text) and joined and isinstance(joined[-1], nodes.Text):
            joined[-1] = nodes.Text(joined[-1] + " ".join(part.split("\n")))
        else:
            joined.append(nodes.Text(" ".join(part.split("\n"))) if isinstance(part, nodes.Text) else part)
    return joined


def spellings(glossary):
    """Spelling -> (anchor, whether it is an everyday word): each term, its abbreviation, their plurals,
    also capitalised.
    """
    found = {}
    for target in glossary.findall(nodes.target):
        anchor = next((name for name in target["ids"] if name.startswith("term-")), None)
        if anchor is None:
            continue
        parts = runs(target.parent.children)
        place = next(place for place, part in enumerate(parts) if isinstance(part, nodes.strong))
        term, short = parts[place].astext(), re.match(r"\s*\(([^)]*)", parts[place + 1].astext())
        for name in [term, *(short[1].split(",") if short else [])]:
            name = name.strip()
            if re.fullmatch(r"[\w’'–-]{2,}( [\w’'–-]+)*", name):
                for form in (name, plural(name)):
                    found.setdefault(form, (anchor, term in EVERYDAY))
                    found.setdefault(form[0].upper() + form[1:], (anchor, term in EVERYDAY))
    return found


def plural(name):
    """The plural of a noun."""
    for ending, several in (("ium", "ia"), ("ix", "ices"), ("y", "ies"), ("x", "xes")):
        if name.endswith(ending):
            return name.removesuffix(ending) + several
    return f"{name}s"
