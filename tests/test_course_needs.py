"""Which cells an exercise needs: names, traced backwards through small notebooks."""

import pytest
from small_course import code, text

from ltcbook.course import needs


def needed(cells, exercise):
    """The sources among these that an exercise's code (or text) needs."""
    made = [code(source, f"c{k}") for k, source in enumerate(cells)]
    asked = exercise if not isinstance(exercise, str) else code(exercise, "asks")
    return [cell.source for cell in needs.needed(made, [asked])]


@pytest.mark.parametrize(
    ("cells", "exercise", "wanted"),
    [
        (["a = 1", "b = 2"], "c = b", ["b = 2"]),
        (["a = 1", "b = a", "a = 5"], "c = b", ["a = 1", "b = a"]),
        (["a = 1", "a = 2"], "c = a", ["a = 2"]),
        (["a = 1", "a += 1"], "c = a", ["a = 1", "a += 1"]),
        (["n = 3", "def f(x):\n    return n * x"], "y = f(2)", ["n = 3", "def f(x):\n    return n * x"]),
        (["n = 3", "def f(n):\n    return n"], "y = f(2)", ["def f(n):\n    return n"]),
        (["k = 3", "y = [k for k in (1, 2)]"], "z = y", ["y = [k for k in (1, 2)]"]),
        (["k = 3", "y = [j * k for j in (1, 2)]"], "z = y", ["k = 3", "y = [j * k for j in (1, 2)]"]),
        (["s = 0", "for k in (1, 2):\n    s += k"], "z = s", ["s = 0", "for k in (1, 2):\n    s += k"]),
        (["k = 7", "for k in (1, 2):\n    s = k"], "z = s", ["for k in (1, 2):\n    s = k"]),
        (["k = 7", "with open(k) as f:\n    t = f.read()"], "z = t", ["k = 7", "with open(k) as f:\n    t = f.read()"]),
        (["f = 7", "with open('x') as f:\n    t = f.read()"], "z = t", ["with open('x') as f:\n    t = f.read()"]),
        (["import numpy as np", "import torch"], "z = np.pi", ["import numpy as np"]),
        (["class A:\n    b = 1", "o = A()", "o.b = 2"], "z = o.b", ["class A:\n    b = 1", "o = A()", "o.b = 2"]),
        (["d = {}", "d['k'] = 1"], "z = d", ["d = {}", "d['k'] = 1"]),
        (["d = []", "d.append(1)"], "z = d", ["d = []", "d.append(1)"]),
        (["import train", "net = 1", "train.fit(net, 3)"], "z = net", ["import train", "net = 1", "train.fit(net, 3)"]),
        (["import train", "net = 1", "print(net)"], "z = net", ["net = 1"]),
        (["%matplotlib inline\na = 1", "!ls"], "z = a", ["%matplotlib inline\na = 1"]),
        (["if True:\n    a = 1\nelse:\n    a = 2"], "z = a", ["if True:\n    a = 1\nelse:\n    a = 2"]),
        (["print(a)"], "z = 1", []),
        (["z = 1"], "z = 2\ny = z", []),
    ],
)  # fmt: skip
def test_an_exercise_gets_the_cells_that_make_its_names_and_no_others(cells, exercise, wanted):
    assert needed(cells, exercise) == wanted


def test_a_text_needs_the_names_in_its_code_but_not_its_symbols_nor_what_it_makes_itself():
    cells = ["hook = 1", "x = 2", "theta = 3", "walk = 4"]
    words = "Run `hook` from $x$ = `x`, with `theta = 2`, and then `theta / 3`. Do not walk."
    assert needed(cells, text(words, "asks")) == ["hook = 1"]
    assert needed(cells, text("```python\nstep = walk + 1\n```", "asks")) == ["walk = 4"]


def test_what_an_answer_makes_its_check_does_not_ask_of_the_chapter():
    cells = [code("a = 1", "one"), code("b = 2", "two")]
    asked = [code("b = 3", "answer"), code("assert a + b == 4", "check")]
    assert [cell.id for cell in needs.needed(cells, asked)] == ["one"]
