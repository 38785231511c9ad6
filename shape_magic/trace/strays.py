"""What was to go into a stack of layers and is none: a class, a function, a tensor, None, a tuple of one."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from typing import Any

from shape_magic.capture.session import Broken, Session
from shape_magic.facts import Stray, StrayKind
from shape_magic.source.cells import code_of, span_of, text_of
from shape_magic.source.declared import called
from shape_magic.trace.classes import is_layer_class
from shape_magic.trace.inputs import call_at
from shape_magic.trace.rows import is_layer


def stray_in(session: Session, broken: Broken) -> Stray | None:
    """The first thing that a ``Sequential`` or its ``add`` was given and that is no layer; None where all are."""
    model, made = broken.model, session.made.get(broken.model)
    if broken.layers[:1] != (model,):
        return None  # it was taken, and broke as the stack around it called it
    call, source = call_at(session.book, broken.span)
    if call is None or not call.args or broken.span is None or made is None or type(model).__name__ != "Sequential":
        return None
    if called(call) == "add":
        items, nodes = list[Any](broken.args[:1]), list[ast.expr](call.args[:1])
    elif broken.span != made.span:
        return None  # it was made, and something else of it broke
    elif len(made.args) > 1 and all(map(_is_taken, made.args)):
        return Stray("loose", "", broken.span)
    elif len(made.args) == 1 and type(made.args[0]) in (list, tuple):
        items, nodes = list(made.args[0]), _elements(call.args[0])
    else:
        return None
    for place, item in enumerate(items):
        kind = _kind(item)
        if kind is not None:
            node = nodes[place] if len(nodes) == len(items) else None
            span = span_of(source, node, broken.span.cell) if node is not None else None
            text = text_of(source, span) if span is not None else f"{code_of(source, call.args[0])}[{place}]"
            return Stray(kind, text, span, _prefix(session, [*items, *getattr(model, "_layers", ())]))
    return None


def _is_taken(item: Any) -> bool:
    """Whether a stack takes it: a layer, or the tensor of an input."""
    history = getattr(item, "_keras_history", None)
    return is_layer(item) or (history is not None and type(history.operation).__name__ == "InputLayer")


def _elements(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.List | ast.Tuple) else []


def _kind(item: Any) -> StrayKind | None:
    """What something is that is no layer; None for a layer, for an input's tensor, and for what is not known."""
    if _is_taken(item):
        return None
    if getattr(item, "_keras_history", None) is not None:
        return "tensor"
    if item is None:
        return "none"
    if type(item) in (tuple, list) and item and all(is_layer(one) for one in item):
        return "tuple" if len(item) == 1 else "list"
    if inspect.isclass(item):
        return "class" if is_layer_class(item) else None
    if isinstance(item, str):
        return "word"
    return "function" if inspect.isfunction(item) else None


def _prefix(session: Session, beside: Sequence[Any]) -> str:
    """What stands in front of the names of the layers beside it: ``"layers."``."""
    for layer in filter(is_layer, beside):
        made = session.made.get(layer)
        call, source = call_at(session.book, made.span if made is not None else None)
        if made is not None and made.exact and call is not None and isinstance(call.func, ast.Attribute):
            return f"{ast.get_source_segment(source, call.func.value)}."
    return ""
