"""A data set, generator or PyDataset whose elements are single samples, or batches with an axis too many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shape_magic.facts import Argument, Contract, Facts, Model
from shape_magic.repair.steps import Repair, Rewrite, WrapData
from shape_magic.rules.calls import line_of, repaired
from shape_magic.rules.finding import Finding, Rule, listed
from shape_magic.spans import Shape, Span
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
            "element": shape_text(used.x[0].asked or used.x[0].shape),
            "wanted": shape_text(model.inputs[0].shape, batch="batch"),
        },
        expected=model.inputs[0].shape,
        actual=used.x[0].shape,
        repairs=tuple(_repairs(contract, used, name, variant, given)),
        keras_message=used.failure.message if used.failure else None,
        span=contract.span,
        related=tuple((span, "data") for span in _made_at(used)),
    )


def _variant(model: Model, contract: Contract) -> str | None:
    """Whether the elements of a data set have an axis too few or too many for the model, the rest as it takes it."""
    given = contract.argument("x")
    if given is None or len(contract.x) != len(model.inputs) or not contract.x:
        return None
    if contract.failure is None and model.failed_call is None:
        return None
    if given.form in ("generator", "sequence"):
        return _variant_of_batch([(d.asked or (), i.shape) for d, i in zip(contract.x, model.inputs, strict=True)])
    if given.form != "dataset":
        return None
    pairs = [(data.shape, wanted.shape) for data, wanted in zip(contract.x, model.inputs, strict=True)]
    if all(_fits(data, wanted[1:]) for data, wanted in pairs):
        return "unbatched"
    if all(len(data) > 1 and data[1] is None and _fits(data[1:], wanted) for data, wanted in pairs):
        return "twice"
    return None


def _variant_of_batch(pairs: Sequence[tuple[Shape, Shape]]) -> str | None:
    """The same of a batch that was looked at: one sample, or one with an axis of size 1 in front of all samples."""
    if all(asked and _fits(asked, wanted[1:]) for asked, wanted in pairs):
        return "one-by-one"
    if all(len(asked) > 1 and asked[0] == 1 and _fits(asked[2:], wanted[1:]) for asked, wanted in pairs):
        return "batch-in-a-batch"
    return None


def _made_at(used: Contract) -> Iterator[Span | None]:
    """Where the batches are made, as far as it is known, and where they are handed over."""
    if used.parts:
        yield used.parts[0].span
    yield used.x[0].assigned or used.x[0].span


def _fits(data: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(data) == len(wanted) and all(a is None or b is None or a == b for a, b in zip(data, wanted, strict=True))


def _repairs(contract: Contract, used: Contract, name: str, variant: str, given: Argument) -> Iterator[Repair]:
    if variant in ("one-by-one", "batch-in-a-batch"):
        yield from _in_the_code(used, variant)
        return
    template = f"{{}}.batch({_BATCH})" if variant == "unbatched" else "{}.unbatch()"
    does = "batched" if variant == "unbatched" else "unbatched"
    if name == "x":
        yield repaired(contract, (name, template), does=does, safety="safe")
        return
    text = template.replace("{}", given.text)
    values = {"method": contract.method, "arguments": text, "does": say(f"fix.handed.does.{does}")}
    yield Repair((WrapData(name, template),), "safe", "handed", values, text)


def _in_the_code(used: Contract, variant: str) -> Iterator[Repair]:
    """The same change to each array of a batch, where the user's own code makes it."""
    arrays = (*used.x, *used.y, *used.weights)
    if not used.parts or len(used.parts) != len(arrays):
        return  # batches made elsewhere, or arrays in a list or a dict within them
    template = "{}[None]" if variant == "one-by-one" else "{}[0]"
    # Labels that are batches already stay as they are.
    changed = [
        part
        for i, (part, data) in enumerate(zip(used.parts, arrays, strict=True))
        if variant == "one-by-one" or i < len(used.x) or (data.asked or (0,))[0] == 1
    ]
    steps = tuple(Rewrite(part.span, template) for part in changed)
    values = {"parts": listed([f"`{part.text}`" for part in changed]), "line": changed[0].span.start_line}
    yield Repair(steps, "choice", f"{variant}-batches", values, template.format("x"))


RULE = Rule("unbatched-dataset", check)
