"""Formulas are typeset while the book is built: a page carries finished HTML and MathML, and no script that
makes them.

One Node process sets all formulas of a build; what it has set once is kept in the cache. The pages share one
style sheet with only those letters in it that the book uses, and the fonts.
"""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

from sphinx.util import logging

from ltcbook.site import mathjax

SCRIPT = Path(__file__).with_suffix(".js")
STYLESHEET = "formulas.css"
LETTER = re.compile(r"mjx-c[0-9A-F]+\b")
FACE = re.compile(r"url\(\"mathjax/([\w-]+\.woff)\"\)")
logger = logging.getLogger(__name__)


def setup(app):
    """Register with Sphinx as the way to set mathematics in HTML."""
    app.add_html_math_renderer("ltcbook", (visit_inline, None), (visit_displayed, None))
    app.connect("builder-inited", begin)
    app.connect("build-finished", finish, priority=400)
    app.add_css_file(STYLESHEET)


class Typesetter:
    """TeX in, HTML out, through one Node process that starts with the first formula not yet in the cache."""

    def __init__(self, cache):
        self.folder, self.process = Path(cache), None
        self.store = self.folder / f"formulas-{hashlib.sha256(SCRIPT.read_bytes()).hexdigest()[:12]}.json"
        self.known = json.loads(self.store.read_text("utf8")) if self.store.is_file() else {}
        self.fresh = False

    def __call__(self, tex, display):
        """HTML of one formula; ValueError, in MathJax's words, where the TeX is faulty."""
        key = f"{'display' if display else 'inline'}:{tex}"
        if key not in self.known:
            answer = self.ask({"tex": tex, "display": display})
            if "error" in answer:
                raise ValueError(answer["error"])
            self.known[key], self.fresh = answer["html"], True
        return self.known[key]

    def stylesheet(self):
        """MathJax's style sheet with every letter that it has."""
        if "stylesheet" not in self.known:
            self.known["stylesheet"], self.fresh = self.ask({"stylesheet": True})["css"], True
        return self.known["stylesheet"]

    def ask(self, question):
        """One question to the Node process, and its answer."""
        if self.process is None:
            command = [
                mathjax.program("node"),
                str(SCRIPT),
                str((mathjax.fetch(self.folder) / mathjax.PARTS[0]).resolve()),
            ]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf8"
            )
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"Node stopped while it typeset {question}; its complaint stands above")
        return json.loads(line)

    def close(self):
        """Keep what was set, and let the process end."""
        if self.fresh:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.store.write_text(json.dumps(self.known, ensure_ascii=False), "utf8")
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
            self.process = None


def begin(app):
    """A typesetter for this build; it starts nothing yet."""
    if app.builder.format == "html":
        app.builder.typeset = Typesetter(app.config.ltcbook_cache)


def visit_inline(translator, node):
    """A formula within a line."""
    from docutils import nodes

    translator.body.append(translator.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    translator.body.append(written(translator, node, node.astext(), display=False) + "</span>")
    raise nodes.SkipNode


def visit_displayed(translator, node):
    """A formula in a line of its own."""
    from docutils import nodes

    tex = node.astext()
    if not node.get("nowrap") and r"\\" in tex:
        tex = rf"\begin{{split}}{tex}\end{{split}}"
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate nohighlight"))
    translator.body.append(written(translator, node, tex, display=True) + "</div>\n")
    raise nodes.SkipNode


def written(translator, node, tex, *, display):
    """HTML of a formula; a faulty one is a warning that names its place, and shows as it was typed."""
    try:
        return translator.builder.typeset(tex.strip(), display)
    except ValueError as error:
        logger.warning("a formula cannot be typeset (%s): %s", error, tex.strip(), location=node)
        return translator.encode(tex)


def finish(app, error):
    """Write the style sheet and put the fonts beside it."""
    if not hasattr(app.builder, "typeset"):
        return
    if not error and app.builder.name == "html":
        static = Path(app.outdir) / "_static"
        pages = "".join(path.read_text("utf8") for path in Path(app.outdir).rglob("*.html"))
        css = needed(app.builder.typeset.stylesheet(), set(re.findall(r"mjx-c[0-9A-F]+", pages)))
        (static / STYLESHEET).write_text(css, "utf8")
        source = mathjax.fetch(app.config.ltcbook_cache)
        (static / "mathjax").mkdir(exist_ok=True)
        for path in [source / "LICENSE", *(source / mathjax.FONTS / name for name in FACE.findall(css))]:
            shutil.copy(path, static / "mathjax")
    app.builder.typeset.close()


def needed(css, letters):
    """The style sheet without the rules for letters that no page shows, and without blanks."""
    rules = re.sub(r"/\*.*?\*/", "", css).strip().split("\n\n")
    shown = [rule for rule in rules if set(LETTER.findall(rule.partition(" {")[0])) <= letters]
    return "".join(
        re.sub(r";?\s*\n\s*", ";", rule).replace(" {;", "{").replace(";}", "}") + "\n" for rule in shown
    )
