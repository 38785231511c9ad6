"""What the user's objects answer, made harmless: nothing that they raise ends the cell, and their texts are short.

A layer's ``get_config`` or ``name`` may be anybody's code. What Keras would not have asked at that moment
has to leave no trace when it goes wrong, whatever it raises.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from shape_magic.capture.blame import was_raised

T = TypeVar("T")

#: Texts that only name something are cut in the middle when they are longer, in characters.
LONGEST = 240
#: What an object says is read so far, in characters: more is data, and no sentence.
_READ = 8_000
_SURROGATE = re.compile("[\ud800-\udfff]")


class Refusal(Exception):
    """The user's code was asked by us alone, and raised what ends programs: SystemExit, KeyboardInterrupt."""


def ask(question: Callable[[], T], otherwise: T) -> T:
    """What an object of the user's answers; ``otherwise`` where it raises anything of its own."""
    try:
        return question()
    except BaseException as error:  # whatever it is, nobody but us has asked
        if goes_on(error):
            raise
        return otherwise


@contextmanager
def asked() -> Iterator[None]:
    """Around a call of the user's code that Keras did not make: what it raises is an ``Exception``."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, Exception) or goes_on(error):
            raise
        raise Refusal(type(error).__name__).with_traceback(error.__traceback__) from error


def goes_on(error: BaseException) -> bool:
    """Whether it has to end the cell, whoever asked: somebody pressed stop, or it is one of our own."""
    if isinstance(error, Exception):
        return False
    if module_of(type(error)).partition(".")[0] == "shape_magic":
        return True
    # Only the main thread is interrupted, and no line of code says ``raise`` for that.
    in_main = threading.current_thread() is threading.main_thread()
    return isinstance(error, KeyboardInterrupt) and in_main and not was_raised(error)


class Unreadable:
    """Stands for an object that raises whatever is asked of it: of that nothing can be said."""


#: What data are asked.
_OF_DATA = ("shape", "dtype", "element_spec", "ndim", "iloc", "__getitem__", "__len__")
_CONTAINERS = (list, tuple, dict)
#: Containers that lie deeper in each other are no data, and of so many parts of each is asked whether they end.
_DEEPEST, _PARTS = 32, 100
#: Classes of these answer.
_KNOWN = frozenset({"builtins", "numpy", "tensorflow", "keras", "pandas"})


def readable(value: T) -> T | Unreadable:
    """The object, or what stands for it where it raises on being looked at, as Keras will do next."""
    if module_of(type(value)) in _KNOWN and not issubclass(type(value), _CONTAINERS):
        return value
    return value if ask(lambda: _answers(value), otherwise=False) else Unreadable()


def _answers(value: object) -> bool:
    isinstance(value, Mapping)
    for name in _OF_DATA:
        getattr(value, name, None)
    return _ends(value, frozenset(), set())


def _ends(value: object, around: frozenset[int], done: set[int]) -> bool:
    """Whether containers in containers end somewhere; of long ones the first parts are looked at."""
    if not issubclass(type(value), _CONTAINERS) or id(value) in done:
        return True
    if id(value) in around or len(around) > _DEEPEST:
        return False
    held: Any = value
    parts = (held[key] for key in held) if isinstance(held, dict) else held
    done_here = all(_ends(part, around | {id(value)}, done) for part in islice(parts, _PARTS))
    done.add(id(value))
    return done_here


def said(value: object) -> str:
    """``str(value)`` as far as anybody would read it; the class in brackets where it has no text."""
    text = value if type(value) is str else ask(lambda: str(value), None)
    return f"<{type(value).__name__}>" if text is None else encodable(str.__str__(text)[:_READ])


def named(value: object) -> str:
    """The text of a name: short, and such that it can be written anywhere."""
    is_one = type(value) is str and len(value) <= LONGEST and value.isascii()  # nearly every name
    return value if is_one else shortened(said(value))  # type: ignore[return-value]


def module_of(thing: object) -> str:
    """The module that a class or function says it is from: anybody can write anything there, or nothing."""
    module: object = getattr(thing, "__module__", None)
    return module if isinstance(module, str) else ""


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text, cut in the middle when it is longer."""
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def encodable(text: str) -> str:
    """The text without halves of surrogate pairs, which no message and no file can hold: ``<U+D800>``."""
    return text if text.isascii() else _SURROGATE.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)
