"""The optimiser of a run and its scheduler: how they are made, how a checkpoint knows them, what they keep
of one synapse.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from inspect import Parameter, signature, unwrap
from typing import TYPE_CHECKING, Any

import torch
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .run import History

LR = 1e-2  # of a class, where nobody says
# what optimisers keep for every entry of a parameter, by their names for it, and what a synapse begins with
# Rprop, and the average of ASGD
MEMORY = {
    # where it was going; then: how far
    **dict.fromkeys(("exp_avg", "momentum_buffer", "grad_avg", "prev"), "nothing"),
    **dict.fromkeys(
        ("exp_avg_sq", "max_exp_avg_sq", "square_avg", "acc_delta", "sum", "exp_inf", "variance"), "size"
    ),
    "step_size": "lr",
    "ax": "value",
}
# of a scheduler: not what it is but how far it has come
MOVING = {
    "last_epoch",
    "_step_count",
    "_last_lr",
    "_get_lr_called_within_step",
    "_is_initial",
    "best",
    "num_bad_epochs",
    "cooldown_counter",
    "T_cur",
    "T_i",
}


# those that move every entry by itself: all parameters, and those of many networks, can stand in one tensor
ENTRYWISE = tuple(
    getattr(torch.optim, name)
    for name in (
        *("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta"),
        *("SGD", "ASGD", "RMSprop", "Rprop"),
    )
)
ELSEWHERE = ("foreach", "fused", "capturable", "differentiable")  # options that compute in another way


def made(
    model: torch.nn.Module, optimizer: Any, lr: float | None, weight_decay: float | None
) -> torch.optim.Optimizer:
    """An optimiser over the model's parameters; see ``fit``. ValueError for what makes none."""
    if isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer):
        options: dict[str, Any] = {"lr": LR if lr is None else lr} | (
            {} if weight_decay is None else {"weight_decay": weight_decay}
        )
        try:
            return optimizer(model.parameters(), **options)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"optimizer {optimizer.__name__} cannot be made with {options}: {error}."
            ) from error
    if lr is not None or weight_decay is not None:
        raise ValueError(
            "lr and weight_decay go to a class of torch.optim; say them where you make the optimizer."
        )
    found = optimizer(list(model.parameters())) if callable(optimizer) else optimizer
    if not isinstance(found, torch.optim.Optimizer):
        raise ValueError(
            f"optimizer gave {type(found).__name__}; pass a class of torch.optim, a function parameters -> "
            "Optimizer, or an Optimizer over the model's parameters."
        )
    check(found, model)
    return found


def check(optimizer: object, model: torch.nn.Module) -> None:
    """ValueError for anything but an optimiser of ``torch.optim`` over parameters of the model."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise ValueError(
            f"optimizer is {type(optimizer).__name__}; pass an optimizer of torch.optim over "
            "model.parameters()."
        )
    strangers = {id(p) for p in parameters(optimizer)} - {id(p) for p in model.parameters()}
    if strangers:
        raise ValueError(
            f"the optimizer moves {len(strangers)} tensors that are not parameters of this model: make it "
            "over model.parameters()."
        )


def scheduled(
    optimizer: torch.optim.Optimizer, scheduler: Callable[[torch.optim.Optimizer], LRScheduler] | None
) -> LRScheduler | None:
    """The scheduler that a function makes for an optimiser, or None; ValueError for anything else."""
    if scheduler is None:
        return None
    if not callable(scheduler):
        raise ValueError(
            f"scheduler is {type(scheduler).__name__}; pass a function optimizer -> scheduler of "
            "torch.optim.lr_scheduler."
        )
    found = scheduler(optimizer)
    if not isinstance(found, (LRScheduler, ReduceLROnPlateau)) or found.optimizer is not optimizer:
        raise ValueError(
            f"scheduler made {type(found).__name__}; it must return a scheduler of torch.optim.lr_scheduler "
            "for the optimizer that it is given."
        )
    return found


def parameters(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    """All tensors that an optimiser moves, in its order."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def wants_closure(optimizer: torch.optim.Optimizer) -> bool:
    """Whether the optimiser computes the loss itself, perhaps several times a step, as LBFGS does."""
    closure = signature(type(optimizer).step).parameters.get("closure")
    return closure is not None and closure.default is Parameter.empty


def entrywise(optimizer: torch.optim.Optimizer, moved: list[torch.nn.Parameter]) -> tuple | None:
    """What an optimiser is, its options and how far it has come, where it moves every entry of these
    parameters, and of no others, by itself and in one way; else None.
    """
    if type(optimizer) not in ENTRYWISE or len(optimizer.param_groups) != 1:
        return None
    (group,) = optimizer.param_groups
    options = {name: value for name, value in group.items() if name != "params"}
    kept = [optimizer.state.get(parameter) or {} for parameter in moved]
    if (
        list(map(id, group["params"])) != list(map(id, moved))
        or any(options.get(name) for name in ELSEWHERE)
        or any(torch.is_tensor(value) for value in options.values())
        or any(one.keys() != kept[0].keys() for one in kept)
        or optimizer._optimizer_step_pre_hooks
        or optimizer._optimizer_step_post_hooks
        or _global_optimizer_pre_hooks
        or _global_optimizer_post_hooks
    ):
        return None
    so_far = [
        (name, float(value)) for name, value in kept[0].items() if torch.is_tensor(value) and not value.ndim
    ]
    return type(optimizer), *options.items(), *so_far


unwrapped = cache(unwrap)


@torch.no_grad()
def step(optimizer: torch.optim.Optimizer) -> None:
    """``optimizer.step()`` without torch's profiler and compiler around it: beside the step of a small
    network they take long. Only for one of ``ENTRYWISE``, where nobody has hooks.
    """
    unwrapped(type(optimizer).step)(optimizer)


def agree(optimizer: torch.optim.Optimizer, other: torch.optim.Optimizer) -> None:
    """Give an optimiser of one group the options of another one, such as the lr of now."""
    options = {name: value for name, value in other.param_groups[0].items() if name != "params"}
    optimizer.param_groups[0].update(options)


def joined(
    optimizers: Sequence[torch.optim.Optimizer],
    parameter: torch.nn.Parameter,
    rows: Callable[[torch.Tensor, int], Iterable[torch.Tensor]],
) -> torch.optim.Optimizer:
    """One optimiser over a parameter (S, P) in the place of S equal ones, with all that they remember.

    rows: (tensor (S, P), k) -> the views that belong to the parameters of number k.
    """
    first: Any = optimizers[0]
    flat = type(first)([parameter])
    agree(flat, first)
    flat.state.clear()
    moved = parameters(first)
    for name, value in first.state.get(moved[0], {}).items():
        if torch.is_tensor(value) and value.shape == moved[0].shape:
            whole = torch.zeros_like(parameter)
            for k, one in enumerate(optimizers):
                for view, mine in zip(rows(whole, k), parameters(one), strict=True):
                    view.copy_(one.state[mine][name])
            value = whole
        flat.state[parameter][name] = value.clone() if torch.is_tensor(value) else value
    return flat


def follow(optimizer: torch.optim.Optimizer) -> None:
    """Bring an optimiser's memory to where its parameters are."""
    if optimizer.state:
        optimizer.load_state_dict(optimizer.state_dict())


def described(optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> dict[str, str]:
    """What an optimiser is, {name: string}, however far it has come: its class, its options, whom it
    moves.
    """
    names = {id(p): name for name, p in model.named_parameters()}
    about = {"optimizer": type(optimizer).__name__}
    for k, group in enumerate(optimizer.param_groups):
        for name in optimizer.defaults:
            about[f"optimizer.{k}.{name}"] = repr(group.get(f"initial_{name}", group.get(name)))
        about[f"optimizer.{k}.params"] = ", ".join(names[id(p)] for p in group["params"])
    return about


def described_scheduler(scheduler: LRScheduler) -> dict[str, str]:
    """What a scheduler is, {name: string}."""
    state = {
        f"scheduler.{name}": repr(_settled(value))
        for name, value in scheduler.state_dict().items()
        if name not in MOVING and not callable(value)
    }
    return {"scheduler": type(scheduler).__name__} | state


def _settled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _settled(item) for name, item in value.items() if name not in MOVING}
    return [_settled(item) for item in value] if isinstance(value, list) else value


def scheduler_state(scheduler: LRScheduler | None) -> dict[str, Any] | None:
    """How far a scheduler has come, as a checkpoint keeps it: without what its maker gives it again."""
    if scheduler is None:
        return None
    return {
        name: value
        for name, value in scheduler.state_dict().items()
        if not callable(value) and not isinstance(value, Counter)
    }


def advance(scheduler: LRScheduler | None, history: History) -> None:
    """One epoch on; a ``ReduceLROnPlateau`` sees the validation loss, or without one the loss."""
    if isinstance(scheduler, ReduceLROnPlateau):
        scheduler.step((history.validation or history.loss)[-1])
    elif scheduler is not None:
        scheduler.step()


def remembered(optimizer: torch.optim.Optimizer, parameter: torch.Tensor) -> dict[str, torch.Tensor]:
    """What an optimiser keeps for every entry of a parameter, {its name: tensor}; ValueError for a name
    unknown here.
    """
    found = {
        name: value
        for name, value in (optimizer.state.get(parameter) or {}).items()
        if torch.is_tensor(value) and value.ndim and value.shape == parameter.shape
    }
    unknown = [name for name in found if name not in MEMORY]
    if unknown:
        raise ValueError(
            f"{type(optimizer).__name__} keeps {', '.join(unknown)} for every synapse; what a new synapse "
            f"begins with is known for {', '.join(MEMORY)}. Nothing was changed."
        )
    return found


@torch.no_grad()
def reset_moments(
    optimizer: torch.optim.Optimizer,
    model: torch.nn.Module,
    changed: dict[str, tuple[torch.Tensor, torch.Tensor]],
) -> None:
    """Make an optimiser of ``torch.optim`` forget the synapses that an event cut or grew.

    changed: what ``LTCNet.rewire`` returned, {parameter name: (cut, grown)}, index tensors (2, k). What says
    where a weight was going (first moments, momenta, Rprop's last gradient) becomes 0 for both. What says how
    far it usually goes (second moments, Adagrad's sum, Adamax's maximum, ...) becomes for cut ones what it
    began with, 0 or what Adagrad was given, and for grown ones the median of all that are above that. Rprop's
    step sizes become its lr, the averages of ASGD the weights of now. Other entries keep their bits, and so
    does what rows and columns share (Adafactor); LBFGS, which remembers all parameters in one, forgets
    everything.

    In Adam a stale m alone would move a cut weight on by 9.05 learning rates. A v of 0 beside a large step
    count would make a grown one jump: 3.16 learning rates at once and 6.57 at its 12th step. Raises
    ValueError, and touches nothing, for an optimiser that keeps something else for every synapse.
    """
    if changed and isinstance(optimizer, torch.optim.LBFGS):
        optimizer.state.clear()
        return
    known = {name: remembered(optimizer, model.get_parameter(name)) for name in changed}
    for name, (cut, grown) in changed.items():
        parameter, touched = model.get_parameter(name), (tuple(cut), tuple(grown))
        for key, values in known[name].items():
            if MEMORY[key] == "value":
                for at in touched:
                    values[at] = parameter[at]
                continue
            begin = _start(optimizer, parameter, key)
            for at in touched:
                values[at] = begin
            moving = values[values > begin] if MEMORY[key] == "size" else values[:0]
            if len(moving):
                values[tuple(grown)] = moving.median()


def _start(optimizer: torch.optim.Optimizer, parameter: torch.Tensor, key: str) -> float:
    """What an optimiser begins with under this name, for every entry of a parameter."""
    if key not in ("sum", "step_size"):
        return 0.0
    group = next(group for group in optimizer.param_groups if any(p is parameter for p in group["params"]))
    return float(group["initial_accumulator_value"] if key == "sum" else group.get("initial_lr", group["lr"]))
