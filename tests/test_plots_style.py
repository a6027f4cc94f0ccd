"""The rules of the plotting room: style also for what is added later, words for every drawing."""

import inspect
import subprocess
import sys

import matplotlib as mpl
import pytest

from ltcbook import plots
from ltcbook.plots.picture import INK, STYLE


def test_what_is_added_after_figure_has_the_books_style_and_nothing_else_changes():
    before = dict(mpl.rcParams)
    fig, axes = plots.figure(5, 3, ncols=2, sharey=True)
    for ax in axes:
        ax.plot([0, 1], label="a line")
        ax.set(title="a title")
        fig.draw_without_rendering()  # makes ticks, as placing names at curves' ends does
        ax.set_xticks([0, 1], ["zero", "one"])
        legend = ax.legend()
        assert ax.get_title(loc="left") == "a title" and ax._left_title.get_size() == STYLE["axes.titlesize"]
        assert not legend.get_frame_on() and legend.get_texts()[0].get_size() == STYLE["legend.fontsize"]
        assert ax.lines[0].get_linewidth() == STYLE["lines.linewidth"]
        assert {(tick.get_size(), tick.get_color()) for tick in ax.get_xticklabels()} == {
            (STYLE["xtick.labelsize"], INK)
        }
        ax.clear()
        assert ax.get_xticklabels()[0].get_size() == STYLE["xtick.labelsize"]
    assert dict(mpl.rcParams) == before


def test_what_a_reader_sets_still_wins():
    _, ax = plots.figure()
    ax.set_title("a title", loc="right", fontsize=20)
    ax.plot([0, 1], lw=5)
    assert (
        ax._right_title.get_text() == "a title"
        and ax._right_title.get_size() == 20
        and ax.lines[0].get_linewidth() == 5
    )


DRAWINGS = [
    name.removeprefix("draw_") for name in plots.__all__ if name.startswith("draw_") and name != "draw_bounds"
]


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_drawing_has_words_made_from_the_same_arguments(name):
    assert f"{name}_alt" in plots.__all__
    drawn = inspect.signature(getattr(plots, f"draw_{name}")).parameters
    said = inspect.signature(getattr(plots, f"{name}_alt")).parameters
    assert list(said) == [p for p in drawn if p in said], "same names in the same order, without the Axes"
    plain = inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert [p for p in drawn if drawn[p].kind == plain and p != "ax"] == [
        p for p in said if said[p].kind == plain
    ]


@pytest.mark.parametrize("name", [name for name in plots.__all__ if inspect.isfunction(getattr(plots, name))])
def test_every_public_function_says_what_it_does(name):
    assert len((getattr(plots, name).__doc__ or "").split()) > 5


def test_drawing_opens_no_window_and_keeps_no_figure():
    code = "import ltcbook.plots as p, sys; p.figure(); sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
