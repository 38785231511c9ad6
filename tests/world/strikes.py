"""The keyboard's interrupt, at a chosen line of ours: what a person's finger may do at any moment."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import shape_magic
from shape_magic.interrupts import Worker

_HOME = str(Path(shape_magic.__file__).parent)
_MAIN = threading.main_thread()


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """A moment: just before the ``nth`` time that a line runs, or that the function on it begins."""

    file: str
    line: int
    event: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line} ({self.event}, time {self.nth})"


class _Watch:
    """Sees every line of ours that runs, in this thread and in those that are started meanwhile."""

    def __init__(self, at: Site | None) -> None:
        self.seen: Counter[Site] = Counter()
        self.struck = False
        self._at = at

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(_HOME):
            return None
        if event in ("line", "call"):
            site = Site(file[len(_HOME) + 1 :], frame.f_lineno, event)
            self.seen[site] += 1
            at = self._at
            is_here = at is not None and (site.file, site.line, event) == (at.file, at.line, at.event)
            if at is not None and is_here and not self.struck and self.seen[site] == at.nth:
                self.struck = True
                _strike()
        return self

    def __enter__(self) -> _Watch:
        threading.settrace(self)
        sys.settrace(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)


def _strike() -> None:
    """Interrupt the main thread; in a thread of ours wait until it has passed that on."""
    if threading.get_ident() == _MAIN.ident:
        signal.raise_signal(signal.SIGINT)
        return
    thread = threading.current_thread()
    signal.pthread_kill(_MAIN.ident or 0, signal.SIGINT)
    deadline = time.monotonic() + 5
    while isinstance(thread, Worker) and not thread.was_told and time.monotonic() < deadline:
        time.sleep(0.001)  # what it passes on is raised here


def sites(run: Callable[[], object]) -> list[Site]:
    """Every line of ours that runs, the first time and the last time that it does."""
    run()  # what is remembered between runs is remembered now
    with _Watch(None) as watch:
        run()
    firsts = list(watch.seen)
    lasts = [Site(s.file, s.line, s.event, n) for s, n in watch.seen.items() if n > 1]
    return sorted(firsts + lasts)


def struck(run: Callable[[], object], at: Site) -> tuple[bool, BaseException | None]:
    """Run it and interrupt it there; gives whether the moment came, and what came out."""
    out: BaseException | None = None
    watch = _Watch(at)
    try:
        with watch:
            run()
    except BaseException as error:  # noqa: BLE001 - what comes out is what is asked
        out = error
    return watch.struck, out
