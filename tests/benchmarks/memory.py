"""What the trace of very many weights takes: nothing that grows with them."""

from __future__ import annotations

from tests.benchmarks.fresh import number_of
from tests.benchmarks.rows import Group, row
from tests.benchmarks.side_by_side import Series, alone

#: Bytes of 1,074 million weights in float32.
_WEIGHTS_MB = 5 * 16_384 * 16_385 * 4 / 1e6


def measure() -> Group:
    """The rows of the group."""
    series = Series("growth of the peak", tuple(number_of("peak_of_a_billion") / 1e6 for _ in range(3)))
    note = f"the weights would take {_WEIGHTS_MB:,.0f} MB"
    return Group(
        "memory",
        "A stack of a billion weights, traced",
        (row("a billion weights: peak memory", "", "MB", alone(series), series, goal=20, note=note),),
    )
