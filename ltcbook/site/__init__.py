"""The only room that knows Sphinx: what the rendered book needs beyond jupyter-book.

`_config.yml` names this package as a Sphinx extension. `python -m ltcbook.site` is the one command that
renders, serves and publishes the book (`__main__.py`).
"""

from pathlib import Path


def setup(app):
    """Register the transforms, the page filters and the static files with Sphinx."""
    from ltcbook.site import (
        anchors,
        answers,
        cards,
        explorers,
        folds,
        formulas,
        notes,
        pages,
        pdf,
        reading_time,
        signposts,
        solutions,
    )

    app.add_config_value("ltcbook_cache", str(Path.cwd() / "_build" / "cache"), "")
    app.add_config_value("comments_config", {}, "")  # jupyter-book sets it though its extension is not loaded
    app.add_transform(anchors.RawAnchors)
    app.add_transform(anchors.TaggedEquations)
    app.add_transform(explorers.Links)
    app.add_transform(anchors.JoinedBoxes)
    app.add_post_transform(pdf.Print)
    app.connect("config-inited", pages.configure)
    app.connect("config-inited", pdf.configure)
    app.add_css_file("book.css", priority=900)
    app.add_js_file("book.js", priority=900, defer="defer")
    app.add_js_file("place.js", priority=900, defer="defer")
    for part in (reading_time, folds, formulas, notes, cards, signposts, answers, solutions):
        part.setup(app)
    app.connect("html-page-context", pages.describe, priority=900)
    app.connect("html-page-context", pages.hurry, priority=900)
    app.connect("html-page-context", pages.arrive, priority=900)
    app.connect("html-page-context", explorers.link, priority=900)
    app.connect("build-finished", explorers.copy)
    # before a redirect is written in place of a first page
    app.connect("build-finished", pages.finish, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
