"""The book of cells: the text of every cell that ran, and the way from a running frame to a place in it."""

from __future__ import annotations

import ast
import itertools
import linecache
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import CodeType, FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from shape_magic.spans import CellId, Span

if TYPE_CHECKING:
    from shape_magic.capture.syntax import Syntax

#: How many frames up a cell is looked for: Keras' own stacks are about 40 deep.
_DEPTH = 120
#: Of so many cells that ran last the syntax is kept: it is a hundred times as large as the text.
_READ = 16


@dataclass
class Cell:
    """One cell as it was run."""

    id: CellId
    source: str
    #: What a person calls it: ``"cell 3"``.
    label: str
    #: Counts runs, so that the cells of a kernel can be put in the order in which they last ran.
    order: int

    @cached_property
    def syntax(self) -> Syntax:
        """The cell as Python, read when it is first asked for: most cells of a notebook never are."""
        from shape_magic.capture.syntax import Syntax

        return Syntax(self.id, self.source)

    def forget_syntax(self) -> None:
        """Let go of what was read off the text: it is read again when it is asked for."""
        vars(self).pop("syntax", None)


@dataclass(slots=True, eq=False)
class Place:
    """Where user code stands: the span of the running call, and its syntax."""

    span: Span
    call: ast.Call | None
    #: The text and the span of each argument by the parameters' names, where they were asked for.
    arguments: dict[tuple[str, ...], tuple[dict[str, str], dict[str, Span]]] = field(default_factory=dict)


class _Positions:
    """The positions of a code object's instructions, read forward: to begin anew for each would be quadratic."""

    def __init__(self, code: CodeType) -> None:
        self._code = code
        self._rest = code.co_positions()
        self._next = 0

    def at(self, instruction: int) -> tuple[int | None, int | None, int | None, int | None] | None:
        """Line, end line, UTF-8 column and end column of an instruction; None where there is none."""
        if instruction < self._next:
            self._rest, self._next = self._code.co_positions(), 0
        skipped, self._next = instruction - self._next, instruction + 1
        return next(itertools.islice(self._rest, skipped, None), None)


@dataclass
class Book:
    """All cells, and which file name of compiled code belongs to which."""

    cells: dict[CellId, Cell] = field(default_factory=dict)
    #: File name of compiled code → the cell, and how many lines stand above it in the cell's full text.
    _files: dict[str, tuple[CellId, int]] = field(default_factory=dict)
    #: File names that are known to be no cell's.
    _foreign: set[str] = field(default_factory=set)
    _order: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    #: What is known of running code until the cell ends: its positions by its id (comparing code is slow; it is
    #: held by them), and the place of each instruction that was asked about.
    _positions: dict[int, _Positions] = field(default_factory=dict)
    _places: dict[tuple[int, int], Place | None] = field(default_factory=dict)
    #: Asked for a file name that is not known (a magic's body, a terminal's cell); may add it.
    find_file: Callable[[str], None] | None = None

    def add(self, cell: CellId, source: str, label: str, filename: str | None = None, lines_above: int = 0) -> Cell:
        """Enter a cell that is about to run."""
        entry = Cell(cell, source, label, next(self._order))
        self.cells[cell] = entry
        if filename is not None:
            self.name_file(filename, cell, lines_above)
            # Tracebacks, inspect and TensorFlow's AutoGraph look the source up by its file name.
            linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        return entry

    def forget_sources(self) -> None:
        """Take the cells' text out of ``linecache`` again."""
        for filename in self._files:
            linecache.cache.pop(filename, None)

    def name_file(self, filename: str, cell: CellId, lines_above: int = 0) -> None:
        """Say that compiled code of this file name is this cell's."""
        self._files[filename] = (cell, lines_above)
        self._foreign.discard(filename)
        self.forget_places()

    def files_of(self, cell: CellId) -> list[tuple[str, int]]:
        """The file names of a cell's compiled code, each with the lines that stand above it."""
        return [(name, above) for name, (owner, above) in self._files.items() if owner == cell]

    def forget_files(self, *prefixes: str) -> None:
        """Ask again whose compiled code of file names that begin so is."""
        for name in [n for n in self._files if n.startswith(prefixes)]:
            del self._files[name]
        self._foreign = {n for n in self._foreign if not n.startswith(prefixes)}
        self.forget_places()

    def forget_places(self) -> None:
        """Let go of the code that ran: where it stands is found anew when it runs again."""
        self._positions.clear()
        self._places.clear()

    def forget_old_syntax(self) -> None:
        """Keep the syntax of the last cells only: of the others the text is enough."""
        last = max((cell.order for cell in self.cells.values()), default=0)
        for cell in self.cells.values():
            if cell.order <= last - _READ:
                cell.forget_syntax()

    def place(self, frame: FrameType | None) -> Place | None:
        """The innermost place in a known cell at or above a frame; None when no cell is on the stack."""
        return self.place_in(self.innermost(frame))

    def place_in(self, inside: FrameType | None) -> Place | None:
        """Where a frame of a known cell stands; None where there is no such frame."""
        return self._place_at(inside.f_code, inside.f_lasti) if inside is not None else None

    def called(self, frame: FrameType | None) -> tuple[Place | None, Any]:
        """The same with the object that its call names, looked up without running anything; None when it can't be."""
        inside = self.innermost(frame)
        place = self.place_in(inside)
        if inside is None or place is None or place.call is None:
            return place, None
        # The frame itself is not kept: it would keep its local variables alive.
        return place, look_up(place.call.func, inside.f_locals, inside.f_globals)

    def innermost(self, frame: FrameType | None) -> FrameType | None:
        """The innermost frame of a known cell at or above a frame; None when no cell is on the stack."""
        foreign = self._foreign
        for _ in range(_DEPTH):
            if frame is None:
                return None
            filename = frame.f_code.co_filename
            if filename not in foreign:  # as those of Keras are, through which nearly every way leads
                if filename not in self._files:
                    self._ask(filename)
                if filename in self._files:
                    return frame
            frame = frame.f_back
        return None

    def cell_of(self, filename: str) -> tuple[Cell, int] | None:
        """The cell whose compiled code has this file name, and how many lines stand above it there."""
        if filename not in self._files and filename not in self._foreign:
            self._ask(filename)
        known = self._files.get(filename)
        return (self.cells[known[0]], known[1]) if known is not None else None

    def _ask(self, filename: str) -> None:
        if self.find_file is not None:
            self.find_file(filename)
        if filename not in self._files:
            self._foreign.add(filename)

    def span_at(self, code: CodeType, instruction: int) -> Span | None:
        """The span of an instruction of a cell's code (of a traceback's entry); None for other code."""
        place = self._place_at(code, instruction) if code.co_filename in self._files else None
        return place.span if place is not None else None

    def _place_at(self, code: CodeType, instruction: int) -> Place | None:
        """The place of an instruction of a cell's code, looked for once: a loop asks for it at each turn."""
        key = id(code), instruction
        if key not in self._places:
            positions = self._positions.get(id(code))
            if positions is None:
                positions = self._positions[id(code)] = _Positions(code)
            self._places[key] = self._located(positions.at(instruction // 2), *self._files[code.co_filename])
        return self._places[key]

    def _located(
        self, positions: tuple[int | None, int | None, int | None, int | None] | None, cell_id: CellId, above: int
    ) -> Place | None:
        line, end_line, col, end_col = positions or (None,) * 4
        if line is None or end_line is None or col is None or end_col is None:
            return None
        cell = self.cells[cell_id]
        line, end_line = line + above, end_line + above
        syntax = cell.syntax
        try:
            span = syntax.span(line, end_line, col, end_col)
        except (IndexError, ValueError):
            return None  # the source was changed under its file name
        if not syntax.holds(span):
            return None  # code that IPython wrote in the place of a magic line
        call = syntax.calls.get((line, col, end_line, end_col)) or syntax.chained.get((line, end_line, end_col))
        if call is not None and (call.lineno, call.col_offset) != (line, col):
            span = syntax.span(call.lineno, end_line, call.col_offset, end_col)
        return Place(span, call)


def look_up(node: ast.expr, *scopes: Mapping[str, object]) -> object | None:
    """The value of a dotted name in the first scope that has it, through modules and classes only."""
    if isinstance(node, ast.Name):
        for scope in scopes:
            if node.id in scope:
                return scope[node.id]
        return None
    if isinstance(node, ast.Attribute):
        owner = look_up(node.value, *scopes)
        return getattr(owner, node.attr, None) if isinstance(owner, _NAMING) else None
    return None


#: What a dotted name leads through.
_NAMING = (type, ModuleType)
