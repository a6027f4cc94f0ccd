"""For those who teach: slides of every chapter, and its figures as files, made from the rendered pages.

`slides/CHAPTER.html` shows a chapter's figures and claims, one after the other; `figures/CHAPTER.zip` holds
its figures as SVG with their captions and the licence. Both stand on the site beside the chapters, and need
no other server. Exercises and folds are left out.
"""

import io
import re
import zipfile
from dataclasses import dataclass
from html import escape, unescape

import nbformat
from bs4 import BeautifulSoup

SVG = re.compile(r'<svg class="ltc-figure(?! ltc-phone)[^"]*".*?</svg>', re.DOTALL)
LABEL = re.compile(r'aria-label="([^"]*)"')
CAPTION = re.compile(r"^\*\*Figure ([A-Z]\d+)\.\*\*\s+(.+)$", re.MULTILINE)
PAINT = re.compile(r"var\(--[a-z-]+, ?(#[0-9A-Fa-f]{6})\)")
CLAIMS = ("Theorem", "Use ", "Do not ", "After this")
LICENCE = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
INK = "#1b1e22"


@dataclass(frozen=True)
class Figure:
    """A figure of a chapter: its label (L3), its drawing, and its caption in Markdown."""

    label: str
    svg: str
    caption: str


def write(site, chapters):
    """Write the slides and the figures of every chapter into a rendered site; return the chapters' names."""
    made = []
    for path in sorted((site / "chapters").glob("*.html")):
        source = chapters / f"{path.stem}.ipynb"
        page = path.read_text("utf8")
        found = figures(page, source) if is_chapter(source) else []
        if not found:
            continue
        for folder in ("slides", "figures"):
            (site / folder).mkdir(exist_ok=True)
        (site / "slides" / path.name).write_text(slides(page, path.stem), "utf8")
        (site / "figures" / f"{path.stem}.zip").write_bytes(archive(found, page, path.stem))
        made.append(path.stem)
    return made


def is_chapter(source):
    """Whether a page has a notebook with exercises."""
    return source.is_file() and '"exercise"' in source.read_text("utf8")


# --- figures ---------------------------------------------------------------------------------------------


def figures(page, source):
    """The figures of a rendered page that have a caption, in their order."""
    cells = nbformat.read(source, as_version=4).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    captions = dict(CAPTION.findall(text))
    drawn = list(SVG.finditer(page))
    found = {}
    for match in re.finditer(r"<strong>Figure ([A-Z]\d+)\.</strong>", page):
        above = [svg for svg in drawn if svg.end() < match.start()]
        if above and match[1] in captions and match[1] not in found:
            found[match[1]] = Figure(match[1], above[-1][0], captions[match[1]])
    used = {}
    return [figure for figure in found.values() if used.setdefault(figure.svg, figure) is figure]


def standing_alone(figure, title):
    """The SVG as a file of its own: plain colours, and its caption, its words and its licence inside."""
    svg = PAINT.sub(r"\1", figure.svg).replace("currentColor", INK)
    alt = unescape(LABEL.search(svg)[1])
    words = {
        "title": f"Figure {figure.label}, {title}",
        "desc": f"{figure.caption} {alt}",
        "metadata": f"The ltcbook authors, {title}, {LICENCE}",
    }
    inside = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in words.items())
    start = svg.index(">") + 1
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{svg[:start]}{inside}{svg[start:]}\n'


def archive(found, page, name):
    """A zip with a chapter's figures, their captions and the licence: the same figures, the same bytes."""
    title = unescape(re.search(r"<h1>(.*?)<a ", page)[1])
    lines = [f"# {title}: figures", "", f"The ltcbook authors, *{title}*. Licence: {LICENCE}", ""]
    files = {}
    for figure in found:
        file = f"{name}-{figure.label}.svg"
        files[file] = standing_alone(figure, title)
        lines += [f"**Figure {figure.label}** (`{file}`). {figure.caption}", ""]
    files["captions.md"] = "\n".join(lines)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for file, text in files.items():
            zipped.writestr(zipfile.ZipInfo(file, (1980, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


# --- slides ----------------------------------------------------------------------------------------------


def slides(page, name):
    """A page of slides: the question, what one learns, the figures, the claims, the way to the explorer."""
    text, kept = set_aside(page)
    article = BeautifulSoup(text, "html.parser").select_one("article > section")
    for part in article.select("a.headerlink, details, .chapter-facts, button"):
        part.decompose()
    title = article.h1.get_text().strip()
    shown = [slide("title", f"<h1>{escape(title)}</h1>{opening(article)}")]
    section = title
    for node in article.find_all(["h2", "blockquote", "ul", "var"]):
        if node.name == "h2":
            section = node.get_text().strip()
            if section.startswith(("Exercises", "Further reading")):
                break
        elif node.name == "var" and "figure" in node.get("class", []):
            shown.append(slide("figure", f"{head(section)}<figure>{node}{caption(node)}</figure>"))
        elif node.name == "ul" and section == "Summary" or claims(node):
            shown.append(slide("claim", f"{head(section)}{node}"))
    if article.select_one(".ltc-widget"):
        link = f'<a href="../chapters/{name}.html#explorer">Open the explorer</a>'
        shown.append(
            slide("claim", f"{head('Move it yourself')}<p>{link} and change it while others watch.</p>")
        )
    body = re.sub(
        r'<var class="[a-z]+" id="kept-(\d+)"></var>', lambda k: kept[int(k[1])], led("\n".join(shown), name)
    )
    return PAGE.format(title=escape(title), name=name, body=body)


def set_aside(page):
    """The page with an empty element in place of each drawing and each formula, which no parser need read."""
    kept = []

    def put(match):
        kind = "figure" if SVG.fullmatch(match[0]) else "other"
        kept.append(match[0])
        return f'<var class="{kind}" id="kept-{len(kept) - 1}"></var>'

    heavy = r"<svg\b.*?</svg>|<mjx-container\b.*?</mjx-container>"
    return re.sub(heavy, put, page, flags=re.DOTALL), kept


def claims(node):
    """Whether an element is a theorem, or says what a chapter is good for."""
    return node.name == "blockquote" and node.get_text().strip().startswith(CLAIMS)


def slide(kind, inner):
    """One slide."""
    return f'<section class="slide {kind}">{inner}</section>'


def head(section):
    """The line above a slide: the section that it comes from."""
    return f"<h2>{escape(section)}</h2>"


def opening(article):
    """The chapter's opening question."""
    first = next(part for part in article.find_all("p") if part.get_text().strip())
    return str(first)


def caption(figure):
    """The caption below a figure, "" where the figure has none."""
    paragraph = figure.find_next("p")
    words = paragraph.get_text() if paragraph else ""
    return f"<figcaption>{paragraph.decode_contents()}</figcaption>" if words.startswith("Figure ") else ""


def led(html, name):
    """The slides' links lead to the chapters, one folder aside."""
    html = re.sub(r'href="#', f'href="../chapters/{name}.html#', html)
    return re.sub(r'href="(?!https?:|\.\./|mailto:)([^"]+)"', r'href="../chapters/\1"', html)


PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: slides</title>
<link rel="icon" href="../_static/favicon.svg">
<link rel="stylesheet" href="../_static/formulas.css">
<link rel="stylesheet" href="../_static/slides.css">
<script defer src="../_static/slides.js"></script>
</head>
<body>
<main>
{body}
</main>
<footer>
<a href="../chapters/{name}.html">{title}</a> · The ltcbook authors, CC BY 4.0 ·
<span class="place" aria-live="polite"></span>
</footer>
</body>
</html>
"""
