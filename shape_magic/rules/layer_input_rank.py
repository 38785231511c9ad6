"""A layer that is given a tensor with too few or too many axes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import EndLoop, InsertLayer, RemoveLayer, Repair, SetArgument, TrueButLast, Wrap, without
from shape_magic.rules.attention import ATTENTION
from shape_magic.rules.branches import made_alike, made_by, only_input, rank_dropped_at
from shape_magic.rules.each_step import (
    at_each_step,
    has_time,
    is_for_one_step,
    joined_at_each_step,
    may_be_for_one_step,
)
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.input_rank import (
    Above,
    counts_batch,
    holds_columns_of_words,
    holds_vectors,
    input_above,
    with_fewer_axes,
    with_more_axes,
)
from shape_magic.rules.last_step import hands_on_steps, last_step
from shape_magic.rules.maps import maps_of_row
from shape_magic.rules.widths import RECURRENT
from shape_magic.spans import Span
from shape_magic.words import say, shape_text

#: Layers that give up the positions for good.
_JOINS = (
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
)
#: The axes between batch and channels, by the number of all axes.
_GRIDS = {2: (), 3: ("time",), 4: ("height", "width"), 5: ("depth", "height", "width")}
#: Layers that read sequences: steps of features.
_SEQUENCE = (*RECURRENT, *ATTENTION)
#: Layers that pass the number of axes on, so that the cause may lie above them.
_TRANSPARENT = ("Dropout", "BatchNormalization", "Activation", "LayerNormalization", "ReLU", "LeakyReLU", "Masking")


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the call that Keras refuses because of the number of axes."""
    # Attention has no check of its own: it is built on any number of axes, and stops as it runs.
    call = model.failed_call or next((c for c in model.calls if c.run and c.run.failure), None)
    if call is None or call.wants_rank is None or call.input_shape is None:
        return
    if call.is_a("Functional", "Sequential"):
        return  # of what a whole model takes another rule tells
    rank = len(call.input_shape)
    exact = not call.is_a("BaseConv", "BaseDepthwiseConv", "BaseSeparableConv", "BaseConvTranspose", *ATTENTION)
    if rank >= call.wants_rank and not (rank > call.wants_rank and (exact or call.is_a("BaseConv"))):
        return
    cause, above = _cause(model, call), input_above(model, call)
    variant = _variant(model, call, cause, above, rank)
    values = {
        "layer": call.layer,
        "line": call.span.start_line if call.span else None,
        "wants": call.wants_rank,
        "wanted_axes": _wanted_axes(call),
        "rank": rank,
        "input": shape_text(call.input_shape, batch="batch"),
        "cause": cause.layer if cause else "",
        "start": shape_text(model.inputs[above.item].shape, batch="batch") if above else "",
        "at_cause": say("place.at", line=cause.span.start_line) if cause and cause.span else "",
        "example": say(f"rule.layer-input-rank.example.{_example(call)}"),
    }
    yield Finding(
        # What is built and stops as it runs stops nothing as long as nobody runs it.
        severity="error" if call.failure or model.contract is not None else "warning",
        variant=variant,
        topic="call",
        call=call.call,
        values=values,
        repairs=tuple(_repairs(model, call, cause, above, rank)),
        expected=(None,) * call.wants_rank,
        actual=call.input_shape,
        keras_message=call.failure.message if call.failure else None,
        span=cause.span if cause is not None and variant == "joined-in-loop" else None,
        related=tuple(_places(model, call if variant == "joined-in-loop" else cause, above)),
    )


def _cause(model: Model, call: Call) -> Call | None:
    """The call above that set the number of axes."""
    dropped = rank_dropped_at(model, call) if len(call.input_shape or ()) == 2 < (call.wants_rank or 0) else None
    if dropped is not None and dropped.is_a(*_JOINS, *RECURRENT):
        return dropped  # a Dense in between works on what is joined already
    return _nearest(model, call)


def _nearest(model: Model, call: Call) -> Call | None:
    """The next call above that does not pass its input on as it is."""
    number = made_by(model, only_input(call), _TRANSPARENT)
    return model.calls[number] if number >= 0 else None


def _is_repeated(model: Model, call: Call, cause: Call) -> bool:
    """Whether a loop came back to the failed layer's place after the one that joined the positions."""
    place = call.placed or call.span
    return place is not None and any(c.call < cause.call and (c.placed or c.span) == place for c in model.calls)


def _places(model: Model, cause: Call | None, above: Above | None) -> Iterator[tuple[Span | None, str]]:
    if cause is not None:
        yield cause.span, "cause"
    if above is not None:
        yield model.inputs[above.item].span, "input"


def _variant(model: Model, call: Call, cause: Call | None, above: Above | None, rank: int) -> str:
    if rank > (call.wants_rank or 0):
        if may_be_for_one_step(call, above):
            return "one-step" if is_for_one_step(model, call, above) else "batch-or-steps"
        if above is not None and holds_vectors(above) and not counts_batch(above):
            return "embedded-vectors"
        if above is not None and holds_columns_of_words(above):
            return "words-in-columns"
        if (call.wants_rank, rank) == (2, 3) and cause is not None and hands_on_steps(cause):
            return "all-steps"
        return "batch-in-input" if above is not None and rank == (call.wants_rank or 0) + 1 else "too-many"
    if cause is not None and cause.is_a(*RECURRENT) and (call.wants_rank == 3 or call.is_a(*RECURRENT)):
        return "last-step-only"
    if cause is None or not cause.is_a(*_JOINS):
        return "too-few"
    return "joined-in-loop" if _is_repeated(model, call, cause) else "joined-above"


def _wanted_axes(call: Call) -> str:
    wants = call.wants_rank or 0
    before: tuple[str, ...] = ("batch",)
    if call.is_a("ConvLSTM"):
        before, wants = ("batch", "time"), wants - 1
    grid = _GRIDS.get(wants, ("unknown",) * (wants - 2))
    if len(before) > 1 and wants == 3:
        grid = ("width",)  # the other axis is the time
    last = "features" if wants == 2 or (wants == 3 and call.is_a(*_SEQUENCE) and len(before) == 1) else "channels"
    first = call.arguments.get("data_format") == "channels_first"
    names = (*before, last, *grid) if first else (*before, *grid, last)
    return f"({', '.join(say(f'axis.{name}') for name in names)})"


def _example(call: Call) -> str:
    """Which axis of size 1 is forgotten most often before such a layer."""
    if call.wants_rank == 3:
        return "sequence"
    return "grid" if call.wants_rank == 4 or call.is_a("ConvLSTM") else "other"


def _repairs(model: Model, call: Call, cause: Call | None, above: Above | None, rank: int) -> Iterator[Repair]:
    wants = call.wants_rank or 0
    if is_for_one_step(model, call, above):
        yield at_each_step(model, call)
    if above is not None and rank < wants:
        yield from with_more_axes(model, call, above, sequence=call.is_a(*RECURRENT, "ConvLSTM"))
    elif above is not None and rank == wants + 1:
        yield from with_fewer_axes(model, above)
    if may_be_for_one_step(call, above) and not is_for_one_step(model, call, above):
        yield at_each_step(model, call)
    yield from _around(model, call, cause, rank)


def _around(model: Model, call: Call, cause: Call | None, rank: int) -> Iterator[Repair]:
    """Repairs of the layers on the way."""
    wants = call.wants_rank or 0
    if rank < wants and cause is not None and cause.is_a(*_JOINS):
        yield from _rejoined(model, call, cause)
    if rank < wants and cause is not None and cause.is_a(*RECURRENT):
        retold, every = tuple(_retold(model, call, cause)), _every_step(model, cause)
        told = (replace(every, safety="choice"), *retold) if retold else (every,)
        yield from reversed(told) if _is_decoder(model, call) else told
    if rank < wants and cause is not None and cause.is_a(*_JOINS):
        values = {"layer": cause.layer}
        if cause.is_a("Flatten") and wants == 3 and len(cause.input_shape or ()) > 3:
            yield Repair((Wrap(cause.call, "TimeDistributed"),), "choice", "each-step", values, "TimeDistributed")
        if not _is_repeated(model, call, cause):
            yield Repair((RemoveLayer(cause.call),), "choice", "remove", values, without(cause.layer))
        if call.is_a("BasePooling"):
            yield Repair((RemoveLayer(call.call),), "choice", "remove-pool", {"layer": call.layer}, without(call.layer))
    if rank > wants == 2:
        yield from _joined(model, call, cause)
    yield from maps_of_row(model, call)
    sizes = call.input_shape[1:] if call.input_shape else ()
    near = _nearest(model, call)
    given_up = near is not None and near.is_a(*_JOINS, *RECURRENT)
    if rank == wants - 1 and all(d is not None for d in sizes) and not given_up:
        target = f"({', '.join(map(str, sizes))}, 1)"
        yield Repair(
            (InsertLayer(call.call, "Reshape", target),),
            "choice",
            "add-axis",
            {"layer": call.layer, "target": target},
            f"Reshape({target})",
        )
    if rank > wants == 3 and call.is_a(*RECURRENT) and has_time(call):
        yield from joined_at_each_step(call)
    elif rank > wants == 3 and call.is_a(*RECURRENT) and len(sizes) >= 3 and all(d is not None for d in sizes[1:]):
        target = f"({sizes[0] if sizes[0] is not None else -1}, {_product(sizes[1:])})"
        yield Repair(
            (InsertLayer(call.call, "Reshape", target),),
            "choice",
            "rows-as-steps",
            {"layer": call.layer, "target": target},
            f"Reshape({target})",
        )


def _joined(model: Model, call: Call, cause: Call | None) -> Iterator[Repair]:
    """One row of features for a layer that reads nothing else: the last step, or the positions joined."""
    if cause is not None and hands_on_steps(cause):
        yield last_step(model, cause)
    positions = (call.input_shape or ())[1:-1]
    joins = [("Flatten", "flatten")] if all(d is not None for d in positions) else []
    joins += [(f"GlobalAveragePooling{len(positions)}D", "average")] if len(positions) <= 3 else []
    for class_name, does in joins:
        values = {"layer": call.layer, "new": class_name}
        yield Repair((InsertLayer(call.call, class_name),), "choice", does, values, class_name)


def _retold(model: Model, call: Call, cause: Call) -> Iterator[Repair]:
    """The last step repeated, for a layer that may be the decoder's: it gives every step."""
    steps = cause.input_shape[1] if cause.input_shape and len(cause.input_shape) == 3 else None
    if call.is_a(*RECURRENT) and call.argument("return_sequences") is True and steps is not None:
        step = InsertLayer(call.call, "RepeatVector", str(steps))
        yield Repair((step,), "choice", "retold", {"layer": call.layer, "n": steps}, f"RepeatVector({steps})")


def _is_decoder(model: Model, call: Call) -> bool:
    """Whether a layer gives as many numbers at every step as the model's only input has."""
    given = model.inputs[0].shape if len(model.inputs) == 1 else ()
    return len(given) == 3 and (given[-1] or 0) > 1 and call.argument("units") == given[-1]


def _every_step(model: Model, cause: Call) -> Repair:
    """The whole sequence handed on; where a loop makes several of these layers, in all turns but the last."""
    values = {"layer": cause.layer}
    if not made_alike(model, cause):
        step = SetArgument(cause.call, "return_sequences", "True")
        return Repair((step,), "safe", "every-step", values, "return_sequences=True")
    turns = TrueButLast(cause.call, "return_sequences")
    return Repair((turns,), "choice", "every-turn-but-last", values, "return_sequences")


def _rejoined(model: Model, call: Call, cause: Call) -> Iterator[Repair]:
    """The loop ended before the layer that joins; or the map made again of the features, where it holds them."""
    if _is_repeated(model, call, cause):
        values = {"layer": cause.layer}
        yield Repair((EndLoop(cause.call),), "choice", "end-loop", values, "end the loop")
    before, now = cause.input_shape or (), call.input_shape or ()
    between = call.inputs[0] != cause.call
    known = all(d is not None for d in before[1:])
    if between and known and len(before) == call.wants_rank and _product(before[1:]) == now[-1]:
        target = shape_text(before[1:])
        values = {"layer": call.layer, "target": target}
        yield Repair((InsertLayer(call.call, "Reshape", target),), "choice", "map-again", values, f"Reshape({target})")


def _product(sizes: tuple[int | None, ...]) -> int:
    total = 1
    for d in sizes:
        total *= d or 1
    return total


RULE = Rule("layer-input-rank", check)
