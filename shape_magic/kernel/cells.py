"""IPython's cells in the book: which compiled code belongs to which cell, and where its lines stand."""

from __future__ import annotations

import linecache
import re
import sys
from types import FrameType
from typing import Any

from shape_magic.capture.book import Book
from shape_magic.spans import CellId

#: File names of code that a magic compiles from the running cell's body.
_BODIES = ("<timed", "<magic-timeit", "<decorator")
_MAGIC_LINE = re.compile(r"\s*%%shapecheck(?:\s|$)")


def magic_line(raw: str) -> str | None:
    """The options on the ``%%shapecheck`` line of a cell; None when the cell has none."""
    lines = raw.lstrip("\n").split("\n", 1)
    if not _MAGIC_LINE.match(lines[0]):
        return None
    return lines[0].strip().removeprefix("%%shapecheck").strip()


def without_magic_line(raw: str) -> str:
    """The cell without its ``%%shapecheck`` line."""
    if magic_line(raw) is None:
        return raw
    return raw.lstrip("\n").partition("\n")[2]


def cells_running(shell: Any) -> int:
    """How many cells run in this thread now, one inside the other (``%%capture`` runs its body as one)."""
    code, count = type(shell).run_cell_async.__code__, 0
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        count += frame.f_code is code
        frame = frame.f_back
    return count


class CellFiles:
    """Answers the book's question for a file name, from what IPython keeps."""

    def __init__(self, shell: Any, book: Book) -> None:
        self._shell = shell
        self._book = book
        #: Execution count → the cell that ran under it.
        self._numbers: dict[int, CellId] = {}
        #: File name → the cell that brought it, for code that is asked about only in a later cell.
        self._owners: dict[str, CellId] = {}
        self._current: CellId | None = None
        #: The file names that were there before the running cell: any other is its own. (IPython's
        #: count goes up before the cell in some versions and after it in others.)
        self._before: set[str] = set()
        book.find_file = self.find

    def enter(self, cell: CellId, raw: str, number: int) -> None:
        """A cell is about to run."""
        if self._current is not None:
            new = self._shell.compile._filename_map.keys() - self._before
            self._owners.update(dict.fromkeys(new, self._current))
        self._book.add(cell, raw, f"In [{number}]")
        self._current = cell
        # The kernel names code by the cell's text: an equal cell that ran before is another one.
        own = self._shell.compile.get_code_name(raw, raw, number)
        self._before = set(self._shell.compile._filename_map) - {own}
        self._book.forget_files(own, *_BODIES)

    def find(self, filename: str) -> None:
        """Enter a file name into the book if it is a cell's."""
        number = self._shell.compile._filename_map.get(filename)
        if number is not None and filename not in self._before and self._current is not None:
            cell: CellId | None = self._current
            self._numbers.setdefault(number, self._current)
        elif number is not None:
            cell = self._owners.get(filename) or self._numbers.get(number) or self.remember(number)
        else:
            cell = self._current if filename.startswith(_BODIES) else None
        if cell is None:
            return
        if number is None and not self._book.cells[cell].source.lstrip().startswith("%%"):
            return  # `%time model.fit(…)`: a line's own code, whose place in the cell is not told
        entry = linecache.cache.get(filename)
        lines = list(entry[2]) if entry is not None and len(entry) > 2 else []
        self._book.name_file(filename, cell, lines_above(self._book.cells[cell].source, lines))

    def remember(self, number: int) -> CellId | None:
        """A cell that ran before anything was observed, from IPython's history."""
        if number in self._numbers:
            return self._numbers[number]
        history = self._shell.history_manager.input_hist_raw
        if not 0 < number < len(history):
            return None
        cell = f"In[{number}]"
        self._book.add(cell, history[number], f"In [{number}]")
        self._book.cells[cell].order = number - 100_000  # before every cell that was seen running
        self._numbers[number] = cell
        return cell


def lines_above(raw: str, compiled: list[str]) -> int:
    """How many lines of the cell stand above the first line of the code that was made from it."""
    source = [line.strip() for line in raw.split("\n")]
    code = [line.strip() for line in compiled]
    known = [(i, line) for i, line in enumerate(code) if line and "get_ipython()" not in line]
    if not known:
        return sum(1 for _ in _leading(source))
    index, first = known[0]
    for above in range(len(source)):
        if index + above < len(source) and source[index + above] == first and _matches(source, known, above):
            return above
    return 0


def _matches(source: list[str], known: list[tuple[int, str]], above: int) -> bool:
    return all(i + above < len(source) and source[i + above] == line for i, line in known[:50])


def _leading(source: list[str]) -> list[str]:
    """The magic and blank lines at the top: what ``%%time`` takes off before it compiles."""
    count = 0
    while count < len(source) and (not source[count] or source[count].startswith("%%")):
        count += 1
    return source[:count]
