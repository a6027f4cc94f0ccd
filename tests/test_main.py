"""`python -m ltcbook`: what is here, in a dozen lines; and `python -m ltcbook.site`: one command, one error."""

import re
import socket
import subprocess
import sys
import threading
import tomllib
from urllib.request import urlopen

import pytest

from ltcbook import __main__ as greeting
from ltcbook import __version__
from ltcbook.site import __main__ as command_line
from ltcbook.site import build, page_link


def test_a_dozen_lines_say_what_one_can_do(root):
    done = subprocess.run([sys.executable, "-m", "ltcbook"], cwd=root, capture_output=True, encoding="utf8")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and not done.stderr
    assert __version__ in lines[0] and 8 <= len(lines) <= 18
    assert max(map(len, lines)) <= 100 or str(root) in max(lines, key=len)
    typed = re.findall(r"^  python -m ([\w.]+) ", done.stdout, re.MULTILINE)
    assert {"ltcbook.site", "ltcbook.reproduce", "benchmarks"} <= set(typed)
    for module in typed:  # what it names is there, and has a help of its own
        helped = subprocess.run(
            [sys.executable, "-m", module, "--help"], cwd=root, capture_output=True, encoding="utf8"
        )
        assert helped.returncode == 0 and "usage" in helped.stdout, module


def test_it_knows_every_optional_part_and_names_what_is_missing(root, monkeypatch):
    extras = tomllib.loads((root / "pyproject.toml").read_text("utf8"))["project"]["optional-dependencies"]
    assert set(greeting.PARTS) == set(extras) - {"book"}
    assert all(any(line.startswith(greeting.PARTS[part]) for line in extras[part]) for part in greeting.PARTS)
    found = greeting.find_spec
    monkeypatch.setattr(
        greeting, "find_spec", lambda name: None if name in ("numba", "sympy") else found(name)
    )
    there, missing = greeting.parts()
    assert "torch (torch" in there and "numba" not in there
    assert missing == 'not there: pip install "ltcbook[symbolic,fast]"'


def test_an_installed_package_names_no_command_of_a_checkout(tmp_path, monkeypatch):
    (tmp_path / "ltcbook" / "reproduce").mkdir(parents=True)
    (tmp_path / "ltcbook" / "reproduce" / "__main__.py").touch()
    notes = tmp_path / "ltcbook-0.1.0.dist-info"
    notes.mkdir()
    (notes / "METADATA").write_text("Name: ltcbook\nVersion: 0.1.0\n", "utf8")
    monkeypatch.setattr(greeting, "HERE", tmp_path / "ltcbook")
    words = greeting.words()
    assert "ltcbook.reproduce" in words and "ltcbook.site" not in words and "benchmarks" not in words
    assert "help(ltcbook)" in greeting.reading()
    (notes / "direct_url.json").write_text('{"url": "https://github.com/you/book"}', "utf8")
    assert greeting.reading() == "https://github.com/you/book"


def test_what_cannot_be_is_one_line_and_an_exit_status(monkeypatch, capsys, tmp_path):
    before = sorted(build.BUILD.rglob("*.sha256"))
    times = [path.stat().st_mtime_ns for path in before]
    monkeypatch.setenv("LTCBOOK_ADDRESS", "you/fork")
    for arguments in (["build"], ["serve"], ["publish", str(tmp_path / "site")], ["notebooks"]):
        assert command_line.main(arguments) == 1
        said = capsys.readouterr()
        assert said.out == "" and said.err.startswith(
            f"{arguments[0]}: LTCBOOK_ADDRESS: 'you/fork' is no repository"
        )
        assert said.err.count("\n") == 1
    assert not list(tmp_path.iterdir()) and [path.stat().st_mtime_ns for path in before] == times


def test_a_python_without_the_books_tools_is_told_how_to_get_them(monkeypatch, capsys):
    monkeypatch.setattr(build, "find_spec", lambda name: None)
    monkeypatch.setattr(build, "forget_what_changed", lambda: pytest.fail("something was written"))
    assert command_line.main(["build"]) == 1
    told = capsys.readouterr().err
    assert sys.executable in told and "-m pip install -r requirements.lock -e ." in told


def test_a_port_that_is_taken_is_named(monkeypatch, capsys):
    monkeypatch.setattr(build, "main", lambda: 0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert command_line.main(["serve", "--port", port]) == 1
    assert f"port {port} cannot be had" in capsys.readouterr().err


def test_the_book_is_served_with_scripts_that_a_browser_takes(site, monkeypatch):
    types = {}

    def visited(server):  # in the place of waiting for visitors
        threading.Thread(target=server.handle_request, daemon=True).start()
        with urlopen(f"http://127.0.0.1:{server.server_port}/_static/book.js") as answer:
            types["book.js"], text = answer.headers["Content-Type"], answer.read()
        assert text == (site / "_static" / "book.js").read_bytes()

    monkeypatch.setattr(command_line.ThreadingHTTPServer, "serve_forever", visited)
    assert command_line.serve(0) == 0 and types == {"book.js": "text/javascript"}


def test_the_command_line_writes_the_address(root, tmp_path, capsys):
    (tmp_path / "_config.yml").write_bytes((root / "_config.yml").read_bytes())
    (tmp_path / "chapters").mkdir()
    chapter = tmp_path / "chapters" / "lyapunov.ipynb"
    chapter.write_bytes((root / "chapters" / "lyapunov.ipynb").read_bytes())
    given = ["--url", "https://github.com/you/book", "--branch", "main", "--site", "https://example.org/"]
    assert command_line.main(["address", *given], tmp_path) == 0
    assert "lyapunov.ipynb" in capsys.readouterr().out
    assert page_link.page("", "lyapunov", site="https://example.org") in chapter.read_text("utf8")


def test_make_has_no_second_way(root):
    lines = (root / "Makefile").read_text("utf8")
    assert not re.findall(r"-m ltcbook\.site\.\w+", lines)
    text = "".join(
        (root / name).read_text("utf8")
        for name in ("README.md", "CONTRIBUTING.md", ".pre-commit-config.yaml")
    )
    assert not re.findall(r"-m ltcbook\.site\.\w+", text)
    asked = set(re.findall(r"\bltcbook\.site (\w+)", lines))
    assert asked == set(command_line.commands()._subparsers._group_actions[0].choices)
