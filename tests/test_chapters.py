"""The chapters' sources: stripped, plain Markdown, and every tag, anchor and link in agreement."""

import ast
import json
import re

import pytest
import yaml

from ltcbook.site import address, page_link, setup_cell, strip

LONGEST_CELL = 25
ANCHOR = re.compile(r'<a\s+id="([^"]+)"\s*>\s*</a>')
TAG = re.compile(r"\\tag\{([^}]*)\}")
DISPLAY = re.compile(r"^\$\$(.*?)\$\$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]*)\)")
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]+`")


def markdown(cells):
    """The running text of a page, without code."""
    text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return CODE.sub("", FENCE.sub("", text))


def code(notebook):
    """Index and source of every code cell."""
    cells = enumerate(notebook["cells"])
    return [(k, "".join(cell["source"])) for k, cell in cells if cell["cell_type"] == "code"]


@pytest.fixture(scope="session")
def pages(root, chapters):
    """File name -> running text, for every page of the book, notebooks and Markdown alike."""
    texts = {name: markdown(notebook["cells"]) for name, notebook in chapters.items()}
    for path in sorted((root / "chapters").glob("*.md")):
        texts[path.name] = CODE.sub("", FENCE.sub("", path.read_text("utf8")))
    return texts


@pytest.fixture(scope="session")
def order(root):
    """File names of the book's pages, in reading order."""
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf8"))
    entries = [toc["root"], *(entry["file"] for entry in listed(toc))]
    found = [next(iter(sorted(root.glob(f"{entry}.*"))), None) for entry in entries]
    missing = [entry for entry, path in zip(entries, found, strict=True) if path is None]
    assert not missing, f"_toc.yml names pages that do not exist: {missing}"
    return [path.name for path in found]


def listed(node):
    """Every entry with a file below a node of the table of contents."""
    for part in node.get("parts", []):
        yield from listed(part)
    for entry in node.get("chapters", []) + node.get("sections", []):
        if "file" in entry:
            yield entry
        yield from listed(entry)


def tagged(text):
    """(tag, anchor just above it or None) of every equation of a page, in order."""
    for match in DISPLAY.finditer(text):
        for tag in TAG.findall(match[1]):
            above = text[: match.start()].rstrip().rsplit("\n", 1)[-1].strip()
            anchor = ANCHOR.fullmatch(above)
            yield tag, anchor[1] if anchor else None


def problems(*lines):
    """Fail with all findings at once."""
    found = [line for line in lines if line]
    assert not found, "\n" + "\n".join(found)


def test_what_the_page_folds_is_folded_in_jupyterlab_too(chapters):
    wrong = []
    for name, notebook in chapters.items():
        for cell in notebook["cells"]:
            metadata = cell["metadata"]
            hidden = {"hide-input", "hide-cell", "remove-input"} | (
                {"remove-cell"} if cell["cell_type"] == "code" else set()
            )
            folded = bool(hidden & set(metadata.get("tags", ())))
            if folded != metadata.get("jupyter", {}).get("source_hidden", False):
                wrong.append(f"{name} {cell['id']}")
    assert not wrong, (
        f'a hide-... tag goes with metadata "jupyter": {{"source_hidden": true}}, and the other way round: '
        f"{wrong}"
    )


def test_every_page_stands_in_the_table_of_contents(pages, order):
    assert sorted(pages) == sorted(order)


def test_notebooks_are_stored_stripped(chapters):
    for name, notebook in chapters.items():
        assert (notebook["nbformat"], notebook["nbformat_minor"] >= 5) == (4, True), f"{name}: cells need ids"
        ids = [cell.get("id") for cell in notebook["cells"]]
        assert None not in ids and len(set(ids)) == len(ids), f"{name}: every cell needs an id of its own"
        for k, cell in enumerate(notebook["cells"]):
            kept = cell["cell_type"] == "code" and (cell["outputs"] or cell["execution_count"] is not None)
            assert not kept, f"{name}, cell {k}: holds an output; run `make strip`"


def test_stripping_takes_a_run_out_of_a_chapter_and_leaves_every_other_line(chapters, root):
    """Also in a chapter whose keys stand in another order than Jupyter's; nothing else about a file
    changes.
    """
    for name in chapters:
        before = (root / "chapters" / name).read_bytes().decode("utf8")
        assert strip.stripped(before) == before, name
        ran = json.loads(before)
        for k, cell in enumerate(ran["cells"]):
            if cell["cell_type"] == "code":
                cell["execution_count"] = k
                cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["[1, {}]\n"]}]
        assert strip.stripped(json.dumps(ran, indent=1, ensure_ascii=False) + "\n") == before, name
        ran["metadata"]["widgets"] = ran["cells"][-1]["metadata"]["execution"] = {
            "iopub.execute_input": "now"
        }
        assert json.loads(strip.stripped(json.dumps(ran))) == json.loads(before), name


def test_the_first_code_cell_is_the_generated_setup_cell(chapters):
    wanted = setup_cell.source(address.stands()["url"], address.installs())
    for name, notebook in chapters.items():
        first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        assert "".join(first["source"]) == wanted, f"{name}: run `make address`"
        assert first["metadata"].get("tags") == setup_cell.TAGS, name


def test_right_above_each_explorer_stands_the_way_to_its_page(chapters):
    """Where nothing has run (GitHub, nbviewer) a reader sees no picture of it."""
    found, here = 0, address.stands()
    for name, notebook in chapters.items():
        cells, number = notebook["cells"], 0
        for above, cell in zip(cells, cells[1:]):
            explorer = cell["cell_type"] == "code" and "Explorer(" in "".join(cell["source"])
            tagged = page_link.NAME in above["metadata"].get("tags", [])
            assert tagged == explorer, f"{name}, {cell['id']}: run `make address`"
            if explorer:
                number += 1
                wanted = page_link.words(here["url"], name.removesuffix(".ipynb"), number, here["site"])
                assert "".join(above["source"]) == wanted, f"{name}: run `make address`"
                assert above["metadata"]["tags"] == page_link.TAGS
        found += number
    assert found > 9


def test_code_cells_are_short_and_parse(chapters):
    for name, notebook in chapters.items():
        for k, source in code(notebook):
            lines = source.count("\n") + 1
            assert lines <= LONGEST_CELL, f"{name}, cell {k}: {lines} lines, at most {LONGEST_CELL}"
            shell = re.compile(r"^\s*[%!].*$", re.MULTILINE)
            ast.parse(shell.sub("", source), f"{name}[{k}]")


def test_a_function_of_a_chapter_keeps_its_name_to_itself(chapters):
    """A later cell that calls it would meet something else, as soon as the cells run from the top."""
    wrong = []
    for name, notebook in chapters.items():
        functions = {}
        for k, source in code(notebook):
            tree = ast.parse(re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE))
            inner = [
                node
                for part in tree.body
                if isinstance(part, ast.FunctionDef | ast.ClassDef)
                for node in ast.walk(part)
            ]
            own = {id(node) for node in inner} | {
                id(node)
                for part in ast.walk(tree)
                for node in ast.walk(part)
                if isinstance(part, ast.comprehension | ast.Lambda)
            }
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Name)
                    and isinstance(node.ctx, ast.Store)
                    and id(node) not in own
                    and node.id in functions
                ):
                    wrong.append(f"{name}, cell {k}: {node.id} is a function of cell {functions[node.id]}")
            functions |= {part.name: k for part in tree.body if isinstance(part, ast.FunctionDef)}
    problems(*wrong)


def test_anchors_are_unique_in_the_whole_book(pages):
    seen = {}
    for name, text in pages.items():
        for anchor in ANCHOR.findall(text):
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", anchor), (
                f"{name}: write the anchor {anchor!r} in-lower-case"
            )
            assert anchor not in seen, f"{name}: the anchor {anchor!r} also stands in {seen[anchor]}"
            seen[anchor] = name


def test_tags_are_unique_and_count_up_in_each_chapter(pages):
    seen = {}
    for name, text in pages.items():
        tags = TAG.findall(text)
        for tag in tags:
            assert tag not in seen, f"{name}: the tag {tag!r} also stands in {seen[tag]}"
            seen[tag] = name
        letters = {re.match(r"[A-Za-z]*", tag)[0] for tag in tags}
        assert len(letters) <= 1, f"{name}: tags of one chapter share one letter, here {sorted(letters)}"
        numbers = [tag.lstrip("".join(letters)) for tag in tags]
        assert numbers == [str(k + 1) for k in range(len(tags))], f"{name}: tags out of order: {tags}"


def test_every_tag_is_in_a_displayed_equation_with_an_anchor_just_above(pages):
    for name, text in pages.items():
        found = list(tagged(text))
        assert [tag for tag, _ in found] == TAG.findall(text), (
            f"{name}: a \\tag outside a $$ paragraph of its own"
        )
        bare = [tag for tag, anchor in found if anchor is None]
        assert not bare, f"{name}: no <a id> just above the equations {bare}"


def test_every_link_inside_the_book_leads_somewhere_and_says_where(pages, root):
    anchors = {name: set(ANCHOR.findall(text)) for name, text in pages.items()}
    titles = {name: {anchor: tag for tag, anchor in tagged(text)} for name, text in pages.items()}
    wrong = []
    for name, text in pages.items():
        for words, target in LINK.findall(text):
            # with "=" it speaks to an explorer, see test_site
            if re.match(r"(https?|mailto):", target) or "=" in target:
                continue
            page, _, anchor = target.partition("#")
            page = page or name
            if page not in pages:
                wrong.append(f"{name}: [{words}]({target}): no such page")
            elif anchor and anchor not in anchors[page]:
                wrong.append(f"{name}: [{words}]({target}): no such anchor on {page}")
            elif anchor in titles[page] and f"({titles[page][anchor]})" not in words:
                wrong.append(f"{name}: [{words}]({target}): that equation is ({titles[page][anchor]})")
    problems(*wrong)


def test_a_number_in_a_link_is_the_number_of_an_equation(pages):
    """[(L3)](...) must lead to an equation; a link that only looks like one misleads."""
    equations = {anchor for text in pages.values() for _, anchor in tagged(text)}
    wrong = [
        f"{name}: [{words}]({target})"
        for name, text in pages.items()
        for words, target in LINK.findall(text)
        if re.search(r"\([A-Z]\d+\)", words) and target.partition("#")[2] not in equations
    ]
    problems(*wrong)


def test_every_work_in_the_references_is_cited_somewhere(pages):
    works = [anchor for anchor in ANCHOR.findall(pages["references.md"]) if anchor.startswith("ref-")]
    assert len(works) > 30, "the list is longer than that: the search is broken"
    cited = {target for text in pages.values() for _, target in LINK.findall(text)}
    uncited = [work for work in works if f"references.md#{work}" not in cited]
    assert not uncited, f"the references list works that no chapter cites: {uncited}"


def test_the_raw_parameter_of_a_softplus_has_one_letter(pages):
    letters = {
        name: set(re.findall(r"\\ln\(1 *\+ *e\^(?:\{([^{}]+)\}|(\w))\)", text))
        for name, text in pages.items()
    }
    found = {"".join(letter) for part in letters.values() for letter in part}
    assert found == {r"\hat w"}, {name: part for name, part in letters.items() if part}


def test_the_notation_page_names_every_chapter_in_which_rho_means_something_else(pages):
    # a guaranteed rate, as in the first column
    rates = {"convergence.ipynb", "ct_rnn.ipynb", "lyapunov.ipynb"}
    row = next(
        line for line in pages["notation.ipynb"].split("\n") if line.startswith(r"| $\rho$ | guaranteed rate")
    )
    others = (
        {name for name, text in pages.items() if r"\rho" in text and name.endswith(".ipynb")}
        - rates
        - {"notation.ipynb"}
    )
    assert others == {target for _, target in LINK.findall(row)}


def test_headings_never_skip_a_level_and_each_page_has_one_title(pages):
    for name, text in pages.items():
        levels = [len(marks) for marks in re.findall(r"^(#{1,6})\s+\S", text, re.MULTILINE)]
        assert levels[:1] == [1] and levels.count(1) == 1, (
            f"{name}: one title, at the top; found levels {levels}"
        )
        skips = [(a, b) for a, b in zip(levels, levels[1:]) if b > a + 1]
        assert not skips, f"{name}: headings skip a level: {skips}"


FORBIDDEN = {
    r"^:::+\s*\{": "a MyST directive (:::{...})",
    r"^(```+|~~~+)\{": "a MyST directive (```{...})",
    r"\{[a-z:]+\}`": "a MyST role ({name}`...`)",
    r"^\([\w-]+\)=\s*$": "a MyST label ((name)=)",
    r"\$\$\s*\([\w-]+\)": "a labelled equation ($$ (label))",
    r"\\(label|eqref|ref)\{": "a LaTeX label or reference",
    r"^>\s*\[!": "a GitHub callout (> [!NOTE])",
    r"<(figure|video|iframe)\b": "an HTML element that Colab or print does not show",
}


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_sources_are_plain_markdown_that_colab_shows(root, chapters, pattern):
    texts = {
        name: "\n\n".join(
            "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"
        )
        for name, notebook in chapters.items()
    }
    texts |= {path.name: path.read_text("utf8") for path in (root / "chapters").glob("*.md")}
    # made from the docstrings by Sphinx: no notebook, so nothing that Colab would open
    texts.pop("api.md", None)
    found = [name for name, text in texts.items() if re.search(pattern, text, re.MULTILINE)]
    assert not found, f"{FORBIDDEN[pattern]} in {found}: Colab shows it as raw text"


def test_every_picture_has_words(pages, chapters):
    for name, text in pages.items():
        for image in re.findall(r"<img\b[^>]*>", text):
            assert re.search(r'\balt="[^"]{8,}"', image), f"{name}: no alt text: {image}"
        for alt in re.findall(r"!\[([^\]]*)\]\(", text):
            assert len(alt) >= 8, f"{name}: a picture without alt text"
    for name, notebook in chapters.items():
        for k, source in code(notebook):
            for call in calls(source, "picture"):
                words = [keyword for keyword in call.keywords if keyword.arg == "alt"]
                assert words, f"{name}, cell {k}: picture(...) without alt="


def test_no_cell_prints_a_share_in_whole_per_cent(chapters):
    """Python's format takes the even neighbour of a half, so 72.5 % would become 72 %: print one decimal."""
    wrong = [
        f"{name}, cell {k}"
        for name, notebook in chapters.items()
        for k, source in code(notebook)
        if ":.0%" in source
    ]
    problems(*wrong)


def calls(source, name):
    """Calls of a function or method of that name in a cell."""
    for node in ast.walk(ast.parse(re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", None)) == name:
            yield node


def test_no_cell_relies_on_a_kernel_to_move(chapters):
    """ipywidgets.interact is dead on a static page: its readout moves, its picture does not."""
    for name, notebook in chapters.items():
        for k, source in code(notebook):
            dead = [
                call
                for word in ("interact", "interactive", "interact_manual")
                for call in calls(source, word)
            ]
            assert not dead, f"{name}, cell {k}: interact(...) does nothing on the published page"


def test_folded_parts_are_whole(pages):
    for name, text in pages.items():
        opened, closed = len(re.findall(r"<details\b", text)), text.count("</details>")
        assert opened == closed, f"{name}: {opened} <details> but {closed} </details>"
        headed = re.findall(r"<details\b[^>]*>\s*<summary>[^<]+</summary>[ \t]*\n[ \t]*\n", text)
        assert len(headed) == opened, f"{name}: <details>, then <summary>words</summary>, then a blank line"
        assert len(re.findall(r"\n[ \t]*\n</details>", text)) == closed, (
            f"{name}: a blank line before </details>"
        )


def test_every_exercise_is_followed_by_its_folded_solution(chapters):
    for name, notebook in chapters.items():
        text = markdown(notebook["cells"])
        starts = [
            match.start() for match in re.finditer(r"^(?:#+ |\*\*|> \*\*)Exercise \d+", text, re.MULTILINE)
        ]
        for start, end in zip(starts, [*starts[1:], len(text)]):
            title = text[start : start + 50].split("\n")[0]
            assert "<details>" in text[start:end], f"{name}: no folded solution after {title!r}"
