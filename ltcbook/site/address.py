"""Where this copy of the book lives: the repository's address, and the address of its published pages.

Both stand in `_config.yml`, where `make address` writes them. The environment goes before it, so that whoever
builds a fork changes no file: `LTCBOOK_ADDRESS` (https://github.com/OWNER/REPO), `LTCBOOK_BRANCH` (the branch
that Colab opens) and `LTCBOOK_SITE` (where the pages are published).

A notebook cannot name the commit that holds it. So in the repository a chapter installs from its own branch,
and the notebooks that a rendered page offers name the commit that the page was built from (`pin`).
"""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ltcbook.site.notebook import load, replace

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"https://github\.com/[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
BRANCH = re.compile(r"(?!.*(?:\.\.|//|/\.|\.lock$|[./]$))[A-Za-z0-9_][A-Za-z0-9._/-]*")
SITE = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9._~%-]+)*")
COMMIT = re.compile(r"[0-9a-f]{40}")
PACKAGE = ("ltcbook", "pyproject.toml")  # what pip installs of a commit
# name -> where it stands in `_config.yml`, and the variable that goes before it
PLACES = {
    "url": ("repository", "url", "LTCBOOK_ADDRESS"),
    "branch": ("repository", "branch", "LTCBOOK_BRANCH"),
    "revision": ("repository", "revision", None),
    "site": ("html", "baseurl", "LTCBOOK_SITE"),
}


# --- what each may be
# -----------------------------------------------------------------------------------------


def checked(url: str) -> str:
    """The address without a closing slash or `.git`, or "" for none; ValueError for anything else."""
    plain = url.strip().removesuffix("/").removesuffix(".git")
    if plain and not ADDRESS.fullmatch(plain):
        raise ValueError(
            f"{url!r} is no repository address that Colab can open; "
            "give https://github.com/OWNER/REPO, or nothing to clear it."
        )
    return plain


def checked_branch(branch: str) -> str:
    """The branch's name; ValueError for what no branch can be called."""
    if not BRANCH.fullmatch(branch):
        raise ValueError(f"{branch!r} is no branch's name; give one, as in BRANCH=main.")
    return branch


def checked_site(site: str) -> str:
    """The pages' address without a closing slash, or "" for none; ValueError for anything else."""
    plain = site.strip().rstrip("/")
    if plain and not SITE.fullmatch(plain):
        raise ValueError(
            f"{site!r} is no address that pages can be published at; "
            "give one as https://OWNER.github.io/REPO, or nothing to clear it."
        )
    return plain


def checked_revision(revision: str, root: Path = ROOT) -> str:
    """The whole name of a commit whose package is the one that lies here, or "" for none; ValueError for
    anything else.
    """
    if not revision:
        return ""
    if COMMIT.fullmatch(revision) and git(root, "rev-parse", "--git-dir") is None:
        return revision  # nobody here to ask
    commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        raise ValueError(
            f"{revision!r} is no commit that git knows here; give one (REVISION=HEAD), "
            "or nothing to clear it."
        )
    if not holds_the_package(commit, root):
        raise ValueError(
            f"the chapters would install the commit {commit}, and {' or '.join(PACKAGE)} has changed since. "
            "Commit, then give the new commit (REVISION=HEAD), or nothing (REVISION=) to install from "
            "the branch."
        )
    return commit


# --- what git knows
# -----------------------------------------------------------------------------------------


def git(root: Path, *arguments: str) -> str | None:
    """What git says, or None where it is missing or says no."""
    try:
        return subprocess.run(
            ["git", *arguments], cwd=root, check=True, capture_output=True, encoding="utf8"
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def holds_the_package(commit: str, root: Path = ROOT) -> bool:
    """Whether pip would install from this commit what lies here."""
    new = git(root, "ls-files", "--others", "--exclude-standard", "--", *PACKAGE)
    return new == "" and git(root, "diff", "--quiet", commit, "--", *PACKAGE) is not None


def pin(root: Path = ROOT) -> str:
    """What the notebooks on a rendered page install: the commit that it was built from, else the branch."""
    here = read(root)
    commits = (here["revision"], git(root, "rev-parse", "HEAD"))
    return next((commit for commit in commits if commit and holds_the_package(commit, root)), here["branch"])


# --- the place where they stand
# -----------------------------------------------------------------------------------------


def line(name: str) -> re.Pattern[str]:
    """Finds the line of one of `PLACES` in `_config.yml`."""
    section, key, _ = PLACES[name]
    return re.compile(rf'^({section}:\r?\n(?:  .*\n)*?  {key}: *)(?:"([^"\n]*)"|([^\s#"]*))', re.MULTILINE)


def stands(root: Path = ROOT) -> dict[str, str]:
    """The address ("url"), "branch", "revision" and "site" as they stand in `_config.yml`."""
    text, found = load(root / "_config.yml"), {}
    for name, (section, key, _) in PLACES.items():
        match = line(name).search(text)
        if match is None:
            raise ValueError(f'_config.yml has no line `{key}: "..."` below `{section}:`')
        found[name] = match[2] or match[3] or ""
    return found


def installs(root: Path = ROOT) -> str:
    """What the chapters in the repository install: the revision that stands in the file, else the branch."""
    here = stands(root)
    return here["revision"] or here["branch"]


def read(root: Path = ROOT, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Where this copy lives: what the environment says, else what stands in `_config.yml`.

    ValueError where the environment names what cannot be. With another repository's address in the
    environment, the revision and the pages' address that stand in the file are not this copy's.
    """
    here = stands(root)
    given = {name: environment.get(variable or "", "").strip() for name, (*_, variable) in PLACES.items()}
    for name, check in (("url", checked), ("branch", checked_branch), ("site", checked_site)):
        if given[name]:
            try:
                given[name] = check(given[name])
            except ValueError as error:
                raise ValueError(f"{PLACES[name][2]}: {error}") from None
    if given["url"] not in ("", here["url"]):
        here |= {"revision": "", "site": ""}
    return here | {name: value for name, value in given.items() if value}


def write(root: Path = ROOT, **new: str) -> None:
    """Write "url", "branch", "revision" or "site" into `_config.yml`; the rest of the file stays as it is."""
    here, text = stands(root), load(root / "_config.yml")
    for name, value in new.items():
        if value != here[name]:
            text = line(name).sub(rf'\g<1>"{value}"', text)
    replace(root / "_config.yml", text)
