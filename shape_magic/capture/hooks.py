"""The hooks in Keras: put in when a cell starts, taken out when it ends, whatever happens between.

They report to the observer of the running context and otherwise do nothing, so code of other
threads runs as if they were not there. What each of them does stands in ``wrappers``.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from shape_magic.capture.arrival import Arrival, is_here
from shape_magic.capture.observer import Observer, StandIn, current, observer, unobserved
from shape_magic.trace.interrupts import Deferred, put_back

#: What the model's own calls are: each may be answered by a stand-in.
USES = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")

_MISSING = object()
_lock = threading.RLock()
#: Who needs the hooks: with the last of them they are gone.
_users: list[object] = []
#: The hooks that are in: the class, the name, what stands there now and what the class itself had there.
_placed: list[tuple[type, str, Any, Any]] = []
#: Whether all of them are in: what puts them in can be stopped half-way.
_complete = False
#: Every wrapper with what it wraps: it is made once, and put in and taken out for each cell.
_wrappers: dict[tuple[type, str], tuple[Any, Any]] = {}


def installed() -> bool:
    """Whether any hook is in Keras now."""
    return bool(_placed)


@contextlib.contextmanager
def observing(one: Observer) -> Iterator[None]:
    """Hear of everything that this context does with Keras until the block ends."""
    before = observer.get()
    user = object()
    with put_back(lambda: _leave(user)):
        try:
            start(one, user)
            yield
        finally:
            observer.set(before)  # an observed cell may call check_cells itself


def start(one: Observer, user: object) -> None:
    """Put the hooks in and report this context's calls to the observer, until ``stop`` for the same user."""
    with Deferred(), _lock:
        _users.append(user)
        if is_here() and not _complete:
            _install()
        elif not _complete:
            _arrival.wait()
    observer.set(one)


def stop(user: object) -> None:
    """End what ``start`` began for a user, or nothing; with the last one the hooks are gone."""
    observer.set(None)
    _leave(user)


def _leave(user: object) -> None:
    global _complete  # noqa: PLW0603 - the hooks are in Keras itself, so there is one of each
    with Deferred(), _lock:
        if user in _users:
            _users.remove(user)
        if _users:
            return
        _complete = False
        _arrival.leave()
        while _placed:
            _take_out(*_placed[-1])
            _placed.pop()


def _arrived() -> None:
    with Deferred(), _lock:
        if _users and not _complete:
            _install()


_arrival = Arrival(_arrived)


# -- patching


def _install() -> None:
    global _complete  # noqa: PLW0603
    from shape_magic.capture.wrappers import hooks

    present = {(owner, name) for owner, name, _, _ in _placed}
    for owner, name, make in hooks(USES):
        if (owner, name) not in present:
            _put_in(owner, name, make)
    _complete = True


def _put_in(owner: type, name: str, make: Callable[[Any], Any]) -> None:
    own, original = vars(owner).get(name, _MISSING), getattr(owner, name)
    known = _wrappers.get((owner, name))
    if known is None or known[0] is not original:  # it may have been replaced since the last cell
        known = _wrappers[owner, name] = original, make(original)
    _placed.append((owner, name, known[1], own))
    setattr(owner, name, known[1])


def _take_out(owner: type, name: str, wrapper: Any, own: Any) -> None:
    if vars(owner).get(name) is not wrapper:
        return  # the cell has put something of its own there, and it stays
    # Inherited ones are removed, not assigned back: the class must be what it was.
    if own is _MISSING:
        delattr(owner, name)
    else:
        setattr(owner, name, own)


__all__ = ["Observer", "StandIn", "current", "installed", "observing", "start", "stop", "unobserved"]
