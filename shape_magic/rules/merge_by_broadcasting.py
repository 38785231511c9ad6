"""Tensors of different shapes that are added all the same: one of them is repeated, without a word."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import Repair
from shape_magic.rules.branches import CONVS, is_elementwise, name_of
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.merge_repairs import Merge
from shape_magic.words import shape_text

#: A product is how gates and masks work; there one number for many is what is meant.
_SUMS = ("Add", "Subtract", "Average", "Maximum", "Minimum")


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first sum that repeats one of its tensors along an axis that nobody made for it."""
    for call in model.calls:
        if call.class_name in _SUMS and is_elementwise(call) and len(call.inputs) == len(call.input_shapes) > 1:
            found = _stretched(model, call)
            if found is not None:
                yield _finding(model, found, "ranks" if found.is_of_ranks else "size-one")
                return


def _finding(model: Model, merge: Merge, variant: str) -> Finding:
    call = merge.call
    return Finding(
        severity="warning",
        variant=variant,
        topic="layer",
        call=call.call,
        values={
            "layer": call.layer,
            "line": call.span.start_line if call.span else None,
            "small": name_of(model, call.inputs[merge.this]),
            "large": name_of(model, call.inputs[merge.other]),
            "small_shape": shape_text(merge.shape(merge.this), batch="batch"),
            "output": shape_text(call.output_shape or (), batch="batch"),
            "large_shape": shape_text(merge.shape(merge.other), batch="batch"),
        },
        repairs=tuple(_repairs(merge)),
        expected=merge.shape(merge.other),
        actual=merge.shape(merge.this),
        span=call.placed or call.span,
        keepable=call.span is not None,
    )


def _stretched(model: Model, call: Call) -> Merge | None:
    """The input that is repeated, and the one that it is repeated for."""
    shapes = call.input_shapes
    for this in range(len(shapes)):
        for other in range(len(shapes)):
            a, b = shapes[this], shapes[other]
            if call.is_a("Layer") and 1 < len(a) < len(b):
                return Merge(model, call, this, other, ())
            if len(a) != len(b):
                continue
            axes = tuple(k for k in range(1, len(a) - 1) if a[k] == 1 and (b[k] or 1) > 1)
            if axes and all(_came_so(model, call.inputs[this], k) for k in axes):
                return Merge(model, call, this, other, axes)
    return None


def _came_so(model: Model, number: int, axis: int) -> bool:
    """Whether an axis of size 1 was not made on purpose: it is an input's, or what a convolution happened to leave."""
    while number >= 0:
        here = model.calls[number]
        before, after = here.input_shape, here.output_shape
        if not before or not after or len(before) != len(after) or len(here.inputs) != 1 or not here.is_a("Layer"):
            return False
        if before[axis] != 1:
            return here.is_a(*CONVS)
        number = here.inputs[0]
    return True


def _repairs(merge: Merge) -> Iterator[Repair]:
    small, large = merge.shape(merge.this), merge.shape(merge.other)
    if large == (*small, 1):
        yield merge.between(merge.other, "Flatten", "", "flatten")
        return
    if len(small) == 2 and 3 <= len(large) <= 5:
        yield merge.between(merge.other, f"GlobalAveragePooling{len(large) - 2}D", "", "average")
        if len(large) == 3 and large[1] is not None:
            yield merge.between(merge.this, "RepeatVector", str(large[1]), "repeat")


RULE = Rule("merge-by-broadcasting", check)
