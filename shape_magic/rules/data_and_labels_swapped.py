"""Data and labels in each other's place."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Contract, Facts, Model
from shape_magic.repair.steps import Repair
from shape_magic.rules.agreement import agrees
from shape_magic.rules.calls import line_of, literal, repaired, same_rest
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding where the labels are what the model takes, and the data what its loss compares with."""
    contract = model.contract
    if contract is None or contract.failure is None or not are_swapped(model, contract):
        return
    x, y = contract.x[0], contract.y[0]
    yield Finding(
        severity="error",
        variant="swapped",
        topic="data",
        call=None,
        values={
            "model": model.name,
            "method": contract.method,
            "line": line_of(contract),
            "x": x.name,
            "y": y.name,
            "wanted": shape_text(model.inputs[0].shape, batch="batch"),
            "x_shape": shape_text(x.shape),
            "y_shape": shape_text(y.shape),
        },
        expected=model.inputs[0].shape,
        actual=x.shape,
        repairs=tuple(_repairs(contract)),
        keras_message=contract.failure.message,
        span=contract.span,
    )


def are_swapped(model: Model, contract: Contract) -> bool:
    """Whether a call would work with its data and its labels in each other's place."""
    if not len(contract.x) == len(contract.y) == len(model.inputs) == len(model.outputs) == 1:
        return False
    x, y, wanted = contract.x[0], contract.y[0], model.inputs[0].shape
    if same_rest(x.shape, wanted) or not same_rest(y.shape, wanted):
        return False
    loss = contract.losses[0].name if contract.losses else "mse"
    return agrees(loss, model.outputs[0], x.shape)


def _repairs(contract: Contract) -> Iterator[Repair]:
    given = [contract.argument(name) for name in ("x", "y")]
    texts = [literal(a.text) if a else "" for a in given]
    if all(texts):
        yield repaired(contract, ("x", texts[1]), ("y", texts[0]), does="swapped", safety="safe")


RULE = Rule("data-and-labels-swapped", check)
