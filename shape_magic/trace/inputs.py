"""A model's inputs, and where the user's code says what they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from shape_magic.capture.book import Book, Cell
from shape_magic.capture.session import Made, Session
from shape_magic.facts import Construct, Data, Span
from shape_magic.source.cells import node_at, span_from_positions
from shape_magic.source.declared import declared, of_sample
from shape_magic.trace.layers import plain_values, positional
from shape_magic.trace.rows import shape


def input_data(session: Session, tensor: Any, readers: list[Any]) -> Data:
    """An input of a graph; ``readers`` are layers that may say its shape where no ``Input`` does."""
    history = getattr(tensor, "_keras_history", None)
    operation = history.operation if history is not None else None
    # The name of the InputLayer is what the user may have given.
    name = str(getattr(operation, "name", tensor.name) if operation is not None else tensor.name)
    return with_declaration(session, Data(name, shape(tensor), str(tensor.dtype)), operation, readers)


def with_declaration(session: Session, data: Data, layer: Any, readers: list[Any]) -> Data:
    """The input with the call that says its shape: that of its InputLayer, else that of a first layer."""
    for one in (layer, *readers):
        made = session.made.get(one) if one is not None else None
        call, source = call_at(session.book, made.span if made else None)
        found = declared(call) if call is not None else None
        if made is not None and found is not None:
            return replace(data, span=made.span, declared=of_sample(found, source))
    made = session.made.get(layer)
    return replace(data, span=made.span if made is not None else None)


def call_at(book: Book, span: Span | None) -> tuple[ast.Call | None, str]:
    """The call at a span of a cell, and the text in which its positions count."""
    cell = book.cells.get(span.cell) if span is not None and span.cell is not None else None
    if cell is None or cell.tree is None or span is None:
        return None, ""
    node = node_at(cell.tree, cell.source, span, ast.Call)
    return (node, cell.source) if isinstance(node, ast.Call) else (None, "")


def refused(session: Session, layer: Any, span: Span | None) -> tuple[tuple[Data, ...], Construct | None]:
    """The input whose InputLayer raised while it was made, and what that was given; ``layer`` may declare it."""
    made = session.making
    if made is None or made.cls.__name__ != "InputLayer":
        return (), None
    at = session.made.get(layer) if layer is not None else None
    where = at.span if at is not None else span
    call, source = call_at(session.book, where)
    found = declared(call) if call is not None else None
    text = of_sample(found, source) if found is not None else ""
    return (Data("input", (None,), "float32", span=where, declared=text),), Construct("InputLayer", _arguments(made))


def _arguments(made: Made) -> dict[str, object]:
    return positional(made.cls, made.args) | plain_values(made.kwargs)


def assigned(book: Book, data: Data, use: Span | None) -> Data:
    """Data with the statement that last gave their variable a value before the call that uses them."""
    if use is None or use.cell not in book.cells or not data.name.isidentifier():
        return data
    here = book.cells[use.cell]
    cells = sorted((c for c in book.cells.values() if c.order <= here.order), key=lambda c: c.order, reverse=True)
    for cell in cells:
        for node in _bindings(cell, data.name):
            if cell is not here or node.lineno < use.start_line:
                span = span_from_positions(
                    cell.source,
                    node.lineno,
                    node.end_lineno or node.lineno,
                    node.col_offset,
                    node.end_col_offset or 0,
                    cell.id,
                )
                return replace(data, assigned=span)
    return data


def _bindings(cell: Cell, name: str) -> Iterator[ast.Assign]:
    """The cell's statements that give a variable a value, the last first."""
    for node in reversed(cell.tree.body if cell.tree is not None else []):
        if isinstance(node, ast.Assign):
            targets = [e for t in node.targets for e in (t.elts if isinstance(t, ast.Tuple | ast.List) else [t])]
            if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                yield node
