"""A ``TimeDistributed`` around something that has no time axis to be distributed over."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import Repair, SetArgument, Unwrap
from shape_magic.rules.branches import rank_dropped_at
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text

_RECURRENT = ("RNN", "LSTM", "GRU", "SimpleRNN", "Bidirectional")


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a ``TimeDistributed`` that gets no steps, or steps that its layer can't read."""
    call = model.failed_call
    if call is None or not call.is_a("TimeDistributed") or call.input_shape is None or len(call.inputs) != 1:
        return
    flat = len(call.input_shape) < 3
    source = rank_dropped_at(model, call) if flat else None
    cause = source if source is not None and source.is_a(*_RECURRENT) else None
    yield Finding(
        severity="error",
        variant="last-step-only" if cause else "no-time" if flat else "steps-too-small",
        topic="call",
        call=call.call,
        values={
            "layer": call.layer,
            "line": call.span.start_line if call.span else None,
            "input": shape_text(call.input_shape, batch="batch"),
            "step": shape_text(("batch", *call.input_shape[2:])),  # type: ignore[arg-type]
            "cause": cause.layer if cause else "",
        },
        repairs=tuple(_repairs(model, call, cause)),
        actual=call.input_shape,
        keras_message=call.failure.message if call.failure else None,
        related=((cause.span, "cause"),) if cause else (),
    )


def _repairs(model: Model, call: Call, cause: Call | None) -> Iterator[Repair]:
    if cause is not None:
        step = SetArgument(cause.call, "return_sequences", "True")
        yield Repair((step,), "choice", "every-step", {"layer": cause.layer}, "return_sequences=True")
    # Where there is no time, the wrappers further down have none either.
    wrappers = [c for c in model.calls[call.call :] if c.is_a("TimeDistributed")]
    steps = tuple(Unwrap(c.call) for c in wrappers)
    yield Repair(steps, "choice", "unwrap", {"layer": call.layer}, "without TimeDistributed")


RULE = Rule("time-distributed-without-time", check)
