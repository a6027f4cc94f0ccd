"""Steps in which nothing happens: padding, pauses of 0 ms, packed sequences, and channels that were not
measured.

>>> from ltcbook.models import steps
>>> u = torch.tensor([[1.0], [torch.nan], [3.0], [torch.nan]])
>>> steps.last_seen(u)[:, 0]
tensor([1., 1., 3., 3.])
>>> real = torch.tensor([True, False, True, False])
>>> move = lambda u, x0, dt: x0 + u.cumsum(-2)  # a model that counts
>>> _, x = steps.skipping(move, torch.neg, torch.ones(4, 1), torch.zeros(1),
...                       torch.ones(4), real)
>>> x[:, 0]
tensor([1., 1., 2., 2.])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from ..ops import tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def real_steps(
    u: torch.Tensor, lengths: torch.Tensor | Sequence[int] | None = None, mask: torch.Tensor | None = None
) -> torch.Tensor | None:
    """Which steps of u (..., T, m) are no padding: (..., T) truth values, or None where all are real.

    lengths: whole numbers in 0 .. T, one per sequence; mask: truth values (T,) or (..., T), True for a real
    step. Raises ValueError for other shapes, types or values, and where the mask names a step beyond its
    sequence's length.
    """
    if lengths is None and mask is None:
        return None
    batch, steps = u.shape[:-2], u.shape[-2]
    within: Any = None
    real: Any = None
    if lengths is not None:
        lengths = _tensor("lengths", lengths, u.device, f"whole numbers {tuple(batch)}, one per sequence")
        if lengths.dtype not in WHOLE or not fits(lengths.shape, batch):
            raise ValueError(
                f"lengths has shape {tuple(lengths.shape)} and type {lengths.dtype}; beside u of shape "
                f"{tuple(u.shape)} it must hold whole numbers {tuple(batch)}, one per sequence."
            )
        if not tracing(u, lengths) and lengths.numel() and not 0 <= lengths.min() <= lengths.max() <= steps:
            raise ValueError(
                f"lengths runs from {lengths.min().item()} to {lengths.max().item()}; u has {steps} steps, "
                f"so every length must lie in 0 .. {steps}."
            )
        real = within = torch.arange(steps, device=u.device) < lengths[..., None]
    if mask is not None:
        mask = _tensor("mask", mask, u.device, f"truth values ({steps},) or {(*batch, steps)}")
        if (
            mask.dtype != torch.bool
            or not mask.ndim
            or mask.shape[-1] != steps
            or not fits(mask.shape[:-1], batch)
        ):
            raise ValueError(
                f"mask has shape {tuple(mask.shape)} and type {mask.dtype}; it must hold truth values "
                f"({steps},) or {(*batch, steps)}, True for a real step, e.g. mask.bool()."
            )
        real = mask
    if within is not None and mask is not None:
        if not tracing(u, within, mask) and bool((mask & ~within).any()):
            raise ValueError(
                f"mask calls {int((mask & ~within).sum())} steps real that lie beyond lengths: give one of "
                "the two, or let them agree."
            )
        real = mask & within
    if not tracing(u, real) and bool(real.all()):
        return None
    return real.expand(*batch, steps)


def _tensor(name: str, values: Any, device: torch.device, wanted: str) -> torch.Tensor:
    try:
        return torch.as_tensor(values, device=device)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{name} is {type(values).__name__}; give {wanted}.") from None


def fits(shape: Sequence[int], batch: Sequence[int]) -> bool:
    """Whether axes of this shape broadcast to the batch axes without changing them."""
    return len(shape) <= len(batch) and all(
        a == 1 or a == b for a, b in zip(reversed(shape), reversed(batch), strict=False)
    )


def last_seen(u: torch.Tensor, real: torch.Tensor | None = None) -> torch.Tensor:
    """u (..., T, m) with the last value that was seen in place of every NaN, and 0 before the first;
    gradients follow.

    real: truth values (..., T) or None; in other steps nothing is seen.
    """
    u = u if real is None else u.masked_fill(~real[..., None], torch.nan)
    places = torch.arange(u.shape[-2], device=u.device)[:, None]
    last = torch.where(u.isnan(), -1, places).cummax(-2).values
    return torch.where(last < 0, 0, u.gather(-2, last.clamp(min=0)))


def skipping(
    move: Callable[..., torch.Tensor],
    read: Callable[[torch.Tensor], torch.Tensor],
    u: torch.Tensor,
    x0: torch.Tensor,
    dt: torch.Tensor,
    real: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(y, x) of the states x (..., T, k) = ``move(u, x0, dt)`` over the real steps alone and of y =
    ``read(x)``.

    In every other step both are those of the last real step, in every bit (of x0, before the first). u (...,
    T, m), dt (T,) or (..., T), 0 where real (..., T) is False. The real steps are moved to the front and what
    ``move`` makes of the others is never read; it gets as many steps as the longest sequence has real ones
    (at least one).
    """
    count, order = real.cumsum(-1), (~real).to(torch.int8).argsort(stable=True, dim=-1)
    if not tracing(u, real) and real.numel():
        order = order[..., : max(int(count.max()), 1)]
    u = u.gather(-2, order[..., None].expand(*order.shape, u.shape[-1]))
    x = move(u, x0, dt.expand(real.shape).gather(-1, order))
    x = torch.cat([x0[..., None, :], x], -2)
    y, x = (t.gather(-2, count[..., None].expand(*count.shape, t.shape[-1])) for t in (read(x), x))
    return y, x


def run(
    step: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor],
    u: torch.Tensor,
    x0: torch.Tensor,
    dt: torch.Tensor,
) -> torch.Tensor:
    """States (..., T, k), one after another by ``step(u_t, x, dt_t) -> x``; where dt is 0 the state is held.

    u (..., T, m), x0 (..., k), dt (T,) or (..., T) in ms.
    """
    still = None if not tracing(dt) and bool((dt > 0).all()) else dt == 0
    x, trajectory = x0, []
    for t in range(u.shape[-2]):
        new = step(u[..., t, :], x, dt[..., t])
        x = new if still is None else torch.where(still[..., t, None], x, new)
        trajectory.append(x)
    return torch.stack(trajectory, -2)


def packed_like(y: torch.Tensor, packed: PackedSequence, lengths: torch.Tensor) -> PackedSequence:
    """y (B, T, k), in the order of the batch, as a ``PackedSequence`` that is ordered as ``packed`` is."""
    if packed.sorted_indices is not None:
        y, lengths = y.index_select(0, packed.sorted_indices), lengths[packed.sorted_indices.cpu()]
    return PackedSequence(pack_padded_sequence(y, lengths, batch_first=True).data, *packed[1:])
