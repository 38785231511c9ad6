"""What a proof must not do for real: while one runs, these calls do nothing in the worker.

In every other thread they work as ever. They change process-wide state, write files or print; what
they return plays no part in shapes.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from collections.abc import Iterator
from typing import Any

from shape_magic.interrupts import Deferred
from shape_magic.swaps import Place, Swap
from shape_magic.trace.worker import in_worker

#: Module or class, and the names in it.
_STUBBED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("keras.Model", ("save", "save_weights", "load_weights", "export", "summary")),
    ("keras.utils", ("set_random_seed", "clear_session", "plot_model")),
    ("keras.backend", ("clear_session", "set_floatx", "set_image_data_format")),
    ("keras.config", ("set_floatx", "set_dtype_policy", "set_image_data_format", "enable_unsafe_deserialization")),
    ("keras.mixed_precision", ("set_global_policy", "set_dtype_policy")),
    ("keras.src.backend.common.global_state", ("clear_session",)),
    ("tensorflow.random", ("set_seed",)),
    ("tensorflow.config", ("run_functions_eagerly",)),
)


@contextlib.contextmanager
def stubbed() -> Iterator[dict[int, Any]]:
    """Put the stubs in for the length of a proof; gives the stub of each stubbed function by its id."""
    with Deferred(), _stubs:
        yield {id(original): stub for original, stub in _stubs.placed}


def _places() -> Iterator[Place]:
    for place, names in _STUBBED:
        owner = _owner(place)
        yield from ((owner, name, _silent) for name in names if owner is not None and vars(owner).get(name) is not None)


_stubs = Swap(_places)


def _owner(place: str) -> Any:
    module, _, last = place.rpartition(".")
    if place.startswith("tensorflow.") and "tensorflow" not in sys.modules:
        return None  # nobody here calls it, and it takes seconds to import
    try:
        if last[:1].isupper():
            return getattr(importlib.import_module(module), last)
        return importlib.import_module(place)
    except (ImportError, AttributeError):
        return None


def _silent(original: Any) -> Any:
    @functools.wraps(original)
    def stub(*args: Any, **kwargs: Any) -> Any:
        return None if in_worker() else original(*args, **kwargs)

    return stub
