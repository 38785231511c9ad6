"""Sequences whose labels are their own next steps, and lie one step off."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Contract, Data
from shape_magic.repair.steps import Repair, WrapData
from shape_magic.repair.templates import filled
from shape_magic.rules.agreement import SPARSE, Pair, relabelled
from shape_magic.rules.grids import Sizes
from shape_magic.words import say

_AFTER_FIRST, _BEFORE_LAST = "{}[:, 1:]", "{}[:, :-1]"


def next_step(contract: Contract, pair: Pair, have: Sizes, want: Sizes) -> Iterator[Repair]:
    """The first step of the labels left out, or the last of the input, where one is a single step longer."""
    if len(have) != 1 or pair.loss.name not in SPARSE:
        return
    if want[0] == have[0] + 1:
        labels = filled(_AFTER_FIRST, pair.labels.name)
        values = {"labels": labels, "does": say("fix.data.step.after-first")}
        yield Repair((relabelled(contract, pair, _AFTER_FIRST),), "choice", "labels-shape", values, labels)
    long = [k for k, data in enumerate(contract.x) if _is_row_of_numbers(data) and data.shape[1] == have[0]]
    if want[0] == have[0] - 1 and long:
        # Of several inputs the last one is what the decoder reads.
        data, item = contract.x[long[-1]], long[-1] if len(contract.x) > 1 else None
        text = filled(_BEFORE_LAST, data.name)
        values = {"data": text, "does": say("fix.data.step.before-last"), "method": contract.method}
        yield Repair((WrapData("x", _BEFORE_LAST, item=item),), "choice", "data", values, text)


def _is_row_of_numbers(data: Data) -> bool:
    return len(data.shape) == 2 and data.dtype.startswith(("int", "uint"))
