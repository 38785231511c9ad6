"""A layer that Keras can't compute on its input, for a reason that no other rule knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from shape_magic.facts import Call, Facts, Failure, Model, Run
from shape_magic.repair.steps import OwnLayer, Repair
from shape_magic.rules.attention import ATTENTION, every_step, same_depth, steps_lost
from shape_magic.rules.finding import Finding, Rule, contains, listed
from shape_magic.rules.merge_over_the_batch import multiplies_samples
from shape_magic.rules.several_tensors import several
from shape_magic.rules.states import as_wide, state_width
from shape_magic.words import say, shape_text

_WORDS = "rule.layer-refuses-input"
#: A tensor's name in a graph, which is another one in each.
_TENSOR = re.compile(r'Tensor\("[^"]*"')
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
    """Whether another model stops with the same words: one around this one, or one that was called on the data."""
    others = [m.failed_call.failure for m in facts.models if m.failed_call is not None]
    others += [m.contract.failure for m in facts.models if m.contract is not None]
    said = _TENSOR.sub("", failure.message)
    return any(f is not None and _TENSOR.sub("", f.message) == said for f in others)


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why a layer can't work on what it gets, as far as the shapes and the layers before it show it."""

    variant: str
    repairs: tuple[Repair, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    #: The layer before it that the reason lies in.
    cause: Call | None = None


def _reason(model: Model, call: Call, failure: Failure, run: Run | None) -> _Reason:
    lost, given, width = steps_lost(model, call), several(model, call), state_width(call)
    if lost is not None:
        return _Reason(variant="last-step-only", repairs=(every_step(lost),), cause=lost)
    if given is not None:
        values = {"setting": f"`{given.setting}`", "number": len(given.sources[0].output_shapes)}
        return _Reason(variant="several", repairs=(given.repair(),), values=values, cause=given.sources[0])
    if width is not None:
        return _Reason(
            variant="states",
            repairs=tuple(as_wide(model, call, width)),
            values={"units": call.argument("units"), "width": width},
        )
    first = _first(call, failure, run)
    if first:
        own = Repair((OwnLayer(call.call),), "choice", "own-layer", {"layer": call.layer}, "a layer of its own")
        return _Reason(variant="shared-refused" if run is None else "shared", repairs=(own,), values={"first": first})
    return _Reason(variant="refused" if run is None else "when-run", repairs=tuple(same_depth(call)))


def _refused(model: Model, call: Call, failure: Failure, run: Run | None, *, is_used: bool) -> Finding:
    reason = _reason(model, call, failure, run)
    cause = reason.cause
    shapes = listed([shape_text(s, batch="batch") for s in call.input_shapes])
    values: dict[str, object] = {
        "layer": call.layer,
        "class_name": call.class_name,
        "kind": say(f"{_WORDS}.kind.{'layer' if call.is_a('Layer') else 'operation'}"),
        "line": call.span.start_line if call.span else None,
        "input": shapes or say(f"{_WORDS}.kind.nothing"),
        "needs": say(f"{_WORDS}.needs.{_needs(call)}", class_name=call.class_name),
        "keras": failure.message,
        "batch": run.batch if run else None,
        "cause": cause.layer if cause else "",
    }
    return Finding(
        severity="error" if is_used else "warning",
        variant=reason.variant,
        topic="call",
        call=call.call,
        values={**values, **reason.values},
        repairs=reason.repairs,
        actual=call.input_shape,
        keras_message=failure.message,
        related=(
            *((span, "inside") for span in failure.spans[:2]),
            *([(cause.span, "cause")] if cause else []),
            (call.placed, "called"),
        ),
    )


def _first(call: Call, failure: Failure, run: Run | None) -> str:
    """What the layer's weights were made for, in words, where it was called on something else before."""
    if run is not None:
        return shape_text(run.built_for, batch="batch") if run.built_for else ""
    wanted = _WIDTH.search(failure.message)
    if wanted is None or call.span is None or call.placed is None or contains(call.placed, call.span):
        return ""
    return say(f"{_WORDS}.width", width=int(wanted[1]))


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
