"""A model inside a model that is given another number of channels than it was made for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import Repair, SetArgument
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.input_shape import PASS_ON, set_input
from shape_magic.spans import Shape
from shape_magic.words import shape_text

#: Keras' word on the shape that a model was made for.
_EXPECTED = re.compile(r"expected shape=\(([\d, None]+)\)")


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for an inner model whose input has another last axis than what it is given."""
    if model.failed_call is not None:
        yield from _refused(model, model.failed_call)
        return
    for call in model.calls:
        for source, made_for in zip(call.inputs, call.input_shapes, strict=False):
            given = _given(model, source)
            if len(call.path) > 1 and given is not None and _differs(given, made_for):
                yield _finding(model, call, source, given, made_for)
                return


def _refused(model: Model, call: Call) -> Iterator[Finding]:
    """An inner model that takes maps of another size than the layers in front of it give."""
    wanted, given = _wanted(call), call.input_shape
    if wanted is None or given is None or len(wanted) != len(given) or wanted[1:] == given[1:]:
        return
    start = _start(model, call)
    yield Finding(
        severity="error",
        variant="size",
        topic="call",
        call=call.call,
        values={
            "inner": call.layer,
            "line": call.placed.start_line if call.placed else None,
            "given": shape_text(given, batch="batch"),
            "wanted": shape_text(wanted, batch="batch"),
        },
        repairs=tuple(_other_start(start, wanted, given)),
        expected=wanted,
        actual=given,
        keras_message=call.failure.message if call.failure else None,
        span=call.placed or call.span,
        related=tuple((c.span, "start") for c in start),
    )


def _wanted(call: Call) -> Shape | None:
    """The shape that an inner model was made for, as Keras says it."""
    found = _EXPECTED.search(call.failure.message) if call.failure and call.is_a("Sequential", "Functional") else None
    if found is None:
        return None
    sizes = [text.strip() for text in found[1].split(",") if text.strip()]
    return tuple(None if text == "None" else int(text) for text in sizes)


def _start(model: Model, call: Call) -> list[Call]:
    """The Dense and the Reshape that lay out the first map on the way to a call; empty where there are none."""
    number = call.inputs[0] if len(call.inputs) == 1 else -1
    while number >= 0 and len(model.calls[number].inputs) == 1:
        here = model.calls[number]
        if here.is_a("Reshape"):
            above = model.calls[here.inputs[0]] if here.inputs[0] >= 0 else None
            while above is not None and above.is_a(*PASS_ON) and above.inputs[0] >= 0:
                above = model.calls[above.inputs[0]]
            return [above, here] if above is not None and above.is_a("Dense") else [here]
        number = here.inputs[0]
    return []


def _other_start(start: list[Call], wanted: Shape, given: Shape) -> Iterator[Repair]:
    """The first map in the size that the layers behind it enlarge to what the inner model takes."""
    if len(start) != 2 or not start[1].output_shape or len(start[1].output_shape) != len(given):
        return
    sizes: list[int] = []
    for first, now, then in zip(start[1].output_shape[1:-1], given[1:-1], wanted[1:-1], strict=True):
        if not first or not now or not then or now % first or then % (now // first):
            return
        sizes.append(then // (now // first))
    target = (*sizes, start[1].output_shape[-1])
    units = " * ".join(map(str, target))
    steps = (
        SetArgument(start[0].call, "units", units, 0),
        SetArgument(start[1].call, "target_shape", shape_text(target), 0),
    )
    values = {"layer": start[1].layer, "target": shape_text(target), "units": units}
    yield Repair(steps, "choice", "other-start", values, shape_text(target))


def _given(model: Model, source: int) -> Shape | None:
    if source >= 0:
        return model.calls[source].output_shape
    return model.inputs[-1 - source].shape if -1 - source < len(model.inputs) else None


def _differs(given: Shape, made_for: Shape) -> bool:
    # Keras lets a last axis of size 1 pass; weights are made for the channels.
    same_rank = len(given) == len(made_for) > 1
    return same_rank and given[-1] is not None and made_for[-1] is not None and given[-1] != made_for[-1]


def _finding(model: Model, call: Call, source: int, given: Shape, made_for: Shape) -> Finding:
    # Without weights for its channels an inner model computes all the same, and gives another shape than it says.
    raises = any(c.run is not None and c.run.failure is not None for c in model.calls[call.call :])
    return Finding(
        severity="error" if raises else "warning",
        variant="channels" if raises else "passed",
        topic="call",
        call=call.call,
        values={
            "inner": call.path[-2],
            "layer": call.layer,
            "given": shape_text(given, batch="batch"),
            "wanted": shape_text(made_for, batch="batch"),
            "channels": made_for[-1],
            "arrives": given[-1],
        },
        repairs=tuple(_repairs(model, source, given, made_for)),
        expected=made_for,
        actual=given,
        span=call.placed or call.span or model.span,
        related=((model.inputs[-1 - source].span if source < 0 else model.calls[source].span, "input"),),
    )


def _repairs(model: Model, source: int, given: Shape, made_for: Shape) -> Iterator[Repair]:
    if source < 0:
        yield set_input(model, (*given[1:-1], made_for[-1]), -1 - source)


RULE = Rule("nested-model-input", check)
