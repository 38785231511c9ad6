"""A row set against a column in code that works with the model's answers: nobody but that code compares them."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Facts, Model
from shape_magic.misread import Crossing
from shape_magic.rules.crossings import repairs_of, shapes
from shape_magic.rules.finding import Finding, Rule


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for all places where a row of labels is set against a column of answers, or the reverse."""
    crossings = [one for one in model.misreads if isinstance(one, Crossing)]
    if not crossings:
        return
    first = crossings[0]
    yield Finding(
        severity="warning",
        variant="code",
        topic="answers",
        call=None,
        values={"code": first.text, **shapes(first)},
        repairs=repairs_of(crossings),
        expected=first.row,
        actual=first.column,
        span=first.span,
        place="code",
        keepable=True,
    )


RULE = Rule("row-against-column", check)
