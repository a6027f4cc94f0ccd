"""What is installed and what is published: a wheel and a source distribution, made from a clean copy."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes, policy

import pytest

from ltcbook.site import address

FOLDERS = ("benchmarks", "chapters", "ltcbook", "tests")
HOMES = {"LTCBOOK_ADDRESS": "https://github.com/you/book", "LTCBOOK_SITE": "https://you.github.io/book"}
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
    address.write(there, url="", revision="", site="")  # whatever a fork has written
    return there


def files(folder):
    """The paths of all files in a folder, from the folder above it."""
    return {path.relative_to(folder.parent).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def wheel(copy, tmp_path_factory):
    """Name -> bytes, for all files in a wheel that was built where no address is known."""
    out = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(out)]
    homeless = {name: value for name, value in os.environ.items() if name not in HOMES}
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(copy)], check=True, env=homeless)
    (path,) = out.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def sdist(copy, tmp_path_factory):
    """Name without the first folder -> bytes, for all files in a source distribution whose addresses are known."""
    out = tmp_path_factory.mktemp("sdist")
    code = f"from setuptools import build_meta; build_meta.build_sdist({str(out)!r})"
    subprocess.run(
        [sys.executable, "-c", code], cwd=copy, check=True, capture_output=True, env=os.environ | HOMES
    )
    (path,) = out.glob("*.tar.gz")
    with tarfile.open(path) as tar:
        return {file.name.partition("/")[2]: tar.extractfile(file).read() for file in tar if file.isfile()}


def test_a_wheel_says_that_the_package_has_types(wheel):
    assert "ltcbook/py.typed" in wheel


def test_a_wheel_holds_all_of_the_package_but_what_works_on_a_checkout(copy, wheel):
    """The build of the site, and the course's releases."""
    elsewhere = ("ltcbook/site/", "ltcbook/course/")
    ours = {name for name in files(copy / "ltcbook") if not name.startswith(elsewhere)}
    documents = {
        name for name in ours if name.endswith(".d.ts")
    }  # types of the JavaScript, for those who write it
    assert ours - documents <= set(wheel), sorted(ours - set(wheel))
    assert {name for name in wheel if ".dist-info/" not in name} <= ours


def test_a_source_distribution_holds_the_book_and_the_tests_with_all_that_they_need(copy, sdist):
    missing = set().union(*(files(copy / folder) for folder in FOLDERS)) - set(sdist)
    assert not missing, sorted(missing)
    assert {
        "pyproject.toml",
        "README.md",
        "Makefile",
        "_config.yml",
        "_toc.yml",
        "requirements.lock",
        "setup.py",
    } <= set(sdist)
    assert not {name for name in sdist if "__pycache__" in name or name.startswith("_build")}


def told(metadata):
    """The addresses of a package's metadata, and what its description links to."""
    message = message_from_bytes(metadata, policy=policy.default)
    assert message["Description-Content-Type"] == "text/markdown"
    text = metadata.decode("utf8").partition("\n\n")[2]
    assert text.startswith("# Liquid time-constant networks") and "CHANGELOG.md" in text
    return message.get_all("Project-URL", []), re.findall(r"\]\(([^)\s]+)\)", text)


def test_a_package_built_where_no_address_is_known_links_to_nothing(wheel):
    (name,) = (name for name in wheel if name.endswith(".dist-info/METADATA"))
    assert told(wheel[name]) == ([], [])


def test_a_package_built_where_its_addresses_are_known_links_to_files_that_are_there(root, sdist):
    urls, links = told(sdist["PKG-INFO"])
    assert urls == [f"Repository, {HOMES['LTCBOOK_ADDRESS']}", f"Documentation, {HOMES['LTCBOOK_SITE']}"]
    assert len(links) > 5
    for link in links:
        before, _, path = link.partition("/blob/HEAD/")
        assert before == HOMES["LTCBOOK_ADDRESS"] and (root / path).is_file(), link
