"""What stands in the process' place, when several need it at once."""

from __future__ import annotations

import random
import sys
import threading
import warnings
from types import SimpleNamespace
from typing import Any

import keras  # noqa: F401 - its import is not what is looked at

from shape_magic.source.cells import parse
from shape_magic.swaps import Swap
from shape_magic.trace.worker import apart


def of(owner: Any) -> Swap:
    """A swap of one attribute."""
    return Swap(lambda: [(owner, "name", lambda own: ("ours", own))])


def test_the_last_one_puts_back_whoever_came_first() -> None:
    owner = SimpleNamespace(name="own")
    swap = of(owner)
    swap.__enter__()
    swap.__enter__()
    assert owner.name == ("ours", "own")
    swap.__exit__(None, None, None)
    assert owner.name == ("ours", "own")
    swap.__exit__(None, None, None)
    assert owner.name == "own"


def test_what_somebody_else_put_there_stays() -> None:
    owner = SimpleNamespace(name="own")
    with of(owner):
        owner.name = "theirs"
    assert owner.name == "theirs"


def test_checks_that_overlap_in_threads_leave_the_process_as_it_was() -> None:
    before = sys.stdout, sys.stderr, warnings.warn, warnings.warn_explicit, warnings._showwarnmsg  # type: ignore[attr-defined]
    ready, go = threading.Event(), threading.Event()

    def first() -> None:
        def wait() -> bool:
            ready.set()
            return go.wait(60)

        apart(wait)

    thread = threading.Thread(target=first)
    thread.start()
    assert ready.wait(60)  # the first one is in
    apart(lambda: parse(f"a = '\\d' + str({random.random()})"))  # and the second comes and goes
    assert sys.stdout is not before[0]
    go.set()
    thread.join(60)
    after = sys.stdout, sys.stderr, warnings.warn, warnings.warn_explicit, warnings._showwarnmsg  # type: ignore[attr-defined]
    assert all(a is b for a, b in zip(before, after, strict=True))
