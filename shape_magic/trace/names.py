"""What the user calls a model: the name that holds it, or that it is about to be given."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from shape_magic.capture.session import Session, Tracked
from shape_magic.trace.rows import name_of


def variable_name(session: Session, model: Any, namespace: Mapping[str, Any], tracked: Tracked | None) -> str:
    """The variable that holds the model, else the one that it would have been assigned to, else Keras' name."""
    held = [k for k, v in namespace.items() if v is model and not k.startswith("_")]
    if held:
        return held[-1]
    assigned = assigned_name(session, tracked.span if tracked else None)
    return assigned or name_of(model)


def assigned_name(session: Session, span: Any, *, within: bool = False) -> str | None:
    """The name on the left of the statement in which a span stands; ``within``: a span that is not all of its value."""
    cell = session.book.cells.get(span.cell) if span is not None and span.cell is not None else None
    if cell is None or cell.syntax.tree is None:
        return None
    for node in ast.walk(cell.syntax.tree):
        if isinstance(node, ast.Assign) and node.lineno <= span.start_line <= (node.end_lineno or 0):
            target = node.targets[0]
            end = (node.value.end_lineno, node.value.end_col_offset)
            whole = end == (span.end_line, span.end_col)
            if isinstance(target, ast.Name) and _calls_model(node.value) and not (within and whole):
                return target.id
    return None


def _calls_model(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and not isinstance(value.func, ast.Call)
