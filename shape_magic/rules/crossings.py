"""What is said where the user's own code sets a row against a column, and so pairs all samples; and its repairs."""

from __future__ import annotations

from collections.abc import Sequence

from shape_magic.facts import Contract, LossFacts
from shape_magic.misread import Crossing
from shape_magic.repair.steps import Repair, Rewrite
from shape_magic.rules.finding import Finding
from shape_magic.spans import Span
from shape_magic.words import say, shape_text


def row_against_column(
    contract: Contract, which: Sequence[LossFacts], *, variant: str, role: str, item: int
) -> Finding:
    """The finding on the first of them, with repairs of all; ``role``: what the words call it."""
    crossings = [one for loss in which for one in loss.crossings]
    first = crossings[0]
    return Finding(
        severity="warning",
        variant=variant,
        topic="metric" if role == "metric" else "contract",
        call=None,
        item=item,
        values={role: which[0].name, **shapes(first)},
        repairs=repairs_of(crossings),
        expected=first.row,
        actual=first.column,
        span=first.span or contract.compile_span or contract.span,
        related=((contract.compile_span, "compile"), (contract.span, "use")),
    )


def shapes(crossing: Crossing) -> dict[str, str]:
    """The two shapes, and that of what they give, in words."""
    batch = say("axis.batch")
    return {
        "row": shape_text(crossing.row, batch="batch"),
        "column": shape_text(crossing.column, batch="batch"),
        "table": f"({', '.join([batch, batch, *map(str, crossing.rest)])})",
    }


def repairs_of(crossings: Sequence[Crossing]) -> tuple[Repair, ...]:
    """All columns made rows, or all rows made columns."""
    repairs = (
        _each("row", "{}[:, 0]", [one.column_span for one in crossings]),
        _each("column", "{}[:, None]", [one.row_span for one in crossings]),
    )
    return tuple(one for one in repairs if one is not None)


def _each(name: str, template: str, spans: Sequence[Span | None]) -> Repair | None:
    """The same done to all; None where the text does not tell of each where it is: it would go on as it is."""
    places = [span for span in dict.fromkeys(spans) if span is not None]
    return None if None in spans else Repair(tuple(Rewrite(span, template) for span in places), "choice", name)
