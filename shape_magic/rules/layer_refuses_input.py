"""A layer that Keras can't compute on its input, for a reason that no other rule knows."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Facts, Failure, Model
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the call that raised: the layer, what went in, and Keras' own sentence."""
    call = model.failed_call
    if call is None or call.failure is None:
        if model.failure is not None:
            yield _whole(model, model.failure)
        return
    shapes = ", ".join(shape_text(s, batch="batch") for s in call.input_shapes)
    values = {
        "layer": call.layer,
        "class_name": call.class_name,
        "line": call.span.start_line if call.span else 0,
        "input": shapes or "nothing",
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


def _whole(model: Model, failure: Failure) -> Finding:
    line = model.span.start_line if model.span else 0
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
