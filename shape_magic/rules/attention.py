"""What attention reads: the sequence that lost its steps, and the one with another number of features."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import InsertLayer, Repair, SetArgument
from shape_magic.rules.widths import RECURRENT

ATTENTION = ("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupedQueryAttention")
#: Those that compare queries with keys as they come; the others bring them to one depth themselves.
_PLAIN = ("Attention", "AdditiveAttention")


def steps_lost(model: Model, call: Call) -> Call | None:
    """The recurrent layer whose last step alone arrives where attention looks back at all of them."""
    if not call.is_a(*ATTENTION):
        return None
    for start, shape in zip(call.inputs, call.input_shapes, strict=False):
        number = start
        while number >= 0 and len(shape) == 2 and len(model.calls[number].inputs) == 1:
            here = model.calls[number]
            if here.is_a(*RECURRENT) and here.argument("return_sequences") is not True:
                return here
            number = here.inputs[0]
    return None


def every_step(lost: Call) -> Repair:
    """The recurrent layer hands on all its steps."""
    step = SetArgument(lost.call, "return_sequences", "True")
    return Repair((step,), "choice", "every-step", {"layer": lost.layer}, "return_sequences=True")


def same_depth(call: Call) -> Iterator[Repair]:
    """A Dense on one of the two sequences, to as many features as the other has."""
    if not call.is_a(*_PLAIN) or len(call.input_shapes) < 2 or any(len(s) != 3 for s in call.input_shapes):
        return
    query, value = call.input_shapes[0][-1], call.input_shapes[1][-1]
    if query is None or value is None or query == value:
        return
    for place, width in ((1, query), (0, value)):
        step = InsertLayer(call.call, "Dense", str(width), input=place)
        which = "query" if place == 0 else "value"
        values = {"layer": call.layer, "width": width}
        yield Repair((step,), "choice", f"same-depth-{which}", values, f"Dense({width})")
