"""A label for every step, and a layer above the output that keeps no steps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from shape_magic.facts import Call, Contract, Facts, Model
from shape_magic.repair.steps import RemoveLayer, Repair, SetArgument, Step, Wrap, without
from shape_magic.rules.agreement import SPARSE, Pair, agrees, correction_for, pairs, relabelled
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.input_shape import PASS_ON
from shape_magic.rules.widths import RECURRENT, End, activated, end_of, set_width, width_argument
from shape_magic.spans import Shape
from shape_magic.words import shape_text

_JOINS = ("Flatten", "GlobalAveragePooling1D", "GlobalMaxPooling1D")


@dataclass(frozen=True, slots=True)
class _Loss:
    """The layer that takes the steps away, and the head below it."""

    call: Call
    head: End
    #: The output as it would be with the steps.
    kept: Shape
    #: What follows it up to the head, the lowest first.
    behind: tuple[Call, ...]


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for labels with a time axis that a layer above the output has dropped."""
    for pair in pairs(model.contract):
        lost = _lost(model, pair)
        if lost is not None:
            yield _finding(model, pair, lost)
            return


def _lost(model: Model, pair: Pair) -> _Loss | None:
    if not pair.loss.known or (pair.agrees and not pair.loss.failure):
        return None
    head, rank = end_of(model, pair.item), len(pair.output)
    if head is None or rank < 2:
        return None
    call: Call | None = head.call
    behind: list[Call] = []
    while call is not None and call.input_shape is not None and len(call.input_shape) == rank and len(call.inputs) == 1:
        behind.append(call)
        call = model.calls[call.inputs[0]] if call.inputs[0] >= 0 else None
    if call is None or call.input_shape is None or len(call.input_shape) != rank + 1 or not _drops_steps(call, rank):
        return None
    kept = _kept(pair, call.input_shape[1])
    return _Loss(call, head, kept, tuple(behind)) if kept is not None else None


def _drops_steps(call: Call, rank: int) -> bool:
    if rank > 2:
        return call.is_a("ConvLSTM") and not call.argument("return_sequences")
    return call.is_a(*_JOINS) or (call.is_a(*RECURRENT) and not call.argument("return_sequences"))


def _kept(pair: Pair, steps: int | None) -> Shape | None:
    """The output with its steps, as wide as the labels need it; None where it would not fit them either."""
    labels, width = pair.labels.shape, pair.output[-1]
    if width == math.prod(d or 0 for d in labels[1:]) and len(labels) > 2:
        return None  # all the numbers are there, in one row
    if len(labels) < 2 or labels[1] in (None, 1) or steps not in (labels[1], None):
        return None
    kept: Shape = (None, labels[1], *pair.output[1:])
    if agrees(pair.loss.name, kept, labels):
        return kept
    if pair.loss.name not in SPARSE and len(labels) == len(kept) == 3:
        return (None, labels[1], labels[2])
    return None


def _finding(model: Model, pair: Pair, lost: _Loss) -> Finding:
    contract, labels = model.contract, pair.labels
    assert contract is not None
    failed = pair.loss.failure
    return Finding(
        severity="error" if failed else "warning",
        variant="labels" if failed else "silent",
        topic="contract",
        call=lost.call.call,
        item=pair.item,
        values={
            "layer": lost.call.layer,
            "line": lost.call.span.start_line if lost.call.span else None,
            "steps": labels.shape[1],
            "input": shape_text(lost.call.input_shape or (), batch="batch"),
            "output": shape_text(pair.output, batch="batch"),
            "wanted": shape_text(lost.kept, batch="batch"),
            "labels": labels.name,
            "labels_shape": shape_text(labels.shape, batch="batch"),
            "loss": pair.loss.name,
        },
        repairs=tuple(_repairs(contract, pair, lost)),
        expected=lost.kept,
        actual=pair.output,
        keras_message=failed.message if failed else None,
        correction=correction_for(pair.loss, pair.output, labels.shape),
        related=((lost.head.call.span, "head"), (contract.span, "use"), (contract.compile_span, "compile")),
    )


def _repairs(contract: Contract, pair: Pair, lost: _Loss) -> Iterator[Repair]:
    call, width = lost.call, _width_steps(pair, lost)
    if width is None:
        return
    values = {"layer": call.layer, "head": lost.head.call.layer, "width": lost.kept[-1]}
    wide = "-and-width" if width else ""
    if call.is_a("ConvLSTM"):
        each = tuple(Wrap(c.call, "TimeDistributed") for c in lost.behind if not c.is_a(*PASS_ON))
        every: tuple[Step, ...] = (SetArgument(call.call, "return_sequences", "True"), *each)
        yield Repair(every, "choice", "every-image", values, "return_sequences=True")
    elif call.is_a(*RECURRENT):
        steps = (SetArgument(call.call, "return_sequences", "True"), *width)
        yield Repair(steps, "choice", f"every-step{wide}", values, "return_sequences=True")
    else:
        yield Repair((RemoveLayer(call.call), *width), "choice", f"remove{wide}", values, without(call.layer))
    labels = pair.labels.shape
    if agrees(pair.loss.name, pair.output, (labels[0], *labels[2:])):
        text = f"{pair.labels.name}[:, -1]"
        yield Repair((relabelled(contract, pair, "{}[:, -1]"),), "choice", "last-label", {"labels": text}, "y[:, -1]")


def _width_steps(pair: Pair, lost: _Loss) -> tuple[Step, ...] | None:
    """What gives the head the labels' width as well; None where its width can't be set."""
    width, argument = lost.kept[-1], width_argument(lost.head.call)
    if width == pair.output[-1] or width is None:
        return ()
    if argument is None:
        return None
    return (set_width(lost.head.call, argument, width), *activated(lost.head, pair.loss, width))


RULE = Rule("steps-lost-before-labels", check)
