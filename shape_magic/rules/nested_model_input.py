"""A model inside a model that is given another shape than it was made for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import Repair
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.input_shape import set_input
from shape_magic.rules.nested_repairs import Joint, repairs, start_of
from shape_magic.spans import Shape
from shape_magic.words import shape_text

#: Keras' word on the shape that a model was made for, behind the number of the input.
_EXPECTED = re.compile(r"Input (\d+)\b.*expected shape=\(([\d, None]+)\)")


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for an inner model whose own input has another shape than what it is given."""
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
    """An inner model that does not take the shape of what the layers in front of it give."""
    joint = _joint(model, call)
    if joint is None:
        return
    start = start_of(model, call.inputs[joint.which])
    yield Finding(
        severity="error",
        variant="rank" if joint.is_of_ranks else "size" if joint.differs_in_grid else "width",
        topic="call",
        call=call.call,
        item=joint.which,
        values={
            "inner": call.layer,
            "line": call.placed.start_line if call.placed else None,
            "given": shape_text(joint.given, batch="batch"),
            "wanted": shape_text(joint.wanted, batch="batch"),
            "rank": len(joint.given),
            "wanted_rank": len(joint.wanted),
            "channels": joint.wanted[-1],
            "arrives": joint.given[-1],
        },
        repairs=tuple(repairs(joint)),
        expected=joint.wanted,
        actual=joint.given,
        keras_message=call.failure.message if call.failure else None,
        span=call.placed or call.span,
        related=tuple((c.span, "start") for c in start),
    )


def _joint(model: Model, call: Call) -> Joint | None:
    """What an inner model was made for and what it gets, where these differ; None where it stops for another reason."""
    if not call.is_a("Sequential", "Functional") or len(call.inputs) != len(call.input_shapes):
        return None
    pairs = [(k, made_for, call.input_shapes[k]) for k, made_for in _wanted(call).items() if k < len(call.inputs)]
    joints = (Joint(model, call, k, made_for, given) for k, made_for, given in pairs if made_for and given)
    return next((j for j in joints if j.is_of_ranks or j.differs_in_grid or j.differs_in_width), None)


def _wanted(call: Call) -> dict[int, Shape]:
    """The shapes that a model was made for, by its inputs: the one that Keras names, else all that it has."""
    found = _EXPECTED.search(call.failure.message) if call.failure else None
    if found is None:  # a last axis of size 1 less passes Keras' check, and a layer within the model stops at it
        return {k: data.shape for k, data in enumerate(call.takes)}
    sizes = [text.strip() for text in found[2].split(",") if text.strip()]
    return {int(found[1]): tuple(None if text == "None" else int(text) for text in sizes)}


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
