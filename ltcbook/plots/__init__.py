"""Axes-level figures for the book: one Axes in, the same Axes out; colour never carries meaning alone.

Each ``draw_x(data, ax)`` has an ``x_alt(data)``: the words for those who cannot see it, made from the same
data.

>>> net = wiring.auto_ncp(8, 2, sensory=3, rng=rng)
>>> fig, ax = plots.figure(5, 3)
>>> ax = plots.draw_network(net, ax)
>>> plots.picture(fig, alt=plots.network_alt(net)).svg()[:4]
'<svg'
"""

from ..validation import extra

extra("plots", "matplotlib", "plots")

from .areas import areas_alt, draw_areas, draw_weights, weights_alt
from .curves import (
    LOOKS,
    balance_alt,
    curves_alt,
    draw_balance,
    draw_bounds,
    draw_curves,
    draw_orders,
    draw_ranges,
    name_above,
    orders_alt,
    ranges_alt,
    shade_pulse,
)
from .lane import camera_alt, draw_camera, draw_drives, draw_heat, drives_alt, heat_alt
from .network import adjacency_alt, draw_adjacency, draw_network, draw_wiring, network_alt, wiring_alt
from .picture import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILLION, Picture, figure, picture
from .plane import draw_level_sets, draw_phase_plane, level_sets_alt, phase_plane_alt
from .spectra import (
    derivative_alt,
    draw_derivative,
    draw_ratios,
    draw_shares,
    draw_spectrum,
    ratios_alt,
    shares_alt,
    spectrum_alt,
)
from .stability import draw_stability, stability_alt
from .traces import draw_states, draw_time_constants, states_alt, time_constants_alt
from .training import draw_training, training_alt

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "INK",
    "LOOKS",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILLION",
    "Picture",
    "adjacency_alt",
    "areas_alt",
    "balance_alt",
    "camera_alt",
    "curves_alt",
    "derivative_alt",
    "draw_adjacency",
    "draw_areas",
    "draw_balance",
    "draw_bounds",
    "draw_camera",
    "draw_curves",
    "draw_derivative",
    "draw_drives",
    "draw_heat",
    "draw_level_sets",
    "draw_network",
    "draw_orders",
    "draw_phase_plane",
    "draw_ranges",
    "draw_ratios",
    "draw_shares",
    "draw_spectrum",
    "draw_stability",
    "draw_states",
    "draw_time_constants",
    "draw_training",
    "draw_weights",
    "draw_wiring",
    "drives_alt",
    "figure",
    "heat_alt",
    "level_sets_alt",
    "name_above",
    "network_alt",
    "orders_alt",
    "phase_plane_alt",
    "picture",
    "ranges_alt",
    "ratios_alt",
    "shade_pulse",
    "shares_alt",
    "spectrum_alt",
    "stability_alt",
    "states_alt",
    "time_constants_alt",
    "training_alt",
    "weights_alt",
    "wiring_alt",
]
