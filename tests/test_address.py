"""Where a copy of the book lives: the environment goes before `_config.yml`, and nothing else is believed."""

import pytest

from ltcbook.site import address

OURS, FORK = "https://github.com/us/book", "https://github.com/You/fork.2"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def copy(tmp_path, root):
    """A folder with the book's settings, as somebody has filled them in."""
    (tmp_path / "_config.yml").write_bytes((root / "_config.yml").read_bytes())
    address.write(tmp_path, url=OURS, branch="main", revision=COMMIT, site="https://example.org/book")
    return tmp_path


def test_the_environment_goes_before_the_file_and_changes_none(copy):
    before = (copy / "_config.yml").read_bytes()
    given = {
        "LTCBOOK_ADDRESS": f"{FORK}.git",
        "LTCBOOK_BRANCH": "notebooks",
        "LTCBOOK_SITE": "https://y.io/f/",
    }
    assert address.read(copy, given) == {
        "url": FORK,
        "branch": "notebooks",
        "revision": "",
        "site": "https://y.io/f",
    }
    assert address.read(copy, {}) == address.read(copy, {"LTCBOOK_ADDRESS": " ", "LTCBOOK_SITE": ""})
    assert address.read(copy, {}) == address.stands(copy) and address.stands(copy)["url"] == OURS
    assert (copy / "_config.yml").read_bytes() == before


def test_a_fork_has_neither_the_pages_nor_the_commit_of_the_repository_that_it_comes_from(copy):
    fork = address.read(copy, {"LTCBOOK_ADDRESS": FORK})
    assert (fork["site"], fork["revision"], fork["branch"]) == ("", "", "main")
    same = address.read(copy, {"LTCBOOK_ADDRESS": f"{OURS}/"})
    assert (same["site"], same["revision"]) == ("https://example.org/book", COMMIT)


@pytest.mark.parametrize(
    "variable, value",
    [
        ("LTCBOOK_ADDRESS", "git@github.com:you/fork.git"),
        ("LTCBOOK_ADDRESS", "https://gitlab.com/you/fork"),
        ("LTCBOOK_ADDRESS", "https://github.com/"),
        ("LTCBOOK_BRANCH", "a b"),
        ("LTCBOOK_SITE", "you.github.io/fork"),
        ("LTCBOOK_SITE", 'https://x.org/"><script>'),
        ("LTCBOOK_SITE", "https://x.org/?a=b"),
    ],
)
def test_what_cannot_be_is_refused_and_its_variable_named(copy, variable, value):
    with pytest.raises(ValueError, match=variable) as told:
        address.read(copy, {variable: value})
    assert repr(value) in str(told.value) and "give" in str(told.value)


def test_a_file_with_the_line_ends_of_windows_is_read_and_keeps_them(copy):
    path = copy / "_config.yml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    address.write(copy, url=FORK)
    assert address.stands(copy)["url"] == FORK
    assert b"\n" not in path.read_bytes().replace(b"\r\n", b"")


def test_a_file_without_the_place_is_named(copy):
    text = (copy / "_config.yml").read_text("utf8")
    (copy / "_config.yml").write_text(text.replace("  baseurl:", "  base:"), "utf8")
    with pytest.raises(ValueError, match="baseurl.*html:"):
        address.read(copy, {})
