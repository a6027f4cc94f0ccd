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


def fused(g, h, c, dt):
    """The affine map of ``dynamics.fused_step``: a and b, (..., n), with x -> a x + b."""
    return c / (c + dt * g), dt * h / (c + dt * g)


def exponential(g, h, c, dt):
    """The affine map of ``dynamics.exponential_step``: a and b, (..., n), with x -> a x + b."""
    a = torch.exp(-g / c * dt)
    return a, (1 - a) * h / g


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

    def sweep(y):
        """All states anew, from the gates along the guess y, (..., T, parts, n)."""
        flat = y.flatten(-3, -2)
        before = torch.cat([x0[..., None, :], flat[..., :-1, :]], -2).reshape(shape)
        at = before
        if extrapolated:  # halfway ahead, but for the first part of an input
            ahead = (3 * before[..., 1:, :] - before[..., :-1, :]) / 2
            at = torch.cat([before[..., :1, :], ahead], -2)
        a, b = step(*cell.terms(at, u), cell.c, dt)
        a, b = a.expand(shape).flatten(-3, -2), b.expand(shape).flatten(-3, -2)
        b = torch.cat([b[..., :1, :] + a[..., :1, :] * x0[..., None, :], b[..., 1:, :]], -2)
        return scan(a, b).reshape(shape)

    with torch.no_grad():
        y = _settle(sweep, x0[..., None, None, :].expand(shape))
    if y is None:
        return None
    if torch.is_grad_enabled():
        leaf = y.detach().requires_grad_()
        last = sweep(leaf)
        y = _Adjoint.apply(last, leaf) if last.requires_grad else y
    return y[..., -1, :]


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
    """The identity forwards; backwards the solution of lambda = gradient + (d sweep / d y)' lambda."""

    @staticmethod
    def forward(ctx, last, leaf):
        ctx.graph = last, leaf
        return last.clone()

    @staticmethod
    def backward(ctx, gradient):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("the time-parallel path has no second derivatives; take backend='reference'.")
        last, leaf = ctx.graph

        def pull(adjoint):
            with torch.enable_grad():
                return gradient + torch.autograd.grad(last, leaf, adjoint, retain_graph=True)[0]

        adjoint = _settle(pull, gradient)
        if adjoint is None:
            raise RuntimeError(f"the adjoint did not settle within {SWEEPS} sweeps; train this network with backend='auto'.")
        return adjoint, None
