"""Neural ODE: a perceptron as vector field, solvers by name, gradients through them or by the adjoint."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic

import torch
from torch import nn

from ..backends import stepwise
from ..solvers import SOLVERS
from ..typing import Array
from ..validation import Diverged, brief, choice, whole
from .base import ACTIVATIONS, Net, numpy_rng, to_numpy
from .layers import Layer, drawn, linear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np

OWN = ("euler", "rk4")
ADAPTIVE = ("dopri5", "dopri8", "bosh3", "fehlberg2", "adaptive_heun")
GRID = ("midpoint", "heun3")
NO_SECOND = (
    "the adjoint has first derivatives only; for second ones take adjoint=False (net.adjoint = False)."
)


class MLPCell(Generic[Array]):
    """A perceptron as vector field, dx/dt = f(x, u), for every function of ``dynamics``: c = 1, g = 0, h = f.

    layers: list of (weight, bias), the first weight (hidden, n + m) over x, then u; phi between layers. There
    is no leak, so ``time_constant`` is infinite and exponential steps do not exist. calls: modules that
    compute the layers, called as call(z, weight, bias); None: plain formulas.
    """

    c = 1.0
    layers: list[tuple[Array, Array]]
    w: Array
    m: int

    def __init__(
        self,
        layers: list[tuple[Array, Array]],
        activation: str,
        n: int,
        calls: Iterable[Callable] | None = None,
    ) -> None:
        self.layers, self.phi, self.n, self.calls = layers, ACTIVATIONS[activation], n, calls
        self.w = layers[0][0]
        self.m = self.w.shape[-1] - n

    def _hidden(self, x: Any, u: Any) -> list[Any]:
        layers: Any = self.layers
        if self.calls is not None:
            values = [torch.cat([x, u], -1) if self.m else x]
            for k, (call, layer) in enumerate(zip(self.calls, layers, strict=True)):
                values[-1] = self.phi.f(values[-1]) if k else values[-1]
                values.append(call(values[-1], *layer))
            return values[1:]
        (w, b), *others = layers
        z = x @ w[:, : self.n].T + b
        z = z + u @ w[:, self.n :].T if self.m else z
        values = [z]
        for w, b in others:
            values[-1] = self.phi.f(values[-1])
            values.append(values[-1] @ w.T + b)
        return values

    def terms(self, x: Array, u: Array | None = None) -> tuple[Array, Array]:
        """g = 0 and h = f(x, u), each (..., n)."""
        h = self._hidden(x, u)[-1]
        return h * 0, h

    def terms_jacobian(self, x: Array, u: Array | None = None) -> tuple[Array, Array]:
        """Derivatives dg_i/dx_j = 0 and dh_i/dx_j, each (..., n, n)."""
        values, J = self._hidden(x, u), self.w[:, : self.n]
        for value, (w, _) in zip(values, self.layers[1:], strict=False):
            J = w @ (self.phi.slope(value)[..., None] * J)
        J = J + 0 * values[-1][..., None]
        return J * 0, J


class ODENet(Net):
    """Neural ODE dx/dt = f(x, u) with a perceptron f, u constant within each step; y = linear(x).

    inputs: m; units: n, the state; outputs: size of y, or None for y = x. hidden: neurons per hidden layer,
    layers: number of them, activation: as in ``RNNet``.
    solver: "euler" and "rk4" with ``substeps`` equal parts per step; or of the package torchdiffeq: "dopri5",
    "dopri8", "bosh3", "fehlberg2", "adaptive_heun" to rtol and atol (one step size for the whole batch),
    "midpoint", "heun3" with substeps. adjoint=True: gradients by the adjoint equation, through torchdiffeq
    (its rk4 is the 3/8 rule): constant memory, first derivatives only, and only as exact as the state can be
    solved backwards. What torchdiffeq solves does not go through vmap, export or compile.
    generator: torch.Generator or None; weights start as in torch.nn.Linear.

    Raises ValueError for sizes < 1, unknown names, tolerances <= 0; ImportError where torchdiffeq is needed
    and missing.
    Source: Chen et al. (2018), "Neural ordinary differential equations"; chapter "Neural ODE".

    >>> net = models.ODENet(2, 8, 1, solver="rk4", substeps=2)
    >>> tuple(net(torch.zeros(50, 2), dt=0.1)[0].shape)  # (T, outputs)
    (50, 1)
    """

    solver: str

    def __init__(
        self,
        inputs: int,
        units: int,
        outputs: int | None = None,
        *,
        hidden: int = 32,
        layers: int = 1,
        activation: str = "tanh",
        solver: str = "rk4",
        substeps: int = 1,
        adjoint: bool = False,
        rtol: float = 1e-6,
        atol: float = 1e-8,
        generator: torch.Generator | np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.m, self.n = whole("inputs", inputs, 0), whole("units", units, 1)
        self.state_size = self.n
        self.outputs = self.n if outputs is None else whole("outputs", outputs, 1)
        self.activation = choice("activation", activation, tuple(ACTIVATIONS))
        self.solver = choice("solver", solver, OWN + ADAPTIVE + GRID)
        self.substeps = whole("substeps", substeps, 1)
        self.adjoint, self.rtol, self.atol = bool(adjoint), rtol, atol
        if not (isinstance(rtol, float) and isinstance(atol, float) and rtol > 0 and atol > 0):
            raise ValueError(
                f"rtol is {brief(rtol)} and atol {brief(atol)}; both must be numbers > 0, e.g. 1e-6 and 1e-8."
            )
        rng, hidden = numpy_rng(generator), whole("hidden", hidden, 1)
        sizes = [self.n + self.m, *[hidden] * whole("layers", layers, 0), self.n]
        self.field = nn.ModuleList(
            drawn(Layer, a, b, rng) for a, b in zip(sizes[:-1], sizes[1:], strict=True)
        )
        self.linear = None if outputs is None else linear(self.n, self.outputs, rng)

    def meaning(self) -> dict[str, Any]:
        return {"activation": self.activation}

    def solved(self) -> dict[str, Any]:
        return super().solved() | ({"rtol": self.rtol, "atol": self.atol} if self.solver in ADAPTIVE else {})

    def extra_repr(self) -> str:
        return f"{self.m} inputs, {self.n} units, solver={self.solver!r}, adjoint={self.adjoint}"

    def cell(self, numpy: bool = False) -> MLPCell:
        """The vector field of now as a ``MLPCell``; numpy=True: float64 arrays, detached."""
        parts: Any = self.field
        layers = [layer.read() for layer in parts]
        if numpy:
            layers = [(to_numpy(w), to_numpy(b)) for w, b in layers]
        return MLPCell(layers, self.activation, self.n)

    def moved(self, u: torch.Tensor, x0: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        """See ``Net.moved``. Raises ValueError where an adaptive solver gives up, ImportError where
        torchdiffeq is needed and missing.
        """
        cell = self.cell()
        own = self.solver if self.solver in OWN else "rk4"
        # an empty batch gives torchdiffeq no error to measure
        if own == self.solver and not self.adjoint or not x0.numel():
            heard, dt = (u, dt) if self.m else (None, dt.expand(u.shape[:-1]))
            cell.calls = self.field
            return stepwise(cell, heard, x0, dt, solver=SOLVERS[own], substeps=self.substeps)
        layers = [value for layer in cell.layers for value in layer]
        if not self.adjoint:
            return self._solved(u, x0, dt, *layers)
        from ..kernels.autograd import first_only

        return first_only(self._solved, NO_SECOND, u, x0, dt, *layers, around=self._following)

    @contextmanager
    def _following(self, t: int | None = None) -> Iterator[None]:
        """torchdiffeq asserts that its step size stays above 0; here that is one ValueError. t: step,
        None: way back.
        """
        try:
            yield
        except AssertionError as error:
            where = "on the way back, in the adjoint equation" if t is None else f"in step {t}"
            other = "solver='rk4' with substeps" if t is not None else "adjoint=False"
            raise Diverged(
                f"{self.solver} gave up {where} ({str(error).partition(':')[0]}): no step is short enough "
                f"for rtol={self.rtol:g} and atol={self.atol:g}, since the solution grows or turns too fast "
                "there, or left the finite numbers. Take a smaller dt, smaller weights or inputs, larger "
                f"tolerances, or {other}."
            ) from error

    def _solved(
        self, u: torch.Tensor, x0: torch.Tensor, dt: torch.Tensor, *layers: torch.Tensor
    ) -> torch.Tensor:
        """What torchdiffeq makes of the field with these weights and biases, one after the other: states
        (..., T, n).
        """
        solve = _torchdiffeq(self.adjoint)
        options: dict[str, Any] = {}
        cell = MLPCell(
            list(zip(layers[::2], layers[1::2], strict=True)),
            self.activation,
            self.n,
            # the adjoint solves backwards without the modules
            None if self.adjoint else self.field,
        )
        if self.solver not in ADAPTIVE:
            options["options"] = {"step_size": 1 / self.substeps}
        span, x, trajectory = x0.new_tensor([0.0, 1.0]), x0, []
        for t in range(u.shape[-2]):
            u_t, dt_t = u[..., t, :], dt[..., t, None]

            def field(
                s: torch.Tensor, x: torch.Tensor, u_t: torch.Tensor = u_t, dt_t: torch.Tensor = dt_t
            ) -> torch.Tensor:  # s = time / dt runs to 1, so samples may differ in dt
                return dt_t * cell.terms(x, u_t if self.m else None)[1]

            if self.adjoint:
                options["adjoint_params"] = tuple(p for p in (*layers, u_t, dt_t) if p.requires_grad)
            with self._following(t):
                x = solve(field, x, span, rtol=self.rtol, atol=self.atol, method=self.solver, **options)[-1]
            trajectory.append(x)
        return torch.stack(trajectory, -2)

    def readout(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs (..., outputs) of states x (..., n)."""
        return x if self.linear is None else self.linear(x)


def _torchdiffeq(adjoint: bool) -> Callable:
    try:
        import torchdiffeq
    except ImportError as error:
        raise ImportError(
            "this solver, and every adjoint gradient, comes from the package torchdiffeq, which is missing: "
            "run `pip install torchdiffeq`, or choose solver='rk4' or 'euler' without adjoint."
        ) from error
    return torchdiffeq.odeint_adjoint if adjoint else torchdiffeq.odeint
