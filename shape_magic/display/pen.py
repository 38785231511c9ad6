"""What the figure is drawn with: type that is measured before it is set, boxes, lines and arrows, in inches.

Fonts come with matplotlib and don't depend on the user's rcParams; no text is ever read as
mathematics or TeX.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Literal

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle
from matplotlib.textpath import text_to_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#14181d"
#: From line to line, in inches for each point of type.
LEADING = 1.45 / 72
#: Fonts that take over where DejaVu has no glyph, if they are installed.
_FALLBACKS = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic")


class Picture(Figure):
    """A figure that a notebook shows also where nobody imported pyplot, which alone tells IPython how to."""

    def _repr_png_(self) -> bytes:
        page = BytesIO()
        self.savefig(page, format="png")
        return page.getvalue()


@dataclass(frozen=True, slots=True)
class Look:
    """How a row's box is drawn."""

    edge: str
    fill: str
    ink: str = INK
    width: float = 1.0
    line: Literal["-", "--", ":"] = "-"


@cache
def _families(mono: bool) -> tuple[str, ...]:
    installed = {font.name for font in fontManager.ttflist}
    return ("DejaVu Sans Mono" if mono else "DejaVu Sans", *(name for name in _FALLBACKS if name in installed))


@cache
def _font(size: float, bold: bool = False, mono: bool = False) -> FontProperties:
    return FontProperties(family=list(_families(mono)), size=size, weight="bold" if bold else "normal")


@cache
def _glyphs(mono: bool) -> frozenset[int]:
    found: set[int] = set()
    for family in _families(mono):
        found |= FT2Font(findfont(FontProperties(family=family))).get_charmap().keys()
    return frozenset(found)


def _drawable(text: str, mono: bool) -> str:
    """The text with a code for every character that no font has; the pictures of controls as in source."""
    if text.isascii():
        return text
    known = _glyphs(mono)
    return "".join(char if ord(char) in known else _code(ord(char)) for char in text)


def _code(point: int) -> str:
    return f"\\x{point - 0x2400:02x}" if 0x2400 <= point < 0x2420 else f"<U+{point:04X}>"


@cache
def wide(text: str, size: float, bold: bool = False, mono: bool = False) -> float:
    """The width of a text in inches, with a little to spare for the rounding of a screen's pixels."""
    drawn = _drawable(text, mono)
    return (
        float(text_to_path.get_text_width_height_descent(drawn, _font(size, bold, mono), ismath=False)[0]) * 1.03 / 72
    )


def fit(text: str, width: float, size: float, *, bold: bool = False, mono: bool = False) -> str:
    """The text, cut with an ellipsis where it is wider than this."""
    if wide(text, size, bold, mono) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if wide(text[:middle] + "…", size, bold, mono) <= width else (low, middle - 1)
    return text[:low] + "…"


def wrap_lines(text: str, width: float, size: float, most: int, *, bold: bool = False) -> list[str]:
    """At most so many lines of at most this width; what is longer ends with an ellipsis."""
    lines: list[str] = []
    for paragraph in text.strip().splitlines():
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and wide(longer, size, bold) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    if len(lines) > most:
        lines[most - 1 :] = [" ".join(lines[most - 1 :])]
    return [fit(line, width, size, bold=bold) for line in lines]


class Pen:
    """Draws on axes that are as large as the page, in inches, downwards."""

    def __init__(self, axes: Axes, width: float, height: float) -> None:
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        axes.set_axis_off()
        self.axes = axes

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        color: str = INK,
        bold: bool = False,
        mono: bool = False,
        align: Literal["left", "center", "right"] = "left",
    ) -> None:
        """A line of text on a baseline; never read as mathematics or TeX."""
        if text.strip():
            font = _font(size, bold, mono)
            drawn = _drawable(text, mono)
            self.axes.text(
                x, y, drawn, fontproperties=font, color=color, ha=align, va="baseline", parse_math=False, usetex=False
            )

    def box(
        self, x: float, y: float, width: float, height: float, look: Look, *, label: str = "", rounding: float = 0.05
    ) -> None:
        """A rounded box; its label is found again by ``get_label``."""
        style = f"round,pad=0,rounding_size={rounding}"
        patch = FancyBboxPatch(
            (x, y),
            width,
            height,
            style,
            facecolor=look.fill,
            edgecolor=look.edge,
            linewidth=look.width,
            linestyle=look.line,
        )
        patch.set_label(label or "_box")
        self.axes.add_patch(patch)

    def line(self, xs: list[float], ys: list[float], color: str, *, width: float = 1.2, dashed: bool = False) -> None:
        """A line through these points."""
        self.axes.plot(
            xs, ys, color=color, linewidth=width, linestyle="--" if dashed else "-", marker="", solid_capstyle="butt"
        )

    def arrow(
        self, x: float, y: float, to_x: float, to_y: float, color: str, *, width: float = 1.2, dashed: bool = False
    ) -> None:
        """A line with a small filled head at its end."""
        self.line([x, to_x], [y, to_y], color, width=width, dashed=dashed)
        length = math.hypot(to_x - x, to_y - y)
        dx, dy = (to_x - x) / length * 0.07, (to_y - y) / length * 0.07
        corners = [to_x, to_x - dx - dy * 0.6, to_x - dx + dy * 0.6], [to_y, to_y - dy + dx * 0.6, to_y - dy - dx * 0.6]
        self.axes.fill(*corners, color=color, linewidth=0)

    def dot(self, x: float, y: float, color: str) -> None:
        """Where a branch leaves."""
        self.axes.add_patch(Circle((x, y), 0.035, facecolor=color, edgecolor="none"))

    def veil(self, x: float, y: float, side: float) -> None:
        """Half of a white square over a cell, for what is not there yet."""
        self.axes.add_patch(Rectangle((x, y), side, side, facecolor="white", edgecolor="none", alpha=0.5, zorder=3.5))


def paragraphs(
    pen: Pen | None,
    texts: Iterable[tuple[str, float, str, bool, int]],
    place: tuple[float, float],
    room: float,
    gap: float,
) -> float:
    """Writes texts below one another if there is a pen, each with its size, colour, weight and most lines.

    Gives the place behind the last one, so that a page can be measured before it is drawn.
    """
    x, y = place
    for text, size, color, bold, most in texts:
        for line in wrap_lines(text, room, size, most, bold=bold):
            y += size * LEADING
            if pen:
                pen.text(x, y, line, size, color=color, bold=bold)
        y += gap
    return y
