"""The model's input as the cause of a layer's wrong number of axes, and the inputs that would do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import InsertLayer, RemoveLayer, Repair, without
from shape_magic.rules.input_shape import PASS_ON, set_input
from shape_magic.spans import Shape

#: Sizes that a channel axis has where pictures are read: grey, colour, colour with transparency.
CHANNELS = (1, 3, 4)


@dataclass(frozen=True, slots=True)
class Above:
    """The input that a layer reads, with nothing between them that changes what it is about."""

    item: int
    #: The shape of one sample.
    sizes: Shape
    #: How the code writes it.
    declared: str
    #: An Embedding on the way: it adds an axis.
    embedding: Call | None


def input_above(model: Model, call: Call) -> Above | None:
    """The input whose number of axes the call meets; None where another layer has set it."""
    number, embedding = call.inputs[0] if len(set(call.inputs)) == 1 else None, None
    while number is not None and number >= 0:
        here = model.calls[number]
        if here.is_a("Embedding") and embedding is None:
            embedding = here
        elif not here.is_a(*PASS_ON):
            return None
        number = here.inputs[0] if len(here.inputs) == 1 else None
    if number is None or -1 - number >= len(model.inputs):
        return None
    given = model.inputs[-1 - number]
    return Above(-1 - number, given.shape[1:], given.declared, embedding)


def holds_vectors(above: Above) -> bool:
    """Whether an Embedding is given what looks like vectors and not like word numbers: a last axis of some width."""
    sizes = above.sizes
    return above.embedding is not None and len(sizes) > 1 and sizes[0] is not None and sizes[-1] != 1


def holds_columns_of_words(above: Above) -> bool:
    """Whether an Embedding is given word numbers with an axis of size 1 behind them: one in each row."""
    return above.embedding is not None and above.sizes[-1:] == (1,) and len(above.sizes) > 1 and not counts_batch(above)


def counts_batch(above: Above) -> bool:
    """Whether the first axis of the input was surely meant for the batch: it is open, or a whole array's shape."""
    return len(above.sizes) > 1 and (above.sizes[0] is None or above.declared.endswith(".shape"))


def with_fewer_axes(model: Model, above: Above) -> Iterator[Repair]:
    """Inputs with one axis less, the most likely first."""
    sizes = above.sizes
    if len(sizes) < 2:
        return
    if holds_vectors(above) and above.embedding is not None and not counts_batch(above):
        name = above.embedding.layer
        yield Repair((RemoveLayer(above.embedding.call),), "choice", "take-out", {"layer": name}, without(name))
        yield set_input(model, sizes[:-1], above.item)
        return
    picture = len(sizes) == 3 and sizes[0] == sizes[1]  # a grey one, its rows read as steps
    if holds_columns_of_words(above):
        yield set_input(model, sizes[:-1], above.item)
        return
    if sizes[-1] == 1 and picture:
        yield set_input(model, sizes[:-1], above.item)
    yield set_input(model, sizes[1:], above.item)


def with_more_axes(model: Model, call: Call, above: Above, *, sequence: bool) -> Iterator[Repair]:
    """Inputs with the axes that are missing; ``sequence``: the layer reads time, then what belongs to a step."""
    sizes, missing = above.sizes, (call.wants_rank or 0) - 1 - len(above.sizes)
    if missing == 1 and sequence and len(sizes) > 1 and sizes[-1] in CHANNELS:
        yield set_input(model, (None, *sizes), above.item)
    elif missing == 1:
        yield set_input(model, (*sizes, 1), above.item)
        if sequence:
            yield set_input(model, (1, *sizes), above.item)
    elif missing == 2 and call.wants_rank == 4 and len(sizes) == 1 and sizes[0]:
        yield from _as_picture(call, sizes[0])


def _as_picture(call: Call, size: int) -> Iterator[Repair]:
    """A row of numbers laid out as a square picture, grey or in colour, where its length allows it."""
    for channels in (1, 3):
        side = math.isqrt(size // channels)
        if side > 3 and side * side * channels == size:
            target = f"({side}, {side}, {channels})"
            values = {"layer": call.layer, "target": target}
            yield Repair(
                (InsertLayer(call.call, "Reshape", target),), "choice", "as-picture", values, f"Reshape({target})"
            )
