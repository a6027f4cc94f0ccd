"""What comes next: a network that runs on its own outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from ..validation import brief, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def forecast(
    net: torch.nn.Module,
    u: torch.Tensor | PackedSequence,
    steps: int,
    x0: torch.Tensor | None = None,
    dt: float | torch.Tensor = 1.0,
    *,
    feed: Callable[[torch.Tensor, int], torch.Tensor] | None = None,
    lengths: torch.Tensor | Sequence[int] | None = None,
    mask: torch.Tensor | None = None,
    missing: Literal["refuse", "hold"] = "refuse",
    generator: torch.Generator | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The answers to the last input and to ``steps`` - 1 inputs of the network's own: y (..., steps, outputs)
    and their states x (..., steps, state_size).

    The network hears u (..., T, m), as in training (teacher forcing), then what ``feed`` makes of its last
    output: a function (y (..., outputs), k) -> input (..., m), k = 0, 1, ...; None: the output itself, so a
    network that was trained one step ahead (``tasks.one_ahead``) forecasts: y[..., k, :] stands for input T +
    k. With outputs and inputs of different size, or inputs that come from elsewhere, ``feed`` says what is
    heard. Gradients pass through the whole loop, so a loss on y trains the network in closed loop.

    net: a model, or a module with its signature. dt: ms, a number, (T + steps - 1,) or (..., T + steps - 1).
    x0, lengths, mask, missing: of u, as in ``Net.forward``; u may be a ``PackedSequence``. generator: of a
    ``CTRNNet``'s noise. Raises ValueError as the network does, for steps < 1, another dt, and where outputs
    do not fit inputs.

    >>> net = models.RNNet(1, 8, 1, generator=torch.Generator().manual_seed(0))
    >>> past, future = torch.randn(4, 20, 1), torch.randn(4, 5, 1)
    >>> y, x = models.forecast(net, past, 5)
    >>> tuple(y.shape), tuple(x.shape)
    ((4, 5, 1), (4, 5, 8))
    >>> (y - future).square().mean().backward()  # in closed loop
    """
    steps = whole("steps", steps, 1)
    if isinstance(u, PackedSequence):
        if lengths is not None or mask is not None:
            raise ValueError("a PackedSequence says its own lengths: leave out lengths and mask.")
        u, lengths = pad_packed_sequence(u, batch_first=True)
    if not isinstance(u, torch.Tensor) or u.ndim < 2:
        raise ValueError(f"u is {brief(u)}; it must be a tensor (..., T, inputs) with T >= 1 steps.")
    warm = u.shape[-2]
    try:
        dt = torch.as_tensor(dt, dtype=u.dtype, device=u.device)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(
            f"dt is {brief(dt)}; give a number of milliseconds >= 0, or a tensor (..., T + steps - 1)."
        ) from None
    if dt.ndim and dt.shape[-1] != warm + steps - 1:
        raise ValueError(
            f"dt has shape {tuple(dt.shape)}; give a number, ({warm + steps - 1},) or (..., "
            f"{warm + steps - 1}): {warm} steps of u and {steps - 1} of the network's own."
        )
    at = lambda start, end: dt[..., start:end] if dt.ndim else dt
    noise = {} if generator is None else {"generator": generator}
    ragged = {"lengths": lengths, "mask": mask, "missing": None if missing == "refuse" else missing}
    y, x = net(
        u, x0, at(0, warm), **noise, **{name: value for name, value in ragged.items() if value is not None}
    )
    y, x = y[..., -1:, :], x[..., -1:, :]
    if feed is None and y.shape[-1] != u.shape[-1]:
        raise ValueError(
            f"the network has {y.shape[-1]} outputs and {u.shape[-1]} inputs, so it cannot hear its own "
            "outputs: give feed, a function (y, k) -> input."
        )
    answers, states = [y], [x]
    for k in range(steps - 1):
        heard = y if feed is None else feed(y[..., 0, :], k)[..., None, :]
        y, x = net(heard, x[..., 0, :], at(warm + k, warm + k + 1), **noise)
        answers.append(y)
        states.append(x)
    return torch.cat(answers, -2), torch.cat(states, -2)
