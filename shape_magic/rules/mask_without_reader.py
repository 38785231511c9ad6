"""A mask that a layer drops before any other has read it."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import DropArgument, RemoveLayer, Repair, ReplaceLayer, without
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first layer that drops a mask which nobody has read.

    Keras hands a mask on with its tensor, through every layer that says ``supports_masking``; the others end it
    (``Layer.__call__`` in keras/src/layers/layer.py). A mask that reaches the model's end is read by the loss.
    """
    if model.failed_call is not None:
        return
    for maker in model.calls:
        dropped = _dropped_by(model, maker) if _makes_mask(maker) else None
        if dropped is not None:
            yield Finding(
                severity="warning",
                variant="dropped",
                topic="layer",
                call=dropped.call,
                values={
                    "layer": dropped.layer,
                    "class_name": dropped.class_name,
                    "maker": maker.layer,
                    "input": shape_text(dropped.input_shape or (), batch="batch"),
                },
                repairs=tuple(_repairs(maker, dropped)),
                actual=dropped.input_shape,
                related=((maker.span, "cause"),),
                keepable=True,
            )
            return


def _makes_mask(call: Call) -> bool:
    if call.is_a("Masking"):
        return len(call.input_shape or ()) > 2  # with an axis less it marks samples: another mistake
    return call.is_a("Embedding") and call.arguments.get("mask_zero") is True


def _dropped_by(model: Model, maker: Call) -> Call | None:
    """The first layer that drops the mask; None where one reads it, where it comes to the end, or may do so."""
    dropped: list[Call] = []
    todo, seen = [maker.call], {maker.call}
    while todo:
        source = todo.pop()
        readers = [call for call in model.calls if source in call.inputs]
        if not readers or any(call.masks not in ("keeps", "drops") for call in readers):
            return None
        dropped += [call for call in readers if call.masks == "drops"]
        todo += [call.call for call in readers if call.masks == "keeps" and call.call not in seen]
        seen.update(todo)
    return min(dropped, key=lambda call: call.call, default=None)


def _repairs(maker: Call, dropped: Call) -> Iterator[Repair]:
    if dropped.is_a("Flatten", "GlobalMaxPooling1D") and len(dropped.input_shape or ()) == 3:
        new = "GlobalAveragePooling1D"
        values = {"old": dropped.layer, "new": new, "layer": dropped.layer}
        yield Repair((ReplaceLayer(dropped.call, new),), "choice", "average-instead", values, new)
    if maker.is_a("Masking"):
        yield Repair((RemoveLayer(maker.call),), "choice", "take-out", {"layer": maker.layer}, without(maker.layer))
    else:
        values = {"layer": maker.layer, "name": "mask_zero"}
        yield Repair((DropArgument(maker.call, "mask_zero", 5),), "choice", "drop", values)


RULE = Rule("mask-without-reader", check)
