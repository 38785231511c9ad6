"""Where something stands in the text of cells, and what a shape is: what even a cell without Keras has to know.

The rest of the plain data, in ``facts`` and ``report``, is loaded for the first model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shape_magic.frozen import fills_slots

Shape = tuple[int | None, ...]
Axes = tuple[str, ...]
#: The identity of a cell: its position in ``check_cells``' list, the notebook's cell id in a kernel.
CellId = int | str


@fills_slots
@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a cell's full text: lines from 1, columns from 0 in code points, the end exclusive."""

    cell: CellId | None
    start_line: int
    start_col: int
    end_line: int
    end_col: int


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text of a span; an empty span inserts."""

    span: Span
    text: str


def shifted(span: Span, edits: Sequence[Edit]) -> Span:
    """Where a place is after edits that lie outside of it: by lines, its columns as they were."""
    lines = sum(
        e.text.count("\n") - (e.span.end_line - e.span.start_line)
        for e in edits
        if e.span.cell == span.cell and (e.span.end_line, e.span.end_col) <= (span.start_line, span.start_col)
    )
    return Span(span.cell, span.start_line + lines, span.start_col, span.end_line + lines, span.end_col)
