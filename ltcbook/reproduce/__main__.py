"""``python -m ltcbook.reproduce NAME [--sample]``: make a stored table anew, or look whether a part of it
still comes out.
"""

import argparse
import sys
from importlib.resources import files
from pathlib import Path

from . import STUDIES, differences, stored, study, written


def main(words=None):
    """Run one study; the exit status is 0 where its table was written or, with --sample, where the sample
    agrees.
    """
    parser = argparse.ArgumentParser(
        prog="python -m ltcbook.reproduce", description="Make a stored table of the book anew."
    )
    parser.add_argument("name", help=f"which study: {', '.join(STUDIES)}")
    parser.add_argument(
        "--sample", action="store_true", help="compute a part of it and compare with the stored table"
    )
    given = parser.parse_args(words)
    try:
        found = study(given.name)
    except ValueError as error:
        parser.error(str(error))
    table = found.make(sample=given.sample, progress=True)
    if given.sample:
        wrong = differences(table, stored(given.name), found.TOLERANCE)
        print("\n".join(wrong) or f"The sample of {given.name!r} agrees with the stored table.")
        return int(bool(wrong))
    path = Path(str(files("ltcbook"))) / "data" / found.FILE
    written(table, path)
    print(f"{path} is written.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
