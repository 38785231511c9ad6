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
    undo: list[tuple[Any, str, Any]] = []
    stubs: dict[int, Any] = {}
    try:
        for place, names in _STUBBED:
            owner = _owner(place)
            for name in names:
                original = vars(owner).get(name) if owner is not None else None
                if original is None:
                    continue
                undo.append((owner, name, original))
                stubs[id(original)] = _silent(original)
                setattr(owner, name, stubs[id(original)])
        yield stubs
    finally:
        for owner, name, original in reversed(undo):
            setattr(owner, name, original)


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
