"""What a refusal says of a value that came in the wrong place: type, shape and first numbers, never the
whole of it.
"""

import inspect

import numpy as np
import pytest
import torch

from ltcbook import (
    analysis,
    dynamics,
    models,
    plots,
    pruning,
    simulate,
    symbolic,
    tasks,
    train,
    validation,
    wiring,
)
from ltcbook.widgets.base import Control


def rng():
    return np.random.default_rng(0)


NET = wiring.auto_ncp(8, 2, sensory=3, rng=rng())
CELL = dynamics.LTC.random(NET, rng=rng())
X, U = np.zeros(8), np.ones(3)
MODEL = models.RNNet(3, 4, 1, generator=torch.Generator().manual_seed(0))
LTC = models.LTCNet(NET, generator=torch.Generator().manual_seed(0))
DATA = torch.zeros(4, 5, 3), torch.zeros(4, 5, 1)
HUGE = {
    "list": [0.5] * 20000,
    "array": np.full(20000, 0.5),
    "tensor": torch.full((20000,), 0.5),
    "matrix": np.full((200, 100), 0.5),
    "nest": [[0.5] * 100] * 200,
    "tuple of names": ("name",) * 20000,
    "string": "x" * 20000,
    "dict": dict.fromkeys(range(20000), 0.5),
}
SIZES = "20000", "(200, 100)"
CALLS = {
    "whole": lambda value=3: validation.whole("units", value, 1),
    "number": lambda value=0.1: validation.number("lr", value, 0),
    "choice": lambda value="a": validation.choice("mode", value, ("a", "b")),
    "generator": lambda value=rng(): validation.generator(value),
    "Wiring": lambda polarity=NET.polarity, polarity_in=NET.polarity_in, role=NET.role: wiring.Wiring(
        polarity, polarity_in, role
    ),
    "ncp": lambda inter=4, command=3, sensory=2, sensory_fan_out=2, recurrent=3, rule="ncps", p_excitatory=0.5, rng=rng(): (
        wiring.ncp(
            inter=inter,
            command=command,
            motor=1,
            sensory=sensory,
            sensory_fan_out=sensory_fan_out,
            inter_fan_out=2,
            recurrent=recurrent,
            motor_fan_in=1,
            rng=rng,
            rule=rule,
            p_excitatory=p_excitatory,
        )
    ),
    "auto_ncp": lambda units=8, motor=2, sensory=3, sparsity=0.5, rule="ncps", rng=rng(): wiring.auto_ncp(
        units, motor, sensory=sensory, sparsity=sparsity, rule=rule, rng=rng
    ),
    "random_sparse": lambda n=4, sensory=1, sparsity=0.5, rng=rng(): wiring.random_sparse(
        n, sensory=sensory, sparsity=sparsity, rng=rng
    ),
    "multi_area_ei": lambda dims=(1, 4, 1), n_areas=2, area_connectivities=(0.1, 0.1), input_areas=None, readout_areas=None, excitatory=0.8, inter_area=("EE",), inhibitory_readout=True, rng=rng(): (
        wiring.multi_area_ei(
            dims,
            n_areas,
            area_connectivities,
            input_areas,
            readout_areas,
            excitatory=excitatory,
            inter_area=inter_area,
            inhibitory_readout=inhibitory_readout,
            rng=rng,
        )
    ),
    "members": lambda role="motor": NET.members(role),
    "subset": lambda name="AVA": wiring.worm.connectome().subset(name),
    "index": lambda name="AVAL": wiring.worm.connectome().index(name),
    "to_wiring": lambda inhibitory="GABA", sensory="neurons", least=1: wiring.worm.tap_withdrawal().to_wiring(
        inhibitory=inhibitory, sensory=sensory, least=least
    ),
    "LTC": lambda c=CELL.c, w=CELL.w, e_rev=CELL.e_rev, w_in=CELL.w_in: dynamics.LTC(
        c,
        CELL.g_leak,
        CELL.e_leak,
        w,
        CELL.gamma,
        CELL.mu,
        e_rev,
        w_in,
        CELL.gamma_in,
        CELL.mu_in,
        CELL.e_rev_in,
    ),
    "fused_step": lambda x=X, u=U, dt=0.1: dynamics.fused_step(x, u, CELL, dt),
    "simulate": lambda u=U[None], x0=X, dt=0.1, method="fused", substeps=1, backend="auto": simulate.simulate(
        CELL, u, x0, dt, method=method, substeps=substeps, backend=backend
    ),
    "equilibria": lambda u=U, starts=2, rng=rng(): analysis.equilibria(CELL, u, starts=starts, rng=rng),
    "relax": lambda x=X, u=U: analysis.relax(x, u, CELL),
    "log_norm": lambda J=np.eye(2), ord=2: analysis.log_norm(J, ord),
    "lyapunov_matrix": lambda J=-np.eye(2), Q=None: analysis.lyapunov_matrix(J, Q),
    "lyapunov_value": lambda x=X, P=np.eye(8), center=0.0: analysis.lyapunov_value(x, P, center),
    "jacobian_majorant": lambda lo=X, hi=X + 1: analysis.jacobian_majorant(CELL, U, (lo, hi)),
    "symbolic": lambda kind=dynamics.LTC, n=1, m=0: symbolic.cell(kind, n, m),
    "prune_and_rewire": lambda weights=CELL.w, threshold=0.1, new_weight="threshold", target="uniform", max_fraction=1.0, relative_to=None, age=None, grace=0, polarity="redraw", p_excitatory=0.5: (
        pruning.prune_and_rewire(
            NET,
            weights,
            threshold,
            rng=rng(),
            new_weight=new_weight,
            target=target,
            max_fraction=max_fraction,
            relative_to=relative_to,
            age=age,
            grace=grace,
            polarity=polarity,
            p_excitatory=p_excitatory,
        )
    ),
    "SET": lambda fraction=0.3, every=2, stop=0.5: pruning.SET(fraction=fraction, every=every, stop=stop),
    "RNNet": lambda inputs=2, units=3, outputs=1, activation="tanh", generator=None: models.RNNet(
        inputs, units, outputs, activation=activation, generator=generator
    ),
    "GRUNet": lambda inputs=2, units=3, outputs=1, generator=None: models.GRUNet(
        inputs, units, outputs, generator=generator
    ),
    "LSTMNet": lambda inputs=2, units=3, outputs=1, generator=None: models.LSTMNet(
        inputs, units, outputs, generator=generator
    ),
    "ODENet": lambda units=3, hidden=3, solver="rk4", substeps=1, rtol=1e-6: models.ODENet(
        2, units, hidden=hidden, solver=solver, substeps=substeps, rtol=rtol
    ),
    "CTRNNet": lambda tau=10.0, alpha=None, step=1.0, masks=None, signs=None, plasticity=None, noise_pre=0.0, convention="outside": (
        models.CTRNNet(
            2,
            3,
            1,
            tau=tau,
            alpha=alpha,
            step=step,
            masks=masks,
            signs=signs,
            plasticity=plasticity,
            noise_pre=noise_pre,
            convention=convention,
        )
    ),
    "CfCNet": lambda wiring=NET, inputs=3, outputs=1, mode="default", recurrent="dense", memory=None, activation="tanh": (
        models.CfCNet(
            wiring, inputs, outputs, mode=mode, recurrent=recurrent, memory=memory, activation=activation
        )
    ),
    "LTCNet": lambda wiring=NET, solver="fused", substeps=1, constraint="implicit", input_map=None, memory=None, backend="auto": (
        models.LTCNet(
            wiring,
            solver=solver,
            substeps=substeps,
            constraint=constraint,
            input_map=input_map,
            memory=memory,
            backend=backend,
        )
    ),
    "call": lambda u=DATA[0], x0=None, dt=1.0: MODEL(u, x0, dt),
    "call of an LTC": lambda u=DATA[0], x0=None, dt=1.0: LTC(u, x0, dt),
    "rewire": lambda change=NET, new_weight=0.1: LTC.rewire(change, new_weight=new_weight),
    "from_ltc": lambda net=LTC: models.CfCNet.from_ltc(net),
    "fit": lambda data=DATA, loss="mse", epochs=1, lr=0.1, batch_size=4, callbacks=None, method=None, checkpoint=None, device="cpu", patience=None, clip=1.0: (
        train.fit(
            MODEL,
            data,
            loss=loss,
            epochs=epochs,
            lr=lr,
            batch_size=batch_size,
            callbacks=callbacks,
            method=method,
            checkpoint=checkpoint,
            device=device,
            patience=patience,
            clip=clip,
            progress=False,
            rng=rng(),
        )
    ),
    "sweep": lambda experiment=lambda a: {"b": a}, grid=[1], jobs=1: train.sweep(
        experiment, a=grid, jobs=jobs, progress=False
    ),
    "recorders": lambda u=U: train.recorders(u),
    "sine": lambda n=2: tasks.sine(n, rng=rng()),
    "digits": lambda part="train", layout="rows": tasks.digits(part, layout=layout),
    "picture": lambda alt="A line that rises from 0 to 1.": plots.picture(
        plots.picture.__globals__["Figure"](), alt=alt
    ),
    "select": lambda value="a": Control("k", "K", "a", kind="select", options=(("a", "A"),)).check(value),
    "range": lambda value=0.5: Control("k", "K", 0.5).check(value),
}


def messages(call):
    """(what went wrong, huge value) for every parameter that a call has and every kind of huge value that
    it refuses.
    """
    for name in inspect.signature(call).parameters:
        for kind, value in HUGE.items():
            if (name, kind) == ("checkpoint", "string"):
                continue  # a file system's own words
            try:
                call(**{name: value})
            except Exception as error:
                yield error, value


@pytest.mark.parametrize("title", CALLS)
def test_a_message_says_what_kind_of_thing_came_in_few_words(title):
    call = CALLS[title]
    call()  # what stands beside the huge value is right
    refused = list(messages(call))
    assert refused
    for error, value in refused:
        assert isinstance(error, ValueError), f"{type(error).__name__}: {error}"
        text = str(error)
        assert len(text) < 500, f"{len(text)} characters: {text[:200]}"
        # its size, its type, or the part of it that is wrong
        if isinstance(value, (list, np.ndarray, torch.Tensor)):
            assert any(
                word in text.lower() for word in ("20000", "100", type(value).__name__.lower(), " 0.5")
            ), text


@pytest.mark.parametrize(
    "value, said",
    [
        (3, "3"),
        ("auto", "'auto'"),
        ([1, 2], "[1, 2]"),
        (None, "None"),
        (np.arange(3), "array([0, 1, 2])"),
        ([0.5] * 20000, "a list of shape (20000,) [0.5, 0.5, 0.5, ...]"),
        ([[1] * 30] * 40, "a list of shape (40, 30) [1, 1, 1, ...]"),
        ([[1] * 30, [2] * 20], "a list of shape (2,) [1, 1, 1, ...]"),
        (np.arange(600.0).reshape(3, 200), "an array of shape (3, 200) [0.0, 1.0, 2.0, ...]"),
        (torch.arange(20), "a tensor of shape (20,) [0, 1, 2, ...]"),
        (torch.empty(20, 2, device="meta"), "a tensor of shape (20, 2)"),
        (dict.fromkeys(range(99)), "a dict of length 99 [0: None, 1: None, 2: None, ...]"),
        ("x" * 900, "'" + "x" * 56 + "..."),
        (np.zeros((0, 3)), "array([], shape=(0, 3), dtype=float64)"),
    ],
    ids=str,
)
def test_what_came_is_put_in_a_few_words(value, said):
    assert validation.brief(value) == said


def test_a_value_that_cannot_be_printed_or_holds_itself_is_named_all_the_same():
    class Mute:
        def __repr__(self):
            raise RuntimeError

    inside = []
    inside.append(inside)
    assert validation.brief(Mute()) == "a Mute without a repr" and len(validation.brief(inside)) < 60


@pytest.mark.parametrize(
    "value", [10**400, float("nan"), float("inf"), True, None, "1", [1.0], np.ones(1), torch.ones(1)], ids=str
)
def test_a_number_is_a_finite_number_and_nothing_else(value):
    with pytest.raises(ValueError, match="lr is .*; it must be a number in"):
        validation.number("lr", value, 0)
