"""Tensors that are joined or multiplied along the batch axis, so that samples meet other samples."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import Repair, SetArgument
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first ``Concatenate`` or ``Dot`` along the batch axis."""
    for call in model.calls:
        if joins_samples(call):
            yield _finding(call, "axis", "joined")
            return
        if multiplies_samples(call):
            yield _finding(call, "axes", "multiplied")
            return


def joins_samples(call: Call) -> bool:
    """Whether it is a ``Concatenate`` along the batch axis."""
    return _merges(call) and call.is_a("Concatenate") and _axes(call, "axis") == [0]


def multiplies_samples(call: Call) -> bool:
    """Whether it is a ``Dot`` along the batch axis, which Keras builds and refuses when it runs."""
    return _merges(call) and call.is_a("Dot") and 0 in _axes(call, "axes")


def _merges(call: Call) -> bool:
    return bool(call.output_shapes) and len(call.input_shapes) > 1


def _axes(call: Call, name: str) -> list[int]:
    """The axes that a call works along, counted from the front."""
    given = call.arguments.get(name)
    axes = given if isinstance(given, list | tuple) else [given]
    return [a % len(call.input_shapes[0]) for a in axes if isinstance(a, int)]


def _finding(call: Call, name: str, variant: str) -> Finding:
    wanted = "-1"
    values = {"layer": call.layer, "argument": f"{name}={wanted}"}
    repair = Repair((SetArgument(call.call, name, wanted, 0),), "choice", "argument", values, f"{name}={wanted}")
    return Finding(
        severity="warning" if variant == "joined" else "error",
        variant=variant,
        topic="layer",
        call=call.call,
        values={
            "layer": call.layer,
            "line": call.span.start_line if call.span else None,
            "first": shape_text(call.input_shapes[0], batch="batch"),
            "second": shape_text(call.input_shapes[1], batch="batch"),
        },
        repairs=(repair,),
        actual=call.output_shape,
        related=((call.placed, "called"),),
        keepable=variant == "joined",
    )


RULE = Rule("merge-over-the-batch", check)
