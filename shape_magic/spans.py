"""Where something stands in the text of cells, and what a shape is: what even a cell without Keras has to know.

The rest of the plain data, in ``facts`` and ``report``, is loaded for the first model.
"""

from __future__ import annotations

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
