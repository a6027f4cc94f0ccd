"""Running the chapters into Jupyter's cache."""

import nbformat
from jupyter_cache import get_cache

from ltcbook.site import execute

ONCE = """\
import pathlib, sys
if not pathlib.Path("said").exists():
    pathlib.Path("said").touch()
    print("a port was taken", file=sys.stderr)"""


def test_a_chapter_that_complained_once_runs_again_and_one_that_is_well_does_not(tmp_path, capsys):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "_config.yml").write_text("execute: {timeout: 60, allow_errors: false}\n", "utf8")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: chapters/one\n", "utf8")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(ONCE)])
    nbformat.write(book, tmp_path / "chapters" / "one.ipynb")

    def ran():
        execute.run(tmp_path, tmp_path / "cache")
        return "one.ipynb: ran" in capsys.readouterr().out

    def kept():
        cache = get_cache(tmp_path / "cache")
        return cache.get_cache_bundle(cache.match_cache_notebook(book).pk).nb

    assert ran() and execute.complains(kept())
    assert ran() and not execute.complains(kept())
    assert not ran()
