"""Trying repairs: what all proofs of a finding take, and one that has to run the cell's code."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from shape_magic.repair.prove import Prover
from shape_magic.trace.worker import apart
from tests.benchmarks import ours, subjects
from tests.benchmarks.rows import Group, Row, row
from tests.benchmarks.side_by_side import Series, Side, alone, in_turn, milliseconds, ratio, timed


@contextmanager
def _clocked(took: list[float]) -> Iterator[None]:
    """Every proof's seconds."""
    prove = Prover.prove

    def clocked(self: Prover, *args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return prove(self, *args, **kwargs)
        finally:
            took.append(time.perf_counter() - start)

    with mock.patch.object(Prover, "prove", clocked):
        yield


def _proofs(cell: str, names: dict[str, Any]) -> list[float]:
    """The seconds of each proof in one check of the cell."""
    took: list[float] = []
    ours.forget()
    with _clocked(took):
        report = ours.check(cell, names, dry_run=True)
    assert any(one.fixes for one in report.diagnostics), "nothing was proved"
    return took


def _resnet() -> Row:
    names = subjects.names(**subjects.images(8, 224, 224, 3))
    count = len(_proofs(subjects.RESNET_HEAD, names))
    a, b = in_turn(
        Side("proofs", lambda: sum(_proofs(subjects.RESNET_HEAD, names))),
        Side("one trace", timed(lambda _: ours.trace_of_code(subjects.resnet50), ours.forget)),
        seconds=10,
    )
    return row(f"all {count} repairs of a ResNet50 head", "one trace of ResNet50", "×", ratio(a, b), a, b, goal=2)


def _source() -> tuple[Row, Row]:
    names = subjects.names(**subjects.images(64, 32, 32, 3))
    lines = len(subjects.FUNCTIONAL.splitlines())
    for _ in range(2):
        _proofs(subjects.FUNCTIONAL, names)
    bare_side = timed(lambda _: _lines_alone(names))
    rounds = [(_proofs(subjects.FUNCTIONAL, names), bare_side()) for _ in range(21)]
    first = Series("first", tuple(took[0] for took, _ in rounds))
    further = Series("further", tuple(one for took, _ in rounds for one in took[1:]))
    bare = Series("its lines alone", tuple(took for _, took in rounds))
    of_keras = f"{ratio(first, bare).median:.1f}× what Keras takes for these lines"
    return (
        row(
            f"first repair of a {lines}-line cell",
            "",
            "ms",
            milliseconds(alone(first)),
            first,
            bare,
            goal=30,
            note=of_keras,
        ),
        row("each further one", "", "ms", milliseconds(alone(further)), further, goal=30),
    )


def _lines_alone(names: dict[str, Any]) -> None:
    """The cell up to its model, where no weight gets a value, with nobody looking: what it takes to make it anew."""
    lines = compile(subjects.FUNCTIONAL.partition("model.compile(")[0], "<cell>", "exec")
    apart(lambda: exec(lines, dict(names)))


def measure() -> Group:
    """The rows of the group."""
    return Group("proving", "Trying repairs", (_resnet(), *_source()))
