"""A copy of the rendered book for any web server, and a branch with the chapters for Colab."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from ltcbook.site import address, build, setup_cell

MARK = ".ltcbook-site"  # names our files in a folder that we have published to
COMING = ".ltcbook-coming"  # the new files, until all are there
TITLE = "# The chapters as notebooks"
NOTEBOOKS = """{title}

Made by `make notebooks` from {url}/tree/{commit}.
Each installs `ltcbook` at that commit, so that copies which readers keep still run in years. Edit them there.
"""


def publish(to: str) -> Path:
    """Render the book and put it into a folder, which is empty, new, or was published to before.

    Return the folder. ValueError, and nothing changed there, where it is another's or a chapter fails.
    """
    if not to:
        raise ValueError("publish to which folder? Name a new or empty one, as in: make publish TO=../site")
    folder = Path(to).resolve()
    ours_before(folder)
    if not build.render():
        raise ValueError(f"{folder} is as it was.")
    put(build.STAGE / "html", folder)
    return folder


def ours_before(folder: Path) -> set[str]:
    """The files that we published to a folder before; ValueError where it holds only what is another's."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; publish to a folder.")
    if (folder / MARK).is_file():
        return set((folder / MARK).read_text("utf8").splitlines())
    others = sorted(path.name for path in folder.iterdir() if path.name != COMING) if folder.is_dir() else []
    if others:
        raise ValueError(
            f"{folder} is not empty and was not published by this command (it holds {', '.join(others[:3])}"
            f"{' and more' if len(others) > 3 else ''}); publish to a new folder, or empty this one."
        )
    return set()


def put(source: Path, folder: Path, root: Path = address.ROOT) -> None:
    """Put rendered pages into a folder. All files are written before the first one takes its place; what we
    published before and is no more goes, and files of others (CNAME, .git) stay.
    """
    before, fresh, coming = ours_before(folder), not folder.exists(), folder / COMING
    shutil.rmtree(coming, ignore_errors=True)
    try:
        shutil.copytree(source, coming)
        build.pin_downloads(coming / "_sources", root)
        files = sorted(path.relative_to(coming).as_posix() for path in coming.rglob("*") if path.is_file())
        taken = [name for name in files if name not in before and (folder / name).exists()]
        if taken:
            raise ValueError(
                f"{folder / taken[0]} is not ours, and the site has a file of that name; move it."
            )
        (coming / MARK).write_text("\n".join(files) + "\n", "utf8")
        for name in [*files, MARK]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(coming / name, folder / name)
    finally:
        shutil.rmtree(coming, ignore_errors=True)
        if fresh and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    for name in before - set(files):
        (folder / name).unlink(missing_ok=True)
        for parent in (folder / name).parents:
            if parent == folder or not parent.is_dir() or any(parent.iterdir()):
                break
            parent.rmdir()


# --- the chapters for Colab
# -----------------------------------------------------------------------------------------


def write_notebooks(folder: Path, root: Path = address.ROOT) -> str:
    """Write the chapters into a new folder, each pinned to the commit that holds the package.

    Return that commit. ValueError without an address, or where no commit holds what lies here.
    """
    here, commit = address.read(root), address.pin(root)
    if not here["url"]:
        raise ValueError(
            "the notebooks need the repository's address: set LTCBOOK_ADDRESS=https://github.com/OWNER/REPO."
        )
    if (
        not address.COMMIT.fullmatch(commit)
        or address.git(root, "diff", "--quiet", "HEAD", "--", "chapters") is None
    ):
        raise ValueError(
            f"no commit holds chapters, {' and '.join(address.PACKAGE)} as they lie here; commit first."
        )
    for name in git(root, "ls-files", "chapters", "LICENSE-text").splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, folder / name)
    (folder / "README.md").write_text(NOTEBOOKS.format(title=TITLE, url=here["url"], commit=commit), "utf8")
    for path in sorted((folder / "chapters").glob("*.ipynb")):
        setup_cell.update(path, here["url"], commit, here["site"])
    return commit


def push_notebooks(root: Path = address.ROOT, remote: str = "origin") -> str:
    """Put the pinned chapters on top of the branch that Colab opens, push it, and say so.

    The branch holds nothing but them: one that holds anything else is refused. The work tree and its branches
    stay as they are.
    """
    branch = address.read(root)["branch"]
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary) / "tree"
        commit = write_notebooks(tree, root)
        if not git(root, "branch", "--remotes", "--contains", commit):
            raise ValueError(
                f"Colab would install the commit {commit}, which {remote} does not have; push it first."
            )
        before = git(root, "ls-remote", remote, f"refs/heads/{branch}").partition("\t")[0]
        if before:
            git(root, "fetch", "--quiet", "--no-tags", remote, branch)
            if not (address.git(root, "show", f"{before}:README.md") or "").startswith(TITLE):
                raise ValueError(
                    f"the branch {branch} of {remote} holds more than notebooks; name one of their own, "
                    "as in LTCBOOK_BRANCH=notebooks."
                )
        index = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
        folder = git(root, "rev-parse", "--absolute-git-dir")
        git(tree, f"--git-dir={folder}", f"--work-tree={tree}", "add", "--all", "--force", ".", **index)
        made = git(root, "write-tree", **index)
        if before and git(root, "rev-parse", f"{before}^{{tree}}") == made:
            return f"the branch {branch} has these notebooks already, pinned to {commit}"
        name, mail, date = git(root, "log", "-1", "--format=%an%n%ae%n%aI", commit).splitlines()
        who = {
            f"GIT_{role}_{k}": v
            for role in ("AUTHOR", "COMMITTER")
            for k, v in (("NAME", name), ("EMAIL", mail), ("DATE", date))
        }
        parents = ["-p", before] if before else []
        new = git(root, "commit-tree", made, *parents, "-m", f"Notebooks pinned to {commit}", **who)
        git(root, "push", "--quiet", remote, f"{new}:refs/heads/{branch}")
    return f"the branch {branch} has the notebooks, pinned to {commit}"


def git(root: Path, *arguments: str, **environment: str) -> str:
    """What git says; ValueError, in its words, where it says no."""
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=os.environ | environment, capture_output=True, encoding="utf8"
    )
    if done.returncode:
        raise ValueError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()
