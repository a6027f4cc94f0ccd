"""The drivers of three areas: a block that is cut sends nothing, and one that is held still leaves its mean pull."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tqdm")

from ltcbook import dynamics, reproduce, simulate
from ltcbook.reproduce import areas as study


@pytest.fixture(scope="module")
def driver():
    """Masks and an untrained network of the first kind, and pictures (3, 40, 16)."""
    import torch

    from ltcbook import models

    masks, wires = study.circuit("both ways", 3)
    net = models.LTCNet(wires, solver="fused", substeps=1, generator=torch.Generator().manual_seed(3))
    return masks, net, np.random.default_rng(0).normal(size=(3, 40, 16))


def test_a_cut_takes_all_synapses_of_its_blocks_and_no_other(driver):
    masks, net, _ = driver
    hurt = study.without(net, masks, [(study.HAND, study.PLANNER)])
    gone = net.wiring.adjacency & ~hurt.wiring.adjacency
    assert gone[8:15, 15:].sum() == gone.sum() == net.wiring.adjacency[8:15, 15:].sum() > 0
    assert np.array_equal(hurt.weights()[0][~gone], net.weights()[0][~gone])


def test_what_is_held_still_pulls_as_its_gates_do_on_average(driver):
    """g and g e of the receivers are those of the whole network with the gates of the block at their mean."""
    masks, net, pictures = driver
    cell, flat = (
        net.cell(numpy=True),
        study.steady(net, masks, [(study.EYE, study.HAND)], pictures).cell(numpy=True),
    )
    heard = pictures * net.input_w.detach().numpy() + net.input_b.detach().numpy()
    x = simulate.simulate(cell, heard, np.zeros((3, 19)), 1.0, method="fused")
    gate = (1 / (1 + np.exp(-cell.gamma * (x[..., None, :] - cell.mu)))).mean((0, 1))
    block = np.zeros((19, 19), bool)
    block[15:, :8] = True
    pull = cell.w * gate * block
    assert np.allclose(flat.g_leak, cell.g_leak + pull.sum(1), rtol=1e-4)
    assert np.allclose(
        flat.g_leak * flat.e_leak, cell.g_leak * cell.e_leak + (pull * cell.e_rev).sum(1), atol=1e-4
    )
    at = x[0, 20].copy()
    other = np.where(np.arange(19) < 8, -at, at)  # another eye: the hand does not notice
    hand = lambda state: dynamics.vector_field(0, state, heard[0, 20], flat)[15:]
    assert np.allclose(hand(at), hand(other))


def test_the_kinds_to_be_compared_have_equally_many_synapses():
    sizes = np.outer(study.SIZES, study.SIZES)
    places = {kind: (sizes * np.array(chance)).sum() for kind, chance in study.KINDS.items()}
    assert places["both ways"] == pytest.approx(places["one way"]) == pytest.approx(144.4)
    stored = reproduce.stored("areas")["kinds"]
    assert set(stored) == set(study.KINDS) and all(len(of) == study.SEEDS for of in stored.values())
