"""Find a Chromium for the site tests, or install one: `python tests/browser.py` prints its path. And wait
until its pages are drawn.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find():
    """Path of a Chromium: LTCBOOK_CHROMIUM, else one on the PATH, else Playwright's own, else None."""
    named = os.environ.get("LTCBOOK_CHROMIUM")
    if named:
        return named
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    return found or playwrights_own()


def playwrights_own():
    """The browser that `playwright install chromium` has put down, or None."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def install():
    """Debian's package where we may, else Playwright's own download; None when neither works."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        print("no Chromium found: installing Debian's package", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", *arguments], env=quiet, stdout=subprocess.DEVNULL)
        if find():
            return find()
    print("no Chromium found: trying Playwright's own", flush=True)
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])
    return find()


def drawn(page):
    """Wait until a page has drawn what just happened: three frames, so that what looks at sizes and at what
    is in sight has been asked too. A busy machine takes the time that it needs.
    """
    page.evaluate("""async () => {
        for (let k = 0; k < 3; k++) await new Promise(requestAnimationFrame);
        await new Promise(done => setTimeout(done));
    }""")


def main():
    """Exit with one clear error where no browser can be had."""
    path = find() or install()
    if path is None:
        sys.exit(
            "The site tests need a Chromium, and none could be found or installed. Install one (on Debian: "
            "sudo apt-get install chromium), or name yours in LTCBOOK_CHROMIUM."
        )
    print(f"browser: {path}")


if __name__ == "__main__":
    main()
