"""One class, two lives: an explorer computes in Python and is drawn by JavaScript, with a kernel or without
one.

``compute(**controls)`` gives one frame, a dictionary of numbers and words. With a kernel every moved control
is answered exactly; the static page carries a table of frames over a grid of the controls and shows the
nearest; print gets a PNG.
"""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import json
import math
import os
import re
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import anywidget
import traitlets

from ..validation import among, brief, significant
from . import bundle

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Control:
    """What a reader can move: a "range" from low to high in steps, or a "select" among options ((value,
    label), ...).

    grid: the values that the static page knows; grid_step: their distance (a range's grid is uniform). rug:
    (value, sign) marks drawn along a range. hint: a few quiet words after the label. hidden: fixed at its
    default, as in the compact explorer. more: in the fold "More controls"; the first control of an explorer
    always shows.
    """

    name: str
    label: str
    default: float | str
    kind: Literal["range", "select"] = "range"
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    grid_step: float | None = None
    unit: str = ""
    options: tuple[tuple[float | str, str], ...] = ()
    rug: tuple[tuple[float, int], ...] = ()
    hint: str = ""
    hidden: bool = False
    more: bool = False

    @property
    def grid(self) -> list:
        """The values of this control in the table."""
        if self.hidden:
            return [self.default]
        if self.kind == "select":
            return [value for value, _ in self.options]
        count = round((self.high - self.low) / (self.grid_step or self.step))
        return [round(self.low + i * (self.grid_step or self.step), 10) for i in range(count + 1)]

    def check(self, value: Any) -> Any:
        """The value, or one ValueError that says what came and what is possible."""
        if self.kind == "select":
            values = [option for option, _ in self.options]
            if isinstance(value, bool) or not among(value, values):
                raise ValueError(f"{self.name} is {brief(value)}; choose one of {values}.")
            return values[values.index(value)]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(
                f"{self.name} is {brief(value)}; it must be a finite number from {self.low:g} to "
                f"{self.high:g}."
            )
        if not self.low - 1e-9 <= value <= self.high + 1e-9:
            raise ValueError(f"{self.name} is {value:g}; it must lie between {self.low:g} and {self.high:g}.")
        return float(value)


@dataclass(frozen=True)
class Preset:
    """A named place worth visiting: one line of caption and the controls that differ from the default."""

    name: str
    caption: str
    controls: dict[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Guess:
    """One answer that a reader may predict: its value, a number or a word, the words on its button, and a
    sentence for who chose it.
    """

    value: float | str
    label: str
    reply: str


@dataclass(frozen=True)
class Prediction:
    """Two to four answers to the explorer's ``question``; until one is chosen, or skipped, the explorer does
    not tell.

    ``right`` is the value of the right answer, or ``by`` names the entry of the frame that holds it, where
    the answer depends on the network that is shown. Raises ValueError where that leaves no right answer.
    """

    guesses: tuple[Guess, ...]
    right: float | str | None = None
    by: str = ""

    def __post_init__(self) -> None:
        values = [guess.value for guess in self.guesses]
        if not 2 <= len(values) <= 4 or len(set(values)) < len(values):
            raise ValueError(f"a prediction has two to four answers of different value, not {values}.")
        if (self.right is None) == (not self.by):
            raise ValueError("give the right answer either as `right` or, where the frame knows it, as `by`.")
        if self.right is not None and self.right not in values:
            raise ValueError(f"right is {self.right!r}; it must be one of the answers {values}.")
        if silent := [guess.label for guess in self.guesses if not guess.reply]:
            raise ValueError(f"every answer needs a sentence for who chose it; {', '.join(silent)} has none.")


class Explorer(anywidget.AnyWidget):
    """Base of all explorers. A subclass gives key, title, question, answer, drawing (its JavaScript module),
    ``knobs``, ``presets``, ``frame_of(controls)``, ``describe(frame)`` and ``picture(frame)``.

    It may give ``prediction``, the answers among which a reader chooses before anything is told, and
    ``play``, the range control that a button plays: {"knob": name, "seconds": how long from end to end, and
    if not its own, "low", "high"}. ``sentences``, name -> (tone, template), are those that ``phrase`` fills,
    here and in the drawing alike.
    """

    key = title = question = answer = drawing = ""
    prediction: Prediction | None = None
    play: dict[str, Any] | None = None
    sentences: dict[str, tuple[str, str]] = {}
    tabulated = True  # False where the drawing restates the formula and needs no table

    spec = traitlets.Dict().tag(sync=True)
    table = traitlets.Dict().tag(sync=True)
    controls = traitlets.Dict().tag(sync=True)
    frame = traitlets.Dict().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "drawing" in vars(cls):  # not again for the copy of the class that add_traits makes
            cls._esm, cls._css = bundle.notebook_module(cls.drawing), bundle.stylesheet()
        super().__init_subclass__(**kwargs)

    def __init__(self, knobs: Sequence[Control], presets: Sequence[Preset], **spec: Any) -> None:
        self.knobs = {knob.name: knob for knob in knobs}
        super().__init__(
            spec=plain(
                {
                    "key": self.key,
                    "title": self.title,
                    "question": self.question,
                    "answer": self.answer,
                    "predict": self.prediction and asdict(self.prediction),
                    "play": self.play,
                    "sentences": self.sentences,
                    "version": self.version,
                    "knobs": [asdict(knob) | {"grid": knob.grid if self.tabulated else []} for knob in knobs],
                    "presets": [asdict(preset) for preset in presets],
                    **spec,
                }
            ),
            controls={knob.name: knob.default for knob in knobs},
        )
        self.frame = self.compute()
        self.observe(self._answer, names="controls")

    @property
    def room(self) -> str:
        """The name under which the height of its place on a page is known."""
        return f"{self.key}-compact" if self.spec.get("compact") else self.key

    @property
    def version(self) -> str:
        """A few letters that change with the grid of the controls: a table made for another one is
        refused.
        """
        grids = json.dumps([[name, knob.grid] for name, knob in self.knobs.items()])
        return hashlib.sha256(f"{self.key} {grids}".encode()).hexdigest()[:8]

    def compute(self, **controls: Any) -> dict[str, Any]:
        """One frame: a JSON-able dictionary, always the same for the same controls; missing controls take
        their default.

        Raises ValueError for an unknown control, a value out of range, or NaN.
        """
        unknown = sorted(set(controls) - set(self.knobs))
        if unknown:
            raise ValueError(f"unknown control {', '.join(unknown)}; possible are {', '.join(self.knobs)}.")
        full = {name: knob.check(controls.get(name, knob.default)) for name, knob in self.knobs.items()}
        return plain({"controls": full, **self.frame_of(full)})

    def _answer(self, change: dict[str, Any]) -> None:
        try:
            frame = self.compute(**change["new"])
        except ValueError as error:  # the reader sees why; the widget lives on
            self.error = str(error)
        else:
            with self.hold_sync():
                self.frame, self.error = frame, ""

    def fill_table(self) -> None:
        """Compute the frames of the grid once; the numbers are kept to four significant digits."""
        if self.tabulated and not self.table:
            grids = [knob.grid for knob in self.knobs.values()]
            frames = [
                self.compute(**dict(zip(self.knobs, values, strict=True)))
                for values in itertools.product(*grids)
            ]
            self.table = {
                "version": self.version,
                "frames": [rounded({k: v for k, v in frame.items() if k != "controls"}) for frame in frames],
            }

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self.fill_table()
        given = super()._repr_mimebundle_(**kwargs)
        data, metadata = given if isinstance(given, tuple) else (given or {}, {})
        if view_only():
            return data, metadata
        png = base64.b64encode(self.png()).decode()
        return {**data, "text/html": self.to_html(png), "image/png": png}, metadata

    def png(self, dpi: int = 110) -> bytes:
        """The default frame as a picture for print and for readers without JavaScript, PNG bytes."""
        from .pictures import png_bytes

        return png_bytes(self.picture(self.compute()), dpi)

    def to_html(self, png: str | None = None) -> str:
        """The static twin: a picture, a table of frames and the classic scripts, which bring a stand-in for
        the kernel's model.

        The pages of the book share one copy of the scripts, so there (``linked``) the twin carries none.
        """
        self.fill_table()
        png = png or base64.b64encode(self.png()).decode()
        place = f"{self.key}-{next(PLACES)}"
        frame = self.compute()
        store = {
            "spec": self.spec,
            "table": self.table,
            "frame": rounded(frame),
            "controls": frame["controls"],
        }
        text = json.dumps(store, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
        alt = html.escape(f"{self.title}. {self.describe(frame)}", quote=True)
        twin = TWIN.format(
            place=place,
            room=self.room,
            drawing=self.drawing.removesuffix(".js"),
            store=text,
            png=png,
            alt=alt,
        )
        if linked():
            return twin
        return twin + ALONE.format(
            css=bundle.stylesheet(), scripts=bundle.shared_script() + bundle.drawing_script(self.drawing)
        )


PLACES = itertools.count(1)

# A script looks for the places that still wait, so that two explorers on a page never meet.
TWIN = """<div class="ltc-widget" data-room="{room}" data-drawing="{drawing}" data-waiting="{place}">\
<img class="ltc-fallback" alt="{alt}" src="data:image/png;base64,{png}"></div>
<script type="application/json" data-store="{place}">{store}</script>"""
ALONE = """
<style>{css}</style>
<script>
{scripts}</script>"""


def linked() -> bool:
    """Whether the page brings the scripts itself, as the book's build says when it runs the chapters."""
    return os.environ.get("LTCBOOK_EXPLORERS") == "linked"


def view_only() -> bool:
    """Whether only the widget view is emitted: in Colab, whose choice between a view and HTML is not ours
    to guess.
    """
    return "google.colab" in sys.modules


def plain(value: Any) -> Any:
    """Numbers, lists and dictionaries that JSON knows; NaN and infinity, which it does not, become None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def rounded(value: Any, digits: int = 4) -> Any:
    """The same structure with its fractions cut to so many significant digits, and never finer than 1e-5."""
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item, digits) for item in value]
    if not isinstance(value, float):
        return value
    short = round(significant(value, digits), 5)
    return int(short) if short == int(short) and abs(short) < 1e15 else short


HOLE = re.compile(r"\{(\w+)(?::(\+|\d))?\}")


def phrase(sentence: tuple[str, str], **values: Any) -> list[str]:
    """[tone, text] of a sentence whose holes are filled: {x} as people read it, {x:2} with two digits, {x:+}
    with its sign.

    Words are put in as they are. ``phrase`` in core/format.js fills the same sentence with the same words.
    """
    tone, template = sentence

    def fill(hole: re.Match[str]) -> str:
        value, how = values[hole[1]], hole[2]
        if isinstance(value, str):
            return value
        return signed(value) if how == "+" else format_number(value, int(how or 3))

    return [tone, HOLE.sub(fill, template)]


def signed(value: float) -> str:
    """``format_number`` with the sign always written."""
    return ("+" if value > 1e-12 else "") + format_number(value)


def format_number(value: float | None, digits: int = 3) -> str:
    """A number as people read it: three significant digits and a real minus sign; the same words as in
    core/format.js.
    """
    if value is None:
        return "–"
    if abs(value) < 1e-12:
        return "0"
    short = significant(significant(value, 4), digits)  # four digits first: what the table of frames keeps
    if 1e-3 <= abs(value) < 1e5:
        text = f"{short:.10f}".rstrip("0").rstrip(".")
    else:
        text = f"{significant(value, 2):.1e}".replace("e-0", "e-").replace("e+0", "e+")
    return text.replace("-", "−")
