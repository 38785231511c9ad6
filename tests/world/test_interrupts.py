"""An interrupt at any line of ours: nothing of us stays, and all goes on as if it had not been.

By default a part of the lines is struck, more of those of the modules that change something of the process;
``SHAPE_MAGIC_EVERY=1`` strikes them all and takes an hour.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from shape_magic import check, check_cells
from shape_magic.report import Report
from tests.kernel.shells import BROKEN, FIT, SETUP, opened
from tests.world.strikes import Site, sites, struck
from tests.world.world import differences, glance

#: Every so many-th line is struck, and ten times as many of the modules that change something.
EVERY = int(os.environ.get("SHAPE_MAGIC_EVERY", "300"))
#: The modules that change something of the process, for a while.
CHANGING = (
    *("interrupts.py", "swaps.py", "api.py", "capture/hooks.py", "capture/arrival.py", "trace/worker.py"),
    *("trace/untouched.py", "repair/stubs.py", "repair/replay.py", "repair/world.py", "kernel/notebook.py"),
)


def chosen(run: Callable[[], object], offset: int = 0) -> list[Site]:
    """The moments to strike at."""
    every = sites(run)
    assert len(every) > 500
    often = max(EVERY // 10, 1)
    return [s for i, s in enumerate(every) if (i + offset) % (often if s.file in CHANGING else EVERY) == 0]


def told(report: Report) -> list[object]:
    """What a report comes to; not the names in it, which count on from run to run."""
    return [(d.rule, d.severity, [(f.label, f.verified, f.complete) for f in d.fixes]) for d in report.diagnostics]


def left(before: dict[str, object]) -> list[str]:
    """What is not as before, hooks and threads of ours first of all."""
    return differences(before, glance())


def test_a_check_of_cells_with_proofs() -> None:
    def run() -> Report:
        return check_cells([SETUP, BROKEN + FIT], dry_run=True)

    reference, failures = told(run()), []
    assert reference
    before = glance()
    for site in chosen(run):
        came, out = struck(run, site)
        wrong = left(before)
        if out is not None and not isinstance(out, KeyboardInterrupt):
            wrong.append(f"came out: {out!r}")
        if came and out is None:
            wrong.append("the interrupt was lost")
        if wrong or told(run()) != reference:
            failures.append(f"{site}: {wrong}")
    assert not failures, "\n".join(failures)


class Counting(layers.Layer):
    """A layer with a state of its own."""

    calls = 0

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []
        self.count = 0

    def call(self, inputs: Any) -> Any:
        """Count, and give back what came."""
        Counting.calls += 1
        self.count += 1
        self.seen.append(len(inputs.shape))
        return inputs


def test_a_check_of_a_model_with_code_of_the_users() -> None:
    model = keras.Sequential([layers.Input((6,)), Counting(), layers.Dense(3)])
    model.compile("sgd", "mse")
    x, y = np.zeros((4, 6)), np.zeros((4, 5))
    parts = [model, *model.layers]

    def run() -> Report:
        return check(model, x, y)

    def state() -> list[object]:
        held = [(id(v), list(v) if isinstance(v, list) else v) for part in parts for v in vars(part).values()]
        return [*held, Counting.calls, [w.numpy().tolist() for w in model.weights]]

    reference, failures = told(run()), []
    before, states = glance(), state()
    for site in chosen(run, 7):
        _, out = struck(run, site)
        wrong = left(before)
        if state() != states:
            wrong.append("the model is not as it was")
        if out is not None and not isinstance(out, KeyboardInterrupt):
            wrong.append(f"came out: {out!r}")
        if wrong or told(run()) != reference:
            failures.append(f"{site}: {wrong}")
    assert not failures, "\n".join(failures)
    model.fit(x, np.zeros((4, 3)), verbose=0)


def test_a_cell_of_a_notebook() -> None:
    """IPython swallows what comes inside of its callbacks: the cell may go on, but nothing of us stays behind it."""
    with opened() as shell:
        shell.must(SETUP, "%shapecheck on")

        def run() -> None:
            shell.run(BROKEN + FIT)

        reference = told(shell.report_of(BROKEN + FIT))
        before, failures = glance(), []
        for site in chosen(run, 13):
            _, out = struck(run, site)
            wrong = left(before)
            if out is not None and not isinstance(out, KeyboardInterrupt):
                wrong.append(f"came out: {out!r}")
            if shell.notebook.running or shell.notebook._watching is not None:
                wrong.append("it takes the cell for running")
            shell.must("a = 1")
            if wrong or told(shell.report_of(BROKEN + FIT)) != reference:
                failures.append(f"{site}: {wrong}")
        assert not failures, "\n".join(failures)


@pytest.mark.parametrize("times", [2, 5])
def test_an_interrupt_again_and_again(times: int) -> None:
    """What swallows the first one is told again, and a second one in the middle of ending changes nothing."""
    model = keras.Sequential([layers.Input((3,)), Stubborn(), layers.Dense(2)])
    model.compile("sgd", "mse")
    Stubborn.strikes = times
    before = glance()
    try:
        with pytest.raises(KeyboardInterrupt):
            check(model, np.zeros((4, 3)), np.zeros((4, 2)))
    finally:
        Stubborn.strikes = 0
    deadline = time.monotonic() + 30
    while left(before) and time.monotonic() < deadline:
        time.sleep(0.01)  # a second one gives the kernel back at once; what ignores it ends as soon as it can
    assert not left(before)
    model.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0)


class Stubborn(layers.Layer):
    """A layer that interrupts the main thread and takes no notice of being told to stop."""

    strikes = 0

    def call(self, inputs: Any) -> Any:
        """Go on until it has been told so often."""
        import signal
        import threading
        import time

        swallowed = 0
        while swallowed < Stubborn.strikes:
            try:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                for _ in range(2000):
                    time.sleep(0.001)
            except BaseException:  # noqa: BLE001 - as users write it
                swallowed += 1
        return inputs
