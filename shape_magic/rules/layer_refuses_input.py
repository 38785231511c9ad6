"""A layer that Keras can't compute on its input, for a reason that no other rule knows."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Failure, Model, Run
from shape_magic.rules.finding import Finding, Rule, listed
from shape_magic.rules.merge_over_the_batch import multiplies_samples
from shape_magic.words import say, shape_text

_WORDS = "rule.layer-refuses-input"


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the call that raised: the layer, what went in, and Keras' own sentence."""
    call = model.failed_call
    if call is not None and call.failure is not None:
        yield _refused(call, call.failure, None, is_used=True)
    elif model.failure is not None:
        yield _whole(model, model.failure)
    else:
        # Built without a word, but the real call raises; a product over the batch has a rule of its own.
        late = next((c for c in model.calls if c.run and c.run.failure and not multiplies_samples(c)), None)
        if late is not None and late.run is not None and late.run.failure is not None:
            yield _refused(late, late.run.failure, late.run, is_used=model.contract is not None)


def _refused(call: Call, failure: Failure, run: Run | None, *, is_used: bool) -> Finding:
    shapes = listed([shape_text(s, batch="batch") for s in call.input_shapes])
    values = {
        "layer": call.layer,
        "class_name": call.class_name,
        "kind": say(f"{_WORDS}.kind.{'layer' if call.is_a('Layer') else 'operation'}"),
        "line": call.span.start_line if call.span else None,
        "input": shapes or say(f"{_WORDS}.kind.nothing"),
        "needs": say(f"{_WORDS}.needs.{_needs(call)}", class_name=call.class_name),
        "keras": failure.message,
        "batch": run.batch if run else None,
        "first": shape_text(run.built_for, batch="batch") if run and run.built_for else None,
    }
    return Finding(
        severity="error" if is_used else "warning",
        variant="refused" if run is None else "shared" if run.built_for else "when-run",
        topic="call",
        call=call.call,
        values=values,
        actual=call.input_shape,
        keras_message=failure.message,
        related=((call.placed, "called"),),
    )


def _needs(call: Call) -> str:
    """What layers of this kind need, where the shapes show that it is missing."""
    if call.is_a("Concatenate"):
        return "concatenate"
    ranks = {len(s) for s in call.input_shapes}
    if len(ranks) > 1 and (call.is_a("Merge") or not call.is_a("Layer")):
        return "broadcast"
    if call.is_a("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupedQueryAttention"):
        return "attention"
    if call.is_a("Merge") and len(call.input_shapes) > 1:
        return "merge"
    if call.is_a("Reshape"):
        return "reshape"
    sizes = call.input_shape or ()
    return "open" if call.is_a("Dense") and sizes and sizes[-1] is None else "other"


def _whole(model: Model, failure: Failure) -> Finding:
    line = model.span.start_line if model.span else None
    return Finding(
        severity="error",
        variant="handed" if failure.handed else "whole",
        topic="call",
        call=None,
        values={
            "model": model.name,
            "line": line,
            "keras": failure.message,
            "type": failure.type,
            "handed": failure.handed,
        },
        keras_message=failure.message,
        span=model.span,
    )


RULE = Rule("layer-refuses-input", check)
