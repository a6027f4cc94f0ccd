"""Axes-level figures for the book: one Axes in, the same Axes out; colour never carries meaning alone."""

from .network import draw_adjacency, draw_network
from .picture import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILLION, Picture, figure, picture

__all__ = ["BLUE", "GREEN", "GREY", "INK", "ORANGE", "PURPLE", "SKY", "VERMILLION", "Picture", "draw_adjacency",
           "draw_network", "figure", "picture"]
