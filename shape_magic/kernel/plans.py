"""Which of the plans that were handed out took effect: a plan says nothing yet, the run that follows does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shape_magic.capture.book import Book
from shape_magic.spans import CellId

if TYPE_CHECKING:
    from shape_magic.display.parts import Done

#: How many plans are kept: each view of a card may have asked for one.
_KEPT = 8


@dataclass(frozen=True, slots=True)
class Applied:
    """Edits that the front end was told to make: what they are, and how to take them back."""

    before: Mapping[CellId, str]
    after: Mapping[CellId, str]
    rerun: tuple[CellId, ...]
    done: Done


class Plans:
    """The last plans. The front end may have refused to write one, or another view may have written another."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._waiting: list[Applied] = []

    def note(self, applied: Applied) -> None:
        """A plan was handed out."""
        self._waiting = [*self._waiting[1 - _KEPT :], applied]

    def took_effect(self, cell: CellId) -> Applied | None:
        """The plan that was written, if the cell that begins to run is the last one of the run that it asked for."""
        for plan in reversed(self._waiting):
            edited = [c for c in plan.after if c in plan.rerun]
            if plan.rerun and cell == plan.rerun[-1] and all(self._ran(c, plan.after[c]) for c in edited):
                self._waiting = []
                return plan
        return None

    def _ran(self, cell: CellId, text: str) -> bool:
        known = self._book.cells.get(cell)
        return known is not None and known.source == text
