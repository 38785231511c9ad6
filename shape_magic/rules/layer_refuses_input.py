"""A layer that Keras can't compute on its input, for a reason that no other rule knows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Failure, Model, Run
from shape_magic.repair.steps import OwnLayer, Repair
from shape_magic.rules.attention import ATTENTION, every_step, same_depth, steps_lost
from shape_magic.rules.finding import Finding, Rule, contains, listed
from shape_magic.rules.merge_over_the_batch import multiplies_samples
from shape_magic.spans import Span
from shape_magic.words import say, shape_text

_WORDS = "rule.layer-refuses-input"
#: Keras' word on the width that a layer's weights were made for.
_WIDTH = re.compile(r"expected axis -1 of input shape to have value (\d+)")


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the call that raised: the layer, what went in, and Keras' own sentence."""
    call = model.failed_call
    if call is not None and call.failure is not None:
        yield _refused(model, call, call.failure, None, is_used=True)
    elif model.failure is not None and not _told_elsewhere(model.failure, facts):
        yield _whole(model, model.failure)
    else:
        # Built without a word, but the real call raises; a product over the batch has a rule of its own.
        late = next((c for c in model.calls if c.run and c.run.failure and not multiplies_samples(c)), None)
        if late is not None and late.run is not None and late.run.failure is not None:
            yield _refused(model, late, late.run.failure, late.run, is_used=model.contract is not None)


def _told_elsewhere(failure: Failure, facts: Facts) -> bool:
    """Whether a model around this one stops with the same words, at the place where they meet."""
    around = [m.failed_call.failure for m in facts.models if m.failed_call is not None]
    return any(f is not None and f.message == failure.message for f in around)


def _refused(model: Model, call: Call, failure: Failure, run: Run | None, *, is_used: bool) -> Finding:
    lost, first = steps_lost(model, call), _first(call, failure, run)
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
        "first": first,
        "cause": lost.layer if lost else "",
    }
    return Finding(
        severity="error" if is_used else "warning",
        variant=_variant(run, first, lost),
        topic="call",
        call=call.call,
        values=values,
        repairs=tuple(_repairs(model, call, first, lost)),
        actual=call.input_shape,
        keras_message=failure.message,
        related=(*((span, "inside") for span in failure.spans[:2]), *_cause(lost), (call.placed, "called")),
    )


def _variant(run: Run | None, first: str, lost: Call | None) -> str:
    if lost is not None:
        return "last-step-only"
    if run is None:
        return "shared-refused" if first else "refused"
    return "shared" if run.built_for else "when-run"


def _cause(lost: Call | None) -> tuple[tuple[Span | None, str], ...]:
    return ((lost.span, "cause"),) if lost is not None else ()


def _first(call: Call, failure: Failure, run: Run | None) -> str:
    """What the layer's weights were made for, in words, where it was called on something else before."""
    if run is not None:
        return shape_text(run.built_for, batch="batch") if run.built_for else ""
    wanted = _WIDTH.search(failure.message)
    if wanted is None or call.span is None or call.placed is None or contains(call.placed, call.span):
        return ""
    return say(f"{_WORDS}.width", width=int(wanted[1]))


def _repairs(model: Model, call: Call, first: str, lost: Call | None) -> Iterator[Repair]:
    if lost is not None:
        yield every_step(lost)
    elif first:
        yield Repair((OwnLayer(call.call),), "choice", "own-layer", {"layer": call.layer}, "a layer of its own")
    else:
        yield from same_depth(call)


def _needs(call: Call) -> str:
    """What layers of this kind need, where the shapes show that it is missing."""
    if call.is_a("Concatenate"):
        return "concatenate"
    ranks = {len(s) for s in call.input_shapes}
    if len(ranks) > 1 and (call.is_a("Merge") or not call.is_a("Layer")):
        return "broadcast"
    if call.is_a(*ATTENTION):
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
