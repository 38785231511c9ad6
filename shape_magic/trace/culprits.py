"""Where in the user's own layer code a call went wrong: the line that raised, and the tensor that does not fit."""

from __future__ import annotations

import ast
from types import FrameType
from typing import Any

from shape_magic.capture.session import Session
from shape_magic.source.cells import span_of
from shape_magic.spans import Span


def culprits(session: Session, error: BaseException) -> tuple[Span, ...]:
    """The places in the cells' functions, the most telling first; empty where the code is in no cell."""
    found: tuple[FrameType, Span] | None = None
    tb = error.__traceback__
    while tb is not None:
        span = session.book.span_at(tb.tb_frame.f_code, tb.tb_lasti)
        if span is not None and tb.tb_frame.f_code.co_name != "<module>":
            found = tb.tb_frame, span
        tb = tb.tb_next
    if found is None:
        return ()
    frame, span = found
    made = _odd_one(session, frame, span)
    return (made, span) if made is not None else (span,)


def _odd_one(session: Session, frame: FrameType, span: Span) -> Span | None:
    """The statement of the function that made the only tensor whose first axis is not that of the others."""
    cell = session.book.cells.get(span.cell) if span.cell is not None else None
    if cell is None or cell.syntax.tree is None:
        return None
    sizes = {name: size for name, value in frame.f_locals.items() if (size := _batch(value)) is not None}
    used = {n.id for n in ast.walk(cell.syntax.tree) if isinstance(n, ast.Name) and _covers(span, n)} & sizes.keys()
    for name in used:
        others = [sizes[other] for other in sizes if other != name]
        if others and sizes[name] not in others:
            return _assigned(cell, name, span)
    return None


def _batch(value: Any) -> int | None:
    """The size of a tensor's first axis; None for anything else."""
    shape = getattr(value, "shape", None)
    try:
        size = next(iter(shape)) if shape is not None and len(shape) > 1 else None
    except (TypeError, ValueError):  # the number of axes is open
        return None
    return size if isinstance(size, int) else None


def _covers(span: Span, node: ast.Name) -> bool:
    return span.start_line <= node.lineno <= span.end_line


def _assigned(cell: Any, name: str, before: Span) -> Span | None:
    """The last statement above that gives a variable its value."""
    found = [
        node
        for node in ast.walk(cell.syntax.tree)
        if isinstance(node, ast.Assign)
        and node.lineno < before.start_line
        and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
    ]
    if not found:
        return None
    node = max(found, key=lambda n: n.lineno)
    return span_of(cell.source, node, cell.id)
