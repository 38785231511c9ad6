"""Finding a mistake and proving its repairs, beside running into it."""

from __future__ import annotations

from tests.benchmarks import ours, subjects
from tests.benchmarks.rows import Group, row
from tests.benchmarks.side_by_side import Side, in_turn, ratio, timed


def measure() -> Group:
    """The rows of the group."""
    names = subjects.names(**subjects.images(60_000, 28, 28, 1))
    report, error = ours.check(subjects.SEED, names, dry_run=True), ours.plain(subjects.SEED, names)
    assert report.diagnostics[0].fixes, "the mistake is not found"
    assert error is not None, "Keras has nothing against it"
    checked = Side("check", timed(lambda _: ours.check(subjects.SEED, names, dry_run=True), ours.forget))
    crashed = Side("plain", timed(lambda _: ours.plain(subjects.SEED, names)))
    a, b = in_turn(checked, crashed, seconds=8)
    beside = "plain Keras until its exception from fit"
    one = row("the example above, its repairs tried", beside, "×", ratio(a, b), a, b, goal=1)
    return Group("diagnosis", "Finding the mistake", (one,))
