"""Counts that do not depend on the machine: Keras' layer calls, calls of our own functions."""

from __future__ import annotations

import gc
import inspect
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import get_ident
from types import CodeType, FrameType
from typing import Any

import shape_magic
from shape_magic.interrupts import Deferred

_HOME = str(Path(shape_magic.__file__).parent)
#: Calls before Python 3.12, and a part of their function since.
_INLINED = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>"})


@dataclass(slots=True)
class Counts:
    """What happened while they were open, in all threads that were started meanwhile and in this one."""

    #: Calls of Keras layers, eager or symbolic, of a layer or of a clone; not those that a layer makes within its own.
    layer_calls: int = 0
    #: Calls of functions of the package, but for the looks of a wait: how many there are is the machine's doing.
    own_calls: int = 0
    #: How deep each thread is in layers' calls.
    _depths: dict[int, int] = field(default_factory=lambda: defaultdict(int))


@contextmanager
def counted() -> Iterator[Counts]:
    """Count until the block ends."""
    layers, counts, look = _layer_codes(), Counts(), inspect.getattr_static(Deferred, "count").fget.__code__

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            if frame.f_code in layers:
                _enter(counts)
            elif _is_our_call(frame.f_code) and frame.f_code is not look:
                counts.own_calls += 1
        elif event == "return" and frame.f_code in layers:
            counts._depths[get_ident()] -= 1

    before = sys.getprofile(), threading.getprofile()
    # A collection would run our weak references' callbacks, at a moment that nobody chooses.
    gc.collect()
    gc.disable()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield counts
    finally:
        sys.setprofile(before[0])
        threading.setprofile(before[1])
        gc.enable()


def _is_our_call(code: CodeType) -> bool:
    return code.co_filename.startswith(_HOME) and code.co_name not in _INLINED


def _enter(counts: Counts) -> None:
    thread = get_ident()
    counts.layer_calls += counts._depths[thread] == 0
    counts._depths[thread] += 1


def _layer_codes() -> frozenset[CodeType]:
    """A layer is called through ``__call__``; one that is built may be asked for its output's spec directly."""
    import keras

    found = (inspect.unwrap(vars(keras.Layer)[name]) for name in ("__call__", "compute_output_spec"))
    return frozenset(function.__code__ for function in found)
