"""The figure of a run: ratios above; below how a check grows, and what has a unit of its own beside its goal.

Drawn as the package draws its own figures, with the same pen and colours. All places are in inches
from the upper left corner; the type can be read at the width that GitHub gives a picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from matplotlib.figure import Figure

from shape_magic.display.palette import SWATCHES
from shape_magic.display.pen import Look, Pen, Picture, fit, wide
from tests.benchmarks.rows import Curve, Group, Row, in_words
from tests.benchmarks.side_by_side import exponent


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a page."""

    page: str
    ink: str
    quiet: str
    rule: str
    #: The part of a goal that is not used.
    rest: str
    met: str
    missed: str
    curves: tuple[str, str]


_BLUE, _SKY, _ORANGE = (SWATCHES[axis].fill for axis in ("width", "height", "channels"))
ThemeName = Literal["light", "dark"]
THEMES: dict[ThemeName, Theme] = {
    "light": Theme("#ffffff", "#14181d", "#5b6470", "#c3c9d1", "#e8ebef", _BLUE, "#c05000", (_BLUE, _ORANGE)),
    # The same hues, as light as GitHub's dark page needs them.
    "dark": Theme("#0d1117", "#e6edf3", "#9aa5b1", "#3d444d", "#21262d", _SKY, "#ff8d6b", (_SKY, _ORANGE)),
}
_WIDTH, _MARGIN, _APART = 9.0, 0.3, 0.4
_INNER = _WIDTH - 2 * _MARGIN
#: Columns of the ratios: names, figures; of the goals below: the panel, names, figures.
_NAMES, _FIGURES = 2.75, 1.45
_GOALS, _GOAL_NAMES, _GOAL_FIGURES = 4.55, 2.2, 1.35
_PITCH, _HEAD, _BAR, _TOP = 0.27, 0.38, 0.14, 0.95
_TITLE, _PANEL, _NAME, _SMALL = 17.0, 11.5, 9.5, 9.0
#: What is marked on the ratios' axis, from its one end to the other.
_TICKS = (0.01, 0.1, 1.0, 10.0)
_LEAST, _MOST = _TICKS[0], _TICKS[-1]
#: How far the middle of a line of type lies above its baseline, by its size.
_MIDDLE = 0.36 / 72
#: A bar that is longer than its goal ends here, in goals.
_OVER = 1.2


def draw(groups: Sequence[Group], theme: ThemeName) -> Figure:
    """The page in one of the themes."""
    return _Page(groups, THEMES[theme]).figure()


class _Page:
    """What is on it, and where."""

    def __init__(self, groups: Sequence[Group], theme: Theme) -> None:
        self.theme = theme
        every = [(group.title, row) for group in groups for row in group.rows]
        #: Ratios by their group and by what stands beside them.
        self.ratios = [
            (title, beside, [row for _, row in pairs])
            for (title, beside), pairs in groupby(
                (pair for pair in every if pair[1].unit == "×"), key=lambda pair: (pair[0], pair[1].beside)
            )
        ]
        self.goals = [row for _, row in every if row.unit not in ("×", "exponent") and row.goal]
        self.curves = [curve for group in groups for curve in group.curves if curve.unit == "seconds"]
        self.met = [row.met for _, row in every if row.met is not None]
        self.upper = sum(_HEAD + len(rows) * _PITCH for *_, rows in self.ratios) + 0.85
        self.lower = 0.35 + max(len(self.goals) * _PITCH, 2.9)
        self.height = _TOP + self.upper + 0.3 + self.lower + _MARGIN

    def figure(self) -> Figure:
        """Everything, drawn."""
        figure = Picture(figsize=(_WIDTH, self.height), dpi=150, facecolor=self.theme.page)
        pen = Pen(figure.add_axes((0, 0, 1, 1)), _WIDTH, self.height)
        pen.text(_MARGIN, 0.48, "What a check costs", _TITLE, color=self.theme.ink, bold=True)
        self._key(pen)
        self._ratios(pen, _TOP)
        below = _TOP + self.upper + 0.3
        self._growth(pen, below, _INNER - _GOALS - _APART)
        self._allowances(pen, _WIDTH - _MARGIN - _GOALS, below)
        return figure

    def _key(self, pen: Pen) -> None:
        """What the colours and strokes stand for."""
        y, theme = 0.48, self.theme
        x = _WIDTH - _MARGIN
        for color, words in ((theme.missed, "✗ misses its goal"), (theme.met, "✓ meets its goal")):
            pen.text(x, y, words, _SMALL, color=color, bold=True, align="right")
            x -= wide(words, _SMALL, bold=True) + 0.22
        for words, mark in (("goal", "goal"), ("the middle half of all rounds", "spread")):
            pen.text(x, y, words, _SMALL, color=theme.quiet, align="right")
            x -= wide(words, _SMALL) + 0.08
            if mark == "goal":
                pen.line([x, x], [y - 0.14, y + 0.03], theme.ink, width=2.2)
            else:
                pen.line([x - 0.2, x], [y - 0.05, y - 0.05], theme.ink, width=1.2)
            x -= 0.24

    def _color(self, row: Row) -> str:
        return self.theme.missed if row.met is False else self.theme.met

    # -- ratios

    def _ratios(self, pen: Pen, y: float) -> None:
        start, room = _MARGIN + _NAMES, _INNER - _NAMES - _FIGURES
        theme, bottom = self.theme, y + self.upper - 0.45

        def place(ratio: float) -> float:
            return start + math.log(min(max(ratio, _LEAST), _MOST) / _LEAST) / math.log(_MOST / _LEAST) * room

        pen.text(_MARGIN, y, "Time, beside what it is measured against", _PANEL, color=theme.ink, bold=True)
        for tick in _TICKS:
            pen.text(place(tick), bottom + 0.18, f"{tick:g}×", _SMALL, color=theme.quiet, align="center")
        pen.text(place(1), bottom + 0.35, "equal", _SMALL, color=theme.quiet, align="center")
        before = ""
        for title, beside, rows in self.ratios:
            y += _HEAD
            self._heading(pen, y, title if title != before else "", beside)
            before = title
            for tick in _TICKS:  # beside the rows only, so that none runs through a heading
                color, width = (theme.quiet, 1.4) if tick == 1 else (theme.rule, 0.8)
                ends = [y + 0.07, y + 0.13 + len(rows) * _PITCH]
                pen.line([place(tick)] * 2, ends, color, width=width, dashed=tick != 1)
            for row in rows:
                self._ratio(pen, row, place, y + 0.1 + _PITCH / 2)
                y += _PITCH

    def _heading(self, pen: Pen, y: float, title: str, beside: str) -> None:
        """The group, and what its rows are measured against."""
        first = wide(f"{title} ", _NAME, bold=True) if title else 0.0
        pen.text(_MARGIN, y, title, _NAME, color=self.theme.ink, bold=True)
        pen.text(_MARGIN + first, y, f"beside {beside}", _SMALL, color=self.theme.quiet)

    def _ratio(self, pen: Pen, row: Row, place: Callable[[float], float], y: float) -> None:
        base, color = y + _SMALL * _MIDDLE, self._color(row)
        pen.text(_MARGIN + 0.12, base, fit(row.what, _NAMES - 0.2, _SMALL), _SMALL, color=self.theme.ink)
        left, right = sorted((place(1), place(row.value)))
        pen.box(left, y - _BAR / 2, max(right - left, 0.02), _BAR, Look(color, color, width=0), rounding=0.01)
        pen.line([place(row.low), place(row.high)], [y, y], self.theme.ink, width=1.2)
        if row.goal is not None:
            pen.line([place(row.goal)] * 2, [y - 0.1, y + 0.1], self.theme.ink, width=2.2)
        words = " ".join(filter(None, (_SIGN[row.met], in_words(row.value, row.unit), row.note and f"({row.note})")))
        pen.text(_WIDTH - _MARGIN, base, words, _SMALL, color=color, bold=True, align="right")

    # -- growth

    def _growth(self, pen: Pen, y: float, width: float) -> None:
        theme = self.theme
        pen.text(_MARGIN, y, "Time of a check, by layers", _PANEL, color=theme.ink, bold=True)
        if not self.curves:
            return
        left, right, top, bottom = _MARGIN + 0.6, _MARGIN + width - 0.7, y + 0.3, y + self.lower - 0.3
        sizes = sorted({n for curve in self.curves for n in curve.sizes})
        values = [v for curve in self.curves for v in curve.values]
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

        def across(n: float) -> float:
            return left + math.log(n / sizes[0]) / math.log(sizes[-1] / sizes[0]) * (right - left)

        def down(seconds: float) -> float:
            return bottom - (math.log10(seconds) - low) / (high - low) * (bottom - top)

        for power in range(low, high + 1):
            pen.line([left, right], [down(10.0**power)] * 2, theme.rule, width=0.8, dashed=True)
            pen.text(left - 0.08, down(10.0**power) + 0.045, _seconds(power), _SMALL, color=theme.quiet, align="right")
        for n in sizes:
            if n == sizes[-1] or across(sizes[-1]) - across(n) > 0.4:
                pen.text(across(n), bottom + 0.2, f"{n:,}", _SMALL, color=theme.quiet, align="center")
        self._proportion(pen, across, down)
        end = top - 1.0
        for curve, color in sorted(zip(self.curves, theme.curves, strict=False), key=lambda pair: -pair[0].values[-1]):
            end = max(down(curve.values[-1]), end + 0.36)
            self._curve(pen, curve, color, across, down, (right + 0.1, end))

    def _curve(
        self,
        pen: Pen,
        curve: Curve,
        color: str,
        across: Callable[[float], float],
        down: Callable[[float], float],
        label: tuple[float, float],
    ) -> None:
        xs, ys = [across(n) for n in curve.sizes], [down(v) for v in curve.values]
        pen.line(xs, ys, color, width=2.4)
        for x, y in zip(xs, ys, strict=True):
            pen.dot(x, y, color)
        pen.text(*label, curve.name, _SMALL, color=color, bold=True)
        slope = in_words(exponent(curve.sizes, curve.values), "exponent")
        pen.text(label[0], label[1] + 0.17, slope, _SMALL, color=self.theme.ink)

    def _proportion(self, pen: Pen, across: Callable[[float], float], down: Callable[[float], float]) -> None:
        """What twice the time for twice the layers looks like, beneath the curves."""
        start, end = self.curves[0].sizes[0], self.curves[0].sizes[-1]
        each = min(value / size for curve in self.curves for size, value in zip(curve.sizes, curve.values, strict=True))
        line = [down(max(each * n * 0.6, 1e-9)) for n in (start, end)]
        pen.line([across(start), across(end)], line, self.theme.quiet, width=1, dashed=True)
        middle = math.sqrt(start * end)
        pen.text(across(middle) + 0.1, down(each * middle * 0.6) + 0.2, "in proportion", _SMALL, color=self.theme.quiet)

    # -- what has a unit of its own

    def _allowances(self, pen: Pen, x: float, y: float) -> None:
        pen.text(x, y, "What else it takes, beside its goal", _PANEL, color=self.theme.ink, bold=True)
        start, goal = x + _GOAL_NAMES, (_GOALS - _GOAL_NAMES - _GOAL_FIGURES - 0.1) / _OVER
        for number, row in enumerate(self.goals):
            middle = y + 0.3 + number * _PITCH
            base, color = middle + _SMALL * _MIDDLE, self._color(row)
            pen.text(x, base, fit(row.what, _GOAL_NAMES - 0.12, _SMALL), _SMALL, color=self.theme.ink)
            ground = Look(self.theme.rest, self.theme.rest, width=0)
            pen.box(start, middle - _BAR / 2, goal, _BAR, ground, rounding=0.01)
            share = min(row.value / (row.goal or 1), _OVER)
            if share > 0:
                pen.box(
                    start, middle - _BAR / 2, max(share * goal, 0.02), _BAR, Look(color, color, width=0), rounding=0.01
                )
            pen.line([start + goal] * 2, [middle - 0.1, middle + 0.1], self.theme.ink, width=2.2)
            words = f"{_SIGN[row.met]} {_of(row)}"
            pen.text(x + _GOALS, base, words, _SMALL, color=color, bold=True, align="right")


_SIGN = {True: "✓", False: "✗", None: ""}


def _of(row: Row) -> str:
    """``"45 of 150 ms"``."""
    number, *unit = in_words(row.value, row.unit).removesuffix(" more").split(" ")
    goal = in_words(row.goal or 0, row.unit).split(" ")[0]
    return " ".join((number, "of", goal, *unit))


def _seconds(power: int) -> str:
    return f"{10 ** (power + 3):,} ms" if power < 0 else f"{10**power:,} s"
