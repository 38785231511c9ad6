"""A comparison for terminals and ``print``: as many models beside each other as fit, the others below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shape_magic.comparison import Comparison
from shape_magic.display.compare_view import Cell, ComparisonView, build_comparison
from shape_magic.display.text import printed, terminal_columns
from shape_magic.words import say

#: The most rows; what a model's column and the notes take at least, in characters.
_MOST_ROWS = 30
_COLUMN, _NOTE = 30, 14


def render_comparison(comparison: Comparison, *, width: int | None = None, encoding: str | None = None) -> str:
    """The comparison as text; ``width`` is that of the terminal when None."""
    columns = terminal_columns(width)
    view = build_comparison(comparison, _MOST_ROWS)
    return printed(Group(*_parts(view, columns)), columns, encoding=encoding)


def _parts(view: ComparisonView, columns: int) -> Iterator[RenderableType]:
    yield Text(view.title)
    yield Text()
    beside = max(1, (columns - _NOTE) // _COLUMN)
    for models in _groups(len(view.names), beside):
        yield _rows(view, models)
        yield Text()
    yield _sums(view)
    if view.sentences:
        yield Text()
        yield from map(Text, view.sentences)


def _groups(count: int, beside: int) -> list[range]:
    return [range(start, min(start + beside, count)) for start in range(0, count, beside)]


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, header_style="dim")


def _rows(view: ComparisonView, models: Sequence[int]) -> Table:
    table = _table()
    table.add_column("", width=1)
    for k in models:
        table.add_column(Text(view.names[k]), overflow="fold", ratio=2)
    table.add_column(say("compare.column.note"), overflow="fold", min_width=_NOTE, ratio=1)
    for line in view.lines:
        sign = say("compare.sign") if line.note else ""
        cells = [_cell(line.cells[k]) for k in models]
        table.add_row(Text(sign), *cells, Text(line.note), style="" if line.note else "dim")
    return table


def _cell(cell: Cell | None) -> Text:
    """What the layer is and, below, what it gives."""
    if cell is None:
        return Text(say("compare.absent"))
    rank = " ".join(axis.letter for axis in cell.glyph)
    below = "  ".join(part for part in (rank, cell.shape, cell.params) if part)
    return Text(f"{cell.title} {cell.summary}".rstrip() + f"\n  {below}")


def _sums(view: ComparisonView) -> Table:
    table = _table()
    table.add_column(say("compare.column.total"), overflow="fold")
    for name in view.names:
        table.add_column(Text(name), justify="right", overflow="fold")
    for total in view.totals:
        table.add_row(Text(total.title), *map(Text, total.texts))
    return table
