"""A global pooling on something that has no positions left."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import RemoveLayer, Repair, SetArgument, without
from shape_magic.rules.branches import is_of_base, joins, rank_dropped_at
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a global pooling that gets one row of features per sample."""
    call = model.failed_call
    if call is None or not call.is_a("BaseGlobalPooling") or call.input_shape is None or len(call.input_shape) != 2:
        return
    top = _top(model, call)
    first = top or rank_dropped_at(model, call)
    if top is None and first is not None and not joins(first):
        return  # a recurrent layer that gave its last step only: another mistake
    yield Finding(
        severity="error",
        variant="top-left-on" if top else "joined-above" if first is not None else "flat-from-the-start",
        topic="call",
        call=call.call,
        values={
            "layer": call.layer,
            "line": call.span.start_line if call.span else None,
            "input": shape_text(call.input_shape, batch="batch"),
            "wants": call.wants_rank,
            "cause": first.layer if first else "",
            "before": shape_text(first.input_shape, batch="batch") if first and first.input_shape else "",
        },
        repairs=(_without_top(top),) if top else tuple(_repairs(call, first)),
        expected=(None,) * (call.wants_rank or 2),
        actual=call.input_shape,
        keras_message=call.failure.message if call.failure else None,
        related=((first.span, "cause"),) if first else (),
    )


def _top(model: Model, call: Call) -> Call | None:
    """The classifier of a ready-made base, where that is what is read."""
    above = model.calls[call.inputs[0]] if len(call.inputs) == 1 and call.inputs[0] >= 0 else None
    if above is None or joins(above):
        return None
    return above if is_of_base(model, above) else None


def _without_top(top: Call) -> Repair:
    step = SetArgument(top.call, "include_top", "False", whole=True)
    return Repair((step,), "choice", "without-top", {"layer": top.layer}, "include_top=False")


def _repairs(call: Call, first: Call | None) -> Iterator[Repair]:
    """Take one of the two out: this one, but where a Flatten came first, that one: the pooling was the last word."""
    outs = [call]
    if first is not None and first.exact:
        outs = [first, call] if first.is_a("Flatten") else [call, first]
    for out in outs:
        yield Repair((RemoveLayer(out.call),), "choice", "remove-one", {"layer": out.layer}, without(out.layer))


RULE = Rule("pooled-twice", check)
