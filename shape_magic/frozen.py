"""Frozen dataclasses with many fields, quicker to make."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, TypeVar

T = TypeVar("T")


def fills_slots(cls: type[T]) -> type[T]:
    """Give a frozen dataclass with slots an ``__init__`` that fills each slot itself.

    The one that Python writes for it asks ``object.__setattr__`` for each field: of a row with 25 fields that is most
    of what the row takes. A default that a factory makes is made once: it must be nothing that anybody changes.
    """
    scope: dict[str, Any] = {}
    parameters, lines = [], []
    for one in fields(cls):  # type: ignore[arg-type]
        made = one.default_factory() if one.default_factory is not MISSING else one.default
        scope |= {f"put_{one.name}": vars(cls)[one.name].__set__, f"default_{one.name}": made}
        parameters.append(one.name if made is MISSING else f"{one.name}=default_{one.name}")
        lines.append(f"    put_{one.name}(self, {one.name})\n")
    exec(f"def __init__(self, {', '.join(parameters)}):\n{''.join(lines)}", scope)
    quick = scope["__init__"]
    quick.__qualname__, quick.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    quick.__annotations__ = cls.__init__.__annotations__
    cls.__init__ = quick  # type: ignore[method-assign]
    return cls
