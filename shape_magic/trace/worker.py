"""The worker: a short-lived thread in which Keras may be called without leaving a trace.

Layer-name counters, scopes and the stateless scope are per thread in Keras, so the worker has its
own; what the user has set (dtype policy, custom objects, …) is carried in. No variable gets a
value (``initialize_variables=False``), so nothing is allocated that grows with weights.
"""

from __future__ import annotations

import functools
import gc
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from shape_magic.interrupts import Deferred, GaveUp, Worker, put_back, worker_name
from shape_magic.swaps import Place, Swap

T = TypeVar("T")
_NAME = "shape_magic-trace"
#: Seconds that one look may take. A trace takes milliseconds; what takes so long sleeps, or never ends.
PATIENCE = 30.0

#: Keras' thread-local settings that change how layers are made and called.
_CARRIED = (
    "custom_objects_scope_dict",
    "distribution",
    "dtype_policy",
    "flash_attention",
    "remat_scope_stack",
    "safe_mode_saving",
    "traceback_filtering",
    "use_legacy_config",
)


def apart(function: Callable[[], T]) -> T:
    """Run a function in the worker and return what it returns, or raise what it raises.

    Python's and NumPy's random state are as before afterwards, and nothing is collected meanwhile. An
    interrupt tells the worker to stop, waits for it and goes on as KeyboardInterrupt. Raises ``GaveUp``
    where the user's code takes too long, and at once as long as a worker before this one is still stuck.
    """
    if in_worker():
        return function()
    if any(thread.is_stuck for thread in threading.enumerate() if isinstance(thread, Worker)):
        raise GaveUp
    from keras.src.backend.common import global_state

    carried = {name: global_state.get_global_attribute(name) for name in _CARRIED}

    def work() -> T:
        with _stateless(carried):
            return function()

    rest = _Rest()
    with Deferred(), world_kept(), _silence, put_back(rest.end):
        rest.begin()
        return Worker(work, _NAME).outcome(PATIENCE)


def in_worker() -> bool:
    """Whether the running thread is the worker."""
    return worker_name() == _NAME


@contextmanager
def with_variables() -> Iterator[None]:
    """Leave the stateless scope for a moment, for small things that must hold a value (an optimizer's step)."""
    from keras.src.backend.common import global_state

    scope = global_state.get_global_attribute("stateless_scope")
    global_state.set_global_attribute("stateless_scope", None)
    try:
        yield
    finally:
        global_state.set_global_attribute("stateless_scope", scope)


@contextmanager
def _stateless(carried: dict[str, Any]) -> Iterator[None]:
    import keras
    from keras.src.backend.common import global_state

    for name, value in carried.items():
        if value is not None:
            global_state.set_global_attribute(name, value)
    with keras.StatelessScope(initialize_variables=False):
        yield


@contextmanager
def world_kept() -> Iterator[None]:
    """Random states and Keras' registry of classes as they were: both are the process's, not the thread's."""
    import numpy as np
    from keras.src.saving import object_registration

    python, array = random.getstate(), np.random.get_state()  # noqa: NPY002 - the user's global state is the point
    tables = object_registration.GLOBAL_CUSTOM_OBJECTS, object_registration.GLOBAL_CUSTOM_NAMES
    kept = [dict(table) for table in tables]
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(array)  # noqa: NPY002
        for table, before in zip(tables, kept, strict=True):
            for key in table.keys() - before.keys():
                del table[key]
            table.update({key: value for key, value in before.items() if table.get(key) is not value})


class _Rest:
    """Python's collector of cycles rests, until the last one that wants it to has ended.

    It would free the user's objects in the worker, with our scopes and hooks around what they do then, and for as long
    as that takes: a ``tf.data`` iterator that was left unfinished has been seen to wait 45 s for its threads.
    """

    _lock = threading.Lock()
    _resting: ClassVar[set[_Rest]] = set()
    _was_on: ClassVar[bool] = True

    def begin(self) -> None:
        """No collection from here on, in no thread."""
        with self._lock:
            if not self._resting:
                _Rest._was_on = gc.isenabled()
            self._resting.add(self)
            gc.disable()

    def end(self) -> None:
        """As it was before, whatever the user's code has said meanwhile. May be called twice."""
        with self._lock:
            if self in self._resting:
                self._resting.remove(self)
                if not self._resting:
                    (gc.enable if self._was_on else gc.disable)()


class _Muted:
    """A stream that says nothing in the worker and is the real one everywhere else."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Drop what the worker writes."""
        return len(text) if in_worker() else int(self._stream.write(text) or 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _loud() -> Iterator[Place]:
    # The warnings' filters are left alone, because changing them makes Python repeat warnings.
    yield from ((sys, name, _Muted) for name in ("stdout", "stderr"))
    yield from ((warnings, name, _unless_worker) for name in ("warn", "warn_explicit"))


#: What the worker prints or warns of is not shown: the user's own run says it, once.
_silence = Swap(_loud)


def _unless_worker(function: Any) -> Any:
    @functools.wraps(function)
    def quiet(*args: Any, **kwargs: Any) -> Any:
        if in_worker():
            return None
        if function.__name__ == "warn" and len(args) < 3:
            kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
        return function(*args, **kwargs)

    return quiet
