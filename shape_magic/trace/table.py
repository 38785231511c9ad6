"""What is kept for the whole process, and must not grow with it: only so much, and equal things once."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from functools import lru_cache
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Table(Generic[K, V]):
    """Values by their keys; where there are too many, those that were entered first go. Safe between threads."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._held: dict[K, V] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: K) -> V | None:
        """The value; None where there is none (any more)."""
        return self._held.get(key)

    def keep(self, key: K, value: V) -> None:
        """Enter a value."""
        with self._lock:
            while len(self._held) >= self.most:
                self._held.pop(next(iter(self._held)))
            self._held[key] = value

    def forget(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._held.clear()


#: A tuple of plain values, as one object wherever an equal one is asked for: a model has many rows and few shapes.
shared = lru_cache(4096)(tuple)
