"""A comparison as one matplotlib figure, for a slide: ladders side by side, parameters and memory as bars.

All places are in inches from the upper left corner; pyplot's state and rcParams stay as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.figure import Figure

from shape_magic.comparison import Comparison
from shape_magic.display.compare_view import Cell, ComparisonView, Total, build_comparison, ratio
from shape_magic.display.figure import CELL, axis_cell
from shape_magic.display.parts import AxisCell
from shape_magic.display.pen import INK, Look, Pen, Picture, fit, paragraphs, wide, wrap_lines
from shape_magic.words import say

#: More rows than these don't fit on a slide.
_MOST_ROWS = 11
_GREY, _LINE, _DIFFERENT = "#5b6470", "#8f99a5", "#005a8d"
_MARGIN, _PAD = 0.5, 0.14
_BOX, _GAP, _GUTTER = 0.58, 0.14, 0.28
_PITCH = _BOX + _GAP
#: A ladder's width between these; that of the notes at most; of the bars, of a bar's label, and between the parts.
_NARROWEST, _WIDEST, _NOTE, _BARS, _LABEL, _APART = 2.5, 3.5, 2.3, 4.6, 1.15, 0.45
_BAR, _BAR_PITCH, _GROUP_GAP = 0.24, 0.34, 0.3
_TITLE, _HEAD, _BODY, _NAME, _SMALL = 17.0, 12.0, 11.0, 10.5, 9.0
_ASPECT = 16 / 9
_ALIKE = Look("#c3c9d1", "#f6f7f9")
_DIFFERS = Look(_DIFFERENT, "#e8f3fa", width=1.8)
#: The first model, by which the others are measured, and the others.
_FIRST_BAR, _OTHER_BAR = Look("#5b6470", "#b4bac3"), Look("#005a8d", "#56b4e9")


def plot_comparison(comparison: Comparison) -> Figure:
    """The comparison on a page of about a slide's form: the bars stand beside the ladders or below them."""
    view = build_comparison(comparison, _MOST_ROWS)
    page = min((_Page(view, beside=beside) for beside in (True, False)), key=lambda page: page.distance)
    figure = Picture(figsize=(page.width, page.height), dpi=120, facecolor="white")
    page.draw(Pen(figure.add_axes((0, 0, 1, 1)), page.width, page.height))
    return figure


@dataclass(frozen=True, slots=True)
class _Widths:
    """What the columns take, in inches."""

    ladder: float
    note: float


def _measure(view: ComparisonView) -> _Widths:
    cells = [cell for line in view.lines for cell in line.cells if cell]
    needs = [
        max(
            wide(f"{cell.title} ", _NAME, bold=True) + wide(cell.summary, _SMALL),
            len(cell.glyph) * CELL + wide(f"  {cell.shape}  {cell.params}", _SMALL, mono=True),
        )
        for cell in cells
    ]
    notes = [wide(f"{say('compare.sign')} {line.note}", _SMALL, bold=True) for line in view.lines if line.note]
    ladder = min(max(max(needs) + 2 * _PAD, _NARROWEST), _WIDEST)
    return _Widths(ladder, min(max(notes), _NOTE) if notes else 0.0)


class _Page:
    """Title, ladders, notes, bars and the key to the axes."""

    def __init__(self, view: ComparisonView, *, beside: bool) -> None:
        self.view = view
        self.beside = beside
        self.widths = _measure(view)
        count = len(view.names)
        self.ladders = count * self.widths.ladder + (count - 1) * _GUTTER + 0.15 + self.widths.note
        self.rows = len(view.lines) * _PITCH
        self.group = 0.35 + count * _BAR_PITCH
        groups = len(view.totals)
        bars = groups * self.group + (groups - 1) * _GROUP_GAP
        if beside:
            self.width = 2 * _MARGIN + self.ladders + _APART + _BARS
        else:
            self.width = 2 * _MARGIN + max(self.ladders, groups * 3.2)
        self.top = self._heading(None)
        body = max(self.rows, bars) if beside else self.rows + _APART + self.group
        self.height = self.top + body + 0.65 + _MARGIN / 2

    @property
    def distance(self) -> float:
        """How far the page is from a slide's form."""
        return abs(math.log(self.width / self.height / _ASPECT))

    def draw(self, pen: Pen) -> None:
        """Everything on the page."""
        self._heading(pen)
        for k in range(len(self.view.names)):
            self._ladder(pen, k)
        self._notes(pen)
        if self.beside:
            x, y = self.width - _MARGIN - _BARS, self.top
            for total in self.view.totals:
                self._bars(pen, total, x, y, _BARS)
                y += self.group + _GROUP_GAP
        else:
            wide_each = (self.width - 2 * _MARGIN - (len(self.view.totals) - 1) * _APART) / len(self.view.totals)
            for k, total in enumerate(self.view.totals):
                self._bars(pen, total, _MARGIN + k * (wide_each + _APART), self.top + self.rows + _APART, wide_each)
        self._key(pen)

    def _heading(self, pen: Pen | None) -> float:
        """Draws title, sentences and the models' names if there is a pen; gives the place of the first row."""
        room = self.width - 2 * _MARGIN
        texts = [(self.view.title, _TITLE, INK, True, 2)]
        texts += [(sentence, _BODY, _GREY, False, 2) for sentence in self.view.sentences]
        y = paragraphs(pen, texts, (_MARGIN, _MARGIN - 0.1), room, 0.06) + 0.38
        for k, name in enumerate(self.view.names) if pen else ():
            if pen:
                pen.text(self._left(k), y, fit(name, self.widths.ladder, _HEAD, bold=True), _HEAD, bold=True)
        return y + 0.14

    def _left(self, model: int) -> float:
        return _MARGIN + model * (self.widths.ladder + _GUTTER)

    # -- ladders

    def _ladder(self, pen: Pen, model: int) -> None:
        x, cells = self._left(model), [line.cells[model] for line in self.view.lines]
        there = [k for k, cell in enumerate(cells) if cell]
        for above, below in pairwise(there):
            start, end = self.top + above * _PITCH + _BOX, self.top + below * _PITCH
            pen.arrow(x + _PAD + 0.15, start, x + _PAD + 0.15, end, _LINE, width=1.4, dashed=below > above + 1)
        for k in there:
            cell = cells[k]
            if cell:
                self._cell(pen, cell, x, self.top + k * _PITCH, differs=self.view.lines[k].stands_out(model))

    def _cell(self, pen: Pen, cell: Cell, x: float, y: float, *, differs: bool) -> None:
        width, inner = self.widths.ladder, self.widths.ladder - 2 * _PAD
        look = _DIFFERS if differs else _ALIKE
        for away in (0.08, 0.04) if cell.folded else ():
            pen.box(x + away, y + away, width, _BOX, look)
        pen.box(x, y, width, _BOX, look, label="row differs" if differs else "row alike")
        title = fit(cell.title, inner, _NAME, bold=True)
        pen.text(x + _PAD, y + 0.22, title, _NAME, bold=True)
        at = wide(f"{title} ", _NAME, bold=True) + 0.04
        if inner - at > 0.3:
            pen.text(x + _PAD + at, y + 0.22, fit(cell.summary, inner - at, _SMALL), _SMALL, color=_GREY)
        scale = 0.82
        for n, axis in enumerate(cell.glyph):
            axis_cell(pen, x + _PAD + n * CELL * scale, y + 0.31, axis, scale)
        start = x + _PAD + len(cell.glyph) * CELL * scale + (0.08 if cell.glyph else 0)
        params = wide(cell.params, _SMALL, mono=True)
        room = x + width - _PAD - start - params - (0.1 if params else 0)
        pen.text(start, y + 0.46, fit(cell.shape, room, _SMALL, mono=True), _SMALL, mono=True)
        pen.text(x + width - _PAD, y + 0.46, cell.params, _SMALL, mono=True, align="right")

    def _notes(self, pen: Pen) -> None:
        x = self._left(len(self.view.names)) - _GUTTER + 0.15
        for k, line in enumerate(self.view.lines):
            if not line.note:
                continue
            lines = wrap_lines(f"{say('compare.sign')} {line.note}", self.widths.note + 0.02, _SMALL, 3, bold=True)
            y = self.top + k * _PITCH + _BOX / 2 + (0.36 - (len(lines) - 1) / 2 * 1.3) * _SMALL / 72
            for n, text in enumerate(lines):
                pen.text(x, y + n * 1.3 * _SMALL / 72, text, _SMALL, color=_DIFFERENT, bold=True)

    # -- bars

    def _bars(self, pen: Pen, total: Total, x: float, y: float, width: float) -> None:
        """One sum of all models, a bar each, with the number and how it compares with the first."""
        pen.text(x, y + 0.12, fit(total.title, width, _BODY, bold=True), _BODY, bold=True)
        label = min(max(wide(name, _SMALL) for name in self.view.names) + 0.1, _LABEL)
        texts = [_value(total, k) for k in range(len(total.values))]
        longest = max(wide(text, _SMALL, mono=True) for text in texts)
        room = max(width - label - longest - 0.12, 0.3)
        most = max((value or 0 for value in total.values), default=0) or 1
        for k, (value, text) in enumerate(zip(total.values, texts, strict=True)):
            top = y + 0.27 + k * _BAR_PITCH
            base = top + _BAR / 2 + 0.36 * _SMALL / 72
            pen.text(x, base, fit(self.view.names[k], label - 0.06, _SMALL), _SMALL)
            length = room * (value or 0) / most
            if length > 0:
                look = _OTHER_BAR if k else _FIRST_BAR
                pen.box(x + label, top, max(length, 0.02), _BAR, look, label=f"bar {k}", rounding=0.01)
            pen.text(x + label + length + 0.1, base, text, _SMALL, mono=True)

    def _key(self, pen: Pen) -> None:
        """What the letters, the frame and the number in a box stand for."""
        x, y = _MARGIN, self.height - _MARGIN / 2 - 0.3
        cells: dict[str, AxisCell] = {
            a.letter: a for line in self.view.lines for cell in line.cells if cell for a in cell.glyph
        }
        for axis in cells.values():
            axis_cell(pen, x, y, axis, 0.75)
            x = self._said(pen, x + 0.28, y, axis.axis)
        pen.box(x, y, 0.3, CELL * 0.72, _DIFFERS, label="key", rounding=0.03)
        x = self._said(pen, x + 0.38, y, say("compare.key.frame", first=self.view.names[0]))
        self._said(pen, x, y, say("compare.key.number"))

    def _said(self, pen: Pen, x: float, y: float, text: str) -> float:
        """Writes a word of the key; gives the place after it."""
        pen.text(x, y + 0.145, text, _SMALL, color=_GREY)
        return x + wide(text, _SMALL) + 0.22


def _value(total: Total, model: int) -> str:
    first, value = total.values[0], total.values[model]
    if not model or not first or value is None:
        return total.texts[model]
    return say("compare.times", value=total.texts[model], ratio=ratio(value, first))
