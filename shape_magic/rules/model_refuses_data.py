"""Data that the model can't take."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Facts, Model
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for data whose shape the model refuses, with both shapes."""
    contract = model.contract
    if contract is None or contract.failure is None or model.failed_call is not None:
        return
    wanted = ", ".join(shape_text(d.shape, batch="batch") for d in model.inputs)
    data = ", ".join(f"{d.name} {shape_text(d.shape)}" for d in contract.x)
    first = next((c for c in model.calls if any(s < 0 for s in c.inputs)), None)
    yield Finding(
        severity="error",
        variant="refused",
        topic="contract",
        call=first.call if first else None,
        values={"model": model.name, "wanted": wanted, "data": data, "method": contract.method,
                "keras": contract.failure.message},
        expected=model.inputs[0].shape if model.inputs else None,
        actual=contract.x[0].shape if contract.x else None,
        keras_message=contract.failure.message,
        span=contract.span,
        related=((first.span if first else model.span, "input"), (contract.x[0].span if contract.x else None, "data")),
    )


RULE = Rule("model-refuses-data", check)
