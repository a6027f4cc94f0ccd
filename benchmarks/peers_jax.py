"""The equation of ncps as one would write it in JAX: a list of synapses, ``jit`` and ``lax.scan``.

Samples stand last, so that a synapse is a row of them. ``segment_sum`` adds up what a neuron hears, the six
unfolds are written out, and the scan keeps only the states before each input: ``jax.checkpoint`` computes the
rest again on the way back. Each choice was the fastest that was tried, in training on W1 and W2. Slower were
samples first (1.6 and 2.4 times), sums by a product with a 0-1 matrix (1.8 and 2.7), a padded list for each
neuron (3 and 4), all n x n places (15 and 9), a loop over the unfolds (1.4 and 1.5), an unrolled scan (1.1);
keeping all gates costs nothing on W1 and 3.8 times the step of W2.

Importing this module starts JAX on the CPU with one thread, and needs it installed.
"""

import os
import time

os.environ.setdefault("NPROC", "1")  # the threads of XLA's pool
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()

import jax
import jax.numpy as jnp
import numpy as np
import torch

from ltcbook import dynamics, models
from ltcbook.kernels.sparse import FIELDS, POSITIVE

from .workloads import UNFOLDS

jax.config.update("jax_platforms", "cpu")

PER_SYNAPSE = ("w", "gamma", "mu", "e_rev")
MAPS = ("input_w", "input_b", "output_w", "output_b")
STEPS = 16  # that an adaptive solver may take for one input


class JaxLTC:
    """An ``ncps.torch.LTC`` in JAX, compiled for inputs u (batch, steps, inputs) of torch, float32.

    move(network, values, x, held, options): from the state at an input to that after it. options: numbers
    that ``move`` reads, changed without compiling again. ``seconds``: tracing and compiling a training step
    took.
    """

    def __init__(self, source, u, move, options=()):
        net = models.LTCNet.from_ncps(source)
        cell = dynamics.EdgeLTC.of(net.cell(numpy=True))
        index = lambda places: np.asarray(places, np.int32)
        self.n, self.move, self.options = cell.n, move, options
        self.motor = net.motor.numpy()
        self.places = {
            "": (index(cell.target), index(cell.source)),
            "_in": (index(cell.target_in), index(cell.source_in)),
        }
        self.shapes = {"": (cell.n, cell.n), "_in": (cell.n, cell.m)}
        self.positive = jax.nn.softplus if net.constraint == "implicit" else jnp.abs
        values = {name: getattr(net, net.parameter_of(name)).detach().numpy() for name in FIELDS}
        values |= {name: getattr(net, name).detach().numpy() for name in MAPS}
        for suffix, places in self.places.items():
            values |= {name + suffix: values[name + suffix][places] for name in PER_SYNAPSE}
        self.values = {name: jnp.asarray(value, jnp.float32) for name, value in values.items()}
        self.u = jnp.asarray(u.numpy().transpose(1, 2, 0))  # (steps, inputs, batch)
        began = time.perf_counter()
        self.step = self.compiled(jax.grad(lambda *given: jnp.mean(self.outputs(*given) ** 2)))
        self.seconds = time.perf_counter() - began
        self.forward = self.compiled(self.outputs)

    def compiled(self, function):
        """A function of (values, u, options) as machine code."""
        return jax.jit(function).lower(self.values, self.u, self.options).compile()

    def train(self):
        """One training step without the optimiser; derivatives by all values."""
        return jax.block_until_ready(self.step(self.values, self.u, self.options))

    def infer(self):
        """Outputs (steps, outputs, batch)."""
        return jax.block_until_ready(self.forward(self.values, self.u, self.options))

    def answers(self):
        """Outputs (batch, steps, outputs) and derivatives, as ``measure.answers`` gives them."""
        outputs = torch.as_tensor(np.array(self.infer()).transpose(2, 0, 1)).double()
        return outputs, {name: self.dense(name, np.array(grad)) for name, grad in self.train().items()}

    def dense(self, name, values):
        """What stands per synapse, in a matrix [target, source]; all else as it is."""
        suffix = "_in" if name.endswith("_in") else ""
        if name.removesuffix(suffix) in PER_SYNAPSE:
            matrix = np.zeros(self.shapes[suffix])
            matrix[self.places[suffix]] = values
            values = matrix
        return torch.as_tensor(values).double()

    # --- the network --------------------------------------------------------------------------------------

    def outputs(self, values, u, options):
        """Outputs (steps, outputs, batch) for inputs (steps, inputs, batch)."""
        values = values | {name: self.positive(values[name]) for name in POSITIVE}
        column = lambda name: values[name][:, None]

        @jax.checkpoint
        def step(x, u_t):
            g, h = self.synapses(values, column("input_w") * u_t + column("input_b"), "_in")
            held = g + column("g_leak"), h + column("g_leak") * column("e_leak")
            x = self.move(self, values, x, held, options)
            return x, column("output_w") * x[self.motor] + column("output_b")

        return jax.lax.scan(step, jnp.zeros((self.n, u.shape[-1]), u.dtype), u)[1]

    def synapses(self, values, x, suffix=""):
        """Conductance and drive, each (n, batch), that synapses bring from x (sources, batch)."""
        target, source = self.places[suffix]
        w, gamma, mu, e_rev = (values[name + suffix][:, None] for name in PER_SYNAPSE)
        g = w * jax.nn.sigmoid(gamma * (x[source] - mu))
        add = lambda each: jax.ops.segment_sum(each, target, self.n, indices_are_sorted=True)
        return add(g), add(g * e_rev)

    def terms(self, values, x, held):
        """All conductance and drive while an input is held."""
        return (here + there for here, there in zip(self.synapses(values, x), held, strict=True))


def fused(network, values, x, held, options):
    """Six semi-implicit steps, as ncps takes them."""
    c = UNFOLDS * values["c"][:, None]
    for _ in range(UNFOLDS):
        g, h = network.terms(values, x, held)
        x = (c * x + h) / (c + g)
    return x


def adaptive(network, values, x, held, options):
    """The equation itself by diffrax's Tsit5, started anew at every input with one step for it all; options:
    rtol and atol. Where ``STEPS`` are not enough the state is wrong, which a comparison finds.
    """
    import diffrax

    def field(t, x, given):
        values, held = given
        g, h = network.terms(values, x, held)
        return (h - g * x) / values["c"][:, None]

    rtol, atol = options
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        diffrax.Tsit5(),
        0.0,
        1.0,
        1.0,
        x,
        (values, held),
        stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol),
        max_steps=STEPS,
        throw=False,
    )
    return solution.ys[0]
