"""What the playground's pictures are drawn with: matplotlib's objects, and SVG in the page's own colours.

pyplot's state, the backend and the user's rcParams stay as they are. Colours are written as the
theme's CSS variables, so that a picture follows light and dark. All places are in inches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from shape_magic.display import pen as pens

#: What stands for a colour of the theme while matplotlib draws, and the variable that takes its place.
INK, QUIET, RULE, FIRST, SECOND, LAST, BAD, CELL = (f"#01020{k}" for k in range(8))
_THEME = dict(
    zip(
        (INK, QUIET, RULE, FIRST, SECOND, LAST, BAD, CELL),
        ("ink", "quiet", "rule", "ask", "good", "last", "bad", "cell"),
        strict=True,
    )
)
#: A picture's width, a line of type; and the size of type in points.
WIDTH, LINE, SMALL = 4.6, 0.24, 8.5
_DASHES = (0, (2, 2))
_SIGN = 0.16

#: Left, top, width, height.
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as SVG, and what it shows in words."""

    svg: str
    alt: str


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a frame is drawn: colours are told apart by their lines too."""

    color: str
    line: Any = "-"
    width: float = 2.2


#: What stands in a key: a frame, or what is added (dashed) or lost (hatched).
Sign = Stroke | Literal["dashed", "hatched"]


class Sketch:
    """A page of a height that draws boxes and text, downwards."""

    def __init__(self, height: float) -> None:
        self._figure = Figure(figsize=(WIDTH, height), frameon=False)
        axes = self._figure.add_axes((0, 0, 1, 1))
        self._pen = pens.Pen(axes, WIDTH, height)
        self._axes = axes

    def text(
        self,
        x: float,
        y: float,
        text: str,
        color: str = INK,
        *,
        bold: bool = False,
        align: Literal["left", "center", "right"] = "left",
    ) -> None:
        """A line of small type on a baseline."""
        self._pen.text(x, y, text, SMALL, color=color, bold=bold, align=align)

    def fill(self, box: Box, color: str, alpha: float = 1.0) -> None:
        """A plain box."""
        left, top, width, height = box
        self._axes.add_patch(Rectangle((left, top), width, height, facecolor=color, alpha=alpha, linewidth=0))

    def edge(self, box: Box, stroke: Stroke) -> None:
        """A box' edge."""
        left, top, width, height = box
        self._axes.add_patch(
            Rectangle(
                (left, top),
                width,
                height,
                facecolor="none",
                edgecolor=stroke.color,
                linewidth=stroke.width,
                linestyle=stroke.line,
            )
        )

    def frame(self, box: Box, stroke: Stroke) -> None:
        """A box with an edge and a veil of its colour."""
        self.fill(box, stroke.color, 0.14)
        self.edge(box, stroke)

    def dashed(self, box: Box) -> None:
        """A box for what is added."""
        self.edge(box, Stroke(QUIET, _DASHES, 1))

    def hatched(self, box: Box) -> None:
        """A box for what is lost."""
        left, top, width, height = box
        self._axes.add_patch(
            Rectangle((left, top), width, height, facecolor="none", edgecolor=BAD, linewidth=0, hatch="////")
        )

    def cells(self, box: Box, columns: int, rows: int, *, lines: bool) -> None:
        """A grid of positions."""
        left, top, width, height = box
        self.fill(box, CELL)
        across = [left + k * width / columns for k in range(1, columns)] if lines else []
        down = [top + k * height / rows for k in range(1, rows)] if lines else []
        segments = [[(x, top), (x, top + height)] for x in across] + [[(left, y), (left + width, y)] for y in down]
        self._axes.add_collection(LineCollection(segments, colors=RULE, linewidths=0.6))
        self.edge(box, Stroke(QUIET, "-", 1))

    def key(self, x: float, y: float, entries: Iterable[tuple[Sign, str]]) -> None:
        """Signs with what they mean, in a line."""
        for sign, name in entries:
            box = (x, y + 0.06, _SIGN, _SIGN)
            if isinstance(sign, Stroke):
                self.frame(box, sign)
            elif sign == "dashed":
                self.dashed(box)
            else:
                self.hatched(box)
            self.text(x + _SIGN + 0.07, y + 0.19, name)
            x += _SIGN + 0.07 + length(name) + 0.18

    def picture(self, alt: str) -> Picture:
        """The page as SVG."""
        page = BytesIO()
        self._figure.savefig(page, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        text = page.getvalue().decode("utf-8")
        text = re.sub("#01020[0-7]", lambda found: f"var(--{_THEME[found[0]]})", text[text.index("<svg") :])
        return Picture(re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S), alt)


def length(text: str, *, bold: bool = False) -> float:
    """How long a line of small type is."""
    return pens.wide(text, SMALL, bold, False)


def cut(text: str, room: float, *, bold: bool = False) -> str:
    """The text, cut where it is longer than that."""
    return pens.fit(text, room, SMALL, bold=bold)
