"""The course's command line: `python -m ltcbook.course COMMAND`."""

import argparse
import sys
from collections.abc import Sequence

from . import bank, classroom, grade, outline, release

COMMANDS = (release, grade, classroom, bank, outline)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; a mistake of the caller's becomes one sentence and the status 2."""
    parser = argparse.ArgumentParser(
        prog="python -m ltcbook.course", description="From the chapters to a course."
    )
    parsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(parsers)
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
