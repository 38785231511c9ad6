"""Class probabilities over a single unit: a softmax that always gives 1, a loss that has nothing to compare."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Contract, Facts, Model
from shape_magic.repair.steps import InsertLayer, Repair, ReplaceLayer, SetArgument, Step
from shape_magic.rules.agreement import SPARSE, pairs
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.fitting import repairs
from shape_magic.rules.heads import activation_of, fits, head_of, judged, warning
from shape_magic.words import say, shape_text

#: Losses that compare the numbers of one answer with one another: over one number they are constant.
_OVER_CLASSES = SPARSE | {
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "kl_divergence",
    "cosine_similarity",
}


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield a finding for a softmax over one number, else for a loss over the classes of one unit."""
    if model.failed_call or _differs_in_shape(model.contract):
        return
    for call in model.calls:
        if call.output_shape and call.output_shape[-1] == 1 and activation_of(call) == "softmax":
            yield _of_softmax(model, call)
            return
    for one in judged(model):
        if one.pair.loss.name in _OVER_CLASSES and one.pair.output[-1] == 1 and len(one.pair.output) > 1:
            yield warning(model, one, "loss", repairs(model, one))
            return


def _differs_in_shape(contract: Contract | None) -> bool:
    """Whether something comes first: what the width should be is said there."""
    return contract is not None and (contract.failure is not None or not all(fits(pair) for pair in pairs(contract)))


def _of_softmax(model: Model, call: Call) -> Finding:
    items = [k for k in range(len(model.ends)) if (head := head_of(model, k)) is not None and head.active is call]
    for one in judged(model):
        if one.head.active is call:
            return warning(model, one, "softmax", repairs(model, one), shape=_shape(call))
    values = {"layer": call.layer, "line": call.span.start_line if call.span else None, "shape": _shape(call)}
    return Finding(
        severity="warning",
        variant="softmax" if items else "inside",
        topic="values",
        call=call.call,
        values=values,
        repairs=tuple(_without_labels(model, call, head=bool(items))),
    )


def _shape(call: Call) -> str:
    return shape_text(call.output_shape or (), batch="batch")


def _without_labels(model: Model, call: Call, *, head: bool) -> Iterator[Repair]:
    if not head and len(call.output_shape or ()) == 3:
        steps: tuple[Step, ...] = (_activation(call, "linear"), InsertLayer(call.call, "Softmax", "axis=1", "after"))
        yield Repair(steps, "choice", "softmax-over-steps", {"layer": call.layer}, "Softmax(axis=1)")
    for name in ("sigmoid", "linear") if head else ("sigmoid",):
        title = say("fix.set-up.head", layer=call.layer, settings=f"activation='{name}'")
        values = {"parts": title[:1].upper() + title[1:], "does": say(f"fix.set-up.for.{name}")}
        yield Repair((_activation(call, name),), "choice", "set-up", values, f"activation='{name}'")


def _activation(call: Call, name: str) -> Step:
    if call.is_a("Softmax"):
        return ReplaceLayer(call.call, "Activation", repr(name))
    return SetArgument(call.call, "activation", repr(name), 0 if call.is_a("Activation") else None)


RULE = Rule("one-unit-as-classes", check)
