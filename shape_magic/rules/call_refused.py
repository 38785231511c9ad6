"""A call whose data Keras refuses, for a reason that no other rule knows."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Facts, Model
from shape_magic.rules.arrays_of_different_length import is_uneven
from shape_magic.rules.calls import line_of, told
from shape_magic.rules.finding import Finding, Rule, listed
from shape_magic.words import say


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a call that Keras' own reader of data refuses: what was given, and Keras' sentence."""
    contract = model.contract
    if contract is None or contract.complaint is None or contract.complaint.about != "data" or is_uneven(contract):
        return
    given = listed([told(data) for data in (*contract.x, *contract.y, *contract.weights)][:6])
    yield Finding(
        severity="error",
        variant="data",
        topic="use",
        call=None,
        values={
            "method": contract.method,
            "line": line_of(contract),
            "given": given or say("rule.call-refused.nothing"),
            "keras": contract.complaint.failure.message,
        },
        keras_message=contract.complaint.failure.message,
        span=contract.span,
    )


RULE = Rule("call-refused", check)
