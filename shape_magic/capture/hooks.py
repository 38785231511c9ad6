"""The hooks in Keras: put in when a cell starts, taken out when it ends, whatever happens between.

They report to the observer of the running context and otherwise do nothing, so code of other
threads runs as if they were not there. What each of them does stands in ``wrappers``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from shape_magic.capture.arrival import Arrival, is_here
from shape_magic.capture.observer import Observer, StandIn, current, observer, unobserved
from shape_magic.interrupts import Deferred, put_back

#: What the model's own calls are: each may be answered by a stand-in.
USES = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")

_MISSING = object()
_lock = threading.RLock()
#: Who hears of the hooks now, in any thread; the hooks are in Keras itself, so there is one list.
_listening: list[Observer] = []
#: The hooks that are in: the class, the name, what stands there now and what the class itself had there.
_placed: list[tuple[type, str, Any, Any]] = []
#: Whether all of them are in: what puts them in can be stopped half-way.
_complete = False
#: Every wrapper with what it wraps: it is made once, and put in and taken out for each cell.
_wrappers: dict[tuple[type, str], tuple[Any, Any]] = {}
#: By the id of each wrapper: itself, and what the class itself had in its place.
_owned: dict[int, tuple[Any, Any]] = {}


def installed() -> bool:
    """Whether any hook is in Keras now."""
    return bool(_placed)


class observing:  # noqa: N801 - read as a word: with observing(one)
    """Hear of everything that this context does with Keras until the block ends.

    An interrupt of the main thread may come before the first line of the exit: where the user's code runs in the
    block, ``stop`` once more behind it.
    """

    __slots__ = ("_before", "_one", "_put_back")

    def __init__(self, one: Observer) -> None:
        self._one = one
        self._before = observer.get()
        self._put_back = put_back(self.stop)

    def __enter__(self) -> None:
        """Put the hooks in."""
        self._put_back.__enter__()
        start(self._one)

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take them out."""
        self._put_back.__exit__(kind, error, trace)

    def stop(self) -> None:
        """End it; an observed cell may call ``check_cells`` itself, and goes on being observed."""
        stop(self._one, self._before)


def start(one: Observer) -> None:
    """Put the hooks in and report this context's calls to the observer, until ``stop``."""
    with Deferred(), _lock:
        if one not in _listening:
            _listening.append(one)
        if is_here() and not _complete:
            _install()
        elif not _complete:
            _arrival.wait()
        one.listening = True
        observer.set(one)


def stop(one: Observer, before: Observer | None = None) -> None:
    """End what ``start`` began, if it did; with the last one the hooks are gone. ``before``: who hears now."""
    global _complete  # noqa: PLW0603 - the hooks are in Keras itself, so there is one of each
    with Deferred(), _lock:
        one.listening = False
        if observer.get() is one:
            observer.set(before)
        if one in _listening:
            _listening.remove(one)
        if _listening:
            return
        _complete = False
        _arrival.leave()
        while _placed:
            _take_out(*_placed[-1])
            _placed.pop()


def _arrived() -> None:
    with Deferred(), _lock:
        if _listening and not _complete:
            _install()


_arrival = Arrival(_arrived)


# -- patching


def _install() -> None:
    global _complete  # noqa: PLW0603
    from shape_magic.capture.wrappers import hooks

    present = {(owner, name) for owner, name, _, _ in _placed}
    ready = [_made(owner, name, make) for owner, name, make in hooks(USES) if (owner, name) not in present]
    for owner, name, wrapper, own in ready:
        _placed.append((owner, name, wrapper, own))
        setattr(owner, name, wrapper)
    _complete = True


def _made(owner: type, name: str, make: Callable[[Any], Any]) -> tuple[type, str, Any, Any]:
    """A hook: the class, the name, what belongs there while a cell runs, and what the class itself has there."""
    own = vars(owner).get(name, _MISSING)
    if id(getattr(own, "__func__", own)) in _owned:
        own = _meant(own)
        _put_back(owner, name, own)
    # The class itself is not asked: Python would note for it that it was, under a number of which each class has a
    # thousand, and every change uses one up. After that whatever is looked up in the class takes its time.
    original = own if own is not _MISSING else _inherited(owner, name)
    if isinstance(original, staticmethod):
        original = original.__func__
    known = _wrappers.get((owner, name))
    if known is None or known[0] is not original:  # it may have been replaced since the last cell
        known = _wrappers[owner, name] = original, make(original)
        function = getattr(known[1], "__func__", known[1])
        _owned[id(function)] = function, own
    return owner, name, known[1], own


def _inherited(owner: type, name: str) -> Any:
    """What a class has from its bases."""
    return next(vars(base)[name] for base in owner.__mro__ if name in vars(base))


def _take_out(owner: type, name: str, wrapper: Any, own: Any) -> None:
    there = vars(owner).get(name, _MISSING)
    if there is wrapper:
        _put_back(owner, name, own)
    elif _meant(there) is not there:  # what else the cell has put there stays
        _put_back(owner, name, _meant(there))


def _put_back(owner: type, name: str, own: Any) -> None:
    # Inherited ones are removed, not assigned back: the class must be what it was.
    if own is _MISSING:
        delattr(owner, name)
    else:
        setattr(owner, name, own)


def _meant(there: Any) -> Any:
    """What a cell meant that kept one of the wrappers and assigned it back: what the wrapper stood for."""
    while (number := id(getattr(there, "__func__", there))) in _owned:
        there = _owned[number][1]
    return there


__all__ = ["Observer", "StandIn", "current", "installed", "observing", "start", "stop", "unobserved"]
