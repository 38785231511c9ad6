"""An output that the loss can't compare with the labels, or compares with the wrong ones in silence."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Contract, Data, Facts, LossFacts, Model, Shape
from shape_magic.repair.steps import InsertLayer, Repair, SetArgument, SetCompile, Step
from shape_magic.rules.agreement import SPARSE, agrees, compared, correction_for, loss_for
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for an output and labels that do not belong together under the compiled loss."""
    pair = compared(model.contract)
    contract = model.contract
    if pair is None or contract is None:
        return
    loss, output, labels = pair
    y = contract.y[0]
    variant = _variant(loss, output, labels, y)
    if variant is None:
        return
    fails = loss.failure is not None or variant == "label-out-of-range"
    head = _head(model)
    yield Finding(
        severity="error" if fails else "warning",
        variant=variant,
        topic="contract",
        call=head.call if head else None,
        values=_values(model, contract, loss, output, y, head),
        repairs=tuple(_repairs(model, loss, output, y, head)),
        expected=_wanted(loss, output),
        actual=labels,
        keras_message=loss.failure.message if loss.failure else None,
        correction=correction_for(loss, output, labels),
        span=None if head and head.span else contract.span,
        related=((contract.compile_span, "compile"), (contract.span, "use")),
    )


def _variant(loss: LossFacts, output: Shape, labels: Shape, y: Data) -> str | None:
    if agrees(loss.name, output, labels) and loss.failure is None:
        return "label-out-of-range" if _beyond(loss, output, y) else None
    if not loss.known:
        return "refused" if loss.failure else None
    hot = y.facts is None or y.facts.one_hot
    if loss.name in SPARSE and len(labels) == len(output) and labels[-1] != 1 and hot:
        return "one-hot-with-sparse-loss"
    if loss_for(loss.name, output, labels, y.facts):
        return "class-numbers-with-one-hot-loss"
    if len(labels) == len(output) and labels[1:-1] == output[1:-1] and loss.name not in SPARSE:
        return "width" if loss.failure else "silent"
    return "shapes" if loss.failure else "silent"


def _beyond(loss: LossFacts, output: Shape, y: Data) -> bool:
    units = output[-1]
    if loss.name not in SPARSE or y.facts is None or units is None or loss.ignore_class is not None:
        return False
    return y.facts.max >= units or y.facts.min < 0


def _wanted(loss: LossFacts, output: Shape) -> Shape:
    return output[:-1] if loss.name in SPARSE else output


def _head(model: Model) -> Call | None:
    """The layer that sets the output's last axis: the one to name."""
    number = model.calls[-1].call if model.calls else -1
    while number >= 0 and model.calls[number].is_a("Activation", "Softmax", "Dropout", "ReLU", "LeakyReLU"):
        number = model.calls[number].inputs[0]
    return model.calls[number] if number >= 0 else None


def _values(
    model: Model, contract: Contract, loss: LossFacts, output: Shape, y: Data, head: Call | None
) -> dict[str, object]:
    facts = y.facts
    return {
        "layer": head.layer if head else model.name,
        "line": head.span.start_line if head and head.span else None,
        "loss": loss.name,
        "output": shape_text(output, batch="batch"),
        "units": output[-1],
        "last": (output[-1] or 1) - 1,
        "labels": y.name,
        "labels_shape": shape_text(y.shape, batch="batch"),
        "wanted": shape_text(_wanted(loss, output), batch="batch"),
        "low": int(facts.min) if facts else 0,
        "high": int(facts.max) if facts else 0,
        "width": y.shape[-1],
        "method": contract.method,
    }


def _repairs(model: Model, loss: LossFacts, output: Shape, y: Data, head: Call | None) -> Iterator[Repair]:
    labels = y.shape
    other = loss_for(loss.name, output, labels, y.facts)
    if other and loss.plain:  # a loss object would lose its arguments by the other's name
        yield Repair((SetCompile("loss", repr(other)),), "safe", "other-loss", {"loss": other}, f"loss='{other}'")
    if head is not None and head.is_a("Dense"):
        units = _units(loss, output, y)
        if units is not None and units != output[-1]:
            steps: tuple[Step, ...] = (SetArgument(head.call, "units", str(units), 0),)
            yield Repair(steps, "choice", "units", {"layer": head.layer, "units": str(units)}, f"units={units}")
    if len(output) >= 3 and len(labels) <= 2 and head is not None:
        yield from _joins(head, output)


def _units(loss: LossFacts, output: Shape, y: Data) -> int | None:
    if loss.name in SPARSE:
        return int(y.facts.max) + 1 if y.facts and y.facts.integer and y.facts.min >= 0 else None
    if len(y.shape) == len(output) and y.shape[1:-1] == output[1:-1]:
        return y.shape[-1]
    return 1 if len(y.shape) == 1 and len(output) == 2 and loss.name not in {"categorical_crossentropy"} else None


def _joins(head: Call, output: Shape) -> Iterator[Repair]:
    if head.arguments.get("return_sequences") is True:
        yield Repair(
            (SetArgument(head.call, "return_sequences", "False"),),
            "choice",
            "last-step",
            {"layer": head.layer},
            "return_sequences=False",
        )
    rank = len(output) - 2
    if rank <= 3:
        name = f"GlobalAveragePooling{rank}D"
        yield Repair(
            (InsertLayer(head.call, name, where="after"),),
            "choice",
            "average-after",
            {"layer": head.layer, "new": name},
            name,
        )


RULE = Rule("output-against-labels", check)
