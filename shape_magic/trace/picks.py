"""Where code asks for the position of the largest number, and there is only one: ``np.argmax(answers, axis=1)``."""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import ModuleType

import numpy as np

from shape_magic.capture.book import Cell
from shape_magic.misread import PickOfOne
from shape_magic.source.cells import span_of, text_of
from shape_magic.spans import Shape
from shape_magic.trace.reductions import Over, Value, is_one


def pick_at(
    cell: Cell,
    call: ast.Call,
    answers: ast.expr,
    value: Value,
    over: Over | None,
    module: ast.expr | None,
    named: Callable[[str], object],
) -> PickOfOne | None:
    """The call of an ``argmax`` in a cell, where it looks through one number for each sample, or of one sample.

    ``answers``: the expression that it looks through, of this ``value``; ``module``: where the function is found,
    None where it is a method; ``named``: what a name holds.
    """
    if over is None or value.source is None or not _holds_one(value.shape, over.axis):
        return None
    from_last = over.axis - len(value.shape) if over.axis is not None and over.axis >= 0 else over.axis
    span, inner = (span_of(cell.source, one, cell.id) for one in (call, answers))
    return PickOfOne(
        span=span,
        answers=inner,
        text=text_of(cell.source, span),
        shape=value.shape,
        axis=from_last,
        keepdims=over.keepdims,
        module=_with_cast(module, named) if module is not None else "",
        made=value.source.span,
        cell=cell.id,
    )


def _holds_one(shape: Shape, axis: int | None) -> bool:
    """Whether there is one number along an axis, or in all. Along that of the samples there is one for each."""
    if axis is None or len(shape) == 1:
        return is_one(shape)
    return -len(shape) < axis < len(shape) and axis != 0 and shape[axis] == 1


def _with_cast(module: ast.expr, named: Callable[[str], object]) -> str | None:
    """How the module with a ``cast`` is written that a function was found in; empty for NumPy, None for any other."""
    found = _module(module, named)
    if found is np:
        return ""
    while not hasattr(found, "cast"):  # ``tf.math`` has none, and ``tf`` has one
        if not isinstance(module, ast.Attribute):
            return None
        module = module.value
        found = _module(module, named)
    return ast.unparse(module)


def _module(node: ast.expr, named: Callable[[str], object]) -> ModuleType | None:
    match node:
        case ast.Name(id=name):
            found = named(name)
        case ast.Attribute(value=inner, attr=name):
            found = getattr(_module(inner, named), name, None)
        case _:
            return None
    return found if isinstance(found, ModuleType) else None
