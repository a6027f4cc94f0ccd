"""The Colab contract on two chapters, in this Python and with this PyTorch: both are too large to be fetched by
every test. `make colab` holds all chapters to it with Colab's own.
"""

import shutil
import sys

import colab
import nbformat
import pytest

CHAPTERS = ("index", "ltc")
# PyTorch as it lies here, and the setuptools that it asks for
LENT = ("torch", "setuptools")


@pytest.fixture(scope="module")
def environment(root):
    """Colab's packages, made once for this list of them."""
    if shutil.which("git") is None:
        pytest.skip("no git here")
    if sys.version_info >= (3, 13):
        pytest.skip("Colab's NumPy would have to be compiled for this Python: `make colab` does it")
    made = colab.Environment(root / "_build" / "colab-test", sys.executable, LENT)
    made.build()
    return made


def test_the_list_names_all_that_the_packages_on_it_ask_for(environment):
    environment.forget()
    asked = [
        line for line in environment.check() if not any(f"requires {name}," in line for name in colab.LACKS)
    ]
    assert asked in ([], ["No broken requirements found."])


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_leaves_colabs_packages_alone_runs_and_warns_of_nothing(environment, root, tmp_path, name):
    with colab.ran(root / "chapters" / f"{name}.ipynb", environment, tmp_path) as (book, broken, manager):
        assert broken == []
        assert all(cell.execution_count for cell in book.cells if cell.cell_type == "code")
        if name == CHAPTERS[-1]:
            assert colab.unseen(manager) == []


def test_what_pip_may_not_do_is_named():
    before = {"numpy": "numpy==2.0.2", "torch": "torch==2.11.0"}
    good = before | {"ltcbook": "ltcbook @ git+...", "jedi": "jedi==0.20.1"}
    assert colab.broken(before, good) == []
    assert colab.broken(before, good | {"numpy": "numpy==2.4.6"}) == ["numpy==2.0.2 became numpy==2.4.6"]
    assert colab.broken(before, good | {"ncps": "ncps==1.0.1"}) == ["ncps==1.0.1 was installed"]
    assert colab.broken(before, before) == ["ltcbook was not installed"]
    assert colab.broken(before, {"ltcbook": "ltcbook", "numpy": "numpy==2.0.2"}) == [
        "torch==2.11.0 became None"
    ]


def test_a_warning_that_a_reader_would_see_is_named():
    outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="7 synapses\n"),
        nbformat.v4.new_output("stream", name="stderr", text="UserWarning: old\n"),
        nbformat.v4.new_output(
            "stream", name="stderr", text="WARNING: Location 'file:///x' is ignored: no.\n"
        ),
    ]
    cells = [nbformat.v4.new_markdown_cell(""), nbformat.v4.new_code_cell("", outputs=outputs)]
    assert colab.complaints(nbformat.v4.new_notebook(cells=cells)) == ["cell 1 warns: UserWarning: old"]


def test_the_pins_are_read_with_colabs_python():
    text = "# Python 3.13  # August\nnumpy==2.0.2  # as ever\n\nJinja2==3.1.6\nPyYAML==6.0.3\n"
    assert colab.pins(text) == {"python": "3.13", "numpy": "2.0.2", "jinja2": "3.1.6", "pyyaml": "6.0.3"}
