"""Releases: what goes in is refused in one sentence or becomes whole, and no student's copy holds a solution."""

import ast
import importlib.util
import json
import re

import pytest
import small_course
from test_exercises import prelude, run

from ltcbook import check
from ltcbook.course import __main__ as command
from ltcbook.course import formats, paper, source, variants
from ltcbook.course.formats import plain

BAD = {  # what is wrong with a book -> (a change of it, words of the error)
    "nothing to grade": (lambda ids, cells: drop(cells, "answer", "check"), "no exercise with an `answer`"),
    "an answer alone": (lambda ids, cells: cells.remove(ids["small-1-check"]), "this answer has no check"),
    "a check alone": (lambda ids, cells: cells.remove(ids["small-1-given"]), "this check has no answer"),
    "two answers in a row": (
        lambda ids, cells: cells.insert(cells.index(ids["small-1-check"]), small_course.code("a_1 = 1", "b", "answer")),
        "this answer has no check",
    ),
    "no hidden line": (lambda ids, cells: put(ids["small-1-check"], "# HIDDEN", "#"), "has one line # HIDDEN"),
    "nothing hidden": (lambda ids, cells: ids["small-1-check"].update(source="x = 1\n# HIDDEN"), "lines below it"),
    "a loop in an answer": (
        lambda ids, cells: put(ids["small-1-given"], "rate_1 = 1 / tau_1", "for k in (1,):\n    rate_1 = k"),
        "`name = expression`, and not 'for k",
    ),
    "no code in an answer": (lambda ids, cells: put(ids["small-1-given"], "1 / tau_1", "1 /"), "is no Python"),
    "a number that the text lacks": (lambda ids, cells: put(ids["small-1"], "tau = 2", "tau = 3"), "must stand once"),
    "a number that stands twice": (
        lambda ids, cells: put(ids["small-1"], "Find", "Again $\\tau = 2$ ms. Find"),
        "must stand once",
    ),
    "others that are no numbers": (lambda ids, cells: put(ids["small-1-given"], "3, 4", "3, x"), "is no list"),
    "nothing to find": (
        lambda ids, cells: ids["small-1-given"].update(source=ids["small-1-given"].source.split("\n")[0]),
        "at least one name",
    ),
    "an exercise without a number": (lambda ids, cells: put(ids["small-1"], "Exercise 1 (easy)", "One"), "begins"),
    "a check that fails": (lambda ids, cells: put(ids["small-1-check"], "8 * np.e", "9 * np.e"), "does not run"),
}  # fmt: skip


def put(cell, old, new):
    assert old in cell.source
    cell.source = cell.source.replace(old, new)


def drop(cells, *tags):
    cells[:] = [cell for cell in cells if not set(tags) & set(source.tags(cell))]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return small_course.book(tmp_path_factory.mktemp("book") / "book")


def make(root, chapter="small", only=True, seed=None, site="", address=""):
    return paper.make(chapter, only=only, seed=seed, address=address, revision="main", site=site, root=root)


def student(made, folder):
    """The plain student's notebook of a paper."""
    plain.make(made, folder, {})
    return json.loads((folder / "student" / f"{made.chapter}.ipynb").read_text("utf8"))


def texts(notebook, kind=None):
    return ["".join(cell["source"]) for cell in notebook["cells"] if kind in (None, cell["cell_type"])]


# --- bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", BAD)
def test_a_book_that_is_half_there_is_refused_in_one_sentence(what, tmp_path):
    change, words = BAD[what]
    root = small_course.book(tmp_path / "book", change=change)
    with pytest.raises(ValueError, match=re.escape(words)) as error:
        small_course.released(root, tmp_path / "out" / "release", "plain")
    assert "small" in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def refused(capsys, *arguments):
    """What the command line says as it gives up with the status 2."""
    assert command.main(arguments) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said and "Traceback" not in said
    return said


def test_the_command_line_refuses_what_it_cannot_use(capsys, tmp_path):
    to = tmp_path / "release"
    assert "is no chapter with exercises; there are start, rnn" in refused(
        capsys, "release", "ltd", "--to", str(to)
    )
    url = "https://example.org/x"
    said = refused(capsys, "release", "ltc", "--to", str(to), "--address", url)
    assert url in said and "https://github.com/OWNER/REPO" in said
    for file in (tmp_path / "full" / "x", tmp_path / "file"):
        file.parent.mkdir(exist_ok=True)
        file.write_text("mine", "utf8")
    for taken in (tmp_path / "full", tmp_path / "file"):
        assert "is not an empty folder" in refused(capsys, "release", "ltc", "--to", str(taken))
    assert (tmp_path / "full" / "x").read_text("utf8") == (tmp_path / "file").read_text("utf8") == "mine"
    with pytest.raises(SystemExit) as left:
        command.main(["release", "ltc", "--to", str(to), "--format", "moodle"])
    assert left.value.code == 2 and "otter" in capsys.readouterr().err
    assert not to.exists()


@pytest.mark.parametrize("form", ["otter", "nbgrader"])
def test_a_missing_grader_is_named(form, capsys, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == form else find(name))
    said = refused(capsys, "release", "ltc", "--to", str(tmp_path / "r"), "--format", form)
    assert f"pip install '{form}" in said and not (tmp_path / "r").exists()


def test_what_cannot_grade_or_be_graded_is_refused(capsys, tmp_path):
    (tmp_path / "none").mkdir()
    scores = ["--to", str(tmp_path / "scores.csv")]
    said = refused(capsys, "grade", str(tmp_path / "none"), "--with", str(tmp_path / "none"), *scores)
    assert "is no release for otter or nbgrader" in said
    said = refused(capsys, "grade", str(tmp_path), "--with", str(tmp_path), "--to", str(tmp_path))
    assert "cannot be a table" in said
    assert not (tmp_path / "scores.csv").exists()


# --- variants --------------------------------------------------------------------------------------------


def test_a_variant_is_the_same_for_the_same_seed_and_changes_every_number(small, tmp_path):
    one, again, other = (
        student(make(small, seed=seed), tmp_path / str(k)) for k, seed in enumerate((5, 5, 6))
    )
    page = student(make(small), tmp_path / "page")
    assert one == again != other
    paths = [tmp_path / str(k) / "student" / "small.ipynb" for k in (0, 1)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    number = [re.search(r"tau = (\d)\$ ms", " ".join(texts(each)))[1] for each in (page, one, other)]
    given = [re.search(r"tau_1 = (\d)", " ".join(texts(each)))[1] for each in (page, one, other)]
    assert number == given and number[0] == "2" and len(set(number)) == 3
    for tests, value in zip((made_tests(make(small, seed=5)), made_tests(make(small))), (number[1], "2")):
        assert f"tau_1 = {value}" in tests


def made_tests(made):
    from ltcbook.course.formats import otter

    return "\n".join(code for each in made.exercises for one in each.parts for code in otter.tests(one))


@pytest.mark.parametrize("chapter", source.chapters())
@pytest.mark.parametrize("seed", [3, 11])
def test_the_solution_of_the_page_is_wrong_for_a_variant(chapter, seed, root):
    """For every exercise with numbers to change; its own solution is right."""
    for exercise in source.exercises(chapter, source.read(chapter)):
        if exercise.varies:
            assert fits_the_page(variants.variant(exercise, seed), exercise, root) is False, exercise.name


def fits_the_page(other, exercise, root):
    """Whether the page's values pass the checks of a variant; the variant's own do."""
    assert other.cell.source != exercise.cell.source
    passed = True
    for mine, theirs in zip(exercise.parts, other.parts):
        names = prelude(exercise.chapter, root, mine)
        run(theirs, names)
        page = [paper.given_lines(mine), paper.answer_lines(mine), paper.given_lines(theirs)]
        try:
            run(theirs, names, "\n".join(page))
        except check.Wrong:
            passed = False
    return passed


# --- what students get -----------------------------------------------------------------------------------


def leaks(exercise, chapter_words, copy):
    """What of an exercise's solution stands in a student's copy and nowhere in the chapter."""
    secret = []
    for cell in exercise.solutions:
        pieces = re.split(r"(?<=[.:?!])\s+|\n", cell.source)
        secret += [piece for piece in pieces if len(piece) > 25 and "details>" not in piece]
    for one in exercise.parts:
        tree = ast.parse(paper.answer_lines(one))
        values = [ast.unparse(node.value) for node in tree.body if isinstance(node, ast.Assign)]
        secret += [value for value in values if len(value) > 8]
        secret += [line for line in one.hidden.split("\n") if len(line) > 25]
    return [piece for piece in secret if piece in copy and piece not in chapter_words]


def without_leaks(exercises, book, notebook):
    """No solution's sentence, answer's expression or hidden test stands anywhere in a student's notebook."""
    belongs = {"answer", "check", "solution"}
    kept = [cell.source for cell in book.cells if not belongs & set(source.tags(cell))]
    copy = "\n".join([*texts(notebook), json.dumps(notebook["metadata"], ensure_ascii=False)])
    visible = "\n".join(one.visible for each in exercises for one in each.parts)
    found = [piece for each in exercises for piece in leaks(each, "\n".join([*kept, visible]), copy)]
    assert not found, found
    assert not {"answer", "check", "solution"} & {
        tag for c in notebook["cells"] for tag in c["metadata"].get("tags", [])
    }


@pytest.mark.parametrize("chapter", source.chapters())
def test_students_get_no_solution_and_no_link_that_leads_nowhere(chapter, root, tmp_path):
    for only in (True, False):
        for site in ("", "https://book.example/here"):
            made = make(root, chapter, only=only, site=site)
            copy = student(made, tmp_path)
            without_leaks(made.exercises, source.read(chapter), copy)
            assert not astray(copy), (only, site, astray(copy))


def astray(notebook):
    """The links of a notebook that lead neither to a place in it nor to the web."""
    words = "\n".join(texts(notebook, "markdown"))
    here = set(re.findall(r'id="([^"]+)"', words))
    targets = re.findall(r'\]\(([^)\s]+)\)|(?:href|src)="([^"]+)"', words)
    found = [first or second for first, second in targets]
    return [to for to in found if not to.startswith("https://") and not (to[:1] == "#" and to[1:] in here)]


def test_links_lead_to_the_site_or_lose_their_address(small, tmp_path):
    """The equation comes along; the other chapter does not."""
    without, with_site = (
        " ".join(texts(student(make(small, site=site), tmp_path / site[-3:])))
        for site in ("", "https://a.example")
    )
    assert '<a id="eq-small-leak"></a>' in without and "[(S1)](#eq-small-leak)" in without
    assert "or see another. " in without
    assert "[another](https://a.example/chapters/other.html#there)" in with_site


def test_a_copy_of_the_exercises_holds_what_they_need_and_the_instructor_what_solutions_need(tmp_path):
    def solved(ids, cells):
        cells.insert(-1, small_course.code("assert unused", "small-3-proof", "solution"))

    made = make(small_course.book(tmp_path / "book", change=solved))
    names = [cell.id for cell in made.items if not isinstance(cell, source.Exercise)]
    assert "small-imports" in names and "small-unused" not in names
    assert "small-unused" in [cell.id for cell in paper.instructor(made)]
    whole = make(tmp_path / "book", only=False)
    assert "small-unused" in [cell.id for cell in whole.items if not isinstance(cell, source.Exercise)]


def test_the_requirements_of_otter_hold_the_package_at_the_commit_of_the_notebooks(small):
    from ltcbook.course.formats import otter

    made = make(small, address=small_course.ADDRESS)
    assert otter.requirements(made) == [f"ltcbook[book] @ git+{small_course.ADDRESS}@main"]
    setup = next(cell for cell in paper.notebook(made, list(made.whole[:2])).cells if cell.id == "setup")
    assert f'ADDRESS = "{small_course.ADDRESS}"' in setup.source and 'REVISION = "main"' in setup.source
