"""A layer that Keras can't compute on its input, for a reason that no other rule knows."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Failure, Model
from shape_magic.rules.finding import Finding, Rule, listed
from shape_magic.words import say, shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the call that raised: the layer, what went in, and Keras' own sentence."""
    call = model.failed_call
    if call is None or call.failure is None:
        if model.failure is not None:
            yield _whole(model, model.failure)
        return
    shapes = listed([shape_text(s, batch="batch") for s in call.input_shapes])
    values = {
        "layer": call.layer,
        "class_name": call.class_name,
        "line": call.span.start_line if call.span else None,
        "input": shapes or "nothing",
        "needs": say(f"rule.layer-refuses-input.needs.{_needs(call)}", class_name=call.class_name),
        "keras": call.failure.message,
    }
    yield Finding(
        severity="error",
        variant="refused",
        topic="call",
        call=call.call,
        values=values,
        actual=call.input_shape,
        keras_message=call.failure.message,
        related=((call.placed, "called"),),
    )


def _needs(call: Call) -> str:
    """What layers of this kind need, where the shapes show that it is missing."""
    if call.is_a("Concatenate"):
        return "concatenate"
    if call.is_a("Merge") and len(call.input_shapes) > 1:
        return "merge"
    if call.is_a("Reshape"):
        return "reshape"
    sizes = call.input_shape or ()
    return "open" if call.is_a("Dense") and sizes and sizes[-1] is None else "other"


def _whole(model: Model, failure: Failure) -> Finding:
    line = model.span.start_line if model.span else None
    return Finding(
        severity="error",
        variant="whole",
        topic="call",
        call=None,
        values={"model": model.name, "line": line, "keras": failure.message, "type": failure.type},
        keras_message=failure.message,
        span=model.span,
    )


RULE = Rule("layer-refuses-input", check)
