"""A bare number where the shape of an input belongs."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Facts, Model
from shape_magic.repair.steps import JoinArguments, Repair, SetInputShape
from shape_magic.rules.finding import Finding, Rule


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for an input whose shape was given as a number: a tuple of one has a comma."""
    made = model.construct
    if made is None or model.failure is None or made.class_name != "InputLayer" or not model.inputs:
        return
    number = made.arguments.get("shape")
    if not isinstance(number, int) or isinstance(number, bool):
        return
    said = model.inputs[0].declared or str(number)
    inner = said[1:-1].removesuffix(",") if said.startswith("(") and said.endswith(",)") else said
    fixed = f"({inner},)"
    repair = Repair((SetInputShape(fixed),), "safe", "input-shape", {"shape": fixed}, f"shape={fixed}")
    values = {"said": said, "number": str(number), "shape": f"({number},)"}
    several = made.by_position > 1
    if several and made.span is not None:
        repair = Repair((JoinArguments(made.span),), "choice", "one-tuple", {"layer": "Input"}, "shape=(…)")
        values["count"] = str(made.by_position)
    plain = several or not isinstance(made.arguments.get("batch_size"), int)
    yield Finding(
        severity="error",
        variant="one-by-one" if several else "number",
        topic="call",
        call=None,
        values=values,
        repairs=(repair,) if plain else (),
        keras_message=model.failure.message,
        span=model.inputs[0].span,
    )


RULE = Rule("number-as-input-shape", check)
