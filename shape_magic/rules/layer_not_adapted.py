"""A preprocessing layer that is used before ``adapt`` has shown it any data."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.rules.finding import Finding, Rule


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first layer without what it should have learned.

    Without a vocabulary Keras stops; without a mean and a variance it runs and changes nothing, which
    is told once the model is used, because ``adapt`` may still come before that.
    """
    call = next((c for c in model.calls if c.adapted is False), None)
    if call is None:
        return
    is_lookup = not call.is_a("Normalization")
    if is_lookup or model.contract is not None:
        yield _finding(call, is_lookup, model.contract is not None)


def _finding(call: Call, is_lookup: bool, is_used: bool) -> Finding:
    return Finding(
        severity="error" if is_lookup and is_used else "warning",
        variant="vocabulary" if is_lookup else "statistics",
        topic="call" if is_lookup else "layer",
        call=call.call,
        values={
            "layer": call.layer,
            "class_name": call.class_name,
            "line": call.span.start_line if call.span else None,
        },
        actual=call.input_shape,
        related=((call.placed, "called"),),
        keepable=True,
    )


RULE = Rule("layer-not-adapted", check)
