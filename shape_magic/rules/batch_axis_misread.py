"""A layer without a rank check of its own that takes the batch for an axis of one sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import InsertLayer, Repair
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import say, shape_text

#: The layers that take a tensor with one axis less, by the axes that they work on.
_ACCEPTED: Mapping[str, tuple[str, ...]] = {
    "images": ("BaseImagePreprocessingLayer", "CenterCrop", "RandomCrop", "Resizing"),
    "sequences": ("Attention", "AdditiveAttention", "Masking"),
}
_RANK = {"images": 4, "sequences": 3}


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first such layer whose input has one axis less than it works on."""
    for call in model.calls:
        kind = next((k for k, names in _ACCEPTED.items() if call.is_a(*names)), None)
        sizes = call.input_shape
        if kind is None or sizes is None or not call.output_shapes or len(sizes) != _RANK[kind] - 1:
            continue
        yield _misread(call, kind)
        return


def _misread(call: Call, kind: str) -> Finding:
    sizes = call.input_shape or ()
    first = say("axis.height" if kind == "images" else "axis.time")
    return Finding(
        severity="warning",
        variant="images" if kind == "images" else "sequences",
        topic="layer",
        call=call.call,
        values={
            "layer": call.layer,
            "class_name": call.class_name,
            "line": call.span.start_line if call.span else None,
            "input": shape_text(sizes, batch="batch"),
            "axis": first,
        },
        repairs=tuple(_repairs(call, kind)),
        expected=(None,) * _RANK[kind],
        actual=sizes,
        related=((call.placed, "called"),),
        keepable=True,
    )


def _repairs(call: Call, kind: str) -> Iterator[Repair]:
    sizes = (call.input_shape or ())[1:]
    if kind == "images" and len(call.inputs) == 1 and all(d is not None for d in sizes):
        target = f"({', '.join(map(str, sizes))}, 1)"
        values = {"layer": call.layer, "target": target}
        yield Repair((InsertLayer(call.call, "Reshape", target),), "choice", "add-axis", values, f"Reshape({target})")


RULE = Rule("batch-axis-misread", check)
