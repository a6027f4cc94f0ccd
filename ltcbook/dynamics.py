"""Cells and their continuous-time dynamics: c dx/dt = h(x, u) - g(x, u) x, with conductance g and drive h.

A cell states ``terms(x, u) -> (g, h)`` and its derivatives. Everything else follows from that pair, once each: the vector
field, the liquid time constant c / g, the effective equilibrium h / g, the steps, the Jacobian. The same lines run on
NumPy arrays, torch tensors and NumPy object arrays of SymPy symbols. Leading axes broadcast: x is (..., n), u is (..., m).

>>> net = wiring.auto_ncp(8, 2, sensory=3, rng=rng)
>>> cell = dynamics.LTC.random(net, rng=rng)
>>> x, u = np.zeros(8), np.ones(3)
>>> tau = dynamics.time_constant(x, u, cell)
>>> bool((tau <= cell.c / cell.g_leak).all())  # synapses only speed up
True
>>> dynamics.jacobian(x, u, cell).shape
(8, 8)
"""

from dataclasses import dataclass, field, fields

import numpy as np

from . import ops


def symbol(latex, meaning, unit="-", default=...):
    """A dataclass field that carries its mathematical symbol, unit and meaning (the notation table reads them)."""
    metadata = {"symbol": latex, "unit": unit, "meaning": meaning}
    return field(metadata=metadata) if default is ... else field(default=default, metadata=metadata)


@dataclass(frozen=True, eq=False)
class LTC:
    """Synaptic LTC neuron of neural circuit policies, synapse ij from neuron j to neuron i::

        c_i dx_i/dt = g_leak_i (e_leak_i - x_i) + sum_j w_ij s_ij(x_j) (E_ij - x_i)
        s_ij(x) = sigmoid(gamma_ij (x - mu_ij))

    and the same sum over the sensory inputs u_k with the fields ``_in``. Shapes: c, g_leak, e_leak (..., n); w, gamma, mu,
    e_rev (..., n, n); the sensory fields (..., n, m), or all four None when there are no inputs (then u may be None).
    Raises ValueError for wrong shapes, values that are not finite, c <= 0, g_leak <= 0 or w < 0 (values of torch tensors and
    symbols pass unseen, here and in every function below: they may be traced).
    Source: Lechner et al. (2020), Eqs. (2)-(5); chapter "Liquid time constants".
    """

    c: object = symbol("c", "membrane capacitance", "nF")
    g_leak: object = symbol("g^L", "leak conductance", "µS")
    e_leak: object = symbol("E^L", "leak reversal potential", "mV")
    w: object = symbol("w", "maximal conductance of a synapse", "µS")
    gamma: object = symbol(r"\gamma", "slope of the synaptic gate", "1/mV")
    mu: object = symbol(r"\mu", "half-activation of the synaptic gate", "mV")
    e_rev: object = symbol("E", "reversal potential; its sign is the polarity", "mV")
    w_in: object = symbol(r"w^{\mathrm{in}}", "maximal conductance of a sensory synapse", "µS", None)
    gamma_in: object = symbol(r"\gamma^{\mathrm{in}}", "slope of a sensory gate", "-", None)
    mu_in: object = symbol(r"\mu^{\mathrm{in}}", "half-activation of a sensory gate", "-", None)
    e_rev_in: object = symbol(r"E^{\mathrm{in}}", "reversal potential of a sensory synapse", "mV", None)

    def __post_init__(self):
        _check_cell(self, vectors=("c", "g_leak", "e_leak"), matrices=("w", "gamma", "mu", "e_rev"),
                    sensory=("w_in", "gamma_in", "mu_in", "e_rev_in"), positive=("c", "g_leak"),
                    nonnegative=("w", "w_in"))

    @property
    def n(self):
        """Number of neurons."""
        return self.w.shape[-1]

    @property
    def m(self):
        """Number of sensory inputs."""
        return 0 if self.w_in is None else self.w_in.shape[-1]

    @classmethod
    def random(cls, wiring, *, rng):
        """A cell on this wiring with parameters drawn from the ranges with which ncps starts its LTC.

        c U(0.4, 0.6), g_leak U(0.001, 1), e_leak U(-0.2, 0.2), w U(0.001, 1) where a synapse exists and 0 elsewhere, gamma
        U(3, 8), mu U(0.3, 0.8), e_rev the polarity (where no synapse exists a random sign: what a new one would have).
        Raises ValueError where rng is no generator. Source: the initial ranges of ncps.

        >>> net = wiring.auto_ncp(8, 2, sensory=3, rng=rng)
        >>> cell = dynamics.LTC.random(net, rng=rng)
        >>> cell.w.shape, cell.w_in.shape
        ((8, 8), (8, 3))
        """
        if not isinstance(rng, np.random.Generator):
            raise ValueError(f"rng is {type(rng).__name__}; pass a generator, e.g. rng=np.random.default_rng(0).")
        n, m = wiring.n, wiring.m
        signs = lambda p: np.where(p != 0, p, rng.choice([-1, 1], p.shape)).astype(float)  # noqa: E731
        gates = lambda shape: (rng.uniform(3, 8, shape), rng.uniform(0.3, 0.8, shape))  # noqa: E731
        c, g_leak, e_leak = rng.uniform(0.4, 0.6, n), rng.uniform(0.001, 1, n), rng.uniform(-0.2, 0.2, n)
        w, (gamma, mu) = rng.uniform(0.001, 1, (n, n)) * wiring.adjacency, gates((n, n))
        w_in, (gamma_in, mu_in) = rng.uniform(0.001, 1, (n, m)) * wiring.adjacency_in, gates((n, m))
        return cls(c, g_leak, e_leak, w, gamma, mu, signs(wiring.polarity),
                   w_in, gamma_in, mu_in, signs(wiring.polarity_in))

    def gates(self, x):
        """Open share s_ij(x_j) of every synapse, (..., n, n), in (0, 1)."""
        return ops.sigmoid(self.gamma * (x[..., None, :] - self.mu))

    def gates_in(self, u):
        """Open share of every sensory synapse, (..., n, m)."""
        return ops.sigmoid(self.gamma_in * (u[..., None, :] - self.mu_in))

    def terms(self, x, u=None):
        """Total conductance g (µS) and drive h (nA), each (..., n)."""
        open_ = self.w * self.gates(x)
        g, h = self.g_leak + open_.sum(-1), self.g_leak * self.e_leak + (open_ * self.e_rev).sum(-1)
        if self.m:
            open_ = self.w_in * self.gates_in(u)
            g, h = g + open_.sum(-1), h + (open_ * self.e_rev_in).sum(-1)
        return g, h

    def terms_jacobian(self, x, u=None):
        """Derivatives dg_i/dx_j and dh_i/dx_j, each (..., n, n)."""
        s = self.gates(x)
        dg = self.w * self.gamma * s * (1 - s)
        return dg, dg * self.e_rev


@dataclass(frozen=True, eq=False)
class LTC2021:
    """LTC network as first published: dx/dt = -(1/tau + f) x + f A with f = sigmoid(w x + w_in u + b), all (..., n).

    >>> one = dynamics.LTC2021(tau=[2.0], A=[1.0], w=[[0.0]], b=[0.0])
    >>> dynamics.time_constant(np.zeros(1), None, one)  # tau / (1 + tau / 2)
    array([1.])

    tau, A, b (..., n); w (..., n, n); w_in (..., n, m) or None. Raises ValueError for wrong shapes, values that are not
    finite or tau <= 0. Source: Hasani et al. (2021), Eq. (1).
    """

    tau: object = symbol(r"\tau", "time constant without input", "ms")
    A: object = symbol("A", "state towards which the gate pulls", "mV")
    w: object = symbol("w", "recurrent weight inside the gate", "1/mV")
    b: object = symbol("b", "bias inside the gate")
    w_in: object = symbol(r"w^{\mathrm{in}}", "input weight inside the gate", "-", None)

    def __post_init__(self):
        _check_cell(self, vectors=("tau", "A", "b"), matrices=("w",), sensory=("w_in",), positive=("tau",))

    n, m = LTC.n, LTC.m

    @property
    def c(self):
        """Capacitance: 1 here, since the equation is written per unit of it."""
        return self.tau * 0 + 1

    def gate(self, x, u=None):
        """f(x, u) >= 0, in 1/ms, (..., n)."""
        return ops.sigmoid(_affine(self, x, u))

    def terms(self, x, u=None):
        """g = 1/tau + f, in 1/ms, and h = f A, in mV/ms, each (..., n)."""
        f = self.gate(x, u)
        return 1 / self.tau + f, f * self.A

    def terms_jacobian(self, x, u=None):
        """Derivatives dg_i/dx_j and dh_i/dx_j, each (..., n, n)."""
        f = self.gate(x, u)
        dg = (f * (1 - f))[..., None] * self.w
        return dg, dg * self.A[..., None]


@dataclass(frozen=True, eq=False)
class CTRNN:
    """Continuous-time RNN: tau dx/dt = -x + tanh(w x + w_in u + b).

    tau, b (..., n); w (..., n, n); w_in (..., n, m) or None. Raises ValueError for wrong shapes, values that are not finite
    or tau <= 0. Source: Funahashi & Nakamura (1993); chapter "Liquid time constants".
    """

    tau: object = symbol(r"\tau", "time constant", "ms")
    w: object = symbol("w", "recurrent weight")
    b: object = symbol("b", "bias")
    w_in: object = symbol(r"w^{\mathrm{in}}", "input weight", "-", None)

    def __post_init__(self):
        _check_cell(self, vectors=("tau", "b"), matrices=("w",), sensory=("w_in",), positive=("tau",))

    n, m = LTC.n, LTC.m

    @property
    def c(self):
        """Capacitance: here the time constant itself, since the leak conductance is 1."""
        return self.tau

    def terms(self, x, u=None):
        """g = 1 and h = tanh(w x + w_in u + b), in the unit of x, each (..., n)."""
        h = ops.tanh(_affine(self, x, u))
        return h * 0 + 1, h

    def terms_jacobian(self, x, u=None):
        """Derivatives dg_i/dx_j = 0 and dh_i/dx_j, each (..., n, n)."""
        h = ops.tanh(_affine(self, x, u))
        dh = (1 - h * h)[..., None] * self.w
        return dh * 0, dh


def vector_field(t, x, u, cell):
    """dx/dt, (..., n), in mV/ms; the time t is not used (the input u carries it), so ODE solvers can call this.

    Raises ValueError for x or u of a wrong shape or with NaN, as every function below does.
    """
    g, h = _terms(x, u, cell)
    return (h - g * x) / cell.c


def time_constant(x, u, cell):
    """Liquid time constant tau = c / g(x, u), (..., n), in ms; for an LTC never longer than c / g_leak.

    Raises ValueError for x or u of a wrong shape or with NaN.
    Source: Hasani et al. (2021), Theorem 1; chapter "Liquid time constants".
    """
    g, _ = _terms(x, u, cell)
    return cell.c / g


def effective_equilibrium(x, u, cell):
    """State h / g towards which each neuron relaxes while the gates stay as they are, (..., n), in mV.

    Raises ValueError for x or u of a wrong shape or with NaN.
    """
    g, h = _terms(x, u, cell)
    return h / g


def fused_step(x, u, cell, dt):
    """State, (..., n) in mV, after one semi-implicit Euler step: gates at the old state, the linear rest at the new one.

    (c x + dt h) / (c + dt g): a convex combination of x and h / g for every dt > 0, so bounds are kept. Order 1.
    dt: ms, broadcast against (..., n). Raises ValueError for dt <= 0, a wrong shape or NaN.
    Source: Lechner et al. (2020), Eq. (3).

    >>> one = dynamics.CTRNN(tau=[2.0], w=[[0.0]], b=[0.0])  # dx/dt = -x / 2
    >>> dynamics.fused_step(np.ones(1), None, one, 2.0)  # 1 / (1 + dt / tau)
    array([0.5])
    """
    check_dt(dt)
    g, h = _terms(x, u, cell)
    return (cell.c * x + dt * h) / (cell.c + dt * g)


def exponential_step(x, u, cell, dt):
    """State, (..., n) in mV, after one exponential Euler step, exact for frozen gates: between x and h / g. Order 1.

    h / g + (x - h / g) exp(-g dt / c). dt: ms, broadcast against (..., n). Raises ValueError for dt <= 0, a wrong
    shape or NaN. Source: Hochbruck & Ostermann (2010), "Exponential integrators"; chapter "Liquid time constants".
    """
    return extrapolated_step(x, u, cell, dt)


def extrapolated_step(x, u, cell, dt, before=None):
    """State, (..., n) in mV, after one exponential step whose gates are read halfway ahead, at (3 x - before) / 2. Order 2.

    before: the state dt ago, under the same u, or None: then the gates are read at x, and the step is
    ``exponential_step``. One evaluation of the gates either way; the step stays between x and h / g, so bounds are
    kept. dt: ms, broadcast against (..., n). Raises ValueError for dt <= 0, a wrong shape or NaN.
    Source: Hochbruck & Ostermann (2010), "Exponential integrators", for the exponential step.

    >>> one = dynamics.LTC2021(tau=[1.0], A=[1.0], w=[[-2.0]], b=[0.0])
    >>> x, before = np.array([0.2]), np.array([0.1])
    >>> ahead = one.terms(np.array([0.25]), None)  # g and h, half a step ahead
    >>> step = dynamics.extrapolated_step(x, None, one, 0.1, before)
    >>> bool(ahead[1] / ahead[0] > step > x)
    True
    """
    check_dt(dt)
    if before is not None:
        check_state(cell, x, u)
        check_state(cell, before, u)
    g, h = _terms(x if before is None else (3 * x - before) / 2, u, cell)
    return h / g + (x - h / g) * ops.exp(-g / cell.c * dt)


def jacobian(x, u, cell):
    """J_ij = d(dx_i/dt)/dx_j, (..., n, n), in 1/ms, in closed form: (dh - x dg - diag(g)) / c.

    For an LTC: J_ij = w_ij gamma_ij s_ij (1 - s_ij) (E_ij - x_i) / c_i off the diagonal, so J_ij = 0 exactly where w_ij = 0.
    Raises ValueError for x or u of a wrong shape or with NaN.
    """
    g, _ = _terms(x, u, cell)
    dg, dh = cell.terms_jacobian(x, u)
    c = cell.c + 0 * g
    return (dh - x[..., None] * dg - ops.diagonal_matrix(g)) / c[..., None]


def _terms(x, u, cell):
    check_state(cell, x, u)
    return cell.terms(x, u)


def check_dt(dt):
    """Raise one ValueError unless every time step is a finite number of ms > 0 (torch and SymPy values pass unseen)."""
    if ops.is_torch(dt) or ops.is_symbolic(dt) or hasattr(dt, "free_symbols"):
        return
    values = np.asarray(dt)
    if values.dtype.kind not in "fiu" or not (np.isfinite(values) & (values > 0)).all():
        came = repr(dt) if values.ndim == 0 else f"an array with smallest value {np.min(values)}"
        raise ValueError(f"dt is {came}; every time step must be a finite number of milliseconds > 0.")


def check_state(cell, x, u):
    """Raise one ValueError unless x is (..., n) and u is (..., m), or None without inputs; values must be finite."""
    for name, value, size in (("x", x, cell.n), ("u", u, cell.m)):
        if value is None and size == 0:
            continue
        shape = getattr(value, "shape", None)
        if shape is None or len(shape) == 0 or shape[-1] != size:
            came = "nothing" if value is None else f"shape {shape}" if shape is not None else repr(value)
            raise ValueError(f"{name}: got {came}; this cell needs an array (..., {size}).")
        _check_finite(name, value)


def _affine(cell, x, u):
    z = (cell.w @ x[..., None])[..., 0] + cell.b
    return z + (cell.w_in @ u[..., None])[..., 0] if cell.m else z


def _check_finite(name, value):
    """NumPy values are looked at; torch may be tracing and SymPy has none, so theirs pass."""
    if isinstance(value, np.ndarray) and value.dtype != object and not np.isfinite(value).all():
        raise ValueError(f"{name} holds {np.count_nonzero(~np.isfinite(value))} values that are NaN or infinite.")


def _check_cell(cell, *, vectors, matrices, sensory, positive=(), nonnegative=()):
    """Turn sequences into arrays and hold shapes and signs at the boundary; every error names field, value and remedy."""
    torch_fields = [f.name for f in fields(cell) if ops.is_torch(getattr(cell, f.name))]
    if torch_fields and any(getattr(cell, f.name) is not None and f.name not in torch_fields for f in fields(cell)):
        raise ValueError(f"only {torch_fields} are torch tensors; give every field of a cell in one backend.")
    given = [name for name in sensory if getattr(cell, name) is not None]
    if given and len(given) != len(sensory):
        raise ValueError(f"sensory fields belong together: got {given}, missing {sorted(set(sensory) - set(given))}.")
    symbolic = any(np.asarray(getattr(cell, f.name)).dtype == object for f in fields(cell)
                   if getattr(cell, f.name) is not None and not ops.is_torch(getattr(cell, f.name)))
    for f in fields(cell):
        value = getattr(cell, f.name)
        if value is not None and not ops.is_torch(value):
            value = np.asarray(value)
            if value.dtype.kind in "iub":
                value = value.astype(object if symbolic else float)  # beside symbols whole numbers stay exact
            object.__setattr__(cell, f.name, value)
        if value is not None and not ops.is_torch(value) and value.dtype.kind not in "fO":
            raise ValueError(f"{f.name} has type {value.dtype}; it must hold real numbers.")
    if len(cell.w.shape) < 2 or cell.w.shape[-1] != cell.w.shape[-2] or cell.w.shape[-1] == 0:
        raise ValueError(f"w has shape {tuple(cell.w.shape)}; it must be (..., n, n), [target, source], n >= 1.")
    n = cell.w.shape[-1]
    m = getattr(cell, sensory[0]).shape[-1] if given and len(getattr(cell, sensory[0]).shape) else 0
    for names, tail in ((vectors, (n,)), (matrices, (n, n)), (given, (n, m))):
        for name in names:
            shape = tuple(getattr(cell, name).shape)
            if shape[-len(tail):] != tail:
                raise ValueError(f"{name} has shape {shape}; with {n} neurons and {m} inputs it must be (..., "
                                 f"{', '.join(map(str, tail))}).")
            _check_finite(name, getattr(cell, name))
    for names, bad, rule in ((positive, lambda v: v <= 0, "> 0"), (nonnegative, lambda v: v < 0, ">= 0")):
        for name in names:
            value = getattr(cell, name)
            if isinstance(value, np.ndarray) and value.dtype != object and bad(value).any():
                raise ValueError(f"{name} must be {rule} everywhere; its smallest value is {value.min():.4g}.")
