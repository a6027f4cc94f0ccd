"""Submissions of imagined students for the released exercises of a chapter, and the scores that they should get."""

import copy
import json
from pathlib import Path

import nbformat
from test_exercises import prelude

from ltcbook import check
from ltcbook.course import grade, source, variants

SYSTEMS = ("otter", "nbgrader")


def exercises(chapter, root, seed=None):
    """The exercises of a chapter that a program grades."""
    found = [each for each in source.exercises(chapter, source.read(chapter, root)) if each.parts]
    return found if seed is None else [variants.variant(each, seed) for each in found]


def handed_out(release, chapter):
    """The notebook that students get of a release."""
    places = (release / "student" / f"{chapter}.ipynb", release / "release" / chapter / f"{chapter}.ipynb")
    return nbformat.read(next(place for place in places if place.is_file()), as_version=4)


def filled(notebook, found, extra=None):
    """The notebook with every answer, and after it the lines that ``extra`` has for its exercise."""
    made = copy.deepcopy(notebook)
    cells = {cell.id: cell for cell in made.cells}
    for each in found:
        for k, one in enumerate(each.parts):
            lines = [variants.plain_answer(one), (extra or {}).get(each.name, "")]
            cells[f"{each.name}-answer-{k}"].source = "\n".join(lines)
    return made


def planted(chapter, found, root):
    """A planted mistake for every second exercise, the first one that each has."""
    path = Path(root) / "tests" / "data" / "planted" / f"{chapter}.json"
    mistakes = json.loads(path.read_text("utf8"))
    return {each.name: next(iter(mistakes[each.name]["wrong"].values())) for each in found[::2]}


def expected(chapter, found, extra, root):
    """Name -> (what otter gives, what nbgrader gives), by running each check here, in two halves."""
    scores = {}
    for each in found:
        for k, one in enumerate(each.parts):
            space = prelude(chapter, root, one)
            exec(variants.plain_answer(one), space)
            try:
                exec(extra.get(each.name, ""), space)
            except Exception:  # the lines stop the student's cell there
                pass
            halves = [holds(one.visible, space), holds(f"{one.visible}\n{one.hidden}", space)]
            letter = "" if len(each.parts) == 1 else "abcdefgh"[k]
            scores[f"{each.name}{letter}"] = scores[f"{each.name}-check-{k}"] = (
                sum(halves) / 2,
                float(all(halves)),
            )
    return scores


def holds(code, space):
    """Whether a check lets the answers pass."""
    try:
        exec(f"from ltcbook import check\n{code}", dict(space))
    except (
        check.Wrong,
        AssertionError,
        ArithmeticError,
        AttributeError,
        IndexError,
        NameError,
        TypeError,
        ValueError,
    ):
        return False
    return True


def score(notebook, chapter, release, **settings):
    """(name -> score, errors) of a submission, as the release's own grader sees it."""
    options = grade.Options(Path(release), **settings)
    found = grade.run(json.loads(nbformat.writes(notebook)), chapter, options)
    return found["scores"], found["errors"]
