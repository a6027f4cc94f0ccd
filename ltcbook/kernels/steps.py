"""One step of c dx/dt = h - g x with conductance g and drive h frozen, and its derivative, per method.

Each method is a pair of functions on lanes of numbers. ``step`` gives the new state y. ``back`` takes by_y,
the derivative of a loss by y, and gives those by x, g, h and c: the chain rule, nothing else.
"""

from .gates import exp, expm1


def fused_step(x, g, h, c, dt):
    """y = (c x + dt h) / (c + dt g)."""
    return (c * x + dt * h) / (c + dt * g)


def fused_back(by_y, y, x, g, h, c, dt):
    """From (c + dt g) y = c x + dt h; c sees x - y in one piece, since two large sums would cancel."""
    a = by_y / (c + dt * g)
    return a * c, -1 * a * dt * y, a * dt, a * (x - y)


def exponential_step(x, g, h, c, dt):
    """y = q + (x - q) exp(-z) with the equilibrium q = h / g and z = g dt / c."""
    q = h / g
    return q + (x - q) * exp(-1 * g / c * dt)


def exponential_back(by_y, y, x, g, h, c, dt):
    """dy/dx = exp(-z), dy/dh = (1 - exp(-z)) / g; z moves with g and c."""
    q, z = h / g, g / c * dt
    gone = -1 * expm1(-1 * z)  # 1 - exp(-z) without cancellation
    by_x, by_h = by_y * (1 - gone), by_y * gone / g
    by_z = -1 * by_x * (x - q)
    return by_x, by_z * dt / c - by_h * q, by_h, -1 * by_z * z / c


def euler_step(x, g, h, c, dt):
    """y = x + dt / c (h - g x)."""
    return x + dt / c * (h - g * x)


def euler_back(by_y, y, x, g, h, c, dt):
    """Straight from the formula."""
    a = by_y * dt / c
    return by_y - a * g, -1 * a * x, a, -1 * a * (h - g * x) / c


# method -> step, its derivative, and whether the gates are read half a step ahead instead of at x
RULES = {
    "fused": (fused_step, fused_back, False),
    "exponential": (exponential_step, exponential_back, False),
    "euler": (euler_step, euler_back, False),
    "extrapolated": (exponential_step, exponential_back, True),
}
