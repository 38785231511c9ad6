"""A data set whose elements are single samples, or batches of batches."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Argument, Contract, Facts, Model
from shape_magic.repair.steps import Repair, WrapData
from shape_magic.rules.calls import line_of, repaired
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import say, shape_text

#: Keras' own batch size for arrays.
_BATCH = 32


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a data set with no batch axis, or with two."""
    contract = model.contract
    if contract is None:
        return
    used, name = (contract, "x") if _variant(model, contract) else (contract.validation, "validation_data")
    variant = _variant(model, used) if used is not None else None
    given = used.argument("x") if used is not None else None
    if used is None or given is None or variant is None:
        return
    yield Finding(
        severity="error",
        variant=variant,
        # Before what is said of validation data of any other kind.
        topic="data" if name == "x" else "validation",
        call=None,
        values={
            "model": model.name,
            "method": contract.method,
            "line": line_of(contract),
            "data": given.text,
            "element": shape_text(used.x[0].shape),
            "wanted": shape_text(model.inputs[0].shape, batch="batch"),
        },
        expected=model.inputs[0].shape,
        actual=used.x[0].shape,
        repairs=(_repair(contract, name, variant, given),),
        keras_message=used.failure.message if used.failure else None,
        span=contract.span,
        related=((used.x[0].assigned or used.x[0].span, "data"),),
    )


def _variant(model: Model, contract: Contract) -> str | None:
    """Whether the elements of a data set have an axis too few or too many for the model, the rest as it takes it."""
    given = contract.argument("x")
    if given is None or given.form != "dataset" or len(contract.x) != len(model.inputs) or not contract.x:
        return None
    if contract.failure is None and model.failed_call is None:
        return None
    pairs = [(data.shape, wanted.shape) for data, wanted in zip(contract.x, model.inputs, strict=True)]
    if all(_fits(data, wanted[1:]) for data, wanted in pairs):
        return "unbatched"
    if all(len(data) > 1 and data[1] is None and _fits(data[1:], wanted) for data, wanted in pairs):
        return "twice"
    return None


def _fits(data: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(data) == len(wanted) and all(a is None or b is None or a == b for a, b in zip(data, wanted, strict=True))


def _repair(contract: Contract, name: str, variant: str, given: Argument) -> Repair:
    template = f"{{}}.batch({_BATCH})" if variant == "unbatched" else "{}.unbatch()"
    does = "batched" if variant == "unbatched" else "unbatched"
    if name == "x":
        return repaired(contract, (name, template), does=does, safety="safe")
    text = template.replace("{}", given.text)
    values = {"method": contract.method, "arguments": text, "does": say(f"fix.handed.does.{does}")}
    return Repair((WrapData(name, template),), "safe", "handed", values, text)


RULE = Rule("unbatched-dataset", check)
