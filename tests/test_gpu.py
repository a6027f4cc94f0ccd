"""On a pretended GPU, see ``fake_cuda``: what the CPU gives, bit for bit, and no two devices ever meet."""

import ast
import copy
import dis
import re
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from fake_cuda import GPU, Far
from test_models import MAKERS, case

from ltcbook import backends, models, plots, pruning, tasks, train, wiring
from ltcbook.backends import base
from ltcbook.backends.edges import Edges
from ltcbook.kernels import autograd, parallel

BACKENDS = pytest.mark.parametrize("backend", ["reference", "edges", "parallel"])


@pytest.fixture
def gpu(monkeypatch):
    """The pretended GPU, with memory, and for the backends an ordinary tensor.

    In truth its tensors are of a class of their own, and such are sent to the reference: ``PLAIN`` is widened
    for the test.
    """
    monkeypatch.setattr(autograd, "PLAIN", (*autograd.PLAIN, Far))
    monkeypatch.setattr(base, "memory", lambda device: float("inf"))
    monkeypatch.setattr(backends.triton, "without", lambda device: "the GPU is pretended")
    begin = torch.random.fork_rng  # a GPU's random numbers are not imitated
    monkeypatch.setattr(torch.random, "fork_rng", lambda devices: begin([]))
    with GPU() as device:
        yield device


def both(net, do):
    """What ``do(net, to)`` gives on the CPU and on the GPU, all brought to the CPU; to: carries a tensor."""
    here = do(copy.deepcopy(net), lambda t: t.clone())
    there = do(copy.deepcopy(net).to("cuda"), lambda t: t.to("cuda"))
    return here, {name: t if t is None else fetched(t) for name, t in there.items()}


def fetched(t):
    """A tensor that has to lie on the GPU, on the CPU."""
    assert t.is_cuda, "it was made on the CPU"
    return t.cpu()


def same(here, there):
    """Equal bits under every name."""
    assert set(here) == set(there)
    for name, t in here.items():
        assert (t is None) == (there[name] is None) and (t is None or torch.equal(t, there[name])), name


def trained(net, u, x0, dt):
    """Outputs, states and all derivatives of one call."""
    leaves = [None if t is None else t.requires_grad_() for t in (u, x0)]
    y, x = net(u, x0, dt)
    (y.square().sum() + x.sin().sum()).backward()
    derivatives = {f"by {k}": t.grad for k, t in enumerate(leaves) if t is not None}
    return (
        {"y": y.detach(), "x": x.detach()}
        | derivatives
        | {name: p.grad for name, p in net.named_parameters()}
    )


# --- the pretence ---------------------------------------------------------------------------------------


def test_the_pretended_gpu_keeps_a_gpus_rules(gpu):
    far, near = torch.arange(3.0, device="cuda"), torch.arange(3.0)
    for mixed in (
        lambda: far + near,
        lambda: near + far.sum(),
        lambda: torch.cat([near, far]),
        lambda: far.add_(near),
        lambda: near[far.long()],
        lambda: far.index_add(0, torch.tensor([0]), far[:1]),
        lambda: near.addcmul(far, far),
    ):
        with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
            mixed()
    with pytest.raises((RuntimeError, TypeError), match="numpy"):
        far.numpy()
    assert (far + torch.tensor(2.0)).tolist() == [2, 3, 4] and far[torch.tensor([2, 0])].tolist() == [2, 0]
    far[torch.tensor([1])] = 7.0
    far[1:] += 1
    assert far.is_cuda and far.cpu().tolist() == [0, 8, 3] and near.copy_(far).tolist() == [0, 8, 3]
    for made in (
        torch.tensor([1.0], device="cuda"),
        torch.as_tensor(np.ones(2), device=far.device),
        far.new_zeros(2),
        near.cuda(),
        torch.as_tensor(0.5, device="cuda"),
        torch.zeros(2, device="cuda"),
        far.new_tensor([1.0]),
        torch.ones_like(far),
    ):
        assert isinstance(made, Far) and made.device == torch.device("cuda:0")
    assert not torch.zeros(2).is_cuda


def test_derivatives_cross_to_the_pretended_gpu_and_back(gpu):
    near = torch.arange(3.0, requires_grad=True)
    near.cuda().square().cpu().sum().backward()
    assert near.grad.tolist() == [0, 2, 4]


# --- models ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_every_model_gives_the_cpus_bits(name, gpu):
    net, u, x0, dt = case(name, 3)
    for part in net.modules():
        if isinstance(part, models.LTCNet):
            part.backend = (
                "edges"  # the one that "auto" takes on a GPU; on the CPU it would be numba, not bit for bit
            )
    for given in ((u, x0, dt), (u, None, 0.5), (u, x0[0], dt[0]), (u[0], None, dt[0])):
        same(
            *both(
                net,
                lambda net, to, given=given: trained(
                    net, *(to(t) if torch.is_tensor(t) else t for t in given)
                ),
            )
        )


def on_gpu(backend, **options):
    """An ``LTCNet``, and u, x0, dt for it."""
    rng = np.random.default_rng(1)
    net = models.LTCNet(
        wiring.auto_ncp(12, 2, sensory=3, rng=rng),
        backend=backend,
        substeps=2,
        generator=torch.Generator().manual_seed(1),
        **options,
    )
    u, x0 = (
        torch.tensor(rng.normal(size=(4, 6, 3))).float(),
        torch.tensor(rng.uniform(-1, 1, (4, net.state_size))).float(),
    )
    return net, u, x0, torch.tensor(rng.uniform(0.2, 1.2, (4, 6))).float()


@BACKENDS
@pytest.mark.parametrize(
    "options",
    [{}, {"solver": "fused"}, {"solver": "exponential", "constraint": "explicit"}, {"memory": "lstm"}],
)
def test_every_backend_gives_the_cpus_bits(backend, options, gpu):
    net, *given = on_gpu(backend, **options)
    same(*both(net, lambda net, to: trained(net, *map(to, given))))


@BACKENDS
def test_a_network_without_inputs_moves_on_a_gpu(backend, gpu):
    net = models.LTCNet(
        wiring.random_sparse(6, sensory=0, sparsity=0.6, rng=np.random.default_rng(0)), backend=backend
    )
    same(*both(net, lambda net, to: trained(net, to(torch.zeros(3, 5, 0)), to(torch.full((3, 6), 0.3)), 0.5)))


@BACKENDS
def test_step_after_step_is_the_whole_sequence_on_a_gpu(backend, gpu):
    net, u, x0, dt = on_gpu(backend)

    def do(net, to):
        x, found = to(x0), {}
        for t in range(6):
            found[f"{t}"], states = net(to(u)[:, t : t + 1], x, to(dt)[:, t : t + 1])
            x = states[:, -1].detach()
        return found

    same(*both(net, do))


def test_auto_goes_by_the_list_of_synapses_on_a_gpu(gpu, monkeypatch):
    seen, original = [], Edges.run
    monkeypatch.setattr(Edges, "run", lambda *given: seen.append(1) or original(*given))
    net, *given = on_gpu("auto")
    net.to("cuda")(*(t.to("cuda") for t in given))
    assert seen == [1]


def test_windows_of_time_are_longer_on_a_gpu(gpu, monkeypatch):
    seen, original = [], parallel._window
    monkeypatch.setattr(
        parallel,
        "_window",
        lambda cell, u, x0, dt, *rest: seen.append(dt.device.type) or original(cell, u, x0, dt, *rest),
    )
    monkeypatch.setattr(parallel, "ELEMENTS", 1)
    net, *given = on_gpu("parallel")
    both(net, lambda net, to: trained(net, *map(to, given)))
    assert seen == 6 * ["cpu"] + ["cuda"]


def test_inputs_on_the_wrong_device_are_refused(gpu):
    net, u, *_ = on_gpu("reference")
    with pytest.raises(RuntimeError, match="same device"):
        net.to("cuda")(u)


# --- training and rewiring ------------------------------------------------------------------------------


@BACKENDS
def test_training_with_pruning_events_gives_the_cpus_bits(backend, gpu):
    u, y = tasks.sine(8)
    method = pruning.PruneRewire(every=2, threshold=0.5)
    history = {}

    def do(net, to):
        device = to(torch.zeros(1)).device.type
        history[device] = train.fit(
            net,
            (u[:, :6], y[:, :6]),
            epochs=3,
            batch_size=4,
            method=method,
            device=device,
            progress=False,
            rng=np.random.default_rng(5),
        )
        return dict(net.state_dict())

    net = models.LTCNet(
        wiring.auto_ncp(8, 1, sensory=2, rng=np.random.default_rng(0)),
        backend=backend,
        generator=torch.Generator().manual_seed(0),
    )
    same(*both(net, do))
    assert history["cpu"].loss == history["cuda"].loss and history["cpu"].events == history["cuda"].events
    assert any(event["cut"] for event in history["cpu"].events), "nothing was pruned"


def home_and_modes(model):
    return [str(t.device) for t in model.state_dict().values()], [part.training for part in model.modules()]


HOMES = pytest.mark.parametrize(
    "home, device", [("cpu", "cuda"), ("cuda", "cpu"), ("cuda", "cuda"), ("cuda", None)]
)


@HOMES
@pytest.mark.parametrize("name", ["CTRNNet", "LTCNet"])
def test_after_training_a_model_is_where_it_came_from(name, home, device, gpu):
    g, (u, y) = torch.Generator().manual_seed(0), tasks.sine(6)
    net = models.CTRNNet(2, 5, 1, generator=g)
    if name == "LTCNet":
        net = models.LTCNet(
            wiring.auto_ncp(8, 1, sensory=2, rng=np.random.default_rng(0)), backend="edges", generator=g
        )
    net.to(home).eval()
    net.train(mode=False)
    first = next(iter(net.children()), net)
    first.train()  # a part may have a mode of its own
    before, seen = home_and_modes(net), []

    def callback(model):
        assert home_and_modes(model)[0] == before[0] and not any(home_and_modes(model)[1])
        seen.append(train.evaluate(model, (u, y)))
        with torch.no_grad():  # a callback's own tensors lie where its model came from
            model(torch.tensor(u, dtype=torch.float32).to(home))
        return model.state_dict()

    options = {"epochs": 2, "device": device, "progress": False, "rng": np.random.default_rng(0)}
    trained_on, original = [], train.run._Run.step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            train.run._Run,
            "step",
            lambda run, batch: trained_on.append(batch[0].device.type) or original(run, batch),
        )
        history = train.fit(
            net, (u, y), callbacks={"own": callback}, validation=(u, y), patience=5, **options
        )
    assert set(trained_on) == {device or "cuda"} and seen == history.validation
    assert home_and_modes(net) == before
    for error in (ZeroDivisionError, KeyboardInterrupt):

        def stop(*given, error=error):
            raise error

        with pytest.raises(error):
            train.fit(net, (u, y), callbacks={"stop": stop}, **options)
        assert home_and_modes(net) == before
        hook = net.register_forward_pre_hook(stop)  # in the first step
        with pytest.raises(error):
            train.fit(net, (u, y), **options)
        hook.remove()
        assert home_and_modes(net) == before


def test_a_callback_of_recorders_and_helpers_with_data_of_the_cpu_serve_a_network_on_a_gpu(gpu):
    net = models.LTCNet(
        wiring.auto_ncp(8, 1, sensory=2, rng=np.random.default_rng(0)),
        backend="edges",
        generator=torch.Generator().manual_seed(0),
    )
    u, y = tasks.sine(6)
    callbacks = {
        "error": lambda m: train.evaluate(m, (u, y)),
        "slope": lambda m: train.weight_gradients(m, (u, y))[0],
        "action": lambda m: train.RecurrentPolicy(m)(np.zeros(2)),
        **train.recorders(np.zeros(2)),
    }
    runs = []
    for home in ("cpu", "cuda"):
        there = copy.deepcopy(net).to(home)
        history = train.fit(
            there,
            (u, y),
            epochs=2,
            device="cuda",
            callbacks=callbacks,
            progress=False,
            rng=np.random.default_rng(0),
        )
        runs.append(history)
        assert there.raw_w.device.type == home
    for name, values in runs[0].records.items():
        # of two backends
        np.testing.assert_allclose(values, runs[1].records[name], rtol=1e-3, atol=1e-7, err_msg=name)


@pytest.mark.parametrize(
    "make", [torch.optim.Adam, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), torch.optim.Rprop]
)
def test_an_optimizer_of_ones_own_comes_home_too(make, gpu):
    u, y = tasks.sine(6)
    runs = []
    for devices in (("cpu", "cpu"), ("cuda", "cpu"), ("cuda", "cuda")):
        net = models.CTRNNet(2, 5, 1, generator=torch.Generator().manual_seed(0))
        own = make(net.parameters())
        for device in devices:
            train.fit(
                net,
                (u, y),
                epochs=2,
                device=device,
                optimizer=own,
                progress=False,
                rng=np.random.default_rng(0),
            )
        assert own.state and all(
            t.is_cpu for state in own.state.values() for t in state.values() if torch.is_tensor(t)
        )
        net(torch.zeros(1, 3, 2))[0].sum().backward()
        own.step()
        runs.append(dict(net.state_dict()))
    for run in runs[1:]:
        same(runs[0], run)


def test_a_run_resumes_on_another_device(tmp_path, gpu):
    u, y = tasks.sine(6)
    runs = []
    for devices in (("cpu", "cpu"), ("cuda", "cpu"), ("cpu", "cuda")):
        for epochs, device in zip((2, 4), devices, strict=True):
            net = models.CTRNNet(2, 5, 1, generator=torch.Generator().manual_seed(0))
            train.fit(
                net,
                (u, y),
                epochs=epochs,
                device=device,
                checkpoint=tmp_path / "-".join(devices),
                progress=False,
                rng=np.random.default_rng(0),
                scheduler=lambda o: torch.optim.lr_scheduler.StepLR(o, 1, 0.5),
            )
        runs.append(dict(net.state_dict()))
    for run in runs[1:]:
        same(runs[0], run)


def training_cells(notebook):
    """Sources of the cells that train, of those that use what they left, and of what both need, in order."""
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    last, needs, trains = {}, [], set()
    for k, source in enumerate(sources):
        loads, stores = names(compile(source, "cell", "exec"))
        needs.append({last[name] for name in loads if name in last})
        if re.search(r"\btrain\.fit\(", source) or trains & needs[k]:
            trains.add(k)
        if "plots.picture(" in source and not re.search(r"\btrain\.fit\(", source):
            trains.discard(k)  # a drawing alone
        last |= dict.fromkeys(stores, k)
    for k in sorted(trains, reverse=True):
        wanted = [k]
        while wanted:
            trains |= set(wanted)
            wanted = [other for here in wanted for other in needs[here] if other not in trains]
    return [(k, sources[k]) for k in sorted(trains)]


def names(code):
    """The global names that a cell takes from those before it, and those that it gives."""
    loads, stores = set(), set()
    for op in dis.get_instructions(code):
        if op.opname == "LOAD_NAME" and op.argval not in stores:
            loads.add(op.argval)
        elif op.opname == "STORE_NAME":
            stores.add(op.argval)
    parts = [part for part in code.co_consts if hasattr(part, "co_code")]
    while parts:
        part = parts.pop()
        loads |= {op.argval for op in dis.get_instructions(part) if op.opname == "LOAD_GLOBAL"} - stores
        parts += [inner for inner in part.co_consts if hasattr(inner, "co_code")]
    return loads, stores


class WithoutClaims(ast.NodeTransformer):
    """Takes away what a chapter asserts: it holds for its own sizes."""

    def visit_Assert(self, node):
        return ast.Pass()


def shorter(fit):
    """``train.fit``, for two epochs of at most 8 sequences, with an event after each step."""

    def short(net, data, *, epochs, method=None, **options):
        data = [part[:8] if getattr(part, "ndim", 0) else part for part in data]
        if method is not None and not isinstance(method, pruning.Nothing):
            method = replace(method, every=1, stop=1.0)
        return fit(net, data, epochs=min(epochs, 2), method=method, **options)

    return short


CHAPTERS = [
    "convergence.ipynb",
    "pruning_rewiring.ipynb",
    "start.ipynb",
    "training.ipynb",
]
# these look at whole drives, which take minutes on a device that is only emulated; their models train there
# above
TOO_LONG = {"cfc.ipynb", "ct_rnn.ipynb", "multi_area.ipynb", "ncp_wiring.ipynb", "rnn.ipynb"}


def test_all_chapters_that_train_are_tried_on_a_gpu(chapters):
    assert {name for name, notebook in chapters.items() if training_cells(notebook)} == set(
        CHAPTERS
    ) | TOO_LONG
    for name, notebook in chapters.items():  # and in no other way does anything of a chapter get there
        code = "".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
        assert not re.search(r"cuda|\bdevice\b", code), name


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_training_cells_of_a_chapter_run_on_a_gpu(name, chapters, gpu, monkeypatch):
    trained_there = []
    there = lambda model: trained_there.append(model) or torch.device("cuda")
    monkeypatch.setattr(train.training, "found_device", there)
    monkeypatch.setattr(train, "fit", shorter(train.fit))
    drive = tasks.lane.drive

    # the expert holds the wheel: what has hardly trained would leave the road
    def watched(policy, road, **options):
        return drive(policy, road, **{**options, "takeover": 15, "steps": 15})

    monkeypatch.setattr(tasks.lane, "drive", watched)
    monkeypatch.setattr(plots, "picture", lambda figure, **words: plt.close(figure))
    monkeypatch.setattr(plots, "draw_curves", lambda *curves, **look: None)
    cells = {"print": lambda *words: None}
    for k, source in training_cells(chapters[name]):
        short = re.sub(
            r"\b(steps|every)=\d\d+", r"\1=4", re.sub(r"range\((5|\d\d|20, 40)\)", "range(2)", source)
        )
        tree = ast.fix_missing_locations(WithoutClaims().visit(ast.parse(short, f"{name}, code cell {k}")))
        exec(compile(tree, f"{name}, code cell {k}", "exec"), cells)
    assert trained_there


@BACKENDS
def test_a_rewired_network_moves_on_its_new_synapses_on_a_gpu(backend, gpu):
    net, *given = on_gpu(backend)

    def do(net, to):
        before = trained(net, *map(to, given))
        change = net.rewire(
            wiring.auto_ncp(12, 2, sensory=3, rng=np.random.default_rng(7)), rng=np.random.default_rng(1)
        )
        net.raw_w.grad[tuple(change["raw_w"][0])] = 0  # as train.reset_moments uses them
        after = trained(net, *map(to, given))
        assert not torch.equal(before["x"], after["x"])
        return after

    same(*both(net, do))


def test_weights_travel_between_devices_by_state_dict(gpu):
    net, *given = on_gpu("edges")
    here, there = on_gpu("edges")[0], on_gpu("edges")[0].to("cuda")
    there.load_state_dict(net.state_dict())
    here.load_state_dict(there.state_dict())
    same(dict(net.state_dict()), dict(here.state_dict()))
    assert torch.equal(fetched(there(*(t.to("cuda") for t in given))[1]), net(*given)[1])


@BACKENDS
def test_ncps_is_taken_over_on_a_gpu(backend, gpu):
    ncps = pytest.importorskip("ncps.torch")
    graph = wiring.auto_ncp(12, 2, sensory=3, rng=np.random.default_rng(7), rule="ncps")
    source, u = ncps.LTC(3, graph.to_ncps(), batch_first=True), torch.randn(4, 6, 3)

    def do(source, to):
        net = models.LTCNet.from_ncps(source)
        net.backend = backend
        return trained(net, to(u), None, 1.0)

    same(*both(source, do))
