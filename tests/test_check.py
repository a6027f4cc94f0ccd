"""The checks of the exercises: what is right passes, a mistake gets its words, and nothing else ever happens."""

import base64
import decimal
import fractions
import itertools
import json
import math
import zlib

import numpy as np
import pytest
import sympy
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from ltcbook import check
from ltcbook.check import compare, kinds, seal
from ltcbook.check.kinds import WORDS

RELS = st.floats(1e-6, 0.3)
# far from 0, and with room for squares and powers
TRUTHS = st.floats(1e-4, 1e4).flatmap(lambda size: st.sampled_from([size, -size]))
COUNTS = st.integers(-(10**9), 10**9)


def words(given, truth, **options):
    """What `equal` holds against an answer; None where it is right."""
    try:
        check.equal("x", given, truth, **options)
    except check.Wrong as wrong:
        assert str(wrong).startswith("x: ")
        return str(wrong).removeprefix("x: ")
    return None


# --- numbers -------------------------------------------------------------------------------------------------------------


@given(TRUTHS, RELS, st.floats(-1, 1))
def test_a_number_passes_within_its_tolerance_and_only_there(truth, rel, share):
    assert words(truth, truth, rel=rel) is None
    assert words(truth * (1 + rel * share), truth, rel=rel) is None
    assert words(truth * (1 + rel) * (1 + 1e-8), truth, rel=rel) is not None
    assert words(truth * (1 - rel) * (1 - 1e-8), truth, rel=rel) is not None
    assert words(-truth, truth, rel=rel) is not None


@given(TRUTHS, RELS, st.floats(-10, 10))
def test_beyond_the_tolerance_a_number_is_near_or_wrong(truth, rel, share):
    value = truth * (1 + rel * share)
    near = max(rel, min(seal.NEAR * rel, seal.NEAR_MOST))
    off = abs(rel * share)
    assume(abs(off - rel) > 1e-7 and abs(off - near) > 1e-7)
    found = words(value, truth, rel=rel)
    assert (found is None) == (off < rel)
    assert (found == WORDS["near"]) == (rel < off < near)


@given(COUNTS, COUNTS)
def test_a_count_is_compared_exactly(truth, other):
    assert words(truth, truth) is None and words(float(truth), truth) is None
    assert (words(other, truth) is None) == (other == truth)
    assert words(truth + 0.5, truth) == WORDS["whole"]
    assert words(truth * (1 + 1e-16), truth) is None  # what a sum leaves over


@pytest.mark.parametrize("truth", [0.0, 1e-17, -1e-12])
def test_zero_is_what_rounding_leaves_of_it(truth):
    assert words(0, truth) is None and words(1e-10, truth) is None
    assert words(1e-6, truth) is not None


# --- mistakes ------------------------------------------------------------------------------------------------------------

# kind -> what somebody gives who makes this mistake
MADE = {
    "sign": lambda v: -v,
    "double": lambda v: 2 * v,
    "half": lambda v: v / 2,
    "reciprocal": lambda v: 1 / v,
    "hundred": lambda v: 100 * v,
    "thousand": lambda v: v / 1000,
    "turn": lambda v: v * 2 * math.pi,
    "square": lambda v: v * v,
    "root": math.sqrt,
    "complement": lambda v: 1 - v,
    "logarithm": math.log,
    "exponential": math.exp,
}


@pytest.mark.parametrize("kind", MADE)
@given(size=st.floats(1e-3, 50), negative=st.booleans())
def test_each_kind_of_mistake_is_named(kind, size, negative):
    truth = (
        -size if negative and kind in ("sign", "double", "half", "reciprocal", "hundred", "turn") else size
    )
    truth = truth / 51 if kind == "complement" else truth
    value = MADE[kind](truth)
    assume(abs(value) > 1e-6 and abs(value / truth - 1) > 0.06)
    assert WORDS[kind] in words(value, truth)


@pytest.mark.parametrize("kind", ["sign", "one", "double", "half"])
@given(truth=st.integers(2, 500).map(lambda k: 2 * k))
def test_each_kind_of_mistake_of_a_count_is_named(kind, truth):
    value = truth + 1 if kind == "one" else MADE[kind](truth)
    assert WORDS[kind] in words(value, truth)


def test_a_kind_that_explains_by_chance_is_not_named():
    for given_ in (1, 3e-5, -25.0, 5e-8, 1e-7, 0.5):  # of these, something makes almost nothing
        assert words(given_, 0.0) == WORDS["other"], given_
    assert words(0, 1.0) == WORDS["other"]  # 1 = exp(0)
    assert words(1, 0.0) == WORDS["other"]  # 0 = log(1)
    assert words(2.0, -1.0) == WORDS["other"]  # -1 = 1 - 2
    assert words(1.2857, 2 / 7) == WORDS["other"]  # only counts are off by one


def test_where_two_mistakes_lead_to_one_number_both_are_named():
    for value, truth, both in (
        (4.0, 2.0, ("double", "square")),
        (0.25, 0.5, ("half", "square")),
        (10.0, 0.1, ("reciprocal", "hundred")),
        (2, 1, ("one", "double")),
    ):
        assert words(value, truth) == " ".join(WORDS[kind] for kind in ("several", *both))
    assert words(2.0, 0.5) == WORDS["reciprocal"]


@given(TRUTHS, st.floats(-1e4, 1e4))
def test_the_words_are_those_of_the_list_and_never_hold_the_answer(truth, value):
    found = words(value, truth)
    parts = [] if found is None else [found.replace(text, "") for text in WORDS.values() if text in found]
    assert found is None or parts
    rest = found or ""
    for text in WORDS.values():
        rest = rest.replace(text, "")
    assert not rest.strip()


def test_an_authors_mistakes_are_asked_first():
    ideas = {"The leak is missing.": 1 / 3, "It is half.": 1 / 7}
    assert words(1 / 3, 2 / 7, mistakes=ideas) == "The leak is missing."
    assert words(1 / 7, 2 / 7, mistakes=ideas) == "It is half."
    assert words(2 / 7, 2 / 7, mistakes={"never": 2 / 7}) is None
    assert words(2.5, 3, mistakes={"A mean is no count.": 2.5}) == "A mean is no count."
    assert words(2.7, 3, mistakes={"A mean is no count.": 2.5}) == WORDS["whole"]
    assert words(1, 2.0, mistakes={"never": math.nan, "nor": math.inf}) == WORDS["half"]


# --- several numbers, sets, words ----------------------------------------------------------------------------------------


@given(st.lists(TRUTHS, min_size=2, max_size=4), RELS)
def test_several_numbers_are_compared_in_their_order(truth, rel):
    assert words(truth, truth, rel=rel) is None and words(np.array(truth), tuple(truth), rel=rel) is None
    assert words(torch.tensor(truth, dtype=torch.float64), truth, rel=rel) is None
    shuffled = truth[::-1]
    away = any(abs(a / b - 1) > 6 * max(rel, 0.05) for a, b in zip(truth, shuffled))
    assume(away and rel < 0.1)
    assert words(shuffled, truth, rel=rel) is not None
    message = WORDS["count"].format(wanted=len(truth), came=len(truth) + 1)
    assert words([*truth, 1.0], truth, rel=rel) == message


def test_several_numbers_have_kinds_too():
    assert words((2, 1), (1.0, 2.0)) == WORDS["order"]
    assert words((0, -2), (0.0, 2.0)) == WORDS["sign"]
    assert words((2, 4), (1.0, 2.0)) == WORDS["double"]
    assert words((1, 5), (1.0, 2.0)) == WORDS["some"]
    assert words((7, 5), (1.0, 2.0)) == WORDS["other"]
    assert words((2, 3), (1, 2)) == WORDS["one"]
    assert words((1.5, 2), (1, 2)) == WORDS["whole"]


def test_a_set_has_no_order_and_no_number_twice():
    for given_ in (
        {1, 3},
        [3, 1],
        (1, 3, 1),
        np.array([3, 1]),
        torch.tensor([1, 3]),
        range(1, 4, 2),
        iter([1, 3]),
    ):
        assert words(given_, {1, 3}) is None
    assert words({1}, {1, 3}) == words((1, 2, 3), {1, 3}) == WORDS["other"]
    assert words({1}, {1, 3}, mistakes={"One is missing.": {1}}) == "One is missing."
    assert words([], set()) is None


def test_a_word_is_one_of_the_options():
    assert words(True, True) is None and words(" Yes ", np.True_) is None
    assert words(False, True) == words("no", True) == WORDS["other"]
    options = ("It grows", "it falls", "neither")
    assert words("it grows", "It grows", options=options) is None
    assert (
        words("neither", "It grows", options=options, mistakes={"It is driven.": "neither"})
        == "It is driven."
    )
    assert (
        words("both", "It grows", options=options) == "'both' is none of 'it grows', 'it falls', 'neither'."
    )
    assert words(1, True).startswith("give one of the words 'yes', 'no', not an int")


# --- arrays --------------------------------------------------------------------------------------------------------------

A = np.array([[2.0, -1.0, 0.5], [0.3, 4.0, 1.0], [-0.2, 0.7, 3.0]])
SPOILED = {
    "sign": -A,
    "transpose": A.T,
    "near": A + 0.1,
    "factor": 3 * A,
    "reciprocal": 1 / A,
    "row": A * [[2], [3], [4]],
    "offset": A + 5,
    "diagonal": A - 9 * np.eye(3),
    "beside": np.diag(np.diag(A)) + 9 * (1 - np.eye(3)),
    "some": np.where(A > 2, A, 7),
    "other": np.full((3, 3), 40.0),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_each_kind_of_mistake_of_an_array_is_named(kind):
    assert words(SPOILED[kind], A) == WORDS[kind]


def test_arrays_are_compared_whole_and_as_what_they_are():
    for given_ in (
        A,
        A.tolist(),
        torch.tensor(A, requires_grad=True),
        A + 0.039,
        sympy.Matrix(A),
        A.astype(object),
    ):
        assert words(given_, A) is None
    assert words(A + 0.041, A) == WORDS["near"]
    assert words(A[:2], A).startswith("the shape (2, 3) came, (3, 3) is wanted.")
    assert words(A[:2].T, A[:2]) == WORDS["transpose"] and words(A[1:].T, A[:2]) == WORDS["other"]
    assert words(np.r_[0, A[0], 1][1:], np.r_[0, A[0], 1][:4]) == WORDS["shift"]
    assert words(A > 0, A > 0) is None and words(9 * A, A, mistakes={"Nine.": 9 * A}) == "Nine."


def test_an_array_with_little_in_it_is_explained_by_nothing():
    assert words([7.0], np.array([2.0])) == WORDS["other"]
    assert words([[7.0], [1.0]], np.array([[2.0], [5.0]])) == WORDS["other"]
    assert words(np.zeros((4, 4)), np.ones((4, 4))) == WORDS["offset"]
    assert words(np.zeros(5), np.array([0, 0, 0, 0, 2.0])) == WORDS["other"]  # no shift
    assert words([0, 3, 0], np.array([0, 2.0, 0])) == WORDS["other"]  # zeros alone are not "some of it"


# --- bad input -----------------------------------------------------------------------------------------------------------


class Liar(float):
    """A number that claims to be equal to everything."""

    __hash__ = float.__hash__

    def __eq__(self, other):
        return True

    __lt__ = __gt__ = __le__ = __ge__ = __eq__

    def __abs__(self):
        return 2 / 7


class LyingWord(str):
    __hash__ = str.__hash__

    def __eq__(self, other):
        return True

    def strip(self, *arguments):
        return "yes"

    def lower(self):
        return "yes"


class Broken:
    """An object that raises whatever it is asked."""

    def fail(self, *arguments, **options):
        raise KeyError("broken")

    __float__ = __array__ = __iter__ = __len__ = __bool__ = __index__ = fail
    shape = property(fail)


BAD = [
    None, ..., "0.2857", "", b"1", bytearray(b"1"), True, False, np.True_, 1j, np.complex64(1), np.array(1 + 0j), math.nan,
    math.inf, -math.inf, np.float32("nan"), 10**400, -(10**400), decimal.Decimal("NaN"), decimal.Decimal("sNaN"), (), [], {},
    set(), {"a": 1}, [[1, 2], [3]], [None], ["1"], [1, "2"], print, int, Broken, Broken(), object(), sympy.Symbol("x"), sympy.I,
    sympy.oo, sympy.nan, torch.tensor(math.nan), torch.tensor(1j), torch.tensor([8.0, 9.0]), torch.zeros(0), np.zeros(0),
    np.array(["a"]), np.array([None]), np.datetime64("2026-01-01"), np.ma.masked, range(2, 2), itertools.count(), slice(3),
    LyingWord("no"), Liar(math.nan), (k for k in "ab"), "yes" * 1000, type, NotImplemented, Exception("x"), lambda: 1,
]  # fmt: skip


@pytest.mark.parametrize("value", BAD, ids=lambda value: f"{type(value).__name__}")
def test_bad_input_of_every_type_is_wrong_and_never_another_error(value):
    for truth in (2 / 7, 3, (1.0, 2.0), (1, 2), {1, 2}, A, np.ones(1), "maybe"):
        found = words(value, truth, options=("Maybe", "never") if isinstance(truth, str) else ())
        assert found and len(found) < 300 and "\n" not in found
    with pytest.raises(check.Wrong):
        check.number("x", value)
    with pytest.raises(check.Wrong):
        check.array("x", value, (2, 2))


def test_a_liar_is_taken_by_what_it_is():
    assert words(Liar(3), 2 / 7) == WORDS["other"] and words(Liar(2 / 7), 2 / 7) is None
    assert words(LyingWord("no"), True) == WORDS["other"] and words(LyingWord("yes"), True) is None


def test_numbers_of_every_library_are_numbers():
    for value in (
        2 / 7,
        np.float64(2 / 7),
        np.float32(2 / 7),
        np.array(2 / 7),
        np.array([2 / 7]),
        torch.tensor(2 / 7),
        torch.tensor([2 / 7], requires_grad=True),
        sympy.Rational(2, 7),
        sympy.Float("0.2857142"),
        fractions.Fraction(2, 7),
        decimal.Decimal("0.2857142"),
    ):
        assert words(value, 2 / 7) is None, repr(value)
        assert check.number("x", value, above=0, below=1) == pytest.approx(2 / 7, rel=1e-6)
    for value in (3, 3.0, np.int8(3), np.uint64(3), torch.tensor(3), sympy.Integer(3), sympy.sqrt(9)):
        assert words(value, 3) is None, repr(value)


def test_bounds_and_properties_say_their_idea():
    with pytest.raises(check.Wrong, match="x: -1 cannot be: it must be more than 0"):
        check.number("x", -1, above=0)
    with pytest.raises(check.Wrong, match="x: 1 cannot be: it must be less than 1"):
        check.number("x", 1, below=1)
    check.true(np.array([True, True]), "all")
    check.true(torch.tensor(2.0, requires_grad=True) > 1, "tensor")
    for condition in (False, np.array([True, False]), None, 0, Broken(), sympy.Symbol("x") > 0):
        with pytest.raises(check.Wrong, match="^the idea$"):
            check.true(condition, "the idea")


@pytest.mark.parametrize(
    ("truth", "options"),
    [
        (math.nan, {}),
        (math.inf, {}),
        (1j, {}),
        (None, {}),
        ([1, "a"], {}),
        (10**400, {}),
        ("maybe", {}),
        ("d", {"options": ("a", "b")}),
        (np.array([1.0, math.nan]), {}),
        (2.0, {"rel": 1}),
        (2.0, {"rel": -0.1}),
        (2.0, {"mistakes": {"m": "text"}}),
        (np.ones(2), {"mistakes": {"m": np.ones(3)}}),
        (True, {"mistakes": {"m": "perhaps"}}),
    ],
)
def test_what_an_author_gets_wrong_is_a_value_error_and_no_students_mistake(truth, options):
    with pytest.raises(ValueError, match="x"):
        check.equal("x", 1.0, truth, **options)


# --- seals ---------------------------------------------------------------------------------------------------------------


def shown(monkeypatch, *calls):
    """What the calls put on the page."""
    seals = []
    monkeypatch.setenv(compare.PAGE, "page")
    monkeypatch.setattr(compare, "_show", seals.append)
    for name, truth, options in calls:
        check.equal(name, truth, truth, **options)
    return seals


@pytest.fixture
def seals(monkeypatch):
    return shown(
        monkeypatch,
        ("tau", 0.123456, {"label": "τ", "unit": "ms", "mistakes": {"The leak is missing.": 98.7654}}),
        ("n", 7654321, {}),
        ("both", (0.51234, 43210.5), {}),
        ("who", {11, 13}, {}),
        ("calm", "falls", {"options": ("grows", "falls")}),
    )


def test_a_seal_holds_neither_the_answer_nor_a_mistakes_value(seals):
    text = json.dumps(seals)
    for part in ("123456", "98.76", "7654321", "51234", "43210", "11, 13"):
        assert part not in text
    assert all(len(json.dumps(one)) < 1000 for one in seals)


def test_outside_of_the_page_nothing_is_shown(monkeypatch, capsys):
    monkeypatch.delenv(compare.PAGE, raising=False)
    check.equal("x", 1.0, 1.0)
    assert capsys.readouterr().out == ""


def test_what_is_packed_comes_out_as_it_was(seals):
    text = check.pack(seals)
    assert text.isascii() and not set(text) & set("\"'\\ \n") and check.unpack(text) == seals


@pytest.mark.parametrize("spoil", [lambda text: text[1:], lambda text: text[:-5], lambda text: "", lambda text: "x y",
                                   lambda text: None, lambda text: 5, lambda text: b"\xff", lambda text: text.swapcase()])  # fmt: skip
def test_damaged_seals_say_what_to_do(seals, spoil):
    with pytest.raises(ValueError, match="take the line anew"):
        check.ask("Exercise 1", {}, spoil(check.pack(seals)))


@pytest.mark.parametrize("value", [5, {}, [5], [{"name": "x"}], None, "x"])
def test_seals_of_another_shape_are_damaged_too(value):
    text = base64.urlsafe_b64encode(zlib.compress(json.dumps(value).encode())).decode()
    with pytest.raises(ValueError, match="take the line anew"):
        check.unpack(text)


def test_ask_judges_all_answers_and_raises_nothing(seals):
    names = {"tau": 0.1235, "n": 7654322, "both": [43210.5, 0.51234], "who": {11, 13}}
    found = check.ask("Exercise 1", names, check.pack(seals))
    assert not found.right
    assert repr(found).splitlines() == [
        "Exercise 1",
        "✓ tau: This is right, within 1 %.",
        f"✗ n: {WORDS['one']}",
        f"✗ both: {WORDS['order']}",
        "✓ who: This is right.",
        "✗ calm: This name has no value yet.",
    ]
    assert "✗ <code>n</code>" in found._repr_html_() and found._repr_html_().count("<li>") == 5
    right = {"tau": 0.123456, "n": 7654321, "both": (0.51234, 43210.5), "who": {13, 11}, "calm": "Falls"}
    assert check.ask("Exercise 1", right, check.pack(seals)).right
    for value in BAD:
        check.ask("Exercise 1", dict.fromkeys(right, value), check.pack(seals))


def test_a_hint_in_a_notebook_is_no_html(monkeypatch):
    (one,) = shown(monkeypatch, ("x", 2.0, {"mistakes": {"x < y & z": 3.0}}))
    assert "x &lt; y &amp; z" in check.ask("<b>", {"x": 3}, check.pack([one]))._repr_html_()


def test_what_is_shown_cannot_end_its_script(monkeypatch):
    pages = []
    monkeypatch.setenv(compare.PAGE, "page")
    monkeypatch.setattr("IPython.display.display", lambda data, raw: pages.append(data["text/html"]))
    check.equal("x", 2.0, 2.0, label="</script><b>")
    (page,) = pages
    assert page.count("</script>") == 1 and page.endswith("</script>")
    assert json.loads(page[page.index(">") + 1 : -len("</script>")])["label"] == "</script><b>"


def test_every_kind_has_words_and_every_word_is_used(root):
    used = {*kinds.UNDO, *SPOILED, "shift", "order", "some", "several", "count", "right", "within", "whole"}
    assert set(WORDS) == used
    assert all(text.endswith((".", "?")) and text[0].isupper() for text in WORDS.values())
