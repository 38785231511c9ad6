"""Where the cells of lessons run: apart from the user's own notebook, and nothing in them trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shape_magic.backend import require_keras
from shape_magic.interrupts import Deferred, Worker
from shape_magic.report import Report
from shape_magic.trace.worker import world_kept

#: What the cells find imported, as the rules' documents have it.
IMPORTS = "import keras\nimport numpy as np\nfrom keras import layers\n"


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a cell."""

    report: Report
    #: The cell's names when it had run.
    names: dict[str, Any]


def dry_run(source: str, *, memory_budget: int | None = None) -> Report:
    """The report of ``run``."""
    return run(source, memory_budget=memory_budget).report


def run(source: str, *, memory_budget: int | None = None) -> Run:
    """A cell, checked as it runs in a namespace of its own, with keras, layers and np imported.

    Calls that train are checked and answered by stand-ins. Keras counts layer names by thread, so in
    this one they start anew and the user's stay as they are; random states too. An interrupt ends the cell. Raises
    what the cell raises.
    """
    require_keras()

    def work() -> Run:
        from shape_magic.api import check_cell

        names: dict[str, Any] = {"__name__": "__main__"}
        exec(IMPORTS, names)
        return Run(check_cell(source, names, dry_run=True, memory_budget=memory_budget), names)

    with Deferred(), world_kept():
        return Worker(work, "shape_magic-lesson").outcome()
