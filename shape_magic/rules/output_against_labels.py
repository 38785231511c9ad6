"""An output that the loss can't compare with the labels, or compares with the wrong ones in silence."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Contract, Facts, Model
from shape_magic.rules.agreement import SPARSE, Pair, correction_for, loss_for, pairs, wanted
from shape_magic.rules.crossings import row_against_column
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.label_repairs import repairs_for
from shape_magic.rules.mismatch import Mismatch, is_beyond
from shape_magic.rules.widths import End, end_of
from shape_magic.words import say, shape_text

#: How Keras begins to say that a name stands for no loss: no shapes are compared then.
_NO_LOSS = "Could not interpret loss identifier"


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for an output and labels that do not belong together under the compiled loss."""
    contract = model.contract
    if contract is None:
        return
    for pair in pairs(contract):
        if pair.loss.crossings and not contract.own_step:
            yield row_against_column(contract, [pair.loss], variant="every-pair", role="loss", item=pair.item)
            return
        variant = _variant(pair)
        if variant is not None:
            yield _finding(model, contract, Mismatch(model, pair, end_of(model, pair.item)), variant)
            return


def _variant(pair: Pair) -> str | None:
    loss, output, labels = pair.loss, pair.output, pair.labels.shape
    if pair.agrees and loss.failure is None:
        return "label-out-of-range" if is_beyond(pair) else None
    if loss.failure and loss.failure.message.startswith(_NO_LOSS):
        return "no-such-loss"
    if not loss.known:
        return "refused" if loss.failure else None
    hot = pair.labels.facts is None or pair.labels.facts.one_hot
    if loss.name in SPARSE and len(labels) == len(output) and labels[-1] != 1 and hot:
        return "one-hot-with-sparse-loss"
    if loss_for(loss.name, output, labels, pair.labels.facts):
        return "class-numbers-with-one-hot-loss"
    if loss.failure is None and is_beyond(pair):
        return "label-out-of-range"  # it would broadcast, but a number without a unit stops it first
    if len(labels) == len(output) and labels[1:-1] == output[1:-1] and loss.name not in SPARSE:
        return "width" if loss.failure else "silent"
    return "shapes" if loss.failure else "silent"


def _finding(model: Model, contract: Contract, found: Mismatch, variant: str) -> Finding:
    pair, head = found.pair, found.head
    loss, output, labels = pair.loss, pair.output, pair.labels
    fails = loss.failure is not None or variant == "label-out-of-range"
    return Finding(
        severity="error" if fails else "warning",
        variant=variant,
        topic="contract",
        call=head.call.call if head else None,
        item=pair.item,
        values=_values(model, contract, found, head),
        repairs=repairs_for(found),
        expected=wanted(loss.name, output),
        actual=labels.shape,
        keras_message=loss.failure.message if loss.failure else None,
        correction=correction_for(loss, output, labels.shape),
        span=None if head and head.call.span else contract.span,
        related=((contract.compile_span, "compile"), (contract.span, "use")),
    )


def _values(model: Model, contract: Contract, found: Mismatch, head: End | None) -> dict[str, object]:
    pair = found.pair
    facts, output = pair.labels.facts, pair.output
    form = "one" if output[-1] == 1 else "many"
    return {
        "layer": head.call.layer if head else model.name,
        "line": head.call.span.start_line if head and head.call.span else None,
        "loss": pair.loss.name,
        "output": shape_text(output, batch="batch"),
        "units": output[-1],
        "units_words": say(f"rule.output-against-labels.units.{form}", n=output[-1], last=(output[-1] or 1) - 1),
        "labels": pair.labels.name,
        "labels_shape": shape_text(pair.labels.shape, batch="batch"),
        "wanted": shape_text(wanted(pair.loss.name, output), batch="batch"),
        "low": int(facts.min) if facts else 0,
        "high": int(facts.max) if facts else 0,
        "width": pair.labels.shape[-1],
        "method": contract.method,
    }


RULE = Rule("output-against-labels", check)
