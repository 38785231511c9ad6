"""A model's inputs, and where the user's code says what they are."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from shape_magic.capture.book import Book
from shape_magic.capture.session import Session
from shape_magic.facts import Construct, Data, Handed
from shape_magic.source.cells import stands_at
from shape_magic.source.declared import declared, of_sample
from shape_magic.spans import Span
from shape_magic.trace.arguments import given_to
from shape_magic.trace.layers import is_stack
from shape_magic.trace.origins import written
from shape_magic.trace.rows import graph_of, name_of, shape


def input_data(session: Session, tensor: Any, readers: list[Any]) -> Data:
    """An input of a graph; ``readers`` are layers that may say its shape where no ``Input`` does."""
    history = getattr(tensor, "_keras_history", None)
    operation = history.operation if history is not None else None
    # The name of the InputLayer is what the user may have given.
    name = name_of(operation if operation is not None else tensor)
    return with_declaration(session, Data(name, shape(tensor), str(tensor.dtype)), operation, readers)


def with_declaration(session: Session, data: Data, layer: Any, readers: list[Any]) -> Data:
    """The input with the call that says its shape: that of its InputLayer, else that of a first layer."""
    for one in (layer, *readers):
        made = session.made.get(one) if one is not None else None
        call, source = call_at(session.book, made.span if made else None)
        found = declared(call) if call is not None else None
        if made is not None and found is not None:
            return replace(
                data,
                span=made.span,
                declared=of_sample(found, source),
                handed=handed(session.book, made.span, call, found.value),
            )
    made = session.made.get(layer)
    return replace(data, span=made.span if made is not None else None)


def handed(book: Book, span: Span | None, call: ast.Call | None, value: ast.expr) -> Handed | None:
    """The parameter that a shape is made of, with what the one call of its function gives it; None for no such."""
    names = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
    cell = book.cells.get(span.cell) if span is not None and span.cell is not None else None
    tree = cell.syntax.tree if cell is not None and names else None
    around = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and _holds(n, call)] if tree else []
    if not around:
        return None
    function = around[-1]  # the innermost: walks go from the outside inwards
    parameters = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    bound = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    used = names & set(parameters) - bound
    calls = [(c, n) for c in book.cells.values() for n in c.syntax.calls.values() if _names(n.func, function.name)]
    if len(used) != 1 or len(calls) != 1:
        return None
    name = used.pop()
    caller, at = calls[0]
    place = parameters.index(name)
    given = next((k.value for k in at.keywords if k.arg == name), at.args[place] if place < len(at.args) else None)
    if given is None or any(isinstance(a, ast.Starred) for a in at.args):
        return None
    return Handed(name, written(caller, given))


def _holds(function: ast.FunctionDef, call: ast.Call | None) -> bool:
    return any(node is call for node in ast.walk(function))


def _names(func: ast.expr, name: str) -> bool:
    return isinstance(func, ast.Name) and func.id == name


def own_inputs(session: Session, model: Any) -> tuple[Data, ...]:
    """What a model with a graph takes, and where that is said; of anything else nothing."""
    graph = graph_of(model)
    return tuple(input_data(session, t, first_layers(model)) for t in graph.inputs) if graph is not None else ()


def first_layers(model: Any) -> list[Any]:
    """The layer of a Sequential behind its InputLayer: it may say the input's shape."""
    return list(model._layers[1:2]) if is_stack(model) else []


def call_at(book: Book, span: Span | None) -> tuple[ast.Call | None, str]:
    """The call at a span of a cell, and the text in which its positions count."""
    cell = book.cells.get(span.cell) if span is not None and span.cell is not None else None
    if cell is None or span is None:
        return None, ""
    node = next((call for call in cell.syntax.calls.values() if stands_at(call, cell.source, span)), None)
    return (node, cell.source) if node is not None else (None, "")


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
    data = Data("input", (None,), "float32", span=where, declared=text)
    # Where a layer declares it, the call is that layer's, and what it is given is not for the input alone.
    by_position = len(call.args) if call is not None and layer is None else 0
    return (data,), Construct("InputLayer", given_to(made), by_position=by_position, span=where)
