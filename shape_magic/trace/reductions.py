"""What is known of an expression, and what of it is left without an axis: ``tf.reduce_max(q, axis=1)``."""

from __future__ import annotations

import ast
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shape_magic.spans import Shape, Span

#: Functions and methods that leave an axis out, or all of them.
_OVER_AN_AXIS = frozenset(
    (
        *("all", "any", "argmax", "argmin", "max", "mean", "min", "prod", "reduce_max", "reduce_mean", "reduce_min"),
        *("reduce_prod", "reduce_sum", "std", "sum", "var"),
    )
)
#: Methods and functions that leave a row of all numbers.
_FLATTENING = frozenset({"flatten", "ravel"})
#: All of these.
LEAVING_OUT = _OVER_AN_AXIS | _FLATTENING | {"squeeze"}


@dataclass(frozen=True, slots=True)
class Source:
    """An answer: the model that gave it, and the call."""

    model: weakref.ref[Any]
    span: Span


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of an expression: its shape, and the model's answer that it was computed from, if from one."""

    shape: Shape
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Over:
    """Which axis a call leaves out, ``None``: all of them, and whether an axis of size 1 stays in its place."""

    axis: int | None
    keepdims: bool


def over(places: Sequence[ast.expr], by_name: Mapping[str | None, ast.expr]) -> Over | None:
    """What a call's text says of it, ``places``: by position; None where the text does not tell."""
    if by_name.keys() - {"axis", "keepdims", "name"} or len(places) > 1:
        return None
    axis = next(iter(places), by_name.get("axis"))
    at = number(axis) if axis is not None else None
    kept = by_name.get("keepdims", ast.Constant(False))
    if (axis is not None and at is None) or not isinstance(kept, ast.Constant):
        return None
    return Over(at, bool(kept.value))


def smaller(name: str, value: Value | None, left_out: Over | None) -> Value | None:
    """What a function of this name leaves of a value: it is without an axis, or without those of size 1."""
    if value is None or left_out is None:
        return None
    at, rest = left_out.axis, value.shape[1:]
    if name in _FLATTENING or (name == "squeeze" and at is None):
        # Of one number for each sample a row is left, whatever the other axes.
        return Value(value.shape[:1], value.source) if at is None and rest in ((), (1,)) and value.shape else None
    if at is None:
        return None if left_out.keepdims else Value((), value.source)
    if name == "squeeze" and not (-len(rest) <= at <= len(rest) and value.shape[at] == 1):
        return None
    return without(value, at, keepdims=left_out.keepdims)


def is_one(shape: Shape) -> bool:
    """Whether it is the shape of one number, in axes."""
    return bool(shape) and set(shape) == {1}


def without(value: Value | None, axis: int, *, keepdims: bool) -> Value | None:
    """The value with an axis left out, or of size 1; the first is that of the samples, and none without it is known."""
    if value is None or not -len(value.shape) < axis < len(value.shape) or axis == 0:
        return None
    axis %= len(value.shape)
    between = (1,) if keepdims else ()
    return Value((*value.shape[:axis], *between, *value.shape[axis + 1 :]), value.source)


def number(node: ast.expr) -> int | None:
    """A whole number that is written out."""
    match node:
        case ast.Constant(value=bool()):
            return None
        case ast.Constant(value=int() as whole):
            return whole
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as whole)):
            return -whole
    return None
