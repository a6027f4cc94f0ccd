"""What the rendered site gives to those who teach: slides, and figures as files."""

import re
import zipfile
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup

from ltcbook.course import source
from ltcbook.site import handouts

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def names(site):
    """The chapters of the book that have figures with captions."""
    return source.chapters()


def test_every_figure_with_a_caption_is_a_file_with_its_caption_and_its_licence(site, root, names):
    assert sorted(path.stem for path in (site / "figures").iterdir()) == sorted(names)
    for name in names:
        cells = source.read(name).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        captions = dict(handouts.CAPTION.findall(text))
        with zipfile.ZipFile(site / "figures" / f"{name}.zip") as zipped:
            files = {file: zipped.read(file).decode("utf8") for file in zipped.namelist()}
        told = files.pop("captions.md")
        assert files, name
        for file, svg in files.items():
            label = re.fullmatch(rf"{name}-([A-Z]\d+)\.svg", file)[1]
            assert f"**Figure {label}** (`{file}`). {captions[label]}" in told
            tree = ElementTree.fromstring(svg)
            assert tree.tag == f"{SVG}svg"
            assert captions[label] in tree.find(f"{SVG}desc").text
            assert "CC BY 4.0" in tree.find(f"{SVG}metadata").text and "CC BY 4.0" in told
            assert "var(" not in svg and "currentColor" not in svg, "colours that only a page knows"


def test_the_figures_of_a_chapter_lack_only_what_is_no_drawing(site, names):
    """An explorer's picture and a film have a caption, too."""
    missing = {}
    for name in names:
        text = "\n\n".join(cell.source for cell in source.read(name).cells if cell.cell_type == "markdown")
        with zipfile.ZipFile(site / "figures" / f"{name}.zip") as zipped:
            there = {file.partition("-")[2].removesuffix(".svg") for file in zipped.namelist()}
        missing |= {label: name for label, _ in handouts.CAPTION.findall(text) if label not in there}
    assert len(missing) < 10, missing


def test_slides_show_the_question_the_figures_and_the_claims_and_no_exercise(site, names):
    assert sorted(path.stem for path in (site / "slides").iterdir()) == sorted(names)
    for name in names:
        page = (site / "slides" / f"{name}.html").read_text("utf8")
        text = BeautifulSoup(page, "html.parser").main.get_text()
        assert not re.search(r"Exercise \d+ \((easy|medium|hard|build|research)\)", text), name
        assert "Solution</summary>" not in page
    soup = BeautifulSoup((site / "slides" / "ltc.html").read_text("utf8"), "html.parser")
    shown = soup.select(".slide")
    assert "Can one neuron be quick" in shown[0].get_text() and shown[1].select_one(
        "figure svg, figure figcaption"
    )
    words = soup.get_text()
    for claim in (
        "Theorem 1 (speed limits).",
        "Theorem 2 (the box).",
        "Use an LTC when",
        "Do not use it when",
    ):
        assert claim in words
    assert len(soup.select("figcaption")) >= 8
    lost = [
        link["href"]
        for link in soup.select("a[href]")
        if not re.match("https?:", link["href"])
        and not (site / "slides" / link["href"].partition("#")[0]).exists()
    ]
    assert not lost


def test_keys_turn_the_slides_without_a_network(site, browser):
    context = browser.new_context(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "slides" / "ltc.html").as_uri())
    page.wait_for_function("document.querySelector('.place').textContent.startsWith('1 of')")
    for key, number in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("Home", 1)):
        page.keyboard.press(key)
        page.wait_for_function(f"document.querySelector('.place').textContent.startsWith('{number} of')")
    assert asked and all(url.startswith("file:") for url in asked)
    context.close()
