"""Batches of another size than the one for which a stateful recurrent layer keeps its states."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shape_magic.facts import Call, Contract, Facts, Model
from shape_magic.repair.steps import Repair, WrapData
from shape_magic.rules.calls import repaired
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.widths import RECURRENT


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a call whose batches, or the last of them, are of another size than the states."""
    contract, layer = model.contract, _stateful(model)
    size = model.inputs[0].shape[0] if model.inputs and model.inputs[0].shape else None
    if contract is None or layer is None or size is None or contract.batch is None or not contract.x:
        return
    rows = _rows(contract)
    if rows is None:
        return
    left = rows % contract.batch
    if contract.batch == size and not left:
        return
    yield Finding(
        severity="error",
        variant="last" if contract.batch == size else "size",
        topic="data",
        call=layer.call,
        values={
            "layer": layer.layer,
            "method": contract.method,
            "line": layer.span.start_line if layer.span else None,
            "data": contract.x[0].name,
            "size": size,
            "batch": contract.batch,
            "rows": rows,
            "left": left,
            "whole": rows - left,
        },
        repairs=tuple(_repairs(contract, size, rows)),
        span=contract.span,
        related=((layer.span, "layer"), (model.inputs[0].span, "input")),
    )


def _stateful(model: Model) -> Call | None:
    return next((c for c in model.calls if c.is_a(*RECURRENT) and c.argument("stateful") is True), None)


def _rows(contract: Contract) -> int | None:
    """How many samples are taken batch by batch: ``fit`` keeps those that ``validation_split`` names for later."""
    rows = contract.x[0].shape[0] if contract.x[0].shape else None
    return None if rows is None else math.floor(rows * (1 - contract.validation_split))


def _repairs(contract: Contract, size: int, rows: int) -> Iterator[Repair]:
    """The batch size of the states, where it goes into the samples; else as many samples as it goes into."""
    one = WrapData("batch_size", str(size))
    if contract.batch != size and rows % size == 0:
        yield Repair((one,), "choice", "states-batch", {"size": size}, f"batch_size={size}")
    whole = rows - rows % size
    if whole and rows % size and contract.validation_split == 0:
        names = ["x", *(["y"] if len(contract.y) == 1 else [])]
        cut = [(name, f"{{}}[:{whole}]") for name in names]
        more = [("batch_size", str(size))] if contract.batch != size else []
        yield repaired(contract, *cut, *more, does="whole-batches")


RULE = Rule("stateful-batch-size", check)
