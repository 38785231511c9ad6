"""A cell read as Python: its calls, the places in it, and the rules that its comments silence."""

from __future__ import annotations

import ast
from functools import cached_property

from shape_magic.source.cells import calls_in, kept, mask, parse, span_from_positions, text_of
from shape_magic.spans import CellId, Span


class Syntax:
    """What is read off the text of one cell, each thing when it is first asked for."""

    def __init__(self, cell: CellId, source: str) -> None:
        self._cell = cell
        self._source = source

    @cached_property
    def tree(self) -> ast.Module | None:
        """The cell's syntax tree with magic lines masked; None when it does not parse."""
        return parse(self._source)

    @cached_property
    def calls(self) -> dict[tuple[int, int, int, int], ast.Call]:
        """Every call expression by (line, UTF-8 column, end line, end column)."""
        if self.tree is None:
            return {}
        return {(n.lineno, n.col_offset, n.end_lineno or 0, n.end_col_offset or 0): n for n in calls_in(self.tree)}

    @cached_property
    def _lines(self) -> tuple[list[str], list[str]]:
        return self._source.split("\n"), mask(self._source).split("\n")

    def span(self, line: int, end_line: int, col: int, end_col: int) -> Span:
        """The span of Python's own positions, whose columns are UTF-8 bytes; raises where the text has none there."""
        return span_from_positions(self._source, line, end_line, col, end_col, self._cell)

    def arguments(self, call: ast.Call, names: tuple[str, ...]) -> tuple[dict[str, str], dict[str, Span]]:
        """The text and the span of every argument of a call, by the names of the positional ones and by keyword."""
        nodes: dict[str, ast.expr] = {}
        for name, node in zip(names, call.args, strict=False):
            if isinstance(node, ast.Starred):
                break
            nodes[name] = node
        nodes |= {k.arg: k.value for k in call.keywords if k.arg}
        spans = {
            name: self.span(n.lineno, n.end_lineno or n.lineno, n.col_offset, n.end_col_offset or 0)
            for name, n in nodes.items()
        }
        return {name: text_of(self._source, span) for name, span in spans.items()}, spans

    def holds(self, span: Span) -> bool:
        """Whether a span lies on lines of the cell that are Python as they stand."""
        lines, masked = self._lines
        if not (1 <= span.start_line <= span.end_line <= len(lines)) or span.end_col > len(lines[span.end_line - 1]):
            return False
        return lines[span.start_line - 1] == masked[span.start_line - 1]

    @cached_property
    def marks(self) -> frozenset[tuple[CellId, int, str]]:
        """The rules that the cell silences, by line."""
        if "shapecheck:" not in self._source:
            return frozenset()
        return frozenset((self._cell, line, rule) for line, rule in kept(self._source))

    @cached_property
    def chained(self) -> dict[tuple[int, int, int], ast.Call]:
        """Method calls over several lines by (line of the method's name, end line, end column).

        Python gives these positions from the method's name on, not from the expression's start.
        """
        return {
            (c.func.end_lineno or 0, c.end_lineno or 0, c.end_col_offset or 0): c
            for c in self.calls.values()
            if isinstance(c.func, ast.Attribute) and c.func.end_lineno != c.lineno
        }
