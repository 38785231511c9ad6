"""An input's shape on a layer that is not the first: Keras does not look at it."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import DropArgument, Repair
from shape_magic.rules.finding import Finding, Rule
from shape_magic.spans import Shape
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for an ``input_shape`` that contradicts what arrives, or that is the model's only one."""
    if model.kind != "Sequential" or model.failed_call is not None:
        return
    for call in model.calls:
        if call.declares is None or len(call.path) > 1:
            continue
        variant = _variant(model, call, call.declares)
        if variant is not None:
            yield _finding(model, call, call.declares, variant)
            return


def _variant(model: Model, call: Call, said: Shape) -> str | None:
    if call.input_shape is None:
        return "later" if not model.inputs and call.inputs != (-1,) else None
    arrives = call.input_shape[1:]
    if len(said) == 1:  # a width says nothing of the axes in the middle
        arrives = arrives[-1:]
    same = len(said) == len(arrives) and all(
        a is None or b is None or a == b for a, b in zip(said, arrives, strict=True)
    )
    return None if same else "contradicts"


def _finding(model: Model, call: Call, said: Shape, variant: str) -> Finding:
    return Finding(
        severity="warning",
        variant=variant,
        topic="layer",
        call=call.call,
        values={
            "layer": call.layer,
            "said": shape_text(said),
            "input": shape_text(call.input_shape, batch="batch") if call.input_shape else "",
            "model": model.name,
        },
        repairs=tuple(_repairs(call)) if variant == "contradicts" else (),
        actual=call.input_shape,
        keepable=True,
    )


def _repairs(call: Call) -> Iterator[Repair]:
    for name in ("input_shape", "input_dim"):
        yield Repair(
            (DropArgument(call.call, name),), "safe", "drop", {"layer": call.layer, "name": name}, f"no {name}"
        )


RULE = Rule("ignored-input-shape", check)
