"""A whole trajectory at once: guess it, freeze the gates along the guess, solve what is left exactly, repeat.

With frozen gates a step of a cell is affine, x_{r+1} = a_r x_r + b_r, and composing affine maps is
associative. So all states follow from one scan of logarithmic depth instead of a loop over time. The next
guess is right at least one step further, so the repetition ends with the sequential solution; for most
networks after some ten sweeps, however long the sequence.

>>> from ltcbook.kernels.parallel import products, scan
>>> a, b = torch.tensor([[0.5], [2.0], [1.0]]), torch.ones(3, 1)
>>> scan(products(a), b)[:, 0]  # y = 1, 2 * 1 + 1, 3 + 1
tensor([1., 3., 4.])
"""

from __future__ import annotations

import warnings
from typing import Any

from ..validation import extra

extra("torch", "torch", "kernels.parallel")

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..solvers import Solver
    from ..typing import Cell

SWEEPS = 100  # after so many without an end the sequence is solved step by step
ELEMENTS = 2**21  # gates that one window of time may hold at once: many more would leave a CPU's cache
ELEMENTS_GPU = 2**27  # there memory is the limit, and every window costs launches
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-13}


def products(a: torch.Tensor) -> list[torch.Tensor]:
    """Of a (..., R, n) itself, the products of its neighbours, of neighbouring pairs, ..., down to one."""
    levels = [a]
    while a.shape[-2] > 1:
        a = a[..., 1::2, :] * a[..., : a.shape[-2] // 2 * 2 : 2, :]
        levels.append(a)
    return levels


def scan(levels: list[torch.Tensor], y: torch.Tensor) -> torch.Tensor:
    """Turn b into y with y_r = a_r y_{r-1} + b_r and y_{-1} = 0, in place, (..., R, n).

    levels: the ``products`` of a. A step takes up what d steps before it is carried, d = 1, 2, 4, ...: first
    where that makes whole pieces, then at the places between. So 2 log2(R) operations on tensors.
    Source: Blelloch (1990), "Prefix sums and their applications".
    """

    def carry(k: int, odd: int) -> None:
        d = 2**k
        to = y[..., (2 + odd) * d - 1 :: 2 * d, :]
        of = y[..., (1 + odd) * d - 1 :: 2 * d, :][..., : to.shape[-2], :]
        to.addcmul_(levels[k][..., 1 + odd :: 2, :], of)

    for k in range(len(levels) - 1):
        carry(k, 0)
    for k in reversed(range(len(levels) - 1)):
        if levels[k].shape[-2] > 2:  # of two pieces none lies between
            carry(k, 1)
    return y


def trajectory(
    cell: Cell[torch.Tensor],
    u: torch.Tensor | None,
    x0: torch.Tensor,
    dt: torch.Tensor,
    *,
    solver: Solver,
    substeps: int,
    sequential: Callable[..., torch.Tensor],
) -> torch.Tensor:
    """States (..., T, n) in mV of ``simulate``, solved for all times together, with gradients.

    cell: torch, with ``terms``; u: (..., T, m) or None; x0: (..., n); dt: (..., T) in ms; solver: a
    ``solvers.Solver`` with an ``affine`` form. sequential(u, x0, dt): what solves a window of time that did
    not converge; then a RuntimeWarning says so. Gradients with respect to everything but dt come from the
    adjoint, solved by the same sweeps backwards in time, to the same tolerance.
    """
    if not x0.numel():  # no samples, nothing to guess
        return sequential(u, x0, dt)
    steps, n = dt.shape[-1], x0.shape[-1]
    room = ELEMENTS if x0.device.type == "cpu" else ELEMENTS_GPU
    width = max(1, room // (substeps * max(n, cell.w.numel()) * max(1, x0[..., 0].numel())))
    pieces, failed = [], 0
    for start in range(0, steps, width):
        part = slice(start, start + width)
        u_part = None if u is None else u[..., part, :]
        piece = _window(cell, u_part, x0, dt[..., part], solver, substeps)
        if piece is None:
            failed += 1
            piece = sequential(u_part, x0, dt[..., part])
        pieces.append(piece)
        x0 = piece[..., -1, :]
    if failed:
        warnings.warn(
            f"{failed} of {-(-steps // width)} windows of time did not converge within {SWEEPS} sweeps and "
            "were solved step by step: right, but not fast. Strong loops do that; take backend='auto'.",
            RuntimeWarning,
            stacklevel=4,
        )
    return torch.cat(pieces, -2)


def _window(
    cell: Cell[torch.Tensor],
    u: torch.Tensor | None,
    x0: torch.Tensor,
    dt: torch.Tensor,
    solver: Solver,
    parts: int,
) -> torch.Tensor | None:
    """The states after each of the T steps of one window, or None where the sweeps do not settle."""
    u = None if u is None else u[..., None, :]
    if hasattr(cell, "holding"):
        cell, u = cell.holding(u), None
    rate = (dt / parts)[..., None, None] / cell.c
    shape = (*x0.shape[:-1], dt.shape[-1], parts, x0.shape[-1])

    def stepped(
        before: torch.Tensor, at: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Every state from the one before it, gates read at ``at``: factors, states (..., R, n), g and h."""
        before, at = before.reshape(shape), at.reshape(shape)
        if solver.ahead:  # halfway ahead, but for the first part of an input
            at = torch.cat([at[..., :1, :], (3 * at[..., 1:, :] - at[..., :-1, :]) / 2], -2)
        terms = cell.terms(at, u)
        a, new = solver.affine(before, *terms, rate)
        return a.expand(shape).flatten(-3, -2), new.expand(shape).flatten(-3, -2), terms

    def earlier(y: torch.Tensor) -> torch.Tensor:
        return torch.cat([x0[..., None, :], y[..., :-1, :]], -2)

    def errors(y: torch.Tensor) -> torch.Tensor:
        """What the guess y (..., R, n) lacks, gates along it: the errors of its steps, carried on."""
        before = earlier(y)
        a, new, _ = stepped(before, before)
        return scan(products(a), new - y)

    with torch.no_grad():
        y = _settle(errors, x0[..., None, :].expand(*x0.shape[:-1], shape[-3] * parts, x0.shape[-1]))
    if y is None:
        return None
    leaves = [x0, u, *vars(cell).values()]
    if torch.is_grad_enabled() and any(torch.is_tensor(v) and v.requires_grad for v in leaves):
        guess = y.detach().requires_grad_()
        a, last, terms = stepped(earlier(y.detach()), earlier(guess))
        y = _Adjoint.apply(last, guess, terms, a.detach())
    return y.reshape(shape)[..., -1, :]


def _settle(errors: Callable[[torch.Tensor], torch.Tensor], y: torch.Tensor) -> torch.Tensor | None:
    """y plus its errors, until they vanish beside it, or None where ``SWEEPS`` repetitions do not do."""
    for _ in range(SWEEPS):
        change = errors(y)
        y = y + change
        beyond = torch.sub(_size(change), _size(y), alpha=TOLERANCE.get(y.dtype, 1e-6)).item()  # a GPU waits
        if beyond <= 0:
            return y
        if not beyond < float("inf"):
            return None
    return None


def _size(y: torch.Tensor) -> torch.Tensor:
    """The largest number in y without its sign, as a tensor."""
    return y.abs().max()


class _Adjoint(torch.autograd.Function):
    """The identity forwards; backwards the adjoint of all times, m_r = gradient_r + a_{r+1} m_{r+1} + what
    gates hand back.

    last: the states, each from the one before, which carry the parameters; guess: where their gates were
    read; terms: g and h there. A state depends on its own g and h alone, so that derivative is taken once.
    """

    @staticmethod
    def forward(
        ctx: Any,
        last: torch.Tensor,
        guess: torch.Tensor,
        terms: tuple[torch.Tensor, torch.Tensor],
        a: torch.Tensor,
    ) -> torch.Tensor:
        carried = torch.cat([torch.zeros_like(a[..., :1, :]), a.flip(-2)[..., :-1, :]], -2)
        ctx.graph = last, guess, terms, carried
        return last.clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("the time-parallel path has no second derivatives; take backend='reference'.")
        last, guess, terms, carried = ctx.graph
        by_terms = torch.autograd.grad(last, terms, torch.ones_like(last), retain_graph=True)
        levels = products(carried)

        def errors(adjoint: torch.Tensor) -> torch.Tensor:
            pulls = [by * adjoint.view_as(by) for by in by_terms]
            (handed_back,) = torch.autograd.grad(terms, guess, pulls, retain_graph=True)
            return scan(levels, (gradient + handed_back).flip(-2)).flip(-2) - adjoint

        adjoint = _settle(errors, gradient)
        if adjoint is None:
            raise RuntimeError(
                f"the adjoint did not settle within {SWEEPS} sweeps; train this network with backend='auto'."
            )
        return adjoint, None, None, None
