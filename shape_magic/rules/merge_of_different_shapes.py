"""Tensors that are added or joined although their shapes do not match."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.rules.branches import (
    CONVS,
    GROWS,
    changes_grid,
    is_elementwise,
    name_of,
    only_on,
    stands_where_kernels_were,
)
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.merge_repairs import Merge, repairs
from shape_magic.spans import Shape
from shape_magic.words import say, shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the merge that Keras refuses: which inputs differ, and what made them differ."""
    call = model.failed_call
    if call is None or len(call.input_shapes) < 2 or len(call.inputs) != len(call.input_shapes):
        return
    if not (is_elementwise(call) or call.is_a("Concatenate", "Dot")):
        return
    merge = _merge(model, call)
    if merge is None:
        return
    cause = _cause(merge)
    first, second = sorted((merge.this, merge.other))
    yield Finding(
        severity="error",
        variant=_variant(merge, cause),
        topic="call",
        call=call.call,
        values={
            "layer": call.layer,
            "line": call.span.start_line if call.span else None,
            "first": name_of(model, call.inputs[first]),
            "second": name_of(model, call.inputs[second]),
            "first_shape": shape_text(call.input_shapes[first], batch="batch"),
            "second_shape": shape_text(call.input_shapes[second], batch="batch"),
            "cause": cause.layer if cause else call.layer,
            "does": _does(merge, cause),
            "rank": len(call.input_shapes[0]),
            "axis": str(call.arguments.get("axis", call.arguments.get("axes", -1))),
        },
        repairs=tuple(repairs(merge)),
        expected=call.input_shapes[merge.other],
        actual=call.input_shapes[merge.this],
        keras_message=call.failure.message if call.failure else None,
        span=(cause.span if cause else None) or call.placed or call.span,
        related=((call.placed or call.span, "merge"),),
    )


def _merge(model: Model, call: Call) -> Merge | None:
    """The merge, with the first input that does not go with the others; None where shapes are not its trouble."""
    shapes = call.input_shapes
    axis = _axis(call)
    if call.is_a("Dot"):
        return Merge(model, call, 1, 0, ()) if len(shapes) == 2 else None
    if axis is None and call.is_a("Concatenate"):
        return Merge(model, call, 1, 0, ())
    for this in range(1, len(shapes)):
        if _differ(shapes[this], shapes[0], axis) is not None:
            break
    else:
        return None
    if len(shapes) > 2 and this == 1 and all(_differ(s, shapes[1], axis) is None for s in shapes[2:]):
        this, other = 0, 1
    else:
        other = 0
    return Merge(model, call, this, other, _differ(shapes[this], shapes[other], axis) or ())


def _axis(call: Call) -> int | None:
    """The axis along which tensors are joined, counted from the front; None for none, or one that they do not have."""
    axis = call.arguments.get("axis")
    rank = max(len(s) for s in call.input_shapes)
    if not call.is_a("Concatenate") or not isinstance(axis, int) or not -rank <= axis < rank:
        return None
    return axis % rank


def _differ(a: Shape, b: Shape, joined: int | None) -> tuple[int, ...] | None:
    """The axes along which two inputs do not go together; empty where they differ in rank, None where they agree."""
    if len(a) != len(b):
        broadcast = joined is None and all(
            x == y or None in (x, y) or 1 in (x, y) for x, y in zip(a[:0:-1], b[:0:-1], strict=False)
        )
        return None if broadcast else ()
    strict = joined is not None
    pairs = enumerate(zip(a, b, strict=True))
    found = tuple(
        k for k, (x, y) in pairs if k and k != joined and x != y and None not in (x, y) and (strict or 1 not in (x, y))
    )
    return found or None


def _cause(merge: Merge) -> Call | None:
    """The call above the merge that made the two inputs differ; None where the inputs of the model differ."""
    model, call = merge.model, merge.call
    this, other = call.inputs[merge.this], call.inputs[merge.other]
    on_this, on_other = only_on(model, this, [other]), only_on(model, other, [this])
    both = [*on_this, *on_other]
    if merge.is_of_ranks:
        return None
    old = [c for c in model.calls[: call.call] if stands_where_kernels_were(c)]
    if old:
        return old[0]
    if merge.differs_in_channels:
        return next((c for c in both if c.is_a("Dense", *CONVS)), None)
    smaller = on_this if merge.this_is_smaller else on_other
    shrinking = [c for c in smaller if changes_grid(c) and not c.is_a(*GROWS)]
    return next((c for c in (*shrinking, *both) if changes_grid(c)), None)


def _variant(merge: Merge, cause: Call | None) -> str:
    call = merge.call
    if call.is_a("Dot"):
        return "dot"
    if cause is not None and stands_where_kernels_were(cause):
        return "strides-by-position"
    if merge.is_of_ranks:
        return "ranks"
    if not merge.axes:
        return "no-such-axis"
    return "joined" if call.is_a("Concatenate") else "channels" if merge.differs_in_channels else "grid"


def _does(merge: Merge, cause: Call | None) -> str:
    """What the cause did to the tensor that it got."""
    if cause is None or cause.input_shape is None or cause.output_shape is None:
        return say("rule.merge-of-different-shapes.does.inputs")
    if merge.differs_in_channels:
        return say("rule.merge-of-different-shapes.does.widens", cause=cause.layer, size=cause.output_shape[-1])
    before, after = shape_text(cause.input_shape, batch="batch"), shape_text(cause.output_shape, batch="batch")
    return say("rule.merge-of-different-shapes.does.turns", cause=cause.layer, before=before, after=after)


RULE = Rule("merge-of-different-shapes", check)
