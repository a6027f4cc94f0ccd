"""The answer boxes of the pages: one script, joined from the modules beside this file and the words of
`check.kinds`, which runs where a page carries sealed answers.
"""

import json
from pathlib import Path

from ltcbook.check.kinds import WORDS
from ltcbook.widgets import bundle

FORM = Path(__file__).parent / "form.js"
NAME = "answers.js"


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", write)
    app.connect("html-page-context", load)


def script():
    """The script as a browser reads it."""
    words = json.dumps(WORDS, ensure_ascii=False)
    return f'(() => {{\n"use strict";\n{bundle.joined(bundle.modules(FORM))}\nboxes({words});\n}})();\n'


def write(app, config):
    """Put the script among the files that every site has."""
    folder = Path(config.ltcbook_cache) / "answers"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_text(script(), "utf8")
    config.html_static_path.append(str(folder))


def load(app, pagename, templatename, context, doctree):
    """Load the script where there is something to answer."""
    if 'class="ltc-answer"' in context.get("body", ""):
        app.add_js_file(NAME, priority=900, defer="defer")
