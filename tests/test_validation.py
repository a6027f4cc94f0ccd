"""How numbers are rounded where they leave as words: a half goes away from zero, as people and JavaScript
round.
"""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from ltcbook import plots, validation
from ltcbook.plots import text as pictured
from ltcbook.widgets import base


@pytest.mark.parametrize("networks", [8, 40, 200, 1000])
def test_a_share_in_per_cent_is_rounded_half_up(networks):
    for k in range(networks + 1):
        assert validation.percent(k / networks) == str((200 * k + networks) // (2 * networks)), (
            f"{k} of {networks}"
        )


# number, digits, and what JavaScript's toPrecision gives
TIES = [
    (2.5, 1, "3"),
    (0.125, 2, "0.13"),
    (0.375, 2, "0.38"),
    (1.125, 3, "1.13"),
    (72.5, 2, "73"),
    (67.5, 2, "68"),
    (1.255, 3, "1.25"),
]


@pytest.mark.parametrize(("value", "digits", "text"), TIES)
def test_numbers_in_words_are_rounded_as_in_javascript(value, digits, text):
    assert validation.significant(value, digits) == float(text) == -validation.significant(-value, digits)
    assert pictured.short(value, digits) == base.format_number(value, digits) == text
    assert pictured.short(-value, digits) == base.format_number(-value, digits) == f"\N{MINUS SIGN}{text}"
    assert base.rounded(value, digits) == float(text)


def test_the_bars_of_shares_say_what_a_reader_would_round_to():
    rows = {"a": (0.255, 0.07, 0.675, (0.605, 0.745)), "b": (0.11, 0.165, 0.725, (0.655, 0.785))}
    ax = plots.draw_shares(rows, plt.subplots()[1])
    texts = {text.get_text() for text in ax.texts}
    plt.close(ax.figure)
    assert {"26 % slower, 68 % faster", "11 % slower, 73 % faster"} <= texts
    alt = plots.shares_alt(rows)
    assert "26 % slower, 7 % the same, 68 % faster (interval 61 to 75)" in alt
    assert "11 % slower, 17 % the same, 73 % faster (interval 66 to 79)" in alt


def test_other_pictures_round_their_shares_half_up_too():
    t, values = np.arange(8.0), np.array([1.0, -1, -1, -1, -1, -1, -1, -1])
    assert "V grows during 13 % of the time" in plots.derivative_alt(t, {"about 0": values})  # 12.5 %
