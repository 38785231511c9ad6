"""What it takes to be there: the extension's load, and the first check of a process."""

from __future__ import annotations

from tests.benchmarks.fresh import ipython, number_of
from tests.benchmarks.rows import Group, row
from tests.benchmarks.side_by_side import Side, in_turn, milliseconds, more


def measure() -> Group:
    """The rows of the group."""
    loaded, bare = in_turn(
        Side("with the extension", lambda: ipython("--ext", "shape_magic")),
        Side("bare", ipython),
        seconds=10,
        least=7,
    )
    checked, alone = in_turn(
        Side("first check", lambda: number_of("first_check")),
        Side("the cell alone", lambda: number_of("first_cell")),
        seconds=0,
        least=3,
    )
    return Group(
        "start",
        "Starting",
        (
            row(
                "%load_ext shape_magic",
                "a bare start of IPython",
                "ms more",
                milliseconds(more(loaded, bare)),
                loaded,
                bare,
                goal=60,
            ),
            row("load_ext: backends imported", "", "calls", number_of("keras_imported"), goal=0),
            row(
                "first check of a process",
                "the cell alone",
                "ms more",
                milliseconds(more(checked, alone)),
                checked,
                alone,
                goal=150,
            ),
        ),
    )
