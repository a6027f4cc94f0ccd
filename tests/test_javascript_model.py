"""The numbers that an explorer computes where the reader is: those of NumPy, dynamics, analysis and
pruning.
"""

import node
import numpy as np
import pytest

from ltcbook import analysis, dynamics, simulate, wiring
from ltcbook.widgets import threshold
from ltcbook.widgets.base import plain


def matrices():
    """Small real matrices of many kinds: random, symmetric, defective, triangular, badly scaled, cyclic,
    zero.
    """
    rng = np.random.default_rng(0)
    made = [rng.normal(size=(n, n)) for n in (1, 2, 3, 5, 6, 8, 18) for _ in range(6)]
    made += [a + a.T for a in made[:12]] + [np.triu(a) for a in made[12:18]]
    made += [a * 10.0 ** rng.uniform(-4, 4, (len(a), 1)) for a in made[18:30]]
    made += [
        np.zeros((3, 3)),
        np.roll(np.eye(4), 1, 0),
        np.array([[0.0, 1.0], [-1.0, 0.0]]),
        np.diag([-3.0, -1.0, -2.0]),
    ]
    return made + [np.kron(np.eye(2), np.array([[0.0, 1.0], [-4.0, -0.2]]))]


def test_eigenvalues_are_those_of_lapack(tmp_path):
    given = matrices()
    found = node.run(
        {"linear": "linear.js"}, "return data.map(linear.eigenvaluesOf);", plain(given), tmp_path
    )
    for a, values in zip(given, found, strict=True):
        ours, theirs = np.array([complex(*value) for value in values]), list(np.linalg.eigvals(a))
        assert len(ours) == len(a) and (np.diff(ours.real) <= 0).all()
        for value in ours:  # each of ours has one of theirs close by, none is used twice
            nearest = int(np.argmin(np.abs(np.array(theirs) - value)))
            assert abs(theirs.pop(nearest) - value) < 1e-9 * max(1, np.linalg.norm(a)), a


def test_a_double_eigenvalue_of_a_defective_matrix_is_found_to_the_root_of_rounding(tmp_path):
    ((first, second),) = node.run(
        {"linear": "linear.js"}, "return data.map(linear.eigenvaluesOf);", [[[1, 1], [0, 1]]], tmp_path
    )
    assert first == pytest.approx([1, 0], abs=1e-7) and second == pytest.approx([1, 0], abs=1e-7)


def test_linear_systems_are_solved_and_singular_ones_refused(tmp_path):
    given = [{"A": a, "b": np.arange(1.0, len(a) + 1)} for a in matrices()[:42]] + [
        {"A": np.zeros((2, 2)), "b": np.ones(2)}
    ]
    found = node.run(
        {"linear": "linear.js"},
        "return data.map(({ A, b }) => linear.solveLinear(A, b));",
        plain(given),
        tmp_path,
    )
    assert found.pop() is None
    for case, x in zip(given, found, strict=False):
        assert np.allclose(case["A"] @ np.array(x), case["b"], atol=1e-8)


def page_cell(cell):
    """A cell as the page writes it."""

    def listed(end):
        target, source = np.nonzero(getattr(cell, "w" + end))
        return {"source": source, "target": target} | {
            name: getattr(cell, field + end)[target, source]
            for name, field in (("w", "w"), ("gamma", "gamma"), ("mu", "mu"), ("eRev", "e_rev"))
        }

    return {
        "c": cell.c,
        "gLeak": cell.g_leak,
        "eLeak": cell.e_leak,
        "synapses": listed(""),
        "sensory": listed("_in"),
    }


@pytest.fixture(scope="module")
def cells():
    """(cell, u, x) of eight random circuits."""
    made = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        net = wiring.auto_ncp(12, 2, sensory=3, rng=rng)
        made.append((dynamics.LTC.random(net, rng=rng), rng.uniform(0, 1, 3), rng.uniform(-0.5, 1, 12)))
    return made


def test_a_cell_on_the_page_moves_as_in_python(cells, tmp_path):
    found = node.run(
        {"ltc": "ltc.js"},
        """return data.map(({ cell, u, x }) => {
      const net = ltc.held(cell, u);
      return { velocity: ltc.velocityOf(net, x), tau: ltc.timeConstantsOf(net, x), J: ltc.jacobianOf(net, x),
        exponential: ltc.exponentialStep(net, x, 0.7), fused: ltc.fusedStep(net, x, 0.7) };
    });""",
        plain([{"cell": page_cell(cell), "u": u, "x": x} for cell, u, x in cells]),
        tmp_path,
    )
    for (cell, u, x), page in zip(cells, found, strict=True):
        truth = {
            "velocity": dynamics.vector_field(0, x, u, cell),
            "tau": dynamics.time_constant(x, u, cell),
            "J": dynamics.jacobian(x, u, cell),
            "exponential": dynamics.exponential_step(x, u, cell, 0.7),
            "fused": dynamics.fused_step(x, u, cell, 0.7),
        }
        for name, value in truth.items():
            assert np.abs(np.array(page[name]) - value).max() < 1e-13, name


def test_rests_boxes_and_certificates_are_those_of_analysis(cells, tmp_path):
    found = node.run(
        {"ltc": "ltc.js", "stability": "stability.js"},
        """return data.map(({ cell, u, x }) => {
      const net = ltc.held(cell, u);
      const rest = stability.restOf(net, x);
      const box = stability.invariantBox(net, [x, rest]);
      return { rest, box, p: stability.certifiedWeights(net, box),
        descent: stability.descentOf(net, x, rest.map((_, i) => i + 1), rest) };
    });""",
        plain([{"cell": page_cell(cell), "u": u, "x": x} for cell, u, x in cells]),
        tmp_path,
    )
    certified = 0
    for (cell, u, x), page in zip(cells, found, strict=True):
        rest = analysis.relax(x, u, cell)
        box = analysis.invariant_box(cell, u, x, rest)
        P = analysis.certified_lyapunov(cell, u, box)
        assert np.allclose(page["rest"], rest, atol=1e-10) and np.allclose(page["box"], box, atol=1e-10)
        assert (page["p"] is None) == (P is None)
        if P is not None:
            certified += 1
            assert np.allclose(page["p"], np.diagonal(P), rtol=1e-8)
        weights = np.diag(np.arange(1.0, cell.n + 1))
        assert page["descent"] == pytest.approx(
            analysis.lyapunov_derivative(x, u, cell, weights, rest), rel=1e-9
        )
    assert 0 < certified < len(cells)  # both answers occur


def test_a_box_that_creeps_beside_a_fold_of_equilibria_leaps_as_in_python(tmp_path):
    one = {name: np.ones((1, 1)) for name in ("gamma_in", "e_rev", "e_rev_in")}
    cell = dynamics.LTC(
        c=np.ones(1),
        g_leak=np.ones(1),
        e_leak=np.zeros(1),
        w=np.array([[2.0]]),
        gamma=np.array([[10.0]]),
        mu=np.array([[0.5]]),
        w_in=np.array([[2 * (0.190339 + 1e-8)]]),
        mu_in=np.zeros((1, 1)),
        **one,
    )
    data = {"cell": page_cell(cell), "x": [0.0153]}
    page = node.run(
        {"ltc": "ltc.js", "stability": "stability.js"},
        "return stability.invariantBox(ltc.held(data.cell, [0]), [data.x]);",
        plain(data),
        tmp_path,
    )
    assert np.allclose(page, analysis.invariant_box(cell, np.zeros(1), np.array([0.0153])), atol=1e-9)


def test_every_frame_of_t_is_pythons_frame(tmp_path):
    explorer, rng = threshold.ThresholdExplorer(), np.random.default_rng(0)
    cases = [
        {"rule": rule, "seed": int(seed), "T": float(T), "sign": sign, "input": strength}
        for rule in threshold.RULES
        for seed, sign, strength in ((0, "redraw", 1.0), (rng.integers(1, 8), "inherit", 0.6))
        for T in (0, 0.6, *rng.uniform(0, 0.6, 2))
    ]
    page, circuit = explorer.spec["circuits"]["random"], explorer.circuits["random"]
    asked = [
        {
            **page,
            "plan": page["plans"][explorer.spec["rules"][one["rule"]]["target"]],
            "times": explorer.spec["times"],
            "weight": explorer.spec["rules"][one["rule"]]["weight"],
            "inherit": one["sign"] == "inherit",
            "T": one["T"],
            "seed": one["seed"],
            "u": one["input"] * circuit.u,
            "start": circuit.rest(one["input"]),
        }
        for one in cases
    ]
    found = node.run(
        {"frames": "threshold_frame.js"},
        """return data.map((one) =>
      frames.frameAt(one.network, one.plan[Math.min(one.seed, one.plan.length - 1)], one));""",
        plain(asked),
        tmp_path,
    )
    for one, page in zip(cases, found, strict=True):
        frame = explorer.compute(**one)
        assert sorted(page["cut"]) == sorted(frame["cut"]) and sorted(page["blocked"]) == sorted(
            frame["blocked"]
        ), one
        assert len(page["grown"]) == len(frame["grown"])
        if frame["grown"]:
            assert np.allclose(sorted(page["grown"]), sorted(map(list, frame["grown"])), atol=1e-12), one
        for name in ("rate", "trace", "radius", "own", "command"):
            assert np.allclose(page["spectrum"][name], frame[name], atol=1e-9), (one, name)
        for name in ("origin", "certified"):
            assert (page[name] is None) == (frame[name] is None), (one, name)
            assert frame[name] is None or np.allclose(page[name], frame[name], atol=1e-8), (one, name)


def test_the_plan_of_the_highest_t_holds_the_events_of_every_smaller_one():
    explorer = threshold.ThresholdExplorer()
    circuit, m = explorer.circuits["random"], explorer.wiring.m
    steps = circuit.plan("uniform", 3)
    weights = [circuit.weights[step[0]] for step in steps]
    assert weights == sorted(weights) and all(0 <= step[-1] <= 1 for step in steps)
    for T in np.linspace(0.05, 0.6, 12):
        result, _ = explorer.event(T, "threshold", 3)
        cut = {(s + m, t + m) for s, t in result.cut} | {(s, t + m) for s, t in result.cut_in}
        assert cut == {
            circuit.edges[edge][:2]
            for (edge, blocked, *_), w in zip(steps, weights, strict=True)
            if w < T and not blocked
        }


def test_the_page_path_is_simulates(tmp_path):
    explorer = threshold.ThresholdExplorer()
    circuit = explorer.circuits["random"]
    data = {**circuit.page((0,)), "times": explorer.spec["times"], "start": circuit.rest()}
    page = node.run(
        {"frames": "threshold_frame.js", "event": "event.js", "ltc": "ltc.js"},
        """const { cell } =
      event.eventAt(data.network, data.plans.uniform[0], 0.4, "threshold");
      return frames.pathFrom(ltc.held(cell, data.u), data.start, data.times);""",
        plain(data),
        tmp_path,
    )
    _, cell = explorer.event(0.4, "threshold", 0)
    dt = np.diff(explorer.spec["times"])
    path = simulate.simulate(
        cell, np.tile(explorer.u, (len(dt), 1)), circuit.rest(), dt, method="exponential", substeps=2
    )
    assert np.allclose(page[1:], path, atol=1e-12)
