"""Networks of ncps read into ours: the same numbers, transposed to [target, source]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..validation import brief, number
from ..wiring import Wiring, from_ncps
from .base import to_numpy

if TYPE_CHECKING:
    from .cfc import CfCNet
    from .ltc import LTCNet
    from .memory import LSTMMemory

EPSILON = 1e-8  # of ncps, against a division by 0: below the rounding of float32, so it is left out
LTC_NAMES = {
    "c": "cm",
    "g_leak": "gleak",
    "e_leak": "vleak",
    "w": "w",
    "gamma": "sigma",
    "mu": "mu",
    "e_rev": "erev",
    "w_in": "sensory_w",
    "gamma_in": "sensory_sigma",
    "mu_in": "sensory_mu",
    "e_rev_in": "sensory_erev",
}


@torch.no_grad()
def ltc_from_ncps(cls: type[LTCNet], module: Any) -> LTCNet:
    """The ``LTCNet`` with the parameters of an ncps LTC; see ``LTCNet.from_ncps``, also for its
    ValueError.
    """
    cell = getattr(module, "rnn_cell", module)
    values = getattr(cell, "_params", None)  # what ncps's forward really reads
    if not isinstance(values, dict) or not set(LTC_NAMES.values()) <= set(values):
        raise ValueError(f"cannot read a {type(module).__name__}; pass an ncps.torch.LTC or LTCCell.")
    _check_options(cell)
    net = cls(
        _wiring(cell, values),
        solver="fused",
        substeps=cell._ode_unfolds,
        constraint="implicit" if cell._implicit_param_constraints else "explicit",
        input_map=_map(cell._input_mapping),
        output_map=_map(cell._output_mapping),
        memory="lstm" if getattr(module, "use_mixed", False) else None,
        generator=np.random.default_rng(0),
    )
    net.to(values["w"].device, values["w"].dtype)
    for field, name in LTC_NAMES.items():
        value = values[name].T if values[name].ndim == 2 else values[name]
        if not cell._implicit_param_constraints and field in ("c", "g_leak", "w", "w_in"):
            here = value * getattr(net, "polarity" + field[1:]).abs() if field in ("w", "w_in") else value
            if (here < 0).any():
                raise ValueError(
                    f"{name} has values below 0, the smallest is {here.min().item():.4g}: a conductance "
                    "cannot be negative; call apply_weight_constraints() of the ncps cell first."
                )
        getattr(net, net.parameter_of(field)).copy_(value)
    if cell._epsilon not in (0, EPSILON):
        _leak_epsilon(net, cell._epsilon)
    for name in ("input_w", "input_b", "output_w", "output_b"):
        if getattr(net, name) is not None:
            getattr(net, name).copy_(values[name])
    if net.memory is not None:
        _memory(net.memory, module.lstm, torch.arange(net.n, device="cpu"))
    return net


def _check_options(cell: Any) -> None:
    """Refuse what ncps's equation can be given, and ours cannot."""
    kinds = {"Softplus": True, "Identity": False}  # its names of ours: implicit, explicit
    kind = type(cell.make_positive_fn).__name__
    if (
        kinds.get(kind) is not bool(cell._implicit_param_constraints)
        or getattr(cell.make_positive_fn, "beta", 1) != 1
    ):
        raise ValueError(
            f"this ncps cell keeps values positive by {brief(cell.make_positive_fn)}; only its own two ways, "
            "Softplus() where implicit_param_constraints and Identity() elsewhere, can be read."
        )
    number("epsilon of this ncps cell", cell._epsilon, 0)


def _leak_epsilon(net: LTCNet, epsilon: float) -> None:
    """Add epsilon (µS) to every leak, towards 0 mV: g_leak e_leak stays, so (c x + dt h) / (c + dt (g +
    epsilon)) is the step.
    """
    raw, e_leak = net.raw_g_leak.double(), net.e_leak.double()
    g_leak = net.positive(raw)
    total = g_leak + epsilon
    net.e_leak.copy_(g_leak * e_leak / total)
    net.raw_g_leak.copy_(total + torch.log(-torch.expm1(-total)) if net.constraint == "implicit" else total)


def _wiring(cell: Any, values: dict[str, torch.Tensor]) -> Wiring:
    """The wiring of the masks that ncps multiplies with; signs from its wiring, else from erev."""
    wiring, signs = from_ncps(cell._wiring), []
    for sparsity, reversal, polarity in (
        ("sparsity_mask", "erev", wiring.polarity),
        ("sensory_sparsity_mask", "sensory_erev", wiring.polarity_in),
    ):
        mask, erev = to_numpy(values[sparsity]).T, to_numpy(values[reversal]).T
        if not np.isin(mask, (0, 1)).all():
            raise ValueError(
                f"a mask of this ncps cell holds {np.unique(mask)[:4].tolist()} ...; "
                "a synapse exists (1) or not (0)."
            )
        signs.append((mask * np.where(polarity != 0, polarity, np.where(erev < 0, -1, 1))).astype(int))
    return Wiring(signs[0], signs[1], wiring.role)


def _map(name: Any) -> Any:
    return name if name in ("affine", "linear") else None


def _memory(memory: LSTMMemory, lstm: Any, place: torch.Tensor) -> None:
    """place[i]: where ncps keeps neuron i in its state (its wired CfC goes layer by layer)."""
    n = len(place)
    rows = torch.cat([gate * n + place for gate in range(4)])
    memory.w_in.copy_(lstm.input_map.weight[rows])
    memory.b.copy_(lstm.input_map.bias[rows])
    memory.w.copy_(lstm.recurrent_map.weight[rows][:, place])


@torch.no_grad()
def cfc_from_ncps(cls: type[CfCNet], module: Any) -> CfCNet:
    """The ``CfCNet`` with the parameters of an ncps CfC; see ``CfCNet.from_ncps``, also for its
    ValueError.
    """
    cell = getattr(module, "rnn_cell", module)
    wired = hasattr(cell, "_wiring") and hasattr(cell, "_layers")
    if not wired and not all(hasattr(cell, name) for name in ("ff1", "mode", "backbone_layers")):
        raise ValueError(
            f"cannot read a {type(module).__name__}; pass an ncps.torch.CfC, CfCCell or WiredCfCCell."
        )
    if any(isinstance(part, torch.nn.Dropout) and part.p > 0 and part.training for part in cell.modules()):
        raise ValueError(
            "this ncps module drops backbone units at random, ltcbook's CfC never: call its eval() first."
        )
    head = getattr(module, "fc", None)
    head = head if isinstance(head, torch.nn.Linear) else None
    options: dict[str, Any] = {
        "outputs": None if head is None else head.out_features,
        "generator": np.random.default_rng(0),
        "memory": "lstm" if getattr(module, "use_mixed", False) else None,
    }
    if wired:
        wiring = from_ncps(cell._wiring)
        if cell.num_layers == 1:  # ncps gives out its whole last layer, whatever the wiring calls motor
            wiring = Wiring(wiring.polarity, wiring.polarity_in, ("hidden",) * wiring.n)
        net = cls(wiring, mode=cell._layers[0].mode, mask_time=False, **options)
        sources = np.arange(wiring.m)
        net.to(cell._layers[0].ff1.weight)
        for layer, neurons in zip(cell._layers, net.order.cpu().split(net.parts), strict=True):
            columns = np.concatenate([sources, wiring.m + neurons.numpy()])
            if layer.sparsity_mask is not None:
                ours = net.mask.cpu().numpy()[np.ix_(neurons, columns)]
                if not np.array_equal(ours, to_numpy(layer.sparsity_mask) != 0):
                    raise ValueError(
                        "the masks of this ncps module are not those of its wiring: they were changed "
                        "after it was built."
                    )
            _copy_heads(net, layer, neurons, columns)
            sources = wiring.m + neurons.numpy()
    else:
        if cell.sparsity_mask is not None:
            raise ValueError(
                "a single CfCCell with a sparsity mask has no wiring to read; wire it through WiredCfCCell."
            )
        parts = list(cell.backbone) if cell.backbone is not None else []
        layers = [part for part in parts if isinstance(part, torch.nn.Linear)]
        names = {"LeCun": "lecun_tanh", "SiLU": "silu", "ReLU": "relu", "Tanh": "tanh", "GELU": "gelu"}
        net = cls(
            cell.hidden_size,
            cell.input_size,
            mode=cell.mode,
            backbone_layers=len(layers),
            backbone_units=layers[0].out_features if layers else 1,
            activation=names[type(parts[1]).__name__] if layers else "lecun_tanh",
            **options,
        )
        net.to(cell.ff1.weight)
        for ours, theirs in zip(net.backbone, layers, strict=True):
            ours.load_state_dict(theirs.state_dict())
        _copy_heads(net, cell, np.arange(net.n), np.arange(net.f1.weight.shape[1]))
    if head is not None:
        net.linear.load_state_dict(head.state_dict())
    if net.memory is not None:
        _memory(net.memory, module.lstm, net.inverse.cpu())
    return net


def _copy_heads(net: Any, layer: Any, rows: Any, columns: Any) -> None:
    rows, columns = (torch.as_tensor(np.asarray(at), device=net.device) for at in (rows, columns))
    for ours, theirs in (("f1", "ff1"), ("f2", "ff2"), ("a", "time_a"), ("b", "time_b")):
        if getattr(net, ours) is not None:
            getattr(net, ours).weight[rows[:, None], columns] = getattr(layer, theirs).weight
            getattr(net, ours).bias[rows] = getattr(layer, theirs).bias
    if net.A is not None:
        net.A[rows], net.w_tau[rows] = layer.A[0], layer.w_tau[0]
