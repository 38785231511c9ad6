"""A call after which the first axis no longer counts the samples, to the end of the model."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model, Run
from shape_magic.rules.finding import Finding, Rule, listed
from shape_magic.spans import Shape
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the call that loses the batch axis of an output."""
    for call in model.calls:
        if call.run is not None and call.run.output is not None:
            yield _lost(call, call.run, call.run.output)
            return


def _lost(call: Call, run: Run, output: Shape) -> Finding:
    return Finding(
        severity="warning",
        variant="gone",
        topic="layer",
        call=call.call,
        values={
            "layer": call.layer,
            "class_name": call.class_name,
            "line": call.span.start_line if call.span else None,
            "input": listed([shape_text(s, batch="batch") for s in call.input_shapes]),
            "output": shape_text(output),
            "size": run.batch,
            "first": output[0] if output else 0,
        },
        expected=(run.batch, *output[1:]),
        actual=output,
        related=((call.placed, "called"),),
        keepable=True,
    )


RULE = Rule("batch-axis-lost", check)
