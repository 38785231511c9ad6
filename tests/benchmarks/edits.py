"""One layer of a thousand is written otherwise, and the cell is checked again."""

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


def _check(cell: str) -> Any:
    return ours.check(cell, subjects.names(), x=_INPUT)


def _calls(cell: str) -> int:
    with counted() as counts:
        _check(cell)
    return counts.layer_calls


def _known(whole: str) -> None:
    ours.forget()
    _check(whole)


def _rows(whole: str, place: str, number: int, touched: int) -> tuple[Row, Row]:
    edited = subjects.stack_cell(_COUNT, changed=number)
    ours.forget()
    first, again = _calls(whole), _calls(edited)
    a, b = in_turn(
        Side("after the edit", timed(lambda _: _check(edited), lambda: _known(whole))),
        Side("first", timed(lambda _: _check(whole), ours.forget)),
        seconds=0,
        least=3,
    )
    return (
        row(f"an edit {place}", "the first check", "×", ratio(a, b), a, b, goal=0.5),
        row(f"edit {place}: layers called", "", "calls", again, goal=touched, note=f"at first {first:,}"),
    )


def measure() -> Group:
    """The rows of the group."""
    whole = subjects.stack_cell(_COUNT)
    pairs = [_rows(whole, place, number, touched) for place, (number, touched) in _PLACES.items()]
    times, calls = zip(*pairs, strict=True)
    return Group("edits", f"One of {_COUNT:,} layers edited", (*times, *calls))
