"""What print needs of the machine, looked for before anything starts: `make pdf` calls this file with the
Python at hand.

Nothing but the standard library is imported: the book's own environment need not be there yet.
"""

import os
import shutil
import subprocess
import sys

# Debian's package -> what it brings, itself or with what it needs
PROGRAMS = {"texlive-xetex": ["xelatex", "xdvipdfmx", "kpsewhich"], "fontconfig": ["fc-list"]}
FILES = {
    "texlive-xetex": [
        "alltt.sty",
        "amsmath.sty",
        "amssymb.sty",
        "amstext.sty",
        "atbegshi.sty",
        "booktabs.sty",
        "cmap.sty",
        "colortbl.sty",
        "etoolbox.sty",
        "fancyhdr.sty",
        "fancyvrb.sty",
        "float.sty",
        "fontspec.sty",
        "geometry.sty",
        "graphicx.sty",
        "hypcap.sty",
        "hyperref.sty",
        "kvoptions.sty",
        "longtable.sty",
        "ltxcmds.sty",
        "makeidx.sty",
        "multicol.sty",
        "parskip.sty",
        "polyglossia.sty",
        "textcomp.sty",
        "xcolor.sty",
    ],
    "texlive-latex-extra": [
        "accsupp.sty",
        "capt-of.sty",
        "ellipse.sty",
        "framed.sty",
        "needspace.sty",
        "newunicodechar.sty",
        "pict2e.sty",
        "tabulary.sty",
        "titlesec.sty",
        "upquote.sty",
        "varwidth.sty",
        "wrapfig.sty",
    ],
    "texlive-fonts-recommended": ["pzdr.tfm"],  # hyperref's own
}
FONTS = {  # as fontconfig finds them, which XeLaTeX asks
    "fonts-lmodern": ["Latin Modern Roman", "Latin Modern Sans"],
    "fonts-dejavu": ["DejaVu Sans", "DejaVu Sans Mono", "DejaVu Sans Mono:style=Oblique"],
}
NEEDED = [name for kind in (PROGRAMS, FILES, FONTS) for names in kind.values() for name in names]
SHOWN = 8  # names in one message
PACKAGES = sorted({*PROGRAMS, *FILES, *FONTS})


def there(*command):
    """What a program says, or "" where it is missing."""
    try:
        return subprocess.run(command, capture_output=True, encoding="utf8").stdout
    except OSError:
        return ""


def missing():
    """Programs, files of TeX and fonts that print needs and that this machine lacks."""
    files = {path.rpartition("/")[2] for path in there("kpsewhich", *sum(FILES.values(), [])).splitlines()}
    fonts = {name for name in sum(FONTS.values(), []) if there("fc-list", name)}
    programs = {name for name in sum(PROGRAMS.values(), []) if shutil.which(name)}
    return [name for name in NEEDED if name not in programs | files | fonts]


def advice(lacking):
    """What is missing, and the command that brings it."""
    more = f" and {len(lacking) - SHOWN} more" if len(lacking) > SHOWN else ""
    return (
        f"To print the book, this is missing: {', '.join(lacking[:SHOWN])}{more}. "
        f"On Debian or Ubuntu: sudo apt-get install {' '.join(PACKAGES)}"
    )


def install():
    """Debian's packages, where we may."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
        subprocess.run(["apt-get", *arguments], env=quiet, stdout=subprocess.DEVNULL, check=False)


def main():
    """Exit with one clear error where something is missing and cannot be had."""
    lacking = missing()
    if lacking and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"{advice(lacking)}\ninstalling these packages", flush=True)
        install()
        lacking = missing()
    return advice(lacking) if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
