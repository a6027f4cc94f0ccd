"""Release and grade every chapter with otter and nbgrader: `python tests/grade_all.py [CHAPTER...]`.

A student who is right everywhere gets all points, one who hands in what was handed out gets none, and one with
planted mistakes in every second exercise gets exactly what the checks say. Prints a table, and ends with the
status 1 where a score is another one. The instructor's copies are not run here, which would train networks for
their solutions: the book does that as it is rendered. So the notebooks come without hints.
"""

import contextlib
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import submissions
from test_course import astray, without_leaks

from ltcbook.course import paper, release, source


def row(chapter, system, folder):
    """(full, blank, partly wrong, what the last one should be, points) of a chapter in a system."""
    to = Path(folder) / f"{chapter}-{system}"
    release.release(release.Options((chapter,), to, system, exercises_only=True), lambda line: None)
    found = submissions.exercises(chapter, ROOT)
    empty = submissions.handed_out(to, chapter)
    without_leaks(found, source.read(chapter), empty)
    assert not astray(empty), astray(empty)
    extra = submissions.planted(chapter, found, ROOT)
    wanted = submissions.expected(chapter, found, extra, ROOT)
    books = (submissions.filled(empty, found), empty, submissions.filled(empty, found, extra))
    full, blank, some = (submissions.score(book, chapter, to)[0] for book in books)
    truth = {name: wanted[name][submissions.SYSTEMS.index(system)] for name in full}
    odd = [
        f"{name}: {some.get(name)} instead of {value}"
        for name, value in truth.items()
        if some.get(name) != value
    ]
    return [*(sum(each.values()) for each in (full, blank, some, truth)), len(full), odd]


def main(chapters):
    """Print the table; the number of rows that are not as they should be."""
    wrong = 0
    paper.run = lambda made, root, timeout: {}
    table = sys.stdout
    cases = [(chapter, system) for chapter in chapters for system in submissions.SYSTEMS]
    print(
        f"{'chapter':<18}{'system':<10}{'full':>6}{'blank':>7}{'partly':>8}{'wanted':>8}{'of':>4}{'seconds':>9}"
    )
    with (
        contextlib.redirect_stdout(sys.stderr),  # what the chapters' cells print
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(2) as pool,
    ):

        def timed(case):
            start = time.monotonic()
            try:
                return row(*case, folder), time.monotonic() - start
            except Exception as error:
                return error, time.monotonic() - start

        for (chapter, system), (found, seconds) in zip(cases, pool.map(timed, cases)):
            if isinstance(found, Exception):
                print(
                    f"{chapter:<18}{system:<10}{type(found).__name__}: {str(found)[:300]}",
                    flush=True,
                    file=table,
                )
                wrong += 1
                continue
            full, blank, some, truth, points, odd = found
            fine = full == points > 0 and blank == 0 and not odd
            wrong += not fine
            said = f"{chapter:<18}{system:<10}{full:>6g}{blank:>7g}{some:>8g}{truth:>8g}{points:>4}{seconds:>9.0f}"
            print(
                f"{said}{'' if fine else '  NOT AS IT SHOULD BE ' + '; '.join(odd)}", flush=True, file=table
            )
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or source.chapters()) > 0)
