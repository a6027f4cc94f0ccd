"""What training must know of single synapses: their effective weights, gradients where there is none yet,
what to record.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .. import analysis, dynamics
from ..models.constraints import Weight
from ..models.ltc import LTCNet
from ..validation import array
from .data import checked_data, lies, objective

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from .data import Data, Loss


def weighing(model: torch.nn.Module) -> list[LTCNet | Weight]:
    """The parts of a model that hold effective weights: LTC networks their conductances, ``Weight`` its
    matrix.
    """
    return [part for part in model.modules() if isinstance(part, (LTCNet, Weight))]


def half_squares(parts: list[LTCNet | Weight]) -> Any:
    """Half the sum of squares of all effective weights, a scalar tensor: its slope by each weight is that
    weight.
    """
    total: Any = 0.0
    for part in parts:
        if isinstance(part, LTCNet):
            cell = part.cell()
            weights = [cell.w] if cell.w_in is None else [cell.w, cell.w_in]
        else:
            weights = [part()]
        for w in weights:
            total = total + w.square().sum() / 2
    return total


def weight_gradients(model: LTCNet, data: Data, *, loss: Loss = "mse") -> tuple[np.ndarray, np.ndarray]:
    """dL/dw and dL/dw_in of the effective conductances, NumPy (n, n) and (n, m), in loss per µS, also where
    no synapse is.

    There it is the slope at which the loss would begin to change if a synapse grew with the gate and the
    reversal potential that the model keeps for that place. data, loss: as in ``fit``. Raises ValueError as
    ``fit`` does for data, and for a model without conductances. Source: Evci et al. (2020), which grows by
    them.
    """
    return gradients_by_weight(
        model, [part.to(lies(model)[0]) for part in checked_data("data", data, model, loss)], loss
    )


def gradients_by_weight(model: LTCNet, data: list[torch.Tensor], loss: Loss) -> tuple[np.ndarray, np.ndarray]:
    """``weight_gradients`` on checked data."""
    cell = model.cell()
    if not isinstance(cell, dynamics.LTC):
        raise ValueError(
            f"{type(model).__name__} moves a {type(cell).__name__}; only an LTC has conductances."
        )
    present = [name for name in ("w", "w_in") if getattr(cell, name) is not None]
    leaves = {name: getattr(cell, name).detach().requires_grad_() for name in present}
    with model.moving(replace(cell, **leaves)), torch.enable_grad():
        slopes = torch.autograd.grad(objective(model, loss, *data), list(leaves.values()))
    gradients = [slope.cpu().double().numpy() for slope in slopes]
    return gradients[0], gradients[1] if len(gradients) > 1 else np.zeros((model.n, 0))


@torch.no_grad()
def mean_time_constant(
    model: LTCNet,
    inputs: torch.Tensor,
    targets: torch.Tensor | None = None,
    dt: float | torch.Tensor = 1.0,
    mask: torch.Tensor | None = None,
) -> np.ndarray:
    """Mean liquid time constant of every neuron of an LTC network over the real steps of a batch, NumPy (n,),
    in ms.

    inputs (B, T, m); targets are not looked at; dt, mask: as ``objective`` takes them.
    """
    _, x = model(inputs, dt=dt, mask=mask)
    tau = dynamics.time_constant(
        x[..., : model.n], model.map_input(inputs) if model.m else None, model.cell()
    )
    return (tau.flatten(0, -2) if mask is None else tau[mask]).mean(0).cpu().double().numpy()


def recorders(u: ArrayLike) -> dict[str, Callable[[LTCNet], Any]]:
    """Callbacks for ``fit`` that record what the explorers show of an LTC network under a constant input u
    (m,).

    {"time_constant": (n,) ms, "spectrum": (n,) eigenvalues of the Jacobian in 1/ms, "slowest": -max Re of
    them, the rate at which the last error dies, "density": share of the n (n + m) places with a synapse}. The
    first three hold at the equilibrium that the network reaches from x = 0. Raises ValueError for a u that is
    no (m,) finite numbers, and, when called, for another model or where no equilibrium is reached.
    """
    u = array("u", u).copy()
    if u.ndim != 1 or not np.isfinite(u).all():
        raise ValueError(f"u has shape {u.shape}; give one constant input, (m,) finite numbers.")

    def at_rest(model: LTCNet) -> tuple[np.ndarray, np.ndarray | None, dynamics.LTC[np.ndarray]]:
        cell = model.numpy_cell()
        if not isinstance(cell, dynamics.LTC) or u.shape != (model.m,):
            raise ValueError(
                f"these recorders are for an LTC network with {u.size} inputs; this is a "
                f"{type(model).__name__} with {model.m}."
            )
        mapped = model.map_input(torch.from_numpy(u).to(*lies(model))).detach().cpu().double().numpy()
        heard = mapped if model.m else None
        return analysis.relax(np.zeros(model.n), heard, cell), heard, cell

    return {
        "time_constant": lambda model: dynamics.time_constant(*at_rest(model)),
        "spectrum": lambda model: analysis.eigenvalues(*at_rest(model)),
        "slowest": lambda model: float(-analysis.eigenvalues(*at_rest(model)).real.max()),
        "density": lambda model: model.wiring.synapses / (model.n * (model.n + model.m)),
    }
