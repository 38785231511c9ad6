"""A model inside a model that is given another number of channels than it was made for."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model, Shape
from shape_magic.repair.steps import Repair
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.input_shape import set_input
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for an inner model whose input has another last axis than what it is given."""
    if model.failed_call is not None:
        return
    for call in model.calls:
        for source, made_for in zip(call.inputs, call.input_shapes, strict=False):
            given = _given(model, source)
            if len(call.path) > 1 and given is not None and _differs(given, made_for):
                yield _finding(model, call, source, given, made_for)
                return


def _given(model: Model, source: int) -> Shape | None:
    if source >= 0:
        return model.calls[source].output_shape
    return model.inputs[-1 - source].shape if -1 - source < len(model.inputs) else None


def _differs(given: Shape, made_for: Shape) -> bool:
    # Keras lets a last axis of size 1 pass; weights are made for the channels.
    same_rank = len(given) == len(made_for) > 1
    return same_rank and given[-1] is not None and made_for[-1] is not None and given[-1] != made_for[-1]


def _finding(model: Model, call: Call, source: int, given: Shape, made_for: Shape) -> Finding:
    return Finding(
        severity="error",
        variant="channels",
        topic="call",
        call=call.call,
        values={
            "inner": call.path[-2],
            "layer": call.layer,
            "given": shape_text(given, batch="batch"),
            "wanted": shape_text(made_for, batch="batch"),
            "channels": made_for[-1],
            "arrives": given[-1],
        },
        repairs=tuple(_repairs(model, source, given, made_for)),
        expected=made_for,
        actual=given,
        span=call.placed or call.span or model.span,
        related=((model.inputs[-1 - source].span if source < 0 else model.calls[source].span, "input"),),
    )


def _repairs(model: Model, source: int, given: Shape, made_for: Shape) -> Iterator[Repair]:
    if source < 0:
        yield set_input(model, (*given[1:-1], made_for[-1]), -1 - source)


RULE = Rule("nested-model-input", check)
