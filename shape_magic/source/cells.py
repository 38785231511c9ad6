"""Cells as Python: their tree, places in them, and edits.

Lines count from 1 and columns from 0, in code points; Python's own columns are UTF-8 bytes, and
``span_from_positions`` is the one way from those to ours.
"""

from __future__ import annotations

import ast
import threading
import warnings
from collections.abc import Hashable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from shape_magic.interrupts import Deferred
from shape_magic.source.keeping import keep_edit, kept
from shape_magic.source.masking import line_of, line_starts, line_text, mask
from shape_magic.spans import CellId, Edit, Span
from shape_magic.swaps import Swap

__all__ = [
    "apply_edits",
    "diff_lines",
    "differences",
    "keep_edit",
    "kept",
    "mask",
    "node_at",
    "offset",
    "offsets",
    "parse",
    "span_from_offsets",
    "span_from_positions",
    "text_of",
]


@lru_cache(maxsize=512)
def parse(source: str) -> ast.Module | None:
    """The tree of a cell, IPython's syntax masked and top-level ``await`` allowed; None if it isn't Python.

    A cell that is indented as a whole is read as IPython reads it. The tree is kept for whoever asks
    next: it is not to be changed.
    """
    text = mask(source)
    tree = _compiled(text)
    if tree is None and _is_indented(text):
        inner = _compiled("if 1:\n" + text)
        if inner is not None and len(inner.body) == 1 and isinstance(inner.body[0], ast.If):
            tree = ast.Module(body=inner.body[0].body, type_ignores=[])
            ast.increment_lineno(tree, -1)
    return tree


class _Compiling(threading.local):
    """Whether the running thread is compiling for us."""

    now = False


_compiling = _Compiling()


def _unless_compiling(show: Any) -> Any:
    return lambda message: None if _compiling.now else show(message)


#: Without the compiler's warnings: ``"\\d"`` in a user's string is theirs to hear about, from their own run.
#: The filters are left alone: changing them, even for a moment, makes Python repeat old warnings.
_unheard = Swap(lambda: [(warnings, "_showwarnmsg", _unless_compiling)])


def _compiled(text: str) -> ast.Module | None:
    try:
        try:
            tree = _asked_of_python(text)
        except SystemError:
            # Python 3.11.7 was seen to lose count of how deep it was in a long cell, once, and not again.
            tree = _asked_of_python(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, SystemError):
        return None
    return tree if isinstance(tree, ast.Module) else None


def _asked_of_python(text: str) -> ast.AST:
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with Deferred(), _unheard:
        _compiling.now = True
        try:
            tree: ast.AST = compile(text, "<cell>", "exec", flags, dont_inherit=True)
        finally:
            _compiling.now = False
    return tree


def _is_indented(text: str) -> bool:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return first[:1] in (" ", "\t")


def span_from_positions(source: str, lineno: int, end_lineno: int, col: int, end_col: int, cell: CellId | None) -> Span:
    """The span of positions as ``ast`` and ``co_positions`` give them, whose columns are UTF-8 bytes."""
    starts = line_starts(source)
    if source.isascii():
        if not 1 <= lineno <= end_lineno <= len(starts):
            raise IndexError(f"no lines {lineno} to {end_lineno} in a cell of {len(starts)}")
        return Span(cell, lineno, col, end_lineno, end_col)

    def column(line: int, bytes_before: int) -> int:
        text = line_text(source, starts, line)
        if text.isascii():
            return bytes_before
        return len(text.encode("utf-8", "surrogatepass")[:bytes_before].decode("utf-8", "replace"))

    return Span(cell, lineno, column(lineno, col), end_lineno, column(end_lineno, end_col))


def offset(source: str, line: int, col: int) -> int:
    """The offset in the cell's text of a line and a column in code points.

    Raises ValueError when the cell has no such place; the place behind a line's last character is one.
    """
    starts = line_starts(source)
    if not 1 <= line <= len(starts) or not 0 <= col <= len(line_text(source, starts, line)):
        raise ValueError(f"no line {line}, column {col} in a cell of {len(starts)} lines")
    return starts[line - 1] + col


def offsets(source: str, span: Span) -> tuple[int, int]:
    """Where a span starts and ends in the cell's text; raises ValueError when it is not in the cell."""
    start, end = offset(source, span.start_line, span.start_col), offset(source, span.end_line, span.end_col)
    if start > end:
        raise ValueError(f"a span that ends before it starts: {span}")
    return start, end


def span_from_offsets(source: str, start: int, end: int, cell: CellId | None) -> Span:
    """The span of two offsets in the cell's text."""
    starts = line_starts(source)
    first, last = line_of(starts, start), line_of(starts, end)
    return Span(cell, first, start - starts[first - 1], last, end - starts[last - 1])


#: What holds no call, and is most of a tree.
_LEAVES = frozenset({
    *(str, bytes, int, float, complex, bool, type(None), type(...)),
    *(ast.Constant, ast.Name, ast.Load, ast.Store, ast.Del),
})  # fmt: skip


def calls_in(tree: ast.AST) -> list[ast.Call]:
    """Every call expression, in the order of ``ast.walk``, which takes four times as long."""
    nodes: list[Any] = [tree]
    found = []
    for node in nodes:
        if isinstance(node, ast.Call):
            found.append(node)
        for name in node._fields:
            value = getattr(node, name, None)
            if type(value) is list:
                nodes += [one for one in value if type(one) not in _LEAVES]
            elif type(value) not in _LEAVES:
                nodes.append(value)
    return found


def node_at(tree: ast.AST, source: str, span: Span, kind: type[ast.AST] = ast.Call) -> ast.AST | None:
    """The node of this kind with exactly that span, if there is one.

    Of a method call on a value that ends on a later line than it starts, running code says that it
    starts at the method's name: the call is found by that, too.
    """
    return next((n for n in ast.walk(tree) if isinstance(n, kind) and stands_at(n, source, span)), None)


def stands_at(node: ast.AST, source: str, span: Span) -> bool:
    """Whether a node has exactly that span; of a method call also the one that running code says."""
    if getattr(node, "end_lineno", None) != span.end_line:
        return False
    end, end_col = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
    return any(span_from_positions(source, line, end, col, end_col, span.cell) == span for line, col in _starts(node))


def _starts(node: ast.AST) -> Iterator[tuple[int, int]]:
    """Where ``ast`` says that a node starts, and where ``co_positions`` may say so; columns in bytes."""
    yield node.lineno, node.col_offset  # type: ignore[attr-defined]
    method = node.func if isinstance(node, ast.Call) else None
    if isinstance(method, ast.Attribute) and method.end_lineno not in (None, method.lineno):
        yield method.end_lineno or 0, (method.end_col_offset or 0) - len(method.attr.encode())


def text_of(source: str, span: Span) -> str:
    """The text of a span; raises ValueError when it is not in the cell."""
    start, end = offsets(source, span)
    return source[start:end]


def span_of(source: str, node: ast.expr | ast.stmt, cell: CellId | None) -> Span:
    """The span of a node of this text."""
    end = node.end_lineno or node.lineno
    return span_from_positions(source, node.lineno, end, node.col_offset, node.end_col_offset or 0, cell)


def code_of(source: str, node: ast.expr) -> str:
    """An expression as the text writes it; anew from its syntax where it is not in this text."""
    try:
        return text_of(source, span_of(source, node, None))
    except (IndexError, ValueError):
        return ast.unparse(node)


def apply_edits(source: str, edits: Iterable[Edit]) -> str:
    """The cell's text after edits, all of which are places in the text as it was; their order is free.

    Of several insertions at one place the first given comes first. Raises ValueError where edits
    overlap, are not in the text, or belong to different cells.
    """
    edits = list(edits)
    if len({edit.span.cell for edit in edits}) > 1:
        raise ValueError("edits of different cells")
    places = sorted(((*offsets(source, edit.span), edit.text) for edit in edits), key=lambda place: place[:2])
    pieces, last = [], 0
    for start, end, text in places:
        if start < last:
            raise ValueError(f"edits overlap at offset {start}")
        pieces += [source[last:start], text]
        last = end
    return "".join([*pieces, source[last:]])


def diff_lines(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """What goes (``"-"``) and what comes (``"+"``), line by line, without the lines around."""
    old, new = _lines(before), _lines(after)
    found: list[tuple[str, str]] = []
    for a, b, c, d in differences(old, new):
        found += [("-", line) for line in old[a:b]] + [("+", line) for line in new[c:d]]
    return tuple(found)


def differences(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int, int, int]]:
    """Where two sequences differ: from where to where in the one, and in the other, in order.

    What they share at their ends is taken off first: an edit is small, and the search for the rest
    takes the square of what it is given where much of it is alike.
    """
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    tail = next((i for i in range(shorter - head) if old[-1 - i] != new[-1 - i]), shorter - head)
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    found = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    return [(head + i, head + j, head + k, head + m) for kind, i, j, k, m in found if kind != "equal"]


def _lines(source: str) -> list[str]:
    starts = line_starts(source)
    lines = [line_text(source, starts, line + 1) for line in range(len(starts))]
    return lines[:-1] if not lines[-1] else lines
