"""Two neurons in the plane: nullclines, equilibria, level sets and hatches are where they truly lie."""

import numpy as np
import pytest
from matplotlib.path import Path
from test_areas import filled

from ltcbook import analysis, dynamics, plots, wiring

# each inhibits the other: two stable states, one saddle
SWITCH = dynamics.LTC(
    c=[0.5, 0.8],
    g_leak=[0.3, 0.3],
    e_leak=[1, 1],
    w=[[0, 2], [2, 0]],
    gamma=np.full((2, 2), 8),
    mu=np.full((2, 2), 0.3),
    e_rev=-np.ones((2, 2)),
)
SPIRAL = dynamics.CTRNN(tau=[2, 3], w=[[2, -3], [3, 2]], b=[0, 0])  # one unstable focus
CALM = dynamics.CTRNN(tau=[2, 3], w=[[0.2, -2], [3, 0.2]], b=[0, 0])


@pytest.fixture
def ax():
    return plots.figure(5, 5)[1]


@pytest.fixture(scope="module")
def rests():
    return analysis.equilibria(SWITCH, rng=np.random.default_rng(0))


def by_label(ax):
    return {line.get_label(): line for line in ax.lines}


def contours(ax):
    """Vertices of every drawn contour set, one array each."""
    return [
        np.concatenate([path.vertices for path in part.get_paths()])
        for part in ax.collections
        if hasattr(part, "levels")
    ]


def test_nullclines_are_where_each_neuron_stands_still(ax, rests):
    assert plots.draw_phase_plane(SWITCH, ax, equilibria=rests) is ax
    for k, points in enumerate(contours(ax)):
        # linear interpolation on a grid of 0.02 mV: the flow bends by less than 0.05 mV/ms within a cell
        assert len(points) > 50 and np.abs(dynamics.vector_field(0, points, None, SWITCH)[:, k]).max() < 0.05
    assert len(contours(ax)) == 2


def test_equilibria_are_marked_by_their_stability(ax, rests):
    plots.draw_phase_plane(SWITCH, ax, equilibria=rests)
    drawn = by_label(ax)
    assert np.allclose(np.transpose(drawn["stable"].get_data()), rests[[0, 2]])
    assert np.allclose(np.transpose(drawn["saddle"].get_data()), rests[[1]])
    assert drawn["stable"].get_marker() != drawn["saddle"].get_marker(), (
        "the difference must survive greyscale"
    )
    unstable = by_label(plots.draw_phase_plane(SPIRAL, plots.figure()[1], equilibria=np.zeros((1, 2))))[
        "unstable"
    ]
    assert (
        unstable.get_marker() == "o"
        and unstable.get_markerfacecolor() == "none" != drawn["stable"].get_markerfacecolor()
    )


def test_arrows_point_along_the_flow(ax):
    plots.draw_phase_plane(SWITCH, ax)
    arrows = next(part for part in ax.collections if hasattr(part, "U"))
    flow = dynamics.vector_field(0, np.stack([arrows.X, arrows.Y], -1), None, SWITCH)
    cosine = (
        (flow[:, 0] * arrows.U + flow[:, 1] * arrows.V) / np.hypot(*flow.T) / np.hypot(arrows.U, arrows.V)
    )
    assert np.allclose(cosine, 1) and arrows.angles == "xy"  # in the plane's own units, whatever its aspect


def test_a_trajectory_is_drawn_as_it_is(ax):
    path = np.array([[0, 0], [0.5, 0.2], [0.9, -0.7]])
    plots.draw_phase_plane(SWITCH, ax, trajectory=path)
    assert np.array_equal(np.transpose(by_label(ax)["trajectory"].get_data()), path)


def test_every_ellipse_is_a_level_set(ax):
    P, center = np.array([[2, 0.7], [0.7, 1]]), np.array([0.3, -0.2])
    plots.draw_level_sets(CALM, P, center, ax, levels=4)
    assert len(ax.patches) >= 4
    for patch in ax.patches:
        points = patch.get_patch_transform().transform(
            np.stack([np.cos(s := np.linspace(0, 6, 30)), np.sin(s)], -1)
        )
        values = analysis.lyapunov_value(points, P, center)
        assert np.ptp(values) < 1e-9 * values.max()


def test_the_hatch_covers_where_v_grows_and_the_thick_ellipse_avoids_it(ax, rests):
    P = analysis.lyapunov_matrix(dynamics.jacobian(rests[0], None, SWITCH))
    plots.draw_level_sets(SWITCH, P, rests[0], ax)
    hatched = next(part for part in ax.collections if getattr(part, "filled", False))
    assert any(hatched.hatches)
    states = np.random.default_rng(1).uniform(-1.2, 1.2, size=(400, 2))
    growth = analysis.lyapunov_derivative(states, None, SWITCH, P, rests[0])
    inside = np.any(
        [Path(path.vertices, path.codes).contains_points(states) for path in hatched.get_paths()], axis=0
    )
    clear = np.abs(growth) > 0.01  # off the border, which is interpolated
    assert np.array_equal(inside[clear], growth[clear] > 0) and inside.any() and not inside.all()
    thick = max(ax.patches, key=lambda patch: patch.get_linewidth())
    within = thick.get_path().transformed(thick.get_patch_transform()).contains_points(states)
    assert within.any() and (growth[within] <= 0).all()


def test_the_words_carry_kinds_places_and_shares(rests):
    text = plots.phase_plane_alt(SWITCH, equilibria=rests, trajectory=[[0, 0], [1, -0.5]], names=("a", "b"))
    assert (
        "3 equilibria: stable at (−0.738, 0.997), saddle at (0.0644, 0.0644) and stable at (0.997, −0.738)"
        in text
    )
    assert "runs from (0, 0) to (1, −0.5)" in text and "a from −1.3 to 1.3 mV" in text
    assert "V grows in 0 % of the plane shown." in plots.level_sets_alt(CALM, np.eye(2), [0, 0])
    assert "reaches the centre" in plots.level_sets_alt(SPIRAL, np.eye(2), [0, 0])


THREE = dynamics.CTRNN(tau=np.ones(3), w=np.zeros((3, 3)), b=np.zeros(3))


@pytest.mark.parametrize(
    "draw, message",
    [
        (lambda ax: plots.draw_phase_plane(THREE, ax), "3 neurons; a plane needs"),
        (
            lambda ax: plots.draw_phase_plane(SWITCH, ax, equilibria=[[0.0, 0.0]]),
            "no equilibrium: dx/dt there is",
        ),
        (lambda ax: plots.draw_phase_plane(SWITCH, ax, trajectory=[[0, np.nan], [1, 1]]), "NaN"),
        (lambda ax: plots.draw_phase_plane(SWITCH, ax, trajectory=[0, 1, 2]), r"must be \(T, 2\)"),
        (lambda ax: plots.draw_phase_plane(SWITCH, ax, box=([0, 0], [1, 0])), "need lo < hi"),
        (lambda ax: plots.draw_phase_plane(SWITCH, ax, u=[1.0]), "u has shape"),
        (lambda ax: plots.draw_level_sets(SWITCH, [[1, 0], [0, -1]], [0, 0], ax), "not positive definite"),
        (lambda ax: plots.draw_level_sets(SWITCH, np.eye(3), [0, 0], ax), "P has shape"),
        (lambda ax: plots.draw_level_sets(SWITCH, np.eye(2), [0, 0], ax, levels=0), "levels is 0"),
    ],
)
def test_impossible_planes_are_refused_before_anything_is_drawn(ax, draw, message):
    with pytest.raises(ValueError, match=message):
        draw(ax)
    assert not ax.lines and not ax.collections and not ax.patches


# ------------------------------------------------------------------------------------------ wirings, in words


def test_a_wiring_is_drawn_as_graph_or_as_matrix_and_described(ax):
    net = wiring.Wiring(
        [[0, 0, 0], [1, -1, 0], [0, 1, 0]], [[1, -1], [0, 0], [0, 0]], ("inter", "command", "motor")
    )
    assert plots.draw_wiring(net, ax) is ax and len(ax.lines) == net.synapses and not ax.images
    assert plots.wiring_alt(net) == (
        "Layered graph: 2 sensory, 1 inter, 1 command and 1 motor neurons; 5 synapses, 3 excitatory "
        "and 2 inhibitory."
    )
    assert "dotted, and 2 grown" in plots.network_alt(net, cut=[(0, 1)], grown=[(1, 2), (0, 2)])
    matrix = plots.draw_wiring(net, plots.figure()[1], kind="matrix")
    assert np.array_equal(filled(matrix, (3, 3)), net.adjacency)
    assert "forward 67 %" in plots.wiring_alt(net, kind="matrix")
    assert (
        "5 synapses" in plots.adjacency_alt(net)
        and "0 to" not in plots.adjacency_alt(net).split("listens")[0]
    )
    areas = wiring.multi_area(rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="AreaMasks has no layered graph"):
        plots.draw_wiring(areas, ax)
    with pytest.raises(ValueError, match="kind is 'circle'"):
        plots.draw_wiring(net, ax, kind="circle")
    assert "blocks by area" in plots.wiring_alt(areas, kind="matrix")


def test_the_words_of_the_other_drawings_carry_their_numbers():
    assert "2 slower, 1 unchanged, 1 faster" in plots.ratios_alt([0.5, 0.9, 1, 4])
    text = plots.spectrum_alt([], [-1, -0.5 + 1j, -0.5 - 1j, 0.25])
    assert (
        "real parts from −1 to 0.25 per ms, 1 in the unstable half, 1 complex pair" in text
        and "before" not in text
    )
    assert "slope 2.00 and an error of 0.01" in plots.orders_alt([0.2, 0.1], {"a": [0.04, 0.01]})
    assert "balances at 0.5" in plots.balance_alt([1, 3], [-1, 1], ["i", "e"])
    assert "visits 50 %" in plots.ranges_alt([1], [16], [2], [8])
    assert "grows during 25 %" in plots.derivative_alt([0, 1, 2, 3], {"about 0": [-1, 1, -1, -1]})
    assert "a, 10 % slower, 30 % the same, 60 % faster (interval 50 to 70)" in plots.shares_alt(
        {"a": (0.1, 0.3, 0.6, (0.5, 0.7))}
    )
    assert "c from 1 at 0 to 3 at 2, between 1 and 4" in plots.curves_alt([0, 1, 2], {"c": [1, 4, 3]})
