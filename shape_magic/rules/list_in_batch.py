"""A generator or a PyDataset that gives a list where Keras takes a tuple."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Contract, Facts, Model, Written
from shape_magic.repair.steps import Repair, Rewrite
from shape_magic.rules.calls import line_of
from shape_magic.rules.finding import Finding, Rule, listed


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a batch that is a list, or holds one: Keras makes no tensors of it."""
    contract = model.contract
    if contract is None:
        return
    used = contract if contract.lists or contract.validation is None else contract.validation
    given = used.argument("x")
    if not used.lists or given is None:
        return
    changed = list(_changed(used))
    yield Finding(
        severity="error",
        variant="whole" if used.lists[0] == "batch" else "inside",
        topic="data" if used is contract else "validation",
        call=None,
        values={
            "method": contract.method,
            "line": line_of(contract),
            "name": given.text,
        },
        repairs=tuple(_repairs(changed)),
        span=contract.span,
        related=((changed[0].span if changed else None, "data"),),
    )


def _changed(contract: Contract) -> Iterator[Written]:
    """The lists, as far as it is known where they are written."""
    if contract.lists[0] == "batch" and contract.together is not None:
        yield contract.together
    places = dict(zip(("x", "y", "sample_weight"), contract.parts, strict=False))
    yield from (places[name] for name in contract.lists if name in places)


def _repairs(changed: list[Written]) -> Iterator[Repair]:
    if changed:
        steps = tuple(Rewrite(part.span, "tuple({})") for part in changed)
        values = {"parts": listed([f"`{part.text}`" for part in changed]), "line": changed[0].span.start_line}
        yield Repair(steps, "safe", "tuple-in-batch", values, "(a, b)")


RULE = Rule("list-in-batch", check)
