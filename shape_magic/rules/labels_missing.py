"""A call that compares with labels, or reads data, and is given none."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Contract, Data, Facts, Model
from shape_magic.repair.steps import Repair
from shape_magic.rules.agreement import agrees
from shape_magic.rules.calls import compares, line_of, literal, repaired, same_rest
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text

#: How many arrays of the notebook are offered as labels, at most.
_OFFERED = 2


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a call without labels or without data, where the compiled loss needs them."""
    contract = model.contract
    variant = _variant(model, contract) if contract is not None and contract.arguments else None
    if contract is None or variant is None:
        return
    x = contract.argument("x")
    yield Finding(
        severity="error",
        variant=variant,
        # A pair is also a number of inputs that the model does not have: one cause, one finding.
        topic="data" if variant == "pair" else "use",
        call=None,
        values={
            "model": model.name,
            "method": contract.method,
            "line": line_of(contract),
            "x": x.text if x else "x",
            "loss": contract.losses[0].name if contract.losses else "",
            "output": shape_text(model.outputs[0], batch="batch") if model.outputs else "",
        },
        repairs=tuple(_repairs(variant, contract)),
        keras_message=contract.failure.message if contract.failure else None,
        span=contract.span,
        related=((contract.compile_span, "compile"),),
        place="input" if variant == "data" else "labels",
    )


def _variant(model: Model, contract: Contract) -> str | None:
    x, y = contract.argument("x"), contract.argument("y")
    if x is None or y is None or contract.own_step:
        return None
    if x.form == "absent" and model.inputs:
        return "data"
    if not compares(contract) or y.form != "absent" or not contract.losses:
        return None
    if not any(loss.compares for loss in contract.losses):
        return None
    if x.form in ("dataset", "sequence", "generator"):
        return "without" if contract.x and not contract.y and not y.keys else None
    return "pair" if x.form == "several" and len(contract.x) == 2 and len(model.inputs) == 1 else "labels"


def _repairs(variant: str, contract: Contract) -> Iterator[Repair]:
    x = contract.argument("x")
    if x is None or variant not in ("pair", "labels"):
        return
    if variant == "pair":
        inner = x.text[1:-1].strip().rstrip(",") if x.text.startswith("(") and x.text.endswith(")") else ""
        yield repaired(contract, ("x", literal(inner) or "*{}"), does="both", safety="safe")
        return
    if len(contract.x) != 1 or len(contract.outputs) != 1 or "{}" in x.text:
        return
    data, output = contract.x[0], contract.outputs[0]
    if len(output) > 1 and same_rest(output, data.shape):
        yield repaired(contract, ("x", "{}, {}"), does="itself")
        return
    fitting = [d for d in contract.nearby if d.name != data.name and _fits(d, data, contract)]
    for other in fitting[:_OFFERED]:
        yield repaired(contract, ("x", f"{{}}, {other.name}"), does="labels")


def _fits(other: Data, data: Data, contract: Contract) -> bool:
    """Whether an array holds as many samples as the data, in the form that the loss compares."""
    same = other.shape[:1] == data.shape[:1]
    return same and agrees(contract.losses[0].name, contract.outputs[0], other.shape)


RULE = Rule("labels-missing", check)
