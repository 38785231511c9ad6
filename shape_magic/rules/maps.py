"""Maps that a row of features can be laid out as."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import InsertLayer, Repair
from shape_magic.rules.branches import GROWS, above, made_by
from shape_magic.words import shape_text

#: Layers that a row passes through between the one that makes it and the one that wants a map.
_PASS_ON = ("Dropout", "BatchNormalization", "Activation", "LayerNormalization", "ReLU", "LeakyReLU", "PReLU", "ELU")
#: How many maps are offered.
_MANY = 3


def maps_of_row(model: Model, call: Call) -> Iterator[Repair]:
    """A Reshape between a Dense and a layer that works on positions: the map that the units were counted for."""
    sizes, axes = call.input_shape or (), (call.wants_rank or 0) - 2
    if len(sizes) != 2 or sizes[1] is None or axes < 1 or not _is_made_of_units(model, call):
        return
    if axes != 2 and not call.is_a(*GROWS):
        return  # a sequence is as often made by repeating the row
    for target in islice(dict.fromkeys(_targets(model, call, sizes[1], axes)), _MANY):
        text = shape_text(target)
        values = {"layer": call.layer, "target": text}
        yield Repair((InsertLayer(call.call, "Reshape", text),), "choice", "lay-out", values, f"Reshape({text})")


def _is_made_of_units(model: Model, call: Call) -> bool:
    number = made_by(model, call.inputs[0], _PASS_ON) if len(call.inputs) == 1 else -1
    return number >= 0 and model.calls[number].is_a("Dense")


def _targets(model: Model, call: Call, width: int, axes: int) -> Iterator[tuple[int, ...]]:
    """Maps of that many numbers: one from further up, then square ones, the most likely number of channels first."""
    for number in sorted((n for n in above(model, call.call) if n >= 0), reverse=True):
        shape = model.calls[number].output_shape or ()
        known = tuple(d for d in shape[1:] if d is not None)
        if len(shape) == axes + 2 and len(known) == axes + 1 and math.prod(known) == width:
            yield known
    filters = call.arguments.get("filters")
    likely = (filters, 2 * filters) if isinstance(filters, int) else ()
    squares = [(side, width // side**axes) for side in range(2, width + 1) if side**axes <= width]
    squares = [(side, depth) for side, depth in squares if side**axes * depth == width]
    named = [pair for depth in likely for pair in squares if pair[1] == depth]
    usual = [(side, depth) for side, depth in squares if axes > 1 and depth >= 8 and depth & (depth - 1) == 0]
    yield from ((*(side,) * axes, depth) for side, depth in (*named, *usual))
