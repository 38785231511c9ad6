"""An attention without a time axis, which takes the batch for one."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.rules.attention import every_step, steps_lost
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first attention that gets (batch, features)."""
    for call in model.calls:
        sizes = call.input_shape
        if call.run is not None and call.run.failure is not None:
            continue  # before Keras 3.13 the call itself refuses: another rule says so
        if call.is_a("Attention", "AdditiveAttention") and call.output_shapes and sizes and len(sizes) == 2:
            yield _misread(call, steps_lost(model, call))
            return


def _misread(call: Call, lost: Call | None) -> Finding:
    return Finding(
        severity="warning",
        variant="sequences",
        topic="layer",
        call=call.call,
        values={
            "layer": call.layer,
            "class_name": call.class_name,
            "line": call.span.start_line if call.span else None,
            "input": shape_text(call.input_shape or (), batch="batch"),
        },
        repairs=(every_step(lost),) if lost is not None else (),
        expected=(None, None, None),
        actual=call.input_shape,
        related=(*(((lost.span, "cause"),) if lost is not None else ()), (call.placed, "called")),
        keepable=True,
    )


RULE = Rule("batch-axis-misread", check)
