"""The printed book: nothing of the chapters is lost in the LaTeX that Sphinx writes, and XeLaTeX sets it
without complaint.
"""

import re
import shutil
import subprocess
import sys
import unicodedata

import pytest
from test_chapters import ANCHOR, TAG, calls, code, listed, markdown, tagged

from ltcbook.site import pdf, tex

DETAILS = re.compile(r"<details\b[^>]*>\s*<summary>[^<]*</summary>(.*?)</details>", re.DOTALL)
VERBATIM = re.compile(r"\\begin\{sphinxVerbatim\}.*?\\end\{sphinxVerbatim\}", re.DOTALL)
BLOCK = re.compile(r"\\begin\{ltcsolution\}(.*?)\\end\{ltcsolution\}", re.DOTALL)


@pytest.fixture(scope="module")
def latex(site):
    """The LaTeX of the whole book, written now from the pages that `make book` has read."""
    assert pdf.write(), "Sphinx could not write the book's LaTeX"
    return pdf.SOURCE.read_text("utf8")


@pytest.fixture(scope="module")
def book(chapters, root):
    """File name -> notebook, in reading order, for the notebooks that the table of contents names."""
    import yaml

    toc = yaml.safe_load((root / "_toc.yml").read_text("utf8"))
    names = [
        entry.rpartition("/")[2] + ".ipynb" for entry in [toc["root"], *(e["file"] for e in listed(toc))]
    ]
    return {name: chapters[name] for name in names if name in chapters}


def words(text):
    """Plain words of a piece of Markdown or LaTeX: formulas, links' targets and commands left out."""
    text = re.sub(
        r"\$\$.*?\$\$|\$[^$]*\$|\\\(.*?\\\)|`[^`]*`|\]\([^)]*\)|\\[A-Za-z]+\*?(\{\\detokenize\{[^}]*\}\})?",
        " ",
        text,
        flags=re.DOTALL,
    )
    return re.findall(r"(?<![\w^{}\\-])[A-Za-z]{4,}(?![\w}\\-])", text)


def shown(cell):
    """Whether print shows a cell's output: neither hidden as a check nor empty by tag."""
    return not {"hide-cell", "remove-output", "remove-cell"} & set(cell["metadata"].get("tags", []))


def test_every_equation_is_printed_with_its_tag(latex, book):
    displayed = re.findall(r"\\begin\{equation\*\}(.*?)\\end\{equation\*\}", latex, re.DOTALL)
    printed = [tag for body in displayed for tag in TAG.findall(body)]
    wanted = [tag for notebook in book.values() for tag in TAG.findall(markdown(notebook["cells"]))]
    assert sorted(printed) == sorted(wanted) and len(wanted) > 80


def test_every_link_has_its_target_and_every_equation_its_name(latex, book):
    labels = re.findall(r"\\(?:label|ltcanchor)\{\\detokenize\{([^}]*)\}\}", latex)
    twice = {name for name in labels if labels.count(name) > 1}
    assert not twice, f"labelled twice: {sorted(twice)[:5]}"
    links = set(re.findall(r"\\hyperref\[\\detokenize\{([^}]*)\}\]", latex))
    assert not links - set(labels), f"links that lead nowhere: {sorted(links - set(labels))[:5]}"
    for name, notebook in book.items():
        text, page = markdown(notebook["cells"]), f"chapters/{name.removesuffix('.ipynb')}"
        assert {f"{page}:{anchor}" for anchor in ANCHOR.findall(text)} <= set(labels), (
            f"{name}: an anchor is lost"
        )
        for tag, anchor in tagged(text):
            equation = re.search(
                rf"\\ltcanchor\{{\\detokenize\{{{page}:{anchor}\}}\}}.*?\\tag\{{([^}}]*)\}}", latex, re.DOTALL
            )
            assert equation and equation[1] == tag, f"{anchor} names another equation than ({tag})"


def test_no_html_is_printed(latex):
    text = VERBATIM.sub("", latex)
    found = re.findall(r"</?(?:a|details|summary|svg|div|img|span|br|style|script)\b[^>]{0,40}>", text)
    assert not found, found[:5]


def test_print_knows_what_to_do_with_every_sign_that_nobody_sees(latex, root):
    """No font of the book draws them: without a meaning of their own they are missing characters."""
    style = (root / "ltcbook/site/print.tex").read_text("utf8")
    known = {chr(int(code, 16)) for code in re.findall(r"\\newunicodechar\{\^{4}([0-9a-f]{4})\}", style)}
    used = {sign for sign in latex.partition(r"\begin{document}")[2] if unicodedata.category(sign) == "Cf"}
    assert used and used <= known, f"give them a meaning in print.tex: {sorted(map(ascii, used - known))}"


def test_every_solution_is_printed_whole(latex, book):
    wanted = [part for notebook in book.values() for part in DETAILS.findall(markdown(notebook["cells"]))]
    printed = BLOCK.findall(latex)
    assert len(printed) == len(wanted) > 30
    for solution, block in zip(wanted, printed, strict=True):
        missing = set(words(solution)) - set(re.findall(r"[A-Za-z]{4,}", block))
        assert not missing, (
            f"of the solution {solution.strip()[:60]!r} these words are lost: {sorted(missing)}"
        )


def test_every_explorer_is_printed_as_a_picture_with_words(latex, book):
    cells = [
        (cell, "".join(cell["source"]))
        for notebook in book.values()
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and shown(cell)
    ]
    explorers = sum(len(re.findall(r"\bwidgets\.\w+Explorer\(", source)) for _, source in cells)
    captions = re.findall(
        rf"\\ltccaption\{{\s*\\sphinxAtStartPar\s*\\sphinxstyleemphasis\{{{pdf.ONLINE}\}} \w.{{40}}", latex
    )
    assert len(captions) == explorers > 5
    figures = sum(1 for _, source in cells for _ in calls(source, "picture"))
    pictures = re.findall(r"\\ltcpicture\{FEFF[0-9a-f]{16,}\}\{%(.*?)\n\}", latex, re.DOTALL)
    assert len(pictures) >= figures + explorers
    for picture in pictures:
        file = re.search(r"\\sphinxincludegraphics\[[^]]*\]\{\{([0-9a-f]+)\}(\.png)\}", picture)
        assert file and (pdf.LATEX / (file[1] + file[2])).is_file()


def test_code_is_printed_but_not_what_a_page_folds_away(latex, book):
    printed = re.sub(r"\\PYG\{[^}]*\}|\\PYGZ\w+\{\}|[\W_]", "", "\n".join(VERBATIM.findall(latex)))
    folded, visible, shown_code = set(), set(), []
    for notebook in book.values():
        for k, source in code(notebook):
            tags = set(notebook["cells"][k]["metadata"].get("tags", []))
            lines = (re.sub(r"[\W_]", "", line) for line in source.split("\n"))
            where = (
                folded
                if tags & {"hide-cell", "hide-input", "remove-input", "remove-cell", "setup"}
                else visible
            )
            where |= {line for line in lines if len(line) > 30}
            shown_code += [source] if where is visible else []
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":  # a question may hold code to begin with
                text = re.sub(r"<details>.*?</details>", "", "".join(cell["source"]), flags=re.DOTALL)
                shown_code += re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(folded) > 100 and len(visible) > 100
    assert not {line for line in visible if line not in printed}, "code that a page shows is not printed"
    open_code = re.sub(r"[\W_]", "", "".join(shown_code))
    # visible code may say the same, broken in other lines
    hidden = {line for line in folded if line not in open_code}
    assert not {line for line in hidden if line in printed}, "code that a page folds away is printed"


def test_xelatex_sets_the_book_without_complaint(latex, book, monkeypatch):
    """Where XeLaTeX is installed; the other tests hold without it."""
    if shutil.which("xelatex") is None:
        return
    log = pdf.typeset()
    assert not pdf.troubles(log), "\n".join(pdf.troubles(log)[:10])
    file = pdf.SOURCE.with_suffix(".pdf")
    assert file.stat().st_size > 1e6
    if shutil.which("pdftotext"):
        text = subprocess.run(
            ["pdftotext", str(file), "-"], capture_output=True, encoding="utf8", check=True
        ).stdout
        flat = re.sub(
            r"\W",
            "",
            text.translate({0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl"}),
        )
        for name, notebook in book.items():
            title = re.search(r"^# (.*)$", markdown(notebook["cells"]), re.MULTILINE)[1]
            assert re.sub(r"\W", "", title) in flat, f"{name}: its title is not in the PDF"


COMPLAINTS = {
    "an error": "./ltcbook.tex:12: Undefined control sequence.",
    "a dead link": "LaTeX Warning: Hyper reference `chapters/x:y' on page 3 undefined on input line 7.",
    "a missing letter": 'Missing character: There is no ∎ ("220E) in font [lmroman10-regular]:mapping=tex-text;!',
    "a line off the page": "Overfull \\hbox (31.2pt too wide) in paragraph at lines 6282--6282",
}


@pytest.mark.parametrize("kind", COMPLAINTS)
def test_what_a_reader_would_notice_is_a_complaint(kind):
    assert pdf.troubles(f"(./ltcbook.tex\n{COMPLAINTS[kind]}\n[1]\n") == [COMPLAINTS[kind]]
    assert not pdf.troubles("Overfull \\hbox (3.2pt too wide) in paragraph at lines 6282--6282\n[1]")


# --- what print needs of the machine
# ---------------------------------------------------------------------------------

ONE_OF_EACH = {  # what may be missing, and the package of Debian that brings it
    "xelatex": "texlive-xetex",
    "xdvipdfmx": "texlive-xetex",
    "kpsewhich": "texlive-xetex",
    "fc-list": "fontconfig",
    "polyglossia.sty": "texlive-xetex",
    "tabulary.sty": "texlive-latex-extra",
    "pzdr.tfm": "texlive-fonts-recommended",
    "Latin Modern Roman": "fonts-lmodern",
    "DejaVu Sans": "fonts-dejavu",
    "DejaVu Sans Mono:style=Oblique": "fonts-dejavu",
}
STUBS = {  # a machine with TeX in four programs
    "xelatex": "",
    "xdvipdfmx": "",
    "kpsewhich": 'for name in "$@"; do [ "$name" = "$LACKS" ] || echo "/usr/share/texmf/$name"; done',
    "fc-list": '[ "$1" = "$LACKS" ] || echo "a.ttf: $1"',
}


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """machine(lacks) -> a machine that has all that print needs but one thing, and apt-get only where it
    may be used.
    """
    for name, script in STUBS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\ntrue\n", "utf8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    def lacking(part):
        monkeypatch.setenv("LACKS", part)
        (tmp_path / part).unlink(missing_ok=True)

    return lacking


@pytest.mark.parametrize("part", ONE_OF_EACH)
def test_make_pdf_names_what_is_missing_and_the_packages_that_bring_it(part, machine, capsys):
    assert tex.missing() == [], "nothing is missing"
    machine(part)
    assert part in tex.missing()
    said = subprocess.run([sys.executable, tex.__file__], capture_output=True, encoding="utf8")
    assert said.returncode == 1 and part in said.stderr, said
    assert ONE_OF_EACH[part] in said.stderr.partition("sudo apt-get install ")[2].split()
    assert pdf.main() == 1 and part in capsys.readouterr().err


def test_make_pdf_looks_before_it_renders_and_needs_no_environment_for_that(root):
    command = ["make", "-n", "pdf", "PYTHON=any-python"]
    said = subprocess.run(command, cwd=root, check=True, capture_output=True, encoding="utf8").stdout
    assert said.index("any-python ltcbook/site/tex.py") < said.index("ltcbook.site pdf")
    subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({tex.__file__!r})"], check=True
    )


def test_every_package_that_the_books_latex_asks_for_is_looked_for(latex):
    """By itself, and by the style files that Sphinx puts beside it."""
    optional = {"remreset.sty", "substitutefont.sty"}  # for old LaTeX, for Cyrillic
    sources = [pdf.SOURCE, *pdf.LATEX.glob("sphinx*.sty"), *pdf.LATEX.glob("sphinx*.cls")]
    text = "\n".join(re.sub(r"(?<!\\)%.*", "", path.read_text("utf8")) for path in sources)
    asked = re.findall(r"\\(?:RequirePackage|usepackage)(?:\[[^]]*\])?\{([^}\\<]*)\}", text)
    asked = (
        {f"{name.strip()}.sty" for names in asked for name in names.split(",")}
        - {path.name for path in sources}
        - optional
    )
    assert len(asked) > 30 and not asked - set(tex.NEEDED), (
        f"not looked for: {sorted(asked - set(tex.NEEDED))}"
    )
