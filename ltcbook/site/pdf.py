"""Print the book: `python -m ltcbook.site pdf`, which is what `make pdf` calls.

Sphinx writes LaTeX out of the pages that `make book` has read, XeLaTeX sets it. Print cannot fold or move, so
the code of figures and of checks is left out (it stands in the notebooks), solutions are open, and an
explorer is a picture.
"""

import html
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from ltcbook.site import build, tex

HERE = Path(__file__).parent
LATEX = build.STAGE / "latex"
SOURCE, PRINTED = LATEX / "ltcbook.tex", build.BUILD / "ltcbook.pdf"
PASSES = 4
EXPLORER = re.compile(r'<div class="ltc-widget".*?<img class="ltc-fallback" alt="([^"]*)"', re.DOTALL)
PICTURE = re.compile(
    r'<svg class="ltc-figure(?: ltc-desk)?" role="img" aria-label="([^"]*)" viewBox="0 0 ([0-9.]+) '
)
# points: the text's width; a figure is drawn for a screen, paper takes it a little smaller
WIDEST, SHRUNK = 453, 0.92
SUMMARY = re.compile(r"<details\b[^>]*>\s*<summary>(.*?)</summary>", re.DOTALL)
ONLINE = "An explorer: in print it shows its first state, on the page it moves."
AGAIN = re.compile(r"Rerun to get|Label\(s\) may have changed|No file \S+\.toc|rerunfilecheck Warning: File")
TROUBLE = re.compile(
    r"^.*:\d+: .*|^! .*|^LaTeX Warning: .*(?:undefined|multiply defined).*|^Missing character: .*",
    re.MULTILINE,
)
WIDE = re.compile(r"^Overfull \\hbox \((\d+)\.\d+pt too wide\).*", re.MULTILINE)
TOLERATED = 12  # points beyond the text's edge: less than the eye minds, far from the paper's edge


def configure(app, config):
    """The LaTeX builder's settings; what the site shows as its title and authors stands on the title page."""
    config.latex_elements = {
        "papersize": "a4paper",
        "pointsize": "11pt",
        "extraclassoptions": "oneside,openany",
        "geometry": r"\usepackage[a4paper,hmargin=25mm,top=25mm,bottom=28mm]{geometry}",
        "fncychap": "",
        "fontpkg": "",
        "fvset": r"\fvset{fontsize=\footnotesize}",
        "sphinxsetup": "verbatimwithframe=false,VerbatimColor={HTML}{F5F5F3},verbatimsep=4pt,"
        "InnerLinkColor={HTML}{00568A},OuterLinkColor={HTML}{00568A}",
        "extrapackages": r"\usepackage{accsupp,etoolbox,newunicodechar}",
        "preamble": (HERE / "print.tex").read_text("utf8"),
        "tableofcontents": r"{\hypersetup{linkcolor=black}\sphinxtableofcontents}",
        "maketitle": r"\ltctitlepage{" + "© " + config.copyright + "}",
        "makeindex": "",
        "printindex": "",
    }
    config.latex_domain_indices = False


class Print(SphinxPostTransform):
    """The whole book as one tree, made fit for paper. It runs before myst-nb chooses among an output's
    forms (4).
    """

    default_priority = 3
    formats = ("latex",)

    def run(self):
        self.drop_what_only_a_screen_needs()
        self.drop_links_to_explorers()
        self.open_solutions()
        self.let_code_break()
        self.name_sections()
        self.name_equations()
        self.show_pictures()
        self.divide_into_parts()

    def drop_what_only_a_screen_needs(self):
        """Code that a page folds away, answer boxes, and how long a page takes to run."""
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") != "cell_code":
                continue
            if cell.get("hide_mode") == "all" or "tag_check" in cell["classes"]:
                cell.parent.remove(cell)
            elif cell.get("hide_mode") == "input":
                cell.children = [
                    part for part in cell.children if part.get("nb_element") != "cell_code_source"
                ]
        for paragraph in list(self.document.findall(nodes.paragraph)):
            # an empty one makes a table's row tall
            if "chapter-facts" in paragraph["classes"] or not paragraph.children:
                paragraph.parent.remove(paragraph)

    def drop_links_to_explorers(self):
        """A link that sets an explorer, moves its control or marks its drawing is plain words on paper."""
        for link in list(self.document.findall(nodes.reference)):
            if re.match("#.*=", link.get("refuri", "")):
                link.replace_self(link.children)

    def open_solutions(self):
        """<details> becomes a block with a bar, its summary the first words of the block."""
        for raw in list(self.document.findall(nodes.raw)):
            if raw.get("format") != "html" or raw.parent.get("mime_type"):
                continue
            text, place = raw.astext().strip(), raw.parent.index(raw)
            summary = SUMMARY.match(text)
            if summary:
                words = html.unescape(summary[1].strip())
                first = raw.parent[place + 1]
                lead = nodes.strong("", f"{words}.")
                if isinstance(first, nodes.paragraph):
                    first.insert(0, [lead, nodes.Text(" ")])
                else:
                    raw.parent.insert(place + 1, nodes.paragraph("", "", lead))
                raw.replace_self(latex(r"\begin{ltcsolution}"))
            elif text == "</details>":
                raw.replace_self(latex(r"\end{ltcsolution}"))

    def let_code_break(self):
        """Long names in running text and in narrow columns may break after a dot, a line, a comma or a
        bracket.
        """
        for literal in self.document.findall(nodes.literal):
            literal.children = [
                nodes.Text(re.sub(r"(?<=[\w)])([_.,(=/]+)(?=\w)", "\\1\u200b", literal.astext()))
            ]

    def name_sections(self):
        """An anchor just above a heading goes into its section: Sphinx takes it for the section's own id
        and drops it.
        """
        for target in list(self.document.findall(nodes.target)):
            section = target.next_node(ascend=True)
            if target["ids"] and isinstance(section, nodes.section):
                section.insert(1, [latex(rf"\phantomsection{label(target, name)}") for name in target["ids"]])
                target.parent.remove(target)

    def name_equations(self):
        """Sphinx forgets the ids of an equation; links to it need them."""
        for equation in self.document.findall(nodes.math_block):
            anchors = "".join(
                label(equation, name).replace(r"\label", r"\ltcanchor") for name in equation["ids"]
            )
            before, begin, body = equation.astext().partition(r"\begin{equation*}")
            equation.children = [nodes.Text(before + begin + anchors + body)]

    def show_pictures(self):
        """Figures and explorers stand in the middle, with their words; an explorer's words are printed."""
        for bundle in list(self.document.findall(nodes.container)):
            if bundle.get("nb_element") != "mime_bundle":
                continue
            text = "".join(raw.astext() for raw in bundle.findall(nodes.raw))
            explorer, picture = EXPLORER.search(text), PICTURE.search(text)
            if not explorer and not picture:
                continue
            alt = html.unescape((explorer or picture)[1])
            for image in bundle.findall(nodes.image):
                image["width"] = f"{min(WIDEST, SHRUNK * float(picture[2])) if picture else WIDEST:.0f}pt"
            place = bundle.parent.index(bundle)
            after = [latex("}")]
            if explorer:
                after += [
                    latex(r"\ltccaption{"),
                    nodes.paragraph("", "", nodes.emphasis("", ONLINE), nodes.Text(f" {alt}")),
                    latex("}"),
                ]
            bundle.parent[place + 1 : place + 1] = after
            bundle.parent.insert(place, latex(rf"\ltcpicture{{FEFF{alt.encode('utf-16-be').hex()}}}{{%"))

    def divide_into_parts(self):
        """The front page becomes a chapter; the captions of the table of contents become parts."""
        book = next(iter(self.document.findall(nodes.section)))
        files = [node for node in book.findall() if node.tagname == "start_of_file" and "docname" in node]
        opening = nodes.section("", nodes.title("", book[0].astext()), ids=["opening"])
        for node in list(book.children[1:]):
            if not any(True for _ in node.findall(type(files[0]))):
                book.remove(node)
                opening.append(node)
        book.insert(1, opening)
        for part in self.app.config.external_site_map.root.subtrees:
            first = next((file for file in files if file["docname"] == str(part.items[0])), None)
            if part.caption and first is not None:
                first.parent.insert(first.parent.index(first), latex(rf"\part{{{plain(part.caption)}}}"))
        for title in list(self.document.findall(nodes.title)):
            if len(title.astext()) == 1:  # a letter of the glossary: no line in the table of contents
                title.replace_self(latex(rf"\section*{{{title.astext()}}}"))


def label(node, name):
    """LaTeX's label for a name on the page that a node stands on, as Sphinx writes it."""
    while not node.get("docname"):
        node = node.parent
    return rf"\label{{\detokenize{{{node['docname']}:{name}}}}}"


def latex(text):
    """A piece of LaTeX as a node."""
    return nodes.raw("", text, format="latex")


def plain(text):
    """Words that LaTeX takes as they are."""
    return re.sub(r"([&%$#_{}])", r"\\\1", text.replace("\\", "/")).replace("~", " ").replace("^", " ")


def write():
    """Let Sphinx write the LaTeX of the whole book; whether it went well. The pages must have been
    rendered.
    """
    build.forget(LATEX)
    jupyter_book = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command = [
        *jupyter_book,
        "build",
        str(build.ROOT),
        "--path-output",
        str(build.STAGE.parent),
        "--builder",
        "latex",
    ]
    return build.rendered([*command, "-W", "--keep-going"], build.own_settings())


def typeset():
    """Run XeLaTeX until the page numbers stand still; return its log."""
    for _ in range(PASSES):
        command = ["xelatex", "-no-pdf", "-interaction=nonstopmode", "-file-line-error", SOURCE.name]
        subprocess.run(command, check=False, cwd=LATEX, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        log = re.sub(r"(?<=.{79})\n(?!$)", "", SOURCE.with_suffix(".log").read_text("utf8", errors="replace"))
        if not AGAIN.search(log):
            break
    if SOURCE.with_suffix(".xdv").is_file():
        subprocess.run(["xdvipdfmx", "-q", "-E", SOURCE.with_suffix(".xdv").name], cwd=LATEX, check=True)
    return log


def troubles(log):
    """What XeLaTeX complains of and a reader would notice: errors, dead links, missing letters, lines off
    the page.
    """
    wide = [match[0] for match in WIDE.finditer(log) if int(match[1]) > TOLERATED]
    return sorted(set(TROUBLE.findall(log))) + wide


def main():
    """Write, set, publish, print the address; the exit status is 0 only when everything went well."""
    start = time.perf_counter()
    if tex.missing():
        print(tex.advice(tex.missing()), file=sys.stderr)
        return 1
    if not write():
        print("Sphinx could not write the book's LaTeX (see above).", file=sys.stderr)
        return 1
    found = troubles(typeset())
    if found:
        print("The book was NOT printed:", *found[:20], sep="\n  ", file=sys.stderr)
        return 1
    shutil.copy(SOURCE.with_suffix(".pdf"), PRINTED)
    size, seconds = PRINTED.stat().st_size / 1e6, time.perf_counter() - start
    print(f"The book is printed ({seconds:.0f} s, {size:.1f} MB):\n  {PRINTED}")
    return 0
