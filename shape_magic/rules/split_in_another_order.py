"""Data and labels that were split in one call, and unpacked to names in another order than they come in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from shape_magic.facts import Contract, Data, Facts, Model
from shape_magic.repair.steps import Reorder, Repair
from shape_magic.rules.calls import compares, line_of, same_rest, told
from shape_magic.rules.finding import Finding, Rule, listed

#: Two arrays, each in two pieces.
_PIECES = 4


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a call whose data and labels hold pieces that do not belong together."""
    contract = model.contract
    order = right_order(contract) if contract is not None else None
    if contract is None or contract.unpacked is None or order is None:
        return
    names = tuple(d.name for d in contract.unpacked.values)
    complaint = contract.complaint.failure if contract.complaint else None
    raised = next((f for f in (contract.failure, complaint, *(o.failure for o in contract.losses)) if f), None)
    at, values = contract.unpacked.names.span, {"order": ", ".join(order)}
    yield Finding(
        severity="error" if raised else "warning",
        variant="order",
        # The pieces are the cause of whatever their shapes would show.
        topic="data" if contract.failure is not None else "contract",
        call=None,
        values={
            "method": contract.method,
            "line": line_of(contract),
            "unpacked": at.start_line,
            "pieces": listed([told(d) for d in contract.unpacked.values]),
            **values,
        },
        repairs=(Repair((Reorder(at, names, order),), "choice", "reordered", values, values["order"]),),
        keras_message=raised.message if raised else None,
        span=contract.span,
        related=((at, "data"),),
        place="input" if contract.failure is not None else "labels",
    )


def right_order(contract: Contract) -> tuple[str, ...] | None:
    """The order of names in which data and labels get the pieces that belong together; None where they have them."""
    values = contract.unpacked.values if contract.unpacked is not None else ()
    if not compares(contract) or len(values) != _PIECES or not _are_pieces(values):
        return None
    names = [d.name for d in values]
    x, y = contract.x[0].name, contract.y[0].name
    apart = abs(names.index(x) - names.index(y))
    if x == y or len(set(names)) != _PIECES or apart == 2:
        return None
    others = [name for name in names if name not in (x, y)]
    # Of the other two the one that is spelled like the data's name is the data's other piece.
    others.sort(key=lambda name: _likeness(name, y) - _likeness(name, x))
    order = (x, others[0], y, others[1])
    return order if contract.method == "fit" else (order[1], order[0], order[3], order[2])


def _likeness(name: str, other: str) -> int:
    """How many letters two names share, in words between underscores or else at their start."""
    words = sum(map(len, set(name.split("_")) & set(other.split("_"))))
    return words or len(list(takewhile(lambda pair: pair[0] == pair[1], zip(name, other, strict=False))))


def _are_pieces(values: tuple[Data, ...]) -> bool:
    """Whether four arrays are two that were cut at the same sample, and it can be told which belong together."""
    first, second, third, fourth = (d.shape for d in values)
    if not all((first, second, third, fourth)) or first[0] != third[0] or second[0] != fourth[0]:
        return False
    if not same_rest(first, second) or not same_rest(third, fourth):
        return False
    return first[0] != second[0] or not same_rest(first, third)


RULE = Rule("split-in-another-order", check)
