"""Cells that have nothing to do with Keras, under ``%shapecheck on``."""

from __future__ import annotations

import sys

from tests.benchmarks.rows import Group, Row, row
from tests.benchmarks.side_by_side import Side, in_turn, milliseconds, more, timed
from tests.kernel.shells import Shell, opened

_CELL = "total = sum(range(1000))\nwords = [str(n) for n in range(100)]\n"


def _side(shell: Shell, word: str) -> Side:
    return Side(word, timed(lambda _: shell.must(_CELL), lambda: shell.must(f"%shapecheck {word}")))


def _row(shell: Shell, what: str) -> Row:
    a, b = in_turn(_side(shell, "on"), _side(shell, "off"), seconds=2, least=50, most=300)
    return row(what, "%shapecheck off", "ms more", milliseconds(more(a, b)), a, b, goal=1)


def measure() -> Group:
    """The rows of the group."""
    with opened() as shell:
        before = _row(shell, "plain cell, Keras not imported")
        assert "keras" not in sys.modules, "a cell without Keras has imported it"
        shell.must("import keras")
        after = _row(shell, "plain cell, Keras imported")
    return Group("plain_cells", "Cells without Keras under %shapecheck on", (before, after))
