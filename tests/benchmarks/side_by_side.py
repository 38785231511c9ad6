"""The measuring: things timed in turn, so that whatever the machine does meanwhile meets them alike.

pyperf and pytest-benchmark time one thing after another, each in minutes of its own; a ratio of two such
figures also holds what changed in between. Here each round measures every side once, in an order that is
reversed from round to round, and a ratio is that of two neighbours. pyperf keeps the record.
"""

from __future__ import annotations

import gc
import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Side:
    """One of the things that are compared."""

    name: str
    #: Measures once, and gives seconds.
    measure: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Series:
    """What one side took, round by round; the warm-up is not among it."""

    name: str
    values: tuple[float, ...]

    @property
    def least(self) -> float:
        """The smallest value: what it takes when nothing comes between."""
        return min(self.values)

    @property
    def median(self) -> float:
        """The value in the middle."""
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure with the quarter of its rounds below and above."""

    median: float
    low: float
    high: float


#: A collection of the middle generation comes after so many objects, and takes milliseconds.
_ROUND = gc.get_threshold()[0] * (gc.get_threshold()[1] + 1)
_GOLDEN = (math.sqrt(5) - 1) / 2


def timed(run: Callable[[Any], object], prepare: Callable[[], Any] = lambda: None) -> Callable[[], float]:
    """A measure of ``run`` alone: what ``prepare`` makes for it anew each time, and the freeing of both, are not in it.

    The collector has just run, so that nobody pays for another's garbage, and stays on as it is for a user. How far
    it is from its next collection is another one in each round, evenly spread, and the same for all sides: else one
    that is a few objects short of it would be compared with one that is a few beyond.
    """
    rounds = itertools.count()

    def measure() -> float:
        prepared = prepare()
        gc.collect()
        young = [[] for _ in range(int(_ROUND * (next(rounds) * _GOLDEN % 1)))]  # type: ignore[var-annotated]
        start = time.perf_counter()
        kept = run(prepared)
        took = time.perf_counter() - start
        del kept, young
        return took

    return measure


def in_turn(*sides: Side, seconds: float, least: int = 5, most: int = 101) -> list[Series]:
    """Measure the sides round by round, after one round to warm up, until the seconds are over.

    There are at least ``least`` rounds, whatever they take.
    """
    values: dict[str, list[float]] = {side.name: [] for side in sides}
    for side in sides:
        side.measure()
    with _settled():
        end = time.perf_counter() + seconds
        for number in range(most):
            for side in sides if number % 2 == 0 else reversed(sides):
                values[side.name].append(side.measure())
            if number + 1 >= least and time.perf_counter() > end:
                break
    return [Series(side.name, tuple(values[side.name])) for side in sides]


@contextmanager
def _settled() -> Iterator[None]:
    """What lives already is out of the collector's sight: else its passes, not ours, would be what is timed."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def ratio(ours: Series, theirs: Series) -> Spread:
    """How many times as long ours takes, from the pairs of neighbours."""
    return _spread([a / b for a, b in zip(ours.values, theirs.values, strict=True)])


def more(ours: Series, theirs: Series) -> Spread:
    """How much longer ours takes, in the unit of the series, from the pairs of neighbours."""
    return _spread([a - b for a, b in zip(ours.values, theirs.values, strict=True)])


def milliseconds(seconds: Spread) -> Spread:
    """The same in thousandths."""
    return Spread(seconds.median * 1000, seconds.low * 1000, seconds.high * 1000)


def alone(series: Series) -> Spread:
    """A figure with nothing beside it."""
    return _spread(series.values)


def _spread(values: Sequence[float]) -> Spread:
    if len(values) < 2:
        return Spread(values[0], values[0], values[0])
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(middle, low, high)


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The slope of log value over log size, by least squares: 1 where twice the size takes twice as much."""
    return statistics.linear_regression([math.log(n) for n in sizes], [math.log(v) for v in values]).slope
