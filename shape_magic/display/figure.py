"""A report as a matplotlib figure, for slides and papers: the ladder of ranks with the row that breaks.

Uses matplotlib's objects only: pyplot's state, the backend and the user's rcParams stay as they
are. All places are in inches from the upper left corner, so that type fits whatever the size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from matplotlib.figure import Figure

from shape_magic.display.disclosure import Disclosure
from shape_magic.display.palette import BREAK, NEW, SWATCHES, UNKNOWN
from shape_magic.display.parts import AxisCell, Fold, Item, ModelView, Row, shown
from shape_magic.display.pen import INK, LEADING, Look, Pen, Picture, fit, paragraphs, wide, wrap_lines
from shape_magic.display.view import build_view
from shape_magic.report import Report
from shape_magic.words import say

_GREY, _LINE = "#5b6470", "#8f99a5"
_MARGIN = 0.5
#: Heights of a row's box and of the space to the next; the width of an axis' cell, a branch's lane, an indent.
_BOX, _GAP, _CELL, _LANE, _INDENT = 0.34, 0.13, 0.25, 0.17, 0.2
_PITCH = _BOX + _GAP
_PAD = 0.16
#: Between ladders that stand beside each other.
_GUTTER = 0.45
#: The widest that a column becomes before its texts are cut.
_WIDEST_NAME, _WIDEST_DOES, _WIDEST_SHAPE, _WIDEST_MARK = 4.2, 3.2, 2.6, 1.75
#: The form of a slide; into how many columns a ladder is broken at most to keep it; the narrowest page.
_ASPECT, _MOST_STACKS, _NARROWEST = 16 / 9, 12, 9.0
#: How much a ladder is stretched to come nearer to it.
_STRETCH = 2.0
#: Type sizes in points.
_TITLE, _BODY, _NAME, _SMALL = 17.0, 11.0, 10.0, 9.0
#: How many lines a title, a message and a mark may take.
_TITLE_LINES, _MESSAGE_LINES, _MARK_LINES = 2, 6, 2

_LOOKS = {
    "ok": Look("#c3c9d1", "#f6f7f9"),
    "broken": Look(BREAK, "#fdeee4", width=2.6),
    "warned": Look("#b07d00", "#fff6dd", width=2.2),
    "asked": Look("#0072b2", "#e8f3fa", width=2.2),
    "new": Look(NEW, "#e6f6f0", width=1.6, line="--"),
    "arrived": Look(NEW, "#e6f6f0", width=1.6),
    "predicted": Look("#8f99a5", "#ffffff", _GREY, line="--"),
    "unreached": Look("#b9c0c9", "#ffffff", "#6c7580", line=":"),
}
_END = Look("#c3c9d1", "#e8ebef")
_STATUS = {"error": "#a84300", "warning": "#7a5700", "info": "#005a8d", "ok": "#00664b"}
_MARKS = {"broken": "#a84300", "warned": "#7a5700", "asked": "#005a8d", "new": "#00664b", "arrived": "#00664b"}
_FOUND = frozenset({"broken", "warned", "asked"})


def plot_report(report: Report, disclosures: Sequence[Disclosure] | None = None) -> Figure:
    """The ladders of a report's models as one figure; those of equal build are drawn once.

    Rows past the break are dashed: they are what the first fix makes of the model. The figure grows
    with the number of rows and keeps about the form of a slide by breaking long ladders.
    ``disclosures`` say how much of each finding may be seen; None: all.
    """
    pages = [_Page(model) for model in build_view(report, disclosures=disclosures).models]
    if not pages:
        figure = Picture(figsize=(6.4, 1.2), dpi=120, facecolor="white")
        Pen(figure.add_axes((0, 0, 1, 1)), 6.4, 1.2).text(0.5, 0.65, say("text.nothing"), _BODY, color=_GREY)
        return figure
    width, height = sum(page.width for page in pages), max(page.height for page in pages)
    figure = Picture(figsize=(width, height), dpi=120, facecolor="white")
    parts = figure.subfigures(1, len(pages), width_ratios=[p.width for p in pages], squeeze=False, wspace=0)[0]
    for part, page in zip(parts, pages, strict=True):
        part.set_facecolor("white")
        page.draw(Pen(part.add_axes((0, 0, 1, 1)), page.width, height))
    return figure


@dataclass(frozen=True, slots=True)
class _Columns:
    """The widths of a ladder's columns, in inches."""

    lanes: float
    name: float
    does: float
    rank: float
    shape: float
    params: float

    @property
    def box(self) -> float:
        """A row's box."""
        return self.name + self.does + self.rank + self.shape + self.params + 6 * _PAD


def _measure(lines: list[tuple[int, Item]], lanes: int) -> _Columns:
    items = [item for _, item in lines]
    heads = {key: wide(say(f"text.column.{key}"), _SMALL) for key in ("layer", "does", "rank", "shape", "params")}
    names = [
        _title_width(item) + wide(_name(item), _SMALL, mono=True) + depth * _INDENT + 0.02 for depth, item in lines
    ]
    return _Columns(
        lanes=lanes * _LANE + (0.12 if lanes else 0),
        name=min(max(heads["layer"], *names, 0), _WIDEST_NAME),
        does=min(max(heads["does"], *(wide(_does(item), _SMALL) for item in items), 0), _WIDEST_DOES),
        rank=max(heads["rank"], *(len(item.glyph) * _CELL for item in items), 0),
        shape=min(max(heads["shape"], *(wide(item.shape, _SMALL, mono=True) for item in items), 0), _WIDEST_SHAPE),
        params=max(heads["params"], *(wide(item.params, _SMALL, mono=True) for item in items), 0),
    )


def _mark_width(lines: list[tuple[int, Item]]) -> float:
    """What the marks beside these rows take, 0 where there are none."""
    marks = [wide(_mark(item), _SMALL, bold=True) for _, item in lines if _mark(item)]
    return min(max(marks), _WIDEST_MARK) + 2 * _PAD if marks else 0.0


def _title_width(item: Item) -> float:
    return wide(f"{item.title} ", _NAME, bold=_is_layer(item)) + 0.05


def _name(item: Item) -> str:
    return item.name if isinstance(item, Row) else ""


def _does(item: Item) -> str:
    source = item.source if isinstance(item, Row) else ""
    return " · ".join(part for part in (item.summary, source) if part)


def _mark(item: Item) -> str:
    if not isinstance(item, Row) or not item.mark:
        return ""
    return say("text.here", mark=item.mark) if item.state in _FOUND else item.mark


def _is_layer(item: Item) -> bool:
    return isinstance(item, Fold) or item.kind == "layer"


def _joined(item: Item, below: Item) -> bool:
    """Whether an arrow leads from a row into the next; what a fix makes of the model doesn't hang on the break."""
    repaired = below.state in {"predicted", "new"}
    return (isinstance(below, Fold) or below.linked) and not (item.state in _FOUND and repaired)


def _edge_look(below: Item) -> tuple[str, float, bool]:
    """Colour, width and dashes of the arrow into a row."""
    if below.state in _FOUND:
        return _LOOKS[below.state].edge, 2.4, False
    return (NEW if below.state in {"new", "arrived"} else _LINE), 1.4, below.state in {"predicted", "new", "unreached"}


class _Page:
    """One model: heading, ladder in one or more columns, fixes and the key to the axes."""

    def __init__(self, model: ModelView) -> None:
        self.model = model
        self.lines = list(shown(model.items))
        self.columns = _measure(self.lines, model.lanes)
        most = min(_MOST_STACKS, max(1, len(self.lines) // 4))
        _, rows, self.width, self.height = min(self._form(stacks) for stacks in range(1, most + 1))
        self.rows = rows
        self.parts = self._parts(rows)
        wider = min(max(self.height * _ASPECT - self.width, 0), _STRETCH)
        self.columns = replace(self.columns, does=self.columns.does + wider / len(self.parts))
        self.width += wider

    def _parts(self, rows: int) -> list[list[tuple[int, Item]]]:
        return [self.lines[start : start + rows] for start in range(0, max(len(self.lines), 1), max(rows, 1))]

    def _form(self, stacks: int) -> tuple[float, int, float, float]:
        """How far a page with so many columns is from a slide, its rows per column and its size."""
        rows = math.ceil(len(self.lines) / stacks)
        width = max(_NARROWEST, self._ladder(self._parts(rows)) + 2 * _MARGIN)
        height = self._heading(None, width) + rows * _PITCH + self._footing(None, 0, width) + _MARGIN
        return abs(math.log(width / height / _ASPECT)), rows, width, height

    def _ladder(self, parts: list[list[tuple[int, Item]]]) -> float:
        """The width of the columns with their branches, marks and what is between them."""
        column = self.columns.lanes + self.columns.box
        return sum(column + _mark_width(part) for part in parts) + (len(parts) - 1) * _GUTTER

    def draw(self, pen: Pen) -> None:
        """Everything on the page."""
        top = self._heading(pen, self.width)
        x = max(_MARGIN, (self.width - self._ladder(self.parts)) / 2)
        stacks: list[_Stack] = []
        for part in self.parts:
            stacks.append(_Stack(pen, x + self.columns.lanes, top, self.columns, part))
            x += self.columns.lanes + self.columns.box + _mark_width(part) + _GUTTER
        for stack, following in zip(stacks, [*stacks[1:], None], strict=True):
            stack.draw(following)
        self._footing(pen, top + self.rows * _PITCH, self.width)

    def _heading(self, pen: Pen | None, width: float) -> float:
        """Draws the heading if there is a pen; gives the place of the first row's box."""
        room = width - 2 * _MARGIN
        cards = self.model.cards
        ink = _STATUS[self.model.status]
        texts = [(self.model.line, _SMALL if cards else _TITLE - 3, _GREY if cards else ink, not cards, _TITLE_LINES)]
        if cards:
            texts.append((f"{cards[0].icon} {cards[0].title}", _TITLE, ink, True, _TITLE_LINES))
            hints = [f"{step}: {hint}" for step, hint in zip(cards[0].steps, cards[0].hints, strict=False)]
            texts += [(text, _BODY, INK, False, _MESSAGE_LINES) for text in (cards[0].message, *hints) if text]
        texts += [(f"{card.icon} {card.title}", _BODY, _STATUS[card.severity], True, 1) for card in cards[1:3]]
        return paragraphs(pen, texts, (_MARGIN, _MARGIN - 0.1), room, 0.08) + 0.42

    def _footing(self, pen: Pen | None, y: float, width: float) -> float:
        """Draws the fixes and the key to the axes if there is a pen; gives the height that they take."""
        start, room = y, width - 2 * _MARGIN
        fixes = self.model.cards[0].fixes[:2] if self.model.cards else ()
        for fix in fixes:
            y += _BODY * LEADING + 0.04
            title = fit(say("figure.fix", number=fix.number, title=fix.title), room * 0.6, _BODY, bold=True)
            at = _MARGIN + wide(title, _BODY, bold=True) + 0.15
            if pen:
                pen.text(_MARGIN, y, title, _BODY, color=_STATUS["ok"], bold=True)
                pen.text(at, y, fit(fix.note, width - _MARGIN - at, _SMALL), _SMALL, color=_GREY)
        y += 0.18 if fixes else 0.15
        if pen:
            self._key(pen, y)
        return y - start + _CELL

    def _key(self, pen: Pen, y: float) -> None:
        """The letters of the rank glyphs and what they stand for."""
        x = _MARGIN
        cells = {cell.letter: cell for _, item in self.lines for cell in item.glyph}
        for cell in cells.values():
            _cell(pen, x, y, cell, 0.75)
            pen.text(x + 0.28, y + 0.145, cell.word, _SMALL, color=_GREY)
            x += 0.28 + wide(cell.word, _SMALL) + 0.22


def _cell(pen: Pen, x: float, y: float, cell: AxisCell, scale: float = 1.0, *, faint: bool = False) -> None:
    """One axis of a glyph: a coloured square with its letter."""
    look = SWATCHES.get(cell.axis, UNKNOWN)
    side = (_CELL - 0.02) * scale
    pen.box(x, y, side, side, Look("none", look.fill, width=0), label=f"axis {cell.letter}", rounding=0.03)
    size = _NAME * scale
    pen.text(
        x + side / 2, y + side / 2 + 0.36 * size / 72, cell.letter, size, color=look.ink, bold=True, align="center"
    )
    if faint:
        pen.veil(x, y, side)


#: For our other figures: the width of an axis' cell, and what draws it.
CELL, axis_cell = _CELL, _cell


class _Stack:
    """One column of rows; ``left`` and ``top`` are those of the first row's box."""

    def __init__(self, pen: Pen, left: float, top: float, columns: _Columns, lines: list[tuple[int, Item]]) -> None:
        self.pen = pen
        self.left = left
        self.top = top
        self.columns = columns
        self.lines = lines

    def draw(self, following: _Stack | None) -> None:
        """The rows, what connects them (also to the ``following`` column), and their marks."""
        if self.lines:
            self._captions()
        for k, (depth, item) in enumerate(self.lines):
            self._row(k, item, depth)
            self._rails(k, item)
        for k, ((_, item), (_, below)) in enumerate(pairwise(self.lines)):
            self._edge(k, item, below)
        if following and following.lines:
            self._turn(following)
        marks = [(k, item.state, _mark(item)) for k, (_, item) in enumerate(self.lines)]
        for (state, mark), run in groupby(marks, key=lambda entry: entry[1:]):
            if mark:
                rows = [k for k, _, _ in run]
                self._marked(rows[0], rows[-1], state, mark)

    def _y(self, k: int) -> float:
        return self.top + k * _PITCH

    def _places(self) -> tuple[float, float, float, float, float]:
        """The left edges of name, does, rank and shape; the right edge of params."""
        c = self.columns
        name = self.left + _PAD
        does = name + c.name + _PAD
        rank = does + c.does + _PAD
        shape = rank + c.rank + _PAD
        return name, does, rank, shape, self.left + c.box - _PAD

    def _captions(self) -> None:
        *starts, end = self._places()
        y = self.top - 0.1
        for x, key in zip(starts, ("layer", "does", "rank", "shape"), strict=True):
            self.pen.text(x, y, say(f"text.column.{key}"), _SMALL, color=_GREY)
        self.pen.text(end, y, say("text.column.params"), _SMALL, color=_GREY, align="right")

    def _row(self, k: int, item: Item, depth: int) -> None:
        look = _LOOKS[item.state]
        if look is _LOOKS["ok"] and not _is_layer(item):
            look = _END
        y, indent, c = self._y(k), depth * _INDENT, self.columns
        if isinstance(item, Fold):
            for away in (0.08, 0.04):
                self.pen.box(self.left + indent + away, y + away, c.box - indent, _BOX, look)
        label = f"row {item.state}"
        self.pen.box(self.left + indent, y, c.box - indent, _BOX, look, label=label)
        base = y + _BOX / 2 + 0.36 * _NAME / 72
        name, does, rank, shape, end = self._places()
        bold = _is_layer(item)
        title = fit(item.title, c.name - indent, _NAME, bold=bold)
        self.pen.text(name + indent, base, title, _NAME, color=look.ink, bold=bold)
        at = _title_width(item)
        if c.name - indent - at > 0.3:
            said = fit(_name(item), c.name - indent - at, _SMALL, mono=True)
            self.pen.text(name + indent + at, base, said, _SMALL, color=look.ink if not bold else _GREY, mono=True)
        self.pen.text(does, base, fit(_does(item), c.does, _SMALL), _SMALL, color=look.ink)
        for n, cell in enumerate(item.glyph):
            _cell(self.pen, rank + n * _CELL, y + (_BOX - _CELL) / 2 + 0.01, cell, faint=item.state == "predicted")
        self.pen.text(shape, base, fit(item.shape, c.shape, _SMALL, mono=True), _SMALL, color=look.ink, mono=True)
        self.pen.text(end, base, item.params, _SMALL, color=look.ink, mono=True, align="right")

    def _edge(self, k: int, item: Item, below: Item) -> None:
        """The arrow into the row below ``k``, red where that one breaks."""
        if not _joined(item, below):
            return
        color, width, dashed = _edge_look(below)
        x, y = self.left + _PAD + 0.15, self._y(k) + _BOX
        self.pen.arrow(x, y, x, y + _GAP, color, width=width, dashed=dashed)

    def _turn(self, following: _Stack) -> None:
        """The arrow from the last row to the first one of the next column."""
        (_, item), (_, below) = self.lines[-1], following.lines[0]
        if not _joined(item, below):
            return
        color, width, dashed = _edge_look(below)
        x, y = self.left + _PAD + 0.15, self._y(len(self.lines) - 1) + _BOX
        turn, into = following.left - self.columns.lanes - _GUTTER / 2, following.top + _BOX / 2
        low = y + _GAP * 0.8
        self.pen.line([x, x, turn, turn], [y, low, low, into], color, width=width, dashed=dashed)
        self.pen.arrow(turn, into, following.left, into, color, width=width, dashed=dashed)

    def _rails(self, k: int, item: Item) -> None:
        """The branches beside a row: where one leaves a dot, where one arrives an arrow."""
        for lane, rail in enumerate(item.rails):
            if not rail:
                continue
            x = self.left - 0.12 - (lane + 0.5) * _LANE
            top, bottom = self._y(k), self._y(k) + _PITCH
            # A branch arrives above the middle and leaves below it, so that the two can't be mixed up.
            arrives, leaves = top + _BOX * 0.32, top + _BOX * 0.68
            self.pen.line([x, x], [leaves if rail == "start" else top, arrives if rail == "end" else bottom], _LINE)
            if rail == "start":
                self.pen.line([x, self.left], [leaves, leaves], _LINE)
                self.pen.dot(self.left, leaves, _LINE)
            elif rail in {"end", "tee"}:
                self.pen.arrow(x, arrives, self.left, arrives, _edge_look(item)[0])

    def _marked(self, first: int, last: int, state: str, mark: str) -> None:
        """The words beside rows; a bracket where they speak of rows that are not there yet."""
        color = _MARKS.get(state, _GREY)
        x = self.left + self.columns.box + _PAD
        top, bottom = self._y(first), self._y(last) + _BOX
        if state not in _FOUND:
            self.pen.line([x - 0.06, x, x, x - 0.06], [top, top, bottom, bottom], color)
        lines = wrap_lines(mark, _mark_width(self.lines) - 2 * _PAD + 0.02, _SMALL, _MARK_LINES, bold=True)
        y = (top + bottom) / 2 + (0.36 - (len(lines) - 1) / 2 * 1.3) * _SMALL / 72
        for n, line in enumerate(lines):
            self.pen.text(x + 0.1, y + n * 1.3 * _SMALL / 72, line, _SMALL, color=color, bold=True)
