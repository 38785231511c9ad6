"""A ``TimeDistributed`` around something that has no time axis to be distributed over."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import Repair, SetArgument, Unwrap
from shape_magic.rules.branches import rank_dropped_at
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.input_rank import CHANNELS, Above, input_above
from shape_magic.rules.input_shape import set_input
from shape_magic.rules.widths import RECURRENT
from shape_magic.words import shape_text

#: How many axes of a step are positions, by the end of a layer's name: ``Conv2D``, ``MaxPooling2D``.
_GRIDS = {"2D": 2, "3D": 3}


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a ``TimeDistributed`` that gets no steps, or steps that its layer can't read."""
    call = model.failed_call
    if call is None or not call.is_a("TimeDistributed") or call.input_shape is None or len(call.inputs) != 1:
        return
    flat = len(call.input_shape) < 3
    source = rank_dropped_at(model, call) if flat else None
    cause = source if source is not None and source.is_a(*RECURRENT) else None
    above = _without_channels(model, call)
    yield Finding(
        severity="error",
        variant="last-step-only" if cause else "no-time" if flat else "no-channels" if above else "steps-too-small",
        topic="call",
        call=call.call,
        values={
            "layer": call.layer,
            "line": call.span.start_line if call.span else None,
            "input": shape_text(call.input_shape, batch="batch"),
            "step": shape_text((None, *call.input_shape[2:]), batch="batch"),
            "cause": cause.layer if cause else "",
        },
        repairs=tuple(_repairs(model, call, cause, above)),
        actual=call.input_shape,
        keras_message=call.failure.message if call.failure else None,
        span=model.inputs[above.item].span if above else None,
        related=((cause.span, "cause"),) if cause else ((call.span, "layer"),) if above else (),
    )


def _without_channels(model: Model, call: Call) -> Above | None:
    """The input, where it gives grey images without an axis for their channels, a sequence of them."""
    above, wants = input_above(model, call), _GRIDS.get(next(iter(call.wrapped_bases), "")[-2:], 0) + 2
    if above is None or wants < 4 or len(above.sizes) != wants - 1 or above.sizes[-1] in CHANNELS:
        return None
    return above


def _repairs(model: Model, call: Call, cause: Call | None, above: Above | None) -> Iterator[Repair]:
    if above is not None:
        yield set_input(model, (*above.sizes, 1), above.item)
    if cause is not None:
        step = SetArgument(cause.call, "return_sequences", "True")
        yield Repair((step,), "choice", "every-step", {"layer": cause.layer}, "return_sequences=True")
    # Where there is no time, the wrappers further down have none either.
    wrappers = [c for c in model.calls[call.call :] if c.is_a("TimeDistributed")]
    steps = tuple(Unwrap(c.call) for c in wrappers)
    yield Repair(steps, "choice", "unwrap", {"layer": call.layer}, "without TimeDistributed")


RULE = Rule("time-distributed-without-time", check)
