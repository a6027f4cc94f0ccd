"""The gradable exercises of the chapters: whole, independent of the chapter's names, and hard to fool.

`tests/data/planted/CHAPTER.json` holds, for each exercise, lines that are put after the right answer: `wrong` ones,
which the check must find, and `right` ones, other ways to the same answer, which it must let pass.
"""

import json
import os
from collections import Counter

import pytest

from ltcbook import check
from ltcbook.course import needs, source, variants

FEWEST = 3  # gradable exercises of a chapter
WRONG, RIGHT, CAUGHT = (
    10,
    2,
    0.9,
)  # planted mistakes and other ways for each exercise, the share that is caught


def graded(chapter, root):
    """(exercise, part) of a chapter, for all that a program grades."""
    found = source.exercises(chapter, source.read(chapter, root))
    return [(exercise, part) for exercise in found for part in exercise.parts]


def chapters_with_exercises():
    return source.chapters()


@pytest.fixture(scope="module", params=chapters_with_exercises())
def chapter(request):
    return request.param


@pytest.fixture(scope="module")
def parts(chapter, root):
    return graded(chapter, root)


@pytest.fixture(scope="module")
def planted(chapter, root):
    path = root / "tests" / "data" / "planted" / f"{chapter}.json"
    return json.loads(path.read_text("utf8"))


def prelude(chapter, root, part):
    """The names that the chapter gives to a part, made by running the cells that it needs."""
    book = source.read(chapter, root)
    belongs = {"answer", "check", "solution", "exercise", "setup"}
    cells = [cell for cell in book.cells if not belongs & set(source.tags(cell))]
    names = {}
    for cell in needs.needed(cells, [part.answer, part.check]):
        exec(compile(needs.SHELL.sub("", cell.source), cell.id, "exec"), names)
    return names


def test_every_chapter_has_exercises_that_a_program_grades(parts):
    assert len({exercise.name for exercise, _ in parts}) >= FEWEST
    assert sum(bool(part.given) for _, part in parts) >= FEWEST, "and that other variants vary"


def test_answers_and_checks_keep_their_names_to_themselves(chapter, root, parts):
    """A later cell of the chapter would meet another value."""
    book = source.read(chapter, root)
    belongs = {"answer", "check"}
    others = set()
    for cell in book.cells:
        if cell.cell_type == "code" and not belongs & set(source.tags(cell)):
            others |= set().union(
                *map(needs.binds, needs.body(cell.source)), *map(needs.reads, needs.body(cell.source))
            )
    own = Counter()
    for _, part in parts:
        made = set().union(
            *(needs.binds(each) for cell in (part.answer, part.check) for each in needs.body(cell.source))
        )
        own.update(made - {"check"} - needs.imported(part.check.source) - needs.imported(part.answer.source))
    assert not set(own) & others
    assert not {name: count for name, count in own.items() if count > 1}


def test_the_checks_pass_the_answers_for_every_variant(chapter, root, parts):
    """Each number that may stand in the text is tried, and no two give the same text."""
    assert not os.environ.get("LTCBOOK_ANSWERS")
    for exercise, part in parts:
        names = prelude(chapter, root, part)
        run(part, names)
        for seed in range(6):
            other = variants.variant(exercise, seed)
            k = exercise.parts.index(part)
            run(other.parts[k], names)
            if part.given:
                assert other.cell.source != exercise.cell.source


def test_no_solution_needs_the_code_of_one_that_a_variant_leaves_out(chapter, root):
    """A variant's release drops the solutions' code of exercises with other numbers."""
    book, left_out, missing = source.read(chapter, root), {}, []
    for exercise in source.exercises(chapter, book):
        code = [cell for cell in exercise.solutions if cell.cell_type == "code"]
        lines = [line for cell in code for line in needs.body(cell.source)]
        made = set().union(*map(needs.binds, lines))
        if exercise.varies:
            left_out |= dict.fromkeys(made, exercise.title)
        else:
            wanted = needs.before(lines, set()) & set(left_out)
            missing += [f"{exercise.title} needs {name} of {left_out[name]}" for name in sorted(wanted)]
            left_out = {name: title for name, title in left_out.items() if name not in made}
    assert not missing, missing


def run(part, names, lines=""):
    """Run an answer, lines after it, and the whole check."""
    space = dict(names)
    for cell, text in (
        (part.answer, part.answer.source),
        (part.check, lines),
        (part.check, part.check.source),
    ):
        exec(compile(text, cell.id, "exec"), space)


def test_the_checks_catch_planted_mistakes_and_pass_other_ways(chapter, root, parts, planted):
    assert sorted(planted) == sorted({exercise.name for exercise, _ in parts})
    wrong = []
    for name, cases in planted.items():
        assert len(cases["wrong"]) >= WRONG and len(cases["right"]) >= RIGHT, name
        pairs = [part for exercise, part in parts if exercise.name == name]
        spaces = [prelude(chapter, root, part) for part in pairs]
        caught = {
            what: any(fails(part, space, lines) for part, space in zip(pairs, spaces))
            for what, lines in cases["wrong"].items()
        }
        if sum(caught.values()) < CAUGHT * len(caught):
            wrong.append(f"{name} does not catch {[what for what, found in caught.items() if not found]}")
        for what, lines in cases["right"].items():
            wrong += [
                f"{name} refuses {what!r}" for part, space in zip(pairs, spaces) if fails(part, space, lines)
            ]
    assert not wrong, "\n".join(wrong)


def fails(part, space, lines):
    """Whether the check refuses an answer, with words that do not hold it."""
    try:
        run(part, space, lines)
    except check.Wrong as error:
        assert len(str(error)) > 20, error
        return True
    except (AssertionError, ArithmeticError, TypeError, ValueError, AttributeError, IndexError):
        return True
    return False
