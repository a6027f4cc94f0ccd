"""The class's site: no page, no search index and no notebook of it carries a solution, neither words nor code."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from ltcbook.course import classroom, paper, source
from ltcbook.site import build, setup_cell

CHAPTERS = ("neural_ode", "ltc")  # the first is the front page of the small book
RUN = 5  # so many words in a row that stand in a solution and nowhere else in the book give it away


def words(text):
    """The words of a text or of a page, without its formulas' signs and its tags."""
    return re.findall(r"[A-Za-z]{2,}", re.sub(r"</?[a-z!][^<>]*>|\\[a-zA-Z]+", " ", text))


def runs(text):
    """All runs of words that stand in a row in a text."""
    found = words(text)
    return {" ".join(found[k : k + RUN]) for k in range(len(found) - RUN + 1)}


PARTS = re.compile(r"\$[^$]*\$|[`*\[\]()|]|<[^<>]*>|\\[a-zA-Z]+")


def giveaways(books):
    """Runs of words of the solutions, words and code, which stand in no cell that a student sees."""
    secret, seen = set(), set()
    for cell in (cell for book in books for cell in book["cells"]):
        tags, text = set(cell["metadata"].get("tags", [])), "".join(cell["source"])
        if "solution" in tags:
            secret |= {run for part in PARTS.split(text) for run in runs(part)}
        elif not {"answer", "check"} & tags:
            seen |= runs(text)
    return secret - seen


@pytest.fixture(scope="module")
def pages(tmp_path_factory, root):
    """A book of two chapters for a class, rendered without running them, with its notebooks to download."""
    folder = tmp_path_factory.mktemp("class")
    settings = yaml.safe_load((root / "_config.yml").read_text("utf8"))
    settings["execute"] = {"execute_notebooks": "off"}
    settings["repository"]["url"] = "https://github.com/you/book"
    (folder / "_config.yml").write_text(yaml.safe_dump(settings), "utf8")
    toc = {
        "format": "jb-book",
        "root": f"chapters/{CHAPTERS[0]}",
        "chapters": [{"file": f"chapters/{CHAPTERS[1]}"}],
    }
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc), "utf8")
    (folder / "chapters").mkdir()
    for chapter in CHAPTERS:
        shutil.copy(root / "chapters" / f"{chapter}.ipynb", folder / "chapters")
    shutil.copytree(root / "ltcbook" / "site" / "static", folder / "ltcbook" / "site" / "static")
    cache = root / "_build" / "cache"
    for path in [*cache.glob("node*"), *cache.glob("mathjax*"), *cache.glob("formulas*")]:
        target = folder / "_build" / "cache" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)
    command = [
        sys.executable,
        "-c",
        "from jupyter_book.cli.main import main; main()",
        "build",
        ".",
        "--path-output",
        ".",
    ]
    environment = os.environ | {"LTCBOOK_SOLUTIONS": "no", "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf8")
    assert done.returncode == 0, done.stderr[-2000:]
    html = folder / "_build" / "html"
    classroom.offer(html / "_sources", folder / "nothing ran", root)
    return html


def texts(folder):
    """Every text of a site that a browser may load, read as a person or a search would."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text("utf8"))["cells"]
            yield path, "\n".join("".join(cell["source"]) for cell in cells)
        elif path.suffix in {".html", ".js", ".json", ".txt", ".md", ".xml", ".inv"}:
            yield path, path.read_text("utf8", errors="replace")


def test_no_file_of_the_classs_site_carries_a_solution(pages, root, chapters):
    secret = giveaways([chapters[f"{chapter}.ipynb"] for chapter in CHAPTERS])
    assert len(secret) > 500
    looked, found = 0, {}
    for path, text in texts(pages):
        looked += 1
        if told := runs(text) & secret:
            found[path.relative_to(pages).as_posix()] = sorted(told)[:3]
    assert looked > 20 and not found, found
    # the same look at the chapters themselves finds the solutions
    whole = set().union(*(runs(text) for _, text in texts(root / "chapters")))
    assert len(whole & secret) > 0.9 * len(secret)


def test_the_pages_show_the_exercises_all_the_same(pages, chapters):
    for chapter in CHAPTERS:
        page = (pages / "chapters" / f"{chapter}.html").read_text("utf8")
        number = sum(
            "exercise" in cell["metadata"].get("tags", []) for cell in chapters[f"{chapter}.ipynb"]["cells"]
        )
        assert len(re.findall(r"<strong>Exercise \d+ \(", page)) == number > 3
        assert "tag_solution" not in page and "<summary>Solution" not in page
        assert "colab.research" not in page  # what the repository holds has the solutions


def test_a_word_that_only_a_solution_says_is_not_in_the_search(pages, chapters):
    text = (pages / "searchindex.js").read_text("utf8")
    terms = json.loads(text[text.index("{") : text.rindex("}") + 1])["terms"]
    cells = [cell for chapter in CHAPTERS for cell in chapters[f"{chapter}.ipynb"]["cells"]]
    solved = lambda cell: "solution" in cell["metadata"].get("tags", [])
    said = [
        {word.lower() for cell in cells if solved(cell) is wanted for word in words("".join(cell["source"]))}
        for wanted in (True, False)
    ]
    stem = lambda word: word[:6]
    only = {stem(word) for word in said[0] if len(word) > 7} - {stem(word) for word in said[1]}
    assert len(terms) > 500 and len(only) > 12
    assert not {term for term in terms if len(term) > 5 and stem(term) in only}


def test_the_notebook_to_download_is_the_students(pages, root):
    for chapter in CHAPTERS:
        book = source.nbformat.read(pages / "_sources" / "chapters" / f"{chapter}.ipynb", as_version=4)
        code = [cell.source for cell in book.cells if cell.cell_type == "code"]
        graded = sum(
            len(exercise.parts) for exercise in source.exercises(chapter, source.read(chapter, root))
        )
        assert sum("raise NotImplementedError(" in text for text in code) == graded >= 3
        assert not any("# HIDDEN" in text or "check.equal" in text for text in code)


def test_the_solutions_code_is_run_as_ever_so_that_the_class_costs_no_second_run(root, monkeypatch):
    for path in sorted((root / "chapters").glob("*.ipynb")):
        text = path.read_text("utf8")
        monkeypatch.setenv("LTCBOOK_SOLUTIONS", "yes")
        book = setup_cell.read_for_the_page(text)
        monkeypatch.setenv("LTCBOOK_SOLUTIONS", "no")
        other = setup_cell.read_for_the_page(text)
        kinds = [[cell for cell in one.cells if cell.cell_type == "code"] for one in (book, other)]
        assert kinds[0] == kinds[1]  # what the cache knows a chapter by
        assert not [
            cell for cell in other.cells if cell.cell_type == "markdown" and "solution" in paper.tags(cell)
        ]


def test_nothing_after_the_solutions_needs_them(chapters):
    """A cell below that is no exercise must not use a name that only a solution has given."""
    from ltcbook.course import needs

    for name, book in chapters.items():
        given, own = {}, set()
        for cell in book["cells"]:
            if cell["cell_type"] != "code":
                continue
            body = needs.body("".join(cell["source"]))
            tags = cell["metadata"].get("tags", [])
            if not {"solution", "check", "answer"} & set(tags):
                used = needs.before(body, set()) & set(given) - own
                assert not used, f"{name}, {cell['id']} needs {sorted(used)}, which {given[used.pop()]} gives"
            made = set().union(*map(needs.binds, body))
            if "solution" in tags:
                given |= dict.fromkeys(made - own, cell["id"])
            else:
                own |= made


def test_the_students_notebooks_take_their_hints_from_the_last_run(site, root):
    """`make book` has run the chapters; what their checks have sealed is in the student's notebook."""
    made = paper.make("ltc", only=False, seed=None, address="", revision="main", site="", root=root)
    found = classroom.seals(made, build.STAGE / ".jupyter_cache", root)
    assert [one["name"] for one in found["ltc-1-check-0"]] == ["tau_sys_1", "goal_1", "x_1"]


def test_make_book_and_make_course_call_their_commands(root):
    def said(*arguments):
        done = subprocess.run(
            ["make", "-n", *arguments], cwd=root, check=True, capture_output=True, encoding="utf8"
        )
        return done.stdout

    assert "-m ltcbook.course site" in said("book", "SOLUTIONS=no")
    assert "-m ltcbook.site build" in said("book") and "-m ltcbook.site build" in said(
        "book", "SOLUTIONS=yes"
    )
    line = said("course", "CHAPTERS=ltc rnn", "TO=../out", "FORMAT=otter")
    assert '-m ltcbook.course release ltc rnn --to "../out" --format="otter"' in line


def test_what_makes_a_course_runs_no_chapter_again(root, chapters):
    computing, site = build.parts()
    course = set((root / "ltcbook" / "course").rglob("*.py"))
    assert course <= set(site) and not course & set(computing)
    code = [
        "".join(cell["source"])
        for book in chapters.values()
        for cell in book["cells"]
        if cell["cell_type"] == "code"
    ]
    assert not [text for text in code if re.search(r"\bltcbook(\.| import )(course|site)\b", text)]
