"""A state that leaves the finite numbers is one ValueError that names the step, on every path, in every
model.
"""

import math

import numpy as np
import pytest
import torch
from test_models import WIRING, gen

from ltcbook import backends, dynamics, models, simulate
from ltcbook.models import base


def large(net, factor=50.0):
    """The model with weights so large that an unbounded activation carries its state beyond all numbers."""
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(factor)
    return net


LTC = {
    f"LTCNet {backend} {solver}": lambda backend=backend, solver=solver: (
        models.LTCNet(WIRING, solver=solver, substeps=1, backend=backend, generator=gen()),
        1e30,
    )
    for backend, solver in (
        ("reference", "euler"),
        ("edges", "euler"),
        ("numba", "euler"),
        ("reference", "rk4"),
        ("edges", "rk4"),
    )
}
WILD = LTC | {  # model and dt
    "LTCNet lstm numba": lambda: (
        models.LTCNet(WIRING, solver="euler", memory="lstm", backend="numba", generator=gen()),
        1e30,
    ),
    "LTCNet lstm edges": lambda: (
        models.LTCNet(WIRING, solver="euler", memory="lstm", backend="edges", generator=gen()),
        1e30,
    ),
    "CTRNNet relu": lambda: (models.CTRNNet(3, 10, 2, activation="relu", generator=gen()), 1e20),
    "CTRNNet inside": lambda: (
        models.CTRNNet(3, 10, convention="inside", solver="rk4", activation="identity", generator=gen()),
        1e20,
    ),
    "CTRNNet noisy": lambda: (
        models.CTRNNet(3, 10, activation="identity", noise_pre=1e-9, generator=gen()),
        1e20,
    ),
    "ODENet euler": lambda: (
        large(models.ODENet(3, 5, 2, activation="relu", solver="euler", generator=gen())),
        1e20,
    ),
    "ODENet rk4": lambda: (large(models.ODENet(3, 5, 2, activation="relu", generator=gen())), 1e20),
    "ODENet midpoint": lambda: (
        large(models.ODENet(3, 5, 2, activation="relu", solver="midpoint", generator=gen())),
        1e20,
    ),
    "ODENet adjoint": lambda: (
        large(models.ODENet(3, 5, activation="relu", adjoint=True, generator=gen())),
        1e20,
    ),
    "RNNet": lambda: (large(models.RNNet(3, 5, activation="relu", generator=gen()), 1e9), 1.0),
    "RNNet residual": lambda: (
        large(models.RNNet(3, 5, 2, activation="identity", residual=True, generator=gen()), 1e9),
        1.0,
    ),
    "CfCNet pure": lambda: (
        large(models.CfCNet(5, 3, mode="pure", activation="relu", generator=gen()), 1e20),
        1.0,
    ),
}


def first_bad(net, u, dt):
    """The first step in which a state is not finite, by prolonging the sequence until the model refuses."""
    for T in range(1, u.shape[-2] + 1):
        try:
            net(u[..., :T, :], dt=dt[:T])
        except ValueError:
            return T - 1
    raise AssertionError("it stayed finite")


@pytest.mark.parametrize("name", WILD)
def test_a_state_beyond_the_finite_numbers_is_refused_with_its_step(name):
    if name.startswith("ODENet"):
        pytest.importorskip("torchdiffeq")
    net, long = WILD[name]()
    u, dt = torch.rand(2, 12, 3, generator=gen(1)) + 0.5, torch.full((12,), long)
    dt[:3] = 1e-6
    with torch.no_grad(), np.errstate(all="ignore"):
        step = first_bad(net, u, dt)
        assert step >= 3 or net.solver is None  # three short steps do no harm
        words = f"left the finite numbers in step {step}: take"
        with pytest.raises(ValueError, match=words):
            net(u, dt=dt)
        with pytest.raises(ValueError, match=words):
            net(u[0], dt=dt)
        checked = u, torch.zeros(2, net.state_size), dt
        with pytest.raises(ValueError, match=words):
            net.trajectory(*checked)
        with pytest.raises(ValueError, match="left the finite numbers"):
            net(u, dt=dt, lengths=[12, 11])
    if net.solver is None:
        with pytest.raises(ValueError, match="smaller weights or inputs"):
            net(u)


@pytest.mark.parametrize("solver", ["dopri5", "bosh3"])
@pytest.mark.parametrize("adjoint", [False, True])
def test_an_adaptive_solver_that_gives_up_says_what_to_do(solver, adjoint):
    pytest.importorskip("torchdiffeq")
    net = large(
        models.ODENet(3, 5, 2, activation="relu", solver=solver, adjoint=adjoint, generator=gen()), 300.0
    )
    with pytest.raises(ValueError, match=f"{solver} gave up in step 0 .*smaller dt.*larger tolerances"):
        net(torch.ones(2, 4, 3), dt=1e20)


@pytest.mark.parametrize("solver", ["dopri5", "dopri8"])
def test_an_adjoint_that_gives_up_on_its_way_back_says_what_to_do(solver):
    # dx/dt = -10 x loses 100 factors of e on its way, and the adjoint has to find them again: more than
    # float32 can count
    pytest.importorskip("torchdiffeq")
    net = models.ODENet(1, 3, 1, layers=0, solver=solver, rtol=1e-3, atol=1e-5, adjoint=True, generator=gen())
    with torch.no_grad():
        net.field[0].weight.copy_(torch.cat([-10 * torch.eye(3), torch.zeros(3, 1)], 1))
    y, _ = net(torch.ones(2, 1, 1), torch.ones(3), dt=10.0)
    with pytest.raises(ValueError, match=f"{solver} gave up on the way back.*adjoint=False") as caught:
        y.sum().backward()
    assert len(str(caught.value)) < 500
    assert not isinstance(caught.value, AssertionError) and all(
        p.grad is None for p in net.field.parameters()
    )
    net.adjoint = False
    net(torch.ones(2, 1, 1), torch.ones(3), dt=10.0)[0].sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


def test_simulate_on_cells_of_tensors_refuses_as_it_does_on_arrays():
    values = [[1.0], [1.0], [0.0], [[0.0]], [[1.0]], [[0.0]], [[1.0]]]
    x0, dt = np.array([1.0]), np.full(6, 1e160)
    errors = []
    for array in (np.array, lambda v: torch.tensor(v, dtype=torch.float64)):
        cell = dynamics.LTC(*map(array, values))
        for method in ("euler", "rk4"):
            with (
                np.errstate(all="ignore"),
                pytest.raises(ValueError, match="left the finite numbers in step") as error,
            ):
                simulate.simulate(cell, None, array(x0), array(dt), method=method)
            errors.append(str(error.value))
    assert errors[:2] == errors[2:]


def test_the_first_of_the_bad_steps_is_named_and_large_finite_states_pass():
    x = torch.zeros(2, 3, 5, 4)
    x[1, 2, 3:] = torch.nan
    x[0, 0, 2, 1] = -math.inf
    with pytest.raises(ValueError, match="the state left the finite numbers in step 2"):
        backends.finite(x, None)
    huge = torch.full((2, 5, 4), 3e38)  # its sum is infinite
    assert backends.finite(huge, None) is huge
    assert backends.finite(torch.zeros(0, 5, 4), None).shape == (0, 5, 4)


def test_the_states_are_looked_at_once_in_a_call_and_never_where_they_are_traced(monkeypatch):
    looked = []
    original = base.finite
    monkeypatch.setattr(base, "finite", lambda x, method: looked.append(x) or original(x, method))
    u = torch.zeros(2, 4, 3)
    for net in (
        models.LTCNet(WIRING, memory="lstm", backend="edges"),
        models.CfCNet.from_ltc(models.LTCNet(WIRING)),
        models.CTRNNet(3, 4),
        models.ODENet(3, 4),
        models.CfCNet(4, 3, memory="lstm"),
    ):
        net(u)
        net(u, lengths=[4, 2])
        assert len(looked) == 2
        looked.clear()
    net, nan = models.RNNet(3, 4, activation="identity"), torch.full((2, 4, 4), torch.nan)
    assert torch.vmap(lambda x: backends.finite(x, None))(nan).isnan().all()
    large(net, 1e20)
    assert not torch.vmap(net)(torch.ones(2, 6, 3))[1].isfinite().all()
    assert str(backends.not_finite("euler", 3)).startswith(
        "the euler solution left the finite numbers in step 3: take a smaller dt"
    )
