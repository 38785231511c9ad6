"""A loss that keeps one number for each sample in a fit, which needs one number for all."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Facts, LossFacts, Model
from shape_magic.repair.steps import Repair, SetCompile
from shape_magic.rules.finding import Finding, Rule

_TRAINS = frozenset({"fit", "train_on_batch"})


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a compiled loss object without a reduction, in Keras' own training step."""
    contract = model.contract
    if contract is None or contract.own_step or contract.method not in _TRAINS or contract.failure:
        return
    loss = next((one for one in contract.losses if _keeps_all(one)), None)
    if loss is None:
        return
    yield Finding(
        severity="warning",
        variant="gradients-add-up",
        topic="values",
        call=None,
        values={
            "loss": loss.name,
            "line": contract.compile_span.start_line if contract.compile_span else None,
            "method": contract.method,
        },
        repairs=tuple(_repairs(model, loss)),
        span=contract.compile_span or contract.span,
        related=((contract.span, "use"),),
    )


def _keeps_all(loss: LossFacts) -> bool:
    return loss.known and loss.arguments.get("reduction", "mean") in (None, "none")


def _repairs(model: Model, loss: LossFacts) -> Iterator[Repair]:
    if len(model.outputs) == 1 and loss.plain:
        yield Repair((SetCompile("loss", repr(loss.name)),), "choice", "mean-loss", {"loss": loss.name})


RULE = Rule("unreduced-loss", check)
