"""The glossary: in order, every link alive, every word one that a chapter uses, every code name one that
exists.
"""

import importlib
import re

import pytest
from test_chapters import ANCHOR, LINK, code, markdown, tagged

from ltcbook import symbolic

ENTRY = re.compile(
    r'^- <a id="(term-[^"]+)"></a>\*\*([^*]+)\*\*(.*?)(?=^- |^<a id="letter|\Z)', re.MULTILINE | re.DOTALL
)
CODE = re.compile(r"`(\w+(?:\.\w+)+)`")
ENDING = re.compile(r"(ing|ility|ed|is|ium|le|y|e|s)$")
# words too common to tell whether the term is meant
SAME = {"neuron", "step", "function", "matrix", "network"}


@pytest.fixture(scope="module")
def text(root):
    return (root / "chapters" / "glossary.md").read_text("utf8")


@pytest.fixture(scope="module")
def entries(text):
    """Term -> (anchor, the rest of the entry)."""
    found = ENTRY.findall(text)
    assert len(found) > 60, "the glossary is longer than that: the search is broken"
    return {term: (anchor, rest) for anchor, term, rest in found}


@pytest.fixture(scope="module")
def sentences(chapters):
    """The sentences of every chapter, with the names that its code calls and what the notation page says
    in its tables.
    """
    pages = [markdown(notebook["cells"]) for notebook in chapters.values()]
    pages += [
        " ".join(map(str, row.values() if isinstance(row, dict) else row)) for row in symbolic.notation()
    ]
    pages += [
        name.replace("_", " ")
        for notebook in chapters.values()
        for _, source in code(notebook)
        for name in re.findall(r"\.(\w+)", source)
    ]
    pages = [re.sub(r"\]\([^)]*\)|[*_\[]|</?[a-z][^>\n]*>", " ", page) for page in pages]
    return [" ".join(part.split()) for page in pages for part in re.split(r"[.!?:;](?:\s|$)|\n\s*\n", page)]


def stems(term):
    """A term's words without their endings: «vanishing gradient» is used where gradients vanish."""
    words = term.split()
    telling = [word for word in words if word not in SAME or len(words) == 1]
    return [ENDING.sub("", word) if len(word) > 5 else word for word in telling]


def used(term, sentences):
    """Whether some sentence holds all words of a term, each at the beginning of a word; a name such as SET
    as written.
    """
    spelling = 0 if re.search(r"[A-Z].*[A-Z]", term) else re.IGNORECASE
    wanted = [re.compile(rf"(?<![^\W_]){re.escape(stem)}", spelling) for stem in stems(term)]
    return any(all(pattern.search(sentence) for pattern in wanted) for sentence in sentences)


def test_entries_stand_in_alphabetical_order_under_their_letters(text, entries):
    assert list(entries) == sorted(entries, key=str.casefold)
    letters = re.findall(r"^## (.)$", text, re.MULTILINE)
    assert letters == sorted({term[0].upper() for term in entries})
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        assert {term[0].upper() for _, term, _ in ENTRY.findall(part)} == {part[0]}


def test_the_row_of_letters_jumps_to_every_letter(text):
    letters = re.findall(r"^## (.)$", text, re.MULTILINE)
    row = re.findall(r"\[(.)\]\(#letter-(.)\)", text)
    assert row == [(letter, letter.lower()) for letter in letters]
    for letter in letters:
        assert f'<a id="letter-{letter.lower()}"></a>\n\n## {letter}\n' in text


def test_anchors_are_unique_and_made_from_the_term(text, entries):
    anchors = ANCHOR.findall(text)
    assert len(set(anchors)) == len(anchors)
    for term, (anchor, _) in entries.items():
        words = re.sub(r"[^a-z0-9]+", "-", term.casefold().replace("'", "")).strip("-")
        assert anchor == f"term-{words}", f"{term}: its anchor is {anchor}"


def test_every_entry_explains_and_leads_to_a_page_that_teaches_it(root, chapters, entries):
    pages = {name: markdown(notebook["cells"]) for name, notebook in chapters.items()}
    pages["api.md"] = (root / "chapters" / "api.md").read_text("utf8")
    anchors = {name: set(ANCHOR.findall(page)) for name, page in pages.items()}
    tags = {name: {anchor: tag for tag, anchor in tagged(page)} for name, page in pages.items()}
    wrong = []
    for term, (_, rest) in entries.items():
        words = LINK.sub("", rest).split()
        if not 4 <= len(words) <= 70:
            wrong.append(f"{term}: {len(words)} words; one sentence or two")
        links = [(shown, *target.partition("#")[::2]) for shown, target in LINK.findall(rest)]
        if not any(page in chapters for _, page, _ in links):
            wrong.append(f"{term}: leads to no chapter")
        for shown, page, anchor in links:
            if page not in pages:
                wrong.append(f"{term}: no page {page}")
            elif anchor and anchor not in anchors[page]:
                wrong.append(f"{term}: no {anchor} on {page}")
            elif anchor in tags[page] and f"({tags[page][anchor]})" not in shown:
                wrong.append(f"{term}: {shown} should say {tags[page][anchor]}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_term_is_used_in_a_chapter(entries, sentences):
    unused = []
    for term, (_, rest) in entries.items():
        short = re.match(r" \(([A-Z]\w+)[,)]", rest)  # an abbreviation, as in (BPTT)
        if not any(used(name, sentences) for name in [term, *(short.groups() if short else ())]):
            unused.append(term)
    assert not unused, f"no chapter uses {unused}"


def test_a_word_of_another_field_would_be_noticed(sentences):
    assert (
        not used("dropout", sentences)
        and not used("convolution", sentences)
        and not used("fan-wheel", sentences)
    )


def test_every_code_name_exists(entries):
    wrong = []
    for term, (_, rest) in entries.items():
        spans = re.findall(r"`([^`]*)`", rest)
        wrong += [
            f"{term}: {name}" for name in spans if not CODE.fullmatch(f"`{name}`") or found(name) is None
        ]
        wrong += [f"{term}: {name} is too long for a phone" for name in spans if len(name) > 32]
    assert not wrong, wrong


def found(name):
    """What a dotted name of ltcbook means (a field of a dataclass counts), or None."""
    room, *parts = name.split(".")
    try:
        thing = importlib.import_module(f"ltcbook.{room}")
    except ModuleNotFoundError:
        return None
    for part in parts:
        fields = getattr(thing, "__dataclass_fields__", {})
        thing = fields.get(part) or getattr(thing, part, None)
    return thing
