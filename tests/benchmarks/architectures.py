"""Every shape of known models: traced without a weight, beside building them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from tests.benchmarks import ours, subjects
from tests.benchmarks.rows import Group, Row, row
from tests.benchmarks.side_by_side import Side, in_turn, ratio, timed


def _built(build: Callable[[], Any]) -> Any:
    model, page = build(), io.StringIO()
    model.summary(print_fn=lambda line, **_: page.write(line))
    return model


def _row(name: str, build: Callable[[], Any]) -> Row:
    assert ours.trace_of_code(build).params == build().count_params(), f"{name} is another model when traced"
    traced = Side("trace", timed(lambda _: ours.trace_of_code(build), ours.forget))
    built = Side("build", timed(lambda _: _built(build)))
    a, b = in_turn(traced, built, seconds=5)
    return row(name, "building it, and summary()", "×", ratio(a, b), a, b, goal=1)


def measure() -> Group:
    """The rows of the group."""
    rows = tuple(_row(name, build) for name, build in subjects.BUILDERS.items())
    return Group("architectures", "Every shape, without a weight", rows)
