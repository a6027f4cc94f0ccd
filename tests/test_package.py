"""What is installed and what is published: a wheel and a source distribution, made from a clean copy."""

import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

FOLDERS = ("benchmarks", "chapters", "ltcbook", "tests")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.py[cod]", "node_modules", ".ipynb_checkpoints")


@pytest.fixture(scope="module")
def copy(root, tmp_path_factory):
    """A copy of the repository as it is published: no build, no cache, no environment."""
    there = tmp_path_factory.mktemp("copy")
    for folder in FOLDERS:
        shutil.copytree(root / folder, there / folder, ignore=LEFT_OUT)
    for path in root.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copy(path, there)
    return there


def files(folder):
    """The paths of all files in a folder, from the folder above it."""
    return {path.relative_to(folder.parent).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def wheel(copy, tmp_path_factory):
    """The names of all files in the wheel."""
    out = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(out)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(copy)], check=True)
    (path,) = out.glob("*.whl")
    return set(zipfile.ZipFile(path).namelist())


@pytest.fixture(scope="module")
def sdist(copy, tmp_path_factory):
    """The names of all files in the source distribution, without its first folder."""
    out = tmp_path_factory.mktemp("sdist")
    code = f"from setuptools import build_meta; build_meta.build_sdist({str(out)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=copy, check=True, capture_output=True)
    (path,) = out.glob("*.tar.gz")
    with tarfile.open(path) as tar:
        return {name.partition("/")[2] for name in tar.getnames()}


def test_a_wheel_says_that_the_package_has_types(wheel):
    assert "ltcbook/py.typed" in wheel


def test_a_wheel_holds_all_of_the_package_but_what_works_on_a_checkout(copy, wheel):
    """The build of the site, and the course's releases."""
    elsewhere = ("ltcbook/site/", "ltcbook/course/")
    ours = {name for name in files(copy / "ltcbook") if not name.startswith(elsewhere)}
    documents = {
        name for name in ours if name.endswith(".d.ts")
    }  # types of the JavaScript, for those who write it
    assert ours - documents <= wheel, sorted(ours - wheel)
    assert {name for name in wheel if ".dist-info/" not in name} <= ours


def test_a_source_distribution_holds_the_book_and_the_tests_with_all_that_they_need(copy, sdist):
    missing = set().union(*(files(copy / folder) for folder in FOLDERS)) - sdist
    assert not missing, sorted(missing)
    assert {
        "pyproject.toml",
        "README.md",
        "Makefile",
        "_config.yml",
        "_toc.yml",
        "requirements.lock",
    } <= sdist
    assert not {name for name in sdist if "__pycache__" in name or name.startswith("_build")}
