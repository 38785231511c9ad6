"""How a check grows with the number of layers: twice the layers must not take four times as long."""

from __future__ import annotations

import gc
import tracemalloc

from tests.benchmarks import ours, subjects
from tests.benchmarks.rows import Curve, Group, Row, row
from tests.benchmarks.side_by_side import Series, Side, exponent, in_turn, more, timed
from tests.benchmarks.subjects import Style

SIZES = (10, 100, 1000, 3000)
#: Rounds and seconds by size.
_ROUNDS = {10: (15, 2.0), 100: (7, 2.0), 1000: (5, 0.0), 3000: (3, 0.0)}
#: tracemalloc makes everything several times slower.
_TRACED_SIZES = (10, 100, 1000)
_INPUT = (None, 32)


def _times(style: Style, count: int) -> tuple[Series, Series]:
    cell, names = subjects.stack_cell(count, style), subjects.names()
    least, seconds = _ROUNDS[count]
    checked, alone = in_turn(
        Side(f"check of {count}", timed(lambda _: ours.check(cell, names, x=_INPUT), ours.forget)),
        Side(f"{count} alone", timed(lambda _: ours.plain(cell, names))),
        seconds=seconds,
        least=least,
    )
    return checked, alone


def _time_rows(style: Style) -> tuple[list[Row], Curve]:
    measured = {count: _times(style, count) for count in SIZES}
    values = tuple(max(more(*pair).median, 1e-6) for pair in measured.values())
    slope = exponent(SIZES, values)
    per_layer = values[-1] / SIZES[-1] * 1000
    how = "in a list" if style == "list" else "by add"
    series = [one for pair in measured.values() for one in pair]
    what = f"time of a check, written {how}"
    note = f"{per_layer:.2f} ms for each of 3,000 layers"
    # What a small model takes in any case flattens the whole line: its end tells what is to come.
    end = exponent(SIZES[-2:], values[-2:])
    rows = [
        row(what, "", "exponent", slope, *series, goal=1.1, note=note),
        row(f"{what}, from {SIZES[-2]:,} on", "", "exponent", end, goal=1.1),
    ]
    return rows, Curve(how, "seconds", SIZES, values)


def _peak(count: int) -> float:
    """The most bytes that a check holds at a time, beyond what the cell itself makes."""

    def peak(check: bool) -> int:
        cell, names = subjects.stack_cell(count), subjects.names()
        ours.forget()
        gc.collect()
        tracemalloc.start()
        try:
            kept = ours.check(cell, names, x=_INPUT) if check else ours.plain(cell, names)
            del kept
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return float(peak(True) - peak(False))


def _memory() -> tuple[Row, Curve]:
    values = tuple(_peak(count) for count in _TRACED_SIZES)
    slope = exponent(_TRACED_SIZES, values)
    note = f"{values[-1] / _TRACED_SIZES[-1] / 1024:.0f} kB for each of 1,000 layers"
    one = row("peak memory of a check", "", "exponent", slope, goal=1.1, note=note)
    return one, Curve("memory", "bytes", _TRACED_SIZES, values)


def measure() -> Group:
    """The rows of the group, and its curves."""
    ours.check(subjects.stack_cell(4), subjects.names(), x=_INPUT)
    rows, curves = [], []
    for style in ("list", "add"):
        of_style, curve = _time_rows(style)
        rows += of_style
        curves.append(curve)
    memory, curve = _memory()
    return Group("growth", "Growing from 10 to 3,000 layers", (*rows, memory), (*curves, curve))
