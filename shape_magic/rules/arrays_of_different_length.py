"""Arrays of one call that hold different numbers of samples."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shape_magic.facts import Argument, Contract, Data, Facts, Model
from shape_magic.repair.steps import Repair
from shape_magic.rules.calls import line_of, repaired, same_rest
from shape_magic.rules.finding import Finding, Rule, Topic, listed
from shape_magic.rules.split_in_another_order import right_order
from shape_magic.words import number, say

_OFFERED = 2


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for data, labels or weights that do not have as many samples as the rest."""
    contract = model.contract
    if contract is None or not is_uneven(contract) or right_order(contract) is not None:
        return
    single = tuple(_in_a_batch(contract))
    repairs = single or tuple(_repairs(contract))
    # A turned array has the wrong shape for the model too, and labels without their batch for the loss: one cause,
    # one finding.
    topic: Topic = "contract" if single else "data" if contract.failure is not None and repairs else "use"
    yield Finding(
        severity="error",
        variant="lengths",
        topic=topic,
        call=None,
        values={"method": contract.method, "line": line_of(contract), "sizes": sizes(contract)},
        repairs=repairs,
        keras_message=contract.complaint.failure.message if contract.complaint else None,
        span=contract.span,
        related=tuple((d.assigned or d.span, "data") for d in (*contract.x[:1], *contract.y[:1])),
        place="labels",
    )


def is_uneven(contract: Contract) -> bool:
    """Whether two arrays of a call differ in their number of samples."""
    if any(a.form in ("plain", "number", "rows") for a in contract.arguments):
        return False  # they are no arrays yet: that comes first
    return len({n for a in contract.arguments for n in a.lengths}) > 1


def sizes(contract: Contract) -> str:
    """The number of samples in each argument, in words."""
    return listed([_told(a) for a in contract.arguments if a.lengths])


def _told(argument: Argument) -> str:
    counts = " + ".join(number(n) for n in argument.lengths[:6])
    return say("rule.arrays-of-different-length.holds", name=argument.text, count=counts)


def _in_a_batch(contract: Contract) -> Iterator[Repair]:
    """The answer for one sample in a batch of its own, as in a loop that trains on one step after the other."""
    if not len(contract.x) == len(contract.y) == len(contract.outputs) == 1:
        return
    x, y, output = contract.x[0], contract.y[0], contract.outputs[0]
    if x.shape[:1] == (1,) and y.shape == output[1:] and None not in y.shape:
        yield repaired(contract, ("y", f"{y.as_array}[None]"), does="in-a-batch")


def _repairs(contract: Contract) -> Iterator[Repair]:
    if len(contract.x) != 1 or len(contract.y) != 1:
        return
    x, y = contract.x[0], contract.y[0]
    for name, data, other in (("y", y, x), ("x", x, y)) if not _belong(x, y) else ():
        near = [d for d in contract.nearby if _stands_in(d, data, other)]
        for one in sorted(near, key=lambda d: not _belong(d, other))[:_OFFERED]:
            yield repaired(contract, (name, one.name), does="own-array")
    if len(x.shape) == 2 and x.shape[1] == y.shape[0] != 1:
        yield repaired(contract, ("x", "{}.T"), does="transposed")
    if len(y.shape) == 2 and y.shape[1] == x.shape[0] != 1:
        yield repaired(contract, ("y", "{}.T"), does="transposed")
    for name, data, other in (("y", y, x), ("x", x, y)):
        if len(data.shape) > 1 and data.shape[0] == 1 and data.shape[1] == other.shape[0]:
            yield repaired(contract, (name, "{}[0]"), does="unwrapped")


def _stands_in(near: Data, data: Data, other: Data) -> bool:
    """Whether another array is like this one and has as many samples as the one beside it."""
    return near.shape[0] == other.shape[0] and near.name != other.name and same_rest(near.shape, data.shape)


def _belong(x: Data, y: Data) -> bool:
    """Whether two names say that they belong together: ``X_test`` and ``y_test``, of which one is made wrongly."""
    return bool(_words(x.name) & _words(y.name))


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)}


RULE = Rule("arrays-of-different-length", check)
