"""The study of two hundred circuits: its controls move nothing, and a network that does not settle is said."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tqdm")

from ltcbook.reproduce import convergence as study


@pytest.fixture(scope="module")
def net():
    return study.network(0)


def test_the_controls_raise_conductances_and_move_no_synapse(net):
    cell = net[1]
    for name in (study.IN_PLACE, study.AIMED_IN_PLACE):
        new, report = study.after(net, name, 0.2, 0)
        assert report.cut + report.cut_in  # something would have moved
        for old_w, new_w in ((cell.w, new.w), (cell.w_in, new.w_in)):
            assert ((old_w > 0) == (new_w > 0)).all()
            changed = old_w != new_w
            assert (new_w[changed] == 1.0).all()
        assert (new.gamma == cell.gamma).all() and (new.e_rev == cell.e_rev).all()


def test_the_weakest_other_synapse_is_taken_once_and_none_where_none_is_left():
    weights = np.array([[0.3, 0.1, 0.0], [0.0, 0.0, 0.5]])
    assert study.weakest_on(weights, [(2, 0), (2, 0), (2, 0), (0, 1)]) == [(1, 0), (0, 0), (2, 1)]


def test_the_rate_is_that_of_the_slowest_mode_and_a_gain_of_nothing_is_one(net):
    _, cell, u, x = net
    assert study.rate(x, u, cell) > 0
    assert study.gain(net, cell) == pytest.approx(1, abs=study.SAME)


def test_what_has_not_settled_in_time_is_said(net):
    _, cell, u, x = net
    with pytest.raises(ValueError, match="take more steps"):
        study.settling(u, x, cell, steps=3)
