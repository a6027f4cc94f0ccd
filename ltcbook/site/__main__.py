"""The one command of the book: `python -m ltcbook.site build`, and its sisters. `make` calls nothing else."""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Sequence
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import TextIOWrapper
from pathlib import Path

from ltcbook.site import address, build, publish, setup_cell, strip, tex


class Pages(SimpleHTTPRequestHandler):
    """Serves files without a line per request, scripts as scripts, whatever a machine calls them."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",
        ".svg": "image/svg+xml",
    }

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def serve(port: int) -> int:
    """Serve the rendered book on this machine until Ctrl-C; ValueError where the port cannot be had."""
    pages = functools.partial(Pages, directory=str(build.PUBLISHED))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), pages)
    except (OSError, OverflowError) as error:
        raise ValueError(f"port {port} cannot be had ({error}); choose another, as in --port 8001.") from None
    with server:
        print(f"Open http://127.0.0.1:{server.server_port}/ (Ctrl-C stops it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


def commands() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m ltcbook.site", description="The one command of the book."
    )
    parts = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parts.add_parser("build", help="render the book into _build/html (run again: only what changed)")
    part = parts.add_parser("serve", help="render the book and serve it on this machine")
    part.add_argument("--port", type=int, default=8000)
    parts.add_parser("pdf", help="print the book as one PDF (needs XeLaTeX)")
    part = parts.add_parser("publish", help="render the book for a web server, into a new or empty folder")
    part.add_argument("to", metavar="FOLDER")
    part.add_argument("--site", help="the address that the pages will have, as https://OWNER.github.io/REPO")
    parts.add_parser(
        "notebooks", help="push the chapters, pinned to their commit, to the branch that Colab opens"
    )
    part = parts.add_parser(
        "address", help="write the repository's address into _config.yml and the chapters"
    )
    part.add_argument("--url", help="https://github.com/OWNER/REPO; empty clears it")
    part.add_argument("--branch", help="the branch that Colab opens; with a url, git's current one")
    part.add_argument(
        "--revision", help="the commit to install instead of the branch's head; empty clears it"
    )
    part.add_argument("--site", help="where the pages are published; empty: where GitHub Pages does")
    parts.add_parser("strip", help="take outputs out of the chapters, keeping the cells' ids")
    return parser


def run(options: argparse.Namespace, root: Path) -> int:
    """Do what was asked; ValueError where it cannot be."""
    if options.command == "build":
        return build.main()
    if options.command == "serve":
        return build.main() or serve(options.port)
    if options.command == "pdf":
        from ltcbook.site import pdf

        return tex.main() or build.main() or pdf.main()
    if options.command == "publish":
        if options.site is not None:
            os.environ["LTCBOOK_SITE"] = options.site
        print(f"The site is ready for a web server:\n  {publish.publish(options.to)}")
    elif options.command == "notebooks":
        print(publish.push_notebooks(root))
    elif options.command == "address":
        given = {name: value for name in address.PLACES if (value := getattr(options, name)) is not None}
        print(setup_cell.rewrite(root, **given))
    else:
        print(strip.strip(root))
    return 0


def main(arguments: Sequence[str] | None = None, root: Path = address.ROOT) -> int:
    """Command line: the exit status is 0 only when all went well; what cannot be is one clear error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console of Windows may lack a letter
    options = commands().parse_args(arguments)
    try:
        return run(options, root)
    except (ValueError, OSError) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
