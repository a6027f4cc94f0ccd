"""A whole trajectory at once: guess it, freeze the gates along the guess, solve what is left exactly, repeat.

With frozen gates a step of a cell is affine, x_{r+1} = a_r x_r + b_r, and composing affine maps is associative. So all states
follow from one scan of logarithmic depth instead of a loop over time. The next guess is right at least one step further, so
the repetition ends with the sequential solution; for most networks after some ten sweeps, however long the sequence.

>>> from ltcbook.kernels.parallel import scan
>>> a, b = torch.tensor([[0.5], [2.0], [1.0]]), torch.ones(3, 1)
>>> scan(a, b)[:, 0]  # y = 1, 2 * 1 + 1, 3 + 1
tensor([1., 3., 4.])
"""

import warnings

import torch

SWEEPS = 100  # after so many without an end the sequence is solved step by step
ELEMENTS = 2**25  # gates that one window of time may hold at once
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-13}


def fused(x, g, h, c, dt):
    """``dynamics.fused_step`` with frozen gates, (..., n): its factor a in x -> a x + b, and the new state.

    Written as old state plus change: where a parameter's derivative is a sum over all times, it must not be the small
    difference of two large sums.
    """
    return c / (c + dt * g), x + dt * (h - g * x) / (c + dt * g)


def exponential(x, g, h, c, dt):
    """``dynamics.exponential_step`` with frozen gates, in the same two parts."""
    z = -g / c * dt
    return torch.exp(z), x - (h / g - x) * torch.expm1(z)


STEPS = {"fused": fused, "exponential": exponential, "extrapolated": exponential}


def scan(a, b):
    """y with y_r = a_r y_{r-1} + b_r and y_{-1} = 0, all shapes (..., R, n); about 2 log2(R) operations on tensors.

    Neighbours are composed in pairs; the scan of the pairs is y at every second place; the places between follow.
    Source: Blelloch (1990), "Prefix sums and their applications".
    """
    pairs = a.shape[-2] // 2
    if pairs == 0:
        return b
    first, second = slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2)
    upper = scan(a[..., second, :] * a[..., first, :], a[..., second, :] * b[..., first, :] + b[..., second, :])
    reached = torch.cat([torch.zeros_like(b[..., :1, :]), upper], -2)[..., : b.shape[-2] - pairs, :]
    lower = torch.addcmul(b[..., ::2, :], a[..., ::2, :], reached)
    both = torch.stack([lower[..., :pairs, :], upper], -2).flatten(-3, -2)
    return torch.cat([both, lower[..., pairs:, :]], -2)


def trajectory(cell, u, x0, dt, *, method, substeps, sequential):
    """States (..., T, n) in mV of ``simulate``, solved for all times together, with gradients.

    cell: torch, with ``terms``; u: (..., T, m) or None; x0: (..., n); dt: (..., T) in ms. sequential(u, x0, dt): what
    solves a window of time that did not converge; then a RuntimeWarning says so. Gradients with respect to everything
    but dt come from the adjoint, solved by the same sweeps backwards in time, to the same tolerance.
    """
    steps, n = dt.shape[-1], x0.shape[-1]
    width = max(1, ELEMENTS // (substeps * n * n * max(1, x0[..., 0].numel())))
    pieces, failed = [], 0
    for start in range(0, steps, width):
        part = slice(start, start + width)
        u_part = None if u is None else u[..., part, :]
        piece = _window(cell, u_part, x0, dt[..., part], STEPS[method], substeps, method == "extrapolated")
        if piece is None:
            failed += 1
            piece = sequential(u_part, x0, dt[..., part])
        pieces.append(piece)
        x0 = piece[..., -1, :]
    if failed:
        warnings.warn(f"{failed} of {-(-steps // width)} windows of time did not converge within {SWEEPS} sweeps and were "
                      "solved step by step: right, but not fast. Strong loops do that; take backend='auto'.",
                      RuntimeWarning, stacklevel=4)
    return torch.cat(pieces, -2)


def _window(cell, u, x0, dt, step, parts, extrapolated):
    """The states after each of the T steps of one window, or None where the sweeps do not settle."""
    u = None if u is None else u[..., None, :]
    dt = (dt / parts)[..., None, None]
    shape = (*x0.shape[:-1], dt.shape[-3], parts, x0.shape[-1])

    def stepped(before, at):
        """Every state from the one before it, gates read at ``at``, (..., R, n): factors and new states."""
        if extrapolated:  # halfway ahead, but for the first part of an input
            at = at.reshape(shape)
            at = torch.cat([at[..., :1, :], (3 * at[..., 1:, :] - at[..., :-1, :]) / 2], -2)
        terms = cell.terms(at.reshape(shape), u)
        a, new = step(before.reshape(shape), *terms, cell.c, dt)
        return a.expand(shape).flatten(-3, -2), new.expand(shape).flatten(-3, -2)

    def earlier(y):
        return torch.cat([x0[..., None, :], y[..., :-1, :]], -2)

    def sweep(y):
        """All states anew: gates along the guess y (..., R, n), the rest exactly."""
        before = earlier(y)
        a, new = stepped(before, before)
        return y + scan(a, new - y)  # y + the errors of its steps, carried on

    with torch.no_grad():
        y = _settle(sweep, x0[..., None, :].expand(*x0.shape[:-1], shape[-3] * parts, x0.shape[-1]))
    if y is None:
        return None
    leaves = [x0, u, *vars(cell).values()]
    if torch.is_grad_enabled() and any(torch.is_tensor(v) and v.requires_grad for v in leaves):
        guess = y.detach().requires_grad_()
        a, last = stepped(earlier(y.detach()), earlier(guess))
        y = _Adjoint.apply(last, guess, a.detach())
    return y.reshape(shape)[..., -1, :]


def _settle(function, y):
    """The fixed point of a function by repetition, or None after ``SWEEPS`` of them."""
    for _ in range(SWEEPS):
        old, y = y, function(y)
        size = float(y.abs().max())
        if not size < float("inf"):
            return None
        if float((y - old).abs().max()) <= TOLERANCE.get(y.dtype, 1e-6) * max(size, 1e-30):
            return y
    return None


class _Adjoint(torch.autograd.Function):
    """The identity forwards; backwards the adjoint of all times, m_r = gradient_r + a_{r+1} m_{r+1} + what gates hand back.

    last: the states, each from the one before, which carry the parameters; guess: where their gates were read.
    """

    @staticmethod
    def forward(ctx, last, guess, a):
        ctx.graph = last, guess, torch.cat([torch.zeros_like(a[..., :1, :]), a.flip(-2)[..., :-1, :]], -2)
        return last.clone()

    @staticmethod
    def backward(ctx, gradient):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("the time-parallel path has no second derivatives; take backend='reference'.")
        last, guess, a = ctx.graph

        def pull(adjoint):
            with torch.enable_grad():
                (handed_back,) = torch.autograd.grad(last, guess, adjoint, retain_graph=True)
            return scan(a, (gradient + handed_back).flip(-2)).flip(-2)

        adjoint = _settle(pull, gradient)
        if adjoint is None:
            raise RuntimeError(f"the adjoint did not settle within {SWEEPS} sweeps; train this network with backend='auto'.")
        return adjoint, None, None
