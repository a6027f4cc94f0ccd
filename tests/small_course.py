"""A book of one small chapter, for tests of the course: quick to run, and easy to break."""

import json

import nbformat
from nbformat import v4

from ltcbook.course import release

ADDRESS = "https://github.com/someone/ltcbook"


def code(source, name, *tags):
    return v4.new_code_cell(source, id=name, metadata={"tags": list(tags)})


def text(source, name, *tags):
    return v4.new_markdown_cell(source, id=name, metadata={"tags": list(tags)})


def cells():
    """A chapter with two exercises that a program grades (the second in two parts) and one for a person."""
    return [
        text("# Small things\n\n<a id=\"eq-small-leak\"></a>\n\n$$ x' = -x \\tag{S1} $$", "small-title"),
        code("ADDRESS = ''", "setup", "setup", "remove-input"),
        code("import numpy as np", "small-imports"),
        code("unused = 'nobody asks for it'", "small-unused"),
        text(
            "**Exercise 1 (easy).** Let $\\tau = 2$ ms in [(S1)](#eq-small-leak), or see [another](other.ipynb#there). "
            "Find the rate, and how much of 8 is left after 1 ms.",
            "small-1",
            "exercise",
        ),
        code(
            "tau_1 = 2  # in the text: $\\tau = {}$ ms; others: 3, 4, 5, 6, 7, 9\n"
            "rate_1 = 1 / tau_1\nleft_1 = 8 * np.exp(-1 / tau_1)",
            "small-1-given",
            "answer",
        ),
        code(
            "from ltcbook import check\n\n"
            'rate = check.number("rate_1", rate_1, above=0)\n'
            'check.true(left_1 < 8, "left_1: a leak takes something away.")\n'
            "# HIDDEN\n"
            'check.equal("rate_1", rate, tau_1**-1.0, label="rate", mistakes={"A rate is one over a time.": tau_1})\n'
            'check.equal("left_1", left_1, 8 * np.e ** (-1 / tau_1), label="left")',
            "small-1-check",
            "check",
        ),
        text("<details>\n\nThe rate is half per ms.\n\n</details>", "small-1-solution", "solution"),
        text("**Exercise 2 (medium).** How many neurons are 3 + 4? Double a number.", "small-2", "exercise", "by-hand"),
        code("sum_2 = 3 + 4", "small-2a", "answer"),
        code('from ltcbook import check\n\n# HIDDEN\ncheck.equal("sum_2", sum_2, 7, label="sum")', "small-2a-check", "check"),
        code("twice_2 = lambda x: 2 * x", "small-2b", "answer"),
        code(
            'from ltcbook import check\n\ncheck.true(callable(twice_2), "twice_2: give a function.")\n'
            '# HIDDEN\ncheck.equal("twice_2", [twice_2(k) for k in (1, 5)], [2, 10], label="twice")',
            "small-2b-check",
            "check",
        ),
        text("<details>\n\nSeven, and the double.\n\n</details>", "small-2-solution", "solution"),
        text("**Exercise 3 (build).** Draw something.", "small-3", "exercise"),
        text("<details>\n\nA drawing of a leak.\n\n</details>", "small-3-solution", "solution"),
    ]  # fmt: skip


def book(root, *, chapter="small", change=None):
    """Write a book with the one chapter into a folder, its cells changed by ``change(cells)``."""
    made = cells()
    if change is not None:
        change({cell.id: cell for cell in made}, made)
    (root / "chapters").mkdir(parents=True)
    names = json.dumps(f"chapters/{chapter}")
    (root / "_toc.yml").write_text(f"format: jb-book\nroot: {names}\n", "utf8")
    (root / "_config.yml").write_text(
        'repository:\n  url: ""\n  branch: "main"\n  revision: ""\nhtml:\n  baseurl: ""\n', "utf8"
    )
    python = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(v4.new_notebook(cells=made, metadata=python), root / "chapters" / f"{chapter}.ipynb")
    return root


def released(root, to, form, **settings):
    """Release the book in ``root``; returns the folder of the release."""
    release.release(
        release.Options(("small",), to, form, root=root, **{"exercises_only": True, **settings}),
        lambda line: None,
    )
    return to
