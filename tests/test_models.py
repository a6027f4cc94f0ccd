"""Models: one signature held by all, and each against a truth written without it (ncps: test_models_ncps)."""

import copy
import sys

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from ltcbook import analysis, dynamics, models, simulate, wiring

torch.set_num_threads(1)
WIRING = wiring.auto_ncp(11, 2, sensory=3, rng=np.random.default_rng(4))
SIGNS = [1, -1, 1, 1, -1]


def gen(seed=0):
    return torch.Generator().manual_seed(seed)


MAKERS = {
    "RNNet": lambda **o: models.RNNet(3, 5, 2, **o),
    "RNNet residual": lambda **o: models.RNNet(3, 5, residual=True, activation="relu", **o),
    "GRUNet": lambda **o: models.GRUNet(3, 5, 2, **o),
    "LSTMNet": lambda **o: models.LSTMNet(3, 5, **o),
    "ODENet": lambda **o: models.ODENet(3, 5, 2, hidden=7, **o),
    "CTRNNet": lambda **o: models.CTRNNet(3, 5, 2, tau=[2, 3, 4, 5, 6], learned=True, signs=SIGNS, **o),
    "CTRNNet softplus": lambda **o: models.CTRNNet(3, 5, activation="softplus", solver="fused", **o),
    "CTRNNet inside": lambda **o: models.CTRNNet(
        3, 5, 2, alpha=0.3, convention="inside", activation="sigmoid", solver="exponential", **o
    ),
    "LTCNet": lambda **o: models.LTCNet(WIRING, substeps=2, **o),
    "LTCNet explicit": lambda **o: models.LTCNet(
        WIRING, solver="rk4", substeps=1, constraint="explicit", input_map=None, **o
    ),
    "LTCNet lstm": lambda **o: models.LTCNet(WIRING, substeps=2, memory="lstm", **o),
    "CfCNet": lambda **o: models.CfCNet(WIRING, **o),
    "CfCNet units": lambda **o: models.CfCNet(
        5, 3, 2, mode="no_gate", backbone_units=6, backbone_layers=2, **o
    ),
    "CfCNet pure": lambda **o: models.CfCNet(WIRING, mode="pure", recurrent="wiring", outputs=3, **o),
    "CfCNet lstm": lambda **o: models.CfCNet(WIRING, memory="lstm", **o),
    "CfCNet from LTC": lambda **o: models.CfCNet.from_ltc(models.LTCNet(WIRING, **o)),
}
ALL = pytest.mark.parametrize("name", MAKERS)
DISCRETE = ["RNNet", "RNNet residual", "GRUNet", "LSTMNet"]
FEW = pytest.mark.parametrize("name", ["RNNet", "ODENet", "CTRNNet", "LTCNet", "LTCNet lstm", "CfCNet"])


def case(name, *batch, T=4, dtype=torch.float64, seed=0):
    """A model, and u, x0, dt for it."""
    net, g = MAKERS[name](generator=gen(seed)).to(dtype), gen(seed + 1)
    u = torch.randn(*batch, T, net.m, generator=g, dtype=torch.float64).to(dtype)
    x0 = 0.5 * torch.randn(*batch, net.state_size, generator=g, dtype=torch.float64).to(dtype)
    return net, u, x0, (0.2 + torch.rand(*batch, T, generator=g, dtype=torch.float64)).to(dtype)


def close(a, b, tolerance=1e-12):
    for first, second in zip(a, b, strict=True):
        torch.testing.assert_close(first, second, rtol=tolerance, atol=tolerance)


# ------------------------------------------------------------------------------------- one signature for all


@ALL
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shapes_and_dtypes(name, dtype):
    for batch in ((), (3,), (2, 3)):
        net, u, x0, dt = case(name, *batch, dtype=dtype)
        for y, x in (net(u), net(u, x0), net(u, x0, dt), net(u, x0[..., :1, :] if batch else x0, 0.5)):
            assert y.shape == (*batch, 4, net.outputs) and x.shape == (*batch, 4, net.state_size)
            assert y.dtype == x.dtype == dtype and torch.isfinite(x).all()


@ALL
def test_unbatched_is_a_batch_of_one_and_irregular_steps_per_sample_are_a_loop(name):
    net, u, x0, dt = case(name, 3)
    together = net(u, x0, dt)
    for k in range(3):
        close(net(u[k], x0[k], dt[k]), [part[k] for part in together])
        close(net(u[k : k + 1], x0[k : k + 1], dt[k : k + 1]), [part[k : k + 1] for part in together])
    close(net(u, x0, dt[0]), net(u, x0, dt[:1].expand(3, 4)))
    close(net(u, x0, 0.7), net(u, x0, torch.full((4,), 0.7, dtype=u.dtype)))


@ALL
def test_a_sequence_may_be_cut_and_continued(name):
    net, u, x0, dt = case(name, 3, T=5)
    y, x = net(u, x0, dt)
    first = net(u[:, :2], x0, dt[:, :2])
    second = net(u[:, 2:], first[1][:, -1], dt[:, 2:])
    close([torch.cat(parts, 1) for parts in zip(first, second, strict=True)], (y, x))


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in DISCRETE])
def test_time_steps_act_on_every_model_that_knows_time(name):
    net, u, x0, _ = case(name, 3)
    assert (net(u, x0, 0.5)[1] - net(u, x0, 0.6)[1]).abs().max() > 1e-4


@pytest.mark.parametrize("name", DISCRETE)
def test_a_discrete_step_knows_no_time(name):
    net, u, x0, dt = case(name, 3)
    close(net(u, x0), net(u, x0, dt), 0)


@ALL
def test_gradients_equal_finite_differences(name):
    net, u, x0, dt = case(name, 2, T=2)
    names = [key for key, _ in net.named_parameters()]

    def outputs(u, x0, dt, *parameters):
        return torch.func.functional_call(net, dict(zip(names, parameters, strict=True)), (u, x0, dt))

    leaves = [t.detach().clone().requires_grad_() for t in (u, x0, dt, *net.parameters())]
    # torch's own tolerances: rtol 1e-3 of eps 1e-6
    assert torch.autograd.gradcheck(outputs, leaves, fast_mode=True)


@ALL
def test_vmap_over_samples_and_over_an_ensemble_equals_loops(name):
    net, u, x0, dt = case(name, 3)
    close(torch.vmap(net)(u, x0, dt), net(u, x0, dt))
    others = [case(name, 3, seed=seed)[0] for seed in (5, 6)]
    parameters, buffers = torch.func.stack_module_state(others)
    call = lambda p, b: torch.func.functional_call(net, (p, b), (u, x0, dt))
    y, x = torch.vmap(call)(parameters, buffers)
    for k, other in enumerate(others):
        close((y[k], x[k]), other(u, x0, dt))


@ALL
def test_state_dict_round_trip_and_copies(name):
    net, u, x0, dt = case(name, 3)
    other = MAKERS[name](generator=gen(9)).double()
    other.load_state_dict(net.state_dict())
    close(net(u, x0, dt), other(u, x0, dt), 0)
    close(net(u, x0, dt), copy.deepcopy(net)(u, x0, dt), 0)


@FEW
def test_export_runs_any_batch(name):
    net, u, x0, dt = case(name, 3, T=2)
    batch = torch.export.Dim("batch", min=2)
    shapes = {"u": {0: batch}, "x0": {0: batch}, "dt": {0: batch}}
    if name == "CTRNNet":
        shapes["generator"] = None
    exported = torch.export.export(
        net, (u,), {"x0": x0, "dt": dt}, dynamic_shapes={k: shapes[k] for k in ("u", "x0", "dt")}
    )
    close(exported.module()(u[:2], x0=x0[:2], dt=dt[:2]), net(u[:2], x0[:2], dt[:2]))


@FEW
def test_compile_without_graph_breaks(name):
    net, u, x0, dt = case(name, 3, T=2)
    torch._dynamo.reset()
    close(torch.compile(net, backend="eager", fullgraph=True)(u, x0, dt), net(u, x0, dt))


@ALL
def test_nothing_is_made_on_a_device_of_its_own(name):
    # the meta device refuses to meet a tensor of another device, as a GPU does
    net, u, x0, dt = case(name, 3)
    net = net.to("meta")
    for y in net(u.to("meta"), x0.to("meta"), dt.to("meta")) + net(u.to("meta"), dt=0.5):
        assert y.is_meta


@ALL
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_gpu_equals_cpu(name):
    net, u, x0, dt = case(name, 3)
    here = net(u, x0, dt)
    close([t.cpu() for t in net.cuda()(u.cuda(), x0.cuda(), dt.cuda())], here, 1e-9)


@ALL
def test_generator_decides_everything_and_torch_s_own_is_left_alone(name):
    before = torch.get_rng_state()
    first, second, third = (MAKERS[name](generator=gen(seed)).state_dict() for seed in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert any(not torch.equal(first[key], third[key]) for key in first)
    torch.manual_seed(3)
    unseeded = MAKERS[name]().state_dict()
    torch.manual_seed(3)
    again = MAKERS[name]().state_dict()
    assert all(torch.equal(unseeded[key], again[key]) for key in unseeded)


# ------------------------------------------------------------------------------------------------- bad input


@ALL
def test_bad_calls_raise_one_error_that_says_what_is_possible(name):
    net, u, x0, dt = case(name, 3)
    state, nan = net.state_size, torch.full((3, 4, 3), torch.nan).double()
    for arguments, words in [
        ((u[..., :2],), r"u: got shape \(3, 4, 2\).*\(\.\.\., T, 3\)"),
        ((u[0, 0],), "u: got shape"),
        ((u.numpy(),), "type ndarray"),
        ((u[:, :0],), "T >= 1"),
        ((u.float(),), "float32.*float64"),
        ((nan,), "u holds 36 values"),
        ((u, x0[..., :1]), rf"x0: got shape.*\({state},\)"),
        ((u, x0[:2]), "x0: got shape"),
        ((u, x0 * torch.inf), "x0 holds"),
        ((u, x0, -1), "dt is -1;"),
        ((u, x0, float("nan")), "dt is nan"),
        ((u, x0, "fast"), "dt is 'fast'"),
        ((u, x0, -dt), "smallest value -"),
        ((u, x0, dt[:, :2]), r"dt has shape \(3, 2\).*\(4,\) or \(3, 4\)"),
        ((u, x0, dt[:2]), "dt has shape"),
        ((u[0], x0[0], dt), "dt has shape"),
    ]:
        with pytest.raises(ValueError, match=words):
            net(*arguments)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: models.RNNet(3, 0), "units is 0"),
        (lambda: models.RNNet(3, 5, activation="tan"), "'tan'.*'tanh'"),
        (lambda: models.RNNet(3, 5, generator=7), "torch.Generator"),
        (lambda: models.ODENet(3, 5, solver="rk5"), "rk5.*dopri5"),
        (lambda: models.ODENet(3, 5, rtol=-1.0), "rtol"),
        (lambda: models.LTCNet(7), "wiring is int"),
        (lambda: models.LTCNet(WIRING, solver="fuse"), "'fuse'.*'fused'"),
        (lambda: models.LTCNet(WIRING, substeps=0), "substeps is 0"),
        (lambda: models.LTCNet(WIRING, memory="gru"), "'gru'.*'lstm'"),
        (lambda: models.LTCNet(WIRING, constraint=1), "constraint"),
        (lambda: models.LTCNet(WIRING, output_map="no"), "output_map"),
        (lambda: models.CfCNet(WIRING, mode="fast"), "'fast'.*'pure'"),
        (lambda: models.CfCNet(WIRING, 4), "inputs is 4"),
        (lambda: models.CfCNet(5), "inputs is None"),
        (lambda: models.CfCNet(5, 3, activation="x"), "lecun_tanh"),
        (lambda: models.CfCNet.from_ltc(models.RNNet(3, 5)), "LTCNet"),
        (lambda: models.CTRNNet(3, 5, tau=0.0), "tau is 0"),
        (lambda: models.CTRNNet(3, 5, tau=[1, 2]), r"\(5,\)"),
        (lambda: models.CTRNNet(3, 5, alpha=1.5), r"\(0, 1\]"),
        (lambda: models.CTRNNet(3, 5, signs=[1, 0, 1, 1, 1]), "-1 and \\+1"),
        (lambda: models.CTRNNet(3, 5, masks={"hiden": 1}), "hiden"),
        (lambda: models.CTRNNet(3, 5, masks=7), "multi_area"),
        (lambda: models.CTRNNet(3, 5, masks={"hidden": np.ones((5, 4))}), r"\(5, 4\).*\(5, 5\)"),
        (lambda: models.CTRNNet(3, 5, masks={"hidden": 2 * np.ones((5, 5))}), "-1, 0 and"),
        (lambda: models.CTRNNet(3, 5, plasticity={"input": -np.ones((5, 3))}), "shares"),
        (lambda: models.CTRNNet(3, 5, masks={"readout": np.ones((2, 5))}), "give outputs"),
        (lambda: models.CTRNNet(3, 5, noise_pre=-1), "noise_pre is -1"),
        (lambda: models.CTRNNet(3, 5, convention="in"), "inside"),
    ],
)
def test_bad_options_raise_one_error(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@ALL
def test_a_state_dict_of_another_model_changes_nothing(name):
    net = MAKERS[name](generator=gen(0))
    other = {
        key: torch.cat([value, value]) if value.ndim else value for key, value in net.state_dict().items()
    }
    half = dict([(1 + value, key) for key, value in net.state_dict().items()][:1])
    before = copy.deepcopy(net.state_dict())
    first = next(name for name in before if not name.endswith("_extra_state"))
    missing = {name: value for name, value in before.items() if name != first}
    with pytest.raises(ValueError, match="another model.*instead of.*Nothing was loaded"):
        net.load_state_dict(other)
    with pytest.raises(ValueError, match="is missing"):
        net.load_state_dict({key: value + 1 for key, value in missing.items()})
    with pytest.raises(ValueError, match="is unknown here"):
        net.load_state_dict(
            {**{key: value + 1 for key, value in before.items()}, "weight_of_another": torch.ones(2)}
        )
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items()) and half
    assert net.load_state_dict(missing, strict=False).missing_keys == [first]


# ------------------------------------------------------------------------- each model against its truth


@pytest.mark.parametrize("name", ["GRU", "LSTM"])
def test_gated_networks_are_torch_s(name):
    net, u, _, _ = case(f"{name}Net", 2, T=7)
    theirs = getattr(torch.nn, name)(net.m, net.n, batch_first=True).double()
    with torch.no_grad():
        for mine, there in (
            ("w_in", "weight_ih_l0"),
            ("w", "weight_hh_l0"),
            ("b_in", "bias_ih_l0"),
            ("b", "bias_hh_l0"),
        ):
            getattr(theirs, there).copy_(getattr(net, mine))
    x, last = theirs(u)
    found = net(u)[1]
    close([found[..., : net.n]], [x])
    if name == "LSTM":
        close([found[:, -1, net.n :]], [last[1][0]])


def test_a_gap_is_one_more_input():
    inner = models.GRUNet(4, 5, 2, generator=gen()).double()
    net, u, dt = (
        models.WithGaps(inner),
        torch.randn(2, 6, 3, dtype=torch.float64),
        torch.rand(2, 6, dtype=torch.float64),
    )
    y, x = net(u, dt=dt)
    close((y, x), inner(torch.cat([u, (1 + dt).log()[..., None]], -1)))
    close(net(u, dt=2.0), net(u, dt=torch.full((6,), 2.0)))
    lengths = torch.tensor([6, 3])
    close([net(u[1:, :3], dt=dt[1:, :3])[0][:, -1]], [net(u, dt=dt, lengths=lengths)[0][1:, -1]])
    for wrong, message in ((torch.nn.GRU(3, 4), "GRU; pass one of"), (models.RNNet(0, 4), "0 inputs")):
        with pytest.raises(ValueError, match=message):
            models.WithGaps(wrong)
    with pytest.raises(ValueError, match=r"\(..., T, 3\)"):
        net(torch.zeros(2, 6, 4, dtype=torch.float64))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_rnnet_is_torch_s_rnn(activation):
    theirs = torch.nn.RNN(3, 5, nonlinearity=activation, batch_first=True).double()
    net = models.RNNet(3, 5, activation=activation).double()
    net.load_state_dict(
        {
            "w": theirs.weight_hh_l0.data,
            "w_in": theirs.weight_ih_l0.data,
            "b": (theirs.bias_hh_l0 + theirs.bias_ih_l0).data,
        }
    )
    u, x0 = torch.randn(4, 9, 3, generator=gen(), dtype=torch.float64), torch.zeros(1, 4, 5).double()
    u, v = u.clone().requires_grad_(), u.clone().requires_grad_()
    x, h = net(u)[1], theirs(v, x0)[0]
    x.square().sum().backward()
    h.square().sum().backward()
    close(
        (x, u.grad, net.w.grad, net.w_in.grad, net.b.grad),
        (h, v.grad, theirs.weight_hh_l0.grad, theirs.weight_ih_l0.grad, theirs.bias_hh_l0.grad),
    )


def test_residual_step_adds_and_the_rnn_step_is_euler_of_its_ct_rnn():
    net, u, x0, _ = case("RNNet")
    x = simulate.simulate(net.cell(), u, x0, 1.0, method="euler")
    close([net(u, x0)[1]], [x])
    residual = models.RNNet(3, 5, 2, residual=True).double()
    residual.load_state_dict(dict(net.named_parameters()))
    step = torch.tanh(net.w @ x0 + net.w_in @ u[0] + net.b)
    close([net(u[:1], x0)[1][0], residual(u[:1], x0)[1][0]], [step, x0 + step])


@pytest.mark.parametrize("convention", ["outside", "inside"])
def test_ctrnnet_is_the_plain_loop(convention):
    net = models.CTRNNet(
        3,
        5,
        2,
        tau=[2, 3, 4, 5, 6.5],
        activation="relu",
        convention=convention,
        learned=True,
        noise_pre=0.3,
        noise_post=0.2,
        generator=gen(),
    ).double()
    u, x0 = (
        torch.randn(6, 3, generator=gen(1), dtype=torch.float64),
        torch.rand(5, generator=gen(2), dtype=torch.float64),
    )
    W, W_in, dt = net.w(), net.w_in(), 0.8
    g = gen(3)
    noise = (
        torch.randn(6, 5, generator=g, dtype=torch.float64) * 0.3,
        torch.randn(6, 5, generator=g, dtype=torch.float64) * 0.2,
    )
    for training in (True, False):
        x, states = x0, []
        for t in range(6):
            pre, post = (n[t] if training else 0 for n in noise)
            alpha = dt / torch.tensor([2, 3, 4, 5, 6.5], dtype=torch.float64)
            if convention == "outside":
                drive = torch.relu(W @ x + W_in @ u[t] + net.b + pre) + post
            else:
                drive = W @ (torch.relu(x) + post) + W_in @ u[t] + net.b + pre
            x = (1 - alpha) * x + alpha * drive
            states.append(x)
        y, x = net.train(training)(u, x0, dt, generator=gen(3))
        rate = torch.relu(x) if convention == "inside" else x
        close([x], [torch.stack(states)], 1e-7)  # tau was stored in float32 before .double()
        close([y], [rate @ net.w_out().T + net.b_out])


def test_noise_follows_its_generator_and_stops_in_evaluation():
    net, u = models.CTRNNet(3, 5, noise_pre=0.5), torch.randn(2, 6, 3, generator=gen())
    same = [net(u, generator=gen(1))[1] for _ in range(2)]
    assert torch.equal(*same) and not torch.equal(same[0], net(u, generator=gen(2))[1])
    assert torch.equal(net.eval()(u)[1], net(u)[1])


@pytest.mark.parametrize(
    "options, tau",
    [
        (dict(tau=4.0), 4.0),
        (dict(tau=4.0, learned=True), 4.0),
        (dict(alpha=0.25, step=2.0), 8.0),
        (dict(alpha=0.25, step=2.0, learned=True), 8.0),
        (dict(alpha=[0.1, 0.2, 0.3, 0.4, 0.5], learned=True), [10, 5, 10 / 3, 2.5, 2]),
    ],
)
def test_tau_and_alpha_are_two_ways_to_say_one_thing(options, tau):
    net = models.CTRNNet(3, 5, **options)
    torch.testing.assert_close(net.tau, torch.as_tensor(tau, dtype=torch.float32).expand(5))
    assert ("raw_tau" in dict(net.named_parameters())) == options.get("learned", False)


def test_masks_signs_and_plasticity_survive_any_training():
    rng = np.random.default_rng(0)
    hidden = rng.integers(0, 2, (5, 5))
    readout = rng.integers(-1, 2, (2, 5))
    plastic = {"input": rng.integers(0, 2, (5, 3)), "hidden": rng.integers(0, 2, (5, 5))}
    net = models.CTRNNet(
        3,
        5,
        2,
        masks={"hidden": hidden, "readout": readout, "input": np.ones((5, 3))},
        signs=SIGNS,
        plasticity=plastic,
        generator=gen(),
    )
    start = [w().detach().clone() for w in (net.w, net.w_in)]
    optimiser = torch.optim.AdamW(net.parameters(), lr=0.3, weight_decay=0.5)
    for _ in range(20):
        loss = net(torch.randn(4, 5, 3, generator=gen()))[0].add(1).square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    w, w_in, w_out = (m().detach().numpy() for m in (net.w, net.w_in, net.w_out))
    assert np.array_equal(np.sign(w), hidden * SIGNS) and np.array_equal(np.sign(w_out), readout)
    for now, before, free in ((w, start[0], plastic["hidden"]), (w_in, start[1], plastic["input"])):
        moved = now != before.numpy()
        assert not moved[free == 0].any() and moved[(free == 1) & (now != 0)].all()


def test_a_share_of_plasticity_slows_learning_by_that_share_under_any_optimiser():
    net = models.CTRNNet(3, 5, plasticity={"hidden": np.full((5, 5), 0.25)}, generator=gen())
    before = net.w().detach().clone()
    # Adam's first step is lr, whatever the gradient's size
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    net(torch.randn(4, 5, 3, generator=gen()))[0].square().sum().backward()
    optimiser.step()
    torch.testing.assert_close((net.w() - before).abs(), torch.full((5, 5), 0.0025), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("solver, tolerance", [("rk4", 1e-6), ("dopri5", 1e-6), ("midpoint", 1e-3)])
def test_odenet_solves_its_differential_equation(solver, tolerance):
    if solver != "rk4":
        pytest.importorskip("torchdiffeq")
    net = models.ODENet(
        3, 5, hidden=7, layers=2, solver=solver, substeps=16, rtol=1e-9, atol=1e-9, generator=gen()
    ).double()
    u, dt = (
        torch.randn(2, 3, 3, generator=gen(1), dtype=torch.float64),
        torch.rand(2, 3, generator=gen(2), dtype=torch.float64),
    )
    x = net(u, dt=dt)[1].detach().numpy()
    with torch.no_grad():
        f = torch.nn.Sequential(net.field[0], torch.nn.Tanh(), net.field[1], torch.nn.Tanh(), net.field[2])
        field = lambda t, x, u: f(torch.cat([torch.tensor(x), u])).numpy()
        for k in range(2):
            state = np.zeros(5)
            for t in range(3):
                state = solve_ivp(
                    field, (0, float(dt[k, t])), state, args=(u[k, t],), rtol=1e-11, atol=1e-12
                ).y[:, -1]
                np.testing.assert_allclose(x[k, t], state, atol=tolerance)


def test_adjoint_gradients_equal_those_through_the_solver():
    pytest.importorskip("torchdiffeq")
    results = []
    for adjoint in (False, True):
        net = models.ODENet(
            3, 5, 2, hidden=7, solver="dopri5", adjoint=adjoint, rtol=1e-10, atol=1e-10, generator=gen()
        ).double()
        inputs = [
            torch.rand(*shape, generator=gen(1), dtype=torch.float64).requires_grad_()
            for shape in ((2, 3, 3), (2, 5), (2, 3))
        ]
        net(*inputs)[0].square().sum().backward()
        results.append([leaf.grad for leaf in (*inputs, *net.parameters())])
    close(*results, 1e-7)  # two discretisations of one gradient, each solved to 1e-10


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("solver", ["dopri5", "rk4"])
def test_adjoint_gradients_are_those_of_the_moment_of_the_call_even_if_arrays_change_after_it(solver, frozen):
    pytest.importorskip("torchdiffeq")
    net = models.ODENet(3, 4, 2, hidden=5, solver=solver, adjoint=True, generator=gen()).double()
    net.field[0].requires_grad_(not frozen)
    u, x0, dt = (
        torch.rand(*shape, generator=gen(1), dtype=torch.float64) for shape in ((2, 3, 3), (2, 4), (2, 3))
    )
    wanted = [p for p in net.field.parameters() if p.requires_grad]
    true = torch.autograd.grad(net(u, x0, dt)[1].square().sum(), wanted)
    loss = net(u, x0, dt)[1].square().sum()
    with torch.no_grad():
        for value in (u, x0, dt, *net.field.parameters()):
            value.fill_(0.7)
    close(torch.autograd.grad(loss, wanted, retain_graph=True), true, 1e-15)
    close(torch.autograd.grad(loss, wanted), true, 1e-15)


def test_the_adjoint_refuses_second_derivatives_and_says_who_has_them():
    pytest.importorskip("torchdiffeq")
    net = models.ODENet(3, 4, 2, hidden=5, solver="dopri5", adjoint=True, generator=gen()).double()
    u, x0 = (
        torch.rand(2, 3, 3, generator=gen(1), dtype=torch.float64).requires_grad_(),
        torch.zeros(2, 4).double(),
    )
    first = torch.autograd.grad(net(u, x0)[0].square().sum(), u)
    (slope,) = torch.autograd.grad(net(u, x0)[0].square().sum(), u, create_graph=True)
    close([slope], first, 0)
    weight = net.field[0].weight
    for penalty in (slope.square().sum(), slope.square().sum() + weight.square().sum()):
        with pytest.raises(ValueError, match="first derivatives only.*net.adjoint = False"):
            torch.autograd.grad(penalty, weight, retain_graph=True)
    net.adjoint = False
    (slope,) = torch.autograd.grad(net(u, x0)[0].square().sum(), u, create_graph=True)
    assert torch.autograd.grad(slope.square().sum(), weight)[0].abs().sum() > 0


def test_without_torchdiffeq_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchdiffeq", None)
    with pytest.raises(ImportError, match="pip install torchdiffeq"):
        models.ODENet(3, 5, solver="dopri5")(torch.zeros(2, 3))
    models.ODENet(3, 5)(torch.zeros(2, 3))


def test_a_cfc_has_no_cell_and_refuses_the_state_of_another_wiring():
    net, other = (
        models.CfCNet(wiring.auto_ncp(11, 2, sensory=3, rng=np.random.default_rng(seed))) for seed in (4, 5)
    )
    with pytest.raises(ValueError, match="no differential equation"):
        net.numpy_cell()
    before = net.f1.weight.detach().clone()
    with pytest.raises(ValueError, match="mask has other values"):
        net.load_state_dict(other.state_dict())
    assert torch.equal(before, net.f1.weight)


@pytest.mark.parametrize(
    "name",
    [
        "RNNet",
        "ODENet",
        "CTRNNet",
        "CTRNNet softplus",
        "CTRNNet inside",
        "LTCNet",
        "LTCNet explicit",
        "CfCNet from LTC",
    ],
)
def test_cells_serve_the_analysis_in_both_backends(name):
    net, u, x0, _ = case(name)
    cell, x, u = net.numpy_cell(), x0[: net.n].numpy(), u[0].numpy()
    J = dynamics.jacobian(x, u, cell)
    field = lambda x: dynamics.vector_field(0, x, torch.tensor(u), net.cell())
    np.testing.assert_allclose(J, torch.func.jacrev(field)(torch.tensor(x)).detach(), atol=1e-12)
    np.testing.assert_allclose(
        dynamics.vector_field(0, x, u, cell), field(torch.tensor(x)).detach(), atol=1e-12
    )


def test_ltcnet_is_simulate_on_its_cell_and_starts_in_the_ranges_of_ncps():
    net, u, x0, dt = case("LTCNet", 3)
    x = simulate.simulate(
        net.numpy_cell(), u.numpy(), x0.numpy(), dt.numpy(), method="extrapolated", substeps=2
    )
    np.testing.assert_allclose(net(u, x0, dt)[1].detach(), x, atol=1e-12)
    y, x = net(u, x0, dt)  # the output map starts as the identity
    assert torch.equal(y, x[..., WIRING.members("motor")])
    for constraint in ("implicit", "explicit"):
        cell = models.LTCNet(
            wiring.fully_connected(20, sensory=4, rng=np.random.default_rng(0)), constraint=constraint
        ).numpy_cell()
        for values, lo, hi in (
            (cell.c, 0.4, 0.6),
            (cell.g_leak, 0.001, 1),
            (cell.e_leak, -0.2, 0.2),
            (cell.w, 0.001, 1),
            (cell.gamma, 3, 8),
            (cell.mu, 0.3, 0.8),
            (cell.w_in, 0.001, 1),
            (cell.mu_in, 0.3, 0.8),
        ):
            assert (
                lo - 1e-6 <= values.min() and values.max() <= hi + 1e-6 and np.ptp(values) > 0.5 * (hi - lo)
            )
        assert set(np.unique(cell.e_rev)) == {-1, 1}


@pytest.mark.parametrize("constraint", ["implicit", "explicit"])
def test_conductances_stay_valid_and_cut_synapses_stay_cut_under_any_training(constraint):
    net = models.LTCNet(WIRING, substeps=2, constraint=constraint, generator=gen())
    optimiser = torch.optim.AdamW(net.parameters(), lr=0.2, weight_decay=0.1)
    for _ in range(20):
        loss = net(torch.randn(4, 5, 3, generator=gen()))[0].sub(3).square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    w, w_in = net.weights()
    assert np.array_equal(w > 0, WIRING.adjacency) and np.array_equal(w_in > 0, WIRING.adjacency_in)
    assert net.numpy_cell().c.min() > 0 and net.wiring == WIRING


def test_a_network_without_inputs_runs_on_its_own():
    net = models.LTCNet(wiring.fully_connected(4, sensory=0, rng=np.random.default_rng(0)), substeps=1)
    assert net(torch.zeros(2, 3, 0), torch.ones(2, 4), 0.5)[1].shape == (2, 3, 4)
    for other in (models.CTRNNet(0, 4), models.RNNet(0, 4), models.ODENet(0, 4), models.CfCNet(4, 0)):
        assert other(torch.zeros(2, 3, 0), torch.ones(2, 4), 0.5)[1].shape == (2, 3, 4)


# ------------------------------------------------------------------------------------------------------- CfC


def test_a_wired_cfc_hears_only_its_synapses():
    # dx+/d(u, x) may be non-zero only along synapses, within a layer, or through layers that moved before
    net = models.CfCNet(WIRING, recurrent="wiring", generator=gen()).double()
    u, x = (
        torch.randn(3, generator=gen(), dtype=torch.float64),
        torch.randn(11, generator=gen(1), dtype=torch.float64),
    )
    J_u, J_x = torch.func.jacrev(lambda u, x: net(u[None], x)[1][0], argnums=(0, 1))(u, x)
    direct, reach_u, reach_x = (
        WIRING.adjacency,
        WIRING.adjacency_in.copy(),
        WIRING.adjacency | np.eye(11, dtype=bool),
    )
    layer = np.array([("inter", "command", "motor").index(role) for role in WIRING.role])
    for k in (1, 2):  # a layer hears the new state of those before it
        through = direct * (layer[:, None] == k) * (layer[None] < k)
        reach_u |= (through.astype(int) @ reach_u) > 0
        reach_x = np.where(through & True, False, reach_x) | ((through.astype(int) @ reach_x) > 0)
    assert np.array_equal(J_u.detach().numpy() != 0, reach_u) and np.array_equal(
        J_x.detach().numpy() != 0, reach_x
    )


def test_carried_over_cfc_keeps_equilibria_bounds_and_start_and_is_first_order_in_dt():
    ltc = models.LTCNet(WIRING, generator=gen()).double()
    cfc = models.CfCNet.from_ltc(ltc)
    u, x0 = (
        torch.rand(3, generator=gen(), dtype=torch.float64),
        torch.rand(11, generator=gen(1), dtype=torch.float64),
    )
    with torch.no_grad():
        g, h = ltc.cell().terms(x0, u)
        close([cfc(u[None], x0, 0.7)[1][0]], [h / g + (x0 - h / g) * torch.exp(-g / ltc.cell().c * 0.7)])
        rest = [net(u.expand(200, 3), x0, 0.5)[1][-1] for net in (ltc, cfc)]
        close(rest[:1], rest[1:], 1e-10)
        close([cfc(u[None], x0, 1e-9)[1][0]], [x0], 1e-7)
        ltc.solver, ltc.substeps = "rk4", 64
        exact = ltc(u[None], x0, 1.0)[1][-1]
        errors = [float((cfc(u.expand(k, 3), x0, 1 / k)[1][-1] - exact).abs().max()) for k in (64, 128)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(1, abs=0.05)
    lo, hi = analysis.state_bounds(ltc.numpy_cell())
    x = (
        cfc(100 * torch.randn(20, 3, generator=gen(2), dtype=torch.float64), torch.zeros(11).double(), 50.0)[
            1
        ]
        .detach()
        .numpy()
    )
    assert (lo - 1e-12 <= x).all() and (x <= hi + 1e-12).all()
    cfc(u[None])[0].sum().backward()
    assert cfc.ltc.raw_w.grad is not None and ltc.raw_w.grad is None  # a copy that trains on its own


def test_where_the_published_closed_form_goes_wrong_the_carried_one_does_not():
    # one neuron, g_leak = 1 to 0, a sensory synapse half open: the LTC rests at 1/3, that formula at 1
    alone = wiring.Wiring([[0]], [[1]], "motor")
    ltc = models.LTCNet(alone, constraint="explicit", input_map=None, output_map=None)
    start = dict(raw_c=1, raw_g_leak=1, e_leak=0, raw_w_in=1, gamma_in=1, mu_in=0, e_rev_in=1)
    ltc.load_state_dict(
        {
            key: torch.full_like(value, start.get(key, 1))
            for key, value in (*ltc.named_parameters(), *ltc.named_buffers())
        }
        | {"polarity": torch.zeros(1, 1, dtype=torch.int8)}
    )
    u = torch.zeros(40, 1)  # sigmoid(0) = 1/2
    for net in (ltc, models.CfCNet.from_ltc(ltc)):
        assert float(net(u, dt=1.0)[0][-1].detach()) == pytest.approx(1 / 3, abs=1e-6)
    assert (0 - 1) * np.exp(-1.5 * 40) * 0.5 + 1 == pytest.approx(1)
