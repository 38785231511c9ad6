"""Channels on one axis, and a layer that looks for them on another."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import Repair, SetArgument
from shape_magic.rules.branches import made_by
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.input_rank import CHANNELS
from shape_magic.rules.input_shape import PASS_ON, first_reader, turned_input
from shape_magic.spans import Shape, Span
from shape_magic.words import shape_text

#: Layers that work on a grid and look for the channels at one side of it.
_GRID = (
    "BaseConv",
    "BaseConvTranspose",
    "BaseDepthwiseConv",
    "BaseSeparableConv",
    "BasePooling",
    "BaseGlobalPooling",
    "BaseAdaptivePooling",
    "UpSampling2D",
)
#: A picture is hardly smaller.
_SIDE = 8


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for channels that are taken for a side of the grid, or the other way round."""
    if model.failed_call is not None:
        return
    turned = _turned_picture(model)
    reader = first_reader(model)
    if turned is not None and reader is not None:
        yield _finding(model, reader, "input", turned_input(model, turned), model.inputs[0].span, turned)
        return
    for call in model.calls:
        before = _grid_above(model, call)
        if before is not None and _format(before) != _format(call):
            repair = _setting(call, "data_format", repr(_format(before)))
            yield _finding(model, call, "mixed", repair, before.span, None, before.layer)
            return
        if _normalizes_rows(model, call):
            yield _finding(model, call, "normalization", _setting(call, "axis", "-1"), None, None)
            return


def _finding(
    model: Model, call: Call, variant: str, repair: Repair, place: Span | None, turned: Shape | None, before: str = ""
) -> Finding:
    shape = call.input_shape or ()
    return Finding(
        severity="warning",
        variant=variant,
        topic="layer",
        call=call.call,
        values={
            "layer": call.layer,
            "class_name": call.class_name,
            "input": shape_text(shape, batch="batch"),
            "wanted": shape_text(turned, batch="batch") if turned else "",
            "before": before,
            "channels": shape[1] if len(shape) > 1 else 0,
            "last": shape[-1] if shape else 0,
        },
        repairs=(repair,),
        expected=turned,
        actual=shape,
        related=((place, "input"),),
        keepable=True,
    )


def _setting(call: Call, name: str, value: str) -> Repair:
    values = {"layer": call.layer, "name": name, "value": value.replace("'", '"')}
    return Repair((SetArgument(call.call, name, value),), "choice", "same-axis", values, f"{name}={value}")


def _turned_picture(model: Model) -> Shape | None:
    """The input with its channels at the end, where a picture names them first before layers that read them last."""
    shape = model.inputs[0].shape if len(model.inputs) == 1 else ()
    reader = first_reader(model)
    if len(shape) != 4 or reader is None or not reader.is_a(*_GRID) or _format(reader) != "channels_last":
        return None
    _, first, height, width = shape
    if first not in CHANNELS or height is None or width is None or min(height, width) < _SIDE:
        return None
    # One row of many features is a signal; what is as high as wide is a picture.
    if height != width and (first == 1 or min(height, width) < 4 * _SIDE):
        return None
    return (shape[0], height, width, first)


def _format(call: Call) -> object:
    return call.arguments.get("data_format") or "channels_last"


def _grid_above(model: Model, call: Call) -> Call | None:
    """The layer on a grid whose output a layer on a grid reads."""
    if not call.is_a(*_GRID) or len(call.inputs) != 1:
        return None
    number = made_by(model, call.inputs[0], PASS_ON)
    above = model.calls[number] if number >= 0 else None
    on_grid = above is not None and above.is_a(*_GRID) and len(above.output_shape or ()) == len(call.input_shape or ())
    return above if on_grid else None


def _normalizes_rows(model: Model, call: Call) -> bool:
    """Whether a BatchNormalization counts the rows of a picture as its channels."""
    shape = call.input_shape or ()
    if len(shape) != 4 or not call.is_a("BatchNormalization") or call.arguments.get("axis") != 1:
        return False
    formats = {_format(c) for c in model.calls if c.is_a(*_GRID)}
    if not formats:
        return shape[-1] in CHANNELS and shape[1] not in CHANNELS
    return formats == {"channels_last"}


RULE = Rule("channels-on-another-axis", check)
