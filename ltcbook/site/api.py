"""The API page's docstrings: the plain prose of the package, laid out so that the eye finds parameters,
errors and sources.

A Sphinx extension beside autodoc. The words stay as they are; only paragraphs are divided: where a sentence
begins with a parameter's name and a colon, with «Raises» or with «Source:».
"""

import inspect
import re

from sphinx import addnodes
from sphinx.transforms import SphinxTransform

RAISES, SOURCE = r"Raises (?=\w*Error)|Raise one (?=\w*Error)", r"Sources?(?: of [\w ]+)?: "
VERBATIM = (" ", ">>>", "..")  # an indented block, an example, a directive


def setup(app):
    """Register with Sphinx, after autodoc."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", lay_out)
    app.add_transform(StraightQuotes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


class StraightQuotes(SphinxTransform):
    """Keep "quotes" and (..., n) as they are typed, so that what a reader copies from a docstring is
    Python.
    """

    default_priority = 740  # just before quotes are curled (750)

    def apply(self):
        for node in self.document.findall(addnodes.desc_content):
            node["support_smartquotes"] = False


def lay_out(app, what, name, thing, options, lines):
    """Put the paragraphs of one docstring in the place of its lines."""
    blocks = re.split(r"\n\s*\n", "\n".join(lines).strip("\n"))
    shown = []
    for block in blocks:
        parts = [block] if block.startswith(VERBATIM) else divided(" ".join(block.split()), parameters(thing))
        shown += [text for part in parts for text in (*classed(part), "")]
    lines[:] = "\n".join(shown).split("\n")


def parameters(thing):
    """Names of the parameters of a function or class; none for anything else."""
    try:
        return list(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return []


def divided(text, names):
    """One paragraph cut before each sentence that begins with a parameter, an error or a source."""
    one = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "(?!)"
    listed = rf"(?:{one})(?:, (?:{one}))*(?:=\S+)?: "
    starts = re.compile(rf'(?:^|(?<=[.);] )|(?<=[.]" ))(?:{RAISES}|{SOURCE}|{listed})')
    places = [0, *(match.start() for match in starts.finditer(text)), len(text)]
    parts = [re.sub(";$", ".", text[a:b].strip()) for a, b in zip(places[:-1], places[1:], strict=True)]
    return [named(part) if re.match(listed, part) else part for part in parts if part]


def named(part):
    """The paragraph with its parameters set as code."""
    names, _, meaning = part.partition(": ")
    return f"``{names}``: {meaning}" if "=" in names else f"``{names.replace(', ', '``, ``')}``: {meaning}"


def classed(part):
    """The paragraph, inside the directive that names its class."""
    kinds = {"api-raises": RAISES, "api-source": SOURCE, "api-parameter": r"``[^`]+``(, ``[^`]+``)*: "}
    name = next((name for name, pattern in kinds.items() if re.match(pattern, part)), None)
    return [part] if name is None else [f".. rst-class:: {name}", "", f"   {part}"]
