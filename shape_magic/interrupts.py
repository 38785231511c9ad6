"""Interrupts: none strikes in the middle of putting something in or taking it out, and each one is heard.

Python raises ``KeyboardInterrupt`` in the main thread, between any two steps; a thread of ours is
told to stop in the same way. What has to be put back is put back all the same.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, TypeVar

T = TypeVar("T")

#: Seconds between two looks at whether the thread has ended, or somebody wants it to.
_LOOK = 0.1
#: Seconds that a thread has to stop; after that the kernel is given back while it is stuck.
_GRACE = 5.0


class GaveUp(Exception):
    """What was run apart took too long, and what it would have told is not known."""


class Stop(BaseException):
    """Raised inside a thread of ours when the user interrupts."""


class Deferred:
    """Holds interrupts back until the block ends. Nothing outside the main thread, where none strikes."""

    def __init__(self) -> None:
        self._count = 0
        self._before: Callable[[int, Any], Any] | None = None

    @property
    def count(self) -> int:
        """How many came so far, in this block and in those around it."""
        outer = getattr(self._before, "__self__", None)
        return self._count + (outer.count if isinstance(outer, Deferred) else 0)

    def __enter__(self) -> Deferred:
        """Hear of interrupts, without raising them, from here on."""
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before):
                self._before = before
                signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Hand what came on to who would have heard of it."""
        before = self._before
        if before is None:
            return
        signal.signal(signal.SIGINT, before)
        is_raised = kind is KeyboardInterrupt and before is signal.default_int_handler
        for _each in range(0 if is_raised else self._count):
            before(signal.SIGINT, None)

    def _note(self, *_: object) -> None:
        self._count += 1


class _Here(threading.local):
    """The name of the running thread, if it is a worker."""

    name: str | None = None


_here = _Here()


def worker_name() -> str | None:
    """The name of the worker that runs this; None in every other thread. Asked for each weight that is made."""
    return _here.name


class Worker(threading.Thread, Generic[T]):
    """A short-lived thread for one function, which an interrupt of the waiting thread stops."""

    def __init__(self, function: Callable[[], T], name: str) -> None:
        super().__init__(name=name, daemon=True)
        #: What is put back when the thread has ended, where it could not do so itself; the last one first.
        self.owed: list[Callable[[], None]] = []
        self._function = function
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._gate = threading.Lock()
        #: Whether it was told to stop.
        self.was_told = False
        #: Whether nobody waits for it any more: it did not stop when it was told to.
        self.is_stuck = False
        #: Whether it was told to stop because it took too long, and for nothing else.
        self._late = False
        #: Whether the function has ended, and whether the thread has nothing more to do.
        self._over = self._gone = False
        #: Held until then. No ``join`` and no event: those lose count when an exception strikes in them.
        self._bell = threading.Lock()
        self._bell.acquire()

    def run(self) -> None:
        """Run the function; its outcome is kept for ``outcome``."""
        try:
            self._go()
        except Stop as stop:  # told just then
            self._error = stop
        with contextlib.suppress(Stop):
            for _ in range(2):  # what was told last strikes here, if it has not yet: not in Python's own last steps
                pass
        self._gone = True
        self._bell.release()

    def _go(self) -> None:
        try:
            _here.name = self.name
            self._result.append(self._function())
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, whatever it is
            self._error = error
        finally:
            with self._gate:  # from here on nobody tells it anything
                self._over = True

    def outcome(self, patience: float = math.inf) -> T:
        """Run it and give what the function returns, or raise what it raises.

        An interrupt tells the thread to stop, waits for it and goes on. A thread that is stuck, or
        a second interrupt, is not waited for: it stops as soon as it can. After ``patience`` seconds
        it is told to stop as well, and ``GaveUp`` is raised.
        """
        with Deferred() as interrupts:
            self.start()
            try:
                stopped = self._wait(interrupts, time.monotonic() + patience)
            except BaseException:  # raised by the handler of another signal
                self._wait(interrupts, 0.0, asked=True)
                raise
        if self._late:
            raise GaveUp
        if stopped:
            if isinstance(threading.current_thread(), Worker):
                raise Stop
            signal.default_int_handler(signal.SIGINT, None)  # not ``raise``: that is how the user's own code does it
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _wait(self, interrupts: Deferred, deadline: float, *, asked: bool = False) -> bool:
        """Wait for the end; says whether somebody wanted the thread to stop."""
        until = 0.0
        while not self._gone:
            try:
                self._bell.acquire(timeout=_LOOK)
            except Stop:  # who waits is such a thread itself
                asked = True
            if not self.is_alive():
                break  # told before its first line
            wanted = asked or interrupts.count > 0
            self._late = not wanted and time.monotonic() > deadline
            if not wanted and not self._late:
                continue
            until = until or time.monotonic() + _GRACE
            if interrupts.count > 1 or time.monotonic() > until:
                self.is_stuck = True
                threading.Thread(target=self._follow, name="shape_magic-stop", daemon=True).start()
                return True
            self._tell()
        if not asked:
            self.join()  # Python's own last steps
        self._put_back()
        return asked or interrupts.count > 0

    def _tell(self) -> None:
        import ctypes  # seldom needed, and not light

        with self._gate:
            if not self._over and self.ident is not None:
                self.was_told = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), ctypes.py_object(Stop))

    def _follow(self) -> None:
        # Again and again: what runs just then may swallow an exception.
        while not self._gone and self.is_alive():
            self._tell()
            self._bell.acquire(timeout=_LOOK)
        self._put_back()

    def _put_back(self) -> None:
        while self.owed:
            self.owed.pop()()


class put_back:  # noqa: N801 - read as a word: with put_back(undo)
    """Calls ``undo`` when the block ends, or, where its thread was stopped before, from the one that waits for it.

    ``undo`` has to bear being called twice, and in another thread. An interrupt of the main thread may come before
    the first line of the exit.
    """

    __slots__ = ("_undo",)

    def __init__(self, undo: Callable[[], None]) -> None:
        self._undo = undo

    def __enter__(self) -> None:
        """Say so before there is something to undo."""
        self._owed().append(self._undo)

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        """Undo it."""
        with Deferred():
            self._undo()
            owed = self._owed()
            if self._undo in owed:
                owed.remove(self._undo)

    @staticmethod
    def _owed() -> list[Callable[[], None]]:
        thread = threading.current_thread()
        return thread.owed if isinstance(thread, Worker) else []
