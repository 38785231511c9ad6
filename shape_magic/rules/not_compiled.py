"""A call that trains or evaluates a model that was not compiled, or was compiled without a loss."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Contract, Data, Facts, Model
from shape_magic.repair.steps import Repair, SetCompile
from shape_magic.rules.agreement import agrees
from shape_magic.rules.calls import compares, line_of
from shape_magic.rules.finding import Finding, Rule
from shape_magic.spans import Shape


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a call that needs ``compile``, or a loss, where there is none."""
    contract = model.contract
    if contract is None or not compares(contract):
        return
    compiled = contract.compiled
    if compiled is not None and (compiled.loss.form != "none" or compiled.own_losses or contract.own_step):
        return
    loss = _loss_for(model, contract)
    yield Finding(
        severity="error",
        variant="compile" if compiled is None else "loss",
        topic="use",
        call=None,
        values={"model": model.name, "method": contract.method, "line": line_of(contract), "loss": loss or "mse"},
        repairs=tuple(_repairs(contract, loss)),
        span=contract.span,
        related=((contract.compile_span or model.span, "compile"),),
    )


def _repairs(contract: Contract, loss: str | None) -> Iterator[Repair]:
    if contract.compiled is not None and loss is not None:
        step = SetCompile("loss", repr(loss))
        yield Repair((step,), "choice", "with-loss", {"loss": loss}, f"loss='{loss}'")


def _loss_for(model: Model, contract: Contract) -> str | None:
    """The usual loss for the last layer's activation and the labels; None where several would do."""
    if len(contract.outputs) != 1 or len(contract.y) != 1 or not model.calls:
        return None
    output, y = contract.outputs[0], contract.y[0]
    activation = model.calls[-1].arguments.get("activation")
    for loss in _usual(str(activation), output, y):
        if agrees(loss, output, y.shape):
            return loss
    return None


def _usual(activation: str, output: Shape, y: Data) -> tuple[str, ...]:
    whole = y.facts is not None and y.facts.integer
    if activation == "softmax":
        hot = y.facts is not None and y.facts.one_hot
        return ("categorical_crossentropy",) if hot else ("sparse_categorical_crossentropy",) if whole else ()
    if activation == "sigmoid":
        return ("binary_crossentropy",) if whole and y.facts is not None and y.facts.max <= 1 else ()
    return ("mse",) if activation in ("linear", "None") and output[-1] == 1 else ()


RULE = Rule("not-compiled", check)
