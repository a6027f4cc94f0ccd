"""The book's style, and pictures that follow the page: inline SVG whose ink is the reader's text colour,
PNG for print.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import html
import io
import re
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.rcsetup import cycler

from ..validation import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Okabe & Ito (2008), readable for colour-blind readers on white and on dark grounds
BLUE, VERMILLION, GREEN, ORANGE, SKY, PURPLE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#E69F00",
    "#56B4E9",
    "#CC79A7",
)
INK, GREY = "#010101", "#808080"  # INK becomes the page's own text colour
NAMES = {
    "blue": BLUE,
    "vermillion": VERMILLION,
    "green": GREEN,
    "orange": ORANGE,
    "sky": SKY,
    "purple": PURPLE,
    "grey": GREY,
}
PAINT = {INK: "currentColor", "#000000": "currentColor"} | {
    c: f"var(--ltc-{name}, {c})" for name, c in NAMES.items()
}

STYLE: dict[Any, Any] = {
    "figure.dpi": 100,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 10.5,
    "font.size": 10,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "axes.grid": False,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "mathtext.fontset": "dejavusans",
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": cycler(color=[BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY]),
    "svg.fonttype": "none",
    "svg.hashsalt": "ltcbook",
    "font.family": "sans-serif",
}


class BookAxes(Axes):
    """Axes that keep the book's style: what is added later (titles, legends, lines, ticks) has it too.

    matplotlib reads its settings whenever something is added, so the methods below run inside ``STYLE``, and
    tick labels get theirs when the Axes are cleared. Nothing outside these Axes changes.
    """

    def clear(self) -> None:
        """Empty Axes whose ticks have the book's size and ink, now and for ticks that come later."""
        super().clear()
        self.tick_params(which="both", labelsize=STYLE["xtick.labelsize"], colors=INK)


def _in_style(method: Callable) -> Callable:
    @functools.wraps(method)
    def styled(*args: Any, **kwargs: Any) -> Any:
        with mpl.rc_context(STYLE):
            return method(*args, **kwargs)

    return styled


for _name in (
    "annotate",
    "axhline",
    "axvline",
    "clear",
    "errorbar",
    "grid",
    "legend",
    "plot",
    "set_title",
    "step",
    "text",
):
    setattr(BookAxes, _name, _in_style(getattr(BookAxes, _name)))


def figure(width: float = 7.2, height: float = 3.0, **subplots: Any) -> tuple[Figure, Any]:
    """A new figure in the book's style and its Axes: (fig, ax) like plt.subplots; width and height in inches.

    The Axes keep the style for all that is added to them later.
    """
    kind = {"axes_class": BookAxes} | subplots.pop("subplot_kw", {})
    with mpl.rc_context(STYLE):
        fig = Figure(figsize=(width, height))
        axes = fig.subplots(subplot_kw=kind, **subplots)
    return fig, axes


# the palette of the book's dark pages (site/static/book.css), for notebooks, where that style sheet is not
DARK = {
    "blue": "#5fb4ec",
    "vermillion": "#ff8a4c",
    "green": "#3fc99a",
    "orange": "#f0b73a",
    "sky": "#8fd0f5",
    "purple": "#e29bc4",
    "grey": "#9aa3ad",
}
PHONE = 560  # pixels; on screens that are not wider, panels of one row stand one below the other
NOTEBOOK = (
    f"<style>.ltc-figure{{display:block}}.ltc-phone{{display:none}}@media(max-width:{PHONE}px){{.ltc-desk{{display:none}}.ltc-phone{{display:block}}}}"
    'body[data-jp-theme-light="false"] .ltc-figure,html[theme="dark"] .ltc-figure{'
    + ";".join(f"--ltc-{name}:{colour}" for name, colour in DARK.items())
    + "}</style>"
)
BELOW = {"Left": "Above", "Right": "Below"}  # in the words for panels that stand one below the other


def in_one_row(fig: Figure) -> bool:
    """Whether the figure is several panels side by side and nothing else."""
    places: list[Any] = [ax.get_subplotspec() for ax in fig.axes]
    if len(places) < 2 or None in places:
        return False
    grid = places[0].get_gridspec()
    return (grid.nrows, grid.ncols) == (1, len(places)) and all(
        place.get_gridspec() is grid for place in places
    )


@contextlib.contextmanager
def stacked(fig: Figure, width: float = 4.2) -> Iterator[None]:
    """For a while the panels of a row stand one below the other, each as high as it was, ``width`` inches
    wide.
    """
    size, places, first = fig.get_size_inches().copy(), [ax.get_subplotspec() for ax in fig.axes], fig.axes[0]
    inner = [(ax, ax.get_ylabel()) for ax in fig.axes[1:] if first.get_shared_y_axes().joined(first, ax)]
    column = GridSpec(len(places), 1, figure=fig)
    fig.set_size_inches(width, size[1] * len(places))
    for k, ax in enumerate(fig.axes):
        ax.set_subplotspec(column[k])
    for ax, label in inner:  # in a row the first panel's numbers serve all
        ax.set_ylabel(label or first.get_ylabel())
        ax.tick_params(labelleft=True)
    try:
        yield
    finally:
        fig.set_size_inches(*size)
        for place, ax in zip(places, fig.axes, strict=True):
            ax.set_subplotspec(place)  # type: ignore[arg-type]  # it is in a row, so it has one
        for ax, label in inner:
            ax.set_ylabel(label)
            ax.tick_params(labelleft=False)


def picture(fig: Figure, *, alt: str) -> Picture:
    """The figure as a picture with alternative text, ready to be the last line of a cell. ValueError for
    an empty alt.
    """
    return Picture(fig, alt)


class Picture:
    """A finished figure: inline SVG for pages and notebooks, PNG for print. ``alt`` says what a reader would
    see.

    Panels of one row are also drawn one below the other, for a phone; a page shows one of the two.
    Raises ValueError for an alt of fewer than four words.
    """

    def __init__(self, fig: Figure, alt: str) -> None:
        if not isinstance(alt, str) or len(alt.split()) < 4:
            raise ValueError(f"alt is {brief(alt)}; say in a sentence what the picture shows.")
        self.fig, self.alt = fig, " ".join(alt.split())
        for legend in filter(None, (ax.get_legend() for ax in fig.axes)):
            legend.set_frame_on(False)  # a frame would be a white box on a dark page

    def svg(self, kind: str = "ltc-figure") -> str:
        """The SVG element: text stays text, ids cannot clash with another picture's, colours become the
        page's own.

        INK becomes currentColor, a palette colour ``var(--ltc-blue, #0072B2)``, which a dark page may set
        lighter. kind: its classes.
        """
        buffer = io.StringIO()
        with mpl.rc_context(STYLE):
            self.fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        svg = buffer.getvalue()
        svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg[svg.index("<svg") :], flags=re.S)
        key = "f" + hashlib.sha256((self.alt + svg).encode()).hexdigest()[:8]
        svg = re.sub(r'\bid="', f'id="{key}-', svg)
        svg = re.sub(r'(href="|url\()#', rf"\1#{key}-", svg)
        for colour, paint in PAINT.items():
            svg = svg.replace(colour.lower(), paint)
        # coordinates, never the text
        svg = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d+\.\d{2})\d+", r"\1", tag[0]), svg)
        width, height = self.fig.get_size_inches() * 72
        head = (
            f'<svg class="{kind}" role="img" aria-label="{html.escape(self.alt)}" '
            f'viewBox="0 0 {width:g} {height:g}" style="max-width:{width * 4 / 3:g}px;width:100%;height:auto;'
            'stroke-linejoin:round;fill:currentColor" '
            'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
        )
        return re.sub(r"\n\s*", "\n", re.sub(r"<svg\b.*?>", lambda _: head, svg, count=1, flags=re.S))

    def png(self) -> bytes:
        """PNG bytes on white, 160 dots per inch."""
        buffer = io.BytesIO()
        with mpl.rc_context(STYLE):
            self.fig.savefig(buffer, format="png", dpi=160, facecolor="white")
        return buffer.getvalue()

    def pages(self) -> str:
        """What a page shows: the SVG element, or two of which it shows one, by the width of the screen."""
        if not in_one_row(self.fig):
            return self.svg()
        turned = re.sub(r"\b(Left|Right)(?=[:,])", lambda side: BELOW[side[0]], self.alt)
        desk = self.svg("ltc-figure ltc-desk")
        with stacked(self.fig):
            return desk + Picture(self.fig, turned).svg("ltc-figure ltc-phone")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {
            "text/html": NOTEBOOK + self.pages(),
            "image/png": base64.b64encode(self.png()).decode(),
            "text/plain": self.alt,
        }
