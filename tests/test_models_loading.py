"""A state dict says what its numbers mean; a model takes it whole or not at all, alone and inside a
container.
"""

import copy
import itertools
import warnings

import numpy as np
import pytest
import torch
from test_models import ALL, MAKERS, SIGNS, WIRING, gen
from torch import nn

from ltcbook import models, wiring

MOTOR_FIRST = wiring.Wiring(WIRING.polarity, WIRING.polarity_in, tuple(reversed(WIRING.role)))
OTHER = wiring.auto_ncp(11, 2, sensory=3, rng=np.random.default_rng(5))


def ct(**options):
    return models.CTRNNet(3, 5, 2, generator=gen(), **options)


# what was saved, what shall take it, and the words of the refusal
PAIRS = {
    "constraint": (
        lambda: models.LTCNet(WIRING, constraint="explicit"),
        lambda: models.LTCNet(WIRING),
        "constraint is 'explicit' there and 'implicit' here",
    ),
    "roles": (
        lambda: models.LTCNet(MOTOR_FIRST),
        lambda: models.LTCNet(WIRING),
        "role is .* there and .* here",
    ),
    "roles carried": (
        lambda: models.CfCNet.from_ltc(models.LTCNet(MOTOR_FIRST)),
        lambda: models.CfCNet.from_ltc(models.LTCNet(WIRING)),
        "role is",
    ),
    "roles of a CfC": (
        lambda: models.CfCNet(
            wiring.Wiring(np.ones((3, 3), int), np.ones((3, 3), int), ("motor", "inter", "inter"))
        ),
        lambda: models.CfCNet(
            wiring.Wiring(np.ones((3, 3), int), np.ones((3, 3), int), ("inter", "inter", "motor"))
        ),
        "role is",
    ),
    "tau": (lambda: ct(tau=10.0), lambda: ct(alpha=0.1), "time is 'tau' there and 'alpha' here"),
    "alpha": (lambda: ct(alpha=0.1), lambda: ct(tau=10.0), "time is 'alpha' there and 'tau' here"),
    "step": (lambda: ct(alpha=0.1), lambda: ct(alpha=0.1, step=2.0), "step is 1.0 there and 2.0 here"),
    "learned": (
        lambda: ct(tau=10.0),
        lambda: ct(tau=10.0, learned=True),
        "learned is False there and True here",
    ),
    "convention": (lambda: ct(), lambda: ct(convention="inside"), "convention is"),
    "activation": (lambda: ct(), lambda: ct(activation="relu"), "activation is 'tanh' there and 'relu' here"),
    "signs": (
        lambda: ct(signs=SIGNS),
        lambda: ct(masks={"hidden": np.ones((5, 5))}),
        "signed is .*'w'.*there.*w.mask holds signs",
    ),
    "residual": (
        lambda: models.RNNet(3, 5, residual=True),
        lambda: models.RNNet(3, 5),
        "residual is True there and False here",
    ),
    "field": (lambda: models.ODENet(3, 5), lambda: models.ODENet(3, 5, activation="relu"), "activation is"),
    "mode": (
        lambda: models.CfCNet(4, 3),
        lambda: models.CfCNet(4, 3, mode="no_gate"),
        "mode is 'default' there and 'no_gate' here",
    ),
    "backbone": (
        lambda: models.CfCNet(4, 3),
        lambda: models.CfCNet(4, 3, activation="silu"),
        "activation is 'lecun_tanh' there",
    ),
    "wiring of a CfC": (lambda: models.CfCNet(OTHER), lambda: models.CfCNet(WIRING), "mask has other values"),
    "shapes": (lambda: models.RNNet(3, 6), lambda: models.RNNet(3, 5), "w has shape"),
}
BOXES = {
    "alone": lambda net: net,
    "Sequential": lambda net: nn.Sequential(nn.Linear(2, 3), net),
    "ModuleList": lambda net: nn.ModuleList([nn.Linear(1, 1), net]),
    "nested": lambda net: nn.ModuleDict({"a": nn.Sequential(net)}),
    "average": lambda net: torch.optim.swa_utils.AveragedModel(net),
}


@pytest.mark.parametrize("name", PAIRS)
def test_numbers_that_mean_something_else_are_refused_and_nothing_of_the_model_changes(name, subtests):
    for box, how in itertools.product(BOXES, [{}, {"strict": False}, {"assign": True}]):
        with subtests.test(box=box, how=how):
            saved, net, words = (part() if callable(part) else part for part in PAIRS[name])
            outer = BOXES[box](net)
            inner = outer.module if box == "average" else net
            before = {key: value.clone() for key, value in inner.state_dict().items()}
            with pytest.raises(ValueError, match=f"(?s){words}.*Nothing was loaded"):
                outer.load_state_dict(BOXES[box](saved).state_dict(), **how)
            assert all(torch.equal(value, before[key]) for key, value in inner.state_dict().items())
            if getattr(inner, "wiring", None) is not None:
                adjacency = inner.wiring.adjacency
                mask = getattr(inner, "polarity", None) if hasattr(inner, "polarity") else None
                assert mask is None or np.array_equal(mask.numpy() != 0, adjacency)


@ALL
def test_what_fits_is_loaded_through_files_and_containers(name, tmp_path, subtests):
    for box in BOXES:
        with subtests.test(box=box):
            outer, fresh = (BOXES[box](MAKERS[name](generator=gen(seed))) for seed in (0, 9))
            torch.save(outer.state_dict(), tmp_path / "net.pt")
            state = torch.load(tmp_path / "net.pt", weights_only=True)
            assert all(torch.is_tensor(value) for value in state.values())
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                assert not any(fresh.load_state_dict(state))
                assert not any(fresh.load_state_dict(state, assign=True))
            assert all(torch.equal(value, state[key]) for key, value in fresh.state_dict().items())


@ALL
def test_a_file_from_before_says_nothing_and_is_read(name, subtests):
    for box in BOXES:
        with subtests.test(box=box):
            outer, fresh = (BOXES[box](MAKERS[name](generator=gen(seed))) for seed in (0, 9))
            old = {
                key: value.bool() if key.endswith(("mask", "mask_time")) and "CfC" in name else value
                for key, value in outer.state_dict().items()
                if not key.endswith("_extra_state")
            }
            assert len(old) < len(outer.state_dict())
            assert not any(fresh.load_state_dict(old))
            assert all(
                torch.equal(value, outer.state_dict()[key]) for key, value in fresh.state_dict().items()
            )


def test_another_solver_is_reported_and_kept():
    saved, net = models.LTCNet(WIRING, solver="fused", substeps=6), models.LTCNet(WIRING)
    with pytest.warns(
        UserWarning, match="solver='fused', substeps=6; this one keeps solver='extrapolated', substeps=3"
    ):
        net.load_state_dict(saved.state_dict())
    assert (net.solver, net.substeps) == ("extrapolated", 3) and torch.equal(net.raw_w, saved.raw_w)
    with pytest.warns(UserWarning, match="rtol=1e-06"):
        models.ODENet(3, 5, solver="dopri5", rtol=1e-3).load_state_dict(
            models.ODENet(3, 5, solver="dopri5").state_dict()
        )


def test_an_ltc_still_takes_its_wiring_from_the_state_dict_and_no_mask_that_is_none():
    net, saved = models.LTCNet(WIRING), models.LTCNet(OTHER)
    nn.Sequential(net).load_state_dict(nn.Sequential(saved).state_dict())
    assert net.wiring == OTHER
    half = saved.state_dict() | {"polarity": torch.full((11, 11), 0.5)}
    with pytest.raises(ValueError, match="polarity holds other values than -1, 0 and 1. Nothing was loaded"):
        net.load_state_dict(half)
    with pytest.raises(ValueError, match="_extra_state holds .*leave that entry out.*Nothing was loaded"):
        net.load_state_dict(saved.state_dict() | {"_extra_state": torch.ones(7)})


@ALL
def test_copies_and_functional_calls_take_what_the_state_dict_says_along(name):
    net, u = MAKERS[name](generator=gen()), torch.randn(2, 4, 3, generator=gen(1))
    copied = copy.deepcopy(net)
    copied.load_state_dict({key: value.clone() for key, value in net.state_dict().items()})
    assert torch.equal(copied.get_extra_state(), net.get_extra_state())
    y, _ = torch.func.functional_call(net, net.state_dict(), (u,))
    torch.testing.assert_close(y, net(u)[0])
    assert "_extra_state" not in vars(net)
