"""Interrupts: held back where something has to be done as a whole, and handed on to the threads that we start.

Python may raise KeyboardInterrupt before any instruction of the main thread: also between what is changed
and the ``try`` that would put it back. What must not be torn stands in ``with held():``.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, TypeVar

T = TypeVar("T")

#: How often a thread that runs is looked after while it is waited for, in seconds: an interrupt waits as long.
_LOOK = 0.1


class Stop(BaseException):
    """Raised in a thread of ours that is told to stop."""


class _Reins:
    """How a thread of ours is told to stop: at once, or when it lets go of what it does as a whole."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked = False
        self.over = False
        #: Held until the thread has ended. (``Thread.join``, when it is torn, may take a running thread for ended.)
        self.running = threading.Lock()
        self.running.acquire()
        #: Held by the thread while it must not be stopped.
        self.lock = threading.RLock()
        #: What the thread has not put back yet.
        self.undo: list[Callable[[], object]] = []

    def stop(self, thread: threading.Thread) -> None:
        """Raise ``Stop`` in the thread; while it can't be, it finds out by itself."""
        self.asked = True
        if self.lock.acquire(blocking=False):
            try:
                if not self.over:
                    number = ctypes.c_ulong(thread.ident or 0)
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(Stop))
            finally:
                self.lock.release()


class _Mine(threading.local):
    """The reins of the running thread, if we started it."""

    reins: _Reins | None = None


_mine = _Mine()


def thread_name() -> str | None:
    """The name under which the running thread was started by ``run_in_thread``; None in every other one."""
    return _mine.reins.name if _mine.reins is not None else None


class held:  # noqa: N801 - read as a word: with held()
    """Holds interrupts back until the block ends; then they come, as they would have.

    In the main thread the keyboard's, in a thread of ours our own; no other thread is ever interrupted.
    """

    __slots__ = ("_before", "_came", "_reins")

    def __enter__(self) -> held:
        """Hold on: from the return of ``signal.signal`` on nothing is raised."""
        self._came = False
        self._before: Callable[[int, FrameType | None], Any] | None = None
        self._reins = _mine.reins
        if self._reins is not None:
            self._reins.lock.acquire()
        elif threading.get_ident() == threading.main_thread().ident:
            before = signal.getsignal(signal.SIGINT)
            if callable(before):  # else the system ignores it, or ends the process
                self._before = before
                around = getattr(before, "__self__", None)
                self._came = isinstance(around, held) and around.came
                signal.signal(signal.SIGINT, self._note)
        return self

    @property
    def came(self) -> bool:
        """Whether an interrupt is waiting."""
        return self._came if self._reins is None else self._reins.asked

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let go: what came meanwhile is handed to whoever would have heard it."""
        if self._reins is not None:
            self._reins.lock.release()
            if self._reins.asked:
                raise Stop
        elif self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            if self._came:
                self._before(signal.SIGINT, None)


class surely:  # noqa: N801 - read as a word: with surely(undo)
    """Calls ``undo`` at the end of the block, or, if the thread is stopped before, from the one that waits for it.

    ``undo`` has to bear being called twice, and in another thread.
    """

    __slots__ = ("_undo",)

    def __init__(self, undo: Callable[[], object]) -> None:
        self._undo = undo

    def __enter__(self) -> None:
        """Say so before there is something to undo."""
        if _mine.reins is not None:
            _mine.reins.undo.append(self._undo)

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        """Undo it."""
        with held():
            self._undo()
            if _mine.reins is not None:
                _mine.reins.undo.remove(self._undo)


def run_in_thread(name: str, work: Callable[[], T]) -> T:
    """Run ``work`` in a thread of its own and return what it returns, or raise what it raises.

    An interrupt tells it to stop, waits until it has, and goes on. Nothing that it put under ``surely`` stays.
    """
    reins = _Reins(name)
    outcome: list[Any] = [None, None]
    thread = threading.Thread(target=_run, args=(reins, work, outcome), name=name, daemon=True)
    with held() as hold:
        thread.start()
        try:
            _wait(thread, reins, hold)
        except BaseException:  # raised by the handler of another signal
            reins.asked = True
            _wait(thread, reins, hold)
            raise
        finally:
            thread.join()
            for undo in reversed(reins.undo):
                undo()
    if outcome[1] is not None:
        error: BaseException = outcome[1]
        raise error
    result: T = outcome[0]
    return result


def _run(reins: _Reins, work: Callable[[], Any], outcome: list[Any]) -> None:
    try:
        _mine.reins = reins
        try:
            outcome[0] = work()
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, whatever it is
            outcome[1] = error
        finally:
            with reins.lock:
                reins.over = True
    except Stop:  # it came when all was done
        pass
    finally:
        reins.running.release()


def _wait(thread: threading.Thread, reins: _Reins, hold: held) -> None:
    while not reins.running.acquire(timeout=_LOOK):
        # Told to stop until it has: an exception can be swallowed by what runs just then.
        if hold.came or reins.asked:
            reins.stop(thread)
            if thread.ident not in sys._current_frames():
                return
