"""The statements of a run: those at its start that other runs have as well, and the rest.

Imports do nothing but bind names, so that what an edit adds to one may run later than it stands, as long as
nobody in between knows the name: the runs of two repairs differ only from the first edit behind the imports on.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shape_magic.capture.session import Moved
from shape_magic.repair.slices import Code, Slice, Statement, statements_of
from shape_magic.spans import CellId, Span

#: What makes two statements the same: the cell, the column and the text; of an import the names.
Key = tuple[CellId, int, str]


@dataclass(frozen=True, slots=True)
class Trail:
    """The statements of a run in the order in which they run."""

    shared: tuple[Statement, ...]
    rest: tuple[Statement, ...]

    @property
    def keys(self) -> tuple[Key, ...]:
        """The shared ones, whatever lines they stand on."""
        return tuple(key_of(s) for s in self.shared)


class Original:
    """The statements of the cells as they are."""

    def __init__(self, cells: Sequence[tuple[CellId, str]]) -> None:
        self.statements = statements_of(cells)
        self._keys = {key_of(s) for s in self.statements}
        self._imports = {name for s in self.statements if _is_import(s) for name in _imported(s.node)}

    def trail(self, part: Slice) -> Trail:
        """The statements of an edited part, from the first on that the cells do not have as they are."""
        shared: list[Statement] = []
        late: list[Statement] = []
        rest: list[Statement] = []
        for s in part.statements:
            if rest:
                rest.append(s)
            elif _is_import(s):
                old = [name in self._imports for name in _imported(s.node)]
                shared += _with_names(s, old)
                late += _with_names(s, [not known for known in old])
            else:
                (shared if key_of(s) in self._keys else rest).append(s)
        new = {name for s in late for name in s.code.writes}
        if all(_is_import(s) for s in shared) or any(new & (s.code.reads | s.code.writes) for s in shared):
            return Trail((), part.statements)
        return Trail(tuple(shared), (*late, *rest))


def key_of(s: Statement) -> Key:
    """What makes a statement the same in two texts."""
    return s.cell, s.node.col_offset, s.code.text


def _is_import(s: Statement) -> bool:
    return isinstance(s.node, ast.Import | ast.ImportFrom)


def _imported(node: ast.stmt) -> list[tuple[object, ...]]:
    """What makes each name of an import the same as another one's."""
    assert isinstance(node, ast.Import | ast.ImportFrom)
    of = (node.module, node.level) if isinstance(node, ast.ImportFrom) else ()
    return [(a.name, a.asname, *of) for a in node.names]


def _with_names(s: Statement, chosen: list[bool]) -> list[Statement]:
    """The import with these of its names alone; none where there are no names."""
    if all(chosen):
        return [s]
    if not any(chosen):
        return []
    node = s.node
    assert isinstance(node, ast.Import | ast.ImportFrom)
    names = [alias for alias, yes in zip(node.names, chosen, strict=True) if yes]
    new = ast.ImportFrom(node.module, names, node.level) if isinstance(node, ast.ImportFrom) else ast.Import(names)
    return [Statement(s.cell, Code(ast.copy_location(new, node), s.code.first, s.code.last, ast.unparse(new)))]


def unmoved(value: Any) -> Any:
    """What is where it was."""
    return value


def moves(before: Sequence[Statement], after: Sequence[Statement]) -> Moved | None:
    """Where spans in the statements of one text are in another one; None: where they were."""
    shifts: dict[tuple[CellId, int], int] = {}
    for old, new in zip(before, after, strict=True):
        by = new.code.first - old.code.first
        shifts |= {(old.cell, line): by for line in range(old.code.first, old.code.last + 1)}
    if not any(shifts.values()):
        return None

    def moved(span: Span | None) -> Span | None:
        by = shifts.get((span.cell, span.start_line), 0) if span is not None and span.cell is not None else 0
        if span is None or not by:
            return span
        return Span(span.cell, span.start_line + by, span.start_col, span.end_line + by, span.end_col)

    return moved
