"""The outline of the course: what the page for instructors tells of the chapters is what they say themselves."""

import json

import networkx as nx
import pytest

from ltcbook.course import bank, outline, source


@pytest.fixture(scope="module")
def entries():
    return outline.outline()


def test_the_stored_outline_is_the_chapters_own():
    assert outline.FILE.read_text("utf8") == outline.text(), "run `python -m ltcbook.course outline`"


def test_a_chapter_needs_only_chapters_that_come_before_it(entries):
    """But for the refresher, to which every chapter may lead, and the wiring, which training looks ahead to."""
    names = [entry["name"] for entry in entries]
    assert names == source.chapters() and "refresher" in names
    ahead = [
        (entry["name"], before)
        for entry in entries
        for before in entry["needs"]
        if before != "refresher" and names.index(before) > names.index(entry["name"])
    ]
    assert ahead == [("training", "ncp_wiring")]
    graph = nx.DiGraph((before, entry["name"]) for entry in entries for before in entry["needs"])
    assert nx.is_directed_acyclic_graph(graph)
    assert nx.ancestors(graph, "lyapunov") >= {"start", "ct_rnn", "ltc", "ncp_wiring", "pruning_rewiring"}


def test_exercises_are_read_from_the_chapters(entries):
    assert {entry["name"]: entry["title"] for entry in entries}["ltc"] == "Liquid time constants"
    for entry in entries:
        numbers = sorted(number for row in entry["exercises"].values() for number in row)
        assert numbers == list(range(1, len(numbers) + 1))
        assert set(entry["varies"]) <= set(entry["graded"]) <= set(numbers)


def test_a_bank_holds_every_variant_with_the_values_of_its_own_numbers(tmp_path):
    to, said = tmp_path / "bank", []
    rows = bank.bank(["ltc"], 2, to, said.append)
    assert json.loads((to / "bank.json").read_text("utf8")) == rows and said
    first, second = (row for row in rows if row["name"] == "ltc-1")
    assert first["text"] != second["text"]
    for row in (first, second):
        values = {answer["name"]: answer["value"] for answer in row["answers"]}
        tau, f = (float(row["text"].partition(f"${sign} = ")[2].partition("$")[0]) for sign in (r"\tau", "f"))
        assert values["tau_sys_1"] == pytest.approx(1 / (1 / tau + f))
        assert row["equations"].startswith('<a id="eq-ltc-ltc"></a>') and "](" not in row["text"]
    assert r"\tag{L5}" in (to / "questions-1.md").read_text("utf8")
    key = (to / "key-2.md").read_text("utf8")
    assert f"{second['answers'][0]['value']:.4g} ms | 1 %" in key


@pytest.mark.parametrize(
    ("chapters", "count", "words"), [(["ltc"], 0, "give 1 or more"), (["lct"], 1, "'lct' is no chapter")]
)
def test_a_bank_that_cannot_be_is_refused_and_leaves_nothing(tmp_path, chapters, count, words):
    with pytest.raises(ValueError, match=words):
        bank.bank(chapters, count, tmp_path / "bank", print)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="exists; give a folder that does not"):
        bank.bank(["ltc"], 1, tmp_path, print)
