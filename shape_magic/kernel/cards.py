"""The cards that a notebook shows: the last one of each model, and those that a cell's output may still hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from shape_magic.spans import CellId

if TYPE_CHECKING:
    from shape_magic.display.widget import ShapeWidget


class Cards:
    """Cards by model and by cell; ipywidgets keeps every one that is not closed, with its report, for good."""

    def __init__(self) -> None:
        self._of_model: dict[int, ShapeWidget] = {}
        #: By cell: the cards of its last run, and of the run before, from which a page may still be editing the cell.
        self._of_cell: dict[CellId, tuple[list[ShapeWidget], list[ShapeWidget]]] = {}

    def begin(self, cell: CellId) -> None:
        """A cell is run again: its new output takes the place of the last one."""
        last, before = self._of_cell.pop(cell, ([], []))
        for card in before:
            card.close()
        gone = {id(card) for card in before}
        self._of_model = {number: card for number, card in self._of_model.items() if id(card) not in gone}
        if last:
            self._of_cell[cell] = [], last

    def note(self, card: ShapeWidget, cell: CellId | None, numbers: Iterable[int]) -> None:
        """A card was shown in a cell, for models by their numbers."""
        self._of_model |= dict.fromkeys(numbers, card)
        if cell is not None:
            self._of_cell.setdefault(cell, ([], []))[0].append(card)

    def of(self, numbers: Iterable[int]) -> Iterator[ShapeWidget]:
        """The last card of each of these models, each card once."""
        found = [card for number in numbers if (card := self._of_model.get(number)) is not None]
        yield from {id(card): card for card in found}.values()

    def __iter__(self) -> Iterator[ShapeWidget]:
        """The last cards of all models, each card once."""
        return self.of(list(self._of_model))
