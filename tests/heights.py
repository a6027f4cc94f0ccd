"""How tall every explorer is at every width: `python tests/heights.py` writes it to
ltcbook/widgets/static/heights.json.

The pages keep that height free while an explorer wakes, so that the text below never jumps.
"""

import json
import sys
from pathlib import Path

from browser import drawn

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "ltcbook" / "widgets" / "static" / "heights.json"
WIDTHS = (288, 328, 358, 396, 460, 461, 530, 599, 600, 660, 736, 800, 900, 1000)
PIXEL = "R0lGODlhAQABAAAAACwAAAAAAQABAAA="  # the waiting picture does not matter here
PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>x</title><body style="margin:0">{body}</body></html>'


def explorers():
    """Room -> the explorer as the book shows it, without the frames that only a moved control needs."""
    from ltcbook import widgets

    kinds = [
        vars(widgets)[name] for name in widgets.__all__ if name.endswith("Explorer") and name != "Explorer"
    ]
    made = [kind() for kind in kinds] + [
        kind(compact=True) for kind in (widgets.ThresholdExplorer, widgets.DriverExplorer)
    ]
    for one in made:
        one.fill_table = lambda: None
    return {one.room: one for one in made}


def measured(browser, explorer, folder, widths=WIDTHS):
    """[[width, height], ...] of one explorer, alive."""
    file = Path(folder) / "height.html"
    file.write_text(PAGE.format(body=explorer.to_html(png=PIXEL)), "utf8")
    page = browser.new_page(reduced_motion="reduce")
    page.goto(file.as_uri())
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("w => document.querySelector('.ltc-widget').clientWidth === w", arg=width)
        drawn(page)
        found.append([width, round(page.evaluate("document.querySelector('.ltc-widget').offsetHeight"))])
    page.close()
    return found


def main():
    """Measure all, or the rooms that are named, and write the file."""
    import tempfile

    import browser as chromium
    from conftest import CHROMIUM_FLAGS
    from playwright.sync_api import sync_playwright

    known = json.loads(FILE.read_text("utf8")) if FILE.is_file() else {}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        running = playwright.chromium.launch(executable_path=chromium.find(), args=CHROMIUM_FLAGS)
        for room, explorer in explorers().items():
            if not sys.argv[1:] or room in sys.argv[1:]:
                known[room] = measured(running, explorer, folder)
        running.close()
    rows = {room: ",\n".join(f"    {json.dumps(pair)}" for pair in known[room]) for room in sorted(known)}
    FILE.write_text(
        "{\n" + ",\n".join(f'  "{room}": [\n{pairs}\n  ]' for room, pairs in rows.items()) + "\n}\n", "utf8"
    )


if __name__ == "__main__":
    main()
