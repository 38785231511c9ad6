"""Where the cells of lessons run: apart from the user's own notebook, and nothing in them trains."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from shape_magic.backend import require_keras
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
    this one they start anew and the user's stay as they are; random states too. Raises what the cell raises.
    """
    require_keras()
    outcome: list[Any] = [None, None]

    def work() -> None:
        from shape_magic.api import check_cell

        names: dict[str, Any] = {"__name__": "__main__"}
        try:
            exec(IMPORTS, names)
            report = check_cell(source, names, dry_run=True, memory_budget=memory_budget)
            outcome[0] = Run(report, names)
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, whatever it is
            outcome[1] = error

    with world_kept():
        thread = threading.Thread(target=work, name="shape_magic-lesson", daemon=True)
        thread.start()
        thread.join()
    if outcome[1] is not None:
        error: BaseException = outcome[1]
        raise error
    done: Run = outcome[0]
    return done
