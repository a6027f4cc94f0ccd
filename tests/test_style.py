"""The style of the code, as ruff sees it: the settings stand in ``pyproject.toml``."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("command", [["check"], ["format", "--check", "--diff"]], ids=lambda c: c[0])
def test_ruff_finds_nothing_to_mend(root, command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "."], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
