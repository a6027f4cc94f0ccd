"""The style of the code, as ruff sees it: the settings stand in ``pyproject.toml``."""

import ast
import subprocess
import sys

import pytest


def sources(root):
    """All Python of the repository but the chapters'."""
    return [*root.glob("ltcbook/**/*.py"), *root.glob("tests/*.py"), *root.glob("benchmarks/*.py")]


@pytest.mark.parametrize("command", [["check"], ["format", "--check", "--diff"]], ids=lambda c: c[0])
def test_ruff_finds_nothing_to_mend(root, command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "."], cwd=root, capture_output=True, encoding="utf8"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_line_strings_statements_together_as_a_tuple(root):
    found = []
    for path in sources(root):
        for node in ast.walk(ast.parse(path.read_text("utf8"))):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Tuple):
                found.append(f"{path.relative_to(root)}:{node.lineno}")
    assert not found, f"one statement a line: {found}"


def test_no_network_asks_for_a_union_of_types(root):
    """torch 2.7, the oldest that pyproject.toml allows, can neither compile nor export what does."""
    found = []
    for path in root.glob("ltcbook/**/*.py"):
        if path.parent.name in ("check", "course"):  # no network passes there
            continue
        for node in ast.walk(ast.parse(path.read_text("utf8"))):
            asks = isinstance(node, ast.Call) and getattr(node.func, "id", None) == "isinstance"
            if asks and isinstance(node.args[1], ast.BinOp):
                found.append(f"{path.relative_to(root)}:{node.lineno}")
    assert not found, f"give isinstance a tuple: {found}"


def wants_an_encoding(call):
    """Whether a call reads or writes text and leaves the encoding to the machine, which on Windows is not UTF-8."""
    function, given = call.func, {keyword.arg for keyword in call.keywords}
    owner = getattr(getattr(function, "value", None), "id", None)
    if "encoding" in given or owner in {"Image", "tarfile"}:  # those open what is no text
        return False
    name = getattr(function, "attr", getattr(function, "id", None))
    said = {argument.value for argument in call.args if isinstance(argument, ast.Constant)}
    return (
        (name == "open" and not said & {"rb", "wb"})
        or (name == "read_text" and not call.args)
        or (name == "write_text" and len(call.args) < 2)
        or (name in {"run", "Popen", "check_output"} and "text" in given)
    )


def test_no_file_and_no_program_is_read_in_the_encoding_of_the_machine(root):
    found = []
    for path in sources(root):
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf8"))) if isinstance(node, ast.Call)]
        found += [f"{path.relative_to(root)}:{c.lineno}" for c in calls if wants_an_encoding(c)]
    assert not found, f'say encoding="utf8": {found}'
