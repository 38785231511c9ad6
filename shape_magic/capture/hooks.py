"""The hooks in Keras: put in when a cell starts, taken out when it ends, whatever happens between.

They report to the observer of the running context and otherwise do nothing, so code of other
threads runs as if they were not there. What each of them does stands in ``wrappers``.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FunctionType, TracebackType
from typing import Any

from shape_magic.capture.arrival import Arrival, is_here
from shape_magic.capture.observer import Observer, StandIn, current, observer, unobserved
from shape_magic.interrupts import Deferred, put_back
from shape_magic.untrusted import ask

#: What the model's own calls are: each may be answered by a stand-in.
USES = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")

_lock = threading.RLock()
#: Who hears of the hooks now, in any thread; the hooks are in Keras itself, so there is one list.
_listening: list[Observer] = []
#: The hooks that are in.
_placed: list[_Hook] = []
#: Whether all of them are in: what puts them in can be stopped half-way.
_complete = False
#: The hook of each method, made once and put in and taken out for each cell.
_hooks: dict[tuple[type, str], _Hook] = {}


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
            hook = _placed[-1]
            # What else was done to the function meanwhile stays.
            if hook.function.__code__ is hook.ours:
                hook.function.__code__ = hook.own
            for name, value in hook.face.items():
                if vars(hook.function).get(name) is value:
                    del vars(hook.function)[name]
            _placed.pop()


def _arrived() -> None:
    with Deferred(), _lock:
        if _listening and not _complete:
            _install()


_arrival = Arrival(_arrived)


# -- patching


@dataclass(slots=True)
class _Hook:
    """One function of Keras that runs code of ours for a while: the function and its class are the same all the time.

    Nothing is assigned to a class: Python would forget what it knows of it and of all that are made from it, and of
    3.13 on it does so a thousand times and never learns again.
    """

    function: FunctionType
    #: Its own code, which it gets back, and what it runs meanwhile.
    own: CodeType
    ours: CodeType
    #: What ``inspect`` and ``help`` see meanwhile in the place of our code.
    face: dict[str, Any]

    @classmethod
    def of(cls, function: FunctionType, make: Callable[[Any], Any]) -> _Hook:
        """The hook of a function; ``make``: what makes the wrapper of a twin that runs the function's own code."""
        own = function.__code__
        twin = FunctionType(own, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
        twin.__kwdefaults__ = function.__kwdefaults__
        functools.update_wrapper(twin, function).__dict__.pop("__wrapped__")
        vars(twin).update(vars(function))
        face = {"__wrapped__": twin, "__signature__": inspect.signature(function)}
        face = {name: value for name, value in face.items() if name not in vars(function)}
        return cls(function, own, _bridge(make(twin), own), face)


def _install() -> None:
    global _complete  # noqa: PLW0603
    from shape_magic.capture.wrappers import hooks

    present = {id(hook.function) for hook in _placed}
    for owner, name, make in hooks(USES):
        function = _function(owner, name)
        if function is None or id(function) in present:
            continue
        hook = _hooks.get((owner, name))
        if hook is None or hook.function is not function or function.__code__ not in (hook.own, hook.ours):
            hook = ask(functools.partial(_Hook.of, function, make), None)
            if hook is None:  # a function of somebody's that can't say what it takes
                continue
            _hooks[owner, name] = hook
        present.add(id(function))
        _placed.append(hook)
        vars(function).update(hook.face)
        function.__code__ = hook.ours
    _complete = True


def _function(owner: type, name: str) -> FunctionType | None:
    """The function that a class has, or inherits, under a name, whatever stands around it.

    None where something that is no function of Python's was put in its place.
    """
    there = next(vars(base)[name] for base in owner.__mro__ if name in vars(base))
    for _ in range(_DEEPEST):
        if type(there) is FunctionType:
            return there
        there = ask(functools.partial(_within, there), None)
    return None


def _within(there: Any) -> Any:
    """What a static method, or what another tool put around a function, is about."""
    inner = getattr(there, "__func__", None)
    return inner if inner is not None else getattr(there, "__wrapped__", None)


#: How many layers of other tools around a function are looked through.
_DEEPEST = 8
_MARK = "what the code calls"


def _bridge(wrapper: Any, own: CodeType) -> CodeType:
    """Code that calls a wrapper, and that a function can run in the place of its own: it has as many free variables."""
    free = ", ".join(f"free_{number}" for number in range(len(own.co_freevars)))
    text = (
        f"def around({free}):\n"
        "    def bridge(*args, **kwargs):\n"
        "        __tracebackhide__ = True\n"
        f"        if False: ({free})\n"
        f"        wrapper = {_MARK!r}\n"
        "        return wrapper(*args, **kwargs)\n"
    )
    code = compile(text, __file__, "exec", dont_inherit=True)
    for _ in ("around", "bridge"):
        code = next(one for one in code.co_consts if isinstance(one, CodeType))
    consts = tuple(wrapper if one == _MARK else one for one in code.co_consts)
    return code.replace(co_consts=consts, co_name=own.co_name, co_qualname=own.co_qualname)


__all__ = ["Observer", "StandIn", "current", "installed", "observing", "start", "stop", "unobserved"]
