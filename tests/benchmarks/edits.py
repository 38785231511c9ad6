"""One layer of a thousand is written otherwise, and the cell is run and traced again."""

from __future__ import annotations

from typing import Any

from tests.benchmarks import ours, subjects
from tests.benchmarks.rows import Group, Row, row
from tests.benchmarks.side_by_side import Side, in_turn, ratio, timed
from tests.counting import counted

_COUNT, _INPUT = 1000, (None, 32)
#: The layers that are edited, which are ``Dense``, and how many of all see something new by it: the layer itself,
#: and what follows up to the next ``Dense``, which gets another number of features and gives the same.
_PLACES = {"at the end": (996, 4), "in the middle": (500, 5)}


def _calls(model: Any) -> int:
    with counted() as counts:
        ours.trace(model, _INPUT)
    return counts.layer_calls


def _made(cell: str) -> Any:
    """The model of the cell as Keras alone makes it: what it takes is not ours."""
    names = subjects.names()
    exec(cell, names)
    return names["model"]


def _rows(whole: str, place: str, number: int, touched: int) -> tuple[Row, Row]:
    edited = subjects.stack_cell(_COUNT, changed=number)

    def after_the_first() -> Any:
        ours.forget()
        ours.trace(_made(whole), _INPUT)
        return _made(edited)

    def nothing_known() -> Any:
        ours.forget()
        return _made(whole)

    first, again = _calls(nothing_known()), _calls(after_the_first())
    a, b = in_turn(
        Side("after the edit", timed(lambda model: ours.trace(model, _INPUT), after_the_first)),
        Side("first", timed(lambda model: ours.trace(model, _INPUT), nothing_known)),
        seconds=0,
        least=5,
    )
    return (
        row(f"an edit {place}", "the first trace", "×", ratio(a, b), a, b),
        row(f"edit {place}: layers called", "", "calls", again, goal=touched, note=f"at first {first:,}"),
    )


def measure() -> Group:
    """The rows of the group."""
    whole = subjects.stack_cell(_COUNT)
    pairs = [_rows(whole, place, number, touched) for place, (number, touched) in _PLACES.items()]
    times, calls = zip(*pairs, strict=True)
    return Group("edits", f"One of {_COUNT:,} layers edited", (*times, *calls))
