"""An axis of size 0: nothing is left to compute with."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.rules.finding import Finding, Rule
from shape_magic.spans import Shape
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first call that gives an axis of size 0."""
    call = next((c for c in model.calls if any(map(_is_empty, c.output_shapes))), None)
    if call is None:
        return
    yield Finding(
        severity="error" if any(_reads_nothing(c) for c in model.calls) else "warning",
        variant="nothing-left",
        topic="layer",
        call=call.call,
        values={
            "layer": call.layer,
            "line": call.span.start_line if call.span else None,
            "input": shape_text(call.input_shape or (), batch="batch"),
            "output": shape_text(next(s for s in call.output_shapes if _is_empty(s)), batch="batch"),
        },
        actual=call.output_shape,
        span=call.span or call.placed,
        related=((call.placed, "called"),),
    )


def _is_empty(shape: Shape) -> bool:
    return 0 in shape[1:]


def _reads_nothing(call: Call) -> bool:
    """Whether a layer with weights gets no features: TensorFlow ends the whole process over such a product."""
    return call.is_a("Layer") and bool(call.params) and call.input_shape is not None and call.input_shape[-1] == 0


RULE = Rule("empty-axis", check)
