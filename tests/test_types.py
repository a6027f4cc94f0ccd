"""Types: what mypy finds in the package, and what a type checker tells those who import it. The settings
stand in ``pyproject.toml``.
"""

import re
import subprocess
import sys

import pytest

USES = {  # lines of a user -> the type of what stands last, as mypy words it
    "dynamics.time_constant(np.zeros(8), None, numpy_cell)": "ndarray",
    "dynamics.time_constant(torch.zeros(8), None, torch_cell)": "Tensor",
    "dynamics.LTC.random(net, rng=rng).w": "ndarray",
    "dynamics.CTRNN(tau=[2.0], w=[[0.0]], b=[0.0]).n": "int",
    "simulate.simulate(torch_cell, None, torch.zeros(8), torch.ones(5))": "Tensor",
    "simulate.simulate(Own(), None, np.zeros(1), np.ones(4))": "ndarray",
    "analysis.relax(np.zeros(1), None, Own())": "ndarray",
    "analysis.state_bounds(numpy_cell)[0]": "ndarray",
    "analysis.contraction_rate(numpy_cell)": "float",
    "symbolic.cell(dynamics.CTRNN, 2)": "CTRNN",
    "solvers.SOLVERS['fused'].order": "int",
    "ops.sigmoid(torch.zeros(1))": "Tensor",
    "wiring.Wiring([[0, 1], [-1, 0]], [[1], [0]], ('inter', 'motor')).fan_in": "ndarray",
    "wiring.auto_ncp(8, 2, sensory=3, rng=rng).edges()[0]": "tuple[int, int, int]",
    "wiring.worm.connectome().to_wiring()": "Wiring",
    "pruning.prune_and_rewire(net, numpy_cell.w, 0.3, rng=rng).cut": "list[tuple[int, int]]",
    "pruning.SET(every=5).events(100)": "range",
    "tasks.sine(48)[0]": "ndarray",
    "tasks.lane.trained().cell.w": "ndarray",
    "tasks.lane.drive(tasks.lane.straight_ahead, tasks.lane.Road.straight(2), rng=rng)": "Drive",
    "ltc(torch.zeros(5, 3))[0]": "Tensor",
    "models.CTRNNet(3, 8, 1)(torch.zeros(5, 3), generator=torch.Generator())[1]": "Tensor",
    "ltc.numpy_cell()": "LTC[numpy.ndarray",
    "ltc.raw_w": "Tensor",
    "ltc.wiring.n": "int",
    "models.GRUNet(3, 8).outputs": "int",
    "models.WithGaps(models.GRUNet(4, 8, 1))(torch.zeros(5, 3))[0]": "Tensor",
    "models.forecast(models.RNNet(1, 8, 1), torch.zeros(9, 1), 5)": "tuple[torch._tensor.Tensor",
    "train.fit(ltc, tasks.sine(48), rng=rng).loss": "list[float]",
    "train.fit([ltc, ltc], tasks.sine(48), rng=rng)[0].loss": "list[float]",
    "train.evaluate(ltc, {'inputs': np.zeros((5, 3)), 'targets': np.zeros((5, 1))})": "float",
    "train.sweep(dict, seed=range(3))": "list[dict[str",
    "plots.draw_network(net, plots.figure()[1])": "Axes",
    "plots.network_alt(net)": "str",
    "plots.picture(plots.figure()[0], alt='a circuit of eight neurons').svg()": "str",
    "widgets.PlaneExplorer().compute(q=0.0)": "dict[str, Any]",
    "ltcbook.dynamics.LTC.random(net, rng=rng).n": "int",
}
MISUSES = {  # lines of a user -> what mypy has against them
    "dynamics.time_constant(np.zeros(8), None, torch_cell)": "time_constant",
    "analysis.eigenvalues(np.zeros(8), None, torch_cell)": "Cell[ndarray",
    "simulate.simulate(numpy_cell, None, np.zeros(8), 1.0, substeps='2')": 'expected "int"',
    "wiring.auto_ncp(8, 2, sensory=3, rng=0)": "Generator",
    "pruning.prune_and_rewire(net, numpy_cell.w, 0.3, rng=rng, target='fastest')": '"target"',
    "models.LTCNet(net, constraint='none')": "constraint",
    "ltc(np.zeros((5, 3)))": "Tensor",
    "train.fit(ltc, tasks.sine(48), loss='hinge', rng=rng)": "loss",
}
BEFORE = """
import numpy as np
import torch
import ltcbook
from ltcbook import analysis, dynamics, models, ops, plots, pruning, simulate, solvers, symbolic, tasks, train
from ltcbook import widgets, wiring

rng = np.random.default_rng(0)
net: wiring.Wiring
numpy_cell: dynamics.LTC[np.ndarray]
torch_cell: dynamics.LTC[torch.Tensor]
ltc: models.LTCNet


class Own:  # a cell of somebody's own
    n, m = 1, 0
    c = np.ones(1)
    w = np.zeros((1, 1))

    def terms(self, x: np.ndarray, u: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        return np.ones(1), -x

    def terms_jacobian(self, x: np.ndarray, u: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((1, 1)), -np.eye(1)
"""


def mypy(root, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *arguments], cwd=root, capture_output=True, encoding="utf8"
    )
    return done.returncode, done.stdout + done.stderr


def test_mypy_finds_nothing_to_mend(root):
    code, said = mypy(root)
    assert code == 0, said


@pytest.fixture(scope="module")
def told(root, tmp_path_factory):
    """Line of a user -> what mypy says about it."""
    lines = BEFORE.splitlines()
    first = len(lines) + 1
    lines += [f"reveal_type({use})" for use in USES] + list(MISUSES)
    path = tmp_path_factory.mktemp("user") / "user.py"
    path.write_text("\n".join(lines) + "\n", "utf8")
    _, said = mypy(root, str(path))
    found = re.findall(r"^\S*user\.py:(\d+): (.*)$", said, re.MULTILINE)
    assert {int(at) for at, _ in found} <= set(range(first, first + len(USES) + len(MISUSES))), said
    by_line = [" ".join(words for at, words in found if int(at) == first + k) for k in range(len(lines))]
    return dict(zip([*USES, *MISUSES], by_line, strict=False))


def test_a_type_checker_knows_what_comes_back(told):
    right = {use: rf'Revealed type is "[\w.]*\b{re.escape(kind)}' for use, kind in USES.items()}
    wrong = [use for use in USES if "error" in told[use] or not re.search(right[use], told[use])]
    assert not wrong, "\n".join(f"{use}: {told[use]}" for use in wrong)


def test_a_type_checker_warns_of_what_cannot_work(told):
    wrong = [use for use, words in MISUSES.items() if "error" not in told[use] or words not in told[use]]
    assert not wrong, "\n".join(f"{use}: {told[use]}" for use in wrong)
