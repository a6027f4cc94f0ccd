"""Seven networks of equal size learn four tasks in equally many steps, for the chapter "Training a liquid
network".
"""

import numpy as np
import torch

from .. import models, tasks, train, wiring
from ..tasks import lane
from ..train.progress import bar
from ..validation import significant

FILE = "training.json"
TOLERANCE = 0.05  # another machine rounds otherwise, and every step of training makes more of it
KINDS = ("RNN", "GRU", "LSTM", "CT-RNN", "LTC", "CfC", "neural ODE")
BLIND = ("RNN", "GRU", "LSTM")  # a discrete step knows no time, so these get the gaps as an input
RATES = (0.01, 0.03)  # of Adam; each network takes the better one, found with a seed of its own
TRIAL = 100  # that seed
IRREGULAR = {"drop": 0.4, "jitter": 0.5}
HARDER = {"drop": 0.6, "jitter": 1.0}
DRIVES, STEPS = 20, 400
LONGER = "LTC, 5 times the steps"
SEEDS = {"LTC": 10, "GRU": 10, "GRU without gaps": 10, LONGER: 10}  # of the others: 5, they take longer
TASKS = {
    "lane": {"shape": (16, 1), "budget": 770, "epochs": 30, "batch": 16, "kinds": (*KINDS, LONGER)},
    "gaps": {
        "shape": (16, 1),
        "budget": 770,
        "epochs": 30,
        "batch": 16,
        "kinds": (*KINDS, "GRU without gaps", LONGER),
    },
    "ice": {
        "shape": (1, 1),
        "budget": 300,
        "epochs": 40,
        "batch": 24,
        "kinds": (*KINDS, "GRU without gaps", LONGER),
    },
    "digits": {"shape": (8, 10), "budget": 1500, "epochs": 10, "batch": 32, "kinds": KINDS},
}


class Read(torch.nn.Module):
    """An LTC network whose neurons are all read by one linear layer, as those of the other networks are."""

    def __init__(self, net, outputs, generator):
        super().__init__()
        self.net, self.m, self.n, self.state_size, self.outputs = net, net.m, net.n, net.state_size, outputs
        self.linear = torch.nn.Linear(net.n, outputs)
        with torch.no_grad():
            for part in self.linear.parameters():
                part.uniform_(-(net.n**-0.5), net.n**-0.5, generator=generator)

    def forward(self, u, x0=None, dt=1.0, **options):
        y, x = self.net(u, x0, dt, **options)
        return self.linear(y), x


def liquid(units, m, outputs, generator, seed):
    """An LTC network: for the lane the circuit of the chapter "Your first liquid network", else all
    neurons hear all.
    """
    rng, options = np.random.default_rng(seed), {"solver": "fused", "substeps": 3, "generator": generator}
    if (m, outputs) == (16, 1):
        from .driver import SIZES

        return models.LTCNet(wiring.ncp(**SIZES, rng=rng), **options)
    full = wiring.fully_connected(units, sensory=m, rng=rng)
    return Read(models.LTCNet(full, output_map=None, **options), outputs, generator)


def size(net):
    """How many numbers of a network act and can learn: of an LTC network only those of synapses that it
    has.
    """
    total = sum(parameter.numel() for parameter in net.parameters())
    for part in net.modules():
        if isinstance(part, models.LTCNet):
            total -= 4 * (part.n * (part.n + part.m) - part.wiring.synapses)
    return total


def network(kind, m, outputs, budget, seed):
    """The largest network of this kind with at most so many parameters, its start values drawn from a
    seed.
    """
    make = {
        "RNN": lambda n, g: models.RNNet(m, n, outputs, generator=g),
        "GRU": lambda n, g: models.GRUNet(m, n, outputs, generator=g),
        "LSTM": lambda n, g: models.LSTMNet(m, n, outputs, generator=g),
        "CT-RNN": lambda n, g: models.CTRNNet(
            m, n, outputs, tau=2.0, learned=True, solver="exponential", generator=g
        ),
        "LTC": lambda n, g: liquid(n, m, outputs, g, seed),
        "CfC": lambda n, g: models.CfCNet(n, m, outputs, backbone_units=2 * n, generator=g),
        "neural ODE": lambda n, g: models.ODENet(m, n, outputs, hidden=2 * n, solver="rk4", generator=g),
    }[kind]
    fixed, units = kind == "LTC" and (m, outputs) == (16, 1), 1
    while not fixed and size(make(units + 1, torch.Generator().manual_seed(0))) <= budget:
        units += 1
    return make(units, torch.Generator().manual_seed(seed))


def learner(task, kind, seed):
    """A new network for a task, and whether it hears the gaps as an input."""
    m, outputs = TASKS[task]["shape"]
    name = kind.removesuffix(" without gaps").removesuffix(", 5 times the steps")
    timed = task in ("gaps", "ice") and kind in BLIND
    net = network(name, m + timed, outputs, TASKS[task]["budget"], seed)
    return models.WithGaps(net) if timed else net


def data(task):
    """What a task gives to ``train.fit``. In "ice" it asks for the change to the next value, in its
    standard deviations.
    """
    if task == "digits":
        return tasks.digits()
    if task == "ice":
        return change("train")
    return lane.record(64, steps=100, rng=np.random.default_rng(0), **(IRREGULAR if task == "gaps" else {}))


def change(part):
    """The ice core, with the change to the next value as target: the last value is a forecast of 0."""
    inputs, targets, dt = tasks.ice_core(part)
    now, then, _ = tasks.ice_core("train")
    return inputs, (targets - inputs) / (then - now).std(), dt


def trained(task, kind, seed, rate):
    """A network after training, and its loss in the last epoch."""
    net, given = learner(task, kind, seed), TASKS[task]
    longer = 5 if kind == LONGER else 1
    history = train.fit(
        net,
        data(task),
        epochs=longer * given["epochs"],
        batch_size=given["batch"],
        lr=rate,
        loss="cross_entropy" if task == "digits" else "mse",
        progress=False,
        rng=np.random.default_rng(seed),
    )
    return net, history.loss[-1]


def drives(policy, **options):
    """How many of 20 drives on roads never seen stay, and how far from the middle they are while they do,
    in m.
    """
    rng = np.random.default_rng(1)
    seen = lane.drive(policy, lane.Road.random(DRIVES, 1200.0, rng=rng), steps=STEPS, rng=rng, **options)
    return {"stayed": int(seen.stayed.sum()), "rms": significant(seen.rms.mean(), 4)}


def measured(task, net):
    """What counts in a task, on data that were not learned from."""
    if task == "ice":
        inputs, targets, dt = change("test")
        return {"error": significant(train.evaluate(net, (inputs, targets, dt)) / (targets**2).mean(), 4)}
    if task == "digits":
        inputs, targets = tasks.digits("test")
        with torch.no_grad():
            found = net(torch.as_tensor(inputs, dtype=torch.float32))[0][:, -1].argmax(-1).numpy()
        return {"right": significant((found == targets).mean(), 4)}
    policy = train.RecurrentPolicy(net, act="output")
    if task == "lane":
        return {
            "even": drives(policy),
            "noisy": drives(policy, noise=0.3),
            "irregular": drives(policy, **IRREGULAR),
        }
    return {"irregular": drives(policy, **IRREGULAR), "harder": drives(policy, **HARDER)}


def run(task, kind, seed, rate):
    """One network, trained and measured; a network that leaves the finite numbers says so."""
    try:
        net, loss = trained(task, kind, seed, rate)
        return {"loss": significant(loss, 4), **measured(task, net)}
    except ValueError as error:
        return {"loss": None, "failed": str(error)}


def baselines():
    """What costs no network: nobody at the wheel, one linear map of one frame, the last value, a leaky
    mean, neighbours.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    found = {}
    for task in ("lane", "gaps"):
        inputs, targets, _ = data(task)
        pixels = np.concatenate([inputs.reshape(-1, 16), np.ones((inputs[..., 0].size, 1))], 1)
        weights = np.linalg.lstsq(pixels, targets.ravel(), rcond=None)[0]

        def glance(seen, dt, weights=weights):
            return seen @ weights[:-1] + weights[-1]

        how = {
            "lane": {"even": {}, "noisy": {"noise": 0.3}, "irregular": IRREGULAR},
            "gaps": {"irregular": IRREGULAR, "harder": HARDER},
        }[task]
        found[task] = {
            name: {key: drives(policy, **value) for key, value in how.items()}
            for name, policy in (
                ("straight ahead", lane.straight_ahead),
                ("linear map of one frame", glance),
                ("the expert", lane.expert),
            )
        }
    scores = {tau: leaky("train", tau) for tau in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)}
    tau = min(scores, key=scores.get)
    error = significant(leaky("test", tau), 4)
    found["ice"] = {"the last value": {"error": 1.0}, "leaky mean": {"error": error, "tau": tau}}
    images, digit = tasks.digits()
    others, wanted = tasks.digits("test")
    fits = {
        "logistic regression": LogisticRegression(max_iter=2000),
        "nearest neighbour": KNeighborsClassifier(1),
    }
    found["digits"] = {
        name: {
            "right": significant(
                (
                    fit.fit(images.reshape(len(images), -1), digit).predict(others.reshape(len(others), -1))
                    == wanted
                ).mean(),
                4,
            )
        }
        for name, fit in fits.items()
    }
    return found


def leaky(part, tau):
    """Error of a leaky mean with a time constant of tau centuries as forecast, relative to that of the
    last value.
    """
    inputs, targets, dt = tasks.ice_core(part)
    mean, errors = inputs[:, 0, 0], []
    for t in range(inputs.shape[1]):
        if t:
            mean = mean + (1 - np.exp(-dt[:, t - 1] / tau)) * (inputs[:, t, 0] - mean)
        errors.append(targets[:, t, 0] - mean)
    return float(np.mean(np.square(errors)) / np.mean((targets - inputs) ** 2))


def make(sample=False, progress=False, only=tuple(TASKS)):
    """The table: sizes, learning rates, one result per task, network and seed, and what costs no network."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums of another order are other numbers
    try:
        return _made(sample, progress, only)
    finally:
        torch.set_num_threads(threads)


def _made(sample, progress, only):
    if sample:
        return {"runs": {"ice": {"LTC": {"0": run("ice", "LTC", 0, 0.03)}}}}
    table = {
        "made by": "python -m ltcbook.reproduce training",
        "parameters": {},
        "units": {},
        "rates": {},
        "runs": {},
    }
    total = sum(len(RATES) + SEEDS.get(kind, 5) for task in only for kind in TASKS[task]["kinds"])
    with bar(total, 0, "run", progress, "reproduce") as advance:
        for task in only:
            for part in ("parameters", "units", "rates", "runs"):
                table[part][task] = {}
            for kind in TASKS[task]["kinds"]:
                net = learner(task, kind, 0)
                table["parameters"][task][kind], table["units"][task][kind] = size(net), net.n
                tries = {}
                for rate in RATES:
                    loss = run(task, kind, TRIAL, rate)["loss"]
                    tries[rate] = np.inf if loss is None else loss
                    advance()
                rate = min(tries, key=tries.get)
                table["rates"][task][kind], table["runs"][task][kind] = rate, {}
                for seed in range(SEEDS.get(kind, 5)):
                    table["runs"][task][kind][str(seed)] = run(task, kind, seed, rate)
                    advance()
    return table | {"without a network": baselines()}
