"""The style of the code, as ruff sees it: the settings stand in ``pyproject.toml``."""

import ast
import subprocess
import sys

import pytest


@pytest.mark.parametrize("command", [["check"], ["format", "--check", "--diff"]], ids=lambda c: c[0])
def test_ruff_finds_nothing_to_mend(root, command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "."], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_line_strings_statements_together_as_a_tuple(root):
    found = []
    for path in [*root.glob("ltcbook/**/*.py"), *root.glob("tests/*.py"), *root.glob("benchmarks/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf8"))):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Tuple):
                found.append(f"{path.relative_to(root)}:{node.lineno}")
    assert not found, f"one statement a line: {found}"
