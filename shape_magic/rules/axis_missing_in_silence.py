"""A layer that runs with an axis too few and takes one axis for another."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import RemoveLayer, Repair, without
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.input_rank import CHANNELS, input_above
from shape_magic.rules.input_shape import set_input
from shape_magic.words import shape_text

#: Layers that also take one picture without a batch; before Keras 3.7 they have no base of their own.
_OF_PICTURES = (
    *("BaseImagePreprocessingLayer", "CenterCrop", "Resizing", "RandomBrightness", "RandomContrast", "RandomCrop"),
    *("RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom"),
)


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a layer for pictures, grids or sequences that gets a tensor without one of its axes."""
    if model.failed_call is not None:
        return
    for call in model.calls:
        variant = _variant(call)
        if variant is not None and (call.span is not None or call.index is not None):
            yield Finding(
                severity="warning",
                variant=variant,
                topic="layer",
                call=call.call,
                values={
                    "layer": call.layer,
                    "class_name": call.class_name,
                    "input": shape_text(call.input_shape or (), batch="batch"),
                },
                repairs=tuple(_repairs(model, call, variant)),
                actual=call.input_shape,
                keepable=True,
            )
            return


def _variant(call: Call) -> str | None:
    shape = call.input_shape
    if shape is None or shape[0] is not None:  # a first size that is known may be a picture's own height
        return None
    if call.is_a("Masking"):
        return "steps" if len(shape) < 3 else None
    if call.is_a("BaseAdaptivePooling"):
        return "grid" if call.class_name[-2:-1].isdigit() and len(shape) != int(call.class_name[-2]) + 2 else None
    if call.is_a(*_OF_PICTURES):
        without = len(shape) == 3 and shape[-1] not in CHANNELS and None not in shape[1:]
        return "picture" if without or len(shape) == 2 else None
    return None


def _repairs(model: Model, call: Call, variant: str) -> Iterator[Repair]:
    if variant == "steps":
        yield Repair((RemoveLayer(call.call),), "choice", "take-out", {"layer": call.layer}, without(call.layer))
    above = input_above(model, call)
    if above is None or above.embedding is not None or None in above.sizes:
        return
    if variant == "steps" or len(above.sizes) == 2:
        yield set_input(model, (*above.sizes, 1), above.item)


RULE = Rule("axis-missing-in-silence", check)
