"""Otter and nbgrader really grade: right, blank, partly wrong and broken submissions, and what students may see."""

import copy
import json
import os
import re
import subprocess
import zipfile

import nbformat
import pytest
import small_course
import submissions
from nbformat import v4
from submissions import SYSTEMS
from test_course import astray, without_leaks

from ltcbook.course import __main__ as command
from ltcbook.course import grade, release, source
from ltcbook.course.formats import nbgrader, otter
from ltcbook.course.formats.cells import beside

CHAPTERS = ("refresher", "ncp_wiring")  # cheap ones; `python tests/grade_all.py` grades them all
WRONG = "rate_1, left_1 = 2, 8 * np.exp(-2)"  # what would be right for half a millisecond


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """The small book, and its releases: {"otter": folder, "nbgrader": folder}."""
    folder = tmp_path_factory.mktemp("small")
    root = small_course.book(folder / "book")
    address = small_course.ADDRESS
    return root, {form: small_course.released(root, folder / form, form, address=address) for form in SYSTEMS}


@pytest.fixture(scope="session", params=SYSTEMS)
def real(request, root, tmp_path_factory):
    """(system, folder of a release) of two chapters of the book, exercises only."""
    to = tmp_path_factory.mktemp("real") / request.param
    options = release.Options(CHAPTERS, to, request.param, exercises_only=True, variant=3, root=root)
    release.release(options, lambda line: None)
    return request.param, to


@pytest.fixture(params=SYSTEMS)
def course(request, small):
    """(system, release, its empty notebook, its exercises) of the small book."""
    root, releases = small
    folder = releases[request.param]
    return (
        request.param,
        folder,
        submissions.handed_out(folder, "small"),
        submissions.exercises("small", root),
    )


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_right_blank_and_partly_wrong_submissions_get_what_they_should(chapter, real, root):
    """A variant of two chapters; the truth is found by running the checks here."""
    system, folder = real
    found = submissions.exercises(chapter, root, seed=3)
    empty = submissions.handed_out(folder, chapter)
    without_leaks(found, source.read(chapter), empty)
    assert not astray(empty)
    extra = submissions.planted(chapter, found, root)
    wanted = submissions.expected(chapter, found, extra, root)
    full, _ = submissions.score(submissions.filled(empty, found), chapter, folder)
    some, met = submissions.score(submissions.filled(empty, found, extra), chapter, folder)
    assert set(full.values()) == {1.0} and len(full) == sum(len(each.parts) for each in found)
    assert some == {name: wanted[name][SYSTEMS.index(system)] for name in full}, met
    assert 0 < sum(some.values()) < len(full)


def test_a_blank_notebook_gets_nothing_and_a_full_one_all(course):
    _, folder, empty, found = course
    nothing, met = submissions.score(empty, "small", folder)
    assert set(nothing.values()) == {0.0} and len(nothing) == 3
    assert met[0] == "NotImplementedError: small-1, Exercise 1: give rate_1 and left_1"
    everything, met = submissions.score(submissions.filled(empty, found), "small", folder)
    assert everything == dict.fromkeys(nothing, 1.0) and met == []


def with_cells(notebook, before, *codes):
    """The notebook with more code in front of a cell."""
    made = copy.deepcopy(notebook)
    k = next(k for k, cell in enumerate(made.cells) if cell.id == before)
    made.cells[k:k] = [v4.new_code_cell(code, id=f"more-{n}") for n, code in enumerate(codes)]
    return made


BATTERED = {  # code of a student's -> how its cell ends
    "import numpy as np = 3": "SyntaxError",
    "import time\nwhile True:\n    time.sleep(0.01)": "CellTimeout",
    "for k in range(100):\n    print('x' * 10**6)": "",
    "hog = []\nwhile True:\n    hog.append(bytearray(10**8))": "MemoryError",
    "hog = None\nimport sys; sys.exit()": "SystemExit",
    "exit()": "RuntimeError: a notebook does not end its own kernel",
    "import os; os._exit(1)": "RuntimeError: a notebook does not end its own kernel",
    "import socket\nsocket.create_connection(('192.0.2.1', 80), 3)": "OSError: [Errno 101]"
    if grade.alone()
    else "",
    "input('Who are you?')": "StdinNotImplementedError",
    "import subprocess, sys, threading\n"
    "for k in range(20):\n"
    "    subprocess.Popen([sys.executable, '-c', 'import os, time; os.setsid(); time.sleep(600)'])\n"
    "for k in range(30):\n"
    "    threading.Thread(target=time.sleep, args=(600,)).start()": "",
}


def test_cells_that_fail_cost_no_other_exercise_a_point(course):
    """A syntax error, an endless loop, a flood of words, a hog, an exit and a crowd of processes: all at once."""
    _, folder, empty, found = course
    made = with_cells(submissions.filled(empty, found), "small-2-answer-0", *BATTERED)
    scores, met = submissions.score(made, "small", folder, seconds=400, cell_seconds=30, memory=2)
    assert set(scores.values()) == {1.0}, (scores, met)
    for words in BATTERED.values():
        assert any(each.startswith(words) for each in met), (words, met)


def test_a_kernel_that_is_killed_gets_a_score_and_a_reason(course):
    """nbgrader keeps the points until then, otter does not."""
    system, folder, empty, found = course
    kill = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    made = with_cells(submissions.filled(empty, found), "small-2-answer-0", kill)
    scores, met = submissions.score(made, "small", folder)
    assert sum(scores.values()) == (1 if system == "nbgrader" else 0)
    assert "kernel" in met[0].lower() and "ended" in met[0]


CHEATS = (
    "from ltcbook import check\nfrom ltcbook.check import compare\n"
    "for room in (check, compare):\n"
    "    room.equal = room.number = room.true = lambda *a, **k: None",
    "import sys, types, ltcbook\n"
    "fake = types.ModuleType('ltcbook.check')\n"
    "fake.equal = fake.number = fake.true = fake.ask = lambda *a, **k: None\n"
    "sys.modules['ltcbook.check'] = ltcbook.check = fake",
    "tau_1 = 1 / 2",
)


def test_checks_that_a_notebook_has_replaced_are_taken_anew(course):
    """Nor does it help to change the numbers of the text."""
    system, folder, empty, found = course
    made = submissions.filled(empty, found, {"small-1": f"tau_1 = 0.5\n{WRONG}"})
    scores, _ = submissions.score(with_cells(made, "small-1-answer-0", *CHEATS), "small", folder)
    assert sorted(scores.values()) == ([0.5, 1, 1] if system == "otter" else [0, 1, 1])


def test_every_file_in_a_folder_becomes_a_row_with_a_reason(course, tmp_path, capsys):
    """What is no notebook of this release costs no kernel; who has deleted cells loses those points alone."""
    system, folder, empty, found = course
    right = submissions.filled(empty, found)
    other = copy.deepcopy(right)
    other.metadata["ltcbook"] = {"chapter": "large"}
    lost = copy.deepcopy(right)
    gone = ("small-1-answer-0", "small-1-check-0", "small-2-check-0")
    lost.cells = [cell for cell in lost.cells if cell.id not in gone]
    renamed = submissions.filled(empty, found, {"small-2": "total = sum_2\ndel sum_2"})
    odd = with_cells(renamed, "small-1-answer-0", "from ltcbook import check\ncheck.equal = print")
    here = tmp_path / "in"
    (here / "ann").mkdir(parents=True)
    for name, made in (("other", other), ("lost", lost), ("odd", odd)):
        nbformat.write(made, here / "ann" / f"{name}.ipynb")
    (here / "empty.ipynb").write_text("", "utf8")
    (here / "cut.ipynb").write_text('{"cells": [', "utf8")
    (here / "list.ipynb").write_text("[1]", "utf8")
    table = tmp_path / "scores.csv"
    assert command.main(["grade", str(here), "--with", str(folder), "--to", str(table)]) == 0
    rows = {line.split(",")[0]: line for line in table.read_text("utf8").splitlines()[1:]}
    assert "small,0,3,The file is empty." in rows["empty.ipynb"]
    assert "small,0,3,The file is no notebook." in rows["cut.ipynb"] and "no notebook" in rows["list.ipynb"]
    assert "This is a notebook of large; the release has small." in rows["ann/other.ipynb"]
    assert "small,2.0,3," in rows["ann/lost.ipynb"] and "small-1" in rows["ann/lost.ipynb"]
    assert "NameError" in rows["ann/odd.ipynb"] and "check.equal =" in rows["ann/odd.ipynb"]
    assert len(rows) == 6 and "6 submissions" in capsys.readouterr().out


def test_on_gradescope_a_student_sees_the_words_of_the_check_and_no_hidden_test(small, tmp_path):
    """Otter's own command and its results.json, from which Gradescope takes what it shows."""
    root, releases = small
    found = submissions.exercises("small", root)
    made = submissions.filled(
        submissions.handed_out(releases["otter"], "small"), found, {"small-1": "left_1 = 9.0"}
    )
    nbformat.write(made, tmp_path / "mine.ipynb")
    subprocess.run(
        [*otter.OTTER, "run", "-a", str(releases["otter"] / "autograder" / "small.zip"), "mine.ipynb"],
        cwd=tmp_path,
        env=os.environ | beside(),
        check=True,
        capture_output=True,
    )
    tests = {
        each["name"]: each for each in json.loads((tmp_path / "results.json").read_text("utf8"))["tests"]
    }
    shown = [each for each in tests.values() if each["visibility"] == "visible"]
    assert [each["name"] for each in shown] == ["Public Tests"]
    assert "Wrong: left_1: a leak takes something away." in shown[0]["output"]
    assert "np.e" not in shown[0]["output"] and "decides" not in shown[0]["output"]
    assert [(tests[name]["score"], tests[name]["visibility"]) for name in ("small-1", "small-2a")] == [
        (0, "hidden"),
        (1, "hidden"),
    ]


def test_gradescope_gets_a_result_and_limits_where_otter_gives_none(small, tmp_path):
    archive = small[1]["otter"] / "autograder" / "small.zip"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "source")
        assert {"run_autograder", "run_otter.sh", "setup.sh"} <= set(opened.namelist())
    (tmp_path / "results").mkdir()
    script = tmp_path / "source" / "run_autograder"
    script.write_text(script.read_text("utf8").replace("here=/autograder", f"here={tmp_path}"), "utf8")
    inner = tmp_path / "source" / "run_otter.sh"
    result = tmp_path / "results" / "results.json"
    inner.write_text("exit 1", "utf8")
    subprocess.run(["bash", str(script)], check=True)
    told = json.loads(result.read_text("utf8"))
    assert told["score"] == 0 and "could not be graded" in told["output"]
    inner.write_text(f'ls "$IPYTHONDIR"/profile_default/startup > {result}', "utf8")
    subprocess.run(["bash", str(script)], check=True)
    assert result.read_text("utf8") == "guard.py\n"


def test_the_requirements_travel_with_the_autograder(small):
    with zipfile.ZipFile(small[1]["otter"] / "autograder" / "small.zip") as archive:
        found = "".join(archive.read(name).decode() for name in archive.namelist())
    assert f"ltcbook[book] @ git+{small_course.ADDRESS}@" in found


def test_students_of_all_systems_get_the_same_questions_and_stubs(small, tmp_path):
    root, releases = small
    plain = small_course.released(root, tmp_path / "plain", "plain", address=small_course.ADDRESS)
    books = [submissions.handed_out(folder, "small") for folder in (plain, *releases.values())]
    found = submissions.exercises("small", root)
    for book in books:
        without_leaks(found, source.read("small", root), book)
        assert not astray(book)
    for pick in (asked, stubs):
        one, *others = map(pick, books)
        assert one and all(other == one for other in others)


def asked(book):
    """The exercises' texts, whatever a system puts around them."""
    words = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    return re.findall(r"\*\*Exercise \d.*|\*What is asked.*|\*This exercise is read.*", words)


def stubs(book):
    return [cell.source for cell in book.cells if cell.cell_type == "code" and "raise NotImpl" in cell.source]


def test_nbgrader_validates_a_release_as_a_student_would(small, tmp_path):
    root, releases = small
    empty = submissions.handed_out(releases["nbgrader"], "small")
    full = submissions.filled(empty, submissions.exercises("small", root))
    for cell in full.cells:
        if cell.id.endswith("by-hand"):
            cell.source = "This is my answer."
    said = []
    for book in (empty, full):
        nbformat.write(book, tmp_path / "small.ipynb")
        done = subprocess.run(
            [*nbgrader.NBGRADER, "validate", "small.ipynb"],
            cwd=tmp_path,
            env=os.environ | beside(),
            capture_output=True,
            encoding="utf8",
        )
        said.append(done.stdout)
    assert "VALIDATION FAILED ON" in said[0] and "rate_1" in said[0]
    assert said[1].strip() == "Success! Your notebook passes all the tests."
