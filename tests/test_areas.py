"""Multi-area masks: the whole parameter table, the meaning of every block, and agreement with nn4n."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgba
from matplotlib.patches import PathPatch

from ltcbook import plots
from ltcbook.plots.areas import KINDS as LOOKS
from ltcbook.plots.areas import VECTOR, _rectangles, areas_alt, draw_areas
from ltcbook.wiring import KINDS, multi_area, multi_area_ei, ncp


def rng(seed=0):
    return np.random.default_rng(seed)


def block(masks, target, source):
    return masks.hidden_mask[np.ix_(masks.node_assignment[target], masks.node_assignment[source])]


# the parameter table


def test_the_defaults_are_two_areas_of_fifty_dense_inside_and_a_tenth_between():
    masks = multi_area(rng=rng())
    assert (masks.n_areas, masks.input_dim, masks.hidden_size, masks.readout_dim) == (2, 1, 100, 1)
    assert masks.input_mask.shape == (100, 1) and masks.readout_mask.shape == (1, 100)
    assert [nodes.tolist() for nodes in masks.node_assignment] == [list(range(50)), list(range(50, 100))]
    assert np.array_equal(masks.area_connectivities, [[1, 0.1], [0.1, 1]])
    assert masks.input_mask.all() and masks.readout_mask.all()


def test_two_values_are_forward_and_backward_and_forward_is_below_the_diagonal():
    masks = multi_area((1, 60, 1), 3, (1.0, 0.0), rng=rng())
    assert np.array_equal(masks.density(), np.tril(np.ones((3, 3))))
    assert block(masks, target=2, source=0).all() and not block(masks, target=0, source=2).any()


def test_three_values_add_the_connectivity_within():
    assert np.array_equal(multi_area((1, 40, 1), 2, (0.0, 1.0, 0.0), rng=rng()).density(), [[0, 1], [0, 0]])


def test_a_matrix_is_target_by_source():
    wanted = np.array([[0, 0, 1], [1, 0, 0], [1, 1, 0.0]])
    masks = multi_area((1, 9, 1), 3, wanted, rng=rng())
    assert np.array_equal(masks.density(), wanted)
    assert block(masks, target=1, source=0).all() and not block(masks, target=0, source=1).any()


def test_a_list_of_sizes_makes_unequal_areas():
    masks = multi_area((2, 10, 3), [5, 3, 2], (0.0, 0.0), rng=rng())
    assert [len(nodes) for nodes in masks.node_assignment] == [5, 3, 2]
    assert np.array_equal(masks.hidden_mask, (masks.area_of[:, None] == masks.area_of[None, :]).astype(int))


def test_the_chain_of_four_areas_of_the_published_example():
    chain = np.eye(4) + 0.1 * (np.eye(4, k=1) + np.eye(4, k=-1))
    masks = multi_area((1, 100, 1), 4, chain, input_areas=[0], readout_areas=[3, 2], rng=rng())
    assert np.flatnonzero(masks.input_mask.any(1)).tolist() == list(range(25))
    assert np.flatnonzero(masks.readout_mask.any(0)).tolist() == list(range(50, 100))
    assert masks.input_areas == (0,) and masks.readout_areas == (2, 3)
    assert (masks.density()[np.abs(np.subtract.outer(range(4), range(4))) > 1] == 0).all()


@pytest.mark.parametrize("n_areas", [1, [100]])
@pytest.mark.parametrize("values", [(0.1, 0.1), [[0.5, 0.2], [0.2, 0.5]]])
def test_a_single_area_ignores_the_settings_that_speak_of_several(n_areas, values):
    masks = multi_area(
        n_areas=n_areas, area_connectivities=values, input_areas=[3], readout_areas=[1, 2], rng=rng()
    )
    assert masks.hidden_mask.all() and masks.input_mask.all() and masks.readout_mask.all()


def test_a_single_area_keeps_its_own_connectivity():
    assert not multi_area(n_areas=1, area_connectivities=(1, 1, 0.0), rng=rng()).hidden_mask.any()
    assert not multi_area(n_areas=1, area_connectivities=[[0.0]], rng=rng()).hidden_mask.any()


def test_a_larger_probability_only_adds_synapses():
    thin, thick = (multi_area(area_connectivities=(p, p, p), rng=rng(5)).hidden_mask for p in (0.2, 0.5))
    assert (thick >= thin).all() and thick.sum() > thin.sum()


# statistics: every possible synapse is an independent coin


def pooled_counts(draw, blocks, repeats):
    """(repeats, blocks) number of synapses in each block of repeated draws."""
    return np.array(
        [
            [np.count_nonzero(mask[rows, columns]) for rows, columns in blocks]
            for mask in (draw(k) for k in range(repeats))
        ]
    )


SETTING = {"dims": (1, 60, 1), "n_areas": [30, 20, 10], "area_connectivities": (0.2, 0.05, 0.5)}
EDGES = [slice(0, 30), slice(30, 50), slice(50, 60)]
BLOCKS = list(itertools.product(EDGES, EDGES))
SIZES = np.array([(r.stop - r.start) * (c.stop - c.start) for r, c in BLOCKS])
CHANCE = np.array([0.5 if r == c else 0.2 if r.start > c.start else 0.05 for r, c in BLOCKS])


def check_binomial(counts):
    repeats = len(counts)
    expected, variance = SIZES * CHANCE, SIZES * CHANCE * (1 - CHANCE)
    z = (counts.mean(0) - expected) / np.sqrt(variance / repeats)
    assert np.abs(z).max() < 4.5, z  # nine blocks of one seed: a true coin fails with probability 6e-5
    spread = counts.var(0, ddof=1) / variance
    # a variance estimated from N draws of a near-normal has a relative sd of sqrt(2 / (N - 1)); five of those
    assert np.abs(spread - 1).max() < 5 * np.sqrt(2 / (repeats - 1)), spread


def test_block_counts_are_binomial():
    check_binomial(pooled_counts(lambda k: multi_area(**SETTING, rng=rng(k)).hidden_mask, BLOCKS, 300))


def test_fan_in_of_a_block_is_binomial_too():
    """Degrees: the fan-in varies as that of independent synapses; a fixed fan-in would not vary."""
    fan_in = np.concatenate(
        [multi_area((1, 200, 1), 2, (0.1, 0.1), rng=rng(k)).hidden_mask[100:, :100].sum(1) for k in range(40)]
    )
    assert fan_in.mean() == pytest.approx(10, abs=5 * np.sqrt(9 / 4000))
    assert fan_in.var() == pytest.approx(9, rel=5 * np.sqrt(2 / 4000))


@given(
    seed=st.integers(0, 2**32 - 1), sizes=st.lists(st.integers(1, 6), min_size=2, max_size=4), data=st.data()
)
@settings(max_examples=40, deadline=None)
def test_zero_blocks_are_empty_and_one_blocks_are_full(seed, sizes, data):
    matrix = np.array(
        data.draw(
            st.lists(
                st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=len(sizes), max_size=len(sizes)),
                min_size=len(sizes),
                max_size=len(sizes),
            )
        )
    )
    masks = multi_area((2, sum(sizes), 1), sizes, matrix, rng=rng(seed))
    density = masks.density()
    assert (density[matrix == 0] == 0).all() and (density[matrix == 1] == 1).all()
    assert np.array_equal(masks.to_wiring().adjacency, masks.hidden_mask != 0)


# excitation and inhibition


def test_signs_follow_the_source_column():
    masks = multi_area_ei((2, 50, 3), [30, 20], (0.4, 0.4), excitatory=0.8, rng=rng())
    inhibitory = np.flatnonzero(~masks.excitatory)
    assert inhibitory.tolist() == [*range(24, 30), *range(46, 50)]
    assert (masks.hidden_mask[:, inhibitory] <= 0).all() and (
        masks.hidden_mask[:, masks.excitatory] >= 0
    ).all()
    assert (masks.readout_mask[:, inhibitory] == -1).all() and (masks.input_mask == 1).all()
    assert np.array_equal(
        np.abs(masks.hidden_mask), multi_area((2, 50, 3), [30, 20], (0.4, 0.4), rng=rng()).hidden_mask
    )


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_between_areas_can_be_forbidden_alone_and_within_nothing_changes(kind):
    allowed = tuple(k for k in KINDS if k != kind)
    masks = multi_area_ei((1, 20, 1), 2, (1.0, 1.0), excitatory=0.5, inter_area=allowed, rng=rng())
    letter = np.where(masks.excitatory, "E", "I")
    for target, source in itertools.product(range(20), range(20)):
        gone = masks.area_of[target] != masks.area_of[source] and letter[source] + letter[target] == kind
        assert (masks.hidden_mask[target, source] == 0) == gone, (target, source)


def test_inhibitory_neurons_can_be_left_out_of_the_readout():
    masks = multi_area_ei(inhibitory_readout=False, rng=rng())
    assert np.array_equal(masks.readout_mask[0], masks.excitatory.astype(int))


def test_the_wiring_carries_the_signs():
    masks = multi_area_ei((2, 20, 1), 2, (0.3, 0.3), rng=rng())
    wiring = masks.to_wiring()
    assert np.array_equal(wiring.polarity, masks.hidden_mask) and np.array_equal(
        wiring.polarity_in, masks.input_mask
    )
    assert set(wiring.role) == {"hidden"}


# misuse

WRONG = {
    "n_areas does not divide": {"n_areas": 3},
    "n_areas zero": {"n_areas": 0},
    "n_areas true": {"n_areas": True},
    "n_areas text": {"n_areas": "two"},
    "sizes do not sum": {"n_areas": [60, 30]},
    "a size of zero": {"n_areas": [100, 0]},
    "no sizes": {"n_areas": []},
    "one connectivity": {"area_connectivities": [0.1]},
    "four connectivities": {"area_connectivities": [0.1] * 4},
    "connectivity above one": {"area_connectivities": (0.1, 1.5)},
    "negative connectivity": {"area_connectivities": (-0.1, 0.5)},
    "connectivity NaN": {"area_connectivities": (0.1, np.nan)},
    "connectivity text": {"area_connectivities": "dense"},
    "matrix of another size": {"area_connectivities": np.ones((3, 3))},
    "input area that is not there": {"input_areas": [2]},
    "negative area": {"readout_areas": [-1]},
    "no area read out": {"readout_areas": []},
    "area by name": {"input_areas": ["area_1"]},
    "two dims": {"dims": (1, 100)},
    "a dim of zero": {"dims": (0, 100, 1)},
    "a broken dim": {"dims": (1, 99.5, 1)},
    "no generator": {"rng": 0},
}
WRONG_EI = {
    "a share above one": {"excitatory": 1.2},
    "a share of NaN": {"excitatory": np.nan},
    "an unknown kind": {"inter_area": ("EE", "XI")},
    "a bare string": {"inter_area": "EE"},
    "booleans as nn4n takes them": {"inter_area": [True, True, False, True]},
    "readout by name": {"inhibitory_readout": "no"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("make", [multi_area, multi_area_ei])
def test_misuse_is_one_value_error_that_names_the_argument(make, wrong):
    name = "neurons|n_areas" if "n_areas" in wrong else next(iter(wrong))
    with pytest.raises(ValueError, match=name):
        make(**({"rng": rng()} | wrong))


@pytest.mark.parametrize("wrong", WRONG_EI.values(), ids=WRONG_EI)
def test_misuse_of_dales_law_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        multi_area_ei(**wrong, rng=rng())


def test_masks_cannot_be_changed_by_accident():
    masks = multi_area_ei(rng=rng())
    for array in (
        masks.input_mask,
        masks.hidden_mask,
        masks.readout_mask,
        masks.area_connectivities,
        masks.excitatory,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


# against nn4n, where it is installed


@pytest.fixture
def peer():
    return pytest.importorskip("nn4n.mask", reason="nn4n is not installed: the live comparison is left out")


DETERMINISTIC = [
    {},
    {"n_areas": 4, "area_connectivities": [1, 0, 0], "input_areas": [0], "readout_areas": [2, 3]},
    {"n_areas": [50, 30, 20], "area_connectivities": [0, 1, 1], "input_areas": [1, 2], "dims": [3, 100, 2]},
    {"n_areas": 2, "area_connectivities": np.array([[0, 1], [1, 0.0]]), "readout_areas": [0]},
    {"n_areas": 1},
]


@pytest.mark.parametrize("parameters", DETERMINISTIC)
def test_masks_without_chance_are_those_of_nn4n(peer, parameters):
    parameters = {"area_connectivities": [1, 0]} | parameters
    theirs, ours = peer.MultiArea(**parameters), multi_area(**parameters, rng=rng())
    for name in ("input_mask", "hidden_mask", "readout_mask", "area_connectivities"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    assert all(map(np.array_equal, ours.node_assignment, theirs.node_assigment))


@pytest.mark.parametrize("allowed", [list(flags) for flags in itertools.product([True, False], repeat=4)])
@pytest.mark.parametrize("readout", [True, False])
def test_signed_masks_without_chance_are_those_of_nn4n(peer, allowed, readout):
    common = {"dims": [2, 40, 2], "n_areas": [20, 10, 10], "area_connectivities": [1, 1]}
    theirs = peer.MultiAreaEI(**common, exc_pct=0.7, inter_area_connections=allowed, inh_readout=readout)
    kinds = tuple(itertools.compress(KINDS, allowed))
    ours = multi_area_ei(**common, excitatory=0.7, inter_area=kinds, inhibitory_readout=readout, rng=rng())
    for name in ("input_mask", "hidden_mask", "readout_mask"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name


def test_block_counts_of_nn4n_are_binomial_with_the_same_parameters(peer):
    state = np.random.get_state()
    np.random.seed(1)  # nn4n draws from NumPy's global generator
    try:
        parameters = {key: list(value) for key, value in SETTING.items()}
        check_binomial(pooled_counts(lambda k: peer.MultiArea(**parameters).hidden_mask, BLOCKS, 300))
    finally:
        np.random.set_state(state)


# the picture


def filled(ax, shape):
    """(targets, sources) booleans: which cells the drawn paths cover; no cell twice."""
    times = np.zeros(shape, int)
    for patch in ax.patches:
        if isinstance(patch, PathPatch):
            for box in patch.get_path().vertices.reshape(-1, 5, 2):
                (left, top), (right, bottom) = (box.min(0) + 0.5).round(6), (box.max(0) + 0.5).round(6)
                times[int(top) : int(bottom), int(left) : int(right)] += 1
    assert times.max(initial=0) <= 1
    return times == 1


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_the_rectangles_cover_just_the_cells(seed, share):
    cells = rng(seed).random((9, 7)) < share
    covered = np.zeros((9, 7), int)
    for left, top, right, bottom in _rectangles(cells) + 0.5:
        covered[int(top) : int(bottom), int(left) : int(right)] += 1
    assert np.array_equal(covered, cells)
    assert len(_rectangles(np.ones((30, 30), bool))) == 1


@pytest.mark.parametrize("limit", [VECTOR, 0], ids=["rectangles", "a bitmap"])
def test_a_cell_has_the_colour_of_its_block(monkeypatch, limit):
    monkeypatch.setattr("ltcbook.plots.areas.VECTOR", limit)
    colours = {kind: to_rgba(look[2 if limit == 0 else 1]) for kind, look in LOOKS.items()}
    for values, kind in (((1, 0, 0), "forward"), ((0, 1, 0), "backward"), ((0, 0, 1), "within")):
        ax = draw_areas(multi_area((1, 6, 1), 2, values, rng=rng()), plots.figure(3, 3)[1])
        if limit:
            (path,) = [patch for patch in ax.patches if isinstance(patch, PathPatch)]
            assert path.get_facecolor() == colours[kind]
        else:
            shown = ax.images[0].get_array()
            assert (shown[shown[..., 3] > 0] == colours[kind]).all()


def test_a_matrix_of_too_many_rectangles_becomes_a_bitmap():
    masks = multi_area((1, 120, 1), 2, (0.5, 0.5, 0.5), rng=rng())
    assert len(_rectangles(masks.hidden_mask > 0)) > VECTOR
    ax = draw_areas(masks, plots.figure(4, 4)[1])
    assert np.array_equal(ax.images[0].get_array()[..., 3] > 0, masks.hidden_mask != 0)


def test_weights_are_squares_whose_area_is_the_size_and_whose_look_is_the_sign():
    w = np.array([[1.0, -0.25, 0], [0, 0.5, 0]])
    fig, ax = plots.figure(4, 3)
    plots.draw_weights(w, ax, targets=[1, 1], sources=[2, 1])
    full, hollow = [patch for patch in ax.patches if isinstance(patch, PathPatch)]
    assert full.get_facecolor()[3] == 1 and hollow.get_facecolor()[3] == 0
    sides = [np.ptp(box[:, 0]) for box in full.get_path().vertices.reshape(-1, 5, 2)]
    assert sides == pytest.approx([0.95, 0.95 * 0.5**0.5])
    assert np.ptp(hollow.get_path().vertices, axis=0) == pytest.approx([0.475, 0.475])
    assert hollow.get_path().vertices.mean(0) == pytest.approx([1, 0], abs=0.06)  # (source, target)
    text = plots.weights_alt(w, targets=[1, 1], sources=[2, 1])
    assert "2 positive, 1 negative, 3 zero; the largest has size 1." in text
    assert "<svg" in plots.picture(fig, alt=text).svg()
    plots.draw_weights(np.zeros((2, 2)), ax)  # nothing to draw is no error


@pytest.mark.parametrize(
    "wrong",
    [{"w": np.ones(3)}, {"w": [[np.nan]]}, {"targets": [1, 1, 1]}, {"sources": [3, 0]}, {"largest": -1.0}],
    ids=["a vector", "NaN", "too many rows", "an empty group", "a negative scale"],
)
def test_weights_that_cannot_be_drawn_are_refused(wrong):
    arguments = {"w": np.ones((2, 3))} | wrong
    with pytest.raises(ValueError, match=next(iter(wrong))):
        plots.draw_weights(arguments.pop("w"), plots.figure()[1], **arguments)


@pytest.mark.parametrize(
    "wiring",
    [
        multi_area(n_areas=4, rng=rng()),
        multi_area_ei((1, 20, 1), 2, (0.3, 0.1), rng=rng()),
        ncp(
            inter=5,
            command=4,
            motor=2,
            sensory=3,
            sensory_fan_out=2,
            inter_fan_out=2,
            recurrent=3,
            motor_fan_in=2,
            rng=rng(),
        ),
    ],
    ids=["areas", "signs", "layers"],
)
def test_the_picture_names_every_block_by_letter_hatch_and_colour(wiring):
    fig, ax = plots.figure(4, 4)
    assert draw_areas(wiring, ax) is ax
    groups = len(ax.get_xticks())
    letters = [text.get_text() for text in ax.texts if text.get_text() in "WFB"]
    pairs = groups * (groups - 1) // 2
    assert [letters.count(letter) for letter in "WFB"] == [groups, pairs, pairs]
    hatches = [patch.get_hatch() or "" for patch in ax.patches]
    assert [sum(sign in hatch for hatch in hatches) for sign in "/\\"] == [pairs, pairs]
    matrix = wiring.hidden_mask if hasattr(wiring, "hidden_mask") else wiring.polarity
    assert not ax.images and np.array_equal(filled(ax, matrix.shape), matrix != 0)
    assert "<svg" in plots.picture(fig, alt=areas_alt(wiring)).svg()


def test_the_letters_sit_in_the_right_blocks():
    _, ax = plots.figure(4, 4)
    draw_areas(multi_area((1, 10, 1), 2, rng=rng()), ax)
    at = {text.get_text(): text.get_position() for text in ax.texts}
    assert at["F"] == (2, 7) and at["B"] == (7, 2)  # (source, target): forward is below the diagonal


def test_the_alternative_text_is_made_from_the_data():
    text = areas_alt(multi_area((1, 20, 1), 2, (1.0, 0.0, 0.0), rng=rng()))
    assert "within 0 %, forward 100 %, backward 0 %" in text


def test_dales_law_is_marked_above_the_columns_and_mixed_columns_are_not():
    _, ax = plots.figure(4, 4)
    draw_areas(multi_area_ei((1, 100, 1), 2, rng=rng()), ax)
    assert [t.get_text() for t in ax.texts if t.get_text() in "+\N{MINUS SIGN}"] == [
        "+",
        "\N{MINUS SIGN}",
    ] * 2


def test_only_wirings_and_masks_can_be_drawn():
    with pytest.raises(ValueError, match="ndarray"):
        draw_areas(np.eye(3), plots.figure()[1])


@pytest.mark.parametrize(
    ("share", "hidden", "whole"), [(0.29, 100, 29), (0.57, 100, 57), (0.7, 10, 7), (0.299, 100, 29)]
)
def test_a_share_of_whole_neurons_is_not_lost_to_rounding(share, hidden, whole):
    masks = multi_area_ei((1, hidden, 1), 1, excitatory=share, rng=rng())  # 0.29 * 100 is 28.999999999999996
    assert masks.excitatory.sum() == whole
