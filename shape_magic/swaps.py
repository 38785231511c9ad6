"""Things of the process in whose place ours stand for a while, whoever else needs that at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

#: The object, the name of its attribute, and what makes ours from what is there.
Place = tuple[Any, str, Callable[[Any], Any]]


class Swap:
    """Puts ours in when the first one enters, and the process' own back when the last one has left.

    Threads may enter and leave in any order. What somebody else put there meanwhile stays. ``places`` is asked
    at each first entry. Enter it under ``Deferred``: an interrupt could come before the first line of the exit.
    """

    def __init__(self, places: Callable[[], Iterable[Place]]) -> None:
        self._places = places
        self._lock = threading.RLock()
        self._users = 0
        #: The object, the name, what the object itself had there, and ours.
        self._placed: list[tuple[Any, str, Any, Any]] = []

    def __enter__(self) -> Swap:
        """Put ours in."""
        with self._lock:
            if self._users == 0:
                try:
                    for owner, name, make in self._places():
                        own = vars(owner)[name]
                        ours = make(own)
                        self._placed.append((owner, name, own, ours))
                        setattr(owner, name, ours)
                except BaseException:
                    self._put_back()
                    raise
            self._users += 1
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        """Put the process' own back."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._put_back()

    def _put_back(self) -> None:
        while self._placed:
            owner, name, own, ours = self._placed.pop()
            if vars(owner).get(name) is ours:
                setattr(owner, name, own)

    @property
    def placed(self) -> list[tuple[Any, Any]]:
        """What the process has of its own and what stands in its place now."""
        return [(own, ours) for _, _, own, ours in self._placed]
