"""A Flatten over an axis whose size is open, before a layer that must know it."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import Repair, ReplaceLayer
from shape_magic.rules.branches import made_by
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text

_PASS_ON = ("Dropout", "Activation", "BatchNormalization", "ReLU", "LeakyReLU")


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the Flatten above a Dense that can't be built because its input's width is open."""
    call = model.failed_call
    if call is None or not call.input_shape or call.input_shape[-1] is not None:
        return
    flatten = _flatten_above(model, call)
    if flatten is None or flatten.input_shape is None:
        return
    yield Finding(
        severity="error",
        variant="open",
        topic="call",
        call=flatten.call,
        values={
            "layer": flatten.layer,
            "reader": call.layer,
            "input": shape_text(flatten.input_shape, batch="batch"),
            "start": shape_text(model.inputs[0].shape, batch="batch") if model.inputs else "",
        },
        repairs=tuple(_repairs(flatten)),
        actual=flatten.input_shape,
        keras_message=call.failure.message if call.failure else None,
        related=((model.inputs[0].span if model.inputs else None, "input"), (call.span, "reader")),
    )


def _flatten_above(model: Model, call: Call) -> Call | None:
    number = made_by(model, call.inputs[0], _PASS_ON) if len(call.inputs) == 1 else -1
    return model.calls[number] if number >= 0 and model.calls[number].is_a("Flatten") else None


def _repairs(flatten: Call) -> Iterator[Repair]:
    rank = len(flatten.input_shape or ()) - 2
    if rank not in (1, 2, 3):
        return
    for kind, message in (("Average", "average-instead"), ("Max", "maximum-instead")):
        name = f"Global{kind}Pooling{rank}D"
        values = {"old": flatten.layer, "new": name, "layer": flatten.layer}
        yield Repair((ReplaceLayer(flatten.call, name),), "choice", message, values, name)


RULE = Rule("flatten-open-axes", check)
