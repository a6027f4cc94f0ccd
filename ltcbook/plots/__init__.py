"""Axes-level figures for the book: one Axes in, the same Axes out; colour never carries meaning alone."""

from .curves import LOOKS, draw_balance, draw_bounds, draw_curves, draw_orders, draw_ranges, name_above, shade_pulse
from .network import draw_adjacency, draw_network
from .picture import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILLION, Picture, figure, picture
from .spectra import draw_derivative, draw_ratios, draw_shares, draw_spectrum

__all__ = ["BLUE", "GREEN", "GREY", "INK", "ORANGE", "PURPLE", "SKY", "VERMILLION", "Picture", "draw_adjacency", "draw_derivative",
           "draw_network", "draw_ratios", "draw_shares", "draw_spectrum", "figure", "picture"]
__all__ += ["draw_balance", "draw_bounds", "draw_curves", "draw_orders", "draw_ranges", "name_above", "shade_pulse", "LOOKS"]
